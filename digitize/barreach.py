"""How far error bars reach where more than one could end at a place: all the bars of one column and ink weighed together.

What is drawn must explain what is seen: a bar needs ink, or something that covers it, all along its stem; its end needs a cap (or, where
bars have none, the end of the stem); and every cap and stem that is seen must belong to a bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from operator import or_

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

INKED = 0.45  # share of full ink from which on a pixel belongs to a stroke
IS_CAP = 0.6  # how much of the ink of a sure cap makes one
HIDDEN_ENOUGH = 0.6  # share of a place that other ink must cover for nothing to be known of it
COVERED_COST, PAPER_COST, NO_BAR_COST, SHARED_COST = 0.35, 0.35, 0.7, 2.2  # what it costs to end unseen, to cross a px of paper, ...
LOOSE_CAP, LOOSE_STEM = 1.0, 0.12  # ... to leave a cap, or a px of stem, to no bar
MOST_BENEATH = 24  # px: a bar that passes beneath a longer stretch of other ink may end where it does
PASSING_GAIN = 0.3  # what speaks for an end where a bare stem passes into other ink
MOST_PAPER, MOST_STEM = 3.0, 2.5
CHOICES = {1: 40, 2: 24, 3: 12, 4: 7}  # bars that are weighed for each of so many markers
SHADE = 1.5  # what it costs to end at a cap whose ink is e times as dark, or as pale, as that of the series
ONE_SHADE = 0.12  # log of how much darker one stem must be than another for them to be told apart
UNLIKE = 0.5  # what it costs for a bar to be e times as long as is usual
ONE_ANOTHER = 0.5  # how much of that where bars are held against each other
MARGIN = 0.45  # by how much a reading must beat the next that differs, for it to stand without a doubt


@dataclass(frozen=True)
class Strokes:
    """How the error bars of a series are drawn, px: half-width of caps (0 where there are none), thickness, and the ink of a sure cap.

    `is_own` tells whether the series itself showed that ink: then a cap that is much darker or paler is another's. `stem` is the ink of a
    stem, 0 where the series itself did not show it.
    """

    cap: float
    thickness: float
    level: float
    is_own: bool = False
    stem: float = 0.0


@dataclass(frozen=True)
class Standing:
    """A marker at (x, y) px with half-size `size`, whose bar is looked for; `known` (top, bottom) where it is known already.

    `sides` is "even", "both", "one", "up" or "down": whether bars are as long below as above, have two ends that may differ, or have one;
    `usual` is how far they mostly reach, px, 0 where that is not known.
    """

    x: float
    y: float
    size: float
    sides: str
    usual: float = 0.0
    known: tuple[float | None, float | None] | None = None


@dataclass(frozen=True)
class Reach:
    """The ends of a bar, px, None where there is none; whether each was seen, and whether no other reading comes near.

    `top_u` and `bottom_u` are by how much (standard uncertainty, px) an end is in doubt that lies somewhere beneath other ink.
    """

    top: float | None
    bottom: float | None
    top_seen: bool
    bottom_seen: bool
    is_sure: bool
    top_u: float = 0.0
    bottom_u: float = 0.0


@dataclass(frozen=True)
class _Column:
    """What is seen along the column of a marker, one value a row.

    `cap` is how much of a cap's ink stands there (0 to 1), `passing` whether a bare stem passes into other ink, `shade` the log of how much
    darker than the series' own caps it is, `cap_covered` and `stem_covered` the shares that other ink covers, `stem` the ink of the stem
    (0 to 1).
    """

    cap: Floats
    passing: Flags
    shade: Floats
    cap_covered: Floats
    stem: Floats
    stem_covered: Floats


@dataclass(frozen=True)
class _Choice:
    """One reading of one marker's bar: what it is worth by itself, and the rows (as bits) and caps (as bits) that it explains."""

    top: float | None
    bottom: float | None
    worth: float
    top_seen: bool
    bottom_seen: bool
    rows: int
    caps: int


def weighed(
    markers: Sequence[Standing], strokes: Sequence[Strokes], own: Sequence[Floats], covered: Sequence[Flags]
) -> tuple[float, list[Reach]]:
    """The bars of the markers of one column and hue.

    Parameters
    ----------
    markers : sequence of Standing
        At most four are weighed together, the rest one by one.
    strokes : sequence of Strokes
        How the bars of each are drawn.
    own : sequence of (h, w) float64
        Ink of each marker's colour, 0 to 1.
    covered : sequence of (h, w) bool
        Where other ink, a marker or a legend lies: there nothing can be told.

    Returns
    -------
    float
        What the reading is worth: the more, the better it explains what is seen.
    list of Reach
    """
    if len(markers) > max(CHOICES):
        alone = [weighed([m], [s], [o], [c]) for m, s, o, c in zip(markers, strokes, own, covered, strict=True)]
        return sum(worth for worth, _ in alone), [reach for _, found in alone for reach in found]
    columns = [_column(*each, is_alone=len(markers) == 1) for each in zip(markers, strokes, own, covered, strict=True)]
    caps = _caps_of(columns, max(s.thickness for s in strokes))
    shades = _shades(columns, strokes, caps, _stem_rows(columns, markers))
    columns = [replace(c, passing=c.passing | _steps(k, c.stem.size, shades)) for k, c in enumerate(columns)]
    choices = [_choices(m, c, caps, s)[: CHOICES[len(markers)]] for m, c, s in zip(markers, columns, strokes, strict=True)]
    all_caps = (1 << len(caps)) - 1
    rated = []
    for combo in product(*choices):
        explained = shared = 0
        for choice in combo:
            shared += (explained & choice.caps).bit_count()
            explained |= choice.caps
        worth = (
            sum(c.worth for c in combo)
            - UNLIKE * _unlikeness(markers, combo)
            - LOOSE_CAP * (all_caps & ~explained).bit_count()
            - SHARED_COST * shared
        )
        loose = sum((rows & ~reduce(or_, (combo[k].rows for k in of))).bit_count() for of, rows in shades.items())
        worth -= min(LOOSE_STEM * loose, MOST_STEM * len(markers))
        rated.append((worth, combo))
    rated.sort(key=lambda r: -r[0])
    best_worth, best = rated[0]
    near = [combo for worth, combo in rated[1:] if worth > best_worth - MARGIN]
    tolerance = max(_tolerance(s) for s in strokes)
    reaches = []
    for k, (c, column) in enumerate(zip(best, columns, strict=True)):
        (top, top_u), (bottom, bottom_u) = (c.top, 0.0), (c.bottom, 0.0)
        if markers[k].sides != "even":  # there the other end tells it
            (top, top_u), (bottom, bottom_u) = _beneath(c.top, -1, column), _beneath(c.bottom, 1, column)
        is_sure = not any(_differ(c, other[k], tolerance) for other in near)
        reaches.append(Reach(top, bottom, c.top_seen, c.bottom_seen, is_sure, top_u, bottom_u))
    return best_worth, reaches


def _beneath(end: float | None, way: int, column: _Column) -> tuple[float | None, float]:
    """An end where a stem passes into other ink, in the middle of what covers it, and how far it may lie from there: it may be anywhere."""
    if end is None or not column.passing[row := min(max(round(end), 0), column.passing.size - 1)]:
        return end, 0.0
    covered = column.stem_covered
    beyond = covered[row + 1 : row + 1 + MOST_BENEATH] if way > 0 else covered[max(0, row - MOST_BENEATH) : row][::-1]
    free = np.flatnonzero(beyond <= HIDDEN_ENOUGH)
    if not free.size:
        return end, 0.0
    return end + way * float(free[0]) / 2, float(free[0]) / 12**0.5


def _shades(columns: Sequence[_Column], strokes: Sequence[Strokes], caps: Sequence[float], rows: int) -> dict[tuple[int, ...], int]:
    """The rows of stem ink (as bits) by the markers (their numbers) whose bars are of that shade: all markers where it cannot be told.

    Where bars lie over one another the one in front shows: whatever lies beneath, that one reaches there.
    """
    every = tuple(range(len(columns)))
    stem = np.max([c.stem for c in columns], axis=0)
    told = _flags(rows, stem.size)
    for cap in caps:
        reach = round(max(s.thickness for s in strokes)) + 1
        told[max(0, round(cap) - reach) : round(cap) + reach + 1] = False
    off = np.array([np.abs(np.log(np.maximum(stem, 0.05) / s.stem)) if s.stem > 0 else np.zeros(stem.size) for s in strokes])
    known = [k for k in every if strokes[k].stem > 0]
    nearest = off[known].min(axis=0) if known else np.zeros(stem.size)
    may_be = np.array([off[k] <= nearest + ONE_SHADE if k in known else np.ones(stem.size, dtype=bool) for k in every])
    may_be[:, ~told] = True
    found: dict[tuple[int, ...], int] = {}
    for of in {tuple(np.flatnonzero(column).tolist()) for column in np.unique(may_be, axis=1).T}:
        own = (may_be == np.isin(every, of)[:, None]).all(axis=0)
        found[of] = _bits(own) & rows
    return found


def _steps(marker: int, size: int, shades: Mapping[tuple[int, ...], int]) -> Flags:
    """The last rows of a stem's own shade before another: there the bar of a marker ends where no cap tells it, or goes on beneath."""
    own = _flags(shades.get((marker,), 0), size)
    other = _flags(reduce(or_, (rows for of, rows in shades.items() if marker not in of), 0), size)
    return _passings(own.astype(float), other.astype(float))


def _flags(rows: int, size: int) -> Flags:
    """Rows given as bits, one by one."""
    return np.unpackbits(np.frombuffer(rows.to_bytes((size + 7) // 8, "little"), np.uint8), count=size, bitorder="little").astype(bool)


def _unlikeness(markers: Sequence[Standing], combo: Sequence[_Choice]) -> float:
    """How far the lengths of the bars are from what is usual in their series, summed, at most 1 each; or else from each other."""
    total, lengths = 0.0, []
    for marker, choice in zip(markers, combo, strict=True):
        reaches = [abs(end - marker.y) for end in (choice.top, choice.bottom) if end is not None]
        if not reaches:
            continue
        lengths.append(max(*reaches, 1.0))
        if marker.usual > 0:
            total += min(abs(float(np.log(lengths[-1] / marker.usual))), 1.0)
    if len(lengths) > 1 and not any(marker.usual > 0 for marker in markers):
        total += ONE_ANOTHER * min(float(np.ptp(np.log(lengths))), 1.0)
    return total


def _tolerance(strokes: Strokes) -> float:
    return 1.5 + strokes.thickness


def _differ(a: _Choice, b: _Choice, tolerance: float) -> bool:
    return any(
        (p is None) != (q is None) or (p is not None and q is not None and abs(p - q) > tolerance)
        for p, q in ((a.top, b.top), (a.bottom, b.bottom))
    )


def _column(marker: Standing, strokes: Strokes, own: Floats, covered: Flags, *, is_alone: bool) -> _Column:
    """What is seen along a marker's column."""
    half = max(1.0, strokes.thickness / 2)
    middle = _columns(own.shape[1], marker.x - half + 0.5, marker.x + half - 0.5)
    own = np.where(covered, 0.0, own)
    # A stem drawn half a pixel aside is still a stem: the darkest of its pixel columns counts.
    stem = np.clip(own[:, middle].max(axis=1), 0, 1)
    stem_covered = covered[:, middle].mean(axis=1)
    if strokes.cap <= 0:
        # An end may lie under the stem of another bar of the same ink.
        hides = stem_covered if is_alone else np.maximum(stem_covered, stem > INKED)
        passing = _passings(stem, stem_covered) if is_alone else np.zeros(stem.size, dtype=bool)
        return _Column(_stem_ends(stem, stem_covered), passing, np.zeros_like(stem), _outer(hides), stem, stem_covered)
    inner = half + 1.0
    arms = [
        _columns(own.shape[1], marker.x - strokes.cap + 0.5, marker.x - inner),
        _columns(own.shape[1], marker.x + inner, marker.x + strokes.cap - 0.5),
    ]
    beyond = [
        _columns(own.shape[1], marker.x - strokes.cap - 6, marker.x - strokes.cap - 2),
        _columns(own.shape[1], marker.x + strokes.cap + 2, marker.x + strokes.cap + 6),
    ]
    ink, hidden = _arms(own, covered, arms)
    further, _ = _arms(own, covered, beyond)
    shade = np.log(np.maximum(ink, 0.05) / max(strokes.level, 0.1)) if strokes.is_own else np.zeros_like(ink)
    ink = np.clip(ink / max(strokes.level, 0.1), 0, 1)
    lean = round(strokes.thickness) + 2
    above, below = _shifted(ink, lean), _shifted(ink, -lean)
    cap = np.clip(ink - np.maximum(np.minimum(above, 1), below), 0, 1) * (1 - np.clip(further / max(strokes.level, 0.1), 0, 1))
    return _Column(cap, np.zeros(cap.size, dtype=bool), shade, hidden, stem, stem_covered)


def _arms(own: Floats, covered: Flags, arms: Sequence[slice]) -> tuple[Floats, Floats]:
    """Of the two arms of a cap the lesser ink (that of the other where one is covered), and the share of both that is covered."""
    inks, shown = [], []
    for arm in arms:
        free = ~covered[:, arm]
        count = free.sum(axis=1)
        ink = np.where(free, own[:, arm], 0).sum(axis=1) / np.maximum(count, 1)
        inks.append(np.where(count >= 0.4 * max(free.shape[1], 1), ink, np.nan))
        shown.append(count / max(free.shape[1], 1))
    both = np.array(inks)
    lesser = np.where(np.isnan(both).all(axis=0), 0.0, np.nanmin(np.where(np.isnan(both), np.inf, both), axis=0))
    return np.where(np.isfinite(lesser), lesser, 0.0), 1 - np.mean(shown, axis=0)


def _columns(width: int, a: float, b: float) -> slice:
    lo = int(np.clip(round(a), 0, width - 1))
    return slice(lo, int(np.clip(round(b), lo, width - 1)) + 1)


def _shifted(values: Floats, by: int) -> Floats:
    """Values moved down by rows, zeros where nothing comes from."""
    out = np.zeros_like(values)
    if by > 0:
        out[by:] = values[:-by]
    else:
        out[:by] = values[-by:]
    return out


def _stem_ends(stem: Floats, covered: Floats) -> Floats:
    """How much each row looks like the end of a stem: ink to one side for some rows, paper to the other."""
    solid = np.maximum(stem, covered)
    above, below = (np.minimum.reduce([_shifted(solid, way * k) for k in (1, 2, 3)]) for way in (1, -1))
    free_above, free_below = (1 - np.maximum.reduce([_shifted(solid, way * k) for k in (2, 3, 4)]) for way in (1, -1))
    at = stem > INKED
    return np.where(at, np.maximum(np.minimum(below, free_above), np.minimum(above, free_below)), 0.0)


def _passings(stem: Floats, covered: Floats) -> Flags:
    """The last rows of own ink before other ink: there a bar ends, or goes on beneath another."""
    own, other = stem > INKED, (covered > HIDDEN_ENOUGH) & (stem <= INKED)
    found = np.zeros(stem.size, dtype=bool)
    for way in (1, -1):
        solid = own & np.logical_and.reduce([_shifted(own.astype(float), way * k) > 0 for k in (1, 2)])
        beyond = np.logical_and.reduce([_shifted(other.astype(float), -way * k) > 0 for k in range(2, 8)])
        found |= solid & beyond & ~(_shifted(own.astype(float), -way) > 0)
    return found


def _outer(covered: Floats) -> Floats:
    return np.minimum(np.maximum(_shifted(covered, 1), _shifted(covered, 2)), np.maximum(_shifted(covered, -1), _shifted(covered, -2)))


def _caps_of(columns: Sequence[_Column], thickness: float) -> list[float]:
    """Rows of the caps (or of the ends of stems) that any of the columns shows, top to bottom."""
    cap = np.max([c.cap for c in columns], axis=0)
    found: list[float] = []
    apart = max(2, round(thickness))
    left = cap.copy()
    while left.max() >= IS_CAP:
        row = int(left.argmax())
        lo, hi = max(0, row - apart), row + apart + 1
        part = cap[lo:hi]
        found.append(float((part * np.arange(lo, lo + part.size)).sum() / part.sum()))
        left[lo:hi] = 0
    return sorted(found)


def _stem_rows(columns: Sequence[_Column], markers: Sequence[Standing]) -> int:
    """The rows, as bits, at which the column has stem ink that is no marker's and that hangs together with a marker."""
    ink = np.max([c.stem for c in columns], axis=0) > INKED
    solid = ink | (np.max([c.stem_covered for c in columns], axis=0) > HIDDEN_ENOUGH)
    for m in markers:
        solid[max(0, round(m.y - m.size)) : round(m.y + m.size) + 1] = True
    reached = np.zeros_like(ink)
    for m in markers:
        row = min(max(round(m.y), 0), ink.size - 1)
        gaps = np.flatnonzero(~solid)
        lo = int(gaps[gaps < row].max(initial=-1)) + 1
        hi = int(gaps[gaps > row].min(initial=ink.size)) - 1
        reached[lo : hi + 1] = True
    ink &= reached
    for m in markers:
        ink[max(0, round(m.y - m.size - 1)) : round(m.y + m.size + 1) + 1] = False
    return _bits(ink)


def _bits(rows: Flags) -> int:
    return int.from_bytes(np.packbits(rows, bitorder="little").tobytes(), "little")


def _choices(marker: Standing, column: _Column, caps: Sequence[float], strokes: Strokes) -> list[_Choice]:
    """The bars that a marker may have, the best by themselves first."""
    if marker.known is not None:
        return [_choice(marker, *marker.known, column, caps, strokes)]
    ups, downs = _ends(marker, column, caps, strokes)
    if marker.sides == "even":
        reaches = {round(marker.y - t, 1) for t in ups} | {round(b - marker.y, 1) for b in downs}
        pairs: list[tuple[float | None, float | None]] = [_snapped(marker.y - h, marker.y + h, caps, strokes) for h in sorted(reaches)]
    elif marker.sides == "both":
        pairs = [*product(ups, downs), *((t, None) for t in ups), *((None, b) for b in downs)]
    else:
        pairs = [*((t, None) for t in ups if marker.sides != "down"), *((None, b) for b in downs if marker.sides != "up")]
    pairs.append((None, None))
    return sorted((_choice(marker, t, b, column, caps, strokes) for t, b in dict.fromkeys(pairs)), key=lambda c: -c.worth)


def _snapped(top: float, bottom: float, caps: Sequence[float], strokes: Strokes) -> tuple[float, float]:
    """Ends moved to the caps that they stand on."""
    return tuple(min((c for c in caps if abs(c - y) <= _tolerance(strokes)), key=lambda c: abs(c - y), default=y) for y in (top, bottom))  # type: ignore[return-value]


def _ends(marker: Standing, column: _Column, caps: Sequence[float], strokes: Strokes) -> tuple[list[float], list[float]]:
    """Where a marker's bar may end above and below: at caps, and where the stem stops or goes under other ink."""
    shown = np.maximum(column.stem, column.stem_covered) > INKED
    row = min(max(round(marker.y), 0), shown.size - 1)
    gaps = np.flatnonzero(~shown)
    far = marker.size + 0.5
    gaps = gaps[np.abs(gaps - marker.y) > far]
    up = float(gaps[gaps < row].max(initial=-1)) + 1
    down = float(gaps[gaps > row].min(initial=shown.size)) - 1
    passings = [float(row) for row in np.flatnonzero(column.passing) if abs(row - marker.y) > far]
    ups = [c for c in caps if c < marker.y - 0.3 * marker.size] + [up] * (up < marker.y - far) + [p for p in passings if p < marker.y]
    downs = [c for c in caps if c > marker.y + 0.3 * marker.size] + [down] * (down > marker.y + far) + [p for p in passings if p > marker.y]
    return ups, downs


def _choice(marker: Standing, top: float | None, bottom: float | None, column: _Column, caps: Sequence[float], strokes: Strokes) -> _Choice:
    """A reading of a marker's bar and what it is worth."""
    worth, seen, rows, used = 0.0, [], np.zeros(column.stem.size, dtype=bool), 0
    for end, way in ((top, -1), (bottom, 1)):
        if end is None:
            seen.append(False)
            continue
        gain, is_seen = _worth_of_end(end, column, strokes)
        worth += gain
        seen.append(is_seen)
        edge = marker.y + way * (marker.size + 1)
        lo, hi = sorted((round(end), round(edge)))
        part = slice(max(0, lo), max(0, hi + 1))
        if (edge - end) * way < 0:
            paper = (np.maximum(column.stem, column.stem_covered)[part] < INKED * 0.6).sum()
            worth -= min(PAPER_COST * float(paper), MOST_PAPER)
        rows[max(0, min(round(end) - 2, round(marker.y))) : max(round(end) + 3, round(marker.y) + 1)] = True
        near = [k for k, c in enumerate(caps) if abs(c - end) <= _tolerance(strokes)]
        if near:
            used |= 1 << min(near, key=lambda k: abs(caps[k] - end))
    if (top is None and bottom is None) or (marker.sides == "both" and (top is None or bottom is None)):
        worth -= NO_BAR_COST
    return _Choice(top, bottom, worth, seen[0], seen[1], _bits(rows), used)


def _worth_of_end(end: float, column: _Column, strokes: Strokes) -> tuple[float, bool]:
    """What speaks for a bar's end at a row, from -1 to 1, and whether it is seen."""
    reach = int(np.ceil(_tolerance(strokes)))
    lo, hi = max(0, round(end) - reach), min(column.cap.size, round(end) + reach + 1)
    if hi <= lo:
        return -1.0, False
    best = float(column.cap[lo:hi].max())
    unlike = SHADE * min(float(abs(column.shade[lo:hi][int(column.cap[lo:hi].argmax())])), 1.0)
    row = min(max(round(end), 0), column.cap.size - 1)
    covered = float(column.cap_covered[max(0, row - 1) : row + 2].max())
    if best >= IS_CAP:
        return best - unlike, True
    if column.passing[lo:hi].any():
        return PASSING_GAIN, True
    if covered >= HIDDEN_ENOUGH:
        return -COVERED_COST, False
    return 2 * best - 1.0, False
