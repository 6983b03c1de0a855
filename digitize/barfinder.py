"""Which rectangles stand on a common baseline: the bars of a plot before anything is read off them.

Two finders look for them: one follows plain fills, one outlines. Bars below the baseline are found the same way in the mirrored image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitize.barfield import Bar, Field, make_field
from digitize.barfills import LEGEND_PAD, filled_bars
from digitize.barskyline import outlined_bars
from digitize.barstacks import split_stacks
from digitize.legend import LegendEntry
from digitize.panels import Panel


@dataclass(frozen=True)
class Standing:
    """Bars above (`risen`) and below (`hanging`, in the flipped field) one baseline of a field."""

    field: Field
    risen: tuple[Bar, ...]
    hanging: tuple[Bar, ...]

    @property
    def bars(self) -> tuple[Bar, ...]:
        """All of them."""
        return self.risen + self.hanging


def find_standing(panel: Panel, legend: Sequence[LegendEntry]) -> Standing:
    """The bars on the best baseline: the zero line where it lies in the plot, else the plot's lower edge."""
    best: Standing | None = None
    for base in _baselines(panel):
        field = make_field(panel, legend, base)
        found = _standing(panel, field)
        if best is None or evidence(panel, best) < 0.5 * evidence(panel, found):
            best = found
    assert best is not None
    return Standing(best.field, split_stacks(best.field, best.risen), split_stacks(best.field.flipped(), best.hanging))


def _standing(panel: Panel, field: Field) -> Standing:
    """What stands on both sides of a baseline."""
    risen = _found(field)
    inside = panel.box[3] - field.origin[1] - field.base > 1.5 * panel.height
    hanging = _found(field.flipped()) if inside else ()
    # What goes on through the line does not stand on it.
    if any(_passes(a, b) for a in risen for b in hanging):
        risen, hanging = (), ()
    return Standing(field, risen, hanging)


def _found(field: Field) -> tuple[Bar, ...]:
    """What both finders see, left to right: where they disagree, the fills that are plain and the outlines that are not."""
    fills, outlines = _alike(filled_bars(field)), _alike(outlined_bars(field))
    if not fills or not outlines:
        return fills or outlines
    chosen: list[Bar] = []
    for plain, outlined in _clusters(fills, outlines):
        chosen += _agreed(plain, outlined, under_legend=any(_is_covered(field, bar) for bar in plain))
    return _alike(sorted(chosen, key=lambda b: b.x0))


def _clusters(fills: Sequence[Bar], outlines: Sequence[Bar]) -> list[tuple[list[Bar], list[Bar]]]:
    """Bars of both finders that lie over one another."""
    found: list[tuple[list[Bar], list[Bar]]] = []
    reach = -1
    for bar, kind in sorted([(b, 0) for b in fills] + [(b, 1) for b in outlines], key=lambda p: p[0].x0):
        if reach - bar.x0 < 0.25 * bar.width:
            found.append(([], []))
            reach = bar.x1
        found[-1][kind].append(bar)
        reach = max(reach, bar.x1)
    return found


def _is_covered(field: Field, bar: Bar) -> bool:
    """Whether a legend or its ground may lie over a part of a bar."""
    top = max(0, bar.top - round(LEGEND_PAD * field.height))
    return bool(field.covered[top : field.base, bar.x0 : bar.x1 + 1].any())


def _agreed(fills: list[Bar], outlines: list[Bar], *, under_legend: bool) -> list[Bar]:
    """The bars to believe of those that lie over one another."""
    if not fills or not outlines:
        return fills or outlines
    if len(fills) == len(outlines) == 1:
        near = abs(fills[0].top - outlines[0].top) <= 3 and fills[0].width > 0.75 * outlines[0].width
        if near or not under_legend:
            return fills if near and outlines[0].texture[0] == 0 else outlines
    if under_legend:
        return fills
    plain = sum(b.width for b in fills if not b.is_blank) / sum(b.width for b in outlines)
    return fills if plain > 0.65 and len(fills) > len(outlines) else outlines


def _passes(a: Bar, b: Bar) -> bool:
    """Whether two bars on both sides of a line are one that passes through it."""
    overlap = min(a.x1, b.x1) - max(a.x0, b.x0)
    return overlap > 0.3 * min(a.width, b.width) and float(np.abs(a.fill - b.fill).max()) < 15


def _baselines(panel: Panel) -> list[float]:
    lower = panel.box[3] + 2.0
    line = min((ln.at for ln in panel.lines if not ln.upright and abs(ln.at - lower) <= 4), key=lambda at: abs(at - lower), default=lower)
    calibration = panel.y.calibration
    if calibration.scale.name != "linear":
        return [line]
    zero = float(calibration.to_pixel(0.0))
    if panel.box[1] < zero < panel.box[3] - 3:
        return [zero, line]
    return [zero if abs(zero - line) <= 4 else line]


def _area(found: Standing) -> float:
    return float(sum(b.width * max(1, found.field.base - b.top) for b in found.risen)) + float(
        sum(b.width * max(1, found.field.flipped().base - b.top) for b in found.hanging)
    )


def _alike(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """The bars that are about as wide as most of the filled area."""
    if not bars:
        return ()
    widths = np.array([b.width for b in bars], dtype=float)
    common = float(np.sort(widths)[-(-len(widths) // 2) - 1]) if len(widths) < 3 else float(np.median(widths))
    return tuple(b for b in bars if 0.55 * common <= b.width <= 1.8 * common)


def evidence(panel: Panel, found: Standing) -> float:
    """Confidence that the standing rectangles are bars: enough area, widths alike, tops not on one line with the plot's top."""
    bars = found.bars
    if not bars:
        return 0.0
    widths = np.array([b.width for b in bars], dtype=float)
    even = 1.0 - min(1.0, 3.0 * float(np.std(widths) / widths.mean()))
    area = _area(found) / float(found.field.rgb.shape[0] * found.field.rgb.shape[1])
    wide = min(1.0, float(np.median(widths)) / ((1.2 if len(bars) < 4 else 0.6) * panel.height))
    several = 1.0 if len(bars) > 1 else 0.6
    return float(np.clip((0.4 + 0.6 * even) * min(1.0, area / 0.06) * wide * several, 0, 1))
