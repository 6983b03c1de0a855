"""Figures that stand upside down, and axes whose numbers fall where others rise."""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
import pytest
from matplotlib.axes import Axes

from digitize.axes import Axis
from digitize.read import read_image
from tests.digitize.drawings import Drawing, Renderer, draw, misread_px, read_panels

RENDERERS: tuple[Renderer, ...] = ("agg", "pdf")
KINDS = ("plain", "small", "thousands", "log", "percent")


def inverted(seed: int, kind: str, renderer: Renderer, *, along_x: bool) -> Drawing:
    def turn(ax: Axes) -> None:
        (ax.invert_xaxis if along_x else ax.invert_yaxis)()

    return draw(seed, kind, renderer, along_x=along_x, dress=turn)


@pytest.mark.parametrize(("renderer", "along"), list(product(RENDERERS, ("x", "y"))))
def test_axes_whose_numbers_fall_are_read(renderer: Renderer, along: Literal["x", "y"]) -> None:
    sure = 0
    for seed in range(10):
        drawing = inverted(seed, KINDS[seed % len(KINDS)], renderer, along_x=along == "x")
        panels, to_original = read_panels(drawing.image)
        axis = getattr(panels[0], along)
        assert isinstance(axis, Axis)
        assert np.abs(misread_px(axis.calibration, drawing, to_original)).max() < 1.2  # Agg puts ticks on whole pixels
        sure += axis.reading.is_sure
    assert sure >= 9  # an axis title may stand where a minus sign would


def test_a_faint_dash_before_falling_numbers_leaves_them_in_doubt() -> None:
    drawing = inverted(0, "plain", "agg", along_x=False)
    panels, _ = read_panels(drawing.image)
    assert panels[0].y.reading.is_sure
    spoiled = drawing.image.copy()
    for box in panels[0].y.boxes:
        x0, y0, _, y1 = (round(v) for v in box.box)
        spoiled[(y0 + y1) // 2, x0 - 8 : x0 - 2] = 232  # 23 grey levels off the paper: too faint to be read as a minus sign
    assert "minus signs lost" in read_panels(spoiled)[0][0].y.reading.reason


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_figure_upside_down_holds_the_same_values(renderer: Renderer) -> None:
    image = draw(3, "negative", renderer, style="frame").image
    height, width = image.shape[:2]
    (straight,), (over,) = read_image(image), read_image(np.ascontiguousarray(image[::-1, ::-1]))
    assert "upside_down" in over.record.flags
    assert "upside_down" not in straight.record.flags
    ours, theirs = ([p for s in read.record.series for p in s.points] for read in (straight, over))
    assert [p.y for p in ours] == pytest.approx([p.y for p in theirs])
    assert [p.x for p in ours] == pytest.approx([p.x for p in theirs])
    assert np.array([p.px for p in ours]) == pytest.approx(np.array([width - 1, height - 1]) - [p.px for p in theirs])
    ticks = [[t.px for t in read.record.y_axis.ticks] for read in (straight, over)]
    assert ticks[0] == pytest.approx(height - 1 - np.array(ticks[1]))
