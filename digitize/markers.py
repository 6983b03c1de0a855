"""Markers of a plot: where they stand, what they look like, and where a first look sees the ends of their error bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.network import NETWORK_STYLES, DetectedEnd, detect_marks
from digitize.shapes import CIRCLE, DIAMOND, DOWN_TRIANGLE, SQUARE, TALL_TRIANGLE, TRIANGLE, Shape

UNIT = 12.0  # px: plots are searched at the scale at which the digits of their tick labels are this high
STYLES = NETWORK_STYLES
MIN_SCORE = 0.42
SHAPES = {
    "circle": (CIRCLE,),
    "square": (SQUARE,),
    "diamond": (DIAMOND,),
    "triangle": (TRIANGLE, TALL_TRIANGLE),
    "triangle-down": (DOWN_TRIANGLE,),
}


@dataclass(frozen=True)
class Marker:
    """A marker at (x, y) in px at the scale of UNIT.

    `likeness` (len(STYLES),) are the probabilities of the styles, `size` its half-size, `score` the probability that there is a marker,
    `up` and `down` where its error bar seems to end.
    """

    x: float
    y: float
    size: float
    likeness: NDArray[np.float32]
    score: float
    up: DetectedEnd
    down: DetectedEnd

    @property
    def style(self) -> str:
        """The likeliest style: "circle", "square-open", ..."""
        return STYLES[int(self.likeness.argmax())]

    def zone(self, dx: NDArray[np.float64], dy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether offsets from the anchor lie on the marker's own ink."""
        d = (outlines(self.style) or (CIRCLE,))[0].distance(dx, dy, self.size)
        return np.asarray(np.abs(d) < 1.0) if self.style.endswith("-open") else np.asarray(d < -0.5)


def outlines(style: str) -> tuple[Shape, ...]:
    """The outlines that a style can have; none for crosses, pluses and stars."""
    return SHAPES.get(style.removesuffix("-open"), ())


def find_markers(image: NDArray[np.uint8]) -> list[Marker]:
    """The markers of a plot, the surest first.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
        Inside of the plot at the scale of UNIT.
    """
    return [Marker(d.x, d.y, d.size, d.likeness, d.score, d.up, d.down) for d in detect_marks(image) if d.score >= MIN_SCORE]
