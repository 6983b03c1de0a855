"""Files that hold no figure, read for real: one line with file and cause, exit 1, nothing written, the others done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]

SAMPLE = Path(__file__).resolve().parent.parent.parent / "sample_figures" / "felsby"


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("this is no image\n", encoding="utf-8")


def half_a_pdf(path: Path) -> None:
    path.write_bytes((SAMPLE / "felsby.pdf").read_bytes()[:2000])


def half_a_png(path: Path) -> None:
    path.write_bytes((SAMPLE / "felsby.png").read_bytes()[:2000])


def pdf_of_text_only(path: Path) -> None:
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    page = Figure(figsize=(6, 4))
    FigureCanvasPdf(page)
    for i in range(8):
        page.text(0.1, 0.9 - 0.1 * i, "Patients were asked how much it hurt, and answered.")
    page.savefig(path)


def blank(path: Path) -> None:
    Image.new("RGB", (600, 400), "white").save(path)


def noise(path: Path) -> None:
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (400, 600, 3), dtype=np.uint8)).save(path)


def figure_without_ticks(path: Path) -> None:
    image = Image.new("RGB", (600, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.line([(80, 30), (80, 350), (570, 350)], fill="black", width=2)
    for x, y in ((180, 200), (320, 150), (460, 240)):
        draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill="black")
        draw.line([(x, y - 40), (x, y + 40)], fill="black", width=1)
        draw.line([(x - 6, y - 40), (x + 6, y - 40)], fill="black", width=1)
        draw.line([(x - 6, y + 40), (x + 6, y + 40)], fill="black", width=1)
    image.save(path)


BAD = {
    "empty.png": empty,
    "empty.pdf": empty,
    "text.png": text,
    "text.pdf": text,
    "text.tiff": text,
    "truncated.pdf": half_a_pdf,
    "truncated.png": half_a_png,
    "prose.pdf": pdf_of_text_only,
    "blank.png": blank,
    "noise.png": noise,
    "no_ticks.png": figure_without_ticks,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_the_cause_and_nothing_is_written(name: str, readoff: Run, tmp_path: Path) -> None:
    file = tmp_path / name
    BAD[name](file)
    result = readoff("digitize", file, "--out", tmp_path / "out")
    assert result.code == 1
    assert len(result.error_lines) == 1
    start, cause = result.err.split(name, 1)
    assert start.startswith("readoff digitize: ")
    assert len(cause.strip(" :\n")) > 5  # a cause in words
    assert "Traceback" not in result.err
    assert not (tmp_path / "out").exists()


def test_bad_files_do_not_stop_a_good_one(readoff: Run, tmp_path: Path) -> None:
    bad = tmp_path / "empty.png"
    empty(bad)
    result = readoff("digitize", bad, SAMPLE / "felsby.pdf", "--out", tmp_path / "out")
    assert result.code == 1
    assert len(result.error_lines) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["felsby.csv", "felsby.json", "felsby.png"]


def test_a_page_that_is_not_there_is_named(readoff: Run, tmp_path: Path) -> None:
    result = readoff("digitize", SAMPLE / "felsby.pdf", "--page", 7, "--out", tmp_path / "out")
    assert result.code == 1
    assert "felsby.pdf" in result.err
    assert "7" in result.err
