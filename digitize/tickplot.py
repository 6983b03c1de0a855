"""A picture of how well an axis was read: the residual of every tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calibration import AxisCalibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_residuals(axis: AxisCalibration, ax: Axes) -> Axes:
    """Draw the distance of each tick from the fitted axis (px) over its position, used ticks filled, refused ones crossed with their label.

    The band is 1.96 standard uncertainties of the fitted axis: what the values of a panel share.

    Parameters
    ----------
    axis : AxisCalibration
    ax : Axes
        Where to draw; returned.
    """
    ticks = axis.ticks
    px = np.array([t.px for t in ticks])
    residuals = axis.residuals_px
    used = np.array([t.used for t in ticks])
    along = np.linspace(px.min(), px.max(), 101)
    values = np.asarray(axis.to_value(along))
    share = np.asarray(axis.u_shared(along)) * np.asarray(axis.scale.derivative(values)) / abs(axis.slope)
    ax.fill_between(along, -1.96 * share, 1.96 * share, color="0.9", linewidth=0)
    ax.axhline(0.0, color="0.5", linewidth=0.8)
    ax.errorbar(px[used], residuals[used], yerr=[t.u_px for t in ticks if t.used], fmt="o", color="#006e00", markersize=4, capsize=2)
    for tick in ticks:
        if not tick.used:
            ax.plot(tick.px, 0.0, "x", color="#dc0000", markersize=7)
            said = f"{tick.label} refused"
            ax.annotate(said, (tick.px, 0.0), xytext=(0, 8), textcoords="offset points", ha="center", color="#dc0000", fontsize=8)
    ax.set_xlabel("Position along the axis (px)")
    ax.set_ylabel("Tick minus fit (px)")
    ax.set_title(f"{axis.scale.name} axis, {int(used.sum())} of {len(ticks)} ticks used, RMS {axis.rmse_px:.2f} px", fontsize=10)
    return ax
