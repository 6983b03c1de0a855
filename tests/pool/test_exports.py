"""What other programs get."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from extract import ArmSummary
from pool import Effect, Effects, combine, effects_from_arms
from pool.exports import metafor_script, revman_csv, write_workbook

ARMS = [
    ArmSummary("Able", "drug", 20, 3.0, 1.5), ArmSummary("Able", "placebo", 20, 4.0, 1.2),
    ArmSummary('Baker "B"', "drug", 30, 2.6, 1.5), ArmSummary('Baker "B"', "placebo", 30, 4.5, 1.4),
]  # fmt: skip
RESULT = combine(effects_from_arms(ARMS, "drug", "placebo", "MD"), method="REML", test="knha")


def test_revman_gets_means_or_effects() -> None:
    rows = list(csv.DictReader(revman_csv(RESULT, "Pain").splitlines()))
    assert (rows[0]["Study"], rows[0]["Mean 1"], rows[0]["SD 2"], rows[1]["Total 1"]) == ("Able", "3.0", "1.2", "30")
    generic = combine(Effects("HR", (Effect("Able", -0.5, 0.04),)))
    (row,) = csv.DictReader(revman_csv(generic, "Death").splitlines())
    assert (float(row["Effect"]), float(row["SE"])) == (-0.5, 0.2)


def test_a_workbook_reads_back(tmp_path: Path) -> None:
    write_workbook(RESULT, tmp_path / "pooled.xlsx")
    studies = pd.read_excel(tmp_path / "pooled.xlsx", sheet_name="studies")
    pooled = pd.read_excel(tmp_path / "pooled.xlsx", sheet_name="pooled").set_index("quantity")["value"]
    assert studies["yi"].tolist() == pytest.approx([e.yi for e in RESULT.studies])
    assert float(pooled["estimate"]) == pytest.approx(RESULT.estimate)


def test_the_script_holds_all_digits() -> None:
    script = metafor_script(RESULT)
    assert 'method = "REML", test = "knha"' in script
    assert '"Baker \\"B\\""' in script
    for effect in RESULT.studies:
        assert repr(effect.vi) in script


def test_the_script_of_a_generalised_q_holds_its_weights() -> None:
    effects = Effects("GEN", (Effect("Able", 0.5, 0.04), Effect("Baker", 0.1, 0.09)))
    script = metafor_script(combine(effects, "GENQ", weights=[1.0, 3.0]))
    assert 'method = "GENQ", test = "z", level = 95, weights = c(25, 75),' in script


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")
def test_r_reads_the_script(tmp_path: Path) -> None:
    path = tmp_path / "rerun.R"
    path.write_text(f"parse(text = {metafor_script(RESULT)!r})\n", encoding="utf-8")
    assert subprocess.run(["Rscript", "--vanilla", str(path)], capture_output=True, check=False, timeout=60).returncode == 0


def test_a_name_that_begins_like_a_formula_is_none_in_the_workbook(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    result = combine(Effects("MD", (Effect("=1+1", 0.1, 0.1), Effect("B", 0.5, 0.2))))
    write_workbook(result, tmp_path / "pooled.xlsx")
    cell = load_workbook(tmp_path / "pooled.xlsx")["studies"]["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")
