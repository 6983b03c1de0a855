"""Draw docs/overview.png, the picture of README.md: figure, overlay, table, forest plot.

With readoff installed, ``python docs/make_overview.py`` reads the sample figure and runs its review; every number in the picture is
what came out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from readoff.commands.demo import sample_folder
from readoff.review import ReviewResult, run_review

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

OUT = Path(__file__).parent / "overview.png"
DPI = 150
COLUMNS = ("arm", "n", "mean", "SD")


def main() -> None:
    """Run the sample review and draw what it gave."""
    folder = sample_folder()
    with tempfile.TemporaryDirectory() as scratch:
        result = run_review(folder / "review.toml", Path(scratch), figure_override={"felsby.pdf": folder / "felsby.png"})
        forest = np.asarray(Image.open(Path(scratch) / "magnesium-vs-placebo.png").convert("RGB"))
    drawing = np.asarray(Image.open(folder / "felsby.png").convert("RGB"))
    overlay = next(iter(result.readings["felsby.pdf"].overlays.values()))
    figure = Figure(figsize=(11, 8.4), facecolor="white")
    FigureCanvasAgg(figure)
    top = figure.add_gridspec(1, 3, left=0.02, right=0.98, top=0.96, bottom=0.59, wspace=0.06)
    bottom = figure.add_gridspec(1, 1, left=0.02, right=0.98, top=0.54, bottom=0.01)
    show_image(figure.add_subplot(top[0]), drawing, "1  the figure (a reconstruction)")
    show_image(figure.add_subplot(top[1]), overlay, "2  what was found on it")
    show_arms(figure.add_subplot(top[2]), result, "3  its arms, by Wan et al. 2014")
    show_image(figure.add_subplot(bottom[0]), forest, "4  the pooled effect, with the arms from print")
    figure.savefig(OUT, dpi=DPI)


def show_image(ax: Axes, image: NDArray[np.uint8], title: str) -> Axes:
    """Show an image with a title and no axes."""
    ax.imshow(image, interpolation="lanczos")
    ax.set_axis_off()
    ax.set_title(title, loc="left", fontsize=10)
    return ax


def show_arms(ax: Axes, result: ReviewResult, title: str) -> Axes:
    """Show the arms that were read off the figure as a table."""
    study = result.review.figure[0].study
    rows = [(arm.arm, str(arm.n), f"{arm.mean:.2f}", f"{arm.sd:.2f}") for arm in result.arms if arm.study == study]
    ax.set_axis_off()
    ax.set_title(title, loc="left", fontsize=10)
    table = ax.table(cellText=rows, colLabels=COLUMNS, loc="center", cellLoc="center", edges="horizontal")
    table.auto_set_font_size(value=False)
    table.set_fontsize(10)
    table.scale(0.95, 1.7)
    return ax


if __name__ == "__main__":
    main()
