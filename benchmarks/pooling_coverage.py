"""Whether pooled intervals cover what they claim when SDs come from ranges read off figures.

    python benchmarks/pooling_coverage.py [--sets 4000]

Two arms of 10 a study, medians and ranges read with an error, mean and SD by Wan 2014; true effects alike or different. Printed is how
often the 95 % interval holds the true mean effect, by DerSimonian-Laird with z (as most reviews have it) and by REML with Knapp-Hartung,
each with vi = SD^2 / n and with variances that hold the errors of estimating and of reading: which of the two changes does what.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from extract.closedforms import wan2014
from extract.quantiles import Quantiles
from extract.sampling import linear_errors, linear_weights
from pool.batch import combine_many

N, SIGMA, EFFECT = 10, 2.0, -1.0
Floats = NDArray[np.float64]


def arm(rng: np.random.Generator, means: Floats, u: float) -> tuple[Floats, Floats]:
    """Mean and SD by Wan 2014 of arms with these true means, quantiles read with an error of u SDs."""
    samples = rng.normal(means[..., None], SIGMA, (*means.shape, N))
    quantiles = np.stack([samples.min(-1), np.median(samples, -1), samples.max(-1)], -1)
    read = np.sort(quantiles + u * SIGMA * rng.normal(size=quantiles.shape), axis=-1).reshape(-1, 3)
    found = wan2014(Quantiles(np.full(len(read), N), minimum=read[:, 0], median=read[:, 1], maximum=read[:, 2]))
    return found.mean.reshape(means.shape), found.sd.reshape(means.shape)


ANALYSES = (("DL", "z", False), ("DL", "z", True), ("REML", "knha", False), ("REML", "knha", True))  # method, test, all errors


def coverage(sets: int, k: int, tau: float, u: float, seed: int = 1) -> list[float]:
    """Per cent of the intervals of each analysis that hold the true effect, tau and u in SDs."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(EFFECT, tau * SIGMA, (sets, k))
    (m1, s1), (m2, s2) = arm(rng, truth, u), arm(rng, np.zeros((sets, k)), u)
    yi, naive = m1 - m2, (s1**2 + s2**2) / N
    of_mean = linear_errors(wan2014, "C1", N)[0]
    read = 2 * (u * SIGMA) ** 2 * sum(w**2 for w in linear_weights(wan2014, "C1", N)[0].values())
    full = of_mean**2 * (s1**2 + s2**2) + read
    results = [combine_many(yi, full if errors else naive, method, test) for method, test, errors in ANALYSES]
    return [100 * float(np.mean((r.ci_lb <= EFFECT) & (r.ci_ub >= EFFECT))) for r in results]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Coverage of pooled intervals.")
    parser.add_argument("--sets", type=int, default=4000)
    said = parser.parse_args()
    names = [f"{method}, {test}, {'all errors' if errors else 'SD^2 / n'}: %" for method, test, errors in ANALYSES]
    print("| studies | tau, SDs | reading, SDs | " + " | ".join(names) + " |\n" + "|---" * (3 + len(names)) + "|")
    for k in (3, 8, 20):
        for tau in (0.0, 0.3):
            for u in (0.02, 0.2):
                shares = " | ".join(f"{share:.1f}" for share in coverage(said.sets, k, tau, u))
                print(f"| {k} | {tau:g} | {u:g} | {shares} |")


if __name__ == "__main__":
    main()
