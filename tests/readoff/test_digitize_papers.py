"""``readoff digitize paper.pdf``: a whole paper at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from digitize import file as file_module
from digitize.page import Page, UnreadableFile, read_pages
from digitize.record import read_record
from tests.digitize.papers import page, paper

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
