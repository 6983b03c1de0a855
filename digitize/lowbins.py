"""Heights of bins so low that the strokes of bar and axis run into one another.

What such a bin must look like is known from its taller neighbours (fill, stroke, blur) and from the axis beside the bins: only its height
is open, and is the one whose picture differs least from the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitize.barends import covers
from digitize.barfield import Doubles, Field, FloatArray, contrast
from digitize.barskyline import Mask, Rows

STEP = 0.05  # px between heights that are tried
ROUGH = 4.0  # grey levels by which pictures and pixels differ anyway
FREE = 25.0  # grey levels by which columns in which nothing stands differ
FAINT = 0.09  # share of the ink of a row by which a bin differs from the bare axis
LEAST = 0.3  # px that a bin is high at least
THICKER = 0.15  # px by which an axis line may look thicker below bins than beside the ticks
BESIDE = 2.0  # px beside zero and an axis line that are looked at as well


@dataclass(frozen=True, eq=False)
class Look:
    """How the bins of a panel are drawn: their fill, the colour of the stroke round them, its width (0: none) and the edges' blur, px."""

    fill: FloatArray
    stroke: FloatArray
    width: float
    blur: float


@dataclass(frozen=True, eq=False)
class Foot:
    """The axis line below the bins: the share of each row of the field that it covers, and its colour; `zero` is the row of no height."""

    cover: Doubles
    color: FloatArray
    zero: float


@dataclass(frozen=True)
class Height:
    """The height of a bin, px, its standard uncertainty, and whether it is surely not empty.

    `hides` is what a bin in which nothing shows might be high all the same, px, and `is_doubtful` that bins so low are to be expected.
    """

    px: float
    u_px: float
    is_seen: bool = True
    hides: float = 0.0
    is_doubtful: bool = False


def foot_of(field: Field, zero: float) -> Foot:
    """The axis line as it shows in columns over which nothing stands, else as thick as it is elsewhere above where it ends below zero."""
    rows = np.arange(field.rgb.shape[0])
    near = np.abs(rows - zero) <= 2 * field.line_width + BESIDE
    all_columns = np.median(field.rgb, axis=1).astype(float)
    ink = all_columns[np.where(near, contrast(all_columns.astype(np.float32), field.paper), 0.0).argmax()]
    at = round(zero)
    end = at - 0.5 + float(_cover(all_columns, ink, field)[near & (rows >= at)].sum())
    whole = np.clip(np.minimum(rows + 0.5, end) - np.maximum(rows - 0.5, end - field.line_width), 0, 1)
    free = _free_columns(field, near, whole, ink)
    if free.size >= 3:
        seen = np.where(near, _cover(np.median(field.rgb[:, free], axis=1).astype(float), ink, field), 0.0)
        if seen.sum() < field.line_width + THICKER:  # else bins as low as that stand there
            return Foot(seen, ink.astype(np.float32), zero)
    return Foot(whole, ink.astype(np.float32), zero)


def _cover(profile: Doubles, ink: Doubles, field: Field) -> Doubles:
    """How far colours lie on the way from paper to ink, 0 to 1."""
    way = ink - field.paper
    return np.asarray(np.clip((profile - field.paper) @ way / max(float(way @ way), 1.0), 0, 1), dtype=float)


def _free_columns(field: Field, near: Mask, whole: Doubles, ink: Doubles) -> Rows:
    """Columns in which nothing stands on the axis line, those that show least of anything."""
    above = near & (np.arange(near.size) < whole.argmax()) & (whole < 0.02)
    free = np.flatnonzero((contrast(field.rgb[above], field.paper) < FREE).all(axis=0))
    if not free.size:
        return free
    amount = contrast(field.rgb[near][:, free], field.paper).sum(axis=0)
    has_line = amount > 0.5 * field.line_width * float(np.abs(ink - field.paper).max())
    free, amount = free[has_line], amount[has_line]
    return np.asarray(free[amount <= np.percentile(amount, 30) + FREE] if free.size else free)


def low_height(field: Field, x0: int, x1: int, look: Look, foot: Foot, most: float) -> Height:
    """The height, up to `most` px, of what stands in columns x0..x1 of a field: that whose picture lies nearest to the pixels."""
    y0, y1 = max(0, int(foot.zero - most - BESIDE - look.width)), min(field.rgb.shape[0], round(foot.zero) + 1)
    rows = np.arange(y0, y1)
    seen = np.median(field.rgb[y0:y1, x0 : x1 + 1], axis=1).astype(float)
    heights = np.arange(0.0, most + STEP, STEP)
    drawn = np.stack([_empty(rows, foot, field), *(_drawn(rows, float(h), look, foot, field) for h in heights[1:])])
    misfit = ((drawn - seen) ** 2).mean(axis=2).sum(axis=1)
    least = int(misfit.argmin())
    likely = misfit < misfit[least] + (ROUGH + field.noise) ** 2 + 0.1 * misfit[least]
    u = max(STEP, float(np.ptp(heights[likely])) / 2)
    ink = float(max(contrast(look.fill, field.paper), contrast(look.stroke, field.paper)))
    least_ink = max(2 * (ROUGH + field.noise), FAINT * ink) ** 2
    # A bar without any height may still be stroked.
    is_seen = bool(heights[least] > LEAST and misfit[0] > misfit[least] + least_ink and misfit[0] > 1.5 * misfit[least])
    hides = 0.0 if is_seen else float(heights[misfit < misfit[0] + least_ink].max())
    return Height(float(heights[least]), u, is_seen, hides)


def _empty(rows: Rows, foot: Foot, field: Field) -> Doubles:
    """The rows of a column without a bin."""
    line = foot.cover[rows][:, None]
    return np.asarray(field.paper * (1 - line) + foot.color * line, dtype=float)


def _drawn(rows: Rows, height: float, look: Look, foot: Foot, field: Field) -> Doubles:
    """The rows of a bin of some height: fill, stroke over it, axis line over both."""

    def between(a: float, b: float) -> Doubles:
        return np.clip(covers(rows - np.array(a), look.blur) - covers(rows - np.array(b), look.blur), 0, 1)[:, None]

    top, half = foot.zero - height, look.width / 2
    fill = between(top, foot.zero)
    stroke = np.clip(between(top - half, top + half) + between(foot.zero - half, foot.zero + half), 0, 1) if half else np.zeros_like(fill)
    line = foot.cover[rows][:, None]
    color = field.paper * (1 - fill) + look.fill * fill
    color = color * (1 - stroke) + look.stroke * stroke
    return np.asarray(color * (1 - line) + foot.color * line, dtype=float)
