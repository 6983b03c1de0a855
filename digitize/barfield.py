"""A panel's plot as a field of pixels in which bars rise from a row, and what a bar found in it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from digitize.legend import LegendEntry
from digitize.panels import Panel

FloatArray = NDArray[np.float32]
Doubles = NDArray[np.float64]

NO_TEXTURE = np.zeros(4, dtype=np.float32)
PLAIN_SHARE = 0.78  # share of a fill's pixels that have one colour where it is plain
DEFINITE = 30.0  # grey levels by which ink differs from what it lies on


@dataclass(frozen=True)
class Field:
    """A panel's plot with bars rising from row `base`: colours (h, w, 3), where other things cover it, paper colour, noise, digit height.

    `origin` is the image position (x, y) of its first pixel, `line_width` the thickness of the axis's line, px.
    """

    rgb: FloatArray
    covered: NDArray[np.bool_]
    paper: FloatArray
    noise: float
    height: float
    origin: tuple[int, int]
    base: int
    line_width: float = 1.0

    def flipped(self) -> Field:
        """The same plot upside down: bars that hang rise."""
        last = self.rgb.shape[0] - 1
        return replace(self, rgb=self.rgb[::-1], covered=self.covered[::-1], base=last - self.base)


@dataclass(frozen=True, eq=False)
class Bar:
    """A bar: its inner columns x0..x1, the last row of its fill, its fill colour, and whether its fill is the paper's colour.

    `texture` tells hatches and dots apart, see `texture_of`; it is zero for a plain fill. `is_part` tells that it is
    one of a stack, `is_lowest` that it stands on the baseline itself, `above` is the colour of the part on top of it (None: paper), and
    `is_above_plain` that this part has no texture.
    """

    x0: int
    x1: int
    top: int
    fill: FloatArray
    is_blank: bool
    texture: FloatArray = field(default_factory=lambda: NO_TEXTURE)
    is_part: bool = False
    is_lowest: bool = True
    above: FloatArray | None = None
    is_above_plain: bool = True

    @property
    def is_cut(self) -> bool:
        """Whether it reaches the upper edge of the plot."""
        return self.top < 2

    @property
    def width(self) -> int:
        """Inner columns."""
        return self.x1 - self.x0 + 1

    @property
    def middle(self) -> float:
        """Centre along x."""
        return (self.x0 + self.x1) / 2


# ---------------------------------------------------------------- the plot as a field


def make_field(panel: Panel, legend: Sequence[LegendEntry], base_px: float) -> Field:
    """The plot with the axis line below it."""
    y0 = panel.box[1]
    x0, x1 = _columns(panel, base_px)
    below = round(max(6.0, 0.6 * panel.height))
    bottom = min(panel.image.shape[0], panel.box[3] + 1 + below)
    crop = panel.image[y0:bottom, x0 : x1 + 1]
    rgb = crop.astype(np.float32)
    first, last = (max(0, round(v) - y0) for v in panel.y.span_px)
    covered = _covered(panel, legend, (x0, y0), rgb.shape[:2])
    line = panel.y.marks.axis_line
    width = line.width if line is not None else 1.0
    return Field(rgb, covered, _paper(crop[first : last + 1]), _noise(rgb), panel.height, (x0, y0), round(base_px) - y0, width)


def _columns(panel: Panel, base_px: float) -> tuple[int, int]:
    """First and last column of the plot; where its box would cut a bar in two it is widened to the paper beside that bar."""
    x0, _, x1, _ = panel.box
    row = round(base_px) - max(3, round(0.5 * panel.height))
    if row < 2:
        return x0, x1
    colors = np.median(panel.image[row - 2 : row + 1].astype(np.float32), axis=0)
    inked = np.abs(colors - _paper(panel.crop)).max(axis=1) > DEFINITE
    reach = (x1 - x0) // 5
    first = max(0, x0 - reach, round(max((b.box[2] for b in panel.y.boxes), default=0.0)) + 2)
    last = min(inked.size - 1, x1 + reach)
    while x1 < last and inked[max(0, x1 - 2) : x1 + 1].any():
        x1 += 1
    x1 = _ground_edge(panel, x1)
    wide = round(1.2 * panel.height)
    if inked[x0 : x0 + 2].any() and inked[x0 : x0 + wide].mean() > 0.6:
        while x0 > first and inked[x0 : x0 + 3].any():
            x0 -= 1
    return x0, x1


def _ground_edge(panel: Panel, x1: int) -> int:
    """Last column of a tinted ground that goes on beyond column x1; x1 where the ground is the page's own white."""
    paper = _paper(panel.crop)
    if paper.min() > 248:
        return x1
    first, last = (round(v) for v in panel.y.span_px)
    colors = panel.image[max(0, first) : last + 1, x1:].astype(np.float32)
    ground = (np.abs(colors - paper).max(axis=2) < 5).mean(axis=0) > 0.15
    gap = max(3, round(0.4 * panel.height))  # gridlines cross the ground
    seen = np.flatnonzero(ground)
    ends = np.flatnonzero(np.diff(seen, prepend=0) > gap)
    reached = seen[: ends[0]] if ends.size else seen
    return x1 + int(reached[-1]) if reached.size else x1


def _covered(panel: Panel, legend: Sequence[LegendEntry], origin: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where a legend lies over the plot: its names, keys, and the frame around all of them."""
    mask = np.zeros(shape, dtype=bool)
    if not legend:
        return mask
    boxes = np.array([e.text_box for e in legend] + [e.key_box for e in legend], dtype=float)
    pad = 0.7 * panel.height
    x0, y0 = boxes[:, :2].min(axis=0) - pad - np.array(origin)
    x1, y1 = boxes[:, 2:].max(axis=0) + pad - np.array(origin)
    if x1 > 0 and y1 > 0:
        mask[max(0, round(y0)) : round(y1) + 1, max(0, round(x0)) : round(x1) + 1] = True
    return mask


def _paper(crop: NDArray[np.uint8]) -> FloatArray:
    """Colour of the empty plot: the commonest along the upper edge and the left side of its ticks' span, where bars seldom reach."""
    h, w = crop.shape[:2]
    rim = np.concatenate([p.reshape(-1, 3) for p in (crop[: max(3, h // 8)], crop[:, : max(2, w // 40)])])
    codes = (rim // 16).astype(np.int64) @ np.array([256, 16, 1])
    common = rim[codes == np.bincount(codes).argmax()]
    return np.asarray(np.median(common, axis=0), dtype=np.float32)


def _noise(rgb: FloatArray) -> float:
    """Standard deviation of the pixels' noise in grey levels, from second differences, most of which cross no edge."""
    light = lightness(rgb[::2])
    second = light[:, 2:] - 2 * light[:, 1:-1] + light[:, :-2]
    return float(np.median(np.abs(second)) / 0.6745 / math.sqrt(6))


def lightness(rgb: FloatArray) -> FloatArray:
    """Mean of the three channels."""
    return np.asarray((rgb[..., 0] + rgb[..., 1] + rgb[..., 2]) / 3, dtype=np.float32)


def contrast(rgb: FloatArray, color: FloatArray) -> FloatArray:
    """How far colours lie from another, or from others of the same shape: the largest difference of a channel, grey levels."""
    red, green, blue = (np.abs(rgb[..., k] - color[..., k]) for k in range(3))
    return np.asarray(np.maximum(np.maximum(red, green), blue), dtype=np.float32)


def inner_columns(x0: int, x1: int) -> slice:
    """Columns of a bar without an eighth at each side, where its outline may blur in."""
    margin = round(0.12 * (x1 - x0))
    return slice(x0 + margin, x1 - margin + 1)


def texture_of(field: Field, x0: int, x1: int, y0: int, y1: int, share: float = 0.7) -> tuple[FloatArray, FloatArray, float]:
    """What fills columns x0..x1 and rows y0..y1 of a field: its mean colour, its texture, and the share of it that is not paper.

    The texture is the strength of its grain in grey levels, and how much of the grain's slope runs along x, along y, and along the
    falling rather than the rising diagonal (-1 to 1), these weighed by the strength: the structure tensor of what lies between. Only the
    lower `share` of the rows is looked at: letters and the inner half of an error bar lie above.
    """
    margin = max(1, round(0.15 * (x1 - x0)))
    columns = np.arange(x0 + margin, x1 - margin + 1)
    middle, stem = (x0 + x1) / 2, max(1.5, 0.1 * (x1 - x0))
    beside = columns[np.abs(columns - middle) > stem]
    columns = beside if beside.size >= 3 else columns
    rows = field.rgb[max(y0, y1 - max(8, round(share * (y1 - y0)))) : y1 + 1]
    if columns.size == 0 or rows.shape[0] == 0:
        return field.paper, NO_TEXTURE, 0.0
    colors = rows[:, columns]
    middle_color = np.median(colors, axis=(0, 1))
    off = np.abs(colors - middle_color).max(axis=2)
    away = float(np.abs(middle_color - field.paper).max())
    needed = PLAIN_SHARE if away > 0.5 * DEFINITE else 0.94  # thin hatches on white leave most of it white
    if (off < max(15.0, 3 * field.noise)).mean() > needed:  # the rest are letters, strokes of an error bar
        return middle_color, NO_TEXTURE, float(away > max(DEFINITE, 5 * field.noise))
    fill = colors.mean(axis=(0, 1))
    inked = float((np.abs(colors - field.paper).max(axis=2) > max(DEFINITE, 5 * field.noise)).mean())
    light = rows[:, columns.min() : columns.max() + 1].mean(axis=2)
    if min(light.shape) < 3:
        return fill, NO_TEXTURE, inked
    gy, gx = np.gradient(light)
    xx, yy, xy = float((gx**2).mean()), float((gy**2).mean()), float((gx * gy).mean())
    strength = float(light.std())
    whole = max(xx + yy, 1e-6)
    grain = strength if strength > max(12.0, 3 * field.noise) else 0.0
    return fill, np.array([grain, grain * xx / whole, grain * yy / whole, grain * 2 * xy / whole], dtype=np.float32), inked


def look_of(pixels: NDArray[np.uint8], height: float) -> tuple[FloatArray, FloatArray]:
    """Mean colour and texture of a patch of an image, such as a legend's key; `height` is that of the digits, px."""
    rgb = pixels.astype(np.float32)
    h, w = rgb.shape[:2]
    field = Field(rgb, np.zeros((h, w), dtype=bool), np.full(3, 255, dtype=np.float32), 0.0, height, (0, 0), h)
    fill, texture, _ = texture_of(field, 0, w - 1, 0, h - 1, share=1.0)
    return fill, texture
