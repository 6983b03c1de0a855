"""Paths taken apart: straight strokes along the axes, polylines and closed outlines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.vector.paths import CLOSE, CURVE, MOVE, Box, Color, Doubles, VectorPath

STRAIGHT = 0.15  # px by which a stroke along an axis may lean
CURVE_STEPS = 8  # straight steps of a curve; an even number, so that its middle is one of their ends


@dataclass(frozen=True, eq=False)
class Piece:
    """One subpath: its corners (n, 2) in px without repetition, curves flattened; whether it is closed, and whether it has curves."""

    path: VectorPath
    points: Doubles
    closed: bool
    curved: bool
    box: Box = field(init=False)

    def __post_init__(self) -> None:
        (x0, y0), (x1, y1) = self.points.min(axis=0), self.points.max(axis=0)
        object.__setattr__(self, "box", (float(x0), float(y0), float(x1), float(y1)))

    @property
    def width(self) -> float:
        """Extent along x."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Extent along y."""
        return self.box[3] - self.box[1]


@dataclass(frozen=True)
class Stroke:
    """A straight stroke along one axis: `at` across it (x of an upright stroke), its ends along it, colour, width and order of drawing."""

    upright: bool
    at: float
    start: float
    end: float
    color: Color
    width: float
    order: int

    @property
    def length(self) -> float:
        """Length in px."""
        return self.end - self.start


def pieces_of(paths: Iterable[VectorPath]) -> list[Piece]:
    """Every subpath of the paths, in the order of drawing."""
    return [piece for path in paths for piece in _pieces(path)]


def _pieces(path: VectorPath) -> list[Piece]:
    found = []
    starts = np.flatnonzero((path.kinds & 3) == MOVE)
    bounds = [*([0] if not starts.size or starts[0] else []), *starts.tolist(), len(path.kinds)]
    for a, b in pairwise(bounds):
        points, kinds = path.points[a:b], path.kinds[a:b]
        curved = bool(((kinds & 3) == CURVE).any())
        corners = _flattened(points, kinds) if curved else points
        moved = np.abs(np.diff(corners, axis=0)).max(axis=1, initial=0) > 1e-3
        corners = corners[np.concatenate([[True], moved])]
        closed = bool((kinds & CLOSE).any()) or (len(corners) > 3 and np.abs(corners[0] - corners[-1]).max() < 0.02)
        if closed and len(corners) > 1 and np.abs(corners[0] - corners[-1]).max() < 0.02:
            corners = corners[:-1]
        if len(corners) >= 2:
            found.append(Piece(path, corners, closed and len(corners) > 2, curved))
    return found


def _flattened(points: Doubles, kinds: NDArray[np.uint8]) -> Doubles:
    """Corners of a subpath whose curves are replaced by straight steps."""
    t = np.linspace(0, 1, CURVE_STEPS + 1)[1:, None]
    corners = [points[:1]]
    k = 1
    while k < len(points):
        if (kinds[k] & 3) == CURVE and k + 2 < len(points):
            p0, (p1, p2, p3) = corners[-1][-1], points[k : k + 3]
            corners.append((1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3)
            k += 3
        else:
            corners.append(points[k : k + 1])
            k += 1
    return np.concatenate(corners)


def strokes_of(pieces: Sequence[Piece]) -> list[Stroke]:
    """Straight strokes along the axes: of open subpaths with no other direction in them, and thin filled rectangles."""
    found: list[Stroke] = []
    for piece in pieces:
        if piece.path.stroke is not None and not piece.closed and not piece.curved and len(piece.points) <= 8:
            found += _along_axes(piece)
        elif piece.path.stroke is None and piece.path.fill is not None and is_rectangle(piece):
            found += _thin(piece)
    return found


def _along_axes(piece: Piece) -> list[Stroke]:
    steps = np.abs(np.diff(piece.points, axis=0))
    if (steps.min(axis=1) > STRAIGHT).any():
        return []
    path = piece.path
    assert path.stroke is not None
    strokes = []
    for a, b in zip(piece.points[:-1], piece.points[1:], strict=True):
        upright = bool(abs(b[1] - a[1]) > abs(b[0] - a[0]))
        i, j = (0, 1) if upright else (1, 0)
        start, end = sorted((float(a[j]), float(b[j])))
        strokes.append(Stroke(upright, float(a[i] + b[i]) / 2, start, end, path.stroke, path.width, path.order))
    return strokes


def _thin(piece: Piece) -> list[Stroke]:
    """A filled rectangle at least four times as long as it is thick and not thicker than a stroke is, as that stroke."""
    x0, y0, x1, y1 = piece.box
    assert piece.path.fill is not None
    thin, long = sorted((x1 - x0, y1 - y0))
    if long < 4 * thin or thin > 8:
        return []
    if y1 - y0 > x1 - x0:
        return [Stroke(True, (x0 + x1) / 2, y0, y1, piece.path.fill, thin, piece.path.order)]
    return [Stroke(False, (y0 + y1) / 2, x0, x1, piece.path.fill, thin, piece.path.order)]


def is_rectangle(piece: Piece) -> bool:
    """Whether a subpath is a rectangle along the axes: closed, filled, or open at one side only."""
    points = piece.points
    if piece.curved or len(points) != 4 or not (piece.closed or piece.path.fill is not None or piece.path.stroke is not None):
        return False
    x0, y0, x1, y1 = piece.box
    off = np.minimum(np.abs(points - (x0, y0)), np.abs(points - (x1, y1))).max()
    corners = {(bool(abs(x - x0) < STRAIGHT), bool(abs(y - y0) < STRAIGHT)) for x, y in points.tolist()}
    return bool(off < STRAIGHT) and len(corners) == 4


def near(box: Box, other: Box, margin: float = 0.0) -> bool:
    """Whether two boxes overlap or come closer than a margin."""
    return box[0] <= other[2] + margin and other[0] <= box[2] + margin and box[1] <= other[3] + margin and other[1] <= box[3] + margin


def paths_near(paths: Iterable[VectorPath], box: Box, margin: float) -> list[VectorPath]:
    """Paths of which something lies within a margin of a box and that clipping does not hide there."""
    return [p for p in paths if near(p.box, box, margin) and (p.clip is None or near(p.clip, box, margin))]
