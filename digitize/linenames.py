"""Which name of a legend belongs to which curve: by colour, and where colours are alike by dashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from digitize.curves import key_color
from digitize.ink import paper_color
from digitize.legend import LegendEntry
from digitize.linetraces import Piece, Strand
from digitize.panels import Panel

Doubles = NDArray[np.float64]

SAME, FAR = 60.0, 110.0  # grey levels in a channel within which a key surely has the colour of a curve; and beyond which it has not
RIM_PX = 0.7  # px by which pale edges lengthen a dash
DASH = 14.0  # times the stroke: a longer piece is no dash
SOLID = 0.93  # share of a stroke that shows, from which on it is not dashed
ENDS_IN_GAP = 0.1  # of the one dash of a key, that is empty after it
UNLIKE = 0.6  # how unlike a key and its curve may be at most
SURE = 0.35  # by how much the best assignment of names must be better than the next
INKED = 0.4  # of the darkest ink of a key


@dataclass(frozen=True, eq=False)
class Look:
    """What a curve looks like: its colour, its strand, the width of its stroke (px)."""

    color: tuple[int, int, int]
    strand: Strand
    thickness: float


@dataclass(frozen=True)
class Dashes:
    """Share of a stroke that shows, and lengths (px) of its longest and shortest dash and of its gaps; NaN of a solid one."""

    shown: float
    longest: float = float("nan")
    shortest: float = float("nan")
    gap: float = float("nan")


def names_of(looks: Sequence[Look], panel: Panel, legend: Sequence[LegendEntry]) -> list[str]:
    """The name of each curve; empty where no key is surely like it."""
    paper = paper_color(panel.crop)
    keys = [(entry, color) for entry in legend if (color := key_color(panel, entry, paper)) is not None]
    if not keys or not looks:
        return [""] * len(looks)
    cost = np.full((len(looks), len(keys)), np.inf)
    dashes = [_dashes(_stretches(look)) for look in looks]
    key_dashes = [_dashes(_key_stretches(panel, entry, legend, paper)) for entry, _ in keys]
    for i, look in enumerate(looks):
        for j, (_, color) in enumerate(keys):
            off = float(np.abs(np.subtract(look.color, color)).max())
            if off < FAR:
                cost[i, j] = max(0.0, off - SAME) / 25 + off / 150 + _unlike(dashes[i], key_dashes[j])
    return _assigned(cost, [entry.name for entry, _ in keys])


def _assigned(cost: Doubles, names: Sequence[str]) -> list[str]:
    """The names, each to the curve that it suits best, where any other order would suit clearly worse."""
    most = 3.0
    rows, columns = linear_sum_assignment(np.minimum(cost, most))
    chosen = {int(a): int(b) for a, b in zip(rows, columns, strict=True) if cost[a, b] < most}
    result = [""] * cost.shape[0]
    for a, b in chosen.items():
        others = []
        for c, d in chosen.items():
            if c != a:
                others.append(min(cost[a, d], most) + min(cost[c, b], most) - cost[a, b] - cost[c, d])
        others += [cost[a, d] - cost[a, b] for d in range(cost.shape[1]) if d not in chosen.values()]
        others += [cost[c, b] - cost[a, b] for c in range(cost.shape[0]) if c not in chosen]
        if cost[a, b] < UNLIKE and min(others, default=most) > SURE:
            result[a] = names[b]
    return result


def _unlike(a: Dashes, b: Dashes) -> float:
    """How unlike the dashes of two strokes are."""
    if a.shown > SOLID or b.shown > SOLID:
        return 0.0 if min(a.shown, b.shown) > SOLID else 0.6 + abs(a.shown - b.shown)
    pairs = ((a.longest, b.longest), (a.shortest, b.shortest), (a.gap, b.gap))
    parts = [abs(float(np.log(max(x, 1.0) / max(y, 1.0)))) for x, y in pairs if np.isfinite(x) and np.isfinite(y)]
    shown = abs(a.shown - b.shown) if np.isfinite(a.gap + b.gap) else 0.0
    return min(float(np.mean(parts)) + shown, 1.5)


def _dashes(stretches: tuple[Doubles, Doubles]) -> Dashes:
    on, off = stretches
    if on.size == 1 and off.size == 1:  # a key with room for one dash alone
        return Dashes(float(on[0] / (on[0] + off[0])), float(on[0]))
    if on.size < 2 or off.size < 1 or not on.sum():
        return Dashes(1.0)
    long, short = (float(np.quantile(on, q)) for q in (0.8, 0.2))
    return Dashes(float(on.sum() / (on.sum() + off.sum())), long, short, float(np.median(off)))


def _stretches(look: Look) -> tuple[Doubles, Doubles]:
    """Lengths of the dashes of a curve and of the gaps between them, px along it."""
    pieces = look.strand.pieces
    slopes = np.array([_slope(pieces, k) for k in range(len(pieces))])
    lean = np.hypot(1, slopes)
    columns = np.array([p.last - p.first + 1 for p in pieces], dtype=float)
    middles = np.array([(p.last + p.first) / 2 for p in pieces])
    # A dash that leans covers its length times the cosine, and its width times the sine, of columns; its pale edges add to them.
    lengths = np.maximum((columns - RIM_PX) * lean - look.thickness * np.abs(slopes), 0.5 * look.thickness)
    gaps = np.maximum(np.diff(middles) * (lean[1:] + lean[:-1]) / 2 - (lengths[1:] + lengths[:-1]) / 2, 0.0)
    # Breaks in long pieces are crossings.
    is_solid = lengths[lengths > DASH * look.thickness].sum() > 0.5 * lengths.sum()
    return (lengths[:1], gaps[:0]) if is_solid else (lengths, gaps)


def _slope(pieces: Sequence[Piece], k: int) -> float:
    a, b = pieces[max(0, k - 1)], pieces[min(len(pieces) - 1, k + 1)]
    dx = float(b.x[-1] - a.x[0])
    return float((b.y[-1] - a.y[0]) / dx) if dx > 0.5 else 0.0


def _key_stretches(panel: Panel, entry: LegendEntry, legend: Sequence[LegendEntry], paper: NDArray[np.float32]) -> tuple[Doubles, Doubles]:
    """Lengths of the dashes of a key and of the gaps between them, px; a dash that its end cuts off does not count.

    Keys of one column are equally long: one that seems shorter ends in a gap.
    """
    x0, y0, x1, y1 = entry.key_box
    column = [e.key_box for e in legend if min(e.key_box[2], x1) > max(e.key_box[0], x0)]
    left, right = min(box[0] for box in column), max(box[2] for box in column)
    is_left = x1 <= entry.text_box[0]
    x0 = left if is_left or left > entry.text_box[2] else x0
    x1 = right if not is_left or right < entry.text_box[0] else x1
    patch = panel.image[max(0, y0 - 1) : y1 + 2, max(0, x0 - 2) : x1 + 3].astype(np.float64)
    off = np.linalg.norm(patch - paper, axis=2)
    if not off.size or off.max() < 40:
        return np.array([]), np.array([])
    row = int(off.sum(axis=1).argmax())
    shown = off[max(0, row - 1) : row + 2].max(axis=0) / off.max()
    edges = np.flatnonzero(np.diff((shown > INKED).astype(int), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    on, gaps = (ends - starts).astype(float), (starts[1:] - ends[:-1]).astype(float)
    rest = shown.size - 3.0 - ends[-1]
    if on.size == 1 and rest > ENDS_IN_GAP * on[0]:
        return on, np.array([rest])
    return (on[:-1] if on.size > 2 else on), gaps
