"""``readoff pool``: a table in, a pooled result and its forest plot out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]

# The arms of Figure 2A of the sample review.
ARMS = """study,arm,n,mean,sd
Felsby 1995,magnesium,10,3.73,1.27
Felsby 1995,placebo,10,4.40,1.20
Yousef 2013,magnesium,40,4.7,1.8
Yousef 2013,placebo,40,7.2,2.45
Pickering 2011,magnesium,22,4,3
Pickering 2011,placebo,23,4,2
"""
EFFECTS = "study,yi,vi\nA,-0.67,0.30529\nB,-2.5,0.2310625\nC,0,0.5830039525691699\n"
NAMED = ("--treated", "magnesium", "--control", "placebo")


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def rounded(result: dict[str, float]) -> list[float]:
    return [round(result[name], 2) for name in ("estimate", "ci_lb", "ci_ub")] + [round(result["i2"])]


@pytest.mark.parametrize(("text", "arguments"), [(ARMS, NAMED), (EFFECTS, ())])
def test_gives_the_published_result_from_arms_and_from_effects(
    text: str, arguments: tuple[str, ...], readoff: Run, table: Callable[[str], Path], tmp_path: Path
) -> None:
    result = readoff(
        "pool", table(text), "--measure", "MD", "--method", "DL", "--test", "z", *arguments, "--out", tmp_path / "out", "--json"
    )
    assert (result.code, result.err) == (0, "")
    assert rounded(json.loads(result.out)) == [-1.13, -2.64, 0.38, 81]
    assert json.loads((tmp_path / "out" / "pooled.json").read_text(encoding="utf-8")) == json.loads(result.out)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["forest.png", "forest.svg", "pooled.json"]
    assert (tmp_path / "out" / "forest.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "out" / "forest.svg").read_text(encoding="utf-8")


def test_prints_the_result_as_papers_do(readoff: Run, table: Callable[[str], Path], tmp_path: Path) -> None:
    result = readoff("pool", table(ARMS), *NAMED, "--out", tmp_path / "out")
    assert "MD -1.13 [-2.64, 0.38], I2 81 %" in result.out


def test_swapping_the_arms_turns_the_sign(readoff: Run, table: Callable[[str], Path], tmp_path: Path) -> None:
    result = readoff("pool", table(ARMS), "--treated", "placebo", "--control", "magnesium", "--out", tmp_path / "out", "--json")
    assert rounded(json.loads(result.out)) == [1.13, -0.38, 2.64, 81]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--measure", "XX", *NAMED], "expected one of MD"),
        (["--method", "magic", *NAMED], "expected one of DL"),
        (["--test", "q", *NAMED], "expected one of z, t"),
        (["--treated", "magnesium"], "expected both --treated and --control"),
        (["--control", "placebo"], "expected both --treated and --control"),
    ],
)
def test_wrong_use_is_told_in_one_line(
    arguments: list[str], expected: str, readoff: Run, table: Callable[[str], Path], tmp_path: Path
) -> None:
    result = readoff("pool", table(ARMS), *arguments, "--out", tmp_path / "out")
    assert result.code == 2
    assert len(result.error_lines) == 1
    assert expected in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("", NAMED, "study"),
        ("study,arm,n,mean\nA,x,10,1\n", NAMED, "sd"),
        (ARMS, (), "expected the treated and the control arm"),
        (ARMS, ("--treated", "aspirin", "--control", "placebo"), "'aspirin'"),
        (ARMS.replace(",40,4.7", ",1,4.7"), NAMED, "2 or more"),
        (ARMS.replace("4.7", "n/a"), NAMED, "n/a"),
    ],
)
def test_a_table_that_cannot_be_pooled_is_named_with_the_cause(
    text: str, arguments: tuple[str, ...], expected: str, readoff: Run, table: Callable[[str], Path], tmp_path: Path
) -> None:
    path = table(text)
    result = readoff("pool", path, *arguments, "--out", tmp_path / "out")
    assert result.code == 1
    assert len(result.error_lines) == 1
    assert str(path) in result.err
    assert expected in result.err
    assert not (tmp_path / "out").exists()


def test_a_missing_table_is_named(readoff: Run, tmp_path: Path) -> None:
    result = readoff("pool", tmp_path / "nothing.csv", *NAMED, "--out", tmp_path / "out")
    assert result.code == 1
    assert str(tmp_path / "nothing.csv") in result.err


def test_a_ratio_is_printed_as_a_ratio(readoff: Run, table: Callable[[str], Path], tmp_path: Path) -> None:
    events = table("study,arm,events,n\nA,T,10,40\nA,C,20,40\nB,T,11,40\nB,C,20,40\n")
    result = readoff("pool", events, "--treated", "T", "--control", "C", "--measure", "RR", "--method", "EE", "--out", tmp_path / "out")
    assert (result.code, result.err) == (0, "")
    # log 0.5 with variance 1/10 and log 0.55 with 1/11: (10 log 0.5 + 11 log 0.55) / 21, standard error 21^-0.5
    assert "RR 0.53 [0.34, 0.81]" in result.out
    written = json.loads((tmp_path / "out" / "pooled.json").read_text(encoding="utf-8"))
    assert written["estimate_exp"] == pytest.approx(0.5 ** (10 / 21) * 0.55 ** (11 / 21))


def test_all_writes_every_picture_and_export(readoff: Run, tmp_path: Path) -> None:
    table, out = tmp_path / "events.csv", tmp_path / "out"
    rows = "A,drug,4,40\nA,placebo,9,40\nB,drug,6,50\nB,placebo,11,52\nC,drug,3,30\nC,placebo,4,31\n"
    table.write_text("study,arm,events,n\n" + rows, encoding="utf-8")
    said = ("--treated", "drug", "--control", "placebo", "--measure", "OR", "--style", "jama", "--all")
    result = readoff("pool", table, "--out", out, *said)
    assert result.code == 0
    assert "Mantel-Haenszel: " in result.out
    assert "50 analyses: estimates -0." in result.out
    names = {path.name for path in out.iterdir()}
    drawn = ("forest", "funnel", "drapery", "leave-one-out", "baujat", "specification")
    pictures = {f"{name}.{suffix}" for name in drawn for suffix in ("png", "svg")}
    assert names == pictures | {"pooled.json", "pooled.R", "pooled.xlsx", "revman.csv", "multiverse.csv"}
    document = json.loads((out / "pooled.json").read_text(encoding="utf-8"))
    assert document["mantel_haenszel"]["k"] == 3


def test_shares_of_reading_are_said(readoff: Run, tmp_path: Path) -> None:
    table = tmp_path / "arms.csv"
    table.write_text(
        "study,arm,n,mean,sd,u_mean,how\nA,drug,20,3,1.5,0.2,estimated\nA,placebo,20,4,1.2,0.2,estimated\n"
        "B,drug,30,2,1.5,,\nB,placebo,30,4.5,1.4,,\n",
        encoding="utf-8",
    )
    result = readoff("pool", table, "--treated", "drug", "--control", "placebo", "--out", tmp_path / "out")
    assert "variance with reading: sampling " in result.out
