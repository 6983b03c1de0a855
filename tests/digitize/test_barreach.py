"""Error bars of one column weighed together, on drawn strokes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.barreach import Reach, Standing, Strokes, weighed

CAPPED = Strokes(cap=6.0, thickness=2.0, level=1.0)
BARE = Strokes(cap=0.0, thickness=2.0, level=1.0)


def _ink(*bars: tuple[float, float], cap: int = 6) -> NDArray[np.float64]:
    """Ink of upright bars at x = 20 from a top to a bottom row."""
    ink = np.zeros((200, 40))
    for top, bottom in bars:
        ink[round(top) : round(bottom) + 1, 19:22] = 1
        for row in (top, bottom):
            ink[round(row) - 1 : round(row) + 1, 20 - cap : 21 + cap] = 1
    return ink


def _weighed(markers: list[Standing], ink: NDArray[np.float64], strokes: Strokes = CAPPED, hides: tuple[int, int] = (0, 0)) -> list[Reach]:
    covered = np.zeros(ink.shape, dtype=bool)
    covered[hides[0] : hides[1]] = True
    for m in markers:
        ys, xs = np.mgrid[0 : ink.shape[0], 0 : ink.shape[1]]
        covered |= np.hypot(xs - m.x, ys - m.y) < m.size + 0.5
    count = len(markers)
    return weighed(markers, [strokes] * count, [np.where(covered, 0.0, ink)] * count, [covered] * count)[1]


def _ends(reach: Reach) -> tuple[float | None, float | None]:
    return reach.top, reach.bottom


def test_two_even_bars_that_overlap_each_get_their_own_caps() -> None:
    upper, lower = Standing(20, 80, 4, "even"), Standing(20, 110, 4, "even")
    first, second = _weighed([upper, lower], _ink((50, 110 + 1), (70, 150)))
    assert _ends(first) == pytest.approx((49.5, 110.5), abs=2)
    assert _ends(second) == pytest.approx((69.5, 149.5), abs=1)
    assert second.is_sure


def test_turning_the_picture_over_turns_the_bars_over() -> None:
    ink = _ink((50, 100), (80, 160))
    up = _weighed([Standing(20, 75, 4, "both"), Standing(20, 120, 4, "both")], ink)
    down = _weighed([Standing(20, 199 - 120, 4, "both"), Standing(20, 199 - 75, 4, "both")], ink[::-1].copy())
    for here, there in zip(up, reversed(down), strict=True):
        assert here.top is not None
        assert here.bottom is not None
        assert (199 - here.bottom, 199 - here.top) == pytest.approx(_ends(there), abs=1.0)  # a cap's middle is half a row aside


def test_an_even_bar_with_a_hidden_end_is_as_long_to_that_side() -> None:
    (reach,) = _weighed([Standing(20, 100, 4, "even")], _ink((70, 130)), hides=(60, 80))
    assert _ends(reach) == pytest.approx((70.5, 129.5), abs=1)
    assert not reach.top_seen
    assert reach.bottom_seen


def test_a_bar_does_not_cross_paper_to_a_cap() -> None:
    (reach,) = _weighed([Standing(20, 150, 4, "one")], _ink((120, 150), (40, 60)))
    assert reach.top == pytest.approx(119.5, abs=1)


def test_where_nothing_is_drawn_there_is_no_bar() -> None:
    (reach,) = _weighed([Standing(20, 100, 4, "even")], np.zeros((200, 40)))
    assert _ends(reach) == (None, None)


def test_bars_without_caps_end_where_their_stems_do() -> None:
    (reach,) = _weighed([Standing(20, 100, 4, "even")], _ink((70, 130), cap=1), BARE)
    assert _ends(reach) == pytest.approx((70, 130), abs=1)
    assert reach.is_sure


def test_two_readings_that_explain_as_much_are_not_sure() -> None:
    # Two caps above two markers: either marker may have either.
    ink = _ink((40, 100), (60, 120))
    ink[102:] = 0
    reaches = _weighed([Standing(20, 80, 4, "one"), Standing(20, 100, 4, "one")], ink)
    assert {round(r.top or 0) for r in reaches} == {40, 60}
    assert not any(r.is_sure for r in reaches)


def test_what_is_usual_tells_readings_apart() -> None:
    ink = _ink((40, 100), (60, 120))
    ink[102:] = 0
    nested, alike = (
        _weighed([Standing(20, 80, 4, "one", usual=u), Standing(20, 100, 4, "one", usual=v)], ink) for u, v in ((20.0, 60.0), (40.0, 40.0))
    )
    assert [round(r.top or 0) for r in nested] == [60, 40]
    assert [round(r.top or 0) for r in alike] == [40, 60]


def test_a_bare_stem_that_passes_into_the_ink_of_another_may_end_there() -> None:
    """A bar from 60 to 100 that stands before another's: above and below it the other's stem goes on."""
    ink = _ink((60, 100), cap=1)
    marker = Standing(20, 80, 4, "even")
    covered = np.hypot(*(np.mgrid[0:200, 0:40] - np.array([80, 20])[:, None, None])) < 4.5
    covered[20:60, 19:22] = True
    covered[101:140, 19:22] = True
    (reach,) = weighed([marker], [BARE], [np.where(covered, 0.0, ink)], [covered])[1]
    assert _ends(reach) == pytest.approx((60, 100), abs=1)
    assert reach.top_seen
    assert reach.bottom_seen


def test_a_cap_of_another_shade_is_another_bars() -> None:
    """Caps half as dark end a bar of their own, although the black ones lie as far from both markers."""
    black, pale = _ink((40, 100)), 0.5 * _ink((60, 120))
    ink = np.maximum(black, pale)
    markers = [Standing(20, 70, 3, "both"), Standing(20, 90, 3, "both")]
    covered = np.zeros(ink.shape, dtype=bool)
    strokes = [Strokes(6.0, 2.0, 1.0, is_own=True), Strokes(6.0, 2.0, 0.5, is_own=True)]
    upper, lower = weighed(markers, strokes, [ink, ink], [covered, covered])[1]
    assert _ends(upper) == pytest.approx((40, 100), abs=1)
    assert _ends(lower) == pytest.approx((60, 120), abs=1)


def test_where_nothing_tells_bars_of_one_end_are_of_like_length() -> None:
    ink = np.zeros((200, 40))
    for row in (40, 62):
        ink[row : row + 2, 14:27] = 1
    ink[40:110, 19:22] = 1
    upper, lower = _weighed([Standing(20, 100, 4, "one"), Standing(20, 106, 4, "one")], ink)
    assert (upper.top, lower.top) == pytest.approx((40.5, 62.5), abs=1)
    assert not upper.is_sure


def _shaded(front: tuple[int, int], behind: tuple[int, int], front_shade: float, behind_shade: float) -> NDArray[np.float64]:
    """Bare stems of two shades at x = 20, one before the other."""
    ink = np.zeros((200, 40))
    ink[behind[0] : behind[1] + 1, 19:22] = behind_shade
    ink[front[0] : front[1] + 1, 19:22] = front_shade
    return ink


def _told(markers: list[Standing], ink: NDArray[np.float64], *shades: float) -> list[Reach]:
    covered = np.zeros(ink.shape, dtype=bool)
    strokes = [Strokes(cap=0.0, thickness=3.0, level=1.0, stem=shade) for shade in shades]
    return weighed(markers, strokes, [ink] * 2, [covered] * 2)[1]


def test_shades_of_stems_tell_where_a_bar_that_lies_before_another_ends() -> None:
    markers = [Standing(20, 45, 4, "both"), Standing(20, 110, 4, "both")]
    pale_before = _told(markers, _shaded((70, 150), (30, 90), 0.6, 1.0), 1.0, 0.6)
    assert pale_before[1].top == pytest.approx(70, abs=1)
    assert pale_before[1].bottom == pytest.approx(150, abs=2)  # a bare end is the middle of its last rows
    # Without shades the stems of both are one stroke: nothing tells that the lower bar ends at 70.
    alike = _told(markers, _shaded((70, 150), (30, 90), 0.6, 1.0), 0.0, 0.0)
    assert alike[1].top != pytest.approx(70, abs=1)


@pytest.mark.parametrize(("reaches", "is_beneath"), [(112, True), (150, False)])
def test_an_end_that_is_somewhere_beneath_other_ink_is_put_in_its_middle_and_is_as_uncertain(reaches: int, is_beneath: bool) -> None:
    ink = np.zeros((200, 40))
    ink[60:101, 19:22] = 1
    covered = np.zeros(ink.shape, dtype=bool)
    covered[101 : reaches + 1] = True
    worth, (reach,) = weighed([Standing(20, 75, 4, "both")], [BARE], [ink], [covered])
    assert worth > 0
    assert reach.bottom == pytest.approx(106 if is_beneath else 100, abs=0.6)
    assert reach.bottom_u == pytest.approx(12 / 12**0.5 if is_beneath else 0, abs=0.01)  # that of a flat distribution over 12 px
