"""Labels along an x axis that are written aslant, as long names often are: found, read upright, and placed where they point to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis, find_axes
from digitize.deskew import rotate
from digitize.lines import Line
from digitize.ocr import TextBox, find_text
from digitize.ticks import Side, find_ticks

LEAST_DEGREES, MOST_DEGREES = 12.0, 78.0
REACH = 14.0  # label heights from the foot of the axis to the far end of its labels
HANGS = 2.4  # label heights under the foot of the axis within which a label ends
INKED = 60.0  # grey levels below the paper
LETTER_GAP = 0.25  # label heights by which ink is widened to join the letters of a word
LONG = 2.2  # length over width of a word that tells its slant
SAME_DEGREES, MOST_WORDS = 7.0, 0.7  # within which words are parallel, and the share of all ink's length that must be
WORD_GAP = 1.3  # label heights between two words of a label
PART = 0.12  # share of a level text that lies on slanted ones, from which it is made of parts of them
SURE = 0.75  # mean confidence of labels that were surely written aslant
NEAR_TICK = 1.2  # label heights by which all labels may stand off their ticks alike


@dataclass(frozen=True)
class _Label:
    """A slanted text: as read, the places in the image of its end at the axis and of its middle, and the row at which it begins."""

    text: TextBox
    end: tuple[float, float]
    middle: tuple[float, float]
    top: float


def with_slanted(
    image: NDArray[np.uint8], texts: Sequence[TextBox], axes: Sequence[Axis], lines: Sequence[Line]
) -> tuple[list[TextBox], tuple[Axis, ...]]:
    """The texts, slanted labels under the plots in place of what was read of them level, and the axes that they make.

    Each gets a small box at the place of the axis that it belongs to: its end at the axis or its middle, whichever the ticks agree with.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    texts : sequence of TextBox
        As found.
    axes : sequence of Axis
        Axes of numbers that they make: slanted labels are looked for under the upright ones.
    lines : sequence of Line
        Straight lines of the figure.
    """
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    result = list(texts)
    done: list[tuple[float, float]] = []
    for axis in axes:
        if axis.side.name != "left" or not axis.boxes or axis.n_used < 3:
            continue
        foot, left = _foot(axis), axis.marks.axis_at
        if any(abs(foot - f) < axis.boxes[0].height and left > at for f, at in done):
            continue  # one row of labels under plots side by side
        result = _replaced(image, gray, result, axis, foot, lines)
        done.append((foot, left))
    return result, find_axes(gray, result, lines) if result != list(texts) else tuple(axes)


def _foot(axis: Axis) -> float:
    line = axis.marks.axis_line
    return max(axis.span_px[1], line.end) if line is not None else axis.span_px[1]


def _replaced(
    image: NDArray[np.uint8], gray: NDArray[np.uint8], texts: list[TextBox], axis: Axis, foot: float, lines: Sequence[Line]
) -> list[TextBox]:
    height = float(np.median([b.height for b in axis.boxes]))
    top, left = round(foot + 0.35 * height), max(0, round(axis.marks.axis_at - REACH * height))
    degrees = _slant(gray[top : round(foot + REACH * height), left:], height)
    if degrees is None:
        return texts
    crop = image[top : round(foot + REACH * height), left:]
    turned, back = rotate(np.ascontiguousarray(crop), -degrees)
    labels = []
    for text in _joined([t for t in find_text(turned) if t.rotation == 0], height):
        label = _label(text, back, (left, top), degrees)
        if 0.6 * height < text.height < 1.5 * height and label.end[1] < foot + HANGS * height and any(map(str.isalnum, text.text)):
            labels.append(label)
    if len(labels) < 2 or np.mean([label.text.confidence for label in labels]) < SURE:
        return texts
    placed = _placed(gray, labels, max(foot + 0.15 * height, min(label.top for label in labels)), height, lines)
    whole = np.vstack([back, [0.0, 0.0, 1.0]])
    kept = [t for t in texts if sum(_share_in(t, label.text, whole, (left, top), height) for label in labels) < PART]
    return [*kept, *placed]


def _slant(strip: NDArray[np.uint8], height: float) -> float | None:
    """Degrees by which words at the head of a strip rise to the right (negative: fall); None where they lie level or stand upright."""
    if min(strip.shape) < height:
        return None
    dark = strip < np.median(strip) - INKED
    size = 2 * max(1, round(LETTER_GAP * height)) + 1
    near = cv2.dilate(dark.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    count, words, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    at = words[dark]
    y, x = np.nonzero(dark)
    leans, lengths = [], []
    for word in range(1, count):
        _, top, wide, high, _ = stats[word].tolist()
        if top > HANGS * height or max(wide, high) > REACH * height or np.hypot(wide, high) < 2.0 * height:
            continue
        own = at == word
        spread, directions = np.linalg.eigh(np.cov(np.stack([x[own], y[own]]).astype(float)))
        if np.sqrt(spread[1]) >= LONG * np.sqrt(spread[0]):
            leans.append((-np.degrees(np.arctan2(directions[1, 1], directions[0, 1])) + 90.0) % 180.0 - 90.0)
            lengths.append(4.0 * np.sqrt(spread[1]))
    if len(leans) < 2:
        return None
    order = np.argsort(leans)
    weight = np.cumsum(np.array(lengths)[order])
    lean = float(np.array(leans)[order][np.searchsorted(weight, 0.5 * weight[-1])])
    agree = float(np.sum(np.array(lengths)[np.abs(np.array(leans) - lean) < SAME_DEGREES]))
    return lean if LEAST_DEGREES <= abs(lean) <= MOST_DEGREES and agree >= MOST_WORDS * weight[-1] else None


def _label(text: TextBox, back: NDArray[np.float64], origin: tuple[int, int], degrees: float) -> _Label:
    x0, y0, x1, y1 = text.box
    middle = (y0 + y1) / 2

    def at(x: float, y: float) -> tuple[float, float]:
        px = back[:, :2] @ np.array([x, y]) + back[:, 2]
        return float(px[0] + origin[0]), float(px[1] + origin[1])

    end = x1 if degrees > 0 else x0
    return _Label(text, at(end, middle), at((x0 + x1) / 2, middle), at(end, y0)[1])


def _joined(texts: Sequence[TextBox], height: float) -> list[TextBox]:
    """The texts, words of one row a space apart as one."""
    joined: list[TextBox] = []
    for text in sorted(texts, key=lambda t: t.box[0]):
        x0, y0, x1, y1 = text.box
        for k, other in enumerate(joined):
            a0, b0, a1, b1 = other.box
            if -0.2 * height < x0 - a1 < WORD_GAP * height and abs(y1 + y0 - b0 - b1) < 0.8 * height:
                whole = replace(other, box=(a0, min(b0, y0), x1, max(b1, y1)), text=f"{other.text} {text.text}")
                joined[k] = replace(whole, confidence=min(other.confidence, text.confidence), number="", number_confidence=0.0)
                break
        else:
            joined.append(text)
    return joined


def _share_in(text: TextBox, label: TextBox, whole: NDArray[np.float64], origin: tuple[int, int], height: float) -> float:
    """The share of a text that was read level which lies on a slanted label."""
    x0, y0, x1, y1 = text.box
    grid = np.stack(np.meshgrid(np.linspace(x0, x1, 25), np.linspace(y0, y1, 3)), axis=-1).reshape(-1, 2) - origin
    x, y, _ = np.linalg.inv(whole) @ np.column_stack([grid, np.ones(len(grid))]).T
    a0, b0, a1, b1 = label.box
    inside = (x > a0 - height) & (x < a1 + height) & (y > b0 - 0.4 * height) & (y < b1 + 0.4 * height)
    return float(inside.mean())


def _placed(gray: NDArray[np.uint8], labels: Sequence[_Label], top: float, height: float, lines: Sequence[Line]) -> list[TextBox]:
    """The labels as level ones: boxes of one height in a row, at their ends or middles, moved to the ticks that agree with them."""
    ends, middles = (np.array([place[0] for place in way]) for way in zip(*((label.end, label.middle) for label in labels), strict=True))
    towards = float(np.sign(np.median(ends - middles)))
    side = Side("bottom", (gray.shape[0], gray.shape[1]))
    best: tuple[float, NDArray[np.float64]] = (np.inf, ends)
    for places, shift in ((ends, 0.0), (ends, 0.6), (ends, 1.2), (middles, 0.0)):
        moved = places + towards * shift * height
        ticks = find_ticks(gray, side, np.array([side.span(b.box) for b in _boxes(labels, moved, top, height)]), height, lines).px
        if not ticks.size:
            continue
        away = ticks[np.abs(ticks - moved[:, None]).argmin(axis=1)] - moved
        off = float(np.median(away))
        cost = abs(off + towards * shift * height) + 3.0 * float(np.median(np.abs(away - off)))
        if cost < min(best[0], NEAR_TICK * height):
            best = cost, moved + off
    return _boxes(labels, best[1], top, height)


def _boxes(labels: Sequence[_Label], places: NDArray[np.float64], top: float, height: float) -> list[TextBox]:
    half = height / 2
    return [
        replace(label.text, box=(at - half, top, at + half, top + height), height=height)
        for at, label in zip(places.tolist(), labels, strict=True)
    ]
