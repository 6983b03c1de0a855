"""A second look at error bars: those in doubt are read anew, knowing from the clear ones how the figure draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.barreach import Reach, Standing, Strokes, weighed
from digitize.errorbars import ErrorBar
from digitize.overplot import FloatArray, Picture
from digitize.refine import Fit
from digitize.shapes import Shape

DOUBTS = frozenset({"shared_stem", "end_doubtful", "end_hidden", "error_bar_hidden", "mirrored", "uneven_bar"})
UNSURE = frozenset({"end_doubtful", "end_hidden", "error_bar_hidden"})
ENOUGH = 3  # bars that must be clear for a series to show on which sides its bars reach
EVEN = 0.03  # share of its length by which the halves of an even bar differ at most
ONE_SIDED = 0.7  # share of the bars that must lack an end for all to be taken to have one
REACH = 30  # px: nothing further from its stem belongs to a cap
LEVEL = 0.75  # share of the bars that must be even for all to be taken to be
LOOKS = 2  # how often all are weighed: what one look makes clear helps the next
SIDES = ("even", "both", "one")  # as Standing has them
EVEN_GAIN = 0.3  # by how much a bar, even ones are preferred where nothing is clear: most figures have them


@dataclass(frozen=True, eq=False)
class Sighting:
    """One marker at first sight: the numbers of its series and its layer of ink, its outline where it was fitted, and its bar, in px."""

    series: int
    layer: int
    shape: Shape
    fit: Fit
    bar: ErrorBar

    @property
    def is_clear(self) -> bool:
        """Whether nothing about its bar is in doubt."""
        return not DOUBTS & set(self.bar.flags)


def looked_at_again(sightings: Sequence[Sighting], colors: Sequence[tuple[int, int, int]], picture: Picture, near: float) -> list[ErrorBar]:
    """The bars of all markers, those in doubt weighed anew.

    Parameters
    ----------
    sightings : sequence of Sighting
    colors : sequence of (int, int, int)
        The ink of each series.
    picture : Picture
    near : float
        Markers nearer than this in x, px, stand in one column.
    """
    if all(s.is_clear for s in sightings):
        return [s.bar for s in sightings]
    inks = [np.asarray(np.array(c) / 255, dtype=np.float32) for c in colors]
    amounts = picture.amounts(inks)
    hidden, others = _hidden(sightings, picture), [picture.other_ink(a) for a in amounts]
    strokes = [_strokes([s for s in sightings if s.series == k], sightings, amounts) for k in range(len(colors))]
    usual = [_usual([s for s in sightings if s.series == k], sightings) for k in range(len(colors))]
    scene = _Scene(
        sightings,
        amounts,
        hidden,
        others,
        strokes,
        usual,
        [g for g in _columns(sightings, near) if not all(sightings[i].is_clear for i in g)],
    )
    anew = list(sightings)
    for _ in range(LOOKS):  # what the first look makes clear tells the next where the data points of triangles lie
        known = [s if s.is_clear else w for s, w in zip(sightings, anew, strict=True)]
        anchors = [_anchor([s for s in known if s.series == k]) for k in range(len(colors))]
        sides = [_sides([s for s in known if s.series == k], known) for k in range(len(colors))]
        if not all(sides):  # nothing is clear: what explains the picture best
            tried = {side: scene.weighed(anchors, [side] * len(colors)) for side in SIDES}
            best = max(tried, key=lambda side: tried[side][0] + (EVEN_GAIN * len(sightings) if side == "even" else 0.0))
            sides = [best] * len(colors)
        _, bars = scene.weighed(anchors, [side or "even" for side in sides])
        anew = [replace(s, bar=bar) for s, bar in zip(sightings, bars, strict=True)]
    return [s.bar if s.is_clear else settled(s.bar, w.bar) for s, w in zip(sightings, anew, strict=True)]


def settled(first: ErrorBar, second: ErrorBar) -> ErrorBar:
    """What both looks at a bar in doubt leave of it: the first stands, with its flags, where the second saw less and is no surer."""
    seen_at_first, seen_again = ((bar.top is not None) + (bar.bottom is not None) for bar in (first, second))
    is_unsure = seen_again == 0 or bool(UNSURE & set(second.flags))
    return first if is_unsure and seen_at_first >= seen_again else _inferred(second)


def _inferred(bar: ErrorBar) -> ErrorBar:
    """A bar that a first look doubted is flagged still: what the second makes of it is the best reading, not one beyond doubt."""
    return bar if DOUBTS & set(bar.flags) else replace(bar, flags=(*bar.flags, "end_inferred"))


@dataclass(frozen=True, eq=False)
class _Scene:
    """What is known of a plot when its bars are weighed.

    The markers at first sight; the ink of each series (h, w); where marks or words hide it; where the ink of others lies; how each series
    draws its bars and how far they mostly reach (px, 0 where that is not known); and the columns in which a bar is in doubt (numbers of
    markers).
    """

    sightings: Sequence[Sighting]
    amounts: Sequence[FloatArray]
    hidden: NDArray[np.bool_]
    others: Sequence[NDArray[np.bool_]]
    strokes: Sequence[Strokes | None]
    usual: Sequence[float]
    columns: Sequence[Sequence[int]]

    def weighed(self, anchors: Sequence[float], sides: Sequence[str]) -> tuple[float, list[ErrorBar]]:
        """What the reading is worth in all, and the bars, given on which sides those of each series reach and where its data points lie."""
        bars = [s.bar for s in self.sightings]
        total = 0.0
        for group in self.columns:
            numbers = [self.sightings[i].series for i in group]
            strokes = [drawn for k in numbers if (drawn := self.strokes[k]) is not None]
            if len(strokes) < len(group):
                continue
            own = [self.amounts[k].astype(np.float64) for k in numbers]
            covered = [self.hidden | self.others[k] for k in numbers]
            standing = [_standing(self.sightings[i], sides[k], anchors[k], self.usual[k]) for i, k in zip(group, numbers, strict=True)]
            worth, reaches = weighed(standing, strokes, own, covered)
            total += worth
            for i, k, reach in zip(group, numbers, reaches, strict=True):
                if not self.sightings[i].is_clear:
                    bars[i] = _bar(self.sightings[i], reach, sides[k], is_capped=any(s.cap > 0 for s in strokes))
        return total, bars


def _hidden(sightings: Sequence[Sighting], picture: Picture) -> NDArray[np.bool_]:
    """Where words, a legend or a marker lie."""
    hidden = picture.seen < 0.5
    h, w = hidden.shape
    for s in sightings:
        reach = 1.5 * s.fit.size + s.fit.line_width / 2 + 1
        rows = slice(max(0, round(s.fit.y - reach)), max(0, min(h, round(s.fit.y + reach) + 1)))
        columns = slice(max(0, round(s.fit.x - reach)), max(0, min(w, round(s.fit.x + reach) + 1)))
        ys, xs = np.mgrid[rows, columns].astype(float)
        hidden[rows, columns] |= s.shape.distance(xs - s.fit.x, ys - s.fit.y, s.fit.size) < s.fit.line_width / 2 + 0.5
    return np.asarray(hidden, dtype=np.bool_)


def _sides(own: Sequence[Sighting], every: Sequence[Sighting]) -> str:
    """On which sides the bars of a series reach, as its own clear bars show or those of the panel; empty where too few are clear."""
    for sample in (own, every):
        clear = [s for s in sample if s.is_clear and (s.bar.top is not None or s.bar.bottom is not None)]
        if len(clear) < ENOUGH:
            continue
        leans = [(s.series, *_lean(s)) for s in clear if s.bar.top is not None and s.bar.bottom is not None]
        if len(leans) < (1 - ONE_SIDED) * len(clear):
            return "one"
        usual = {k: float(np.median([lean for j, lean, _ in leans if j == k])) for k in {k for k, _, _ in leans}}
        return "even" if np.mean([abs(lean - usual[k]) < 1.5 + EVEN * length for k, lean, length in leans]) >= LEVEL else "both"
    return ""


def _usual(own: Sequence[Sighting], every: Sequence[Sighting]) -> float:
    """How far the clear bars of a series reach, or those of the panel, px; 0 where too few are clear."""
    for sample in (own, every):
        clear = [s for s in sample if s.is_clear]
        reaches = [
            max(abs(e - s.fit.y) for e in (s.bar.top, s.bar.bottom) if e is not None)
            for s in clear
            if (s.bar.top, s.bar.bottom) != (None, None)
        ]
        if len(reaches) >= ENOUGH:
            return float(np.median(reaches))
    return 0.0


def _lean(sighting: Sighting) -> tuple[float, float]:
    """By how much a whole bar reaches further up than down, and its length, px."""
    top, bottom = sighting.bar.top or 0.0, sighting.bar.bottom or 0.0
    return 2 * sighting.fit.y - top - bottom, bottom - top


def _strokes(own: Sequence[Sighting], every: Sequence[Sighting], amounts: Sequence[FloatArray]) -> Strokes | None:
    """How a series draws its bars, from its clear ones or, where they are few, from those of the panel; None where nothing shows it."""
    for sample in ([s for s in own if s.is_clear], [s for s in every if s.is_clear], list(every)):
        ends = [
            (s.fit.x, end, capped, amounts[s.series])
            for s in sample
            for end, capped in ((s.bar.top, s.bar.top_capped), (s.bar.bottom, s.bar.bottom_capped))
            if end is not None
        ]
        if len(ends) < ENOUGH:
            continue
        if np.mean([capped for _, _, capped, _ in ends]) < 0.5:
            return Strokes(0.0, _thickness(ends), 1.0)
        looks = [_cap(amount, x, y) for x, y, capped, amount in ends if capped]
        cap, thick, level = np.median(np.array(looks), axis=0).tolist()
        if cap >= 2.0:
            return Strokes(cap, max(thick, 1.0), level)
    return None


def _cap(amount: FloatArray, x: float, y: float) -> tuple[float, float, float]:
    """Half-width, thickness and ink of the cap nearest to a place."""
    h, w = amount.shape
    column, rows = min(max(round(x), 0), w - 1), slice(max(0, round(y) - 3), min(h, round(y) + 4))
    part = amount[rows]
    sides = part[:, min(column + 3, w - 1) : column + 7].mean(axis=1), part[:, max(0, column - 6) : max(1, column - 2)].mean(axis=1)
    profile = np.minimum(*sides)
    row = int(profile.argmax())
    line = part[row] > 0.4
    right = int(np.argmin(line[column : column + REACH])) if not line[column : column + REACH].all() else REACH
    left = int(np.argmin(line[max(0, column - REACH) : column + 1][::-1])) if not line[max(0, column - REACH) : column + 1].all() else REACH
    peak = float(profile[row])
    return float(min(left, right)), float(profile.sum() / max(peak, 0.05)), peak


def _thickness(ends: Sequence[tuple[float, float, bool, FloatArray]]) -> float:
    widths = []
    for x, y, _, amount in ends:
        row, column = min(max(round(y), 0), amount.shape[0] - 1), min(max(round(x), 0), amount.shape[1] - 1)
        widths.append(float(amount[row, max(0, column - 3) : column + 4].sum()))
    return float(np.clip(np.median(widths), 1.0, 8.0))


def _columns(sightings: Sequence[Sighting], near: float) -> list[list[int]]:
    """Markers of one layer of ink that stand above one another, by number."""
    groups: list[list[int]] = []
    for i in sorted(range(len(sightings)), key=lambda i: sightings[i].fit.x):
        for group in groups:
            last = sightings[group[-1]]
            if abs(last.fit.x - sightings[i].fit.x) <= near and last.layer == sightings[i].layer:
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _anchor(own: Sequence[Sighting]) -> float:
    """How far beneath the middle of its outline the data point of a series's markers lies, px, as its clear bars show it."""
    own = [s for s in own if s.is_clear and s.shape.name.startswith("triangle")]
    gaps = [(s.bar.top + s.bar.bottom) / 2 - s.fit.y for s in own if s.bar.top is not None and s.bar.bottom is not None]
    return float(np.median(gaps)) if len(gaps) >= ENOUGH else 0.0


def _standing(sighting: Sighting, sides: str, anchor: float, usual: float) -> Standing:
    fit, bar = sighting.fit, sighting.bar
    return Standing(
        fit.x, fit.y + (anchor if sides == "even" else 0.0), fit.size, sides, usual, (bar.top, bar.bottom) if sighting.is_clear else None
    )


def _bar(sighting: Sighting, reach: Reach, sides: str, *, is_capped: bool) -> ErrorBar:
    """The bar as it was weighed; what is still in doubt about it is flagged."""
    if not reach.top_seen and not reach.bottom_seen:
        reach = replace(reach, top=None, bottom=None)
    flags = tuple(f for f in sighting.bar.flags if f not in DOUBTS)
    ends = [(reach.top, reach.top_seen), (reach.bottom, reach.bottom_seen)]
    is_whole = sides == "one" or all(end is not None for end, _ in ends)
    if reach.top is None and reach.bottom is None:
        flags = (*flags, "error_bar_hidden")
    elif not is_whole:
        flags = (*flags, "end_hidden")
    elif any(end is not None and not seen for end, seen in ends) and sides == "even" and any(seen for _, seen in ends) and reach.is_sure:
        flags = (*flags, "mirrored")
    elif not reach.is_sure or any(end is not None and not seen for end, seen in ends):
        flags = (*flags, "end_doubtful")
    return replace(
        sighting.bar,
        top=reach.top,
        bottom=reach.bottom,
        top_capped=is_capped and reach.top_seen,
        bottom_capped=is_capped and reach.bottom_seen,
        top_hidden=reach.top is not None and not reach.top_seen,
        bottom_hidden=reach.bottom is not None and not reach.bottom_seen,
        flags=flags,
    )
