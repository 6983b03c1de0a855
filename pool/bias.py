"""Small-study effects: regression and rank tests of the funnel plot, trim and fill, PET and PEESE.

None of these tells publication bias from other reasons why small studies differ, and with fewer than 10 studies they tell next to nothing
(Sterne et al. 2011, BMJ 343:d4002): then every result says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit
from scipy.stats import kendalltau, rankdata

from pool.measures import Counts, peto_parts
from pool.regression import meta_regression
from pool.tau2 import FloatArray, estimate_tau2, simple

FEWEST = 10  # studies below which a test of the funnel plot is of little use


@dataclass(frozen=True)
class FunnelTest:
    """A test of asymmetry: its name, statistic, degrees of freedom (infinite for z), p; `limit` is the effect at a standard error of 0.

    `caution` says in words that there are too few studies, and is empty otherwise.
    """

    name: str
    k: int
    statistic: float
    df: float
    p: float
    limit: float = math.nan
    limit_lb: float = math.nan
    limit_ub: float = math.nan
    caution: str = ""


def _caution(k: int) -> str:
    return f"{k} studies: with fewer than {FEWEST} tests of a funnel plot have little power and are not recommended" if k < FEWEST else ""


def _arrays(yi: npt.ArrayLike, vi: npt.ArrayLike, least: int) -> tuple[FloatArray, FloatArray]:
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    if y.shape != v.shape or y.ndim != 1 or len(y) < least:
        message = f"expected {least} effects or more with their variances, found {y.shape} and {v.shape}"
        raise ValueError(message)
    if not (np.isfinite(y).all() and (v > 0).all()):
        message = "expected finite effects and variances above 0, found others"
        raise ValueError(message)
    return y, v


@dataclass(frozen=True)
class Line:
    """A weighted straight line: intercept and slope, each with standard error, t and p; df are the residual degrees of freedom."""

    intercept: tuple[float, float, float, float]
    slope: tuple[float, float, float, float]
    df: int


def weighted_line(y: FloatArray, x: FloatArray, weights: FloatArray) -> Line:
    """Least squares of y on x with weights and a multiplicative error that is estimated (as R's lm).

    Raises
    ------
    ValueError
        If there are fewer than 3 points or all have the same x: no line is better than another then.
    """
    if len(y) < 3 or not np.ptp(x) > 1e-8 * float(np.max(np.abs(x))):
        found = f"{len(y)} studies and {len(set(x.tolist()))} precisions"
        message = f"expected 3 studies or more of different precision for a line, found {found}"
        raise ValueError(message)
    design = np.column_stack([np.ones(len(y)), x])
    bread = np.linalg.inv(design.T @ (weights[:, None] * design))
    b = bread @ (design.T @ (weights * y))
    df = len(y) - 2
    scale = float(np.sum(weights * (y - design @ b) ** 2)) / df
    se = np.sqrt(scale * np.diag(bread))
    t = b / se
    p = 2 * stdtr(df, -np.abs(t))
    rows = [(float(b[k]), float(se[k]), float(t[k]), float(p[k])) for k in (0, 1)]
    return Line(rows[0], rows[1], df)


def egger(yi: npt.ArrayLike, vi: npt.ArrayLike, level: float = 0.95) -> FunnelTest:
    """Egger's test (1997) as the weighted regression of yi on its standard error with multiplicative error; t with k - 2 df."""
    y, v = _arrays(yi, vi, 3)
    line = weighted_line(y, np.sqrt(v), 1 / v)
    reach = float(stdtrit(line.df, 0.5 + level / 2)) * line.intercept[1]
    limit = line.intercept[0]
    return FunnelTest("egger", len(y), line.slope[2], line.df, line.slope[3], limit, limit - reach, limit + reach, _caution(len(y)))


def egger_mixed(yi: npt.ArrayLike, vi: npt.ArrayLike, method: str = "REML", level: float = 0.95) -> FunnelTest:
    """Egger's test as a random-effects meta-regression on the standard error; z."""
    y, v = _arrays(yi, vi, 3)
    intercept, slope = meta_regression(y, v, np.sqrt(v), method=method, level=level).coefficients
    limits = (intercept.estimate, intercept.ci_lb, intercept.ci_ub)
    return FunnelTest("egger (mixed)", len(y), slope.statistic, math.inf, slope.p, *limits, _caution(len(y)))


def begg(yi: npt.ArrayLike, vi: npt.ArrayLike) -> FunnelTest:
    """Begg and Mazumdar's rank correlation (1994): Kendall's tau of standardised effects and variances.

    The p-value is exact for fewer than 50 studies without ties, and asymptotic else; the statistic is tau.
    """
    y, v = _arrays(yi, vi, 3)
    w = 1 / v
    standardised = (y - np.sum(w * y) / np.sum(w)) / np.sqrt(v - 1 / np.sum(w))
    has_ties = len(np.unique(standardised)) < len(y) or len(np.unique(v)) < len(y)
    result = kendalltau(standardised, v, method="asymptotic" if has_ties or len(y) >= 50 else "exact")
    return FunnelTest("begg", len(y), float(result.statistic), math.inf, float(result.pvalue), caution=_caution(len(y)))


def harbord(counts: Counts) -> FunnelTest:
    """Harbord's test (2006) for two by two tables: Egger's on the score Z / V of each table with its variance 1 / V."""
    excess, variance = peto_parts(*counts.cells)
    kept = variance > 0
    result = egger(excess[kept] / variance[kept], 1 / variance[kept])
    return FunnelTest("harbord", result.k, result.statistic, result.df, result.p, caution=result.caution)


def peters(counts: Counts, yi: npt.ArrayLike) -> FunnelTest:
    """Peters's test (2006): the log odds ratio on 1 / n, weighted by events x others / n."""
    a, b, c, d = counts.cells
    n = a + b + c + d
    weights = (a + c) * (b + d) / n
    y = np.asarray(yi, dtype=np.float64)
    kept = (weights > 0) & np.isfinite(y)
    line = weighted_line(y[kept], 1 / n[kept], weights[kept])
    k = int(kept.sum())
    return FunnelTest("peters", k, line.slope[2], line.df, line.slope[3], line.intercept[0], caution=_caution(k))


def pet(yi: npt.ArrayLike, vi: npt.ArrayLike) -> Line:
    """Precision-effect test: yi on its standard error (Stanley and Doucouliagos 2014); the intercept is the corrected effect."""
    y, v = _arrays(yi, vi, 3)
    return weighted_line(y, np.sqrt(v), 1 / v)


def peese(yi: npt.ArrayLike, vi: npt.ArrayLike) -> Line:
    """Precision-effect estimate with standard error: yi on its variance; used where PET finds an effect."""
    y, v = _arrays(yi, vi, 3)
    return weighted_line(y, v, 1 / v)


@dataclass(frozen=True, eq=False)
class TrimFill:
    """Trim and fill: the number `k0` of studies that a symmetric funnel lacks, its standard error and the `side` where they are missing.

    `yi` and `vi` are the effects with those filled in at the end.
    """

    k0: int
    se_k0: float
    side: Literal["left", "right"]
    yi: FloatArray
    vi: FloatArray
    caution: str = ""


def trim_and_fill(yi: npt.ArrayLike, vi: npt.ArrayLike, *, method: str = "DL", estimator: str = "L0") -> TrimFill:
    """Duval and Tweedie 2000: trim what makes the funnel lopsided, estimate the centre, and put mirror images of the trimmed back.

    Parameters
    ----------
    yi, vi : (k,) array_like
    method
        How tau2 is estimated while trimming, as for `combine`; "EE" for none.
    estimator
        Of k0: "L0", "R0" or "Q0".

    Raises
    ------
    ValueError
        If there are fewer than 3 effects or the estimator is unknown.
    """
    y, v = _arrays(yi, vi, 3)
    if estimator not in ("L0", "R0", "Q0"):
        message = f"expected estimator L0, R0 or Q0, found {estimator!r}"
        raise ValueError(message)
    slope = meta_regression(y, v, np.sqrt(v), method=method).coefficients[1].estimate
    side: Literal["left", "right"] = "right" if slope < 0 else "left"
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    flipped, variances = sign * y[order], v[order]
    k0, previous, se = 0, -1, 0.0
    for _ in range(100):
        if k0 == previous:
            break
        previous = k0
        centre = _centre(flipped[: len(y) - k0], variances[: len(y) - k0], method)
        k0, se = _missing(flipped - centre, estimator)
    filled = -(flipped - centre)[len(y) - k0 :] + centre
    return TrimFill(
        k0, se, side, np.concatenate([y, sign * filled]), np.concatenate([v, variances[len(y) - k0 :]]), _caution(len(y))
    )


def _centre(y: FloatArray, v: FloatArray, method: str) -> float:
    model = simple(y, v)
    tau2 = 0.0 if method == "EE" else estimate_tau2(model, method).value
    return float(model.coefficients(tau2)[0][0])


def _missing(centred: FloatArray, estimator: str) -> tuple[int, float]:
    """k0 and its standard error from ranks of distances on both sides of the centre."""
    k = len(centred)
    ranks = np.sign(centred) * rankdata(np.abs(centred), method="ordinal")
    if estimator == "R0":
        k0 = (k - max((-ranks[ranks < 0]).tolist(), default=0.0)) - 1
        se = math.sqrt(2 * max(0.0, k0) + 2)
    else:
        total = float(np.sum(ranks[ranks > 0]))
        k0 = (4 * total - k * (k + 1)) / (2 * k - 1) if estimator == "L0" else k - 0.5 - math.sqrt(2 * k**2 - 4 * total + 0.25)
        variance = (
            k * (k + 1) * (2 * k + 1) + 10 * k0**3 + 27 * k0**2 + 17 * k0 - 18 * k * k0**2 - 18 * k * k0 + 6 * k**2 * k0
        ) / 24  # fmt: skip
        scale = 4 / (2 * k - 1) if estimator == "L0" else 2 / math.sqrt((k - 0.5) ** 2 - k0 * (2 * k - k0 - 1))
        se = scale * math.sqrt(max(0.0, variance))
    return max(0, round(k0)), se
