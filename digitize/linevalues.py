"""The value of a traced curve at a given column: a fit to the middles of its stroke around it, and how sure it is.

The middle of a stroke's column is its centre where it runs straight. At a corner it lies inside the corner, by more the sharper and the
thicker: there two straight lines are fitted to what lies on either side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.linetraces import Strand

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

WINDOW, WIDEST = (2.0, 3.0), 14.0  # times the stroke and plus px to either side that are fitted; px at most
TOGETHER = 1.6  # columns between places of one piece
NEAR = (0.75, 1.0)  # times the stroke and plus px from a place within which a gap needs no word
BEYOND = (1.0, 6.0)  # the same past the end of a curve that its value is led to, as where the axis line covers its end
CORNER_FROM, CORNER_BETTER = 0.05, 0.6  # px of misfit of a smooth curve from which on a corner is tried; share of it that a corner leaves
FLOOR_PX = 0.05  # what no fit is better than
STEEP, STEEP_LED = 4.0, 8.0  # px a column; px that a value may be led up or down past an end
ENDS = (0.5, 2.0)  # times the stroke and plus px past the end of a curve, of one told by its colour and of one told by its shade
SOLID, MANY = 0.93, 4  # share of its columns in which a solid curve shows; pieces of a dashed one at least
SMOOTH = 0.5  # difference of slopes either side of a gap from which on a corner lies in it, surely one at twice that
STEPS = np.arange(-2.0, 2.01, 0.25)


@dataclass(frozen=True)
class Value:
    """Row of a curve at a column, its standard uncertainty (px), its slope there, and flags; NaN where it has none."""

    y: float
    u: float
    slope: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Way:
    """A strand made ready to be read: its places in order, and whether a place is hidden by other ink or crowded by its own."""

    x: Doubles
    y: Doubles
    thickness: float
    is_hidden: Callable[[float, float], bool]
    is_crowded: Callable[[float, float], bool]
    at_edge: tuple[bool, bool]
    """Whether the curve starts and ends where the plot does."""
    gap: float
    """Columns that lie between its dashes; 0 of a solid curve."""
    slack: float
    """Columns past its ends in which it may still run, unseen."""


def way_of(strand: Strand, thickness: float, hiding: Mask, crowded: Mask, *, is_shade: bool = False) -> Way:
    """A strand with what lies around it; `hiding` and `crowded` are (h, w). The ends of one told by its shade are paler, and lost."""
    order = np.argsort(strand.x, kind="stable")
    x, y = strand.x[order], strand.y[order]
    kept = np.concatenate([[True], np.diff(x) > 0.3])
    edge = BEYOND[0] * thickness + BEYOND[1]
    at_edge = bool(x[0] < edge), bool(x[-1] > hiding.shape[1] - 1 - edge)
    bare = [b.first - a.last for a, b in pairwise(strand.pieces)] if strand.shown < SOLID and len(strand.pieces) > MANY else []
    gap = float(np.clip(np.median(bare), 0, WIDEST)) if bare else 0.0
    slack = ENDS[1 if is_shade else 0] * (thickness + 1)
    return Way(x[kept], y[kept], thickness, _within(hiding), _within(crowded), at_edge, gap, slack)


def _within(mask: Mask) -> Callable[[float, float], bool]:
    def holds(x: float, y: float) -> bool:
        column, row = round(x), round(y)
        return bool(mask[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].any())

    return holds


def value_at(way: Way, at: float) -> Value:
    """The row of a curve at column `at`."""
    k = int(np.searchsorted(way.x, at))
    past = max(way.x[0] - at, at - way.x[-1])
    if past > 0:
        edge = way.at_edge[0 if at < way.x[0] else 1]
        bare = (BEYOND[0] * way.thickness + BEYOND[1]) if edge else way.slack
        if past > bare + way.gap:
            return Value(np.nan, np.nan, 0.0, ("off_curve",))
        return _led_on(way, at, past, ("between_dashes",) if past > bare else ())
    if (k < way.x.size and way.x[k] - at < 0.5 * TOGETHER) or (k and at - way.x[k - 1] < 0.5 * TOGETHER):
        return _fitted(way, at)
    return _bridged(way, at, k)


def _window(way: Way, at: float, reach: float) -> tuple[Doubles, Doubles]:
    """Places around a column that follow one another without a gap, as far as `reach`: columns from it, rows."""
    near = np.flatnonzero(np.abs(way.x - at) <= reach)
    if near.size < 2:
        return way.x[near] - at, way.y[near]
    middle = int(np.argmin(np.abs(way.x[near] - at)))
    breaks = np.flatnonzero(np.diff(way.x[near]) > max(TOGETHER, 3.5 * way.thickness + 2))
    lo = int(breaks[breaks < middle][-1]) + 1 if (breaks < middle).any() else 0
    hi = int(breaks[breaks >= middle][0]) + 1 if (breaks >= middle).any() else near.size
    return way.x[near[lo:hi]] - at, way.y[near[lo:hi]]


def _solved(columns: list[Doubles], y: Doubles) -> tuple[Doubles, float, Doubles]:
    """Least squares: coefficients, residual (px, root mean square by degrees of freedom), and their covariance for unit noise."""
    design = np.column_stack(columns)
    inverse = np.linalg.pinv(design.T @ design)
    found = inverse @ (design.T @ y)
    left = y - design @ found
    return found, float(np.sqrt((left**2).sum() / max(1, y.size - design.shape[1]))), np.asarray(inverse, dtype=np.float64)


def _fitted(way: Way, at: float) -> Value:
    """The value from the places around it: the best of a smooth curve over a wide and a narrow window and of a corner."""
    wide = min(WINDOW[0] * way.thickness + WINDOW[1], WIDEST)
    dx, y = _window(way, at, wide)
    if dx.size < 4 or np.ptp(dx) < 2:
        return _sparse(way, at)
    best = _smooth(dx, y)
    narrow = np.abs(dx) <= 0.5 * wide
    if best.u_fit > CORNER_FROM:
        near = _smooth(dx[narrow], y[narrow]) if narrow.sum() > 4 else best
        corner = _cornered(dx, y, way.thickness)
        if corner is not None and corner.misfit < CORNER_BETTER * best.misfit:
            best = corner
        elif near.misfit < best.misfit:
            best = _Fit(near.y, float(np.hypot(near.u_fit, 0.3 * (near.y - best.y))), near.slope, near.misfit)
    is_steep = abs(best.slope) > STEEP
    lever = 0.02 * abs(best.slope) * way.thickness
    return Value(best.y, float(np.sqrt(best.u_fit**2 + FLOOR_PX**2 + lever**2)), best.slope, ("steep",) if is_steep else ())


@dataclass(frozen=True)
class _Fit:
    y: float
    u_fit: float
    slope: float
    misfit: float


def _smooth(dx: Doubles, y: Doubles) -> _Fit:
    """A parabola through places (a line through fewer than six)."""
    columns = [np.ones_like(dx), dx] + ([dx**2] if dx.size > 5 else [])
    found, misfit, inverse = _solved(columns, y)
    return _Fit(float(found[0]), misfit * max(0.5, float(np.sqrt(inverse[0, 0]))), float(found[1]), misfit)


def _cornered(dx: Doubles, y: Doubles, thickness: float) -> _Fit | None:
    """Two lines that meet near the column, by what lies a little off their corner."""
    best = None
    for step in STEPS.tolist():
        off = np.abs(dx - step) > 0.5 + 0.35 * thickness
        if min((dx[off] < step).sum(), (dx[off] > step).sum()) < 2 or off.sum() < 5:
            continue
        found, misfit, inverse = _solved([np.ones_like(dx[off]), dx[off], np.abs(dx[off] - step)], y[off])
        bend = abs(float(found[2]))
        u = float(np.hypot(misfit * max(0.5, float(np.sqrt(inverse[0, 0]))), 0.12 * bend))
        if best is None or misfit < best.misfit:
            slope = float(found[1] - found[2] * np.sign(step)) if step else float(abs(found[1]) + bend)
            best = _Fit(float(found[0] + found[2] * abs(step)), u, slope, misfit)
    return best


def _sparse(way: Way, at: float) -> Value:
    """The value between few places, as dots are."""
    k = int(np.clip(np.searchsorted(way.x, at), 1, max(1, way.x.size - 1)))
    if way.x.size < 2:
        return Value(float(way.y[0]), 1.0, 0.0)
    return _bridged(way, at, k)


def _side(way: Way, k: int, *, left: bool) -> tuple[float, float, float]:
    """Column, row and slope of the way where a gap begins (`left`) or ends, at place number `k`."""
    reach = min(WINDOW[0] * way.thickness + WINDOW[1], WIDEST)
    own = slice(max(0, k - 12), k + 1) if left else slice(k, k + 12)
    x, y = way.x[own], way.y[own]
    near = np.abs(x - way.x[k]) <= reach
    if near.sum() < 2:
        near = np.zeros(x.size, dtype=bool)
        near[-3 if left else 0 : None if left else 3] = True
    if near.sum() < 2 or np.ptp(x[near]) < 0.5:
        return float(way.x[k]), float(way.y[k]), np.nan
    slope, row = np.polyfit(x[near] - way.x[k], y[near], 1)
    return float(way.x[k]), float(row if near.sum() > 3 else way.y[k]), float(slope)


def _bridged(way: Way, at: float, k: int) -> Value:
    """The value in a gap between place `k` - 1 and place `k`: led through from either side."""
    x0, y0, s0 = _side(way, k - 1, left=True)
    x1, y1, s1 = _side(way, k, left=False)
    gap = x1 - x0
    share = (at - x0) / gap
    straight = y0 + (y1 - y0) * share
    chord = (y1 - y0) / gap
    s0, s1 = (chord if np.isnan(s) else s for s in (s0, s1))
    bend = s0 - s1
    corner = (y1 - y0 - s1 * gap) / bend if abs(bend) > 0.15 else np.nan
    cubic = straight + gap * share * (1 - share) * ((s0 - chord) * (1 - share) - (s1 - chord) * share)
    y, slope, spread = cubic, chord, 0.3 * abs(cubic - straight)
    if 0 < corner < gap:
        hinge = y0 + s0 * (at - x0) if at - x0 < corner else y1 - s1 * (x1 - at)
        sharp = float(np.clip((abs(bend) - SMOOTH) / SMOOTH, 0, 1))
        y = sharp * hinge + (1 - sharp) * cubic
        spread = 0.25 * abs(cubic - hinge) + 0.02 * abs(bend) * gap * share * (1 - share)
        slope = sharp * 0.5 * (abs(s0) + abs(s1)) + (1 - sharp) * chord
    u = float(np.sqrt(FLOOR_PX**2 + (0.012 * gap) ** 2 + spread**2 + (0.1 + 0.02 * abs(chord)) ** 2))
    near = min(at - x0, x1 - at) <= NEAR[0] * way.thickness + NEAR[1]
    flags = () if near and gap < 4 * way.thickness + 3 else _why(way, at, y)
    return Value(float(y), u, float(slope), (*flags, *(("steep",) if abs(slope) > STEEP else ())))


def outline(way: Way) -> Doubles:
    """The places (x, y) of a curve with the corners that lie in its gaps, (n, 2)."""
    places = [np.column_stack([way.x, way.y])]
    for k in (np.flatnonzero(np.diff(way.x) > TOGETHER) + 1).tolist():
        x0, y0, s0 = _side(way, k - 1, left=True)
        x1, y1, s1 = _side(way, k, left=False)
        if abs(s0 - s1) > SMOOTH:
            corner = (y1 - y0 - s1 * (x1 - x0)) / (s0 - s1)
            places += [np.array([[x0 + corner, y0 + s0 * corner]])] if 0 < corner < x1 - x0 else []
    every = np.concatenate(places)
    return np.asarray(every[np.argsort(every[:, 0], kind="stable")])


def _why(way: Way, at: float, y: float) -> tuple[str, ...]:
    return ("crossed",) if way.is_crowded(at, y) else ("curve_hidden",) if way.is_hidden(at, y) else ("between_dashes",)


def _led_on(way: Way, at: float, past: float, flags: tuple[str, ...]) -> Value:
    """The value a little past an end, led on straight."""
    left = at < way.x[0]
    x, y, slope = _side(way, 0, left=False) if left else _side(way, way.x.size - 1, left=True)
    slope = 0.0 if np.isnan(slope) else slope
    straight = y + slope * (at - x)
    near = np.abs(way.x - x) < min(2 * WINDOW[0] * way.thickness + 2 * WINDOW[1], 2 * WIDEST)
    curved = straight
    if near.sum() > 8:
        found, _, _ = _solved([np.ones(int(near.sum())), way.x[near] - at, (way.x[near] - at) ** 2], way.y[near])
        curved = float(found[0])
    u = float(np.sqrt((2 * FLOOR_PX) ** 2 + (0.08 * (0.3 + abs(slope)) * past) ** 2 + (curved - straight) ** 2))
    flags = (*flags, "steep") if abs(slope) * past > STEEP_LED else flags
    return Value(0.5 * (straight + curved), u, slope, flags)
