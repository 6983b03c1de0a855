"""Tests of small-study effects against metafor, and their laws."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pool import Effect, Effects, combine
from pool.bias import begg, egger, egger_mixed, harbord, peese, pet, peters, trim_and_fill
from pool.measures import Counts, binary_effects

DATA = Path(__file__).parents[1] / "data"
POOLED: dict[str, Any] = json.loads((DATA / "metafor_pooled.json").read_text(encoding="utf-8"))
BIAS: dict[str, Any] = json.loads((DATA / "metafor_bias.json").read_text(encoding="utf-8"))
SETS = [name for name in BIAS if "regtest" in BIAS[name] and POOLED[name]["k"] >= 3]
WITHIN = 1e-8


def arrays(name: str) -> tuple[list[float], list[float]]:
    return POOLED[name]["yi"], POOLED[name]["vi"]


@pytest.mark.parametrize("name", SETS)
def test_egger(name: str) -> None:
    for key, result in (("lm|sei", egger(*arrays(name))), ("rma|sei", egger_mixed(*arrays(name)))):
        expected = BIAS[name]["regtest"].get(key)
        if expected is None or "error" in expected:
            continue
        ours = [result.statistic, result.p, result.limit, result.limit_lb, result.limit_ub]
        theirs = [expected[k] for k in ("stat", "pval", "limit", "limit_lb", "limit_ub")]
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=WITHIN, err_msg=key)  # tau2 near 0 is where metafor stops early


@pytest.mark.parametrize("name", SETS)
def test_begg(name: str) -> None:
    result = begg(*arrays(name))
    assert result.statistic == pytest.approx(BIAS[name]["ranktest"]["tau"], abs=WITHIN)
    # With ties R uses Kendall's normal approximation, as we do; among 102 variances printed with 15 digits other ones tie than in R.
    assert result.p == pytest.approx(BIAS[name]["ranktest"]["pval"], abs=1e-4 if result.k > 100 else 1e-8)


@pytest.mark.parametrize("name", SETS)
def test_pet_and_peese(name: str) -> None:
    for key, line in (("pet_wls", pet(*arrays(name))), ("peese_wls", peese(*arrays(name)))):
        if key in BIAS[name]:
            np.testing.assert_allclose([line.intercept, line.slope], [BIAS[name][key][k] for k in ("intercept", "slope")], rtol=1e-7)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("key", [f"{estimator}|{method}" for estimator in ("L0", "R0", "Q0") for method in ("EE", "DL", "REML")])
def test_trim_and_fill(name: str, key: str) -> None:
    expected = BIAS[name].get("trimfill", {}).get(key)
    if not expected or "error" in expected:
        pytest.skip("not in the reference")
    estimator, method = key.split("|")
    result = trim_and_fill(*arrays(name), method=method, estimator=estimator)
    assert (result.k0, result.side) == (expected["k0"], expected["side"])
    if result.k0 < POOLED[name]["k"] - 1:  # a single study that is left lies on the centre: rounding says to which side it counts
        assert result.se_k0 == pytest.approx(expected["se_k0"], rel=1e-6)
    filled = Effects("GEN", tuple(Effect(str(k), y, v) for k, (y, v) in enumerate(zip(result.yi, result.vi, strict=True))))
    pooled = combine(filled, method)
    # metafor fits REML here with its default threshold, 1e-5 of tau2.
    within = 1e-3 if method == "REML" else 1e-8
    ours = [pooled.estimate, pooled.se, pooled.tau2]
    np.testing.assert_allclose(ours, [expected[k] for k in ("estimate", "se", "tau2")], rtol=within, atol=1e-8)


def test_a_symmetric_funnel_lacks_nothing() -> None:
    yi, vi = [0.0, -1.0, 1.0, -2.0, 2.0, 0.5, -0.5], [0.1, 0.5, 0.5, 1.0, 1.0, 0.3, 0.3]
    assert trim_and_fill(yi, vi).k0 == 0
    assert egger(yi, vi).statistic == pytest.approx(0.0, abs=1e-12)


def test_mirroring_the_effects_mirrors_the_result() -> None:
    yi, vi = arrays("bcg_RR")
    here, there = trim_and_fill(yi, vi, method="EE"), trim_and_fill([-y for y in yi], vi, method="EE")
    assert (here.k0, {here.side, there.side}) == (there.k0, {"left", "right"})
    assert egger([-y for y in yi], vi).statistic == pytest.approx(-egger(yi, vi).statistic)


def test_few_studies_are_said_to_be_too_few() -> None:
    assert egger(*arrays("bcg_RR")).caution == ""
    assert egger([0.1, 0.2, 0.4], [0.1, 0.2, 0.3]).caution.startswith("3 studies: with fewer than 10")


def test_tests_for_tables_find_what_was_put_in() -> None:
    n = np.array([20, 30, 40, 60, 80, 120, 200, 300, 500, 800, 1000, 1500])
    control = np.round(0.3 * n)
    treated = np.round(n * (0.3 - 1.2 / np.sqrt(n)).clip(0.02))  # the smaller the study, the larger the effect
    counts = Counts(treated, n - treated, control, n - control)
    assert harbord(counts).p < 0.01
    assert peters(counts, binary_effects("OR", counts)[0]).p < 0.05
    events = np.random.default_rng(1).binomial(n, 0.2)
    even = Counts(events, n - events, control, n - control)
    assert harbord(even).p > 0.2
    assert math.isinf(begg(*binary_effects("OR", even)).df)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="expected 3 effects or more"):
        egger([1, 2], [1, 1])
    with pytest.raises(ValueError, match="expected estimator L0, R0 or Q0, found 'M0'"):
        trim_and_fill(*arrays("bcg_RR"), estimator="M0")


def test_a_line_through_studies_of_one_precision_is_refused() -> None:
    yi, vi = [0.1, 0.5, 0.9, 0.2], [0.1] * 4
    for test in (egger, pet, peese):
        with pytest.raises(ValueError, match="of different precision for a line, found 4 studies and 1 precisions"):
            test(yi, vi)
    with pytest.raises(ValueError, match="expected 3 studies or more"):
        peters(Counts([1, 2, 0], [5, 6, 7], [2, 3, 0], [5, 5, 5]), [0.1, 0.2, 0.0])
