"""A first look at the error bars of a plot: of every marker of every layer of ink, by strokes and by what the network saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from digitize.errorbars import ErrorBar, FloatArray, find_stems, pair_error_bars, reconciled
from digitize.ink import Ink, Layer, substantial
from digitize.looks import Seen

EVEN_PERHAPS, EVEN_SURELY = 1.0, 5.0  # what uneven halves cost where bars share a stem


@dataclass(frozen=True)
class Point:
    """A marker as seen and its error bar, at the scale of UNIT; `level` is its level bar, `top` its left end and `bottom` its right one."""

    seen: Seen
    bar: ErrorBar
    level: ErrorBar = field(default_factory=ErrorBar)


def points_at_first(ink: Ink, markers: Sequence[Seen], blind: NDArray[np.bool_]) -> list[Point]:
    """Markers with their error bars, of which nothing is known where the plot is `blind`.

    Where those that stand alone are even, the ones on shared stems are taken to be so as well.
    """
    groups = [(layer, [m for m in markers if m.layer == k]) for k, layer in enumerate(ink.layers)]
    points = [p for layer, own in groups for p in _points_of_layer(ink, layer, own, blind, EVEN_PERHAPS)]
    is_even = _are_even(points)
    if is_even and any("shared_stem" in p.bar.flags for p in points):
        points = [p for layer, own in groups for p in _points_of_layer(ink, layer, own, blind, EVEN_SURELY)]
    return _completed(points, is_even=is_even)


def _points_of_layer(ink: Ink, layer: Layer, markers: Sequence[Seen], blind: NDArray[np.bool_], evenness: float) -> list[Point]:
    """Markers of one layer with their error bars: what the strokes of the layer say and what was seen at first must agree."""
    if not markers:
        return []
    line = lines_of(ink, layer)
    bars = _bars_by_strokes(ink, layer, markers, blind, evenness)
    return [Point(m, reconciled(bar, m.marker, line)) for m, bar in zip(markers, bars, strict=True)]


def _bars_by_strokes(ink: Ink, layer: Layer, markers: Sequence[Seen], blind: NDArray[np.bool_], evenness: float) -> list[ErrorBar]:
    """The error bars of markers of one layer, as its strokes alone tell them."""
    hidden = substantial((ink.strength > 60) & (layer.amount == 0)) | blind
    line = lines_of(ink, layer)
    stems = find_stems(line, hidden, ink.strength)
    return pair_error_bars([m.marker for m in markers], [m.level for m in markers], stems, line, hidden, evenness=evenness)


def share_with_two_ends(ink: Ink, markers: Sequence[Seen], blind: NDArray[np.bool_]) -> float:
    """At what share of the markers strokes show a bar with two ends, be it what it may."""
    found = 0
    for k, layer in enumerate(ink.layers):
        own = [m for m in markers if m.layer == k]
        bars = _bars_by_strokes(ink, layer, own, blind, EVEN_PERHAPS) if own else []
        found += sum(bar.top is not None and bar.bottom is not None for bar in bars)
    return found / max(1, len(markers))


def _are_even(points: Sequence[Point]) -> bool:
    """Whether the panel's bars are as long below as above: the halves of four in five that stand alone (or of all) are alike."""
    whole = [p for p in points if p.bar.top is not None and p.bar.bottom is not None]
    alone = [p for p in whole if "shared_stem" not in p.bar.flags]
    sample = alone if len(alone) >= 3 else whole
    halves = [(p.seen.marker.y - (p.bar.top or 0.0), (p.bar.bottom or 0.0) - p.seen.marker.y) for p in sample]
    return len(halves) >= 3 and float(np.mean([abs(up - down) < 1.2 + 0.03 * (up + down) for up, down in halves])) >= 0.8


def lines_of(ink: Ink, layer: Layer) -> FloatArray:
    """All ink of the layer, 0 to 1: thin strokes, which are paler than fills, and every level of grey count in full."""
    full = min(0.6 * layer.full, 120.0) if layer.is_grey else 0.6 * layer.full
    return np.asarray(np.where(layer.amount > 0, np.clip(ink.strength / full, 0, 1), 0), dtype=np.float32)


def _completed(points: Sequence[Point], *, is_even: bool) -> list[Point]:
    """Ends that other ink hides are mirrored where the panel's bars are even; what stays unknown is flagged.

    One-sided bars are no bars with a hidden half: there the paper shows that nothing was drawn.
    """
    whole = sum(p.bar.top is not None and p.bar.bottom is not None for p in points)
    is_two_sided = whole > 0.3 * sum(p.bar.top is not None or p.bar.bottom is not None for p in points)
    return [replace(p, bar=_completed_bar(p, even=is_even, two_sided=is_two_sided)) for p in points]


def _completed_bar(point: Point, *, even: bool, two_sided: bool) -> ErrorBar:
    bar, y = point.bar, point.seen.marker.y
    if bar.top is None and bar.bottom is None:
        return replace(bar, flags=(*bar.flags, "error_bar_hidden"))
    if bar.top is not None and bar.bottom is not None:
        up, down = y - bar.top, bar.bottom - y
        uneven = even and abs(up - down) > 2 + 0.15 * (up + down)
        return replace(bar, flags=(*bar.flags, "uneven_bar")) if uneven else bar
    if bar.top is None and (bar.top_hidden or two_sided):
        mirrored = replace(bar, top=2 * y - bar.bottom, top_capped=False) if even and bar.bottom is not None else bar
        return replace(mirrored, flags=(*bar.flags, "mirrored" if even else "end_hidden"))
    if bar.bottom is None and (bar.bottom_hidden or two_sided):
        mirrored = replace(bar, bottom=2 * y - bar.top, bottom_capped=False) if even and bar.top is not None else bar
        return replace(mirrored, flags=(*bar.flags, "mirrored" if even else "end_hidden"))
    return bar
