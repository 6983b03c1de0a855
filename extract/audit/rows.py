"""Checks of everything printed of one arm against itself: mean, SD, SE, interval, median, quartiles, range, and p of two arms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.special import fdtrc, ndtri, stdtrit

from extract.audit.finding import Finding
from extract.audit.granular import printed_limits
from extract.audit.limits import range_over_sd, samuelson
from extract.audit.pvalues import Printed as PrintedArm
from extract.audit.pvalues import possible_p
from extract.printed import Printed
from extract.quantiles import NAMES

_RARE = 0.001  # of normal samples whose range over SD is as small, or as large
_DRAWS, _MOST_DRAWN, _SEED = 20_000, 400, 19540101
_UNLIKE = 0.001  # p of the ratio of two baseline SDs


def audit_rows(rows: Sequence[Printed]) -> list[Finding]:
    """Every check of the rows of a typed table, each against itself and against the study's other arm."""
    findings = [f for row in rows for f in _row(row)]
    for place in dict.fromkeys((r.arm.study, r.arm.outcome, r.arm.timepoint) for r in rows):
        same = [r for r in rows if (r.arm.study, r.arm.outcome, r.arm.timepoint) == place]
        if len(same) == 2:
            findings += _two_arms(same[0], same[1])
    return findings


def _where(row: Printed) -> str:
    return ", ".join(part for part in (row.arm.study, row.arm.arm, row.arm.outcome, row.arm.timepoint) if part)


def _row(row: Printed) -> Iterator[Finding]:
    quantiles = [(name, row.numbers[name]) for name in NAMES if row.number(name) is not None]
    if any(a > b for (_, a), (_, b) in pairwise(quantiles)):
        listed = ", ".join(f"{name} {value:g}" for name, value in quantiles)
        yield Finding("order", "impossible", _where(row), "the quantiles do not ascend", listed, "look for digits that changed places")
        return
    yield from _interval_of_mean(row)
    if row.number("sd") is not None:
        yield from _standard_error(row)
        yield from _median(row)
        yield from _range(row)


def _limits(row: Printed, name: str) -> tuple[float, float]:
    low, high = printed_limits(row.texts[name])
    return float(low), float(high)


def _standard_error(row: Printed) -> Iterator[Finding]:
    """SE = SD / sqrt(n), and the half-width of the interval c SD / sqrt(n), over all that rounds to what is printed."""
    n = row.arm.n
    sd_low, sd_high = (max(0.0, v) for v in _limits(row, "sd"))
    if row.number("se") is not None:
        low, high = (v * math.sqrt(n) for v in _limits(row, "se"))
        arithmetic = f"SE {row.texts['se']} x sqrt({n}) = {low:.4g} to {high:.4g}; SD {row.texts['sd']}"
        if low > sd_high or high < sd_low:
            yield Finding("se and sd", "impossible", _where(row), "the SE is not that of the SD", arithmetic, "see which is which, and n")
        else:
            yield Finding("se and sd", "pass", _where(row), "SE and SD agree", arithmetic)
    if row.number("ci_lb") is not None and row.number("ci_ub") is not None:
        yield _interval_and_sd(row, sd_low, sd_high)


def _interval_and_sd(row: Printed, sd_low: float, sd_high: float) -> Finding:
    n, level = row.arm.n, row.numbers.get("level", math.nan)
    tail = 0.5 + (95.0 if math.isnan(level) else level) / 200
    (lb_low, lb_high), (ub_low, ub_high) = _limits(row, "ci_lb"), _limits(row, "ci_ub")
    # By z and by t: papers use either.
    z, t = float(ndtri(tail)), float(stdtrit(n - 1, tail))
    low, high = (ub_low - lb_high) / 2 * math.sqrt(n) / t, (ub_high - lb_low) / 2 * math.sqrt(n) / z
    arithmetic = f"half-width x sqrt({n}) / t or z = {low:.4g} to {high:.4g}; SD {row.texts['sd']}"
    if low > sd_high or high < sd_low:
        said = "the interval is not that of the SD"
        return Finding("interval and sd", "impossible", _where(row), said, arithmetic, "see whether it is an SE, and n")
    return Finding("interval and sd", "pass", _where(row), "interval and SD agree", arithmetic)


def _interval_of_mean(row: Printed) -> Iterator[Finding]:
    if any(row.number(name) is None for name in ("mean", "ci_lb", "ci_ub")):
        return
    (lb_low, lb_high), (ub_low, ub_high), (low, high) = (_limits(row, name) for name in ("ci_lb", "ci_ub", "mean"))
    arithmetic = f"middle of {row.texts['ci_lb']} and {row.texts['ci_ub']}: {(lb_low + ub_high) / 2:.4g}; mean {row.texts['mean']}"
    if (lb_low + ub_low) / 2 <= high and low <= (lb_high + ub_high) / 2:
        yield Finding("symmetry", "pass", _where(row), "the interval is symmetric about the mean", arithmetic)
        return
    in_logs = lb_low > 0 and math.sqrt(lb_low * ub_low) <= high and low <= math.sqrt(lb_high * ub_high)
    if in_logs:
        said = "the interval is symmetric in logarithms: the mean is a geometric one"
        yield Finding("symmetry", "note", _where(row), said, arithmetic, "enter it as geometric_mean, geometric_lb, geometric_ub")
    else:
        said = "the interval is not symmetric about the mean"
        yield Finding("symmetry", "improbable", _where(row), said, arithmetic, "look for a slipped digit or sign")


def _median(row: Printed) -> Iterator[Finding]:
    """|mean - median| <= SD sqrt((n - 1) / n) (Hotelling and Solomons 1932)."""
    if row.number("mean") is None or row.number("median") is None:
        return
    n = row.arm.n
    (m_low, m_high), (q_low, q_high) = _limits(row, "mean"), _limits(row, "median")
    apart, most = max(0.0, m_low - q_high, q_low - m_high), _limits(row, "sd")[1] * math.sqrt((n - 1) / n)
    arithmetic = f"|{row.texts['mean']} - {row.texts['median']}| <= SD sqrt((n - 1) / n) = {most:.4g}"
    if apart > most:
        said = "mean and median are farther apart than the SD allows"
        yield Finding("mean and median", "impossible", _where(row), said, arithmetic, "see whether the SD is an SE")
    else:
        yield Finding("mean and median", "pass", _where(row), "mean and median are near enough", arithmetic)


def _range(row: Printed) -> Iterator[Finding]:
    if row.number("minimum") is None or row.number("maximum") is None:
        return
    n, where = row.arm.n, _where(row)
    (a_low, a_high), (b_low, b_high) = _limits(row, "minimum"), _limits(row, "maximum")
    sd_low, sd_high = (max(1e-12, v) for v in _limits(row, "sd"))
    least, most = (b_low - a_high) / sd_high, (b_high - a_low) / sd_low
    low, high = range_over_sd(n)
    arithmetic = f"range / SD = {least:.3g} to {most:.3g}; of {n} values {low:.3g} to {high:.3g}"
    if least > high or most < low:
        said = "no sample has such a range and SD"
        yield Finding("range and sd", "impossible", where, said, arithmetic, "see whether the SD is an SE, or the range another quantity")
        return
    if row.number("mean") is not None:
        m_low, m_high = _limits(row, "mean")
        bottom, top = samuelson(m_low, sd_high, n)[0], samuelson(m_high, sd_high, n)[1]
        if a_high < bottom or b_low > top:
            said = "an end of the range lies farther from the mean than n and the SD allow"
            reach = f"mean -+ SD (n - 1) / sqrt(n): {bottom:.4g} to {top:.4g}; range {row.texts['minimum']} to {row.texts['maximum']}"
            yield Finding("range and mean", "impossible", where, said, reach, "see whether the SD is an SE")
            return
    rare = _usual_range_over_sd(n)
    if rare is not None and (least > rare[1] or most < rare[0]):
        said = f"of normal samples of {n} one in a thousand has so {'large' if least > rare[1] else 'small'} a range for its SD"
        usual = f"{arithmetic}; usually {rare[0]:.3g} to {rare[1]:.3g}"
        yield Finding("range and sd", "improbable", where, said, usual, "see whether the SD is an SE, or the range that of quartiles")
    else:
        yield Finding("range and sd", "pass", where, "range and SD agree", arithmetic)


@lru_cache(maxsize=256)
def _usual_range_over_sd(n: int) -> tuple[float, float] | None:
    """Limits of range over SD of normal samples, each passed by one in a thousand; None for samples too large to draw."""
    if n < 3 or n > _MOST_DRAWN:
        return None
    samples = np.random.default_rng(_SEED).normal(size=(_DRAWS, n))
    ratios = np.ptp(samples, axis=1) / samples.std(axis=1, ddof=1)
    low, high = np.quantile(ratios, [_RARE, 1 - _RARE])
    return float(low), float(high)


def _two_arms(a: Printed, b: Printed) -> Iterator[Finding]:
    where = f"{a.arm.study}, {a.arm.arm} against {b.arm.arm}"
    if all(row.number(name) is not None for row in (a, b) for name in ("mean", "sd")):
        for row in (a, b):
            if row.number("md_p") is not None:
                yield _p_of_difference(a, b, row.texts["md_p"], where)
    if a.number("baseline_sd") is not None and b.number("baseline_sd") is not None:
        yield from _baseline_sds(a, b, where)


def _p_of_difference(a: Printed, b: Printed, text: str, where: str) -> Finding:
    low, high = possible_p(*(PrintedArm(row.arm.n, row.texts["mean"], row.texts["sd"]) for row in (a, b)))
    p_low, p_high = (float(v) for v in printed_limits(text))
    arithmetic = (
        f"{a.texts['mean']} ({a.texts['sd']}) against {b.texts['mean']} ({b.texts['sd']}): p {low:.2g} to {high:.2g}; printed {text}"
    )
    if low > p_high or high < p_low:
        said = "the printed p is not that of the means and SDs"
        return Finding("p", "improbable", where, said, arithmetic, "see whether SDs are SEs, or another test was used")
    return Finding("p", "pass", where, "means, SDs and p agree", arithmetic)


def _baseline_sds(a: Printed, b: Printed, where: str) -> Iterator[Finding]:
    first, second = a.numbers["baseline_sd"], b.numbers["baseline_sd"]
    if min(first, second) <= 0:
        return
    ratio = (first / second) ** 2
    one_sided = float(fdtrc(a.arm.n - 1, b.arm.n - 1, ratio))
    p = 2 * min(one_sided, 1 - one_sided)
    arithmetic = f"({first:g} / {second:g})^2 = {ratio:.3g} with {a.arm.n - 1} and {b.arm.n - 1} df: p {p:.2g}"
    if p < _UNLIKE:
        said = "baseline SDs of the arms differ by more than chance gives"
        yield Finding("baseline sds", "improbable", where, said, arithmetic, "see whether one of them is an SE")
    else:
        yield Finding("baseline sds", "pass", where, "baseline SDs are alike", arithmetic)
