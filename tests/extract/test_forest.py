"""Rows of a forest plot as effects: print and drawing weighed together, disagreement refused, counts of two arms."""

from __future__ import annotations

import math
from typing import Any

import pytest

from digitize.record import AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord
from extract import counts_from_forest, effects_from_forest, forest_panel
from extract.forest import distinct

Z = 1.959964


def point(name: str, drawn: tuple[float, float, float], printed: dict[str, Any] | None = None, **more: Any) -> PointRecord:
    x, lo, hi = drawn
    said = {"row": "study", **({"printed": printed} if printed else {}), **more}
    u = 0.02
    return PointRecord(x=x, y=name, px=(0, 0), x_lo=lo, x_hi=hi, u_x=u, u_x_lo=u, u_x_hi=u, **said)


def panel(*points: PointRecord, scale: str = "linear", **said: Any) -> PanelRecord:
    axis = AxisRecord(scale=scale)  # type: ignore[arg-type]
    series = SeriesRecord(name="", color="#000000", marker="square", points=points)
    return PanelRecord(
        id="p1-A", page=1, kind="forest", bbox_px=(0, 0, 9, 9), medium="raster", x_axis=axis, y_axis=AxisRecord(scale="category"),
        series=(series,), **said,
    )  # fmt: skip


def printed(effect: float, lo: float, hi: float) -> dict[str, Any]:
    return {"effect": effect, "ci_lb": lo, "ci_ub": hi, "text": f"{effect:.2f} [{lo:.2f}, {hi:.2f}]"}


def test_a_drawn_row_gives_its_estimate_and_variance() -> None:
    (row,) = effects_from_forest(panel(point("A", (1.0, 0.0, 2.0)))).rows
    assert (row.yi, row.vi) == pytest.approx((1.0, Z**-2), rel=1e-6)
    assert row.how == "drawing"
    assert row.vi_reading == pytest.approx(0.02**2 / 3)  # three equal readings, even about the estimate


def test_ratios_are_given_as_logarithms() -> None:
    rows = effects_from_forest(panel(point("A", (2.0, 1.0, 4.0)), scale="log10", measure="OR")).rows
    assert (rows[0].yi, rows[0].vi) == pytest.approx((math.log(2), (math.log(2) / Z) ** 2), rel=1e-6)


def test_a_coarsely_rounded_end_gives_way_to_its_drawing() -> None:
    # 0.14 (0.02, 1.13): the lower limit was 0.0175; rounding would make the interval 12 % too short on the log scale
    true = math.log(1.13 / 0.0175) / (2 * Z)
    mark = point("A", (0.1406, 0.0175, 1.13), printed(0.14, 0.02, 1.13)).model_copy(update={"u_x": 0.001, "u_x_lo": 0.0002, "u_x_hi": 0.01})
    (row,) = effects_from_forest(panel(mark, scale="log10", measure="RR")).rows
    assert math.sqrt(row.vi) == pytest.approx(true, rel=0.005)
    assert row.how == "both"


def test_a_row_whose_print_and_drawing_disagree_is_not_given() -> None:
    mark = point("A", (1.0, 0.0, 2.0), printed(5.0, 0.0, 2.0), differs="estimate: printed 5, drawn 1").model_copy(
        update={"flags": ("print_differs",)}
    )
    effects = effects_from_forest(panel(mark, point("B", (1.0, 0.0, 2.0))))
    assert math.isnan(effects.rows[0].yi)
    assert effects.rows[0].reason == "estimate: printed 5, drawn 1"
    assert effects.to_frame()["yi"].isna().tolist() == [True, False]


def test_other_levels_are_read_from_the_heading() -> None:
    (row,) = effects_from_forest(panel(point("A", (0.0, -2.5758, 2.5758)), heading="MD (99% CI)")).rows
    assert row.vi == pytest.approx(1.0, rel=1e-4)


def test_equal_names_are_told_apart() -> None:
    assert distinct(["Li 2018", "Wu 2017", "Li 2018", "Li 2018"]) == ["Li 2018", "Wu 2017", "Li 2018 (b)", "Li 2018 (c)"]


def test_printed_counts_become_two_arms_a_study() -> None:
    mark = point("A", (1.0, 0.5, 2.0), {"events": [16.0, 10.0], "total": [18.0, 20.0]})
    assert counts_from_forest(panel(mark)).to_numpy().tolist() == [["A", "treated", 16, 18], ["A", "control", 10, 20]]
    means = point("A", (1.0, 0.5, 2.0), {"mean": [1.0, 2.0], "sd": [0.5, 0.6], "total": [18.0, 20.0]})
    assert list(counts_from_forest(panel(means)).columns) == ["study", "arm", "n", "mean", "sd"]
    with pytest.raises(ValueError, match="expected columns of events and totals"):
        counts_from_forest(panel(point("A", (1.0, 0.5, 2.0))))


def test_the_forest_plot_of_a_figure_must_be_the_only_one() -> None:
    source = SourceRecord(file="f.png", sha256="0", pages=(1,))
    one = panel(point("A", (1.0, 0.5, 2.0)))
    assert forest_panel(FigureRecord(source=source, panels=(one,))) == one
    with pytest.raises(ValueError, match="expected one forest plot, found none"):
        forest_panel(FigureRecord(source=source, panels=()))
