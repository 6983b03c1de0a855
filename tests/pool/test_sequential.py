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
from pool.sequential import iterated_logarithm_z, required_size, required_trials, risk_information, sequential

DATA = Path(__file__).parents[1] / "data"
TSA: dict[str, Any] = json.loads((DATA / "tsa.json").read_text(encoding="utf-8"))
POOLED: dict[str, Any] = json.loads((DATA / "metafor_pooled.json").read_text(encoding="utf-8"))


def test_required_size_of_a_mean() -> None:
    # 2 x 63 for a difference of half an SD at 80 % power, by the normal approximation 125.6.
    assert required_size(0.5, 1.0) == pytest.approx(125.58, abs=0.01)
    assert required_size(0.25, 1.0) == pytest.approx(4 * required_size(0.5, 1.0))


@pytest.mark.parametrize("case", TSA["ris"], ids=lambda case: f"{case['input']['outcome']}-{case['NF']}")
def test_sizes_of_rtsa(case: dict[str, Any]) -> None:
    given = case["input"]
    measure, power = given["outcome"], 1 - given["beta"]
    if measure == "MD":
        effect, variance = given["mc"], given["sd_mc"] ** 2
    elif measure == "RD":
        effect = given["mc"]
        variance = sum(p * (1 - p) for p in (given["pC"], given["p1"])) / 2
    else:
        effect, variance = risk_information(measure, given["pC"], given["mc"])
    # For a risk difference RTSA takes both arms' participants twice.
    times = 2 if measure == "RD" else 1
    assert math.ceil(required_size(effect, variance, power=power) * times) == case["NF"]
    for name in ("D2", "I2"):
        assert math.ceil(case["NF"] / (1 - given[name])) == case[f"NR_{name}"]


@pytest.mark.parametrize("case", TSA["ris"][:4], ids=lambda case: f"{case['input']['outcome']}-{case['NF']}")
def test_numbers_of_trials(case: dict[str, Any]) -> None:
    given = case["input"]
    if given["outcome"] == "MD":
        effect, unit = given["mc"], 4 * given["sd_mc"] ** 2
    else:
        difference, _ = risk_information(given["outcome"], given["pC"], given["mc"])
        risks = (given["pC"], given["pC"] - difference)
        effect, unit = math.log(given["mc"]), sum(2 * (1 / p - 1) if given["outcome"] == "RR" else 2 / (p * (1 - p)) for p in risks)
    rows = required_trials(effect, unit, given["tau2"], power=1 - given["beta"])
    assert [r.trials for r in rows] == case["NR_tau"][0]
    # For means RTSA gives the participants of one arm, which with heterogeneity are fewer in all than without: ours are of both.
    times = 2 if given["outcome"] == "MD" else 1
    assert [r.each for r in rows] == pytest.approx([times * n for n in case["NR_tau"][1]], abs=times - 1)
    assert all(r.total >= required_size(effect, unit / 4, power=1 - given["beta"]) for r in rows)


def test_i2_corrects_less_than_d2() -> None:
    given: dict[str, Any] = {"relevant": 1.0, "variance": 4.84}
    by_d2, by_i2, by_none = (sequential(seed_effects(), [20, 45, 80], correction=c, **given) for c in ("D2", "I2", "none"))
    assert by_none.required_adjusted == by_none.required == by_i2.required
    assert by_i2.required_adjusted == pytest.approx(by_i2.required / (1 - by_i2.i2))
    assert by_none.required_adjusted < by_i2.required_adjusted < by_d2.required_adjusted
    assert math.ceil(by_i2.required_adjusted) == pytest.approx(TSA["seed"]["seed2A|I2|mc-1"]["HARIS"], abs=4)


def test_futility_ends_what_is_of_no_use() -> None:
    nothing = Effects("MD", tuple(Effect(name, y, 0.04) for name, y in (("a", 0.05), ("b", -0.05), ("c", 0.01))))
    sizes, given = [60, 60, 60], {"relevant": 1.0, "variance": 6.0}
    without = sequential(nothing, sizes, **given)  # type: ignore[arg-type]
    with_it = sequential(nothing, sizes, futility="non-binding", **given)  # type: ignore[arg-type]
    assert without.verdict.startswith("inconclusive")
    assert with_it.verdict.startswith("futile: an effect of the relevant size is out of reach")
    assert with_it.required_adjusted == pytest.approx(with_it.inflation * without.required_adjusted)
    assert np.isnan(without.futility).all()
    assert with_it.futility[-1] < with_it.boundary[-1]
    assert with_it.end == pytest.approx(2.0, abs=0.1)


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
        (lambda: required_trials(1, 1, -1), "tau2 of 0 or more and errors between 0 and 1, found 1, 1, -1"),
        (lambda: risk_information("RR", 0.5, 3.0), "expected risks between 0 and 1 that differ, found 0.5 and 1.5 for a ratio of 3"),
        (lambda: risk_information("RD", 0.5, 3.0), "expected measure RR or OR, found 'RD'"),
        (lambda: sequential(seed_effects(), [1, 2, 3], relevant=1, variance=1, correction="H2"), "found 'H2' and 'none'"),
        (lambda: required_size(0, 1), "expected an effect other than 0"),
        (lambda: sequential(seed_effects(), [1, 2], relevant=1, variance=1), "expected participants of each of 3 studies, found 2"),
        (lambda: iterated_logarithm_z(2.0, 1.0), "expected information of 5.2 and a penalty above 0, found 1 and 2"),
        (lambda: iterated_logarithm_z(2.5, 3.0), "expected information of 5.2 and a penalty above 0, found 3 and 2"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
