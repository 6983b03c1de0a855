"""The figure record: what is written is what is read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from digitize.record import SCHEMA, AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord, TickRecord, read_record

POINT_COLUMNS = [
    *("panel", "kind", "series", "x", "y", "y_lo", "y_hi", "x_lo", "x_hi"),
    *("u_x", "u_y", "u_y_lo", "u_y_hi", "u_x_lo", "u_x_hi", "flags", "confidence", "px_x", "px_y"),
]


def panel(*points: PointRecord, name: str = "p1-A") -> PanelRecord:
    axis = AxisRecord(scale="linear", title="Pain", rmse_px=0.2, ticks=(TickRecord(px=10.0, value=0.0, label="0"),))
    series = SeriesRecord(name="Placebo", color="#1f77b4", marker="circle-open", points=points)
    return PanelRecord(
        id=name, page=1, kind="errorbar", bbox_px=(0, 0, 9, 9), medium="raster", x_axis=axis, y_axis=axis, series=(series,)
    )


def record(*panels: PanelRecord) -> FigureRecord:
    return FigureRecord(source=SourceRecord(file="figure.png", sha256="0" * 64, pages=(1,)), panels=panels)


FLAGS = ("mirrored", "clipped")
POINT = PointRecord(x=15.0, y=4.02, px=(103.4, 211.8), y_lo=3.1, y_hi=5.0, u_x=0.1, u_y=0.02, flags=FLAGS, confidence=0.97)
NAMED = PointRecord(x="Week 4", y=2.0, px=(150.0, 230.0))


def test_json_gives_the_same_record(tmp_path: Path) -> None:
    path = tmp_path / "figure.json"
    whole = record(panel(POINT, NAMED))
    path.write_text(whole.to_json(), encoding="utf-8")
    again = read_record(path)
    assert again == whole
    assert again.to_json() == whole.to_json()


def test_json_has_the_names_of_the_contract() -> None:
    data = json.loads(record(panel(POINT)).to_json())
    assert data["schema"] == SCHEMA == "readoff/figure-1"
    assert data["source"] == {"file": "figure.png", "sha256": "0" * 64, "pages": [1]}
    (found,) = data["panels"]
    assert {"id", "page", "kind", "bbox_px", "medium", "x_axis", "y_axis", "series"} <= set(found)
    assert {"scale", "title", "rmse_px", "ticks"} <= set(found["x_axis"])
    assert {"px", "value", "label", "used"} <= set(found["x_axis"]["ticks"][0])
    (series,) = found["series"]
    assert set(series) == {"name", "color", "marker", "points"}
    (point,) = series["points"]
    assert point["px"] == [103.4, 211.8]
    assert {"x", "y", "y_lo", "y_hi", "x_lo", "x_hi", "u_x", "u_y", "u_y_lo", "u_y_hi", "flags", "confidence"} <= set(point)


def test_fields_of_a_later_version_survive(tmp_path: Path) -> None:
    data: dict[str, Any] = json.loads(record(panel(POINT)).to_json())
    data["reviewed_by"] = "A. N. Other"
    data["panels"][0]["letter"] = "A"
    data["panels"][0]["series"][0]["points"][0]["printed"] = {"n": 12}
    path = tmp_path / "figure.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert json.loads(read_record(path).to_json()) == data


def test_what_is_not_a_number_is_null() -> None:
    point = PointRecord(x=math.nan, y=1.0, px=(1.0, 2.0), y_lo=math.nan, u_y=math.nan)
    assert point.x is None
    assert point.y_lo is None
    data = json.loads(record(panel(point)).to_json())["panels"][0]["series"][0]["points"][0]
    assert data["x"] is data["y_lo"] is data["u_y"] is None


@pytest.mark.parametrize("field", ["y", "y_lo", "u_y", "confidence"])
def test_infinity_is_no_value(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        PointRecord.model_validate({"x": 1.0, "y": 1.0, "px": (1.0, 2.0), field: math.inf})


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        POINT.y = 5.0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schema": "readoff/figure-2"}, "schema"),
        ({"panels": [{}]}, r"panels\.0\.id"),
        ({"source": {"file": "a.png", "pages": [1]}}, r"source\.sha256"),
    ],
)
def test_what_is_no_record_is_refused_with_file_and_field(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps({**json.loads(record().to_json()), **change}), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"other\.json: not a figure record \({field} .+\)") as error:
        read_record(path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_json_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text("{ not json", encoding="utf-8")
    with pytest.raises(ValueError, match=r"notes\.json: not a figure record"):
        read_record(path)


def test_the_frame_has_a_row_a_point_and_the_columns_of_the_contract() -> None:
    frame = record(panel(POINT, NAMED), panel(POINT, name="p1-B")).to_frame()
    assert list(frame.columns) == POINT_COLUMNS
    assert frame["panel"].tolist() == ["p1-A", "p1-A", "p1-B"]
    assert frame["x"].tolist() == [15.0, "Week 4", 15.0]
    assert frame["flags"].tolist() == ["mirrored clipped", "", "mirrored clipped"]
    first = frame.iloc[0]
    assert (first["px_x"], first["px_y"]) == (103.4, 211.8)
    assert (first["kind"], first["series"], first["y_hi"]) == ("errorbar", "Placebo", 5.0)


def test_an_empty_record_has_an_empty_frame_with_the_same_columns() -> None:
    frame = record().to_frame()
    assert list(frame.columns) == POINT_COLUMNS
    assert frame.empty


def test_fields_beside_the_contract_are_columns_at_the_end() -> None:
    point = PointRecord.model_validate({**POINT.model_dump(), "median": 4.0})
    frame = record(panel(POINT, point)).to_frame()
    assert list(frame.columns) == [*POINT_COLUMNS, "median"]
    assert frame["median"].tolist()[1] == 4.0
