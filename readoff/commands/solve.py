"""``readoff solve``: which estimators, and which numbers that were not printed, give the published results of a review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readoff.console import said_on_stderr, say_failed

if TYPE_CHECKING:
    from pool.audit import Solution

EXAMPLE = """
Example:

  readoff solve review.toml

For every comparison with a published result; sought are the numbers of printed arms that the review file marks as solved.
"""


def solve(
    review: Annotated[Path, typer.Argument(metavar="REVIEW", help="The review file (TOML).", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of lines.")] = False,
) -> None:
    """Find what gives a published pooled result to its last printed digit: estimator, test, and numbers that were not printed."""
    from pool.audit import in_words
    from readoff.review import solve_review
    from readoff.reviewfile import ReviewFileError

    try:
        with said_on_stderr() as say:
            found = solve_review(review, progress=say)
    except ReviewFileError as error:
        say_failed("solve", review, error)
        raise typer.Exit(2) from error
    except (ValueError, OSError) as error:
        say_failed("solve", review, error)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps({name: [_as_dict(s) for s in solutions] for name, solutions in found.items()}, indent=1))
        return
    for name, solutions in found.items():
        typer.echo(name)
        for line in in_words(solutions) if solutions else ["nothing that was tried gives the published digits"]:
            typer.echo(f"  {line}")


def _as_dict(solution: Solution) -> dict[str, object]:
    intervals = [{"unknown": str(u), "low": low, "high": high} for u, (low, high) in solution.intervals.items()]
    return {"method": solution.method, "test": solution.test, "i2": solution.i2_kind, "intervals": intervals, "rounded": solution.printable}
