"""The turned view of a figure: mirrored along its anti-diagonal, so that an x axis with values becomes an upright one.

What is drawn along a level axis (rows of a forest plot, level bars) then reads as what is drawn along an upright one. The mirror takes
(x, y) of an image of width w and height h to (h - 1 - y, w - 1 - x): bottom becomes left, right becomes top, and values that rise to
the right rise upwards. It is its own inverse. Texts keep what they say; their boxes turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration, AxisReading, PixelTransform
from digitize.axes import Axis
from digitize.legend import LegendEntry
from digitize.lines import Line
from digitize.ocr import TextBox
from digitize.ticks import Side, SideName, TickMarks
from digitize.vector.paths import Drawing, VectorPath

SIDES: dict[SideName, SideName] = {"bottom": "left", "left": "bottom", "top": "right", "right": "top"}


@dataclass(frozen=True)
class Turn:
    """The mirror of an image of shape (h, w)."""

    shape: tuple[int, int]

    @property
    def transform(self) -> PixelTransform:
        """Positions of the image as positions of the turned one."""
        h, w = self.shape
        return PixelTransform(0.0, -1.0, h - 1.0, -1.0, 0.0, w - 1.0)

    @property
    def back(self) -> Turn:
        """The mirror of the turned image."""
        return Turn((self.shape[1], self.shape[0]))

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image mirrored, (w, h) or (w, h, 3)."""
        return np.ascontiguousarray(np.swapaxes(image[::-1, ::-1], 0, 1))

    def box(self, box: Sequence[float]) -> tuple[float, float, float, float]:
        """A box (x0, y0, x1, y1) in the turned view."""
        h, w = self.shape
        x0, y0, x1, y1 = box
        return h - 1 - y1, w - 1 - x1, h - 1 - y0, w - 1 - x0

    def text(self, text: TextBox) -> TextBox:
        """A text, its rotation told as the turned view shows its line."""
        return replace(text, box=self.box(text.box), rotation=0 if text.rotation == 90 else 90)

    def line(self, line: Line) -> Line:
        """A straight line."""
        h, w = self.shape
        across, along = (w, h) if line.upright else (h, w)
        return replace(line, upright=not line.upright, at=across - 1 - line.at, start=along - 1 - line.end, end=along - 1 - line.start)

    def entry(self, entry: LegendEntry) -> LegendEntry:
        """A legend entry."""
        text_box, key_box = ((round(a), round(b), round(c), round(d)) for a, b, c, d in map(self.box, (entry.text_box, entry.key_box)))
        return LegendEntry(entry.name, text_box, key_box)

    def axis(self, axis: Axis) -> Axis:
        """An axis, its calibration refitted to the mirrored ticks."""
        h, w = self.shape
        along, across = (h, w) if axis.side.is_upright else (w, h)
        marks = axis.marks
        line = self.line(marks.axis_line) if marks.axis_line is not None else None
        turned = TickMarks(along - 1 - marks.px[::-1], marks.length[::-1], across - 1 - marks.axis_at, line, marks.inward)
        side = Side(SIDES[axis.side.name], (w, h))
        return Axis(side, tuple(map(self.text, axis.boxes)), turned, _mirrored(axis.reading, along - 1.0), axis.unit)

    def drawing(self, drawing: Drawing) -> Drawing:
        """What the page draws: paths and images; its text layer stays with the upright view."""
        return Drawing(tuple(map(self._path, drawing.paths)), tuple(map(self.box, drawing.images)), (), drawing.missing)

    def _path(self, path: VectorPath) -> VectorPath:
        h, w = self.shape
        points = np.stack([h - 1 - path.points[:, 1], w - 1 - path.points[:, 0]], axis=1)
        return replace(path, points=points, clip=None if path.clip is None else self.box(path.clip))


def _mirrored(reading: AxisReading, last: float) -> AxisReading:
    """The reading with every place p along the axis at last - p; its covariance goes with it exactly."""
    ticks = tuple(replace(t, px=last - t.px) for t in reading.ticks)
    fits = [_mirrored_fit(fit, last) if fit is not None else None for fit in (reading.calibration, reading.runner_up)]
    return replace(reading, calibration=fits[0], runner_up=fits[1], ticks=ticks)


def _mirrored_fit(fit: AxisCalibration, last: float) -> AxisCalibration:
    jacobian = np.array([[1.0, last], [0.0, -1.0]])  # of (intercept + slope last, -slope) by (intercept, slope)
    covariance = jacobian @ fit.covariance @ jacobian.T
    covariance.setflags(write=False)
    ticks = tuple(replace(t, px=last - t.px) for t in fit.ticks)
    return replace(fit, ticks=ticks, slope=-fit.slope, intercept=fit.intercept + fit.slope * last, covariance=covariance)
