"""The command line: ``readoff VERB ...``.

Exit codes: 0 all done; 1 some inputs failed, each named with its cause on stderr, the others done; 2 wrong use.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from readoff import __version__
from readoff.commands import audit, demo, digitize, extract, pool, run, solve

app = typer.Typer(
    name="readoff", add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}, pretty_exceptions_enable=False
)
app.command("demo", epilog=demo.EXAMPLE)(demo.demo)
app.command("digitize", epilog=digitize.EXAMPLE)(digitize.digitize)
app.command("extract", epilog=extract.EXAMPLE)(extract.extract)
app.command("audit", epilog=audit.EXAMPLE)(audit.audit)
app.command("pool", epilog=pool.EXAMPLE)(pool.pool)
app.command("run", epilog=run.EXAMPLE)(run.run)
app.command("solve", epilog=solve.EXAMPLE)(solve.solve)


def _print_version(*, is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"readoff {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def readoff(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=lambda asked: _print_version(is_asked=asked), is_eager=True)
    ] = False,
) -> None:
    """Read the numbers off a trial figure and carry them, with their uncertainty, to a pooled effect.

    Start with: readoff demo
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; wrong use is told in one line."""
    try:
        code = app(args=arguments, prog_name="readoff", standalone_mode=False)
    except typer.TyperException as error:
        verb = getattr(getattr(error, "ctx", None), "command_path", "readoff")
        typer.echo(f"{verb}: {' '.join(error.format_message().split())}", err=True)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(1)
    sys.exit(code or 0)
