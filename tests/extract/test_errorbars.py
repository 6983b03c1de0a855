"""Error bars of a named kind to SD: Cochrane Handbook numbers, round trips, and refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit

from extract import error_bar_kind, estimate, range_per_sd, sd_from_error_bar


@pytest.mark.parametrize(("se", "n", "sd"), [(0.4, 25, 2.0), (1.2, 10, 3.794733192202055), (0.05, 200, 0.7071067811865476)])
def test_standard_error_as_in_handbook_6_5_2_2(se: float, n: int, sd: float) -> None:
    reading = sd_from_error_bar("se", n, y=10.0, y_lo=10.0 - se, y_hi=10.0 + se)
    assert reading.sd == pytest.approx(sd, rel=1e-12)
    assert reading.method == "se x sqrt(n)"


def test_confidence_interval_uses_t_unless_told_z() -> None:
    bar = {"y": 2.5, "y_lo": 1.5, "y_hi": 3.5}
    assert sd_from_error_bar("ci95", 25, **bar).sd == pytest.approx(2.4225996824456084, rel=1e-12)
    assert sd_from_error_bar("ci95", 25, **bar, ci="z").sd == pytest.approx(2.5510672846232696, rel=1e-12)
    assert sd_from_error_bar("ci", 25, **bar).sd == sd_from_error_bar("95% CI", 25, **bar).sd == sd_from_error_bar("ci95", 25, **bar).sd
    assert sd_from_error_bar("ci90", 25, **bar).sd > sd_from_error_bar("ci99", 25, **bar).sd


def test_conversions_match_the_reference(shared: Path) -> None:
    cases = json.loads((shared / "reference" / "conversions_reference.json").read_text())
    intervals = [case for case in cases if case["kind"] == "ci_to_sd"]
    assert len(intervals) == 4
    for case in intervals:
        lo, hi, n, level = (case["input"][name] for name in ("lo", "hi", "n", "level"))
        kind = f"ci{100 * level:g}"
        for ci, name in (("t", "sd_t"), ("z", "sd_z")):
            reading = sd_from_error_bar(kind, n, y=(lo + hi) / 2, y_lo=lo, y_hi=hi, ci=ci)
            assert reading.sd == pytest.approx(case["output"][name], rel=1e-12)


@given(sd=st.floats(0.01, 100), n=st.integers(2, 500), mean=st.floats(-100, 100))
def test_sd_to_error_bar_to_sd(sd: float, n: int, mean: float) -> None:
    se = sd / math.sqrt(n)
    halves = {"sd": sd, "se": se, "ci95": float(stdtrit(n - 1, 0.975)) * se, "ci90": float(stdtrit(n - 1, 0.95)) * se}
    for kind, half in halves.items():
        reading = sd_from_error_bar(kind, n, y=mean, y_lo=mean - half, y_hi=mean + half)
        assert reading.sd == pytest.approx(sd, rel=1e-9, abs=1e-12 * n)  # mean - half loses digits
    z = sd_from_error_bar("ci95", n, y=mean, y_lo=mean - float(ndtri(0.975)) * se, y_hi=mean + float(ndtri(0.975)) * se, ci="z")
    assert z.sd == pytest.approx(sd, rel=1e-9, abs=1e-12 * n)


def test_range_and_iqr_around_a_mean_are_wans_sd() -> None:
    assert sd_from_error_bar("range", 10, y=4.2, y_lo=2.0, y_hi=6.5).sd == pytest.approx(4.5 / range_per_sd(10))
    whole = estimate(33, q1=2.0, median=4.0, q3=5.0, xi="exact")
    assert sd_from_error_bar("iqr", 33, y=3.0, y_lo=2.0, y_hi=5.0, xi="exact").sd == pytest.approx(whole.sd)


def test_uncertainty_of_the_half_width() -> None:
    both = sd_from_error_bar("se", 16, y=5.0, y_lo=4.0, y_hi=6.0, u_y=0.01, u_y_lo=0.03, u_y_hi=0.04)
    assert both.u_sd == pytest.approx(4 * 0.05 / 2)
    upper = sd_from_error_bar("se", 16, y=5.0, y_lo=None, y_hi=6.0, u_y=0.03, u_y_hi=0.04)
    assert upper.u_sd == pytest.approx(4 * 0.05)
    assert math.isnan(sd_from_error_bar("se", 16, y=5.0, y_lo=4.0, y_hi=6.0, u_y=0.01).u_sd)


def test_one_sided_bar_is_used_and_said() -> None:
    upper = sd_from_error_bar("sd", 10, y=5.0, y_lo=None, y_hi=6.5)
    lower = sd_from_error_bar("sd", 10, y=5.0, y_lo=3.5, y_hi=None)
    assert upper.sd == lower.sd == 1.5
    assert upper.flags == lower.flags == ("one_sided",)


def test_asymmetry_is_flagged_beyond_what_reading_allows() -> None:
    uncertain = {"u_y": 0.1, "u_y_lo": 0.1, "u_y_hi": 0.1}
    assert sd_from_error_bar("sd", 10, y=5.0, y_lo=4.0, y_hi=6.3, **uncertain).flags == ()
    assert sd_from_error_bar("sd", 10, y=5.0, y_lo=4.0, y_hi=7.5, **uncertain).flags == ("asymmetric",)
    assert sd_from_error_bar("sd", 10, y=5.0, y_lo=4.0, y_hi=6.3).flags == ("asymmetric",)
    assert sd_from_error_bar("range", 10, y=5.0, y_lo=4.0, y_hi=9.0).flags == ()  # a range need not be symmetric


def test_bar_no_longer_than_its_reading_uncertainty_is_flagged() -> None:
    tiny = sd_from_error_bar("sd", 10, y=5.0, y_lo=4.95, y_hi=5.05, u_y=0.05, u_y_lo=0.05, u_y_hi=0.05)
    assert "bar_within_reading" in tiny.flags
    assert "bar_within_reading" in sd_from_error_bar("sd", 10, y=5.0, y_lo=5.0, y_hi=5.0).flags


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_a_kind_that_is_not_told_is_not_guessed(missing: str | None) -> None:
    with pytest.raises(ValueError, match=r"error bars: say what they are: sd, se, ci95, iqr or range; the figure does not tell"):
        sd_from_error_bar(missing, 10, y=5.0, y_lo=4.0, y_hi=6.0)


@pytest.mark.parametrize("word", ["std", "ci5", "ci100", "cin", "95", "minmax"])
def test_unknown_kind_lists_the_kinds(word: str) -> None:
    with pytest.raises(ValueError, match=r"expected error bars to be one of sd, se, ciNN \(as ci95\), iqr, range; found '" + word):
        error_bar_kind(word)


def test_kinds_are_written_back_as_they_are_read() -> None:
    for word in ("sd", "se", "ci95", "ci97.5", "iqr", "range"):
        assert str(error_bar_kind(word)) == word
    assert str(error_bar_kind("SEM")) == "se"
    assert str(error_bar_kind("CI")) == "ci95"


def test_ends_on_the_wrong_side_or_missing_raise() -> None:
    with pytest.raises(ValueError, match=r"expected y_lo <= y <= y_hi, found y_lo 6, y 5, y_hi 7"):
        sd_from_error_bar("sd", 10, y=5.0, y_lo=6.0, y_hi=7.0)
    with pytest.raises(ValueError, match=r"expected an end of the error bar or both, found none"):
        sd_from_error_bar("sd", 10, y=5.0, y_lo=None, y_hi=None)
    with pytest.raises(ValueError, match=r"expected both ends of a bar that shows range"):
        sd_from_error_bar("range", 10, y=5.0, y_lo=None, y_hi=7.0)
    with pytest.raises(ValueError, match=r"expected an integer n of 2 or more for an SD, found 1"):
        sd_from_error_bar("sd", 1, y=5.0, y_lo=4.0, y_hi=6.0)
    with pytest.raises(ValueError, match=r"expected finite values"):
        sd_from_error_bar("sd", 10, y=math.nan, y_lo=4.0, y_hi=6.0)
    with pytest.raises(ValueError, match=r"expected ci to be t or z, found 'x'"):
        sd_from_error_bar("ci95", 10, y=5.0, y_lo=4.0, y_hi=6.0, ci="x")  # type: ignore[arg-type]
