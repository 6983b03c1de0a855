"""``readoff pool`` with other models, subgroups and moderators: the numbers of metafor and clubSandwich, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]
DATA = Path(__file__).parents[1] / "data"
MODELS: dict[str, Any] = json.loads((DATA / "metafor_models.json").read_text(encoding="utf-8"))
BCG = MODELS["binary_models"]["bcg"]
ABLAT = [row[1] for row in MODELS["metareg"]["bcg_ablat|REML|z"]["X"]]
CODED = MODELS["metareg"]["bcg_alloc|REML|z"]["X"]
ALLOCATION = ["random" if random else "systematic" if systematic else "alternate" for _, random, systematic in CODED]
SAID = ("--treated", "bcg", "--control", "none", "--json")


@pytest.fixture
def events(tmp_path: Path) -> Path:
    lines = ["study,arm,events,n,ablat,alloc"]
    for k, (a, b, c, d) in enumerate(zip(*(BCG[name] for name in ("ai", "bi", "ci", "di")), strict=True)):
        for arm, some, rest in (("bcg", a, b), ("none", c, d)):
            lines.append(f"S{k},{arm},{some},{some + rest},{ABLAT[k]},{ALLOCATION[k]}")
    path = tmp_path / "events.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def schools(tmp_path: Path) -> Path:
    data = MODELS["multilevel"]["konstantopoulos_3level_REML"]
    rows = zip(data["yi"], data["vi"], data["district"], strict=True)
    path = tmp_path / "effects.csv"
    lines = [f"school {k},{y!r},{v!r},district {d}" for k, (y, v, d) in enumerate(rows)]
    path.write_text("\n".join(["study,yi,vi,district", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def document(readoff: Run, tmp_path: Path) -> Callable[..., Any]:
    def run(*words: object) -> Any:
        result = readoff("pool", *words, "--out", tmp_path / "out")
        assert (result.code, result.err) == (0, "")
        return json.loads(result.out)

    return run


@pytest.mark.usefixtures("quick_forest")
@pytest.mark.parametrize(
    ("model", "measure", "reference"),
    [
        ("mh", "RR", "MH_RR"),
        ("mh", "OR", "MH_OR"),
        ("peto", "PETO", "PETO"),
        ("cm.el", "OR", "GLMM_CM.EL_ML"),
        ("um.fs", "OR", "GLMM_UM.FS_ML"),
    ],
)
def test_models_of_events(model: str, measure: str, reference: str, document: Callable[..., Any], events: Path) -> None:
    found = document(events, "--measure", measure, "--model", model, *SAID)["model"]
    # Mixed models are good to where the reference's search stops.
    within = 1e-8 if model in ("mh", "peto") else 5e-5
    assert [found["estimate"], found["se"]] == pytest.approx([BCG[reference][name] for name in ("estimate", "se")], abs=within)
    assert found["estimate_exp"] == pytest.approx(math.exp(found["estimate"]))


@pytest.mark.usefixtures("quick_forest")
def test_models_of_clusters(document: Callable[..., Any], schools: Path) -> None:
    said = (schools, "--measure", "SMD", "--method", "REML", "--cluster", "district", "--json")
    levels, expected = document(*said, "--model", "three-level")["model"], MODELS["multilevel"]["konstantopoulos_3level_REML"]
    assert levels["estimate"] == pytest.approx(expected["estimate"], abs=1e-6)
    assert levels["sigma2"] == pytest.approx(expected["sigma2"], abs=1e-6)
    robust = document(*said, "--model", "cr2")["model"]
    assert 1 < robust["df"] < 11  # Satterthwaite's, below the number of districts
    assert robust["se"] != pytest.approx(levels["se"], rel=1e-3)


@pytest.mark.usefixtures("quick_forest")
def test_subgroups_and_moderators(document: Callable[..., Any], events: Path) -> None:
    said = (events, "--measure", "RR", *SAID)
    groups = document(*said, "--method", "DL", "--subgroups", "alloc")["subgroups"]
    assert groups["q"] == pytest.approx(MODELS["subgroup_bcg_alloc"]["between_DL"]["Q"], abs=1e-8)
    assert set(groups["groups"]) == {"random", "alternate", "systematic"}
    found = document(*said, "--method", "REML", "--moderators", "ablat")["regression"]
    expected = MODELS["metareg"]["bcg_ablat|REML|z"]
    assert [c["estimate"] for c in found["coefficients"]] == pytest.approx(expected["beta"], abs=1e-8)
    coded = document(*said, "--method", "REML", "--moderators", "alloc, ablat")["regression"]
    others = list(groups["groups"])[1:]
    assert [c["name"] for c in coded["coefficients"]] == ["intercept", *(f"alloc {name}" for name in others), "ablat"]


def test_the_result_is_said_in_words(readoff: Run, events: Path, tmp_path: Path) -> None:
    words = (events, "--measure", "OR", *SAID[:-1], "--model", "cm.al", "--subgroups", "alloc", "--moderators", "ablat")
    result = readoff("pool", *words, "--out", tmp_path / "out")
    assert "approximate conditional mixed model: OR 0.4857 [0.3451, 0.6837]" in result.out
    assert "alloc systematic (k = 4): OR" in result.out
    assert "difference of subgroups: Q " in result.out
    assert "ablat: log OR -0.0" in result.out
    assert "the forest plot shows the inverse-variance result" in result.out


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("--model", "magic"), 2, "expected one of iv, mh, peto"),
        (("--model", "mh", "--cluster", "alloc"), 2, "expected --cluster with --model three-level or cr2, found 'mh'"),
        (("--model", "cm.el", "--measure", "RR"), 1, "expected measure OR for model cm.el, found RR"),
        (("--model", "three-level"), 1, "expected a cluster with several effects for a three-level model, found 13 effects each alone"),
        (("--model", "three-level", "--test", "knha"), 1, "expected --test z or t for a three-level model, found knha"),
        (("--subgroups", "colour"), 1, "expected a column 'colour', found study, arm, events, n, ablat, alloc"),
        (("--subgroups", "events"), 1, "expected one value of 'events' for S0, found '11', '4'"),
        (("--moderators", "ablat,colour"), 1, "expected a column 'colour'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    words: tuple[str, ...], code: int, expected: str, readoff: Run, events: Path, tmp_path: Path
) -> None:
    measure = () if "--measure" in words else ("--measure", "OR")
    result = readoff("pool", events, *measure, *SAID, *words, "--out", tmp_path / "out")
    assert (result.code, len(result.error_lines)) == (code, 1)
    assert expected in result.err
    assert not (tmp_path / "out").exists()


def test_models_of_events_need_events(readoff: Run, schools: Path, tmp_path: Path) -> None:
    result = readoff("pool", schools, "--measure", "OR", "--model", "mh", "--out", tmp_path / "out")
    assert result.code == 1
    assert "expected a table of events for model mh, found columns study, yi, vi, district" in result.err


@pytest.mark.usefixtures("quick_forest")
def test_events_are_shown_and_every_pooled_ratio_is_one(readoff: Run, events: Path, tmp_path: Path) -> None:
    words = ("--treated", "bcg", "--control", "none", "--measure", "OR", "--out", tmp_path / "out")
    plain, asked = readoff("pool", events, *words), readoff("pool", events, *words, "--model", "mh")
    assert f"{BCG['ai'][0]}/{BCG['ai'][0] + BCG['bi'][0]}" in plain.out
    said = "Mantel-Haenszel: OR 0.6229 ["  # exp(-0.473411), metafor's
    assert (plain.out.count(said), asked.out.count(said), asked.out.count("Mantel-Haenszel")) == (1, 1, 1)


@pytest.mark.usefixtures("quick_forest")
def test_a_subgroup_of_one_study_says_that_its_interval_is_by_z(readoff: Run, tmp_path: Path) -> None:
    table = tmp_path / "effects.csv"
    table.write_text("study,yi,vi,g\nA,0.5,0.1,x\nB,0.7,0.2,x\nC,-0.2,0.1,y\n", encoding="utf-8")
    out = readoff("pool", table, "--subgroups", "g", "--test", "t", "--out", tmp_path / "out").out
    assert "g x (k = 2): " in out
    assert "g y (k = 1, by z): " in out


@pytest.mark.parametrize(
    ("cell", "option", "expected"),
    [
        ("NA", "--moderators", "expected one value of 'dose' for D, found 'NA'"),
        ("NA", "--subgroups", "expected one value of 'dose' for D, found 'NA'"),
        ('"1,5"', "--moderators", "expected numbers alone or words alone in 'dose', found '1,5' among 5 numbers"),
    ],
)
def test_a_missing_or_misspelt_number_is_no_word(cell: str, option: str, expected: str, readoff: Run, tmp_path: Path) -> None:
    table = tmp_path / "effects.csv"
    rows = [f"{name},{0.1 * k},0.1,{dose}" for k, (name, dose) in enumerate(zip("ABCDEF", (1, 1, 2, cell, 2, 1), strict=True))]
    table.write_text("\n".join(["study,yi,vi,dose", *rows]) + "\n", encoding="utf-8")
    result = readoff("pool", table, option, "dose", "--out", tmp_path / "out")
    assert result.code == 1
    assert expected in result.err


def test_totals_are_given_as_revman_and_metan_print_them(readoff: Run, tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    # Printed in PMC6240187: OR 6.08 [1.82, 20.37], one cell being empty.
    rows = ["A,t,5,204", "A,c,0,250", "B,t,5,432", "B,c,2,864", "C,t,2,167", "C,c,1,278"]
    events.write_text("\n".join(["study,arm,events,n", *rows]) + "\n", encoding="utf-8")
    ran = readoff("pool", str(events), "--treated", "t", "--control", "c", "--measure", "OR", "--out", str(tmp_path / "a"))
    assert "half added to empty cells (RevMan, metan): OR 6.081 [1.816, 20.37]" in ran.out
    effects = tmp_path / "effects.csv"
    effects.write_text("study,yi,vi,weight\nA,0,0.1,30\nB,0.6931472,0.1,10\n", encoding="utf-8")
    ran = readoff("pool", str(effects), "--measure", "RR", "--out", str(tmp_path / "b"))
    assert "if the weights of the table are of it: RR 1.25" in ran.out  # (30 x 1 + 10 x 2) / 40
