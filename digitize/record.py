"""The figure record: what was read off one file, as it is written to JSON and CSV.

The names here are a contract with everything downstream: field names change only together with `SCHEMA`. Pixels are those of the
original image (or of the page's rendering), x right, y down, the centre of the top-left pixel at (0, 0). A value that could not be read is
None, and its point carries a flag that says why.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    import pandas as pd  # imported where a table is made: it takes longer than all else

SCHEMA: Literal["readoff/figure-1"] = "readoff/figure-1"

Kind = Literal["errorbar", "bar", "box", "scatter", "forest", "km", "line", "histogram", "unknown"]
Medium = Literal["raster", "vector"]
ScaleName = Literal["linear", "log10", "date", "category"]
BBox = tuple[float, float, float, float]


class Record(BaseModel):
    """A part of the record: immutable, and open to fields that a later version adds."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


class TickRecord(Record):
    """One tick: where it stands along its axis (px), what its label says, and whether the fit uses it (if not, `reason` says why)."""

    px: float
    value: float | str | None
    label: str = ""
    used: bool = True
    reason: str = ""


class AxisRecord(Record):
    """One axis: its scale, its ticks, and the root-mean-square residual of the fit in pixels (None where nothing was fitted).

    `unit` is what the values count where the labels say it: `week`, `days since 1970-01-01`. `runner_up` is the reading that the labels
    spoke for next: its scale, and its values at the first and the last tick; empty where there was none.
    """

    scale: ScaleName
    title: str = ""
    rmse_px: float | None = None
    ticks: tuple[TickRecord, ...] = ()
    flags: tuple[str, ...] = ()
    reason: str = ""
    runner_up: str = ""
    unit: str = ""


class PointRecord(Record):
    """One mark: its place in data units and pixels, the ends of its error bars, standard uncertainties (u_*) of reading, and flags."""

    x: float | str | None
    y: float | str | None
    px: tuple[float, float]
    y_lo: float | None = None
    y_hi: float | None = None
    x_lo: float | None = None
    x_hi: float | None = None
    u_x: float | None = None
    u_y: float | None = None
    u_y_lo: float | None = None
    u_y_hi: float | None = None
    u_x_lo: float | None = None
    u_x_hi: float | None = None
    flags: tuple[str, ...] = ()
    confidence: float = 1.0

    @field_validator("x", "y", "y_lo", "y_hi", "x_lo", "x_hi", "u_x", "u_y", "u_y_lo", "u_y_hi", "u_x_lo", "u_x_hi", mode="before")
    @classmethod
    def _nan_is_null(cls, value: Any) -> Any:
        return None if isinstance(value, float) and math.isnan(value) else value


class SeriesRecord(Record):
    """One series: its name (from the legend, else "Series 1", ...), how it is drawn, and its points."""

    name: str
    color: str
    marker: str
    points: tuple[PointRecord, ...] = ()


class AtRiskRecord(Record):
    """Numbers at risk as printed below survival curves: the row's name, the series that it belongs to (empty where none is like it).

    `number` participants stand at each `time`, None where a number could not be read.
    """

    arm: str
    curve: str = ""
    time: tuple[float, ...] = ()
    number: tuple[int | None, ...] = ()
    flags: tuple[str, ...] = ()


class PanelRecord(Record):
    """One plot: its box, its axes, its series; `refused` says in words why a panel holds no series.

    `runner_up` is the kind that the picture spoke for next, empty where it spoke for no other. In a horizontal panel the y axis holds the
    values but lies level in the image, and the x axis stands upright: its ticks' px count down the image, those of y to the right.
    `caption` is the text that a PDF prints for the figure, `at_risk` the table that stands below survival curves.
    """

    id: str
    page: int
    kind: Kind
    bbox_px: BBox
    medium: Medium
    x_axis: AxisRecord
    y_axis: AxisRecord
    series: tuple[SeriesRecord, ...] = ()
    flags: tuple[str, ...] = ()
    refused: str = ""
    runner_up: str = ""
    orientation: Literal["vertical", "horizontal"] = "vertical"
    caption: str = ""
    at_risk: tuple[AtRiskRecord, ...] = ()


class SaidRecord(Record):
    """Words of a caption about error bars or group sizes: what they tell (sd, se, ci95, iqr, range, n), as quoted, and their sentence.

    They are for a person to judge: nothing is ever computed from them.
    """

    means: str
    quote: str
    sentence: str = ""


class FoundRecord(Record):
    """A part of a page that was taken for a figure: its box, its label and caption, its panels, or why it holds none (`skipped`).

    `caption_unread` says why no caption could be read, where the page cannot tell whether there is one.
    """

    page: int
    bbox_px: BBox
    label: str = ""
    caption: str = ""
    says: tuple[SaidRecord, ...] = ()
    panels: tuple[str, ...] = ()
    skipped: str = ""
    caption_unread: str = ""


class SourceRecord(Record):
    """The file that was read."""

    file: str
    sha256: str
    pages: tuple[int, ...]


class FigureRecord(Record):
    """What was read off one file."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, populate_by_name=True)

    schema_: Literal["readoff/figure-1"] = Field(default=SCHEMA, alias="schema")
    source: SourceRecord
    panels: tuple[PanelRecord, ...] = ()
    figures: tuple[FoundRecord, ...] = ()

    def to_json(self) -> str:
        """The record as indented JSON text."""
        return self.model_dump_json(by_alias=True, indent=1)

    def to_frame(self) -> pd.DataFrame:
        """The points, one a row: panel, series, then the fields of a point (`px` as px_x and px_y, flags joined by a space)."""
        import pandas as pd

        rows = []
        for panel in self.panels:
            for series in panel.series:
                for point in series.points:
                    row = {"panel": panel.id, "kind": panel.kind, "series": series.name, **point.model_dump()}
                    row["px_x"], row["px_y"] = row.pop("px")
                    row["flags"] = " ".join(point.flags)
                    rows.append(row)
        columns = ["panel", "kind", "series", *(f for f in PointRecord.model_fields if f != "px"), "px_x", "px_y"]
        frame = pd.DataFrame(rows, columns=None if rows else columns)
        return frame[columns + [c for c in frame.columns if c not in columns]]


def read_record(path: str | Path) -> FigureRecord:
    """The record in a JSON file.

    Raises
    ------
    ValueError
        If the file is not a figure record; the message names the file and the first field that is wrong.
    """
    try:
        return FigureRecord.model_validate_json(Path(path).read_bytes())
    except ValueError as error:
        first = str(error).splitlines()[1:3]
        message = f"{path}: not a figure record ({' '.join(part.strip() for part in first)})"
        raise ValueError(message) from error
