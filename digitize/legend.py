"""Legends: names beside keys, and what a key looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.ocr import TextBox

Box = tuple[int, int, int, int]
KEY_REACH = 6.5  # how far from its name a key may lie, in digit heights


@dataclass(frozen=True)
class LegendEntry:
    """A name and the box (x0, y0, x1, y1) of the key beside it, px."""

    name: str
    text_box: Box
    key_box: Box


def find_legend(image: NDArray[np.uint8], texts: Sequence[TextBox], plot: Box, height: float) -> tuple[LegendEntry, ...]:
    """Entries of the panel's legend, top to bottom; empty where there is none.

    Parameters
    ----------
    image : (h, w, 3) uint8
    texts : sequence of TextBox
        Texts that belong to no axis.
    plot : (x0, y0, x1, y1)
        Inside of the plot.
    height : float
        Digit height of the tick labels, px.
    """
    words = [t for t in texts if is_word(t)]
    names = [t for t in words if _is_name(t, plot, height)]
    best: tuple[LegendEntry, ...] = ()
    for right_side in (False, True):
        entries = [(t, _key_beside(image, t, words, right_side=right_side)) for t in names]
        keyed = [LegendEntry(t.text, _ints(t.box), key) for t, key in entries if key is not None]
        group = _stacked(keyed, right_side=right_side, height=height)
        if len(group) > len(best):
            best = group
    return best


def is_word(text: TextBox) -> bool:
    """Whether a box surely holds words, not marks of the plot that look like a sign."""
    latin = sum(c.isalpha() and ord(c) < 0x250 for c in text.text)
    return text.rotation == 0 and latin >= 2 and text.confidence > 0.7 and latin >= 0.4 * len(text.text.replace(" ", ""))


def _is_name(text: TextBox, plot: Box, height: float) -> bool:
    _, y0, x1, y1 = text.box
    return x1 > plot[0] and y1 > plot[1] - 2 * height and y0 < plot[3] + 1


def _ints(box: tuple[float, float, float, float]) -> Box:
    return round(box[0]), round(box[1]), round(box[2]), round(box[3])


def _key_beside(image: NDArray[np.uint8], text: TextBox, texts: Sequence[TextBox], *, right_side: bool) -> Box | None:
    """Box of the ink beside a name: it stands alone, is no higher than two lines and no other text."""
    x0, y0, x1, y1 = _ints(text.box)
    h = text.height
    middle = (y0 + y1) / 2
    top, bottom = round(middle - 1.1 * h), round(middle + 1.1 * h)
    if right_side:
        left, right = x1 + 2, min(image.shape[1] - 1, round(x1 + KEY_REACH * h))
    else:
        left, right = max(0, round(x0 - KEY_REACH * h)), x0 - 2
    if right - left < h or top < 0 or bottom >= image.shape[0]:
        return None
    strip = image[top : bottom + 1, left : right + 1].astype(np.float32)
    paper = np.median(strip.reshape(-1, 3), axis=0)
    ink = np.abs(strip - paper).max(axis=2) > 40
    core = ink[round(0.5 * h) : round(1.7 * h) + 1]
    columns = core.any(axis=0)
    order = np.flatnonzero(columns) if right_side else np.flatnonzero(columns)[::-1]
    if order.size == 0:
        return None
    first = order[0]
    if (first if right_side else columns.size - 1 - first) > 2.2 * h:
        return None
    # The key reaches until a clear gap.
    last = first
    for column in order:
        if abs(column - last) > 0.7 * h:
            break
        last = column
    a, b = sorted((int(first), int(last)))
    key = (left + a, top, left + b, bottom)
    if b - a < 0.3 * h or any(t is not text and _crosses(key, t.box) for t in texts):
        return None
    rows = np.flatnonzero(ink[:, a : b + 1].any(axis=1))
    return left + a, top + int(rows[0]), left + b, top + int(rows[-1])


def _crosses(a: Sequence[float], b: Sequence[float]) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0 and min(a[3], b[3]) - max(a[1], b[1]) > 0.3 * (b[3] - b[1]) and len(b) == 4


def _stacked(entries: Sequence[LegendEntry], *, right_side: bool, height: float) -> tuple[LegendEntry, ...]:
    """The largest group of entries whose names and keys stand in one column (or in one row) of even spacing."""
    best: list[LegendEntry] = []
    side, key_side = (2, 0) if right_side else (0, 2)
    for seed in entries:
        column = [
            e
            for e in entries
            if abs(e.text_box[side] - seed.text_box[side]) < 0.8 * height
            and abs((e.key_box[0] + e.key_box[2]) - (seed.key_box[0] + seed.key_box[2])) / 2 < 1.0 * height
        ]
        row = [e for e in entries if abs(e.text_box[1] + e.text_box[3] - seed.text_box[1] - seed.text_box[3]) < height]
        gap = [abs(e.key_box[key_side] - e.text_box[side]) for e in row]
        row = row if len(row) > 1 and np.ptp(gap) < height else []
        best = max((best, column, row), key=len)
    return tuple(sorted(best, key=lambda e: (e.text_box[1], e.text_box[0])))
