"""What kind of plot a panel is, by evidence, and its marks read by the detector of that kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digitize.bars import bar_evidence, read_bars
from digitize.legend import LegendEntry
from digitize.panels import Panel
from digitize.points import read_points
from digitize.record import Kind, Medium
from digitize.series import Series
from digitize.vector.read import read_vector_bars, read_vector_points, vector_scene

READ_KINDS = ("errorbar", "bar")


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
    if kind == "bar" or (kind is None and bar_evidence(panel, legend) >= 0.5):
        bars = read_bars(panel, legend)
        if bars.series:
            return Marks("bar", bars.series, bars.flags)
        return Marks("bar", refused="bars were seen, but none could be read")
    return _points(read_points(panel, legend), kind, "raster")


def _vector_marks(panel: Panel, legend: Sequence[LegendEntry], kind: str | None) -> Marks | None:
    """The marks as paths draw them; None where the plot's paths do not show any."""
    scene = vector_scene(panel, legend)
    if scene is None:
        return None
    if kind != "errorbar":
        bars, flags = read_vector_bars(scene, legend)
        if bars:
            return Marks("bar", bars, flags, medium="vector")
    points = read_vector_points(scene, legend) if kind != "bar" else ()
    return _points(points, kind, "vector") if points else None


def _points(series: tuple[Series, ...], kind: str | None, medium: Medium) -> Marks:
    count = sum(len(s.marks) for s in series)
    with_bar = sum(m.y_lo is not None or m.y_hi is not None for s in series for m in s.marks)
    if not count:
        return Marks("unknown", refused="no markers with error bars and no bars were found in this plot; other kinds are not read yet")
    if kind is None and with_bar < 0.3 * count:
        refused = f"{count} markers were found but only {with_bar} error bars: scatter plots are not read yet"
        return Marks("scatter", refused=refused, medium=medium)
    return Marks("errorbar", series, medium=medium)
