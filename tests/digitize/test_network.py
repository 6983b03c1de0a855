"""The marks network on plots that another program drew: matplotlib, written as PDF and rendered by PDFium."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pypdfium2
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize import markers, network
from digitize.network import DetectedMark, detect, detect_marks

DIGIT_PT = 7.29  # height of DejaVu Sans digits at 10 pt
SCALE = markers.UNIT / DIGIT_PT  # px a pt at which the tick labels' digits are UNIT high


@dataclass(frozen=True)
class Drawn:
    """The inside of a plot as pixels, and where data lie in them."""

    image: NDArray[np.uint8]
    place: Callable[[float, float], tuple[float, float]]


def draw(plot: Callable[[Axes], None], *, limits: tuple[float, float, float, float] = (0, 10, 0, 10)) -> Drawn:
    figure = Figure(figsize=(4.4, 3.2), dpi=72)
    axes = figure.add_axes((0.12, 0.12, 0.85, 0.85))
    with mpl.rc_context({"font.size": 10, "pdf.fonttype": 42}):
        plot(axes)
        axes.set(xlim=limits[:2], ylim=limits[2:])
        target = io.BytesIO()
        figure.savefig(target, format="pdf")
    page = pypdfium2.PdfDocument(target.getvalue())[0]
    whole = np.asarray(page.render(scale=SCALE).to_pil().convert("RGB"))
    box = axes.get_window_extent()  # in pt: the figure has 72 dots an inch
    left, top = round(box.x0 * SCALE + 2), round(whole.shape[0] - box.y1 * SCALE + 2)
    image = np.ascontiguousarray(whole[top : round(whole.shape[0] - box.y0 * SCALE - 2), left : round(box.x1 * SCALE - 2)])

    def place(x: float, y: float) -> tuple[float, float]:
        u, v = axes.transData.transform((x, y))
        return float(u * SCALE - 0.5 - left), float(whole.shape[0] - v * SCALE - 0.5 - top)

    return Drawn(image, place)


def nearest(marks: tuple[DetectedMark, ...], at: tuple[float, float]) -> DetectedMark:
    mark = min(marks, key=lambda m: np.hypot(m.x - at[0], m.y - at[1]))
    # The marker's place is asked for to within a pixel: refining it is not the network's task.
    assert np.hypot(mark.x - at[0], mark.y - at[1]) < 1.2
    return mark


X = np.array([1.0, 2.5, 4.0, 5.5, 7.0, 8.5])
HIGH = np.array([8.0, 8.3, 7.6, 8.4, 7.9, 8.1])
MIDDLE = np.array([5.2, 4.6, 5.5, 4.9, 5.3, 4.4])
LOW = np.array([1.9, 2.6, 2.1, 1.7, 2.4, 2.0])


@pytest.fixture(scope="module")
def trial() -> tuple[Drawn, tuple[DetectedMark, ...]]:
    def plot(axes: Axes) -> None:
        common = {"capsize": 4, "color": "black", "markersize": 7, "linewidth": 1.0}
        axes.errorbar(X, HIGH, yerr=0.9, marker="s", **common)
        axes.errorbar(X, MIDDLE, yerr=0.8, marker="o", mfc="white", **common)
        axes.errorbar(X, LOW, yerr=0.7, marker="^", **common)

    drawn = draw(plot)
    return drawn, detect_marks(drawn.image)


def test_every_marker_is_found_once_and_nothing_else(trial: tuple[Drawn, tuple[DetectedMark, ...]]) -> None:
    _, marks = trial
    assert len([m for m in marks if m.score > 0.4]) == 18


@pytest.mark.parametrize(("level", "half", "style"), [(HIGH, 0.9, "square"), (MIDDLE, 0.8, "circle-open"), (LOW, 0.7, "triangle")])
def test_style_and_ends(trial: tuple[Drawn, tuple[DetectedMark, ...]], level: NDArray[np.float64], half: float, style: str) -> None:
    drawn, marks = trial
    for x, y in zip(X.tolist(), level.tolist(), strict=True):
        mark = nearest(marks, drawn.place(x, y))
        assert mark.style == style
        for end, value in ((mark.up, y + half), (mark.down, y - half)):
            assert end.probability > 0.5
            assert end.seen > 0.5
            assert end.is_snapped
            # Snapped to a peak at half resolution: a pixel.
            assert abs(end.y - drawn.place(x, value)[1]) < 1.2


def test_ends_on_a_shared_stem_go_to_their_own_markers() -> None:
    low, high = np.array([3.6, 3.9, 4.1, 3.7]), np.array([6.2, 6.3, 6.6, 6.0])
    at = np.array([2.0, 4.0, 6.0, 8.0])

    def plot(axes: Axes) -> None:
        for y, half, marker in ((low, 1.9, "o"), (high, 1.5, "s")):
            axes.errorbar(at, y, yerr=half, marker=marker, capsize=4, color="black", markersize=7, linewidth=1.0)

    drawn = draw(plot)
    marks = detect_marks(drawn.image)
    for y, half in ((low, 1.9), (high, 1.5)):
        for x, value in zip(at.tolist(), y.tolist(), strict=True):
            mark = nearest(marks, drawn.place(x, value))
            assert abs(mark.up.y - drawn.place(x, value + half)[1]) < 2.5
            assert abs(mark.down.y - drawn.place(x, value - half)[1]) < 2.5


def test_one_sided_bars_have_one_end() -> None:
    def plot(axes: Axes) -> None:
        axes.errorbar(X, MIDDLE, yerr=[np.zeros(6), np.full(6, 1.2)], marker="o", capsize=4, color="black", markersize=7)

    drawn = draw(plot)
    marks = detect_marks(drawn.image)
    for x, y in zip(X.tolist(), MIDDLE.tolist(), strict=True):
        mark = nearest(marks, drawn.place(x, y))
        assert mark.up.probability > 0.5
        # The lower end hides in the marker: what is said of it must be that nothing of it shows.
        assert mark.down.probability < 0.5 or mark.down.seen < 0.5


def test_a_cloud_without_bars() -> None:
    rng = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(np.arange(1, 10, 1.5), np.arange(1, 10, 1.5)), axis=-1).reshape(-1, 2)
    places = grid + rng.uniform(-0.4, 0.4, grid.shape)
    drawn = draw(lambda axes: axes.plot(places[:, 0], places[:, 1], "D", mfc="none", mec="tab:blue", ms=6) and None)
    marks = [m for m in detect_marks(drawn.image) if m.score > 0.4]
    assert len(marks) == len(places)
    assert np.mean([m.style == "diamond-open" for m in marks]) > 0.9
    assert np.mean([max(m.up.probability, m.down.probability) < 0.5 for m in marks]) > 0.9


def test_bars_are_no_markers_but_their_ends_are_seen() -> None:
    at, tops = np.array([2.0, 5.0, 8.0]), np.array([4.0, 6.5, 5.2])
    drawn = draw(lambda axes: axes.bar(at, tops, yerr=1.3, capsize=5, color="0.6", edgecolor="black", width=1.6) and None)
    seen = detect(drawn.image)
    assert not [m for m in seen.marks if m.score > 0.5]
    for x, y in zip(at.tolist(), tops.tolist(), strict=True):
        u, v = drawn.place(x, y + 1.3)
        assert any(np.hypot(p.x - u, p.y - v) < 2 for p in seen.tops)


def test_blank_paper_holds_nothing() -> None:
    seen = detect(np.full((90, 130, 3), 255, dtype=np.uint8))
    assert (seen.marks, seen.tops, seen.bottoms) == ((), (), ())


def test_marks_move_with_the_plot(trial: tuple[Drawn, tuple[DetectedMark, ...]]) -> None:
    drawn, marks = trial
    moved = detect_marks(np.pad(drawn.image, ((64, 0), (32, 0), (0, 0)), constant_values=255))
    sure = [m for m in marks if m.score > 0.5]
    for m in sure:
        # What lies further to the left and above has changed from margin to paper: the place may differ by a little.
        assert min(np.hypot(k.x - m.x - 32, k.y - m.y - 64) for k in moved) < 0.3


def test_styles_begin_with_those_of_the_markers_module() -> None:
    assert network.NETWORK_STYLES[: len(markers.STYLES)] == markers.STYLES


def test_a_grey_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected an RGB image \(h, w, 3\), found an array of shape \(40, 50\)"):
        detect_marks(np.zeros((40, 50), dtype=np.uint8))


def test_a_missing_network_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network, "MODELS", tmp_path)
    with pytest.raises(network.NetworkNotFound, match=r"marks\.onnx"):
        detect_marks(np.full((40, 50, 3), 255, dtype=np.uint8))
