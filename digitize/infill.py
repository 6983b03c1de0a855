"""Marks that lie in a filled area: what looks like a marker there may be a seam between two fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digitize.ink import MIN_INK, largest, paper_color
from digitize.panels import Panel
from digitize.series import Mark, Series

FLAG = ("in_fill",)
AROUND = 1.3  # digit heights from the middle of a mark, beyond its own ink
MOST_INKED = 0.8  # share of what lies around a mark that is ink where it is in a fill
MANY = 0.33  # share of the marks that lie in fills; of a cloud of 400 markers, half of which overlap, a fifth do
DIRECTIONS = np.linspace(0, 2 * np.pi, 32, endpoint=False)


def with_fills_flagged(series: Sequence[Series], panel: Panel) -> tuple[Series, ...]:
    """The series, of which marks around which nearly all is ink are flagged; all of them where that is so of many.

    Seams between fills look like markers also at their edges.

    Parameters
    ----------
    series : sequence of Series
        Marks in straightened pixels of the figure.
    panel : Panel
    """
    crop = panel.crop
    inked = largest(np.abs(crop.astype(np.float32) - paper_color(crop))) > MIN_INK
    x0, y0, _, _ = panel.box
    dx, dy = AROUND * panel.height * np.cos(DIRECTIONS), AROUND * panel.height * np.sin(DIRECTIONS)

    def is_in_fill(mark: Mark) -> bool:
        columns, rows = (np.rint(v).astype(int) for v in (mark.x.px - x0 + dx, mark.y.px - y0 + dy))
        inside = (columns >= 0) & (columns < inked.shape[1]) & (rows >= 0) & (rows < inked.shape[0])
        return bool(inside.any()) and float(inked[rows[inside], columns[inside]].mean()) > MOST_INKED

    lies_in = [[is_in_fill(m) for m in s.marks] for s in series]
    count = sum(map(len, lies_in))
    are_all = count > 0 and sum(map(sum, lies_in)) > MANY * count
    return tuple(
        replace(
            s, marks=tuple(replace(m, flags=(*m.flags, *FLAG)) if own or are_all else m for m, own in zip(s.marks, within, strict=True))
        )
        for s, within in zip(series, lies_in, strict=True)
    )
