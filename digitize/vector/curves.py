"""Survival curves read from paths: polylines of level and upright strokes that only go one way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitize.legend import LegendEntry
from digitize.series import Mark, Place, Series, hex_color
from digitize.vector.paths import Doubles
from digitize.vector.pieces import Piece
from digitize.vector.scene import Scene

FEWEST = 4  # corners of a curve
STRAIGHT = 0.35  # px by which a stroke may lean: programs that thin out their paths move corners a little
STEEP = 0.1  # lean of a stroke, over its length, in which such programs drew two steps close together into one
TOGETHER = 0.9  # share of the steps of a limit that stand where its curve has one
ON_LINE = 0.5  # digit heights that an axis line is wide at most: a curve may start in its middle, beyond the plot's inside
LONG = 0.4  # share of the plot's width that a curve crosses


def read_curves(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """The curves of a panel, a series each: its marks are the corners of the steps; empty where no path is one."""
    found = [(piece, corners) for piece in scene.pieces if (corners := _steps(piece, scene)) is not None]
    limits = _limits([corners for _, corners in found], [piece.path.stroke for piece, _ in found])
    own = [k for k in range(len(found)) if k not in limits]
    names = dict(zip(own, named_by_color([found[k][0] for k in own], scene, legend), strict=True))
    series = []
    for k in [*own, *limits]:
        piece, corners = found[k]
        stroke = piece.path.stroke or (0, 0, 0, 255)
        marks = tuple(Mark(Place(float(x), scene.u_px), Place(float(y), scene.u_px), confidence=0.99) for x, y in corners)
        name = names[k] if k in names else f"{names[limits[k].curve]}: {limits[k].side} limit".removeprefix(": ")
        series.append(Series(name, hex_color(stroke[:3]), "step" if k in names else "limit", marks))
    return tuple(series)


@dataclass(frozen=True)
class _Limit:
    """A curve that is the lower or upper limit of another one (its number)."""

    curve: int
    side: str


def _limits(curves: Sequence[Doubles], strokes: Sequence[object]) -> dict[int, _Limit]:
    """Of three curves in one colour of which one runs between the others all the way, those others: limits of confidence, by number."""
    limits: dict[int, _Limit] = {}
    for stroke in dict.fromkeys(strokes):
        group = [k for k, other in enumerate(strokes) if other == stroke]
        if len(group) != 3:
            continue
        along = np.linspace(max(curves[k][0, 0] for k in group), min(curves[k][-1, 0] for k in group), 100)
        levels = {k: curves[k][np.searchsorted(curves[k][:, 0], along, side="right") - 1, 1] for k in group}
        upper, middle, lower = sorted(group, key=lambda k: float(levels[k].mean()))
        in_order = (levels[upper] <= levels[middle] + STRAIGHT).all() and (levels[middle] <= levels[lower] + STRAIGHT).all()
        if in_order and all(_steps_with(curves[k], curves[middle]) for k in (upper, lower)):
            limits |= {upper: _Limit(middle, "upper"), lower: _Limit(middle, "lower")}
    return limits


def _steps_with(limit: Doubles, curve: Doubles) -> bool:
    """Whether one curve steps where the other does, as no other arm would."""
    return bool(np.mean(np.abs(limit[:, :1] - curve[:, 0]).min(axis=1) < STRAIGHT) > TOGETHER)


def _steps(piece: Piece, scene: Scene) -> Doubles | None:
    """The corners (x, y after the step) of a path that is a curve, else None."""
    x0, y0, x1, y1 = scene.box
    points = piece.points
    if piece.path.stroke is None or piece.closed or piece.curved or len(points) < 2 * FEWEST or not scene.shows(piece.path.stroke):
        return None
    if points[0, 0] > points[-1, 0]:
        points = points[::-1]
    move = np.diff(points, axis=0)
    across, along = np.abs(move[:, 0]), np.abs(move[:, 1])
    is_level, is_upright = along < STRAIGHT, (across < STRAIGHT) | (across < np.minimum(STEEP * along, 1.0))
    one_way = (move[:, 1] > -STRAIGHT).all() or (move[:, 1] < STRAIGHT).all()
    slack = max(2.0, ON_LINE * scene.panel.height)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    inside = x0 - slack < left and right < x1 + slack and y0 - slack < top and bottom < y1 + slack
    is_long = points[-1, 0] - points[0, 0] > LONG * (x1 - x0)
    if not ((is_level | is_upright).all() and one_way and (move[:, 0] > -STRAIGHT).all() and inside and is_long):
        return None
    if is_upright.sum() < FEWEST - 1 or np.abs(move[is_upright & ~is_level, 1]).sum() < 0.02 * (y1 - y0):
        return None
    steps = [points[0]]
    for k in np.flatnonzero(is_upright & ~is_level).tolist():
        corner = points[k + 1]
        if abs(steps[-1][0] - corner[0]) < STRAIGHT:
            steps[-1] = corner
        else:
            steps.append(corner)
    if points[-1, 0] - steps[-1][0] > STRAIGHT:
        steps.append(points[-1])
    return np.array(steps)


def named_by_color(pieces: Sequence[Piece], scene: Scene, legend: Sequence[LegendEntry]) -> list[str]:
    """The name of each curve: of the legend's key in its colour; of several curves in one colour in the order of drawing."""
    free = list(legend)
    names = []
    for piece in pieces:
        stroke = np.array((piece.path.stroke or (0, 0, 0, 255))[:3], dtype=float)
        off = [float(np.abs(_key_color(scene, e) - stroke).max()) for e in free]
        best = int(np.argmin(off)) if off else -1
        names.append(free.pop(best).name if best >= 0 and off[best] < 60 else "")
    return names


def _key_color(scene: Scene, entry: LegendEntry) -> Doubles:
    x0, y0, x1, y1 = entry.key_box
    patch = scene.panel.image[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1].reshape(-1, 3).astype(float)
    if not patch.size:
        return np.full(3, 255.0)
    off = np.linalg.norm(patch - np.array(scene.paper), axis=1)
    return np.asarray(np.median(patch[off >= 0.85 * off.max()], axis=0))
