"""Box plots with known values, from pixels and from paths."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize import digitize_file
from digitize.boxes import at_ticks
from digitize.boxlines import Box
from digitize.read import read_image
from digitize.record import PanelRecord

BOXES: list[dict[str, Any]] = [
    {"med": 5.1, "q1": 3.2, "q3": 6.0, "whislo": 1.4, "whishi": 8.3, "fliers": [9.4], "label": "Placebo"},
    {"med": 4.0, "q1": 3.6, "q3": 5.5, "whislo": 2.1, "whishi": 7.0, "fliers": [], "label": "Low dose"},
    {"med": 6.4, "q1": 4.4, "q3": 7.7, "whislo": 2.6, "whishi": 9.0, "fliers": [0.8], "label": "High dose"},
]
PARTS = {"median": "med", "q1": "q1", "q3": "q3", "whisker_lo": "whislo", "whisker_hi": "whishi"}
STYLES: list[dict[str, Any]] = [
    {"patch_artist": True, "boxprops": {"facecolor": "lightblue"}},
    {"patch_artist": False, "medianprops": {"color": "black", "linewidth": 2.5}},
    {"patch_artist": True, "boxprops": {"facecolor": "0.5"}, "capprops": {"linewidth": 0}},
    {"patch_artist": True, "boxprops": {"facecolor": "w"}, "whiskerprops": {"linestyle": "--"}, "widths": 0.25},
]


def drawn(style: dict[str, Any], *, flip: bool = False) -> Figure:
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bxp(BOXES, **style)
    axes.set(ylim=(10, 0) if flip else (0, 10), yticks=range(0, 11, 2), ylabel="Pain score")
    return figure


def pixels(figure: Figure, dpi: int = 130) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    return np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8)


def assert_boxes(panel: PanelRecord, within: float) -> None:
    assert panel.kind == "box"
    points = [p for s in panel.series for p in s.points]
    assert [p.x for p in points] == [b["label"] for b in BOXES]
    for point, box in zip(points, BOXES, strict=True):
        said = point.model_extra or {}
        for ours, theirs in PARTS.items():
            assert said[ours] == pytest.approx(box[theirs], abs=within), ours
            assert 0 < said[f"u_{ours}"] < 0.1
        assert point.y == said["median"]
        np.testing.assert_allclose(said["outliers"], box["fliers"], atol=2 * within)


@pytest.mark.parametrize("style", STYLES)
def test_every_part_is_read_from_pixels(style: dict[str, Any]) -> None:
    (read,) = read_image(pixels(drawn(style)))
    # Lines and ticks are drawn on whole pixels, of which 40 make a unit: each is off by up to half of one. A whisker without a cap is
    # drawn longer by half its width, another pixel.
    assert_boxes(read.record, 0.03 if "capprops" not in style else 0.055)


def with_marks(mean: float | None = None, fliers: tuple[float, ...] = (), *, ticks: str = "out") -> Figure:
    """The boxes with one more mark in the first: of its mean, as an open diamond, or outliers."""
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    first = {**BOXES[0], "fliers": list(fliers)} | ({} if mean is None else {"mean": mean})
    others = [box if mean is None else {**box, "mean": box["med"]} for box in BOXES[1:]]
    style = {"marker": "D", "markerfacecolor": "white", "markeredgecolor": "black", "markersize": 5}
    axes.bxp([first, *others], **STYLES[0], showmeans=mean is not None, meanprops=style)
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2), ylabel="Pain score")
    axes.tick_params(direction=ticks)
    return figure


@pytest.mark.parametrize("mean", [5.1, 5.25, 4.9, 4.0])
def test_a_mean_on_the_line_of_the_median_is_read(mean: float) -> None:
    (read,) = read_image(pixels(with_marks(mean)))
    said = read.record.series[0].points[0].model_extra or {}
    assert said["mean"] == pytest.approx(mean, abs=0.04)  # a pixel and a half: the diamond's ends are sharp


def test_outliers_that_overlap_are_given_with_a_flag() -> None:
    (read,) = read_image(pixels(with_marks(fliers=(9.2, 9.4))))
    point = read.record.series[0].points[0]
    assert (point.model_extra or {})["outliers"] == pytest.approx([9.4, 9.2], abs=0.06)
    assert "outliers_overlap" in point.flags


def test_ticks_that_point_inwards_are_no_outliers() -> None:
    (read,) = read_image(pixels(with_marks(fliers=(9.4,), ticks="in")))
    found = [(p.model_extra or {})["outliers"] for p in read.record.series[0].points]
    assert [len(v) for v in found] == [1, 0, 1]


def test_a_box_that_is_a_square_holds_no_mean(tmp_path: Path) -> None:
    figure = Figure(figsize=(6.1, 2.2))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.15, 0.15, 0.8, 0.8))
    boxes = [{"med": 46.5, "q1": 37.8, "q3": 61, "whislo": 33.2, "whishi": 69.5, "fliers": [], "label": "Before"}]
    boxes += [{"med": 47.2, "q1": 33, "q3": 53.8, "whislo": 23.7, "whishi": 66.9, "fliers": [], "label": "After"}]
    axes.bxp(boxes, widths=0.15, **STYLES[2])
    axes.set(xlim=(0.5, 2.5), ylim=(0, 100), yticks=range(0, 101, 20))  # 0.15 / 2 of the width is 20.8 / 100 of the height
    figure.savefig(tmp_path / "boxes.pdf")
    (panel,) = digitize_file(tmp_path / "boxes.pdf").record.panels
    assert [(p.model_extra or {}).get("mean") for s in panel.series for p in s.points] == [None, None]


def test_a_whisker_whose_first_dash_lies_away_from_the_box_ends_at_its_cap() -> None:
    image = pixels(drawn(STYLES[0]))
    (whole,) = read_image(image)
    gap = image.copy()
    at = whole.record.series[0].points[2]
    assert at.px is not None
    # 0.4 digit heights of paper right below the third box, whose whisker is 70 px long there.
    bottom = int(np.flatnonzero(np.ptp(image[:, int(at.px[0]) + 20].astype(int), axis=1) > 20)[-1]) + 2
    gap[bottom : bottom + 8, int(at.px[0]) - 6 : int(at.px[0]) + 7] = 255
    (read,) = read_image(gap)
    point = read.record.series[0].points[2]
    assert point.flags == ()
    assert (point.model_extra or {})["whisker_lo"] == pytest.approx(2.6, abs=0.03)


def test_an_axis_turned_round_turns_the_box_round() -> None:
    (read,) = read_image(pixels(drawn(STYLES[0], flip=True)))
    assert_boxes(read.record, 0.03)


@pytest.mark.parametrize("style", STYLES[:2])
def test_paths_give_them_exactly(style: dict[str, Any], tmp_path: Path) -> None:
    drawn(style).savefig(tmp_path / "boxes.pdf")
    (panel,) = digitize_file(tmp_path / "boxes.pdf").record.panels
    assert panel.medium == "vector"
    assert_boxes(panel, 0.003)  # three decimals of a point, of which 22 make a unit, and as much for the axis


@pytest.mark.parametrize("inches", [2.8, 3.0, 3.2, 3.4, 3.6])
def test_dashed_whiskers_end_at_their_caps_in_scans(inches: float) -> None:
    """Each height of the figure ends the dashes elsewhere; in black and white a cap that lies askew ends a row before its stroke does."""
    figure = Figure(figsize=(4.5, inches), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bxp([box | {"fliers": []} for box in BOXES], whiskerprops={"linestyle": (0, (4, 4))}, medianprops={"color": "k"})
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2))
    image = cv2.cvtColor(pixels(figure, dpi=300), cv2.COLOR_RGB2GRAY)
    turn = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), 0.35, 1.0)
    turned = cv2.warpAffine(image, turn, image.shape[::-1], borderValue=(255,), flags=cv2.INTER_CUBIC)
    (read,) = read_image(np.repeat(np.where(turned < 128, 0, 255).astype(np.uint8)[..., None], 3, axis=2))
    for point, box in zip(read.record.series[0].points, BOXES, strict=True):
        said = point.model_extra or {}
        # A dash is 17 px of some 75 px a unit; a cap on whole pixels is found to one of them.
        assert said["whisker_lo"] == pytest.approx(box["whislo"], abs=0.03)
        assert said["whisker_hi"] == pytest.approx(box["whishi"], abs=0.03)


def test_a_box_over_a_name_that_was_left_out_has_no_name(tmp_path: Path) -> None:
    """Programs leave out a name for which there is no room: the box does not have its neighbour's."""
    figure = drawn(STYLES[0])
    figure.axes[0].set_xticks([1, 3], ["Placebo", "High dose"])
    figure.savefig(tmp_path / "boxes.pdf")
    for read in (digitize_file(tmp_path / "boxes.pdf").record.panels[0], read_image(pixels(figure))[0].record):
        assert [p.x for s in read.series for p in s.points] == ["Placebo", None, "High dose"]
        assert [p.flags for s in read.series for p in s.points] == [(), ("category_unread",), ()]


def test_outliers_say_that_whiskers_are_no_ranges() -> None:
    (read,) = read_image(pixels(drawn(STYLES[0])))
    assert (read.record.model_extra or {})["whiskers"].startswith("not the range")
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bxp([box | {"fliers": []} for box in BOXES])
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2))
    (bare,) = read_image(pixels(figure))
    assert (bare.record.model_extra or {})["whiskers"].startswith("not told")


def test_a_box_without_a_lower_whisker_says_so() -> None:
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bxp([BOXES[0], BOXES[1] | {"whislo": 3.6}], patch_artist=True, boxprops={"facecolor": "lightblue"})
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2))
    (read,) = read_image(pixels(figure))
    first, second = read.record.series[0].points
    assert first.flags == ()
    assert second.flags == ("whisker_unseen",)


def test_bars_and_open_markers_are_no_boxes() -> None:
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bar(["A", "B", "C"], [3, 5, 4], color="w", edgecolor="k")
    axes.bar(["A", "B", "C"], [2, 3, 1], bottom=[3, 5, 4], color="0.7", edgecolor="k", yerr=0.6, capsize=4)
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2))
    (stacked,) = read_image(pixels(figure))
    assert stacked.record.kind == "bar"
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.errorbar([1, 2, 3, 4], [3, 5, 4, 6], yerr=[1, 1.2, 0.9, 1.4], fmt="-s", mfc="w", color="k", markersize=9, capsize=4)
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2), xticks=[1, 2, 3, 4])
    (marked,) = read_image(pixels(figure))
    assert marked.record.kind == "errorbar"


@pytest.mark.parametrize("style", [STYLES[0], STYLES[2], STYLES[3]])
def test_an_outlier_right_beyond_a_whisker_is_no_part_of_it(style: dict[str, Any]) -> None:
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bxp([BOXES[0] | {"fliers": [8.62]}, BOXES[1]], **style)
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2))
    (read,) = read_image(pixels(figure))
    point = read.record.series[0].points[0]
    assert (point.model_extra or {})["whisker_hi"] == pytest.approx(8.3, abs=0.06) or point.flags


def test_the_upper_parts_of_stacked_bars_are_no_boxes() -> None:
    """Two parts with a line between and error bars look like a box with its median; below a box there is paper."""
    figure = Figure(figsize=(4.6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    below = np.zeros(4)
    for height, grey in (((40, 62, 35, 58), "0.7"), ((24, 29, 22, 27), "0.82"), ((12, 16, 11, 15), "0.95")):
        axes.bar(range(4), height, bottom=below, yerr=2, capsize=4, width=0.5, color=grey, edgecolor="black")
        below = below + np.array(height)
    axes.set(ylim=(0, 130), xticks=range(4), ylabel="Biomass (g)")
    axes.set_xticklabels(["Control", "Drug A", "Drug B", "Both"])
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150)
    (panel,) = read_image(np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8))
    assert panel.record.kind == "bar"


def test_bars_whose_caps_are_as_wide_as_they_are_no_boxes(tmp_path: Path) -> None:
    figure = Figure(figsize=(5, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    heights, errors = [9.0, 21.0, 8.0, 10.0], [4.0, 1.5, 3.0, 2.5]
    # The cap of the lower half, which is none, lies along the top of the bar from side to side.
    bars = axes.bar(["A", "B", "C", "D"], heights, 0.2, color="0.5", edgecolor="black")
    figure.canvas.draw()
    half = bars[0].get_window_extent().width / 2 * 72 / figure.dpi
    axes.errorbar(range(4), heights, yerr=[[0] * 4, errors], fmt="none", ecolor="black", capsize=half)
    axes.set(ylim=(0, 30), yticks=range(0, 31, 5))
    figure.savefig(tmp_path / "bars.pdf")
    (panel,) = digitize_file(tmp_path / "bars.pdf").record.panels
    assert panel.kind == "bar"
    points = panel.series[0].points
    assert [p.y for p in points] == pytest.approx(heights, abs=0.02)
    assert [p.y_hi for p in points] == pytest.approx([h + e for h, e in zip(heights, errors, strict=True)], abs=0.02)


POINTS: list[dict[str, Any]] = [
    {"color": "black", "markersize": 3, "alpha": 0.8},
    {"color": "0.4", "markersize": 5, "alpha": 0.4},
    {"markerfacecolor": "none", "markeredgecolor": "tab:red", "markersize": 4},
    {"color": "tab:blue", "markersize": 4.5},
]


def observed(count: int = 24) -> list[NDArray[np.float64]]:
    rng = np.random.default_rng(11)
    return [np.clip(rng.normal(4 + 0.8 * k, 1.3, count), 0.3, 9.7) for k in range(3)]


def with_points(points: dict[str, Any], *, filled: bool, fliers: bool = True) -> Figure:
    rng = np.random.default_rng(12)
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    boxes = axes.boxplot(observed(), widths=0.5, patch_artist=filled, showfliers=fliers)
    for box in boxes["boxes"] if filled else ():
        box.set_facecolor("lightblue")
    for k, values in enumerate(observed()):
        axes.plot(k + 1 + rng.uniform(-0.16, 0.16, values.size), values, "o", zorder=3, **points)
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2), ylabel="Pain score")
    axes.set_xticks([1, 2, 3], ["Placebo", "Low dose", "High dose"])
    return figure


def beyond_whiskers(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[float]]:
    """Quartiles and whiskers of observations, and those beyond the whiskers."""
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    inside = (values >= q1 - 1.5 * (q3 - q1)) & (values <= q3 + 1.5 * (q3 - q1))
    return np.array([values[inside].min(), q1, median, q3, values[inside].max()]), sorted(values[~inside].tolist())


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("points", POINTS)
def test_points_over_boxes_do_not_disturb_them(points: dict[str, Any], filled: bool) -> None:
    (panel,) = read_image(pixels(with_points(points, filled=filled)))
    assert panel.record.kind == "box"
    read = [p for s in panel.record.series for p in s.points]
    assert [p.x for p in read] == ["Placebo", "Low dose", "High dose"]
    for point, values in zip(read, observed(), strict=True):
        said = point.model_extra or {}
        known, outliers = beyond_whiskers(values)
        # Strokes are on whole pixels, half a pixel is 0.013; a point that hides the end of a whisker is told by a flag.
        np.testing.assert_allclose([said[k] for k in ("q1", "median", "q3")], known[1:4], atol=0.04)
        ends = np.array([said["whisker_lo"], said["whisker_hi"]])
        assert np.abs(ends - known[[0, 4]]).max() < (0.2 if "end_doubtful" in point.flags else 0.04)
        if "points_over_box" not in point.flags:
            np.testing.assert_allclose(said["outliers"], outliers, atol=0.05)


def test_points_over_boxes_are_no_means_and_observations_beyond_whiskers_are_flagged(tmp_path: Path) -> None:
    figure = with_points({"color": "0.3", "markersize": 4}, filled=True, fliers=False)
    figure.savefig(tmp_path / "boxes.pdf")
    (panel,) = digitize_file(tmp_path / "boxes.pdf").record.panels
    for point, values in zip(panel.series[0].points, observed(), strict=True):
        said = point.model_extra or {}
        known, outliers = beyond_whiskers(values)
        np.testing.assert_allclose([said[k] for k in ("whisker_lo", "q1", "median", "q3", "whisker_hi")], known, atol=0.01)
        np.testing.assert_allclose(said["outliers"], outliers, atol=0.01)
        assert ("points_over_box" in point.flags) == bool(outliers)
        assert said.get("mean") is None


def test_a_name_without_a_box_is_told() -> None:
    figure = drawn(STYLES[0])
    axes = figure.axes[0]
    axes.set_xlim(0.5, 4.5)
    axes.set_xticks([1, 2, 3, 4], ["Placebo", "Low dose", "High dose", "Sham"])
    (panel,) = read_image(pixels(figure))
    assert all("box_missing" in p.flags for s in panel.record.series for p in s.points)


def notched(count: int, *, filled: bool) -> Figure:
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    boxes = axes.boxplot(observed(count), widths=0.5, patch_artist=filled, notch=True)
    for box in boxes["boxes"] if filled else ():
        box.set_facecolor("lightblue")
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2), ylabel="Pain score")
    axes.set_xticks([1, 2, 3], ["Placebo", "Low dose", "High dose"])
    return figure


def assert_notched(panel: PanelRecord, count: int, within: float) -> None:
    assert panel.kind == "box"
    read = [p for s in panel.series for p in s.points]
    assert len(read) == 3
    for point, values in zip(read, observed(count), strict=True):
        said = point.model_extra or {}
        known, outliers = beyond_whiskers(values)
        np.testing.assert_allclose([said[k] for k in ("whisker_lo", "q1", "median", "q3", "whisker_hi")], known, atol=within)
        np.testing.assert_allclose(said["outliers"], outliers, atol=2 * within)


@pytest.mark.parametrize("count", [12, 16, 40])  # with 12 the notches reach past the quartiles, where the outline folds back
@pytest.mark.parametrize("filled", [False, True])
def test_notched_boxes_are_read(count: int, filled: bool, tmp_path: Path) -> None:
    figure = notched(count, filled=filled)
    (panel,) = read_image(pixels(figure))
    assert_notched(panel.record, count, within=0.04)  # strokes are on whole pixels: half a pixel is 0.013
    figure.savefig(tmp_path / "boxes.pdf")
    (record,) = digitize_file(tmp_path / "boxes.pdf").record.panels
    assert_notched(record, count, within=0.005)


def test_rectangles_at_some_of_the_ticks_of_numbers_are_no_boxes() -> None:
    """As the stems and caps of error bars side by side make them."""
    boxes = [Box(x - 10.0, x + 9.0, 40.0, 50.0, 60.0, np.zeros(3, np.float32)) for x in (100, 200, 300)]
    assert at_ticks(boxes, [100.0, 200.0, 300.0])
    assert not at_ticks(boxes, [0.0, 100.0, 200.0, 300.0, 400.0])
    assert not at_ticks(boxes, [112.0, 212.0, 312.0])


def test_a_whisker_as_short_as_the_edge_of_its_box_is_not_claimed() -> None:
    figure = Figure(figsize=(4.5, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bxp([{**box, "whishi": box["q3"] + 0.01} if k == 1 else box for k, box in enumerate(BOXES)], **STYLES[0])
    axes.set(ylim=(0, 10), yticks=range(0, 11, 2), ylabel="Pain score")
    (read,) = read_image(pixels(figure))
    flagged = ["whisker_unseen" in p.flags for s in read.record.series for p in s.points]
    assert flagged == [k == 1 for k in range(len(BOXES))]


@pytest.mark.parametrize("dots", [0.0, 0.15, 0.35])
def test_boxes_whose_grey_fill_became_specks_in_black_and_white_are_read(dots: float) -> None:
    style: dict[str, Any] = {"patch_artist": True, "boxprops": {"facecolor": "0.8"}, "medianprops": {"color": "black", "linewidth": 2}}
    rgb = pixels(drawn(style), dpi=300)
    grey = rgb.min(axis=2)
    rng = np.random.default_rng(3)
    is_fill = np.abs(grey.astype(int) - 204) < 3
    ink = (grey < 128) | (is_fill & (rng.random(grey.shape) < dots))
    (read,) = read_image(np.repeat(np.where(ink, 0, 255).astype(np.uint8)[..., None], 3, axis=2))
    assert_boxes(read.record, 0.02)  # lines lie on whole pixels, of which 90 make a unit


def test_dashed_whiskers_that_begin_with_a_gap_on_both_sides_end_at_their_caps() -> None:
    thin = {"linewidth": 0.5}
    image = pixels(drawn({"boxprops": thin, "medianprops": {"color": "black"}, "whiskerprops": thin, "capprops": thin}), dpi=300)
    (whole,) = read_image(image)
    at = whole.record.series[0].points[2]
    said = at.model_extra or {}
    assert at.px is not None
    column = int(at.px[0])
    per_unit = abs(whole.panel.y.calibration.slope) ** -1
    for quartile, way in ((said["q3"], -1), (said["q1"], 1)):
        edge = round(at.px[1] + (at.y - quartile) * per_unit)
        lo, hi = sorted((edge + 2 * way, edge + 17 * way))
        image[lo : hi + 1, column - 6 : column + 7] = 255
    (read,) = read_image(image)
    point = read.record.series[0].points[2]
    assert "whisker_unseen" not in point.flags
    for name in ("whisker_lo", "whisker_hi"):
        assert (point.model_extra or {})[name] == pytest.approx(said[name], abs=0.01)
