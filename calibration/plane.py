"""The plane of a panel: two axes and how the pixels that they were fitted in lie in the original image.

A rotated or skewed scan is straightened first. Axes are fitted and marks are found in straightened pixels; `Calibration.to_original`
carries such a position to pixels of the original image, in which everything is reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from calibration.axis import AxisCalibration
from calibration.scale import FloatArray


@dataclass(frozen=True)
class PixelTransform:
    """An affine map of pixel positions: a value that is composed with `@`, inverted with `~` and never changed.

    ::

        | x' |   | a  b  c | | x |
        | y' | = | d  e  f | | y |
                             | 1 |

    Pixels are x right, y down, an integer is the centre of a pixel.
    """

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    @classmethod
    def identity(cls) -> PixelTransform:
        """Return the map that leaves every position where it is."""
        return cls()

    @classmethod
    def rotation(cls, degrees: float, about: tuple[float, float] = (0.0, 0.0)) -> PixelTransform:
        """Return the rotation by an angle about a pivot point; as y counts down, a positive angle turns clockwise to the eye."""
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        x, y = about
        return cls(cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y)

    @classmethod
    def translation(cls, x: float, y: float) -> PixelTransform:
        """Return the shift by (x, y) pixels."""
        return cls(c=x, f=y)

    @classmethod
    def from_matrix(cls, matrix: npt.ArrayLike) -> PixelTransform:
        """Return the map of a 2x3 matrix (or of a 3x3 one whose last row is 0 0 1); any other matrix raises ValueError."""
        array = np.asarray(matrix, dtype=float)
        if array.shape == (3, 3) and np.array_equal(array[2], [0.0, 0.0, 1.0]):
            array = array[:2]
        if array.shape != (2, 3):
            msg = f"expected an affine matrix of shape (2, 3), found {array.shape}"
            raise ValueError(msg)
        return cls(*(float(entry) for entry in array.ravel()))

    @property
    def matrix(self) -> FloatArray:
        """The 2x3 matrix."""
        return np.array([[self.a, self.b, self.c], [self.d, self.e, self.f]])

    @property
    def determinant(self) -> float:
        """Area of a transformed unit square, negative where the map mirrors."""
        return self.a * self.e - self.b * self.d

    @property
    def is_identity(self) -> bool:
        """Whether every position stays where it is."""
        return self == PixelTransform()

    @property
    def is_degenerate(self) -> bool:
        """Whether the map flattens the plane, so that it has no inverse."""
        return abs(self.determinant) <= 1e-12 * (self.a**2 + self.b**2 + self.d**2 + self.e**2)

    def __matmul__(self, other: PixelTransform) -> PixelTransform:
        if not isinstance(other, PixelTransform):
            return NotImplemented
        homogeneous = np.vstack([other.matrix, [0.0, 0.0, 1.0]])
        return PixelTransform.from_matrix(self.matrix @ homogeneous)

    def __invert__(self) -> PixelTransform:
        if self.is_degenerate:
            msg = f"expected a transform with an inverse, found determinant {self.determinant:g}"
            raise ValueError(msg)
        linear = np.linalg.inv(self.matrix[:, :2])
        return PixelTransform.from_matrix(np.column_stack([linear, -linear @ self.matrix[:, 2]]))

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Return transformed positions; `points` is one (x, y) or an array of shape (..., 2)."""
        array = np.asarray(points, dtype=float)
        if array.shape[-1:] != (2,):
            msg = f"expected points of shape (..., 2), found {array.shape}"
            raise ValueError(msg)
        return np.asarray(array @ self.matrix[:, :2].T + self.matrix[:, 2])


@dataclass(frozen=True)
class CategoryAxis:
    """An axis of names: each category stands at the centre of its place along the axis (px), and there is nothing between two of them."""

    names: tuple[str, ...]
    centers_px: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.names or len(self.names) != len(self.centers_px):
            msg = f"expected one centre for each category and 1 category or more, found {len(self.names)} and {len(self.centers_px)}"
            raise ValueError(msg)

    def nearest(self, px: float) -> str:
        """Return the category whose centre is nearest to `px`."""
        return self.names[self.nearest_index(px)]

    def nearest_index(self, px: float) -> int:
        """Return the place in `names` of the category nearest to `px`."""
        return int(np.argmin(np.abs(np.asarray(self.centers_px) - px)))

    def to_pixel(self, name: str) -> float:
        """Return the centre of a category, pixels; a name that is not on the axis raises ValueError."""
        if name not in self.names:
            msg = f"expected a category of {', '.join(self.names)}, found {name!r}"
            raise ValueError(msg)
        return self.centers_px[self.names.index(name)]


@dataclass(frozen=True)
class Calibration:
    """A panel's two axes, fitted in straightened pixels, and the map from those to pixels of the original image."""

    x: AxisCalibration | CategoryAxis
    y: AxisCalibration | CategoryAxis
    to_original: PixelTransform = field(default_factory=PixelTransform.identity)

    def to_data(self, points_px: npt.ArrayLike, u_px: npt.ArrayLike = 0.0) -> tuple[FloatArray, FloatArray]:
        """Return the data coordinates of straightened pixel positions, and their standard uncertainties.

        Parameters
        ----------
        points_px : array-like of shape (..., 2)
            Positions (x, y) in straightened pixels; `straightened` makes them from pixels of the original.
        u_px : float or array-like that broadcasts to `points_px`, optional
            Standard uncertainty of each coordinate.

        Returns
        -------
        values, u_values : ndarray of shape (..., 2)
            Data units. A category axis has no numbers: its column is NaN in both (ask `CategoryAxis.nearest`).
        """
        points = np.asarray(points_px, dtype=float)
        u = np.broadcast_to(np.asarray(u_px, dtype=float), points.shape)
        values, u_values = np.full(points.shape, np.nan), np.full(points.shape, np.nan)
        for column, axis in enumerate((self.x, self.y)):
            if isinstance(axis, AxisCalibration):
                values[..., column] = axis.to_value(points[..., column])
                u_values[..., column] = axis.u_value(points[..., column], u[..., column])
        return values, u_values

    def to_pixel(self, x: float | str, y: float | str) -> tuple[float, float]:
        """Return the straightened pixel position of a data point; a category is given by its name."""
        return _pixel_of(self.x, x), _pixel_of(self.y, y)

    def original(self, points_px: npt.ArrayLike) -> FloatArray:
        """Return the positions in the original image of straightened positions of shape (..., 2)."""
        return self.to_original.apply(points_px)

    def straightened(self, points_px: npt.ArrayLike) -> FloatArray:
        """Return the straightened positions of positions in the original image, shape (..., 2)."""
        return (~self.to_original).apply(points_px)


def _pixel_of(axis: AxisCalibration | CategoryAxis, value: float | str) -> float:
    if isinstance(axis, CategoryAxis):
        return axis.to_pixel(str(value))
    return axis.to_pixel(float(value))
