"""Scatter plots: every marker of a drawing with known points, from pixels and from paths."""

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
from numpy.typing import NDArray

from digitize import digitize_file
from digitize.kinds import _points
from digitize.legend import LegendEntry
from digitize.looks import Looks
from digitize.painting import Pen, Placed
from digitize.panels import Panel
from digitize.pens import SeenSeries
from digitize.read import read_image
from digitize.record import PanelRecord
from digitize.refine import Fit
from digitize.scatter import _not_twice, _with_keys_flagged, _without_keys, n_hidden
from digitize.series import Mark, Place, Series
from digitize.shapes import CIRCLE

X = np.array([1.0, 2.2, 2.5, 4.1, 5.3, 5.4, 6.8, 7.9, 8.3, 9.1])
Y = np.array([2.0, 3.1, 3.4, 1.2, 6.0, 6.5, 4.4, 8.2, 8.0, 5.5])
STYLES = [("o", "full"), ("s", "none"), ("^", "none"), ("D", "full")]


def figure_of(groups: int, marker: str, fill: str) -> Figure:
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for k in range(groups):
        color = ("black", "tab:red", "tab:blue")[k]
        x, y = X, Y if k == 0 else (Y + 2.7 * k) % 9 + 0.4
        axes.plot(x, y, marker, fillstyle=fill, color=color, markersize=8, label=f"Group {'ABC'[k]}")
    axes.set(xlim=(0, 10), ylim=(0, 10), xticks=range(0, 11, 2), yticks=range(0, 11, 2), xlabel="Dose (mg)", ylabel="Score")
    if groups > 1:
        axes.legend(loc="upper left", frameon=False)
    return figure


def pixels(figure: Figure) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    return np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8)


def assert_points(panel: PanelRecord, name: str, y: NDArray[np.float64], within: float) -> None:
    series = next(s for s in panel.series if s.name == name)
    found = np.array([(p.x, p.y) for p in series.points], dtype=float)
    assert len(found) == len(X)
    np.testing.assert_allclose(found, np.stack([X, y], axis=1), atol=within)


@pytest.mark.parametrize(("marker", "fill"), STYLES)
def test_every_marker_is_read_also_those_over_one_another(marker: str, fill: str) -> None:
    (read,) = read_image(pixels(figure_of(1, marker, fill)))
    assert read.record.kind == "scatter"
    # Markers and ticks stand on whole pixels: each is off by up to half of one, together 0.02. And programs do not agree where in a
    # triangle the data point lies: a sixth of its height, here 0.07.
    assert_points(read.record, "Series 1", Y, 0.1 if marker == "^" else 0.03)


def test_groups_are_named_by_their_keys_and_a_key_is_no_point() -> None:
    (read,) = read_image(pixels(figure_of(2, "o", "full")))
    assert read.record.kind == "scatter"
    assert_points(read.record, "Group A", Y, 0.03)
    assert_points(read.record, "Group B", (Y + 2.7) % 9 + 0.4, 0.03)


def test_paths_give_the_points_exactly(tmp_path: Path) -> None:
    figure_of(2, "s", "full").savefig(tmp_path / "figure.pdf")
    (panel,) = digitize_file(tmp_path / "figure.pdf").record.panels
    assert (panel.kind, panel.medium) == ("scatter", "vector")
    assert_points(panel, "Group A", Y, 0.002)  # a PDF's coordinates have three decimals or more of a point; the axis has some 200


def test_the_uncertainty_of_single_markers_covers_the_truth() -> None:
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(8):
        x, y = rng.uniform(0.5, 9.5, (2, 25))
        figure = Figure(figsize=(4.5, 3.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.scatter(x, y, s=40, color="tab:green")
        axes.set(xlim=(0, 10), ylim=(0, 10), xticks=range(0, 11, 2), yticks=range(0, 11, 2))
        (read,) = read_image(pixels(figure))
        for p in read.record.series[0].points:
            k = int(np.hypot(x - float(p.x or 0), y - float(p.y or 0)).argmin())
            if not p.flags and p.u_x and p.u_y:
                inside += [abs(float(p.x or 0) - x[k]) < 1.96 * p.u_x, abs(float(p.y or 0) - y[k]) < 1.96 * p.u_y]
    # 95 % of about 350 is 333 with a standard deviation of 4; an interval that covers more is wide, one that covers less is false.
    assert len(inside) > 250
    assert np.mean(inside) > 0.91


def test_what_is_made_of_a_key_beside_its_name_is_no_point() -> None:
    """The largest piece of a key is the key, also where a small one lies nearer to its name's line; a whole marker beside it stays."""
    pen = Pen(CIRCLE, 5.0, 1.0, np.zeros(3, dtype=np.float32))
    panel = SimpleNamespace(box=(100, 50, 400, 300), height=12.0)
    entry = LegendEntry("Group B", (240, 68, 300, 84), (220, 68, 230, 78))
    key, piece = Placed(0, 125.0, 23.0, 0.86, 0.9), Placed(0, 125.7, 25.5, 0.12, 1.4)
    point, hidden_point = Placed(0, 121.0, 24.0, 0.7, 1.0), Placed(0, 140.0, 40.0, 0.2, 1.0)
    kept = _without_keys([point, key, piece, hidden_point], [pen], cast(Panel, panel), [entry])
    assert kept == [point, hidden_point]


def test_the_keys_of_a_legend_stand_above_one_another() -> None:
    """A point beside a key, as near to where that was seen, is none where the other key stands above it."""
    pen = Pen(CIRCLE, 5.0, 0.0, np.zeros(3, dtype=np.float32))
    panel = SimpleNamespace(box=(0, 0, 400, 300), height=12.0)
    entries = [LegendEntry("Drug", (40, 44, 100, 56), (110, 44, 132, 56)), LegendEntry("Placebo", (40, 64, 100, 76), (121, 65, 131, 75))]
    point, keys = Placed(0, 114.0, 47.0, 1.0, 1.0), [Placed(0, 126.0, 50.0, 1.0, 1.0), Placed(0, 126.0, 70.0, 1.0, 1.0)]
    assert _without_keys([point, *keys], [pen], cast(Panel, panel), entries) == [point]


@pytest.mark.parametrize("count", [400, 800])
def test_how_many_markers_are_hidden_is_estimated(count: int) -> None:
    """Of a cloud those that lie within three quarters of a half-size of one before them are hidden, and counted to within a third."""
    rng = np.random.default_rng(count)
    errors = []
    for _ in range(20):
        cloud, seen, size = rng.normal(0, (70, 50), (count, 2)), [], 4.0
        for place in cloud:
            if all(np.hypot(*(place - other)) > 0.75 * size for other in seen):
                seen.append(place)
        errors.append(n_hidden(np.array(seen), size) / (count - len(seen)) - 1)
    assert abs(float(np.mean(errors))) < 0.33


def test_nothing_is_hidden_where_all_stand_apart_or_are_few() -> None:
    grid = np.stack(np.meshgrid(np.arange(10) * 20.0, np.arange(10) * 20.0), axis=-1).reshape(-1, 2)
    assert n_hidden(grid, 4.0) == 0
    assert n_hidden(np.zeros((0, 2)), 0.0) == 0
    assert n_hidden(np.array([(0.0, 0.0), (8.0, 0.0), (16.0, 0.0)]), 4.0) == 0


def test_a_crowd_is_no_error_bar_plot_and_says_how_many_it_hides() -> None:
    """Strokes seem to run between markers that overlap: half of this cloud was read as markers with error bars, and the rest was lost."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(50, 18, 200), rng.normal(50, 15, 200)
    figure = Figure(figsize=(4, 3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(x, y, s=14, color="black")
    axes.set(xlim=(-20, 120), ylim=(-20, 120), xticks=range(0, 101, 20), yticks=range(0, 101, 20))
    (read,) = read_image(pixels(figure))
    assert read.record.kind == "scatter"
    found = sum(len(s.points) for s in read.record.series)
    assert 150 <= found <= 200
    assert abs(found + (read.record.model_extra or {})["hidden_points"] - 200) < 25


@pytest.mark.parametrize("flag", ["end_inferred", "mirrored"])
@pytest.mark.parametrize(("reach", "kind"), [(8.0, "scatter"), (30.0, "errorbar")])
def test_inferred_ends_as_near_as_an_outline_make_no_error_bar_plot(reach: float, kind: str, flag: str) -> None:
    places = [(20.0 * k, 100.0 + k) for k in range(10)]
    marks = tuple(Mark(Place(x, 0.1), Place(y, 0.1), y_hi=Place(y - reach, 0.5), flags=(flag,)) for x, y in places)
    assert _points((Series("A", "#000000", "triangle-open", marks),), None, "raster", height=12.0).kind == kind


@pytest.mark.parametrize(
    ("count", "apart", "clear", "kind"),
    [(30, 20.0, 0, "scatter"), (30, 20.0, 1, "errorbar"), (12, 20.0, 0, "errorbar"), (30, 1.0, 0, "errorbar")],
)
def test_many_markers_of_which_no_error_bar_is_clear_are_a_cloud(count: int, apart: float, clear: int, kind: str) -> None:
    """Few may all be doubted by chance, and those of several series that share their columns hide one another."""
    marks = tuple(
        Mark(Place(apart * k, 0.1), Place(100.0 + k, 0.1), y_hi=Place(50.0, 0.5), flags=() if k < clear else ("mirrored",))
        for k in range(count)
    )
    found = _points((Series("A", "#000000", "diamond", marks),), None, "raster", height=12.0)
    assert found.kind == kind
    assert found.flags == (("error_bars_unread",) if kind == "scatter" else ())


@pytest.mark.parametrize(("shift", "kind"), [(0.0, "errorbar"), (4.0, "errorbar"), (35.0, "scatter")])
def test_doubtful_bars_at_the_same_times_in_every_series_are_error_bars(shift: float, kind: str) -> None:
    """Bars of one ink at one time all hide one another; such plots were read as scatter plots."""

    def series(name: str, off: float) -> Series:
        ends = ("end_doubtful",)
        marks = (Mark(Place(100.0 * k + off, 0.1), Place(80.0 + k, 0.1), y_hi=Place(30.0, 1.0), flags=ends) for k in range(4))
        return Series(name, "#000000", "circle", tuple(marks))

    marks = _points((series("A", 0.0), series("B", shift)), None, "raster", height=12.0)
    assert marks.kind == kind
    assert ("error_bars_unread" in marks.flags) is (kind == "scatter")


@pytest.mark.parametrize(("coinciding", "left"), [(4, 1), (2, 5)])
def test_a_series_that_is_a_second_look_at_the_markers_of_another_is_left_out(coinciding: int, left: int) -> None:
    pen = Pen(CIRCLE, 5.0, 0.0, np.zeros(3, np.float32))
    placed = [Placed(0, 20.0 * k, 50.0, 1.0, 1.0) for k in range(5)]
    fits = tuple(Fit(20.0 * k + 0.4, 50.3 if k < coinciding else 80.0, 5.0, 0.0, np.inf) for k in range(5))
    look = Looks(0, "cross", 1.0, (0, 0, 0))
    assert len(_not_twice(SeenSeries(look, fits, None), placed, [pen]).fits) == left


def test_marks_in_line_with_every_name_of_a_legend_may_be_its_keys() -> None:
    # The keys stand right of the names; the frame, left of them, was taken for keys.
    names = (("Low dose", 40.0), ("High dose", 80.0))
    legend = [LegendEntry(name, (100.0, y, 180.0, y + 20), (60.0, y, 70.0, y + 20)) for name, y in names]

    def marks(*places: tuple[float, float]) -> Series:
        return Series("", "#000000", "circle", tuple(Mark(Place(x, 0.1), Place(y, 0.1)) for x, y in places))

    first, second = marks((220.0, 50.5), (300.0, 51.0), (150.0, 200.0)), marks((221.0, 89.0), (340.0, 140.0))
    found = _with_keys_flagged([first, second], legend, 20.0)
    assert [[m.flags for m in s.marks] for s in found] == [[("legend_key",), (), ()], [("legend_key",), ()]]
    assert _with_keys_flagged([first], legend[:1], 20.0) == [first]
    # Below the one key that was found there may be one whose name was overlooked.
    (below,) = _with_keys_flagged([marks((65.0, 85.0), (65.0, 150.0))], legend[:1], 20.0)
    assert [m.flags for m in below.marks] == [("legend_key",), ()]
    # Of two keys one was found; the other is hidden by a data point.
    (left,) = _with_keys_flagged([marks((64.0, 92.0), (60.0, 200.0))], legend, 20.0)
    assert [m.flags for m in left.marks] == [("legend_key",), ()]
