"""Series told apart by what their markers look like; markers and ink are made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.ink import Ink, Layer
from digitize.looks import Looks, Seen, distinct, looks_of_markers, named, resemblance, see
from digitize.markers import STYLES, Marker
from digitize.network import DetectedEnd

NO_END = DetectedEnd(0.0, 0.0, 0.0, 0.0, False)
BLACK, BLUE, RED = (0, 0, 0), (31, 119, 180), (214, 39, 40)
X = tuple(range(20, 120, 20))


def ink(*colors: tuple[int, int, int]) -> Ink:
    """White paper with one layer a colour, each in rows of its own: 0 to 49, 50 to 99, ..."""
    shape = (50 * len(colors), 140)
    strength = np.zeros(shape, dtype=np.float32)
    layers = []
    for k, color in enumerate(colors):
        amount = np.zeros(shape, dtype=np.float32)
        amount[50 * k : 50 * k + 50] = 1.0
        strength[50 * k : 50 * k + 50] = 255 - min(color)
        layers.append(Layer(amount, float(255 - min(color)), color, color == BLACK))
    return Ink(strength, np.full(3, 255, dtype=np.float32), tuple(layers))


def likeness(style: str, other: str = "circle-open", share: float = 0.1) -> NDArray[np.float32]:
    """Probabilities of the styles, most of it for one."""
    values = np.zeros(len(STYLES), dtype=np.float32)
    values[STYLES.index(other)] = share
    values[STYLES.index(style)] += 1 - share
    return values


def seen(x: float, y: float, style: str = "circle", *, layer: int = 0, level: float = 1.0, score: float = 0.9, share: float = 0.1) -> Seen:
    return Seen(layer, level, Marker(x, y, 5.0, likeness(style, share=share), score, NO_END, NO_END))


def row(y: float, style: str = "circle", *, layer: int = 0, level: float = 1.0, share: float = 0.1) -> list[Seen]:
    return [seen(x, y, style, layer=layer, level=level, share=share) for x in X]


def test_every_hue_is_a_series() -> None:
    looks = looks_of_markers([*row(20), *row(70, layer=1)], ink(BLUE, RED), ())
    assert [(k.layer, k.color, k.style) for k in looks] == [(0, BLUE, "circle"), (1, RED, "circle")]


def test_a_layer_without_markers_is_no_series() -> None:
    assert [k.layer for k in looks_of_markers(row(70, layer=1), ink(BLUE, RED), ())] == [1]
    assert looks_of_markers([], ink(BLUE), ()) == []


def test_black_markers_of_two_styles_are_two_series() -> None:
    looks = looks_of_markers([*row(10), *row(40, "square-open")], ink(BLACK), ())
    assert {k.style for k in looks} == {"circle", "square-open"}


def test_one_marker_that_looks_otherwise_is_no_series() -> None:
    markers = row(10)
    markers[2] = seen(60, 10, "square")
    assert [k.style for k in looks_of_markers(markers, ink(BLACK), ())] == ["circle"]


def test_styles_that_cannot_be_told_apart_are_one_series() -> None:
    markers = [*row(10, "circle", share=0.45), *row(40, "circle-open")]
    unsure = [seen(x, 40, "circle-open", share=0.0) for x in X]
    for k, m in enumerate(unsure):
        m.marker.likeness[:] = 0
        m.marker.likeness[STYLES.index("circle")], m.marker.likeness[STYLES.index("circle-open")] = (0.48, 0.52) if k % 2 else (0.52, 0.48)
    assert len(looks_of_markers([*row(10, share=0.45), *unsure], ink(BLACK), ())) == 1
    assert len(looks_of_markers([*row(10, share=0.0), *markers[len(X) :]], ink(BLACK), ())) == 2


def test_markers_of_one_colour_that_never_stand_above_one_another_are_one_series() -> None:
    # Two styles whose likeness differs by 0.3: enough to be two series where they are stacked, not where they take turns.
    def unsure(x: float, y: float, style: str) -> Seen:
        one = seen(x, y, style, share=0.0)
        one.marker.likeness[:] = 0
        one.marker.likeness[STYLES.index("circle")], one.marker.likeness[STYLES.index("square")] = (
            (0.65, 0.35) if style == "circle" else (0.35, 0.65)
        )
        return one

    turns = [unsure(x, 20, "square" if k % 2 else "circle") for k, x in enumerate(X)]
    assert len(looks_of_markers(turns, ink(BLUE), ())) == 1
    others = [unsure(x, 40, "circle" if k % 2 else "square") for k, x in enumerate(X)]
    assert len(looks_of_markers([*turns, *others], ink(BLUE), ())) == 2


def test_black_and_grey_markers_of_one_style_are_two_series() -> None:
    looks = looks_of_markers([*row(10, level=1.0), *row(40, level=0.5)], ink(BLACK), ())
    assert sorted(k.level for k in looks) == [0.5, 1.0]
    assert sorted(k.color for k in looks) == [(0, 0, 0), (128, 128, 128)]


def test_two_depths_of_a_colour_are_one_series() -> None:
    # Pale rims and dark cores of one hue: only greys are told apart by depth.
    looks = looks_of_markers([*row(10, level=0.9), *row(40, level=0.6)], ink(BLUE), ())
    assert len(looks) == 1


def test_a_single_marker_of_another_grey_is_no_series() -> None:
    markers = row(10)
    markers[0] = seen(X[0], 10, level=0.5)
    assert [k.level for k in looks_of_markers(markers, ink(BLACK), ())] == [1.0]


def test_one_key_for_black_means_one_series_unless_the_styles_differ_surely() -> None:
    key = Looks(0, "circle", 1.0, BLACK, "Placebo")
    near = [*row(10, share=0.0), *row(40, "circle-open", share=0.0)]
    for m in near:
        a, b = (0.65, 0.35) if m.marker.style == "circle" else (0.35, 0.65)
        m.marker.likeness[STYLES.index("circle")], m.marker.likeness[STYLES.index("circle-open")] = a, b
    assert len(looks_of_markers(near, ink(BLACK), (key,))) == 1
    assert len(looks_of_markers(near, ink(BLACK), (key, key))) == 2
    sure = [*row(10, share=0.0), *row(40, "circle-open", share=0.0)]
    assert len(looks_of_markers(sure, ink(BLACK), (key,))) == 2


def look(style: str, *, layer: int = 0, level: float = 1.0, name: str = "") -> Looks:
    return Looks(layer, style, level, BLACK, name)


def names(looks: list[Looks]) -> list[str]:
    return [k.name for k in looks]


def test_keys_name_series_by_hue_whatever_the_order() -> None:
    looks = [look("circle"), look("circle", layer=1)]
    keys = [look("circle", layer=1, name="Magnesium"), look("circle", name="Placebo")]
    assert names(named(looks, keys)) == ["Placebo", "Magnesium"]
    assert names(named(looks, keys[::-1])) == ["Placebo", "Magnesium"]


def test_keys_name_series_by_style_and_fill() -> None:
    looks = [look("square"), look("circle-open"), look("circle")]
    keys = [look(style, name=style) for style in ("circle", "square", "circle-open")]
    assert names(named(looks, keys)) == ["square", "circle-open", "circle"]


def test_keys_name_series_by_darkness() -> None:
    looks = [look("circle", level=0.45), look("circle", level=0.95)]
    keys = [look("circle", level=1.0, name="dark"), look("circle", level=0.5, name="pale")]
    assert names(named(looks, keys)) == ["pale", "dark"]


def test_no_key_names_two_series() -> None:
    looks = [look("circle"), look("square")]
    assert names(named(looks, [look("circle", name="Placebo")])) == ["Placebo", ""]


def test_a_key_of_another_hue_names_nothing() -> None:
    assert names(named([look("circle")], [look("circle", layer=1, name="Magnesium")])) == [""]


def test_without_keys_nothing_is_named() -> None:
    looks = [look("circle"), look("square")]
    assert named(looks, []) == looks


def test_of_detections_of_one_marker_the_surest_is_kept() -> None:
    sure, unsure = seen(50, 20, score=0.9), seen(52, 21, "square", score=0.5)
    assert distinct([unsure, sure]) == [sure]


def test_overlapping_markers_of_two_hues_are_two() -> None:
    assert len(distinct([seen(50, 20), seen(51, 20, layer=1)])) == 2


def test_markers_that_only_touch_are_two() -> None:
    # 0.6 of the half-size of 5 is 3 px.
    assert len(distinct([seen(50, 20), seen(53.5, 20)])) == 2
    assert len(distinct([seen(50, 20), seen(52.5, 20)])) == 1


@pytest.mark.parametrize(("y", "layer"), [(20, 0), (70, 1)])
def test_a_marker_belongs_to_the_layer_with_most_of_its_ink(y: float, layer: int) -> None:
    found = see(seen(60, y).marker, ink(BLACK, BLUE))
    assert found.layer == layer
    assert found.level == pytest.approx((255 - min((BLACK, BLUE)[layer])) / 255, abs=0.01)


def test_a_marker_as_narrow_as_its_stem_is_as_dark_as_its_ink() -> None:
    """Beside the stem nothing was left of small diamonds: they were taken for white ones, a series of their own."""
    small = Marker(60.0, 25.0, 2.4, likeness("diamond"), 0.9, NO_END, NO_END)
    assert see(small, ink(BLACK)).level == 1.0


def test_the_darkness_of_an_open_marker_is_that_of_its_outline() -> None:
    ys, xs = np.mgrid[0:50, 0:140]
    ring = np.abs(np.hypot(xs - 60, ys - 25) - 5) < 1
    strength = np.where(ring, 180.0, 0.0).astype(np.float32)
    paper = Ink(strength, np.full(3, 255, dtype=np.float32), (Layer((strength / 180).astype(np.float32), 180.0, (75, 75, 75), True),))
    assert see(seen(60, 25, "circle-open").marker, paper).level == pytest.approx(180 / 255, abs=0.01)


def test_resemblance_is_likeness_less_the_difference_in_darkness() -> None:
    marker = seen(50, 20, "square", level=0.9, share=0.0)
    assert resemblance(marker, look("square", level=0.9)) == pytest.approx(1.0)
    assert resemblance(marker, look("square", level=0.9)) > resemblance(marker, look("square", level=0.5))
    assert resemblance(marker, look("square", level=0.9)) > resemblance(marker, look("circle", level=0.9))
