"""Effect measures against metafor's escalc, and their laws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pool.measures import (
    Counts,
    PairedMeans,
    TwoMeans,
    binary_effects,
    correlation_effects,
    hazard_ratio_effects,
    hedges_j,
    mean_effects,
    paired_effects,
    proportion_effects,
    rate_effects,
    single_mean_effects,
    single_rate_effects,
)

Floats = NDArray[np.float64]
CASES = json.loads((Path(__file__).parents[1] / "data" / "escalc.json").read_text(encoding="utf-8"))["cases"]


def ours(measure: str, args: dict[str, Any]) -> tuple[Floats, Floats] | None:
    keys = set(args)
    options = {k: args[k] for k in ("add", "to", "drop00") if k in args}
    if {"vtype", "correct"} & keys and not (measure == "SMD" and args.get("vtype") == "LS"):
        return None
    if measure in ("OR", "RR", "RD", "AS", "PETO") and "ai" in keys:
        return binary_effects(measure, Counts(*(args[k] for k in ("ai", "bi", "ci", "di"))), **options)
    if measure in ("MD", "SMD", "SMD1", "SMDH", "ROM", "VR", "CVR") and "n1i" in keys:
        return mean_effects(measure, TwoMeans(*(args[k] for k in ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"))))
    if measure in ("MC", "SMCC", "SMCR", "ROMC", "VRC", "CVRC"):
        return paired_effects(measure, PairedMeans(*(args[k] for k in ("m1i", "m2i", "sd1i", "sd2i", "ri", "ni"))))
    if measure in ("PR", "PLN", "PLO", "PRZ", "PAS", "PFT"):
        return proportion_effects(measure, args["xi"], args["ni"])
    if measure in ("MN", "MNLN", "SMN", "SDLN", "CVLN"):
        return single_mean_effects(measure, args["mi"], args["sdi"], args["ni"])
    if measure in ("COR", "ZCOR"):
        return correlation_effects(measure, args["ri"], args["ni"])
    if measure in ("IRR", "IRD", "IRSD"):
        return rate_effects(measure, args["x1i"], args["t1i"], args["x2i"], args["t2i"])
    if measure in ("IR", "IRLN", "IRS", "IRFT"):
        return single_rate_effects(measure, args["xi"], args["ti"])
    return None


COVERED = [case for case in CASES if ours(case["measure"], case["args"]) is not None]


def test_most_of_the_reference_is_covered() -> None:
    assert len(COVERED) >= 51


@pytest.mark.parametrize("case", COVERED, ids=lambda case: f"{case['measure']}: {case['id']}")
def test_escalc(case: dict[str, Any]) -> None:
    found = ours(case["measure"], case["args"])
    assert found is not None
    for values, expected in zip(found, (case["yi"], case["vi"]), strict=True):
        theirs = np.array([np.nan if v is None else v for v in expected], dtype=float)
        np.testing.assert_allclose(values, theirs, rtol=1e-10, atol=1e-12)


def test_swapping_the_arms_changes_the_sign_and_nothing_else() -> None:
    counts, swapped = Counts([3, 0], [17, 20], [8, 4], [12, 30]), Counts([8, 4], [12, 30], [3, 0], [17, 20])
    for measure in ("OR", "RR", "RD", "AS", "PETO"):
        (y, v), (ys, vs) = binary_effects(measure, counts), binary_effects(measure, swapped)
        np.testing.assert_allclose((ys, vs), (-y, v))
    means, turned = TwoMeans([5.0], [2.0], [10], [4.0], [1.5], [14]), TwoMeans([4.0], [1.5], [14], [5.0], [2.0], [10])
    for measure in ("MD", "SMD", "SMDH", "ROM", "VR", "CVR"):
        (y, v), (ys, vs) = mean_effects(measure, means), mean_effects(measure, turned)
        np.testing.assert_allclose((ys, vs), (-y, v))


def test_standardised_and_ratio_measures_do_not_depend_on_the_unit() -> None:
    for measure in ("SMD", "SMDH", "ROM", "VR", "CVR"):
        here = mean_effects(measure, TwoMeans([5.0], [2.0], [10], [4.0], [1.5], [14]))
        there = mean_effects(measure, TwoMeans([50.0], [20.0], [10], [40.0], [15.0], [14]))
        np.testing.assert_allclose(here, there)


def test_hedges_factor_at_4_degrees_of_freedom() -> None:
    # G(2) / (sqrt(2) G(1.5)) = 1 / (sqrt(2) sqrt(pi) / 2)
    assert hedges_j(4) == pytest.approx(2 / np.sqrt(2 * np.pi), rel=1e-14)
    assert np.isnan(hedges_j(1))


def test_a_hazard_ratio_and_its_limits() -> None:
    yi, vi = hazard_ratio_effects(0.5, 0.5 / np.e, 0.5 * np.e)
    assert yi[0] == pytest.approx(np.log(0.5))
    assert vi[0] == pytest.approx((1 / 1.959963984540054) ** 2)
    with pytest.raises(ValueError, match=r"expected a hazard ratio between its limits, all above 0, found 2 \(0.5 to 1.5\)"):
        hazard_ratio_effects(2, 0.5, 1.5)


def test_what_is_not_defined_is_nan() -> None:
    yi, vi = mean_effects("ROM", TwoMeans([-1.0, 2.0], [1, 1], [5, 5], [2.0, 2.0], [1, 1], [5, 5]))
    assert np.isnan(yi[0])
    assert np.isnan(vi[0])
    assert yi[1] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Counts([1], [2], [-1], [2]), "expected ci of 0 or more, found -1"),
        (lambda: Counts([1, 2], [2], [1], [2]), "expected columns of one length, found ai 2, bi 1, ci 1, di 1"),
        (lambda: binary_effects("MD", Counts([1], [2], [1], [2])), "expected a measure of two by two tables"),
        (lambda: proportion_effects("PR", 5, 4), "expected events between 0 and the number of participants, found 5"),
        (lambda: PairedMeans([1], [2], [1], [1], [1.2], [10]), "expected correlations between -1 and 1, found 1.2"),
        (lambda: correlation_effects("ZCOR", 2, 10), "expected correlations between -1 and 1, found 2"),
    ],
)
def test_bad_input_raises_with_the_value(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_what_nobody_took_part_in_has_no_effect() -> None:
    for measure in ("OR", "RR", "RD"):
        yi, vi = binary_effects(measure, Counts([0, 1], [0, 9], [3, 2], [17, 8]))
        assert np.isnan(yi).tolist() == np.isnan(vi).tolist() == [True, False]
    for measure in ("PR", "PLN", "PLO", "PRZ", "PAS", "PFT"):
        yi, vi = proportion_effects(measure, [0, 0], [0, 5])
        assert np.isnan(yi).tolist() == np.isnan(vi).tolist() == [True, False], measure


def test_rates_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="expected events of 0 or more in a person-time above 0, found -1 in 10"):
        rate_effects("IRR", [2, -1], [10, 10], [1, 1], [10, 10])
    with pytest.raises(ValueError, match="found 2 in 0"):
        rate_effects("IRD", [2], [10], [2], [0])
    with pytest.raises(ValueError, match="found 1 in 0"):
        single_rate_effects("IR", [1], [0])
