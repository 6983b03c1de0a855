"""Pixels <-> data values: scales, axes fitted through their ticks with their uncertainty, and the reading of tick labels."""

from __future__ import annotations

from calibration.axis import SNAPPED_PX, AxisCalibration, Tick
from calibration.dates import SINCE_EPOCH, is_date, iso_date
from calibration.hypothesis import Label
from calibration.numbers import Reading, parse_number
from calibration.plane import Calibration, CategoryAxis, PixelTransform
from calibration.reading import FLAGS, AxisReading, read_axis
from calibration.scale import SCALES, Broken, Date, Linear, Log10, Scale, scale_named
from calibration.worded import WordedAxis, read_worded_axis

__all__ = [
    "FLAGS",
    "SCALES",
    "SINCE_EPOCH",
    "SNAPPED_PX",
    "AxisCalibration",
    "AxisReading",
    "Broken",
    "Calibration",
    "CategoryAxis",
    "Date",
    "Label",
    "Linear",
    "Log10",
    "PixelTransform",
    "Reading",
    "Scale",
    "Tick",
    "WordedAxis",
    "is_date",
    "iso_date",
    "parse_number",
    "read_axis",
    "read_worded_axis",
    "scale_named",
]
