"""Printed p-values against the means, SDs and numbers that they come from, over everything that rounding leaves open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import chdtrc, ndtr, ndtri, stdtr
from scipy.stats import kstest

from extract.audit.granular import printed_limits


@dataclass(frozen=True)
class Printed:
    """An arm as printed: n, and mean and SD with their decimals."""

    n: int
    mean: str
    sd: str


@dataclass(frozen=True)
class TTest:
    """t, degrees of freedom and two-sided p."""

    t: float
    df: float
    p: float


def t_test(m1: float, s1: float, n1: int, m2: float, s2: float, n2: int) -> TTest:
    """Student's t test of two independent groups with a pooled variance."""
    df = n1 + n2 - 2
    pooled = ((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / df
    return _test(m1 - m2, math.sqrt(pooled * (1 / n1 + 1 / n2)), df)


def welch_test(m1: float, s1: float, n1: int, m2: float, s2: float, n2: int) -> TTest:
    """Welch's t test of two independent groups."""
    a, b = s1**2 / n1, s2**2 / n2
    return _test(m1 - m2, math.sqrt(a + b), (a + b) ** 2 / (a**2 / (n1 - 1) + b**2 / (n2 - 1)))


def _test(difference: float, se: float, df: float) -> TTest:
    t = difference / se if se > 0 else math.inf
    return TTest(t, df, 2 * float(stdtr(df, -abs(t))))


def possible_p(first: Printed, second: Printed) -> tuple[float, float]:
    """The smallest and largest p of an unpaired t test that means and SDs rounding to the printed ones can give."""
    (m1l, m1h), (m2l, m2h) = ([float(v) for v in printed_limits(arm.mean)] for arm in (first, second))
    (s1l, s1h), (s2l, s2h) = ([max(0.0, float(v)) for v in printed_limits(arm.sd)] for arm in (first, second))
    far = max(abs(m1h - m2l), abs(m2h - m1l))
    near = max(0.0, m1l - m2h, m2l - m1h)
    small = t_test(far, s1l, first.n, 0.0, s2l, second.n).p
    large = t_test(near, s1h, first.n, 0.0, s2h, second.n).p if near > 0 else 1.0
    return small, large


def possible_paired_p(first: Printed, second: Printed) -> tuple[float, float]:
    """The same of a paired t test, over every correlation from -1 to 1 of the two measurements."""
    (m1l, m1h), (m2l, m2h) = ([float(v) for v in printed_limits(arm.mean)] for arm in (first, second))
    (s1l, s1h), (s2l, s2h) = ([max(0.0, float(v)) for v in printed_limits(arm.sd)] for arm in (first, second))
    n = first.n
    far = max(abs(m1h - m2l), abs(m2h - m1l))
    near = max(0.0, m1l - m2h, m2l - m1h)
    apart = max(0.0, s1l - s2h, s2l - s1h)
    small = _test(far, apart / math.sqrt(n), n - 1).p
    large = _test(near, (s1h + s2h) / math.sqrt(n), n - 1).p if near > 0 else 1.0
    return small, large


@dataclass(frozen=True)
class Baseline:
    """p-values of baseline variables together (Carlisle 2017): by Stouffer, Kolmogorov-Smirnov and Fisher. Near 1: unusually alike."""

    stouffer_z: float
    stouffer_p: float
    ks_statistic: float
    ks_p: float
    fisher_p: float


def baseline(p_values: Sequence[float]) -> Baseline:
    """Whether baseline p-values are such as chance gives; each is between 0 and 1, both excluded."""
    if not p_values or not all(0 < p < 1 for p in p_values):
        message = f"expected p-values between 0 and 1, found {', '.join(f'{p:g}' for p in p_values) or 'none'}"
        raise ValueError(message)
    z = -math.fsum(float(ndtri(p)) for p in p_values) / math.sqrt(len(p_values))
    ks = kstest(list(p_values), "uniform")
    fisher = -2 * math.fsum(math.log(p) for p in p_values)
    return Baseline(z, float(ndtr(-z)), float(ks.statistic), float(ks.pvalue), float(chdtrc(2 * len(p_values), fisher)))
