"""Meta-regression and subgroups against metafor, and their laws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pool import Effect, Effects, combine
from pool.regression import meta_regression, permutation_p, subgroups

DATA = Path(__file__).parents[1] / "data"
MODELS: dict[str, Any] = json.loads((DATA / "metafor_models.json").read_text(encoding="utf-8"))
BCG: dict[str, Any] = json.loads((DATA / "metafor_pooled.json").read_text(encoding="utf-8"))["bcg_RR"]
COLUMNS = {"beta": "estimate", "se": "se", "stat": "statistic", "pval": "p", "ci_lb": "ci_lb", "ci_ub": "ci_ub"}
WITHIN = 1e-8  # metafor's iterations stop at a relative change of 1e-13 or better


@pytest.mark.parametrize("name", list(MODELS["metareg"]))
def test_metafors_digits(name: str) -> None:
    data = MODELS["metareg"][name]
    x = np.array(data["X"])[:, 1:]
    result = meta_regression(data["yi"], data["vi"], x, method=data["method"], test=data["test"])
    for theirs, ours in COLUMNS.items():
        values = [getattr(c, ours) for c in result.coefficients]
        np.testing.assert_allclose(values, data[theirs], rtol=WITHIN, atol=WITHIN, err_msg=theirs)
    for theirs, ours in {"tau2": "tau2", "I2": "i2", "H2": "h2", "R2": "r2", "QE": "qe", "QM": "qm", "QMp": "qm_p", "QEp": "qe_p"}.items():
        if data.get(theirs) is not None and not (theirs == "R2" and data["method"] == "EE"):  # no tau2, nothing to explain of it
            np.testing.assert_allclose(getattr(result, ours), data[theirs], rtol=1e-7, atol=WITHIN, err_msg=theirs)


@pytest.mark.parametrize("method", ["DL", "REML"])
def test_subgroups(method: str) -> None:
    data = MODELS["subgroup_bcg_alloc"]
    label = {row: name for name, part in data.items() if "rows" in part for row in part["rows"]}
    pairs = zip(BCG["yi"], BCG["vi"], strict=True)
    effects = Effects("RR", tuple(Effect(str(k), y, v) for k, (y, v) in enumerate(pairs, start=1)))
    result = subgroups(effects, [label[k] for k in range(1, len(effects) + 1)], method)
    for name, pooled in result.groups:
        expected = data[name][method]
        np.testing.assert_allclose([pooled.estimate, pooled.se, pooled.tau2], [expected[k] for k in ("est", "se", "tau2")], rtol=1e-7)
    assert result.q == pytest.approx(data[f"between_{method}"]["Q"], rel=1e-7)
    assert result.q_df == data[f"between_{method}"]["df"]


def test_a_moderator_without_effect_on_equal_variances_leaves_the_mean() -> None:
    yi, vi, x = [1.0, 2.0, 3.0, 2.0], [0.5] * 4, [-1.0, 1.0, -1.0, 1.0]
    result = meta_regression(yi, vi, x, method="EE")
    assert result.coefficients[0].estimate == pytest.approx(2.0)
    assert result.coefficients[1].estimate == pytest.approx(0.0, abs=1e-14)
    plain = combine(Effects("GEN", tuple(Effect(str(k), y, 0.5) for k, y in enumerate(yi))), "EE")
    assert result.coefficients[0].se == pytest.approx(plain.se)


def test_scaling_a_moderator_scales_its_coefficient() -> None:
    x = np.array(MODELS["metareg"]["bcg_ablat|REML|z"]["X"])[:, 1]
    here, there = (meta_regression(BCG["yi"], BCG["vi"], factor * x) for factor in (1.0, 10.0))
    assert there.coefficients[1].estimate == pytest.approx(here.coefficients[1].estimate / 10)
    assert there.coefficients[1].p == pytest.approx(here.coefficients[1].p)


def test_permutation_agrees_with_the_test_where_the_moderator_matters() -> None:
    x = np.array(MODELS["metareg"]["bcg_ablat|REML|z"]["X"])[:, 1]
    (p,) = permutation_p(BCG["yi"], BCG["vi"], x, method="DL", n=199)
    assert p < 0.05
    rng = np.random.default_rng(3)
    (noise,) = permutation_p(rng.normal(size=12), np.full(12, 0.3), np.arange(12.0), method="DL", n=199)
    assert 0.02 < noise <= 1


@pytest.mark.parametrize(
    ("moderators", "message"),
    [
        (np.ones(13), "expected moderators that do not follow from one another, found rank 1 of 2"),
        (np.ones(5), "expected yi, vi and moderators of one length"),
        (np.eye(13)[:, :12], "expected more studies than the 13 coefficients, found 13"),
    ],
)
def test_bad_input(moderators: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        meta_regression(BCG["yi"], BCG["vi"], moderators)


def test_a_line_through_every_effect_leaves_knapp_and_hartung_nothing() -> None:
    for test in ("z", "adhoc"):
        meta_regression([1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4], test=test)
    with pytest.raises(ValueError, match="moderators do not explain wholly for test knha, found nothing left of 4"):
        meta_regression([1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4], test="knha")
