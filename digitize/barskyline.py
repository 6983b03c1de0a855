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

from digitize.barfield import DEFINITE, Bar, Field, FloatArray, texture_of

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

SIDE_SHARE = 0.8  # share of a side's height that its stroke covers
LEVEL_SHARE = 0.65  # share of a bar's columns that end at its top; the others lie under a stem or a letter


@dataclass(frozen=True)
class _Skyline:
    """Tops of what stands on the baseline, a row a column (`foot` where nothing stands), the ink it was found in, first row of the strip."""

    tops: Rows
    ink: Mask
    foot: int


def outlined_bars(field: Field) -> tuple[Bar, ...]:
    """The bars that rise from the baseline of a field, left to right."""
    sky = _skyline(field)
    if sky is None:
        return ()
    sides = _hard_sides(sky, field.height)
    width = _common_width(sides, sky, field.height)
    if width is None:
        return ()
    strokes = _strokes(field, sky)
    found: list[Bar] = []
    for a, b in pairwise(sides):
        for x0, x1 in _parted(a, b, width, strokes, sky):
            bar = _bar(field, sky, x0, x1, width)
            if bar is not None:
                found.append(bar)
    return tuple(found)


# ---------------------------------------------------------------- the skyline


def _ink(field: Field) -> Mask:
    """Where a field is not paper, without gridlines."""
    ink = np.abs(field.rgb - field.paper).max(axis=2) > max(DEFINITE, 5 * field.noise)
    rim = np.concatenate([ink[:, 1:4], ink[:, -4:-1]], axis=1).mean(axis=1) > 0.6
    rim &= ink.mean(axis=1) > 0.3
    rows = np.flatnonzero(rim)
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        if run.size and run.size < max(4, 0.35 * field.height) and run[0] > 1 and run[-1] < field.base - 4:
            # What crosses a gridline goes on above and below it.
            ink[run[0] : run[-1] + 1] = ink[run[0] - 2] & ink[min(run[-1] + 2, ink.shape[0] - 1)]
    return np.asarray(ink)


def _skyline(field: Field) -> _Skyline | None:
    foot = field.base - max(3, round(0.2 * field.height))
    if foot < 8:
        return None
    ink = _ink(field)[: foot + 1]
    size = max(3, round(0.2 * field.height) | 1)
    closed = cv2.morphologyEx(np.pad(ink, size).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))[size:-size, size:-size] > 0
    _, labels = cv2.connectedComponents((~closed).astype(np.uint8), connectivity=4)
    half = max(1, foot // 2)
    seeds = np.unique(np.concatenate([labels[:2].ravel(), labels[:half, 0], labels[:half, -1]]))
    outside = np.isin(labels, seeds[seeds > 0])
    open_rows = outside[::-1]
    first = np.where(open_rows.any(axis=0), open_rows.argmax(axis=0), foot + 1)
    return _Skyline(_without_spikes(foot + 1 - first, max(3, round(0.3 * field.height))), ink, foot)


def _without_spikes(tops: Rows, narrow: int) -> Rows:
    """The skyline without what is no wider than a stem: neither rising (a smaller row) nor falling."""
    size = np.ones((1, 2 * (narrow // 2) + 1), np.uint8)
    row = tops.astype(np.float32)[None, :]
    row = cv2.morphologyEx(row, cv2.MORPH_CLOSE, size, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.morphologyEx(row, cv2.MORPH_OPEN, size, borderType=cv2.BORDER_REPLICATE)[0], dtype=np.int64)


def _hard_sides(sky: _Skyline, height: float) -> list[int]:
    """Columns at which the skyline jumps: the first column of each level stretch, and one past the last."""
    near = max(2.0, 0.12 * height)
    jumps = np.flatnonzero(np.abs(np.diff(sky.tops)) > near) + 1
    sides: list[int] = [0]
    for x in jumps.tolist():
        if x - sides[-1] > 2:
            sides.append(x)
    sides.append(int(sky.tops.size))
    return sides


def _common_width(sides: Sequence[int], sky: _Skyline, height: float) -> float | None:
    """Width of a bar, px: the one of which most stretches between jumps are multiples."""
    least = max(5.0, 0.5 * height)
    widths = np.array([b - a for a, b in pairwise(sides) if np.median(sky.tops[a:b]) < sky.foot - 1], dtype=float)
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
    alike = widths[np.abs(widths - width) <= 1.5 + 0.1 * width]
    return float(np.median(alike))


# ---------------------------------------------------------------- bars that touch


def _strokes(field: Field, sky: _Skyline) -> FloatArray:
    """For each column how surely it parts two bars: the share of its height that is ink, or at which the fill changes."""
    h, w = sky.ink.shape
    rows = np.arange(h)[:, None]
    inside = rows >= sky.tops[None, :] + 3
    count = np.maximum(inside.sum(axis=0), 1)
    ink = (sky.ink & inside).sum(axis=0) / count
    wide = np.pad(field.rgb[:h], ((0, 0), (2, 2), (0, 0)), mode="edge")
    step = np.abs(wide[:, 4:] - wide[:, :-4]).max(axis=2) > DEFINITE
    change = (step & inside).sum(axis=0) / count
    darker = np.minimum(wide[:, 4:], wide[:, :-4]).min(axis=2) - field.rgb[:h].min(axis=2) > 0.5 * DEFINITE
    dip = (darker & inside).sum(axis=0) / count
    return np.asarray(np.maximum(np.minimum(ink, dip * 1.2), change), dtype=np.float32)


def _parted(a: int, b: int, width: float, strokes: FloatArray, sky: _Skyline) -> list[tuple[int, int]]:
    """The stretch of columns a..b-1 cut where bars of the common width touch; whole where it is no wider than one."""
    if np.median(sky.tops[a:b]) >= sky.foot - 1:
        return []
    count = round((b - a) / width)
    if count < 2:
        return [(a, b - 1)]
    pitch = (b - a) / count
    cuts = [a]
    for k in range(1, count):
        guess = a + k * pitch
        lo, hi = max(cuts[-1] + 3, round(guess - 0.3 * width)), min(b - 3, round(guess + 0.3 * width))
        if hi <= lo:
            return [(a, b - 1)]
        window = strokes[lo : hi + 1]
        if window.max() < 0.7:
            return [(a, b - 1)]
        good = np.flatnonzero(window > max(0.7, 0.9 * window.max())) + lo
        cuts.append(int(good[np.abs(good - guess).argmin()]))
    cuts.append(b)
    return [(x0, x1 - 1) for x0, x1 in pairwise(cuts)]


# ---------------------------------------------------------------- one bar


def _bar(field: Field, sky: _Skyline, a: int, b: int, width: float) -> Bar | None:
    """The bar in columns a..b; None where what stands there is none: too wide, not level, or paper without sides."""
    if not 0.6 * width <= b - a + 1 <= 1.6 * width or b - a < 4:
        return None
    tops = sky.tops[a : b + 1]
    inner = tops[round(0.1 * tops.size) : tops.size - round(0.1 * tops.size)]
    top = int(np.median(inner))
    if (np.abs(inner - top) <= max(2.0, 0.12 * field.height)).mean() < LEVEL_SHARE or sky.foot - top < 3:
        return None
    x0, x1 = _inside(sky.ink, a, b, top, sky.foot)
    if x1 - x0 < 2:
        return None
    return _described(field, sky, x0, x1, top)


def _inside(ink: Mask, a: int, b: int, top: int, foot: int) -> tuple[int, int]:
    """Columns between the strokes of a bar's sides; the whole bar where its fill hides them."""
    columns = ink[top + 2 : foot, max(0, a - 2) : b + 3].mean(axis=0) if foot > top + 2 else np.ones(b - a + 1)
    full = columns > SIDE_SHARE
    if full.mean() > 0.8:
        return a, b
    first, last = 0, full.size - 1
    start = max(0, a - 2)
    third = full.size // 3
    left, right = np.flatnonzero(full[:third]), np.flatnonzero(full[-third:]) + full.size - third
    if left.size:
        first = int(left[-1]) + 1 if left.size <= 0.7 * third else 2
    else:
        first = a - start
    last = int(right[0]) - 1 if right.size and right.size <= 0.7 * third else full.size - 3
    return start + first, start + last


def _described(field: Field, sky: _Skyline, x0: int, x1: int, top: int) -> Bar | None:
    """The bar with its fill; None where it is paper without the strokes of two sides and a lid."""
    lid = _lid_row(sky.ink, x0, x1, top, field.height)
    fill, texture, inked = texture_of(field, x0, x1, lid + 1, sky.foot)
    if inked < 0.06 and not _has_sides(sky.ink, x0, x1, top, sky.foot):
        return None
    is_blank = inked < 0.06
    return Bar(x0, x1, lid, fill, is_blank, texture)


def _lid_row(ink: Mask, x0: int, x1: int, top: int, height: float) -> int:
    """First row of the fill: below the stroke of the lid, where there is one."""
    reach = max(3, round(0.3 * height))
    share = ink[max(0, top - 2) : top + reach + 1, x0 : x1 + 1].mean(axis=1)
    if share.size == 0 or share.min() > 0.6:
        return top
    start = max(0, top - 2)
    full = np.flatnonzero(share > 0.6)
    if full.size == 0:
        return top
    row = int(full[0])
    while row < share.size and share[row] > 0.6:
        row += 1
    return start + row


def _has_sides(ink: Mask, x0: int, x1: int, top: int, foot: int) -> bool:
    """Whether strokes run down both sides of a bar and along its top."""
    rows = slice(top + 2, foot)
    if foot - top < 5:
        return bool(ink[max(0, top - 2) : top + 3, x0 : x1 + 1].any(axis=0).mean() > 0.8)
    left = ink[rows, max(0, x0 - 5) : x0 + 2].any(axis=1).mean()
    right = ink[rows, x1 - 1 : x1 + 6].any(axis=1).mean()
    lid = ink[max(0, top - 3) : top + 4, x0 : x1 + 1].any(axis=0).mean()
    return bool(min(left, right, lid) > SIDE_SHARE)
