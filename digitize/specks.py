"""Grey in black and white: the specks that a scan makes of a box's fill, in which no line encloses anything."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SHORTEST_STROKE = 0.8  # digit heights: shorter runs of ink along a row or a column are specks
DARK = 128  # grey level below which a pixel is ink
PAPER = 255


def strokes_alone(crop: NDArray[np.uint8], height: float) -> NDArray[np.uint8]:
    """A crop (h, w, 3) in black and white with its level and upright strokes only.

    Parameters
    ----------
    crop : (h, w, 3) uint8
    height : float
        Of the digits of tick labels, px: what is shorter than most of it is no stroke.
    """
    ink = (crop.min(axis=2) < DARK).astype(np.uint8)
    length = max(3, round(SHORTEST_STROKE * height))
    level, upright = (cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(size, np.uint8)) for size in ((1, length), (length, 1)))
    return np.where(np.maximum(level, upright)[..., None] > 0, crop, PAPER).astype(np.uint8)


def cleaned(crop: NDArray[np.uint8], strokes: NDArray[np.uint8], insides: list[tuple[int, int, int, int]]) -> NDArray[np.uint8]:
    """The crop with nothing but strokes in some rectangles (x0, y0, x1, y1; px, all included)."""
    out = crop.copy()
    for x0, y0, x1, y1 in insides:
        part = slice(max(0, y0), y1 + 1), slice(max(0, x0), x1 + 1)
        out[part] = strokes[part]
    return out
