"""Curves of one hue told apart by how much ink their strokes have: a grey one beside a black one.

Anti-aliasing shares a stroke out over pixels, so that the edge of a black one is as grey as the core of a grey one. The ink across a
stroke, added up, is the same wherever it lies: it tells which of several strokes a pixel belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.ink import paper_color

FloatArray = NDArray[np.float32]

PALEST = 0.2  # of full ink: the palest pixel that counts
LEAST_SHARE = 0.3  # of the plot's columns in which a stroke of one darkness stands
APART = 1.22  # by how many times one stroke is darker than another to be told from it
CELLS = 40  # of the histogram of ink in which it grows by a factor of e
VALLEY = 0.6  # of the lower of two peaks, that there is at most between them


@dataclass(frozen=True, eq=False)
class Grey:
    """A stroke of one darkness: the ink of its own (h, w), 0 to 1, and its colour."""

    amount: FloatArray
    color: tuple[int, int, int]


def greys(crop: NDArray[np.uint8], colored: int, thickness: float) -> tuple[Grey, ...]:
    """The strokes of different darkness in a plot, the darkest first; none where only one shows.

    Parameters
    ----------
    crop : (h, w, 3) uint8 RGB
        The plot without words, keys and bands.
    colored : int
        Grey levels between the channels of a pixel from which on it is no grey.
    thickness : float
        Width of a stroke, px.
    """
    paper = float(paper_color(crop).mean())
    dark = np.clip(1 - crop.mean(axis=2, dtype=np.float32) / max(paper, 1.0), 0, 1).astype(np.float32)
    dark[np.ptp(crop, axis=2) > colored] = 0
    across = _across(dark, thickness)
    shown = dark > PALEST
    peaks = _peaks(across, shown)
    if len(peaks) < 2:
        return ()
    cuts = np.log([0.0001, *np.sqrt(np.array(peaks[1:]) * peaks[:-1]), 10 * peaks[-1]])
    which = np.digitize(np.log(np.maximum(across, 1e-3)), cuts) - 1
    found = []
    for k in range(len(peaks) - 1, -1, -1):
        own = shown & (which == k)
        core = float(np.quantile(dark[own], 0.9)) if own.any() else 1.0
        level = round(paper * (1 - core))
        found.append(Grey(np.where(own, np.clip(dark / core, 0, 1), 0).astype(np.float32), (level, level, level)))
    return tuple(found)


def _across(dark: FloatArray, thickness: float) -> FloatArray:
    """The ink across the stroke at each pixel: what is less of the sums of ink in a piece of its column and of its row."""
    size = 2 * int(np.ceil(thickness + 0.5)) + 1  # from one edge of a stroke to the other
    level, upright = (cv2.boxFilter(dark, -1, shape, normalize=False, borderType=cv2.BORDER_CONSTANT) for shape in ((1, size), (size, 1)))
    return np.asarray(np.minimum(level, upright), dtype=np.float32)


def _peaks(across: FloatArray, shown: NDArray[np.bool_]) -> list[float]:
    """Amounts of ink across a stroke that stand in many columns, apart from one another, the least first."""
    middle = shown & (across >= np.maximum(np.roll(across, 1, axis=0), np.roll(across, -1, axis=0)))
    rows, columns = np.nonzero(middle)
    if not rows.size:
        return []
    cell = np.round(CELLS * np.log(across[rows, columns])).astype(int)
    low = int(cell.min()) - CELLS
    seen = np.zeros((int(cell.max()) + CELLS - low + 1, across.shape[1]), dtype=np.uint8)
    seen[cell - low, columns] = 1
    near = round(0.5 * CELLS * np.log(APART))
    # A stroke that falls unevenly on its pixels varies by a tenth or so.
    share = cv2.dilate(seen, np.ones((near, 1), np.uint8)).mean(axis=1)
    smooth = cv2.GaussianBlur(share.astype(np.float32)[:, None], (1, 2 * near + 1), near / 2)[:, 0]
    found: list[int] = []
    for k in np.argsort(-smooth).tolist():
        if smooth[k] < LEAST_SHARE:
            break
        if all(smooth[min(k, j) : max(k, j) + 1].min() < VALLEY * smooth[k] and abs(k - j) > CELLS * np.log(APART) for j in found):
            found.append(k)
    return sorted(float(np.exp((k + low) / CELLS)) for k in found)
