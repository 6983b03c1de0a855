"""The numbers at risk printed below survival curves: a row for each arm, a number under each tick of the time axis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.ocr import TextBox, read_box
from digitize.panels import Panel
from digitize.series import Series

BENEATH = 0.25  # of the distance between ticks: how far beside its tick a number may stand
SAME_ROW = 0.6  # of the height of a digit
FEWEST = 2  # numbers that make a row
FULL = 0.6  # share of the ticks, up to the row's last number, under which one must stand
SURE = 0.8  # confidence from which on a number is believed
MISREAD = 0.01  # by how much the curve's height may be misread where numbers are held against it
BESIDE = 1.0  # px: a step that stands at a tick may come before or after it
FEW_PER_CENT = 2.0  # an axis of shares does not reach this far
ALIKE = 0.75  # likeness of a printed name to that of a curve
FAINT = 60  # grey levels between the paper and the faintest number that is looked for
NUMBER = re.compile(r"(\d{1,3}(?:[ ,.]\d{3})+|\d+)\s*(?:\(\s*\d+\s*\))?")
"""A whole number, perhaps with thousands set apart, perhaps with the events so far in brackets behind it."""


@dataclass(frozen=True)
class RiskRow:
    """The numbers at risk of one arm: its printed name, the curve that it belongs to (empty where none is like it), and its numbers.

    `time` are values of the time axis; `number` holds None where a tick has no number that could be read. `flags` say what is doubtful.
    """

    arm: str
    curve: str
    time: tuple[float, ...]
    number: tuple[int | None, ...]
    flags: tuple[str, ...] = ()


def read_numbers_at_risk(panel: Panel, curves: Sequence[Series]) -> tuple[RiskRow, ...]:
    """The rows of numbers under the time axis of a survival plot, upper row first; none where no such table is printed.

    Parameters
    ----------
    panel : Panel
        In the upright view, with a numeric time axis.
    curves : sequence of Series
        The plot's curves: rows are assigned to them by name, and held against them.
    """
    rows = _assigned(printed_rows(panel), [c.name for c in curves if c.name])
    return tuple(_held_against(row, next((c for c in curves if row.curve and c.name == row.curve), None), panel) for row in rows)


def printed_rows(panel: Panel) -> tuple[RiskRow, ...]:
    """The rows as printed, not yet assigned to curves."""
    if not isinstance(panel.x, Axis) or panel.is_turned:
        return ()
    ticks = [(t.px, t.value) for t in panel.x.calibration.ticks if t.used]
    floor = max((b.box[3] for b in panel.x.boxes), default=float(panel.box[3]))
    below = [t for t in panel.texts if t.rotation == 0 and t.box[1] > floor]
    found: list[RiskRow] = []
    above: list[TextBox] = []
    for line in _lines(below, panel.height):
        row = _row(panel.image, line, above, ticks)
        above = [] if row is not None else line
        if row is not None:
            found.append(row)
    return tuple(found)


def _held_against(row: RiskRow, curve: Series | None, panel: Panel) -> RiskRow:
    """The row with a flag where more participants are left than the curve lets survive.

    Of those at risk at one time the share still at risk at a later one is at most the share that has had no event: with censoring it is
    less.
    """
    if curve is None or not curve.marks:
        return row
    share = [_surviving(curve, time, panel) for time in row.time]
    known = [(n, s) for n, s in zip(row.number, share, strict=True) if n is not None]
    for (n, s), (m, r) in pairwise(known):
        if s <= 0 or m > n * min(1.0, r / s) + 0.5 + n * MISREAD / s:
            return replace(row, flags=tuple(dict.fromkeys((*row.flags, "at_risk_doubtful"))))
    return row


def _surviving(curve: Series, time: float, panel: Panel) -> float:
    """The share without an event just before a time, as the curve shows it."""
    assert isinstance(panel.x, Axis)
    whole = 100.0 if max(t.value for t in panel.y.calibration.ticks if t.used) > FEW_PER_CENT else 1.0
    heights = [float(panel.y.calibration.to_value(m.y.px)) / whole for m in curve.marks]
    before = [y for m, y in zip(curve.marks, heights, strict=True) if float(panel.x.calibration.to_value(m.x.px + BESIDE)) < time]
    if not before:
        return 1.0
    return before[-1] if heights[0] >= heights[-1] else 1 - before[-1]


def _lines(texts: Sequence[TextBox], height: float) -> list[list[TextBox]]:
    """The texts line by line, each from left to right."""
    lines: list[list[TextBox]] = []
    for text in sorted(texts, key=_middle):
        if lines and _middle(text) - float(np.mean([_middle(t) for t in lines[-1]])) < SAME_ROW * height:
            lines[-1].append(text)
        else:
            lines.append([text])
    return [sorted(line, key=lambda t: t.box[0]) for line in lines]


def _middle(text: TextBox) -> float:
    return (text.box[1] + text.box[3]) / 2


def _row(
    image: NDArray[np.uint8], line: Sequence[TextBox], above: Sequence[TextBox], ticks: Sequence[tuple[float, float]]
) -> RiskRow | None:
    """The row of numbers that a line of text is, if it is one."""
    reach = BENEATH * min(abs(b - a) for (a, _), (b, _) in pairwise(ticks))
    numbers = [t for t in line if _number(t) is not None]
    under = [next((t for t in numbers if abs((t.box[0] + t.box[2]) / 2 - px) <= reach), None) for px, _ in ticks]
    stands = [k for k, text in enumerate(under) if text is not None]
    if len(stands) < FEWEST or len(stands) < FULL * (stands[-1] + 1):
        return None
    boxes = [text for text in under if text is not None]
    reached = zip(under[: stands[-1] + 1], ticks, strict=False)
    cells = [text if text is not None else _looked_for(image, px, boxes) for text, (px, _) in reached]
    said = [None if cell is None else _number(cell) for cell in cells]
    known = [n for n in said if n is not None]
    if known[-1] > known[0]:
        return None  # the tick labels of a table drawn as a plot of its own
    left = min(t.box[0] for t in boxes)
    name = " ".join(t.text for t in line if t.box[2] < left) or " ".join(t.text for t in above)
    if under[0] is None and said[0] is not None:  # the name and the first number stand close together and were found as one
        name = name.removesuffix(str(said[0]))
    doubtful = any(cell is None or cell.confidence < SURE for cell in cells) or any(b > a for a, b in pairwise(known))
    return RiskRow(
        name.strip(" :,"), "", tuple(value for _, value in ticks[: len(said)]), tuple(said), ("at_risk_doubtful",) if doubtful else ()
    )


def _number(text: TextBox) -> int | None:
    """The whole number that a text is; None where it is none."""
    whole = NUMBER.fullmatch(text.text.strip())
    return int(re.sub(r"\D", "", whole[1])) if whole else None


def _looked_for(image: NDArray[np.uint8], px: float, others: Sequence[TextBox]) -> TextBox | None:
    """The number under a tick at which no text was found, read where the row's others say it would stand; None where nothing is."""
    half = max(t.box[2] - t.box[0] for t in others) / 2
    box = (px - half, float(np.median([t.box[1] for t in others])), px + half, float(np.median([t.box[3] for t in others])))
    part = image[max(0, round(box[1])) : round(box[3]) + 1, max(0, round(box[0])) : round(box[2]) + 1]
    is_outside = box[0] < 0 or round(box[2]) >= image.shape[1]  # the first or the last number, where the figure was cut close
    if is_outside or not part.size or int(part.max()) - int(part.min()) < FAINT:
        return None
    found = read_box(image, box)
    return found if _number(found) is not None else None


def _assigned(rows: Sequence[RiskRow], curves: Sequence[str]) -> tuple[RiskRow, ...]:
    """Each row with the curve whose name is most like its own; those without a like one carry a flag."""
    assigned = []
    for row in rows:
        likeness = sorted(((_alikeness(row.arm, name), name) for name in curves), reverse=True)
        best = likeness[0] if likeness else (0.0, "")
        is_clear = best[0] >= ALIKE and (len(likeness) < 2 or likeness[1][0] < best[0])
        flags = row.flags if is_clear else (*row.flags, "at_risk_unnamed")
        assigned.append(replace(row, curve=best[1] if is_clear else "", flags=flags))
    taken = [row.curve for row in assigned if row.curve]
    twice = {name for name in taken if taken.count(name) > 1}
    return tuple(replace(row, curve="", flags=(*row.flags, "at_risk_unnamed")) if row.curve in twice else row for row in assigned)


def _alikeness(a: str, b: str) -> float:
    """Likeness of two names, 0 to 1, case and blanks aside; a name that is the other's beginning is like it."""
    one, other = ("".join(text.lower().split()) for text in (a, b))
    if one and other and (one.startswith(other) or other.startswith(one)):
        return 1.0
    return SequenceMatcher(None, one, other).ratio()
