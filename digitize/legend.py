"""Legends: names beside keys, and what a key looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.ocr import TextBox

Box = tuple[int, int, int, int]
ONE_MORE = 1.5  # distances between lines within which the next line of a legend lies
THIN = 0.4  # of a digit's height: no key is so narrow, but lines are
MARKER_LETTERS = frozenset("oO0QDCAVvXx")  # what two markers beside one another are read as: DD, AA, xx
FEW_LETTERS, SURE = 3, 0.9  # letters that markers over one another are read as, and how sure such a word must be to be one
TALLEST = 2.2  # digit heights of the tick labels: no name is set larger
CUT = 5.0  # digit heights that a name may have lost of its end
FARTHEST_KEY = 3.2  # digit heights from a name within which its key begins
TALL_KEY = 0.8  # heights of a name by which a key is higher than two lines at most
KEY_REACH = 6.5  # heights of a name from it within which its key ends


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
    words = [t for t in texts if is_word(t, height)]
    names = [t for t in words if _is_name(t, plot, height)]
    best: tuple[LegendEntry, ...] = ()
    most = 0  # entries, and those of their keys that were seen
    for right_side in (False, True):
        keys = {id(t): key for t in names if (key := _key_beside(image, t, words, plot, height, right_side=right_side)) is not None}
        for group in (*_columns(names, right_side=right_side), *_rows(names)):
            entries = _with_cut(_with_swallowed(_entries(group, keys, height), names, right_side=right_side), names, right_side=right_side)
            seen = sum(key == e.key_box for e in entries for key in keys.values())
            if len(entries) + seen > most:
                best, most = entries, len(entries) + seen
    return tuple(sorted(best, key=lambda e: (e.text_box[1], e.text_box[0])))


def may_be_key(x: float, y: float, legend: Sequence[LegendEntry]) -> bool:
    """Whether a mark at (x, y) px of the figure stands where the legend may have one more key.

    That is in line with its keys, not more than a line above or below them.
    """
    if not legend:
        return False
    keys = np.array([e.key_box for e in legend], dtype=float)
    middles = np.sort((keys[:, 1] + keys[:, 3]) / 2)
    pitch = float(np.median(np.diff(middles))) if middles.size > 1 else 2.0 * float((keys[:, 3] - keys[:, 1]).max())
    in_line = bool(keys[:, 0].min() <= x <= keys[:, 2].max())
    return in_line and bool(middles[0] - ONE_MORE * pitch < y < middles[-1] + ONE_MORE * pitch)


def _columns(names: Sequence[TextBox], *, right_side: bool) -> list[list[TextBox]]:
    """Names right below one another whose edges towards their keys stand in one column."""
    edge = 2 if right_side else 0
    groups: list[list[TextBox]] = []
    for name in sorted(names, key=lambda t: t.box[1]):
        for group in groups:
            last = group[-1]
            pitch = name.box[1] - last.box[1]
            height = max(name.height, last.height)  # a word without capitals can be taken for a smaller one
            if abs(name.box[edge] - last.box[edge]) < 0.8 * height and 0.9 * height < pitch < 3.5 * height:
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def _rows(names: Sequence[TextBox]) -> list[list[TextBox]]:
    """Names beside one another."""
    groups: list[list[TextBox]] = []
    for name in sorted(names, key=lambda t: t.box[0]):
        for group in groups:
            if abs(name.box[1] + name.box[3] - group[-1].box[1] - group[-1].box[3]) < name.height:
                group.append(name)
                break
        else:
            groups.append([name])
    return [g for g in groups if len(g) > 1]


def _entries(group: Sequence[TextBox], keys: dict[int, Box], height: float) -> tuple[LegendEntry, ...]:
    """Entries of a group: keys stand equally far from their names; one that could not be told from other ink is put where it must stand."""
    found = [(t, keys[id(t)]) for t in group if id(t) in keys]
    if not found or 3 * len(found) < len(group):
        return ()
    left = float(np.median([key[0] - t.box[0] for t, key in found]))
    right = float(np.median([key[2] - t.box[0] for t, key in found]))
    if right < 0 or left < 0:  # keys before names: measured from their near edge
        alike = [(t, k) for t, k in found if abs(k[0] - t.box[0] - left) < height and abs(k[2] - t.box[0] - right) < height]
    else:
        left, right = (float(np.median([key[side] - t.box[2] for t, key in found])) for side in (0, 2))
        alike = [(t, k) for t, k in found if abs(k[0] - t.box[2] - left) < height and abs(k[2] - t.box[2] - right) < height]
    sure = {id(t) for t, _ in alike}
    if 3 * len(sure) < len(group):
        return ()
    entries = []
    for t in group:
        edge = t.box[0] if right < 0 or left < 0 else t.box[2]
        place = (round(edge + left), round(t.box[1]), round(edge + right), round(t.box[3]))
        entries.append(LegendEntry(t.text, _ints(t.box), keys[id(t)] if id(t) in sure else place))
    return tuple(entries)


def _with_swallowed(entries: tuple[LegendEntry, ...], names: Sequence[TextBox], *, right_side: bool) -> tuple[LegendEntry, ...]:
    """The entries, and above or below them names whose box has run over their own key or over a mark between the two."""
    if not entries:
        return entries
    start = round(float(np.median([e.text_box[2 if right_side else 0] for e in entries])))
    key0, key1 = (round(float(np.median([e.key_box[side] for e in entries]))) for side in (0, 2))
    known = {e.text_box for e in entries}
    result = list(entries)
    for name in names:
        box = _ints(name.box)
        gap = min((max(box[1], e.text_box[1]) - min(box[3], e.text_box[3]) for e in result), default=0)
        edge = 0.6 * name.height
        over = start < box[2] <= key1 + edge if right_side else key0 - edge <= box[0] < start
        if box not in known and over and -1 <= gap < 2.2 * name.height:
            text = (box[0], box[1], start, box[3]) if right_side else (start, box[1], box[2], box[3])
            if text[2] - text[0] > name.height:
                result.append(LegendEntry(name.text, text, (key0, box[1], key1, box[3])))
    return tuple(result)


def _with_cut(entries: tuple[LegendEntry, ...], names: Sequence[TextBox], *, right_side: bool) -> tuple[LegendEntry, ...]:
    """The entries, and a line above or below them a name that lost its end towards its key, as where a line of the plot runs through it."""
    starts = [e.key_box[0] for e in entries]
    if len(entries) < 2 or max(starts) - min(starts) > CUT * (entries[0].text_box[3] - entries[0].text_box[1]):
        return entries
    result = sorted(entries, key=lambda e: e.text_box[1])
    key0, key1 = (round(float(np.median([e.key_box[side] for e in entries]))) for side in (0, 2))
    pitch = float(np.median(np.diff([e.text_box[1] + e.text_box[3] for e in result]))) / 2
    for name in names:
        box = _ints(name.box)
        lost = key0 - box[2] if right_side else box[0] - key1
        for row in (result[0], result[-1]):
            off = abs((box[1] + box[3] - row.text_box[1] - row.text_box[3]) / 2)
            if not any(_crosses(box, e.text_box) for e in result) and 0 < lost < CUT * name.height and abs(off - pitch) < 0.5 * name.height:
                result.append(LegendEntry(name.text, box, (key0, box[1], key1, box[3])))
                result.sort(key=lambda e: e.text_box[1])
                break
    return tuple(result)


def is_word(text: TextBox, digit_height: float) -> bool:
    """Whether a box surely holds words, not marks of the plot that look like a sign; `digit_height` (px) is that of the tick labels."""
    letters = set(text.text.replace(" ", ""))
    are_markers = letters <= MARKER_LETTERS and (len(letters) == 1 or (len(text.text) <= FEW_LETTERS and text.confidence < SURE))
    if letters <= set("oO0") or are_markers or text.height > TALLEST * digit_height:
        return False  # a row of markers; error bars that stand like an L and an I
    latin = sum(c.isalpha() and ord(c) < 0x250 for c in text.text)
    return text.rotation == 0 and latin >= 2 and text.confidence > 0.7 and latin >= 0.4 * len(text.text.replace(" ", ""))


def _is_name(text: TextBox, plot: Box, height: float) -> bool:
    _, y0, x1, y1 = text.box
    return x1 > plot[0] and y1 > plot[1] - 2 * height and y0 < plot[3] + 1


def _ints(box: tuple[float, float, float, float]) -> Box:
    return round(box[0]), round(box[1]), round(box[2]), round(box[3])


def _key_beside(
    image: NDArray[np.uint8], text: TextBox, texts: Sequence[TextBox], plot: Box, height: float, *, right_side: bool
) -> Box | None:
    """Box of the ink beside a name: it stands alone, is no higher than two lines, no other text, and inside the plot if the name is.

    A word can be taken for one of smaller print than it is; digits of `height` px tell better where its box is as high.
    """
    x0, y0, x1, y1 = _ints(text.box)
    h = text.height
    farthest = FARTHEST_KEY * max(h, min(height, y1 - y0))
    middle = (y0 + y1) / 2
    top, bottom = round(middle - 1.1 * h), round(middle + 1.1 * h)
    if right_side:
        left, right = x1 + 2, min(plot[2] if x1 < plot[2] else image.shape[1] - 1, round(x1 + KEY_REACH * h))
    else:
        left, right = max(plot[0] if x0 > plot[0] else 0, round(x0 - KEY_REACH * h)), x0 - 2
    if right - left < h or top < 0 or bottom >= image.shape[0]:
        return None
    strip = image[top : bottom + 1, left : right + 1].astype(np.float32)
    paper = np.median(strip.reshape(-1, 3), axis=0)
    ink = np.abs(strip - paper).max(axis=2) > 40
    passing = _thin(ink.mean(axis=0) > 0.95, THIN * h)  # an axis line or a frame runs by: no key is as high as that
    ink[:, passing] = False
    core = ink[round(0.5 * h) : round(1.7 * h) + 1]
    columns = core.any(axis=0)
    order = np.flatnonzero(columns) if right_side else np.flatnonzero(columns)[::-1]
    if order.size == 0:
        return None
    first = order[0]
    if (first if right_side else columns.size - 1 - first) > farthest:
        return None
    # The key reaches until a clear gap.
    last = first
    for column in order:
        if abs(column - last) > 0.7 * h:
            break
        last = column
    a, b = sorted((int(first), int(last)))
    key = (left + a, top, left + b, bottom)
    is_tick = not right_side and left == plot[0] and a == 0 and b < h
    if b - a < 0.3 * h or is_tick or any(t is not text and _crosses(key, t.box) for t in texts):
        return None
    more = min(round(TALL_KEY * h), top, image.shape[0] - 1 - bottom)
    tall = np.abs(image[top - more : bottom + more + 1, left + a : left + b + 1].astype(np.float32) - paper).max(axis=2) > 40
    upper, lower = (row - more for row in _middle_run((tall & ~passing[a : b + 1]).any(axis=1), 0.7 * h))
    is_cap = max(b - a, lower - upper) < 0.8 * h and lower - upper < THIN * (b - a)  # a dash as a key is longer
    return None if is_cap else (left + a, top + upper, left + b, top + lower)


def _thin(columns: NDArray[np.bool_], width: float) -> NDArray[np.bool_]:
    """Of marked columns those in runs no wider than so many."""
    marked = np.flatnonzero(columns)
    thin = np.zeros_like(columns)
    for run in np.split(marked, np.flatnonzero(np.diff(marked) > 1) + 1):
        thin[run] = run.size <= width
    return thin


def _middle_run(inked: NDArray[np.bool_], reach: float) -> tuple[int, int]:
    """The first and the last of the rows of ink around the middle of a strip, not those of a key above or below.

    Keys that touch fill the strip to its end: there it is what lies within `reach` of its middle.
    """
    rows = np.flatnonzero(inked)
    middle = inked.size / 2
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    run = min(runs, key=lambda r: max(r[0] - middle, middle - r[-1], 0.0))
    upper = int(run[0]) if run[0] > 0 else round(middle - reach)
    lower = int(run[-1]) if run[-1] < inked.size - 1 else round(middle + reach)
    return upper, lower


def _crosses(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether box a overlaps box b in x, and in y by three tenths of b's height."""
    return min(a[2], b[2]) - max(a[0], b[0]) > 0 and min(a[3], b[3]) - max(a[1], b[1]) > 0.3 * (b[3] - b[1])
