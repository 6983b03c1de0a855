"""Bars with error bars, read from paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from digitize.barends import Drawn
from digitize.barfield import Bar
from digitize.bars import grouped
from digitize.legend import LegendEntry
from digitize.series import Place, Series
from digitize.vector.errorbars import TOUCH, joined
from digitize.vector.paths import Box, Color
from digitize.vector.pieces import Piece, Stroke, is_rectangle, near
from digitize.vector.scene import Scene

SAME = 2.0  # px within which a fill and an outline are one bar
ON_BASE = 2.5  # px within which a bar stands on the baseline
ON_END = 1.0  # px within which an error bar starts at its bar's end


@dataclass(frozen=True)
class Rectangle:
    """A rectangle as drawn: its edges, px (of the outline's stroke where there is one, else of the fill), fill colour, and order."""

    box: Box
    fill: Color | None
    outlined: bool
    order: int

    @property
    def width(self) -> float:
        """Extent along x."""
        return self.box[2] - self.box[0]

    @property
    def middle(self) -> float:
        """Centre along x."""
        return (self.box[0] + self.box[2]) / 2


def read_bars(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """The series of bars in a panel and the panel's flags; no series where its rectangles are no bars."""
    rectangles = _rectangles(scene, legend)
    found = [(base, _standing(rectangles, base)) for base in _baselines(scene, rectangles)]
    base, bars = max(found, key=lambda f: len(f[1]), default=(0.0, []))
    if not _are_bars(bars, scene, base):
        return (), ()
    stems = joined(scene.stems)
    drawn = [_drawn(r, base, stems, rectangles, scene) for r in bars]
    return grouped(scene.panel, legend, drawn, base)


def _rectangles(scene: Scene, legend: Sequence[LegendEntry]) -> list[Rectangle]:
    """Rectangles in the plot that can be bars: not its ground, not in the legend, not invisible."""
    x0, _, x1, _ = scene.box
    keys: list[Box] = [e.key_box for e in legend]
    found: list[Rectangle] = []
    for piece in scene.pieces:
        a, b, c, d = piece.box
        if not is_rectangle(piece) or not near(piece.box, scene.box) or c - a < 3.0 or d - b < 0.2:
            continue
        is_key = any(k[0] - 5 < (a + c) / 2 < k[2] + 5 and k[1] - 5 < b and d < k[3] + 5 for k in keys)
        if c - a > 0.9 * (x1 - x0) or a < x0 - 3 or c > x1 + 3 or is_key:
            continue
        found = _with(found, piece)
    return [r for r in found if r.outlined or scene.shows(r.fill)]


def _with(found: list[Rectangle], piece: Piece) -> list[Rectangle]:
    """The rectangles with one more; a fill and its outline become one, whose edges are those of the outline."""
    path = piece.path
    new = Rectangle(piece.box, path.fill, path.stroke is not None, path.order)
    for k in range(len(found) - 1, max(-1, len(found) - 40), -1):
        old = found[k]
        if max(abs(p - q) for p, q in zip(old.box, new.box, strict=True)) < SAME:
            merged = replace(new if new.outlined else old, fill=new.fill or old.fill, outlined=old.outlined or new.outlined)
            return [*found[:k], merged, *found[k + 1 :]]
    return [*found, new]


def _baselines(scene: Scene, rectangles: Sequence[Rectangle]) -> list[float]:
    """Levels on which bars may stand: the axis's zero, the plot's lower edge, or the level near it where most of the edges are."""
    edges = sorted(e for r in rectangles for e in (r.box[1], r.box[3]))
    calibration = scene.panel.y.calibration
    zero = [float(calibration.to_pixel(0.0))] if calibration.scale.name == "linear" else []
    levels = [z for z in zero if scene.box[1] <= z <= scene.box[3] + 4] + [scene.box[3]]
    runs = np.split(np.array(edges), np.flatnonzero(np.diff(edges) > 1.0) + 1) if edges else []
    common = max(runs, key=len, default=np.empty(0))
    level = float(np.median(common)) if len(common) >= 3 else -np.inf
    return [*levels, *([level] if level > scene.box[3] - 0.15 * (scene.box[3] - scene.box[1]) else [])]


def _standing(rectangles: Sequence[Rectangle], base: float) -> list[Rectangle]:
    own = [r for r in rectangles if min(abs(r.box[1] - base), abs(r.box[3] - base)) < ON_BASE]
    width = float(np.median([r.width for r in own])) if own else 0.0
    return sorted((r for r in own if 0.5 * width < r.width < 2.0 * width), key=lambda r: r.middle)


def _are_bars(bars: Sequence[Rectangle], scene: Scene, base: float) -> bool:
    """Whether rectangles are bars: they stand side by side, and not all reach the plot's top."""
    if not bars or all(abs(r.box[1] - scene.box[1]) < 4 for r in bars):
        return False
    apart = all(b.box[0] > a.box[0] + 0.3 * a.width for a, b in pairwise(bars))
    wide = sum(r.width for r in bars) > 0.08 * (scene.box[2] - scene.box[0])
    tall = max(max(base - r.box[1], r.box[3] - base) for r in bars) > 0.05 * (scene.box[3] - scene.box[1])
    return apart and wide and tall and len(bars) >= 2


def _drawn(r: Rectangle, base: float, stems: Sequence[Stroke], others: Sequence[Rectangle], scene: Scene) -> Drawn:
    hangs = abs(r.box[1] - base) < abs(r.box[3] - base)
    end = r.box[3] if hangs else r.box[1]
    central = [s for s in stems if abs(s.at - r.middle) < max(2.0, 0.2 * r.width) and s.length > 1.5]
    own = [s for s in central if s.start - ON_END <= end <= s.end + ON_END]
    stem = max(own, key=lambda s: s.length, default=None)
    up = stem.start if stem is not None and stem.start < end - TOUCH else None
    down = stem.end if stem is not None and stem.end > end + TOUCH else None
    outer, inner = (None if y is None else Place(y, scene.u_px) for y in ((down, up) if hangs else (up, down)))
    flags = ("stacked",) if _bears_another(r, end, others, hangs=hangs) else ()
    bar = Bar(round(r.box[0]), round(r.box[2]), round(r.box[1]), _fill(r, scene), is_blank=False)
    return Drawn(bar, Place(end, scene.u_px), outer, inner, hangs=hangs, flags=flags)


def _bears_another(r: Rectangle, end: float, others: Sequence[Rectangle], *, hangs: bool) -> bool:
    """Whether another rectangle of the same width goes on from the bar's end."""
    side = 1 if hangs else 3
    alike = [o for o in others if o is not r and abs(o.middle - r.middle) < SAME and abs(o.width - r.width) < 2 * SAME]
    return any(abs(o.box[side] - end) < SAME for o in alike)


def _fill(r: Rectangle, scene: Scene) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Colour of the bar's inside, RGB; of the rendering where it is hatched or empty."""
    if r.fill is not None:
        return np.array(r.fill[:3], dtype=np.float32)
    x0, y0, x1, y1 = (round(v) for v in r.box)
    inside = scene.panel.image[y0 + 2 : y1 - 1, x0 + 2 : x1 - 1].reshape(-1, 3)
    return np.asarray(np.median(inside, axis=0) if inside.size else np.array(scene.paper), dtype=np.float32)
