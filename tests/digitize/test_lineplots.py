"""Line plots off pixels: curves in colours and in dashes, read at given x, with what hides them said."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize.file import digitize_file
from digitize.read import read_image
from digitize.record import PanelRecord, SeriesRecord
from tests.digitize.papers import paper

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]
X = np.linspace(0, 60, 400)
AT = (0.0, 7.0, 15.0, 30.0, 45.0, 60.0)
MEASURED = np.array([0, 5, 10, 15, 30, 45, 60], dtype=float)
CLOSE = 0.5
"""Per cent of the axis of 0 to 100, a px and a half here: ticks lie on whole pixels, and so half a px off."""


def wave(x: Floats) -> Floats:
    return np.asarray(50 + 25 * np.sin(x / 9))


def decay(x: Floats) -> Floats:
    return np.asarray(15 + 70 * np.exp(-x / 25))


def rise(x: Floats) -> Floats:
    return np.asarray(30 + 0.7 * x)


def drawn(plot: Callable[[Axes], object]) -> Figure:
    figure = Figure(figsize=(5, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    plot(axes)
    axes.set(xlim=(-2, 62), ylim=(0, 100), xticks=range(0, 61, 15), yticks=range(0, 101, 20), xlabel="Time (min)", ylabel="Score")
    return figure


def pixels(figure: Figure, dpi: int = 120, quality: int | None = None) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    image = PIL.Image.open(stream).convert("RGB")
    if quality is not None:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        image = PIL.Image.open(stream)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def only(image: NDArray[np.uint8], *, kind: str | None = "line", at: tuple[float, ...] | None = AT) -> PanelRecord:
    (panel,) = read_image(image, kind=kind, at=at)
    return panel.record


def values(series: SeriesRecord) -> Floats:
    return np.array([np.nan if p.y is None else p.y for p in series.points], dtype=float)


def nearest(panel: PanelRecord, curve: Curve) -> SeriesRecord:
    return min(panel.series, key=lambda s: float(np.nanmean(np.abs(values(s) - curve(np.array(AT))))))


@pytest.mark.parametrize("dpi", [72, 120, 300])
@pytest.mark.parametrize("quality", [None, 60])
def test_coloured_curves_that_cross_are_read_at_given_x(dpi: int, quality: int | None) -> None:
    def plot(axes: Axes) -> None:
        axes.plot(X, wave(X), color="tab:blue", label="Drug")
        axes.plot(X, decay(X), color="tab:red", label="Placebo")
        axes.legend(frameon=False)

    panel = only(pixels(drawn(plot), dpi, quality))
    assert (panel.kind, panel.medium, {s.name for s in panel.series}) == ("line", "raster", {"Drug", "Placebo"})
    for series in panel.series:
        curve = wave if series.name == "Drug" else decay
        assert [p.x for p in series.points] == list(AT)
        assert np.abs(values(series) - curve(np.array(AT))).max() < (CLOSE if dpi > 100 else 2 * CLOSE)


def test_black_curves_are_told_apart_by_their_way_and_named_by_their_dashes() -> None:
    styles = {"Placebo": ("-", wave), "Drug": ("--", decay), "Sham": (":", rise)}

    def plot(axes: Axes) -> None:
        for name, (style, curve) in styles.items():
            axes.plot(X, curve(X), style, color="black", label=name, linewidth=1.3)
        axes.legend(frameon=False)

    panel = only(pixels(drawn(plot), 150))
    assert len(panel.series) == 3
    for name, (_, curve) in styles.items():
        series = nearest(panel, curve)
        assert series.name in (name, "Series 1", "Series 2", "Series 3")
        assert np.nanmax(np.abs(values(series) - curve(np.array(AT)))) < CLOSE
        assert np.isfinite(values(series)).sum() >= len(AT) - 1  # a curve may end in a gap between dashes


@pytest.mark.parametrize("quality", [None, 80])
def test_black_and_grey_curves_are_told_apart_by_their_shade(quality: int | None) -> None:
    curves = {"black": wave, "0.4": decay, "0.7": rise}
    figure = drawn(lambda axes: [axes.plot(X, curve(X), color=color) for color, curve in curves.items()])
    panel = only(pixels(figure, 150, quality))
    by_shade = sorted(panel.series, key=lambda s: s.color)
    assert len(by_shade) == 3
    for series, curve in zip(by_shade, curves.values(), strict=True):
        assert np.abs(values(series) - curve(np.array(AT))).max() < CLOSE


def test_measurements_joined_by_straight_lines_are_read_at_their_corners() -> None:
    levels = np.array([20, 80, 45, 70, 30, 60, 25], dtype=float)
    (series,) = only(pixels(drawn(lambda axes: axes.plot(MEASURED, levels, color="black", linewidth=2)), 150), at=tuple(MEASURED)).series
    # The middle of the ink lies inside a corner, by half a stroke (2 px, 0.5 here) and more.
    assert np.abs(values(series) - levels)[1:].max() < CLOSE


def test_a_figure_twice_as_large_gives_the_same_values() -> None:
    figure = drawn(lambda axes: [axes.plot(X, c(X), color=color) for c, color in ((wave, "tab:blue"), (decay, "black"))])
    small, large = (only(pixels(figure, dpi)) for dpi in (100, 200))
    for curve in (wave, decay):
        assert np.abs(values(nearest(small, curve)) - values(nearest(large, curve))).max() < CLOSE


def test_stated_uncertainties_cover_the_truth() -> None:
    """Of curves at 40 places about 95 % are to lie within 1.96 of their uncertainty; 85 % would fall to chance in one of 50 such tests."""
    covered = []
    places = tuple(np.linspace(1, 59, 40).tolist())
    for dpi in (90, 140):
        panel = only(pixels(drawn(lambda axes: axes.plot(X, wave(X), color="tab:green")), dpi), at=places)
        for point in panel.series[0].points:
            assert isinstance(point.x, float)
            assert isinstance(point.y, float)
            assert point.u_y is not None
            covered.append(abs(point.y - float(wave(np.array(point.x)))) <= 1.96 * point.u_y)
    assert np.mean(covered) > 0.85


def test_without_given_x_a_curve_has_its_ticks_ends_and_bends() -> None:
    levels = np.array([20, 80, 45, 70, 30, 60, 25], dtype=float)
    (series,) = only(pixels(drawn(lambda axes: axes.plot(MEASURED, levels, color="black"))), at=None).series
    x = np.array([p.x for p in series.points], dtype=float)
    assert (np.diff(x) > 0).all()
    for wanted in MEASURED:
        assert np.abs(x - wanted).min() < 0.5
    assert np.abs(np.interp(X[5:-5], x, values(series)) - np.interp(X[5:-5], MEASURED, levels)).max() < 3


def test_a_curve_has_no_value_where_it_does_not_run() -> None:
    x = np.linspace(10, 40, 200)
    (series,) = only(pixels(drawn(lambda axes: axes.plot(x, wave(x), color="black")))).series
    assert [p.y is None for p in series.points] == [True, True, False, False, True, True]
    assert [p.flags for p in series.points if p.y is None] == [("off_curve",)] * 4


def test_what_hides_a_curve_is_said() -> None:
    def plot(axes: Axes) -> None:
        axes.plot(X, decay(X), color="tab:red")
        axes.plot([30, 30], [0, 95], color="tab:blue", linewidth=9)

    panel = only(pixels(drawn(plot)), at=(20.0, 30.0))
    series = next(s for s in panel.series if s.color != "#1f77b4")
    assert "curve_hidden" not in series.points[0].flags
    assert "curve_hidden" in series.points[1].flags
    assert values(series)[1] == pytest.approx(float(decay(np.array(30.0))), abs=CLOSE)


def test_the_edges_of_a_band_are_its_limits() -> None:
    def plot(axes: Axes) -> None:
        axes.plot(X, wave(X), color="tab:blue")
        axes.fill_between(X, wave(X) - 6, wave(X) + 9, color="tab:blue", alpha=0.25, linewidth=0)

    (series,) = only(pixels(drawn(plot), 150), at=AT[1:-1]).series
    x = np.array(AT[1:-1])
    assert np.abs(values(series) - wave(x)).max() < CLOSE
    assert np.abs(np.array([p.y_lo for p in series.points], dtype=float) - wave(x) + 6).max() < 2 * CLOSE
    assert np.abs(np.array([p.y_hi for p in series.points], dtype=float) - wave(x) - 9).max() < 2 * CLOSE
    assert all(not p.flags for p in series.points)


def test_bands_over_one_another_are_said_to_be_unread() -> None:
    def plot(axes: Axes) -> None:
        for color, shift in (("tab:blue", 0), ("tab:red", 4)):
            axes.plot(X, wave(X) + shift, color=color)
            axes.fill_between(X, wave(X) + shift - 9, wave(X) + shift + 9, color=color, alpha=0.25, linewidth=0)

    for series in only(pixels(drawn(plot), 150), at=AT[1:-1]).series:
        for point in series.points:
            assert (point.y_lo is None) == ("band_unread" in point.flags)
            assert point.y_lo is None or abs(point.y - point.y_lo - 9) < 2 * CLOSE


def test_gridlines_are_no_curves() -> None:
    def plot(axes: Axes) -> None:
        axes.plot(X, wave(X), color="black")
        axes.grid(visible=True, color="0.8")

    (series,) = only(pixels(drawn(plot))).series
    assert np.abs(values(series) - wave(np.array(AT))).max() < CLOSE


def test_a_level_line_from_side_to_side_may_be_a_reference() -> None:
    def plot(axes: Axes) -> None:
        axes.plot(X, wave(X), color="tab:blue")
        axes.axhline(33, color="tab:red")

    panel = only(pixels(drawn(plot)))
    told = {s.color: {f for p in s.points for f in p.flags} for s in panel.series}
    assert [("level_line" in flags) for flags in told.values()].count(True) == 1


def test_strokes_with_caps_on_a_line_make_no_line_plot() -> None:
    figure = drawn(lambda axes: axes.errorbar(MEASURED, wave(MEASURED), yerr=9, color="black", capsize=4))
    panel = only(pixels(figure))
    assert (panel.kind, panel.series) == ("line", ())
    assert "as error bars do" in panel.refused
    assert only(pixels(figure), kind=None).kind != "line"


def test_curves_are_read_though_nobody_says_that_they_are() -> None:
    panel = only(pixels(drawn(lambda axes: [axes.plot(X, c(X)) for c in (wave, decay)])), kind=None)
    assert (panel.kind, len(panel.series)) == ("line", 2)


def test_x_outside_the_plot_are_refused_with_its_limits() -> None:
    panel = only(pixels(drawn(lambda axes: axes.plot(X, wave(X)))), at=(100.0, 120.0))
    assert panel.series == ()
    assert re.fullmatch(r"expected an x within the plot, -\d.* to 6\d.*, found 100, 120", panel.refused)


def test_names_along_x_are_no_numbers_to_read_curves_at() -> None:
    def plot(axes: Axes) -> None:
        axes.plot(X, wave(X))

    figure = drawn(plot)
    figure.axes[0].set_xticks(range(0, 61, 15), ["Base", "Early", "Middle", "Late", "End"])
    panel = only(pixels(figure))
    assert panel.series == ()
    assert "expected numbers along the x axis" in panel.refused


@pytest.mark.parametrize("at", [(), (float("nan"),), (0.0, float("inf"))])
def test_places_that_are_no_numbers_are_an_error(at: tuple[float, ...], tmp_path: Path) -> None:
    PIL.Image.fromarray(pixels(drawn(lambda axes: axes.plot(X, wave(X))))).save(tmp_path / "wave.png")
    with pytest.raises(ValueError, match="expected one finite x or more"):
        digitize_file(tmp_path / "wave.png", at=at)


def test_paths_are_read_at_given_x_between_their_vertices(tmp_path: Path) -> None:
    levels = np.array([20, 80, 45, 70, 30, 60, 25], dtype=float)
    figure = drawn(lambda axes: axes.plot(MEASURED, levels, color="black"))
    (panel,) = digitize_file(paper(tmp_path / "line.pdf", [figure]), at=(*AT, 61.5)).record.panels
    (series,) = panel.series
    assert panel.medium == "vector"
    assert values(series)[:-1] == pytest.approx(np.interp(AT, MEASURED, levels), abs=0.05)
    assert (series.points[-1].y, series.points[-1].flags) == (None, ("off_curve",))


def test_a_loop_has_two_values_at_an_x(tmp_path: Path) -> None:
    angle = np.linspace(0, 2 * np.pi, 200)
    figure = drawn(lambda axes: axes.plot(30 + 25 * np.cos(angle), 50 + 30 * np.sin(angle), color="black"))
    (panel,) = digitize_file(paper(tmp_path / "loop.pdf", [figure]), at=(30.0,)).record.panels
    (point,) = panel.series[0].points
    assert (point.y, point.flags) == (None, ("two_values",))


def test_dots_of_a_dotted_line_are_no_markers() -> None:
    panel = only(pixels(drawn(lambda axes: axes.plot(X, rise(X), ":", color="black", linewidth=2)), 100), kind=None)
    assert (panel.kind, len(panel.series)) == ("line", 1)
    read = values(panel.series[0])
    assert np.nanmax(np.abs(read - rise(np.array(AT)))) < CLOSE


def test_points_along_a_line_of_their_own_are_no_dotted_curve() -> None:
    x = np.linspace(2, 58, 40)
    panel = only(pixels(drawn(lambda axes: axes.plot(x, rise(x), "o", color="black", markersize=3)), 100), kind=None)
    assert (panel.kind, sum(len(s.points) for s in panel.series)) == ("scatter", 40)


def test_a_name_goes_to_the_curve_whose_dashes_its_key_has() -> None:
    def high(x: Floats) -> Floats:
        return np.asarray(95 - 0.2 * x)

    truth = {"Dotted": (":", wave), "Solid": ("-", decay), "Both": ("-.", rise), "Dashed": ("--", high)}

    def plot(axes: Axes) -> None:
        for name, (style, curve) in truth.items():
            axes.plot(X, curve(X), style, color="black", label=name)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))

    panel = only(pixels(drawn(plot), 200), at=(33.0,))
    assert {s.name for s in panel.series} == set(truth)
    for series in panel.series:
        assert values(series)[0] == pytest.approx(float(truth[series.name][1](np.array(33.0))), abs=CLOSE)
