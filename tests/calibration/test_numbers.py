from __future__ import annotations

import pytest

from calibration import parse_number
from calibration.numbers import decimals_behind_gap, with_lost_point

# text, value of the plain meaning, half a unit of its last place
PLAIN = [
    ("0", 0.0, 0.5),
    ("42", 42.0, 0.5),
    ("+5", 5.0, 0.5),
    ("-0.5", -0.5, 0.05),
    ("−3", -3.0, 0.5),  # U+2212
    ("– 3", -3.0, 0.5),  # en dash and a space
    ("0.0003", 0.0003, 0.00005),
    (".5", 0.5, 0.05),
    ("0,5", 0.5, 0.05),
    ("12,5", 12.5, 0.05),
    ("10%", 10.0, 0.5),
    ("2,5 %", 2.5, 0.05),
    ("1,000", 1000.0, 0.5),
    ("1 000", 1000.0, 0.5),
    ("1\u202f000", 1000.0, 0.5),
    ("1,234.5", 1234.5, 0.05),
    ("1.234,5", 1234.5, 0.05),
    ("1.000.000", 1e6, 0.5),
    ("1.000", 1.0, 0.0005),
    ("1e-3", 1e-3, 0.5e-3),
    ("1.2e5", 1.2e5, 0.05e5),
    ("2.5E+06", 2.5e6, 0.05e6),
    ("10^3", 1000.0, 0.0),
    ("10-3", 0.001, 0.0),
    ("10³", 1000.0, 0.0),
    ("10⁻²", 0.01, 0.0),
    ("2x10^5", 2e5, 0.5e5),
    ("1.5 × 10^-2", 0.015, 0.0005),
    ("102", 102.0, 0.5),
]


@pytest.mark.parametrize(("text", "value", "half"), PLAIN, ids=[text for text, _, _ in PLAIN])
def test_plain_meaning(text: str, value: float, half: float) -> None:
    first = parse_number(text)[0]
    assert first.value == pytest.approx(value, rel=1e-12)
    assert first.half == pytest.approx(half, rel=1e-12)
    assert first.cost == 0.0


NO_NUMBERS = ["", "-", ".", "x", "%", "1e", "1.5.2", "1,00,0", "10 mg", "(5)", "5-10", "Time", "12:30", "10^", "0.5.", "--3"]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_has_no_meaning(text: str) -> None:
    assert parse_number(text) == ()


@pytest.mark.parametrize("text", ["05", "00", "-025", "00%", "35e-03", "00e+00", "1e02"])
def test_what_only_a_slip_of_recognition_writes_is_refused(text: str) -> None:
    assert parse_number(text) == ()


LOST = [("08", 1), ("-0 25", 2), ("1 5", 1), ("00%", 1), ("8", 0), ("0", 0), ("1 000", 0), ("0.8", 0)]


@pytest.mark.parametrize(("text", "decimals"), LOST)
def test_a_leading_zero_or_a_gap_tells_of_a_lost_point(text: str, decimals: int) -> None:
    assert decimals_behind_gap(text) == decimals


def test_a_lost_point_is_put_back_where_the_others_had_it() -> None:
    reading = with_lost_point("-125", 2)
    assert reading is not None
    assert (reading.value, reading.half, reading.form) == (-1.25, 0.005, "decimal")
    assert reading.cost > 0.0
    assert with_lost_point("5", 1) is None
    assert with_lost_point("1.5", 1) is None


def test_one_thousand_may_also_be_one() -> None:
    assert [(r.value, r.form) for r in parse_number("1,000")] == [(1000.0, "thousands"), (1.0, "decimal")]
    assert [(r.value, r.form) for r in parse_number("1.000")] == [(1.0, "decimal"), (1000.0, "thousands")]
    assert [r.value for r in parse_number("0,500")] == [0.5]


def test_a_raised_end_makes_a_power_the_plain_meaning() -> None:
    assert [r.value for r in parse_number("102", raised=True)] == [100.0, 102.0]
    assert [r.value for r in parse_number("100", raised=True)] == [1.0, 100.0]
    assert [r.value for r in parse_number("250", raised=True)] == [250.0]


def test_a_percentage_stays_in_per_cent() -> None:
    (reading,) = parse_number("-12.5%")
    assert reading.value == -12.5
    assert reading.is_percent


def test_minus_zero_is_zero() -> None:
    assert str(parse_number("-0.0")[0].value) == "0.0"
