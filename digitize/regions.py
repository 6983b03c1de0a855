"""Which parts of a page of a paper are figures: what is drawn there, away from the running text, with its caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.page import Page
from digitize.prose import Block, find_blocks, hull
from digitize.vector.paths import Box, Drawing, VectorPath
from digitize.vector.pieces import near

CELL = 8  # px of the page that one cell of the coarse map of what is drawn stands for
JOINS = 1.0  # text sizes over which what is drawn belongs together
LEAST_SIDE = 200.0  # px, 17 mm at 300 dpi: nothing smaller is a figure
WHOLE_PAGE = 0.5  # share of the page from which something drawn is its ground, or a scan of it
CLOSE = 8.0  # text sizes from a figure to its caption by which papers with captions above and below figures are told apart
FLAT = 6.0  # px: a rule of a table is no higher
FRAME = 24.0  # px from the edges of a part of the page within which the lines of a frame and its rounded corners lie
WHITE = 250

_Part = tuple[Box, list[Box]]
"""The box of a part of the page, with the texts beside what is drawn, and what is drawn in it."""


@dataclass(frozen=True)
class Region:
    """A part of a page that may hold plots.

    Attributes
    ----------
    box
        (x0, y0, x1, y1) in whole px, the last column and row included.
    caption
        The block of text that names it, where one was found.
    skipped
        Why it is no figure; empty where it may be one.
    """

    box: tuple[int, int, int, int]
    caption: Block | None = None
    skipped: str = ""


@dataclass(frozen=True)
class Layout:
    """The figures of a page and its running text; a page without running text is one figure."""

    regions: tuple[Region, ...]
    prose: tuple[Block, ...] = ()


def find_regions(page: Page) -> Layout:
    """The figures on a page, top to bottom and left to right.

    A page without running text of its own (an image, a scan, a figure saved as PDF) is one region.
    """
    height, width = page.image.shape[:2]
    whole = Layout((Region((0, 0, width - 1, height - 1)),))
    drawn = [b for b in _drawn(page.drawing) if _area(b) < WHOLE_PAGE * width * height]
    if len(drawn) < len(page.drawing.images) and any(_area(b) >= WHOLE_PAGE * width * height for b in page.drawing.images):
        return whole
    blocks = find_blocks(page.drawing.texts)
    prose = tuple(b for b in blocks if (b.label or b.is_paragraph) and not _is_within_a_figure(b, drawn))
    if not any(b.is_paragraph for b in prose):
        is_text = bool(page.drawing.texts) and not page.drawing.images and all(b[3] - b[1] < FLAT for b in drawn)
        return Layout((), prose) if is_text else whole
    kept = [b for b in drawn if not any(holds(b, p.box) for p in prose)]
    size = float(np.median([b.size for b in prose]))
    others = [s.box for s in page.drawing.texts if not any(holds(p.box, s.box) for p in prose)]
    parts = _together(kept, others, prose, (height, width), size)
    kept = [b for _, own in parts for b in _without_frame(own, prose)]
    parts = _together(kept, others, prose, (height, width), size)
    regions = [_region(p, c, (height, width), size) for p, c in _captioned(parts, prose, size)]
    return Layout(tuple(sorted(regions, key=lambda r: (round(r.box[1] / 50), r.box[0]))), prose)


def _drawn(drawing: Drawing) -> list[Box]:
    """What shows of every path and image."""
    boxes = [clipped(p) for p in drawing.paths if p.stroke is not None or p.fill is None or min(p.fill[:3]) < WHITE]
    return [b for b in [*boxes, *drawing.images] if b[2] >= b[0] and b[3] >= b[1]]


def clipped(path: VectorPath) -> Box:
    """What of a path's box its clip leaves."""
    a, c = path.box, path.clip or path.box
    return max(a[0], c[0]), max(a[1], c[1]), min(a[2], c[2]), min(a[3], c[3])


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def holds(outer: Box, inner: Box, slack: float = 3.0) -> bool:
    """Whether one box lies within another, but for a few px."""
    return outer[0] <= inner[0] + slack and outer[1] <= inner[1] + slack and outer[2] >= inner[2] - slack and outer[3] >= inner[3] - slack


def _is_within_a_figure(block: Block, drawn: Sequence[Box]) -> bool:
    """Whether text that is no caption stands among what is drawn, or in a frame with more in it: then it belongs to a figure."""
    if block.label:
        return False
    over = [b for b in drawn if near(b, block.box)]
    # Rules above and below and the underline of a link are no drawing.
    if any(not holds(b, block.box) and b[3] - b[1] > FLAT and b[2] - b[0] > FLAT for b in over):
        return True
    frames = [b for b in over if holds(b, block.box)]
    return any(sum(holds(f, b) and not holds(b, block.box) for b in drawn) > 3 for f in frames)


def _together(drawn: Sequence[Box], texts: Sequence[Box], prose: Sequence[Block], shape: tuple[int, int], size: float) -> list[_Part]:
    """What is drawn, and the texts beside it, as parts of the page: the box of each and what is drawn in it. Running text parts them."""
    cells = np.zeros((shape[0] // CELL + 1, shape[1] // CELL + 1), dtype=np.uint8)
    for box in [*drawn, *texts]:
        _fill(cells, box, 1)
    reach = max(1, round(JOINS * size / CELL / 2))
    cells = np.asarray(cv2.dilate(cells, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)), dtype=np.uint8)
    for block in prose:
        for row in block.rows:
            _fill(cells, row.box, 0)
    _, labels = cv2.connectedComponents(cells)
    parts: dict[int, tuple[list[Box], list[Box]]] = {}
    for k, box in enumerate([*drawn, *texts]):
        label = int(labels[_cell((box[1] + box[3]) / 2, labels.shape[0]), _cell((box[0] + box[2]) / 2, labels.shape[1])])
        both = parts.setdefault(label, ([], []))
        both[k >= len(drawn)].append(box)
    return [(hull([*own, *beside]), own) for own, beside in parts.values() if own]


def _without_frame(drawn: Sequence[Box], prose: Sequence[Block]) -> list[Box]:
    """What is drawn in a part of the page without the lines around it, where they frame running text as well."""
    x0, y0, x1, y1 = hull(drawn)
    if not any(holds((x0, y0, x1, y1), block.box) for block in prose):
        return list(drawn)
    return [b for b in drawn if not (b[2] < x0 + FRAME or b[0] > x1 - FRAME or b[3] < y0 + FRAME or b[1] > y1 - FRAME)]


def _cell(px: float, count: int) -> int:
    return min(max(int(px) // CELL, 0), count - 1)


def _fill(cells: NDArray[np.uint8], box: Box, value: int) -> None:
    h, w = cells.shape
    cells[_cell(box[1], h) : _cell(box[3], h) + 1, _cell(box[0], w) : _cell(box[2], w) + 1] = value


def _captioned(parts: Sequence[_Part], prose: Sequence[Block], size: float) -> list[tuple[list[_Part], Block | None]]:
    """The parts of one caption together, each other part on its own."""
    captions = [b for b in prose if b.label]
    # Papers print captions below their figures, or all above them.
    below = sum(any(_reaches(p, c, prose) and 0 <= c.box[1] - p[0][3] < CLOSE * size for p in parts) for c in captions)
    above = sum(any(_reaches(p, c, prose) and 0 <= p[0][1] - c.box[3] < CLOSE * size for p in parts) for c in captions)
    groups: dict[int, tuple[list[_Part], Block | None]] = {}
    for k, part in enumerate(parts):
        caption = _caption_of(part, captions, prose, is_below=below >= above)
        key = -1 - k if caption is None else prose.index(caption)
        groups.setdefault(key, ([], caption))[0].append(part)
    return list(groups.values())


def _caption_of(part: _Part, captions: Sequence[Block], prose: Sequence[Block], *, is_below: bool) -> Block | None:
    """The nearest caption on the side where the page has them, else on any side, with no other running text between."""
    box = part[0]
    seen = [c for c in captions if _reaches(part, c, prose)]
    usual = [c for c in seen if (c.box[1] + c.box[3] > box[1] + box[3]) == is_below and _gap_across(box, c.box) < 0]
    return min(usual or seen, key=lambda c: _gap(box, c.box), default=None)


def _reaches(part: _Part, caption: Block, prose: Sequence[Block]) -> bool:
    """Whether a caption stands above, below or beside a part of the page, with nothing else to read between them."""
    box = part[0]
    return np.isfinite(_gap(box, caption.box)) and not any(b is not caption and _is_between(b.box, box, caption.box) for b in prose)


def _gap_across(a: Box, b: Box) -> float:
    """Distance of two boxes along x; below 0 where one stands above the other."""
    return max(a[0] - b[2], b[0] - a[2])


def _gap(a: Box, b: Box) -> float:
    """Distance of two boxes, one above the other or side by side; infinite where they stand corner to corner."""
    dx, dy = max(a[0] - b[2], b[0] - a[2]), max(a[1] - b[3], b[1] - a[3])
    if dx > 0 and dy > 0:
        return float("inf")
    return max(dx, dy, 0.0)


def _is_between(block: Box, a: Box, b: Box) -> bool:
    around = hull([a, b])
    inside = near(block, around) and _area_shared(block, around) > 0.5 * _area(block)
    return inside and not near(block, a) and not near(block, b)


def _area_shared(a: Box, b: Box) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _region(parts: Sequence[_Part], caption: Block | None, shape: tuple[int, int], size: float) -> Region:
    x0, y0, x1, y1 = hull([box for box, _ in parts])
    own = [b for _, boxes in parts for b in boxes]
    pad = 0.5 * size
    box = (max(0, int(x0 - pad)), max(0, int(y0 - pad)), min(shape[1] - 1, int(x1 + pad)), min(shape[0] - 1, int(y1 + pad)))
    around = hull(own)
    skipped = ""
    if all(b[3] - b[1] < FLAT for b in own):
        skipped = "rules of a table or of the text"
    elif min(around[2] - around[0], around[3] - around[1]) < LEAST_SIDE:
        skipped = "too small for a plot"
    return Region(box, caption, skipped)


def cut(page: Page, region: Region, prose: Sequence[Block]) -> tuple[NDArray[np.uint8], Drawing]:
    """The pixels of a region without the running text that reaches into it, and what is drawn there, in pixels of the region."""
    x0, y0, x1, y1 = region.box
    rows = [row.box for block in prose for row in block.rows if near(row.box, region.box)]
    image = without_prose(page.image[y0 : y1 + 1, x0 : x1 + 1], [(a - x0, b - y0, c - x0, d - y0) for a, b, c, d in rows])
    return image, moved(page.drawing, region.box, prose)


def without_prose(image: NDArray[np.uint8], rows: Sequence[Box]) -> NDArray[np.uint8]:
    """A copy of an image (h, w, 3) in which rows of running text are painted over with their ground."""
    image = image.copy()
    for row in rows:
        a, b, c, d = round(row[0]) - 3, round(row[1]) - 3, round(row[2]) + 4, round(row[3]) + 4
        patch = image[max(0, b) : max(0, d), max(0, a) : max(0, c)]
        if patch.size:
            patch[:] = np.median(patch.reshape(-1, 3), axis=0)
    return image


def _is_within(drawn: Box, box: tuple[int, int, int, int]) -> bool:
    """Whether something drawn belongs to a region: what reaches beyond it frames the caption as well, unless it lies under all of it."""
    return holds((box[0], box[1], box[2], box[3]), drawn) or holds(drawn, (box[0], box[1], box[2], box[3]))


def moved(drawing: Drawing, box: tuple[int, int, int, int], prose: Sequence[Block]) -> Drawing:
    """What is drawn in a box of the page but running text, in px from its corner."""
    x0, y0 = box[:2]

    def shifted(b: Box) -> Box:
        return b[0] - x0, b[1] - y0, b[2] - x0, b[3] - y0

    paths = tuple(
        replace(p, points=p.points - (x0, y0), clip=shifted(p.clip) if p.clip is not None else None)
        for p in drawing.paths
        if near(p.box, box) and _is_within(clipped(p), box)
    )
    texts = tuple(replace(t, box=shifted(t.box)) for t in drawing.texts if near(t.box, box) and not any(holds(b.box, t.box) for b in prose))
    return Drawing(paths, tuple(shifted(b) for b in drawing.images if near(b, box)), texts, drawing.missing)
