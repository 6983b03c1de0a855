"""The paths of one panel, sorted into what marks are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitize.axes import Axis
from digitize.categories import Categories
from digitize.ink import paper_color
from digitize.legend import LegendEntry
from digitize.panels import Panel
from digitize.vector.glyphs import Glyph, find_glyphs
from digitize.vector.paths import Box, Color
from digitize.vector.pieces import Piece, Stroke, paths_near, pieces_of, strokes_of
from digitize.vector.ticks import place_noise

MARGIN = 3.0  # px beyond the inside of a plot that still count as the plot: half an axis line
ON_TICK, FEW_TICKS = 1.0, 4  # px from a tick's place; how many strokes of one length at the foot of a plot are minor ticks
ON_AXIS = 3.0  # px beyond the scene's box within which something stands on an axis line: its value may well be the axis's end
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Scene:
    """Subpaths, upright and level strokes, and marker shapes in and around a plot, with its paper colour.

    `stems` are the upright strokes that can be error bars: gridlines, axis lines and frames are left out. `u_px` is the standard
    uncertainty of a place.
    """

    panel: Panel
    box: Box
    pieces: tuple[Piece, ...]
    stems: tuple[Stroke, ...]
    levels: tuple[Stroke, ...]
    glyphs: tuple[Glyph, ...]
    paper: tuple[int, int, int]
    u_px: float

    def shows(self, color: Color | None) -> bool:
        """Whether a colour differs from the paper and from white."""
        return color is not None and not _alike(color, self.paper) and not _alike(color, WHITE)


def scene_of(panel: Panel, legend: Sequence[LegendEntry]) -> Scene:
    """The scene of a panel, and of its legend where that lies beside it."""
    x0, y0, x1, y1 = (float(v) for v in panel.box)
    whole = np.array([panel.box, *(e.key_box for e in legend), *(e.text_box for e in legend)], dtype=float)
    left, top = whole[:, :2].min(axis=0)
    right, bottom = whole[:, 2:].max(axis=0)
    around = (min(left, x0) - 20, min(top, y0) - 20, max(right, x1 + 0.6 * (x1 - x0)) + 20, max(bottom, y1) + 20)
    pieces = pieces_of(paths_near(panel.drawing.paths, around, 0.0))
    strokes = strokes_of(pieces)
    red, green, blue = paper_color(panel.crop).tolist()
    paper = (round(red), round(green), round(blue))
    box = (x0 - MARGIN, y0 - MARGIN, x1 + MARGIN, y1 + MARGIN)
    largest = max(20.0, 0.09 * max(x1 - x0, y1 - y0))
    return Scene(
        panel,
        box,
        tuple(pieces),
        strokes_without_ticks(strokes_within([s for s in strokes if s.upright], box), panel.x, panel.box[1], panel.height),
        tuple(s for s in strokes if not s.upright),
        _without_tiles([_hollow(g, paper) for g in find_glyphs(pieces, largest) if not _is_invisible(g, paper)]),
        paper,
        place_noise([axis for axis in (panel.y, panel.x) if isinstance(axis, Axis)]),
    )


def inside(box: Box, x: float, y: float, margin: float = 0.0) -> bool:
    """Whether a point lies in a box."""
    return box[0] - margin <= x <= box[2] + margin and box[1] - margin <= y <= box[3] + margin


def strokes_within(strokes: Sequence[Stroke], box: Box) -> tuple[Stroke, ...]:
    """Upright strokes within a plot; three or more long ones with the same ends are a grid.

    Level strokes are told in the same way in a box whose x and y are exchanged.
    """
    own = [s for s in strokes if _can_be_stem(s, box)]
    ends = Counter((round(s.start), round(s.end)) for s in own if s.length > 0.5 * (box[3] - box[1]))
    return tuple(s for s in own if ends[round(s.start), round(s.end)] < 3)


def strokes_without_ticks(strokes: Sequence[Stroke], axis: Axis | Categories | None, far: float, height: float) -> tuple[Stroke, ...]:
    """The strokes without the tick marks of the axis across, which may point into the plot.

    Those are short, alike in length, and stand at the foot of the plot or at its head, whose place is `far`; `height` is that of the
    digits, px.
    """
    if not isinstance(axis, Axis):
        return tuple(strokes)
    ticks, foot = [t.px for t in axis.calibration.ticks], axis.marks.axis_at
    short = [s for s in strokes if s.length < height and (_ends_at(s, foot) or min(abs(s.start - far), abs(s.end - far)) < 2 * MARGIN)]
    lengths = Counter(round(s.length) for s in short)

    def is_tick(stroke: Stroke) -> bool:
        return lengths[round(stroke.length)] >= FEW_TICKS or any(abs(stroke.at - px) < ON_TICK for px in ticks)

    marks = {id(s) for s in short if is_tick(s)}
    return tuple(s for s in strokes if id(s) not in marks)


def _ends_at(stroke: Stroke, level: float) -> bool:
    return min(abs(stroke.start - level), abs(stroke.end - level)) < MARGIN


def _can_be_stem(stroke: Stroke, box: Box) -> bool:
    on_side = min(abs(stroke.at - box[0] - MARGIN), abs(stroke.at - box[2] + MARGIN)) < 2 * MARGIN
    covered = min(stroke.end, box[3]) - max(stroke.start, box[1])
    share = covered / (box[3] - box[1])
    return box[0] <= stroke.at <= box[2] and covered > 0 and stroke.length > 1.0 and share < (0.85 if on_side else 0.97)


def _alike(color: Color, rgb: Sequence[int]) -> bool:
    return max(abs(a - b) for a, b in zip(color[:3], rgb, strict=True)) <= 4


def _is_invisible(glyph: Glyph, paper: Sequence[int]) -> bool:
    """Halos: shapes in the paper's colour or in white, fill and outline alike."""
    colors = [c for c in (glyph.fill, glyph.stroke) if c is not None]
    return all(_alike(c, paper) or _alike(c, WHITE) for c in colors)


def _without_tiles(glyphs: Sequence[Glyph]) -> tuple[Glyph, ...]:
    """The markers without the tiles that some legends put behind their keys: larger shapes on which another is centred later."""
    if not glyphs:
        return ()
    places = np.array([(g.x, g.y, max(g.width, g.height), g.order) for g in glyphs])
    kept = []
    for glyph, (x, y, size, order) in zip(glyphs, places.tolist(), strict=True):
        on_it = (np.hypot(places[:, 0] - x, places[:, 1] - y) < 0.1 * size) & (places[:, 2] < 0.7 * size) & (places[:, 3] > order)
        if not on_it.any():
            kept.append(glyph)
    return tuple(kept)


def _hollow(glyph: Glyph, paper: Sequence[int]) -> Glyph:
    """A marker filled with paper or white is an open one."""
    blank = glyph.fill is not None and glyph.stroke is not None and (_alike(glyph.fill, paper) or _alike(glyph.fill, WHITE))
    return replace(glyph, fill=None) if blank else glyph
