"""Survival curves with known steps, from pixels and from paths."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import PIL.Image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from digitize import digitize_file
from digitize.curves import key_color
from digitize.legend import LegendEntry
from digitize.panels import Panel
from digitize.read import read_image
from digitize.record import PanelRecord, SeriesRecord

Floats = NDArray[np.float64]
TIMES = np.linspace(0.5, 23.5, 200)


def curve(seed: int, rate: float, n: int = 40) -> tuple[Floats, Floats]:
    """Step times and the level after each of a Kaplan-Meier curve without censoring before month 24."""
    times = np.sort(np.random.default_rng(seed).exponential(1 / rate, n))
    times = times[times < 24]
    return np.concatenate([[0], times, [24]]), np.concatenate([1 - np.arange(len(times) + 1) / n, [1 - len(times) / n]])


CURVES = {"Placebo": curve(1, 0.08), "Drug": curve(2, 0.03)}


def drawn(names: list[str], *, incidence: bool = False, styles: tuple[str, ...] = ("-", "-"), percent: bool = False) -> Figure:
    figure = Figure(figsize=(4.8, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    whole = 100 if percent else 1
    for name, color, style in zip(names, ("tab:blue", "tab:red"), styles, strict=False):
        x, y = CURVES[name]
        axes.step(x, whole * (1 - y if incidence else y), style, where="post", color=color, label=name)
    axes.set(xlim=(0, 24.5), ylim=(0, 1.02 * whole), xticks=range(0, 25, 6), xlabel="Months")
    axes.set(yticks=np.linspace(0, whole, 6), ylabel="Cumulative incidence" if incidence else "Survival")
    if len(names) > 1:
        axes.legend(loc="upper right", frameon=False)
    return figure


def pixels(figure: Figure) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    return np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8)


def level_at(times: Floats, x: Floats, y: Floats) -> Floats:
    return np.asarray(y[np.clip(np.searchsorted(x, times, side="right") - 1, 0, len(y) - 1)])


def error(series: SeriesRecord, name: str, *, whole: float = 1.0, incidence: bool = False) -> float:
    """Mean distance from the truth over time, of the whole."""
    x, y = CURVES[name]
    read = np.array([(p.x, p.y) for p in series.points], dtype=float)
    truth = level_at(TIMES, x, 1 - y if incidence else y)
    return float(np.mean(np.abs(level_at(TIMES, read[:, 0], read[:, 1]) / whole - truth)))


def named(panel: PanelRecord, name: str) -> SeriesRecord:
    assert panel.kind == "km"
    return next(s for s in panel.series if s.name == name)


@pytest.mark.parametrize("percent", [False, True])
def test_one_curve(percent: bool) -> None:
    (read,) = read_image(pixels(drawn(["Placebo"], percent=percent)))
    assert read.record.kind == "km"
    # The best automatic reader of the literature is off by 0.012, people by 0.014.
    assert error(read.record.series[0], "Placebo", whole=100 if percent else 1) < 0.006


def test_incidence_rises() -> None:
    (read,) = read_image(pixels(drawn(["Placebo"], incidence=True)))
    assert read.record.kind == "km"
    assert error(read.record.series[0], "Placebo", incidence=True) < 0.006


@pytest.mark.parametrize("styles", [("-", "-"), ("--", "-")])
def test_two_curves_are_told_apart_and_named(styles: tuple[str, str]) -> None:
    (read,) = read_image(pixels(drawn(["Placebo", "Drug"], styles=styles)))
    for name in ("Placebo", "Drug"):
        assert error(named(read.record, name), name) < 0.01


def test_corners_only_go_down() -> None:
    (read,) = read_image(pixels(drawn(["Placebo", "Drug"])))
    for series in read.record.series:
        points = np.array([(p.x, p.y) for p in series.points], dtype=float)
        assert (np.diff(points[:, 0]) >= 0).all()
        assert (np.diff(points[:, 1]) <= 1e-9).all()


@pytest.mark.parametrize("dpi", [80, 130])
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_steep_way_of_small_steps_is_no_lag(seed: int, dpi: int) -> None:
    x, y = curve(seed, 0.15, n=240)
    figure = Figure(figsize=(4.8, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.step(x, y, where="post", color="tab:blue", linewidth=1.8)
    axes.set(xlim=(0, 24.5), ylim=(0, 1.02), xticks=range(0, 25, 6), xlabel="Months", ylabel="Survival")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    (read,) = read_image(np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8), kind="km")
    points = np.array([(p.x, p.y) for p in read.record.series[0].points], dtype=float)
    assert (np.diff(points[:, 0]) >= 0).all()
    assert (np.diff(points[:, 1]) <= 1e-9).all()
    steep = np.linspace(0.5, 10, 200)
    # A px is 0.004 of the height and 0.06 months, in which the curve falls by up to 0.009 at its start and 0.005 on average.
    assert np.abs(level_at(steep, points[:, 0], points[:, 1]) - level_at(steep, x, y)).mean() < 0.005


def banded(*, dashed: bool, legend: bool) -> Figure:
    """Both curves with their limits, as a band or as dashed curves."""
    figure = drawn(["Placebo", "Drug"])
    axes = figure.axes[0]
    for (x, y), color in zip(CURVES.values(), ("tab:blue", "tab:red"), strict=True):
        half = 0.02 + 0.2 * np.sqrt(y * (1 - y))
        for limit in (y - half, y + half) if dashed else ():
            axes.step(x, np.clip(limit, 0, 1), "--", where="post", color=color, linewidth=0.8)
        if not dashed:
            axes.fill_between(x, np.clip(y - half, 0, 1), np.clip(y + half, 0, 1), step="post", color=color, alpha=0.25, linewidth=0)
    if not legend:
        axes.get_legend().remove()
    return figure


def test_confidence_bands_are_no_curves() -> None:
    (read,) = read_image(pixels(banded(dashed=False, legend=True)))
    assert [s.name for s in read.record.series] == ["Placebo", "Drug"]
    for name in CURVES:
        assert error(named(read.record, name), name) < 0.006


def test_bands_do_not_hide_curves_that_nothing_names() -> None:
    (read,) = read_image(pixels(banded(dashed=False, legend=False)))
    assert len(read.record.series) == 2
    assert sorted(min(error(s, name) for s in read.record.series) < 0.006 for name in CURVES) == [True, True]


def test_limits_drawn_as_curves_are_told_from_arms(tmp_path: Path) -> None:
    banded(dashed=True, legend=True).savefig(tmp_path / "curves.pdf")
    (panel,) = digitize_file(tmp_path / "curves.pdf").record.panels
    assert [s.name for s in panel.series[:2]] == ["Placebo", "Drug"]
    assert {s.name for s in panel.series[2:]} == {f"{name}: {side} limit" for name in CURVES for side in ("upper", "lower")}
    for name in CURVES:
        assert error(named(panel, name), name) < 0.001


def test_three_arms_in_one_colour_are_no_limits(tmp_path: Path) -> None:
    figure = drawn(["Placebo"])
    for seed, rate in ((6, 0.02), (7, 0.3)):
        figure.axes[0].step(*curve(seed, rate), "--", where="post", color="tab:blue")
    figure.savefig(tmp_path / "curves.pdf")
    (panel,) = digitize_file(tmp_path / "curves.pdf").record.panels
    assert [s.marker for s in panel.series] == ["step"] * 3


@pytest.mark.parametrize("covered", [(0.6, 7.0), (3.0, 10.0)])
def test_steps_that_something_covers_are_flagged(covered: tuple[float, float]) -> None:
    figure = drawn(["Placebo", "Drug"])
    figure.axes[0].add_patch(Rectangle((covered[0], 0.5), covered[1] - covered[0], 0.49, color="white", linewidth=0, zorder=5))
    (read,) = read_image(pixels(figure))
    for name in CURVES:
        x, y = CURVES[name]
        points = named(read.record, name).points
        times = np.array([p.x for p in points], dtype=float)
        off = np.abs(level_at(TIMES, times, np.array([p.y for p in points], dtype=float)) - level_at(TIMES, x, y)) > 0.03
        told = np.array([bool(p.flags) for p in points])
        following = np.searchsorted(times, TIMES, side="right").clip(max=len(points) - 1)
        assert (told[following] | told[following - 1])[off].all()


def test_paths_give_the_corners_exactly(tmp_path: Path) -> None:
    drawn(["Placebo", "Drug"]).savefig(tmp_path / "curves.pdf")
    (panel,) = digitize_file(tmp_path / "curves.pdf").record.panels
    assert panel.medium == "vector"
    for name in ("Placebo", "Drug"):
        series = named(panel, name)
        assert error(series, name) < 0.001
        assert len(series.points) == len(np.unique(CURVES[name][0]))


def test_crowded_steps_that_a_program_drew_into_one_leave_a_curve(tmp_path: Path) -> None:
    """Programs thin out their paths: steps closer than a ninth of a point become one stroke that leans a little."""
    x, y = curve(5, 0.09, 250)
    figure = Figure(figsize=(4.8, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    (line,) = axes.step(x, y, where="post")
    assert len(line.get_path().cleaned(simplify=True).vertices) < 2 * len(x)
    axes.set(xlim=(0, 24.5), ylim=(0, 1.02), xticks=range(0, 25, 6), yticks=np.linspace(0, 1, 6), xlabel="Months", ylabel="Survival")
    figure.savefig(tmp_path / "crowded.pdf")
    (panel,) = digitize_file(tmp_path / "crowded.pdf").record.panels
    (series,) = panel.series
    assert (panel.kind, panel.medium) == ("km", "vector")
    read = np.array([(p.x, p.y) for p in series.points], dtype=float)
    assert float(np.abs(level_at(TIMES, read[:, 0], read[:, 1]) - level_at(TIMES, x, y)).mean()) < 0.002


def test_a_curve_that_the_legend_does_not_name_is_read_too() -> None:
    figure = drawn(["Placebo", "Drug"])
    x, y = curve(9, 0.05)
    figure.axes[0].step(x, y, where="post", color="tab:green")
    (panel,) = read_image(pixels(figure))
    assert {"Drug", "Placebo"} < {s.name for s in panel.record.series}
    (other,) = [s for s in panel.record.series if s.name not in ("Drug", "Placebo")]
    read = np.array([(p.x, p.y) for p in other.points], dtype=float)
    assert float(np.abs(level_at(TIMES, read[:, 0], read[:, 1]) - level_at(TIMES, x, y)).mean()) < 0.005


def test_a_black_curve_beside_a_coloured_one_is_read_as_the_legend_s_keys_are() -> None:
    figure = drawn(["Placebo", "Drug"])
    for line, key, color in zip(figure.axes[0].lines, figure.axes[0].get_legend().legend_handles, ("black", "tab:red"), strict=True):  # type: ignore[union-attr]
        line.set_color(color)
        key.set_color("black")  # type: ignore[union-attr]  # as a legend whose colours are lost
    (panel,) = read_image(pixels(figure))
    assert len(panel.record.series) == 2


def test_lines_that_slope_and_lines_with_markers_are_no_survival_curves() -> None:
    for marker in ("", "o"):
        figure = Figure(figsize=(4.8, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.plot([0, 6, 12, 18, 24], [100, 80, 65, 60, 40], marker=marker)
        axes.set(xlim=(0, 24.5), ylim=(0, 102), xticks=range(0, 25, 6), yticks=range(0, 101, 20), ylabel="% of baseline")
        for read in read_image(pixels(figure)):
            assert read.record.kind != "km"


def two_greys(shades: tuple[str, ...]) -> Figure:
    """The curves in greys, without a legend."""
    figure = Figure(figsize=(4.8, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for (x, y), shade in zip(CURVES.values(), shades, strict=False):
        axes.step(x, y, where="post", color=shade)
    axes.set(xlim=(0, 24.5), ylim=(0, 1.02), xticks=range(0, 25, 6), xlabel="Months", ylabel="Survival", yticks=np.linspace(0, 1, 6))
    axes.grid(color="0.9")
    return figure


@pytest.mark.parametrize("dpi", [100, 130, 220])
def test_a_curve_of_another_grey_is_read_as_a_second_curve(dpi: int) -> None:
    stream = io.BytesIO()
    two_greys(("black", "#555555")).savefig(stream, format="png", dpi=dpi)
    (read,) = read_image(np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8))
    assert read.record.kind == "km"
    dark, light = read.record.series
    assert int(dark.color[1:3], 16) < int(light.color[1:3], 16)
    assert [error(dark, "Placebo") < 0.006, error(light, "Drug") < 0.006] == [True, True]
    assert [p.flags for s in read.record.series for p in s.points if "curve_missing" in p.flags] == []


def test_curves_of_two_greys_that_cross_are_not_exchanged() -> None:
    figure = Figure(figsize=(4.8, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    x, early = curve(5, 0.09)
    late_x, late = [0, 6, 9, 11, 12, 13, 15, 17, 20, 24], [1, 0.95, 0.8, 0.7, 0.5, 0.4, 0.25, 0.12, 0.05, 0.05]
    axes.step(x, early, where="post", color="black")
    axes.step(late_x, late, where="post", color="#666666")
    axes.set(xlim=(0, 24.5), ylim=(0, 1.02), xticks=range(0, 25, 6), xlabel="Months", ylabel="Survival", yticks=np.linspace(0, 1, 6))
    (read,) = read_image(pixels(figure))
    dark, light = read.record.series
    for series, (a, b) in ((dark, (x, early)), (light, (np.array(late_x), np.array(late)))):
        found = np.array([(p.x, p.y) for p in series.points], dtype=float)
        # As the best automatic reader of the literature; where the two cover each other a step may be placed late.
        assert np.mean(np.abs(level_at(TIMES, found[:, 0], found[:, 1]) - level_at(TIMES, a, b))) < 0.012


def test_a_key_that_a_curve_crosses_has_the_colour_of_its_level_stroke() -> None:
    image = np.full((40, 80, 3), 255, dtype=np.uint8)
    for start in range(12, 60, 12):  # dashes
        image[20:22, start : start + 8] = (255, 127, 14)
    image[:, 14:17] = 0  # an axis
    image[5:30, 40:43] = (31, 119, 180)  # a curve that falls
    panel = cast(Panel, SimpleNamespace(image=image))
    entry = LegendEntry("Drug", (62, 16, 78, 26), (10, 14, 60, 28))
    assert key_color(panel, entry, np.full(3, 255, dtype=np.float32)) == (255, 127, 14)


def test_where_no_curve_is_left_none_is_missed() -> None:
    (read,) = read_image(pixels(two_greys(("black",))))
    assert [p.flags for s in read.record.series for p in s.points if "curve_missing" in p.flags] == []
