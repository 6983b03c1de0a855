"""Markers that lie over one another, told apart by painting: a set of markers is right when painting it gives the picture.

Markers are peeled off a plot from front to back. A marker that nothing covers must agree with its pen (shape, size, colour) everywhere;
one that lies beneath others only where it still shows. The places of markers that overlap are then fitted together, so that all of them
at once explain the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.shapes import Shape, fill_coverage, outline_coverage

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]

MOST_MARKERS = 1500  # of one plot
STRAY, NEARER = 0.6, 0.7  # how far (of its length) a pixel lies from the way between paper and its pen's colour at most, and against others
FAINT = 0.02  # distance from the paper (of 1.7 to black) below which a colour cannot be told from it
SOFT = 0.7  # px: width of the softening with which markers are searched
RING = 2.0  # px around a marker within which paper is expected
RING_WEIGHT, INNER_WEIGHT = 0.3, 0.5
ONE_HUE, DARKER = 0.99, 1.25  # cosine between ways of one hue; how much farther from the paper a darker ink of it is
AGREES = 0.65  # how well a marker's showing ink must agree, as a share of how well it does in those that stand alone
LEAST_AGREES = 0.5
INK, OWN = 0.12, 0.2  # how far from the paper a pixel is ink; share of a colour that it must have to be of it
UNEXPLAINED = 0.2  # distance of colours (1.7 from white to black) beyond which a pixel holds other ink as well
SHOWS = 0.12  # share of a marker's ink that must show
STEPS = (-0.5, -0.25, 0.0, 0.25, 0.5)
SURELY = 0.75  # share of its ink that shows, and that agrees, above which a marker that no other crowds is not doubted
NEEDED, NEEDED_OF_SHOWN = 0.12, 0.45  # share of a marker's ink, and of what shows of it, that only it must explain
CROWDED = 0.9  # half-sizes between the anchors of markers that crowd each other
SWEEPS = 24  # how often each overlapping marker is moved
SETTLED, NUDGE = 0.01, 0.1  # px
DAMPING = 1e-3
MOST_OFF = 0.1  # squared distance of colours (0 to 3) beyond which a pixel is other ink, however far it is


@dataclass(frozen=True, eq=False)
class Pen:
    """How the markers of one series are drawn.

    `size` is the half-size and `line_width` the width of the outline (0 for a filled marker) in px, `color` (3,) of 0 to 1, `blur` the
    width of edges in px; `is_opaque` whether an open marker is filled with paper. `agrees` is how well (at most 1) the ink of markers that
    stand alone agrees with the pen: noise and compression leave less than 1. `kernels` are ink, inside and surroundings in the window
    of a marker whose anchor is the centre of a pixel.
    """

    shape: Shape
    size: float
    line_width: float
    color: FloatArray
    blur: float = 1.0
    is_opaque: bool = False
    agrees: float = 1.0
    kernels: tuple[FloatArray, FloatArray, FloatArray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        steps = np.arange(-self.reach, self.reach + 1, dtype=float)
        object.__setattr__(self, "kernels", self.painted(*np.meshgrid(steps, steps)))

    @property
    def is_open(self) -> bool:
        """Whether it is an outline."""
        return self.line_width > 0

    @property
    def reach(self) -> int:
        """Half the side of the window that holds a marker with its surroundings, px."""
        return int(np.ceil(self.size * 1.5 + self.line_width / 2 + RING + 1))

    def painted(self, dx: Doubles, dy: Doubles) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Shares of pixels at offsets from the anchor that are ink, that are the marker's inside, and that lie right around it."""
        distance = self.shape.distance(dx, dy, self.size)
        whole = fill_coverage(distance - self.line_width / 2, self.blur)
        ink = outline_coverage(distance, self.line_width, self.blur) if self.is_open else whole
        around = fill_coverage(distance - self.line_width / 2 - RING, self.blur) - whole
        return _f32(ink), _f32(np.clip(whole - ink, 0, 1)), _f32(around)


@dataclass(frozen=True)
class Placed:
    """A marker of pen number `pen` at (x, y) px; `shows` is the share of its ink that no other covers, `agrees` how much of that fits."""

    pen: int
    x: float
    y: float
    shows: float
    agrees: float


@dataclass(frozen=True, eq=False)
class Picture:
    """The inside of a plot: (h, w, 3) of 0 to 1, the colour (3,) of its paper, and `seen` (h, w): 0 where text or a legend lies, else 1."""

    image: FloatArray
    paper: FloatArray
    seen: FloatArray

    def amounts(self, colors: Sequence[FloatArray]) -> list[FloatArray]:
        """Share (h, w) of each colour in each pixel, 0 where it is other ink: far off its way from the paper, or nearer another's.

        A colour that is the paper's has no share anywhere.
        """
        lengths = [float(np.linalg.norm(color - self.paper)) for color in colors]
        if min(lengths, default=1.0) < FAINT:
            visible = iter(self.amounts([color for color, length in zip(colors, lengths, strict=True) if length >= FAINT]))
            nothing = np.zeros(self.image.shape[:2], dtype=np.float32)
            return [next(visible) if length >= FAINT else nothing for length in lengths]
        ways = [color - self.paper for color in colors]
        drop = self.image - self.paper
        shares = [drop @ way / length**2 for way, length in zip(ways, lengths, strict=True)]
        across = [np.linalg.norm(drop - s[..., None] * way, axis=2) for s, way in zip(shares, ways, strict=True)]
        found = []
        for k, (share, off, length) in enumerate(zip(shares, across, lengths, strict=True)):
            is_other = off > STRAY * length * np.maximum(share, 1)
            for j, way in enumerate(ways):
                if float(way @ ways[k]) < ONE_HUE * length * lengths[j]:
                    is_other |= (off > 0.1 * length + 0.03) & (across[j] < NEARER * off)
                elif lengths[j] > DARKER * length:
                    is_other |= share > (1 + lengths[j] / length) / 2
            found.append(_f32(np.where(is_other, 0, np.clip(share, 0, 1))))
        return found

    def any_ink(self) -> FloatArray:
        """How far (h, w) each pixel is from the paper, at most 1."""
        return _f32(np.minimum(np.linalg.norm(self.image - self.paper, axis=2) / 0.6, 1))

    def other_ink(self, amount: FloatArray) -> NDArray[np.bool_]:
        """Where (h, w) ink lies that is not of the colour whose share is `amount`."""
        return np.asarray((self.any_ink() > INK) & (amount < OWN), dtype=np.bool_)

    def unexplained(self, amount: FloatArray, color: FloatArray) -> NDArray[np.bool_]:
        """Where (h, w) ink lies that the share `amount` of a colour does not explain; pale edges of its strokes are explained."""
        rest = self.image - self.paper - amount[..., None] * (color - self.paper)
        return np.asarray(np.linalg.norm(rest, axis=2) > UNEXPLAINED, dtype=np.bool_)


def _f32(values: NDArray[np.floating]) -> FloatArray:
    return np.asarray(values, dtype=np.float32)


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
        rows, columns, ys, xs = _window(self.free.shape, x, y, self.pen.reach)
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
        return _f32(np.where(fits, gain - np.minimum(wrong, 0.6 * gain), 0)), _f32(shows), _f32(agrees)


def _softened(values: FloatArray) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), SOFT, borderType=cv2.BORDER_CONSTANT), dtype=np.float32)


def _sum(values: FloatArray, kernel: FloatArray) -> FloatArray:
    """The values around each pixel, weighted by a kernel centred on it; nothing lies beyond the edge."""
    return np.asarray(cv2.filter2D(np.ascontiguousarray(values), cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT), dtype=np.float32)


def _window(shape: Sequence[int], x: float, y: float, reach: int) -> tuple[slice, slice, Doubles, Doubles]:
    """The pixels around a place: rows and columns, and their y and x."""
    rows = slice(max(0, round(y) - reach), min(shape[0], round(y) + reach + 1))
    columns = slice(max(0, round(x) - reach), min(shape[1], round(x) + reach + 1))
    ys, xs = np.mgrid[rows, columns].astype(float)
    return rows, columns, ys, xs


def _claim(free: FloatArray, pen: Pen, x: float, y: float) -> None:
    """Take what a marker paints from what is left to explain."""
    rows, columns, ys, xs = _window(free.shape, x, y, pen.reach)
    ink, inner, _ = pen.painted(xs - x, ys - y)
    free[rows, columns] *= 1 - (ink + inner if pen.is_opaque else ink)


def paint(picture: Picture, pens: Sequence[Pen], markers: Sequence[Placed], part: tuple[slice, slice]) -> FloatArray:
    """A part of the plot (h, w, 3) as it looks when these markers are painted, the last first."""
    shape = (part[0].stop - part[0].start, part[1].stop - part[1].start, 3)
    canvas = np.broadcast_to(picture.paper, shape).astype(np.float32)
    for m in reversed(markers):
        _paint(canvas, picture.paper, pens[m.pen], m, part)
    return canvas


def _paint(canvas: FloatArray, paper: FloatArray, pen: Pen, marker: Placed, part: tuple[slice, slice]) -> None:
    ys, xs = np.mgrid[part].astype(float)
    ink, inner, _ = pen.painted(xs - marker.x, ys - marker.y)
    if pen.is_opaque:
        canvas += inner[..., None] * (paper - canvas)
    canvas += ink[..., None] * (pen.color - canvas)


def overlapping(markers: Sequence[Placed], pens: Sequence[Pen]) -> list[list[int]]:
    """For each marker the numbers of those that may paint where it does, itself among them, in the order given."""
    places = np.array([(m.x, m.y) for m in markers]).reshape(-1, 2)
    radius = np.array([pens[m.pen].size * 1.45 + pens[m.pen].line_width for m in markers])
    return [np.flatnonzero(np.hypot(*(places - places[k]).T) < radius + radius[k]).tolist() for k in range(len(markers))]


def misfit(picture: Picture, pens: Sequence[Pen], markers: Sequence[Placed]) -> float:
    """How far the painted plot is from the picture: the sum over its pixels of squared distances, those of other ink capped."""
    whole = (slice(0, picture.seen.shape[0]), slice(0, picture.seen.shape[1]))
    canvas = np.broadcast_to(picture.paper, picture.image.shape).astype(np.float32)
    for m in reversed(markers):
        rows, columns, _, _ = _window(picture.seen.shape, m.x, m.y, pens[m.pen].reach)
        _paint(canvas[rows, columns], picture.paper, pens[m.pen], m, (rows, columns))
    off = ((picture.image[whole] - canvas) ** 2).sum(axis=2)
    return float((picture.seen * np.minimum(off, MOST_OFF)).sum())


def fitted(picture: Picture, pens: Sequence[Pen], markers: Sequence[Placed]) -> list[Placed]:
    """The markers, those that overlap moved so that painting all of them gives the picture best (least squares, other ink left out)."""
    groups = overlapping(markers, pens)
    current = list(markers)
    moving = [k for k, group in enumerate(groups) if len(group) > 1]
    for _ in range(SWEEPS):
        moved = []
        for k in moving:
            dx, dy = _move(picture, pens, [current[j] for j in groups[k]], groups[k].index(k))
            current[k] = replace(current[k], x=current[k].x + dx, y=current[k].y + dy)
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
    doubted = [k for k, m in enumerate(markers) if min(m.shows, m.agrees) < SURELY or is_crowded[k]]
    dropped: set[int] = set()
    for k in sorted(doubted, key=lambda k: markers[k].shows * markers[k].agrees):
        group = [j for j in groups[k] if j not in dropped]
        if _explained(picture, pens, [markers[j] for j in group], group.index(k)) < max(NEEDED, NEEDED_OF_SHOWN * markers[k].shows):
            dropped.add(k)
    return [m for k, m in enumerate(markers) if k not in dropped]


def _explained(picture: Picture, pens: Sequence[Pen], group: Sequence[Placed], own: int) -> float:
    """How much of the picture, as a share of a whole marker's ink, only this marker of a group explains."""
    marker = group[own]
    pen = pens[marker.pen]
    part = _window(picture.seen.shape, marker.x, marker.y, pen.reach)[:2]
    without, with_it = (
        float((picture.seen[part] * np.minimum(((picture.image[part] - painted) ** 2).sum(axis=2), MOST_OFF)).sum())
        for painted in (paint(picture, pens, [*group[:own], *group[own + 1 :]], part), paint(picture, pens, group, part))
    )
    whole = float((pen.kernels[0] ** 2).sum()) * min(float(((pen.color - picture.paper) ** 2).sum()), MOST_OFF)
    return (without - with_it) / whole


def _move(picture: Picture, pens: Sequence[Pen], group: Sequence[Placed], own: int) -> tuple[float, float]:
    """One Gauss-Newton step of one marker among those that overlap it."""
    marker = group[own]
    rows, columns, _, _ = _window(picture.seen.shape, marker.x, marker.y, pens[marker.pen].reach)

    def painted(x: float, y: float) -> FloatArray:
        moved = [*group[:own], replace(marker, x=x, y=y), *group[own + 1 :]]
        return paint(picture, pens, moved, (rows, columns))

    here = painted(marker.x, marker.y)
    residual = picture.image[rows, columns] - here
    weight = picture.seen[rows, columns][..., None] / (1 + (np.linalg.norm(residual, axis=2, keepdims=True) / 0.3) ** 2) ** 2
    slopes = np.stack(
        [(painted(marker.x + NUDGE, marker.y) - here).ravel(), (painted(marker.x, marker.y + NUDGE) - here).ravel()], axis=1
    ) / NUDGE  # fmt: skip
    weights = np.broadcast_to(weight, residual.shape).reshape(-1, 1)
    step = np.linalg.solve(slopes.T @ (weights * slopes) + DAMPING * np.eye(2), slopes.T @ (weights[:, 0] * residual.ravel()))
    dx, dy = np.clip(step, -0.5, 0.5).tolist()
    return dx, dy
