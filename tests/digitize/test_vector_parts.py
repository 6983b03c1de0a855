"""The parts of reading paths: shapes, anchors, stems and their markers, labels against the page's own text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration import AxisCalibration, AxisReading, scale_named
from digitize.axes import Axis
from digitize.lines import Line
from digitize.ocr import TextBox
from digitize.ticks import Side, TickMarks
from digitize.vector.errorbars import Ends, are_even, error_bars
from digitize.vector.frame import framed, with_bars, with_drawn
from digitize.vector.glyphs import Glyph, find_glyphs
from digitize.vector.labels import checked, with_page_text
from digitize.vector.paths import CLOSE, CURVE, MOVE, TextSpan, VectorPath, without_painted_over
from digitize.vector.pieces import Stroke, pieces_of
from digitize.vector.ticks import exact_axis

BLACK, RED, WHITE = (0, 0, 0, 255), (255, 0, 0, 255), (255, 255, 255, 255)


def path(
    points: Sequence[tuple[float, float]], *, closed: bool = True, order: int = 0, filled: bool = True, stroked: bool = True
) -> VectorPath:
    kinds = np.ones(len(points), dtype=np.uint8)
    kinds[0] = 0
    kinds[-1] += 4 * closed
    return VectorPath(np.array(points, dtype=float), kinds, BLACK if filled else None, BLACK if stroked else None, 1.0, (), order, None)


def polygon(corners: int, radius: float = 10.0, turn: float = 0.0, **look: bool) -> VectorPath:
    angles = turn + 2 * math.pi * np.arange(corners) / corners
    return path([(50 + radius * math.sin(a), 40 - radius * math.cos(a)) for a in angles.tolist()], **look)


def only_glyph(*paths: VectorPath) -> Glyph:
    (glyph,) = find_glyphs(pieces_of(paths), 60.0)
    return glyph


@pytest.mark.parametrize(
    ("drawn", "shape"),
    [
        (polygon(32), "circle"),
        (polygon(4, turn=math.pi / 4), "square"),
        (polygon(4), "diamond"),
        (polygon(3), "triangle"),
        (polygon(3, turn=math.pi), "triangle-down"),
    ],
)
def test_shapes_have_their_names_and_anchors(drawn: VectorPath, shape: str) -> None:
    glyph = only_glyph(drawn)
    assert glyph.shape == shape
    # All of these are drawn about (50, 40): for an equilateral triangle that is its centroid, where R puts the data point.
    assert (glyph.x, glyph.y) == pytest.approx((50, 40), abs=1e-6)


def test_a_triangle_as_high_as_wide_is_anchored_at_half_height() -> None:
    glyph = only_glyph(path([(40, 50), (60, 50), (50, 30)]))
    assert glyph.y == pytest.approx(40)
    assert glyph.anchored(1 / 3).y == pytest.approx(50 - 20 / 3)


def test_a_fill_and_its_outline_are_one_marker() -> None:
    glyph = only_glyph(polygon(32, stroked=False), replace(polygon(32, filled=False), order=1))
    assert (glyph.fill, glyph.stroke) == (BLACK, BLACK)


def test_letters_and_arrows_are_no_markers() -> None:
    ring = [(x, y) for x, y in ((0, 0), (30, 0), (30, 8), (8, 8), (8, 22), (30, 22), (30, 30), (0, 30))]
    assert find_glyphs(pieces_of([path(ring), path([(0, 0), (20, 3), (20, -3)])]), 60.0) == []


def test_two_strokes_that_halve_each_other_are_a_cross() -> None:
    strokes = [path([(0, 0), (20, 20)], closed=False, filled=False), path([(0, 20), (20, 0)], closed=False, filled=False, order=1)]
    glyph = only_glyph(*strokes)
    assert (glyph.shape, glyph.x, glyph.y) == ("cross", 10, 10)


# Stems


def glyph(x: float, y: float, order: int, color: tuple[int, int, int, int] = BLACK) -> Glyph:
    return Glyph("circle", x, y, 12, 12, color, color, order)


def stem(x: float, top: float, bottom: float, order: int, color: tuple[int, int, int, int] = BLACK) -> Stroke:
    return Stroke(True, x, top, bottom, color, 1.0, order)


def test_stems_in_one_column_go_to_their_markers_by_the_order_of_drawing() -> None:
    glyphs = [glyph(10, 50, 10), glyph(10, 52, 11)]
    stems = [stem(10, 30, 71, 0), stem(10, 42, 63, 1)]
    assert error_bars(glyphs, stems, even=False) == [Ends(30, 71), Ends(42, 63)]


def test_equal_halves_outweigh_the_order_of_drawing() -> None:
    glyphs = [glyph(10 * k, 50 + (k % 3), k) for k in range(6)] + [glyph(10 * k, 55, 10 + k) for k in range(6)]
    stems = [stem(10 * k, 35, 75, 20 + k) for k in range(6)] + [stem(10 * k, 40 + (k % 3), 60 + (k % 3), 30 + k) for k in range(6)]
    assert are_even(glyphs, stems)
    bars = error_bars(glyphs, stems, even=True)
    assert all(g.y == (e.top + e.bottom) / 2 for g, e in zip(glyphs, bars, strict=True) if e.top is not None and e.bottom is not None)
    assert all(e.top is not None and e.bottom is not None for e in bars)


def test_a_stem_goes_to_the_marker_of_its_colour() -> None:
    glyphs = [glyph(10, 50, 0, RED), glyph(10, 52, 1, BLACK)]
    stems = [stem(10, 30, 70, 2, BLACK), stem(10, 40, 60, 3, RED)]
    assert error_bars(glyphs, stems, even=False) == [Ends(40, 60), Ends(30, 70)]


def test_halves_drawn_apart_and_halves_that_start_at_the_rim() -> None:
    glyphs = [glyph(10, 50, 0), glyph(30, 50, 1), glyph(50, 50, 2), glyph(70, 50, 3)]
    stems = [stem(10, 30, 50, 4), stem(10, 50, 65, 5), stem(30, 30, 44, 6), stem(30, 56, 65, 7), stem(50, 30, 50, 8)]
    assert error_bars(glyphs, stems, even=False) == [Ends(30, 65), Ends(30, 65), Ends(30, None), Ends()]


# Axes


def axis(px: Sequence[float], values: Sequence[float], labels: Sequence[str]) -> Axis:
    calibration = AxisCalibration.fit(px, values, scale=scale_named("linear"), labels=list(labels))
    boxes = [TextBox((10, round(p) - 8, 30, round(p) + 8), 0, t, 1.0, t, 1.0, 16.0, False) for p, t in zip(px, labels, strict=True)]
    marks = TickMarks(np.array(px), np.full(len(px), 8.0), 50.0, None)
    return Axis(Side("left", (400, 400)), tuple(boxes), marks, AxisReading(calibration, None, (), "", calibration.ticks))


def test_ticks_move_to_the_paths_that_drew_them() -> None:
    found = axis([300.3, 199.8, 100.2], [0, 10, 20], ["0", "10", "20"])
    strokes = [Stroke(False, at, 42, 50, BLACK, 1.0, 0) for at in (300.0, 200.0, 100.0)]
    exact = exact_axis(found, strokes)
    assert [t.px for t in exact.calibration.ticks] == [300.0, 200.0, 100.0]
    assert exact.calibration.rmse_px == pytest.approx(0, abs=1e-9)
    assert exact_axis(found, strokes[:1]) is found
    assert exact_axis(found, [replace(s, start=60, end=90) for s in strokes]) is found


def test_a_label_that_the_page_writes_otherwise_is_flagged() -> None:
    found = axis([300, 200, 100], [-2, -1, 0], ["-2", "-1", "0"])
    spans = [TextSpan(t, (12, p - 7, 28, p + 7), 20.0, 0.0) for t, p in (("2", 300), ("1", 200), ("0", 100))]
    flagged = checked(found, spans)
    assert flagged.reading.flags == ("text_layer_differs",)
    assert "-2 (the page's text: 2)" in flagged.reading.reason
    same = [replace(s, text=t) for s, t in zip(spans, ("−2", "−1", "0"), strict=True)]
    assert checked(found, same) is found
    assert checked(found, []) is found


def test_the_plot_reaches_as_far_as_its_frame_and_no_farther_than_what_starts_at_its_axis() -> None:
    frame = path([(50, 310), (350, 310), (350, 90), (50, 90)], filled=False)
    other = path([(400, 310), (700, 310), (700, 90), (400, 90)], filled=False)
    assert framed((52, 95, 200, 308), 50.0, (100.0, 300.0), pieces_of([frame, other])) == (52, 92, 348, 308)
    assert framed((52, 95, 200, 308), 50.0, (100.0, 300.0), pieces_of([other])) == (52, 95, 200, 308)


def test_numbers_of_the_page_help_where_boxes_were_misread() -> None:
    """A turned number that was overlooked is read, one that was cut is read again; two numbers with a dash between are a name."""
    image = np.full((400, 400, 3), 255, dtype=np.uint8)
    cv2.putText(image, "0.75", (100, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2, cv2.LINE_AA)
    cut = TextBox((140.0, 82.0, 155.0, 100.0), 0, "5", 0.9, "5", 0.9, 18.0)
    pair = [TextBox((x, 300.0, x + 12.0, 318.0), 0, n, 1.0, n, 1.0, 18.0) for x, n in ((100.0, "2"), (150.0, "0"))]
    spans = [TextSpan("0.75", (99.0, 80.0, 160.0, 101.0), 24.0, 0.0), TextSpan("2 - 0", (99.0, 299.0, 163.0, 319.0), 24.0, 0.0)]
    texts = with_page_text(image, [cut, *pair], spans)
    assert sorted((t.text, t.number) for t in texts) == [("0.75", "0.75"), ("2 - 0", "")]


def test_a_power_is_not_taken_for_its_base() -> None:
    """A page writes the exponent as a text of its own: what was read whole stays."""
    image = np.full((100, 200, 3), 255, dtype=np.uint8)
    power = TextBox((20.0, 20.0, 77.0, 55.0), 0, "10³", 1.0, "10^3", 1.0, 30.0)
    assert with_page_text(image, [power], [TextSpan("10", (20.0, 25.0, 60.0, 55.0), 40.0, 0.0)]) == [power]


def test_lines_that_markers_hide_are_known_from_their_paths() -> None:
    gray = np.full((200, 200), 255, dtype=np.uint8)
    hidden = Stroke(True, 50.0, 10.0, 190.0, (0, 0, 0, 255), 2.0, 0)
    faint = Stroke(True, 90.0, 10.0, 190.0, (235, 235, 235, 255), 2.0, 1)
    known = Line(False, 190.0, 10.0, 190.0, 2.0, 255.0)
    seen = Stroke(False, 190.2, 10.0, 190.0, (0, 0, 0, 255), 2.0, 2)
    lines = with_drawn([known], [hidden, faint, seen], gray, 24)
    assert [(line.upright, line.at) for line in lines] == [(False, 190.0), (True, 50.0)]


def test_a_circle_of_a_windows_metafile_is_one() -> None:
    """Its curves have their control points at two thirds, and bulge."""
    s = 2 / 3
    corners = [(1, 0), (1, s), (s, 1), (0, 1), (-s, 1), (-1, s), (-1, 0), (-1, -s), (-s, -1), (0, -1), (s, -1), (1, -s), (1, 0)]
    points = 6.5 * np.array(corners, dtype=float) + 20
    kinds = np.array([MOVE, *[CURVE] * 11, CURVE + CLOSE], dtype=np.uint8)
    path = VectorPath(points, kinds, None, (0, 0, 0, 255), 2.0, (), 0, None)
    (glyph,) = find_glyphs(pieces_of([path]), 30.0)
    assert (glyph.shape, glyph.x, glyph.y) == ("circle", pytest.approx(20.0), pytest.approx(20.0))


def test_both_rims_of_an_outline_drawn_as_an_area_are_one_marker() -> None:
    """Some programs turn the strokes of their markers into areas: an outer rim, and an inner one, of one path."""
    rims = [polygon(32, radius, stroked=False) for radius in (11.0, 8.0)]
    points, kinds = (np.concatenate([getattr(rim, name) for rim in rims]) for name in ("points", "kinds"))
    glyph = only_glyph(VectorPath(points, kinds, BLACK, None, 1.0, (), 0, None))
    assert (glyph.shape, glyph.fill, glyph.stroke) == ("circle", None, BLACK)
    assert glyph.width == pytest.approx(22.0)


def test_a_cross_of_lines_that_are_filled_is_one() -> None:
    lines = [path([(40, 40), (60, 60)], closed=False, stroked=False), path([(40, 60), (60, 40)], closed=False, stroked=False)]
    glyph = only_glyph(*lines)
    assert (glyph.shape, glyph.stroke, glyph.x, glyph.y) == ("cross", BLACK, 50, 50)


def test_a_square_with_rounded_corners_is_one_and_its_outline_belongs_to_it() -> None:
    fill = path([(40, 40), (50, 40), (50, 52), (40, 52)], stroked=False)
    outline = path([(40, 40), (50, 40), (50, 51), (40, 51)], filled=False, order=1)
    glyph = only_glyph(fill, outline)
    assert (glyph.shape, glyph.fill, glyph.stroke) == ("square", BLACK, BLACK)


def test_a_plot_of_names_reaches_as_far_as_its_bars() -> None:
    """The foot of a plot may be drawn bar by bar; a table's cells farther on and the next plot are no bars of it."""
    bars = [path([(x, 100), (x + 20, 100), (x + 20, 200), (x, 200)], order=k) for k, x in enumerate((10, 60, 130))]
    far = path([(400, 100), (420, 100), (420, 200), (400, 200)], order=9)
    assert with_bars((5, 20, 40, 200), pieces_of([*bars, far]), 1000.0) == (5, 20, 152, 200)
    assert with_bars((5, 20, 40, 200), pieces_of([*bars, far]), 140.0) == (5, 20, 82, 200)
    assert with_bars((5, 20, 40, 200), pieces_of([far]), 1000.0) == (5, 20, 40, 200)


def rounded_rim(corners: int, radius: float, order: int) -> VectorPath:
    """A stroke of 2 px around a polygon as the area that it covers: an outer rim with cut corners, and an inner one."""

    def rim(r: float, spread: float) -> list[tuple[float, float]]:
        angles = [2 * math.pi * k / corners + s for k in range(corners) for s in (-spread, 0.0, spread)]
        return [(50 + r * math.sin(a), 40 - r * math.cos(a)) for a in angles]

    outer, inner = rim(radius + 2.0, 0.12), rim(radius - 2.0, 0.0)
    kinds = np.ones(len(outer) + len(inner), dtype=np.uint8)
    kinds[0] = kinds[len(outer)] = MOVE
    kinds[len(outer) - 1] += CLOSE
    kinds[-1] += CLOSE
    return VectorPath(np.array(outer + inner), kinds, BLACK, None, 0.0, (), order, None)


@pytest.mark.parametrize(("corners", "shape"), [(3, "triangle"), (4, "diamond"), (32, "circle")])
def test_a_stroke_drawn_as_an_area_is_the_outline_of_its_marker(corners: int, shape: str) -> None:
    fill = replace(polygon(corners, stroked=False, order=4), fill=WHITE)
    (glyph,) = find_glyphs(pieces_of([fill, rounded_rim(corners, 10.0, order=5)]), 60.0)
    assert (glyph.shape, glyph.fill, glyph.stroke) == (shape, WHITE, BLACK)
    assert (glyph.x, glyph.y) == pytest.approx((50, 40), abs=1e-6)


def test_an_area_elsewhere_is_no_outline() -> None:
    fill = replace(polygon(3, stroked=False, order=4), fill=RED)
    rim = rounded_rim(3, 10.0, order=5)
    aside = replace(rim, points=np.add(rim.points, (15, 0)))
    assert all(g.stroke is None for g in find_glyphs(pieces_of([fill, aside]), 60.0))


def rectangle(x0: float, y0: float, x1: float, y1: float, order: int, fill: tuple[int, int, int, int] = WHITE) -> VectorPath:
    drawn = path([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], stroked=False, order=order)
    return replace(drawn, fill=fill)


def test_a_plot_that_another_is_painted_over_is_no_longer_there() -> None:
    old = [rectangle(20, 20, 480, 380, 0), replace(polygon(4), order=1)]
    outside = path([(600, 50), (620, 60)], closed=False, order=2)
    new = [rectangle(10, 10, 500, 400, 3), replace(polygon(3), order=4)]
    assert [p.order for p in without_painted_over([*old, outside, *new])] == [2, 3, 4]


def test_what_a_legend_or_a_see_through_ground_covers_stays() -> None:
    data = [rectangle(0, 0, 900, 700, 0), replace(polygon(4), order=1)]
    assert len(without_painted_over([*data, rectangle(10, 10, 400, 300, 2)])) == 3
    veiled = [*data, rectangle(-10, -10, 910, 710, 2, fill=(255, 255, 255, 120))]
    assert len(without_painted_over(veiled)) == 3
