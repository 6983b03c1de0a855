"""Arms whose participants are all drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from digitize.record import AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord
from extract.raw import arms_from_raw
from extract.summary import ArmSummary


def figure(kind: Any, *series: tuple[str, list[PointRecord]]) -> FigureRecord:
    axis = AxisRecord(scale="linear")
    drawn = tuple(SeriesRecord(name=name, color="#000000", marker="circle", points=tuple(points)) for name, points in series)
    panel = PanelRecord(id="p1-A", page=1, kind=kind, bbox_px=(0, 0, 9, 9), medium="raster", x_axis=axis, y_axis=axis, series=drawn)
    return FigureRecord(source=SourceRecord(file="raw.png", sha256="0", pages=(1,)), panels=(panel,))


def dot(y: float | None, x: float | str = 1.0, flags: tuple[str, ...] = ()) -> PointRecord:
    return PointRecord(x=x, y=y, px=(1.0, 1.0), u_y=0.1, flags=flags)


def test_points_are_the_sample() -> None:
    values = [2.0, 3.0, 3.5, 5.0, 9.0]
    (arm,) = arms_from_raw(figure("scatter", ("Drug", [dot(v) for v in values])), study="A")
    assert (arm.n, arm.mean, arm.sd) == (5, pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)))
    redrawn = np.array(values) + 0.1 * np.random.default_rng(1).normal(size=(20_000, 5))
    # 20 000 draws give a standard deviation to 0.5 %.
    assert arm.u_mean == pytest.approx(np.std(redrawn.mean(axis=1)), rel=0.02)
    assert arm.u_sd == pytest.approx(np.std(redrawn.std(axis=1, ddof=1)), rel=0.02)
    assert arm.flags == ()


def test_categories_of_one_series_are_arms() -> None:
    points = [dot(1.0, "Drug"), dot(3.0, "Placebo"), dot(2.0, "Drug"), dot(5.0, "Placebo")]
    arms = arms_from_raw(figure("scatter", ("", points)), study="A")
    assert [(a.arm, a.n, a.mean) for a in arms] == [("Drug", 2, 1.5), ("Placebo", 2, 4)]


def test_points_that_hide_others_or_were_not_read_leave_the_count_in_doubt() -> None:
    for doubtful in (dot(None), dot(4.0, flags=("partly_hidden",))):
        (arm,) = arms_from_raw(figure("scatter", ("Drug", [dot(1.0), dot(2.0), doubtful])), study="A")
        assert arm.flags == ("count_uncertain",)


def test_bins_are_their_middles_less_the_width_within() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(20, 5, 4000)
    heights, edges = np.histogram(values, bins=np.arange(-5, 46, 5))
    bins = [
        PointRecord(x=(lo + hi) / 2, x_lo=lo, x_hi=hi, y=float(h), px=(1.0, 1.0))
        for lo, hi, h in zip(edges.tolist(), edges[1:].tolist(), heights, strict=False)
    ]
    (arm,) = arms_from_raw(figure("histogram", ("All", bins)), study="A")
    assert arm.n == 4000
    # Within bins of one SD each value is off by up to half of it: the mean of 4000 by 0.3 SD / sqrt(4000); three of those.
    assert arm.mean == pytest.approx(values.mean(), abs=3 * 0.29 * 5 / math.sqrt(4000))
    assert arm.sd == pytest.approx(values.std(ddof=1), rel=0.015)
    halves = [b.model_copy(update={"y": (b.y or 0) + 0.4}) for b in bins]
    assert arms_from_raw(figure("histogram", ("All", halves)), study="A")[0].flags == ("count_uncertain",)


def test_densities_need_the_number_of_participants() -> None:
    heights, edges = np.histogram(np.random.default_rng(4).normal(20, 5, 400), bins=np.arange(0, 41, 4))

    def read(scale: float, n: int | None) -> ArmSummary:
        rows = zip(edges.tolist(), edges[1:].tolist(), (heights * scale).tolist(), strict=False)
        bins = [PointRecord(x=(lo + hi) / 2, x_lo=lo, x_hi=hi, y=h, px=(1.0, 1.0)) for lo, hi, h in rows]
        return arms_from_raw(figure("histogram", ("All", bins)), study="A", n=n)[0]

    counted = read(1.0, None)
    for scale in (1 / 1600, 1 / 400, 100 / 400):  # density, proportion, per cent
        with pytest.raises(ValueError, match="give the participants, n"):
            read(scale, None)
        shared = read(scale, 400)
        assert (shared.n, shared.mean, shared.sd) == (400, pytest.approx(counted.mean), pytest.approx(counted.sd))
    assert read(1.0, 400).flags == ()
    assert read(1.0, 380).flags == ("count_uncertain",)


def test_the_error_of_bins_covers_what_they_hide() -> None:
    rng = np.random.default_rng(8)
    off = []
    for _ in range(400):
        values = rng.normal(20, 5, 60)
        heights, edges = np.histogram(values, bins=np.arange(-10, 51, 3) + rng.uniform(0, 3))
        rows = zip(edges.tolist(), edges[1:].tolist(), heights.tolist(), strict=False)
        bins = [PointRecord(x=(lo + hi) / 2, x_lo=lo, x_hi=hi, y=float(h), px=(1.0, 1.0), u_x_lo=0.0, u_y=0.1) for lo, hi, h in rows]
        (arm,) = arms_from_raw(figure("histogram", ("All", bins)), study="A")
        off.append(((arm.mean - values.mean()) / arm.u_mean, (arm.sd - values.std(ddof=1)) / arm.u_sd))
    covered = (np.abs(off) < 1.96).mean(axis=0)
    # Of 400 intervals of 95 % between 92 and 98 % hold the truth in 99 of 100 such tests.
    assert (covered > 0.92).all()
    assert (covered < 0.98).all()


def test_refusals_name_what_was_found() -> None:
    with pytest.raises(ValueError, match=r"expected one scatter or histogram panel, found p1-A \(errorbar\)"):
        arms_from_raw(figure("errorbar", ("Drug", [dot(1.0)])), study="A")
    with pytest.raises(ValueError, match="expected 2 participants or more, found 1"):
        arms_from_raw(figure("scatter", ("Drug", [dot(1.0)])), study="A")
