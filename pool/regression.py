"""Meta-regression and subgroups: effects explained by moderators of the studies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, fdtrc, ndtr, ndtri, stdtr, stdtrit

from pool.effect import Effects
from pool.heterogeneity import i2_h2_of_tau2, residual_heterogeneity
from pool.model import COMMON, METHODS, TESTS, PooledResult, combine, has_no_scatter
from pool.tau2 import FloatArray, Model, estimate_tau2, simple


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of a meta-regression with its standard error, test statistic (z or t), p-value and interval."""

    name: str
    estimate: float
    se: float
    statistic: float
    p: float
    ci_lb: float
    ci_ub: float


@dataclass(frozen=True)
class RegressionResult:
    """A meta-regression.

    `qm` tests all coefficients but the intercept (chi-squared with `qm_df` degrees of freedom for z, F with (qm_df, k - p) else) and `qe`
    what heterogeneity is left; `r2` (per cent) is the share of the variance between studies that the moderators explain, NaN where
    there was none to explain or tau2 is not estimated.
    """

    method: str
    test: str
    k: int
    coefficients: tuple[Coefficient, ...]
    tau2: float
    i2: float
    h2: float
    r2: float
    qe: float
    qe_df: int
    qe_p: float
    qm: float
    qm_df: int
    qm_p: float


def meta_regression(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    moderators: npt.ArrayLike,
    names: Sequence[str] = (),
    *,
    method: str = "REML",
    test: str = "z",
    level: float = 0.95,
) -> RegressionResult:
    """Regress effects on moderators of the studies, with an intercept.

    Parameters
    ----------
    yi, vi : (k,) array_like
        Effects and sampling variances.
    moderators : (k, m) or (k,) array_like
        Numbers, a column a moderator; code categories as columns of 0 and 1.
    names
        What the moderators are called.
    method, test, level
        As for `combine`.

    Raises
    ------
    ValueError
        If the arrays do not fit together, a value is not finite, a moderator follows from the others, too few studies are there, or test
        "knha" is left no scatter.
    """
    x = np.asarray(moderators, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    model = _checked(np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64), x)
    labels = list(names) or [f"x{k + 1}" for k in range(x.shape[1])]
    if len(labels) != x.shape[1]:
        message = f"expected {x.shape[1]} names of moderators, found {len(labels)}"
        raise ValueError(message)
    kind = COMMON.get(method.upper(), method)
    if kind not in METHODS or test not in TESTS:
        message = f"expected a method of {', '.join(METHODS)} and a test of {', '.join(TESTS)}, found {method!r} and {test!r}"
        raise ValueError(message)
    tau2 = 0.0 if kind == "EE" else estimate_tau2(model, kind).value
    b, bread = model.coefficients(tau2)
    covariance = bread * _factor(model, tau2, test)
    left = residual_heterogeneity(model)
    i2, h2 = (left.i2, left.h2) if kind == "EE" else i2_h2_of_tau2(model, tau2)
    qm, qm_p = _joint(b, covariance, model.df, test)
    return RegressionResult(
        method=kind,
        test=test,
        k=len(model.yi),
        coefficients=_coefficients(["intercept", *labels], b, covariance, math.inf if test == "z" else model.df, level),
        tau2=tau2,
        i2=i2,
        h2=h2,
        r2=_explained(model, tau2, kind),
        qe=left.q,
        qe_df=left.q_df,
        qe_p=left.q_p,
        qm=qm,
        qm_df=len(b) - 1,
        qm_p=qm_p,
    )


def _checked(yi: FloatArray, vi: FloatArray, x: FloatArray) -> Model:
    if not (yi.ndim == vi.ndim == 1 and len(yi) == len(vi) == len(x)):
        message = f"expected yi, vi and moderators of one length, found {yi.shape}, {vi.shape} and {x.shape}"
        raise ValueError(message)
    if not (np.isfinite(yi).all() and np.isfinite(vi).all() and np.isfinite(x).all() and (vi > 0).all()):
        message = "expected finite effects and moderators and variances above 0, found others"
        raise ValueError(message)
    design = np.column_stack([np.ones(len(yi)), x])
    rank = int(np.linalg.matrix_rank(design))
    if rank < design.shape[1]:
        message = f"expected moderators that do not follow from one another, found rank {rank} of {design.shape[1]}"
        raise ValueError(message)
    if len(yi) <= design.shape[1]:
        message = f"expected more studies than the {design.shape[1]} coefficients, found {len(yi)}"
        raise ValueError(message)
    return Model(yi, vi, design)


def _factor(model: Model, tau2: float, test: str) -> float:
    """Knapp and Hartung 2003: what the covariance is multiplied by."""
    if test not in ("knha", "adhoc"):
        return 1.0
    factor = model.rss(tau2) / model.df
    if test == "knha" and has_no_scatter(model, tau2):
        message = f"expected effects that moderators do not explain wholly for test knha, found nothing left of {len(model.yi)}"
        raise ValueError(message)
    return max(1.0, factor) if test == "adhoc" else factor


def _coefficients(names: Sequence[str], b: FloatArray, covariance: FloatArray, df: float, level: float) -> tuple[Coefficient, ...]:
    quantile = float(ndtri(0.5 + level / 2) if math.isinf(df) else stdtrit(df, 0.5 + level / 2))
    found = []
    for name, estimate, se in zip(names, b.tolist(), np.sqrt(np.diag(covariance)).tolist(), strict=True):
        statistic = estimate / se
        p = 2 * float(ndtr(-abs(statistic)) if math.isinf(df) else stdtr(df, -abs(statistic)))
        found.append(Coefficient(name, estimate, se, statistic, p, estimate - quantile * se, estimate + quantile * se))
    return tuple(found)


def _joint(b: FloatArray, covariance: FloatArray, df: int, test: str) -> tuple[float, float]:
    """The test of all coefficients but the first, and its p."""
    m = len(b) - 1
    q = float(b[1:] @ np.linalg.solve(covariance[1:, 1:], b[1:]))
    return (q, float(chdtrc(m, q))) if test == "z" else (q / m, float(fdtrc(m, df, q / m)))


def _explained(model: Model, tau2: float, method: str) -> float:
    if method == "EE":
        return math.nan
    before = estimate_tau2(simple(model.yi, model.vi), method).value
    return 100.0 * max(0.0, before - tau2) / before if before > 0 else math.nan


def permutation_p(
    yi: npt.ArrayLike, vi: npt.ArrayLike, moderators: npt.ArrayLike, *, method: str = "REML", n: int = 1000, seed: int = 0
) -> tuple[float, ...]:
    """p-values of the moderators when the rows of moderators are shuffled among the studies (Higgins and Thompson 2004).

    Parameters
    ----------
    yi, vi, moderators, method
        As for `meta_regression`.
    n
        Number of shuffles.
    seed
        Of the random numbers.

    Returns
    -------
    tuple of float
        For each moderator the share of shuffles, the data as they are among them, whose |z| is as large or larger.
    """
    x = np.asarray(moderators, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    rng = np.random.default_rng(seed)

    def statistics(rows: FloatArray) -> FloatArray:
        return np.array([abs(c.statistic) for c in meta_regression(yi, vi, rows, method=method).coefficients[1:]])

    observed = statistics(x)
    shuffled = np.array([statistics(x[rng.permutation(len(x))]) for _ in range(n)])
    exceeding = 1 + (shuffled >= observed - 1e-12).sum(axis=0)
    return tuple((exceeding / (n + 1)).tolist())


@dataclass(frozen=True)
class Subgroups:
    """Pooled results of subgroups, in order of appearance, and the test of their difference (chi-squared with `q_df`)."""

    groups: tuple[tuple[str, PooledResult], ...]
    q: float
    q_df: int
    q_p: float


def subgroups(effects: Effects, labels: Sequence[str], method: str = "DL", test: str = "z", level: float = 0.95) -> Subgroups:
    """Pool each subgroup with its own tau2 and test whether the subgroups differ.

    Q between = sum w (m - mean)^2 over the subgroups' estimates m with w = 1 / se^2 (Borenstein et al. 2009, ch. 19).

    Parameters
    ----------
    effects
        All effects.
    labels
        The subgroup of each effect.
    method, test, level
        As for `combine`; a subgroup of one study is taken with test z.

    Raises
    ------
    ValueError
        If labels and effects do not fit together.
    """
    if len(labels) != len(effects):
        message = f"expected a subgroup for each of {len(effects)} effects, found {len(labels)}"
        raise ValueError(message)
    groups = []
    for label in dict.fromkeys(labels):
        own = tuple(e for e, name in zip(effects, labels, strict=True) if name == label)
        part = Effects(effects.measure, own, (), effects.treated, effects.control)
        groups.append((label, combine(part, method, test if len(own) > 1 else "z", level)))
    m = np.array([result.estimate for _, result in groups])
    w = np.array([result.se**-2 for _, result in groups])
    q = float(np.sum(w * (m - np.sum(w * m) / np.sum(w)) ** 2))
    df = len(groups) - 1
    return Subgroups(tuple(groups), q, df, float(chdtrc(df, q)) if df else 1.0)
