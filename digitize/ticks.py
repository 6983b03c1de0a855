"""Tick marks of one axis: short strokes between a column of labels and the plot, found to sub-pixel.

An axis on any side of a plot is turned into the same view: labels at the left, plot at the right, so that rows run along the axis
("along") and columns lead from the labels into the plot ("across").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from digitize.lines import Line

SideName = Literal["left", "right", "bottom", "top"]
INK = 45.0  # grey levels below the strip's paper that count as ink
GRID_REACH = 12.0  # how much of a gridline is looked at, in label heights
FAINTEST_GRID = 3.0  # grey levels by which a gridline differs from the ground
SAME_FRACTION, MOST_FRACTION = 0.07, 0.12  # px
EDGE_FRACTION = 0.2  # px
OWN_MARKS = 0.6  # share of the labels that have a mark beside them where these are the axis's, and no line
LOOK_PX, BESIDE_PX = 12, 4  # how much of a profile is looked at around a stroke, and to either side of it for noise
NEIGHBOUR = 0.25  # share of a stroke's ink from which on what lies beside it is another stroke
ORDINARY_LOOK = (1.5, 255.0, 0.02)  # width (px), depth and noise (px) of strokes that cannot be looked at
REACH = 4.0  # how far an axis line may stand from its labels, in label heights


@dataclass(frozen=True)
class Side:
    """Which side of the plot an axis stands on, and the way between the image and the axis view."""

    name: SideName
    shape: tuple[int, int]

    @property
    def is_upright(self) -> bool:
        """True for a y axis."""
        return self.name in ("left", "right")

    @property
    def across_size(self) -> int:
        """Size of the image across the axis, in pixels."""
        return self.shape[1] if self.is_upright else self.shape[0]

    @property
    def _is_flipped(self) -> bool:
        return self.name in ("right", "bottom")

    def view(self, gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image with rows along the axis, columns from outside to inside."""
        upright = gray if self.is_upright else gray.T
        return upright[:, ::-1] if self._is_flipped else upright

    def across(self, position: float) -> float:
        """Column in the view of an x (of an upright axis) or y position in the image, and back."""
        return self.across_size - 1 - position if self._is_flipped else position

    def span(self, box: Sequence[float]) -> tuple[float, float, float, float]:
        """A box (x0, y0, x1, y1) as (along0, along1, outer, inner)."""
        x0, y0, x1, y1 = box
        along0, along1, a, b = (y0, y1, x0, x1) if self.is_upright else (x0, x1, y0, y1)
        a, b = self.across(a), self.across(b)
        return along0, along1, min(a, b), max(a, b)


@dataclass(frozen=True)
class TickMarks:
    """The strokes of one axis: positions along it (px), their lengths, and where the axis stands across (image x or y).

    `is_drawn` is False where no stroke was found and the labels alone must serve.
    """

    px: NDArray[np.float64]
    length: NDArray[np.float64]
    axis_at: float
    axis_line: Line | None
    inward: bool = False

    @property
    def is_drawn(self) -> bool:
        """Whether any stroke was found."""
        return self.px.size > 0


def is_snapped(px: NDArray[np.float64], noise_px: float = 0.0) -> bool:
    """Whether ticks stand on whole pixels or on halves: nearly all of them share one fraction of a pixel. Fewer than 3 do not tell.

    `noise_px` is by how much each is unsure.
    """
    if px.size < 3:
        return True
    apart = np.abs((px[:, None] - px + 0.5) % 1.0 - 0.5)
    return bool((apart < min(MOST_FRACTION, SAME_FRACTION + noise_px)).mean(axis=1).max() >= 0.75)


def is_on_edges(px: NDArray[np.float64]) -> bool:
    """Whether ticks stand on the edges between pixels, as strokes of an even width do that were put on whole pixels."""
    return px.size > 0 and bool(np.mean(np.abs(px % 1.0 - 0.5) < EDGE_FRACTION) >= 0.75)


def find_ticks(gray: NDArray[np.uint8], side: Side, labels: NDArray[np.float64], height: float, lines: Sequence[Line]) -> TickMarks:
    """Tick marks beside a column of labels.

    Parameters
    ----------
    gray : (h, w) uint8
    side : Side
        Where the labels stand.
    labels : (n, 4)
        Label boxes in the view: along0, along1, outer, inner.
    height : float
        Height of the digits in px.
    lines : sequence of Line
        Straight lines of the whole figure.
    """
    view = side.view(gray)
    edge = float(labels[:, 3].max())
    line = _axis_line(side, labels, height, lines)
    bare = _free_strokes(view, side, labels, height)
    n_bare = _near_labels(bare.px, labels, height) if bare is not None else 0
    if line is not None:
        on_line = _strokes_on(view, side, line, labels, height, lines)
        # With marks of its own beside the labels the axis is not the line that fewer of them meet: an error bar, or the side of a bar.
        if bare is None or n_bare <= _near_labels(on_line.px, labels, height) or n_bare < max(3, OWN_MARKS * len(labels)):
            return on_line
    if bare is not None and n_bare >= 2:
        return bare
    grid = _gridlines(view, edge, labels, height)
    if grid is not None:
        px, start = grid
        return TickMarks(px, np.full(px.shape, GRID_REACH * height), side.across(start), None, inward=True)
    return TickMarks(np.empty(0), np.empty(0), side.across(edge + 0.6 * height), None)


def _strokes_on(
    view: NDArray[np.uint8], side: Side, line: Line, labels: NDArray[np.float64], height: float, lines: Sequence[Line]
) -> TickMarks:
    """The strokes on an axis line towards its labels, else those into the plot; the line alone where two labels have neither."""
    at = side.across(line.at)
    outward = _strokes(view, float(labels[:, 3].max()) + 1, at - line.width / 2 - 0.5, height, from_inside=True)
    if _near_labels(outward[0], labels, height) >= 2:
        return TickMarks(*_with_corners(outward, line, lines), line.at, line)
    inward = _strokes(view, at + line.width / 2 + 0.5, at + line.width / 2 + 2.2 * height, height, from_inside=False)
    if _near_labels(inward[0], labels, height) >= 2:
        return TickMarks(*_with_corners(inward, line, lines), line.at, line, inward=True)
    return TickMarks(np.empty(0), np.empty(0), line.at, line)


def _free_strokes(view: NDArray[np.uint8], side: Side, labels: NDArray[np.float64], height: float) -> TickMarks | None:
    """Strokes beside the labels that no axis line holds together."""
    edge = float(labels[:, 3].max())
    inner = _bare_strokes(view, edge, labels, height)
    if inner is None:
        return None
    return TickMarks(*_strokes(view, edge + 1, inner, height, from_inside=True), side.across(inner + 0.5), None)


def _axis_line(side: Side, labels: NDArray[np.float64], height: float, lines: Sequence[Line]) -> Line | None:
    """The first line inside the labels that runs along at least 60 % of them."""
    edge, centres = labels[:, 3].max(), labels[:, :2].mean(axis=1)
    lo, hi = centres.min(), centres.max()
    best: tuple[float, Line] | None = None
    for line in lines:
        if line.upright != side.is_upright:
            continue
        gap = side.across(line.at) - edge
        covered = min(line.end, hi) - max(line.start, lo)
        if -1 <= gap <= REACH * height and covered >= 0.6 * (hi - lo) and (best is None or gap < best[0]):
            best = (gap, line)
    return best[1] if best else None


def _with_corners(
    strokes: tuple[NDArray[np.float64], NDArray[np.float64]], axis: Line, lines: Sequence[Line]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The strokes, and the lines that meet the axis line at its ends where no stroke is: the corner hides the tick there, or is it."""
    px, length = strokes
    corners = [
        line
        for line in lines
        if line.upright != axis.upright
        and line.start - 3 <= axis.at <= line.end + 3
        and min(abs(line.at - axis.start), abs(line.at - axis.end)) <= 0.5 * line.width + 2
        and (px.size == 0 or np.abs(px - line.at).min() > 2)
    ]
    if not corners:
        return strokes
    return np.append(px, [line.at for line in corners]), np.append(length, [line.length for line in corners])


def _near_labels(px: NDArray[np.float64], labels: NDArray[np.float64], height: float) -> int:
    """How many labels have a stroke near their centre."""
    if px.size == 0:
        return 0
    centres = labels[:, :2].mean(axis=1)
    return int((np.abs(centres[:, None] - px).min(axis=1) < 0.6 * height).sum())


def _strokes(
    view: NDArray[np.uint8], outer: float, inner: float, height: float, *, from_inside: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions and lengths of strokes between two columns that touch the inner (`from_inside`) or the outer one.

    A line that runs on across the strip counts too: the frame's corner stands for the tick at the end of an axis, a gridline for its own.
    """
    c0, c1 = max(0, int(np.ceil(outer))), min(view.shape[1] - 1, int(np.floor(inner)))
    if c1 - c0 + 1 < 2:
        return np.empty(0), np.empty(0)
    part = view[:, c0 : c1 + 1][:, ::-1] if from_inside else view[:, c0 : c1 + 1]
    strip = 255.0 - part[:, : max(2, int(2.2 * height))].astype(np.float64)
    strip -= np.median(strip)
    noise = 1.5 * float(np.median(np.abs(strip)))
    run = np.cumprod(strip > INK, axis=1).sum(axis=1)
    # Beside a thick or blurred axis line the first column is ink on every row: it says nothing.
    skip = int(np.median(run))
    rows = np.flatnonzero(run - skip >= max(2, 0.12 * height))
    groups = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if rows.size else []
    px, length = [], []
    for group in groups:
        own = group[run[group] >= run[group].max() - 1]
        if own.size > max(4.0, 0.5 * height) or group.size > max(4.0, 1.2 * height):
            continue
        end = int(np.median(run[own]))
        first, last, start = _free_part(own, run, end, skip)
        px.append(_centre(strip[:, start : max(start + 1, end - 1)], max(0, first), min(strip.shape[0] - 1, last), noise))
        length.append(float(end - skip))
    return np.array(px), np.array(length)


def _free_part(rows: NDArray[np.int64], run: NDArray[np.int64], end: int, start: int) -> tuple[int, int, int]:
    """First and last row and first column of a stroke's ink that no neighbour shares; `run` is how far the ink of every row reaches.

    Minor ticks crowd a long one on a logarithmic axis, that at 9 may touch the one at 10: the long one stands alone beyond their ends. To
    another long one it has half of the gap.
    """
    first, last = int(rows[0]) - 2, int(rows[-1]) + 2
    near = np.arange(max(0, int(rows[0]) - 5), min(run.size, int(rows[-1]) + 6))
    others = near[(run[near] > start) & ~np.isin(near, rows)]
    shorter = run[others] <= end - 2
    start = max(start, int(run[others][shorter].max(initial=start - 1)) + 1)
    for other in others[~shorter].tolist():
        if other < rows[0]:
            first = max(first, int(rows[0] + other + 1) // 2)
        else:
            last = min(last, int(rows[-1] + other) // 2)
    return first, last, start


def _centre(strip: NDArray[np.float64], first: int, last: int, noise: float = np.inf) -> float:
    """Ink-weighted middle of a stroke that lies between two rows of a strip; the least ink counts where the paper is clean."""
    profile = strip[first : last + 1].mean(axis=1)
    weight = np.clip(profile - min(0.08 * profile.max(), 3.0 * noise), 0, None)
    return float((weight * np.arange(first, last + 1)).sum() / weight.sum())


def stroke_look(gray: NDArray[np.uint8], side: Side, marks: TickMarks, px: NDArray[np.float64]) -> tuple[float, float, float]:
    """How wide and dark the strokes at some places are, and by how much the noise beside them moves their middles: medians over them.

    Parameters
    ----------
    gray : (h, w) uint8
    side : Side
    marks : TickMarks
        As `find_ticks` gives them.
    px : (n,) float
        Places along the axis.

    Returns
    -------
    width, depth, noise : float
        Width in px, depth in grey levels, noise in px (0 where the paper is clean); `ORDINARY_LOOK` where no stroke can be looked at.
    """
    if not marks.is_drawn:
        return ORDINARY_LOOK
    strip = 255.0 - side.view(gray)[:, slice(*_columns(side, marks, px))].astype(np.float64)
    if not strip.size:
        return ORDINARY_LOOK
    is_grid = marks.inward and marks.axis_line is None  # data cover a gridline here and there
    profile = np.median(strip, axis=1) if is_grid else strip.mean(axis=1)
    looks = [look for at in px.tolist() if (look := _look(profile, at)) is not None]
    width, depth, noise = np.median(looks, axis=0).tolist() if looks else ORDINARY_LOOK
    return width, depth, noise


def _columns(side: Side, marks: TickMarks, px: NDArray[np.float64]) -> tuple[int, int]:
    """First column of the strokes in the view, and the first one behind them."""
    at = side.across(marks.axis_at)
    half = marks.axis_line.width / 2 + 0.5 if marks.axis_line is not None else 0.0
    own = marks.length[np.abs(marks.px[:, None] - px).min(axis=1) < 1.0]
    length = float(np.median(own)) if own.size else 0.0
    start, stop = (at + half, at + half + length) if marks.inward else (at - half - length, at - half)
    return max(0, int(np.ceil(start + 0.5))), max(0, int(np.floor(stop - 0.5)) + 1)


def _look(profile: NDArray[np.float64], at: float) -> tuple[float, float, float] | None:
    """Width and depth of the stroke at a place along a profile of ink, and how far noise moves its middle; None where none is."""
    row = round(at)
    if not LOOK_PX <= row < profile.size - LOOK_PX:
        return None
    near = profile[row - LOOK_PX : row + LOOK_PX + 1] - np.median(profile[row - LOOK_PX : row + LOOK_PX + 1])
    rows = np.arange(-LOOK_PX, LOOK_PX + 1)
    peak = float(near[LOOK_PX - 1 : LOOK_PX + 2].max())
    if peak < FAINTEST_GRID:
        return None
    bare = np.flatnonzero(near < 0.1 * peak) - LOOK_PX
    first, last = bare[bare < 0].max(initial=-LOOK_PX), bare[bare > 0].min(initial=LOOK_PX)
    own = (rows >= first) & (rows <= last)
    ink = float(near[own].sum())
    if ink <= 0:  # a faint stroke in a dip of the paper's grey
        return None
    sides = [near[(rows < first) & (rows >= first - BESIDE_PX)], near[(rows > last) & (rows <= last + BESIDE_PX)]]
    free = [side for side in sides if side.size and side.max() < NEIGHBOUR * peak]
    noise = float(np.sqrt(np.mean(np.concatenate(free) ** 2))) if free else 0.0
    return ink / peak, peak, noise * float(np.sqrt(((rows[own] + row - at) ** 2).sum())) / ink


def _bare_strokes(view: NDArray[np.uint8], edge: float, labels: NDArray[np.float64], height: float) -> float | None:
    """Column just inside the inner end of strokes that stand free between labels and plot (no axis line), or None."""
    c0 = int(edge) + 1
    strip = 255.0 - view[:, c0 : c0 + int(REACH * height)].astype(np.float64)
    if strip.shape[1] < 3:
        return None
    ink = strip - np.median(strip[:, : max(2, int(0.5 * height))]) > INK
    ends = []
    for along0, along1 in labels[:, :2]:
        centre = (along0 + along1) / 2
        runs = []
        for row in range(max(0, round(centre - 0.4 * height)), min(ink.shape[0], round(centre + 0.4 * height) + 1)):
            first = np.flatnonzero(ink[row])
            if first.size:
                gap = np.flatnonzero(~ink[row, first[0] :])
                run = int(gap[0]) if gap.size else ink.shape[1] - int(first[0])
                if 2 <= run <= 1.5 * height:
                    runs.append((int(first[0]), run))
        if runs:  # what stands next to the label, not what lies farther in
            start, run = min(runs, key=lambda r: r[0])
            ends.append(start + run - 1)
    if len(ends) < max(2, 0.5 * len(labels)):
        return None
    end = float(np.median(ends))
    return c0 + end if np.mean(np.abs(np.array(ends) - end) <= 1) >= 0.5 else None


def _gridlines(
    view: NDArray[np.uint8], edge: float, labels: NDArray[np.float64], height: float
) -> tuple[NDArray[np.float64], float] | None:
    """Positions of lines, darker or lighter than their ground, that run into the plot beside the labels, and where they begin."""
    c0 = int(edge + 0.5 * height)
    strip = 255.0 - view[:, c0 : c0 + int(GRID_REACH * height)].astype(np.float64)
    size = 2 * int(0.6 * height) + 1
    if strip.shape[1] < 3 * height or strip.shape[0] < 2 * size:
        return None
    # Data cover a gridline here and there: the median over its columns still shows it.
    profile = np.median(strip, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(profile, size // 2, mode="edge"), size)
    drop = np.abs(profile - np.median(windows, axis=1))
    least = max(FAINTEST_GRID, 0.3 * float(np.quantile(drop, 0.99)))
    rows = np.flatnonzero(drop > least)
    groups = [g for g in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if 0 < g.size <= max(3.0, 0.3 * height)]
    noise = 1.5 * float(np.median(drop))
    px = np.array([_centre(drop[:, None], max(0, int(g[0]) - 2), min(drop.size - 1, int(g[-1]) + 2), noise) for g in groups])
    if _near_labels(px, labels, height) < max(2, 0.6 * len(labels)):
        return None
    lines = np.abs(strip[[int(g[np.argmax(drop[g])]) for g in groups]] - profile[rows].mean()) < 0.5 * least
    begins = np.flatnonzero(lines.mean(axis=0) > 0.5)
    return px, float(c0 + (begins[0] if begins.size else 0))
