"""Plots of markers with error bars: every marker, its error bars, and the series that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.errorbars import ErrorBar, Stem, erase_strokes, find_stems, long_strokes, pair_error_bars
from digitize.ink import Ink, Layer, find_layers, paper_color
from digitize.legend import LegendEntry, is_word
from digitize.markers import STYLES, UNIT, Field, Marker, find_markers, match_markers
from digitize.panels import Panel
from digitize.refine import Fit, cap_centre, fit_marker, ink_amount, stroke_end
from digitize.series import Mark, Place, Series, hex_color

FloatArray = NDArray[np.float32]
CLEARLY = 0.06  # how much better a marker style must fit its points than another's, of a likeness of 1


@dataclass(frozen=True)
class Point:
    """A marker with its error bar, at the scale of UNIT: `layer` is the number of its ink layer, `level` how dark its ink is (0 to 1)."""

    marker: Marker
    bar: ErrorBar
    layer: int
    level: float


@dataclass(frozen=True)
class Looks:
    """What a series looks like: its layer of ink, its marker style (of STYLES), how dark it is, its colour and its name."""

    layer: int
    style: str
    level: float
    color: tuple[int, int, int]
    name: str = ""


def read_points(panel: Panel, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """The series of markers in a panel, in straightened pixels.

    Parameters
    ----------
    panel : Panel
    legend : sequence of LegendEntry
        Its keys and names are taken out of the plot, and name the series.
    """
    crop = without_text(panel, legend)
    scale = UNIT / panel.height
    small = _scaled(crop, scale)
    ink = find_layers(small)
    fields = [_field(ink, layer) for layer in ink.layers]
    stroke = float(np.median([f.stroke for f, stems in fields if stems] or [1.5]))
    points = [p for number, (field, stems) in enumerate(fields) for p in _points(ink, field, stems, number)]
    if not points:
        return ()
    points = _completed(points)
    keys = _looks_of_keys(panel, legend, ink, stroke)
    looks = _named(_looks_of_points(points, ink, keys if len(keys) == len(legend) else ()), keys)
    members = _assigned(points, looks)
    paper = paper_color(crop)
    series = []
    for look, own in zip(looks, members, strict=True):
        if own:
            amount = ink_amount(crop, paper, look.color)
            marks = [_mark(p, look, amount, scale, panel) for p in sorted(own, key=lambda p: p.marker.x)]
            series.append(Series(look.name, hex_color(look.color), look.style, tuple(marks)))
    return tuple(series)


def _completed(points: Sequence[Point]) -> list[Point]:
    """Ends that other ink hides are mirrored where the panel's other bars are even; what stays unknown is flagged.

    A bar is even where its halves differ by less than a tenth. One-sided bars are no bars with a hidden half: there the paper shows that
    nothing was drawn.
    """
    halves = np.array([(p.marker.y - p.bar.top, p.bar.bottom - p.marker.y) for p in points if p.bar.top is not None and p.bar.bottom is not None])
    is_two_sided = len(halves) > 0.3 * sum(p.bar.top is not None or p.bar.bottom is not None for p in points)
    is_even = len(halves) >= 3 and float(np.mean(np.abs(halves[:, 0] - halves[:, 1]) < 1 + 0.1 * halves.sum(axis=1))) >= 0.8
    return [replace(p, bar=_completed_bar(p, even=is_even, two_sided=is_two_sided)) for p in points]


def _completed_bar(point: Point, *, even: bool, two_sided: bool) -> ErrorBar:
    bar, y = point.bar, point.marker.y
    if bar.top is None and bar.bottom is None:
        return replace(bar, flags=(*bar.flags, "error_bar_hidden"))
    if bar.top is not None and bar.bottom is not None:
        up, down = y - bar.top, bar.bottom - y
        uneven = even and abs(up - down) > 2 + 0.15 * (up + down)
        return replace(bar, flags=(*bar.flags, "uneven_bar")) if uneven else bar
    if bar.top is None and (bar.top_hidden or two_sided):
        mirrored = replace(bar, top=2 * y - bar.bottom, top_capped=False) if even and bar.bottom is not None else bar
        return replace(mirrored, flags=(*bar.flags, "mirrored" if even else "end_hidden"))
    if bar.bottom is None and (bar.bottom_hidden or two_sided):
        mirrored = replace(bar, bottom=2 * y - bar.top, bottom_capped=False) if even and bar.top is not None else bar
        return replace(mirrored, flags=(*bar.flags, "mirrored" if even else "end_hidden"))
    return bar


def without_text(panel: Panel, legend: Sequence[LegendEntry]) -> NDArray[np.uint8]:
    """A copy of the inside of the plot with words, legend keys and the legend's frame painted over."""
    crop = panel.crop.copy()
    paper = paper_color(crop).astype(np.uint8)
    x0, y0, _, _ = panel.box

    def paint(box: Sequence[float], pad: float) -> None:
        a, b, c, d = box[0] - x0 - pad, box[1] - y0 - pad, box[2] - x0 + pad + 1, box[3] - y0 + pad + 1
        crop[max(0, round(b)) : max(0, round(d)), max(0, round(a)) : max(0, round(c))] = paper

    for text in panel.texts:
        if is_word(text):
            paint(text.box, 0.15 * text.height)
    if legend:
        for entry in legend:
            paint(entry.key_box, 0.1 * panel.height)
        boxes = np.array([e.text_box for e in legend] + [e.key_box for e in legend])
        left, top, right, bottom = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
        near = 2.5 * panel.height
        for line in panel.lines:
            lo, hi = (top, bottom) if line.upright else (left, right)
            a, b = (left, right) if line.upright else (top, bottom)
            encloses = line.start <= lo + near / 2 and line.end >= hi - near / 2 and line.start >= lo - near and line.end <= hi + near
            if encloses and (a - near < line.at < a or b < line.at < b + near):
                along = (line.at, line.start, line.at, line.end) if line.upright else (line.start, line.at, line.end, line.at)
                paint(along, line.width + 1)
    return crop


def _scaled(crop: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=mode), dtype=np.uint8)


def _field(ink: Ink, layer: Layer) -> tuple[Field, tuple[Stem, ...]]:
    hidden = _substantial((ink.strength > 60) & (layer.amount == 0))
    seen = (~hidden).astype(np.float32)
    line = _lines(ink, layer)
    stems = find_stems(line, hidden, ink.strength)
    own = np.where(layer.amount > 0, ink.strength, 0)
    stroke = float(np.median([_width(own, s) for s in stems])) if stems else 1.5
    solid = _solid(ink, layer, stroke)
    outline = float(np.median([s.width for s in stems])) if stems else 1.7
    return Field(solid, line, seen, erase_strokes(seen, long_strokes(line, solid), stems), outline), stems


def _substantial(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the scraps of mixed colour along the edges of strokes."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= 16
    large[0] = False
    return np.asarray(large[labels], dtype=np.bool_)


def _width(strength: FloatArray, stem: Stem) -> float:
    """Width of a stem in px: its ink across, in units of its darkest pixel."""
    x = round(stem.x)
    rows = strength[round(stem.y0) + 1 : max(round(stem.y0) + 2, round(stem.y1)), max(0, x - 4) : x + 5]
    return float(np.median(rows.sum(axis=1) / np.maximum(rows.max(axis=1), 1e-3))) if rows.size else 1.5


def _points(ink: Ink, field: Field, stems: tuple[Stem, ...], number: int) -> list[Point]:
    """Markers and error bars of one layer."""
    markers = find_markers(field, [(s.x, s.y0, s.y1) for s in stems])
    stems = _true_stems(stems, markers)
    levels = [_level(ink.strength, m) for m in markers]
    bars = pair_error_bars(markers, levels, stems, field.line, field.seen < 0.5)
    return [Point(m, b, number, level) for m, b, level in zip(markers, bars, levels, strict=True)]


def _lines(ink: Ink, layer: Layer) -> FloatArray:
    """All ink of the layer, 0 to 1: thin strokes, which are paler than fills, and every level of grey count in full."""
    full = min(0.6 * layer.full, 120.0) if layer.is_grey else 0.6 * layer.full
    return np.asarray(np.where(layer.amount > 0, np.clip(ink.strength / full, 0, 1), 0), dtype=np.float32)


def _solid(ink: Ink, layer: Layer, stroke: float) -> FloatArray:
    """The layer's ink that is thicker than a stroke, 0 to 1, pale greys as full as black."""
    own = np.where(layer.amount > 0, ink.strength, 0).astype(np.float32)
    size = max(4, round(1.3 * stroke + 1.2))
    opened = cv2.morphologyEx(own, cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
    opened = np.minimum(cv2.dilate(opened, np.ones((3, 3), np.uint8)), own)  # give corners back
    usual = cv2.dilate(opened, np.ones((5, 5), np.uint8))
    return np.asarray(np.where(opened > 45, np.clip(opened / np.maximum(0.85 * usual, 1), 0, 1), 0), dtype=np.float32)


def _true_stems(stems: Sequence[Stem], markers: Sequence[Marker]) -> tuple[Stem, ...]:
    """Without strokes that are the sides of an open marker."""

    def is_side(stem: Stem) -> bool:
        return any(
            0.35 * m.size < abs(m.x - stem.x) < 1.4 * m.size and stem.y0 > m.y - 1.4 * m.size and stem.y1 < m.y + 1.4 * m.size
            for m in markers
        )

    return tuple(s for s in stems if not is_side(s))


def _level(strength: FloatArray, marker: Marker) -> float:
    """How dark the marker's own ink is (0 to 1): the strong end of the pixels that its style covers."""
    reach = int(np.ceil(marker.size + 2))
    x, y = round(marker.x), round(marker.y)
    ys, xs = np.mgrid[max(0, y - reach) : min(strength.shape[0], y + reach + 1), max(0, x - reach) : min(strength.shape[1], x + reach + 1)]
    d = marker.shape.distance(xs - marker.x, ys - marker.y, marker.size)
    zone = (np.abs(d) < 1.0) if marker.style.endswith("-open") else d < -0.7
    zone &= np.abs(xs - marker.x) > 1.5
    values = strength[ys[zone], xs[zone]]
    return float(np.quantile(values, 0.7)) / 255 if values.size else 0.0


def _looks_of_keys(panel: Panel, legend: Sequence[LegendEntry], ink: Ink, stroke: float) -> list[Looks]:
    """What the legend's keys look like, of those that show a marker."""
    looks = (_look_of_key(panel, entry, ink, stroke) for entry in legend)
    return [look for look in looks if look is not None]


def _look_of_key(panel: Panel, entry: LegendEntry, ink: Ink, stroke: float) -> Looks | None:
    pad = round(0.6 * panel.height)
    x0, y0, x1, y1 = entry.key_box
    h, w = panel.image.shape[:2]
    patch = panel.image[max(0, y0 - pad) : min(h, y1 + pad + 1), max(0, x0 - pad) : min(w, x1 + pad + 1)]
    small = _scaled(patch, UNIT / panel.height)
    key = find_layers(small)
    if not key.layers:
        return None
    layer = key.layers[0]
    line, everywhere = _lines(key, layer), np.ones(key.strength.shape, dtype=np.float32)
    amount = Field(_solid(key, layer, stroke), line, everywhere, everywhere, stroke)
    rows, cols = np.nonzero(line > 0.5)
    if rows.size == 0:
        return None
    cx, cy = (cols.min() + cols.max()) / 2, (rows.min() + rows.max()) / 2
    places = [(x, y) for x in range(int(cx) - 3, int(cx) + 5) for y in range(int(cy) - 3, int(cy) + 5)]
    places = [(x, y) for x, y in places if 0 <= x < amount.line.shape[1] and 0 <= y < amount.line.shape[0]]
    best = max(match_markers(amount, np.array(places)), key=lambda m: m.score, default=None)
    if best is None or best.score < 0.4:
        return None
    return Looks(_nearest_layer(ink, layer), best.style, _level(key.strength, best), layer.color, entry.name)


def _nearest_layer(ink: Ink, layer: Layer) -> int:
    """Number of the plot's layer whose hue is nearest."""

    def direction(color: tuple[int, int, int]) -> NDArray[np.float64]:
        drop = ink.paper.astype(float) - np.array(color, dtype=float)
        return np.asarray(drop / max(float(np.linalg.norm(drop)), 1e-6))

    return int(np.argmin([np.linalg.norm(direction(layer.color) - direction(k.color)) for k in ink.layers]))


def _looks_of_points(points: Sequence[Point], ink: Ink, keys: Sequence[Looks]) -> list[Looks]:
    """Series told apart by hue, then by marker style, then by how dark they are; a complete legend says how many there are of each hue."""
    looks = []
    for number, layer in enumerate(ink.layers):
        own = [p for p in points if p.layer == number]
        if not own:
            continue
        expected = sum(k.layer == number for k in keys) if keys else len(STYLES)
        if not layer.is_grey and not _stacked(own):
            expected = min(expected, 1)
        if expected == 0:
            continue
        for style, alike in _by_style(own, expected).items():
            for level in _levels([p.level for p in alike]) if layer.is_grey and expected > 1 else [float(np.median([p.level for p in alike]))]:
                color = layer.color if not layer.is_grey else _grey(ink, level)
                looks.append(Looks(number, style, level, color))
    return looks


def _named(looks: Sequence[Looks], keys: Sequence[Looks]) -> list[Looks]:
    """The series with the names of the legend keys that they resemble most, each key used once."""
    if not keys or len(looks) > 7:
        return list(looks)
    slots = [*range(len(keys)), *([-1] * max(0, len(looks) - len(keys)))]

    def cost(order: tuple[int, ...]) -> float:
        return float(sum(_difference(look, keys[k]) if k >= 0 else 0.8 for look, k in zip(looks, order, strict=True)))

    best = min(permutations(slots, len(looks)), key=cost)
    return [
        replace(look, name=keys[k].name) if k >= 0 and _difference(look, keys[k]) < 0.9 else look
        for look, k in zip(looks, best, strict=True)
    ]


def _difference(look: Looks, key: Looks) -> float:
    style, other = look.style.removesuffix("-open"), key.style.removesuffix("-open")
    hollow = look.style.endswith("-open") != key.style.endswith("-open")
    return (look.layer != key.layer) + 1.5 * abs(look.level - key.level) * (look.layer == key.layer) + 0.3 * hollow + 0.3 * (style != other)


def _grey(ink: Ink, level: float) -> tuple[int, int, int]:
    r, g, b = (max(0, round(float(c) - 255 * level)) for c in ink.paper)
    return r, g, b


def _stacked(points: Sequence[Point]) -> bool:
    """Whether many of the points stand right above others: then they cannot be one series."""
    x = np.array([p.marker.x for p in points])
    return bool(((np.abs(x[:, None] - x) < 1.5).sum(axis=1) > 1).mean() > 0.5)


def _by_style(points: Sequence[Point], most: int) -> dict[str, list[Point]]:
    """Points of one layer by marker style, of at most `most` styles, each of which fits its own points clearly better than another."""
    likeness = np.array([p.marker.likeness for p in points])
    counts = np.bincount(likeness.argmax(axis=1), minlength=len(STYLES))
    styles = np.flatnonzero(counts >= max(2.0, 0.15 * len(points))).tolist() or [int(counts.argmax())]
    while True:
        group = likeness[:, styles].argmax(axis=1)
        gains = [
            (min(float((likeness[group == a, styles[a]] - likeness[group == a, styles[b]]).mean()),
                 float((likeness[group == b, styles[b]] - likeness[group == b, styles[a]]).mean())), a, b)
            for a, b in combinations(range(len(styles)), 2)
            if (group == a).any() and (group == b).any()
        ]  # fmt: skip
        if not gains or (min(gains)[0] > CLEARLY and len(styles) <= most):
            break
        _, a, b = min(gains)
        both = np.isin(group, (a, b))
        styles.remove(styles[a] if likeness[both, styles[a]].sum() < likeness[both, styles[b]].sum() else styles[b])
    parts = {style: [p for p, g in zip(points, group.tolist(), strict=True) if g == k] for k, style in enumerate(styles)}
    return {STYLES[style]: part for style, part in parts.items() if part}


def _levels(levels: Sequence[float]) -> list[float]:
    """Centres of groups of ink levels that stand clearly apart, two points or more each."""
    values = np.sort(np.array(levels))
    cuts = np.flatnonzero(np.diff(values) > 0.1) + 1
    groups = [g for g in np.split(values, cuts) if g.size >= 2]
    return [float(np.median(g)) for g in groups] or [float(np.median(values))]


def _assigned(points: Sequence[Point], looks: Sequence[Looks]) -> list[list[Point]]:
    """The points of each series: the one that they look most like; of two at one place the better."""
    members: list[list[Point]] = [[] for _ in looks]
    for point in points:
        own = [k for k, look in enumerate(looks) if look.layer == point.layer]
        if own:
            best = max(own, key=lambda k: _resemblance(point, looks[k]))
            members[best].append(point)
    return [_one_a_place(own) for own in members]


def _resemblance(point: Point, look: Looks) -> float:
    return float(point.marker.likeness[STYLES.index(look.style)]) - 1.5 * abs(point.level - look.level)


def _one_a_place(points: Sequence[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: -(p.marker.score + 0.15 * (p.bar.top is not None or p.bar.bottom is not None))):
        if all(abs(point.marker.x - k.marker.x) > 2.0 for k in kept):
            kept.append(point)
    return kept


def _mark(point: Point, look: Looks, amount: NDArray[np.float64], scale: float, panel: Panel) -> Mark:
    """The point in straightened pixels of the figure, refined there."""
    x0, y0, _, _ = panel.box
    m = point.marker

    def to_px(v: float) -> float:
        return (v + 0.5) / scale - 0.5

    stem = 1.2 / scale + 0.5
    start = Fit(to_px(m.x), to_px(m.y), m.size / scale, 1.6 / scale if look.style.endswith("-open") else 0.0, 0.0)
    fit = fit_marker(amount, m.shape, start, stem_half_width=stem)
    flags = list(point.bar.flags)
    u = position_noise(panel)
    if not np.isfinite(fit.misfit):
        fit, flags, u = start, [*flags, "not_refined"], 3 * u
    ends = []
    for end, capped, upward in ((point.bar.top, point.bar.top_capped, True), (point.bar.bottom, point.bar.bottom_capped, False)):
        ends.append(None if end is None else _end(amount, fit.x, to_px(end), capped=capped, upward=upward, scale=scale))
    top, bottom = (None if e is None else Place(e + y0, u) for e in ends)
    confidence = float(np.clip(0.5 + 1.0 * (m.score - 0.35), 0.05, 0.99))
    return Mark(Place(fit.x + x0, u), Place(fit.y + y0, u), y_lo=bottom, y_hi=top, flags=tuple(flags), confidence=confidence)


def _end(amount: NDArray[np.float64], x: float, y: float, *, capped: bool, upward: bool, scale: float) -> float:
    half = 1.2 / scale
    found = cap_centre(amount, x, y, 4 / scale, 4 / scale, half) if capped else stroke_end(amount, x, y, upward=upward, half_width=half)
    return y if found is None or abs(found - y) > 3 / scale + 1 else found


def position_noise(panel: Panel) -> float:
    """Standard uncertainty (px) of a position in this figure, as its tick marks show it: how far they lie from the fitted axes."""
    rmses = []
    for axis in (panel.y, panel.x):
        calibration = getattr(axis, "calibration", None)
        if calibration is not None:
            used = sum(t.used for t in calibration.ticks)
            if used > 2:
                rmses.append(calibration.rmse_px * (used / (used - 2)) ** 0.5)
    return float(np.clip(max(rmses, default=0.3), 0.08, 1.5))


