"""A second look at error bars: those in doubt are read anew, knowing from the clear ones how the figure draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.barreach import Reach, Standing, Strokes, weighed
from digitize.barstrokes import DOUBTS, ENOUGH, Sighting, amounts_of, held_to_shades, inks_of, strokes_of_each, with_shades
from digitize.errorbars import ErrorBar
from digitize.painting import INK, FloatArray, Picture

UNSURE = frozenset({"end_doubtful", "end_hidden", "error_bar_hidden"})
# By how much the middle of an even bar lies off its marker at most: in widths of a column, and as a share of its length. Of 217 drawn bars
# that stood alone 95 in 100 lay within 0.7 widths, of 36 uneven ones half beyond 3.
EVEN, EVEN_OF_LENGTH = 0.5, 0.003
ONE_SIDED = 0.7  # share of the bars that must lack an end for all to be taken to have one
LEVEL = 0.75  # share of the bars that must be even for all to be taken to be
LOOKS = 2  # how often all are weighed: what one look makes clear helps the next
SIDES = ("even", "both", "one")  # as Standing has them, where nothing is known
ONE_END = frozenset({"one", "up", "down"})
ONE_PLACE = 1.5  # px: ends nearer than this are one
UNEVEN = 2.0  # times what even halves differ by at most, from which on a bar is not even
SOME_AGREE = 0.4  # share of the bars on shared stems, of which the first look mistakes many, that must be even
SAME_ANCHOR, MOST_AGREE, FAR_ANCHOR = 0.15, 0.6, 0.5  # half-sizes of a triangle within which anchors agree; share that must; farthest
SHOWS_THROUGH = 0.8  # share of the column inside an open marker that must be ink for a stem to show through
EVEN_GAIN = 0.42  # by how much a bar others must explain the picture better than even ones: of 20 figures with even bars none reached 0.4


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
    scene = _scene(sightings, colors, picture, near)
    by_chance = any(s.is_even for s in scene.sightings) and scene.speaks_against_even()
    if by_chance:  # that some bars are even: nothing is known but what explains the picture
        scene = scene.with_nothing_clear()
    sides = [""] * len(colors)
    anew = list(scene.sightings)
    for _ in range(LOOKS):  # what the first look makes clear tells the next where the data points of triangles lie
        known = [s if s.is_clear else w for s, w in zip(scene.sightings, anew, strict=True)]
        anchors = [_anchor([s for s in known if s.series == k], known) for k in range(len(colors))]
        sides = [_sides([s for s in known if s.series == k], known, near) for k in range(len(colors))]
        if by_chance or not all(sides):
            sides = [scene.best_sides(anchors)] * len(colors)
        _, bars = scene.weighed(anchors, [side or "even" for side in sides])
        anew = [replace(s, bar=bar) for s, bar in zip(scene.sightings, bars, strict=True)]
    one_sided = [sides[s.series] in ONE_END for s in scene.sightings]
    return _settled_columns(scene.sightings, [w.bar for w in anew], one_sided, near)


def _scene(sightings: Sequence[Sighting], colors: Sequence[tuple[int, int, int]], picture: Picture, near: float) -> _Scene:
    """What is known of the plot before its bars are weighed."""
    inks = inks_of(sightings, colors, picture)
    amounts = amounts_of(inks, picture)
    at_first = strokes_of_each(sightings, amounts, len(colors))
    sightings = _compared(held_to_shades(sightings, amounts, at_first), near)
    strokes = [
        then if drawn is None or (then is not None and then.is_own and not drawn.is_own) else drawn
        for then, drawn in zip(at_first, strokes_of_each(sightings, amounts, len(colors)), strict=True)
    ]
    strokes = with_shades(strokes, sightings, inks, colors, amounts)
    if not any(drawn is not None and drawn.cap > 0 for drawn in strokes):  # only its shade tells where a bare stem passes into another
        inks = [np.asarray(np.array(c) / 255, dtype=np.float32) for c in colors]
        amounts = picture.amounts(inks)
        strokes = [None if drawn is None else replace(drawn, stem=0.0) for drawn in strokes]  # they were told by another ink
    usual = [_usual([s for s in sightings if s.series == k], sightings) for k in range(len(colors))]
    covered = [picture.unexplained(a, ink) for a, ink in zip(amounts, inks, strict=True)]
    return _Scene(sightings, amounts, _hidden(sightings, picture), covered, strokes, usual, _columns(sightings, near))


def _compared(sightings: Sequence[Sighting], near: float) -> list[Sighting]:
    """The sightings, of which it is told whether they are even where most bars of the panel are: chance would not make them so."""
    sightings = _sharing(sightings, near)
    anchors = {k: _anchor([s for s in sightings if s.series == k], sightings) for k in {s.series for s in sightings}}
    plain = [_is_whole(s) and not (DOUBTS - {"shared_stem"}) & set(s.bar.flags) for s in sightings]
    uneven = [abs(_gap(s) - anchors[s.series]) / (EVEN * near + EVEN_OF_LENGTH * _length(s)) for s in sightings]
    even = [is_plain and u < 1 for is_plain, u in zip(plain, uneven, strict=True)]
    alone = [is_even for is_even, is_plain, s in zip(even, plain, sightings, strict=True) if is_plain and "shared_stem" not in s.bar.flags]
    told = [is_even for is_even, is_plain in zip(even, plain, strict=True) if is_plain]
    sample, least = (alone, MOST_AGREE) if len(alone) >= ENOUGH else (told, SOME_AGREE)
    if sum(even) < ENOUGH or sum(sample) < least * len(sample):
        return list(sightings)
    crowded = {i for group in _columns(sightings, near) for i in _at_one_place([(i, sightings[i].bar) for i in group if even[i]])}
    return [
        replace(s, is_even=True) if even[i] and i not in crowded else replace(s, is_even=False) if plain[i] and uneven[i] > UNEVEN else s
        for i, s in enumerate(sightings)
    ]


def _sharing(sightings: Sequence[Sighting], near: float) -> list[Sighting]:
    """The sightings, of which those are flagged whose bars reach past the marker or into the bar of another in their column.

    A bar of one end begins at its marker: it shares a stem where it reaches past another marker.
    """
    begins_at_marker = _are_one_sided([s for s in sightings if s.is_clear])
    shared = set()
    for group in _columns(sightings, near):
        spans = [(i, *_span(sightings[i], 0.0 if begins_at_marker else sightings[i].fit.size)) for i in group]
        for (i, a, b), (j, c, d) in combinations(spans, 2):
            if min(b, d) >= max(a, c):
                shared |= {i, j}
    clear = {i for i in shared if sightings[i].is_clear}
    return [replace(s, bar=replace(s.bar, flags=(*s.bar.flags, "shared_stem"))) if i in clear else s for i, s in enumerate(sightings)]


def _span(sighting: Sighting, size: float) -> tuple[float, float]:
    """From where to where a marker and its bar reach, px, where a marker without an end reaches by `size`."""
    fit, bar = sighting.fit, sighting.bar
    return (bar.top if bar.top is not None else fit.y - size), (bar.bottom if bar.bottom is not None else fit.y + size)


def _at_one_place(bars: Sequence[tuple[int, ErrorBar]]) -> set[int]:
    """The numbers of whole bars of a column that end where another does."""
    found: set[int] = set()
    for (i, a), (j, b) in combinations(bars, 2):
        if abs((a.top or 0.0) - (b.top or 0.0)) < ONE_PLACE or abs((a.bottom or 0.0) - (b.bottom or 0.0)) < ONE_PLACE:
            found |= {i, j}
    return found


def _settled_columns(sightings: Sequence[Sighting], second: Sequence[ErrorBar], one_sided: Sequence[bool], near: float) -> list[ErrorBar]:
    """What both looks leave of all bars: where two bars of a column would end at one place, the second look stands for all of it."""
    bars = [
        s.bar if s.is_clear else _inferred(again) if is_one_sided and _is_whole(s) and _has_end(again) else settled(s.bar, again)
        for s, again, is_one_sided in zip(sightings, second, one_sided, strict=True)
    ]
    for group in _columns(sightings, near):
        for side in ("top", "bottom"):
            ends = sorted(end for i in group if (end := getattr(bars[i], side)) is not None)
            anew = sorted(end for i in group if (end := getattr(second[i], side)) is not None)
            if _coincide(ends) and not _coincide(anew):
                for i in group:
                    bars[i] = sightings[i].bar if sightings[i].is_clear else _inferred(second[i])
    return bars


def _coincide(ends: Sequence[float]) -> bool:
    """Whether two of these ends, in order, are at one place."""
    return any(b - a < ONE_PLACE for a, b in pairwise(ends))


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
    draws its bars and how far they mostly reach (px, 0 where that is not known); and the columns (numbers of markers).
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
            if all(self.sightings[i].is_clear for i in group):
                continue
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

    def best_sides(self, anchors: Sequence[float]) -> str:
        """The sides on which bars reach that explain the picture best."""
        worth = {side: self.weighed(anchors, [side] * len(anchors))[0] for side in SIDES}
        worth["even"] += EVEN_GAIN * len(self.sightings)
        return max(worth, key=lambda side: worth[side])

    def with_nothing_clear(self) -> _Scene:
        """The same plot in which every bar is in doubt, and with it how far they mostly reach."""
        return replace(self, sightings=[replace(s, is_even=False) for s in self.sightings], usual=[0.0] * len(self.usual))

    def speaks_against_even(self) -> bool:
        """Whether bars whose halves may differ explain the picture much better than even ones do."""
        series = range(len(self.strokes))
        anchors = [_anchor([s for s in self.sightings if s.series == k], self.sightings) for k in series]
        free = self.with_nothing_clear()
        even, both = (free.weighed(anchors, [side] * len(anchors))[0] for side in ("even", "both"))
        return both > even + EVEN_GAIN * len(self.sightings)


def _hidden(sightings: Sequence[Sighting], picture: Picture) -> NDArray[np.bool_]:
    """Where words, a legend or a marker lie; of an open marker in which a stem shows, its outline."""
    hidden, ink = picture.seen < 0.5, picture.any_ink()
    h, w = hidden.shape
    for s in sightings:
        reach = 1.5 * s.fit.size + s.fit.line_width / 2 + 1
        rows = slice(max(0, round(s.fit.y - reach)), max(0, min(h, round(s.fit.y + reach) + 1)))
        columns = slice(max(0, round(s.fit.x - reach)), max(0, min(w, round(s.fit.x + reach) + 1)))
        ys, xs = np.mgrid[rows, columns].astype(float)
        distance = s.shape.distance(xs - s.fit.x, ys - s.fit.y, s.fit.size)
        edge = s.fit.line_width / 2 + 0.1
        inner = distance < -edge
        stem = ink[rows, columns][inner & (np.abs(xs - s.fit.x) < 1)]
        is_transparent = s.fit.line_width > 0 and stem.size >= ENOUGH and np.mean(stem > INK) > SHOWS_THROUGH
        hidden[rows, columns] |= (np.abs(distance) < edge) if is_transparent else (distance < edge)
    return np.asarray(hidden, dtype=np.bool_)


def _sides(own: Sequence[Sighting], every: Sequence[Sighting], near: float) -> str:
    """On which sides the bars of a series reach, as its own clear bars show or those of the panel; empty where too few are clear."""
    if sum(s.is_even is True for s in every) >= ENOUGH:
        return "even"
    plain = [s for s in every if not (DOUBTS - {"shared_stem"}) & set(s.bar.flags)]
    for sample in ([s for s in own if s.is_clear], [s for s in every if s.is_clear], plain):
        clear = [s for s in sample if s.bar.top is not None or s.bar.bottom is not None]
        if len(clear) < ENOUGH:
            continue
        if _are_one_sided(clear):
            return _way(own) or _way(every) or "one"
        whole = [s for s in clear if _is_whole(s)]
        usual = {k: float(np.median([_gap(s) for s in whole if s.series == k])) for k in {s.series for s in whole}}
        level = [abs(_gap(s) - usual[s.series]) < near + 2 * EVEN_OF_LENGTH * _length(s) for s in whole]
        return "even" if np.mean(level) >= LEVEL else "both"
    return ""


def _way(sightings: Sequence[Sighting]) -> str:
    """Whether bars of one end all reach "up" or "down"; empty where too few have one end or they differ."""
    single = [s.bar.top is not None for s in sightings if _has_end(s.bar) and not _is_whole(s)]
    if len(single) < ENOUGH or len(set(single)) > 1:
        return ""
    return "up" if single[0] else "down"


def _are_one_sided(sightings: Sequence[Sighting]) -> bool:
    """Whether these bars mostly have one end."""
    return sum(map(_is_whole, sightings)) < (1 - ONE_SIDED) * sum(_has_end(s.bar) for s in sightings)


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


def _anchor(own: Sequence[Sighting], every: Sequence[Sighting]) -> float:
    """How far beneath the middle of its outline the data point of a series's markers lies, px, as its clear bars show it.

    Where too few are clear, the middles of all bars of triangles show it if most of them agree: one program drew them.
    """
    if not any(s.shape.name.startswith("triangle") for s in own):
        return 0.0
    clear = [_gap(s) for s in own if s.is_clear and _is_whole(s)]
    if len(clear) >= ENOUGH:
        return float(np.median(clear))
    alike = [_gap(s) / s.fit.size for s in every if s.shape.name == own[0].shape.name and _is_whole(s)]
    shift = float(np.median(alike)) if alike else 0.0
    agree = np.abs(np.array(alike) - shift) < SAME_ANCHOR
    if agree.sum() < ENOUGH or agree.mean() < MOST_AGREE or abs(shift) > FAR_ANCHOR:
        return 0.0
    return float(np.median([s.fit.size for s in own])) * shift


def _is_whole(sighting: Sighting) -> bool:
    return sighting.bar.top is not None and sighting.bar.bottom is not None


def _length(sighting: Sighting) -> float:
    return (sighting.bar.bottom or 0.0) - (sighting.bar.top or 0.0)


def _has_end(bar: ErrorBar) -> bool:
    return bar.top is not None or bar.bottom is not None


def _gap(sighting: Sighting) -> float:
    """How far beneath the middle of a marker's outline the middle of its whole bar lies, px."""
    return ((sighting.bar.top or 0.0) + (sighting.bar.bottom or 0.0)) / 2 - sighting.fit.y


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
    is_whole = sides in ONE_END or all(end is not None for end, _ in ends)
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
        top_u=reach.top_u,
        bottom_u=reach.bottom_u,
    )
