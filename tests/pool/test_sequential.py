"""Boundaries against rpact, sizes by their formula, the sample review by RTSA, and laws."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pool import Effect, Effects, combine
from pool.plots import funnel, sequential_plot
from pool.sequential import boundaries, iterated_logarithm_z, required_size, sequential, spent

DATA = Path(__file__).parents[1] / "data"
TSA: dict[str, Any] = json.loads((DATA / "tsa.json").read_text(encoding="utf-8"))
POOLED: dict[str, Any] = json.loads((DATA / "metafor_pooled.json").read_text(encoding="utf-8"))


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


def test_boundaries_spend_what_is_to_be_spent() -> None:
    rng = np.random.default_rng(6)
    fractions = np.array([0.3, 0.55, 1.0])
    limits = boundaries(fractions, 0.05)
    steps = rng.normal(size=(400_000, 3)) * np.sqrt(np.diff(fractions, prepend=0.0))
    z = np.cumsum(steps, axis=1) / np.sqrt(fractions)
    crossed = (np.abs(z) >= limits).cumsum(axis=1) > 0
    # 400,000 walks know a share of 0.05 to 0.0003.
    np.testing.assert_allclose(crossed.mean(axis=0), spent(fractions, 0.05), atol=0.0012)


def test_one_look_at_the_end_is_the_usual_test() -> None:
    assert boundaries([1.0])[0] == pytest.approx(1.959963985, abs=1e-8)
    assert boundaries([1.7])[0] == pytest.approx(1.959963985, abs=1e-8)


def test_required_size_of_a_mean() -> None:
    # 2 x 63 for a difference of half an SD at 80 % power, by the normal approximation 125.6.
    assert required_size(0.5, 1.0) == pytest.approx(125.58, abs=0.01)
    assert required_size(0.25, 1.0) == pytest.approx(4 * required_size(0.5, 1.0))


def seed_effects() -> Effects:
    data = POOLED["seed_2A_reconstructed"]
    felsby, yousef, pickering = (Effect(str(k), y, v) for k, (y, v) in enumerate(zip(data["yi"], data["vi"], strict=True)))
    return Effects("MD", (felsby, pickering, yousef))


@pytest.mark.parametrize(("delta", "ris", "haris"), [(1.0, 152, 845)])
def test_the_sample_review(delta: float, ris: int, haris: int) -> None:
    result = sequential(seed_effects(), [20, 45, 80], relevant=delta, variance=2.2**2)
    assert math.ceil(result.required) == ris
    assert math.ceil(result.required_adjusted) == pytest.approx(haris, abs=1)
    run = TSA["seed"]["seed2A|D2|mc-1"]
    assert result.z[-1] == pytest.approx(run["z_random"][2], abs=1e-8)
    # RTSA spends alpha at the two looks before as well, hardly any, and rounds the required size to whole participants.
    assert result.boundary[-1] == pytest.approx(run["upper"][2], abs=0.01)
    assert result.ci_lb[-1] == pytest.approx(run["TSAadjCIrandom_lower"][2], abs=0.01)
    assert result.verdict.startswith("inconclusive")


def test_enough_information_decides_either_way() -> None:
    firm = sequential(Effects("MD", (Effect("a", 1.0, 0.01), Effect("b", 1.0, 0.01))), [300, 300], relevant=1.0, variance=4.0)
    assert firm.verdict.startswith("firm evidence")
    none = sequential(Effects("MD", (Effect("a", 0.01, 0.01), Effect("b", -0.01, 0.01))), [300, 300], relevant=1.0, variance=4.0)
    assert none.verdict.startswith("no effect of the relevant size")


def test_the_sign_of_the_effect_does_not_matter() -> None:
    here = sequential(seed_effects(), [20, 45, 80], relevant=1.0, variance=4.84)
    turned = Effects("MD", tuple(Effect(e.study, -e.yi, e.vi) for e in seed_effects()))
    there = sequential(turned, [20, 45, 80], relevant=-1.0, variance=4.84)
    np.testing.assert_allclose(there.z, -here.z)
    np.testing.assert_allclose(there.boundary, here.boundary)


def test_pictures() -> None:
    figure = Figure(figsize=(8, 4))
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    result = combine(seed_effects())
    assert funnel(result, left) is left
    assert sequential_plot(sequential(seed_effects(), [20, 45, 80], relevant=1.0, variance=4.84), right) is right
    assert left.get_ylim()[0] > left.get_ylim()[1] == 0  # the most precise on top
    assert "too few" in left.get_title()
    assert "inconclusive" in right.get_title()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: boundaries([0.5, 0.4]), "expected ascending information fractions above 0, found 0.5, 0.4"),
        (lambda: boundaries([0.5], 1.5), "expected alpha between 0 and 1 and spending OBF or POC, found 1.5"),
        (lambda: required_size(0, 1), "expected an effect other than 0"),
        (lambda: sequential(seed_effects(), [1, 2], relevant=1, variance=1), "expected participants of each of 3 studies, found 2"),
        (lambda: iterated_logarithm_z(2.0, 1.0), "expected information above e and a penalty above 0, found 1 and 2"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
