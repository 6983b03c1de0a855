"""Histograms read from pixels: bins of one width, side by side on a common baseline over an axis of numbers.

The skyline of what stands on the baseline jumps at the edges of bins. All edges together give the width of the bins and where they begin:
neighbours that are equally high show no edge between them. Where edges are stroked, a rise is seen half a stroke before the edge and a
fall half a stroke behind it; the fit knows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration
from digitize.axes import Axis
from digitize.barends import Drawn, panel_edge, read_ends, weighed
from digitize.barfield import DEFINITE, Bar, Field, contrast, make_field, texture_of
from digitize.barskyline import LID_SHARE, PARTING_SHARE, Skyline, find_skyline
from digitize.binedges import Edges, Stroke, moved_apart, off_pixels, refined, shared_fraction, unparted
from digitize.legend import LegendEntry
from digitize.lowbins import Foot, Height, Look, foot_of, low_height
from digitize.panels import Panel
from digitize.series import Mark, Place, Series, hex_color

FEWEST = 5  # bins of a histogram
NARROWEST = 4.0  # px: bins that can be told apart
ON_GRID = (0.7, 0.06, 1.6)  # by which edges may lie off their even places (root mean square): px, or of a bin, but at most so many px
STRAYS = 0.15  # share of the jumps, or else one, that a frame beside them may have moved
GAP_U = 0.7  # of half a stroke in the paper's colour: the standard uncertainty of what it hides
FRAME = 0.95  # share of the plot's height that a frame covers
FREE_SIDES = 0.06  # share of the plot's height, from its top, that the outer bins leave free
LINE_PX = 2  # rows above the baseline that may be the axis line
LOWEST = (6.0, 0.6)  # px, digit heights, added: bars that lie clear of the axis line
CLEAR = (10.0, 0.9)  # the same: bars whose end can be fitted without regard to the axis line
COUNTED, SCATTER = 4.0, 0.12  # px that one count is high at least to be told, and of one by which counts scatter at most
DENSITY, DENSE_SCATTER = 0.02, 0.08  # by which the area of a density may differ from 1; as SCATTER, for a count that has to be found
HIDEABLE = 4.0  # times what an empty bin may hide, up to which the lowest bin tells that bins so low are to be expected
ROUND_DIGITS = 2  # of a bin's width that is round
NEAR_ROUND = (2.0, 0.06)  # times the uncertainty of edges, and share of a bin, within which they lie at round values
COMMON = 0.7  # px by which all bars may be shifted against the axis
TOGETHER = 0.6  # share of all that is counted that stands in bins beside which none is empty
SLOPED = 0.25  # of what bins differ in height, all together, how much they may climb within themselves
DIFFERENT = 0.4  # share of neighbours that differ in height, or are parted by a stroke
SAME_FILL = 25.0  # grey levels within which all bins have one colour

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Edges at `first + k width`, px, with their standard uncertainty at the middle of the bins.

    `half` is half the stroke of the edges: negative where it is of the paper's colour, so that fills begin behind the edge.
    """

    first: float
    width: float
    half: float
    u_px: float

    def edge(self, k: int) -> Place:
        """The k-th edge."""
        return Place(self.first + k * self.width, self.u_px)


def histogram_evidence(panel: Panel, legend: Sequence[LegendEntry] = ()) -> float:
    """1 where a panel shows bins of one width that touch, over an axis of numbers; else 0."""
    return 1.0 if read_histogram(panel, legend) else 0.0


def read_histogram(panel: Panel, legend: Sequence[LegendEntry] = ()) -> tuple[Series, ...]:
    """One series of all bins, empty ones between others included; no series where the plot is no histogram that can be read.

    A mark's `x` is the middle of its bin, `x_lo` and `x_hi` its edges, `y` its height.
    """
    if panel.is_turned or not isinstance(panel.x, Axis) or panel.x.calibration.scale.name != "linear":
        return ()
    base = _base(panel)
    if base is None:
        return ()
    # Bars that fill a lower corner hide the frame there, and the plot seems to end above it.
    x0, y0, x1, y1 = panel.box
    field = _within(panel, make_field(replace(panel, box=(x0, y0, x1, max(y1, round(base) - 1))), legend, base))
    sky = find_skyline(field, beside=FREE_SIDES)
    grid = _grid(sky, field) if sky is not None else None
    if sky is None or grid is None:
        return ()
    bins = _bins(grid, sky, field)
    if not _is_histogram(bins, sky, field):
        return ()
    tall = {k: bar for k, bar in bins.items() if bar is not None and field.base - bar.top >= CLEAR[0] + CLEAR[1] * field.height}
    drawn = dict(zip(tall, weighed(read_ends(field, list(tall.values())), field.noise), strict=True))
    if sum(d.outer is not None or d.inner is not None for d in drawn.values()) > 0.2 * len(drawn):
        return ()
    edges = refined(grid.first, grid.width, bins, field)
    stroke = edges.stroke if edges is not None else None
    joined = unparted(edges, bins, field) if edges is not None else frozenset()
    if edges is not None:
        shift = moved_apart(edges.fraction, _ticks(panel.x)) + off_pixels(edges.fraction, _ticks(panel.x))
        grid = Grid(edges.first - shift, edges.width, grid.half, edges.u_px)
    grid = _on_round_values(grid, min(bins), max(bins) + 1, panel.x.calibration, field.origin[0])
    zero = base - field.origin[1] + moved_apart(_fraction(edges, drawn), _ticks(panel.y))
    heights = _heights(drawn, stroke, zero, field)
    heights |= _low_heights(tall, grid, stroke, foot_of(field, zero), field)
    heights = _counted(_without_rim(heights), grid.width * abs(panel.x.calibration.slope), panel.y.calibration)
    fill = np.median([bar.fill for bar in tall.values()], axis=0)
    marks = tuple(_mark(grid, k, bins.get(k), height, base, field.origin[0]) for k, height in sorted(heights.items()))
    marks = tuple(
        replace(m, flags=(*m.flags, "bins_joined"), confidence=0.6) if k in joined else m
        for k, m in zip(sorted(heights), marks, strict=True)
    )
    return (Series("", hex_color((round(fill[0]), round(fill[1]), round(fill[2]))), "histogram", marks),)


def _base(panel: Panel) -> float | None:
    """The level of zero, where it lies at the lower edge of the plot or above; None where bins cannot stand on it."""
    if panel.y.calibration.scale.name != "linear":
        return None
    zero = float(panel.y.calibration.to_pixel(0.0))
    return zero if panel.box[1] + 20 < zero < panel.box[3] + max(6.0, panel.height) else None


def _within(panel: Panel, field: Field) -> Field:
    """The field between the panel's left edge and a frame at its right, so that what stands in the outer bins is closed by its edges."""
    left = max(0, panel.box[0] - field.origin[0])
    inked = (contrast(field.rgb[: field.base - 3], field.paper) > DEFINITE).mean(axis=0)
    near = inked.size - round(max(6, 2 * field.height))
    frame = near + np.flatnonzero(inked[near:] > FRAME) if near > left else np.empty(0, dtype=int)
    frame = np.split(frame, np.flatnonzero(np.diff(frame) > 1) + 1)[-1]
    # Beyond a gridline bins go on.
    right = int(frame[0]) if frame.size and not inked[frame[-1] + 3 :].any() else inked.size
    cut = slice(left, right)
    return replace(field, rgb=field.rgb[:, cut], covered=field.covered[:, cut], origin=(field.origin[0] + left, field.origin[1]))


# ---------------------------------------------------------------- where the edges are


def _grid(sky: Skyline, field: Field) -> Grid | None:
    """The widest even places at which all jumps of the skyline lie."""
    at, way = _jumps(sky, max(1.5, 0.06 * field.height))
    if len(at) < FEWEST - 1:
        return None
    gaps = np.diff(at)
    least = float(np.median(gaps[gaps < 1.25 * gaps.min() + 1.0]))
    for parts in (1, 2, 3):
        if least / parts < NARROWEST:
            return None
        grid = _fitted(at, way, least / parts)
        if grid is not None and not _is_halved(grid, sky):
            return grid
    return None


def _jumps(sky: Skyline, near: float) -> tuple[Doubles, Doubles]:
    """Where the skyline jumps, px, and which way: 1 where it rises to the right, -1 where it falls."""
    steps = np.diff(sky.tops.astype(float))
    columns = np.flatnonzero(np.abs(steps) > 0)
    at, way = [], []
    for run in np.split(columns, np.flatnonzero(np.diff(columns) > 2) + 1):
        rise = -float(steps[run].sum()) if run.size else 0.0
        if abs(rise) > near:
            at.append(float(np.average(run, weights=np.abs(steps[run]))) + 0.5)
            way.append(rise)
    while len(at) > 1 and min(np.diff(at)) < NARROWEST + 1:  # a gridline or a letter beside an edge
        k = int(np.argmin(np.diff(at)))
        gone = k if abs(way[k]) < abs(way[k + 1]) else k + 1
        del at[gone], way[gone]
    return np.array(at), np.sign(way)


def _fitted(at: Doubles, way: Doubles, width: float) -> Grid | None:
    """Even places of about a given width through the jumps, by least squares; None where they lie off them."""
    times = np.round(np.diff(at) / width)
    if (times < 1).any():
        return None
    index = np.concatenate([[0.0], np.cumsum(times)])
    design = np.stack([np.ones_like(at), index, way], axis=1)
    loose = min(max(ON_GRID[0], ON_GRID[1] * width), ON_GRID[2])
    kept = np.ones(len(at), dtype=bool)
    for _ in range(1 + max(1, int(STRAYS * len(at)))):
        values, *_ = np.linalg.lstsq(design[kept], at[kept], rcond=None)
        off = np.where(kept, np.abs(at - design @ values), 0.0)
        rmse = float(np.sqrt(np.mean(off[kept] ** 2)))
        if rmse < loose and off.max() < 2.5 * loose:
            # Columns are whole pixels: what rounding them does to one edge, over the edges that carry the fit.
            return Grid(float(values[0]), float(values[1]), -float(values[2]), max(rmse, 0.29) * 2 / np.sqrt(kept.sum()))
        if kept.sum() < FEWEST:
            break
        kept[off.argmax()] = False
    return None


def _on_round_values(grid: Grid, low: int, high: int, axis: AxisCalibration, x0: int) -> Grid:
    """The grid with edges at multiples of a round width, or half-way between, where edges `low` and `high` lie as near as they are known.

    Bins are chosen so by people and most programs. A grid that lay there by chance is moved by no more than its uncertainty.
    """
    at = np.array([grid.edge(k).px + x0 for k in (low, high)])
    values = np.asarray(axis.to_value(at))
    exact = float(np.ptp(values)) / (high - low)
    width = float(f"{exact:.{ROUND_DIGITS - 1}e}")
    sign = 1.0 if axis.slope > 0 else -1.0
    near = round(2 * float(values[0]) / width) / 2
    told = np.asarray(axis.to_pixel(width * (near + sign * np.array([0.0, high - low]))))
    u_axis = float(np.max(np.asarray(axis.u_shared(at)))) / abs(axis.slope)
    if np.abs(told - at).max() > min(NEAR_ROUND[0] * float(np.hypot(grid.u_px, u_axis)), NEAR_ROUND[1] * grid.width):
        return grid
    wide = float(told[1] - told[0]) / (high - low)
    return replace(grid, first=float(told[0]) - x0 - low * wide, width=wide)


def _is_halved(grid: Grid, sky: Skyline) -> bool:
    """Whether most bins of a grid are parted by a stroke in their middle: then two of them were taken for one."""
    middles = [round(grid.first + (k + 0.5) * grid.width) for k in range(-40, 40)]
    inside = [x for x in middles if 3 < x < sky.tops.size - 4 and sky.tops[x] < sky.foot - 8]
    parted = [float(sky.parts(x - 1, x + 1, int(sky.tops[x]) + 3).max()) >= PARTING_SHARE for x in inside]
    return len(parted) > 0 and sum(parted) > 0.6 * len(parted)


# ---------------------------------------------------------------- what stands in them


def _bins(grid: Grid, sky: Skyline, field: Field) -> dict[int, Bar | None]:
    """The bar in each bin from the first in which one stands to the last; None in between where none does."""
    last = field.rgb.shape[1] - 1
    low = int(np.ceil(-grid.first / grid.width - 0.3))
    high = int(np.floor((last - grid.first) / grid.width + 0.3))
    found = {k: _bar(grid, k, sky, field) for k in range(low, high)}
    standing = [k for k, bar in found.items() if bar is not None]
    return {k: found[k] for k in range(min(standing), max(standing) + 1)} if standing else {}


def _bar(grid: Grid, k: int, sky: Skyline, field: Field) -> Bar | None:
    """What stands between edges k and k + 1."""
    left, right = grid.edge(k).px, grid.edge(k + 1).px
    margin = max(1.0, 0.15 * grid.width)
    x0, x1 = max(0, round(left + margin)), min(field.rgb.shape[1] - 1, round(right - margin))
    top = int(np.median(sky.tops[x0 : x1 + 1]))
    if top >= sky.foot - 1:
        lid = _lid(field, sky, x0, x1)
        if lid is None:
            return None
        top = lid
    fill, texture, inked = texture_of(field, x0, x1, min(top + 2, field.base - 2), field.base - 2)
    return Bar(x0, x1, top, fill, is_blank=inked < 0.06, texture=texture)


def _lid(field: Field, sky: Skyline, x0: int, x1: int) -> int | None:
    """The uppermost row that is inked from side to side: of a bar too low for the skyline, or open where a frame closes it."""
    reach = field.base - sky.foot
    low = contrast(field.rgb[sky.foot + 1 : field.base, x0 : x1 + 1], field.paper) > max(DEFINITE, 5 * field.noise)
    across = np.concatenate([sky.ink[: sky.foot + 1, x0 : x1 + 1], low]).mean(axis=1) > LID_SHARE
    across[: sky.foot + 1] &= sky.ink[: sky.foot + 1].mean(axis=1) < FRAME  # the frame's upper side
    first = int(across.argmax()) if across.any() else field.base
    return first if first < field.base - min(reach, LINE_PX) else None


def _heights(drawn: Mapping[int, Drawn], stroke: Stroke | None, zero: float, field: Field) -> dict[int, Height]:
    """The height of each tall bar above zero. A stroke of the paper's colour hides half of itself of the fill."""
    hidden = _hidden(stroke, field)
    return {k: Height(zero - d.end.px + hidden, float(np.hypot(d.end.u_px, GAP_U * hidden))) for k, d in drawn.items()}


def _hidden(stroke: Stroke | None, field: Field) -> float:
    """What a stroke in the paper's colour hides of a bar's height, px.

    Gaps between bars look like such strokes, and hide nothing: both lie within twice `GAP_U` of it.
    """
    return stroke.width / 2 if stroke is not None and contrast(stroke.color, field.paper) < DEFINITE else 0.0


def _fraction(edges: Edges | None, drawn: Mapping[int, Drawn]) -> float | None:
    """The part of a pixel at which level strokes stand: that of the upright ones, which are as wide, else that of the ends of bars."""
    is_stroked = edges is not None and edges.stroke is not None
    return edges.fraction if edges is not None and is_stroked else shared_fraction([d.end.px for d in drawn.values()])


def _ticks(axis: Axis) -> list[float]:
    """Where the ticks of an axis stand, px."""
    return [t.px for t in axis.calibration.ticks if t.used]


def _low_heights(tall: Mapping[int, Bar], grid: Grid, stroke: Stroke | None, foot: Foot, field: Field) -> dict[int, Height]:
    """The heights of all bins that are not tall."""
    last = field.rgb.shape[1] - 1
    low = int(np.ceil(-grid.first / grid.width - 0.3))
    high = int(np.floor((last - grid.first) / grid.width + 0.3))
    look = _look(tall, stroke, field)
    margin = max(1.0, 0.15 * grid.width, 0.5 * look.width + 1)
    found = {}
    for k in range(low, high):
        x0, x1 = max(0, round(grid.edge(k).px + margin)), min(last, round(grid.edge(k + 1).px - margin))
        if k not in tall and x1 - x0 >= 1:
            height = low_height(field, x0, x1, look, foot, CLEAR[0] + CLEAR[1] * field.height + 4)
            found[k] = replace(height, u_px=float(np.hypot(height.u_px, GAP_U * _hidden(stroke, field))))
    return found


def _look(tall: Mapping[int, Bar], stroke: Stroke | None, field: Field) -> Look:
    """How the tall bars are drawn."""
    edge = panel_edge(field, list(tall.values()))
    fill = np.median([bar.fill for bar in tall.values()], axis=0).astype(np.float32)
    if stroke is not None:
        return Look(fill, stroke.color, stroke.width, edge.blur)
    if not edge.width:
        return Look(fill, fill, 0.0, edge.blur)
    tops = np.concatenate([field.rgb[max(0, bar.top - 3) : bar.top + 2, bar.x0 : bar.x1 + 1].reshape(-1, 3) for bar in tall.values()])
    darkest = tops[contrast(tops, field.paper).argmax()]
    return Look(fill, darkest, edge.width, edge.blur)


def _without_rim(heights: Mapping[int, Height]) -> dict[int, Height]:
    """The bins from the first in which something shows to the last."""
    seen = [k for k, height in heights.items() if height.is_seen]
    return {k: heights[k] for k in range(min(seen), max(seen) + 1) if k in heights}


def _counted(heights: Mapping[int, Height], width: float, axis: AxisCalibration) -> dict[int, Height]:
    """The heights as multiples of one count, where all lie so near to such that they are counts, of a whole number or as a density.

    A shift that all share is no matter. `width` is that of the bins in data units: the areas of a density add up to 1.
    """
    seen = {k: height.px for k, height in heights.items() if height.is_seen}
    one = 1 / abs(axis.slope)
    counts = _counts(seen, one, SCATTER, heights)
    if counts is None and abs(width * sum(seen.values()) / one - 1) < DENSITY:
        for n in range(FEWEST, int(one / width / COUNTED) + 1):
            counts = _counts(seen, one / width / n, DENSE_SCATTER, heights)
            if counts is not None and sum(counts.values()) == n:
                one = one / width / n
                break
            counts = None
    if counts is None:
        return {k: replace(height, is_doubtful=HIDEABLE * height.hides > min(seen.values())) for k, height in heights.items()}
    counted = {k: replace(heights[k], px=counts[k] * one) for k in seen}
    return {k: counted.get(k, replace(height, is_doubtful=height.hides > one)) for k, height in heights.items()}


def _counts(seen: Mapping[int, float], one: float, scatter: float, heights: Mapping[int, Height]) -> dict[int, int] | None:
    """How many counts of `one` px each bin is high; None where the heights are no such multiples, or too low to tell."""
    counts = {k: round(px / one) for k, px in seen.items()}
    if len(seen) <= FEWEST or one < COUNTED or min(counts.values()) < 1:
        return None
    off = np.array([px - counts[k] * one for k, px in seen.items()])
    shift = float(np.median(off))
    doubt = max(COMMON, float(np.median([heights[k].u_px for k in seen])))
    are_near = float(np.sqrt(np.mean((off - shift) ** 2))) < scatter * one and np.abs(off - shift).max() < 0.3 * one
    return counts if are_near and abs(shift) <= doubt else None


def _is_tall(bar: Bar, field: Field) -> bool:
    """Whether the end of a bar lies clear of the axis line."""
    return field.base - bar.top >= LOWEST[0] + LOWEST[1] * field.height


def _is_histogram(bins: dict[int, Bar | None], sky: Skyline, field: Field) -> bool:
    """Whether bars in bins are a histogram: enough of them, level, of one colour, seldom apart, mostly of different heights."""
    bars = [bar for bar in bins.values() if bar is not None]
    if not stand_together([0.0 if bar is None else float(field.base - bar.top) for bar in bins.values()]):
        return False
    tall = [bar for bar in bars if _is_tall(bar, field)]
    level = [np.ptp(sky.tops[bar.x0 : bar.x1 + 1]) <= 2 for bar in tall]
    # Strokes make up much of what fills low bars.
    fills = np.array([bar.fill for bar in tall if field.base - bar.top >= 2 * field.height] or [field.paper])
    if len(tall) < 3 or sum(level) < 0.9 * len(tall) or _climbs(tall, sky):
        return False
    if sum(_is_crossed(bar, sky, field) for bar in tall) > STRAYS * len(tall):
        return False
    if (np.abs(fills - np.median(fills, axis=0)).max(axis=1) > SAME_FILL).sum() > STRAYS * len(fills):  # letters, gridlines in a few
        return False
    tops = [field.base if bar is None else bar.top for bar in bins.values()]
    pairs = list(pairwise(tops))
    return sum(abs(a - b) > 1 for a, b in pairs) >= DIFFERENT * len(pairs)


def _is_crossed(bar: Bar, sky: Skyline, field: Field) -> bool:
    """Whether a stroke runs level through a bar without a fill: the end of a bin that belongs to another histogram behind or before it."""
    margin = round(0.15 * bar.width)
    first = bar.top + max(4, round(0.3 * field.height))
    inside = sky.ink[first : sky.foot, bar.x0 + margin : bar.x1 + 1 - margin]
    return bar.is_blank and inside.size > 0 and bool((inside.mean(axis=1) > LID_SHARE).any())


def _climbs(bars: Sequence[Bar], sky: Skyline) -> bool:
    """Whether what stands in the bins rises and falls within them, as a sloped line does, and not at their edges."""
    within = sum(abs(float(sky.tops[bar.x1]) - float(sky.tops[bar.x0])) for bar in bars)
    between = sum(abs(float(b.top) - float(a.top)) for a, b in pairwise(sorted(bars, key=lambda bar: bar.x0)))
    return within > SLOPED * between


def stand_together(heights: Sequence[float]) -> bool:
    """Whether heights side by side are those of enough bins that touch; bars of a bar chart have gaps, if narrow ones, beside them."""
    tall = np.array([heights[0], *heights, heights[-1]])  # the outer bins have one neighbour
    inside = (tall[:-2] > 0) & (tall[2:] > 0)
    return (tall[1:-1] > 0).sum() >= FEWEST and float(tall[1:-1][inside].sum()) >= TOGETHER * float(tall[1:-1].sum())


def _mark(grid: Grid, k: int, bar: Bar | None, height: Height, base: float, x0: int) -> Mark:
    lo, hi = (Place(grid.edge(j).px + x0, grid.u_px) for j in (k, k + 1))
    end = Place(base - height.px, height.u_px) if height.is_seen else Place(base, max(0.5, height.hides / 2))
    flags = ("clipped",) if bar is not None and bar.is_cut else ("bin_hidden",) if height.is_doubtful else ()
    return Mark(Place((lo.px + hi.px) / 2, grid.u_px), end, x_lo=lo, x_hi=hi, flags=flags, confidence=0.6 if flags else 0.97)
