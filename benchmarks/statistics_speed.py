"""How long the estimators and the pooling take, on one core: `python benchmarks/statistics_speed.py` prints a table (median of five)."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from extract import METHODS, Quantiles, estimate
from pool import Effect, Effects, combine
from pool.batch import combine_many

REPEATS = 5


def milliseconds(work: Callable[[], object]) -> float:
    """Median time of some work."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))


def _run(words: str) -> None:
    subprocess.run([sys.executable, "-c", words], check=True)


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(1)
    values = np.sort(rng.normal(50, 10, (10_000, 5)), axis=1)
    names = ("minimum", "q1", "median", "q3", "maximum")
    columns = dict(zip(names, values.T, strict=True))
    n = rng.integers(10, 200, 10_000)
    three = {name: columns[name] for name in ("q1", "median", "q3")}
    yi, vi = rng.normal(0, 1, (10_000, 10)), rng.uniform(0.05, 1, (10_000, 10))
    few = Effects("MD", tuple(Effect(f"{k}", float(y), float(v)) for k, (y, v) in enumerate(zip(yi[0], vi[0], strict=True))))
    works: dict[str, Callable[[], object]] = {
        "10,000 arms by wan2014": lambda: METHODS["wan2014"](Quantiles(n, **columns)),
        "10,000 arms by luo2018 and shi2020": lambda: METHODS["luo2018"](Quantiles(n, **columns)),
        "10,000 arms by shi2020_lognormal": lambda: METHODS["shi2020_lognormal"](Quantiles(n, **three)),
        "one arm by wan2014 with its uncertainties": lambda: estimate(40, q1=3, median=4.4, q3=6, u_q1=0.1, u_median=0.1, u_q3=0.1),
        "one arm by mcgrath2020_qe with its uncertainties": lambda: estimate(40, q1=3, median=4.4, q3=6, method="mcgrath2020_qe"),
        "one meta-analysis of 10 by REML and Knapp-Hartung": lambda: combine(few, method="REML", test="knha"),
        "starting Python": lambda: _run("pass"),
        "starting Python and importing pool": lambda: _run("import pool"),
        "10,000 meta-analyses of 10 by REML and Knapp-Hartung": lambda: combine_many(yi, vi, method="REML", test="knha"),
    }
    print("| work | ms |\n|---|---|")
    for name, work in works.items():
        print(f"| {name} | {milliseconds(work):.1f} |")


if __name__ == "__main__":
    main()
