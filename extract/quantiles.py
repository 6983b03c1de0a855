"""Mean and SD of an arm from its median with range, quartiles, or both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from extract.normal import eta_blom, eta_exact, quantile_weights, variance_of_orders, xi_blom, xi_exact
from extract.summary import checked_n

Xi = Literal["blom", "exact"]
Scenario = Literal["C1", "C2", "C3"]

# The quantiles that each scenario of Wan et al. 2014 holds, in ascending order, and their weights in the estimated mean.
_MEAN_WEIGHTS: dict[Scenario, dict[str, float]] = {
    "C1": {"minimum": 1 / 4, "median": 2 / 4, "maximum": 1 / 4},
    "C2": {"minimum": 1 / 8, "q1": 2 / 8, "median": 2 / 8, "q3": 2 / 8, "maximum": 1 / 8},
    "C3": {"q1": 1 / 3, "median": 1 / 3, "q3": 1 / 3},
}
_XI_LABEL = {"blom": "Blom", "exact": "exact"}


@dataclass(frozen=True)
class Estimate:
    """An estimated mean and SD.

    `u_mean` and `u_sd` are the standard uncertainties that come from reading the quantiles off a figure (NaN where none were given);
    `se_mean` is the sampling standard error of the mean for normal data. `scenario` is C1 (range), C2 (five numbers) or C3
    (quartiles) of Wan et al. 2014. Flag `n_below_5`: fewer participants than a five-number summary has numbers.
    """

    mean: float
    sd: float
    u_mean: float
    u_sd: float
    se_mean: float
    method: str
    scenario: Scenario
    flags: tuple[str, ...] = ()


def wan2014(
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
    xi: Xi = "blom",
) -> Estimate:
    """Mean and SD from the median with the range (C1), the quartiles (C3) or both (C2), by Wan et al. 2014.

    C1: mean (a + 2 m + b) / 4, SD (b - a) / xi(n) (eq. 7; Blom: eq. 9). C2: mean (a + 2 q1 + 2 m + 2 q3 + b) / 8,
    SD [(b - a) / xi(n) + (q3 - q1) / eta(n)] / 2 (eq. 12; Blom: eq. 13). C3: mean (q1 + m + q3) / 3 (eq. 14),
    SD (q3 - q1) / eta(n) (eq. 15; Blom: eq. 16).

    Parameters
    ----------
    n
        Number of participants, 2 or more.
    median, minimum, q1, q3, maximum
        The quantiles, ascending; minimum and maximum, or q1 and q3, or all four.
    u_median, u_minimum, u_q1, u_q3, u_maximum
        Standard uncertainties of reading them, taken as independent; both formulas are linear, so the propagation is exact.
    xi
        "blom" for Blom's approximation of the expected ranges, as metafor has it; "exact" for their integrals, which Wan's Tables 1
        and 2 print to three decimals.

    Returns
    -------
    Estimate
        `se_mean` is the standard deviation of the mean's formula over normal samples of size n, with the estimated SD as sigma. It
        exceeds sd / sqrt(n), for the range (C1) by 7 % at n = 10 and 34 % at n = 40.

    Raises
    ------
    ValueError
        If n is below 2, if a quantile is missing, not finite, or out of order, if an uncertainty is negative, or if xi is unknown.

    References
    ----------
    Wan, Wang, Liu, Tong 2014, BMC Medical Research Methodology 14:135.
    """
    size = checked_n(n, "wan2014")
    if xi not in _XI_LABEL:
        message = f"expected xi to be blom or exact, found {xi!r}"
        raise ValueError(message)
    given = {"minimum": minimum, "q1": q1, "median": median, "q3": q3, "maximum": maximum}
    scenario, values = _scenario(given)
    readings = {"minimum": u_minimum, "q1": u_q1, "median": u_median, "q3": u_q3, "maximum": u_maximum}
    mean_weights = _MEAN_WEIGHTS[scenario]
    sd_weights = _sd_weights(scenario, size, xi)
    sd = math.fsum(sd_weights[name] * values[name] for name in sd_weights)
    return Estimate(
        mean=math.fsum(mean_weights[name] * values[name] for name in mean_weights),
        sd=max(sd, 0.0),
        u_mean=_propagated(mean_weights, readings),
        u_sd=_propagated(sd_weights, readings),
        se_mean=max(sd, 0.0) * _mean_error(scenario, size),
        method=f"wan2014 ({scenario}, {_XI_LABEL[xi]})",
        scenario=scenario,
        flags=("n_below_5",) if size < 5 else (),
    )


def _scenario(given: Mapping[str, float | None]) -> tuple[Scenario, dict[str, float]]:
    """Which scenario the given quantiles make, and their values."""
    values = {name: float(value) for name, value in given.items() if value is not None}
    found = [name for name, weights in _MEAN_WEIGHTS.items() if weights.keys() == values.keys()]
    if not found:
        message = f"expected the median with minimum and maximum, q1 and q3, or all four, found {', '.join(values) or 'none'}"
        raise ValueError(message)
    listed = ", ".join(f"{name} {value:g}" for name, value in values.items())
    if not all(math.isfinite(value) for value in values.values()):
        message = f"expected finite quantiles, found {listed}"
        raise ValueError(message)
    ascending = list(values.values())
    if ascending != sorted(ascending):
        message = f"expected {' <= '.join(values)}, found {listed}"
        raise ValueError(message)
    return found[0], values


def _sd_weights(scenario: Scenario, n: int, xi: Xi) -> dict[str, float]:
    """The SD as a weighted sum of the quantiles."""
    share = 0.5 if scenario == "C2" else 1.0
    weights: dict[str, float] = {}
    if scenario != "C3":
        step = share / range_per_sd(n, xi)
        weights |= {"minimum": -step, "maximum": step}
    if scenario != "C1":
        step = share / iqr_per_sd(n, xi)
        weights |= {"q1": -step, "q3": step}
    return weights


def range_per_sd(n: int, xi: Xi = "blom") -> float:
    """Expected range of n normal values, in SDs: xi(n) of Wan et al. 2014."""
    return xi_blom(n) if xi == "blom" else xi_exact(n)


def iqr_per_sd(n: int, xi: Xi = "blom") -> float:
    """Expected interquartile range of n normal values, in SDs: eta(n) of Wan et al. 2014."""
    return eta_blom(n) if xi == "blom" else eta_exact(n)


def _propagated(weights: Mapping[str, float], readings: Mapping[str, float | None]) -> float:
    squares = []
    for name, weight in weights.items():
        reading = readings[name]
        if reading is None:
            return math.nan
        if reading < 0:
            message = f"expected u_{name} 0 or more, found {reading:g}"
            raise ValueError(message)
        squares.append((weight * reading) ** 2)
    return math.sqrt(math.fsum(squares))


@lru_cache(maxsize=256)
def _mean_error(scenario: Scenario, n: int) -> float:
    """Standard deviation of the scenario's mean over standard normal samples of size n."""
    ranks: dict[str, Mapping[int, float]] = {
        "minimum": {1: 1.0},
        "q1": quantile_weights(n, 0.25),
        "median": quantile_weights(n, 0.5),
        "q3": quantile_weights(n, 0.75),
        "maximum": {n: 1.0},
    }
    combined: dict[int, float] = {}
    for name, weight in _MEAN_WEIGHTS[scenario].items():
        for rank, part in ranks[name].items():
            combined[rank] = combined.get(rank, 0.0) + weight * part
    return math.sqrt(variance_of_orders(combined, n))
