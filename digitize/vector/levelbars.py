"""Level error bars of markers, read from paths: the same rules as for upright ones, with x and y exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digitize.vector.errorbars import TOUCH, Ends, are_even, error_bars, joined
from digitize.vector.glyphs import Glyph
from digitize.vector.pieces import Stroke
from digitize.vector.scene import Scene, strokes_within, strokes_without_ticks

MOST, FEWEST = 0.5, 2  # share of the markers of a series, and how many of a plot, that must have a level bar for any to be one
SAME_LENGTH = 0.5  # px within which strokes are as long as one another
KNOWN_CAPS = 3  # caps that tell how long those of a plot are


def level_bars(groups: Sequence[Sequence[Glyph]], scene: Scene) -> list[Ends]:
    """The level error bar of each marker, one series after the other: `top` is its left end, `bottom` its right one, x in px.

    Parameters
    ----------
    groups : sequence of sequence of Glyph
        The markers of each series.
    scene : Scene
    """
    glyphs = [_exchanged(g) for own in groups for g in own]
    strokes = _bar_strokes(glyphs, scene) if scene.panel.has_numbers_along_x else []
    if not strokes:
        return [Ends()] * len(glyphs)
    bars = [_beyond(bar, g) for bar, g in zip(error_bars(glyphs, strokes, even=are_even(glyphs, strokes)), glyphs, strict=True)]
    kept, at = [], 0
    for own in groups:
        part = bars[at : at + len(own)]
        at += len(own)
        kept += part if sum(_is_bar(b) for b in part) >= MOST * len(part) else [Ends()] * len(part)
    return kept if sum(map(_is_bar, kept)) >= FEWEST else [Ends()] * len(glyphs)


def _is_bar(bar: Ends) -> bool:
    return bar.top is not None or bar.bottom is not None


def _exchanged(glyph: Glyph) -> Glyph:
    """The marker with x and y exchanged."""
    return replace(glyph, x=glyph.y, y=glyph.x, width=glyph.height, height=glyph.width)


def _beyond(bar: Ends, glyph: Glyph) -> Ends:
    """The bar, but none where it is a stroke of the marker itself, as a plus has one."""
    reach = max((abs(end - glyph.y) for end in (bar.top, bar.bottom) if end is not None), default=0.0)
    return Ends() if glyph.shape in ("plus", "cross") and reach <= glyph.height / 2 + TOUCH else bar


def _bar_strokes(glyphs: Sequence[Glyph], scene: Scene) -> list[Stroke]:
    """The level strokes that can be error bars, of markers with x and y exchanged.

    Left out are gridlines, ticks, caps, strokes from marker to marker, and the treads of steps.
    """
    panel, box = scene.panel, scene.box
    strokes = strokes_within(scene.levels, (box[1], box[0], box[3], box[2]))
    strokes = strokes_without_ticks(strokes, panel.y, panel.box[2], panel.height)
    stems = joined(scene.stems)  # R draws the halves of a cap apart
    capped = _lengths_of_caps(strokes, stems)
    places = np.array([(g.x, g.y) for g in glyphs]).reshape(-1, 2)
    return [s for s in strokes if not _is_cap(s, capped) and not _joins(s, places) and not _is_tread(s, stems)]


def _lengths_of_caps(strokes: Sequence[Stroke], stems: Sequence[Stroke]) -> list[float]:
    """How long the strokes are that an end of a stem halves."""
    ends = np.array([(s.at, end) for s in stems for end in (s.start, s.end)]).reshape(-1, 2)
    return [s.length for s in strokes if (np.abs(ends - ((s.start + s.end) / 2, s.at)).max(axis=1) < TOUCH).any()]


def _is_cap(stroke: Stroke, lengths: Sequence[float]) -> bool:
    """Whether a stroke is as long as the caps of upright bars: a bar of no length shows nothing else."""
    return sum(abs(stroke.length - length) < SAME_LENGTH for length in lengths) >= KNOWN_CAPS


def _joins(stroke: Stroke, places: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> bool:
    """Whether a stroke runs from one marker to another."""
    near = places[np.abs(places[:, 0] - stroke.at) < TOUCH, 1]
    return all((np.abs(near - end) < TOUCH).any() for end in (stroke.start, stroke.end))


def _is_tread(stroke: Stroke, stems: Sequence[Stroke]) -> bool:
    """Whether an upright stroke begins where this one ends: then both are parts of a line of steps."""
    at_ends = [s for s in stems if min(abs(s.at - stroke.start), abs(s.at - stroke.end)) < TOUCH]
    return any(min(abs(s.start - stroke.at), abs(s.end - stroke.at)) < TOUCH for s in at_ends)
