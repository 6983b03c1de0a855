"""Marks within filled areas: seams between fills that look like markers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from digitize.read import read_image
from digitize.record import PanelRecord

RNG = np.random.default_rng(3)
FIRST, SECOND = RNG.normal(45, 12, 300), RNG.normal(60, 10, 300)


def read(dress: Callable[[Axes], object]) -> PanelRecord:
    figure = Figure(figsize=(4.5, 3.4), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    dress(axes)
    axes.set(xlabel="Age (years)", ylabel="Patients")
    canvas.draw()
    (panel,) = read_image(np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[..., :3].copy())
    return panel.record


def overlaid(ax: Axes) -> None:
    for values in (FIRST, SECOND):
        ax.hist(values, bins=15, alpha=0.5)


def stacked(ax: Axes) -> None:
    ax.hist([FIRST, SECOND], bins=15, stacked=True)


@pytest.mark.parametrize("dress", [overlaid, stacked])
def test_what_looks_like_markers_in_histograms_without_outlines_is_flagged(dress: Callable[[Axes], object]) -> None:
    """Dozens of points were given where bins lie over one another, most of them without a flag that says so."""
    panel = read(dress)
    points = [p for s in panel.series for p in s.points]
    assert panel.kind in ("bar", "histogram", "unknown") or all("in_fill" in p.flags for p in points)


@pytest.mark.parametrize("size", [20, 60])
def test_markers_on_paper_are_in_no_fill(size: int) -> None:
    panel = read(lambda ax: ax.scatter(FIRST[:40], SECOND[:40], s=size, color="black"))
    assert panel.kind == "scatter"
    assert not any("in_fill" in p.flags for s in panel.series for p in s.points)
