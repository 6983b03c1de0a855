"""Box plots read from paths: rectangles with a line across and whiskers from their ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitize.boxes import grouped
from digitize.legend import LegendEntry
from digitize.series import Mark, Place, Series
from digitize.vector.bars import ON_END, SAME, Rectangle, rectangles
from digitize.vector.errorbars import joined
from digitize.vector.glyphs import Glyph
from digitize.vector.pieces import STRAIGHT, Stroke
from digitize.vector.scene import Scene

SAME_SIZE, FEW = 0.4, 4  # px within which squares have one size, and how many of that size are no boxes
CORNERS, MIN_WIDTH, NECK = range(9, 13), 5.0, (0.25, 0.92)  # of notched boxes: corners, px, shares of their width that medians have
OFF_MIDDLE, ASIDE = 0.05, 0.8  # widths of a box by which observations lie off its middle, and up to which they are its own
INSIDE = 0.25  # px from the edges of a box within which a line across is the edge


def are_boxes(scene: Scene) -> bool:
    """Whether a panel shows boxes with whiskers: two rectangles or more with a line across and a stroke from their ends.

    Those that all end at one height, with no whisker beyond it, are bars: the cap of an error bar of one side is the line across.
    """
    boxes = _boxes(scene, ())
    return len(boxes) >= 2 and not any(_stand(boxes, _stems(scene), end) for end in (0, 1))


def _stems(scene: Scene) -> list[Stroke]:
    """Upright strokes in the plot; a tick mark under a bar is none of its own."""
    return [s for s in joined(scene.stems) if s.start < scene.box[3] - ON_END and s.end > scene.box[1] + ON_END]


def _stand(boxes: Sequence[Rectangle], stems: Sequence[Stroke], end: int) -> bool:
    """Whether all rectangles end at one height above (0) or below (1), and no whisker goes on from there."""
    ends = [r.box[1 + 2 * end] for r in boxes]
    return max(ends) - min(ends) < SAME and all(_whiskers(r, stems)[end] is None for r in boxes)


def read_boxes(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Series, ...]:
    """Every box of a panel, marks and series as `digitize.boxes.read_boxes` gives them."""
    boxes = sorted(_boxes(scene, legend), key=lambda r: r.middle)
    stems = _stems(scene)
    over = _observations(boxes, scene)
    marks = [_mark(r, stems, scene, over[k]) for k, r in enumerate(boxes)]
    fills = np.array([r.fill[:3] if r.fill is not None else scene.paper for r in boxes], dtype=np.float32).reshape(-1, 3)
    return grouped(scene.panel, legend, [r.middle for r in boxes], fills, marks)


def _observations(boxes: Sequence[Rectangle], scene: Scene) -> list[list[Glyph] | None]:
    """The marks over each box where single observations are drawn over the boxes, most of them off their middles; else None for each."""
    over: list[list[Glyph] | None] = [[] for _ in boxes]
    n_off = 0
    for glyph in scene.glyphs:
        k = min(range(len(boxes)), key=lambda i: abs(boxes[i].middle - glyph.x))
        away = abs(boxes[k].middle - glyph.x) / boxes[k].width
        own = over[k]
        if away < ASIDE and own is not None:
            own.append(glyph)
            n_off += away > OFF_MIDDLE
    return over if n_off >= FEW else [None] * len(boxes)


def _boxes(scene: Scene, legend: Sequence[LegendEntry]) -> list[Rectangle]:
    stems = _stems(scene)
    markers = _square_markers(scene)
    drawn = (*rectangles(scene, legend), *_notched(scene))
    found = [r for r in drawn if _medians(r, scene) and any(w is not None for w in _whiskers(r, stems))]
    return [r for r in found if not any(max(abs(r.middle - g.x), abs((r.box[1] + r.box[3]) / 2 - g.y)) < SAME for g in markers)]


def _notched(scene: Scene) -> list[Rectangle]:
    """Notched boxes: outlines with two level edges as wide as they are, at the quartiles; past these a wide notch folds back."""
    found = []
    for piece in scene.pieces:
        if piece.curved or len(piece.points) not in CORNERS or piece.width < MIN_WIDTH:
            continue
        after = np.roll(piece.points, -1, axis=0)
        along, up = np.abs(after - piece.points).T
        is_level = (up < STRAIGHT) & (along > piece.width - STRAIGHT)
        rows = np.sort(piece.points[is_level, 1])
        if rows.size == 2 and rows[1] - rows[0] > STRAIGHT:
            box = (piece.box[0], float(rows[0]), piece.box[2], float(rows[1]))
            found.append(Rectangle(box, piece.path.fill, piece.path.stroke is not None, piece.path.order, is_notched=True))
    return found


def _square_markers(scene: Scene) -> list[Glyph]:
    """Squares of one size: boxes are as high as their quartiles lie apart, and hardly ever as high as they are wide."""
    squares = [g for g in scene.glyphs if g.shape == "square"]
    return [g for g in squares if sum(abs(g.height - other.height) < SAME_SIZE for other in squares) >= FEW]


def _medians(r: Rectangle, scene: Scene) -> list[Stroke]:
    """Lines across a rectangle from side to side, or across the neck of a notched one, drawn on their own."""
    x0, y0, x1, y1 = r.box
    inside = [s for s in scene.levels if y0 - INSIDE < s.at < y1 + INSIDE and s.length > 3 and s.order != r.order]
    if r.is_notched:
        return [s for s in inside if abs((s.start + s.end) / 2 - r.middle) < SAME and NECK[0] * r.width < s.length < NECK[1] * r.width]
    return [s for s in inside if abs(s.start - x0) < SAME and abs(s.end - x1) < SAME]


def _whiskers(r: Rectangle, stems: Sequence[Stroke]) -> tuple[float | None, float | None]:
    """Ends of the strokes that leave a rectangle above and below in its middle; None where none does."""
    _, y0, _, y1 = r.box
    own = [s for s in stems if abs(s.at - r.middle) < max(2.0, 0.1 * r.width)]
    up = [s.start for s in own if s.start < y0 - INSIDE and s.end > y0 - ON_END]
    down = [s.end for s in own if s.end > y1 + INSIDE and s.start < y1 + ON_END]
    return min(up, default=None), max(down, default=None)


def _mark(r: Rectangle, stems: Sequence[Stroke], scene: Scene, over: Sequence[Glyph] | None) -> Mark:
    _, y0, _, y1 = r.box
    lines = _medians(r, scene)
    inner = [s for s in lines if y0 + INSIDE < s.at < y1 - INSIDE] or lines
    median = max(inner, key=lambda s: (s.width, s.order)).at
    up, down = _whiskers(r, stems)
    flags: tuple[str, ...] = ("whisker_unseen",) if up is None or down is None else ()
    upper, lower = (y0 if up is None else up), (y1 if down is None else down)
    # A box that is a square looks like a marker itself.
    glyphs = [g for g in scene.glyphs if abs(g.width - r.width) > 1 or abs(g.height - (y1 - y0)) > 1]
    near = [g for g in glyphs if abs(g.x - r.middle) < max(2.0, 0.2 * r.width)] if over is None else over
    beyond = np.sort([g.y for g in near if g.y < upper - INSIDE or g.y > lower + INSIDE])
    # An outlier's mark and the observation beside it are one.
    outliers = beyond[np.diff(beyond, prepend=-np.inf) > (0.0 if over is None else INSIDE)].tolist()
    means = [g.y for g in near if y0 < g.y < y1] if over is None else []
    flags += ("points_over_box",) if over is not None and outliers else ()

    def place(y: float) -> Place:
        return Place(y, scene.u_px)

    ends, quartiles = (place(upper), place(lower)), (place(y0), place(y1))
    if scene.panel.y.calibration.slope > 0:  # values fall along an axis turned round
        ends, quartiles = ends[::-1], quartiles[::-1]
    parts: dict[str, Place | tuple[Place, ...] | None] = {
        "median": place(median), "q1": quartiles[1], "q3": quartiles[0], "whisker_lo": ends[1], "whisker_hi": ends[0],
        "outliers": tuple(place(y) for y in outliers),
    }  # fmt: skip
    if len(means) == 1:
        parts["mean"] = place(means[0])
    return Mark(place(r.middle), place(median), flags=flags, confidence=0.6 if flags else 0.99, parts=parts)
