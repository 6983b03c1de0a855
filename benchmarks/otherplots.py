"""Scatter plots, box plots and survival curves with every number known, for `benchmarks/figures.py`."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

Spec = dict[str, Any]
ARMS = ["Placebo", "Drug", "Sham", "Usual care"]
COLORS = ["#1f77b4", "#d62728", "#2ca02c", "#000000"]
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D"}
PARTS = ("whisker_lo", "q1", "q3", "whisker_hi")


def _axis(label: str, lo: float, hi: float, n: int) -> Spec:
    pad = 0.05 * (hi - lo)
    return {"type": "num", "label": label, "log": False, "ticks": np.linspace(lo, hi, n).tolist(), "lim": [lo - pad, hi + pad]}


def scatter_spec(rng: random.Random) -> Spec:
    """Up to three series of 10 to 30 points."""
    count = rng.choice([1, 2, 3])
    series = []
    for name, color in zip(rng.sample(ARMS, count), rng.sample(COLORS, count), strict=True):
        slope, points = rng.uniform(-0.6, 0.6), []
        for _ in range(rng.randint(10, 30)):
            x = rng.uniform(2, 48)
            points.append({"x": round(x, 3), "y": round(min(max(50 + slope * (x - 25) + rng.gauss(0, 12), 4), 96), 3)})
        series.append({"name": name, "marker": rng.choice(sorted(MARKERS)) + rng.choice(["", "-open"]), "color": color, "points": points})
    return {"x": _axis("Age (years)", 0, 50, 6), "y": _axis("Score", 0, 100, 6), "series": series}


def plot_scatter(axes: Any, spec: Spec, style: Spec) -> None:
    """Draw a scatter plot."""
    for one in spec["series"]:
        x, y = (np.array([p[key] for p in one["points"]]) for key in ("x", "y"))
        shape, is_open = one["marker"].removesuffix("-open"), one["marker"].endswith("-open")
        face = "none" if is_open else one["color"]
        axes.plot(x, y, MARKERS[shape], color=one["color"], markerfacecolor=face, markersize=style["marker_size"], label=one["name"])
    axes.set(xlim=spec["x"]["lim"], xticks=spec["x"]["ticks"], xlabel=spec["x"]["label"])


def box_spec(rng: random.Random) -> Spec:
    """Two to five boxes of samples of 12 to 60, whiskers to the farthest value within 1.5 IQR."""
    names = ["BL", "Week 1", "Week 2", "Week 4", "Week 8"][: rng.randint(2, 5)]
    points = []
    for name in names:
        draw = np.random.default_rng(rng.randrange(2**32))
        values = draw.normal(rng.uniform(35, 65), rng.uniform(6, 12), rng.randint(12, 60)).clip(2, 98)
        q1, median, q3 = (float(v) for v in np.quantile(values, [0.25, 0.5, 0.75]))
        inside = values[(values >= q1 - 1.5 * (q3 - q1)) & (values <= q3 + 1.5 * (q3 - q1))]
        outliers = [round(float(v), 3) for v in values if v < inside.min() or v > inside.max()]
        parts = dict(zip(PARTS, (float(inside.min()), q1, q3, float(inside.max())), strict=True))
        points.append({"x": name, "y": round(median, 3), "outliers": outliers} | {k: round(v, 3) for k, v in parts.items()})
    fill = rng.choice(["#ffffff", "#9ecae1", "#bbbbbb"])
    series = [{"name": "", "marker": "box", "color": fill, "points": points}]
    return {"x": {"type": "cat", "label": "", "log": False, "labels": names}, "y": _axis("Pain (mm)", 0, 100, 6), "series": series}


def plot_boxes(axes: Any, spec: Spec, style: Spec) -> None:
    """Draw a box plot."""
    (one,) = spec["series"]
    boxes = [
        {"med": p["y"], "q1": p["q1"], "q3": p["q3"], "whislo": p["whisker_lo"], "whishi": p["whisker_hi"], "fliers": p["outliers"]}
        for p in one["points"]
    ]
    line = {"linewidth": style["width"], "color": "black"}
    filled = {"facecolor": one["color"], "linewidth": style["width"]}
    thick = line | {"linewidth": 2 * style["width"]}
    axes.bxp(boxes, patch_artist=True, boxprops=filled, whiskerprops=line, capprops=line, medianprops=thick)
    axes.set_xticks(range(1, len(boxes) + 1), spec["x"]["labels"])


def curve_spec(rng: random.Random) -> Spec:
    """One to three Kaplan-Meier curves over 24 months, in per cent or not."""
    count, whole = rng.choice([1, 2, 2, 3]), rng.choice([1.0, 100.0])
    series = []
    for name, color in zip(rng.sample(ARMS, count), rng.sample(COLORS, count), strict=True):
        n, rate, points, level = rng.randint(25, 80), rng.uniform(0.015, 0.09), [{"x": 0.0, "y": whole}], whole
        for at in sorted(rng.expovariate(rate) for _ in range(n)):
            if at < 24:
                level -= whole / n
                points.append({"x": round(at, 4), "y": round(level, 5)})
        series.append({"name": name, "marker": "step", "color": color, "points": [*points, {"x": 24.0, "y": points[-1]["y"]}]})
    y = {"type": "num", "label": "Survival", "log": False, "ticks": np.linspace(0, whole, 6).tolist(), "lim": [0, 1.02 * whole]}
    x = {"type": "num", "label": "Months", "log": False, "ticks": [0, 6, 12, 18, 24], "lim": [0, 24.5]}
    return {"x": x, "y": y, "series": series}


def plot_curves(axes: Any, spec: Spec, style: Spec) -> None:
    """Draw survival curves."""
    for one in spec["series"]:
        x, y = (np.array([p[key] for p in one["points"]]) for key in ("x", "y"))
        axes.step(x, y, where="post", color=one["color"], linewidth=1.3 * style["width"], label=one["name"])
    axes.set(xlim=spec["x"]["lim"], xticks=spec["x"]["ticks"], xlabel=spec["x"]["label"])
