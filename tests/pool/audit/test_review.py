"""Audits of a published review: planted contradictions are found, each by its own check, and a consistent review passes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

import sample_figures
from extract.audit import Finding
from pool.audit import Claims, audit_review
from pool.audit.claims import Arm, Comparison, Measured, Percentage, Range, Reference, Said, Sequential, Total, Trial
from readoff.claimsfile import read_claims
from readoff.reviewfile import ReviewFileError

SAMPLE = Path(sample_figures.__file__).parent / "felsby" / "claims.toml"


def measured(mean: str, sd: str) -> Measured:
    return Measured(D(mean), D(sd))


TRIALS = (
    Trial("Able 2010", 40, treatment="drug", instrument="VAS", interval_days=28, reference=1),
    Trial("Baker 2012", 60, treatment="drug", instrument="VAS", interval_days=30, reference=2),
)
ARMS = (
    Arm("Able 2010", "drug", 20, measured("3.42", "1.51"), measured("6.33", "1.72")),
    Arm("Able 2010", "placebo", 20, measured("4.61", "1.64"), measured("6.21", "1.81")),
    Arm("Baker 2012", "drug", 30, measured("3.12", "1.43"), measured("6.12", "1.62")),
    Arm("Baker 2012", "placebo", 30, measured("4.52", "1.55"), measured("6.40", "1.58")),
)
COMPARISON = Comparison(
    "Drug vs placebo", "drug", "placebo", ("Able 2010", "Baker 2012"), pooling="inverse variance", model="DL", test="z", k=2, n=100,
    estimate=D("-1.32"), ci=(D("-1.92"), D("-0.72")), i2=D("0"), p="<0.001", values="final",
    certainty=(("Abstract", "Low"), ("Table 2", "low")), conclusion="decrease",
)  # fmt: skip
CLEAN = Claims(
    "A review", scale=(0, 10), instrument="VAS", outcome="final", treatment="drug", excludes=("pilot",), synthesised=2,
    trial=TRIALS, arm=ARMS,
    total=(Total("participants", "Abstract", 100, of=("all",)), Total("included", "Figure 1", 2, parts=(12, -10))),
    said=(Said("full texts", "Figure 1", "12"), Said("full texts", "Results", "12")),
    range=(Range("drug", "Results", D("3.1"), D("3.5")),), percentage=(Percentage("Able 2010", "25.0", 20),),
    sequential=(Sequential("Figure 3", ("alpha", "power", "delta", "variance", "model")),), comparison=(COMPARISON,),
    reference=(Reference(1, "doi:1", 2010), Reference(2, "doi:2", 2012)),
)  # fmt: skip


def found(claims: Claims) -> list[Finding]:
    return [f for f in audit_review(claims) if f.severity != "pass"]


def test_a_consistent_review_passes() -> None:
    assert found(CLEAN) == []
    assert {f.check for f in audit_review(CLEAN)} == {
        "total", "said twice", "participants", "percentage", "range", "sd limit", "symmetry", "p of interval",
    }  # fmt: skip


def with_arm(index: int, **changes: Any) -> Claims:
    arms = list(ARMS)
    arms[index] = replace(arms[index], **changes)
    return replace(CLEAN, arm=tuple(arms))


def with_trial(index: int, **changes: Any) -> Claims:
    trials = list(TRIALS)
    trials[index] = replace(trials[index], **changes)
    return replace(CLEAN, trial=tuple(trials))


def with_comparison(**changes: Any) -> Claims:
    return replace(CLEAN, comparison=(replace(COMPARISON, **changes),))


OTHER_ARM_S = with_arm(0, before=measured("6.21", "1.72"), source_before=measured("6.33", "1.72"))


@pytest.mark.parametrize(
    ("claims", "check", "severity", "words"),
    [
        (replace(CLEAN, total=(Total("n", "Abstract", 60, of=("all",)),)), "total", "impossible", "Able 2010 (40) may be missing"),
        (replace(CLEAN, total=(Total("n", "Figure 1", 3, parts=(12, -10)),)), "total", "impossible", "3 is said, the parts give 2"),
        (replace(CLEAN, said=(Said("k", "Abstract", "7"), Said("k", "Table", "8"))), "said twice", "impossible", "different things"),
        (with_trial(0, design="crossover", periods=2, people=20), "people", "impossible", "periods of a crossover were counted"),
        (with_trial(0, people=38), "people", "impossible", "not the trial's own"),
        (with_comparison(n=120), "participants", "impossible", "120 participants are said, the trials have 100"),
        (with_comparison(k=3), "studies", "impossible", "3 studies are said, 2 are pooled"),
        (replace(CLEAN, synthesised=3), "studies", "impossible", "3 studies are said to be in the synthesis, 2 are pooled"),
        (replace(CLEAN, percentage=(Percentage("A", "25.1", 20),)), "percentage", "impossible", "no whole number of 20"),
        (replace(CLEAN, reference=(Reference(1, "doi:1", 2010), Reference(3, "DOI:1"))), "references", "unusual", "more than once"),
        (replace(CLEAN, reference=(Reference(1, "doi:1", 2010, cited=False),)), "references", "note", "never cited"),
        (with_trial(0, reference=2), "references", "note", "the name says 2010, the reference 2012"),
        (replace(with_trial(0, has=("pilot",)), excludes=("pilot",)), "criteria", "improbable", "exclude what this trial is: pilot"),
        (with_trial(0, people=10, n=10), "criteria", "note", "as small as one"),
        (with_trial(0, treatment="drug chloride"), "treatment", "unusual", "trials gave something else"),
        (with_trial(0, instrument="NRS"), "instrument", "note", "trials used others"),
        (with_arm(0, after=measured("1.90", "1.51")), "skewed", "unusual", "skewed"),
        (with_arm(0, after=measured("4", "1")), "rounded sd", "unusual", "hardly known"),
        (with_arm(0, reduction_percent=D("54")), "direction", "improbable", "the other way round"),
        (OTHER_ARM_S, "against source", "impossible", "that of its arm placebo"),
        (with_arm(0, p_within="0.034"), "p", "impossible", "no correlation and no rounding"),
        (with_arm(0, read_off=True, estimator="Wan 2014"), "estimated sd", "note", "read off a figure"),
        (replace(CLEAN, range=(Range("drug", "Results", D("3.2"), D("3.5")),)), "range", "impossible", "outside"),
        (with_arm(0, after=measured("3.42", "6.51")), "sd limit", "impossible", "so large an SD"),
        (with_arm(0, before=measured("63.3", "1.72")), "scale", "impossible", "off the scale"),
        (with_comparison(ci=(D("-1.92"), D("-0.27"))), "symmetry", "improbable", "not symmetric"),
        (with_comparison(p="0.21"), "p of interval", "improbable", "do not agree"),
        (with_comparison(pooling="Mantel-Haenszel"), "method", "impossible", "it is for counts"),
        (with_comparison(relative=(D("-1.92"), D("-0.72"))), "column", "impossible", "which no ratio has"),
        (with_comparison(funnel="no asymmetry"), "funnel", "unusual", "is read with 2 studies"),
        (with_comparison(certainty=(("Abstract", "Low"), ("Table", "High"))), "certainty", "impossible", "rated differently"),
        (with_comparison(estimate=D("-1.32"), ci=(D("-2.92"), D("0.28")), p=""), "words", "unusual", "the interval holds no effect"),
        (with_trial(0, interval_days=1), "times", "unusual", "different follow-ups"),
        (replace(CLEAN, outcome="change"), "outcome", "improbable", "final scores are pooled"),
        (replace(CLEAN, comparison=(COMPARISON, replace(COMPARISON, name="Again"))), "reused arms", "note", "more than one comparison"),
        (replace(CLEAN, i2_has_p=True), "i2", "note", "belongs to Q"),
        (replace(CLEAN, sequential=(Sequential("Figure 3", ("alpha",)),)), "tsa", "unusual", "power, delta, variance, model not given"),
        (with_arm(0, after=measured("6.42", "1.51")), "few studies", "unusual", "much too narrow"),
    ],
)  # fmt: skip
def test_each_contradiction_is_found_by_its_check(claims: Claims, check: str, severity: str, words: str) -> None:
    hits = [f for f in found(claims) if f.check == check]
    assert hits, [f.check for f in found(claims)]
    assert hits[0].severity == severity
    assert words in hits[0].finding
    assert hits[0].arithmetic


def test_a_crossover_counts_its_participants_once_and_is_not_pooled_as_groups() -> None:
    claims = with_trial(0, n=20, design="crossover", periods=2)
    checks = {f.check: f for f in found(replace(claims, total=()))}
    assert checks["participants"].finding.endswith("those of Able 2010, a crossover, were counted twice")
    assert "r = 0.5" in checks["crossover"].arithmetic


# Of the sample review: what is known to be wrong with it, by the check and a word of what it says.
KNOWN = {
    ("total", "274"), ("people", "periods of a crossover"), ("participants", "145"), ("participants", "80"), ("certainty", "rated"),
    ("column", "relative"), ("said twice", "different"), ("studies", "3 studies"), ("total", "54"), ("range", "outside"),
    ("method", "Mantel-Haenszel"), ("i2", "p-value"), ("funnel", "3 studies"), ("outcome", "change"), ("direction", "other way round"),
    ("against source", "placebo"), ("p", "no correlation"), ("references", "1996"), ("treatment", "magnesium sulfate"),
    ("times", "follow-ups"), ("crossover", "Felsby"), ("criteria", "adjuvant"), ("criteria", "pilot"), ("references", "more than once"),
    ("references", "never cited"), ("skewed", "skewed"), ("rounded sd", "rounded"), ("p", "hardly differ"), ("estimated sd", "figure"),
    ("words", "decrease"), ("instrument", "VAS"), ("tsa", "delta"), ("few studies", "narrow"),
}  # fmt: skip


def test_the_sample_review_s_faults_are_found_and_what_holds_is_said() -> None:
    findings = audit_review(read_claims(SAMPLE))
    missed = {(c, w) for c, w in KNOWN if not any(f.check == c and w in f.finding and f.severity != "pass" for f in findings)}
    assert missed == set()
    assert sum(f.severity != "pass" for f in findings) >= 33
    passes = sorted(f.check for f in findings if f.severity == "pass")
    assert passes == ["percentage", "percentage", "sd limit", "symmetry", "symmetry", "total"]


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text('title = "A"\n[[trial]]\nstudy = "Able"\nn = 20\npeple = 10\n', encoding="utf-8")
    with pytest.raises(ReviewFileError, match=r"trial\[1\]\.peple"):
        read_claims(path)
