"""Sensitivity against metafor, and its laws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pool import Effect, Effects, combine
from pool.sensitivity import cumulative, every_model, influence, leave_one_out, multiverse, over_correlation

DATA = Path(__file__).parents[1] / "data"
POOLED: dict[str, Any] = json.loads((DATA / "metafor_pooled.json").read_text(encoding="utf-8"))
EXPECTED: dict[str, Any] = json.loads((DATA / "metafor_sensitivity.json").read_text(encoding="utf-8"))


def effects_of(name: str) -> Effects:
    data = POOLED[name]
    return Effects("GEN", tuple(Effect(str(k), y, v) for k, (y, v) in enumerate(zip(data["yi"], data["vi"], strict=True))))


def assert_columns(frame: Any, expected: dict[str, list[float]], within: float) -> None:
    for name, values in expected.items():
        theirs = np.array([np.nan if v is None else v for v in values], dtype=float)
        ours = frame[{"Q": "q", "I2": "i2", "H2": "h2"}.get(name, name)].to_numpy()
        np.testing.assert_allclose(ours[~np.isnan(theirs)], theirs[~np.isnan(theirs)], rtol=within, atol=within, err_msg=name)


@pytest.mark.parametrize("name", [n for n in EXPECTED if "leave1out_REML" in EXPECTED[n] and POOLED[n]["k"] > 2])
def test_leave_one_out_and_cumulative(name: str) -> None:
    effects = effects_of(name)
    assert_columns(leave_one_out(effects, "DL"), EXPECTED[name]["leave1out_DL"], 1e-8)
    # metafor repeats its fits with its default threshold, 1e-5 of tau2.
    assert_columns(leave_one_out(effects, "REML"), EXPECTED[name]["leave1out_REML"], 1e-4)
    if "cumul_DL" in EXPECTED[name]:
        assert_columns(cumulative(effects, "DL"), EXPECTED[name]["cumul_DL"], 1e-8)


@pytest.mark.parametrize("name", [n for n in EXPECTED if "influence_REML" in EXPECTED[n] and POOLED[n]["k"] > 2])
def test_influence(name: str) -> None:
    expected = EXPECTED[name]["influence_REML"]
    found = influence(effects_of(name))
    names = {"cook": "cook_d", "QE_del": "qe_del", "is_infl": "is_influential"}
    for theirs, values in expected.items():
        ours = np.array([getattr(f, names.get(theirs, theirs)) for f in found], dtype=float)
        np.testing.assert_allclose(ours, np.array(values, dtype=float), rtol=1e-3, atol=1e-4, err_msg=theirs)  # its threshold, as above


def test_every_model_holds_the_single_ones() -> None:
    effects = effects_of("bcg_RR")
    table = every_model(effects)
    for method, test in (("DL", "z"), ("REML", "knha"), ("EE", "t")):
        row = table[(table["method"] == method) & (table["test"] == test)].iloc[0]
        assert row["ci_lb"] == combine(effects, method, test).ci_lb


def test_choices_and_correlations() -> None:
    effects = effects_of("bcg_RR")
    table = multiverse([("as it is", effects), ("without the first", Effects("GEN", effects.effects[1:]))])
    assert table["choice"].tolist() == ["as it is", "without the first"]
    crossover = over_correlation(lambda r: Effects("MD", tuple(Effect(str(k), 1.0 + k, 2 - 2 * r) for k in range(3))), method="EE")
    assert crossover["se"].is_monotonic_decreasing
    assert crossover["correlation"].iloc[-1] == 0.9


def test_too_few_studies() -> None:
    one = Effects("GEN", (Effect("a", 1, 1),))
    with pytest.raises(ValueError, match="expected 2 studies or more to leave one out, found 1"):
        leave_one_out(one)
    with pytest.raises(ValueError, match="expected 3 studies or more for influence, found 1"):
        influence(one)


def test_studies_that_are_alike_have_no_knapp_hartung_interval() -> None:
    alike = Effects("MD", tuple(Effect(name, yi, vi) for name, yi, vi in (("A", 0.5, 0.1), ("B", 0.5, 0.2), ("C", 0.9, 0.1))))
    without_c = leave_one_out(alike, "DL", "knha").iloc[2]
    assert without_c["estimate"] == 0.5
    assert without_c[["se", "ci_lb", "ci_ub", "p"]].isna().all()
    assert cumulative(alike, "DL", "knha")["se"].isna().tolist() == [False, True, False]
    assert set(every_model(Effects("MD", alike.effects[:2]))["test"]) == {"z", "t", "adhoc"}
    assert "knha" in set(every_model(alike)["test"])
