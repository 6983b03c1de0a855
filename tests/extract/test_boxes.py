"""Arms from box plots."""

from __future__ import annotations

import math
from typing import Any

import pytest

from digitize.record import AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord
from extract import estimate
from extract.boxes import arms_from_boxes, has_boxes

FIVE = {"whisker_lo": 1.0, "q1": 3.0, "median": 4.0, "q3": 5.5, "whisker_hi": 8.0}


def box(name: str, **changes: Any) -> PointRecord:
    said: dict[str, Any] = FIVE | {f"u_{k}": 0.02 for k in FIVE} | {"outliers": ()} | changes
    return PointRecord(x=name, y=said["median"], px=(10.0, 10.0), **said)


def record(*series: SeriesRecord) -> FigureRecord:
    axis = AxisRecord(scale="linear")
    panel = PanelRecord(id="p1-A", page=1, kind="box", bbox_px=(0, 0, 9, 9), medium="raster", x_axis=axis, y_axis=axis, series=series)
    return FigureRecord(source=SourceRecord(file="boxes.png", sha256="0", pages=(1,)), panels=(panel,))


def series(name: str, *points: PointRecord) -> SeriesRecord:
    return SeriesRecord(name=name, color="#000000", marker="box", points=points)


def test_quartiles_count_and_whiskers_only_where_they_are_said_to_be_the_range() -> None:
    figure = record(series("", box("Drug"), box("Placebo")))
    assert has_boxes(figure)
    drug, placebo = arms_from_boxes(figure, study="A", n={"Drug": 20, "Placebo": 24})
    expected = estimate(20, median=4.0, q1=3.0, q3=5.5, u_median=0.02, u_q1=0.02, u_q3=0.02)
    assert (drug.arm, drug.n, drug.mean, drug.sd, drug.u_sd) == ("Drug", 20, expected.mean, expected.sd, expected.u_sd)
    assert drug.se_mean > drug.sd / math.sqrt(20)
    assert (placebo.arm, placebo.n) == ("Placebo", 24)
    five, _ = arms_from_boxes(figure, study="A", n=20, whiskers="range")
    assert five.sd == estimate(20, median=4.0, q1=3.0, q3=5.5, minimum=1.0, maximum=8.0).sd


def test_groups_are_timepoints() -> None:
    figure = record(series("Drug", box("Week 1"), box("Week 2")), series("Placebo", box("Week 1"), box("Week 2")))
    arms = arms_from_boxes(figure, study="A", n=12)
    assert [(a.arm, a.timepoint) for a in arms] == [(a, t) for a in ("Drug", "Placebo") for t in ("Week 1", "Week 2")]


def test_what_was_not_read_is_not_estimated() -> None:
    (arm,) = arms_from_boxes(record(series("", box("Drug", median=None, flags=("median_unseen",)))), study="A", n=12)
    assert math.isnan(arm.mean)
    assert arm.flags == ("median_unseen",)


def test_bad_input() -> None:
    figure = record(series("", box("Drug", outliers=(11.0,))))
    with pytest.raises(ValueError, match="expected whiskers that are the range, found outliers beyond them"):
        arms_from_boxes(figure, study="A", n=12, whiskers="range")
    with pytest.raises(ValueError, match="expected n of 'Drug', found 'Placebo'"):
        arms_from_boxes(figure, study="A", n={"Placebo": 3})
    with pytest.raises(ValueError, match="expected one box plot p9, found p1-A"):
        arms_from_boxes(figure, study="A", n=12, panel="p9")
