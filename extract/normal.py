"""Order statistics of a normal sample: expected range and interquartile range, and the variance of sums of order statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, log_ndtr, ndtr, ndtri

FloatArray = NDArray[np.float64]

# The integrands below are smooth and fall off like a normal density, for which the trapezoid rule converges faster than any power of the
# step; steps and limits were chosen so that halving or doubling them moves no result by more than 1e-12 (sums) or 1e-7 (variances).
_GRID = np.linspace(-12.0, 12.0, 2401)
_STEP = float(_GRID[1] - _GRID[0])
_COARSE = np.linspace(-6.5, 6.5, 79)


def xi_exact(n: int) -> float:
    """Expected range of n standard normal values: the integral of 1 - Phi^n - (1 - Phi)^n; xi(n) of Wan et al. 2014, eq. 7."""
    not_all_below = -np.expm1(n * log_ndtr(_GRID))
    all_above = np.exp(n * log_ndtr(-_GRID))
    return float(np.sum(not_all_below - all_above) * _STEP)


def eta_exact(n: int) -> float:
    """Expected interquartile range of n standard normal values; for n = 4 Q + 1 this is eta(n) = 2 E[Z_(3Q+1)] of Wan et al. 2014, eq. 15.

    For other n the quartile lies between two order statistics, and their expectations are interpolated as the quartile is
    (at rank 1 + 3 (n - 1) / 4).
    """
    return 2.0 * sum(weight * expected_order(rank, n) for rank, weight in quantile_weights(n, 0.75).items())


def expected_order(rank: int, n: int) -> float:
    """Expectation of the rank-th smallest (1 ... n) of n standard normal values."""
    return _moments(rank, n)[0]


def _moments(rank: int, n: int) -> tuple[float, float]:
    """Mean and variance of the rank-th smallest of n standard normal values."""
    p = rank / (n + 1)
    centre = float(ndtri(p))
    spread = math.sqrt(2 * math.pi * p * (1 - p) / n) * math.exp(0.5 * centre**2)
    # 40 spreads hold the exponential tail of an extreme to e^-40; 50 steps a spread are far below the width of the density.
    z = centre + spread * np.linspace(-40.0, 40.0, 4001)
    log_density = (rank - 1) * log_ndtr(z) + (n - rank) * log_ndtr(-z) - 0.5 * z**2
    density = np.exp(log_density - np.max(log_density))
    density /= np.sum(density)
    mean = float(np.sum(z * density))
    # About the centre, so that a variance far below the mean squared keeps its digits.
    return mean, float(np.sum((z - mean) ** 2 * density))


def quantile_weights(n: int, p: float) -> dict[int, float]:
    """The sample quantile at p as {rank: weight}: linear between order statistics, at rank 1 + (n - 1) p."""
    position = 1.0 + (n - 1) * p
    below = math.floor(position)
    share = position - below
    return {below: 1.0 - share} | ({below + 1: share} if share > 0 else {})


def variance_of_orders(weights: Mapping[int, float], n: int) -> float:
    """Variance of the sum of weight x order statistic of n standard normal values, by quadrature.

    Parameters
    ----------
    weights
        {rank: weight}, ranks 1 (smallest) to n.
    n
        Sample size.
    """
    ranks = sorted(weights)
    moments = {rank: _moments(rank, n) for rank in ranks}
    total = sum(weights[rank] ** 2 * variance for rank, (_, variance) in moments.items())
    for i, low in enumerate(ranks):
        for high in ranks[i + 1 :]:
            total += 2.0 * weights[low] * weights[high] * _covariance(low, high, n, moments[low][0], moments[high][0])
    return total


def _covariance(low: int, high: int, n: int, mean_low: float, mean_high: float) -> float:
    """Covariance of Z_(low) and Z_(high), low < high: normal coordinates map to the beta laws of U_(high) and of U_(low) / U_(high)."""
    weight = np.exp(-0.5 * _COARSE**2)
    weight /= np.sum(weight)
    # 1 - U_(high) is beta and small where Z_(high) is large: taking the tail itself keeps its digits.
    tail = betaincinv(n + 1.0 - high, float(high), ndtr(-_COARSE))
    share = betaincinv(float(low), float(high - low), ndtr(_COARSE))
    upper: FloatArray = -ndtri(tail) - mean_high
    lower: FloatArray = ndtri((1.0 - tail)[:, None] * share[None, :]) - mean_low
    return float(weight @ (upper[:, None] * lower) @ weight)
