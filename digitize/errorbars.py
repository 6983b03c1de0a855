"""Error bars: upright strokes, their ends and caps, and which marker each end belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.markers import UNIT, Marker
from digitize.network import DetectedEnd

FloatArray = NDArray[np.float32]

THICKEST = 7  # px at the scale of UNIT: a stroke wider than this is no error bar
SHORTEST = 4  # px: the least that must show of a stem
UNSEEN, TWICE, LEFT_OVER = 1.3, 2.2, 3.0  # what it costs to leave an end open, to use one for two markers, to leave one unused
KEPT = 9  # pairs of ends that are weighed for each marker of a shared stem
CAP_MIN, CAP_MAX = 1.6, 1.6 * UNIT  # how far a cap reaches to each side of its stem, px


@dataclass(frozen=True)
class Cap:
    """A short level stroke across a stem: its height y, its thickness and its reach to both sides of the stem, px.

    `is_free` is True where nothing else touches it: then it is no edge of a marker. `level` is its ink across, in px of full
    ink: the darker the more.
    """

    y: float
    left: float
    right: float
    thickness: float
    is_free: bool
    level: float


@dataclass(frozen=True)
class Stem:
    """An upright stroke of one layer at x, from y0 (upper end) to y1 (lower end), its width, and the caps that cross it."""

    x: float
    y0: float
    y1: float
    width: float
    caps: tuple[Cap, ...]


@dataclass(frozen=True)
class ErrorBar:
    """The ends of a marker's error bar, None where there is none, and whether a cap marks them; flags say what is doubtful.

    `top_hidden` and `bottom_hidden` tell that other ink covers the place: an end may be there and cannot be seen. `top_u` and `bottom_u`
    are by how much (standard uncertainty, px) an end beneath other ink is in doubt besides what any end is.
    """

    top: float | None = None
    bottom: float | None = None
    top_capped: bool = False
    bottom_capped: bool = False
    top_hidden: bool = False
    bottom_hidden: bool = False
    flags: tuple[str, ...] = ()
    top_u: float = 0.0
    bottom_u: float = 0.0


def find_stems(amount: FloatArray, hidden: NDArray[np.bool_], strength: FloatArray) -> tuple[Stem, ...]:
    """Upright strokes of a layer.

    Parameters
    ----------
    amount : (h, w) float32
        Ink of the layer, 0 to 1, at the scale of UNIT.
    hidden : (h, w) bool
        Where other ink may cover the layer: a stroke goes on beneath it.
    strength : (h, w) float32
        Distance from the paper colour, grey levels.
    """
    mask = (amount > 0.3).astype(np.uint8)
    wide = np.asarray(_opened(mask, np.ones((1, THICKEST + 1), np.uint8)), dtype=np.uint8)
    thin = np.asarray(cv2.morphologyEx(mask & (1 - wide), cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8)), dtype=np.uint8)
    upright = _opened(thin, np.ones((SHORTEST, 1), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(upright, connectivity=8)
    pieces = []
    for k in range(1, count):
        x, y, w, h, _area = stats[k].tolist()
        own = (labels[y : y + h, x : x + w] == k) * amount[y : y + h, x : x + w]
        pieces += _straight_parts(own, x, y)
    joined = _joined(pieces, mask, hidden)
    return tuple(replace(stem, caps=caps_of(mask, stem, strength)) for stem in joined)


def _opened(mask: NDArray[np.uint8], kernel: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mask without what the kernel does not fit into; cv2's own opening shifts it by a pixel where the kernel's sides are even."""
    rows, columns = kernel.shape
    eroded = cv2.erode(mask, kernel, anchor=(columns // 2, rows // 2))
    return np.asarray(cv2.dilate(eroded, kernel, anchor=((columns - 1) // 2, (rows - 1) // 2)), dtype=np.uint8)


def _straight_parts(own: FloatArray, x0: int, y0: int) -> list[Stem]:
    """The upright strokes in a connected piece of thin ink: more than one where sloped lines tie them together."""
    if own.shape[1] <= THICKEST + 1:
        whole = _straight(own, x0, y0)
        return [whole] if whole is not None else []
    parts = []
    columns = cv2.blur(own.sum(axis=0)[None, :], (3, 1))[0]
    while columns.max() * 3 >= SHORTEST:
        peak = int(columns.argmax())
        lo, hi = max(0, peak - 1), min(own.shape[1], peak + 2)
        # Only unbroken runs: what other lines leave in these columns here and there is no stroke.
        inked = np.flatnonzero(own[:, lo:hi].max(axis=1) > 0.3)
        for run in np.split(inked, np.flatnonzero(np.diff(inked) > 2) + 1):
            part = _straight(own[run[0] : run[-1] + 1, lo:hi], x0 + lo, y0 + int(run[0])) if run.size >= SHORTEST else None
            if part is not None:
                parts.append(part)
        columns[max(0, peak - 2) : peak + 3] = 0
    return parts


def _straight(own: FloatArray, x0: int, y0: int) -> Stem | None:
    """The upright stroke that a piece of thin ink makes, if it is one."""
    columns = own.sum(axis=0)
    rows = np.flatnonzero(own.max(axis=1) > 0.3)
    if rows.size < max(SHORTEST, 1.5 * (columns > 0.5 * columns.max()).sum()):
        return None
    centre = (own * np.arange(own.shape[1])).sum(axis=1)[rows] / own.sum(axis=1)[rows]
    slope = np.polyfit(rows, centre, 1)[0] if rows.size > 6 else 0.0
    if abs(slope) > 0.12:
        return None
    return Stem(x0 + float(np.median(centre)), float(y0 + rows[0]), float(y0 + rows[-1]), float(np.median(own[rows].sum(axis=1))), ())


def _joined(pieces: Sequence[Stem], mask: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> list[Stem]:
    """Pieces in one column become one stem where all between them is ink, hidden, or the inside of a marker."""
    stems: list[Stem] = []
    for piece in sorted(pieces, key=lambda s: s.y0):
        mate = next((s for s in stems if abs(s.x - piece.x) <= 1.2 and _connected(s, piece, mask, hidden)), None)
        if mate is None:
            stems.append(piece)
            continue
        stems.remove(mate)
        long = max(mate, piece, key=lambda s: s.y1 - s.y0)
        stems.append(replace(long, y0=min(mate.y0, piece.y0), y1=max(mate.y1, piece.y1)))
    return stems


def _connected(upper: Stem, lower: Stem, mask: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> bool:
    y0, y1 = round(upper.y1) + 1, round(lower.y0)
    if y1 - y0 <= 2:
        return True
    x = round((upper.x + lower.x) / 2)
    lo, hi = max(0, x - 1), x + 2
    covered = mask[y0:y1, lo:hi].max(axis=1).astype(bool) | hidden[y0:y1, lo:hi].max(axis=1)
    if covered.mean() > 0.8:
        return True
    if y1 - y0 > 1.9 * UNIT:
        return False
    # The paper inside an open marker that was painted over the stem: ink stands at both sides all the way.
    reach = round(0.95 * UNIT)
    left = mask[y0:y1, max(0, x - reach) : max(1, x - 1)].max(axis=1, initial=0)
    right = mask[y0:y1, x + 2 : x + 2 + reach].max(axis=1, initial=0)  # nothing stands beyond the crop's edge
    return bool((left & right).mean() > 0.75)


def caps_of(mask: NDArray[np.uint8], stem: Stem, strength: FloatArray) -> tuple[Cap, ...]:
    """Level strokes across a stem, thin and about as long to the left as to the right."""
    y0, y1 = max(0, round(stem.y0) - 4), min(mask.shape[0] - 1, round(stem.y1) + 4)
    x, half = round(stem.x), stem.width / 2
    limit = int(CAP_MAX) + 2
    left = np.array([_run(mask[y, max(0, x - limit) : x + 1][::-1]) for y in range(y0, y1 + 1)]) - 1
    right = np.array([_run(mask[y, x : x + limit + 1]) for y in range(y0, y1 + 1)]) - 1
    is_cap = (left > half + CAP_MIN) & (right > half + CAP_MIN) & (left <= CAP_MAX) & (right <= CAP_MAX)
    is_cap &= np.abs(left - right) <= 2.0 + 0.2 * np.maximum(left, right)
    rows = np.flatnonzero(is_cap)
    caps = []
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if rows.size else []:
        if group.size <= THICKEST:
            y, reach_left, reach_right = float(y0 + group.mean()), float(left[group].mean()), float(right[group].mean())
            bare = all(
                not mask[row, lo:hi].any()
                for row in (y0 + group[0] - 2, y0 + group[0] - 3, y0 + group[-1] + 2, y0 + group[-1] + 3)
                if 0 <= row < mask.shape[0]
                for lo, hi in ((max(0, round(x - reach_left)), round(x - half - 1)), (round(x + half + 2), round(x + reach_right) + 1))
            )
            rows_around = slice(max(0, y0 + int(group[0]) - 1), y0 + int(group[-1]) + 2)
            part = strength[rows_around, max(0, round(x - reach_left) + 1) : round(x + reach_right)]
            # Summed across the stroke: how its rows share it between pixels must not count.
            ink = float(np.median(part, axis=1).sum()) / 255 if part.size else 0.0
            caps.append(Cap(y, reach_left, reach_right, float(group.size), bare, ink))
    return tuple(caps)


def _run(values: NDArray[np.uint8]) -> int:
    gap = np.flatnonzero(values == 0)
    return int(gap[0]) if gap.size else values.size


def pair_error_bars(
    markers: Sequence[Marker],
    levels: Sequence[float],
    stems: Sequence[Stem],
    line: FloatArray,
    hidden: NDArray[np.bool_],
    *,
    evenness: float = 1.0,
) -> list[ErrorBar]:
    """The error bar of each marker: where several share one stem, caps are shared out by darkness and so that bars come out even.

    Parameters
    ----------
    markers, levels
        Markers of one layer, and how dark the ink of each is (0 to 1).
    stems
        Strokes of the layer.
    line, hidden : (h, w)
        The layer's ink, in which bars too short to show a stem are looked for, and where other ink may hide it.
    evenness
        How much it costs where the halves of a bar on a shared stem differ: more in a panel whose bars are known to be even.
    """
    bars = [ErrorBar() for _ in markers]
    for stem in stems:
        on = [i for i, m in enumerate(markers) if abs(m.x - stem.x) <= 1.8 and stem.y0 - m.size - 2.5 <= m.y <= stem.y1 + m.size + 2.5]
        on.sort(key=lambda i: markers[i].y)
        if on:
            found = _shared_out([markers[i] for i in on], [levels[i] for i in on], stem, evenness)
            for i, bar in zip(on, found, strict=True):
                bars[i] = _merged(bars[i], bar)
    mask = (line > 0.3).astype(np.uint8)
    stubs = [_stub(bar, m, mask) if bar.top is None and bar.bottom is None else bar for bar, m in zip(bars, markers, strict=True)]
    return [_covered(bar, m, hidden) for bar, m in zip(stubs, markers, strict=True)]


def _covered(bar: ErrorBar, marker: Marker, hidden: NDArray[np.bool_]) -> ErrorBar:
    """The bar without ends that are only the place where other ink begins to cover it."""
    x = round(marker.x)

    def is_covered(y: float, way: int) -> bool:
        rows = [round(y) + way * k for k in (1, 2, 3)]
        return any(hidden[max(0, r), max(0, x - 1) : x + 2].any() for r in rows if 0 <= r < hidden.shape[0])

    top_at = bar.top if bar.top is not None else marker.y - marker.size
    bottom_at = bar.bottom if bar.bottom is not None else marker.y + marker.size
    top_hidden = not bar.top_capped and is_covered(top_at, -1)
    bottom_hidden = not bar.bottom_capped and is_covered(bottom_at, 1)
    return replace(
        bar,
        top=None if top_hidden else bar.top,
        bottom=None if bottom_hidden else bar.bottom,
        top_hidden=top_hidden,
        bottom_hidden=bottom_hidden,
    )


def _stub(bar: ErrorBar, marker: Marker, mask: NDArray[np.uint8]) -> ErrorBar:
    """The ends of a bar that reaches only a little beyond its marker."""
    x = round(marker.x)
    if not 1 <= x < mask.shape[1] - 1:
        return bar
    column = mask[:, x - 1 : x + 2].min(axis=1)
    edge = marker.size * 0.9
    up = _run(column[max(0, round(marker.y - edge) - 20) : max(0, round(marker.y - edge))][::-1])
    down = _run(column[round(marker.y + edge) + 1 : round(marker.y + edge) + 21])
    top = marker.y - edge - up if 2 <= up < 20 else None
    bottom = marker.y + edge + down if 2 <= down < 20 else None
    top_capped = top is not None and _is_capped(mask, x, top)
    bottom_capped = bottom is not None and _is_capped(mask, x, bottom)
    return replace(bar, top=top, bottom=bottom, top_capped=top_capped, bottom_capped=bottom_capped)


def _is_capped(mask: NDArray[np.uint8], x: int, y: float | None) -> bool:
    """Whether a level stroke crosses near the end of a stub."""
    if y is None:
        return False
    rows = range(max(0, round(y) - 2), min(mask.shape[0], round(y) + 3))
    return any(_run(mask[r, x:]) > 4 and _run(mask[r, : x + 1][::-1]) > 4 for r in rows)


def _merged(a: ErrorBar, b: ErrorBar) -> ErrorBar:
    """Two stems of one marker (above and below it) as one bar."""
    top, top_capped = min(((v, c) for v, c in ((a.top, a.top_capped), (b.top, b.top_capped)) if v is not None), default=(None, False))
    bottom, bottom_capped = max(
        ((v, c) for v, c in ((a.bottom, a.bottom_capped), (b.bottom, b.bottom_capped)) if v is not None), default=(None, False)
    )
    flags = tuple(dict.fromkeys(a.flags + b.flags))
    return ErrorBar(top, bottom, top_capped, bottom_capped, flags=flags)


@dataclass(frozen=True)
class _End:
    """A place where a bar may end: its height, how dark its cap is (None for the bare end of a stem), whether the cap touches nothing."""

    y: float
    level: float | None
    is_free: bool = False


def _shared_out(markers: Sequence[Marker], levels: Sequence[float], stem: Stem, evenness: float) -> list[ErrorBar]:
    """Error bars of the markers on one stem, upper marker first."""
    ends = [_End(c.y, c.level, c.is_free) for c in stem.caps if not any(_is_edge(c, m) for m in markers)]
    ends += [_End(y, None) for y in (stem.y0, stem.y1) if all(abs(y - e.y) > 4 for e in ends)]
    ends.sort(key=lambda e: e.y)
    if len(markers) == 1:
        m = markers[0]
        above, below = [e for e in ends if e.y < m.y - 0.3 * m.size], [e for e in ends if e.y > m.y + 0.3 * m.size]
        return [_bar(m, above[0] if above else None, below[-1] if below else None, ())]
    return [_bar(m, *pair, ("shared_stem",)) for m, pair in zip(markers, _fairest(markers, levels, ends, evenness), strict=True)]


def _is_edge(cap: Cap, marker: Marker) -> bool:
    """Whether a cap is only the upper or lower edge of a square or triangle, or lies inside a marker."""
    return not cap.is_free and abs(cap.y - marker.y) <= marker.size + 1.5 and min(cap.left, cap.right) <= marker.size + 0.7


Pair = tuple[_End | None, _End | None]


def _fairest(markers: Sequence[Marker], levels: Sequence[float], ends: Sequence[_End], evenness: float) -> list[Pair]:
    """For each marker an end above and one below: all caps used where possible, dark caps to dark markers, halves as equal as can be."""
    capped = [(e.is_free, e.level) for e in ends if e.level is not None]
    darkest_cap = max((level for free, level in capped if free or not any(f for f, _ in capped)), default=1.0) or 1.0
    darkest = max(levels, default=1.0) or 1.0

    def own_cost(k: int, pair: Pair) -> float:
        above, below = pair
        cost = sum(UNSEEN for end in pair if end is None)
        for end in pair:
            if end is not None and end.level is not None:
                cost += 4.0 * abs(min(end.level / darkest_cap, 1.0) - levels[k] / darkest)
        if above is not None and below is not None:
            cost += evenness * abs(np.log((markers[k].y - above.y) / (below.y - markers[k].y)))
        return cost

    choices = []
    for k, m in enumerate(markers):
        above = [e for e in ends if e.y < m.y - 0.5 * m.size]
        below = [e for e in ends if e.y > m.y + 0.5 * m.size]
        pairs: list[Pair] = list(product((*above, None), (*below, None)))
        choices.append(sorted(((own_cost(k, p), n, p) for n, p in enumerate(pairs)))[:KEPT])
    best: list[Pair] = [c[0][2] for c in choices]
    best_cost = np.inf
    for combo in product(*choices[:4]):
        taken = [e for _, _, pair in combo for e in pair if e is not None]
        left = sum(LEFT_OVER if end.is_free or end.level is None else 1.0 for end in ends if end not in taken)
        cost = sum(own for own, _, _ in combo) + left + TWICE * (len(taken) - len(set(taken)))
        if cost < best_cost:
            best_cost = cost
            best = [pair for _, _, pair in combo] + [c[0][2] for c in choices[4:]]
    return best


def _bar(marker: Marker, above: _End | None, below: _End | None, flags: tuple[str, ...]) -> ErrorBar:
    # A stem that ends within the marker shows nothing of the bar's end on that side.
    if above is not None and above.y > marker.y - marker.size - 0.5 and above.level is None:
        above = None
    if below is not None and below.y < marker.y + marker.size + 0.5 and below.level is None:
        below = None
    return ErrorBar(
        above.y if above else None,
        below.y if below else None,
        above is not None and above.level is not None,
        below is not None and below.level is not None,
        flags=flags,
    )


def reconciled(bar: ErrorBar, marker: Marker, line: FloatArray) -> ErrorBar:
    """The bar that the strokes show, held against where the marker's bar seemed to end at first sight.

    Where both agree the strokes' place stands. An end that they put at different places, or of which only one is sure, is flagged; one
    that was seen where the layer has no ink (`line`, (h, w)) is another series' end.
    """

    def is_own(end: DetectedEnd) -> bool:
        x, y = round(marker.x), round(end.y)
        return bool((line[max(0, y - 2) : max(0, y + 3), max(0, x - 3) : x + 4] > 0.3).any())

    top, top_hidden, top_flag = _agreed(bar.top, bar.top_hidden, marker.up, is_own=is_own(marker.up))
    bottom, bottom_hidden, bottom_flag = _agreed(bar.bottom, bar.bottom_hidden, marker.down, is_own=is_own(marker.down))
    flags = dict.fromkeys((*bar.flags, *(f for f in (top_flag, bottom_flag) if f)))
    return ErrorBar(
        top, bottom, bar.top_capped or top != bar.top, bar.bottom_capped or bottom != bar.bottom, top_hidden, bottom_hidden, tuple(flags)
    )


def _agreed(end: float | None, is_hidden: bool, seen: DetectedEnd, *, is_own: bool) -> tuple[float | None, bool, str]:
    """(place of the end, whether it is hidden, a flag or nothing)."""
    exists, shows = seen.probability > 0.5, seen.seen > 0.5 and is_own
    if end is None:
        if exists and shows and seen.is_snapped:
            return seen.y, False, "" if seen.probability > 0.8 and not is_hidden else "end_doubtful"
        return None, is_hidden or exists, ""
    if exists and abs(end - seen.y) <= max(2.5, 0.06 * seen.distance):
        return end, False, ""
    if exists and seen.is_snapped and shows:
        return seen.y, False, "end_doubtful"
    return end, False, "end_doubtful"
