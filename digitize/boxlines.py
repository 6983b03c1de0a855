"""A box of a box plot, and where its lines lie in a profile of colours across it, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]

LINE = 40.0  # grey levels by which a line differs from what is beside it
THICKEST = 0.5  # digit heights: no line of a box is thicker
NARROWEST, WIDEST = 0.8, 0.5  # width of a box: digit heights at least, share of the plot at most
BESIDE = 0.16  # share of a box's width to each side of its middle that whisker and mean may cover


@dataclass(frozen=True, eq=False)
class Box:
    """A box in px of the crop: inner columns, the middles of its upper, median (NaN where none shows) and lower line, and its fill.

    `is_crossed` tells that points are drawn over it.
    """

    x0: float
    x1: float
    top: float
    median: float
    bottom: float
    fill: FloatArray
    is_crossed: bool = False

    @property
    def middle(self) -> float:
        """Where its whiskers stand."""
        return (self.x0 + self.x1) / 2

    @property
    def width(self) -> float:
        """Inner width."""
        return self.x1 - self.x0 + 1


def beside(x0: float, x1: float) -> NDArray[np.int64]:
    """Columns of a box away from its sides and its middle."""
    columns = np.arange(round(x0) + 1, round(x1))
    middle, away = (x0 + x1) / 2, BESIDE * (x1 - x0 + 1)
    kept = columns[np.abs(columns - middle) > away]
    return kept if kept.size >= 2 else columns


def line_between(profile: FloatArray, edge: int, reach: int, paper: FloatArray, fill: FloatArray, *, upward: bool) -> float | None:
    """Middle of the outline just beyond the edge of an area: between paper and fill, whichever way it lies."""
    step = -1 if upward else 1
    rows = np.array([edge + step * k for k in range(-2, reach + 1)])
    rows = rows[(rows >= 0) & (rows < len(profile))]
    if rows.size < 4:
        return None
    colors = profile[rows]
    darkest = int(np.argmax(np.minimum(np.abs(colors - paper).max(axis=1), np.abs(colors - fill).max(axis=1))))
    ink = colors[darkest]
    shares = np.empty(rows.size)
    for k, color in enumerate(colors):
        ground = fill if k < darkest else paper if k > darkest else (fill + paper) / 2
        way = ink - ground
        shares[k] = np.clip(float((color - ground) @ way) / max(float(way @ way), 1.0), 0, 1)
    shares[shares < 0.06] = 0.0
    shares = _hump(shares, darkest)
    return float((shares * rows).sum() / shares.sum()) if shares.sum() > 0 else None


def inner_line(profile: FloatArray, above: int, below: int, fill: FloatArray) -> tuple[float, float]:
    """Middle of a line that lies within the fill, and how much it stands out."""
    rows = np.arange(max(0, above - 1), min(len(profile), below + 2))
    off = np.linalg.norm(profile[rows] - fill, axis=1)
    peak = int(off.argmax())
    shares = _hump(np.where(off > 0.06 * off[peak], off, 0.0), peak)
    return float((shares * rows).sum() / max(shares.sum(), 1e-9)), float(off.sum())


def _hump(values: Doubles, peak: int) -> Doubles:
    """The values, only those that run on from the peak."""
    kept = np.zeros_like(values)
    for step in (-1, 1):
        k = peak
        while 0 <= k < values.size and values[k] > 0:
            kept[k] = values[k]
            k += step
    return kept


def rgb(color: NDArray[np.floating]) -> tuple[int, int, int]:
    """A colour in whole grey levels."""
    r, g, b = (round(float(c)) for c in color)
    return r, g, b
