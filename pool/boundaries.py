"""Boundaries of a cumulative Z by alpha spending, and of futility by beta spending.

The joint density of Z at the looks is integrated look by look (Armitage, McPherson and Rowe 1969, J R Stat Soc A 132:235) with the error
spent as Lan and DeMets 1983 (Biometrika 70:659) and, for futility, Pampallona, Tsiatis and Kim 2001 (Drug Inf J 35:1113) have it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from pool.tau2 import FloatArray

Spending = Literal["OBF", "POC"]

NODES = 601  # points of the grid over which the density of Z is carried from look to look
REACH = 8.0  # standard deviations that the grid covers
LEAST = -2.0  # Z below which no boundary of efficacy is looked for
TINY = 1e-13  # error spent below which no boundary is computed
MOST_INFLATION = 3.0  # of the required size for futility; the usual errors need 1.05 to 1.2


def spent(t: FloatArray, alpha: float, spending: Spending = "OBF") -> FloatArray:
    """Two-sided alpha that is spent by the information fraction t: O'Brien-Fleming or Pocock like, each tail with half of it.

    OBF: 2 [2 - 2 Phi(z(1 - alpha / 4) / sqrt(t))], each tail spending as if for itself (Lan and DeMets 1983, alpha_1*);
    POC: alpha ln(1 + (e - 1) t) (alpha_2*).
    """
    return 2 * spent_of_tail(t, alpha / 2, spending)


def spent_of_tail(t: FloatArray, error: float, spending: Spending = "OBF") -> FloatArray:
    """One-sided error, alpha of one tail or beta, that is spent by the information fraction t."""
    fraction = np.minimum(t, 1.0)
    if spending == "POC":
        return np.asarray(error * np.log1p((math.e - 1) * fraction))
    return np.asarray(2 * ndtr(-ndtri(1 - error / 2) / np.sqrt(fraction)))


def boundaries(fractions: npt.ArrayLike, alpha: float = 0.05, spending: Spending = "OBF") -> FloatArray:
    """Boundaries of Z (two-sided, symmetric) at each look, infinite where hardly any alpha is spent yet.

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
    t = _checked(fractions, alpha, spending)
    found = np.empty(t.size)
    walk = START
    for k, tail in enumerate(np.diff(spent_of_tail(t, alpha / 2, spending), prepend=0.0)):
        found[k] = _upper(walk, t[k], tail)
        walk = walk.carried(t[k], [(-found[k], found[k])]) if k + 1 < t.size else walk
    return found


@dataclass(frozen=True, eq=False)
class Design:
    """Boundaries of efficacy and of futility at each look.

    Where |Z| lies below `futility` an effect of the size looked for is out of reach (NaN: too early to say). `inflation` is the factor on
    the required information at which the power is kept although futility may stop: there the boundaries meet.
    """

    efficacy: FloatArray
    futility: FloatArray
    inflation: float


def with_futility(
    fractions: npt.ArrayLike,
    alpha: float = 0.05,
    beta: float = 0.2,
    spending: Spending = "OBF",
    *,
    binding: bool = False,
    sides: Literal[1, 2] = 2,
) -> Design:
    """Boundaries with futility by beta spending, and by how much the required information grows.

    beta is spent under an effect for which Z is z(1 - alpha / sides) + z(1 - beta) on average at the required information. Two-sided
    futility is counted on the side of that effect, and there is none at looks where its boundary would lie below 0: their beta is spent at
    the next.

    Parameters
    ----------
    fractions
        Information at each look as a share of the (inflated) required information, ascending, above 0, the last 1.
    alpha, beta
        Error over all sides, and one less the power.
    spending
        Of both errors, as for `boundaries`.
    binding
        Whether one will stop for futility: then efficacy has to be crossed by those walks alone that went on, and its boundaries are lower.
        Otherwise alpha is kept although one goes on.
    sides
        2, or 1 for an effect in one direction.

    Raises
    ------
    ValueError
        As `boundaries` does, or if beta is not between 0 and 1 - alpha, or the last fraction is not 1.
    """
    t = _checked(fractions, alpha, spending)
    if not 0 < beta < 1 - alpha or t[-1] != 1:
        message = f"expected beta between 0 and 1 - alpha and a last fraction of 1, found {beta:g} and {t[-1]:g}"
        raise ValueError(message)
    plan = _Plan(t, alpha, beta, spending, binding, sides)
    return _met(lambda _: plan)


def with_futility_at(
    information: Sequence[float], alpha: float, beta: float, spending: Spending = "OBF", *, binding: bool = False
) -> Design:
    """As `with_futility`, two-sided, where the looks are given as shares of the required information before it is inflated.

    A last look at the inflated required information is added where the looks do not reach it; those beyond it count as there.
    """
    shares = np.asarray(information, dtype=np.float64)

    def plan(factor: float) -> _Plan:
        t = shares[shares < factor] / factor
        return _Plan(np.append(t, 1.0), alpha, beta, spending, binding, 2)

    return _met(plan)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Looks at fractions t of the required information, and the errors to be spent there."""

    t: FloatArray
    alpha: float
    beta: float
    spending: Spending
    binding: bool
    sides: int

    def limits(self, inflation: float) -> tuple[FloatArray, FloatArray]:
        """Boundaries of efficacy and futility (k,) with the required information inflated; looks after the two have met are NaN."""
        alphas = np.diff(spent_of_tail(self.t, self.alpha / self.sides, self.spending), prepend=0.0)
        betas = np.diff(spent_of_tail(self.t, self.beta, self.spending), prepend=0.0)
        drift = float(ndtri(1 - self.alpha / self.sides) + ndtri(1 - self.beta)) * math.sqrt(inflation)
        null, effect = START, START
        efficacy, futility = np.full((2, self.t.size), np.nan)
        left = 0.0
        for k, t in enumerate(self.t):
            efficacy[k] = top = _upper(null, t, alphas[k])
            left += betas[k]
            low = _lower(effect, t, left, drift)
            bottom = -top if self.sides == 2 else -math.inf
            going_on = (bottom, top)
            if low > 0 or self.sides == 1:
                futility[k], left = low, 0.0
                going_on = (low, top)
            if low >= top:
                break
            mirrored = [(bottom, -low)] if self.sides == 2 and going_on[0] == low else []
            null = null.carried(t, [*mirrored, going_on] if self.binding else [(bottom, top)])
            effect = effect.carried(t, [going_on], drift)
        return efficacy, futility

    def gap(self, inflation: float) -> float:
        """By how much futility lies above efficacy where they should meet: at the last look."""
        efficacy, futility = self.limits(inflation)
        met = np.flatnonzero(futility >= efficacy)
        last = int(met[0]) if met.size else -1
        return float(np.nan_to_num(futility[last]) - efficacy[last])


def _met(plan: Callable[[float], _Plan]) -> Design:
    """The design whose boundaries meet at the last look, by the inflation of the required information that it takes."""
    from scipy.optimize import brentq

    def gap(inflation: float) -> float:
        return plan(inflation).gap(inflation)

    inflation = 1.0
    if gap(1.0) < -1e-9:
        if gap(MOST_INFLATION) < 0:
            message = f"expected errors whose boundaries meet when the required size grows {MOST_INFLATION:g} times, found a gap"
            raise ValueError(message)
        inflation = float(brentq(gap, 1.0, MOST_INFLATION, xtol=1e-9))
    efficacy, futility = plan(inflation).limits(inflation)
    futility[-1] = efficacy[-1]
    return Design(efficacy, futility, inflation)


def _checked(fractions: npt.ArrayLike, alpha: float, spending: str) -> FloatArray:
    given = np.asarray(fractions, dtype=np.float64)
    if given.ndim != 1 or not given.size or given[0] <= 0 or (np.diff(given) <= 0).any():
        message = f"expected ascending information fractions above 0, found {', '.join(f'{f:g}' for f in given.ravel()) or 'none'}"
        raise ValueError(message)
    if not 0 < alpha < 1 or spending not in ("OBF", "POC"):
        message = f"expected alpha between 0 and 1 and spending OBF or POC, found {alpha:g} and {spending!r}"
        raise ValueError(message)
    return np.minimum(given, 1.0)


@dataclass(frozen=True, eq=False)
class _Walk:
    """The score Z sqrt(t) of those that went on at time t: a grid, and the probability at each of its points."""

    t: float
    grid: FloatArray
    weights: FloatArray

    def below(self, t: float, limit: float, drift: float = 0.0) -> float:
        """Probability that it lies below a limit of the score at a later t."""
        passed = t - self.t
        return float(np.sum(self.weights * ndtr((limit - self.grid - drift * passed) / math.sqrt(passed))))

    def above(self, t: float, limit: float) -> float:
        """Probability that it lies above a limit of the score at a later t, without drift."""
        return float(np.sum(self.weights * ndtr((self.grid - limit) / math.sqrt(t - self.t))))

    def carried(self, t: float, regions: Sequence[tuple[float, float]], drift: float = 0.0) -> _Walk:
        """The walk at a later t of those whose Z lies in one of the regions."""
        nodes, weights = _legendre()
        scale, passed = math.sqrt(t), t - self.t
        centre = drift * t
        parts = [(max(lo * scale, centre - REACH * scale), min(hi * scale, centre + REACH * scale)) for lo, hi in regions]
        grid = np.concatenate([(lo + hi) / 2 + (hi - lo) / 2 * nodes for lo, hi in parts])
        width = np.concatenate([max(hi - lo, 0.0) / 2 * weights for lo, hi in parts])
        apart = (grid[:, None] - self.grid - drift * passed) / math.sqrt(passed)
        density = np.exp(-0.5 * apart**2) @ self.weights / math.sqrt(2 * math.pi * passed)
        return _Walk(t, grid, np.asarray(density * width))


START = _Walk(0.0, np.zeros(1), np.ones(1))


@lru_cache(maxsize=1)
def _legendre() -> tuple[FloatArray, FloatArray]:
    return np.polynomial.legendre.leggauss(NODES)


def _upper(walk: _Walk, t: float, tail: float) -> float:
    """The Z above which a walk lies with the probability of a tail; infinite where that is next to nothing."""
    from scipy.optimize import brentq

    if tail < TINY:
        return math.inf
    if walk.above(t, LEAST * math.sqrt(t)) < tail:  # hardly anybody went on
        return LEAST
    return float(brentq(lambda z: walk.above(t, z * math.sqrt(t)) - tail, LEAST, 12.0, xtol=1e-12, rtol=1e-14))


def _lower(walk: _Walk, t: float, error: float, drift: float) -> float:
    """The Z below which a drifting walk lies with the probability of an error, -infinite where that is next to nothing."""
    from scipy.optimize import brentq

    if error < TINY:
        return -math.inf
    if walk.below(t, 12.0, drift) < error:
        return math.inf
    return float(brentq(lambda z: walk.below(t, z * math.sqrt(t), drift) - error, -12.0, 12.0, xtol=1e-12, rtol=1e-14))
