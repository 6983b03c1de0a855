"""Level error bars of markers off pixels: what stands upright in a picture whose x and y are exchanged, looked at in the same ways.

Gridlines, lines from marker to marker, caps and words are level too. So nothing is a level bar unless most markers have one that both ways
of looking see alike, with two ends that stand free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from digitize.errorbars import ErrorBar
from digitize.firstlook import Point, points_at_first, share_with_two_ends
from digitize.ink import MIN_INK, Ink, paper_color
from digitize.legend import is_word
from digitize.looks import Seen
from digitize.network import DetectedEnd, DetectedMark, detect_marks
from digitize.ocr import TextBox
from digitize.panels import Panel

PERHAPS = 0.3  # share of the markers at which strokes must show two ends for the network to be asked
MOST, FEWEST = 0.5, 3  # share of the markers, and number (or else all), that must have a clear level bar for any to have one
SOME, LEAST = 0.33, 2  # share and number from which on there may be level bars all the same: of 110 plots without none had so many
ALIKE = 2.0  # px at the scale of UNIT: by how much strokes of one length seem to differ at most
STRUCK, BARE = 0.95, 0.25  # share of its length that a level bar read as letters shows; heights beside it without ink
TOUCH = 1.5  # px at the scale of UNIT: an end this near to another marker lies at it
SAME_PLACE = 2.0  # px at the scale of UNIT: how far apart the two views may see a marker
DOUBTS = frozenset({"end_doubtful", "end_hidden", "error_bar_hidden", "mirrored", "uneven_bar"})
UNSEEN = DetectedEnd(0.0, 0.0, 0.0, 0.0, is_snapped=False)


def level_bars(
    markers: Sequence[Seen], ink: Ink, small: NDArray[np.uint8], blind: NDArray[np.bool_], *, are_capped: bool
) -> list[ErrorBar]:
    """The level error bar of each marker: `top` is its left end, `bottom` its right one, x in px at the scale of UNIT.

    Parameters
    ----------
    markers : sequence of Seen
    ink : Ink
        Of the plot at the scale of UNIT.
    small : (h, w, 3) uint8 RGB
        That plot.
    blind : (h, w) bool
        Where nothing is known of it.
    are_capped : bool
        Whether the upright bars of the plot have caps: those of bars of no length look like level bars without caps, all alike.

    Returns
    -------
    list of ErrorBar
        Bare ones where the plot has no level bars; where it may have some, too few of which are clear, each is flagged.
    """
    none = [ErrorBar()] * len(markers)
    turned, hidden = _exchanged(ink), np.ascontiguousarray(blind.T)
    bare = [_turned(m, UNSEEN, UNSEEN) for m in markers]
    if not markers or share_with_two_ends(turned, bare, hidden) < PERHAPS:
        return none
    detected = detect_marks(np.ascontiguousarray(small.swapaxes(0, 1)))
    seen = [_seen_again(m, detected) for m in bare]
    points = points_at_first(turned, seen, hidden)
    told = [p for p in points if _is_clear(p, seen)]
    clear = len(told)
    is_sure = not (are_capped and _may_be_caps(told))
    if is_sure and clear >= max(min(FEWEST, len(markers)), MOST * len(markers), LEAST):
        bars = {id(p.seen): p.bar for p in points}
        return [bars[id(m)] for m in seen]
    return [ErrorBar(flags=("error_bars_unread",))] * len(markers) if clear >= max(LEAST, SOME * len(markers)) else none


def _exchanged(ink: Ink) -> Ink:
    """The ink with x and y exchanged."""
    layers = tuple(replace(layer, amount=np.ascontiguousarray(layer.amount.T)) for layer in ink.layers)
    return replace(ink, strength=np.ascontiguousarray(ink.strength.T), layers=layers)


def _turned(seen: Seen, up: DetectedEnd, down: DetectedEnd) -> Seen:
    """A marker with x and y exchanged, and what was seen of its bar there."""
    return replace(seen, marker=replace(seen.marker, x=seen.marker.y, y=seen.marker.x, up=up, down=down))


def _seen_again(seen: Seen, detected: Sequence[DetectedMark]) -> Seen:
    """A marker of the exchanged picture with the ends that the network sees there, if it sees the marker."""
    m = seen.marker
    near = [d for d in detected if abs(d.x - m.x) < SAME_PLACE and abs(d.y - m.y) < SAME_PLACE]
    return replace(seen, marker=replace(m, up=near[0].up, down=near[0].down)) if near else seen


def _may_be_caps(points: Sequence[Point]) -> bool:
    """Whether bars have no caps and are all as long as one another: those may be the caps of upright bars of no length."""
    bare = [p.bar for p in points if not p.bar.top_capped and not p.bar.bottom_capped]
    lengths = [(bar.bottom or 0.0) - (bar.top or 0.0) for bar in bare]
    return len(bare) > MOST * len(points) and max(lengths) - min(lengths) < ALIKE


def _is_clear(point: Point, every: Sequence[Seen]) -> bool:
    """Whether both ends of a bar are beyond doubt and neither lies at another marker, as that of a line would."""
    bar = point.bar
    if bar.top is None or bar.bottom is None or DOUBTS & set(bar.flags):
        return False
    others = [m.marker for m in every if m is not point.seen]
    x = point.seen.marker.x
    return not any(abs(m.x - x) < m.size and abs(m.y - end) < m.size + TOUCH for m in others for end in (bar.top, bar.bottom))


def without_bars_as_words(panel: Panel) -> Panel:
    """The panel without texts that are level error bars, whose caps were taken for letters: `TI`, `HoH`."""
    return replace(panel, texts=tuple(t for t in panel.texts if not (is_word(t, panel.height) and _is_level_stroke(panel, t))))


def _is_level_stroke(panel: Panel, text: TextBox) -> bool:
    """Whether a stroke runs along the middle of a text inside the plot from end to end and no further."""
    x0, y0, x1, y1 = (round(v) for v in text.box)
    aside, quarter = max(2, round(BARE * (y1 - y0))), (y1 - y0) // 4
    if x0 - aside < panel.box[0] or x1 + aside > panel.box[2] or y0 < panel.box[1] or y1 > panel.box[3]:
        return False
    rows = panel.image[y0 + quarter : y1 - quarter + 1, x0 - aside : x1 + aside + 1].astype(np.float32)
    inked = np.abs(rows - paper_color(panel.crop)).max(axis=2) > MIN_INK
    within, before, after = inked[:, aside + 1 : -aside - 1], inked[:, : aside - 1], inked[:, -aside + 1 :]
    is_struck = within.mean(axis=1) > STRUCK
    return bool((is_struck & ~before.any(axis=1) & ~after.any(axis=1)).any())
