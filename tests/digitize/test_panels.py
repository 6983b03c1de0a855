"""Which axes make a panel, and what stands along its x axis."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import numpy as np
import PIL.Image
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calibration import CategoryAxis
from digitize.axes import Axis
from digitize.categories import Categories, find_categories, x_title, y_title
from digitize.ocr import TextBox
from digitize.panels import Panel, _axis_below
from digitize.read import read_image
from tests.digitize.drawings import draw, read_panels


def box(text: str, x: float, y: float, *, turned: bool = False, wide: float = 20.0) -> TextBox:
    half = (6.0, wide / 2) if turned else (wide / 2, 6.0)
    return TextBox((x - half[0], y - half[1], x + half[0], y + half[1]), 90 if turned else 0, text, 0.99, "", 0.0, 12.0)


def grid(rows: int, columns: int, **shared: bool) -> NDArray[np.uint8]:
    """Panels in rows and columns, each with points and limits of its own where they are not shared."""
    figure = Figure(figsize=(2.6 * columns, 2.2 * rows), dpi=150)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **shared)
    for k, ax in enumerate(axes.ravel()):
        ax.plot([0, 1, 2, 3], [1, 3 + 0.2 * k, 2, 4], "o-", markersize=4)
        ax.set_xlim(-0.2, 3.4)
        ax.set_ylim(0, 5 if shared else 5 + 2 * k)
        ax.set_title("ABCDEFGH"[k], loc="left", fontsize=10)
    figure.tight_layout()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


@pytest.mark.parametrize(("rows", "columns"), [(1, 2), (2, 1), (2, 2), (2, 3)])
def test_every_panel_of_a_grid_is_found(rows: int, columns: int) -> None:
    panels, _ = read_panels(grid(rows, columns))
    assert len(panels) == rows * columns
    for k, panel in enumerate(panels):
        top = panel.y.calibration.to_value(float(panel.box[1]))
        # The top of the box lies a few pixels of some 200 under the frame.
        assert top == pytest.approx(5 + 2 * k, rel=0.05)
        assert isinstance(panel.x, Axis)


def test_a_zero_line_above_the_foot_of_a_plot_does_not_end_it() -> None:
    """It was taken for the line that parts the plot from the one below, and what is drawn beneath it was lost."""
    figure = Figure(figsize=(3, 5), dpi=150)
    canvas = FigureCanvasAgg(figure)
    for ax in figure.subplots(2, 1):
        ax.plot([0, 1, 2, 3], [-1, 3, -0.5, 4], "o", color="black", markersize=4)
        ax.axhline(0, color="black", linewidth=0.8)
        ax.set(xlim=(-0.2, 3.4), ylim=(-1.5, 5), yticks=range(6))
    canvas.draw()
    panels, _ = read_panels(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    assert len(panels) == 2
    for panel in panels:
        assert panel.y.calibration.to_value(float(panel.box[3])) == pytest.approx(-1.5, abs=0.15)  # 5 px inside the frame at most


def test_panels_share_the_labels_at_the_left_and_at_the_bottom() -> None:
    panels, _ = read_panels(grid(2, 2, sharex=True, sharey=True))
    below = [p for p in panels if p.box[1] > 150]
    assert len(below) == 2
    for panel in panels:
        assert panel.y.calibration.to_value(float(panel.box[3])) == pytest.approx(0.0, abs=0.15)
        assert isinstance(panel.x, Axis)


def test_framed_plots_with_a_wall_in_common_share_the_axis_at_the_left() -> None:
    figure = Figure(figsize=(7.5, 2.6), dpi=150)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3, sharey=True, gridspec_kw={"wspace": 0.0})
    for k, ax in enumerate(axes):
        ax.bar(["N0", "N25", "N50"], [2 + k, 3, 4 + 0.3 * k], 0.5, color="0.4", edgecolor="black")
        ax.set_ylim(0, 8)
        ax.tick_params(axis="y", length=3 if k == 0 else 0)
    canvas.draw()
    panels, _ = read_panels(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    assert ["shared_axis" in p.flags for p in panels] == [False, True, True]
    walls = [ax.get_window_extent().x0 for ax in axes]
    for panel, wall in zip(panels, walls, strict=True):
        assert panel.box[0] == pytest.approx(wall, abs=5)
        assert panel.y.calibration.to_value(float(panel.box[3])) == pytest.approx(0.0, abs=0.15)
        assert isinstance(panel.x, Categories)
        assert panel.x.axis.names == ("N0", "N25", "N50")


def test_bars_as_high_as_the_plot_are_no_walls() -> None:
    def bars(ax: Axes) -> None:
        ax.lines[0].remove()
        ax.bar([1, 2, 6, 8], np.array([1.0, 0.5, 0.4, 1.0]) * ax.get_ylim()[1], 1.0, facecolor="white", edgecolor="black")
        ax.set_xticks([1, 2, 6, 8], ["A", "B", "C", "D"])

    for style in ("L", "frame"):
        panel = only(draw(4, "plain", "pdf", dpi=150, style=style, dress=bars).image)
        assert isinstance(panel.x, Categories)
        assert len(panel.x.boxes) == 4


@pytest.mark.parametrize("text", ["8,00010,000", "2,000 4,000", "2e-053e-05"])
def test_numbers_that_touch_are_no_names(text: str) -> None:
    names = find_categories([box("0", 40, 110), box(text, 100, 110, wide=60)], (20, 10, 200, 100), 12.0)
    assert names is not None
    assert names.run_together


@pytest.mark.parametrize("text", ["1,000", "0-10", "1989-90", "10 20 mg", "2019-03", "100000", "12/05", "-1000"])
def test_one_number_a_range_or_a_date_is_a_name(text: str) -> None:
    names = find_categories([box("0", 40, 110), box(text, 100, 110, wide=60)], (20, 10, 200, 100), 12.0)
    assert names is not None
    assert not names.run_together


def test_two_numbers_of_a_row_of_names_are_no_axis() -> None:
    def years(ax: Axes) -> None:
        ax.lines[0].remove()
        ax.bar([1, 3, 5, 7, 9], np.array([0.3, 0.6, 0.4, 0.7, 0.5]) * ax.get_ylim()[1], 1.0, color="0.6")
        ax.set_xticks([1, 3, 5, 7, 9], ["89", "90", "89", "90", "90"])

    drawing = draw(4, "plain", "pdf", dpi=150, style="L", dress=years)
    panel = only(drawing.image)
    assert isinstance(panel.x, Categories)
    assert panel.x.axis.names == ("89", "90", "89", "90", "90")
    assert panel.box[2] > drawing.places_px[-5, 0]


def test_a_label_of_the_upright_axis_and_a_tick_read_as_a_number_are_no_row() -> None:
    own = [box(t, 30, y) for t, y in (("5", 20.0), ("0", 120.0), ("-5", 220.0))]
    tick = box("1", 150, 221)
    numbers = [box(t, x, 240) for t, x in (("0", 60.0), ("5", 150.0), ("10", 240.0))]

    def axis(boxes: list[TextBox], side: str, span: tuple[float, float], edge: float) -> Axis:
        marks = SimpleNamespace(axis_at=50.0, axis_line=None)
        found = SimpleNamespace(
            boxes=tuple(boxes), n_used=len(boxes), side=SimpleNamespace(name=side), span_px=span, inner_edge=edge, marks=marks
        )
        return cast(Axis, found)

    upright = axis(own, "left", (20.0, 220.0), 40.0)
    borrowed, row = axis([own[2], tick], "bottom", (30.0, 150.0), 214.0), axis(numbers, "bottom", (60.0, 240.0), 234.0)
    assert _axis_below(upright, [borrowed, row]) is row
    assert _axis_below(upright, [borrowed]) is borrowed


def named(names: list[str], *, rotation: float = 0.0) -> Callable[[Axes], None]:
    def dress(ax: Axes) -> None:
        ax.set_xticks(np.linspace(1.0, 9.5, len(names)), names, rotation=rotation)

    return dress


def only(image: NDArray[np.uint8]) -> Panel:
    panels, _ = read_panels(image)
    assert len(panels) == 1
    return panels[0]


@pytest.mark.parametrize("rotation", [0.0, 90.0])
def test_names_along_the_x_axis(rotation: float) -> None:
    panel = only(draw(3, "plain", "pdf", dpi=200, style="L", dress=named(["Drug", "Placebo", "None"], rotation=rotation)).image)
    assert isinstance(panel.x, Categories)
    assert panel.x.axis.names == ("Drug", "Placebo", "None")


def test_dates_are_names_and_are_called_dates() -> None:
    panel = only(draw(3, "plain", "pdf", dpi=200, style="L", dress=named(["Jan 2004", "Jun 2004", "Jan 2005"])).image)
    assert isinstance(panel.x, Categories)
    assert panel.x.are_dates


@pytest.mark.parametrize(
    ("names", "are_dates"),
    [
        (("2004-01-31", "2004-02-28"), True),
        (("12:30", "13:00"), True),
        (("AUG-01", "FEB-02"), True),
        (("Q1 2004", "Q2 2004"), True),
        (("Marker", "Juniper"), False),
        (("1", "7"), False),
    ],
)
def test_what_counts_as_a_date(names: tuple[str, ...], are_dates: bool) -> None:
    found = find_categories([box(n, 60.0 + 60 * k, 115.0) for k, n in enumerate(names)], (20, 10, 200, 100), 12.0)
    assert found is not None
    assert found.are_dates == are_dates


def test_names_that_repeat_take_their_headings() -> None:
    row = [box(name, x, 115.0) for name, x in (("A", 40), ("B", 80), ("A", 140), ("B", 180))]
    heads = [box("wet", 60.0, 135.0), box("dry", 160.0, 135.0)]
    found = find_categories([*heads, *row], (20, 10, 200, 100), 12.0)
    assert found is not None
    assert found.axis.names == ("wet A", "wet B", "dry A", "dry B")


def test_no_names_under_a_plot() -> None:
    assert find_categories([box("far", 60.0, 300.0)], (20, 10, 200, 100), 12.0) is None


def test_titles_are_put_together_line_by_line() -> None:
    texts = [box("of pain", 12.0, 40.0, turned=True), box("Intensity", 12.0, 70.0, turned=True), box("(VAS)", 30.0, 55.0, turned=True)]
    assert y_title(texts, (70, 10, 200, 100), 50.0, 12.0) == "Intensity of pain (VAS)"
    under = [box("Time", 90.0, 140.0), box("(min)", 114.0, 140.0), box("far", 20.0, 400.0)]
    assert x_title(under, (20, 10, 200, 100), 120.0, 12.0) == "Time (min)"
    assert x_title([], (20, 10, 200, 100), 120.0, 12.0) == ""


def test_plots_framed_beside_one_another_share_the_labels_at_their_left() -> None:
    figure = Figure(figsize=(6, 3), layout="constrained")
    FigureCanvasAgg(figure)
    for k, axes in enumerate(figure.subplots(1, 2, sharey=True)):
        axes.bar(["Pre", "Post"], [4.0 + k, 6.0 + k], width=0.5, color="0.6", edgecolor="black")
        axes.set_ylim(0, 10)
        axes.tick_params(left=k == 0)
    stream = io.BytesIO()
    figure.savefig(stream, dpi=150)
    image = np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8)
    records = [panel.record for panel in read_image(image)]
    # Half a per cent of the 0-10 axis is two pixels of this drawing.
    tops = [[p.y for s in r.series for p in s.points] for r in records]
    assert tops == [pytest.approx([4.0, 6.0], abs=0.05), pytest.approx([5.0, 7.0], abs=0.05)]


@pytest.mark.parametrize(("names", "in_no_order"), [("0 S 5 15 10", True), ("0 10 30 100", False), ("A B 2 1", False)])
def test_numbers_in_no_order_are_no_names(names: str, in_no_order: bool) -> None:
    texts = names.split()
    axis = CategoryAxis(tuple(texts), tuple(30.0 * k for k in range(len(texts))))
    assert Categories(axis, tuple(box(t, 30.0 * k, 5) for k, t in enumerate(texts))).run_together == in_no_order


def test_bars_without_a_line_beneath_them_do_not_end_the_plot() -> None:
    """The axes are drawn by their ticks alone, the bars' sides and feet stand for the axis line; a long error bar is no wall."""
    figure = Figure(figsize=(5, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bar([0.8, 1.2, 1.8, 2.2, 2.8, 3.2], [0.49, 0.5, 0.35, 0.59, 0.52, 0.39], 0.34, color=["#77aadd", "#ee77aa"] * 3, edgecolor="black")
    axes.errorbar([1.2, 2.2], [0.5, 0.59], yerr=[[0.5, 0.59], [0.05, 0.11]], fmt="none", ecolor="black")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set(ylim=(0, 0.8), xlim=(0.4, 3.6), yticks=np.arange(0, 0.9, 0.1), xticks=[1, 2, 3], xticklabels=["Control", "Drug A", "Drug B"])
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    (read,) = read_image(np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8))
    assert isinstance(read.panel.x, Categories)
    assert read.panel.x.axis.names == ("Control", "Drug A", "Drug B")
