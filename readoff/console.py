"""What the verbs share when they speak to a person: stdout for results, stderr for progress and failures."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from readoff.solved import SOLVED, solved_in

if TYPE_CHECKING:
    from rich.table import Table

    from extract import ArmSummary
    from extract.audit import Finding
    from pool import PooledResult
    from readoff.review import Check, ComparisonResult
    from readoff.reviewfile import Published

Item = TypeVar("Item")

# Wide enough for every table of ours: output that goes to a file or a pipe is not folded at 80 characters.
PIPE_WIDTH = 200


def say_failed(verb: str, file: Path, cause: Exception | str) -> None:
    """Tell on stderr, in one line, which input failed and why."""
    if isinstance(cause, OSError) and cause.strerror:
        cause = f"{cause.filename or file}: {cause.strerror}"
    text = " ".join(str(cause).split())
    named = text if str(file) in text or text.startswith(file.name) else f"{file}: {text}"
    typer.echo(f"readoff {verb}: {named}", err=True)


def tracked(items: Sequence[Item], description: str) -> Iterator[Item]:
    """Give the items one by one, with a progress bar on stderr when there are several and a person watches."""
    if len(items) < 2 or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=description, console=Console(stderr=True), transient=True)


@contextmanager
def said_on_stderr() -> Iterator[Callable[[str], None]]:
    """Give a function that shows on stderr what is being done, as one changing line; silent when no person watches."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


def new_table(*columns: str) -> Table:
    """Return an empty table in our plain style; columns whose names end in ">" are set to the right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left")
    return table


def print_table(table: Table) -> None:
    """Print a table on stdout."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table)


def print_arms(arms: Sequence[ArmSummary]) -> None:
    """Print arms as a table on stdout."""
    table = new_table("study", "arm", "timepoint", "n>", "mean>", "SD>", "u(mean)>", "u(SD)>", "how", "flags")
    for arm in arms:
        numbers = [shown(arm.mean), shown(arm.sd), shown(arm.u_mean, 2), shown(arm.u_sd, 2)]
        table.add_row(arm.study, arm.arm, arm.timepoint, str(arm.n), *numbers, arm.how, " ".join(arm.flags))
    print_table(table)


def print_pooled(result: PooledResult) -> None:
    """Print the studies of a pooled result, then the result and its cautions, on stdout."""
    of_log = "log " if result.is_ratio else ""
    table = new_table("study", "treated>", "control>", f"{of_log}{result.measure}>", "SE>", "weight>", "")
    for effect, weight in zip(result.studies, result.weights, strict=True):
        doubt = (
            SOLVED
            if any(solved_in(arm) for arm in (effect.treated, effect.control))
            else "read off a figure"
            if effect.is_estimated
            else ""
        )
        arms = (_arm_cell(effect.treated), _arm_cell(effect.control)) if effect.counts is None else _event_cells(effect.counts)
        table.add_row(effect.study, *arms, f"{effect.yi:.2f}", f"{math.sqrt(effect.vi):.2f}", f"{weight:.1f} %", doubt)
    print_table(table)
    typer.echo(
        f"pooled ({result.method}, {result.test}, k = {result.k}): {pooled_in_words(result)}, tau2 {result.tau2:.3f}, Q {result.q:.2f}"
    )
    for omission in result.omitted:
        typer.echo(f"left out: {omission.study}: {omission.reason}")
    for flag in result.flags:
        typer.echo(f"caution: {flag}")


def pooled_in_words(result: PooledResult) -> str:
    """Write a pooled result as papers do: "MD -1.13 [-2.64, 0.38], I2 81 %"; ratios not as logarithms."""
    values = (result.estimate, result.ci_lb, result.ci_ub)
    estimate, lower, upper = (f"{math.exp(v) if result.is_ratio else v:.2f}" for v in values)
    return f"{result.measure} {estimate} [{lower}, {upper}], I2 {result.i2:.0f} %"


def published_in_words(published: Published | None, measure: str) -> str:
    """Write what was published in the same form, with the digits that were printed."""
    if published is None:
        return "-"
    parts = [measure if published.estimate is None else f"{measure} {published.estimate}"]
    parts += [] if published.ci is None else [f"[{published.ci[0]}, {published.ci[1]}]"]
    return " ".join(parts) + ("" if published.i2 is None else f", I2 {published.i2} %")


def print_comparison(comparison: ComparisonResult) -> None:
    """Print a comparison of a review beside what was published, with what was solved rather than printed."""
    typer.echo(comparison.comparison.name)
    print_pooled(comparison.result)
    if comparison.checks:
        typer.echo(
            f"published: {published_in_words(comparison.comparison.published, comparison.result.measure)}: {verdict(comparison.checks)}"
        )
    for line in solved_lines([comparison.result]):
        typer.echo(line)


def verdict(checks: Sequence[Check]) -> str:
    """Say whether every number agrees with the published one, or which do not."""
    different = [f"{check.quantity} {check.computed:.4f} against {check.published}" for check in checks if not check.agrees]
    return "differs in " + ", ".join(different) if different else "agrees to the printed digits"


def solved_lines(results: Sequence[PooledResult]) -> list[str]:
    """Return a line for each arm whose numbers were not printed but solved, with the interval that fits, and what that means."""
    arms = [arm for result in results for effect in result.studies for arm in (effect.treated, effect.control)]
    lines = [f"solved, not printed: {arm.study} {arm.arm}: {solved_in(arm)}" for arm in arms if arm is not None and solved_in(arm)]
    if not lines:
        return []
    return [*dict.fromkeys(lines), "Solved numbers come from the published result itself: that it comes out again is no evidence for them."]


def _arm_cell(arm: ArmSummary | None) -> str:
    return "-" if arm is None else f"{arm.mean:.2f} ({arm.sd:.2f}), {arm.n}"


def _event_cells(counts: tuple[float, float, float, float]) -> tuple[str, str]:
    return f"{counts[0]:g}/{counts[1]:g}", f"{counts[2]:g}/{counts[3]:g}"


def shown(value: float, digits: int = 4) -> str:
    """Write a number with some significant digits; a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.{digits}g}"


SEVERITY_STYLES = {"impossible": "bold red", "improbable": "dark_orange", "unusual": "yellow", "note": "blue"}


def print_findings(findings: Sequence[Finding]) -> None:
    """Print the findings of an audit, the gravest first, with their arithmetic; those that hold are only counted."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    passes = sum(f.severity == "pass" for f in findings)
    for f in findings:
        if f.severity != "pass":
            console.print(f"[{SEVERITY_STYLES[f.severity]}]{f.severity}[/] {escape(f.where)}: {escape(f.finding)}")
            console.print(f"    {escape(f.arithmetic)}")
            if f.remedy:
                console.print(f"    -> {escape(f.remedy)}")
    console.print(f"{len(findings) - passes} findings, {passes} checks hold")
