"""Mean and SD of one arm from its reported quantiles: every estimator under one name each, with all its uncertainties."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.special import chdtri, ndtri, stdtrit

from extract import closedforms as closed
from extract.blue import yang2022
from extract.closedforms import Expected
from extract.fitted import Fit, fit_bc, fit_mln, fit_qe
from extract.quantiles import NAMES, Moments, Quantiles, Scenario
from extract.sampling import Estimator, bootstrap_errors, equivariant_errors, linear_errors, linear_weights, reread_errors
from extract.summary import checked_n


def _fit_lognormal(q: Quantiles) -> Fit:
    mu, s2, _ = closed.log_moments(q)
    return Fit(closed.shi2020_lognormal(q), lambda p: np.exp(mu[:, None] + np.sqrt(s2)[:, None] * ndtri(p)))


# Linear in the quantiles; following shift and scale, but not linear; and those that fit a distribution.
_LINEAR: Mapping[str, Estimator] = {
    "wan2014": closed.wan2014,
    "luo2018": closed.luo2018_shi2020,
    "walter2007": closed.walter2007,
    "yang2022": yang2022,
}
_EQUIVARIANT: Mapping[str, Estimator] = {"hozo2005": closed.hozo2005, "bland2015": closed.bland2015}
_FITTED: Mapping[str, Callable[[Quantiles], Fit]] = {
    "shi2020_lognormal": _fit_lognormal,
    "mcgrath2020_qe": fit_qe,
    "mcgrath2020_bc": fit_bc,
    "cai2021": fit_mln,
}


def _moments_of(fit: Callable[[Quantiles], Fit], q: Quantiles) -> Moments:
    return fit(q).moments


METHODS: Mapping[str, Estimator] = {**_LINEAR, **_EQUIVARIANT, **{name: partial(_moments_of, fit) for name, fit in _FITTED.items()}}

EXPECTED_LABEL = {"blom": "Blom", "exact": "exact", "table": "printed table"}


@dataclass(frozen=True)
class Estimate:
    """An estimated mean and SD.

    `u_mean` and `u_sd` are the standard uncertainties that come from reading the quantiles off a figure (NaN where none were given);
    `se_mean` and `se_sd` the sampling standard errors, for data of the distribution that the method takes for granted (NaN where the
    quantiles do not tell). `scenario` is C1 (range), C2 (five numbers) or C3 (quartiles) of Wan et al. 2014.
    Flag `n_below_5`: fewer participants than a five-number summary has numbers.
    """

    mean: float
    sd: float
    u_mean: float
    u_sd: float
    se_mean: float
    se_sd: float
    method: str
    scenario: Scenario
    flags: tuple[str, ...] = ()

    @property
    def df(self) -> float:
        """Degrees of freedom of a chi distribution as wide, for its mean, as the SD is uncertain: sampling and reading together.

        Patnaik 1950 (Biometrika 37:78) has ranges follow scaled chi distributions; an SD of n values has n - 1.
        """
        squares = self.se_sd**2 + (0.0 if math.isnan(self.u_sd) else self.u_sd**2)
        return self.sd**2 / (2 * squares) if squares > 0 else math.inf

    def mean_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval of the mean: sampling and reading error together, by Student's t with `df`."""
        reading = 0.0 if math.isnan(self.u_mean) else self.u_mean
        half = float(stdtrit(self.df, 0.5 + level / 2)) * math.hypot(self.se_mean, reading)
        return self.mean - half, self.mean + half

    def sd_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval of the SD: sampling and reading error together, by the chi distribution with `df`."""
        if not math.isfinite(self.df):
            return self.sd, self.sd
        low, high = (float(chdtri(self.df, tail)) for tail in (0.5 - level / 2, 0.5 + level / 2))
        return self.sd * math.sqrt(self.df / low), self.sd * math.sqrt(self.df / high)


def estimate(
    n: int,
    *,
    median: float,
    minimum: float | None = None,
    q1: float | None = None,
    q3: float | None = None,
    maximum: float | None = None,
    u_median: float | None = None,
    u_minimum: float | None = None,
    u_q1: float | None = None,
    u_q3: float | None = None,
    u_maximum: float | None = None,
    method: str = "wan2014",
    xi: Expected = "blom",
) -> Estimate:
    """Mean and SD of an arm from the median with the range (C1), the quartiles (C3) or both (C2).

    Parameters
    ----------
    n
        Number of participants, 2 or more.
    median, minimum, q1, q3, maximum
        The quantiles, ascending; minimum and maximum, or q1 and q3, or all four.
    u_median, u_minimum, u_q1, u_q3, u_maximum
        Standard uncertainties of reading them, taken as independent; carried on by derivatives, or for methods that fit a distribution
        by drawing the readings again.
    method
        A name of `METHODS`, or "recommended" (see `recommend`).
    xi
        Of wan2014: "blom" for Blom's approximation of the expected ranges, as metafor has it; "exact" for their integrals; "table" for
        the paper's Tables 1 and 2, misprints and all.

    Returns
    -------
    Estimate
        For methods that follow shift and scale the standard errors are those of normal data with the estimated SD (exact for linear
        ones), for the others those of a parametric bootstrap with a fixed seed.

    Raises
    ------
    ValueError
        If n is below 2, if a quantile is missing, not finite, or out of order, if an uncertainty is negative, if method or xi is unknown,
        or if the method is not for these quantiles.
    """
    size = checked_n(n, method)
    if xi not in EXPECTED_LABEL:
        message = f"expected xi to be blom, exact or table, found {xi!r}"
        raise ValueError(message)
    q = Quantiles(size, median=median, minimum=minimum, q1=q1, q3=q3, maximum=maximum)
    readings = dict(zip(NAMES, (u_minimum, u_q1, u_median, u_q3, u_maximum), strict=True))
    if method == "recommended":
        advice = recommend(q)
        found = _estimate(q, advice.method, readings, xi)
        return replace(found, flags=tuple(dict.fromkeys((*advice.flags, *found.flags))))
    return _estimate(q, method, readings, xi)


def _estimate(q: Quantiles, method: str, readings: Mapping[str, float | None], xi: Expected) -> Estimate:
    estimator, label = _named(method, xi)
    found, n = estimator(q), int(q.size[0])
    sd = float(max(found.sd[0], 0.0))
    se_mean, se_sd = _sampling_errors(method, estimator, q, sd)
    u_mean, u_sd = _reading_errors(method, estimator, q, readings)
    return Estimate(
        mean=float(found.mean[0]),
        sd=sd,
        u_mean=u_mean,
        u_sd=u_sd,
        se_mean=se_mean,
        se_sd=se_sd,
        method=f"{method} ({q.scenario}{label})",
        scenario=q.scenario,
        flags=("n_below_5",) if n < 5 else (),
    )


def _named(method: str, xi: Expected) -> tuple[Estimator, str]:
    if method not in METHODS:
        message = f"expected method to be one of {', '.join(METHODS)} or recommended, found {method!r}"
        raise ValueError(message)
    if method == "wan2014":
        return _WAN[xi], f", {EXPECTED_LABEL[xi]}"
    return METHODS[method], ""


# One object each, for the caches of sampling errors go by estimator.
_WAN: Mapping[Expected, Estimator] = {
    "blom": closed.wan2014,
    "exact": partial(closed.wan2014, expected="exact"),
    "table": partial(closed.wan2014, expected="table"),
}


def _sampling_errors(method: str, estimator: Estimator, q: Quantiles, sd: float) -> tuple[float, float]:
    n = int(q.size[0])
    if method in _FITTED:
        return bootstrap_errors(estimator, _FITTED[method](q).quantile, q.scenario, n)
    of_mean, of_sd = (linear_errors if method in _LINEAR else equivariant_errors)(estimator, q.scenario, n)
    return sd * of_mean, sd * of_sd


def _reading_errors(method: str, estimator: Estimator, q: Quantiles, readings: Mapping[str, float | None]) -> tuple[float, float]:
    """Standard uncertainties of mean and SD from those of reading the quantiles.

    A fit may choose another distribution within the readings, which no derivative shows: there the readings are drawn again.
    """
    for name, reading in readings.items():
        if reading is not None and reading < 0:
            message = f"expected u_{name} 0 or more, found {reading:g}"
            raise ValueError(message)
    if method in _FITTED:
        return reread_errors(estimator, q, [readings[name] for name in q.columns])
    slopes = linear_weights(estimator, q.scenario, int(q.size[0])) if method in _LINEAR else _slopes(estimator, q)
    return _propagated(slopes[0], readings), _propagated(slopes[1], readings)


def _slopes(estimator: Estimator, q: Quantiles) -> tuple[dict[str, float], dict[str, float]]:
    """Derivatives of mean and SD by each quantile, from small steps to both sides that keep the order."""
    row = q.rows[0]
    step = 1e-3 * (row[-1] - row[0])
    gaps = np.concatenate([[np.inf], np.diff(row), [np.inf]]) / 2
    down, up = np.minimum(step, gaps[:-1]), np.minimum(step, gaps[1:])
    rows = np.vstack([row - np.diag(down), row + np.diag(up)])
    found = estimator(q.with_rows(rows, np.full(len(rows), q.size[0])))
    with np.errstate(invalid="ignore", divide="ignore"):
        of_mean, of_sd = ((values[len(row) :] - values[: len(row)]) / (down + up) for values in (found.mean, found.sd))
    names = list(q.columns)
    return dict(zip(names, of_mean.tolist(), strict=True)), dict(zip(names, of_sd.tolist(), strict=True))


def _propagated(slopes: Mapping[str, float], readings: Mapping[str, float | None]) -> float:
    squares = []
    for name, slope in slopes.items():
        reading = readings[name]
        if slope != 0:
            squares.append(math.nan if reading is None else (slope * reading) ** 2)
    return math.sqrt(math.fsum(squares))


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

    Quantiles no more skewed than normal ones (Shi 2023): Luo 2018 with Wan 2014 or Shi 2020. Skewed ones whose logarithms are not: the
    log-normal of Shi 2020. Skewed either way: the quantile estimation of McGrath 2020, or where two quantiles are equal Luo 2018.

    Raises
    ------
    ValueError
        If q holds more than one arm, or fewer than 5 participants.
    """
    if q.size.size != 1 or q.size[0] < 5:
        message = f"expected one arm with 5 participants or more, found {q.size.size} with n {', '.join(f'{n:g}' for n in q.size[:3])}"
        raise ValueError(message)
    spread = spread_of(q)
    method, reason, flags = _choice(q, {name for name, _, _ in spread})
    mean, sd = next((mean, sd) for name, mean, sd in spread if name == method)
    return Recommendation(method, mean, sd, reason, spread, flags)


def _choice(q: Quantiles, applicable: set[str]) -> tuple[str, str, tuple[str, ...]]:
    if not closed.shi2023_skewness(q).is_skewed[0]:
        return "luo2018", "the quantiles are no more skewed than those of normal data (Shi 2023)", ()
    if q.rows.min() > 0 and not closed.shi2023_skewness(q.mapped(np.log)).is_skewed[0]:
        return "shi2020_lognormal", "the quantiles are skewed, their logarithms are not (Shi 2023)", ("skewed",)
    if "mcgrath2020_qe" in applicable:
        return "mcgrath2020_qe", "the quantiles are skewed, as are their logarithms or there are none (Shi 2023)", ("skewed",)
    return "luo2018", "the quantiles are skewed and two of them are equal: no distribution can be fitted", ("skewed",)


def spread_of(q: Quantiles) -> tuple[tuple[str, float, float], ...]:
    """What every method that applies makes of one arm: name, mean and SD."""
    spread = []
    for name, method in METHODS.items():
        try:
            moments = method(q)
        except ValueError:
            continue  # of another scenario, or not for such values
        spread.append((name, float(moments.mean[0]), float(moments.sd[0])))
    return tuple(spread)


def range_per_sd(n: int, expected: Expected = "blom") -> float:
    """Expected range of n normal values, in SDs: xi(n) of Wan et al. 2014."""
    return float(closed.xi(np.array([float(n)]), expected)[0])


def iqr_per_sd(n: int, expected: Expected = "blom") -> float:
    """Expected interquartile range of n normal values, in SDs: eta(n) of Wan et al. 2014."""
    return float(closed.eta(np.array([float(n)]), expected)[0])
