"""Can whole numbers have this mean and SD? GRIM (Brown and Heathers 2017) and GRIMMER (Anaya 2016), decided exactly.

Rules of thumb for GRIMMER reject some genuine samples. Here every sum of squares that n whole numbers of a scale can have with a given
sum is known (dynamic programming over numbers, sums and sums of squares), and with it a sample that has the mean and SD, or none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

WIDEST, MOST = 120, 200  # steps of a scale, and participants, up to which the exact search is made
EDGE = Decimal("1e-12")


@dataclass(frozen=True)
class Grimmer:
    """Whether a mean and an SD are possible together; `witness` is a sample that has them, empty where there is none."""

    is_possible: bool
    witness: tuple[int, ...] = ()


def printed_limits(text: str) -> tuple[Decimal, Decimal]:
    """What a printed number may have been before it was rounded, either way at the edges."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        message = f"expected a number as it is printed, found {text!r}"
        raise ValueError(message) from None
    if not value.is_finite():
        message = f"expected a finite number, found {text!r}"
        raise ValueError(message)
    half = Decimal(1).scaleb(int(value.as_tuple().exponent)) / 2
    return value - half - EDGE, value + half + EDGE


def grim(mean: str, n: int, items: int = 1) -> bool:
    """Whether n participants with `items` whole-number items each can have this mean, printed with its decimals.

    Raises
    ------
    ValueError
        If n or items is below 1 or the mean is no number.
    """
    return bool(_sums(mean, n, items))


def _sums(mean: str, n: int, items: int = 1) -> range:
    if n < 1 or items < 1:
        message = f"expected n and items of 1 or more, found {n} and {items}"
        raise ValueError(message)
    lower, upper = printed_limits(mean)
    count = n * items
    first, last = math.ceil(lower * count), math.floor(upper * count)
    return range(first, last + 1)


def grimmer(mean: str, sd: str, n: int, scale: tuple[int, int] | None = None) -> Grimmer:
    """Whether n whole numbers can have this mean and this SD (n - 1 in its denominator), both as they are printed.

    Parameters
    ----------
    mean, sd
        With the decimals that are printed.
    n
        Number of participants, 2 or more.
    scale
        Lowest and highest possible value. Without it the numbers may be any: none can lie farther from the mean than
        SD (n - 1) / sqrt(n) (Samuelson 1968), so the search is just as exact.

    Raises
    ------
    ValueError
        If n is below 2, a number is none, or the scale or n is too large for an exact search.
    """
    if n < 2:
        message = f"expected n of 2 or more for an SD, found {n}"
        raise ValueError(message)
    low, high = scale if scale is not None else _reach(mean, sd, n)
    if high < low or high - low > WIDEST or n > MOST:
        message = f"expected a scale of up to {WIDEST} steps and n up to {MOST}, found {low} to {high} and n {n}"
        raise ValueError(message)
    sd_low, sd_high = (max(Decimal(0), limit) for limit in printed_limits(sd))
    for total in _sums(mean, n):
        shifted = total - n * low
        if not 0 <= shifted <= n * (high - low):
            continue
        squares = _squares(n, high - low, shifted)
        base = Decimal(shifted) ** 2 / n
        first = max(0, math.ceil(sd_low**2 * (n - 1) + base - EDGE))
        last = math.floor(sd_high**2 * (n - 1) + base + EDGE)
        if last < first:
            continue
        window = (squares >> first) & ((1 << (last - first + 1)) - 1)
        if window:
            found = first + (window & -window).bit_length() - 1
            return Grimmer(True, tuple(v + low for v in _sample(n, high - low, shifted, found)))
    return Grimmer(False)


def _reach(mean: str, sd: str, n: int) -> tuple[int, int]:
    """The whole numbers that can occur in a sample of this mean and SD."""
    centre, far = printed_limits(mean), printed_limits(sd)[1] * (n - 1) / Decimal(n).sqrt()
    return math.floor(centre[0] - far), math.ceil(centre[1] + far)


@lru_cache(maxsize=8)
def _layers(width: int) -> list[list[int]]:
    """For each number of values, filled as they are asked for: the sums of squares that each sum can have, as bits."""
    return [[1]]


def _squares(n: int, width: int, total: int) -> int:
    """The sums of squares, as bits, that n values of 0 to width with this total can have."""
    layers = _layers(width)
    while len(layers) <= n:
        last = layers[-1]
        layer = [0] * (len(last) + width)
        for s, bits in enumerate(last):
            if bits:
                for v in range(width + 1):
                    layer[s + v] |= bits << (v * v)
        layers.append(layer)
    return layers[n][total]


def _sample(n: int, width: int, total: int, squares: int) -> list[int]:
    """Values with this total and this sum of squares, largest first where there is a choice."""
    layers = _layers(width)
    values = []
    for k in range(n - 1, -1, -1):
        for v in range(min(width, total), -1, -1):
            rest, left = total - v, squares - v * v
            if rest < len(layers[k]) and left >= 0 and (layers[k][rest] >> left) & 1:
                values.append(v)
                total, squares = rest, left
                break
    return sorted(values)
