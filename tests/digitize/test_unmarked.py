"""Error bars without markers: their centres where a line runs through them, or their middles under a flag."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digitize.file import digitize_file
from digitize.record import PanelRecord
from digitize.vector.pieces import Piece
from digitize.vector.scene import Scene
from digitize.vector.unmarked import _is_frame

pytestmark = pytest.mark.usefixtures("plain_fonts")

X = np.array([0.0, 2.0, 4.0, 6.0, 8.0])
FIRST, SECOND = np.array([70.0, 62.0, 55.0, 58.0, 50.0]), np.array([30.0, 36.0, 25.0, 33.0, 28.0])
DOWN, UP = np.array([6.0, 8.0, 7.0, 9.0, 6.0]), np.array([9.0, 7.0, 10.0, 6.0, 8.0])
MEDIA = {"pdf": "vector", "png": "raster"}
CLOSE = {"pdf": 0.01, "png": 0.5}
"""Of 100: paths are written to a few thousandths of a pixel; at 150 dpi 0.5 are 1.8 px, and matplotlib puts strokes on whole pixels."""


def draw(folder: Path, medium: str, dress: Callable[[Axes], object]) -> PanelRecord:
    figure = Figure(figsize=(4.5, 3.2))
    axes = figure.subplots()
    axes.set(xlim=(-1, 9), ylim=(0, 100), xlabel="Time (weeks)", ylabel="Score")
    dress(axes)
    path = folder / f"drawn.{medium}"
    figure.savefig(path, dpi=150)
    (panel,) = digitize_file(path).record.panels
    return panel


def bars(ax: Axes, y: np.ndarray, color: str, *, fmt: str = "-", capsize: float = 3, name: str = "") -> None:
    ax.errorbar(X, y, [DOWN, UP], fmt=fmt, color=color, ecolor=color, capsize=capsize, label=name)


def assert_read(panel: PanelRecord, arms: list[np.ndarray], medium: str) -> None:
    close = CLOSE[medium]
    assert (panel.kind, panel.medium) == ("errorbar", MEDIA[medium])
    found = sorted(panel.series, key=lambda s: -float(s.points[0].y or 0))
    assert len(found) == len(arms)
    for series, y in zip(found, arms, strict=True):
        assert [p.x for p in series.points] == pytest.approx(X, abs=close / 10)
        assert [p.y for p in series.points] == pytest.approx(y, abs=close)
        assert [p.y_lo for p in series.points] == pytest.approx(y - DOWN, abs=close)
        assert [p.y_hi for p in series.points] == pytest.approx(y + UP, abs=close)


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("color", ["black", "tab:red"])
def test_a_line_through_error_bars(tmp_path: Path, medium: str, color: str) -> None:
    panel = draw(tmp_path, medium, lambda ax: bars(ax, FIRST, color))
    assert_read(panel, [FIRST], medium)
    assert not any(p.flags for s in panel.series for p in s.points)


@pytest.mark.parametrize("medium", MEDIA)
def test_lines_of_two_colours_have_the_names_of_the_legend(tmp_path: Path, medium: str) -> None:
    def two(ax: Axes) -> None:
        bars(ax, FIRST, "tab:blue", name="Placebo")
        bars(ax, SECOND, "tab:red", name="Magnesium")
        ax.legend(loc="upper center")

    panel = draw(tmp_path, medium, two)
    assert_read(panel, [FIRST, SECOND], medium)
    assert {s.name for s in panel.series} == {"Placebo", "Magnesium"}


@pytest.mark.parametrize("medium", MEDIA)
def test_where_no_line_runs_the_middle_is_given_under_a_flag(tmp_path: Path, medium: str) -> None:
    panel = draw(tmp_path, medium, lambda ax: bars(ax, FIRST, "black", fmt="none"))
    points = panel.series[0].points
    assert panel.kind == "errorbar"
    assert [p.y for p in points] == pytest.approx(FIRST + (UP - DOWN) / 2, abs=CLOSE[medium])
    assert all("centre_inferred" in p.flags for p in points)
    # The truth may be anywhere in the bar.
    assert all(abs(float(p.y or 0) - y) < 1.96 * float(p.u_y or 0) for p, y in zip(points, FIRST, strict=True))


def test_bars_without_caps_on_a_line_are_read_from_paths(tmp_path: Path) -> None:
    assert_read(draw(tmp_path, "pdf", lambda ax: bars(ax, FIRST, "black", capsize=0)), [FIRST], "pdf")


@pytest.mark.parametrize("medium", MEDIA)
def test_a_line_alone_has_no_error_bars(tmp_path: Path, medium: str) -> None:
    panel = draw(tmp_path, medium, lambda ax: (ax.plot(X, FIRST, "k"), ax.axvline(4, color="0.7")))
    assert all(p.y_lo is None and p.y_hi is None for s in panel.series for p in s.points)


@pytest.mark.parametrize(
    ("points", "expected"),
    [(((20, 29), (400, 29)), True), (((419, 30), (419, 250)), True), (((20, 40), (400, 40)), False), (((20, 29), (400, 80)), False)],
)
def test_a_line_along_the_edge_of_a_plot_is_its_frame(points: tuple[tuple[float, float], ...], expected: bool) -> None:
    """The ticks at the corners of a frame were taken for error bars, and the curves in it were lost."""
    line, scene = SimpleNamespace(points=np.array(points, dtype=float)), SimpleNamespace(box=(20.0, 30.0, 418.0, 260.0))
    assert _is_frame(cast(Piece, line), cast(Scene, scene)) is expected


@pytest.mark.parametrize("medium", MEDIA)
def test_markers_are_read_as_before(tmp_path: Path, medium: str) -> None:
    panel = draw(tmp_path, medium, lambda ax: bars(ax, FIRST, "black", fmt="o-"))
    assert panel.series[0].marker == "circle"
    assert_read(panel, [FIRST], medium)


def test_two_lines_of_one_ink_whose_bars_share_columns_are_refused_off_pixels(tmp_path: Path) -> None:
    panel = draw(tmp_path, "png", lambda ax: (bars(ax, FIRST, "black"), bars(ax, SECOND, "black")))
    assert not panel.series
    assert "share their columns" in panel.refused


def test_bars_that_overlap_in_a_column_are_flagged_off_pixels(tmp_path: Path) -> None:
    below = np.array([40.0, 35.0, 9.0, 30.0, 30.0])
    panel = draw(tmp_path, "png", lambda ax: (bars(ax, FIRST, "tab:blue"), bars(ax, FIRST - below, "tab:red")))
    points = [p for s in panel.series for p in s.points if p.x == pytest.approx(4.0, abs=0.1)]
    assert panel.series
    assert all({"shared_stem", "bars_left_out"} & set(p.flags) for p in points)


def test_the_uncertainty_of_centres_on_a_line_covers_the_truth(tmp_path: Path) -> None:
    pulls = []
    for seed in range(6):
        y = np.random.default_rng(seed).uniform(25, 75, 5)
        (folder := tmp_path / str(seed)).mkdir()
        panel = draw(folder, "png", lambda ax, y=y: bars(ax, y, "tab:green"))  # type: ignore[misc]
        pulls += [(float(p.y or 0) - true) / float(p.u_y or 1) for p, true in zip(panel.series[0].points, y, strict=True) if not p.flags]
    assert len(pulls) > 15
    # Of 95 in 100 that should be; strokes put on whole pixels err alike along a whole axis, which costs some.
    assert np.mean(np.abs(pulls) < 1.96) > 0.85


def test_bars_without_caps_on_a_line_are_never_lost_without_a_flag(tmp_path: Path) -> None:
    """Where bars cross the line some looked like markers; the others were left out without a word."""
    panel = draw(tmp_path, "png", lambda ax: ax.errorbar(X, SECOND, 6.0, fmt="-", color="black", capsize=0))
    points = [p for s in panel.series for p in s.points]
    assert panel.kind == "errorbar"
    assert len(points) == len(X) or all("bars_left_out" in p.flags for p in points)


def test_large_filled_markers_are_no_bare_bars(tmp_path: Path) -> None:
    """Squares as wide as their caps were taken for ink of a line, and the series beside them was lost."""

    def dress(ax: Axes) -> None:
        ax.errorbar(X - 0.1, FIRST, [DOWN, UP], fmt="s", color="black", markersize=12, capsize=4)
        ax.errorbar(X + 0.1, SECOND, [DOWN, UP], fmt="D", color="tab:green", mfc="white", markersize=10, capsize=4)

    panel = draw(tmp_path, "png", dress)
    assert [(s.marker, len(s.points)) for s in panel.series] == [("square", 5), ("diamond-open", 5)]
