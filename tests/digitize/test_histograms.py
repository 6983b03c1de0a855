"""Histograms drawn with known bins, as pixels and as paths."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from digitize.file import digitize_file
from digitize.histograms import stand_together
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
