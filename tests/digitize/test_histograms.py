"""Histograms drawn with known bins, as pixels and as paths."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pypdfium2 as pdfium
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digitize.barfield import Bar
from digitize.barskyline import Skyline
from digitize.binedges import moved_apart
from digitize.file import digitize_file
from digitize.histograms import _climbs, stand_together
from digitize.record import PanelRecord, PointRecord

EDGES = np.arange(40.0, 75.1, 3.5)
COUNTS = np.array([2, 9, 9, 21, 34, 40, 27, 12, 0, 1])
LOOKS = {
    "filled": {"color": "#1f77b4", "edgecolor": "none"},
    "outlined": {"color": "white", "edgecolor": "black"},
    "both": {"color": "0.6", "edgecolor": "black"},
    "parted": {"color": "0.35", "edgecolor": "white"},
    "stepped": {},
}


def axes_of(figure: Figure, counts: np.ndarray = COUNTS) -> Axes:
    axes = figure.subplots()
    axes.set(xlim=(38, 77), ylim=(0, 1.06 * counts.max()), xlabel="Age (years)", ylabel="Patients", xticks=range(40, 80, 5))
    return axes


def draw(path: Path, look: str, counts: np.ndarray = COUNTS) -> Path:
    with mpl.rc_context({"pdf.fonttype": 42}):
        figure = Figure(figsize=(5, 3.6), layout="constrained")
        axes = axes_of(figure, counts)
        if look == "stepped":
            axes.stairs(counts, EDGES, color="black")
        else:
            axes.bar(EDGES[:-1], counts, np.diff(EDGES), align="edge", **LOOKS[look])
        figure.savefig(path, dpi=150)
    return path


def bins(path: Path) -> tuple[PanelRecord, list[PointRecord]]:
    (panel,) = digitize_file(path).record.panels
    (series,) = panel.series
    return panel, list(series.points)


@pytest.mark.parametrize("suffix", ["png", "pdf"])
@pytest.mark.parametrize("look", sorted(LOOKS))
def test_every_bin_is_read_with_its_edges(tmp_path: Path, look: str, suffix: str) -> None:
    panel, points = bins(draw(tmp_path / f"ages.{suffix}", look))
    assert panel.kind == "histogram"
    # Half a pixel is 0.04 years and 0.07 patients here; places of strokes are snapped to whole pixels in the PNG.
    assert [p.x_lo for p in points] == pytest.approx(EDGES[:-1].tolist(), abs=0.08)
    assert [p.x_hi for p in points] == pytest.approx(EDGES[1:].tolist(), abs=0.08)
    assert [p.y for p in points] == pytest.approx(COUNTS.tolist(), abs=0.3)
    assert all(p.u_x_lo is not None and p.u_y is not None for p in points)


def counted(path: Path, edges: np.ndarray, counts: list[int], dpi: int, *, grid: bool = False, **look: object) -> Path:
    """Bins from one side of the plot to the other."""
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.06 * max(counts)), xlabel="Age (years)", ylabel="Patients")
    if grid:
        axes.set_axisbelow(True)
        axes.grid(visible=True, color="0.88")
        axes.spines[["top", "right"]].set_visible(False)
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", **look)
    figure.savefig(path, dpi=dpi)
    return path


def test_low_bins_of_one_height_at_both_sides_are_no_gridline(tmp_path: Path) -> None:
    counts = [1, 1, 1, 0, 1, 7, 5, 9, 8, 7, 14, 8, 11, 9, 2, 2, 3, 1, 1]
    points = bins(counted(tmp_path / "ages.png", 30 + 2.0 * np.arange(20), counts, 200, color="white", edgecolor="black"))[1]
    assert [p.y for p in points] == pytest.approx(counts)


def test_bins_go_on_beyond_the_last_gridline(tmp_path: Path) -> None:
    counts = [1, 2, 8, 12, 37, 51, 54, 57, 41, 40, 26, 13, 5, 3, 1]
    look = {"color": "#9ecae1", "edgecolor": "black"}
    points = bins(counted(tmp_path / "ages.png", 36 + 3.0 * np.arange(16), counts, 300, grid=True, **look))[1]
    assert [p.y for p in points] == pytest.approx(counts)


def test_edges_on_round_values_are_taken_there_and_others_are_not(tmp_path: Path) -> None:
    counts = [2, 3, 11, 25, 36, 48, 30, 35, 26, 11, 6, 1]
    for first, tolerance in ((42.0, 1e-6), (43.3, 0.12)):  # half a pixel is 0.06 years
        edges = first + 3.0 * np.arange(13)
        points = bins(counted(tmp_path / "ages.png", edges, counts, 100, color="0.6", edgecolor="black"))[1]
        assert [p.x_lo for p in points] == pytest.approx(edges[:-1].tolist(), abs=tolerance)


def test_wider_bins_are_flagged_where_strokes_tell(tmp_path: Path) -> None:
    edges = np.array([20, 30, 40, 45, 50, 55, 60, 70, 90.0])
    found = bins(counted(tmp_path / "ages.png", edges, [9, 12, 21, 30, 26, 17, 8, 6], 150, color="0.7", edgecolor="black"))[1]
    # Six bins from 40 to 60 are 5 years wide, the others hold two or four of them.
    assert ["bins_joined" in p.flags for p in found] == [not 40 <= round(p.x_lo or 0) < 60 for p in found]
    even = bins(draw(tmp_path / "even.png", "both", np.array([2, 9, 9, 21, 34, 34, 27, 12, 12, 1])))[1]
    assert [p.flags for p in even if "bins_joined" in p.flags] == []


def test_heights_read_larger_when_twice_as_many_are_counted(tmp_path: Path) -> None:
    once = bins(draw(tmp_path / "once.png", "both"))[1]
    twice = bins(draw(tmp_path / "twice.png", "both", 2 * COUNTS))[1]
    assert [2 * float(p.y or 0) for p in once] == pytest.approx([float(p.y or 0) for p in twice], abs=0.6)


def test_bars_with_gaps_are_no_histogram(tmp_path: Path) -> None:
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes_of(figure).bar(EDGES[:-1], COUNTS + 3, 2.4, align="edge", color="0.5")
    figure.savefig(tmp_path / "bars.png", dpi=150)
    (panel,) = digitize_file(tmp_path / "bars.png").record.panels
    assert panel.kind == "bar"


def test_bars_with_error_bars_are_no_histogram(tmp_path: Path) -> None:
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    heights = np.array([14, 20, 17, 25, 30, 34, 22, 12, 9, 16])
    axes_of(figure).bar(EDGES[:-1], heights, 3.5, align="edge", color="0.7", edgecolor="black", yerr=4, capsize=3)
    figure.savefig(tmp_path / "bars.png", dpi=150)
    (panel,) = digitize_file(tmp_path / "bars.png").record.panels
    assert panel.kind != "histogram"


def test_a_sloped_line_drawn_in_steps_is_no_histogram(tmp_path: Path) -> None:
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = axes_of(figure)
    for y, marker in (([12, 17, 16.2, 24, 26, 29.5], "s"), ([4, 5, 8, 6, 9, 7], "^")):
        axes.errorbar(EDGES[::2][:6], y, yerr=3, marker=marker, color="0.4", lolims=False, antialiased=False)
    figure.savefig(tmp_path / "line.png", dpi=200)
    (panel,) = digitize_file(tmp_path / "line.png").record.panels
    assert panel.kind != "histogram"


def test_what_climbs_within_its_bins_is_a_line() -> None:
    bars = [Bar(10 * k, 10 * k + 9, 100 - 2 * k, np.zeros(3, np.float32), is_blank=True) for k in range(8)]
    slope = np.repeat(100 - 2 * np.arange(8), 10) - np.tile([0, 0, 0, 0, 0, 1, 1, 1, 1, 2], 8)
    level = np.repeat(100 - 2 * np.arange(8), 10)
    for tops, expected in ((slope, True), (level, False)):
        assert _climbs(bars, Skyline(tops, np.zeros((120, 80), dtype=bool), 110, np.zeros((121, 80), np.int32))) is expected


def test_bins_stand_together_and_bars_do_not() -> None:
    assert stand_together([1, 4, 9, 5, 2, 0, 0, 1])
    assert not stand_together([5, 0, 7, 0, 9, 0, 8, 0, 6])
    assert not stand_together([5, 5, 0, 7, 7, 0, 9, 9, 0, 8, 8])
    assert not stand_together([3, 5, 4])


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_bins_of_two_groups_are_not_read_as_bars_without_a_flag(tmp_path: Path, suffix: str) -> None:
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = axes_of(figure)
    for shift, color in ((0.0, "tab:blue"), (1.75, "tab:orange")):
        axes.bar(EDGES[:-1] + shift, COUNTS + 4, 1.75, align="edge", color=color)
    figure.savefig(tmp_path / f"two.{suffix}", dpi=150)
    (panel,) = digitize_file(tmp_path / f"two.{suffix}").record.panels
    assert panel.kind != "histogram"
    assert all("bins_perhaps" in p.flags for s in panel.series for p in s.points)


@pytest.mark.parametrize(("width", "edge", "dpi"), [(3.5, "black", 200), (3.4, "none", 300), (3.5, "white", 200)])
def test_heights_lie_within_their_uncertainty(tmp_path: Path, width: float, edge: str, dpi: int) -> None:
    # Strokes of the pixel grid are snapped, and narrow gaps between bars look like strokes in the paper's colour.
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes_of(figure).bar(EDGES[:-1] + (3.5 - width) / 2, COUNTS, width, align="edge", color="tab:blue", edgecolor=edge)
    figure.savefig(tmp_path / "ages.png", dpi=dpi)
    panel, points = bins(tmp_path / "ages.png")
    assert panel.kind == "histogram"
    off = [abs(float(p.y or 0) - count) / (p.u_y or 0) for p, count in zip(points, COUNTS, strict=True)]
    # Ten heights: the largest of ten normal errors is below 2.8 u in 95 of 100 figures.
    assert max(off) < 2.8


def test_bins_of_which_some_seem_to_have_error_bars_are_not_read_as_bars_without_a_flag(tmp_path: Path) -> None:
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = axes_of(figure)
    for shift, color in ((0.0, "tab:blue"), (1.75, "tab:orange")):
        axes.bar(EDGES[:-1] + shift, COUNTS + 4, 1.75, align="edge", color=color)
    middles = EDGES[:4] + 0.875
    axes.errorbar(middles, COUNTS[:4] + 4, yerr=[[0] * 4, [3] * 4], fmt="none", ecolor="black", capsize=3)  # as where a curve crosses bins
    figure.savefig(tmp_path / "two.png", dpi=150)
    (panel,) = digitize_file(tmp_path / "two.png").record.panels
    assert panel.kind == "bar"
    assert any(p.y_hi is not None for s in panel.series for p in s.points)
    assert all("bins_perhaps" in p.flags for s in panel.series for p in s.points)


def moments(low: np.ndarray, high: np.ndarray, height: np.ndarray) -> tuple[float, float]:
    middle = (low + high) / 2
    mean = float(np.sum(height * middle) / height.sum())
    return mean, float(np.sqrt(np.sum(height * (middle - mean) ** 2) / height.sum()))


def rendered(figure: Figure, path: Path, dpi: int) -> Path:
    """The figure as vectors rendered to pixels: strokes and ticks stay between pixels."""
    stream = io.BytesIO()
    figure.savefig(stream, format="pdf")
    document = pdfium.PdfDocument(stream.getvalue())
    document[0].render(scale=dpi / 72).to_pil().convert("RGB").save(path)
    document.close()
    return path


LOW = np.array([1, 9, 14, 55, 90, 120, 80, 31, 6, 0, 2, 1])  # 2.3 px a count: the outer ones are as high as their strokes are thick


@pytest.mark.parametrize("is_density", [False, True])
@pytest.mark.parametrize("look", ["outlined", "both", "parted", "stepped"])  # fills alone are widened to whole pixels
def test_bins_as_low_as_their_strokes_keep_mean_and_sd(tmp_path: Path, look: str, is_density: bool) -> None:
    edges = np.linspace(38.7, 76.3, LOW.size + 1)
    width = float(edges[1] - edges[0])
    shown = LOW / (LOW.sum() * width) if is_density else LOW
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(38, 77), ylim=(0, 1.06 * shown.max()), xlabel="Age (years)", ylabel="Patients")
    if look == "stepped":
        axes.stairs(shown, edges, color="black")
    else:
        axes.bar(edges[:-1], shown, width, align="edge", **LOOKS[look])
    rendered(figure, tmp_path / "ages.png", 100)
    points = bins(tmp_path / "ages.png")[1]
    read = moments(*(np.array([getattr(p, key) for p in points], dtype=float) for key in ("x_lo", "x_hi", "y")))
    mean, sd = moments(edges[:-1], edges[1:], shown)
    # 0.3 % of the SD is 0.06 px; a pixel lost on one of the outer bins alone moves the SD by 0.4 %.
    assert read[0] == pytest.approx(mean, abs=0.003 * sd)
    assert read[1] == pytest.approx(sd, rel=0.003)


def test_a_bin_that_the_axis_line_may_cover_says_so(tmp_path: Path) -> None:
    counts = np.array([6, 90, 210, 340, 600, 400, 270, 1, 120, 6])  # 0.65 px a count, half of the axis line is 0.8 px
    points = bins(draw(tmp_path / "ages.png", "filled", counts))[1]
    assert len(points) == 10
    read = {round((p.x_lo - 40) / 3.5): p for p in points if p.x_lo is not None}
    assert "bin_hidden" in read[7].flags
    assert all(abs(float(p.y or 0) - counts[k]) < 2.8 * (p.u_y or 0) for k, p in read.items())


def test_empty_bins_beside_bins_that_show_are_not_doubted(tmp_path: Path) -> None:
    points = bins(draw(tmp_path / "ages.png", "filled"))[1]
    assert points[8].y == pytest.approx(0.0, abs=0.01)
    assert "bin_hidden" not in points[8].flags


def test_an_outline_on_a_gridline_and_a_frame_is_followed(tmp_path: Path) -> None:
    counts = np.array([9, 14, 40, 61, 75, 81, 45, 13, 6, 1])
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(40, 75), ylim=(0, 86), xlabel="Age (years)", ylabel="Patients", yticks=range(0, 80, 25))
    axes.grid(True, color="0.88", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.stairs(counts, EDGES, color="black", linewidth=0.7)
    rendered(figure, tmp_path / "ages.png", 150)
    panel, points = bins(tmp_path / "ages.png")
    assert panel.kind == "histogram"
    assert [p.y for p in points] == pytest.approx(counts.tolist(), abs=0.3)


def test_an_outline_that_begins_high_on_the_frame_is_followed(tmp_path: Path) -> None:
    counts = np.array([38, 50, 59, 48, 44, 28, 24, 19, 3, 1])
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(40, 75), ylim=(0, 62), xlabel="Age (years)", ylabel="Patients")
    axes.stairs(counts, EDGES, color="black", linewidth=0.7)
    figure.savefig(tmp_path / "ages.png", dpi=150)
    panel, points = bins(tmp_path / "ages.png")
    assert panel.kind == "histogram"
    assert [p.y for p in points] == pytest.approx(counts.tolist(), abs=0.3)


SECOND = np.array([0, 2, 9, 11, 21, 30, 33, 27, 12, 4])


def overlaid(path: Path, way: str) -> Path:
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = axes_of(figure)
    if way == "outlines":
        for counts, color in ((COUNTS, "tab:blue"), (SECOND, "tab:orange")):
            axes.stairs(counts, EDGES, color=color)
    else:
        below = COUNTS if way == "stacked" else 0 * COUNTS
        axes.set_ylim(0, 80 if way == "stacked" else 42)
        axes.bar(EDGES[:-1], COUNTS, 3.5, align="edge", color="tab:blue", alpha=0.6, label="Placebo")
        axes.bar(EDGES[:-1], SECOND, 3.5, align="edge", color="tab:orange", alpha=0.6, bottom=below, label="Magnesium")
        axes.legend(loc="upper left")
    figure.savefig(path, dpi=150)
    return path


@pytest.mark.parametrize("suffix", ["png", "pdf"])
@pytest.mark.parametrize("way", ["overlaid", "stacked", "outlines"])
def test_two_histograms_in_one_plot_are_not_read_as_one_without_a_flag(tmp_path: Path, way: str, suffix: str) -> None:
    record = digitize_file(overlaid(tmp_path / f"two.{suffix}", way)).record
    plain = [panel for panel in record.panels if any(not p.flags for s in panel.series for p in s.points)]
    assert all(panel.kind == "histogram" and len(panel.series) == 2 for panel in plain)


def test_histograms_over_one_another_are_read_apart_from_paths(tmp_path: Path) -> None:
    (panel,) = digitize_file(overlaid(tmp_path / "two.pdf", "overlaid")).record.panels
    assert panel.kind == "histogram"
    first, second = ([p.y for p in s.points] for s in panel.series)
    # In the third bin both are as high as each other: their rectangles lie in the same place.
    assert first == pytest.approx(COUNTS.tolist(), abs=0.01)
    assert second == pytest.approx(SECOND[1:].tolist(), abs=0.01)


def test_strokes_of_odd_width_are_moved_half_a_pixel_further_than_ticks_of_even_width() -> None:
    on_middles, on_edges = [10.0, 31.0, 52.0, 74.0], [10.5, 31.5, 52.5, 74.5]
    assert moved_apart(0.0, on_edges) == 0.5
    assert moved_apart(0.98, on_middles) == 0.0
    assert moved_apart(0.5, on_middles) == -0.5
    assert moved_apart(None, on_edges) == 0.0  # what lies between pixels was not moved
    assert moved_apart(0.0, [10.1, 31.4, 52.7, 73.0]) == 0.0
