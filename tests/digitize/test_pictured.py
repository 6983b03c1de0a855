"""Pictures on pages of text: each is read in its own pixels, unless it is turned, mirrored or in strips."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize import pdf_worker
from digitize.file import Reading, digitize_file
from digitize.page import read_pages
from digitize.pictured import box_on_page, parts_of
from digitize.record import PointRecord
from digitize.regions import find_regions
from tests.digitize.papers import UPPER, X
from tests.digitize.rawpdf import text_page

AT = (300.0, 0.0, 0.0, 225.0, 90.3, 340.7)


def plotted(dpi: int = 150, y: Sequence[float] = UPPER) -> NDArray[np.uint8]:
    """A plot of 4 x 3 inches."""
    figure = Figure(figsize=(4, 3), dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.15, 0.15, 0.8, 0.8))
    axes.errorbar(X, y, yerr=0.8, fmt="o-", color="black", capsize=3, ms=5)
    axes.set(xlim=(-1, 9), ylim=(0, 10), xticks=X, yticks=range(0, 11, 2), xlabel="Day", ylabel="Pain")
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8)


def as_kind(pixels: NDArray[np.uint8], kind: str) -> NDArray[np.uint8]:
    """The pixels in colour, in grey, or as 0 and 1."""
    gray = pixels.mean(axis=2).astype(np.uint8)
    return {"colour": pixels, "grey": gray, "black and white": (gray > 127).astype(np.uint8)}[kind]


def points(reading: Reading) -> list[PointRecord]:
    return [p for panel in reading.record.panels for s in panel.series for p in s.points]


@pytest.mark.parametrize("kind", ["colour", "grey", "black and white"])
@pytest.mark.parametrize("wide", [212.7, 300.0, 431.9])
def test_every_pixel_of_the_picture_is_kept(tmp_path: Path, kind: str, wide: float) -> None:
    pixels = as_kind(np.random.default_rng(1).integers(0, 256, (311, 457, 3)).astype(np.uint8), kind)
    drawn = text_page(tmp_path / "page.pdf", [(pixels, (wide, 0, 0, wide * 311 / 457, 90.3, 316.2))])
    (page,) = read_pages(drawn)
    (picture,) = page.pictures
    x0, y0, x1, y1 = picture.box
    own = picture.image[y0 : y1 + 1, x0 : x1 + 1]
    gray = pixels * 255 if kind == "black and white" else pixels
    np.testing.assert_array_equal(own, gray if gray.ndim == 3 else np.repeat(gray[..., None], 3, axis=2))


def test_a_picture_is_placed_where_it_lies(tmp_path: Path) -> None:
    (page,) = read_pages(text_page(tmp_path / "page.pdf", [(plotted(), AT)]))
    (picture,) = page.pictures
    per_pt = page.image.shape[1] / 612
    expected = np.array([90.3, 792 - 340.7 - 225, 390.3, 792 - 340.7]) * per_pt - 0.5
    # The page's own rendering is stretched to whole pixels, by up to one over its height.
    np.testing.assert_allclose(box_on_page(picture), expected, atol=1.0)


@pytest.mark.parametrize("kind", ["colour", "grey", "black and white"])
def test_a_plot_on_a_page_is_read_as_the_same_plot_in_a_file(tmp_path: Path, kind: str) -> None:
    pixels = as_kind(plotted(), kind)
    PIL.Image.fromarray(pixels * 255 if pixels.max() == 1 else pixels).save(tmp_path / "plot.png")
    alone = digitize_file(tmp_path / "plot.png")
    on_page = digitize_file(text_page(tmp_path / "page.pdf", [(pixels, AT)]))
    assert [p.medium for p in on_page.record.panels] == ["raster"]
    assert "SEM" in on_page.record.panels[0].caption
    ours, theirs = points(on_page), points(alone)
    assert len(ours) == len(theirs) == len(X)
    for a, b in zip(ours, theirs, strict=True):
        # The same pixels with more paper around them: a hundredth of a pixel is 0.0003 of 10.
        np.testing.assert_allclose([a.x, a.y, a.y_lo, a.y_hi], [b.x, b.y, b.y_lo, b.y_hi], atol=3e-4)  # type: ignore[arg-type]


def test_places_are_told_in_pixels_of_the_page(tmp_path: Path) -> None:
    reading = digitize_file(text_page(tmp_path / "page.pdf", [(plotted(), AT)]))
    per_pt = next(iter(reading.overlays.values())).shape[1] / 612
    for x, y, point in zip(X, UPPER, points(reading), strict=True):
        at = (90.3 + 300 * (0.15 + 0.8 * (x + 1) / 10), 792 - 340.7 - 225 * (0.15 + 0.08 * y))
        # A marker is snapped to whole pixels of the picture, two of the page.
        np.testing.assert_allclose(point.px, np.array(at) * per_pt - 0.5, atol=2.5)


def test_two_pictures_of_one_figure_are_read_each_in_its_own_pixels(tmp_path: Path) -> None:
    lower = [y - 2 for y in UPPER]
    pair = [(plotted(120), (240.0, 0.0, 0.0, 180.0, 60.0, 380.0)), (plotted(200, lower), (240.0, 0.0, 0.0, 180.0, 320.0, 380.0))]
    drawn = text_page(tmp_path / "page.pdf", pair)
    (page,) = read_pages(drawn)
    layout = find_regions(page)
    parts = [part for region in layout.regions for part in parts_of(page, region, layout.prose)]
    assert [round(1 / part.to_page.a * 300 / 72 * 240) for part in parts] == [480, 800]
    first, second = digitize_file(drawn).record.panels
    np.testing.assert_allclose([p.y for p in first.series[0].points], UPPER, atol=0.05)  # type: ignore[arg-type]
    np.testing.assert_allclose([p.y for p in second.series[0].points], lower, atol=0.05)  # type: ignore[arg-type]


MIRRORED = (-300.0, 0.0, 0.0, 225.0, 390.3, 340.7)
QUARTER = (0.0, 225.0, -300.0, 0.0, 390.3, 340.7)
LEANING = (299.0, 10.0, -10.0, 224.0, 100.3, 330.7)


@pytest.mark.parametrize("at", [MIRRORED, QUARTER, LEANING])
def test_what_is_turned_or_mirrored_is_read_as_the_page_shows_it(tmp_path: Path, at: Sequence[float]) -> None:
    (page,) = read_pages(text_page(tmp_path / "page.pdf", [(plotted(), at)]))
    assert page.pictures == ()
    layout = find_regions(page)
    (part,) = (part for region in layout.regions for part in parts_of(page, region, layout.prose))
    assert part.to_page.a == 1.0


def test_strips_of_one_picture_are_read_as_the_page_shows_them(tmp_path: Path) -> None:
    pixels = plotted()
    strips = [(np.ascontiguousarray(pixels[150 * k : 150 * k + 150]), (300.0, 0, 0, 75.0, 90.3, 490.7 - 75 * k)) for k in range(3)]
    reading = digitize_file(text_page(tmp_path / "page.pdf", strips))
    (panel,) = reading.record.panels
    np.testing.assert_allclose([p.y for p in panel.series[0].points], UPPER, atol=0.05)  # type: ignore[arg-type]


def test_a_picture_with_paths_beside_it_is_read_as_the_page_shows_it(tmp_path: Path) -> None:
    beside = b"0 0 0 RG 1 w 420 350 m 440 500 l 460 380 l S\n"
    (page,) = read_pages(text_page(tmp_path / "page.pdf", [(plotted(), AT)], beside))
    assert len(page.pictures) == 1
    layout = find_regions(page)
    parts = [part for region in layout.regions for part in parts_of(page, region, layout.prose)]
    assert [part.to_page.a for part in parts] == [1.0] * len(parts)


def pieces(wide: int, high: int, count: int = 1) -> list[pdf_worker.Piece]:
    """Surroundings of pictures of 12 x 9 inches on a page of 14 x 11 inches at 300 dpi."""
    picture = ((3600.0, 0.0, 0.0, -2700.0, 300.0, 3000.0), wide, high)
    return pdf_worker.pieces_of([picture] * count, (4200, 3300), (300 / 72, 300 / 72))


def test_pictures_of_too_many_pixels_are_not_sent() -> None:
    assert [(p.x_scale, p.y_scale) for p in pieces(3600, 2700)] == [(1.0, 1.0)]
    assert pieces(5000, 3750) == []  # 18.75 million
    assert pieces(24000, 18000) == []  # 432 million, that would be averaged to 8
    many = pieces(2400, 1800, count=12)
    assert 1 <= len(many) <= pdf_worker.MAX_PICTURES
    assert sum(p.width * p.height for p in many) <= pdf_worker.MAX_PICTURE_PIXELS


def test_the_finest_pictures_are_averaged_over_whole_pixels() -> None:
    (piece,) = pieces(7200, 5400)  # 600 dpi
    assert (piece.x_scale, piece.y_scale) == (1.0, 1.0)


def test_a_worker_that_dies_over_a_picture_leaves_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(pdf_worker.__file__).read_text(encoding="utf-8")
    broken = tmp_path / "worker.py"
    broken.write_text(source.replace("def send_piece(", "def send_piece(*_):\n    sys.exit(3)\n\n\ndef unused("), encoding="utf-8")
    monkeypatch.setattr(pdf_worker, "__file__", str(broken))
    (page,) = read_pages(text_page(tmp_path / "page.pdf", [(plotted(), AT)]))
    assert page.pictures == ()
    assert len(page.drawing.images) == 1
