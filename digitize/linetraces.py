"""Curves followed through a layer of ink: across the gaps of dashes, under other curves, and straight on where curves of one ink cross.

Every column of a plot holds runs of ink. Runs that touch from column to column make pieces of a stroke; where strokes meet, and where a
run holds more ink than one stroke of its slope does, the pieces end. Pieces are then joined end to end, so that a curve goes on in place
and direction (an assignment of all ends at once), first over short gaps, then over longer ones and over what hides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

INKED = 0.25  # share of full ink from which on a pixel belongs to a run
FAINTEST = 0.35  # ink of a run, px, below which it is noise
THICK, THICK_PX = 1.4, 0.5  # times and plus what ink across a stroke one run may have before it holds more than the stroke
PART = 0.75  # of the ink across a stroke below which a run shows only a part of it, as at the end of a dash
DOT = (1.7, 2.5)  # times the stroke and plus px, up to which a piece is a dot, whose middle alone is known
SPECK = (12.0, 6.0)  # the longest dash, times the stroke and plus px
LONGER, SHALLOW = 1.6, 1.0  # of its width, from which on a dash has a direction; slope up to which its columns tell it
TRIM = 0.7  # of the stroke
REACH = (4.0, 4)  # times the stroke and plus columns at the end of a piece that tell its direction
STEEPEST = 12.0  # px a column, beyond which a direction is not told from upright
GAPS = ((3.0, 2.0), (6.0, 3.0), (12.0, 6.0))  # times the stroke and plus px of empty paper that a join may span, in turns
BENEATH = (30.0, 20.0)  # the same of ink that may hide a curve
LEAN, TURN, SHADE = 0.12, 0.6, 0.35  # how far a join may miss for each px of its length; radians that it may turn; log of unequal strokes
DEAREST = (1.5, 3.0, 4.0)  # what a join may cost, in turns
CORNER_REACH = 5.0  # times that gap, with what is hidden of it
CORNER, BESIDE = (6.0, 3.0), 1.5  # gap of a join with a corner in it, times the stroke and plus px; px beside the gap that it may lie
MOST_PIECES = 900  # of a layer: four dotted curves have no more, the specks of a scan have
RIVAL = 1.0  # cost by which a join must be better than another one to be sure


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of ink, column by column: column, first and last row, ink-weighted centre, and ink (px)."""

    column: Ints
    top: Ints
    bottom: Ints
    centre: Doubles
    ink: Doubles


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of a stroke: its places (x, y), its ink across, its first and last column, and its slope where its places do not tell it."""

    x: Doubles
    y: Doubles
    across: float
    first: int
    last: int
    slope: float = float("nan")


@dataclass(frozen=True, eq=False)
class Strand:
    """Pieces that make one curve, left to right; `rivals` are columns at which it may have gone on along another one instead."""

    pieces: tuple[Piece, ...]
    rivals: tuple[float, ...] = ()

    @property
    def x(self) -> Doubles:
        """Columns at which its places are known."""
        return np.concatenate([p.x for p in self.pieces])

    @property
    def y(self) -> Doubles:
        """The rows there."""
        return np.concatenate([p.y for p in self.pieces])

    @property
    def span(self) -> float:
        """Columns from its first to its last."""
        return float(self.pieces[-1].last - self.pieces[0].first + 1)

    @property
    def shown(self) -> float:
        """Share of its columns in which its ink shows."""
        return sum(p.last - p.first + 1 for p in self.pieces) / self.span


@dataclass(frozen=True, eq=False)
class Traced:
    """The curves of one layer: strands, the width of their stroke (px), and where (h, w) its ink lies too thick to be one stroke."""

    strands: tuple[Strand, ...]
    thickness: float
    crowded: Mask


def find_runs(amount: FloatArray) -> Runs:
    """The runs of ink in a layer (h, w) of 0 to 1; their centres count the pale pixels right above and below them."""
    h, w = amount.shape
    inked = np.zeros((w, h + 2), dtype=np.int8)
    inked[:, 1:-1] = (amount > INKED).T
    step = np.diff(inked, axis=1)
    column, top = np.nonzero(step == 1)
    bottom = np.nonzero(step == -1)[1] - 1
    sums = np.zeros((h + 1, w))
    moments = np.zeros((h + 1, w))
    np.cumsum(amount, axis=0, out=sums[1:], dtype=np.float64)
    np.cumsum(amount * np.arange(h, dtype=np.float32)[:, None], axis=0, out=moments[1:], dtype=np.float64)
    lo, hi = np.maximum(top - 1, 0), np.minimum(bottom + 1, h - 1) + 1
    ink = sums[hi, column] - sums[lo, column]
    centre = (moments[hi, column] - moments[lo, column]) / np.maximum(ink, 1e-9)
    real = ink > FAINTEST
    return Runs(column[real], top[real], bottom[real], centre[real], ink[real])


def _chained(runs: Runs, usable: Mask) -> list[list[int]]:
    """Chains of the usable runs, each of which touches just the next: a run that touches two ends its chain."""
    w = int(runs.column.max()) + 1 if runs.column.size else 0
    by_column: list[list[int]] = [[] for _ in range(w)]
    for k in np.flatnonzero(usable).tolist():
        by_column[int(runs.column[k])].append(k)
    after: dict[int, list[int]] = {}
    before: dict[int, list[int]] = {}
    top, bottom = runs.top.tolist(), runs.bottom.tolist()
    for here, there in pairwise(by_column):
        for a in here:
            for b in there:
                if top[b] <= bottom[a] + 1 and bottom[b] >= top[a] - 1:
                    after.setdefault(a, []).append(b)
                    before.setdefault(b, []).append(a)
    chains: list[list[int]] = []
    place: dict[int, list[int]] = {}
    for here in by_column:
        for b in here:
            come = before.get(b, [])
            if len(come) == 1 and len(after[come[0]]) == 1:
                place[b] = place[come[0]]
                place[b].append(b)
            else:
                place[b] = [b]
                chains.append(place[b])
    return chains


def _slopes(y: Doubles) -> Doubles:
    """Slope of a chain at each of its columns."""
    return np.gradient(y) if y.size > 1 else np.zeros_like(y)


def _stroke(runs: Runs, chains: Sequence[Sequence[int]]) -> tuple[float, Doubles]:
    """The ink across the stroke that most columns have, and that of every run."""
    across = runs.ink.copy()
    counted = np.zeros(across.shape)
    for chain in chains:
        k = np.array(chain)
        across[k] = runs.ink[k] / np.sqrt(1 + _slopes(runs.centre[k]) ** 2)
        if len(chain) > 2:
            counted[k[1:-1]] = 1
    if not counted.any():
        counted[:] = 1
    order = np.argsort(across)
    total = np.cumsum(counted[order])
    return float(across[order[int(np.searchsorted(total, 0.5 * total[-1]))]]), across


def _piece(runs: Runs, chain: Sequence[int], across: Doubles, thickness: float, trim: tuple[float, float]) -> Piece:
    """A chain as a piece of a stroke: a dot's middle, else the columns in which the whole stroke shows, but for so many at its ends."""
    k = np.array(chain)
    columns, ink = runs.column[k].astype(float), runs.ink[k]
    first, last = int(columns[0]), int(columns[-1])
    whole = across[k] > PART * min(float(np.median(across[k])), thickness)
    typical = float(np.median(across[k][whole])) if whole.any() else float(ink.max())
    if k.size <= DOT[0] * thickness + DOT[1] or whole.sum() < 3:
        middle = np.array([float((columns * ink).sum() / ink.sum())])
        return Piece(middle, np.array([float((runs.centre[k] * ink).sum() / ink.sum())]), typical, first, last)
    kept = np.flatnonzero(whole)
    trimmed = kept[(columns[kept] >= first + trim[0]) & (columns[kept] <= last - trim[1])]
    kept = trimmed if trimmed.size > 3 else kept
    return Piece(columns[kept], runs.centre[k][kept], typical, first, last)


def _specks(amount: FloatArray, thickness: float) -> tuple[list[Piece], Mask]:
    """Dots and steep dashes that stand alone, each as the middle of its ink and the direction of its longer side; and where they lie."""
    mask = (amount > INKED).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    large = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) > SPECK[0] * thickness + SPECK[1]
    large[0] = True
    rows, columns = np.nonzero(~large[labels])
    own, ink = labels[rows, columns], amount[rows, columns].astype(float)

    def total(values: Doubles) -> Doubles:
        return np.asarray(np.bincount(own, weights=values, minlength=count), dtype=np.float64)

    weight = np.maximum(total(ink), 1e-6)
    x, y = total(ink * columns) / weight, total(ink * rows) / weight
    dx, dy = columns - x[own], rows - y[own]
    xx, yy, xy = total(ink * dx**2) / weight, total(ink * dy**2) / weight, total(ink * dx * dy) / weight
    middle, half = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    long, wide = np.sqrt(12 * (middle + half)), np.sqrt(12 * np.maximum(middle - half, 0))
    slope = np.tan(0.5 * np.arctan2(2 * xy, xx - yy))
    steep = np.where(long > LONGER * wide, slope, np.nan)
    is_speck = ~large & (wide < THICK * thickness + THICK_PX) & (weight > 0.25 * thickness**2) & ~(np.abs(steep) < SHALLOW)
    found = []
    for k in np.flatnonzero(is_speck).tolist():
        left, width = int(stats[k, cv2.CC_STAT_LEFT]), int(stats[k, cv2.CC_STAT_WIDTH])
        direction = float(np.clip(steep[k], -STEEPEST, STEEPEST))
        across = float(weight[k] / max(long[k], thickness))
        found.append(Piece(np.array([x[k]]), np.array([y[k]]), across, left, left + width - 1, direction))
    return found, np.asarray(is_speck[labels], dtype=np.bool_)


def trace(amount: FloatArray, hiding: Mask) -> Traced | None:
    """The curves of a layer; None where its ink is too little or too scattered to be of curves.

    Parameters
    ----------
    amount : (h, w) float32
        Share of the layer's ink in each pixel.
    hiding : (h, w) bool
        Where other ink may lie over the curves.
    """
    runs = find_runs(amount)
    if runs.column.size < 10:
        return None
    every = np.ones(runs.column.size, dtype=bool)
    thickness, across = _stroke(runs, _chained(runs, every))
    specks, is_speck = _specks(amount, thickness)
    alone = is_speck[np.clip(np.rint(runs.centre).astype(int), 0, amount.shape[0] - 1), runs.column]
    usable = across <= THICK * thickness + THICK_PX
    crowded = np.zeros(amount.shape, dtype=bool)
    for k in np.flatnonzero(~usable & ~alone).tolist():
        crowded[runs.top[k] : runs.bottom[k] + 1, runs.column[k]] = True
    covered = hiding | crowded
    pieces = list(specks)
    for chain in _chained(runs, usable & ~alone):
        trim = _trimmed(runs, chain, covered, thickness)
        if any(trim) and len(chain) <= DOT[0] * thickness + DOT[1]:  # a scrap of what lies beside it
            for k in chain:
                crowded[runs.top[k] : runs.bottom[k] + 1, runs.column[k]] = True
        else:
            pieces.append(_piece(runs, chain, across, thickness, trim))
    pieces = [p for p in pieces if p.across > 0.3 * thickness]
    if len(pieces) > MOST_PIECES:
        return None
    strands = _joined(pieces, thickness, hiding | crowded)
    return Traced(tuple(strands), thickness, crowded)


def _trimmed(runs: Runs, chain: Sequence[int], covered: Mask, thickness: float) -> tuple[float, float]:
    """Columns at either end of a chain in which ink that covers or joins it may have moved its middle."""
    h, w = covered.shape
    trims = []
    for k, step in ((chain[0], -1), (chain[-1], 1)):
        column = int(runs.column[k]) + step
        rows = slice(max(0, int(runs.top[k]) - 1), min(h, int(runs.bottom[k]) + 2))
        trims.append(TRIM * thickness + 1 if 0 <= column < w and bool(covered[rows, column].any()) else 0.0)
    return trims[0], trims[1]


# Joins


@dataclass(frozen=True, eq=False)
class _Ends:
    """The right or left ends of strands: places, slopes (NaN where a dot does not tell), and ink across."""

    x: Doubles
    y: Doubles
    slope: Doubles
    across: Doubles


def _ends(strands: Sequence[Strand], thickness: float, *, right: bool) -> _Ends:
    reach = REACH[0] * thickness + REACH[1]
    places = []
    for strand in strands:
        x, y = strand.x, strand.y
        at = x[-1] if right else x[0]
        near = np.abs(x - at) <= reach
        if near.sum() < 2 and x.size > 1:  # dots far apart
            near = np.zeros(x.size, dtype=bool)
            near[-2:] = right
            near[:2] |= not right
        slope = np.nan
        if near.sum() > 1 and np.ptp(x[near]) > 0.5:
            slope = float(np.clip(np.polyfit(x[near], y[near], 1)[0], -STEEPEST, STEEPEST))
        end = strand.pieces[-1] if right else strand.pieces[0]
        slope = end.slope if np.isfinite(end.slope) else slope
        places.append((at, float(y[-1] if right else y[0]), slope, end.across))
    x, y, slope, across = np.array(places).T
    return _Ends(x, y, slope, across)


def _joined(pieces: Sequence[Piece], thickness: float, hiding: Mask) -> list[Strand]:
    strands = [Strand((p,)) for p in sorted(pieces, key=lambda p: float(p.x[0]))]
    hidden = np.zeros((hiding.shape[0] + 1, hiding.shape[1]), dtype=np.int32)
    np.cumsum(hiding, axis=0, out=hidden[1:])
    for gap, most in zip(GAPS, DEAREST, strict=True):
        empty = gap[0] * thickness + gap[1]
        while True:
            count = len(strands)
            strands = _join_once(strands, thickness, hidden, empty, most)
            if len(strands) == count:
                break
    return _join_once(strands, thickness, hidden, CORNER[0] * thickness + CORNER[1], DEAREST[-1], corners=True)


def _join_once(
    strands: list[Strand], thickness: float, hidden: NDArray[np.int32], empty: float, most: float, *, corners: bool = False
) -> list[Strand]:
    """The strands, joined where the best assignment of right to left ends costs little enough."""
    if len(strands) < 2:
        return strands
    ends = _ends(strands, thickness, right=True), _ends(strands, thickness, right=False)
    cost = _corner_costs(*ends, hidden, empty) if corners else _costs(*ends, thickness, hidden, empty)
    capped = np.where(cost < most, cost, most)
    rows, columns = linear_sum_assignment(capped)
    chosen = {int(a): int(b) for a, b in zip(rows, columns, strict=True) if cost[a, b] < most}
    if not chosen:
        return strands
    comes_from = {b: a for a, b in chosen.items()}
    rivals = _rivals(cost, chosen, comes_from, strands, thickness)
    result = []
    for start in range(len(strands)):
        if start in comes_from:
            continue
        pieces, doubts, at = list(strands[start].pieces), list(strands[start].rivals), start
        while at in chosen:
            doubts += rivals.get(at, [])
            at = chosen[at]
            pieces += strands[at].pieces
            doubts += strands[at].rivals
        result.append(Strand(tuple(pieces), tuple(doubts)))
    return result


def _rivals(
    cost: Doubles, chosen: dict[int, int], comes_from: dict[int, int], strands: Sequence[Strand], thickness: float
) -> dict[int, list[float]]:
    """For each join the column of it where two joins crosswise would cost about as little."""
    found: dict[int, list[float]] = {}
    long = [s.span > SPECK[0] * thickness for s in strands]
    for a, b in chosen.items():
        for other in np.flatnonzero(cost[a] < cost[a, b] + 2 * RIVAL).tolist():
            if other == b:
                continue
            if other not in comes_from:
                if long[a] and long[b] and long[other] and cost[a, other] < cost[a, b] + RIVAL:
                    found.setdefault(a, []).append(float(strands[a].x[-1]))
                continue
            mate = comes_from[other]
            crosswise = cost[a, other] + cost[mate, b]
            if crosswise < cost[a, b] + cost[mate, other] + RIVAL:
                found.setdefault(a, []).append(float(strands[a].x[-1]))
    return found


def _costs(right: _Ends, left: _Ends, thickness: float, hidden: NDArray[np.int32], empty: float) -> Doubles:
    """What each join of a right end (row) to a left end (column) costs: how far it misses, turns, and spans."""
    dx = left.x[None, :] - right.x[:, None]
    dy = left.y[None, :] - right.y[:, None]
    cost = np.full(dx.shape, np.inf)
    reach = empty + BENEATH[0] * thickness + BENEATH[1]
    a, b = np.nonzero((dx > 0.2) & (dx < reach) & (np.abs(dy) < reach))
    if not a.size:
        return cost
    x, y = dx[a, b], dy[a, b]
    bare, beyond = _bare(right, left, a, b, hidden)
    chord = y / np.maximum(x, 1.0)
    from_left, from_right = (np.where(np.isnan(s), chord, s) for s in (right.slope[a], left.slope[b]))
    knows = 2 - np.isnan(right.slope[a]).astype(int) - np.isnan(left.slope[b]).astype(int)
    miss = np.minimum(np.abs(from_left * x - y), np.abs(from_right * x - y))
    miss = np.where(knows == 1, np.maximum(np.abs(from_left * x - y), np.abs(from_right * x - y)), miss)
    steepness = np.sqrt(1 + np.minimum(from_left**2, from_right**2))
    slack = 0.5 * thickness * steepness + LEAN * np.hypot(x, y) + beyond
    turn = np.abs(np.arctan(from_left) - np.arctan(from_right))
    shade = np.log(right.across[a] / left.across[b])
    told = (miss / slack) ** 2 + (turn / TURN) ** 2
    alone = np.hypot(x, y) / empty * 0.6 + (np.arctan(chord) / 1.2) ** 2
    value = np.where(knows == 0, alone, told) + (shade / SHADE) ** 2 * 0.5 + 0.7 * bare / empty + 0.01 * np.hypot(x, y) / thickness
    cost[a, b] = np.where(bare <= empty, value, np.inf)
    return cost


def _corner_costs(right: _Ends, left: _Ends, hidden: NDArray[np.int32], empty: float) -> Doubles:
    """What each join costs that turns a corner: where the directions of both ends meet between them."""
    dx = left.x[None, :] - right.x[:, None]
    dy = left.y[None, :] - right.y[:, None]
    cost = np.full(dx.shape, np.inf)
    is_told = ~np.isnan(right.slope)[:, None] & ~np.isnan(left.slope)[None, :]
    a, b = np.nonzero((dx > 0.2) & (np.hypot(dx, dy) < CORNER_REACH * empty) & is_told)
    if not a.size:
        return cost
    bend = right.slope[a] - left.slope[b]
    bend = np.where(np.abs(bend) < 1e-3, 1e-3, bend)
    corner = (dy[a, b] - left.slope[b] * dx[a, b]) / bend  # columns right of the right end
    between = (corner > -BESIDE) & (corner < dx[a, b] + BESIDE)
    bare, _ = _bare(right, left, a, b, hidden)
    shade = np.log(right.across[a] / left.across[b])
    value = 1.0 + bare / empty + 0.3 * np.hypot(dx[a, b], dy[a, b]) / empty + 0.5 * (shade / SHADE) ** 2
    cost[a, b] = np.where(between & (bare <= empty), value, np.inf)
    return cost


def _bare(right: _Ends, left: _Ends, a: Ints, b: Ints, hidden: NDArray[np.int32]) -> tuple[Doubles, Doubles]:
    """Length of each join that runs over empty paper, and half the height of the ink that it runs through (0 where it is bare)."""
    h, w = hidden.shape[0] - 1, hidden.shape[1]
    share = np.linspace(0.0, 1.0, 17)[1:-1]
    x0, y0 = right.x[a], right.y[a]
    x1, y1 = left.x[b], left.y[b]
    columns = np.clip(np.rint(x0[:, None] + (x1 - x0)[:, None] * share), 0, w - 1).astype(int)
    rows = y0[:, None] + (y1 - y0)[:, None] * share
    lo = np.clip(np.floor(rows - 1), 0, h - 1).astype(int)
    hi = np.clip(np.ceil(rows + 1), 0, h - 1).astype(int) + 1
    covered = (hidden[hi, columns] - hidden[lo, columns]) > 0
    length = np.hypot(x1 - x0, y1 - y0)
    total = (hidden[-1, columns]).astype(float)
    height = np.where(covered, np.minimum(total, 3.0), 0.0).max(axis=1)
    return np.asarray((1 - covered.mean(axis=1)) * length), np.asarray(0.5 * height)
