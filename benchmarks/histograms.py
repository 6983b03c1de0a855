"""Mean and SD of the data in histograms: read off figures drawn here, against what their bins hold.

Usage::

    python benchmarks/histograms.py [--count 30] [--seed 5]

Perfect reading gives the mean and SD of the true bins. Both are off by so many per cent of the true SD, which is the stricter measure
where the mean lies far from zero; the last lines give the mean in per cent of the true mean as well. `refused` are not read as a histogram.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from figures import draw_figures

from digitize import digitize_file
from digitize.record import FigureRecord


def moments(low: list[float], high: list[float], height: list[float]) -> tuple[float, float]:
    """Mean and SD of what bins hold, each at its middle."""
    middle, weight = (np.array(low) + np.array(high)) / 2, np.array(height)
    mean = float(np.sum(weight * middle) / weight.sum())
    return mean, float(np.sqrt(np.sum(weight * (middle - mean) ** 2) / weight.sum()))


def read_moments(record: FigureRecord) -> tuple[float, float] | None:
    """Mean and SD of the first panel that is a histogram."""
    points = [p for panel in record.panels if panel.kind == "histogram" for s in panel.series for p in s.points]
    bins = [(p.x_lo, p.x_hi, p.y) for p in points if p.x_lo is not None and p.x_hi is not None and isinstance(p.y, float)]
    low, high, height = (list(v) for v in zip(*bins, strict=True)) if bins else ([], [], [])
    return moments(low, high, height) if bins else None


def main() -> None:
    """Draw, read, print a row a figure and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    off = []
    with tempfile.TemporaryDirectory() as folder:
        for path in draw_figures(Path(folder), given.count, given.seed, ["histogram"]):
            points = json.loads(path.with_suffix("").with_suffix(".truth.json").read_text(encoding="utf-8"))["series"][0]["points"]
            mean, sd = moments(*([p[key] for p in points] for key in ("x_lo", "x_hi", "y")))
            record = digitize_file(path).record
            read = read_moments(record)
            if read is None:
                print(f"{path.name:32} refused ({', '.join(p.kind for p in record.panels) or 'no panel'})")
                continue
            flags = sorted({f for p in record.panels for s in p.series for q in s.points for f in q.flags})
            off.append((100 * abs(read[0] - mean) / sd, 100 * abs(read[1] / sd - 1), 100 * abs(read[0] / mean - 1)))
            print(f"{path.name:32} mean {off[-1][0]:.3f} %  SD {off[-1][1]:.3f} %  {' '.join(flags)}")
    if off:
        (mean_off, sd_off, of_mean), (mean_worst, sd_worst, worst_of_mean) = np.median(off, axis=0), np.max(off, axis=0)
        print(f"{len(off)} of {given.count} read")
        print(f"mean off {mean_off:.3f} % of the SD (worst {mean_worst:.3f}), SD {sd_off:.3f} % (worst {sd_worst:.3f})")
        print(f"mean off {of_mean:.3f} % of the mean (worst {worst_of_mean:.3f})")


if __name__ == "__main__":
    main()
