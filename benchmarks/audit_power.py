"""What an audit of a table catches and how often it cries wolf: `python benchmarks/audit_power.py [--tables 2000]` prints a table.

Tables of 8 trials of one outcome are drawn from normal data with moderately different SDs and effects; one error at a time is planted.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from extract import ArmSummary
from extract.audit import audit_arms, grimmer

Arms = list[ArmSummary]


def clean_table(rng: np.random.Generator, n_trials: int = 8) -> Arms:
    """Trials of one outcome: SDs about 2, moderately different from trial to trial, effects about half an SD, n 20 to 100."""
    arms = []
    for k in range(n_trials):
        n = int(rng.integers(20, 100))
        sigma, base, effect = 2 * math.exp(rng.normal(0, 0.15)), rng.normal(6, 0.5), rng.normal(1.0, 0.4)
        for arm, mean in (("drug", base - effect), ("placebo", base)):
            values = rng.normal(mean, sigma, n)
            arms.append(ArmSummary(f"Trial {k}", arm, n, round(float(values.mean()), 2), round(float(values.std(ddof=1)), 2)))
    return arms


def with_arm(arms: Arms, k: int, arm: ArmSummary) -> Arms:
    """The table with one arm changed."""
    return [*arms[:k], arm, *arms[k + 1 :]]


def with_sign_turned(arms: Arms, pair: int) -> Arms:
    """A table of a large effect with the means of one trial's arms exchanged."""
    large = [replace(a, mean=a.mean - 2.5 if a.arm == "drug" else a.mean) for a in arms]
    a, b = large[pair], large[pair + 1]
    return [*large[:pair], replace(a, mean=b.mean), replace(b, mean=a.mean), *large[pair + 2 :]]


def grave(arms: Arms) -> list[str]:
    """The checks that find something improbable or impossible."""
    return [f.check for f in audit_arms(arms) if f.severity in ("impossible", "improbable")]


def rates(tables: int, seed: int = 1) -> dict[str, float]:
    """Share of tables in per cent: clean ones with an alarm, and those with a planted error that is caught."""
    rng = np.random.default_rng(seed)
    counts = dict.fromkeys(("false alarm", "SE for SD", "slipped digit", "turned sign"), 0)
    for _ in range(tables):
        arms = clean_table(rng)
        k = int(rng.integers(len(arms)))
        counts["false alarm"] += bool(grave(arms))
        counts["SE for SD"] += "se for sd" in grave(with_arm(arms, k, replace(arms[k], sd=round(arms[k].sd / math.sqrt(arms[k].n), 3))))
        counts["slipped digit"] += bool(grave(with_arm(arms, k, replace(arms[k], sd=arms[k].sd * 10))))
        counts["turned sign"] += "sign" in grave(with_sign_turned(arms, k // 2 * 2))
    return {name: 100 * count / tables for name, count in counts.items()}


def main() -> None:
    """Print the table, and how long exact searches take."""
    parser = argparse.ArgumentParser(description="False alarms and planted errors of the audit.")
    parser.add_argument("--tables", type=int, default=2000)
    said = parser.parse_args()
    print(f"| of {said.tables} tables of 8 trials | % |\n|---|---|")
    for name, rate in rates(said.tables).items():
        print(f"| {name} | {rate:.1f} |")
    rng = np.random.default_rng(2)
    samples = [rng.integers(0, 11, int(rng.integers(5, 51))) for _ in range(336)]
    start = time.perf_counter()
    for values in samples:
        grimmer(f"{values.mean():.2f}", f"{values.std(ddof=1):.2f}", len(values), (0, 10))
    print(f"\n336 exact GRIMMER searches of up to 50 values from 0 to 10: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
