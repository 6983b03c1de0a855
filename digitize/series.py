"""Marks and series in pixels: what every detector returns, before the axes turn it into data."""

from __future__ import annotations

from dataclasses import dataclass, field


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
    is the label that a mark stands over on an axis of names.
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


@dataclass(frozen=True)
class Series:
    """Marks that belong together: name (empty where no legend gives one), "#rrggbb" colour, marker name, marks left to right."""

    name: str
    color: str
    marker: str
    marks: tuple[Mark, ...] = field(default_factory=tuple)


def hex_color(rgb: tuple[int, int, int]) -> str:
    """The colour as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)
