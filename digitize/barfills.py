"""Bars known by their plain fills.

Just above the baseline nothing but bars and gaps is left of a figure: the strip of pixels there falls into stretches of one colour. Each
stretch is followed upwards to where it ends. A bar whose fill is the paper's colour is known by the strokes of its sides, which end
where its lid does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.barfield import DEFINITE, Bar, Field, FloatArray, inner_columns

LEGEND_PAD = 2.0  # digit heights around its names and keys that the ground of a legend may cover
BESIDE_LEGEND = 0.1  # share of the columns of a bar that tell where it ends where a legend covers the others


def filled_bars(field: Field) -> list[Bar]:
    """Candidates: every stretch of one colour above the baseline that ends somewhere below the top of the plot."""
    runs = _runs(field)
    bars: list[Bar] = []
    for x0, x1 in runs:
        bars += _climb(field, x0, x1, runs)
    return _merged(field, bars)


def _strip(field: Field, x0: int | None = None, x1: int | None = None) -> tuple[int, int]:
    """First and last row of the strip just above the baseline, or above the legend where that covers it in columns x0..x1."""
    low = field.base - max(3, round(0.3 * field.height))
    thick = max(3, round(0.4 * field.height))
    if x0 is not None and x1 is not None:
        rows = slice(max(0, low - thick), low + 1)
        covered = field.covered[rows, x0 : x1 + 1]
        # A legend without a ground of its own is no cover: the bars show through.
        empty = np.abs(field.rgb[rows, x0 : x1 + 1] - field.paper).max(axis=2)[covered] < DEFINITE
        if empty.size and empty.mean() > 0.5:
            lid = np.flatnonzero(field.covered[:, x0 : x1 + 1].any(axis=1))[0]
            low = int(lid) - max(2, round(0.3 * field.height))
    return max(0, low - thick), max(0, low)


def _runs(field: Field) -> list[tuple[int, int]]:
    """Stretches of columns of one colour in the strip above the baseline."""
    y0, y1 = _strip(field)
    if y1 - y0 < 2:
        return []
    colors = np.median(field.rgb[y0 : y1 + 1], axis=0)
    hidden = np.flatnonzero(field.covered[y0 : y1 + 1].any(axis=0))
    if hidden.size:
        h0, h1 = _strip(field, int(hidden[0]), int(hidden[-1]))
        if h1 - h0 >= 2:
            colors[hidden] = np.median(field.rgb[h0 : h1 + 1, hidden], axis=0)
    step = np.abs(colors[2:] - colors[:-2]).max(axis=1)
    step = np.concatenate([step[:1], step, step[-1:]])
    limit = max(5.0, 5.0 * float(np.median(step)))
    flat = np.flatnonzero(step < limit)
    if flat.size == 0:
        return []
    pieces = [(int(p[0]), int(p[-1])) for p in np.split(flat, np.flatnonzero(np.diff(flat) > 1) + 1) if p.size >= 2]
    joined: list[tuple[int, int]] = []
    for x0, x1 in pieces:
        if joined and _same_stretch(colors, joined[-1], (x0, x1)):
            joined[-1] = (joined[-1][0], x1)
        else:
            joined.append((x0, x1))
    # A stretch that runs into the edge of the plot is the plot's or the page's ground.
    return [(a, b) for a, b in joined if b - a + 1 >= 3 and a > 0 and b < colors.shape[0] - 1]


def _same_stretch(colors: FloatArray, a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether noise alone parts two neighbouring stretches."""
    left, right = np.median(colors[a[0] : a[1] + 1], axis=0), np.median(colors[b[0] : b[1] + 1], axis=0)
    between = colors[a[1] + 1 : b[0]]
    calm = between.size == 0 or float(np.abs(between - (left + right) / 2).max()) < 20
    return calm and float(np.abs(left - right).max()) < 8


def _climb(field: Field, x0: int, x1: int, runs: Sequence[tuple[int, int]]) -> list[Bar]:
    """The bar (or, where its top has steps, bars) that a stretch of the strip grows into."""
    y0, y1 = _strip(field, x0, x1)
    if y1 - y0 < 2:
        return []
    profile = np.median(field.rgb[:, inner_columns(x0, x1)], axis=1)
    fill = np.median(profile[y0 : y1 + 1], axis=0)
    contrast = float(np.abs(fill - field.paper).max())
    if contrast < max(10.0, 4 * field.noise) or (fill >= field.paper).all():
        top = _lid(field, profile, fill, x0, x1, runs)
        return [Bar(x0, x1, top, fill, True)] if top is not None else []
    if contrast < max(40.0, 16 * field.noise):  # single columns are too noisy to follow
        top = _profile_top(field, profile[: y1 + 1], fill)
        return [Bar(x0, x1, top, fill, False)] if top >= 2 else []
    tops = _column_tops(field, x0, x1, fill)
    highest = np.flatnonzero(tops <= tops.min() + 1)
    if field.covered[: y1 + 1, x0 : x1 + 1].any() and highest.size >= max(3, BESIDE_LEGEND * tops.size):
        profile = np.median(field.rgb[:, x0 + highest], axis=1)  # the ground of the legend is no other fill
    tops = np.maximum(tops, _other_fill(field, profile[: y1 + 1], fill))
    plateaus = _plateaus(tops, field.height)
    near = round(LEGEND_PAD * field.height)
    if len(plateaus) > 1 and any(field.covered[max(0, t - near) : t + 1, x0 + a : x0 + b + 1].any() for a, b, t in plateaus):
        plateaus = [(0, x1 - x0, min(t for _, _, t in plateaus))]  # the step is the legend's
    return [Bar(x0 + a, x0 + b, t, fill, False) for a, b, t in plateaus if t >= 2]


def _profile_top(field: Field, profile: FloatArray, fill: FloatArray) -> int:
    """Uppermost row of the fill, by the median colour of all columns."""
    toward = field.paper - fill
    share = (profile - fill) @ toward / float(toward @ toward)
    empty = np.flatnonzero(share > 0.5)
    return int(empty[-1]) + 1 if empty.size else 0


def _other_fill(field: Field, profile: FloatArray, fill: FloatArray) -> int:
    """First row of the fill below a thick stretch of another colour, as stacked bars have; 0 where there is none.

    Above a text that lies over the bar the fill goes on.
    """
    thick = max(4, round(0.5 * field.height))
    if profile.shape[0] < thick:
        return 0
    off = np.abs(profile - fill).max(axis=1)
    other = np.flatnonzero(np.convolve(off > 40, np.ones(thick), "valid") >= thick)
    same = np.flatnonzero(np.convolve(off < 20, np.ones(thick), "valid") >= thick)
    resumed = same[0] if same.size else profile.shape[0]
    other = other[other < resumed]
    return int(other[-1]) + thick if other.size else 0


def _gap(field: Field) -> int:
    """Rows that a stroke or letter across a bar may take."""
    return max(3, round(0.45 * field.height))


def _column_tops(field: Field, x0: int, x1: int, fill: FloatArray) -> NDArray[np.int64]:
    """For each column the uppermost row of unbroken fill; strokes and letters over the fill, darker than it, do not break it."""
    _, y1 = _strip(field, x0, x1)
    toward = field.paper - fill
    share = (field.rgb[: y1 + 1, x0 : x1 + 1] - fill) @ toward / float(toward @ toward)
    broken = share[::-1] >= 0.5
    first = np.where(broken.any(axis=0), broken.argmax(axis=0), y1 + 1)
    return _seen_tops(field, np.asarray(y1 + 1 - first, dtype=np.int64), x0)


def _seen_tops(field: Field, tops: NDArray[np.int64], x0: int) -> NDArray[np.int64]:
    """Tops of columns that end under the legend are taken from the nearest column that does not."""
    pad = max(2, round(0.4 * field.height))
    columns = np.arange(tops.size)
    ends = np.array([field.covered[max(0, t - pad) : t + 1, x0 + c].any() for c, t in enumerate(tops.tolist())])
    seen = columns[~ends]
    if seen.size < max(3, 0.15 * tops.size):
        return tops
    nearest = seen[np.abs(columns[:, None] - seen[None, :]).argmin(axis=1)]
    return np.asarray(tops[nearest])


def _plateaus(tops: NDArray[np.int64], height: float) -> list[tuple[int, int, int]]:
    """Stretches (first, last, top) of columns whose tops agree; spikes no wider than a stem or letter are passed over."""
    narrow = max(4, round(0.6 * height))
    if tops.size < 2 * narrow:
        return [(0, tops.size - 1, int(np.median(tops)))]
    smooth = _running_median(tops, narrow | 1)
    near = max(2.0, 0.15 * height)
    jumps = np.flatnonzero(np.abs(np.diff(smooth)) > near)
    bounds = [0, *(jumps + 1).tolist(), tops.size]
    found: list[tuple[int, int, int]] = []
    for a, b in pairwise(bounds):
        top = int(np.median(tops[a:b]))
        if b - a < narrow:
            continue
        if found and abs(found[-1][2] - top) <= near:
            a, b, top = found[-1][0], b, int(np.median(tops[found[-1][0] : b]))
            found.pop()
        found.append((a, b - 1, top))
    # A notch between equal neighbours is something that lies over the bar.
    found = [
        f
        for i, f in enumerate(found)
        if not (0 < i < len(found) - 1 and abs(found[i - 1][2] - found[i + 1][2]) <= near < f[2] - found[i - 1][2])
    ]
    # What lies between two plateaus belongs to the nearer.
    starts = [0, *((left[1] + right[0] + 1) // 2 for left, right in pairwise(found))]
    ends = [*(start - 1 for start in starts[1:]), tops.size - 1]
    whole: list[tuple[int, int, int]] = []
    for a, b, (_, _, top) in zip(starts, ends, found, strict=False):
        if whole and abs(whole[-1][2] - top) <= near:
            whole[-1] = (whole[-1][0], b, whole[-1][2])
        else:
            whole.append((a, b, top))
    return whole


def _running_median(values: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    half = size // 2
    padded = np.pad(values, half, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, size), axis=1), dtype=np.int64)


def _lid(field: Field, profile: FloatArray, fill: FloatArray, x0: int, x1: int, runs: Sequence[tuple[int, int]]) -> int | None:
    """Last row of fill of a bar whose fill is the paper's colour: it ends at a stroke at which the strokes of its sides end as well."""
    _, y1 = _strip(field, x0, x1)
    reach = round(field.height)
    before = max((b for _, b in runs if b < x0), default=x0 - reach)
    after = min((a for a, _ in runs if a > x1), default=x1 + reach)
    left = _stroke_beside(field, max(before, x0 - reach) + 1, x0, fill, y1)
    right = _stroke_beside(field, x1, min(after, x1 + reach) - 1, fill, y1)
    dark = np.abs(profile[: y1 + 1] - fill).max(axis=1) > DEFINITE
    for row in np.flatnonzero(dark[:-2])[::-1].tolist():
        below = slice(row + 1, y1 + 1)
        if left[below].mean() < 0.8 or right[below].mean() < 0.8:
            return None
        near = slice(row + 1, row + 2 + 2 * _gap(field))
        if min(left[near].mean(), right[near].mean()) < 0.6:
            continue
        above = slice(max(0, row - 2 * _gap(field)), max(0, row - _gap(field)))
        ends = above.stop > 0 and min(left[above].mean(), right[above].mean()) < 0.5
        if ends and not _is_gridline(field, row, (x0, x1)):
            return int(row) + 1
    return None


def _stroke_beside(field: Field, a: int, b: int, fill: FloatArray, last: int) -> NDArray[np.bool_]:
    """For each row whether a side stroke (or another bar) lies in columns a..b."""
    a, b = max(0, a), min(field.rgb.shape[1] - 1, b)
    if b < a:
        return np.zeros(last + 1, dtype=bool)
    return np.asarray(np.abs(field.rgb[: last + 1, a : b + 1] - fill).max(axis=(1, 2)) > DEFINITE)


def _is_gridline(field: Field, row: int, own: tuple[int, int]) -> bool:
    """Whether the stroke in a row goes on, as dark, over the plain columns at the edges of the plot."""
    width = field.rgb.shape[1]
    rim = [c for c in (1, 2, 3, width - 4, width - 3, width - 2) if not own[0] - 3 <= c <= own[1] + 3]
    rows = field.rgb[max(0, row - 1) : row + 2]
    depth = float(np.median(np.abs(rows[:, own[0] : own[1] + 1] - field.paper).max(axis=(0, 2))))
    beside = np.abs(rows[:, rim] - field.paper).max(axis=(0, 2))
    return bool(rim) and bool((beside > 0.7 * depth).mean() > 0.6)


def _merged(field: Field, bars: Sequence[Bar]) -> list[Bar]:
    """Pieces of one bar become one: a stem that reaches the baseline, a tick or a text over it had parted them."""
    merged: list[Bar] = []
    for bar in bars:
        last = merged[-1] if merged else None
        if last is not None and _are_one(field, last, bar):
            wide = max(last, bar, key=lambda b: b.width)
            merged[-1] = Bar(last.x0, bar.x1, wide.top, wide.fill, wide.is_blank)
        else:
            merged.append(bar)
    narrow = max(4, round(0.5 * field.height))
    return [b for b in merged if b.width >= narrow]


def _are_one(field: Field, a: Bar, b: Bar) -> bool:
    """Whether what parts two neighbours of the same fill is a stroke over one bar and not the border between two."""
    if b.x0 - a.x1 - 1 > max(4, round(0.45 * field.height)) + 2 or float(np.abs(a.fill - b.fill).max()) >= 12:
        return False
    is_sliver = min(a.width, b.width) < 0.8 * field.height
    if abs(a.top - b.top) > max(1.5, 0.12 * field.height) and not is_sliver:
        return False
    top = max(a.top, b.top) + 2
    between = field.rgb[top : max(top + 1, _strip(field, a.x0, b.x1)[1]), a.x1 + 1 : b.x0]
    if between.size == 0:
        return True
    strokes = np.abs(between - a.fill).max(axis=2) > 0.5 * DEFINITE
    if strokes.all(axis=1).mean() < 0.7 and strokes.mean(axis=0).max() < 0.7:
        return True
    colors = np.median(between, axis=0)
    is_gap = float(np.abs(colors - field.paper).max(axis=1).min()) < 0.3 * float(np.abs(a.fill - field.paper).max())
    return not is_gap and abs(a.width - b.width) <= 2 + 0.15 * max(a.width, b.width)
