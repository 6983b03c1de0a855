"""Kinds of plots: which are read, and why others are refused."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize.file import digitize_file
from digitize.kinds import READ_KINDS, read_marks
from digitize.read import ReadPanel, read_image

X = np.arange(0.0, 10.0)
Y = np.array([3.0, 6.1, 2.2, 7.4, 5.0, 4.1, 8.2, 3.3, 6.5, 5.5])
SOME = np.array([1.0, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan])


def image(*, error: NDArray[np.float64] | None = None, bars: bool = False) -> NDArray[np.uint8]:
    figure = Figure(figsize=(4, 3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if bars:
        axes.bar(X[::2], Y[::2], yerr=0.8, capsize=3, color="0.6", edgecolor="black")
    else:
        axes.errorbar(X, Y, yerr=error, fmt="o", color="black", capsize=3)
    axes.set(xlim=(-1, 10), ylim=(0, 10), xticks=range(0, 10, 2), yticks=range(0, 11, 2))
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    return np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8)


def only(panels: tuple[ReadPanel, ...]) -> ReadPanel:
    assert len(panels) == 1
    return panels[0]


@pytest.fixture(scope="module")
def scatter() -> ReadPanel:
    return only(read_image(image()))


@pytest.fixture(scope="module")
def bars() -> ReadPanel:
    return only(read_image(image(bars=True)))


def test_markers_that_no_stroke_joins_are_no_lines(scatter: ReadPanel) -> None:
    marks = read_marks(scatter.panel, (), "line")
    assert (marks.kind, marks.series) == ("line", ())
    assert marks.refused == "no stroke that crosses the plot as a curve does was found"


@pytest.mark.parametrize("kind", ["nonsense", "unknown"])
def test_a_kind_that_is_not_read_is_refused_by_its_name(kind: str) -> None:
    with pytest.raises(ValueError, match=f"expected one of {', '.join(READ_KINDS)}, found '{kind}'"):
        digitize_file("any.png", kind=kind)


def test_markers_without_error_bars_are_a_scatter_plot(scatter: ReadPanel) -> None:
    assert scatter.record.kind == "scatter"
    assert [len(s.points) for s in scatter.record.series] == [len(X)]


def test_an_error_bar_among_ten_markers_does_not_make_an_error_bar_plot() -> None:
    record = only(read_image(image(error=SOME))).record
    assert record.kind == "scatter"
    assert [len(s.points) for s in record.series] == [len(X)]


def test_markers_without_error_bars_are_read_where_the_kind_is_given(scatter: ReadPanel) -> None:
    marks = read_marks(scatter.panel, (), "errorbar")
    assert marks.kind == "errorbar"
    assert marks.refused == ""
    assert sum(len(s.marks) for s in marks.series) == len(X)
    for mark in marks.series[0].marks:
        assert mark.y_lo is None
        assert mark.y_hi is None
        assert "error_bar_hidden" in mark.flags


def test_markers_with_error_bars_are_an_error_bar_plot() -> None:
    record = only(read_image(image(error=np.full(10, 0.9)))).record
    assert record.kind == "errorbar"
    assert record.refused == ""
    assert len(record.series[0].points) == len(X)


def test_bars_are_told_from_markers(bars: ReadPanel) -> None:
    assert bars.record.kind == "bar"
    assert sum(len(s.points) for s in bars.record.series) == 5


def test_bars_are_not_read_where_the_plot_is_said_to_hold_markers(bars: ReadPanel) -> None:
    marks = read_marks(bars.panel, (), "errorbar")
    assert marks.kind != "bar"


def test_a_plot_said_to_hold_bars_that_shows_none_is_refused(scatter: ReadPanel) -> None:
    marks = read_marks(scatter.panel, (), "bar")
    assert marks.series == ()
    assert marks.refused == "marks of kind bar were looked for, but none could be read"


def test_a_bar_without_an_error_bar_among_others_that_have_one_is_flagged() -> None:
    figure = Figure(figsize=(4, 3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bar(["A", "B", "C", "D", "E"], Y[:5], yerr=[0.8, 0.8, np.nan, 0.8, 0.8], capsize=3, color="0.6", edgecolor="black")
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2))
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    (series,) = only(read_image(np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8))).record.series
    assert ["error_bar_hidden" in p.flags for p in series.points] == [False, False, True, False, False]
