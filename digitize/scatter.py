"""Scatter plots read from pixels: every marker, also of those that lie over one another, and how much of each still shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.ink import find_layers, paper_color
from digitize.legend import LegendEntry
from digitize.looks import Looks, Seen, distinct, looks_of_keys, looks_of_markers, named, resemblance, see
from digitize.markers import UNIT, find_markers
from digitize.overplot import FloatArray, Pen, Picture, Placed, agreement, crowded, misfit, read_markers
from digitize.panels import Panel
from digitize.points import fitted_markers, position_noise, to_px, without_text
from digitize.refine import Fit, ink_amount
from digitize.scaled import scaled_to
from digitize.series import Mark, Place, Series, hex_color

LIKE_MARKERS = re.compile(r"[oO0QDCcAaVvXxUu\W\d]*")  # what rows of markers are read as
BLURS = (1.0, 1.6, 2.3)  # px: widths of edges that are tried
LEGEND_PAD = 2.0  # digit heights around a legend's names and keys that its ground may cover
COLORED = 60  # grey levels between the largest and the smallest of a pixel's red, green and blue
ON_LINE = 0.7  # digit heights from the middle of a name within which a marker stands on its line
FAINT = 20.0  # grey levels from the paper's within which a pixel is paper
SIZES = (0.65, 1.6)  # how much smaller and larger than it was seen at first a marker may come out of the fit
SAME_SIZE = 0.08  # share by which sizes of one pen differ at most
FAIR_PART, BAD_MISFIT = 0.15, 0.2  # share of a series that must fit well for its pen to be known; misfit of those that do not fit
MISFIT = 0.15  # of full ink: markers that fit this well stand alone
CLEAR = 0.5  # share of a marker's ink that must show for its place not to be in doubt
TRIANGLE_DOUBT = 0.15  # of the half-size: programs do not agree where in a triangle the data point lies
ALONE, TYPICAL_MISFIT = 0.97, 0.1  # share of a marker's ink that shows where it stands alone; misfit of those that do not
WELL = 0.75  # how much of a marker's ink agrees from which on it is surely one


@dataclass(frozen=True)
class _Seen:
    """One series as first seen: its looks, its markers, and how they fit their pixels."""

    look: Looks
    fits: tuple[Fit, ...]
    pen: Pen | None

    def has_drawn(self, fit: Fit) -> bool:
        """Whether a fit agrees with the pen."""
        return self.pen is not None and fit.misfit < MISFIT and abs(fit.size / self.pen.size - 1) < SAME_SIZE


def read_scatter(panel: Panel, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """The series of markers of a panel without error bars, in straightened pixels.

    Parameters
    ----------
    panel : Panel
    legend : sequence of LegendEntry
        Its keys and names are taken out of the plot, and name the series.
    """
    words = replace(panel, texts=tuple(t for t in panel.texts if not LIKE_MARKERS.fullmatch(t.text)))
    crop = without_text(words, legend)
    picture = _picture(panel, crop, legend)
    seen = _first_look(panel, legend, crop, picture)
    kept = [s for s in seen if s.pen is not None]
    alone = [Placed(k, f.x, f.y, 1.0, 1.0) for k, s in enumerate(kept) for f in s.fits if s.has_drawn(f)]
    pens, placed = _peeled(picture, [s.pen for s in kept if s.pen is not None], alone)
    placed = _without_keys([*placed, *_left_over(placed, alone, pens)], pens, panel, legend)
    doubtful = [m for m, is_crowded in zip(placed, crowded(placed, pens), strict=True) if is_crowded or m.shows < CLEAR]
    series = [
        _series(s.look, [_refined(m, s.fits, m in doubtful) for m in placed if m.pen == k], pens[k], panel) for k, s in enumerate(kept)
    ]
    series += [_unfitted(s, panel) for s in seen if s.pen is None]
    return tuple(s for s in series if s.marks)


def _picture(panel: Panel, without: NDArray[np.uint8], legend: Sequence[LegendEntry]) -> Picture:
    """The plot, blind where text was painted over, and for paper where the legend may cover what lies beneath."""
    image = panel.crop
    paper = paper_color(image)
    # Words are black or grey: what is coloured beneath them still shows.
    seen = (image == without).all(axis=2) | (np.ptp(image, axis=2) > COLORED)
    for entry in legend:
        a, b, c, d = _grown(entry.key_box, 0.2 * panel.height, panel)
        seen[b : d + 1, a : c + 1] = True  # a key is found as the marker that it is, and left out later
    if legend:
        boxes = np.array([e.text_box for e in legend] + [e.key_box for e in legend])
        hull = (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
        a, b, c, d = _grown(hull, LEGEND_PAD * panel.height, panel)
        is_paper = np.abs(image[b : d + 1, a : c + 1] - paper).max(axis=2) < FAINT
        seen[b : d + 1, a : c + 1] &= ~is_paper
    return Picture(np.asarray(image / 255, dtype=np.float32), np.asarray(paper / 255, dtype=np.float32), seen.astype(np.float32))


def _grown(box: Sequence[float], pad: float, panel: Panel) -> tuple[int, int, int, int]:
    """A box of the figure with a margin, in pixels of the plot."""
    x0, y0, _, _ = panel.box
    a, b, c, d = box
    return max(0, round(a - pad - x0)), max(0, round(b - pad - y0)), max(-1, round(c + pad - x0)), max(-1, round(d + pad - y0))


def _first_look(panel: Panel, legend: Sequence[LegendEntry], crop: NDArray[np.uint8], picture: Picture) -> list[_Seen]:
    scale = UNIT / panel.height
    small = scaled_to(crop, scale)
    ink = find_layers(small)
    markers = distinct([see(m, ink) for m in find_markers(small)]) if ink.layers else []
    keys = looks_of_keys(panel, legend, ink)
    looks = named(looks_of_markers(markers, ink, keys if len(keys) == len(legend) else ()), keys)
    if len(legend) < 2:  # nothing says that there are several series: markers of one hue and style are one
        looks = [look for k, look in enumerate(looks) if all((o.layer, o.style) != (look.layer, look.style) for o in looks[:k])]
    return [_seen(look, own, crop, picture, scale) for look, own in zip(looks, _assigned(markers, looks), strict=True) if own]


def _assigned(markers: Sequence[Seen], looks: Sequence[Looks]) -> list[list[Seen]]:
    """The markers of each series: the one that they look most like."""
    members: list[list[Seen]] = [[] for _ in looks]
    for marker in markers:
        own = [k for k, look in enumerate(looks) if look.layer == marker.layer]
        if own:
            members[max(own, key=lambda k: resemblance(marker, looks[k]))].append(marker)
    return members


def _seen(look: Looks, markers: Sequence[Seen], crop: NDArray[np.uint8], picture: Picture, scale: float) -> _Seen:
    amount = ink_amount(crop, paper_color(crop), look.color)
    tried = fitted_markers([m.marker for m in markers], look.style, amount, scale)
    if not tried:
        bare = [Fit(to_px(m.marker.x, scale), to_px(m.marker.y, scale), m.marker.size / scale, 0.0, np.inf) for m in markers]
        return _Seen(look, tuple(bare), None)
    about = float(np.median([m.marker.size for m in markers])) / scale
    shape, fits, own = min(
        ((shape, fits, own) for shape, fits in tried for own in _alike(fits, about)), key=lambda each: _typical(each[2], len(markers))
    )
    if not own:
        return _Seen(look, tuple(fits), None)
    good = own[: max(1, (len(own) + 1) // 2)]
    size, width = (float(np.median([getattr(f, name) for f in good])) for name in ("size", "line_width"))
    pen = Pen(shape, size, width, np.asarray(np.array(look.color) / 255, dtype=np.float32))
    return _Seen(look, tuple(fits), replace(pen, color=_color(picture, pen, good)))


def _alike(fits: Sequence[Fit], about: float) -> list[list[Fit]]:
    """The fits that agree in size, the best first, if they are about as large as was seen; one empty group where there are none.

    A fit can go wrong where markers overlap, and so be good to one side of a marker only.
    """
    groups: list[list[Fit]] = []
    for fit in sorted((f for f in fits if np.isfinite(f.misfit) and SIZES[0] < f.size / about < SIZES[1]), key=lambda f: f.misfit):
        own = next((g for g in groups if abs(fit.size / g[0].size - 1) < SAME_SIZE), None)
        if own is not None:
            own.append(fit)
        else:
            groups.append([fit])
    return groups or [[]]


def _typical(fits: Sequence[Fit], n_markers: int) -> float:
    """Mean misfit of the best of these fits, as many as make a fair part of a series; those that are lacking fit badly."""
    most = max(2, round(FAIR_PART * n_markers))
    return float(np.mean([f.misfit for f in fits[:most]] + [BAD_MISFIT] * (most - len(fits[:most]))))


def _color(picture: Picture, pen: Pen, fits: Sequence[Fit]) -> FloatArray:
    """The colour of ink that explains the pixels of a series's markers best."""
    colors = []
    for f in fits:
        reach = pen.reach
        rows = slice(max(0, round(f.y) - reach), round(f.y) + reach + 1)
        columns = slice(max(0, round(f.x) - reach), round(f.x) + reach + 1)
        part = picture.image[rows, columns]
        ys, xs = np.mgrid[rows.start : rows.start + part.shape[0], columns.start : columns.start + part.shape[1]].astype(float)
        ink, _, _ = pen.painted(xs - f.x, ys - f.y)
        total = float((ink**2).sum())
        if total > 0:
            colors.append(picture.paper + ((part - picture.paper) * ink[..., None]).sum(axis=(0, 1)) / total)
    return np.asarray(np.clip(np.median(colors, axis=0), 0, 1), dtype=np.float32)


def _peeled(picture: Picture, pens: Sequence[Pen], alone: Sequence[Placed]) -> tuple[list[Pen], list[Placed]]:
    """The markers, with the pens as sharp and as opaque as makes the painted plot most like the picture."""
    if not pens:
        return [], []
    blur = min(BLURS, key=lambda b: misfit(picture, [replace(p, blur=b) for p in pens], alone)) if alone else BLURS[0]
    best: tuple[float, list[Pen], list[Placed]] | None = None
    for is_opaque in (False, True) if any(p.is_open for p in pens) else (False,):
        tried = agreement(picture, [replace(p, blur=blur, is_opaque=is_opaque and p.is_open) for p in pens], alone)
        placed = read_markers(picture, tried)
        off = misfit(picture, tried, placed)
        if best is None or off < best[0]:
            best = (off, tried, placed)
    assert best is not None
    return best[1], best[2]


def _left_over(placed: Sequence[Placed], alone: Sequence[Placed], pens: Sequence[Pen]) -> list[Placed]:
    """Markers that fitted well at first and at which no peeled one stands: small ones on whole pixels can be unlike their pen."""
    return [
        replace(m, agrees=0.0)
        for m in alone
        if all(np.hypot(m.x - p.x, m.y - p.y) > pens[m.pen].size for p in placed)
    ]


def _without_keys(placed: Sequence[Placed], pens: Sequence[Pen], panel: Panel, legend: Sequence[LegendEntry]) -> list[Placed]:
    """The markers without those that are a legend's keys: for each name the one on its line that stands nearest to the key's middle."""
    kept = list(placed)
    x0, y0, _, _ = panel.box
    for entry in legend:
        left, right = entry.key_box[0] - x0, entry.key_box[2] - x0
        line = (entry.text_box[1] + entry.text_box[3]) / 2 - y0
        near = [
            (abs(m.x - (left + right) / 2) + abs(m.y - line), k)
            for k, m in enumerate(kept)
            if abs(m.y - line) < ON_LINE * panel.height and left - pens[m.pen].size < m.x < right + pens[m.pen].size
        ]
        if near:
            kept.pop(min(near)[1])
    return kept


@dataclass(frozen=True)
class _Found:
    """A marker, the misfit of its pixels, and whether others cover or crowd it."""

    marker: Placed
    misfit: float
    is_doubtful: bool


def _refined(marker: Placed, fits: Sequence[Fit], is_doubtful: bool) -> _Found:
    """A marker, where it stands alone moved to where it was fitted on its own."""
    near = min(fits, key=lambda f: np.hypot(f.x - marker.x, f.y - marker.y))
    if marker.shows > ALONE and np.isfinite(near.misfit) and np.hypot(near.x - marker.x, near.y - marker.y) < 1.0:
        return _Found(replace(marker, x=near.x, y=near.y), near.misfit, is_doubtful)
    return _Found(marker, TYPICAL_MISFIT, is_doubtful)


def _series(look: Looks, found: Sequence[_Found], pen: Pen, panel: Panel) -> Series:
    x0, y0, _, _ = panel.box
    noise = position_noise(panel)
    anchor = TRIANGLE_DOUBT * pen.size if look.style.startswith("triangle") else 0.0
    marks = []
    for f in found:
        u = float(np.hypot(noise, 0.05 + 1.5 * f.misfit) / max(f.marker.shows, 0.2) ** 0.5)
        flags = ("partly_hidden",) if f.is_doubtful else ()
        confidence = 0.97 if f.marker.agrees > WELL * pen.agrees and not flags else 0.8
        place = Place(f.marker.x + x0, u), Place(f.marker.y + y0, float(np.hypot(u, anchor)))
        marks.append(Mark(*place, flags=flags, confidence=confidence))
    return Series(look.name, hex_color(look.color), look.style, tuple(sorted(marks, key=lambda m: m.x.px)))


def _unfitted(seen: _Seen, panel: Panel) -> Series:
    """A series whose markers have no outline to fit (crosses, stars): each where the first look saw it."""
    x0, y0, _, _ = panel.box
    u = 3 * position_noise(panel)
    marks = [Mark(Place(f.x + x0, u), Place(f.y + y0, u), flags=("not_refined",), confidence=0.8) for f in seen.fits]
    return Series(seen.look.name, hex_color(seen.look.color), seen.look.style, tuple(sorted(marks, key=lambda m: m.x.px)))
