"""What is left of an error bar in doubt after both looks at it."""

from __future__ import annotations

from digitize.errorbars import ErrorBar
from digitize.secondlook import settled

FIRST = ErrorBar(20.0, 60.0, flags=("end_doubtful",))


def test_a_second_look_that_sees_nothing_does_not_undo_the_first() -> None:
    assert settled(FIRST, ErrorBar(flags=("error_bar_hidden",))) == FIRST


def test_a_second_look_that_is_no_surer_does_not_undo_the_first() -> None:
    assert settled(FIRST, ErrorBar(31.0, 60.0, flags=("end_doubtful",))) == FIRST


def test_a_surer_second_look_stands_and_is_flagged() -> None:
    assert settled(FIRST, ErrorBar(31.0, 60.0)) == ErrorBar(31.0, 60.0, flags=("end_inferred",))


def test_an_end_more_is_worth_more_than_none() -> None:
    second = ErrorBar(None, 60.0, flags=("end_hidden",))
    assert settled(ErrorBar(flags=("error_bar_hidden",)), second) == second
