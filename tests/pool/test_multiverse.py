"""The multiverse of choices: every estimator of SDs by every estimator of tau2 by every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from extract import METHODS, ArmSummary, estimate, read_arms, write_arms
from extract.fromquantiles import arm_from_quantiles
from pool import Effect, Effects, combine, effects_from_arms
from pool.multiverse import AS_GIVEN, estimator_choices, multiverse_in_words, multiverse_table, quantiles_of
from pool.plots import specification_plot


def estimated(study: str, arm: str, n: int, **values: float) -> ArmSummary:
    return arm_from_quantiles(ArmSummary(study, arm, n, 0.0, 1.0), values)


ARMS = (
    estimated("Able", "drug", 10, minimum=1.9, median=3.6, maximum=5.8),
    estimated("Able", "placebo", 10, minimum=2.5, median=4.3, maximum=6.4),
    estimated("Baker", "drug", 30, q1=2.0, median=3.0, q3=5.0),
    estimated("Baker", "placebo", 31, q1=3.0, median=4.5, q3=6.0),
    ArmSummary("Clark", "drug", 40, 4.7, 1.8),
    ArmSummary("Clark", "placebo", 40, 7.2, 2.45),
)
EFFECTS = effects_from_arms(ARMS, "drug", "placebo")


def test_each_estimator_changes_the_arms_that_it_is_for() -> None:
    choices = {choice.estimator: choice for choice in estimator_choices(EFFECTS)}
    assert set(choices) == {AS_GIVEN, *METHODS} - {"bland2015"}  # five numbers alone
    assert choices[AS_GIVEN].effects == EFFECTS
    assert {name: choices[name].n_arms for name in ("wan2014", "hozo2005", "luo2018")} == {"wan2014": 4, "hozo2005": 2, "luo2018": 4}
    assert all(choice.effects.effects[2] == EFFECTS.effects[2] for choice in choices.values())
    arm = choices["luo2018"].effects.effects[1].treated
    assert arm is not None
    alone = estimate(30, q1=2.0, median=3.0, q3=5.0, method="luo2018")
    assert (arm.mean, arm.sd) == pytest.approx((alone.mean, alone.sd), rel=1e-12)
    assert choices["hozo2005"].effects.effects[1] == EFFECTS.effects[1]  # quartiles: left as they are


def test_wan_again_is_what_was_given() -> None:
    again = next(choice for choice in estimator_choices(EFFECTS) if choice.estimator == "wan2014")
    assert [(e.yi, e.vi) for e in again.effects] == [pytest.approx((e.yi, e.vi), rel=1e-9) for e in EFFECTS]


def test_the_table_holds_every_analysis() -> None:
    table = multiverse_table(EFFECTS)
    n_models = 12 * 4 + 2  # the common effect has z and t alone
    assert len(table) == 10 * n_models
    assert not table.duplicated(["estimator", "method", "test"]).any()
    row = table[(table["estimator"] == "luo2018") & (table["method"] == "REML") & (table["test"] == "knha")].iloc[0]
    luo = next(choice.effects for choice in estimator_choices(EFFECTS) if choice.estimator == "luo2018")
    assert (row["estimate"], row["ci_lb"]) == (combine(luo, "REML", "knha").estimate, combine(luo, "REML", "knha").ci_lb)
    assert multiverse_in_words(table).startswith("500 analyses: estimates ")


def test_quantiles_survive_the_table_of_arms(tmp_path: Path) -> None:
    write_arms(ARMS, tmp_path / "arms.csv")
    back = read_arms(tmp_path / "arms.csv")
    assert quantiles_of(back[0]) == {"minimum": 1.9, "median": 3.6, "maximum": 5.8}
    assert quantiles_of(back[2]) == {"q1": 2.0, "median": 3.0, "q3": 5.0}
    assert quantiles_of(back[4]) is None


@pytest.mark.parametrize(
    "extra", [(("median", "3"),), (("median", "3"), ("minimum", "4"), ("maximum", "5")), (("median", "low"), ("q1", "1"), ("q3", "2"))]
)
def test_columns_that_are_no_quantiles_are_left_alone(extra: tuple[tuple[str, str], ...]) -> None:
    assert quantiles_of(ArmSummary("A", "drug", 10, 1.0, 1.0, extra=extra)) is None


def test_effects_without_arms_have_one_estimator() -> None:
    bare = Effects("OR", (Effect("A", 0.5, 0.1), Effect("B", 0.2, 0.2)))
    assert [choice.estimator for choice in estimator_choices(bare)] == [AS_GIVEN]


def test_picture() -> None:
    figure = Figure()
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    table = multiverse_table(EFFECTS)
    assert specification_plot(table, ax, chosen=("DL", "z")) is ax
    figure.canvas.draw()
    upper, lower = ax.child_axes
    labels = [text.get_text() for text in lower.get_yticklabels()]
    assert labels[0] == "SDs: as given"
    assert labels[-4:] == ["interval: z", "t", "knha", "adhoc"]
    legend = upper.get_legend()
    assert legend is not None
    counts = [text.get_text() for text in legend.get_texts()]
    holding = int(((table["ci_lb"] <= 0) & (table["ci_ub"] >= 0)).sum())
    assert counts == [f"interval holds 0: {holding}", f"excludes 0: {len(table) - holding}", "reported"]
