"""Files of strangers among others: each hostile one is refused in words, within the worker's limits, and the others are read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from digitize import page as page_module
from digitize.record import read_record
from tests.digitize.papers import page, paper
from tests.digitize.rawpdf import HOSTILE, hostile, immense_picture, one_page_pdf

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]
REFUSED_WITHIN = 10.0
"""Seconds in which the limits of a worker end it; one that is slower is ended by its clock, which is set to this."""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the system sets no memory limit for a process")
@pytest.mark.usefixtures("small_limit")
def test_hostile_files_are_refused_and_their_neighbours_are_read(readoff: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "PAGE_SECONDS", REFUSED_WITHIN)
    bad = [hostile(tmp_path, kind) for kind in HOSTILE]
    wide = one_page_pdf(tmp_path / "wide.pdf", b"0 0 m 9 9 l S", box=b"0 0 2000000 2000000")
    first, last = (paper(tmp_path / name, [page(panels=1)]) for name in ("first.pdf", "last.pdf"))
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(first.read_bytes()[:2000])
    black = immense_picture(tmp_path / "black.pdf")
    result = readoff("digitize", first, *bad, wide, cut, black, last, "--out", tmp_path / "out")
    assert result.code == 1
    assert len(result.error_lines) == len(bad) + 3
    for line, file in zip(result.error_lines, [*bad, wide, cut], strict=False):
        assert line.startswith(f"readoff digitize: {file.name} ")
    # A picture is unpacked as it is drawn, at the page's own size: 1.6 gigabytes of it fit into the limit, and show nothing.
    assert "black.pdf: no plot found on page 1" in result.error_lines[-1]
    assert all(line.endswith("refused") for line in result.error_lines[: len(bad)])
    assert "expected more than 0 and at most 14400" in result.error_lines[-3]
    assert "is no PDF that can be read" in result.error_lines[-2]
    for name in ("first", "last"):
        (panel,) = read_record(tmp_path / "out" / f"{name}.json").panels
        assert len(panel.series[0].points) == 5
