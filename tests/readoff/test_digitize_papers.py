"""``readoff digitize paper.pdf``: a whole paper at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from matplotlib.figure import Figure

from digitize import file as file_module
from digitize.flags import FLAGS
from digitize.page import Page, UnreadableFile, read_pages
from digitize.record import FoundRecord, SaidRecord, read_record
from readoff.foundpage import Overlay, as_page
from tests.digitize.papers import page, paper, paragraph, plot
from tests.readoff.conftest import sample_record

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]


def test_what_a_caption_says_is_quoted_and_not_applied(readoff: Run, tmp_path: Path) -> None:
    result = readoff("digitize", paper(tmp_path / "trial.pdf", [page()]), "--out", tmp_path / "out")
    assert result.code == 0
    said = 'caption of trial.pdf p1-A, p1-B: "mean ± SEM" (se), "n = 12 per group" (n); nothing of it was applied'
    assert said in result.out.splitlines()
    assert [f.label for f in read_record(tmp_path / "out" / "trial.json").figures if f.panels] == ["Figure 2"]


def test_a_page_that_cannot_be_opened_is_named_and_the_others_are_written(
    readoff: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = paper(tmp_path / "trial.pdf", [page(panels=1)])

    def then_refused(*_: object) -> Iterator[Page]:
        yield from read_pages(path)
        message = "trial.pdf page 2 cannot be rendered"
        raise UnreadableFile(message)

    monkeypatch.setattr(file_module, "read_pages", then_refused)
    result = readoff("digitize", path, "--out", tmp_path / "out")
    assert result.code == 1
    assert result.error_lines == ["readoff digitize: trial.pdf page 2 cannot be rendered"]
    assert (tmp_path / "out" / "trial.json").exists()


def test_the_index_tells_what_was_found_and_what_was_left_out(readoff: Run, tmp_path: Path) -> None:
    text_only = Figure(figsize=(8.27, 11.69))
    paragraph(text_only, 0.1, 0.9, 20)
    path = paper(tmp_path / "a trial.pdf", [text_only, page(panels=1), page()])
    result = readoff("digitize", path, "--out", tmp_path / "out")
    assert result.code == 0
    written = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    for said in (
        "<h1>What was found in a trial.pdf</h1>",
        "3 plots in 1 file.",
        "<h3>Page 2, Figure 2</h3>",
        "<q>mean ± SEM</q> (se), <q>n = 12 per group</q> (n): Means of the two groups at five visits; ",
        "<td>p3-B</td><td>errorbar</td>",
        "<li>page 2 (Table 1): rules of a table or of the text</li>",
        "<li>page 3: too small for a plot</li>",
        '<a href="a%20trial.csv">CSV</a> <a href="a%20trial.json">JSON</a>',
        "Nothing but text: page 1.",
    ):
        assert said in written, said
    for name in ("a trial.png", "a trial-p3.png"):
        assert re.search(rf'<a class="crop" href="{quote(name)}" style="[^"]*">\n?<img src="{quote(name)}"', written)
        assert (tmp_path / "out" / name).exists()
    assert f"wrote {tmp_path / 'out' / 'index.html'}: " in result.out


def test_the_index_escapes_what_strangers_wrote() -> None:
    record = sample_record("<b>.pdf")
    figure = FoundRecord(page=1, bbox_px=(0, 0, 9, 9), label="Figure 1", caption="<script>alert(1)</script>", panels=("p1-A",))
    written = as_page([record.model_copy(update={"figures": (figure,)})], {("<b>.pdf", 1): Overlay('"><x.png', (90, 60))}, ["<i>: refused"])
    assert not any(bad in written for bad in ("<script>", "<b>.pdf", "<i>:", '"><x'))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written


def test_the_index_shows_of_each_page_the_figure() -> None:
    figure = FoundRecord(page=1, bbox_px=(20, 30, 60, 50), panels=("p1-A",))
    record = sample_record("a.pdf").model_copy(update={"figures": (figure,)})
    written = as_page([record], {("a.pdf", 1): Overlay("a.png", (100, 80))}, [])
    # 40 of 100 px show: the page is 2.5 times as wide as the frame, half a frame's width and one and a half of its height hang out.
    assert "aspect-ratio: 40 / 20" in written
    assert "width: 250.00%; left: -50.00%; top: -150.00%" in written


def test_a_flag_says_what_it_means_and_a_sentence_is_quoted_once() -> None:
    sentence = "Bars are means ± SEM, n = 12."
    says = tuple(SaidRecord(means=m, quote=q, sentence=sentence) for m, q in (("se", "± SEM"), ("n", "n = 12")))
    panel = sample_record("a.pdf").panels[0].model_copy(update={"flags": ("shared_axis",)})
    figure = FoundRecord(page=1, bbox_px=(0, 0, 9, 9), says=says, panels=(panel.id,))
    record = sample_record("a.pdf").model_copy(update={"figures": (figure,), "panels": (panel,)})
    written = as_page([record], {}, [])
    assert f'title="{FLAGS["shared_axis"]}">shared_axis</span>' in written
    assert written.count(sentence) == 1
    assert "<q>± SEM</q> (se), <q>n = 12</q> (n): " in written


def test_one_picture_of_one_plot_needs_no_index(readoff: Run, tmp_path: Path) -> None:
    figure = Figure(figsize=(4, 3))
    plot(figure, (0.15, 0.15, 0.8, 0.8))
    figure.savefig(tmp_path / "one.png", dpi=120)
    assert readoff("digitize", tmp_path / "one.png", "--out", tmp_path / "out").code == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["one.csv", "one.json", "one.png"]
