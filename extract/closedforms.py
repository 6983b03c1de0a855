"""Every closed-form way from reported quantiles to mean and SD, for many arms at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from extract.normal import eta_exact, xi_exact
from extract.quantiles import Floats, Moments, Quantiles, Scenario

Expected = Literal["blom", "exact", "table"]

# Wan et al. 2014 print their Tables 1 (n to 50) and 2 (Q to 50, n = 4 Q + 1) to three decimals, three entries one unit too high.
_TABLE_1_LAST, _TABLE_2_LAST = 50, 201
_MISPRINTED_XI = {12: 3.259}
_MISPRINTED_ETA = {12: 1.311, 24: 1.330}


def xi(n: Floats, expected: Expected = "blom") -> Floats:
    """Expected range of n normal values in SDs: xi(n) of Wan et al. 2014.

    By Blom's approximation (eq. 9), as the exact integral (eq. 7), or as the paper's Table 1 prints it.

    Raises
    ------
    ValueError
        If the table is asked for an n that it does not hold.
    """
    if expected == "blom":
        return np.asarray(2 * ndtri((n - 0.375) / (n + 0.25)))
    if expected == "exact":
        return _each(xi_exact, n)
    _in_table(n, _TABLE_1_LAST, "Table 1")
    return _each(lambda size: _MISPRINTED_XI.get(size, round(xi_exact(size), 3)), n)


def eta(n: Floats, expected: Expected = "blom") -> Floats:
    """Expected interquartile range of n normal values in SDs: eta(n) of Wan et al. 2014.

    By Blom's approximation (eq. 16), as the exact expectation (eq. 15), or from the paper's Table 2, whose Q is (n - 1) / 4 rounded up.

    Raises
    ------
    ValueError
        If the table is asked for an n that it does not hold.
    """
    if expected == "blom":
        return np.asarray(2 * ndtri((0.75 * n - 0.125) / (n + 0.25)))
    if expected == "exact":
        return _each(eta_exact, n)
    _in_table(n, _TABLE_2_LAST, "Table 2")
    quarters = np.ceil((n - 1) / 4)
    return _each(lambda q: _MISPRINTED_ETA.get(q, round(eta_exact(4 * q + 1), 3)), quarters)


def _each(function: Callable[[int], float], n: Floats) -> Floats:
    sizes, where = np.unique(n, return_inverse=True)
    return np.array([function(int(size)) for size in sizes])[where]


def _in_table(n: Floats, last: int, table: str) -> None:
    if (n > last).any():
        message = f"expected n up to {last} for {table} of Wan 2014, found {n.max():g}"
        raise ValueError(message)


def _parts(q: Quantiles) -> tuple[Floats, Floats, Floats, Floats]:
    """n, median, mid-range and mid-quartile, NaN where a scenario has none of them."""
    c = q.columns
    nothing = np.full_like(c["median"], np.nan)
    centre = (c["minimum"] + c["maximum"]) / 2 if "minimum" in c else nothing
    hinge = (c["q1"] + c["q3"]) / 2 if "q1" in c else nothing
    return q.size, c["median"], centre, hinge


def _range_sd(q: Quantiles, expected: Expected = "blom") -> Floats:
    c = q.columns
    return np.asarray((c["maximum"] - c["minimum"]) / xi(q.size, expected))


def _iqr_sd(q: Quantiles, expected: Expected = "blom") -> Floats:
    c = q.columns
    return np.asarray((c["q3"] - c["q1"]) / eta(q.size, expected))


def wan2014(q: Quantiles, expected: Expected = "blom") -> Moments:
    """Wan et al. 2014 (BMC Med Res Methodol 14:135).

    C1: mean (a + 2 m + b) / 4 (eq. 3), SD (b - a) / xi(n) (eq. 7, 9). C2: mean (a + 2 q1 + 2 m + 2 q3 + b) / 8 (eq. 10), SD the mean of
    those of C1 and C3 (eq. 12, 13). C3: mean (q1 + m + q3) / 3 (eq. 14), SD (q3 - q1) / eta(n) (eq. 15, 16).
    """
    _, m, centre, hinge = _parts(q)
    if q.scenario == "C1":
        return Moments((centre + m) / 2, _range_sd(q, expected), "wan2014")
    if q.scenario == "C3":
        return Moments((2 * hinge + m) / 3, _iqr_sd(q, expected), "wan2014")
    return Moments((centre + 2 * hinge + m) / 4, (_range_sd(q, expected) + _iqr_sd(q, expected)) / 2, "wan2014")


def hozo2005(q: Quantiles) -> Moments:
    """Hozo et al. 2005 (BMC Med Res Methodol 5:13), C1: eq. 5 without its term in 1 / n, and SD by eq. 16, R / 4 or R / 6 as n grows."""
    _only(q, "C1", "hozo2005")
    n, m, centre, _ = _parts(q)
    c = q.columns
    spread = c["maximum"] - c["minimum"]
    small = np.sqrt(((c["minimum"] - 2 * m + c["maximum"]) ** 2 / 4 + spread**2) / 12)
    sd = np.where(n <= 15, small, np.where(n <= 70, spread / 4, spread / 6))
    return Moments(np.where(n <= 25, (centre + m) / 2, m), sd, "hozo2005")


def walter2007(q: Quantiles) -> Moments:
    """Walter and Yao 2007 (J Clin Epidemiol 60:849), C1: the median, and the range over the exact expected range."""
    _only(q, "C1", "walter2007")
    c = q.columns
    return Moments(c["median"].copy(), (c["maximum"] - c["minimum"]) / xi(q.size, "exact"), "walter2007")


def bland2015(q: Quantiles) -> Moments:
    """Bland 2015 (Int J Stat Med Res 4:57), C2: mean eq. 8, SD eq. 9; the SD is too large for large samples."""
    _only(q, "C2", "bland2015")
    a, q1, m, q3, b = q.columns.values()
    mean = (a + 2 * q1 + 2 * m + 2 * q3 + b) / 8
    squares = (a**2 + 2 * q1**2 + 2 * m**2 + 2 * q3**2 + b**2) / 16
    products = (a * q1 + q1 * m + m * q3 + q3 * b) / 8
    return Moments(mean, np.sqrt(np.maximum(squares + products - mean**2, 0.0)), "bland2015")


def _only(q: Quantiles, scenario: Scenario, name: str) -> None:
    if q.scenario != scenario:
        message = f"expected scenario {scenario} for {name}, found {q.scenario}"
        raise ValueError(message)


def luo2018_mean(q: Quantiles) -> Floats:
    """Mean by Luo et al. 2018 (Stat Methods Med Res 27:1785): eq. 7 (C1), 11 (C3), 15 (C2), weights that depend on n."""
    n, m, centre, hinge = _parts(q)
    if q.scenario == "C1":
        w = 4 / (4 + n**0.75)
        return np.asarray(w * centre + (1 - w) * m)
    if q.scenario == "C3":
        w = 0.7 + 0.39 / n
        return np.asarray(w * hinge + (1 - w) * m)
    w1, w2 = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    return np.asarray(w1 * centre + w2 * hinge + (1 - w1 - w2) * m)


def shi2020_sd(q: Quantiles) -> Floats:
    """SD by Shi et al. 2020 (Res Synth Methods 11:641, eq. 11) of five numbers (C2); of three as Wan et al. 2014 have it."""
    if q.scenario == "C1":
        return _range_sd(q)
    if q.scenario == "C3":
        return _iqr_sd(q)
    w = 1 / (1 + 0.07 * q.size**0.6)
    return np.asarray(w * _range_sd(q) + (1 - w) * _iqr_sd(q))


def luo2018_shi2020(q: Quantiles) -> Moments:
    """Mean by Luo et al. 2018; SD by Wan et al. 2014 (C1, C3) or Shi et al. 2020 (C2)."""
    return Moments(luo2018_mean(q), shi2020_sd(q), "luo2018+wan2014" if q.scenario != "C2" else "luo2018+shi2020")


@dataclass(frozen=True)
class _LogNormal:
    """Corrections of one scenario in Shi et al. 2020b: of the mean, and of both parts of the variance, by s2 / n and s4 / n."""

    mean: tuple[float, float]
    squares: tuple[float, float]
    square: tuple[float, float]


_CORRECTIONS: Mapping[Scenario, _LogNormal] = {
    "C1": _LogNormal((0.565, 0.37), (2.26, 5.92), (2.26, 1.48)),
    "C2": _LogNormal((0.405, 0.315), (1.62, 5.04), (1.62, 1.26)),
    "C3": _LogNormal((0.57, 0.75), (2.28, 12.0), (2.28, 3.0)),
}


def log_moments(q: Quantiles) -> tuple[Floats, Floats, Floats]:
    """Mean of the logarithms, and unbiased estimates of the second and fourth power of their SD (Shi et al. 2020b).

    Raises
    ------
    ValueError
        If a quantile is not above 0.
    """
    if min(values.min() for values in q.columns.values()) <= 0:
        message = f"expected quantiles above 0 for a log-normal, found {min(float(v.min()) for v in q.columns.values()):g}"
        raise ValueError(message)
    logs, n = q.mapped(np.log), q.size
    sd, log_n = shi2020_sd(logs), np.log(n) ** 2
    if logs.scenario == "C1":
        second, fourth = 1.01 + 0.25 / log_n, 1 + 2.23 / log_n
    elif logs.scenario == "C2":
        second, fourth = 1 + 0.28 / log_n, 1 + 3.93 / n
    else:
        second, fourth = 1 + 1.58 / n, 1 + 19.2 / n**1.2
    return luo2018_mean(logs), sd**2 / second, sd**4 / fourth


def shi2020_lognormal(q: Quantiles) -> Moments:
    """Log-normal data, by Shi et al. 2020b (Stat Interface 13:519): moments of the logarithms, carried back with their bias removed.

    Raises
    ------
    ValueError
        If a quantile is not above 0.
    """
    mu, s2, s4 = log_moments(q)
    by = _CORRECTIONS[q.scenario]
    first, second, third = (1 + a * s2 / q.size + b * s4 / q.size for a, b in (by.mean, by.squares, by.square))
    mean = np.exp(mu + s2 / 2) / first
    variance = np.exp(2 * mu + 2 * s2) / second - np.exp(2 * mu + s2) / third
    return Moments(mean, np.sqrt(np.maximum(variance, 0.0)), "shi2020 log-normal")


@dataclass(frozen=True, eq=False)
class SkewTest:
    """Whether quantiles are too skewed for normal data: the statistic, its critical value at 5 %, and the verdict, a value an arm."""

    statistic: Floats
    critical: Floats

    @property
    def is_skewed(self) -> npt.NDArray[np.bool_]:
        """Whether the statistic reaches its critical value."""
        return np.asarray(self.statistic >= self.critical)


def shi2023_skewness(q: Quantiles) -> SkewTest:
    """Test of skewness by Shi et al. 2023 (Stat Methods Med Res 32:1338); arms without spread are not skewed."""
    n, m, centre, hinge = _parts(q)
    c = q.columns
    with np.errstate(invalid="ignore", divide="ignore"):
        t1 = np.abs(2 * centre - 2 * m) / (c["maximum"] - c["minimum"]) if "minimum" in c else np.zeros_like(m)
        t3 = np.abs(2 * hinge - 2 * m) / (c["q3"] - c["q1"]) if "q1" in c else np.zeros_like(m)
        if q.scenario == "C1":
            statistic, critical = t1, 1 / np.log(n + 9) + 2.5 / (n + 1)
        elif q.scenario == "C3":
            statistic, critical = t3, 2.65 / np.sqrt(n) - 6 / n**2
        else:
            statistic, critical = np.maximum(2.65 * np.log(0.6 * n) / np.sqrt(n) * t1, t3), 3 / np.sqrt(n) - 40 / n**3
    return SkewTest(np.nan_to_num(statistic), np.asarray(critical))
