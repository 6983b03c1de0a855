"""All checks of a published review."""

from __future__ import annotations

from extract.audit import Finding, worst_first
from pool.audit.claims import Claims
from pool.audit.counts import count_findings
from pool.audit.results import result_findings
from pool.audit.trials import trial_findings


def audit_review(claims: Claims) -> list[Finding]:
    """Every check of a review's claims, the gravest findings first; what holds is among them as passes.

    None of the checks knows a review: each compares one kind of claim with what it rests on.
    """
    return worst_first([*count_findings(claims), *trial_findings(claims), *result_findings(claims)])
