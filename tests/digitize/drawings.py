"""Random drawings with known axes, by two renderers: matplotlib's Agg, and matplotlib's PDF drawn by PDFium."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import matplotlib as mpl
import numpy as np
import pypdfium2 as pdfium
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter, DayLocator, HourLocator, MonthLocator
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator
from numpy.typing import NDArray
from PIL import Image

from calibration import AxisCalibration, PixelTransform
from digitize.axes import find_axes
from digitize.deskew import estimate_tilt, straighten
from digitize.lines import find_lines
from digitize.ocr import find_text
from digitize.panels import Panel, find_panels
from digitize.slanted import with_slanted

Renderer = Literal["agg", "pdf"]
FloatArray = NDArray[np.float64]

RANGES: dict[str, Callable[[np.random.Generator], tuple[float, float]]] = {
    "plain": lambda r: (0.0, r.uniform(5, 150)),
    "negative": lambda r: (-r.uniform(4, 60), r.uniform(1, 60)),
    "all negative": lambda r: (-r.uniform(40, 60), -r.uniform(2, 8)),
    "comma": lambda r: (r.uniform(0, 2), r.uniform(3, 9)),
    "percent": lambda r: (0.0, r.uniform(30, 100)),
    "log": lambda r: (10 ** r.uniform(-2, 0), 10 ** r.uniform(1.5, 3)),
    "powers": lambda r: (10 ** r.uniform(-4, 0), 10 ** r.uniform(3, 5)),
    "small": lambda r: (r.uniform(0, 0.02), r.uniform(0.04, 0.2)),
    "thousands": lambda r: (0.0, r.uniform(3000, 20000)),
    "exponents": lambda r: (0.0, r.uniform(2e-5, 9e-5)),
}
FORMATS: dict[str, Callable[[float], str]] = {
    "comma": lambda v: f"{v:.1f}".replace(".", ","),
    "percent": lambda v: f"{v:.0f}%",
    "thousands": lambda v: f"{v:,.0f}",
    "exponents": lambda v: f"{v:.0e}" if v else "0",
    "log": lambda v: f"{v:g}",
}
STYLES = ("frame", "L", "grid", "bare")
DATES: dict[str, tuple[str, float, Callable[[], Locator]]] = {
    "year and month": ("%Y-%m", 330.0, lambda: MonthLocator((1, 4, 7, 10))),
    "month and year": ("%b %Y", 700.0, lambda: MonthLocator((1, 7))),
    "day": ("%Y-%m-%d", 75.0, lambda: DayLocator((1, 16))),
    "day of a month": ("%b %d", 80.0, lambda: DayLocator((1, 16))),
    "day first": ("%d.%m.%y", 120.0, lambda: MonthLocator()),
    "month": ("%b", 330.0, lambda: MonthLocator((1, 3, 5, 7, 9, 11))),
    "time": ("%H:%M", 0.8, lambda: HourLocator((0, 4, 8, 12, 16, 20))),
}
"""Dates and times as they are printed: the format, the days that an axis shows, and where its ticks stand."""


@dataclass(frozen=True)
class Drawing:
    """An image, where probe values of one of its axes stand in it (column 0 x, column 1 y), and the PDF that it renders, if it does."""

    image: NDArray[np.uint8]
    values: FloatArray
    places_px: FloatArray
    is_log: bool = False
    along_x: bool = False
    pdf: bytes = b""


def draw(
    seed: int,
    kind: str,
    renderer: Renderer,
    *,
    dpi: int = 150,
    style: str | None = None,
    dress: Callable[[Axes], None] | None = None,
    along_x: bool = False,
) -> Drawing:
    """A line plot with a y axis (with `along_x` an x axis) of this kind; `dress` may add to it."""
    r = np.random.default_rng(seed)
    low, high = RANGES[kind](r)
    is_log = kind in ("log", "powers")
    values = np.geomspace(low, high, 42)[1:-1] if is_log else np.linspace(low, high, 42)[1:-1]

    def dressed(ax: Axes) -> None:
        axis = ax.xaxis if along_x else ax.yaxis
        (ax.set_xlim if along_x else ax.set_ylim)(low, high)
        (ax.set_ylim if along_x else ax.set_xlim)(0, 10.5)
        if is_log:
            (ax.set_xscale if along_x else ax.set_yscale)("log")
        other = np.sort(r.uniform(0.5, 10, 6))
        ax.plot(*((np.sort(r.choice(values, 6)), other) if along_x else (other, r.choice(values, 6))), "o-", markersize=4)
        if kind in FORMATS:
            axis.set_major_formatter(FuncFormatter(lambda v, _: FORMATS[kind](v)))
        ax.set_xlabel("Time (weeks)")
        ax.set_ylabel("Score (points)")
        if dress is not None:
            dress(ax)

    image, places, pdf = _drawn(r, values, renderer, dpi, style, dressed, along_x=along_x)
    return Drawing(image, values, places, is_log, along_x, pdf)


def draw_dates(seed: int, kind: str, renderer: Renderer, *, dpi: int = 150, style: str | None = None) -> Drawing:
    """A line plot whose x axis shows dates or times of this kind; its probe values are matplotlib's, days since 1970-01-01."""
    r = np.random.default_rng(seed)
    printed, days, locator = DATES[kind]
    first = float(r.integers(10957, 20000)) + 0.3
    values = np.linspace(first, first + days, 42)[1:-1]

    def dressed(ax: Axes) -> None:
        ax.set_xlim(first, first + days)
        ax.set_ylim(0, 10.5)
        ax.plot(np.sort(r.choice(values, 6)), r.uniform(1.5, 10, 6), "o-", markersize=4)
        ax.xaxis.set_major_locator(locator())
        ax.xaxis.set_major_formatter(DateFormatter(printed))
        ax.set_ylabel("Score (points)")

    image, places, pdf = _drawn(r, values, renderer, dpi, style, dressed, along_x=True, width=5.2)
    return Drawing(image, values, places, along_x=True, pdf=pdf)


def _drawn(
    r: np.random.Generator,
    values: FloatArray,
    renderer: Renderer,
    dpi: int,
    style: str | None,
    dressed: Callable[[Axes], None],
    *,
    along_x: bool,
    width: float = 3.2,
) -> tuple[NDArray[np.uint8], FloatArray, bytes]:
    """A figure of random font, size and look, at least `width` inches wide, where its probe values stand, and its PDF."""
    style = style or str(r.choice(STYLES, p=[0.35, 0.35, 0.2, 0.1]))
    family = str(r.choice(["DejaVu Sans", "DejaVu Serif", "STIXGeneral"]))
    context = {"font.size": r.uniform(8, 11), "font.family": family, "xtick.direction": str(r.choice(["in", "out"])), "pdf.fonttype": 42}
    context |= {"ytick.direction": str(r.choice(["in", "out", "out"])), "axes.linewidth": r.uniform(0.6, 1.3)}
    with mpl.rc_context(context):
        figure = Figure(figsize=(r.uniform(width, width + 2.0), r.uniform(2.6, 4)))
        FigureCanvasAgg(figure)
        ax = figure.add_subplot()
        _dressed(ax, style)
        dressed(ax)
        figure.tight_layout()
        other = np.linspace(0.3, 10.2, values.size)
        return _rendered(figure, ax, np.column_stack([values, other] if along_x else [other, values]), renderer, dpi)


def _dressed(ax: Axes, style: str) -> None:
    if style in ("L", "bare"):
        ax.spines[["top", "right"]].set_visible(False)
    if style in ("grid", "bare"):
        ax.grid(True, color="0.85", linewidth=0.8)
        ax.set_axisbelow(True)
    if style == "bare":
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0, which="both")


def _rendered(figure: Figure, ax: Axes, points: FloatArray, renderer: Renderer, dpi: int) -> tuple[NDArray[np.uint8], FloatArray, bytes]:
    if renderer == "agg":
        figure.set_dpi(dpi)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        image = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        at = ax.transData.transform(points)
        return image, np.column_stack([at[:, 0] - 0.5, image.shape[0] - at[:, 1] - 0.5]), b""
    stream = io.BytesIO()
    figure.savefig(stream, format="pdf")
    document = pdfium.PdfDocument(stream.getvalue())
    page = document[0]
    image = np.asarray(page.render(scale=dpi / 72).to_pil().convert("RGB")).copy()
    wide, high = image.shape[1] / page.get_width(), image.shape[0] / page.get_height()
    document.close()
    figure.set_dpi(72)
    at = ax.transData.transform(points)
    return image, np.column_stack([at[:, 0] * wide - 0.5, (figure.get_figheight() * 72 - at[:, 1]) * high - 0.5]), stream.getvalue()


def as_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The image after JPEG compression."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "jpeg", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB")).copy()


def askew(drawing: Drawing, degrees: float, skew: float = 0.0) -> Drawing:
    """The drawing as a scanner would see it: turned clockwise, its upright lines by `skew` degrees more."""
    height, width = drawing.image.shape[:2]
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0), [0, 0, 1]])
    shear = np.array([[1.0, -np.tan(np.radians(skew)), 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    matrix = (turn @ shear)[:2]
    image = cv2.warpAffine(drawing.image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255))
    places = drawing.places_px @ matrix[:, :2].T + matrix[:, 2]
    return replace(drawing, image=np.asarray(image, dtype=np.uint8), places_px=places)


def read_panels(image: NDArray[np.uint8]) -> tuple[tuple[Panel, ...], PixelTransform]:
    """The panels of an image and the way from their pixels to the image's."""
    to_original = PixelTransform.identity()
    tilt = estimate_tilt(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8))
    if not tilt.is_straight:
        image, matrix = straighten(image, tilt)
        to_original = PixelTransform.from_matrix(matrix)
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    texts, lines = find_text(image), find_lines(gray, int(0.12 * min(gray.shape)))
    texts, axes = with_slanted(image, texts, find_axes(gray, texts, lines), lines)
    return find_panels(image, axes, texts, lines), to_original


def misread_px(calibration: AxisCalibration, drawing: Drawing, to_original: PixelTransform) -> FloatArray:
    """How far, in px, the calibration puts the probe values from where they stand."""
    straight = (~to_original).apply(drawing.places_px)
    if (calibration.scale.name == "log10") != drawing.is_log:
        return np.full(drawing.values.shape, np.inf)
    return np.asarray(calibration.to_pixel(drawing.values) - straight[:, 0 if drawing.along_x else 1])
