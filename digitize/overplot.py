"""Markers that lie over one another, told apart by painting: a set of markers is right when painting it gives the picture.

Markers are peeled off a plot from front to back. A marker that nothing covers must agree with its pen (shape, size, colour) everywhere;
one that lies beneath others only where it still shows. The places of markers that overlap are then fitted together, so that all of them
at once explain the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from digitize.painting import MOST_OFF, FloatArray, Pen, Picture, Placed, Stamp, f32, off_in, painted, stamp, stamps, window

MOST_MARKERS = 1500  # of one plot
SOFT = 0.7  # px: width of the softening with which markers are searched
RING_WEIGHT, INNER_WEIGHT = 0.3, 0.5
AGREES = 0.65  # how well a marker's showing ink must agree, as a share of how well it does in those that stand alone
LEAST_AGREES = 0.5
SHOWS = 0.12  # share of a marker's ink that must show
STEPS = (-0.5, -0.25, 0.0, 0.25, 0.5)
SURELY = 0.75  # share of its ink that shows, and that agrees, above which a marker that no other crowds is not doubted
NEEDED, NEEDED_OF_SHOWN = 0.12, 0.45  # share of a marker's ink, and of what shows of it, that only it must explain
CROWDED = 0.9  # half-sizes between the anchors of markers that crowd each other
SWEEPS = 24  # how often each overlapping marker is moved
SETTLED, NUDGE = 0.01, 0.1  # px
DAMPING = 1e-3


def read_markers(picture: Picture, pens: Sequence[Pen]) -> list[Placed]:
    """The markers of a plot, those in front first, placed so that painting them gives the picture.

    Parameters
    ----------
    picture : Picture
    pens : sequence of Pen
        One for each series; the number of a marker's pen is its place here.
    """
    found = fitted(picture, pens, peel(picture, pens))
    kept = needed(picture, pens, found)
    return kept if len(kept) == len(found) else fitted(picture, pens, kept)


def peel(picture: Picture, pens: Sequence[Pen]) -> list[Placed]:
    """What agrees with a pen wherever it shows, those in front first, to a quarter of a pixel."""
    free = picture.seen.copy()
    other = picture.any_ink() ** 2
    amounts = picture.amounts([pen.color for pen in pens])
    searches = [_Search(pen, amount, other, free) for pen, amount in zip(pens, amounts, strict=True)]
    placed: list[Placed] = []
    while searches and len(placed) < MOST_MARKERS:
        number = int(np.argmax([s.best for s in searches]))
        search = searches[number]
        if search.best <= 0:
            break
        marker = search.take(number)
        placed.append(marker)
        _claim(free, pens[number], marker.x, marker.y)
        for each in searches:
            each.update(round(marker.x), round(marker.y), pens[number].reach)
    return placed


def overlooked(picture: Picture, pens: Sequence[Pen], known: Sequence[Placed], number: int, most: int) -> list[Placed]:
    """At most `most` further markers of the pen of that number, the likeliest first, once the `known` ones of all pens are peeled off."""
    pen = agreement(picture, pens, [m for m in known if m.pen == number])[number]
    free = picture.seen.copy()
    for marker in known:
        _claim(free, pens[marker.pen], marker.x, marker.y)
    search = _Search(pen, picture.amounts([p.color for p in pens])[number], picture.any_ink() ** 2, free)
    found: list[Placed] = []
    while len(found) < most and search.best > 0:
        marker = search.take(number)
        found.append(marker)
        _claim(free, pen, marker.x, marker.y)
        search.update(round(marker.x), round(marker.y), pen.reach)
    return found


def agreement(picture: Picture, pens: Sequence[Pen], alone: Sequence[Placed]) -> list[Pen]:
    """The pens with how well markers that stand alone agree with them."""
    amounts = picture.amounts([pen.color for pen in pens])
    found = []
    for k, pen in enumerate(pens):
        search = _Search(pen, amounts[k], np.zeros_like(picture.seen), picture.seen)
        own = [float(search.agrees[row, column]) for row, column in (_pixel(m, picture) for m in alone if m.pen == k)]
        found.append(replace(pen, agrees=float(np.clip(np.median(own), LEAST_AGREES, 1.0))) if own else pen)
    return found


def _pixel(marker: Placed, picture: Picture) -> tuple[int, int]:
    h, w = picture.seen.shape
    return min(max(round(marker.y), 0), h - 1), min(max(round(marker.x), 0), w - 1)


class _Search:
    """How well a marker of one pen would stand at every pixel, while others are peeled off."""

    def __init__(self, pen: Pen, amount: FloatArray, other: FloatArray, free: FloatArray) -> None:
        # A marker drawn on whole pixels is up to half a pixel larger or smaller than the next: softened, both look alike.
        self.pen, self.amount, self.other, self.free = pen, _softened(amount), other, free
        self.ink = _softened(pen.kernels[0])
        self.closed = np.zeros(free.shape, dtype=bool)
        self.score, self.shows, self.agrees = self._scores((slice(None), slice(None)))

    @property
    def best(self) -> float:
        return float(self.score.max())

    def take(self, number: int) -> Placed:
        """The best marker, to a quarter of a pixel; no second one stands right there."""
        row, column = (int(v) for v in np.unravel_index(int(self.score.argmax()), self.score.shape))
        shows, agrees = float(self.shows[row, column]), float(self.agrees[row, column])
        offsets = [(dx, dy) for dy in STEPS for dx in STEPS]
        dx, dy = max(offsets, key=lambda d: self._gain(column + d[0], row + d[1]))
        self.closed[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = True
        return Placed(number, column + dx, row + dy, shows, agrees)

    def _gain(self, x: float, y: float) -> float:
        rows, columns, ys, xs = window(self.free.shape, x, y, self.pen.reach)
        ink = _softened(self.pen.painted(xs - x, ys - y)[0])
        return float((self.free[rows, columns] * ink * (2 * self.amount[rows, columns] - ink)).sum())

    def update(self, x: int, y: int, reach: int) -> None:
        """Score anew what a marker painted at a place changes."""
        h, w = self.free.shape
        far, own = self.pen.reach + reach + 1, self.pen.reach
        rows, columns = slice(max(0, y - far), min(h, y + far + 1)), slice(max(0, x - far), min(w, x + far + 1))
        wide = slice(max(0, rows.start - own), min(h, rows.stop + own)), slice(max(0, columns.start - own), min(w, columns.stop + own))
        inner = (
            slice(rows.start - wide[0].start, rows.stop - wide[0].start),
            slice(columns.start - wide[1].start, columns.stop - wide[1].start),
        )
        for old, new in zip((self.score, self.shows, self.agrees), self._scores(wide), strict=True):
            old[rows, columns] = new[inner]

    def _scores(self, part: tuple[slice, slice]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Score (0 where no marker can be), share of the ink that shows, and share of that which agrees, in a part of the plot."""
        pen, free = self.pen, self.free[part]
        ink, (_, inner, around) = self.ink, pen.kernels
        full = _sum(free, ink**2)
        gain = 2 * _sum(free * self.amount[part], ink) - full
        wrong = RING_WEIGHT * _sum(free * self.other[part], around)
        if pen.is_open and pen.is_opaque:
            wrong = wrong + INNER_WEIGHT * _sum(free * self.other[part], inner)
        shows = full / float((ink**2).sum())
        agrees = gain / np.maximum(full, 1e-6)
        fits = (agrees >= AGREES * pen.agrees) & (shows >= SHOWS) & ~self.closed[part]
        return f32(np.where(fits, gain - np.minimum(wrong, 0.6 * gain), 0)), f32(shows), f32(agrees)


def _softened(values: FloatArray) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), SOFT, borderType=cv2.BORDER_CONSTANT), dtype=np.float32)


def _sum(values: FloatArray, kernel: FloatArray) -> FloatArray:
    """The values around each pixel, weighted by a kernel centred on it; nothing lies beyond the edge."""
    return np.asarray(cv2.filter2D(np.ascontiguousarray(values), cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT), dtype=np.float32)


def _claim(free: FloatArray, pen: Pen, x: float, y: float) -> None:
    """Take what a marker paints from what is left to explain."""
    rows, columns, ys, xs = window(free.shape, x, y, pen.reach)
    ink, inner, _ = pen.painted(xs - x, ys - y)
    free[rows, columns] *= 1 - (ink + inner if pen.is_opaque else ink)


def overlapping(markers: Sequence[Placed], pens: Sequence[Pen]) -> list[list[int]]:
    """For each marker the numbers of those that may paint where it does, itself among them, in the order given."""
    places = np.array([(m.x, m.y) for m in markers]).reshape(-1, 2)
    radius = np.array([pens[m.pen].size * 1.45 + pens[m.pen].line_width for m in markers])
    return [np.flatnonzero(np.hypot(*(places - places[k]).T) < radius + radius[k]).tolist() for k in range(len(markers))]


def fitted(picture: Picture, pens: Sequence[Pen], markers: Sequence[Placed]) -> list[Placed]:
    """The markers, those that overlap moved so that painting all of them gives the picture best (least squares, other ink left out)."""
    groups = overlapping(markers, pens)
    current, laid = list(markers), stamps(picture, pens, markers)
    moving = [k for k, group in enumerate(groups) if len(group) > 1]
    for _ in range(SWEEPS):
        moved = []
        for k in moving:
            pen, before, behind = pens[current[k].pen], [laid[j] for j in groups[k] if j < k], [laid[j] for j in groups[k] if j > k]
            dx, dy = _move(picture, pen, current[k], before, behind)
            current[k] = replace(current[k], x=current[k].x + dx, y=current[k].y + dy)
            laid[k] = stamp(picture.seen.shape, pen, current[k].x, current[k].y)
            if max(abs(dx), abs(dy)) > SETTLED:
                moved.append(k)
        moving = sorted({j for k in moved for j in groups[k] if len(groups[j]) > 1})
    return [m if np.hypot(m.x - old.x, m.y - old.y) < 0.5 * pens[m.pen].size else old for m, old in zip(current, markers, strict=True)]


def crowded(markers: Sequence[Placed], pens: Sequence[Pen]) -> list[bool]:
    """Whether the anchor of another marker lies within each."""
    places = np.array([(m.x, m.y) for m in markers]).reshape(-1, 2)
    sizes = np.array([pens[m.pen].size for m in markers])
    return [bool((np.hypot(*(places - places[k]).T) < CROWDED * np.maximum(sizes, sizes[k])).sum() > 1) for k in range(len(markers))]


def needed(picture: Picture, pens: Sequence[Pen], markers: Sequence[Placed]) -> list[Placed]:
    """The markers without those in doubt without which the painted plot is about as much like the picture."""
    groups = overlapping(markers, pens)
    is_crowded = crowded(markers, pens)
    laid = stamps(picture, pens, markers)
    doubted = [k for k, m in enumerate(markers) if min(m.shows, m.agrees) < SURELY or is_crowded[k]]
    dropped: set[int] = set()
    for k in sorted(doubted, key=lambda k: markers[k].shows * markers[k].agrees):
        others = [j for j in groups[k] if j not in dropped and j != k]
        part = window(picture.seen.shape, markers[k].x, markers[k].y, pens[markers[k].pen].reach)[:2]
        off = [off_in(picture, [laid[j] for j in numbers], part) for numbers in (others, sorted([*others, k]))]
        if (off[0] - off[1]) / _whole(picture, pens[markers[k].pen]) < max(NEEDED, NEEDED_OF_SHOWN * markers[k].shows):
            dropped.add(k)
    return [m for k, m in enumerate(markers) if k not in dropped]


def _whole(picture: Picture, pen: Pen) -> float:
    """How far the paper is from a whole marker."""
    return float((pen.kernels[0] ** 2).sum()) * min(float(((pen.color - picture.paper) ** 2).sum()), MOST_OFF)


def _move(picture: Picture, pen: Pen, marker: Placed, before: Sequence[Stamp], behind: Sequence[Stamp]) -> tuple[float, float]:
    """One Gauss-Newton step of one marker between those that lie before and behind it."""
    rows, columns, _, _ = window(picture.seen.shape, marker.x, marker.y, pen.reach)
    part = rows, columns
    ground = painted(picture, behind, part)
    light = np.ones(ground.shape[:2], dtype=np.float32)
    for each in before:
        each.dim(light, part)

    def on_ground(x: float, y: float) -> FloatArray:
        """The ground with the marker on it: what lies before it adds the same wherever it stands, and hides the same."""
        canvas = ground.copy()
        stamp(picture.seen.shape, pen, x, y).lay(canvas, part, picture.paper)
        return canvas

    here = on_ground(marker.x, marker.y)
    whole = here.copy()
    for each in reversed(before):
        each.lay(whole, part, picture.paper)
    residual = picture.image[part] - whole
    weight = picture.seen[part][..., None] / (1 + (np.linalg.norm(residual, axis=2, keepdims=True) / 0.3) ** 2) ** 2
    nudged = on_ground(marker.x + NUDGE, marker.y), on_ground(marker.x, marker.y + NUDGE)
    slopes = np.stack([(light[..., None] * (each - here)).ravel() for each in nudged], axis=1) / NUDGE
    weights = np.broadcast_to(weight, residual.shape).reshape(-1, 1)
    step = np.linalg.solve(slopes.T @ (weights * slopes) + DAMPING * np.eye(2), slopes.T @ (weights[:, 0] * residual.ravel()))
    dx, dy = np.clip(step, -0.5, 0.5).tolist()
    return dx, dy
