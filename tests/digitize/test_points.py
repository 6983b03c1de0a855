"""Markers with error bars, read off drawings whose numbers are known."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pypdfium2 as pdfium
import pytest
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize.read import read_image, with_cut_off
from digitize.record import PanelRecord, SeriesRecord

Image = NDArray[np.uint8]
TIMES = (0.0, 2.0, 4.0, 8.0, 12.0)
# Half a per cent of the 0-10 axis: about one pixel of the drawings below, and twice what their readings are off at worst.
CLOSE = 0.05


def drawn(series: Mapping[str, Mapping[str, object]], *, dpi: int = 150, legend: bool = False, names: Sequence[str] = ()) -> Image:
    """A 4 x 3 inch plot on a 0-10 axis, rendered from vectors so that nothing is snapped to pixels."""
    figure = Figure(figsize=(4, 3), layout="constrained")
    FigureCanvasPdf(figure)
    axes = figure.add_subplot()
    for name, options in series.items():
        kwargs = {"capsize": 3, "markersize": 6, "linewidth": 1, "label": name, **options}
        x, y, error = kwargs.pop("x"), kwargs.pop("y"), kwargs.pop("error")
        axes.errorbar(x, y, yerr=error, **kwargs)
    axes.set(ylim=(0, 10), ylabel="Pain", yticks=range(0, 11, 2))
    if names:
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_xticks(range(len(names)), names)
    else:
        axes.set(xlim=(-1, 13), xlabel="Weeks", xticks=TIMES)
    if legend:
        axes.legend(loc="upper right", frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream)
    document = pdfium.PdfDocument(stream.getvalue())
    image = np.asarray(document[0].render(scale=dpi / 72).to_pil().convert("RGB"))
    document.close()
    return np.array(image, dtype=np.uint8)


def only_panel(image: Image) -> PanelRecord:
    """The record of the one panel of an image."""
    panels = read_image(image)
    assert len(panels) == 1
    return panels[0].record


def assert_reads(series: SeriesRecord, x: Sequence[float], y: Sequence[float], lo: Sequence[float], hi: Sequence[float]) -> None:
    """A series holds these points, left to right."""
    assert [p.x for p in series.points] == pytest.approx(list(x), abs=0.06)
    assert [p.y for p in series.points] == pytest.approx(list(y), abs=CLOSE)
    assert [p.y_lo for p in series.points] == pytest.approx(list(lo), abs=CLOSE)
    assert [p.y_hi for p in series.points] == pytest.approx(list(hi), abs=CLOSE)


ONE = {"x": TIMES, "y": (7.0, 6.2, 5.1, 4.4, 4.9), "error": (1.1, 0.9, 1.3, 0.8, 1.2), "fmt": "o-", "color": "black"}
LO = tuple(y - e for y, e in zip(ONE["y"], ONE["error"], strict=True))
HI = tuple(y + e for y, e in zip(ONE["y"], ONE["error"], strict=True))


@pytest.mark.parametrize("marker", ["o", "s", "D", "^"])
def test_reads_filled_markers_of_every_shape(marker: str) -> None:
    panel = only_panel(drawn({"A": {**ONE, "fmt": f"{marker}-"}}))
    assert panel.kind == "errorbar"
    assert len(panel.series) == 1
    assert_reads(panel.series[0], TIMES, ONE["y"], LO, HI)


@pytest.mark.parametrize("dpi", [100, 300])
def test_reads_the_same_data_at_every_resolution(dpi: int) -> None:
    panel = only_panel(drawn({"A": ONE}, dpi=dpi))
    assert_reads(panel.series[0], TIMES, ONE["y"], LO, HI)


def test_an_enlarged_image_gives_the_same_data() -> None:
    image = drawn({"A": ONE}, dpi=120)
    doubled = np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    once, twice = only_panel(image).series[0], only_panel(doubled).series[0]
    assert [p.y for p in once.points] == pytest.approx([p.y for p in twice.points], abs=CLOSE)
    # A pixel centre at v lies at 2 v + 0.5 in the enlarged image; half a pixel is what both fits may differ by.
    assert [2 * p.px[1] + 0.5 for p in once.points] == pytest.approx([p.px[1] for p in twice.points], abs=0.5)


def test_a_tilted_scan_gives_the_same_data_in_pixels_of_the_scan() -> None:
    image = drawn({"A": ONE}, dpi=200)
    h, w = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), 1.2, 1.0)
    tilted = np.asarray(cv2.warpAffine(image, matrix, (w, h), flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255)), dtype=np.uint8)
    upright, turned = only_panel(image).series[0], only_panel(tilted).series[0]
    assert_reads(turned, TIMES, ONE["y"], LO, HI)
    expected = [matrix @ (*p.px, 1) for p in upright.points]
    assert np.array([p.px for p in turned.points]) == pytest.approx(np.array(expected), abs=1.0)


def test_two_colours_are_two_series_named_by_the_legend() -> None:
    other = {"x": TIMES, "y": (3.2, 3.0, 2.4, 2.2, 2.0), "error": (0.7, 0.8, 0.6, 0.7, 0.9), "fmt": "s-", "color": "#d62728"}
    panel = only_panel(drawn({"Placebo": ONE, "Magnesium": other}, legend=True))
    series = {s.name: s for s in panel.series}
    assert set(series) == {"Placebo", "Magnesium"}
    assert_reads(series["Placebo"], TIMES, ONE["y"], LO, HI)
    assert [p.y for p in series["Magnesium"].points] == pytest.approx(list(other["y"]), abs=CLOSE)


def test_black_series_are_told_apart_by_their_markers() -> None:
    other = {"x": TIMES, "y": (3.2, 3.0, 2.4, 2.2, 2.0), "error": (0.7, 0.8, 0.6, 0.7, 0.9), "fmt": "o-", "color": "black", "mfc": "white"}
    panel = only_panel(drawn({"A": ONE, "B": other}, dpi=200))
    assert sorted(s.marker for s in panel.series) == ["circle", "circle-open"]
    assert all(len(s.points) == len(TIMES) for s in panel.series)


def test_asymmetric_ranges_over_categories() -> None:
    names = ("Baseline", "Magnesium", "Ketamine")
    medians, below, above = (4.5, 3.6, 5.0), (2.0, 1.7, 2.5), (2.7, 2.2, 1.5)
    spec = {"x": (0, 1, 2), "y": medians, "error": (below, above), "fmt": "o", "color": "black"}
    panel = only_panel(drawn({"A": spec}, names=names))
    points = panel.series[0].points
    assert [p.x for p in points] == list(names)
    assert [p.y for p in points] == pytest.approx(list(medians), abs=CLOSE)
    assert [p.y_lo for p in points] == pytest.approx([m - b for m, b in zip(medians, below, strict=True)], abs=CLOSE)
    assert [p.y_hi for p in points] == pytest.approx([m + a for m, a in zip(medians, above, strict=True)], abs=CLOSE)


def test_an_end_under_the_ink_of_another_series_is_never_given_unflagged() -> None:
    # The upper end of the red bars lies inside the black squares drawn over them.
    red = {"x": TIMES, "y": (5.0, 5.0, 5.0, 5.0, 5.0), "error": (2.0, 2.0, 2.0, 2.0, 2.0), "fmt": "o", "color": "#d62728", "capsize": 0}
    black = {"x": TIMES, "y": (7.0, 7.0, 7.0, 7.0, 7.0), "error": (0.9, 0.9, 0.9, 0.9, 0.9), "fmt": "s", "color": "black", "markersize": 9}
    panel = only_panel(drawn({"A": red, "B": black}))
    for series in panel.series:
        if series.color != "#000000":
            for point in series.points:
                hidden = point.y_hi is None or abs(point.y_hi - 7.0) > 0.2
                assert not hidden or point.flags


def test_points_carry_the_uncertainty_of_pixels() -> None:
    panel = only_panel(drawn({"A": ONE}))
    for point in panel.series[0].points:
        # The drawing has about 35 px per unit: an uncertainty below 0.1 px or above 3 px would be a mistake in either direction.
        assert point.u_y is not None
        assert 0.0028 < point.u_y < 0.09


def test_an_empty_plot_is_refused_with_a_reason() -> None:
    figure = {"A": {**ONE, "y": (-5.0,) * 5, "error": (0.1,) * 5}}
    panel = only_panel(drawn(figure))
    assert not panel.series
    assert panel.refused


def test_markers_outside_the_plot_as_it_was_found_are_flagged() -> None:
    """Error bars above the origin can look like an axis line: the plot is then cut beside them."""
    (read,) = read_image(drawn({"A": ONE}))
    (series,) = read.series
    _, y0, x1, y1 = read.panel.box
    second = series.marks[1].x.px
    cut = replace(read.panel, box=(round(second) - 1, y0, x1, y1))
    assert ["clipped" in m.flags for m in with_cut_off(series, cut).marks] == [True, *[False] * (len(series.marks) - 1)]
    assert with_cut_off(series, read.panel) == series
