"""How far marks are placed from where they were drawn, in pixels: `python benchmarks/subpixel.py` prints a table.

Markers with error bars on a line are drawn at places that fall between pixels, and read. `unsnapped` figures are PDFs rendered at the
given resolution, as PNG and as JPEG: there only noise, compression and the renderer's edges stand between the ink and its place.
`snapped` ones are matplotlib's own pixels, which put every marker, cap and stem on whole pixels: a root-mean-square error of
1 / sqrt(12) = 0.29 px is there before anything is read. The place of a marker is told across and along the error bar, that of its ends
along it; `off` counts marks that were not found within 2 px.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pypdfium2 as pdfium
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from digitize.read import read_image

SIZE_IN = (6.0, 4.0)  # at every resolution a whole number of pixels
MEDIA = ("unsnapped PNG", "unsnapped JPEG 95", "unsnapped JPEG 75", "snapped PNG")
MARKERS = {"circle": "o", "circle-open": "o", "square": "s", "diamond": "D", "triangle": "^", "triangle-open": "^"}
FOUND = 2.0  # px
Doubles = NDArray[np.float64]


def draw(seed: int, style: str, medium: str, dpi: int) -> tuple[NDArray[np.uint8], Doubles]:
    """A figure, and the places (n, 4) in its pixels of its markers (x, y) and of the upper and lower ends of their bars."""
    rng = np.random.default_rng(seed)
    figure = Figure(figsize=SIZE_IN)
    axes = figure.subplots()
    figure.subplots_adjust(0.12, 0.14, 0.97, 0.96)
    x = np.arange(1.0, 9.0) + rng.uniform(-0.2, 0.2, 8)
    y, half = rng.uniform(4, 8, 8), rng.uniform(1.0, 2.5, 8)
    fill = "white" if style.endswith("-open") else "black"
    axes.errorbar(x, y, half, fmt=MARKERS[style] + "-", color="black", markersize=6, markerfacecolor=fill, capsize=3, linewidth=1)
    axes.set(xlim=(0, 9), ylim=(0, 12), xticks=range(10), yticks=range(0, 13, 2), xlabel="Week", ylabel="Score")
    if medium.startswith("snapped"):
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(dpi)
        canvas.draw()
        image, scale = np.asarray(canvas.buffer_rgba())[..., :3].copy(), 1.0
    else:
        image = _rendered(figure, dpi)
        scale = image.shape[1] / figure.bbox.width  # a page is stretched to whole pixels
        if "JPEG" in medium:
            image = _as_jpeg(image, int(medium.split()[-1]))
    places = axes.transData.transform(np.concatenate([np.stack([x, v], axis=1) for v in (y, y + half, y - half)]))
    rows = image.shape[0] * (1 - places[:, 1].reshape(3, -1) / figure.bbox.height) - 0.5
    return image, np.stack([places[:8, 0] * scale - 0.5, *rows], axis=1)


def _rendered(figure: Figure, dpi: int) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    figure.set_dpi(72)
    with mpl.rc_context({"pdf.fonttype": 42}):
        figure.savefig(stream, format="pdf")
    stream.seek(0)
    page = pdfium.PdfDocument(stream)[0]
    return np.asarray(page.render(scale=dpi / 72).to_pil().convert("RGB"))


def _as_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "jpeg", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB")).copy()


def read(image: NDArray[np.uint8]) -> Doubles:
    """The same places of all marks that were read, (m, 4), NaN where an end is missing."""
    rows = []
    for panel in read_image(image):
        for series in panel.series:
            for mark in series.marks:
                ends = [np.nan if end is None else end.px for end in (mark.y_hi, mark.y_lo)]
                at = [panel.to_original.apply((mark.x.px, py)) for py in (mark.y.px, *ends)]
                rows.append([at[0][0], at[0][1], at[1][1], at[2][1]])
    return np.array(rows, dtype=float).reshape(-1, 4)


def errors(truth: Doubles, found: Doubles) -> tuple[Doubles, int]:
    """How far the marks are off, (n, 4) px, and how many were not found."""
    off = []
    for place in truth:
        distance = np.hypot(found[:, 0] - place[0], found[:, 1] - place[1])
        if distance.size and distance.min() <= FOUND:
            off.append(found[int(distance.argmin())] - place)
    return np.array(off).reshape(-1, 4), len(truth) - len(off)


def row(name: Sequence[str], off: Doubles, lost: int) -> str:
    """One line of the table."""
    ends = off[:, 2:].ravel()
    ends = ends[np.isfinite(ends)]
    parts = [off[:, 0], off[:, 1], ends]
    told = [f"{np.sqrt(np.mean(p**2)):.3f} | {np.median(np.abs(p)):.3f}" for p in parts]
    return f"| {' | '.join((*name, str(len(off)), *told, str(lost)))} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=4, help="figures of eight marks for each style and medium")
    parser.add_argument("--dpi", type=int, default=150)
    args = parser.parse_args()
    print(f"| medium, {args.dpi} dpi | marker | marks | across, RMSE px | median | along, RMSE px | median | ends, RMSE | median | off |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for medium in MEDIA:
        every: dict[str, list[tuple[Doubles, int]]] = defaultdict(list)
        for style in MARKERS:
            for seed in range(args.each):
                image, truth = draw(seed, style, medium, args.dpi)
                every[style].append(errors(truth, read(image)))
            print(row((medium, style), np.concatenate([o for o, _ in every[style]]), sum(n for _, n in every[style])), flush=True)
        cases = [case for own in every.values() for case in own]
        print(row((medium, "all"), np.concatenate([o for o, _ in cases]), sum(n for _, n in cases)), flush=True)


if __name__ == "__main__":
    main()
