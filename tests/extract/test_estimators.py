"""One arm: Wan 2014 against its published table, and the uncertainties of every estimator against simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract import METHODS, Quantiles, estimate, iqr_per_sd, range_per_sd
from extract.normal import expected_order, quantile_weights, variance_of_orders
from extract.quantiles import NAMES

# Wan et al. 2014, Table 1; n = 12 is left out: it prints 3.259 where the integral is 3.25846 and tables of d2 print 3.258.
WAN_TABLE_1 = {2: 1.128, 3: 1.693, 5: 2.326, 8: 2.847, 10: 3.078, 15: 3.472, 22: 3.819, 30: 4.086, 40: 4.322, 50: 4.498}
# Wan et al. 2014, Table 2, by Q with n = 4 Q + 1.
WAN_TABLE_2 = {1: 0.990, 2: 1.144, 5: 1.260, 10: 1.303, 50: 1.340}


@pytest.mark.parametrize(("n", "published"), WAN_TABLE_1.items())
def test_exact_xi_is_wan_2014_table_1(n: int, published: float) -> None:
    assert range_per_sd(n, "exact") == pytest.approx(published, abs=0.0005)  # printed to three decimals


@pytest.mark.parametrize(("q", "published"), WAN_TABLE_2.items())
def test_exact_eta_is_wan_2014_table_2(q: int, published: float) -> None:
    assert iqr_per_sd(4 * q + 1, "exact") == pytest.approx(published, abs=0.0005)


def test_exact_and_blom_differ_by_what_the_approximation_is_known_to_cost() -> None:
    assert range_per_sd(5) / range_per_sd(5, "exact") == pytest.approx(2.3595 / 2.3259, abs=1e-4)
    assert range_per_sd(10) == pytest.approx(3.0933, abs=5e-5)
    assert range_per_sd(1000, "exact") == pytest.approx(6.4829, abs=5e-5)


def test_range_of_ten_patients_by_hand() -> None:
    found = estimate(10, minimum=2.0, median=4.0, maximum=6.5)
    assert found.mean == 4.125  # (2 + 8 + 6.5) / 4
    assert found.sd == pytest.approx(1.45477090921665, rel=1e-12)  # 4.5 / 3.09328...
    assert found.method == "wan2014 (C1, Blom)"
    exact = estimate(10, minimum=2.0, median=4.0, maximum=6.5, xi="exact")
    assert exact.sd == pytest.approx(4.5 / 3.07751, rel=1e-5)
    assert exact.method == "wan2014 (C1, exact)"


def test_quartiles_and_five_numbers_by_hand() -> None:
    quartiles = estimate(40, q1=3.0, median=4.5, q3=6.0)
    assert quartiles.mean == 4.5
    assert quartiles.sd == pytest.approx(2.30679, abs=5e-6)
    five = estimate(22, minimum=1.0, q1=3.0, median=4.4, q3=6.0, maximum=9.5)
    assert five.mean == pytest.approx(4.6625)  # (1 + 6 + 8.8 + 12 + 9.5) / 8
    assert five.sd == pytest.approx(2.30150782310616, rel=1e-12)
    assert five.method == "wan2014 (C2, Blom)"
    flat = estimate(12, minimum=5.0, q1=5.0, median=5.0, q3=5.0, maximum=5.0)
    assert (flat.mean, flat.sd, flat.se_mean) == (5.0, 0.0, 0.0)


ordered = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=5, max_size=5).map(sorted)


@given(values=ordered, n=st.integers(2, 300), scale=st.floats(0.01, 100), shift=st.floats(-1e3, 1e3))
def test_wan2014_follows_a_change_of_units(values: list[float], n: int, scale: float, shift: float) -> None:
    for names in (("minimum", "median", "maximum"), ("q1", "median", "q3"), ("minimum", "q1", "median", "q3", "maximum")):
        chosen = values[:: 2 if len(names) == 3 else 1]
        here = estimate(n, **dict(zip(names, chosen, strict=True)))  # type: ignore[arg-type]
        moved = sorted(scale * value + shift for value in chosen)
        there = estimate(n, **dict(zip(names, moved, strict=True)))  # type: ignore[arg-type]
        # Rounding of values up to 1e5 in size; an SD may be their difference divided by xi(2) = 1.18 or eta(2) = 0.5.
        assert there.mean == pytest.approx(scale * here.mean + shift, rel=1e-9, abs=1e-9)
        assert there.sd == pytest.approx(scale * here.sd, rel=1e-9, abs=1e-9)


@given(values=ordered, n=st.integers(2, 300))
def test_mirrored_quantiles_give_the_mirrored_mean_and_the_same_sd(values: list[float], n: int) -> None:
    low, q1, middle, q3, high = values
    here = estimate(n, minimum=low, q1=q1, median=middle, q3=q3, maximum=high)
    there = estimate(n, minimum=-high, q1=-q3, median=-middle, q3=-q1, maximum=-low)
    assert there.mean == pytest.approx(-here.mean, abs=1e-9)
    assert there.sd == pytest.approx(here.sd, abs=1e-9)


def test_reading_uncertainty_is_that_of_redrawn_readings() -> None:
    rng = np.random.default_rng(1)
    readings = np.array([2.0, 4.0, 6.5]) + rng.normal(size=(20_000, 3)) * [0.05, 0.02, 0.08]
    drawn = [estimate(10, minimum=a, median=m, maximum=b) for a, m, b in readings.tolist()]
    found = estimate(10, minimum=2.0, median=4.0, maximum=6.5, u_minimum=0.05, u_median=0.02, u_maximum=0.08)
    # 20 000 draws give a standard deviation to 0.5 %; three times that.
    assert found.u_mean == pytest.approx(np.std([e.mean for e in drawn]), rel=0.015)
    assert found.u_sd == pytest.approx(np.std([e.sd for e in drawn]), rel=0.015)


def test_unknown_reading_uncertainty_stays_unknown() -> None:
    partly = estimate(10, minimum=2.0, median=4.0, maximum=6.5, u_minimum=0.05, u_maximum=0.08)
    assert math.isnan(partly.u_mean)
    assert partly.u_sd == pytest.approx(math.hypot(0.05, 0.08) / range_per_sd(10))  # the SD does not use the median


# Ratio of the standard error of Wan's mean to sd / sqrt(n), from 400 000 simulated normal samples.
SIMULATED_SE_RATIO = {(10, "C1"): 1.065, (40, "C1"): 1.336, (10, "C3"): 1.058, (10, "C2"): 1.009, (40, "C2"): 1.073}


@pytest.mark.parametrize(("key", "ratio"), SIMULATED_SE_RATIO.items())
def test_standard_error_of_the_mean_is_that_of_simulated_samples(key: tuple[int, str], ratio: float) -> None:
    n, scenario = key
    all_five = {"minimum": -1.5, "q1": -0.7, "median": 0.0, "q3": 0.7, "maximum": 1.5}
    names = {"C1": ("minimum", "median", "maximum"), "C3": ("q1", "median", "q3"), "C2": tuple(all_five)}[scenario]
    chosen: dict[str, Any] = {name: all_five[name] for name in names}
    found = estimate(n, **chosen)
    assert found.se_mean / (found.sd / math.sqrt(n)) == pytest.approx(ratio, rel=0.003)  # simulation error and printed digits


def test_order_statistics_obey_their_sum_rules() -> None:
    for n in (2, 5, 9):
        # The order statistics of a sample sum to n times its mean.
        assert variance_of_orders(dict.fromkeys(range(1, n + 1), 1.0), n) == pytest.approx(n, rel=1e-6)
    assert variance_of_orders({2: 1.0}, 2) == pytest.approx(1 - 1 / math.pi, rel=1e-9)
    assert expected_order(3, 3) == pytest.approx(1.5 / math.sqrt(math.pi), rel=1e-12)
    assert sum(expected_order(rank, 7) for rank in range(1, 8)) == pytest.approx(0.0, abs=1e-12)
    # The mean of very many: the median's variance tends to pi / 2n.
    assert 1e6 * variance_of_orders(quantile_weights(1_000_001, 0.5), 1_000_001) == pytest.approx(math.pi / 2, rel=1e-4)


def test_unordered_quantiles_raise_with_their_values() -> None:
    with pytest.raises(ValueError, match=r"expected minimum <= median <= maximum, found minimum 5, median 4, maximum 6"):
        estimate(10, minimum=5, median=4, maximum=6)


def test_missing_and_infinite_quantiles_raise() -> None:
    with pytest.raises(ValueError, match=r"found median, maximum"):
        estimate(10, median=4, maximum=6)
    with pytest.raises(ValueError, match=r"expected finite quantiles and n of 2 or more, found n 10, minimum nan"):
        estimate(10, minimum=math.nan, median=4, maximum=6)
    with pytest.raises(ValueError, match=r"expected xi to be blom, exact or table, found 'tables'"):
        estimate(10, minimum=1, median=4, maximum=6, xi="tables")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"expected u_median 0 or more, found -1"):
        estimate(10, minimum=1, median=4, maximum=6, u_median=-1, u_minimum=1, u_maximum=1)


@pytest.mark.parametrize("n", [1, 0, -3, True])
def test_too_few_participants_raise(n: int) -> None:
    with pytest.raises(ValueError, match=r"expected an integer n of 2 or more"):
        estimate(n, minimum=1, median=4, maximum=6)


def test_fewer_participants_than_numbers_is_flagged() -> None:
    assert estimate(4, minimum=1, median=4, maximum=6).flags == ("n_below_5",)
    assert estimate(5, minimum=1, median=4, maximum=6).flags == ()


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("names", [("minimum", "median", "maximum"), ("q1", "median", "q3"), ("minimum", "q1", "median", "q3", "maximum")])
def test_reading_errors_are_those_of_redrawn_readings(method: str, names: tuple[str, ...]) -> None:
    five = {"minimum": 1.0, "q1": 3.0, "median": 4.4, "q3": 6.2, "maximum": 9.5}
    values, u = np.array([five[name] for name in names]), 0.02
    draws = values + u * np.random.default_rng(3).normal(size=(4000, len(names)))
    try:
        redrawn = METHODS[method](Quantiles(np.full(4000, 30), **dict(zip(names, draws.T, strict=True))))
    except ValueError:
        pytest.skip("not of this scenario")
    found = estimate(30, method=method, **{name: five[name] for name in names}, **{f"u_{name}": u for name in names})  # type: ignore[arg-type]
    # 4000 and 2000 draws give standard deviations to 1.1 % and 1.6 %: four of both together.
    assert found.u_mean == pytest.approx(np.std(redrawn.mean), rel=0.08)
    assert found.u_sd == pytest.approx(np.std(redrawn.sd), rel=0.08)


@pytest.mark.parametrize("method", list(METHODS))
def test_more_participants_leave_less_uncertainty(method: str) -> None:
    for names in (("minimum", "median", "maximum"), ("minimum", "q1", "median", "q3", "maximum")):
        five = {"minimum": 1.0, "q1": 3.0, "median": 4.4, "q3": 6.2, "maximum": 9.5}
        try:
            small, large = (estimate(n, method=method, **{name: five[name] for name in names}) for n in (12, 200))
        except ValueError:
            continue  # not of this scenario
        assert small.se_mean > large.se_mean > 0
        assert small.se_sd / small.sd > large.se_sd / large.sd > 0


SCENARIO_NAMES = {"C1": NAMES[::2], "C2": NAMES, "C3": NAMES[1:4]}


@pytest.mark.parametrize("n", [10, 40, 200])
@pytest.mark.parametrize("scenario", ["C1", "C2", "C3"])
@pytest.mark.parametrize("method", ["wan2014", "luo2018", "yang2022"])
def test_intervals_of_mean_and_sd_cover_what_they_claim_reading_error_included(method: str, scenario: str, n: int) -> None:
    u, sets = 0.05, 2000
    rng = np.random.default_rng(n)
    quantiles = np.quantile(rng.normal(0, 1, (sets, n)), [0, 0.25, 0.5, 0.75, 1], axis=1)
    read = np.sort(quantiles + u * rng.normal(size=quantiles.shape), axis=0)
    inside_mean = inside_sd = 0
    for k in range(sets):
        values = {name: float(read[NAMES.index(name), k]) for name in SCENARIO_NAMES[scenario]}  # type: ignore[index]
        found = estimate(n, method=method, **values, **{f"u_{name}": u for name in values})  # type: ignore[arg-type]
        low, high = found.mean_interval()
        inside_mean += low <= 0 <= high
        low, high = found.sd_interval()
        inside_sd += low <= 1 <= high
    assert 0.92 <= inside_mean / sets <= 0.98
    assert 0.92 <= inside_sd / sets <= 0.98
