"""Figures on the pages of a paper: found with their captions, told from text, tables and logos, read like figures of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from digitize import file as file_module
from digitize.file import NoPlotFound, Reading, digitize_file
from digitize.page import Page, UnreadableFile, read_pages
from digitize.regions import Layout, cut, find_regions
from tests.digitize.papers import CAPTION, LOWER, UPPER, X, page, paper, paragraph, plot, table

EXACT = 0.01
"""A thousandth of the axis: places come from paths, far better."""


@pytest.fixture(scope="module", params=[False, True], ids=["bare", "framed"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paper(tmp_path_factory.mktemp("paper") / "paper.pdf", [page(framed=request.param)])


@pytest.fixture(scope="module")
def reading(drawn: Path) -> Reading:
    return digitize_file(drawn)


def layout(path: Path) -> Layout:
    (only,) = read_pages(path)
    return find_regions(only)


def test_every_panel_is_read_and_nothing_else(reading: Reading) -> None:
    assert [p.id for p in reading.record.panels] == ["p1-A", "p1-B"]
    for panel, y in zip(reading.record.panels, (UPPER, LOWER), strict=True):
        (series,) = panel.series
        assert panel.medium == "vector"
        assert [p.x for p in series.points] == pytest.approx(list(X), abs=EXACT)
        assert [p.y for p in series.points] == pytest.approx(list(y), abs=EXACT)
        assert [p.y_hi for p in series.points] == pytest.approx([v + 0.8 for v in y], abs=EXACT)


def test_the_caption_is_kept_and_quoted_and_changes_nothing(reading: Reading) -> None:
    (figure,) = [f for f in reading.record.figures if f.panels]
    assert figure.label == "Figure 2"
    assert figure.caption == " ".join(CAPTION)
    assert [(s.means, s.quote) for s in figure.says] == [("se", "mean ± SEM"), ("n", "n = 12 per group")]
    assert figure.says[0].sentence.startswith("Means of the two groups")
    assert {p.caption for p in reading.record.panels} == {figure.caption}
    # Nothing of it reaches the points.
    assert not {"n", "se", "error_bars"} & set(reading.record.panels[0].series[0].points[0].model_dump())


def test_tables_and_logos_are_left_out_with_a_reason(reading: Reading) -> None:
    skipped = {f.skipped for f in reading.record.figures if not f.panels}
    assert skipped == {"rules of a table or of the text", "too small for a plot"}


def test_places_are_those_of_the_page(drawn: Path, reading: Reading) -> None:
    (whole,) = read_pages(drawn)
    for panel in reading.record.panels:
        for point in panel.series[0].points:
            x, y = (round(v) for v in point.px)
            assert whole.image[y, x].max() < 60  # the marker's black
    (figure,) = [f for f in reading.record.figures if f.panels]
    x0, y0, x1, y1 = figure.bbox_px
    assert all(x0 < a and y0 < b and c < x1 and d < y1 for a, b, c, d in (p.bbox_px for p in reading.record.panels))


def test_a_page_of_text_and_a_table_has_no_figure(tmp_path: Path) -> None:
    figure = Figure(figsize=(8.27, 11.69))
    paragraph(figure, 0.1, 0.93, 20)
    table(figure, 0.5)
    path = paper(tmp_path / "text.pdf", [figure])
    assert all(r.skipped for r in layout(path).regions)
    with pytest.raises(NoPlotFound, match=r"text\.pdf: no plot found on page 1: .*1 left out: rules of a table"):
        digitize_file(path)


def test_a_figure_saved_as_a_page_is_one_region(tmp_path: Path) -> None:
    figure = Figure(figsize=(4, 3))
    plot(figure, (0.15, 0.15, 0.8, 0.8))
    path = paper(tmp_path / "figure.pdf", [figure])
    (whole,) = read_pages(path)
    (region,) = find_regions(whole).regions
    height, width = whole.image.shape[:2]
    assert region.box == (0, 0, width - 1, height - 1)
    assert region.caption is None


def test_captions_above_their_figures(tmp_path: Path) -> None:
    figure = Figure(figsize=(8.27, 11.69))
    paragraph(figure, 0.1, 0.95, 4, chars=110)
    for k in range(2):
        figure.text(0.1, 0.88 - 0.4 * k, f"Figure {k + 1}. Pain of patients in the group of number {k + 1}, at all visits", fontsize=7.5)
        plot(figure, (0.2, 0.66 - 0.4 * k, 0.5, 0.2))
        paragraph(figure, 0.1, 0.6 - 0.4 * k, 7, chars=110)
    regions = [r for r in layout(paper(tmp_path / "above.pdf", [figure])).regions if not r.skipped]
    assert [r.caption.label for r in regions if r.caption] == ["Figure 1", "Figure 2"]


def test_long_words_inside_a_plot_stay_in_it(tmp_path: Path) -> None:
    """A legend of several long rows looks like running text, and painting it over would take marks with it."""
    figure = page(panels=1)
    rows = "\n".join(["The patients who had been given the active drug in the morning"] * 3)
    figure.text(0.24, 0.73, rows, fontsize=5)
    (whole,) = read_pages(paper(tmp_path / "legend.pdf", [figure]))
    found = find_regions(whole)
    (region,) = [r for r in found.regions if not r.skipped]
    image, _ = cut(whole, region, found.prose)
    x0, y0, x1, y1 = region.box
    plotted = np.s_[: round(0.2 * whole.image.shape[0])]
    assert (image[plotted] == whole.image[y0 : y1 + 1, x0 : x1 + 1][plotted]).all()


def test_a_page_that_fails_leaves_the_pages_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = paper(tmp_path / "two.pdf", [page(panels=1), page(panels=1)])

    def first_only(*_: object) -> Iterator[Page]:
        yield next(read_pages(path))
        message = "two.pdf took more than 45 s of processor time for one page and was refused"
        raise UnreadableFile(message)

    monkeypatch.setattr(file_module, "read_pages", first_only)
    reading = digitize_file(path)
    assert [p.id for p in reading.record.panels] == ["p1-A"]
    assert reading.failed == ("two.pdf took more than 45 s of processor time for one page and was refused",)


def test_progress_names_the_page(tmp_path: Path) -> None:
    told: list[str] = []
    digitize_file(paper(tmp_path / "two.pdf", [page(panels=1), page(panels=1)]), tell=told.append)
    assert told == ["page 1, 1 to follow", "page 2, 0 to follow"]
