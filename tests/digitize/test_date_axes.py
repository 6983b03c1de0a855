"""Dates, times and counted words along the x axis of drawings with known truth, by two renderers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import numpy as np
import pytest
from matplotlib.axes import Axes

from calibration import SINCE_EPOCH
from calibration.dates import SINCE_MIDNIGHT
from digitize.categories import Categories
from digitize.read import read_image
from tests.digitize.drawings import DATES, Renderer, as_jpeg, draw, draw_dates, misread_px, read_panels
from tests.digitize.test_axes import NEAR_PX, RENDERERS

EACH = 5  # drawings of each of 7 kinds by each renderer: 70 in all


def _values(days: np.ndarray[tuple[int], np.dtype[np.float64]], unit: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Days since 1970-01-01 in another unit; the first day, or its year, is where that begins to count."""
    if unit == SINCE_EPOCH:
        return days
    if unit == SINCE_MIDNIGHT:
        return 24.0 * (days - np.floor(days[0]))
    first = date(1970, 1, 1) + timedelta(days=int(days[0]))
    return days - (date(first.year, 1, 1) - date(1970, 1, 1)).days


def _outcome(seed: int, kind: str, renderer: Renderer) -> str:
    drawing = draw_dates(seed, kind, renderer, dpi=(100, 150, 220)[seed % 3])
    panels, to_original = read_panels(as_jpeg(drawing.image, 75) if seed % 2 else drawing.image)
    x = panels[0].x if len(panels) == 1 else None
    if x is None or (isinstance(x, Categories) and x.are_dates and x.numbers is None):
        return "refused"
    if not isinstance(x, Categories) or x.numbers is None:
        return "flagged" if not isinstance(x, Categories) and not x.reading.is_sure else "wrong"
    off = misread_px(x.numbers.calibration, replace(drawing, values=_values(drawing.values, x.numbers.unit)), to_original)
    # A year that is not printed may begin before the first label, and have a leap day: that shifts all of the axis alike.
    shifts = {SINCE_EPOCH: (0,), SINCE_MIDNIGHT: (0, -24)}.get(x.numbers.unit, (0, -1, -365, -366))
    per_day = 1.0 / x.numbers.calibration.slope
    worst = min(float(np.abs(off + shift * per_day).max()) for shift in shifts)
    return "right" if worst <= NEAR_PX[renderer] else "flagged" if x.numbers.reading.flags else "wrong"


@pytest.mark.parametrize(("kind", "renderer"), list(product(DATES, RENDERERS)))
def test_dates_and_times_are_numbers(kind: str, renderer: Renderer) -> None:
    outcomes = [_outcome(seed, kind, renderer) for seed in range(EACH)]
    assert "wrong" not in outcomes, outcomes
    assert outcomes.count("right") >= EACH - 1, outcomes


@pytest.mark.parametrize("renderer", RENDERERS)
def test_points_over_dates_carry_their_date(renderer: Renderer) -> None:
    (panel,) = read_image(draw_dates(2, "month and year", renderer, style="L").image)
    axis, points = panel.record.x_axis, [p for s in panel.record.series for p in s.points]
    assert (axis.scale, axis.unit) == ("date", SINCE_EPOCH)
    assert points
    for point in points:
        assert isinstance(point.x, float)
        assert (date.fromisoformat(str((point.model_extra or {})["x_date"])[:10]) - date(1970, 1, 1)).days == int(point.x + 1e-5)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_weeks_are_numbers_under_points_and_names_under_bars(renderer: Renderer) -> None:
    def weeks(ax: Axes) -> None:
        ax.set_xticks([1, 5, 9], ["Week 0", "Week 4", "Week 8"])

    def bars(ax: Axes) -> None:
        ax.lines[0].remove()
        ax.bar([1, 5, 9], np.array([0.5, 0.7, 0.4]) * ax.get_ylim()[1], 1.2, yerr=0.08 * ax.get_ylim()[1], capsize=4)
        weeks(ax)

    (points,), (bar,) = (read_image(draw(3, "plain", renderer, style="L", dress=dress).image) for dress in (weeks, bars))
    assert (points.record.x_axis.scale, points.record.x_axis.unit) == ("linear", "week")
    assert all(isinstance(p.x, float) for s in points.record.series for p in s.points)
    assert bar.record.kind == "bar"
    assert [p.x for s in bar.record.series for p in s.points] == ["Week 0", "Week 4", "Week 8"]
