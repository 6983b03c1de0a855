"""Panels: which axes belong together, and where the plot between them lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration import CategoryAxis
from digitize.axes import Axis
from digitize.lines import Line
from digitize.ocr import TextBox

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Categories:
    """The names along an axis without numbers, as read: a category axis and the boxes that it came from."""

    axis: CategoryAxis
    boxes: tuple[TextBox, ...]


@dataclass(frozen=True)
class Panel:
    """One plot of a figure, in straightened pixels.

    `box` (x0, y0, x1, y1) is the inside of the plot, within its axis lines; `x` is numeric, of names, or None where nothing could be read;
    `texts` are the boxes that belong to neither axis; `height` is the height of the tick labels' digits.
    """

    image: NDArray[np.uint8]
    box: tuple[int, int, int, int]
    y: Axis
    x: Axis | Categories | None
    texts: tuple[TextBox, ...]
    lines: tuple[Line, ...]
    height: float
    flags: tuple[str, ...] = ()

    @property
    def crop(self) -> NDArray[np.uint8]:
        """The inside of the plot, (h, w, 3)."""
        x0, y0, x1, y1 = self.box
        return self.image[y0 : y1 + 1, x0 : x1 + 1]


def find_panels(image: NDArray[np.uint8], axes: Sequence[Axis], boxes: Sequence[TextBox], lines: Sequence[Line]) -> tuple[Panel, ...]:
    """The panels that the axes of a figure make, left to right and top to bottom."""
    uprights = [a for a in axes if a.side.name == "left" and a.n_used >= 2]
    if not uprights:
        uprights = [a for a in axes if a.side.name == "right" and a.n_used >= 2]
    panels: list[Panel] = []
    taken: list[Box] = []
    for y in uprights:
        x = _axis_below(y, [a for a in axes if a.side.name == "bottom"])
        box = _plot_box(image, y, x, lines)
        if box is None or any(_overlap(box, t) > 0.3 for t in taken):
            continue
        taken.append(box)
        panels.append(_panel(image, y, x, box, boxes, lines, axes))
    return tuple(sorted(panels, key=lambda p: (round(p.box[1] / 50), p.box[0])))


def _axis_below(y: Axis, rows: Sequence[Axis]) -> Axis | None:
    """The row of numbers under an upright axis: it starts near its lower end and runs to its right."""
    lo, hi = y.span_px
    at = y.marks.axis_at
    best: tuple[float, Axis] | None = None
    for row in rows:
        first, last = row.span_px
        gap = row.inner_edge - hi
        height = row.boxes[0].height
        beside = last > at + 2 * height and first > at - 0.15 * (last - first) - 2 * height
        if beside and -1.5 * height < gap < max(0.6 * (hi - lo), 8 * height):
            cost = abs(gap) + 0.3 * max(0.0, first - at)
            if best is None or cost < best[0]:
                best = (cost, row)
    return best[1] if best else None


def _plot_box(image: NDArray[np.uint8], y: Axis, x: Axis | None, lines: Sequence[Line]) -> tuple[int, int, int, int] | None:
    """Inside of the plot between an upright axis and what bounds it below, above and to the right."""
    lo, hi = y.span_px
    left = y.marks.axis_at
    axis = y.marks.axis_line
    pad = 0.06 * (hi - lo)
    top, bottom = (min(axis.start, lo), max(axis.end, hi)) if axis is not None else (lo - pad, hi + pad)
    level = [line for line in lines if not line.upright and line.start < left + 0.25 * line.length + 5 and line.end > left + 20]
    if x is not None:
        first, last = x.span_px
        bottom = x.marks.axis_at
        right = max(last + 0.06 * (last - first), x.marks.axis_line.end if x.marks.axis_line is not None else 0.0)
    else:
        below = [line for line in level if hi - 0.1 * (hi - lo) <= line.at <= max(bottom, hi) + 2 * pad]
        base = max(below, key=lambda line: line.length, default=None)
        bottom, right = (base.at, base.end) if base is not None else (bottom, float(image.shape[1] - 1))
        last = right
    margin = 2 + (axis.width / 2 if axis is not None else 0.0)
    dark = 0.6 * axis.depth if axis is not None else 100.0
    wall = [
        line.at
        for line in lines
        if line.upright and line.depth >= dark and last - 3 <= line.at <= right + 0.15 * (right - left) and line.at > left + 40 and line.length >= 0.85 * (hi - lo)
    ]
    lid = [line.at for line in level if lo - 0.2 * (hi - lo) <= line.at <= lo + 2 and line.length >= 0.7 * (right - left)]
    x1 = max(wall) - margin if wall else right
    y0 = min(lid) + margin if lid else top
    box = (round(left + margin), max(0, round(y0)), min(image.shape[1] - 1, round(x1)), min(image.shape[0] - 1, round(bottom - margin)))
    return box if box[2] - box[0] >= 30 and box[3] - box[1] >= 30 else None


def _overlap(a: Sequence[float], b: Sequence[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def _panel(
    image: NDArray[np.uint8],
    y: Axis,
    x: Axis | None,
    box: tuple[int, int, int, int],
    boxes: Sequence[TextBox],
    lines: Sequence[Line],
    axes: Sequence[Axis],
) -> Panel:
    height = float(np.median([b.height for b in y.boxes]))
    own = {b.box for axis in (y, x) if axis is not None for b in axis.boxes}
    free = [b for b in boxes if b.box not in own]
    below: Axis | Categories | None = x if x is not None else _categories(free, box, height)
    if isinstance(below, Categories):
        named = {b.box for b in below.boxes}
        free = [b for b in free if b.box not in named]
    flags = []
    for axis in axes:
        if axis.side.name == "right" and axis is not y and axis.n_used >= 3:
            near = abs(axis.marks.axis_at - box[2]) < 3 * height
            if near and min(axis.span_px[1], box[3]) - max(axis.span_px[0], box[1]) > 0.5 * (box[3] - box[1]):
                flags.append("second_y_axis")
    return Panel(image, box, y, below, tuple(free), tuple(lines), height, tuple(flags))


def _categories(boxes: Sequence[TextBox], plot: tuple[int, int, int, int], height: float) -> Categories | None:
    """The first row of texts under the plot."""
    x0, _, x1, y1 = plot
    under = [
        b
        for b in boxes
        if b.rotation == 0 and x0 - height < (b.box[0] + b.box[2]) / 2 < x1 + height and 0 <= b.box[1] - y1 < 4.5 * height and any(c.isalnum() for c in b.text)
    ]
    if not under:
        return None
    top = min(b.box[1] for b in under)
    row = sorted((b for b in under if b.box[1] < top + 0.8 * height), key=lambda b: b.box[0])
    return Categories(CategoryAxis(tuple(b.text for b in row), tuple((b.box[0] + b.box[2]) / 2 for b in row)), tuple(row))
