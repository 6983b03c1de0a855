"""Marks and series in pixels: what every detector returns, before the axes turn it into data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Place:
    """A position along one axis in straightened pixels and its standard uncertainty in pixels."""

    px: float
    u_px: float


@dataclass(frozen=True)
class Mark:
    """One data point as drawn, in straightened pixels.

    `x` and `y` are the mark's anchor; `y_lo` and `y_hi` are the ends of its error bar with the smaller and the larger *value* (so for an
    upright y axis `y_lo` is further down the image), None where there is none or it cannot be read (then a flag says so). `category`
    is the label that a mark stands over on an axis of names. `parts` are further places along the axis of values by the name that the
    record gives them (`median`, `q1`, ...; a tuple for `outliers`), and `said` what the record says of the mark as it stands (`row`,
    `printed`). `given_x` is the x at which a curve was asked for its value, where one was named.
    """

    x: Place
    y: Place
    y_lo: Place | None = None
    y_hi: Place | None = None
    x_lo: Place | None = None
    x_hi: Place | None = None
    flags: tuple[str, ...] = ()
    confidence: float = 1.0
    category: str | None = None
    parts: Mapping[str, Place | tuple[Place, ...] | None] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)
    given_x: float | None = None


@dataclass(frozen=True)
class Series:
    """Marks that belong together: name (empty where no legend gives one), "#rrggbb" colour, marker name, marks left to right."""

    name: str
    color: str
    marker: str
    marks: tuple[Mark, ...] = ()


def hex_color(rgb: tuple[int, int, int]) -> str:
    """The colour as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)
