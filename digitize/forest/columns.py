"""The texts beside a forest plot, row by row: the name of each row, its printed effect, and columns of numbers under their headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitize.forest.printed import HETEROGENEITY, NUMBER, PAIR, PrintedEffect, find_effect, head_of, number
from digitize.ocr import TextBox, read_box

WORD_GAP = 1.7  # digit heights between two words of one name, at most
NUMBER_GAP = 0.5  # and between a name and a number that belongs to it
YEAR = re.compile(r"(19|20)\d\d")
BRACKETS = (")", "]", "}")
SURE = 0.7  # least confidence of a line that is read at a place where a number is expected


@dataclass(frozen=True)
class PrintedRow:
    """What is printed in one row: its name, its effect, and its numbers by column (two for each where there are two arms)."""

    label: str = ""
    effect: PrintedEffect | None = None
    numbers: dict[str, Any] = field(default_factory=dict)
    heterogeneity: str = ""


@dataclass(frozen=True)
class Columns:
    """All rows, and the headings over the effect's column."""

    rows: tuple[PrintedRow, ...]
    heading: str = ""
    arms: tuple[str, ...] = ()


def read_columns(image: NDArray[np.uint8], texts: Sequence[TextBox], rows_y: Sequence[float], plot: tuple[float, float]) -> Columns:
    """What is printed in the rows of a forest plot.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    texts : sequence of TextBox
        All texts of the figure.
    rows_y : sequence of float
        Where the rows are drawn, top to bottom.
    plot : (x0, x1)
        What lies between is no column.
    """
    level = [t for t in texts if t.rotation == 0 and any(c.isalnum() or c == "%" for c in t.text)]
    outside = [t for t in level if not plot[0] < (t.box[0] + t.box[2]) / 2 < plot[1]]
    cells = _cells(outside, rows_y)
    names = [_name(row, plot) for row in cells]
    names = [name or _name_again(image, row, names, k) for k, (name, row) in enumerate(zip(names, cells, strict=True))]
    effects = [_effect(row) or _effect_in_brackets(image, row) for row in cells]
    found = [window for _, window in filter(None, effects)]
    extent = (min(w[0].box[0] for w in found), max(w[-1].box[2] for w in found)) if found else None
    read: list[PrintedRow] = []
    rests = []
    for row, name, effect in zip(cells, names, effects, strict=True):
        printed = effect[0] if effect and effect[0].is_ordered else _effect_again(image, row, extent) or (effect[0] if effect else None)
        own = {id(t) for t in (*name, *(effect[1] if effect else ()))}
        rest = [t for t in row if id(t) not in own and not (extent and extent[0] - 2 <= _middle(t) <= extent[1] + 2)]
        label, heterogeneity = _label(name)
        read.append(PrintedRow(label, printed, {}, heterogeneity))
        rests.append(rest)
    top = min((t.box[1] for row in cells for t in row), default=0.0)
    heads = [t for t in level if t.box[3] < top + 0.3 * t.height]
    numbers = _numbers(rests, heads)
    rows = tuple(PrintedRow(r.label, r.effect, n, r.heterogeneity) for r, n in zip(read, numbers, strict=True))
    heading = " ".join(t.text for t in heads if extent and extent[0] - 5 <= _middle(t) <= extent[1] + 5)
    return Columns(rows, heading)


def count_named(texts: Sequence[TextBox], rows_y: Sequence[float], plot: tuple[float, float]) -> int:
    """How many rows have a name of two letters or more beside them; a lone one is a mark or the letter of a panel."""
    outside = [t for t in texts if t.rotation == 0 and not plot[0] < _middle(t) < plot[1]]
    names = (_name(row, plot) for row in _cells(outside, rows_y))
    return sum(sum(c.isalpha() for t in name for c in t.text) >= 2 for name in names)


def undrawn_rows(texts: Sequence[TextBox], rows_y: Sequence[float], plot: tuple[float, float]) -> list[float]:
    """Where a name stands in the column of names and print in that of effects, but no row was drawn that could be recognised."""
    level = [t for t in texts if t.rotation == 0 and not plot[0] < _middle(t) < plot[1]]
    cells = _cells(level, rows_y)
    names = [name[0] for name in (_name(row, plot) for row in cells) if name]
    effects = [t for effect in map(_effect, cells) if effect for t in effect[1]]
    if len(names) < 2 or not effects:
        return []
    left, height = float(np.median([t.box[0] for t in names])), float(np.median([t.height for t in names]))
    x0, x1 = min(t.box[0] for t in effects), max(t.box[2] for t in effects)
    own = {id(t) for row in cells for t in row}
    pitch, others = float(np.median(np.diff(rows_y))), [t for t in level if id(t) not in own]
    shift = float(np.median([_level(t) - y for row, y in zip(cells, rows_y, strict=True) for t in row]))
    printed = [_level(t) for t in others if x0 - 2 <= _middle(t) <= x1 + 2 and any(c.isdigit() for c in t.text)]
    named = [_level(t) for t in others if abs(t.box[0] - left) < height and any(c.isalpha() for c in t.text)]
    places = [y - shift for y in named if any(abs(y - other) < 0.6 * height for other in printed)]
    return [y for y in places if min(rows_y) - 2 * pitch < y < max(rows_y) + 2 * pitch]


def _middle(box: TextBox) -> float:
    return (box.box[0] + box.box[2]) / 2


def _level(box: TextBox) -> float:
    return (box.box[1] + box.box[3]) / 2


def _cells(texts: Sequence[TextBox], rows_y: Sequence[float]) -> list[list[TextBox]]:
    """The texts of each row, left to right; texts may stand a little above or below all rows' marks."""
    at = np.asarray(rows_y, dtype=float)
    if not texts or not at.size:
        return [[] for _ in rows_y]
    usual = float(np.median([t.height for t in texts]))
    pitch = min([*np.diff(at).tolist(), 4 * usual])
    middles = np.array([_level(t) for t in texts])
    off = middles - at[np.abs(middles[:, None] - at).argmin(axis=1)]
    near = off[np.abs(off) < 0.5 * pitch]
    shift = float(np.median(near)) if near.size else 0.0
    rows: list[list[TextBox]] = [[] for _ in rows_y]
    for text, middle in zip(texts, middles.tolist(), strict=True):
        k = int(np.abs(at + shift - middle).argmin())
        if abs(at[k] + shift - middle) < min(0.5 * pitch, 0.8 * usual + 2):
            rows[k].append(text)
    return [sorted(row, key=lambda t: t.box[0]) for row in rows]


# Names


def _name(row: Sequence[TextBox], plot: tuple[float, float]) -> list[TextBox]:
    """The leftmost text with letters and the words that follow it closely."""
    for k, text in enumerate(row):
        if not any(c.isalpha() for c in text.text) or find_effect(text.text):
            continue
        words = [text]
        for a, b in pairwise(row[k:]):
            gap = b.box[0] - a.box[2]
            is_number = NUMBER.fullmatch(b.text.strip()) is not None and not YEAR.fullmatch(b.text.strip())
            if gap > (NUMBER_GAP if is_number else WORD_GAP) * text.height or (a.box[0] < plot[0] < b.box[0]):
                break
            words.append(b)
        return words
    return []


def _name_again(image: NDArray[np.uint8], row: Sequence[TextBox], names: Sequence[Sequence[TextBox]], k: int) -> list[TextBox]:
    """The name of a row where nothing was found, read at the place where the other rows have theirs."""
    others = [n for n in names if n]
    if len(others) < 2 or not row:
        return []
    x0, x1 = min(n[0].box[0] for n in others), max(n[-1].box[2] for n in others)
    x1 = min([x1, *(t.box[0] - t.height / 2 for t in row if t.box[0] > x0)])
    y0, y1 = min(t.box[1] for t in row), max(t.box[3] for t in row)
    found = _read(image, (x0, y0, x1, y1))
    return [found] if found is not None and any(c.isalpha() for c in found.text) and found.confidence > 0.6 else []


def _label(name: Sequence[TextBox]) -> tuple[str, str]:
    """The name in words, and what is said of heterogeneity behind it."""
    text = " ".join(t.text for t in name).strip()
    match = HETEROGENEITY.search(text)
    return (text[: match.start()].strip(), match[0].strip()) if match and match.start() > 0 else (text, "")


# Effects


def _effect(row: Sequence[TextBox]) -> tuple[PrintedEffect, list[TextBox]] | None:
    """The effect in a row: in as few neighbouring texts as hold one."""
    for size in range(1, min(6, len(row)) + 1):
        for k in range(len(row) - size + 1):
            window = list(row[k : k + size])
            effect = find_effect(" ".join(t.text for t in window))
            if effect is not None and min(t.confidence for t in window) > 0.5:
                return effect, window
    return None


def _effect_in_brackets(image: NDArray[np.uint8], row: Sequence[TextBox]) -> tuple[PrintedEffect, list[TextBox]] | None:
    """The effect that ends with a closing bracket: read as one line where its parts were read apart or one was overlooked."""
    for last in (k for k, t in enumerate(row) if t.text.rstrip()[-1:] in BRACKETS):
        for first in range(last, max(-1, last - 4), -1):
            window = list(row[first : last + 1])
            whole = (window[0].box[0], min(t.box[1] for t in window), window[-1].box[2], max(t.box[3] for t in window))
            found = _read(image, whole)
            effect = find_effect(found.text) if found is not None and found.confidence > SURE else None
            if effect is not None and effect.is_ordered:
                return effect, window
    return None


def _effect_again(image: NDArray[np.uint8], row: Sequence[TextBox], extent: tuple[float, float] | None) -> PrintedEffect | None:
    """The effect read at the place where the other rows have theirs."""
    if extent is None or not row:
        return None
    found = _read(image, (extent[0], min(t.box[1] for t in row), extent[1], max(t.box[3] for t in row)))
    return find_effect(found.text) if found is not None and found.confidence > SURE else None


def _read(image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> TextBox | None:
    h, w = image.shape[:2]
    x0, y0, x1, y1 = max(0.0, box[0]), max(0.0, box[1]), min(w - 1.0, box[2]), min(h - 1.0, box[3])
    return read_box(image, (x0, y0, x1, y1)) if x1 - x0 > 4 and y1 - y0 > 4 else None


# Columns of numbers


def _numbers(rows: Sequence[Sequence[TextBox]], heads: Sequence[TextBox]) -> list[dict[str, Any]]:
    """The numbers of each row by the headings over them; a heading that stands twice gives a list of two."""
    numeric = [[t for t in row if NUMBER.fullmatch(t.text.strip()) or PAIR.fullmatch(t.text.strip())] for row in rows]
    every = [t for row in numeric for t in row]
    spans = _spans(every)
    names = _repeated([_names(span, heads, every) for span in spans])
    found: list[dict[str, Any]] = []
    for row in numeric:
        values: dict[str, list[float | None]] = {}
        for span, titles in zip(spans, names, strict=True):
            cell = next((t.text for t in row if span[0] <= _middle(t) <= span[1]), "")
            parts: list[float | None] = [number(part) for part in NUMBER.findall(cell)]
            for k, title in enumerate(titles):
                values.setdefault(title, []).append(parts[k] if len(parts) == len(titles) else None)
        known = {name: each for name, each in values.items() if any(v is not None for v in each)}
        found.append({name: each if len(each) > 1 else each[0] for name, each in known.items()})
    return found


def _names(span: tuple[float, float], heads: Sequence[TextBox], texts: Sequence[TextBox]) -> tuple[str, ...]:
    """What the numbers of a column are: one name, two where its cells hold pairs ("16/18", "4.5 (1.2)"), none where it is not known."""
    own = [t.text.strip() for t in texts if span[0] <= _middle(t) <= span[1]]
    if sum("/" in text for text in own) > 0.5 * len(own):
        return ("events", "total")
    if sum(PAIR.fullmatch(text) is not None for text in own) > 0.5 * len(own):
        return ("mean", "sd")
    name = _heading(span, heads)
    if name is None and sum("%" in text for text in own) > 0.5 * len(own):
        name = "weight"
    return (name,) if name else ()


def _repeated(names: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The names, gaps filled where the columns of the second arm repeat those of the first: events, total, events, (total)."""
    first = next((k for k, n in enumerate(names) if n and names.count(n) == 2), None)
    if first is None:
        return names
    period = names.index(names[first], first + 1) - first
    filled = list(names)
    for k in range(first, min(first + period, len(names) - period)):
        one, other = names[k], names[k + period]
        filled[k], filled[k + period] = one or other, other or (one if one != ("weight",) else ())
    return filled


def _spans(texts: Sequence[TextBox]) -> list[tuple[float, float]]:
    """Columns: the stretches along x that texts cover."""
    spans: list[tuple[float, float]] = []
    for text in sorted(texts, key=lambda t: t.box[0]):
        if spans and text.box[0] <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], text.box[2]))
        else:
            spans.append((text.box[0], text.box[2]))
    return spans


def _heading(span: tuple[float, float], heads: Sequence[TextBox]) -> str | None:
    """The lowest heading over a column that is known."""
    over = [t for t in heads if t.box[0] - t.height <= span[1] and t.box[2] + t.height >= span[0]]
    for head in sorted(over, key=lambda t: -t.box[3]):
        level = sorted((t for t in over if abs(_level(t) - _level(head)) < 0.5 * head.height), key=lambda t: t.box[0])
        name = head_of(" ".join(t.text for t in level))
        if name is not None:
            return name
    return None
