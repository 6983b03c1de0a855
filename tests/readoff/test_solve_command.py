"""``readoff solve`` and ``readoff audit`` of a whole review."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import sample_figures

if TYPE_CHECKING:
    from tests.readoff.conftest import Outcome

Run = Callable[..., "Outcome"]
CLAIMS = Path(sample_figures.__file__).parent / "felsby" / "claims.toml"

REVIEW = """
[review]
title = "A review"
[[arm]]
study = "Able"
arm = "drug"
n = 20
mean = 3.0
sd = 1.5
[[arm]]
study = "Able"
arm = "placebo"
n = 20
mean = 4.0
sd = 1.2
solved = { sd = [1.0, 2.0] }
[[comparison]]
name = "Drug vs placebo"
treated = "drug"
control = "placebo"
measure = "MD"
method = "DL"
published = { estimate = -1.00, ci = [-1.98, -0.02] }
"""


def test_solves_what_the_review_file_marks_as_solved(readoff: Run, tmp_path: Path) -> None:
    path = tmp_path / "review.toml"
    path.write_text(REVIEW, encoding="utf-8")
    result = readoff("solve", path, "--json")
    assert result.code == 0
    (first, *_) = json.loads(result.out)["Drug vs placebo"]
    # 1.96 sqrt((1.5^2 + s^2) / 20) = 0.98 gives s = 1.66.
    assert first["intervals"][0]["low"] < 1.66 < first["intervals"][0]["high"]
    assert "sd of Able, placebo in" in readoff("solve", path).out


def test_audits_the_claims_of_a_review(readoff: Run, tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    result = readoff("audit", CLAIMS, "--html", page)
    assert result.code == 0
    assert "274 is said, the parts give 319" in result.out
    assert "6 checks hold" in result.out
    assert "7 + 80 + 30" in page.read_text(encoding="utf-8")
