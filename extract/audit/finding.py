"""What a check says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["impossible", "improbable", "unusual", "note", "pass"]
SEVERITIES: tuple[Severity, ...] = ("impossible", "improbable", "unusual", "note", "pass")
"""From what cannot be to what was checked and holds."""


@dataclass(frozen=True)
class Finding:
    """One result of one check: the check's name, how grave, `where` it looked, what was found, the arithmetic, and what to do."""

    check: str
    severity: Severity
    where: str
    finding: str
    arithmetic: str
    remedy: str = ""

    def to_dict(self) -> dict[str, str]:
        """The fields as they are written to JSON."""
        return asdict(self)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, the gravest first, else as they came."""
    return sorted(findings, key=lambda f: SEVERITIES.index(f.severity))
