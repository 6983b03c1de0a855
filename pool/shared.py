"""Several treated arms against one control: its participants split among the comparisons, or these pooled with their covariance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri

from extract.summary import ArmSummary
from pool.effect import Effect, Effects
from pool.tau2 import FloatArray


def split_control(control: ArmSummary, parts: int) -> tuple[ArmSummary, ...]:
    """A control arm for each of several comparisons: the same mean and SD, its participants divided (Cochrane Handbook 23.3.4).

    Participants are divided as evenly as whole numbers allow. The comparisons are then pooled as if they were independent, which they
    are not wholly: `shared_covariance` is exact.

    Raises
    ------
    ValueError
        If there are fewer than 2 participants for each part.
    """
    if parts < 1 or control.n < 2 * parts:
        message = f"expected 2 participants or more for each part of a control arm, found {control.n} for {parts} ({control.study})"
        raise ValueError(message)
    share, over = divmod(control.n, parts)
    return tuple(replace(control, n=share + (part < over)) for part in range(parts))


def shared_covariance(effects: Effects) -> FloatArray:
    """The covariance (k, k) of effects: their variances vi, and between those of one control arm what it adds to both.

    MD: sd^2 / n of the control; ROM: sd^2 / (n mean^2); SMD: 1 / n + g1 g2 / (2 N), N all participants of the two comparisons, the control
    once (Gleser and Olkin 2009, in Cooper et al., Handbook of Research Synthesis, ch. 19). Effects of one control are those whose
    control arm is the same (study, arm, outcome, timepoint, n, mean, SD).

    Raises
    ------
    ValueError
        If the measure is another, or an effect has no arms.
    """
    known: dict[str, Callable[[Effect, Effect, ArmSummary], float]] = {"MD": _of_means, "ROM": _of_ratios, "SMD": _of_standardised}
    if effects.measure not in known:
        message = f"expected measure {', '.join(known)} for effects of one control, found {effects.measure}"
        raise ValueError(message)
    covariance = np.diag([e.vi for e in effects])
    everything = list(effects)
    for i, first in enumerate(everything):
        for j, second in enumerate(everything[:i]):
            if first.control is None or second.control is None:
                message = f"expected the arms of every effect, found none of {first.study if first.control is None else second.study}"
                raise ValueError(message)
            if _identity(first.control) == _identity(second.control):
                covariance[i, j] = covariance[j, i] = known[effects.measure](first, second, first.control)
    return np.asarray(covariance, dtype=np.float64)


def _identity(arm: ArmSummary) -> tuple[object, ...]:
    return arm.study, arm.arm, arm.outcome, arm.timepoint, arm.n, arm.mean, arm.sd


def _of_means(first: Effect, second: Effect, control: ArmSummary) -> float:
    return control.sd**2 / control.n


def _of_ratios(first: Effect, second: Effect, control: ArmSummary) -> float:
    return control.sd**2 / (control.n * control.mean**2)


def _of_standardised(first: Effect, second: Effect, control: ArmSummary) -> float:
    treated = sum(e.treated.n for e in (first, second) if e.treated is not None)
    return 1 / control.n + first.yi * second.yi / (2 * (treated + control.n))


def shared_event_covariance(measure: str, events: float, others: float) -> float:
    """The covariance of two effects of events with one control arm of so many with and without the event.

    OR: 1 / events + 1 / others; RR: 1 / events - 1 / n; RD: p (1 - p) / n.

    Raises
    ------
    ValueError
        If the measure is another, or the variance of the control's part is not defined.
    """
    n = events + others
    if measure not in ("OR", "RR", "RD") or n <= 0 or min(events, others) < 0 or (measure != "RD" and min(events, others) == 0):
        message = f"expected measure OR, RR or RD and a control arm with events and others, found {measure}, {events:g} and {others:g}"
        raise ValueError(message)
    if measure == "OR":
        return 1 / events + 1 / others
    return 1 / events - 1 / n if measure == "RR" else events * others / n**3


@dataclass(frozen=True)
class CorrelatedResult:
    """The mean of correlated effects, in metafor's spelling; `q` is the generalised Q of a common effect."""

    k: int
    method: str
    estimate: float
    se: float
    ci_lb: float
    ci_ub: float
    p: float
    tau2: float
    q: float
    q_df: int
    q_p: float


def combine_correlated(yi: npt.ArrayLike, covariance: npt.ArrayLike, method: str = "REML", level: float = 0.95) -> CorrelatedResult:
    """Pool correlated effects by generalised least squares: y = mu + u + e, var u = tau2 I, var e the covariance.

    Parameters
    ----------
    yi : (k,) array_like
    covariance : (k, k) array_like
        Of sampling, as `shared_covariance` gives it.
    method
        "REML" or "ML" for tau2, "EE" for tau2 = 0.
    level
        Level of the normal interval.

    Raises
    ------
    ValueError
        If the arrays do not fit together, the covariance is not positive definite, or the method is unknown.
    """
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    if y.ndim != 1 or v.shape != (len(y), len(y)) or len(y) < 2:
        message = f"expected 2 effects or more with their covariance, found {y.shape} and {v.shape}"
        raise ValueError(message)
    if not np.isfinite(y).all() or not np.allclose(v, v.T) or not (np.linalg.eigvalsh(v) > 0).all():
        message = "expected finite effects and a covariance that is symmetric and positive definite, found others"
        raise ValueError(message)
    if method not in ("REML", "ML", "EE"):
        message = f"expected method REML, ML or EE, found {method!r}"
        raise ValueError(message)
    tau2 = 0.0 if method == "EE" else _tau2(y, v, restricted=method == "REML")
    estimate, variance, _ = _generalised_mean(y, v + tau2 * np.eye(len(y)))
    _, _, q = _generalised_mean(y, v)
    se = math.sqrt(variance)
    reach = float(ndtri(0.5 + level / 2)) * se
    p = 2 * float(ndtr(-abs(estimate / se)))
    df = len(y) - 1
    return CorrelatedResult(len(y), method, estimate, se, estimate - reach, estimate + reach, p, tau2, q, df, float(chdtrc(df, q)))


def _generalised_mean(y: FloatArray, covariance: FloatArray) -> tuple[float, float, float]:
    """Mean, its variance, and the weighted residual sum of squares."""
    weights = np.linalg.inv(covariance)
    total = float(weights.sum())
    mean = float(weights.sum(axis=0) @ y) / total
    return mean, 1 / total, float((y - mean) @ weights @ (y - mean))


def _tau2(y: FloatArray, v: FloatArray, *, restricted: bool) -> float:
    """Where the slope of the (restricted) likelihood is 0; 0 where it falls already there."""
    from scipy.optimize import brentq

    def slope(tau2: float) -> float:
        weights = np.linalg.inv(v + tau2 * np.eye(len(y)))
        sums = weights.sum(axis=1)
        p = weights - np.outer(sums, sums) / sums.sum()
        py = p @ y
        return float(py @ py - np.trace(p if restricted else weights))

    if slope(0.0) <= 0:
        return 0.0
    upper = float(np.trace(v)) / len(y) + float(np.var(y))
    while slope(upper) > 0:
        upper *= 2
    return float(brentq(slope, 0.0, upper, xtol=1e-14, rtol=1e-13))
