"""Arms from print, and those among them whose numbers were not printed but solved from what was published."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extract import ArmSummary
    from readoff.reviewfile import PrintedArm

# The flag, the method and the column of arms.csv that mark such an arm.
SOLVED = "solved"


def printed_arm(arm: PrintedArm) -> ArmSummary:
    """Return a printed arm; one with solved numbers is estimated, and its uncertainty is the width of their intervals."""
    from extract import ArmSummary

    plain = ArmSummary(arm.study, arm.arm, arm.n, float(arm.mean), float(arm.sd), timepoint=arm.timepoint, source=arm.source)
    if arm.solved is None:
        return plain
    return replace(
        plain,
        u_mean=_standard_uncertainty(arm.solved.mean),
        u_sd=_standard_uncertainty(arm.solved.sd),
        how="estimated",
        method=SOLVED,
        flags=(SOLVED,),
        extra=((SOLVED, "; ".join(_in_words(name, getattr(arm, name), interval) for name, interval in arm.solved.items())),),
    )


def _standard_uncertainty(interval: tuple[Decimal, Decimal] | None) -> float:
    """Standard deviation of a value that may stand anywhere in an interval; 0 where a number was printed."""
    return 0.0 if interval is None else float(interval[1] - interval[0]) / math.sqrt(12)


def _in_words(name: str, value: Decimal, interval: tuple[Decimal, Decimal]) -> str:
    low, high = interval
    return f"{name} {value} (only {low} fits)" if low == high else f"{name} {value} ({low} to {high} fits)"


def solved_in(arm: ArmSummary | None) -> str:
    """What was solved in an arm, with the interval of values that fit what was published; empty where nothing was."""
    return "" if arm is None else dict(arm.extra).get(SOLVED, "")
