"""Trial sequential analysis: whether a meta-analysis holds enough information, and its boundaries until it does.

As the Copenhagen TSA software has it (Wetterslev et al. 2008, J Clin Epidemiol 61:64; Thorlund et al., TSA manual): a required information
size for a clinically relevant effect, adjusted for heterogeneity, and boundaries by the alpha-spending of Lan and DeMets 1983.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from pool.effect import Effects
from pool.model import combine
from pool.tau2 import FloatArray

Spending = Literal["OBF", "POC"]

NODES = 601  # points of the grid over which the density of Z is carried from look to look
REACH = 8.0  # standard deviations that the grid covers
TINY = 1e-13  # alpha spent below which no boundary is computed
LEAST_INFORMATION = 0.01  # share of the required information below which a look is too early to be given a boundary


def spent(t: FloatArray, alpha: float, spending: Spending = "OBF") -> FloatArray:
    """Two-sided alpha that is spent by the information fraction t: O'Brien-Fleming or Pocock like, each tail with half of it.

    OBF: 2 [2 - 2 Phi(z(1 - alpha / 4) / sqrt(t))], each tail spending as if for itself (Lan and DeMets 1983, alpha_1*);
    POC: alpha ln(1 + (e - 1) t) (alpha_2*).
    """
    if spending == "POC":
        return np.asarray(alpha * np.log1p((math.e - 1) * np.minimum(t, 1.0)))
    return np.asarray(2 * 2 * ndtr(-ndtri(1 - alpha / 4) / np.sqrt(np.minimum(t, 1.0))))


def boundaries(fractions: npt.ArrayLike, alpha: float = 0.05, spending: Spending = "OBF") -> FloatArray:
    """Boundaries of Z (two-sided, symmetric) at each look, infinite where hardly any alpha is spent yet.

    The joint density of Z at the looks is integrated look by look (Armitage, McPherson and Rowe 1969).

    Parameters
    ----------
    fractions
        Information at each look as a share of what is required, ascending, above 0; those above 1 count as 1.
    alpha
        Two-sided.
    spending
        "OBF" (O'Brien-Fleming like) or "POC" (Pocock like).

    Raises
    ------
    ValueError
        If fractions do not ascend or are not above 0, alpha is not between 0 and 1, or the spending is unknown.
    """
    given = np.asarray(fractions, dtype=np.float64)
    t = np.minimum(given, 1.0)
    if t.ndim != 1 or not t.size or t[0] <= 0 or (np.diff(given) <= 0).any():
        message = f"expected ascending information fractions above 0, found {', '.join(f'{f:g}' for f in given.ravel()) or 'none'}"
        raise ValueError(message)
    if not 0 < alpha < 1 or spending not in ("OBF", "POC"):
        message = f"expected alpha between 0 and 1 and spending OBF or POC, found {alpha:g} and {spending!r}"
        raise ValueError(message)
    each = np.diff(spent(t, alpha, spending) / 2, prepend=0.0)
    found = np.full(t.size, np.inf)
    density: tuple[FloatArray, FloatArray] | None = None  # grid and density (weights in it) of the score that went on
    for k, tail in enumerate(each):
        scale = math.sqrt(t[k])
        exceeding = _tail(density, scale if density is None else math.sqrt(t[k] - t[k - 1]))
        found[k] = _solved(exceeding, tail, scale)
        if k + 1 < t.size:
            density = _carried(density, scale if density is None else math.sqrt(t[k] - t[k - 1]), found[k] * scale, scale)
    return found


def _tail(density: tuple[FloatArray, FloatArray] | None, step: float) -> Callable[[float], float]:
    """Probability that the score at a look lies above a limit and no boundary was crossed before."""
    if density is None:
        return lambda limit: float(ndtr(-limit / step))
    grid, weights = density
    return lambda limit: float(np.sum(weights * ndtr((grid - limit) / step)))


def _solved(exceeding: Callable[[float], float], tail: float, scale: float) -> float:
    from scipy.optimize import brentq

    if tail < TINY:
        return math.inf
    return float(brentq(lambda z: exceeding(z * scale) - tail, -2.0, 12.0, xtol=1e-12, rtol=1e-14))


def _carried(
    density: tuple[FloatArray, FloatArray] | None, step: float, limit: float, scale: float
) -> tuple[FloatArray, FloatArray]:
    """Grid and weighted density of the score between the boundaries at a look."""
    reach = min(limit, REACH * scale)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    grid = nodes * reach
    if density is None:
        values = np.exp(-0.5 * (grid / step) ** 2) / (step * math.sqrt(2 * math.pi))
    else:
        apart = (grid[:, None] - density[0]) / step
        values = np.exp(-0.5 * apart**2) @ density[1] / (step * math.sqrt(2 * math.pi))
    return grid, np.asarray(values * weights * reach)


def required_size(effect: float, variance: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Participants of both arms together to find an effect: 4 (z(1 - alpha / 2) + z(power))^2 variance / effect^2.

    Parameters
    ----------
    effect
        The smallest relevant difference.
    variance
        Of one participant: SD^2 of a mean, p (1 - p) with the mean of the two risks for a proportion.
    alpha, power
        Two-sided error and power.
    """
    if effect == 0 or variance <= 0 or not (0 < alpha < 1 and 0 < power < 1):
        found = f"{effect:g}, {variance:g}, {alpha:g}, {power:g}"
        message = f"expected an effect other than 0, a variance above 0, alpha and power between 0 and 1, found {found}"
        raise ValueError(message)
    return 4 * float(ndtri(1 - alpha / 2) + ndtri(power)) ** 2 * variance / effect**2


def diversity(effects: Effects, method: str = "DL") -> float:
    """D2 = (vR - vF) / vR: by what share heterogeneity widens the variance of the pooled effect (Wetterslev et al. 2009), 0 to 1."""
    random, common = combine(effects, method), combine(effects, "EE")
    return max(0.0, 1 - common.se**2 / random.se**2)


@dataclass(frozen=True, eq=False)
class SequentialResult:
    """A trial sequential analysis, a value for each look (a study added).

    `required` is the required information size (participants) without, `required_adjusted` with heterogeneity. `fraction` is the
    share of the latter that was reached, `z` the cumulative test statistic, `boundary` its boundary (infinite: too little information),
    `ci_lb` and `ci_ub` the interval adjusted for repeated looks, and `verdict` says in words where the last look stands.
    """

    required: float
    required_adjusted: float
    diversity: float
    n: FloatArray
    fraction: FloatArray
    z: FloatArray
    boundary: FloatArray
    estimate: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    verdict: str


def sequential(
    effects: Effects,
    participants: Sequence[int],
    *,
    relevant: float,
    variance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    spending: Spending = "OBF",
    method: str = "DL",
) -> SequentialResult:
    """Trial sequential analysis of studies in the order given.

    Parameters
    ----------
    effects
        In the order in which the studies appeared.
    participants
        Of each study, both arms together.
    relevant, variance
        The smallest relevant difference and the variance of one participant, as for `required_size`.
    alpha, power, spending, method
        Errors, spending, and the estimator of tau2 as for `combine`.

    Returns
    -------
    SequentialResult
        Before a look holds one per cent of the required information its boundary is infinite and its interval unlimited.

    Raises
    ------
    ValueError
        If the numbers do not fit together or are out of range.
    """
    if len(participants) != len(effects) or min(participants, default=0) < 1:
        message = f"expected participants of each of {len(effects)} studies, found {len(participants)}"
        raise ValueError(message)
    required = required_size(relevant, variance, alpha=alpha, power=power)
    d2 = diversity(effects, method)
    adjusted = required / (1 - d2)
    n = np.cumsum(np.asarray(participants, dtype=np.float64))
    fraction = n / adjusted
    looks = np.flatnonzero((fraction >= LEAST_INFORMATION) & (np.concatenate([[0.0], fraction[:-1]]) < 1))
    boundary = np.full(len(n), np.inf)
    boundary[looks] = boundaries(fraction[looks], alpha, spending)
    after = (fraction >= 1) & ~np.isin(np.arange(len(n)), looks)
    boundary[after] = float(ndtri(1 - alpha / 2))
    results = [combine(Effects(effects.measure, effects.effects[: k + 1]), method) for k in range(len(effects))]
    estimate, se = (np.array([getattr(r, name) for r in results]) for name in ("estimate", "se"))
    z = estimate / se
    return SequentialResult(
        required=required,
        required_adjusted=adjusted,
        diversity=d2,
        n=n,
        fraction=fraction,
        z=z,
        boundary=boundary,
        estimate=estimate,
        ci_lb=estimate - boundary * se,
        ci_ub=estimate + boundary * se,
        verdict=_verdict(float(z[-1]), float(boundary[-1]), float(fraction[-1])),
    )


def _verdict(z: float, boundary: float, fraction: float) -> str:
    reached = f"{100 * min(fraction, 1):.0f} % of the required information"
    if abs(z) >= boundary:
        return f"firm evidence of an effect: |Z| {abs(z):.2f} crosses the boundary {boundary:.2f} ({reached})"
    if fraction >= 1:
        return f"no effect of the relevant size: all of the required information is there and |Z| {abs(z):.2f} stays below {boundary:.2f}"
    limit = "no boundary yet" if math.isinf(boundary) else f"below the boundary {boundary:.2f}"
    return f"inconclusive: |Z| {abs(z):.2f}, {limit}, with {reached}"


def iterated_logarithm_z(z: float, information: float, penalty: float = 2.0) -> float:
    """Z penalised by the law of the iterated logarithm: Z / sqrt(penalty ln ln I) (Lan, Hu and Cappelleri 2003); I above e is needed."""
    if information <= math.e or penalty <= 0:
        message = f"expected information above e and a penalty above 0, found {information:g} and {penalty:g}"
        raise ValueError(message)
    return z / math.sqrt(penalty * math.log(math.log(information)))
