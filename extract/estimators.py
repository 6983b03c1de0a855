"""Every closed-form way from reported quantiles to mean and SD, for many arms at once.

Scenarios are those of Wan et al. 2014: C1 is {minimum, median, maximum}, C3 {q1, median, q3}, C2 all five. `wan2014` in
extract/quantiles.py does one arm with the uncertainty of reading; here a column holds thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from extract.normal import xi_exact

Floats = npt.NDArray[np.float64]
Scenario = Literal["C1", "C2", "C3"]


@dataclass(frozen=True, eq=False)
class Quantiles:
    """Reported quantiles of k arms, a column each, with the number of participants `n`.

    Minimum and maximum, or q1 and q3, or all four stand beside the median; those that are not known are left out for all arms.

    Raises
    ------
    ValueError
        If n is below 2, a value is not finite, the quantiles of an arm do not ascend, or they make no scenario.
    """

    n: npt.ArrayLike
    median: npt.ArrayLike
    minimum: npt.ArrayLike | None = None
    q1: npt.ArrayLike | None = None
    q3: npt.ArrayLike | None = None
    maximum: npt.ArrayLike | None = None

    def __post_init__(self) -> None:
        """Make arrays of all columns and check them."""
        for f in fields(self):
            value = getattr(self, f.name)
            if value is not None:
                object.__setattr__(self, f.name, np.atleast_1d(np.asarray(value, dtype=np.float64)))
        columns = self.columns
        listed = ", ".join(columns)
        if {"minimum", "maximum"} & columns.keys() not in ({"minimum", "maximum"}, set()) or len(columns) not in (3, 5):
            message = f"expected the median with minimum and maximum, q1 and q3, or all four, found {listed}"
            raise ValueError(message)
        values = np.array(list(np.broadcast_arrays(self.size, *columns.values())))
        if not np.isfinite(values).all() or (values[0] < 2).any():
            message = f"expected finite quantiles and n of 2 or more, found n {values[0].min():g} and {listed}"
            raise ValueError(message)
        falling = (np.diff(values[1:], axis=0) < 0).any(axis=0)
        if falling.any():
            found = ", ".join(f"{v:g}" for v in values[1:, int(np.argmax(falling))])
            message = f"expected {' <= '.join(columns)}, found {found}"
            raise ValueError(message)

    @property
    def size(self) -> Floats:
        """The numbers of participants."""
        return np.asarray(self.n)

    @property
    def columns(self) -> dict[str, Floats]:
        """The quantiles that are given, in ascending order."""
        names = ("minimum", "q1", "median", "q3", "maximum")
        return {name: np.asarray(value) for name in names if (value := getattr(self, name)) is not None}

    @property
    def scenario(self) -> Scenario:
        """C1, C2 or C3."""
        return "C2" if len(self.columns) == 5 else "C1" if self.minimum is not None else "C3"

    def mapped(self, change: Callable[[Floats], Floats]) -> Quantiles:
        """The quantiles of values that an increasing function changes."""
        return Quantiles(self.size, **{name: change(values) for name, values in self.columns.items()})


@dataclass(frozen=True, eq=False)
class Moments:
    """Estimated means and SDs, a value an arm, and the method's name."""

    mean: Floats
    sd: Floats
    method: str


def xi(n: Floats) -> Floats:
    """Expected range of n normal values in SDs, by Blom's approximation (Wan et al. 2014, eq. 9)."""
    return np.asarray(2 * ndtri((n - 0.375) / (n + 0.25)))


def eta(n: Floats) -> Floats:
    """Expected interquartile range of n normal values in SDs, by Blom's approximation (Wan et al. 2014, eq. 16)."""
    return np.asarray(2 * ndtri((0.75 * n - 0.125) / (n + 0.25)))


def _parts(q: Quantiles) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """n, median, mid-range, mid-quartile and NaN where a scenario has none of them."""
    c = q.columns
    nothing = np.full_like(c["median"], np.nan)
    centre = (c["minimum"] + c["maximum"]) / 2 if "minimum" in c else nothing
    hinge = (c["q1"] + c["q3"]) / 2 if "q1" in c else nothing
    return q.size, c["median"], centre, hinge, nothing


def _range_sd(q: Quantiles) -> Floats:
    c = q.columns
    return np.asarray((c["maximum"] - c["minimum"]) / xi(q.size))


def _iqr_sd(q: Quantiles) -> Floats:
    c = q.columns
    return np.asarray((c["q3"] - c["q1"]) / eta(q.size))


def wan2014(q: Quantiles) -> Moments:
    """Wan et al. 2014 (BMC Med Res Methodol 14:135), eq. 3, 7, 9 (C1), 10, 13 (C2), 14, 16 (C3), with Blom's approximation."""
    _, m, centre, hinge, _ = _parts(q)
    if q.scenario == "C1":
        return Moments((centre + m) / 2, _range_sd(q), "wan2014")
    if q.scenario == "C3":
        return Moments((2 * hinge + m) / 3, _iqr_sd(q), "wan2014")
    return Moments((centre + 2 * hinge + m) / 4, (_range_sd(q) + _iqr_sd(q)) / 2, "wan2014")


def hozo2005(q: Quantiles) -> Moments:
    """Hozo et al. 2005 (BMC Med Res Methodol 5:13), C1: eq. 5 without its term in 1 / n, and SD by eq. 16, R / 4 or R / 6 as n grows."""
    _only(q, "C1", "hozo2005")
    n, m, centre, _, _ = _parts(q)
    c = q.columns
    spread = c["maximum"] - c["minimum"]
    small = np.sqrt(((c["minimum"] - 2 * m + c["maximum"]) ** 2 / 4 + spread**2) / 12)
    sd = np.where(n <= 15, small, np.where(n <= 70, spread / 4, spread / 6))
    return Moments(np.where(n <= 25, (centre + m) / 2, m), sd, "hozo2005")


def walter2007(q: Quantiles) -> Moments:
    """Walter and Yao 2007 (J Clin Epidemiol 60:849), C1: the median, and the range over the exact expected range."""
    _only(q, "C1", "walter2007")
    c = q.columns
    exact = np.array([xi_exact(int(n)) for n in q.size])
    return Moments(c["median"].copy(), (c["maximum"] - c["minimum"]) / exact, "walter2007")


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
    n, m, centre, hinge, _ = _parts(q)
    if q.scenario == "C1":
        w = 4 / (4 + n**0.75)
        return np.asarray(w * centre + (1 - w) * m)
    if q.scenario == "C3":
        w = 0.7 + 0.39 / n
        return np.asarray(w * hinge + (1 - w) * m)
    w1, w2 = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    return np.asarray(w1 * centre + w2 * hinge + (1 - w1 - w2) * m)


def luo2018_shi2020(q: Quantiles) -> Moments:
    """Mean by Luo et al. 2018; SD by Wan et al. 2014 (C1, C3) or Shi et al. 2020 (Res Synth Methods 11:641, eq. 11; C2)."""
    if q.scenario == "C1":
        sd = _range_sd(q)
    elif q.scenario == "C3":
        sd = _iqr_sd(q)
    else:
        w = 1 / (1 + 0.07 * q.size**0.6)
        sd = w * _range_sd(q) + (1 - w) * _iqr_sd(q)
    return Moments(luo2018_mean(q), sd, "luo2018+wan2014" if q.scenario != "C2" else "luo2018+shi2020")


# Of Shi et al. 2020b (Stat Interface 13:519): the corrections of the mean and of the two parts of the variance, by scenario.
_PHI: Mapping[Scenario, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "C1": ((0.565, 0.37), (2.26, 5.92), (2.26, 1.48)),
    "C3": ((0.57, 0.75), (2.28, 12.0), (2.28, 3.0)),
}


def shi2020_lognormal(q: Quantiles) -> Moments:
    """Log-normal data, by Shi et al. 2020b (Stat Interface 13:519): moments of the logarithms, carried back with their bias removed.

    Of five numbers (C2) the quartiles are used, which outliers do not move.

    Raises
    ------
    ValueError
        If a quantile is not above 0.
    """
    if min(values.min() for values in q.columns.values()) <= 0:
        message = f"expected quantiles above 0 for a log-normal, found {min(float(v.min()) for v in q.columns.values()):g}"
        raise ValueError(message)
    logs = (q if q.scenario != "C2" else Quantiles(q.size, q.median, q1=q.q1, q3=q.q3)).mapped(np.log)
    n, mu = q.size, luo2018_mean(logs)
    if logs.scenario == "C1":
        raw, log_n = _range_sd(logs), np.log(n) ** 2
        s2, s4 = raw**2 / (1.01 + 0.25 / log_n), raw**4 / (1 + 2.23 / log_n)
    else:
        raw = _iqr_sd(logs)
        s2, s4 = raw**2 / (1 + 1.58 / n), raw**4 / (1 + 19.2 / n**1.2)
    first, second, third = (1 + a * s2 / n + b * s4 / n for a, b in _PHI[logs.scenario])
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
    n, m, centre, hinge, _ = _parts(q)
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


METHODS: Mapping[str, Callable[[Quantiles], Moments]] = {
    "wan2014": wan2014,
    "luo2018": luo2018_shi2020,
    "hozo2005": hozo2005,
    "walter2007": walter2007,
    "bland2015": bland2015,
    "shi2020 log-normal": shi2020_lognormal,
}


@dataclass(frozen=True)
class Recommendation:
    """What to take for one arm: method, mean and SD, the reason in words, and what every method that applies gives (name, mean, SD).

    `flags`: `skewed` where the quantiles are too skewed for normal data.
    """

    method: str
    mean: float
    sd: float
    reason: str
    spread: tuple[tuple[str, float, float], ...]
    flags: tuple[str, ...] = ()

    @property
    def sd_ratio(self) -> float:
        """Largest over smallest SD of all methods: how much hangs on the choice."""
        sds = [sd for _, _, sd in self.spread if sd > 0]
        return max(sds) / min(sds) if sds else float("nan")


def recommend(q: Quantiles) -> Recommendation:
    """The estimator for one arm, by what is known of it and how skewed it is, with the spread over all that apply.

    Normal-looking quantiles: Luo 2018 with Wan 2014 or Shi 2020. Skewed ones (Shi 2023) whose logarithms are not: the log-normal of
    Shi 2020. Skewed either way: the former, flagged, for then no closed form is right.

    Raises
    ------
    ValueError
        If q holds more than one arm, or fewer than 5 participants.
    """
    if q.size.size != 1 or q.size[0] < 5:
        message = f"expected one arm with 5 participants or more, found {q.size.size} with n {', '.join(f'{n:g}' for n in q.size[:3])}"
        raise ValueError(message)
    is_positive = min(float(v.min()) for v in q.columns.values()) > 0
    skewed = bool(shi2023_skewness(q).is_skewed[0])
    logs_skewed = bool(shi2023_skewness(q.mapped(np.log)).is_skewed[0]) if is_positive else True
    if not skewed:
        chosen, reason = luo2018_shi2020(q), "the quantiles are no more skewed than those of normal data (Shi 2023)"
    elif not logs_skewed:
        chosen, reason = shi2020_lognormal(q), "the quantiles are skewed, their logarithms are not (Shi 2023)"
    else:
        chosen, reason = luo2018_shi2020(q), "the quantiles are skewed, as are their logarithms or there are none: no closed form fits"
    spread = []
    for name, method in METHODS.items():
        try:
            moments = method(q)
        except ValueError:
            continue  # of another scenario, or for positive values only
        spread.append((name, float(moments.mean[0]), float(moments.sd[0])))
    flags = ("skewed",) if skewed else ()
    return Recommendation(chosen.method, float(chosen.mean[0]), float(chosen.sd[0]), reason, tuple(spread), flags)
