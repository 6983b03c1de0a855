"""Pictures of what was read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from calibration import AxisCalibration, Tick, scale_named
from digitize.overlay import REFUSED, USED, draw_overlay
from digitize.record import AxisRecord, PanelRecord, PointRecord, SeriesRecord, TickRecord
from digitize.tickplot import draw_residuals


def panel(*ticks: TickRecord, flags: tuple[str, ...] = ()) -> PanelRecord:
    x = AxisRecord(scale="category")
    y = AxisRecord(scale="linear", ticks=ticks, flags=flags)
    return PanelRecord(id="p1-A", page=1, kind="errorbar", bbox_px=(60, 20, 280, 180), medium="raster", x_axis=x, y_axis=y)


def colours_near(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], row: int, zoom: int) -> set[tuple[int, int, int]]:
    part = image[max(0, zoom * (row - 4)) : zoom * (row + 5), 55 * zoom : 80 * zoom].reshape(-1, 3)
    return {(int(r), int(g), int(b)) for r, g, b in part}


def test_used_ticks_are_green_and_refused_ones_red() -> None:
    ticks = (TickRecord(px=40.0, value=10.0, label="10"), TickRecord(px=140.0, value=None, label="7", used=False, reason="does not fit"))
    image = np.full((200, 300, 3), 255, dtype=np.uint8)
    drawn = draw_overlay(image, [panel(*ticks)])
    zoom = drawn.shape[0] // 200
    assert USED in colours_near(drawn, 40, zoom)
    assert REFUSED not in colours_near(drawn, 40, zoom)
    assert REFUSED in colours_near(drawn, 140, zoom)
    assert (image == 255).all()


def test_the_flags_of_an_axis_are_written() -> None:
    image = np.full((200, 300, 3), 255, dtype=np.uint8)
    tick = TickRecord(px=100.0, value=1.0, label="1")
    assert (draw_overlay(image, [panel(tick)]) != draw_overlay(image, [panel(tick, flags=("axis_uncertain",))])).any()


def test_residuals_show_every_tick_and_name_the_refused_ones() -> None:
    ticks = [Tick(10.0, 0.0, "0"), Tick(60.3, 5.0, "5"), Tick(110.0, 10.0, "10"), Tick(160.0, math.nan, "75", False, "does not fit")]
    axis = AxisCalibration.from_ticks(ticks, scale=scale_named("linear"))
    ax = Figure().add_subplot()
    assert draw_residuals(axis, ax) is ax
    assert [text.get_text() for text in ax.texts] == ["75 refused"]
    drawn = ax.containers[0].lines[0].get_xydata()
    assert drawn[:, 0] == pytest.approx([10.0, 60.3, 110.0])
    assert drawn[:, 1] == pytest.approx(axis.residuals_px[:3])


def test_an_end_on_a_broken_axis_is_drawn_between_the_ticks_beside_it() -> None:
    ticks = [TickRecord(px=p, value=v, label=f"{v:g}") for p, v in ((40.0, 120.0), (60.0, 100.0), (100.0, 10.0), (140.0, 0.0))]
    point = PointRecord(x="A", y=5.0, px=(170.0, 120.0), y_hi=110.0)
    record = panel(*ticks, flags=("axis_broken",))
    series = SeriesRecord(name="A", color="#000000", marker="bar", points=(point,))
    drawn = draw_overlay(np.full((200, 300, 3), 255, dtype=np.uint8), [record.model_copy(update={"series": (series,)})])
    zoom = drawn.shape[0] // 200
    rows = np.flatnonzero((drawn[:, 171 * zoom] != 255).any(axis=1)) / zoom
    assert rows[rows > 25].min() == pytest.approx(50.0, abs=1.0)  # beneath the edge of the plot
