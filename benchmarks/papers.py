"""What whole papers give: `python benchmarks/papers.py FOLDER [--out DIR]` reads every PDF in a folder and prints a table.

A row a figure: its page and label, how many plots were read on it and of which kinds, how many of their axes are sure (numeric y axes, and
x axes of numbers or names), how many points there are and how many of them carry a flag, and what was refused or left out. `--out` also
writes records and overlays, to look at. Papers of others are no part of this repository: `benchmarks/papers.md` tells what seven gave.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from digitize.file import NoPlotFound, Reading, digitize_file
from digitize.record import FoundRecord, PanelRecord

COLUMNS = ("paper", "page", "figure", "plots", "kinds", "sure y", "sure x", "points", "flagged", "left out")
DOUBTS = {"axis_uncertain", "no_labels"}


def main() -> None:
    """Read the papers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, help="where records and overlays go")
    arguments = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for file in sorted(arguments.folder.glob("*.pdf")):
        start = time.perf_counter()
        try:
            reading = digitize_file(file)
        except (NoPlotFound, ValueError) as error:
            print(f"| {file.name} | | | | | | | | | {error} |", flush=True)
            continue
        for row in rows(reading):
            print("| " + " | ".join([file.name, *row]) + " |", flush=True)
        pages = len(reading.record.source.pages)
        print(f"{file.name}: {pages} pages in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            reading.save(arguments.out)


def rows(reading: Reading) -> Iterator[list[str]]:
    """A row a figure, without those that are plainly none (rules, logos)."""
    panels = {panel.id: panel for panel in reading.record.panels}
    for figure in reading.record.figures:
        if figure.panels or figure.skipped.startswith("no y axis"):
            yield _row(figure, [panels[name] for name in figure.panels])


def _row(figure: FoundRecord, panels: list[PanelRecord]) -> list[str]:
    points = [p for panel in panels for s in panel.series for p in s.points]
    kinds = Counter(f"{panel.kind} ({panel.medium})" for panel in panels)
    return [
        str(figure.page),
        figure.label or "-",
        str(len(panels)),
        ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "-",
        str(sum(not DOUBTS & {*panel.y_axis.flags} for panel in panels)),
        str(sum(not DOUBTS & {*panel.x_axis.flags} for panel in panels)),
        str(len(points)),
        str(sum(bool(p.flags) for p in points)),
        figure.skipped or "; ".join(f"{panel.id}: {panel.refused}" for panel in panels if panel.refused) or "-",
    ]


if __name__ == "__main__":
    main()
