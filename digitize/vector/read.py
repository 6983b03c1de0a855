"""The marks of a panel, read from its paths where it is drawn with paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitize.legend import LegendEntry
from digitize.panels import Panel
from digitize.series import Series
from digitize.vector.bars import read_bars
from digitize.vector.points import read_points
from digitize.vector.scene import Scene, scene_of
from digitize.vector.unmarked import read_unmarked

INK = 12  # grey levels by which a pixel differs from the paper where something is drawn


def vector_scene(panel: Panel, legend: Sequence[LegendEntry]) -> Scene | None:
    """The paths of a panel; None where the plot is an image or nothing is drawn in it."""
    x0, y0, x1, y1 = panel.box
    for a, b, c, d in panel.drawing.images:
        covered = max(0.0, min(c, x1) - max(a, x0)) * max(0.0, min(d, y1) - max(b, y0))
        if covered > 0.3 * (x1 - x0) * (y1 - y0):
            return None
    if not panel.drawing.paths:
        return None
    scene = scene_of(panel, legend)
    return scene if scene.stems or scene.glyphs or scene.pieces else None


def read_vector_points(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """Series of markers with error bars; empty where the paths do not show any that the rendering shows as well."""
    series = read_points(scene, legend)
    return series if _are_seen(scene, series) else ()


def read_vector_unmarked(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """Series of error bars without markers; empty where the paths do not show any that the rendering shows as well."""
    series = read_unmarked(scene, legend)
    return series if _are_seen(scene, series) else ()


def read_vector_bars(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """Series of bars and the panel's flags; no series where the paths do not show any that the rendering shows as well."""
    series, flags = read_bars(scene, legend)
    return (series, flags) if _are_seen(scene, series) else ((), ())


def _are_seen(scene: Scene, series: Sequence[Series]) -> bool:
    places = [(m.x.px, m.y.px) for s in series for m in s.marks]
    return bool(places) and _share_seen(scene, places) >= 0.9


def _share_seen(scene: Scene, places: Sequence[tuple[float, float]]) -> float:
    """Share of marks at which the rendering shows ink: what is drawn in the paper's colour, clipped or painted over is no mark."""
    image = scene.panel.image
    # An open marker shows its ink at its rim.
    reach = round(max([0.35 * scene.panel.height, *(max(g.width, g.height) / 2 + 2 for g in scene.glyphs)]))
    seen = []
    for x, y in places:
        patch = image[max(0, round(y) - reach) : round(y) + reach + 1, max(0, round(x) - reach) : round(x) + reach + 1]
        seen.append(patch.size > 0 and np.abs(patch.astype(float) - scene.paper).max() > INK)
    return float(np.mean(seen))
