"""Points of curves at given x, whatever the curve was read from: where they stand, and what they are worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibration import AxisCalibration
from digitize.axes import Axis
from digitize.panels import Panel
from digitize.series import Mark, Place


def places_along_x(panel: Panel, at: Sequence[float]) -> list[tuple[float, float]]:
    """The x that were asked for, left to right, each with its column (px of the figure; NaN where the axis has no such value)."""
    if not isinstance(panel.x, Axis):
        return []
    calibration = panel.x.calibration
    with np.errstate(invalid="ignore", divide="ignore"):
        px = [float(calibration.to_pixel(v)) if calibration.scale.name != "log10" or v > 0 else float("nan") for v in at]
    return sorted(zip(at, px, strict=True), key=lambda each: (np.isnan(each[1]), each[1]))


def u_column(calibration: AxisCalibration, px: float) -> float:
    """How well the axis tells the column of a value, px."""
    per_px = abs(float(calibration.to_value(px + 0.5)) - float(calibration.to_value(px - 0.5)))
    return float(calibration.u_value(px, 0.0)) / per_px if per_px > 0 else 0.0


def mark_at(x: float, y: float, u_y: float, slope: float, panel: Panel, flags: Sequence[str], given: float | None) -> Mark:
    """A point of a curve: what is not known of its column is not known of its row where the curve is steep."""
    u_x = u_column(panel.x.calibration, x) if isinstance(panel.x, Axis) else 0.0
    confidence = 0.6 if flags else 0.97
    return Mark(Place(x, 0.0), Place(y, float(np.hypot(u_y, slope * u_x))), flags=tuple(flags), confidence=confidence, given_x=given)


def off_curve(x: float, panel: Panel, given: float) -> Mark:
    """A point that has no value because the curve does not reach it."""
    column = float(np.clip(x, panel.box[0], panel.box[2])) if np.isfinite(x) else float(panel.box[0])
    return Mark(Place(column, 0.0), Place(float("nan"), 0.0), flags=("off_curve",), confidence=0.6, given_x=given)
