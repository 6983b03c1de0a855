"""Mean differences: arithmetic, pairing of arms, what is reported instead of dropped."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract import ArmSummary
from pool import Effects, arm_effect, combine, effects_from_arms, mean_difference, read_effects, read_events
from pool.measures import TwoMeans, mean_effects


def arm(study: str, name: str, n: int = 10, mean: float = 4.0, sd: float = 1.0, timepoint: str = "", outcome: str = "") -> ArmSummary:
    return ArmSummary(study, name, n, mean, sd, timepoint=timepoint, outcome=outcome)


def test_felsby_by_hand() -> None:
    effect = mean_difference(arm("Felsby 1995", "magnesium", 10, 3.73, 1.27), arm("Felsby 1995", "placebo", 10, 4.40, 1.20))
    assert effect.yi == pytest.approx(-0.67)
    assert effect.vi == pytest.approx(0.30529)  # (1.27^2 + 1.20^2) / 10
    assert (effect.vi_reading, effect.is_estimated) == (0.0, False)


def test_mean_differences_match_metafor(shared: Path) -> None:
    reference = json.loads((shared / "reference" / "seed_reference.json").read_text())
    for name in ("fig2A", "fig2B"):
        data = reference[name]
        for i, study in enumerate(data["studies"]):
            treated = arm(study, "t", data["n1"][i], data["m1"][i], data["sd1"][i])
            effect = mean_difference(treated, arm(study, "c", data["n2"][i], data["m2"][i], data["sd2"][i]))
            assert effect.yi == pytest.approx(data["yi"][i], abs=1e-14)
            assert effect.vi == pytest.approx(data["vi"][i], rel=1e-14)


values = st.floats(-100, 100)
positive = st.floats(0.01, 100)
sizes = st.integers(2, 500)


@given(m1=values, m2=values, sd1=positive, sd2=positive, n1=sizes, n2=sizes)
def test_swapped_arms_flip_the_sign_and_keep_the_variance(m1: float, m2: float, sd1: float, sd2: float, n1: int, n2: int) -> None:
    one, other = arm("S", "a", n1, m1, sd1), arm("S", "b", n2, m2, sd2)
    there, back = mean_difference(one, other), mean_difference(other, one)
    assert back.yi == -there.yi
    assert back.vi == pytest.approx(there.vi, rel=1e-15)
    assert there.vi > 0


def test_reading_uncertainty_is_a_column_of_its_own() -> None:
    read = replace(arm("S", "a"), how="estimated", u_mean=0.03, u_sd=0.5)
    printed = arm("S", "b")
    effect = mean_difference(read, replace(read, arm="b", u_mean=0.04))
    assert effect.vi_reading == pytest.approx(0.0025)
    assert effect.vi == mean_difference(printed, printed).vi
    assert mean_difference(read, printed).vi_reading == pytest.approx(0.0009)
    assert math.isnan(mean_difference(replace(read, u_mean=math.nan), printed).vi_reading)  # read, but how well is not known


def test_arms_are_paired_within_study_and_the_rest_is_reported() -> None:
    arms = [
        arm("A", "mg", mean=3.0),
        arm("A", "saline", mean=4.0),
        arm("B", "mg"),
        arm("C", "saline", timepoint="28 days"),
        arm("C", "mg", timepoint="4 weeks"),
        arm("D", "mg", sd=math.nan),
        arm("D", "saline"),
        arm("E", "ketamine"),
    ]
    effects = effects_from_arms(arms, "mg", "saline")
    assert [(e.study, e.yi) for e in effects] == [("A", -1.0)]
    assert [(o.study, o.reason, o.has_both_arms) for o in effects.omitted] == [
        ("B", "no arm 'saline'", False),
        ("C, 28 days", "no arm 'mg' at 28 days (it is at 4 weeks)", True),
        ("C, 4 weeks", "no arm 'saline' at 4 weeks (it is at 28 days)", True),
        ("D", "not known: sd of mg", True),
    ]


def test_several_timepoints_are_labelled_and_may_be_chosen() -> None:
    arms = [arm("A", name, timepoint=t) for name in ("mg", "saline") for t in ("2 weeks", "6 weeks")]
    assert [e.study for e in effects_from_arms(arms, "mg", "saline")] == ["A, 2 weeks", "A, 6 weeks"]
    assert [e.study for e in effects_from_arms(arms, "mg", "saline", timepoint="6 weeks")] == ["A"]
    with pytest.raises(ValueError, match=r"expected arms with that outcome and timepoint, found - at 2 weeks, - at 6 weeks"):
        effects_from_arms(arms, "mg", "saline", timepoint="1 year")


def test_impossible_requests_raise() -> None:
    arms = [arm("A", "mg"), arm("A", "saline"), arm("B", "ketamine")]
    with pytest.raises(ValueError, match=r"expected an arm 'placebo', found 'mg', 'saline', 'ketamine'"):
        effects_from_arms(arms, "mg", "placebo")
    with pytest.raises(ValueError, match=r"expected one arm 'mg' in A, found 2"):
        effects_from_arms([*arms, arm("A", "mg")], "mg", "saline")
    with pytest.raises(ValueError, match=r"expected two different arms, found 'mg' twice"):
        effects_from_arms(arms, "mg", "mg")
    with pytest.raises(ValueError, match=r"expected a measure of arms \(MD, SMD, SMDH, ROM\), found 'OR'"):
        effects_from_arms(arms, "mg", "saline", "OR")
    with pytest.raises(ValueError, match=r"found none \(A: no arm 'ketamine'; B: no arm 'mg'\)"):
        effects_from_arms(arms, "mg", "ketamine")
    with pytest.raises(ValueError, match=r"expected measure to be one of MD, SMD, .*found 'XX'"):
        Effects("XX", ())


def test_effects_table(tmp_path: Path) -> None:
    file = tmp_path / "effects.csv"
    file.write_text("study,yi,vi,vi_reading,note\nA,-1,0.25,0.01,x\nB,0.5,0.5,,y\nC,NA,0.5,,z\n")
    effects = read_effects(file, "MD")
    assert [(e.study, e.yi, e.vi, e.vi_reading) for e in effects] == [("A", -1.0, 0.25, 0.01), ("B", 0.5, 0.5, 0.0)]
    assert [(o.study, o.reason) for o in effects.omitted] == [("C", "yi is empty")]
    assert list(effects.to_frame().columns) == ["study", "yi", "vi", "vi_reading"]
    file.write_text("study,yi\nA,1\n")
    with pytest.raises(ValueError, match=r"missing vi, found study, yi"):
        read_effects(file)
    file.write_text("study,yi,vi\nA,1,?\n")
    with pytest.raises(ValueError, match=r"line 2: expected a number for vi, found '\?'"):
        read_effects(file)
    file.write_text("study,yi,vi\n")
    with pytest.raises(ValueError, match=r"expected effects, found none"):
        read_effects(file)


def test_frame_holds_both_arms() -> None:
    frame = effects_from_arms([arm("A", "mg", mean=3.0), arm("A", "saline", n=12)], "mg", "saline").to_frame()
    assert frame.loc[0, ["n1i", "m1i", "n2i", "m2i"]].tolist() == [10, 3.0, 12, 4.0]


def test_reading_error_goes_through_every_measure_of_arms() -> None:
    treated, control = (
        ArmSummary("A", name, 20, mean, 2.0, u_mean=0.05, u_sd=0.1, how="estimated", se_mean=0.6)
        for name, mean in (("mg", 5.0), ("saline", 7.0))
    )
    rng = np.random.default_rng(2)
    for measure in ("MD", "SMD", "SMDH", "ROM"):
        effect = arm_effect(measure, treated, control)
        m1, s1, m2, s2 = (v + u * rng.normal(size=20000) for v, u in ((5.0, 0.05), (2.0, 0.1), (7.0, 0.05), (2.0, 0.1)))
        ones = np.full(20000, 20)
        sampled = mean_effects(measure, TwoMeans(m1, s1, ones, m2, s2, ones))[0]
        # 20,000 draws know a variance to 1 %; the measures are nearly straight over two hundredths of their range.
        assert effect.vi_reading == pytest.approx(float(np.var(sampled)), rel=0.05)
        assert effect.vi_estimation > 0


def test_events(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("study,arm,events,n\nA,T,4,40\nA,C,9,41\nB,T,0,30\nB,C,3,30\nC,T,1,5\n")
    effects = read_events(file, "T", "C", "OR")
    assert [e.study for e in effects] == ["A", "B"]
    assert effects.effects[0].yi == pytest.approx(np.log(4 * 32 / (36 * 9)))
    assert effects.effects[1].yi == pytest.approx(np.log(0.5 * 27.5 / (30.5 * 3.5)))
    assert [e.counts for e in effects] == [(4, 40, 9, 41), (0, 30, 3, 30)]
    assert [o.study for o in effects.omitted] == ["C"]
    file.write_text("study,arm,events,n\nA,T,41,40\n")
    with pytest.raises(ValueError, match="line 2: expected events between 0 and n, and participants, found 41 of 40"):
        read_events(file, "T", "C")
    file.write_text("study,arm,events,n\nA,T,0,0\nA,C,3,20\n")
    with pytest.raises(ValueError, match="found 0 of 0"):  # a half in its cells would make it an arm of one person
        read_events(file, "T", "C")
    file.write_text("study,arm,n\n")
    with pytest.raises(ValueError, match="missing events"):
        read_events(file, "T", "C")
    with pytest.raises(ValueError, match=r"expected a measure of events \(OR, RR, RD, PETO\), found 'MD'"):
        read_events(file, "T", "C", "MD")


def test_what_empty_cells_were_given_is_said(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("study,arm,events,n\nA,T,4,40\nA,C,9,41\nB,T,0,30\nB,C,3,30\nC,T,0,20\nC,C,0,20\nD,T,20,20\nD,C,19,20\n")
    flags = combine(read_events(file, "T", "C", "OR")).flags
    assert flags == (
        "B, D: a half was added to each cell, as one is empty",
        "C: the same in all participants of both arms, made a ratio by a half in each cell; RevMan leaves such a study out",
    )
    assert combine(read_events(file, "T", "C", "RD")).flags == ("B, C, D: a half was added to each cell, as one is empty",)
    assert combine(read_events(file, "T", "C", "PETO")).flags == ()


def test_what_no_measure_is_defined_for_says_why(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("study,arm,events,n\nC,T,0,20\nC,C,0,20\n")
    with pytest.raises(ValueError, match=r"found none \(C: PETO is not defined for 0/20 against 0/20\)"):
        read_events(file, "T", "C", "PETO")
    with pytest.raises(ValueError, match=r"found none \(neither is in the table\)"):
        read_events(file, "X", "Y")
    arms = [ArmSummary(study, arm, 10, mean, 2.0) for study, arm, mean in (("A", "T", 1), ("A", "C", -2), ("B", "T", 1), ("B", "C", 2))]
    (omitted,) = effects_from_arms(arms, "T", "C", "ROM").omitted
    assert omitted.reason == "ROM is not defined for means (SDs) of 1 (2) and -2 (2)"
