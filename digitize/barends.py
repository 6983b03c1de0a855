"""Ends and error bars of bars that were found, to the sub-pixel.

A bar's end is fitted as a stroke between two plains to the mean profile of its columns: plotting programs centre the outline's stroke on
the value. Error bars are strokes at the middle of a bar, followed from its end outwards over the paper and inwards over the fill.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.barfield import DEFINITE, Bar, Doubles, Field, FloatArray, inner_columns
from digitize.series import Place

DRAWN_U = (0.1, 0.1)  # px: end of a bar, end of an error bar, where strokes keep their sub-pixel places
SNAPPED_U = (0.42, 0.6)  # px: where strokes were moved to whole pixels, twice for caps, or the page was scanned: found on drawn figures

STEPPED_U = (0.18, 0.22)  # px: in black and white alone, where the edges of a stroke lie on whole pixels; a bar's end is wider than a cap

HIDDEN_OUTLINE = 0.3  # standard deviation of half a hidden outline's thickness, in thicknesses of the axis's line
LIKE_FILL = 40.0  # grey levels
HATCH_U = 0.4  # px: by which a hatch may draw the end of a bar, where one of its strokes touches the outline


@dataclass(frozen=True)
class Edge:
    """How the ends of bars are drawn in this panel: stroke width (0: no outline, None: cannot be told) and blur, px."""

    width: float | None
    blur: float


# ---------------------------------------------------------------- the end of a bar


@dataclass(frozen=True)
class Drawn:
    """A bar as read: its end, its error bar (y of the ends; `outer` beyond the bar's end, `inner` towards the baseline), and doubts.

    `is_capped` tells whether the outer end bears a cap, `hidden` that the fill is too dark to show an inner half.
    """

    bar: Bar
    end: Place
    outer: Place | None = None
    inner: Place | None = None
    is_capped: bool = False
    hidden: bool = False
    hangs: bool = False
    flags: tuple[str, ...] = ()


_GRID = np.linspace(-4.0, 4.0, 321)
_CUMULATIVE = np.array([0.5 * (1.0 + math.erf(z / math.sqrt(2.0))) for z in _GRID])


def covers(distance: Doubles, blur: float | Doubles) -> Doubles:
    """Share of each pixel beyond an edge, from its signed distance: the pixel's own box and a Gaussian blur together."""
    return np.asarray(np.interp(distance / np.hypot(blur, 1 / math.sqrt(12)), _GRID, _CUMULATIVE), dtype=float)


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
    above = covers(at - half - rows, blur)
    below = covers(rows - at - half, blur)
    stroke = np.clip(1 - above - below, 0, 1)
    design = np.stack([above, below, stroke], axis=-1)  # n, w, b, k, 3
    design = np.moveaxis(design, 0, -2)  # w, b, k, n, 3
    gram = np.swapaxes(design, -1, -2) @ design + 1e-4 * np.eye(3)
    moment = np.swapaxes(design, -1, -2) @ profile
    levels = np.linalg.solve(gram, moment)
    return positions, ((profile - design @ levels) ** 2).sum(axis=(-1, -2))


def _end_window(field: Field, bar: Bar) -> tuple[Doubles, int, int]:
    """Mean profile around a bar's end without the columns of the stem, its first row, and how many columns it is the mean of."""
    margin = max(1, round(0.12 * bar.width))
    stem = max(1.5, 0.09 * bar.width)
    columns = np.arange(bar.x0 + margin, bar.x1 - margin + 1)
    columns = columns[np.abs(columns - bar.middle) > stem]
    if columns.size == 0:
        columns = np.arange(bar.x0, bar.x1 + 1)
    columns = _beside_legend(field, bar, columns)
    reach = max(6, round(0.6 * field.height))
    below = 6 if bar.texture[0] > 0 else reach  # the strokes of a hatch draw the fit towards them
    y0, y1 = max(0, bar.top - reach), min(field.base - 2, bar.top + below)
    window = field.rgb[y0 : y1 + 1, columns]
    # The median drops what crosses a few columns only; the mean of what agrees with it is the more exact.
    middle = np.median(window, axis=1, keepdims=True)
    agree = np.abs(window - middle).max(axis=2, keepdims=True) < max(40.0, 4 * field.noise)
    mean = (window * agree).sum(axis=1) / np.maximum(agree.sum(axis=1), 1)
    return _without_cap(mean.astype(float), bar.top - y0, field.paper), y0, int(columns.size)


def _beside_legend(field: Field, bar: Bar, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the columns of a bar in which its fill shows right below its end, where a legend covers the others."""
    if not field.covered[: field.base, bar.x0 : bar.x1 + 1].any():
        return columns
    rows = slice(bar.top + 1, min(bar.top + 4, field.base - 2))
    shows = (np.abs(field.rgb[rows, columns] - bar.fill).max(axis=2) < LIKE_FILL).all(axis=0)
    return columns[shows] if shows.sum() >= 3 else columns


def _without_cap(profile: Doubles, top: int, paper: FloatArray) -> Doubles:
    """The profile with paper in place of what stands above the paper right above row `top`: a wide cap looks like a thicker outline."""
    is_paper = np.abs(profile[:top] - paper).max(axis=1) < DEFINITE
    if not is_paper.size:  # the bar ends at the edge of the plot
        return profile
    end = top - int((~is_paper[::-1]).argmax())  # below the outline; a pale fill looks like paper
    lid = end - int(is_paper[:end][::-1].argmax())  # the outline's first row
    cap = lid - int((~is_paper[:lid][::-1]).argmax())  # below the cap's last row
    if is_paper.all() or not is_paper[:end].any() or is_paper[:lid].all():
        return profile
    return np.concatenate([np.repeat(profile[cap:lid].mean(axis=0, keepdims=True), cap, axis=0), profile[cap:]])


def _dip(profile: Doubles, guess: float) -> float:
    """How much darker than fill and paper the row of the outline is, in grey levels."""
    light = profile.mean(axis=1)
    k = round(guess)
    inside, outside = light[k + 3 :], light[: max(1, k - 3)]
    around = light[max(0, k - 3) : k + 3]
    if inside.size == 0 or around.size == 0:
        return 0.0
    return float(min(np.median(inside), np.median(outside)) - around.min())


WIDTHS = (0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0, 2.4, 3.0, 4.0, 5.6)
BLURS = (0.2, 0.5, 0.8, 1.2, 1.8)


def panel_edge(field: Field, bars: Sequence[Bar]) -> Edge:
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
        return Edge(WIDTHS[i], BLURS[j])
    return Edge(0.0 if plain else None, BLURS[int(blurs.argmin())])


def _end_of(field: Field, bar: Bar, edge: Edge) -> Place:
    """The bar's end: the middle of its outline's stroke, or the half-way point of an edge without one."""
    profile, y0, columns = _end_window(field, bar)
    guess = bar.top - y0 - 0.5
    noise = field.noise / math.sqrt(columns)
    if len(profile) < 6:
        return Place(float(bar.top), 1.0)
    has_stroke = _dip(profile, guess) > max(8.0, 5 * noise)
    width = edge.width if edge.width else 0.0
    positions, misfit = _fit_edge(profile, guess, (width if has_stroke else 0.0,), (edge.blur,))
    near = positions < guess + 0.7 if bar.texture[0] > 0 else np.ones(positions.shape, dtype=bool)  # below lie strokes of the hatch
    at, u = _lowest(positions[near], misfit[0, 0, near], noise)
    if not has_stroke and bar.fill.mean() < 90:
        # A fill as dark as its outline: what shows is the outline's outer edge.
        at += (0.5 if edge.width is None else edge.width) / 2
        # Nobody knows how thick it is there: often about as an axis's line, often there is none.
        u = math.hypot(u, max(0.35, HIDDEN_OUTLINE * field.line_width) if edge.width is None else 0.1 * width)
    if bar.texture[0] > 0:
        u = math.hypot(u, HATCH_U)
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


def read_ends(field: Field, bars: Sequence[Bar]) -> list[Drawn]:
    """Ends and error bars of bars that rise."""
    if not bars:
        return []
    edge = panel_edge(field, bars)
    return [_read_bar(field, bar, edge) for bar in bars]


def _read_bar(field: Field, bar: Bar, edge: Edge) -> Drawn:
    if bar.above is not None:
        field = replace(field, paper=bar.above)
    end = _end_of(field, bar, edge)
    half = (edge.width or 1.0) / 2
    lid = round(end.px - half - edge.blur) - 1  # the last row that is all paper
    under_legend = bool(field.covered[max(0, lid - 1) : lid + 2, bar.x0 : bar.x1 + 1].mean() > 0.3)
    doubts = ["legend_covers"] if under_legend else []
    if bar.is_cut:
        return Drawn(bar, Place(float(bar.top), 1.0), flags=(*doubts, "clipped"))
    if bar.is_part or _bears_another(field, bar, lid):
        doubts.append("stacked")
    stroke = _stem_above(field, bar, lid) if bar.is_above_plain else None
    if stroke is None:
        cap = _cap_on_end(field, bar, end) if bar.is_above_plain else None
        return Drawn(bar, end, cap, is_capped=cap is not None, hidden=cap is not None, flags=tuple(doubts))
    outer = _outer_end(field, stroke, lid)
    above = field.covered[max(0, outer.row - round(0.5 * field.height)) : outer.row + 1, stroke.first : stroke.last + 1]
    if above.any() and not under_legend:
        doubts.append("legend_covers")
    if outer.row <= 1:
        doubts.append("clipped")
    hidden = float(np.abs(stroke.over_fill - bar.fill).max()) < max(12.0, 5 * field.noise)
    inner = None if hidden else _inner_end(field, bar, stroke, round(end.px + half + edge.blur) + 2)
    return Drawn(bar, end, outer.place, inner, outer.is_capped, hidden, flags=tuple(doubts))


def tip_above(field: Field, bar: Bar, lid: int) -> Place | None:
    """The end of an error bar above a bar, whose ink ends below row `lid`; None where none rises there."""
    stroke = _stem_above(field, bar, lid)
    return None if stroke is None else _outer_end(field, stroke, lid).place


def _cap_on_end(field: Field, bar: Bar, end: Place) -> Place | None:
    """The end of an error bar so short that its cap lies on the bar's outline: by how much the middle stands out above the flanks."""
    reach = max(4, round(0.35 * field.height))
    y0, y1 = max(0, round(end.px) - reach), min(field.rgb.shape[0] - 1, round(end.px))
    rows = np.abs(field.rgb[y0 : y1 + 1, bar.x0 : bar.x1 + 1] - field.paper).max(axis=2)
    away = np.abs(np.arange(bar.x0, bar.x1 + 1) - bar.middle) / max(bar.width, 1)
    middle, flank = (away < 0.08) | (away * bar.width < 1.1), (away > 0.36) & (away < 0.45)
    if not flank.any() or y1 - y0 < 3:
        return None
    peak = max(float(rows.max()), 1.0)
    high, low = rows[:, middle].mean(axis=1) / peak, rows[:, flank].mean(axis=1) / peak
    out = _rise(low) - _rise(high)
    blank_above = float(high[: max(1, reach // 4)].max()) < 0.25
    return Place(end.px - out, math.hypot(end.u_px, 0.4)) if blank_above and out > 0.8 and peak > 2 * DEFINITE else None


def _rise(profile: FloatArray) -> float:
    """Row at which a profile first rises to one half, between rows; its length where it does not."""
    first = int((profile >= 0.5).argmax()) if (profile >= 0.5).any() else len(profile)
    if not 0 < first < len(profile):
        return float(first)
    before, at = float(profile[first - 1]), float(profile[first])
    return first - 1 + (0.5 - before) / max(at - before, 1e-6)


def _bears_another(field: Field, bar: Bar, lid: int) -> bool:
    """Whether another filled stretch as wide as the bar begins right above its end: the bars are stacked."""
    thick = max(4, round(0.5 * field.height))
    y0, y1 = max(0, lid - thick - 4), max(0, lid - 1)
    profile = np.median(field.rgb[y0:y1, inner_columns(bar.x0, bar.x1)], axis=1)
    seen = ~field.covered[y0:y1, bar.x0 : bar.x1 + 1].any(axis=1)
    filled = (np.abs(profile - field.paper).max(axis=1) > DEFINITE) & seen
    return bool(np.convolve(filled, np.ones(thick), "valid").max(initial=0) >= thick) if filled.size >= thick else False


def _share(colors: FloatArray, ground: FloatArray, ink: FloatArray) -> FloatArray:
    """How far colours lie on the way from `ground` to `ink`, 0 to 1."""
    way = ink - ground
    return np.asarray(np.clip((colors - ground) @ way / max(float(way @ way), 1.0), 0, 1), dtype=np.float32)


def _stem_above(field: Field, bar: Bar, lid: int) -> _Stroke | None:
    """The stroke that rises from the middle of a bar's end, if any: as far as a letter is high, or no longer than a few pixels."""
    reach = max(3, round(0.3 * field.height))
    for rows in dict.fromkeys((reach, max(2, reach // 2), 2)):
        stroke = _stroke_in(field, bar, max(0, lid - rows + 1), lid)
        if stroke is not None:
            return stroke
    return None


def _stroke_in(field: Field, bar: Bar, y0: int, y1: int) -> _Stroke | None:
    """The upright stroke at the middle of a bar in rows y0..y1 above it."""
    if y1 - y0 < 1:
        return None
    x0, x1 = bar.x0, bar.x1
    rows = np.abs(field.rgb[y0 : y1 + 1, x0 : x1 + 1] - field.paper).max(axis=2)
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
    if last - first + 1 > max(4, 0.55 * field.height) or last - first + 1 > 0.6 * bar.width:
        return None
    color = np.median(field.rgb[y0 : y1 + 1, x0 + first : x0 + last + 1].mean(axis=1), axis=0).astype(np.float32)
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


def _outer_end(field: Field, stroke: _Stroke, lid: int) -> _Tip:
    """The end of an error bar beyond the bar."""
    column = field.rgb[: lid + 1, stroke.first : stroke.last + 1].mean(axis=1)
    share = _share(column, field.paper, stroke.color)[::-1]
    return _follow(field, stroke, share, lid, -1, field.paper)


def _inner_end(field: Field, bar: Bar, stroke: _Stroke, start: int) -> Place | None:
    """The end of an error bar inside the bar, None where the stroke does not go on below the bar's end."""
    rows = slice(start, max(start, field.base - 1))
    column = field.rgb[rows, stroke.first : stroke.last + 1].mean(axis=1)
    share = _share(column, bar.fill, stroke.over_fill)
    first = share[: max(2, round(0.25 * field.height))]
    if first.size == 0 or float(np.median(first)) < 0.45:
        return None
    return _follow(field, replace(stroke, color=stroke.over_fill), share, start, 1, bar.fill).place


def _follow(field: Field, stroke: _Stroke, share: FloatArray, start: int, way: int, ground: FloatArray) -> _Tip:
    """The end of a stroke that sets out at row `start` in direction `way` (1 down), over plain `ground`."""
    patience = max(2, round(0.3 * field.height))
    last, quiet = 0, 0
    for k, value in enumerate(share.tolist()):
        if value >= 0.5:
            last, quiet = k, 0
            continue
        quiet += 1
        # A letter may stand closer to a cap than a broken stroke's pieces to one another.
        if quiet == 1 and k > 1:
            cap = _cap_near(field, stroke, start + way * last, way, ground, start, reach=max(2, round(0.15 * field.height)))
            if cap is not None:
                return _Tip(cap, start + way * last, is_capped=True)
        if quiet > patience:
            break
    row = start + way * last
    cap = _cap_near(field, stroke, row, way, ground, start)
    if cap is not None:
        return _Tip(cap, row, is_capped=True)
    beyond = float(share[last + 1]) if last + 1 < share.size else 0.0
    inside = float(share[last])
    # The end lies where the coverage of the last pixels adds up. A round end reaches half a width beyond the value, a flat one does not.
    at = last - 0.5 + min(1.0, inside) + min(0.5, beyond)
    return _Tip(Place(start + way * at, math.hypot(0.25 * (stroke.last - stroke.first + 1), field.noise / DEFINITE)), row, is_capped=False)


def _cap_near(field: Field, stroke: _Stroke, row: int, way: int, ground: FloatArray, start: int, reach: int | None = None) -> Place | None:
    """Middle of the level stroke across the end of a stem, within `reach` rows of it; None where there is none."""
    reach = max(3, round(0.45 * field.height)) if reach is None else reach
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
    if way < 0:  # a gridline that runs beside the cap shows at the edges of the plot as well
        rim = np.median(field.rgb[y0 : y1 + 1][:, [1, 2, 3, -4, -3, -2]], axis=1)
        shares = [np.clip(s - _share(rim, ground, stroke.color), 0, 1) for s in shares]
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
    a, b = max(0, a - 1), min(both.size - 1, b + 1)  # rows that the cap covers in small part weigh as well
    weight = (shares[0] + shares[1])[a : b + 1].astype(float)
    at = float((weight * np.arange(a, b + 1)).sum() / weight.sum())
    return Place(y0 + at, field.noise / (2 * DEFINITE))


def mirrored(d: Drawn, last: int) -> Drawn:
    """A bar of the flipped field in rows of the field itself."""

    def turn(place: Place | None) -> Place | None:
        return None if place is None else Place(last - place.px, place.u_px)

    end = turn(d.end)
    assert end is not None
    return replace(d, end=end, outer=turn(d.outer), inner=turn(d.inner), hangs=True)


def moved(d: Drawn, x0: int, y0: int) -> Drawn:
    """A bar of the field in pixels of the image."""

    def move(place: Place | None) -> Place | None:
        return None if place is None else Place(place.px + y0, place.u_px)

    end = move(d.end)
    assert end is not None
    return replace(d, bar=replace(d.bar, x0=d.bar.x0 + x0, x1=d.bar.x1 + x0), end=end, outer=move(d.outer), inner=move(d.inner))


def weighed(drawn: Sequence[Drawn], noise: float, *, is_bilevel: bool = False) -> list[Drawn]:
    """The bars with the uncertainty that the rendering of the whole panel, perhaps in black and white, adds to each place's own."""
    ends = np.array([d.end.px for d in drawn])
    tips = np.array([d.outer.px for d in drawn if d.outer is not None])
    coarse = noise > 0.4 or _is_snapped(ends) or _is_snapped(tips)
    of_end, of_tip = STEPPED_U if is_bilevel else SNAPPED_U if coarse else DRAWN_U

    def add(place: Place | None, u: float) -> Place | None:
        return None if place is None else replace(place, u_px=math.hypot(place.u_px, u))

    return [
        replace(d, end=replace(d.end, u_px=math.hypot(d.end.u_px, of_end)), outer=add(d.outer, of_tip), inner=add(d.inner, of_tip))
        for d in drawn
    ]


def _is_snapped(px: Doubles) -> bool:
    """Whether positions lie at the same place within their pixels; fewer than three cannot tell and count as snapped."""
    return px.size > 0 and (px.size < 3 or abs(np.exp(2j * np.pi * px).mean()) > 0.85)


def complete_ends(drawn: Sequence[Drawn]) -> list[Drawn]:
    """Ends that cannot be seen: mirrored where all error bars of the panel that show both halves are even, else left out with a flag.

    Where no bar of the panel shows its lower half, all being as dark as their error bars, it is mirrored too, flagged as hidden and as
    mirrored: nothing tells whether the error bars are even or even have two ends, but the upper half is then all that there is.
    """
    tips = [d for d in drawn if d.outer is not None]
    capped = len(tips) >= 2 and sum(d.is_capped for d in tips) >= 0.6 * len(tips)
    whole = [d for d in tips if not d.hidden and (d.is_capped or not capped)]
    halves = [(abs(d.end.px - d.outer.px), abs(d.inner.px - d.end.px)) for d in whole if d.outer is not None and d.inner is not None]
    even = len(halves) >= 1 and len(halves) == len(whole) and all(abs(a - b) <= 1.5 + 0.04 * a for a, b in halves)
    one_sided = len(whole) >= 1 and not halves
    untold = not whole
    return [
        _completed_bar(d, cut=capped and not d.is_capped, even=even, one_sided=one_sided, untold=untold) if d.outer is not None else d
        for d in drawn
    ]


def _completed_bar(d: Drawn, *, cut: bool, even: bool, one_sided: bool, untold: bool) -> Drawn:
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
    inner = _reflected(d.outer, d.end) if untold and not cut else d.inner
    return replace(d, inner=inner, flags=(*d.flags, "hidden_in_bar", *(("mirrored",) if untold and not cut else ())))


def _reflected(end: Place, middle: Place) -> Place:
    """The other end of an error bar whose halves are even."""
    return Place(2 * middle.px - end.px, math.hypot(2 * middle.u_px, end.u_px) + 0.3)
