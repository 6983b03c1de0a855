"""Markers of error-bar plots that others cover: false ones are dropped, doubtful ones placed anew, and hidden ones found.

Series of an error-bar plot share their columns: where one has no marker in a column of the others, it may lie beneath theirs, and then some
of its rim still shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitize.overplot import agreement, overlooked
from digitize.painting import FloatArray, Pen, Picture, Placed
from digitize.pens import SAME_SIZE, SeenSeries
from digitize.refine import Fit

FALSE = 0.25  # share of what is usual in its series below which a marker agrees too little with its pen to be one
SECOND = 0.8  # the same for a second one in a column
IN_COLUMN = 0.35  # of the usual distance between columns: how far aside a second one may lie
SAME_PLACE = 0.6  # half-sizes within which two are one
SHOWN, LIKE = 0.5, 0.5  # share of a marker's ink that must show for it not to be taken for covered; agreement that is usual in a series
APART = 1.2  # half-sizes that a hidden marker lies at least from one of its own series
FITS_WELL = 0.2  # misfit up to which a marker of its pen's size stands where it was fitted
LESS, MORE = 0.8, 1.4  # shares of what markers usually explain, and of what this one does, that tell that it stands elsewhere
RIM = 0.1  # share of a marker's ink that must show beside the column of its error bar
AGREES = 0.7  # how much of what shows of a hidden marker must agree, of what is usual
AROUND = 0.3  # what own ink right around a marker counts against it
STEM = 2.5  # px to both sides of its middle that the error bar of a marker may cover
# Columns that two series must share for one to tell where the other's markers stand, or else two as far apart; share without a marker
COMMON, PAIR, MOST_EMPTY = 3, 2, 0.5
ALIKE = 0.25  # distance of colours (1.7 from white to black) within which two may be one
TRIES = 2  # places that are looked at for each marker that a series lacks
STEP = 0.5  # px


@dataclass(frozen=True)
class _Stand:
    """How a marker would stand at a place: what it explains, how much of it shows, and how much of that agrees."""

    x: float
    y: float
    gain: float
    shows: float
    agrees: float


class _Ground:
    """The ink of one series (h, w) and where other ink lies, on which its markers are tried."""

    def __init__(self, pen: Pen, amount: FloatArray, picture: Picture) -> None:
        self.pen, self.amount = pen, amount
        self.free = (picture.seen > 0.5) & ~picture.other_ink(amount)
        self.bar = min(STEM, 0.4 * pen.size)
        middle = pen.kernels[0].shape[1] // 2
        beside = np.abs(np.arange(-middle, middle + 1)) > self.bar
        self.whole = float((pen.kernels[0] ** 2 * beside).sum())

    def stand(self, x: float, y: float) -> _Stand:
        """A marker at a place, its error bar's column left out."""
        h, w = self.amount.shape
        reach = self.pen.reach
        rows = slice(max(0, round(y) - reach), max(0, min(h, round(y) + reach + 1)))
        columns = slice(max(0, round(x) - reach), max(0, min(w, round(x) + reach + 1)))
        ys, xs = np.mgrid[rows, columns].astype(float)
        ink, _, around = self.pen.painted(xs - x, ys - y)
        beside = np.abs(xs - x) > self.bar
        amount, free = self.amount[rows, columns], self.free[rows, columns] * beside
        full = float((free * ink**2).sum())
        gain = float((free * ink * (2 * amount - ink)).sum())
        wrong = AROUND * float((free * around * amount).sum())
        return _Stand(x, y, (gain - wrong) / self.whole, full / self.whole, gain / max(full, 1e-6))

    def best(self, x: float, y0: float, y1: float, aside: float = 1.0) -> _Stand:
        """The best place in a stretch of a column."""
        coarse = [self.stand(x, y) for y in np.arange(y0, y1 + STEP, STEP).tolist()]
        found = max(coarse, key=lambda s: s.gain)
        for step in (STEP, STEP / 2, STEP / 4):
            near = [
                self.stand(min(max(found.x + dx, x - aside), x + aside), found.y + dy) for dx in (-step, 0, step) for dy in (-step, 0, step)
            ]
            found = max(near, key=lambda s: s.gain)
        return found


@dataclass(frozen=True)
class Standing:
    """A marker of a series: the number it was first seen as (None for one that was not), where it stands, and whether others cover it."""

    number: int | None
    fit: Fit
    is_covered: bool = False


def uncovered(series: Sequence[SeenSeries], picture: Picture, near: float) -> list[list[Standing]]:
    """The markers of each series.

    Parameters
    ----------
    series : sequence of SeenSeries
        With all their markers as first seen.
    picture : Picture
    near : float
        Markers nearer than this in x, px, stand in one column.
    """
    amounts = picture.amounts([_color(s) for s in series])
    grounds = [_Ground(s.pen, a, picture) if s.pen is not None else None for s, a in zip(series, amounts, strict=True)]
    standing = [_placed(s, ground, near) for s, ground in zip(series, grounds, strict=True)]
    hidden = [_hidden(k, standing, ground, near) if ground is not None else [] for k, ground in enumerate(grounds)]
    for k, found in enumerate(hidden):
        for j, own in enumerate(standing):
            # What a series lacks in a column can have been taken for a marker of a rare style, or of a colour that was mixed.
            if j != k and _may_be_one(series[j], series[k]):
                left = [s for s in own if all(np.hypot(s.fit.x - f.fit.x, s.fit.y - f.fit.y) > f.fit.size for f in found)]
                if 2 * len(own) < len(standing[k]) or (not left and len(own) <= len(standing[k])):
                    standing[j] = left
    standing = [[*own, *found] if own else [] for own, found in zip(standing, hidden, strict=True)]
    missed = [_overlooked(k, series, standing, picture) for k in range(len(series))]
    return [[*own, *found] for own, found in zip(standing, missed, strict=True)]


def _may_be_one(a: SeenSeries, b: SeenSeries) -> bool:
    """Whether two series are of one ink, as far as can be told."""
    return a.look.layer == b.look.layer or float(np.linalg.norm(_color(a) - _color(b))) < ALIKE


def _overlooked(number: int, series: Sequence[SeenSeries], standing: Sequence[Sequence[Standing]], picture: Picture) -> list[Standing]:
    """Markers of a series in an ink of its own that were not seen at first, in columns in which others have one and it has none."""
    pen, layer = series[number].pen, series[number].look.layer
    lacking = max(map(len, standing)) - len(standing[number])
    columns = sorted(s.fit.x for s in max(standing, key=len))
    if pen is None or lacking <= 0 or len(columns) < COMMON or sum(s.look.layer == layer for s in series) > 1:
        return []
    kept = [k for k, each in enumerate(series) if each.pen is not None]
    pens = [p for each in series if (p := each.pen) is not None]
    known = [Placed(j, s.fit.x, s.fit.y, 1.0, 1.0) for j, k in enumerate(kept) for s in standing[k]]
    usual = agreement(picture, pens, known)[kept.index(number)].agrees
    taken = {None, *(_column_of(s.fit.x, columns) for s in standing[number])}
    found: list[Standing] = []
    for marker in overlooked(picture, pens, known, kept.index(number), TRIES * lacking):
        column = _column_of(marker.x, columns)
        if len(found) < lacking and column not in taken and marker.shows > SHOWN and marker.agrees > SECOND * usual:
            found.append(Standing(None, Fit(marker.x, marker.y, pen.size, pen.line_width, FITS_WELL), True))
            taken.add(column)
    return found


def _column_of(x: float, columns: Sequence[float]) -> int | None:
    """Number of the column in which a marker stands, none where it lies further from all than half the way to their neighbours."""
    nearest = min(range(len(columns)), key=lambda k: abs(columns[k] - x))
    gap = min(abs(c - columns[nearest]) for k, c in enumerate(columns) if k != nearest)
    return nearest if abs(columns[nearest] - x) <= gap / 2 else None


def _color(series: SeenSeries) -> FloatArray:
    return series.pen.color if series.pen is not None else np.asarray(np.array(series.look.color) / 255, dtype=np.float32)


def _placed(series: SeenSeries, ground: _Ground | None, near: float) -> list[Standing]:
    """The markers without false ones, those in doubt where they agree best with the pen."""
    if ground is None:
        return [Standing(k, fit) for k, fit in enumerate(series.fits)]
    size = ground.pen.size
    stands = [ground.stand(f.x, f.y) for f in series.fits]
    usual = float(np.median([s.agrees for s in stands]))
    gaps = np.diff(np.sort([f.x for f in series.fits]))
    pitch = float(np.median(gaps[gaps > near])) if (gaps > near).any() else 0.0
    aside = max(near, IN_COLUMN * pitch)
    best, stays = _best_stands(ground, series.fits, stands)
    placed = []
    for k, (fit, stand, stay) in enumerate(zip(series.fits, best, stays, strict=True)):
        others = [s for j, s in enumerate(best) if j != k and (s.agrees, -j) > (stand.agrees, -k)]
        if any(np.hypot(s.x - stand.x, s.y - stand.y) < SAME_PLACE * size for s in others):
            continue
        is_second = any(abs(stand.x - s.x) < aside for s in others)
        is_clear = stand.shows > SHOWN
        if usual > LIKE and (
            (stand.agrees < (SECOND if is_second else FALSE) * usual and (is_second or is_clear)) or (is_second and not is_clear)
        ):
            continue
        if stay or stand.agrees <= AGREES * usual or stand.gain <= RIM:
            placed.append(Standing(k, fit, stay and stand.shows < SHOWN))
        else:
            moved = replace(fit, x=stand.x, y=stand.y, size=size, line_width=ground.pen.line_width, misfit=FITS_WELL)
            placed.append(Standing(k, moved, True))
    return placed


def _best_stands(ground: _Ground, fits: Sequence[Fit], stands: Sequence[_Stand]) -> tuple[list[_Stand], list[bool]]:
    """Where each marker stands best, and whether that is where it was fitted.

    One that fits its pixels stays, unless it explains much less than others do and a place close by explains much more: two markers that
    overlap can be seen as one between them.
    """
    size = ground.pen.size
    usual = float(np.median([s.gain for s in stands])) if stands else 0.0
    best, stays = [], []
    for fit, stand in zip(fits, stands, strict=True):
        fits_well = _fits_well(fit, size)
        other = stand if fits_well and stand.gain > LESS * usual else ground.best(fit.x, fit.y - size, fit.y + size, 0.3 * size)
        stay = fits_well and other.gain < MORE * max(stand.gain, RIM)
        best.append(stand if stay else other)
        stays.append(stay)
    return best, stays


def _fits_well(fit: Fit, size: float) -> bool:
    return fit.misfit < FITS_WELL and abs(fit.size / size - 1) < SAME_SIZE


def _hidden(number: int, standing: Sequence[Sequence[Standing]], ground: _Ground, near: float) -> list[Standing]:
    """Markers of a series beneath those of others, in columns where it has none."""
    own = [s.fit for s in standing[number]]
    usual = float(np.median([ground.stand(f.x, f.y).agrees for f in own])) if own else 0.0
    if len(own) < PAIR or usual <= LIKE:
        return []
    found: list[Standing] = []
    for x in _empty_columns(number, standing, near):
        if any(abs(s.fit.x - x) < near for s in found):
            continue
        best = ground.best(x, 0.0, ground.amount.shape[0] - 1.0)
        is_apart = all(np.hypot(best.x - f.x, best.y - f.y) > APART * ground.pen.size for f in own)
        if is_apart and best.gain > RIM and best.shows > RIM and best.agrees > AGREES * usual:
            found.append(Standing(None, Fit(best.x, best.y, ground.pen.size, ground.pen.line_width, FITS_WELL), True))
    return found


def _empty_columns(number: int, standing: Sequence[Sequence[Standing]], near: float) -> list[float]:
    """Where a series would have markers if it had one in every column of another."""
    own = np.array([s.fit.x for s in standing[number]])
    empty = []
    for k, other in enumerate(standing):
        if k == number or not other:
            continue
        xs = np.array([s.fit.x for s in other])
        apart = own[np.abs(own[:, None] - xs).argmin(axis=0)] - xs
        spacing = float(np.diff(np.sort(xs)).min()) if xs.size > 1 else np.inf
        shared = apart[np.abs(apart) < max(near, 0.3 * spacing)]
        if shared.size < COMMON and not (shared.size == PAIR and np.ptp(shared) < near):
            continue
        shift = float(np.median(shared))
        lacking = [float(x + shift) for x, gap in zip(xs, apart, strict=True) if abs(gap - shift) > max(near, 0.3 * spacing)]
        empty += lacking if len(lacking) <= MOST_EMPTY * len(xs) else []
    return empty
