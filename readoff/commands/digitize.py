"""``readoff digitize``: figures to records, tables and overlays."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from readoff.console import said_on_stderr, say_failed
from readoff.outputs import staged, write_text

if TYPE_CHECKING:
    from digitize import GivenAxis, Reading
    from digitize.record import FigureRecord
    from readoff.foundpage import Overlay

AXIS = re.compile(r"(?P<axis>[xy])\s*:(?P<ticks>[^:]+)(?P<log>:\s*log(10)?)?")

EXAMPLE = """
Example:

  readoff digitize felsby.png trial.pdf --out read

By hand, where an axis cannot be read (pixel=value, log for a log axis):

  readoff digitize scan.png --out read --calibrate "y:300=0,40=10" --calibrate "x:80=1,400=100:log"

Curves without markers, at the times that you need (without --at: at the ticks, the ends and the bends of each):

  readoff digitize levels.png --out read --kind line --at 0,15,30,60
"""


def digitize(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="PNG, JPEG, TIFF, PDF or SVG files.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where records, tables and overlays go.", show_default=False)],
    page: Annotated[
        list[int] | None, typer.Option("--page", metavar="N", min=1, help="Only this page of a PDF or TIFF; may be repeated.")
    ] = None,
    calibrate: Annotated[
        list[str] | None,
        typer.Option("--calibrate", metavar="AXIS:PX=VALUE,...", help="Ticks given by hand for the x or y axis of one file."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="KIND", help="The kind of plot, if known: errorbar, bar, box, scatter, km, line, histogram or forest."
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="X,X,...", help="The x at which curves of line plots are read, in units of the axis.")
    ] = None,
    residuals: Annotated[
        bool, typer.Option("--residuals", help="Also write NAME.ticks.png: how far each tick lies from its fitted axis.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Read figures: for each FILE a record (JSON), a table (CSV) and an overlay (PNG); for papers also index.html: what was found where."""
    _refuse_same_stems(files)
    given = parse_calibration(calibrate or ())
    if given and (len(files) > 1 or len(page or ()) > 1):
        message = f"--calibrate holds for one page of one file, found {len(files)} files and {len(page or ())} pages"
        raise typer.BadParameter(message)
    _refuse_unknown_kind(kind)
    places = parse_places(at)
    done: list[tuple[FigureRecord, tuple[Path, ...]]] = []
    overlays: dict[tuple[str, int], Overlay] = {}
    failed: list[dict[str, str]] = []
    with said_on_stderr() as tell:
        for k, file in enumerate(files, start=1):
            place = f"{k} of {len(files)}: {file.name}" if len(files) > 1 else file.name
            tell(place)
            try:
                reading = _read(file, page, given, kind, places, _after(place, tell))
                done.append((reading.record, _write(reading, out, [path for _, paths in done for path in paths], residuals=residuals)))
                overlays |= _overlays(reading)
                for part in reading.failed:
                    failed.append({"file": str(file), "cause": part})
                    say_failed("digitize", file, part)
            except Exception as error:  # whatever goes wrong with one file, the others are read
                cause = error if isinstance(error, ValueError | OSError) else f"{file}: internal error, please report it: {error!r}"
                failed.append({"file": str(file), "cause": str(cause)})
                say_failed("digitize", file, cause)
    index = _write_index(out, [record for record, _ in done], overlays, [each["cause"] for each in failed])
    if as_json:
        figures = [record.model_dump(mode="json", by_alias=True) for record, _ in done]
        written = [*(str(p) for _, paths in done for p in paths), *index]
        typer.echo(json.dumps({"figures": figures, "written": written, "failed": failed}, indent=1))
    else:
        _print_table(done, index)
    if failed:
        raise typer.Exit(1)


def _refuse_same_stems(files: Sequence[Path]) -> None:
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        by_stem[file.stem.casefold()].append(file)
    for same in by_stem.values():
        if len(same) > 1:
            message = f"{' and '.join(map(str, same))} would both write {same[0].stem}.json; rename one or use two folders"
            raise typer.BadParameter(message, param_hint="FILE")


def _refuse_unknown_kind(kind: str | None) -> None:
    if kind is None:
        return
    from typing import get_args

    from digitize.record import Kind

    known = [each for each in get_args(Kind) if each != "unknown"]
    if kind not in known:
        message = f"expected one of {', '.join(known)}, found {kind!r}"
        raise typer.BadParameter(message, param_hint="--kind")


def parse_places(text: str | None) -> tuple[float, ...] | None:
    """Return the x that a person gave as "0,15,30"; None where none were given.

    Raises
    ------
    typer.BadParameter
        If the text is no list of finite numbers.
    """
    if text is None:
        return None
    try:
        places = tuple(float(part) for part in text.split(","))
    except ValueError:
        places = ()
    if not places or not all(map(math.isfinite, places)):
        message = f"expected numbers with commas between them such as 0,15,30, found {text!r}"
        raise typer.BadParameter(message, param_hint="--at")
    return places


def parse_calibration(texts: Sequence[str]) -> tuple[GivenAxis, ...]:
    """Return the axes that a person gave as "y:300=0,40=10" or "x:80=1,400=100:log".

    Raises
    ------
    typer.BadParameter
        If a text has another form, fewer than 2 different pixels, values that cannot calibrate an axis, or names an axis twice.
    """
    axes = tuple(_parse_axis(text) for text in texts)
    names = [axis.axis for axis in axes]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            message = f"expected one calibration of the {name} axis, found {names.count(name)}"
            raise typer.BadParameter(message, param_hint="--calibrate")
    return axes


def _parse_axis(text: str) -> GivenAxis:
    from digitize import GivenAxis

    parts = AXIS.fullmatch(text.strip().lower())
    try:
        ticks = tuple(_parse_tick(tick) for tick in parts["ticks"].split(",")) if parts else ()
    except ValueError:
        ticks = ()
    if parts is None or not ticks:
        message = f"expected axis:px=value,px=value[:log] such as y:300=0,40=10, found {text!r}"
        raise typer.BadParameter(message, param_hint="--calibrate")
    is_log = parts["log"] is not None
    _refuse_useless_ticks(ticks, is_log=is_log, text=text)
    return GivenAxis(axis="x" if parts["axis"] == "x" else "y", ticks=ticks, scale="log10" if is_log else "linear")


def _parse_tick(text: str) -> tuple[float, float]:
    px, value = text.split("=")
    return float(px), float(value)


def _refuse_useless_ticks(ticks: Sequence[tuple[float, float]], *, is_log: bool, text: str) -> None:
    message = ""
    if not all(math.isfinite(number) for tick in ticks for number in tick):
        message = f"expected finite numbers, found {text!r}"
    elif len({px for px, _ in ticks}) < 2 or len({value for _, value in ticks}) < 2:
        message = f"expected 2 ticks or more with different pixels and values, found {text!r}"
    elif is_log and min(value for _, value in ticks) <= 0:
        message = f"expected values above 0 on a log axis, found {text!r}"
    if message:
        raise typer.BadParameter(message, param_hint="--calibrate")


def _after(place: str, tell: Callable[[str], None]) -> Callable[[str], None]:
    """A way to say what is being done with a file, after its name."""
    return lambda what: tell(f"{place} {what}".strip())


def _read(
    file: Path,
    pages: Sequence[int] | None,
    given: Sequence[GivenAxis],
    kind: str | None,
    at: Sequence[float] | None,
    tell: Callable[[str], None],
) -> Reading:
    """Return what was read; ValueError if no panel of it gave a series, with the reason."""
    from digitize import digitize_file

    if not file.is_file():
        message = f"{file}: {'a folder, not a file' if file.is_dir() else 'no such file'}"
        raise ValueError(message)
    reading = digitize_file(file, pages=pages, calibrate=given, kind=kind, at=at, tell=tell)
    panels = reading.record.panels
    if not any(panel.series for panel in panels):
        reasons = "; ".join(f"{panel.id}: {panel.refused or 'nothing was read'}" for panel in panels)
        message = f"{file}: {reasons or 'no plot was found'}"
        raise ValueError(message)
    for panel in panels:
        if panel.refused:
            say_failed("digitize", file, f"{file}: {panel.id} left out: {panel.refused}")
    if at is not None and not any(panel.kind == "line" for panel in panels):
        kinds = ", ".join(f"{panel.id} {panel.kind}" for panel in panels)
        say_failed("digitize", file, f"{file}: --at was not used: it holds for line plots, found {kinds}")
    return reading


def _write(reading: Reading, out: Path, taken: Sequence[Path], *, residuals: bool) -> tuple[Path, ...]:
    """Write what was read; ValueError if it would overwrite what another input of this run gave (page 2 of x.pdf is x-p2.png)."""
    with staged(out) as scratch:
        written = (*reading.save(scratch), *([reading.save_residuals(scratch)] if residuals else []))
        paths = tuple(out / path.relative_to(scratch) for path in written)
        clashing = sorted(path.name for path in set(paths) & set(taken))
        if clashing:
            message = f"{reading.record.source.file}: another input of this run wrote {', '.join(clashing)}; use two folders"
            raise ValueError(message)
    return paths


def _overlays(reading: Reading) -> dict[tuple[str, int], Overlay]:
    """The overlays of a file by its name and page."""
    from readoff.foundpage import Overlay

    sizes = {number: (image.shape[1], image.shape[0]) for number, image in reading.overlays.items()}
    return {(reading.record.source.file, number): Overlay(name, sizes[number]) for number, name in reading.overlay_names.items()}


def _write_index(
    out: Path, records: Sequence[FigureRecord], overlays: Mapping[tuple[str, int], Overlay], failed: Sequence[str]
) -> list[str]:
    """Write index.html where a file holds several pages or figures; return its path, or nothing."""
    if not any(len(record.source.pages) > 1 or len(record.figures) > 1 for record in records):
        return []
    from readoff.foundpage import as_page

    write_text(out / "index.html", as_page(records, overlays, failed))
    return [str(out / "index.html")]


def _print_table(done: Sequence[tuple[FigureRecord, tuple[Path, ...]]], index: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not done:
        return
    table = Table("file", "panel", "kind", "series", "points", "flags", box=None, pad_edge=False)
    for record, _ in done:
        for row in _rows(record):
            table.add_row(*row)
    console = Console()
    console.print(table)
    for record, _ in done:
        for line in _said_by_captions(record):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
    for _, paths in done:
        console.print("wrote " + ", ".join(map(str, paths)), soft_wrap=True, highlight=False)
    for path in index:
        console.print(f"wrote {path}: what was found on which page, and what was left out", soft_wrap=True, highlight=False)


def _said_by_captions(record: FigureRecord) -> list[str]:
    """What the captions of figures with panels say about error bars and n, a line a figure, for a person to judge."""
    lines = []
    for figure in record.figures:
        quotes = ", ".join(f'"{said.quote}" ({said.means})' for said in figure.says)
        if quotes and figure.panels:
            where = " ".join(filter(None, (record.source.file, ", ".join(figure.panels))))
            lines.append(f"caption of {where}: {quotes}; nothing of it was applied")
    return lines


def _rows(record: FigureRecord) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for panel in record.panels:
        where: tuple[Any, ...] = (record.source.file, panel.id, panel.kind)
        if panel.refused:
            rows.append((*where, "-", "0", panel.refused))
        for series in panel.series:
            flags = sorted({*panel.flags, *(flag for point in series.points for flag in point.flags)})
            rows.append((*where, series.name, str(len(series.points)), " ".join(flags)))
    return rows
