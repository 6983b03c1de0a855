"""How a series draws its markers, learnt from those that fit."""

from __future__ import annotations

import numpy as np

from digitize.pens import _likeliest
from digitize.refine import Fit


def fits(*misfits: float) -> list[Fit]:
    return [Fit(0.0, 0.0, 5.0, 0.0, m) for m in misfits]


def test_the_outline_is_chosen_by_how_each_marker_fits_it() -> None:
    """The second outline has the best two fits of all, the first fits every marker that is clear better."""
    assert _likeliest([fits(0.032, 0.071, 0.062, 0.053), fits(0.040, 0.079, 0.071, 0.059)]) == 0
    assert _likeliest([fits(0.032, 0.040, 0.31), fits(0.030, 0.036, 0.62)]) == 1


def test_an_outline_that_none_fits_is_not_chosen() -> None:
    assert _likeliest([fits(np.inf, np.inf), fits(0.2, np.inf)]) == 1
