"""The rows of a forest plot as drawn: a mark on its interval, or a diamond; each with its estimate and both ends to the sub-pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.forest.pieces import PAD, Box, Floats, Mask, Piece, find_pieces, hull, rim
from digitize.ocr import TextBox
from digitize.series import Place

LIKE_A_DIAMOND = 0.72  # least share of pixels that a piece and the diamond of its corners have in common
RIM_INKED = 0.8  # least share of a diamond's rim that is inked
SOLID = 0.75  # least share of a bare mark's box that is inked
STEEP = 2.5  # a diamond is at most so many times as high as wide
MIDDLE_FREE = 0.5  # least share of an outlined diamond's middle that is not inked
SQUARE = 2.6  # a mark is at most so many times as wide as high, or as high as wide
ARROW = 2.2  # the head of an arrow is at least so many times as wide as a cap
U_END, U_CAP, U_MARK, U_TIP = 0.3, 0.3, 0.3, 0.5  # px: standard uncertainties of places, measured on drawn plots


@dataclass(frozen=True)
class DrawnRow:
    """One row in straightened pixels: its y, its estimate and ends along x (None where one does not show), and what is doubtful.

    `size` is the height of its mark, px.
    """

    y: float
    x: Place | None
    lo: Place | None
    hi: Place | None
    is_diamond: bool = False
    size: float = 0.0
    flags: tuple[str, ...] = ()


def find_rows(
    image: NDArray[np.uint8], region: Box, span: tuple[float, float], texts: Sequence[TextBox], height: float
) -> tuple[DrawnRow, ...]:
    """The rows of a forest plot, top to bottom.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    region : tuple of int
        Where to look: x0, y0, x1, y1.
    span : tuple of float
        First and last tick of the axis: every row reaches between them.
    texts : sequence of TextBox
        Texts that are no marks.
    height : float
        Digit height of the tick labels, px.
    """
    pieces = find_pieces(image, region, texts, height)
    inside = [p for p in pieces if p.x0 <= span[1] and p.x0 + p.width >= span[0] and p.height <= 4 * height]
    lone = [p for p in inside if not _is_among_others(p, inside, height)]
    cap = _cap_width(lone)
    rows = [(p, _diamond(p, height) or _marked(p, region, cap, height)) for p in lone]
    sizes = [row.size for _, row in rows if row is not None and not row.is_diamond]
    found = [(p, row if row is not None else _bare(p, sizes)) for p, row in rows]
    kept: list[DrawnRow] = []
    for _, row in sorted(found, key=lambda each: -each[0].width):  # beside a row, a tick of the other axis is none
        is_inside = row is not None and row.x is not None and span[0] - height <= row.x.px <= span[1] + height
        if row is not None and is_inside and all(abs(row.y - other.y) >= 0.5 * height for other in kept):
            kept.append(row)
    return tuple(sorted(kept, key=lambda row: row.y))


def _is_among_others(piece: Piece, pieces: Sequence[Piece], height: float) -> bool:
    """Whether three pieces or more stand in one line with this one: letters do, a row is one piece."""
    beside = [p for p in pieces if abs(p.y - piece.y) < 0.5 * height and p.height > 2]
    return len(beside) > 3


# Diamonds


def _diamond(piece: Piece, height: float) -> DrawnRow | None:
    """The row of a piece that is a diamond, filled or outlined: its tips are the interval's ends, its peak the estimate."""
    if piece.width < 5 or piece.height < max(4, 0.3 * height) or piece.height > STEEP * piece.width:
        return None
    # A reference line through a tip leaves an outline open: its hull closes it.
    shape = next((m for m in (piece.filled, _outline(piece)) if m is not None and _is_diamond(m)), None)
    corners = _corners(shape.sum(axis=0).astype(float)) if shape is not None else None
    if shape is None or corners is None:
        return None
    hollow = shape & ~piece.inked
    is_outline = hollow.sum() > 0.15 * shape.sum()
    other = _corners(_largest(hollow).sum(axis=0).astype(float)) if is_outline else _corners(_ink_heights(piece), piece.crossed[PAD:-PAD])
    if other is not None and is_outline:  # the line that was drawn runs midway between the outline's two edges
        corners = (corners[0] + other[0]) / 2, (corners[1] + other[1]) / 2, (corners[2] + other[2]) / 2
    elif other is not None:  # a border makes a flat diamond look longer by its heights than its ink reaches
        corners = max(other[0], _reach(piece, 0)), other[1], min(other[2], _reach(piece, piece.width - 1))
    lo, peak, hi = (piece.x0 + c for c in corners)
    rows = np.flatnonzero(shape.sum(axis=1) >= 0.8 * shape.sum(axis=1).max())
    y = piece.y0 + float(rows.mean())
    return DrawnRow(y, Place(peak, U_TIP), Place(lo, U_TIP), Place(hi, U_TIP), is_diamond=True)


def _outline(piece: Piece) -> Mask | None:
    """The hull of a piece whose ink runs along the hull's rim and leaves its middle free; None where it does not."""
    shape = hull(piece.inked)
    near = cv2.dilate(piece.inked.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    middle = ~piece.inked[piece.height // 2, piece.width // 4 : piece.width - piece.width // 4]
    return shape if near[rim(shape)].mean() >= RIM_INKED and middle.mean() >= MIDDLE_FREE else None


def _is_diamond(shape: Mask) -> bool:
    corners = _corners(shape.sum(axis=0).astype(float))
    if corners is None or corners[0] < -0.35 * shape.shape[1] or corners[2] > 1.35 * shape.shape[1]:
        return False
    return _common(shape, corners) >= LIKE_A_DIAMOND


def _reach(piece: Piece, end: int) -> float:
    """How far a tip may lie beyond the ink at an end of a piece: no further than a pixel, unless an upright line cut it off."""
    far = 0.3 * piece.width if piece.crossed[end + PAD] else 1.0
    return end - far if end == 0 else end + far


def _ink_heights(piece: Piece) -> Floats:
    """Height of each column by its ink: a pixel that is half covered counts half."""
    strength = piece.strength[:, PAD:-PAD]
    level = float(np.quantile(piece.strength[PAD:-PAD, PAD:-PAD][piece.filled], 0.7))
    return np.asarray(np.clip(strength / level, 0, 1).sum(axis=0))


def _corners(heights: Floats, crossed: Mask | None = None) -> tuple[float, float, float] | None:
    """Left tip, peak and right tip of a diamond by straight lines through its heights; None where they do not make one.

    Columns that an upright line crosses (`crossed`) say nothing of the heights of ink.
    """
    if crossed is not None and not crossed.all():
        heights = np.where(crossed, np.interp(np.arange(heights.size), np.flatnonzero(~crossed), heights[~crossed]), heights)
    at = np.arange(heights.size, dtype=float)
    top = heights.max(initial=0.0)
    if top < 3 or heights.size < 4:
        return None
    peak = float(at[heights >= top - 0.5].mean())
    sides = []
    for side in (at <= peak, at >= peak):
        use = side & (heights > 0.12 * top) & (heights < 0.92 * top)
        if use.sum() < 2:
            use = side & (heights > 0)
        if use.sum() < 2 or np.ptp(heights[use]) == 0:
            return None
        sides.append(np.polyfit(at[use], heights[use], 1))
    (rise, a), (fall, b) = sides
    if rise <= 0 or fall >= 0:
        return None
    return float(-a / rise), float((b - a) / (rise - fall)), float(-b / fall)


def _common(mask: Mask, corners: tuple[float, float, float]) -> float:
    """Shared pixels of a mask and the diamond of these corners, by all pixels of both."""
    rows = np.flatnonzero(mask.any(axis=1))
    lo, peak, hi = corners
    middle = float(rows[[0, -1]].mean())
    points = np.array([(lo, middle), (peak, rows[0] - 0.5), (hi, middle), (peak, rows[-1] + 0.5)])
    ideal: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(ideal, [np.round(points * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    return float((mask & (ideal > 0)).sum() / (mask | (ideal > 0)).sum())


def _largest(mask: Mask) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    return np.asarray(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()), dtype=np.bool_)


# Marks on intervals


def _marked(piece: Piece, region: Box, cap: float, height: float) -> DrawnRow | None:
    """The row of a piece that is a mark on a level line; None where it has no mark. `cap` is the usual width of the plot's caps."""
    heights = piece.filled.sum(axis=0)
    thin = _thickness(heights)
    groups = _thick(heights, thin)
    arrows = [g for g in groups if _is_arrow(heights, g, thin, cap)]
    ends = [g for g in groups if _is_cap(heights, g) or g in arrows]
    inner = [g for g in groups if g not in ends or (len(groups) == 1 and g not in arrows and g[1] - g[0] > thin + 1)]
    marks = [g for g in inner if _is_mark(heights, g, thin) and (g[1] - g[0] > 0.4 * height or _is_fine_mark(piece, g, height))]
    if not marks:
        return None
    mark = max(marks, key=lambda g: float(heights[g[0] : g[1] + 1].sum()))
    band = _band(piece, thin, mark)
    left, right = next((g for g in ends if g[1] < mark[0]), None), next((g for g in ends if g[0] > mark[1]), None)
    lo, low_flags = _end(piece, band, mark, left, region, way=-1, clipped=left in arrows)
    hi, high_flags = _end(piece, band, mark, right, region, way=1, clipped=right in arrows)
    flags = tuple(dict.fromkeys((*low_flags, *high_flags)))
    size = float(heights[mark[0] : mark[1] + 1].max())
    return DrawnRow(piece.y0 + sum(band) / 2, Place(_middle(piece, mark, band), U_MARK), lo, hi, size=size, flags=flags)


def _bare(piece: Piece, sizes: Sequence[float]) -> DrawnRow | None:
    """The row of a piece that is a mark as the others are, without a line: it covers its interval, whose ends cannot be seen."""
    if not sizes or piece.filled.mean() < SOLID:
        return None
    is_alike = min(sizes) / 2 <= min(piece.width, piece.height) and max(piece.width, piece.height) <= 2 * max(sizes)
    heights = piece.filled.sum(axis=0)
    third = max(1, piece.width // 3)
    is_even = 0.75 < heights[:third].mean() / heights[-third:].mean() < 1.33  # the head of an arrow is not
    if not is_alike or not is_even or max(piece.width, piece.height) > 1.5 * min(piece.width, piece.height):
        return None
    x = piece.x0 + (piece.width - 1) / 2
    return DrawnRow(piece.y, Place(x, U_MARK), None, None, size=float(piece.height), flags=("error_bar_hidden",))


def _thickness(heights: NDArray[np.int64]) -> float:
    """Thickness of the line: the usual one among its thinner columns."""
    least = float(np.quantile(heights, 0.15))
    return float(np.median(heights[heights <= 1.5 * least + 1]))


def _groups(which: Mask) -> list[tuple[int, int]]:
    """First and last index of each run."""
    at = np.flatnonzero(which)
    runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if at.size else []
    return [(int(run[0]), int(run[-1])) for run in runs]


def _is_at_end(group: tuple[int, int], size: int) -> bool:
    return group[0] <= 2 or group[1] >= size - 3


def _is_cap(heights: NDArray[np.int64], group: tuple[int, int]) -> bool:
    """Whether a thick part may be the cap of a line: at its end, and not longer along it than it is high."""
    width = group[1] - group[0] + 1
    return _is_at_end(group, heights.size) and width <= max(4, int(heights[group[0] : group[1] + 1].max()))


def _is_mark(heights: NDArray[np.int64], group: tuple[int, int], thin: float) -> bool:
    """Whether a thick part may be a mark: about as wide as high."""
    width, tall = group[1] - group[0] + 1, int(heights[group[0] : group[1] + 1].max())
    return width >= 2 and tall >= 3 and tall / SQUARE <= width <= SQUARE * tall


def _is_fine_mark(piece: Piece, group: tuple[int, int], height: float) -> bool:
    """Whether a small bump may be a mark: no scrap of a reference line, and on a long line where it is no more than two pixels wide."""
    is_scrap = piece.crossed[group[0] + PAD : group[1] + PAD + 1].mean() > 0.5
    return not is_scrap and (group[1] > group[0] + 1 or piece.width > 1.5 * height)


def _thick(heights: NDArray[np.int64], thin: float) -> list[tuple[int, int]]:
    """The parts of a line that are clearly thicker than it."""
    return _groups(heights > thin + max(1.0, 0.5 * thin))


def _cap_width(pieces: Sequence[Piece]) -> float:
    """The usual width of the caps at the ends of lines, px; 0 where they have none."""
    sizes = [p.filled.sum(axis=0) for p in pieces]
    parts = [(heights.size, _thick(heights, _thickness(heights))) for heights in sizes]
    marked = [(size, groups) for size, groups in parts if len(groups) > 1]
    widths = [g[1] - g[0] + 1 for size, groups in marked for g in groups if _is_at_end(g, size)]
    return float(np.median(widths)) if len(widths) > max(2, len(marked)) else 0.0


def _is_arrow(heights: NDArray[np.int64], group: tuple[int, int], thin: float, cap: float) -> bool:
    """Whether a thick part is the head of an arrow: it narrows steadily to the line's end, and is wider than a cap."""
    from_left, from_right = group[0], heights.size - 1 - group[1]
    width = group[1] - group[0] + 1
    if min(from_left, from_right) > max(2.0, 0.8 * width) or width < ARROW * cap:
        return False
    part = heights[group[0] : group[1] + 1].astype(float)
    near = max(2.0, 0.8 * width)
    return (from_right <= near and _narrows(part, thin)) or (from_left <= near and _narrows(part[::-1], thin))


def _narrows(outward: Floats, thin: float) -> bool:
    """Whether heights fall steadily outwards, from near the beginning to about those of the line."""
    peak = int(outward.argmax())
    tail = outward[peak:]
    third = max(1, tail.size // 3)
    narrows = bool((np.diff(tail) <= 0.5).all()) and tail[-third:].mean() < thin + 0.5 * (outward.max() - thin)
    return narrows and tail.size >= max(3.0, 0.4 * outward.max()) and peak < 0.4 * outward.size


def _band(piece: Piece, thin: float, mark: tuple[int, int]) -> tuple[float, float]:
    """First and last row of the line, within the piece."""
    outside = np.ones(piece.width, dtype=bool)
    outside[mark[0] : mark[1] + 1] = False
    rows = piece.filled[:, outside].sum(axis=1) if outside.any() else piece.filled.sum(axis=1)
    full = np.flatnonzero(rows >= 0.5 * rows.max(initial=1))
    middle = float(full.mean())
    return middle - (thin - 1) / 2, middle + (thin - 1) / 2


def _off_band(piece: Piece, band: tuple[float, float]) -> Floats:
    """Ink of each column (with margin) above and below the line."""
    rows = np.arange(piece.strength.shape[0]) - PAD
    away = (rows < band[0] - 1.2) | (rows > band[1] + 1.2)
    return np.asarray(piece.strength[away].sum(axis=0))


def _middle(piece: Piece, mark: tuple[int, int], band: tuple[float, float]) -> float:
    """Middle of a mark: midway between where its ink rises to half and falls to half."""
    ink = _off_band(piece, band)
    part = ink[mark[0] : mark[1] + 1 + 2 * PAD]
    level = float(np.quantile(part, 0.7))
    if level < 0.5:  # hardly higher than its line
        return piece.x0 + (mark[0] + mark[1]) / 2
    centre = part.size // 2
    left, right = _crossing(part[: centre + 1][::-1], level / 2), _crossing(part[centre:], level / 2)
    return piece.x0 + mark[0] - PAD + centre + (right - left) / 2


def _crossing(profile: Floats, level: float) -> float:
    """How far from its beginning a profile falls below a level for good."""
    above = np.flatnonzero(profile >= level)
    if not above.size or above[-1] + 1 >= profile.size:
        return float(profile.size - 1)
    k = int(above[-1])
    return k + float((profile[k] - level) / max(1e-9, profile[k] - profile[k + 1]))


def _end(
    piece: Piece, band: tuple[float, float], mark: tuple[int, int], tip: tuple[int, int] | None, region: Box, *, way: int, clipped: bool
) -> tuple[Place | None, tuple[str, ...]]:
    """One end of the interval: the middle of its cap, else where its line stops; None where an arrow or nothing stands there."""
    reach = mark[0] if way < 0 else piece.width - 1 - mark[1]
    if reach < 2:
        return None, ("error_bar_hidden",)
    if clipped:
        return None, ("clipped",)
    edge = piece.x0 if way < 0 else piece.x0 + piece.width - 1
    flags = ("clipped",) if abs(edge - (region[0] if way < 0 else region[2])) <= 1 else ()
    if tip is not None:
        ink = _off_band(piece, band)
        columns = np.arange(max(0, tip[0] + PAD - 1), min(ink.size, tip[1] + PAD + 2))
        weight = ink[columns]
        free = np.where(piece.crossed[columns], 0.0, weight)  # beside a reference line the cap alone counts
        weight = free if free.sum() > 0.3 * weight.sum() else weight
        if weight.sum() > 0:
            return Place(piece.x0 - PAD + float((weight * columns).sum() / weight.sum()), U_CAP), flags
    # A round end, as R draws it, reaches half the line's width beyond its value: which it is cannot be told of a thin line.
    return Place(_line_end(piece, band, way), float(np.hypot(U_END, 0.25 * (band[1] - band[0] + 1)))), flags


def _line_end(piece: Piece, band: tuple[float, float], way: int) -> float:
    """Where a line's ink stops: its last column counts by how much of it is covered."""
    rows = np.arange(piece.strength.shape[0]) - PAD
    ink = piece.strength[(rows >= band[0] - 1) & (rows <= band[1] + 1)].sum(axis=0)
    outward = ink if way > 0 else ink[::-1]
    inner = outward[-(PAD + 8) : -(PAD + 2)]
    full = float(np.median(inner)) if inner.size else float(outward.max())
    last = np.clip(outward[-(PAD + 4) :] / max(full, 1e-9), 0, 1)
    end = outward.size - (PAD + 4) - 0.5 + float(last.sum())
    return float(piece.x0 - PAD + (end if way > 0 else outward.size - 1 - end))
