"""``readoff pool``: a table of arms or effects to a pooled result and its forest plot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readoff.console import print_pooled, say_failed
from readoff.outputs import staged

if TYPE_CHECKING:
    from pool import PooledResult

EXAMPLE = """
Example:

  readoff pool arms.csv --treated magnesium --control placebo --measure MD --method DL --test z --out pooled
"""

TABLES = "arms.csv (study, arm, n, mean, sd), events.csv (study, arm, events, n) or effects.csv (study, yi, vi)."
OF_WHAT = "Of arms MD, SMD, SMDH, ROM; of events OR, RR, RD, PETO; of effects what they are."
BY = "Estimator of tau2: DL, REML, PM, ML, EB, SJ, HE, HS, ...; or EE (common effect)."


def pool(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help=TABLES, show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where result and forest plot go.", show_default=False)],
    measure: Annotated[str, typer.Option("--measure", metavar="MEASURE", help=OF_WHAT)] = "MD",
    method: Annotated[str, typer.Option("--method", metavar="METHOD", help=BY)] = "DL",
    test: Annotated[str, typer.Option("--test", metavar="TEST", help="Intervals by z, t, knha (Knapp-Hartung) or adhoc.")] = "z",
    treated: Annotated[str | None, typer.Option("--treated", metavar="ARM", help="The arm that is compared.")] = None,
    control: Annotated[str | None, typer.Option("--control", metavar="ARM", help="The arm that it is compared with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Pool the effects of studies; treated minus control."""
    _refuse_unknown(measure, method, test)
    if (treated is None) != (control is None):
        message = "expected both --treated and --control, or neither"
        raise typer.BadParameter(message)
    try:
        result = _pool(table, measure, method, test, treated, control)
        _write(result, out)
    except (ValueError, OSError) as error:
        say_failed("pool", table, error)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(result.to_json())
    else:
        print_pooled(result)
        typer.echo(f"wrote {out / 'pooled.json'}, {out / 'forest.png'}, {out / 'forest.svg'}")


def _refuse_unknown(measure: str, method: str, test: str) -> None:
    from pool import MEASURES, METHODS, TESTS

    for option, value, known in (("--measure", measure, MEASURES), ("--method", method, (*METHODS, "FE")), ("--test", test, TESTS)):
        if value not in known:
            message = f"expected one of {', '.join(known)}, found {value!r}"
            raise typer.BadParameter(message, param_hint=option)


def _pool(table: Path, measure: str, method: str, test: str, treated: str | None, control: str | None) -> PooledResult:
    from readoff.verbs import pool as pool_table

    return pool_table(table, measure=measure, method=method, test=test, treated=treated, control=control)


def _write(result: PooledResult, out: Path) -> None:
    from pool.plots import save_forest

    with staged(out) as scratch:
        (scratch / "pooled.json").write_text(result.to_json(), encoding="utf-8")
        save_forest(result, scratch / "forest")
