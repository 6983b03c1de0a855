"""``readoff pool``: a table of arms or effects to a pooled result and its forest plot."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from readoff.console import print_pooled, say_failed
from readoff.othermodels import MODELS, OF_CLUSTERS, Fitted, Table, fit_model, fit_moderators, fit_subgroups, in_words
from readoff.outputs import staged

if TYPE_CHECKING:
    from pool import PooledResult
    from pool.tables import TablesResult

Style = Literal["plain", "revman", "jama", "bmj"]
EXAMPLE = """
Example:

  readoff pool arms.csv --treated magnesium --control placebo --measure MD --method DL --test z --out pooled

  readoff pool events.csv --treated drug --control placebo --measure OR --model cm.el --out pooled

  readoff pool effects.csv --measure SMD --method REML --model three-level --cluster lab --out pooled

  readoff pool effects.csv --measure SMD --method REML --test knha --moderators dose,year --out pooled
"""

TABLES = "arms.csv (study, arm, n, mean, sd), events.csv (study, arm, events, n) or effects.csv (study, yi, vi)."
OF_WHAT = "Of arms MD, SMD, SMDH, ROM; of events OR, RR, RD, PETO; of effects what they are."
WITH = f"Beside the inverse-variance result, that of another model: {', '.join(MODELS)}."
BY = "Estimator of tau2: DL, REML, PM, ML, EB, SJ, HE, HS, ...; or EE (common effect)."


def pool(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help=TABLES, show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where result and forest plot go.", show_default=False)],
    measure: Annotated[str, typer.Option("--measure", metavar="MEASURE", help=OF_WHAT)] = "MD",
    method: Annotated[str, typer.Option("--method", metavar="METHOD", help=BY)] = "DL",
    test: Annotated[str, typer.Option("--test", metavar="TEST", help="Intervals by z, t, knha (Knapp-Hartung) or adhoc.")] = "z",
    treated: Annotated[str | None, typer.Option("--treated", metavar="ARM", help="The arm that is compared.")] = None,
    control: Annotated[str | None, typer.Option("--control", metavar="ARM", help="The arm that it is compared with.")] = None,
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help=WITH)] = "iv",
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="COLUMN", help="Whose effects depend on one another; the study without it.")
    ] = None,
    by: Annotated[str | None, typer.Option("--subgroups", metavar="COLUMN", help="Pool by the values of a column of the table.")] = None,
    moderators: Annotated[
        str | None, typer.Option("--moderators", metavar="COLUMN,...", help="Meta-regression on columns of the table, numbers or words.")
    ] = None,
    style: Annotated[Style, typer.Option("--style", help="Columns and colours of the forest plot.")] = "plain",
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also funnel, leave-one-out, Baujat, drapery plots, every choice of SD, tau2 and test, a workbook, a script for R.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Pool the effects of studies; treated minus control."""
    _refuse_unknown(measure, method, test, model)
    if cluster is not None and model not in OF_CLUSTERS:
        message = f"expected --cluster with --model {' or '.join(OF_CLUSTERS)}, found {model!r}"
        raise typer.BadParameter(message)
    if (treated is None) != (control is None):
        message = "expected both --treated and --control, or neither"
        raise typer.BadParameter(message)
    try:
        result = _pool(table, measure, method, test, treated, control)
        tables = _mantel_haenszel(table, measure, treated, control)
        pooled = Table(table, treated, control, result)
        more: dict[str, Fitted] = {}
        more |= {"model": fit_model(model, pooled, cluster)} if model != "iv" else {}
        more |= {"subgroups": fit_subgroups(by, pooled)} if by else {}
        more |= {"regression": fit_moderators(_names(moderators), pooled)} if moderators else {}
        document = _as_json(result, tables, more)
        said = _write(result, out, style, document, more, everything=everything)
    except (ValueError, OSError) as error:
        say_failed("pool", table, error)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(document)
    else:
        print_pooled(result)
        if tables is not None and model != "mh":
            typer.echo(in_words("Mantel-Haenszel", result, tables.estimate, tables.ci_lb, tables.ci_ub))
        for fitted in more.values():
            typer.echo("\n".join(fitted.lines))
        for line in _as_printed(table, result, treated, control):
            typer.echo(line)
        _say_shares(result)
        if said:
            typer.echo(said)
        typer.echo(f"wrote {out / 'pooled.json'}, {out / 'forest.png'}, {out / 'forest.svg'}{' and more' if everything else ''}")
        if "model" in more:
            typer.echo("the forest plot shows the inverse-variance result")


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",")]


def _refuse_unknown(measure: str, method: str, test: str, model: str) -> None:
    from pool import MEASURES, METHODS, TESTS

    methods = (*METHODS, "FE")
    for option, value, known in (
        ("--measure", measure, MEASURES),
        ("--method", method, methods),
        ("--test", test, TESTS),
        ("--model", model, tuple(MODELS)),
    ):
        if value not in known:
            message = f"expected one of {', '.join(known)}, found {value!r}"
            raise typer.BadParameter(message, param_hint=option)


def _pool(table: Path, measure: str, method: str, test: str, treated: str | None, control: str | None) -> PooledResult:
    from readoff.verbs import pool as pool_table

    return pool_table(table, measure=measure, method=method, test=test, treated=treated, control=control)


def _mantel_haenszel(table: Path, measure: str, treated: str | None, control: str | None) -> TablesResult | None:
    """The Mantel-Haenszel result of a table of events; None of another, and where it is not defined."""
    from pool.effect import read_counts
    from pool.tables import mantel_haenszel

    with table.open(encoding="utf-8-sig", newline="") as handle:
        header = next(csv.reader(handle), [])
    if "events" not in header or measure not in ("OR", "RR", "RD") or treated is None or control is None:
        return None
    try:
        return mantel_haenszel(measure, read_counts(table, treated, control))
    except ValueError:
        return None  # no events in one group: the inverse-variance result stands alone


def _as_printed(table: Path, result: PooledResult, treated: str | None, control: str | None) -> list[str]:
    """What RevMan and metan print for the table by other rules: with a half added to empty cells, by the weights beside the effects."""
    from pool.effect import read_counts
    from pool.printed import ratio_by_weights
    from pool.tables import mantel_haenszel

    with table.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    if result.measure not in ("OR", "RR", "RD") or not rows:
        return []
    if "events" in rows[0] and treated is not None and control is not None:
        counts = read_counts(table, treated, control)
        halved = counts.with_correction(0.5, "only0")
        if all((before == after).all() for before, after in zip(counts.cells, halved.cells, strict=True)):
            return []
        tables = mantel_haenszel(result.measure, halved, result.level)
        name = "Mantel-Haenszel with a half added to empty cells (RevMan, metan)"
        return [in_words(name, result, tables.estimate, tables.ci_lb, tables.ci_ub)]
    pairs = [(row.get("yi"), row.get("weight")) for row in rows]
    if result.measure == "RD" or not all(yi and weight and float(weight) > 0 for yi, weight in pairs):
        return []
    ratio = ratio_by_weights([math.exp(float(yi or 0)) for yi, _ in pairs], [float(weight or 0) for _, weight in pairs])
    return [f"Mantel-Haenszel, if the weights of the table are of it: {result.measure} {ratio:.4g}"]


def _as_json(result: PooledResult, tables: TablesResult | None, others: dict[str, Fitted]) -> str:
    from pool.reading import shares_as_dict

    more = {"reading_shares": shares_as_dict(result), "mantel_haenszel": None if tables is None else asdict(tables)}
    more |= {name: dict(fitted.document) for name, fitted in others.items()}
    return json.dumps(result.to_dict() | more, indent=1, allow_nan=False, ensure_ascii=False)


def _say_shares(result: PooledResult) -> None:
    """Where the variance of the pooled result comes from, where some of it is of reading or estimating."""
    from pool.reading import shares_as_dict

    shares = shares_as_dict(result)
    if shares and shares["pooled"]["reading"] + shares["pooled"]["estimation"] > 0:
        said = ", ".join(f"{name} {value:.1f} %" for name, value in shares["pooled"].items())
        typer.echo(f"variance with reading: {said}")


def _write(result: PooledResult, out: Path, style: Style, document: str, more: dict[str, Fitted], *, everything: bool) -> str:
    """Write all files; the multiverse in words where it was asked for."""
    from pool.plots import save_forest

    with staged(out) as scratch:
        (scratch / "pooled.json").write_text(document, encoding="utf-8")
        save_forest(result, scratch / "forest", style=style, groups=more["subgroups"].groups if "subgroups" in more else None)
        return _write_everything(result, scratch) if everything else ""


def _write_everything(result: PooledResult, folder: Path) -> str:
    from pool import Effects
    from pool.exports import metafor_script, revman_csv, write_workbook
    from pool.multiverse import multiverse_in_words, multiverse_table
    from pool.plots import baujat, drapery, funnel, leave_one_out_plot, leave_one_out_size, save, specification_plot, specification_size

    effects = Effects(result.measure, result.studies, result.omitted, result.treated, result.control)
    save(lambda ax: funnel(result, ax), folder / "funnel")
    save(lambda ax: drapery(result, ax), folder / "drapery")
    if result.k > 1:
        test = result.test if result.k > 2 else "z"
        tall = leave_one_out_size(result.k)
        save(lambda ax: leave_one_out_plot(effects, ax, method=result.method, test=test), folder / "leave-one-out", size_in=tall)
        save(lambda ax: baujat(result, ax), folder / "baujat")
    table = multiverse_table(effects, result.level)
    table.to_csv(folder / "multiverse.csv", index=False)
    chosen, size = (result.method, result.test), specification_size(table)
    save(lambda ax: specification_plot(table, ax, measure=result.measure, chosen=chosen), folder / "specification", size_in=size)
    (folder / "pooled.R").write_text(metafor_script(result), encoding="utf-8")
    (folder / "revman.csv").write_text(revman_csv(result), encoding="utf-8")
    write_workbook(result, folder / "pooled.xlsx")
    return multiverse_in_words(table)
