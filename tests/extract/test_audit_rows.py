"""Everything printed of an arm against itself, and a figure against the text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitize.record import AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord
from extract import ArmSummary
from extract.audit import Finding, audit_against_figure, audit_rows
from extract.printed import read_printed


def audited(tmp_path: Path, header: str, *rows: str) -> list[Finding]:
    table = tmp_path / "printed.csv"
    table.write_text("\n".join([f"study,arm,n,{header}", *rows]) + "\n", encoding="utf-8")
    return audit_rows(read_printed(table))


@pytest.mark.parametrize(
    ("header", "row", "check", "severity"),
    [
        ("mean,sd,se", "6.0,2.0,0.40", "se and sd", "pass"),
        ("mean,sd,se", "6.0,2.0,0.31", "se and sd", "impossible"),
        ("mean,sd,ci_lb,ci_ub", "6.0,2.0,5.2,6.8", "interval and sd", "pass"),
        ("mean,sd,ci_lb,ci_ub", "6.0,2.0,5.8,6.2", "interval and sd", "impossible"),
        ("mean,ci_lb,ci_ub", "6.0,5.2,6.8", "symmetry", "pass"),
        ("mean,ci_lb,ci_ub", "6.0,5.2,8.6", "symmetry", "improbable"),
        ("mean,ci_lb,ci_ub", "6.0,3.0,12.0", "symmetry", "note"),
        ("mean,sd,median", "6.0,0.4,5.0", "mean and median", "impossible"),
        ("mean,sd,median", "6.0,2.0,5.0", "mean and median", "pass"),
        ("mean,sd,minimum,maximum", "6.0,0.4,1.0,10.0", "range and sd", "impossible"),
        ("mean,sd,minimum,maximum", "6.0,2.0,2.0,10.0", "range and sd", "pass"),
        ("mean,sd,minimum,maximum", "6.0,1.4,1.0,10.0", "range and sd", "improbable"),
        ("median,q1,q3", "6.0,6.5,7.0", "order", "impossible"),
    ],
)
def test_one_arm(header: str, row: str, check: str, severity: str, tmp_path: Path) -> None:
    found = {f.check: f.severity for f in audited(tmp_path, header, f"A,drug,25,{row}")}
    assert found[check] == severity


def test_two_arms(tmp_path: Path) -> None:
    header = "mean,sd,md_p,baseline_sd"
    fits = audited(tmp_path, header, "A,drug,40,4.7,1.8,0.0000016,2.2", "A,placebo,40,7.2,2.45,,2.4")
    assert {f.check: f.severity for f in fits} == {"p": "pass", "baseline sds": "pass"}
    wrong = audited(tmp_path, header, "A,drug,40,4.7,1.8,0.034,2.2", "A,placebo,40,7.2,2.45,,0.38")
    assert {f.check: f.severity for f in wrong} == {"p": "improbable", "baseline sds": "improbable"}


def test_true_samples_raise_no_alarm(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    rows = []
    for k in range(400):
        n = int(rng.integers(5, 120))
        v = rng.normal(50, 10, n) if k % 2 else rng.exponential(10, n)
        sd = v.std(ddof=1)
        rows.append(f"S{k},drug,{n},{v.mean():.1f},{sd:.1f},{sd / np.sqrt(n):.2f},{np.median(v):.1f},{v.min():.1f},{v.max():.1f}")
    found = audited(tmp_path, "mean,sd,se,median,minimum,maximum", *rows)
    assert [f for f in found if f.severity == "impossible"] == []
    # Two in a thousand normal samples; exponential ones have long tails, and more.
    assert sum(f.severity == "improbable" for f in found) <= 30


def figure(bars: dict[str, tuple[float, float]], u: float = 0.02) -> FigureRecord:
    """A mean and the half-width of its bar, by category."""
    points = tuple(
        PointRecord(x=name, y=mean, y_lo=mean - half, y_hi=mean + half, px=(10.0 * i, 1.0), u_y=u, u_y_lo=u, u_y_hi=u)
        for i, (name, (mean, half)) in enumerate(bars.items())
    )
    series = SeriesRecord(name="", color="#000000", marker="circle", points=points)
    axis: Any = AxisRecord(scale="linear")
    panel = PanelRecord(
        id="p1-A", page=1, kind="errorbar", bbox_px=(0, 0, 99, 99), medium="raster", x_axis=axis, y_axis=axis, series=(series,)
    )
    return FigureRecord(source=SourceRecord(file="trial.png", sha256="0", pages=(1,)), panels=(panel,))


TEXT = [ArmSummary("A", "Drug", 40, 3.52, 1.61), ArmSummary("A", "Placebo", 38, 4.81, 1.74)]


def test_the_kind_of_error_bar_that_agrees_is_named() -> None:
    as_sd = audit_against_figure(TEXT, figure({"Drug": (3.53, 1.6), "Placebo": (4.8, 1.75)}))
    assert {(f.check, f.severity) for f in as_sd} == {("figure", "pass"), ("error bars", "pass")}
    as_se = audit_against_figure(TEXT, figure({"drug": (3.53, 1.61 / 40**0.5), "PLACEBO": (4.8, 1.74 / 38**0.5)}))
    (bars,) = [f for f in as_se if f.check == "error bars"]
    assert (bars.severity, bars.finding) == ("note", "the error bars fit standard errors with n = 40, 38, not SDs")
    odd = audit_against_figure(TEXT, figure({"Drug": (3.53, 1.6), "Placebo": (4.8, 0.9)}))
    (bars,) = [f for f in odd if f.check == "error bars"]
    assert bars.severity == "improbable"
    assert "as sd those of A, Placebo differ" in bars.finding


def test_a_mean_that_the_figure_does_not_show_is_found() -> None:
    findings = audit_against_figure(TEXT, figure({"Drug": (3.53, 1.6), "Placebo": (4.18, 1.75)}))
    wrong = [f for f in findings if f.severity == "improbable"]
    assert [f.where for f in wrong] == ["A, Placebo, trial.png"]
    assert "printed 4.81, read 4.18" in wrong[0].arithmetic


def test_arms_that_are_not_in_the_figure_raise() -> None:
    with pytest.raises(ValueError, match="expected arms of the table in the figure, found sham"):
        audit_against_figure(TEXT, figure({"Sham": (3.5, 1.6)}))
