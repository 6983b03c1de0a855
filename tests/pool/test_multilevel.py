"""Dependent effects against metafor and clubSandwich, and their laws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pool import Effect, Effects, combine
from pool.multilevel import cluster_robust, three_level

DATA = Path(__file__).parents[1] / "data"
EXPECTED: dict[str, Any] = json.loads((DATA / "metafor_models.json").read_text(encoding="utf-8"))["multilevel"]
SCHOOLS = EXPECTED["konstantopoulos_3level_REML"]
# metafor searches the two variances with nlminb, which stops at 1e-8 or so of the likelihood: they have five digits, the mean seven.
MEAN, VARIANCES = 1e-6, 2e-4


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_schools_in_districts(method: str) -> None:
    expected = EXPECTED[f"konstantopoulos_3level_{method}"]
    result = three_level(SCHOOLS["yi"], SCHOOLS["vi"], SCHOOLS["district"], SCHOOLS["school"], method=method)
    np.testing.assert_allclose([result.estimate, result.se], [expected["estimate"], expected["se"]], rtol=10 * MEAN)
    np.testing.assert_allclose(result.sigma2, expected["sigma2"], rtol=VARIANCES)
    assert result.log_likelihood == pytest.approx(expected["loglik"], abs=1e-7)
    assert result.q == pytest.approx(SCHOOLS["Q"], rel=1e-10)


def test_effects_in_studies_with_t() -> None:
    data = EXPECTED["assink2016_3level"]
    result = three_level(data["yi"], data["vi"], data["study"], data["esid"], test="t")
    ours = [result.estimate, result.se, result.ci_lb, result.ci_ub]
    np.testing.assert_allclose(ours, [data[k] for k in ("estimate", "se", "ci_lb", "ci_ub")], rtol=10 * MEAN)
    np.testing.assert_allclose(result.sigma2, data["sigma2"], rtol=VARIANCES)


@pytest.mark.parametrize("correction", ["CR0", "CR1", "CR2"])
def test_robust_standard_errors_and_degrees_of_freedom(correction: str) -> None:
    expected = EXPECTED[f"konst_robust_district_{correction}"]
    s1, s2 = SCHOOLS["sigma2"]
    district = np.array(SCHOOLS["district"])
    covariance = np.diag(SCHOOLS["vi"]) + s1 * (district[:, None] == district) + s2 * np.eye(len(district))
    result = cluster_robust(SCHOOLS["yi"], covariance, SCHOOLS["district"], correction=correction)
    ours = [result.estimate, result.se, result.t, result.df, result.p]
    np.testing.assert_allclose(ours, [expected[k] for k in ("beta", "SE", "tstat", "df", "p")], rtol=1e-6)


def test_without_clusters_it_is_the_random_effects_model() -> None:
    yi, vi = SCHOOLS["yi"][:20], SCHOOLS["vi"][:20]
    plain = combine(Effects("GEN", tuple(Effect(str(k), y, v) for k, (y, v) in enumerate(zip(yi, vi, strict=True)))), "REML")
    layered = three_level(yi, vi, list(range(20)))
    assert sum(layered.sigma2) == pytest.approx(plain.tau2, rel=1e-4)  # only the sum of the two can be told
    assert layered.estimate == pytest.approx(plain.estimate, abs=1e-6)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="expected 3 effects or more"):
        three_level([1, 2], [1, 1], ["a", "b"])
    with pytest.raises(ValueError, match="2 clusters or more"):
        cluster_robust([1, 2, 3], [1, 1, 1], ["a", "a", "a"])
    with pytest.raises(ValueError, match="expected correction CR0, CR1 or CR2, found 'CR3'"):
        cluster_robust([1, 2, 3], [1, 1, 1], ["a", "a", "b"], correction="CR3")


def test_robust_errors_of_effects_that_are_alike_are_refused() -> None:
    with pytest.raises(ValueError, match="expected effects that differ for cluster-robust errors, found residuals of 0 in each of 2"):
        cluster_robust([0.5, 0.5, 0.5], [0.1, 0.2, 0.3], ["a", "a", "b"])


def test_effects_of_one_cluster_have_no_variance_between_clusters() -> None:
    with pytest.raises(ValueError, match="expected 2 clusters or more for a variance between them, found 1"):
        three_level([0.1, 0.5, 0.9, 0.2], [0.1] * 4, ["a"] * 4)
