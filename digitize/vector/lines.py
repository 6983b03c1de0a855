"""Curves without markers, read from paths: every vertex of a polyline is a point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.curvepoints import mark_at, off_curve, places_along_x
from digitize.legend import LegendEntry
from digitize.linevalues import STEEP
from digitize.series import Mark, Place, Series, hex_color
from digitize.vector.curves import named_by_color
from digitize.vector.paths import Box, Doubles
from digitize.vector.pieces import Piece
from digitize.vector.scene import ON_AXIS, Scene, inside

FEWEST = 3  # vertices of a curve; two are a reference line
LOOP = 50  # vertices from which on a closed line is a curve that runs back to its start, and no outline
LONG = 0.3  # share of the plot's width that a curve crosses
OUTLINED, FEW_AREAS = 200, 3  # corners of the outline of a curve that is drawn as an area, and how many such areas there are at least
ON_STEM = 0.4  # px from an upright stroke within which a vertex stands at it
MOST_AT_STEMS = 0.3  # share of vertices with a stroke through them from which on these may be error bars
EXPLAINED = 0.7  # share of the ink that curves must be, before nothing else is looked for
FINE_PX, MOST_POINTS = 0.05, 2000  # how far a curve may be moved when vertices on its way are left out, and how many may stay
MANY, THINNED_PX = 12, 0.08  # vertices from which on programs leave some out (up to a ninth of a point aside), and what that moves a curve
END_PX = 0.05  # px past a vertex at which a curve still has its value
INK = 40  # grey levels


def read_lines(scene: Scene, legend: Sequence[LegendEntry], at: Sequence[float] | None = None) -> tuple[Series, ...]:
    """The curves of a panel, a series each; empty where its ink is mostly something else.

    Their points are the vertices in the order of drawing, or the values at the x that are given.
    """
    found = [piece for piece in scene.pieces if _is_curve(piece, scene)]
    if not found or _share_explained(scene, found) < EXPLAINED:
        return ()
    # Where there are fewer keys than curves the words may be no legend at all.
    names = named_by_color(found, scene, legend if len(legend) >= len(found) else ())
    if at is not None and isinstance(scene.panel.x, Axis):
        return tuple(_sampled(piece, name, scene, at) for piece, name in zip(found, names, strict=True))
    return tuple(_series(piece, name, scene) for piece, name in zip(found, names, strict=True))


def _sampled(piece: Piece, name: str, scene: Scene, at: Sequence[float]) -> Series:
    """A curve at given x, between its vertices by straight lines, as it is drawn."""
    stroke = piece.path.stroke or (0, 0, 0, 255)
    marks = tuple(_mark_at(piece.points, px, given, scene) for given, px in places_along_x(scene.panel, at))
    return Series(name, hex_color(stroke[:3]), "line", marks)


def _mark_at(points: Doubles, px: float, given: float, scene: Scene) -> Mark:
    (x0, y0), (x1, y1) = points[:-1].T, points[1:].T
    crossed = (np.minimum(x0, x1) - END_PX <= px) & (px <= np.maximum(x0, x1) + END_PX)  # none where there is no such column
    if not crossed.any():
        return off_curve(px, scene.panel, given)
    share = np.clip((px - x0[crossed]) / np.where(x1 == x0, 1.0, x1 - x0)[crossed], 0, 1)
    rows = y0[crossed] + share * (y1 - y0)[crossed]
    slope = float(np.abs((y1 - y0)[crossed] / np.maximum(np.abs((x1 - x0)[crossed]), END_PX)).max())
    if np.ptp(rows) > max(1.0, 4 * END_PX * slope):
        return replace(off_curve(px, scene.panel, given), flags=("two_values",))
    flags = ("steep",) if slope > STEEP else ()
    u = float(np.sqrt(scene.u_px**2 + (0.5 * np.ptp(rows)) ** 2 + (THINNED_PX if len(points) > MANY else 0.0) ** 2))
    return mark_at(px, float(rows.mean()), u, slope, scene.panel, flags, given)


def are_outlined(scene: Scene) -> bool:
    """Whether a panel without markers shows curves as areas with hundreds of corners, as outlined strokes of many steps are."""
    x0, y0, x1, y1 = scene.box
    areas = [p for p in scene.pieces if p.path.stroke is None and len(p.points) >= OUTLINED and scene.shows(p.path.fill)]
    own = [p for p in areas if x0 <= (p.box[0] + p.box[2]) / 2 <= x1 and y0 <= (p.box[1] + p.box[3]) / 2 <= y1]
    covered = np.zeros(round(x1 - x0) + 1, dtype=bool)
    for p in own:
        covered[max(0, round(p.box[0] - x0)) : max(0, round(p.box[2] - x0))] = True
    return bool(not scene.glyphs and len(own) >= FEW_AREAS and covered.mean() > LONG)


def _is_curve(piece: Piece, scene: Scene) -> bool:
    x0, y0, x1, y1 = scene.box
    is_outline = piece.closed and len(piece.points) < LOOP
    if piece.path.stroke is None or is_outline or len(piece.points) < FEWEST or not scene.shows(piece.path.stroke):
        return False
    x, y = piece.points.T
    within = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    steps = np.abs(np.diff(piece.points, axis=0))
    if within.mean() < 0.5 or piece.width < LONG * (x1 - x0) or (steps.min(axis=1) < 0.1).all():
        return False
    stems = np.array([s.at for s in scene.stems])
    at_stem = np.mean([stems.size > 0 and np.abs(stems - v).min() < ON_STEM for v in x.tolist()]) if len(x) < 60 else 0.0
    return bool(at_stem < MOST_AT_STEMS)


def _share_explained(scene: Scene, curves: Sequence[Piece]) -> float:
    """Share of the plot's ink, but for words and straight lines along the axes, that lies on the curves."""
    crop = scene.panel.crop
    ink = (np.abs(crop.astype(np.int16) - np.array(scene.paper)).max(axis=2) > INK).astype(np.uint8)
    x0, y0 = scene.panel.box[:2]
    for stroke in (*scene.stems, *scene.levels):
        reach = stroke.width / 2 + 2
        a, b = stroke.at - reach, stroke.at + reach
        left, top, right, bottom = (a, stroke.start, b, stroke.end) if stroke.upright else (stroke.start, a, stroke.end, b)
        _blank(ink, (left - x0, top - y0, right - x0, bottom - y0))
    for text in scene.panel.texts:
        a, b, c, d = text.box
        _blank(ink, (a - x0 - 3, b - y0 - 3, c - x0 + 3, d - y0 + 3))
    drawn = np.zeros_like(ink)
    for piece in curves:
        corners = np.rint(piece.points - (x0, y0)).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(drawn, [corners], isClosed=False, color=1, thickness=math.ceil(piece.path.width) + 4)
    total = int(ink.sum())
    return float((ink & drawn).sum() / total) if total else 0.0


def _blank(ink: NDArray[np.uint8], box: Box) -> None:
    a, b, c, d = (max(0, round(v)) for v in box)
    ink[b : d + 1, a : c + 1] = 0


def _series(piece: Piece, name: str, scene: Scene) -> Series:
    corners, moved = _thinned(piece.points)
    u_px = math.hypot(scene.u_px, moved)
    stroke = piece.path.stroke or (0, 0, 0, 255)
    shown = [(x, y) for x, y in corners.tolist() if inside(scene.box, x, y, ON_AXIS)]
    marks = tuple(Mark(Place(x, u_px), Place(y, u_px), confidence=0.99) for x, y in shown)
    return Series(name, hex_color(stroke[:3]), "line", marks)


def _thinned(points: Doubles) -> tuple[Doubles, float]:
    """The vertices that are needed to draw a curve, and how far (px) what was left out may lie beside it."""
    moved = FINE_PX
    while True:
        kept = np.asarray(cv2.approxPolyDP(points.astype(np.float32).reshape(-1, 1, 2), moved, closed=False), dtype=float).reshape(-1, 2)
        if len(kept) <= MOST_POINTS:
            return kept, moved if len(kept) < len(points) else 0.0
        moved *= 2
