"""``readoff audit``: checks of a table of arms, the gravest findings first."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readoff.console import print_findings, say_failed

if TYPE_CHECKING:
    from extract.audit import Finding

EXAMPLE = """
Example:

  readoff audit arms.csv --scale 0 10
  readoff audit arms.csv --scale 0 10 --whole --html audit.html

What a published review says of itself, as data (see sample_figures/felsby/claims.toml):

  readoff audit claims.toml --html audit.html
"""
COLORS = {"impossible": "#b00020", "improbable": "#c25e00", "unusual": "#8a6d00", "note": "#355c7d", "pass": "#2e7d32"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 16px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
details {{ border-left: 4px solid; margin: .6rem 0; padding: .2rem .8rem; background: #fafafa; }}
summary {{ cursor: pointer; }} b {{ text-transform: uppercase; font-size: .75rem; letter-spacing: .05em; }}
code {{ white-space: pre-wrap; }}
</style></head><body>
<h1>{title}</h1>
<p>{count}. A finding is a reason to look at the source again, never an accusation.</p>
{rows}
</body></html>
"""
ROW = """<details style="border-color: {color}"{is_open}><summary><b style="color: {color}">{severity}</b> {where}: {finding}</summary>
<p><code>{arithmetic}</code></p><p>{remedy}</p></details>"""


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
    page: Annotated[Path | None, typer.Option("--html", metavar="PAGE", help="Write a page with the arithmetic unfolded.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Check arms, or a whole review, for numbers that cannot be, or hardly can: each with its arithmetic and what to do."""
    if scale is not None and scale[0] >= scale[1]:
        message = f"expected LOW below HIGH, found {scale[0]:g} and {scale[1]:g}"
        raise typer.BadParameter(message, param_hint="--scale")
    try:
        findings = _findings(arms, scale, whole=whole)
        if page is not None:
            page.write_text(as_page(findings, f"Audit of {arms.name}"), encoding="utf-8")
    except (ValueError, OSError) as error:
        say_failed("audit", arms, error)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps([f.to_dict() for f in findings], indent=1, ensure_ascii=False))
    else:
        print_findings(findings)


def _findings(path: Path, scale: tuple[float, float] | None, *, whole: bool) -> list[Finding]:
    if path.suffix.lower() == ".toml":
        from pool.audit import audit_review
        from readoff.claimsfile import read_claims

        return audit_review(read_claims(path))
    from extract import read_arms
    from extract.audit import audit_arms

    return audit_arms(read_arms(path), scale, whole=whole)


def as_page(findings: Sequence[Finding], title: str) -> str:
    """The findings as one HTML page, those that are no passes open."""
    grave = sum(f.severity not in ("pass", "note") for f in findings)
    rows = [
        ROW.format(
            color=COLORS[f.severity], is_open="" if f.severity == "pass" else " open",
            **{name: html.escape(text) for name, text in f.to_dict().items() if name != "check"},
        )
        for f in findings
    ]  # fmt: skip
    return PAGE.format(title=html.escape(title), count=f"{grave} of {len(findings)} checks ask for a look", rows="\n".join(rows))
