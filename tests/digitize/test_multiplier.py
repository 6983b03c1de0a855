"""Powers of ten that stand once at the end of an axis, by two renderers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.ticker import ScalarFormatter

from calibration import AxisCalibration, Linear, Log10
from digitize.read import ReadPanel, read_image
from tests.digitize.drawings import Renderer, draw

RENDERERS: tuple[Renderer, ...] = ("agg", "pdf")


def rescaled(low: float, high: float, *, as_power: bool = False) -> Callable[[Axes], None]:
    """Puts other values on the y axis, labelled as matplotlib does where they are large or small."""

    def dress(ax: Axes) -> None:
        ax.lines[0].set_ydata(np.linspace(low, high, 6))
        ax.set_ylim(low, high)
        ax.yaxis.set_major_formatter(ScalarFormatter(useMathText=as_power))

    return dress


def read(dress: Callable[[Axes], None], seed: int, renderer: Renderer) -> ReadPanel:
    panels = read_image(draw(seed, "plain", renderer, dress=dress).image)
    assert len(panels) == 1
    return panels[0]


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize(("high", "as_power"), [(4.2e6, False), (7.7e-5, False), (3e7, True)])
def test_labels_are_multiplied_and_flagged(high: float, as_power: bool, renderer: Renderer) -> None:
    for seed in range(3):
        panel = read(rescaled(0.0, high, as_power=as_power), seed, renderer)
        flags = panel.record.y_axis.flags
        assert {"axis_multiplied", "axis_uncertain"} & set(flags)
        if "axis_multiplied" in flags:
            values = [t.value for t in panel.record.y_axis.ticks if isinstance(t.value, float)]
            assert 0.6 * high < max(values) <= high  # the last tick stands in the upper part of the axis
            assert all("axis_multiplied" in point.flags for series in panel.record.series for point in series.points)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_number_to_be_added_makes_the_axis_uncertain(renderer: Renderer) -> None:
    axis = read(rescaled(100000.2, 100000.9), 0, renderer).record.y_axis
    assert "axis_uncertain" in axis.flags
    assert "+1e5" in axis.reason


def test_an_axis_without_such_a_text_is_left_alone() -> None:
    assert read(rescaled(0.0, 80.0), 0, "agg").record.y_axis.flags == ()


@pytest.mark.parametrize("scale", [Linear(), Log10()])
def test_a_multiplied_axis_is_the_one_fitted_to_multiplied_labels(scale: Linear | Log10) -> None:
    px, values = np.array([10.0, 60.4, 109.8]), np.array([1.0, 10.0, 100.0]) if scale.name == "log10" else np.array([1.0, 2.0, 3.0])
    ours = AxisCalibration.fit(px, values, scale=scale).times(1e-3)
    theirs = AxisCalibration.fit(px, 1e-3 * values, scale=scale)
    at = np.array([0.0, 50.0, 120.0])
    assert ours.to_value(at) == pytest.approx(theirs.to_value(at), rel=1e-9)
    assert ours.u_shared(at) == pytest.approx(theirs.u_shared(at), rel=1e-9)
    assert [t.value for t in ours.ticks] == pytest.approx([t.value for t in theirs.ticks])
