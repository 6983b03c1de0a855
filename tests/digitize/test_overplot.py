"""Markers over one another, painted and told apart again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from digitize.overplot import crowded, needed, read_markers
from digitize.painting import Pen, Picture, Placed, misfit, paint
from digitize.shapes import CIRCLE, SQUARE, TRIANGLE

PAPER = np.ones(3, dtype=np.float32)
BLACK, RED, BLUE = (np.array(c, dtype=np.float32) for c in ((0, 0, 0), (0.84, 0.15, 0.16), (0.12, 0.47, 0.71)))
DISC = Pen(CIRCLE, 6.0, 0.0, BLACK)
RING = Pen(CIRCLE, 6.0, 1.4, BLACK)
SIZE = (120, 160)
WITHIN = 0.15  # px: a marker whose outline shows for half or more is placed by some 20 pixels of it


def drawn(pens: list[Pen], markers: list[Placed]) -> Picture:
    """A plot in which the first marker lies on top."""
    blank = Picture(np.ones((*SIZE, 3), dtype=np.float32), PAPER, np.ones(SIZE, dtype=np.float32))
    return replace(blank, image=paint(blank, pens, markers, (slice(0, SIZE[0]), slice(0, SIZE[1]))))


def at(x: float, y: float, pen: int = 0) -> Placed:
    return Placed(pen, x, y, 1.0, 1.0)


def assert_same(found: list[Placed], true: list[Placed], within: float = WITHIN) -> None:
    assert len(found) == len(true)
    for marker in true:
        near = min(found, key=lambda m: np.hypot(m.x - marker.x, m.y - marker.y) + 100 * (m.pen != marker.pen))
        assert near.pen == marker.pen
        assert np.hypot(near.x - marker.x, near.y - marker.y) < within


@pytest.mark.parametrize("pen", [DISC, RING, Pen(SQUARE, 5.0, 1.5, BLACK), Pen(TRIANGLE, 7.0, 0.0, BLUE)])
def test_markers_of_one_look_over_one_another_are_all_found(pen: Pen) -> None:
    true = [at(30.3, 40.7), at(36.1, 44.2), at(90.0, 60.5), at(90.4, 69.0), at(97.2, 64.1), at(140.0, 20.0)]
    assert_same(read_markers(drawn([pen], true), [pen]), true)


def test_a_marker_that_half_shows_beneath_another_colour_is_found_and_said_to_be_hidden() -> None:
    pens = [Pen(SQUARE, 6.0, 0.0, RED), Pen(CIRCLE, 6.0, 0.0, BLUE)]
    true = [at(60.2, 50.4), at(66.0, 52.0, pen=1), at(110.0, 50.0, pen=1)]
    found = read_markers(drawn(pens, true), pens)
    assert_same(found, true)
    beneath = min(found, key=lambda m: np.hypot(m.x - 66.0, m.y - 52.0))
    alone = min(found, key=lambda m: np.hypot(m.x - 110.0, m.y - 50.0))
    assert beneath.shows < 0.7 < 0.99 < alone.shows


def test_rings_filled_with_paper_hide_what_lies_beneath() -> None:
    pens = [replace(RING, is_opaque=True), Pen(TRIANGLE, 8.0, 0.0, BLACK)]
    true = [at(50.0, 50.0), at(57.0, 52.0, pen=1)]
    picture = drawn(pens, true)
    assert_same(read_markers(picture, pens), true)
    assert misfit(picture, pens, true) < 1e-6 < misfit(picture, [RING, pens[1]], true)


def test_what_cannot_be_seen_is_not_found() -> None:
    true = [at(60.0, 60.0)]
    picture = drawn([DISC], true)
    blind = picture.seen.copy()
    blind[40:80, 40:80] = 0
    assert read_markers(replace(picture, seen=blind), [DISC]) == []


def test_an_empty_plot_and_one_with_other_ink_hold_no_markers() -> None:
    assert read_markers(drawn([DISC], []), [DISC]) == []
    lines = drawn([DISC], [])
    lines.image[:, 80] = 0
    lines.image[60, :] = 0
    assert read_markers(lines, [DISC]) == []


def test_a_shifted_picture_gives_the_shifted_markers() -> None:
    true = [at(40.3, 40.6), at(47.0, 43.0)]
    moved = [replace(m, x=m.x + 13, y=m.y + 9) for m in true]
    here, there = (sorted(read_markers(drawn([RING], markers), [RING]), key=lambda m: m.x) for markers in (true, moved))
    for a, b in zip(here, there, strict=True):
        assert b.x - a.x == pytest.approx(13, abs=0.02)  # the fit stops when no marker moves by more than 0.01 px
        assert b.y - a.y == pytest.approx(9, abs=0.02)


def test_a_marker_that_explains_nothing_is_left_out() -> None:
    true = [at(60.0, 60.0)]
    twice = [*true, replace(true[0], x=61.0, shows=0.2)]
    assert needed(drawn([DISC], true), [DISC], twice) == true


def test_markers_whose_anchors_lie_within_others_are_crowded() -> None:
    assert crowded([at(10, 10), at(14, 10), at(60, 60)], [DISC]) == [True, True, False]


def test_the_paper_s_own_colour_has_no_share_and_takes_none() -> None:
    picture = drawn([DISC], [at(40, 40)])
    (alone,) = picture.amounts([BLACK])
    first, second = picture.amounts([PAPER, BLACK])
    assert not first.any()
    np.testing.assert_array_equal(second, alone)


def test_the_pale_edges_of_its_own_strokes_are_no_other_ink() -> None:
    image = np.ones((1, 5, 3), np.float32)
    image[0, 1] = 0.85  # an edge of black
    image[0, 2] = 0.0
    image[0, 3] = RED
    picture = Picture(image, np.ones(3, np.float32), np.ones((1, 5), np.float32))
    black = np.zeros(3, np.float32)
    (amount,) = picture.amounts([black])
    assert picture.unexplained(amount, black)[0].tolist() == [False, False, False, True, False]
    assert picture.other_ink(amount)[0, 1]
