"""Forest plots: rows as drawn, what is printed beside them, and where the two disagree."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from forestplots import draw_forest, forest_size, forest_spec
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitize.forest.pieces import find_pieces
from digitize.forest.printed import find_effect, measure_of
from digitize.forest.rows import find_rows
from digitize.read import read_image
from digitize.record import PanelRecord, PointRecord

Spec = dict[str, Any]
NEAR = 0.015  # of the axis: what reading and rounding to two decimals explain at 150 dpi


def spec_of(layout: str, seed: int, fits: Callable[[Spec], bool] = lambda _: True) -> Spec:
    """The first drawing of a layout, from a seed on, that fits a condition."""
    for k in range(400):
        spec = forest_spec(random.Random(seed + k))
        if spec["layout"] == layout and fits(spec):
            return spec
    message = f"expected a drawing of layout {layout} among 400 seeds, found none"
    raise ValueError(message)


def image_of(spec: Spec, dpi: int = 150) -> NDArray[np.uint8]:
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=forest_size(spec), dpi=dpi)
        canvas = FigureCanvasAgg(figure)
        draw_forest(figure.add_subplot(), spec, {"font": 10, "width": 1.0})
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def read(spec: Spec, dpi: int = 150) -> PanelRecord:
    panels = read_image(image_of(spec, dpi))
    assert [p.record.kind for p in panels] == ["forest"]
    return panels[0].record


def points_of(panel: PanelRecord) -> tuple[PointRecord, ...]:
    return tuple(p for s in panel.series for p in s.points)


def away(spec: Spec, value: float | str | None, true: float) -> float:
    """Distance as a share of the axis."""
    assert isinstance(value, float)
    f = np.log if spec["x"]["log"] else np.asarray
    lo, hi = spec["x"]["lim"]
    return float(abs(f(value) - f(true)) / (f(hi) - f(lo)))


@pytest.mark.parametrize("layout", ["revman", "stata", "metafor", "meta", "journal"])
def test_every_row_is_read_in_each_layout(layout: str) -> None:
    spec = spec_of(layout, 50, lambda s: all(not p["clipped"] for p in s["series"][0]["points"]))
    points = points_of(read(spec))
    assert [p.y for p in points] == [row["name"] for row in spec["rows"]]
    for point, row in zip(points, spec["rows"], strict=True):
        assert max(away(spec, point.x, row["x"]), away(spec, point.x_lo, row["lo"]), away(spec, point.x_hi, row["hi"])) < NEAR
        assert (point.model_extra or {})["row"] == row["row"]
        printed = (point.model_extra or {})["printed"]
        assert (printed["effect"], printed["ci_lb"], printed["ci_ub"]) == (row["x"], row["lo"], row["hi"])
        assert "print_differs" not in point.flags


def test_a_clipped_end_is_flagged_and_not_given() -> None:
    spec = spec_of("revman", 1, lambda s: any(p["clipped"] == "hi" for p in s["series"][0]["points"]))
    for point, true in zip(points_of(read(spec)), spec["series"][0]["points"], strict=True):
        if "hi" in true["clipped"]:
            assert point.x_hi is None
        assert ("clipped" in point.flags) == bool(true["clipped"])


def test_a_row_whose_print_contradicts_its_drawing_is_flagged() -> None:
    spec = spec_of("metafor", 3, lambda s: all(not p["clipped"] for p in s["series"][0]["points"]))
    image = image_of(spec)
    false = {**spec, "rows": [dict(row) for row in spec["rows"]]}
    false["rows"][1]["x"] = round(spec["rows"][1]["hi"] * 0.98, 2)
    print_of = image_of(false)
    edge = round(4.4 / forest_size(spec)[0] * image.shape[1])
    image[:, edge:] = print_of[:, edge:]
    points = points_of(read_image(image)[0].record)
    assert [("print_differs" in p.flags) for p in points] == [k == 1 for k in range(len(points))]
    assert "estimate: printed" in (points[1].model_extra or {})["differs"]


def test_print_bears_out_an_axis_of_three_labels() -> None:
    spec = spec_of("stata", 20, lambda s: s["x"]["log"])
    panel = read(spec)
    assert len(panel.x_axis.ticks) == 3
    assert panel.x_axis.flags == ()
    assert "borne out by the numbers printed" in panel.x_axis.reason
    assert all(p.flags == () for p in points_of(panel))


def test_twice_the_resolution_gives_the_same_table() -> None:
    spec = spec_of("journal", 9)
    once, twice = (points_of(read(spec, dpi)) for dpi in (150, 300))
    assert [p.y for p in once] == [p.y for p in twice]
    for a, b in zip(once, twice, strict=True):
        assert isinstance(b.x, float)
        assert away(spec, a.x, b.x) < 0.005  # about one pixel of the coarser drawing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.60 [1.03, 2.50]", (1.6, 1.03, 2.5)),
        ("−0.15 (–2.92, 2.62)", (-0.15, -2.92, 2.62)),
        ("0,85 [0,70; 1,03]", (0.85, 0.7, 1.03)),
        ("0.85 (0.70-1.03)", (0.85, 0.7, 1.03)),
        ("-1.08 (-3.96 to 1.80)", (-1.08, -3.96, 1.8)),
        (".40 (.20, .80)", (0.4, 0.2, 0.8)),
        ("4.5 (1.2)", None),
        ("16/18", None),
    ],
)
def test_printed_effects(text: str, expected: tuple[float, float, float] | None) -> None:
    found = find_effect(text)
    assert (None if found is None else (found.effect, found.ci_lb, found.ci_ub)) == expected


def test_measures_by_their_headings() -> None:
    assert [measure_of(t) for t in ("RR (95% CI)", "WMD (95% CI)", "Odds Ratio M-H, Fixed", "Std. Mean Difference", "Weight")] == [
        "RR", "MD", "OR", "SMD", None,
    ]  # fmt: skip


def test_a_reference_line_is_no_part_of_a_row() -> None:
    image = np.full((120, 200, 3), 255, np.uint8)
    image[:, 99:101] = 0  # the line of no effect
    image[29:31, 70:131] = 0  # an interval across it
    image[25:35, 80:90] = 0  # its mark
    region = (0, 0, 199, 119)
    (piece,) = find_pieces(image, region, [], 10.0)
    assert (piece.x0, piece.width, piece.height) == (70, 61, 10)
    (row,) = find_rows(image, region, (20.0, 180.0), [], 10.0)
    assert row.x.px == pytest.approx(84.5, abs=0.3)
    assert row.lo is not None
    assert row.hi is not None
    assert (row.lo.px, row.hi.px) == pytest.approx((69.5, 130.5), abs=0.3)  # the edges of the line's ink


def test_an_interval_without_a_mark_is_no_row() -> None:
    image = np.full((120, 200, 3), 255, np.uint8)
    image[29:31, 70:131] = 0
    assert find_rows(image, (0, 0, 199, 119), (20.0, 180.0), [], 10.0) == ()
