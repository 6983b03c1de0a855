"""Marker shapes: their signed distances, and the ink that they put on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from digitize.shapes import (
    CIRCLE,
    DIAMOND,
    DOWN_TRIANGLE,
    SQUARE,
    TALL_TRIANGLE,
    TRIANGLE,
    FloatArray,
    Shape,
    fill_coverage,
    outline_coverage,
)

SIZE = 6.0
ROOT = math.sqrt(3)
# For size 1, as the docstrings define them: half-width, half-diagonal, circumradius, half-height.
Corners = tuple[tuple[float, float], ...]
CORNERS: dict[str, tuple[Shape, Corners]] = {
    "square": (SQUARE, ((-1, -1), (1, -1), (1, 1), (-1, 1))),
    "diamond": (DIAMOND, ((0, -1), (1, 0), (0, 1), (-1, 0))),
    "triangle": (TRIANGLE, ((0, -1), (ROOT / 2, 0.5), (-ROOT / 2, 0.5))),
    "tall": (TALL_TRIANGLE, ((0, -1), (1, 1), (-1, 1))),
    "down": (DOWN_TRIANGLE, ((0, 1), (ROOT / 2, -0.5), (-ROOT / 2, -0.5))),
}
POLYGONS = pytest.mark.parametrize(("shape", "corners"), CORNERS.values(), ids=CORNERS)


def distance_at(shape: Shape, x: float, y: float, size: float = SIZE) -> float:
    return float(shape.distance(np.array([x]), np.array([y]), size)[0])


def grid(reach: int = 14) -> tuple[FloatArray, FloatArray]:
    """Offsets of pixels from an anchor that does not lie on one."""
    ys, xs = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    return xs - 0.3, ys + 0.2


def area_and_perimeter(corners: Corners) -> tuple[float, float]:
    points = np.array(corners) * SIZE
    following = np.roll(points, -1, axis=0)
    area = abs(float((points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]).sum())) / 2
    return area, float(np.hypot(*(following - points).T).sum())


@POLYGONS
def test_corners_and_middles_of_edges_lie_on_the_outline(shape: Shape, corners: Corners) -> None:
    points = np.array(corners) * SIZE
    for x, y in (*points, *((points + np.roll(points, -1, axis=0)) / 2)):
        assert distance_at(shape, x, y) == pytest.approx(0, abs=1e-9)


@POLYGONS
def test_distance_is_negative_inside_and_grows_by_one_a_pixel_across_an_edge(shape: Shape, corners: Corners) -> None:
    points = np.array(corners) * SIZE
    middles = (points + np.roll(points, -1, axis=0)) / 2
    along = np.roll(points, -1, axis=0) - points
    outward = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    outward *= np.sign((outward * (middles - points.mean(axis=0))).sum(axis=1))[:, None]
    assert distance_at(shape, *points.mean(axis=0)) < 0
    for (x, y), (nx, ny) in zip(middles, outward, strict=True):
        for step in (-1.0, 0.5, 2.0):
            assert distance_at(shape, x + step * nx, y + step * ny) == pytest.approx(step, abs=1e-9)


def test_a_circle_is_a_distance_from_its_centre() -> None:
    assert distance_at(CIRCLE, 0, 0) == -SIZE
    assert distance_at(CIRCLE, 0.6 * SIZE, -0.8 * SIZE) == pytest.approx(0, abs=1e-9)
    assert distance_at(CIRCLE, 3 * SIZE, 4 * SIZE) == pytest.approx(4 * SIZE)


@pytest.mark.parametrize("shape", [CIRCLE, SQUARE, DIAMOND, TRIANGLE, TALL_TRIANGLE, DOWN_TRIANGLE], ids=["o", "s", "D", "^", "^tall", "v"])
def test_twice_the_shape_at_twice_the_offset_is_twice_as_far(shape: Shape) -> None:
    x, y = grid()
    assert shape.distance(2 * x, 2 * y, 2 * SIZE) == pytest.approx(2 * shape.distance(x, y, SIZE))


def test_the_triangle_that_points_down_mirrors_the_one_that_points_up() -> None:
    x, y = grid()
    assert DOWN_TRIANGLE.distance(x, y, SIZE) == pytest.approx(TRIANGLE.distance(x, -y, SIZE))


def test_the_anchor_of_a_triangle_is_its_centroid_and_of_a_tall_one_half_its_height() -> None:
    # Distance from the anchor down to the base: a third of the height of 1.5, and half of the height of 2.
    assert distance_at(TRIANGLE, 0, 0) == pytest.approx(-0.5 * SIZE)
    assert distance_at(TALL_TRIANGLE, 0, SIZE) == pytest.approx(0, abs=1e-9)
    assert distance_at(TALL_TRIANGLE, 0, -SIZE) == pytest.approx(0, abs=1e-9)


@POLYGONS
def test_fills_and_outlines_cover_their_areas(shape: Shape, corners: Corners) -> None:
    x, y = grid()
    distance = shape.distance(x, y, SIZE)
    area, perimeter = area_and_perimeter(corners)
    # Corners are not rounded and slanted edges are ramps of one pixel: 2 % of a fill, and half a pixel a corner of an outline.
    assert fill_coverage(distance).sum() == pytest.approx(area, rel=0.02)
    assert outline_coverage(distance, 1.5).sum() == pytest.approx(1.5 * perimeter, abs=0.5 * 1.5**2 * len(corners) + 1)


def test_a_circle_covers_its_area() -> None:
    distance = CIRCLE.distance(*grid(), SIZE)
    assert fill_coverage(distance).sum() == pytest.approx(math.pi * SIZE**2, rel=0.005)
    assert outline_coverage(distance, 1.5).sum() == pytest.approx(1.5 * 2 * math.pi * SIZE, rel=0.02)


def test_coverage_is_a_share() -> None:
    distance = np.array([-9.0, -0.5, 0.0, 0.25, 0.5, 9.0])
    assert fill_coverage(distance).tolist() == [1, 1, 0.5, 0.25, 0, 0]
    assert outline_coverage(distance, 2.0).tolist() == [0, 1, 1, 1, 1, 0]
    # A line thinner than a pixel never covers one whole.
    assert outline_coverage(distance, 0.4).max() == 0.4
