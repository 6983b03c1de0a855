"""The parts of a figure on a page, each in the pixels that it is best read in: pictures in their own, all else in the page's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration import PixelTransform
from digitize.page import Page, Picture
from digitize.prose import Block, hull
from digitize.regions import FLAT, LEAST_SIDE, WHITE, Region, clipped, cut, holds, moved, without_prose
from digitize.vector.paths import Box, Drawing

TOUCHES = 4.0  # px of the page: pictures no further apart may be strips of one
BESIDE = 6.0  # px of the page beyond a picture's edge in which the frame around it is drawn


@dataclass(frozen=True)
class Part:
    """Pixels (h, w, 3) uint8 RGB, what is drawn there in these pixels, and the way from them to pixels of the page."""

    image: NDArray[np.uint8]
    drawing: Drawing
    to_page: PixelTransform


def parts_of(page: Page, region: Region, prose: Sequence[Block]) -> tuple[Part, ...]:
    """The parts of a region of a page.

    A region that shows pictures and nothing else that is drawn is as many parts, read where the pictures keep their own pixels: rendered
    at any other resolution their edges would blur. Pictures that touch may be strips of one; they are read as the page shows them, as are
    those that are turned or mirrored.
    """
    pictures = _own(page, region)
    if not pictures:
        image, drawing = cut(page, region, prose)
        return (Part(image, drawing, PixelTransform.translation(*region.box[:2])),)
    boxes = [box_on_page(p) for p in pictures]
    return tuple(_part(page, p, _room(k, boxes, page, region), prose) for k, p in enumerate(pictures))


def box_on_page(picture: Picture) -> Box:
    """Where the picture lies, in px of the page."""
    x0, y0, x1, y1 = picture.box
    (a, b), (c, d) = _to_page(picture).apply([(x0 - 0.5, y0 - 0.5), (x1 + 0.5, y1 + 0.5)])
    return float(a), float(b), float(c), float(d)


def _to_page(picture: Picture) -> PixelTransform:
    left, top, x_scale, y_scale = picture.place
    return PixelTransform(1 / x_scale, 0.0, left, 0.0, 1 / y_scale, top)


def _own(page: Page, region: Region) -> list[Picture]:
    """The pictures that a region consists of, top to bottom and left to right; none where more is drawn, or they touch one another."""
    x0, y0, x1, y1 = region.box
    inside = [p for p in page.pictures if holds((x0, y0, x1, y1), box_on_page(p))]
    outer = [p for p in inside if not any(p is not q and holds(box_on_page(q), box_on_page(p)) for q in inside)]
    boxes = [box_on_page(p) for p in outer]
    if any(_gap(a, b) < TOUCHES for k, a in enumerate(boxes) for b in boxes[:k]):
        return []
    shown = [b for b in page.drawing.images if _is_seen(b, region) and min(b[2] - b[0], b[3] - b[1]) >= LEAST_SIDE / 4]
    shown += [
        clipped(p)
        for p in page.drawing.paths
        if (p.stroke is not None or p.fill is None or min(p.fill[:3]) < WHITE) and _is_seen(clipped(p), region)
    ]
    around = hull(boxes) if boxes else (0.0, 0.0, 0.0, 0.0)
    if not all(_is_rule(b) or holds(b, around) or any(holds(each, b, BESIDE) for each in boxes) for b in shown):
        return []
    return sorted(outer, key=lambda p: (round(box_on_page(p)[1] / 50), box_on_page(p)[0]))


def _is_seen(box: Box, region: Region) -> bool:
    x0, y0, x1, y1 = region.box
    return box[0] <= x1 and box[2] >= x0 and box[1] <= y1 and box[3] >= y0


def _is_rule(box: Box) -> bool:
    return min(box[2] - box[0], box[3] - box[1]) < FLAT


def _gap(a: Box, b: Box) -> float:
    """How far apart two boxes are along the axis on which they are further apart; below 0 where they overlap."""
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])


def _room(number: int, boxes: Sequence[Box], page: Page, region: Region) -> Region:
    """The part of a region around one of its pictures, half-way to each other one."""
    own = boxes[number]
    x0, y0, x1, y1 = (float(v) for v in region.box)
    for other in (b for k, b in enumerate(boxes) if k != number):
        gap = _gap(own, other)
        if gap == other[0] - own[2]:
            x1 = min(x1, (own[2] + other[0]) / 2)
        elif gap == own[0] - other[2]:
            x0 = max(x0, (own[0] + other[2]) / 2)
        elif gap == other[1] - own[3]:
            y1 = min(y1, (own[3] + other[1]) / 2)
        else:
            y0 = max(y0, (own[1] + other[3]) / 2)
    return replace(region, box=(int(x0), int(y0), int(x1), int(y1)))


def _part(page: Page, picture: Picture, region: Region, prose: Sequence[Block]) -> Part:
    """What a region shows in the pixels of a picture."""
    to_picture = ~_to_page(picture)
    height, width = picture.image.shape[:2]
    x0, y0, x1, y1 = region.box
    corners = to_picture.apply([(x0 - 0.5, y0 - 0.5), (x1 + 0.5, y1 + 0.5)])
    a, b = (max(0, round(float(v) + 0.5)) for v in corners[0])
    c, d = (min(most, round(float(v) + 0.5)) for v, most in zip(corners[1], (width, height), strict=True))
    own = PixelTransform.translation(-a, -b) @ to_picture
    image = without_prose(picture.image[b:d, a:c], [_mapped(row.box, own) for block in prose for row in block.rows])
    return Part(image, _drawn_in(moved(page.drawing, region.box, prose), own @ PixelTransform.translation(x0, y0)), ~own)


def _mapped(box: Box, by: PixelTransform) -> Box:
    (a, b), (c, d) = by.apply([(box[0], box[1]), (box[2], box[3])])
    return float(a), float(b), float(c), float(d)


def _drawn_in(drawing: Drawing, by: PixelTransform) -> Drawing:
    """A drawing in other pixels; the map stretches and shifts it."""
    scale = float(np.sqrt(by.a * by.e))
    paths = tuple(
        replace(
            p,
            points=by.apply(p.points),
            width=p.width * scale,
            dashes=tuple(v * scale for v in p.dashes),
            clip=_mapped(p.clip, by) if p.clip is not None else None,
        )
        for p in drawing.paths
    )
    texts = tuple(replace(t, box=_mapped(t.box, by), size=t.size * scale) for t in drawing.texts)
    return Drawing(paths, tuple(_mapped(b, by) for b in drawing.images), texts, drawing.missing)
