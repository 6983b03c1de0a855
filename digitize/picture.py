"""The inside of a plot as a picture: what of it can be seen, and what words and a legend may cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitize.ink import paper_color
from digitize.legend import LegendEntry
from digitize.painting import Picture
from digitize.panels import Panel

LEGEND_PAD = 2.0  # digit heights around a legend's names and keys that its ground may cover
COLORED = 60  # grey levels between the largest and the smallest of a pixel's red, green and blue
FAINT = 20.0  # grey levels from the paper's within which a pixel is paper


def picture_of(panel: Panel, without: NDArray[np.uint8], legend: Sequence[LegendEntry], *, with_keys: bool) -> Picture:
    """The plot, blind where text was painted over, and for paper where the legend may cover what lies beneath.

    `without` (h, w, 3) is its inside without words and legend; `with_keys` tells whether the legend's keys are to be seen.
    """
    image = panel.crop
    paper = paper_color(image)
    # Words are black or grey: what is coloured beneath them still shows.
    seen = (image == without).all(axis=2) | (np.ptp(image, axis=2) > COLORED)
    for entry in legend:
        a, b, c, d = _grown(entry.key_box, 0.2 * panel.height, panel)
        seen[b : d + 1, a : c + 1] = with_keys
    if legend:
        boxes = np.array([e.text_box for e in legend] + [e.key_box for e in legend])
        hull = (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
        a, b, c, d = _grown(hull, LEGEND_PAD * panel.height, panel)
        is_paper = np.abs(image[b : d + 1, a : c + 1] - paper).max(axis=2) < FAINT
        seen[b : d + 1, a : c + 1] &= ~is_paper
    return Picture(np.asarray(image / 255, dtype=np.float32), np.asarray(paper / 255, dtype=np.float32), seen.astype(np.float32))


def _grown(box: Sequence[float], pad: float, panel: Panel) -> tuple[int, int, int, int]:
    """A box of the figure with a margin, in pixels of the plot."""
    x0, y0, _, _ = panel.box
    a, b, c, d = box
    return max(0, round(a - pad - x0)), max(0, round(b - pad - y0)), max(-1, round(c + pad - x0)), max(-1, round(d + pad - y0))
