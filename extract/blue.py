"""Best linear unbiased estimates of mean and SD from a few order statistics (Yang, Hutson and Wang 2022)."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from extract.quantiles import Floats, Moments, Quantiles, Scenario


def order_ranks(scenario: Scenario, n: int) -> list[int]:
    """The ranks (1 to n) that reported quantiles are taken for: 1, [n / 4] + 1, [n / 2] + 1, [3 n / 4] + 1, n.

    Raises
    ------
    ValueError
        If n is too small for the quantiles to be different order statistics.
    """
    low, q1, middle, q3, high = 1, n // 4 + 1, n // 2 + 1, 3 * n // 4 + 1, n
    ranks = {"C1": [low, middle, high], "C2": [low, q1, middle, q3, high], "C3": [q1, middle, q3]}[scenario]
    if any(a >= b for a, b in pairwise(ranks)):
        message = f"expected n that sets {len(ranks)} order statistics apart, found n {n} with ranks {', '.join(map(str, ranks))}"
        raise ValueError(message)
    return ranks


def yang2022(q: Quantiles) -> Moments:
    """Generalised least squares on the order statistics (Yang et al. 2022, J Appl Stat 49:3846), C1, C2 and C3.

    Their expectations and covariances are the expansion of David and Johnson 1954 (Biometrika 41:228) to the order (n + 2)^-2. The
    ranks of `order_ranks` are not symmetric: for even n mirrored quantiles do not give quite the mirrored mean.
    """
    weights = np.array([_weights(q.scenario, int(n)) for n in q.size])
    mean, sd = np.einsum("kij,kj->ik", weights, q.rows)
    return Moments(mean, sd, "yang2022")


@lru_cache(maxsize=1024)
def _weights(scenario: Scenario, n: int) -> Floats:
    """Weights of the quantiles in the mean (first row) and in the SD."""
    places = [_Place(rank, n) for rank in order_ranks(scenario, n)]
    design = np.array([[1.0, place.expectation] for place in places])
    covariance = np.array([[_covariance(a, b) if a.p <= b.p else _covariance(b, a) for b in places] for a in places])
    precision = np.linalg.solve(covariance, design)
    return np.linalg.solve(design.T @ precision, precision.T)


class _Place:
    """The rank-th of n standard normal values: p = rank / (n + 1), and the derivatives of the normal quantile function there."""

    def __init__(self, rank: int, n: int) -> None:
        self.n = n
        self.p = rank / (n + 1)
        z = float(ndtri(self.p))
        f = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        self.d1, self.d2, self.d3 = 1 / f, z / f**2, (1 + 2 * z**2) / f**3
        d4 = z * (7 + 6 * z**2) / f**4
        p, q, m = self.p, 1 - self.p, n + 2
        self.expectation = z + p * q / (2 * m) * self.d2 + p * q / m**2 * ((q - p) / 3 * self.d3 + p * q / 8 * d4)


def _covariance(low: _Place, high: _Place) -> float:
    """Covariance of two order statistics, the lower first."""
    a, b, m = low, high, low.n + 2
    pr, qr, ps, qs = a.p, 1 - a.p, b.p, 1 - b.p
    second = (qr - pr) * a.d2 * b.d1 + (qs - ps) * a.d1 * b.d2
    second += pr * qr / 2 * a.d3 * b.d1 + ps * qs / 2 * a.d1 * b.d3 + pr * qs / 2 * a.d2 * b.d2
    return pr * qs / m * a.d1 * b.d1 + pr * qs / m**2 * second
