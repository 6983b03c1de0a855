"""``readoff run``: a whole review from its file."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from readoff.review import Check, file_name, run_review
from tests.readoff.conftest import MARKS

if TYPE_CHECKING:
    from pool import Effects
    from tests.readoff.conftest import FakeReader, Outcome

Run = Callable[..., "Outcome"]
SAMPLE = Path(__file__).resolve().parent.parent.parent / "sample_figures" / "felsby"
REVIEW = SAMPLE / "review.toml"


@pytest.fixture
def review(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the sample review with a replacement made, beside its figure."""

    def write(good: str = "", bad: str = "") -> Path:
        text = REVIEW.read_text(encoding="utf-8")
        assert good in text
        (tmp_path / "felsby.pdf").write_bytes(b"pixels")
        shutil.copy(SAMPLE / "risk_of_bias.csv", tmp_path)
        path = tmp_path / "review.toml"
        path.write_text(text.replace(good, bad, 1) if good else text, encoding="utf-8")
        return path

    return write


def test_reproduces_both_published_comparisons(readoff: Run, reader: FakeReader, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = readoff("run", REVIEW, "--out", out)
    assert (result.code, result.err) == (0, "")
    assert "MD -1.13 [-2.64, 0.38], I2 81 %" in result.out
    assert "MD -0.67 [-1.84, 0.49], I2 62 %" in result.out
    assert result.out.count("agrees to the printed digits") == 2
    assert "unusual Pickering 2011, magnesium, 28 days: the mean is less than two SDs above 0" in result.out
    written = sorted(str(path.relative_to(out).as_posix()) for path in out.rglob("*") if path.is_file())
    of_comparison = [".R", ".json", ".png", ".svg", ".xlsx", "-revman.csv", "-multiverse.csv", "-sequential.json"]
    of_comparison += [f"-{picture}.{suffix}" for picture in ("funnel", "sequential", "specification") for suffix in ("png", "svg")]
    comparisons = [f"magnesium-vs-{control}{ending}" for control in ("ketamine", "placebo") for ending in of_comparison]
    figures = [f"figures/felsby.{suffix}" for suffix in ("csv", "json", "png")]
    of_review = ["arms.csv", "audit.html", "audit.json", "findings.csv", "findings.html", "flow.png", "flow.svg"]
    of_review += [f"risk-of-bias{part}.{suffix}" for part in ("", "-summary") for suffix in ("png", "svg")]
    assert written == sorted([*of_review, *figures, *comparisons])
    with (out / "magnesium-vs-placebo-multiverse.csv").open(encoding="utf-8", newline="") as file:
        analyses = list(csv.DictReader(file))
    assert len({row["estimator"] for row in analyses}) == 10  # of medians with ranges, and as given
    chosen = next(row for row in analyses if (row["estimator"], row["method"], row["test"]) == ("wan2014", "DL", "z"))
    assert float(chosen["estimate"]) == pytest.approx(-1.129, abs=0.0005)
    with (out / "findings.csv").open(encoding="utf-8", newline="") as file:
        findings = list(csv.DictReader(file))
    # The crossover's ten participants are counted once: 10 + 80 + 45.
    assert findings[0]["Participants (studies)"] == "135 (3 studies)"
    assert findings[0]["Certainty"] == "⊕⊕◯◯ Low"
    assert findings[0]["Anticipated absolute effect (95% CI)"] == "MD 1.13 lower [2.64 lower to 0.38 higher]"
    assert findings[1]["Participants (studies)"] == "40 (2 studies)"


@pytest.mark.usefixtures("quick_forest")
def test_solved_numbers_are_marked_with_their_interval_through_to_the_end(readoff: Run, reader: FakeReader, tmp_path: Path) -> None:
    result = readoff("run", REVIEW, "--out", tmp_path / "out")
    assert "solved, not printed: Yousef 2013 placebo: sd 2.45 (2.445 to 2.480 fits)" in result.out
    assert "solved, not printed: Kim 2015 ketamine: mean 4.33 (only 4.33 fits); sd 1.12 (1.10 to 1.15 fits)" in result.out
    with (tmp_path / "out" / "arms.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["study"], row["arm"]): row for row in csv.DictReader(file)}
    solved = rows["Yousef 2013", "placebo"]
    assert (solved["how"], solved["flags"], solved["solved"]) == ("estimated", "solved", "sd 2.45 (2.445 to 2.480 fits)")
    assert float(solved["u_sd"]) == pytest.approx(0.035 / 12**0.5)  # uniform over the interval
    assert float(solved["u_mean"]) == 0
    printed = rows["Yousef 2013", "magnesium"]
    assert (printed["how"], printed["flags"], printed["solved"]) == ("reported", "", "")


@pytest.mark.usefixtures("quick_forest")
def test_json_holds_arms_comparisons_and_checks(readoff: Run, reader: FakeReader, tmp_path: Path) -> None:
    document = json.loads(readoff("run", REVIEW, "--out", tmp_path / "out", "--json").out)
    assert document["title"] == "Magnesium sulfate in neuropathic pain"
    assert len(document["arms"]) == 10
    first = document["comparisons"][0]
    assert (first["name"], first["k"], round(first["estimate"], 2)) == ("Magnesium vs placebo", 3, -1.13)
    assert [(check["quantity"], check["agrees"]) for check in first["published"]] == [
        ("estimate", True),
        ("ci_lb", True),
        ("ci_ub", True),
        ("i2", True),
    ]
    stored = json.loads((tmp_path / "out" / "magnesium-vs-placebo.json").read_text(encoding="utf-8"))
    assert stored == first


@pytest.mark.usefixtures("quick_forest")
def test_a_published_number_that_differs_is_said(readoff: Run, reader: FakeReader, review: Callable[..., Path], tmp_path: Path) -> None:
    result = readoff("run", review("estimate = -1.13", "estimate = -1.14"), "--out", tmp_path / "out")
    assert result.code == 0
    assert "differs in estimate -1.129" in result.out


@pytest.mark.parametrize(
    ("good", "bad", "code", "expected"),
    [
        ('error_bars = "range"', 'error_bars = "whisker"', 2, "figure[1].error_bars"),
        ('error_bars = "range"', 'error_bars = "se"', 2, "centre median with error bars se"),
        ("n = 10", "n = 1", 2, "figure[1].n"),
        ('Magnesium = "magnesium"', 'Aspirin = "magnesium"', 1, "'Aspirin'"),
        ('treated = "magnesium"', 'treated = "aspirin"', 2, "'aspirin'"),
        ('file = "felsby.pdf"', 'file = "gone.pdf"', 1, "gone.pdf: no such file"),
        ('name = "Magnesium vs placebo"', 'name = "Magnesium vs. ketamine"', 2, "'magnesium-vs-ketamine'"),
        ('name = "Magnesium vs placebo"', 'name = "..."', 2, "''"),
        (
            'crossovers = ["Felsby 1995"]',
            'crossovers = ["Felsby"]',
            2,
            "expected studies of the review in crossovers, found 'Felsby' beside",
        ),
        ('test = "z"', 'test = "z"\nsubgroups = { Kin = "a" }', 2, "expected studies of the review in subgroups, found 'Kin' beside"),
    ],
)
def test_a_review_that_cannot_be_run_writes_nothing(
    good: str, bad: str, code: int, expected: str, readoff: Run, reader: FakeReader, review: Callable[..., Path], tmp_path: Path
) -> None:
    result = readoff("run", review(good, bad), "--out", tmp_path / "out")
    assert result.code == code
    assert len(result.error_lines) == 1
    assert expected in result.err
    assert not (tmp_path / "out").exists()


def test_a_figure_that_cannot_be_read_fails_the_run(readoff: Run, reader: FakeReader, tmp_path: Path) -> None:
    reader.failures["felsby.pdf"] = ValueError("felsby.pdf: no plot was found")
    result = readoff("run", REVIEW, "--out", tmp_path / "out")
    assert (result.code, result.error_lines) == (1, [f"readoff run: {REVIEW}: felsby.pdf: no plot was found"])
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("quick_forest")
def test_a_file_with_two_studies_is_read_once(reader: FakeReader, review: Callable[..., Path], tmp_path: Path) -> None:
    other = 'file = "felsby.pdf"\nstudy = "Other"\ncentre = "median"\nerror_bars = "range"\nn = 10\narms = { Baseline = "b" }'
    run_review(review("[[figure]]", f"[[figure]]\n{other}\n\n[[figure]]"), tmp_path / "out")
    assert len(reader.calls) == 1


def test_an_arm_with_two_points_is_refused_rather_than_counted_twice(readoff: Run, reader: FakeReader, tmp_path: Path) -> None:
    reader.marks = (*MARKS, ("Placebo", 4.2, 2.5, 6.2))
    result = readoff("run", REVIEW, "--out", tmp_path / "out")
    assert result.code == 1
    assert "expected one point for the arm 'placebo', found 2" in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("quick_forest", "reader")
def test_a_review_says_how_its_sequential_analysis_is_made(
    readoff: Run, review: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pool.sequential

    real, asked = pool.sequential.sequential, []

    def recording(*arguments: object, **options: object) -> object:
        asked.append((options, result := real(*arguments, **options)))  # type: ignore[arg-type]
        return result

    monkeypatch.setattr(pool.sequential, "sequential", recording)
    path = review("relevant = 1.5, sd = 2.2", 'relevant = 1.5, sd = 2.2, correction = "I2", futility = "non-binding"')
    assert readoff("run", path, "--out", tmp_path / "out").code == 0
    options, result = asked[0]
    assert (options["correction"], options["futility"]) == ("I2", "non-binding")
    assert result.inflation > 1
    assert asked[1][0]["futility"] == "none"


@pytest.mark.usefixtures("quick_forest", "reader")
def test_looks_of_a_sequential_analysis_come_in_the_order_of_years(readoff: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pool.sequential

    real, studies = pool.sequential.sequential, []

    def recording(effects: Effects, *arguments: object, **options: object) -> object:
        studies.append([e.study for e in effects])
        return real(effects, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pool.sequential, "sequential", recording)
    assert readoff("run", REVIEW, "--out", tmp_path / "out").code == 0
    assert studies[0] == ["Felsby 1995", "Pickering 2011", "Yousef 2013"]  # the file has Yousef first
    numbers = json.loads((tmp_path / "out" / "magnesium-vs-placebo-sequential.json").read_text(encoding="utf-8"))
    assert [(look["study"], look["n"]) for look in numbers["looks"]] == [("Felsby 1995", 10), ("Pickering 2011", 55), ("Yousef 2013", 135)]
    pooled = json.loads((tmp_path / "out" / "magnesium-vs-placebo.json").read_text(encoding="utf-8"))
    assert numbers["looks"][-1]["z"] == pytest.approx(pooled["estimate"] / pooled["se"])
    assert numbers["verdict"].startswith("inconclusive: |Z| 1.46")


@pytest.mark.usefixtures("quick_forest", "reader")
def test_a_crossover_pooled_as_parallel_is_said_with_what_it_would_come_to(readoff: Run, tmp_path: Path) -> None:
    result = readoff("run", REVIEW, "--out", tmp_path / "out")
    # By metafor, Felsby's standard error 0.391 in place of 0.5525.
    said = "pooled as if its arms were different people; with a correlation of 0.5 between periods MD -1.12 [-2.55, 0.31]"
    assert f"caution: Felsby 1995: a crossover, {said}" in result.out


@pytest.mark.usefixtures("reader")
def test_ratios_are_held_against_published_ratios_and_named_as_such(readoff: Run, review: Callable[..., Path], tmp_path: Path) -> None:
    asked = ['measure = "MD"', 'method = "DL"', 'test = "z"', 'style = "revman"', 'crossovers = ["Felsby 1995"]']
    asked.append("sequential = { relevant = 1.5, sd = 2.2 }")
    path = review("\n".join(asked), 'measure = "ROM"\nmethod = "DL"')
    assert readoff("run", path, "--out", tmp_path / "out").code == 0
    document = json.loads((tmp_path / "out" / "magnesium-vs-placebo.json").read_text(encoding="utf-8"))
    checks = {check["quantity"]: check["computed"] for check in document["published"]}
    assert (checks["estimate"], checks["ci_lb"]) == (document["estimate_exp"], document["ci_lb_exp"])
    drawn = (tmp_path / "out" / "magnesium-vs-placebo.svg").read_text(encoding="utf-8")
    assert "Ratio of means (Pain, VAS)" in drawn
    assert "Mean difference" not in drawn


def test_an_arm_that_cannot_be_read_leaves_its_study_out_by_name(readoff: Run, reader: FakeReader, tmp_path: Path) -> None:
    reader.marks = (*MARKS[:3], ("Placebo", 4.3, 2.644, None))
    result = readoff("run", REVIEW, "--out", tmp_path / "out")
    assert result.code == 0
    assert "left out: Felsby 1995: not known: mean of placebo, sd of placebo" in result.out
    assert "sd_not_readable" in (tmp_path / "out" / "arms.csv").read_text(encoding="utf-8")


@pytest.mark.usefixtures("quick_forest")
def test_another_drawing_can_stand_in(reader: FakeReader, tmp_path: Path) -> None:
    said: list[str] = []
    result = run_review(REVIEW, tmp_path / "out", figure_override={"felsby.pdf": SAMPLE / "felsby.png"}, progress=said.append)
    assert reader.calls[0]["path"] == SAMPLE / "felsby.png"
    assert result.readings["felsby.pdf"].record.source.file == "felsby.png"
    assert said[0] == "reading felsby.png"
    assert all(path.is_file() for path in result.files)


@pytest.mark.parametrize(
    ("computed", "published", "agrees"),
    [
        (-1.1291, "-1.13", True),
        (-1.1349, "-1.13", True),
        (-1.1351, "-1.13", False),
        (0.385, "0.38", True),  # half way: both roundings are in use
        (0.385, "0.39", True),
        (0.4, "0.40", True),
        (0.404, "0.4", True),
        (0.406, "0.40", False),
        (80.67, "81", True),
        (80.4, "81", False),
    ],
)
def test_a_number_agrees_when_it_rounds_to_the_printed_one(computed: float, published: str, agrees: bool) -> None:
    assert Check("estimate", computed, Decimal(published)).agrees is agrees


def test_names_become_file_names() -> None:
    assert file_name("Magnesium vs. placebo (6 months)") == "magnesium-vs-placebo-6-months"
    assert file_name("α / β") == "α-β"
