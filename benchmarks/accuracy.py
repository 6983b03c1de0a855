"""How well figures are read: draws figures with known truth, reads them, and prints one table.

Usage::

    python benchmarks/accuracy.py                 60 figures drawn here
    python benchmarks/accuracy.py --count 200 --seed 7
    python benchmarks/accuracy.py FOLDER          figures with `<id>.truth.json` beside them (see benchmarks/figures.py; a box may also
                                                  give `lo, q1, med, q3, hi`)

Columns: `solved` share of figures with every point found, none invented, every value and error-bar end within 1 % of the axis (last
tick minus first) and every series right; `found` share of the true points; `spurious` share of the returned ones; `ends` share of the
true error-bar ends within 1 %; `error` median distance of values and ends from the truth, % of the axis; `cover` share of them whose
truth lies within 1.96 u; `silent` share of figures with a value or end more than 2 % off, or an invented point, that bears no flag and
claims a confidence of 0.9 or more.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from figures import KINDS, LEVEL_KINDS, OTHER_KINDS, draw_figures
from numpy.typing import NDArray
from otherplots import PARTS
from scipy.optimize import linear_sum_assignment

from digitize import digitize_file
from digitize.record import FigureRecord, PanelRecord, PointRecord

NEAR, TIGHT = 0.02, 0.01
SUFFIXES = (".png", ".pdf", ".jpg", ".jpeg", ".tif", ".tiff")


@dataclass(frozen=True)
class Score:
    """What came of one figure; `errors` are fractions of the axis, `covered` whether each lies within 1.96 u."""

    name: str
    kind: str
    seconds: float = 0.0
    n_true: int = 0
    n_returned: int = 0
    n_found: int = 0
    n_ends: int = 0
    n_ends_good: int = 0
    errors: tuple[float, ...] = ()
    covered: tuple[bool, ...] = ()
    is_silent: bool = False
    is_solved: bool = False


def read_truth(path: Path) -> dict[str, Any]:
    """The truth of a figure; boxes that give `lo, q1, med, q3, hi` give them by the names of the record."""
    truth: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    names = {"med": "y", "lo": "whisker_lo", "hi": "whisker_hi"}
    for series in truth["series"] if truth["kind"] == "box" else ():
        series["points"] = [{names.get(name, name): value for name, value in point.items()} for point in series["points"]]
    return truth


def score_figure(truth: dict[str, Any], record: FigureRecord | None, seconds: float) -> Score:
    """Score of the panel that agrees best with the truth."""
    n_true = sum(len(s["points"]) for s in truth["series"])
    nothing = Score(truth["id"], truth["kind"], seconds, n_true=n_true, n_ends=len(list(_ends(truth))))
    scores = [_score_panel(truth, panel, nothing) for panel in (record.panels if record else ())]
    return max(scores, key=lambda s: (s.n_found, -s.n_returned), default=nothing)


def _ends(truth: dict[str, Any]) -> Iterable[float]:
    return (p[k] for s in truth["series"] for p in s["points"] for k in ("lo", "hi", *PARTS) if p.get(k) is not None)


def _score_panel(truth: dict[str, Any], panel: PanelRecord, nothing: Score) -> Score:
    if truth["kind"] == "km":
        return _score_curves(truth, panel, nothing)
    expected = [(k, p) for k, s in enumerate(truth["series"]) for p in s["points"]]
    returned = [(k, p) for k, s in enumerate(panel.series) for p in s.points]
    if not returned:
        return nothing
    cost = np.array([[_distance(truth, p, q) for _, q in returned] for _, p in expected])
    rows, columns = linear_sum_assignment(np.minimum(cost, 9.0))
    pairs = [(int(a), int(b)) for a, b in zip(rows, columns, strict=True) if cost[a, b] < NEAR]
    found = [(expected[a], returned[b]) for a, b in pairs]
    checks = [check for (_, p), (_, q) in found for check in _checks(truth, p, q)]
    strays = [q for b, (_, q) in enumerate(returned) if b not in {b for _, b in pairs}]
    ends = [off for is_end, off, _, _ in checks if is_end]
    is_silent = any(_is_sure(q) for q in strays) or any(off > NEAR and sure for _, off, _, sure in checks if math.isfinite(off))
    is_solved = len(found) == len(expected) == len(returned) and all(off <= TIGHT for _, off, _, _ in checks)
    return replace(
        nothing,
        n_returned=len(returned),
        n_found=len(found),
        n_ends_good=sum(off <= TIGHT for off in ends),
        errors=tuple(off for _, off, _, _ in checks if off <= NEAR),
        covered=tuple(c for _, _, c, _ in checks if c is not None),
        is_silent=is_silent,
        is_solved=is_solved and _series_agree([(k, j) for (k, _), (j, _) in found]),
    )


def _score_curves(truth: dict[str, Any], panel: PanelRecord, nothing: Score) -> Score:
    """Score of curves: each true one against the returned one that is nearest on average over time; a point is a curve."""
    times = np.linspace(0.02, 0.98, 100) * truth["x"]["ticks"][-1]
    whole = truth["y"]["ticks"][-1]
    true = [_levels(times, [(p["x"], p["y"]) for p in s["points"]]) for s in truth["series"]]
    read = [_levels(times, [(p.x, p.y) for p in s.points if isinstance(p.x, float) and isinstance(p.y, float)]) for s in panel.series]
    if not read:
        return nothing
    off = np.array([[float(np.mean(np.abs(a - b))) / whole for b in read] for a in true])
    rows, columns = linear_sum_assignment(off)
    errors = tuple(float(off[a, b]) for a, b in zip(rows, columns, strict=True) if off[a, b] < NEAR)
    sure = all(_is_sure(p) for s in panel.series for p in s.points)
    return replace(
        nothing,
        n_true=len(true),
        n_returned=len(read),
        n_found=len(errors),
        errors=errors,
        is_silent=sure and len(errors) < len(read),
        is_solved=len(errors) == len(true) == len(read) and max(errors) <= TIGHT,
    )


def _levels(times: NDArray[np.float64], corners: Sequence[tuple[Any, Any]]) -> NDArray[np.float64]:
    """The level of a curve at times."""
    if not corners:
        return np.full(len(times), np.inf)
    x, y = np.array(sorted(corners), dtype=float).T
    return np.asarray(y[np.clip(np.searchsorted(x, times, side="right") - 1, 0, len(y) - 1)])


def _place(axis: dict[str, Any], value: float) -> float:
    """A value along an axis, in axis lengths (last tick minus first)."""
    ticks = [min(axis["ticks"]), max(axis["ticks"]), value]
    first, last, at = np.log10(np.maximum(ticks, 1e-12)) if axis["log"] else ticks
    return float((at - first) / (last - first))


def _directions(truth: dict[str, Any]) -> tuple[str, str]:
    """The names of the coordinate that holds the values, and of the other one."""
    return ("x", "y") if truth["kind"] == "forest" else ("y", "x")


def _distance(truth: dict[str, Any], expected: dict[str, Any], point: PointRecord) -> float:
    """How far a returned point is from a true one, in axis lengths; infinite in another category."""
    values, other = _directions(truth)
    value, place = getattr(point, values), getattr(point, other)
    if not isinstance(value, float) or place is None:
        return math.inf
    along = 0.0
    if truth[other]["type"] == "num":
        if isinstance(place, str):
            return math.inf
        along = abs(_place(truth[other], place) - _place(truth[other], expected[other]))
    elif "".join(str(place).lower().split()) != "".join(expected[other].lower().split()):
        return math.inf
    return max(along, abs(_place(truth[values], value) - _place(truth[values], expected[values])))


Check = tuple[bool, float, bool | None, bool]
"""Of one number: is it an end, its distance from the truth in axis lengths, is it covered, does it claim to be sure."""


def _checks(truth: dict[str, Any], expected: dict[str, Any], point: PointRecord) -> Iterable[Check]:
    """The checks of a point's value and of each of its ends."""
    sure = _is_sure(point)
    values, _ = _directions(truth)
    numbers = [(False, values, values), (True, "lo", f"{values}_lo"), (True, "hi", f"{values}_hi"), *((True, part, part) for part in PARTS)]
    for is_end, key, name in numbers:
        if expected.get(key) is None:
            continue
        value, u = getattr(point, name, None), getattr(point, f"u_{name}", None)
        if not isinstance(value, float):
            yield is_end, math.inf, None, sure
            continue
        gap = abs(_place(truth[values], value) - _place(truth[values], expected[key]))
        yield is_end, gap, (abs(value - expected[key]) <= 1.96 * u if u else None), sure


def _is_sure(point: PointRecord) -> bool:
    return not point.flags and point.confidence >= 0.9


def _series_agree(pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether true and returned series match one to one."""
    return len(set(pairs)) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def read_and_score(folder: Path) -> list[Score]:
    """Scores of every figure in a folder that has its truth beside it."""
    scores = []
    for truth_file in sorted(folder.glob("*.truth.json")):
        truth = read_truth(truth_file)
        figure = next(folder / (truth["id"] + s) for s in SUFFIXES if (folder / (truth["id"] + s)).exists())
        start = time.perf_counter()
        try:
            record: FigureRecord | None = digitize_file(figure).record
        except ValueError:
            record = None
        scores.append(score_figure(truth, record, time.perf_counter() - start))
    return scores


def print_table(scores: Sequence[Score]) -> None:
    """One row a kind of plot, and one for all."""
    groups: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        groups[score.kind].append(score)
    print(f"{'kind':10} {'n':>4}  solved   found  spurious    ends   error   cover  silent  s/fig")
    for name, group in [*sorted(groups.items()), ("all", list(scores))]:
        errors = [e for s in group for e in s.errors]
        covered = [c for s in group for c in s.covered]
        row = (
            _share(s.is_solved for s in group),
            _ratio(sum(s.n_found for s in group), sum(s.n_true for s in group)),
            _ratio(sum(s.n_returned - s.n_found for s in group), sum(s.n_returned for s in group)),
            _ratio(sum(s.n_ends_good for s in group), sum(s.n_ends for s in group)),
            100 * float(np.median(errors)) if errors else math.nan,
            _share(covered),
            _share(s.is_silent for s in group),
            float(np.median([s.seconds for s in group])),
        )
        widths = ("7.1f", "7.1f", "9.1f", "7.1f", "7.3f", "7.1f", "7.1f", "6.2f")
        print(f"{name:10} {len(group):4d} " + " ".join(format(value, width) for value, width in zip(row, widths, strict=True)))


def _ratio(part: int, whole: int) -> float:
    return 100 * part / whole if whole else math.nan


def _share(values: Iterable[bool]) -> float:
    seen = list(values)
    return 100 * sum(seen) / len(seen) if seen else math.nan


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="name the figures that are not solved")
    given = parser.parse_args()
    if given.folder is not None:
        scores = read_and_score(given.folder)
    else:
        with tempfile.TemporaryDirectory() as folder:
            draw_figures(Path(folder), given.count, given.seed, (*KINDS, *LEVEL_KINDS, *OTHER_KINDS))
            scores = read_and_score(Path(folder))
    print_table(scores)
    if given.list:
        for score in scores:
            if not score.is_solved:
                ends = f"{score.n_ends_good}/{score.n_ends}"
                print(f"{score.name}: found {score.n_found}/{score.n_true}, returned {score.n_returned}, ends {ends}")


if __name__ == "__main__":
    main()
