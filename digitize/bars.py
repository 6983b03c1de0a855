"""Bars with error bars, read from pixels: rectangles that stand on a common baseline, whatever their fill.

Just above the baseline nothing but bars and gaps is left of a figure: the strip of pixels there falls into stretches of one colour. Each
stretch is followed upwards to where it ends; only there its value is read, by fitting a stroke between two plains to the mean profile of
its columns (plotting programs centre the outline's stroke on the value). Error bars are strokes at the middle of a bar, followed from its end
outwards over the paper and inwards over the fill. Bars below the baseline are read the same way in the mirrored image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.legend import LegendEntry
from digitize.ocr import TextBox, read_box
from digitize.panels import Categories, Panel
from digitize.series import Mark, Place, Series, hex_color

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]

DRAWN_U = (0.1, 0.1)  # px: end of a bar, end of an error bar, where strokes keep their sub-pixel places
SNAPPED_U = (0.42, 0.6)  # px: where strokes were moved to whole pixels, twice for caps, or the page was scanned: found on drawn figures
DEFINITE = 30.0  # grey levels by which ink differs from what it lies on


@dataclass(frozen=True)
class BarReading:
    """The bars of a panel.

    `series` hold a mark a bar: `x` its middle, `y` its end, `y_lo` and `y_hi` the ends of its error bar, `category` the label of its group
    (None where there is none). `baseline` is the y on which the bars stand, px; `confidence` (0 to 1) that the panel is a bar chart.
    """

    series: tuple[Series, ...]
    baseline: float | None
    confidence: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Field:
    """A panel's plot with bars rising from row `base`: colours (h, w, 3), where other things cover it, paper colour, noise, digit height.

    `origin` is the image position (x, y) of its first pixel.
    """

    rgb: FloatArray
    covered: NDArray[np.bool_]
    paper: FloatArray
    noise: float
    height: float
    origin: tuple[int, int]
    base: int

    def flipped(self) -> _Field:
        """The same plot upside down: bars that hang rise."""
        last = self.rgb.shape[0] - 1
        return replace(self, rgb=self.rgb[::-1], covered=self.covered[::-1], base=last - self.base)


@dataclass(frozen=True, eq=False)
class _Bar:
    """A bar: its inner columns x0..x1, the last row of its fill, its fill colour, and whether its fill is the paper's colour."""

    x0: int
    x1: int
    top: int
    fill: FloatArray
    is_blank: bool

    @property
    def width(self) -> int:
        """Inner columns."""
        return self.x1 - self.x0 + 1

    @property
    def middle(self) -> float:
        """Centre along x."""
        return (self.x0 + self.x1) / 2


@dataclass(frozen=True)
class _Edge:
    """How the ends of bars are drawn in this panel: stroke width (0: no outline, None: cannot be told) and blur, px."""

    width: float | None
    blur: float


# ---------------------------------------------------------------- the public face


def bar_evidence(panel: Panel, legend: Sequence[LegendEntry] = ()) -> float:
    """How sure it is that a panel shows bars, 0 to 1, from rectangles of similar width on a common baseline; no value is read."""
    found = _standing(panel, legend)
    return _evidence(panel, found)


def read_bars(panel: Panel, legend: Sequence[LegendEntry] = ()) -> BarReading:
    """Every bar of a panel with its error bar, in series.

    Parameters
    ----------
    panel : Panel
        With an upright numeric axis; bars along x are not read.
    legend : sequence of LegendEntry
        Names the series by their fill; its boxes are no bars, and what they cover is flagged.
    """
    found = _standing(panel, legend)
    confidence = _evidence(panel, found)
    if not found.bars:
        return BarReading((), None, confidence)
    drawn = _read_direction(found.field, found.risen) + [
        _mirrored(d, found.field.rgb.shape[0] - 1) for d in _read_direction(found.field.flipped(), found.hanging)
    ]
    drawn = _completed(_weighed(drawn, found.field.noise))
    drawn = [_moved(d, *found.field.origin) for d in drawn]
    base = float(found.field.base + found.field.origin[1])
    series, flags = _grouped(panel, legend, drawn, base)
    return BarReading(series, base, confidence, flags)


# ---------------------------------------------------------------- the plot as a field


def _field(panel: Panel, legend: Sequence[LegendEntry], base_px: float) -> _Field:
    """The plot with the axis line below it."""
    y0 = panel.box[1]
    x0, x1 = _columns(panel, base_px)
    below = round(max(6.0, 0.6 * panel.height))
    bottom = min(panel.image.shape[0], panel.box[3] + 1 + below)
    crop = panel.image[y0:bottom, x0 : x1 + 1]
    rgb = crop.astype(np.float32)
    first, last = (max(0, round(v) - y0) for v in panel.y.span_px)
    covered = _covered(panel, legend, (x0, y0), rgb.shape[:2])
    return _Field(rgb, covered, _paper(crop[first : last + 1]), _noise(rgb), panel.height, (x0, y0), round(base_px) - y0)


def _columns(panel: Panel, base_px: float) -> tuple[int, int]:
    """First and last column of the plot; where its box would cut a bar in two it is widened to the paper beside that bar."""
    x0, _, x1, _ = panel.box
    row = round(base_px) - max(3, round(0.5 * panel.height))
    if row < 2:
        return x0, x1
    colors = np.median(panel.image[row - 2 : row + 1].astype(np.float32), axis=0)
    inked = np.abs(colors - _paper(panel.crop)).max(axis=1) > DEFINITE
    reach = (x1 - x0) // 5
    first = max(0, x0 - reach, round(max(b.box[2] for b in panel.y.boxes)) + 2)
    last = min(inked.size - 1, x1 + reach)
    while x1 < last and inked[max(0, x1 - 2) : x1 + 1].any():
        x1 += 1
    x1 = _ground_edge(panel, x1)
    wide = round(1.2 * panel.height)
    if inked[x0 : x0 + 2].any() and inked[x0 : x0 + wide].mean() > 0.6:
        while x0 > first and inked[x0 : x0 + 3].any():
            x0 -= 1
    return x0, x1


def _ground_edge(panel: Panel, x1: int) -> int:
    """Last column of a tinted ground that goes on beyond column x1; x1 where the ground is the page's own white."""
    paper = _paper(panel.crop)
    if paper.min() > 248:
        return x1
    first, last = (round(v) for v in panel.y.span_px)
    colors = panel.image[max(0, first) : last + 1, x1:].astype(np.float32)
    ground = (np.abs(colors - paper).max(axis=2) < 5).mean(axis=0) > 0.15
    gap = max(3, round(0.4 * panel.height))  # gridlines cross the ground
    seen = np.flatnonzero(ground)
    ends = np.flatnonzero(np.diff(seen, prepend=0) > gap)
    reached = seen[: ends[0]] if ends.size else seen
    return x1 + int(reached[-1]) if reached.size else x1


def _covered(panel: Panel, legend: Sequence[LegendEntry], origin: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where a legend lies over the plot: its names, keys, and the frame around all of them."""
    mask = np.zeros(shape, dtype=bool)
    if not legend:
        return mask
    boxes = np.array([e.text_box for e in legend] + [e.key_box for e in legend], dtype=float)
    pad = 0.7 * panel.height
    x0, y0 = boxes[:, :2].min(axis=0) - pad - np.array(origin)
    x1, y1 = boxes[:, 2:].max(axis=0) + pad - np.array(origin)
    if x1 > 0 and y1 > 0:
        mask[max(0, round(y0)) : round(y1) + 1, max(0, round(x0)) : round(x1) + 1] = True
    return mask


def _paper(crop: NDArray[np.uint8]) -> FloatArray:
    """Colour of the empty plot: the commonest along the upper edge and the left side of its ticks' span, where bars seldom reach."""
    h, w = crop.shape[:2]
    rim = np.concatenate([p.reshape(-1, 3) for p in (crop[: max(3, h // 8)], crop[:, : max(2, w // 40)])])
    codes = (rim // 16).astype(np.int64) @ np.array([256, 16, 1])
    common = rim[codes == np.bincount(codes).argmax()]
    return np.median(common, axis=0).astype(np.float32)


def _noise(rgb: FloatArray) -> float:
    """Standard deviation of the pixels' noise in grey levels, from second differences, most of which cross no edge."""
    light = rgb.mean(axis=2)
    second = light[:, 2:] - 2 * light[:, 1:-1] + light[:, :-2]
    return float(np.median(np.abs(second[::2])) / 0.6745 / math.sqrt(6))


# ---------------------------------------------------------------- what stands on a baseline


@dataclass(frozen=True)
class _Standing:
    """Bars above (`risen`) and below (`hanging`, in the flipped field) one baseline of a field."""

    field: _Field
    risen: tuple[_Bar, ...]
    hanging: tuple[_Bar, ...]

    @property
    def bars(self) -> tuple[_Bar, ...]:
        """All of them."""
        return self.risen + self.hanging


def _standing(panel: Panel, legend: Sequence[LegendEntry]) -> _Standing:
    """The bars on the best baseline: the zero line where it lies in the plot, else the plot's lower edge."""
    best: _Standing | None = None
    for base in _baselines(panel):
        field = _field(panel, legend, base)
        risen = _alike(_rising(field))
        inside = panel.box[3] - base > 1.5 * panel.height
        hanging = _alike(_rising(field.flipped())) if inside else ()
        # What goes on through the line does not stand on it.
        if any(_passes(a, b) for a in risen for b in hanging):
            risen, hanging = (), ()
        found = _Standing(field, risen, hanging)
        if best is None or _evidence(panel, best) < 0.5 * _evidence(panel, found):
            best = found
    assert best is not None
    return best


def _passes(a: _Bar, b: _Bar) -> bool:
    """Whether two bars on both sides of a line are one that passes through it."""
    overlap = min(a.x1, b.x1) - max(a.x0, b.x0)
    return overlap > 0.3 * min(a.width, b.width) and float(np.abs(a.fill - b.fill).max()) < 15


def _baselines(panel: Panel) -> list[float]:
    lower = panel.box[3] + 2.0
    line = min((ln.at for ln in panel.lines if not ln.upright and abs(ln.at - lower) <= 4), key=lambda at: abs(at - lower), default=lower)
    calibration = panel.y.calibration
    if calibration.scale.name != "linear":
        return [line]
    zero = float(calibration.to_pixel(0.0))
    if panel.box[1] < zero < panel.box[3] - 3:
        return [zero, line]
    return [zero if abs(zero - line) <= 4 else line]


def _area(found: _Standing) -> float:
    return float(sum(b.width * max(1, found.field.base - b.top) for b in found.risen)) + float(
        sum(b.width * max(1, found.field.flipped().base - b.top) for b in found.hanging)
    )


def _rising(field: _Field) -> list[_Bar]:
    """Candidates: every stretch of one colour above the baseline that ends somewhere below the top of the plot."""
    runs = _runs(field)
    bars: list[_Bar] = []
    for x0, x1 in runs:
        bars += _climb(field, x0, x1, runs)
    return _merged(field, bars)


def _strip(field: _Field, x0: int | None = None, x1: int | None = None) -> tuple[int, int]:
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


def _runs(field: _Field) -> list[tuple[int, int]]:
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


def _inner(x0: int, x1: int) -> slice:
    margin = round(0.12 * (x1 - x0))
    return slice(x0 + margin, x1 - margin + 1)


def _climb(field: _Field, x0: int, x1: int, runs: Sequence[tuple[int, int]]) -> list[_Bar]:
    """The bar (or, where its top has steps, bars) that a stretch of the strip grows into."""
    y0, y1 = _strip(field, x0, x1)
    if y1 - y0 < 2:
        return []
    profile = np.median(field.rgb[:, _inner(x0, x1)], axis=1)
    fill = np.median(profile[y0 : y1 + 1], axis=0)
    contrast = float(np.abs(fill - field.paper).max())
    if contrast < max(10.0, 4 * field.noise) or (fill >= field.paper).all():
        top = _lid(field, profile, fill, x0, x1, runs)
        return [_Bar(x0, x1, top, fill, True)] if top is not None else []
    if contrast < max(40.0, 16 * field.noise):  # single columns are too noisy to follow
        top = _profile_top(field, profile[: y1 + 1], fill)
        return [_Bar(x0, x1, top, fill, False)] if top >= 2 else []
    plateaus = _plateaus(_column_tops(field, x0, x1, fill), field.height)
    near = round(field.height)
    if len(plateaus) > 1 and any(field.covered[max(0, t - near) : t + 1, x0 + a : x0 + b + 1].any() for a, b, t in plateaus):
        plateaus = [(0, x1 - x0, min(t for _, _, t in plateaus))]  # the step is the legend's
    return [_Bar(x0 + a, x0 + b, t, fill, False) for a, b, t in plateaus if t >= 2]


def _profile_top(field: _Field, profile: FloatArray, fill: FloatArray) -> int:
    """Uppermost row of the fill, by the median colour of all columns."""
    toward = field.paper - fill
    share = (profile - fill) @ toward / float(toward @ toward)
    empty = np.flatnonzero(share > 0.5)
    return int(empty[-1]) + 1 if empty.size else 0


def _gap(field: _Field) -> int:
    """Rows that a stroke or letter across a bar may take."""
    return max(3, round(0.45 * field.height))


def _column_tops(field: _Field, x0: int, x1: int, fill: FloatArray) -> NDArray[np.int64]:
    """For each column the uppermost row of unbroken fill; strokes and letters over the fill, darker than it, do not break it."""
    _, y1 = _strip(field, x0, x1)
    toward = field.paper - fill
    share = (field.rgb[: y1 + 1, x0 : x1 + 1] - fill) @ toward / float(toward @ toward)
    broken = share[::-1] >= 0.5
    first = np.where(broken.any(axis=0), broken.argmax(axis=0), y1 + 1)
    return _seen_tops(field, np.asarray(y1 + 1 - first, dtype=np.int64), x0)


def _seen_tops(field: _Field, tops: NDArray[np.int64], x0: int) -> NDArray[np.int64]:
    """Tops of columns that end under the legend are taken from the nearest column that does not."""
    pad = max(2, round(0.4 * field.height))
    columns = np.arange(tops.size)
    ends = np.array([field.covered[max(0, t - pad) : t + 1, x0 + c].any() for c, t in enumerate(tops.tolist())])
    seen = columns[~ends]
    if seen.size < max(3, 0.15 * tops.size):
        return tops
    nearest = seen[np.abs(columns[:, None] - seen[None, :]).argmin(axis=1)]
    return tops[nearest]


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
    for a, b in zip(bounds[:-1], bounds[1:], strict=True):
        top = int(np.median(tops[a:b]))
        if b - a < narrow:
            continue
        if found and abs(found[-1][2] - top) <= near:
            a, b, top = found[-1][0], b, int(np.median(tops[found[-1][0] : b]))
            found.pop()
        found.append((a, b - 1, top))
    # A notch between equal neighbours is something that lies over the bar.
    found = [f for i, f in enumerate(found) if not (0 < i < len(found) - 1 and abs(found[i - 1][2] - found[i + 1][2]) <= near < f[2] - found[i - 1][2])]
    # What lies between two plateaus belongs to the nearer.
    starts = [0, *((left[1] + right[0] + 1) // 2 for left, right in zip(found[:-1], found[1:], strict=True))]
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


def _lid(field: _Field, profile: FloatArray, fill: FloatArray, x0: int, x1: int, runs: Sequence[tuple[int, int]]) -> int | None:
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
        ends = above.stop > above.start and min(left[above].mean(), right[above].mean()) < 0.5
        if ends and not _crosses_gaps(field, row, (x0, x1), runs):
            return row + 1
    return None


def _stroke_beside(field: _Field, a: int, b: int, fill: FloatArray, last: int) -> NDArray[np.bool_]:
    """For each row whether a side stroke (or another bar) lies in columns a..b."""
    a, b = max(0, a), min(field.rgb.shape[1] - 1, b)
    if b < a:
        return np.zeros(last + 1, dtype=bool)
    return np.asarray(np.abs(field.rgb[: last + 1, a : b + 1] - fill).max(axis=(1, 2)) > DEFINITE)


def _crosses_gaps(field: _Field, row: int, own: tuple[int, int], runs: Sequence[tuple[int, int]]) -> bool:
    """Whether the stroke in a row goes on over the plain columns at the edges of the plot, as a gridline does."""
    width = field.rgb.shape[1]
    rim = [c for c in (1, 2, 3, width - 4, width - 3, width - 2) if not own[0] - 3 <= c <= own[1] + 3]
    if not rim:
        return False
    rows = field.rgb[max(0, row - 1) : row + 2][:, rim]
    return bool((np.abs(rows - field.paper).max(axis=(0, 2)) > 0.7 * DEFINITE).mean() > 0.6)


def _merged(field: _Field, bars: Sequence[_Bar]) -> list[_Bar]:
    """Pieces of one bar become one: a stem that reaches the baseline, a tick or a text over it had parted them."""
    merged: list[_Bar] = []
    for bar in bars:
        last = merged[-1] if merged else None
        if last is not None and _are_one(field, last, bar):
            wide = max(last, bar, key=lambda b: b.width)
            merged[-1] = _Bar(last.x0, bar.x1, wide.top, wide.fill, wide.is_blank)
        else:
            merged.append(bar)
    narrow = max(4, round(0.5 * field.height))
    return [b for b in merged if b.width >= narrow]


def _are_one(field: _Field, a: _Bar, b: _Bar) -> bool:
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


def _alike(bars: Sequence[_Bar]) -> tuple[_Bar, ...]:
    """The bars that are about as wide as most of the filled area."""
    if not bars:
        return ()
    widths = np.array([b.width for b in bars], dtype=float)
    common = float(np.sort(widths)[-(-len(widths) // 2) - 1]) if len(widths) < 3 else float(np.median(widths))
    return tuple(b for b in bars if 0.55 * common <= b.width <= 1.8 * common)


def _evidence(panel: Panel, found: _Standing) -> float:
    """Confidence that the standing rectangles are bars: enough area, widths alike, tops not on one line with the plot's top."""
    bars = found.bars
    if not bars:
        return 0.0
    widths = np.array([b.width for b in bars], dtype=float)
    even = 1.0 - min(1.0, 3.0 * float(np.std(widths) / widths.mean()))
    area = _area(found) / float(found.field.rgb.shape[0] * found.field.rgb.shape[1])
    wide = min(1.0, float(np.median(widths)) / (1.2 * panel.height))
    several = 1.0 if len(bars) > 1 else 0.6
    return float(np.clip((0.4 + 0.6 * even) * min(1.0, area / 0.06) * wide * several, 0, 1))


# ---------------------------------------------------------------- the end of a bar


@dataclass(frozen=True)
class _Drawn:
    """A bar as read: its end, its error bar (y of the ends; `outer` beyond the bar's end, `inner` towards the baseline), and doubts.

    `is_capped` tells whether the outer end bears a cap, `hidden` that the fill is too dark to show an inner half.
    """

    bar: _Bar
    end: Place
    outer: Place | None = None
    inner: Place | None = None
    is_capped: bool = False
    hidden: bool = False
    hangs: bool = False
    flags: tuple[str, ...] = ()


_GRID = np.linspace(-4.0, 4.0, 321)
_CUMULATIVE = np.array([0.5 * (1.0 + math.erf(z / math.sqrt(2.0))) for z in _GRID])


def _covers(distance: Doubles, blur: float | Doubles) -> Doubles:
    """Share of each pixel beyond an edge, from its signed distance: the pixel's own box and a Gaussian blur together."""
    return np.interp(distance / np.hypot(blur, 1 / math.sqrt(12)), _GRID, _CUMULATIVE)


def _fit_edge(profile: Doubles, guess: float, widths: Sequence[float], blurs: Sequence[float]) -> tuple[Doubles, Doubles]:
    """Squared misfit for every (width, blur, position): plain, stroke and fill whose levels are free.

    Parameters
    ----------
    profile : (n, 3)
        Mean colours of the rows around the end.
    guess : float
        Expected row of the edge, in rows of the profile.

    Returns
    -------
    positions : (k,)
    misfit : (len(widths), len(blurs), k)
    """
    positions = guess + np.arange(-3.0, 3.01, 0.1)
    rows = np.arange(len(profile))[:, None, None, None]
    half = np.array(widths)[None, :, None, None] / 2
    blur = np.array(blurs)[None, None, :, None]
    at = positions[None, None, None, :]
    above = _covers(at - half - rows, blur)
    below = _covers(rows - at - half, blur)
    stroke = np.clip(1 - above - below, 0, 1)
    design = np.stack([above, below, stroke], axis=-1)  # n, w, b, k, 3
    design = np.moveaxis(design, 0, -2)  # w, b, k, n, 3
    gram = np.swapaxes(design, -1, -2) @ design + 1e-4 * np.eye(3)
    moment = np.swapaxes(design, -1, -2) @ profile
    levels = np.linalg.solve(gram, moment)
    return positions, ((profile - design @ levels) ** 2).sum(axis=(-1, -2))


def _end_window(field: _Field, bar: _Bar) -> tuple[Doubles, int, int]:
    """Mean profile around a bar's end without the columns of the stem, its first row, and how many columns it is the mean of."""
    margin = max(1, round(0.12 * bar.width))
    stem = max(1.5, 0.09 * bar.width)
    columns = np.arange(bar.x0 + margin, bar.x1 - margin + 1)
    columns = columns[np.abs(columns - bar.middle) > stem]
    if columns.size == 0:
        columns = np.arange(bar.x0, bar.x1 + 1)
    reach = max(6, round(0.6 * field.height))
    y0, y1 = max(0, bar.top - reach), min(field.base - 2, bar.top + reach)
    window = field.rgb[y0 : y1 + 1, columns]
    # The median drops what crosses a few columns only; the mean of what agrees with it is the more exact.
    middle = np.median(window, axis=1, keepdims=True)
    agree = np.abs(window - middle).max(axis=2, keepdims=True) < max(40.0, 4 * field.noise)
    mean = (window * agree).sum(axis=1) / np.maximum(agree.sum(axis=1), 1)
    return mean.astype(float), y0, int(columns.size)


def _dip(profile: Doubles, guess: float) -> float:
    """How much darker than fill and paper the row of the outline is, in grey levels."""
    light = profile.mean(axis=1)
    k = round(guess)
    inside, outside = light[k + 3 :], light[: max(1, k - 3)]
    around = light[max(0, k - 3) : k + 3]
    if inside.size == 0 or around.size == 0:
        return 0.0
    return float(min(np.median(inside), np.median(outside)) - around.min())


WIDTHS = (0.6, 0.9, 1.3, 1.8, 2.4, 3.2, 4.2, 5.6)
BLURS = (0.2, 0.5, 0.8, 1.2, 1.8)


def _panel_edge(field: _Field, bars: Sequence[_Bar]) -> _Edge:
    """Stroke width and blur that suit all bars on whose ends they can be seen."""
    total = np.zeros((len(WIDTHS), len(BLURS)))
    outlined, plain, blurs = 0, 0, np.zeros(len(BLURS))
    for bar in sorted(bars, key=lambda b: float(b.fill.sum()), reverse=True)[:6]:
        profile, y0, columns = _end_window(field, bar)
        guess = bar.top - y0 - 0.5
        if len(profile) < 6:
            continue
        if _dip(profile, guess) > max(8.0, 5 * field.noise / math.sqrt(columns)):
            total += _fit_edge(profile, guess, WIDTHS, BLURS)[1].min(axis=2)
            outlined += 1
        else:
            plain += float(bar.fill.mean()) > 90
            blurs += _fit_edge(profile, guess, (0.0,), BLURS)[1].min(axis=2)[0]
    if outlined >= max(1, plain):
        i, j = np.unravel_index(int(total.argmin()), total.shape)
        return _Edge(WIDTHS[i], BLURS[j])
    return _Edge(0.0 if plain else None, BLURS[int(blurs.argmin())])


def _end_of(field: _Field, bar: _Bar, edge: _Edge) -> Place:
    """The bar's end: the middle of its outline's stroke, or the half-way point of an edge without one."""
    profile, y0, columns = _end_window(field, bar)
    guess = bar.top - y0 - 0.5
    noise = field.noise / math.sqrt(columns)
    if len(profile) < 6:
        return Place(float(bar.top), 1.0)
    has_stroke = _dip(profile, guess) > max(8.0, 5 * noise)
    width = edge.width if edge.width else 0.0
    positions, misfit = _fit_edge(profile, guess, (width if has_stroke else 0.0,), (edge.blur,))
    at, u = _lowest(positions, misfit[0, 0], noise)
    if not has_stroke and bar.fill.mean() < 90:
        # A fill as dark as its outline: what shows is the outline's outer edge.
        at += (0.5 if edge.width is None else edge.width) / 2
        u = math.hypot(u, 0.35 if edge.width is None else 0.1 * width)
    return Place(y0 + at, u)


def _lowest(positions: Doubles, misfit: Doubles, noise: float) -> tuple[float, float]:
    """The position of least misfit between the grid's steps, and its standard uncertainty."""
    k = int(np.clip(misfit.argmin(), 1, len(misfit) - 2))
    bend = misfit[k - 1] - 2 * misfit[k] + misfit[k + 1]
    shift = float(np.clip(0.5 * (misfit[k - 1] - misfit[k + 1]) / bend, -0.5, 0.5)) if bend > 0 else 0.0
    step = float(positions[1] - positions[0])
    scatter = max(noise**2, float(misfit[k]) / 30.0)
    u = math.sqrt(2 * scatter / (bend / step**2)) if bend > 0 else 1.0
    return float(positions[k] + shift * step), min(u, 1.0)


# ---------------------------------------------------------------- its error bar


@dataclass(frozen=True)
class _Stroke:
    """The upright stroke at the middle of a bar: its columns first..last, their colour over paper, and what they are over the fill."""

    first: int
    last: int
    color: FloatArray
    over_fill: FloatArray


def _read_direction(field: _Field, bars: Sequence[_Bar]) -> list[_Drawn]:
    """Ends and error bars of bars that rise."""
    if not bars:
        return []
    edge = _panel_edge(field, bars)
    return [_read_bar(field, bar, edge) for bar in bars]


def _read_bar(field: _Field, bar: _Bar, edge: _Edge) -> _Drawn:
    end = _end_of(field, bar, edge)
    half = (edge.width or 1.0) / 2
    lid = round(end.px - half - edge.blur) - 1  # the last row that is all paper
    under_legend = bool(field.covered[max(0, lid - 1) : lid + 2, bar.x0 : bar.x1 + 1].mean() > 0.3)
    stroke = _stem_above(field, bar, lid)
    if stroke is None:
        return _Drawn(bar, end, flags=("legend_covers",) if under_legend else ())
    outer = _outer_end(field, stroke, lid)
    above = field.covered[max(0, outer.row - round(0.5 * field.height)) : outer.row + 1, stroke.first : stroke.last + 1]
    flags = [flag for flag, holds in (("legend_covers", under_legend or above.any()), ("clipped", outer.row <= 1)) if holds]
    hidden = float(np.abs(stroke.over_fill - bar.fill).max()) < max(12.0, 5 * field.noise)
    inner = None if hidden else _inner_end(field, bar, stroke, round(end.px + half + edge.blur) + 2)
    return _Drawn(bar, end, outer.place, inner, outer.is_capped, hidden, flags=tuple(flags))


def _share(colors: FloatArray, ground: FloatArray, ink: FloatArray) -> FloatArray:
    """How far colours lie on the way from `ground` to `ink`, 0 to 1."""
    way = ink - ground
    return np.asarray(np.clip((colors - ground) @ way / max(float(way @ way), 1.0), 0, 1), dtype=np.float32)


def _stem_above(field: _Field, bar: _Bar, lid: int) -> _Stroke | None:
    """The stroke that rises from the middle of a bar's end, if any."""
    reach = max(3, round(0.3 * field.height))
    y0 = max(0, lid - reach + 1)
    if lid - y0 < 1:
        return None
    x0, x1 = bar.x0, bar.x1
    rows = np.abs(field.rgb[y0 : lid + 1, x0 : x1 + 1] - field.paper).max(axis=2)
    ink = np.median(rows, axis=0) - np.median(rows)
    near = np.abs(np.arange(x0, x1 + 1) - bar.middle) <= max(2.5, 0.16 * bar.width)
    ink = np.where(near, ink, 0)
    peak = float(ink.max())
    if peak < DEFINITE:
        return None
    k = int(ink.argmax())
    first, last = k, k
    while first > 0 and ink[first - 1] > 0.5 * peak:
        first -= 1
    while last < ink.size - 1 and ink[last + 1] > 0.5 * peak:
        last += 1
    if last - first + 1 > max(4, 0.55 * field.height):
        return None
    color = np.median(field.rgb[y0 : lid + 1, x0 + first : x0 + last + 1].mean(axis=1), axis=0).astype(np.float32)
    return _Stroke(x0 + first, x0 + last, color, _over(color, field.paper, bar.fill))


def _over(color: FloatArray, paper: FloatArray, fill: FloatArray) -> FloatArray:
    """Colour over a fill of ink that has `color` over paper; grey strokes are thin black ones, others cover fully."""
    if float(np.ptp(color)) > 40:
        return color
    coverage = float(np.clip((paper - color).max() / max(float(paper.max()), 1.0), 0, 1))
    return np.asarray((1 - coverage) * fill, dtype=np.float32)


@dataclass(frozen=True)
class _Tip:
    """The end of a stroke: its place, the last inked row, and whether a cap crosses it."""

    place: Place
    row: int
    is_capped: bool


def _outer_end(field: _Field, stroke: _Stroke, lid: int) -> _Tip:
    """The end of an error bar beyond the bar."""
    column = field.rgb[: lid + 1, stroke.first : stroke.last + 1].mean(axis=1)
    share = _share(column, field.paper, stroke.color)[::-1]
    return _follow(field, stroke, share, lid, -1, field.paper)


def _inner_end(field: _Field, bar: _Bar, stroke: _Stroke, start: int) -> Place | None:
    """The end of an error bar inside the bar, None where the stroke does not go on below the bar's end."""
    rows = slice(start, max(start, field.base - 1))
    column = field.rgb[rows, stroke.first : stroke.last + 1].mean(axis=1)
    share = _share(column, bar.fill, stroke.over_fill)
    first = share[: max(2, round(0.25 * field.height))]
    if first.size == 0 or float(np.median(first)) < 0.45:
        return None
    return _follow(field, replace(stroke, color=stroke.over_fill), share, start, 1, bar.fill).place


def _follow(field: _Field, stroke: _Stroke, share: FloatArray, start: int, way: int, ground: FloatArray) -> _Tip:
    """The end of a stroke that sets out at row `start` in direction `way` (1 down), over plain `ground`."""
    patience = max(2, round(0.3 * field.height))
    last, quiet = 0, 0
    for k, value in enumerate(share.tolist()):
        if value >= 0.5:
            last, quiet = k, 0
        else:
            quiet += 1
            if quiet > patience:
                break
    row = start + way * last
    cap = _cap_near(field, stroke, row, way, ground, start)
    if cap is not None:
        return _Tip(cap, row, is_capped=True)
    beyond = float(share[last + 1]) if last + 1 < share.size else 0.0
    inside = float(share[last])
    # The end lies where the coverage of the last pixels adds up; a round end reaches half a stroke's width beyond the value, a flat one does not.
    at = last - 0.5 + min(1.0, inside) + min(0.5, beyond)
    return _Tip(Place(start + way * at, math.hypot(0.25 * (stroke.last - stroke.first + 1), field.noise / DEFINITE)), row, is_capped=False)


def _cap_near(field: _Field, stroke: _Stroke, row: int, way: int, ground: FloatArray, start: int) -> Place | None:
    """Middle of the level stroke across the end of a stem, None where there is none."""
    reach = max(3, round(0.45 * field.height))
    y0, y1 = max(0, row - reach), min(field.base - 2, row + reach)
    y0, y1 = (y0, min(y1, start)) if way < 0 else (max(y0, start), y1)
    if y1 - y0 < 1:
        return None
    # Columns just beside the stem, on both sides.
    beside = max(2, round(0.16 * field.height))
    left = np.arange(max(0, stroke.first - 1 - beside), stroke.first - 1)
    right = np.arange(stroke.last + 2, min(field.rgb.shape[1], stroke.last + 2 + beside))
    if left.size == 0 or right.size == 0:
        return None
    shares = [_share(field.rgb[y0 : y1 + 1, c].mean(axis=1), ground, stroke.color) for c in (left, right)]
    both = np.minimum(*shares)
    peak = int(both.argmax())
    if both[peak] < 0.3:
        return None
    a, b = peak, peak
    while a > 0 and both[a - 1] > 0.12 * both[peak]:
        a -= 1
    while b < both.size - 1 and both[b + 1] > 0.12 * both[peak]:
        b += 1
    if b - a + 1 > max(6, 0.7 * field.height):
        return None
    weight = (shares[0] + shares[1])[a : b + 1].astype(float)
    at = float((weight * np.arange(a, b + 1)).sum() / weight.sum())
    return Place(y0 + at, field.noise / (2 * DEFINITE))


def _mirrored(d: _Drawn, last: int) -> _Drawn:
    """A bar of the flipped field in rows of the field itself."""

    def turn(place: Place | None) -> Place | None:
        return None if place is None else Place(last - place.px, place.u_px)

    end = turn(d.end)
    assert end is not None
    return replace(d, end=end, outer=turn(d.outer), inner=turn(d.inner), hangs=True)


def _moved(d: _Drawn, x0: int, y0: int) -> _Drawn:
    """A bar of the field in pixels of the image."""

    def move(place: Place | None) -> Place | None:
        return None if place is None else Place(place.px + y0, place.u_px)

    end = move(d.end)
    assert end is not None
    return replace(d, bar=replace(d.bar, x0=d.bar.x0 + x0, x1=d.bar.x1 + x0), end=end, outer=move(d.outer), inner=move(d.inner))


def _weighed(drawn: Sequence[_Drawn], noise: float) -> list[_Drawn]:
    """The bars with the uncertainty that the rendering of the whole panel adds to each place's own."""
    ends = np.array([d.end.px for d in drawn])
    tips = np.array([d.outer.px for d in drawn if d.outer is not None])
    coarse = noise > 0.4 or _is_snapped(ends) or _is_snapped(tips)
    of_end, of_tip = SNAPPED_U if coarse else DRAWN_U

    def add(place: Place | None, u: float) -> Place | None:
        return None if place is None else replace(place, u_px=math.hypot(place.u_px, u))

    return [replace(d, end=replace(d.end, u_px=math.hypot(d.end.u_px, of_end)), outer=add(d.outer, of_tip), inner=add(d.inner, of_tip)) for d in drawn]


def _is_snapped(px: Doubles) -> bool:
    """Whether positions lie at the same place within their pixels; fewer than three cannot tell and count as snapped."""
    return px.size > 0 and (px.size < 3 or abs(np.exp(2j * np.pi * px).mean()) > 0.85)


def _completed(drawn: Sequence[_Drawn]) -> list[_Drawn]:
    """Ends that cannot be seen: mirrored where all error bars of the panel that show both halves are even, else left out with a flag."""
    tips = [d for d in drawn if d.outer is not None]
    capped = len(tips) >= 2 and sum(d.is_capped for d in tips) >= 0.6 * len(tips)
    whole = [d for d in tips if not d.hidden and (d.is_capped or not capped)]
    halves = [(abs(d.end.px - d.outer.px), abs(d.inner.px - d.end.px)) for d in whole if d.outer is not None and d.inner is not None]
    even = len(halves) >= 1 and len(halves) == len(whole) and all(abs(a - b) <= 1.5 + 0.04 * a for a, b in halves)
    one_sided = len(whole) >= 1 and not halves
    return [_completed_bar(d, cut=capped and not d.is_capped, even=even, one_sided=one_sided) if d.outer is not None else d for d in drawn]


def _completed_bar(d: _Drawn, *, cut: bool, even: bool, one_sided: bool) -> _Drawn:
    if cut:
        d = replace(d, flags=(*d.flags, "cap_missing"))
        if even and d.inner is not None:
            return replace(d, outer=_reflected(d.inner, d.end), flags=(*d.flags, "mirrored"))
        if "legend_covers" in d.flags:
            return replace(d, outer=None)
    if not d.hidden or one_sided or d.outer is None:
        return d
    if even and not cut:
        return replace(d, inner=_reflected(d.outer, d.end), flags=(*d.flags, "mirrored"))
    return replace(d, flags=(*d.flags, "hidden_in_bar"))


def _reflected(end: Place, middle: Place) -> Place:
    """The other end of an error bar whose halves are even."""
    return Place(2 * middle.px - end.px, math.hypot(2 * middle.u_px, end.u_px) + 0.3)


# ---------------------------------------------------------------- series and categories


def _grouped(
    panel: Panel, legend: Sequence[LegendEntry], drawn: Sequence[_Drawn], base: float
) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """Series by fill (or by order within a group), named by the legend; each mark with the label of its group."""
    ordered = sorted(drawn, key=lambda d: d.bar.middle)
    fills = _fill_classes(ordered)
    groups = _groups(ordered, fills)
    labels = _read_missing(panel, base, ordered, groups, _group_labels(_labels(panel, base), ordered, groups))
    index = _series_index(ordered, fills, groups)
    flags = []
    sizes = {groups.count(g) for g in set(groups)}
    if len(sizes) > 1:
        flags.append("uneven_groups")
    names = _names(panel, legend, ordered, index)
    series = []
    for k in sorted(set(index)):
        own = [i for i, s in enumerate(index) if s == k]
        color = np.median([ordered[i].bar.fill for i in own], axis=0)
        marks = tuple(_mark(ordered[i], groups[i], labels[groups[i]]) for i in own)
        series.append(Series(names[k], hex_color((round(color[0]), round(color[1]), round(color[2]))), "bar", marks))
    return tuple(series), tuple(flags)


def _mark(d: _Drawn, group: int, label: str | None) -> Mark:
    lo, hi = (d.outer, d.inner) if d.hangs else (d.inner, d.outer)
    flags = d.flags if label is not None else (*d.flags, "category_unread")
    category = label if label is not None else f"group {group + 1}"
    return Mark(Place(d.bar.middle, 0.5), d.end, lo, hi, flags=flags, confidence=0.6 if flags else 0.97, category=category)


def _labels(panel: Panel, base: float) -> list[tuple[str, float]]:
    """Texts of the first row under the baseline and the middles they stand at, px."""
    return sorted(((b.text, (b.box[0] + b.box[2]) / 2) for b in _label_row(panel, base)), key=lambda p: p[1])


def _label_row(panel: Panel, base: float) -> list[TextBox]:
    named = panel.x.boxes if isinstance(panel.x, Categories | Axis) else ()
    level = [b for b in (*named, *panel.texts) if b.rotation == 0 and any(c.isalnum() for c in b.text)]
    near = [b for b in level if -0.3 * panel.height < b.box[1] - base < 4.5 * panel.height and b.box[2] > panel.box[0] and b.box[0] < panel.box[2]]
    if not near:
        return []
    first = named[0] if named and named[0] in near else min(near, key=lambda b: b.box[1])
    return [b for b in near if min(b.box[3], first.box[3]) - max(b.box[1], first.box[1]) > 0.4 * panel.height]


def _fill_classes(drawn: Sequence[_Drawn]) -> list[int]:
    """Which fill each bar has, numbered in order of appearance."""
    seen: list[FloatArray] = []
    classes = []
    for d in drawn:
        near = [float(np.abs(d.bar.fill - s).max()) for s in seen]
        if near and min(near) < 18:
            classes.append(int(np.argmin(near)))
        else:
            seen.append(d.bar.fill)
            classes.append(len(seen) - 1)
    return classes


def _groups(drawn: Sequence[_Drawn], fills: Sequence[int]) -> list[int]:
    """The group of each bar, left to right: bars closer to each other than groups are, or a run of fills that starts anew."""
    n = len(drawn)
    gaps = np.array([b.bar.x0 - a.bar.x1 for a, b in zip(drawn[:-1], drawn[1:], strict=True)], dtype=float)
    if n < 2:
        return [0] * n
    wide = np.zeros(n - 1, dtype=bool)
    width = float(np.median([d.bar.width for d in drawn]))
    if gaps.max() - gaps.min() > max(3.0, 0.12 * width):
        wide = gaps > (gaps.max() + gaps.min()) / 2
        groups = np.concatenate([[0], np.cumsum(wide)]).astype(int).tolist()
        repeated = any(fills[i] == fills[j] for i in range(n) for j in range(i) if groups[i] == groups[j])
        if not repeated or len(set(fills)) == 1:
            return groups
    kinds = len(set(fills))
    if kinds in (1, n):
        return list(range(n))
    if all(fills[i] == fills[i % kinds] for i in range(n)):
        return [i // kinds for i in range(n)]
    return list(range(n))


def _series_index(drawn: Sequence[_Drawn], fills: Sequence[int], groups: Sequence[int]) -> list[int]:
    """The series of each bar: its fill where fills differ within groups, else its place in its group."""
    members = [[i for i, g in enumerate(groups) if g == k] for k in sorted(set(groups))]
    largest = max(len(m) for m in members)
    if largest == 1:
        return [0] * len(drawn)
    if all(len({fills[i] for i in m}) == len(m) for m in members) and len(set(fills)) <= max(largest, 2):
        return list(fills)
    place = {i: k for m in members for k, i in enumerate(m)}
    return [place[i] for i in range(len(drawn))]


def _group_labels(labels: Sequence[tuple[str, float]], drawn: Sequence[_Drawn], groups: Sequence[int]) -> dict[int, str | None]:
    """The label of each group: the nearest to its centre, where that label is nearer to no other group; None where there is none."""
    own = {g: [d.bar for d, k in zip(drawn, groups, strict=True) if k == g] for g in dict.fromkeys(groups)}
    centres = {g: (bars[0].x0 + bars[-1].x1) / 2 for g, bars in own.items()}
    pitch = min(np.diff(sorted(centres.values())), default=math.inf)
    found: dict[int, str | None] = dict.fromkeys(centres)
    for text, at in labels:
        g = min(centres, key=lambda k: abs(centres[k] - at))
        rival = [abs(p - centres[g]) for t, p in labels if t != text]
        if abs(at - centres[g]) < 0.5 * pitch and all(abs(at - centres[g]) <= r for r in rival):
            found[g] = text
    return found


def _read_missing(
    panel: Panel, base: float, drawn: Sequence[_Drawn], groups: Sequence[int], labels: dict[int, str | None]
) -> dict[int, str | None]:
    """The labels with those that no text box gave read where they must stand: under the middle of their group."""
    missing = [g for g, text in labels.items() if text is None]
    band = _label_band(panel, base) if missing else None
    if band is None:
        return labels
    centres = {g: float(np.mean([d.bar.middle for d, k in zip(drawn, groups, strict=True) if k == g])) for g in labels}
    pitch = min(np.diff(sorted(centres.values())), default=float(panel.box[2] - panel.box[0]))
    found = dict(labels)
    for g in missing:
        box = _ink_box(panel, (centres[g] - 0.48 * pitch, band[0], centres[g] + 0.48 * pitch, band[1]))
        if box is not None:
            text = read_box(panel.image, box)
            if text.confidence > 0.5 and any(c.isalnum() for c in text.text):
                found[g] = text.text
    return found


def _label_band(panel: Panel, base: float) -> tuple[float, float] | None:
    """First and last row of the labels under the baseline: those of the labels that were read, else the first rows of ink under the ticks."""
    row = _label_row(panel, base)
    if row:
        return min(b.box[1] for b in row) - 1, max(b.box[3] for b in row) + 1
    y0, y1 = round(base + 0.3 * panel.height), min(panel.image.shape[0], round(base + 4.5 * panel.height))
    band = panel.image[y0:y1, panel.box[0] : panel.box[2]].astype(np.float32)
    if band.shape[0] < panel.height:
        return None
    ink = (np.abs(band - np.median(band, axis=(0, 1))).max(axis=2) > 60).mean(axis=1) > 0.002
    runs = [r for r in np.split(np.flatnonzero(ink), np.flatnonzero(np.diff(np.flatnonzero(ink)) > 2) + 1) if r.size >= 0.6 * panel.height]
    return (y0 + float(runs[0][0]) - 1, y0 + float(runs[0][-1]) + 1) if runs else None


def _ink_box(panel: Panel, box: tuple[float, float, float, float]) -> tuple[int, int, int, int] | None:
    """Extent of the ink within a box of the image, px; None where there is none."""
    h, w = panel.image.shape[:2]
    x0, y0, x1, y1 = max(0, round(box[0])), max(0, round(box[1])), min(w - 1, round(box[2])), min(h - 1, round(box[3]))
    crop = panel.image[y0 : y1 + 1, x0 : x1 + 1].astype(np.float32)
    if crop.size == 0:
        return None
    ys, xs = np.nonzero(np.abs(crop - np.median(crop, axis=(0, 1))).max(axis=2) > 60)
    if ys.size < 6:
        return None
    return x0 + int(xs.min()), y0 + int(ys.min()), x0 + int(xs.max()), y0 + int(ys.max())


def _names(panel: Panel, legend: Sequence[LegendEntry], drawn: Sequence[_Drawn], index: Sequence[int]) -> dict[int, str]:
    """Name of each series: the legend entry whose key has the nearest fill, each entry once."""
    kinds = sorted(set(index))
    names = dict.fromkeys(kinds, "")
    if len(kinds) < 2 or not legend:
        return names
    fills = {k: np.median([d.bar.fill for d, s in zip(drawn, index, strict=True) if s == k], axis=0) for k in kinds}
    keys = [_key_fill(panel, e) for e in legend]
    pairs = sorted(((float(np.abs(fills[k] - key).max()), k, j) for k in kinds for j, key in enumerate(keys)), key=lambda p: p[0])
    used: set[int] = set()
    for distance, k, j in pairs:
        if distance < 60 and not names[k] and j not in used:
            names[k] = legend[j].name
            used.add(j)
    return names


def _key_fill(panel: Panel, entry: LegendEntry) -> FloatArray:
    """Colour of the inside of a legend key."""
    x0, y0, x1, y1 = entry.key_box
    mx, my = max(1, round(0.25 * (x1 - x0))), max(1, round(0.25 * (y1 - y0)))
    inside = panel.image[y0 + my : y1 - my + 1, x0 + mx : x1 - mx + 1]
    if inside.size == 0:
        inside = panel.image[y0 : y1 + 1, x0 : x1 + 1]
    return np.asarray(np.median(inside.reshape(-1, 3), axis=0), dtype=np.float32)
