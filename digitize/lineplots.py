"""Line plots read off pixels: the curves of each ink, and their values at given x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.categories import Categories
from digitize.curvepoints import mark_at, off_curve, places_along_x
from digitize.curves import COLORED, picture_of, strokes_of_plot, without_words
from digitize.greys import greys
from digitize.ink import find_layers, largest, paper_color
from digitize.legend import LegendEntry
from digitize.linebands import U_PX, Ground, ground_of, has_band
from digitize.linemeetings import is_mixed, settled
from digitize.linenames import Look, names_of
from digitize.linetraces import Strand, Traced, trace
from digitize.linevalues import Way, outline, value_at, way_of
from digitize.painting import Picture
from digitize.panels import Panel
from digitize.series import Mark, Place, Series, hex_color

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

COLUMNS = 0.15  # share of the plot's columns in which an ink shows that a curve may be drawn in
LONG, LEAST_SHOWN = 0.3, 0.22  # share of the plot's width that a curve crosses; of its columns in which it shows
THIN = 0.33  # digit heights: no marker is as small
SURELY_EXPLAINED, MOST_CROWDED = 0.78, 0.1  # share of ink on curves where markers seem to stand; of ink too thick for a stroke
SURE_LONG, EXPLAINED = 0.5, 0.7  # the same of curves that make a line plot; share of the plot's ink that these must be
OTHER, OWN = 0.12, 0.2  # ink from which on a pixel may hide a curve; share of its own colour up to which it is other ink
RIM_OF, PALE_RIM = 0.25, 0.45  # own ink beside which paler ink than this is its rim
EDGE = 0.35  # of a digit's height: how far from the edge of the plot its frame may lie
LEVEL_PX = 1.0  # px by which a curve that is level all the way wavers
GRID_ALONG, PALE = 0.9, 0.7  # share of a row or column that a gridline covers; of full ink, that it has at most
ALIKE = 0.6  # share of its places at which a curve lies on ones of another ink: it is made of their rims
PARTLY = 0.6  # of the longest curve's columns: a shorter one may be a part of another
BEND_PX, APART = 0.7, 3.0  # px by which the way between two points may leave the straight line; px between points
AT_END = 5.0  # px past the end of a curve that a tick may stand at it, as where the axis line covers the end
SPIKES, TALL, NARROW = 2, 3.0, (2.5, 4.0)  # strokes across a curve that are error bars; times its stroke; width of one
LEFT, LEFT_INK = 0.3, 0.62  # share of the plot's columns in which ink is left over, as that of one more curve; ink that counts


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of a line plot: its strand and way, the ink of its layer, its colour and name, and flags that all its points carry."""

    strand: Strand
    way: Way
    traced: Traced
    color: tuple[int, int, int]
    name: str = ""
    flags: tuple[str, ...] = ()
    band: Ground | None = None
    """The ground in which the edges of its band lie, where it has one."""


@dataclass(frozen=True, eq=False)
class LinePlot:
    """The curves of a panel; `explained` is the share of the plot's ink that lies on them, `spikes` how many strokes stand across them.

    `crowded` is the share of the plot's ink that is too thick to be a stroke.
    """

    curves: tuple[Curve, ...]
    explained: float = 0.0
    spikes: int = 0
    crowded: float = 0.0


def find_line_plot(panel: Panel, legend: Sequence[LegendEntry]) -> LinePlot:
    """The curves of a panel, traced."""
    words = without_words(panel, legend)
    crop = strokes_of_plot(panel, legend)
    paper = paper_color(crop)
    crop = _without_grid(crop, paper)
    picture = picture_of(crop)
    layers = [y for y in find_layers(crop).layers if float((y.amount > 0.3).any(axis=0).mean()) > COLUMNS]
    if not layers:
        return LinePlot(())
    amounts = picture.amounts([np.asarray(np.array(y.color) / 255, dtype=np.float32) for y in layers])
    ink = picture.any_ink()
    veiled = largest(np.abs(panel.crop.astype(np.int16) - crop)) > 40
    found: list[Curve] = []
    for layer, amount in zip(layers, amounts, strict=True):
        hiding = _other_ink(picture, amount, ink, layer.color) | veiled
        own = _curves(amount, hiding, layer.color, panel)
        found += _in_shades(own, crop, hiding, panel) if layer.is_grey and own else own
    found = _without_rims(found)
    longest = max((c.strand.span for c in found), default=0.0)
    found = [_doubted(c, panel, longest) for c in found if not _is_gridline(c, panel)]
    looks = [Look(c.color, c.strand, c.traced.thickness) for c in found]
    found = [replace(c, name=name) for c, name in zip(found, names_of(looks, panel, legend), strict=True)]
    spikes = sum(_spikes(c) for c in found)
    strokes = np.where((ink > 2 * OTHER) & ~veiled, ink, 0)
    drawn = _drawn(found, ink.shape)
    edge = round(EDGE * panel.height)
    left = ((strokes > LEFT_INK) & ~drawn)[edge : strokes.shape[0] - edge]
    if found and float(left.any(axis=0).mean()) > LEFT:
        found = [replace(c, flags=(*c.flags, "curve_missing")) for c in found]
    found = _with_bands(found, ground_of(words, paper, panel.height))
    total = max(float(strokes.sum()), 1e-6)
    crowded = np.any([c.traced.crowded for c in found], axis=0) if found else np.zeros(ink.shape, dtype=bool)
    return LinePlot(tuple(found), float(strokes[drawn].sum()) / total, spikes, float(strokes[crowded].sum()) / total)


def _curves(amount: FloatArray, hiding: Mask, color: tuple[int, int, int], panel: Panel, *, is_shade: bool = False) -> list[Curve]:
    """The curves of one ink (h, w) that cross the plot."""
    traced = trace(amount, hiding)
    if traced is None:
        return []
    width = amount.shape[1]
    whole = settled([s for s in traced.strands if s.span > 0.5 * LONG * width], traced.thickness, traced.crowded)
    long = [s for s in whole if s.span > LONG * width and s.shown > LEAST_SHOWN]
    curves = [Curve(s, way_of(s, traced.thickness, hiding, traced.crowded, is_shade=is_shade), traced, color) for s in long]
    return [c for c in curves if not _is_frame(c, panel)]


def _in_shades(curves: list[Curve], crop: NDArray[np.uint8], hiding: Mask, panel: Panel) -> list[Curve]:
    """The curves of black and grey ink, each traced in its own shade where there are several and none is lost so."""
    shades = greys(crop, COLORED, max(c.traced.thickness for c in curves))
    found: list[Curve] = []
    for shade in shades:
        others = np.max([s.amount for s in shades if s is not shade], axis=0)
        found += _curves(shade.amount, hiding | (others > RIM_OF), shade.color, panel, is_shade=True)
    told = {c.color for c in found}
    return found if len(told) == len(shades) > 1 and len(found) >= len(curves) else curves


def read_line_plot(plot: LinePlot, panel: Panel, at: Sequence[float] | None) -> tuple[Series, ...]:
    """The curves as series: points at the given x, or else at the ticks, the ends and the bends of each curve."""
    return tuple(Series(c.name, hex_color(c.color), "line", _points(c, panel, at)) for c in plot.curves)


def is_line_plot(plot: LinePlot, panel: Panel, *, is_sure: bool = False) -> bool:
    """Whether the curves are most of what the plot shows, so that it is one though nobody said so.

    With `is_sure` its strokes must be thinner than any marker and nothing thicker may stand on them.
    """
    width = panel.box[2] - panel.box[0]
    is_long = any(c.strand.span > SURE_LONG * width for c in plot.curves)
    is_told = is_long and plot.explained > EXPLAINED and plot.spikes < SPIKES
    if not (is_told and is_sure):
        return is_told
    is_thin = all(c.traced.thickness < THIN * panel.height for c in plot.curves)
    return is_thin and plot.explained > SURELY_EXPLAINED and plot.crowded < MOST_CROWDED


# What is a curve


def _other_ink(picture: Picture, amount: FloatArray, ink: FloatArray, color: tuple[int, int, int]) -> Mask:
    """Where ink that is not of a colour may hide a curve of it; the pale rim of its own strokes hides nothing."""
    own = np.asarray(np.array(color) / 255, dtype=np.float32)
    rim = (cv2.dilate((amount > RIM_OF).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & (ink < PALE_RIM)
    return np.asarray(picture.unexplained(amount, own) & (ink > OTHER) & (amount < OWN) & ~rim, dtype=np.bool_)


def _without_grid(crop: NDArray[np.uint8], paper: FloatArray) -> NDArray[np.uint8]:
    """The plot without gridlines: rows and columns that pale ink covers from end to end, but for what is darker on them."""
    drop = np.clip(paper - crop.astype(np.float32), 0, None)
    strength = largest(drop)
    full = float(np.quantile(strength[strength > 36], 0.95)) if (strength > 36).any() else 255.0
    result = crop.copy()
    for axis in (1, 0):
        covered = (strength > 8).mean(axis=axis) > GRID_ALONG
        typical = np.median(strength, axis=axis)
        for k in np.flatnonzero(covered & (typical < PALE * full)).tolist():
            line = (slice(k, k + 1), slice(None)) if axis == 1 else (slice(None), slice(k, k + 1))
            shade = np.median(drop[line].reshape(-1, 3), axis=0)
            lifted = crop[line].astype(np.float32) + shade
            is_darker = (strength[line] > float(typical[k]) + 10)[..., None]
            result[line] = np.clip(np.where(is_darker, lifted, paper), 0, 255).astype(np.uint8)
    return result


def _is_frame(curve: Curve, panel: Panel) -> bool:
    """Whether a curve runs along an edge of the plot, level all the way."""
    y, edge = curve.way.y, EDGE * panel.height
    height = panel.box[3] - panel.box[1]
    return bool(np.ptp(y) < 2 * LEVEL_PX and (y.max() <= edge or y.min() >= height - edge))


def _is_level(curve: Curve) -> bool:
    return bool(np.ptp(curve.way.y) < LEVEL_PX)


def _is_gridline(curve: Curve, panel: Panel) -> bool:
    """Whether a curve is a grey line, level from side to side at the height of a tick."""
    ticks = np.array([t.px for t in panel.y.calibration.ticks]) - panel.box[1]
    at_tick = ticks.size > 0 and float(np.abs(ticks - np.median(curve.way.y)).min()) < 1.5
    is_whole = curve.strand.span > 0.95 * (panel.box[2] - panel.box[0])
    return _is_level(curve) and at_tick and is_whole and max(curve.color) - min(curve.color) < 40


def _doubted(curve: Curve, panel: Panel, longest: float) -> Curve:
    """A curve with what is in doubt of all its points."""
    is_doubtful = bool(curve.strand.rivals) or is_mixed(curve.strand, curve.traced.thickness)
    flags: tuple[str, ...] = ("curves_alike",) if is_doubtful else ()
    is_whole = curve.strand.span > 0.95 * (panel.box[2] - panel.box[0])
    flags += ("curve_in_part",) if curve.strand.span < PARTLY * longest else ()
    flags += ("level_line",) if _is_level(curve) and is_whole else ()
    return replace(curve, flags=flags)


def _without_rims(curves: Sequence[Curve]) -> list[Curve]:
    """The curves without those that lie on ones of another ink and have less of it: the rims that compression gives a stroke."""
    kept: list[Curve] = []
    for curve in sorted(curves, key=lambda c: -c.strand.span * c.strand.shown * c.traced.thickness):
        x, y = curve.way.x, curve.way.y
        near = np.zeros(x.shape, dtype=bool)
        for other in kept:
            if other.color != curve.color:
                inside = (x >= other.way.x[0]) & (x <= other.way.x[-1])
                near |= inside & (np.abs(np.interp(x, other.way.x, other.way.y) - y) < other.traced.thickness + 1)
        if near.mean() <= ALIKE:
            kept.append(curve)
    return sorted(kept, key=lambda c: float(c.way.y[0]))


def _spikes(curve: Curve) -> int:
    """How many strokes stand upright across a curve, as error bars do."""
    way, crowded = curve.way, curve.traced.crowded
    gaps = np.diff(way.x)
    count = 0
    for k in np.flatnonzero((gaps > 1.5) & (gaps < NARROW[0] * way.thickness + NARROW[1])).tolist():
        column, row = round((way.x[k] + way.x[k + 1]) / 2), (way.y[k] + way.y[k + 1]) / 2
        inked = np.flatnonzero(~crowded[:, min(column, crowded.shape[1] - 1)])
        above, below = inked[inked < row], inked[inked >= row]
        top = int(above[-1]) + 1 if above.size else 0
        bottom = int(below[0]) - 1 if below.size else crowded.shape[0] - 1
        reach = max(row - top, bottom - row) - 0.5 * abs(way.y[k + 1] - way.y[k])
        count += bool(TALL * way.thickness < reach and bottom - top < 0.9 * crowded.shape[0])
    return count


def _drawn(curves: Sequence[Curve], shape: tuple[int, ...]) -> Mask:
    """Where (h, w) the ink of curves lies."""
    drawn = np.zeros(shape, dtype=np.uint8)
    for curve in curves:
        corners = np.rint(np.column_stack([curve.way.x, curve.way.y])).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(drawn, [corners], isClosed=False, color=1, thickness=int(np.ceil(curve.traced.thickness)) + 4)
    return drawn > 0


# Points


def _points(curve: Curve, panel: Panel, at: Sequence[float] | None) -> tuple[Mark, ...]:
    x0, y0 = panel.box[0], panel.box[1]
    if at is not None:
        places: list[tuple[float | None, float]] = list(places_along_x(panel, at))
    else:
        places = [(None, px) for px in _own_places(curve, panel)]
    marks = []
    for given, px in places:
        value = value_at(curve.way, px - x0) if np.isfinite(px) else None
        if value is None or np.isnan(value.y):
            marks.append(off_curve(px, panel, given if given is not None else float("nan")))
        else:
            mark = mark_at(px, value.y + y0, value.u, value.slope, panel, (*value.flags, *curve.flags), given)
            marks.append(_banded(mark, curve, px - x0, value.y, y0) if curve.band is not None else mark)
    return tuple(marks)


def _with_bands(curves: Sequence[Curve], ground: Ground) -> list[Curve]:
    """The curves with their bands; one that runs in a shade whose edges do not show says that it was not read."""
    result = []
    for curve in curves:
        is_shaded, is_own = has_band(curve.way, ground)
        flags = (*curve.flags, "band_unread") if is_shaded and not is_own else curve.flags
        result.append(replace(curve, flags=flags, band=ground if is_own else None))
    return result


def _banded(mark: Mark, curve: Curve, x: float, y: float, y0: int) -> Mark:
    """A point with the limits that the band around its curve shows, or the word that they do not show here."""
    edges = curve.band.edges(x, y, curve.way.thickness) if curve.band is not None else None
    if edges is None:
        return replace(mark, flags=(*mark.flags, "band_unread"), confidence=0.6)
    upper, lower = (Place(edge + y0, float(np.hypot(U_PX, mark.y.u_px))) for edge in edges)
    return replace(mark, y_lo=lower, y_hi=upper)


def _own_places(curve: Curve, panel: Panel) -> list[float]:
    """Columns of the ends of a curve, of the ticks between them, and of its bends."""
    x0 = panel.box[0]
    way = curve.way
    points = outline(way).astype(np.float32).reshape(-1, 1, 2)
    bends = np.asarray(cv2.approxPolyDP(points, BEND_PX, closed=False), dtype=float).reshape(-1, 2)[:, 0] + x0
    ends = (float(way.x[0]) + x0, float(way.x[-1]) + x0)
    places = [px for px in _tick_places(panel) if ends[0] - AT_END <= px <= ends[1] + AT_END]
    for bend in (*ends, *bends.tolist()):
        if all(abs(bend - place) > APART for place in places):
            places.append(bend)
    return sorted(places)


def _tick_places(panel: Panel) -> list[float]:
    if isinstance(panel.x, Categories):
        return [float(px) for px in panel.x.axis.centers_px]
    return [t.px for t in panel.x.calibration.ticks if t.used] if panel.x is not None else []
