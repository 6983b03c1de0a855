"""Exact places of tick marks: those that were found in the rendering, taken from the paths that drew them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from digitize.ticks import Side, TickMarks
from digitize.vector.pieces import Stroke

EXACT_PX = 0.02
"""Standard uncertainty of a place that a path gives: programs write two to three decimals of a point."""

NEAR_PX = 1.5
"""How far the rendering may put a tick from its path."""


def exact_ticks(marks: TickMarks, side: Side, labels: NDArray[np.float64], height: float, strokes: Sequence[Stroke]) -> TickMarks | None:
    """The tick marks with the places of the paths that drew them; None where paths do not explain them.

    Parameters
    ----------
    marks : TickMarks
        As found in the rendering.
    side : Side
        Where the labels stand.
    labels : (n, 4)
        Label boxes in the view: along0, along1, outer, inner.
    height : float
        Digit height, px.
    strokes : sequence of Stroke
        Straight strokes of the page.
    """
    at = marks.axis_at
    reach = 3.0 + (0.0 if marks.is_drawn else height)
    across = [s for s in strokes if s.upright != side.is_upright and s.start - reach <= at <= s.end + reach]
    if not across:
        return None
    places = np.array([s.at for s in across])
    length = np.array([s.length for s in across])
    if not marks.is_drawn:
        return _gridlines(marks, labels, height, places, length)
    gap = np.abs(marks.px[:, None] - places)
    nearest = gap.argmin(axis=1)
    found = gap.min(axis=1) <= NEAR_PX
    if found.sum() < max(2, 0.7 * marks.px.size):
        return None
    return replace(marks, px=places[nearest[found]], length=marks.length[found])


def _gridlines(
    marks: TickMarks, labels: NDArray[np.float64], height: float, places: NDArray[np.float64], length: NDArray[np.float64]
) -> TickMarks | None:
    """Lines across the plot that stand at the middles of labels, where an axis has no tick marks."""
    centres = labels[:, :2].mean(axis=1)
    gap = np.abs(centres[:, None] - places)
    if (gap.min(axis=1) < 0.35 * height).sum() < max(2, 0.7 * len(centres)):
        return None
    chosen = np.unique(gap.argmin(axis=1)[gap.min(axis=1) < 0.35 * height])
    return replace(marks, px=places[chosen], length=length[chosen])
