"""What kind of plot a panel is, by evidence, and its marks read by the detector of that kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from digitize.atrisk import read_numbers_at_risk
from digitize.axes import Axis
from digitize.bars import bar_evidence, read_bars
from digitize.barstrokes import DOUBTS
from digitize.boxes import box_evidence, read_boxes
from digitize.categories import Categories
from digitize.curvepoints import places_along_x
from digitize.curves import curve_evidence, read_curves
from digitize.forest.read import forest_evidence, read_forest
from digitize.histograms import histogram_evidence, read_histogram
from digitize.infill import with_fills_flagged
from digitize.legend import LegendEntry
from digitize.lineplots import SPIKES, LinePlot, find_line_plot, is_line_plot, read_line_plot
from digitize.panels import Panel
from digitize.points import read_points
from digitize.record import Kind, Medium
from digitize.scatter import read_scatter
from digitize.series import Mark, Series
from digitize.unmarked import Unmarked, are_left_out, read_unmarked
from digitize.vector.boxes import are_boxes
from digitize.vector.boxes import read_boxes as read_vector_boxes
from digitize.vector.curves import read_curves as read_vector_curves
from digitize.vector.histograms import read_histogram as read_vector_histogram
from digitize.vector.lines import are_outlined, read_lines
from digitize.vector.read import read_vector_bars, read_vector_points, read_vector_unmarked, vector_scene

OUTLINED_CURVES = "its curves are drawn as areas, outlined stroke by stroke; such curves are not read"
PERHAPS_BARS = 0.35  # share of markers at which something like an error bar stands: then a scatter plot is not sure to be one
MOST_BARRED = 0.7  # share of bars with an error bar, from which on one without is in doubt
BETWEEN = 0.12  # distance of ticks, by which the middle of a group of bars lies off the tick that names it
FEWEST_COLUMNS, DODGED = 3, 0.3  # columns that are no chance; share of their distance by which the marks of one stand beside one another
CROWD = 60  # markers from which on those that overlap look as if strokes ran between them
CROWD_DOUBTS = frozenset({"end_inferred", "end_doubtful", "shared_stem"})  # and make ends of such kinds
FEW_MARKERS = 20  # below so many markers, the doubts about all of their error bars may be chance
BAR_DOUBTS = DOUBTS | CROWD_DOUBTS
INFERRED = frozenset({"end_inferred", "mirrored"})  # flags of error bars of which no end, or but one, was seen on its own
LEFT_OUT = ("bars_left_out",)
MANY_BINS, SAME_BIN = 7, 3.0  # bars that may be bins, at least so many; px within which two bars stand over one place
PERHAPS, SURELY = 0.5, 0.8  # evidence from which on a kind is tried, and from which on no other is


@dataclass(frozen=True)
class Marks:
    """The marks of a panel: its kind, its series, its flags; `refused` says why there are none.

    `runner_up` is the kind that the picture speaks for next, empty where it speaks for no other; `said` is what the record says of the
    panel as it stands; `axis` is the axis of values where the marks told more of it than its labels.
    """

    kind: Kind
    series: tuple[Series, ...] = ()
    flags: tuple[str, ...] = ()
    refused: str = ""
    medium: Medium = "raster"
    runner_up: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    axis: Axis | None = None


@dataclass(frozen=True)
class Reader:
    """How one kind of plot is told from pixels and read: `evidence` (0 to 1) reads no value; `read` finds the marks."""

    kind: Kind
    evidence: Callable[[Panel, Sequence[LegendEntry]], float]
    read: Callable[[Panel, Sequence[LegendEntry]], Marks]


def _bars(panel: Panel, legend: Sequence[LegendEntry]) -> Marks:
    reading = read_bars(panel, legend)
    return bar_marks(panel, reading.series, reading.flags, "raster")


def bar_marks(panel: Panel, series: tuple[Series, ...], flags: tuple[str, ...], medium: Medium) -> Marks:
    """Bars, in doubt where they stand over an axis of numbers but not over its ticks: then they may be bins."""
    series = _without_error_bars_flagged(series)
    if series and _has_bare_name(panel, series):
        flags = (*flags, "bar_missing")
        # Where pixels hide one bar they may have misled about the others; paths do not.
        series = _doubted(series, ("bar_missing",)) if medium == "raster" else series
    if _stand_between_ticks(panel, series) or _touch_over_numbers(panel, series):
        return Marks("bar", _doubted(series, ("bins_perhaps",)), (*flags, "bins_perhaps"), medium=medium)
    return Marks("bar", series, flags, medium=medium)


def _without_error_bars_flagged(series: tuple[Series, ...]) -> tuple[Series, ...]:
    """The series with a flag on bars that have no error bar where nearly all others have one."""
    has_end = [m.y_lo is not None or m.y_hi is not None for s in series for m in s.marks]
    if not has_end or all(has_end) or np.mean(has_end) < MOST_BARRED:
        return series

    def flagged(mark: Mark) -> Mark:
        is_told = bool(mark.flags) or mark.y_lo is not None or mark.y_hi is not None
        return mark if is_told else replace(mark, flags=("error_bar_hidden",))

    return tuple(replace(s, marks=tuple(flagged(m) for m in s.marks)) for s in series)


def _has_bare_name(panel: Panel, series: Sequence[Series]) -> bool:
    """Whether no bar stands over one of the names along the axis."""
    if panel.is_turned or not isinstance(panel.x, Categories):
        return False
    named = {panel.x.axis.nearest_index(m.x.px) for s in series for m in s.marks}
    return len(named) < len(panel.x.axis.names)


def _stand_between_ticks(panel: Panel, series: Sequence[Series]) -> bool:
    """Whether most groups of bars, not all of which have error bars, lie off the ticks of an axis of numbers."""
    marks = [m for s in series for m in s.marks]
    if panel.is_turned or not isinstance(panel.x, Axis) or all(m.y_lo is not None or m.y_hi is not None for m in marks):
        return False
    ticks = np.array([t.px for t in panel.x.calibration.ticks])
    groups: dict[str | None, list[float]] = {}
    for mark in marks:
        groups.setdefault(mark.category, []).append(mark.x.px)
    if len(ticks) < 2 or not groups:
        return False
    apart = float(np.median(np.diff(np.sort(ticks))))
    off = [float(np.abs(ticks - np.mean(at)).min()) > BETWEEN * apart for at in groups.values()]
    return sum(off) > 0.5 * len(off)


def _touch_over_numbers(panel: Panel, series: Sequence[Series]) -> bool:
    """Whether many bars stand evenly over an axis of numbers, closer than its ticks, and most without an error bar."""
    marks = [m for s in series for m in s.marks]
    if panel.is_turned or not isinstance(panel.x, Axis) or sum(m.y_lo is not None or m.y_hi is not None for m in marks) > 0.5 * len(marks):
        return False
    at = np.unique(np.round([m.x.px for m in marks]))
    at = at[np.diff(at, prepend=-np.inf) > SAME_BIN]
    gaps = np.diff(at)
    ticks = [t.px for t in panel.x.calibration.ticks]
    is_close = at.size > max(MANY_BINS, len(ticks))
    return is_close and float(np.mean(np.abs(gaps / np.median(gaps) - np.round(gaps / np.median(gaps))) < 0.1)) > MOST_BARRED


def _forest(panel: Panel, legend: Sequence[LegendEntry]) -> Marks:
    reading = read_forest(panel)
    return Marks("forest", reading.series, said=reading.said, axis=reading.axis)


def _boxes(panel: Panel, legend: Sequence[LegendEntry]) -> Marks:
    series = read_boxes(panel, legend)
    marks = box_marks(series, "raster")
    is_missing = bool(series) and _has_bare_name(panel, series)
    return replace(marks, series=_doubted(series, ("box_missing",)), flags=("box_missing",)) if is_missing else marks


def box_marks(series: tuple[Series, ...], medium: Medium) -> Marks:
    """Box plots say what their whiskers may be: outliers beyond them tell that they are no ranges."""
    has_outliers = any(m.parts.get("outliers") for s in series for m in s.marks)
    whiskers = "not the range: outliers lie beyond them" if has_outliers else "not told: the range or 1.5 IQR at most"
    return Marks("box", series, medium=medium, said={"whiskers": whiskers})


def _curves(panel: Panel, legend: Sequence[LegendEntry]) -> Marks:
    return _curve_marks(panel, read_curves(panel, legend), "raster")


def _curve_marks(panel: Panel, series: tuple[Series, ...], medium: Medium) -> Marks:
    """Survival curves with the numbers at risk that are printed below them."""
    rows = read_numbers_at_risk(panel, series) if series else ()
    return Marks("km", series, medium=medium, said={"at_risk": tuple(asdict(row) for row in rows)} if rows else {})


def _histogram(panel: Panel, legend: Sequence[LegendEntry]) -> Marks:
    return Marks("histogram", read_histogram(panel, legend))


READERS: tuple[Reader, ...] = (
    Reader("histogram", histogram_evidence, _histogram),
    Reader("box", box_evidence, _boxes),
    Reader("bar", bar_evidence, _bars),
    Reader("km", curve_evidence, _curves),
    Reader("forest", lambda panel, _: forest_evidence(panel), _forest),
)
"""The kinds that have an evidence of their own; markers with error bars are what is looked for where none of them stands out."""
READ_KINDS: tuple[str, ...] = ("errorbar", "scatter", "line", *(reader.kind for reader in READERS))


def read_marks(panel: Panel, legend: Sequence[LegendEntry], kind: str | None = None, at: Sequence[float] | None = None) -> Marks:
    """The marks of a panel, of the kind given or else of the kind that the picture speaks for; curves at the x that are given."""
    drawn = None if _is_forest(panel, kind) else _vector_marks(panel, legend, kind, at)
    if drawn is not None:
        return drawn
    if kind == "line":
        return _traced(panel, find_line_plot(panel, legend), at)
    rivals = sorted(((reader.evidence(panel, legend), reader) for reader in READERS if kind is None), key=lambda r: -r[0])
    told = [(evidence, reader) for evidence, reader in rivals if evidence >= PERHAPS]
    told += [(1.0, reader) for reader in READERS if reader.kind == kind]
    for k, (evidence, reader) in enumerate(told):
        marks = replace(reader.read(panel, legend), runner_up=told[k + 1][1].kind if k + 1 < len(told) else "")
        # A lone mark proves nothing: a legend's frame or a pair of lines can look like one.
        if marks.series and (kind is not None or sum(len(s.marks) for s in marks.series) >= 2):
            return marks
        if evidence >= SURELY:
            return Marks(reader.kind, refused=marks.refused or f"marks of kind {reader.kind} were looked for, but none could be read")
    if panel.is_turned and kind is None:
        return Marks("unknown", refused="nothing that is read was found along this axis")
    unmarked = read_unmarked(panel, legend) if kind in (None, "errorbar") and not panel.is_turned else Unmarked()
    if unmarked.series or unmarked.refused:
        return Marks("errorbar", unmarked.series, unmarked.flags, refused=unmarked.refused)
    marks = _points(read_points(panel, legend), kind, "raster", height=panel.height) if kind != "scatter" else Marks("scatter")
    marks = replace(marks, series=with_fills_flagged(marks.series, panel))
    if kind is None and marks.kind in ("unknown", "scatter"):
        plot = find_line_plot(panel, legend)
        # The dots of a dotted line look like small markers.
        if is_line_plot(plot, panel, is_sure=marks.kind == "scatter"):
            return _traced(panel, plot, at)
    if marks.kind != "scatter":
        is_part = marks.kind == "errorbar" and are_left_out(panel, legend, marks.series)
        return replace(marks, series=_doubted(marks.series, LEFT_OUT), flags=(*marks.flags, *LEFT_OUT)) if is_part else marks
    reading = read_scatter(panel, legend)
    flags = (*marks.flags, "overplotted") if reading.n_hidden else marks.flags
    found = with_fills_flagged(_doubted(reading.series, marks.flags), panel)
    return replace(marks, series=found, flags=flags, said={"hidden_points": reading.n_hidden})


def _traced(panel: Panel, plot: LinePlot, at: Sequence[float] | None) -> Marks:
    """Curves off pixels; refused where nothing is one, where they carry error bars, or where they cannot be read at the given x."""
    refused = _cannot_be_read_at(panel, at)
    if refused:
        return Marks("line", refused=refused)
    if not plot.curves:
        return Marks("line", refused="no stroke that crosses the plot as a curve does was found")
    if plot.spikes >= SPIKES:
        return Marks("line", refused=f"strokes stand upright on the curves, as error bars do ({plot.spikes} of them): this is no line plot")
    return Marks("line", read_line_plot(plot, panel, at))


def _cannot_be_read_at(panel: Panel, at: Sequence[float] | None) -> str:
    """Why no curve of a panel has a value at the given x, in words; empty where some may have."""
    if at is None:
        return ""
    if not isinstance(panel.x, Axis):
        found = "nothing that was read" if panel.x is None else "names"
        return f"expected numbers along the x axis at which the curves are read, found {found}"
    left, right = panel.box[0] - panel.height, panel.box[2] + panel.height
    if any(left <= px <= right for _, px in places_along_x(panel, at)):
        return ""
    lo, hi = sorted(float(panel.x.calibration.to_value(px)) for px in (panel.box[0], panel.box[2]))
    return f"expected an x within the plot, {lo:.4g} to {hi:.4g}, found {', '.join(f'{v:g}' for v in at)}"


def _is_forest(panel: Panel, kind: str | None) -> bool:
    """Whether a panel's marks are rows of a forest plot, which are read off the rendering of paths as well."""
    return panel.is_turned and (kind == "forest" or (kind is None and forest_evidence(panel) >= PERHAPS))


def _vector_marks(panel: Panel, legend: Sequence[LegendEntry], kind: str | None, at: Sequence[float] | None = None) -> Marks | None:
    """The marks as paths draw them; None where the plot's paths do not show any."""
    scene = vector_scene(panel, legend)
    if scene is None:
        return None
    if kind in (None, "box") and are_boxes(scene):
        return box_marks(read_vector_boxes(scene, legend), "vector")
    if kind in (None, "km") and isinstance(panel.x, Axis) and not panel.is_turned:
        curves = read_vector_curves(scene, legend)
        if curves:
            return _curve_marks(panel, curves, "vector")
    if kind in (None, "histogram"):
        bins = read_vector_histogram(scene, legend)
        if bins:
            return Marks("histogram", bins, medium="vector")
    if kind not in ("errorbar", "scatter", "box", "km", "histogram"):
        bars, flags = read_vector_bars(scene, legend)
        if bars:
            return bar_marks(panel, bars, flags, "vector")
    # Along a level axis markers are told by the rows' names (a forest plot) or not at all.
    are_asked = kind not in ("bar", "box", "km", "histogram", "line") and not (panel.is_turned and kind is None)
    points = read_vector_points(scene, legend) if are_asked else ()
    if not points and are_asked and kind != "scatter":
        unmarked = read_vector_unmarked(scene, legend)
        if unmarked:
            return Marks("errorbar", unmarked, medium="vector")
    if not points:
        lines = read_lines(scene, legend, at) if kind in (None, "line") and not panel.is_turned else ()
        if not lines and kind is None and are_outlined(scene):
            return Marks("line", refused=OUTLINED_CURVES, medium="vector")
        if lines:
            refused = _cannot_be_read_at(panel, at)
            return Marks("line", () if refused else lines, refused=refused, medium="vector")
        return None
    marks = _points(points, kind, "vector", n_strokes=len(scene.stems))
    return replace(marks, series=_doubted(marks.series, marks.flags)) if marks.kind == "scatter" else marks


def _points(series: tuple[Series, ...], kind: str | None, medium: Medium, *, n_strokes: int = 0, height: float = 0.0) -> Marks:
    """The marks as those of an error-bar plot, or of a scatter plot where hardly one has a clear error bar.

    A scatter plot is flagged where strokes or doubtful ends suggest that there are error bars all the same. `height` is that of the
    digits, px: what an inferred error bar must reach beyond its marker's middle, where pixels may show the marker's own outline as one.
    """
    count = sum(len(s.marks) for s in series)
    doubts = CROWD_DOUBTS if count >= CROWD else frozenset[str]()
    with_bar = sum(
        _has_level_bar(m) or (_has_clear_bar(m) and doubts.isdisjoint(m.flags) and not _may_be_outline(m, height))
        for s in series
        for m in s.marks
    )
    if not count:
        return Marks("unknown", refused="no markers, bars, boxes, bins or curves were found in this plot")
    doubtful = sum(m.y_lo is not None or m.y_hi is not None for s in series for m in s.marks)
    are_means = doubtful >= MOST_BARRED * count and _share_columns(series)
    if kind == "scatter" or (kind is None and (with_bar < 0.2 * count or _is_cloud(series)) and not are_means):
        may_be_level = any("error_bars_unread" in m.flags for s in series for m in s.marks)
        is_doubtful = may_be_level or max(doubtful, n_strokes) >= PERHAPS_BARS * count
        flags = ("error_bars_unread",) if kind is None and is_doubtful else ()
        return Marks("scatter", tuple(replace(s, marks=tuple(_bare(m) for m in s.marks)) for s in series), flags, medium=medium)
    return Marks("errorbar", series, medium=medium)


def _share_columns(series: Sequence[Series]) -> bool:
    """Whether each series has a marker over each of the same places along the axis, as means at the same times have."""
    at = [sorted(m.x.px for m in s.marks) for s in series]
    if len(at) < 2 or len(at[0]) < FEWEST_COLUMNS or len({len(places) for places in at}) > 1:
        return False
    places = np.array(at)
    return bool((np.ptp(places, axis=0) < DODGED * np.diff(np.median(places, axis=0)).min()).all())


def _is_cloud(series: Sequence[Series]) -> bool:
    """Whether of many markers, most of which stand in columns of their own, not one has an error bar beyond doubt."""
    marks = [m for s in series for m in s.marks]
    has_bar = any(_has_level_bar(m) or (_has_clear_bar(m) and BAR_DOUBTS.isdisjoint(m.flags)) for m in marks)
    at = np.sort([m.x.px for m in marks])
    return not has_bar and len(marks) >= FEW_MARKERS and float(np.mean(np.diff(at) > SAME_BIN)) > MOST_BARRED


def _may_be_outline(mark: Mark, height: float) -> bool:
    """Whether an inferred error bar is as short as a marker: then it may be the outline of its own."""
    reach = max((abs(end.px - mark.y.px) for end in (mark.y_lo, mark.y_hi) if end is not None), default=0.0)
    return not INFERRED.isdisjoint(mark.flags) and reach <= height


def _has_level_bar(mark: Mark) -> bool:
    return mark.x_lo is not None or mark.x_hi is not None


def _bare(mark: Mark) -> Mark:
    return replace(mark, y_lo=None, y_hi=None, x_lo=None, x_hi=None)


def _doubted(series: Sequence[Series], flags: Sequence[str]) -> tuple[Series, ...]:
    """The series with flags on every mark."""
    return tuple(replace(s, marks=tuple(replace(m, flags=(*m.flags, *flags)) for m in s.marks)) for s in series)


def _has_clear_bar(mark: Mark) -> bool:
    """Whether a mark surely has an error bar; on a shared stem only its ends are in doubt."""
    has_end = mark.y_lo is not None or mark.y_hi is not None
    return has_end and ("end_doubtful" not in mark.flags or "shared_stem" in mark.flags)
