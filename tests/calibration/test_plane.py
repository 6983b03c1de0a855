from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import AxisCalibration, Calibration, CategoryAxis, Linear, Log10, PixelTransform

COORDINATE = st.floats(min_value=-3000, max_value=3000)
ANGLE = st.floats(min_value=-180, max_value=180)


@given(x=COORDINATE, y=COORDINATE, degrees=ANGLE)
def test_inverse_and_composition(x: float, y: float, degrees: float) -> None:
    turn = PixelTransform.rotation(degrees, about=(310.0, 200.0)) @ PixelTransform.translation(4.0, -7.0)
    back = ~turn
    # 1e-9 px: rounding of coordinates of order 1e3.
    assert np.allclose(back.apply(turn.apply((x, y))), (x, y), rtol=0, atol=1e-9)
    assert np.allclose((back @ turn).matrix, PixelTransform.identity().matrix, atol=1e-9)


def test_rotation_leaves_its_pivot_and_turns_clockwise_to_the_eye() -> None:
    turn = PixelTransform.rotation(90.0, about=(10.0, 20.0))
    assert np.allclose(turn.apply((10.0, 20.0)), (10.0, 20.0))
    assert np.allclose(turn.apply((15.0, 20.0)), (10.0, 25.0))  # from the right of the pivot to below it: y counts down
    assert turn.determinant == pytest.approx(1.0)


def test_composition_applies_the_right_one_first() -> None:
    shift, turn = PixelTransform.translation(5.0, 0.0), PixelTransform.rotation(90.0)
    points = np.array([[1.0, 0.0], [2.0, 3.0]])
    assert np.allclose((turn @ shift).apply(points), turn.apply(shift.apply(points)))
    assert not np.allclose((turn @ shift).apply(points), (shift @ turn).apply(points))


def test_matrix_round_trip_and_predicates() -> None:
    matrix = np.array([[1.0, 0.02, -3.0], [-0.01, 0.99, 5.0]])
    assert np.array_equal(PixelTransform.from_matrix(matrix).matrix, matrix)
    assert PixelTransform.from_matrix(np.vstack([matrix, [0, 0, 1]])) == PixelTransform.from_matrix(matrix)
    assert PixelTransform.identity().is_identity
    assert not PixelTransform.from_matrix(matrix).is_identity


def test_maps_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a transform with an inverse, found determinant 0"):
        ~PixelTransform(1.0, 2.0, 0.0, 2.0, 4.0, 0.0)
    with pytest.raises(ValueError, match=r"expected an affine matrix of shape \(2, 3\), found \(2, 2\)"):
        PixelTransform.from_matrix(np.eye(2))
    with pytest.raises(ValueError, match=r"expected points of shape \(..., 2\), found \(3,\)"):
        PixelTransform.identity().apply([1.0, 2.0, 3.0])
    with pytest.raises(TypeError):
        PixelTransform.identity() @ 3  # type: ignore[operator]


def panel(to_original: PixelTransform | None = None) -> Calibration:
    x = AxisCalibration.fit([100, 200, 300], [0, 5, 10], scale=Linear())
    y = AxisCalibration.fit([400, 300, 200], [1, 10, 100], scale=Log10())
    return Calibration(x, y) if to_original is None else Calibration(x, y, to_original)


def test_data_and_pixels_round_trip() -> None:
    plane = panel()
    assert plane.to_pixel(2.5, 10.0) == pytest.approx((150.0, 300.0))
    values, u = plane.to_data([[150.0, 300.0], [250.0, 250.0]], u_px=0.4)
    assert np.allclose(values, [[2.5, 10.0], [7.5, 10**1.5]])
    assert u[0, 0] == pytest.approx(plane.x.u_value(150.0, 0.4))  # type: ignore[union-attr]
    assert u[1, 1] == pytest.approx(plane.y.u_value(250.0, 0.4))  # type: ignore[union-attr]


def test_uncertainty_of_each_coordinate_may_differ() -> None:
    _, u = panel().to_data([150.0, 300.0], u_px=[0.0, 1.0])
    assert u[0] == pytest.approx(panel().x.u_shared(150.0))  # type: ignore[union-attr]
    assert u[1] > 10 * math.log(10) / 100  # one pixel of a hundred a decade, at 10


def test_a_rotated_scan_holds_the_same_data() -> None:
    tilt = PixelTransform.rotation(1.7, about=(320.0, 240.0))
    plane = panel(tilt)
    in_scan = plane.original([150.0, 300.0])
    assert not np.allclose(in_scan, [150.0, 300.0], atol=1.0)
    assert np.allclose(plane.to_data(plane.straightened(in_scan))[0], [2.5, 10.0])


def test_categories_have_names_and_no_numbers() -> None:
    axis = CategoryAxis(("Placebo", "Magnesium"), (120.0, 260.0))
    plane = Calibration(axis, panel().y)
    assert axis.nearest(180.0) == "Placebo"
    assert axis.nearest(200.0) == "Magnesium"
    assert plane.to_pixel("Magnesium", 10.0) == pytest.approx((260.0, 300.0))
    values, u = plane.to_data([130.0, 300.0])
    assert math.isnan(values[0])
    assert math.isnan(u[0])
    assert values[1] == pytest.approx(10.0)
    with pytest.raises(ValueError, match="expected a category of Placebo, Magnesium, found 'Ketamine'"):
        plane.to_pixel("Ketamine", 10.0)
    with pytest.raises(ValueError, match="found 2 and 1"):
        CategoryAxis(("a", "b"), (1.0,))
