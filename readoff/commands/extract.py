"""``readoff extract``: figure records to arms.csv."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from readoff.commands.forest import extract_forest, is_forest
from readoff.commands.survival import Asked, extract_survival
from readoff.console import print_arms, say_failed, tracked
from readoff.outputs import staged

if TYPE_CHECKING:
    from extract import ArmSummary

EXAMPLE = """
Example:

  readoff extract read/felsby.json --study "Felsby 1995" --centre median --error-bars range --n 10 --out arms.csv

One n for each arm:

  readoff extract read/trial.json --error-bars se --n Drug=41 --n Placebo=39

From a table (CSV: arm, n, and timepoint where it matters), with the estimator that suits each arm:

  readoff extract read/trial.json --error-bars iqr --centre median --n counts.csv --method recommended

Numbers in print: a table with columns study, arm, n and whatever is printed (se, ci_lb, ci_ub, median, q1, q3, md_p, ...):

  readoff extract printed.csv --out arms.csv

A box plot needs no --error-bars; its whiskers count only where the source says that they are the range:

  readoff extract read/boxes.json --n 24 --whiskers range

Survival curves and the numbers at risk printed below them (read, or typed into --at-risk) become individual times and a hazard ratio:

  readoff extract read/km.json --treated Drug --control Placebo --out effects.csv

A forest plot holds studies already: its rows become effects.csv, or events.csv and arms.csv where such columns are printed.

  readoff extract read/forest.json --out effects.csv
  readoff extract read/forest.json --table counts --out events.csv
"""


def extract(
    records: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORD", help="Records that readoff digitize wrote (JSON), or tables of printed numbers (CSV).", show_default=False
        ),
    ],
    error_bars: Annotated[
        str | None,
        typer.Option("--error-bars", metavar="KIND", help="What the error bars are: sd, se, ci95, iqr or range.", show_default=False),
    ] = None,
    n: Annotated[
        list[str] | None,
        typer.Option(
            "--n",
            metavar="N|ARM=N|CSV",
            help="Participants of every arm, of one (ARM=N, ARM@TIMEPOINT=N; may be repeated), or a table of arm, n.",
            show_default=False,
        ),
    ] = None,
    centre: Annotated[
        Literal["mean", "median", "geometric"] | None,
        typer.Option("--centre", help="What the marks are; needed when the bars are iqr or range."),
    ] = None,
    study: Annotated[str | None, typer.Option("--study", metavar="S", help="The study's name; the file's name without it.")] = None,
    panel: Annotated[str | None, typer.Option("--panel", metavar="ID", help="The panel, where a figure has several.")] = None,
    table: Annotated[
        Literal["effects", "counts"], typer.Option("--table", help="Of a forest plot: its effects, or what is printed of both arms.")
    ] = "effects",
    method: Annotated[
        str, typer.Option("--method", metavar="M", help="How a median becomes a mean: wan2014, luo2018, ..., or recommended.")
    ] = "wan2014",
    timepoint: Annotated[
        str | None, typer.Option("--timepoint", metavar="X", help="Only this place along the x axis.", show_default=False)
    ] = None,
    ci: Annotated[Literal["t", "z"], typer.Option("--ci", help="What intervals were made with.")] = "t",
    whiskers: Annotated[
        Literal["range"] | None, typer.Option("--whiskers", help="Of a box plot, where the source says that whiskers are the range.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Every point is a participant (scatter, strip plot), or every bin counts them.")
    ] = False,
    at_risk: Annotated[
        Path | None,
        typer.Option("--at-risk", metavar="CSV", help="Of survival curves: a table of arm, time, n; else what stands below the curves."),
    ] = None,
    treated: Annotated[str | None, typer.Option("--treated", metavar="ARM", help="Of survival curves: the ratio of this arm ...")] = None,
    control: Annotated[str | None, typer.Option("--control", metavar="ARM", help="... over this one.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="CSV", help="The table to write [default: arms.csv].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Turn figure records or printed numbers into mean, SD and n of each arm, a forest plot into the effects of its studies."""
    if error_bars is None and n is None and len(records) == 1 and is_forest(records[0]):
        extract_forest(records[0], panel, table, out, as_json=as_json)
        return
    if at_risk is not None or (error_bars is None and n is None and not raw and len(records) == 1 and has_curves(records[0])):
        _refuse_several(records, "--at-risk")
        extract_survival(records[0], Asked(at_risk, treated, control, study, panel), out, as_json=as_json)
        return
    if study is not None:
        _refuse_several(records, "--study")
    if error_bars is not None:
        _refuse_kind(error_bars, centre)
    said = _Said(error_bars, None if n is None else parse_counts(n), centre, study, panel, method, timepoint, ci, whiskers, raw)
    out = out or Path("arms.csv")
    arms: list[ArmSummary] = []
    failed: list[dict[str, str]] = []
    _refuse_silence(records, said)
    for record in tracked(records, "Extracting"):
        try:
            arms += _arms(record, said)
        except (ValueError, OSError) as error:
            failed.append({"file": str(record), "cause": str(error)})
            say_failed("extract", record, error)
    if arms:
        _write(arms, out)
    _say(arms, failed, out, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _refuse_several(records: Sequence[Path], option: str) -> None:
    if len(records) > 1:
        message = f"{option} is of one record, found {len(records)} records"
        raise typer.BadParameter(message)


@dataclass(frozen=True)
class _Said:
    """What a person said of the figures, since pixels do not."""

    error_bars: str | None
    n: int | dict[str, int] | None
    centre: Literal["mean", "median", "geometric"] | None
    study: str | None
    panel: str | None
    method: str
    timepoint: str | None
    ci: Literal["t", "z"]
    whiskers: Literal["range"] | None
    raw: bool


def _refuse_silence(records: Sequence[Path], said: _Said) -> None:
    """Refuse to guess the error bars or n of a figure that needs them."""
    figures = [] if said.raw else [record for record in records if record.suffix.lower() != ".csv"]
    if figures and (said.n is None or (said.error_bars is None and not all(is_box_plot(record) for record in figures))):
        message = (
            "expected --error-bars and --n: pixels do not tell them (a forest plot, alone, needs neither; box plots need --n; "
            "tables of printed numbers and --raw need neither)"
        )
        raise typer.BadParameter(message)


def _say(arms: Sequence[ArmSummary], failed: Sequence[dict[str, str]], out: Path, *, as_json: bool) -> None:
    if as_json:
        from extract import to_frame

        rows = json.loads(to_frame(arms).to_json(orient="records")) if arms else []
        typer.echo(json.dumps({"arms": rows, "written": [str(out)] if arms else [], "failed": list(failed)}, indent=1))
    elif arms:
        print_arms(arms)
        typer.echo(f"wrote {out}")


def parse_counts(texts: Sequence[str]) -> int | dict[str, int]:
    """Return n as a number for every arm, or by arm, from texts such as "10" or "Placebo=39", or the name of a table of arm and n.

    Raises
    ------
    typer.BadParameter
        If a text is neither, a number is below 2, an arm is given twice, or both forms are mixed.
    """
    if len(texts) == 1 and texts[0].lower().endswith(".csv"):
        texts = _listed(Path(texts[0]))
    pairs = [text.rpartition("=") for text in texts]
    names = [name.strip() for name, _, _ in pairs]
    counts = [_count(number, text) for (_, _, number), text in zip(pairs, texts, strict=True)]
    if names == [""] and "=" not in texts[0]:
        return counts[0]
    if "" in names or len(set(names)) < len(names):
        message = f"expected one number for all arms, or ARM=N once for each arm, found {', '.join(texts)}"
        raise typer.BadParameter(message, param_hint="--n")
    return dict(zip(names, counts, strict=True))


def _listed(path: Path) -> list[str]:
    """The rows of a table of arm, n and perhaps timepoint, as they would be typed."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        message = f"{path}: {error.strerror or error}"
        raise typer.BadParameter(message, param_hint="--n") from error
    if not rows or not {"arm", "n"} <= rows[0].keys():
        message = f"{path}: expected a table with columns arm, n and perhaps timepoint, found {', '.join(rows[0]) if rows else 'no rows'}"
        raise typer.BadParameter(message, param_hint="--n")
    return [f"{row['arm']}@{row['timepoint']}={row['n']}" if row.get("timepoint") else f"{row['arm']}={row['n']}" for row in rows]


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


def has_curves(path: Path) -> bool:
    """Whether a file is the record of a figure with survival curves."""
    from digitize.record import read_record

    try:
        return any(panel.kind == "km" and panel.series for panel in read_record(path).panels)
    except (ValueError, OSError):
        return False


def _arms(path: Path, said: _Said) -> tuple[ArmSummary, ...]:
    from digitize.record import read_record
    from extract.boxes import arms_from_boxes
    from extract.printed import arms_from_printed, read_printed
    from extract.raw import arms_from_raw
    from readoff.verbs import extract_arms

    if path.suffix.lower() == ".csv":
        return arms_from_printed(read_printed(path), method=said.method, by=said.ci)
    figure = read_record(path)
    if said.raw:
        count = said.n if isinstance(said.n, int) else None
        return arms_from_raw(figure, study=said.study or Path(figure.source.file).stem, panel=said.panel, n=count)
    n = said.n or 0
    if said.error_bars is None:
        name = said.study or Path(figure.source.file).stem
        return arms_from_boxes(figure, study=name, n=n, whiskers=said.whiskers, panel=said.panel, method=said.method)
    return extract_arms(
        figure,
        error_bars=said.error_bars,
        n=n,
        centre=said.centre,
        study=said.study or path.stem,
        panel=said.panel,
        timepoint=said.timepoint,
        method=said.method,
        ci=said.ci,
    )


def _write(arms: Sequence[ArmSummary], out: Path) -> None:
    from extract import write_arms

    with staged(out.parent) as scratch:
        write_arms(arms, scratch / out.name)
