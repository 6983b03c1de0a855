"""Where traced curves of one ink meet: whether each went on along itself, by direction and by its dashes, or is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.linetraces import Piece, Strand

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

CLOSE = (3.0, 2.0)  # times the stroke and plus px between curves that meet
NEAR, FAR = (5.0, 6.0), (25.0, 20.0)  # the same: how far from a meeting directions and dashes are looked at
RADIANS, DASHED, UNLIKE = 0.35, 0.15, 0.7  # what counts one: a turn; a difference in the share that shows; in the log of dashes' lengths
LONGEST = 8.0  # times the stroke: a longer piece is no dash
MISS = (0.5, 0.1)  # and a miss, of the stroke and of the length of a meeting
SURE = 1.0  # by how much one way through must be better than the other
ROUNDS = 3
PARTS, FEWEST, DASH, MIXED = 6, 4, 14.0, 1.6  # of a strand; dashes of a part that tell; the longest dash, strokes; times other dashes


def settled(strands: Sequence[Strand], thickness: float, crowded: Mask) -> list[Strand]:
    """The strands, with their tails exchanged where that suits clearly better; a strand in doubt has rivals.

    `crowded` (h, w) is where more ink lies than one stroke has: curves have met nowhere else.
    """
    result = list(strands)
    for _ in range(ROUNDS):
        is_changed = False
        for i, j in combinations(range(len(result)), 2):
            for start, end in _meetings(result[i], result[j], thickness, crowded):
                gain = _gain(result[i], result[j], (start, end), thickness)
                if gain > SURE:
                    result[i], result[j] = _exchanged(result[i], result[j], (start + end) / 2)
                    is_changed = True
                    break
        if not is_changed:
            break
    for i, j in combinations(range(len(result)), 2):
        for start, end in _meetings(result[i], result[j], thickness, crowded):
            if _gain(result[i], result[j], (start, end), thickness) > -SURE:
                result[i], result[j] = (replace(s, rivals=(*s.rivals, start)) for s in (result[i], result[j]))
    return result


def is_mixed(strand: Strand, thickness: float) -> bool:
    """Whether the dashes of a strand are longer in one part of it than in another, as where it is made of two curves."""
    edges = np.linspace(strand.pieces[0].first, strand.pieces[-1].last + 1, PARTS + 1)
    longest = []
    for lo, hi in pairwise(edges.tolist()):
        own = [p for p in strand.pieces if min(p.last + 1, hi) > max(p.first, lo)]
        lengths = [_length(p) for p in own]
        if len(own) >= FEWEST or max(lengths, default=0.0) > DASH * thickness:
            longest.append(min(max(lengths), DASH * thickness))
    return bool(longest) and max(longest) > MIXED * max(min(longest), thickness)


def _length(piece: Piece) -> float:
    """Length of a piece along itself, px."""
    columns = piece.last - piece.first + 1.0
    rise = float(np.ptp(piece.y)) if piece.y.size > 1 else columns * abs(float(np.nan_to_num(piece.slope)))
    return float(np.hypot(columns, rise))


def _meetings(a: Strand, b: Strand, thickness: float, crowded: Mask) -> list[tuple[float, float]]:
    """First and last columns of each stretch in which two strands are so close that their strokes may touch, and ink lies crowded."""
    first, last = max(a.x[0], b.x[0]), min(a.x[-1], b.x[-1])
    if last - first < 1:
        return []
    columns = np.arange(np.ceil(first), last + 0.5)
    ya, yb = (np.interp(columns, *_ordered(s)) for s in (a, b))
    if columns.size < 2:
        return []
    steep = np.sqrt(1 + np.minimum(np.gradient(ya) ** 2, np.gradient(yb) ** 2))
    apart = ya - yb
    close = np.abs(apart) < (CLOSE[0] * thickness + CLOSE[1]) * steep
    close[1:] |= np.sign(apart[1:]) != np.sign(apart[:-1])
    edges = np.flatnonzero(np.diff(close.astype(int), prepend=0, append=0))
    upper, lower = np.minimum(ya, yb) - thickness, np.maximum(ya, yb) + thickness
    found: list[tuple[float, float]] = []
    for lo, hi in zip(edges[::2], edges[1::2], strict=True):
        start, end = float(columns[lo]), float(columns[hi - 1])
        if not _is_crowded(crowded, (start, end), (float(upper[lo:hi].min()), float(lower[lo:hi].max()))):
            continue
        if found and start - found[-1][1] < NEAR[0] * thickness:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    reach = CLOSE[0] * thickness + CLOSE[1]
    return [(start, end) for start, end in found if all(_is_parted(s, start - reach, end + reach) for s in (a, b))]


def _is_crowded(crowded: Mask, columns: tuple[float, float], rows: tuple[float, float]) -> bool:
    (left, right), (top, bottom) = columns, rows
    return bool(crowded[max(0, int(top)) : int(bottom) + 2, max(0, int(left) - 2) : int(right) + 3].any())


def _is_parted(strand: Strand, start: float, end: float) -> bool:
    """Whether a strand was joined somewhere between two columns; a piece that runs through can have gone no other way."""
    return any(p.last < end and q.first > start for p, q in pairwise(strand.pieces))


def _ordered(strand: Strand) -> tuple[Doubles, Doubles]:
    order = np.argsort(strand.x, kind="stable")
    return strand.x[order], strand.y[order]


def _gain(a: Strand, b: Strand, where: tuple[float, float], thickness: float) -> float:
    """By how much it suits better that two strands exchange their tails at a meeting."""
    sides = {(s, left): _Side(strand, where, thickness, left=left) for s, strand in (("a", a), ("b", b)) for left in (True, False)}
    if not all(side.is_known for side in sides.values()):
        return 0.0
    straight = _cost(sides["a", True], sides["a", False], where, thickness) + _cost(sides["b", True], sides["b", False], where, thickness)
    across = _cost(sides["a", True], sides["b", False], where, thickness) + _cost(sides["b", True], sides["a", False], where, thickness)
    return straight - across


class _Side:
    """What a strand is like right before (`left`) or after a meeting: its line, the share of it that shows, and the columns that tell."""

    def __init__(self, strand: Strand, where: tuple[float, float], thickness: float, *, left: bool) -> None:
        near, far = (reach[0] * thickness + reach[1] for reach in (NEAR, FAR))
        x, y = _ordered(strand)
        lo, hi = (where[0] - far, where[0]) if left else (where[1], where[1] + far)
        edge = where[0] if left else where[1]
        own = (x >= lo) & (x <= hi)
        line = own & (np.abs(x - edge) <= near)
        if line.sum() < 3:
            line = own
        self.is_known = bool(line.sum() >= 2 and np.ptp(x[line]) > 1)
        self.slope, self.at = (float(v) for v in np.polyfit(x[line] - edge, y[line], 1)) if self.is_known else (0.0, 0.0)
        shown = [max(0.0, min(hi, p.last + 0.5) - max(lo, p.first - 0.5)) for p in strand.pieces]
        begin, end = max(lo, float(x[0])), min(hi, float(x[-1]))
        self.length = max(0.0, end - begin)
        self.shown = min(1.0, sum(shown) / self.length) if self.length > 0 else 1.0
        self.weight = min(1.0, self.length / (0.5 * far))
        lengths = [p.last - p.first + 1.0 for p in strand.pieces if lo <= p.x.mean() <= hi]
        self.longest = min(max(lengths, default=1.0), LONGEST * thickness) * float(np.hypot(1, self.slope))


def _cost(left: _Side, right: _Side, where: tuple[float, float], thickness: float) -> float:
    """How badly what comes after a meeting suits what came before it."""
    length = where[1] - where[0]
    middle_left, middle_right = left.at + left.slope * length / 2, right.at - right.slope * length / 2
    steep = float(np.hypot(1, min(left.slope, right.slope, key=abs)))
    miss = abs(middle_left - middle_right) / (MISS[0] * thickness + MISS[1] * length) / steep
    turn = abs(np.arctan(left.slope) - np.arctan(right.slope)) / RADIANS
    dashes = abs(left.shown - right.shown) / DASHED + abs(np.log(left.longest / right.longest)) / UNLIKE
    dashes *= min(left.weight, right.weight)
    return float(min(miss, 3.0) + min(turn, 3.0) + min(dashes, 3.0))


def _exchanged(a: Strand, b: Strand, at: float) -> tuple[Strand, Strand]:
    def parted(strand: Strand) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
        before = tuple(p for p in strand.pieces if float(p.x.mean()) <= at)
        return before, strand.pieces[len(before) :]

    (a0, a1), (b0, b1) = parted(a), parted(b)
    if not (a0 and a1 and b0 and b1):
        return a, b
    rivals = tuple({*a.rivals, *b.rivals})
    return Strand((*a0, *b1), rivals), Strand((*b0, *a1), rivals)
