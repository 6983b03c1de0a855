"""How far a plot reaches, by the lines and grounds that are drawn from its axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitize.lines import Line
from digitize.vector.pieces import Piece, Stroke, is_rectangle, strokes_of

FROM_AXIS = 5.0  # px from the y axis (or the plot's lower edge) within which a line starts there

LEAST_BAR, MOST_APART = 4.0, 4.0  # px of a bar's width; widths from the end of the plot, as far as it is known, to the next bar

INSIDE = 2  # px between a frame and what counts as inside

LUMA = (0.299, 0.587, 0.114)
DARK, OPAQUE = 40.0, 255  # grey levels below the paper's from which a stroke is a line, as `digitize.lines` takes them; its alpha

Limits = tuple[int, int, int, int]


def framed(box: Limits, axis_at: float, ticks: tuple[float, float], pieces: Sequence[Piece]) -> Limits:
    """The plot's box (px) with the edges of what is drawn from its axes: frames, grounds, axis lines, gridlines.

    Parameters
    ----------
    box : (x0, y0, x1, y1)
        The plot as the rendering shows it.
    axis_at : float
        x of the y axis.
    ticks : (float, float)
        y of its uppermost and lowest tick.
    pieces : sequence of Piece
        Subpaths of the page.
    """
    x0, y0, x1, y1 = box
    first, last = ticks
    beyond = 0.25 * (last - first) + FROM_AXIS
    edges = _edges(pieces)
    level = [e for e in edges if not e[0] and abs(e[2] - axis_at) < FROM_AXIS and first - beyond < e[1] < last + beyond]
    right = max((e[3] for e in level if e[3] - e[2] > 0.3 * (x1 - x0)), default=None)
    x1 = x1 if right is None else round(right)
    upright = [e for e in edges if e[0] and axis_at - FROM_AXIS < e[1] < x1 + FROM_AXIS]
    whole = [e for e in upright if first - beyond < e[2] < first + FROM_AXIS and last - FROM_AXIS < e[3] < last + beyond]
    if any(abs(e[1] - axis_at) > FROM_AXIS for e in whole):
        y0, y1 = max(0, round(min(e[2] for e in whole)) + INSIDE), round(max(e[3] for e in whole)) - INSIDE
    elif whole:
        y0, y1 = min(y0, round(min(e[2] for e in whole))), max(y1, round(max(e[3] for e in whole)) - INSIDE)
    wall = any(abs(e[1] - x1) < 1.5 for e in whole)
    return x0, y0, x1 - INSIDE * wall, y1


def with_bars(box: Limits, pieces: Sequence[Piece], limit: float) -> Limits:
    """The plot's box (px), as far to the right as bars go on: rectangles on its foot, none farther from the last than a few widths.

    Parameters
    ----------
    box : (x0, y0, x1, y1)
        The plot; names stand along its x axis, so that nothing else may tell how far it reaches.
    pieces : sequence of Piece
        Subpaths of the page.
    limit : float
        Where the next plot to the right begins.
    """
    x0, y0, x1, y1 = box
    standing = [
        p.box for p in pieces if is_rectangle(p) and p.width > LEAST_BAR and y0 - INSIDE < p.box[1] and abs(p.box[3] - y1) < FROM_AXIS
    ]
    own = [b[2] - b[0] for b in standing if x0 - INSIDE < b[0] and b[2] < x1 + INSIDE]
    if not own:
        return box
    width = float(np.median(own))
    for bar in sorted(standing):
        if bar[2] > x1 and bar[0] - x1 < MOST_APART * width and abs(bar[2] - bar[0] - width) < 0.5 * width and bar[2] < limit:
            x1 = round(bar[2]) + INSIDE
    return x0, y0, x1, y1


def with_drawn(lines: Sequence[Line], strokes: Sequence[Stroke], gray: NDArray[np.uint8], least: int) -> tuple[Line, ...]:
    """The lines that the rendering shows, and those drawn that markers on them hide there.

    Parameters
    ----------
    lines : sequence of Line
        As found in the rendering.
    strokes : sequence of Stroke
        Straight strokes of the page.
    gray : (h, w) uint8
        The rendering.
    least : int
        Length of the shortest line that counts, px.
    """
    paper = float(np.median(gray))
    found = list(lines)
    for stroke in strokes:
        depth = paper - float(np.dot(stroke.color[:3], LUMA))
        same = [k for k in found if k.upright == stroke.upright and abs(k.at - stroke.at) < 2 * FROM_AXIS]
        hidden = all(min(k.end, stroke.end) - max(k.start, stroke.start) < 0.1 * stroke.length for k in same)
        if stroke.length >= least and depth > DARK and stroke.color[3] == OPAQUE and hidden:
            found.append(Line(stroke.upright, stroke.at, stroke.start, stroke.end, max(1.0, stroke.width), depth))
    return tuple(found)


def _edges(pieces: Sequence[Piece]) -> list[tuple[bool, float, float, float]]:
    """Straight edges along the axes: (is upright, place across, start, end)."""
    found = [(s.upright, s.at, s.start, s.end) for s in strokes_of(pieces)]
    for piece in pieces:
        if is_rectangle(piece):
            x0, y0, x1, y1 = piece.box
            found += [(False, y0, x0, x1), (False, y1, x0, x1), (True, x0, y0, y1), (True, x1, y0, y1)]
    return found
