"""What reading and estimating add to a pooled result, and whether intervals with them cover."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from pooling_coverage import coverage

from extract import ArmSummary
from pool import Effect, Effects, combine, effects_from_arms
from pool.reading import reading_shares, reread

U = {"how": "estimated", "u_mean": 0.2, "u_sd": 0.1}
ARMS = [
    ArmSummary("Able", "drug", 20, 3.0, 1.5, se_mean=0.4, source="able.png, page 1, panel A, Drug", **U),  # type: ignore[arg-type]
    ArmSummary("Able", "placebo", 20, 4.0, 1.2, se_mean=0.3, source="able.png, page 1, panel A, Placebo", **U),  # type: ignore[arg-type]
    ArmSummary("Baker", "drug", 30, 2.0, 1.5),
    ArmSummary("Baker", "placebo", 30, 4.5, 1.4),
]
EFFECTS = effects_from_arms(ARMS, "drug", "placebo", "MD")


def test_shares_add_up_and_follow_the_variances() -> None:
    result = combine(EFFECTS)
    found = reading_shares(result)
    able, baker = found.studies
    assert able.sampling + able.between + able.estimation + able.reading == pytest.approx(100)
    total = EFFECTS.effects[0].vi + result.tau2 + EFFECTS.effects[0].vi_estimation + 0.08
    assert able.reading == pytest.approx(100 * 0.08 / total)
    assert (baker.reading, baker.estimation) == (0, 0)
    assert sum(found.weights) == pytest.approx(100)
    assert 0 < found.pooled.reading < able.reading
    # The shares are of the variance that estimate_reading has.
    reading = result.estimate_reading
    assert reading is not None
    w = np.array([1 / (e.vi + e.vi_reading + e.vi_estimation + result.tau2) for e in EFFECTS])
    assert reading.se**2 * found.pooled.reading / 100 == pytest.approx(float(np.sum(w[:1] ** 2 * 0.08) / np.sum(w) ** 2))


def test_an_unknown_reading_error_is_refused() -> None:
    effects = Effects("MD", (Effect("Able", -1.0, 0.1, vi_reading=math.nan),))
    with pytest.raises(ValueError, match="expected the uncertainty of reading of every study, found none of Able"):
        reading_shares(combine(effects))


def test_rereading_spreads_the_estimate_as_the_variances_say() -> None:
    # Of the common-effect mean with weights that hardly move, the spread is the weight of the study that was read times its error.
    certain = [replace(a, u_sd=0.0) if a.u_sd > 0 else a for a in ARMS]
    effects = effects_from_arms(certain, "drug", "placebo", "MD")
    weight = combine(effects, "EE").weights[0] / 100
    apart = reread(effects, method="EE", shared=0.0)
    # 2000 draws give a standard deviation to 1.6 %; three of them.
    assert apart.u_estimate == pytest.approx(weight * math.sqrt(0.08), rel=0.05)
    assert apart.ci_lb < combine(effects, "EE").estimate < apart.ci_ub
    together = reread(effects, method="EE", shared=1.0)
    assert together.u_estimate < 1e-12  # both arms stand in one figure: an error of its axis cancels
    assert reread(effects, method="PM", draws=50).estimates.shape == (50,)
    with pytest.raises(ValueError, match="expected effects of two arms and a shared part between 0 and 1, found 2"):
        reread(effects, shared=2)


@pytest.mark.parametrize("k", [3, 8, 20])
@pytest.mark.parametrize("u", [0.02, 0.2])
def test_intervals_with_all_errors_cover_and_the_usual_one_falls_short(k: int, u: float) -> None:
    naive, counted, _, full = coverage(sets=3000, k=k, tau=0.3, u=u)
    # 3000 intervals tell 0.4 %.
    assert 93 <= full <= 97
    assert naive < counted < full
    assert naive < 94


def test_rereading_what_has_no_known_error_is_refused() -> None:
    for name in ("u_mean", "u_sd"):
        doubtful = [replace(a, **{name: math.nan}) if a.how == "estimated" else a for a in ARMS]
        with pytest.raises(ValueError, match="expected u_mean and u_sd of every estimated arm, found none of "):
            reread(effects_from_arms(doubtful, "drug", "placebo", "MD"), draws=10)
