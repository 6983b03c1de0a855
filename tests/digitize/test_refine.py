"""Sub-pixel fits on marks drawn exactly: each pixel's ink is its share of the mark, counted on a fine grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.path import Path

from digitize.refine import Fit, FloatArray, cap_at_end, cap_centre, fit_marker, ink_amount, stroke_end
from digitize.shapes import CIRCLE, DIAMOND, DOWN_TRIANGLE, SQUARE, TALL_TRIANGLE, TRIANGLE, Shape

FINE = 20  # cells of the grid across a pixel
X, Y, SIZE = 30.37, 25.81, 6.4
# Cells of a twentieth of a pixel place an edge to about 0.01 px; corners, which the model leaves sharp between pixels, add the rest.
CLOSE = 0.05
CROSSED = 0.08  # the pixels where a line enters the marker are partly its ink
# The centroid of the rows of a cap 1.6 px thick whose edges cut through pixels lies up to 0.11 px off its middle.
CAP = 0.13
ROOT = math.sqrt(3)
MARKERS: dict[str, tuple[Shape, list[tuple[float, float]]]] = {
    "circle": (CIRCLE, []),
    "square": (SQUARE, [(-1, -1), (1, -1), (1, 1), (-1, 1)]),
    "diamond": (DIAMOND, [(0, -1), (1, 0), (0, 1), (-1, 0)]),
    "triangle": (TRIANGLE, [(0, -1), (ROOT / 2, 0.5), (-ROOT / 2, 0.5)]),
    "tall": (TALL_TRIANGLE, [(0, -1), (1, 1), (-1, 1)]),
    "down": (DOWN_TRIANGLE, [(0, 1), (ROOT / 2, -0.5), (-ROOT / 2, -0.5)]),
}
EVERY_SHAPE = pytest.mark.parametrize(("shape", "corners"), MARKERS.values(), ids=MARKERS)


def fine_grid(shape: tuple[int, int] = (52, 60)) -> tuple[FloatArray, FloatArray]:
    """Positions (x, y) of the cells: pixel k reaches from k - 0.5 to k + 0.5."""
    ys, xs = np.mgrid[0 : shape[0] * FINE, 0 : shape[1] * FINE]
    return (xs + 0.5) / FINE - 0.5, (ys + 0.5) / FINE - 0.5


def in_pixels(cells: FloatArray) -> FloatArray:
    """Ink of the pixels, the mean of their cells."""
    h, w = cells.shape
    return np.asarray(cells.reshape(h // FINE, FINE, w // FINE, FINE).mean(axis=(1, 3)))


def marker_cells(corners: list[tuple[float, float]], size: float) -> FloatArray:
    """A filled marker; a circle where there are no corners."""
    xs, ys = fine_grid()
    if not corners:
        return np.asarray(np.hypot(xs - X, ys - Y) < size, dtype=float)
    inside = Path(np.array(corners) * size + (X, Y)).contains_points(np.stack([xs.ravel(), ys.ravel()], axis=1))
    return np.asarray(inside.reshape(xs.shape), dtype=float)


def outline_cells(corners: list[tuple[float, float]], width: float) -> FloatArray:
    """A line of the given width along the edge of a marker."""
    xs, ys = fine_grid()
    away = np.abs(np.hypot(xs - X, ys - Y) - SIZE) if not corners else np.full(xs.shape, np.inf)
    points = np.array(corners).reshape(-1, 2) * SIZE + (X, Y)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        share = np.clip(((xs - x0) * (x1 - x0) + (ys - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        away = np.minimum(away, np.hypot(xs - x0 - share * (x1 - x0), ys - y0 - share * (y1 - y0)))
    return np.asarray(away < width / 2, dtype=float)


def with_lines(cells: FloatArray) -> FloatArray:
    """The marker with a sloped line and an upright stem through its anchor, 1.4 px wide."""
    xs, ys = fine_grid()
    sloped = np.abs((ys - Y) - 0.35 * (xs - X)) / math.hypot(1, 0.35) < 0.7
    stem = np.abs(xs - X) < 0.7
    return np.maximum(cells, (sloped | stem).astype(float))


def start(dx: float = 0.5, dy: float = -0.5, *, line_width: float = 0.0, size: float = SIZE + 0.7) -> Fit:
    return Fit(X + dx, Y + dy, size, line_width, np.inf)


@EVERY_SHAPE
@pytest.mark.parametrize(("dx", "dy"), [(0.5, -0.5), (-0.5, 0.5)])
def test_a_filled_marker_is_found(shape: Shape, corners: list[tuple[float, float]], dx: float, dy: float) -> None:
    fit = fit_marker(in_pixels(marker_cells(corners, SIZE)), shape, start(dx, dy), stem_half_width=1.2)
    assert (fit.x, fit.y) == pytest.approx((X, Y), abs=CLOSE)
    assert fit.size == pytest.approx(SIZE, abs=0.1)  # a pointed corner holds little ink, so the size is less sure than the place
    assert fit.misfit < 0.1


@EVERY_SHAPE
def test_a_line_and_a_stem_through_a_filled_marker_do_not_move_it(shape: Shape, corners: list[tuple[float, float]]) -> None:
    fit = fit_marker(in_pixels(with_lines(marker_cells(corners, SIZE))), shape, start(), stem_half_width=1.2)
    assert (fit.x, fit.y) == pytest.approx((X, Y), abs=CROSSED)


@EVERY_SHAPE
def test_an_open_marker_painted_over_a_line_and_a_stem_is_found(shape: Shape, corners: list[tuple[float, float]]) -> None:
    outline, inside = outline_cells(corners, 1.2), marker_cells(corners, SIZE)
    amount = in_pixels(np.maximum(np.where(inside > 0, 0.0, with_lines(inside)), outline))
    fit = fit_marker(amount, shape, start(line_width=1.8), stem_half_width=1.2)
    assert (fit.x, fit.y) == pytest.approx((X, Y), abs=CLOSE)
    assert fit.line_width > 0


@pytest.mark.parametrize(("name", "middle"), [("triangle", -0.25), ("down", 0.25)])
def test_a_thin_outline_is_found_from_the_middle_of_its_box(name: str, middle: float) -> None:
    """Where a triangle is seen is the middle of its box, a quarter of its circumradius off its anchor, and half its height its size."""
    shape, corners = MARKERS[name]
    amount = in_pixels(outline_cells(corners, 1.0))
    fit = fit_marker(amount, shape, start(0.3, middle * SIZE, line_width=2.5, size=0.75 * SIZE), stem_half_width=1.2)
    assert (fit.x, fit.y) == pytest.approx((X, Y), abs=CLOSE)
    assert fit.size == pytest.approx(SIZE, abs=0.1)


@EVERY_SHAPE
def test_pale_ink_gives_the_same_place(shape: Shape, corners: list[tuple[float, float]]) -> None:
    fit = fit_marker(0.4 * in_pixels(marker_cells(corners, SIZE)), shape, start(), stem_half_width=1.2)
    assert (fit.x, fit.y) == pytest.approx((X, Y), abs=CLOSE)


def test_hidden_pixels_are_left_out() -> None:
    amount = in_pixels(marker_cells(MARKERS["circle"][1], SIZE))
    amount[:, round(X) + 1 :] = np.nan
    fit = fit_marker(amount, CIRCLE, start(), stem_half_width=1.2)
    # Half of the outline is left: enough for the place, less sure.
    assert (fit.x, fit.y) == pytest.approx((X, Y), abs=2 * CLOSE)


def test_a_marker_hidden_altogether_has_no_fit() -> None:
    begun = start()
    fit = fit_marker(np.full((52, 60), np.nan), CIRCLE, begun, stem_half_width=1.2)
    assert fit.misfit == np.inf
    assert (fit.x, fit.y, fit.size) == (begun.x, begun.y, begun.size)


def test_where_nothing_is_drawn_there_is_no_fit() -> None:
    assert fit_marker(np.zeros((52, 60)), CIRCLE, start(), stem_half_width=1.2).misfit == np.inf


def test_a_fit_that_runs_away_from_its_start_is_refused() -> None:
    amount = in_pixels(marker_cells(MARKERS["circle"][1], SIZE))
    fit = fit_marker(amount, CIRCLE, start(5.0, 0.0), stem_half_width=1.2)
    assert fit.misfit == np.inf
    assert fit.x == X + 5.0


def test_another_shape_fits_worse() -> None:
    amount = in_pixels(marker_cells(MARKERS["square"][1], SIZE))
    misfits = {name: fit_marker(amount, shape, start(), stem_half_width=1.2).misfit for name, (shape, _) in MARKERS.items()}
    assert min(misfits, key=lambda name: misfits[name]) == "square"


def error_bar(y0: float, y1: float, *, cap: float | None = None, width: float = 1.6, x: float = X) -> FloatArray:
    """A stem from y0 to y1 and, where asked for, a cap of 8 px around its upper end."""
    xs, ys = fine_grid()
    ink = (np.abs(xs - x) < width / 2) & (ys > y0) & (ys < y1)
    if cap is not None:
        ink |= (np.abs(xs - x) < 4) & (np.abs(ys - cap) < width / 2)
    return in_pixels(ink.astype(float))


@pytest.mark.parametrize("at", [12.0, 12.25, 12.5, 12.85])
@pytest.mark.parametrize("level", [1.0, 0.4])
def test_the_middle_of_a_cap_is_found(at: float, level: float) -> None:
    amount = level * error_bar(at, 40.0, cap=at)
    for off in (-0.6, 0.6):
        assert cap_centre(amount, X, at + off, 4.0, 4.0, 1.2) == pytest.approx(at, abs=CAP)


def test_ink_at_one_side_of_a_cap_does_not_move_it() -> None:
    at = 12.35
    amount = error_bar(at, 40.0, cap=at)
    amount[16:18, : round(X) - 2] = 1.0  # a neighbour's line, 3 px below
    assert cap_centre(amount, X, at, 4.0, 4.0, 1.2) == pytest.approx(at, abs=CAP)


def test_a_marker_beside_a_cap_does_not_move_it() -> None:
    at = 12.35
    amount = error_bar(at, 40.0, cap=at)
    amount[7:12, : round(X) - 2] = 2.0  # darker than the cap, and higher up: the lower edge of a black disc
    assert cap_centre(amount, X, at, 4.0, 4.0, 1.2) == pytest.approx(at, abs=CAP)


def test_a_pale_band_beneath_a_cap_does_not_move_it() -> None:
    at = 12.35
    amount = np.maximum(error_bar(at, 40.0, cap=at), 0.3)
    assert cap_centre(amount, X, at + 0.6, 4.0, 4.0, 1.2) == pytest.approx(at, abs=CAP)


def test_without_a_cap_there_is_no_middle() -> None:
    assert cap_centre(error_bar(12.0, 40.0), X, 12.0, 4.0, 4.0, 1.2) is None
    assert cap_centre(np.zeros((52, 60)), X, 12.0, 4.0, 4.0, 1.2) is None


def test_a_cap_hidden_by_other_ink_has_no_middle() -> None:
    amount = error_bar(12.0, 40.0, cap=12.0)
    amount[6:19] = np.nan
    assert cap_centre(amount, X, 12.0, 4.0, 4.0, 1.2) is None


def thick_bar(top: float, cap_half: float, level: float) -> FloatArray:
    """A stroke 6 px wide from 30 up to `top`, with a cap as thick that reaches `cap_half` to both sides; 0 for none."""
    amount = np.zeros((52, 60))
    amount[round(top) : 31, round(X) - 3 : round(X) + 3] = level
    if cap_half:
        amount[round(top) : round(top) + 6, round(X - cap_half) : round(X + cap_half)] = level
    return amount


@pytest.mark.parametrize("level", [1.0, 0.4])
@pytest.mark.parametrize("off", [-1.0, 2.0])
def test_a_cap_hardly_wider_than_its_stroke_is_found(level: float, off: float) -> None:
    top = 8.0
    found = cap_at_end(thick_bar(top, 7.0, level), X, top + off, upward=True, reach=5.0)
    assert found == pytest.approx(top + 2.5)  # of six rows
    turned = cap_at_end(thick_bar(top, 7.0, level)[::-1], X, 51 - top - off, upward=False, reach=5.0)
    assert turned == pytest.approx(51 - top - 2.5)


def test_a_bare_end_of_a_stroke_is_no_cap() -> None:
    assert cap_at_end(thick_bar(8.0, 0.0, 1.0), X, 8.0, upward=True, reach=5.0) is None
    assert cap_at_end(np.zeros((52, 60)), X, 8.0, upward=True, reach=5.0) is None


@pytest.mark.parametrize("end", [12.0, 12.25, 12.5, 12.85])
@pytest.mark.parametrize("level", [1.0, 0.4])
@pytest.mark.parametrize("off", [-0.8, 0.8])
def test_the_end_of_a_stroke_is_found(end: float, level: float, off: float) -> None:
    upper = level * error_bar(end, 40.0)
    assert stroke_end(upper, X, end + off, upward=True, half_width=1.2) == pytest.approx(end, abs=CLOSE)
    lower = level * error_bar(12.0, 20.0 + end)
    assert stroke_end(lower, X, 20.0 + end + off, upward=False, half_width=1.2) == pytest.approx(20.0 + end, abs=CLOSE)


@pytest.mark.parametrize("end", [10.0, 11.5, 18.0])
def test_a_stroke_goes_on_beneath_a_line_that_crosses_it(end: float) -> None:
    amount = error_bar(end, 40.0)
    amount[13:18] = np.nan
    assert stroke_end(amount, X, 16.0, upward=True, half_width=1.2) == pytest.approx(end, abs=CLOSE)


def test_where_no_stroke_shows_there_is_no_end() -> None:
    assert stroke_end(np.zeros((52, 60)), X, 12.0, upward=True, half_width=1.2) is None
    assert stroke_end(np.full((52, 60), np.nan), X, 12.0, upward=False, half_width=1.2) is None


def test_the_amount_of_a_colour_is_its_share_of_the_way_from_the_paper() -> None:
    paper, red = np.array([255, 255, 255], dtype=np.float32), (214, 39, 40)
    shares = np.array([0.0, 0.25, 0.5, 1.0])
    crop = np.rint(paper + shares[:, None] * (np.array(red) - paper)).astype(np.uint8)[None]
    # Rounded to whole grey levels: half of one in about 200.
    assert ink_amount(crop, paper, red)[0] == pytest.approx(shares, abs=0.005)


def test_other_ink_hides_a_colour() -> None:
    paper = np.array([255, 255, 255], dtype=np.float32)
    crop = np.array([[[214, 39, 40], [31, 119, 180], [0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    assert np.isnan(ink_amount(crop, paper, (214, 39, 40))[0]).tolist() == [False, True, True, False]


def test_grey_lies_on_the_way_to_black() -> None:
    paper = np.array([255, 255, 255], dtype=np.float32)
    crop = np.array([[[127, 127, 127], [0, 0, 0]]], dtype=np.uint8)
    assert ink_amount(crop, paper, (0, 0, 0))[0] == pytest.approx([128 / 255, 1.0])
