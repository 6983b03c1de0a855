"""Error-bar plots whose series cover one another."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from digitize.covered import uncovered
from digitize.looks import Looks
from digitize.painting import Pen, Picture, Placed, paint
from digitize.pens import SeenSeries
from digitize.read import read_image
from digitize.record import PanelRecord
from digitize.refine import Fit
from digitize.shapes import CIRCLE, SQUARE

X = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
FRONT = np.array([4.0, 4.6, 5.5, 5.0, 6.2, 6.6])
BEHIND = np.array([2.2, 2.6, 5.3, 3.4, 3.9, 4.2])  # at 3 it lies beneath the other but for its lower rim
SPREAD = np.array([0.9, 1.1, 0.8, 1.2, 1.0, 0.9])


THIRD = np.array([8.2, 8.6, 8.3, 8.9, 8.4, 8.8])
NAMES = ("Group A", "Group B", "...")  # the last is no word: its key is not known to be one


def panel_of(behind: str, front: str, *, legend: bool = False) -> PanelRecord:
    figure = Figure(figsize=(5, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn = [(BEHIND, behind, "tab:orange", 1.5 * SPREAD), (FRONT, front, "tab:blue", SPREAD), (THIRD, "^", "tab:red", 0.5 * SPREAD)]
    for (y, marker, color, half), name in zip(drawn[: 3 if legend else 2], NAMES, strict=False):
        axes.errorbar(X, y, half, fmt=marker, color=color, markersize=9, capsize=4, linestyle="-", linewidth=1, label=name)
    axes.set(xlim=(0, 11 if legend else 7), ylim=(0, 10), xticks=range(8), yticks=range(0, 11, 2), xlabel="Weeks", ylabel="Score")
    if legend:
        axes.legend(loc="center right", frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    (panel,) = read_image(np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8))
    return panel.record


@pytest.mark.parametrize(("behind", "front"), [("s", "o"), ("o", "D")])
def test_a_marker_beneath_another_is_read(behind: str, front: str) -> None:
    record = panel_of(behind, front)
    assert record.kind == "errorbar"
    series = sorted(record.series, key=lambda s: np.mean([p.y for p in s.points if p.y is not None]))
    assert [len(s.points) for s in series] == [6, 6]
    for found, y in zip(series, (BEHIND, FRONT), strict=True):
        read = np.array([(p.x, p.y) for p in found.points], dtype=float)
        # Of a marker beneath another only a rim shows: its place is good to a pixel or two, here 0.02 each.
        np.testing.assert_allclose(read, np.stack([X, y], axis=1), atol=0.06)


def test_every_end_is_right_or_flagged() -> None:
    record = panel_of("s", "o")
    for found in record.series:
        for p in found.points:
            assert p.x is not None
            k = round(float(p.x)) - 1
            is_behind = abs(float(p.y or 0) - BEHIND[k]) < abs(float(p.y or 0) - FRONT[k])
            y, half = (BEHIND[k], 1.5 * SPREAD[k]) if is_behind else (FRONT[k], SPREAD[k])
            for value, truth in ((p.y_lo, y - half), (p.y_hi, y + half)):
                assert p.flags or value == pytest.approx(truth, abs=0.05)


def test_a_key_without_a_name_is_flagged_and_the_others_are_no_hidden_markers() -> None:
    record = panel_of("s", "o", legend=True)
    beyond = [p for s in record.series for p in s.points if float(p.x or 0) > 6.5]
    assert ["legend_key" in p.flags for p in beyond] == [True]
    assert sum(len(s.points) for s in record.series) - len(beyond) == 18


ORANGE, BLUE = (np.array(c, dtype=np.float32) / 255 for c in ((255, 127, 14), (31, 119, 180)))
PENS = (Pen(SQUARE, 7.0, 0.0, ORANGE), Pen(CIRCLE, 8.0, 0.0, BLUE))


def seen(number: int, places: list[tuple[float, float]]) -> SeenSeries:
    pen = PENS[number]
    r, g, b = (round(255 * float(c)) for c in pen.color)
    return SeenSeries(Looks(number, pen.shape.name, 0.5, (r, g, b)), tuple(Fit(x, y, pen.size, 0.0, 0.02) for x, y in places), pen)


def painted(front: list[tuple[float, float]], behind: list[tuple[float, float]]) -> Picture:
    placed = [Placed(1, x, y, 1, 1) for x, y in front] + [Placed(0, x, y, 1, 1) for x, y in behind]
    shape = (150, 260)
    blank = Picture(np.ones((*shape, 3), np.float32), np.ones(3, np.float32), np.ones(shape, np.float32))
    return Picture(paint(blank, PENS, placed, (slice(0, shape[0]), slice(0, shape[1]))), blank.paper, blank.seen)


FRONT_AT = [(30.0, 40.0), (80.0, 50.0), (130.0, 60.0), (180.0, 45.0), (230.0, 55.0)]
BEHIND_AT = [(30.0, 100.0), (80.0, 110.0), (130.0, 65.0), (180.0, 105.0), (230.0, 120.0)]


def test_a_marker_that_was_not_seen_is_found_beneath_another() -> None:
    lacking = [place for place in BEHIND_AT if place[0] != 130.0]
    behind, front = uncovered([seen(0, lacking), seen(1, FRONT_AT)], painted(FRONT_AT, BEHIND_AT), 2.0)
    assert [s.number for s in front] == [0, 1, 2, 3, 4]
    (found,) = [s for s in behind if s.number is None]
    assert (found.fit.x, found.fit.y) == pytest.approx((130, 65), abs=0.5)
    assert found.is_covered


def test_where_nothing_shows_nothing_is_found() -> None:
    lacking = [place for place in BEHIND_AT if place[0] != 130.0]
    behind, _ = uncovered([seen(0, lacking), seen(1, FRONT_AT)], painted(FRONT_AT, lacking), 2.0)
    assert [s.number for s in behind] == [0, 1, 2, 3]


def test_a_second_marker_in_a_column_that_looks_like_none_is_dropped() -> None:
    behind, _ = uncovered([seen(0, [*BEHIND_AT, (82.0, 80.0)]), seen(1, FRONT_AT)], painted(FRONT_AT, BEHIND_AT), 2.0)
    assert [s.number for s in behind] == [0, 1, 2, 3, 4]


def test_markers_in_an_ink_of_their_own_that_were_overlooked_are_found() -> None:
    behind, _ = uncovered([seen(0, BEHIND_AT[:1]), seen(1, FRONT_AT)], painted(FRONT_AT, BEHIND_AT), 2.0)
    found = {(round(s.fit.x), round(s.fit.y)) for s in behind if s.number is None}
    assert found == {(80, 110), (180, 105), (230, 120)}  # the fifth lies beneath a marker of the other


def test_two_columns_that_agree_show_where_a_hidden_marker_stands() -> None:
    lacking = [BEHIND_AT[k] for k in (0, 1)]
    front = FRONT_AT[:3]
    behind, _ = uncovered([seen(0, lacking), seen(1, front)], painted(front, BEHIND_AT[:3]), 2.0)
    assert [(s.fit.x, s.fit.y) for s in behind if s.number is None] == [pytest.approx((130, 65), abs=0.5)]


def test_markers_taken_for_another_style_go_to_the_series_that_lacks_them() -> None:
    """Two of five squares were taken for circles of the same ink."""
    every = [(x, 110.0 if x == 130 else y) for x, y in BEHIND_AT]
    squares, mistaken = [every[k] for k in (0, 1, 3)], [every[k] for k in (2, 4)]
    fits = tuple(Fit(x, y, 6.5, 0.0, 0.1) for x, y in mistaken)
    mixed = SeenSeries(Looks(0, "circle", 0.5, seen(0, squares).look.color), fits, Pen(CIRCLE, 7.0, 0.0, ORANGE))
    own, others, _ = uncovered([seen(0, squares), mixed, seen(1, FRONT_AT)], painted(FRONT_AT, every), 2.0)
    assert sorted(round(s.fit.x) for s in own) == [30, 80, 130, 180, 230]
    assert others == []


def test_a_marker_seen_where_another_lies_beneath_it_stands_where_its_ink_is() -> None:
    """Two that overlap were seen as one between them, and its fit ended on the other's outline."""
    front = [*FRONT_AT[:2], (130.0, 57.0), *FRONT_AT[3:]]
    mistaken = [(x, y) if x != 130.0 else (130.0, 65.0) for x, y in front]
    _, found = uncovered([seen(0, BEHIND_AT), seen(1, mistaken)], painted(front, BEHIND_AT), 2.0)
    assert [(s.fit.x, s.fit.y) for s in found] == [pytest.approx(place, abs=0.25) for place in front]
