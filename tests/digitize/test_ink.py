"""Ink told apart by hue, on small pictures drawn here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.ink import Layer, find_layers, paper_color, substantial

Image = NDArray[np.uint8]
Color = tuple[int, int, int]
WHITE, BLACK, RED, BLUE = (255, 255, 255), (0, 0, 0), (214, 39, 40), (31, 119, 180)


def paper(color: Color = WHITE, shape: tuple[int, int] = (120, 200)) -> Image:
    return np.full((*shape, 3), color, dtype=np.uint8)


def discs(image: Image, color: Color, y: float, *, x0: int = 20) -> NDArray[np.bool_]:
    """Five discs and a line through them, anti-aliased, between pixels; returns where they are."""
    before = image.copy()
    for x in range(x0, 200, 40):
        cv2.circle(image, (x * 16 + 5, round(y * 16)), 6 * 16, color, -1, cv2.LINE_AA, 4)
    cv2.line(image, (0, round(y * 16)), (200 * 16, round((y + 6) * 16)), color, 1, cv2.LINE_AA, 4)
    return np.asarray((image != before).any(axis=2))


def layer_of(layers: tuple[Layer, ...], color: Color) -> Layer:
    return min(layers, key=lambda layer: sum(abs(a - b) for a, b in zip(layer.color, color, strict=True)))


def test_two_hues_are_two_layers_each_with_its_own_pixels() -> None:
    image = paper()
    red, blue = discs(image, RED, 30), discs(image, BLUE, 85)
    ink = find_layers(image)
    assert sorted(layer.color for layer in ink.layers) == sorted([RED, BLUE])
    for color, own, other in ((RED, red, blue), (BLUE, blue, red)):
        layer = layer_of(ink.layers, color)
        assert not layer.is_grey
        assert not (layer.amount[other] > 0).any()
        # All but the palest rims, which lie below MIN_INK.
        assert (layer.amount[own & (ink.strength > 40)] > 0).all()


@pytest.mark.parametrize("factor", [0.5, 0.7])
def test_anti_aliasing_does_not_change_the_hue(factor: float) -> None:
    image = paper(shape=(240, 400))
    for x in range(20, 380, 40):
        cv2.circle(image, (x, 60), 7, RED, -1, cv2.LINE_AA)
        cv2.circle(image, (x, 160), 7, BLUE, 2, cv2.LINE_AA)
    small = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    ink = find_layers(small)
    assert len(ink.layers) == 2
    half = round(110 * factor)
    for layer, own in ((layer_of(ink.layers, RED), slice(0, half)), (layer_of(ink.layers, BLUE), slice(half, None))):
        assert (layer.amount > 0)[own].sum() == (layer.amount > 0).sum()


def test_black_and_every_grey_share_one_layer() -> None:
    image = paper()
    for y, color in ((20, BLACK), (60, (110, 110, 110)), (100, (170, 170, 170))):
        discs(image, color, y)
    ink = find_layers(image)
    assert len(ink.layers) == 1
    assert ink.layers[0].is_grey
    # Grey 170 is 85 below the paper: a third of full ink.
    assert ink.layers[0].amount[100, 20] == pytest.approx(85 / 255, abs=0.02)


def test_grey_that_is_a_little_tinted_is_grey() -> None:
    image = paper()
    discs(image, (84, 75, 66), 85)  # as paper that yellowed, or a camera, gives it
    (layer,) = find_layers(image).layers
    assert layer.is_grey


def test_pale_ink_alone_is_full() -> None:
    image = paper()
    discs(image, (150, 150, 150), 60)
    (layer,) = find_layers(image).layers
    assert layer.full == pytest.approx(105, abs=2)
    assert layer.amount[60, 20] == pytest.approx(1.0)


def test_black_beside_a_colour_is_a_layer_of_its_own() -> None:
    image = paper()
    discs(image, BLACK, 30)
    discs(image, BLUE, 85)
    ink = find_layers(image)
    assert sorted(layer.is_grey for layer in ink.layers) == [False, True]


def test_layers_come_with_the_most_ink_first() -> None:
    image = paper()
    discs(image, RED, 25)
    for y in (60, 100):
        discs(image, BLUE, y)
    assert [layer.color for layer in find_layers(image).layers] == [BLUE, RED]


def test_light_texture_is_no_ink() -> None:
    image = paper()
    image[::10] = (230, 230, 230)
    assert find_layers(image).layers == ()


@pytest.mark.parametrize("color", [WHITE, (235, 235, 235), (253, 246, 227)])
def test_the_paper_is_the_commonest_colour(color: Color) -> None:
    image = paper(color)
    discs(image, BLACK, 60)
    discs(image, RED, 30)
    assert tuple(paper_color(image).tolist()) == color
    ink = find_layers(image)
    assert tuple(ink.paper.tolist()) == color
    assert ink.strength[0, 0] == 0
    # A white grid on grey paper is not ink.
    image[5:8] = 255
    assert not find_layers(image).strength[5:8].any()


def test_noise_does_not_shift_the_paper_colour() -> None:
    rng = np.random.default_rng(1)
    image = np.clip(paper((240, 240, 240)) + rng.normal(0, 2, (120, 200, 3)), 0, 255).astype(np.uint8)
    # The median of the commonest bin of 8 levels: within the bin.
    assert paper_color(image) == pytest.approx([240, 240, 240], abs=4)


def test_substantial_keeps_pieces_of_16_pixels_and_drops_scraps() -> None:
    mask = np.zeros((40, 40), dtype=bool)
    mask[2:6, 2:6] = True
    mask[20, 2:17] = True
    mask[30:34, 30] = True
    diagonal = np.arange(16)
    mask[diagonal + 22, diagonal + 8] = True  # pieces hold together across corners
    kept = substantial(mask)
    assert kept[2:6, 2:6].all()
    assert kept[diagonal + 22, diagonal + 8].all()
    assert not kept[20, 2:17].any()
    assert not kept[30:34, 30].any()


def test_substantial_of_nothing_is_nothing() -> None:
    assert not substantial(np.zeros((5, 5), dtype=bool)).any()
