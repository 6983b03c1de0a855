"""The tilt of scans, against the angle they were turned by."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from digitize.deskew import NEGLIGIBLE_DEGREES, Tilt, estimate_tilt, is_bilevel, straighten
from tests.digitize.drawings import Drawing, askew, draw


def tilt_of(drawing: Drawing) -> Tilt:
    return estimate_tilt(np.asarray(cv2.cvtColor(drawing.image, cv2.COLOR_RGB2GRAY), dtype=np.uint8))


@pytest.mark.parametrize("seed", range(10))
def test_a_drawing_that_was_never_scanned_is_left_alone(seed: int) -> None:
    assert tilt_of(draw(seed, "plain", ("agg", "pdf")[seed % 2])).is_straight


@pytest.mark.parametrize("seed", range(12))
def test_rotation_is_found(seed: int) -> None:
    degrees = float(np.random.default_rng(seed).uniform(0.1, 2.0)) * (-1) ** seed
    tilt = tilt_of(askew(draw(seed, "plain", ("agg", "pdf")[seed % 2], style=("frame", "L", "grid")[seed % 3]), degrees))
    # 0.05 degrees are 0.4 px over 500 px, less than resampling costs.
    assert tilt.level == pytest.approx(degrees, abs=0.05)
    assert tilt.upright == pytest.approx(degrees, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_skew_is_found_and_taken_out(seed: int) -> None:
    drawing = askew(draw(seed, "plain", "pdf", style="frame"), 0.8, 0.6)
    tilt = tilt_of(drawing)
    assert tilt.level == pytest.approx(0.8, abs=0.05)
    assert tilt.upright == pytest.approx(1.4, abs=0.05)
    straight, matrix = straighten(drawing.image, tilt)
    after = estimate_tilt(np.asarray(cv2.cvtColor(straight, cv2.COLOR_RGB2GRAY), dtype=np.uint8))
    assert max(abs(after.level), abs(after.upright)) < 1.5 * NEGLIGIBLE_DEGREES
    back = np.vstack([matrix, [0, 0, 1]])
    probe = np.linalg.inv(back) @ [drawing.places_px[:, 0], drawing.places_px[:, 1], np.ones(len(drawing.places_px))]
    x = np.linspace(0.3, 10.2, drawing.values.size)
    # Straightened, a straight line of the data plane has an x that is linear in the data's x alone.
    assert np.abs(probe[0] - np.polyval(np.polyfit(x, probe[0], 1), x)).max() < 0.3


@pytest.mark.parametrize("degrees", [-0.12, -0.07, 0.06, 0.1])
def test_a_slight_turn_is_found_in_black_and_white(degrees: float) -> None:
    """There a line of 800 px rises by one pixel, a short one by none: a fit without what lies beyond the step finds it level."""
    gray = cv2.cvtColor(askew(draw(3, "plain", "pdf", style="frame", dpi=300), degrees).image, cv2.COLOR_RGB2GRAY)
    black_and_white = np.where(np.asarray(gray) < 128, 0, 255).astype(np.uint8)
    assert is_bilevel(black_and_white)
    assert not is_bilevel(np.asarray(gray, dtype=np.uint8))
    tilt = estimate_tilt(black_and_white)
    # STEP_PX over the longest line of some 900 px are 0.016 degrees.
    assert tilt.level == pytest.approx(degrees, abs=0.03)
    assert tilt.upright == pytest.approx(degrees, abs=0.03)


def test_an_empty_image_has_no_tilt() -> None:
    assert estimate_tilt(np.full((100, 100), 255, dtype=np.uint8)).is_straight


def test_a_slanted_curve_is_no_tilt() -> None:
    image = np.full((300, 400), 255, dtype=np.uint8)
    cv2.line(image, (40, 20), (40, 260), 0, 2)
    cv2.line(image, (40, 260), (380, 260), 0, 2)
    cv2.line(image, (50, 150), (370, 142), 0, 2)
    assert estimate_tilt(image).is_straight
