"""Checks of extracted numbers: each names where it looked, what it found, the arithmetic, and what to do. None is an accusation."""

from extract.audit.arms import audit_arms
from extract.audit.figures import audit_against_figure
from extract.audit.finding import SEVERITIES, Finding, worst_first
from extract.audit.granular import Grimmer, grim, grimmer
from extract.audit.limits import debit, sd_limits
from extract.audit.rows import audit_rows

__all__ = [
    "SEVERITIES",
    "Finding",
    "Grimmer",
    "audit_against_figure",
    "audit_arms",
    "audit_rows",
    "debit",
    "grim",
    "grimmer",
    "sd_limits",
    "worst_first",
]
