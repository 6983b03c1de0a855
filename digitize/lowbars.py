"""Bars hardly higher than the line they stand on: no rectangle shows, but the line is thicker where one is due.

Where all other bars stand says where: over its own name, as wide as they are. A bar of height h whose outline is w thick makes, with a line
L thick, a stroke of h + max(w, (w + L) / 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.barends import Drawn, mirrored, panel_edge, tip_above
from digitize.barfield import DEFINITE, Bar, Field, contrast
from digitize.barfinder import Standing
from digitize.series import Place

LOW = "low_bar"
MOST = 0.9  # digit heights that a bar is low up to
LEAST = 0.8  # px by which the line is thicker where a bar stands, and by which it sticks out to one side
FLANKS = (0.3, 0.42)  # of a bar's width beside its middle: between them neither stem nor cap nor outline shows
APART = 3  # px beside bars from which on the line is bare
LEAST_BARE = 5  # columns of bare line that are enough
ROOM = 1.5  # digit heights of plot on the other side of the baseline where an error bar may cross it
LOW_U = 0.5  # px: the line hides the foot, and pixels as thick as the bar its end


@dataclass(frozen=True)
class _Stroke:
    """Ink about the baseline: its thickness, and how far it reaches above and below a row, px."""

    above: float
    below: float

    @property
    def thickness(self) -> float:
        return self.above + self.below


def low_bars(found: Standing, names_px: Sequence[float], zero_px: float | None) -> list[Drawn]:
    """The bars over the names that none of those found stands over, in rows of the field, as far as they show at all.

    Parameters
    ----------
    found : Standing
        The bars that were found, each over a name of its own.
    names_px : sequence of float
        Columns of the image in which the names along the axis have their middles.
    zero_px : float or None
        Row of the image at which the axis has 0; None where it has none.
    """
    field = found.field
    zero = field.base if zero_px is None or abs(zero_px - field.origin[1] - field.base) > 2.0 else zero_px - field.origin[1]
    spots = _bare_spots(found, [at - field.origin[0] for at in names_px])
    if not spots:
        return []
    bare = _line(field, [*((b.x0, b.x1) for b in found.bars), *spots], zero)
    views = [(field, found.risen), (field.flipped(), found.hanging)]
    width = next((w for view, bars in views if bars and (w := panel_edge(view, bars).width) is not None), bare.thickness)
    drawn = []
    for x0, x1 in spots:
        one = _low_bar(found, x0, x1, zero, bare, width)
        if one is not None:
            drawn.append(one)
    return drawn


def _bare_spots(found: Standing, names: Sequence[float]) -> list[tuple[int, int]]:
    """First and last columns where bars are due that were not found: over names without one, as wide and as far off as the others."""
    bars = found.bars
    nearest = [min(names, key=lambda at: abs(at - b.middle), default=np.inf) for b in bars]
    if len(set(nearest)) < len(bars) or not bars:
        return []
    half = float(np.median([b.width for b in bars])) / 2
    off = float(np.median([b.middle - at for b, at in zip(bars, nearest, strict=True)]))
    spots = [(round(at + off - half), round(at + off + half)) for at in names if at not in nearest]
    free = [s for s in spots if all(s[1] < b.x0 or s[0] > b.x1 for b in bars)]
    return [(x0, x1) for x0, x1 in free if x0 >= 0 and x1 < found.field.rgb.shape[1]] if abs(off) < 0.8 * half else []


def _line(field: Field, taken: Sequence[tuple[int, int]], zero: float) -> _Stroke:
    """The baseline where no bar stands or is due; of no thickness where none is drawn."""
    free = np.ones(field.rgb.shape[1], dtype=bool)
    for x0, x1 in taken:
        free[max(0, x0 - APART) : x1 + APART + 1] = False
    columns = np.flatnonzero(free)
    return _stroke(field, columns, zero) if columns.size >= LEAST_BARE else _Stroke(0.0, 0.0)


def _stroke(field: Field, columns: NDArray[np.int64], zero: float, solid: float = 0.0, *, is_hollow: bool = False) -> _Stroke:
    """The ink about a row in the median of some columns.

    `solid` is the contrast of a fill, 0 where only the darkest ink counts; an outline alone `is_hollow`.
    """
    reach = round(1.5 * MOST * field.height)
    first, last = max(0, round(zero) - reach), min(field.rgb.shape[0] - 1, round(zero) + reach)
    ink = np.median(contrast(field.rgb[first : last + 1][:, columns], field.paper), axis=1).astype(float)
    rows = np.arange(first, last + 1)
    peak = float(ink[np.abs(rows - zero) <= 2.0].max(initial=0.0))
    if peak < DEFINITE:
        return _Stroke(0.0, 0.0)
    share = np.clip(ink / (min(peak, solid) if solid > DEFINITE else peak), 0, 1)
    inked = share >= 0.5
    start = int(np.argmin(np.abs(rows - zero) + 10.0 * ~inked))
    top = bottom = start
    gap = round(MOST * field.height) if is_hollow else 1
    while (near := inked[max(0, top - gap) : top]).any():
        top -= int(near[::-1].argmax()) + 1
    while (near := inked[bottom + 1 : bottom + 1 + gap]).any():
        bottom += int(near.argmax()) + 1
    upper = rows[top] + 0.5 - share[top] - (share[top - 1] if top > 0 else 0.0)
    lower = rows[bottom] - 0.5 + share[bottom] + (share[bottom + 1] if bottom < rows.size - 1 else 0.0)
    return _Stroke(zero - float(upper), float(lower) - zero)


def _low_bar(found: Standing, x0: int, x1: int, zero: float, bare: _Stroke, width: float) -> Drawn | None:
    """The bar due in some columns; None where the line is no thicker there, or thicker to both sides."""
    field, fill = found.field, np.median([b.fill for b in found.bars], axis=0).astype(np.float32)
    away = np.abs(np.arange(x0, x1 + 1) - (x0 + x1) / 2) / (x1 - x0 + 1)
    columns = np.arange(x0, x1 + 1)[(away > FLANKS[0]) & (away < FLANKS[1])]
    if columns.size < 2:
        return None
    is_hollow = all(b.is_blank for b in found.bars)
    seen = _stroke(field, columns, zero, float(np.abs(fill - field.paper).max()), is_hollow=is_hollow)
    height = seen.thickness - max(width, (width + bare.thickness) / 2)
    out_above, out_below = (s - max(b, width / 2) for s, b in ((seen.above, bare.above), (seen.below, bare.below)))
    if not LEAST <= height <= MOST * field.height or seen.thickness < bare.thickness + LEAST or abs(out_above - out_below) < LEAST:
        return None
    hangs = out_below > out_above
    last = field.rgb.shape[0] - 1
    view, base, ahead, behind = (field.flipped(), last - zero, seen.below, seen.above) if hangs else (field, zero, seen.above, seen.below)
    bar = Bar(x0, x1, round(base - height), fill, is_hollow)
    drawn = Drawn(bar, Place(base - height, LOW_U), flags=(LOW,))
    tip = tip_above(view, bar, round(base - ahead - 1.0))
    if tip is not None:
        beyond = None
        if last - base > ROOM * field.height:  # below the foot of a plot stand tick marks
            beyond = tip_above(view.flipped(), replace(bar, top=round(last - base)), round(last - base - behind - 1.0))
        drawn = replace(drawn, outer=tip, inner=None if beyond is None else Place(last - beyond.px, beyond.u_px))
    return mirrored(drawn, last) if hangs else drawn
