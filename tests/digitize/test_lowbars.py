"""Bars hardly higher than the line they stand on are read, and none is made up."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from digitize.read import read_image
from digitize.record import PanelRecord, PointRecord

NAMES = ("Sham", "Low", "Mid", "High")
STYLES = {"grey": ("0.6", "k"), "plain": ("tab:blue", "none"), "white": ("w", "k"), "black": ("k", "k")}
# A pixel is 0.05 to 0.1 of these axes, and matplotlib puts line and edge on whole pixels: each is up to half a pixel off.
NEAR = 0.13


def _panel(values: Sequence[float], style: str, *, error: float = 0.0, dpi: int = 100) -> PanelRecord:
    fill, edge = STYLES[style]
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(4.2, 3.4), dpi=dpi, layout="tight")
        canvas = FigureCanvasAgg(figure)
        ax = figure.add_subplot()
        ax.bar(range(4), values, width=0.6, color=fill, edgecolor=edge, yerr=error or None, capsize=3)
        if min(values) < 0:
            ax.axhline(0, color="k", lw=0.8)
        ax.set_ylim(-10 if min(values) < 0 else 0, 10)
        ax.set_xticks(range(4), NAMES)
        ax.spines[["top", "right"]].set_visible(False)
        canvas.draw()
    (panel,) = read_image(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return panel.record


def _points(panel: PanelRecord) -> dict[str, PointRecord]:
    return {str(p.x): p for s in panel.series for p in s.points}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("values", [(5, -0.25, 7, -6), (5, 0.25, -7, 3), (5, 0.15, 7, 6)], ids=["hanging", "rising", "on the axis"])
def test_a_low_bar_is_read(values: tuple[float, ...], style: str) -> None:
    panel = _panel(values, style)
    points = _points(panel)
    assert tuple(points) == NAMES
    assert [points[name].y for name in NAMES] == pytest.approx(values, abs=NEAR)
    assert "bar_missing" not in panel.flags
    assert all(set(points[name].flags) <= {"low_bar"} for name in NAMES)


@pytest.mark.parametrize("style", ["grey", "plain", "white"])
def test_the_error_bar_of_a_low_bar_crosses_the_line(style: str) -> None:
    points = _points(_panel((5, -0.2, 7, -6), style, error=0.8, dpi=150))
    low = points["Low"]
    assert "low_bar" in low.flags
    assert (low.y_lo, low.y_hi) == (pytest.approx(-1.0, abs=NEAR), pytest.approx(0.6, abs=NEAR))


def test_ticks_below_the_axis_are_no_error_bar() -> None:
    low = _points(_panel((5, 0.15, 7, 6), "grey", error=0.5))["Low"]
    assert low.y_hi == pytest.approx(0.65, abs=NEAR)
    assert low.y_lo is None or low.y_lo >= 0.0


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("values", [(5, 0, 7, 6), (5, float("nan"), 7, 6), (5, 0, -7, 6)], ids=["zero", "none", "zero amid"])
def test_where_no_bar_stands_none_is_read(values: tuple[float, ...], style: str) -> None:
    panel = _panel(values, style)
    assert "Low" not in _points(panel)
    assert "bar_missing" in panel.flags


def test_bars_have_the_names_under_the_plot_and_no_other() -> None:
    # Under the zero line stand labels of the other axis, and bars: they were read as names.
    panel = _panel((5, -4, 7, -6), "grey")
    assert tuple(_points(panel)) == NAMES
    assert all(p.flags == () for p in _points(panel).values())
