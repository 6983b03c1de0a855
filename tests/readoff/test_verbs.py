"""The verbs of a notebook say the same as the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import readoff

if TYPE_CHECKING:
    from tests.readoff.conftest import FakeReader

PRINTED = pd.DataFrame(
    {
        "study": ["Yousef 2013", "Yousef 2013", "Pickering 2011", "Pickering 2011"],
        "arm": ["Magnesium", "Placebo"] * 2,
        "n": [40, 40, 22, 23],
        "mean": [4.7, 7.2, 4, 4],
        "sd": [1.8, 2.45, 3, 2],
    }
)


def test_from_a_figure_to_a_pooled_effect(reader: FakeReader) -> None:
    reading = readoff.digitize("felsby.pdf")
    arms = readoff.extract(reading, error_bars="range", centre="median", n=10, study="Felsby 1995")
    assert reader.calls[0]["path"] == Path("felsby.pdf")
    assert arms.loc[arms.arm == "Magnesium", ["mean", "sd"]].round(2).to_numpy().tolist() == [[3.73, 1.27]]
    result = readoff.pool(pd.concat([arms, PRINTED]), treated="Magnesium", control="Placebo")
    assert [round(value, 2) for value in (result.estimate, result.ci_lb, result.ci_ub)] == [-1.13, -2.64, 0.38]


def test_extract_takes_a_reading_a_record_or_its_file(reader: FakeReader, write_record: Callable[[Path], Path], tmp_path: Path) -> None:
    reading = readoff.digitize("felsby.pdf")
    path = write_record(tmp_path / "felsby.json")
    tables = [readoff.extract(figure, error_bars="range", centre="median", n=10) for figure in (reading, reading.record, path, str(path))]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])
    assert set(tables[0]["study"]) == {"felsby"}


@pytest.mark.parametrize("error_bars", ["range", "iqr"])
def test_the_centre_of_quantiles_is_never_guessed(error_bars: str, reader: FakeReader) -> None:
    with pytest.raises(ValueError, match="expected centre mean or median"):
        readoff.extract(readoff.digitize("felsby.pdf"), error_bars=error_bars, n=10)


def test_the_arms_to_compare_are_never_guessed() -> None:
    with pytest.raises(ValueError, match=r"^table: .*; arms in the table: 'Magnesium', 'Placebo'$"):
        readoff.pool(PRINTED)


def test_a_table_of_effects_needs_no_arms() -> None:
    effects = pd.DataFrame({"study": ["A", "B"], "yi": [1.0, 2.0], "vi": [0.1, 0.1]})
    assert readoff.pool(effects, method="EE").estimate == pytest.approx(1.5)


def test_a_table_and_its_file_give_the_same(tmp_path: Path) -> None:
    PRINTED.to_csv(tmp_path / "arms.csv", index=False)
    by_file = readoff.pool(tmp_path / "arms.csv", treated="Magnesium", control="Placebo")
    assert readoff.pool(PRINTED, treated="Magnesium", control="Placebo").to_json() == by_file.to_json()


@pytest.mark.parametrize("name", [name for name in readoff.__all__ if not name.startswith("_")])
def test_every_verb_says_what_it_takes_returns_and_raises(name: str) -> None:
    text = inspect.getdoc(getattr(readoff, name)) or ""
    for section in ("Parameters", "Returns", "Raises"):
        assert f"{section}\n---" in text
