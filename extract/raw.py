"""Arms whose participants are all in the figure: every point of a scatter or strip plot, or every bin of a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitize.record import FigureRecord, PanelRecord, PointRecord, SeriesRecord
from extract.summary import NAN, ArmSummary

Floats = NDArray[np.float64]

SHARE_OFF = 0.05  # by which shares as read may miss adding up to 1
RAW_KINDS = ("scatter", "histogram")
# Flags of points that say others may lie beneath them, so that the count of participants is not sure.
_MAY_HIDE = ("partly_hidden", "legend_covers")


def arms_from_raw(record: FigureRecord, *, study: str, panel: str | None = None, n: int | None = None) -> tuple[ArmSummary, ...]:
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
    n
        Participants, where the heights of bins are densities or shares, which do not tell it. Where they are counts it is checked.

    Returns
    -------
    tuple of ArmSummary
        `u_mean` and `u_sd` come from the reading uncertainties, taken as independent, and of a histogram from the places in the bins that
        are not known. Flag `count_uncertain` where points lie over one
        another, heights of bins are not near whole numbers, or they do not add up to `n`.

    Raises
    ------
    ValueError
        If there is no such panel, or several and none is named, or an arm has fewer than 2 participants, or bins are densities and no
        `n` is given.
    """
    chosen = _panel(record, panel)
    arms = []
    for name, points in _groups(chosen):
        source = f"{record.source.file}, page {chosen.page}, panel {chosen.id}, {name}"
        is_binned = chosen.kind == "histogram"
        arms.append(_of_bins(points, study, name, source, n) if is_binned else _of_points(points, study, name, source))
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


def _of_bins(points: Sequence[PointRecord], study: str, arm: str, source: str, told: int | None) -> ArmSummary:
    read = [p for p in points if p.x_lo is not None and p.x_hi is not None and p.y is not None]
    bins = [(p.x_lo, p.x_hi, p.y, NAN if p.u_x_lo is None else p.u_x_lo, NAN if p.u_y is None else p.u_y) for p in read]
    low, high, height, u_edge, u_height = np.array(bins, dtype=np.float64).reshape(-1, 5).T
    middles, widths = (low + high) / 2, high - low
    is_uncertain = len(bins) < len(points)
    if _are_shares(height, widths):
        if told is None:
            message = f"{source}: the bins are densities or shares, which add up to {_total(height, widths):.3g}: give the participants, n"
            raise ValueError(message)
        n, counts, u_counts = told, told * height / height.sum(), told * u_height / height.sum()
    else:
        counts = np.rint(height)
        n, u_counts = int(counts.sum()), np.zeros_like(height)  # whole numbers are exact
        is_uncertain |= bool((np.abs(height - counts) > 0.25).any()) or told not in (None, n)
    if n < 2:
        message = f"{source}: expected 2 participants or more, found {n}"
        raise ValueError(message)
    mean = float(np.sum(counts * middles) / n)
    grouped = float(np.sum(counts * (middles - mean) ** 2) / (n - 1))
    within = float(np.sum(counts * widths**2) / n) / 12
    sd = math.sqrt(max(grouped - within, 0.0))
    # Where in its bin a value lies is not known: width / sqrt(12) each, which over n values moves mean and SD alike. Edges are off
    # together.
    u_mean = math.sqrt(within / n + float(np.sum(((middles - mean) * u_counts / n) ** 2)) + float(np.mean(u_edge)) ** 2)
    u_sd = math.sqrt(within / n + float(np.sum((((middles - mean) ** 2 - sd**2) * u_counts / (2 * n * sd)) ** 2))) if sd > 0 else NAN
    return ArmSummary(
        study, arm, n, mean, sd, u_mean=u_mean, u_sd=u_sd, how="estimated",
        method="bins of the histogram, Sheppard's correction", source=source, flags=("count_uncertain",) if is_uncertain else (),
    )  # fmt: skip


def _total(height: Floats, width: Floats) -> float:
    """What heights add up to: their area where they are densities, else their sum."""
    area = float(np.sum(height * width))
    return area if abs(area - 1) < SHARE_OFF else float(height.sum())


def _are_shares(height: Floats, width: Floats) -> bool:
    """Whether bins are densities (their area is 1), proportions (they add up to 1), or percentages that are no whole numbers."""
    total = _total(height, width)
    is_broken = bool((np.abs(height - np.rint(height)) > min(0.25, 0.02 * float(height.max()))).any())
    return is_broken and min(abs(total - 1), abs(total / 100 - 1)) < SHARE_OFF
