"""What the markers of a series look like to the pixel: their pen, learned from the markers that stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.ink import paper_color
from digitize.looks import Looks
from digitize.markers import Marker, outlines
from digitize.painting import FloatArray, Pen, Picture
from digitize.refine import Fit, fit_marker, ink_amount
from digitize.shapes import Shape

SIZES = (0.65, 1.6)  # how much smaller and larger than it was seen at first a marker may come out of the fit
SAME_SIZE = 0.08  # share by which sizes of one pen differ at most
FAIR_PART, BAD_MISFIT = 0.15, 0.2  # share of a series that must fit well for its pen to be known; misfit of those that do not fit
OTHER_SIZE = 0.2  # share by which a marker that seems larger or smaller than its pen may still be of it
WORSE = (1.3, 0.01)  # times and plus what the misfit may grow where a marker is given the size of its pen
LEAST_MISFIT = 0.005  # below this a misfit is noise
MISFIT = 0.15  # of full ink: markers that fit this well stand alone


@dataclass(frozen=True)
class SeenSeries:
    """One series as first seen: its looks, its markers as they fit their pixels, and its pen, None where that is not known."""

    look: Looks
    fits: tuple[Fit, ...]
    pen: Pen | None

    def has_drawn(self, fit: Fit) -> bool:
        """Whether a fit agrees with the pen."""
        return self.pen is not None and fit.misfit < MISFIT and abs(fit.size / self.pen.size - 1) < SAME_SIZE


def to_px(v: float, scale: float) -> float:
    """A position at the scale of UNIT in pixels of the crop."""
    return (v + 0.5) / scale - 0.5


def from_px(v: float, scale: float) -> float:
    """A position in pixels of the crop at the scale of UNIT."""
    return (v + 0.5) * scale - 0.5


def fitted_markers(markers: Sequence[Marker], style: str, amount: NDArray[np.float64], scale: float) -> list[tuple[Shape, list[Fit]]]:
    """The markers of a series fitted to their pixels with each outline of their style; none for a style without an outline.

    A marker that could not be fitted keeps where it was seen and an infinite misfit.
    """
    outline = 1.6 / scale if style.endswith("-open") else 0.0
    starts = [Fit(to_px(m.x, scale), to_px(m.y, scale), m.size / scale, outline, np.inf) for m in markers]
    stem = _stem_half_width(scale)
    return [(shape, [fit_marker(amount, shape, start, stem_half_width=stem) for start in starts]) for shape in outlines(style)]


def learned(look: Looks, markers: Sequence[Marker], crop: NDArray[np.uint8], picture: Picture, scale: float) -> SeenSeries:
    """How a series draws its markers, from those that fit their pixels best.

    Parameters
    ----------
    look : Looks
    markers : sequence of Marker
        At the scale of UNIT, of which the crop has 1 / `scale` pixels for each.
    crop : (h, w, 3) uint8
        The inside of the plot without words and legend.
    picture : Picture
    scale : float
    """
    amount = ink_amount(crop, paper_color(crop), look.color)
    tried = fitted_markers(markers, look.style, amount, scale)
    if not tried:
        bare = [Fit(to_px(m.x, scale), to_px(m.y, scale), m.size / scale, 0.0, np.inf) for m in markers]
        return SeenSeries(look, tuple(bare), None)
    about = float(np.median([m.size for m in markers])) / scale
    shape, fits = tried[_likeliest([fits for _, fits in tried])]
    own = min(_alike(fits, about), key=lambda group: _typical(group, len(markers)))
    if not own:
        return SeenSeries(look, tuple(fits), None)
    good = own[: max(1, (len(own) + 1) // 2)]
    size, width = (float(np.median([getattr(f, name) for f in good])) for name in ("size", "line_width"))
    pen = Pen(shape, size, width, np.asarray(np.array(look.color) / 255, dtype=np.float32))
    settled = tuple(_settled(fit, pen, amount, scale) for fit in fits)
    return SeenSeries(look, settled, replace(pen, color=_color(picture, pen, good)))


def _settled(fit: Fit, pen: Pen, amount: NDArray[np.float64], scale: float) -> Fit:
    """A fit with the size of its pen, where its pixels agree about as well with that."""
    if not np.isfinite(fit.misfit) or abs(fit.size / pen.size - 1) > OTHER_SIZE:
        return fit
    alike = fit_marker(
        amount,
        pen.shape,
        replace(fit, size=pen.size, line_width=pen.line_width),
        stem_half_width=_stem_half_width(scale),
        is_size_known=True,
    )
    return alike if alike.misfit < WORSE[0] * fit.misfit + WORSE[1] else fit


def _stem_half_width(scale: float) -> float:
    """Half the width of the column of an error bar, px, in which a marker is not fitted."""
    return 1.2 / scale + 0.5


def _likeliest(tried: Sequence[Sequence[Fit]]) -> int:
    """Number of the outline that fits the markers best, each held against itself: the better half of them tells, the rest are overlaid."""
    misfits = np.array([[f.misfit for f in fits] for fits in tried])
    best = misfits.min(axis=0)
    telling = np.isfinite(misfits).all(axis=0) & (best <= np.median(best))
    if not telling.any():
        return int(np.isfinite(misfits).sum(axis=1).argmax())
    return int(np.log(misfits[:, telling] + LEAST_MISFIT).sum(axis=1).argmin())


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
