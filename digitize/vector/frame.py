"""How far a plot reaches, by the lines and grounds that are drawn from its axes."""

from __future__ import annotations

from collections.abc import Sequence

from digitize.vector.pieces import Piece, is_rectangle, strokes_of

FROM_AXIS = 5.0  # px from the y axis (or the plot's lower edge) within which a line starts there

INSIDE = 2  # px between a frame and what counts as inside

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


def _edges(pieces: Sequence[Piece]) -> list[tuple[bool, float, float, float]]:
    """Straight edges along the axes: (is upright, place across, start, end)."""
    found = [(s.upright, s.at, s.start, s.end) for s in strokes_of(pieces)]
    for piece in pieces:
        if is_rectangle(piece):
            x0, y0, x1, y1 = piece.box
            found += [(False, y0, x0, x1), (False, y1, x0, x1), (True, x0, y0, y1), (True, x1, y0, y1)]
    return found
