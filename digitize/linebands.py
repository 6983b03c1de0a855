"""Shaded bands around curves, as of confidence limits: their edges beside a curve, where they lie on bare paper."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.ink import largest
from digitize.linevalues import Way

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]

SIDE, TINT = 0.6, 6.0  # of a digit's height: the least of a band; grey levels from the paper
COLUMNS, OWN = 40, 0.75  # columns at which a curve is asked for its band; share of them in which it must have one
SAME, BARE = (0.75, 1.3), 0.3  # shade of one band, times that beside the curve; what is left of it where the paper begins
SHARP = 4  # px in which an edge falls to the paper
U_PX = 0.35  # how well an edge is placed, px


@dataclass(frozen=True, eq=False)
class Ground:
    """What lies beneath the strokes of a plot: its shade (h, w), in grey levels from the paper."""

    shade: FloatArray

    def edges(self, x: float, y: float, thickness: float) -> tuple[float, float] | None:
        """Rows of the upper and the lower edge of the band around a place; None where there is none, or it does not end on bare paper."""
        h, w = self.shade.shape
        column = int(np.clip(round(x), 1, w - 2))
        shade = self.shade[:, column - 1 : column + 2].mean(axis=1).astype(np.float64)
        start = int(np.clip(round(y), 0, h - 1))
        level = float(np.median(shade[max(0, start - 2) : start + 3]))
        if level < TINT:
            return None
        up = _fall(shade[start::-1], level)
        down = _fall(shade[start:], level)
        return (start - up, start + down) if up is not None and down is not None and min(up, down) > thickness else None


def ground_of(crop: NDArray[np.uint8], paper: FloatArray, height: float) -> Ground:
    """The ground of a plot (h, w, 3) without its words; `height` is that of its digits, px."""
    side = max(5, round(SIDE * height))
    ground = np.asarray(cv2.morphologyEx(crop, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)), dtype=np.float32)
    return Ground(np.asarray(largest(np.abs(ground - paper)), dtype=np.float32))


def has_band(way: Way, ground: Ground) -> tuple[bool, bool]:
    """Whether a curve runs in a shaded band nearly all its way, and whether the edges of a band of its own show at most places."""
    places = np.linspace(0, way.x.size - 1, COLUMNS).astype(int)
    rows = np.clip(np.rint(way.y[places]).astype(int), 0, ground.shade.shape[0] - 1)
    columns = np.clip(np.rint(way.x[places]).astype(int), 0, ground.shade.shape[1] - 1)
    is_shaded = float((ground.shade[rows, columns] > TINT).mean()) > OWN
    if not is_shaded:
        return False, False
    seen = [ground.edges(float(way.x[k]), float(way.y[k]), way.thickness) is not None for k in places.tolist()]
    return True, float(np.mean(seen)) > 1 - OWN


def _fall(shade: Doubles, level: float) -> float | None:
    """Where along a ray the shade of a band falls to the paper; None where it becomes another one first, or where the plot ends."""
    off = np.flatnonzero((shade < SAME[0] * level) | (shade > SAME[1] * level))
    if not off.size:
        return None
    first = int(off[0])
    after = shade[first : first + SHARP + 1]
    if first == 0 or shade[first] > level or after.min() > BARE * level or after.size <= SHARP:
        return None
    half = first + int(np.flatnonzero(after < 0.5 * level)[0])
    above, below = float(shade[half - 1]), float(shade[half])
    return half - 1 + (above - 0.5 * level) / (above - below) if above > below else float(half)
