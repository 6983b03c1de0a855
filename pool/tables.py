"""Pooling two by two tables and rates directly: Mantel-Haenszel, Peto, and the Cochran-Mantel-Haenszel test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri

from pool.measures import Counts, binary_effects, peto_parts, rate_effects
from pool.tau2 import FloatArray


@dataclass(frozen=True)
class TablesResult:
    """A pooled measure of tables (log scale for ratios) with its standard error, interval, z and p, and Cochran's Q around it.

    `q` is taken over the tables whose own effect is defined; `i2` (per cent) and `h2` follow from it.
    """

    measure: str
    k: int
    estimate: float
    se: float
    ci_lb: float
    ci_ub: float
    z: float
    p: float
    q: float
    q_df: int
    q_p: float
    i2: float
    h2: float


def mantel_haenszel(measure: str, counts: Counts, level: float = 0.95) -> TablesResult:
    """The Mantel-Haenszel odds ratio, risk ratio or risk difference; no correction of empty cells.

    Variances: Robins, Breslow and Greenland 1986 (OR), Greenland and Robins 1985 (RR), Sato et al. 1989 (RD).

    Parameters
    ----------
    measure
        "OR", "RR" (the estimate is the logarithm) or "RD".
    counts
        The tables; those without participants in a group, or for a ratio without events, add nothing.
    level
        Level of the interval.

    Raises
    ------
    ValueError
        If the measure is unknown, or the tables hold too little for it (no events in one group).
    """
    a, b, c, d = counts.cells
    kept = (a + b > 0) & (c + d > 0)
    a, b, c, d = a[kept], b[kept], c[kept], d[kept]
    n1, n2 = a + b, c + d
    n = n1 + n2
    if measure == "OR":
        r, s = a * d / n, b * c / n
        p, q = (a + d) / n, (b + c) / n
        big_r, big_s = _sums(r, s, measure)
        estimate = math.log(big_r / big_s)
        variance = 0.5 * float(
            np.sum(p * r) / big_r**2 + np.sum(p * s + q * r) / (big_r * big_s) + np.sum(q * s) / big_s**2
        )  # fmt: skip
    elif measure == "RR":
        r, s = a * n2 / n, c * n1 / n
        big_r, big_s = _sums(r, s, measure)
        estimate = math.log(big_r / big_s)
        variance = float(np.sum(n1 * n2 * (a + c) / n**2 - a * c / n)) / (big_r * big_s)
    elif measure == "RD":
        weight = float(np.sum(n1 * n2 / n))
        estimate = float(np.sum(a * n2 / n - c * n1 / n)) / weight
        first = float(np.sum(c * (n1 / n) ** 2 - a * (n2 / n) ** 2 + (n1 / n) * (n2 / n) * (n2 - n1) / 2))
        second = float(np.sum(a * (n2 - c) / n + c * (n1 - a) / n)) / 2
        variance = (estimate * first + second) / weight**2
    else:
        message = f"expected a measure of Mantel-Haenszel (OR, RR, RD), found {measure!r}"
        raise ValueError(message)
    yi, vi = binary_effects(measure, Counts(a, b, c, d), drop00=True)
    return _result(measure, len(n), estimate, variance, yi, vi, level)


def _sums(r: FloatArray, s: FloatArray, measure: str) -> tuple[float, float]:
    big_r, big_s = float(np.sum(r)), float(np.sum(s))
    if not (big_r > 0 and big_s > 0):
        message = f"expected events and non-events enough for a Mantel-Haenszel {measure}, found sums {big_r:g} and {big_s:g}"
        raise ValueError(message)
    return big_r, big_s


def mantel_haenszel_rates(
    x1i: npt.ArrayLike, t1i: npt.ArrayLike, x2i: npt.ArrayLike, t2i: npt.ArrayLike, level: float = 0.95
) -> TablesResult:
    """The Mantel-Haenszel incidence rate ratio (log) of events x in person-time t (Rothman, Greenland and Lash 2008, ch. 15)."""
    x1, t1, x2, t2 = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (x1i, t1i, x2i, t2i))
    t = t1 + t2
    big_r, big_s = _sums(x1 * t2 / t, x2 * t1 / t, "IRR")
    variance = float(np.sum(t1 * t2 * (x1 + x2) / t**2)) / (big_r * big_s)
    yi, vi = rate_effects("IRR", x1, t1, x2, t2)
    return _result("IRR", len(x1), math.log(big_r / big_s), variance, yi, vi, level)


def peto(counts: Counts, level: float = 0.95) -> TablesResult:
    """Peto's one-step log odds ratio: sum (O - E) / sum V (Yusuf et al. 1985); tables without events or non-events add nothing."""
    a, b, c, d = counts.cells
    kept = (a + c > 0) & (b + d > 0) & (a + b > 0) & (c + d > 0)
    excess, variance = peto_parts(a[kept], b[kept], c[kept], d[kept])
    total = float(np.sum(variance))
    if not total > 0:
        message = f"expected a table with events and non-events, found none among {len(a)}"
        raise ValueError(message)
    estimate = float(np.sum(excess)) / total
    return _result("PETO", int(kept.sum()), estimate, 1 / total, excess / variance, 1 / variance, level)


def cochran_mantel_haenszel(counts: Counts, *, correct: bool = True) -> tuple[float, float]:
    """Chi-squared (1 df) of the Cochran-Mantel-Haenszel test and its p; `correct` takes a half off the excess of events."""
    excess, variance = peto_parts(*counts.cells)
    off = abs(float(np.nansum(excess)))
    statistic = max(0.0, off - (0.5 if correct else 0.0)) ** 2 / float(np.nansum(variance))
    return statistic, float(chdtrc(1, statistic))


def _result(
    measure: str, k: int, estimate: float, variance: float, yi: FloatArray, vi: FloatArray, level: float
) -> TablesResult:
    if not variance > 0:
        message = f"expected events and non-events for a variance of the pooled {measure}, found a variance of {variance:g}"
        raise ValueError(message)
    se = math.sqrt(variance)
    reach = float(ndtri(0.5 + level / 2)) * se
    good = np.isfinite(yi) & np.isfinite(vi)
    q = float(np.sum((yi[good] - estimate) ** 2 / vi[good]))
    df = int(good.sum()) - 1
    i2 = 100.0 * max(0.0, q - df) / q if q > 0 else 0.0
    return TablesResult(
        measure, k, estimate, se, estimate - reach, estimate + reach, estimate / se, 2 * float(ndtr(-abs(estimate / se))),
        q, df, float(chdtrc(df, q)) if df > 0 else 1.0, i2, q / df if df > 0 else 1.0,
    )  # fmt: skip
