"""Conversions against the worked examples of the Cochrane Handbook, and their laws."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from extract import conversions as c

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "data" / "conversions.json").read_text(encoding="utf-8"))
OURS: dict[str, Callable[[dict[str, Any]], dict[str, float]]] = {
    "se_to_sd": lambda i: {"sd": c.sd_from_se(i["se"], i["n"])},
    "ci_to_sd": lambda i: {
        f"sd_{by}": c.sd_from_ci(i["lo"], i["hi"], i["n"], level=i["level"], by=by) for by in ("t", "z")  # type: ignore[arg-type]
    },
    "p_to_sd_two_arm": lambda i: _two_arms(c.se_of_difference_from_p(i["md"], i["p"], i["n1"], i["n2"]), i),
    "t_to_sd_two_arm": lambda i: _two_arms(c.se_of_difference_from_t(i["md"], i["t"]), i),
    "F_to_sd_two_arm": lambda i: _two_arms(c.se_of_difference_from_f(i["md"], i["F"]), i),
    "ci_md_to_sd_two_arm": lambda i: {
        f"se_{by}": c.se_of_difference_from_ci(i["lo"], i["hi"], i["n1"], i["n2"], by=by) for by in ("t", "z")  # type: ignore[arg-type]
    },
    "combine_groups": lambda i: vars(c.combine_groups(c.Group(i["n1"], i["m1"], i["sd1"]), c.Group(i["n2"], i["m2"], i["sd2"]))),
    "change_sd": lambda i: {"sd_change": c.sd_of_change(i["sd_baseline"], i["sd_final"], i["r"])},
    "corr_from_change": lambda i: {"r": c.correlation_from_changes(i["sd_baseline"], i["sd_final"], i["sd_change"])},
    "crossover_md_corr": lambda i: {"se": c.se_of_crossover(i["sdE"], i["sdC"], i["n"], i["r"])},
    "crossover_felsby": lambda i: {"se": c.se_of_crossover(i["sdE"], i["sdC"], i["n"], i["r"])},
    "paired_p_to_se": lambda i: {"se": c.se_of_paired_difference_from_p(i["md"], i["p"], i["n"])},
    "ratio_ci_to_log_se": lambda i: {k: getattr(c.log_ratio_from_ci(i["est"], i["lo"], i["hi"]), k) for k in ("log", "se")},
}


def _two_arms(se: float, i: dict[str, Any]) -> dict[str, float]:
    return {"se": se, "sd": c.sd_from_se_of_difference(se, i["n1"], i["n2"])}


@pytest.mark.parametrize("case", [case for case in CASES if case["kind"] in OURS])
def test_worked_examples(case: dict[str, Any]) -> None:
    for name, value in OURS[case["kind"]](case["input"]).items():
        assert value == pytest.approx(case["output"][name], rel=1e-12, abs=1e-12)


def test_there_and_back() -> None:
    assert c.sd_from_se(3.2 / np.sqrt(17), 17) == pytest.approx(3.2)
    r = c.correlation_from_changes(6.4, 7.1, c.sd_of_change(6.4, 7.1, 0.37))
    assert r == pytest.approx(0.37)
    half = c.critical_value(0.9, 24) * 2.0 / 5
    assert c.sd_from_ci(3 - half, 3 + half, 25, level=0.9) == pytest.approx(2.0)


def test_combining_is_what_the_people_together_have() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(3, 1, 12), rng.normal(5, 2, 9)
    together = c.combine_groups(*(c.Group(len(v), float(v.mean()), float(v.std(ddof=1))) for v in (a, b)))
    everyone = np.concatenate([a, b])
    assert (together.n, together.mean, together.sd) == (21, pytest.approx(everyone.mean()), pytest.approx(everyone.std(ddof=1)))


def test_an_iqr_printed_as_one_number() -> None:
    assert c.sd_from_iqr_width(1.349, 100000) == pytest.approx(1.0, abs=1e-3)  # 1.34898 is the IQR of a standard normal


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: c.sd_from_se(-1, 10), "expected se 0 or more, found -1"),
        (lambda: c.sd_from_ci(3, 1, 10), "expected a lower limit up to the upper one, found 3 and 1"),
        (lambda: c.se_of_difference_from_p(1, 0, 10, 10), "expected p between 0 and 1, found 0"),
        (lambda: c.sd_of_change(1, 1, 1.5), "expected a correlation between -1 and 1, found 1.5"),
        (lambda: c.correlation_from_changes(1, 1, 3), "expected SDs that a correlation between -1 and 1 can join, found one of -3.5"),
        (lambda: c.log_ratio_from_ci(1, 0, 2), "expected lower limit above 0, found 0"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_interval_of_a_median_gives_the_sd_of_normal_data() -> None:
    n, draws = 60, 4000
    samples = np.sort(np.random.default_rng(5).normal(0, 3, (draws, n)), axis=1)
    # Ranks (n + 1) / 2 -+ 1.96 sqrt(n) / 2 are 22.9 and 38.1: between them by linear interpolation.
    lower, upper = (np.quantile(samples, (rank - 1) / (n - 1), axis=1).mean() for rank in (22.9095, 38.0905))
    assert c.sd_from_median_ci(lower, upper, n) == pytest.approx(3.0, rel=0.02)
    with pytest.raises(ValueError, match="expected n large enough for a 95 % interval of a median, found 4"):
        c.sd_from_median_ci(1, 2, 4)


def test_moments_of_a_log_normal_are_those_of_its_sample() -> None:
    values = np.exp(np.random.default_rng(6).normal(1.0, 0.5, 400_000))
    found = c.moments_from_logs(1.0, 0.5)
    assert (found.mean, found.sd) == (pytest.approx(values.mean(), rel=0.005), pytest.approx(values.std(), rel=0.01))
