"""Labels of ticks that run into one another."""

from __future__ import annotations

import pytest

from digitize.labelruns import run_of_numbers


@pytest.mark.parametrize(
    "numbers",
    [
        ["80", "90", "100", "110"],
        ["0", "10", "20", "30", "40"],
        ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"],
        ["2.5", "5.0", "7.5", "10.0"],
        ["120", "110", "100", "90"],
        [str(v) for v in range(100, 190, 10)],
    ],
)
def test_numbers_in_even_steps_are_told_apart(numbers: list[str]) -> None:
    assert run_of_numbers("".join(numbers)) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        "50100",  # two numbers make no steps
        "100110121",  # uneven
        "111111",  # no steps at all
        "12345678",  # 1, 2, 3, ... or 12, 34, 56, 78
        "-10",
        "10 20 30",
    ],
)
def test_what_is_no_run_or_more_than_one_is_left_whole(text: str) -> None:
    assert run_of_numbers(text) == []
