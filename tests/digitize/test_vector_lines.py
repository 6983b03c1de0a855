"""Curves without markers that a PDF draws with paths: every vertex is read, and what is no curve is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digitize.file import digitize_file
from digitize.record import PanelRecord, SeriesRecord
from tests.digitize.papers import paper

X = np.linspace(0, 10, 300)
CLOSE = 0.01
"""A thousandth of the axis of 0 to 10, 0.7 px here: what thinning out (0.05 px) and the axis leave is far less."""


def axes() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.5, 3.2))
    ax = figure.add_axes((0.15, 0.18, 0.8, 0.77))
    ax.set(xlim=(0, 10), ylim=(0, 10), xticks=range(0, 11, 2), yticks=range(0, 11, 2))
    return figure, ax


def only_panel(path: Path, figure: Figure) -> PanelRecord:
    (panel,) = digitize_file(paper(path / "lines.pdf", [figure])).record.panels
    return panel


def places(series: SeriesRecord) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([(p.x, p.y) for p in series.points], dtype=float)


def test_two_curves_are_read_along_their_whole_way(tmp_path: Path) -> None:
    figure, ax = axes()
    upper, lower = 6 + 2 * np.sin(X), 3 + np.cos(2 * X)
    ax.plot(X, upper, color="tab:blue")
    ax.plot(X, lower, color="tab:red", ls="--")
    panel = only_panel(tmp_path, figure)
    assert (panel.kind, panel.medium, [s.color for s in panel.series]) == ("line", "vector", ["#1f77b4", "#d62728"])
    for series, y in zip(panel.series, (upper, lower), strict=True):
        read = places(series)
        assert read[0, 0] == pytest.approx(0, abs=CLOSE)
        assert read[-1, 0] == pytest.approx(10, abs=CLOSE)
        assert np.abs(np.interp(X, *read.T) - y).max() < CLOSE


def test_a_loop_keeps_the_order_of_drawing(tmp_path: Path) -> None:
    figure, ax = axes()
    angle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(5 + 4 * np.cos(angle), 5 + 3 * np.sin(angle), color="black")
    (series,) = only_panel(tmp_path, figure).series
    x, y = places(series).T
    assert np.abs(((x - 5) / 4) ** 2 + ((y - 5) / 3) ** 2 - 1).max() < 2 * CLOSE
    assert np.unwrap(np.arctan2((y - 5) / 3, (x - 5) / 4))[-1] == pytest.approx(2 * np.pi, abs=0.1)


def test_long_curves_are_thinned_out_and_say_how_far_that_moved_them(tmp_path: Path) -> None:
    figure, ax = axes()
    x = np.linspace(0, 10, 30_000)
    y = 5 + 4 * np.sin(40 * x) * np.exp(-((x - 5) ** 2) / 20)
    ax.plot(x, y, color="black", lw=0.3)
    panel = only_panel(tmp_path, figure)
    (series,) = panel.series
    assert len(series.points) <= 2000
    assert all(p.u_y is not None and p.u_y > 0 for p in series.points)


def test_a_fitted_curve_does_not_make_a_scatter_plot_a_line_plot(tmp_path: Path) -> None:
    figure, ax = axes()
    random = np.random.default_rng(1)
    x, y = random.uniform(1, 9, 40), random.uniform(1, 9, 40)
    ax.plot(x, y, "o", color="black", ms=5)
    ax.plot(X, 4 + 0.2 * X, color="red")
    panel = only_panel(tmp_path, figure)
    assert panel.kind == "scatter"
    assert sum(len(s.points) for s in panel.series) == 40


def test_error_bars_on_a_bare_line_are_no_curve(tmp_path: Path) -> None:
    """A series may have no markers but error bars: its vertices alone would lose their ends."""
    figure, ax = axes()
    ax.errorbar([1, 3, 5, 7, 9], [4, 6, 5, 7, 6], yerr=1, color="black", capsize=4)
    panel = only_panel(tmp_path, figure)
    assert panel.kind != "line"


def test_a_plot_inside_a_plot_is_flagged(tmp_path: Path) -> None:
    figure, ax = axes()
    ax.plot(X, 2 + np.sin(X), color="black")
    inner = figure.add_axes((0.5, 0.62, 0.4, 0.28))
    inner.plot(X, 50 + 30 * np.cos(X), color="black")
    inner.set(ylim=(0, 100), yticks=[0, 50, 100], xticks=[0, 5, 10])
    inner.tick_params(labelsize=7)
    panels = digitize_file(paper(tmp_path / "inset.pdf", [figure])).record.panels
    (host,) = [p for p in panels if [t.value for t in p.y_axis.ticks] == [10, 8, 6, 4, 2, 0]]
    assert "inset" in host.flags
    assert all("inset" in p.flags for s in host.series for p in s.points)
