"""Legends: text boxes made by hand beside keys drawn on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.legend import LegendEntry, find_legend, is_word, may_be_key
from digitize.ocr import TextBox

HEIGHT = 12.0
PLOT = (20, 20, 380, 280)
NAMES = ("Placebo", "Magnesium", "Ketamine")
ROWS = (60, 82, 104)
Key = tuple[int, int, int, int]


def paper() -> NDArray[np.uint8]:
    return np.full((320, 420, 3), 255, dtype=np.uint8)


def text(name: str, x: float, y: float, *, width: float | None = None, confidence: float = 0.95, rotation: Literal[0, 90] = 0) -> TextBox:
    """A name whose middle stands at the row y; 7 px a letter."""
    right = x + (width if width is not None else 7 * len(name))
    return TextBox((x, y - 6, right, y + 6), rotation, name, confidence, "", 0.0, HEIGHT)


def draw_key(image: NDArray[np.uint8], x: int, y: int, color: tuple[int, int, int] = (0, 0, 0), *, line: bool = True) -> Key:
    """A disc, on a line of 30 px where asked for; returns its box."""
    cv2.circle(image, (x + 15, y), 4, color, -1)
    if line:
        cv2.line(image, (x, y), (x + 30, y), color, 2)
        return x, y - 4, x + 30, y + 4
    return x + 11, y - 4, x + 19, y + 4


def column(image: NDArray[np.uint8], x: int = 250, *, keys: Sequence[bool] = (True, True, True), side: str = "left") -> list[TextBox]:
    """Three names below one another and the keys beside them."""
    texts = []
    for name, y, has_key in zip(NAMES, ROWS, keys, strict=True):
        width = 70.0
        texts.append(text(name, x, y, width=width))
        if has_key:
            draw_key(image, x - 38 if side == "left" else x + 78, y)
    return texts


def assert_keys(entries: Sequence[LegendEntry], x0: int, x1: int) -> None:
    for entry, y in zip(entries, ROWS, strict=True):
        # Two pixels: the line's rounded ends.
        assert (entry.key_box[0], entry.key_box[2]) == pytest.approx((x0, x1), abs=2)
        assert entry.key_box[1] < y < entry.key_box[3]


def test_keys_to_the_left_of_names() -> None:
    image = paper()
    entries = find_legend(image, column(image), PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    assert_keys(entries, 212, 242)


def test_keys_to_the_right_of_names() -> None:
    image = paper()
    entries = find_legend(image, column(image, 200, side="right"), PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    assert_keys(entries, 278, 308)


def test_boxes_of_keys_hold_their_marks() -> None:
    image = paper()
    box = draw_key(image, 212, 60, line=False)
    draw_key(image, 212, 82, line=False)
    entries = find_legend(image, [text("Placebo", 250, 60), text("Magnesium", 250, 82)], PLOT, HEIGHT)
    assert entries[0].key_box == pytest.approx(box, abs=1)
    assert entries[0].text_box == (250, 54, 299, 66)


def test_the_order_of_texts_does_not_matter() -> None:
    image = paper()
    texts = column(image)
    assert find_legend(image, texts[::-1], PLOT, HEIGHT) == find_legend(image, texts, PLOT, HEIGHT)


def test_names_in_a_row() -> None:
    image = paper()
    texts = []
    for name, x in zip(NAMES, (70, 180, 300), strict=True):
        texts.append(text(name, x, 60))
        draw_key(image, x - 38, 60)
    entries = find_legend(image, texts, PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    for entry, x in zip(entries, (70, 180, 300), strict=True):
        assert (entry.key_box[0], entry.key_box[2]) == pytest.approx((x - 38, x - 8), abs=2)


def test_a_key_that_cannot_be_told_stands_where_the_others_do() -> None:
    image = paper()
    texts = column(image, keys=(True, False, True))
    entries = find_legend(image, texts, PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    assert_keys(entries, 212, 242)


def test_a_key_that_runs_into_other_ink_stands_where_the_others_do() -> None:
    image = paper()
    texts = column(image)
    cv2.line(image, (100, 82), (242, 82), (0, 0, 0), 2)  # a curve that ends at the second key
    entries = find_legend(image, texts, PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    assert_keys(entries, 212, 242)


def test_a_name_whose_box_has_swallowed_its_key_is_cut_in_two() -> None:
    image = paper()
    texts = column(image)
    texts[2] = text(NAMES[2], 212, ROWS[2], width=108)
    entries = find_legend(image, texts, PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    assert_keys(entries, 212, 242)
    assert (entries[2].text_box[0], entries[2].text_box[2]) == (250, 320)  # it begins where the others do


def test_a_name_whose_box_has_swallowed_a_mark_before_it_is_cut_in_two() -> None:
    image = paper()
    texts = column(image)
    texts[2] = text(NAMES[2], 238, ROWS[2], width=82)
    cv2.circle(image, (242, ROWS[2] + 3), 3, (0, 0, 0), -1)
    entries = find_legend(image, texts, PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    assert (entries[2].text_box[0], entries[2].text_box[2]) == (250, 320)


def test_keys_far_right_of_names_that_were_taken_for_small_print_are_found() -> None:
    image = paper()
    # 40 px: three heights of the digits and more, and four of what the names were taken for.
    texts = [replace(text(name, 100, y, width=70), height=0.7 * HEIGHT) for name, y in zip(NAMES[:2], ROWS[:2], strict=True)]
    for y in ROWS[:2]:
        draw_key(image, 194, y, line=False)
    cv2.line(image, (PLOT[0], ROWS[1] + 2), (PLOT[0] + 8, ROWS[1] + 2), (0, 0, 0), 1)  # a tick within the plot
    entries = find_legend(image, texts, PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES[:2])
    assert [(e.key_box[0], e.key_box[2]) for e in entries] == [(205, 213)] * 2


def test_words_without_keys_are_no_legend() -> None:
    image = paper()
    assert find_legend(image, column(image, keys=(False, False, False)), PLOT, HEIGHT) == ()


def test_no_words_are_no_legend() -> None:
    image = paper()
    draw_key(image, 212, 60)
    assert find_legend(image, [], PLOT, HEIGHT) == ()
    assert find_legend(image, [text("12", 250, 60)], PLOT, HEIGHT) == ()


def test_ink_far_from_a_name_is_no_key() -> None:
    image = paper()
    draw_key(image, 150, 60)  # 70 px before the name: more than 3.2 heights of clear paper
    assert find_legend(image, [text("Placebo", 250, 60)], PLOT, HEIGHT) == ()


def test_names_above_the_plot_or_left_of_it_are_none_of_its_legend() -> None:
    image = paper()
    draw_key(image, 212, 60)
    name = [text("Placebo", 250, 60)]
    assert len(find_legend(image, name, PLOT, HEIGHT)) == 1
    assert find_legend(image, name, (20, 100, 380, 280), HEIGHT) == ()
    assert find_legend(image, name, (350, 20, 410, 280), HEIGHT) == ()


def test_keys_on_coloured_paper() -> None:
    image = paper()
    image[:] = (200, 200, 200)
    entries = find_legend(image, column(image), PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    assert_keys(entries, 212, 242)


def test_an_enlarged_legend_has_enlarged_boxes() -> None:
    image = paper()
    texts = column(image)
    large = np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    doubled = [replace(t, box=(2 * t.box[0], 2 * t.box[1], 2 * t.box[2] + 1, 2 * t.box[3] + 1), height=2 * t.height) for t in texts]
    once = find_legend(image, texts, PLOT, HEIGHT)
    twice = find_legend(large, doubled, (40, 40, 760, 560), 2 * HEIGHT)
    for small, big in zip(once, twice, strict=True):
        assert big.name == small.name
        assert np.array(big.key_box) == pytest.approx(2 * np.array(small.key_box), abs=2)


@pytest.mark.parametrize(
    ("name", "confidence", "rotation", "expected"),
    [
        ("Placebo", 0.95, 0, True),
        ("MgSO4 (2 g)", 0.9, 0, True),
        ("Placebo", 0.5, 0, False),  # too unsure
        ("Placebo", 0.95, 90, False),  # the title of the y axis
        ("o", 0.95, 0, False),  # a marker read as a letter
        ("12.5", 0.95, 0, False),
        ("10 to 20 mg", 0.9, 0, True),
        ("OA", 0.75, 0, False),  # circles over one another
        ("CA", 0.97, 0, True),
        ("DD", 0.95, 0, False),  # two open triangles beside one another
        ("1234567 ab", 0.9, 0, False),  # a number with two letters
        ("一一", 0.9, 0, False),  # dashes read as signs
    ],
)
def test_what_is_a_word(name: str, confidence: float, rotation: Literal[0, 90], expected: bool) -> None:
    assert is_word(text(name, 0, 10, confidence=confidence, rotation=rotation), HEIGHT) is expected


def test_strokes_as_tall_as_three_lines_of_labels_are_no_word() -> None:
    """Two error bars beside one another read as `LI`: taken for a name, they would take the markers beside them for its key."""
    assert not is_word(replace(text("LI", 0, 10, confidence=0.83), height=3 * HEIGHT), HEIGHT)


LEGEND = tuple(LegendEntry(name, (250, y, 300, y + 12), (210, y, 240, y + 12)) for name, y in (("Active", 40), ("Placebo", 60)))


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(225, 86, True), (225, 26, True), (225, 110, False), (225, 0, False), (200, 86, False), (260, 86, False)],
)
def test_a_mark_in_line_with_keys_may_be_one(x: float, y: float, expected: bool) -> None:
    assert may_be_key(x, y, LEGEND) == expected


def test_without_a_legend_no_mark_is_a_key() -> None:
    assert not may_be_key(225, 86, ())


@pytest.mark.parametrize("gap", [0, 3])
def test_patches_below_one_another_are_a_key_each(gap: int) -> None:
    image = paper()
    colors = ((0, 0, 0), (200, 40, 40), (136, 136, 136))
    for y, color in zip(ROWS, colors, strict=True):
        cv2.rectangle(image, (214, y - 11 + gap), (236, y + 10 - gap), color, -1)
        cv2.rectangle(image, (214, y - 11 + gap), (236, y + 10 - gap), (0, 0, 0), 1)
    entries = find_legend(image, column(image, keys=(False, False, False)), PLOT, HEIGHT)
    assert [e.name for e in entries] == list(NAMES)
    for entry, y, color in zip(entries, ROWS, colors, strict=True):
        x0, y0, x1, y1 = entry.key_box
        assert (x0, x1) == (214, 236)
        assert y - 12 <= y0 < y < y1 <= y + 11  # nothing of the key above or below
        assert (image[y0 + 2 : y1 - 1, x0 + 2 : x1 - 1] == color).all()


def test_ink_outside_the_plot_is_no_key_of_a_name_inside() -> None:
    """The tick marks left of the plot stand beside names whose keys are to their right."""
    image = paper()
    texts = [text(name, 30, y, width=70.0) for name, y in zip(NAMES, ROWS, strict=True)]
    for y in ROWS:
        cv2.line(image, (4, y), (16, y), (0, 0, 0), 2)
        draw_key(image, 108, y)
    assert_keys(find_legend(image, texts, PLOT, HEIGHT), 108, 138)


def test_a_name_that_lost_its_end_to_a_line_of_the_plot_has_a_key_still() -> None:
    image = paper()
    texts = [text(name, 130 - width, y, width=width) for name, y, width in zip(NAMES, ROWS, (60.0, 70.0, 30.0), strict=True)]
    texts[2] = text("Keta", 60, ROWS[2], width=28.0)  # of "Ketamine", whose end a line crosses
    for y in ROWS:
        draw_key(image, 138, y)
    entries = find_legend(image, texts, PLOT, HEIGHT)
    assert [e.name for e in entries] == ["Placebo", "Magnesium", "Keta"]
    assert_keys(entries, 138, 168)
