"""Effects that depend on one another: the three-level model, and cluster-robust standard errors with the CR2 correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from pool.tau2 import FloatArray

GRID = (1e-3, 0.1, 1.0)  # shares of the variance of yi from which the search for the components starts


@dataclass(frozen=True)
class MultilevelResult:
    """A three-level model: the mean effect, the variances between and within clusters, and Cochran's Q.

    `sigma2` holds the variance between the outer and between the inner units; `log_likelihood` is the (restricted) one.
    """

    k: int
    estimate: float
    se: float
    ci_lb: float
    ci_ub: float
    p: float
    sigma2: tuple[float, float]
    q: float
    q_df: int
    q_p: float
    log_likelihood: float


def three_level(
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    outer: Sequence[object],
    inner: Sequence[object] | None = None,
    *,
    method: str = "REML",
    test: str = "z",
    level: float = 0.95,
) -> MultilevelResult:
    """Effects within clusters: y = mu + u(outer) + w(inner in outer) + e (Konstantopoulos 2011, Res Synth Methods 2:61).

    Parameters
    ----------
    yi, vi : (k,) array_like
        Effects and sampling variances.
    outer
        The cluster (study, district) of each effect.
    inner
        The unit within the cluster; each effect its own by default.
    method
        "REML" or "ML".
    test
        "z", or "t" with k - 1 degrees of freedom.
    level
        Level of the interval.

    Raises
    ------
    ValueError
        If the arrays do not fit together, a variance is not above 0, all effects are of one cluster, or the method or test is unknown.
    """
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    units = list(range(len(y))) if inner is None else list(inner)
    if not len(y) == len(v) == len(outer) == len(units) or len(y) < 3:
        message = f"expected 3 effects or more with a variance and cluster each, found {len(y)}, {len(v)}, {len(outer)} and {len(units)}"
        raise ValueError(message)
    if not (np.isfinite(y).all() and (v > 0).all()):
        message = "expected finite effects and variances above 0, found others"
        raise ValueError(message)
    if len(set(outer)) < 2:
        message = f"expected 2 clusters or more for a variance between them, found {len(set(outer))}"
        raise ValueError(message)
    if method not in ("REML", "ML") or test not in ("z", "t"):
        message = f"expected method REML or ML and test z or t, found {method!r} and {test!r}"
        raise ValueError(message)
    same_outer = _same(list(outer))
    same_inner = same_outer * _same(units)
    sigma2 = _components(y, v, same_outer, same_inner, restricted=method == "REML")
    precision = np.linalg.inv(np.diag(v) + sigma2[0] * same_outer + sigma2[1] * same_inner)
    total = float(precision.sum())
    estimate, se = float(precision.sum(axis=0) @ y) / total, math.sqrt(1 / total)
    df = len(y) - 1
    quantile = float(ndtri(0.5 + level / 2) if test == "z" else stdtrit(df, 0.5 + level / 2))
    statistic = -abs(estimate / se)
    w = 1 / v
    q = float(np.sum(w * (y - np.sum(w * y) / np.sum(w)) ** 2))
    return MultilevelResult(
        k=len(y),
        estimate=estimate,
        se=se,
        ci_lb=estimate - quantile * se,
        ci_ub=estimate + quantile * se,
        p=2 * float(ndtr(statistic) if test == "z" else stdtr(df, statistic)),
        sigma2=sigma2,
        q=q,
        q_df=df,
        q_p=float(chdtrc(df, q)),
        log_likelihood=_log_likelihood(sigma2, y, v, same_outer, same_inner, restricted=method == "REML"),
    )


def _same(labels: Sequence[object]) -> FloatArray:
    codes = {label: k for k, label in enumerate(dict.fromkeys(labels))}
    numbers = np.array([codes[label] for label in labels])
    return np.asarray(numbers[:, None] == numbers, dtype=np.float64)


def _log_likelihood(
    sigma2: Sequence[float], y: FloatArray, v: FloatArray, outer: FloatArray, inner: FloatArray, *, restricted: bool
) -> float:
    covariance = np.diag(v) + sigma2[0] * outer + sigma2[1] * inner
    root = np.linalg.cholesky(covariance)
    ones, values = np.linalg.solve(root, np.ones(len(y))), np.linalg.solve(root, y)
    total = float(ones @ ones)
    rss = float(values @ values) - float(ones @ values) ** 2 / total
    k = len(y)
    value = -float(np.log(np.diag(root)).sum()) - rss / 2
    if not restricted:
        return value - k / 2 * math.log(2 * math.pi)
    return value - (k - 1) / 2 * math.log(2 * math.pi) + 0.5 * math.log(k) - 0.5 * math.log(total)


def _components(y: FloatArray, v: FloatArray, outer: FloatArray, inner: FloatArray, *, restricted: bool) -> tuple[float, float]:
    """The two variances of the highest likelihood, searched on the scale of standard deviations, from several starts."""

    def loss(s: FloatArray) -> float:
        return -_log_likelihood((float(s[0] ** 2), float(s[1] ** 2)), y, v, outer, inner, restricted=restricted)

    spread = float(np.std(y))
    starts = [(a * spread, b * spread) for a in GRID for b in GRID]
    found = min((minimize(loss, start, method="BFGS", options={"gtol": 1e-6}) for start in starts), key=lambda r: float(r.fun))
    polished = minimize(loss, found.x, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000, "maxfev": 4000})
    return float(polished.x[0] ** 2), float(polished.x[1] ** 2)


@dataclass(frozen=True)
class RobustResult:
    """A mean effect with a cluster-robust standard error, t, Satterthwaite's degrees of freedom, p and interval."""

    estimate: float
    se: float
    t: float
    df: float
    p: float
    ci_lb: float
    ci_ub: float


def cluster_robust(
    yi: npt.ArrayLike, covariance: npt.ArrayLike, clusters: Sequence[object], level: float = 0.95, *, correction: str = "CR2"
) -> RobustResult:
    """The generalised least-squares mean with a cluster-robust variance (Pustejovsky and Tipton 2018, J Bus Econ Stat 36:672).

    Parameters
    ----------
    yi : (k,) array_like
    covariance : (k, k) or (k,) array_like
        The working covariance of the effects (sampling and between-study parts together), or its diagonal.
    clusters
        The cluster of each effect; effects of different clusters are taken as independent.
    level
        Level of the interval.
    correction
        "CR2" makes each cluster's residuals have the working covariance on average; "CR0" takes them as they are, "CR1" that times
        J / (J - 1), J clusters. Degrees of freedom are Satterthwaite's.

    Raises
    ------
    ValueError
        If the arrays do not fit together, there are fewer than 2 clusters, the effects do not differ, or the correction is unknown.
    """
    if correction not in ("CR0", "CR1", "CR2"):
        message = f"expected correction CR0, CR1 or CR2, found {correction!r}"
        raise ValueError(message)
    y = np.asarray(yi, dtype=np.float64)
    phi = np.asarray(covariance, dtype=np.float64)
    phi = np.diag(phi) if phi.ndim == 1 else phi
    labels = list(dict.fromkeys(clusters))
    if phi.shape != (len(y), len(y)) or len(clusters) != len(y) or len(labels) < 2:
        message = f"expected effects with covariance and 2 clusters or more, found {y.shape}, {phi.shape} and {len(labels)} clusters"
        raise ValueError(message)
    w = np.asarray(np.linalg.inv(phi), dtype=np.float64)
    x = np.ones(len(y))
    bread = 1 / float(x @ w @ x)
    estimate = bread * float(x @ w @ y)
    residual = y - estimate
    members = [np.array([k for k, c in enumerate(clusters) if c == label]) for label in labels]
    left = np.eye(len(y)) - bread * np.outer(x, x @ w)  # I - H
    if correction == "CR2":
        pushes = [_cr2_weights(x, w, phi, left, own) for own in members]
    else:
        factor = math.sqrt(len(labels) / (len(labels) - 1)) if correction == "CR1" else 1.0
        pushes = [factor * (x[own] @ w[np.ix_(own, own)]) for own in members]
    se = bread * math.sqrt(sum(float(push @ residual[own]) ** 2 for push, own in zip(pushes, members, strict=True)))
    # Satterthwaite: the variance estimator as a quadratic form in the effects, under the working covariance.
    rows = np.array([push @ left[own] for push, own in zip(pushes, members, strict=True)])
    omega = rows @ phi @ rows.T
    df = float(np.trace(omega) ** 2 / np.sum(omega**2))
    reach = float(stdtrit(df, 0.5 + level / 2)) * se
    if not se > 1e-12 * abs(estimate):
        message = f"expected effects that differ for cluster-robust errors, found residuals of 0 in each of {len(labels)} clusters"
        raise ValueError(message)
    t = estimate / se
    return RobustResult(estimate, se, t, df, 2 * float(stdtr(df, -abs(t))), estimate - reach, estimate + reach)


def _cr2_weights(x: FloatArray, w: FloatArray, phi: FloatArray, left: FloatArray, own: npt.NDArray[np.int64]) -> FloatArray:
    """X'W A of one cluster: A makes its residuals have the working covariance on average."""
    block = phi[np.ix_(own, own)]
    root = np.linalg.cholesky(block)
    spread = root.T @ (left[own] @ phi @ left[own].T) @ root
    values, vectors = np.linalg.eigh(spread)
    inverse_root = vectors @ np.diag([0.0 if e < 1e-12 * values[-1] else e**-0.5 for e in values]) @ vectors.T
    return np.asarray((x[own] @ w[np.ix_(own, own)]) @ (root @ inverse_root @ root.T))
