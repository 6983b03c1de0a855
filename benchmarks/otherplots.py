"""Scatter plots, box plots, survival curves and histograms with every number known, for `benchmarks/figures.py`."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

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


def histogram_spec(rng: random.Random) -> Spec:
    """Counts or densities of 40 to 400 values in 6 to 20 bins: filled, outlined, both, or one stepped line; some with a curve."""
    draw = np.random.default_rng(rng.randrange(2**32))
    n, bins = rng.randint(40, 400), rng.randint(6, 20)
    middle, spread = rng.uniform(40, 70), rng.uniform(6, 14)
    values = draw.normal(middle, spread, n) if rng.random() < 0.6 else middle - spread + draw.gamma(2.0, spread, n)
    width = round((float(values.max()) - float(values.min())) / bins, rng.choice([0, 1, 2])) or 1.0
    first = np.floor(float(values.min()) / width) * width
    edges = first + width * np.arange(int(np.ceil((values.max() - first) / width)) + 1)
    heights, is_density = np.histogram(values, edges)[0], rng.random() < 0.25
    shown = heights / (n * width) if is_density else heights.astype(float)
    top = float(shown.max())
    ticks = [float(v) for v in MaxNLocator(rng.choice([4, 6])).tick_values(0, top) if v <= 1.05 * top]
    points = [
        {"x": (a + b) / 2, "x_lo": float(a), "x_hi": float(b), "y": float(h)} for a, b, h in zip(edges[:-1], edges[1:], shown, strict=True)
    ]
    look = rng.choice(["fill", "fill", "edges", "both", "both", "white", "step"])
    color = rng.choice(["#1f77b4", "#7f7f7f", "#595959", "#9ecae1", "#d3d3d3", "#e69f00"])
    one = {"name": "", "marker": "histogram", "color": "#ffffff" if look in ("edges", "step") else color, "look": look, "points": points}
    curve = [float(middle), float(spread)] if rng.random() < 0.15 and is_density else None
    y = {"type": "num", "label": "Density" if is_density else "Number of patients", "log": False, "ticks": ticks, "lim": [0, 1.06 * top]}
    x_ticks = [float(v) for v in MaxNLocator(6).tick_values(edges[0], edges[-1]) if edges[0] <= v <= edges[-1]]
    pad = rng.choice([0.0, 0.04]) * float(edges[-1] - edges[0])
    x = {"type": "num", "label": "Age (years)", "log": False, "ticks": x_ticks, "lim": [float(edges[0]) - pad, float(edges[-1]) + pad]}
    return {"x": x, "y": y, "series": [one], "curve": curve}


def plot_histogram(axes: Any, spec: Spec, style: Spec) -> None:
    """Draw a histogram."""
    (one,) = spec["series"]
    edges = [one["points"][0]["x_lo"], *(p["x_hi"] for p in one["points"])]
    heights = [p["y"] for p in one["points"]]
    if one["look"] == "step":
        axes.stairs(heights, edges, color="black", linewidth=style["width"])
    else:
        edge = {"fill": "none", "edges": "black", "both": "black", "white": "white"}[one["look"]]
        axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=one["color"], edgecolor=edge, linewidth=style["width"])
    if spec["curve"]:
        middle, spread = spec["curve"]
        x = np.linspace(*spec["x"]["lim"], 200)
        axes.plot(x, np.exp(-(((x - middle) / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi)), color="#d62728", linewidth=1.2)
    axes.set(xlim=spec["x"]["lim"], xticks=spec["x"]["ticks"], xlabel=spec["x"]["label"])
