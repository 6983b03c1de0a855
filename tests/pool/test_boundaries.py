"""Boundaries of efficacy against rpact, of futility against RTSA and rpact, and both against what they promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from pool.boundaries import Design, boundaries, spent, with_futility, with_futility_at

TSA: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "tsa.json").read_text(encoding="utf-8"))


def test_five_equal_looks() -> None:
    np.testing.assert_allclose(boundaries([0.2, 0.4, 0.6, 0.8, 1.0]), [4.8769, 3.3570, 2.6803, 2.2898, 2.0310], atol=5e-5)


@pytest.mark.parametrize("name", list(TSA["rpact"]))
def test_boundaries_are_rpact_s(name: str) -> None:
    _, alpha, kind, _ = name.split("|")
    case = TSA["rpact"][name]
    found = boundaries(case["t"], float(alpha), "OBF" if kind == "asOF" else "POC")
    crit = np.array(case["crit"])
    usual = crit < 4.5
    np.testing.assert_allclose(found[usual], crit[usual], atol=1e-4)
    # Beyond, the chance of crossing is less than one in a million, which the two integrations know to three digits.
    np.testing.assert_allclose(found[~usual], crit[~usual], atol=2e-3)


def numbers(values: list[float | None]) -> np.ndarray[Any, Any]:
    return np.array([np.nan if v is None else v for v in values])


@pytest.mark.parametrize("name", list(TSA["futility"]))
def test_futility_is_that_of_rtsa_and_rpact(name: str) -> None:
    case = TSA["futility"][name]
    parts = name.removeprefix("rpact ").split("|")
    one_sided, beta = "one" in parts or "side1" in parts, 0.2 if name.startswith("rpact") else float(parts[2])
    design = with_futility(case["inf_frac"], float(parts[1]), beta, sides=1 if one_sided else 2)
    # Their searches stop at about 1e-6 of a boundary.
    np.testing.assert_allclose(design.futility, numbers(case["beta_lbound" if one_sided else "beta_ubound"]), atol=1e-5)
    usual = numbers(case["alpha_ubound"]) < 4.5
    np.testing.assert_allclose(design.efficacy[usual], numbers(case["alpha_ubound"])[usual], atol=5e-5)
    if case["root"] is not None:
        assert design.inflation == pytest.approx(case["root"], abs=1e-5)


@pytest.mark.parametrize("name", list(TSA["seed"]))
def test_boundaries_of_the_sample_review_are_rtsa_s(name: str) -> None:
    run = TSA["seed"][name]
    timing, upper = numbers(run["sma_timing"]), numbers(run["upper"])
    looks = timing[: int(np.argmax(timing >= 0.9999)) + 1]
    # RTSA enlarges the required size for the looks themselves: its last one is at that factor, and its boundaries are at shares of it.
    found = boundaries(looks / looks[-1])
    upper = upper[: len(looks)]
    usual = upper < 4.9
    np.testing.assert_allclose(found[usual], upper[usual], atol=1e-4)
    # Beyond, where the chance is below one in a million, its search is coarser (at a first look, where ours is the exact quantile of the
    # error spent, by 0.006); at 20 it stops.
    np.testing.assert_allclose(found[~usual & (upper < 20)], upper[~usual & (upper < 20)], atol=1e-2)


def test_boundaries_spend_what_is_to_be_spent() -> None:
    fractions = np.array([0.3, 0.55, 1.0])
    z = walks(fractions, 0.0)
    crossed = (np.abs(z) >= boundaries(fractions, 0.05)).cumsum(axis=1) > 0
    # 400,000 walks know a share of 0.05 to 0.0003.
    np.testing.assert_allclose(crossed.mean(axis=0), spent(fractions, 0.05), atol=0.0012)


def walks(fractions: np.ndarray[Any, Any], drift: float) -> np.ndarray[Any, Any]:
    passed = np.diff(fractions, prepend=0.0)
    steps = np.random.default_rng(6).normal(size=(400_000, len(fractions))) * np.sqrt(passed) + drift * passed
    return np.cumsum(steps, axis=1) / np.sqrt(fractions)


def rejected(design: Design, z: np.ndarray[Any, Any], *, stops: bool) -> float:
    """The share of walks that cross a boundary of efficacy, those in the area of futility having stopped or not."""
    alive, crossed = np.ones(len(z), dtype=bool), np.zeros(len(z), dtype=bool)
    for k in range(z.shape[1]):
        crossed |= alive & (np.abs(z[:, k]) >= design.efficacy[k])
        if stops:
            alive &= ~(np.abs(z[:, k]) < design.futility[k])
    return float(crossed.mean())


@pytest.mark.parametrize("binding", [False, True])
def test_the_errors_are_what_was_asked_for(binding: bool) -> None:
    fractions = np.array([0.25, 0.5, 0.75, 1.0])
    design = with_futility(fractions, 0.05, 0.2, binding=binding)
    effect = float(ndtri(0.975) + ndtri(0.8)) * design.inflation**0.5
    # 400,000 walks know a share of 0.05 to 0.0003, of 0.8 to 0.0006; the power counts futility on the side of the effect alone.
    assert rejected(design, walks(fractions, 0.0), stops=binding) == pytest.approx(0.05, abs=0.0012)
    assert rejected(design, walks(fractions, effect), stops=True) == pytest.approx(0.8, abs=0.003)


def test_binding_futility_buys_lower_boundaries_and_a_smaller_size() -> None:
    free, bound = (with_futility([0.25, 0.5, 0.75, 1.0], binding=binding) for binding in (False, True))
    assert bound.inflation < free.inflation
    assert bound.efficacy[-1] < free.efficacy[-1]
    np.testing.assert_allclose(free.efficacy, boundaries([0.25, 0.5, 0.75, 1.0]), rtol=1e-12)
    assert free.futility[-1] == free.efficacy[-1]


def test_looks_before_inflation_are_looks_after_it() -> None:
    before = with_futility_at([0.3, 0.6], 0.05, 0.2)
    after = with_futility([0.3 / before.inflation, 0.6 / before.inflation, 1.0], 0.05, 0.2)
    assert after.inflation == pytest.approx(before.inflation, abs=1e-7)
    np.testing.assert_allclose(after.futility, before.futility, atol=1e-6)


def test_one_look_at_the_end_is_the_usual_test() -> None:
    assert boundaries([1.0])[0] == pytest.approx(1.959963985, abs=1e-8)
    assert boundaries([1.7])[0] == pytest.approx(1.959963985, abs=1e-8)
    assert with_futility([1.0]).inflation == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: boundaries([0.5, 0.4]), "expected ascending information fractions above 0, found 0.5, 0.4"),
        (lambda: boundaries([0.5], 1.5), "expected alpha between 0 and 1 and spending OBF or POC, found 1.5"),
        (lambda: with_futility([0.5, 0.9]), "a last fraction of 1, found 0.2 and 0.9"),
        (lambda: with_futility([0.5, 1.0], 0.05, 0.97), "expected beta between 0 and 1 - alpha and .* found 0.97 and 1"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
