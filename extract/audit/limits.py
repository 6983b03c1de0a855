"""Limits that mean, SD, median and range set one another, on a scale with ends or without."""

from __future__ import annotations

import math
from dataclasses import dataclass

from extract.audit.granular import printed_limits


@dataclass(frozen=True)
class SdLimits:
    """The smallest and largest SD that n values with a mean can have."""

    lowest: float
    highest: float


def sd_limits(mean: float, n: int, low: float, high: float, *, whole: bool = False) -> SdLimits:
    """Limits of the SD on a scale from low to high: sqrt((m - A)(B - m) n / (n - 1)) at most (Heathers and Brown 2019).

    Parameters
    ----------
    mean, n
        Of the sample; n is 2 or more.
    low, high
        Ends of the scale.
    whole
        Whether values are whole numbers: then the limits are those of the whole sum nearest to n times the mean, and exact.

    Raises
    ------
    ValueError
        If n is below 2 or the mean lies off the scale.
    """
    if n < 2 or not low <= mean <= high:
        message = f"expected n of 2 or more and a mean between {low:g} and {high:g}, found {n} and {mean:g}"
        raise ValueError(message)
    if not whole:
        return SdLimits(0.0, math.sqrt((mean - low) * (high - mean) * n / (n - 1)))
    total = round(mean * n) - n * int(low)
    width = int(high) - int(low)
    at_top, rest = divmod(total, width)
    squares = at_top * width**2 + rest**2
    each, more = divmod(total, n)
    least = (n - more) * each**2 + more * (each + 1) ** 2
    return SdLimits(*(math.sqrt(max(0.0, (q - total**2 / n) / (n - 1))) for q in (least, squares)))


def debit(proportion: str, sd: str, n: int) -> bool:
    """Whether a proportion of yes-or-no data and its SD agree: SD = sqrt(n / (n - 1) p (1 - p)) (DEBIT, Heathers and Brown 2019).

    Both are as they are printed; any values that round to them may agree.
    """
    (p_low, p_high), (sd_low, sd_high) = printed_limits(proportion), printed_limits(sd)
    ends = [min(max(float(p), 0.0), 1.0) for p in (p_low, p_high)]
    inner = [0.5] if ends[0] <= 0.5 <= ends[1] else []
    values = [math.sqrt(n / (n - 1) * p * (1 - p)) for p in (*ends, *inner)]
    return max(values) >= float(sd_low) and min(values) <= float(sd_high)


def samuelson(mean: float, sd: float, n: int) -> tuple[float, float]:
    """How far the values of a sample can lie from its mean: mean -+ SD (n - 1) / sqrt(n) (Samuelson 1968)."""
    reach = sd * (n - 1) / math.sqrt(n)
    return mean - reach, mean + reach


def range_over_sd(n: int) -> tuple[float, float]:
    """Smallest and largest possible range over SD of n values: from 2 sqrt((n - 1) / n) (odd: 2 sqrt(n / (n + 1))) to sqrt(2 (n - 1))."""
    low = 2 * math.sqrt((n - 1) / n) if n % 2 == 0 else 2 * math.sqrt(n / (n + 1))
    return low, math.sqrt(2 * (n - 1))
