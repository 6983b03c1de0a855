"""Reads a forest plot: its rows as drawn, what is printed beside them, and whether the two agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration
from digitize.axes import Axis
from digitize.forest.columns import Columns, PrintedRow, count_named, read_columns, undrawn_rows
from digitize.forest.pieces import Box
from digitize.forest.printed import SUBTOTAL, TOTAL, PrintedEffect, measure_of
from digitize.forest.rows import DrawnRow, find_rows
from digitize.ocr import TextBox
from digitize.panels import Panel
from digitize.series import Mark, Place, Series
from digitize.turned import Turn

BEYOND = 0.25  # share of the ticks' span that intervals may reach beyond the first and the last
TOLERANCE = 0.015  # share of the ticks' span by which print and drawing may differ, beside rounding
LEAST_ROWS = 2
LEAST_PRINTED, SHARE_PRINTED = 3, 0.8  # rows whose print agrees with the drawing, from which on the axis is believed
STROKES = frozenset("ITHLFEJiltf1")  # what a mark on a line with caps reads as
DIFFERS = "print_differs"


@dataclass(frozen=True)
class ForestReading:
    """The rows of a forest plot as marks of the turned panel, and what its headings say.

    `axis` is the panel's axis of values where the numbers printed beside the rows bear it out, None where they do not.
    """

    series: tuple[Series, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)
    axis: Axis | None = None


@dataclass(frozen=True)
class _Forest:
    """A forest plot in the upright view."""

    axis: Axis
    rows: tuple[DrawnRow, ...]
    columns: Columns
    shape: tuple[int, int]


def forest_evidence(panel: Panel) -> float:
    """How surely a panel is a forest plot, 0 to 1: two rows or more with a mark, an interval and, most of them, a name."""
    if not panel.is_turned:
        return 0.0
    _, axis, rows, texts = _drawn(panel)
    with_ends = sum(row.lo is not None or row.hi is not None for row in rows)
    if with_ends < LEAST_ROWS:
        return 0.0
    named = count_named(texts, [row.y for row in rows], _plot(axis, rows))
    return 0.9 if named >= 0.5 * len(rows) else 0.0


def read_forest(panel: Panel) -> ForestReading:
    """The rows of a turned panel that is a forest plot; no series where there are none."""
    if not panel.is_turned:
        return ForestReading()
    forest = _find(panel)
    if not forest.rows:
        return ForestReading()
    kinds = _row_kinds(forest)
    marks = tuple(_mark(*parts, forest) for parts in zip(forest.rows, forest.columns.rows, kinds, strict=True))
    said = {"heading": forest.columns.heading, "measure": measure_of(forest.columns.heading)}
    series = Series("", "#000000", "square", marks)
    return ForestReading((series,), {k: v for k, v in said.items() if v}, _borne_out(panel.y, marks))


def _borne_out(axis: Axis, marks: Sequence[Mark]) -> Axis | None:
    """The axis without its doubts where what is printed beside three rows or more stands where it is drawn; None where it does not."""
    printed = [m for m in marks if "effect" in m.said.get("printed", {}) and "not_drawn" not in m.flags]
    agreeing = sum(DIFFERS not in m.flags for m in printed)
    if agreeing < LEAST_PRINTED or agreeing < SHARE_PRINTED * len(printed):
        return None
    flags = tuple(f for f in axis.reading.flags if f not in ("axis_uncertain", "labels_refused"))
    reason = "; ".join(filter(None, (axis.reading.reason, f"borne out by the numbers printed beside {agreeing} rows")))
    return replace(axis, reading=replace(axis.reading, flags=flags, reason=reason))


def _find(panel: Panel) -> _Forest:
    image, axis, rows, texts = _drawn(panel)
    plot = _plot(axis, rows)
    undrawn = (DrawnRow(y, None, None, None, flags=("not_drawn",)) for y in undrawn_rows(texts, [row.y for row in rows], plot))
    rows = tuple(sorted((*rows, *undrawn), key=lambda row: row.y))
    columns = read_columns(image, texts, [row.y for row in rows], plot)
    known = [k for k, (row, printed) in enumerate(zip(rows, columns.rows, strict=True)) if row.x is not None or printed.effect]
    rows, columns = tuple(rows[k] for k in known), Columns(tuple(columns.rows[k] for k in known), columns.heading)
    named = [k for k, row in enumerate(columns.rows) if row.label or row.effect]
    # What lies above the first name or under the last is no row: a letter of a heading, a tick.
    kept = slice(named[0], named[-1] + 1) if named else slice(0, len(rows))
    return _Forest(axis, rows[kept], Columns(columns.rows[kept], columns.heading), (image.shape[0], image.shape[1]))


def _drawn(panel: Panel) -> tuple[NDArray[np.uint8], Axis, tuple[DrawnRow, ...], tuple[TextBox, ...]]:
    """The figure, the axis and the rows as drawn in the upright view, and all texts."""
    back = Turn((panel.image.shape[0], panel.image.shape[1]))
    image, axis = back.image(panel.image), back.axis(panel.y)
    along = panel.x.boxes if panel.x is not None else ()
    texts = tuple(back.text(t) for t in (*panel.texts, *along))
    _, y0, _, y1 = (round(v) for v in back.box(panel.box))
    region = _region(axis, (y0, y1), image.shape[1], panel.height)
    return image, axis, find_rows(image, region, axis.span_px, _known(texts, axis.span_px), panel.height), texts


def _region(axis: Axis, rows: tuple[int, int], width: int, height: float) -> Box:
    """Where rows are looked for: over the axis, as far as its line goes unless that underlines the columns of text as well."""
    first, last = axis.span_px
    pad = BEYOND * (last - first)
    x0, x1 = first - pad, last + pad
    line = axis.marks.axis_line
    if line is not None and line.length < 2.5 * (last - first):
        x0, x1 = min(x0, line.start - 3), max(x1, line.end + 3)
    at, gap = (axis.marks.axis_at, 0.8 * height) if line is not None else (axis.inner_edge, 0.4 * height)
    y0, y1 = (min(rows[0], at), at - gap) if axis.side.name == "bottom" else (at + gap, rows[1])
    return max(0, round(x0)), max(0, round(y0)), min(width - 1, round(x1)), round(y1)


def _known(texts: Sequence[TextBox], span: tuple[float, float]) -> list[TextBox]:
    """The texts that are surely texts: a mark on a line can read as a few letters of upright and level strokes."""

    def is_sure(text: TextBox) -> bool:
        told = [c for c in text.text if c.isalnum()]
        if text.box[0] < span[1] and text.box[2] > span[0]:
            return text.confidence > 0.9 and sum(c not in STROKES for c in told) >= 2
        return text.confidence > 0.6 and len(told) >= 2

    return [t for t in texts if is_sure(t)]


def _plot(axis: Axis, rows: Sequence[DrawnRow]) -> tuple[float, float]:
    """What the drawing covers along x."""
    ends = [place.px for row in rows for place in (row.lo, row.x, row.hi) if place is not None]
    return min([axis.span_px[0], *ends]), max([axis.span_px[1], *ends])


def _row_kinds(forest: _Forest) -> list[str]:
    """study, subtotal or total for each row: by its diamond or its name; the last summary is the total, those right above it as well."""
    labels = [row.label for row in forest.columns.rows]
    summary = [row.is_diamond or bool(TOTAL.search(text) or SUBTOTAL.search(text)) for row, text in zip(forest.rows, labels, strict=True)]
    kinds = ["subtotal" if s else "study" for s in summary]
    last_study = max((k for k, s in enumerate(summary) if not s), default=-1)
    after = range(last_study + 1, len(kinds))
    for k in after:
        kinds[k] = "subtotal" if SUBTOTAL.search(labels[k]) and len(after) > 1 else "total"
    for k, text in enumerate(labels):  # a total may stand above the studies
        if summary[k] and k <= last_study and TOTAL.search(text) and not SUBTOTAL.search(text) and sum(summary) == 1:
            kinds[k] = "total"
    return kinds


def _mark(row: DrawnRow, printed: PrintedRow, kind: str, forest: _Forest) -> Mark:
    h, w = forest.shape
    said: dict[str, Any] = {"row": kind}
    flags = list(row.flags)
    numbers: dict[str, Any] = dict(printed.numbers)
    if printed.effect is not None:
        effect = printed.effect
        numbers |= {"effect": effect.effect, "ci_lb": effect.ci_lb, "ci_ub": effect.ci_ub, "text": effect.text}
        differing = _differing(row, effect, forest.axis)
        if differing:
            flags.append(DIFFERS)
            said["differs"] = differing
    if printed.heterogeneity:
        numbers["heterogeneity"] = printed.heterogeneity
    if numbers:
        said["printed"] = numbers
    if not printed.label:
        flags.append("category_unread")
    turned = [Place(w - 1 - place.px, place.u_px) if place is not None else None for place in (row.lo, row.x, row.hi)]
    confidence = 0.97 if not flags else 0.8
    return Mark(
        x=Place(h - 1 - row.y, 0.5), y=turned[1] or Place(math.nan, math.nan), y_lo=turned[0], y_hi=turned[2], flags=tuple(flags),
        confidence=confidence, category=printed.label, said=said,
    )  # fmt: skip


def _differing(row: DrawnRow, printed: PrintedEffect, axis: Axis) -> str:
    """In words, where print and drawing differ by more than reading and rounding explain; empty where they agree."""
    if not printed.is_ordered:
        return f"{printed.text}: the effect does not lie within its interval"
    span = axis.span_px[1] - axis.span_px[0]
    names = (("estimate", row.x, printed.effect), ("lower end", row.lo, printed.ci_lb), ("upper end", row.hi, printed.ci_ub))
    said = []
    for name, place, value in names:
        if place is None:
            continue
        lo, hi = _rounded(value, printed.unit / 2, axis.calibration)
        if not lo - TOLERANCE * span <= place.px <= hi + TOLERANCE * span:
            said.append(f"{name}: printed {value:g}, drawn {float(axis.calibration.to_value(place.px)):.3g}")
    return "; ".join(said)


def _rounded(value: float, half: float, calibration: AxisCalibration) -> tuple[float, float]:
    """Where a rounded number may stand along the axis, px; what a logarithmic axis cannot show lies far off."""
    places = []
    for edge in (value - half, value + half):
        try:
            places.append(float(calibration.to_pixel(edge)))
        except ValueError:
            places.append(float("-inf"))
    return min(places), max(places)
