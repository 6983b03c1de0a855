"""Plots of markers with error bars, read from paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from digitize.legend import LegendEntry
from digitize.series import Mark, Place, Series, hex_color
from digitize.vector.errorbars import Ends, are_even, error_bars, joined
from digitize.vector.glyphs import Glyph
from digitize.vector.legend import Key, find_keys, key_glyphs
from digitize.vector.levelbars import level_bars
from digitize.vector.paths import Color
from digitize.vector.pieces import Piece
from digitize.vector.scene import ON_AXIS, Scene, inside

SAME_SIZE, SAME_SHARE = 0.4, 0.25  # px, and share, within which markers of one series agree in size: some programs round their corners
MOST = 0.75  # share of the markers that stand at error bars, from which on the others are decoration
SAME_PLACE = 0.02  # px
ON_VERTEX = 0.35  # px within which a polyline runs through a marker's anchor


@dataclass(frozen=True)
class Style:
    """What the markers of one series have in common."""

    shape: str
    width: float
    height: float
    fill: Color | None
    stroke: Color | None

    def fits(self, glyph: Glyph) -> bool:
        """Whether a marker is drawn in this style."""
        return (
            self.shape == glyph.shape
            and self.fill == glyph.fill
            and (self.stroke or self.fill) == (glyph.stroke or glyph.fill)
            and abs(self.width - glyph.width) < max(SAME_SIZE, SAME_SHARE * self.width)
            and abs(self.height - glyph.height) < max(SAME_SIZE, SAME_SHARE * self.height)
        )


def read_points(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """The series of markers in a panel with their error bars; empty where no markers are drawn."""
    keys = find_keys(scene, legend)
    taken = key_glyphs(scene, legend, keys)
    data = [g for k, g in enumerate(scene.glyphs) if k not in taken and inside(scene.box, g.x, g.y, ON_AXIS)]
    groups = [_anchored(style, own, scene) for style, own in _by_style(data, scene)]
    groups = [(style, part) for style, own in groups for part in _split(own, scene)]
    glyphs = [g for _, own in groups for g in own]
    if not glyphs:
        return ()
    bars = error_bars(glyphs, scene.stems, even=are_even(glyphs, scene.stems))
    level = level_bars([own for _, own in groups], scene)
    names = names_of([style for style, _ in groups], keys)
    series, at = [], 0
    for (style, own), name in zip(groups, names, strict=True):
        part = slice(at, at + len(own))
        marks = [_mark(g, upright, across, scene) for g, upright, across in zip(own, bars[part], level[part], strict=True)]
        at += len(own)
        series.append(Series(name, hex_color(_rgb(style)), _marker(style), tuple(sorted(marks, key=lambda m: m.x.px))))
    return tuple(series)


def _by_style(glyphs: Sequence[Glyph], scene: Scene) -> list[tuple[Style, list[Glyph]]]:
    """Markers of one style together; styles that stand at no stem and on no polyline beside others that do are decoration."""
    groups: list[tuple[Style, list[Glyph]]] = []
    for glyph in glyphs:
        own = next((members for style, members in groups if style.fits(glyph)), None)
        if own is None:
            groups.append((Style(glyph.shape, glyph.width, glyph.height, glyph.fill, glyph.stroke), [glyph]))
        else:
            own.append(glyph)
    groups = [(style, _counted(own)) for style, own in groups]
    has_stem = [np.mean([_stands_at_stem(g, scene) for g in own]) for _, own in groups]
    at_stems = [group for group, share in zip(groups, has_stem, strict=True) if share >= 0.5]
    # An axis line that some markers stand on is no error bar.
    return at_stems if sum(len(own) for _, own in at_stems) >= MOST * sum(len(own) for _, own in groups) else groups


def _stands_at_stem(glyph: Glyph, scene: Scene) -> bool:
    """Whether an upright stroke runs through a marker or starts at its rim."""
    reach = glyph.height
    return any(abs(s.at - glyph.x) < ON_VERTEX and s.start - reach <= glyph.y <= s.end + reach for s in scene.stems)


def _counted(own: Sequence[Glyph]) -> list[Glyph]:
    """Markers of one style, those drawn at the very same place as one; each holds how many more lie there than at other places."""
    places: dict[tuple[int, int], list[Glyph]] = {}
    for glyph in own:
        places.setdefault((round(glyph.x / SAME_PLACE), round(glyph.y / SAME_PLACE)), []).append(glyph)
    least = min(map(len, places.values()))  # some programs draw every marker twice
    return [replace(same[0], more=len(same) - least) for same in places.values()]


def _anchored(style: Style, own: list[Glyph], scene: Scene) -> tuple[Style, list[Glyph]]:
    """Markers whose anchor is not their middle, anchored where their connecting line or the middles of their error bars say."""
    if not style.shape.startswith("triangle"):
        return style, own
    shares = _shares_of_lines(own, scene) or _shares_of_stems(own, scene)
    if len(shares) < max(2, 0.5 * len(own)):
        return style, own
    median = float(np.median(shares))
    if np.mean(np.abs(np.array(shares) - median) * style.height < ON_VERTEX) < 0.7:
        return style, own
    return style, [g.anchored(median) for g in own]


def _shares_of_lines(glyphs: Sequence[Glyph], scene: Scene) -> list[float]:
    """Where vertices of polylines lie within triangles, as shares of the way from base to tip."""
    shares = []
    lines = [line for line in polylines(scene) if len(line.points) >= 3]
    for g in glyphs:
        for line in lines:
            at = line.points[np.abs(line.points[:, 0] - g.x) < ON_VERTEX]
            own = [s for s in ((y - g.base) / (g.apex - g.base) for y in at[:, 1].tolist()) if 0.2 < s < 0.6]
            if own:
                shares.append(min(own, key=lambda s: abs(s - (g.y - g.base) / (g.apex - g.base))))
                break
    return shares


def _shares_of_stems(glyphs: Sequence[Glyph], scene: Scene) -> list[float]:
    """Where the middles of error bars lie within triangles."""
    shares = []
    stems = joined(scene.stems)
    for g in glyphs:
        middles = [(s.start + s.end) / 2 for s in stems if abs(s.at - g.x) < ON_VERTEX and s.start < g.y < s.end]
        own = [s for s in ((y - g.base) / (g.apex - g.base) for y in middles) if 0.2 < s < 0.6]
        shares += own[:1]
    return shares


def polylines(scene: Scene) -> list[Piece]:
    """The open lines of straight steps."""
    return [p for p in scene.pieces if p.path.stroke is not None and not p.closed and not p.curved and len(p.points) >= 2]


def _split(own: list[Glyph], scene: Scene) -> list[list[Glyph]]:
    """Markers of one style as the series that they are: by the polyline through them, else by the order of drawing along x."""
    xs = sorted(g.x for g in own)
    if all(b - a > ON_VERTEX for a, b in pairwise(xs)):
        return [own]
    by_line = _by_line(own, scene)
    if by_line is not None:
        return by_line
    stems = np.array([stem.at for stem in scene.stems])
    if not stems.size or np.mean([np.abs(stems - g.x).min() < ON_VERTEX for g in own]) < 0.5:
        return [own]  # in a scatter plot markers of one series may well stand above one another
    runs: list[list[Glyph]] = [[]]
    for g in sorted(own, key=lambda g: g.order):
        if runs[-1] and any(abs(g.x - k.x) < ON_VERTEX for k in runs[-1]):
            runs.append([])
        runs[-1].append(g)
    sizes = Counter(len(r) for r in runs)
    return runs if len(sizes) <= 2 and len(runs) <= 8 else [own]


def _by_line(own: Sequence[Glyph], scene: Scene) -> list[list[Glyph]] | None:
    lines = [line for line in polylines(scene) if len(line.points) >= 3]
    parts: list[list[Glyph]] = []
    left = list(own)
    for line in lines:
        on = [g for g in left if (np.abs(line.points - (g.x, g.y)).max(axis=1) < ON_VERTEX).any()]
        if len(on) >= 2:
            parts.append(on)
            left = [g for g in left if g not in on]
    return parts if len(parts) >= 2 and not left else None


def _is_open(style: Style) -> bool:
    return style.fill is None


def _rgb(style: Style) -> tuple[int, int, int]:
    color = style.stroke if _is_open(style) or style.fill is None else style.fill
    assert color is not None
    return color[:3]


def _marker(style: Style) -> str:
    return f"{style.shape}-open" if _is_open(style) and style.shape not in ("cross", "plus") else style.shape


def _mark(glyph: Glyph, ends: Ends, across: Ends, scene: Scene) -> Mark:
    """The marker with the ends of its upright bar and of its level one."""
    x0, y0, x1, y1 = scene.box
    top, bottom, left, right = (None if at is None else Place(at, scene.u_px) for at in (ends.top, ends.bottom, across.top, across.bottom))
    is_inside = [y0 <= y.px <= y1 for y in (top, bottom) if y is not None] + [x0 <= x.px <= x1 for x in (left, right) if x is not None]
    outside = not all((y0 <= glyph.y <= y1, *is_inside))
    flags = (*(("clipped",) if outside else ()), *(("partly_hidden",) if glyph.more else ()))
    x, y = Place(glyph.x, scene.u_px), Place(glyph.y, scene.u_px)
    return Mark(x, y, y_lo=bottom, y_hi=top, x_lo=left, x_hi=right, flags=flags, confidence=0.6 if flags else 0.99)


def names_of(styles: Sequence[Style], keys: Sequence[Key]) -> list[str]:
    """The name of each series: of the key that looks most like it, each key used once."""
    names = [""] * len(styles)
    pairs = [(_unlike(style, key), i, j) for i, style in enumerate(styles) for j, key in enumerate(keys)]
    used: set[int] = set()
    for cost, i, j in sorted(pairs):
        if cost < 2.0 and not names[i] and j not in used:
            names[i] = keys[j].name
            used.add(j)
    return names


def _unlike(style: Style, key: Key) -> float:
    rgb = np.array(_rgb(style))
    if key.glyph is None:
        return min((float(np.abs(rgb - c[:3]).max()) / 20 for c in key.colors), default=9.0) + 1.0
    other = Style(key.glyph.shape, 0, 0, key.glyph.fill, key.glyph.stroke)
    color = float(np.abs(rgb - np.array(_rgb(other))).max()) / 20
    return color + 1.0 * (style.shape != other.shape) + 1.0 * (_is_open(style) != _is_open(other))
