"""Long straight lines of a figure that stand upright or lie level: axis lines, frames, gridlines."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Line:
    """A straight line along one image axis, in pixels.

    `at` is its sub-pixel centre across (x of an upright line, y of a level one), `start` and `end` its ends along, `width` its
    thickness and `depth` how much darker than its surroundings it is (0 to 255).
    """

    upright: bool
    at: float
    start: float
    end: float
    width: float
    depth: float

    @property
    def length(self) -> float:
        """Length in pixels."""
        return self.end - self.start


def find_lines(gray: NDArray[np.uint8], min_length: int, *, min_depth: float = 40.0) -> tuple[Line, ...]:
    """Upright and level dark lines at least `min_length` pixels long, of any thickness up to 1/60 of the image.

    Parameters
    ----------
    gray : (h, w) uint8
    min_length : int
        Pixels.
    min_depth : float
        How much darker than its surroundings a line must be, of 255.
    """
    return tuple(_level_lines(gray, min_length, min_depth, upright=False)) + tuple(
        _level_lines(np.ascontiguousarray(gray.T), min_length, min_depth, upright=True)
    )


def _level_lines(gray: NDArray[np.uint8], min_length: int, min_depth: float, *, upright: bool) -> list[Line]:
    thick = max(5, round(min(gray.shape) / 60) | 1)
    depth = cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, np.ones((2 * thick + 1, 1), np.uint8))
    mask = cv2.dilate((depth > min_depth).astype(np.uint8), np.ones((3, 1), np.uint8))
    # A line of a scan steps from row to row and has gaps: join over one row and a few columns before asking for its length.
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    seed = max(8, min_length // 3)
    opened = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, seed), np.uint8))
    long = ((opened > 0) & (mask > 0)).astype(np.uint8)
    # Where a filled bar stands on an axis line, the line is no darker than the bar: there it goes on as plain ink.
    darkest = cv2.erode(gray, np.ones((3, 1), np.uint8))
    paper = float(np.median(gray))
    count, _, stats, _ = cv2.connectedComponentsWithStats(long, connectivity=8)
    lines: list[Line] = []
    for x, y, w, h, _area in sorted(stats[1:count].tolist(), key=lambda s: -s[2]):
        if w < seed or h > thick + 4:
            continue
        rows = depth[y : y + h, x : x + w].astype(float)
        profile = np.maximum(np.median(rows, axis=1), 0.3 * rows.mean(axis=1))
        if profile.max() <= 0:
            continue
        weight = np.clip(profile - 0.1 * profile.max(), 0, None)
        at = float((weight * np.arange(y, y + h)).sum() / weight.sum())
        if any(abs(line.at - at) < 2 and line.start - 2 <= x and x + w <= line.end + 3 for line in lines):
            continue
        # Half as dark as the line itself: a gridline that it lies on is no part of it.
        start, end = _extended(darkest[round(at)] < paper - max(0.6 * min_depth, 0.5 * float(profile.max())), x, x + w - 1)
        if end - start + 1 >= min_length:
            lines.append(Line(upright, at, float(start), float(end), float(profile.sum() / profile.max()), float(profile.max())))
    return lines


def _extended(ink: NDArray[np.bool_], start: int, end: int) -> tuple[int, int]:
    """The run of ink (gaps of two pixels or fewer allowed) that holds start..end."""
    blank = cv2.morphologyEx(ink.astype(np.uint8)[None, :], cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))[0] == 0
    before, after = np.flatnonzero(blank[:start]), np.flatnonzero(blank[end + 1 :])
    return (int(before[-1]) + 1 if before.size else 0), (int(after[0]) + end if after.size else ink.size - 1)
