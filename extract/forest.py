"""From a forest plot to the tables that pooling takes: effects with their variances, events or means of two arms where they are printed.

A row says three things twice: its estimate and the two ends of its interval, in print and in the drawing. All six are weighed together:
y, y - z s and y + z s by least squares, each with its own uncertainty (rounding of the print, reading of the drawing). So a printed
0.02, which rounding leaves good to a quarter of itself, gives way to the drawn end, and a coarse drawing to the print.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from digitize.record import FigureRecord, PanelRecord, PointRecord

RATIOS = ("OR", "RR", "HR")
EFFECT_COLUMNS = ("study", "yi", "vi", "vi_reading", "how", "weight", "flags")
DIFFERS = "print_differs"


@dataclass(frozen=True)
class ForestEffect:
    """One row of a forest plot as an effect.

    `yi` and `vi` are on the log scale for ratios, NaN where nothing can be given (then `reason` says why); `vi_reading` is the variance
    that reading and rounding leave in `yi`; `how` is "print", "drawing" or "both"; `row` is study, subtotal or total; `printed` are the
    effect and its limits as printed, in the plot's own units, None where they are not; `weight` the printed weight in per cent, else NaN;
    `counts` events and totals of the first arm and of the second as printed, else None.
    """

    study: str
    row: str
    yi: float
    vi: float
    vi_reading: float
    how: str
    weight: float = math.nan
    printed: tuple[float, float, float] | None = None
    decimals: int = 0
    flags: tuple[str, ...] = ()
    reason: str = ""
    counts: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class ForestEffects:
    """The rows of one forest plot, top to bottom; `measure` is what its headings or its axis call the effect, "GEN" where they do not."""

    measure: str
    is_log: bool
    rows: tuple[ForestEffect, ...]

    @property
    def studies(self) -> tuple[ForestEffect, ...]:
        """The rows that are studies."""
        return tuple(r for r in self.rows if r.row == "study")

    def to_frame(self) -> pd.DataFrame:
        """effects.csv: the studies, one a row, yi and vi empty where none can be given; equal names are told apart by a letter."""
        names = distinct([r.study for r in self.studies])
        rows = [(n, r.yi, r.vi, r.vi_reading, r.how, r.weight, " ".join(r.flags)) for n, r in zip(names, self.studies, strict=True)]
        return pd.DataFrame(rows, columns=list(EFFECT_COLUMNS))


def forest_panel(record: FigureRecord, panel: str | None = None) -> PanelRecord:
    """The forest plot of a figure.

    Raises
    ------
    ValueError
        If the figure holds none, or several and none is named.
    """
    plots = [p for p in record.panels if p.kind == "forest" and p.series and panel in (None, p.id)]
    if len(plots) != 1:
        found = ", ".join(p.id for p in plots) or "none"
        message = f"{record.source.file}: expected one forest plot{'' if panel is None else f' named {panel}'}, found {found}"
        raise ValueError(message)
    return plots[0]


def effects_from_forest(panel: PanelRecord) -> ForestEffects:
    """The effects of a forest plot's rows.

    Where print and drawing of a row disagree nothing is given for it, and `reason` says what stands against what.
    """
    said = panel.model_extra or {}
    measure = str(said.get("measure") or "GEN")
    is_log = panel.x_axis.scale == "log10" or measure in RATIOS
    z = _quantile(str(said.get("heading", "")))
    rows = tuple(_effect(p, z, is_log=is_log) for s in panel.series for p in s.points)
    return ForestEffects(measure, is_log, rows)


def _quantile(heading: str) -> float:
    """The normal quantile of the interval's level, 95 % where the heading names none."""
    level = next((float(m) for m in re.findall(r"(\d\d(?:\.\d+)?)\s*%", heading) if 50 < float(m) < 100), 95.0)
    return NormalDist().inv_cdf(0.5 + level / 200)


def _effect(point: PointRecord, z: float, *, is_log: bool) -> ForestEffect:
    said = point.model_extra or {}
    printed: Mapping[str, Any] = said.get("printed") or {}
    print_of = (printed["effect"], printed["ci_lb"], printed["ci_ub"]) if "effect" in printed else None
    decimals = _decimals(str(printed.get("text", "")))
    weight = printed.get("weight")
    row = ForestEffect(
        study=str(point.y or ""), row=str(said.get("row", "study")), yi=math.nan, vi=math.nan, vi_reading=math.nan, how="",
        weight=float(weight) if isinstance(weight, int | float) else math.nan, printed=print_of, decimals=decimals, flags=point.flags,
        counts=_counts(printed),
    )  # fmt: skip
    if DIFFERS in point.flags:
        return replace(row, reason=str(said.get("differs", "")))
    terms = _terms(point, print_of, 10.0**-decimals / math.sqrt(12), z, is_log=is_log)
    if len({k for k, *_ in terms}) < 2:
        return replace(row, reason="estimate and interval were not read")
    yi, se, u_yi = _fit([(k, value, u) for k, value, u, _ in terms])
    sources = sorted({how for *_, how in terms})
    return replace(row, yi=yi, vi=se**2, vi_reading=u_yi**2, how=sources[0] if len(sources) == 1 else "both")


def _counts(printed: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    """Events and totals of both arms; None where one is missing or more events than participants are read."""
    events, totals = _pair(printed, "events"), _pair(printed, "total")
    if events is None or totals is None:
        return None
    (a, c), (n1, n2) = (int(events[0]), int(events[1])), (int(totals[0]), int(totals[1]))
    return (a, n1, c, n2) if 0 <= a <= n1 and 0 <= c <= n2 else None


def _pair(printed: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    """The numbers of both arms in a column; None where they are not two."""
    column = printed.get(key)
    if not isinstance(column, list | tuple) or len(column) != 2 or None in column:
        return None
    return float(column[0]), float(column[1])


def _terms(
    point: PointRecord, printed: tuple[float, float, float] | None, rounding: float, z: float, *, is_log: bool
) -> list[tuple[float, float, float, str]]:
    """What is known of y + k s: k, the value and its standard uncertainty on the scale of the effect, and where it comes from."""
    drawn = ((point.x, point.u_x), (point.x_lo, point.u_x_lo), (point.x_hi, point.u_x_hi))
    seen = [(k, v, u, "drawing") for k, (v, u) in zip((0.0, -z, z), drawn, strict=True) if isinstance(v, float) and u]
    if printed is not None:
        seen += [(k, v, rounding, "print") for k, v in zip((0.0, -z, z), printed, strict=True)]
    if is_log:
        return [(k, math.log(v), u / v, how) for k, v, u, how in seen if v > 0]
    return seen


def _decimals(text: str) -> int:
    return max((len(d) for d in re.findall(r"\d[.,·](\d+)", text)), default=0)


def _fit(terms: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """The y and s of terms y + k s = value +- u by weighted least squares, and the standard uncertainty of y."""
    k, value, u = np.array(terms).T
    design = np.stack([np.ones_like(k), k], axis=1) / u[:, None]
    solution, *_ = np.linalg.lstsq(design, value / u, rcond=None)
    covariance = np.linalg.inv(design.T @ design)
    return float(solution[0]), float(solution[1]), float(math.sqrt(covariance[0, 0]))


def distinct(names: Sequence[str]) -> list[str]:
    """The names, those that stand more than once with (b), (c), ... behind them from the second on."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({chr(96 + seen[name])})")
    return told


def counts_from_forest(panel: PanelRecord, arms: tuple[str, str] = ("treated", "control")) -> pd.DataFrame:
    """events.csv (study, arm, events, n) or arms.csv (study, arm, n, mean, sd) of a forest plot, from the columns printed beside it.

    Raises
    ------
    ValueError
        If no study has events and totals, or means, SDs and totals, of two arms.
    """
    studies = [p for s in panel.series for p in s.points if (p.model_extra or {}).get("row") == "study"]
    names = distinct([str(p.y or "") for p in studies])
    for wanted in (("events", "total"), ("total", "mean", "sd")):
        rows = []
        for name, point in zip(names, studies, strict=True):
            printed = (point.model_extra or {}).get("printed") or {}
            columns = [pair for key in wanted if (pair := _pair(printed, key)) is not None]
            if len(columns) == len(wanted):
                rows += [(name, arm, *values) for arm, values in zip(arms, zip(*columns, strict=True), strict=True)]
        if rows:
            titles = ["n" if key == "total" else key for key in wanted]
            return pd.DataFrame(rows, columns=["study", "arm", *titles]).astype({t: int for t in titles if t in ("n", "events")})
    message = f"{panel.id}: expected columns of events and totals, or of means, SDs and totals, of two arms; found none"
    raise ValueError(message)
