"""``readoff demo``: the sample review from its sample figures, beside the truth and what was published."""

from __future__ import annotations

import csv
import importlib.resources
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readoff.console import new_table, pooled_in_words, print_table, published_in_words, said_on_stderr, say_failed, solved_lines

if TYPE_CHECKING:
    from digitize.record import PointRecord
    from extract import ArmSummary
    from readoff.review import ReviewResult

EXAMPLE = """
Example:

  readoff demo --out readoff-demo
"""

SAMPLE = "felsby"
# What the three drawings are called in the tables, and their files.
DRAWINGS = {"PDF": "felsby.pdf", "PNG": "felsby.png", "photocopy": "felsby_photocopy.png"}
READ = {"median": "y", "low": "y_lo", "high": "y_hi"}
INTRODUCTION = (
    "Felsby 1995 (n = 10; pain, VAS 0-10), drawn three ways. This is a reconstruction with known truth, not the original figure:\n"
    "it was drawn so that its medians and ranges give the published means and SDs."
)


@dataclass(frozen=True)
class TruthRow:
    """What was drawn for one treatment, and the pair that was published for it (as printed)."""

    treatment: str
    drawn: Mapping[str, float]
    published: Mapping[str, str]


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where every number and picture goes.")] = Path("readoff-demo"),
) -> None:
    """Run the sample review on its three drawings: every number and picture, beside the truth and what was published."""
    folder = sample_folder()
    truth = read_truth(folder / "truth.csv")
    results = _run_all(folder, out)
    if results:
        typer.echo(f"{INTRODUCTION}\n")
        _print_readings(truth, results)
        typer.echo("")
        _print_comparisons(results)
        typer.echo(f"\nRecords, tables, overlays and forest plots are in {out}")
    if len(results) < len(DRAWINGS):
        raise typer.Exit(1)


def sample_folder() -> Path:
    """Return the folder of the sample review, in a checkout as well as in an installation."""
    folder = Path(str(importlib.resources.files("sample_figures").joinpath(SAMPLE)))
    if not (folder / "review.toml").is_file():
        message = f"the sample review is not in {folder}; install readoff again"
        raise typer.BadParameter(message)
    return folder


def read_truth(path: Path) -> tuple[TruthRow, ...]:
    """Return what was drawn in the sample figure."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            TruthRow(
                row["x"],
                {name: float(row[key]) for name, key in (*READ.items(), ("mean", "mean"), ("SD", "sd"))},
                {"mean": row["published_mean"], "SD": row["published_sd"]},
            )
            for row in csv.DictReader(file)
        )


def _run_all(folder: Path, out: Path) -> dict[str, ReviewResult]:
    """Run the review on each drawing; one that fails is named on stderr and left out."""
    from readoff.review import run_review

    results = {}
    for name, file in DRAWINGS.items():
        try:
            with said_on_stderr() as say:
                override = {DRAWINGS["PDF"]: folder / file}
                results[name] = run_review(folder / "review.toml", out / name.lower(), figure_override=override, progress=say)
        except (ValueError, OSError) as error:
            say_failed("demo", folder / file, error)
    return results


def _print_readings(truth: tuple[TruthRow, ...], results: Mapping[str, ReviewResult]) -> None:
    table = new_table("treatment", "", *(f"{name}>" for name in results), "true>", "published>")
    errors: dict[str, list[float]] = {name: [] for name in results}
    for row in truth:
        read = {name: _read(result, row.treatment) for name, result in results.items()}
        for quantity, true in row.drawn.items():
            values = [read[name][quantity] for name in results]
            label = row.treatment if quantity == "median" else ""
            table.add_row(label, quantity, *(f"{value:.3f}" for value in values), f"{true:.3f}", row.published.get(quantity, ""))
            if quantity in READ:
                for name, value in zip(results, values, strict=True):
                    errors[name].append(abs(value - true))
    table.add_row("largest error", "median, low, high", *(f"{_largest(each):.3f}" for each in errors.values()), "", "")
    print_table(table)


def _largest(errors: Sequence[float]) -> float:
    """Return the largest error; NaN if one is not known, which `max` would pass over."""
    return math.nan if any(math.isnan(error) for error in errors) else max(errors)


def _read(result: ReviewResult, treatment: str) -> dict[str, float]:
    """Median, lowest, highest, mean and SD of one treatment as they were read; NaN what could not be read."""
    figure = result.review.figure[0]
    point = _point(result, treatment)
    arm = _arm(result, figure.study, figure.arms[treatment])
    values = {name: getattr(point, key) for name, key in READ.items()} | {"mean": arm.mean, "SD": arm.sd}
    return {name: math.nan if value is None else value for name, value in values.items()}


def _point(result: ReviewResult, treatment: str) -> PointRecord:
    points = (
        point
        for reading in result.readings.values()
        for panel in reading.record.panels
        for series in panel.series
        for point in series.points
    )
    return next(point for point in points if point.x == treatment)


def _arm(result: ReviewResult, study: str, name: str) -> ArmSummary:
    return next(arm for arm in result.arms if (arm.study, arm.arm) == (study, name))


def _print_comparisons(results: Mapping[str, ReviewResult]) -> None:
    table = new_table("comparison", "", "result", "k>", "")
    any_result = next(iter(results.values()))
    for i, first in enumerate(any_result.comparisons):
        comparison = first.comparison
        table.add_row(comparison.name, "published", published_in_words(comparison.published, comparison.measure), "", "")
        for name, result in results.items():
            each = result.comparisons[i]
            agrees = "agrees to the printed digits" if all(check.agrees for check in each.checks) else "differs"
            table.add_row("", f"read off {name}", pooled_in_words(each.result), str(each.result.k), agrees)
    print_table(table)
    for line in solved_lines([each.result for each in any_result.comparisons]):
        typer.echo(line)
