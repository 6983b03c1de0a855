"""Panels whose values run along x: forest plots, level bars. They are found and read in the turned view of the figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.lines import Line
from digitize.ocr import TextBox
from digitize.panels import Panel, find_panels
from digitize.turned import Turn
from digitize.vector.paths import Drawing

COVERED = 0.4  # share of an upright panel


def find_horizontal(
    image: NDArray[np.uint8],
    axes: Sequence[Axis],
    texts: Sequence[TextBox],
    lines: Sequence[Line],
    drawing: Drawing,
    upright: Sequence[Panel],
) -> tuple[Panel, ...]:
    """Panels, in the turned view, of the level axes that none of the `upright` panels uses.

    Whether something is drawn along them in rows is for the readers to say: a level axis alone does not make a plot.
    """
    free = [a for a in axes if not a.side.is_upright and not any(a is p.x or _runs_along(a, p) for p in upright)]
    if not free:
        return ()
    turn = Turn((image.shape[0], image.shape[1]))
    turned_texts, turned_lines = [turn.text(t) for t in texts], [turn.line(line) for line in lines]
    panels = find_panels(turn.image(image), [turn.axis(a) for a in free], turned_texts, turned_lines, turn.drawing(drawing))
    return tuple(replace(p, is_turned=True) for p in panels)


def _runs_along(axis: Axis, panel: Panel) -> bool:
    """Whether an axis stands along the foot or the head of a panel."""
    x0, y0, x1, y1 = panel.box
    first, last = axis.span_px
    near = min(abs(axis.marks.axis_at - y0), abs(axis.marks.axis_at - y1)) < 3 * panel.height
    return near and min(last, x1) - max(first, x0) > 0.5 * (last - first)


def replaces(horizontal: Panel, upright: Panel) -> bool:
    """Whether a panel in the turned view stands in the rows of an upright one: columns of printed numbers can look like its axis."""
    _, y0, _, y1 = Turn((horizontal.image.shape[0], horizontal.image.shape[1])).box(horizontal.box)
    return min(upright.box[3], y1) > max(upright.box[1], y0)


def lies_on(horizontal: Panel, upright: Panel) -> bool:
    """Whether a panel in the turned view covers a good part of an upright one: labels left over from that one's axis made it."""
    x0, y0, x1, y1 = Turn((horizontal.image.shape[0], horizontal.image.shape[1])).box(horizontal.box)
    a, b, c, d = upright.box
    shared = max(0.0, min(x1, c) - max(x0, a)) * max(0.0, min(y1, d) - max(y0, b))
    return shared > COVERED * (c - a) * (d - b)
