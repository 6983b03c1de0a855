"""What kind of plot a panel is, by evidence, and its marks read by the detector of that kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digitize.bars import bar_evidence, read_bars
from digitize.legend import LegendEntry
from digitize.panels import Panel
from digitize.points import read_points
from digitize.record import Kind, Medium
from digitize.series import Mark, Series
from digitize.vector.bars import are_boxes
from digitize.vector.read import read_vector_bars, read_vector_points, vector_scene

READ_KINDS = ("errorbar", "bar")
PERHAPS_BARS, SURELY_BARS = 0.5, 0.8  # evidence from which on bars are tried, and from which on nothing else is


@dataclass(frozen=True)
class Marks:
    """The marks of a panel: its kind, its series, its flags; `refused` says why there are none."""

    kind: Kind
    series: tuple[Series, ...] = ()
    flags: tuple[str, ...] = ()
    refused: str = ""
    medium: Medium = "raster"


def read_marks(panel: Panel, legend: Sequence[LegendEntry], kind: str | None = None) -> Marks:
    """The marks of a panel, of the kind given or else of the kind that the picture speaks for."""
    if kind is not None and kind not in READ_KINDS:
        return Marks("unknown", refused=f"plots of kind {kind} are not read yet: {' and '.join(READ_KINDS)} are")
    drawn = _vector_marks(panel, legend, kind)
    if drawn is not None:
        return drawn
    evidence = 1.0 if kind == "bar" else bar_evidence(panel, legend) if kind is None else 0.0
    if evidence >= PERHAPS_BARS:
        bars = read_bars(panel, legend)
        # A lone rectangle proves nothing: a legend's frame or a pair of lines can look like one.
        if bars.series and (kind == "bar" or sum(len(s.marks) for s in bars.series) >= 2):
            return Marks("bar", bars.series, bars.flags)
        if evidence >= SURELY_BARS:
            return Marks("bar", refused="bars were seen, but none could be read")
    return _points(read_points(panel, legend), kind, "raster")


def _vector_marks(panel: Panel, legend: Sequence[LegendEntry], kind: str | None) -> Marks | None:
    """The marks as paths draw them; None where the plot's paths do not show any."""
    scene = vector_scene(panel, legend)
    if scene is None:
        return None
    if kind is None and are_boxes(scene):
        return Marks("box", refused="boxes with whiskers were found in this plot: box plots are not read yet", medium="vector")
    if kind != "errorbar":
        bars, flags = read_vector_bars(scene, legend)
        if bars:
            return Marks("bar", bars, flags, medium="vector")
    points = read_vector_points(scene, legend) if kind != "bar" else ()
    return _points(points, kind, "vector") if points else None


def _points(series: tuple[Series, ...], kind: str | None, medium: Medium) -> Marks:
    count = sum(len(s.marks) for s in series)
    with_bar = sum(_has_clear_bar(m) for s in series for m in s.marks)
    if not count:
        return Marks("unknown", refused="no markers with error bars and no bars were found in this plot; other kinds are not read yet")
    if kind is None and with_bar < 0.2 * count:
        refused = f"{count} markers were found but only {with_bar} clear error bars: other kinds are not read yet"
        return Marks("scatter", refused=refused, medium=medium)
    return Marks("errorbar", series, medium=medium)


def _has_clear_bar(mark: Mark) -> bool:
    """Whether a mark surely has an error bar; on a shared stem only its ends are in doubt."""
    has_end = mark.y_lo is not None or mark.y_hi is not None
    return has_end and ("end_doubtful" not in mark.flags or "shared_stem" in mark.flags)
