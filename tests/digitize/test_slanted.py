"""Labels that are written aslant under an axis: what they say, and where they point to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from matplotlib.axes import Axes

from digitize.axes import Axis
from digitize.categories import Categories
from tests.digitize.drawings import Renderer, draw, misread_px, read_panels
from tests.digitize.test_axes import NEAR_PX, RENDERERS

NAMES = ("Control", "Vitamin D", "Placebo", "Magnesium", "Low dose")
PLACES = (1.0, 3.0, 5.0, 7.0, 9.0)
WAYS = ((45.0, "right"), (30.0, "right"), (60.0, "right"), (45.0, "center"), (-45.0, "left"))


def aslant(degrees: float, align: str, labels: tuple[str, ...] = NAMES) -> Callable[[Axes], None]:
    def dress(ax: Axes) -> None:
        ax.set_xlim(0, 10.5)
        ax.set_xticks(PLACES, labels, rotation=degrees, ha=align)
        ax.set_xlabel("")

    return dress


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize(("degrees", "align"), WAYS)
def test_names_aslant_are_read_and_stand_at_their_ticks(degrees: float, align: str, renderer: Renderer) -> None:
    for seed in (3, 4):
        drawing = draw(seed, "plain", renderer, style=("frame", "L")[seed % 2], dress=aslant(degrees, align))
        panels, _ = read_panels(drawing.image)
        x = panels[0].x
        assert isinstance(x, Categories)
        assert x.axis.names == NAMES
        # The probes of the drawing run from 0.3 to 10.2 along x.
        per_unit = (drawing.places_px[-1, 0] - drawing.places_px[0, 0]) / 9.9
        ticks = drawing.places_px[0, 0] + per_unit * (np.array(PLACES) - 0.3)
        assert np.abs(np.array(x.axis.centers_px) - ticks).max() < 0.1 * per_unit


@pytest.mark.parametrize(("way", "renderer"), list(product(WAYS, RENDERERS)))
def test_numbers_aslant_make_an_axis(way: tuple[float, str], renderer: Renderer) -> None:
    labels = tuple(f"{2500 * k}" for k in range(5))

    def dress(ax: Axes) -> None:
        ax.set_xticks([2500.0 * k for k in range(5)], labels, rotation=way[0], ha=way[1])
        ax.set_xlabel("")

    right = 0
    for seed in (0, 1, 5):
        drawing = draw(seed, "thousands", renderer, along_x=True, style=("frame", "L")[seed % 2], dress=dress)
        panels, to_original = read_panels(drawing.image)
        x = panels[0].x
        is_near = isinstance(x, Axis) and float(np.abs(misread_px(x.calibration, drawing, to_original)).max()) < NEAR_PX[renderer]
        assert is_near or not isinstance(x, Axis) or x.reading.flags
        right += is_near
    assert right >= 2


@pytest.mark.parametrize("labels", [("-P", "+P", "-P", "+P", "-P"), ("0", "5", "10", "50", "100"), ("Mg", "IgA", "pH", "Q", "gj")])
def test_level_labels_are_not_taken_for_slanted_ones(labels: tuple[str, ...]) -> None:
    panels, _ = read_panels(draw(3, "plain", "agg", style="L", dress=aslant(0.0, "center", labels)).image)
    x = panels[0].x
    assert x is not None
    assert [b.box[3] - b.box[1] < 2 * panels[0].height for b in x.boxes] == [True] * len(x.boxes)
    assert len(x.boxes) >= 4
