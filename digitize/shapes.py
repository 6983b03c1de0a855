"""Marker shapes as signed distances: what a marker of a given shape, size and style looks like around its anchor.

The anchor is the data point. For a triangle it is not the middle of its box: programs put it at the centroid (R, gnuplot) or at half height
(matplotlib), and draw triangles of different proportions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """A convex marker of size 1: the planes (nx, ny, offset) that bound it (y down), or a circle where there are none.

    `name` is what the record calls it. A fit of it starts from each of `starts`: times the size that it seems to have, and half-sizes from
    the middle of its box down to its anchor. One that is measured from a centroid is larger than half its height.
    """

    name: str
    planes: tuple[tuple[float, float, float], ...] = ()
    starts: tuple[tuple[float, float], ...] = ((1.0, 0.0),)

    def distance(self, x: FloatArray, y: FloatArray, size: float) -> FloatArray:
        """Signed distance in px from the outline of the marker with half-size `size` (negative inside) at offsets from its anchor.

        Beyond a corner it is the larger of the distances from its two edges drawn on, so that corners stay sharp.
        """
        if not self.planes:
            return np.hypot(x, y) - size
        return np.asarray(np.max([nx * x + ny * y - offset * size for nx, ny, offset in self.planes], axis=0))


_D = 0.5**0.5
_S = 5**-0.5
_ABOVE, _BELOW = (((1.0, 0.0), (1.3, 0.0), (1.2, 0.3 * down)) for down in (1, -1))  # seen above and below their anchors
CIRCLE = Shape("circle")
SQUARE = Shape("square", ((1, 0, 1), (-1, 0, 1), (0, 1, 1), (0, -1, 1)))
DIAMOND = Shape("diamond", ((_D, _D, _D), (_D, -_D, _D), (-_D, _D, _D), (-_D, -_D, _D)))
TRIANGLE = Shape("triangle", ((0, 1, 0.5), (0.75**0.5, -0.5, 0.5), (-(0.75**0.5), -0.5, 0.5)), _ABOVE)
"""Equilateral, anchored at its centroid; size is its circumradius."""
TALL_TRIANGLE = Shape("triangle", ((0, 1, 1), (2 * _S, -_S, _S), (-2 * _S, -_S, _S)))
"""As wide as high, anchored at half height; size is half its height."""
DOWN_TRIANGLE = Shape("triangle-down", ((0, -1, 0.5), (0.75**0.5, 0.5, 0.5), (-(0.75**0.5), 0.5, 0.5)), _BELOW)


def fill_coverage(distance: FloatArray, blur: float = 1.0) -> FloatArray:
    """Share of each pixel that a filled shape covers, its edges `blur` px wide (1 where they are sharp)."""
    return np.clip(0.5 - distance / blur, 0, 1)


def outline_coverage(distance: FloatArray, width: float, blur: float = 1.0) -> FloatArray:
    """Share of each pixel that an outline of the given width covers, drawn along the edge of the shape; `blur` as for a fill."""
    return np.clip(0.5 - (np.abs(distance) - width / 2) / blur, 0, min(1.0, width / blur))
