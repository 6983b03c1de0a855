"""How long it takes to find the text and the axes of one panel, on one core: `python benchmarks/speed.py` prints a table.

The panels are drawn here: 1200 x 900 px, a line plot, scatter plots, bars, hatched bars, and a specked scan whose greys are dots. The
first reading of a process also loads the recognition network; it is printed on its own line. Each time is processor time, the median of
five.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from digitize.axes import find_axes
from digitize.deskew import estimate_tilt
from digitize.lines import find_lines
from digitize.ocr import find_text
from digitize.panels import find_panels
from digitize.slanted import with_slanted

Image = NDArray[np.uint8]
LIMIT_SECONDS = 0.6
REPEATS = 5


def drawn(plot: Callable[[Axes], object]) -> Image:
    """A panel of 1200 x 900 px with titles."""
    figure = Figure(figsize=(8, 6), dpi=150)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    plot(ax)
    ax.set_xlabel("Time (weeks)")
    ax.set_ylabel("Pain score (mm)")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def panels() -> dict[str, Image]:
    """One panel of each kind."""
    r = np.random.default_rng(1)
    return {
        "line": drawn(lambda ax: ax.errorbar(range(9), r.uniform(10, 70, 9), r.uniform(2, 9, 9), fmt="o-", capsize=4)),
        "scatter": drawn(lambda ax: ax.scatter(r.normal(50, 9, 150), r.normal(20, 5, 150), s=18)),
        "crowded scatter": drawn(lambda ax: ax.scatter(r.normal(50, 9, 900), r.normal(20, 5, 900), s=9, facecolors="none", edgecolors="k")),
        "bar": drawn(lambda ax: ax.bar(["Drug", "Placebo", "None"], r.uniform(10, 70, 3), yerr=5, capsize=6)),
        "hatched bar": drawn(lambda ax: ax.bar(["Drug", "Placebo"], [30, 70], hatch=["....", "xxxx"], color="w", edgecolor="k")),
        "dotted scan": scanned(drawn(lambda ax: ax.bar(["Drug", "Placebo"], [60, 80], color="0.5")), r),
    }


def scanned(image: Image, r: np.random.Generator) -> Image:
    """The image in black and white: greys as dots, and a speck on every 2000th pixel."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    screen = 255 * ((rows % 6 < 4) & (columns % 6 < 4))
    gray = image.mean(axis=2)
    dotted = np.where((gray > 60) & (gray < 200), 255 - screen, np.where(gray > 127, 255, 0))
    specks = r.integers(0, image.shape[0] * image.shape[1], image.shape[0] * image.shape[1] // 2000)
    dotted.ravel()[specks] = 0
    return np.repeat(dotted.astype(np.uint8)[:, :, None], 3, axis=2)


def steps(image: Image) -> dict[str, float]:
    """Seconds that each step took."""
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    marks = [time.process_time()]
    estimate_tilt(gray)
    marks.append(time.process_time())
    texts = find_text(image)
    marks.append(time.process_time())
    lines = find_lines(gray, int(0.12 * min(gray.shape)))
    texts, axes = with_slanted(image, texts, find_axes(gray, texts, lines), lines)
    found = find_panels(image, axes, texts, lines)
    marks.append(time.process_time())
    if len(found) != 1:
        message = f"expected 1 panel, found {len(found)}"
        raise RuntimeError(message)
    return dict(zip(("tilt", "text", "axes"), np.diff(marks).tolist(), strict=True))


def main() -> int:
    """Print the table; 1 where a panel takes longer than `LIMIT_SECONDS`."""
    cv2.setNumThreads(1)
    images = panels()
    start = time.process_time()
    steps(images["line"])
    print(f"first panel, with loading the network: {time.process_time() - start:.2f} s\n")
    print("| panel of 1200 x 900 px | tilt, s | text, s | axes, s | all, s |\n|---|---|---|---|---|")
    slowest = 0.0
    for name, image in images.items():
        runs = [steps(image) for _ in range(REPEATS)]
        median = {step: float(np.median([run[step] for run in runs])) for step in runs[0]}
        total = float(np.median([sum(run.values()) for run in runs]))
        slowest = max(slowest, total)
        print(f"| {name} | {median['tilt']:.2f} | {median['text']:.2f} | {median['axes']:.2f} | {total:.2f} |")
    print(f"\nslowest: {slowest:.2f} s (limit {LIMIT_SECONDS} s)")
    return int(slowest > LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
