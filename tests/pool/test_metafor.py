"""Every data set, estimator of tau2 and test against what metafor 5.1 prints (tests/data/README.md says where the numbers are from)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pool import Effect, Effects, combine
from pool.heterogeneity import profile_likelihood, q_profile
from pool.tau2 import Model, estimate_tau2, simple

DATA = Path(__file__).parents[1] / "data"
POOLED: dict[str, Any] = json.loads((DATA / "metafor_pooled.json").read_text(encoding="utf-8"))
SAME = {"estimate": "estimate", "se": "se", "ci_lb": "ci_lb", "ci_ub": "ci_ub", "tau2": "tau2", "I2": "i2", "H2": "h2", "Q": "q"}
SAME |= {"pval": "p", "Q_p": "q_p", "se_tau2": "se_tau2"}
SAME |= {name: name for name in ("pi_lb", "pi_ub", "pi_riley_lb", "pi_riley_ub", "pi_t_lb", "pi_t_ub")}
# metafor stopped its iterations at a change of 1e-13 or, where that did not converge, at up to 1e-6; its digits are good to about 1e-8.
WITHIN = 1e-8


def effects_of(name: str) -> Effects:
    data = POOLED[name]
    return Effects("GEN", tuple(Effect(str(k), y, v) for k, (y, v) in enumerate(zip(data["yi"], data["vi"], strict=True))))


FITS = [(name, fit) for name, data in POOLED.items() for fit in data["fits"]]


@pytest.mark.parametrize(("name", "fit"), FITS)
def test_every_fit_has_metafors_digits(name: str, fit: str) -> None:
    method, test = fit.split("|")[:2]
    expected = POOLED[name]["fits"][fit]
    if "error" in expected:
        pytest.skip(f"metafor gives no result: {expected['error']}")
    # The reference gave the generalised Q equal weights.
    result = combine(effects_of(name), method, test, weights=[1.0] * len(POOLED[name]["yi"]) if method == "GENQ" else None)
    for theirs, ours in SAME.items():
        if expected.get(theirs) is None or (theirs.startswith("pi_riley") and result.k == 2):
            continue  # with two studies t has no degrees of freedom left: metafor takes 1, we say that there is none
        value = getattr(result, ours)
        scale = max(1.0, abs(expected[theirs])) if theirs not in ("pval", "Q_p") else 1.0
        assert abs(value - expected[theirs]) <= WITHIN * scale, (theirs, value, expected[theirs])
    if "weights_pct" in expected:
        np.testing.assert_allclose(result.weights, expected["weights_pct"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [name for name, data in POOLED.items() if "qprofile" in data])
def test_limits_of_tau2(name: str) -> None:
    data = POOLED[name]
    model = simple(np.array(data["yi"]), np.array(data["vi"]))
    best = estimate_tau2(model, "REML").value
    profile = q_profile(model, best)
    # metafor's root finder stops at 1e-8 or so of the interval that it searches, which may end (at 1000) before the limit.
    theirs = data["qprofile"]["tau2"]
    if theirs[2] == 1000:
        assert profile.ci_ub > 1000
        theirs[2] = profile.ci_ub
    np.testing.assert_allclose([profile.estimate, profile.ci_lb, profile.ci_ub], theirs, rtol=1e-5, atol=1e-7)
    if "reml_pl_tau2" in data and None not in data["reml_pl_tau2"]:
        likely = profile_likelihood(model)
        np.testing.assert_allclose([likely.estimate, likely.ci_lb, likely.ci_ub], data["reml_pl_tau2"], rtol=1e-5, atol=1e-7)


def test_one_study_is_its_own_estimate() -> None:
    result = combine(Effects("GEN", (Effect("only", 1.5, 0.25),)), "REML")
    assert (result.estimate, result.se, result.tau2, result.i2) == (1.5, 0.5, 0.0, 0.0)
    assert math.isnan(result.pi_t_lb)


def test_sums_without_moderators_are_those_of_a_column_of_ones() -> None:
    yi, vi = (np.array(POOLED["bcg_RR"][name]) for name in ("yi", "vi"))
    short, general = simple(yi, vi), Model(yi, vi, np.ones((len(yi), 1)))
    for tau2 in (0.0, 0.3):
        assert short.scores(tau2) == pytest.approx(general.scores(tau2), rel=1e-12)
        assert short.rss(tau2) == pytest.approx(general.rss(tau2), rel=1e-12)
        p = general.projection(1 / (vi + tau2))
        slow = (yi @ p @ yi, yi @ p @ p @ yi, np.trace(p), np.trace(p @ p))
        assert general.scores(tau2) == pytest.approx(slow, rel=1e-11)
