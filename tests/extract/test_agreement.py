"""Agreement of two extractions: published data, coverage of its intervals, and the pairs to look at again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from extract import ArmSummary
from extract.agreement import agreement, different_pairs, draw_bland_altman

# Peak expiratory flow (l/min) of 17 people by two meters (Bland and Altman 1986, table 1, first readings).
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_limits_of_agreement_are_those_of_bland_and_altman() -> None:
    found = agreement(MINI, WRIGHT)
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    sd = (found.upper.value - found.lower.value) / (2 * 1.959964)
    assert sd == pytest.approx(38.8, abs=0.05)
    # Their interval of the bias: -22.0 to 17.8.
    assert (found.bias.low, found.bias.high) == (pytest.approx(-22.0, abs=0.06), pytest.approx(17.8, abs=0.06))
    assert found.outside == (14,)  # 178 against 259


def test_the_same_numbers_agree_wholly() -> None:
    found = agreement(WRIGHT, WRIGHT)
    assert (found.icc.value, found.ccc.value, found.bias.value, found.outside) == (1.0, pytest.approx(1.0), 0.0, ())


def test_a_shift_lowers_agreement_though_correlation_is_perfect() -> None:
    found = agreement(WRIGHT, np.array(WRIGHT) + 100)
    assert found.icc.value < 0.85
    assert found.ccc.value < 0.85
    assert found.bias.value == pytest.approx(100)


def test_units_and_order_do_not_matter() -> None:
    here, there = agreement(WRIGHT, MINI), agreement(np.array(MINI) / 10 + 3, np.array(WRIGHT) / 10 + 3)
    assert there.icc.value == pytest.approx(here.icc.value)
    assert there.ccc.value == pytest.approx(here.ccc.value)
    assert there.bias.value == pytest.approx(-here.bias.value / 10)


def test_intervals_cover_what_they_claim() -> None:
    rng = np.random.default_rng(6)
    sets, n = 1500, 30
    # Variances: people 1, readers 0.04 (drawn anew each time), error 0.16: ICC = 1 / 1.2; limits 1.96 sqrt(2 x 0.16) about the readers.
    inside_icc = inside_limit = 0
    for _ in range(sets):
        people, readers = rng.normal(0, 1, n), rng.normal(0, 0.2, 2)
        x, y = (people + reader + rng.normal(0, 0.4, n) for reader in readers)
        found = agreement(x, y)
        inside_icc += found.icc.low <= 1 / 1.2 <= found.icc.high
        upper = readers[1] - readers[0] + 1.959964 * math.sqrt(0.32)
        inside_limit += found.upper.low <= upper <= found.upper.high
    assert 0.92 <= inside_icc / sets <= 0.98
    assert 0.92 <= inside_limit / sets <= 0.98


def test_pairs_to_look_at_again() -> None:
    first = [ArmSummary("A", "drug", 20, 3.0, 1.5), ArmSummary("A", "placebo", 20, 4.0, 1.4), ArmSummary("B", "drug", 30, 2.0, 1.0)]
    second = [ArmSummary("A", "drug", 21, 3.01, 1.5), ArmSummary("A", "placebo", 20, 4.0, 0.31)]
    found = [(p.arm, p.quantity) for p in different_pairs(first, second) if not math.isnan(p.second)]
    assert found == [("A, placebo", "sd"), ("A, drug", "n")]
    assert {p.quantity for p in different_pairs(first, second) if p.arm == "B, drug"} == {"n", "mean", "sd"}


def test_the_plot_shows_bias_limits_and_the_odd_pair() -> None:
    ax = draw_bland_altman(agreement(MINI, WRIGHT), Figure().add_subplot(), quantity="l/min")
    levels = sorted(line.get_ydata()[0] for line in ax.lines[1:])
    assert levels == [pytest.approx(-78.1, abs=0.1), pytest.approx(-2.1, abs=0.1), pytest.approx(73.9, abs=0.1)]
    assert "15" in [text.get_text() for text in ax.texts]
    assert ax.get_xlabel() == "Mean of both (l/min)"


def test_bad_series_raise() -> None:
    with pytest.raises(ValueError, match="expected two series of one length of 3 or more finite values"):
        agreement([1, 2], [1, 2])
    with pytest.raises(ValueError, match="expected values that differ, found 3 pairs of 1"):
        agreement([1, 1, 1], [1, 1, 1])
