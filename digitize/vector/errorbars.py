"""Which stem belongs to which marker: same place, same colour, same turn in the order of drawing, equal halves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from digitize.vector.glyphs import Glyph
from digitize.vector.paths import Color
from digitize.vector.pieces import Stroke

ASIDE = 0.6  # px by which a stem may stand beside its marker's anchor
TOUCH = 0.3  # px within which two ends are one
EVEN = 0.35  # px by which the halves of an even error bar may differ
MOST_ABREAST = 300  # markers of one column that can have stems: more lie over one another
NO_STEM = 6.0  # cost of a marker without a stem, against those of `_cost`


@dataclass(frozen=True)
class Ends:
    """The ends of an error bar, y in px; None where it has none on that side."""

    top: float | None = None
    bottom: float | None = None


def joined(stems: Sequence[Stroke]) -> list[Stroke]:
    """Stems with those joined that continue one another in one colour: some programs draw the halves apart."""
    result: list[Stroke] = []
    for stem in sorted(stems, key=lambda s: (round(s.at, 1), s.color, s.start)):
        last = result[-1] if result else None
        if last is not None and abs(last.at - stem.at) < TOUCH and last.color == stem.color and abs(stem.start - last.end) < TOUCH:
            result[-1] = replace(last, end=stem.end, order=min(last.order, stem.order))
        elif last is None or (last.at, last.start, last.end, last.color) != (stem.at, stem.start, stem.end, stem.color):
            result.append(stem)
    return sorted(result, key=lambda s: s.order)


def columns(glyphs: Sequence[Glyph]) -> list[list[int]]:
    """Indices of markers in groups that stand at one x."""
    order = sorted(range(len(glyphs)), key=lambda k: glyphs[k].x)
    groups: list[list[int]] = [order[:1]] if order else []
    for a, b in pairwise(order):
        if glyphs[b].x - glyphs[a].x < ASIDE:
            groups[-1].append(b)
        else:
            groups.append([b])
    return groups


def error_bars(glyphs: Sequence[Glyph], stems: Sequence[Stroke], *, even: bool) -> list[Ends]:
    """The error bar of each marker.

    Parameters
    ----------
    glyphs : sequence of Glyph
    stems : sequence of Stroke
        Upright strokes of the plot.
    even : bool
        Whether the halves of the panel's error bars are equal (see `are_even`).
    """
    whole = joined(stems)
    found = [Ends()] * len(glyphs)
    for column in columns(glyphs):
        own = sorted(column, key=lambda k: glyphs[k].order)
        near = [s for s in whole if any(abs(s.at - glyphs[k].x) <= ASIDE for k in own)]
        chosen = _assigned([glyphs[k] for k in own], near, even=even) if len(own) <= MOST_ABREAST else [None] * len(own)
        for k, stem in zip(own, chosen, strict=True):
            found[k] = _ends(glyphs[k], stem) if stem is not None else _halves(glyphs[k], near)
    return found


def are_even(glyphs: Sequence[Glyph], stems: Sequence[Stroke]) -> bool:
    """Whether four of five markers that have a stem through them stand at the middle of one."""
    whole = joined(stems)
    offsets = [min((abs(_middle(s) - g.y) for s in whole if _holds(s, g)), default=None) for g in glyphs]
    known = [o for o in offsets if o is not None]
    return len(known) >= 3 and sum(o <= EVEN for o in known) >= 0.8 * len(known)


def _middle(stem: Stroke) -> float:
    return (stem.start + stem.end) / 2


def _holds(stem: Stroke, glyph: Glyph) -> bool:
    return abs(stem.at - glyph.x) <= ASIDE and stem.start - 2 * TOUCH <= glyph.y <= stem.end + 2 * TOUCH and stem.length > 2 * TOUCH


def color_distance(glyph: Glyph, color: Color) -> int:
    """How far a colour is from the nearer of a marker's two, of 255."""
    own = [c for c in (glyph.fill, glyph.stroke) if c is not None]
    return min(max(abs(a - b) for a, b in zip(c[:3], color[:3], strict=True)) for c in own)


def _assigned(glyphs: Sequence[Glyph], stems: Sequence[Stroke], *, even: bool) -> list[Stroke | None]:
    """The cheapest way to give each marker of a column a stem of its own or none; markers and stems come in the order of drawing."""
    in_turn = len(glyphs) == len(stems)
    choices: list[list[tuple[float, int]]] = []
    for i, glyph in enumerate(glyphs):
        fitting = [(_cost(glyph, s, abs(i - j) if in_turn else 0, even=even), j) for j, s in enumerate(stems) if _holds(s, glyph)]
        choices.append([*sorted(fitting)[:6], (NO_STEM, -1)])
    best: tuple[float, list[int]] = (float("inf"), [])

    def extend(cost: float, taken: list[int]) -> None:
        nonlocal best
        if cost >= best[0]:
            return
        if len(taken) == len(glyphs):
            best = (cost, taken)
            return
        for extra, j in choices[len(taken)]:
            if j < 0 or j not in taken:
                extend(cost + extra, [*taken, j])

    extend(0.0, [])
    return [stems[j] if j >= 0 else None for j in best[1]]


def _cost(glyph: Glyph, stem: Stroke, turns: int, *, even: bool) -> float:
    off_color = color_distance(glyph, stem.color) > 12
    starts_here = min(abs(stem.start - glyph.y), abs(stem.end - glyph.y)) <= TOUCH
    uneven = even and abs(_middle(stem) - glyph.y) > EVEN and not starts_here
    return 4.0 * off_color + 0.7 * min(turns, 3) + 2.0 * uneven


def _ends(glyph: Glyph, stem: Stroke) -> Ends:
    """The stem's ends on both sides of the anchor; an end at the anchor is none."""
    return Ends(
        stem.start if stem.start < glyph.y - TOUCH else None,
        stem.end if stem.end > glyph.y + TOUCH else None,
    )


def _halves(glyph: Glyph, stems: Sequence[Stroke]) -> Ends:
    """Stems that start at the marker's rim instead of its anchor."""
    reach = glyph.height / 2 + 2.0
    own = [s for s in stems if abs(s.at - glyph.x) <= ASIDE and color_distance(glyph, s.color) <= 12]
    up = [s for s in own if s.start < glyph.y - reach and 0 <= glyph.y - s.end <= reach]
    down = [s for s in own if s.end > glyph.y + reach and 0 <= s.start - glyph.y <= reach]
    return Ends(min((s.start for s in up), default=None), max((s.end for s in down), default=None))
