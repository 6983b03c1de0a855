"""Boxes of a box plot over which single observations are drawn: found by their lines, as points break up what the lines enclose.

A box is a pair of upright strokes between which level strokes run that reach both: the quartiles, and the median between. Points seldom
stand at the sides of a box, and lines show between them: where a line lies is read from the columns in which nothing is near it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.boxlines import LINE, NARROWEST, THICKEST, WIDEST, Box, Doubles, FloatArray, beside, inner_line, line_between
from digitize.ink import largest, paper_color

Mask = NDArray[np.bool_]
Side = tuple[int, int, int]  # column, first and last row

POINT = 1.5  # digit heights: the largest points
THICKNESSES = (THICKEST, 0.25)  # digit heights
GAPS = (1.5, 0.15)  # digit heights
END = 0.12  # share of a box's width at each of its sides in which its lines show
AT_ENDS, ALONG, BEYOND = 0.6, 0.3, 0.7  # share of those columns that a line covers, of all, and of those beside the box at most
SIDES = 0.5  # share of the sides that shows
ALIKE = 14.0  # grey levels within which a pixel has the colour of the ground
CLEAN = 3  # columns from which a line can be read
BEYOND_SIDES, OFF_MIDDLE = 0.3, 0.08  # widths of a box beside it, and off its middle
MANY = 3  # marks off the middles of boxes that are no outliers
MOST_PAIRS = 1200
MARGIN = 10  # columns beside a box that are looked at
CAP = 0.17  # share of a box's width to each side of its whisker that a cap covers


@dataclass(frozen=True, eq=False)
class Strokes:
    """Where thin strokes lie in a crop, level and upright ones, its paper, and how thick the thickest line may be, px."""

    crop: NDArray[np.uint8]
    level: Mask
    upright: Mask
    paper: FloatArray
    thick: int


@dataclass(frozen=True)
class End:
    """The end of a whisker in px of the crop, its standard uncertainty, and whether a point hides it."""

    px: float
    u_px: float
    is_hidden: bool


def strokes_of(crop: NDArray[np.uint8], height: float, thickest: float = THICKEST) -> Strokes:
    """The strokes of a plot that are no thicker than `thickest` digit heights; `height` is that of its digits, px."""
    thick = round(thickest * height) + 1
    level = cv2.morphologyEx(crop, cv2.MORPH_CLOSE, np.ones((2 * (thick // 2) + 3, 1), np.uint8)).astype(np.int16) - crop
    upright = cv2.morphologyEx(crop, cv2.MORPH_CLOSE, np.ones((1, 2 * (thick // 2) + 3), np.uint8)).astype(np.int16) - crop
    return Strokes(crop, largest(level) > LINE, largest(upright) > LINE, paper_color(crop), thick)


def crossed_boxes(crop: NDArray[np.uint8], height: float) -> list[Box]:
    """Boxes left to right, whatever is drawn over them."""
    found: list[Box] = []
    for thickest in THICKNESSES:  # halves of a box that are as thin as the thickest lines show with thinner ones alone
        strokes = strokes_of(crop, height, thickest)
        sides = sorted({side for gap in GAPS for side in _sides(strokes, height, max(3, round(gap * height)))})
        pairs = _pairs(sides, height, crop.shape[1])
        if len(pairs) > MOST_PAIRS:  # so many upright strokes are no sides of boxes
            return []
        boxes = (_box(strokes, a, b) for a, b in pairs)
        found += [box for box in boxes if box is not None]
    kept: list[Box] = []
    for box in sorted(found, key=lambda q: -q.width * (q.bottom - q.top)):  # strokes of points and whiskers make boxes inside boxes
        if all(box.x0 > q.x1 or box.x1 < q.x0 or box.top > q.bottom or box.bottom < q.top for q in kept):
            kept.append(box)
    return sorted(kept, key=lambda box: box.middle)


def _pairs(sides: Sequence[Side], height: float, width: int) -> list[tuple[Side, Side]]:
    """Pairs of upright strokes beside one another, as far apart as the sides of a box."""
    near = ((a, b) for a in sides for b in sides if NARROWEST * height <= b[0] - a[0] <= WIDEST * width)
    return [(a, b) for a, b in near if min(a[2], b[2]) - max(a[1], b[1]) > 4]


def _sides(strokes: Strokes, height: float, gap: int) -> list[Side]:
    """Upright strokes that may be sides, with gaps up to `gap` px where points cover them."""
    least = max(6, round(0.7 * height))
    upright = strokes.upright.astype(np.uint8)
    joined = cv2.morphologyEx(upright, cv2.MORPH_CLOSE, np.ones((gap, 1), np.uint8))
    long = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((least, 1), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(long, connectivity=8)
    found = []
    for x, y, a, b, _ in stats[1:count].tolist():
        columns = strokes.upright[y : y + b, x : x + a].sum(axis=0)
        best = int(columns.argmax())
        if columns[best] > 0.5 * b or columns[best] > 2 * least:
            found.append((x + best, y, y + b - 1))
    return found


def _box(strokes: Strokes, left: Side, right: Side) -> Box | None:
    """The box between two upright strokes; None where no level strokes reach both."""
    x0, x1 = left[0], right[0]
    first, last = max(left[1], right[1]) - 4, min(left[2], right[2]) + 4
    rows = _lines(strokes, x0, x1, max(0, first), min(strokes.crop.shape[0] - 1, last))
    while len(rows) > 2 and not _has_sides(strokes, x0, x1, rows[0], rows[1]):
        rows = rows[1:]
    while len(rows) > 2 and not _has_sides(strokes, x0, x1, rows[-2], rows[-1]):
        rows = rows[:-1]
    if len(rows) < 3 or rows[-1] - rows[0] < strokes.thick + 2 or not _has_sides(strokes, x0, x1, rows[0], rows[-1]):
        return None
    top, bottom = rows[0], rows[-1]
    half = _half_stroke(strokes, x0, top, bottom)
    inner = (x0 + half + 0.5, x1 - half - 0.5)
    if inner[1] - inner[0] < 2 * CLEAN or bottom - top < 5:
        return None
    return measured(strokes, inner, top, rows[1:-1], bottom)


def _has_sides(strokes: Strokes, x0: int, x1: int, top: int, bottom: int) -> bool:
    """Whether upright strokes show in both columns over most of some rows."""
    seen = [strokes.upright[top : bottom + 1, max(0, x - 1) : x + 2].any(axis=1).mean() for x in (x0, x1)]
    return bool(min(seen) >= SIDES)


def _half_stroke(strokes: Strokes, x: int, top: int, bottom: int) -> float:
    """Half the thickness of the side at a column, px."""
    part = strokes.upright[top + 1 : bottom, max(0, x - strokes.thick) : x + strokes.thick + 1]
    return float((part.mean(axis=0) > SIDES).sum()) / 2


def _lines(strokes: Strokes, x0: int, x1: int, first: int, last: int) -> list[int]:
    """Rows of the level strokes from one side to the other, top to bottom; what goes on beyond one is none of theirs."""
    lo, hi = max(0, x0 - MARGIN), min(strokes.crop.shape[1], x1 + MARGIN + 1)
    thin = cv2.dilate(strokes.level[first : last + 1, lo:hi].astype(np.uint8), np.ones((3, 1), np.uint8)) > 0
    if not _reaches_across(thin, x0 - lo, x1 - lo).any():
        return []
    # A thick line beside a thin half of a box shows by its colour, that of the sides.
    sides = np.concatenate([strokes.crop[first : last + 1, x][strokes.upright[first : last + 1, x]] for x in (x0, x1)])
    if not sides.size:
        return []
    colored = np.abs(strokes.crop[first : last + 1, lo:hi].astype(np.float32) - np.median(sides, axis=0)).max(axis=2) < LINE
    found: list[int] = []
    for level, thickest in ((thin, strokes.thick + 4), (colored, 2 * strokes.thick)):
        rows = np.flatnonzero(_reaches_across(level, x0 - lo, x1 - lo))
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            row = first + int(np.median(run)) if run.size else -1
            if 0 < run.size <= thickest and all(abs(row - other) > 3 for other in found):
                found.append(row)
    return sorted(found)


def _reaches_across(level: Mask, x0: int, x1: int) -> Mask:
    """In which rows a level stroke runs from one column to another, points over it allowed for, and not beyond."""
    end = max(3, round(END * (x1 - x0)))
    ends = np.minimum(level[:, x0 + 2 : x0 + 2 + end].mean(axis=1), level[:, x1 - 1 - end : x1 - 1].mean(axis=1))
    w = level.shape[1]
    around = ((max(0, x0 - 9), x0 - 4), (min(w, x1 + 5), min(w, x1 + 10)))
    beyond = [level[:, a:b].mean(axis=1) if b - a > 2 else np.zeros(len(level)) for a, b in around]
    return np.asarray((ends >= AT_ENDS) & (level[:, x0 + 2 : x1 - 1].mean(axis=1) >= ALONG) & (np.maximum(*beyond) < BEYOND))


def measured(
    strokes: Strokes,
    inner: tuple[float, float],
    top: int,
    between: Sequence[int],
    bottom: int,
    waist: NDArray[np.int64] | None = None,
) -> Box:
    """The box with its lines to a fraction of a pixel.

    Parameters
    ----------
    strokes : Strokes
    inner : (float, float)
        Columns within its sides.
    top, between, bottom : int, sequence of int, int
        Rows of its upper line, of those that may be its median, and of its lower line.
    waist : (n,) int, optional
        Columns over which its median runs; without them all between the sides.
    """
    x0, x1 = inner
    fill = _fill(strokes.crop[top + 2 : bottom - 1, np.arange(round(x0) + 1, round(x1)) if waist is None else waist])
    columns = beside(x0, x1)
    t = strokes.thick // 2 + 1

    def profile(row: int, above: FloatArray, below: FloatArray, within: NDArray[np.int64] = columns) -> FloatArray | None:
        clean = _clean(strokes.crop, within, row, t, above, below)
        return strokes.crop[:, clean].astype(np.float32).mean(axis=1) if clean.size >= CLEAN else None

    ends = []
    for row, upward in ((top, True), (bottom, False)):
        across = profile(row, strokes.paper, fill) if upward else profile(row, fill, strokes.paper)
        edge = row + t if upward else row - t
        at = None if across is None else line_between(across, edge, 2 * t, strokes.paper, fill, upward=upward)
        ends.append(float(row) if at is None else at)
    best, median = 0.0, np.nan
    for row in between:
        across = profile(row, fill, fill, columns if waist is None else waist)
        at, weight = (float(row), 1.0) if across is None else inner_line(across, row - t, row + t, fill)
        if weight > best:
            best, median = weight, at
    return Box(x0, x1, ends[0], median, ends[1], fill, is_crossed=waist is None)


def _clean(
    crop: NDArray[np.uint8], columns: NDArray[np.int64], row: int, t: int, above: FloatArray, below: FloatArray
) -> NDArray[np.int64]:
    """Columns in which nothing but the line at a row lies within t + 2 px of it."""
    near = [(row - t - k, above) for k in (0, 1, 2)] + [(row + t + k, below) for k in (0, 1, 2)]
    seen = [(r, ground) for r, ground in near if 0 <= r < crop.shape[0]]
    off = np.stack([np.abs(crop[r, columns].astype(np.float32) - ground).max(axis=1) for r, ground in seen])
    return columns[(off < ALIKE).all(axis=0)]


def _fill(inside: NDArray[np.uint8]) -> FloatArray:
    """The commonest colour inside a box."""
    pixels = inside.reshape(-1, 3)
    codes = (pixels // 16).astype(np.int64) @ np.array([256, 16, 1])
    return np.asarray(np.median(pixels[codes == np.bincount(codes).argmax()], axis=0), dtype=np.float32)


def crossed_whisker(strokes: Strokes, box: Box, *, upward: bool) -> End | None:
    """The end of the whisker above or below a box over which points are drawn; None where none leaves the box."""
    step = -1 if upward else 1
    start = round(box.top) - strokes.thick if upward else round(box.bottom) + strokes.thick
    rows = np.arange(start, -1 if upward else strokes.crop.shape[0], step)
    mid = round(box.middle)
    ink = (np.abs(strokes.crop[:, max(0, mid - 1) : mid + 2].astype(np.float32) - strokes.paper).max(axis=2) > LINE).any(axis=1)[rows]
    gone = np.flatnonzero(~ink & ~np.roll(ink, -1))
    reach = int(gone[0]) if gone.size else ink.size
    if reach < 2:
        return None
    rows = rows[: min(reach + 2, rows.size)]
    cap = _cap(strokes, box, rows)
    if cap is not None:
        return End(cap, 0.1, is_hidden=False)
    width = np.array([_width(strokes, row, mid) for row in rows[:reach]])
    stroke = float(np.percentile(width[width > 0], 20)) if (width > 0).any() else 1.0
    is_pure = (width > 0) & (width <= stroke + 2)
    pure = np.flatnonzero(is_pure & np.roll(is_pure, 1) & np.roll(is_pure, 2))  # the rim of a point is as narrow in a row or two
    pure = pure[pure >= 2]
    last = int(pure[-1]) if pure.size else 0
    hidden = reach - 1 - last
    if hidden <= 1:
        return End(_stroke_end(strokes, rows[: reach + 1], mid, stroke), 0.1, is_hidden=False)
    # A whisker ends at an observation: the point that hides its end, or one that lies right beyond it.
    middle = (rows[last] + step * (hidden + 1) / 2, hidden / 4)
    return End(float(middle[0]), float(max(0.3, middle[1])), is_hidden=True)


def _cap(strokes: Strokes, box: Box, rows: NDArray[np.int64]) -> float | None:
    """Middle of the outermost level stroke that crosses a whisker evenly within some rows."""
    reach, mid = max(3, round(CAP * box.width)), round(box.middle)
    if mid - 2 - reach < 0 or mid + 3 + reach > strokes.crop.shape[1]:
        return None
    level = cv2.dilate(strokes.level.astype(np.uint8), np.ones((3, 1), np.uint8))
    sides = [level[rows, mid - 2 - reach : mid - 2].mean(axis=1), level[rows, mid + 3 : mid + 3 + reach].mean(axis=1)]
    crossed = np.flatnonzero(np.minimum(*sides) >= AT_ENDS)
    if not crossed.size:
        return None
    run = np.split(crossed, np.flatnonzero(np.diff(crossed) > 1) + 1)[-1]
    row, t = int(np.median(rows[run])), strokes.thick // 2 + 1
    columns = np.concatenate([np.arange(mid - 2 - reach, mid - 2), np.arange(mid + 3, mid + 3 + reach)])
    clean = _clean(strokes.crop, columns, row, t, strokes.paper, strokes.paper)
    if clean.size < CLEAN:
        return float(row)
    return inner_line(strokes.crop[:, clean].astype(np.float32).mean(axis=1), row - t, row + t, strokes.paper)[0]


def _width(strokes: Strokes, row: int, mid: int) -> int:
    """How many columns are inked in one run around a column of a row."""
    inked = np.abs(strokes.crop[row].astype(np.float32) - strokes.paper).max(axis=1) > LINE
    near = np.flatnonzero(inked[max(0, mid - 1) : mid + 2])
    if not near.size:
        return 0
    x = max(0, mid - 1) + int(near[0])
    left = x - int(np.argmin(inked[x::-1])) if not inked[: x + 1].all() else -1
    right = x + int(np.argmin(inked[x:])) if not inked[x:].all() else inked.size
    return right - left - 1


def _stroke_end(strokes: Strokes, rows: NDArray[np.int64], mid: int, stroke: float) -> float:
    """Where a stroke without a cap ends: the row at which its ink is used up."""
    half = max(1, round(stroke / 2))
    amount = np.abs(strokes.crop[rows][:, max(0, mid - half) : mid + half + 1].astype(np.float32) - strokes.paper).max(axis=2).sum(axis=1)
    share: Doubles = np.clip(amount / max(float(np.median(amount[:-1])), 1.0), 0, 1).astype(float)
    step = int(rows[1] - rows[0]) if rows.size > 1 else 1
    tail = share[-4:]
    return float(rows[-tail.size] + step * (tail.sum() - 0.5))


@dataclass(frozen=True)
class Beyond:
    """The marks beyond the ends of the whiskers of a box: their middles (x, y) in px of the crop, and whether other ink lies there too."""

    middles: tuple[tuple[float, float], ...]
    has_more: bool


def observations(strokes: Strokes, box: Box, height: float, upper: float, lower: float) -> Beyond:
    """What stands in the columns of a box beyond the ends of its whiskers, px of the crop."""
    aside = round(BEYOND_SIDES * box.width)
    a, b = max(0, round(box.x0) - aside), min(strokes.crop.shape[1], round(box.x1) + aside + 1)
    ink = (np.abs(strokes.crop[:, a:b].astype(np.float32) - strokes.paper).max(axis=2) > LINE).astype(np.uint8)
    ink[max(0, round(upper) - 2) : max(0, round(lower) + 2) + 1] = 0
    count, _, stats, middles = cv2.connectedComponentsWithStats(ink, connectivity=8)
    found, has_more = [], False
    for (x, y, w, h, area), (cx, cy) in zip(stats[1:count].tolist(), middles[1:count].tolist(), strict=True):
        is_mark = 0.2 * height <= max(w, h) <= POINT * height and min(w, h) >= 0.7 * max(w, h) and x > 0 and x + w < b - a
        touches_end = y <= lower + 3 < y + h + 3 if cy > lower else y + h >= upper - 2
        if is_mark and not touches_end:
            found.append((float(a + cx), float(cy)))
        elif area > 3 and not (x == 0 and w == b - a) and max(w, h) < 4 * height:
            has_more = True
    return Beyond(tuple(found), has_more)


def are_scattered(strokes: Strokes, boxes: Sequence[Box], height: float) -> bool:
    """Whether observations are drawn over boxes: marks beside or above them that do not stand over their middles."""
    off = 0
    for box in boxes:
        beyond = observations(strokes, box, height, box.top, box.bottom)
        off += sum(abs(x - box.middle) > max(2.0, OFF_MIDDLE * box.width) for x, _ in beyond.middles)
    return off >= max(MANY, len(boxes))
