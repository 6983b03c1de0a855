"""Plots as they are painted: pens, markers that they place, and the picture that a set of markers makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digitize.shapes import Shape, fill_coverage, outline_coverage

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]
Part = tuple[slice, slice]

STRAY, NEARER = 0.6, 0.7  # how far (of its length) a pixel lies from the way between paper and its pen's colour at most, and against others
FAINT = 0.02  # distance from the paper (of 1.7 to black) below which a colour cannot be told from it
RING = 2.0  # px around a marker within which paper is expected
ONE_HUE, DARKER = 0.99, 1.25  # cosine between ways of one hue; how much farther from the paper a darker ink of it is
INK, OWN = 0.12, 0.2  # how far from the paper a pixel is ink; share of a colour that it must have to be of it
UNEXPLAINED = 0.2  # distance of colours (1.7 from white to black) beyond which a pixel holds other ink as well
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
        return f32(ink), f32(np.clip(whole - ink, 0, 1)), f32(around)


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
            found.append(f32(np.where(is_other, 0, np.clip(share, 0, 1))))
        return found

    def any_ink(self) -> FloatArray:
        """How far (h, w) each pixel is from the paper, at most 1."""
        return f32(np.minimum(np.linalg.norm(self.image - self.paper, axis=2) / 0.6, 1))

    def other_ink(self, amount: FloatArray) -> NDArray[np.bool_]:
        """Where (h, w) ink lies that is not of the colour whose share is `amount`."""
        return np.asarray((self.any_ink() > INK) & (amount < OWN), dtype=np.bool_)

    def unexplained(self, amount: FloatArray, color: FloatArray) -> NDArray[np.bool_]:
        """Where (h, w) ink lies that the share `amount` of a colour does not explain; pale edges of its strokes are explained."""
        rest = self.image - self.paper - amount[..., None] * (color - self.paper)
        return np.asarray(np.linalg.norm(rest, axis=2) > UNEXPLAINED, dtype=np.bool_)


def f32(values: NDArray[np.floating]) -> FloatArray:
    """The values in single precision, in which pictures are kept."""
    return np.asarray(values, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Stamp:
    """What one marker paints: ink and inside (each (h, w), shares) in the `rows` and `columns` of the plot that its pen reaches."""

    pen: Pen
    rows: slice
    columns: slice
    ink: FloatArray
    inside: FloatArray

    def lay(self, canvas: FloatArray, part: Part, paper: FloatArray) -> None:
        """Paint it on a canvas (h, w, 3) that shows a part of the plot."""
        for onto, ink, inside in self._shared(canvas, part):
            if self.pen.is_opaque:
                onto += inside[..., None] * (paper - onto)
            onto += ink[..., None] * (self.pen.color - onto)

    def dim(self, light: FloatArray, part: Part) -> None:
        """Take what it hides from the share (h, w) of each pixel of a part of the plot in which what lies beneath still shows."""
        for left, ink, inside in self._shared(light, part):
            left *= (1 - inside) * (1 - ink) if self.pen.is_opaque else 1 - ink

    def _shared(self, canvas: FloatArray, part: Part) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
        """The part of the canvas on which it paints, and its ink and inside there; none where it paints beside it."""
        top, bottom = max(self.rows.start, part[0].start), min(self.rows.stop, part[0].stop)
        left, right = max(self.columns.start, part[1].start), min(self.columns.stop, part[1].stop)
        if top >= bottom or left >= right:
            return []
        own = slice(top - self.rows.start, bottom - self.rows.start), slice(left - self.columns.start, right - self.columns.start)
        there = slice(top - part[0].start, bottom - part[0].start), slice(left - part[1].start, right - part[1].start)
        return [(canvas[there], self.ink[own], self.inside[own])]


def stamp(shape: Sequence[int], pen: Pen, x: float, y: float) -> Stamp:
    """What a marker at (x, y) px paints on a plot of the given shape (h, w)."""
    rows, columns, ys, xs = window(shape, x, y, pen.reach)
    ink, inside, _ = pen.painted(xs - x, ys - y)
    return Stamp(pen, rows, columns, ink, inside)


def stamps(picture: Picture, pens: Sequence[Pen], markers: Sequence[Placed]) -> list[Stamp]:
    """What each marker paints."""
    return [stamp(picture.seen.shape, pens[m.pen], m.x, m.y) for m in markers]


def window(shape: Sequence[int], x: float, y: float, reach: int) -> tuple[slice, slice, Doubles, Doubles]:
    """The pixels around a place: rows and columns, and their y and x."""
    rows = slice(max(0, round(y) - reach), min(shape[0], round(y) + reach + 1))
    columns = slice(max(0, round(x) - reach), min(shape[1], round(x) + reach + 1))
    ys, xs = np.mgrid[rows, columns].astype(float)
    return rows, columns, ys, xs


def paint(picture: Picture, pens: Sequence[Pen], markers: Sequence[Placed], part: Part) -> FloatArray:
    """A part of the plot (h, w, 3) as it looks when these markers are painted, the last first."""
    return painted(picture, stamps(picture, pens, markers), part)


def painted(picture: Picture, laid: Sequence[Stamp], part: Part) -> FloatArray:
    """A part of the plot (h, w, 3) as it looks when markers are painted that stamp so, the last first."""
    canvas = np.broadcast_to(picture.paper, (part[0].stop - part[0].start, part[1].stop - part[1].start, 3)).astype(np.float32)
    for each in reversed(laid):
        each.lay(canvas, part, picture.paper)
    return canvas


def misfit(picture: Picture, pens: Sequence[Pen], markers: Sequence[Placed]) -> float:
    """How far the painted plot is from the picture, as by `off_in`."""
    return off_in(picture, stamps(picture, pens, markers), (slice(0, picture.seen.shape[0]), slice(0, picture.seen.shape[1])))


def off_in(picture: Picture, laid: Sequence[Stamp], part: Part) -> float:
    """How far a part of the plot is from what these stamps paint: the sum of its squared distances, those of other ink capped."""
    off = ((picture.image[part] - painted(picture, laid, part)) ** 2).sum(axis=2)
    return float((picture.seen[part] * np.minimum(off, MOST_OFF)).sum())
