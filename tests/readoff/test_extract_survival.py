"""``readoff extract`` of survival curves."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitize.record import AtRiskRecord, AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord, TickRecord

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]


@pytest.fixture
def curves(tmp_path: Path) -> Path:
    """Two arms of ten, an event a month, all of the control's and half of the treated."""

    def series(name: str, events: int) -> SeriesRecord:
        points = tuple(PointRecord(x=float(k), y=1 - k / 10, px=(1.0, 1.0), u_y=0.001) for k in range(events + 1))
        return SeriesRecord(name=name, color="#000000", marker="step", points=points)

    y_axis = AxisRecord(scale="linear", ticks=(TickRecord(px=400.0, value=0.0), TickRecord(px=10.0, value=1.0)))
    panel = PanelRecord(
        id="p1-A", page=1, kind="km", bbox_px=(0, 0, 9, 9), medium="raster", x_axis=AxisRecord(scale="linear"), y_axis=y_axis,
        series=(series("Drug", 5), series("Placebo", 9)),
    )  # fmt: skip
    path = tmp_path / "km.json"
    figure = FigureRecord(source=SourceRecord(file="km.png", sha256="0", pages=(1,)), panels=(panel,))
    path.write_text(figure.model_dump_json(by_alias=True), encoding="utf-8")
    return path


def test_curves_and_numbers_at_risk_give_times_and_a_hazard_ratio(readoff: Run, curves: Path, tmp_path: Path) -> None:
    risk, out = tmp_path / "risk.csv", tmp_path / "effects.csv"
    risk.write_text("arm,time,n\nDrug,0,10\nPlacebo,0,10\n", encoding="utf-8")
    result = readoff("extract", curves, "--at-risk", risk, "--treated", "Drug", "--control", "Placebo", "--study", "A", "--out", out)
    assert (result.code, result.err) == (0, "")
    (row,) = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    assert (row["study"], row["measure"]) == ("A", "HR")
    assert float(row["yi"]) < 0
    people = list(csv.DictReader((tmp_path / "effects_individuals.csv").read_text(encoding="utf-8").splitlines()))
    assert [sum(p["arm"] == arm and p["event"] == "1" for p in people) for arm in ("Drug", "Placebo")] == [5, 9]
    assert np.isclose(float(row["vi_reading"]), 0, atol=0.05)


def with_risks(curves: Path, flags: tuple[str, ...] = ()) -> None:
    """The record with numbers at risk read below its curves."""
    figure = FigureRecord.model_validate_json(curves.read_bytes())
    rows = tuple(AtRiskRecord(arm=name, curve=name, time=(0.0, 5.0), number=(10, 5), flags=flags) for name in ("Drug", "Placebo"))
    panel = figure.panels[0].model_copy(update={"at_risk": rows})
    curves.write_text(figure.model_copy(update={"panels": (panel,)}).model_dump_json(by_alias=True), encoding="utf-8")


def test_numbers_at_risk_read_off_the_figure_need_no_table(readoff: Run, curves: Path, tmp_path: Path) -> None:
    with_risks(curves)
    out = tmp_path / "effects.csv"
    result = readoff("extract", curves, "--treated", "Drug", "--control", "Placebo", "--out", out)
    assert (result.code, result.err) == (0, "")
    assert out.exists()


def test_numbers_at_risk_in_doubt_are_asked_for(readoff: Run, curves: Path, tmp_path: Path) -> None:
    with_risks(curves, ("at_risk_doubtful",))
    result = readoff("extract", curves, "--treated", "Drug", "--control", "Placebo", "--out", tmp_path / "effects.csv")
    assert result.code == 1
    assert "'Drug' are in doubt (at_risk_doubtful): 10, 5; give them as a table" in " ".join(result.err.split())
    assert not (tmp_path / "effects.csv").exists()


def test_curves_without_numbers_at_risk_ask_for_them(readoff: Run, curves: Path) -> None:
    result = readoff("extract", curves)
    assert result.code == 1
    assert "expected numbers at risk below the curves, found none" in " ".join(result.err.split())


def test_unknown_arms_are_named(readoff: Run, curves: Path, tmp_path: Path) -> None:
    risk = tmp_path / "risk.csv"
    risk.write_text("arm,time,n\nSham,0,10\n", encoding="utf-8")
    result = readoff("extract", curves, "--at-risk", risk, "--out", tmp_path / "effects.csv")
    assert result.code == 1
    assert "expected arms among 'Drug', 'Placebo', found numbers at risk of 'Sham'" in " ".join(result.err.split())
    assert not (tmp_path / "effects.csv").exists()
