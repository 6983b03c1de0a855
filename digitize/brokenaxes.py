"""Broken axes: two scales on one line, a gap, slashes or a zigzag between them, and bars that run through.

The gap is closed in the image, so that bars and axis line run through it, and the two axes become one whose scale has a break.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration, AxisReading, Broken
from calibration.axis import GRID_PX
from digitize.axes import Axis
from digitize.lines import Line, find_lines
from digitize.ocr import TextBox
from digitize.ticks import INK
from digitize.turned import Turn

BROKEN = "axis_broken"
NEAR, SPACINGS = 4.0, 1.3  # label heights, and steps of ticks, that the labels beside a break are apart at most
SAME_COLUMN = 0.6  # label heights by which the columns of both parts differ at most
SAME_LINE_PX = 2.5  # by which the axis lines of both parts differ at most
LEVEL_SHARE = 0.5  # of the length of the axis line: a level line as long between two axes parts two plots
MARGIN = 0.3  # label heights beside a gap whose edges are blurred
WIDEST = 6  # px beside the axis line within which its ink lies where it is drawn a little off


@dataclass(frozen=True)
class Mended:
    """An image whose broken axes are closed, with its axes and lines; `is_broken` tells whether there was any."""

    image: NDArray[np.uint8]
    axes: tuple[Axis, ...]
    lines: tuple[Line, ...]
    is_broken: bool


def with_breaks_closed(
    image: NDArray[np.uint8], axes: Sequence[Axis], lines: Sequence[Line], texts: Sequence[TextBox], least: int
) -> Mended:
    """The image with the gaps of broken axes closed, and each such axis as one.

    Where no gap shows between the parts, the break is taken to lie somewhere between the ticks beside it.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    axes : sequence of Axis
        As found: the parts of a broken axis are axes of their own.
    lines : sequence of Line
        Straight lines of the image.
    texts : sequence of TextBox
        Of the image; names in the gap part two plots.
    least : int
        Length in px of the lines that are looked for again.
    """
    upright = _with_upright_closed(image, axes, lines, texts, least)
    turn = Turn((image.shape[0], image.shape[1]))
    view = turn.image(upright.image), [turn.axis(a) for a in upright.axes], [turn.line(line) for line in upright.lines]
    level = _with_upright_closed(*view, [turn.text(t) for t in texts], least)
    if not level.is_broken:
        return upright
    back = turn.back
    found, again = tuple(back.axis(a) for a in level.axes), tuple(back.line(line) for line in level.lines)
    return Mended(back.image(level.image), found, again, is_broken=True)


def _with_upright_closed(
    image: NDArray[np.uint8], axes: Sequence[Axis], lines: Sequence[Line], texts: Sequence[TextBox], least: int
) -> Mended:
    """The image with the gaps of its upright axes closed."""
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    result, found, is_broken = image, list(axes), False
    for upper, lower in permutations(axes, 2):
        if not _are_parts(upper, lower, lines, texts) or not any(upper is a for a in found) or not any(lower is a for a in found):
            continue
        gap = _gap(gray, upper, lower)
        if gap is not None:
            result = _closed(result, lower, gap, lines, axes)
        found = [_joined(upper, lower, gap) if a is lower else a for a in found if a is not upper]
        is_broken = True
    if not is_broken:
        return Mended(image, tuple(axes), tuple(lines), is_broken=False)
    again = find_lines(np.asarray(cv2.cvtColor(result, cv2.COLOR_RGB2GRAY), dtype=np.uint8), least)
    return Mended(result, tuple(_on_line(a, again) if BROKEN in a.reading.flags else a for a in found), again, is_broken=True)


def _are_parts(upper: Axis, lower: Axis, lines: Sequence[Line], texts: Sequence[TextBox]) -> bool:
    """Whether two axes stand one above the other in one column and on one line, the values of the upper one beyond the lower one's."""
    if not are_on_one_line(upper, lower) or not upper.boxes or not lower.boxes:
        return False
    if upper.marks.axis_line is None or lower.marks.axis_line is None:
        return False
    if {upper.calibration.scale.name, lower.calibration.scale.name} != {"linear"}:
        return False
    height = max(b.height for b in lower.boxes)
    apart, limit = lower.span_px[0] - upper.span_px[1], max(NEAR * height, SPACINGS * min(_step_px(upper), _step_px(lower)))
    if upper.marks.axis_line != lower.marks.axis_line:
        apart, limit = lower.marks.axis_line.start - upper.marks.axis_line.end, NEAR * height
    is_column = abs(upper.inner_edge - lower.inner_edge) <= SAME_COLUMN * height
    if not (is_column and 0.0 < apart <= limit) or parting_line(upper, lower, lines) is not None:
        return False
    least, most = min(t.value for t in upper.calibration.ticks if t.used), max(t.value for t in lower.calibration.ticks if t.used)
    both_rise = upper.calibration.slope < 0 and lower.calibration.slope < 0
    return both_rise and least > most and not _has_names_between(upper, lower, texts)


def perhaps_broken(axis: Axis) -> Axis:
    """One part of a broken axis that is read on its own: in doubt, for what stands on it may run through the break."""
    said = "another scale goes on along its line: the axis may be broken"
    reason = "; ".join(filter(None, [axis.reading.reason, said]))
    return replace(axis, reading=replace(axis.reading, flags=tuple(dict.fromkeys((*axis.reading.flags, BROKEN))), reason=reason))


def parting_line(upper: Axis, lower: Axis, lines: Sequence[Line]) -> Line | None:
    """The level line that parts the plots of two axes one above the other, as the frames of both do; None where there is none."""
    first, last = upper.span_px[1], lower.span_px[0]
    reach = LEVEL_SHARE * (lower.span_px[1] - upper.span_px[0])
    level = [line for line in lines if not line.upright and first - 2 < line.at < last + 2 and line.length > reach]
    through = [line for line in level if line.start - SAME_LINE_PX <= upper.marks.axis_at <= line.end + SAME_LINE_PX]
    return max(through, key=lambda line: line.length, default=None)


def are_on_one_line(upper: Axis, lower: Axis) -> bool:
    """Whether two axes stand one above the other along one line."""
    if upper.side.name != lower.side.name or not upper.side.is_upright:
        return False
    return abs(upper.marks.axis_at - lower.marks.axis_at) <= SAME_LINE_PX and upper.span_px[1] < lower.span_px[0]


def _has_names_between(upper: Axis, lower: Axis, texts: Sequence[TextBox]) -> bool:
    """Whether names in a row stand between two axes: then they are those of two plots."""
    first, last, at = upper.span_px[1], lower.span_px[0], lower.marks.axis_at
    words = [t for t in texts if t.rotation == lower.boxes[0].rotation and t.box[0] > at and any(map(str.isalnum, t.text))]
    return sum(first < (t.box[1] + t.box[3]) / 2 < last for t in words) > 1


def _step_px(axis: Axis) -> float:
    px = np.sort([t.px for t in axis.calibration.ticks if t.used])
    return float(np.median(np.diff(px)))


def _gap(gray: NDArray[np.uint8], upper: Axis, lower: Axis) -> tuple[int, int] | None:
    """First and last row between the parts of an axis where its line is interrupted; None where it is not."""
    at = lower.marks.axis_line.at if lower.marks.axis_line is not None else lower.marks.axis_at
    first, last = round(upper.span_px[1]), round(lower.span_px[0])
    columns = gray[first : last + 1, max(0, round(at) - 1) : round(at) + 2].astype(np.int16)
    paper = int(np.median(gray))
    bare = np.flatnonzero((paper - columns).max(axis=1, initial=0) < INK)
    return (first + int(bare[0]), first + int(bare[-1])) if bare.size else None


def _closed(image: NDArray[np.uint8], lower: Axis, gap: tuple[int, int], lines: Sequence[Line], axes: Sequence[Axis]) -> NDArray[np.uint8]:
    """The image with the rows of a gap, from the axis line to the right end of its plot, filled with what stands above and below."""
    at, foot = lower.marks.axis_at, lower.span_px[1]
    height = max(b.height for b in lower.boxes)
    ends = [line.end for line in lines if not line.upright and abs(line.start - at) < 2 * height and abs(line.at - foot) < 2 * height]
    beyond = [a.marks.axis_at - NEAR * height for a in axes if a.side.name == lower.side.name and a.marks.axis_at > at + NEAR * height]
    right = round(max(ends)) if ends else round(min([*beyond, image.shape[1] - 1.0]))
    left = max(0, round(at) - WIDEST // 2)
    margin = max(2, round(MARGIN * height))
    top, bottom = max(1, gap[0] - margin), min(image.shape[0] - 2, gap[1] + margin)
    middle = (top + bottom + 1) // 2
    closed = image.copy()
    closed[top:middle, left : right + 1] = image[top - 1, left : right + 1]
    closed[middle : bottom + 1, left : right + 1] = image[bottom + 1, left : right + 1]
    return closed


def _joined(upper: Axis, lower: Axis, gap: tuple[int, int] | None) -> Axis:
    """The two parts as one axis, whose scale has its break in the gap, or between the ticks beside it where none shows."""
    above, below = upper.calibration, lower.calibration
    first, last = (upper.span_px[1], lower.span_px[0]) if gap is None else (gap[0] - 0.5, gap[1] + 0.5)
    scale = Broken(
        below=float(below.to_value(last)),
        above=float(above.to_value(first)),
        step=abs(below.slope) * (last - first),
        factor=below.slope / above.slope,
    )
    ticks = tuple(sorted((*upper.reading.ticks, *lower.reading.ticks), key=lambda t: t.px))
    is_refused = any(not t.used and any(map(str.isdigit, t.label)) for t in ticks)
    flags = [f for axis in (lower, upper) for f in axis.reading.flags if f != "labels_refused"]
    flags += ["labels_refused"] if is_refused else []
    reading = AxisReading(
        calibration=AxisCalibration.from_ticks(ticks, scale=scale, u_common_px=GRID_PX),
        runner_up=None,
        flags=tuple(dict.fromkeys((*flags, BROKEN))),
        reason=f"the axis is broken between {scale.below:.4g} and {scale.above:.4g}",
        ticks=ticks,
    )
    px, first_of = np.unique(np.concatenate([upper.marks.px, lower.marks.px]), return_index=True)
    length = np.concatenate([upper.marks.length, lower.marks.length])[first_of]
    marks = replace(lower.marks, px=px, length=length)
    return replace(lower, boxes=(*upper.boxes, *lower.boxes), marks=marks, reading=reading)


def _on_line(axis: Axis, lines: Sequence[Line]) -> Axis:
    """The axis on the line that runs along both of its parts now."""
    first, last = axis.span_px
    along = [line for line in lines if line.upright and abs(line.at - axis.marks.axis_at) <= SAME_LINE_PX]
    best = max(along, key=lambda line: min(line.end, last) - max(line.start, first), default=None)
    return axis if best is None else replace(axis, marks=replace(axis.marks, axis_line=best))
