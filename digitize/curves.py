"""Survival curves read from pixels: steps that only go one way, followed through their own ink to a fraction of a pixel.

Of all paths across the plot that never turn back, the one is taken that runs through most ink of the curve's colour (dynamic programming
over columns, as in Viterbi 1967). Where other ink hides the curve the path goes on, and a step that it takes there is flagged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.atrisk import printed_rows
from digitize.axes import Axis
from digitize.greys import greys
from digitize.ink import find_layers, largest, paper_color
from digitize.legend import LegendEntry
from digitize.markers import UNIT, find_markers
from digitize.painting import Picture
from digitize.panels import Panel
from digitize.points import position_noise, without_text
from digitize.scaled import scaled_to
from digitize.series import Mark, Place, Series, hex_color

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]

OTHER_INK = 0.3  # what a pixel of other ink is worth: the curve may lie beneath
EMPTY_COST = 0.25  # of each pixel of a step that no ink shows
SEEN = 0.3  # amount of ink from which on a pixel shows the curve
COVERED = 0.6  # share of its columns in which a curve must show (a dashed one shows in two thirds)
COVERING = 0.35  # share of the plot's width, from its left, in which a legend may cover the start of a curve
UNEVEN = (0.15, 0.45)  # share of level pieces unlike the one before: of slopes drawn in pixels, of chance
CROSSES = 0.35  # share of the plot's columns in which a colour stands that a curve may be drawn in
STROKE, LEAST_FALL = 0.5, 0.08  # ink of a stroke that is no gridline; share of the plot's height by which a curve that was not found falls
COLORED = 50  # grey levels between the largest and the smallest of a pixel's red, green and blue
FEWEST_MARKERS, SURE_MARKER = 4, 0.65  # of a plot of markers joined by lines; probability of one that counts
KEY_INK, SAME_COLOR = 0.4, 40  # of the darkest ink of a key, from which on a pixel is inked; grey levels within which colours are one
OTHER_COLOR = 70  # grey levels in a channel by which a layer differs from every key that is not its own
JUMP = 2.5  # px: a step, in contrast to the staircase of pixels of a slope
UNSEEN = 1.5  # of a digit's height: the longest gap in which no step is hidden; those between dashes are shorter
BAND, LEAST_BAND, TINT = 0.6, 0.01, 6  # of a digit's height: the least of a band; share of the plot; grey levels
FRAME = 0.35  # of the height of a digit: how far from the edge of the plot its frame may lie
START_WITHIN = 0.04  # of the axis: how far from 0 or the whole a survival curve starts
WORDS = re.compile(r"surviv|probab|event|free|inciden|mortal|death|proportion|alive|%|remission|relapse", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve as found: its row in each column from `first` on, the ink of its colour, its colour, name, and whether it falls."""

    first: int
    rows: NDArray[np.int64]
    amount: FloatArray
    color: tuple[int, int, int]
    name: str
    falls: bool
    alike: bool = False

    @property
    def shown(self) -> Doubles:
        """Amount of ink along it."""
        columns = np.arange(self.first, self.first + len(self.rows))
        padded = np.pad(self.amount, ((1, 1), (0, 0)))
        return np.asarray(np.max([padded[self.rows + k, columns] for k in (0, 1, 2)], axis=0), dtype=np.float64)


def curve_evidence(panel: Panel, legend: Sequence[LegendEntry] = ()) -> float:
    """How sure it is that a panel shows survival curves, 0 to 1.

    They start at the whole (or at none), only go one way, and go by steps or stand above numbers at risk.
    """
    if not isinstance(panel.x, Axis) or panel.is_turned:
        return 0.0
    whole = _whole(panel)
    if whole is None:
        return 0.0
    curves = _curves(panel, legend)
    if not curves:
        return 0.0
    started = np.mean([_starts_well(c, panel, whole, legend) for c in curves])
    stepped = np.mean([_stepped(c) for c in curves])
    covered = np.mean([float((c.shown > SEEN).mean()) for c in curves])
    if covered < COVERED:
        return 0.0
    if printed_rows(panel) and started > 0:  # many participants: the steps are too small to be seen, but the numbers at risk say it
        return 1.0
    if stepped < 0.3:
        return 0.0
    if _n_markers(panel, legend) >= FEWEST_MARKERS:
        return 0.0
    said = 0.15 if WORDS.search(_words(panel)) else 0.0
    return float(np.clip(0.45 * started + 0.45 * stepped + said, 0, 1))


def _n_markers(panel: Panel, legend: Sequence[LegendEntry]) -> int:
    """How many markers stand in the plot, other than the crosses and pluses that mark censoring."""
    markers = find_markers(scaled_to(without_text(panel, legend), UNIT / panel.height))
    return sum(m.score > SURE_MARKER and m.style not in ("cross", "plus", "star") for m in markers)


def read_curves(panel: Panel, legend: Sequence[LegendEntry] = ()) -> tuple[Series, ...]:
    """The curves of a panel, a series each: its marks are the corners of the steps, each at the level that the step leads to.

    Parameters
    ----------
    panel : Panel
        With two numeric axes.
    legend : sequence of LegendEntry
        Gives the curves' colours and names.
    """
    noise = position_noise(panel)
    found = [c for c in _curves(panel, legend) if (c.shown > SEEN).mean() > 0.5 * COVERED]
    series = tuple(Series(c.name, hex_color(c.color), "step", _corners(c, panel, noise)) for c in found)
    if not found or not _leaves_a_curve(panel, legend, found):
        return series
    told = _told_by_greys(panel, legend, found)
    if told:
        return tuple(Series(c.name, hex_color(c.color), "step", _corners(c, panel, noise)) for c in told)
    return tuple(replace(s, marks=tuple(replace(m, flags=(*m.flags, "curve_missing")) for m in s.marks)) for s in series)


def _words(panel: Panel) -> str:
    return " ".join(t.text for t in panel.texts)


def _whole(panel: Panel) -> float | None:
    """What 100 % is on the y axis: 1 or 100, where its ticks reach that and begin near 0."""
    values = [t.value for t in panel.y.calibration.ticks if t.used]
    if panel.y.calibration.scale.name != "linear" or min(values) < 0:
        return None
    return next((w for w in (1.0, 100.0) if max(values) <= 1.05 * w and max(values) >= 0.15 * w), None)


def _starts_well(curve: Curve, panel: Panel, whole: float, legend: Sequence[LegendEntry]) -> bool:
    """Whether a curve starts at the whole (or at none), or where a legend lies over its start."""
    start = float(panel.y.calibration.to_value(float(curve.rows[: max(1, len(curve.rows) // 100)].mean()) + panel.box[1]))
    x0, y0, x1, _ = panel.box
    near = [e for e in legend if e.key_box[0] < x0 + COVERING * (x1 - x0) and e.key_box[1] < curve.rows[0] + y0 + panel.height]
    return bool(near) or abs(start - (whole if curve.falls else 0.0)) < START_WITHIN * whole


def _stepped(curve: Curve) -> float:
    """How sure it is that the way goes by steps and not along a slope: it jumps, or each level piece is unlike the next."""
    moves = np.abs(np.diff(curve.rows)).astype(float)
    jumps = float(moves[moves >= JUMP].sum() / max(moves.sum(), 1.0))
    runs = np.diff(np.flatnonzero(moves))
    # Along a slope one level piece is as long as the next, to a pixel.
    uneven = float(np.mean(np.abs(np.diff(runs)) > 1 + 0.18 * (runs[1:] + runs[:-1]))) if runs.size >= 5 else 0.0
    return max(jumps, float(np.clip((uneven - UNEVEN[0]) / (UNEVEN[1] - UNEVEN[0]), 0, 1)))


# Paths


def strokes_of_plot(panel: Panel, legend: Sequence[LegendEntry]) -> NDArray[np.uint8]:
    """The plot without words, keys and bands: what is left are strokes."""
    crop = without_words(panel, legend)
    return _without_bands(crop, paper_color(crop), panel.height)


def picture_of(crop: NDArray[np.uint8]) -> Picture:
    """The inside of a plot (h, w, 3) as a picture of which everything is seen."""
    everywhere = np.ones(crop.shape[:2], dtype=np.float32)
    return Picture(np.asarray(crop / 255, dtype=np.float32), np.asarray(paper_color(crop) / 255, dtype=np.float32), everywhere)


def _curves(panel: Panel, legend: Sequence[LegendEntry]) -> list[Curve]:
    crop = strokes_of_plot(panel, legend)
    paper = paper_color(crop)
    picture = picture_of(crop)
    wanted = _colors(panel, crop, legend, paper)
    amounts = picture.amounts([np.asarray(np.array(color) / 255, dtype=np.float32) for color, _ in wanted]) if wanted else []
    ink = picture.any_ink()
    found: list[Curve] = []
    for k, (color, name) in enumerate(wanted):
        twins = [c for c in found if np.abs(np.array(c.color) - color).max() < 30]
        amount = amounts[k].copy()
        for twin in twins:
            _erase(amount, twin)
        curve = _best_way(amount, ink, color, name, alike=bool(twins))
        if curve is not None and _is_frame(curve, panel):  # a curve of its colour may be found without it
            _erase(amount, curve)
            curve = _best_way(amount, ink, color, name, alike=bool(twins))
        if curve is not None and not _is_frame(curve, panel):
            found.append(curve)
    return found


def _leaves_a_curve(panel: Panel, legend: Sequence[LegendEntry], found: Sequence[Curve]) -> bool:
    """Whether ink that is none of the curves found runs across the plot as one more would: two greys can be taken for one."""
    left = picture_of(strokes_of_plot(panel, legend)).any_ink()
    for curve in found:
        left[_around(curve)] = 0
    strokes = np.where(left > STROKE, left, 0).astype(np.float32)
    way = _best_way(strokes, strokes, (0, 0, 0), "", alike=False)
    if way is None or _is_frame(way, panel):
        return False
    seen = float((way.shown > 0).sum())
    return bool(seen >= CROSSES * left.shape[1] and np.ptp(way.rows) > LEAST_FALL * left.shape[0])


def _told_by_greys(panel: Panel, legend: Sequence[LegendEntry], found: Sequence[Curve]) -> list[Curve]:
    """The curves where those without colour are told apart by their darkness; none where that does not tell every one of them."""
    grey = [c for c in found if np.ptp(c.color) <= COLORED]
    if not grey:
        return []
    crop = strokes_of_plot(panel, legend)
    ink = picture_of(crop).any_ink()
    strokes = greys(crop, COLORED, max(_thickness(c) for c in grey))
    colors = [(color, e.name) for e in legend if (color := key_color(panel, e, paper_color(crop))) is not None]
    keys = sorted((sum(color), name) for color, name in colors if np.ptp(color) <= COLORED)
    names = [name for _, name in keys] if len(keys) == len(strokes) else [""] * len(strokes)
    told = [_best_way(s.amount, ink, s.color, name, alike=False) for s, name in zip(strokes, names, strict=True)]
    ways = [c for c in told if c is not None and _is_curve(c, panel)]
    every = [c for c in found if np.ptp(c.color) > COLORED] + ways
    return every if len(ways) == len(strokes) > 1 and not _leaves_a_curve(panel, legend, every) else []


def _is_curve(way: Curve, panel: Panel) -> bool:
    """Whether a way shows in as many columns as a curve does, falls or rises, and is no frame."""
    falls = np.ptp(way.rows) > LEAST_FALL * way.amount.shape[0]
    return bool(falls and (way.shown > SEEN).mean() >= COVERED and not _is_frame(way, panel))


def _is_frame(curve: Curve, panel: Panel) -> bool:
    """Whether it runs along an edge of the plot all the way: its frame, no curve; one without events that has a name may run at the top."""
    at_edge = FRAME * panel.height
    at_top = curve.rows.max() <= at_edge and not curve.name and np.ptp(curve.color) <= COLORED
    return bool(at_top or curve.rows.min() >= curve.amount.shape[0] - at_edge)


def without_words(panel: Panel, legend: Sequence[LegendEntry]) -> NDArray[np.uint8]:
    """The plot without words and keys, but with what is coloured among the words: curves run through them."""
    crop = without_text(panel, legend)
    colored = np.ptp(panel.crop, axis=2) > COLORED
    x0, y0, _, _ = panel.box
    for entry in legend:
        a, b, c, d = entry.key_box
        colored[max(0, b - y0 - 2) : max(0, d - y0 + 3), max(0, a - x0 - 2) : max(0, c - x0 + 3)] = False
    crop[colored] = panel.crop[colored]
    return crop


def _without_bands(crop: NDArray[np.uint8], paper: FloatArray, height: float) -> NDArray[np.uint8]:
    """The plot without what is tinted over an area, such as confidence bands: what is left of it are strokes, as if drawn on the paper.

    Bands are see-through: what lies on them has its colour times the band's.
    """
    side = max(5, round(BAND * height))
    ground = np.asarray(cv2.morphologyEx(crop, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)), dtype=np.float32)
    tinted = largest(np.abs(ground - paper)) > TINT
    if tinted.mean() < LEAST_BAND:
        return crop
    lifted = crop * (paper / np.clip(ground, 1, None))
    return np.asarray(np.clip(np.where(tinted[..., None], lifted, crop), 0, 255), dtype=np.uint8)


def _colors(
    panel: Panel, crop: NDArray[np.uint8], legend: Sequence[LegendEntry], paper: FloatArray
) -> list[tuple[tuple[int, int, int], str]]:
    """The colours that curves are drawn in: those of the legend's keys, else those of which much ink lies in the plot."""
    keys = [(color, e.name) for e in legend if (color := key_color(panel, e, paper)) is not None]
    crossing = [y for y in find_layers(crop).layers if float((y.amount > 0.4).any(axis=0).mean()) > CROSSES]
    colored = [layer.color for layer in crossing if not layer.is_grey]
    are_colored = any(np.ptp(color) > COLORED for color, _ in keys)
    if keys and (are_colored or not colored):
        return _with_unclaimed(keys, colored, [layer.color for layer in crossing])
    some_grey = any(np.ptp(color) <= COLORED for color, _ in keys)
    return [(layer.color, "") for layer in crossing if not (keys and layer.is_grey and not some_grey)]


def _with_unclaimed(
    keys: Sequence[tuple[tuple[int, int, int], str]], colored: Sequence[tuple[int, int, int]], crossing: Sequence[tuple[int, int, int]]
) -> list[tuple[tuple[int, int, int], str]]:
    """The keys, and colours across the plot that no key has: of a key that was not found, or one whose colour was misread."""
    unclaimed = [color for color in colored if all(_apart(color, key) > OTHER_COLOR for key, _ in keys)]
    if not unclaimed:
        return list(keys)
    seen = [(key, name) for key, name in keys if any(_apart(color, key) <= OTHER_COLOR for color in crossing)]
    unseen = [name for key, name in keys if (key, name) not in seen]
    names = unseen if len(unseen) == len(unclaimed) == 1 else [""] * len(unclaimed)
    return [*seen, *zip(unclaimed, names, strict=True)]


def _apart(a: tuple[int, int, int], b: tuple[int, int, int]) -> int:
    """Largest difference of two colours in a channel."""
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def key_color(panel: Panel, entry: LegendEntry, paper: FloatArray) -> tuple[int, int, int] | None:
    """The colour of the level stroke that a key is; a curve or an axis that crosses it has another."""
    x0, y0, x1, y1 = entry.key_box
    patch = panel.image[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1].astype(np.float32)
    if not patch.size:
        return None
    off = np.linalg.norm(patch - paper, axis=2)
    if off.max() < 40:
        return None
    inked = (off > KEY_INK * off.max()).sum(axis=1)
    ties = np.flatnonzero(inked == inked.max())
    row = int(ties[ties.size // 2])
    near = slice(max(0, row - 1), row + 2)
    darkest = off[near].argmax(axis=0)
    columns = np.arange(off.shape[1])
    colors, shown = patch[near][darkest, columns], off[near][darkest, columns]
    colors = colors[shown > 0.85 * np.quantile(shown, 0.9)]
    alike = np.abs(colors[:, None] - colors).max(axis=2) < SAME_COLOR
    r, g, b = (round(float(v)) for v in np.median(colors[alike[int(alike.sum(axis=1).argmax())]], axis=0))
    return r, g, b


def _around(curve: Curve) -> NDArray[np.bool_]:
    """Where the stroke of a curve lies, with as much again on either side; upright pieces too."""
    way = np.zeros(curve.amount.shape, dtype=np.uint8)
    rows = curve.rows
    for k, (a, b) in enumerate(zip(np.minimum(rows, np.roll(rows, 1)), np.maximum(rows, np.roll(rows, 1)), strict=True)):
        way[(a if k else rows[0]) : (b if k else rows[0]) + 1, curve.first + k] = 1
    size = 2 * max(1, round(_thickness(curve))) + 1
    return np.asarray(cv2.dilate(way, np.ones((size, size), np.uint8)) > 0)


def _erase(amount: FloatArray, curve: Curve) -> None:
    """Take the ink of a curve that was found already out of what is left."""
    half = max(1, round(_thickness(curve)))
    previous = int(curve.rows[0])
    for k, row in enumerate(curve.rows.tolist()):
        a, b = min(row, previous), max(row, previous)
        amount[max(0, a - half) : b + half + 1, curve.first + k] = 0
        previous = row


def _best_way(amount: FloatArray, ink: FloatArray, color: tuple[int, int, int], name: str, *, alike: bool) -> Curve | None:
    """The falling or rising path through most ink; None where no path shows in enough columns."""
    worth = np.maximum(amount, OTHER_INK * np.where(amount > 0, 0, ink)).astype(np.float64)
    shows = np.flatnonzero((amount > SEEN).any(axis=0))
    if shows.size < 20:
        return None
    first, last = int(shows[0]), int(shows[-1])
    ways = []
    for falls in (True, False):
        part = worth[:, first : last + 1]
        score, rows = _viterbi(part if falls else part[::-1])
        ways.append((score, falls, rows if falls else part.shape[0] - 1 - rows))
    _, falls, rows = max(ways, key=lambda w: w[0])
    return Curve(first, rows, amount, color, name, falls, alike)


def _viterbi(worth: Doubles) -> tuple[float, NDArray[np.int64]]:
    """The path of rows that never go up (rows count down the image), through the most worth; and that worth.

    To step down within a column costs `EMPTY_COST` for each pixel without ink.
    """
    h, w = worth.shape
    cost = np.cumsum(EMPTY_COST * (1 - np.clip(worth, 0, 1)), axis=0)
    score = worth[:, 0].copy()
    back = np.zeros((w, h), dtype=np.int32)
    index = np.arange(h)
    for x in range(1, w):
        lifted = score + cost[:, x]
        best = np.maximum.accumulate(lifted)
        is_new = lifted >= best
        back[x] = np.maximum.accumulate(np.where(is_new, index, 0))
        score = worth[:, x] + best - cost[:, x]
    row = int(score.argmax())
    total = float(score[row])
    rows = np.empty(w, dtype=np.int64)
    for x in range(w - 1, -1, -1):
        rows[x] = row
        row = int(back[x, row])
    return total, rows


# Corners


def _thickness(curve: Curve) -> float:
    """Width of the curve's stroke, px: ink above and below it in columns where it runs level."""
    level = np.flatnonzero(np.abs(np.diff(curve.rows, prepend=curve.rows[0])) == 0)
    columns = curve.first + level
    rows = curve.rows[level]
    padded = np.pad(curve.amount, ((8, 8), (0, 0)))
    total = np.sum([padded[rows + 8 + k, columns] for k in range(-6, 7)], axis=0)
    shown = total[total > SEEN]
    return float(np.median(shown)) if shown.size else 1.0


def _levels(curve: Curve) -> list[tuple[int, int, float]]:
    """Level pieces: first and last column (of the crop) and the row of each, fractions from the ink across it."""
    rows = curve.rows
    cuts = [0, *(np.flatnonzero(np.diff(rows) != 0) + 1).tolist(), len(rows)]
    half = int(np.ceil(_thickness(curve) / 2 + 1))
    pieces = []
    for a, b in pairwise(cuts):
        row = int(rows[a])
        y0, y1 = max(0, row - half), min(curve.amount.shape[0], row + half + 1)
        part = curve.amount[y0:y1, curve.first + a : curve.first + b].astype(float)
        weights = part.sum(axis=1)
        place = float((weights * np.arange(y0, y1)).sum() / weights.sum()) if weights.sum() > 0.3 else float(row)
        pieces.append((curve.first + a, curve.first + b - 1, place))
    return pieces


def _merged(pieces: Sequence[tuple[int, int, float]], curve: Curve, thickness: float) -> list[tuple[int, int, float]]:
    """The pieces without those that are a part of a step, or less than half a pixel from the last.

    A piece shorter than the stroke is wide is a part of a step where ink stands upright from the level before to the one after; on a
    steep way of many small steps it is a level of its own.
    """
    kept: list[tuple[int, int, float]] = []
    for k, (a, b, y) in enumerate(pieces):
        is_last = k == len(pieces) - 1
        if kept and abs(y - kept[-1][2]) < 0.5:
            first, last, old = kept[-1]
            n, m = last - first + 1, b - a + 1
            kept[-1] = (first, b, (old * n + y * m) / (n + m))
        elif b - a + 1 >= max(2.0, 0.8 * thickness) or is_last or not kept or not _is_upright(curve, (a, b), kept[-1][2], pieces[k + 1][2]):
            kept.append((a, b, y))
    return kept


def _is_upright(curve: Curve, columns: tuple[int, int], before: float, after: float) -> bool:
    """Whether ink stands in all the rows between two levels, in the columns from the first to the last, so that a step may be there."""
    lo, hi = sorted((before, after))
    part = curve.amount[round(lo) : round(hi) + 1, columns[0] : columns[1] + 1]
    return bool((part > SEEN).any(axis=1).mean() > 0.9)


def _corners(curve: Curve, panel: Panel, noise: float) -> tuple[Mark, ...]:
    x0, y0, _, _ = panel.box
    thickness = _thickness(curve)
    pieces = _merged(_levels(curve), curve, thickness)
    u = float(np.hypot(noise, 0.1))
    always = ("curves_alike",) if curve.alike else ()
    marks: list[Mark] = []
    gaps = [_unseen_ends(curve, a, b) for a, b, _ in pieces]
    for k, (a, b, y) in enumerate(pieces):
        x, is_seen = (float(a), True) if k == 0 else _step_at(curve, pieces[k - 1], (a, b, y), thickness)
        hidden = gaps[k][0] + (gaps[k - 1][1] if k else a)  # px in which the curve may have stepped unseen
        is_seen = is_seen and hidden <= (UNSEEN * panel.height if k else START_WITHIN * curve.amount.shape[1])
        flags = always if is_seen else (*always, "step_hidden")
        u_x = float(np.hypot(u, 0.3 if is_seen else max(2.0, (a - pieces[k - 1][1]) / 2 if k else 0.0, hidden / 2)))
        mark = Mark(Place(x + x0, u_x), Place(y + y0, u), flags=flags, confidence=0.6 if flags else 0.97)
        if marks and mark.x.px <= marks[-1].x.px:  # on a steep way the columns of two small steps may come out in the wrong order
            mark = replace(mark, x=marks.pop().x)
        marks.append(mark)
    end = pieces[-1]
    marks.append(Mark(Place(float(end[1]) + x0, float(np.hypot(u, 0.5))), Place(end[2] + y0, u), flags=always, confidence=0.97))
    return tuple(marks)


def _unseen_ends(curve: Curve, first: int, last: int) -> tuple[int, int]:
    """How many columns of a level piece show no ink at its start and at its end."""
    seen = np.flatnonzero(curve.shown[first - curve.first : last - curve.first + 1] > SEEN)
    return (int(seen[0]), last - first - int(seen[-1])) if seen.size else (last - first + 1, 0)


def _step_at(curve: Curve, before: tuple[int, int, float], after: tuple[int, int, float], thickness: float) -> tuple[float, bool]:
    """Column of the upright stroke between two levels, and whether its ink shows."""
    lo, hi = sorted((before[2], after[2]))
    a, b = max(0, before[1] - round(thickness) - 1), min(curve.amount.shape[1], after[0] + round(thickness) + 2)
    y0, y1 = round(lo + thickness / 2 + 0.5), round(hi - thickness / 2 - 0.5) + 1
    if y1 <= y0:  # the step is no higher than the stroke is thick: its column is where the path goes down
        return (before[1] + after[0]) / 2, True
    weights = curve.amount[y0:y1, a:b].astype(float).sum(axis=0)
    if weights.sum() < 0.3 * (y1 - y0):
        return (before[1] + after[0]) / 2, False
    return float((weights * np.arange(a, b)).sum() / weights.sum()), True
