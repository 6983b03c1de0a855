"""ArmSummary and arms.csv: validation, round trips, foreign columns."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from extract import ArmSummary, read_arms, to_frame, write_arms

FULL = ArmSummary(
    "Felsby 1995",
    "magnesium",
    10,
    3.7300000000000004,
    1.27,
    u_mean=0.02,
    u_sd=0.03,
    se_mean=0.428,
    how="estimated",
    method="wan2014 (C1, Blom)",
    error_bars="range",
    source="felsby.png, page 1",
    outcome="pain",
    timepoint="60",
    flags=("cap_missing", "one_sided"),
)
PLAIN = ArmSummary("Yousef 2013", "placebo, oral", 40, 7.2, math.nan)


def same(one: ArmSummary, other: ArmSummary) -> bool:
    return repr(one) == repr(other)  # NaN fields are equal in print


def test_arms_survive_the_table_with_all_their_digits(tmp_path: Path) -> None:
    write_arms([FULL, PLAIN], tmp_path / "arms.csv")
    back = read_arms(tmp_path / "arms.csv")
    assert [same(a, b) for a, b in zip(back, (FULL, PLAIN), strict=True)] == [True, True]


def test_minimal_table_reads_as_reported_arms(tmp_path: Path) -> None:
    file = tmp_path / "arms.csv"
    file.write_text("study,arm,n,mean,sd\nKim 2015,ketamine,15,4.33,1.12\nKim 2015,magnesium,15.0,3.1,NA\n")
    first, second = read_arms(file)
    assert same(first, ArmSummary("Kim 2015", "ketamine", 15, 4.33, 1.12))
    assert second.n == 15
    assert math.isnan(second.sd)
    write_arms([first], file)
    assert file.read_text() == "study,arm,n,mean,sd,how\nKim 2015,ketamine,15,4.33,1.12,reported\n"


def test_foreign_columns_survive_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "arms.csv"
    file.write_text("study,arm,dose mg,n,mean,sd,site\nA,x,0500,20,1,2,København\nA,y,,21,1.5,2,\n", encoding="utf-8")
    arms = read_arms(file)
    assert arms[0].extra == (("dose mg", "0500"), ("site", "København"))
    write_arms((*arms, FULL), file)
    again = read_arms(file)
    assert dict(again[0].extra) == {"dose mg": "0500", "site": "København"}
    assert dict(again[1].extra) == {"dose mg": "", "site": ""}
    assert same(again[0], arms[0])


def test_spreadsheet_byte_order_mark_is_no_part_of_a_column(tmp_path: Path) -> None:
    file = tmp_path / "arms.csv"
    file.write_text("study,arm,n,mean,sd\nA,x,20,1,2\n", encoding="utf-8-sig")
    assert read_arms(file)[0].study == "A"


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("study,arm,n,mean\nA,x,20,1\n", r"missing sd, found study, arm, n, mean"),
        ("study,arm,n,mean,sd\nA,x,20,1,two\n", r"line 2: expected a number for sd, found 'two'"),
        ("study,arm,n,mean,sd\nA,x,20,1,2\nA,y,1,1,2\n", r"line 3: expected an integer n of 2 or more for an SD, found 1 \(A, y\)"),
        ("study,arm,n,mean,sd\nA,x,10.5,1,2\n", r"line 2: expected an integer n of 2 or more, found 10.5"),
        ("study,arm,n,mean,sd\nA,x,,1,2\n", r"line 2: expected an integer n of 2 or more, found nan"),
        ("study,arm,n,mean,sd\nA,x,20,1,-2\n", r"line 2: expected sd finite and 0 or more, found -2"),
        ("study,arm,n,mean,sd\nA,x,20,1,2,9\n", r"line 2: more cells than the header has columns"),
        ("study,arm,n,mean,sd,how\nA,x,20,1,2,guessed\n", r"expected how to be reported or estimated, found 'guessed'"),
        ("study,arm,n,mean,sd\n,x,20,1,2\n", r"expected a name for the study"),
    ],
)
def test_wrong_cells_raise_with_file_line_and_value(tmp_path: Path, table: str, match: str) -> None:
    file = tmp_path / "arms.csv"
    file.write_text(table)
    with pytest.raises(ValueError, match=match):
        read_arms(file)


def test_numbers_of_any_kind_become_plain_ones() -> None:
    arm = ArmSummary("A", "x", np.int64(20), np.float32(1.5), 2)  # type: ignore[arg-type]
    assert (type(arm.n), type(arm.mean), type(arm.sd)) == (int, float, float)


def test_infinite_values_raise() -> None:
    with pytest.raises(ValueError, match=r"expected mean finite, found inf \(A, x\)"):
        ArmSummary("A", "x", 20, math.inf, 2)


def test_frame_has_one_row_an_arm_and_flags_in_words() -> None:
    frame = to_frame([FULL, PLAIN])
    assert list(frame["flags"]) == ["cap_missing one_sided", ""]
    assert frame.loc[0, "u_sd"] == 0.03
    assert list(to_frame([]).columns)[:5] == ["study", "arm", "n", "mean", "sd"]
