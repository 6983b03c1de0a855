"""Mantel-Haenszel and Peto against metafor, and their laws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pool.measures import Counts
from pool.tables import TablesResult, cochran_mantel_haenszel, mantel_haenszel, mantel_haenszel_rates, peto

DATA = Path(__file__).parents[1] / "data"
MODELS: dict[str, Any] = json.loads((DATA / "metafor_models.json").read_text(encoding="utf-8"))["binary_models"]
SETS = [name for name, data in MODELS.items() if "MH_OR" in data]
SAME = {"estimate": "estimate", "se": "se", "ci_lb": "ci_lb", "ci_ub": "ci_ub", "zval": "z", "pval": "p", "Q": "q", "Qp": "q_p", "I2": "i2"}


def counts_of(name: str) -> Counts:
    return Counts(*(MODELS[name][k] for k in ("ai", "bi", "ci", "di")))


def assert_same(result: TablesResult, expected: dict[str, Any], names: list[str] | None = None) -> None:
    for theirs, ours in SAME.items():
        if names is None or theirs in names:
            np.testing.assert_allclose(getattr(result, ours), expected[theirs], rtol=1e-8, atol=1e-10, err_msg=theirs)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_mantel_haenszel(name: str, measure: str) -> None:
    assert_same(mantel_haenszel(measure, counts_of(name)), MODELS[name][f"MH_{measure}"])


@pytest.mark.parametrize("name", SETS)
def test_peto_and_the_test_of_cochran_mantel_and_haenszel(name: str) -> None:
    assert_same(peto(counts_of(name)), MODELS[name]["PETO"])
    for correct in (True, False):
        expected = MODELS[name].get(f"CMH_correct_{str(correct).upper()}")
        if expected:
            np.testing.assert_allclose(cochran_mantel_haenszel(counts_of(name), correct=correct), list(expected.values()), rtol=1e-8)


def test_rates() -> None:
    data = MODELS["nielweise2008_MH_IRR"]
    result = mantel_haenszel_rates(*(data[k] for k in ("x1i", "t1i", "x2i", "t2i")))
    assert_same(result, data, ["estimate", "se", "ci_lb", "ci_ub", "Q"])


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_swapping_the_arms_changes_the_sign(measure: str) -> None:
    a, b, c, d = counts_of(SETS[0]).cells
    here, there = mantel_haenszel(measure, Counts(a, b, c, d)), mantel_haenszel(measure, Counts(c, d, a, b))
    assert there.estimate == pytest.approx(-here.estimate, rel=1e-12)
    assert there.se == pytest.approx(here.se, rel=1e-12)


def test_one_table_is_its_own_odds_ratio() -> None:
    assert mantel_haenszel("OR", Counts([10], [20], [5], [30])).estimate == pytest.approx(np.log(10 * 30 / (20 * 5)))


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="expected events and non-events enough for a Mantel-Haenszel OR, found sums 0 and 2"):
        mantel_haenszel("OR", Counts([0, 0], [10, 10], [2, 2], [8, 8]))
    with pytest.raises(ValueError, match="expected a table with events and non-events, found none among 1"):
        peto(Counts([0], [10], [0], [10]))
    with pytest.raises(ValueError, match="expected a measure of Mantel-Haenszel"):
        mantel_haenszel("HR", Counts([1], [1], [1], [1]))


def test_a_risk_difference_without_events_is_refused() -> None:
    with pytest.raises(ValueError, match="expected events and non-events for a variance of the pooled RD, found a variance of 0"):
        mantel_haenszel("RD", Counts([0, 0], [20, 30], [0, 0], [20, 30]))
