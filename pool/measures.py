"""Effect measures: from counts, means or correlations of studies to yi and its sampling variance vi, a number a study.

Named and computed as metafor's escalc does. Ratios are on the log scale, correlations of ZCOR on Fisher's z scale. A study whose effect
is not defined (a ratio of means of opposite sign, a proportion without participants) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtri

from pool.tau2 import FloatArray

To = Literal["only0", "all", "if0all", "none"]
Yi = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class _Columns:
    """Columns of equal length, floats."""

    def __post_init__(self) -> None:
        """Make arrays of all columns and check their lengths."""
        arrays = {f.name: np.atleast_1d(np.asarray(getattr(self, f.name), dtype=np.float64)) for f in fields(self)}
        lengths = {name: a.shape for name, a in arrays.items()}
        if len(set(lengths.values())) > 1:
            message = f"expected columns of one length, found {', '.join(f'{n} {s[0]}' for n, s in lengths.items())}"
            raise ValueError(message)
        for name, array in arrays.items():
            object.__setattr__(self, name, array)

    def _refuse_below(self, least: float, *names: str) -> None:
        for name in names:
            values = getattr(self, name)
            if (values < least).any():
                message = f"expected {name} of {least:g} or more, found {values[values < least][0]:g}"
                raise ValueError(message)


@dataclass(frozen=True, eq=False)
class Counts(_Columns):
    """Two by two tables: `ai` events and `bi` others among the treated, `ci` events and `di` others among the controls."""

    ai: npt.ArrayLike
    bi: npt.ArrayLike
    ci: npt.ArrayLike
    di: npt.ArrayLike

    def __post_init__(self) -> None:
        """Check that no count is negative."""
        super().__post_init__()
        self._refuse_below(0, "ai", "bi", "ci", "di")

    @property
    def cells(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """ai, bi, ci, di."""
        return tuple(np.asarray(getattr(self, name)) for name in ("ai", "bi", "ci", "di"))  # type: ignore[return-value]

    def with_correction(self, add: float, to: To) -> Counts:
        """The tables with `add` added to each cell: of tables with an empty cell, of all, of all if any has one, or of none."""
        if to not in get_args(To):
            message = f"expected to to be one of {', '.join(get_args(To))}, found {to!r}"
            raise ValueError(message)
        cells = np.array(self.cells)
        empty = (cells == 0).any(axis=0)
        every = to == "all" or (to == "if0all" and bool(empty.any()))
        return Counts(*(cells + np.where((empty & (to == "only0")) | every, add, 0.0)))


@dataclass(frozen=True, eq=False)
class TwoMeans(_Columns):
    """Means, SDs and numbers of two groups: 1 treated, 2 control."""

    m1i: npt.ArrayLike
    sd1i: npt.ArrayLike
    n1i: npt.ArrayLike
    m2i: npt.ArrayLike
    sd2i: npt.ArrayLike
    n2i: npt.ArrayLike

    def __post_init__(self) -> None:
        """Check SDs and numbers."""
        super().__post_init__()
        self._refuse_below(0, "sd1i", "sd2i")
        self._refuse_below(1, "n1i", "n2i")


@dataclass(frozen=True, eq=False)
class PairedMeans(_Columns):
    """Means and SDs of the same `ni` participants twice (1 after or treated, 2 before or control) with their correlation `ri`."""

    m1i: npt.ArrayLike
    m2i: npt.ArrayLike
    sd1i: npt.ArrayLike
    sd2i: npt.ArrayLike
    ri: npt.ArrayLike
    ni: npt.ArrayLike

    def __post_init__(self) -> None:
        """Check SDs, numbers and correlations."""
        super().__post_init__()
        self._refuse_below(0, "sd1i", "sd2i")
        self._refuse_below(1, "ni")
        if (np.abs(np.asarray(self.ri)) > 1).any():
            message = f"expected correlations between -1 and 1, found {np.asarray(self.ri)[np.abs(np.asarray(self.ri)) > 1][0]:g}"
            raise ValueError(message)


def hedges_j(m: npt.ArrayLike) -> FloatArray:
    """The exact small-sample factor J(m) = G(m / 2) / (sqrt(m / 2) G((m - 1) / 2)) of Hedges 1981; NaN for m of 1 or less."""
    df = np.asarray(m, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.exp(gammaln(df / 2) - np.log(np.sqrt(df / 2)) - gammaln((df - 1) / 2))
    return np.where(df > 1, factor, np.nan)


def binary_effects(measure: str, counts: Counts, *, add: float = 0.5, to: To = "only0", drop00: bool = False) -> Yi:
    """The effects of two by two tables.

    Parameters
    ----------
    measure
        "OR", "RR" (log), "RD", "AS" (arcsine difference) or "PETO" (log).
    counts
        The tables.
    add, to
        What is added to the cells of which tables, as in `Counts.with_correction`; AS takes the tables as they are.
    drop00
        Whether tables without events, or with nothing but events, in both groups give no effect (NaN). Those without participants in
        a group never do.

    Returns
    -------
    tuple of (k,) arrays
        yi and vi.

    Raises
    ------
    ValueError
        If the measure is unknown.
    """
    if measure not in _BINARY:
        message = f"expected a measure of two by two tables ({', '.join(_BINARY)}), found {measure!r}"
        raise ValueError(message)
    a, b, c, d = counts.cells
    used = counts if measure == "AS" else counts.with_correction(add, to)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi, vi = _BINARY[measure](*used.cells)
    nothing = (a + b == 0) | (c + d == 0) | (drop00 & (((a == 0) & (c == 0)) | ((b == 0) & (d == 0))))
    return _finite(np.where(nothing, np.nan, yi), np.where(nothing, np.nan, vi))


def _finite(yi: FloatArray, vi: FloatArray) -> Yi:
    good = np.isfinite(yi) & np.isfinite(vi)
    return np.where(good, yi, np.nan), np.where(good, vi, np.nan)


def _rr(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Yi:
    n1, n2 = a + b, c + d
    return np.log(a / n1) - np.log(c / n2), 1 / a - 1 / n1 + 1 / c - 1 / n2


def _or(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Yi:
    return np.log(a) + np.log(d) - np.log(b) - np.log(c), 1 / a + 1 / b + 1 / c + 1 / d


def _rd(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Yi:
    n1, n2 = a + b, c + d
    p1, p2 = a / n1, c / n2
    return p1 - p2, p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2


def _arcsine(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Yi:
    n1, n2 = a + b, c + d
    return np.arcsin(np.sqrt(a / n1)) - np.arcsin(np.sqrt(c / n2)), 1 / (4 * n1) + 1 / (4 * n2)


def peto_parts(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Yi:
    """Observed minus expected events among the treated, and their hypergeometric variance (Yusuf et al. 1985)."""
    n1, n2, events, others = a + b, c + d, a + c, b + d
    n = n1 + n2
    return a - events * n1 / n, events * others * (n1 / n) * (n2 / n) / (n - 1)


def _peto(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Yi:
    excess, variance = peto_parts(a, b, c, d)
    return excess / variance, 1 / variance


_BINARY: dict[str, Callable[[FloatArray, FloatArray, FloatArray, FloatArray], Yi]] = {
    "OR": _or,
    "RR": _rr,
    "RD": _rd,
    "AS": _arcsine,
    "PETO": _peto,
}


def mean_effects(measure: str, means: TwoMeans) -> Yi:
    """The effects of two independent groups.

    Parameters
    ----------
    measure
        "MD": difference, each group with its own variance. "SMD": Hedges' g with the exact J and
        vi = 1/n1 + 1/n2 + g^2 / (2 (n1 + n2)). "SMD1": by the SD of the controls (Glass). "SMDH": by the root mean square of the SDs, with
        the variance of Bonett 2009. "ROM": log ratio of means with the second-order correction of Lajeunesse 2015.
        "VR", "CVR": log ratio of SDs and of coefficients of variation (Nakagawa et al. 2015).
    means
        Means, SDs and numbers.

    Returns
    -------
    tuple of (k,) arrays
        yi and vi.

    Raises
    ------
    ValueError
        If the measure is unknown.
    """
    if measure not in _MEANS:
        message = f"expected a measure of two means ({', '.join(_MEANS)}), found {measure!r}"
        raise ValueError(message)
    columns = (np.asarray(getattr(means, name)) for name in ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _finite(*_MEANS[measure](*columns))


def _md(m1: FloatArray, s1: FloatArray, n1: FloatArray, m2: FloatArray, s2: FloatArray, n2: FloatArray) -> Yi:
    return m1 - m2, s1**2 / n1 + s2**2 / n2


def _smd(m1: FloatArray, s1: FloatArray, n1: FloatArray, m2: FloatArray, s2: FloatArray, n2: FloatArray) -> Yi:
    df = n1 + n2 - 2
    g = hedges_j(df) * (m1 - m2) / np.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / df)
    return g, 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))


def _smd1(m1: FloatArray, s1: FloatArray, n1: FloatArray, m2: FloatArray, s2: FloatArray, n2: FloatArray) -> Yi:
    d = hedges_j(n2 - 1) * (m1 - m2) / s2
    return d, 1 / n1 + 1 / n2 + d**2 / (2 * n2)


def _smdh(m1: FloatArray, s1: FloatArray, n1: FloatArray, m2: FloatArray, s2: FloatArray, n2: FloatArray) -> Yi:
    mean_square = (s1**2 + s2**2) / 2
    d = hedges_j(n1 + n2 - 2) * (m1 - m2) / np.sqrt(mean_square)
    first = d**2 * (s1**4 / (n1 - 1) + s2**4 / (n2 - 1)) / (8 * mean_square**2)
    return d, first + (s1**2 / (n1 - 1) + s2**2 / (n2 - 1)) / mean_square


def _rom(m1: FloatArray, s1: FloatArray, n1: FloatArray, m2: FloatArray, s2: FloatArray, n2: FloatArray) -> Yi:
    a, b = s1**2 / (n1 * m1**2), s2**2 / (n2 * m2**2)
    return np.log(m1 / m2) + (a - b) / 2, a + b


def _vr(m1: FloatArray, s1: FloatArray, n1: FloatArray, m2: FloatArray, s2: FloatArray, n2: FloatArray) -> Yi:
    a, b = 1 / (2 * (n1 - 1)), 1 / (2 * (n2 - 1))
    return np.log(s1 / s2) + a - b, a + b


def _cvr(m1: FloatArray, s1: FloatArray, n1: FloatArray, m2: FloatArray, s2: FloatArray, n2: FloatArray) -> Yi:
    log_of_sds, v = _vr(m1, s1, n1, m2, s2, n2)
    log_of_means, u = _rom(m1, s1, n1, m2, s2, n2)
    return log_of_sds - log_of_means, v + u


_MEANS: dict[str, Callable[..., Yi]] = {"MD": _md, "SMD": _smd, "SMD1": _smd1, "SMDH": _smdh, "ROM": _rom, "VR": _vr, "CVR": _cvr}


def paired_effects(measure: str, means: PairedMeans) -> Yi:
    """The effects of two measurements of the same participants: before and after, or the periods of a crossover.

    Parameters
    ----------
    measure
        "MC": mean change. "SMCC": by the SD of the changes, with the exact J. "SMCR": by the first SD.
        "ROMC": log ratio of means. "VRC", "CVRC": log ratio of SDs and of coefficients of variation.
    means
        Means, SDs, correlations and numbers.

    Returns
    -------
    tuple of (k,) arrays
        yi and vi.

    Raises
    ------
    ValueError
        If the measure is unknown.
    """
    m1, m2, s1, s2, r, n = (np.asarray(getattr(means, name)) for name in ("m1i", "m2i", "sd1i", "sd2i", "ri", "ni"))
    of_changes = s1**2 + s2**2 - 2 * r * s1 * s2
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "MC":
            return _finite(m1 - m2, of_changes / n)
        if measure == "SMCC":
            d = hedges_j(n - 1) * (m1 - m2) / np.sqrt(of_changes)
            return _finite(d, 1 / n + d**2 / (2 * n))
        if measure == "SMCR":
            d = hedges_j(n - 1) * (m1 - m2) / s1
            return _finite(d, 2 * (1 - r) / n + d**2 / (2 * n))
        if measure == "ROMC":
            log_ratio, v = _rom(m1, s1, n, m2, s2, n)
            return _finite(log_ratio, v - 2 * r * s1 * s2 / (m1 * m2 * n))
        if measure in ("VRC", "CVRC"):
            of_sds, v = np.log(s1 / s2), (1 - r**2) / (n - 1)
            if measure == "VRC":
                return _finite(of_sds, v)
            of_means, u = paired_effects("ROMC", means)
            return _finite(of_sds - of_means, v + u)
    message = f"expected a measure of paired means (MC, SMCC, SMCR, ROMC, VRC, CVRC), found {measure!r}"
    raise ValueError(message)


def proportion_effects(measure: str, xi: npt.ArrayLike, ni: npt.ArrayLike) -> Yi:
    """Single-arm proportions x / n; a half is added to both sides where one is empty (not for PAS and PFT).

    Parameters
    ----------
    measure
        "PR": raw. "PLN": log. "PLO": logit. "PRZ": probit. "PAS": arcsine. "PFT": Freeman-Tukey double arcsine.
    xi, ni : (k,) array_like
        Events and participants.

    Returns
    -------
    tuple of (k,) arrays
        yi and vi.

    Raises
    ------
    ValueError
        If the measure is unknown or there are more events than participants.
    """
    x, n = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (xi, ni))
    if (x < 0).any() or (x > n).any():
        message = f"expected events between 0 and the number of participants, found {x[(x < 0) | (x > n)][0]:g}"
        raise ValueError(message)
    n = np.where(n > 0, n, np.nan)  # what nobody took part in has no proportion
    if measure == "PAS":
        return np.arcsin(np.sqrt(x / n)), 1 / (4 * n)
    if measure == "PFT":
        return 0.5 * (np.arcsin(np.sqrt(x / (n + 1))) + np.arcsin(np.sqrt((x + 1) / (n + 1)))), 1 / (4 * n + 2)
    half = np.where((x == 0) | (x == n), 0.5, 0.0)
    x, n = x + half, n + 2 * half
    p = x / n
    known = {"PR": (p, p * (1 - p) / n), "PLN": (np.log(p), 1 / x - 1 / n), "PLO": (np.log(x / (n - x)), 1 / x + 1 / (n - x))}
    z = ndtri(p)
    known["PRZ"] = (z, 2 * np.pi * p * (1 - p) * np.exp(z**2) / n)
    if measure not in known:
        message = f"expected a measure of proportions (PR, PLN, PLO, PRZ, PAS, PFT), found {measure!r}"
        raise ValueError(message)
    return known[measure]


def single_mean_effects(measure: str, mi: npt.ArrayLike, sdi: npt.ArrayLike, ni: npt.ArrayLike) -> Yi:
    """Single-arm means: "MN" the mean with sd^2 / n, "MNLN" its logarithm with sd^2 / (n mean^2); "SMN" the mean in SDs with the exact J.

    "SDLN", "CVLN": logarithms of the SD and of the coefficient of variation (Nakagawa et al. 2015).
    """
    m, s, n = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (mi, sdi, ni))
    if measure == "MN":
        return m, s**2 / n
    if measure == "MNLN":
        with np.errstate(divide="ignore", invalid="ignore"):
            return _finite(np.log(m), s**2 / (n * m**2))
    if measure == "SMN":
        with np.errstate(divide="ignore", invalid="ignore"):
            d = hedges_j(n - 1) * m / s
            return _finite(d, 1 / n + d**2 / (2 * n))
    if measure in ("SDLN", "CVLN"):
        with np.errstate(divide="ignore", invalid="ignore"):
            half = 1 / (2 * (n - 1))
            if measure == "SDLN":
                return _finite(np.log(s) + half, half)
            return _finite(np.log(s / m) + half, half + s**2 / (n * m**2))
    message = f"expected a measure of single means (MN, MNLN, SMN, SDLN, CVLN), found {measure!r}"
    raise ValueError(message)


def correlation_effects(measure: str, ri: npt.ArrayLike, ni: npt.ArrayLike) -> Yi:
    """Correlations: "COR" raw with (1 - r^2)^2 / (n - 1), "ZCOR" Fisher's z with 1 / (n - 3)."""
    r, n = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (ri, ni))
    if (np.abs(r) > 1).any():
        message = f"expected correlations between -1 and 1, found {r[np.abs(r) > 1][0]:g}"
        raise ValueError(message)
    if measure == "COR":
        return r, (1 - r**2) ** 2 / (n - 1)
    if measure == "ZCOR":
        with np.errstate(divide="ignore", invalid="ignore"):
            return _finite(np.arctanh(r), 1 / (n - 3))
    message = f"expected a measure of correlations (COR, ZCOR), found {measure!r}"
    raise ValueError(message)


def rate_effects(measure: str, x1i: npt.ArrayLike, t1i: npt.ArrayLike, x2i: npt.ArrayLike, t2i: npt.ArrayLike) -> Yi:
    """Two rates of events x in person-time t: "IRR" log ratio, "IRD" difference, "IRSD" difference of square roots.

    For IRR and IRD a half is added to both counts where one is 0.
    """
    x1, t1, x2, t2 = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (x1i, t1i, x2i, t2i))
    _refuse_rates(x1, t1)
    _refuse_rates(x2, t2)
    if measure == "IRSD":
        return np.sqrt(x1 / t1) - np.sqrt(x2 / t2), 1 / (4 * t1) + 1 / (4 * t2)
    half = np.where((x1 == 0) | (x2 == 0), 0.5, 0.0)
    x1, x2 = x1 + half, x2 + half
    if measure == "IRR":
        return np.log((x1 / t1) / (x2 / t2)), 1 / x1 + 1 / x2
    if measure == "IRD":
        return x1 / t1 - x2 / t2, x1 / t1**2 + x2 / t2**2
    message = f"expected a measure of rates (IRR, IRD, IRSD), found {measure!r}"
    raise ValueError(message)


def _refuse_rates(events: FloatArray, time: FloatArray) -> None:
    wrong = (events < 0) | ~(time > 0)
    if wrong.any():
        k = int(np.argmax(wrong))
        message = f"expected events of 0 or more in a person-time above 0, found {events[k]:g} in {time[k]:g}"
        raise ValueError(message)


def single_rate_effects(measure: str, xi: npt.ArrayLike, ti: npt.ArrayLike) -> Yi:
    """Single-arm rates of events x in person-time t.

    "IR" the rate and "IRLN" its logarithm (a half added where there is no event), "IRS" its square root, "IRFT" the Freeman-Tukey form.
    """
    x, t = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (xi, ti))
    _refuse_rates(x, t)
    if measure == "IRS":
        return np.sqrt(x / t), 1 / (4 * t)
    if measure == "IRFT":
        return 0.5 * (np.sqrt(x / t) + np.sqrt((x + 1) / t)), 1 / (4 * t)
    x = x + np.where(x == 0, 0.5, 0.0)
    if measure == "IR":
        return x / t, x / t**2
    if measure == "IRLN":
        return np.log(x / t), 1 / x
    message = f"expected a measure of single rates (IR, IRLN, IRS, IRFT), found {measure!r}"
    raise ValueError(message)


def hazard_ratio_effects(hr: npt.ArrayLike, ci_lb: npt.ArrayLike, ci_ub: npt.ArrayLike, level: float = 0.95) -> Yi:
    """Log hazard ratios from printed ratios and their limits: vi = [(log ub - log lb) / (2 z)]^2 (Tierney et al. 2007).

    Raises
    ------
    ValueError
        If a limit or ratio is not positive, or they are not in order.
    """
    ratio, lower, upper = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (hr, ci_lb, ci_ub))
    wrong = ~((lower > 0) & (lower <= ratio) & (ratio <= upper))
    if wrong.any():
        k = int(np.argmax(wrong))
        message = f"expected a hazard ratio between its limits, all above 0, found {ratio[k]:g} ({lower[k]:g} to {upper[k]:g})"
        raise ValueError(message)
    return np.log(ratio), ((np.log(upper) - np.log(lower)) / (2 * float(ndtri(0.5 + level / 2)))) ** 2
