"""Arms whose participants are all in the figure: every point of a scatter or strip plot, or every bin of a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from digitize.record import FigureRecord, PanelRecord, PointRecord, SeriesRecord
from extract.summary import NAN, ArmSummary

RAW_KINDS = ("scatter", "histogram")
# Flags of points that say others may lie beneath them, so that the count of participants is not sure.
_MAY_HIDE = ("partly_hidden", "legend_covers")


def arms_from_raw(record: FigureRecord, *, study: str, panel: str | None = None) -> tuple[ArmSummary, ...]:
    """Mean, SD and n of each series (or category of one series) whose points are participants.

    Mean and SD are those of the values themselves (SD with n - 1), n is their number. Of a histogram the middles of the bins count,
    weighted by their heights, less Sheppard's correction (width^2 / 12) of the variance.

    Parameters
    ----------
    record
        What was read off the figure.
    study
        What the study is called.
    panel
        The panel's id; needed where several panels hold points.

    Returns
    -------
    tuple of ArmSummary
        `u_mean` and `u_sd` come from the reading uncertainties, taken as independent. Flag `count_uncertain` where points lie over one
        another, or heights of bins are not near whole numbers.

    Raises
    ------
    ValueError
        If there is no such panel, or several and none is named, or an arm has fewer than 2 participants.
    """
    chosen = _panel(record, panel)
    arms = []
    for name, points in _groups(chosen):
        source = f"{record.source.file}, page {chosen.page}, panel {chosen.id}, {name}"
        summary = _of_bins if chosen.kind == "histogram" else _of_points
        arms.append(summary(points, study, name, source))
    return tuple(arms)


def _panel(record: FigureRecord, panel: str | None) -> PanelRecord:
    matching = [p for p in record.panels if p.kind in RAW_KINDS and p.series and panel in (None, p.id)]
    if len(matching) != 1:
        found = ", ".join(f"{p.id} ({p.kind})" for p in record.panels) or "none"
        message = f"{record.source.file}: expected one scatter or histogram panel{f' {panel}' if panel else ''}, found {found}"
        raise ValueError(message)
    return matching[0]


def _groups(panel: PanelRecord) -> list[tuple[str, Sequence[PointRecord]]]:
    """The points of each arm: of each category where one series has categories, else of each series."""
    series: Sequence[SeriesRecord] = panel.series
    categories = list(dict.fromkeys(p.x for s in series for p in s.points if isinstance(p.x, str)))
    if len(series) == 1 and categories:
        return [(name, [p for p in series[0].points if p.x == name]) for name in categories]
    return [(s.name, s.points) for s in series]


def _of_points(points: Sequence[PointRecord], study: str, arm: str, source: str) -> ArmSummary:
    read = [p for p in points if isinstance(p.y, float)]
    values = np.array([p.y for p in read], dtype=np.float64)
    n = len(values)
    flags = ["count_uncertain"] if n < len(points) or any(flag in _MAY_HIDE for p in points for flag in p.flags) else []
    if n < 2:
        message = f"{source}: expected 2 participants or more, found {n}"
        raise ValueError(message)
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    u = np.array([NAN if p.u_y is None else p.u_y for p in read])
    # d mean / d value = 1 / n; d SD / d value = (value - mean) / ((n - 1) SD).
    u_mean = float(np.sqrt(np.sum(u**2))) / n
    u_sd = float(np.sqrt(np.sum(((values - mean) * u) ** 2))) / ((n - 1) * sd) if sd > 0 else NAN
    return ArmSummary(
        study, arm, n, mean, sd, u_mean=u_mean, u_sd=u_sd, how="estimated", method="values of the points", source=source, flags=tuple(flags)
    )


def _of_bins(points: Sequence[PointRecord], study: str, arm: str, source: str) -> ArmSummary:
    bins = [(p.x_lo, p.x_hi, p.y) for p in points if p.x_lo is not None and p.x_hi is not None and p.y is not None]
    low, high, height = np.array(bins, dtype=np.float64).reshape(-1, 3).T
    counts = np.rint(height)
    n = int(counts.sum())
    if n < 2:
        message = f"{source}: expected 2 participants or more, found {n}"
        raise ValueError(message)
    is_uncertain = len(bins) < len(points) or bool((np.abs(height - counts) > 0.25).any())
    middles, widths = (low + high) / 2, high - low
    mean = float(np.sum(counts * middles) / n)
    grouped = float(np.sum(counts * (middles - mean) ** 2) / (n - 1))
    within = float(np.sum(counts * widths**2) / n) / 12
    sd = math.sqrt(max(grouped - within, 0.0))
    return ArmSummary(
        study, arm, n, mean, sd, how="estimated", method="bins of the histogram, Sheppard's correction", source=source,
        flags=("count_uncertain",) if is_uncertain else (),
    )  # fmt: skip
