"""A power of ten printed once at the end of an axis, by which all its labels are to be multiplied, or a number to be added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from digitize.axes import Axis
from digitize.ocr import TextBox

MULTIPLIED = "axis_multiplied"
BEYOND = 4.0  # how far from the end of the axis the text may stand, in label heights
FACTOR = re.compile(r"(?:1e|x?10\^?)(?P<exponent>[+-]?\d{1,2})")
SPOILED = re.compile(r"[+-]?\d(?:\.\d+)?e[+-]?\d*|[x+]\d[\d.]*|x.*10.*")
"""What only such a text looks like, though its exponent is lost or it is a number to be added."""


@dataclass(frozen=True)
class _Said:
    """What the text says: the exponent of the factor, or None where it cannot be told."""

    text: str
    exponent: int | None


def with_multiplier(axis: Axis, texts: Sequence[TextBox]) -> Axis:
    """The axis with its values multiplied by the power of ten at its end, flagged; uncertain where the text there cannot be read.

    Parameters
    ----------
    axis : Axis
        As its labels say it.
    texts : sequence of TextBox
        All texts of the figure.
    """
    said = _said_at_end(axis, texts)
    if said is None:
        return axis
    reading, fit = axis.reading, axis.calibration
    if said.exponent is None:
        reason = f"{said.text!r} at the end of the axis says what its labels are to be multiplied by or added to: not applied"
        flags = tuple(dict.fromkeys((*reading.flags, "axis_uncertain")))
        return replace(axis, reading=replace(reading, flags=flags, reason="; ".join(filter(None, (reading.reason, reason)))))
    factor = 10.0**said.exponent
    reason = f"labels multiplied by {factor:g}, read from {said.text!r} at the end of the axis"
    multiplied = fit.times(factor)
    return replace(
        axis,
        reading=replace(
            reading,
            calibration=multiplied,
            runner_up=reading.runner_up.times(factor) if reading.runner_up is not None else None,
            flags=(*reading.flags, MULTIPLIED),
            reason="; ".join(filter(None, (reading.reason, reason))),
            ticks=multiplied.ticks,
        ),
    )


def _said_at_end(axis: Axis, texts: Sequence[TextBox]) -> _Said | None:
    """What a text beyond the last label says about all of them; None where there is none."""
    if not axis.boxes:
        return None
    own = {b.box for b in axis.boxes}
    for text in texts:
        if text.box in own or text.rotation != 0 or not _stands_at_end(axis, text):
            continue
        number = text.number
        # A minus sign of the exponent can stand apart, its digits with it.
        tail = next((t.number for t in texts if number.endswith("e") and _follows(text, t)), "")
        match = FACTOR.fullmatch(number + tail)
        if match and (number.startswith(("1e", "x")) or "^" in number or text.raised):
            return _Said(number + tail, int(match["exponent"]))
        if SPOILED.fullmatch(number):
            return _Said(number, None)
    return None


def _stands_at_end(axis: Axis, text: TextBox) -> bool:
    """Whether a text stands right above an upright axis, or under the right end of the labels of a level one."""
    height = axis.boxes[0].height
    first, last = axis.span_px
    line = axis.marks.axis_line
    # Without a line nothing tells how far the axis runs beyond its last label: less than to the next one.
    step = (last - first) / (axis.n_used - 1)
    first, last = (min(first, line.start), max(last, line.end)) if line is not None else (first - step, last + step)
    reach = BEYOND * height + (step if line is None else 0.0)
    x0, y0, x1, y1 = text.box
    if axis.side.is_upright:
        is_beside = x0 - BEYOND * height <= axis.marks.axis_at <= x1 + BEYOND * height
        return is_beside and first - BEYOND * height <= y1 <= first - BEYOND * height + reach + 0.3 * height
    lowest = max(b.box[3] for b in axis.boxes)
    return lowest < y0 <= lowest + 3 * height and -reach <= x1 - last <= BEYOND * height


def _follows(text: TextBox, other: TextBox) -> bool:
    """Whether a text stands right behind another one, on its line."""
    gap = other.box[0] - text.box[2]
    return 0 < gap <= 1.2 * text.height and min(text.box[3], other.box[3]) - max(text.box[1], other.box[1]) > 0
