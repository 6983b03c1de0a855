"""Random plots with markers and error bars whose every mark is known: what the marks network learns from.

All lengths are px at the scale at which the digits of tick labels are 12 px high. A plot is drawn on a canvas several times finer, brought
down to the pixels of an imagined figure of 70 to 300 dpi, spoilt there as scans and JPEG files are, and resampled to that scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Points = NDArray[np.float64]
Pair = tuple[float, float]
T = TypeVar("T")

STYLES = (
    *("circle", "square", "diamond", "triangle", "triangle-down"),
    *("circle-open", "square-open", "diamond-open", "triangle-open", "triangle-down-open"),
    *("cross", "plus", "star"),
)
N_SHAPES = 5
SHIFT = 4
PALETTE = (
    *((0, 0, 0), (214, 39, 40), (31, 119, 180), (44, 160, 44), (255, 127, 14), (148, 103, 189), (140, 86, 75), (231, 41, 138)),
    *((23, 119, 127), (248, 118, 109), (0, 186, 56), (97, 156, 255), (0, 0, 255), (255, 0, 0), (0, 128, 0), (148, 0, 211), (86, 180, 233)),
    *((230, 159, 0), (0, 158, 115), (79, 129, 189), (192, 80, 77), (155, 187, 89), (128, 100, 162), (247, 150, 70), (188, 189, 34)),
)
GREYS = (0, 0, 40, 85, 110, 136, 160, 176)


@dataclass(frozen=True)
class End:
    """An end of an error bar at height y; `seen` where some of it shows."""

    x: float
    y: float
    seen: bool


@dataclass(frozen=True)
class Truth:
    """A marker whose anchor lies at (x, y).

    `style` is the index of its style, `size` its half-size, `is_tall` whether a triangle is as wide as it is high, `seen` the share of the
    marker that shows.
    """

    x: float
    y: float
    size: float
    style: int
    is_tall: bool
    up: End | None
    down: End | None
    seen: float


@dataclass(frozen=True)
class Window:
    """A drawn piece of a plot, (side, side, 3) uint8 RGB, its markers, and the upper and lower ends that belong to no marker."""

    image: NDArray[np.uint8]
    markers: tuple[Truth, ...]
    loose_up: tuple[End, ...]
    loose_down: tuple[End, ...]


@dataclass
class Drawn:
    """A marker as it is put on the canvas; `order` counts what was drawn, so that later marks hide earlier ones."""

    x: float
    y: float
    size: float
    style: int
    is_tall: bool
    outline: Points
    is_opaque: bool
    order: int
    up: tuple[float, float, int] | None = None
    down: tuple[float, float, int] | None = None


@dataclass
class Canvas:
    """A window on the plot: `k` canvas pixels a px, `native` pixels of the imagined figure a px, the window's corner in the plot."""

    k: float
    native: float
    x0: float
    y0: float
    paper: Color
    is_snapped: bool
    side: int
    image: NDArray[np.uint8] = field(init=False)
    markers: list[Drawn] = field(default_factory=list)
    loose: list[tuple[float, float, bool]] = field(default_factory=list)
    order: int = 0

    def __post_init__(self) -> None:
        side = round(self.side * self.k)
        self.image = np.empty((side, side, 3), dtype=np.uint8)
        if len(set(self.paper)) == 1:
            self.image.fill(self.paper[0])
        else:
            self.image[:] = self.paper

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        at = (points - (self.x0, self.y0) + 0.5) * self.k - 0.5
        return np.round(np.clip(at, -30000, 30000) * (1 << SHIFT)).astype(np.int32)

    def polygon(self, points: Points, color: Color) -> None:
        """Fill a polygon (n, 2)."""
        self.order += 1
        cv2.fillPoly(self.image, [self._fixed(points)], color, cv2.LINE_8, SHIFT)

    def outline(self, points: Points, width: float, color: Color, *, is_closed: bool = True) -> None:
        """Draw a line of the given width through points (n, 2)."""
        self.order += 1
        cv2.polylines(self.image, [self._fixed(points)], is_closed, color, max(1, round(width * self.k - 0.3)), cv2.LINE_8, SHIFT)

    def stroke(self, a: Sequence[float], b: Sequence[float], width: float, color: Color) -> None:
        """Draw a straight stroke with flat ends."""
        p, q = np.array(a, dtype=float), np.array(b, dtype=float)
        length = float(np.hypot(*(q - p)))
        if length < 1e-6:
            return
        half = max(width - 1 / self.k, 0.2 / self.k) / 2  # the polygon filler adds half a canvas pixel on each side
        normal = np.array([-(q - p)[1], (q - p)[0]]) / length * half
        self.polygon(np.array([p + normal, q + normal, q - normal, p - normal]), color)

    def snap(self, value: float, origin: float, width: float) -> float:
        """A position moved so that a stroke of whole pixels fills whole pixels of the figure, where the program draws like that."""
        if not self.is_snapped:
            return value
        at = (value - origin + 0.5) * self.native - 0.5
        whole = max(1, round(width * self.native))
        at = round(at) if whole % 2 else np.floor(at) + 0.5
        return float((at + 0.5) / self.native - 0.5 + origin)

    def width(self, width: float) -> float:
        """A stroke's width in whole pixels of the figure, where the program draws like that."""
        return max(1, round(width * self.native)) / self.native if self.is_snapped else width


def _polygon(shape: int, size: float, *, is_tall: bool) -> Points:
    """The outline of a marker of half-size `size` around its anchor."""
    if shape == 0:
        turn = np.linspace(0, 2 * np.pi, 24 if size < 6 else 36, endpoint=False)
        return np.stack([np.cos(turn), np.sin(turn)], axis=1) * size
    if shape == 1:
        return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float) * size
    if shape == 2:
        return np.array([(0, -1), (1, 0), (0, 1), (-1, 0)], dtype=float) * size
    up = np.array([(0, -1), (1, 1), (-1, 1)], dtype=float) if is_tall else np.array([(0, -1), (0.75**0.5, 0.5), (-(0.75**0.5), 0.5)])
    return up * size * ((1, 1) if shape == 3 else (1, -1))


def _grown(shape: int, size: float, by: float, *, is_tall: bool) -> Points:
    """The outline moved outwards by a distance."""
    if shape == 2:
        by *= 2**0.5
    elif shape >= 3:
        by *= 5**0.5 if is_tall else 2.0
        if is_tall:  # its planes are not all equally far from the anchor
            scale, offset = (2 * size + by * (1 + 1 / 5**0.5)) / (2 * size), (by * (1 / 5**0.5 - 1)) / 2
            turned = _polygon(shape, size, is_tall=True) * scale
            return turned + np.array([0, offset if shape == 3 else -offset])
    return _polygon(shape, max(size + by, 0.3), is_tall=is_tall)


@dataclass(frozen=True)
class Look:
    """How a series is drawn."""

    style: int
    is_tall: bool
    size: float
    color: Color
    face: Color | None
    edge: float
    edge_color: Color
    stem: float
    cap: float
    cap_width: float
    bar_color: Color
    line: float
    dash: tuple[float, float] | None
    has_line: bool
    has_marker: bool
    has_dot: bool
    gap: float


def draw_marker(canvas: Canvas, look: Look, x: float, y: float) -> Drawn:
    """Put a marker on the canvas and note it."""
    at = np.array([x, y])
    if look.style >= 10:
        for a, b in _arms(look.style, look.size):
            canvas.stroke(at + a, at + b, look.edge, look.color)
        drawn = Drawn(x, y, look.size, look.style, False, at + _polygon(0, look.size, is_tall=False), False, canvas.order)
        canvas.markers.append(drawn)
        return drawn
    shape = look.style % N_SHAPES
    is_open = look.style >= N_SHAPES
    inset = 0.5 / canvas.k
    middle = _polygon(shape, look.size, is_tall=look.is_tall)
    if is_open or look.edge > 0:
        if look.face is not None:
            canvas.polygon(at + _grown(shape, look.size, -inset, is_tall=look.is_tall), look.face)
        canvas.outline(at + middle, look.edge, look.edge_color)
        outer = look.size + (0 if is_open else look.edge / 2)
    else:
        canvas.polygon(at + _grown(shape, look.size, -inset, is_tall=look.is_tall), look.color)
        outer = look.size
    if is_open and look.has_dot:
        canvas.polygon(at + _polygon(0, 0.8, is_tall=False), look.edge_color)
    drawn = Drawn(x, y, outer, look.style, look.is_tall, at + middle, look.face is not None or not is_open, canvas.order)
    canvas.markers.append(drawn)
    return drawn


def _arms(style: int, size: float) -> list[tuple[Points, Points]]:
    turns = {10: (45, 135), 11: (0, 90), 12: (30, 90, 150)}[style]
    ways = [np.array([np.cos(np.radians(t)), np.sin(np.radians(t))]) for t in turns]
    return [(-w * size, w * size) for w in ways]


def draw_bar(canvas: Canvas, look: Look, x: float, y: float, ends: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    """Stem and caps from y to the ends (upper, lower); returns where they came to lie."""
    x = canvas.snap(x, canvas.x0, look.stem)
    stem, cap_width = canvas.width(look.stem), canvas.width(look.cap_width)
    at = [None if e is None else (canvas.snap(e, canvas.y0, look.cap_width) if look.cap > 0 else e) for e in ends]
    top, bottom = (y if e is None else e for e in at)
    canvas.stroke((x, top), (x, bottom), stem, look.bar_color)
    if look.cap > 0:
        for e in at:
            if e is not None:
                canvas.stroke((x - look.cap, e), (x + look.cap, e), cap_width, look.bar_color)
    return at[0], at[1]


def draw_path(canvas: Canvas, points: Points, look: Look) -> None:
    """The line through points (n, 2), dashed or whole, with gaps around markers where the program leaves them."""
    for a, b in pairwise(points):
        way = b - a
        length = float(np.hypot(*way))
        gap = look.size * look.gap
        if length <= 2 * gap + 0.5:
            continue
        way = way / length
        a, b, length = a + way * gap, b - way * gap, length - 2 * gap
        if look.dash is None:
            canvas.stroke(a - way * 0.2, b + way * 0.2, look.line, look.color)
            continue
        on, off = look.dash
        for s in np.arange(0, length, on + off):
            canvas.stroke(a + way * s, a + way * min(s + on, length), look.line, look.color)


class Chance:
    """Random choices with names."""

    def __init__(self, seed: int | Sequence[int]) -> None:
        self.rng = np.random.default_rng(seed)

    def between(self, lo: float, hi: float) -> float:
        """A number between two."""
        return float(self.rng.uniform(lo, hi))

    def scale(self, lo: float, hi: float) -> float:
        """A number between two, even on the log scale."""
        return float(np.exp(self.rng.uniform(np.log(lo), np.log(hi))))

    def happens(self, probability: float) -> bool:
        """Whether it happens."""
        return bool(self.rng.random() < probability)

    def one(self, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of several."""
        p = None if weights is None else np.array(weights, dtype=float) / sum(weights)
        return items[int(self.rng.choice(len(items), p=p))]

    def count(self, lo: int, hi: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(lo, hi + 1))

    def normal(self, sd: float) -> float:
        """A normal deviate."""
        return float(self.rng.normal(0, sd))


# --- what the series look like


def _colors(c: Chance, n: int) -> list[Color]:
    scheme = c.one(("black", "grey", "color"), (0.36, 0.14, 0.5))
    if scheme == "black":
        return [(0, 0, 0)] * n
    if scheme == "grey":
        return [(g, g, g) for g in (int(c.one(GREYS)) for _ in range(n))]
    if c.happens(0.1):
        return [c.one(PALETTE)] * n
    return [PALETTE[i] for i in c.rng.permutation(len(PALETTE))[:n]]


def _styles(c: Chance, n: int) -> list[int]:
    weights = (5, 4, 2.5, 3.5, 1.3, 3.6, 2.4, 1.3, 2.2, 0.8, 0.45, 0.35, 0.3)
    first = c.one(range(len(STYLES)), weights)
    kind = c.one(("same", "filled_open", "any"), (0.36, 0.12, 0.52))
    if kind == "same":
        return [first] * n
    if kind == "filled_open" and first < 10:
        return [(first + N_SHAPES * (i % 2)) % 10 for i in range(n)]
    return [first, *(c.one(range(len(STYLES)), weights) for _ in range(n - 1))]


def _looks(c: Chance, n: int, paper: Color, *, smallest: float = 2.0, largest: float = 11.0) -> list[Look]:
    """Looks of the series of one plot, as one program would draw them."""
    colors, styles = _colors(c, n), _styles(c, n)
    is_tall = c.happens(0.5)
    size = c.scale(smallest, largest) if c.happens(0.3) else c.scale(max(smallest, 2.6), min(largest, 7.0))
    stem = c.scale(0.5, 2.2) if c.happens(0.8) else c.scale(2.0, 5.5)
    cap = 0.0 if c.happens(0.33) else c.scale(1.5, 9.5) if c.happens(0.8) else c.scale(8.0, 15.0)
    cap_width = stem * (c.between(1.0, 1.7) if c.happens(0.2) else 1.0)
    edge = c.scale(0.6, 2.3) if c.happens(0.85) else c.scale(2.0, 3.6)
    line = stem if c.happens(0.5) else c.scale(0.5, 2.6)
    has_line = c.happens(0.68)
    dashes: tuple[tuple[float, float] | None, ...] = (None, (5.0, 3.0), (2.0, 2.0), (8.0, 4.0), (3.5, 1.5), (1.2, 2.0))
    dashed, see_through = c.happens(0.3), c.happens(0.42)
    gap = c.between(1.2, 1.9) if c.happens(0.08) else 0.0
    black_bars, edged, same_size = c.happens(0.12), c.happens(0.25), c.happens(0.7)
    grey_face, dotted = c.happens(0.08), c.happens(0.05)
    looks = []
    for i in range(n):
        style, color = styles[i], colors[i]
        own = size if same_size else size * c.scale(0.75, 1.35)
        shape = style % N_SHAPES if style < 10 else 0
        own *= {0: 1.0, 1: c.between(0.85, 1.0), 2: c.between(1.0, 1.35), 3: c.between(0.95, 1.35), 4: c.between(0.95, 1.35)}[shape]
        own = max(own, edge * 0.5 + 1.5) if style >= N_SHAPES else own
        face: Color | None = color
        if style >= N_SHAPES:
            face = None if see_through else (paper if c.happens(0.3) else (255, 255, 255))
        elif grey_face:
            face = (int(g := c.between(120, 200)), int(g), int(g))
        elif edged and c.happens(0.3):
            face = tuple(int(v) for v in np.clip(np.array(color) + c.between(20, 110), 0, 215))  # type: ignore[assignment]
        has_edge = edged or grey_face or style >= N_SHAPES
        black_edge = (grey_face or (edged and c.happens(0.5))) and style < N_SHAPES
        looks.append(
            Look(
                style=style,
                is_tall=is_tall,
                size=own,
                color=color,
                face=face,
                edge=edge if has_edge else 0.0,
                edge_color=(0, 0, 0) if black_edge else color,
                stem=stem,
                cap=cap,
                cap_width=cap_width,
                bar_color=(0, 0, 0) if black_bars else color,
                line=line,
                dash=c.one(dashes) if dashed else None,
                has_line=has_line,
                has_marker=not c.happens(0.02),
                has_dot=dotted,
                gap=gap,
            )
        )
    return looks


# --- plots


@dataclass(frozen=True)
class Datum:
    """A point of a series and the ends of its bar, px in the plot."""

    x: float
    y: float
    top: float | None
    bottom: float | None


def _times(c: Chance, width: float, n: int) -> Points:
    if c.happens(0.55):
        at = np.arange(n, dtype=float)
    else:
        steps = c.one((np.array([1, 2, 4, 8, 16]), np.array([1, 1, 2, 2, 4, 12]), np.array([5, 5, 10, 10, 10, 30])))
        at = np.cumsum(c.rng.choice(steps, size=n)).astype(float)
    at = (at - at[0]) / max(at[-1] - at[0], 1e-9) if n > 1 else np.array([0.5])
    left, right = c.between(-0.002, 0.12), c.between(-0.002, 0.12)
    return width * (left + at * (1 - left - right))


def _errorbar_data(c: Chance, width: float, height: float, looks: Sequence[Look]) -> list[list[Datum]]:
    n = c.one((c.count(3, 8), c.count(2, 12), 1), (0.65, 0.3, 0.05))
    times = _times(c, width, n)
    k = len(looks)
    dodge = 0.0
    if k > 1 and c.happens(0.5):
        room = float(np.diff(times).min()) / k if n > 1 else 20.0
        dodge = min(c.one((c.between(0.5, 2.5), looks[0].size * c.between(0.3, 2.2)), (0.3, 0.7)), room)
    half = height * (c.scale(0.04, 0.2) if c.happens(0.65) else c.scale(0.012, 0.25))
    spread = c.one((0.0, 0.12, 0.35), (0.15, 0.5, 0.35))
    middle, between = c.between(0.3, 0.7), c.one((0.02, 0.08, 0.25), (0.25, 0.35, 0.4))
    sides = c.one(("both", "up", "down", "outward"), (0.78, 0.09, 0.04, 0.09))
    skewed, steps_like = c.happens(0.22), c.happens(0.15)
    data = []
    common = np.cumsum(c.rng.normal(0, 0.04, n))
    for i, _ in enumerate(looks):
        level = float(np.clip(middle + c.normal(between), 0.15, 0.85))
        drift = c.between(-0.5, 0.5) * min(level, 1 - level) * 2
        bare = c.happens(0.07)
        side = sides if sides != "outward" else ("up" if i % 2 else "down")
        own = []
        for j, t in enumerate(times):
            v = level + drift * j / n + c.normal(0.04) + common[j] * (0.6 if steps_like else 0.2)
            y = height * (1 - float(np.clip(v, 0.03, 0.97)))
            e = half * float(np.exp(c.normal(spread)))
            up, down = (e * c.scale(0.4, 1.8), e * c.scale(0.4, 1.8)) if skewed else (e, e)
            none = bare or c.happens(0.015)
            top = None if none or side == "down" else max(y - up, 0.0 if c.happens(0.9) else -10.0)
            bottom = None if none or side == "up" else min(y + down, height + (0.0 if c.happens(0.9) else 10.0))
            own.append(Datum(float(t) + dodge * (i - (k - 1) / 2), y, top, bottom))
        data.append(own)
    return data


def _mark(canvas: Canvas, look: Look, datum: Datum, ends: tuple[float | None, float | None], order: int) -> None:
    if not look.has_marker:
        for e, upward in zip(ends, (True, False), strict=True):
            if e is not None:
                canvas.loose.append((datum.x, e, upward))
        return
    drawn = draw_marker(canvas, look, datum.x, datum.y)
    drawn.up = None if ends[0] is None else (ends[0], look.cap, order)
    drawn.down = None if ends[1] is None else (ends[1], look.cap, order)


def errorbar_plot(c: Chance, canvas_of: Callable[[float, float], Canvas], width: float, height: float, paper: Color) -> Canvas:
    """Series of means with error bars."""
    looks = _looks(c, c.one((1, 2, 3, 4, 5), (0.22, 0.36, 0.24, 0.13, 0.05)), paper)
    data = _errorbar_data(c, width, height, looks)
    focus = c.one([d for own in data for d in own])
    canvas = canvas_of(focus.x, focus.y)
    backdrop(c, canvas, width, height, [d.x for d in data[0]])
    order = c.one(("series", "layers", "bars_last", "lines_last"), (0.42, 0.36, 0.14, 0.08))
    paths = [np.array([(d.x, d.y) for d in own]) for own in data]
    ends: dict[tuple[int, int], tuple[tuple[float | None, float | None], int]] = {}

    def path(i: int) -> None:
        if looks[i].has_line:
            draw_path(canvas, paths[i], looks[i])

    def bars(i: int) -> None:
        for j, d in enumerate(data[i]):
            ends[i, j] = draw_bar(canvas, looks[i], d.x, d.y, (d.top, d.bottom)), canvas.order

    def marks(i: int) -> None:
        for j, d in enumerate(data[i]):
            at, drawn = ends.get((i, j), ((d.top, d.bottom), -1))
            _mark(canvas, looks[i], d, at, drawn)

    series = range(len(looks))
    if order == "layers":
        for step in (path, bars, marks):
            for i in series:
                step(i)
    elif order == "bars_last":
        for i in series:
            path(i)
            _bars_over(canvas, looks[i], data[i])
    elif order == "lines_last":
        for i in series:
            bars(i)
            marks(i)
            path(i)
    else:
        for i in series:
            path(i)
            bars(i)
            marks(i)
    return canvas


def _bars_over(canvas: Canvas, look: Look, data: Sequence[Datum]) -> None:
    """Markers first, bars over them."""
    if look.has_marker:
        for d in data:
            draw_marker(canvas, look, d.x, d.y)
    own = canvas.markers[len(canvas.markers) - len(data) :] if look.has_marker else []
    for j, d in enumerate(data):
        at = draw_bar(canvas, look, d.x, d.y, (d.top, d.bottom))
        if own:
            own[j].up = None if at[0] is None else (at[0], look.cap, canvas.order)
            own[j].down = None if at[1] is None else (at[1], look.cap, canvas.order)
        else:
            canvas.loose += [(d.x, e, up) for e, up in zip(at, (True, False), strict=True) if e is not None]


def scatter_plot(c: Chance, canvas_of: Callable[[float, float], Canvas], width: float, height: float, paper: Color) -> Canvas:
    """A cloud of markers, or columns of them."""
    looks = _looks(c, c.one((1, 2, 3), (0.5, 0.3, 0.2)), paper, largest=7.5)
    columns = c.count(2, 6) if c.happens(0.2) else 0
    places = []
    for i, _ in enumerate(looks):
        slope = c.between(-0.8, 0.8)
        for _ in range(c.count(8, 60 if c.happens(0.2) else 30)):
            u = c.between(0.02, 0.98)
            v = 0.5 + slope * (u - 0.5) + c.normal(c.one((0.06, 0.12, 0.2)))
            if columns:
                u = (c.count(0, columns - 1) + 0.5) / columns + c.normal(0.03 / columns)
            places.append((i, width * u, height * (1 - float(np.clip(v, 0.02, 0.98)))))
    focus = c.one(places)
    canvas = canvas_of(focus[1], focus[2])
    backdrop(c, canvas, width, height, [])
    if c.happens(0.3):
        a, b = (0.0, height * c.between(0, 1)), (width, height * c.between(0, 1))
        canvas.stroke(a, b, looks[0].line, looks[0].color if c.happens(0.5) else (90, 90, 90))
    if not c.happens(0.6):
        c.rng.shuffle(places)
    crossed = c.happens(0.08)
    for i, x, y in places:
        look = looks[i]
        if crossed:
            e, f = c.scale(3, 40), c.scale(3, 40)
            canvas.stroke((x - f, y), (x + f, y), look.stem, look.bar_color)
            at = draw_bar(canvas, look, x, y, (y - e, y + e))
            drawn = draw_marker(canvas, look, x, y)
            drawn.up, drawn.down = (None if e is None else (e, look.cap, canvas.order) for e in at)
        else:
            draw_marker(canvas, look, x, y)
    if columns:
        for j in range(columns):
            x, y, half = width * (j + 0.5) / columns, height * c.between(0.3, 0.7), width * c.between(0.1, 0.3) / columns
            canvas.stroke((x - half, y), (x + half, y), looks[0].line, (0, 0, 0))
            if c.happens(0.5):
                at = draw_bar(canvas, looks[0], x, y, (y - 0.1 * height, y + 0.1 * height))
                canvas.loose += [(x, e, up) for e, up in zip(at, (True, False), strict=True) if e is not None]
    return canvas


def bar_plot(c: Chance, canvas_of: Callable[[float, float], Canvas], width: float, height: float, paper: Color) -> Canvas:
    """Bars with error bars, or boxes with whiskers: nothing here is a marker but outliers."""
    look = _looks(c, 1, paper)[0]
    n = c.count(2, 16)
    is_box = c.happens(0.35)
    canvas = canvas_of(width * c.between(0.2, 0.8), height * c.between(0.3, 0.9))
    backdrop(c, canvas, width, height, [])
    fills = [c.one(((255, 255, 255), (0, 0, 0), (120, 120, 120), (200, 200, 200), c.one(PALETTE))) for _ in range(3)]
    hatches = [c.one(("", "/", "\\", "x", "+", "-", ".", "o"), (10, 2, 2, 1, 1, 1, 2, 0.5)) for _ in range(3)]
    half = width / n * c.between(0.2, 0.5)
    pen = c.scale(0.6, 2.0)
    for j in range(n):
        x, y = width * (j + 0.5) / n, height * c.between(0.15, 0.8)
        low = y + height * c.between(0.05, 0.25) if is_box else height + 5
        box = np.array([(x - half, y), (x + half, y), (x + half, low), (x - half, low)])
        e = height * c.scale(0.01, 0.15)
        ends = (y - e, low + e if is_box else (y + e if c.happens(0.5) else None))
        bar_first = c.happens(0.5)
        stem = _with_black_bars(look)
        at = draw_bar(canvas, stem, x, y, ends) if bar_first or is_box else (None, None)
        canvas.polygon(box, fills[j % 3])
        if hatches[j % 3]:
            _hatch(c, canvas, box, hatches[j % 3])
        canvas.outline(box, pen, (0, 0, 0))
        if not (bar_first or is_box):
            at = draw_bar(canvas, stem, x, y, ends)
        canvas.loose += [(x, v, up) for v, up in zip(at, (True, False), strict=True) if v is not None and (up or is_box or not bar_first)]
        if is_box:
            m = c.between(y, low)
            canvas.stroke((x - half, m), (x + half, m), pen * c.between(1, 2.5), (0, 0, 0))
            for _ in range(c.count(0, 2)):
                draw_marker(canvas, look, x, y - e - c.between(6, 40))
    return canvas


def _with_black_bars(look: Look) -> Look:
    return replace(look, bar_color=(0, 0, 0))


def _hatch(c: Chance, canvas: Canvas, box: Points, kind: str) -> None:
    """Fill a bar with lines or dots."""
    corners = np.clip(((box[[0, 2]] - (canvas.x0, canvas.y0)) * canvas.k).astype(int), 0, len(canvas.image))
    view = canvas.image[corners[0, 1] : corners[1, 1], corners[0, 0] : corners[1, 0]]
    if min(view.shape[:2]) < 2:
        return
    h, w = view.shape[:2]
    step, pen = round(c.between(3, 10) * canvas.k), max(1, round(c.between(0.5, 1.5) * canvas.k))
    ink: Color = (0, 0, 0) if c.happens(0.8) else (110, 110, 110)
    if kind in ".o":
        radius = max(1, round(c.between(0.5, 1.6) * canvas.k))
        for row, y in enumerate(range(0, h, step)):
            for x in range(step // 2 * (row % 2), w, step):
                cv2.circle(view, (x, y), radius, ink, -1 if kind == "." else pen)
        return
    ways = {"/": (1,), "\\": (-1,), "x": (1, -1), "+": (0, 2), "-": (0,)}[kind]
    for way in ways:
        for s in range(-h, w + h, step):
            ends = {1: ((s, h), (s + h, 0)), -1: ((s, 0), (s + h, h)), 0: ((0, s), (w, s)), 2: ((s, 0), (s, h))}[way]
            cv2.line(view, *ends, ink, pen)


def curve_plot(c: Chance, canvas_of: Callable[[float, float], Canvas], width: float, height: float, paper: Color) -> Canvas:
    """Curves or steps without markers."""
    looks = _looks(c, c.count(1, 4), paper)
    canvas = canvas_of(width * c.between(0, 1), height * c.between(0, 1))
    backdrop(c, canvas, width, height, [])
    is_step = c.happens(0.5)
    for look in looks:
        n = c.count(8, 60)
        x = np.sort(c.rng.uniform(0, width, n))
        walk = np.cumsum(c.rng.normal(0.005 if is_step else 0, 0.02, n)) * c.between(0.5, 3.0)
        y = np.clip(height * (c.between(0.1, 0.7) + walk), 0, height)
        if is_step:
            y = np.sort(y)
            x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
        draw_path(canvas, np.stack([x, y], axis=1), replace(look, gap=0.0))
        if is_step and c.happens(0.4):
            for j in range(0, len(x), 4):
                canvas.stroke((x[j], y[j] - 3), (x[j], y[j] + 3), look.line, look.color)
    return canvas


def blank_plot(c: Chance, canvas_of: Callable[[float, float], Canvas], width: float, height: float, paper: Color) -> Canvas:
    """A plot of nothing but its surroundings."""
    canvas = canvas_of(width * c.between(0, 1), height * c.between(0, 1))
    backdrop(c, canvas, width, height, [])
    for _ in range(c.count(0, 12)):
        write(c, canvas, width * c.between(0, 1), height * c.between(0, 1), (0, 0, 0))
    return canvas


# --- what else stands in a plot


def backdrop(c: Chance, canvas: Canvas, width: float, height: float, times: Sequence[float]) -> None:
    """Grid lines, frame, tick marks and reference lines, under the marks."""
    is_grey = max(canvas.paper) < 245
    if is_grey or c.happens(0.22):
        color: Color = (255, 255, 255) if is_grey and c.happens(0.8) else (int(g := c.between(150, 235)), int(g), int(g))
        pen = c.scale(0.5, 1.6)
        rows = np.linspace(0, height, c.count(3, 11))
        cols = np.array(times) if times and c.happens(0.6) else np.linspace(0, width, c.count(3, 10))
        dash = (c.between(1, 5), c.between(1, 4)) if c.happens(0.35) else None
        both = c.one(("rows", "both", "cols"), (0.4, 0.5, 0.1))
        for y in rows if both != "cols" else []:
            _ruled(canvas, (0, float(y)), (width, float(y)), pen, color, dash)
        for x in cols if both != "rows" else []:
            _ruled(canvas, (float(x), 0), (float(x), height), pen, color, dash)
    pen = c.scale(0.7, 2.2)
    ink: Color = (0, 0, 0) if c.happens(0.8) else (90, 90, 90)
    _ruled(canvas, (0, 0), (0, height), pen, ink, None)
    _ruled(canvas, (0, height), (width, height), pen, ink, None)
    if c.happens(0.4):
        _ruled(canvas, (0, 0), (width, 0), pen, ink, None)
        _ruled(canvas, (width, 0), (width, height), pen, ink, None)
    length = c.between(3, 8) * (1 if c.happens(0.4) else -1)
    for x in times or np.linspace(0, width, c.count(3, 9)):
        _ruled(canvas, (float(x), height), (float(x), height - length), pen, ink, None)
    for y in np.linspace(0, height, c.count(3, 9)):
        _ruled(canvas, (0, float(y)), (length, float(y)), pen, ink, None)
    if c.happens(0.1):
        y = height * c.between(0.1, 0.9)
        _ruled(canvas, (0, y), (width, y), c.scale(0.5, 1.8), ink, (c.between(2, 6), c.between(2, 5)) if c.happens(0.6) else None)
    if c.happens(0.04):
        x = width * c.between(0.1, 0.9)
        _ruled(canvas, (x, 0), (x, height), c.scale(0.5, 1.8), ink, (c.between(2, 6), c.between(2, 5)) if c.happens(0.6) else None)


def _ruled(canvas: Canvas, a: Pair, b: Pair, width: float, color: Color, dash: Pair | None) -> None:
    width = canvas.width(width)
    if a[0] == b[0]:
        x = canvas.snap(a[0], canvas.x0, width)
        a, b = (x, a[1]), (x, b[1])
    else:
        y = canvas.snap(a[1], canvas.y0, width)
        a, b = (a[0], y), (b[0], y)
    if dash is None:
        canvas.stroke(a, b, width, color)
        return
    p, q = np.array(a), np.array(b)
    length = float(np.hypot(*(q - p)))
    for s in np.arange(0, length, sum(dash)):
        canvas.stroke(p + (q - p) * s / length, p + (q - p) * min(s + dash[0], length) / length, width, color)


WORDS = ("a", "b", "c", "ab", "*", "**", "***", "#", "ns", "p<0.05", "P = 0.03", "A", "B", "n=12", "x", "12", "3.5", "NS", "d", "e", "$")


def write(c: Chance, canvas: Canvas, x: float, y: float, color: Color) -> None:
    """A short text centred at (x, y)."""
    height = c.between(8, 15) * canvas.k
    px, py = (x - canvas.x0 + 0.5) * canvas.k, (y - canvas.y0 + 0.5) * canvas.k
    word = c.one(WORDS)
    if c.happens(0.4):
        text = word.encode("ascii", "replace").decode()
        font = c.one((cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_DUPLEX))
        size = height / 22
        (w, h), _ = cv2.getTextSize(text, font, size, 1)
        pen = max(1, round(c.between(0.8, 1.8) * canvas.k))
        cv2.putText(canvas.image, text, (int(px - w / 2), int(py + h / 2)), font, size, color, pen, cv2.LINE_8)
        return
    font_px = ImageFont.load_default(height * 1.35)
    left, top, right, bottom = font_px.getbbox(word)
    mask = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(mask).text((1 - left, 1 - top), word, fill=255, font=font_px)
    cover = np.asarray(mask) > 127
    x0, y0 = int(px - cover.shape[1] / 2), int(py - cover.shape[0] / 2)
    h, w = canvas.image.shape[:2]
    a, b = max(0, -y0), max(0, -x0)
    part = cover[a : max(a, min(cover.shape[0], h - y0)), b : max(b, min(cover.shape[1], w - x0))]
    if part.size:
        canvas.image[y0 + a : y0 + a + part.shape[0], x0 + b : x0 + b + part.shape[1]][part] = color


def annotate(c: Chance, canvas: Canvas) -> None:
    """Letters and stars near marks, brackets, text, an arrow, what is left of a legend."""
    near = [(m.x, m.y) for m in canvas.markers if -20 < m.x - canvas.x0 < canvas.side + 20]
    ink: Color = (0, 0, 0) if c.happens(0.85) else c.one(PALETTE)
    if near and c.happens(0.22):
        share = c.between(0.1, 0.8)
        lift = c.between(14, 40)
        for m in canvas.markers:
            if c.happens(share):
                top = m.up[0] if m.up else m.y - m.size
                write(c, canvas, m.x + c.normal(2), min(top - 8, m.y - lift), ink)
    if canvas.loose and c.happens(0.4):
        for x, y, is_upper in canvas.loose:
            if is_upper:
                write(c, canvas, x + c.normal(1), y - c.between(8, 14), ink)
    if c.happens(0.15):
        for _ in range(c.count(1, 6)):
            write(c, canvas, canvas.x0 + canvas.side * c.between(0, 1), canvas.y0 + canvas.side * c.between(0, 1), ink)
    if c.happens(0.07):
        x, y = canvas.x0 + canvas.side * c.between(0, 0.8), canvas.y0 + canvas.side * c.between(0, 0.8)
        w, h = c.between(20, 120), c.between(2, 9)
        canvas.outline(np.array([(x, y + h), (x, y), (x + w, y), (x + w, y + h)]), c.scale(0.6, 1.8), ink, is_closed=False)
    if c.happens(0.05):
        x, y = canvas.x0 + canvas.side * c.between(0, 1), canvas.y0 + canvas.side * c.between(0, 1)
        canvas.stroke((x, y), (x, y + 20), 1.2, ink)
        canvas.polygon(np.array([(x - 3, y + 18), (x + 3, y + 18), (x, y + 25)]), ink)
    if c.happens(0.12):
        w, h = c.between(40, 160), c.between(14, 70)
        x, y = canvas.x0 + c.between(-20, canvas.side), canvas.y0 + c.between(-20, canvas.side)
        if all(not (x - 12 < px < x + w + 12 and y - 12 < py < y + h + 12) for px, py in near):
            box = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
            canvas.polygon(box, canvas.paper)
            if c.happens(0.5):
                canvas.outline(box, c.scale(0.5, 1.5), ink)


# --- from canvas to window


def _native(c: Chance, image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The canvas brought down to the pixels of the figure, smoothly or, as old programs do, without."""
    if c.happens(0.12):
        return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _spoilt(c: Chance, image: NDArray[np.uint8], least: int) -> NDArray[np.uint8]:
    """Blur, noise, specks, threshold, faded ink, JPEG: as scans and saved files have them."""
    out = image
    if c.happens(0.35):
        out = cv2.GaussianBlur(out, (0, 0), c.between(0.3, 1.1))
    if c.happens(0.12):
        side = out.shape[0]
        small = max(least * 2 // 3, round(side * c.between(0.6, 0.95)))
        coarse = cv2.resize(out, (small, small), interpolation=cv2.INTER_AREA)
        out = cv2.resize(coarse, (side, side), interpolation=c.one((cv2.INTER_LINEAR, cv2.INTER_CUBIC)))
    values = out.astype(np.float32)
    if c.happens(0.18):
        lift = c.between(0, 110)
        values = lift + values * (255 - lift) / 255
    if c.happens(0.15):
        values *= np.array([c.between(0.86, 1.0) for _ in range(3)], dtype=np.float32) if c.happens(0.5) else c.between(0.8, 1.0)
    if c.happens(0.35):
        noise = c.rng.standard_normal((*out.shape[:2], 3 if c.happens(0.4) else 1), dtype=np.float32) * c.scale(1, 11)
        values = values + noise
    out = np.clip(values, 0, 255).astype(np.uint8)
    if c.happens(0.09):
        level = c.between(110, 200)
        out = np.repeat(np.where(out.min(axis=2) > level, 255, 0).astype(np.uint8)[:, :, None], 3, axis=2)
    if c.happens(0.05):
        n = c.count(5, 120)
        ys, xs = c.rng.integers(0, out.shape[0] - 1, n), c.rng.integers(0, out.shape[1] - 1, n)
        out = out.copy()
        out[ys, xs] = 40
        out[ys[: n // 3] + 1, xs[: n // 3]] = 40
    if c.happens(0.4):
        coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, c.count(30, 95)])[1]
        out = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    if c.happens(0.15):
        out = np.repeat(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
    return np.asarray(out, dtype=np.uint8)


def _shown(marker: Drawn, later: Sequence[Drawn]) -> float:
    """Share of a marker that no later marker hides."""
    inner = np.array([marker.x, marker.y])
    points = np.concatenate([inner + (marker.outline - inner) * f for f in (0.3, 0.65, 0.97)])
    return _uncovered(points, later)


def _uncovered(points: Points, covers: Sequence[Drawn]) -> float:
    free = np.ones(len(points), dtype=bool)
    for cover in covers:
        polygon = cover.outline.astype(np.float32)
        if np.abs(points - (cover.x, cover.y)).max(axis=1).min() > 2 * cover.size:
            continue
        free &= np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) < 0 for x, y in points])
    return float(free.mean())


def _end(marker: Drawn, end: tuple[float, float, int] | None, covers: Sequence[Drawn]) -> End | None:
    if end is None:
        return None
    y, cap, order = end
    level = [(marker.x + cap * f, y) for f in (-1, -0.6, 0, 0.6, 1)]
    spots = np.array(level if cap > 1 else [(marker.x, y), (marker.x, y + np.sign(marker.y - y))])
    later = [m for m in covers if m.order > order and abs(m.x - marker.x) < 40 and abs(m.y - y) < 20]
    return End(marker.x, y, _uncovered(spots, later) > 0.35)


def _truths(canvas: Canvas) -> list[Truth]:
    opaque = [m for m in canvas.markers if m.is_opaque]
    truths = []
    for m in canvas.markers:
        if not (-30 < m.x - canvas.x0 < canvas.side + 30 and -30 < m.y - canvas.y0 < canvas.side + 30):
            continue
        later = [o for o in opaque if o.order > m.order and abs(o.x - m.x) < 30 and abs(o.y - m.y) < 30]
        truths.append(Truth(m.x, m.y, m.size, m.style, m.is_tall, _end(m, m.up, opaque), _end(m, m.down, opaque), _shown(m, later)))
    return truths


PLOTS = (errorbar_plot, scatter_plot, bar_plot, curve_plot, blank_plot)
SHARES = (0.68, 0.15, 0.1, 0.05, 0.02)
PAPERS: tuple[Color, ...] = ((255, 255, 255), (235, 235, 235), (250, 245, 235), (240, 240, 250), (217, 217, 217))
PAPER_SHARES = (0.82, 0.1, 0.03, 0.02, 0.03)


def draw_window(seed: int | Sequence[int], side: int) -> Window:
    """One window of side x side px of a random plot; the same seed gives the same window."""
    c = Chance(seed)
    width, height = (c.scale(280, 900), c.scale(230, 700)) if c.happens(0.8) else (c.scale(150, 400), c.scale(120, 300))
    paper = c.one(PAPERS, PAPER_SHARES)
    native = c.scale(0.7, 1.15) if c.happens(0.4) else c.scale(1.0, 2.5)
    finer = 4 if native < 1.0 else (3 if native < 1.5 else 2)
    fine = round(side * native)
    native = fine / side
    is_snapped = c.happens(0.35)
    margin = c.between(-14, 3) if c.happens(0.4) else c.between(1, 4)

    def canvas_of(x: float, y: float) -> Canvas:
        """A canvas for a window in which a place of the plot lies."""
        corner = []
        for at, size in ((x, width), (y, height)):
            start = at - side * c.between(0.15, 0.85)
            first, last = margin - 16, size - margin + 16 - side
            corner.append(float(np.clip(start, first, last)) if last > first else float(first + c.between(-8, 8)))
        return Canvas(native * finer, native, corner[0], corner[1], paper, is_snapped, side)

    canvas = c.one(PLOTS, SHARES)(c, canvas_of, width, height, paper)
    annotate(c, canvas)
    truths = _truths(canvas)
    image = _spoilt(c, _native(c, canvas.image, fine), side)
    turn = np.radians(c.between(-0.2, 0.2)) if c.happens(0.25) else 0.0
    middle = (side - 1) / 2
    if turn:
        matrix = cv2.getRotationMatrix2D(((fine - 1) / 2, (fine - 1) / 2), -np.degrees(turn), 1.0)
        image = cv2.warpAffine(image, matrix, (fine, fine), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    unit = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if fine > side else cv2.INTER_CUBIC), dtype=np.uint8)
    crop = [round(v) for v in (margin - canvas.x0, margin - canvas.y0, width - margin - canvas.x0, height - margin - canvas.y0)]
    crop = [int(np.clip(v, 0, side)) for v in crop]
    tone = np.median(unit[crop[1] : crop[3] + 1, crop[0] : crop[2] + 1].reshape(-1, 3)[::7], axis=0)
    framed = np.full_like(unit, tone.astype(np.uint8))
    framed[crop[1] : crop[3], crop[0] : crop[2]] = unit[crop[1] : crop[3], crop[0] : crop[2]]

    def placed(x: float, y: float) -> tuple[float, float]:
        x, y = x - canvas.x0 - middle, y - canvas.y0 - middle
        return x * np.cos(turn) - y * np.sin(turn) + middle, x * np.sin(turn) + y * np.cos(turn) + middle

    def moved(end: End | None) -> End | None:
        return None if end is None else End(*placed(end.x, end.y), end.seen)

    markers = tuple(Truth(*placed(t.x, t.y), t.size, t.style, t.is_tall, moved(t.up), moved(t.down), t.seen) for t in truths)
    inside = [(crop[0] <= t.x < crop[2] and crop[1] <= t.y < crop[3]) for t in markers]
    ends = [(End(*placed(x, y), True), up) for x, y, up in canvas.loose]
    return Window(
        framed,
        tuple(t for t, ok in zip(markers, inside, strict=True) if ok),
        tuple(e for e, up in ends if up and crop[0] <= e.x < crop[2] and crop[1] <= e.y < crop[3]),
        tuple(e for e, up in ends if not up and crop[0] <= e.x < crop[2] and crop[1] <= e.y < crop[3]),
    )
