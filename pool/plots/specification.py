"""Specification plot: every analysis of a multiverse in order of its estimate, with the choices that it stands for beneath."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pool.effect import RATIO_MEASURES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CHOICES = (("estimator", "SDs"), ("method", "tau2"), ("test", "interval"))
CURVE_IN, ROW_IN = 2.9, 0.17  # heights of the upper part and of a row of choices, inches
HOLDS, CLEAR = "0.55", "#b00020"


def specification_plot(table: pd.DataFrame, ax: Axes, *, measure: str = "MD", chosen: tuple[str, str] | None = None) -> Axes:
    """Draw estimates and intervals of all analyses in ascending order, and a dot beneath for each choice of each analysis.

    Parameters
    ----------
    table
        As `pool.multiverse.multiverse_table` gives it.
    ax
        Where to draw: its upper part holds the estimates, its lower part the choices. Returned.
    measure
        What yi is; ratios are on the log scale.
    chosen
        The (method, test) that was reported, with SDs as given: marked.
    """
    choices = _choices(table)
    share = ROW_IN * sum(map(len, choices.values())) / _height(choices)
    ax.set_axis_off()
    upper, lower = ax.inset_axes((0, share + 0.01, 1, 0.99 - share)), ax.inset_axes((0, 0, 1, share))
    rows = table.sort_values(["estimate", "ci_lb"], kind="stable").reset_index(drop=True)
    clear = ((rows["ci_lb"] > 0) | (rows["ci_ub"] < 0)).to_numpy()
    _draw_estimates(rows, clear, upper)
    if chosen is not None:
        reported = np.flatnonzero((rows["estimator"] == "as given") & (rows["method"] == chosen[0]) & (rows["test"] == chosen[1]))
        upper.plot(reported, rows.loc[reported, "estimate"], "D", color="#1f4e79", markersize=6, label="reported")
    upper.set(ylabel=f"{'log ' if measure in RATIO_MEASURES else ''}{measure}")
    upper.legend(frameon=False, fontsize=7.5, loc="lower right", bbox_to_anchor=(1.0, 0.99), ncols=3, borderpad=0)
    upper.set_title(f"{len(rows)} analyses", fontsize=9, loc="left")
    _draw_choices(rows, choices, clear, lower)
    return ax


def specification_size(table: pd.DataFrame) -> tuple[float, float]:
    """Width and height in inches that suit a specification plot of a table."""
    return 6.8, _height(_choices(table))


def _height(choices: dict[str, list[str]]) -> float:
    return CURVE_IN + ROW_IN * sum(map(len, choices.values()))


def _choices(table: pd.DataFrame) -> dict[str, list[str]]:
    """The values of each kind of choice, in the order of the table; estimators only where there are several."""
    found = {column: list(dict.fromkeys(table[column])) for column, _ in CHOICES}
    return {column: values for column, values in found.items() if column != "estimator" or len(values) > 1}


def _draw_estimates(rows: pd.DataFrame, clear: np.ndarray[tuple[int], np.dtype[np.bool_]], ax: Axes) -> None:
    x = np.arange(len(rows))
    low, high = _limits(rows)
    for of, color, label in ((~clear, HOLDS, "interval holds 0"), (clear, CLEAR, "excludes 0")):
        if of.any():
            lower, upper = (np.clip(rows.loc[of, name], low, high) for name in ("ci_lb", "ci_ub"))
            ax.vlines(x[of], lower, upper, color=color, linewidth=min(1.2, 260 / len(rows)), alpha=0.55)
            ax.plot(x[of], rows.loc[of, "estimate"], ".", color=color, markersize=3, label=f"{label}: {int(of.sum())}")
    ax.axhline(0.0, color="0.3", linewidth=0.8, linestyle=":")
    ax.set(xlim=(-0.02 * len(rows), 1.02 * len(rows)), ylim=(low, high))
    ax.tick_params(axis="x", bottom=False, labelbottom=False)
    ax.spines[["top", "right"]].set_visible(False)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits of the drawing: of all estimates and of nine intervals in ten, the widest being cut."""
    low, high = float(rows["ci_lb"].quantile(0.05)), float(rows["ci_ub"].quantile(0.95))
    low, high = min(low, float(rows["estimate"].min()), 0.0), max(high, float(rows["estimate"].max()), 0.0)
    room = 0.06 * (high - low)
    return low - room, high + room


def _draw_choices(
    rows: pd.DataFrame, choices: dict[str, list[str]], clear: np.ndarray[tuple[int], np.dtype[np.bool_]], ax: Axes
) -> None:
    words = dict(CHOICES)
    lines = [(column, value) for column, values in choices.items() for value in values]
    starts = [y for y, (column, _) in enumerate(lines) if not y or column != lines[y - 1][0]]
    labels = [f"{words[column]}: {value}" if y in starts else value for y, (column, value) in enumerate(lines)]
    x = np.arange(len(rows))
    for y, (column, value) in enumerate(lines):
        for of, color in ((~clear, HOLDS), (clear, CLEAR)):
            own = of & (rows[column] == value).to_numpy()
            ax.plot(x[own], np.full(own.sum(), y), "|", color=color, markersize=4)
    for y in starts[1:]:
        ax.axhline(y - 0.5, color="0.8", linewidth=0.6)
    ax.set_yticks(range(len(lines)), labels, fontsize=7)
    ax.set(xlim=(-0.02 * len(rows), 1.02 * len(rows)), ylim=(len(lines) - 0.5, -0.5), xlabel="analyses, by estimate")
    ax.tick_params(axis="both", length=0, labelbottom=False)
    ax.spines[["top", "right", "bottom"]].set_visible(False)
