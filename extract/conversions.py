"""From what papers print to the SD that pooling needs: standard errors, intervals, p, t and F, groups combined, changes, crossovers.

The Cochrane Handbook (version 6, chapters 6.5.2 and 23.2.7) has most of the formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import ndtri, stdtrit

from extract.summary import checked_n

Critical = Literal["t", "z"]


def _positive(value: float, name: str, *, zero: bool = False) -> float:
    number = float(value)
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        message = f"expected {name} {'0 or more' if zero else 'above 0'}, found {value:g}"
        raise ValueError(message)
    return number


def _probability(value: float, name: str) -> float:
    if not 0 < value < 1:
        message = f"expected {name} between 0 and 1, found {value:g}"
        raise ValueError(message)
    return float(value)


def _ordered(lower: float, upper: float) -> float:
    if not (math.isfinite(lower) and math.isfinite(upper) and lower <= upper):
        message = f"expected a lower limit up to the upper one, found {lower:g} and {upper:g}"
        raise ValueError(message)
    return upper - lower


def critical_value(level: float, df: float, by: Critical = "t") -> float:
    """Half-width of a two-sided interval in standard errors: by Student's t with df degrees of freedom, or by the normal (z)."""
    tail = 0.5 + _probability(level, "level") / 2
    return float(ndtri(tail) if by == "z" else stdtrit(df, tail))


def sd_from_se(se: float, n: int) -> float:
    """SD = SE sqrt(n) (Handbook 6.5.2.2)."""
    return _positive(se, "se", zero=True) * math.sqrt(checked_n(n))


def sd_from_ci(lower: float, upper: float, n: int, *, level: float = 0.95, by: Critical = "t") -> float:
    """SD of one arm from the confidence interval of its mean: sqrt(n) (upper - lower) / (2 c) (Handbook 6.5.2.2)."""
    size = checked_n(n)
    return math.sqrt(size) * _ordered(lower, upper) / (2 * critical_value(level, size - 1, by))


def se_of_difference_from_p(difference: float, p: float, n1: int, n2: int) -> float:
    """SE of a difference of means from the two-sided p of its t test: |difference| / t with n1 + n2 - 2 df (Handbook 6.5.2.3)."""
    df = checked_n(n1) + checked_n(n2) - 2
    return se_of_difference_from_t(difference, -float(stdtrit(df, _probability(p, "p") / 2)))


def se_of_difference_from_t(difference: float, t: float) -> float:
    """SE = |difference / t| (Handbook 6.5.2.3)."""
    return abs(difference) / _positive(abs(t), "|t|")


def se_of_difference_from_f(difference: float, f: float) -> float:
    """SE from the F of a comparison of two arms, whose square root is t."""
    return se_of_difference_from_t(difference, math.sqrt(_positive(f, "F")))


def se_of_difference_from_ci(lower: float, upper: float, n1: int, n2: int, *, level: float = 0.95, by: Critical = "t") -> float:
    """SE of a difference of means from its confidence interval (Handbook 6.5.2.3)."""
    return _ordered(lower, upper) / (2 * critical_value(level, checked_n(n1) + checked_n(n2) - 2, by))


def sd_from_se_of_difference(se: float, n1: int, n2: int) -> float:
    """The SD that two arms share on average: SE / sqrt(1 / n1 + 1 / n2) (Handbook 6.5.2.3)."""
    return _positive(se, "se", zero=True) / math.sqrt(1 / checked_n(n1) + 1 / checked_n(n2))


@dataclass(frozen=True)
class Group:
    """Number, mean and SD of a group."""

    n: int
    mean: float
    sd: float


def combine_groups(first: Group, second: Group) -> Group:
    """Two groups as one (Handbook table 6.5.a): exactly the mean and SD of all participants together."""
    n1, n2 = checked_n(first.n), checked_n(second.n)
    n = n1 + n2
    within = (n1 - 1) * first.sd**2 + (n2 - 1) * second.sd**2
    between = n1 * n2 / n * (first.mean - second.mean) ** 2
    return Group(n, (n1 * first.mean + n2 * second.mean) / n, math.sqrt((within + between) / (n - 1)))


def sd_of_change(sd_baseline: float, sd_final: float, r: float) -> float:
    """SD of changes from baseline with the correlation r of the two (Handbook 6.5.2.8)."""
    if not -1 <= r <= 1:
        message = f"expected a correlation between -1 and 1, found {r:g}"
        raise ValueError(message)
    a, b = _positive(sd_baseline, "sd_baseline", zero=True), _positive(sd_final, "sd_final", zero=True)
    return math.sqrt(max(0.0, a**2 + b**2 - 2 * r * a * b))


def correlation_from_changes(sd_baseline: float, sd_final: float, sd_change: float) -> float:
    """The correlation of baseline and final values that a printed SD of changes implies (Handbook 6.5.2.8).

    Raises
    ------
    ValueError
        If an SD is not above 0, or no correlation between -1 and 1 gives that SD.
    """
    a, b = _positive(sd_baseline, "sd_baseline"), _positive(sd_final, "sd_final")
    r = (a**2 + b**2 - _positive(sd_change, "sd_change", zero=True) ** 2) / (2 * a * b)
    if abs(r) > 1:
        message = f"expected SDs that a correlation between -1 and 1 can join, found one of {r:.3g}"
        raise ValueError(message)
    return r


def se_of_crossover(sd_treated: float, sd_control: float, n: int, r: float) -> float:
    """SE of the mean difference of a crossover with n participants and correlation r of the periods (Handbook 23.2.7)."""
    return sd_of_change(sd_treated, sd_control, r) / math.sqrt(checked_n(n))


def se_of_paired_difference_from_p(difference: float, p: float, n: int) -> float:
    """SE of a mean difference within n participants from the two-sided p of the paired t test."""
    return se_of_difference_from_t(difference, -float(stdtrit(checked_n(n) - 1, _probability(p, "p") / 2)))


@dataclass(frozen=True)
class LogRatio:
    """A ratio's logarithm and its SE; `asymmetry` is how far the logarithm lies from the middle of its limits."""

    log: float
    se: float
    asymmetry: float


def log_ratio_from_ci(ratio: float, lower: float, upper: float, *, level: float = 0.95) -> LogRatio:
    """Logarithm and SE of a ratio from its confidence limits (Handbook 6.3.2)."""
    for value, name in ((ratio, "ratio"), (lower, "lower limit"), (upper, "upper limit")):
        _positive(value, name)
    width = _ordered(math.log(lower), math.log(upper))
    middle = (math.log(lower) + math.log(upper)) / 2
    return LogRatio(math.log(ratio), width / (2 * critical_value(level, math.inf, "z")), math.log(ratio) - middle)


def sd_from_iqr_width(width: float, n: int) -> float:
    """SD of normal data from an interquartile range printed as one number: width / eta(n) (Wan et al. 2014, eq. 16)."""
    size = checked_n(n)
    return _positive(width, "interquartile range", zero=True) / (2 * float(ndtri((0.75 * size - 0.125) / (size + 0.25))))


def sd_from_median_ci(lower: float, upper: float, n: int, *, level: float = 0.95) -> float:
    """SD of normal data from the confidence interval of the median.

    Its limits are the order statistics of ranks (n + 1) / 2 -+ z sqrt(n) / 2 (Conover 1999, 3.2), whose expected distance is taken by
    Blom's approximation.

    Raises
    ------
    ValueError
        If n is too small for an interval at this level.
    """
    size = checked_n(n)
    half = critical_value(level, math.inf, "z") * math.sqrt(size) / 2
    rank = (size + 1) / 2 + half
    if rank > size:
        message = f"expected n large enough for a {100 * level:g} % interval of a median, found {n}"
        raise ValueError(message)
    return _ordered(lower, upper) / (2 * float(ndtri((rank - 0.375) / (size + 0.25))))


@dataclass(frozen=True)
class RawMoments:
    """Mean and SD of values whose logarithms have a normal distribution."""

    mean: float
    sd: float


def moments_from_logs(mean_log: float, sd_log: float) -> RawMoments:
    """Mean and SD of log-normal values from those of their natural logarithms (Higgins et al. 2008, Stat Med 27:6072)."""
    mean = math.exp(mean_log + _positive(sd_log, "SD of the logarithms", zero=True) ** 2 / 2)
    return RawMoments(mean, mean * math.sqrt(math.expm1(sd_log**2)))
