"""Plots of markers with error bars: every marker, its error bars, and the series that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.axis import STEPPED_PX
from digitize.barstrokes import DOUBTS, Sighting
from digitize.covered import Standing, uncovered
from digitize.errorbars import ErrorBar
from digitize.firstlook import Point, points_at_first
from digitize.ink import find_layers, paper_color
from digitize.legend import LegendEntry, is_word, may_be_key
from digitize.levelbars import level_bars
from digitize.looks import SAME_X, Looks, alikeness, distinct, looks_of_keys, looks_of_markers, named, see, shared_out
from digitize.markers import UNIT, find_markers
from digitize.painting import Picture
from digitize.panels import Panel
from digitize.pens import from_px, learned, to_px
from digitize.picture import picture_of
from digitize.refine import Fit, cap_at_end, cap_centre, ink_amount, stroke_end
from digitize.scaled import scaled_to
from digitize.secondlook import looked_at_again
from digitize.series import Mark, Place, Series, hex_color
from digitize.shapes import CIRCLE, Shape

STEPS_KNOWN = 20.0
"""Degrees of freedom that the steps of black and white count for against the scatter of ticks."""
STEPPED_CAP_U = 0.12  # px: by which a cap in black and white is less sure than a tick, which a longer stroke draws
INFERRED_REACH = 1.5  # px by which refining may move an end that was placed by its pixels
BAR_DOUBTS = DOUBTS | {"end_inferred"}
NO_BAR = frozenset({"end_doubtful", "end_hidden", "error_bar_hidden", "mirrored"})  # of these caps and lines may make an upright bar
FEW_UPRIGHT = 0.2  # share of markers with fair upright bars below which a plot with level ones has none
CUT = 1.0  # px from the edge of the plot: a bar that ends there may have been cut off
UNTOLD = frozenset({"end_doubtful", "end_hidden", "error_bar_hidden", "uneven_bar"})  # bars whose middles tell nothing
LOOSE_ANCHOR = 0.04  # half-sizes of a triangle by which its anchor is less sure where bars in doubt show it


def read_points(panel: Panel, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """The series of markers in a panel, in straightened pixels.

    Parameters
    ----------
    panel : Panel
    legend : sequence of LegendEntry
        Its keys and names are taken out of the plot, and name the series.
    """
    crop = without_text(panel, legend)
    scale = UNIT / panel.height
    small = scaled_to(crop, scale)
    ink = find_layers(small)
    markers = distinct([see(m, ink) for m in find_markers(small)]) if ink.layers else []
    blind = scaled_to(np.where(crop == panel.crop, 0, 255).astype(np.uint8), scale).max(axis=2) > 0
    points = points_at_first(ink, markers, blind)
    if not points:
        return ()
    keys = looks_of_keys(panel, legend, ink)
    looks = named(looks_of_markers(markers, ink, keys if len(keys) == len(legend) else ()), keys)
    picture = picture_of(panel, crop, legend, with_keys=False)
    groups = [(look, sorted(own, key=lambda p: p.seen.marker.x)) for look, own in zip(looks, _assigned(points, looks), strict=True) if own]
    drawn = _looked_at_again(_drawn(groups, crop, picture, scale), picture, scale)
    if panel.has_numbers_along_x:
        every = [p for each in drawn for p, _ in each.points]
        drawn = _with_level_bars(drawn, level_bars([p.seen for p in every], ink, small, blind, are_capped=_are_capped(every)))
    return tuple(_series(each, ink_amount(crop, paper_color(crop), each.look.color), scale, panel, legend) for each in drawn)


@dataclass(frozen=True)
class _Drawn:
    """One series: its looks, the outline of its markers, and its points with where each was fitted to its pixels."""

    look: Looks
    shape: Shape
    points: tuple[tuple[Point, Fit], ...]


def _drawn(groups: Sequence[tuple[Looks, Sequence[Point]]], crop: NDArray[np.uint8], picture: Picture, scale: float) -> list[_Drawn]:
    """The series with every marker where its pixels show it, also those that others cover."""
    series = [learned(look, [p.seen.marker for p in own], crop, picture, scale) for look, own in groups]
    drawn = []
    for (look, own), seen, standing in zip(groups, series, uncovered(series, picture, SAME_X / scale), strict=True):
        points = [(_point(own, s, look, scale), s.fit) for s in standing]
        shape = seen.pen.shape if seen.pen is not None else CIRCLE
        drawn.append(_Drawn(look, shape, tuple(sorted(points, key=lambda each: each[1].x))))
    return [each for each in drawn if each.points]


def _point(own: Sequence[Point], standing: Standing, look: Looks, scale: float) -> Point:
    """A marker as it was first seen, or as one that others cover nearly."""
    if standing.number is not None:
        point = own[standing.number]
        return replace(point, bar=replace(point.bar, flags=(*point.bar.flags, "partly_hidden"))) if standing.is_covered else point
    like = max((p.seen for p in own), key=lambda seen: seen.marker.score)
    fit = standing.fit
    marker = replace(like.marker, x=from_px(fit.x, scale), y=from_px(fit.y, scale), size=fit.size * scale, score=0.8)
    return Point(replace(like, marker=marker), ErrorBar(flags=("error_bar_hidden", "partly_hidden")))


def _looked_at_again(drawn: Sequence[_Drawn], picture: Picture, scale: float) -> list[_Drawn]:
    """The series with the bars in doubt weighed anew, now that it is known how the figure draws bars."""
    numbered = [(k, p, f) for k, each in enumerate(drawn) for p, f in each.points]
    sightings = [Sighting(k, drawn[k].look.layer, drawn[k].shape, f, _moved(p.bar, lambda v: to_px(v, scale))) for k, p, f in numbered]
    bars = looked_at_again(sightings, [each.look.color for each in drawn], picture, SAME_X / scale)
    points = [replace(p, bar=_moved(bar, lambda v: from_px(v, scale))) for (_, p, _), bar in zip(numbered, bars, strict=True)]
    return [
        replace(each, points=tuple((p, f) for (k, _, f), p in zip(numbered, points, strict=True) if k == number))
        for number, each in enumerate(drawn)
    ]


def _are_capped(points: Sequence[Point]) -> bool:
    """Whether most ends of upright bars have caps."""
    ends = [c for p in points for e, c in ((p.bar.top, p.bar.top_capped), (p.bar.bottom, p.bar.bottom_capped)) if e is not None]
    return bool(ends) and float(np.mean(ends)) > 0.5


def _with_level_bars(drawn: Sequence[_Drawn], bars: Sequence[ErrorBar]) -> list[_Drawn]:
    """The series with the level bars of their points, one after the other; hardly any fair upright bar beside them means that none is."""
    has_level = any(bar.top is not None for bar in bars)
    every = [p.bar for each in drawn for p, _ in each.points]
    fair = [bar for bar in every if (bar.top is not None or bar.bottom is not None) and not NO_BAR & set(bar.flags)]
    are_upright = not has_level or len(fair) >= FEW_UPRIGHT * len(every)
    left = iter(bars)

    def with_level(point: Point) -> Point:
        kept = point.bar if are_upright else ErrorBar(flags=tuple(f for f in point.bar.flags if f not in BAR_DOUBTS))
        return replace(point, bar=kept, level=next(left))

    return [replace(each, points=tuple((with_level(p), f) for p, f in each.points)) for each in drawn]


def _moved(bar: ErrorBar, to: Callable[[float], float]) -> ErrorBar:
    """The bar with its ends in other pixels."""
    size = to(1.0) - to(0.0)
    return replace(
        bar,
        top=None if bar.top is None else to(bar.top),
        bottom=None if bar.bottom is None else to(bar.bottom),
        top_u=bar.top_u * size,
        bottom_u=bar.bottom_u * size,
    )


def _series(drawn: _Drawn, amount: NDArray[np.float64], scale: float, panel: Panel, legend: Sequence[LegendEntry]) -> Series:
    """The series in straightened pixels of the figure; `amount` (h, w) is the ink of its colour."""
    look = drawn.look
    marks = tuple(_mark(p, fit, look, amount, scale, panel) for p, fit in drawn.points)
    if look.style.startswith("triangle"):
        middles = [_middle(p.bar, scale) - f.y for p, f in drawn.points if p.bar.top is not None and not UNTOLD & set(p.bar.flags)]
        marks = _anchored(marks, float(np.median([f.size for _, f in drawn.points])), [m for m in middles if m is not None])
    marks = tuple(_mirrored(m, p.bar) for m, (p, _) in zip(marks, drawn.points, strict=True))
    marks = tuple(replace(m, flags=(*m.flags, "legend_key")) if may_be_key(m.x.px, m.y.px, legend) else m for m in marks)
    return Series(look.name, hex_color(look.color), look.style, marks)


def _mirrored(mark: Mark, bar: ErrorBar) -> Mark:
    """The mark with the end that is hidden as far from it as the one that shows, where bars are even."""
    if "mirrored" not in bar.flags or bar.top_hidden == bar.bottom_hidden:
        return mark
    seen = mark.y_lo if bar.top_hidden else mark.y_hi
    if seen is None:
        return mark
    hidden = Place(2 * mark.y.px - seen.px, float(np.hypot(seen.u_px, 2 * mark.y.u_px)))
    return replace(mark, y_hi=hidden) if bar.top_hidden else replace(mark, y_lo=hidden)


def without_text(panel: Panel, legend: Sequence[LegendEntry]) -> NDArray[np.uint8]:
    """A copy of the inside of the plot with words, legend keys and the legend's frame painted over."""
    crop = panel.crop.copy()
    paper = paper_color(crop).astype(np.uint8)
    x0, y0, _, _ = panel.box

    def paint(box: Sequence[float], pad: float) -> None:
        a, b, c, d = box[0] - x0 - pad, box[1] - y0 - pad, box[2] - x0 + pad + 1, box[3] - y0 + pad + 1
        crop[max(0, round(b)) : max(0, round(d)), max(0, round(a)) : max(0, round(c))] = paper

    for text in panel.texts:
        if is_word(text, panel.height):
            paint(text.box, 0.15 * text.height)
    if legend:
        for entry in legend:
            paint(entry.key_box, 0.1 * panel.height)
            if panel.is_turned:  # names are no words there
                paint(entry.text_box, 0.15 * panel.height)
        boxes = np.array([e.text_box for e in legend] + [e.key_box for e in legend])
        left, top, right, bottom = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
        near = 2.5 * panel.height
        for line in panel.lines:
            lo, hi = (top, bottom) if line.upright else (left, right)
            a, b = (left, right) if line.upright else (top, bottom)
            encloses = line.start <= lo + near / 2 and line.end >= hi - near / 2 and line.start >= lo - near and line.end <= hi + near
            if encloses and (a - near < line.at < a or b < line.at < b + near):
                along = (line.at, line.start, line.at, line.end) if line.upright else (line.start, line.at, line.end, line.at)
                paint(along, line.width + 1)
    return crop


def _assigned(points: Sequence[Point], looks: Sequence[Looks]) -> list[list[Point]]:
    """The points of each series: those that look most like it; of two at one place the better."""
    members: list[list[Point]] = [[] for _ in looks]
    for point, k in zip(points, shared_out([p.seen for p in points], looks), strict=True):
        if k is not None:
            members[k].append(point)
    return [_one_a_place(own) for own in members]


def _one_a_place(points: Sequence[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: -p.seen.marker.score):
        if all(np.hypot(point.seen.marker.x - k.seen.marker.x, point.seen.marker.y - k.seen.marker.y) > 2.0 for k in kept):
            kept.append(point)
    return kept


def _mark(point: Point, fit: Fit, look: Looks, amount: NDArray[np.float64], scale: float, panel: Panel) -> Mark:
    """The point in straightened pixels of the figure."""
    x0, y0, _, _ = panel.box
    is_fitted = bool(np.isfinite(fit.misfit))
    u = position_noise(panel)
    u_marker = float(np.hypot(u, 0.05 + 1.5 * fit.misfit)) if is_fitted else 3 * u
    u_end = float(np.hypot(u, STEPPED_CAP_U)) if panel.is_bilevel else u
    top, bottom = ends_of(point.bar, amount, fit.x, scale, u_end, u_marker)
    left, right = ends_of(point.level, amount.T, fit.y, scale, u_end, u_marker)
    h, w = amount.shape
    is_cut = any(e is not None and not CUT < e.px < size - 1 - CUT for e, size in ((top, h), (bottom, h), (left, w), (right, w)))
    flags = (*point.bar.flags, *point.level.flags, *(("clipped",) if is_cut else ()), *(() if is_fitted else ("not_refined",)))
    return Mark(
        Place(fit.x + x0, u_marker),
        Place(fit.y + y0, u_marker),
        y_lo=None if bottom is None else Place(bottom.px + y0, bottom.u_px),
        y_hi=None if top is None else Place(top.px + y0, top.u_px),
        x_lo=None if left is None else Place(left.px + x0, left.u_px),
        x_hi=None if right is None else Place(right.px + x0, right.u_px),
        flags=flags,
        confidence=min(0.99, point.seen.marker.score * alikeness(point.seen, look)),
    )


def ends_of(
    bar: ErrorBar, amount: NDArray[np.float64], x: float, scale: float, u: float, u_marker: float
) -> tuple[Place | None, Place | None]:
    """The ends of an upright bar in the column x of the crop's ink (h, w), to a fraction of a pixel; of a level one in the transpose."""
    # A second look was at these pixels already.
    reach = INFERRED_REACH if {"end_inferred", "mirrored"} & set(bar.flags) else 3 / scale + 1
    top, bottom = (
        None if end is None else _end(amount, x, to_px(end, scale), capped=capped, upward=upward, scale=scale, u=u, reach=reach)
        for end, capped, upward in ((bar.top, bar.top_capped, True), (bar.bottom, bar.bottom_capped, False))
    )
    top, bottom = _less_sure(top, bar.top_u / scale), _less_sure(bottom, bar.bottom_u / scale)
    if "mirrored" in bar.flags:  # one of the two was made from the other through the marker: which one is not worth telling apart
        u_mirrored = float(np.hypot(u, 2 * u_marker))
        top, bottom = (None if e is None else Place(e.px, max(e.u_px, u_mirrored)) for e in (top, bottom))
    return top, bottom


def _less_sure(place: Place | None, u: float) -> Place | None:
    """The place with this much more uncertainty, px."""
    return place if place is None or u == 0 else Place(place.px, float(np.hypot(place.u_px, u)))


def _middle(bar: ErrorBar, scale: float) -> float:
    """The middle of a bar in pixels of the crop, nan where an end is missing."""
    return float("nan") if bar.top is None or bar.bottom is None else to_px((bar.top + bar.bottom) / 2, scale)


def _anchored(marks: tuple[Mark, ...], size: float, middles: Sequence[float]) -> tuple[Mark, ...]:
    """Triangles with their anchors where the middles of even error bars show them to be.

    Programs do not agree where in a triangle the data point lies, and its drawn edge shifts it further. Where all bars of a series are even
    but for one constant shift, that shift is the anchor's; where nothing tells, the doubt (a sixth of the height) is in the uncertainty.
    Where few bars are beyond doubt, `middles`, how far beneath the outlines' middles (px) those of all bars lie, may tell.
    """
    noise = marks[0].y.u_px
    seen = [m for m in marks if not m.flags]
    gaps = np.array([(m.y_lo.px + m.y_hi.px) / 2 - m.y.px for m in seen if m.y_lo is not None and m.y_hi is not None])
    for each, least_u in ((gaps, 0.0), (np.array(middles), LOOSE_ANCHOR * size)):
        each = each[np.isfinite(each)]
        shift = float(np.median(each)) if each.size else 0.0
        spread = float(np.median(np.abs(each - shift))) if each.size else 0.0
        if each.size >= 3 and spread < 0.3 + 2 * noise + least_u and abs(shift) < 0.4 * size:
            u = float(np.hypot(noise, spread / each.size**0.5 + least_u))
            return tuple(replace(m, y=Place(m.y.px + shift, u)) for m in marks)
    return tuple(replace(m, y=Place(m.y.px, float(np.hypot(m.y.u_px, 0.15 * size)))) for m in marks)


def _end(amount: NDArray[np.float64], x: float, y: float, *, capped: bool, upward: bool, scale: float, u: float, reach: float) -> Place:
    """An end of an error bar in pixels of the crop, refined by at most `reach` px where its ink allows; else as seen, and less sure."""
    half = 1.2 / scale
    narrow = None if capped else cap_at_end(amount, x, y, upward=upward, reach=2 / scale)
    if narrow is not None:
        return Place(narrow, u)
    found = cap_centre(amount, x, y, 4 / scale, 4 / scale, half) if capped else stroke_end(amount, x, y, upward=upward, half_width=half)
    if found is None or abs(found - y) > reach:
        return Place(y, float(np.hypot(u, 0.5 / scale)))
    return Place(found, u)


def position_noise(panel: Panel) -> float:
    """Standard uncertainty (px) of a position in this figure, as its tick marks show it: how far they lie from the fitted axes.

    In black and white it is known beforehand, and few ticks that line up by luck or do not weigh little against that.
    """
    rmses = []
    for axis in (panel.y, panel.x):
        calibration = getattr(axis, "calibration", None)
        if calibration is not None:
            used = sum(t.used for t in calibration.ticks)
            if used > 2:
                known = STEPS_KNOWN if panel.is_bilevel else 0.0
                squares = known * STEPPED_PX**2 + used * calibration.rmse_px**2
                rmses.append((squares / (known + used - 2)) ** 0.5)
    return float(np.clip(max(rmses, default=0.3), STEPPED_PX if panel.is_bilevel else 0.08, 1.5))
