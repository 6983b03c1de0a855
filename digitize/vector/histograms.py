"""Histograms read from paths: rectangles of one width that touch, on the baseline of an axis of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitize.axes import Axis
from digitize.histograms import FEWEST, stand_together
from digitize.legend import LegendEntry
from digitize.series import Mark, Place, Series, hex_color
from digitize.vector.bars import rectangles, standing
from digitize.vector.scene import WHITE, Scene

OFF_GRID = 0.04  # of a bin, by which its left edge may lie off the even places


def read_histogram(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """One series of all bins, empty ones between others included; no series where the rectangles are no bins.

    A mark's `x` is the middle of its bin, `x_lo` and `x_hi` its edges, `y` its height.
    """
    panel = scene.panel
    if panel.is_turned or not isinstance(panel.x, Axis) or {panel.x.calibration.scale.name, panel.y.calibration.scale.name} != {"linear"}:
        return ()
    base = float(panel.y.calibration.to_pixel(0.0))
    bars = standing(rectangles(scene, legend), base)
    if len(bars) < FEWEST or len({r.fill for r in bars}) > 1:
        return ()
    width = float(np.median([r.width for r in bars]))
    place = (np.array([r.box[0] for r in bars]) - bars[0].box[0]) / width
    index = np.round(place).astype(int)
    is_even = np.abs(place - index).max() < OFF_GRID and max(abs(r.width - width) for r in bars) < OFF_GRID * width
    if not is_even or len(set(index)) < len(bars):
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
    fill = bars[0].fill or WHITE
    return (Series("", hex_color((fill[0], fill[1], fill[2])), "histogram", tuple(marks)),)
