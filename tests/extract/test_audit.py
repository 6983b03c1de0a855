"""Checks of numbers against other programs, planted errors and clean tables."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audit_power import clean_table, rates

from extract import ArmSummary
from extract.audit import audit_arms, debit, grim, grimmer, sd_limits
from extract.audit.limits import range_over_sd, samuelson
from extract.audit.pvalues import Printed, baseline, possible_p, possible_paired_p, t_test, welch_test

DATA: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "audit.json").read_text(encoding="utf-8"))


def test_grim_and_grimmer_are_right_in_every_case() -> None:
    for case in DATA["grim_grimmer_cases"]:
        scale = (case["lo"], case["hi"])
        assert grim(case["mean"], case["n"]) == case["grim"], case
        found = grimmer(case["mean"], case["sd"], case["n"], scale)
        assert found.is_possible == case["grimmer_bounded"], case
        if found.is_possible:
            values = np.array(found.witness)
            assert (len(values), values.min() >= scale[0], values.max() <= scale[1]) == (case["n"], True, True)
            # Half a unit of the last printed digit, either way.
            assert abs(values.mean() - float(case["mean"])) <= 0.5 * 10.0 ** -len(case["mean"].partition(".")[2]) + 1e-9
            assert abs(values.std(ddof=1) - float(case["sd"])) <= 0.5 * 10.0 ** -len(case["sd"].partition(".")[2]) + 1e-9


def test_genuine_samples_pass_without_a_scale_too() -> None:
    rng = np.random.default_rng(8)
    for _ in range(60):
        values = rng.integers(-3, 9, rng.integers(3, 30))
        assert grimmer(f"{values.mean():.2f}", f"{values.std(ddof=1):.2f}", len(values)).is_possible


def test_debit_and_limits_of_sds() -> None:
    for case in DATA["debit"]:
        assert debit(case["x"], case["sd"], case["n"]) == case["debit"], case
    for case in DATA["sd_bounds"]:
        found = sd_limits(case["mean"], case["n"], case["lo"], case["hi"])
        assert found.highest == pytest.approx(case["sd_max_formula"], rel=1e-12)
        is_whole = abs(case["mean"] * case["n"] - round(case["mean"] * case["n"])) < 1e-9
        if is_whole and case["sd_max_exact"] is not None:
            exact = sd_limits(case["mean"], case["n"], case["lo"], case["hi"], whole=True).highest
            assert exact == pytest.approx(case["sd_max_exact"], abs=1e-9)


def test_inequalities_hold_for_any_sample() -> None:
    rng = np.random.default_rng(1)
    for n in range(3, 12):
        values = rng.exponential(size=n)
        low, high = samuelson(float(values.mean()), float(values.std(ddof=1)), n)
        assert low <= values.min() + 1e-9
        assert values.max() <= high + 1e-9
        least, most = range_over_sd(n)
        assert least - 1e-9 <= np.ptp(values) / values.std(ddof=1) <= most + 1e-9


def test_t_tests_and_baseline_p_values() -> None:
    for case in DATA["t_reference"]:
        args = [case[k] for k in ("m1", "s1", "n1", "m2", "s2", "n2")]
        student, welch = t_test(*args), welch_test(*args)
        np.testing.assert_allclose([student.t, student.df, student.p], [case[k] for k in ("t", "df", "p")], rtol=1e-9)
        np.testing.assert_allclose([welch.t, welch.df, welch.p], [case[k] for k in ("welch_t", "welch_df", "welch_p")], rtol=1e-9)
    found, expected = baseline(DATA["carlisle"]["pvals"]), DATA["carlisle"]
    ours = [found.stouffer_z, found.stouffer_p, found.ks_statistic, found.ks_p, found.fisher_p]
    theirs = [expected["stouffer_z"], expected["stouffer_p"], *expected["ks"], expected["fisher"]]
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_printed_p_lies_within_what_rounding_allows() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        a, b = rng.normal(5, 2, 20), rng.normal(6, 2.5, 24)
        arms = [Printed(len(v), f"{v.mean():.1f}", f"{v.std(ddof=1):.1f}") for v in (a, b)]
        p = t_test(float(a.mean()), float(a.std(ddof=1)), 20, float(b.mean()), float(b.std(ddof=1)), 24).p
        low, high = possible_p(*arms)
        assert low - 1e-12 <= p <= high + 1e-12
    # 7.5 (2.2) to 4.7 (1.8) in 40 people cannot have p = 0.034, whatever the correlation.
    assert possible_paired_p(Printed(40, "7.5", "2.2"), Printed(40, "4.7", "1.8"))[1] < 0.001


def test_clean_tables_raise_no_alarm_and_planted_errors_are_caught() -> None:
    found = rates(tables=300, seed=3)
    assert found["false alarm"] <= 2
    assert found["SE for SD"] >= 95
    assert found["slipped digit"] >= 90
    assert found["turned sign"] >= 90


def test_single_arms() -> None:
    arms = [ArmSummary("A", "drug", 10, 3.0, 6.0), ArmSummary("B", "drug", 10, 12.0, 1.0), ArmSummary("C", "drug", 10, 5.05, 1.2)]
    found = {(f.check, f.severity) for f in audit_arms(arms, (0, 10), whole=True)}
    assert {("sd limit", "impossible"), ("scale", "impossible"), ("grim", "impossible"), ("skewed", "unusual")} <= found
    twice = audit_arms([ArmSummary("A", "drug", 10, 3.0, 1.0), ArmSummary("B", "drug", 10, 3.0, 1.0)])
    assert [f.check for f in twice] == ["twice"]


def test_the_order_of_arms_does_not_matter() -> None:
    arms = clean_table(np.random.default_rng(9))
    arms[3] = replace(arms[3], sd=arms[3].sd / math.sqrt(arms[3].n))
    here, there = audit_arms(arms), audit_arms(arms[::-1])
    assert {(f.check, f.where) for f in here if f.check == "se for sd"} == {(f.check, f.where) for f in there if f.check == "se for sd"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grim("x", 10), "expected a number as it is printed, found 'x'"),
        (lambda: grim("1.0", 0), "expected n and items of 1 or more, found 0 and 1"),
        (lambda: grimmer("1.0", "1.0", 1), "expected n of 2 or more for an SD, found 1"),
        (lambda: grimmer("1.0", "1.0", 10, (0, 1000)), "expected a scale of up to 120 steps"),
        (lambda: sd_limits(11, 10, 0, 10), "expected n of 2 or more and a mean between 0 and 10, found 10 and 11"),
        (lambda: baseline([0.0]), "expected p-values between 0 and 1, found 0"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
