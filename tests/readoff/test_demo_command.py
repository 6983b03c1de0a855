"""``readoff demo``: the sample review on its three drawings."""

from __future__ import annotations

import contextlib
import csv
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import digitize
from pool import plots
from readoff.cli import main
from readoff.commands.demo import DRAWINGS, _largest, read_truth, sample_folder

if TYPE_CHECKING:
    from tests.readoff.conftest import FakeReader, Outcome

Run = Callable[..., "Outcome"]


def cells(out: str, start: str) -> list[str]:
    (line,) = [line for line in out.splitlines() if line.startswith(start)]
    return line.split()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, FakeReader]:
    """One run of the demo with a reader that makes no error: what it printed, its folder, and how the reader was called."""
    from tests.readoff.conftest import FakeReader, write_nothing_much

    folder, reader = tmp_path_factory.mktemp("demo") / "out", FakeReader()
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(digitize, "digitize_file", reader)
        patch.setattr(plots, "save_forest", write_nothing_much)
        patch.setattr(plots, "save", write_nothing_much)
        with pytest.raises(SystemExit) as left:
            main(["demo", "--out", str(folder)])
    assert left.value.code == 0
    return printed.getvalue(), folder, reader


def test_prints_read_true_and_published_side_by_side(demo: tuple[str, Path, FakeReader]) -> None:
    out, _, _ = demo
    assert "reconstruction" in out
    assert cells(out, "treatment") == ["treatment", "PDF", "PNG", "photocopy", "true", "published"]
    assert cells(out, "Baseline") == ["Baseline", "median", "4.500", "4.500", "4.500", "4.500"]
    means = [line.split() for line in out.splitlines() if line.split()[:1] == ["mean"]]
    assert [(row[-2], row[-1]) for row in means] == [("4.660", "4.66"), ("3.730", "3.73"), ("3.770", "3.77"), ("4.400", "4.40")]
    assert cells(out, "largest error")[-3:] == ["0.000", "0.000", "0.000"]


def test_prints_both_comparisons_with_published_and_solved_beside(demo: tuple[str, Path, FakeReader]) -> None:
    out, _, _ = demo
    assert out.count("MD -1.13 [-2.64, 0.38], I2 81 %") == 4  # published, and read off each drawing
    assert out.count("MD -0.67 [-1.84, 0.49], I2 62 %") == 4
    assert out.count("solved, not printed: ") == 2
    assert "2.445 to 2.480" in out
    assert "no evidence" in out


def test_writes_everything_and_says_where(demo: tuple[str, Path, FakeReader]) -> None:
    out, folder, reader = demo
    assert str(folder) in out
    assert {path.name for path in folder.iterdir()} == {"pdf", "png", "photocopy"}
    for drawing in folder.iterdir():
        names = {path.name for path in drawing.rglob("*")}
        assert {"arms.csv", "figures", "magnesium-vs-placebo.png", "magnesium-vs-placebo.svg", "magnesium-vs-ketamine.json"} <= names
    assert [call["path"].name for call in reader.calls] == list(DRAWINGS.values())


def test_an_unread_value_is_never_passed_over_as_small() -> None:
    assert math.isnan(_largest([0.1, math.nan, 0.2]))
    assert _largest([0.1, 0.3, 0.2]) == 0.3


@pytest.mark.usefixtures("quick_forest")
def test_a_drawing_that_cannot_be_read_is_named_and_the_others_are_shown(readoff: Run, reader: FakeReader, tmp_path: Path) -> None:
    reader.failures["felsby_photocopy.png"] = ValueError("felsby_photocopy.png: no plot was found")
    result = readoff("demo", "--out", tmp_path / "demo")
    assert result.code == 1
    assert result.error_lines == ["readoff demo: felsby_photocopy.png: no plot was found"]
    assert cells(result.out, "treatment") == ["treatment", "PDF", "PNG", "true", "published"]


def test_truth_is_what_was_drawn() -> None:
    truth = read_truth(sample_folder() / "truth.csv")
    with (sample_folder() / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row.treatment for row in truth] == [row["x"] for row in rows]
    assert truth[0].drawn["low"] == pytest.approx(float(rows[0]["y_lo"]))
    assert truth[0].published == {"mean": "4.66", "SD": "1.53"}


def test_the_sample_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"review.toml", "truth.csv", *DRAWINGS.values()} <= {path.name for path in sample_folder().iterdir()}
