"""Scatter plots read from pixels: every marker, also of those that lie over one another, and how much of each still shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.ink import find_layers
from digitize.legend import LegendEntry, may_be_key
from digitize.looks import Looks, Seen, distinct, looks_of_keys, looks_of_markers, named, resemblance, see
from digitize.markers import UNIT, find_markers
from digitize.overplot import CROWDED, agreement, crowded, read_markers
from digitize.painting import Pen, Picture, Placed, misfit
from digitize.panels import Panel
from digitize.pens import SeenSeries, learned
from digitize.picture import picture_of
from digitize.points import position_noise, without_text
from digitize.refine import Fit
from digitize.scaled import scaled_to
from digitize.series import Mark, Place, Series, hex_color

LIKE_MARKERS = re.compile(r"[oO0QDCcAaVvXxUu\W\d]*")  # what rows of markers are read as
BLURS = (1.0, 1.6, 2.3)  # px: widths of edges that are tried
ON_LINE = 0.7  # digit heights from the middle of a name within which a marker stands on its line
SAME_COLUMN = 1.5  # px within which keys that a program drew above one another stand
ONE_COLUMN = 0.3  # digit heights within which the keys of a legend stand above one another
CLEAR = 0.5  # share of a marker's ink that must show for its place not to be in doubt
TRIANGLE_DOUBT = 0.15  # of the half-size: programs do not agree where in a triangle the data point lies
CLOSE, APART = 1.5, 3.0  # half-sizes within which markers may be one, and up to which they foretell how many lie closer
FEWEST_OF_CLOUD, SURE_OF = 20, 1.0  # markers of which pairs can be counted; standard deviations beyond which pairs are lacking
LIKE_KEY = 0.6  # of what shows of the clearest marker at a key: of those that show less none is the key
ALONE, TYPICAL_MISFIT = 0.97, 0.1  # share of a marker's ink that shows where it stands alone; misfit of those that do not
SEEN_TWICE, MOSTLY = 0.5, 0.5  # half-sizes within which two markers are one seen twice; share of a series of which that must be so
WELL = 0.75  # how much of a marker's ink agrees from which on it is surely one


@dataclass(frozen=True)
class ScatterReading:
    """The series of a scatter plot, and about how many more markers are hidden beneath those that were read (0 where few lie together)."""

    series: tuple[Series, ...]
    n_hidden: int


def read_scatter(panel: Panel, legend: Sequence[LegendEntry]) -> ScatterReading:
    """The series of markers of a panel without error bars, in straightened pixels.

    Parameters
    ----------
    panel : Panel
    legend : sequence of LegendEntry
        Its keys and names are taken out of the plot, and name the series.
    """
    words = replace(panel, texts=tuple(t for t in panel.texts if not LIKE_MARKERS.fullmatch(t.text)))
    crop = without_text(words, legend)
    # A key is found as the marker that it is, and left out later.
    picture = picture_of(panel, crop, legend, with_keys=True)
    seen = _first_look(panel, legend, crop, picture)
    kept = [s for s in seen if s.pen is not None]
    alone = [Placed(k, f.x, f.y, 1.0, 1.0) for k, s in enumerate(kept) for f in s.fits if s.has_drawn(f)]
    pens, placed = _peeled(picture, [s.pen for s in kept if s.pen is not None], alone)
    placed = _without_keys([*placed, *_left_over(placed, alone, pens)], pens, panel, legend)
    doubtful = [m for m, is_crowded in zip(placed, crowded(placed, pens), strict=True) if is_crowded or m.shows < CLEAR]
    series = [
        _series(s.look, [_refined(m, s.fits, m in doubtful) for m in placed if m.pen == k], pens[k], panel) for k, s in enumerate(kept)
    ]
    series += [_unfitted(_not_twice(s, placed, pens), panel) for s in seen if s.pen is None]
    places = np.array([(m.x, m.y) for m in placed]).reshape(-1, 2)
    size = float(np.median([pens[m.pen].size for m in placed])) if placed else 0.0
    series = _with_keys_flagged([s for s in series if s.marks], legend, panel.height)
    return ScatterReading(tuple(series), n_hidden(places, size))


def _with_keys_flagged(series: Sequence[Series], legend: Sequence[LegendEntry], height: float) -> list[Series]:
    """The series, of which marks in line with a name of the legend are flagged as what may be its key.

    That is where a mark, or a key that was found, stands above or below in line with each other name: keys may lie on the other side of the
    names than those that were found, a data point that touches a key hides what it is, and a name may have been overlooked.
    """
    lines = [(e.text_box[1] + e.text_box[3]) / 2 for e in legend]
    keys = [(e.key_box[0] + e.key_box[2]) / 2 for e in legend]
    at = np.array([(m.x.px, m.y.px) for s in series for m in s.marks]).reshape(-1, 2)
    in_line = [np.abs(at[:, 1] - y) < ON_LINE * height for y in lines]

    def is_key(mark: Mark) -> bool:
        column = np.abs(at[:, 0] - mark.x.px) < ONE_COLUMN * height
        near = [abs(key - mark.x.px) < ONE_COLUMN * height for key in keys]
        has_key = [is_near or bool((column & line).any()) for is_near, line in zip(near, in_line, strict=True)]
        is_beside_name = any(abs(mark.y.px - y) < ON_LINE * height for y in lines)
        # One mark beside the one name may be anything.
        return may_be_key(mark.x.px, mark.y.px, legend) or (len(legend) > 1 and is_beside_name and all(has_key))

    return [replace(s, marks=tuple(replace(m, flags=(*m.flags, "legend_key")) if is_key(m) else m for m in s.marks)) for s in series]


def n_hidden(places: NDArray[np.float64], size: float) -> int:
    """About how many markers lie unseen beneath others: the pairs too close to be told apart that are lacking.

    Pairs of points that are close compared with the extent of a cloud are as frequent, by area, at one distance as at another. Of those
    within `CLOSE` half-sizes as many should be seen as those at `CLOSE` to `APART` half-sizes foretell; what is lacking is hidden.
    Where that is less than chance makes it, nothing is said. Three or more on one place make it too small a number.

    Parameters
    ----------
    places : (n, 2) float
        Where the markers that were read stand, px.
    size : float
        Their half-size, px.

    Returns
    -------
    int
    """
    if len(places) < FEWEST_OF_CLOUD:
        return 0
    rows, columns = np.triu_indices(len(places), 1)
    distance = np.hypot(*(places[rows] - places[columns]).T)
    close, beside = int((distance < CLOSE * size).sum()), int(((distance >= CLOSE * size) & (distance < APART * size)).sum())
    foretold = beside * CLOSE**2 / (APART**2 - CLOSE**2)
    lacking = foretold - close
    return round(lacking) if lacking > max(1.0, SURE_OF * foretold**0.5) else 0


def _first_look(panel: Panel, legend: Sequence[LegendEntry], crop: NDArray[np.uint8], picture: Picture) -> list[SeenSeries]:
    scale = UNIT / panel.height
    small = scaled_to(crop, scale)
    ink = find_layers(small)
    markers = distinct([see(m, ink) for m in find_markers(small)]) if ink.layers else []
    keys = looks_of_keys(panel, legend, ink)
    looks = named(looks_of_markers(markers, ink, keys if len(keys) == len(legend) else ()), keys)
    if len(legend) < 2:  # nothing says that there are several series: markers of one hue and style are one
        looks = [look for k, look in enumerate(looks) if all((o.layer, o.style) != (look.layer, look.style) for o in looks[:k])]
    return [
        learned(look, [m.marker for m in own], crop, picture, scale)
        for look, own in zip(looks, _assigned(markers, looks), strict=True)
        if own
    ]


def _assigned(markers: Sequence[Seen], looks: Sequence[Looks]) -> list[list[Seen]]:
    """The markers of each series: the one that they look most like."""
    members: list[list[Seen]] = [[] for _ in looks]
    for marker in markers:
        own = [k for k, look in enumerate(looks) if look.layer == marker.layer]
        if own:
            members[max(own, key=lambda k: resemblance(marker, looks[k]))].append(marker)
    return members


def _peeled(picture: Picture, pens: Sequence[Pen], alone: Sequence[Placed]) -> tuple[list[Pen], list[Placed]]:
    """The markers, with the pens as sharp and as opaque as makes the painted plot most like the picture."""
    if not pens:
        return [], []
    blur = min(BLURS, key=lambda b: misfit(picture, [replace(p, blur=b) for p in pens], alone)) if alone else BLURS[0]
    best: tuple[float, list[Pen], list[Placed]] | None = None
    for is_opaque in (False, True) if any(p.is_open for p in pens) else (False,):
        tried = agreement(picture, [replace(p, blur=blur, is_opaque=is_opaque and p.is_open) for p in pens], alone)
        placed = read_markers(picture, tried)
        off = misfit(picture, tried, placed)
        if best is None or off < best[0]:
            best = (off, tried, placed)
    assert best is not None
    return best[1], best[2]


def _left_over(placed: Sequence[Placed], alone: Sequence[Placed], pens: Sequence[Pen]) -> list[Placed]:
    """Markers that fitted well at first and at which no peeled one stands: small ones on whole pixels can be unlike their pen."""
    return [replace(m, agrees=0.0) for m in alone if all(np.hypot(m.x - p.x, m.y - p.y) > pens[m.pen].size for p in placed)]


def _without_keys(placed: Sequence[Placed], pens: Sequence[Pen], panel: Panel, legend: Sequence[LegendEntry]) -> list[Placed]:
    """The markers without those that are a legend's keys: one on the line of each name, all of them above one another where they can be.

    What else was made of the same key, where its name or its frame hides some of it, goes with it: markers of which little shows,
    as near to it as no second one could be told apart.
    """
    x0, y0, _, _ = panel.box
    likely = []
    for entry in legend:
        left, right = entry.key_box[0] - x0, entry.key_box[2] - x0
        line = (entry.text_box[1] + entry.text_box[3]) / 2 - y0
        near = [m for m in placed if abs(m.y - line) < ON_LINE * panel.height and left - pens[m.pen].size < m.x < right + pens[m.pen].size]
        most = max((m.shows for m in near), default=0.0)
        likely.append([m for m in near if m.shows >= LIKE_KEY * most])
    kept = list(placed)
    for entry, near in zip(legend, likely, strict=True):
        middle = (entry.key_box[0] + entry.key_box[2]) / 2 - x0, (entry.key_box[1] + entry.key_box[3]) / 2 - y0
        free = [m for m in near if m in kept]
        if free:
            in_column = [sum(any(abs(m.x - n.x) < SAME_COLUMN for n in others) for others in likely) for m in free]
            key = free[min(range(len(free)), key=lambda k: (-in_column[k], abs(free[k].x - middle[0]) + abs(free[k].y - middle[1])))]
            kept = [m for m in kept if m is not key and not _is_made_of(m, key, pens)]
    return kept


def _is_made_of(marker: Placed, key: Placed, pens: Sequence[Pen]) -> bool:
    """Whether a marker of which little shows stands where a key's own ink is."""
    reach = CROWDED * max(pens[marker.pen].size, pens[key.pen].size)
    return marker.shows < CLEAR and bool(np.hypot(marker.x - key.x, marker.y - key.y) < reach)


@dataclass(frozen=True)
class _Found:
    """A marker, the misfit of its pixels, and whether others cover or crowd it."""

    marker: Placed
    misfit: float
    is_doubtful: bool


def _refined(marker: Placed, fits: Sequence[Fit], is_doubtful: bool) -> _Found:
    """A marker, where it stands alone moved to where it was fitted on its own."""
    near = min(fits, key=lambda f: np.hypot(f.x - marker.x, f.y - marker.y))
    if marker.shows > ALONE and np.isfinite(near.misfit) and np.hypot(near.x - marker.x, near.y - marker.y) < 1.0:
        return _Found(replace(marker, x=near.x, y=near.y), near.misfit, is_doubtful)
    return _Found(marker, TYPICAL_MISFIT, is_doubtful)


def _series(look: Looks, found: Sequence[_Found], pen: Pen, panel: Panel) -> Series:
    x0, y0, _, _ = panel.box
    noise = position_noise(panel)
    anchor = TRIANGLE_DOUBT * pen.size if look.style.startswith("triangle") else 0.0
    marks = []
    for f in found:
        u = float(np.hypot(noise, 0.05 + 1.5 * f.misfit) / max(f.marker.shows, 0.2) ** 0.5)
        flags = ("partly_hidden",) if f.is_doubtful else ()
        confidence = 0.97 if f.marker.agrees > WELL * pen.agrees and not flags else 0.8
        place = Place(f.marker.x + x0, u), Place(f.marker.y + y0, float(np.hypot(u, anchor)))
        marks.append(Mark(*place, flags=flags, confidence=confidence))
    return Series(look.name, hex_color(look.color), look.style, tuple(sorted(marks, key=lambda m: m.x.px)))


def _not_twice(seen: SeenSeries, placed: Sequence[Placed], pens: Sequence[Pen]) -> SeenSeries:
    """A series that no pen could be learned for, without the markers that others explain, where most of it is of these.

    Such a series is a second look at the markers of another; of two series of which some coincide both stay.
    """
    is_explained = [any(np.hypot(f.x - m.x, f.y - m.y) < SEEN_TWICE * pens[m.pen].size for m in placed) for f in seen.fits]
    if np.mean(is_explained) <= MOSTLY:
        return seen
    return replace(seen, fits=tuple(f for f, explained in zip(seen.fits, is_explained, strict=True) if not explained))


def _unfitted(seen: SeenSeries, panel: Panel) -> Series:
    """A series whose markers have no outline to fit (crosses, stars): each where the first look saw it."""
    x0, y0, _, _ = panel.box
    u = 3 * position_noise(panel)
    marks = [Mark(Place(f.x + x0, u), Place(f.y + y0, u), flags=("not_refined",), confidence=0.8) for f in seen.fits]
    return Series(seen.look.name, hex_color(seen.look.color), seen.look.style, tuple(sorted(marks, key=lambda m: m.x.px)))
