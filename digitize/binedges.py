"""Edges of bins to a fraction of a pixel, and what they are stroked with.

Below the lower of two neighbours the edge between them is a stroke on one fill, whose middle is the edge; above it the edge of the higher
one stands alone. Where a renderer moves strokes to whole pixels it moves those of an odd width half a pixel further to the right and down
than those of an even width, and so do ticks: what the two are moved apart is known, and taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitize.barfield import DEFINITE, Bar, Doubles, Field, FloatArray, contrast

FEWEST = 3  # edges that carry a fit
LEAST_ROWS = 4  # rows over which an edge is looked at
SHARED_FRACTION = 0.9  # length of the mean direction of fractions of pixels, from which on they are one
ROUNDED = 0.29  # px: standard deviation of what rounding to whole pixels does to a place
SHARPEST = 0.08  # px: no edge is known better, as neighbours cover one half of a stroke twice
BARE = 0.04  # share of a fill's contrast below which paper is bare
FILLED = 0.3  # px: the same of fills without a stroke, which some renderers widen to whole pixels


@dataclass(frozen=True, eq=False)
class Stroke:
    """What stands between bins of one fill: its colour and its width, px."""

    color: FloatArray
    width: float


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges at `first + k width`, px of the field, with the standard uncertainty of the middle one.

    `stroke` is what stands between bins, None where nothing does, and `fraction` the part of a pixel that all places share where the
    renderer moved them to whole pixels, None where it did not.
    """

    first: float
    width: float
    u_px: float
    stroke: Stroke | None
    fraction: float | None


def refined(first: float, width: float, bins: Mapping[int, Bar | None], field: Field) -> Edges | None:
    """The edges of bins that are roughly known, to a fraction of a pixel; None where fewer than three of them show clearly."""
    ks = range(min(bins), max(bins) + 2)
    around = {k: (_top(bins.get(k - 1), field), _top(bins.get(k), field)) for k in ks}
    seen = {k: _between(field, first + k * width, width, max(tops)) for k, tops in around.items()}
    strokes = {k: found for k, found in seen.items() if found is not None}
    if len(strokes) >= max(FEWEST, 0.3 * len(around)):
        places = {k: at for k, (at, _) in strokes.items()}
        return _through(places, _stroke([s for _, s in strokes.values()]))
    sides = {k: _side(field, first + k * width, width, tops) for k, tops in around.items()}
    edges = _through({k: at for k, at in sides.items() if at is not None}, None)
    is_filled = any(bar is not None and not bar.is_blank for bar in bins.values())
    return replace(edges, u_px=float(np.hypot(edges.u_px, FILLED))) if edges is not None and is_filled else edges


def unparted(edges: Edges, bins: Mapping[int, Bar | None], field: Field) -> frozenset[int]:
    """Bins that no stroke parts from a neighbour of the same height, where others are parted by one."""
    if edges.stroke is None:
        return frozenset()
    found: set[int] = set()
    for k in range(min(bins) + 1, max(bins) + 1):
        left, right = bins[k - 1], bins.get(k)
        if left is None or right is None or abs(left.top - right.top) > 1:
            continue
        at = edges.first + k * edges.width
        has_room = field.base - left.top > 2.0 * field.height
        if has_room and _between(field, at, edges.width, max(left.top, right.top)) is None:
            found |= {k - 1, k}
    return frozenset(found)


def moved_apart(fraction: float | None, ticks: Sequence[float]) -> float:
    """How much further to the right and down than ticks strokes were moved on the average, px: 0.5, 0 or -0.5.

    Parameters
    ----------
    fraction : float, optional
        The part of a pixel at which all strokes stand; None where they were not moved to whole pixels.
    ticks : sequence of float
        Where the ticks stand, px.
    """
    of_ticks = shared_fraction(ticks)
    return 0.0 if fraction is None or of_ticks is None else _moved(fraction) - _moved(of_ticks)


def off_pixels(fraction: float | None, ticks: Sequence[float]) -> float:
    """By how much strokes seem to stand off the pixels to which they were moved: neighbours cover one half of a stroke twice, px."""
    return 0.0 if fraction is None or shared_fraction(ticks) is None else fraction - round(2 * fraction) / 2


def _moved(fraction: float) -> float:
    """Strokes on the middles of pixels have an odd width."""
    return 0.5 if min(fraction, 1 - fraction) < 0.25 else 0.0


def shared_fraction(px: Sequence[float] | Doubles) -> float | None:
    """The part of a pixel, 0 to 1, at which all places stand; None where they differ, or are fewer than three."""
    if len(px) < 3:
        return None
    mean = np.exp(2j * np.pi * np.asarray(px, dtype=float)).mean()
    return float(np.angle(mean) / (2 * np.pi) % 1.0) if abs(mean) > SHARED_FRACTION else None


def _top(bar: Bar | None, field: Field) -> int:
    return field.base if bar is None else bar.top


def _profile(field: Field, at: float, width: float, y0: int, y1: int) -> tuple[Doubles, int] | None:
    """Mean colours across an edge in rows y0..y1, and their first column; None where there is no room."""
    reach = max(3, min(round(0.42 * width), 12))
    x0, x1 = max(0, round(at) - reach), min(field.rgb.shape[1] - 1, round(at) + reach)
    if y1 - y0 + 1 < LEAST_ROWS or x1 - x0 < 5:
        return None
    # The median drops letters, gridlines and curves that cross a few rows.
    return np.median(field.rgb[y0 : y1 + 1, x0 : x1 + 1], axis=0).astype(float), x0


def _between(field: Field, at: float, width: float, lower: int) -> tuple[float, Stroke] | None:
    """Middle of the stroke between two bins below the end of the lower one, and the stroke; None where their fills run into one another."""
    found = _profile(field, at, width, lower + max(4, round(0.15 * field.height)), field.base - 3 - round(field.line_width))
    if found is None:
        return None
    profile, x0 = found
    ends = np.concatenate([profile[:2], profile[-2:]])
    ground = np.median(ends, axis=0)
    if np.abs(ends - ground).max() > 0.3 * DEFINITE:
        return None
    off = np.abs(profile - ground).max(axis=1)
    peak = int(off.argmax())
    if off[peak] < 0.7 * DEFINITE:
        return None
    first = last = peak
    while first > 0 and off[first - 1] > 0.04 * off[peak]:
        first -= 1
    while last < off.size - 1 and off[last + 1] > 0.04 * off[peak]:
        last += 1
    if last - first > 0.6 * off.size:
        return None
    hump = off[first : last + 1]
    centre = float(hump @ np.arange(first, last + 1) / hump.sum())
    return x0 + centre, Stroke(profile[peak].astype(np.float32), float(hump.sum() / off[peak]))


def _stroke(seen: Sequence[Stroke]) -> Stroke:
    """One stroke for all: where the pixels share it out, the one that covers its pixel most tells its colour."""
    widths = np.array([s.width for s in seen])
    best = int(widths.argmin())
    return Stroke(seen[best].color, float(np.median(widths)) if widths.min() > 1.5 else float(widths.min()))


def _side(field: Field, at: float, width: float, tops: tuple[int, int]) -> float | None:
    """The side of the higher of two neighbours above the lower one: a stroke on paper, else half-way between paper and fill."""
    margin = max(3, round(0.12 * field.height))
    found = _profile(field, at, width, min(tops) + margin, min(max(tops), field.base - 2) - margin)
    if found is None:
        return None
    profile, x0 = found
    away = contrast(profile.astype(np.float32), field.paper)
    left, right = float(np.median(away[:2])), float(np.median(away[-2:]))
    if max(left, right) < 0.5 * DEFINITE:  # a stroke on paper
        if away.max() < DEFINITE:
            return None
        share = np.where(away > 0.04 * away.max(), away, 0.0)
        return x0 + float(share @ np.arange(share.size) / share.sum())
    if min(left, right) > 0.5 * DEFINITE or away.max() > 1.25 * max(left, right):  # no paper beside it, or a stroke on one side of a fill
        return None
    share = np.clip(away / max(left, right), 0, 1)[:: -1 if right > left else 1]
    bare = np.flatnonzero(share < BARE)
    covered = float(share[: bare[0] if bare.size else share.size].sum())  # a gridline on the paper is no part of the fill
    return x0 - 0.5 + (share.size - covered if right > left else covered)


def _through(places: Mapping[int, float], stroke: Stroke | None) -> Edges | None:
    """Even places through those of single edges; one that lies far off is left out."""
    index, at = np.array(list(places), dtype=float), np.array(list(places.values()))
    for _ in range(1 + len(at) // 5):
        if at.size < FEWEST or np.ptp(index) < 2:
            return None
        width, first = np.polyfit(index, at, 1)
        off = np.abs(at - first - width * index)
        rmse = float(np.sqrt(np.mean(off**2)))
        if off.max() <= max(1.0, 2.5 * rmse):
            break
        index, at = np.delete(index, off.argmax()), np.delete(at, off.argmax())
    if off.max() > 1.5:
        return None
    fraction = shared_fraction(at)
    u = np.hypot(max(rmse, 0.0 if fraction is None else ROUNDED) / np.sqrt(max(1, at.size - 2)), SHARPEST)
    return Edges(float(first), float(width), float(u), stroke, fraction)
