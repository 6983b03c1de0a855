"""Leave-one-out, Baujat and drapery plots, each drawn on an Axes that is returned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from pool.effect import RATIO_MEASURES, Effects
from pool.model import PooledResult
from pool.sensitivity import leave_one_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def leave_one_out_size(k: int) -> tuple[float, float]:
    """Width and height in inches in which the names of k studies do not touch."""
    return 6.4, max(2.4, 0.9 + 0.2 * k)


def leave_one_out_plot(effects: Effects, ax: Axes, *, method: str = "DL", test: str = "z", level: float = 0.95) -> Axes:
    """Draw the pooled estimate and interval without each study, over that of all.

    Parameters
    ----------
    effects, method, test, level
        As for `combine`.
    ax
        Where to draw; returned, in the units of yi (log scale for ratios).
    """
    from pool.model import combine

    table, whole = leave_one_out(effects, method, test, level), combine(effects, method, test, level)
    ax.axvspan(whole.ci_lb, whole.ci_ub, color="#1f4e79", alpha=0.08, linewidth=0)
    ax.axvline(whole.estimate, color="#1f4e79", linewidth=1)
    ax.axvline(0.0, color="0.4", linewidth=0.8, linestyle=":")
    names = [f"without {_short(e.study)}" for e in effects]
    for y, (_, row) in enumerate(table.iterrows()):
        ax.plot([row["ci_lb"], row["ci_ub"]], [y, y], color="#333333", linewidth=1.2)
        ax.plot([row["estimate"]], [y], "s", color="#4477aa", markersize=6)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.5), xlabel=_axis_title(effects.measure))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def _short(study: str) -> str:
    return study if len(study) <= 40 else f"{study[:39]}…"


def baujat(result: PooledResult, ax: Axes) -> Axes:
    """Draw what each study adds to Q over how far the estimate moves without it (Baujat et al. 2002, Stat Med 21:2641).

    x is w (y - mu)^2 of the common-effect model, y the squared distance of the estimates with and without the study over the variance
    of the latter; studies at the upper right both disagree and matter.
    """
    yi, vi = np.array([e.yi for e in result.studies]), np.array([e.vi for e in result.studies])
    if len(yi) < 2:
        message = f"expected 2 studies or more, found {len(yi)}"
        raise ValueError(message)
    w = 1 / vi
    centre = float(np.sum(w * yi) / np.sum(w))
    without = (np.sum(w * yi) - w * yi) / (np.sum(w) - w)
    x, y = w * (yi - centre) ** 2, (centre - without) ** 2 * (np.sum(w) - w)
    ax.plot(x, y, "o", color="#1f4e79", markersize=5, clip_on=False)
    for study, a, b in zip(result.studies, x, y, strict=True):
        ax.annotate(_short(study.study), (a, b), xytext=(5, 3), textcoords="offset points", fontsize=8)
    ax.set(xlim=(0, 1.15 * float(x.max()) or 1), ylim=(0, 1.15 * float(y.max()) or 1))
    ax.set(xlabel="Contribution to Q", ylabel="Influence on the pooled result")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def drapery(result: PooledResult, ax: Axes) -> Axes:
    """Draw two-sided p-values over all values of the effect: of each study, and of the pooled estimate (Rücker and Schwarzer 2021).

    The curve of a study is the p-value of its normal test of each effect; where it crosses 0.05 are the limits of its 95 % interval.
    """
    halves = [4 * math.sqrt(e.vi) for e in result.studies]
    low = min(e.yi - h for e, h in zip(result.studies, halves, strict=True))
    high = max(e.yi + h for e, h in zip(result.studies, halves, strict=True))
    grid = np.linspace(min(low, result.estimate - 4 * result.se), max(high, result.estimate + 4 * result.se), 801)
    for effect in result.studies:
        ax.plot(grid, _p(grid, effect.yi, math.sqrt(effect.vi)), color="0.6", linewidth=0.9)
    ax.plot(grid, _p(grid, result.estimate, result.se), color="#b00020", linewidth=1.8, label="pooled")
    for p in (0.001, 0.01, 0.05, 0.1):
        ax.axhline(p, color="0.85", linewidth=0.7, zorder=0)
    ax.axvline(0.0, color="0.4", linewidth=0.8, linestyle=":")
    ax.set(yscale="log", ylim=(5e-4, 1.0), xlim=(grid[0], grid[-1]), xlabel=_axis_title(result.measure), ylabel="p-value")
    ax.set_yticks([0.001, 0.01, 0.05, 0.1, 1], ["0.001", "0.01", "0.05", "0.1", "1"])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _p(grid: np.ndarray[tuple[int], np.dtype[np.float64]], centre: float, se: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(2 * ndtr(-np.abs(grid - centre) / se))


def _axis_title(measure: str) -> str:
    return f"{'log ' if measure in RATIO_MEASURES else ''}{measure}"
