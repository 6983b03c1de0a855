"""Wan 2014 against its published table, an independent grid, simulation, and the laws of a linear estimator."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract import iqr_per_sd, range_per_sd, wan2014
from extract.normal import expected_order, quantile_weights, variance_of_orders

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


def test_expected_ranges_match_quadrature_with_25_digits(shared: Path) -> None:
    tables = json.loads((shared / "reference" / "wan2014_tables.json").read_text())
    rows = [row for row in tables["xi"] if row["n"] >= 2]
    assert len(rows) == 64  # so that the check cannot quietly shrink
    for row in rows:
        assert range_per_sd(row["n"], "exact") == pytest.approx(row["xi_exact"], abs=1e-10)
        assert range_per_sd(row["n"]) == pytest.approx(row["xi_blom"], abs=1e-12)
    assert len(tables["eta"]) == 50
    for row in tables["eta"]:
        assert iqr_per_sd(row["n"], "exact") == pytest.approx(row["eta_exact"], abs=1e-10)
        assert iqr_per_sd(row["n"]) == pytest.approx(row["eta_blom"], abs=1e-12)


def test_all_three_scenarios_match_the_independent_grid(shared: Path) -> None:
    cases = json.loads((shared / "reference" / "estimators_grid.json").read_text())["cases"]
    compared = 0
    for case in cases:
        expected = case["methods"].get("wan2014")
        if not expected or expected["mean"] is None:
            continue  # the reference does not estimate below n = 5
        given_values = {{"min": "minimum", "max": "maximum"}.get(name, name): value for name, value in case["input"].items()}
        estimate = wan2014(case["n"], **given_values)
        assert estimate.scenario == case["scenario"]
        # The reference prints 15 digits.
        assert estimate.mean == pytest.approx(expected["mean"], rel=1e-12, abs=1e-14), case["id"]
        assert estimate.sd == pytest.approx(expected["sd"], rel=1e-12, abs=1e-14), case["id"]
        compared += 1
    assert compared > 270


def test_range_of_ten_patients_by_hand() -> None:
    estimate = wan2014(10, minimum=2.0, median=4.0, maximum=6.5)
    assert estimate.mean == 4.125  # (2 + 8 + 6.5) / 4
    assert estimate.sd == pytest.approx(1.45477090921665, rel=1e-12)  # 4.5 / 3.09328...
    assert estimate.method == "wan2014 (C1, Blom)"
    exact = wan2014(10, minimum=2.0, median=4.0, maximum=6.5, xi="exact")
    assert exact.sd == pytest.approx(4.5 / 3.07751, rel=1e-5)
    assert exact.method == "wan2014 (C1, exact)"


def test_quartiles_and_five_numbers_by_hand() -> None:
    quartiles = wan2014(40, q1=3.0, median=4.5, q3=6.0)
    assert quartiles.mean == 4.5
    assert quartiles.sd == pytest.approx(2.30679, abs=5e-6)
    five = wan2014(22, minimum=1.0, q1=3.0, median=4.4, q3=6.0, maximum=9.5)
    assert five.mean == pytest.approx(4.6625)  # (1 + 6 + 8.8 + 12 + 9.5) / 8
    assert five.sd == pytest.approx(2.30150782310616, rel=1e-12)
    assert five.method == "wan2014 (C2, Blom)"
    flat = wan2014(12, minimum=5.0, q1=5.0, median=5.0, q3=5.0, maximum=5.0)
    assert (flat.mean, flat.sd, flat.se_mean) == (5.0, 0.0, 0.0)


ordered = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=5, max_size=5).map(sorted)


@given(values=ordered, n=st.integers(2, 300), scale=st.floats(0.01, 100), shift=st.floats(-1e3, 1e3))
def test_wan2014_follows_a_change_of_units(values: list[float], n: int, scale: float, shift: float) -> None:
    for names in (("minimum", "median", "maximum"), ("q1", "median", "q3"), ("minimum", "q1", "median", "q3", "maximum")):
        chosen = values[:: 2 if len(names) == 3 else 1]
        here = wan2014(n, **dict(zip(names, chosen, strict=True)))  # type: ignore[arg-type]
        moved = sorted(scale * value + shift for value in chosen)
        there = wan2014(n, **dict(zip(names, moved, strict=True)))  # type: ignore[arg-type]
        # Rounding of values up to 1e5 in size; an SD may be their difference divided by xi(2) = 1.18 or eta(2) = 0.5.
        assert there.mean == pytest.approx(scale * here.mean + shift, rel=1e-9, abs=1e-9)
        assert there.sd == pytest.approx(scale * here.sd, rel=1e-9, abs=1e-9)


@given(values=ordered, n=st.integers(2, 300))
def test_mirrored_quantiles_give_the_mirrored_mean_and_the_same_sd(values: list[float], n: int) -> None:
    low, q1, middle, q3, high = values
    here = wan2014(n, minimum=low, q1=q1, median=middle, q3=q3, maximum=high)
    there = wan2014(n, minimum=-high, q1=-q3, median=-middle, q3=-q1, maximum=-low)
    assert there.mean == pytest.approx(-here.mean, abs=1e-9)
    assert there.sd == pytest.approx(here.sd, abs=1e-9)


def test_reading_uncertainty_is_that_of_redrawn_readings() -> None:
    rng = np.random.default_rng(1)
    readings = np.array([2.0, 4.0, 6.5]) + rng.normal(size=(20_000, 3)) * [0.05, 0.02, 0.08]
    drawn = [wan2014(10, minimum=a, median=m, maximum=b) for a, m, b in readings.tolist()]
    estimate = wan2014(10, minimum=2.0, median=4.0, maximum=6.5, u_minimum=0.05, u_median=0.02, u_maximum=0.08)
    # 20 000 draws give a standard deviation to 0.5 %; three times that.
    assert estimate.u_mean == pytest.approx(np.std([e.mean for e in drawn]), rel=0.015)
    assert estimate.u_sd == pytest.approx(np.std([e.sd for e in drawn]), rel=0.015)


def test_unknown_reading_uncertainty_stays_unknown() -> None:
    partly = wan2014(10, minimum=2.0, median=4.0, maximum=6.5, u_minimum=0.05, u_maximum=0.08)
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
    estimate = wan2014(n, **chosen)
    assert estimate.se_mean / (estimate.sd / math.sqrt(n)) == pytest.approx(ratio, rel=0.003)  # simulation error and printed digits


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
        wan2014(10, minimum=5, median=4, maximum=6)


def test_missing_and_infinite_quantiles_raise() -> None:
    with pytest.raises(ValueError, match=r"found median, maximum"):
        wan2014(10, median=4, maximum=6)
    with pytest.raises(ValueError, match=r"expected finite quantiles, found minimum nan"):
        wan2014(10, minimum=math.nan, median=4, maximum=6)
    with pytest.raises(ValueError, match=r"expected xi to be blom or exact, found 'tables'"):
        wan2014(10, minimum=1, median=4, maximum=6, xi="tables")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"expected u_median 0 or more, found -1"):
        wan2014(10, minimum=1, median=4, maximum=6, u_median=-1, u_minimum=1, u_maximum=1)


@pytest.mark.parametrize("n", [1, 0, -3, True])
def test_too_few_participants_raise(n: int) -> None:
    with pytest.raises(ValueError, match=r"expected an integer n of 2 or more"):
        wan2014(n, minimum=1, median=4, maximum=6)


def test_fewer_participants_than_numbers_is_flagged() -> None:
    assert wan2014(4, minimum=1, median=4, maximum=6).flags == ("n_below_5",)
    assert wan2014(5, minimum=1, median=4, maximum=6).flags == ()
