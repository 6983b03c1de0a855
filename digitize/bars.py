"""Bars with error bars, read from pixels: rectangles that stand on a common baseline, whatever their fill, grouped into series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from digitize.axes import Axis
from digitize.barends import Drawn, complete_ends, mirrored, moved, read_ends, weighed
from digitize.barfield import FloatArray, look_of
from digitize.barfinder import Standing, evidence, find_standing
from digitize.legend import LegendEntry
from digitize.lowbars import low_bars
from digitize.ocr import TextBox, read_box
from digitize.panels import Categories, Panel
from digitize.series import Mark, Place, Series, hex_color
from digitize.turned import Turn

HANGING = 1.5  # digit heights that the baseline lies above the foot of a plot in which bars may hang
GROUND = 2.5  # digit heights that the ground of a legend may reach below its words
MOST_LABELS = 12  # labels that are read one by one where no text box gave them: each takes time


@dataclass(frozen=True)
class BarReading:
    """The bars of a panel.

    `series` hold a mark a bar: `x` its middle, `y` its end, `y_lo` and `y_hi` the ends of its error bar, `category` the label of its group
    ("group 1", ... and a flag where none was read). `baseline` is the y on which the bars stand, px; `confidence` (0 to 1) that the
    panel is a bar chart.
    """

    series: tuple[Series, ...]
    baseline: float | None
    confidence: float
    flags: tuple[str, ...] = ()


def bar_evidence(panel: Panel, legend: Sequence[LegendEntry] = ()) -> float:
    """How sure it is that a panel shows bars, 0 to 1, from rectangles of similar width on a common baseline; no value is read."""
    found = find_standing(panel, legend)
    return evidence(panel, found)


def read_bars(panel: Panel, legend: Sequence[LegendEntry] = ()) -> BarReading:
    """Every bar of a panel with its error bar, in series.

    Parameters
    ----------
    panel : Panel
        With an upright numeric axis; bars along x are not read.
    legend : sequence of LegendEntry
        Names the series by their fill; its boxes are no bars, and what they cover is flagged.
    """
    found = find_standing(panel, legend)
    confidence = evidence(panel, found)
    if not found.bars:
        return BarReading((), None, confidence)
    drawn = read_ends(found.field, found.risen) + [
        mirrored(d, found.field.rgb.shape[0] - 1) for d in read_ends(found.field.flipped(), found.hanging)
    ]
    drawn = complete_ends(weighed(drawn, found.field.noise, is_bilevel=panel.is_bilevel))
    drawn += _low(panel, found)
    drawn = [_under_legend(moved(d, *found.field.origin), legend, panel.height) for d in drawn]
    base = float(found.field.base + found.field.origin[1])
    series, flags = grouped(panel, legend, drawn, base)
    return BarReading(series, base, confidence, flags)


def _low(panel: Panel, found: Standing) -> list[Drawn]:
    """The bars too low to be found, over names that no other bar stands over, where every bar has a name of its own."""
    x0, y0 = found.field.origin
    texts = _labels(panel, float(found.field.base + y0))
    standing = [Drawn(replace(b, x0=b.x0 + x0, x1=b.x1 + x0), Place(float(b.top), 1.0)) for b in found.bars if b.is_lowest]
    if len(texts) <= len(standing) or not _each_labelled(texts, standing) or any(b.is_part for b in found.bars):
        return []
    calibration = panel.y.calibration
    zero = float(calibration.to_pixel(0.0)) if calibration.scale.name == "linear" else None
    return low_bars(found, [at for _, at in texts], zero)


def _under_legend(d: Drawn, legend: Sequence[LegendEntry], height: float) -> Drawn:
    """The bar, flagged where its end lies right beneath a legend, whose ground may reach farther than its words and cover it."""
    if not legend or "legend_covers" in d.flags:
        return d
    boxes = np.array([e.text_box for e in legend] + [e.key_box for e in legend], dtype=float)
    left, right, bottom = boxes[:, 0].min(), boxes[:, 2].max(), boxes[:, 3].max()
    is_beside = d.bar.x1 < left - height or d.bar.x0 > right + height
    is_near = bottom - height < d.end.px < bottom + GROUND * height
    return d if is_beside or not is_near else replace(d, flags=(*d.flags, "legend_covers"))


def grouped(panel: Panel, legend: Sequence[LegendEntry], drawn: Sequence[Drawn], base: float) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """Series by fill (or by order within a group), named by the legend; each mark with the label of its group."""
    ordered = sorted(drawn, key=lambda d: (d.bar.middle, not d.bar.is_lowest))
    fills = _fill_classes(ordered)
    texts = _labels(panel, base)
    groups = _grouping(ordered, fills, texts)
    labels = _read_missing(panel, base, ordered, groups, _group_labels(texts, ordered, groups))
    index = fills if any(d.bar.is_part for d in ordered) else _series_index(ordered, fills, groups)
    flags = []
    sizes = {sum(g == k and d.bar.is_lowest for g, d in zip(groups, ordered, strict=True)) for k in set(groups)}
    if len(sizes) > 1:
        flags.append("uneven_groups")
    names = _names(panel, legend, ordered, index)
    series = []
    for k in sorted(set(index)):
        own = [i for i, s in enumerate(index) if s == k]
        color = np.median([ordered[i].bar.fill for i in own], axis=0)
        marks = tuple(_mark(ordered[i], groups[i], labels[groups[i]]) for i in own)
        series.append(Series(names[k], hex_color((round(color[0]), round(color[1]), round(color[2]))), "bar", marks))
    return tuple(series), tuple(flags)


def _grouping(drawn: Sequence[Drawn], fills: Sequence[int], texts: Sequence[tuple[str, float]]) -> list[int]:
    """The group of each bar; the parts of a stack are in the group of its lowest."""
    feet = [k for k, d in enumerate(drawn) if d.bar.is_lowest]
    standing = [drawn[k] for k in feet]
    groups = list(range(len(feet))) if _each_labelled(texts, standing) else _groups(standing, [fills[k] for k in feet])
    of_column = {(d.bar.x0, d.bar.x1, d.hangs): g for d, g in zip(standing, groups, strict=True)}
    return [of_column[d.bar.x0, d.bar.x1, d.hangs] for d in drawn]


def _mark(d: Drawn, group: int, label: str | None) -> Mark:
    lo, hi = (d.outer, d.inner) if d.hangs else (d.inner, d.outer)
    flags = d.flags if label is not None else (*d.flags, "category_unread")
    category = label if label is not None else f"group {group + 1}"
    return Mark(Place(d.bar.middle, 0.5), d.end, lo, hi, flags=flags, confidence=0.6 if flags else 0.97, category=category)


def _labels(panel: Panel, base: float) -> list[tuple[str, float]]:
    """Texts of the first row under the baseline and the middles they stand at, px."""
    if isinstance(panel.x, Categories) and _label_row(panel, base):
        return list(zip(panel.x.axis.names, panel.x.axis.centers_px, strict=True))
    return sorted(((b.text, (b.box[0] + b.box[2]) / 2) for b in _label_row(panel, base)), key=lambda p: p[1])


def _label_row(panel: Panel, base: float) -> list[TextBox]:
    named = panel.x.boxes if isinstance(panel.x, Categories | Axis) else ()
    along = 90 if panel.is_turned else 0  # names that lie level in the figure
    level = [b for b in (*named, *panel.texts) if b.rotation == along and any(c.isalnum() for c in b.text)]
    near = [
        b
        for b in level
        if -0.3 * panel.height < b.box[1] - base < 4.5 * panel.height and b.box[2] > panel.box[0] and b.box[0] < panel.box[2]
    ]
    under = [b for b in named if b in level]
    if base < panel.box[3] - HANGING * panel.height and len(under) >= len(near):
        near = under  # where bars hang names stand under the plot: what is near the baseline is written in it
    if not near:
        return []
    first = named[0] if named and named[0] in near else min(near, key=lambda b: b.box[1])
    return [b for b in near if min(b.box[3], first.box[3]) - max(b.box[1], first.box[1]) > 0.4 * panel.height]


def _fill_classes(drawn: Sequence[Drawn]) -> list[int]:
    """Which fill each bar has, numbered in order of appearance."""
    seen: list[FloatArray] = []
    classes = []
    for d in drawn:
        look = _look(d.bar.fill, d.bar.texture)
        near = [float(np.abs(look - s).max()) for s in seen]
        if near and min(near) < 18:
            classes.append(int(np.argmin(near)))
        else:
            seen.append(look)
            classes.append(len(seen) - 1)
    return classes


def _look(fill: FloatArray, texture: FloatArray) -> FloatArray:
    """Colour and texture in grey levels that can be compared; a texture is less sure than a colour."""
    return np.concatenate([fill, 0.7 * texture])


def _each_labelled(labels: Sequence[tuple[str, float]], drawn: Sequence[Drawn]) -> bool:
    """Whether every bar stands over a label of its own."""
    if len(labels) < len(drawn):
        return False
    nearest = [min(range(len(labels)), key=lambda k: abs(labels[k][1] - d.bar.middle)) for d in drawn]
    close = [abs(labels[k][1] - d.bar.middle) < 0.4 * d.bar.width for k, d in zip(nearest, drawn, strict=True)]
    return len(set(nearest)) == len(drawn) and all(close)


def _groups(drawn: Sequence[Drawn], fills: Sequence[int]) -> list[int]:
    """The group of each bar, left to right: bars closer to each other than groups are, or a run of fills that starts anew."""
    n = len(drawn)
    gaps = np.array([b.bar.x0 - a.bar.x1 for a, b in pairwise(drawn)], dtype=float)
    if n < 2:
        return [0] * n
    wide = np.zeros(n - 1, dtype=bool)
    width = float(np.median([d.bar.width for d in drawn]))
    if gaps.max() - gaps.min() > max(3.0, 0.12 * width):
        between = gaps[gaps - gaps.min() > max(4.0, 0.5 * width)]
        apart = float(np.median(between)) if between.size else float(gaps.max())  # groups of groups stand further apart still
        wide = gaps > (apart + gaps.min()) / 2
        groups: list[int] = np.concatenate([[0], np.cumsum(wide)]).astype(int).tolist()
        repeated = {groups[i] for i in range(n) for j in range(i) if groups[i] == groups[j] and fills[i] == fills[j]}
        sizes = {groups.count(g) for g in groups}
        if 3 * len(repeated) <= len(set(groups)) or len(set(fills)) == 1 or (len(sizes) == 1 and gaps.max() > 3 * max(2.0, gaps.min())):
            return groups
    kinds = len(set(fills))
    if kinds in (1, n):
        return list(range(n))
    if all(fills[i] == fills[i % kinds] for i in range(n)):
        return [i // kinds for i in range(n)]
    return list(range(n))


def _series_index(drawn: Sequence[Drawn], fills: Sequence[int], groups: Sequence[int]) -> list[int]:
    """The series of each bar: its fill where fills differ within groups, else its place in its group."""
    members = [[i for i, g in enumerate(groups) if g == k] for k in sorted(set(groups))]
    largest = max(len(m) for m in members)
    if largest == 1:
        return [0] * len(drawn)
    if all(len({fills[i] for i in m}) == len(m) for m in members) and len(set(fills)) <= max(largest, 2):
        return list(fills)
    place = {i: k for m in members for k, i in enumerate(m)}
    return [place[i] for i in range(len(drawn))]


def _group_labels(labels: Sequence[tuple[str, float]], drawn: Sequence[Drawn], groups: Sequence[int]) -> dict[int, str | None]:
    """The label of each group: the nearest to its centre, where that label is nearer to no other group; None where there is none."""
    own = {g: [d.bar for d, k in zip(drawn, groups, strict=True) if k == g] for g in dict.fromkeys(groups)}
    centres = {g: (bars[0].x0 + bars[-1].x1) / 2 for g, bars in own.items()}
    pitch = min(np.diff(sorted(centres.values())), default=math.inf)
    found: dict[int, str | None] = dict.fromkeys(centres)
    for text, at in labels:
        g = min(centres, key=lambda k: abs(centres[k] - at))
        rival = [abs(p - centres[g]) for t, p in labels if t != text]
        if abs(at - centres[g]) < 0.5 * pitch and all(abs(at - centres[g]) <= r for r in rival):
            found[g] = text
    return found


def _read_missing(
    panel: Panel, base: float, drawn: Sequence[Drawn], groups: Sequence[int], labels: dict[int, str | None]
) -> dict[int, str | None]:
    """The labels with those that no text box gave read where they must stand: under the middle of their group."""
    missing = [g for g, text in labels.items() if text is None][:MOST_LABELS]
    band = _label_band(panel, base) if missing else None
    if band is None:
        return labels
    centres = {g: float(np.mean([d.bar.middle for d, k in zip(drawn, groups, strict=True) if k == g])) for g in labels}
    pitch = min(np.diff(sorted(centres.values())), default=float(panel.box[2] - panel.box[0]))
    found = dict(labels)
    for g in missing:
        box = _ink_box(panel, (centres[g] - 0.48 * pitch, band[0], centres[g] + 0.48 * pitch, band[1]))
        if box is not None:
            text = _text_at(panel, box)
            if text.confidence > 0.5 and any(c.isalnum() for c in text.text):
                found[g] = text.text
    return found


def _text_at(panel: Panel, box: tuple[float, float, float, float]) -> TextBox:
    """The text in a box of the panel's image; a turned one is mirrored, and is read in the upright view."""
    if not panel.is_turned:
        return read_box(panel.image, box)
    back = Turn((panel.image.shape[0], panel.image.shape[1]))
    return read_box(back.image(panel.image), back.box(box))


def _label_band(panel: Panel, base: float) -> tuple[float, float] | None:
    """First and last row of the labels under the baseline: of those that were read, else the first rows of ink under the ticks."""
    row = _label_row(panel, base)
    if row:
        return min(b.box[1] for b in row) - 1, max(b.box[3] for b in row) + 1
    y0, y1 = round(base + 0.3 * panel.height), min(panel.image.shape[0], round(base + 4.5 * panel.height))
    band = panel.image[y0:y1, panel.box[0] : panel.box[2]].astype(np.float32)
    if band.shape[0] < panel.height:
        return None
    ink = (np.abs(band - np.median(band, axis=(0, 1))).max(axis=2) > 60).mean(axis=1) > 0.002
    runs = [r for r in np.split(np.flatnonzero(ink), np.flatnonzero(np.diff(np.flatnonzero(ink)) > 2) + 1) if r.size >= 0.6 * panel.height]
    return (y0 + float(runs[0][0]) - 1, y0 + float(runs[0][-1]) + 1) if runs else None


def _ink_box(panel: Panel, box: tuple[float, float, float, float]) -> tuple[int, int, int, int] | None:
    """Extent of the ink within a box of the image, px; None where there is none."""
    h, w = panel.image.shape[:2]
    x0, y0, x1, y1 = max(0, round(box[0])), max(0, round(box[1])), min(w - 1, round(box[2])), min(h - 1, round(box[3]))
    crop = panel.image[y0 : y1 + 1, x0 : x1 + 1].astype(np.float32)
    if crop.size == 0:
        return None
    ys, xs = np.nonzero(np.abs(crop - np.median(crop, axis=(0, 1))).max(axis=2) > 60)
    if ys.size < 6:
        return None
    return x0 + int(xs.min()), y0 + int(ys.min()), x0 + int(xs.max()), y0 + int(ys.max())


def _names(panel: Panel, legend: Sequence[LegendEntry], drawn: Sequence[Drawn], index: Sequence[int]) -> dict[int, str]:
    """Name of each series: the legend entry whose key has the nearest fill, each entry once."""
    kinds = sorted(set(index))
    names = dict.fromkeys(kinds, "")
    if len(kinds) < 2 or not legend:
        return names
    fills = {k: np.median([_look(d.bar.fill, d.bar.texture) for d, s in zip(drawn, index, strict=True) if s == k], axis=0) for k in kinds}
    keys = [_key_look(panel, e) for e in legend]
    pairs = sorted(((float(np.abs(fills[k] - key).max()), k, j) for k in kinds for j, key in enumerate(keys)), key=lambda p: p[0])
    reach = 60.0 if len(legend) >= len(kinds) else 15.0  # a key that was not found leaves its series to another
    used: set[int] = set()
    for distance, k, j in pairs:
        if distance < reach and not names[k] and j not in used:
            names[k] = legend[j].name
            used.add(j)
    return names


def _key_look(panel: Panel, entry: LegendEntry) -> FloatArray:
    """Colour and texture of the inside of a legend key."""
    x0, y0, x1, y1 = entry.key_box
    mx, my = max(1, round(0.12 * (x1 - x0))), max(1, round(0.2 * (y1 - y0)))
    inside = panel.image[y0 + my : y1 - my + 1, x0 + mx : x1 - mx + 1]
    if inside.size == 0:
        inside = panel.image[y0 : y1 + 1, x0 : x1 + 1]
    return _look(*look_of(inside, panel.height))
