"""Error bars without markers, read from paths: their centres are where a line runs through them, or else their middles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitize.legend import LegendEntry
from digitize.series import Mark, Place, Series, hex_color
from digitize.unmarked import ANYWHERE
from digitize.vector.errorbars import ASIDE, TOUCH, Ends, are_even, error_bars, joined
from digitize.vector.glyphs import Glyph
from digitize.vector.legend import find_keys
from digitize.vector.paths import Color
from digitize.vector.pieces import Piece, Stroke
from digitize.vector.points import Style, names_of, polylines
from digitize.vector.scene import Scene, inside

KEY_PAD = 4.0  # px around a legend's key that its error bar may reach
ON_EDGE = 4.0  # px from the inside of a plot within which the lines of its frame lie
FEWEST = 3  # bars of a plot
MOST_AT_BARS, MOST_CAPPED = 0.75, 0.8  # share of a line's corners that must stand on bars; of bars without a line that must have caps


def read_unmarked(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """The series of error bars in a plot that draws no markers; empty where there are none.

    A series is a line with bars at its corners. Bars through which no line runs are a series a colour, each with `centre_inferred`.
    """
    stems = [s for s in joined(scene.stems) if inside(scene.box, s.at, (s.start + s.end) / 2) and not _is_key(s, legend)]
    lines = [(line, _corners(line, stems)) for line in polylines(scene) if not _is_frame(line, scene)]
    groups = [corners for _, corners in lines if corners]
    flags: tuple[str, ...] = ()
    if not groups:
        groups, flags = _middles(scene, stems), ("centre_inferred",)
    glyphs = [g for own in groups for g in own]
    if len(glyphs) < FEWEST:
        return ()
    bars = iter(error_bars(glyphs, scene.stems, even=are_even(glyphs, scene.stems)))
    styles = [Style("", 0, 0, None, own[0].stroke) for own in groups]
    names = names_of(styles, find_keys(scene, legend))
    series = []
    for own, name in zip(groups, names, strict=True):
        color: Color | None = own[0].stroke
        marks = sorted((_mark(g, next(bars), scene, flags) for g in own), key=lambda m: m.x.px)
        series.append(Series(name, hex_color(color[:3] if color is not None else (0, 0, 0)), "none", tuple(marks)))
    return tuple(series)


def _is_frame(line: Piece, scene: Scene) -> bool:
    """Whether a line runs along an edge of the plot: the ticks at its ends look like error bars."""
    x0, y0, x1, y1 = scene.box
    return any(bool((np.abs(line.points[:, k] - edge) < ON_EDGE).all()) for k, edge in ((0, x0), (0, x1), (1, y0), (1, y1)))


def _corners(line: Piece, stems: Sequence[Stroke]) -> list[Glyph]:
    """The corners of a line that stand on stems; none where hardly any does."""
    if line.width < 2 * ASIDE:  # a stem
        return []
    corners = [(x, y) for x, y in line.points.tolist() if _stands_on(x, y, stems)]
    if len(corners) < max(2, MOST_AT_BARS * len(line.points)):
        return []
    return [_bare(x, y, line.path.stroke, line.path.order) for x, y in corners]


def _is_key(stem: Stroke, legend: Sequence[LegendEntry]) -> bool:
    boxes = [(float(a), float(b), float(c), float(d)) for a, b, c, d in (e.key_box for e in legend)]
    return any(inside(box, stem.at, (stem.start + stem.end) / 2, KEY_PAD) for box in boxes)


def _stands_on(x: float, y: float, stems: Sequence[Stroke]) -> bool:
    return any(abs(s.at - x) < ASIDE and s.start - TOUCH <= y <= s.end + TOUCH for s in stems)


def _bare(x: float, y: float, color: Color | None, order: int) -> Glyph:
    """A place where a marker could stand."""
    return Glyph("", x, y, 0.0, 0.0, None, color, order)


def _middles(scene: Scene, stems: Sequence[Stroke]) -> list[list[Glyph]]:
    """The middles of the bars with caps, those of one colour together; none where many strokes have no caps."""
    caps = np.array([((s.start + s.end) / 2, s.at) for s in scene.levels]).reshape(-1, 2)
    capped = [s for s in stems if all((np.abs(caps - (s.at, end)).max(axis=1) < TOUCH).any() for end in (s.start, s.end))]
    if not capped or len(capped) < MOST_CAPPED * len(stems):
        return []
    colors = sorted({s.color for s in capped}, key=lambda c: min(s.order for s in capped if s.color == c))
    return [[_bare(s.at, (s.start + s.end) / 2, c, s.order) for s in capped if s.color == c] for c in colors]


def _mark(glyph: Glyph, ends: Ends, scene: Scene, flags: tuple[str, ...]) -> Mark:
    """The point; where it was inferred it may lie anywhere in its bar, which its uncertainty holds."""
    top, bottom = (None if y is None else Place(y, scene.u_px) for y in (ends.top, ends.bottom))
    outside = [y for y in (glyph.y, ends.top, ends.bottom) if y is not None and not scene.box[1] <= y <= scene.box[3]]
    length = bottom.px - top.px if flags and top is not None and bottom is not None else 0.0
    flags = (*flags, *(("clipped",) if outside else ()))
    x, y = Place(glyph.x, scene.u_px), Place(glyph.y, float(np.hypot(scene.u_px, length / ANYWHERE)))
    return Mark(x, y, y_lo=bottom, y_hi=top, flags=flags, confidence=0.6 if flags else 0.99)
