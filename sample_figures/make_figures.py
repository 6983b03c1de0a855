"""Draw the sample figures, whose truth is known.

``python sample_figures/make_figures.py [--out DIR]`` writes ``DIR/felsby/`` with one figure drawn three ways (vector PDF, clean PNG,
photocopied PNG) and ``truth.csv``. The same versions of the libraries give the same bytes.

The PNGs are renderings of the PDF and not matplotlib's own, because matplotlib moves lines to whole pixels and the truth would be off
by up to half a pixel.
"""

from __future__ import annotations

import argparse
import csv
import io
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pypdfium2
from matplotlib import style
from matplotlib.figure import Figure
from PIL import Image, ImageFilter

SIZE_INCH = (3.5, 3.0)
AXES_INCH = (0.55, 0.36, 2.85, 2.36)  # left, bottom, width, height
NOTE = "Reconstruction - not the original figure"
CLEAN_DPI = 200
PHOTOCOPY_DPI = 300
PHOTOCOPY_TILT_DEGREES = 0.6  # counter-clockwise
PHOTOCOPY_SEED = 1995
POINTS_PER_INCH = 72
JOURNAL = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.linewidth": 0.8,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "lines.markersize": 5,
    "errorbar.capsize": 3.5,
    "pdf.fonttype": 42,
}


@dataclass(frozen=True)
class Mark:
    """One treatment of the figure: median and range (VAS, 0-10) of ``n`` patients, and the pair that was published for it."""

    treatment: str
    median: float
    low: float
    high: float
    n: int
    published_mean: float
    published_sd: float


# The four published pairs fix (low + high) and (high - low) once a median is chosen. Each median stands a little below its mean, as
# pain scores do, and the range is solved to four decimals, so that mean and SD lie in the middle of their rounding cells.
FELSBY = (
    Mark("Baseline", 4.50, 2.4536, 7.1864, 10, 4.66, 1.53),
    Mark("Magnesium", 3.60, 1.8958, 5.8242, 10, 3.73, 1.27),
    Mark("Ketamine", 3.65, 1.9722, 5.8078, 10, 3.77, 1.24),
    Mark("Placebo", 4.30, 2.6440, 6.3560, 10, 4.40, 1.20),
)


def mean_and_sd(mark: Mark) -> tuple[float, float]:
    """Return mean and SD from median and range.

    Wan et al. 2014 (BMC Med Res Methodol 14:135), scenario C1: equation 3 for the mean and equation 9 for the SD, whose expected range
    of ``n`` standard normal values is approximated with Blom's (n - 0.375) / (n + 0.25).
    """
    mean = (mark.low + 2 * mark.median + mark.high) / 4
    expected_range = 2 * NormalDist().inv_cdf((mark.n - 0.375) / (mark.n + 0.25))
    return mean, (mark.high - mark.low) / expected_range


def draw_pdf(marks: tuple[Mark, ...]) -> bytes:
    """Return the figure as the bytes of a one-page PDF without dates."""
    # From matplotlib's own defaults, so that nobody's matplotlibrc shows in the figure.
    with style.context(["default", JOURNAL]):
        figure = Figure(figsize=SIZE_INCH)
        left, bottom, width, height = AXES_INCH
        axes = figure.add_axes((left / SIZE_INCH[0], bottom / SIZE_INCH[1], width / SIZE_INCH[0], height / SIZE_INCH[1]))
        medians = [mark.median for mark in marks]
        below = [mark.median - mark.low for mark in marks]
        above = [mark.high - mark.median for mark in marks]
        axes.errorbar(range(len(marks)), medians, yerr=[below, above], fmt="o", color="black", elinewidth=0.8, capthick=0.8)
        axes.set_xlim(-0.5, len(marks) - 0.5)
        axes.set_xticks(range(len(marks)), [mark.treatment for mark in marks])
        axes.set_ylim(0, 10)
        axes.set_yticks(range(0, 11, 2))
        axes.set_ylabel("Pain intensity (VAS, 0-10)")
        # In the top corner, where no axis title stands.
        figure.text(0.98, 0.98, NOTE, fontsize=7, ha="right", va="top")
        out = io.BytesIO()
        figure.savefig(out, format="pdf", metadata={"Title": NOTE, "Creator": None, "Producer": None, "CreationDate": None})
    return out.getvalue()


def render(pdf: bytes, dpi: int) -> Image.Image:
    """Return the first page of ``pdf`` as an 8-bit grey image, lines at their true sub-pixel places."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        # pypdfium2 rounds the size up and stretches the page to it: without the hair, 900.0000001 px become 901.
        image: Image.Image = document[0].render(scale=dpi / POINTS_PER_INCH * (1 - 1e-9), grayscale=True).to_pil()
        return image.convert("L")
    finally:
        document.close()


def photocopy(clean: Image.Image, seed: int) -> Image.Image:
    """Return ``clean`` as a bad photocopy: tilted about its centre, blurred, uneven in toner, 1 bit, specked."""
    rng = np.random.default_rng(seed)
    tilted = clean.rotate(PHOTOCOPY_TILT_DEGREES, resample=Image.Resampling.BICUBIC, fillcolor=255)
    grey = np.asarray(tilted.filter(ImageFilter.GaussianBlur(1.0)), dtype=float)
    is_ink = grey + _toner(grey.shape, rng) < 150
    for is_dark, per_megapixel in ((True, 300), (False, 1500)):
        _speck(is_ink, round(per_megapixel * grey.size / 1e6), is_dark=is_dark, rng=rng)
    return Image.fromarray(~is_ink)


def _toner(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return grey levels to add, of shape ``shape``: grain of about two pixels, and toner that runs out from left to right."""
    height, width = shape
    coarse = rng.normal(0, 34, (height // 2, width // 2)).astype(np.float32)
    grain = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(grain, dtype=float) + np.linspace(-12, 18, width)


def _speck(is_ink: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], count: int, *, is_dark: bool, rng: np.random.Generator) -> None:
    """Write ``count`` specks of 1 to 3 px a side into ``is_ink``."""
    height, width = is_ink.shape
    for _ in range(count):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        # Most dust is one pixel.
        rows, columns = (int(side) for side in rng.choice((1, 2, 3), size=2, p=(0.6, 0.3, 0.1)))
        is_ink[top : top + rows, left : left + columns] = is_dark


def write_truth(path: Path, marks: tuple[Mark, ...]) -> None:
    """Write the drawn values, the mean and SD that they give (four decimals) and the published pair, one row a mark."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["x", "y", "y_lo", "y_hi", "mean", "sd", "n", "published_mean", "published_sd"])
        for mark in marks:
            drawn = [f"{value:.4f}" for value in (mark.median, mark.low, mark.high, *mean_and_sd(mark))]
            writer.writerow([mark.treatment, *drawn, mark.n, f"{mark.published_mean:.2f}", f"{mark.published_sd:.2f}"])


def make_felsby(folder: Path) -> None:
    """Write ``felsby.pdf``, ``felsby.png``, ``felsby_photocopy.png`` and ``truth.csv`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    pdf = draw_pdf(FELSBY)
    (folder / "felsby.pdf").write_bytes(pdf)
    render(pdf, CLEAN_DPI).save(folder / "felsby.png", dpi=(CLEAN_DPI, CLEAN_DPI), optimize=True)
    copied = photocopy(render(pdf, PHOTOCOPY_DPI), PHOTOCOPY_SEED)
    copied.save(folder / "felsby_photocopy.png", dpi=(PHOTOCOPY_DPI, PHOTOCOPY_DPI), optimize=True)
    write_truth(folder / "truth.csv", FELSBY)


def main() -> None:
    """Draw every sample figure."""
    parser = argparse.ArgumentParser(description="Draw the sample figures, whose truth is known.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write into (default: this one)")
    make_felsby(parser.parse_args().out / "felsby")


if __name__ == "__main__":
    main()
