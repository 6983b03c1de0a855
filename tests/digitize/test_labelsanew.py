"""Labels whose decimal points a scan lost, and labels in pieces, are read anew beside their ticks."""

from __future__ import annotations

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize.read import read_image

POINT = "\u2004"  # a third of an em: the room that a decimal point takes


def _scan(values: NDArray[np.float64], labels: list[str], dpi: int) -> NDArray[np.uint8]:
    """A plot of bars in black and white alone, its y labels as given."""
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(4, 3), dpi=dpi, layout="tight")
        canvas = FigureCanvasAgg(figure)
        ax = figure.add_subplot()
        ax.bar([0, 1], [0.5 * values[-1], 0.8 * values[-1]], width=0.5)
        ax.set_ylim(values[0], 1.05 * values[-1])
        ax.set_yticks(values, labels)
        ax.set_xticks([0, 1], ["Sham", "Drug"])
        canvas.draw()
    gray = cv2.cvtColor(np.asarray(canvas.buffer_rgba())[..., :3].copy(), cv2.COLOR_RGB2GRAY)
    dark = cv2.GaussianBlur(gray, (0, 0), 0.6) < 150
    return np.repeat(np.where(dark, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


LOST = {
    "tenths": (np.arange(0, 0.85, 0.1), 1),
    "halves with a sign": (np.arange(-1, 1.6, 0.5), 1),
    "quarters": (np.arange(0, 1.6, 0.25), 2),
    "halves beyond ten halves": (np.arange(0, 4.1, 0.5), 1),
}


@pytest.mark.parametrize("dpi", [130, 160])
@pytest.mark.parametrize("name", LOST)
def test_labels_that_lost_their_decimal_points_are_read_and_flagged(name: str, dpi: int) -> None:
    values, decimals = LOST[name]
    (panel,) = read_image(_scan(values, [f"{v:.{decimals}f}".replace(".", POINT) for v in values], dpi))
    axis = panel.record.y_axis
    used = [t for t in axis.ticks if t.used]
    assert len(used) >= len(values) - 1
    assert all(np.min(np.abs(values - t.value)) < 1e-9 for t in used)
    assert "axis_uncertain" in axis.flags
    assert "decimal points lost" in axis.reason


@pytest.mark.parametrize("dpi", [130, 160])
def test_labels_with_their_points_are_sure(dpi: int) -> None:
    values = np.arange(0, 0.85, 0.1)
    (panel,) = read_image(_scan(values, [f"{v:.1f}" for v in values], dpi))
    assert panel.record.y_axis.flags == ()


def test_small_exponents_are_read_beside_their_ticks() -> None:
    # At 7 px of text exponents are 3 px high: they do not gather with their tens.
    values = 10.0 ** np.arange(-2, 3)
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 5.5}):
        figure = Figure(figsize=(3.8, 3), dpi=115, layout="tight")
        canvas = FigureCanvasAgg(figure)
        ax = figure.add_subplot()
        ax.scatter([10, 30, 55, 80, 95], [0.05, 7, 0.6, 40, 2], marker="s", s=12, facecolors="none", edgecolors="k")
        ax.set_yscale("log")
        ax.set_ylim(values[0], values[-1])
        canvas.draw()
    (panel,) = read_image(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    used = [t.value for t in panel.record.y_axis.ticks if t.used]
    assert panel.record.y_axis.scale == "log10"
    assert len(used) >= 4
    assert all(np.min(np.abs(np.log10(values) - np.log10(float(v)))) < 1e-9 for v in used)


def test_digits_apart_without_zeros_before_them_are_never_sure() -> None:
    # 2.5, 5.0, 7.5 and 10.0 without their points agree as 25, 50, 75 and 100 as well.
    values = np.array([2.5, 5.0, 7.5, 10.0])
    (panel,) = read_image(_scan(values, ["2\u20045", "5\u20040", "7\u20045", "10\u20040"], 160))
    assert "axis_uncertain" in panel.record.y_axis.flags
