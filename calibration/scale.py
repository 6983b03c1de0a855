"""Scales: how the values of an axis are laid out along it.

A tick of value `v` stands at a position that is linear in `u = forward(v)`. `u` has no unit of its own: an axis fit is a straight line
between pixels and `u`, and only this module knows what `u` means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Values = TypeVar("Values", float, FloatArray)
"""A float or an array of floats: what goes in comes back in the same shape."""


def same_shape(template: float | FloatArray, result: npt.ArrayLike) -> float | FloatArray:
    """Return `result` as a float where `template` is a scalar, otherwise as an array."""
    return float(np.asarray(result)) if np.ndim(template) == 0 else np.asarray(result, dtype=np.float64)


class Scale(Protocol):
    """What every scale offers: `u = forward(value)`, its inverse, and du/dvalue."""

    @property
    def name(self) -> str:
        """Name of the scale in the figure record."""

    def forward(self, value: Values) -> Values:
        """Return `u` of the data value(s); values outside the scale's domain raise."""

    def inverse(self, u: Values) -> Values:
        """Return the data value(s) of `u`."""

    def derivative(self, value: Values) -> Values:
        """Return du/dvalue at the data value(s)."""


@dataclass(frozen=True)
class Linear:
    """Equal steps of value are equal lengths of axis: `u = value`."""

    name: ClassVar[str] = "linear"

    def forward(self, value: Values) -> Values:
        """Return `value`; a value that is not finite raises ValueError."""
        _require_finite(value, self.name)
        return cast(Values, same_shape(value, value))

    def inverse(self, u: Values) -> Values:
        """Return `u`."""
        return cast(Values, same_shape(u, u))

    def derivative(self, value: Values) -> Values:
        """Return 1 everywhere."""
        return cast(Values, same_shape(value, np.ones(np.shape(value))))


@dataclass(frozen=True)
class Date(Linear):
    """A linear scale whose values are days or hours since a moment that the axis names."""

    name: ClassVar[str] = "date"


@dataclass(frozen=True)
class Broken:
    """A linear axis with a break: below it `u = value`, above it a scale of its own; the figure record calls it linear.

    Attributes
    ----------
    below, above : float
        The values at both edges of the break, `above` the larger one.
    step : float
        Width of the break in `u`.
    factor : float
        du/dvalue above the break, above 0.
    """

    below: float
    above: float
    step: float
    factor: float
    name: ClassVar[str] = "linear"

    def forward(self, value: Values) -> Values:
        """Return `u`; within the break it goes straight on from one edge to the other. A value that is not finite raises ValueError."""
        _require_finite(value, self.name)
        v = np.asarray(value, dtype=np.float64)
        within = self.below + self.step * (v - self.below) / (self.above - self.below)
        beyond = self.below + self.step + self.factor * (v - self.above)
        return cast(Values, same_shape(value, np.where(v <= self.below, v, np.where(v < self.above, within, beyond))))

    def inverse(self, u: Values) -> Values:
        """Return the data value(s) of `u`."""
        w = np.asarray(u, dtype=np.float64) - self.below
        within = self.below + w * (self.above - self.below) / self.step
        beyond = self.above + (w - self.step) / self.factor
        return cast(Values, same_shape(u, np.where(w <= 0, self.below + w, np.where(w < self.step, within, beyond))))

    def derivative(self, value: Values) -> Values:
        """Return 1 below the break, `factor` above it, and its slope within."""
        v = np.asarray(value, dtype=np.float64)
        within = self.step / (self.above - self.below)
        return cast(Values, same_shape(value, np.where(v <= self.below, 1.0, np.where(v < self.above, within, self.factor))))


@dataclass(frozen=True)
class Log10:
    """Equal ratios of value are equal lengths of axis: `u = log10(value)`, so natural and binary logarithmic axes are the same scale."""

    name: ClassVar[str] = "log10"

    def forward(self, value: Values) -> Values:
        """Return the decimal logarithm; a value of 0 or below raises ValueError."""
        _require_positive(value, self.name)
        return cast(Values, same_shape(value, np.log10(value)))

    def inverse(self, u: Values) -> Values:
        """Return 10 to the power of `u`."""
        return cast(Values, same_shape(u, np.power(10.0, u)))

    def derivative(self, value: Values) -> Values:
        """Return `1 / (value ln 10)`; a value of 0 or below raises ValueError."""
        _require_positive(value, self.name)
        return cast(Values, same_shape(value, 1.0 / (np.asarray(value) * math.log(10.0))))


SCALES: Mapping[str, Scale] = MappingProxyType({"linear": Linear(), "log10": Log10(), "date": Date()})
"""The scales by the name that the figure record gives them."""


def scale_named(name: str) -> Scale:
    """Return the scale of that name; a name that is not in `SCALES` raises ValueError."""
    if name not in SCALES:
        msg = f"expected a scale of {', '.join(SCALES)}, found {name!r}"
        raise ValueError(msg)
    return SCALES[name]


def _require_finite(value: npt.ArrayLike, scale: str) -> None:
    _refuse(value, ~np.isfinite(np.asarray(value, dtype=np.float64)), f"finite values on a {scale} axis")


def _require_positive(value: npt.ArrayLike, scale: str) -> None:
    array = np.asarray(value, dtype=np.float64)
    _refuse(value, ~(np.isfinite(array) & (array > 0)), f"values above 0 on a {scale} axis")


def _refuse(value: npt.ArrayLike, is_outside: npt.NDArray[np.bool_] | np.bool_, expected: str) -> None:
    if np.any(is_outside):
        first = np.atleast_1d(np.asarray(value, dtype=np.float64))[np.atleast_1d(is_outside)][0]
        msg = f"expected {expected}, found {first:g}"
        raise ValueError(msg)
