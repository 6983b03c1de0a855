"""Pixels <-> data values: scales, axes fitted through their ticks with their uncertainty, and the reading of tick labels."""

from __future__ import annotations

from calibration.axis import SNAPPED_PX, AxisCalibration, Tick
from calibration.hypothesis import Label
from calibration.numbers import Reading, parse_number
from calibration.plane import Calibration, CategoryAxis, PixelTransform
from calibration.reading import FLAGS, AxisReading, read_axis
from calibration.scale import SCALES, Linear, Log10, Scale, scale_named

__all__ = [
    "FLAGS",
    "SCALES",
    "SNAPPED_PX",
    "AxisCalibration",
    "AxisReading",
    "Calibration",
    "CategoryAxis",
    "Label",
    "Linear",
    "Log10",
    "PixelTransform",
    "Reading",
    "Scale",
    "Tick",
    "parse_number",
    "read_axis",
    "scale_named",
]
