"""What was found, drawn on the figure: ticks with the values read, marks, error-bar ends, series in colours of their own."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.record import AxisRecord, PanelRecord, PointRecord, TickRecord

PALETTE = ((230, 25, 75), (0, 110, 220), (0, 150, 70), (190, 80, 0), (145, 30, 180), (0, 140, 150), (200, 0, 160), (110, 110, 0))
USED, REFUSED, FRAME, FLAGGED = (0, 110, 0), (220, 0, 0), (90, 90, 200), (200, 110, 0)
FINE = 4  # shift bits of cv2: positions to 1/16 px


def draw_overlay(image: NDArray[np.uint8], panels: Sequence[PanelRecord]) -> NDArray[np.uint8]:
    """The page (h, w, 3) uint8 RGB, paled, with everything that its panels' records hold; small pages are enlarged to be legible.

    Crosses are markers, dashes across are ends of error bars; an orange ring means that a point carries a flag. Ticks in green are used,
    each with the value read; those crossed out in red were refused, each with its label. An axis's flags stand beside it.
    """
    zoom = max(1, round(1100 / max(image.shape[:2])))
    large = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    canvas: NDArray[np.uint8] = np.asarray(255 - (255 - large.astype(np.float32)) * 0.55, dtype=np.uint8)
    size = max(3, round(max(canvas.shape[:2]) / 220))
    for panel in panels:
        x0, y0, x1, y1 = panel.bbox_px
        cv2.rectangle(canvas, _at(x0, y0, zoom), _at(x1, y1, zoom), FRAME, 1, cv2.LINE_AA, FINE)
        upright, level = (panel.x_axis, panel.y_axis) if panel.orientation == "horizontal" else (panel.y_axis, panel.x_axis)
        _draw_ticks(canvas, upright, zoom, size, upright=True, at=x0)
        _draw_ticks(canvas, level, zoom, size, upright=False, at=y1)
        for series, color in zip(panel.series, PALETTE * (1 + len(panel.series) // len(PALETTE)), strict=False):
            for point in series.points:
                _draw_point(canvas, point, panel, zoom, size, color)
        if panel.refused:
            _write(canvas, panel.refused, (x0 + 4) * zoom, (y0 + 14) * zoom, REFUSED)
    return canvas


def _at(x: float, y: float, zoom: int) -> tuple[int, int]:
    """Position on the canvas in 1/16 px of the centre of an original pixel position."""
    return round(((x + 0.5) * zoom - 0.5) * 16), round(((y + 0.5) * zoom - 0.5) * 16)


def _write(canvas: NDArray[np.uint8], text: str, x: float, y: float, color: tuple[int, int, int]) -> None:
    ascii_text = text.encode("ascii", "replace").decode()
    cv2.putText(canvas, ascii_text, (round(x), round(y)), cv2.FONT_HERSHEY_SIMPLEX, 0.4, color, 1, cv2.LINE_AA)


def _draw_ticks(canvas: NDArray[np.uint8], axis: AxisRecord, zoom: int, size: int, *, upright: bool, at: float) -> None:
    if axis.flags:
        first = min((t.px for t in axis.ticks), default=0.0) * zoom
        x, y = (at * zoom + 4, max(14.0, first - 3 * size)) if upright else (max(4.0, first), at * zoom + 6 * size)
        _write(canvas, f"{'y' if upright else 'x'}: {' '.join(axis.flags)}", x, y, FLAGGED)
    for tick in axis.ticks:
        _draw_tick(canvas, tick, zoom, size, upright=upright, at=at)


def _draw_tick(canvas: NDArray[np.uint8], tick: TickRecord, zoom: int, size: int, *, upright: bool, at: float) -> None:
    """A dash with the value read; a refused tick is crossed out, with its label as it was read."""
    x, y = (at, tick.px) if upright else (tick.px, at)
    color = USED if tick.used else REFUSED
    long, short = 2.0 * size / zoom, (0.0 if tick.used else 1.2 * size / zoom)
    dx, dy = (long, short) if upright else (short, long)
    cv2.line(canvas, _at(x - dx, y - dy, zoom), _at(x + dx, y + dy, zoom), color, 1, cv2.LINE_AA, FINE)
    if not tick.used:
        cv2.line(canvas, _at(x - dx, y + dy, zoom), _at(x + dx, y - dy, zoom), color, 1, cv2.LINE_AA, FINE)
    value = f"{tick.value:g}" if isinstance(tick.value, float) else str(tick.value)
    text = value if tick.used else f"'{tick.label}' refused"
    offset = (2.5 * size, -2.0) if upright else (2.0, -2.0 * size)
    _write(canvas, text, (x + 0.5) * zoom + offset[0], (y + 0.5) * zoom + offset[1], color)


def _draw_point(
    canvas: NDArray[np.uint8], point: PointRecord, panel: PanelRecord, zoom: int, size: int, color: tuple[int, int, int]
) -> None:
    if panel.kind == "line" and point.y is None:  # asked for where the curve does not run
        return
    x, y = point.px
    arm = size / zoom
    for dx, dy in ((arm, 0.0), (0.0, arm)):
        cv2.line(canvas, _at(x - dx, y - dy, zoom), _at(x + dx, y + dy, zoom), color, 1, cv2.LINE_AA, FINE)
    is_level = panel.kind == "forest" or panel.orientation == "horizontal"
    axis, ends = (panel.x_axis, (point.x_lo, point.x_hi)) if panel.kind == "forest" else (panel.y_axis, (point.y_lo, point.y_hi))
    places = [(value, 1.3 * arm, True, is_level, axis) for value in ends]
    places += [(value, 1.8 * arm, False, is_level, axis) for value in _parts(point)]
    if panel.kind == "errorbar" and not is_level:
        places += [(value, 1.3 * arm, True, True, panel.x_axis) for value in (point.x_lo, point.x_hi)]
    for value, reach, is_end, level, along in places:
        px = None if value is None else _pixel(along, value)
        if px is None:
            continue
        a, b = ((px, y - reach), (px, y + reach)) if level else ((x - reach, px), (x + reach, px))
        cv2.line(canvas, _at(*a, zoom), _at(*b, zoom), color, 1, cv2.LINE_AA, FINE)
        if is_end:
            cv2.line(canvas, _at(x, y, zoom), _at(px, y, zoom) if level else _at(x, px, zoom), color, 1, cv2.LINE_AA, FINE)
    row = getattr(point, "row", None)
    if row is not None:
        _write(canvas, row, (x + 0.5) * zoom + size, (y + 0.5) * zoom - size, color)
    if point.flags:
        cv2.circle(canvas, _at(x, y, zoom), round(1.6 * size * 16), (255, 150, 0), 1, cv2.LINE_AA, FINE)


def _parts(point: PointRecord) -> list[float]:
    """The values of a box beside its median: quartiles, whiskers, mean and outliers."""
    said = point.model_extra or {}
    values = [said.get(name) for name in ("q1", "q3", "whisker_lo", "whisker_hi", "mean")]
    return [v for v in (*values, *(said.get("outliers") or ())) if isinstance(v, float)]


def _pixel(axis: AxisRecord, value: float) -> float | None:
    """Where a value stands along an axis, by a straight line through its used ticks; None off a log scale's domain.

    On a broken axis it is the line through the two ticks beside the value.
    """
    ticks = [(t.px, t.value) for t in axis.ticks if t.used and isinstance(t.value, float)]
    if len(ticks) < 2 or (axis.scale == "log10" and value <= 0):
        return None
    px, values = np.array(ticks).T
    forward = np.log10 if axis.scale == "log10" else np.asarray
    if "axis_broken" in axis.flags:
        order = np.argsort(values)
        first = int(np.clip(np.searchsorted(values[order], value) - 1, 0, len(values) - 2))
        px, values = px[order][first : first + 2], values[order][first : first + 2]
    slope, intercept = np.polyfit(forward(values), px, 1)
    return float(intercept + slope * forward(value))
