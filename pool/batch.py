"""Thousands of random-effects meta-analyses at once: simulations and multiverses, by numpy along the first axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from pool.tau2 import GRID, LEAST_GAIN, FloatArray, estimate_tau2, simple

METHODS = ("DL", "REML", "EE")
TESTS = ("z", "t", "knha", "adhoc")
MOST_STEPS = 200
SETTLED = 1e-11  # relative change of tau2 at which scoring stops


@dataclass(frozen=True, eq=False)
class BatchResult:
    """Pooled results, arrays (m,): estimate, standard error, limits of the confidence interval, tau2 and Q."""

    estimate: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    tau2: FloatArray
    q: FloatArray


def combine_many(yi: npt.ArrayLike, vi: npt.ArrayLike, method: str = "REML", test: str = "knha", level: float = 0.95) -> BatchResult:
    """Pool m meta-analyses of k studies each; the digits are those of `combine`, and NaN what test "knha" has no interval for.

    Parameters
    ----------
    yi, vi : (m, k) array_like
        Effects and sampling variances, all finite, variances above 0.
    method
        "DL", "REML" or "EE".
    test, level
        As for `combine`.

    Raises
    ------
    ValueError
        If the arrays are not of one shape (m, k) with k of 2 or more, a value is out of range, or the method or test is unknown.
    """
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    if y.ndim != 2 or y.shape != v.shape or y.shape[1] < 2:
        message = f"expected yi and vi of one shape (m, k) with k of 2 or more, found {y.shape} and {v.shape}"
        raise ValueError(message)
    if method not in METHODS or test not in TESTS:
        message = f"expected a method of {', '.join(METHODS)} and a test of {', '.join(TESTS)}, found {method!r} and {test!r}"
        raise ValueError(message)
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        message = "expected finite effects and finite variances above 0, found others"
        raise ValueError(message)
    k = y.shape[1]
    q = _rss(y, 1 / v)
    tau2 = np.zeros(len(y)) if method == "EE" else _dl(v, q) if method == "DL" else _reml(y, v)
    w = 1 / (v + tau2[:, None])
    total = w.sum(axis=1)
    estimate = (w * y).sum(axis=1) / total
    factor = np.ones(len(y))
    if test in ("knha", "adhoc"):
        factor = _rss(y, w) / (k - 1)
        factor = np.maximum(factor, 1.0) if test == "adhoc" else np.where(_alike(y), np.nan, factor)
    se = np.sqrt(factor / total)
    quantile = float(ndtri(0.5 + level / 2) if test == "z" else stdtrit(k - 1, 0.5 + level / 2))
    return BatchResult(estimate, se, estimate - quantile * se, estimate + quantile * se, tau2, q)


def _alike(y: FloatArray) -> npt.NDArray[np.bool_]:
    """Rows whose effects are the same up to rounding: they say nothing of how much effects scatter."""
    return np.asarray(np.ptp(y, axis=1) <= 1e-12 * np.abs(y).max(axis=1))


def _rss(y: FloatArray, w: FloatArray) -> FloatArray:
    centre = (w * y).sum(axis=1) / w.sum(axis=1)
    return np.asarray((w * (y - centre[:, None]) ** 2).sum(axis=1))


def _dl(v: FloatArray, q: FloatArray) -> FloatArray:
    w = 1 / v
    total = w.sum(axis=1)
    return np.asarray(np.maximum(0.0, (q - (v.shape[1] - 1)) / (total - (w**2).sum(axis=1) / total)))


def _reml(y: FloatArray, v: FloatArray) -> FloatArray:
    """tau2 by Fisher scoring from the Hedges-Olkin value; rows that never settle as `combine` finds them; 0 where 0 is likelier."""
    tau2 = np.maximum(0.0, y.var(axis=1, ddof=1) - v.mean(axis=1))
    active = np.arange(len(y))
    for _ in range(MOST_STEPS):
        old = tau2[active]
        change = _reml_step(y[active], v[active], old)
        while True:  # a step below 0 is shortened
            below = old + change < 0
            if not (below & (np.abs(change) > 1e-12)).any():
                break
            change = np.where(below, change / 2, change)
        tau2[active] = np.maximum(old + change, 0.0)
        active = active[np.abs(tau2[active] - old) > SETTLED * np.maximum(old, 1e-10)]
        if not active.size:
            break
    for row in active:  # scoring swings about the top for ever, or creeps
        tau2[row] = estimate_tau2(simple(y[row], v[row]), "REML").value
    height = _restricted(y, v, tau2)
    for row in np.flatnonzero(_has_higher_hill(y, v, height)):
        tau2[row] = estimate_tau2(simple(y[row], v[row]), "REML").value
    at_zero = _restricted(y, v, np.zeros_like(tau2)) > _restricted(y, v, tau2)
    return np.where(at_zero, 0.0, tau2)


def _has_higher_hill(y: FloatArray, v: FloatArray, height: FloatArray) -> npt.NDArray[np.bool_]:
    """Rows whose likelihood is higher elsewhere than where scoring ended, looked at as `pool.tau2` does."""
    spread = np.ptp(y, axis=1) ** 2
    low = np.where(spread > 0, np.minimum(v.min(axis=1) / 10, spread), 1.0)
    growth = np.where(spread > 0, spread, 1.0) / low
    found = np.zeros(len(y), dtype=bool)
    for k in range(GRID):
        found |= _restricted(y, v, low * growth ** (k / (GRID - 1))) > height + LEAST_GAIN * np.abs(height)
    return found


def _reml_step(y: FloatArray, v: FloatArray, tau2: FloatArray) -> FloatArray:
    """The scoring step (y'PPy - tr P) / tr PP of the model without moderators."""
    w = 1 / (v + tau2[:, None])
    s1, s2, s3 = (np.sum(w**p, axis=1) for p in (1, 2, 3))
    centre = (w * y).sum(axis=1) / s1
    ppy = (w**2 * (y - centre[:, None]) ** 2).sum(axis=1)
    return np.asarray((ppy - (s1 - s2 / s1)) / (s2 - 2 * s3 / s1 + (s2 / s1) ** 2))


def _restricted(y: FloatArray, v: FloatArray, tau2: FloatArray) -> FloatArray:
    total = v + tau2[:, None]
    return np.asarray(-0.5 * np.log(total).sum(axis=1) - 0.5 * np.log((1 / total).sum(axis=1)) - 0.5 * _rss(y, 1 / total))
