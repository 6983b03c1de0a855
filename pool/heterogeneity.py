"""How much the effects differ beyond sampling error: Q, I2, H2, and how surely the variance between studies is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, chdtri

from pool.tau2 import FloatArray, Model, estimate_tau2, simple, solve_q


@dataclass(frozen=True)
class Heterogeneity:
    """Cochran's Q with its degrees of freedom and p-value, and what follows from Q: I2 (per cent) and H2."""

    q: float
    q_df: int
    q_p: float
    i2: float
    h2: float


@dataclass(frozen=True)
class Limits:
    """An estimate with the limits of its confidence interval."""

    estimate: float
    ci_lb: float
    ci_ub: float


def heterogeneity(yi: FloatArray, vi: FloatArray) -> Heterogeneity:
    """Q, I2 and H2 of k effects with sampling variances vi.

    Q = sum w (yi - mu)^2 with w = 1 / vi and mu the common effect (Cochran 1954); p from chi-squared with k - 1 degrees of freedom.
    H2 = Q / (k - 1) and I2 = 100 max(0, Q - (k - 1)) / Q (Higgins and Thompson 2002), based on Q as RevMan has them, whatever
    the estimator of tau2. One study has Q = 0, p = 1, I2 = 0, H2 = 1.
    """
    return residual_heterogeneity(simple(yi, vi))


def residual_heterogeneity(model: Model) -> Heterogeneity:
    """Q of what moderators leave (QE), and I2 and H2 from it, with k - p degrees of freedom."""
    df = model.df
    if df == 0:
        return Heterogeneity(0.0, 0, 1.0, 0.0, 1.0)
    q = model.rss(0.0)
    i2 = 100.0 * max(0.0, q - df) / q if q > 0 else 0.0
    return Heterogeneity(q, df, float(chdtrc(df, q)), i2, q / df)


def typical_variance(model: Model) -> float:
    """The typical sampling variance s2 = (k - p) / tr P at tau2 = 0 (Higgins and Thompson 2002 eq. 9, with moderators as in metafor)."""
    return model.df / model.scores(0.0).trace


def i2_h2_of_tau2(model: Model, tau2: float) -> tuple[float, float]:
    """I2 = 100 tau2 / (tau2 + s2) and H2 = 1 + tau2 / s2, as metafor has them; equal to those based on Q only for DL.

    Without degrees of freedom 0 and 1.
    """
    if model.df == 0:
        return 0.0, 1.0
    s2 = typical_variance(model)
    return 100.0 * tau2 / (tau2 + s2), 1.0 + tau2 / s2


def tau2_dl(yi: FloatArray, vi: FloatArray) -> float:
    """Between-study variance by DerSimonian and Laird 1986: max(0, (Q - (k - 1)) / (sum w - sum w^2 / sum w)), w = 1 / vi; 0 for k = 1."""
    return estimate_tau2(simple(yi, vi), "DL").value


def q_profile(model: Model, tau2: float, level: float = 0.95) -> Limits:
    """Limits of tau2 by the Q-profile: where y'Py meets the quantiles of chi-squared (Viechtbauer 2007, Stat Med 26:37).

    Parameters
    ----------
    model
        With one degree of freedom or more.
    tau2
        The estimate that the limits are given with.
    level
        Level of the interval.

    Raises
    ------
    ValueError
        If there are no degrees of freedom.
    """
    if model.df < 1:
        message = f"expected more studies than coefficients for limits of tau2, found {len(model.yi)} and {model.x.shape[1]}"
        raise ValueError(message)
    tail = (1.0 - level) / 2
    lower, upper = (solve_q(model, float(chdtri(model.df, probability))) for probability in (tail, 1.0 - tail))
    return Limits(tau2, lower, upper)


def profile_likelihood(model: Model, method: str = "REML", level: float = 0.95) -> Limits:
    """Limits of tau2 where the (restricted) log-likelihood lies half a chi-squared quantile below its top (Hardy and Thompson 1996).

    Raises
    ------
    ValueError
        If the method is neither ML nor REML.
    """
    from scipy.optimize import brentq

    if method not in ("ML", "REML"):
        message = f"expected method ML or REML for a profile likelihood, found {method!r}"
        raise ValueError(message)
    best = estimate_tau2(model, method).value
    floor = model.log_likelihood(best, restricted=method == "REML") - float(chdtri(1, 1.0 - level)) / 2

    def above(tau2: float) -> float:
        return model.log_likelihood(tau2, restricted=method == "REML") - floor

    lower = 0.0 if above(0.0) >= 0 else float(brentq(above, 0.0, best, xtol=1e-14, rtol=1e-14))
    upper = max(2.0 * best, float(np.mean(model.vi)))
    while above(upper) > 0:
        upper *= 2.0
    return Limits(best, lower, float(brentq(above, best, upper, xtol=1e-14, rtol=1e-14)))
