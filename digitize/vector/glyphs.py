"""Markers among paths: small shapes, their names, sizes, colours and anchors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitize.vector.paths import Color, Doubles
from digitize.vector.pieces import Piece

SAME = 0.25  # px within which outlines are one and the same
ROUNDING = 2.2  # px by which the sides of a square differ where a program rounded its corners to a 150th of an inch
RIM = 0.4  # share of a marker's size by which the outer rim of its stroke lies beyond it
RIMS = 0.6  # px between the middles of the inner and the outer rim of a stroke
BULGED = 0.84  # share of its box that a circle covers whose curves' control points stand at two thirds, as Windows metafiles have them

# Where programs anchor a triangle, as a share of its height from its base, by its height over its width: at the centroid (R), at half
# height (matplotlib, Excel), at two fifths (gnuplot).
TRIANGLES = ((3**0.5 / 2, 1 / 3), (1.0, 0.5), (5 / 6, 0.4))


@dataclass(frozen=True)
class Glyph:
    """A marker: its shape, its anchor, its extent (px), its colours (None where there is no fill or stroke), and its order of drawing.

    `base` and `apex` are the y of a triangle's base and tip; `more` is how many more of its look lie on the same place.
    """

    shape: str
    x: float
    y: float
    width: float
    height: float
    fill: Color | None
    stroke: Color | None
    order: int
    base: float = 0.0
    apex: float = 0.0
    more: int = 0

    def anchored(self, share: float) -> Glyph:
        """A triangle whose anchor lies at this share of the way from its base to its tip."""
        return replace(self, y=self.base + share * (self.apex - self.base))


def find_glyphs(pieces: Sequence[Piece], largest: float) -> list[Glyph]:
    """Every marker shape no larger than `largest` px, in the order of drawing; a fill and its outline are one marker."""
    found: list[Glyph] = []
    counts: dict[int, int] = {}
    for piece in pieces:
        counts[piece.path.order] = counts.get(piece.path.order, 0) + 1
    outline = -1
    for piece in pieces:
        if max(piece.width, piece.height) > largest or max(piece.width, piece.height) < 1.5 or piece.path.order == outline:
            continue
        if found and counts[piece.path.order] == 2 and _is_outline(found[-1], piece):
            found[-1] = replace(found[-1], stroke=piece.path.fill)
            outline = piece.path.order
            continue
        glyph = _closed_glyph(piece) if counts[piece.path.order] <= 60 else None
        if glyph is None:
            continue
        if found and _is_ring(found[-1], glyph):
            outer = max(found[-1], glyph, key=lambda g: g.width)
            found[-1] = replace(outer, fill=None, stroke=outer.stroke or outer.fill)
        elif found and _is_same(found[-1], glyph):
            last = found[-1]
            found[-1] = replace(last, fill=last.fill or glyph.fill, stroke=glyph.stroke or last.stroke)
        else:
            found.append(glyph)
    found += _crosses([p for p in pieces if not p.closed and len(p.points) == 2 and max(p.width, p.height) <= largest])
    return sorted(found, key=lambda g: g.order)


def _is_same(a: Glyph, b: Glyph) -> bool:
    # A fill and an outline of one colour, drawn one after the other, are one marker also where a program rounded each by itself.
    is_pair = b.order - a.order <= 1 and (a.fill or a.stroke) == (b.fill or b.stroke)
    apart = max(abs(a.x - b.x), abs(a.y - b.y), abs(a.width - b.width), abs(a.height - b.height))
    return a.shape == b.shape and apart < (ROUNDING / 2 if is_pair else SAME) and (a.fill is None) != (b.fill is None)


def _is_ring(a: Glyph, b: Glyph) -> bool:
    """Whether two outlines of one path are the rims of one stroke that was drawn as an area."""
    return a.order == b.order and a.shape == b.shape and a.fill == b.fill and max(abs(a.x - b.x), abs(a.y - b.y)) < RIMS


def _is_outline(glyph: Glyph, piece: Piece) -> bool:
    """Whether an outline is the outer rim of a stroke that was drawn as an area around the marker right before it."""
    if glyph.stroke is not None or piece.path.stroke is not None or piece.path.fill is None or piece.path.order != glyph.order + 1:
        return False
    x0, y0, x1, y1 = piece.box
    left, right = glyph.x - glyph.width / 2, glyph.x + glyph.width / 2
    top = min(glyph.base, glyph.apex) if glyph.base != glyph.apex else glyph.y - glyph.height / 2
    beyond = left - x0, x1 - right, top - y0, y1 - (top + glyph.height)
    return min(beyond) > 0 and max(beyond) < RIM * max(glyph.width, glyph.height)


def _closed_glyph(piece: Piece) -> Glyph | None:
    if not piece.closed and piece.path.fill is None:
        return None
    x0, y0, x1, y1 = piece.box
    w, h = x1 - x0, y1 - y0
    if min(w, h) < 0.4 * max(w, h) or len(piece.points) < 3:
        return None
    points = piece.points if piece.curved else _without_straight_corners(piece)
    shape = _shape(points, w, h, curved=piece.curved)
    if shape is None:
        return None
    path = piece.path
    glyph = Glyph(shape, (x0 + x1) / 2, (y0 + y1) / 2, w, h, path.fill, path.stroke, path.order)
    if shape not in ("triangle", "triangle-down"):
        return glyph
    glyph = replace(glyph, base=y1, apex=y0) if shape == "triangle" else replace(glyph, base=y0, apex=y1)
    return glyph.anchored(usual_anchor(h / w))


def usual_anchor(ratio: float) -> float:
    """Where the anchor of a triangle lies from its base, as a share of its height, by its height over its width."""
    nearest = min(TRIANGLES, key=lambda t: abs(t[0] - ratio))
    return nearest[1] if abs(nearest[0] - ratio) < 0.03 else 1 / 3


def _without_straight_corners(piece: Piece) -> Doubles:
    points = piece.points
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turn = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
    kept = points[turn > 0.02 * np.hypot(*before.T) * np.hypot(*after.T)]
    return kept if len(kept) >= 3 else points


def _shape(points: Doubles, w: float, h: float, *, curved: bool) -> str | None:
    """Name of an outline by its corners and by the share of its box that it covers."""
    x, y = points[:, 0], points[:, 1]
    share = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2 / (w * h)
    is_even = abs(w - h) < 0.12 * max(w, h)
    is_rounded = min(w, h) > 4 * ROUNDING and abs(w - h) < ROUNDING
    if len(points) == 3 and abs(share - 0.5) < 0.03:
        return _triangle(points)
    if len(points) == 4 and share > 0.97 and (is_even or is_rounded):
        return "square"
    if len(points) == 4 and abs(share - 0.5) < 0.03:
        on_axes = all(min(abs(px - (x.min() + w / 2)) / w, abs(py - (y.min() + h / 2)) / h) < 0.05 for px, py in points.tolist())
        return "diamond" if on_axes else None
    # A circle of straight or of curved steps covers pi / 4 of its box, a little less where its steps are few; some programs bulge it.
    if (curved or len(points) >= 8) and 0.70 < share < (BULGED if curved else 0.80) and is_even:
        radii = np.hypot((x - x.min() - w / 2) / w, (y - y.min() - h / 2) / h)
        return "circle" if radii.min() > 0.46 and radii.max() < 0.54 else None
    return None


def _triangle(points: Doubles) -> str | None:
    """Upright triangles of two equal sides by where their tip points; others are arrows."""
    ys = np.sort(points[:, 1])
    tip = points[points[:, 1].argmin()] if ys[1] - ys[0] > ys[2] - ys[1] else points[points[:, 1].argmax()]
    others = points[(points != tip).any(axis=1)]
    height = ys[2] - ys[0]
    if len(others) != 2 or abs(others[0, 1] - others[1, 1]) > 0.03 * height or abs(others[:, 0].mean() - tip[0]) > 0.03 * height:
        return None
    return "triangle" if tip[1] < others[0, 1] else "triangle-down"


def _crosses(strokes: Sequence[Piece]) -> list[Glyph]:
    """Crosses and pluses: two strokes of one length, drawn one after the other, that halve each other."""
    found: list[Glyph] = []
    k = 0
    while k + 1 < len(strokes):
        a, b = strokes[k], strokes[k + 1]
        shape = _cross(a, b)
        if shape is None:
            k += 1
            continue
        x0, y0, x1, y1 = (min(a.box[0], b.box[0]), min(a.box[1], b.box[1]), max(a.box[2], b.box[2]), max(a.box[3], b.box[3]))
        found.append(Glyph(shape, (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, None, a.path.stroke or a.path.fill, a.path.order))
        k += 2
    return found


def _cross(a: Piece, b: Piece) -> str | None:
    # A line that is filled and not stroked still shows, as thin as can be.
    if (a.path.stroke, a.path.fill) != (b.path.stroke, b.path.fill) or b.path.order - a.path.order > 1:
        return None
    u, v = a.points[1] - a.points[0], b.points[1] - b.points[0]
    lengths = np.hypot(*u), np.hypot(*v)
    if min(lengths) < 3 or max(lengths) > 1.05 * min(lengths) or np.abs(a.points.mean(axis=0) - b.points.mean(axis=0)).max() > SAME:
        return None
    if abs(float(u @ v)) > 0.05 * lengths[0] * lengths[1]:
        return None
    return "plus" if np.abs(u).min() < 0.05 * lengths[0] else "cross"
