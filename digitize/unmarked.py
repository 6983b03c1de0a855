"""Error bars without markers, off pixels: capped stems on which nothing but a line stands. The line tells where the point lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.curves import key_color
from digitize.errorbars import Cap, ErrorBar, Stem, caps_of, find_stems
from digitize.firstlook import lines_of
from digitize.ink import Ink, Layer, find_layers, paper_color, substantial
from digitize.legend import LegendEntry
from digitize.markers import UNIT
from digitize.panels import Panel
from digitize.pens import from_px, to_px
from digitize.points import ends_of, position_noise, without_text
from digitize.refine import ink_amount
from digitize.scaled import scaled_to
from digitize.series import Mark, Place, Series, hex_color

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]

AT_END = 2.5  # px at the scale of UNIT around a cap in which it hides what else is there
FROM_CAP = 4.5  # px at the scale of UNIT between a cap and what of its stem is thin
SHORTEST = 9.0  # px at the scale of UNIT: the caps of a shorter bar run into one another
BESIDE, FURTHER = 1.5, 5.0  # px beside a stem: where a marker would show, and where only a line does
THICKER, LEVEL_RUN = 1.2, 3.0  # px by which a column of ink beside a stem may be higher than further off; height of a line's that is level
THICK = 5.0  # px at the scale of UNIT: no line is thicker
FEWEST, MOST = 3, 0.5  # bars without a marker, and their share of all capped stems, that make a plot without markers
FREE = 0.5  # share of these that must have caps that nothing touches at both ends
FIRST, LAST = 1.5, 8.0  # px at the scale of UNIT beside a stem between which the line is followed
AGREE = 1.5  # px by which both sides may tell the centre apart
ANYWHERE = 12**0.5  # how many times the standard deviation of a place that may be anywhere in a bar the bar is long
SAME_COLOR = 60.0  # grey levels in a channel within which a key has the colour of an ink
INKED, REACH = 0.3, 12.0  # ink from which on a pixel belongs to a stroke; px at the scale of UNIT that a steep line leaves a bar by
STEEPEST, LINE_U = 6.0, 0.1  # px that a line rises by from column to column at most; px by which a line's middle is unsure
AS_LONG = 1.6  # times by which a stroke may be longer or shorter than the error bars that were read
AT_MARKER = 4.0  # px at the scale of UNIT from a marker within which a stroke may be of its error bar
LEFT_SHARE = 0.1  # strokes at no marker, as a share of the markers, from which on some may be error bars
SAME_X = 1.5  # px at the scale of UNIT within which two bars share a column


@dataclass(frozen=True)
class Unmarked:
    """The series of bars without markers, and the panel's flags; or why they cannot be read."""

    series: tuple[Series, ...] = ()
    flags: tuple[str, ...] = ()
    refused: str = ""


def read_unmarked(panel: Panel, legend: Sequence[LegendEntry]) -> Unmarked:
    """The series of error bars in a panel whose points have no markers, in straightened pixels; none where they have.

    Parameters
    ----------
    panel : Panel
    legend : sequence of LegendEntry
        Its keys and names are taken out of the plot; those with as many colours as there are series name them.
    """
    crop = without_text(panel, legend)
    scale = UNIT / panel.height
    small = scaled_to(crop, scale)
    ink = find_layers(small)
    stems = [_stems(ink, layer) for layer in ink.layers]
    capped = [_with_caps(own) for own in stems]
    inked = ink.strength > 60
    lines = [lines_of(ink, layer) for layer in ink.layers]
    bare = [[s for s in own if _is_bare(s, line) and not _is_filled(s, inked)] for own, line in zip(capped, lines, strict=True)]
    n_bare, n_capped = sum(map(len, bare)), sum(map(len, capped))
    n_free = sum(_has_free_caps(s) for own in bare for s in own)
    if n_bare < FEWEST or n_bare < MOST * n_capped or n_free < FREE * n_bare:
        return Unmarked()
    if any(_share_a_column(own) for own in bare):
        return Unmarked(refused="error bars without markers share their columns in one ink: which belongs to which line is not known")
    layers = [(layer, own) for layer, own in zip(ink.layers, bare, strict=True) if own]
    names = _names([layer for layer, _ in layers], panel, legend)
    series = []
    are_alike = len({len(own) for _, own in layers}) == 1
    flags = () if are_alike and not _some_are_left(stems, bare) else ("bars_left_out",)
    for (layer, own), name in zip(layers, names, strict=True):
        amount = ink_amount(crop, paper_color(crop), layer.color)
        beside = [s for other, bars in layers if other is not layer for s in bars]
        doubts = {s: flags + (("shared_stem",) if any(_run_together(s, b) for b in beside) else ()) for s in own}
        marks = tuple(_mark(s, doubts[s], amount, scale, panel) for s in sorted(own, key=lambda s: s.x))
        series.append(Series(name, hex_color(layer.color), "none", marks))
    return Unmarked(tuple(series), flags)


def are_left_out(panel: Panel, legend: Sequence[LegendEntry], series: Sequence[Series]) -> bool:
    """Whether strokes as long as the error bars that were read stand where no marker was found: bars without caps on a bare line do."""
    marks = [m for each in series for m in each.marks]
    lengths = [abs(m.y_hi.px - m.y_lo.px) for m in marks if m.y_lo is not None and m.y_hi is not None]
    if not lengths:
        return False
    scale = UNIT / panel.height
    ink = find_layers(scaled_to(without_text(panel, legend), scale))
    at = np.array([from_px(m.x.px - panel.box[0], scale) for m in marks])
    usual = float(np.median(lengths)) * scale
    stems = [s for layer in ink.layers for s in _stems(ink, layer) if usual / AS_LONG < s.y1 - s.y0 < usual * AS_LONG]
    inside = [s for s in stems if FURTHER < s.x < ink.strength.shape[1] - FURTHER]
    free = [s for s in inside if np.abs(at - s.x).min() > AT_MARKER]
    return len(free) >= max(1, LEFT_SHARE * len(marks))


def _names(layers: Sequence[Layer], panel: Panel, legend: Sequence[LegendEntry]) -> list[str]:
    """The name of each ink: that of the one key that has its colour, if it is the one ink with it."""
    colors = [(entry.name, key_color(panel, entry, paper_color(panel.crop))) for entry in legend]
    off = [[np.abs(np.subtract(layer.color, c)).max() < SAME_COLOR if c is not None else False for _, c in colors] for layer in layers]
    alike = np.array(off, dtype=bool).reshape(len(layers), len(colors))
    is_one = alike & (alike.sum(axis=0) == 1)[None, :] & (alike.sum(axis=1) == 1)[:, None]
    return [colors[int(row.argmax())][0] if row.any() else "" for row in is_one]


def _stems(ink: Ink, layer: Layer) -> list[Stem]:
    """The upright strokes of a layer, each with the caps that cross it and are no ink of another layer."""
    hidden = substantial((ink.strength > 60) & (layer.amount == 0))
    inked = ink.strength > 60  # compression takes the colour of thin strokes
    others = [other.amount for other in ink.layers if other is not layer]
    foreign = inked & (np.max(others, axis=0) > layer.amount) if others else np.zeros_like(inked)
    stems = find_stems(lines_of(ink, layer), hidden, ink.strength)
    return [replace(s, caps=tuple(c for c in caps_of(inked.astype(np.uint8), s, ink.strength) if _is_own(c, s, foreign))) for s in stems]


def _is_own(cap: Cap, stem: Stem, foreign: NDArray[np.bool_]) -> bool:
    """Whether less than half of a cap is of another ink."""
    rows = slice(max(0, round(cap.y) - 1), round(cap.y) + 2)
    columns = slice(max(0, round(stem.x - cap.left)), round(stem.x + cap.right) + 1)
    return bool(np.median(foreign[rows, columns].max(axis=0, initial=False)) < 0.5)


def _with_caps(stems: Sequence[Stem]) -> list[Stem]:
    """The stems with caps at both ends, from the one cap to the other."""
    found = (_to_caps(s, s.caps) for s in stems)
    return [s for s in found if s is not None and s.y1 - s.y0 > SHORTEST]


def _to_caps(stem: Stem, caps: Sequence[Cap]) -> Stem | None:
    """The stem from cap to cap, None where it has not one at each end."""
    upper, lower = ([cap.y for cap in caps if abs(cap.y - end) <= FROM_CAP] for end in (stem.y0, stem.y1))
    return replace(stem, y0=min(upper), y1=max(lower)) if upper and lower else None


def _is_bare(stem: Stem, line: FloatArray) -> bool:
    """Whether nothing stands on a stem but what is as high further off: a marker ends there, a line goes on.

    In each column right beside the stem there may be one piece of ink, and on one side at least no higher one than further off.
    """
    mask = line > INKED
    thicker = []
    for side in (-1, 1):
        near = [_pieces(mask, stem, side * (stem.width / 2 + BESIDE + k), 0.0) for k in (0, 1)]
        if any(len(pieces) > 1 for pieces in near):
            return False
        highest = max((b - a for pieces in near for a, b in pieces), default=0)
        beyond = [_pieces(mask, stem, side * (stem.width / 2 + FURTHER + k), REACH) for k in (0, 1)]
        further = max((b - a for pieces in beyond for a, b in pieces), default=0)
        thicker.append(highest - max(further, LEVEL_RUN))
    return max(thicker) <= THICKER


def _is_filled(stem: Stem, inked: NDArray[np.bool_]) -> bool:
    """Whether ink thicker than a line stands on both sides of a stem: a filled marker, which is no line's ink."""
    sides = [_pieces(inked, stem, side * (stem.width / 2 + BESIDE), 0.0) for side in (-1, 1)]
    return all(max((b - a for a, b in pieces), default=0) > THICK for pieces in sides)


def _pieces(mask: NDArray[np.bool_], stem: Stem, aside: float, more: float) -> list[tuple[int, int]]:
    """The runs of ink in a column beside a stem between its caps, and `more` px beyond them."""
    column = round(stem.x + aside)
    if not 0 <= column < mask.shape[1]:
        return []
    first, last = max(0, round(stem.y0 - more)), min(mask.shape[0], round(stem.y1 + more) + 1)
    own = mask[first:last, column].copy()
    for end in (stem.y0, stem.y1):
        own[max(0, round(end - AT_END) - first) : max(0, round(end + AT_END) + 1 - first)] = False
    edges = np.flatnonzero(np.diff(own.astype(int), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _has_free_caps(stem: Stem) -> bool:
    """Whether a cap that nothing touches stands at each end: others may be edges of markers."""
    return all(any(cap.is_free and abs(cap.y - end) <= FROM_CAP for cap in stem.caps) for end in (stem.y0, stem.y1))


def _share_a_column(stems: Sequence[Stem]) -> bool:
    at = np.sort([s.x for s in stems])
    return bool((np.diff(at) < SAME_X).any())


def _run_together(a: Stem, b: Stem) -> bool:
    """Whether two bars of one column overlap: an end of one may be the other's."""
    return abs(a.x - b.x) < BESIDE + (a.width + b.width) / 2 and min(a.y1, b.y1) > max(a.y0, b.y0) - FROM_CAP


def _some_are_left(stems: Sequence[Sequence[Stem]], kept: Sequence[Sequence[Stem]]) -> bool:
    """Whether a layer in which bars were read has other upright strokes about as long."""
    for own, bars in zip(stems, kept, strict=True):
        if not bars:
            continue
        least = min(s.y1 - s.y0 for s in bars) / 2
        left = [s for s in own if s.y1 - s.y0 > least and not any(abs(s.x - b.x) < SAME_X and s.y0 < b.y1 and s.y1 > b.y0 for b in bars)]
        if left:
            return True
    return False


def _mark(stem: Stem, doubts: tuple[str, ...], amount: Doubles, scale: float, panel: Panel) -> Mark:
    """A bar with its point where a line runs through it, or else in the middle of its ends, under a flag."""
    x0, y0, _, _ = panel.box
    u = position_noise(panel)
    x = _middle(stem, amount, scale)
    top, bottom = ends_of(ErrorBar(stem.y0, stem.y1, top_capped=True, bottom_capped=True), amount, x, scale, u, u)
    assert top is not None
    assert bottom is not None
    seen = [y for side in (-1, 1) if (y := _line_at(stem, amount, x, side, scale)) is not None]
    is_told = bool(seen) and max(seen) - min(seen) < AGREE and top.px < float(np.mean(seen)) < bottom.px
    y = float(np.mean(seen)) if is_told else (top.px + bottom.px) / 2
    u_y = float(np.hypot(u, (max(seen) - min(seen)) / 2 + LINE_U)) if is_told else (bottom.px - top.px) / ANYWHERE
    return Mark(
        Place(x + x0, u),
        Place(y + y0, u_y),
        y_lo=Place(bottom.px + y0, bottom.u_px),
        y_hi=Place(top.px + y0, top.u_px),
        flags=doubts if is_told else (*doubts, "centre_inferred"),
        confidence=0.95 if is_told and not doubts else 0.6,
    )


def _middle(stem: Stem, amount: Doubles, scale: float) -> float:
    """The middle of a stem across, px of the crop, over the rows in which nothing else touches it."""
    x, half = to_px(stem.x, scale), 2.0 / scale
    rows = np.arange(max(0, round(to_px(stem.y0 + AT_END, scale))), min(amount.shape[0], round(to_px(stem.y1 - AT_END, scale)) + 1))
    columns = np.arange(max(0, round(x - half)), min(amount.shape[1], round(x + half) + 1))
    if rows.size < 1 or columns.size < 1:
        return x
    part = np.nan_to_num(amount[np.ix_(rows, columns)], nan=0.0)
    profile = np.median(part, axis=0)
    return float((profile * columns).sum() / profile.sum()) if profile.sum() > 0 else x


def _line_at(stem: Stem, amount: Doubles, x: float, side: int, scale: float) -> float | None:
    """Where the line at one side of a stem meets it, px of the crop, drawn on from a few columns; None where no line leaves it there."""
    first, last = (stem.width / 2 + FIRST) / scale, (stem.width / 2 + LAST) / scale
    lo, hi = to_px(stem.y0 + AT_END, scale), to_px(stem.y1 - AT_END, scale)
    at: list[tuple[float, float]] = []
    for aside in np.arange(np.ceil(first), last + 1):
        column = round(x + side * aside)
        if not 0 <= column < amount.shape[1]:
            break
        reach = None if not at else (at[-1][1], STEEPEST + 1.5 / scale)
        y = _run_at(amount[:, column], lo, hi, reach)
        if y is None:
            break
        at.append((column - x, y))
    if len(at) < max(3.0, (last - first) / 3):
        return None
    dx, y = np.array(at).T
    slope, start = np.polyfit(dx, y, 1)
    return float(start) if np.abs(start + slope * dx - y).max() < 1.0 + 0.5 * abs(slope) else None


def _run_at(column: Doubles, lo: float, hi: float, near: tuple[float, float] | None) -> float | None:
    """The middle of the one run of ink in a column between two rows, or of that within reach of (row, px); None where there is not one."""
    a, b = (max(0, round(lo)), round(hi) + 1) if near is None else (max(0, round(near[0] - near[1])), round(near[0] + near[1]) + 1)
    part = np.nan_to_num(column[a:b], nan=0.0)
    edges = np.flatnonzero(np.diff((part > INKED).astype(int), prepend=0, append=0))
    if edges.size != 2:
        return None
    start, end = max(0, int(edges[0]) - 1), int(edges[1]) + 1
    weight = part[start:end]
    return float(a + start + (weight * np.arange(weight.size)).sum() / weight.sum())
