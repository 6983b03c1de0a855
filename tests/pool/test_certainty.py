"""Summary of findings: ratings, absolute effects and both forms of the table."""

from __future__ import annotations

import csv
import math

import pytest

from extract import ArmSummary
from pool import Effect, Effects, combine, effects_from_arms
from pool.certainty import Downgrade, Outcome, suggested_downgrades, summary_as_csv, summary_as_html, summary_rows

MD = combine(
    effects_from_arms(
        [
            ArmSummary("Able", "drug", 20, 3.0, 1.5), ArmSummary("Able", "placebo", 20, 4.0, 1.2),
            ArmSummary("Baker", "drug", 30, 4.6, 1.5), ArmSummary("Baker", "placebo", 30, 4.5, 1.4),
        ],
        "drug", "placebo", "MD",
    )
)  # fmt: skip
RR = combine(Effects("RR", (Effect("Able", math.log(0.5), 0.01), Effect("Baker", math.log(0.5), 0.01))))


def test_levels_lower_the_rating_and_stop_at_very_low() -> None:
    one, two = Downgrade("risk of bias", 1, "open label"), Downgrade("imprecision", 2, "40 people")
    assert Outcome("Pain", MD, 100).certainty == "High"
    assert Outcome("Pain", MD, 100, (one,)).certainty == "Moderate"
    assert Outcome("Pain", MD, 100, (one, two)).certainty == "Very low"
    assert Outcome("Pain", MD, 100, (one, two), "Low").certainty == "Very low"
    with pytest.raises(ValueError, match=r"expected a domain of risk of bias, .* found 'bias' and 3"):
        Downgrade("bias", 3, "")


def test_a_difference_has_no_relative_effect_and_a_ratio_an_absolute_one_from_the_control_s_risk() -> None:
    (pain,), (death,) = summary_rows([Outcome("Pain", MD, 100)]), summary_rows([Outcome("Death", RR, 400, baseline_risk=0.2)])
    assert pain[3] == "–"
    assert pain[4].startswith(f"MD {abs(MD.estimate):.2f} lower [")
    assert death[3].startswith("RR 0.50 [")
    assert death[4].startswith("100 fewer per 1000 [")  # 200 x 0.5
    assert summary_rows([Outcome("Death", RR, 400)])[0][4] == "–"
    odds = combine(Effects("OR", (Effect("Able", math.log(0.5), 0.01),)))
    # Odds of 0.25 halved are 0.125: a risk of 0.111, 89 in 1000 fewer.
    assert summary_rows([Outcome("Death", odds, 400, baseline_risk=0.2)])[0][4].startswith("89 fewer per 1000")


def test_numbers_alone_suggest_inconsistency_and_imprecision() -> None:
    assert [d.domain for d in suggested_downgrades(MD)] == ["inconsistency", "imprecision"]
    assert suggested_downgrades(RR) == ()
    assert suggested_downgrades(MD, relevant=0.3)[-1].levels == 2


def test_both_forms_hold_the_same_cells() -> None:
    outcomes = [Outcome("Pain <VAS>", MD, 100, (Downgrade("imprecision", 1, "few people"),))]
    rows = list(csv.reader(summary_as_csv(outcomes).splitlines()))
    page = summary_as_html(outcomes, "Drug vs placebo")
    assert rows[1][2] == "⊕⊕⊕◯ Moderate"
    assert "Pain &lt;VAS&gt;" in page
    assert "imprecision (−1): few people" in page


@pytest.mark.parametrize("risk", [20.0, 1.2, 0.0])
def test_a_baseline_risk_in_per_cent_is_refused(risk: float) -> None:
    with pytest.raises(ValueError, match=f"expected a baseline risk per person between 0 and 1, found {risk:g}"):
        Outcome("Death", combine(Effects("RR", (Effect("A", -0.5, 0.1),))), 100, baseline_risk=risk)
