"""Tick marks, drawn here pixel by pixel, in every place where axes have them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.lines import find_lines
from digitize.ticks import Side, SideName, find_ticks, is_on_edges, is_snapped, stroke_look

PLACES = np.array([40.3, 90.55, 140.8, 191.05, 241.3])
HEIGHT = 12.0


def canvas(marks: NDArray[np.float64], first: int, last: int, *, line: bool = True) -> NDArray[np.uint8]:
    """A 300 x 300 image with strokes 1 px thick at these rows, spread over pixels in proportion, from one column to another."""
    ink = np.zeros((300, 300))
    rows = np.arange(300)
    for at in marks:
        ink[:, first:last] = np.maximum(ink[:, first:last], np.clip(1.0 - np.abs(rows - at), 0, 1)[:, None])
    if line:
        ink[20:262, 60:62] = 1.0
    return np.asarray(255 * (1 - ink), dtype=np.uint8)


def labels(side: Side) -> NDArray[np.float64]:
    return np.array([side.span((30.0, p - 6, 48.0, p + 6)) for p in PLACES]) if side.name == "left" else np.empty((0, 4))


@pytest.mark.parametrize(("first", "last"), [(54, 60), (62, 70)], ids=["outward", "inward"])
def test_ticks_are_found_between_pixels(first: int, last: int) -> None:
    image, side = canvas(PLACES, first, last), Side("left", (300, 300))
    marks = find_ticks(image, side, labels(side), HEIGHT, find_lines(image, 36))
    found = [float(marks.px[np.abs(marks.px - p).argmin()]) for p in PLACES]
    assert found == pytest.approx(PLACES.tolist(), abs=0.06)
    assert marks.inward == (first > 60)
    assert marks.axis_at == pytest.approx(60.5, abs=0.3)


@pytest.mark.parametrize("name", ["left", "right", "bottom", "top"])
def test_every_side_is_the_left_one_turned(name: SideName) -> None:
    image = canvas(PLACES, 54, 60)
    boxes = [(30.0, p - 6, 48.0, p + 6) for p in PLACES]
    if name in ("right", "top"):
        boxes = [(299 - b[2], b[1], 299 - b[0], b[3]) for b in boxes]
        image = np.ascontiguousarray(image[:, ::-1])
    if name in ("top", "bottom"):
        # Rows and columns change places, then the picture is turned over: left becomes bottom, right becomes top.
        image = np.ascontiguousarray(image.T[::-1])
        boxes = [(b[1], 299 - b[2], b[3], 299 - b[0]) for b in boxes]
    side = Side(name, (300, 300))
    marks = find_ticks(image, side, np.array([side.span(b) for b in boxes]), HEIGHT, find_lines(image, 36))
    found = [float(marks.px[np.abs(marks.px - p).argmin()]) for p in PLACES]
    assert found == pytest.approx(PLACES.tolist(), abs=0.06)


def test_the_corner_of_a_frame_stands_for_the_tick_that_it_hides() -> None:
    image, side = canvas(PLACES[1:], 62, 70), Side("left", (300, 300))
    cv2.line(image, (60, 40), (280, 40), 0, 1)
    marks = find_ticks(image, side, labels(side), HEIGHT, find_lines(image, 36))
    assert np.abs(marks.px - 40).min() < 0.5


@pytest.mark.parametrize("shade", [236, 180])
def test_gridlines_serve_where_there_are_neither_ticks_nor_line(shade: int) -> None:
    image, side = np.full((300, 300), 255, dtype=np.uint8), Side("left", (300, 300))
    image[np.round(PLACES).astype(int), 60:290] = shade
    marks = find_ticks(image, side, labels(side), HEIGHT, ())
    assert marks.is_drawn
    assert marks.px == pytest.approx(np.round(PLACES), abs=0.1)
    assert marks.axis_at == pytest.approx(60, abs=2)


def test_crowded_minor_ticks_do_not_move_the_long_ones() -> None:
    side = Side("left", (300, 300))
    minor = np.concatenate([PLACES - 3.0, PLACES - 6.5, PLACES + 11.0])
    image = np.minimum(canvas(PLACES, 52, 60), canvas(minor, 56, 60))
    marks = find_ticks(image, side, labels(side), HEIGHT, find_lines(image, 36))
    found = [float(marks.px[np.abs(marks.px - p).argmin()]) for p in PLACES]
    assert found == pytest.approx(PLACES.tolist(), abs=0.1)


@pytest.mark.parametrize("reach", [2, 4], ids=["a third as long", "two thirds"])
def test_a_minor_tick_that_touches_a_long_one_does_not_move_it(reach: int) -> None:
    # At 100 dpi the tick at 9 stands less than 2 px from that at 10: their ink is one.
    side = Side("left", (300, 300))
    image = np.minimum(canvas(PLACES, 54, 60), canvas(PLACES + 1.8, 60 - reach, 60))
    marks = find_ticks(image, side, labels(side), HEIGHT, find_lines(image, 36))
    found = [float(marks.px[np.abs(marks.px - p).argmin()]) for p in PLACES]
    assert found == pytest.approx(PLACES.tolist(), abs=0.06)


def test_nothing_is_found_where_nothing_is_drawn() -> None:
    side = Side("left", (300, 300))
    assert not find_ticks(np.full((300, 300), 255, dtype=np.uint8), side, labels(side), HEIGHT, ()).is_drawn


def test_ticks_on_whole_pixels_are_told_from_others() -> None:
    assert is_snapped(np.array([10.02, 57.0, 103.98, 151.0]))
    assert is_snapped(np.array([10.5, 57.5, 104.5]))
    assert not is_snapped(PLACES)


def test_ticks_on_the_edges_of_pixels_are_told_from_those_on_pixels() -> None:
    assert is_on_edges(np.array([10.5, 57.48, 104.53]))
    assert not is_on_edges(np.array([10.02, 57.0, 103.98, 151.0]))
    assert not is_on_edges(np.empty(0))


def test_an_error_bar_is_no_axis_line_where_ticks_stand_beside_the_labels() -> None:
    """Nothing draws the axis but its ticks; further in an upright stroke crosses caps that point towards them."""
    image, side = canvas(PLACES, 52, 57, line=False), Side("left", (300, 300))
    image[30:250, 84:87] = 0
    for row in (36, 92, 139, 244):
        image[row - 1 : row + 2, 75:96] = 0
    marks = find_ticks(image, side, labels(side), HEIGHT, find_lines(image, 36))
    assert marks.px == pytest.approx(PLACES.tolist(), abs=0.1)
    assert (marks.axis_line, marks.axis_at) == (None, pytest.approx(57, abs=1))


@pytest.mark.parametrize(("first", "last"), [(54, 60), (62, 70)], ids=["outward", "inward"])
def test_what_strokes_look_like(first: int, last: int) -> None:
    image, side = canvas(PLACES, first, last), Side("left", (300, 300))
    marks = find_ticks(image, side, labels(side), HEIGHT, find_lines(image, 36))
    width, depth, noise = stroke_look(image, side, marks, PLACES)
    assert width * depth == pytest.approx(255, abs=3)  # all the ink of a stroke 1 px thick
    assert 0.5 * 255 <= depth <= 255
    assert noise == pytest.approx(0.0, abs=1e-6)
    grainy = np.clip(image + np.random.default_rng(0).normal(0, 8, image.shape), 0, 255).astype(np.uint8)
    assert 0.005 < stroke_look(grainy, side, marks, PLACES)[2] < 0.1


def test_strokes_that_cannot_be_looked_at_look_ordinary() -> None:
    image, side = canvas(PLACES, 54, 60), Side("left", (300, 300))
    marks = find_ticks(image, side, labels(side), HEIGHT, find_lines(image, 36))
    assert stroke_look(image, side, marks, np.array([3.0])) == (1.5, 255.0, 0.02)
