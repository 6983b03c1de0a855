"""Error bars found on strokes drawn here, whose every end is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.errorbars import ErrorBar, Stem, find_stems, pair_error_bars, reconciled
from digitize.markers import STYLES, Marker
from digitize.network import DetectedEnd

HEIGHT, WIDTH, X = 120, 60, 30.3
# Ends are whole rows (those with ink) and the middles of caps half rows; refine.py does the rest.
CLOSE = 0.8
NO_END = DetectedEnd(0.0, 0.0, 0.0, 0.0, False)


def span(n: int, lo: float, hi: float) -> NDArray[np.float64]:
    """Share of each of n pixels between two positions."""
    k = np.arange(n)
    return np.asarray(np.clip(np.minimum(k + 0.5, hi) - np.maximum(k - 0.5, lo), 0, 1), dtype=np.float64)


@dataclass
class Drawing:
    """Ink of one layer, as it is drawn, and what other ink hides of it."""

    ink: NDArray[np.float64] = field(default_factory=lambda: np.zeros((HEIGHT, WIDTH)))
    hidden: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((HEIGHT, WIDTH), dtype=bool))

    def box(self, x0: float, y0: float, x1: float, y1: float, level: float = 1.0) -> Drawing:
        cover = span(HEIGHT, y0, y1)[:, None] * span(WIDTH, x0, x1)
        self.ink = self.ink * (1 - cover) + cover * level
        return self

    def stem(self, y0: float, y1: float, *, caps: Sequence[float] = (), level: float = 1.0, x: float = X, width: float = 1.6) -> Drawing:
        """A stroke and caps of 4 px to each side."""
        self.box(x - width / 2, y0, x + width / 2, y1, level)
        for y in caps:
            self.box(x - 4, y - 0.8, x + 4, y + 0.8, level)
        return self

    def disc(self, y: float, radius: float = 5.0, *, is_open: bool = False, level: float = 1.0) -> Drawing:
        ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH]
        away = np.hypot(xs - X, ys - y)
        self.ink = np.where(away < radius + 0.5, level, self.ink)
        if is_open:
            self.ink = np.where(away < radius - 1.2, 0.0, self.ink)
        return self

    def hide(self, y0: int, y1: int, x0: int = 0, x1: int = WIDTH) -> Drawing:
        """Other ink over rows y0 to y1: what lies beneath does not show."""
        self.hidden[y0:y1, x0:x1] = True
        self.ink = np.where(self.hidden, 0.0, self.ink)
        return self

    @property
    def line(self) -> NDArray[np.float32]:
        return np.where(self.ink > 0.1, np.clip(self.ink * 2, 0, 1), 0).astype(np.float32)

    def stems(self) -> tuple[Stem, ...]:
        strength = np.where(self.hidden, 255.0, 255 * self.ink).astype(np.float32)
        return find_stems(self.line, self.hidden, strength)

    def bars(self, *markers: Marker, levels: Sequence[float] | None = None, evenness: float = 1.0) -> list[ErrorBar]:
        levels = levels if levels is not None else [1.0] * len(markers)
        return pair_error_bars(markers, levels, self.stems(), self.line, self.hidden, evenness=evenness)


def marker(y: float, size: float = 5.0, *, x: float = X, up: DetectedEnd = NO_END, down: DetectedEnd = NO_END) -> Marker:
    return Marker(x, y, size, np.eye(len(STYLES), dtype=np.float32)[0], 0.9, up, down)


def ends(bar: ErrorBar) -> tuple[float | None, float | None]:
    return bar.top, bar.bottom


def test_a_stem_with_caps() -> None:
    drawing = Drawing().stem(20, 90, caps=(20, 90)).disc(55)
    (stem,) = drawing.stems()
    assert stem.x == pytest.approx(X, abs=0.3)
    assert [c.y for c in stem.caps if c.is_free] == pytest.approx([20, 90], abs=CLOSE)
    (bar,) = drawing.bars(marker(55))
    assert ends(bar) == pytest.approx((20, 90), abs=CLOSE)
    assert bar.top_capped
    assert bar.bottom_capped
    assert bar.flags == ()


def test_the_reach_of_a_cap_is_measured_from_the_stem() -> None:
    (stem,) = Drawing().stem(20, 90, caps=(20,)).stems()
    (cap,) = stem.caps
    assert (cap.left, cap.right) == pytest.approx((4, 4), abs=1.0)
    assert cap.level == pytest.approx(1.6, abs=0.3)  # ink across, 1.6 px of it; a stroke in its middle adds nothing


def test_a_stem_without_caps_ends_where_its_ink_ends() -> None:
    drawing = Drawing().stem(20, 90).disc(55)
    (bar,) = drawing.bars(marker(55))
    # Whole rows, and one more that the search for strokes may cost.
    assert ends(bar) == pytest.approx((20, 90), abs=1.2)
    assert not bar.top_capped
    assert not bar.bottom_capped


def test_a_marker_without_a_stem_has_no_bar() -> None:
    (bar,) = Drawing().disc(55).bars(marker(55))
    assert bar == ErrorBar()


def test_a_one_sided_bar_has_one_end() -> None:
    (bar,) = Drawing().stem(20, 55, caps=(20,)).disc(55).bars(marker(55))
    assert bar.top == pytest.approx(20, abs=CLOSE)
    assert bar.bottom is None
    assert not bar.bottom_hidden


def test_both_halves_behind_an_open_marker_are_one_stem() -> None:
    drawing = Drawing().stem(20, 90, caps=(20, 90)).disc(55, is_open=True)
    (stem,) = (s for s in drawing.stems() if abs(s.x - X) < 1)  # the ring's own sides may count as strokes: they are in other columns
    assert (stem.y0, stem.y1) == pytest.approx((20, 90), abs=3.2)  # caps are not part of the stroke
    (bar,) = drawing.bars(marker(55))
    assert ends(bar) == pytest.approx((20, 90), abs=CLOSE)


def test_two_bars_above_one_another_with_paper_between_are_two_stems() -> None:
    drawing = Drawing().stem(10, 40, caps=(10, 40)).stem(55, 100, caps=(55, 100)).disc(25).disc(80)
    assert len(drawing.stems()) == 2
    upper, lower = drawing.bars(marker(25), marker(80))
    assert ends(upper) == pytest.approx((10, 40), abs=CLOSE)
    assert ends(lower) == pytest.approx((55, 100), abs=CLOSE)
    assert upper.flags == lower.flags == ()


def test_strokes_above_and_below_a_tall_open_box_are_two_stems() -> None:
    # Ink at both sides all the way, as in an open marker, but no marker is as high as two digits and a half.
    drawing = Drawing().stem(10, 40).stem(70, 100).box(X - 7, 40, X - 5, 70).box(X + 5, 40, X + 7, 70)
    assert len([s for s in drawing.stems() if abs(s.x - X) < 1]) == 2


def test_halves_that_do_not_touch_their_marker_are_one_bar() -> None:
    drawing = Drawing().stem(20, 49.5, caps=(20,)).stem(60.5, 90, caps=(90,)).disc(55, 1.5)
    assert len(drawing.stems()) == 2
    (bar,) = drawing.bars(marker(55))
    assert ends(bar) == pytest.approx((20, 90), abs=CLOSE)


def test_a_stem_goes_on_beneath_other_ink() -> None:
    drawing = Drawing().stem(20, 100, caps=(20, 100)).disc(45).hide(60, 75)
    assert len(drawing.stems()) == 1
    (bar,) = drawing.bars(marker(45))
    assert ends(bar) == pytest.approx((20, 100), abs=CLOSE)


def test_an_end_under_other_ink_is_not_where_the_ink_begins() -> None:
    drawing = Drawing().stem(20, 90, caps=(20, 90)).disc(55).hide(78, 100)
    (bar,) = drawing.bars(marker(55))
    assert bar.top == pytest.approx(20, abs=CLOSE)
    assert bar.bottom is None
    assert bar.bottom_hidden
    assert not bar.top_hidden


def test_an_upper_end_under_other_ink_is_not_where_the_ink_begins() -> None:
    drawing = Drawing().stem(20, 90, caps=(20, 90)).disc(55).hide(10, 32)
    (bar,) = drawing.bars(marker(55))
    assert bar.bottom == pytest.approx(90, abs=CLOSE)
    assert bar.top is None
    assert bar.top_hidden
    assert not bar.bottom_hidden


def test_a_marker_under_other_ink_at_both_sides_may_have_a_bar() -> None:
    (bar,) = Drawing().disc(55).hide(30, 50).hide(61, 80).bars(marker(55))
    assert ends(bar) == (None, None)
    assert bar.top_hidden
    assert bar.bottom_hidden


def test_caps_of_two_greys_go_to_the_markers_of_their_grey() -> None:
    # The dark bar encloses the grey one: sharing out by evenness alone would give 20 to 70 and 30 to 80.
    drawing = Drawing().stem(30, 70, caps=(30, 70), level=0.5).stem(20, 80, caps=(20, 80)).disc(45).disc(55, level=0.5)
    drawing.box(X - 4, 29.2, X - 0.8, 30.8, 0.5).box(X + 0.8, 29.2, X + 4, 30.8, 0.5)
    dark, grey = drawing.bars(marker(45), marker(55), levels=(1.0, 0.5))
    assert ends(dark) == pytest.approx((20, 80), abs=CLOSE)
    assert ends(grey) == pytest.approx((30, 70), abs=CLOSE)
    assert dark.flags == grey.flags == ("shared_stem",)


def test_caps_of_one_grey_are_shared_out_so_that_bars_are_even() -> None:
    # Crossed bars, and one within the other.
    drawing = Drawing().stem(20, 90, caps=(20, 32, 72, 90)).disc(46).disc(61)
    upper, lower = drawing.bars(marker(46), marker(61))
    assert ends(upper) == pytest.approx((20, 72), abs=CLOSE)
    assert ends(lower) == pytest.approx((32, 90), abs=CLOSE)
    drawing = Drawing().stem(5, 85, caps=(5, 54, 70, 85)).disc(45).disc(62)
    upper, lower = drawing.bars(marker(45), marker(62))
    assert ends(upper) == pytest.approx((5, 85), abs=CLOSE)
    assert ends(lower) == pytest.approx((54, 70), abs=CLOSE)


def test_the_order_of_markers_does_not_matter() -> None:
    drawing = Drawing().stem(20, 90, caps=(20, 32, 72, 90)).disc(46).disc(61)
    assert drawing.bars(marker(61), marker(46)) == drawing.bars(marker(46), marker(61))[::-1]


def test_a_bar_turned_upside_down_gives_the_same_ends() -> None:
    drawing = Drawing().stem(20, 90, caps=(20, 90)).disc(45)
    (bar,) = drawing.bars(marker(45))
    turned = Drawing(drawing.ink[::-1].copy(), drawing.hidden[::-1].copy())
    (other,) = turned.bars(marker(HEIGHT - 1 - 45))
    assert bar.top is not None
    assert bar.bottom is not None
    assert ends(other) == pytest.approx((HEIGHT - 1 - bar.bottom, HEIGHT - 1 - bar.top), abs=0.5)


def test_a_stub_that_reaches_little_beyond_its_marker_is_found() -> None:
    drawing = Drawing().stem(46.5, 63.5, caps=(46.5, 63.5), width=3.2).disc(55)
    (bar,) = drawing.bars(marker(55))
    # Where the ink ends, at the cap's far edge.
    assert ends(bar) == pytest.approx((45.7, 64.3), abs=1.2)
    assert bar.top_capped
    assert bar.bottom_capped


def test_sides_of_an_open_square_are_no_error_bars() -> None:
    drawing = Drawing().box(X - 6, 49, X + 6, 61)
    drawing.ink[51:60, round(X - 6) + 2 : round(X + 6) - 1] = 0.0
    (bar,) = drawing.bars(marker(55, 6.0))
    assert bar == ErrorBar()


def test_a_sloped_line_is_no_stem() -> None:
    drawing = Drawing()
    for y in range(20, 90):
        drawing.box(X + 0.3 * (y - 55) - 0.8, y - 0.5, X + 0.3 * (y - 55) + 0.8, y + 0.5)
    assert drawing.stems() == ()


def test_a_stem_in_the_column_of_no_marker_is_nobodys() -> None:
    (bar,) = Drawing().stem(20, 90, caps=(20, 90), x=X + 8).disc(55).bars(marker(55))
    assert bar == ErrorBar()


# Ink of the layer wherever an end may be seen.
INKED = np.ones((HEIGHT, WIDTH), dtype=np.float32)


def seen_end(y: float, *, probability: float = 0.95, seen: float = 0.95, is_snapped: bool = True, of: float = 55.0) -> DetectedEnd:
    return DetectedEnd(probability, seen, abs(y - of), y, is_snapped)


def test_ends_that_agree_stay_where_the_strokes_show_them() -> None:
    bar = ErrorBar(20.0, 90.0, top_capped=True)
    found = reconciled(bar, marker(55, up=seen_end(21.0), down=seen_end(91.5)), INKED)
    assert found == bar


def test_an_end_seen_elsewhere_is_moved_there_and_flagged() -> None:
    found = reconciled(ErrorBar(20.0, 90.0), marker(55, up=seen_end(35.0), down=seen_end(90.0)), INKED)
    assert ends(found) == (35.0, 90.0)
    assert found.flags == ("end_doubtful",)


def test_an_end_that_only_the_strokes_show_is_flagged() -> None:
    found = reconciled(ErrorBar(20.0, 90.0), marker(55, up=NO_END, down=seen_end(90.0)), INKED)
    assert ends(found) == (20.0, 90.0)
    assert found.flags == ("end_doubtful",)


def test_an_end_guessed_elsewhere_without_being_seen_does_not_move_it_but_flags_it() -> None:
    found = reconciled(ErrorBar(20.0, 90.0), marker(55, up=seen_end(35.0, is_snapped=False), down=seen_end(90.0)), INKED)
    assert ends(found) == (20.0, 90.0)
    assert found.flags == ("end_doubtful",)


def test_an_end_that_the_strokes_miss_is_taken_where_it_is_seen() -> None:
    found = reconciled(ErrorBar(None, 90.0), marker(55, up=seen_end(20.0, probability=0.7), down=seen_end(90.0)), INKED)
    assert ends(found) == (20.0, 90.0)
    assert found.flags == ("end_doubtful",)


def test_an_end_said_to_be_there_but_covered_stays_open() -> None:
    found = reconciled(ErrorBar(None, 90.0), marker(55, up=seen_end(20.0, seen=0.1), down=seen_end(90.0)), INKED)
    assert found.top is None
    assert found.top_hidden


def test_an_end_seen_where_the_layer_has_no_ink_is_anothers() -> None:
    line = INKED.copy()
    line[25:45] = 0.0
    moved = reconciled(ErrorBar(20.0, 90.0), marker(55, up=seen_end(35.0), down=seen_end(90.0)), line)
    assert ends(moved) == (20.0, 90.0)
    assert moved.flags == ("end_doubtful",)
    missed = reconciled(ErrorBar(None, 90.0), marker(55, up=seen_end(35.0), down=seen_end(90.0)), line)
    assert missed.top is None


def test_flags_of_the_strokes_are_kept() -> None:
    found = reconciled(ErrorBar(20.0, 90.0, flags=("shared_stem",)), marker(55, up=seen_end(35.0), down=seen_end(60.0)), INKED)
    assert found.flags == ("shared_stem", "end_doubtful")
