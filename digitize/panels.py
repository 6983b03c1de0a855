"""Panels: which axes belong together, and where the plot between them lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration, is_date
from digitize.axes import Axis, read_names
from digitize.brokenaxes import are_on_one_line, parting_line
from digitize.categories import Categories, find_categories
from digitize.lines import Line
from digitize.ocr import TextBox
from digitize.plotbox import LEAST_SIDE, Box, frame_walls, plot_box
from digitize.ticks import Side
from digitize.vector.frame import framed, with_bars
from digitize.vector.paths import Drawing
from digitize.vector.pieces import pieces_of

__all__ = ["Box", "Categories", "Panel", "find_panels"]

COLUMN = 0.2  # width over height up to which a panel without anything along x is none
FOOT_PX = 3  # within which a level line is the foot of a plot
SHARED = "shared_axis"


@dataclass(frozen=True)
class Panel:
    """One plot of a figure, in straightened pixels.

    `box` (x0, y0, x1, y1) is the inside of the plot, within its axis lines; `x` is numeric, of names, or None where nothing could be read;
    `texts` are the boxes that belong to neither axis; `height` is the height of the tick labels' digits; `drawing`
    is what the page draws, where it is not an image. `is_turned` tells that all this is in the turned view (`digitize.turned`): the panel's
    values run along the x axis of the figure. `is_bilevel` tells that the image was in black and white alone.
    """

    image: NDArray[np.uint8]
    box: Box
    y: Axis
    x: Axis | Categories | None
    texts: tuple[TextBox, ...]
    lines: tuple[Line, ...]
    height: float
    flags: tuple[str, ...] = ()
    drawing: Drawing = field(default_factory=Drawing)
    is_turned: bool = False
    is_bilevel: bool = False

    @property
    def calibrations(self) -> dict[str, AxisCalibration]:
        """The fits of the axes that hold numbers, by the name of the axis."""
        axes = {"y": self.y, "x": self.x}
        return {name: axis.calibration for name, axis in axes.items() if isinstance(axis, Axis)}

    @property
    def has_numbers_along_x(self) -> bool:
        """Whether places along x tell values, as those of level error bars: where only names stand there nothing lies between two."""
        return not self.is_turned and (isinstance(self.x, Axis) or (self.x is not None and self.x.numbers is not None))

    @property
    def crop(self) -> NDArray[np.uint8]:
        """The inside of the plot, (h, w, 3)."""
        x0, y0, x1, y1 = self.box
        return self.image[y0 : y1 + 1, x0 : x1 + 1]


def find_panels(
    image: NDArray[np.uint8], axes: Sequence[Axis], boxes: Sequence[TextBox], lines: Sequence[Line], drawing: Drawing | None = None
) -> tuple[Panel, ...]:
    """The panels that the axes of a figure make, left to right and top to bottom; `drawing` is what the page draws, where that is known."""
    drawing = drawing or Drawing()
    pieces = pieces_of(drawing.paths)
    credible = [a for a in axes if _is_credible(a)]
    uprights = [a for a in credible if a.side.name == "left"]
    if not uprights:
        uprights = [a for a in credible if a.side.name == "right"]
    rows = [a for a in axes if a.side.name == "bottom" and _may_be_row(a)]
    panels: list[Panel] = []
    for y in uprights:
        ceiling, floor = _own_rows(y, uprights, lines)
        x = _axis_below(y, rows)
        x = None if x is not None and x.marks.axis_at > floor + FOOT_PX else x
        limit = _next_axis(y, uprights, image.shape[1])
        limit = min(limit, _wall_behind(x, rows, lines)) if x is not None and y.side.name == "left" else limit
        beside = x if x is not None and _is_sure_row(x, boxes) else None  # two numbers may be part of a row of names: they end no plot
        box = plot_box(image, y, beside, lines, limit)
        if box is not None and pieces and y.side.name == "left":
            box = framed(box, y.marks.axis_at, y.span_px, pieces)
            box = with_bars(box, pieces, limit) if beside is None else box
        if box is not None and (box[3] > floor or box[1] < ceiling):
            box = (box[0], round(max(box[1], ceiling + FOOT_PX)), box[2], round(min(box[3], floor - FOOT_PX)))
        if box is not None and all(_overlap(box, p.box) <= 0.3 for p in panels):
            panels.append(_panel(image, y, x, box, boxes, lines, axes))
    panels = [p for p in panels if not _is_column(p)]
    panels += _with_shared_y(image, panels, rows, boxes, lines)
    panels += _framed_beside(image, panels, axes, boxes, lines)
    panels = [_with_shared_x(p, panels) for p in panels]
    panels += _inner_cells(panels)
    panels = [replace(p, drawing=drawing) for p in panels]
    return tuple(sorted(panels, key=lambda p: (round(p.box[1] / 50), p.box[0])))


def _own_rows(axis: Axis, axes: Sequence[Axis], lines: Sequence[Line]) -> tuple[float, float]:
    """The rows of the level lines that part the plot of an upright axis from those right above and below on the same axis line.

    Infinite where no plot follows.
    """
    mates = [other for other in axes if other.marks.axis_line == axis.marks.axis_line]  # plots apart end with their own lines
    above = [parting_line(other, axis, lines) for other in mates if are_on_one_line(other, axis)]
    below = [parting_line(axis, other, lines) for other in mates if are_on_one_line(axis, other)]
    ceiling = max((line.at for line in above if line is not None), default=-np.inf)
    return ceiling, min((line.at for line in below if line is not None), default=np.inf)


def _wall_behind(x: Axis, rows: Sequence[Axis], lines: Sequence[Line]) -> float:
    """Right behind the upright line that parts the plot of a level axis from the next one right of it on the same line; else infinite."""
    foot, last = x.marks.axis_at, x.span_px[1]
    own = x.marks.axis_line
    nexts = [a.span_px[0] for a in rows if own is not None and a.marks.axis_line == own and a.span_px[0] > last]
    upright = [line for line in lines if line.upright and line.start < foot - LEAST_SIDE and abs(line.end - foot) <= FOOT_PX]
    walls = [line.at for line in upright if nexts and last - 2 < line.at < min(nexts) + 2]
    return min(walls, default=np.inf) + FOOT_PX


def _is_column(panel: Panel) -> bool:
    """Whether a panel is no more than the column of a table, or the strip beside an axis at the right of a plot."""
    x0, y0, x1, y1 = panel.box
    return bool(panel.y.boxes) and panel.x is None and x1 - x0 < COLUMN * (y1 - y0)


def _is_credible(axis: Axis) -> bool:
    """Whether a column of numbers may be an axis: two numbers need a line with tick marks beside them, three one of both.

    An axis without labels was given by a person, who is believed.
    """
    if not axis.boxes:
        return True
    evidence = axis.marks.is_drawn + (axis.marks.axis_line is not None)
    return axis.n_used >= 4 or axis.n_used + evidence >= 4


def _may_be_row(axis: Axis) -> bool:
    """Whether numbers may be a level axis: turned ones stand in a row as well where they are labels of upright axes side by side."""
    is_turned = any(b.rotation != 0 for b in axis.boxes)
    return not is_turned or axis.marks.is_drawn or axis.marks.axis_line is not None or axis.n_used > 2


def _axis_below(y: Axis, rows: Sequence[Axis]) -> Axis | None:
    """The row of numbers under an upright axis: it starts near its lower end and runs into the plot."""
    lo, hi = y.span_px
    at = y.marks.axis_at
    line = y.marks.axis_line
    foot = max(hi, line.end) if line is not None else hi
    own = {b.box for b in y.boxes}
    best: tuple[float, Axis] | None = None
    for row in rows:
        # Distances from the upright axis into the plot.
        first, last = sorted((px - at) * (-1 if y.side.name == "right" else 1) for px in row.span_px)
        gap = min(row.inner_edge - hi, max(0.0, row.inner_edge - foot))
        height = row.boxes[0].height if row.boxes else 0.0
        beside = last > 2 * height and first > -0.15 * (last - first) - 2 * height
        if beside and -1.5 * height <= gap < max(0.6 * (hi - lo), 8 * height):
            # Two numbers, one of them a label of the upright axis, make a row only where there is no other.
            is_borrowed = row.n_used < 3 and bool(own & {b.box for b in row.boxes})
            cost = abs(gap) + 0.3 * max(0.0, first) + (hi - lo) * is_borrowed
            if best is None or cost < best[0]:
                best = (cost, row)
    return best[1] if best else None


def _next_axis(y: Axis, uprights: Sequence[Axis], width: int) -> float:
    """Where the labels of the next panel begin, else the edge of the image: no plot reaches beyond."""
    lo, hi = y.span_px
    at = y.marks.axis_at
    others = [a for a in uprights if a.boxes and _shares_rows(a, lo, hi)]
    if y.side.name == "right":
        ends = [max(b.box[2] for b in a.boxes) for a in others if a.marks.axis_at < at - LEAST_SIDE]
        return max([end for end in ends if end < at], default=-1.0)
    starts = [min(b.box[0] for b in a.boxes) for a in others if a.marks.axis_at > at + LEAST_SIDE]
    return min([start for start in starts if start > at], default=float(width))


def _shares_rows(axis: Axis, lo: float, hi: float) -> bool:
    """Whether an upright axis runs beside the rows lo to hi for half of their length or more."""
    first, last = axis.span_px
    return min(last, hi) - max(first, lo) > 0.5 * min(hi - lo, last - first)


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
    box: Box,
    boxes: Sequence[TextBox],
    lines: Sequence[Line],
    axes: Sequence[Axis],
) -> Panel:
    height = float(np.median([b.height for b in y.boxes])) if y.boxes else 0.03 * image.shape[0]
    own = {b.box for b in y.boxes}
    if x is None:
        box = _above_names(box, [b for b in boxes if b.box not in own], y.span_px[1], height)
    below = _along_x(x, [b for b in boxes if b.box not in own], box, height)
    if below is None or (isinstance(below, Categories) and len(below.boxes) < 2):
        below = _axis_above(axes, box, height) or below
    if isinstance(below, Categories):
        below = _with_numbers(image, below, lines)
    own |= {b.box for b in below.boxes} if below is not None else set()
    others = [a for a in axes if a is not y and a is not x]
    flags: tuple[str, ...] = ("second_y_axis",) if any(_stands_right(a, box, height) for a in others) else ()
    flags += ("inset",) if any(_stands_inside(a, box) for a in others) else ()
    return Panel(image, box, y, below, tuple(b for b in boxes if b.box not in own), tuple(lines), height, flags)


def _above_names(box: Box, boxes: Sequence[TextBox], lowest: float, height: float) -> Box:
    """The plot, ended above a row of names that stands below the lowest tick: without a line nothing else tells where it ends."""
    x0, y0, x1, y1 = box
    words = [b for b in boxes if b.rotation == 0 and (is_date(b.text) or any(c.isalpha() for c in b.text))]
    names = [b for b in words if x0 < (b.box[0] + b.box[2]) / 2 < x1]
    tops = [b.box[1] for b in names if lowest + 0.3 * height < b.box[1] < y1]
    return (x0, y0, x1, max(round(min(tops) - 0.3 * height), round(lowest))) if len(tops) >= 2 else box


def _along_x(x: Axis | None, boxes: Sequence[TextBox], box: Box, height: float) -> Axis | Categories | None:
    """The numbers along the x axis, or the names where two numbers without ticks are no more than part of a row of names."""
    if x is not None and _is_sure_row(x, boxes):
        return x
    names = find_categories(boxes, box, height)
    return names if x is None or (names is not None and len(names.boxes) > x.n_used) else x


def _with_numbers(image: NDArray[np.uint8], names: Categories, lines: Sequence[Line]) -> Categories:
    """The names with the axis of dates or counted words that they make, if they do; fractions are left to be names."""
    if not (names.are_dates or any(c.isdigit() for b in names.boxes for c in b.text)) or len(names.boxes) < 3:
        return names
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return replace(names, numbers=read_names(gray, Side("bottom", (gray.shape[0], gray.shape[1])), names.boxes, lines))


def _is_sure_row(x: Axis, boxes: Sequence[TextBox]) -> bool:
    """Whether numbers along x are more than two, or have tick marks and no other texts in their row, or were given by a person."""
    if x.n_used > 2 or not x.boxes:
        return True
    own, row = {b.box for b in x.boxes}, x.boxes[0]
    middle = (row.box[1] + row.box[3]) / 2
    others = [b for b in boxes if b.box not in own and abs((b.box[1] + b.box[3]) / 2 - middle) < 0.3 * row.height]
    return x.marks.is_drawn and sum(any(map(str.isalnum, b.text)) for b in others) < 2


def _axis_above(axes: Sequence[Axis], box: Box, height: float) -> Axis | None:
    """The numbers along the head of a plot, three or more, or two that are sure."""
    x0, y0, x1, _ = box
    near = [a for a in axes if a.side.name == "top" and (a.n_used >= 3 or a.reading.is_sure) and abs(a.marks.axis_at - y0) < 3 * height]
    along = [a for a in near if min(a.span_px[1], x1) - max(a.span_px[0], x0) > 0.5 * (x1 - x0)]
    return max(along, key=lambda a: a.strength, default=None)


def _stands_right(axis: Axis, box: Box, height: float) -> bool:
    """Whether an axis stands at the right side of a plot, along half of it or more."""
    near = axis.side.name == "right" and axis.n_used >= 3 and abs(axis.marks.axis_at - box[2]) < 3 * height
    return near and min(axis.span_px[1], box[3]) - max(axis.span_px[0], box[1]) > 0.5 * (box[3] - box[1])


def _stands_inside(axis: Axis, box: Box) -> bool:
    """Whether an axis stands wholly within a plot, as that of an inset does."""
    is_axis = axis.n_used >= 2 and axis.marks.is_drawn and axis.marks.axis_line is not None and len(axis.boxes) > 0
    x0, y0, x1, y1 = box
    return is_axis and all(x0 < b.box[0] and y0 < b.box[1] and b.box[2] < x1 and b.box[3] < y1 for b in axis.boxes)


def _with_shared_y(
    image: NDArray[np.uint8], panels: Sequence[Panel], rows: Sequence[Axis], boxes: Sequence[TextBox], lines: Sequence[Line]
) -> list[Panel]:
    """The plots that have an x axis of their own and share the labels of the y axis at their left."""
    used = [id(p.x) for p in panels]
    found: list[Panel] = []
    for x in sorted(rows, key=lambda row: row.span_px[0]):
        if id(x) in used or x.n_used < 2 or not x.marks.is_drawn:
            continue
        first, last = x.span_px
        line = x.marks.axis_line
        left, right = (line.start, line.end) if line is not None else (first - 0.05 * (last - first), last + 0.05 * (last - first))
        mates = [p for p in (*panels, *found) if abs(p.box[3] - x.marks.axis_at) < 0.7 * p.height + 3 and p.box[2] <= first]
        if not mates or right - left < LEAST_SIDE:
            continue
        mate = max(mates, key=lambda p: p.box[2])
        if _has_labels_between(boxes, mate, left):
            continue
        box = (max(round(left) + 3, mate.box[2] + 3), mate.box[1], min(round(right) - 3, image.shape[1] - 1), mate.box[3])
        if box[2] - box[0] >= LEAST_SIDE and all(_overlap(box, p.box) <= 0.1 for p in (*panels, *found)):
            own = {b.box for b in (*mate.y.boxes, *x.boxes)}
            texts = tuple(b for b in boxes if b.box not in own)
            found.append(_sharing(Panel(image, box, mate.y, x, texts, tuple(lines), mate.height, mate.flags)))
    return found


def _has_labels_between(boxes: Sequence[TextBox], mate: Panel, left: float) -> bool:
    """Whether numbers stand in a column between a plot and the next one: that has labels of its own, though they made no axis."""
    _, y0, x1, y1 = mate.box
    numbers = [b for b in boxes if b.number_confidence > 0.5 and any(c.isdigit() for c in b.number)]
    beside = [b for b in numbers if x1 < b.box[0] and b.box[2] < left + 2]
    level = [b for b in beside if y0 - mate.height < (b.box[1] + b.box[3]) / 2 < y1]
    return any(abs(a.box[2] - b.box[2]) < mate.height and a is not b for a in level for b in level)


def _framed_beside(
    image: NDArray[np.uint8], panels: Sequence[Panel], axes: Sequence[Axis], boxes: Sequence[TextBox], lines: Sequence[Line]
) -> list[Panel]:
    """The plots whose frames stand right beside a panel's, as high and about as wide, without y labels between: they share its y axis."""
    found: list[Panel] = []
    queue = list(panels)
    while queue:
        panel = queue.pop()
        x0, y0, x1, y1 = panel.box
        sides = [line for line in lines if line.upright and line.end - line.start > 0.9 * (y1 - y0)]
        own = next((line for line in sides if abs(line.at - x0) < 6 and line.start < y0 + 8 and line.end > y1 - 8), None)
        walls = frame_walls(own, lines, own.at + LEAST_SIDE) if own is not None else []
        reach = 3 * panel.height
        if len(walls) < 2 or abs(walls[0] - x1) > reach:
            continue
        # The next frame has a side of its own there, or the two have one in common.
        left, right = (walls[1], walls[2]) if len(walls) > 2 and walls[1] - walls[0] <= reach else (walls[0], walls[1])
        box = (round(left) + 3, y0, round(right) - 3, y1)
        if not 0.6 < (box[2] - box[0]) / (x1 - x0) < 1.6 or _has_labels_between(boxes, panel, left):
            continue
        if all(_overlap(box, p.box) <= 0.1 for p in (*panels, *found)):
            found.append(_sharing(_panel(image, panel.y, None, box, boxes, lines, axes)))
            queue.append(found[-1])
    return found


def _sharing(panel: Panel) -> Panel:
    """The panel, flagged as one whose y axis is that of a plot beside it."""
    return replace(panel, flags=tuple(dict.fromkeys((*panel.flags, SHARED))))


def _inner_cells(panels: Sequence[Panel]) -> list[Panel]:
    """The framed plots of a grid that have no labels of their own: their y axis is that of their row, their x axis that of their column."""
    found: list[Panel] = []
    for row in panels:
        for column in panels:
            box = (column.box[0], row.box[1], column.box[2], row.box[3])
            is_inner = column.box[1] > row.box[3] and column.box[0] > row.box[2] and isinstance(column.x, Axis)
            if is_inner and all(_overlap(box, p.box) <= 0.1 for p in (*panels, *found)) and _is_framed(box, row.lines):
                found.append(_sharing(replace(row, box=box, x=column.x)))
    return found


def _is_framed(box: Box, lines: Sequence[Line]) -> bool:
    """Whether a line stands along the left side of a box."""
    x0, y0, _, y1 = box
    return any(line.upright and abs(line.at - x0) < 6 and min(line.end, y1) - max(line.start, y0) > 0.8 * (y1 - y0) for line in lines)


def _with_shared_x(panel: Panel, panels: Sequence[Panel]) -> Panel:
    """A panel without labels along x (or with letters of panels there) takes those of the panel under it, where both are equally wide."""
    if panel.x is not None and not (isinstance(panel.x, Categories) and panel.x.may_be_letters):
        return panel
    tolerance = 2 * panel.height
    alike = [p for p in panels if p.x is not None and max(abs(p.box[0] - panel.box[0]), abs(p.box[2] - panel.box[2])) < tolerance]
    under = [p for p in alike if p.box[1] > panel.box[3]]
    return replace(panel, x=min(under, key=lambda p: p.box[1]).x) if under else panel
