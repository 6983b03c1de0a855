"""Closed-form estimators of mean and SD against metafor, metamedian and metaBLUE, and their laws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract import METHODS, Quantiles, estimate, recommend
from extract.closedforms import eta, luo2018_shi2020, shi2020_lognormal, shi2023_skewness, wan2014, xi

DATA: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "estimators.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = DATA["cases"]
NAMES = {"min": "minimum", "q1": "q1", "median": "median", "q3": "q3", "max": "maximum"}
THEIRS = {"wan2014": "wan2014", "hozo2005": "hozo2005", "walter2007": "walter2007", "bland2015": "bland2015"}
THEIRS |= {"luo2018": "luo2018_wan2014_shi2020", "shi2020_lognormal": "lognormal_shi2020b", "yang2022": "blue_yang2022"}


def of(case: dict[str, Any]) -> Quantiles:
    return Quantiles(case["n"], **{NAMES[k]: v for k, v in case["input"].items()})


@pytest.mark.parametrize("name", list(THEIRS))
def test_closed_forms_have_the_reference_s_digits(name: str) -> None:
    seen = 0
    for case in CASES:
        expected = case["methods"].get(THEIRS[name])
        if not expected or expected.get("mean") is None:
            continue
        found = METHODS[name](of(case))
        # Walter's expected range is an integral that R took to nine digits; the reference of BLUE inverts its matrices.
        within = {"walter2007": 1e-8, "yang2022": 1e-9}.get(name, 1e-12)
        ours, theirs = [found.mean[0], found.sd[0]], [expected["mean"], expected["sd"]]
        np.testing.assert_allclose(ours, theirs, rtol=within, atol=within, err_msg=case["id"])
        seen += 1
    assert seen > 90


@pytest.mark.parametrize("key", ["skew_test_shi2023", "skew_test_log_shi2023"])
def test_skewness(key: str) -> None:
    for case in CASES:
        expected = case["methods"].get(key)
        if not expected or expected.get("tval") is None:
            continue
        found = shi2023_skewness(of(case).mapped(np.log) if "log" in key else of(case))
        np.testing.assert_allclose([found.statistic[0], found.critical[0]], [expected["tval"], expected["crit"]], rtol=1e-12, atol=1e-12)
        assert bool(found.is_skewed[0]) == expected["significant"]


def test_many_arms_at_once_are_the_single_ones() -> None:
    rows = [case for case in CASES if case["scenario"] == "C2"]
    columns = {NAMES[k]: [case["input"][k] for case in rows] for k in ("min", "q1", "median", "q3", "max")}
    together = wan2014(Quantiles([case["n"] for case in rows], **columns))
    for k, case in enumerate(rows):
        alone = estimate(case["n"], **{NAMES[name]: v for name, v in case["input"].items()})
        assert together.mean[k] == pytest.approx(alone.mean, rel=1e-12, abs=1e-12)
        assert together.sd[k] == pytest.approx(alone.sd, rel=1e-12, abs=1e-12)


FIVE = st.lists(st.floats(1, 1000), min_size=5, max_size=5, unique=True).map(sorted)
SCENARIOS = {"C1": (0, 2, 4), "C2": (0, 1, 2, 3, 4), "C3": (1, 2, 3)}
ORDER = ("minimum", "q1", "median", "q3", "maximum")


def chosen(five: list[float], scenario: str, n: int) -> Quantiles:
    return Quantiles(n, **{ORDER[k]: five[k] for k in SCENARIOS[scenario]})


@given(FIVE, st.sampled_from(list(SCENARIOS)), st.integers(5, 500), st.floats(0.01, 100), st.floats(-500, 500))
def test_linear_methods_shift_and_scale_with_the_unit(five: list[float], scenario: str, n: int, scale: float, shift: float) -> None:
    q = chosen(five, scenario, n)
    for method in (wan2014, luo2018_shi2020):
        here, there = method(q), method(q.mapped(lambda v: scale * v + shift))
        span = scale * (five[-1] - five[0]) + abs(shift) + scale * five[-1]
        assert there.mean[0] == pytest.approx(scale * here.mean[0] + shift, abs=1e-10 * span)
        assert there.sd[0] == pytest.approx(scale * here.sd[0], abs=1e-10 * span)
        assert here.sd[0] >= 0


@given(FIVE, st.sampled_from(list(SCENARIOS)), st.integers(5, 500))
def test_reflection_turns_the_mean_round(five: list[float], scenario: str, n: int) -> None:
    mirrored = [-v for v in reversed(five)]
    for method in (wan2014, luo2018_shi2020):
        here, there = method(chosen(five, scenario, n)), method(chosen(mirrored, scenario, n))
        assert there.mean[0] == pytest.approx(-here.mean[0], rel=1e-12)
        assert there.sd[0] == pytest.approx(here.sd[0], rel=1e-12)


@given(FIVE, st.sampled_from(list(SCENARIOS)), st.integers(5, 500), st.floats(0.01, 100))
def test_the_log_normal_does_not_depend_on_the_unit(five: list[float], scenario: str, n: int, scale: float) -> None:
    q = chosen(five, scenario, n)
    here, there = shi2020_lognormal(q), shi2020_lognormal(q.mapped(lambda v: scale * v))
    assert there.mean[0] == pytest.approx(scale * here.mean[0], rel=1e-9)


def test_recommendations_follow_the_skewness() -> None:
    even = recommend(Quantiles(40, minimum=1.0, q1=3.0, median=4.0, q3=5.0, maximum=7.0))
    assert (even.method, even.flags) == ("luo2018", ())
    skewed = recommend(Quantiles(100, minimum=0.5, q1=2.0, median=4.0, q3=8.0, maximum=40.0))
    assert (skewed.method, skewed.flags) == ("shi2020_lognormal", ("skewed",))
    neither = recommend(Quantiles(100, minimum=-1.0, q1=2.0, median=2.1, q3=8.0, maximum=40.0))
    assert (neither.method, neither.flags) == ("mcgrath2020_qe", ("skewed",))
    tied = recommend(Quantiles(100, minimum=-1.0, q1=2.0, median=2.0, q3=8.0, maximum=40.0))
    assert (tied.method, tied.flags) == ("luo2018", ("skewed",))
    assert {name for name, _, _ in even.spread} == set(METHODS) - {"hozo2005", "walter2007"}
    assert even.sd_ratio > 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Quantiles(10, median=3, minimum=4, maximum=5),
            "expected minimum <= median <= maximum, found minimum 4, median 3, maximum 5",
        ),
        (lambda: Quantiles(10, median=3, minimum=1), "expected the median with minimum and maximum, q1 and q3, or all four, found"),
        (lambda: Quantiles(1, median=3, q1=2, q3=4), "expected finite quantiles and n of 2 or more, found n 1"),
        (lambda: METHODS["hozo2005"](Quantiles(10, median=3, q1=2, q3=4)), "expected scenario C1 for hozo2005, found C3"),
        (lambda: shi2020_lognormal(Quantiles(10, median=3, q1=-2, q3=4)), "expected quantiles above 0 for a log-normal, found -2"),
        (lambda: recommend(Quantiles(4, median=3, q1=2, q3=4)), "expected one arm with 5 participants or more, found 1 with n 4"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_expected_ranges_are_the_integrals_and_the_printed_table() -> None:
    for table, function in ((DATA["wan_tables"]["xi"], xi), (DATA["wan_tables"]["eta"], eta)):
        name = function.__name__
        for row in table:
            n = np.array([float(row["n"])])
            if row["n"] < 2:
                continue
            assert function(n, "exact")[0] == pytest.approx(row[f"{name}_exact"], abs=1e-10)
            assert function(n)[0] == pytest.approx(row[f"{name}_blom"], abs=1e-12)
            if name == "xi" and row["n"] <= 50:
                assert function(n, "table")[0] == row["published_table1"]
    # Table 2 prints 1.311 and 1.330 for Q = 12 and 24, where the expectations are 1.3105 and 1.3295, less than half a unit below.
    np.testing.assert_array_equal(eta(np.array([49.0, 97.0, 40.0]), "table"), [1.311, 1.330, eta(np.array([41.0]), "table")[0]])
    with pytest.raises(ValueError, match="expected n up to 50 for Table 1 of Wan 2014, found 51"):
        xi(np.array([51.0]), "table")
