"""What is drawn inside a plot, as layers of ink: one a hue, achromatic ink together.

Anti-aliasing and thin lines mix a colour with the paper, which changes how much ink a pixel has but not its direction from the paper's.
Layers are therefore told apart by direction alone; black and grey share one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_INK = 36.0  # below this distance from the paper (of 255) lies noise, paper texture and light gridlines
MIXED = 0.17  # pixels whose direction is farther than twice this from every layer's are mixtures of layers
GREY = 0.13  # nearer than this to equal drops of red, green and blue is grey


@dataclass(frozen=True)
class Layer:
    """Ink of one hue.

    `amount` (h, w) runs from 0 (none) to 1 (as dark as the layer gets); `full` is that darkness in grey levels, `color` the colour of its
    darkest ink, `is_grey` whether it is black or grey.
    """

    amount: NDArray[np.float32]
    full: float
    color: tuple[int, int, int]
    is_grey: bool


@dataclass(frozen=True)
class Ink:
    """The ink of a crop: `strength` (h, w) is the distance from the paper colour in grey levels, whatever the hue."""

    strength: NDArray[np.float32]
    paper: NDArray[np.float32]
    layers: tuple[Layer, ...]


Number = TypeVar("Number", bound=np.generic)


def largest(colors: NDArray[Number]) -> NDArray[Number]:
    """The largest of the three channels of each pixel (..., 3); numpy's `max` along so short an axis takes several times as long."""
    found: NDArray[Number] = np.maximum(np.maximum(colors[..., 0], colors[..., 1]), colors[..., 2])
    return found


def paper_color(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The commonest colour of a crop, (3,) RGB: the median of the pixels that share its first five bits."""
    flat = image.reshape(-1, 3)
    coarse = (flat >> 3).astype(np.uint16)
    codes = (coarse[:, 0] << 10) | (coarse[:, 1] << 5) | coarse[:, 2]
    common = np.bincount(codes).argmax()
    return np.array([_median(values) for values in flat[codes == common].T], dtype=np.float32)


def _median(values: NDArray[np.uint8]) -> float:
    """The median, by counting: whole plots are looked through for their paper's colour."""
    below = np.cumsum(np.bincount(values, minlength=256))
    middle = [int(np.searchsorted(below, k, side="right")) for k in ((len(values) - 1) // 2, len(values) // 2)]
    return sum(middle) / 2


def _chroma(drop: NDArray[np.float32]) -> NDArray[np.float32]:
    """Direction of colour drops (n, 3) from the paper as two coordinates; (0, 0) is grey."""
    unit = drop / np.maximum(np.linalg.norm(drop, axis=1, keepdims=True), 1e-6)
    basis = np.array([[1, -1, 0], [1, 1, -2]], dtype=np.float32) / np.sqrt([[2.0], [6.0]]).astype(np.float32)
    return np.asarray(unit @ basis.T, dtype=np.float32)


def find_layers(image: NDArray[np.uint8]) -> Ink:
    """The layers of ink in a crop, those with most ink first.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    """
    paper = paper_color(image)
    drop: NDArray[np.float32] = np.clip(paper - image.astype(np.float32), 0, None)
    strength = largest(drop)
    inked = strength > MIN_INK
    modes = _hues(drop, strength, inked)
    chroma = _chroma(drop[inked])
    distance = np.linalg.norm(chroma[:, None] - modes, axis=2)
    nearest = distance.argmin(axis=1)
    layers = []
    for k in range(len(modes)):
        own = np.zeros(inked.shape, dtype=bool)
        own[inked] = (nearest == k) & (distance[:, k] < 2 * MIXED)
        if own.sum() < 12:
            continue
        full = float(np.quantile(strength[own], 0.9))
        dark = own & (strength >= 0.9 * full)
        color = np.median(image[dark], axis=0)
        amount = np.where(own, np.clip(strength / full, 0, 1), 0).astype(np.float32)
        layers.append(Layer(amount, full, (int(color[0]), int(color[1]), int(color[2])), bool(np.linalg.norm(modes[k]) < GREY)))
    layers.sort(key=lambda layer: -float(layer.amount.sum()))
    return Ink(strength.astype(np.float32), paper, tuple(layers))


def _hues(drop: NDArray[np.float32], strength: NDArray[np.float32], inked: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Peaks of the ink's directions, (k, 2); grey is always one of them."""
    grey = np.zeros((1, 2), dtype=np.float32)
    # Cores of strokes and fills carry the pure hue: their neighbours are inked as well.
    core = inked & (cv2.blur(inked.astype(np.float32), (3, 3)) > 0.6) & (strength > 60)
    if core.sum() < 30:
        core = inked & (strength > 60)
    if core.sum() < 12:
        return grey
    bins = 64
    chroma = _chroma(drop[core])
    cells = np.clip(((chroma + 0.9) / 1.8 * bins).astype(int), 0, bins - 1)
    counts = np.bincount(cells[:, 1] * bins + cells[:, 0], weights=strength[core], minlength=bins * bins).reshape(bins, bins)
    smooth = np.asarray(cv2.GaussianBlur(counts, (0, 0), 1.5))
    peaks = (smooth == cv2.dilate(smooth, np.ones((9, 9), np.uint8))) & (smooth > 0.012 * smooth.max()) & (smooth > 40)
    ys, xs = np.nonzero(peaks)
    found: NDArray[np.float32] = np.stack([xs, ys], axis=1).astype(np.float32)
    found = ((found + 0.5) / bins * 1.8 - 0.9).astype(np.float32)
    return np.concatenate([grey, found[np.linalg.norm(found, axis=1) > GREY]], dtype=np.float32)


def substantial(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask (h, w) without the scraps of mixed colour along the edges of strokes."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= 16
    large[0] = False
    return np.asarray(large[labels], dtype=np.bool_)
