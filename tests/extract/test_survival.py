"""Individual times from survival curves: true samples come back, and what follows from them is what others compute."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from digitize.record import AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord, TickRecord
from extract.survival import (
    AtRisk,
    Individuals,
    SurvivalCurve,
    curves_from_record,
    hazard_ratio,
    hazard_ratio_from_curves,
    kaplan_meier,
    median_survival,
    read_at_risk,
    reconstruct,
    restricted_mean,
)

# Freireich et al. 1963 (Blood 21:699): weeks in remission of 21 pairs; negative where censored.
MERCAPTOPURINE = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def people(weeks: list[int]) -> Individuals:
    return Individuals(np.abs(np.array(weeks, dtype=float)), np.array(weeks) > 0)


def sample(rng: np.random.Generator, n: int, hazard: float, follow_up: float = 36.0) -> Individuals:
    """Exponential times, entry spread over two thirds of the time to the end of follow-up."""
    times, censored = rng.exponential(1 / hazard, n), rng.uniform(follow_up / 3, 1.5 * follow_up, n).clip(max=follow_up)
    return Individuals(np.minimum(times, censored), times <= censored)


def drawn(individuals: Individuals, u: float = 0.0, rng: np.random.Generator | None = None) -> SurvivalCurve:
    """Its Kaplan-Meier curve as read, with an error of u."""
    time, survival = kaplan_meier(individuals)
    steps = np.flatnonzero(np.diff(np.concatenate([[1.0], survival])) < 0)
    time = np.concatenate([[0.0], time[steps], [individuals.time.max()]])
    survival = np.concatenate([[1.0], survival[steps], [survival[steps[-1]]]])
    if rng is not None:
        survival = np.minimum.accumulate((survival + u * rng.normal(size=len(survival))).clip(0, 1))
    return SurvivalCurve(time, survival, np.full(len(time), u))


def printed(individuals: Individuals, step: float = 6.0) -> AtRisk:
    times = np.arange(0, individuals.time.max(), step)
    return AtRisk(tuple(times.tolist()), tuple(int((individuals.time >= t).sum()) for t in times))


def test_cox_gives_the_textbook_s_hazard_ratio() -> None:
    found = hazard_ratio(people(PLACEBO), people(MERCAPTOPURINE))
    # Cox regression with Efron's ties, as R's survival package prints it for these data: 1.5721 (0.4124).
    assert (round(found.log, 4), round(found.se, 4)) == (1.5721, 0.4124)
    turned = hazard_ratio(people(MERCAPTOPURINE), people(PLACEBO))
    assert (turned.log, turned.se) == (pytest.approx(-found.log), pytest.approx(found.se))


def test_median_and_restricted_mean_of_the_textbook() -> None:
    assert median_survival(people(PLACEBO))[0] == 8
    assert median_survival(people(MERCAPTOPURINE))[0] == 23
    without_censoring = people(PLACEBO)
    mean, se = restricted_mean(without_censoring, 23)
    # With every time known it is the mean, and its error that of a mean with n in the denominator of the variance.
    assert mean == pytest.approx(np.mean(PLACEBO))
    assert se == pytest.approx(np.std(PLACEBO) / math.sqrt(21))
    assert restricted_mean(without_censoring, 5)[0] == pytest.approx(np.minimum(PLACEBO, 5).mean())


def test_true_samples_come_back_from_their_curves() -> None:
    rng = np.random.default_rng(7)
    errors, events = [], []
    for _ in range(30):
        arms = [sample(rng, int(rng.integers(40, 250)), rng.uniform(0.02, 0.08)) for _ in range(2)]
        made = [reconstruct(drawn(arm, 0.001, rng), printed(arm)) for arm in arms]
        errors.append(abs(hazard_ratio(*(m.individuals for m in made)).log - hazard_ratio(*arms).log))
        events += [abs(m.individuals.n_events / arm.n_events - 1) for m, arm in zip(made, arms, strict=True)]
        for m, arm in zip(made, arms, strict=True):
            assert (m.individuals.n, m.unmatched) == (arm.n, 0)
            assert m.drift < 0.02
    assert np.median(errors) < 0.01
    assert max(errors) < 0.05
    assert max(events) <= 0.03


def test_printed_events_settle_the_last_interval() -> None:
    arm = sample(np.random.default_rng(3), 120, 0.05)
    without = reconstruct(drawn(arm), AtRisk((0.0,), (120,)))
    told = reconstruct(drawn(arm), AtRisk((0.0,), (120,)), n_events=arm.n_events)
    assert told.individuals.n_events == arm.n_events
    assert without.individuals.n_events > arm.n_events  # nobody is known to be censored


def test_reading_error_of_the_hazard_ratio_is_the_spread_of_readings() -> None:
    rng = np.random.default_rng(5)
    arms = [sample(rng, 80, 0.06), sample(rng, 70, 0.04)]
    risks = [printed(arm) for arm in arms]
    read = []
    for _ in range(200):
        again = [reconstruct(drawn(arm, 0.004, rng), risk).individuals for arm, risk in zip(arms, risks, strict=True)]
        read.append(hazard_ratio(*again).log)
    pairs = [(drawn(arm, 0.004), risk) for arm, risk in zip(arms, risks, strict=True)]
    # 200 readings on either side give a standard deviation to 5 %; the curve itself is read once more in what is compared.
    assert hazard_ratio_from_curves(pairs[0], pairs[1]).u_log == pytest.approx(np.std(read), rel=0.3)


def record(values: list[float], top: float) -> FigureRecord:
    y_axis = AxisRecord(scale="linear", ticks=(TickRecord(px=400.0, value=0.0), TickRecord(px=10.0, value=top)))
    points = tuple(PointRecord(x=float(6 * i), y=v, px=(1.0, 1.0), u_y=0.01 * top) for i, v in enumerate(values))
    series = SeriesRecord(name="Drug", color="#000000", marker="step", points=points)
    panel = PanelRecord(
        id="p1-A", page=1, kind="km", bbox_px=(0, 0, 9, 9), medium="raster", x_axis=AxisRecord(scale="linear"), y_axis=y_axis,
        series=(series,),
    )  # fmt: skip
    return FigureRecord(source=SourceRecord(file="km.png", sha256="0", pages=(1,)), panels=(panel,))


@pytest.mark.parametrize(("values", "top"), [([100, 80, 50], 100), ([1.0, 0.8, 0.5], 1), ([0, 20, 50], 100), ([0.0, 0.2, 0.5], 1)])
def test_per_cent_and_incidence_are_proportions_surviving(values: list[float], top: float) -> None:
    curve = curves_from_record(record(values, top))["Drug"]
    np.testing.assert_allclose(curve.survival, [1.0, 0.8, 0.5])
    np.testing.assert_allclose(curve.u_survival, 0.01)


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected one panel of survival curves p2-A, found p1-A \(km\)"):
        curves_from_record(record([1.0, 0.5], 1), "p2-A")
    with pytest.raises(ValueError, match="expected events in both arms, found 0 of 3"):
        hazard_ratio(Individuals(np.array([1.0, 2, 3]), np.zeros(3, dtype=bool)), people(PLACEBO))
    with pytest.raises(ValueError, match="expected numbers at risk that fall"):
        AtRisk((0.0, 6.0), (20, 30))
    with pytest.raises(ValueError, match="expected a horizon above 0 up to the last time 23, found 30"):
        restricted_mean(people(PLACEBO), 30)
    table = tmp_path / "risk.csv"
    table.write_text("arm,time,n\nDrug,0,forty\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: expected a time and a whole number, found '0' and 'forty'"):
        read_at_risk(table)
    table.write_text("arm,n\nDrug,40\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected columns arm, time, n, found arm, n"):
        read_at_risk(table)
