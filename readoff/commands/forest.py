"""``readoff extract`` on the record of a forest plot: effects.csv, and its printed totals held against its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from readoff.console import say_failed
from readoff.outputs import write_text

if TYPE_CHECKING:
    import pandas as pd

    from extract import ForestEffects
    from pool.printed import TotalCheck


def is_forest(path: Path) -> bool:
    """Whether a file is the record of a figure with a forest plot."""
    from digitize.record import read_record

    try:
        return any(p.kind == "forest" and p.series for p in read_record(path).panels)
    except (ValueError, OSError):
        return False


def extract_forest(path: Path, panel: str | None, table: Literal["effects", "counts"], out: Path | None, *, as_json: bool) -> None:
    """Write the table of a forest plot and say whether its rows give its printed totals."""
    from digitize.record import read_record
    from extract import counts_from_forest, effects_from_forest, forest_panel
    from pool.printed import check_totals

    try:
        plot = forest_panel(read_record(path), panel)
        effects = effects_from_forest(plot)
        frame = effects.to_frame() if table == "effects" else counts_from_forest(plot)
    except ValueError as error:
        say_failed("extract", path, error)
        raise typer.Exit(1) from error
    out = out or Path("effects.csv" if table == "effects" else "events.csv" if "events" in frame else "arms.csv")
    write_text(out, frame.to_csv(index=False))
    _say(frame, effects, check_totals(effects), out, as_json=as_json)


def _say(frame: pd.DataFrame, effects: ForestEffects, checks: tuple[TotalCheck, ...], out: Path, *, as_json: bool) -> None:
    refused = [{"study": row.study, "reason": row.reason} for row in effects.studies if row.reason]
    if as_json:
        rows = json.loads(frame.to_json(orient="records"))
        said = {"measure": effects.measure, "rows": rows, "refused": refused, "totals": [str(c) for c in checks], "written": [str(out)]}
        typer.echo(json.dumps(said, indent=1))
        return
    typer.echo(frame.to_string(index=False, na_rep="", float_format=lambda v: f"{v:.5g}"))
    for row in refused:
        typer.echo(f"{row['study']} is not given: {row['reason']}")
    for check in checks:
        typer.echo(str(check))
    typer.echo(f"wrote {out}" + (f" (pool with --measure {effects.measure})" if effects.measure != "GEN" and "yi" in frame else ""))
