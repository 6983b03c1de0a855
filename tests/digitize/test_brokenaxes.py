"""Broken y axes are read with the scale of each part, and stacked plots are no broken axes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calibration import Broken
from digitize.file import digitize_file
from digitize.read import read_image
from digitize.record import PanelRecord

LOW, HIGH = (0.0, 30.0), (80.0, 120.0)
VALUES = np.array([15.0, 100.0, 24.0])
ERRORS = np.array([3.0, 6.0, 3.0])
# matplotlib snaps to whole pixels: an end and a tick each are up to half a pixel off, and a pixel is 0.3 of the upper part's units here.
NEAR = 0.6
SLASH = {"marker": [(-1, -0.5), (1, 0.5)], "markersize": 10, "linestyle": "none", "color": "k", "mec": "k", "mew": 1, "clip_on": False}


def _image(figure: Figure) -> NDArray[np.uint8]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _two_parts(low: Sequence[float] = LOW, high: Sequence[float] = HIGH, *, frame: bool = False) -> NDArray[np.uint8]:
    """Bars drawn twice, below and above the break, with slashes at its edges."""
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(4.5, 4), dpi=130)
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"hspace": 0.08})
        for ax in (upper, lower):
            ax.bar([0, 1, 2], VALUES, width=0.5, color="0.6", edgecolor="k", yerr=ERRORS, capsize=4)
        upper.set_ylim(*high)
        lower.set_ylim(*low)
        upper.spines.bottom.set_visible(False)
        lower.spines.top.set_visible(False)
        if not frame:
            upper.spines[["right", "top"]].set_visible(False)
            lower.spines.right.set_visible(False)
        upper.tick_params(bottom=False, labelbottom=False)
        lower.set_xticks([0, 1, 2], ["Control", "Low", "High"])
        at = [0, 1] if frame else [0]
        upper.plot(at, [0] * len(at), transform=upper.transAxes, **SLASH)
        lower.plot(at, [1] * len(at), transform=lower.transAxes, **SLASH)
        return _image(figure)


def _squeezed(value: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Where a value stands on one axis whose break is drawn, as a share of it."""
    v = np.asarray(value)
    return np.where(v <= LOW[1], 0.55 * v / LOW[1], 0.62 + 0.38 * (v - HIGH[0]) / (HIGH[1] - HIGH[0]))


def _one_part(sign: str) -> NDArray[np.uint8]:
    """Bars on one axis whose labels jump; `sign` is what is drawn at the break."""
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(4, 3.5), dpi=130)
        ax: Axes = figure.add_subplot()
        ax.bar([0, 1, 2], _squeezed(VALUES), width=0.5, color="0.7", edgecolor="k")
        at, lo, hi = (_squeezed(v) for v in (VALUES, VALUES - ERRORS, VALUES + ERRORS))
        ax.errorbar([0, 1, 2], at, [at - lo, hi - at], fmt="none", ecolor="k", capsize=4)
        labels = [0, 10, 20, 30, 80, 100, 120]
        ax.set_yticks([float(_squeezed(v)) for v in labels], [str(v) for v in labels])
        ax.set_ylim(0, 1.02)
        ax.set_xticks([0, 1, 2], ["Control", "Low", "High"])
        ax.spines[["right", "top"]].set_visible(False)
        beside = {"transform": ax.get_yaxis_transform(), "clip_on": False}
        if sign != "none":
            ax.fill_between([0.72, 1.28], [0.575, 0.575], [0.595, 0.595], color="w", zorder=5)
            ax.plot([0, 0], [0.565, 0.605] if sign == "zigzag" else [0.575, 0.595], color="w", lw=4, zorder=5, **beside)
        if sign == "zigzag":
            ax.plot([0, -0.02, 0.02, 0], [0.565, 0.578, 0.592, 0.605], color="k", lw=1, zorder=6, **beside)
        if sign == "slashes":
            for y in (0.575, 0.595):
                ax.plot([-0.02, 0.02], [y - 0.01, y + 0.01], color="k", lw=1, zorder=6, **beside)
        return _image(figure)


def _assert_read(panels: Sequence[PanelRecord]) -> None:
    (panel,) = panels
    assert panel.kind == "bar"
    assert "axis_broken" in panel.y_axis.flags
    points = [p for s in panel.series for p in s.points]
    assert [p.x for p in points] == ["Control", "Low", "High"]
    for point, value, error in zip(points, VALUES, ERRORS, strict=True):
        assert point.y == pytest.approx(value, abs=NEAR)
        assert (point.y_lo, point.y_hi) == (pytest.approx(value - error, abs=NEAR), pytest.approx(value + error, abs=NEAR))
        assert "axis_broken" in point.flags


@pytest.mark.parametrize("frame", [False, True], ids=["spines", "frame"])
def test_bars_on_two_parts_of_an_axis_are_read_and_flagged(frame: bool) -> None:
    _assert_read([p.record for p in read_image(_two_parts(frame=frame))])


@pytest.mark.parametrize("sign", ["zigzag", "slashes", "none"])
def test_bars_on_an_axis_whose_labels_jump_are_read_and_flagged(sign: str) -> None:
    _assert_read([p.record for p in read_image(_one_part(sign))])


def test_a_blurred_and_compressed_break_is_read() -> None:
    ok, coded = cv2.imencode(".jpg", cv2.GaussianBlur(_two_parts(), (0, 0), 0.8), [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert ok
    _assert_read([p.record for p in read_image(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8))])


@pytest.mark.parametrize("parts", [1, 2])
def test_level_bars_on_a_broken_axis_are_read_and_flagged(parts: int) -> None:
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(5, 3.4), dpi=120)
        if parts == 1:
            ax = figure.add_subplot()
            ax.barh([0, 1, 2], _squeezed(VALUES), 0.5, color="0.6", edgecolor="k")
            labels = [0, 10, 20, 30, 80, 100, 120]
            ax.set_xticks([float(_squeezed(v)) for v in labels], [str(v) for v in labels])
            ax.set_xlim(0, 1.02)
        else:
            ax, other = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.08})
            for each, limits in ((ax, LOW), (other, HIGH)):
                each.barh([0, 1, 2], VALUES, 0.5, color="0.6", edgecolor="k")
                each.set_xlim(*limits)
                each.spines[["left", "right", "top"]].set_visible(False)
            ax.spines.left.set_visible(True)
            other.tick_params(left=False)
        ax.set_yticks([0, 1, 2], ["Sham", "Low", "High"])
        (panel,) = [p.record for p in read_image(_image(figure))]
    assert panel.orientation == "horizontal"
    points = {p.x: p for s in panel.series for p in s.points}
    assert [points[name].y for name in ("Sham", "Low", "High")] == pytest.approx(VALUES, abs=NEAR)
    assert all("axis_broken" in p.flags for p in points.values())


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("frame", [False, True], ids=["spines", "frame"])
def test_plots_above_one_another_are_two(gap: float, frame: bool) -> None:
    # 0 to 10 below 20 to 120: in order as the parts of a broken axis are, but each plot stands on a line of its own.
    above, below = np.array([50.0, 70.0, 90.0, 60.0]), np.array([5.0, 6.0, 8.0, 7.0])
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(4, 5), dpi=130)
        axes = figure.subplots(2, 1, sharex=True, gridspec_kw={"hspace": gap})
        for ax, values, limits in zip(axes, (above, below), ((20, 120), (0, 10)), strict=True):
            ax.errorbar(range(4), values, 0.05 * (limits[1] - limits[0]), fmt="o-k", capsize=3)
            ax.set_ylim(*limits)
            ax.spines[["right", "top"]].set_visible(frame)
        axes[1].set_xticks(range(4))
        panels = [p.record for p in read_image(_image(figure))]
    assert len(panels) == 2
    for panel, values in zip(panels, (above, below), strict=True):
        assert "axis_broken" not in panel.y_axis.flags
        points = sorted((p for s in panel.series for p in s.points), key=lambda point: point.px[0])
        assert [p.y for p in points] == pytest.approx(values, rel=0.02)


def test_the_plots_of_a_grid_without_gaps_are_four() -> None:
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(6, 5.5), dpi=130)
        grid = figure.subplots(2, 2, sharex="col", sharey="row", gridspec_kw={"hspace": 0, "wspace": 0})
        for row, limits in zip(grid, ((20, 120), (0, 10)), strict=True):
            for ax in row:
                ax.errorbar([1, 2, 3, 4], np.linspace(0.4, 0.7, 4) * limits[1], 0.04 * limits[1], fmt="o-k", capsize=3)
                ax.set_ylim(*limits)
                ax.set_xlim(0.5, 4.5)
        panels = [p.record for p in read_image(_image(figure))]
    assert [sum(len(s.points) for s in p.series) for p in panels] == [4, 4, 4, 4]
    tops = [max(p.y for s in panel.series for p in s.points if isinstance(p.y, float)) for panel in panels]
    assert tops == pytest.approx([84.0, 84.0, 7.0, 7.0], rel=0.02)


def test_a_broken_scale_goes_there_and_back() -> None:
    scale = Broken(below=30.0, above=80.0, step=2.0, factor=0.5)
    values = np.array([-5.0, 0.0, 30.0, 55.0, 80.0, 100.0])
    assert scale.forward(values) == pytest.approx([-5.0, 0.0, 30.0, 31.0, 32.0, 42.0])
    assert scale.inverse(scale.forward(values)) == pytest.approx(values)
    steps = (scale.forward(values + 1e-6) - scale.forward(values - 1e-6)) / 2e-6
    inside = [0, 1, 3, 5]  # at the edges of the break the slope jumps
    assert scale.derivative(values)[inside] == pytest.approx(steps[inside], rel=1e-6)
    with pytest.raises(ValueError, match="finite"):
        scale.forward(float("nan"))


def test_a_broken_axis_leaves_the_other_plots_of_a_page_to_their_paths(tmp_path: Path) -> None:
    """All plots of a page were read off its pixels where one axis seemed to be broken."""
    figure = Figure(figsize=(8, 4))
    FigureCanvasPdf(figure)
    upper, right, lower, other = figure.subplots(2, 2, gridspec_kw={"hspace": 0.08}).ravel()
    for ax, span in ((upper, HIGH), (lower, LOW)):
        ax.bar([0, 1, 2], VALUES, width=0.5)
        ax.set(ylim=span, xticks=[0, 1, 2] if ax is lower else [])
    upper.spines.bottom.set_visible(False)
    lower.spines.top.set_visible(False)
    for ax in (right, other):
        ax.scatter([1, 2, 3, 4], [10.5, 20.25, 31.125, 44.0], color="k")
        ax.set(xlim=(0, 5), ylim=(0, 50), xticks=range(6) if ax is other else [])
    figure.savefig(tmp_path / "page.pdf")
    (record,) = [digitize_file(tmp_path / "page.pdf").record]
    scatter = [p for p in record.panels if p.kind == "scatter"]
    assert [p.medium for p in scatter] == ["vector", "vector"]
    assert not any(p.flags for panel in scatter for s in panel.series for p in s.points)
    rest = [p for panel in record.panels if panel.kind != "scatter" for s in panel.series for p in s.points]
    assert rest
    assert all("axis_broken" in p.flags for p in rest)
    for panel in scatter:
        assert sorted(float(p.y or 0) for p in panel.series[0].points) == pytest.approx([10.5, 20.25, 31.125, 44.0], abs=0.01)
