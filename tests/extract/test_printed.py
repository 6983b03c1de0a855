"""Typed tables: each printed number leads to the SD that it was made of."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from scipy.special import stdtrit

from extract import ArmSummary, iqr_per_sd
from extract.printed import arms_from_printed, read_printed

# One arm, n 25, mean 6, SD 2, printed in every way.
N, MEAN, SD = 25, 6.0, 2.0
IQR = SD * iqr_per_sd(N)
HALF = float(stdtrit(N - 1, 0.975)) * SD / math.sqrt(N)


def extracted(tmp_path: Path, header: str, *rows: str, **said: str) -> tuple[ArmSummary, ...]:
    table = tmp_path / "printed.csv"
    table.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return arms_from_printed(read_printed(table), **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("columns", "cells", "method"),
    [
        ("mean,sd", f"{MEAN},{SD}", ""),
        ("mean,se", f"{MEAN},{SD / 5}", "se x sqrt(n)"),
        ("ci_lb,ci_ub", f"{MEAN - HALF},{MEAN + HALF}", "ci95 (t)"),
        ("mean,ci_lb,ci_ub,level", f"{MEAN},{MEAN - HALF},{MEAN + HALF},95", "ci95 (t)"),
        ("median,q1,q3", f"6,{MEAN - IQR / 2},{MEAN + IQR / 2}", "wan2014 (C3, Blom)"),
        ("median,iqr", f"6,{IQR}", "iqr / eta(n) (wan2014, Blom)"),
    ],
)
def test_every_way_of_printing_gives_the_same_sd(columns: str, cells: str, method: str, tmp_path: Path) -> None:
    (arm,) = extracted(tmp_path, f"study,arm,n,{columns}", f"A,Drug,{N},{cells}")
    assert (arm.mean, arm.sd) == (pytest.approx(MEAN), pytest.approx(SD))
    assert (arm.method, arm.how) == (method, "estimated" if method else "reported")


@pytest.mark.parametrize("columns", ["md_se", "md_lb,md_ub", "md_t", "md_f", "md_p"])
def test_the_difference_of_two_arms_gives_the_sd_that_they_share(columns: str, tmp_path: Path) -> None:
    n1, n2 = 25, 22
    se = SD * math.sqrt(1 / n1 + 1 / n2)
    t = 1.5 / se
    half = float(stdtrit(n1 + n2 - 2, 0.975)) * se
    p = 2 * float(stdtrit_tail(n1 + n2 - 2, t))
    cells = {"md_se": f"{se}", "md_lb,md_ub": f"{1.5 - half},{1.5 + half}", "md_t": f"{t}", "md_f": f"{t * t}", "md_p": f"{p}"}[columns]
    rows = (f"A,Drug,{n1},6.0,{cells}", f"A,Placebo,{n2},4.5," + "," * columns.count(","))
    drug, placebo = extracted(tmp_path, f"study,arm,n,mean,{columns}", *rows)
    assert (drug.mean, drug.sd) == (6.0, pytest.approx(SD, rel=1e-9))
    assert (placebo.mean, placebo.sd) == (4.5, pytest.approx(SD, rel=1e-9))
    assert "difference" in placebo.method


def stdtrit_tail(df: int, t: float) -> float:
    from scipy.stats import t as student

    return float(student.sf(t, df))


def test_geometric_means_become_log_normal_moments(tmp_path: Path) -> None:
    mu, s = 1.2, 0.4
    half = float(stdtrit(N - 1, 0.975)) * s / math.sqrt(N)
    cells = ",".join(f"{math.exp(v)}" for v in (mu, mu - half, mu + half))
    (arm,) = extracted(tmp_path, "study,arm,n,geometric_mean,geometric_lb,geometric_ub", f"A,Drug,{N},{cells}")
    assert arm.mean == pytest.approx(math.exp(mu + s**2 / 2))
    assert arm.sd == pytest.approx(arm.mean * math.sqrt(math.exp(s**2) - 1))


def test_a_baseline_and_a_correlation_make_the_row_a_change(tmp_path: Path) -> None:
    (arm,) = extracted(tmp_path, "study,arm,n,mean,sd,baseline_mean,baseline_sd,r", "A,Drug,20,4,3,7,4,0.5")
    assert (arm.mean, arm.sd) == (-3.0, pytest.approx(math.sqrt(9 + 16 - 12)))
    assert "r = 0.5" in arm.method


def test_the_method_is_the_one_asked_for_and_the_spread_stands_beside_it(tmp_path: Path) -> None:
    (arm,) = extracted(tmp_path, "study,arm,n,minimum,q1,median,q3,maximum", "A,Drug,40,1,3,4.4,6,9.5", method="recommended")
    assert arm.method == "luo2018 (C2)"
    spread = dict(arm.extra)
    assert float(spread["sd_lowest"]) < arm.sd < float(spread["sd_highest"])


def test_what_leads_to_no_sd_is_flagged_and_stays(tmp_path: Path) -> None:
    lone, end = extracted(tmp_path, "study,arm,n,mean,median,q1,note", "A,Drug,20,4,,,seen", "B,Drug,20,,4,3,")
    assert (lone.mean, math.isnan(lone.sd), lone.flags, lone.extra) == (4.0, True, ("sd_not_printed",), (("note", "seen"),))
    assert end.flags == ("sd_not_printed",)


def test_a_median_that_stands_for_the_mean_is_flagged(tmp_path: Path) -> None:
    (arm,) = extracted(tmp_path, "study,arm,n,median,median_lb,median_ub", "A,Drug,60,4,3,5")
    assert (arm.mean, arm.flags) == (4.0, ("median_for_mean",))


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("study,arm,mean", "A,Drug,4", "missing n"),
        ("study,arm,n,mean", "A,Drug,20,four", "line 2: expected a number for mean, found 'four'"),
        ("study,arm,n,mean", "A,Drug,1,4", "line 2: expected an integer n of 2 or more"),
        ("study,arm,n,ci_lb,ci_ub", "A,Drug,20,5,4", "A, Drug: expected a lower limit up to the upper one, found 5 and 4"),
        ("study,arm,n,q1,median,q3", "A,Drug,20,5,4,6", "A, Drug: expected q1 <= median <= q3, found q1 5, median 4, q3 6"),
    ],
)
def test_wrong_cells_are_named(header: str, row: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        extracted(tmp_path, header, row)
