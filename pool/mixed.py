"""Generalised linear mixed models: events and rates pooled by their own likelihood, no correction of empty cells, no normal approximation.

Odds ratios by Stijnen, Hamza and Ozdemir 2010 (Stat Med 29:3046) and Turner et al. 2000 (Stat Med 19:3417), rates by the Poisson forms of
the same, single proportions and rates by a random intercept (Hamza, van Houwelingen and Stijnen 2008, J Clin Epidemiol 61:41). The models
bear metafor's names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri

from pool.heterogeneity import heterogeneity, typical_variance
from pool.marginal import (
    Curve,
    Fit,
    Group,
    best_binomial,
    best_hypergeometric,
    best_poisson,
    binomial,
    highest,
    hypergeometric,
    integrated,
    maximum,
    poisson,
)
from pool.measures import Counts, Yi, binary_effects, proportion_effects, rate_effects, single_rate_effects
from pool.tau2 import FloatArray, simple

MixedModel = Literal["CM.EL", "CM.AL", "UM.FS", "UM.RS"]
MODELS: tuple[MixedModel, ...] = get_args(MixedModel)
NODES = 15  # of quadrature for each random effect: with more the estimates of published data sets move by less than 1e-8
LEAST_GAIN = 1e-9  # of log-likelihood over one common effect, below which tau2 is 0
UNBOUNDED = 40.0  # an effect at which the event is certain not to be, or to be, for a study where nobody or everybody had it


@dataclass(frozen=True)
class MixedResult:
    """A pooled measure by a mixed model: the logarithm of a ratio or rate, or the logit of a proportion.

    `tau2` is the variance between studies (0 for method "EE"), `sigma2` that of the studies' control risks in model "UM.RS" (NaN in the
    others). `q` is the likelihood-ratio test of heterogeneity: against the model with an effect for each study; `q_wald` is Cochran's Q of
    the studies without an empty cell (NaN where that is not the model's Wald test). `i2` (per cent) and `h2` set tau2 beside the typical
    sampling variance of the studies' own effects. `log_likelihood` is that of the data, in conditional models given the margins.
    """

    measure: str
    model: str
    method: str
    k: int
    estimate: float
    se: float
    ci_lb: float
    ci_ub: float
    z: float
    p: float
    tau2: float
    sigma2: float
    i2: float
    h2: float
    q: float
    q_df: int
    q_p: float
    q_wald: float
    log_likelihood: float


def mixed_odds_ratio(
    counts: Counts, model: MixedModel = "CM.EL", *, method: str = "ML", nodes: int = NODES, level: float = 0.95
) -> MixedResult:
    """The pooled log odds ratio of two by two tables.

    Parameters
    ----------
    counts
        The tables; those without events, or with nothing but events, in both groups say nothing of the ratio and are left out.
    model
        "CM.EL": events among the treated given all events, noncentral hypergeometric. "CM.AL": the same as binomial, good where events are
        rare. "UM.FS": logistic regression with an intercept for each study. "UM.RS": with random intercepts.
    method
        "ML", or "EE" for one common effect.
    nodes
        Of quadrature for each random effect. 1 is Laplace's approximation, which metafor has for two random effects; for one it has 7.
    level
        Level of the interval.

    Raises
    ------
    ValueError
        If the model or method is unknown, the tables hold too little, or the likelihood has no maximum.
    """
    a, b, c, d = counts.cells
    kept = (a + c > 0) & (b + d > 0) & (a + b > 0) & (c + d > 0)
    a, b, c, d = (cell[kept] for cell in (a, b, c, d))
    _check(model, method, nodes, len(a))
    _refuse_empty({"treated with events": a, "treated without": b, "controls with events": c, "controls without": d})
    own = binary_effects("OR", Counts(a, b, c, d))
    full = (a > 0) & (b > 0) & (c > 0) & (d > 0)
    wald = _q(own, full)
    if model == "CM.EL":
        fit = _one_curve(hypergeometric(a, b, c, d), np.zeros(len(a)), own, nodes)
        best, wald = best_hypergeometric(a, b, c, d, own[0]), math.nan
    elif model == "CM.AL":
        ratio = np.log((a + b) / (c + d))
        fit = _one_curve(binomial(a, a + c), ratio, own, nodes)
        with np.errstate(divide="ignore"):
            given_all = np.log(a / c) - ratio, 1 / a + 1 / c
        best, wald = best_binomial(a, a + c), _q(given_all, (a > 0) & (c > 0))
    else:
        treated, control, risk = binomial(a, a + b), binomial(c, c + d), _logit(a + c, b + d)
        fit = _two_curves(model, treated, control, risk, own, nodes)
        best = best_binomial(a, a + b) + best_binomial(c, c + d)
        if model == "UM.RS":
            effects = np.where(a == 0, -UNBOUNDED, np.where(b == 0, UNBOUNDED, own[0]))
            best, wald = _best_with_random_intercepts(treated, control, risk, effects, nodes), math.nan
    return _result("OR", model, method, fit, own, best, wald, level)


def mixed_rate_ratio(
    x1i: npt.ArrayLike,
    t1i: npt.ArrayLike,
    x2i: npt.ArrayLike,
    t2i: npt.ArrayLike,
    model: MixedModel = "CM.EL",
    *,
    method: str = "ML",
    nodes: int = NODES,
    level: float = 0.95,
) -> MixedResult:
    """The pooled log rate ratio of events x in person-time t, 1 treated and 2 control.

    Parameters
    ----------
    x1i, t1i, x2i, t2i : (k,) array_like
        Events and person-time; studies without events are left out.
    model
        "CM.EL": events among the treated given all events, binomial and exact. "UM.FS", "UM.RS": Poisson regression with fixed or random
        intercepts of the studies.
    method, nodes, level
        As for `mixed_odds_ratio`.

    Raises
    ------
    ValueError
        As `mixed_odds_ratio` does.
    """
    x1, t1, x2, t2 = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (x1i, t1i, x2i, t2i))
    _check_rates((x1, x2), (t1, t2))
    kept = x1 + x2 > 0
    x1, t1, x2, t2 = x1[kept], t1[kept], x2[kept], t2[kept]
    _check(model, method, nodes, len(x1), models=("CM.EL", "UM.FS", "UM.RS"))
    _refuse_empty({"treated with events": x1, "controls with events": x2})
    own = rate_effects("IRR", x1, t1, x2, t2)
    wald = _q(own, (x1 > 0) & (x2 > 0))
    if model == "CM.EL":
        fit = _one_curve(binomial(x1, x1 + x2), np.log(t1 / t2), own, nodes)
        best = best_binomial(x1, x1 + x2)
    else:
        treated, control, rate = poisson(x1, t1), poisson(x2, t2), np.log((x1 + x2) / (t1 + t2))
        fit = _two_curves(model, treated, control, rate, own, nodes)
        best = best_poisson(x1) + best_poisson(x2)
        if model == "UM.RS":
            effects = np.where(x1 == 0, -UNBOUNDED, own[0])
            best, wald = _best_with_random_intercepts(treated, control, rate, effects, nodes), math.nan
    return _result("IRR", model, method, fit, own, best, wald, level)


def mixed_proportion(xi: npt.ArrayLike, ni: npt.ArrayLike, *, method: str = "ML", nodes: int = NODES, level: float = 0.95) -> MixedResult:
    """The pooled logit of single proportions x / n (PLO), by logistic regression with a random intercept.

    Parameters
    ----------
    xi, ni : (k,) array_like
        Events and participants.
    method, nodes, level
        As for `mixed_odds_ratio`.

    Raises
    ------
    ValueError
        If the columns do not fit together, there are too few studies, or no events or nothing but events.
    """
    x, n = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (xi, ni))
    if x.shape != n.shape or not ((x >= 0) & (x <= n) & (n > 0)).all():
        message = f"expected events between 0 and the number of participants of each study, found {x.tolist()} and {n.tolist()}"
        raise ValueError(message)
    _check("CM.EL", method, nodes, len(x))
    _refuse_empty({"with events": x, "without": n - x})
    own = proportion_effects("PLO", x, n)
    fit = _one_curve(binomial(x, n), np.zeros(len(x)), own, nodes)
    return _result("PLO", "random intercept", method, fit, own, best_binomial(x, n), _q(own, (x > 0) & (x < n)), level)


def mixed_rate(xi: npt.ArrayLike, ti: npt.ArrayLike, *, method: str = "ML", nodes: int = NODES, level: float = 0.95) -> MixedResult:
    """The pooled logarithm of single rates x / t (IRLN), by Poisson regression with a random intercept.

    Parameters
    ----------
    xi, ti : (k,) array_like
        Events and person-time.
    method, nodes, level
        As for `mixed_odds_ratio`.

    Raises
    ------
    ValueError
        If the columns do not fit together, there are too few studies, or no events.
    """
    x, t = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (xi, ti))
    _check_rates((x,), (t,))
    _check("CM.EL", method, nodes, len(x))
    _refuse_empty({"with events": x})
    own = single_rate_effects("IRLN", x, t)
    fit = _one_curve(poisson(x, t), np.zeros(len(x)), own, nodes)
    return _result("IRLN", "random intercept", method, fit, own, best_poisson(x), _q(own, x > 0), level)


def _check(model: str, method: str, nodes: int, k: int, models: Sequence[str] = MODELS) -> None:
    if model not in models or method not in ("ML", "EE"):
        message = f"expected a model of {', '.join(models)} and method ML or EE, found {model!r} and {method!r}"
        raise ValueError(message)
    if nodes < 1:
        message = f"expected 1 node or more, found {nodes}"
        raise ValueError(message)
    least = 1 if method == "EE" and model != "UM.RS" else 2
    if k < least:
        message = f"expected {least} studies or more that say something of the measure, found {k}"
        raise ValueError(message)


def _check_rates(events: Sequence[FloatArray], times: Sequence[FloatArray]) -> None:
    if len({a.shape for a in (*events, *times)}) > 1:
        message = f"expected columns of one length, found {', '.join(str(len(a)) for a in (*events, *times))}"
        raise ValueError(message)
    if not all((x >= 0).all() and np.isfinite(x).all() for x in events) or not all((t > 0).all() and np.isfinite(t).all() for t in times):
        message = "expected events of 0 or more and person-times above 0, found others"
        raise ValueError(message)


def _refuse_empty(groups: dict[str, FloatArray]) -> None:
    """Refuse data whose likelihood rises without end."""
    for name, counts in groups.items():
        if not counts.sum() > 0:
            message = f"expected some {name} among all studies, found none: the likelihood has no maximum"
            raise ValueError(message)


def _q(own: Yi, used: npt.NDArray[np.bool_]) -> float:
    return heterogeneity(own[0][used], own[1][used]).q if used.sum() > 1 else 0.0


def _logit(events: FloatArray, others: FloatArray) -> FloatArray:
    return np.asarray(np.log((events + 0.5) / (others + 0.5)))


Fitting = Callable[[str], Fit]  # by method ML or EE


def _one_curve(curve: Curve, offset: FloatArray, own: Yi, nodes: int) -> Fitting:
    """Each study's predictor is its offset, the effect, and a random deviation."""

    def log_likelihood(p: FloatArray) -> float:
        loading = p[1:] if len(p) > 1 else np.zeros(1)
        return float(integrated([Group(curve, offset + p[0], loading)], nodes).sum())

    return lambda method: maximum(log_likelihood, _start(own, method))


def _two_curves(model: str, treated: Curve, control: Curve, risk: FloatArray, own: Yi, nodes: int) -> Fitting:
    """An intercept for each study, fixed or random; half of the random deviation is added for the treated and taken from the controls."""

    def with_fixed(p: FloatArray) -> float:
        half = p[1:] / 2 if len(p) > 1 else np.zeros(1)

        def given(intercepts: FloatArray) -> FloatArray:
            return integrated([Group(treated, intercepts + p[0], half), Group(control, intercepts, -half)], nodes)

        return float(highest(given, risk - p[0] / 2).sum())

    def with_random(p: FloatArray) -> float:
        half = p[3:] / 2
        centre = np.full(len(risk), p[1])
        groups = [Group(treated, centre + p[0], np.append(p[2], half)), Group(control, centre, np.append(p[2], -half))]
        return float(integrated(groups, nodes).sum())

    def fit(method: str) -> Fit:
        start = _start(own, method)
        if model == "UM.FS":
            return maximum(with_fixed, start)
        return maximum(with_random, np.array([start[0], risk.mean() - start[0] / 2, max(0.3, risk.std()), *start[1:]]))

    return fit


def _best_with_random_intercepts(treated: Curve, control: Curve, risk: FloatArray, start: FloatArray, nodes: int) -> float:
    """The log-likelihood of random intercepts and an effect for each study, sought from a start."""

    def log_likelihood(p: FloatArray) -> float:
        loading, centre = p[1:], np.full(len(risk), p[0])

        def given(effects: FloatArray) -> FloatArray:
            return integrated([Group(treated, centre + effects, loading), Group(control, centre, loading)], nodes)

        return float(highest(given, start).sum())

    return maximum(log_likelihood, np.array([risk.mean(), max(0.3, risk.std())])).value


def _start(own: Yi, method: str) -> FloatArray:
    """Where a search starts: the common effect, and half of the standard deviation of the studies' effects or 0.2."""
    centre = float(np.sum(own[0] / own[1]) / np.sum(1 / own[1]))
    return np.array([centre, max(0.2, float(np.std(own[0])) / 2)] if method == "ML" else [centre])


def _result(measure: str, model: str, method: str, fitting: Fitting, own: Yi, best: float, wald: float, level: float) -> MixedResult:
    k = len(own[0])
    common = fitting("EE")
    fit = common if method == "EE" else fitting("ML")
    estimate, se = float(fit.at[0]), math.sqrt(fit.covariance[0, 0])
    reach = float(ndtri(0.5 + level / 2)) * se
    tau2 = 0.0 if method == "EE" or fit.value < common.value + LEAST_GAIN else float(fit.at[-1] ** 2)
    typical = typical_variance(simple(*own)) if k > 1 else math.nan
    q = max(0.0, 2 * (best - common.value)) if k > 1 else 0.0
    return MixedResult(
        measure=measure,
        model=model,
        method=method,
        k=k,
        estimate=estimate,
        se=se,
        ci_lb=estimate - reach,
        ci_ub=estimate + reach,
        z=estimate / se,
        p=2 * float(ndtr(-abs(estimate / se))),
        tau2=tau2,
        sigma2=float(fit.at[2] ** 2) if model == "UM.RS" else math.nan,
        i2=100 * tau2 / (tau2 + typical) if k > 1 else 0.0,
        h2=1 + tau2 / typical if k > 1 else 1.0,
        q=q,
        q_df=k - 1,
        q_p=float(chdtrc(k - 1, q)) if k > 1 else 1.0,
        q_wald=wald,
        log_likelihood=fit.value,
    )
