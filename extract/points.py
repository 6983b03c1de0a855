"""Arms from a figure record: which points are which arm, and from each point to mean, SD and n."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, get_args

from digitize.record import FigureRecord, PanelRecord, PointRecord
from extract.closedforms import Expected
from extract.conversions import moments_from_logs
from extract.errorbars import ErrorBarKind, error_bar_kind, sd_from_error_bar
from extract.estimators import METHODS
from extract.fromquantiles import arm_from_quantiles
from extract.summary import NAN, ArmSummary

Centre = Literal["mean", "median", "geometric"]

READABLE_KINDS = ("errorbar", "bar")
# A bar's end on the wrong side of its centre is put down to reading up to this many standard uncertainties.
_ORDER_LIMIT = 3.0
# A group of points is at a tick if it is this close to it.
_TICK_PX = 1.5


@dataclass(frozen=True)
class _Said:
    """What a person has to say of a figure's marks."""

    bar: ErrorBarKind
    centre: Centre
    method: str
    xi: Expected
    ci: Literal["t", "z"]


@dataclass(frozen=True)
class _Cell:
    """One point with the arm and the timepoint that it stands for."""

    label: str
    arm: str
    timepoint: str
    series: str
    point: PointRecord
    x: float = NAN


def arms_from_record(
    record: FigureRecord,
    *,
    study: str,
    n: int | Mapping[str, int],
    error_bars: str | None,
    centre: Centre = "mean",
    method: str = "wan2014",
    names: Mapping[str, str] | None = None,
    panel: str | None = None,
    timepoint: float | str | None = None,
    outcome: str = "",
    xi: Expected = "blom",
    ci: Literal["t", "z"] = "t",
) -> tuple[ArmSummary, ...]:
    """The arms that a figure shows: one `ArmSummary` for each arm and timepoint.

    The arms are the series, with the timepoint along x; or, where the x axis has categories, `names` may name categories as arms, and
    they are the arms where there is one series. Points of different series that stand side by side share a timepoint: the value of the
    tick that they are at, or else their mean x to the digits that its reading uncertainty supports.

    Parameters
    ----------
    record
        What was read off the figure.
    study
        What the study is called.
    n
        Participants: one number for all arms, or one for each by its arm name or its name in the figure, or for each of its timepoints
        by "arm@timepoint".
    error_bars
        What the error bars are: sd, se, ciNN, iqr or range. It has to be said; nothing is assumed.
    centre
        What the marks are: "mean"; "median", whose error bars must be iqr or range, and which `method` turns into a mean; or "geometric",
        a geometric mean whose bars are symmetric in logarithms: mean and SD are then those of log-normal data.
    method
        A name of `METHODS`, or "recommended" (see `recommend`).
    names
        From the figure's names (series or categories) to arm names; only those listed are returned. Without it all are.
    panel
        The panel's id; needed where several panels hold series.
    timepoint
        Only this timepoint: a number on the x axis, or a category.
    outcome
        Copied to the arms.
    xi, ci
        See `estimate` and `sd_from_error_bar`.

    Returns
    -------
    tuple of ArmSummary
        In the order of `names`, else of the figure. Reading uncertainties are in `u_mean` and `u_sd` (data units), taken as
        independent between a point and its ends; flags of point, panel and y axis are carried. A point that could not be read, or lacks
        an end that it needs, is there with NaN and a flag (`sd_not_readable`, ...).

    Raises
    ------
    ValueError
        If the error bars are not named, the panel, a name or the timepoint is not in the figure, n is missing for an arm, or the panel is
        not an error-bar or bar chart. Each message names what was found.
    """
    bar = error_bar_kind(error_bars)
    _check_centre(centre, bar, method)
    chosen = _panel(record, panel)
    cells = _at_timepoint(_cells(chosen, names), timepoint)
    said = _Said(bar, centre, method, xi, ci)
    return tuple(_arm(cell, chosen, record, study, _n_of(n, cell), outcome, said) for cell in cells)


def _check_centre(centre: str, bar: ErrorBarKind, method: str) -> None:
    if centre not in get_args(Centre):
        message = f"expected centre to be mean, median or geometric, found {centre!r}"
        raise ValueError(message)
    if centre == "geometric" and bar.name in ("iqr", "range"):
        message = f"expected the error bars of a geometric mean to be sd, se or ci, found {bar}"
        raise ValueError(message)
    if centre == "median" and bar.name not in ("iqr", "range"):
        message = f"expected the error bars of a median to be iqr or range, found {bar}"
        raise ValueError(message)
    if method not in (*METHODS, "recommended"):
        message = f"expected method to be one of {', '.join(METHODS)} or recommended, found {method!r}"
        raise ValueError(message)


def _panel(record: FigureRecord, panel: str | None) -> PanelRecord:
    """The panel to read, checked for its kind."""
    file, ids = record.source.file, ", ".join(p.id for p in record.panels) or "none"
    if panel is not None:
        matching = [p for p in record.panels if p.id == panel]
    else:
        matching = [p for p in record.panels if p.series] or list(record.panels)
    if len(matching) != 1:
        wanted = f"a panel {panel!r}" if panel is not None else "one panel with series (say which panel)"
        found = ids if panel is not None else ", ".join(p.id for p in matching) or "none"
        message = f"{file}: expected {wanted}, found {found}"
        raise ValueError(message)
    chosen = matching[0]
    if chosen.kind not in READABLE_KINDS:
        reason = f" ({chosen.refused})" if chosen.refused else ""
        message = f"{file}, panel {chosen.id}: expected an errorbar or bar panel, found {chosen.kind}{reason}"
        raise ValueError(message)
    if not any(series.points for series in chosen.series):
        message = f"{file}, panel {chosen.id}: expected points, found none{f' ({chosen.refused})' if chosen.refused else ''}"
        raise ValueError(message)
    if chosen.y_axis.scale not in ("linear", "log10"):
        message = f"{file}, panel {chosen.id}: expected values along the y axis, found a {chosen.y_axis.scale} axis"
        raise ValueError(message)
    return chosen


def _cells(panel: PanelRecord, names: Mapping[str, str] | None) -> list[_Cell]:
    """The points of the panel, each with its arm and timepoint, in the order of names."""
    series_names = list(dict.fromkeys(series.name for series in panel.series))
    categories = list(dict.fromkeys(p.x for series in panel.series for p in series.points if isinstance(p.x, str)))
    by_category = _arms_are_categories(panel, names, series_names, categories)
    timepoints = {} if by_category else _timepoints(panel)
    cells = []
    for j, series in enumerate(panel.series):
        for i, point in enumerate(series.points):
            if by_category:
                label, time = str(point.x), series.name if len(series_names) > 1 else ""
            else:
                label, time = series.name, point.x if isinstance(point.x, str) else timepoints.get((j, i), "")
            x = point.x if isinstance(point.x, float) else NAN
            cells.append(_Cell(label, label, time, series.name, point, x))
    if names is None:
        return cells
    return [replace(cell, arm=arm) for label, arm in names.items() for cell in cells if cell.label == label]


def _arms_are_categories(
    panel: PanelRecord, names: Mapping[str, str] | None, series_names: Sequence[str], categories: Sequence[str]
) -> bool:
    if names is None:
        return bool(categories) and len(series_names) == 1
    unknown = [name for name in names if name not in series_names and name not in categories]
    in_series = all(name in series_names for name in names)
    if unknown or not names or not (in_series or all(name in categories for name in names)):
        wanted = ", ".join(repr(name) for name in unknown or names) or "no name"
        message = f"panel {panel.id}: expected names among the series or among the categories, found {wanted}; " + _names_found(
            series_names, categories
        )
        raise ValueError(message)
    return not in_series


def _names_found(series_names: Iterable[str], categories: Iterable[str]) -> str:
    listed = f"series in the figure: {', '.join(map(repr, series_names)) or 'none'}"
    return listed + (f"; categories: {', '.join(map(repr, categories))}" if categories else "")


def _timepoints(panel: PanelRecord) -> dict[tuple[int, int], str]:
    """The timepoint of each point with a numeric x, by (index of its series, its own): points side by side share one."""
    points = [(j, i, p) for j, series in enumerate(panel.series) for i, p in enumerate(series.points) if isinstance(p.x, float)]
    reach = _reach_px(panel)
    groups: list[list[tuple[int, int, PointRecord]]] = []
    for item in sorted(points, key=lambda item: item[2].px[0]):
        group = groups[-1] if groups else []
        if group and item[2].px[0] - group[0][2].px[0] <= reach and item[0] not in {j for j, _, _ in group}:
            group.append(item)
        else:
            groups.append([item])
    return {(j, i): _time_label(panel, [p for _, _, p in group]) for group in groups for j, i, _ in group}


def _reach_px(panel: PanelRecord) -> float:
    """How far apart the points of one timepoint may stand: a quarter of the smallest step along any series, or 2 % of the panel."""
    steps = []
    for series in panel.series:
        places = sorted(p.px[0] for p in series.points if isinstance(p.x, float))
        steps += [b - a for a, b in pairwise(places) if b > a]
    return min(steps) / 4 if steps else 0.02 * (panel.bbox_px[2] - panel.bbox_px[0])


def _time_label(panel: PanelRecord, group: Sequence[PointRecord]) -> str:
    place = math.fsum(p.px[0] for p in group) / len(group)
    at = [tick.value for tick in panel.x_axis.ticks if isinstance(tick.value, float | int) and abs(tick.px - place) <= _TICK_PX]
    if at:
        return f"{at[0]:.12g}"
    x = math.fsum(p.x for p in group if isinstance(p.x, float)) / len(group)
    known = [p.u_x for p in group if p.u_x]
    if len(known) < len(group):
        return f"{x:.3g}"
    return f"{round(x, -math.floor(math.log10(max(known)))):.12g}"


def _at_timepoint(cells: list[_Cell], timepoint: float | str | None) -> list[_Cell]:
    """The cells at one timepoint, or all; a number also finds the nearest timepoint, within a quarter of the distance to the next."""
    if timepoint is None:
        return cells
    wanted = timepoint if isinstance(timepoint, str) else f"{timepoint:.12g}"
    if exact := [cell for cell in cells if cell.timepoint == wanted]:
        return exact
    number = _as_number(wanted)
    labels = list(dict.fromkeys(cell.timepoint for cell in cells))
    places = {label: value for label in labels if not math.isnan(value := _as_number(label))}
    ranked = sorted(places, key=lambda label: abs(places[label] - number))
    if len(ranked) > 1 and abs(places[ranked[0]] - number) <= 0.25 * abs(places[ranked[1]] - places[ranked[0]]):
        return [replace(cell, timepoint=wanted) for cell in cells if cell.timepoint == ranked[0]]
    message = f"expected a timepoint of the figure, found {wanted!r}; timepoints in the figure: {', '.join(labels) or 'none'}"
    raise ValueError(message)


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return NAN


def _n_of(n: int | Mapping[str, int], cell: _Cell) -> int:
    if not isinstance(n, Mapping):
        return n
    for name in (cell.arm, cell.label):
        for key in (f"{name}@{cell.timepoint}", name):
            if key in n:
                return n[key]
    message = f"expected n for the arm {cell.arm!r}, found n for {', '.join(map(repr, n)) or 'no arm'}"
    raise ValueError(message)


def _arm(
    cell: _Cell,
    panel: PanelRecord,
    record: FigureRecord,
    study: str,
    n: int,
    outcome: str,
    said: _Said,
) -> ArmSummary:
    point, own = _ordered(cell.point)
    own += ("log_axis",) if panel.y_axis.scale == "log10" and said.centre == "mean" else ()
    own += ("timepoint_not_readable",) if point.x is None else ()
    place = f", x {cell.x:.6g}" if not math.isnan(cell.x) else ""
    blank = ArmSummary(
        study=study,
        arm=cell.arm,
        n=n,
        mean=NAN,
        sd=NAN,
        how="estimated",
        error_bars=str(said.bar),
        source=f"{record.source.file}, page {panel.page}, panel {panel.id}, {cell.series}{place}",
        outcome=outcome,
        timepoint=cell.timepoint,
    )
    arm = {"mean": _from_mean, "median": _from_median, "geometric": _from_geometric}[said.centre](blank, point, said)
    return replace(arm, flags=tuple(dict.fromkeys((*point.flags, *panel.flags, *panel.y_axis.flags, *own, *arm.flags))))


def _ordered(point: PointRecord) -> tuple[PointRecord, tuple[str, ...]]:
    """The point with the ends of its bar on their sides of its centre: moved there within reading uncertainty, removed beyond it."""
    y = point.y
    if not isinstance(y, float):
        return point, ()
    ends = {"y_lo": point.y_lo, "y_hi": point.y_hi}
    uncertainties = {"y_lo": point.u_y_lo, "y_hi": point.u_y_hi}
    flags = []
    for name, sign in (("y_lo", 1.0), ("y_hi", -1.0)):
        end = ends[name]
        if end is None or sign * (end - y) <= 0:
            continue
        within = sign * (end - y) <= _ORDER_LIMIT * math.hypot(point.u_y or 0.0, uncertainties[name] or 0.0)
        flags.append("end_clamped" if within else "ends_out_of_order")
        ends[name] = y if within else None
    return point.model_copy(update=ends), tuple(flags)


def _from_mean(blank: ArmSummary, point: PointRecord, said: _Said) -> ArmSummary:
    if not isinstance(point.y, float):
        return replace(blank, flags=("mean_not_readable", "sd_not_readable"))
    read = replace(blank, mean=point.y, u_mean=_or_nan(point.u_y))
    if not _has_needed_ends(point, said.bar):
        return replace(read, flags=("sd_not_readable",))
    uncertainties = {"u_y": point.u_y, "u_y_lo": point.u_y_lo, "u_y_hi": point.u_y_hi}
    reading = sd_from_error_bar(said.bar, blank.n, y=point.y, y_lo=point.y_lo, y_hi=point.y_hi, ci=said.ci, xi=said.xi, **uncertainties)
    return replace(read, sd=reading.sd, u_sd=reading.u_sd, method=reading.method, flags=reading.flags)


def _from_geometric(blank: ArmSummary, point: PointRecord, said: _Said) -> ArmSummary:
    """Through the logarithms, and back to the moments of log-normal data."""
    values = [value for value in (point.y, point.y_lo, point.y_hi) if isinstance(value, float)]
    if not isinstance(point.y, float) or min(values) <= 0:
        return replace(blank, flags=("mean_not_readable", "sd_not_readable"))
    in_logs = _from_mean(blank, _logarithms(point), said)
    if math.isnan(in_logs.sd):
        return replace(in_logs, mean=NAN, u_mean=NAN)
    moments = moments_from_logs(in_logs.mean, in_logs.sd)
    u_mean = moments.mean * math.hypot(in_logs.u_mean, in_logs.sd * in_logs.u_sd)
    step = 1e-4 * in_logs.sd
    by_sd = (moments_from_logs(in_logs.mean, in_logs.sd + step).sd - moments.sd) / step if step else 0.0
    u_sd = math.hypot(moments.sd * in_logs.u_mean, by_sd * in_logs.u_sd)
    return replace(
        in_logs, mean=moments.mean, sd=moments.sd, u_mean=u_mean, u_sd=u_sd, method=f"log-normal, {in_logs.method} of the logarithms"
    )


def _logarithms(point: PointRecord) -> PointRecord:
    """The point in natural logarithms, with its uncertainties."""
    logs: dict[str, float | None] = {}
    for name in ("y", "y_lo", "y_hi"):
        value, u = getattr(point, name), getattr(point, f"u_{name}")
        logs[name] = None if value is None else math.log(value)
        logs[f"u_{name}"] = None if value is None or u is None else u / value
    return point.model_copy(update=logs)


def _from_median(blank: ArmSummary, point: PointRecord, said: _Said) -> ArmSummary:
    if not isinstance(point.y, float) or not _has_needed_ends(point, said.bar):
        return replace(blank, flags=("mean_not_readable", "sd_not_readable"))
    low, high = ("minimum", "maximum") if said.bar.name == "range" else ("q1", "q3")
    values = {low: point.y_lo, "median": point.y, high: point.y_hi}
    readings = {low: point.u_y_lo, "median": point.u_y, high: point.u_y_hi}
    known = {name: value for name, value in values.items() if value is not None}
    return arm_from_quantiles(blank, known, readings, method=said.method, xi=said.xi)


def _has_needed_ends(point: PointRecord, bar: ErrorBarKind) -> bool:
    there = (point.y_lo is not None, point.y_hi is not None)
    return all(there) if bar.name in ("iqr", "range") else any(there)


def _or_nan(value: float | None) -> float:
    return NAN if value is None else value
