"""Individual times from survival curves and numbers at risk (Guyot et al. 2012), and what follows from them."""

from __future__ import annotations

import csv
import math
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import CensoredData, ecdf

from digitize.record import FigureRecord, PanelRecord, SeriesRecord
from extract.summary import NAN

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ROUNDS = 60  # of the search for the number censored in an interval; it settles in a few
_DRAWS, _SEED = 200, 20120201  # rereadings of curves for the reading error of a hazard ratio


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """A survival curve as read: the times of its steps, the proportion that survives after each, and the uncertainty of that.

    Raises
    ------
    ValueError
        If times do not ascend, or proportions rise or leave 0 to 1.
    """

    time: Floats
    survival: Floats
    u_survival: Floats

    def __post_init__(self) -> None:
        """Check the steps."""
        if len(self.time) == 0 or (np.diff(self.time) < 0).any() or (np.diff(self.survival) > 0).any():
            message = f"expected steps at ascending times that go down, found {len(self.time)} steps out of order"
            raise ValueError(message)
        if self.survival.max() > 1 or self.survival.min() < 0:
            message = f"expected proportions between 0 and 1, found {self.survival.min():g} to {self.survival.max():g}"
            raise ValueError(message)


@dataclass(frozen=True)
class AtRisk:
    """Numbers at risk as printed below a curve: `number` participants just before each `time`, the first at the start.

    Raises
    ------
    ValueError
        If there are none, times do not ascend, or numbers rise.
    """

    time: tuple[float, ...]
    number: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the numbers."""
        falls, ascends = all(a >= b for a, b in pairwise(self.number)), all(a < b for a, b in pairwise(self.time))
        if not self.time or len(self.time) != len(self.number) or not falls or not ascends or self.number[0] < 2:
            message = f"expected numbers at risk that fall from 2 or more at ascending times, found {self.number} at {self.time}"
            raise ValueError(message)


@dataclass(frozen=True, eq=False)
class Individuals:
    """Times of participants and whether each had the event (else censored), in ascending order of time."""

    time: Floats
    event: Bools

    @property
    def n(self) -> int:
        """Participants."""
        return len(self.time)

    @property
    def n_events(self) -> int:
        """Participants with the event."""
        return int(self.event.sum())


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Reconstructed individual data of one arm.

    `unmatched` is by how many participants the numbers at risk are missed in the worst interval; `drift` the largest distance between
    the curve as read and that of the reconstructed data.
    """

    individuals: Individuals
    unmatched: int
    drift: float


def curve_of(panel: PanelRecord, series: SeriesRecord) -> SurvivalCurve:
    """The curve of a survival panel as proportions surviving: per cent are divided by 100, incidences turned over.

    Raises
    ------
    ValueError
        If a step could not be read.
    """
    steps = [(p.x, p.y, p.u_y or 0.0) for p in series.points if isinstance(p.x, float) and p.y is not None]
    if len(steps) < len(series.points) or not steps:
        message = f"{series.name}: expected every step to be read, found {len(steps)} of {len(series.points)}"
        raise ValueError(message)
    time, value, u = np.array(steps, dtype=np.float64).T
    top = max((float(tick.value) for tick in panel.y_axis.ticks if isinstance(tick.value, int | float)), default=1.0)
    whole = 100.0 if max(top, float(value.max())) > 2 else 1.0
    survival, u = value / whole, u / whole
    if survival[-1] > survival[0]:
        survival = 1 - survival
    # The first step is the start, where all survive; reading may leave it a hair above.
    return SurvivalCurve(np.maximum(time, 0.0), np.minimum.accumulate(np.clip(survival, 0.0, 1.0)), u)


def reconstruct(curve: SurvivalCurve, at_risk: AtRisk, n_events: int | None = None) -> Reconstruction:
    """Individual times from a curve and its numbers at risk, by Guyot et al. 2012 (BMC Med Res Methodol 12:9).

    Within each interval between printed numbers the number censored is sought, spread evenly over the interval, with which the steps
    leave the next number at risk; each step is the whole number of events that comes nearest to its height. In the last interval
    censoring goes on at the rate before, or so that all events sum to `n_events`.

    Parameters
    ----------
    curve
        Its steps.
    at_risk
        The numbers at risk; one number alone is the arm's size.
    n_events
        The arm's events, where they are printed.
    """
    end = max(float(curve.time[-1]), at_risk.time[-1])
    interval = _Interval(curve, end)
    times: list[float] = []
    events: list[bool] = []
    km, unmatched, censored = 1.0, 0, 0
    for i, (start, number) in enumerate(zip(at_risk.time, at_risk.number, strict=True)):
        is_last = i + 1 == len(at_risk.time)
        if is_last:
            before = start - at_risk.time[0]
            rate = censored / before if before > 0 else 0.0
            wanted = None if n_events is None else n_events - sum(events)
            part = interval.last(start, number, km, rate, wanted)
        else:
            part, missed = interval.between(start, at_risk.time[i + 1], number, at_risk.number[i + 1], km)
            unmatched = max(unmatched, missed)
        km, censored = part.km, censored + len(part.censored)
        times += [*part.events, *part.censored]
        events += [True] * len(part.events) + [False] * len(part.censored)
    order = np.lexsort((~np.array(events), np.array(times)))
    individuals = Individuals(np.array(times)[order], np.array(events)[order])
    return Reconstruction(individuals, unmatched, drift(individuals, curve))


@dataclass(frozen=True)
class _Part:
    """What happens in one interval, and the survival at its end."""

    events: list[float]
    censored: list[float]
    km: float


@dataclass(frozen=True, eq=False)
class _Interval:
    """The steps of a curve, cut into the intervals between numbers at risk."""

    curve: SurvivalCurve
    end: float

    def between(self, start: float, stop: float, number: int, following: int, km: float) -> tuple[_Part, int]:
        """The interval whose next number at risk is known, and by how many participants that is missed."""
        lost, n_censored, missed = number - following, 0, 0
        part = self._with(start, stop, number, km, 0, lost)
        for _ in range(_ROUNDS):
            missed = lost - len(part.events) - n_censored
            if missed == 0:
                break
            # The more are censored, the fewer are at risk and the fewer events a step is: the number grows up to where both fit.
            n_censored += missed
            part = self._with(start, stop, number, km, n_censored, lost - n_censored)
        return part, missed

    def last(self, start: float, number: int, km: float, rate: float, wanted: int | None) -> _Part:
        """The interval after the last number at risk; whoever is left is censored at the end of the curve."""
        if wanted is None:
            part = self._with(start, self.end, number, km, min(number, round(rate * (self.end - start))), number)
        else:
            parts = [self._with(start, self.end, number, km, c, number) for c in range(number + 1)]
            part = min(parts, key=lambda p: abs(len(p.events) - wanted))
        left = number - len(part.events) - len(part.censored)
        return _Part(part.events, [*part.censored, *[self.end] * left], part.km)

    def _with(self, start: float, stop: float, number: int, km: float, n_censored: int, most: int) -> _Part:
        """The interval with so many censored, evenly over it, and so many events at most."""
        censored = start + (stop - start) * (np.arange(n_censored) + 0.5) / max(n_censored, 1)
        inside = (self.curve.time >= start) & ((self.curve.time < stop) | (stop == self.end))
        events: list[float] = []
        for time, survival in zip(self.curve.time[inside], self.curve.survival[inside], strict=True):
            at_risk = number - len(events) - int(np.searchsorted(censored, time))
            if at_risk <= 0:
                break
            n = min(at_risk, most - len(events), max(0, round(at_risk * (1 - survival / km)))) if km > 0 else 0
            events += [float(time)] * n
            km *= 1 - n / at_risk
        kept = censored[: max(0, number - len(events))]
        return _Part(events, [float(c) for c in kept], km)


def kaplan_meier(individuals: Individuals) -> tuple[Floats, Floats]:
    """Times and the proportion surviving after each (Kaplan and Meier 1958)."""
    data = CensoredData(uncensored=individuals.time[individuals.event], right=individuals.time[~individuals.event])
    found = ecdf(data).sf
    return np.asarray(found.quantiles), np.asarray(found.probabilities)


def drift(individuals: Individuals, curve: SurvivalCurve) -> float:
    """Largest distance between the curve as read and that of the individual data, at the curve's steps."""
    if individuals.n_events == 0:
        return float(1 - curve.survival.min())
    time, survival = kaplan_meier(individuals)
    place = np.searchsorted(time, curve.time + 1e-12 * max(1.0, float(curve.time[-1])), side="right") - 1
    redrawn = np.where(place >= 0, survival[np.maximum(place, 0)], 1.0)
    return float(np.abs(redrawn - curve.survival).max())


@dataclass(frozen=True)
class HazardRatio:
    """Logarithm of a hazard ratio (treated over control), its standard error, and its uncertainty of reading (NaN where not known)."""

    log: float
    se: float
    u_log: float = NAN

    def interval(self, level: float = 0.95) -> tuple[float, float, float]:
        """The ratio and its confidence limits, from sampling alone."""
        half = float(ndtri(0.5 + level / 2)) * self.se
        return math.exp(self.log), math.exp(self.log - half), math.exp(self.log + half)


def hazard_ratio(treated: Individuals, control: Individuals) -> HazardRatio:
    """Hazard ratio of two arms by Cox 1972, ties by Efron 1977 (J Am Stat Assoc 72:557).

    Raises
    ------
    ValueError
        If an arm has no event while the other's participants are at risk: the ratio has no finite estimate.
    """
    rows = _risk_sets(treated, control)
    a1, a0 = rows[:, 0], rows[:, 1]
    observed = float(treated.event.sum())

    def score(beta: float) -> float:
        return observed - float(np.sum(a1 * math.exp(beta) / (a1 * math.exp(beta) + a0)))

    low, high = -20.0, 20.0
    if len(rows) == 0 or score(low) <= 0 or score(high) >= 0:
        message = f"expected events in both arms, found {treated.n_events} of {treated.n} and {control.n_events} of {control.n}"
        raise ValueError(message)
    beta = float(brentq(score, low, high, xtol=1e-12))
    share = a1 * math.exp(beta) / (a1 * math.exp(beta) + a0)
    return HazardRatio(beta, 1 / math.sqrt(float(np.sum(share * (1 - share)))))


def _risk_sets(treated: Individuals, control: Individuals) -> Floats:
    """For each event the participants at risk in both arms, less the shares of events tied with it that come before (Efron)."""
    rows = []
    for time in np.unique(np.concatenate([treated.time[treated.event], control.time[control.event]])):
        n1, n0 = (int((arm.time >= time).sum()) for arm in (treated, control))
        d1, d0 = (int(((arm.time == time) & arm.event).sum()) for arm in (treated, control))
        rows += [(n1 - k / (d1 + d0) * d1, n0 - k / (d1 + d0) * d0) for k in range(d1 + d0)]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def hazard_ratio_from_curves(
    treated: tuple[SurvivalCurve, AtRisk], control: tuple[SurvivalCurve, AtRisk], n_events: tuple[int | None, int | None] = (None, None)
) -> HazardRatio:
    """Hazard ratio of the reconstructed arms, with the uncertainty that reading the curves leaves in it.

    Every step is read again with its error, 200 times with a fixed seed; `u_log` is the spread of what comes out.

    Raises
    ------
    ValueError
        As `hazard_ratio` does.
    """
    arms = [reconstruct(curve, risk, n).individuals for (curve, risk), n in zip((treated, control), n_events, strict=True)]
    found = hazard_ratio(*arms)
    rng = np.random.default_rng(_SEED)
    logs = []
    for _ in range(_DRAWS):
        again = [reconstruct(_reread(c, rng), risk, n).individuals for (c, risk), n in zip((treated, control), n_events, strict=True)]
        try:
            logs.append(hazard_ratio(*again).log)
        except ValueError:
            continue  # no event in one arm of this rereading
    return HazardRatio(found.log, found.se, float(np.std(logs)) if logs else NAN)


def _reread(curve: SurvivalCurve, rng: np.random.Generator) -> SurvivalCurve:
    noisy = curve.survival + curve.u_survival * rng.normal(size=len(curve.survival))
    return SurvivalCurve(curve.time, np.minimum.accumulate(np.clip(noisy, 0.0, 1.0)), curve.u_survival)


def median_survival(individuals: Individuals, level: float = 0.95) -> tuple[float, float, float]:
    """Median time and its confidence limits by the log-log transformation (Brookmeyer and Crowley 1982); NaN where not reached."""
    data = CensoredData(uncensored=individuals.time[individuals.event], right=individuals.time[~individuals.event])
    sf = ecdf(data).sf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that the interval is not defined where all or none survive
        bounds = sf.confidence_interval(level, method="log-log")
    median, low, high = (_first_below(curve) for curve in (sf, bounds.low, bounds.high))
    return median, low, high


def _first_below(curve: Any) -> float:
    """Time at which one of SciPy's empirical curves reaches a half."""
    reached = np.flatnonzero(np.asarray(curve.probabilities) <= 0.5 + 1e-12)
    return float(curve.quantiles[reached[0]]) if len(reached) else NAN


def restricted_mean(individuals: Individuals, horizon: float) -> tuple[float, float]:
    """Mean time up to a horizon (RMST) and its standard error (Royston and Parmar 2013, BMC Med Res Methodol 13:152).

    Raises
    ------
    ValueError
        If the horizon lies beyond the last time: the curve is not known there.
    """
    last = float(individuals.time.max())
    if not 0 < horizon <= last:
        message = f"expected a horizon above 0 up to the last time {last:g}, found {horizon:g}"
        raise ValueError(message)
    at = np.unique(individuals.time[individuals.event & (individuals.time <= horizon)])
    n = np.array([(individuals.time >= t).sum() for t in at], dtype=np.float64)
    d = np.array([((individuals.time == t) & individuals.event).sum() for t in at], dtype=np.float64)
    survival = np.concatenate([[1.0], np.cumprod(1 - d / n)])
    edges = np.concatenate([[0.0], at, [horizon]])
    areas = survival * np.diff(edges)
    beyond = np.cumsum(areas[::-1])[::-1][1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(n > d, beyond**2 * d / (n * (n - d)), 0.0)
    return float(areas.sum()), math.sqrt(float(terms.sum()))


def curves_from_record(record: FigureRecord, panel: str | None = None) -> dict[str, SurvivalCurve]:
    """The survival curves of a figure by name.

    Raises
    ------
    ValueError
        If there is no survival panel, or several and none is named, or a step was not read.
    """
    plot = _survival_panel(record, panel)
    return {series.name: curve_of(plot, series) for series in plot.series}


def _survival_panel(record: FigureRecord, panel: str | None) -> PanelRecord:
    plots = [p for p in record.panels if p.kind == "km" and p.series and panel in (None, p.id)]
    if len(plots) != 1:
        found = ", ".join(f"{p.id} ({p.kind})" for p in record.panels) or "none"
        message = f"{record.source.file}: expected one panel of survival curves{f' {panel}' if panel else ''}, found {found}"
        raise ValueError(message)
    return plots[0]


def at_risk_from_record(record: FigureRecord, panel: str | None = None) -> dict[str, AtRisk]:
    """The numbers at risk that are printed below the survival curves of a figure, by the name of the curve.

    Raises
    ------
    ValueError
        If none are printed, or a row is in doubt: the message shows it.
    """
    rows = _survival_panel(record, panel).at_risk
    if not rows:
        message = f"{record.source.file}: expected numbers at risk below the curves, found none: give them as a table"
        raise ValueError(message)
    for row in rows:
        if row.flags:
            said = ", ".join("?" if n is None else str(n) for n in row.number)
            doubt = f"numbers at risk of {row.arm!r} are in doubt ({', '.join(row.flags)}): {said}"
            message = f"{record.source.file}: {doubt}; give them as a table"
            raise ValueError(message)
    return {row.curve: AtRisk(row.time, tuple(n for n in row.number if n is not None)) for row in rows}


def read_at_risk(path: str | Path) -> dict[str, AtRisk]:
    """Numbers at risk by arm from a table (CSV) with columns arm, time, n.

    Raises
    ------
    ValueError
        If a column is missing or a cell is no number; the message names the file and the line.
    """
    found: dict[str, list[tuple[float, int]]] = {}
    with Path(path).open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        if not {"arm", "time", "n"} <= set(reader.fieldnames or ()):
            message = f"{path}: expected columns arm, time, n, found {', '.join(reader.fieldnames or ()) or 'none'}"
            raise ValueError(message)
        for cells in reader:
            try:
                found.setdefault(cells["arm"], []).append((float(cells["time"]), int(cells["n"])))
            except (ValueError, TypeError):
                message = f"{path}, line {reader.line_num}: expected a time and a whole number, found {cells['time']!r} and {cells['n']!r}"
                raise ValueError(message) from None
    return {arm: AtRisk(tuple(t for t, _ in sorted(rows)), tuple(n for _, n in sorted(rows))) for arm, rows in found.items()}
