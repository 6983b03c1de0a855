"""How much the effects differ beyond sampling error: Q, I2, H2, and the between-study variance tau2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Heterogeneity:
    """Cochran's Q with its degrees of freedom and p-value, and what follows from Q: I2 (per cent) and H2."""

    q: float
    q_df: int
    q_p: float
    i2: float
    h2: float


def heterogeneity(yi: FloatArray, vi: FloatArray) -> Heterogeneity:
    """Q, I2 and H2 of k effects with sampling variances vi.

    Q = sum w (yi - mu)^2 with w = 1 / vi and mu the common effect (Cochran 1954); p from chi-squared with k - 1 degrees of freedom.
    H2 = Q / (k - 1) and I2 = 100 max(0, Q - (k - 1)) / Q (Higgins and Thompson 2002), based on Q as RevMan has them, whatever
    the estimator of tau2. One study has Q = 0, p = 1, I2 = 0, H2 = 1.
    """
    weights = 1.0 / vi
    centre = np.sum(weights * yi) / np.sum(weights)
    q = float(np.sum(weights * (yi - centre) ** 2))
    df = len(yi) - 1
    if df == 0:
        return Heterogeneity(0.0, 0, 1.0, 0.0, 1.0)
    i2 = 100.0 * max(0.0, q - df) / q if q > 0 else 0.0
    return Heterogeneity(q, df, float(chdtrc(df, q)), i2, q / df)


def tau2_dl(yi: FloatArray, vi: FloatArray) -> float:
    """Between-study variance by DerSimonian and Laird 1986: max(0, (Q - (k - 1)) / (sum w - sum w^2 / sum w)), w = 1 / vi; 0 for k = 1."""
    if len(yi) == 1:
        return 0.0
    weights = 1.0 / vi
    scale = np.sum(weights) - np.sum(weights**2) / np.sum(weights)
    return float(max(0.0, (heterogeneity(yi, vi).q - (len(yi) - 1)) / scale))
