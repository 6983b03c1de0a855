"""Labels read anew where the ticks of a doubted axis stand.

The pieces of worn digits do not gather into labels, and a label whose decimal point a scan lost falls into two numbers. Ticks, however, say
where labels stand: all ink beside one is its label, however it is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis, find_axes
from digitize.lines import Line
from digitize.ocr import TextBox, read_box
from digitize.ticks import INK

LEAST_TICKS = 3
MOST_TICKS = 40  # no axis has more labels; beyond them strokes are a texture
GAP = 0.8  # label heights of bare paper at which a label ends; less parts the digits of one that lost its decimal point
LONGEST = 5.0  # label heights that a label is long at most
ROWS = 0.8  # label heights to either side of a tick in which its label stands
LEAST_HEIGHT, MOST_HEIGHT = 0.7, 1.4  # of a label's ink, label heights
LIFT = 1.4  # by which exponents make labels higher
LEAST_CONFIDENCE = 0.5
MOST_LOST = 0.6  # of the labels of an axis of pieces, which that of the whole labels uses at least
SPLIT = "the digits of its labels stand apart: a decimal point may be lost"


def with_read_anew(
    image: NDArray[np.uint8], texts: Sequence[TextBox], axes: Sequence[Axis], lines: Sequence[Line]
) -> tuple[list[TextBox], tuple[Axis, ...]]:
    """The texts and axes, the labels of upright axes in doubt read anew beside their ticks where more of them agree then.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    texts : sequence of TextBox
        As found.
    axes : sequence of Axis
        The axes of numbers that they make.
    lines : sequence of Line
        Straight lines of the figure.
    """
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    result, found = list(texts), tuple(axes)
    tried: set[tuple[str, float]] = set()
    for axis in axes:
        place = axis.side.name, axis.marks.axis_at
        if not _is_doubted(axis) or place in tried or not any(axis is a for a in found):
            continue
        tried.add(place)
        labels = [_with_gap(label, result) for label in _labels(image, gray, axis, result)]
        changed = [t for t in result if not any(_is_within(t, label) for label in labels)] + labels
        again = find_axes(gray, changed, lines)
        best = max((_n_of(a, labels) for a in again if a.side.name == axis.side.name), default=0)
        pieces = [label for label in labels if " " in label.text]
        # Where labels fell into two numbers each, an axis of the one or the other is none, however well they agree.
        least = MOST_LOST * axis.n_used if 2 * len(pieces) > len(labels) else axis.n_used + 1
        if best >= max(LEAST_TICKS, least):
            result, found = changed, tuple(_doubted(a, pieces) for a in again)
    return result, found


def _is_doubted(axis: Axis) -> bool:
    is_plain = all(b.rotation == 0 for b in axis.boxes)
    n_ticks = axis.marks.px.size
    return "axis_uncertain" in axis.reading.flags and axis.side.is_upright and is_plain and LEAST_TICKS <= n_ticks <= MOST_TICKS


def _labels(image: NDArray[np.uint8], gray: NDArray[np.uint8], axis: Axis, texts: Sequence[TextBox]) -> list[TextBox]:
    """What stands beside the ticks of an axis, where it is a number."""
    labels = []
    inner = _inner_edge(axis, texts)
    for at in np.sort(axis.marks.px).tolist():
        box = _box_beside(gray, axis, inner, at)
        text = None if box is None else read_box(image, box)
        if text is not None and text.number_confidence >= LEAST_CONFIDENCE and any(map(str.isdigit, text.number)):
            labels.append(text)
    return labels


def _box_beside(gray: NDArray[np.uint8], axis: Axis, inner: float, at: float) -> tuple[float, float, float, float] | None:
    """The ink of the label that ends at `inner` beside a tick; None where there is none, or none of a label's height."""
    height = max(b.height for b in axis.boxes)
    lift = LIFT if any(b.raised for b in axis.boxes) else 1.0
    top, bottom = max(0, round(at - lift * ROWS * height)), min(gray.shape[0], round(at + ROWS * height) + 1)
    first, last = max(0, round(inner - LONGEST * height)), round(inner) + 1
    strip = axis.side.view(gray)[top:bottom, first : last + 1]
    ink = np.median(strip).astype(float) - strip > INK
    columns = np.flatnonzero(ink.any(axis=0))[::-1]
    if not columns.size or strip.shape[1] - columns[0] > GAP * height:
        return None
    ends = np.flatnonzero(-np.diff(columns) > GAP * height)
    columns = columns[: ends[0] + 1] if ends.size else columns
    rows = np.flatnonzero(ink[:, columns.min() : columns.max() + 1].any(axis=1))
    if rows[0] == 0 or rows[-1] == ink.shape[0] - 1 or not LEAST_HEIGHT * height <= rows[-1] - rows[0] + 1 <= lift * MOST_HEIGHT * height:
        return None
    ends_at = sorted(axis.side.across(float(first + c)) for c in (columns.min(), columns.max()))
    return ends_at[0], float(top + rows[0]), ends_at[1], float(top + rows[-1])


def _inner_edge(axis: Axis, texts: Sequence[TextBox]) -> float:
    """Where, in the view of an axis, its labels end towards the ticks; pieces that were not taken for labels may stand there."""
    spans = [axis.side.span(b.box) for b in axis.boxes]
    height = max(b.height for b in axis.boxes)
    edge = max(span[3] for span in spans)
    marks = axis.marks
    ticks = axis.side.across(marks.axis_at) - (0.0 if marks.inward else float(np.median(marks.length)))
    for text in texts:
        along0, along1, outer, inner = axis.side.span(text.box)
        is_level = any(abs(along0 + along1 - own[0] - own[1]) < height for own in spans)
        is_beside = edge < outer < edge + GAP * height and inner < ticks
        if is_level and is_beside and text.number.isdigit() and text.height < MOST_HEIGHT * height:
            return inner
    return edge


def _is_within(text: TextBox, label: TextBox) -> bool:
    """Whether the middle of a text lies on a label that was read anew."""
    x, y = (text.box[0] + text.box[2]) / 2, (text.box[1] + text.box[3]) / 2
    x0, y0, x1, y1 = label.box
    return x0 <= x <= x1 and y0 <= y <= y1


def _n_of(axis: Axis, labels: Sequence[TextBox]) -> int:
    """How many labels an axis uses; 0 where less than half of them were read anew."""
    own = {label.box for label in labels}
    return axis.n_used if sum(b.box in own for b in axis.boxes) >= 0.5 * len(axis.boxes) else 0


def _with_gap(label: TextBox, texts: Sequence[TextBox]) -> TextBox:
    """The label, a blank in its text where it was found in pieces and has no decimal point."""
    pieces = sorted((t for t in texts if _is_within(t, label)), key=lambda t: t.box[0])
    last = pieces[-1].number if len(pieces) > 1 else ""
    if "." in label.number or not last.isdigit() or len(last) >= len(label.number) or not label.number.endswith(last):
        return label
    return replace(label, text=f"{label.number.removesuffix(last)} {last}")


def _doubted(axis: Axis, pieces: Sequence[TextBox]) -> Axis:
    """The axis, in doubt where two or more of its labels are made of pieces."""
    own = {label.box for label in pieces}
    if sum(b.box in own for b in axis.boxes) < 2:
        return axis
    reason = "; ".join(filter(None, [axis.reading.reason, SPLIT]))
    return replace(axis, reading=replace(axis.reading, flags=tuple(dict.fromkeys((*axis.reading.flags, "axis_uncertain"))), reason=reason))
