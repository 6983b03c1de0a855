"""Figures that stand upside down, as a page that was scanned the wrong way round has them: told by their labels, and turned over."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis, find_axes
from digitize.lines import find_lines
from digitize.ocr import TextBox, find_text

LEAST_LABELS = 4  # of an axis that shows which way is up
SURELY_READ = 0.9


def is_upside_down(image: NDArray[np.uint8], texts: Sequence[TextBox], axes: Sequence[Axis], min_length: int) -> bool:
    """Whether an image without a sure axis has one when turned by 180 degrees, and more of its text reads surely then.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    texts, axes
        What was found in it as it stands.
    min_length : int
        Of its straight lines, px.
    """
    if len(texts) < LEAST_LABELS or any(_shows_up(axis) for axis in axes):
        return False
    turned = turned_over(image)
    others = find_text(turned)
    if sum(map(_reads, others)) <= sum(map(_reads, texts)):
        return False
    gray = np.asarray(cv2.cvtColor(turned, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return any(_shows_up(axis) for axis in find_axes(gray, others, find_lines(gray, min_length)))


def turned_over(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image turned by 180 degrees."""
    return np.ascontiguousarray(image[::-1, ::-1])


def from_turned_over(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The 2 x 3 matrix from an image that was turned over to the original of this shape."""
    return np.array([[-1.0, 0.0, shape[1] - 1.0], [0.0, -1.0, shape[0] - 1.0]])


def _shows_up(axis: Axis) -> bool:
    return axis.reading.is_sure and axis.n_used == len(axis.boxes) >= LEAST_LABELS


def _reads(text: TextBox) -> bool:
    """Whether a text of two letters or digits or more was surely read; `0`, `I` and `8` read either way."""
    return sum(map(str.isalnum, text.text)) > 1 and text.confidence >= SURELY_READ
