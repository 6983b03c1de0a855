"""Box plots read from pixels: quartiles, median, whiskers, outliers and a mark of the mean, each to a fraction of a pixel.

A box is found as what its outline encloses: two areas of one width above each other, between them the line of the median. Where its lines
lie is then read from the profile of colours across it, beside the whisker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.boxlines import LINE, NARROWEST, THICKEST, WIDEST, Box, Doubles, FloatArray, beside, inner_line, line_between, rgb
from digitize.crossed import Strokes, are_scattered, crossed_boxes, crossed_whisker, observations, strokes_of
from digitize.ink import largest, paper_color
from digitize.legend import LegendEntry
from digitize.notched import notched_boxes
from digitize.panels import Panel
from digitize.points import position_noise, without_text
from digitize.refine import cap_centre, ink_amount, stroke_end
from digitize.series import Mark, Place, Series, hex_color
from digitize.specks import cleaned, strokes_alone

LARGEST_MARKER = 2.5  # digit heights
RECTANGULAR = 0.8  # share of its own extent that an enclosed area fills (a notched one less than a plain one)
PAPER_LIKE = 16  # grey levels by which the median colour below a box may differ from the paper
SAME_SIDE = 2.5  # px within which the sides of areas lie on one line
AT_TICK, MOST_TICKS = 0.3, 0.8  # width of a box that it may stand off its tick; share of the ticks at which one must stand
LINES_ALONE = 0.85  # evidence of boxes that only their lines show, at most
AT_NAME, MOST_NAMES = 0.45, 0.6  # of the distance of names that the boxes of one may stand off it; share of the names that have boxes
JOINED, LONGEST_JOINED = 1.15, 3.0  # times as high as wide is what two marks make that overlap, three at most
SMALLEST_JOINED = 0.5  # digit heights: the least of such marks, as pieces of strokes are higher than wide, too
EDGE = 3  # px from the edge of the plot within which ticks begin
CLOSE = 0.35  # digit heights: how far from its box a whisker without a cap begins at most
ROUGH = 2  # rows beyond the edge of a box that may be its own
SHORTEST = 3.0  # px: a shorter whisker cannot be told from the edge of its box
NEAREST_DASH = 12  # px
GAP = 1.0  # digit heights: longest gap of a dashed whisker
ONE_PLACE = 1.2  # px within which two marks beyond a whisker are one observation: an outlier and the point beside it
U_LINE = 0.06  # px: how well the middle of a line is known, beside what the axes say


@dataclass(frozen=True)
class Area:
    """What lines enclose: its columns x0 to x1 and rows y0 to y1 (px of the crop)."""

    x0: int
    y0: int
    x1: int
    y1: int


def box_evidence(panel: Panel, legend: Sequence[LegendEntry] = ()) -> float:
    """How sure it is that a panel shows boxes with whiskers, 0 to 1."""
    crop = _without_specks(without_text(panel, legend), panel)
    boxes = _boxes(crop, panel)
    if not boxes or _are_markers(boxes, panel.height) or _share_a_level(boxes):
        return 0.0
    whiskers = float(np.mean([any(w is not None for w in _whiskers(crop, box, panel.height)) for box in boxes]))
    medians = float(np.mean([not np.isnan(box.median) for box in boxes]))
    floating = float(np.mean([_floats(crop, box, panel.height) for box in boxes]))
    several = 1.0 if len(boxes) > 1 else 0.7
    # Lines that enclose nothing, as points break them up, may be those of bars, stems and caps: what shows bars surely is believed first.
    known = _enclosed_boxes(crop, panel)
    by_lines = LINES_ALONE if 2 * sum(any(_is_same(b, e) for e in known) for b in boxes) < len(boxes) else 1.0
    return min(whiskers, medians, floating) * several * by_lines


def _without_specks(crop: NDArray[np.uint8], panel: Panel) -> NDArray[np.uint8]:
    """In black and white the crop without the specks inside boxes that a grey fill has become, if no fewer boxes are found without them."""
    if not panel.is_bilevel:
        return crop
    strokes = strokes_alone(crop, panel.height)
    boxes = _enclosed_boxes(strokes, panel)
    if not boxes or len(boxes) < len(_enclosed_boxes(crop, panel)):
        return crop
    insides = [(round(b.x0) - ROUGH, round(b.top) - ROUGH, round(b.x1) + ROUGH, round(b.bottom) + ROUGH) for b in boxes]
    return cleaned(crop, strokes, insides)


def _floats(crop: NDArray[np.uint8], box: Box, height: float) -> bool:
    """Whether a box ends above the foot of the plot, with paper below it: the upper parts of a stacked bar stand on another part."""
    below = round(box.bottom + THICKEST * height + 3)
    if box.bottom >= crop.shape[0] - 0.5 * height or below + 2 > crop.shape[0]:
        return False
    strip = crop[below : below + 2, beside(box.x0, box.x1)].astype(np.float32)
    return float(np.abs(np.median(strip, axis=(0, 1)) - paper_color(crop)).max()) < PAPER_LIKE


def _are_markers(boxes: Sequence[Box], height: float) -> bool:
    """Whether the boxes may be open markers: small squares of one size, with lines through them."""
    heights, widths = np.array([b.bottom - b.top for b in boxes]), np.array([b.width for b in boxes])
    are_squares = np.ptp(heights) <= 2.5 + 0.1 * heights.mean() and abs(heights.mean() - widths.mean()) < 0.35 * widths.mean()
    return bool(are_squares and widths.mean() < LARGEST_MARKER * height)


def _share_a_level(boxes: Sequence[Box]) -> bool:
    """Whether the boxes stand on one level or hang from one: stacked bars do."""
    ends = [np.array([getattr(b, side) for b in boxes]) for side in ("top", "bottom")]
    return len(boxes) > 2 and any(float(np.mean(np.abs(e - np.median(e)) < 1.0)) > 0.8 for e in ends)


def read_boxes(panel: Panel, legend: Sequence[LegendEntry] = ()) -> tuple[Series, ...]:
    """Every box of a panel, in series by fill where the boxes of a group have different ones.

    A mark is a box: `y` its median, `parts` `median`, `q1`, `q3`, `whisker_lo`, `whisker_hi`, `mean` where one is drawn, and `outliers`.

    Parameters
    ----------
    panel : Panel
        With an upright numeric axis.
    legend : sequence of LegendEntry
        Names the series by their fill.
    """
    crop = _without_specks(without_text(panel, legend), panel)
    boxes = _boxes(crop, panel)
    strokes = strokes_of(crop, panel.height)
    have_points = any(box.is_crossed for box in boxes) or are_scattered(strokes, boxes, panel.height)
    marks = [_crossed_mark(strokes, box, panel) if have_points else _mark(crop, box, panel) for box in boxes]
    fills = np.array([box.fill for box in boxes]).reshape(-1, 3)
    return grouped(panel, legend, [box.middle + panel.box[0] for box in boxes], fills, marks)


def grouped(
    panel: Panel, legend: Sequence[LegendEntry], middles: Sequence[float], fills: FloatArray, marks: Sequence[Mark]
) -> tuple[Series, ...]:
    """The marks as one series or, where boxes of different fill stand in one group, as a series a fill, named by the legend."""
    if not marks:
        return ()
    classes = _fill_classes(fills)
    several = len(legend) > 1 and len(set(classes)) == len(legend)
    if not several:
        color = hex_color(rgb(np.median(fills, axis=0)))
        return (Series("", color, "box", tuple(m for _, m in sorted(zip(middles, marks, strict=True), key=lambda p: p[0]))),)
    series = []
    for k in dict.fromkeys(classes):
        own = [i for i, c in enumerate(classes) if c == k]
        fill = np.median(fills[own], axis=0)
        name = min(legend, key=lambda entry: float(np.abs(key_color(panel, entry) - fill).max())).name
        series.append(Series(name, hex_color(rgb(fill)), "box", tuple(marks[i] for i in sorted(own, key=lambda i: middles[i]))))
    return tuple(series)


def _fill_classes(fills: FloatArray) -> list[int]:
    seen: list[FloatArray] = []
    classes = []
    for fill in fills:
        near = [float(np.abs(fill - s).max()) for s in seen]
        if near and min(near) < 24:
            classes.append(int(np.argmin(near)))
        else:
            seen.append(fill)
            classes.append(len(seen) - 1)
    return classes


def key_color(panel: Panel, entry: LegendEntry) -> FloatArray:
    """The commonest colour of a legend key, of each channel its median."""
    x0, y0, x1, y1 = entry.key_box
    patch = panel.image[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1].reshape(-1, 3).astype(np.float32)
    return np.asarray(np.median(patch, axis=0), dtype=np.float32) if patch.size else np.full(3, 255, dtype=np.float32)


# Boxes


def _boxes(crop: NDArray[np.uint8], panel: Panel) -> list[Box]:
    """Boxes left to right, by what their lines enclose, or by the lines alone where points are drawn over them."""
    enclosed = _enclosed_boxes(crop, panel)
    # Grey turns to specks in black and white, in which lines of any kind can be found.
    crossed, notched = ([], []) if panel.is_bilevel else (crossed_boxes(crop, panel.height), notched_boxes(crop, panel.height))
    crossed, notched = (each if _stand_along(each, panel) else [] for each in (crossed, notched))
    enclosed = [e for e in enclosed if all(e.x1 < n.x0 or e.x0 > n.x1 for n in notched)]
    crossed = [c for c in crossed if all(c.x1 < n.x0 or c.x0 > n.x1 for n in notched)]
    # Where both see the same box nothing is drawn over it.
    agreed = {id(c): e for c in crossed for e in enclosed if _is_same(c, e)}
    left = [e for e in enclosed if all(abs(e.middle - c.middle) > 0.5 * c.width for c in crossed)]
    found = [agreed.get(id(c), c) for c in crossed] + left + notched
    width = float(np.median([b.width for b in found])) if found else 0.0
    return sorted((b for b in found if 0.6 * width < b.width < 1.7 * width), key=lambda b: b.middle)


def _stand_along(boxes: Sequence[Box], panel: Panel) -> bool:
    """Whether boxes that lines alone show stand along the x axis as boxes do: at its ticks, or each name's near it."""
    if isinstance(panel.x, Axis):
        return at_ticks(boxes, [t.px - panel.box[0] for t in panel.x.calibration.ticks if t.used])
    names = [] if panel.x is None else [px - panel.box[0] for px in panel.x.axis.centers_px]
    far = AT_NAME * float(np.diff(np.sort(names)).min()) if len(names) > 1 else np.inf
    return sum(any(abs(b.middle - px) < far for b in boxes) for px in names) >= MOST_NAMES * len(names)


def at_ticks(boxes: Sequence[Box], ticks: Sequence[float]) -> bool:
    """Whether boxes stand at most of the ticks (px) of an axis of numbers: error bars side by side make rectangles here and there."""
    return sum(any(abs(b.middle - t) < AT_TICK * b.width for b in boxes) for t in ticks) >= MOST_TICKS * len(ticks)


def _is_same(a: Box, b: Box) -> bool:
    """Whether two boxes have the same sides, quartiles and median to a pixel."""
    off = np.array([a.x0 - b.x0, a.x1 - b.x1, a.top - b.top, a.bottom - b.bottom, a.median - b.median])
    return bool((np.abs(off) < (3.0, 3.0, 1.0, 1.0, 1.0)).all())


def _enclosed_boxes(crop: NDArray[np.uint8], panel: Panel) -> list[Box]:
    """Boxes left to right: stacked areas of one width with a line between them."""
    areas = _enclosed(crop, panel.height)
    used: set[Area] = set()
    found: list[Box] = []
    for area in sorted(areas, key=lambda a: a.y0):
        if area in used:
            continue
        stack = [area]
        for other in sorted(areas, key=lambda a: a.y0):
            if other not in used and _is_below(stack[-1], other, panel.height):
                stack.append(other)
        used |= set(stack)
        box = _box(crop, stack, panel.height)
        if box is not None:
            found.append(box)
    if not found:
        return []
    width = float(np.median([b.width for b in found]))
    return sorted((b for b in found if 0.6 * width < b.width < 1.7 * width), key=lambda b: b.middle)


def _enclosed(crop: NDArray[np.uint8], height: float) -> list[Area]:
    """Areas about rectangular that lines enclose."""
    h, w = crop.shape[:2]
    size = 2 * round(THICKEST * height / 2 + 1) + 1
    kernel = np.ones((size, size), np.uint8)
    darker = np.asarray(cv2.morphologyEx(crop, cv2.MORPH_CLOSE, kernel), dtype=np.int16) - crop
    line = (largest(darker) > LINE).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(1 - line, connectivity=4)
    found = []
    for x, y, a, b, area in stats[1:count].tolist():
        is_inside = x > 0 and y > 0 and x + a < w and y + b < h
        if is_inside and NARROWEST * height <= a <= WIDEST * w and b >= 2 and area > RECTANGULAR * a * b:
            found.append(Area(x, y, x + a - 1, y + b - 1))
    return found


def _is_below(upper: Area, lower: Area, height: float) -> bool:
    """Whether an area goes on right below another one, as wide as it."""
    aligned = abs(upper.x0 - lower.x0) <= SAME_SIDE and abs(upper.x1 - lower.x1) <= SAME_SIDE
    return aligned and 0 < lower.y0 - upper.y1 <= THICKEST * height + 3


def _box(crop: NDArray[np.uint8], stack: Sequence[Area], height: float) -> Box | None:
    """A box from its areas: two (or more, where other lines run through) with the median between them."""
    x0, x1 = float(np.median([a.x0 for a in stack])), float(np.median([a.x1 for a in stack]))
    profile = crop[:, beside(x0, x1)].astype(np.float32).mean(axis=1)
    fill = np.median(np.concatenate([profile[a.y0 + 1 : a.y1] if a.y1 - a.y0 > 3 else profile[a.y0 : a.y1 + 1] for a in stack]), axis=0)
    reach = round(THICKEST * height) + 2
    paper = paper_color(crop)
    top = line_between(profile, stack[0].y0, reach, paper, fill, upward=True)
    bottom = line_between(profile, stack[-1].y1, reach, paper, fill, upward=False)
    if top is None or bottom is None:
        return None
    inner = [inner_line(profile, a.y1, b.y0, fill) for a, b in pairwise(stack)]
    median = max(inner, key=lambda line: line[1])[0] if inner else np.nan
    return Box(x0, x1, top, median, bottom, np.asarray(fill, dtype=np.float32))


# Whiskers and points


def _mark(crop: NDArray[np.uint8], box: Box, panel: Panel) -> Mark:
    x0, y0, _, _ = panel.box
    u = float(np.hypot(position_noise(panel), U_LINE))

    def place(y: float | None, doubt: float = 0.0) -> Place | None:
        return None if y is None or np.isnan(y) else Place(y + y0, float(np.hypot(u, doubt)))

    upper, lower = _whiskers(crop, box, panel.height)
    flags = ["end_doubtful"] if any(_is_touched(crop, box, end, panel.height) for end in (upper, lower)) else []
    if upper is None or lower is None or min(box.top - upper, lower - box.bottom) < SHORTEST:
        flags.append("whisker_unseen")
    if np.isnan(box.median):
        flags.append("median_unseen")
    points, are_joined = _points(crop, box, panel.height, upper, lower)
    if are_joined:
        flags.append("outliers_overlap")
    mean = _mean(crop, box, panel.height)
    median = place(box.median)
    ends = (place(box.top if upper is None else upper), place(box.bottom if lower is None else lower))
    q = (place(box.top), place(box.bottom))
    if panel.y.calibration.slope > 0:  # values fall along an axis turned round
        ends, q = (ends[1], ends[0]), (q[1], q[0])
    parts: dict[str, Place | tuple[Place, ...] | None] = {
        "median": median, "q1": q[1], "q3": q[0], "whisker_lo": ends[1], "whisker_hi": ends[0],
        "outliers": tuple(Place(y + y0, u) for y in points),
    }  # fmt: skip
    if mean is not None:
        parts["mean"] = Place(mean + y0, float(np.hypot(u, 0.2)))
    return Mark(
        Place(box.middle + x0, u),
        median if median is not None else Place(float("nan"), u),
        flags=tuple(flags),
        confidence=0.6 if flags else 0.97,
        parts=parts,
    )


def _crossed_mark(strokes: Strokes, box: Box, panel: Panel) -> Mark:
    """A box of a plot in which single observations are drawn over the boxes.

    What lies beyond the whiskers is given as outliers, once where a point stands beside the mark of the outlier; a mark of the mean cannot
    be told from points.
    """
    x0, y0, _, _ = panel.box
    u = float(np.hypot(position_noise(panel), U_LINE))
    upper, lower = crossed_whisker(strokes, box, upward=True), crossed_whisker(strokes, box, upward=False)
    top, bottom = (box.top if upper is None else upper.px), (box.bottom if lower is None else lower.px)
    beyond = observations(strokes, box, panel.height, top, bottom)
    at = np.sort([y for _, y in beyond.middles])
    outliers = at[np.diff(at, prepend=-np.inf) > ONE_PLACE]
    flags = ["points_over_box"] if outliers.size or beyond.has_more else []
    if any(end is not None and end.is_hidden for end in (upper, lower)):
        flags.append("end_doubtful")
    if upper is None or lower is None:
        flags.append("whisker_unseen")
    if np.isnan(box.median):
        flags.append("median_unseen")
    ends = [Place(end + y0, u if seen is None else float(np.hypot(u, seen.u_px))) for end, seen in ((top, upper), (bottom, lower))]
    quartiles = [Place(q + y0, u) for q in (box.top, box.bottom)]
    if panel.y.calibration.slope > 0:  # values fall along an axis turned round
        ends, quartiles = ends[::-1], quartiles[::-1]
    median = Place(box.median + y0, u)
    parts: dict[str, Place | tuple[Place, ...] | None] = {
        "median": None if np.isnan(box.median) else median, "q1": quartiles[1], "q3": quartiles[0], "whisker_lo": ends[1],
        "whisker_hi": ends[0], "outliers": tuple(Place(y + y0, u) for y in outliers.tolist()),
    }  # fmt: skip
    return Mark(Place(box.middle + x0, u), median, flags=tuple(flags), confidence=0.6 if flags else 0.9, parts=parts)


def _whiskers(crop: NDArray[np.uint8], box: Box, height: float) -> tuple[float | None, float | None]:
    """Ends of the whiskers above and below; None where none goes out."""
    paper = paper_color(crop)
    column = round(box.middle)
    ink = _whisker_ink(crop, box, paper, max(NEAREST_DASH, round(GAP * height)))
    if ink is None:
        return None, None
    amount = ink_amount(crop, paper, ink)
    return tuple(_whisker_end(amount, column, box, height, upward=upward) for upward in (True, False))  # type: ignore[return-value]


def _whisker_ink(crop: NDArray[np.uint8], box: Box, paper: FloatArray, reach: int) -> tuple[int, int, int] | None:
    """Colour of the strokes that leave the box above or below in its middle, at most `reach` px away: a dashed one may begin with a gap."""
    column = round(box.middle)
    top, bottom = round(box.top), round(box.bottom)
    rows = [*range(max(0, top - reach), max(0, top - 2)), *range(bottom + 3, bottom + reach + 1)]
    rows = [r for r in rows if r < crop.shape[0]]
    patch = crop[rows, max(0, column - 2) : column + 3].reshape(-1, 3).astype(np.float32)
    off = np.abs(patch - paper).max(axis=1)
    if not off.size or off.max() < LINE:
        return None
    dark = patch[off >= 0.85 * off.max()]
    return rgb(np.median(dark, axis=0))


def _whisker_end(amount: Doubles, column: int, box: Box, height: float, *, upward: bool) -> float | None:
    """Where a whisker ends: at its cap, or where its stroke stops; None where nothing leaves the box."""
    start = round(box.top) - 2 if upward else round(box.bottom) + 2
    last = _last_row(amount, column, box, start, height, upward=upward)
    if last is None:
        return None
    x = column + _centre_shift(amount, column, start, last)
    half, reach = max(1.0, 0.08 * height), min(0.45 * box.width, 6 + 0.3 * box.width)
    cap = cap_centre(amount, x, last, reach, reach, half)
    if cap is not None and abs(cap - last) <= 0.4 * height + 1:
        return cap
    end = stroke_end(amount, x, last, upward=upward, half_width=half)
    return end if end is not None and abs(end - last) <= 3 else float(last)


def _last_row(amount: Doubles, column: int, box: Box, start: int, height: float, *, upward: bool) -> int | None:
    """The outermost row of a whisker: of its cap, else of its stroke, or of the last dash of a dashed one. An outlier is no dash."""
    step = -1 if upward else 1
    seen = np.nan_to_num(amount, nan=0.0)
    strip = seen[:, max(0, column - 2) : column + 3].max(axis=1)
    reach = max(3, round(0.12 * box.width))
    beside = np.minimum(seen[:, max(0, column - reach)], seen[:, min(seen.shape[1] - 1, column + reach)])
    runs: list[tuple[int, int]] = []  # first and last row of each piece of ink, outwards
    row, gap = start, 0
    while 0 <= row < len(strip) and gap <= GAP * height:
        if strip[row] > 0.4:
            runs = [*runs[:-1], (runs[-1][0], row)] if runs and gap == 0 else [*runs, (row, row)]
            gap = 0
        else:
            gap += 1
        row += step
    # The rough edge of a box in a scan is no dash.
    if len(runs) > 1 and abs(runs[0][1] - start) < ROUGH:
        runs = runs[1:]
    # The first dash may lie away from the box; without a cap at its end it may be anything.
    is_apart = bool(runs) and abs(runs[0][0] - start) > CLOSE * height
    for k, (first, last) in enumerate(runs):
        wide = [r for r in range(first, last + step, step) if beside[r] > 0.4]
        # A cap is thin and ends its piece, but for rows by which its arms lie askew or are rough; what goes round an outlier does not.
        is_thin = bool(wide) and abs(last - wide[0]) <= THICKEST * height
        if is_thin and abs(wide[-1] - last) <= ROUGH and wide[0] != first:
            return last
        # A dash may end before the cap, which then stands alone: as thick as the stroke, and wide from its first row on.
        if k > 0 and is_thin and len(wide) >= abs(last - first) and len(wide) <= 1.5 * _thickness(seen[sum(runs[0]) // 2], column) + 2:
            return last
        if wide and k > 0:
            return None if is_apart else runs[k - 1][1]
    lengths = [abs(b - a) + 1 for a, b in runs]
    is_dashed = len(runs) >= 3 and max(lengths[:-1]) <= 2 * min(lengths[:-1]) + 2 and lengths[-1] <= max(lengths[:-1]) + 2
    return None if not runs or is_apart else runs[-1][1] if is_dashed else runs[0][1]


def _thickness(row: Doubles, column: int) -> int:
    """How many columns of a row, on either side of a stroke's column, hold its ink."""
    inked = np.flatnonzero(row[max(0, column - 12) : column + 13] > 0.4)
    return int(np.ptp(inked)) + 1 if inked.size else 0


def _is_touched(crop: NDArray[np.uint8], box: Box, end: float | None, height: float) -> bool:
    """Whether ink goes on right beyond the end of a whisker: a mark touches it."""
    if end is None:
        return False
    outward = -1 if end < box.top else 1
    rows = [round(end + outward * k) for k in (3, 4, 5)]
    rows = [r for r in rows if 0 <= r < crop.shape[0]]
    reach = max(2, round(0.5 * height))
    column = round(box.middle)
    patch = crop[rows, max(0, column - reach) : column + reach + 1].astype(np.float32)
    return bool(patch.size and (np.abs(patch - paper_color(crop)).max(axis=2) > LINE).any(axis=1).all())


def _centre_shift(amount: Doubles, column: int, start: int, last: int) -> float:
    rows = slice(min(start, last), max(start, last) + 1)
    part = np.nan_to_num(amount[rows, max(0, column - 3) : column + 4], nan=0.0).mean(axis=0)
    offsets = np.arange(len(part)) + max(0, column - 3) - column
    return float((part * offsets).sum() / part.sum()) if part.sum() > 0 else 0.0


def _points(crop: NDArray[np.uint8], box: Box, height: float, upper: float | None, lower: float | None) -> tuple[list[float], bool]:
    """Middles of the marks beyond the whiskers, within the width of the box: outliers; and whether some overlap."""
    paper = paper_color(crop)
    a, b = max(0, round(box.x0 - 2)), min(crop.shape[1], round(box.x1 + 3))
    ink = (np.abs(crop[:, a:b].astype(np.float32) - paper).max(axis=2) > LINE).astype(np.uint8)
    top, bottom = (box.top if upper is None else upper) - 3, (box.bottom if lower is None else lower) + 3
    ink[max(0, round(top)) : max(0, round(bottom)) + 1] = 0
    count, _, stats, centroids = cv2.connectedComponentsWithStats(ink, connectivity=8)
    found, are_joined = [], False
    for k in range(1, count):
        x, y, w, h, _ = stats[k].tolist()
        if not (x > 0 and x + w < b - a and abs(x + w / 2 - (b - a) / 2) < max(2.0, 0.2 * box.width)):
            continue
        if y <= EDGE or y + h >= len(ink) - EDGE:  # a tick of the axis
            continue
        if SMALLEST_JOINED * height <= w <= 1.3 * height and JOINED * w + 1.5 < h <= LONGEST_JOINED * w:
            # Marks are as high as wide: where a piece is higher, two of them or more overlap, and its ends are those of the outer two.
            found += [y + (w - 1) / 2, y + h - 1 - (w - 1) / 2]
            are_joined = True
        elif _is_mark(w, h, 0.2 * height, height):
            found.append(float(y + (h - 1) / 2) if h > 4 else float(centroids[k][1]))
    return sorted(found), are_joined


def _is_mark(w: int, h: int, least: float, height: float) -> bool:
    """Whether a piece of ink has the size and shape of a mark: about as high as wide, and little larger than a digit."""
    return least <= max(w, h) <= 1.3 * height and min(w, h) >= 0.5 * max(w, h)


def _mean(crop: NDArray[np.uint8], box: Box, height: float) -> float | None:
    """Middle of a mark inside the box that is neither median nor whisker; None where there is none."""
    a, b = round(box.middle - 0.22 * box.width), round(box.middle + 0.22 * box.width)
    y0, y1 = round(box.top) + 3, round(box.bottom) - 2
    if y1 - y0 < 0.3 * height or b - a < 4:
        return None
    inside = np.abs(crop[y0:y1, a : b + 1].astype(np.float32) - box.fill).max(axis=2) > LINE
    across = inside.mean(axis=1) > 0.9  # the median's line
    marks = inside & ~across[:, None]
    # A mark on the line goes on above and below it: without the line's rows it is one piece.
    rows = np.flatnonzero(~across)
    count, _, stats, _ = cv2.connectedComponentsWithStats(marks[rows].astype(np.uint8), connectivity=8)
    free = [(x, y, w, h) for x, y, w, h, _ in stats[1:count].tolist() if x > 0 and x + w < b - a + 1]
    spans = [(int(rows[y]), int(rows[y + h - 1]), w) for _, y, w, h in free if h >= max(3.0, 0.25 * height)]
    found = [(first, last, w) for first, last, w in spans if _is_mark(w, last - first + 1, 0.35 * height, height)]
    return y0 + _middle(*found[0], across) if len(found) == 1 else None


def _middle(first: int, last: int, width: int, across: NDArray[np.bool_]) -> float:
    """Middle of a mark from its first to its last row; where the median's line hides one of its ends, as high as it is wide."""
    if first > 0 and across[first - 1]:
        return last - (width - 1) / 2
    if last + 1 < across.size and across[last + 1]:
        return first + (width - 1) / 2
    return (first + last) / 2
