"""Error bars in doubt: what a second look takes for granted, and what is left after both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.barstrokes import Sighting, _cap, _shades, inks_of
from digitize.errorbars import ErrorBar
from digitize.painting import Picture
from digitize.refine import Fit
from digitize.secondlook import (
    _anchor,
    _compared,
    _hidden,
    _settled_columns,
    _sharing,
    _sides,
    looked_at_again,
    settled,
)
from digitize.shapes import CIRCLE, SQUARE, TALL_TRIANGLE, Shape

FIRST = ErrorBar(20.0, 60.0, flags=("end_doubtful",))


def test_a_second_look_that_sees_nothing_does_not_undo_the_first() -> None:
    assert settled(FIRST, ErrorBar(flags=("error_bar_hidden",))) == FIRST


def test_a_second_look_that_is_no_surer_does_not_undo_the_first() -> None:
    assert settled(FIRST, ErrorBar(31.0, 60.0, flags=("end_doubtful",))) == FIRST


def test_a_surer_second_look_stands_and_is_flagged() -> None:
    assert settled(FIRST, ErrorBar(31.0, 60.0)) == ErrorBar(31.0, 60.0, flags=("end_inferred",))


def test_an_end_more_is_worth_more_than_none() -> None:
    second = ErrorBar(None, 60.0, flags=("end_hidden",))
    assert settled(ErrorBar(flags=("error_bar_hidden",)), second) == second


def sighting(x: float, y: float, top: float | None, bottom: float | None, *flags: str, series: int = 0, shape: Shape = CIRCLE) -> Sighting:
    bar = ErrorBar(top, bottom, top is not None, bottom is not None, flags=flags)
    return Sighting(series, 0, shape, Fit(x, y, 5.0, 0.0, 0.02), bar)


BLACK, PALE = (0, 0, 0), (140, 140, 140)


def test_thin_strokes_that_look_grey_are_of_the_ink_of_their_layer() -> None:
    picture = Picture(np.ones((60, 60, 3), np.float32), np.ones(3, np.float32), np.ones((60, 60), np.float32))
    inks = inks_of([sighting(10, 10, None, None), sighting(30, 10, None, None, series=1)], [BLACK, PALE], picture)
    assert [ink.tolist() for ink in inks] == [[0, 0, 0], [0, 0, 0]]


def test_even_bars_on_a_shared_stem_are_beyond_doubt_and_uneven_ones_are_not() -> None:
    alone = [sighting(x, 50, 30, 70) for x in (20, 60, 100)]
    shared = [sighting(140, 50, 30, 70.3, "shared_stem"), sighting(140, 80, 45, 100, "shared_stem", series=1)]
    told = _compared([*alone, *shared], 2.0)
    assert [s.is_clear for s in told] == [True, True, True, True, False]


def test_where_bars_are_of_unequal_halves_nothing_is_told_of_a_shared_stem() -> None:
    alone = [sighting(x, 50, 30, 70 + 4 * k) for k, x in enumerate((20, 60, 100, 140), start=1)]
    told = _compared([*alone, sighting(180, 50, 30, 70, "shared_stem")], 2.0)
    assert [s.is_even for s in told] == [None] * 5


def test_bars_of_two_ends_that_reach_into_each_other_are_in_doubt_and_those_of_one_are_not() -> None:
    two = [sighting(20, 50, 20, 80), sighting(20, 70, 40, 100, series=1)]
    assert ["shared_stem" in s.bar.flags for s in _sharing(two, 2.0)] == [True, True]
    alone = [sighting(x, 50, 20, None) for x in (60, 100, 140)]
    one = [*alone, sighting(20, 50, 20, None), sighting(20, 70, 56, None, series=1)]
    assert _sharing(one, 2.0) == one
    past_the_other = [*alone, sighting(20, 50, 20, None), sighting(20, 70, 30, None, series=1)]
    assert ["shared_stem" in s.bar.flags for s in _sharing(past_the_other, 2.0)] == [False] * 3 + [True, True]


def test_bars_of_one_end_reach_to_the_side_to_which_all_of_their_series_do() -> None:
    upward = [sighting(x, 50, 20, None) for x in (20, 60, 100)]
    downward = [sighting(x, 50, None, 80, series=1) for x in (20, 60, 100)]
    every = [*upward, *downward]
    assert [_sides(upward, every, 2.0), _sides(downward, every, 2.0)] == ["up", "down"]
    assert _sides([upward[0], downward[0]], every, 2.0) == "one"


def test_stems_fall_into_shades_or_they_do_not() -> None:
    rng = np.random.default_rng(4)
    three = np.concatenate([rng.normal(shade, 0.01, 60) for shade in (0.9, 0.6, 0.45)]).astype(np.float32)
    assert _shades(three, 3) == pytest.approx([0.9, 0.6, 0.45], abs=0.01)
    assert _shades(rng.uniform(0.4, 0.9, 180).astype(np.float32), 3) == []


def test_bars_of_triangles_show_where_their_data_points_lie_even_on_shared_stems() -> None:
    every = [sighting(x, 50, 30 + 2, 70 + 2, "shared_stem", shape=TALL_TRIANGLE) for x in (20, 60, 100, 140)]
    assert _anchor(every, every) == pytest.approx(2.0, abs=0.01)
    mixed = [replace(s, bar=replace(s.bar, bottom=70 + 12 * k)) for k, s in enumerate(every)]
    assert _anchor(mixed, mixed) == 0.0


def test_two_bars_of_a_column_do_not_end_at_one_cap_if_the_second_look_tells_them_apart() -> None:
    sightings = [sighting(20, 60, 30, None, "end_hidden"), sighting(20, 64, 30, None, "end_hidden", series=1)]
    second = [ErrorBar(30.0, None, flags=("end_doubtful",)), ErrorBar(45.0, None, flags=("end_doubtful",))]
    ends = [bar.top for bar in _settled_columns(sightings, second, [True, True], 2.0)]
    assert ends == [30.0, 45.0]


@pytest.mark.parametrize("half", [2, 6])
def test_the_width_of_a_cap_is_measured_however_small_it_is(half: int) -> None:
    amount = np.zeros((40, 60), np.float32)
    amount[10:35, 30] = 1
    amount[10:12, 30 - half : 31 + half] = 0.8
    width, thickness, level = _cap(amount, 30.0, 11.0)
    assert (width, thickness, level) == pytest.approx((half, 2.0, 0.8), abs=0.01)


@pytest.mark.parametrize("y", [-9.0, 60.0])
def test_an_end_that_was_put_beyond_the_plot_has_no_cap(y: float) -> None:
    assert _cap(np.zeros((40, 40)), 20.0, y) == (0.0, 0.0, 0.0)


def _picture(image: NDArray[np.float32]) -> Picture:
    return Picture(np.repeat(image[..., None], 3, axis=2), np.ones(3, np.float32), np.ones(image.shape, np.float32))


def _bars(bars: list[tuple[int, int, int, float]]) -> NDArray[np.float32]:
    """A plot of bars with caps, each (x, top, bottom, shade of paper 1 to black 0), the later ones before the earlier."""
    image = np.ones((160, 260), np.float32)
    for x, top, bottom, shade in bars:
        image[top : bottom + 1, x - 1 : x + 2] = shade
        for row in (top, bottom):
            image[row : row + 2, x - 8 : x + 9] = shade
    return image


def test_bars_of_two_shades_of_grey_on_one_stem_are_told_apart_though_their_halves_differ() -> None:
    # Markers stand so that each bar is even if it is taken to end at a cap of the other.
    columns = [(30, 20), (90, 25), (150, 15), (210, 30)]
    black = [(x, t, t + 60, 0.0) for x, t in columns]
    pale = [(x, t + 40, t + 110, 0.4) for x, t in columns]
    first = [sighting(x, t + 20, t, t + 40, "shared_stem") for x, t in columns]
    first += [sighting(x, t + 85, t + 60, t + 110, "shared_stem", series=1) for x, t in columns]
    found = looked_at_again(first, [(0, 0, 0), (102, 102, 102)], _picture(_bars([*black, *pale])), 2.0)
    for bar, (_, top, bottom, _) in zip(found, [*black, *pale], strict=True):
        assert (bar.top, bar.bottom) == pytest.approx((top + 0.5, bottom + 0.5), abs=1.5)  # a cap is two rows thick
        assert bar.flags


def test_a_stem_that_shows_through_an_open_marker_is_not_hidden_by_it() -> None:
    open_square = Fit(30.0, 50.0, 8.0, 2.0, 0.02)
    marker = Sighting(0, 0, SQUARE, open_square, ErrorBar())
    with_stem = np.ones((100, 60), np.float32)
    with_stem[:, 29:32] = 0.0
    assert not _hidden([marker], _picture(with_stem))[50, 30]
    assert _hidden([marker], _picture(np.ones((100, 60), np.float32)))[50, 30]
