"""Axes whose ticks a person gave by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration, AxisReading, PixelTransform, scale_named
from digitize.axes import Axis
from digitize.lines import Line
from digitize.ocr import TextBox
from digitize.ticks import Side, TickMarks

CLICKED_PX = 0.5  # px: how well a person points at a tick


@dataclass(frozen=True)
class GivenAxis:
    """Ticks of an axis as a person gave them: (px, value) each, px being the x or y in the original image."""

    axis: Literal["x", "y"]
    ticks: tuple[tuple[float, float], ...]
    scale: Literal["linear", "log10"] = "linear"


def with_given(
    axes: Sequence[Axis], given: Sequence[GivenAxis], shape: tuple[int, int], lines: Sequence[Line], to_original: PixelTransform
) -> tuple[Axis, ...]:
    """The axes found, with those that a person gave in place of all others of their direction.

    Raises
    ------
    ValueError
        If the ticks given do not calibrate an axis.
    """
    result = list(axes)
    for one in given:
        is_upright = one.axis == "y"
        same = [a for a in result if a.side.is_upright == is_upright]
        result = [a for a in result if a.side.is_upright != is_upright]
        result.append(_axis(one, same, shape, lines, to_original))
    return tuple(result)


def _axis(one: GivenAxis, found: Sequence[Axis], shape: tuple[int, int], lines: Sequence[Line], to_original: PixelTransform) -> Axis:
    is_upright = one.axis == "y"
    px, values = np.array(one.ticks, dtype=float).T
    marks, boxes, side = _place(found, is_upright, px, shape, lines)
    across = np.full(px.shape, marks.axis_at)
    points = np.stack([across, px] if is_upright else [px, across], axis=1)
    straight = (~to_original).apply(points)[:, 1 if is_upright else 0]
    calibration = AxisCalibration.fit(straight, values, scale=scale_named(one.scale), u_px=CLICKED_PX, labels=[f"{v:g}" for v in values])
    reading = AxisReading(calibration, None, (), "ticks given by hand", calibration.ticks)
    return Axis(side, boxes, marks, reading)


def _place(
    found: Sequence[Axis], is_upright: bool, px: NDArray[np.float64], shape: tuple[int, int], lines: Sequence[Line]
) -> tuple[TickMarks, tuple[TextBox, ...], Side]:
    """Where the axis stands: where one was found, else on the outermost line along its ticks, else at the edge of the image."""
    if found:
        return found[0].marks, found[0].boxes, found[0].side
    side = Side("left" if is_upright else "bottom", shape)
    lo, hi = float(px.min()), float(px.max())
    along = [line for line in lines if line.upright == is_upright and min(line.end, hi) - max(line.start, lo) >= 0.6 * (hi - lo)]
    line = (min if is_upright else max)(along, key=lambda each: each.at, default=None)
    at = line.at if line is not None else (0.0 if is_upright else float(shape[0] - 1))
    return TickMarks(px, np.zeros_like(px), at, line), (), side
