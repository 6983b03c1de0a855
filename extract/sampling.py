"""Sampling errors of estimated means and SDs: how far they would scatter over samples of the same size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from extract.normal import expected_order, quantile_weights, variance_of_orders
from extract.quantiles import NAMES, Floats, Moments, Quantiles, Scenario

Estimator = Callable[[Quantiles], Moments]

_PROBABILITY = {"minimum": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "maximum": 1.0}
_OF_SCENARIO: dict[Scenario, tuple[str, ...]] = {"C1": NAMES[::2], "C2": NAMES, "C3": NAMES[1:4]}
# Quantiles far enough apart that each can move by the step below.
_TEMPLATE = {"minimum": -3.0, "q1": -1.0, "median": 0.0, "q3": 1.0, "maximum": 3.0}
_STEP = 0.5
# Draws for estimators that are not linear; the standard errors are then good to 1 / sqrt(2 draws) = 1.6 %.
DRAWS = 2000
_SEED = 20140101


def linear_weights(estimator: Estimator, scenario: Scenario, n: int) -> tuple[dict[str, float], dict[str, float]]:
    """The weights of the quantiles in the mean and in the SD, of an estimator that is linear in them."""
    names = _OF_SCENARIO[scenario]
    base = np.array([_TEMPLATE[name] for name in names])
    rows = np.vstack([base, base + _STEP * np.eye(len(names))])
    found = estimator(Quantiles(np.full(len(rows), n), **dict(zip(names, rows.T, strict=True))))
    of_mean, of_sd = ((values[1:] - values[0]) / _STEP for values in (found.mean, found.sd))
    return dict(zip(names, of_mean.tolist(), strict=True)), dict(zip(names, of_sd.tolist(), strict=True))


@lru_cache(maxsize=1024)
def linear_errors(estimator: Estimator, scenario: Scenario, n: int) -> tuple[float, float]:
    """Standard errors of mean and SD of a linear estimator, for normal data, in estimated SDs; by quadrature over order statistics."""
    of_mean, of_sd = (_by_rank(weights, n) for weights in linear_weights(estimator, scenario, n))
    expected_sd = math.fsum(weight * expected_order(rank, n) for rank, weight in of_sd.items())
    return math.sqrt(variance_of_orders(of_mean, n)), math.sqrt(variance_of_orders(of_sd, n)) / expected_sd


def _by_rank(weights: dict[str, float], n: int) -> dict[int, float]:
    """Weights of quantiles as weights of order statistics."""
    combined: dict[int, float] = {}
    for name, weight in weights.items():
        for rank, part in quantile_weights(n, _PROBABILITY[name]).items():
            combined[rank] = combined.get(rank, 0.0) + weight * part
    return {rank: weight for rank, weight in combined.items() if abs(weight) > 1e-12} or {1: 0.0}


@lru_cache(maxsize=1024)
def equivariant_errors(estimator: Estimator, scenario: Scenario, n: int) -> tuple[float, float]:
    """Standard errors of mean and SD of an estimator that follows shift and scale, for normal data, in estimated SDs; by simulation."""
    found = estimator(sampled_quantiles(ndtri, scenario, n))
    return float(np.std(found.mean)), float(np.std(found.sd) / np.mean(found.sd))


def bootstrap_errors(
    estimator: Estimator, quantile: Callable[[Floats], Floats], scenario: Scenario, n: int, draws: int = DRAWS
) -> tuple[float, float]:
    """Standard errors of mean and SD by parametric bootstrap (McGrath et al. 2023, Stat Methods Med Res 32:373), with a fixed seed.

    Parameters
    ----------
    estimator
        What made the estimates.
    quantile
        The quantile function of the distribution that it fitted.
    scenario, n
        What was reported of how many participants.
    draws
        Samples to draw.
    """
    samples = sampled_quantiles(quantile, scenario, n, draws)
    # Far out in the tail of a sample two quantiles may be equal to all digits, which no estimator takes.
    kept = np.all(np.diff(samples.rows, axis=1) > 0, axis=1)
    found = estimator(samples.with_rows(samples.rows[kept], samples.size[kept]))
    is_finite = np.isfinite(found.mean) & np.isfinite(found.sd)
    return float(np.std(found.mean[is_finite])), float(np.std(found.sd[is_finite]))


def reread_errors(estimator: Estimator, q: Quantiles, readings: Sequence[float | None], draws: int = DRAWS) -> tuple[float, float]:
    """Standard uncertainties of mean and SD when one arm's quantiles are read again with their errors; NaN if one of them is not known."""
    known = [reading for reading in readings if reading is not None]
    if len(known) < len(readings):
        return math.nan, math.nan
    noise = np.array(known) * np.random.default_rng(_SEED).normal(size=(draws, len(known)))
    rows = np.sort(q.rows + noise, axis=1)
    if q.rows.min() > 0:
        rows = rows[rows[:, 0] > 0]  # what is read of a quantity that is positive is not negative
    rows = rows[np.all(np.diff(rows, axis=1) > 0, axis=1)]
    found = estimator(q.with_rows(rows, np.full(len(rows), q.size[0])))
    return float(np.std(found.mean)), float(np.std(found.sd))


def sampled_quantiles(quantile: Callable[[Floats], Floats], scenario: Scenario, n: int, draws: int = DRAWS) -> Quantiles:
    """Quantiles of samples of size n, an arm a sample, from a distribution given by its quantile function.

    Only the order statistics that the quantiles need are drawn: those of uniform values are ratios of sums of exponential ones.
    """
    weights = {name: quantile_weights(n, _PROBABILITY[name]) for name in _OF_SCENARIO[scenario]}
    ranks = sorted({rank for parts in weights.values() for rank in parts})
    steps = np.random.default_rng(_SEED).gamma(np.diff([0, *ranks, n + 1]), size=(draws, len(ranks) + 1))
    uniform = np.cumsum(steps, axis=1)
    values = quantile(uniform[:, :-1] / uniform[:, -1:])
    columns = {name: sum(part * values[:, ranks.index(rank)] for rank, part in parts.items()) for name, parts in weights.items()}
    return Quantiles(np.full(draws, n), **columns)
