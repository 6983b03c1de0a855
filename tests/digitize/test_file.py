"""Whole files: pages, records, overlays, what is written, and what is refused."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from digitize.file import NO_TEXT, NoPlotFound, Reading, digitize_file
from digitize.given import GivenAxis
from digitize.record import read_record

X = (0.0, 2.0, 4.0, 6.0, 8.0)
Y = (7.0, 6.2, 5.1, 4.4, 4.9)
ERROR = (1.1, 0.9, 1.3, 0.8, 1.2)
# Half a per cent of the axis: one pixel of the drawings below.
CLOSE = 0.05


def plot(y: tuple[float, ...] = Y, *, labels: bool = True) -> PIL.Image.Image:
    """A 480 x 360 plot of five markers with error bars on a 0-10 axis."""
    figure = Figure(figsize=(4, 3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.errorbar(X, y, yerr=ERROR, fmt="o-", color="black", capsize=3, linewidth=1)
    axes.set(xlim=(-1, 9), ylim=(0, 10), xticks=X, yticks=range(0, 11, 2))
    if not labels:
        axes.set_xticklabels([])
        axes.set_yticklabels([])
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    return PIL.Image.open(stream).convert("RGB")


@pytest.fixture(scope="module")
def png(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("png") / "trial one.png"
    plot().save(path)
    return path


@pytest.fixture(scope="module")
def read(png: Path) -> Reading:
    return digitize_file(png)


@pytest.fixture(scope="module")
def tiff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A figure, an empty page, another figure."""
    path = tmp_path_factory.mktemp("tiff") / "scan.tiff"
    lower = plot(tuple(y - 2 for y in Y))
    plot().save(path, save_all=True, append_images=[PIL.Image.new("RGB", (300, 200), "white"), lower])
    return path


def test_a_png_gives_its_one_panel(png: Path, read: Reading) -> None:
    record = read.record
    assert record.source.file == "trial one.png"
    assert record.source.sha256 == hashlib.sha256(png.read_bytes()).hexdigest()
    assert record.source.pages == (1,)
    (panel,) = record.panels
    assert (panel.id, panel.page, panel.kind, panel.medium) == ("p1-A", 1, "errorbar", "raster")
    (series,) = panel.series
    assert series.name == "Series 1"
    assert [p.x for p in series.points] == pytest.approx(list(X), abs=CLOSE)
    assert [p.y for p in series.points] == pytest.approx(list(Y), abs=CLOSE)
    assert [p.y_lo for p in series.points] == pytest.approx([y - e for y, e in zip(Y, ERROR, strict=True)], abs=CLOSE)


def test_pixels_of_the_record_are_those_of_the_image(png: Path, read: Reading) -> None:
    image = np.asarray(PIL.Image.open(png).convert("L"))
    (panel,) = read.record.panels
    for point in panel.series[0].points:
        x, y = (round(v) for v in point.px)
        assert image[y, x] < 60
    left, top, right, bottom = panel.bbox_px
    assert 0 < left < right < image.shape[1]
    assert 0 < top < bottom < image.shape[0]


def test_every_page_of_a_tiff_is_read_and_each_with_a_plot_has_an_overlay(tiff: Path) -> None:
    reading = digitize_file(tiff)
    assert reading.record.source.pages == (1, 2, 3)
    assert [(p.id, p.page) for p in reading.record.panels] == [("p1-A", 1), ("p3-A", 3)]
    first, last = (p.series[0].points for p in reading.record.panels)
    assert [p.y for p in first] == pytest.approx(list(Y), abs=CLOSE)
    assert [p.y for p in last] == pytest.approx([y - 2 for y in Y], abs=CLOSE)
    assert sorted(reading.overlays) == [1, 3]


def test_pages_can_be_chosen(tiff: Path) -> None:
    reading = digitize_file(tiff, pages=[3])
    assert reading.record.source.pages == (3,)
    assert [p.id for p in reading.record.panels] == ["p3-A"]


def test_saving_writes_record_table_and_overlays(read: Reading, tmp_path: Path) -> None:
    paths = Reading(read.record, {4: read.overlays[1], 1: read.overlays[1]}).save(tmp_path)
    assert [p.name for p in paths] == ["trial one.json", "trial one.csv", "trial one.png", "trial one-p4.png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in paths)
    assert read_record(paths[0]) == read.record
    table = pd.read_csv(paths[1])
    assert table["y"].tolist() == pytest.approx([p.y for p in read.record.panels[0].series[0].points])
    assert (np.asarray(PIL.Image.open(paths[2])) == read.overlays[1]).all()


def test_the_overlay_shows_the_page_and_what_was_found(png: Path, read: Reading) -> None:
    overlay = read.overlays[1]
    height, width = np.asarray(PIL.Image.open(png)).shape[:2]
    zoom = overlay.shape[0] // height
    assert overlay.shape == (zoom * height, zoom * width, 3)
    assert overlay.dtype == np.uint8
    # The figure is black on white: all colour is the overlay's, and some of it stands at every point.
    colored = np.ptp(overlay.astype(int), axis=2) > 60
    for point in read.record.panels[0].series[0].points:
        x, y = (round((v + 0.5) * zoom) for v in point.px)
        assert colored[y - zoom : y + zoom + 1, x - zoom : x + zoom + 1].any()


def test_a_page_without_a_plot_is_refused_with_the_file_and_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "blank.png"
    PIL.Image.new("RGB", (300, 200), "white").save(path)
    with pytest.raises(NoPlotFound, match=r"blank\.png: no plot found on page 1: .*2 tick labels.*--calibrate"):
        digitize_file(path)


def test_several_pages_without_a_plot_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "blank.tiff"
    blank = PIL.Image.new("RGB", (300, 200), "white")
    blank.save(path, save_all=True, append_images=[blank])
    with pytest.raises(NoPlotFound, match=r"blank\.tiff: no plot found on 2 pages"):
        digitize_file(path)


@pytest.fixture(scope="module")
def given(png: Path, read: Reading) -> tuple[GivenAxis, Reading]:
    """A y axis given in other units than those printed: 100 at the printed 0, 300 at the printed 10."""
    px = {t.value: t.px for t in read.record.panels[0].y_axis.ticks}
    axis = GivenAxis("y", ((px[0.0], 100.0), (px[10.0], 300.0)))
    return axis, digitize_file(png, calibrate=[axis])


def test_a_given_axis_replaces_the_one_that_is_read(given: tuple[GivenAxis, Reading]) -> None:
    axis, reading = given
    (panel,) = reading.record.panels
    assert [t.px for t in panel.y_axis.ticks] == pytest.approx([px for px, _ in axis.ticks])
    assert [(t.value, t.used) for t in panel.y_axis.ticks] == [(value, True) for _, value in axis.ticks]
    assert [p.x for p in panel.series[0].points] == pytest.approx(list(X), abs=CLOSE)  # the other axis is still read
    assert [p.y for p in panel.series[0].points] == pytest.approx([100 + 20 * y for y in Y], abs=20 * CLOSE)


def test_a_given_axis_is_exact(given: tuple[GivenAxis, Reading]) -> None:
    axis, reading = given
    (px0, value0), (px1, value1) = axis.ticks
    for point in reading.record.panels[0].series[0].points:
        on_line = value0 + (point.px[1] - px0) * (value1 - value0) / (px1 - px0)
        assert point.y == pytest.approx(on_line, abs=1e-9)


def test_one_given_tick_is_no_axis(png: Path) -> None:
    with pytest.raises(ValueError, match="found 1"):
        digitize_file(png, calibrate=[GivenAxis("y", ((100.0, 1.0),))])


def test_a_plot_without_labels_is_read_with_given_axes(read: Reading, tmp_path: Path) -> None:
    path = tmp_path / "bare.png"
    plot(labels=False).save(path)
    with pytest.raises(NoPlotFound):
        digitize_file(path)
    gray = np.asarray(PIL.Image.open(path).convert("L"))
    rows, columns = np.flatnonzero((gray < 100).mean(axis=1) > 0.6), np.flatnonzero((gray < 100).mean(axis=0) > 0.6)
    # The frame: 0 to 10 upwards, -1 to 9 to the right.
    axes = [GivenAxis("y", ((rows[-1], 0.0), (rows[0], 10.0))), GivenAxis("x", ((columns[0], -1.0), (columns[-1], 9.0)))]
    (panel,) = digitize_file(path, calibrate=axes).record.panels
    points = panel.series[0].points
    assert [p.x for p in points] == pytest.approx(list(X), abs=2 * CLOSE)  # the frame's lines are 1 to 2 px wide
    assert [p.y for p in points] == pytest.approx(list(Y), abs=2 * CLOSE)




def test_residuals_are_drawn_of_every_numeric_axis(read: Reading, tmp_path: Path) -> None:
    assert sorted(read.axes) == ["p1-A x", "p1-A y"]
    path = read.save_residuals(tmp_path)
    assert path.name == "trial one.ticks.png"
    with PIL.Image.open(path) as picture:
        assert picture.size == (700, 600)


def test_a_scanned_page_says_that_its_caption_could_not_be_read(tmp_path: Path) -> None:
    """A picture has no text layer: an empty caption there is none that was looked for and not found."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.errorbar([0, 2, 4, 6], [3, 5, 4, 6], yerr=0.8, fmt="o", color="black", capsize=3)
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2))
    figure.savefig(tmp_path / "plot.pdf")
    figure.savefig(tmp_path / "plot.png", dpi=200)
    PIL.Image.open(tmp_path / "plot.png").convert("RGB").save(tmp_path / "scan.pdf", resolution=200)
    said = {name: digitize_file(tmp_path / name).record.figures[0].caption_unread for name in ("scan.pdf", "plot.pdf", "plot.png")}
    assert said == {"scan.pdf": NO_TEXT, "plot.pdf": "", "plot.png": ""}
