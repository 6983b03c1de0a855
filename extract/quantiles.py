"""Reported quantiles of many arms, and the means and SDs that an estimator makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Scenario = Literal["C1", "C2", "C3"]

NAMES = ("minimum", "q1", "median", "q3", "maximum")


@dataclass(frozen=True, eq=False)
class Quantiles:
    """Reported quantiles of k arms, a column each, with the number of participants `n`.

    Minimum and maximum, or q1 and q3, or all four stand beside the median; those that are not known are left out for all arms.

    Raises
    ------
    ValueError
        If n is below 2, a value is not finite, the quantiles of an arm do not ascend, or they make no scenario.
    """

    n: npt.ArrayLike
    median: npt.ArrayLike
    minimum: npt.ArrayLike | None = None
    q1: npt.ArrayLike | None = None
    q3: npt.ArrayLike | None = None
    maximum: npt.ArrayLike | None = None

    def __post_init__(self) -> None:
        """Make columns of one length and check them."""
        given = {f.name: np.asarray(value, dtype=np.float64) for f in fields(self) if (value := getattr(self, f.name)) is not None}
        for name, column in zip(given, np.broadcast_arrays(*map(np.atleast_1d, given.values())), strict=True):
            object.__setattr__(self, name, column)
        columns = self.columns
        listed = ", ".join(columns)
        if {"minimum", "maximum"} & columns.keys() not in ({"minimum", "maximum"}, set()) or len(columns) not in (3, 5):
            message = f"expected the median with minimum and maximum, q1 and q3, or all four, found {listed}"
            raise ValueError(message)
        values = self.rows
        if not np.isfinite(values).all() or not (self.size >= 2).all():
            wrong = int(np.argmin(np.isfinite(values).all(axis=1) & (self.size >= 2)))
            found = ", ".join(f"{name} {value:g}" for name, value in zip(columns, values[wrong], strict=True))
            message = f"expected finite quantiles and n of 2 or more, found n {self.size[wrong]:g}, {found}"
            raise ValueError(message)
        falling = (np.diff(values, axis=1) < 0).any(axis=1)
        if falling.any():
            found = ", ".join(f"{name} {v:g}" for name, v in zip(columns, values[int(np.argmax(falling))], strict=True))
            message = f"expected {' <= '.join(columns)}, found {found}"
            raise ValueError(message)

    @property
    def size(self) -> Floats:
        """The numbers of participants."""
        return np.asarray(self.n)

    @property
    def columns(self) -> dict[str, Floats]:
        """The quantiles that are given, in ascending order."""
        return {name: np.asarray(value) for name in NAMES if (value := getattr(self, name)) is not None}

    @property
    def rows(self) -> Floats:
        """The quantiles, an arm a row, ascending."""
        return np.array(list(self.columns.values())).T

    @property
    def scenario(self) -> Scenario:
        """C1, C2 or C3."""
        return "C2" if len(self.columns) == 5 else "C1" if self.minimum is not None else "C3"

    def mapped(self, change: Callable[[Floats], Floats]) -> Quantiles:
        """The quantiles of values that an increasing function changes."""
        return self.with_rows(change(self.rows))

    def with_rows(self, rows: Floats, n: npt.ArrayLike | None = None) -> Quantiles:
        """Other quantiles (an arm a row) of the same scenario, with the same numbers of participants or others."""
        return Quantiles(self.size if n is None else n, **dict(zip(self.columns, rows.T, strict=True)))


@dataclass(frozen=True, eq=False)
class Moments:
    """Estimated means and SDs, a value an arm, and the method's name."""

    mean: Floats
    sd: Floats
    method: str
