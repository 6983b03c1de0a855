"""Checks of a published meta-analysis: its pooled results, its counts and claims, and what could have given its printed digits."""

from pool.audit.claims import Claims
from pool.audit.review import audit_review
from pool.audit.solve import Printed, Solution, Unknown, in_words, solve

__all__ = ["Claims", "Printed", "Solution", "Unknown", "audit_review", "in_words", "solve"]
