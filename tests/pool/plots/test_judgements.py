"""Risk of bias, the flow of records, and the plots of sensitivity: what is drawn is what is there."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from extract import ArmSummary
from pool import Effect, Effects, combine, effects_from_arms
from pool.plots import (
    Flow,
    RiskOfBias,
    baujat,
    drapery,
    forest,
    leave_one_out_plot,
    leave_one_out_size,
    prisma_flow,
    read_risk_of_bias,
    risk_summary,
    save,
    save_forest,
    traffic_light,
)
from pool.plots.judgements import judgement
from pool.regression import subgroups

ARMS = [
    ArmSummary("Able", "drug", 20, 3.0, 1.5), ArmSummary("Able", "placebo", 20, 4.0, 1.2),
    ArmSummary("Baker", "drug", 30, 2.0, 1.5), ArmSummary("Baker", "placebo", 30, 4.5, 1.4),
    ArmSummary("Clark", "drug", 25, 3.5, 1.6), ArmSummary("Clark", "placebo", 25, 3.6, 1.5),
]  # fmt: skip
EFFECTS = effects_from_arms(ARMS, "drug", "placebo", "MD")
RESULT = combine(EFFECTS)
RISK = RiskOfBias(
    ("Randomization", "Missing data", "Overall"),
    {
        study: tuple(judgement(word) for word in words)
        for study, words in {
            "Able": ("low", "low", "low"),
            "Baker": ("low", "high", "high"),
            "Clark": ("Some", "low", "some concerns"),
        }.items()
    },
)


def texts(ax: object) -> list[str]:
    return [t.get_text() for t in ax.texts]  # type: ignore[attr-defined]


def test_a_traffic_light_has_a_sign_for_every_judgement() -> None:
    ax = traffic_light(RISK, Figure().add_subplot())
    assert sorted(texts(ax)) == sorted(["+"] * 5 + ["×"] * 2 + ["−"] * 2)
    assert [label.get_text() for label in ax.get_xticklabels()] == list(RISK.domains)
    legend = ax.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["+ low", "− some concerns", "× high"]
    places = sorted({float(line.get_xdata()[0]) for line in ax.lines})  # type: ignore[index]
    assert places == [0.0, 1.0, 2.4]  # the overall judgement stands apart


def test_shares_add_up_to_the_whole_of_studies_or_of_weight() -> None:
    weights = dict(zip([e.study for e in EFFECTS], RESULT.weights, strict=True))
    for given in (None, weights):
        ax = risk_summary(RISK, Figure().add_subplot(), given)
        for y in (0, 1, 2.4):
            widths = [p.get_width() for p in ax.patches if abs(p.get_y() + 0.36 - y) < 1e-9]  # type: ignore[attr-defined]
            assert sum(widths) == pytest.approx(100)
    high = [p.get_width() for p in ax.patches if p.get_facecolor()[:3] == pytest.approx((0xEF / 255, 0x53 / 255, 0x50 / 255))]  # type: ignore[attr-defined]
    assert high == [pytest.approx(weights["Baker"])] * 2
    with pytest.raises(ValueError, match="expected a weight of every study, found none of Clark"):
        risk_summary(RISK, Figure().add_subplot(), {"Able": 50, "Baker": 50})


@pytest.mark.parametrize("word", ["Low", "some", "High risk", "no information", "NI", "serious", "unclear", "n/a", "critical", "moderate"])
def test_the_words_of_all_three_instruments_are_known(word: str) -> None:
    assert judgement(word).color.startswith("#")


def test_a_table_may_have_any_number_of_domains(tmp_path: Path) -> None:
    path = tmp_path / "rob.csv"
    path.write_text("study,D1,D2,D3,D4,D5,D6,D7\nAble,low,low,low,low,low,low,high\n", encoding="utf-8")
    assert len(read_risk_of_bias(path).domains) == 7
    path.write_text("study,D1\nAble,perhaps\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2: expected a judgement of low, .*, found 'perhaps'"):
        read_risk_of_bias(path)
    path.write_text("trial,D1\nAble,low\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected a column study and a column for each domain, found trial, D1"):
        read_risk_of_bias(path)


def test_a_flow_says_its_numbers_and_what_does_not_add_up() -> None:
    flow = Flow({"PubMed": 80, "EMBASE": 46}, {"duplicates": 26}, 100, 83, 17, 0, 17, {"no control": 10}, 7, 3)
    ax = prisma_flow(flow, Figure(figsize=(6, 7)).add_subplot())
    said = "\n".join(texts(ax))
    for part in ("Records identified (n = 126)", "PubMed (n = 80)", "duplicates (n = 26)", "(n = 83)", "no control (n = 10)", "(n = 7)"):
        assert part in said
    assert flow.contradictions() == ()
    wrong = Flow({"PubMed": 80}, assessed=18, excluded={"no control": 10}, included=7)
    assert wrong.contradictions() == ("studies included: 7 are said, 8 remain from the step before",)
    assert "Reports sought" not in "\n".join(texts(prisma_flow(wrong, Figure().add_subplot())))


def test_leaving_one_out_is_drawn_at_the_pooled_values_without_it() -> None:
    ax = leave_one_out_plot(EFFECTS, Figure().add_subplot())
    points = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "s"]  # type: ignore[index]
    for k, point in enumerate(points):
        rest = [a for a in ARMS if a.study != EFFECTS.effects[k].study]
        assert point == pytest.approx(combine(effects_from_arms(rest, "drug", "placebo", "MD")).estimate)


def test_baujat_s_contributions_add_up_to_q() -> None:
    ax = baujat(RESULT, Figure().add_subplot())
    assert float(np.sum(ax.lines[0].get_xdata())) == pytest.approx(RESULT.q)
    assert texts(ax) == ["Able", "Baker", "Clark"]


def test_drapery_curves_cross_0_05_at_the_limits() -> None:
    ax = drapery(RESULT, Figure().add_subplot())
    pooled = ax.lines[3]
    x, p = np.asarray(pooled.get_xdata(), dtype=float), np.asarray(pooled.get_ydata(), dtype=float)
    inside = x[p >= 0.05]
    step = x[1] - x[0]
    assert inside[0] == pytest.approx(RESULT.ci_lb, abs=step)
    assert inside[-1] == pytest.approx(RESULT.ci_ub, abs=step)


@pytest.mark.parametrize("style", ["plain", "revman", "jama", "bmj"])
def test_every_style_says_every_number_with_subgroups_and_signs(style: str) -> None:
    groups = subgroups(EFFECTS, ["New", "Old", "New"])
    ax = forest(RESULT, style=style, groups=groups, risk=RISK)  # type: ignore[arg-type]
    said = texts(ax)
    for part in ("New", "Old", "Able", "Clark", "100.0%", "−2.50 [−3.23, −1.77]", "A", "×"):
        assert part in said
    assert sum(text.startswith("Subtotal") for text in said) == 2
    wanted = "Test for subgroup differences: Chi²" if style == "revman" else "Subgroup differences: Q"
    (line,) = [text for text in said if text.startswith(wanted)]
    assert f"{groups.q:.2f}" in line
    assert any("B Missing data" in text for text in said)
    shares = [float(text[:-1]) for text in said if text.endswith("%") and text[0].isdigit()]
    assert sum(shares) == pytest.approx(300, abs=0.6)  # studies, subgroups, all; each rounded to a tenth


def test_forests_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="expected a style of plain, revman, jama, bmj, found 'lancet'"):
        forest(RESULT, style="lancet")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected judgements of every study, found none of Baker, Clark"):
        forest(RESULT, risk=RiskOfBias(RISK.domains, {"Able": RISK.studies["Able"]}))


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [save(lambda ax: baujat(RESULT, ax), tmp_path / name, ("png", "svg", "pdf")) for name in ("a", "b")]
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_names_of_many_studies_do_not_touch_in_a_leave_one_out_plot() -> None:
    many = Effects("MD", tuple(Effect(f"Study {k}", 0.1 * k, 0.1 + 0.01 * k) for k in range(60)))
    figure = Figure(figsize=leave_one_out_size(60), layout="constrained")
    ax = leave_one_out_plot(many, figure.add_subplot())
    FigureCanvasAgg(figure).draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert all(upper.y0 > lower.y1 for upper, lower in itertools.pairwise(boxes))


def test_dollars_in_names_are_no_formula(tmp_path: Path) -> None:
    dear = Effects("MD", (Effect("Drug at $5^ vs $2", 0.1, 0.1), Effect("B" * 90, 0.5, 0.2)))
    (file,) = save(lambda ax: baujat(combine(dear), ax), tmp_path / "dear", ("svg",))
    drawn = file.read_text(encoding="utf-8")
    assert "Drug at $5^ vs $2" in drawn
    assert "B" * 41 not in drawn
    save_forest(combine(dear), tmp_path / "forest", ("svg",), title="$5^ vs $2")
    assert "$5^ vs $2" in (tmp_path / "forest.svg").read_text(encoding="utf-8")


def test_a_study_that_is_judged_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "risk.csv"
    path.write_text("study,Missing data\nAble,low\nAble,high\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3: expected one row a study, found 'Able' again"):
        read_risk_of_bias(path)
