"""Mean and SD of arms from the boxes of a box plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from digitize.record import FigureRecord, PanelRecord, PointRecord
from extract.fromquantiles import arm_from_quantiles
from extract.summary import NAN, ArmSummary

Whiskers = Literal["range"]


def has_boxes(record: FigureRecord) -> bool:
    """Whether a figure holds a box plot that was read."""
    return any(panel.kind == "box" and panel.series for panel in record.panels)


def arms_from_boxes(
    record: FigureRecord,
    *,
    study: str,
    n: int | Mapping[str, int],
    whiskers: Whiskers | None = None,
    panel: str | None = None,
    method: str = "wan2014",
) -> tuple[ArmSummary, ...]:
    """An arm for each box of a box plot.

    Parameters
    ----------
    record
        The figure.
    study
        What the study is called.
    n
        Participants of every arm, or by arm.
    whiskers
        "range" where the source says that they reach from the smallest to the largest value: then all five numbers count (C2), else the
        quartiles alone (C3), whatever the whiskers are.
    panel
        Its id, where the figure has several box plots.
    method
        How mean and SD are estimated; see `estimate`.

    Returns
    -------
    tuple of ArmSummary
        Named after the box's category; in a grouped plot after its series, the category being the timepoint. A box without its median
        or a quartile has a NaN mean and SD and its flag.

    Raises
    ------
    ValueError
        If there is no box plot, or several and none is named, an n is missing, or whiskers are said to be the range although outliers
        lie beyond them.
    """
    plot = _plot(record, panel)
    is_grouped = len(plot.series) > 1
    arms = []
    for series in plot.series:
        for point in series.points:
            arm, timepoint = (series.name, str(point.x)) if is_grouped else (str(point.x), "")
            arms.append(_arm(point, study, arm, timepoint, _n_of(n, arm), whiskers, method, f"{record.source.file} {plot.id}"))
    return tuple(arms)


def _plot(record: FigureRecord, panel: str | None) -> PanelRecord:
    plots = [p for p in record.panels if p.kind == "box" and p.series and panel in (None, p.id)]
    if len(plots) != 1:
        found = ", ".join(p.id for p in record.panels if p.kind == "box") or "none"
        message = f"{record.source.file}: expected one box plot{f' {panel}' if panel else ''}, found {found}"
        raise ValueError(message)
    return plots[0]


def _n_of(n: int | Mapping[str, int], arm: str) -> int:
    if isinstance(n, int):
        return n
    if arm not in n:
        message = f"expected n of {arm!r}, found {', '.join(map(repr, n))}"
        raise ValueError(message)
    return n[arm]


def _arm(
    point: PointRecord, study: str, arm: str, timepoint: str, n: int, whiskers: Whiskers | None, method: str, source: str
) -> ArmSummary:
    said: dict[str, Any] = point.model_extra or {}
    names = {"median": "median", "q1": "q1", "q3": "q3"}
    if whiskers == "range":
        if said.get("outliers"):
            message = f"{source}, {arm}: expected whiskers that are the range, found outliers beyond them"
            raise ValueError(message)
        names |= {"minimum": "whisker_lo", "maximum": "whisker_hi"}
    values = {ours: said.get(theirs) for ours, theirs in names.items()}
    readings = {ours: said.get(f"u_{theirs}") for ours, theirs in names.items()}
    known = {name: float(value) for name, value in values.items() if value is not None}
    blank = ArmSummary(
        study=study,
        arm=arm,
        n=n,
        mean=NAN,
        sd=NAN,
        timepoint=timepoint,
        how="estimated",
        method=method,
        error_bars="box (range)" if whiskers else "box",
        source=source,
        flags=point.flags,
    )
    return arm_from_quantiles(blank, known, readings, method=method) if len(known) == len(names) else blank
