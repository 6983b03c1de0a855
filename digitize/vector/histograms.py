"""Histograms read from paths: rectangles of one width that touch, on the baseline of an axis of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digitize.axes import Axis
from digitize.boxes import key_color
from digitize.histograms import FEWEST, stand_together
from digitize.legend import LegendEntry
from digitize.panels import Panel
from digitize.series import Mark, Place, Series, hex_color
from digitize.vector.bars import Rectangle, rectangles, standing
from digitize.vector.paths import Color
from digitize.vector.scene import WHITE, Scene

OFF_GRID = 0.04  # of a bin, by which its left edge may lie off the even places
STACKED = 2  # rectangles as wide as the bins that may lie above the baseline without being parts of stacked bins


def read_histogram(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """A series of bins for each fill, empty ones between others included; no series where the rectangles are no bins, or stacked.

    A mark's `x` is the middle of its bin, `x_lo` and `x_hi` its edges, `y` its height. Bins of several fills lie over one another, each
    counted from zero.
    """
    panel = scene.panel
    if panel.is_turned or not isinstance(panel.x, Axis) or {panel.x.calibration.scale.name, panel.y.calibration.scale.name} != {"linear"}:
        return ()
    base = float(panel.y.calibration.to_pixel(0.0))
    drawn = rectangles(scene, legend, over_one_another=True)
    bars = standing(drawn, base)
    fills = list(dict.fromkeys(r.fill for r in sorted(bars, key=lambda r: r.order)))
    if len(bars) < FEWEST or len(bars) < FEWEST * len(fills) or _are_stacked(drawn, bars):
        return ()
    found = [_bins([r for r in bars if r.fill == fill], base, scene) for fill in fills]
    if not all(found) or (len(fills) > 1 and not _overlap([marks for marks in found if marks])):
        return ()
    named = [replace(_series(marks, fill), name=_name(panel, legend, fill)) for marks, fill in zip(found, fills, strict=True)]
    return tuple(named) if len(fills) > 1 else (replace(named[0], name=""),)


def _are_stacked(drawn: Sequence[Rectangle], bars: Sequence[Rectangle]) -> bool:
    """Whether rectangles as wide as the bins lie above the baseline: the upper parts of stacked bins."""
    width = float(np.median([r.width for r in bars]))
    floating = [r for r in drawn if all(r is not bar for bar in bars) and abs(r.width - width) < OFF_GRID * width]
    return len(floating) > STACKED


def _overlap(groups: Sequence[Sequence[Mark]]) -> bool:
    """Whether the bins of several fills have the same edges: those of grouped bars stand beside one another."""
    edges = [{round((m.x_lo.px - groups[0][0].x.px) / (m.x_hi.px - m.x_lo.px), 1) % 1 for m in g if m.x_lo and m.x_hi} for g in groups]
    return len(set().union(*edges)) == 1


def _bins(bars: Sequence[Rectangle], base: float, scene: Scene) -> tuple[Mark, ...]:
    """The bins that rectangles of one fill are; none where they have not one width, or gaps between them."""
    width = float(np.median([r.width for r in bars]))
    place = (np.array([r.box[0] for r in bars]) - bars[0].box[0]) / width
    index = np.round(place).astype(int)
    is_even = np.abs(place - index).max() < OFF_GRID and max(abs(r.width - width) for r in bars) < OFF_GRID * width
    if not is_even or len(set(index)) < max(FEWEST, len(bars)):
        return ()
    first, pitch = (float(v) for v in np.polynomial.polynomial.polyfit(index, [r.box[0] for r in bars], 1))
    tops = dict(zip(index.tolist(), (r.box[1] for r in bars), strict=True))
    if not stand_together([base - tops.get(k, base) for k in range(int(index[-1]) + 1)]):
        return ()
    marks = []
    for k in range(int(index[-1]) + 1):
        lo, hi = first + k * pitch, first + (k + 1) * pitch
        u = scene.u_px
        marks.append(Mark(Place((lo + hi) / 2, u), Place(tops.get(k, base), u), x_lo=Place(lo, u), x_hi=Place(hi, u), confidence=0.99))
    return tuple(marks)


def _series(marks: Sequence[Mark], fill: Color | None) -> Series:
    shown = fill or WHITE
    return Series("", hex_color((shown[0], shown[1], shown[2])), "histogram", tuple(marks))


def _name(panel: Panel, legend: Sequence[LegendEntry], fill: Color | None) -> str:
    """The name beside the key whose colour is nearest to a fill; empty without a legend."""
    if fill is None or not legend:
        return ""
    opaque = np.array(WHITE) + fill[3] / 255 * (np.array(fill[:3]) - np.array(WHITE))
    return min(legend, key=lambda entry: float(np.abs(key_color(panel, entry) - opaque).max())).name
