"""Bars known by their outlines, whatever fills them: hatched, dotted, white or solid.

The paper that can be reached from the top of a plot without crossing ink is outside of all bars. What is left above the baseline, column
by column, is a skyline: it jumps at the sides of bars and is level between. Bars that touch and are equally high are parted by the
stroke or the change of fill between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.barfield import DEFINITE, Bar, Field, FloatArray, contrast, lightness, texture_of

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

PALE = 80.0  # grey levels by which gridlines differ from paper at most, and strokes on them from those at least
SIDE_SHARE = 0.8  # share of a side's height that its stroke covers
LID_SHARE = 0.9  # share of a bar's columns over which its lid runs
CAP_SHARE = 0.5  # share of a bar's columns beside its stem that a cap covers
MOST_BESIDE = 0.25  # share of ink beside the stem between a cap and the lid: a neighbour's side may stand there
PARTING_SHARE = 0.7  # the same between two bars, where letters and hatches may cross it


@dataclass(frozen=True)
class Skyline:
    """What stands on a baseline.

    `tops` is its upper end, a row a column (`foot` where nothing stands), `foot` the last row above the axis line, `ink` (h, w) what is
    not paper, and `parting` (h + 1, w) the rows above each row at which a column may part two bars.
    """

    tops: Rows
    ink: Mask
    foot: int
    parting: NDArray[np.int32]

    def parts(self, x0: int, x1: int, row: int) -> FloatArray:
        """How surely each of columns x0..x1 parts two bars below a row: the share of rows that are a stroke or a change of fill."""
        x0, x1 = max(0, x0), min(self.tops.size - 1, x1)
        row = min(row, self.foot - 2)
        rows = self.parting[self.foot, x0 : x1 + 1] - self.parting[row, x0 : x1 + 1]
        return np.asarray(rows / (self.foot - row), dtype=np.float32)

    def is_empty(self, x0: int, x1: int) -> bool:
        """Whether nothing stands in columns x0..x1-1."""
        return bool(np.median(self.tops[x0:x1]) >= self.foot - 1)


def outlined_bars(field: Field) -> tuple[Bar, ...]:
    """The bars that rise from the baseline of a field, left to right."""
    sky = find_skyline(field)
    if sky is None:
        return ()
    sides = _sides(sky, field.height)
    width = _common_width(sides, sky, field.height)
    if width is None:
        return ()
    sides = _without_slivers(sides, width, sky)
    found = (_bar(field, sky, x0, x1, width) for a, b in pairwise(sides) for x0, x1 in _parted(a, b, width, sky))
    bars = tuple(bar for bar in found if bar is not None)
    whole = tuple(bar for bar in bars if not bar.is_cut)
    # What fills the plot up to its top is a bar only beside others that do not.
    return bars if len(whole) >= max(2, len(bars) - len(whole)) else whole


# ---------------------------------------------------------------- the skyline


def _ink(field: Field) -> Mask:
    """Where a field is not paper, without gridlines, frames and dividers.

    These are lines longer than any bar is wide, level lines that are seen along the whole width, and upright ones as high as the plot.
    """
    off = contrast(field.rgb, field.paper)
    ink = np.asarray(off > max(DEFINITE, 5 * field.noise))
    thick = max(4, round(0.35 * field.height))
    level = _long_runs(ink, max(20, round(0.4 * ink.shape[1])))
    left, right, share = ink[:, 1:6].all(axis=1), ink[:, -6:-1].all(axis=1), ink.mean(axis=1)
    # A bar at one edge of the plot shows there too, but few bars are as high as it is.
    level |= ink & ((left & right & (share > 0.3)) | ((left | right) & (share > 0.5)))[:, None]
    level &= ~_ends_of_bars(level, ink, thick)[:, None]
    ink = _erased(ink, level & ~_on_pale(level, off), thick, field.base - 4)
    above = ink[: field.base - 3]
    full = above.mean(axis=0) > 0.93
    full |= _long_runs(above.T, round(0.97 * above.shape[0])).T.any(axis=0)
    full &= above[: max(3, round(0.01 * above.shape[0]))].any(axis=0)  # the sides of a high bar end below the plot's edge
    upright = np.zeros_like(ink)
    upright[: field.base - 3] = full[None, :]
    return _erased(ink.T, (upright & ~_on_pale(upright.T, off.T).T).T, thick, ink.shape[1]).T


def _ends_of_bars(level: Mask, ink: Mask, thick: int) -> Mask:
    """Rows whose level runs stop at corners from which a side goes down and nothing goes up: ends of bars, not a line of the plot.

    A line that bars hide stops at their sides, which go on above it; one that is dashed stops where no side is.
    """
    found = np.zeros(level.shape[0], dtype=bool)
    rows = np.flatnonzero(level.any(axis=1))
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        row = int(group[group.size // 2]) if group.size else 0
        if 0 < group.size <= thick and 2 * thick <= row < ink.shape[0] - 2 * thick:
            found[group] = _stops_at_corners(np.asarray(level[group].any(axis=0)), row, ink, thick)
    return found


def _stops_at_corners(line: NDArray[np.bool_], row: int, ink: Mask, thick: int) -> bool:
    """Whether half of the stops of a line in some columns, or more, are corners, two of them at least."""
    columns = np.flatnonzero(line)
    runs = [run for run in np.split(columns, np.flatnonzero(np.diff(columns) > 3) + 1) if run.size > 2 * thick]  # not the sides of bars
    stops = [x for run in runs for x in (int(run[0]), int(run[-1])) if 6 < x < ink.shape[1] - 7]
    above, below = ink[row - 2 * thick : row - thick], ink[row + thick : row + 2 * thick]
    corners = sum(bool(below[:, x - 2 : x + 3].all(axis=0).any() and not above[:, x - 2 : x + 3].any()) for x in stops)
    return corners >= max(2, 0.5 * len(stops))


def _on_pale(lines: Mask, off: FloatArray) -> Mask:
    """What is far darker than the pale line that its row belongs to: a gridline with the stroke of a bar on it."""
    found = np.zeros_like(lines)
    for row in np.flatnonzero(lines.any(axis=1)):
        usual = float(np.median(off[row][lines[row]]))
        if usual < PALE:
            found[row] = lines[row] & (off[row] > usual + PALE)
    return found


def _long_runs(mask: Mask, length: int) -> Mask:
    """The part of a mask that lies in level runs of at least `length` pixels, small gaps allowed."""
    found = np.zeros_like(mask)
    rows = np.flatnonzero(mask.sum(axis=1) >= 0.8 * length)
    if rows.size:
        joined = cv2.morphologyEx(mask[rows].astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
        padded = np.pad(joined, ((0, 0), (length, length)))  # what lies beyond the border would count as part of a run
        found[rows] = cv2.morphologyEx(padded, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))[:, length:-length] > 0
    return found


def _erased(ink: Mask, lines: Mask, thickest: int, end: int) -> Mask:
    """The ink without level lines; what crosses one goes on above and below it. Stretches thicker than a line and rows from `end` stay."""
    tall = cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_OPEN, np.ones((thickest, 1), np.uint8)) > 0
    thin = lines & ~tall
    thin[max(0, end) :] = False
    if not thin.any():
        return ink
    gone = cv2.dilate(thin.astype(np.uint8), np.ones((3, 1), np.uint8)) > 0
    rest = (ink & ~gone).astype(np.uint8)
    reach = thickest + 3
    above = cv2.dilate(rest, np.ones((2 * reach + 1, 1), np.uint8), anchor=(0, 2 * reach), borderValue=0)
    below = cv2.dilate(rest, np.ones((2 * reach + 1, 1), np.uint8), anchor=(0, 0), borderValue=0)
    return np.asarray((rest > 0) | (gone & ink & (above > 0) & (below > 0)))


def find_skyline(field: Field, beside: float = 0.5) -> Skyline | None:
    """The skyline of a field; None where there is no room above its baseline.

    `beside` is the share of the plot's height, from its top, over which no bar touches the left or right edge of the plot.
    """
    foot = field.base - max(3, round(0.2 * field.height))
    if foot < 8:
        return None
    ink = _ink(field)[: foot + 1]
    size = max(3, round(0.2 * field.height) | 1)
    closed = cv2.morphologyEx(np.pad(ink, size).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    _, labels = cv2.connectedComponents((closed[size:-size, size:-size] == 0).astype(np.uint8), connectivity=4)
    half = max(1, round(beside * foot))
    seeds = np.unique(np.concatenate([labels[:2].ravel(), labels[:half, 0], labels[:half, -1]]))
    outside = np.isin(labels, seeds[seeds > 0])
    open_rows = outside[::-1]
    first = np.where(open_rows.any(axis=0), open_rows.argmax(axis=0), foot + 1)
    tops = _without_spikes(foot + 1 - first, max(3, round(0.3 * field.height)))
    return Skyline(tops, ink, foot, _parting(field, ink))


def _parting(field: Field, ink: Mask) -> NDArray[np.int32]:
    """For each row and column, how many of the rows above may part two bars there: darker than both sides, or between two colours."""
    rgb = np.pad(field.rgb[: ink.shape[0]], ((0, 0), (2, 2), (0, 0)), mode="edge")
    light = lightness(rgb)
    change = contrast(rgb[:, 4:], rgb[:, :-4]) > DEFINITE
    dip = np.minimum(light[:, :-4], light[:, 4:]) - light[:, 2:-2] > 0.5 * DEFINITE
    counted = np.cumsum((dip & ink) | change, axis=0, dtype=np.int32)
    return np.asarray(np.concatenate([np.zeros((1, ink.shape[1]), dtype=np.int32), counted]))


def _without_spikes(tops: Rows, narrow: int) -> Rows:
    """The skyline without what is no wider than a stem, neither rising nor falling."""
    size = np.ones((1, 2 * (narrow // 2) + 1), np.uint8)
    closed = cv2.morphologyEx(tops.astype(np.float32)[None, :], cv2.MORPH_CLOSE, size, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, size, borderType=cv2.BORDER_REPLICATE)[0], dtype=np.int64)


def _sides(sky: Skyline, height: float) -> list[int]:
    """Columns at which bars begin or end: the skyline jumps, and below the jump goes a side. A cap close above a bar has none."""
    near = max(2.0, 0.12 * height)
    jumps = np.flatnonzero(np.abs(np.diff(sky.tops)) > near) + 1
    sides: list[int] = [0]
    for x in jumps.tolist():
        if x - sides[-1] <= 2:
            continue
        lower = int(max(sky.tops[x - 1], sky.tops[x]))
        if lower >= sky.foot - 1 or sky.parts(x - 3, x + 2, lower + 2).max() >= PARTING_SHARE:
            sides.append(x)
    sides.append(int(sky.tops.size))
    return sides


def _common_width(sides: Sequence[int], sky: Skyline, height: float) -> float | None:
    """Width of a bar, px: the one of which most stretches between sides are multiples."""
    least = max(5.0, 0.5 * height)
    widths = np.array([b - a for a, b in pairwise(sides) if not sky.is_empty(a, b)], dtype=float)
    widths = widths[widths >= least]
    if widths.size == 0:
        return None
    best, width = -1.0, None
    for w in np.unique(widths)[::-1].tolist():
        times = np.maximum(1, np.round(widths / w))
        fits = (np.abs(widths - times * w) <= 1.5 + 0.08 * w * times) & (times <= 8)
        score = float((fits / np.sqrt(times)).sum())
        if score > best + 0.6:
            best, width = score, w
    if width is None:
        return None
    return float(np.median(widths[np.abs(widths - width) <= 1.5 + 0.1 * width]))


def _without_slivers(sides: Sequence[int], width: float, sky: Skyline) -> list[int]:
    """The sides without those that cut off less than a bar: hatches and caps make some."""
    kept = list(sides)
    while True:
        pieces = [(b - a, k) for k, (a, b) in enumerate(pairwise(kept)) if b - a < 0.6 * width and not sky.is_empty(a, b)]
        options = []
        for _, k in pieces:
            for side in (k, k + 1):
                if 1 < side < len(kept) - 2:  # ticks stand at the edges of the plot
                    a, b = kept[side - 1], kept[side + 1]
                    if b - a < 1.35 * width and not sky.is_empty(a, kept[side]) and not sky.is_empty(kept[side], b):
                        options.append((abs(b - a - width), side))
        if not options:
            return kept
        del kept[min(options)[1]]


# ---------------------------------------------------------------- bars that touch


def _parted(a: int, b: int, width: float, sky: Skyline) -> list[tuple[int, int]]:
    """The stretch of columns a..b-1 cut where bars of the common width touch; whole where it is no wider than one."""
    if sky.is_empty(a, b):
        return []
    count = round((b - a) / width)
    pitch = (b - a) / max(1, count)
    low = int(np.percentile(sky.tops[a:b], 80)) + 2
    cuts = [a]
    for k in range(1, count):
        guess = a + k * pitch
        lo, hi = max(cuts[-1] + 3, round(guess - 0.3 * width)), min(b - 3, round(guess + 0.3 * width))
        window = sky.parts(lo, hi, low) if hi > lo else np.zeros(1)
        if window.max() < PARTING_SHARE:
            return [(a, b - 1)]
        good = np.flatnonzero(window > max(PARTING_SHARE, 0.9 * window.max())) + lo
        cuts.append(int(good[np.abs(good - guess).argmin()]))
    cuts.append(b)
    return [(x0, x1 - 1) for x0, x1 in pairwise(cuts)]


# ---------------------------------------------------------------- one bar


def _bar(field: Field, sky: Skyline, a: int, b: int, width: float) -> Bar | None:
    """The bar in columns a..b; None where what stands there is none: too wide, not level, or paper without sides."""
    if not 0.6 * width <= b - a + 1 <= 1.6 * width or b - a < 4:
        return None
    flank = max(2, round(0.22 * (b - a + 1)))
    left, right = (int(np.median(part)) for part in (sky.tops[a + 1 : a + 1 + flank], sky.tops[b - flank : b]))
    top = max(left, right)
    lid = _lid_below(sky.ink[: sky.foot + 1], a, b, top)
    if lid is None and abs(left - right) > max(2.0, 0.12 * field.height):
        return None
    top = top if lid is None else lid
    if sky.foot - top < 3:
        return None
    x0, x1 = _inside(sky.ink, a, b, top, sky.foot)
    if x1 - x0 < 2:
        return None
    return _described(field, sky, x0, x1, top)


def _lid_below(ink: Mask, a: int, b: int, top: int) -> int | None:
    """First row of a bar's lid or fill: at row `top`, or below it where a cap has closed in paper there; None where nothing runs across."""
    width = b - a + 1
    away = np.abs(np.arange(width) - (width - 1) / 2) / width
    beside = (away > 0.15) & (away < 0.42)
    if not beside.any() or top >= ink.shape[0]:  # nothing stands there
        return None
    own = ink[:, a : b + 1]
    across = own[:, away < 0.45].mean(axis=1)
    full = across > LID_SHARE
    start = max(0, top - 1)
    at_top = bool(full[start : top + 4].any())
    first = start + int(full[start : top + 4].argmax()) if at_top else top
    stroke = own[:, beside].mean(axis=1) > CAP_SHARE  # at `top`: the lid, or a cap that is narrower
    past = first + int((~stroke[first:]).argmax()) if stroke[first] else top + 5  # the row after the stroke
    below = np.flatnonzero(full[past:])
    row = past + int(below[0]) if below.size and not full[first:].all() else None
    at_lid = max(top, first)  # a cap narrower than the lid may be what closed at `top`
    if row is None or row == past or own[past:row, beside].mean() > MOST_BESIDE:
        return at_lid if at_top else None
    sides = [ink[past:row, max(0, x - 3) : x + 4].any(axis=1).mean() for x in (a, b)]
    return at_lid if at_top and min(sides) > SIDE_SHARE else row


def _inside(ink: Mask, a: int, b: int, top: int, foot: int) -> tuple[int, int]:
    """Columns between the strokes of a bar's sides; the whole bar where its fill hides them."""
    start = max(0, a - 2)
    columns = ink[top + 2 : foot, start : b + 3].mean(axis=0) if foot > top + 2 else np.ones(b + 3 - start)
    full = columns > SIDE_SHARE
    if full.mean() > 0.8:
        return a, b
    return start + _after_stroke(full, a - start), start + full.size - 1 - _after_stroke(full[::-1], full.size - 1 - (b - start))


def _after_stroke(full: Mask, edge: int) -> int:
    """First column after the stroke that begins within a few columns of the bar's edge; the edge itself where there is none."""
    near = np.flatnonzero(full[: edge + 4])
    if near.size == 0:
        return edge
    after = np.flatnonzero(~full[near[0] :])
    width = int(after[0]) if after.size else full.size
    return int(near[0]) + width if width <= max(6, 0.3 * full.size) else edge


def _described(field: Field, sky: Skyline, x0: int, x1: int, top: int) -> Bar | None:
    """The bar with its fill; None where it is paper without the strokes of two sides and a lid."""
    lid = _lid_row(sky.ink, x0, x1, top, field.height)
    fill, texture, inked = texture_of(field, x0, x1, lid + 1, sky.foot)
    if inked < 0.06 and not _has_sides(sky.ink, x0, x1, top, sky.foot):
        return None
    is_blank = inked < 0.06
    return Bar(x0, x1, lid, fill, is_blank, texture)


def _lid_row(ink: Mask, x0: int, x1: int, top: int, height: float) -> int:
    """First row of the fill: below the stroke of the lid, or the bar's first row where its fill is as dark as a stroke."""
    start = max(0, top - 2)
    share = ink[start : top + max(3, round(0.3 * height)) + 1, x0 : x1 + 1].mean(axis=1)
    full = share > 0.6
    paper = np.flatnonzero(~full[: top - start])
    if paper.size:  # what ends above the bar's first row is a cap
        start, full = start + int(paper[-1]) + 1, full[int(paper[-1]) + 1 :]
    if not full.any():
        return top
    first = int(full.argmax())
    after = np.flatnonzero(~full[first:])
    return start + first + (int(after[0]) if after.size else 0)


def _has_sides(ink: Mask, x0: int, x1: int, top: int, foot: int) -> bool:
    """Whether strokes run down both sides of a bar and along its top."""
    rows = slice(top + 2, foot)
    if foot - top < 5:
        return bool(ink[max(0, top - 2) : top + 3, x0 : x1 + 1].any(axis=0).mean() > 0.8)
    left = ink[rows, max(0, x0 - 5) : x0 + 2].any(axis=1).mean()
    right = ink[rows, x1 - 1 : x1 + 6].any(axis=1).mean()
    lid = ink[max(0, top - 3) : top + 4, x0 : x1 + 1].any(axis=0).mean()
    return bool(min(left, right, lid) > SIDE_SHARE)
