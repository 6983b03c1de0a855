"""Estimators of tau2, the variance between studies, in the random-effects model y = X b + u + e with var u = tau2 and var e = v.

All are written for a design matrix X (k, p); X is a column of ones where there are no moderators. With w = 1 / (v + tau2) and
P = W - W X (X'WX)^-1 X'W, the estimators differ in the equation that they solve; Viechtbauer 2005 (J Educ Behav Stat 30:261) and
Veroniki et al. 2016 (Res Synth Methods 7:55) compare them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

FloatArray = NDArray[np.float64]

MOST_STEPS = 500
PATIENCE = 40  # steps of scoring after which one that turns back is no more believed to settle
GRID = 12  # values of tau2 where a likelihood is looked at for a second hill
LEAST_GAIN = 1e-9  # relative, by which a second hill has to be higher
SETTLED = 1e-13  # relative change of tau2 at which scoring stops


class Scores(NamedTuple):
    """Quadratic forms and traces of P that estimators are made of."""

    ypy: float
    yppy: float
    trace: float
    trace_of_square: float


@dataclass(frozen=True, eq=False)
class Model:
    """Effects yi (k,), their sampling variances vi (k,) and the design x (k, p), a column of ones where there are no moderators."""

    yi: FloatArray
    vi: FloatArray
    x: FloatArray
    has_moderators: bool = True

    @property
    def df(self) -> int:
        """Residual degrees of freedom, k - p."""
        return int(self.x.shape[0] - self.x.shape[1])

    def coefficients(self, tau2: float) -> tuple[FloatArray, FloatArray]:
        """Weighted least squares with w = 1 / (v + tau2): the coefficients (p,) and (X'WX)^-1 (p, p)."""
        weights = 1.0 / (self.vi + tau2)
        bread = np.linalg.inv(self.x.T @ (weights[:, None] * self.x))
        return bread @ (self.x.T @ (weights * self.yi)), np.asarray(bread, dtype=np.float64)

    def projection(self, weights: FloatArray) -> FloatArray:
        """P = W - W X (X'WX)^-1 X'W (k, k)."""
        wx = weights[:, None] * self.x
        return np.asarray(np.diag(weights) - wx @ np.linalg.solve(self.x.T @ wx, wx.T))

    def scores(self, tau2: float) -> Scores:
        """y'Py, y'PPy, tr P and tr PP at w = 1 / (v + tau2), by sums over studies without the matrix P."""
        w = 1.0 / (self.vi + tau2)
        if not self.has_moderators:
            s1, s2 = float(w.sum()), float(w @ w)
            py = w * (self.yi - float(w @ self.yi) / s1)
            square = s2 - 2 * float((w * w) @ w) / s1 + (s2 / s1) ** 2
            return Scores(float(self.yi @ py), float(py @ py), s1 - s2 / s1, square)
        wx = self.x.T * w
        bread = np.linalg.inv(wx @ self.x)
        py = w * (self.yi - self.x @ (bread @ (wx @ self.yi)))
        once = bread @ ((wx * w) @ self.x)  # (X'WX)^-1 X'WWX
        twice = bread @ ((wx * (w * w)) @ self.x)
        trace = w.sum() - once.trace()
        return Scores(float(self.yi @ py), float(py @ py), float(trace), float(w @ w - 2 * twice.trace() + (once @ once).trace()))

    def rss(self, tau2: float) -> float:
        """The weighted residual sum of squares y'Py; at tau2 = 0 Cochran's Q (with moderators QE)."""
        w = 1.0 / (self.vi + tau2)
        if not self.has_moderators:
            return float(w @ (self.yi - float(w @ self.yi) / float(w.sum())) ** 2)
        b, _ = self.coefficients(tau2)
        return float(w @ (self.yi - self.x @ b) ** 2)

    def log_likelihood(self, tau2: float, *, restricted: bool) -> float:
        """The log-likelihood of tau2 at its best coefficients; the restricted one in the form that keeps log |X'X|, as metafor has it."""
        total = self.vi + tau2
        k, p = self.x.shape
        value = -0.5 * float(np.sum(np.log(total))) - 0.5 * self.rss(tau2)
        if not restricted:
            return float(value - 0.5 * k * np.log(2 * np.pi))
        inner = float(np.linalg.slogdet(self.x.T @ (self.x / total[:, None]))[1])
        outer = float(np.linalg.slogdet(self.x.T @ self.x)[1])
        return float(value - 0.5 * (k - p) * np.log(2 * np.pi) + 0.5 * outer - 0.5 * inner)


def simple(yi: FloatArray, vi: FloatArray) -> Model:
    """The model without moderators."""
    return Model(yi, vi, np.ones((len(yi), 1)), has_moderators=False)


@dataclass(frozen=True)
class Tau2:
    """An estimate of tau2 and its standard error (NaN where the method has none)."""

    value: float
    se: float


def _dl(model: Model) -> Tau2:
    s = model.scores(0.0)
    value = (s.ypy - model.df) / s.trace
    kept = max(value, 0.0)
    return Tau2(value, float(np.sqrt(2 * model.df + 4 * kept * s.trace + 2 * kept**2 * s.trace_of_square) / s.trace))


def generalised(model: Model, weights: FloatArray) -> Tau2:
    """tau2 from a generalised Q with any weights (DerSimonian and Kacker 2007, Contemp Clin Trials 28:105): (y'Py - tr PV) / tr P.

    P is that of the weights; DL has 1 / v, HE equal ones. Not kept at 0 or above.
    """
    p = model.projection(weights)
    pv = p * model.vi
    trace = float(np.trace(p))
    value = (float(model.yi @ p @ model.yi) - float(np.trace(pv))) / trace
    kept = max(value, 0.0)
    spread = 2 * np.sum(pv * pv.T) + 4 * kept * np.sum(pv * p) + 2 * kept**2 * np.sum(p * p)
    return Tau2(value, float(np.sqrt(spread) / trace))


def _he(model: Model) -> Tau2:
    return generalised(model, np.ones(len(model.yi)))


def _hs(model: Model, *, small_sample: bool) -> Tau2:
    s = model.scores(0.0)
    k, total = len(model.yi), float(np.sum(1.0 / model.vi))
    share = k / model.df if small_sample else 1.0
    value = (share * s.ypy - k) / total
    kept = max(value, 0.0)
    return Tau2(value, float(share * np.sqrt(2 * model.df + 4 * kept * s.trace + 2 * kept**2 * s.trace_of_square) / total))


def _sj(model: Model) -> Tau2:
    first = float(np.var(model.yi))
    if first == 0.0:
        return Tau2(0.0, np.nan)
    value = first * model.rss(first) / model.df
    p = model.projection(1.0 / (model.vi + first))
    pv = p * model.vi
    spread = 2 * np.sum(pv * pv.T) + 4 * max(value, 0.0) * np.sum(pv * p) + 2 * max(value, 0.0) ** 2 * np.sum(p * p)
    return Tau2(value, float(first / model.df * np.sqrt(spread)))


def _pm(model: Model, *, median: bool) -> Tau2:
    target = float(chdtri(model.df, 0.5)) if median else float(model.df)
    return _with_pm_error(model, solve_q(model, target))


def _with_pm_error(model: Model, value: float) -> Tau2:
    return Tau2(value, float(np.sqrt(2.0 / model.df) * len(model.yi) / np.sum(1.0 / (model.vi + value))))


def solve_q(model: Model, target: float) -> float:
    """The tau2 at which y'Py equals the target, 0 where it is smaller already at 0."""
    from scipy.optimize import brentq

    if model.rss(0.0) <= target:
        return 0.0
    upper = max(10.0 * float(np.var(model.yi)), 10.0 * float(np.mean(model.vi)), 1e-12)
    while model.rss(upper) > target:
        upper *= 4.0
    return float(brentq(lambda t: model.rss(t) - target, 0.0, upper, xtol=1e-15 * max(upper, 1.0), rtol=8.9e-16, maxiter=MOST_STEPS))


def _iterated(model: Model, step: Callable[[float], float], start: float) -> float:
    """The tau2 that a step leaves as it is, from a start."""
    value = start
    for _ in range(MOST_STEPS * 20):
        new = max(step(value), 0.0)
        if abs(new - value) <= SETTLED * max(value, 1e-12):
            return new
        value = new
    return value


def _dlit(model: Model) -> Tau2:
    return _with_pm_error(model, _iterated(model, lambda tau2: generalised(model, 1.0 / (model.vi + tau2)).value, 0.0))


def _sjit(model: Model) -> Tau2:
    return _with_pm_error(model, _iterated(model, lambda tau2: tau2 * model.rss(tau2) / model.df, float(np.var(model.yi))))


def _scored(model: Model, step: Callable[[float], float], likelihood: Callable[[float], float] | None) -> float:
    """tau2 by Fisher scoring from the Hedges-Olkin value, kept at 0 or above; where 0 or another tau2 is likelier still, that."""
    value = _settled(step, max(_he(model).value, 0.0))
    if likelihood is not None:
        value = _likelier(model, step, likelihood, value)
    return 0.0 if value < 1e-14 * float(np.mean(model.vi)) else value


def _settled(step: Callable[[float], float], start: float) -> float:
    """Where scoring ends; where it swings about a tau2 instead, that, by bisection."""
    value = start
    for k in range(MOST_STEPS):
        change = step(value)
        damped = 1.0
        while value + damped * change < 0 and damped > 1e-10:  # a step below 0 is shortened, not refused
            damped /= 2
        new = max(value + damped * change, 0.0)
        if abs(new - value) <= SETTLED * max(value, 1e-12):
            return new
        if k >= PATIENCE and change * step(new) < 0:
            from scipy.optimize import brentq

            return float(brentq(step, min(value, new), max(value, new), xtol=1e-15 * max(value, new), rtol=8.9e-16))
        value = new
    return value


def _likelier(model: Model, step: Callable[[float], float], likelihood: Callable[[float], float], found: float) -> float:
    """What scoring found, or the top of another hill of the likelihood that is higher: with few studies there can be two."""
    spread = float(np.ptp(model.yi)) ** 2
    grid = [0.0, *np.geomspace(min(float(np.min(model.vi)) / 10, spread), spread, GRID).tolist()] if spread > 0 else [0.0]
    heights = [likelihood(tau2) for tau2 in grid]
    best, height = int(np.argmax(heights)), likelihood(found)
    if heights[best] <= height + LEAST_GAIN * abs(height):
        return 0.0 if heights[0] > height else found
    if best == 0:
        return 0.0
    from scipy.optimize import minimize_scalar

    between = (grid[best - 1], grid[best + 1] if best + 1 < len(grid) else 2 * grid[best])
    near = float(minimize_scalar(lambda tau2: -likelihood(tau2), bounds=between, method="bounded", options={"xatol": 1e-12}).x)
    top = _settled(step, near)
    return top if likelihood(top) >= likelihood(near) else near


def _ml(model: Model) -> Tau2:
    def step(tau2: float) -> float:
        weights = 1.0 / (model.vi + tau2)
        return (model.scores(tau2).yppy - float(weights.sum())) / float(weights @ weights)

    value = _scored(model, step, lambda t: model.log_likelihood(t, restricted=False))
    return Tau2(value, float(np.sqrt(2.0 / np.sum((model.vi + value) ** -2.0))))


def _reml(model: Model) -> Tau2:
    def step(tau2: float) -> float:
        s = model.scores(tau2)
        return (s.yppy - s.trace) / s.trace_of_square

    value = _scored(model, step, lambda t: model.log_likelihood(t, restricted=True))
    return Tau2(value, float(np.sqrt(2.0 / model.scores(value).trace_of_square)))


METHODS: dict[str, Callable[[Model], Tau2]] = {
    "DL": _dl,
    "HE": _he,
    "HS": lambda model: _hs(model, small_sample=False),
    "HSk": lambda model: _hs(model, small_sample=True),
    "SJ": _sj,
    "DLIT": _dlit,
    "SJIT": _sjit,
    "ML": _ml,
    "REML": _reml,
    "EB": lambda model: _pm(model, median=False),
    "PM": lambda model: _pm(model, median=False),
    "PMM": lambda model: _pm(model, median=True),
}
"""DerSimonian-Laird 1986, Hedges-Olkin 1985, Hunter-Schmidt 1990 (and its small-sample form), Sidik-Jonkman 2005, the iterated
forms of DL and SJ, (restricted) maximum
likelihood, empirical Bayes (Morris 1983; the same equation as Paule-Mandel 1982), Paule-Mandel, and its median-unbiased form."""


def estimate_tau2(model: Model, method: str) -> Tau2:
    """tau2 by a method of `METHODS`, 0 where the estimator is negative or there are no degrees of freedom.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    if method not in METHODS:
        message = f"expected method to be one of {', '.join(METHODS)}, found {method!r}"
        raise ValueError(message)
    if model.df < 1:
        return Tau2(0.0, np.nan)
    found = METHODS[method](model)
    return Tau2(max(found.value, 0.0), found.se)
