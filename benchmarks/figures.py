"""Figures drawn by this project with every number known, of every kind that is read, as trials and reviews print them.

`draw_figures(out, count, seed)` writes `<id>.png` or `<id>.pdf` beside `<id>.truth.json`. A third are drawn on the pixel grid (matplotlib's
Agg), a third as vector PDF, and a third as vectors that are rendered to pixels, where nothing is snapped.

A truth file holds `id, kind, fmt, dpi`, `x` and `y` (`type` num or cat, `ticks` or `labels`, `log`) and `series` of `name, marker, color,
points`, a point being `x, y, lo, hi` (null where there is no such end). In a forest plot the values run along x: `lo` and `hi` are ends
along it, and `y` is the row's name. A box has its median as `y` and `q1, q3, whisker_lo, whisker_hi, outliers`; the points of a survival
curve are the corners of its steps; a bin of a histogram has its edges as `x_lo, x_hi`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pypdfium2 as pdfium
from forestplots import draw_forest, forest_size, forest_spec
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from otherplots import box_spec, curve_spec, histogram_spec, plot_boxes, plot_curves, plot_histogram, plot_scatter, scatter_spec

ARMS = ["Placebo", "Magnesium", "Ketamine", "Control", "Saline", "Low dose", "High dose", "Usual care", "Active", "Sham"]
OUTCOMES = [("Pain (VAS, 0-10)", 0, 10), ("VAS (mm)", 0, 100), ("HbA1c (%)", 5, 11), ("Change from baseline", -8, 4), ("FEV1 (l)", 1, 4)]
TIMES = [("Weeks", [0, 2, 4, 8, 12]), ("Time (min)", [0, 15, 30, 60, 90, 120]), ("Month", [0, 3, 6, 12]), ("Visit", [1, 2, 3, 4, 5])]
CATEGORIES = [["Baseline", "Week 4", "Week 8"], ["Pre", "Post"], ["0 mg", "10 mg", "30 mg"], ["Male", "Female"], ["T0", "T1", "T2", "T3"]]
COLORS = ["#000000", "#d62728", "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd"]
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D"}

Spec = dict[str, Any]


KINDS = ("errorbar", "bar")
LEVEL_KINDS = ("forest", "levelbar")
"""What has its values along x."""
OTHER_KINDS = ("scatter", "box", "km", "histogram")
PLOTS = {"scatter": plot_scatter, "box": plot_boxes, "km": plot_curves, "histogram": plot_histogram}


def draw_figures(out: Path, count: int, seed: int, kinds: Sequence[str] = KINDS) -> list[Path]:
    """Draw `count` figures, the kinds in turn, into an existing folder and return their paths; the same seed draws the same figures."""
    makers = {"errorbar": _error_bar_plot, "bar": _bar_chart, "levelbar": _level_bars, "forest": forest_spec}
    makers |= {"scatter": scatter_spec, "box": box_spec, "km": curve_spec, "histogram": histogram_spec}
    paths = []
    for k in range(count):
        rng = random.Random(seed * 100_003 + k)
        kind = kinds[k % len(kinds)]
        spec = makers[kind](rng)
        renderer = rng.choice(["agg", "pdf", "rendered"])
        spec |= {"id": f"{kind}_{renderer}_{seed}_{k}", "renderer": renderer, "dpi": rng.choice([100, 150, 200, 300])}
        spec["kind"] = "bar" if kind == "levelbar" else kind
        paths.append(_draw(spec, _style(rng), out))
        (out / f"{spec['id']}.truth.json").write_text(json.dumps(spec, indent=0), encoding="utf-8")
    return paths


def _y_axis(rng: random.Random) -> Spec:
    label, lo, hi = rng.choice(OUTCOMES)
    ticks = np.linspace(lo, hi, rng.choice([5, 6])).round(6)
    pad = rng.choice([0.0, 0.04]) * (hi - lo)
    return {"type": "num", "label": label, "log": False, "ticks": ticks.tolist(), "lim": [lo - pad, hi + pad]}


def _error_bar_plot(rng: random.Random) -> Spec:
    y = _y_axis(rng)
    lo, hi = y["ticks"][0], y["ticks"][-1]
    span = hi - lo
    label, times = rng.choice(TIMES)
    count = rng.choice([1, 2, 2, 3])
    dodge = rng.choice([0.0, 0.014]) * (times[-1] - times[0])
    colors = rng.sample(COLORS, count) if rng.random() < 0.6 else ["#000000"] * count
    shapes = rng.sample(sorted(MARKERS), count)
    series = []
    for i, name in enumerate(rng.sample(ARMS, count)):
        level, points = rng.uniform(0.3, 0.7), []
        for t in times:
            mean = lo + span * min(max(level + rng.gauss(0, 0.04), 0.2), 0.8)
            half = span * rng.uniform(0.04, 0.14)
            x = t + dodge * (i - (count - 1) / 2)
            points.append({"x": round(x, 4), "y": round(mean, 4), "lo": round(mean - half, 4), "hi": round(mean + half, 4)})
        marker = shapes[i] + rng.choice(["", "-open"])
        series.append({"name": name, "marker": marker, "color": colors[i], "points": points})
    pad = 0.06 * (times[-1] - times[0])
    x_axis = {"type": "num", "label": label, "log": False, "ticks": times, "lim": [times[0] - pad, times[-1] + pad]}
    return {"x": x_axis, "y": y, "series": series}


def _bar_chart(rng: random.Random) -> Spec:
    top = rng.choice([10, 30, 100])
    y = {"type": "num", "label": "Score", "log": False, "ticks": np.linspace(0, top, 6).tolist(), "lim": [0, top]}
    names = rng.choice(CATEGORIES)
    count = rng.choice([1, 2, 3])
    colors = rng.choice([["#cccccc", "#777777", "#ffffff"], COLORS[1:4], ["#9ecae1", "#fdae6b", "#a1d99b"]])
    one_sided = rng.random() < 0.4
    series = []
    for i, name in enumerate(rng.sample(ARMS, count)):
        points = []
        for category in names:
            mean, half = top * rng.uniform(0.2, 0.75), top * rng.uniform(0.03, 0.12)
            low = None if one_sided else round(mean - half, 4)
            points.append({"x": category, "y": round(mean, 4), "lo": low, "hi": round(mean + half, 4)})
        series.append({"name": name, "marker": "bar", "color": colors[i], "points": points})
    return {"x": {"type": "cat", "label": "", "log": False, "labels": names}, "y": y, "series": series}


def _level_bars(rng: random.Random) -> Spec:
    """A bar chart whose bars lie."""
    return _bar_chart(rng) | {"lies": True}


def _style(rng: random.Random) -> Spec:
    return {
        "size": (rng.uniform(3.4, 6.0), rng.uniform(2.8, 4.4)),
        "font": rng.choice([8, 9, 10, 11]),
        "width": rng.choice([0.7, 1.0, 1.3]),
        "marker_size": rng.choice([5, 6, 8]),
        "box": rng.random() < 0.4,
        "grid": rng.random() < 0.3,
        "line": rng.random() < 0.7,
        "cap": rng.choice([0, 3, 4]),
        "legend": rng.choice(["upper right", "upper left", "outside"]),
    }


def _draw(spec: Spec, style: Spec, out: Path) -> Path:
    settings = {"font.size": style["font"], "axes.spines.top": style["box"], "axes.spines.right": style["box"], "pdf.fonttype": 42}
    with mpl.rc_context(settings):
        if spec["kind"] == "forest":
            figure = Figure(figsize=forest_size(spec))
            draw_forest(figure.add_subplot(), spec, style)
            return _save(figure, spec, out)
        figure = Figure(figsize=style["size"], layout="constrained")
        axes = figure.add_subplot()
        if style["grid"]:
            axes.grid(True, color="0.88", linewidth=0.6)
            axes.set_axisbelow(True)
        PLOTS.get(spec["kind"], _plot_points if spec["kind"] == "errorbar" else _plot_bars)(axes, spec, style)
        values = axes.xaxis if spec.get("lies") else axes.yaxis
        (axes.set_xlim if spec.get("lies") else axes.set_ylim)(*spec["y"]["lim"])
        values.set_ticks(spec["y"]["ticks"])
        values.set_label_text(spec["y"]["label"])
        if len(spec["series"]) > 1:
            if style["legend"] == "outside":
                axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
            else:
                axes.legend(loc=style["legend"], frameon=False)
        return _save(figure, spec, out)


def _plot_points(axes: Any, spec: Spec, style: Spec) -> None:
    for one in spec["series"]:
        x, y, lo, hi = (np.array([p[key] for p in one["points"]], dtype=float) for key in ("x", "y", "lo", "hi"))
        shape, is_open = one["marker"].removesuffix("-open"), one["marker"].endswith("-open")
        axes.errorbar(
            x, y, yerr=[y - lo, hi - y], fmt=MARKERS[shape], linestyle="-" if style["line"] else "", color=one["color"],
            markerfacecolor="white" if is_open else one["color"], markersize=style["marker_size"], linewidth=style["width"],
            elinewidth=style["width"], capsize=style["cap"], capthick=style["width"], label=one["name"],
        )  # fmt: skip
    axes.set_xlim(*spec["x"]["lim"])
    axes.set_xticks(spec["x"]["ticks"])
    axes.set_xlabel(spec["x"]["label"])


def _plot_bars(axes: Any, spec: Spec, style: Spec) -> None:
    count, names, lies = len(spec["series"]), spec["x"]["labels"], bool(spec.get("lies"))
    width = 0.8 / count
    for i, one in enumerate(spec["series"]):
        x = np.arange(len(names)) + width * (i - (count - 1) / 2)
        y, hi = (np.array([p[key] for p in one["points"]], dtype=float) for key in ("y", "hi"))
        down = [0.0 if p["lo"] is None else p["y"] - p["lo"] for p in one["points"]]
        (axes.barh if lies else axes.bar)(x, y, width, color=one["color"], edgecolor="black", linewidth=style["width"], label=one["name"])
        ends = {"xerr" if lies else "yerr": [down, hi - y]}
        at = (y, x) if lies else (x, y)
        axes.errorbar(*at, **ends, fmt="none", ecolor="black", elinewidth=style["width"], capsize=style["cap"])
    (axes.set_yticks if lies else axes.set_xticks)(np.arange(len(names)), names)


def _save(figure: Figure, spec: Spec, out: Path) -> Path:
    """As pixels on the grid, as vectors, or as vectors rendered to pixels."""
    pdf, png = out / f"{spec['id']}.pdf", out / f"{spec['id']}.png"
    if spec["renderer"] == "agg":
        FigureCanvasAgg(figure)
        figure.savefig(png, dpi=spec["dpi"])
        return png
    FigureCanvasPdf(figure)
    figure.savefig(pdf, metadata={"CreationDate": None})
    if spec["renderer"] == "pdf":
        return pdf
    document = pdfium.PdfDocument(pdf)
    document[0].render(scale=spec["dpi"] / 72).to_pil().convert("RGB").save(png)
    document.close()
    pdf.unlink()
    return png
