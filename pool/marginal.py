"""Likelihoods of counts with random effects integrated out, and their maxima: what mixed models stand on.

Integrals are by adaptive Gauss-Hermite quadrature about the likeliest random effects of each study (Liu and Pierce 1994, Biometrika
81:624).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, logsumexp, xlogy

from pool.tau2 import FloatArray

STEP = 1e-3  # of numeric derivatives on the way to a highest value
WIDE_STEP = 5e-3  # of those at a maximum: a log-likelihood is known to 1e-12, so that its curvature is known to about 1e-7
MOST_STEPS = 200
MOST_EVENTS = 20_000  # of a table, beyond which the exact conditional likelihood is refused for its cost
FAR = 30.0  # an estimate or standard deviation on the log scale beyond which a likelihood is taken to have no maximum

# Log-likelihood of each study and its first two derivatives in the linear predictor: arrays (k, m) from predictors (k, m).
Curve = Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]]


def binomial(x: FloatArray, n: FloatArray) -> Curve:
    """Of events x of n whose logit is the predictor."""
    x, n = x[:, None], n[:, None]
    constant = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)

    def curve(predictor: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        p = expit(predictor)
        return constant + x * predictor - n * np.logaddexp(0.0, predictor), x - n * p, -n * p * (1 - p)

    return curve


def best_binomial(x: FloatArray, n: FloatArray) -> float:
    """The log-likelihood with a probability for each study."""
    constant = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    return float(np.sum(constant + xlogy(x, x / n) + xlogy(n - x, 1 - x / n)))


def poisson(x: FloatArray, t: FloatArray) -> Curve:
    """Of events x in time t whose log rate is the predictor."""
    x, t = x[:, None], t[:, None]

    def curve(predictor: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        expected = t * np.exp(np.minimum(predictor, 300.0))
        return x * (predictor + np.log(t)) - expected - gammaln(x + 1), x - expected, -expected

    return curve


def best_poisson(x: FloatArray) -> float:
    """The log-likelihood with a rate for each study, in units of its person-time."""
    return float(np.sum(xlogy(x, x) - x - gammaln(x + 1)))


def hypergeometric(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Curve:
    """Of the events among the treated given all margins; the predictor is the log odds ratio (Stijnen et al. 2010 eq. 5)."""
    n1, n2, events = a + b, c + d, a + c
    least, most = np.maximum(0.0, events - n2), np.minimum(n1, events)
    if (most - least).max() > MOST_EVENTS:
        message = f"expected tables of at most {MOST_EVENTS} events for CM.EL, found {(most - least).max():g}; take UM.FS"
        raise ValueError(message)
    possible = [np.arange(lo, hi + 1) for lo, hi in zip(least, most, strict=True)]
    chances = [_log_chances(x, *sizes) for x, *sizes in zip(possible, n1, n2, events, strict=True)]

    def curve(predictor: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        found = np.empty((3, *predictor.shape))
        for k, (x, chance) in enumerate(zip(possible, chances, strict=True)):
            terms = chance[:, None] + x[:, None] * predictor[k]
            top = terms.max(axis=0)
            weights = np.exp(terms - top)
            total = weights.sum(axis=0)
            mean = x @ weights / total
            spread = ((x[:, None] - mean) ** 2 * weights).sum(axis=0) / total
            found[:, k] = chance[int(a[k] - least[k])] + a[k] * predictor[k] - top - np.log(total), a[k] - mean, -spread
        return found[0], found[1], found[2]

    return curve


def _log_chances(x: FloatArray, n1: float, n2: float, events: float) -> FloatArray:
    """Log probabilities of x events among the treated where the odds ratio is 1."""
    ways = -gammaln(x + 1) - gammaln(n1 - x + 1) - gammaln(events - x + 1) - gammaln(n2 - events + x + 1)
    return np.asarray(ways - logsumexp(ways))


def best_hypergeometric(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, start: FloatArray) -> float:
    """The log-likelihood with an odds ratio for each study: at an end of what is possible the probability is 1."""
    inner = (a > np.maximum(0, a - d)) & (a < np.minimum(a + b, a + c))
    if not inner.any():
        return 0.0
    curve = hypergeometric(*(cell[inner] for cell in (a, b, c, d)))
    return float(np.sum(highest(lambda ratio: curve(ratio[:, None])[0][:, 0], start[inner])))


@dataclass(frozen=True, eq=False)
class Group:
    """One group of each study: its likelihood at the predictor centre (k,) + loading (q,) times q standard normal random effects."""

    curve: Curve
    centre: FloatArray
    loading: FloatArray


def integrated(groups: Sequence[Group], nodes: int) -> FloatArray:
    """The log-likelihood of each study (k,) with its random effects integrated out, by quadrature about their likeliest values."""
    mode, root, log_volume = _likeliest(groups)
    points, log_weights = _grid(nodes, mode.shape[1])
    effects = mode[:, None, :] + points @ np.swapaxes(root, 1, 2)  # (k, m, q)
    value = sum((g.curve(g.centre[:, None] + effects @ g.loading)[0] for g in groups), start=np.zeros(effects.shape[:2]))
    value = value - 0.5 * np.sum(effects**2, axis=2) + 0.5 * np.sum(points**2, axis=1) + log_weights
    return np.asarray(log_volume + logsumexp(value, axis=1))


def _grid(nodes: int, dimensions: int) -> tuple[FloatArray, FloatArray]:
    """Points (m, q) and log weights (m,) for integrals over standard normal variables."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    log_w = np.log(w) - 0.5 * math.log(2 * math.pi)
    points = np.stack(np.meshgrid(*[x] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    weights = np.stack(np.meshgrid(*[log_w] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions).sum(axis=1)
    return points, weights


def _likeliest(groups: Sequence[Group]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The likeliest random effects (k, q) by Newton's method, a root of their covariance (k, q, q), and the log of its determinant."""
    at = np.zeros((len(groups[0].centre), len(groups[0].loading)))
    value, slope, bend = _penalised(groups, at)
    step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
    for _ in range(MOST_STEPS):
        if np.abs(step).max() < 1e-8:
            root = np.linalg.cholesky(np.linalg.inv(bend))
            return at, root, np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        tried, tried_slope, tried_bend = _penalised(groups, at + step)
        better = tried >= value - 1e-9 * (1 + np.abs(value))
        at = np.where(better[:, None], at + step, at)
        value = np.where(better, tried, value)
        bend = np.where(better[:, None, None], tried_bend, bend)
        next_step = np.linalg.solve(bend, tried_slope[:, :, None])[:, :, 0]
        step = np.where(better[:, None], next_step, step / 4)  # a step that went too far is shortened
    message = "expected random effects whose likelihood has one maximum, found none"
    raise ValueError(message)


def _penalised(groups: Sequence[Group], at: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log-likelihood of each study with its random effects at some values (k,), its slope (k, q) and negative curvature (k, q, q)."""
    value, slope = -0.5 * np.sum(at**2, axis=1), -at
    bend = np.broadcast_to(np.eye(at.shape[1]), (*at.shape, at.shape[1]))
    for g in groups:
        here, first, second = g.curve((g.centre + at @ g.loading)[:, None])
        value = value + here[:, 0]
        slope = slope + first * g.loading
        bend = bend - second[:, :, None] * np.outer(g.loading, g.loading)
    return value, slope, bend


@dataclass(frozen=True, eq=False)
class Fit:
    """The maximum of a log-likelihood: the parameters, their covariance from the curvature there, and the value."""

    at: FloatArray
    covariance: FloatArray
    value: float


def highest(of: Callable[[FloatArray], FloatArray], start: FloatArray) -> FloatArray:
    """The highest values (k,) of k functions of one variable each, by Newton's method with numeric derivatives."""
    at = start
    for _ in range(MOST_STEPS):
        here, above, below = of(at), of(at + STEP), of(at - STEP)
        slope, bend = (above - below) / (2 * STEP), (above - 2 * here + below) / STEP**2
        step = np.clip(-slope / np.minimum(bend, -1e-4), -1.0, 1.0)
        at = at + step
        # The value is flat there: it is off by the square of what is left; one that rises towards a limit has reached it.
        if (np.abs(slope * step) < 1e-9).all():
            break
    return of(at)


def maximum(log_likelihood: Callable[[FloatArray], float], start: FloatArray) -> Fit:
    """The maximum by a quasi-Newton search and Newton steps, and the covariance from the curvature there.

    Raises
    ------
    ValueError
        If the search leaves what is plausible or finds no maximum.
    """
    from scipy.optimize import minimize

    def loss(p: FloatArray) -> float:
        return -log_likelihood(p)

    at = minimize(loss, start, method="BFGS", options={"gtol": 1e-4}).x
    for _ in range(MOST_STEPS):
        slope, bend = derivatives(log_likelihood, at)
        step = np.linalg.solve(bend, slope)
        if np.abs(at).max() > FAR or not np.isfinite(step).all():
            break
        at = at + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-7:
            break
    _, bend = derivatives(log_likelihood, at)
    covariance = np.linalg.inv(bend)
    if not np.abs(step).max() < 1e-5 or np.linalg.eigvalsh(bend)[0] <= 0:
        message = f"expected a likelihood with a maximum, found none near {', '.join(f'{v:.3g}' for v in at)}"
        raise ValueError(message)
    return Fit(at, np.asarray(covariance, dtype=np.float64), log_likelihood(at))


def derivatives(of: Callable[[FloatArray], float], at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The slope (p,) and the negative curvature (p, p) of a function, by central differences extrapolated to no step (Richardson)."""
    (near_slope, near_bend), (far_slope, far_bend) = (_differences(of, at, step) for step in (WIDE_STEP, 2 * WIDE_STEP))
    return (4 * near_slope - far_slope) / 3, (4 * near_bend - far_bend) / 3


def _differences(of: Callable[[FloatArray], float], at: FloatArray, step: float) -> tuple[FloatArray, FloatArray]:
    moves = step * np.eye(len(at))
    here = of(at)
    ahead, behind = (np.array([of(at + sign * move) for move in moves]) for sign in (1, -1))
    bend = np.diag(2 * here - ahead - behind)
    for i in range(len(at)):
        for j in range(i):
            both = of(at + moves[i] + moves[j]) + of(at - moves[i] - moves[j])
            across = of(at + moves[i] - moves[j]) + of(at - moves[i] + moves[j])
            bend[i, j] = bend[j, i] = (across - both) / 4
    return (ahead - behind) / (2 * step), bend / step**2
