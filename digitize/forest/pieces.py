"""The ink of a forest plot taken apart: what stands between its reference lines, piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.ink import MIN_INK, largest, paper_color
from digitize.ocr import TextBox

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Box = tuple[int, int, int, int]

FAINT = 0.25  # share of the darkest ink below which lie gridlines and stripes
TALL = 3.0  # digit heights: an upright run longer than this is a line, no part of a row
DASH_GAP = 0.9  # digit heights between two dashes of one line


@dataclass(frozen=True)
class Piece:
    """One connected piece of ink: its corner (x0, y0) in the image, its mask with holes filled, and as inked.

    `strength` is the darkness of the piece and `PAD` pixels around it, 0 to 1 of the darkest ink; `crossed` tells in which of its columns
    an upright line runs.
    """

    x0: int
    y0: int
    filled: Mask
    inked: Mask
    strength: Floats
    crossed: Mask

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.filled.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.filled.shape[0])

    @property
    def y(self) -> float:
        """Middle of its rows."""
        return self.y0 + (self.height - 1) / 2


PAD = 2
"""Pixels of margin around a piece's strength."""


def find_pieces(image: NDArray[np.uint8], region: Box, texts: Sequence[TextBox], height: float) -> tuple[Piece, ...]:
    """The pieces of ink in a region (x0, y0, x1, y1), without texts and without upright lines, top to bottom.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    region : tuple of int
        First and last pixel along x and y.
    texts : sequence of TextBox
        What is known to be text and no mark.
    height : float
        Digit height of the tick labels, px.
    """
    x0, y0, x1, y1 = region
    crop = image[y0 : y1 + 1, x0 : x1 + 1]
    strength = largest(np.clip(paper_color(crop) - crop.astype(np.float64), 0, None))
    inked = strength > MIN_INK
    if inked.sum() < 10:
        return ()
    dark = float(np.quantile(strength[inked], 0.9))
    mask = strength > max(MIN_INK, FAINT * dark)
    for text in texts:
        a, b, c, d = (round(v) for v in text.box)
        mask[max(0, b - 1 - y0) : max(0, d + 2 - y0), max(0, a - 1 - x0) : max(0, c + 2 - x0)] = False
    upright = upright_lines(mask, height)
    crossed = np.pad(cv2.dilate((upright.sum(axis=0) > TALL * height / 2).astype(np.uint8)[None, :], np.ones((1, 3), np.uint8))[0] > 0, PAD)
    mask &= ~upright
    whole = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
    level = np.pad(np.clip(strength / dark, 0, 1) * ~(upright_lines(strength > MIN_INK, height)), PAD)
    found = []
    for k in range(1, count):
        a, b, w, h, area = (int(v) for v in stats[k])
        if w < 3 or area < 6:
            continue
        own = labels[b : b + h, a : a + w] == k
        around = slice(a, a + w + 2 * PAD)
        inked_part = own & mask[b : b + h, a : a + w]
        found.append(Piece(x0 + a, y0 + b, filled(own), inked_part, level[b : b + h + 2 * PAD, around], crossed[around]))
    return tuple(sorted(found, key=lambda p: p.y))


def hull(mask: Mask) -> Mask:
    """The convex hull of a mask."""
    rows, columns = np.nonzero(mask)
    out: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(out, cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32)), 1)
    return out.astype(bool)


def rim(mask: Mask) -> Mask:
    """The outermost pixels of a mask."""
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(mask & (inside == 0), dtype=np.bool_)


def filled(mask: Mask) -> Mask:
    """The mask with its holes filled."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    out: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(out, contours, -1, 1, cv2.FILLED)
    return out.astype(bool) | mask


def upright_lines(mask: Mask, height: float) -> Mask:
    """Pixels of upright lines, solid or dashed, where nothing wider lies over them."""
    thick = max(3, round(0.28 * height))
    wide = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, thick + 1), np.uint8)) > 0
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((max(3, round(DASH_GAP * height)), 1), np.uint8))
    # Ink that stands where the mask's edge is would be lost to the opening: the border counts as ink.
    size = max(7, round(TALL * height))
    tall = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((size, 1), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    near = cv2.dilate(tall, np.ones((1, 3), np.uint8)) > 0
    return np.asarray(mask & near & ~wide, dtype=np.bool_)
