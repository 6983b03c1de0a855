"""Mean and SD of a distribution fitted to reported quantiles: quantile estimation (QE), Box-Cox (BC) and its likelihood form (MLN).

All three divide the quantiles by the median first, so that no limit of a search and no starting point depends on the unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize.elementwise import find_minimum
from scipy.special import boxcox, gamma, gammaincinv, inv_boxcox, log_ndtr, ndtr, ndtri

from extract.blue import order_ranks
from extract.closedforms import luo2018_mean, wan2014
from extract.quantiles import Floats, Moments, Quantiles

_GRID = 81  # points of the coarse search before the fine one


@dataclass(frozen=True, eq=False)
class Fit:
    """Distributions fitted to k arms: their moments, and their values at probabilities p (k x m, or any rows for one arm)."""

    moments: Moments
    quantile: Callable[[Floats], Floats]


@dataclass(frozen=True)
class _Family:
    """A family with a scale and a shape: values at p and moments for scale 1, and the range of the shape's logarithm."""

    name: str
    quantile: Callable[[Floats, Floats], Floats]
    moments: Callable[[Floats], tuple[Floats, Floats]]
    log_shape: tuple[float, float]


def _weibull_moments(shape: Floats) -> tuple[Floats, Floats]:
    mean = gamma(1 + 1 / shape)
    return mean, np.sqrt(np.maximum(gamma(1 + 2 / shape) - mean**2, 0.0))


_FAMILIES = (
    _Family(
        "log-normal",
        lambda p, s: np.exp(s * ndtri(p)),
        lambda s: (np.exp(s**2 / 2), np.exp(s**2 / 2) * np.sqrt(np.expm1(s**2))),
        (np.log(1e-3), np.log(5.0)),
    ),
    _Family("gamma", lambda p, s: gammaincinv(s, p), lambda s: (s, np.sqrt(s)), (np.log(0.02), np.log(1e6))),
    _Family("Weibull", lambda p, s: (-np.log1p(-p)) ** (1 / s), _weibull_moments, (np.log(0.1), np.log(1e3))),
)


def _columns(q: Quantiles, name: str, *, positive: bool) -> Floats:
    """The quantiles, a row an arm, checked for what a fit needs."""
    values = q.rows
    if (np.diff(values, axis=1) <= 0).any():
        tied = values[int(np.argmax((np.diff(values, axis=1) <= 0).any(axis=1)))]
        message = f"expected quantiles that differ for {name}, found {', '.join(f'{v:g}' for v in tied)}"
        raise ValueError(message)
    if positive and values.min() <= 0:
        message = f"expected quantiles above 0 for {name}, found {values.min():g}"
        raise ValueError(message)
    return values


def _lowest(function: Callable[[Floats, Floats], Floats], low: float, high: float, k: int) -> Floats:
    """Where function(x, arm) is lowest between two limits, an x an arm: a grid, then Chandrupatla's method about its lowest point."""
    grid, arms = np.linspace(low, high, _GRID), np.arange(k, dtype=np.float64)
    with np.errstate(all="ignore"):
        heights = np.array([function(np.full(k, x), arms) for x in grid])
        best = np.argmin(np.where(np.isfinite(heights), heights, np.inf), axis=0)
        inside = np.clip(best, 1, _GRID - 2)
        found = find_minimum(function, (grid[inside - 1], grid[inside], grid[inside + 1]), args=(arms,))
    return np.where(found.success, found.x, grid[best])


def fit_qe(q: Quantiles) -> Fit:
    """Quantile estimation (McGrath et al. 2020, Stat Methods Med Res 29:2520): the best of four families by least squares.

    Normal, log-normal, gamma and Weibull distributions are fitted to the quantiles at p = 1/n, 1/2, 1 - 1/n (C1), the quartiles (C3) or
    all five (C2); the one with the smallest sum of squares counts. Values below 0 leave the normal only. The beta distribution of
    the paper is left out: it holds for proportions alone, and choosing it would make the answer depend on the unit.

    Raises
    ------
    ValueError
        If two quantiles of an arm are equal.
    """
    values = _columns(q, "mcgrath2020_qe", positive=False)
    half = np.full(q.size.shape, 0.5)
    places = {"minimum": 1 / q.size, "q1": half / 2, "median": half, "q3": 1.5 * half, "maximum": 1 - 1 / q.size}
    probabilities = np.array([places[name] for name in q.columns]).T
    fits = [_fit_normal(values, probabilities)]
    is_positive = values.min(axis=1) >= 0
    if is_positive.any():
        fits += [_fit_family(family, values, probabilities) for family in _FAMILIES]
    misfit = np.array([np.where(is_positive | (i == 0), fit.misfit, np.inf) for i, fit in enumerate(fits)])
    best = np.argmin(misfit, axis=0)

    mean, sd = (np.choose(best, column) for column in ([fit.mean for fit in fits], [fit.sd for fit in fits]))
    return Fit(Moments(mean, sd, "mcgrath2020_qe"), lambda p: np.choose(best[:, None], [fit.quantile(p) for fit in fits]))


@dataclass(frozen=True, eq=False)
class _FamilyFit:
    misfit: Floats
    mean: Floats
    sd: Floats
    quantile: Callable[[Floats], Floats]


def _fit_normal(values: Floats, probabilities: Floats) -> _FamilyFit:
    """Least squares on normal scores, which is linear."""
    z = ndtri(probabilities)
    slope = np.sum(z * (values - values.mean(axis=1, keepdims=True)), axis=1) / np.sum((z - z.mean(axis=1, keepdims=True)) ** 2, axis=1)
    middle = values.mean(axis=1) - slope * z.mean(axis=1)
    misfit = np.sum((values - middle[:, None] - slope[:, None] * z) ** 2, axis=1)
    return _FamilyFit(misfit, middle, slope, lambda p: middle[:, None] + slope[:, None] * ndtri(p))


def _fit_family(family: _Family, values: Floats, probabilities: Floats) -> _FamilyFit:
    """Least squares over the shape; the best scale for a shape is linear."""
    unit = np.abs(values).max(axis=1)
    scaled = values / unit[:, None]

    def scale_and_misfit(log_shape: Floats, arm: Floats) -> tuple[Floats, Floats]:
        index = arm.astype(int)
        curve, at = family.quantile(probabilities[index], np.exp(log_shape)[..., None]), scaled[index]
        scale = np.sum(curve * at, axis=-1) / np.sum(curve**2, axis=-1)
        return scale, np.sum((at - scale[..., None] * curve) ** 2, axis=-1)

    arms = np.arange(len(values), dtype=np.float64)
    log_shape = _lowest(lambda x, arm: scale_and_misfit(x, arm)[1], *family.log_shape, len(values))
    scale, misfit = scale_and_misfit(log_shape, arms)
    shape, scale = np.exp(log_shape), scale * unit
    mean, sd = family.moments(shape)
    return _FamilyFit(misfit * unit**2, scale * mean, scale * sd, lambda p: scale[:, None] * family.quantile(p, shape[:, None]))


def fit_bc(q: Quantiles) -> Fit:
    """Box-Cox (McGrath et al. 2020): the power that makes the quantiles symmetric, Luo 2018 and Wan 2014 there, carried back.

    The power is sought between -2 and 3 and set to 0 if below. Moments are those of the normal distribution cut symmetrically so that
    values stay above 0, by quadrature.

    Raises
    ------
    ValueError
        If two quantiles of an arm are equal, or one is not above 0.
    """
    values = _columns(q, "mcgrath2020_bc", positive=True)
    middle = values.shape[1] // 2
    unit = values[:, middle]
    scaled = values / unit[:, None]

    def skewness(power: Floats, arm: Floats) -> Floats:
        at = boxcox(scaled[arm.astype(int)], power[..., None])
        total = np.zeros(at.shape[:-1])
        for k in range(middle):
            upper, lower = at[..., -1 - k] - at[..., middle], at[..., middle] - at[..., k]
            total += (upper / lower - 1) ** 2
        return total

    power = np.maximum(_lowest(skewness, -2.0, 3.0, len(values)), 0.0)
    transformed = q.with_rows(boxcox(scaled, power[:, None]))
    return _carried_back(luo2018_mean(transformed), wan2014(transformed).sd, power, unit, "mcgrath2020_bc")


def fit_mln(q: Quantiles) -> Fit:
    """Maximum likelihood on Box-Cox values (Cai et al. 2021, Stat Methods Med Res 30:2701): power, then mean and SD, carried back.

    The power between 0 and 10 has the largest likelihood of the order statistics with the mean of Luo 2018 and the SD of Wan 2014;
    then mean and SD have. The likelihood of the power holds the Jacobian of the transformation, without which the answer would
    depend on the unit.

    Raises
    ------
    ValueError
        If two quantiles of an arm are equal, or one is not above 0, or n is too small to set them apart.
    """
    values = _columns(q, "cai2021", positive=True)
    unit = values[:, values.shape[1] // 2]
    scaled = values / unit[:, None]
    log_jacobian = np.log(scaled).sum(axis=1)
    between = np.array([_numbers_between(q, int(n)) for n in q.size])

    def lack(power: Floats, arm: Floats) -> Floats:
        index = arm.astype(int)
        at = boxcox(scaled[index], power[..., None])
        part = q.with_rows(at, q.size[index])
        sd = wan2014(part).sd
        z = (at - luo2018_mean(part)[:, None]) / sd[:, None]
        fit = -at.shape[1] * np.log(sd) - np.sum(z**2, axis=1) / 2 + np.sum(between[index] * _log_gaps(z), axis=1)
        return np.asarray(-(fit + (power - 1) * log_jacobian[index]))

    power = np.maximum(_lowest(lack, 0.0, 10.0, len(values)), 0.0)
    at = boxcox(scaled, power[:, None])
    start = q.with_rows(at)
    mu, sigma = _largest_likelihood(at, between, luo2018_mean(start), wan2014(start).sd)
    return _carried_back(mu, sigma, power, unit, "cai2021")


def _numbers_between(q: Quantiles, n: int) -> list[int]:
    """How many participants lie below, between and above the reported order statistics."""
    ranks = [0, *order_ranks(q.scenario, n), n + 1]
    return [b - a - 1 for a, b in pairwise(ranks)]


def _log_gaps(z: Floats) -> Floats:
    """Logarithms of the normal probabilities below, between and above ascending z."""
    inner = np.log(np.maximum(ndtr(z[..., 1:]) - ndtr(z[..., :-1]), 1e-300))
    return np.concatenate([log_ndtr(z[..., :1]), inner, log_ndtr(-z[..., -1:])], axis=-1)


def _largest_likelihood(at: Floats, between: Floats, mu: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Mean and SD with the largest likelihood, by Newton's method in 1 / SD and mean / SD, in which it is concave (Burridge 1981)."""
    a, b = 1 / sigma, mu / sigma
    k = at.shape[1]
    for _ in range(100):
        z = a[:, None] * at - b[:, None]
        edges = np.concatenate([np.full((len(z), 1), -np.inf), z, np.full((len(z), 1), np.inf)], axis=1)
        density = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
        gap = np.exp(_log_gaps(z))
        up, down = between * density[:, 1:] / gap, between * density[:, :-1] / gap
        gradient = up[:, :-1] - down[:, 1:] - z
        same = -1 - z * up[:, :-1] - up[:, :-1] ** 2 / np.maximum(between[:, :-1], 1) + z * down[:, 1:]
        same -= down[:, 1:] ** 2 / np.maximum(between[:, 1:], 1)
        cross = (up * down / np.maximum(between, 1))[:, 1:-1]
        g_a, g_b = k / a + np.sum(gradient * at, axis=1), -np.sum(gradient, axis=1)
        h_aa = -k / a**2 + np.sum(same * at**2, axis=1) + 2 * np.sum(cross * at[:, :-1] * at[:, 1:], axis=1)
        h_ab = -np.sum(same * at, axis=1) - np.sum(cross * (at[:, :-1] + at[:, 1:]), axis=1)
        h_bb = np.sum(same, axis=1) + 2 * np.sum(cross, axis=1)
        determinant = h_aa * h_bb - h_ab**2
        step_a, step_b = (h_bb * g_a - h_ab * g_b) / determinant, (h_aa * g_b - h_ab * g_a) / determinant
        # Never more than halfway to 1 / SD = 0.
        damping = np.minimum(1.0, 0.5 * a / np.maximum(np.abs(step_a), 1e-300))
        a, b = a - damping * step_a, b - damping * step_b
        if np.all(np.abs(step_a) < 1e-12 * a):
            break
    return b / a, 1 / a


def _carried_back(mu: Floats, sigma: Floats, power: Floats, unit: Floats, method: str) -> Fit:
    """The distribution whose Box-Cox values are normal, cut at equal distances so that values stay above 0."""
    with np.errstate(divide="ignore"):
        reach = np.minimum(np.where(power > 0, (mu + 1 / power) / sigma, np.inf), 9.0)
    # Midpoints of the cosine: the integrand has a root's steepness where the distribution is cut.
    angle = (np.arange(1024) + 0.5) * np.pi / 1024
    z = -reach[:, None] * np.cos(angle)
    weight = np.exp(-(z**2) / 2) * np.sin(angle)
    weight /= weight.sum(axis=1, keepdims=True)
    x = _untransformed(mu, sigma, power, z)
    mean = np.sum(weight * x, axis=1)
    sd = np.sqrt(np.sum(weight * (x - mean[:, None]) ** 2, axis=1))

    def quantile(p: Floats) -> Floats:
        below = ndtr(-reach)[:, None]
        return unit[:, None] * _untransformed(mu, sigma, power, ndtri(below + p * (1 - 2 * below)))

    return Fit(Moments(unit * mean, unit * sd, method), quantile)


def _untransformed(mu: Floats, sigma: Floats, power: Floats, z: Floats) -> Floats:
    y = mu[:, None] + sigma[:, None] * z
    floor = np.where(power > 0, -1 / np.where(power > 0, power, 1.0), -np.inf)[:, None]
    return np.asarray(inv_boxcox(np.maximum(y, floor), power[:, None]))
