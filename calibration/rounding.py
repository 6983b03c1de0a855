"""Labels that their author rounded: ticks every 0.00025 that are printed 0.0003, 0.0005, 0.0008."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibration.consensus import least_squares
from calibration.scale import FloatArray, Scale

ROUND_STEPS = (7.5, 20.0 / 3.0, 6.0, 5.0, 4.0, 10.0 / 3.0, 3.0, 2.5, 2.0, 5.0 / 3.0, 1.5, 1.25, 1.0)
"""Steps between ticks that authors choose, in a decade."""

LOG_STEPS = (4.0, 3.0, 2.0, 1.0, math.log10(4.0), 0.5, math.log10(math.e), math.log10(2.0), 0.25, math.log10(math.sqrt(2.0)))
"""Steps between ticks of a logarithmic axis, decades."""

SHARP_SIGMAS = 2.0
"""Printed numbers that scatter about their line by less than this many tick uncertainties are exact."""

PLAINLY_BETTER = 3.0
"""How many times smaller the sum of squares of the numbers behind the labels must be than that of the printed ones."""

WIDE_PX = 1.5
"""Rounding intervals narrower than this on the page explain nothing that a misread digit would not."""


@dataclass(frozen=True)
class Unrounded:
    """The values behind rounded labels, and each tick's uncertainty (pixels) with what remains of the rounding in it.

    `is_recovered` tells whether the values are multiples of a round step rather than the printed ones.
    """

    values: FloatArray
    u_px: FloatArray
    is_recovered: bool


def unrounded(scale: Scale, px: FloatArray, values: FloatArray, u_lo: FloatArray, u_hi: FloatArray, sigma: FloatArray) -> Unrounded | None:
    """Return the values behind labels that are rounded, or None where the printed numbers themselves lie on a line.

    Printed numbers that lie on a line within the sharpness of the ticks are exact. Otherwise, where a line passes through all the intervals
    `u_lo`..`u_hi`, multiples of a round step are looked for that print as these labels and lie on a line themselves. Failing that, labels
    whose line needs their intervals are kept, each with its half-width over the root of 3 added to its tick's uncertainty.
    """
    u = np.asarray(scale.forward(values))
    line = least_squares(u, px, sigma)
    if len(px) < 3 or line is None:
        return None
    a, b = line
    off = px - (a + b * u)
    squares = float(np.sum((off / sigma) ** 2))
    if squares <= (len(px) - 2) * SHARP_SIGMAS**2:
        return None
    for exact in _lattices(scale, (px - a) / b, u, u_lo, u_hi):
        is_printed = np.isclose(exact, u, rtol=0.0, atol=1e-9 * float(np.ptp(u)))
        if np.all(is_printed):
            return None
        if _squares(exact, px, sigma) * PLAINLY_BETTER < squares:
            return Unrounded(np.where(is_printed, values, np.asarray(scale.inverse(exact))), sigma, True)
    half_px = np.abs(b) * 0.5 * (u_hi - u_lo)
    if np.max(half_px) < WIDE_PX or np.any(np.abs(off) > half_px + 2.0 * sigma):
        return None
    return Unrounded(values, np.hypot(sigma, half_px / math.sqrt(3.0)), False)


def has_unequal_steps(scale: Scale, px: FloatArray, u: FloatArray, u_lo: FloatArray, u_hi: FloatArray) -> bool:
    """Whether ticks at equal distances carry numbers at unequal steps, which no rounding of a round step explains: a misread digit."""
    nearest = float(np.min(np.diff(np.sort(px))))
    if len(px) < 3 or nearest < 2.0 * WIDE_PX:
        return False
    places = (px - px[0]) / nearest
    whole = np.round(places)
    if np.any(np.abs(places - whole) > 0.04 * np.maximum(1.0, np.abs(whole))):
        return False
    line = least_squares(whole, u)
    if line is None:
        return True
    equal = line[0] + line[1] * whole
    if np.allclose(equal, u, rtol=0.0, atol=1e-6 * float(np.ptp(u))):
        return False
    return not _lattices(scale, equal, u, u_lo, u_hi)


def _lattices(scale: Scale, near: FloatArray, u: FloatArray, u_lo: FloatArray, u_hi: FloatArray) -> list[FloatArray]:
    """Return the multiples of round steps nearest to `near` that lie in the intervals of all labels, the widest step first."""
    found = []
    for step in _steps(scale, u, u_hi - u_lo):
        exact = step * np.round(near / step)
        if np.all((exact >= u_lo - 1e-9 * step) & (exact <= u_hi + 1e-9 * step)) and len(np.unique(exact)) == len(exact):
            found.append(exact)
    return found


def _squares(u: FloatArray, px: FloatArray, sigma: FloatArray) -> float:
    line = least_squares(u, px, sigma)
    return math.inf if line is None else float(np.sum(((px - line[0] - line[1] * u) / sigma) ** 2))


def _steps(scale: Scale, u: FloatArray, width: FloatArray) -> list[float]:
    """Return round steps, from the distance of two labels (which rounding shrinks) down to a good third of it."""
    widest, nearest = float(np.max(width)), float(np.min(np.diff(np.sort(u))))
    largest = 1.05 * nearest + widest
    smallest = max(1.15 * widest, 0.4 * nearest)
    if scale.name == "log10":
        return [step for step in LOG_STEPS if smallest < step <= largest]
    if largest <= 0.0:
        return []
    top = math.floor(math.log10(largest))
    return [step for k in (top, top - 1) for m in ROUND_STEPS if smallest < (step := m * 10.0**k) <= largest]
