"""Bars drawn here with known ends, read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration import CategoryAxis, Label, read_axis
from digitize.axes import Axis
from digitize.barends import _without_cap
from digitize.bars import BarReading, bar_evidence, read_bars
from digitize.legend import LegendEntry
from digitize.ocr import TextBox
from digitize.panels import Categories, Panel
from digitize.series import Mark, Place
from digitize.ticks import Side, TickMarks

HEIGHT = 12.0  # digit height of the drawn figures, px
BASE = 320.0
EXACT = 0.12  # px: strokes drawn with exact coverage; what is left is the step of the position grid and 8-bit colours


@dataclass(frozen=True)
class Drawn:
    """A bar to draw: x range, end, ends of the error bar, fill."""

    x0: float
    x1: float
    end: float
    outer: float | None = None
    inner: float | None = None
    fill: tuple[int, int, int] = (130, 130, 130)
    capped: bool = True


def canvas(ground: int = 255) -> NDArray[np.float64]:
    return np.full((400, 600, 3), float(ground))


def paint(image: NDArray[np.float64], x0: float, y0: float, x1: float, y1: float, color: Sequence[float]) -> None:
    """Fill a rectangle with exact coverage; pixel i reaches from i - 0.5 to i + 0.5."""
    cover = []
    for a, b, n in ((y0, y1, image.shape[0]), (x0, x1, image.shape[1])):
        i = np.arange(n)
        cover.append(np.clip(np.minimum(b, i + 0.5) - np.maximum(a, i - 0.5), 0, 1))
    share = np.outer(*cover)[:, :, None]
    image[:] = image * (1 - share) + np.array(color, dtype=float) * share


def paint_bar(image: NDArray[np.float64], bar: Drawn, *, width: float = 1.4, base: float = BASE, ink: float = 0.0) -> None:
    dark = (ink, ink, ink)
    top, bottom = min(bar.end, base), max(bar.end, base)
    paint(image, bar.x0, top, bar.x1, bottom, bar.fill)
    h = width / 2
    for x in (bar.x0, bar.x1):
        paint(image, x - h, top - h, x + h, bottom + h, dark)
    for y in (top, bottom):
        paint(image, bar.x0, y - h, bar.x1, y + h, dark)
    if bar.outer is None:
        return
    middle, near = (bar.x0 + bar.x1) / 2, bar.end if bar.inner is None else bar.inner
    paint(image, middle - h, min(bar.outer, near), middle + h, max(bar.outer, near), dark)
    for tip in (bar.outer, bar.inner):
        if bar.capped and tip is not None:
            paint(image, middle - 5, tip - h, middle + 5, tip + h, dark)


def y_axis(ticks: Sequence[tuple[float, float]], shape: tuple[int, int], height: float = HEIGHT, left: float = 40.0) -> Axis:
    px = np.array([p for p, _ in ticks])
    boxes = tuple(TextBox((5, p - height / 2, 30, p + height / 2), 0, f"{v:g}", 1.0, f"{v:g}", 1.0, height) for p, v in ticks)
    reading = read_axis([Label(px=p, size_px=height, text=f"{v:g}", confidence=1.0) for p, v in ticks], px)
    return Axis(Side("left", shape), boxes, TickMarks(px, np.full(px.size, 5.0), left, None), reading)


def panel_of(image: NDArray[np.float64], labels: Sequence[tuple[str, float]] = (), *, zero: float = BASE) -> Panel:
    """A panel of 0.1 data units a pixel, zero at row `zero`, its plot from (42, 15) down to the row 320 less the axis."""
    pixels = np.clip(np.round(image), 0, 255).astype(np.uint8)
    ticks = [(zero - 50.0 * k, 5.0 * k) for k in range(-6, 7) if 20 <= zero - 50.0 * k <= BASE]
    boxes = tuple(TextBox((x - 15, 332, x + 15, 344), 0, text, 1.0, "", 0.0, HEIGHT) for text, x in labels)
    x = Categories(CategoryAxis(tuple(t for t, _ in labels), tuple(p for _, p in labels)), boxes) if labels else None
    return Panel(pixels, (42, 15, 590, 317), y_axis(ticks, pixels.shape[:2]), x, (), (), HEIGHT)


def draw(bars: Sequence[Drawn], ground: int = 255, *, width: float = 1.4, ink: float = 0.0) -> NDArray[np.float64]:
    image = canvas(ground)
    for bar in bars:
        paint_bar(image, bar, width=width, ink=ink)
    return image


def marks(reading: BarReading) -> list[Mark]:
    return sorted((m for s in reading.series for m in s.marks), key=lambda m: m.x.px)


def px(place: Place | None) -> float:
    assert place is not None
    return place.px


GREY, DARK, BLACK, PALE, WHITE = (130,) * 3, (40,) * 3, (0,) * 3, (238,) * 3, (255,) * 3
LABELS = [("Pre", 125.0), ("Post", 275.0), ("Late", 425.0)]


def spaced(fill: tuple[int, int, int], *, inner: bool = True, outer: bool = True, capped: bool = True) -> list[Drawn]:
    ends = [(150.3, 31.2), (201.8, 44.6), (99.5, 27.9)]
    return [
        Drawn(x - 30, x + 30, y, y - e if outer else None, y + e if inner and outer else None, fill, capped)
        for (_, x), (y, e) in zip(LABELS, ends, strict=True)
    ]


class TestOneSeries:
    """Bars of one series, a bar a category."""

    @pytest.mark.parametrize("fill", [GREY, PALE, WHITE, (220, 40, 40)])
    @pytest.mark.parametrize("ground", [255, 235])
    def test_ends_and_error_bars_of_any_fill_and_ground(self, fill: tuple[int, int, int], ground: int) -> None:
        bars = spaced(fill)
        reading = read_bars(panel_of(draw(bars, ground), LABELS))
        assert len(reading.series) == 1
        assert [m.category for m in marks(reading)] == ["Pre", "Post", "Late"]
        for mark, bar in zip(marks(reading), bars, strict=True):
            assert bar.outer is not None
            assert bar.inner is not None
            assert mark.y.px == pytest.approx(bar.end, abs=EXACT)
            assert px(mark.y_hi) == pytest.approx(bar.outer, abs=EXACT)
            assert px(mark.y_lo) == pytest.approx(bar.inner, abs=EXACT)
            assert mark.x.px == pytest.approx((bar.x0 + bar.x1) / 2, abs=0.6)
            assert mark.flags == ()

    def test_upper_half_only_has_no_lower_end_and_no_flag(self) -> None:
        for mark in marks(read_bars(panel_of(draw(spaced(GREY, inner=False)), LABELS))):
            assert mark.y_lo is None
            assert mark.y_hi is not None
            assert mark.flags == ()

    def test_bars_without_error_bars_have_no_ends(self) -> None:
        for mark in marks(read_bars(panel_of(draw(spaced(GREY, outer=False)), LABELS))):
            assert (mark.y_lo, mark.y_hi, mark.flags) == (None, None, ())

    def test_end_of_a_stroke_without_cap(self) -> None:
        bars = spaced(GREY, capped=False)
        for mark, bar in zip(marks(read_bars(panel_of(draw(bars), LABELS))), bars, strict=True):
            # Half-intensity of one pixel row: the share of the last row, clipped at half a row.
            assert px(mark.y_hi) == pytest.approx(px(Place(bar.outer or 0, 0)), abs=0.3)
            assert px(mark.y_lo) == pytest.approx(px(Place(bar.inner or 0, 0)), abs=0.3)

    def test_black_bars_hide_the_lower_end_and_say_so(self) -> None:
        for mark in marks(read_bars(panel_of(draw(spaced(BLACK)), LABELS))):
            assert {"hidden_in_bar", "mirrored"} <= set(mark.flags)
            assert mark.confidence < 0.9
            assert px(mark.y_lo) - px(mark.y) == pytest.approx(px(mark.y) - px(mark.y_hi), abs=1e-9)

    def test_different_fills_a_bar_a_category_are_one_series(self) -> None:
        bars = [replace(b, fill=f) for b, f in zip(spaced(GREY), (BLACK, GREY, WHITE), strict=True)]
        reading = read_bars(panel_of(draw(bars), LABELS))
        assert len(reading.series) == 1
        # The grey and the white bar show even halves: the black one's lower end follows, flagged.
        first = marks(reading)[0]
        assert "mirrored" in first.flags
        assert px(first.y_lo) == pytest.approx(bars[0].inner, abs=1.2)  # its outline cannot be told from its fill
        assert first.y_lo is not None
        assert first.y_lo.u_px > first.y.u_px

    def test_a_label_that_is_missing_is_flagged_and_keeps_the_group(self) -> None:
        first = marks(read_bars(panel_of(draw(spaced(GREY)), LABELS[1:])))[0]
        assert first.category == "group 1"
        assert "category_unread" in first.flags


class TestGroups:
    """Bars of several series side by side."""

    def bars(self, second: tuple[int, int, int] = DARK) -> list[Drawn]:
        ends = [(150.3, 170.9), (201.8, 120.2), (99.5, 260.4)]
        found = []
        for (_, x), (a, b) in zip(LABELS, ends, strict=True):
            found += [Drawn(x - 40, x, a, a - 22.2, a + 22.2, GREY), Drawn(x, x + 40, b, b - 30.7, b + 30.7, second)]
        return found

    def test_touching_bars_of_two_series(self) -> None:
        bars = self.bars()
        reading = read_bars(panel_of(draw(bars), LABELS))
        assert [len(s.marks) for s in reading.series] == [3, 3]
        assert [s.color for s in reading.series] == ["#828282", "#282828"]
        for k, series in enumerate(reading.series):
            assert [m.category for m in series.marks] == ["Pre", "Post", "Late"]
            for mark, bar in zip(series.marks, bars[k::2], strict=True):
                assert mark.y.px == pytest.approx(bar.end, abs=EXACT)
                assert px(mark.y_hi) == pytest.approx(bar.outer, abs=EXACT)
                assert px(mark.y_lo) == pytest.approx(bar.inner, abs=EXACT)

    def test_series_take_the_name_of_the_key_with_their_fill(self) -> None:
        image = draw(self.bars())
        keys = [("Placebo", DARK, 22.0), ("Active", GREY, 40.0)]
        entries = []
        for name, fill, y in keys:
            paint(image, 500, y, 520, y + 10, fill)
            entries.append(LegendEntry(name, (530, round(y), 580, round(y) + 10), (500, round(y), 520, round(y) + 10)))
        reading = read_bars(panel_of(image, LABELS), entries)
        assert [s.name for s in reading.series] == ["Active", "Placebo"]
        assert len(marks(reading)) == 6

    def test_an_end_under_the_legend_is_not_returned_as_seen(self) -> None:
        bars = [replace(b, inner=None) for b in self.bars()]
        image = draw(bars)
        outer = bars[4].outer
        assert outer is not None
        paint(image, 380, outer - 30, 480, outer + 6, WHITE)
        box = (385, round(outer) - 25, 470, round(outer) - 2)
        entry = LegendEntry("Active", (410, *box[1:]), (385, box[1], 400, box[3]))
        reading = read_bars(panel_of(image, LABELS), [entry])
        mark = next(m for m in marks(reading) if abs(m.y.px - bars[4].end) < 1)
        assert mark.y_hi is None
        assert "legend_covers" in mark.flags


def test_bars_below_the_zero_line() -> None:
    zero = 160.0
    image = canvas()
    bars = [Drawn(90, 150, 90.4, 70.2, 110.6), Drawn(240, 300, 230.7, 250.1, 211.3), Drawn(390, 450, 260.3, 281.9, 238.7)]
    for bar in bars:
        paint_bar(image, bar, base=zero)
    paint(image, 42, zero - 0.7, 590, zero + 0.7, (0, 0, 0))
    reading = read_bars(panel_of(image, LABELS, zero=zero))
    assert reading.baseline == pytest.approx(zero, abs=1)
    for mark, bar in zip(marks(reading), bars, strict=True):
        assert bar.outer is not None
        assert bar.inner is not None
        assert mark.y.px == pytest.approx(bar.end, abs=EXACT)
        assert px(mark.y_hi) == pytest.approx(min(bar.outer, bar.inner), abs=EXACT)
        assert px(mark.y_lo) == pytest.approx(max(bar.outer, bar.inner), abs=EXACT)


def test_gridlines_are_no_lids_and_no_caps() -> None:
    image = canvas()
    for y in range(30, 320, 40):
        paint(image, 42, y - 0.5, 590, y + 0.5, (190, 190, 190))
    bars = spaced(WHITE)
    for bar in bars:
        paint_bar(image, bar)
    found = marks(read_bars(panel_of(image, LABELS)))
    assert [m.y.px for m in found] == pytest.approx([b.end for b in bars], abs=EXACT)
    assert [px(m.y_hi) for m in found] == pytest.approx([b.outer for b in bars], abs=EXACT)


def test_letters_above_are_no_error_bars() -> None:
    image = draw(spaced(GREY, outer=False))
    for bar in spaced(GREY):
        x = (bar.x0 + bar.x1) / 2
        paint(image, x - 1, bar.end - 30, x + 1, bar.end - 18, (0, 0, 0))
        paint(image, x - 5, bar.end - 30, x + 5, bar.end - 28, (0, 0, 0))
    assert all(m.y_hi is None for m in marks(read_bars(panel_of(image, LABELS))))


def test_a_second_fill_on_top_is_flagged_as_stacked() -> None:
    image = draw(spaced(GREY, outer=False))
    for bar in spaced(GREY):
        paint_bar(image, Drawn(bar.x0, bar.x1, bar.end - 30, fill=(220, 60, 60)), base=bar.end)
    assert all("stacked" in m.flags for m in marks(read_bars(panel_of(image, LABELS))))


@pytest.mark.parametrize(("dx", "dy"), [(7, 0), (0, -9), (13, 5)])
def test_shifting_the_picture_shifts_the_places(dx: int, dy: int) -> None:
    image = draw(spaced(GREY))
    before = read_bars(panel_of(image, LABELS))
    moved = np.roll(image, (dy, dx), axis=(0, 1))
    panel = panel_of(moved, [(t, x + dx) for t, x in LABELS], zero=BASE + dy)
    x0, y0, x1, y1 = panel.box
    after = read_bars(replace(panel, box=(x0 + dx, y0 + dy, min(x1 + dx, 599), y1 + dy)))
    for a, b in zip(marks(before), marks(after), strict=True):
        assert b.x.px - a.x.px == pytest.approx(dx, abs=1e-6)
        for first, second in ((a.y, b.y), (a.y_lo, b.y_lo), (a.y_hi, b.y_hi)):
            assert px(second) - px(first) == pytest.approx(dy, abs=1e-3)


def test_twice_the_size_gives_the_same_data() -> None:
    small = marks(read_bars(panel_of(draw(spaced(GREY)), LABELS)))
    image = np.full((800, 1200, 3), 255.0)
    for bar in spaced(GREY):
        assert bar.outer is not None
        assert bar.inner is not None
        twice = Drawn(2 * bar.x0, 2 * bar.x1, 2 * bar.end, 2 * bar.outer, 2 * bar.inner, bar.fill)
        paint_bar(image, twice, width=2.8, base=2 * BASE)
    pixels = np.round(image).astype(np.uint8)
    axis = y_axis([(2 * BASE - 100.0 * k, 5.0 * k) for k in range(7)], pixels.shape[:2], 2 * HEIGHT, left=80.0)
    large = marks(read_bars(Panel(pixels, (84, 30, 1180, 634), axis, None, (), (), 2 * HEIGHT)))
    for a, b in zip(small, large, strict=True):
        for first, second in ((a.y, b.y), (a.y_lo, b.y_lo), (a.y_hi, b.y_hi)):
            assert px(second) / 2 == pytest.approx(px(first), abs=EXACT)


def test_noise_blurs_the_places_within_their_uncertainty() -> None:
    bars = spaced(GREY)
    noise = np.random.default_rng(3).normal(0, 8, (400, 600, 1))
    found = marks(read_bars(panel_of(np.clip(draw(bars) + noise, 0, 255), LABELS)))
    for mark, bar in zip(found, bars, strict=True):
        for place, truth in ((mark.y, bar.end), (mark.y_lo, bar.inner), (mark.y_hi, bar.outer)):
            assert place is not None
            assert truth is not None
            assert abs(place.px - truth) < 2.5 * place.u_px
            assert 0.1 < place.u_px < 1.0


def test_one_bit_scan() -> None:
    bars = spaced(BLACK, inner=False)
    image = np.where(draw(bars, width=2.0) > 150, 255.0, 0.0)
    for mark, bar in zip(marks(read_bars(panel_of(image, LABELS))), bars, strict=True):
        # Whole pixels, and half an outline that black fill hides.
        assert mark.y.px == pytest.approx(bar.end, abs=1.3)
        assert px(mark.y_hi) == pytest.approx(bar.outer, abs=0.8)


class TestEvidence:
    """Whether a panel is a bar chart."""

    def test_bars_are_sure(self) -> None:
        assert bar_evidence(panel_of(draw(spaced(GREY)), LABELS)) > 0.8

    def test_floating_boxes_are_none(self) -> None:
        image = canvas()
        for _, x in LABELS:
            paint_bar(image, Drawn(x - 30, x + 30, 120.0), base=200.0)
            paint(image, x - 0.7, 80, x + 0.7, 120, (0, 0, 0))
            paint(image, x - 0.7, 200, x + 0.7, 260, (0, 0, 0))
        assert bar_evidence(panel_of(image, LABELS)) < 0.2

    def test_markers_with_error_bars_are_none(self) -> None:
        image = canvas()
        for k in range(9):
            x, y = 80 + 55 * k, 100 + 15 * k
            paint(image, x - 6, y - 6, x + 6, y + 6, (0, 0, 0))
            paint(image, x - 0.7, y - 40, x + 0.7, y + 40, (0, 0, 0))
        assert bar_evidence(panel_of(image)) < 0.2

    def test_an_empty_plot_reads_as_nothing(self) -> None:
        reading = read_bars(panel_of(canvas()))
        assert (reading.series, reading.baseline, reading.confidence) == ((), None, 0.0)


def test_bars_of_a_pdf_page() -> None:
    pdfium = pytest.importorskip("pypdfium2")
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    values, errors = [12.0, 7.5, 15.2], [2.0, 1.4, 3.1]
    figure = Figure(figsize=(4, 3))
    FigureCanvasPdf(figure)
    ax = figure.add_axes((0.15, 0.15, 0.8, 0.8))
    ax.bar([0, 1, 2], values, yerr=errors, capsize=4, color="#b0c4de", edgecolor="black", linewidth=0.8)
    ax.set_ylim(0, 20)
    ax.set_xticks([])
    file = BytesIO()
    figure.savefig(file, format="pdf")
    scale = 150 / 72
    document = pdfium.PdfDocument(file.getvalue())
    pixels = np.ascontiguousarray(document[0].render(scale=scale).to_numpy()[..., 2::-1])
    document.close()

    def row(value: float) -> float:
        return float(pixels.shape[0]) - float(ax.transData.transform((0, value))[1]) / figure.dpi * 150 - 0.5

    left, right = (float(ax.transData.transform((x, 0))[0]) / figure.dpi * 150 for x in ax.get_xlim())
    axis = y_axis([(row(v), v) for v in (0, 5, 10, 15, 20)], pixels.shape[:2], 15.0, left=left)
    box = (round(left) + 2, round(row(20)) + 2, round(right) - 2, round(row(0)) - 3)
    reading = read_bars(Panel(pixels, box, axis, None, (), (), 15.0))
    found = marks(reading)
    assert len(found) == 3
    # The renderer sets all strokes down half a pixel higher, ticks as well: what counts is that they move together, within 0.3 px.
    expected = {"y": values, "y_hi": np.add(values, errors), "y_lo": np.subtract(values, errors)}
    off = np.array([[px(getattr(m, name)) - row(v) for m, v in zip(found, truth, strict=True)] for name, truth in expected.items()])
    assert abs(off.mean()) < 0.8
    assert np.abs(off - off.mean()).max() < 0.3


def hatch(image: NDArray[np.float64], bar: Drawn, kind: str, period: float = 8.0, base: float = BASE) -> None:
    """Draw a hatch of black strokes over the inside of a bar: its last pixels stay free for the outline."""
    x0, x1, y0, y1 = round(bar.x0) + 1, round(bar.x1) - 1, round(bar.end) + 1, round(base) - 1
    y, x = np.mgrid[y0 : y1 + 1, x0 : x1 + 1].astype(float)
    along = {"/": [x + y], "\\": [x - y], "x": [x + y, x - y], "|": [x], "-": [y], "+": [x, y]}
    inked = np.zeros(x.shape, dtype=bool)
    for phase in along.get(kind, []):
        inked |= np.mod(phase, period) < 1.0
    if kind == ".":
        inked = (np.mod(x, period / 2) < 1.5) & (np.mod(y, period / 2) < 1.5)
    image[y0 : y1 + 1, x0 : x1 + 1][inked] = 0


class TestTextures:
    """White bars with outlines, hatches and dots."""

    @pytest.mark.parametrize("kind", ["/", "\\", "x", "|", "-", "+", "."])
    def test_a_hatch_is_a_fill(self, kind: str) -> None:
        image = canvas()
        bars = spaced(WHITE, inner=False)
        for bar in bars:
            paint_bar(image, bar)
            hatch(image, bar, kind)
        found = marks(read_bars(panel_of(image, LABELS)))
        assert [m.category for m in found] == ["Pre", "Post", "Late"]
        # A stroke or a row of dots that touches the lid cannot be told from it.
        assert [m.y.px for m in found] == pytest.approx([b.end for b in bars], abs=1.0)
        assert all(m.y.u_px > 0.3 for m in found)
        assert [px(m.y_hi) for m in found] == pytest.approx([b.outer for b in bars], abs=EXACT)

    def test_touching_bars_of_four_textures_are_four_series(self) -> None:
        image = canvas()
        kinds = ["", "/", "x", "-"]
        tops = [[200.3, 170.2, 240.6, 120.8], [150.5, 150.9, 260.3, 205.4]]
        drawn = [
            [Drawn(60 + 270 * g + 40 * k, 100 + 270 * g + 40 * k, t, t - 20.2, fill=WHITE) for k, t in enumerate(row)]
            for g, row in enumerate(tops)
        ]
        for group in drawn:
            for bar, kind in zip(group, kinds, strict=True):
                paint_bar(image, bar)
                hatch(image, bar, kind)
        reading = read_bars(panel_of(image, [("Dry", 140.0), ("Wet", 410.0)]))
        assert [len(s.marks) for s in reading.series] == [2, 2, 2, 2]
        for k, series in enumerate(reading.series):
            assert [m.category for m in series.marks] == ["Dry", "Wet"]
            for mark, group in zip(series.marks, drawn, strict=True):
                assert mark.x.px == pytest.approx((group[k].x0 + group[k].x1) / 2, abs=1.5)
                assert mark.y.px == pytest.approx(group[k].end, abs=0.6)
                assert px(mark.y_hi) == pytest.approx(group[k].outer, abs=EXACT)

    def test_hatches_drawn_by_matplotlib(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        values, errors = [12.0, 7.5, 15.2, 9.1], [2.0, 1.4, 3.1, 0.9]
        figure = Figure(figsize=(6, 4), dpi=100)
        agg = FigureCanvasAgg(figure)
        ax = figure.add_axes((0.1, 0.2, 0.8, 0.75))
        for k, pattern in enumerate(["//", "xx", "..", ""]):
            bar = ax.bar([k], [values[k]], yerr=[[0], [errors[k]]], capsize=4, facecolor="white", edgecolor="black", linewidth=1.0)
            bar.patches[0].set_hatch(pattern)
        ax.set_ylim(0, 20)
        ax.set_xticks([])
        agg.draw()  # type: ignore[no-untyped-call]
        pixels = np.ascontiguousarray(np.asarray(agg.buffer_rgba())[..., :3])  # type: ignore[no-untyped-call]

        def row(value: float) -> float:
            return float(pixels.shape[0]) - float(ax.transData.transform((0, value))[1]) - 0.5

        left, right = (float(ax.transData.transform((x, 0))[0]) for x in ax.get_xlim())
        axis = y_axis([(row(v), v) for v in (0, 5, 10, 15, 20)], pixels.shape[:2], 11.0, left=left)
        box = (round(left) + 2, round(row(20)) + 2, round(right) - 2, round(row(0)) - 3)
        found = marks(read_bars(Panel(pixels, box, axis, None, (), (), 11.0)))
        # The renderer moves strokes to whole pixels, and those of bars and caps apart.
        assert [m.y.px for m in found] == pytest.approx([row(v) for v in values], abs=1.1)
        assert [px(m.y_hi) for m in found] == pytest.approx([row(v + e) for v, e in zip(values, errors, strict=True)], abs=1.1)

    def test_a_hatched_key_names_its_series(self) -> None:
        image = canvas()
        entries = []
        for name, kind, y in (("Dots", ".", 20.0), ("Lines", "/", 40.0)):
            key = Drawn(500, 530, y, fill=WHITE)
            paint_bar(image, key, base=y + 12)
            hatch(image, key, kind, period=6.0, base=y + 12)
            entries.append(LegendEntry(name, (536, round(y), 580, round(y) + 12), (500, round(y), 530, round(y) + 12)))
        for x, top, kind in ((80, 150.2, "/"), (120, 90.7, "."), (280, 180.3, "/"), (320, 210.1, ".")):
            bar = Drawn(x, x + 40, top, fill=WHITE)
            paint_bar(image, bar)
            hatch(image, bar, kind, period=6.0)
        reading = read_bars(panel_of(image, [("Dry", 120.0), ("Wet", 320.0)]), entries)
        assert [s.name for s in reading.series] == ["Lines", "Dots"]


class TestStacks:
    """Bars on top of one another."""

    PARTS = ((250.4, (120, 120, 120)), (170.6, (215, 215, 215)), (110.3, (60, 90, 200)))

    def picture(self) -> NDArray[np.float64]:
        image = canvas()
        for shift, (_, x) in zip((0.0, 21.3, -14.2), LABELS, strict=True):
            for end, fill in reversed(self.PARTS):
                paint_bar(image, Drawn(x - 30, x + 30, end + shift, end + shift - 12.4, end + shift + 12.4, fill))
        return image

    def test_each_part_is_a_mark_of_its_own_series_at_its_end_on_the_axis(self) -> None:
        reading = read_bars(panel_of(self.picture(), LABELS))
        assert sorted(s.color for s in reading.series) == ["#3c5ac8", "#787878", "#d7d7d7"]
        for series in reading.series:
            end = next(e for e, fill in self.PARTS if "#{:02x}{:02x}{:02x}".format(*fill) == series.color)
            assert [m.category for m in series.marks] == ["Pre", "Post", "Late"]
            for mark, shift in zip(series.marks, (0.0, 21.3, -14.2), strict=True):
                assert "stacked" in mark.flags
                assert mark.y.px == pytest.approx(end + shift, abs=EXACT)
                # Over another fill than paper the stroke's colour is less sure.
                assert px(mark.y_hi) == pytest.approx(end + shift - 12.4, abs=0.3)

    def test_a_letter_inside_a_bar_is_no_part(self) -> None:
        image = draw(spaced(WHITE, outer=False))
        for bar in spaced(WHITE):
            x = (bar.x0 + bar.x1) / 2
            for dy in (40, 46, 52):
                paint(image, x - 6, bar.end + dy, x + 6, bar.end + dy + 2, (0, 0, 0))
        found = marks(read_bars(panel_of(image, LABELS)))
        assert len(found) == 3
        assert all(m.flags == () for m in found)


class TestErrorBarsInTheWay:
    """What stands close to the ends of bars and of their error bars."""

    def test_a_letter_right_above_a_cap_does_not_lengthen_the_error_bar(self) -> None:
        bars = spaced(GREY, inner=False)
        image = draw(bars)
        for bar in bars:
            assert bar.outer is not None
            x = (bar.x0 + bar.x1) / 2
            bottom = bar.outer - 3.2
            paint(image, x - 5, bottom - 2, x + 5, bottom, (0, 0, 0))
            paint(image, x - 5, bottom - 12, x + 5, bottom - 10, (0, 0, 0))
            paint(image, x - 1, bottom - 12, x + 1, bottom, (0, 0, 0))
        found = marks(read_bars(panel_of(image, LABELS)))
        assert [px(m.y_hi) for m in found] == pytest.approx([b.outer for b in bars], abs=EXACT)

    def test_a_cap_that_lies_on_the_outline(self) -> None:
        bars = [replace(b, outer=b.end - 2.6, inner=b.end + 2.6) for b in spaced(GREY)]
        found = marks(read_bars(panel_of(draw(bars), LABELS)))
        for mark, bar in zip(found, bars, strict=True):
            # The cap hides the stem: only how far it stands out tells where it is.
            assert px(mark.y_hi) == pytest.approx(bar.outer, abs=0.8)
            assert mark.y_lo is None or px(mark.y_lo) == pytest.approx(bar.inner, abs=0.8)

    def test_caps_as_wide_as_the_bars_are_no_lids(self) -> None:
        image = canvas()
        bars = [
            Drawn(80 + 120 * g + 24 * k, 104 + 120 * g + 24 * k, 150.3 + 25 * k, fill=f)
            for g in range(3)
            for k, f in enumerate((WHITE, GREY))
        ]
        for bar in bars:
            paint_bar(image, bar)
            x, tip = (bar.x0 + bar.x1) / 2, bar.end - 15.4
            paint(image, x - 0.7, tip, x + 0.7, bar.end, (0, 0, 0))
            paint(image, x - 11.5, tip - 0.7, x + 11.5, tip + 0.7, (0, 0, 0))
        found = marks(read_bars(panel_of(image, LABELS)))
        assert [m.y.px for m in found] == pytest.approx([b.end for b in bars], abs=EXACT)
        assert [px(m.y_hi) for m in found] == pytest.approx([b.end - 15.4 for b in bars], abs=EXACT)


def test_a_frame_and_dividers_are_no_bars() -> None:
    bars = spaced(WHITE, inner=False)
    image = draw(bars)
    for y in (15.0, 320.0):
        paint(image, 40, y - 0.7, 590, y + 0.7, (0, 0, 0))
    for x in (40.0, 200.0, 350.0, 590.0):
        paint(image, x - 0.7, 15, x + 0.7, 320, (0, 0, 0))
    found = marks(read_bars(panel_of(image, LABELS)))
    assert [m.y.px for m in found] == pytest.approx([b.end for b in bars], abs=EXACT)


def test_a_line_that_encloses_an_area_with_the_axis_is_no_bar() -> None:
    image = canvas()
    for k in range(8):
        paint(image, 60 + 60 * k, 60 + 25 * k, 121 + 60 * k, 62 + 25 * k, (0, 0, 0))
        paint(image, 119 + 60 * k, 60 + 25 * k, 121 + 60 * k, 87 + 25 * k, (0, 0, 0))
    assert bar_evidence(panel_of(image)) < 0.5


def test_a_bar_that_the_plot_cuts_is_flagged() -> None:
    bars = [replace(b, fill=WHITE) for b in spaced(WHITE, outer=False)]
    bars[2] = replace(bars[2], end=2.0)
    found = marks(read_bars(panel_of(draw(bars), LABELS)))
    assert [m.y.px for m in found[:2]] == pytest.approx([b.end for b in bars[:2]], abs=EXACT)
    assert all("clipped" in m.flags for m in found[2:])


def test_groups_that_stand_in_groups_keep_their_labels() -> None:
    places = [60, 170, 340, 450]
    image = canvas()
    for k, x in enumerate(places):
        for j, fill in enumerate((WHITE, GREY, BLACK)):
            paint_bar(image, Drawn(x + 24 * j, x + 24 * j + 24, 120.4 + 10 * j + 7 * k, fill=fill))
    names = ["N0", "N25", "N50", "N100"]
    reading = read_bars(panel_of(image, [(n, x + 36.0) for n, x in zip(names, places, strict=True)]))
    assert [[m.category for m in s.marks] for s in reading.series] == [names] * 3


@pytest.mark.parametrize("gap", [3.5, 4.0, 4.5, 5.0, 6.0, 7.0])
def test_a_cap_close_above_the_lid_of_a_hatched_bar_is_no_lid(gap: float) -> None:
    """The cap is nearly as wide as the bar, and the paper between it and the lid is lower than what closes a hatch."""
    places = ((100, 220.0), (160, 180.0), (220, 250.0), (280, 205.0))
    bars = [Drawn(x, x + 17, end, end - gap, fill=WHITE, capped=False) for x, end in places]
    image = draw(bars, width=2.0)
    for bar in bars:
        hatch(image, bar, "\\")
        paint(image, bar.x0 + 1.5, bar.end - gap - 1, bar.x1 - 1.5, bar.end - gap + 1, BLACK)
    found = marks(read_bars(replace(panel_of(image), height=22.0)))
    assert len(found) == len(bars)
    for mark, bar in zip(found, bars, strict=True):
        assert mark.y.px == pytest.approx(bar.end, abs=1.0)  # a hatch draws the end by up to half a stroke


def test_only_what_stands_above_paper_above_an_outline_is_a_cap() -> None:
    paper, ink, pale = (np.full(3, v) for v in (250.0, 10.0, 235.0))
    rows = [paper, ink, paper, ink, ink, pale, pale]
    cut = _without_cap(np.array(rows), 6, paper.astype(np.float32))
    np.testing.assert_array_equal(cut, [paper, paper, paper, *rows[3:]])
    np.testing.assert_array_equal(_without_cap(np.array(rows[4:]), 0, paper.astype(np.float32)), rows[4:])  # at the edge of the plot
    for whole in (rows[2:], [paper, *rows[5:]], [ink, ink, pale], [paper, paper]):
        profile = np.array(whole)
        np.testing.assert_array_equal(_without_cap(profile, len(whole) - 1, paper.astype(np.float32)), profile)


def test_a_bar_whose_end_a_legend_covers_in_part_ends_where_the_rest_of_it_does() -> None:
    """The ground of a legend reaches beyond its names and keys; such a bar was given with the legend's edge for its end."""
    bars = [Drawn(x, x + 100, end, end - 25, fill=GREY) for x, end in ((80, 190.0), (230, 150.0), (380, 160.3))]
    image = draw(bars)
    paint(image, 410, 60, 560, 172, WHITE)
    for y in (100, 130):
        paint(image, 430, y, 450, y + 14, BLACK)
    entries = [LegendEntry(name, (460, y, 520, y + 14), (430, y, 450, y + 14)) for name, y in (("Sham", 100), ("Active", 130))]
    *whole, covered = marks(read_bars(panel_of(image), entries))
    assert len(whole) == 2
    assert covered.y.px == pytest.approx(160.3, abs=0.3)
    assert (covered.y_lo, covered.y_hi) == (None, None)
    assert "legend_covers" in covered.flags
