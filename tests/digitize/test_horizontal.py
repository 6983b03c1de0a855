"""Bars that lie: read in the turned view, they give the values of the same bars standing."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize.overlay import draw_overlay
from digitize.read import read_image
from digitize.record import PanelRecord, PointRecord

NAMES = ("Placebo", "Low dose", "High dose")
VALUES = {"Week 4": (31.2, 44.9, 62.3), "Week 8": (25.0, 51.7, 70.4)}
HALF = 6.5


def image(*, lying: bool, one_series: bool = False, dpi: int = 150) -> NDArray[np.uint8]:
    figure = Figure(figsize=(5.0, 3.6), dpi=dpi, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for k, (name, values) in enumerate(list(VALUES.items())[: 1 if one_series else 2]):
        at = np.arange(len(NAMES)) + (0.0 if one_series else 0.38 * (k - 0.5))
        color = ("#1f77b4", "#d62728")[k]
        width = 0.6 if one_series else 0.38
        if lying:
            axes.barh(at, values, width, color=color, edgecolor="black", label=name)
            axes.errorbar(values, at, xerr=HALF, fmt="none", ecolor="black", capsize=3)
        else:
            axes.bar(at, values, width, color=color, edgecolor="black", label=name)
            axes.errorbar(at, values, yerr=HALF, fmt="none", ecolor="black", capsize=3)
    (axes.set_yticks if lying else axes.set_xticks)(np.arange(len(NAMES)), NAMES)
    (axes.set_xlim if lying else axes.set_ylim)(0, 100)
    (axes.set_xlabel if lying else axes.set_ylabel)("Score")
    if not one_series:
        axes.legend(frameon=False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def only(picture: NDArray[np.uint8]) -> PanelRecord:
    (panel,) = read_image(picture)
    return panel.record


def points_of(panel: PanelRecord) -> dict[tuple[str, str], PointRecord]:
    return {(s.name, str(p.x)): p for s in panel.series for p in s.points}


@pytest.fixture(scope="module")
def lying() -> PanelRecord:
    return only(image(lying=True))


def test_lying_bars_give_the_values_of_standing_ones(lying: PanelRecord) -> None:
    assert lying.kind == "bar"
    assert lying.orientation == "horizontal"
    standing = only(image(lying=False))
    assert standing.orientation == "vertical"
    flat, upright = points_of(lying), points_of(standing)
    assert flat.keys() == upright.keys() == {(s, n) for s in VALUES for n in NAMES}
    for key, point in flat.items():
        for name in ("y", "y_lo", "y_hi"):
            # Two renderings, each good to about half a pixel of the 100 units along some 350 px.
            assert getattr(point, name) == pytest.approx(getattr(upright[key], name), abs=0.35)


def test_their_axes_say_where_they_stand_in_the_image(lying: PanelRecord) -> None:
    across = [t.px for t in lying.y_axis.ticks]  # values run to the right
    assert across == sorted(across)
    assert [t.value for t in lying.y_axis.ticks] == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    assert lying.y_axis.title == "Score"
    x0, y0, x1, y1 = lying.bbox_px
    assert all(y0 < t.px < y1 for t in lying.x_axis.ticks)
    for point in points_of(lying).values():
        assert x0 < point.px[0] < x1
        assert y0 < point.px[1] < y1


def test_the_overlay_marks_the_ends_along_the_bars(lying: PanelRecord) -> None:
    picture = image(lying=True)
    drawn = draw_overlay(picture, [lying])
    paled = draw_overlay(picture, [])
    changed = np.abs(drawn.astype(int) - paled).max(axis=2) > 30
    for point in points_of(lying).values():
        ends = [np.interp(end, [0, 100], [lying.y_axis.ticks[0].px, lying.y_axis.ticks[-1].px]) for end in (point.y_lo, point.y_hi)]
        zoom = drawn.shape[0] // picture.shape[0]
        for end in ends:
            x, y = round(float(end) * zoom), round(point.px[1] * zoom)
            assert changed[y - 3 : y + 4, x - 2 : x + 3].any()


def test_bars_of_one_series(lying: PanelRecord) -> None:
    panel = only(image(lying=True, one_series=True))
    assert [p.x for s in panel.series for p in s.points] == list(NAMES)
    values = [p.y for s in panel.series for p in s.points]
    assert values == pytest.approx(VALUES["Week 4"], abs=0.35)


def test_lying_boxes_give_the_quartiles_of_their_data() -> None:
    data = [np.random.default_rng(k).normal(5, 1, 30) for k in range(3)]
    figure = Figure(figsize=(5.0, 3.4), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.boxplot(data, orientation="horizontal", widths=0.5)
    axes.set_yticks([1, 2, 3], NAMES)
    canvas.draw()
    panel = only(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())
    assert (panel.kind, panel.orientation) == ("box", "horizontal")
    for point, values in zip((p for s in panel.series for p in s.points), data, strict=True):
        said = point.model_extra or {}
        # Half a pixel: about 0.005 of the 5 units along some 600 px.
        assert [said["q1"], said["median"], said["q3"]] == pytest.approx(np.percentile(values, [25, 50, 75]), abs=0.01)


def test_a_scatter_plot_is_no_horizontal_panel() -> None:
    rng = np.random.default_rng(3)
    figure = Figure(figsize=(4.5, 3.6), dpi=120, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    x, y = rng.uniform(0, 10, 12), rng.uniform(0, 10, 12)
    axes.errorbar(x, y, xerr=0.6, fmt="s", color="black", capsize=2)
    canvas.draw()
    panels = read_image(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())
    assert [p.record.orientation for p in panels] == ["vertical"]
    assert "forest" not in [p.record.kind for p in panels]
