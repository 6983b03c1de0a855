"""Where a plot lies between its axes: the inside of its frame, or what the ends of its lines and ticks tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.ink import paper_color
from digitize.lines import Line

Box = tuple[int, int, int, int]
LEAST_SIDE = 30  # px: nothing smaller is a plot
INKED = 40.0  # grey levels between ink and paper
WIDENED_SHARE = 0.25  # of a plot's width by which a baseline may run beyond the last label
SAME_END = 4.0  # px by which the ends of the two sides of one frame may differ
LID_SHARE = 0.7  # of a plot's width that the line above it covers
GAP_SHARE, UNEVEN_SHARE = 0.3, 0.2  # of a panel's width: the widest gap between two, and by how much they differ
DARK_SHARE = 0.6  # of an axis line's darkness: fainter lines are gridlines


@dataclass(frozen=True)
class _Sides:
    """The axes of a plot whose upright one stands at its left.

    Rows `lo` to `hi` and column `at` of the upright one's ticks, and its line; columns `first` to `last` and row `foot` of the level one's
    ticks, and its line (None where there is no level axis).
    """

    lo: float
    hi: float
    at: float
    line: Line | None
    first: float = 0.0
    last: float = 0.0
    foot: float | None = None
    foot_line: Line | None = None

    @classmethod
    def of(cls, y: Axis, x: Axis | None) -> _Sides:
        """The sides that two axes make."""
        upright = cls(*y.span_px, y.marks.axis_at, y.marks.axis_line)
        if x is None:
            return upright
        first, last = x.span_px
        foot, line = x.marks.axis_at, upright.line
        if x.marks.axis_line is None and line is not None and x.boxes and line.end >= upright.hi - 3:
            # Where the level line hides under bars the upright one still ends on it.
            foot = line.end if line.end <= foot <= line.end + x.boxes[0].height else foot
        return replace(upright, first=first, last=last, foot=foot, foot_line=x.marks.axis_line)

    def mirrored(self, width: int) -> _Sides:
        """The sides of the plot seen in a mirror that stands upright."""
        line, foot_line = (mirrored_line(line, width) if line is not None else None for line in (self.line, self.foot_line))
        sides = replace(self, at=width - 1 - self.at, line=line, foot_line=foot_line)
        return replace(sides, first=width - 1 - self.last, last=width - 1 - self.first)


def mirrored_line(line: Line, width: int) -> Line:
    """A line of an image so wide, seen in a mirror that stands upright."""
    if line.upright:
        return replace(line, at=width - 1 - line.at)
    return replace(line, start=width - 1 - line.end, end=width - 1 - line.start)


def plot_box(image: NDArray[np.uint8], y: Axis, x: Axis | None, lines: Sequence[Line], limit: float) -> Box | None:
    """Inside of the plot between an upright axis and what bounds it below, above and beside; None where it is too small for one.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    y, x : Axis
        The plot lies to the right of `y`, of an axis with its labels at the right to the left of it.
    lines : sequence of Line
        Straight lines of the figure.
    limit : float
        The column at which the next panel begins.
    """
    sides, width = _Sides.of(y, x), image.shape[1]
    if y.side.name != "right":
        return _box(image, sides, lines, limit)
    box = _box(image[:, ::-1], sides.mirrored(width), [mirrored_line(line, width) for line in lines], width - 1 - limit)
    return None if box is None else (width - 1 - box[2], box[1], width - 1 - box[0], box[3])


def _box(image: NDArray[np.uint8], sides: _Sides, lines: Sequence[Line], limit: float) -> Box | None:
    lo, hi, left, axis = sides.lo, sides.hi, sides.at, sides.line
    pad = 0.06 * (hi - lo)
    top, bottom = (min(axis.start, lo), max(axis.end, hi)) if axis is not None else (lo - pad, hi + pad)
    level = [line for line in lines if not line.upright and line.start < left + 0.25 * line.length + 5 and line.end > left + 20]
    if sides.foot is not None:
        first, last, bottom = sides.first, sides.last, sides.foot
        right = max(last + 0.06 * (last - first), sides.foot_line.end if sides.foot_line is not None else 0.0)
    else:
        below = [line for line in level if hi - 0.1 * (hi - lo) <= line.at <= max(bottom, hi) + 2 * pad]
        base = max(below, key=lambda line: line.length, default=None)
        bottom, right = (base.at, _end_of_row(base, lines, hi - lo)) if base is not None else (bottom, float(image.shape[1] - 1))
        last = right = min(right, limit - 2)
    margin = 2 + (axis.width / 2 if axis is not None else 0.0)
    dark = DARK_SHARE * axis.depth if axis is not None else 100.0
    farthest = min(right + 0.15 * (right - left), limit - 2)
    wall = [
        line.at
        for line in lines
        if line.upright and line.depth >= dark and max(last - 3, left + 40) <= line.at <= farthest and line.length >= 0.85 * (hi - lo)
    ]
    above = [line for line in level if lo - 0.2 * (hi - lo) <= line.at <= lo + 2]
    partition = _partition(sides, lines, above)
    if partition is not None and partition < right - LEAST_SIDE:
        right, wall = partition, [partition]
    lid = [line.at for line in above if line.length >= LID_SHARE * (right - left)]
    if sides.foot is not None and not wall:
        right = _end_of_ink(image, sides.foot, right, min(limit - 2, right + WIDENED_SHARE * (right - left)))
    x1 = max(wall) - margin if wall else right
    y0 = min(lid) + margin if lid else top
    box = (round(left + margin), max(0, round(y0)), min(image.shape[1] - 1, round(x1)), min(image.shape[0] - 1, round(bottom - margin)))
    return box if box[2] - box[0] >= LEAST_SIDE and box[3] - box[1] >= LEAST_SIDE else None


def _end_of_ink(image: NDArray[np.uint8], row: float, start: float, farthest: float) -> float:
    """Where the ink of a row goes on to from a column: bars that stand on an axis line can hide that it is one."""
    at = round(row)
    strip = image[max(0, at - 1) : at + 2, round(start) : round(farthest) + 1].astype(np.float32)
    if not strip.size:
        return start
    blank = np.flatnonzero(~(np.abs(strip - paper_color(image)).max(axis=2) > INKED).any(axis=0))
    return start + max(0.0, float(blank[0] if blank.size else strip.shape[1]) - 2.0)


def _partition(sides: _Sides, lines: Sequence[Line], above: Sequence[Line]) -> float | None:
    """The wall behind which framed panels follow that share the axis; None where the plot has a level axis of its own or no lid."""
    if sides.line is None or sides.foot is not None:
        return None
    walls = frame_walls(sides.line, lines, sides.at + LEAST_SIDE)
    has_lid = bool(walls) and any(line.length >= LID_SHARE * (walls[0] - sides.at) for line in above)
    return walls[0] if len(walls) > 1 and has_lid and _are_even([sides.at, *walls]) else None


def _are_even(walls: Sequence[float]) -> bool:
    """Whether walls part panels of about one width, with gaps between them or none; a bar as high as the plot has sides like walls."""
    apart = np.diff(walls)
    wide = apart[apart > GAP_SHARE * apart.max()]
    return len(wide) > 1 and bool(np.all(np.abs(wide / np.median(wide) - 1.0) <= UNEVEN_SHARE))


def frame_walls(side: Line, lines: Sequence[Line], beyond: float) -> list[float]:
    """Columns beyond a given one where a line as dark as the side of a frame stands in its rows: other sides, of it and of others."""
    return sorted(
        line.at
        for line in lines
        if line.upright
        and line.at > beyond
        and line.depth >= DARK_SHARE * side.depth
        and max(abs(line.start - side.start), abs(line.end - side.end)) <= SAME_END
    )


def _end_of_row(base: Line, lines: Sequence[Line], height: float) -> float:
    """Where a baseline ends that bars interrupt: at the end of the last of its pieces, or at a wall as high as the plot.

    The sides of bars that stand on it are pieces of it as well. No gap is longer than half of what lies before it.
    """
    end = base.end
    walls = [line.at for line in lines if line.upright and line.length >= 0.95 * height and line.start - 3 <= base.at <= line.end + 3]
    pieces = [(line.start, line.end) for line in lines if not line.upright and abs(line.at - base.at) < 3 and line.end > base.end]
    pieces += [(line.at, line.at) for line in lines if line.upright and abs(line.end - base.at) < 3 and line.at > base.end]
    for start, stop in sorted(pieces):
        if any(abs(wall - end) < 4 for wall in walls):
            break
        if start - end <= 0.5 * (end - base.start):
            end = max(end, stop)
    return end
