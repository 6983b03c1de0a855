"""``readoff extract``: figure records to arms.csv."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from readoff.commands.forest import extract_forest, is_forest
from readoff.console import print_arms, say_failed, tracked
from readoff.outputs import staged

if TYPE_CHECKING:
    from extract import ArmSummary

EXAMPLE = """
Example:

  readoff extract read/felsby.json --study "Felsby 1995" --centre median --error-bars range --n 10 --out arms.csv

One n for each arm:

  readoff extract read/trial.json --error-bars se --n Drug=41 --n Placebo=39

A box plot needs no --error-bars; its whiskers count only where the source says that they are the range:

  readoff extract read/boxes.json --n 24 --whiskers range

A forest plot holds studies already: its rows become effects.csv, or events.csv and arms.csv where such columns are printed.

  readoff extract read/forest.json --out effects.csv
  readoff extract read/forest.json --table counts --out events.csv
"""


def extract(
    records: Annotated[
        list[Path], typer.Argument(metavar="RECORD", help="Records that readoff digitize wrote (JSON).", show_default=False)
    ],
    error_bars: Annotated[
        str | None,
        typer.Option("--error-bars", metavar="KIND", help="What the error bars are: sd, se, ci95, iqr or range.", show_default=False),
    ] = None,
    n: Annotated[
        list[str] | None,
        typer.Option("--n", metavar="N|ARM=N", help="Participants of every arm, or of one; may be repeated.", show_default=False),
    ] = None,
    centre: Annotated[
        Literal["mean", "median"] | None, typer.Option("--centre", help="What the marks are; needed when the bars are iqr or range.")
    ] = None,
    study: Annotated[str | None, typer.Option("--study", metavar="S", help="The study's name; the file's name without it.")] = None,
    panel: Annotated[str | None, typer.Option("--panel", metavar="ID", help="The panel, where a figure has several.")] = None,
    table: Annotated[
        Literal["effects", "counts"], typer.Option("--table", help="Of a forest plot: its effects, or what is printed of both arms.")
    ] = "effects",
    whiskers: Annotated[
        Literal["range"] | None, typer.Option("--whiskers", help="Of a box plot, where the source says that whiskers are the range.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="CSV", help="The table to write [default: arms.csv].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Turn the points of figure records into mean, SD and n of each arm, a forest plot into the effects of its studies."""
    if error_bars is None and n is None and len(records) == 1 and is_forest(records[0]):
        extract_forest(records[0], panel, table, out, as_json=as_json)
        return
    if n is None or (error_bars is None and not all(is_box_plot(record) for record in records)):
        message = "expected --error-bars and --n: pixels do not tell them (a forest plot, alone, needs neither; box plots need --n)"
        raise typer.BadParameter(message)
    out = out or Path("arms.csv")
    if study is not None and len(records) > 1:
        message = f"--study names one record, found {len(records)} records"
        raise typer.BadParameter(message)
    counts = parse_counts(n)
    if error_bars is not None:
        _refuse_kind(error_bars, centre)
    arms: list[ArmSummary] = []
    failed: list[dict[str, str]] = []
    for record in tracked(records, "Extracting"):
        try:
            if error_bars is None:
                arms += _boxes(record, counts, whiskers, study, panel)
            else:
                arms += _arms(record, error_bars, counts, centre, study, panel)
        except (ValueError, OSError) as error:
            failed.append({"file": str(record), "cause": str(error)})
            say_failed("extract", record, error)
    if arms:
        _write(arms, out)
    _say(arms, failed, out, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _say(arms: Sequence[ArmSummary], failed: Sequence[dict[str, str]], out: Path, *, as_json: bool) -> None:
    if as_json:
        from extract import to_frame

        rows = json.loads(to_frame(arms).to_json(orient="records")) if arms else []
        typer.echo(json.dumps({"arms": rows, "written": [str(out)] if arms else [], "failed": list(failed)}, indent=1))
    elif arms:
        print_arms(arms)
        typer.echo(f"wrote {out}")


def parse_counts(texts: Sequence[str]) -> int | dict[str, int]:
    """Return n as a number for every arm, or by arm, from texts such as "10" or "Placebo=39".

    Raises
    ------
    typer.BadParameter
        If a text is neither, a number is below 2, an arm is given twice, or both forms are mixed.
    """
    pairs = [text.rpartition("=") for text in texts]
    names = [name.strip() for name, _, _ in pairs]
    counts = [_count(number, text) for (_, _, number), text in zip(pairs, texts, strict=True)]
    if names == [""] and "=" not in texts[0]:
        return counts[0]
    if "" in names or len(set(names)) < len(names):
        message = f"expected one number for all arms, or ARM=N once for each arm, found {', '.join(texts)}"
        raise typer.BadParameter(message, param_hint="--n")
    return dict(zip(names, counts, strict=True))


def _count(number: str, text: str) -> int:
    try:
        count = int(number)
    except ValueError:
        count = 0
    if count < 2:
        message = f"expected a whole number of 2 or more (one participant has no SD), found {text!r}"
        raise typer.BadParameter(message, param_hint="--n")
    return count


def _refuse_kind(error_bars: str, centre: str | None) -> None:
    from extract import error_bar_kind
    from readoff.verbs import centre_of

    try:
        kind = error_bar_kind(error_bars)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--error-bars") from error
    try:
        centre_of(kind.name, centre)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--centre") from error


def is_box_plot(path: Path) -> bool:
    """Whether a file is the record of a figure with a box plot."""
    from digitize.record import read_record
    from extract.boxes import has_boxes

    try:
        return has_boxes(read_record(path))
    except (ValueError, OSError):
        return False


def _boxes(
    record: Path, n: int | dict[str, int], whiskers: Literal["range"] | None, study: str | None, panel: str | None
) -> tuple[ArmSummary, ...]:
    from digitize.record import read_record
    from extract.boxes import arms_from_boxes

    read = read_record(record)
    return arms_from_boxes(read, study=study or Path(read.source.file).stem, n=n, whiskers=whiskers, panel=panel)


def _arms(
    record: Path, error_bars: str, n: int | dict[str, int], centre: Literal["mean", "median"] | None, study: str | None, panel: str | None
) -> tuple[ArmSummary, ...]:
    from digitize.record import read_record
    from readoff.verbs import extract_arms

    figure = read_record(record)
    return extract_arms(figure, error_bars=error_bars, n=n, centre=centre, study=study or record.stem, panel=panel)


def _write(arms: Sequence[ArmSummary], out: Path) -> None:
    from extract import write_arms

    with staged(out.parent) as scratch:
        write_arms(arms, scratch / out.name)
