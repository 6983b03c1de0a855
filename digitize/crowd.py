"""The marks of a crowded plot: very many parts of one round size, and pieces of ink that are made of several of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_ALIKE = 40  # parts of one size above which they are the marks of a plot, no letters
MOST_STAMPS = 3
STAMPED, COVERED = 0.85, 0.8  # share of a mark's ink that a copy of it covers, and of a piece's ink that copies make up


def crowd(boxes: NDArray[np.int64], is_small: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of every part whether it is as wide as tall and of a size that very many small parts have, as the marks of a crowded plot do.

    Parameters
    ----------
    boxes : (n, 4) int64
        First and last pixel of each part: x0, y0, x1, y1.
    is_small : (n,) bool
        Whether a part may be a mark at all.
    """
    w, h = (boxes[:, 2:] - boxes[:, :2] + 1).T
    is_round = (w >= 0.85 * h) & (w <= 1.18 * h) & is_small
    result = np.zeros(len(w), dtype=bool)
    alike = _alike(w[is_round], h[is_round])
    result[is_round] = alike[w[is_round], h[is_round]] >= MOST_ALIKE
    return result


def _alike(w: NDArray[np.int64], h: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many parts have a width and a height, or one pixel more or less."""
    side = int(max(w.max(initial=0), h.max(initial=0))) + 2
    sizes = np.zeros((side, side))
    np.add.at(sizes, (w, h), 1.0)
    return np.asarray(cv2.boxFilter(sizes, -1, (3, 3), normalize=False), dtype=np.float64)


def stamps(labels: NDArray[np.int32], boxes: NDArray[np.int64], is_crowd: NDArray[np.bool_]) -> list[NDArray[np.float32]]:
    """What the marks of a crowd look like: for each common size the share of its parts that have ink in a pixel, 0 to 1.

    Parameters
    ----------
    labels : (h, w) int32
        The number of the part that each pixel belongs to.
    boxes, is_crowd
        As `crowd` takes and gives them.
    """
    w, h = (boxes[:, 2:] - boxes[:, :2] + 1).T
    left = is_crowd.copy()
    found: list[NDArray[np.float32]] = []
    while left.any() and len(found) < MOST_STAMPS:
        alike = _alike(w[left], h[left])
        wide, high = np.unravel_index(int(alike.argmax()), alike.shape)
        if alike[wide, high] < MOST_ALIKE:
            break
        near = left & (np.abs(w - wide) <= 1) & (np.abs(h - high) <= 1)
        left &= ~near
        sizes, counts = np.unique(np.column_stack([w[near], h[near]]), axis=0, return_counts=True)
        same = np.flatnonzero(near & (w == sizes[counts.argmax(), 0]) & (h == sizes[counts.argmax(), 1]))
        masks = [labels[y0 : y1 + 1, x0 : x1 + 1] == k for k, (x0, y0, x1, y1) in zip(same, boxes[same], strict=True)]
        found.append(np.mean(masks, axis=0, dtype=np.float32))
    return found


def is_stamped(piece: NDArray[np.bool_], marks: list[NDArray[np.float32]]) -> bool:
    """Whether copies of the marks of a crowd, over one another, make up a piece of ink.

    Parameters
    ----------
    piece : (h, w) bool
    marks : list of (h, w) float32
        As `stamps` gives them.
    """
    ink = np.pad(piece, 2).astype(np.float32)
    covered = np.zeros(ink.shape, dtype=bool)
    for mark in marks:
        if mark.shape[0] > ink.shape[0] or mark.shape[1] > ink.shape[1]:
            continue
        common = cv2.matchTemplate(ink, mark, cv2.TM_CCORR)
        copies = np.zeros(ink.shape, dtype=np.uint8)
        copies[: common.shape[0], : common.shape[1]] = common >= STAMPED * mark.sum()
        stamp = cv2.dilate((mark > 0.5).astype(np.uint8), np.ones((3, 3), np.uint8))
        covered |= cv2.dilate(copies, np.ascontiguousarray(stamp[::-1, ::-1]), anchor=(stamp.shape[1] - 1, stamp.shape[0] - 1)) > 0
    return bool((covered & (ink > 0)).sum() >= COVERED * piece.sum())
