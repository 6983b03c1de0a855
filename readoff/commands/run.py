"""``readoff run``: a review file to every number and picture of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readoff.console import print_arms, print_comparison, said_on_stderr, say_failed

if TYPE_CHECKING:
    from readoff.review import ReviewResult

EXAMPLE = """
Example:

  readoff run review.toml --out results
"""


def run(
    review: Annotated[Path, typer.Argument(metavar="REVIEW", help="The review file (TOML).", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where results go; the review's name + -results without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
) -> None:
    """Run a whole review: read its figures, make its arms, pool its comparisons, set them beside what was published."""
    from readoff.review import run_review
    from readoff.reviewfile import ReviewFileError

    folder = out or Path(f"{review.stem}-results")
    try:
        with said_on_stderr() as say:
            result = run_review(review, folder, progress=say)
    except ReviewFileError as error:
        say_failed("run", review, error)
        raise typer.Exit(2) from error
    except (ValueError, OSError) as error:
        say_failed("run", review, error)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(_as_json(result))
    else:
        _print(result, folder)


def _as_json(result: ReviewResult) -> str:
    from extract import to_frame

    return json.dumps(
        {
            "title": result.review.review.title,
            "arms": json.loads(to_frame(result.arms).to_json(orient="records")),
            "comparisons": [comparison.to_dict() for comparison in result.comparisons],
            "audit": [f.to_dict() for f in result.findings],
            "written": [str(path) for path in result.files],
        },
        indent=1,
    )


def _print(result: ReviewResult, folder: Path) -> None:
    typer.echo(f"{result.review.review.title}\n")
    print_arms(result.arms)
    for comparison in result.comparisons:
        typer.echo("")
        print_comparison(comparison)
    grave = [f for f in result.findings if f.severity not in ("pass", "note")]
    typer.echo(f"\naudit: {len(grave)} findings, {sum(f.severity == 'pass' for f in result.findings)} checks hold (audit.html)")
    for f in grave:
        typer.echo(f"  {f.severity} {f.where}: {f.finding}")
    typer.echo(f"\nwrote {len(result.files)} files into {folder}")
