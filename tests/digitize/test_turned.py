"""The turned view: a mirror that is its own inverse, under which axes keep their values."""

from __future__ import annotations

import numpy as np
import pytest

from calibration import AxisCalibration, AxisReading, Log10
from digitize.axes import Axis
from digitize.lines import Line
from digitize.ocr import TextBox
from digitize.ticks import Side, TickMarks
from digitize.turned import Turn

SHAPE = (60, 100)
TURN = Turn(SHAPE)
TEXT = TextBox((3.0, 5.0, 17.0, 11.0), 0, "Silva 1999", 1.0, "1999", 0.5, 6.0)


def level_axis() -> Axis:
    """A logarithmic x axis under a plot, with one refused tick."""
    px = np.array([10.0, 50.0, 90.0])
    calibration = AxisCalibration.fit(px, [0.1, 1.0, 10.0], scale=Log10(), u_common_px=0.3)
    line = Line(upright=False, at=49.0, start=8.0, end=95.0, width=1.0, depth=200.0)
    reading = AxisReading(calibration, None, (), "", calibration.ticks)
    return Axis(Side("bottom", SHAPE), (TEXT,), TickMarks(px, np.full(3, 4.0), 49.0, line), reading)


def test_twice_turned_is_as_it_was() -> None:
    image = np.random.default_rng(1).integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
    axis = level_axis()
    assert np.array_equal(TURN.back.image(TURN.image(image)), image)
    assert TURN.back.text(TURN.text(TEXT)) == TEXT
    assert axis.marks.axis_line is not None
    assert TURN.back.line(TURN.line(axis.marks.axis_line)) == axis.marks.axis_line
    again = TURN.back.axis(TURN.axis(axis))
    assert again.side == axis.side
    assert again.calibration.slope == pytest.approx(axis.calibration.slope)
    assert again.calibration.intercept == pytest.approx(axis.calibration.intercept)


def test_the_transform_says_where_pixels_go() -> None:
    image = np.zeros((*SHAPE, 3), dtype=np.uint8)
    image[20, 30] = 255
    x, y = TURN.transform.apply((30.0, 20.0))
    assert TURN.image(image)[int(y), int(x)].tolist() == [255, 255, 255]


def test_an_axis_keeps_its_values_and_their_uncertainty() -> None:
    axis, turned = level_axis(), TURN.axis(level_axis())
    assert turned.side.name == "left"
    for px in (10.0, 33.0, 90.0):
        _, y = TURN.transform.apply((px, 49.0))
        assert turned.calibration.to_value(float(y)) == pytest.approx(axis.calibration.to_value(px))
        assert turned.calibration.u_value(float(y), 0.5) == pytest.approx(axis.calibration.u_value(px, 0.5))
    assert turned.marks.axis_at == pytest.approx(SHAPE[0] - 1 - 49.0)
