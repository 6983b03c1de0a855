"""Trial sequential analysis: whether a meta-analysis holds enough information, and its boundaries until it does.

As the Copenhagen TSA software has it (Wetterslev et al. 2008, J Clin Epidemiol 61:64; Thorlund et al., TSA manual): a required information
size for a clinically relevant effect, adjusted for heterogeneity, and the boundaries of `pool.boundaries`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import ndtri

from pool.boundaries import Spending, boundaries, with_futility_at
from pool.effect import Effects
from pool.model import combine
from pool.tau2 import FloatArray

Correction = Literal["D2", "I2", "none"]
Futility = Literal["none", "non-binding", "binding"]

LEAST_INFORMATION = 0.01  # share of the required information below which a look is too early to be given a boundary


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


def risk_information(measure: str, control_risk: float, ratio: float) -> tuple[float, float]:
    """The risk difference and the variance of one participant that `required_size` needs, from a control risk and a ratio.

    Parameters
    ----------
    measure
        "RR" or "OR".
    control_risk
        Between 0 and 1.
    ratio
        The smallest relevant risk or odds ratio, above 0, not 1.

    Returns
    -------
    tuple
        Control risk less treated risk, and p (1 - p) of the mean of the two risks p.

    Raises
    ------
    ValueError
        If the measure is unknown or the risks are not between 0 and 1.
    """
    if measure not in ("RR", "OR"):
        message = f"expected measure RR or OR, found {measure!r}"
        raise ValueError(message)
    odds = ratio * control_risk / (1 - control_risk) if control_risk < 1 else math.nan
    treated = ratio * control_risk if measure == "RR" else odds / (1 + odds)
    if not (0 < control_risk < 1 and 0 < treated < 1 and ratio != 1):
        message = f"expected risks between 0 and 1 that differ, found {control_risk:g} and {treated:g} for a ratio of {ratio:g}"
        raise ValueError(message)
    mean = (control_risk + treated) / 2
    return control_risk - treated, mean * (1 - mean)


@dataclass(frozen=True)
class RequiredTrials:
    """So many trials of so many participants each (both arms) find an effect despite its variance between studies."""

    trials: int
    each: int
    total: int


def required_trials(
    effect: float, unit_variance: float, tau2: float, *, alpha: float = 0.05, power: float = 0.8, rows: int = 4
) -> tuple[RequiredTrials, ...]:
    """How many trials it takes when the effect varies between them: fewer than the first row cannot do it whatever their size.

    Each of k trials of n participants estimates the effect with variance unit_variance / n + tau2, their mean with a k-th of that, which
    has to be effect^2 / (z(1 - alpha / 2) + z(power))^2 (Kulinskaya and Wood 2014, Res Synth Methods 5:136).

    Parameters
    ----------
    effect
        The smallest relevant effect, a ratio as its logarithm.
    unit_variance
        Variance of a trial's effect times its participants: 4 SD^2 of a mean difference, 2 / p1 + 2 / p2 - 4 of a log risk ratio.
    tau2
        Variance between studies, 0 or more.
    alpha, power
        As for `required_size`.
    rows
        How many numbers of trials, from the smallest on.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    if effect == 0 or unit_variance <= 0 or tau2 < 0 or rows < 1 or not (0 < alpha < 1 and 0 < power < 1):
        found = f"{effect:g}, {unit_variance:g}, {tau2:g}"
        message = f"expected an effect other than 0, a variance above 0, tau2 of 0 or more and errors between 0 and 1, found {found}"
        raise ValueError(message)
    wanted = effect**2 / float(ndtri(1 - alpha / 2) + ndtri(power)) ** 2
    fewest = math.floor(tau2 / wanted) + 1
    sizes = [(k, math.ceil(unit_variance / (k * wanted - tau2))) for k in range(fewest, fewest + rows)]
    return tuple(RequiredTrials(k, n, k * n) for k, n in sizes)


def diversity(effects: Effects, method: str = "DL") -> float:
    """D2 = (vR - vF) / vR: by what share heterogeneity widens the variance of the pooled effect (Wetterslev et al. 2009), 0 to 1."""
    random, common = combine(effects, method), combine(effects, "EE")
    return max(0.0, 1 - common.se**2 / random.se**2)


@dataclass(frozen=True, eq=False)
class SequentialResult:
    """A trial sequential analysis, a value for each look (a study added).

    `required` is the required information size (participants) without, `required_adjusted` with heterogeneity and, where futility may
    stop, inflated by `inflation`. `diversity` is D2, `i2` I2 from Q, both shares. `fraction` is the share of the adjusted size that was
    reached, `z` the cumulative test statistic, `boundary` its boundary (infinite: too little information), `futility` that of futility
    (NaN: none), `end` where both meet at the required size; `ci_lb` and `ci_ub` the interval adjusted for repeated looks, and `verdict`
    says in words where the last look stands.
    """

    required: float
    required_adjusted: float
    diversity: float
    i2: float
    correction: Correction
    inflation: float
    n: FloatArray
    fraction: FloatArray
    z: FloatArray
    boundary: FloatArray
    futility: FloatArray
    end: float
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
    correction: Correction = "D2",
    futility: Futility = "none",
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
    correction
        What the required size is divided by for heterogeneity: "D2" 1 - D2, "I2" 1 - I2 (from Q, which understates what is needed,
        Wetterslev et al. 2009), "none" nothing.
    futility
        "non-binding" and "binding" boundaries of futility as `pool.boundaries.with_futility_at` has them; the required size grows.

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
    if correction not in get_args(Correction) or futility not in get_args(Futility):
        known = f"correction of {', '.join(get_args(Correction))} and futility of {', '.join(get_args(Futility))}"
        message = f"expected {known}, found {correction!r} and {futility!r}"
        raise ValueError(message)
    required = required_size(relevant, variance, alpha=alpha, power=power)
    d2, i2 = diversity(effects, method), combine(effects, method).i2_q / 100
    adjusted = required / (1 - {"D2": d2, "I2": i2, "none": 0.0}[correction])
    n = np.cumsum(np.asarray(participants, dtype=np.float64))
    limits = _limits(n / adjusted, alpha, power, spending, futility)
    results = [combine(Effects(effects.measure, effects.effects[: k + 1]), method) for k in range(len(effects))]
    estimate, se = (np.array([getattr(r, name) for r in results]) for name in ("estimate", "se"))
    z, fraction = estimate / se, n / (adjusted * limits.inflation)
    return SequentialResult(
        required=required,
        required_adjusted=adjusted * limits.inflation,
        diversity=d2,
        i2=i2,
        correction=correction,
        inflation=limits.inflation,
        n=n,
        fraction=fraction,
        z=z,
        boundary=limits.efficacy,
        futility=limits.futility,
        end=limits.end,
        estimate=estimate,
        ci_lb=estimate - limits.efficacy * se,
        ci_ub=estimate + limits.efficacy * se,
        verdict=_verdict(float(z[-1]), float(limits.efficacy[-1]), float(limits.futility[-1]), float(fraction[-1])),
    )


@dataclass(frozen=True, eq=False)
class _Limits:
    """Boundaries at each look, where they end at the required size, and its inflation."""

    efficacy: FloatArray
    futility: FloatArray
    end: float
    inflation: float


def _limits(shares: FloatArray, alpha: float, power: float, spending: Spending, futility: Futility) -> _Limits:
    """Boundaries at looks with shares of the required size; after it is reached, of the usual test."""
    efficacy, no_use = np.full(len(shares), np.inf), np.full(len(shares), np.nan)
    used = shares[shares >= LEAST_INFORMATION]
    first = len(shares) - len(used)
    inflation = 1.0
    if futility == "none":
        early = used[used < 1]
        found = boundaries(np.append(early, 1.0), alpha, spending)
    else:
        design = with_futility_at(used.tolist(), alpha, 1 - power, spending, binding=futility == "binding")
        inflation, found = design.inflation, design.efficacy
        early = used[used < inflation]
        no_use[first : first + len(early)] = design.futility[:-1]
    last = first + len(early)
    efficacy[first:last] = found[:-1]
    if last < len(shares):  # the look that reaches the required size, and those after it
        efficacy[last] = found[-1]
        efficacy[last + 1 :] = float(ndtri(1 - alpha / 2))
        no_use[last:] = efficacy[last:] if futility != "none" else math.nan
    return _Limits(efficacy, no_use, float(found[-1]), inflation)


def _verdict(z: float, boundary: float, futility: float, fraction: float) -> str:
    reached = f"{100 * min(fraction, 1):.0f} % of the required information"
    if abs(z) >= boundary:
        return f"firm evidence of an effect: |Z| {abs(z):.2f} crosses the boundary {boundary:.2f} ({reached})"
    if fraction >= 1:
        return f"no effect of the relevant size: all of the required information is there and |Z| {abs(z):.2f} stays below {boundary:.2f}"
    if abs(z) < futility:
        return f"futile: an effect of the relevant size is out of reach, |Z| {abs(z):.2f} is below {futility:.2f} ({reached})"
    limit = "no boundary yet" if math.isinf(boundary) else f"below the boundary {boundary:.2f}"
    return f"inconclusive: |Z| {abs(z):.2f}, {limit}, with {reached}"


def iterated_logarithm_z(z: float, information: float, penalty: float = 2.0) -> float:
    """Z penalised by the law of the iterated logarithm: Z / sqrt(penalty ln ln I) (Lan, Hu and Cappelleri 2003).

    Raises
    ------
    ValueError
        If the penalty is not above 0, or I is so small that the divisor would be below 1 and Z grow: below exp(exp(1 / penalty)).
    """
    if information <= math.e or penalty <= 0 or penalty * math.log(math.log(information)) < 1:
        least = f"{math.exp(math.exp(1 / penalty)):.4g}" if penalty > 0.2 else "more"
        message = f"expected information of {least} and a penalty above 0, found {information:g} and {penalty:g}"
        raise ValueError(message)
    return z / math.sqrt(penalty * math.log(math.log(information)))
