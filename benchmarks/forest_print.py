"""How well forest plots with printed numbers are read: `python -m benchmarks.forest_print FOLDER [--list]`.

FOLDER holds images and beside each `<stem>.json`: `scale` ("log" or "linear"), `ticks` and `rows` of `label, est, lo, hi, kind` ("study" or
"summary") and `clipped` ("", "lo", "hi" or "lohi"), the numbers as they are printed.

    rows      share of rows found, and of rows returned that are none
    drawn     share of rows with estimate and both ends (unless clipped) within 1.5 % of the axis, beside rounding
    labels    share of names read to the letter (case and spaces aside; a summary's name may say more)
    clipped   share of clipped ends flagged
    kinds     share of rows told rightly as study or summary
    printed   share of printed numbers read to the digit
    wrong     rows whose printed numbers were misread without the flag `print_differs`
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from digitize import digitize_file
from digitize.record import FigureRecord, PointRecord

NEAR = 0.015


@dataclass
class Tally:
    """Counts over one plot or many: of each name the good ones and all."""

    rows: tuple[int, int] = (0, 0)
    spurious: tuple[int, int] = (0, 0)
    drawn: tuple[int, int] = (0, 0)
    labels: tuple[int, int] = (0, 0)
    clipped: tuple[int, int] = (0, 0)
    kinds: tuple[int, int] = (0, 0)
    printed: tuple[int, int] = (0, 0)
    wrong: tuple[int, int] = (0, 0)

    def __add__(self, other: Tally) -> Tally:
        pairs = ((f.name, getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Tally(**{name: (a[0] + b[0], a[1] + b[1]) for name, a, b in pairs})

    def __str__(self) -> str:
        return "  ".join(f"{f.name} {good}/{count}" for f in fields(self) for good, count in [getattr(self, f.name)])


def score(truth: dict[str, Any], record: FigureRecord | None) -> Tally:
    """The tally of one plot; None where nothing was read."""
    panels = [p for p in record.panels if p.kind == "forest"] if record is not None else []
    points = [p for panel in panels for s in panel.series for p in s.points]
    pairs = _paired(truth["rows"], points)
    tally = Tally(rows=(len(pairs), len(truth["rows"])), spurious=(len(points) - len(pairs), len(points)))
    for row in truth["rows"]:
        point = next((p for r, p in pairs if r is row), None)
        tally += _row(row, point, truth)
    return tally


def _paired(rows: Sequence[dict[str, Any]], points: Sequence[PointRecord]) -> list[tuple[dict[str, Any], PointRecord]]:
    """Rows and points by name where all names are told apart, else in their order."""
    if len(rows) == len(points):
        return list(zip(rows, points, strict=True))
    names = {_plain(r["label"]): r for r in rows}
    found = {_plain(str(p.y)): p for p in points}
    return [(r, found[n]) for n, r in names.items() if n in found]


def _plain(text: str) -> str:
    return "".join(text.lower().removesuffix("(b)").split())


def _row(row: dict[str, Any], point: PointRecord | None, truth: dict[str, Any]) -> Tally:
    ends = [k for k in ("lo", "hi") if k in row["clipped"]]
    if point is None:
        return Tally(drawn=(0, 1), labels=(0, 1), kinds=(0, 1), printed=(0, 3), clipped=(0, len(ends)))
    drawn = all(
        _near(getattr(point, name), row[key], truth) for name, key in (("x", "est"), ("x_lo", "lo"), ("x_hi", "hi")) if key not in ends
    )
    is_summary = row["kind"] == "summary"
    name, said = _plain(row["label"]), _plain(str(point.y))
    label = said.startswith(name) if is_summary else said == name
    printed = getattr(point, "printed", None) or {}
    digits = sum(printed.get(name) == row[key] for name, key in (("effect", "est"), ("ci_lb", "lo"), ("ci_ub", "hi")))
    misread = "effect" in printed and digits < 3 and "print_differs" not in point.flags
    return Tally(
        drawn=(int(drawn), 1), labels=(int(label), 1), kinds=(int((getattr(point, "row", "") != "study") == is_summary), 1),
        printed=(digits, 3), clipped=(len(ends) if "clipped" in point.flags else 0, len(ends)), wrong=(int(misread), 1),
    )  # fmt: skip


def _near(value: float | str | None, true: float, truth: dict[str, Any]) -> bool:
    """Whether a value lies within `NEAR` of the axis of one that was printed with two decimals."""
    if not isinstance(value, float):
        return False
    f = (lambda v: math.log(max(v, 1e-9))) if truth["scale"] == "log" else float
    span = f(max(truth["ticks"])) - f(min(truth["ticks"]))
    return f(true - 0.005) - NEAR * span <= f(value) <= f(true + 0.005) + NEAR * span


def main() -> None:
    """Score a folder and print the tally, with `--list` a line a plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    total = Tally()
    for file in sorted(arguments.folder.glob("*.json")):
        truth = json.loads(file.read_text(encoding="utf-8"))
        if "rows" not in truth or "image" not in truth:
            continue
        try:
            record = digitize_file(file.parent / Path(truth["image"]).name).record
        except ValueError:
            record = None
        tally = score(truth, record)
        total += tally
        if arguments.list:
            print(f"{file.stem:28} {tally}")
    print(f"{'all':28} {total}")


if __name__ == "__main__":
    main()
