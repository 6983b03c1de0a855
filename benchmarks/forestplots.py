"""Forest plots drawn by this project as the programs of meta-analysts print them, with every number known.

Five layouts: RevMan's (columns, then the plot), Stata's (names, plot, effect and weight, three ticks only), metafor's (names, plot,
effect), R meta's (columns, plot, effect and interval apart) and a journal's (counts as 16/18). Intervals beyond the axis end in arrows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

Spec = dict[str, Any]

STUDIES = ["Abbott", "Baker", "Costa", "Dietrich", "Evans", "Fischer", "Grant", "Hughes", "Ivanov", "Jensen", "Kaur", "Lopez", "Meyer"]
LAYOUTS = ("revman", "stata", "metafor", "meta", "journal")
ROW = 0.2  # inches between two rows


def forest_spec(rng: random.Random) -> Spec:
    """A pooled table of trials: events of two arms on a log axis, or differences of means on a linear one."""
    layout = rng.choice(LAYOUTS)
    log = rng.random() < 0.6
    names = [f"{name} {rng.randint(1994, 2023)}" for name in rng.sample(STUDIES, rng.randint(4, 9))]
    centre, spread = rng.uniform(-0.6, 0.5), rng.uniform(0.2, 0.5)
    rows = []
    for name in names:
        se = rng.uniform(0.12, 0.6)
        rows.append(_row(name, "study", rng.gauss(centre, spread), se, log))
        n = [rng.randint(15, 240), rng.randint(15, 240)]
        rows[-1] |= {"events": [rng.randint(1, n[0] // 2), rng.randint(1, n[1] // 2)], "total": n}
    weights = [1 / row["se"] ** 2 for row in rows]
    for row, weight in zip(rows, weights, strict=True):
        row["weight"] = round(100 * weight / sum(weights), 1)
    pooled = sum(w * row["mid"] for w, row in zip(weights, rows, strict=True)) / sum(weights)
    total = _row(_total_name(layout, rng), "total", pooled, sum(weights) ** -0.5, log)
    total |= {"weight": 100.0, "total": [sum(row["total"][k] for row in rows) for k in (0, 1)]}
    rows.append(total)
    ticks = _ticks(layout, log, rng, rows)
    points = [_point(row, ticks, log) for row in rows]
    x_axis = {"type": "num", "label": "", "log": log, "ticks": ticks, "lim": [ticks[0], ticks[-1]]}
    y_axis = {"type": "cat", "label": "", "log": False, "labels": [*names, total["name"]]}
    series = [{"name": "studies", "marker": "square", "color": "#000000", "points": points}]
    return {"layout": layout, "x": x_axis, "y": y_axis, "series": series, "rows": rows}


def _row(name: str, kind: str, mid: float, se: float, log: bool) -> Spec:
    values = [mid, mid - 1.96 * se, mid + 1.96 * se]
    shown = [round(math.exp(v) if log else 3 * v, 2) for v in values]
    return {"name": name, "row": kind, "mid": mid, "se": se, "x": shown[0], "lo": shown[1], "hi": shown[2]}


def _total_name(layout: str, rng: random.Random) -> str:
    names = {"revman": ["Total (95% CI)"], "stata": ["Overall"], "metafor": ["RE Model", "FE Model"], "meta": ["Random effects model"]}
    return rng.choice(names.get(layout, ["Overall", "Pooled estimate"]))


def _ticks(layout: str, log: bool, rng: random.Random, rows: Sequence[Spec]) -> list[float]:
    if layout == "stata":  # three labels: the widest interval, its mirror, and no effect
        ends = [row[end] for row in rows for end in ("lo", "hi")]
        far = max(abs(math.log(v)) if log else abs(v) for v in ends if v > 0 or not log)
        if log:
            high = float(f"{math.exp(far):.3g}")
            return [float(f"{1 / high:.3g}"), 1.0, high]
        return [-round(far, 2), 0.0, round(far, 2)]
    if log:
        return rng.choice([[0.1, 0.2, 0.5, 1, 2, 5, 10], [0.1, 1, 10], [0.2, 0.5, 1, 2, 5], [0.25, 0.5, 1, 2, 4]])
    return rng.choice([[-4, -2, 0, 2, 4], [-10, -5, 0, 5, 10], [-5, -2.5, 0, 2.5, 5]])


def _point(row: Spec, ticks: Sequence[float], log: bool) -> Spec:
    clipped = [end for end, is_beyond in (("lo", row["lo"] < ticks[0]), ("hi", row["hi"] > ticks[-1])) if is_beyond]
    ends = {end: None if end in clipped else row[end] for end in ("lo", "hi")}
    return {"y": row["name"], "x": row["x"], **ends, "row": row["row"], "clipped": "".join(clipped)}


@dataclass(frozen=True)
class Paper:
    """Where a layout puts its things, in inches of the figure: x of the plot's edges, y of the first row; and how values become x."""

    axes: Axes
    spec: Spec
    plot: tuple[float, float]
    top: float
    font: float

    def x(self, value: float) -> float:
        """Where a value stands."""
        lo, hi = self.spec["x"]["lim"]
        f: Callable[[float], float] = math.log if self.spec["x"]["log"] else float
        return self.plot[0] + (f(value) - f(lo)) / (f(hi) - f(lo)) * (self.plot[1] - self.plot[0])

    def within(self, value: float) -> float:
        """Where a value stands, at most at the edges of the plot."""
        lo, hi = self.spec["x"]["lim"]
        return self.x(min(max(value, lo), hi))

    def y(self, k: float) -> float:
        """The middle of row k, counted from 0; the total stands one row apart."""
        return self.top - ROW * (k + (0.7 if k == len(self.spec["rows"]) - 1 else 0.0))

    def write(self, x: float, y: float, text: str, align: str = "left", *, bold: bool = False) -> None:
        """Print a text."""
        weight = "bold" if bold else "normal"
        self.axes.text(x, y, text, ha=align, va="center_baseline", fontsize=self.font, fontweight=weight)


WIDTHS = {"revman": 8.2, "stata": 6.4, "metafor": 5.8, "meta": 8.4, "journal": 7.2}
PLOTS = {"revman": (5.7, 7.9), "stata": (2.1, 4.1), "metafor": (1.9, 4.2), "meta": (3.9, 5.9), "journal": (4.5, 6.9)}
MEASURES = {True: ("RR", "Risk Ratio"), False: ("MD", "Mean Difference")}


def forest_size(spec: Spec) -> tuple[float, float]:
    """Width and height of the figure in inches."""
    return WIDTHS[spec["layout"]], ROW * (len(spec["rows"]) + 1) + 1.25


def draw_forest(axes: Axes, spec: Spec, style: Spec) -> None:
    """Draw on axes that fill a figure of `forest_size`."""
    width, height = forest_size(spec)
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_position((0, 0, 1, 1))
    axes.axis("off")
    paper = Paper(axes, spec, PLOTS[spec["layout"]], height - 0.62, style["font"] * 0.8)
    foot = paper.y(len(spec["rows"]) - 1) - 0.22
    _scale(paper, foot, style)
    for k, row in enumerate(spec["rows"]):
        (_diamond if row["row"] == "total" else _interval)(paper, k, row, style)
    {"revman": _revman, "stata": _stata, "metafor": _metafor, "meta": _meta, "journal": _journal}[spec["layout"]](paper)


def _scale(paper: Paper, foot: float, style: Spec) -> None:
    """Axis, ticks, line of no effect."""
    layout, (left, right) = paper.spec["layout"], paper.plot
    ends = (0.05, paper.axes.get_xlim()[1] - 0.05) if layout == "stata" else (left, right)
    paper.axes.plot(ends, (foot, foot), color="black", linewidth=style["width"], solid_capstyle="butt")
    up = 0.04 if layout == "revman" else 0.0
    for value in paper.spec["x"]["ticks"]:
        paper.axes.plot([paper.x(value)] * 2, (foot + up, foot - 0.05), color="black", linewidth=style["width"])
        text = f"{value:g}".replace("-", "−")
        paper.write(paper.x(value), foot - 0.14, text.removeprefix("0") if layout == "stata" and 0 < value < 1 else text, "center")
    none = paper.x(1 if paper.spec["x"]["log"] else 0)
    dashes: Any = {"metafor": (0, (1, 2)), "journal": "-"}.get(layout, "-")
    paper.axes.plot([none, none], (foot, paper.top + 0.12), color="black", linewidth=style["width"], linestyle=dashes)
    if layout in ("stata", "meta"):
        at = paper.x(paper.spec["rows"][-1]["x"])
        color = "#c10534" if layout == "stata" else "black"
        paper.axes.plot([at, at], (foot, paper.top + 0.12), color=color, linewidth=style["width"] * 0.8, linestyle="--")


def _interval(paper: Paper, k: int, row: Spec, style: Spec) -> None:
    layout, y = paper.spec["layout"], paper.y(k)
    left, right = paper.within(row["lo"]), paper.within(row["hi"])
    side = 0.045 + 0.11 * math.sqrt(row["weight"] / 100)
    x = paper.x(row["x"])
    color = {"revman": "#0000c8", "stata": "#b4b4b4", "meta": "#a9a9a9", "journal": "#0a6ea8"}.get(layout, "black")
    box = Rectangle((x - side / 2, y - side / 2), side, side, facecolor=color, linewidth=0, zorder=1 if layout in ("stata", "meta") else 3)
    if paper.plot[0] <= x <= paper.plot[1]:
        paper.axes.add_patch(box)
    paper.axes.plot((left, right), (y, y), color="black", linewidth=style["width"], solid_capstyle="butt", zorder=2)
    if layout == "stata":
        paper.axes.plot([x], [y], marker="D", markersize=2.5, color="black", zorder=4)
    for end, value, way in ((left, row["lo"], -1), (right, row["hi"], 1)):
        if value < paper.spec["x"]["lim"][0] or value > paper.spec["x"]["lim"][1]:
            inner = end - way * 0.08
            paper.axes.add_patch(Polygon([(end, y), (inner, y + 0.035), (inner, y - 0.035)], facecolor="black", linewidth=0))
        elif layout == "metafor":
            paper.axes.plot([end, end], (y - 0.03, y + 0.03), color="black", linewidth=style["width"])


def _diamond(paper: Paper, k: int, row: Spec, style: Spec) -> None:
    layout, y = paper.spec["layout"], paper.y(k)
    corners = [(paper.x(row["lo"]), y), (paper.x(row["x"]), y + 0.07), (paper.x(row["hi"]), y), (paper.x(row["x"]), y - 0.07)]
    if layout == "stata":
        paper.axes.add_patch(Polygon(corners, fill=False, edgecolor="#1a476f", linewidth=style["width"] * 1.2, zorder=4))
    else:
        color = {"meta": "#808080", "journal": "#0a6ea8"}.get(layout, "black")
        paper.axes.add_patch(Polygon(corners, facecolor=color, linewidth=0, zorder=4))


def _texts(row: Spec) -> tuple[str, str, str]:
    return tuple(f"{row[key]:.2f}" for key in ("x", "lo", "hi"))  # type: ignore[return-value]


def _minus(text: str, layout: str) -> str:
    return text if layout == "revman" else text.replace("-", "−")


def _revman(paper: Paper) -> None:
    _short, long = MEASURES[paper.spec["x"]["log"]]
    head = paper.top + 0.22
    paper.write(0.05, head, "Study or Subgroup", bold=True)
    for x, text in ((2.05, "Events"), (2.5, "Total"), (3.05, "Events"), (3.5, "Total"), (4.1, "Weight")):
        paper.write(x, head, text, "right", bold=True)
    paper.write(4.85, head, "IV, Fixed, 95% CI", "center", bold=True)
    paper.write(4.85, head + 0.18, long, "center", bold=True)
    paper.write(2.2, head + 0.18, "Experimental", "center", bold=True)
    paper.write(3.2, head + 0.18, "Control", "center", bold=True)
    paper.write(sum(paper.plot) / 2, head + 0.18, long, "center", bold=True)
    paper.axes.plot((0.05, WIDTHS["revman"] - 0.05), (paper.top + 0.13,) * 2, color="black", linewidth=0.8)
    for k, row in enumerate(paper.spec["rows"]):
        bold, y = row["row"] == "total", paper.y(k)
        x, lo, hi = _texts(row)
        paper.write(0.05, y, row["name"], bold=bold)
        for arm, at in enumerate((2.05, 3.05)):
            if "events" in row:
                paper.write(at, y, str(row["events"][arm]), "right")
            paper.write(at + 0.45, y, str(row["total"][arm]), "right", bold=bold)
        paper.write(4.1, y, f"{row['weight']:.1f}%", "right", bold=bold)
        paper.write(5.5, y, f"{x} [{lo}, {hi}]", "right", bold=bold)
    foot = paper.y(len(paper.spec["rows"]) - 1) - 0.55
    paper.write(paper.plot[0], foot, "Favours [experimental]")
    paper.write(paper.plot[1], foot, "Favours [control]", "right")


def _stata(paper: Paper) -> None:
    short = MEASURES[paper.spec["x"]["log"]][0]
    head = paper.top + 0.25
    for x, text in ((0.08, "ID"), (4.35, f"{short} (95% CI)"), (5.65, "Weight")):
        paper.write(x, head, text)
    paper.write(0.08, head + 0.2, "Study")
    paper.write(5.65, head + 0.2, "%")
    paper.axes.plot((0.05, WIDTHS["stata"] - 0.05), (paper.top + 0.12,) * 2, color="0.7", linewidth=0.8)
    for k, row in enumerate(paper.spec["rows"]):
        x, lo, hi = _texts(row)
        paper.write(0.08, paper.y(k), row["name"])
        paper.write(4.35, paper.y(k), _minus(f"{x} ({lo}, {hi})", "stata"))
        paper.write(5.65, paper.y(k), f"{row['weight']:.2f}")


def _metafor(paper: Paper) -> None:
    _short, long = MEASURES[paper.spec["x"]["log"]]
    paper.write(0.08, paper.top + 0.3, "Author(s) and Year", bold=True)
    paper.write(WIDTHS["metafor"] - 0.08, paper.top + 0.3, f"{long} [95% CI]", "right", bold=True)
    for k, row in enumerate(paper.spec["rows"]):
        x, lo, hi = _texts(row)
        paper.write(0.08, paper.y(k), row["name"])
        paper.write(WIDTHS["metafor"] - 0.08, paper.y(k), _minus(f"{x} [{lo}, {hi}]", "metafor"), "right")
    paper.write(sum(paper.plot) / 2, paper.y(len(paper.spec["rows"]) - 1) - 0.6, long, "center")


def _meta(paper: Paper) -> None:
    short, long = MEASURES[paper.spec["x"]["log"]]
    head = paper.top + 0.25
    for x, text, align in (
        (0.08, "Study", "left"), (2.15, "Events", "right"), (2.6, "Total", "right"), (3.2, "Events", "right"), (3.65, "Total", "right"),
        (6.45, short, "right"), (7.35, "95%-CI", "right"), (8.2, "Weight", "right"),
    ):  # fmt: skip
        paper.write(x, head, text, align, bold=True)
    paper.write(sum(paper.plot) / 2, head, long, "center", bold=True)
    for k, row in enumerate(paper.spec["rows"]):
        bold, y = row["row"] == "total", paper.y(k)
        x, lo, hi = _texts(row)
        paper.write(0.08, y, row["name"], bold=bold)
        for arm, at in enumerate((2.15, 3.2)):
            if "events" in row:
                paper.write(at, y, str(row["events"][arm]), "right")
            paper.write(at + 0.45, y, str(row["total"][arm]), "right", bold=bold)
        paper.write(6.45, y, _minus(x, "meta"), "right", bold=bold)
        paper.write(7.35, y, _minus(f"[{lo}; {hi}]", "meta"), "right", bold=bold)
        paper.write(8.2, y, f"{row['weight']:.1f}%", "right", bold=bold)


def _journal(paper: Paper) -> None:
    short, long = MEASURES[paper.spec["x"]["log"]]
    head = paper.top + 0.25
    for x, text in ((0.08, "Source"), (1.55, "Active"), (2.25, "Placebo"), (2.95, f"{short} (95% CI)")):
        paper.write(x, head, text, bold=True)
    for k, row in enumerate(paper.spec["rows"]):
        x, lo, hi = _texts(row)
        paper.write(0.08, paper.y(k), row["name"], bold=row["row"] == "total")
        for arm, at in enumerate((1.55, 2.25)):
            if "events" in row:
                paper.write(at, paper.y(k), f"{row['events'][arm]}/{row['total'][arm]}")
        paper.write(2.95, paper.y(k), _minus(f"{x} ({lo} to {hi})", "journal"))
    paper.write(sum(paper.plot) / 2, paper.y(len(paper.spec["rows"]) - 1) - 0.55, f"{long} (95% CI)", "center")
