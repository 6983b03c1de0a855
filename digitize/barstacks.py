"""Stacked bars: one bar of the skyline cut where its fill changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from digitize.barfield import DEFINITE, Bar, Doubles, Field, FloatArray, inner_columns, lightness, texture_of

OTHER_FILL = 20.0  # grey levels by which colour or texture of two parts of a stack differ
LEAST_SHARE = 0.4  # share of a panel's bars that must be stacks before any is


def split_stacks(field: Field, bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """The bars with stacks cut into their parts, from the baseline up; all as they are where few bars show a change of fill."""
    parts = [_parts(field, bar) for bar in bars]
    stacks = sum(len(p) > 1 for p in parts)
    if stacks < max(2, LEAST_SHARE * len(bars)):
        return tuple(bars)
    return tuple(part for found in parts for part in found)


def _parts(field: Field, bar: Bar) -> list[Bar]:
    """The parts of one bar, lowest first."""
    foot = field.base - max(3, round(0.2 * field.height))
    if foot - bar.top < 12 or bar.width < 6 or field.covered[bar.top : foot + 1, bar.x0 : bar.x1 + 1].any():
        return [bar]
    cuts = _cuts(field, bar, foot)
    pieces = list(pairwise([bar.top, *cuts, foot + 1]))
    whole = [pieces[0]]
    for above, below in pairwise(pieces):
        if _differ(field, bar, above, below):
            whole.append(below)
        else:
            whole[-1] = (whole[-1][0], below[1])
    if len(whole) < 2:
        return [bar]
    found: list[Bar] = []
    for k, (a, b) in enumerate(whole):
        fill, texture, inked = texture_of(field, bar.x0, bar.x1, a + 2, max(a + 3, b - 3))
        part = replace(bar, top=a, fill=fill, texture=texture, is_blank=inked < 0.06, is_part=True, is_lowest=k == len(whole) - 1)
        if found:
            part = replace(part, above=found[-1].fill, is_above_plain=bool(found[-1].texture[0] == 0))
        found.append(part)
    return found[::-1]


def _beside_stem(bar: Bar) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    columns = np.arange(bar.x0, bar.x1 + 1)[inner_columns(0, bar.x1 - bar.x0)]
    beside = columns[np.abs(columns - bar.middle) > max(2.0, 0.15 * bar.width)]
    return np.asarray(beside if beside.size >= 3 else columns, dtype=np.int64)


def _cuts(field: Field, bar: Bar, foot: int) -> list[int]:
    """Rows at which another fill may begin, top to bottom: the first below a stroke across the bar, or below a change of its look."""
    columns = _beside_stem(bar)
    rows = field.rgb[bar.top : foot + 1, columns]
    mean = rows.mean(axis=1)
    grain = np.abs(np.diff(rows.mean(axis=2), axis=1)).mean(axis=1, keepdims=True)
    look = np.concatenate([mean, grain], axis=1).astype(float)
    size = max(4, round(0.4 * field.height))
    change = _change(look, size)
    light = lightness(rows).mean(axis=1)
    taken: list[int] = []
    for k in np.argsort(change)[::-1].tolist():
        if change[k] < OTHER_FILL:
            break
        if all(abs(k - other) > size + 2 for other in taken):
            taken.append(k)
    cuts: list[int] = []
    for cut in sorted(_below_stroke(light, k) + bar.top for k in taken):
        if cut - (cuts[-1] if cuts else bar.top) > max(5, 0.3 * field.height):
            cuts.append(cut)
    return cuts


def _change(look: Doubles, size: int) -> Doubles:
    """How much the mean of up to `size` rows below each row differs from that above it, the rows next to it left out."""
    total = np.concatenate([np.zeros((1, look.shape[1])), np.cumsum(look, axis=0)])
    k = np.arange(4, max(4, len(look) - 4))
    a, b = np.maximum(0, k - size), np.minimum(len(look), k + 2 + size)
    above = (total[k - 1] - total[a]) / (k - 1 - a)[:, None]
    below = (total[b] - total[k + 2]) / (b - k - 2)[:, None]
    change = np.zeros(len(look))
    change[k] = np.abs(above - below).max(axis=1)
    return change


def _below_stroke(light: FloatArray, k: int) -> int:
    """First row below the stroke nearest to row k, or the first row beyond the step of brightness there."""
    a, b = max(1, k - 4), min(len(light) - 2, k + 5)
    window = light[a : b + 1]
    sides = min(light[max(0, a - 2)], light[min(len(light) - 1, b + 2)])
    if sides - window.min() > 0.5 * DEFINITE:
        row = a + int(window.argmin())
        while row < len(light) - 1 and light[row] < sides - 0.5 * (sides - window.min()):
            row += 1
        return row
    return a + int(np.abs(np.diff(window)).argmax()) + 1


def _differ(field: Field, bar: Bar, upper: tuple[int, int], lower: tuple[int, int]) -> bool:
    """Whether two stretches of rows of a bar have different fills: most of their rows, that is, for level hatches cross them."""
    if min(upper[1] - upper[0], lower[1] - lower[0]) < 4:
        return False
    (color_a, grain_a), (color_b, grain_b) = (_look(field, bar, *rows) for rows in (upper, lower))
    if float(np.abs(color_a - color_b).max()) < OTHER_FILL and abs(grain_a - grain_b) < OTHER_FILL:
        return False
    return max(grain_a, grain_b) < 0.25 * OTHER_FILL or _has_border(field, bar, lower[0])


def _look(field: Field, bar: Bar, first: int, last: int) -> tuple[FloatArray, float]:
    """Mean colour and mean step from column to column in the median row of rows first..last-1."""
    rows = field.rgb[first + 1 : max(first + 2, last - 2), _beside_stem(bar)]
    grain = np.abs(np.diff(lightness(rows), axis=1)).mean(axis=1)
    return np.asarray(np.median(rows.mean(axis=1), axis=0), dtype=np.float32), float(np.median(grain))


def _has_border(field: Field, bar: Bar, row: int) -> bool:
    """Whether a stroke or the edge of a solid fill runs across a bar just above a row."""
    rows = field.rgb[max(0, row - 4) : row + 2, _beside_stem(bar)]
    inked = np.abs(rows - field.paper).max(axis=2) > DEFINITE
    return bool(inked.mean(axis=1).max() > 0.85)
