"""From a page to panels of the figure record: find the axes, read the marks, turn pixels into data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration import SINCE_EPOCH, AxisCalibration, CategoryAxis, PixelTransform, iso_date
from digitize.axes import Axis, find_axes, stepped
from digitize.brokenaxes import perhaps_broken, with_breaks_closed
from digitize.categories import Categories, x_title, y_title
from digitize.deskew import Tilt, estimate_tilt, is_bilevel, straighten
from digitize.flags import known
from digitize.given import GivenAxis, with_given
from digitize.horizontal import find_horizontal, lies_on, replaces
from digitize.kinds import Marks, read_marks
from digitize.labelsanew import with_read_anew
from digitize.legend import LegendEntry, find_legend
from digitize.levelbars import without_bars_as_words
from digitize.lines import Line, find_lines
from digitize.multiplier import with_multiplier
from digitize.ocr import TextBox, find_text
from digitize.panels import Panel, find_panels
from digitize.record import AxisRecord, PanelRecord, PointRecord, ScaleName, SeriesRecord, TickRecord
from digitize.series import Mark, Place, Series
from digitize.slanted import with_slanted
from digitize.turned import Turn
from digitize.upside import from_turned_over, is_upside_down, turned_over
from digitize.vector.frame import with_drawn
from digitize.vector.labels import checked, with_page_text
from digitize.vector.paths import Drawing
from digitize.vector.pieces import pieces_of, strokes_of
from digitize.vector.ticks import exact_axis
from digitize.warp import FLAT, Warp, estimate_warp, flattened, unsure

COUNTED_KINDS = ("errorbar", "scatter", "line", "km")
"""Kinds whose marks stand at numbers, also where these are written as dates or with a word; bars and boxes stand in categories."""
PAGE = PixelTransform.identity()
AXES_OF_ONE = 3  # axes that one plot with a broken axis has at most
LINE_SHARE = 0.12  # share of the shorter side of an image that an axis line is long at least

TICK = 0.35  # digit heights that ticks are long at least where no axis line shows
AWAY = 0.45  # of the distance of names, to which the outer ones of a group of marks stand off their name
BEYOND = 3.0  # px that a marker may stand outside the plot: the width of its frame

_Found = tuple[tuple[LegendEntry, ...], Marks]


@dataclass(frozen=True)
class ReadPanel:
    """A panel as read: its geometry, the map to the original image's pixels, its legend, its series, and its part of the record."""

    panel: Panel
    to_original: PixelTransform
    legend: tuple[LegendEntry, ...]
    series: tuple[Series, ...]
    record: PanelRecord


def read_image(
    image: NDArray[np.uint8],
    page: int = 1,
    *,
    calibrate: Sequence[GivenAxis] = (),
    kind: str | None = None,
    drawing: Drawing | None = None,
    to_page: PixelTransform = PAGE,
    first: int = 0,
    at: Sequence[float] | None = None,
) -> tuple[ReadPanel, ...]:
    """Every panel of an image that shows a numeric y axis.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    page : int
        Its number, for the panels' ids.
    calibrate, kind, at
        As for `digitize_file`.
    drawing : Drawing, optional
        What the page draws, where it is not an image: paths are read in place of their pixels.
    to_page
        From pixels of the image to those of the page, where it is a part of one; all places are told in pixels of the page.
    first
        How many panels of the page were read before: their letters are taken.
    """
    drawing = drawing if drawing is not None else Drawing()
    seen = _straightened(image, drawing, to_page)
    image, drawing, to_original = seen.image, seen.drawing, seen.to_original
    texts, found, lines = _axes(seen)
    is_over = not drawing.paths and not calibrate and is_upside_down(image, texts, found, int(LINE_SHARE * min(image.shape[:2])))
    if is_over:
        image = turned_over(image)
        to_original = to_original @ PixelTransform.from_matrix(from_turned_over(image.shape))
        texts, found, lines = _axes(replace(seen, image=image))
    mended = with_breaks_closed(image, found, lines, texts, int(LINE_SHARE * min(image.shape[:2])))
    if mended.is_broken and drawing.paths and len(found) > AXES_OF_ONE:
        # What is drawn with paths is read off the pixels then; of a page with several plots all would be.
        found = [a if any(a.boxes == m.boxes for m in mended.axes) else perhaps_broken(a) for a in found]
    elif mended.is_broken:
        image, found, lines, drawing = mended.image, list(mended.axes), mended.lines, Drawing()
    axes = with_given(found, calibrate, (image.shape[0], image.shape[1]), lines, to_original)
    upright = [replace(p, is_bilevel=seen.is_bilevel) for p in find_panels(image, axes, texts, lines, drawing)]
    if is_over:
        upright = [replace(p, flags=(*p.flags, "upside_down")) for p in upright]
    # Names along the rows of a forest plot outweigh a column of numbers that reads as an axis, but no axis with a line of its own.
    rivals = [p for p in upright if p.y.reading.is_sure and (p.y.marks.axis_line is not None or _has_own_foot(p))]
    lying = [replace(p, is_bilevel=seen.is_bilevel) for p in find_horizontal(image, axes, texts, lines, drawing, rivals)]
    turned = [(p, _marks(p, kind, at)) for p in lying if not any(lies_on(p, r) for r in rivals)]
    # Bars and boxes have no such names to tell: where a column of numbers surely reads as an axis they are not looked for.
    sure = [p for p in upright if p.y.reading.is_sure]
    held = [each for each in turned if each[1][1].kind == "forest" or not any(replaces(each[0], p) for p in sure)]
    turned = _side_by_side([(p, marks) for p, marks in held if marks[1].series and (marks[1].kind == "forest" or _may_hold_bars(p))])
    kept = [p for p in upright if any(p is r for r in rivals) or not any(replaces(t, p) for t, _ in turned)]
    panels = [*((p, _marks(p, kind, at)) for p in kept), *turned]
    named = ((p, f"p{page}-{_letter(k)}", marks) for k, (p, marks) in enumerate(panels, start=first))
    return tuple(_read_panel(p, to_original, name, page, *marks) for p, name, marks in named)


@dataclass(frozen=True)
class _Seen:
    """An image as it is looked at: what it still draws, the way back, its warp that was taken out, and what kind of scan it is."""

    image: NDArray[np.uint8]
    drawing: Drawing
    to_original: PixelTransform
    warp: Warp
    is_bilevel: bool
    is_turned: bool


def _straightened(image: NDArray[np.uint8], drawing: Drawing, to_page: PixelTransform) -> _Seen:
    """The image with its lines level, upright and flat."""
    # What is drawn stands straight; a scan can lie askew, also on a page that draws a frame around it.
    straight = bool(drawing.paths) and not drawing.images
    given = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    tilt = Tilt() if straight else estimate_tilt(given)
    to_original = to_page
    if not tilt.is_straight:
        drawing = Drawing()
        image, matrix = straighten(image, tilt)
        to_original = to_original @ PixelTransform.from_matrix(matrix)
    warp = FLAT if straight else estimate_warp(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8))
    if not warp.is_flat:
        # The places that are told of the original stay those of the warped page to a few pixels.
        image, drawing = flattened(image, warp), Drawing()
    return _Seen(image, drawing, to_original, warp, is_bilevel(given), not tilt.is_straight)


def _axes(seen: _Seen) -> tuple[list[TextBox], list[Axis], tuple[Line, ...]]:
    """The texts of an image, the axes that they make, and its straight lines."""
    image, drawing = seen.image, seen.drawing
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    texts = with_page_text(image, find_text(image), drawing.texts)
    strokes = strokes_of(pieces_of(drawing.paths))
    lines = with_drawn(find_lines(gray, int(LINE_SHARE * min(gray.shape))), strokes, gray, int(LINE_SHARE * min(gray.shape)))
    texts, found = with_read_anew(image, texts, find_axes(gray, texts, lines), lines)
    texts, found = with_slanted(image, texts, found, lines)
    axes = [with_multiplier(checked(exact_axis(axis, strokes), drawing.texts), texts) for axis in found]
    axes = [stepped(axis) for axis in axes] if seen.is_bilevel and seen.is_turned else axes
    return texts, [unsure(axis, seen.warp) for axis in axes], lines


def _may_hold_bars(panel: Panel) -> bool:
    """Whether a level axis is more than a row of numbers under an edge: a map's scale of colours has no line and no ticks but specks."""
    marks = panel.y.marks
    has_ticks = marks.is_drawn and float(np.median(marks.length)) > TICK * panel.height
    return panel.y.reading.is_sure or marks.axis_line is not None or has_ticks


def _has_own_foot(panel: Panel) -> bool:
    """Whether a panel has a sure level axis whose line starts where its upright one stands: then it is no column of a table."""
    x = panel.x
    if not isinstance(x, Axis) or not x.reading.is_sure or x.marks.axis_line is None:
        return False
    return abs(x.marks.axis_line.start - panel.y.marks.axis_at) < 3 * panel.height


def _side_by_side(turned: Sequence[tuple[Panel, _Found]]) -> list[tuple[Panel, _Found]]:
    """The panels in the turned view, those with most marks first; what stands in the rows of one has its axis at the same height.

    Else it is a row of numbers of the table beside the plot.
    """
    kept: list[tuple[Panel, _Found]] = []
    for panel, found in sorted(turned, key=lambda each: -sum(len(s.marks) for s in each[1][1].series)):
        mates = [p for p, _ in kept if min(p.box[2], panel.box[2]) > max(p.box[0], panel.box[0])]
        if all(abs(p.y.marks.axis_at - panel.y.marks.axis_at) < 2 * panel.height for p in mates):
            kept.append((panel, found))
    return kept


def _marks(panel: Panel, kind: str | None, at: Sequence[float] | None = None) -> _Found:
    """The legend of a panel, found in the upright view, and its marks."""
    if not panel.is_turned:
        panel = without_bars_as_words(panel)
        legend = find_legend(panel.image, panel.texts, panel.box, panel.height)
        return legend, read_marks(panel, legend, kind, at)
    back = Turn((panel.image.shape[0], panel.image.shape[1]))
    x0, y0, x1, y1 = (round(v) for v in back.box(panel.box))
    found = find_legend(back.image(panel.image), [back.text(t) for t in panel.texts], (x0, y0, x1, y1), panel.height)
    legend = tuple(back.back.entry(entry) for entry in found)
    return legend, read_marks(panel, legend, kind, at)


def _letter(number: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    head, last = divmod(number, 26)
    return (_letter(head - 1) if head else "") + chr(65 + last)


def _read_panel(
    panel: Panel, to_original: PixelTransform, name: str, page: int, legend: tuple[LegendEntry, ...], marks: Marks
) -> ReadPanel:
    if marks.axis is not None:
        panel = replace(panel, y=marks.axis)
    if isinstance(panel.x, Categories) and panel.x.numbers is not None and marks.kind in COUNTED_KINDS:
        panel = replace(panel, x=exact_axis(panel.x.numbers, strokes_of(pieces_of(panel.drawing.paths))))
    if marks.kind in ("errorbar", "scatter"):
        marks = replace(marks, series=tuple(with_cut_off(s, panel) for s in marks.series))
    if panel.is_turned:
        to_original = to_original @ Turn((panel.image.shape[0], panel.image.shape[1])).transform
    x0, y0, x1, y1 = panel.box
    corners = to_original.apply([(x0, y0), (x1, y0), (x0, y1), (x1, y1)])
    lo, hi = corners.min(axis=0), corners.max(axis=0)
    values, names = _axis_record(panel, panel.y, to_original, upright=True), _axis_record(panel, panel.x, to_original, upright=False)
    is_forest = marks.kind == "forest"
    if is_forest:
        names = _rows_record(marks.series, panel, to_original)
    record = PanelRecord(
        id=name,
        page=page,
        kind=marks.kind,
        bbox_px=(float(lo[0]), float(lo[1]), float(hi[0]), float(hi[1])),
        medium=marks.medium,
        x_axis=values if is_forest else names,
        y_axis=names if is_forest else values,
        series=tuple(_series_record(s, k, panel, to_original, is_forest=is_forest) for k, s in enumerate(marks.series, start=1)),
        flags=known((*panel.flags, *marks.flags)),
        refused=marks.refused,
        runner_up=marks.runner_up,
        orientation="horizontal" if panel.is_turned and not is_forest else "vertical",
        **marks.said,
    )
    return ReadPanel(panel, to_original, legend, marks.series, record)


def with_cut_off(series: Series, panel: Panel) -> Series:
    """The series with a flag on markers outside the plot as it was found: their error bars may have been cut off with its edge."""
    inside = range(round(panel.box[0] - BEYOND), round(panel.box[2] + BEYOND) + 1)
    marks = (m if round(m.x.px) in inside else replace(m, flags=(*m.flags, "clipped")) for m in series.marks)
    return replace(series, marks=tuple(marks))


def _axis_record(panel: Panel, axis: Axis | Categories | None, to_original: PixelTransform, *, upright: bool) -> AxisRecord:
    title = _title(panel, upright=upright)
    if axis is None:
        return AxisRecord(scale="category", title=title, flags=("no_labels",), reason="no tick labels could be read")
    column = 1 if upright != panel.is_turned else 0
    if isinstance(axis, Categories):
        at = [to_original.apply((px, panel.box[3]))[column] for px in axis.axis.centers_px]
        ticks = tuple(TickRecord(px=float(p), value=n, label=n) for p, n in zip(at, axis.axis.names, strict=True))
        if axis.run_together:
            reason = "tick labels run into one another: they were not read as numbers"
            return AxisRecord(scale="category", title=title, ticks=ticks, flags=("axis_unread",), reason=reason)
        flags = ("dates_as_names",) if axis.are_dates else ()
        reason = "dates stand along the axis: they are given as names, nothing between two of them is read" if axis.are_dates else ""
        return AxisRecord(scale="category", title=title, ticks=ticks, flags=flags, reason=reason)
    along = (0.0, 1.0) if upright else (1.0, 0.0)
    read = []
    for tick in axis.calibration.ticks:
        place = (axis.marks.axis_at, tick.px) if upright else (tick.px, axis.marks.axis_at)
        value = tick.value if np.isfinite(tick.value) else None
        px = float(to_original.apply(place)[column])
        read.append(TickRecord(px=px, value=value, label=tick.label, used=tick.used, reason=tick.reason))
    return AxisRecord(
        scale=cast(ScaleName, axis.calibration.scale.name),
        title=title,
        rmse_px=axis.calibration.rmse_px * float(np.linalg.norm(np.subtract(*to_original.apply([along, (0.0, 0.0)])))),
        ticks=tuple(read),
        flags=tuple(axis.reading.flags),
        reason=axis.reading.reason,
        runner_up=_told(axis.reading.runner_up, axis.span_px),
        unit=axis.unit,
    )


def _told(fit: AxisCalibration | None, span_px: tuple[float, float]) -> str:
    """A reading of an axis in words: its scale, and its values at two places."""
    if fit is None:
        return ""
    with np.errstate(over="ignore"):
        first, last = (float(fit.to_value(px)) for px in span_px)
    return f"{fit.scale.name}, {first:.4g} to {last:.4g}"


def _rows_record(series: Sequence[Series], panel: Panel, to_original: PixelTransform) -> AxisRecord:
    """The names of a forest plot's rows as the axis that they make."""
    marks = [m for s in series for m in s.marks]
    at = [float(to_original.apply((m.x.px, panel.box[3]))[1]) for m in marks]
    ticks = tuple(TickRecord(px=p, value=m.category, label=m.category or "") for p, m in zip(at, marks, strict=True))
    return AxisRecord(scale="category", ticks=ticks)


def _title(panel: Panel, *, upright: bool) -> str:
    """The words along an axis."""
    if upright:
        return y_title(panel.texts, panel.box, min((b.box[0] for b in panel.y.boxes), default=panel.box[0]), panel.height)
    labels = panel.x.boxes if panel.x is not None else ()
    return x_title(panel.texts, panel.box, max((b.box[3] for b in labels), default=panel.box[3]), panel.height)


def _series_record(series: Series, number: int, panel: Panel, to_original: PixelTransform, *, is_forest: bool) -> SeriesRecord:
    points = tuple((_row_record if is_forest else _point_record)(m, panel, to_original) for m in series.marks)
    return SeriesRecord(name=series.name or f"Series {number}", color=series.color, marker=series.marker, points=points)


def _point_record(mark: Mark, panel: Panel, to_original: PixelTransform) -> PointRecord:
    is_placed = np.isfinite(mark.y.px)  # a row of which only the print is known has no place of its own along the values
    px = to_original.apply((mark.x.px, mark.y.px if is_placed else (panel.box[1] + panel.box[3]) / 2))
    y, u_y = _value(panel.y.calibration, mark.y)
    ends = (mark.y_lo, mark.y_hi) if panel.y.calibration.slope < 0 else (mark.y_hi, mark.y_lo)  # values fall along an axis turned round
    (y_lo, u_y_lo), (y_hi, u_y_hi) = (_value(panel.y.calibration, end) for end in ends)
    flags = [*mark.flags, *panel.flags]
    x: float | str | None = None
    u_x = None
    if mark.category is not None:
        x = mark.category
    elif isinstance(panel.x, Categories):
        x = panel.x.axis.nearest(mark.x.px) if panel.x.are_dates else _name_under(panel.x.axis, mark.x.px)
        flags += ["category_unread"] if x is None else []
        flags += ["axis_unread"] if panel.x.run_together else ["dates_as_names"] if panel.x.are_dates else []
    elif panel.x is not None:
        x, u_x = _value(panel.x.calibration, mark.x) if mark.given_x is None else (mark.given_x, 0.0)
        flags += panel.x.reading.flags
    else:
        flags.append("no_labels")
    flags += panel.y.reading.flags
    along = panel.x.calibration if isinstance(panel.x, Axis) else None
    sides = (mark.x_hi, mark.x_lo) if along is not None and along.slope < 0 else (mark.x_lo, mark.x_hi)
    (x_lo, u_x_lo), (x_hi, u_x_hi) = ((None, None) if along is None else _value(along, side) for side in sides)
    return PointRecord(
        x=x, y=y, px=(float(px[0]), float(px[1])), y_lo=y_lo, y_hi=y_hi, u_x=u_x, u_y=u_y, u_y_lo=u_y_lo, u_y_hi=u_y_hi,
        x_lo=x_lo, x_hi=x_hi, u_x_lo=u_x_lo, u_x_hi=u_x_hi,
        flags=known(flags), confidence=mark.confidence, **_parts(mark, panel.y.calibration), **mark.said, **_date(panel.x, x),
    )  # fmt: skip


def _name_under(axis: CategoryAxis, px: float) -> str | None:
    """The name over which a mark stands, None half-way to the next or further off: programs leave out names for which there is no room."""
    number = axis.nearest_index(px)
    apart = np.diff(np.sort(axis.centers_px))
    is_under = apart.size == 0 or abs(axis.centers_px[number] - px) <= AWAY * float(apart.min())
    return axis.names[number] if is_under else None


def _date(axis: Axis | Categories | None, x: float | str | None) -> dict[str, str]:
    """The date of a point under `x_date`, where its x counts days from a year that is known."""
    is_dated = isinstance(axis, Axis) and axis.unit == SINCE_EPOCH
    return {"x_date": iso_date(x)} if is_dated and isinstance(x, float) else {}


def _row_record(mark: Mark, panel: Panel, to_original: PixelTransform) -> PointRecord:
    """A row of a forest plot: the values that the turned view has along y stand along x."""
    point = _point_record(mark, panel, to_original)
    along = {f"{u}x{end}": getattr(point, f"{u}y{end}") for u in ("", "u_") for end in ("", "_lo", "_hi")}
    return point.model_copy(update={**along, **dict.fromkeys(("y_lo", "y_hi", "u_y", "u_y_lo", "u_y_hi")), "y": point.x})


def _parts(mark: Mark, axis: AxisCalibration) -> dict[str, Any]:
    """The further places of a mark in data units, each with its uncertainty under `u_` and its name."""
    fields: dict[str, Any] = {}
    for name, part in mark.parts.items():
        if isinstance(part, tuple):
            read = [_value(axis, place) for place in part]
            fields[name], fields[f"u_{name}"] = tuple(v for v, _ in read), tuple(u for _, u in read)
        else:
            fields[name], fields[f"u_{name}"] = _value(axis, part)
    return fields


def _value(axis: AxisCalibration, place: Place | None) -> tuple[float | None, float | None]:
    if place is None or not np.isfinite(place.px):
        return None, None
    return float(axis.to_value(place.px)), float(axis.u_value(place.px, place.u_px))
