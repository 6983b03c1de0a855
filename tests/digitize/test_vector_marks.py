"""Figures drawn with paths, read back through the whole way from PDF to record: as exact as the paths are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from digitize import page as page_module
from digitize.file import digitize_file
from digitize.record import PanelRecord, PointRecord, SeriesRecord
from digitize.vector.paths import Drawing

pytestmark = pytest.mark.usefixtures("plain_fonts")

X = np.array([0.0, 2.0, 4.0, 6.0, 8.0])


@dataclass(frozen=True)
class Arm:
    """One series as drawn: its y, the lengths of its error bars downwards and upwards, its look."""

    y: Sequence[float]
    down: Sequence[float]
    up: Sequence[float]
    marker: str = "o"
    color: str = "black"
    face: str | None = None
    name: str = ""


def draw(path: Path, arms: Sequence[Arm], *, line: bool = False, legend: bool = False) -> Path:
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    for arm in arms:
        axes.errorbar(
            X, arm.y, yerr=[arm.down, arm.up], fmt=arm.marker, ls="-" if line else "", color=arm.color, mfc=arm.face or arm.color,
            ms=6, capsize=3, label=arm.name,
        )  # fmt: skip
    axes.set(xlim=(-1, 9), ylim=(0, 100), xlabel="Weeks", ylabel="Score", xticks=X, yticks=range(0, 101, 20))
    if legend:
        axes.legend(loc="upper right")
    figure.savefig(path)
    return path


def only_panel(path: Path) -> PanelRecord:
    (panel,) = digitize_file(path).record.panels
    return panel


def px_per_unit(panel: PanelRecord) -> float:
    ticks = [(t.px, t.value) for t in panel.y_axis.ticks if t.used and isinstance(t.value, float)]
    (p0, v0), (p1, v1) = min(ticks), max(ticks)
    return abs((p1 - p0) / (v1 - v0))


def assert_arm(series: SeriesRecord, arm: Arm, panel: PanelRecord) -> None:
    # Matplotlib writes six decimals of a point; 0.01 px is five times the rounding of PDFium's 32-bit floats.
    close = 0.01 / px_per_unit(panel)
    points = series.points
    assert [p.x for p in points] == pytest.approx(X, abs=1e-3)
    assert [p.y for p in points] == pytest.approx(arm.y, abs=close)
    for point, y, down, up in zip(points, arm.y, arm.down, arm.up, strict=True):
        assert_end(point.y_lo, y - down if down else None, close)
        assert_end(point.y_hi, y + up if up else None, close)
    assert all(not p.flags for p in points)


def assert_end(found: float | None, true: float | None, close: float) -> None:
    assert found == (None if true is None else pytest.approx(true, abs=close))


EVEN = [5.0, 6.0, 7.0, 8.0, 9.0]
FIRST, SECOND, THIRD = [70.0, 60.0, 55.0, 52.0, 50.0], [68.0, 61.0, 52.0, 49.0, 53.0], [66.0, 58.0, 57.0, 54.0, 47.0]


def test_series_that_lie_on_one_another_in_one_colour(tmp_path: Path) -> None:
    arms = [Arm(FIRST, EVEN, EVEN, "o", face="white"), Arm(SECOND, EVEN[::-1], EVEN[::-1], "s"), Arm(THIRD, EVEN, EVEN[::-1], "D")]
    panel = only_panel(draw(tmp_path / "black.pdf", arms))
    assert (panel.kind, panel.medium) == ("errorbar", "vector")
    found = {s.marker: s for s in panel.series}
    assert set(found) == {"circle-open", "square", "diamond"}
    for arm, marker in zip(arms, ("circle-open", "square", "diamond"), strict=True):
        assert_arm(found[marker], arm, panel)


def test_colours_names_and_keys_of_a_legend(tmp_path: Path) -> None:
    arms = [
        Arm(FIRST, EVEN, EVEN, "^", "#d62728", name="Magnesium"),
        Arm(THIRD, EVEN, EVEN, "^", "#1f77b4", face="white", name="Placebo"),
    ]
    panel = only_panel(draw(tmp_path / "legend.pdf", arms, line=True, legend=True))
    assert [(s.name, s.color, s.marker) for s in panel.series] == [
        ("Magnesium", "#d62728", "triangle"),
        ("Placebo", "#1f77b4", "triangle-open"),
    ]
    for series, arm in zip(panel.series, arms, strict=True):
        assert_arm(series, arm, panel)


def test_one_sided_bars_have_one_end(tmp_path: Path) -> None:
    none = [0.0] * 5
    arms = [Arm(FIRST, none, EVEN, color="#d62728"), Arm(THIRD, EVEN, none, color="#1f77b4")]
    panel = only_panel(draw(tmp_path / "sided.pdf", arms))
    for series, arm in zip(panel.series, arms, strict=True):
        assert_arm(series, arm, panel)


def test_ticks_are_exact_and_uncertainty_is_small_and_honest(tmp_path: Path) -> None:
    panel = only_panel(draw(tmp_path / "ticks.pdf", [Arm(FIRST, EVEN, EVEN)]))
    assert panel.y_axis.rmse_px is not None
    assert panel.y_axis.rmse_px < 0.002
    u_px = [(p.u_y or 0) * px_per_unit(panel) for p in panel.series[0].points]
    assert all(0.015 < u < 0.05 for u in u_px)


def test_swapping_the_order_of_drawing_swaps_only_the_order(tmp_path: Path) -> None:
    arms = [Arm(FIRST, EVEN, EVEN, "o"), Arm(SECOND, EVEN[::-1], EVEN[::-1], "s")]
    one = {s.marker: s for s in only_panel(draw(tmp_path / "a.pdf", arms)).series}
    other = {s.marker: s for s in only_panel(draw(tmp_path / "b.pdf", arms[::-1])).series}
    for marker in ("circle", "square"):
        ends = [[(p.y, p.y_lo, p.y_hi) for p in found[marker].points] for found in (one, other)]
        np.testing.assert_allclose(np.array(ends[0], dtype=float), np.array(ends[1], dtype=float), atol=1e-6)


def grouped_bars(path: Path, *, one_sided: bool = False) -> tuple[Path, np.ndarray, np.ndarray]:
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    heights = np.array([[40.0, 55.0, 62.5], [30.0, 71.0, 12.25]])
    errors = np.array([[5.0, 7.0, 3.0], [4.0, 6.5, 8.0]])
    for k, (name, color) in enumerate((("Placebo", "#bbbbbb"), ("Ketamine", "#222222"))):
        down = np.zeros(3) if one_sided else errors[k]
        axes.bar(np.arange(3) + 0.4 * k, heights[k], 0.38, color=color, edgecolor="black", yerr=[down, errors[k]], capsize=3, label=name)
    axes.set(ylim=(0, 100), ylabel="Score")
    axes.set_xticks(np.arange(3) + 0.2, ["Pre", "Week 4", "Week 8"])
    axes.legend(loc="upper left")
    figure.savefig(path)
    return path, heights, errors


@pytest.mark.parametrize("one_sided", [False, True])
def test_grouped_bars(tmp_path: Path, *, one_sided: bool) -> None:
    path, heights, errors = grouped_bars(tmp_path / "bars.pdf", one_sided=one_sided)
    panel = only_panel(path)
    assert (panel.kind, panel.medium) == ("bar", "vector")
    assert [s.name for s in panel.series] == ["Placebo", "Ketamine"]
    close = 0.01 / px_per_unit(panel)
    for series, y, e in zip(panel.series, heights, errors, strict=True):
        assert [p.x for p in series.points] == ["Pre", "Week 4", "Week 8"]
        assert [p.y for p in series.points] == pytest.approx(y, abs=close)
        assert [p.y_hi for p in series.points] == pytest.approx(y + e, abs=close)
        expected: list[float | None] = [None] * 3 if one_sided else [pytest.approx(v, abs=close) for v in y - e]
        assert [p.y_lo for p in series.points] == expected


def scatter_only(path: Path) -> Path:
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    axes.plot(X, FIRST, "o", X, THIRD, "s")
    axes.set(xlim=(-1, 9), ylim=(0, 100), yticks=range(0, 101, 20))
    figure.savefig(path)
    return path


def test_markers_without_error_bars_are_no_error_bar_plot(tmp_path: Path) -> None:
    panel = only_panel(scatter_only(tmp_path / "scatter.pdf"))
    assert panel.kind != "errorbar"


def values(points: Sequence[PointRecord]) -> np.ndarray:
    return np.array([(p.y, p.y_lo, p.y_hi) for p in points], dtype=float)


def test_pixels_are_read_where_paths_are_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = Arm(FIRST, EVEN, EVEN, color="#d62728")
    path = draw(tmp_path / "twice.pdf", [arm])
    exact = only_panel(path)

    def damaged(*_: object) -> Drawing:
        msg = "expected 3 points and 0 dashes, found 2 and 0"
        raise ValueError(msg)

    monkeypatch.setattr(page_module, "decode", damaged)
    rendered = only_panel(path)
    assert (exact.medium, rendered.medium) == ("vector", "raster")
    # The rendering is read to a few tenths of a pixel; a pixel is enough to hold both readings together.
    np.testing.assert_allclose(values(rendered.series[0].points), values(exact.series[0].points), atol=1.0 / px_per_unit(exact))


def test_a_figure_that_is_an_image_is_read_from_its_pixels(tmp_path: Path) -> None:
    import PIL.Image

    draw(tmp_path / "drawn.pdf", [Arm(FIRST, EVEN, EVEN, color="#d62728")])
    (page,) = page_module.read_pages(tmp_path / "drawn.pdf")
    PIL.Image.fromarray(page.image).save(tmp_path / "scan.pdf", resolution=300)
    panel = only_panel(tmp_path / "scan.pdf")
    assert panel.medium == "raster"
    assert len(panel.series[0].points) == 5


def test_a_legend_over_a_bar_does_not_change_its_series(tmp_path: Path) -> None:
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    heights = np.array([[60.0, 55.0], [70.0, 90.0], [80.0, 65.0]])
    for k, (name, color) in enumerate((("Placebo", "#eeeeee"), ("Ketamine", "#777777"), ("Morphine", "#bbbbbb"))):
        axes.bar(np.arange(2) + 0.3 * k, heights[k], 0.3, color=color, edgecolor="black", yerr=5, label=name)
    axes.set(ylim=(0, 100), ylabel="Score")
    axes.set_xticks(np.arange(2) + 0.3, ["Pre", "Post"])
    axes.legend(loc="lower right", framealpha=1)
    figure.savefig(tmp_path / "covered.pdf")
    panel = only_panel(tmp_path / "covered.pdf")
    assert {s.name: [p.y for p in s.points] for s in panel.series} == {
        name: pytest.approx(y, abs=0.01) for name, y in zip(("Placebo", "Ketamine", "Morphine"), heights, strict=True)
    }


def test_every_part_of_a_stack_is_read_and_flagged(tmp_path: Path) -> None:
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    lower, upper = [20.0, 40.0, 30.0], [30.0, 25.0, 50.0]
    axes.bar(["One", "Two", "Three"], lower, color="0.3", label="Low", width=0.5)
    axes.bar(["One", "Two", "Three"], upper, bottom=lower, color="0.8", label="High", width=0.5)
    axes.set(ylim=(0, 100), yticks=range(0, 101, 20))
    figure.savefig(tmp_path / "stack.pdf")
    panel = only_panel(tmp_path / "stack.pdf")
    read = {s.color: [p.y for p in s.points] for s in panel.series}
    ends = [a + b for a, b in zip(lower, upper, strict=True)]
    assert read == {"#4d4d4d": pytest.approx(lower, abs=0.1), "#cccccc": pytest.approx(ends, abs=0.1)}
    assert all("stacked" in p.flags for s in panel.series for p in s.points)


def test_markers_at_one_place_are_one_point_that_says_so(tmp_path: Path) -> None:
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    axes.plot([1, 2, 2, 3, 5, 7], [20, 50, 50, 30, 70, 60], "o", color="black", ms=6)
    axes.set(xlim=(0, 8), ylim=(0, 100), yticks=range(0, 101, 20))
    figure.savefig(tmp_path / "same.pdf")
    (series,) = only_panel(tmp_path / "same.pdf").series
    assert [p.y for p in series.points] == pytest.approx([20, 50, 30, 70, 60], abs=0.1)
    assert [("partly_hidden" in p.flags) for p in series.points] == [False, True, False, False, False]


def test_markers_on_the_axis_lines_are_data(tmp_path: Path) -> None:
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    axes.plot([0, 2, 4, 6, 0], [50, 0, 40, 60, 80], "s", color="black", ms=6, clip_on=False)
    axes.set(xlim=(0, 8), ylim=(0, 100), yticks=range(0, 101, 20))
    figure.savefig(tmp_path / "axes.pdf")
    (series,) = only_panel(tmp_path / "axes.pdf").series
    assert sorted(round(p.y) for p in series.points if isinstance(p.y, float)) == [0, 40, 50, 60, 80]


def test_square_markers_with_level_strokes_are_no_boxes(tmp_path: Path) -> None:
    """Error bars along x and y through squares look like medians and whiskers of small boxes."""
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    y = [20.0, 45.0, 30.0, 60.0, 80.0]
    axes.errorbar(X, y, yerr=10, xerr=0.3, fmt="s", color="black", ms=5, mec="gray")
    axes.set(xlim=(-1, 9), ylim=(0, 100), yticks=range(0, 101, 20))
    figure.savefig(tmp_path / "squares.pdf")
    panel = only_panel(tmp_path / "squares.pdf")
    assert panel.kind == "errorbar"
    assert [p.y for p in panel.series[0].points] == pytest.approx(y, abs=0.1)


@pytest.mark.parametrize(("heights", "flagged"), [((20.0, 40.0, 30.0), False), ((20.0, 0.0, 30.0), True)])
def test_a_name_without_a_bar_is_flagged(tmp_path: Path, heights: Sequence[float], flagged: bool) -> None:
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    axes.bar(["One", "Two", "Three"], heights, color="0.5", width=0.5, linewidth=0)
    axes.set(ylim=(0, 100), yticks=range(0, 101, 20))
    figure.savefig(tmp_path / "bars.pdf")
    assert ("bar_missing" in only_panel(tmp_path / "bars.pdf").flags) == flagged


def test_a_minus_sign_that_is_drawn_and_not_written_counts(tmp_path: Path) -> None:
    """Some programs stamp the sign as a shape: the page's own text then says 60, 40, 20 of an axis from -60 to -20."""
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.add_axes((0.2, 0.15, 0.75, 0.8))
    y = [-30.0, -45.0, -25.0, -50.0, -35.0]
    axes.errorbar(X, y, yerr=4, fmt="o", color="black", capsize=3, ms=6)
    axes.set(xlim=(-1, 9), ylim=(-60, -20), xticks=X, yticks=range(-60, -19, 10), ylabel="Change of score")
    axes.set_yticklabels([f"{abs(value)}" for value in range(-60, -19, 10)])
    for value in range(-60, -19, 10):
        at = (value + 60) / 40
        # As long and as thick as the font's own sign, left of two digits of 10 pt.
        axes.plot([-0.114, -0.09], [at, at], color="black", lw=0.8, transform=axes.transAxes, clip_on=False, solid_capstyle="butt")
    figure.savefig(tmp_path / "signs.pdf")
    panel = only_panel(tmp_path / "signs.pdf")
    used = [t.value for t in panel.y_axis.ticks if t.used]
    assert len(used) >= 4  # a label whose sign was not seen is refused by the others
    assert set(used) <= {-20, -30, -40, -50, -60}
    assert "text_layer_differs" in panel.y_axis.flags
    assert "read off the rendering: -20 (the page's text: 20)" in panel.y_axis.reason
    assert [p.y for p in panel.series[0].points] == pytest.approx(y, abs=0.1)


def test_ticks_of_the_frame_do_not_make_decoration_of_a_series(tmp_path: Path) -> None:
    """Markers that stand under ticks at the plot's head are no more data than others."""
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    axes.plot(X, [5, 5, 6, 6, 5], "^", color="black", ms=6)
    axes.plot([1, 3, 5], [40, 60, 80], "s", color="red", ms=6)
    axes.set(xlim=(-1, 9), ylim=(0, 100), xticks=X, yticks=range(0, 101, 20))
    axes.tick_params(direction="in", top=True, right=True, length=6)
    figure.savefig(tmp_path / "ticks.pdf")
    panel = only_panel(tmp_path / "ticks.pdf")
    assert {s.marker: len(s.points) for s in panel.series} == {"triangle": 5, "square": 3}
    assert "error_bars_unread" not in panel.flags


def test_curves_drawn_as_areas_are_refused(tmp_path: Path) -> None:
    figure = Figure(figsize=(5, 4))
    axes = figure.add_axes((0.15, 0.15, 0.8, 0.8))
    x = np.linspace(0, 10, 300)
    for k, color in enumerate(("0.2", "0.5", "black")):
        y = 2 + 2 * k + 0.3 * np.sin(3 * x + k) + 0.05 * np.sin(40 * x)
        rim = np.concatenate([np.column_stack([x, y + 0.04]), np.column_stack([x[::-1], y[::-1] - 0.04])])
        axes.add_patch(Polygon(rim, closed=True, facecolor=color, edgecolor="none"))
    axes.set(xlim=(0, 10), ylim=(0, 8))
    figure.savefig(tmp_path / "areas.pdf")
    (panel,) = digitize_file(tmp_path / "areas.pdf").record.panels
    assert (panel.kind, panel.series) == ("line", ())
    assert "drawn as areas" in panel.refused


def test_survival_curves_that_start_in_the_middle_of_a_thick_axis_line(tmp_path: Path) -> None:
    figure = Figure(figsize=(5, 4))
    axes = figure.add_axes((0.15, 0.15, 0.8, 0.8))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_linewidth(3.0)
    times = np.arange(0.0, 11.0)
    arms = [1 - 0.05 * times, 1 - 0.08 * times]
    for arm, style in zip(arms, ("-", "--"), strict=True):
        axes.plot(times, arm, style, drawstyle="steps-post", color="black")
    axes.set(xlim=(0, 10.2), ylim=(0, 1.04), xlabel="Years", ylabel="Survival")
    figure.savefig(tmp_path / "km.pdf")
    (panel,) = digitize_file(tmp_path / "km.pdf").record.panels
    assert (panel.kind, panel.medium) == ("km", "vector")
    for series, arm in zip(panel.series, arms, strict=True):
        # Paths are written to a hundredth of a point, a hundred-thousandth of this axis.
        np.testing.assert_allclose([p.y for p in series.points], arm, atol=1e-4)  # type: ignore[arg-type]


def test_the_one_key_of_a_legend_on_a_tile_is_no_point(tmp_path: Path) -> None:
    figure = Figure(figsize=(5.25, 5.3))
    axes = figure.add_axes((0.12, 0.08, 0.85, 0.9))
    axes.set(facecolor="0.92", xlim=(-0.2, 4.2), ylim=(80, 180), xlabel="Week", ylabel="Systolic BP")
    y = np.array([148.1, 144.2, 146.9, 149.3, 144.6])
    axes.errorbar(np.arange(5), y, yerr=[np.zeros(5), np.full(5, 10.0)], fmt="^-", color="black", mfc="none", ms=9, uplims=False)
    axes.add_patch(Rectangle((3.1, 160), 0.9, 12, facecolor="white", edgecolor="none", zorder=5))
    tile = 0.28  # of a week: as many inches as 6.4 of the values
    axes.add_patch(Rectangle((3.2, 162.5), tile, tile * 4.4625 / 4.4 / 4.77 * 100, facecolor="0.95", edgecolor="none", zorder=6))
    axes.plot([3.2, 3.2 + tile], [165.5, 165.5], color="black", zorder=7)
    axes.plot([3.2 + tile / 2], [165.5], "^", color="black", mfc="none", ms=9, zorder=8)
    axes.text(3.55, 165.5, "Sham", va="center", fontsize=9, zorder=9)
    figure.savefig(tmp_path / "key.pdf")
    (panel,) = digitize_file(tmp_path / "key.pdf").record.panels
    (series,) = panel.series
    np.testing.assert_allclose([p.y for p in series.points], y, atol=0.05)  # type: ignore[arg-type]
    assert series.name == "Sham"
