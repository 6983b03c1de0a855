"""The benchmark that says why figures are lost: each cause is told from the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from causes import cause_of, causes

from digitize.record import AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord, TickRecord

X = {"type": "cat", "labels": ["A", "B"], "log": False}
Y = {"type": "num", "log": False, "ticks": [0, 5, 10]}
POINTS = [{"x": "A", "y": 4.0, "lo": 3.0, "hi": 5.0}, {"x": "B", "y": 6.0, "lo": 5.0, "hi": 7.0}]
TRUTH: dict[str, Any] = {"id": "a", "kind": "bar", "x": X, "y": Y, "series": [{"name": "Drug", "points": POINTS}]}


def point(x: str, y: float, *, lo: float | None = None) -> PointRecord:
    return PointRecord(x=x, y=y, px=(0, 0), y_lo=y - 1 if lo is None else lo, y_hi=y + 1)


def record(*points: PointRecord, ticks: tuple[float, ...] = (0.0, 5.0, 10.0), scale: Any = "linear") -> FigureRecord:
    y = AxisRecord(scale=scale, ticks=tuple(TickRecord(px=100 - 10 * k, value=v) for k, v in enumerate(ticks)))
    series = SeriesRecord(name="Drug", color="#000000", marker="bar", points=points)
    x = AxisRecord(scale="category")
    panel = PanelRecord(id="p1-A", page=1, kind="bar", bbox_px=(0, 0, 9, 9), medium="raster", x_axis=x, y_axis=y, series=(series,))
    return FigureRecord(source=SourceRecord(file="a.png", sha256="0" * 64, pages=(1,)), panels=(panel,))


A, B = point("A", 4.0), point("B", 6.0)


@pytest.mark.parametrize(
    ("read", "cause"),
    [
        (record(A, B), ""),
        (None, "axis"),
        (record(A, ticks=(0.0, 50.0, 100.0)), "axis"),
        (record(A, scale="log10"), "axis"),
        (record(A), "marks"),
        (record(A, B, point("B", 9.0)), "spurious"),
        (record(A, point("B", 6.0, lo=1.0)), "ends"),
    ],
)
def test_each_cause_is_told(read: FigureRecord | None, cause: str) -> None:
    assert cause_of(TRUTH, read) == cause


def test_boxes_of_five_numbers_are_held_against_the_record(tmp_path: Path) -> None:
    box = {"x": "A", "lo": 1.0, "q1": 2.0, "med": 4.0, "q3": 6.0, "hi": 9.0}
    truth = TRUTH | {"kind": "box", "x": X | {"labels": ["A"]}, "series": [{"name": "", "points": [box]}]}
    (tmp_path / "a.truth.json").write_text(json.dumps(truth), encoding="utf-8")
    right = PointRecord(x="A", y=4.0, px=(0, 0), median=4.0, whisker_lo=1.0, q1=2.0, q3=6.0, whisker_hi=9.0)
    for point, cause in ((right, ""), (right.model_copy(update={"whisker_hi": 8.0}), "ends")):
        (tmp_path / "a.json").write_text(record(point).model_dump_json(by_alias=True), encoding="utf-8")
        assert list(causes(tmp_path, tmp_path)) == [("a", "box", cause)]
