"""What series look like: markers of one hue, style and darkness belong together, and the legend's keys name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from digitize.ink import Ink, Layer, find_layers
from digitize.legend import LegendEntry
from digitize.markers import STYLES, UNIT, Marker, find_markers
from digitize.panels import Panel
from digitize.scaled import scaled_to

CLEARLY = 0.2  # how much likelier a style must be for its points than another's, on average
SURELY = 0.45  # the same, where the legend has fewer keys than there are styles: keys can be overlooked
TWICE, NARROW = 0.5, 0.5  # what a second marker of a series in a column costs; width of columns, of the distance between them
FEW = 8  # pixels that do not tell how dark a marker is: some of them are its edge
SAME_X = 1.5  # px at the scale of UNIT: markers this near in x stand above one another


@dataclass(frozen=True)
class Looks:
    """What a series looks like: its layer of ink, its marker style (of STYLES), how dark it is (0 to 1), its colour and its name."""

    layer: int
    style: str
    level: float
    color: tuple[int, int, int]
    name: str = ""


@dataclass(frozen=True)
class Seen:
    """What one marker looks like: the number of its layer of ink, how dark its ink is (0 to 1), and the marker itself."""

    layer: int
    level: float
    marker: Marker


def see(marker: Marker, ink: Ink) -> Seen:
    """The layer that most of a marker's ink belongs to, and how dark that ink is."""
    reach = int(np.ceil(marker.size + 2))
    h, w = ink.strength.shape
    x, y = round(marker.x), round(marker.y)
    ys, xs = np.mgrid[max(0, y - reach) : min(h, y + reach + 1), max(0, x - reach) : min(w, x + reach + 1)]
    zone = marker.zone(xs - marker.x, ys - marker.y)
    beside = zone & (np.abs(xs - marker.x) > SAME_X)  # of the stem of its error bar
    zone = beside if beside.sum() >= FEW else zone  # a small marker has little there
    ys, xs = ys[zone], xs[zone]
    if not xs.size:
        return Seen(0, 0.0, marker)
    amounts = [float((layer.amount[ys, xs] * ink.strength[ys, xs]).sum()) for layer in ink.layers]
    number = int(np.argmax(amounts))
    own = ink.layers[number].amount[ys, xs] > 0
    values = ink.strength[ys, xs][own]
    return Seen(number, float(np.quantile(values, 0.7)) / 255 if values.size else 0.0, marker)


def distinct(markers: Sequence[Seen]) -> list[Seen]:
    """Of markers of one hue that lie over one another the surest: one marker can look like two."""
    kept: list[Seen] = []
    for seen in sorted(markers, key=lambda m: -m.marker.score):
        m = seen.marker
        if all(k.layer != seen.layer or np.hypot(k.marker.x - m.x, k.marker.y - m.y) > 0.6 * max(m.size, k.marker.size) for k in kept):
            kept.append(seen)
    return kept


def looks_of_keys(panel: Panel, legend: Sequence[LegendEntry], ink: Ink) -> list[Looks]:
    """What the legend's keys look like, of those that show a marker."""
    looks = (_look_of_key(panel, entry, ink) for entry in legend)
    return [look for look in looks if look is not None]


def _look_of_key(panel: Panel, entry: LegendEntry, ink: Ink) -> Looks | None:
    pad = round(0.8 * panel.height)
    x0, y0, x1, y1 = entry.key_box
    h, w = panel.image.shape[:2]
    patch = panel.image[max(0, y0 - pad) : min(h, y1 + pad + 1), max(0, x0 - pad) : min(w, x1 + pad + 1)]
    if min(patch.shape[:2]) < 3:
        return None
    small = scaled_to(patch, UNIT / panel.height)
    key = find_layers(small)
    markers = find_markers(small)
    if not key.layers or not markers:
        return None
    seen = see(markers[0], key)
    layer = key.layers[seen.layer]
    return Looks(_nearest_layer(ink, layer), markers[0].style, seen.level, layer.color, entry.name)


def _nearest_layer(ink: Ink, layer: Layer) -> int:
    """Number of the plot's layer whose hue is nearest."""

    def direction(color: tuple[int, int, int]) -> NDArray[np.float64]:
        drop = ink.paper.astype(float) - np.array(color, dtype=float)
        return np.asarray(drop / max(float(np.linalg.norm(drop)), 1e-6))

    return int(np.argmin([np.linalg.norm(direction(layer.color) - direction(k.color)) for k in ink.layers]))


def looks_of_markers(markers: Sequence[Seen], ink: Ink, keys: Sequence[Looks]) -> list[Looks]:
    """Series told apart by hue, then by style, then by darkness; markers of one hue that never stand above one another are one series.

    Parameters
    ----------
    markers : sequence of Seen
    ink : Ink
    keys : sequence of Looks
        The legend's keys, where all of them could be read: then a hue has no more series than keys.
    """
    looks = []
    for number, layer in enumerate(ink.layers):
        own = [m for m in markers if m.layer == number]
        if not own:
            continue
        most = sum(k.layer == number for k in keys) or len(STYLES)
        if not layer.is_grey and not _stacked(own):
            most = 1
        for style, alike in _by_style(own, most).items():
            levels = _levels([m.level for m in alike]) if layer.is_grey and most > 1 else [float(np.median([m.level for m in alike]))]
            looks += [Looks(number, style, level, _grey(ink, level) if layer.is_grey else layer.color) for level in levels]
    return looks


def _grey(ink: Ink, level: float) -> tuple[int, int, int]:
    r, g, b = (max(0, round(float(c) - 255 * level)) for c in ink.paper)
    return r, g, b


def _stacked(markers: Sequence[Seen]) -> bool:
    """Whether many of the markers stand right above others: then they cannot be one series."""
    x = np.array([m.marker.x for m in markers])
    return bool(((np.abs(x[:, None] - x) < SAME_X).sum(axis=1) > 1).mean() > 0.5)


def _by_style(markers: Sequence[Seen], most: int) -> dict[str, list[Seen]]:
    """Markers of one hue by style, each of which fits its own markers clearly better than another; surely so above `most` styles."""
    likeness = np.array([m.marker.likeness for m in markers])
    counts = np.bincount(likeness.argmax(axis=1), minlength=len(STYLES))
    styles = np.flatnonzero(counts >= max(2.0, 0.12 * len(markers))).tolist() or [int(counts.argmax())]
    while True:
        group = likeness[:, styles].argmax(axis=1)
        gains = [
            (min(_gain(likeness, group, styles, a, b), _gain(likeness, group, styles, b, a)), a, b)
            for a, b in combinations(range(len(styles)), 2)
        ]
        if not gains or min(gains)[0] > (CLEARLY if len(styles) <= most else SURELY):
            break
        _, a, b = min(gains)
        both = np.isin(group, (a, b))
        styles.remove(styles[a] if likeness[both, styles[a]].sum() < likeness[both, styles[b]].sum() else styles[b])
    parts = {style: [m for m, g in zip(markers, group.tolist(), strict=True) if g == k] for k, style in enumerate(styles)}
    return {STYLES[style]: part for style, part in parts.items() if part}


def _gain(likeness: NDArray[np.float32], group: NDArray[np.int64], styles: Sequence[int], a: int, b: int) -> float:
    """How much likelier style a is than style b for the markers of a, on average; 0 where it has none."""
    own = group == a
    return float((likeness[own, styles[a]] - likeness[own, styles[b]]).mean()) if own.any() else 0.0


def _levels(levels: Sequence[float]) -> list[float]:
    """Centres of groups of ink levels that stand clearly apart, two markers or more each."""
    values = np.sort(np.array(levels))
    cuts = np.flatnonzero(np.diff(values) > 0.1) + 1
    groups = [g for g in np.split(values, cuts) if g.size >= 2]
    return [float(np.median(g)) for g in groups] or [float(np.median(values))]


def named(looks: Sequence[Looks], keys: Sequence[Looks]) -> list[Looks]:
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


def resemblance(marker: Seen, look: Looks) -> float:
    """How much a marker of the look's hue looks like it."""
    return float(marker.marker.likeness[STYLES.index(look.style)]) - 2.0 * abs(marker.level - look.level)


def shared_out(markers: Sequence[Seen], looks: Sequence[Looks]) -> list[int | None]:
    """Number of the look that each marker belongs to, None where its hue has none.

    A series has one marker in a column: of two that look alike there, the one that looks more like another series is taken to be of that.
    """
    result: list[int | None] = [None] * len(markers)
    for layer in {look.layer for look in looks}:
        own = [k for k, look in enumerate(looks) if look.layer == layer]
        alike = [i for i, m in enumerate(markers) if m.layer == layer]
        for column in _columns([markers[i].marker.x for i in alike], len(own)):
            members = [alike[i] for i in column]
            gain = np.array([[resemblance(markers[i], looks[k]) for k in own] for i in members])
            # As often as there are markers a series may be taken once more, at a price.
            offers = np.hstack([gain - TWICE * more for more in range(len(members))])
            for row, slot in zip(*linear_sum_assignment(-offers), strict=True):
                result[members[int(row)]] = own[int(slot) % len(own)]
    return result


def _columns(xs: Sequence[float], most: int) -> list[list[int]]:
    """Markers by number in columns of at most `most`, each narrower than half the distance to the next; one each where there are none."""
    order = np.argsort(xs)
    x = np.array(xs)[order]
    gaps = np.diff(x)
    for cut in np.unique(gaps)[::-1].tolist():
        columns = np.split(order, np.flatnonzero(gaps >= cut) + 1)
        widths = [float(np.ptp(np.array(xs)[c])) for c in columns]
        middles = np.array([float(np.mean(np.array(xs)[c])) for c in columns])
        if max(len(c) for c in columns) <= most and max(widths) < NARROW * float(np.diff(middles).min()):
            return [c.tolist() for c in columns]
    return [[int(i)] for i in order]


def alikeness(marker: Seen, look: Looks) -> float:
    """From 1 where a marker's likeliest style is that of its series down to 0.5 where it cannot be: then it may belong elsewhere."""
    likeness = marker.marker.likeness
    return 0.5 + 0.5 * float(likeness[STYLES.index(look.style)] / max(float(likeness.max()), 1e-6))
