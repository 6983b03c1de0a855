"""From a figure record to arms: which points are which arm, what is carried, what is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from digitize.record import AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord, TickRecord
from extract import FLAGS, arms_from_record, estimate

U = {"u_x": 0.1, "u_y": 0.02, "u_y_lo": 0.03, "u_y_hi": 0.04}


def point(x: float | str | None, y: float | None, lo: float | None, hi: float | None, px: float = 0.0, **more: Any) -> PointRecord:
    return PointRecord(x=x, y=y, y_lo=lo, y_hi=hi, px=(px, 100.0), **(U | more))


def figure(series: Sequence[SeriesRecord], kind: str = "errorbar", y_scale: str = "linear", **more: Any) -> FigureRecord:
    x_axis = AxisRecord(scale="linear", ticks=tuple(TickRecord(px=100.0 + 10 * t, value=float(t)) for t in (0, 15, 30, 60)))
    panel = PanelRecord(
        id="p1-A", page=1, kind=kind, bbox_px=(90, 0, 710, 400), medium="raster", x_axis=x_axis, y_axis=AxisRecord(scale=y_scale),
        series=tuple(series), **more,
    )  # fmt: skip
    return FigureRecord(source=SourceRecord(file="trial.png", sha256="0", pages=(1,)), panels=(panel,))


def over_time() -> FigureRecord:
    """Two series at 15 and 60 minutes, drawn side by side (dodged) as such figures are."""
    return figure(
        [
            SeriesRecord(
                name="Mg", color="#000000", marker="circle", points=(point(14.5, 4.0, 2.0, 6.5, 245), point(59.5, 3.5, 1.5, 6.0, 695))
            ),
            SeriesRecord(
                name="Saline", color="#777777", marker="square", points=(point(15.5, 5.0, 3.0, 7.5, 255), point(60.5, 4.6, 2.5, 7.0, 705))
            ),
        ]
    )


def by_category() -> FigureRecord:
    marks = (("Magnesium", 4.0, 2.0, 6.5), ("Placebo", 5.0, 3.0, 7.5), ("Baseline", 5.5, 3.0, 8.0))
    points = tuple(point(x, y, lo, hi, 100 + 50 * i) for i, (x, y, lo, hi) in enumerate(marks))
    return figure([SeriesRecord(name="Series 1", color="#000000", marker="circle", points=points)])


def test_series_are_arms_and_x_is_the_timepoint() -> None:
    arms = arms_from_record(over_time(), study="S", n=10, error_bars="se", names={"Mg": "magnesium", "Saline": "placebo"})
    assert [(a.arm, a.timepoint, a.mean) for a in arms] == [
        ("magnesium", "15", 4.0),
        ("magnesium", "60", 3.5),
        ("placebo", "15", 5.0),
        ("placebo", "60", 4.6),
    ]
    first = arms[0]
    assert first.sd == pytest.approx(2.25 * math.sqrt(10))
    assert (first.u_mean, first.u_sd) == (0.02, pytest.approx(math.sqrt(10) * 0.05 / 2))
    assert (first.how, first.error_bars, first.method) == ("estimated", "se", "se x sqrt(n)")
    assert first.source == "trial.png, page 1, panel p1-A, Mg, x 14.5"


def test_one_timepoint_may_be_asked_for() -> None:
    for wanted in (60, 60.0, "60"):
        arms = arms_from_record(over_time(), study="S", n=10, error_bars="sd", timepoint=wanted)
        assert [(a.arm, a.timepoint, a.mean) for a in arms] == [("Mg", "60", 3.5), ("Saline", "60", 4.6)]
    near = arms_from_record(over_time(), study="S", n=10, error_bars="sd", timepoint=58)
    assert [(a.timepoint, a.mean) for a in near] == [("58", 3.5), ("58", 4.6)]
    with pytest.raises(ValueError, match=r"expected a timepoint of the figure, found '38'; timepoints in the figure: 15, 60"):
        arms_from_record(over_time(), study="S", n=10, error_bars="sd", timepoint=38)


def test_a_timepoint_away_from_any_tick_keeps_its_own_number() -> None:
    marks = (point(7.03, 4.0, 2.0, 6.0, 170), point(28.04, 3.5, 1.5, 6.0, 380))
    arms = arms_from_record(
        figure([SeriesRecord(name="Mg", color="#000000", marker="circle", points=marks)]), study="S", n=10, error_bars="sd"
    )
    assert [a.timepoint for a in arms] == ["7", "28"]  # read to 0.1; the tick at 30 is not taken for 28


def test_points_of_one_series_never_share_a_timepoint() -> None:
    close = (point(15.0, 4.0, 2.0, 6.0, 250), point(15.2, 3.5, 1.5, 6.0, 252))
    arms = arms_from_record(
        figure([SeriesRecord(name="Mg", color="#000000", marker="circle", points=close)]), study="S", n=10, error_bars="sd"
    )
    assert len({a.timepoint for a in arms}) == 2


def test_categories_are_arms_where_there_is_one_series() -> None:
    every = arms_from_record(by_category(), study="S", n=10, error_bars="range", centre="median")
    assert [(a.arm, a.timepoint) for a in every] == [("Magnesium", ""), ("Placebo", ""), ("Baseline", "")]
    named = arms_from_record(
        by_category(), study="S", n=10, error_bars="range", centre="median", names={"Placebo": "placebo", "Magnesium": "magnesium"}
    )
    assert [a.arm for a in named] == ["placebo", "magnesium"]


def test_median_and_range_go_through_wan2014_with_their_uncertainty() -> None:
    arm = arms_from_record(by_category(), study="S", n=10, error_bars="range", centre="median")[0]
    expected = estimate(10, median=4.0, minimum=2.0, maximum=6.5, u_median=0.02, u_minimum=0.03, u_maximum=0.04)
    assert (arm.mean, arm.sd, arm.u_mean, arm.u_sd) == (expected.mean, expected.sd, expected.u_mean, expected.u_sd)
    assert (arm.se_mean, arm.method) == (expected.se_mean, "wan2014 (C1, Blom)")
    quartiles = arms_from_record(by_category(), study="S", n=10, error_bars="iqr", centre="median", xi="exact")[0]
    assert quartiles.sd == estimate(10, median=4.0, q1=2.0, q3=6.5, xi="exact").sd
    assert quartiles.method == "wan2014 (C3, exact)"


def test_grouped_bars_may_be_read_either_way() -> None:
    series = [
        SeriesRecord(name=name, color="#000000", marker="", points=(point("Mg", y, None, y + 1), point("Saline", y + 1, None, y + 2)))
        for name, y in (("Before", 6.0), ("After", 4.0))
    ]
    bars = figure(series, kind="bar")
    by_series = arms_from_record(bars, study="S", n=10, error_bars="sd")
    assert [(a.arm, a.timepoint) for a in by_series] == [("Before", "Mg"), ("Before", "Saline"), ("After", "Mg"), ("After", "Saline")]
    as_arms = arms_from_record(bars, study="S", n=10, error_bars="sd", names={"Mg": "magnesium"}, timepoint="After")
    assert [(a.arm, a.timepoint, a.mean, a.flags) for a in as_arms] == [("magnesium", "After", 4.0, ("one_sided",))]


def test_n_for_each_arm_by_either_name() -> None:
    names = {"Mg": "magnesium", "Saline": "placebo"}
    arms = arms_from_record(over_time(), study="S", n={"magnesium": 12, "Saline": 14}, error_bars="sd", names=names, timepoint=15)
    assert [a.n for a in arms] == [12, 14]
    with pytest.raises(ValueError, match=r"expected n for the arm 'placebo', found n for 'magnesium'"):
        arms_from_record(over_time(), study="S", n={"magnesium": 12}, error_bars="sd", names=names)
    with pytest.raises(ValueError, match=r"expected an integer n of 2 or more"):
        arms_from_record(over_time(), study="S", n=1, error_bars="sd")


@pytest.mark.parametrize(
    ("lo", "hi", "kind", "centre", "mean"),
    [(None, None, "se", "mean", 4.0), (2.0, None, "range", "mean", 4.0), (2.0, None, "range", "median", math.nan)],
)
def test_a_missing_end_is_not_dropped(lo: float | None, hi: float | None, kind: str, centre: Any, mean: float) -> None:
    mark = point(15.0, 4.0, lo, hi, 250, flags=("cap_missing",))
    record = figure([SeriesRecord(name="Mg", color="#000000", marker="circle", points=(mark,))])
    (arm,) = arms_from_record(record, study="S", n=10, error_bars=kind, centre=centre)
    assert math.isnan(arm.sd)
    assert arm.mean == pytest.approx(mean, nan_ok=True)
    assert "cap_missing" in arm.flags
    assert "sd_not_readable" in arm.flags
    assert ("mean_not_readable" in arm.flags) == math.isnan(mean)


def test_unread_centre_and_place_are_flagged() -> None:
    record = figure([SeriesRecord(name="Mg", color="#000000", marker="circle", points=(point(None, None, 2.0, 6.0),))])
    (arm,) = arms_from_record(record, study="S", n=10, error_bars="sd")
    assert set(arm.flags) == {"mean_not_readable", "sd_not_readable", "timepoint_not_readable"}
    assert math.isnan(arm.mean)


def test_flags_of_point_panel_and_axis_are_carried() -> None:
    mark = point(15.0, 4.0, 2.0, 6.0, 250, flags=("occluded",))
    series = [SeriesRecord(name="Mg", color="#000000", marker="circle", points=(mark,))]
    record = figure(series, y_scale="log10", flags=("panel_doubt",))
    panel = record.panels[0]
    axis = panel.y_axis.model_copy(update={"flags": ("few_ticks",)})
    record = record.model_copy(update={"panels": (panel.model_copy(update={"y_axis": axis}),)})
    (arm,) = arms_from_record(record, study="S", n=10, error_bars="sd")
    assert arm.flags == ("occluded", "panel_doubt", "few_ticks", "log_axis")


def test_an_end_on_the_wrong_side_is_moved_within_reading_error_and_refused_beyond() -> None:
    def read(lo: float) -> Any:
        record = figure([SeriesRecord(name="Mg", color="#000000", marker="circle", points=(point(15.0, 0.0, lo, 6.0, 250),))])
        return arms_from_record(record, study="S", n=10, error_bars="range", centre="median")[0]

    assert read(0.05).flags == ("end_clamped",)  # 0.05 is 1.4 standard uncertainties
    assert read(0.05).sd == estimate(10, median=0.0, minimum=0.0, maximum=6.0).sd
    assert math.isnan(read(1.0).sd)
    assert "ends_out_of_order" in read(1.0).flags


def test_every_flag_that_extraction_adds_is_explained() -> None:
    lone = figure([SeriesRecord(name="Mg", color="#000000", marker="circle", points=(point(15.0, 4.0, 3.9, 9.0, 250),))], y_scale="log10")
    seen = {flag for n in (3, 10) for a in arms_from_record(lone, study="S", n=n, error_bars="sd") for flag in a.flags}
    assert {"asymmetric", "log_axis"} <= seen
    assert seen <= FLAGS.keys()


def test_names_that_are_not_in_the_figure_raise_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"found 'Ketamine'; series in the figure: 'Mg', 'Saline'"):
        arms_from_record(over_time(), study="S", n=10, error_bars="sd", names={"Mg": "magnesium", "Ketamine": "ketamine"})
    with pytest.raises(
        ValueError, match=r"found no name; series in the figure: 'Series 1'; categories: 'Magnesium', 'Placebo', 'Baseline'"
    ):
        arms_from_record(by_category(), study="S", n=10, error_bars="sd", names={})


def test_error_bars_must_be_named_and_fit_the_centre() -> None:
    with pytest.raises(ValueError, match=r"error bars: say what they are"):
        arms_from_record(over_time(), study="S", n=10, error_bars=None)
    with pytest.raises(ValueError, match=r"expected the error bars of a median to be iqr or range, found se"):
        arms_from_record(over_time(), study="S", n=10, error_bars="se", centre="median")
    with pytest.raises(ValueError, match=r"expected centre to be mean, median or geometric, found 'mode'"):
        arms_from_record(over_time(), study="S", n=10, error_bars="se", centre="mode")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"expected method to be one of wan2014, .* or recommended, found 'luo2019'"):
        arms_from_record(over_time(), study="S", n=10, error_bars="range", centre="median", method="luo2019")


def test_panels_that_cannot_be_read_as_arms_raise() -> None:
    record = over_time()
    two = record.model_copy(update={"panels": (record.panels[0], record.panels[0].model_copy(update={"id": "p1-B"}))})
    with pytest.raises(ValueError, match=r"trial.png: expected one panel with series \(say which panel\), found p1-A, p1-B"):
        arms_from_record(two, study="S", n=10, error_bars="sd")
    assert len(arms_from_record(two, study="S", n=10, error_bars="sd", panel="p1-B")) == 4
    with pytest.raises(ValueError, match=r"expected a panel 'p9', found p1-A, p1-B"):
        arms_from_record(two, study="S", n=10, error_bars="sd", panel="p9")
    with pytest.raises(ValueError, match=r"panel p1-A: expected an errorbar or bar panel, found km"):
        arms_from_record(figure(record.panels[0].series, kind="km"), study="S", n=10, error_bars="sd")
    with pytest.raises(ValueError, match=r"expected points, found none \(fewer than 2 ticks\)"):
        arms_from_record(figure([], refused="fewer than 2 ticks"), study="S", n=10, error_bars="sd")
    with pytest.raises(ValueError, match=r"expected values along the y axis, found a category axis"):
        arms_from_record(figure(record.panels[0].series, y_scale="category"), study="S", n=10, error_bars="sd")


def test_each_timepoint_may_have_its_own_n() -> None:
    n = {"Mg": 12, "Mg@60": 10, "Saline": 11}
    arms = arms_from_record(over_time(), study="S", n=n, error_bars="se")
    assert [(a.arm, a.timepoint, a.n) for a in arms] == [("Mg", "15", 12), ("Mg", "60", 10), ("Saline", "15", 11), ("Saline", "60", 11)]


def test_bars_that_are_even_in_logarithms_are_those_of_log_normal_data() -> None:
    mu, s, n = 1.2, 0.5, 16
    low, high = (math.exp(mu + sign * s / math.sqrt(n)) for sign in (-1, 1))
    drawn = figure([SeriesRecord(name="Drug", color="#000000", marker="circle", points=(point(15.0, math.exp(mu), low, high, 250),))])
    (arm,) = arms_from_record(drawn, study="S", n=n, error_bars="se", centre="geometric")
    assert arm.mean == pytest.approx(math.exp(mu + s**2 / 2))
    assert arm.sd == pytest.approx(arm.mean * math.sqrt(math.exp(s**2) - 1))
    assert arm.flags == ()
    rng = np.random.default_rng(2)
    y, lo, hi = (np.log(v + u * rng.normal(size=20_000)) for v, u in ((math.exp(mu), 0.02), (low, 0.03), (high, 0.04)))
    spread = (hi - lo) / 2 * math.sqrt(n)
    mean = np.exp(y + spread**2 / 2)
    # The derivatives leave out the curvature within the readings, here a percent or two.
    assert arm.u_mean == pytest.approx(np.std(mean), rel=0.04)
    assert arm.u_sd == pytest.approx(np.std(mean * np.sqrt(np.expm1(spread**2))), rel=0.04)
    with pytest.raises(ValueError, match="expected the error bars of a geometric mean to be sd, se or ci, found iqr"):
        arms_from_record(drawn, study="S", n=n, error_bars="iqr", centre="geometric")
