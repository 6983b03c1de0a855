"""Two extractions of the same numbers side by side: of two people, or of a person and a program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import fdtri, ndtri, stdtrit

from extract.summary import ArmSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A value and its confidence limits of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well two series of values agree.

    `icc` is ICC(A,1), absolute agreement of single values in a two-way model (McGraw and Wong 1996, Psychol Methods 1:30); `ccc` Lin's
    concordance (Lin 1989, Biometrics 45:255); `bias` the mean of second minus first, `lower` and `upper` its limits of agreement (Bland and
    Altman 1986, Lancet i:307), each with its interval (Bland and Altman 1999). `outside` are the pairs beyond the limits, by index.
    """

    first: Floats
    second: Floats
    icc: Interval
    ccc: Interval
    bias: Interval
    lower: Interval
    upper: Interval
    outside: tuple[int, ...]


def agreement(first: npt.ArrayLike, second: npt.ArrayLike) -> Agreement:
    """Agreement of two series of n values, pair by pair.

    Raises
    ------
    ValueError
        If they are not of one length of 3 or more, a value is not finite, or all values are the same.
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 3 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        message = f"expected two series of one length of 3 or more finite values, found {x.shape} and {y.shape}"
        raise ValueError(message)
    if np.ptp(np.concatenate([x, y])) == 0:
        message = f"expected values that differ, found {len(x)} pairs of {x[0]:g}"
        raise ValueError(message)
    n, d = len(x), y - x
    bias, sd = float(d.mean()), float(d.std(ddof=1))
    t, z = float(stdtrit(n - 1, 0.975)), float(ndtri(0.975))
    # The standard error of a limit of agreement: sqrt(1 / n + z^2 / (2 (n - 1))) SD (Bland and Altman 1999, 2.5).
    half, half_limit = t * sd / math.sqrt(n), t * sd * math.sqrt(1 / n + z**2 / (2 * (n - 1)))
    ends = [bias - z * sd, bias + z * sd]
    slack = 1e-12 * float(np.abs(np.concatenate([x, y])).max())
    outside = tuple(np.flatnonzero((d < ends[0] - slack) | (d > ends[1] + slack)).tolist())
    limits = [Interval(end, end - half_limit, end + half_limit) for end in ends]
    return Agreement(x, y, _icc(x, y), _ccc(x, y), Interval(bias, bias - half, bias + half), limits[0], limits[1], outside)


def _icc(x: Floats, y: Floats) -> Interval:
    """ICC(A,1) and its interval (McGraw and Wong 1996, table 4 and 7)."""
    values = np.column_stack([x, y])
    n, k = values.shape
    rows, columns, grand = values.mean(axis=1), values.mean(axis=0), values.mean()
    ms_rows = k * float(np.sum((rows - grand) ** 2)) / (n - 1)
    ms_columns = n * float(np.sum((columns - grand) ** 2)) / (k - 1)
    rest = values - rows[:, None] - columns[None, :] + grand
    ms_error = float(np.sum(rest**2)) / ((n - 1) * (k - 1))
    icc = (ms_rows - ms_error) / (ms_rows + (k - 1) * ms_error + k / n * (ms_columns - ms_error))
    if ms_error <= 1e-15 * ms_rows and ms_columns <= 1e-15 * ms_rows:
        return Interval(1.0, 1.0, 1.0)
    a, b = k * icc / (n * (1 - icc)), 1 + k * icc * (n - 1) / (n * (1 - icc))
    spread = a * ms_columns + b * ms_error
    df = spread**2 / ((a * ms_columns) ** 2 / (k - 1) + (b * ms_error) ** 2 / ((n - 1) * (k - 1)))
    f_low, f_high = float(fdtri(n - 1, df, 0.975)), float(fdtri(df, n - 1, 0.975))
    common = k * ms_columns + (k * n - k - n) * ms_error
    low = n * (ms_rows - f_low * ms_error) / (f_low * common + n * ms_rows)
    high = n * (f_high * ms_rows - ms_error) / (common + n * f_high * ms_rows)
    return Interval(icc, low, high)


def _ccc(x: Floats, y: Floats) -> Interval:
    """Lin's concordance and its interval by Fisher's transformation (Lin 1989; variance as corrected in Biometrics 56:324)."""
    n, sx, sy = len(x), float(x.std()), float(y.std())
    r = float(np.mean((x - x.mean()) * (y - y.mean()))) / (sx * sy) if sx > 0 and sy > 0 else 0.0
    shift = float(x.mean() - y.mean())
    ccc = 2 * r * sx * sy / (sx**2 + sy**2 + shift**2)
    if ccc >= 1 - 1e-12 or r == 0 or n < 4:
        return Interval(ccc, ccc, ccc)
    u2 = shift**2 / (sx * sy)
    variance = (1 - r**2) * ccc**2 / ((1 - ccc**2) * r**2) + 2 * ccc**3 * (1 - ccc) * u2 / (r * (1 - ccc**2) ** 2)
    variance = (variance - ccc**4 * u2**2 / (2 * r**2 * (1 - ccc**2) ** 2)) / (n - 2)
    half = float(ndtri(0.975)) * math.sqrt(max(variance, 0.0))
    middle = math.atanh(ccc)
    return Interval(ccc, math.tanh(middle - half), math.tanh(middle + half))


@dataclass(frozen=True)
class Pair:
    """One number that two extractions give differently: which arm, which quantity, both values."""

    arm: str
    quantity: str
    first: float
    second: float


def different_pairs(first: Sequence[ArmSummary], second: Sequence[ArmSummary], *, tolerance: float = 0.02) -> tuple[Pair, ...]:
    """Every n, mean or SD of an arm that two tables give differently, the largest differences first; arms that one lacks are there as NaN.

    Parameters
    ----------
    first, second
        The tables; arms belong together by study, arm, outcome and timepoint.
    tolerance
        Of the larger of the two values, and for means of the arm's SD where that is larger: what digitising by hand leaves.
    """
    tables = [{(a.study, a.arm, a.outcome, a.timepoint): a for a in table} for table in (first, second)]
    found = []
    for key in dict.fromkeys([*tables[0], *tables[1]]):
        a, b = (table.get(key) for table in tables)
        for quantity in ("n", "mean", "sd"):
            x, y = (math.nan if arm is None else float(getattr(arm, quantity)) for arm in (a, b))
            size = max(abs(x), abs(y), *(arm.sd for arm in (a, b) if arm is not None and quantity == "mean" and arm.sd > 0))
            if math.isnan(x) != math.isnan(y) or (abs(x - y) > (0 if quantity == "n" else tolerance * size)):
                found.append(Pair(", ".join(part for part in key if part), quantity, x, y))
    return tuple(sorted(found, key=lambda p: -abs(p.second - p.first) / max(abs(p.first), abs(p.second), 1e-300)))


def draw_bland_altman(found: Agreement, ax: Axes, *, quantity: str = "value") -> Axes:
    """Differences over means, with bias, limits of agreement and their intervals (Bland and Altman 1986).

    Parameters
    ----------
    found
        The agreement.
    ax
        Where to draw.
    quantity
        What the values are, for the titles of the axes.
    """
    middle, d = (found.first + found.second) / 2, found.second - found.first
    ax.plot(middle, d, "o", color="#1f4e79", markersize=4)
    for interval, style in ((found.bias, "-"), (found.lower, "--"), (found.upper, "--")):
        ax.axhline(interval.value, linestyle=style, color="black", linewidth=1)
        ax.axhspan(interval.low, interval.high, color="black", alpha=0.07, linewidth=0)
        place: Any = {"xycoords": ("axes fraction", "data"), "xytext": (4, 0), "textcoords": "offset points", "va": "center"}
        ax.annotate(f"{interval.value:.3g}", (1, interval.value), fontsize=8, **place)
    for i in found.outside:
        ax.annotate(str(i + 1), (middle[i], d[i]), xytext=(4, 4), textcoords="offset points", fontsize=8)
    ax.set(xlabel=f"Mean of both ({quantity})", ylabel="Second minus first")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
