"""Numeric axes of a figure: rows and columns of tick labels, the tick marks beside them, and the calibration that both agree on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration, AxisReading, Label, parse_number, read_axis, read_worded_axis
from calibration.axis import EDGE_PX, GRID_PX, PHASE_PX, SCATTERED_PX, SHARP_PX, SHARP_WIDTH_PX, SNAPPED_PX, STEPPED_PX
from digitize.lines import Line
from digitize.ocr import TextBox
from digitize.ticks import Side, SideName, TickMarks, find_ticks, is_on_edges, is_snapped, stroke_look

MIN_CONFIDENCE = 0.5
LIKE_DIGITS = frozenset("oOQDlIiSsBZzgqbeEx%")  # letters that a digit or a sign of a number is read as
MIRRORED = 0.15  # of the distance of two ticks, by which the label beyond the zero of a mirrored axis stands off
MOST_DIGITS = 12  # of a label
MOST_LABELS = 40  # no axis has more; a longer column is a table
MOST_SPLITS = 3  # how often a row or column of labels is cut to find the axes of panels beside one another
NOISE_WEIGHT = 2.0  # the noise beside a stroke is less than that within it
SIGN_FROM, SIGN_TO = 0.1, 0.6  # digit heights before a number between which its minus sign, if it has one, stands at least in part
FAINT_SIGN, LEAST_SIGNED_PX = 20, 5  # grey levels by which it differs from the paper at least; smaller digits may have lost it
STRAIGHT = 0.15  # steps of numbers by which they may stand off a straight line
PIECES = 0.3  # share of an axis's labels beside which digits stand where they are parts of longer ones


@dataclass(frozen=True)
class Axis:
    """A numeric axis that was found: the side it stands on, its labels, tick marks and what they say together.

    `unit` is what its values count where the labels say so: `week`, `days since 1970-01-01`.
    """

    side: Side
    boxes: tuple[TextBox, ...]
    marks: TickMarks
    reading: AxisReading
    unit: str = ""

    @property
    def calibration(self) -> AxisCalibration:
        """The fit; axes without one are never built."""
        assert self.reading.calibration is not None
        return self.reading.calibration

    @property
    def n_used(self) -> int:
        """Labels that agree with the fit."""
        return sum(t.used for t in self.calibration.ticks)

    @property
    def span_px(self) -> tuple[float, float]:
        """First and last used tick along the axis."""
        px = [t.px for t in self.calibration.ticks if t.used]
        return min(px), max(px)

    @property
    def inner_edge(self) -> float:
        """Image x (or y) of the labels' edge towards the plot."""
        if not self.boxes:
            return self.marks.axis_at
        return self.side.across(max(self.side.span(b.box)[3] for b in self.boxes))

    @property
    def strength(self) -> float:
        """For ranking: agreeing labels, then strokes and an axis line, less refused labels."""
        # An axis line weighs more than strokes: these may be the letters of a title beside the labels.
        return self.n_used - 0.5 * (len(self.boxes) - self.n_used) + 1.0 * self.marks.is_drawn + 2.0 * (self.marks.axis_line is not None)


def find_axes(gray: NDArray[np.uint8], boxes: Sequence[TextBox], lines: Sequence[Line]) -> tuple[Axis, ...]:
    """Every row and column of numbers that reads as an axis, the strongest first; no label serves two axes of the same direction."""
    numeric = [b for b in boxes if _is_number(b)]
    found: list[Axis] = []
    names: tuple[SideName, ...] = ("left", "right", "bottom", "top")
    for name in names:
        side = Side(name, (gray.shape[0], gray.shape[1]))
        seen: set[frozenset[TextBox]] = set()
        for group in _aligned(numeric, side):
            found += _axes_of_group(gray, side, group, lines, seen)
    found.sort(key=lambda a: -a.strength)
    kept: list[Axis] = []
    for axis in found:
        own = {b.box for b in axis.boxes}
        if not any(k.side.is_upright == axis.side.is_upright and own & {b.box for b in k.boxes} for k in kept):
            kept.append(axis)
    return tuple(_with_pieces(_with_strangers(axis, kept, numeric), boxes) for axis in kept)


def _with_pieces(axis: Axis, boxes: Sequence[TextBox]) -> Axis:
    """The axis, in doubt where digits stand right beside its labels: those are pieces of numbers that lost their decimal points."""
    own = {b.box for b in axis.boxes}
    others = [b for b in boxes if b.box not in own and b.rotation == 0 and _may_be_digits(b)]
    split = [b for b in axis.boxes if any(_is_beside(b, other) for other in others)]
    if len(split) < max(2, PIECES * len(axis.boxes)):
        return axis
    reason = "; ".join(filter(None, [axis.reading.reason, "digits stand right beside the labels: a decimal point may be lost"]))
    flags = tuple(dict.fromkeys((*axis.reading.flags, "axis_uncertain")))
    return replace(axis, reading=replace(axis.reading, flags=flags, reason=reason))


def _may_be_digits(box: TextBox) -> bool:
    return 0 < len(box.text) <= 3 and sum(c.isdigit() or c in "oO" for c in box.text) >= 0.5 * len(box.text)


def _is_beside(label: TextBox, other: TextBox) -> bool:
    """Whether another text stands on the line of an upright label, less than a digit's height to its left or right."""
    gap = max(label.box[0], other.box[0]) - min(label.box[2], other.box[2])
    level = abs(label.box[1] + label.box[3] - other.box[1] - other.box[3]) < label.height
    return label.rotation == 0 and level and 0 < gap < label.height


def _with_strangers(axis: Axis, axes: Sequence[Axis], numbers: Sequence[TextBox]) -> Axis:
    """The axis, flagged where more numbers stand along its line than it explains: a mirrored or broken axis reads so."""
    line = axis.marks.axis_line
    if "labels_refused" in axis.reading.flags:
        return axis
    explained = {b.box for a in axes if a is axis or a.n_used > 2 for b in a.boxes}
    strangers = [b for b in numbers if line is not None and b.box not in explained and _stands_along(axis, line, b)]
    # One number beyond the labels may be the end of another panel's axis; beyond a zero it may be the other arm of a mirrored one.
    if not any(_is_within_or_past_zero(axis, b) for b in strangers) and len(strangers) < 2:
        strangers = [b for b in numbers if _mirrors(axis, b)]
    if not strangers:
        return axis
    said = f"{', '.join(b.number for b in strangers)} beside the same line: not on this axis"
    reason = "; ".join(filter(None, [axis.reading.reason, said]))
    return replace(axis, reading=replace(axis.reading, flags=(*axis.reading.flags, "labels_refused"), reason=reason))


def _is_within_or_past_zero(axis: Axis, box: TextBox) -> bool:
    """Whether a number stands between the labels of an axis, or beyond the end whose label is 0."""
    used = sorted((t.px, t.value) for t in axis.calibration.ticks if t.used)
    at = sum(axis.side.span(box.box)[:2]) / 2
    return used[0][0] <= at <= used[-1][0] or (used[0] if at < used[0][0] else used[-1])[1] == 0.0


def _mirrors(axis: Axis, box: TextBox) -> bool:
    """Whether a number stands one step beyond the zero that ends an axis and is the same as the one before it: minus signs may be lost."""
    used = sorted(((t.px, t.value) for t in axis.calibration.ticks if t.used), key=lambda each: abs(each[1]))
    (zero, least), (beside, step) = used[:2]
    at = sum(axis.side.span(box.box)[:2]) / 2
    is_next = abs(at + beside - 2 * zero) < MIRRORED * abs(beside - zero)
    return least == 0.0 and is_next and _is_level(axis, box) and any(r.value == step for r in parse_number(box.number))


def _stands_along(axis: Axis, line: Line, box: TextBox) -> bool:
    """Whether a number stands in the row or column of an axis's labels, along its line."""
    return _is_level(axis, box) and line.start <= sum(axis.side.span(box.box)[:2]) / 2 <= line.end


def _is_level(axis: Axis, box: TextBox) -> bool:
    """Whether a text stands in the row or column of an axis's labels and is as high as they are."""
    height = axis.boxes[0].height
    inner = axis.side.span(box.box)[3]
    return abs(axis.side.across(inner) - axis.inner_edge) <= 0.45 * height and abs(box.height - height) < 0.3 * height


def _is_number(box: TextBox) -> bool:
    """Whether a text may be a number; `P1`, `2 mg`, `1/20` and `12:00` are none, though with letters forbidden they read as numbers.

    Nor are labels that run into one another: no number has so many digits.
    """
    if box.number_confidence < MIN_CONFIDENCE or not 0 < sum(c.isdigit() for c in box.number) <= MOST_DIGITS:
        return False
    is_name = any((c.isalpha() and c not in LIKE_DIGITS) or c in "/:" for c in box.text)
    return not (is_name and box.confidence > 0.8)


def _aligned(boxes: Sequence[TextBox], side: Side) -> list[list[TextBox]]:
    """Groups of two or more boxes whose edges towards the plot (or middles) stand in one row or column."""
    if not boxes:
        return []
    spans = np.array([side.span(b.box) for b in boxes])
    heights = np.array([b.height for b in boxes])
    turned = np.array([b.rotation for b in boxes])
    groups: dict[tuple[int, ...], list[TextBox]] = {}
    for across in (spans[:, 3], spans[:, 2:].mean(axis=1)):
        for i in range(len(boxes)):
            near = np.abs(across - across[i]) <= 0.45 * heights[i]
            alike = (heights <= 1.5 * heights[i]) & (heights >= heights[i] / 1.5) & (turned == turned[i])
            members = np.flatnonzero(near & alike).tolist()
            if len(members) >= 2:
                groups.setdefault(tuple(members), [boxes[k] for k in members])
    return list(groups.values())


def _axes_of_group(
    gray: NDArray[np.uint8], side: Side, group: Sequence[TextBox], lines: Sequence[Line], seen: set[frozenset[TextBox]], depth: int = 0
) -> Iterator[Axis]:
    """The axes that a row or column of labels may make: one of them all, and those of its parts, where panels share the row."""
    if frozenset(group) in seen:
        return
    seen.add(frozenset(group))
    ordered = sorted(group, key=lambda b: sum(side.span(b.box)[:2]))
    axis = read_group(gray, side, ordered, lines) if len(ordered) <= MOST_LABELS else None
    if axis is not None:
        yield axis
        if axis.n_used == len(ordered):
            return
    if depth < MOST_SPLITS:
        for part in _parts(ordered, side):
            yield from _axes_of_group(gray, side, part, lines, seen, depth + 1)


def _parts(group: Sequence[TextBox], side: Side) -> list[list[TextBox]]:
    """The runs of two labels or more between the wide gaps of a row, between the places where its numbers start anew, and about a break."""
    if len(group) < 4:
        return []
    middle = np.array([sum(side.span(b.box)[:2]) / 2 for b in group])
    gaps = np.diff(middle)
    wide = gaps > 1.5 * np.median(gaps)
    values = np.array([next((r.value for r in parse_number(b.number)), np.nan) for b in group])
    steps = np.sign(np.diff(values))
    usual = np.sign(np.nansum(steps)) or (-1.0 if side.is_upright else 1.0)
    anew = np.isfinite(steps) & (steps != usual)
    broken = _breaks(middle, values)
    parts = [p.tolist() for cut in (wide, anew, broken) if cut.any() for p in np.split(np.arange(len(group)), np.flatnonzero(cut) + 1)]
    return [[group[k] for k in part] for part in parts if 2 <= len(part) < len(group)]


def _breaks(middle: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """After which label of a row (n - 1) its numbers go on along another straight line, as those of a broken axis do: one place or none."""
    found = np.zeros(len(values) - 1, dtype=bool)
    for k in range(2, len(values) - 1):
        if len(values) > 4 and _is_straight(middle[:k], values[:k]) and _is_straight(middle[k:], values[k:]):
            found[k - 1] = not _is_straight(middle, values)
            break
    return found


def _is_straight(middle: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
    """Whether numbers (n) lie on one straight line against their places; one that was not read says nothing."""
    known = np.isfinite(values)
    at, read = middle[known], values[known]
    if np.count_nonzero(known) < 2 or not np.ptp(read):
        return False
    line = np.polyfit(at, read, 1)
    return bool(np.abs(read - np.polyval(line, at)).max() < STRAIGHT * np.abs(np.diff(read)).min())


def read_names(gray: NDArray[np.uint8], side: Side, names: Sequence[TextBox], lines: Sequence[Line]) -> Axis | None:
    """The axis of numbers that the names along a side make, where they are dates or counted words and agree with their ticks."""
    marks, middles, _ = _beside(gray, side, names, lines)
    labels = [Label(px=at, size_px=b.height, text=b.text, confidence=b.confidence) for at, b in zip(middles, names, strict=True)]
    axis = read_worded_axis(labels, marks.px, u_common_px=GRID_PX)
    return None if axis is None else Axis(side, tuple(names), marks, _sharpened(axis.reading, gray, side, marks), axis.unit)


def read_group(gray: NDArray[np.uint8], side: Side, group: Sequence[TextBox], lines: Sequence[Line]) -> Axis | None:
    """The axis that a group of labels makes with the tick marks beside it, or None where they do not fit together."""
    marks, middles, sizes = _beside(gray, side, group, lines)
    labels = [
        Label(at, size, b.number, b.number_confidence, b.raised, b.text, b.height, _is_unsigned(gray, b))
        for at, size, b in zip(middles, sizes, group, strict=True)
    ]
    reading = read_axis(labels, marks.px, rises=not side.is_upright, u_common_px=GRID_PX)
    if reading.calibration is None:
        return None
    return Axis(side, tuple(group), marks, _sharpened(reading, gray, side, marks))


def _is_unsigned(gray: NDArray[np.uint8], box: TextBox) -> bool:
    """Whether the paper before a number is bare where its minus sign would stand; a tick mark or a speck there may be one."""
    (x0, y0, x1, y1), h = box.box, box.height
    if min(y1 - y0, x1 - x0) + 1 < LEAST_SIGNED_PX:
        return False
    upright = box.rotation == 0
    rows = (y0 + 0.2 * h, y1 - 0.15 * h) if upright else (y1 + SIGN_FROM * h, y1 + SIGN_TO * h)
    columns = (x0 - SIGN_TO * h, x0 - SIGN_FROM * h) if upright else (x0 + 0.2 * h, x1 - 0.15 * h)
    (top, bottom), (left, right) = ([round(v) for v in span] for span in (rows, columns))
    if top < 0 or left < 0 or bottom >= gray.shape[0] or right >= gray.shape[1]:
        return False
    before = gray[top : bottom + 1, left : right + 1].astype(np.int16)
    return bool(before.size) and int(np.abs(before - int(np.median(before))).max()) < FAINT_SIGN


def _beside(
    gray: NDArray[np.uint8], side: Side, group: Sequence[TextBox], lines: Sequence[Line]
) -> tuple[TickMarks, list[float], list[float]]:
    """The tick marks beside labels, the labels' middles along the axis (moved by what all of them stand off), and their sizes along it."""
    spans = np.array([side.span(b.box) for b in group])
    height = float(np.median([b.height for b in group]))
    marks = find_ticks(gray, side, spans, height, lines)
    middles = spans[:, :2].mean(axis=1)
    middles += _offset(middles, marks.px, height)
    return marks, middles.tolist(), (spans[:, 1] - spans[:, 0] + 1).tolist()


def _sharpened(reading: AxisReading, gray: NDArray[np.uint8], side: Side, marks: TickMarks) -> AxisReading:
    """The reading with what its ticks say of their renderer: between pixels they are sharp, on the edges of pixels none is shifted."""
    if reading.calibration is None:
        return reading
    reading = _without_corner(reading)
    assert reading.calibration is not None
    px = np.array([t.px for t in reading.ticks if t.used])
    scale = reading.calibration.scale
    width, depth, noise = stroke_look(gray, side, marks, px)
    if is_snapped(px, NOISE_WEIGHT * noise) or reading.calibration.rmse_px > SCATTERED_PX:
        if not is_on_edges(px):
            return reading
        return replace(reading, calibration=AxisCalibration.from_ticks(reading.ticks, scale=scale, u_common_px=EDGE_PX))
    share = min(1.0, SHARP_WIDTH_PX / width) * (2.0 - min(1.0, depth / 255.0))  # few grey levels follow the ink less well
    u_px = float(np.hypot(SHARP_PX * share, NOISE_WEIGHT * noise))
    fit = AxisCalibration.from_sharp_ticks(reading.ticks, scale=scale, u_px=u_px, u_phase_px=PHASE_PX * share)
    return replace(reading, calibration=fit, ticks=fit.ticks)


def stepped(axis: Axis) -> Axis:
    """The axis of an image in black and white that lay askew: its ticks show to two tenths of a pixel, however well they line up."""
    if axis.reading.calibration is None:
        return axis
    ticks = tuple(replace(t, u_px=STEPPED_PX) if t.u_px <= SNAPPED_PX else t for t in axis.reading.ticks)
    fit = AxisCalibration.from_ticks(ticks, scale=axis.reading.calibration.scale)
    return replace(axis, reading=replace(axis.reading, calibration=fit, ticks=ticks))


def _without_corner(reading: AxisReading) -> AxisReading:
    """The reading without its outermost tick where the others, four or more that lie between pixels, fit without it alone.

    A frame close by runs into the tick at the end of an axis, and its corner is taken for it.
    """
    fit = reading.calibration
    used = sorted((t for t in reading.ticks if t.used), key=lambda t: t.px)
    if fit is None or len(used) < 5 or fit.rmse_px < 2.0 * SCATTERED_PX:
        return reading
    for end in (used[0], used[-1]):
        hidden = replace(end, value=np.nan, used=False, reason="the frame hides its tick")
        ticks = tuple(hidden if t is end else t for t in reading.ticks)
        again = AxisCalibration.from_ticks(ticks, scale=fit.scale, u_common_px=GRID_PX)
        if again.rmse_px < 0.5 * SCATTERED_PX and not is_snapped(np.array([t.px for t in ticks if t.used])):
            return replace(reading, calibration=again, ticks=ticks)
    return reading


def _offset(middles: NDArray[np.float64], ticks: NDArray[np.float64], height: float) -> float:
    """How far ticks stand from the middles of their labels, where three labels or more share one distance; else 0."""
    if ticks.size == 0:
        return 0.0
    away = ticks[np.abs(ticks - middles[:, None]).argmin(axis=1)] - middles
    near = away[np.abs(away) < 0.35 * height]
    if near.size < 3:
        return 0.0
    centre = float(np.median(near))
    return centre if np.median(np.abs(near - centre)) < 0.05 * height + 0.3 else 0.0
