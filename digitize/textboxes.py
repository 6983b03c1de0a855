"""Where the text of an image is: connected pieces of ink, sorted by size and gathered into lines, upright or turned by a quarter.

Everything here works on "parts" (connected components of ink). Sizes are compared with the height of the text at hand, never with a
fixed number of pixels, because figures come at 72 dpi with digits of 7 px and at 300 dpi with digits of 40 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from digitize.crowd import crowd, is_stamped, stamps

Image = NDArray[np.uint8]
Boxes = NDArray[np.int64]
"""Boxes, shape (n, 4): first and last pixel of the ink, x0, y0, x1, y1."""
Rotation = Literal[0, 90]

MIN_CONTRAST, MAX_CONTRAST = 26.0, 60.0
EDGE_SHARE = 0.38
FINE_HEIGHT, MAX_FINE_PIXELS = 16, 6_000_000
LITTLE_TEXT, MOST_LONE = 20, 400  # glyphs in even rows below which lone digits are looked for, and among how many parts
MIN_GLYPH, MAX_GLYPH_SHARE = 4, 0.12
MAX_RELATIVE_HEIGHT = 2.6
MARKS_RECUR = 4
LEAST_OF_TEXT = 0.3
LEAST_STAMP = 0.45  # text heights
MOST_IN_TEXT, LEAST_ROWS = 40, 5.0
NUMBER_GAP, TIGHT_NUMBER_GAP, LEAST_CUT, CUT_STANDS_OUT = 0.48, 0.3, 0.25, 1.5
EVENLY, LEAST_GAP = 0.12, 0.05
EVEN_ROW, EVEN_PAIR = 1.9, 1.15
SPECK = 0.12
LONGEST_BASE = 5
NARROW = 0.6  # of the text's height: narrower letters have that much room all the same
LOOSE_SHARE = 0.65
LEAST_TEXT_PX = 4.5
STRAND_ASPECT, STRAND_RUNS, STRAND_FILL = 2.2, 1.2, 0.33
LEAST_GLYPH_RATIO, LEAST_GLYPH_OVERLAP = 0.38, 0.55
LEAST_WORD_RATIO, LEAST_WORD_OVERLAP = 0.5, 0.68
WORD_GAP, PHRASE_GAP, RAISED_GAP = 0.42, 0.85, 0.21
MOST_PAIRS = 1_000_000  # of boxes that are compared at a time


@dataclass(frozen=True)
class Ink:
    """The ink of an image: `labels` (h, w), 0 where there is none, and box and pixel count of the part with each label (0: of a texture).

    All of it on a grid `scale` times as fine as the image, so that the glyphs of a small figure come apart.
    """

    labels: NDArray[np.int32]
    boxes: Boxes
    areas: NDArray[np.int64]
    scale: int
    text_height: float


@dataclass(frozen=True)
class Line:
    """One line of text: the labels of its parts in reading order, its box in the image, and its height across the reading direction.

    `raised` says whether its end stands like an exponent, `sign_in_doubt` whether a dash before it was left out (a tick mark, or a minus
    sign that stands too far off), `alternative` how it is bounded if it reads the other way.
    """

    parts: tuple[int, ...]
    box: tuple[int, int, int, int]
    rotation: Rotation
    height: float
    raised: bool
    sign_in_doubt: bool = False
    alternative: Line | None = None


def find_ink(gray: Image) -> Ink:
    """Pixels that stand out from the median of their surroundings, as connected parts.

    The median follows panels, bands and bars, so text is found on any of them; light ink counts on dark ground only (a white grid on a
    grey panel is no text).
    """
    if np.count_nonzero((gray > 40) & (gray < 215)) < 0.002 * gray.size:
        gray = cv2.GaussianBlur(gray, (0, 0), 0.8).astype(np.uint8)
    ink = _ink_at_scale(gray, 1)
    if ink.text_height < FINE_HEIGHT and gray.size * 4 < MAX_FINE_PIXELS:
        return _ink_at_scale(gray, 2)
    return ink


def _ink_at_scale(gray: Image, scale: int) -> Ink:
    if scale > 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    size = 31 if max(gray.shape) < 1400 else 61
    background = cv2.medianBlur(gray, size).astype(np.int16)
    difference = (background - gray).astype(np.float32)
    noise = 1.4826 * float(np.median(np.abs(gray.astype(np.int16) - cv2.medianBlur(gray, 3))))
    contrast = float(np.clip(6 * noise, MIN_CONTRAST, MAX_CONTRAST))
    nearby = np.ones((6 * scale + 1, 6 * scale + 1), np.uint8)
    dark = (difference > contrast) & (difference > EDGE_SHARE * cv2.dilate(difference, nearby))
    labels, boxes, areas = _components(dark)
    light = (difference < -2 * contrast) & (background < 140)
    if light.any():
        light &= -difference > EDGE_SHARE * cv2.dilate(-difference, nearby)
        more, more_boxes, more_areas = _components(light)
        labels = np.where(more > 0, more + len(areas) - 1, labels).astype(np.int32)
        boxes, areas = np.vstack([boxes, more_boxes[1:]]), np.concatenate([areas, more_areas[1:]])
    areas = np.where(_is_texture(labels, boxes, scale), 0, areas)
    return Ink(labels, boxes, areas, scale, _common_height(boxes, areas, labels.shape, LEAST_TEXT_PX * scale))


def _is_texture(labels: NDArray[np.int32], boxes: Boxes, scale: int) -> NDArray[np.bool_]:
    """Of every label whether its part is one of the many small ones, side by side and one above another, that fill a hatched area."""
    w, h = boxes[:, 2] - boxes[:, 0] + 1, boxes[:, 3] - boxes[:, 1] + 1
    is_small = np.maximum(w, h) <= max(48, MAX_GLYPH_SHARE * min(labels.shape))
    is_small[0] = False
    texture = np.zeros(len(boxes), dtype=bool)
    if np.count_nonzero(is_small) < MOST_IN_TEXT:
        return texture
    # Lines of text stand further apart than this.
    near = cv2.dilate(is_small[labels].astype(np.uint8), np.ones((2 * scale + 1, 2 * scale + 1), np.uint8))
    _, patches, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    own = np.zeros(len(boxes), dtype=np.int64)
    inked = labels > 0
    own[labels[inked]] = patches[inked]
    for patch in np.flatnonzero(np.bincount(own[is_small]) >= MOST_IN_TEXT):
        members = is_small & (own == patch)
        across = stats[patch, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]] / np.array([np.median(w[members]), np.median(h[members])])
        texture |= members & (patch > 0) & bool(across.min() > LEAST_ROWS)
    return texture


def _common_height(boxes: Boxes, areas: NDArray[np.int64], shape: tuple[int, ...], least: float) -> float:
    """Height of most of the text of an image: the median over the glyphs that stand in an even row, upright or turned."""
    heights: list[NDArray[np.float64]] = []
    for frame in (boxes, _reading_frame(boxes, 90, shape[0])):
        seeds = _glyph_seeds(frame, areas, shape)
        for chain in _chains(frame[seeds], WORD_GAP, LEAST_GLYPH_RATIO, LEAST_GLYPH_OVERLAP):
            if len(chain) < 2:
                continue
            row = frame[seeds[chain]]
            h = (row[:, 3] - row[:, 1] + 1).astype(np.float64)
            low, usual, high = np.quantile(h, (0.1, 0.75, 0.9))
            is_even = high < (EVEN_ROW if len(chain) > 2 else EVEN_PAIR) * low
            if is_even and usual >= least and row[:, 2].max() - row[:, 0].min() >= h.max():
                heights.append(np.full(len(chain), usual))
    if sum(map(len, heights)) < LITTLE_TEXT:
        # Without titles the labels may be digits that stand alone, and pieces of error bars in a row outvote them.
        heights.append(_lone_digit_heights(boxes, areas, _glyph_seeds(boxes, areas, shape), least))
    if sum(map(len, heights)):
        return float(np.median(np.concatenate(heights)))
    seeds = _glyph_seeds(boxes, areas, shape)
    return _text_height(boxes[seeds]) if len(seeds) else np.inf


def _lone_digit_heights(boxes: Boxes, areas: NDArray[np.int64], seeds: NDArray[np.int64], least: float) -> NDArray[np.float64]:
    """Heights of the parts that look like digits and stand apart in a column or a row of three or more alike, as tick labels do."""
    x0, y0, x1, y1 = boxes[seeds].T
    w, h = x1 - x0 + 1, y1 - y0 + 1
    like = (h >= least) & (w >= 0.25 * h) & (w <= h) & (areas[seeds] > 0.2 * w * h) & (areas[seeds] < 0.75 * w * h)
    x0, y0, x1, y1, w, h = (v[like] for v in (x0, y0, x1, y1, w, h))
    if not 3 <= len(h) <= MOST_LONE:
        return np.empty(0)
    alike = np.abs(h[:, None] - h) <= 0.12 * h + 1
    across, along = np.abs(x1[:, None] - x1), np.abs(y1[:, None] - y1)
    in_column = alike & (across <= 0.25 * h) & ((along > 1.5 * h) | (along == 0))
    in_row = alike & (along <= 0.15 * h) & ((across > 1.5 * h) | (across == 0))
    is_one = np.maximum(in_column.sum(axis=1), in_row.sum(axis=1)) >= 3
    return np.asarray(h[is_one], dtype=np.float64)


def _components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], Boxes, NDArray[np.int64]]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    x, y, w, h, area = stats.astype(np.int64).T
    return labels.astype(np.int32), np.column_stack([x, y, x + w - 1, y + h - 1]), area


def find_lines(gray: Image, ink: Ink) -> list[Line]:
    """The lines of text of an image, top to bottom and left to right."""
    frames: dict[Rotation, Boxes] = {0: ink.boxes, 90: _reading_frame(ink.boxes, 90, ink.labels.shape[0])}
    chains = _all_chains(ink, frames)
    heights = [_text_height(frames[rotation][chain]) for rotation, chain in chains]
    is_free = _is_small(ink)
    is_loose = is_free.copy()
    for _, chain in chains:
        is_loose[chain] &= len(chain) < 3  # the letters of a word are not to be had as the points and accents of another
    lines: list[Line] = []
    for i in sorted(range(len(chains)), key=lambda i: -heights[i]):
        rotation, chain = chains[i]
        line = _complete_line(ink, frames[rotation], chain[is_free[chain]], is_free & is_loose, heights[i], rotation)
        if line is not None and _is_plausible(ink, line):
            is_free[list(line.parts)] = False
            lines.append(line)
    lines = _with_alternatives(ink, frames, lines, is_free & is_loose)
    lines = [line for line in lines if _stands_free(gray, line)]
    lines = _with_exponents(ink, frames, _without_marks(ink, lines))
    return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def _all_chains(ink: Ink, frames: dict[Rotation, Boxes]) -> list[tuple[Rotation, NDArray[np.int64]]]:
    """Chains of glyphs (labels), each with the direction in which it reads."""
    limit = MAX_RELATIVE_HEIGHT * ink.text_height
    seeds: dict[Rotation, NDArray[np.int64]] = {}
    marks: dict[Rotation, Boxes] = {}
    for rotation, frame in frames.items():
        glyphs = _glyph_seeds(frame, ink.areas, ink.labels.shape, limit)
        is_large = (frame[glyphs, 2:] - frame[glyphs, :2] + 1).max(axis=1) >= LEAST_OF_TEXT * ink.text_height
        seeds[rotation] = _without_strands(ink, frame, glyphs[is_large])
        marks[rotation] = frame[_is_small(ink) & (frame[:, 3] - frame[:, 1] < 0.5 * ink.text_height)]
    upright_size = np.zeros(len(ink.areas), dtype=np.int64)
    for chain in _phrases(frames[0][seeds[0]], marks[0]):
        upright_size[seeds[0][chain]] = len(chain)
    lying = frames[90][seeds[90]]
    least = 0.75 * ink.text_height
    turned = [seeds[90][c] for c in _phrases(lying, marks[90]) if _is_turned(lying[c], upright_size[seeds[90][c]], least)]
    upright = np.setdiff1d(seeds[0], np.concatenate([*turned, seeds[0][:0]]))
    return [(90, chain) for chain in turned] + [(0, upright[chain]) for chain in _phrases(frames[0][upright], marks[0])]


def _with_alternatives(ink: Ink, frames: dict[Rotation, Boxes], lines: list[Line], is_loose: NDArray[np.bool_]) -> list[Line]:
    """The lines; a single part that may be a digit on its side goes with both ways of reading it.

    In a column with turned labels, or with one that has a minus sign below it, it is taken as turned in the first place; in a column with
    others of its shape, as upright.
    """
    turned: dict[int, Line] = {}
    for i, line in enumerate(lines):
        if _is_lying(ink, line):
            part = ink.boxes[line.parts[0]]
            on_side = _complete_line(ink, frames[90], np.asarray(line.parts), is_loose, float(part[2] - part[0] + 1), 90)
            if on_side is not None:
                turned[i] = on_side
    columns = [line.box for line in lines if line.rotation == 90] + [line.box for line in turned.values() if len(line.parts) > 1]
    result = list(lines)
    for i, on_side in turned.items():
        if any(_in_column(lines[i], box) for box in columns):
            result[i] = replace(on_side, alternative=lines[i])
        elif sum(_in_column(lines[i], lines[k].box) for k in turned) > 2:
            result[i] = replace(lines[i], alternative=on_side)
    return result


def _in_column(line: Line, box: tuple[int, int, int, int]) -> bool:
    """Whether a line begins and ends at the same x as a box, as the turned labels of a vertical axis do."""
    tolerance = 0.2 * (line.box[2] - line.box[0] + 1)
    return abs(box[0] - line.box[0]) <= tolerance and abs(box[2] - line.box[2]) <= tolerance


def _is_lying(ink: Ink, line: Line) -> bool:
    """Whether a line is one part that is wider than tall, as a digit on its side is."""
    x0, y0, x1, y1 = ink.boxes[line.parts[0]]
    width, height = x1 - x0 + 1, y1 - y0 + 1
    is_wide = width > 1.15 * height and 0.6 * ink.text_height <= width <= 1.6 * ink.text_height
    return bool(line.rotation == 0 and len(line.parts) == 1 and is_wide)


def _with_exponents(ink: Ink, frames: dict[Rotation, Boxes], lines: list[Line]) -> list[Line]:
    """The lines; one that stands smaller and higher right behind another is its exponent and joins it (a minus sign keeps them apart)."""
    merged: list[Line] = []
    gone: set[int] = set()
    hulls = [_hull(frames[line.rotation][list(line.parts)]) for line in lines]
    for i, line in enumerate(lines):
        height = line.height * ink.scale
        behind = [k for k, other in enumerate(lines) if other.rotation == line.rotation and _is_exponent(hulls[i], hulls[k], height)]
        if (
            height < 1.6 * ink.text_height
            and len(line.parts) <= LONGEST_BASE
            and len(behind) == 1
            and lines[behind[0]].height < 0.85 * line.height
        ):
            members = np.asarray(line.parts + lines[behind[0]].parts)
            frame = frames[line.rotation]
            members = members[np.argsort(frame[members, 0], kind="stable")]
            merged.append(replace(_line(ink, frame, members, height, line.rotation), raised=True))
            gone |= {i, behind[0]}
    return merged + [line for i, line in enumerate(lines) if i not in gone]


def _is_exponent(base: NDArray[np.int64], tail: NDArray[np.int64], height: float) -> bool:
    gap = tail[0] - base[2] - 1
    is_higher = tail[3] < base[3] - 0.25 * height and abs(tail[1] - base[1]) <= 0.5 * height and tail[3] > base[1]
    return bool(-0.1 * height <= gap <= 0.35 * height and is_higher and tail[2] - tail[0] < 1.6 * height)


def _without_marks(ink: Ink, lines: list[Line]) -> list[Line]:
    """The lines without the marks of the plot: single parts, solid or as wide as tall or strokes in a column, that recur in one size."""
    single = np.array([line.parts[0] for line in lines if len(line.parts) == 1], dtype=np.int64)
    w, h = (ink.boxes[single, 2:] - ink.boxes[single, :2] + 1).T
    x = ink.boxes[single, 0]
    is_block = (ink.areas[single] > 0.82 * w * h) | ((w > 0.88 * h) & (w < 1.14 * h))
    is_stroke = (w < 0.3 * h) | ((w < 0.5 * h) & (ink.areas[single] > 0.72 * w * h))
    alike = (np.abs(w[:, None] - w) <= 1 + 0.06 * w) & (np.abs(h[:, None] - h) <= 1 + 0.06 * h)
    in_column = alike & (np.abs(x[:, None] - x) <= ink.scale)
    recurs = ((alike & is_block).sum(axis=1) >= MARKS_RECUR) & is_block
    recurs |= ((in_column & is_stroke).sum(axis=1) >= MARKS_RECUR) & is_stroke
    marks = set(single[recurs].tolist())
    is_crowd = crowd(ink.boxes, _is_small(ink))
    lines = [line for line in lines if not (is_crowd[list(line.parts)].all() if len(line.parts) > 1 else line.parts[0] in marks)]
    # Smaller marks, or specks, fit into the strokes of letters.
    is_large = ink.boxes[:, 3] - ink.boxes[:, 1] + 1 >= LEAST_STAMP * ink.text_height
    copied = stamps(ink.labels, ink.boxes, is_crowd & is_large)
    return [line for line in lines if not copied or not is_stamped(_piece(ink, line), copied)]


def _piece(ink: Ink, line: Line) -> NDArray[np.bool_]:
    """The pixels of a line's own ink."""
    x0, y0, x1, y1 = _hull(ink.boxes[list(line.parts)])
    return np.isin(ink.labels[y0 : y1 + 1, x0 : x1 + 1], line.parts)


def _is_plausible(ink: Ink, line: Line) -> bool:
    """Whether a line is large enough for text; one or two small parts are tick marks, caps or specks, rows of very small ones dots."""
    share = LEAST_OF_TEXT if len(line.parts) > 2 else 0.6
    return line.height * ink.scale >= share * ink.text_height or _is_lying(ink, line)


def _stands_free(gray: Image, line: Line) -> bool:
    """Whether the pixels around a line are of one shade: text stands on a ground, the corner of a bar does not."""
    x0, y0, x1, y1 = line.box
    pad = max(1, round(0.1 * line.height))
    top, left = max(0, y0 - pad), max(0, x0 - pad)
    ring = np.concatenate(
        [
            gray[top : y1 + pad + 1, [left, min(x1 + pad, gray.shape[1] - 1)]].ravel(),
            gray[[top, min(y1 + pad, gray.shape[0] - 1)], left : x1 + pad + 1].ravel(),
        ]
    )
    off = np.abs(ring.astype(np.int16) - np.median(ring)) > MAX_CONTRAST
    return bool(off.mean() < 0.3)


def _glyph_seeds(frame: Boxes, areas: NDArray[np.int64], shape: tuple[int, ...], limit: float = np.inf) -> NDArray[np.int64]:
    """Labels of the parts that can be a letter, a digit or a few that run together, by size, shape and fill, in their reading frame."""
    w, h = frame[:, 2] - frame[:, 0] + 1, frame[:, 3] - frame[:, 1] + 1
    limit = min(limit, max(48.0, MAX_GLYPH_SHARE * min(shape)))
    fill = areas / (w * h)
    small, long = np.minimum(w, h), np.maximum(w, h)
    is_size = (long >= MIN_GLYPH) & (h <= limit) & (w <= 14 * h) & (w <= 0.5 * max(shape)) & (long <= 20 * small)
    is_dash = (h <= 0.34 * w) & (fill > 0.8)
    is_block = (fill > 0.86) & (small > 8)
    keep = is_size & ~is_dash & ~is_block & (fill >= 0.06)
    keep[0] = False
    return np.flatnonzero(keep)


def _without_strands(ink: Ink, frame: Boxes, seeds: NDArray[np.int64]) -> NDArray[np.int64]:
    """The seeds without the long parts that are a single strand, as a piece of a curve is; letters cross more."""
    w, h = (frame[seeds, 2:] - frame[seeds, :2] + 1).T
    long = (w > STRAND_ASPECT * h) & (ink.areas[seeds] < STRAND_FILL * w * h)
    keep = ~long
    for i in np.flatnonzero(long):
        x0, y0, x1, y1 = ink.boxes[seeds[i]]
        part = (ink.labels[y0 : y1 + 1, x0 : x1 + 1] == seeds[i]).astype(np.int8)
        along = 0 if frame is ink.boxes else 1
        runs = (np.diff(part, axis=along, prepend=0) == 1).sum(axis=along)
        keep[i] = runs.mean() >= STRAND_RUNS
    kept: NDArray[np.int64] = seeds[keep]
    return kept


def _is_small(ink: Ink) -> NDArray[np.bool_]:
    """Of every label whether its part is small enough to belong to a line of text."""
    height, width = ink.labels.shape
    across = np.minimum(ink.boxes[:, 2] - ink.boxes[:, 0], ink.boxes[:, 3] - ink.boxes[:, 1]) + 1
    small: NDArray[np.bool_] = across <= max(48.0, MAX_GLYPH_SHARE * min(height, width))
    small[0] = False
    return small & (ink.areas > 0)


def _reading_frame(boxes: Boxes, rotation: int, height: int) -> Boxes:
    """Boxes as they would lie if the image were turned so that text of this rotation is upright."""
    if rotation == 0:
        return boxes
    x0, y0, x1, y1 = boxes.T
    return np.column_stack([height - 1 - y1, x0, height - 1 - y0, x1])


def _phrases(boxes: Boxes, marks: Boxes) -> list[NDArray[np.int64]]:
    """Chains of boxes on a line: glyphs make words, words a space apart make phrases; a comma among the marks lengthens its word."""
    words = _chains(boxes, WORD_GAP, LEAST_GLYPH_RATIO, LEAST_GLYPH_OVERLAP)
    hulls = np.array([_with_stop(_hull(boxes[word]), marks) for word in words]).reshape(-1, 4)
    return [np.concatenate([words[i] for i in phrase]) for phrase in _chains(hulls, PHRASE_GAP, LEAST_WORD_RATIO, LEAST_WORD_OVERLAP)]


def _with_stop(word: NDArray[np.int64], marks: Boxes) -> NDArray[np.int64]:
    """The box of a word, lengthened to the right by a comma or full stop on its baseline."""
    x0, y0, x1, y1 = word
    height = y1 - y0 + 1
    near = (marks[:, 0] > x1) & (marks[:, 0] <= x1 + 0.35 * height) & (marks[:, 1] > y0 + 0.5 * height) & (marks[:, 1] <= y1 + 1)
    stop = marks[near & (marks[:, 2] - marks[:, 0] < 0.4 * height) & (marks[:, 3] - marks[:, 1] < 0.5 * height)]
    return np.array([x0, y0, max(x1, stop[:, 2].max(initial=0)), y1])


def _hull(boxes: Boxes) -> NDArray[np.int64]:
    hull: NDArray[np.int64] = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    return hull


def _chains(boxes: Boxes, gap: float, least_ratio: float, least_overlap: float) -> list[NDArray[np.int64]]:
    """Sets of indices of boxes that follow each other at less than `gap` heights on a common line.

    Neighbours have heights of at least this ratio and share at least this part of the lower one's height; a raised exponent shares less.
    """
    if not len(boxes):
        return []
    order = np.argsort(boxes[:, 0], kind="stable")
    sorted_boxes = boxes[order]
    pairs = [_followers(sorted_boxes, part, gap, least_ratio, least_overlap) for part in _parts_of_work(sorted_boxes, gap)]
    i, j = (np.concatenate(side) for side in zip(*pairs, strict=True))
    links = coo_array((np.ones(len(i), dtype=bool), (i, j)), shape=(len(boxes), len(boxes)))
    _, chain = connected_components(links, directed=False)
    by_chain = np.argsort(chain, kind="stable")
    return [order[members] for members in np.split(by_chain, np.flatnonzero(np.diff(chain[by_chain])) + 1)]


def _parts_of_work(boxes: Boxes, gap: float) -> list[NDArray[np.int64]]:
    """The numbers of boxes sorted by where they begin, in parts none of which has very many neighbours to look at."""
    reach = boxes[:, 2] + gap * (boxes[:, 3] - boxes[:, 1] + 1).max()
    neighbours = np.searchsorted(boxes[:, 0], reach + 1, side="right") - np.arange(len(boxes)) - 1
    cuts = np.flatnonzero(np.diff(np.cumsum(neighbours) // MOST_PAIRS)) + 1
    return np.split(np.arange(len(boxes)), cuts)


def _followers(
    boxes: Boxes, first: NDArray[np.int64], gap: float, least_ratio: float, least_overlap: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of boxes, the first of them among `first`, that follow each other on a line; boxes are sorted by where they begin."""
    x0, y0, x1, y1 = boxes.T
    h = y1 - y0 + 1
    last = np.searchsorted(x0, x1[first] + 1 + gap * h.max(), side="right")
    count = np.maximum(last - first - 1, 0)
    i = np.repeat(first, count)
    j = i + 1 + np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    taller, lower = np.maximum(h[i], h[j]), np.minimum(h[i], h[j])
    distance = (x0[j] - x1[i] - 1) / taller
    overlap = (np.minimum(y1[i], y1[j]) - np.maximum(y0[i], y0[j]) + 1) / lower
    is_level = (overlap >= least_overlap) | ((overlap >= 0.25) & (distance < RAISED_GAP))
    is_next = (distance < gap) & is_level & (lower >= least_ratio * taller) & (distance > -0.6)
    return i[is_next], j[is_next]


def _is_turned(boxes: Boxes, upright_sizes: NDArray[np.int64], least_height: float) -> bool:
    """Whether a chain in the frame of turned text is a line of turned text, and not a column of upright labels.

    Letters lying on their side are not longer along the line than they are tall and follow at a fraction of that; upright labels, one
    below the other, stand apart. A narrow letter, as a 1 is, has bare paper to both sides. Letters that run together make long parts,
    alone on their row; between a pair of digits a point may stand. A broken digit lies too low.
    """
    boxes = boxes[np.argsort(boxes[:, 0])]
    along, across = (boxes[:, 2:] - boxes[:, :2] + 1).T
    height = float(np.quantile(across, 0.75))
    length = boxes[:, 2].max() - boxes[0, 0] + 1
    gaps = (boxes[1:, 0] - np.maximum.accumulate(boxes[:-1, 2]) - 1) / height
    bearing = np.maximum(0.0, NARROW - along / height) / 2
    is_alone = np.median(upright_sizes) <= max(1, 0.4 * len(boxes))
    if len(boxes) >= 3:
        is_close = np.median(gaps - bearing[1:] - bearing[:-1]) < 0.3 and np.median(along / across) < 2.5
        return bool(is_alone and length > 1.7 * height and is_close)
    if len(boxes) == 2:
        lying = along / across
        is_pair = (gaps[0] < 0.72 and lying.max() < 0.95) or (gaps[0] < 0.3 and lying.min() < 0.95 and lying.max() < 2.2)
        return bool(upright_sizes.max() == 1 and is_pair and across.min() >= 0.7 * across.max() and height >= least_height)
    return bool(upright_sizes.max() == 1 and length > 3 * height and height >= least_height)


def _complete_line(
    ink: Ink, frame: Boxes, chain: NDArray[np.int64], is_free: NDArray[np.bool_], height: float, rotation: Rotation
) -> Line | None:
    """A chain of glyphs with the small marks that belong to it and without those that do not; None if no text is left."""
    if not len(chain):
        return None
    candidates = _with_loose_marks(frame, chain, np.flatnonzero(is_free), height, LOOSE_SHARE * ink.text_height)
    members = _without_end_marks(frame, candidates, height)
    if not len(members) or _is_stroke_only(ink, frame, members):
        return None
    if len(chain) == 1:
        hull = _hull(frame[members])
        height = float(hull[3] - hull[1] + 1)
    first = int(np.flatnonzero(candidates == members[0])[0])
    left_out = frame[candidates[:first], 2:] - frame[candidates[:first], :2] + 1
    sign_in_doubt = any(_is_dash(w, h, height) for w, h in left_out)
    return replace(_line(ink, frame, members, height, rotation), sign_in_doubt=sign_in_doubt)


def _text_height(boxes: Boxes) -> float:
    """Height of capitals or digits: the upper quartile of the parts' heights, so that brackets and commas do not count."""
    return float(np.quantile(boxes[:, 3] - boxes[:, 1] + 1, 0.75))


def _with_loose_marks(
    frame: Boxes, members: NDArray[np.int64], free: NDArray[np.int64], height: float, tallest: float
) -> NDArray[np.int64]:
    """The parts of a line and the free small ones beside and between them; none so tall that it may be a label of its own."""
    x0, y0, x1, y1 = _hull(frame[members])
    boxes = frame[free]
    w, h = boxes[:, 2] - boxes[:, 0] + 1, boxes[:, 3] - boxes[:, 1] + 1
    cx, cy = boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)
    is_small = ((w <= 0.95 * height) & (h <= min(0.5 * height, tallest))) | ((w <= 0.4 * height) & (w <= 0.4 * h) & (h <= 1.5 * height))
    is_inside = (boxes[:, 0] >= x0 - 0.9 * height - w) & (boxes[:, 2] <= x1 + 0.35 * height + w)
    is_level = (cy >= y0 - 0.45 * height) & (cy <= y1 + 0.3 * height)
    near = free[is_small & is_inside & is_level & (cx > x0 - 1.2 * height) & (cx < x1 + 0.8 * height)]
    joined = np.union1d(members, near)
    return joined[np.argsort(frame[joined, 0], kind="stable")]


def _without_end_marks(frame: Boxes, members: NDArray[np.int64], height: float) -> NDArray[np.int64]:
    """Drops tick marks, specks and bits of lines at the ends of a line of text, and keeps a minus sign or a point there."""
    boxes = frame[members]
    w, h = boxes[:, 2] - boxes[:, 0] + 1, boxes[:, 3] - boxes[:, 1] + 1
    core = np.flatnonzero((h > 0.5 * height) & ~((w <= 0.3 * h) & (h > 1.15 * height)))
    if not len(core):
        return members[:0]
    first, last = core[0], core[-1]
    top, bottom = float(np.median(boxes[core, 1])), float(np.median(boxes[core, 3]))
    keep = np.zeros(len(members), dtype=bool)
    keep[first : last + 1] = True
    for i in range(first):
        keep[i] = _may_lead(boxes[i], boxes[first, 0], top, bottom, height)
    for i in range(last + 1, len(members)):
        keep[i] = _may_follow(boxes[i], boxes[last, 2], top, bottom, height)
    return members[keep]


def _may_lead(mark: NDArray[np.int64], start: float, top: float, bottom: float, height: float) -> bool:
    """Whether a mark before the first glyph is a minus sign, a decimal point, a narrow letter or a piece of the glyph itself."""
    x0, y0, x1, y1 = mark
    if max(x1 - x0, y1 - y0) + 1 < SPECK * height:
        return False
    if x1 >= start and y1 >= top - 0.12 * height and y0 <= bottom + 0.12 * height:
        return True
    w, h, gap, middle = x1 - x0 + 1, y1 - y0 + 1, start - x1 - 1, ((y0 + y1) / 2 - top) / (bottom - top + 1)
    if h > 0.5 * height:
        return bool(gap <= 0.28 * height and y1 <= bottom + 0.6 * height)
    is_minus = _is_dash(w, h, height) and 0.15 < middle < 0.85 and gap <= 0.45 * height
    is_point = w <= 0.4 * height and middle > 0.7 and gap <= 0.3 * height
    return bool(is_minus or is_point)


def _is_dash(width: float, height: float, text_height: float) -> bool:
    return bool(width >= 0.2 * text_height and height <= 0.35 * text_height and width > 1.2 * height)


def _may_follow(mark: NDArray[np.int64], end: float, top: float, bottom: float, height: float) -> bool:
    """Whether a mark after the last glyph is a full stop, a raised sign, a narrow letter or a piece of it; a dash there is a tick mark."""
    x0, y0, x1, y1 = mark
    if max(x1 - x0, y1 - y0) + 1 < SPECK * height:
        return False
    if x0 <= end and y1 >= top - 0.12 * height and y0 <= bottom + 0.12 * height:
        return True
    w, h, gap, middle = x1 - x0 + 1, y1 - y0 + 1, x0 - end - 1, ((y0 + y1) / 2 - top) / (bottom - top + 1)
    if h > 0.5 * height:
        return bool(gap <= 0.28 * height and y1 <= bottom + 0.6 * height)
    is_stop = w <= 0.4 * height and middle > 0.6 and gap <= 0.3 * height and y1 <= bottom + 0.3 * height
    is_raised = middle < 0.4 and gap <= 0.25 * height and w < 2 * h
    return bool(is_stop or is_raised)


def _is_stroke_only(ink: Ink, frame: Boxes, members: NDArray[np.int64]) -> bool:
    """Whether there is nothing but one bare stroke: a tick mark, an end of a whisker, a piece of a dashed line."""
    boxes = frame[members]
    w, h = boxes[:, 2] - boxes[:, 0] + 1, boxes[:, 3] - boxes[:, 1] + 1
    fill = ink.areas[members] / (w * h)
    narrow = np.minimum(w, h) <= 0.3 * np.maximum(w, h)
    return len(members) == 1 and bool(narrow[0] and fill[0] > 0.7)


def _line(ink: Ink, frame: Boxes, members: NDArray[np.int64], height: float, rotation: Rotation) -> Line:
    box = _hull(ink.boxes[members])
    x0, y0, x1, y1 = (int(v) // ink.scale for v in box)
    return Line(tuple(int(m) for m in members), (x0, y0, x1, y1), rotation, height / ink.scale, _is_raised(frame[members]))


def _is_raised(boxes: Boxes) -> bool:
    """Whether the last parts are smaller and stand higher than the first ones, as an exponent does."""
    if len(boxes) < 2:
        return False
    h = boxes[:, 3] - boxes[:, 1] + 1
    base = h[0]
    tail = boxes[-1]
    bottom, top = boxes[0, 3], boxes[0, 1]
    is_digit = 0.4 * base <= h[-1] <= 0.85 * base
    return bool(is_digit and tail[3] < bottom - 0.25 * base and tail[1] <= top + 0.1 * base)


def split_line(ink: Ink, line: Line, pieces: int, number_gap: float = NUMBER_GAP) -> list[Line]:
    """The line of numbers cut where its gaps tell that a new one begins; none where they do not.

    A gap that no two digits of a number leave is a cut. Else `pieces` tells how many numbers there are, and the widest gaps are taken if
    they stand out from the rest.
    """
    frame = _reading_frame(ink.boxes, line.rotation, ink.labels.shape[0])
    members = np.asarray(line.parts)
    height = line.height * ink.scale
    gaps = (frame[members[1:], 0] - np.maximum.accumulate(frame[members, 2])[:-1] - 1) / height
    w, h = (frame[members, 2:] - frame[members, :2] + 1).T
    bearing = np.where(h > LOOSE_SHARE * height, np.maximum(0.0, NARROW - w / height) / 2, 0.0)
    # What reads as one number is cut only where no room beside a 1 explains the gap.
    cuts = np.flatnonzero((gaps if pieces > 1 else gaps - bearing[1:] - bearing[:-1]) > number_gap)
    if len(cuts) + 1 < pieces:
        order = np.argsort(-gaps, kind="stable")
        cuts, rest = np.sort(order[: pieces - 1]), order[pieces - 1 :]
        if len(cuts) + 1 < pieces or gaps[cuts].min() < max(LEAST_CUT, CUT_STANDS_OUT * gaps[rest].max(initial=0)):
            return []
    return [_line(ink, frame, piece, height, line.rotation) for piece in np.split(members, cuts + 1)] if len(cuts) else []


def split_at_steps(ink: Ink, line: Line) -> list[Line]:
    """The line cut at its wide gaps: those above the greatest step between all of them; none without such a step."""
    frame = _reading_frame(ink.boxes, line.rotation, ink.labels.shape[0])
    members = np.asarray(line.parts)
    height = line.height * ink.scale
    gaps = (frame[members[1:], 0] - np.maximum.accumulate(frame[members, 2])[:-1] - 1) / height
    steps = np.sort(gaps)
    ratios = np.where(steps[1:] >= LEAST_CUT, steps[1:] / np.maximum(steps[:-1], LEAST_GAP), 0.0)
    if not ratios.size or ratios.max() < CUT_STANDS_OUT:
        return []
    return [
        _line(ink, frame, piece, height, line.rotation)
        for piece in np.split(members, np.flatnonzero(gaps >= steps[1:][ratios.argmax()]) + 1)
    ]


def split_after(ink: Ink, line: Line, counts: Sequence[int]) -> list[Line]:
    """The line cut into pieces of so many characters each, where these are evenly spaced; none where they are not or do not come apart."""
    frame = _reading_frame(ink.boxes, line.rotation, ink.labels.shape[0])
    members = np.asarray(line.parts)
    widths = frame[members, 2] - frame[members, 0] + 1
    characters = np.cumsum(np.maximum(1, np.round(widths / np.median(widths))))  # digits that touch are one part
    ends = np.cumsum(counts)
    if not counts or ends[-1] != characters[-1] or not np.isin(ends, characters).all():
        return []
    pieces = np.split(members, np.searchsorted(characters, ends[:-1]) + 1)
    middles = np.array([(frame[piece, 0].min() + frame[piece, 2].max()) / 2 for piece in pieces])
    steps = np.diff(middles)
    if np.abs(steps - steps.mean()).max() > EVENLY * steps.mean():
        return []
    return [_line(ink, frame, piece, line.height * ink.scale, line.rotation) for piece in pieces]


def split_at_signs(ink: Ink, line: Line, pieces: int) -> list[Line]:
    """The line cut before each minus sign into this many pieces; none where it does not have so many, the first at its start."""
    frame = _reading_frame(ink.boxes, line.rotation, ink.labels.shape[0])
    members = np.asarray(line.parts)
    w, h = (frame[members, 2:] - frame[members, :2] + 1).T
    height = line.height * ink.scale
    signs = np.flatnonzero([_is_dash(*size, height) for size in zip(w, h, strict=True)])
    if len(signs) != pieces or signs[0] != 0:
        return []
    return [_line(ink, frame, piece, height, line.rotation) for piece in np.split(members, signs[1:])]


def has_inner_point(ink: Ink, line: Line) -> bool:
    """Whether a dot on the baseline stands between the parts of a line, as a decimal point does."""
    frame = _reading_frame(ink.boxes, line.rotation, ink.labels.shape[0])[np.asarray(line.parts)]
    height = line.height * ink.scale
    w, h = (frame[:, 2:] - frame[:, :2] + 1).T
    is_low = (frame[:, 1] + frame[:, 3]) / 2 > np.median(frame[:, 3]) - 0.3 * height
    return bool(((w <= 0.35 * height) & (h <= 0.4 * height) & is_low)[1:-1].any())


def without_part_at_end(ink: Ink, line: Line, end: Literal["first", "last"], count: int) -> Line:
    """The line without so many of its first or last parts, its height measured anew."""
    frame = _reading_frame(ink.boxes, line.rotation, ink.labels.shape[0])
    members = np.asarray(line.parts)
    members = members[count:] if end == "first" else members[:-count]
    return _line(ink, frame, members, _text_height(frame[members]), line.rotation)


def end_pieces(ink: Ink, line: Line) -> list[tuple[Literal["first", "last"], int]]:
    """The pieces at the ends of a line that a word gap sets apart: which end, and how many parts they hold."""
    frame = _reading_frame(ink.boxes, line.rotation, ink.labels.shape[0])
    members = np.asarray(line.parts)
    gaps = np.flatnonzero(frame[members[1:], 0] - np.maximum.accumulate(frame[members, 2])[:-1] - 1 > 0.3 * line.height * ink.scale)
    return [("first", int(gaps[0]) + 1), ("last", len(members) - 1 - int(gaps[-1]))] if len(gaps) else []
