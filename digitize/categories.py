"""The names along an axis: the row of texts under a plot, upright or turned, in one level or two; and the titles of axes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calibration import CategoryAxis, is_date, parse_number
from digitize.axes import Axis
from digitize.labelruns import RUN_OF_DIGITS
from digitize.ocr import TextBox

NAMES_REACH = 4.5  # how far under the plot names begin, in label heights
TITLE_REACH = 8.0  # how far beyond the labels a title stands, in label heights
FRACTION = re.compile(r"1/\d+|\d+/\d")  # a titre or a share, and a date only perhaps
NUMERIC = re.compile(r"[\d.,eE+\-% ]+")
RANGE = re.compile(r"(?<![eE])[\s\d]-\s?\d")
PANEL_LETTER = re.compile(r"[(\[]?[a-l][)\].:]?", re.IGNORECASE)


@dataclass(frozen=True)
class Categories:
    """The names along an axis without numbers, as read: a category axis and the boxes that it came from.

    `are_dates` tells that the names are dates or times of day: places between two of them then mean something that names cannot say.
    `numbers` is the axis that they make where they are dates or counted words and stand where those say.
    """

    axis: CategoryAxis
    boxes: tuple[TextBox, ...]
    are_dates: bool = False
    numbers: Axis | None = None

    @property
    def run_together(self) -> bool:
        """Whether a name can only be several numbers whose labels touch, or numbers stand in no order: none is then known by its place."""
        return any(_is_run(b.text) for b in self.boxes) or _in_no_order([b.text for b in self.boxes])

    @property
    def may_be_letters(self) -> bool:
        """Whether these may be the letters of the panels beneath and no names."""
        return len(self.boxes) <= 3 and all(PANEL_LETTER.fullmatch(b.text.strip()) for b in self.boxes)


def _in_no_order(names: Sequence[str]) -> bool:
    """Whether most of the names are numbers, three or more, that neither rise nor fall: some of them were misread."""
    values = [parsed[0].value for name in names if (parsed := parse_number(name.strip()))]
    steps = np.sign(np.diff(values))
    return len(values) >= 3 and 2 * len(values) > len(names) and len(set(steps)) > 1


def _is_run(text: str) -> bool:
    """Whether a text holds nothing but signs of numbers, four digits or more, and is neither one number nor a date nor a range (`0-10`).

    Nor is one word that begins with a digit and has eight or more a number or a name: digits that touch read as letters.
    """
    plain = text.strip().replace("\u2212", "-")
    count = sum(map(str.isdigit, plain))
    if count >= RUN_OF_DIGITS and plain[0].isdigit() and " " not in plain:
        return not is_date(plain)
    is_numeric = NUMERIC.fullmatch(plain) is not None and count >= 4
    return is_numeric and not (parse_number(plain) or is_date(plain) or RANGE.search(plain))


def find_categories(boxes: Sequence[TextBox], plot: tuple[int, int, int, int], height: float) -> Categories | None:
    """The names under a plot; None where no text stands there.

    They stand in the first row under the plot, or are turned and hang there. Where the names of that row repeat and a second row says under
    which heading, the heading is put before the name.

    Parameters
    ----------
    boxes : sequence of TextBox
        Texts that belong to no other axis.
    plot : tuple of int
        Inside of the plot: x0, y0, x1, y1.
    height : float
        Height of the tick labels' digits, px.
    """
    x0, _, x1, y1 = plot
    named = [b for b in boxes if any(c.isalnum() for c in b.text)]
    under = [b for b in named if x0 - height < _middle(b) < x1 + height and -0.3 * height <= b.box[1] - y1 < NAMES_REACH * height]
    turned = [b for b in under if b.rotation == 90]
    row = turned if len(turned) >= 2 else _first_row([b for b in under if b.rotation == 0], height)
    if not row:
        return None
    row = sorted(row, key=_middle)
    names = _with_headings(row, [b for b in under if b.rotation == 0 and b not in row], height)
    are_dates = len(row) > 1 and all(is_date(b.text) and not FRACTION.fullmatch(b.text.strip()) for b in row)
    return Categories(CategoryAxis(_with_noughts(names), tuple(_middle(b) for b in row)), tuple(row), are_dates)


def _with_noughts(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, a last letter O read as the nought that it is where the others count on: "TO", "T1", "T2"."""
    counted = {match[1] for name in names if (match := re.fullmatch(r"([A-Za-z]+)\d+", name))}
    return tuple(f"{name[:-1]}0" if name[-1:] in "Oo" and name[:-1] in counted else name for name in names)


def _middle(box: TextBox) -> float:
    return (box.box[0] + box.box[2]) / 2


def _first_row(boxes: Sequence[TextBox], height: float) -> list[TextBox]:
    if not boxes:
        return []
    first = min(boxes, key=lambda b: b.box[1])
    top, bottom = first.box[1], first.box[3]
    # A name that other ink touches is taller than the others of its row.
    return [b for b in boxes if b.box[1] < top + 0.8 * height or min(b.box[3], bottom) - b.box[1] > 0.6 * height]


def _with_headings(row: Sequence[TextBox], below: Sequence[TextBox], height: float) -> tuple[str, ...]:
    """The names, each after its heading where the row repeats itself under two headings or more."""
    names = [b.text for b in row]
    heads = sorted(_first_row(below, height), key=_middle)
    if len(heads) < 2 or len(names) % len(heads):
        return tuple(names)
    period = len(names) // len(heads)
    repeats = period > 1 and all(name == names[k % period] for k, name in enumerate(names))
    if not repeats:
        return tuple(names)
    centres = [np.mean([_middle(b) for b in row[k : k + period]]) for k in range(0, len(row), period)]
    spacing = np.ptp(centres) / (len(centres) - 1)
    if any(abs(c - _middle(h)) > 0.35 * spacing for c, h in zip(centres, heads, strict=True)):
        return tuple(names)
    return tuple(f"{heads[k // period].text} {name}" for k, name in enumerate(names))


def y_title(texts: Sequence[TextBox], plot: tuple[int, int, int, int], labels_left: float, height: float) -> str:
    """The turned words left of an upright axis's labels, line by line; empty where there are none."""
    _, y0, _, y1 = plot
    beside = [
        b
        for b in texts
        if b.rotation == 90
        and b.box[2] <= labels_left + 0.5 * height
        and b.box[0] > labels_left - TITLE_REACH * height
        and y0 - 2 * height < (b.box[1] + b.box[3]) / 2 < y1 + 2 * height
    ]
    lines: list[list[TextBox]] = []
    for box in sorted(beside, key=_middle):
        if lines and _middle(box) - np.mean([_middle(b) for b in lines[-1]]) < 0.6 * height:
            lines[-1].append(box)
        else:
            lines.append([box])
    return " ".join(b.text for line in lines for b in sorted(line, key=lambda b: -b.box[3]))


def x_title(texts: Sequence[TextBox], plot: tuple[int, int, int, int], labels_bottom: float, height: float) -> str:
    """The words under the labels of a level axis: the first line whose words stand together; empty where there is none."""
    x0, _, x1, _ = plot
    below = [
        b
        for b in texts
        if b.rotation == 0
        and x0 - 2 * height < _middle(b) < x1 + 2 * height
        and labels_bottom - 0.3 * height <= b.box[1] < labels_bottom + 5 * height
        and any(c.isalnum() for c in b.text)
    ]
    while below:
        row = sorted(_first_row(below, height), key=_middle)
        if all(b.box[0] - a.box[2] < 1.5 * height for a, b in pairwise(row)):
            return " ".join(b.text for b in row)
        below = [b for b in below if b not in row]
    return ""
