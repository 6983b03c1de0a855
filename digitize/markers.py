"""Markers: which shape, size and style stands at a place, by comparing its surroundings with a bank of drawn markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.shapes import SHAPES, Shape, fill_coverage, outline_coverage

FloatArray = NDArray[np.float32]

UNIT = 12.0  # px: plots are searched at the scale at which the digits of their tick labels are this high
SIZES = tuple(float(s) for s in np.geomspace(2.7, 10.5, 11))
REACH = 14  # half-width of the window that is compared, px
STEM = 1.9  # half-width of the column through the anchor where an error bar may run: it proves nothing, px
MIN_SCORE = 0.48
CLEAR_SCORE = 0.53  # a marker so clear that it shows what the others look like
MARGIN = 2.5  # px around a marker in which ink that it does not explain speaks against it
MOST = 600  # markers of one layer
NAMES = tuple(dict.fromkeys(shape.name for shape in SHAPES))
STYLES = (*NAMES, *(f"{name}-open" for name in NAMES))


@dataclass(frozen=True)
class Marker:
    """A marker at (x, y) in px at the scale of UNIT.

    `likeness` (len(STYLES),) is how well each style fits there, 1 for a perfect and isolated marker, and `size` the half-size of the best.
    """

    x: float
    y: float
    size: float
    shape: Shape
    likeness: NDArray[np.float32]

    @property
    def score(self) -> float:
        """Likeness of the best style."""
        return float(self.likeness.max())

    @property
    def style(self) -> str:
        """The best style: "circle", "square-open", ..."""
        return STYLES[int(self.likeness.argmax())]


@dataclass(frozen=True)
class _Bank:
    """Every marker of the bank as drawn, each (n_markers, window pixels), and the window in which other ink speaks against it.

    Open markers are compared without the column of the stem.
    """

    keys: tuple[tuple[Shape, float], ...]
    filled: FloatArray
    near_filled: FloatArray
    opened: FloatArray
    near_opened: FloatArray


OUTLINES = (1.2, 1.7, 2.3, 3.0, 4.0)


@lru_cache(maxsize=len(OUTLINES))
def _bank(outline: float) -> _Bank:
    """The bank with outlines of the given width, px."""
    grid = np.arange(-REACH, REACH + 1, dtype=float)
    x, y = np.meshgrid(grid, grid)
    off_stem = np.abs(x) > STEM
    drawings: list[list[NDArray[np.float64]]] = [[] for _ in range(4)]
    keys = []
    for shape in SHAPES:
        for size in SIZES:
            d = shape.distance(x, y, size)
            near = np.clip(MARGIN + 0.5 - d, 0, 1)
            keys.append((shape, size))
            for drawing, values in zip(drawings, (fill_coverage(d), near, outline_coverage(d, outline) * off_stem, near * off_stem), strict=True):
                drawing.append(values.ravel())
    return _Bank(tuple(keys), *(np.array(d, dtype=np.float32) for d in drawings))


Expected = Mapping[str, float]
"""Styles that are looked for, and the half-size of each in px at the scale of UNIT."""


@dataclass(frozen=True)
class Field:
    """One layer of ink at the scale of UNIT, all (h, w) float32, 0 to 1.

    `solid` holds only ink thicker than any stroke, `line` all ink (thin strokes, which are paler than fills, count in full). `seen` is 1
    where the layer can be seen and 0 where other ink hides it or a marker found before explains it; `free` is 0 also where stems and caps
    explain the ink. `stroke` is the width of strokes in `line`, px.
    """

    solid: FloatArray
    line: FloatArray
    seen: FloatArray
    free: FloatArray
    stroke: float


def match_markers(field: Field, places: NDArray[np.int64], expected: Expected | None = None) -> list[Marker]:
    """What stands at each place (x, y), however little it is like a marker.

    Parameters
    ----------
    field : Field
    places : (n, 2) int
        Pixels (x, y).
    expected : mapping, optional
        Only these styles, each near its size, are tried.
    """
    if len(places) == 0:
        return []
    bank = _bank(min(OUTLINES, key=lambda width: abs(width - field.stroke)))
    filled = _overlap(_windows(field.solid, places), _windows(field.seen, places), bank.filled, bank.near_filled)
    opened = _overlap(_windows(field.line, places), _windows(field.free, places), bank.opened, bank.near_opened)
    may_fill, may_open = _allowed(bank, field.stroke, expected)
    filled, opened = np.where(may_fill, filled, -1.0), np.where(may_open, opened, -1.0)
    named = np.array([NAMES.index(shape.name) for shape, _ in bank.keys])
    best = [scores[:, named == k] for scores in (filled, opened) for k in range(len(NAMES))]
    which = [np.flatnonzero(named == k)[b.argmax(axis=1)] for b, k in zip(best, [*range(len(NAMES))] * 2, strict=True)]
    likeness = np.stack([b.max(axis=1) for b in best], axis=1)
    top = likeness.argmax(axis=1)
    markers = []
    for n, (x, y) in enumerate(places.tolist()):
        shape, size = bank.keys[int(which[top[n]][n])]
        markers.append(Marker(float(x), float(y), size, shape, likeness[n]))
    return markers


def _overlap(ink: FloatArray, visible: FloatArray, drawn: FloatArray, near: FloatArray) -> FloatArray:
    """Ink that a drawing explains, of all ink near it and all that it asks for (intersection over union), where enough of it can be seen."""
    own = ink * visible
    common, asked = own @ drawn.T, visible @ drawn.T
    union = own @ near.T + asked - common
    return np.where(asked > 0.3 * drawn.sum(axis=1), common / np.maximum(union, 1e-3), -1.0)


def _allowed(bank: _Bank, stroke: float, expected: Expected | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which markers of the bank may stand filled and which open: larger than a stroke, and of an expected style and size."""
    sizes = np.array([size for _, size in bank.keys])
    filled, opened = sizes > 0.7 * stroke + 1.2, sizes > stroke + 1.6
    if expected is None:
        return filled, opened
    names = np.array([shape.name for shape, _ in bank.keys])
    wanted = {True: np.zeros(len(sizes), dtype=bool), False: np.zeros(len(sizes), dtype=bool)}
    for style, size in expected.items():
        wanted[style.endswith("-open")] |= (names == style.removesuffix("-open")) & (np.abs(np.log(sizes / size)) < 0.21)
    return filled & wanted[False], opened & wanted[True]


def _windows(field: FloatArray, places: NDArray[np.int64]) -> FloatArray:
    padded = np.pad(field, REACH)
    view = np.lib.stride_tricks.sliding_window_view(padded, (2 * REACH + 1, 2 * REACH + 1))
    return np.ascontiguousarray(view[places[:, 1], places[:, 0]]).reshape(len(places), -1)


def find_markers(field: Field, columns: Sequence[tuple[float, float, float]], expected: Expected | None = None) -> list[Marker]:
    """Markers on the given stems and on blobs of ink too thick to be lines, best first.

    The best marker is taken, its ink counts as explained, and the places around it are compared again by what is left, until nothing
    looks like a marker. What is not expected is learnt from the clearest markers first: a series has one style and one size.

    Parameters
    ----------
    field : Field
    columns : sequence of (x, y0, y1)
        Upright strokes on which markers may sit.
    expected : mapping, optional
        Styles with their half-sizes, as a legend's keys show them.
    """
    if expected is None:
        clear = [m for m in _pursue(field, columns, None) if m.score >= CLEAR_SCORE]
        expected = _typical(clear)
        if not expected:
            return []
    return _pursue(field, columns, expected)


def _typical(markers: Sequence[Marker]) -> Expected:
    """Styles that a fair share of the markers have, each with its middle size; stray ones far from the common size are left out."""
    if not markers:
        return {}
    sizes = np.array([m.size for m in markers])
    weight = np.array([m.score for m in markers]) ** 4 * sizes**2
    order = np.argsort(sizes)
    common = sizes[order][int(np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2))]
    near = [m for m in markers if 0.62 * common <= m.size <= 1.6 * common]
    support = {style: sum(m.score for m in near if m.style == style) for style in {m.style for m in near}}
    kept = [style for style, total in support.items() if total >= 0.2 * max(support.values())]
    return {style: float(np.median([m.size for m in near if m.style == style])) for style in kept}


def _pursue(field: Field, columns: Sequence[tuple[float, float, float]], expected: Expected | None) -> list[Marker]:
    h, w = field.line.shape
    candidates = set(_blobs(field))
    for x, y0, y1 in columns:
        for dx in (-1, 0, 1):
            column = min(max(round(x) + dx, 0), w - 1)
            candidates |= {(column, row) for row in range(max(0, round(y0) - 9), min(h, round(y1) + 10))}
    places = np.array(sorted(candidates), dtype=np.int64).reshape(-1, 2)
    tried = match_markers(field, places, expected)
    ranks = np.array([_rank(m) for m in tried])
    left = replace(field, seen=field.seen.copy(), free=field.free.copy())
    kept: list[Marker] = []
    while ranks.size and ranks.max() > 0 and len(kept) < MOST:
        best = int(ranks.argmax())
        marker = tried[best]
        ranks[best] = -1.0
        if not _is_whole(left, marker):
            continue
        kept.append(marker)
        _explain(left, marker)
        near = np.flatnonzero((np.abs(places - places[best]).max(axis=1) <= 2 * REACH) & (ranks > 0))
        for k, again in zip(near.tolist(), match_markers(left, places[near], expected), strict=True):
            tried[k], ranks[k] = again, _rank(again)
    return kept


def _rank(marker: Marker) -> float:
    """Order in which markers are taken: of two that look alike the larger one, whose parts the smaller may be; -1 for none."""
    return float(marker.score * marker.size**0.25) if marker.score >= MIN_SCORE else -1.0


def _around(marker: Marker, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The window of a marker: its slices, x and y offsets from the anchor, and signed distances from the outline."""
    x, y = round(marker.x), round(marker.y)
    rows, cols = slice(max(0, y - REACH), min(shape[0], y + REACH + 1)), slice(max(0, x - REACH), min(shape[1], x + REACH + 1))
    dy, dx = np.mgrid[rows, cols].astype(float)
    dx, dy = dx - marker.x, dy - marker.y
    return (rows, cols), dx, dy, marker.shape.distance(dx, dy, marker.size)


def _is_whole(field: Field, marker: Marker) -> bool:
    """Whether ink stands all around the anchor: a cap, a corner or a crossing of lines has it on some sides only."""
    window, dx, dy, d = _around(marker, field.line.shape)
    if marker.style.endswith("-open"):
        zone, ink = (np.abs(d) < 1.3) & (np.abs(dx) > STEM - 0.4) & (field.free[window] > 0.5), field.line[window]
    else:
        zone, ink = (d < 0) & (d > -2.5) & (field.seen[window] > 0.5), field.solid[window]
    octant = np.round(np.arctan2(dy, dx) / (np.pi / 4)).astype(int) % 8
    bare = sum(int(part.sum() >= 2 and ink[part].mean() < 0.35) for k in range(8) if (part := zone & (octant == k)).any())
    return bare == 0 or (bare == 1 and marker.score > 0.65)


def _explain(field: Field, marker: Marker) -> None:
    """Mark the pixels under a marker as telling nothing more."""
    window, _, _, d = _around(marker, field.line.shape)
    for visible in (field.seen, field.free):
        visible[window] = np.where(d < 1.3, 0.0, visible[window])


def _blobs(field: Field) -> list[tuple[int, int]]:
    """Centres of solid blobs and of small holes, with their neighbours."""
    solid = (field.solid > 0.4).astype(np.uint8)
    paper = (field.line <= 0.4).astype(np.uint8)
    places = []
    for binary, largest in ((solid, 26), (paper, 20)):
        count, _, stats, centres = cv2.connectedComponentsWithStats(binary, connectivity=4)
        for (_, _, bw, bh, area), (cx, cy) in zip(stats[1:count].tolist(), centres[1:count].tolist(), strict=True):
            if bw <= largest and bh <= largest and area >= 4:
                places += [
                    (round(cx) + dx, round(cy) + dy)
                    for dx in (-1, 0, 1)
                    for dy in (-1, 0, 1)
                    if 0 <= round(cx) + dx < field.line.shape[1] and 0 <= round(cy) + dy < field.line.shape[0]
                ]
    return places
