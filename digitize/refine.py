"""Sub-pixel positions: a drawn marker fitted to its pixels, the centre of a cap, the end of a stroke.

All work on `amount` (h, w): the ink of one colour, 0 for none and 1 for full, at the resolution of the image; NaN where other ink hides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitize.shapes import Shape, fill_coverage, outline_coverage

FloatArray = NDArray[np.float64]

OUTLIER = 0.35  # a pixel this far from the model (of full ink) belongs to something else: a line, a neighbour
ITERATIONS = 17
LONGEST_END = 11  # half-widths of its stroke: how far from where it is known to be a stroke may end
WIDEST_CROSSING, BEYOND_CROSSING = 8, 0.3  # half-widths that a crossing line may hide, and the share of full ink that must show beyond it
BLURS = (3.0, 2.1, 1.5)  # px: widths of the model's edges at first: a sharp edge does not feel a row of pixels that it misses


@dataclass(frozen=True)
class Fit:
    """A marker's anchor (x, y) and half-size in px, the width of its outline (0 for a filled one), and the mean misfit of its pixels."""

    x: float
    y: float
    size: float
    line_width: float
    misfit: float


def ink_amount(crop: NDArray[np.uint8], paper: NDArray[np.float32], color: tuple[int, int, int]) -> FloatArray:
    """Amount of one colour in each pixel of a crop (h, w, 3): its share along the way from paper to colour, NaN where other ink lies.

    Grey ink of any depth lies on the same way as black.
    """
    way = paper.astype(np.float64) - np.array(color, dtype=np.float64)
    drop = paper.astype(np.float64) - crop.astype(np.float64)
    share = drop @ way / max(float(way @ way), 1.0)
    stray = np.linalg.norm(drop - share[..., None] * way, axis=2)
    return np.where(stray > 60 + 0.25 * np.abs(share) * np.linalg.norm(way), np.nan, np.clip(share, 0, None))


def fit_marker(amount: FloatArray, shape: Shape, start: Fit, *, stem_half_width: float, is_size_known: bool = False) -> Fit:
    """The marker of a given shape that best explains the pixels around a start, by least squares with outliers capped.

    The column of the error bar outside the marker is left out; lines that cross count as outliers. Where its size is known the start has
    it, and only the place is sought: a line along an edge can then not make the marker larger.
    """
    reach = int(np.ceil(start.size * 1.35 * max(by for by, _ in shape.starts) + 3))
    cx, cy = round(start.x), round(start.y)
    ys, xs = np.mgrid[cy - reach : cy + reach + 1, cx - reach : cx + reach + 1]
    inside = (ys >= 0) & (xs >= 0) & (ys < amount.shape[0]) & (xs < amount.shape[1])
    ys, xs = ys[inside].astype(float), xs[inside].astype(float)
    seen = amount[ys.astype(int), xs.astype(int)]
    usable = ~np.isnan(seen)
    if usable.sum() < 12:
        return replace(start, misfit=np.inf)
    pixels = _Pixels(xs[usable], ys[usable], seen[usable], stem_half_width)
    starts = ((1.0, 0.0),) if is_size_known else shape.starts
    names = ("x", "y") if is_size_known else ("x", "y", "size", "line_width") if start.line_width > 0 else ("x", "y", "size")
    tried = [
        _descended(pixels, shape, start, replace(start, size=start.size * by, y=start.y + down * start.size), names) for by, down in starts
    ]
    return min(tried, key=lambda each: each[0])[1]


@dataclass(frozen=True, eq=False)
class _Pixels:
    """The pixels around a marker: where they are, how much ink is seen in each, and the half-width of the error bar's column."""

    xs: FloatArray
    ys: FloatArray
    seen: FloatArray
    stem_half_width: float


def _descended(pixels: _Pixels, shape: Shape, start: Fit, fit: Fit, names: Sequence[str]) -> tuple[float, Fit]:
    """The fit that least squares reaches from one by changing what is named, and what it leaves unexplained, outliers capped."""
    xs, ys, seen = pixels.xs, pixels.ys, pixels.seen
    for blur in BLURS + (1.0,) * ITERATIONS:
        model, level = _drawn(fit, shape, xs, ys, seen, blur)
        on_stem = (np.abs(xs - fit.x) < pixels.stem_half_width) & (model < 0.5 * level)
        residual = seen - model
        weight = np.where(on_stem, 0.0, 1.0 / (1.0 + (residual / (OUTLIER * level * blur)) ** 2) ** 2)
        jacobian = np.stack([(_drawn(_moved(fit, n, 0.05), shape, xs, ys, seen, blur)[0] - model) / 0.05 for n in names], axis=1)
        normal = jacobian.T @ (weight[:, None] * jacobian) + 1e-3 * np.eye(len(names))
        step = np.clip(np.linalg.solve(normal, jacobian.T @ (weight * residual)), -0.6, 0.6)
        for name, delta in zip(names, step.tolist(), strict=True):
            fit = _moved(fit, name, delta)
        fit = replace(fit, size=max(fit.size, 1.0), line_width=min(max(fit.line_width, 0.4), fit.size) if start.line_width > 0 else 0.0)
        if blur == 1.0 and np.abs(step).max() < 0.004:
            break
    misfit = float(np.sqrt((weight * residual**2).sum() / max(weight.sum(), 1e-9))) / level
    unexplained = float(np.minimum(residual**2, (OUTLIER * level) ** 2)[~on_stem].mean()) / level**2
    solid = model > 0.5 * level
    is_there = weight[solid].sum() > 0.5 * solid.sum() > 0
    drifted = np.hypot(fit.x - start.x, fit.y - start.y) > max(2.0, 0.6 * start.size)
    return (np.inf, replace(start, misfit=np.inf)) if drifted or not is_there else (unexplained, replace(fit, misfit=misfit))


def _moved(fit: Fit, name: str, delta: float) -> Fit:
    return replace(fit, **{name: getattr(fit, name) + delta})


def _drawn(fit: Fit, shape: Shape, xs: FloatArray, ys: FloatArray, seen: FloatArray, blur: float) -> tuple[FloatArray, float]:
    distance = shape.distance(xs - fit.x, ys - fit.y, fit.size)
    cover = outline_coverage(distance, fit.line_width, blur) if fit.line_width > 0 else fill_coverage(distance, blur)
    solid = cover > 0.8 * cover.max() if cover.max() > 0 else cover > 1
    level = float(np.median(seen[solid])) if solid.any() else 1.0
    level = max(level, 0.15)
    return cover * level, level


def cap_centre(amount: FloatArray, x: float, y: float, left: float, right: float, stem_half_width: float) -> float | None:
    """Height of a cap's middle line: the centroid of its ink to both sides of the stem, None where nothing stands out."""
    thick = max(2.0, 1.6 * stem_half_width + 1)
    y0, y1 = max(0, round(y - thick - 2)), min(amount.shape[0], round(y + thick + 3))
    sides = [
        profile
        for a, b in ((x - left + 1, x - stem_half_width - 0.5), (x + stem_half_width + 0.5, x + right - 1))
        if (profile := _row_profile(amount, y0, y1, a, b)) is not None
    ]
    if not sides:
        return None
    profile = _over_background(np.nanmean(np.array(sides), axis=0))
    both = _over_background(np.min(np.array(sides), axis=0))  # what stands at one side alone is no cap: a neighbour's marker, a line
    if both.max() > 0.5 * profile.max():
        profile = both
    peak = int(np.nanargmax(profile))
    if profile[peak] < 0.12:
        return None
    # Only the hump around the peak: a neighbour's line may stand further up or down.
    lo = hi = peak
    while lo > 0 and profile[lo - 1] > 0.06 * profile[peak] and peak - lo < thick + 1:
        lo -= 1
    while hi < profile.size - 1 and profile[hi + 1] > 0.06 * profile[peak] and hi - peak < thick + 1:
        hi += 1
    rows = np.arange(y0 + lo, y0 + hi + 1)
    return float((profile[lo : hi + 1] * rows).sum() / profile[lo : hi + 1].sum())


def cap_at_end(amount: FloatArray, x: float, y: float, *, upward: bool, reach: float) -> float | None:
    """The middle line of a cap that ends an upright stroke near (x, y), None where none does.

    A cap may stand out by hardly more than the stroke is thick: it is told by the width of the ink, compared with the stroke further in.
    """
    column = min(max(round(x), 0), amount.shape[1] - 1)
    inward = 1 if upward else -1
    rows = np.array([r for k in range(-round(reach), round(3 * reach) + 1) if 0 <= (r := round(y) + inward * k) < amount.shape[0]])
    if rows.size < 4:
        return None
    level = float(np.median(np.nan_to_num(amount[rows, column], nan=0.0)[rows.size // 2 :]))  # a thin stroke is paler than its marker
    if level < 0.15:
        return None
    inked = np.nan_to_num(amount, nan=0.0) > 0.5 * min(level, 1.0)
    arms = np.array([(_run_length(inked[r, : column + 1][::-1]), _run_length(inked[r, column:])) for r in rows])
    drawn = np.flatnonzero(arms.min(axis=1) > 0)
    if drawn.size < 4:
        return None
    arms, rows = arms[drawn[0] :], rows[drawn[0] :]
    stem = float(np.median(arms[arms.min(axis=1) > 0].sum(axis=1)[-max(3, len(arms) // 3) :])) / 2
    out = arms.min(axis=1) - stem
    is_wide = out > max(1.0, 0.3 * stem)
    thick = int(is_wide.size if is_wide.all() else np.argmin(is_wide))
    if not 1 <= thick <= max(3.0, 3 * stem):
        return None
    return float(rows[:thick].mean())


def _run_length(inked: NDArray[np.bool_]) -> int:
    return int(inked.size if inked.all() else np.argmin(inked))


def _over_background(profile: FloatArray) -> FloatArray:
    return np.asarray(np.clip(profile - profile.min(), 0, None))


def _row_profile(amount: FloatArray, y0: int, y1: int, a: float, b: float) -> FloatArray | None:
    c0, c1 = max(0, round(a)), min(amount.shape[1], round(b) + 1)
    if c1 <= c0:
        return None
    part = amount[y0:y1, c0:c1]
    return np.asarray(np.nan_to_num(part, nan=0.0).mean(axis=1), dtype=np.float64)


def stroke_end(amount: FloatArray, x: float, y: float, *, upward: bool, half_width: float) -> float | None:
    """Where an upright stroke ends: the height at which its ink, summed along it, is used up (half intensity for a sharp edge).

    A stroke that shows again beyond a line that crosses it goes on beneath that line.
    """
    c0, c1 = max(0, round(x - half_width + 0.4)), min(amount.shape[1], round(x + half_width - 0.4) + 1)
    if c1 <= c0:
        c0, c1 = max(0, round(x)), min(amount.shape[1], round(x) + 1)
    unknown = np.isnan(amount[:, c0:c1])
    column = np.where(unknown, 0.0, amount[:, c0:c1]).mean(axis=1)
    crossed = unknown.mean(axis=1) > 0.5
    inner = [round(y) + (k if upward else -k) for k in range(2, 7)]
    inner = [r for r in inner if 0 <= r < column.size]
    if not inner:
        return None
    level = float(np.median(column[inner]))
    if level < 0.1:
        return None
    start = inner[1] if len(inner) > 1 else inner[0]
    furthest = round(LONGEST_END * half_width)
    rows = range(start, max(-1, start - furthest), -1) if upward else range(start, min(column.size, start + furthest))
    covered, beneath = 0.0, 0
    for row in rows:
        if crossed[row] and beneath < WIDEST_CROSSING * half_width:
            beneath += 1
            continue
        share = min(float(column[row]) / level, 1.0)
        if share < (BEYOND_CROSSING if beneath else 0.08):
            break
        covered, beneath = covered + beneath + share, 0
    return start + 0.5 - covered if upward else start - 0.5 + covered
