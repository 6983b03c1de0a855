"""From drawn survival curves to hazard ratios: two arms a figure, read with the numbers at risk below, rebuilt, set against the sample.

python benchmarks/survival.py [--count 30] [--seed 1]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

from extract.survival import AtRisk, Individuals, at_risk_from_record, curves_from_record, hazard_ratio, kaplan_meier, reconstruct
from readoff import digitize

mpl.use("Agg")

ARMS = ("Drug", "Placebo")
COLORS = (("#1f77b4", "#d62728"), ("#000000", "#d95f02"), ("#2ca02c", "#7b3294"))


@dataclass(frozen=True)
class Trial:
    """The true sample of one figure."""

    arms: tuple[Individuals, Individuals]
    risks: tuple[AtRisk, AtRisk]


def sample(rng: np.random.Generator, follow_up: float) -> Trial:
    """Two arms of 40 to 250 with exponential times and staggered entry, and their numbers at risk every sixth of the follow-up."""
    arms, risks = [], []
    for _ in ARMS:
        n = int(rng.integers(40, 250))
        times, censored = rng.exponential(follow_up / rng.uniform(0.7, 2.5), n), rng.uniform(0.4, 1.5, n).clip(max=1) * follow_up
        arm = Individuals(np.minimum(times, censored), times <= censored)
        marks = np.linspace(0, follow_up, 7)[:-1]
        arms.append(arm)
        risks.append(AtRisk(tuple(marks.tolist()), tuple(int((arm.time >= t).sum()) for t in marks)))
    return Trial((arms[0], arms[1]), (risks[0], risks[1]))


def draw(trial: Trial, path: Path, follow_up: float, rng: np.random.Generator) -> None:
    """The figure as journals print it: steps, sometimes ticks where participants were censored, numbers at risk below."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4.6), dpi=int(rng.choice([100, 150, 200])))
    figure.subplots_adjust(bottom=0.3)
    is_percent, has_ticks = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    whole = 100 if is_percent else 1
    for arm, name, color in zip(trial.arms, ARMS, COLORS[int(rng.integers(len(COLORS)))], strict=True):
        time, survival = kaplan_meier(arm)
        time, survival = np.concatenate([[0], time]), whole * np.concatenate([[1.0], survival])
        axes.step(time, survival, where="post", color=color, label=name, linewidth=float(rng.uniform(1.2, 2)))
        if has_ticks:
            marks = arm.time[~arm.event]
            axes.plot(marks, survival[np.searchsorted(time, marks, side="right") - 1], "|", color=color, markersize=6)
    axes.set(xlim=(0, 1.02 * follow_up), ylim=(0, 1.04 * whole), xlabel="Months", ylabel="Survival (%)" if is_percent else "Survival")
    axes.set_xticks(np.linspace(0, follow_up, 7))
    axes.spines[["top", "right"]].set_visible(bool(rng.random() < 0.5))
    axes.legend(frameon=False)
    for row, (name, risk) in enumerate(zip(ARMS, trial.risks, strict=True)):
        axes.text(-0.14, -0.28 - 0.07 * row, name, transform=axes.transAxes, fontsize=8)
        for t, n in zip(risk.time, risk.number, strict=True):
            axes.text(t / (1.02 * follow_up), -0.28 - 0.07 * row, str(n), transform=axes.transAxes, fontsize=8, ha="center")
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    """Draw, read, rebuild, compare; print a line a figure and the summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    rng = np.random.default_rng(said.seed)
    errors, events, refused, misread = [], [], 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        for k in range(said.count):
            follow_up = float(rng.choice([12, 24, 36, 60]))
            trial = sample(rng, follow_up)
            path = Path(scratch) / f"km_{k}.{rng.choice(['png', 'pdf'])}"
            draw(trial, path, follow_up, rng)
            try:
                record = digitize(path).record
                curves, risks = curves_from_record(record), at_risk_from_record(record)
                misread += sum(risks[name] != risk for name, risk in zip(ARMS, trial.risks, strict=True))
                made = [reconstruct(curves[name], risks[name]) for name in ARMS]
            except (ValueError, KeyError) as error:
                refused += 1
                print(f"{path.name}: refused, {error}")
                continue
            error = hazard_ratio(made[0].individuals, made[1].individuals).log - hazard_ratio(*trial.arms).log
            counts = [m.individuals.n_events / arm.n_events - 1 for m, arm in zip(made, trial.arms, strict=True)]
            errors.append(abs(error))
            events += [abs(c) for c in counts]
            print(f"{path.name}: log hazard ratio off by {error:+.4f}, events by {100 * counts[0]:+.1f} and {100 * counts[1]:+.1f} %")
    if errors:
        print(f"{len(errors)} of {said.count} figures were read, {refused} refused; {misread} rows of numbers at risk misread")
        print(f"log hazard ratio off by {np.median(errors):.4f} in the median, {max(errors):.4f} at most")
        print(f"events off by {100 * np.median(events):.1f} % in the median, {100 * max(events):.1f} % at most")


if __name__ == "__main__":
    main()
