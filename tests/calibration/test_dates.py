"""Dates and counted words along an axis, as text and as axes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from calibration import SINCE_EPOCH, Label, is_date, iso_date, read_worded_axis
from calibration.dates import SINCE_MIDNIGHT, SINCE_NEW_YEAR, date_meanings


def days(*ymd: tuple[int, int, int]) -> list[float]:
    return [float((date(*each) - date(1970, 1, 1)).days) for each in ymd]


DATES = [
    (("Jan 2019", "Apr 2019", "Jul 2019"), days((2019, 1, 1), (2019, 4, 1), (2019, 7, 1))),
    (("2019-03", "2019-05", "2019-07"), days((2019, 3, 1), (2019, 5, 1), (2019, 7, 1))),
    (("03/2019", "04/2019", "05/2019"), days((2019, 3, 1), (2019, 4, 1), (2019, 5, 1))),
    (("28/02/99", "29/02/00", "01/03/01"), days((1999, 2, 28), (2000, 2, 29), (2001, 3, 1))),
    (("2/28/1999", "3/30/1999", "4/2/1999"), days((1999, 2, 28), (1999, 3, 30), (1999, 4, 2))),
    (("Jan 19", "Jul 19", "Jan 20"), days((2019, 1, 1), (2019, 7, 1), (2020, 1, 1))),
    (("Jan '19", "Feb '19", "Mar '19"), days((2019, 1, 1), (2019, 2, 1), (2019, 3, 1))),
    (("5 March 2019", "12 March 2019", "19 March 2019"), days((2019, 3, 5), (2019, 3, 12), (2019, 3, 19))),
    (("2019 Q1", "2019 Q3", "2020 Q1"), days((2019, 1, 1), (2019, 7, 1), (2020, 1, 1))),
]


@pytest.mark.parametrize(("texts", "values"), DATES, ids=[texts[0] for texts, _ in DATES])
def test_dates_with_a_year_count_from_the_epoch(texts: tuple[str, ...], values: list[float]) -> None:
    (meaning,) = date_meanings(texts)
    assert (list(meaning.values), meaning.unit) == (values, SINCE_EPOCH)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (("22:00", "0:00", "02:30"), (22.0, 24.0, 26.5)),
        (("8 am", "12 pm", "4 p.m.", "12 am"), (8.0, 12.0, 16.0, 24.0)),
        (("10:00:30", "10:01:00", "10:01:30"), (10 + 30 / 3600, 10 + 1 / 60, 10 + 90 / 3600)),
    ],
)
def test_times_count_hours_and_midnight_begins_a_day(texts: tuple[str, ...], values: tuple[float, ...]) -> None:
    (meaning,) = date_meanings(texts)
    assert meaning.unit == SINCE_MIDNIGHT
    assert meaning.values == pytest.approx(values)


def test_dates_without_a_year_may_go_past_a_leap_day() -> None:
    common, leap = date_meanings(["Nov", "Jan", "Mar"])
    assert common.unit == leap.unit == SINCE_NEW_YEAR
    assert (common.values, leap.values) == ((304.0, 365.0, 424.0), (304.0, 365.0, 425.0))
    (march,) = date_meanings(["Mar 5", "Mar 12", "Mar 19"])
    assert march.values == (63.0, 70.0, 77.0)


@pytest.mark.parametrize("texts", [("31/02/2019", "30/02/2019", "1/2/2019"), ("2019-05", "2019-04", "2019-03"), ("Jan", "Feb"), ("A",) * 3])
def test_what_does_not_go_on_in_time_is_no_row_of_dates(texts: tuple[str, ...]) -> None:
    assert date_meanings(texts) == []


def test_words_are_no_dates() -> None:
    assert not any(map(is_date, ("March of dimes", "Placebo", "T2", "12", "3.5", "25:61:99x", "may be")))


@pytest.mark.parametrize("day", [date(1969, 7, 20), date(2000, 2, 29), date(2019, 3, 5)])
def test_a_date_written_is_the_date_counted(day: date) -> None:
    assert iso_date(float((day - date(1970, 1, 1)).days)) == day.isoformat()
    assert iso_date((day - date(1970, 1, 1)).days + 0.25) == f"{day.isoformat()}T06:00:00"


def row(texts: tuple[str, ...], at: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[Label]:
    return [Label(px=float(px) + 0.4, size_px=10.0, text=text) for px, text in zip(at, texts, strict=True)]


def test_calendar_dates_are_an_axis_and_equal_months_are_not() -> None:
    texts = ("Jan 2019", "Feb 2019", "Mar 2019", "Apr 2019")
    true = 50.0 + 3.0 * (np.array(days((2019, 1, 1), (2019, 2, 1), (2019, 3, 1), (2019, 4, 1))) - 17897)
    axis = read_worded_axis(row(texts, true), true)
    assert axis is not None
    assert axis.reading.calibration is not None
    # Places are exact here: the date of a pixel is that of the drawing to rounding.
    assert axis.reading.calibration.to_value(50.0 + 3.0 * 45) == pytest.approx(17897 + 45, abs=1e-6)
    assert axis.reading.calibration.scale.name == "date"
    equal = np.linspace(true[0], true[-1], 4)  # off the calendar by 1 day, 3 px
    assert read_worded_axis(row(texts, equal), equal) is None


def test_a_day_and_a_month_that_may_change_places_are_not_read() -> None:
    # 3 to 5 January, or the first of March, April and May, 31 and 30 days apart: at 20 px nothing tells.
    at = np.array([40.0, 60.0, 80.0])
    assert read_worded_axis(row(("01/03/2019", "01/04/2019", "01/05/2019"), at), at) is None


@pytest.mark.parametrize(
    ("texts", "values", "unit"),
    [
        (("Week 0", "Week 4", "Week 12"), (0, 4, 12), "week"),
        (("Baseline", "1 wk", "2 wks", "4 wk"), (0, 1, 2, 4), "week"),
        (("10 mg", "20 mg", "40 mg"), (10, 20, 40), "mg"),
        (("0.5 h", "1 h", "2,5 h"), (0.5, 1, 2.5), "hour"),
    ],
)
def test_numbers_with_a_unit_are_an_axis_where_their_places_agree(texts: tuple[str, ...], values: tuple[float, ...], unit: str) -> None:
    at = 30.0 + 20.0 * np.array(values, dtype=float)
    axis = read_worded_axis(row(texts, at), at)
    assert axis is not None
    assert axis.unit == unit
    assert [tick.value for tick in axis.reading.ticks] == list(values)


@pytest.mark.parametrize("texts", [("T0", "T1", "T2"), ("V1", "V2", "V3"), ("Arm 1", "Arm 2", "Arm 3"), ("Week 1", "Day 2", "Week 3")])
def test_names_with_a_number_stay_names(texts: tuple[str, ...]) -> None:
    at = np.array([30.0, 60.0, 90.0])
    assert read_worded_axis(row(texts, at), at) is None


def test_weeks_at_equal_distances_that_say_otherwise_are_names() -> None:
    at = np.array([30.0, 60.0, 90.0, 120.0])
    assert read_worded_axis(row(("Week 0", "Week 4", "Week 12", "Week 24"), at), at) is None
