"""``readoff extract``: records to arms.csv, with nothing guessed that pixels cannot tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from extract import read_arms

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]


@pytest.fixture
def record(tmp_path: Path, write_record: Callable[[Path], Path]) -> Path:
    return write_record(tmp_path / "felsby.json")


RANGE = ("--error-bars", "range", "--centre", "median", "--n", "10")


def test_gives_the_published_pairs_of_the_sample(readoff: Run, record: Path, tmp_path: Path) -> None:
    out = tmp_path / "made" / "arms.csv"
    result = readoff("extract", record, *RANGE, "--study", "Felsby 1995", "--out", out)
    assert (result.code, result.err) == (0, "")
    pairs = [(arm.study, arm.arm, arm.n, round(arm.mean, 2), round(arm.sd, 2), arm.how) for arm in read_arms(out)]
    assert pairs == [
        ("Felsby 1995", "Baseline", 10, 4.66, 1.53, "estimated"),
        ("Felsby 1995", "Magnesium", 10, 3.73, 1.27, "estimated"),
        ("Felsby 1995", "Ketamine", 10, 3.77, 1.24, "estimated"),
        ("Felsby 1995", "Placebo", 10, 4.40, 1.20, "estimated"),
    ]
    assert "Magnesium" in result.out


def test_each_arm_may_have_its_own_n_and_the_study_is_named_by_the_file(readoff: Run, record: Path, tmp_path: Path) -> None:
    counts = [part for name in ("Baseline=9", "Magnesium=8", "Ketamine=7", "Placebo=6") for part in ("--n", name)]
    result = readoff("extract", record, "--error-bars", "range", "--centre", "median", *counts, "--out", tmp_path / "arms.csv")
    assert result.code == 0
    assert [(arm.study, arm.n) for arm in read_arms(tmp_path / "arms.csv")] == [("felsby", 9), ("felsby", 8), ("felsby", 7), ("felsby", 6)]


def test_json_holds_the_arms(readoff: Run, record: Path, tmp_path: Path) -> None:
    result = readoff("extract", record, *RANGE, "--out", tmp_path / "arms.csv", "--json")
    document = json.loads(result.out)
    assert [arm["arm"] for arm in document["arms"]] == ["Baseline", "Magnesium", "Ketamine", "Placebo"]
    assert (document["written"], document["failed"]) == ([str(tmp_path / "arms.csv")], [])


def test_a_bad_record_is_named_and_the_others_are_done(readoff: Run, record: Path, tmp_path: Path) -> None:
    text, empty = tmp_path / "text.json", tmp_path / "empty.json"
    text.write_text("no record", encoding="utf-8")
    empty.write_bytes(b"")
    missing = tmp_path / "missing.json"
    result = readoff("extract", text, record, empty, missing, *RANGE, "--out", tmp_path / "arms.csv")
    assert result.code == 1
    assert [line.split(": ")[1] for line in result.error_lines] == [str(text), str(empty), str(missing)]
    assert len(read_arms(tmp_path / "arms.csv")) == 4


def test_nothing_is_written_when_every_record_fails(readoff: Run, tmp_path: Path) -> None:
    result = readoff("extract", tmp_path / "missing.json", *RANGE, "--out", tmp_path / "made" / "arms.csv")
    assert result.code == 1
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--error-bars", "whiskers", "--n", "10"], "whiskers"),
        (["--n", "10"], "--error-bars"),
        (["--error-bars", "sd"], "--n"),
        (["--error-bars", "sd", "--n", "1"], "2 or more"),
        (["--error-bars", "sd", "--n", "0"], "2 or more"),
        (["--error-bars", "sd", "--n", "-5"], "2 or more"),
        (["--error-bars", "sd", "--n", "ten"], "2 or more"),
        (["--error-bars", "sd", "--n", "9.5"], "2 or more"),
        (["--error-bars", "sd", "--n", "Placebo=1"], "2 or more"),
        (["--error-bars", "sd", "--n", "=9"], "expected one number for all arms"),
        (["--error-bars", "sd", "--n", "9", "--n", "8"], "expected one number for all arms"),
        (["--error-bars", "sd", "--n", "9", "--n", "Placebo=8"], "expected one number for all arms"),
        (["--error-bars", "sd", "--n", "Placebo=9", "--n", "Placebo=8"], "expected one number for all arms"),
        (["--error-bars", "range", "--n", "10"], "expected centre mean or median"),
        (["--error-bars", "iqr", "--n", "10"], "expected centre mean or median"),
        (["--error-bars", "sd", "--n", "10", "--centre", "median"], "centre median with error bars sd"),
        (["--error-bars", "sd", "--n", "10", "--centre", "mode"], "--centre"),
    ],
)
def test_wrong_use_is_told_in_one_line(arguments: list[str], expected: str, readoff: Run, record: Path, tmp_path: Path) -> None:
    result = readoff("extract", record, *arguments, "--out", tmp_path / "arms.csv")
    assert result.code == 2
    assert len(result.error_lines) == 1
    assert expected in result.err
    assert not (tmp_path / "arms.csv").exists()


def test_one_study_name_does_not_fit_two_records(readoff: Run, record: Path, tmp_path: Path) -> None:
    assert readoff("extract", record, record, *RANGE, "--study", "S", "--out", tmp_path / "arms.csv").code == 2


def test_an_arm_without_n_is_named(readoff: Run, record: Path, tmp_path: Path) -> None:
    result = readoff("extract", record, "--error-bars", "range", "--centre", "median", "--n", "Placebo=10", "--out", tmp_path / "arms.csv")
    assert result.code == 1
    assert "'Baseline'" in result.err
    assert not (tmp_path / "arms.csv").exists()


def test_printed_numbers_need_no_figure(readoff: Run, tmp_path: Path) -> None:
    table, out = tmp_path / "printed.csv", tmp_path / "arms.csv"
    table.write_text("study,arm,n,mean,se,q1,median,q3\nA,Drug,25,6,0.4,,,\nA,Placebo,25,,,3,5,7\n", encoding="utf-8")
    assert readoff("extract", table, "--out", out, "--method", "luo2018").code == 0
    assert [(arm.arm, round(arm.sd, 2), arm.method) for arm in read_arms(out)] == [
        ("Drug", 2.0, "se x sqrt(n)"),
        ("Placebo", 3.14, "luo2018 (C3)"),
    ]


def test_n_may_come_from_a_table(readoff: Run, record: Path, tmp_path: Path) -> None:
    counts, out = tmp_path / "counts.csv", tmp_path / "arms.csv"
    counts.write_text("arm,n\nBaseline,9\nMagnesium,8\nKetamine,7\nPlacebo,6\n", encoding="utf-8")
    said = ("--error-bars", "range", "--centre", "median", "--n", counts, "--method", "recommended")
    assert readoff("extract", record, *said, "--out", out).code == 0
    assert [(arm.n, arm.method) for arm in read_arms(out)] == [(n, "luo2018 (C1)") for n in (9, 8, 7, 6)]
    counts.write_text("name,count\nBaseline,9\n", encoding="utf-8")
    wrong = readoff("extract", record, *said, "--out", out)
    assert wrong.code == 2
    assert "expected a table with columns arm, n and perhaps timepoint, found name, count" in " ".join(wrong.err.split())


def test_raw_points_are_refused_where_there_are_none(readoff: Run, record: Path, tmp_path: Path) -> None:
    result = readoff("extract", record, "--raw", "--out", tmp_path / "arms.csv")
    assert result.code == 1
    assert "expected one scatter or histogram panel" in " ".join(result.err.split())
