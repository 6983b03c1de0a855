from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import SCALES, Linear, Log10, Scale, scale_named

POSITIVE = st.floats(min_value=1e-12, max_value=1e12)


@pytest.mark.parametrize("scale", SCALES.values(), ids=list(SCALES))
@given(value=POSITIVE)
def test_inverse_undoes_forward(scale: Scale, value: float) -> None:
    # 12 digits: 10**log10(v) loses about |log10 v| * ln 10 units in the last place.
    assert scale.inverse(scale.forward(value)) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("scale", SCALES.values(), ids=list(SCALES))
@given(value=POSITIVE)
def test_derivative_is_the_slope_of_forward(scale: Scale, value: float) -> None:
    step = 1e-4 * value
    slope = (scale.forward(value + step) - scale.forward(value - step)) / (2 * step)
    # The central difference errs by step^2/(3 v^2) = 3e-9 on a log scale, and by rounding of u (|u| up to 12) over the step.
    assert scale.derivative(value) == pytest.approx(slope, rel=1e-6)


def test_scales_answer_arrays_with_arrays_and_floats_with_floats() -> None:
    values = np.array([1.0, 10.0, 1000.0])
    assert np.allclose(Log10().forward(values), [0.0, 1.0, 3.0], rtol=0, atol=1e-15)
    assert np.array_equal(Linear().derivative(values), [1.0, 1.0, 1.0])
    assert type(Log10().forward(10.0)) is float
    assert type(Linear().inverse(10.0)) is float


@pytest.mark.parametrize("value", [0.0, -3.0, math.nan])
def test_a_log_axis_refuses_what_has_no_logarithm_and_names_it(value: float) -> None:
    for call in (Log10().forward, Log10().derivative):
        with pytest.raises(ValueError, match=f"expected values above 0 on a log10 axis, found {value:g}"):
            call(np.array([1.0, value]))


def test_a_linear_axis_refuses_infinity() -> None:
    with pytest.raises(ValueError, match="expected finite values on a linear axis, found inf"):
        Linear().forward(math.inf)


def test_scales_are_values_found_by_name() -> None:
    assert scale_named("log10") == Log10()
    assert scale_named("linear") != Log10()
    with pytest.raises(ValueError, match="expected a scale of linear, log10, date, found 'ln'"):
        scale_named("ln")
