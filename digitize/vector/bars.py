"""Bars with error bars, read from paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.barends import Drawn
from digitize.barfield import NO_TEXTURE, Bar
from digitize.bars import grouped
from digitize.legend import LegendEntry
from digitize.panels import Categories
from digitize.series import Place, Series
from digitize.vector.errorbars import TOUCH, joined
from digitize.vector.paths import Box, Color
from digitize.vector.pieces import Piece, Stroke, is_rectangle, near
from digitize.vector.scene import Scene

SAME = 2.0  # px within which a fill and an outline are one bar
ON_BASE = 2.5  # px within which a bar stands on the baseline
HATCHED = 0.05  # share of a bar's inside off its commonest colour from which it is hatched
ON_END = 1.0  # px within which an error bar starts at its bar's end

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Rectangle:
    """A rectangle as drawn: its edges, px (of the outline's stroke where there is one, else of the fill), fill colour, and order.

    `is_notched` tells that its sides are drawn in towards a narrower middle, as those of some box plots are.
    """

    box: Box
    fill: Color | None
    outlined: bool
    order: int
    is_notched: bool = False

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
    drawn_here = rectangles(scene, legend)
    found = [(base, standing(drawn_here, base)) for base in _baselines(scene, drawn_here)]
    base, bars = max(found, key=lambda f: len(f[1]), default=(0.0, []))
    if not _are_bars(bars, scene, base):
        return (), ()
    bars = sorted([*bars, *_stacked(drawn_here, bars, base)], key=lambda r: r.middle)
    stems = joined(scene.stems)
    drawn = [_drawn(r, base, stems, drawn_here, scene) for r in bars]
    return grouped(scene.panel, legend, drawn, _row_base(scene, base))


def rectangles(scene: Scene, legend: Sequence[LegendEntry], *, over_one_another: bool = False) -> list[Rectangle]:
    """Rectangles in the plot that can be bars or boxes: not its ground, not in the legend, not invisible.

    With `over_one_another` those of different fill in the same place are two, else one.
    """
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
        found = _with(found, piece, over_one_another=over_one_another)
    return [r for r in found if r.outlined or scene.shows(r.fill)]


def _with(found: list[Rectangle], piece: Piece, *, over_one_another: bool) -> list[Rectangle]:
    """The rectangles with one more; a fill and its outline become one, whose edges are those of the outline."""
    path = piece.path
    new = Rectangle(piece.box, path.fill, path.stroke is not None, path.order)
    for k in range(len(found) - 1, max(-1, len(found) - 40), -1):
        old = found[k]
        are_two = over_one_another and new.fill is not None and old.fill is not None and new.fill != old.fill
        if not are_two and max(abs(p - q) for p, q in zip(old.box, new.box, strict=True)) < SAME:
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


def standing(rectangles: Sequence[Rectangle], base: float) -> list[Rectangle]:
    """The rectangles with an edge on a level, of about one width, left to right."""
    own = [r for r in rectangles if min(abs(r.box[1] - base), abs(r.box[3] - base)) < ON_BASE]
    width = float(np.median([r.width for r in own])) if own else 0.0
    return sorted((r for r in own if 0.5 * width < r.width < 2.0 * width), key=lambda r: r.middle)


def _stacked(rectangles: Sequence[Rectangle], bars: Sequence[Rectangle], base: float) -> list[Rectangle]:
    """The rectangles that stand on the end of a bar or of one another, as wide as that."""
    found: list[Rectangle] = []
    below = list(bars)
    while below:
        bar = below.pop()
        hangs = abs(bar.box[1] - base) < abs(bar.box[3] - base)
        end, start = (3, 1) if hangs else (1, 3)
        for r in rectangles:
            is_alike = abs(r.middle - bar.middle) < SAME and abs(r.width - bar.width) < 2 * SAME
            if is_alike and abs(r.box[start] - bar.box[end]) < SAME and all(r is not other for other in (*bars, *found)):
                found.append(r)
                below.append(r)
    return found


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
    is_on_another = min(abs(r.box[1] - base), abs(r.box[3] - base)) > ON_BASE
    flags = ("stacked",) if is_on_another or _bears_another(r, end, others, hangs=hangs) else ()
    fill, texture = _filling(r, scene)
    bar = Bar(round(r.box[0]), round(r.box[2]), round(r.box[1]), fill, is_blank=False, texture=texture)
    return Drawn(bar, Place(end, scene.u_px), outer, inner, hangs=hangs, flags=flags)


def _bears_another(r: Rectangle, end: float, others: Sequence[Rectangle], *, hangs: bool) -> bool:
    """Whether another rectangle of the same width goes on from the bar's end."""
    side = 1 if hangs else 3
    alike = [o for o in others if o is not r and abs(o.middle - r.middle) < SAME and abs(o.width - r.width) < 2 * SAME]
    return any(abs(o.box[side] - end) < SAME for o in alike)


def _filling(r: Rectangle, scene: Scene) -> tuple[Floats, Floats]:
    """Colour of a bar's inside (RGB) and its texture, which is zero for a plain fill: what hatches and dots make of it on the rendering."""
    x0, y0, x1, y1 = (round(v) for v in r.box)
    margin, stem = max(2, round(0.15 * (x1 - x0))), max(3, round(0.1 * (x1 - x0)))
    columns = np.arange(x0 + margin, x1 - margin + 1)
    beside = columns[np.abs(columns - r.middle) > stem]
    rows = scene.panel.image[max(0, y1 - max(6, round(0.7 * (y1 - y0)))) + 2 : max(y1 - 1, 0)]
    colors = rows[:, beside].reshape(-1, 3).astype(np.float32)
    plain = np.array(r.fill[:3] if r.fill is not None else scene.paper, dtype=np.float32)
    shown = (np.abs(colors - plain).max(axis=1) < 20).mean() if colors.size else 1.0
    # Where a legend lies over the bar it is still the bar's own fill that counts.
    if colors.shape[0] < 12 or (r.fill is not None and shown > 0.2 and not _is_hatched(r, scene)):
        return plain, NO_TEXTURE
    off = np.abs(colors - np.median(colors, axis=0)).max(axis=1)
    if (off > 20).mean() < HATCHED:
        return np.asarray(np.median(colors, axis=0), dtype=np.float32), NO_TEXTURE
    texture = NO_TEXTURE.copy()
    texture[0] = colors.std(axis=0).max()
    return np.asarray(colors.mean(axis=0), dtype=np.float32), texture


def _is_hatched(r: Rectangle, scene: Scene) -> bool:
    """Whether three or more things are drawn within a bar, other than rectangles and strokes of its error bar."""
    x0, y0, x1, y1 = r.box
    within = [
        p
        for p in scene.pieces
        if p.path.order > r.order and x0 - SAME < p.box[0] and p.box[2] < x1 + SAME and y0 - SAME < p.box[1] and p.box[3] < y1 + SAME
    ]
    return sum(not is_rectangle(p) and abs((p.box[0] + p.box[2]) / 2 - r.middle) > SAME for p in within) >= 3


def _row_base(scene: Scene, base: float) -> float:
    """The level under which the category labels stand: the baseline, or the plot's lower end where nothing stands right below it."""
    height, lowest = scene.panel.height, scene.panel.y.span_px[1]
    named = scene.panel.x.boxes if isinstance(scene.panel.x, Categories) else ()
    below = any(-0.3 * height < b.box[1] - base < 3 * height and b.rotation == 0 for b in (*named, *scene.panel.texts))
    return base if below else max(base, lowest)
