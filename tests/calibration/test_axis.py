from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import AxisCalibration, Linear, Log10, Scale, Tick
from calibration.axis import PHASE_PX, chi2_sf, scatter_factor

SCALED = pytest.mark.parametrize("scale", [Linear(), Log10()], ids=["linear", "log10"])


def ladder(scale: Scale, n: int = 5, step_px: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    px = 40.0 + step_px * np.arange(n)
    return px, scale.inverse(np.linspace(-1.0, -1.5 + 0.5 * n, n, dtype=np.float64))


@SCALED
@given(px=st.floats(min_value=-200, max_value=800))
def test_pixel_to_value_and_back(scale: Scale, px: float) -> None:
    axis = AxisCalibration.fit(*ladder(scale), scale=scale)
    # 1e-9 px: rounding of a fit whose numbers are of order 100.
    assert axis.to_pixel(axis.to_value(px)) == pytest.approx(px, abs=1e-9)


@SCALED
def test_ticks_on_a_line_are_met_exactly(scale: Scale) -> None:
    px, values = ladder(scale)
    axis = AxisCalibration.fit(px, values, scale=scale, labels=["a", "b", "c", "d", "e"])
    assert np.allclose(axis.to_value(px), values, rtol=1e-12)
    assert np.allclose(axis.residuals_px, 0.0, atol=1e-9)
    assert axis.rmse_px == pytest.approx(0.0, abs=1e-9)
    assert axis.span == pytest.approx(values[-1] - values[0])
    assert [tick.label for tick in axis.ticks] == ["a", "b", "c", "d", "e"]


@given(factor=st.floats(min_value=1e-6, max_value=1e6), px=st.floats(min_value=0, max_value=300))
def test_labels_times_c_are_values_and_uncertainties_times_c(factor: float, px: float) -> None:
    positions, values = np.array([40.0, 100.3, 160.1, 219.8]), np.array([1.0, 2.0, 3.0, 4.0])
    axis = AxisCalibration.fit(positions, values, scale=Linear())
    times = AxisCalibration.fit(positions, factor * values, scale=Linear())
    # Values may pass through 0, hence the absolute part.
    assert times.to_value(px) == pytest.approx(factor * axis.to_value(px), rel=1e-9, abs=1e-11 * factor)
    assert times.u_value(px, 0.2) == pytest.approx(factor * axis.u_value(px, 0.2), rel=1e-9)


@SCALED
@given(px=st.floats(min_value=0, max_value=300), shift=st.floats(min_value=-2000, max_value=2000))
def test_a_shifted_or_mirrored_image_holds_the_same_values(scale: Scale, px: float, shift: float) -> None:
    positions, values = ladder(scale)
    positions = positions + np.array([0.1, -0.2, 0.15, 0.0, -0.1])
    axis = AxisCalibration.fit(positions, values, scale=scale)
    for moved, at in ((positions + shift, px + shift), (-positions + shift, -px + shift)):
        other = AxisCalibration.fit(moved, values, scale=scale)
        assert other.to_value(at) == pytest.approx(axis.to_value(px), rel=1e-8, abs=1e-9)
        # The variance far from pixel 0 is a difference of large numbers: (2000/60)^2 = 1e3 of 1e16 digits are lost.
        assert other.u_value(at, 0.3) == pytest.approx(axis.u_value(px, 0.3), rel=1e-6)


@SCALED
def test_an_image_twice_as_large_holds_the_same_values(scale: Scale) -> None:
    px, values = ladder(scale)
    once, twice = AxisCalibration.fit(px, values, scale=scale), AxisCalibration.fit(2 * px, values, scale=scale, u_px=0.6)
    assert twice.to_value(246.0) == pytest.approx(once.to_value(123.0), rel=1e-12)
    assert twice.u_value(246.0, 0.6) == pytest.approx(once.u_value(123.0, 0.3), rel=1e-12)


def test_two_ticks_fit_exactly_and_carry_their_own_uncertainty() -> None:
    axis = AxisCalibration.fit([100, 300], [0, 10], scale=Linear(), u_px=0.3)
    assert axis.to_value(200.0) == pytest.approx(5.0)
    # At a tick: that tick's 0.3 px; midway: two independent halves, 0.3/sqrt(2); 20 px are 1 unit.
    assert axis.u_shared(100.0) == pytest.approx(0.3 / 20)
    assert axis.u_shared(200.0) == pytest.approx(0.3 / 20 / math.sqrt(2))
    assert axis.u_value(200.0, 0.4) == pytest.approx(math.hypot(0.3 / math.sqrt(2), 0.4) / 20)


def test_uncertainty_on_a_log_axis_grows_with_the_value() -> None:
    axis = AxisCalibration.fit([0, 100, 200], [1, 10, 100], scale=Log10())
    at = np.array([0.0, 200.0])
    low, high = axis.u_value(at, 0.5)
    assert high / low == pytest.approx(100.0)
    slow = (axis.to_value(50.0 + 0.01) - axis.to_value(50.0 - 0.01)) / 0.02 * 0.5
    assert math.hypot(axis.u_shared(50.0), slow) == pytest.approx(axis.u_value(50.0, 0.5), rel=1e-6)


def test_covariance_is_that_of_the_line_it_stands_for() -> None:
    """Monte Carlo: scatter of intercept and slope over 4,000 axes with the claimed tick noise."""
    rng = np.random.default_rng(5)
    px, values = 50.0 + 40.0 * np.arange(6), 10.0 * np.arange(6)
    fits = [AxisCalibration.fit(px + rng.normal(0, 0.2, 6), values, scale=Linear(), u_px=0.2) for _ in range(4000)]
    observed = np.cov([fit.intercept for fit in fits], [fit.slope for fit in fits])
    claimed = np.mean([fit.covariance for fit in fits], axis=0)
    # 4,000 draws know a variance to 2.2 % (1 sigma); the claim itself is a few per cent wide for honouring scatter (`scatter_factor`).
    assert np.allclose(claimed / observed, 1.06, atol=0.10)


def test_weights_let_a_sharp_tick_count_more() -> None:
    px, values = [0.0, 100.0, 203.0], [0.0, 1.0, 2.0]
    blunt = AxisCalibration.fit(px, values, scale=Linear(), u_px=[0.3, 0.3, 30.0])
    assert blunt.to_value(100.0) == pytest.approx(1.0, abs=1e-4)
    assert blunt.to_pixel(2.0) == pytest.approx(200.0, abs=0.01)


def test_scatter_beyond_the_claim_widens_it_and_luck_does_not_narrow_it() -> None:
    px, values = np.array([0.0, 51.0, 99.0, 152.0, 199.0, 250.0]), np.arange(6.0)
    claimed = AxisCalibration.fit(50.0 * np.arange(6), values, scale=Linear(), u_px=0.3)
    scattered = AxisCalibration.fit(px, values, scale=Linear(), u_px=0.3)
    assert claimed.u_shared(125.0) >= 0.3 / 50 / math.sqrt(6) * (1.0 - 1e-12)
    ratio = scattered.u_shared(125.0) / claimed.u_shared(125.0)
    assert ratio > np.std(px - 50.0 * np.arange(6)) / 0.3


@pytest.mark.parametrize(("dof", "chi2"), [(1, 3.841459), (2, 5.991465), (3, 7.814728), (7, 14.06714), (8, 15.50731)])
def test_chi2_sf_at_the_tabled_95_per_cent_points(dof: int, chi2: float) -> None:
    assert chi2_sf(chi2, dof) == pytest.approx(0.05, abs=1e-7)  # 7 digits in the table


def test_scatter_factor_ends() -> None:
    assert scatter_factor(123.0, 0) == 1.0
    # A claim that is refuted beyond doubt: the observed variance alone, times the square of Student's 97.5 % point over the normal one.
    assert scatter_factor(800.0, 8) == pytest.approx(100.0 * (2.3060 / 1.9600) ** 2, rel=1e-3)


def coverage(scale: Scale, noise: str, n_axes: int = 2000) -> float:
    """Share of probe points inside the ticks' span whose true value lies within 1.96 u of the one read."""
    rng = np.random.default_rng(20250301)
    hits = 0
    for _ in range(n_axes):
        n = int(rng.integers(3, 11))
        true_px = rng.uniform(20, 200) + rng.uniform(25, 90) * np.arange(n)
        slope = rng.choice([-1.0, 1.0]) * rng.uniform(0.003, 0.03)
        values = np.asarray(scale.inverse(slope * (true_px - 150.0)))
        off = {"gauss": rng.normal(0, 0.1, n), "uniform": rng.uniform(-0.5, 0.5, n), "snapped": np.round(true_px) - true_px}
        drawn = true_px + off[noise]
        axis = AxisCalibration.fit(drawn, values, scale=scale, u_px=0.1 if noise == "gauss" else 1 / math.sqrt(12))
        probes = np.linspace(true_px[0], true_px[-1], 15)
        truth = np.asarray(scale.inverse(slope * (probes - 150.0)))
        hits += int(np.count_nonzero(np.abs(axis.to_value(probes) - truth) <= 1.96 * axis.u_value(probes)))
    return hits / (15 * n_axes)


@SCALED
@pytest.mark.parametrize("noise", ["gauss", "uniform", "snapped"])
def test_claimed_uncertainty_covers_95_per_cent(scale: Scale, noise: str) -> None:
    # 2,000 axes know a coverage of 95 % to 0.4 % or so (probes of one axis share its error): 93 to 97 % is wide, and fails both ways.
    assert 0.93 <= coverage(scale, noise) <= 0.97


def sharp(px: list[float] | np.ndarray, error: float) -> AxisCalibration:
    """The axis of ticks every 1 at these places, found further from the middles of their pixels by a sine of the place in the pixel."""
    places = np.asarray(px) + error * np.sin(2 * np.pi * np.asarray(px))
    ticks = [Tick(p, float(k)) for k, p in enumerate(places.tolist())]
    return AxisCalibration.from_sharp_ticks(ticks, scale=Linear(), u_px=0.01, u_phase_px=PHASE_PX)


def test_errors_that_go_with_the_place_in_the_pixel_are_mended_where_places_differ() -> None:
    true = 20.4 + 41.84 * np.arange(7)
    mended = sharp(true, 0.05).to_pixel(np.arange(7.0)) - true
    plain = AxisCalibration.fit(true + 0.05 * np.sin(2 * np.pi * true), np.arange(7.0), scale=Linear()).to_pixel(np.arange(7.0)) - true
    assert np.abs(plain).max() > 0.015  # the error is there to be mended
    assert np.abs(mended).max() < 0.2 * np.abs(plain).max()


def test_ticks_that_fall_alike_on_their_pixels_claim_the_error_that_they_share() -> None:
    alike, apart = sharp(20.25 + 41.0 * np.arange(7), 0.05), sharp(20.1 + 41.37 * np.arange(7), 0.05)
    off = abs(alike.to_pixel(3.0) - (20.25 + 41.0 * 3))
    assert off == pytest.approx(0.05, abs=1e-6)  # no scatter shows it
    assert 1.96 * alike.u_shared(143.0) / abs(alike.slope) > off
    assert apart.u_shared(143.0) < 0.2 * alike.u_shared(143.0)


@pytest.mark.parametrize("amplitude", [0.0, 0.02, 0.05])
def test_claims_of_sharp_ticks_cover_95_per_cent(amplitude: float) -> None:
    rng = np.random.default_rng(7)
    hits: list[float] = []
    for _ in range(1500):
        n = int(rng.integers(4, 10))
        true = rng.uniform(20, 40) + rng.uniform(25, 90) * np.arange(n)
        found = true + rng.choice([-1, 1]) * amplitude * np.sin(2 * np.pi * true) + rng.normal(0, 0.01, n)
        ticks = [Tick(p, float(k)) for k, p in enumerate(found.tolist())]
        axis = AxisCalibration.from_sharp_ticks(ticks, scale=Linear(), u_px=0.01, u_phase_px=0.04)
        probes = np.linspace(0, n - 1, 15)
        at = np.interp(probes, np.arange(n), true)
        hits.append(float(np.mean(np.abs(axis.to_value(at) - probes) <= 1.96 * np.asarray(axis.u_shared(at)))))
    # The amplitude is claimed to be 0.04: axes that have less are covered more often, those with more less.
    assert 0.91 <= np.mean(hits) <= (0.99 if amplitude < 0.04 else 0.97)


def test_unused_ticks_stay_in_the_record_and_out_of_the_fit() -> None:
    ticks = [Tick(0, 0.0), Tick(50, math.nan, "15", used=False, reason="decimal point lost?"), Tick(100, 2.0), Tick(200, 40.0, used=False)]
    axis = AxisCalibration.from_ticks(ticks, scale=Linear())
    assert axis.to_value(50.0) == pytest.approx(1.0)
    assert axis.ticks == tuple(ticks)
    assert axis.span == 2.0
    assert math.isnan(axis.residuals_px[1])
    assert axis.residuals_px[3] == pytest.approx(200.0 - 2000.0)


def test_a_fit_is_a_value_that_cannot_be_changed() -> None:
    axis = AxisCalibration.fit([0, 100], [0, 1], scale=Linear())
    with pytest.raises(AttributeError):
        axis.slope = 2.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        axis.covariance[0, 0] = 1.0
    assert axis == AxisCalibration.fit([0, 100], [0, 1], scale=Linear())


@pytest.mark.parametrize(
    ("px", "values", "u_px", "message"),
    [
        ([5.0], [1.0], 0.3, "expected 2 ticks or more on the axis, found 1"),
        ([], [], 0.3, "expected 2 ticks or more on the axis, found 0"),
        ([5.0, 5.0], [1.0, 2.0], 0.3, "expected 2 or more different tick positions on the axis, found 5 only"),
        ([5.0, 9.0], [2.0, 2.0], 0.3, "expected 2 or more different tick values on the axis, found 2 only"),
        ([5.0, 9.0], [2.0], 0.3, "found 2 ticks, 1 values, 2 labels"),
        ([5.0, 9.0], [2.0, 3.0], 0.0, "expected tick uncertainties above 0 px, found 0"),
        ([5.0, math.nan], [2.0, 3.0], 0.3, "expected finite tick positions, found nan"),
        ([5.0, 9.0], [2.0, math.inf], 0.3, "expected finite values on a linear axis, found inf"),
        ([0.0, 50.0, 0.0], [1.0, 2.0, 3.0], 0.3, "expected values that rise or fall along the axis"),
    ],
)
def test_ticks_that_make_no_axis_are_refused(px: list[float], values: list[float], u_px: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AxisCalibration.fit(px, values, scale=Linear(), u_px=u_px)


def test_a_log_axis_refuses_a_tick_at_zero() -> None:
    with pytest.raises(ValueError, match="expected values above 0 on a log10 axis, found 0"):
        AxisCalibration.fit([0, 100], [0, 1], scale=Log10())
