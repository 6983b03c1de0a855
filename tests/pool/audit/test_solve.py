"""What gives a published result: exactly the numbers that were left out come back."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from extract import ArmSummary
from pool import combine, effects_from_arms
from pool.audit import Printed, Unknown, in_words, solve

# The sample review's Figure 2A, and 2B: what is not printed is sought.
PLACEBO = [
    ArmSummary("Felsby", "magnesium", 10, 3.73, 1.27), ArmSummary("Felsby", "placebo", 10, 4.40, 1.20),
    ArmSummary("Yousef", "magnesium", 40, 4.7, 1.8), ArmSummary("Yousef", "placebo", 40, 7.2, 9.9),
    ArmSummary("Pickering", "magnesium", 22, 4, 3), ArmSummary("Pickering", "placebo", 23, 4, 2),
]  # fmt: skip
KETAMINE = [
    ArmSummary("Felsby", "magnesium", 10, 3.73, 1.27), ArmSummary("Felsby", "ketamine", 10, 3.77, 1.24),
    ArmSummary("Kim", "magnesium", 15, 3.1, 1.45), ArmSummary("Kim", "ketamine", 15, 9.9, 9.9),
]  # fmt: skip
PRINTED = Printed(D("-1.13"), (D("-2.64"), D("0.38")), D("81"))
SD = Unknown("Yousef", "placebo", "sd")


def test_one_estimator_alone_gives_the_sample_review_s_first_result() -> None:
    found = solve(PLACEBO, "magnesium", "placebo", PRINTED, [SD])
    assert {(s.method, s.test) for s in found} == {("DL", "z")}  # of seven estimators and three tests
    low, high = found[0].intervals[SD]
    # A search in steps of 0.005 finds 2.445 to 2.480.
    assert 2.440 < low <= 2.445
    assert 2.480 <= high < 2.485
    (line,) = in_words(found)
    assert line.endswith("(to 2 decimals: sd 2.45 to 2.48)")


def test_every_value_inside_the_interval_gives_the_digits_and_none_outside() -> None:
    (found, *_) = solve(PLACEBO, "magnesium", "placebo", PRINTED, [SD], methods=("DL",), tests=("z",))
    low, high = found.intervals[SD]
    for value, fits in ((low + 1e-4, True), (high - 1e-4, True), (low - 1e-3, False), (high + 1e-3, False)):
        arms = [ArmSummary(a.study, a.arm, a.n, a.mean, value) if a.sd == 9.9 else a for a in PLACEBO]
        result = combine(effects_from_arms(arms, "magnesium", "placebo", "MD"), method="DL", test="z")
        digits = (round(result.estimate, 2), round(result.ci_lb, 2), round(result.ci_ub, 2), round(result.i2_q))
        assert (digits == (-1.13, -2.64, 0.38, 81)) == fits


def test_two_unknowns_of_two_studies_leave_the_estimator_open() -> None:
    unknowns = [Unknown("Kim", "ketamine", "mean"), Unknown("Kim", "ketamine", "sd")]
    published = Printed(D("-0.67"), (D("-1.84"), D("0.49")), D("62"))
    found = solve(KETAMINE, "magnesium", "ketamine", published, unknowns, methods=("DL", "REML"), tests=("z", "knha"))
    assert {(s.method, s.test) for s in found} == {("DL", "z"), ("REML", "z")}  # with two studies they are the same
    means, sds = {mean for mean, _ in found[0].printable}, [sd for _, sd in found[0].printable]
    assert (means, min(sds), max(sds)) == ({4.33}, 1.10, 1.15)
    assert "mean 4.33 with sd 1.10 to 1.15" in next(in_words(found))


def test_complete_arms_say_which_estimators_were_used() -> None:
    arms = [ArmSummary(a.study, a.arm, a.n, a.mean, 2.45) if a.sd == 9.9 else a for a in PLACEBO]
    assert {(s.method, s.test) for s in solve(arms, "magnesium", "placebo", PRINTED)} == {("DL", "z")}
    assert solve(arms, "magnesium", "placebo", Printed(D("-2.13"))) == ()


def test_bad_questions_raise() -> None:
    with pytest.raises(ValueError, match="expected a printed estimate or interval to solve for"):
        solve(PLACEBO, "magnesium", "placebo", Printed(i2=D("81")))
    with pytest.raises(ValueError, match="expected at most two unknowns, each of an arm of the table, found sd of Brill, placebo"):
        solve(PLACEBO, "magnesium", "placebo", PRINTED, [Unknown("Brill", "placebo", "sd")])
