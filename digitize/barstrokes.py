"""How the error bars of a plot are drawn: the ink of each series, its caps and stems, and the shades by which stems are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.barreach import Strokes
from digitize.errorbars import ErrorBar
from digitize.painting import FAINT, FloatArray, Picture
from digitize.refine import Fit
from digitize.shapes import Shape

DOUBTS = frozenset({"shared_stem", "end_doubtful", "end_hidden", "error_bar_hidden", "mirrored", "uneven_bar"})
ENOUGH = 3  # bars that must be clear for a series to show on which sides its bars reach
PALEST = 0.3  # share of full ink from which on a pixel near a stem belongs to a cap
NARROWEST = 2  # px: half-width of a cap
REACH = 30  # px: nothing further from its stem belongs to a cap
DARKEST = 0.97  # quantile of the ink in the columns of markers that is taken for the darkest
ONE_WAY = 0.15  # how far off the way from the paper to an ink, as a share of it, a pixel of that ink lies at most
ONE_COLOR = 20  # sum of red, green and blue by which the inks of markers must differ to be put in order
SETTLES, SEPARATE = 12, 5.0  # rounds in which shades are found; how far apart, in spreads of one, they must be (evenly spread inks: 4)
MOST_CAPPED = 0.4  # share of the ends that were taken for capped at which a cap must be seen
NARROW, OTHER_SHADE = 0.5, 0.25  # share of a cap's width, and log of how dark its ink is, beyond which it is another's


@dataclass(frozen=True, eq=False)
class Sighting:
    """One marker at first sight: the numbers of its series and its layer of ink, its outline where it was fitted, and its bar, in px."""

    series: int
    layer: int
    shape: Shape
    fit: Fit
    bar: ErrorBar
    is_even: bool | None = None

    @property
    def is_clear(self) -> bool:
        """Whether nothing about its bar is in doubt: where bars are even, an even one is beyond doubt, an uneven one is not."""
        return self.is_even if self.is_even is not None else not DOUBTS & set(self.bar.flags)


def strokes_of_each(sightings: Sequence[Sighting], amounts: Sequence[FloatArray], series: int) -> list[Strokes | None]:
    """How each of so many series draws its bars; `amounts` (h, w) is the ink of each, 0 to 1."""
    return [_strokes([s for s in sightings if s.series == k], sightings, amounts) for k in range(series)]


def with_shades(
    strokes: Sequence[Strokes | None],
    sightings: Sequence[Sighting],
    inks: Sequence[FloatArray],
    colors: Sequence[tuple[int, int, int]],
    amounts: Sequence[FloatArray],
) -> list[Strokes | None]:
    """The strokes with the ink of their stems where clear bars did not show it: the shades of all stems of an ink, dark to pale.

    That is told where the stems fall into as many shades as series share the ink, the darkest of the series whose markers are darkest.
    """
    found = list(strokes)
    for ink in {i.tobytes() for i in inks}:
        alike = sorted((k for k in range(len(colors)) if inks[k].tobytes() == ink), key=lambda k: sum(colors[k]))
        if len(alike) < 2 or any(sum(colors[b]) - sum(colors[a]) < ONE_COLOR for a, b in pairwise(alike)):
            continue
        own = [s for s in sightings if s.series in alike]
        shades = _shades(np.concatenate([_stem_rows(s, amounts[s.series]) for s in own]), len(alike))
        for k, shade in zip(alike, shades, strict=False):
            drawn = found[k]
            if drawn is not None and drawn.stem == 0:
                found[k] = replace(drawn, stem=shade)
    return found


def _shades(inks: NDArray[np.float32], count: int) -> list[float]:
    """Into how dark shades these pixels of stems fall, dark to pale; empty where they do not fall into so many."""
    levels = np.sort(inks[inks > PALEST])
    if levels.size < count * ENOUGH:
        return []
    centres = np.quantile(levels, (np.arange(count) + 0.5) / count)
    for _ in range(SETTLES):
        nearest = np.abs(levels[:, None] - centres).argmin(axis=1)
        if len(np.unique(nearest)) < count:
            return []
        centres = np.array([np.median(levels[nearest == k]) for k in range(count)])
    spread = max(float(np.median(np.abs(levels[nearest == k] - centres[k]))) for k in range(count))
    apart = float(np.diff(centres).min())
    return centres[::-1].tolist() if apart > SEPARATE * max(spread, 0.01) else []


def held_to_shades(sightings: Sequence[Sighting], amounts: Sequence[FloatArray], strokes: Sequence[Strokes | None]) -> list[Sighting]:
    """The sightings, of which those are doubted that end at a cap of another width or shade than the series' own."""

    def is_strange(s: Sighting) -> bool:
        drawn = strokes[s.series]
        if drawn is None or not drawn.is_own or drawn.cap <= 0:
            return False
        ends = [end for end, capped in ((s.bar.top, s.bar.top_capped), (s.bar.bottom, s.bar.bottom_capped)) if end is not None and capped]
        caps = [_cap(amounts[s.series], s.fit.x, end, round(drawn.cap) + 1) for end in ends]
        return any(wide < NARROW * drawn.cap or abs(np.log(max(level, 0.05) / drawn.level)) > OTHER_SHADE for wide, _, level in caps)

    return [replace(s, bar=replace(s.bar, flags=(*s.bar.flags, "end_doubtful"))) if is_strange(s) else s for s in sightings]


def inks_of(sightings: Sequence[Sighting], colors: Sequence[tuple[int, int, int]], picture: Picture) -> list[FloatArray]:
    """The ink of each series: the darkest of its layer, for thin strokes of black look as grey as those of a grey series."""
    inks = [np.asarray(np.array(c) / 255, dtype=np.float32) for c in colors]
    layers = {s.series: s.layer for s in sightings}
    alike = [[j for j in range(len(colors)) if j == k or (k in layers and layers.get(j) == layers[k])] for k in range(len(colors))]
    darkest = [max(group, key=lambda j: float(np.linalg.norm(inks[j] - picture.paper))) for group in alike]
    return [_darkened(inks[j], [s for s in sightings if s.series in group], picture) for j, group in zip(darkest, alike, strict=True)]


def _darkened(ink: FloatArray, sightings: Sequence[Sighting], picture: Picture) -> FloatArray:
    """The ink as dark as it gets in the columns of these markers: shades can only be told below it."""
    way = ink - picture.paper
    length = float(np.linalg.norm(way))
    if length < FAINT or not sightings:
        return ink
    near = np.zeros(picture.image.shape[1], dtype=bool)
    for s in sightings:
        near[max(0, round(s.fit.x) - 2) : max(0, round(s.fit.x) + 3)] = True
    drop = (picture.image - picture.paper)[:, near][picture.seen[:, near] > 0.5]
    share = drop @ way / length**2
    across = np.linalg.norm(drop - share[:, None] * way, axis=1)
    own = share[(share > 0.5) & (across < ONE_WAY * length)]
    darker = float(np.quantile(own, DARKEST)) if own.size else 1.0
    return np.asarray(np.clip(picture.paper + max(1.0, darker) * way, 0, 1), dtype=np.float32)


def amounts_of(inks: Sequence[FloatArray], picture: Picture) -> list[FloatArray]:
    """Share (h, w) of each series' ink in each pixel; series of one ink share it."""
    distinct = {ink.tobytes(): ink for ink in inks}
    amounts = dict(zip(distinct, picture.amounts(list(distinct.values())), strict=True))
    return [amounts[ink.tobytes()] for ink in inks]


def _strokes(own: Sequence[Sighting], every: Sequence[Sighting], amounts: Sequence[FloatArray]) -> Strokes | None:
    """How a series draws its bars, from its clear ones or, where they are few, from those of the panel; None where nothing shows it."""
    for sample, is_own in (([s for s in own if s.is_clear], True), ([s for s in every if s.is_clear], False), (every, False)):
        ends = [
            (s.fit.x, end, capped, amounts[s.series])
            for s in sample
            for end, capped in ((s.bar.top, s.bar.top_capped), (s.bar.bottom, s.bar.bottom_capped))
            if end is not None
        ]
        if len(ends) < ENOUGH:
            continue
        stem = _stem_ink(sample, amounts) if is_own else 0.0
        if np.mean([capped for _, _, capped, _ in ends]) < 0.5:
            return Strokes(0.0, _thickness(sample, amounts), 1.0, stem=stem)
        looks = np.array([_cap(amount, x, y) for x, y, capped, amount in ends if capped])
        seen = looks[looks[:, 0] >= NARROWEST]
        if len(seen) < MOST_CAPPED * len(looks):  # what seemed caps were lines and markers
            return Strokes(0.0, _thickness(sample, amounts), 1.0, stem=stem)
        like_stem = seen[np.abs(np.log(np.maximum(seen[:, 2], 0.05) / stem)) < OTHER_SHADE / 2] if stem > 0 else seen
        if len(like_stem) >= ENOUGH:  # the others are of bars of another shade
            seen = like_stem
        if len(seen) >= ENOUGH:
            cap, thick, level = np.median(seen, axis=0).tolist()
            return Strokes(cap, max(thick, 1.0), level, is_own, stem)
    return None


def _stem_ink(own: Sequence[Sighting], amounts: Sequence[FloatArray]) -> float:
    """The ink of the stems of a series between markers and ends, 0 to 1; 0 where none shows."""
    rows = np.concatenate([_stem_rows(s, amounts[s.series]) for s in own]) if own else np.zeros(0)
    return float(np.median(rows)) if rows.size >= ENOUGH else 0.0


def _stem_rows(sighting: Sighting, amount: FloatArray) -> FloatArray:
    """The ink of a bar's stem between its marker and its ends, row by row."""
    fit = sighting.fit
    column = slice(max(0, round(fit.x) - 1), round(fit.x) + 2)
    rows = [np.zeros(0, dtype=np.float32)]
    for end in (sighting.bar.top, sighting.bar.bottom):
        if end is not None:
            way = 1 if end > fit.y else -1
            a, b = sorted((round(fit.y + way * (fit.size + 2)), round(end - 3 * way)))
            rows.append(amount[max(0, a) : max(0, b), column].max(axis=1, initial=0.0))
    return np.concatenate(rows)


def _cap(amount: FloatArray, x: float, y: float, most: int = REACH) -> tuple[float, float, float]:
    """Half-width (below `most`), thickness and ink of the cap nearest to a place; a half-width of 0 where there is none."""
    h, w = amount.shape
    column, rows = min(max(round(x), 0), w - 1), slice(max(0, round(y) - 3), max(0, min(h, round(y) + 4)))
    right = amount[rows, column : column + most]
    left = amount[rows, max(0, column - most + 1) : column + 1][:, ::-1]
    reach = np.minimum(_runs(left > PALEST), _runs(right > PALEST))
    if reach.size == 0:  # an end was put beyond the plot
        return 0.0, 0.0, 0.0
    row = int(reach.argmax())
    cap = int(reach[row]) - 1  # the column itself is the stem's
    inner = slice(max(1, cap // 2), cap + 1)
    profile = np.minimum(left[:, inner].mean(axis=1), right[:, inner].mean(axis=1)) if cap >= 2 else np.zeros(len(reach))
    peak = float(profile[row])
    return float(cap), float(profile.sum() / max(peak, 0.05)), peak


def _runs(ink: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many pixels of each row (n, w) are ink before the first that is not."""
    return np.asarray(np.where(ink.all(axis=1), ink.shape[1], ink.argmin(axis=1)), dtype=np.int64)


def _thickness(sample: Sequence[Sighting], amounts: Sequence[FloatArray]) -> float:
    """How thick the stems of these markers are, px, as the ink across them shows a little before their ends."""
    widths = []
    for s in sample:
        amount = amounts[s.series]
        for end, way in ((s.bar.top, 1), (s.bar.bottom, -1)):
            if end is not None:
                row, column = min(max(round(end) + 3 * way, 0), amount.shape[0] - 1), min(max(round(s.fit.x), 0), amount.shape[1] - 1)
                widths.append(float(amount[row, max(0, column - 3) : column + 4].sum()))
    return float(np.clip(np.median(widths), 1.0, 8.0))
