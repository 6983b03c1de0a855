"""Funnel plot and trial sequential analysis, each drawn on an Axes that is returned."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from pool.model import PooledResult
from pool.sequential import SequentialResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONTOURS = ((0.10, 0.05, "0.88"), (0.05, 0.01, "0.78"))
"""Bands of p between which a study of no effect would lie, and their grey."""


def funnel(result: PooledResult, ax: Axes, *, contours: bool = True) -> Axes:
    """Draw effects over their standard errors, the smallest on top, with the pseudo 95 % limits around the common effect.

    Parameters
    ----------
    result : PooledResult
    ax : Axes
        Where to draw; returned.
    contours
        Shade where an effect would have p between 0.10 and 0.05, and 0.05 and 0.01 (Peters et al. 2008): asymmetry across these bands
        speaks for missing studies, elsewhere for other reasons.
    """
    yi = np.array([e.yi for e in result.studies])
    se = np.sqrt([e.vi for e in result.studies])
    w = se**-2.0
    centre = float(np.sum(w * yi) / np.sum(w))
    top = 1.1 * float(se.max())
    levels = np.array([0.0, top])
    if contours:
        for outer, inner, grey in CONTOURS:
            near, far = (float(ndtri(1 - p / 2)) for p in (outer, inner))
            for side in (-1, 1):
                name = f"p {inner:g} to {outer:g}" if side > 0 else None
                ax.fill_betweenx(levels, side * near * levels, side * far * levels, color=grey, linewidth=0, label=name)
    z = float(ndtri(0.975))
    for side in (-1, 1):
        ax.plot([centre, centre + side * z * top], levels, "--", color="0.35", linewidth=0.9)
    ax.plot([centre, centre], levels, color="0.35", linewidth=0.9)
    estimated = np.array([e.is_estimated for e in result.studies])
    if not estimated.all():
        ax.plot(yi[~estimated], se[~estimated], "o", color="#222222", markersize=5, label="reported")
    if estimated.any():
        ax.plot(yi[estimated], se[estimated], "o", markerfacecolor="white", color="#222222", markersize=5, label="read or estimated")
    if estimated.any() or contours:
        ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    reach = max(float(np.abs(yi - centre).max()), z * top) * 1.08
    ax.set(xlim=(centre - reach, centre + reach), ylim=(top, 0.0), ylabel="Standard error")
    ax.set_xlabel(f"{'log ' if result.is_ratio else ''}{result.measure}")
    if result.k < 10:
        ax.set_title(f"{result.k} studies: too few to judge asymmetry", fontsize=9)
    return ax


def sequential_plot(result: SequentialResult, ax: Axes, *, alpha: float = 0.05) -> Axes:
    """Draw the cumulative Z over the participants, boundaries of efficacy and futility, the required size, and the conventional limits.

    Parameters
    ----------
    result : SequentialResult
    ax : Axes
        Where to draw; returned.
    alpha
        Two-sided error of the conventional limits.
    """
    n, limit = result.n, 8.0
    required, z = result.required_adjusted, float(ndtri(1 - alpha / 2))
    ax.axhline(0.0, color="0.5", linewidth=0.8)
    before = n < required
    has_limit, has_wedge = before & (result.boundary <= limit), before & ~np.isnan(result.futility)
    places, limits = np.append(n[has_limit], required), np.append(result.boundary[has_limit], result.end)
    inner = np.append(n[has_wedge], required), np.append(result.futility[has_wedge], result.end)
    if result.inflation > 1:
        ax.fill_between(inner[0], -inner[1], inner[1], color="#e8e4d8", linewidth=0, label="futility")
    for side in (-1, 1):
        ax.axhline(side * z, color="0.55", linewidth=0.9, linestyle=":", label=f"conventional, {z:.2f}" if side > 0 else None)
        ax.plot(places, side * limits, "-s", color="#b00020", linewidth=1.1, markersize=3, label="boundary" if side > 0 else None)
        if result.inflation > 1:
            ax.plot(inner[0], side * inner[1], "-", color="#8a7a4a", linewidth=1.1)
    ax.plot(np.append(0.0, n), np.append(0.0, result.z), "-o", color="#1f4e79", linewidth=1.4, markersize=4, label="cumulative Z")
    ax.axvline(required, color="0.3", linewidth=1.0)
    said = f"required: {math.ceil(required)}"
    ax.annotate(said, (required, limit), xytext=(-4, -4), textcoords="offset points", ha="right", va="top", fontsize=8)
    ax.set(xlim=(0, 1.05 * max(required, float(n[-1]))), ylim=(-limit, limit), xlabel="Participants", ylabel="Cumulative Z")
    ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=4)
    ax.set_title(fill(result.verdict, 90), fontsize=8)
    return ax
