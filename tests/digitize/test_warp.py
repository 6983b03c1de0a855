"""Pages that did not lie flat: the warp is found from the figure's own lines, and taken out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from matplotlib.axes import Axes
from numpy.typing import NDArray

from digitize.read import read_image
from digitize.warp import FLAT, estimate_warp, flattened, unsure
from tests.digitize.drawings import Renderer, draw, read_panels

Image = NDArray[np.uint8]
RENDERERS: tuple[Renderer, ...] = ("agg", "pdf")


def gray(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def warped(image: Image, across: float, down: float, more: float = 0.0) -> Image:
    """The image with its middle lines bent by so many px, those at the edges by a share more or less; what it draws moves against it."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    u, v = 2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1
    places = (x + across * v**2 * (1 + more * u)).astype(np.float32), (y + down * u**2 * (1 + more * v)).astype(np.float32)
    return np.asarray(cv2.remap(image, *places, cv2.INTER_CUBIC, borderValue=(255, 255, 255)), dtype=np.uint8)


@pytest.mark.parametrize(("style", "tolerance"), [("frame", 0.2), ("grid", 0.2), ("L", 2.0)])  # one line does not tell of the other edge
@pytest.mark.parametrize("seed", range(3))
def test_a_warp_is_found(style: str, tolerance: float, seed: int) -> None:
    image = draw(seed, "plain", "pdf", style=style).image
    warp = estimate_warp(gray(warped(image, 3.0, -4.0, 0.3)))
    assert warp.level[1] == pytest.approx(4.0, abs=tolerance)
    assert warp.upright[1] == pytest.approx(-3.0, abs=tolerance)
    flat = flattened(warped(image, 3.0, -4.0, 0.3), warp)
    inside = (slice(20, -20), slice(20, -20))
    bent, left = (np.mean(np.abs(gray(i)[inside].astype(float) - gray(image)[inside])) for i in (warped(image, 3, -4, 0.3), flat))
    assert left < (0.4 if style != "L" else 0.8) * bent


def slightly_curved(ax: Axes) -> None:
    """Data that look like a bent line."""
    x = np.linspace(0, 10.5, 200)
    low, high = ax.get_ylim()
    ax.plot(x, low + (high - low) * (0.5 + 0.012 * ((x - 5) / 5) ** 2), "k-")


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("style", ["frame", "L", "grid", "bare"])
def test_what_was_drawn_straight_stays(style: str, renderer: Renderer) -> None:
    for seed in range(4):
        assert estimate_warp(gray(draw(seed, "plain", renderer, style=style, dress=slightly_curved).image)).is_flat


def test_values_of_a_warped_scan_are_those_of_the_flat_page(monkeypatch: pytest.MonkeyPatch) -> None:
    off: dict[str, list[float]] = {"flattened": [], "as it is": []}
    covered: list[bool] = []
    for way in off:
        if way == "as it is":
            monkeypatch.setattr("digitize.read.estimate_warp", lambda _: FLAT)
        r = np.random.default_rng(1)
        for seed in range(6):
            drawing = draw(seed, "plain", "pdf", style=("frame", "L")[seed % 2])
            image = warped(drawing.image, *(r.uniform(2, 4, 2) * r.choice([-1, 1], 2)).tolist(), float(r.uniform(-0.4, 0.4)))
            for point in (p for s in read_image(image)[0].record.series for p in s.points):
                assert point.y is not None
                assert point.u_y is not None
                nearest = float(np.abs(drawing.values - point.y).min())
                off[way].append(nearest / float(np.ptp(drawing.values)))
                if way == "flattened":
                    covered.append(nearest <= 1.96 * point.u_y)
    assert np.median(off["flattened"]) < 0.25 * np.median(off["as it is"])
    assert np.mean(covered) > 0.75  # a few errors of one page are one error


def test_an_axis_of_a_flattened_page_claims_what_flattening_leaves() -> None:
    image = draw(1, "plain", "pdf", style="L").image
    axis = read_panels(image)[0][0].y
    assert unsure(axis, FLAT) is axis
    warp = estimate_warp(gray(warped(image, 3.0, -4.0, 0.3)))
    before, after = (float(a.calibration.u_shared(100.0)) / abs(a.calibration.slope) for a in (axis, unsure(axis, warp)))
    assert after == pytest.approx(np.hypot(before, 0.12 * abs(warp.level[1])), rel=1e-6)
