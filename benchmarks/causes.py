"""Why figures are lost: for each kind of plot, how many are not solved, by the first thing that went wrong.

Usage::

    python benchmarks/causes.py                              140 figures drawn here
    python benchmarks/causes.py FOLDER                       figures with `<id>.truth.json` beside them (see benchmarks/figures.py)
    python benchmarks/causes.py FOLDER --records DIR         the same, read before (`readoff digitize ... --out DIR`)

A figure is solved as `benchmarks/accuracy.py` says. Else it is lost by its `axis` (no panel was read, an axis has another scale, or a tick
that is used bears a number that stands nowhere on the true axis), by its `marks` (some were not found), by `spurious` ones, by its `ends`
(of error bars, boxes, whiskers; more than 1 % of the axis off), by the `values` of its marks, or by its `series`; the first counts.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import SUFFIXES, TIGHT, read_truth, score_figure
from figures import KINDS, LEVEL_KINDS, OTHER_KINDS, draw_figures

from digitize import digitize_file
from digitize.record import AxisRecord, FigureRecord, read_record

CAUSES = ("axis", "marks", "spurious", "ends", "values", "series")


def cause_of(truth: dict[str, Any], record: FigureRecord | None) -> str:
    """The first thing that went wrong with a figure; empty where it is solved."""
    score = score_figure(truth, record, 0.0)
    if score.is_solved:
        return ""
    panels = record.panels if record is not None else ()
    if not any(all(_is_axis(truth[key], getattr(panel, f"{key}_axis")) for key in ("x", "y")) for panel in panels):
        return "axis"
    if score.n_found < score.n_true:
        return "marks"
    if score.n_returned > score.n_found:
        return "spurious"
    if score.n_ends_good < score.n_ends:
        return "ends"
    return "values" if max(score.errors, default=0.0) > TIGHT else "series"


def _is_axis(spec: dict[str, Any], axis: AxisRecord) -> bool:
    """Whether an axis was read as it is: its scale, and the numbers at its ticks (to 1 % of the axis, which rounding moves them)."""
    if spec.get("type") != "num":
        return True
    used = [tick.value for tick in axis.ticks if tick.used and isinstance(tick.value, float)]
    if len(used) < 2 or (axis.scale == "log10") != bool(spec["log"]):
        return False
    true, read = np.array(spec["ticks"], dtype=float), np.array(used)
    if spec["log"]:
        true, read = np.log10(true), np.log10(read)
    return bool(np.all(np.min(np.abs(read[:, None] - true), axis=1) <= TIGHT * np.ptp(true)))


def causes(folder: Path, records: Path | None) -> Iterator[tuple[str, str, str]]:
    """Name, kind and cause of every figure in a folder that has its truth beside it."""
    for truth_file in sorted(folder.glob("*.truth.json")):
        truth = read_truth(truth_file)
        yield truth["id"], truth["kind"], cause_of(truth, _record(folder, truth["id"], records))


def _record(folder: Path, name: str, records: Path | None) -> FigureRecord | None:
    if records is not None:
        path = records / f"{name}.json"
        return read_record(path) if path.exists() else None
    try:
        return digitize_file(next(folder / (name + s) for s in SUFFIXES if (folder / (name + s)).exists())).record
    except ValueError:
        return None


def print_table(rows: list[tuple[str, str, str]]) -> None:
    """One row a kind of plot, and one for all."""
    groups: dict[str, list[str]] = defaultdict(list)
    for _, kind, cause in rows:
        groups[kind].append(cause)
    print(f"| kind | figures | solved | {' | '.join(CAUSES)} | by axis, % |\n|---|---|---|{'---|' * len(CAUSES)}---|")
    for kind, found in [*sorted(groups.items()), ("all", [cause for _, _, cause in rows])]:
        counts = Counter(found)
        shown = " | ".join(str(counts[cause]) for cause in CAUSES)
        print(f"| {kind} | {len(found)} | {counts['']} | {shown} | {100 * counts['axis'] / len(found):.1f} |")


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--records", type=Path, help="figure records to score in place of reading anew")
    parser.add_argument("--count", type=int, default=140)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="name the figures that are lost")
    given = parser.parse_args()
    if given.folder is not None:
        rows = list(causes(given.folder, given.records))
    else:
        with tempfile.TemporaryDirectory() as folder:
            draw_figures(Path(folder), given.count, given.seed, (*KINDS, *LEVEL_KINDS, *OTHER_KINDS))
            rows = list(causes(Path(folder), None))
    print_table(rows)
    if given.list:
        print("\n".join(f"{name}: {cause}" for name, _, cause in rows if cause))


if __name__ == "__main__":
    main()
