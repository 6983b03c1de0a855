"""``readoff audit``: a table in, findings out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]
ARMS = "study,arm,n,mean,sd\nA <b>,drug,10,3,6\nB,drug,10,5,1\n"


def test_worst_first_with_arithmetic_as_text_json_and_page(readoff: Run, tmp_path: Path) -> None:
    table, page = tmp_path / "arms.csv", tmp_path / "audit.html"
    table.write_text(ARMS, encoding="utf-8")
    result = readoff("audit", table, "--scale", "0", "10", "--html", page)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("impossible A <b>, drug: no values on this scale have so large an SD")
    assert "SD <= sqrt((3 - 0) (10 - 3) 10 / 9) = 4.83; found 6" in result.out
    assert "1 checks hold" in result.out
    text = page.read_text(encoding="utf-8")
    assert "A &lt;b&gt;, drug" in text
    assert "<b>, drug" not in text
    findings = json.loads(readoff("audit", table, "--scale", "0", "10", "--json").out)
    assert findings[0].keys() == {"check", "severity", "where", "finding", "arithmetic", "remedy"}
    assert [f["severity"] for f in findings] == ["impossible", "unusual", "pass"]


def test_wrong_use_and_files_that_are_not_there(readoff: Run, tmp_path: Path) -> None:
    assert readoff("audit", tmp_path / "none.csv").code == 1
    table = tmp_path / "arms.csv"
    table.write_text(ARMS, encoding="utf-8")
    wrong = readoff("audit", table, "--scale", "10", "0")
    assert wrong.code == 2
    assert "expected LOW below HIGH, found 10 and 0" in wrong.err


def test_a_table_of_printed_numbers_is_held_against_itself(readoff: Run, tmp_path: Path) -> None:
    table = tmp_path / "printed.csv"
    table.write_text("study,arm,n,mean,sd,se\nA,drug,25,6.0,2.0,0.31\n", encoding="utf-8")
    assert "impossible A, drug: the SE is not that of the SD" in readoff("audit", table).out
    table.write_text("study,arm,n,mean,se\nA,drug,25,6.0,0.40\n", encoding="utf-8")
    assert readoff("audit", table).code == 0


def test_a_figure_is_held_against_the_text(readoff: Run, write_record: Callable[[Path], Path], tmp_path: Path) -> None:
    record, table = write_record(tmp_path / "felsby.json"), tmp_path / "arms.csv"
    table.write_text("study,arm,n,mean,sd\nFelsby,placebo,10,9.87,1.25\n", encoding="utf-8")
    result = readoff("audit", table, "--against", record)
    assert result.code == 0
    assert "figure and text give different means" in result.out


def test_two_extractions_are_set_side_by_side(readoff: Run, tmp_path: Path) -> None:
    first, second, plot = tmp_path / "first.csv", tmp_path / "second.csv", tmp_path / "agreement.png"
    rows = [f"S{k},drug,20,{3 + k},{1.5 + k / 10}" for k in range(6)]
    first.write_text("\n".join(["study,arm,n,mean,sd", *rows]) + "\n", encoding="utf-8")
    rows[2] = "S2,drug,20,5,0.38"
    second.write_text("\n".join(["study,arm,n,mean,sd", *rows]) + "\n", encoding="utf-8")
    result = readoff("audit", first, "--second", second, "--plot", plot)
    assert result.code == 0
    assert "unusual S2, drug: the extractions differ in sd" in result.out
    assert "ICC" in result.out
    assert plot.stat().st_size > 1000
