"""Notched boxes of a box plot: level strokes at the quartiles, as wide as each other, and a narrower one at the median between them.

Slanted strokes run from the sides to the ends of the median. Where a notch reaches past a quartile the outline folds back beyond it; the
quartile's own stroke still runs from side to side.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.boxlines import LINE, NARROWEST, WIDEST, Box
from digitize.crossed import THICKNESSES, Mask, Strokes, measured, strokes_of

SAME_END = (3.0, 0.03)  # px, and shares of their width, added, within which strokes end below one another: sharp corners stick out
MEDIAN = (0.25, 0.92)  # shares of a box's width that its median has
OUTLINED = 0.85  # share of the rows between the quartiles in which the outline shows at both sides of the median's middle
EMPTY = 12.0  # grey levels by which what lies beside a median differs from paper at most
NECK = 0.12  # share of a box's width to each side of its middle that every notch leaves


@dataclass(frozen=True)
class Segment:
    """A level stroke: its row, first and last column."""

    row: int
    x0: int
    x1: int

    @property
    def middle(self) -> float:
        """Between its ends."""
        return (self.x0 + self.x1) / 2

    @property
    def width(self) -> int:
        """From end to end."""
        return self.x1 - self.x0 + 1


def notched_boxes(crop: NDArray[np.uint8], height: float) -> list[Box]:
    """Notched boxes left to right; `height` is that of the plot's digits, px."""
    found: list[Box] = []
    for thickest in THICKNESSES:  # halves of a box that are as thin as the thickest lines show with thinner ones alone
        boxes = _boxes(strokes_of(crop, height, thickest), height)
        found += [box for box in boxes if all(box.x0 > q.x1 or box.x1 < q.x0 for q in found)]
    return sorted(found, key=lambda box: box.middle)


def _boxes(strokes: Strokes, height: float) -> list[Box]:
    """Notched boxes whose strokes are no thicker than those that were looked for."""
    segments = sorted(_segments(strokes, height), key=lambda s: s.row)
    found: list[Box] = []
    for k, top in enumerate(segments):
        if not NARROWEST * height <= top.width <= WIDEST * strokes.crop.shape[1]:
            continue
        near = SAME_END[0] + SAME_END[1] * top.width
        below = [s for s in segments[k + 1 :] if s.row > top.row + 4 and abs(s.middle - top.middle) < near]
        bottom = next((s for s in below if abs(s.x0 - top.x0) <= near and abs(s.x1 - top.x1) <= near), None)
        if bottom is None:
            continue
        waists = [s for s in below if s.row < bottom.row - 2 and MEDIAN[0] * top.width <= s.width <= MEDIAN[1] * top.width]
        if len(waists) == 1 and _has_outline(strokes, top, bottom) and _is_waist(strokes, top, waists[0]):
            box = _box(strokes, top, waists[0], bottom)
            found += [box] if box is not None else []
    return found


def _segments(strokes: Strokes, height: float) -> list[Segment]:
    """Level strokes, a whisker across them allowed for."""
    level = strokes.level.astype(np.uint8)
    joined = cv2.morphologyEx(level, cv2.MORPH_CLOSE, np.ones((1, strokes.thick + 3), np.uint8))
    long = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, max(5, round(0.4 * height))), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(long, connectivity=4)
    found = []
    for x, y, w, h, _ in stats[1:count].tolist():
        part = long[y : y + h, x : x + w] > 0
        rows = part.sum(axis=1)
        widest = np.flatnonzero(rows >= rows.max() - 2)
        row = int(np.median(widest))
        columns = np.flatnonzero(part[row])
        found.append(Segment(y + row, x + int(columns[0]), x + int(columns[-1])))
    return found


def _has_outline(strokes: Strokes, top: Segment, bottom: Segment) -> bool:
    """Whether between two level strokes the outline shows left and right of a neck; a stem with two caps has none."""
    neck = NECK * top.width
    ink: Mask = np.abs(strokes.crop[top.row : bottom.row + 1].astype(np.float32) - strokes.paper).max(axis=2) > LINE
    left = ink[:, max(0, top.x0 - 2) : round(top.middle - neck)].any(axis=1).mean()
    right = ink[:, round(top.middle + neck) + 1 : top.x1 + 3].any(axis=1).mean()
    return bool(min(left, right) >= OUTLINED)


def _is_waist(strokes: Strokes, top: Segment, waist: Segment) -> bool:
    """Whether nothing is drawn beside the median of a notched box: neither a side nor its fill."""
    room = min(waist.x0 - top.x0, top.x1 - waist.x1) // 2
    if room < 2:
        return False
    rows = strokes.crop[max(0, waist.row - 1) : waist.row + 2].astype(np.float32)
    parts = [rows[:, max(0, top.x0 - 3) : top.x0 + room], rows[:, top.x1 - room + 1 : top.x1 + 4]]
    inked = [(np.abs(part - strokes.paper).max(axis=2) > EMPTY).all(axis=0) for part in parts]
    return not any(columns.any() for columns in inked)


def _box(strokes: Strokes, top: Segment, waist: Segment, bottom: Segment) -> Box | None:
    """The box with its lines to a fraction of a pixel; the median is read between the ends of its own stroke."""
    inner = (float(max(top.x0, bottom.x0) + 1), float(min(top.x1, bottom.x1) - 1))
    if inner[1] - inner[0] < 6 or bottom.row - top.row < 5:
        return None
    return measured(strokes, inner, top.row, [waist.row], bottom.row, np.arange(waist.x0 + 3, waist.x1 - 2))
