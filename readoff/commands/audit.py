"""``readoff audit``: checks of a table of arms, the gravest findings first."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readoff.auditpage import as_page
from readoff.console import print_findings, say_failed
from readoff.outputs import write_text

if TYPE_CHECKING:
    from extract import ArmSummary
    from extract.agreement import Agreement
    from extract.audit import Finding

EXAMPLE = """
Example:

  readoff audit arms.csv --scale 0 10
  readoff audit arms.csv --scale 0 10 --whole --html audit.html

What a published review says of itself, as data (see sample_figures/felsby/claims.toml):

  readoff audit claims.toml --html audit.html

Numbers in print against the figure that shows them, and two people's extractions against each other:

  readoff audit arms.csv --against read/figure.json
  readoff audit first.csv --second second.csv --plot agreement.png
"""


def audit(
    arms: Annotated[
        Path,
        typer.Argument(
            metavar="ARMS", help="arms.csv: study, arm, n, mean, sd; or the claims of a published review (TOML).", show_default=False
        ),
    ],
    scale: Annotated[
        tuple[float, float] | None, typer.Option("--scale", metavar="LOW HIGH", help="Lowest and highest possible value.")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Each participant's value is a whole number (GRIM, GRIMMER).")] = False,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="RECORD", help="What readoff digitize read off the figure of these arms.")
    ] = None,
    second: Annotated[Path | None, typer.Option("--second", metavar="ARMS", help="A second extraction of the same arms.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PICTURE", help="With --second: the Bland-Altman plot.")] = None,
    page: Annotated[Path | None, typer.Option("--html", metavar="PAGE", help="Write a page with the arithmetic unfolded.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Check arms, or a whole review, for numbers that cannot be, or hardly can: each with its arithmetic and what to do."""
    if scale is not None and scale[0] >= scale[1]:
        message = f"expected LOW below HIGH, found {scale[0]:g} and {scale[1]:g}"
        raise typer.BadParameter(message, param_hint="--scale")
    try:
        findings = _findings(arms, scale, against, whole=whole)
        if second is not None:
            findings = [*_compared(arms, second, plot), *findings]
        if page is not None:
            write_text(page, as_page(findings, f"Audit of {arms.name}"))
    except (ValueError, OSError) as error:
        say_failed("audit", arms, error)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps([f.to_dict() for f in findings], indent=1, ensure_ascii=False))
    else:
        print_findings(findings)


def _findings(path: Path, scale: tuple[float, float] | None, against: Path | None, *, whole: bool) -> list[Finding]:
    if path.suffix.lower() == ".toml":
        from pool.audit import audit_review
        from readoff.claimsfile import read_claims

        return audit_review(read_claims(path))
    from digitize.record import read_record
    from extract.audit import audit_against_figure, audit_arms, audit_rows, worst_first
    from extract.printed import arms_from_printed, read_printed

    rows = read_printed(path)
    arms = _arms(path) or arms_from_printed(rows)
    findings = [*audit_arms(arms, scale, whole=whole), *audit_rows(rows)]
    if against is not None:
        findings += audit_against_figure(arms, read_record(against))
    return worst_first(findings)


def _arms(path: Path) -> tuple[ArmSummary, ...]:
    """The arms of an arms.csv; none of a table of other printed numbers."""
    from extract import read_arms

    with path.open(encoding="utf-8-sig", newline="") as handle:
        header = next(csv.reader(handle), [])
    return read_arms(path) if {"mean", "sd"} <= set(header) else ()


def _compared(first: Path, second: Path, plot: Path | None) -> list[Finding]:
    """How two extractions agree, and what they give differently."""
    from extract import read_arms
    from extract.agreement import agreement, different_pairs
    from extract.audit import Finding

    tables = (read_arms(first), read_arms(second))
    differences = [
        Finding(
            "second extraction", "unusual", pair.arm, f"the extractions differ in {pair.quantity}",
            f"{pair.first:g} in {first.name}, {pair.second:g} in {second.name}", "look at the source again, both of you",
        )
        for pair in different_pairs(*tables)
    ]  # fmt: skip
    keyed = [{(a.study, a.arm, a.outcome, a.timepoint): a for a in table} for table in tables]
    both = [key for key in keyed[0] if key in keyed[1]]
    summaries = []
    for quantity in ("mean", "sd"):
        values = [[getattr(table[key], quantity) for key in both] for table in keyed]
        pairs = [(x, y) for x, y in zip(*values, strict=True) if x == x and y == y]
        if len(pairs) < 3:
            continue
        found = agreement([x for x, _ in pairs], [y for _, y in pairs])
        said = f"ICC {found.icc.value:.4f} [{found.icc.low:.4f}, {found.icc.high:.4f}], Lin's CCC {found.ccc.value:.4f}"
        limits = f"bias {found.bias.value:.3g}, limits of agreement {found.lower.value:.3g} to {found.upper.value:.3g}, {len(pairs)} pairs"
        summaries.append(Finding("agreement", "note", f"{quantity} of {len(pairs)} arms", said, limits))
        if plot is not None and quantity == "mean":
            _draw(found, plot)
    return [*differences, *summaries]


def _draw(found: Agreement, path: Path) -> None:
    from matplotlib.figure import Figure

    from extract.agreement import draw_bland_altman

    figure = Figure(figsize=(6, 4), layout="constrained")
    draw_bland_altman(found, figure.add_subplot(), quantity="means")
    figure.savefig(path, dpi=150)
