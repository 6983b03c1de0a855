"""Level error bars, read from paths as exactly as drawn and off pixels within their uncertainty; what only looks like one is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize.file import digitize_file
from digitize.record import PanelRecord, PointRecord

pytestmark = pytest.mark.usefixtures("plain_fonts")

X = np.array([10.0, 22.0, 35.0, 47.0, 60.0, 78.0])
Y = np.array([2.0, 3.5, 3.0, 5.2, 6.1, 7.4])
LEFT, RIGHT = np.array([4.0, 5.0, 6.0, 4.5, 7.0, 5.2]), np.array([6.0, 4.0, 5.0, 5.5, 4.5, 7.0])
DOWN, UP = np.array([0.6, 0.4, 0.8, 0.7, 0.5, 0.9]), np.array([0.5, 0.9, 0.6, 0.4, 0.8, 1.0])
MEDIA = ("pdf", "png")
CLOSE = {"pdf": 0.01, "png": 0.35}
"""Of 100 along x, along y seven times less, for a unit is seven times as long there. Paths are written to a few thousandths of a pixel; at
150 dpi 0.35 are 1.8 px, and matplotlib puts the strokes of pictures on whole pixels, ticks and caps alike."""


def draw(folder: Path, medium: str, dress: Callable[[Axes], object]) -> PanelRecord:
    figure = Figure(figsize=(4.5, 3.2))
    axes = figure.subplots()
    axes.set(xlim=(0, 100), ylim=(0, 10), xlabel="Dose (mg)", ylabel="Score")
    dress(axes)
    path = folder / f"drawn.{medium}"
    figure.savefig(path, dpi=150)
    (panel,) = digitize_file(path).record.panels
    assert panel.medium == ("vector" if medium == "pdf" else "raster")
    return panel


def points_of(panel: PanelRecord) -> tuple[PointRecord, ...]:
    return tuple(sorted((p for s in panel.series for p in s.points), key=lambda p: p.px[0]))


def has_level_bar(panel: PanelRecord) -> bool:
    return any(p.x_lo is not None or p.x_hi is not None for p in points_of(panel))


def assert_level(points: Sequence[PointRecord], close: float) -> None:
    assert [p.x_lo for p in points] == pytest.approx(X - LEFT, abs=close)
    assert [p.x_hi for p in points] == pytest.approx(X + RIGHT, abs=close)
    assert all(p.u_x_lo is not None and p.u_x_hi is not None and 0 < p.u_x_lo < close and 0 < p.u_x_hi < close for p in points)


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("capsize", [0, 3])
@pytest.mark.parametrize("line", ["", "-"])
def test_bars_in_both_directions(tmp_path: Path, medium: str, capsize: float, line: str) -> None:
    panel = draw(tmp_path, medium, lambda ax: ax.errorbar(X, Y, [DOWN, UP], [LEFT, RIGHT], fmt="o", ls=line, capsize=capsize))
    points, close = points_of(panel), CLOSE[medium]
    assert panel.kind == "errorbar"
    assert_level(points, close)
    assert [p.y_lo for p in points] == pytest.approx(Y - DOWN, abs=close / 7)
    assert [p.y_hi for p in points] == pytest.approx(Y + UP, abs=close / 7)
    assert medium == "png" or not any(p.flags for p in points)


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("capsize", [0, 3])
def test_level_bars_alone_make_an_error_bar_plot(tmp_path: Path, medium: str, capsize: float) -> None:
    panel = draw(tmp_path, medium, lambda ax: ax.errorbar(X, Y, xerr=[LEFT, RIGHT], fmt="s", capsize=capsize))
    points = points_of(panel)
    assert panel.kind == "errorbar"
    assert_level(points, CLOSE[medium])
    assert all(p.y_lo is None and p.y_hi is None and not p.flags for p in points)


@pytest.mark.parametrize("medium", MEDIA)
def test_halves_of_a_cap_drawn_apart(tmp_path: Path, medium: str) -> None:
    """R draws an error bar as an arrow: each head is one line from one end of a cap through the bar's end to the other."""

    def arrows(ax: Axes) -> None:
        ax.plot(X, Y, "ko", ms=5)
        for y, a, b in zip(Y, X - LEFT, X + RIGHT, strict=True):
            ax.plot([a, b], [y, y], "k", lw=1)
            for end in (a, b):
                ax.plot([end, end, end], [y - 0.2, y, y + 0.2], "k", lw=1)

    assert_level(points_of(draw(tmp_path, medium, arrows)), CLOSE[medium])


@pytest.mark.parametrize("medium", MEDIA)
def test_an_axis_turned_round_keeps_the_lower_end_the_lower(tmp_path: Path, medium: str) -> None:
    def turned_round(ax: Axes) -> None:
        ax.errorbar(X, Y, xerr=[LEFT, RIGHT], fmt="o", capsize=3)
        ax.set_xlim(100, 0)

    assert_level(points_of(draw(tmp_path, medium, turned_round))[::-1], CLOSE[medium])


def flat_lines(ax: Axes) -> None:
    for a, b, y in ((10, 40, 3.0), (20, 60, 5.0), (30, 80, 7.0)):
        ax.plot([a, b], [y, y], "o-", ms=5)


def one_flat_line(ax: Axes) -> None:
    ax.errorbar(X, np.full(6, 5.0), yerr=DOWN, fmt="ko-", ms=5, capsize=3)


def steps(ax: Axes) -> None:
    ax.plot(X, Y, "ko", ms=5)
    ax.step(X, Y, "k", where="post")


def caps_of_bars_of_no_length(ax: Axes) -> None:
    length = np.array([0, 0, 0, 0.7, 0.5, 0.9])
    ax.errorbar(X, Y, yerr=length, fmt="ko", ms=4, capsize=6)


def pluses(ax: Axes) -> None:
    ax.plot(X, Y, "k+", ms=9)


def grid_and_inward_ticks(ax: Axes) -> None:
    ax.set_yticks(range(0, 11))
    ax.tick_params(direction="in", length=6)
    ax.grid(True, color="0.6")
    ax.plot(np.where(X < 30, 0, X), np.round(Y), "ko", ms=5)


def grid_through_bars(ax: Axes) -> None:
    ax.set_yticks(range(0, 11))
    ax.grid(True, color="0.5")
    ax.errorbar(X, np.round(Y), yerr=DOWN, fmt="ko", ms=5, capsize=3)


def means_through_dots(ax: Axes) -> None:
    r = np.random.default_rng(3)
    for x, y in ((25, 4.0), (50, 5.0), (75, 6.0)):
        heights = np.concatenate([[y], y + r.normal(0, 1, 11)])
        ax.plot(x + r.uniform(-3, 3, 12), heights, "ko", ms=4)
        ax.plot([x - 8, x + 8], [y, y], "k")


def one_reference_line(ax: Axes) -> None:
    ax.errorbar(X, Y, yerr=DOWN, fmt="ko", capsize=3)
    ax.plot([30, 70], [Y[3], Y[3]], "k--")


TRAPS = (
    *(flat_lines, one_flat_line, steps, caps_of_bars_of_no_length, pluses, grid_and_inward_ticks, grid_through_bars),
    *(means_through_dots, one_reference_line),
)


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("dress", TRAPS)
def test_what_looks_like_a_level_bar_is_none(tmp_path: Path, medium: str, dress: Callable[[Axes], object]) -> None:
    panel = draw(tmp_path, medium, dress)
    assert points_of(panel)
    assert not has_level_bar(panel)


@pytest.mark.parametrize("medium", MEDIA)
def test_names_along_x_tell_no_ends(tmp_path: Path, medium: str) -> None:
    def named(ax: Axes) -> None:
        ax.errorbar(range(4), Y[:4], yerr=DOWN[:4], xerr=0.3, fmt="o", capsize=3)
        ax.set(xlim=(-0.5, 3.5), xticks=range(4))
        ax.set_xticklabels(["Placebo", "Low", "Middle", "High"])

    panel = draw(tmp_path, medium, named)
    assert len(points_of(panel)) == 4
    assert not has_level_bar(panel)


def test_many_markers_in_a_row_are_read(tmp_path: Path) -> None:
    """More than a search that follows each of them in turn could hold."""
    x = np.linspace(1, 99, 1500)
    panel = draw(tmp_path, "pdf", lambda ax: (ax.plot(x, np.full(1500, 5.0), "k.", ms=2), ax.plot([20, 80], [5.0, 5.0], "r")))
    assert sum(len(s.points) for s in panel.series) == 1500
    assert not has_level_bar(panel)


@pytest.fixture(scope="module")
def crowds(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[PointRecord, dict[str, float]]]:
    """Points as read off pixels beside the truth, of figures with two series whose bars reach across one another here and there."""
    pairs = []
    for seed in range(4):
        r = np.random.default_rng(seed)
        truth: list[dict[str, float]] = []

        def crowded(ax: Axes, r: np.random.Generator = r, truth: list[dict[str, float]] = truth) -> None:
            cells: NDArray[Any] = r.permutation(20)[:14]
            for color, own in (("tab:blue", cells[:7]), ("tab:red", cells[7:])):
                x, y = 10 + 20 * (own % 5) + r.uniform(-4, 4, 7), 1.5 + 2.3 * (own // 5) + r.uniform(-0.4, 0.4, 7)
                left, right, down, up = r.uniform(4, 12, 7), r.uniform(4, 12, 7), r.uniform(0.4, 1.2, 7), r.uniform(0.4, 1.2, 7)
                ax.errorbar(x, y, [down, up], [left, right], fmt="o", color=color, ms=5, capsize=3)
                rows = np.column_stack([x, y, x - left, x + right, y - down, y + up]).tolist()
                truth += [dict(zip(("x", "y", "x_lo", "x_hi", "y_lo", "y_hi"), row, strict=True)) for row in rows]

        points = points_of(draw(tmp_path_factory.mktemp("crowds"), "png", crowded))
        for point in points:
            assert isinstance(point.x, float)
            assert isinstance(point.y, float)
            pairs.append((point, min(truth, key=lambda t: abs(t["x"] - float(point.x or 0)) + 10 * abs(t["y"] - float(point.y or 0)))))
    return pairs


def test_the_uncertainty_of_level_ends_covers_the_truth(crowds: list[tuple[PointRecord, dict[str, float]]]) -> None:
    pulls = [
        (end - true[name]) / u
        for p, true in crowds
        if not p.flags
        for name, end, u in (("x_lo", p.x_lo, p.u_x_lo), ("x_hi", p.x_hi, p.u_x_hi))
        if end is not None and u is not None
    ]
    assert len(pulls) > 60
    # Of 95 in 100 that should be; strokes put on whole pixels err alike along a whole axis, which costs some.
    assert np.mean(np.abs(pulls) < 1.96) > 0.85
    assert np.abs(pulls).max() < 5


def test_a_level_end_far_off_is_never_without_a_flag(crowds: list[tuple[PointRecord, dict[str, float]]]) -> None:
    off = [abs(end - true[n]) for p, true in crowds if not p.flags for n, end in (("x_lo", p.x_lo), ("x_hi", p.x_hi)) if end is not None]
    assert max(off) < 1.0  # of 100: 5 px; bars that the frame cuts off are further off, and flagged
    missing = [p for p, _ in crowds if (p.x_lo is None or p.x_hi is None) and not p.flags]
    assert not missing
