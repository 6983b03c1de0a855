"""Exact places of tick marks: an axis that was read in the rendering, refitted to the paths that drew its ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from calibration import AxisCalibration
from calibration.axis import SNAPPED_PX, Tick
from digitize.axes import Axis
from digitize.vector.pieces import Stroke

EXACT_PX = 0.02
"""Standard uncertainty of a place that a path gives: programs write two to three decimals of a point."""

NEAR_PX = 1.5
"""How far the rendering may put a tick from its path."""

LABEL_SHARE = 0.35
"""How far, in digit heights, the middle of a label may stand from its gridline."""


def exact_axis(axis: Axis, strokes: Sequence[Stroke]) -> Axis:
    """The axis with its ticks where paths drew them.

    Gridlines serve where no tick marks were found. The axis stays as it is where paths do not explain at least two and 70 % of its ticks,
    or lie less well on one line than what the rendering shows.

    Parameters
    ----------
    axis : Axis
        As read in the rendering.
    strokes : sequence of Stroke
        Straight strokes of the page.
    """
    height = axis.boxes[0].height if axis.boxes else 10.0
    is_drawn = "ticks_missing" not in axis.reading.flags
    at, reach = axis.marks.axis_at, 3.0 + (0.0 if is_drawn else height)
    across = [s for s in strokes if s.upright != axis.side.is_upright and s.start - reach <= at <= s.end + reach]
    if not across:
        return axis
    places = np.unique([s.at for s in across])
    ticks = [_moved(t, places, NEAR_PX if is_drawn else max(NEAR_PX, LABEL_SHARE * height)) for t in axis.calibration.ticks]
    n_moved = sum(new is not old and new.used for new, old in zip(ticks, axis.calibration.ticks, strict=True))
    if n_moved < max(2.0, 0.7 * axis.n_used):
        return axis
    calibration = AxisCalibration.from_ticks(tuple(ticks), scale=axis.calibration.scale)
    if calibration.rmse_px > max(0.2, axis.calibration.rmse_px):
        return axis
    flags = tuple(f for f in axis.reading.flags if f != "ticks_missing")
    return replace(axis, reading=replace(axis.reading, calibration=calibration, ticks=tuple(ticks), flags=flags))


def place_noise(axes: Sequence[Axis]) -> float:
    """Standard uncertainty (px) of places on a page, as its tick marks show it: how far they lie from the fitted axes."""
    noise = [EXACT_PX]
    for axis in axes:
        used = axis.n_used
        if used > 2:
            noise.append(axis.calibration.rmse_px * math.sqrt(used / (used - 2)))
    return max(noise)


def _moved(tick: Tick, places: np.ndarray[tuple[int], np.dtype[np.float64]], near: float) -> Tick:
    """The tick at the nearest stroke; what a rounded label adds to its uncertainty stays."""
    nearest = float(places[np.abs(places - tick.px).argmin()])
    if abs(nearest - tick.px) > near:
        return tick
    rounding = max(0.0, tick.u_px**2 - SNAPPED_PX**2)
    return replace(tick, px=nearest, u_px=math.hypot(math.sqrt(rounding), EXACT_PX))
