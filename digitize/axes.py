"""Numeric axes of a figure: rows and columns of tick labels, the tick marks beside them, and the calibration that both agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration, AxisReading, Label, read_axis
from digitize.lines import Line
from digitize.ocr import TextBox
from digitize.ticks import Side, SideName, TickMarks, find_ticks

MIN_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Axis:
    """A numeric axis that was found: the side it stands on, its labels, tick marks and what they say together."""

    side: Side
    boxes: tuple[TextBox, ...]
    marks: TickMarks
    reading: AxisReading

    @property
    def calibration(self) -> AxisCalibration:
        """The fit; axes without one are never built."""
        assert self.reading.calibration is not None
        return self.reading.calibration

    @property
    def n_used(self) -> int:
        """Labels that agree with the fit."""
        return sum(t.used for t in self.calibration.ticks)

    @property
    def span_px(self) -> tuple[float, float]:
        """First and last used tick along the axis."""
        px = [t.px for t in self.calibration.ticks if t.used]
        return min(px), max(px)

    @property
    def inner_edge(self) -> float:
        """Image x (or y) of the labels' edge towards the plot."""
        return self.side.across(max(self.side.span(b.box)[3] for b in self.boxes))

    @property
    def strength(self) -> float:
        """For ranking: agreeing labels, then strokes and an axis line, less refused labels."""
        return self.n_used - 0.5 * (len(self.boxes) - self.n_used) + 0.6 * self.marks.is_drawn + 0.6 * (self.marks.axis_line is not None)


def find_axes(gray: NDArray[np.uint8], boxes: Sequence[TextBox], lines: Sequence[Line]) -> tuple[Axis, ...]:
    """Every row and column of numbers that reads as an axis, the strongest first; no label serves two axes of the same direction."""
    numeric = [b for b in boxes if b.number_confidence >= MIN_CONFIDENCE and any(c.isdigit() for c in b.number)]
    found: list[Axis] = []
    names: tuple[SideName, ...] = ("left", "right", "bottom", "top")
    for name in names:
        side = Side(name, (gray.shape[0], gray.shape[1]))
        for group in _aligned(numeric, side):
            axis = read_group(gray, side, group, lines)
            if axis is not None:
                found.append(axis)
    found.sort(key=lambda a: -a.strength)
    kept: list[Axis] = []
    for axis in found:
        own = {b.box for b in axis.boxes}
        if not any(k.side.is_upright == axis.side.is_upright and own & {b.box for b in k.boxes} for k in kept):
            kept.append(axis)
    return tuple(kept)


def _aligned(boxes: Sequence[TextBox], side: Side) -> list[list[TextBox]]:
    """Groups of two or more boxes whose edges towards the plot (or middles) stand in one row or column."""
    if not boxes:
        return []
    spans = np.array([side.span(b.box) for b in boxes])
    heights = np.array([b.height for b in boxes])
    turned = np.array([b.rotation for b in boxes])
    groups: dict[tuple[int, ...], list[TextBox]] = {}
    for across in (spans[:, 3], spans[:, 2:].mean(axis=1)):
        for i in range(len(boxes)):
            near = np.abs(across - across[i]) <= 0.45 * heights[i]
            alike = (heights <= 1.5 * heights[i]) & (heights >= heights[i] / 1.5) & (turned == turned[i])
            members = np.flatnonzero(near & alike)
            if members.size >= 2:
                groups.setdefault(tuple(members.tolist()), [boxes[k] for k in members])
    return list(groups.values())


def read_group(gray: NDArray[np.uint8], side: Side, group: Sequence[TextBox], lines: Sequence[Line]) -> Axis | None:
    """The axis that a group of labels makes with the tick marks beside it, or None where they do not fit together."""
    spans = np.array([side.span(b.box) for b in group])
    height = float(np.median([b.height for b in group]))
    marks = find_ticks(gray, side, spans, height, lines)
    labels = [
        Label(px=float(s[:2].mean()), size_px=float(s[1] - s[0] + 1), text=b.number, confidence=b.number_confidence, raised=b.raised, free_text=b.text)
        for s, b in zip(spans, group, strict=True)
    ]
    reading = read_axis(labels, marks.px)
    return Axis(side, tuple(group), marks, reading) if reading.calibration is not None else None
