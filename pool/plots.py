"""The forest plot: each study's effect and weight, and the pooled diamond. Drawn on an Axes, which is returned."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pool.effect import RATIO_MEASURES
from pool.model import Pooled, PooledResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

_MEASURE_TITLES = {
    "MD": "Mean difference",
    "SMD": "Standardised mean difference",
    "SMDH": "Standardised mean difference",
    "ROM": "Ratio of means",
    "OR": "Odds ratio",
    "PETO": "Peto odds ratio",
    "RR": "Risk ratio",
    "RD": "Risk difference",
    "HR": "Hazard ratio",
    "GEN": "Effect",
}
_RATIO_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_DAGGER_NOTE = "† Mean and SD of an arm were read off a figure or estimated from other statistics."

_SQUARE, _DIAMOND, _LINE, _FAINT, _TEXT = "#4477aa", "#222222", "#333333", "#999999", "#111111"

# Sizes at the full font size; everything shrinks together where the Axes is smaller.
_FONT_PT = 9.0
_ROW_IN = 0.26
_PLOT_IN = 3.2
_MARGIN_IN = 0.12
_GAP_PT = 11.0
_NO_BREAK = "\u00a0"
# Lines of statistics may make the left block this wide, beyond what its columns need.
_STATISTICS_PT = 175.0


@dataclass(frozen=True)
class _Column:
    """A column of text: its header, one cell a study, how it is aligned, and the arm that it belongs to."""

    header: str
    cells: tuple[str, ...]
    align: Literal["left", "right"] = "right"
    group: str = ""

    def width_pt(self, size: float) -> float:
        return max(_width_pt(text, size, bold=text is self.header) for text in (self.header, *self.cells))


@dataclass(frozen=True)
class _Summary:
    """A row under the studies: a label, the text of its interval, and how it is drawn."""

    label: str
    text: str
    pooled: Pooled | None
    kind: Literal["diamond", "outline", "interval"]
    bounds: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True)
class _Content:
    """All text of the plot."""

    left: tuple[_Column, ...]
    right: tuple[_Column, ...]
    summaries: tuple[_Summary, ...]
    statistics: tuple[str, ...]
    notes: tuple[str, ...]
    title: str
    axis_title: str
    favours: tuple[str, str]

    @property
    def n_studies(self) -> int:
        return len(self.left[0].cells)

    @property
    def has_groups(self) -> bool:
        return any(column.group for column in self.left)

    @property
    def n_header_rows(self) -> float:
        return 1.0 + (1.0 if self.has_groups else 0.0) + (1.4 if self.title else 0.0)

    @property
    def n_rows(self) -> float:
        """Rows from the first study to the axis line."""
        return self.n_studies + len(self.summaries) + len(self.statistics) + 1.0

    @property
    def n_footer_rows(self) -> float:
        return 2.3 + (1.6 if any(self.favours) else 0.0) + (0.5 if self.notes else 0.0) + 0.85 * len(self.notes)


def forest(
    result: PooledResult,
    ax: Axes | None = None,
    *,
    title: str = "",
    favours: tuple[str, str] | None = None,
    axis_title: str | None = None,
    digits: int = 2,
) -> Axes:
    """Draw the forest plot of a pooled result.

    Squares are sized by weight; the diamond spans the pooled confidence interval; the thin line under it is the prediction interval; the
    open diamond, where figures were read, is the pooled result with reading uncertainty. An interval that runs out of the plot ends in an
    arrow. A dagger marks a study of which an arm was read off a figure or estimated.

    Parameters
    ----------
    result
        What `combine` returned.
    ax
        Where to draw; its place in the figure holds the text columns too. By default a new figure of a fitting size.
    title
        A line above the plot.
    favours
        What is favoured left and right of no effect, as ("Favours magnesium", "Favours placebo").
    axis_title
        The label of the x axis, with units; by default the measure's name.
    digits
        Decimals of the numbers.

    Returns
    -------
    Axes
        In the units of yi (log scale for ratios, with the ticks as ratios).
    """
    from matplotlib.figure import Figure

    content = _content(result, title, favours or ("", ""), axis_title, digits)
    width, height = _size_in(content)
    if ax is None:
        ax = Figure(figsize=(width, height), facecolor="white").add_axes((0.0, 0.0, 1.0, 1.0))
    figure = ax.get_figure(root=True)
    if figure is None:
        message = "expected an Axes in a figure, found one without"
        raise ValueError(message)
    place = ax.get_position()
    page_w, page_h = figure.get_size_inches()
    box = (place.x0 * page_w, place.y0 * page_h, place.width * page_w, place.height * page_h)
    scale = min(1.0, box[2] / width, box[3] / height)
    _draw(ax, result, content, box, (float(page_w), float(page_h)), scale)
    return ax


def save_forest(
    result: PooledResult,
    path: str | Path,
    formats: Sequence[str] = ("png", "svg"),
    *,
    title: str = "",
    favours: tuple[str, str] | None = None,
    axis_title: str | None = None,
    digits: int = 2,
    dpi: int = 200,
) -> tuple[Path, ...]:
    """Draw the forest plot and write it to `path` with each format's suffix added; returns the files.

    The same result gives the same bytes: the SVG holds no date and no random identifiers. For the other parameters see `forest`.
    """
    from matplotlib import rc_context

    files = []
    with rc_context({"svg.hashsalt": "readoff"}):
        ax = forest(result, title=title, favours=favours, axis_title=axis_title, digits=digits)
        figure = ax.get_figure(root=True)
        if figure is None:
            message = "expected an Axes in a figure, found one without"
            raise ValueError(message)
        for suffix in formats:
            file = Path(f"{path}.{suffix}")
            metadata = {"Date": None} if suffix == "svg" else None
            figure.savefig(file, dpi=dpi, bbox_inches="tight", pad_inches=0.08, metadata=metadata)
            files.append(file)
    return tuple(files)


# --- what is written ---------------------------------------------------------------------------------------------------------------------


def _content(result: PooledResult, title: str, favours: tuple[str, str], axis_title: str | None, digits: int) -> _Content:
    number = _formatter(result.measure, digits)
    critical = _critical(result)
    labels = tuple(textwrap.shorten(e.study, 60, placeholder="…") + (" †" if e.is_estimated else "") for e in result.studies)
    percent = f"{100 * result.level:g}%"
    effects = tuple(_interval(number, e.yi, e.yi - critical * math.sqrt(e.vi), e.yi + critical * math.sqrt(e.vi)) for e in result.studies)
    notes = [_DAGGER_NOTE] if any(e.is_estimated for e in result.studies) else []
    notes += [f"Not pooled: {o.study} ({o.reason})." for o in result.omitted if o.has_both_arms]
    left = (_Column("Study", labels, "left"), *_arm_columns(result, digits))
    right = (
        _Column(f"{result.measure if result.measure != 'GEN' else 'Effect'} [{percent} CI]", effects),
        _Column("Weight", tuple(f"{w:.1f}%" for w in result.weights)),
    )
    room = max(_column_edges(left, _FONT_PT)[-1][1], _STATISTICS_PT)
    statistics = tuple(line for text in _statistics(result) for line in _wrapped(text, room, _FONT_PT))
    content = _Content(
        left, right, _summaries(result, number), statistics, (), title, axis_title or _MEASURE_TITLES[result.measure], favours
    )
    room = 72 * (_size_in(content)[0] - 2 * _MARGIN_IN)
    return replace(content, notes=tuple(line for note in notes for line in _wrapped(note, room, 0.85 * _FONT_PT)))


def _critical(result: PooledResult) -> float:
    """Studies have normal intervals, whatever the test of the pooled result."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + result.level / 2))


def _formatter(measure: str, digits: int) -> Callable[[float], str]:
    def number(value: float) -> str:
        shown = math.exp(value) if measure in RATIO_MEASURES else value
        text = f"{shown:.{digits}f}"
        return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")

    return number


def _interval(number: Callable[[float], str], estimate: float, lower: float, upper: float) -> str:
    return f"{number(estimate)} [{number(lower)}, {number(upper)}]"


def _arm_columns(result: PooledResult, digits: int) -> tuple[_Column, ...]:
    """Mean, SD and n of both arms, where any study has arms."""
    if not any(e.treated and e.control for e in result.studies):
        return ()
    columns = []
    for name, side in ((result.treated or "Treated", "treated"), (result.control or "Control", "control")):
        arms = [getattr(e, side) for e in result.studies]
        group = textwrap.shorten(name[:1].upper() + name[1:], 30, placeholder="…")
        means = tuple("" if a is None else f"{a.mean:.{digits}f}".replace("-", "−") for a in arms)
        sds = tuple("" if a is None else f"{a.sd:.{digits}f}" for a in arms)
        sizes = tuple("" if a is None else str(a.n) for a in arms)
        columns += [_Column(h, cells, group=group) for h, cells in (("Mean", means), ("SD", sds), ("n", sizes))]
    return tuple(columns)


def _summaries(result: PooledResult, number: Callable[[float], str]) -> tuple[_Summary, ...]:
    whole = Pooled(result.estimate, result.se, result.ci_lb, result.ci_ub)
    text = _interval(number, result.estimate, result.ci_lb, result.ci_ub)
    name = "Common effect" if result.method == "EE" else f"Random effects ({result.method})"
    rows = [_Summary(name, text, whole, "diamond")]
    reading = result.estimate_reading
    sources = [name for name in ("reading", "estimation") if any(getattr(e, f"vi_{name}") > 0 for e in result.studies)]
    if reading is not None and sources:
        text = _interval(number, reading.estimate, reading.ci_lb, reading.ci_ub)
        rows.append(_Summary(f"With {' and '.join(sources)} uncertainty", text, reading, "outline"))
    if not math.isnan(result.pi_lb) and result.k > 1:
        text = f"[{number(result.pi_lb)}, {number(result.pi_ub)}]"
        rows.append(_Summary("Prediction interval", text, None, "interval", (result.pi_lb, result.pi_ub)))
    return tuple(rows)


def _statistics(result: PooledResult) -> tuple[str, ...]:
    statistic = f"{result.estimate / result.se:.2f}".replace("-", "−")
    overall = f"Overall effect: {'z' if result.test == 'z' else 't'} = {statistic}, {_p_text(result.p)}"
    if result.k == 1:
        return (overall,)
    tau2 = f"τ² = {result.tau2:.3g}, " if result.method != "EE" else ""
    # Unbreakable, so that a narrow column breaks the line before the bracket.
    bracket = f"(df = {result.q_df}, {_p_text(result.q_p)})".replace(" ", _NO_BREAK)
    spread = f"Heterogeneity: I² = {result.i2:.0f}%, {tau2}Q = {result.q:.2f} {bracket}"
    return (spread, overall)


def _p_text(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


# --- where it goes -----------------------------------------------------------------------------------------------------------------------


def _width_pt(text: str, size: float, *, bold: bool = False) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    if not text:
        return 0.0
    font = FontProperties(weight="bold" if bold else "normal", size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def _wrapped(text: str, room_pt: float, size: float) -> list[str]:
    """The text in lines that fit the room; an equals sign stays with its number."""
    width = _width_pt(text, size)
    bound = text.replace(" = ", f"{_NO_BREAK}={_NO_BREAK}")
    lines = [bound] if width <= room_pt else textwrap.wrap(bound, max(16, int(0.95 * len(text) * room_pt / width)))
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _column_edges(columns: Sequence[_Column], size: float) -> list[tuple[float, float]]:
    """Left and right edge of each column, in points from the first; the arms stand further apart than their own columns."""
    edges: list[tuple[float, float]] = []
    at = 0.0
    for i, column in enumerate(columns):
        if i:
            at += _GAP_PT * size / _FONT_PT * (1.8 if column.group != columns[i - 1].group else 1.0)
        width = column.width_pt(size)
        edges.append((at, at + width))
        at += width
    return _widened_for_groups(columns, edges, size)


def _widened_for_groups(columns: Sequence[_Column], edges: list[tuple[float, float]], size: float) -> list[tuple[float, float]]:
    """Push columns right where an arm's name is wider than its columns."""
    for group in dict.fromkeys(column.group for column in columns if column.group):
        members = [i for i, column in enumerate(columns) if column.group == group]
        first, last = members[0], members[-1]
        lacking = _width_pt(group, size, bold=True) - (edges[last][1] - edges[first][0])
        if lacking > 0:
            step = lacking / len(members)
            shifts = [0.0 if i < first else step * (min(i, last) - first + 1) for i in range(len(edges))]
            edges = [(lo + (0.0 if i == first else s), hi + s) for i, ((lo, hi), s) in enumerate(zip(edges, shifts, strict=True))]
    return edges


def _block_widths_in(content: _Content, size: float) -> tuple[float, float]:
    """Width of the text left and right of the plot, in inches, each with the gap to the plot."""
    left = max(
        _column_edges(content.left, size)[-1][1],
        *(_width_pt(text, size) for text in content.statistics),
        *(_width_pt(row.label, size, bold=True) for row in content.summaries),
    )
    first = max(content.right[0].width_pt(size), *(_width_pt(row.text, size, bold=True) for row in content.summaries))
    right = first + _GAP_PT * size / _FONT_PT + content.right[1].width_pt(size)
    gap = 1.2 * _GAP_PT * size / _FONT_PT
    return (left + gap) / 72, (right + gap) / 72


def _size_in(content: _Content) -> tuple[float, float]:
    """A fitting size of the whole plot at the full font size, in inches."""
    left, right = _block_widths_in(content, _FONT_PT)
    rows = content.n_header_rows + content.n_rows + content.n_footer_rows
    title = _width_pt(content.title, 1.15 * _FONT_PT, bold=True) / 72
    return max(left + _PLOT_IN + right, title) + 2 * _MARGIN_IN, rows * _ROW_IN + 2 * _MARGIN_IN


def _limits(result: PooledResult, summaries: Sequence[_Summary]) -> tuple[float, float]:
    """The x range: all estimates, no effect, and the intervals as far as they are not much wider than the rest."""
    critical = _critical(result)
    centres = [0.0, *(e.yi for e in result.studies), result.ci_lb, result.ci_ub]
    halves = sorted(critical * math.sqrt(e.vi) for e in result.studies)
    middle = max(max(centres) - min(centres), 2 * halves[len(halves) // 2])
    ends = [e.yi + sign * critical * math.sqrt(e.vi) for e in result.studies for sign in (-1, 1)]
    ends += [bound for row in summaries for bound in row.bounds if not math.isnan(bound)]
    lower = max(min([*centres, *ends]), min(centres) - middle)
    upper = min(max([*centres, *ends]), max(centres) + middle)
    margin = 0.04 * (upper - lower)
    return lower - margin, upper + margin


# --- drawing -----------------------------------------------------------------------------------------------------------------------------


def _draw(
    ax: Axes,
    result: PooledResult,
    content: _Content,
    box: tuple[float, float, float, float],
    page: tuple[float, float],
    scale: float,
) -> None:
    """Lay out and draw in `box` (x0, y0, width, height in inches) on a page (inches)."""
    size = _FONT_PT * scale
    left, right = _block_widths_in(content, size)
    x0, y0, width, height = box
    margin = _MARGIN_IN * scale
    row = (height - 2 * margin) / (content.n_header_rows + content.n_rows + content.n_footer_rows)
    row = min(row, 1.4 * _ROW_IN)
    top = y0 + height - margin - content.n_header_rows * row
    plot_width = width - left - right - 2 * margin
    bottom = top - content.n_rows * row
    ax.set_position(((x0 + margin + left) / page[0], bottom / page[1], plot_width / page[0], (top - bottom) / page[1]))
    ax.set_ylim(content.n_rows - 0.5, -0.5)
    ax.set_xlim(*_limits(result, content.summaries))
    _draw_axis(ax, result, content, size)
    _draw_studies(ax, result, row)
    _draw_summaries(ax, result, content)
    _draw_table(ax, content, x0 + margin, x0 + width - margin, size)
    _draw_favours(ax, content, size, row, (x0, x0 + width))
    _draw_notes(ax, content, x0 + margin, row, size)


def _inches_and_rows(ax: Axes) -> Transform:
    """Transform for text: x in inches on the page, y in rows."""
    from matplotlib.transforms import blended_transform_factory

    figure = ax.get_figure(root=True)
    assert figure is not None  # forest() has checked it
    return blended_transform_factory(figure.dpi_scale_trans, ax.transData)


def _write(ax: Axes, where: Transform, x: float, y: float, text: str, size: float, **style: Any) -> None:
    settings: dict[str, Any] = {"transform": where, "va": "center_baseline", "fontsize": size, "color": _TEXT}
    ax.text(x, y, text, **settings | style)


def _draw_axis(ax: Axes, result: PooledResult, content: _Content, size: float) -> None:
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(_LINE)
    ax.set_facecolor("none")
    ax.set_yticks([])
    lower, upper = ax.get_xlim()
    if result.measure in RATIO_MEASURES:
        ticks = [t for t in _RATIO_TICKS if lower <= math.log(t) <= upper]
        ticks = [t for t in ticks if len(ticks) <= 7 or math.log10(t).is_integer()]
        if len(ticks) >= 2:
            ax.set_xticks([math.log(t) for t in ticks], [f"{t:g}" for t in ticks])
        else:
            ax.xaxis.set_major_formatter(lambda value, _: f"{math.exp(value):.3g}")
    else:
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], min_n_ticks=3))
    ax.tick_params(axis="x", labelsize=size, colors=_LINE, length=3, width=0.8)
    ax.set_xlabel(content.axis_title, fontsize=size, color=_TEXT, labelpad=2)
    base = content.n_rows - 0.5
    ax.plot([0, 0], [-0.5, base], color=_LINE, linewidth=0.8, zorder=1, clip_on=False)
    ax.plot([result.estimate] * 2, [-0.5, content.n_studies + 0.5], color=_FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)


def _draw_studies(ax: Axes, result: PooledResult, row_in: float) -> None:
    critical = _critical(result)
    heaviest = max(result.weights)
    for i, (effect, weight) in enumerate(zip(result.studies, result.weights, strict=True)):
        half = critical * math.sqrt(effect.vi)
        _draw_interval(ax, effect.yi - half, effect.yi + half, i, linewidth=1.1, color=_LINE)
        side = max(0.16, 0.6 * math.sqrt(weight / heaviest)) * row_in * 72
        ax.scatter([effect.yi], [i], s=side**2, marker="s", color=_SQUARE, edgecolors="white", linewidths=0.5, zorder=3)


def _draw_interval(ax: Axes, lower: float, upper: float, y: float, *, linewidth: float, color: str) -> None:
    """A horizontal line, ending in an arrow where it leaves the plot."""
    left, right = ax.get_xlim()
    ax.plot([max(lower, left), min(upper, right)], [y, y], color=color, linewidth=linewidth, solid_capstyle="butt", zorder=2)
    if lower < left:
        ax.plot([left], [y], marker="<", markersize=4, color=color, clip_on=False, zorder=2)
    if upper > right:
        ax.plot([right], [y], marker=">", markersize=4, color=color, clip_on=False, zorder=2)


def _draw_summaries(ax: Axes, result: PooledResult, content: _Content) -> None:
    for i, summary in enumerate(content.summaries):
        y = content.n_studies + 0.5 + i
        if summary.pooled is None:
            _draw_interval(ax, *summary.bounds, y, linewidth=1.1, color=_DIAMOND)
            continue
        p = summary.pooled
        corners = [p.ci_lb, p.estimate, p.ci_ub, p.estimate]
        fill = _DIAMOND if summary.kind == "diamond" else "white"
        ax.fill(corners, [y, y - 0.3, y, y + 0.3], facecolor=fill, edgecolor=_DIAMOND, linewidth=0.9, zorder=3)


def _draw_table(ax: Axes, content: _Content, left_in: float, right_in: float, size: float) -> None:
    """The text columns, with the first row of the header at -1 and the rule under it."""
    where = _inches_and_rows(ax)
    left_edges = [(left_in + a / 72, left_in + b / 72) for a, b in _column_edges(content.left, size)]
    weight_left = right_in - content.right[1].width_pt(size) / 72
    effect_right = weight_left - _GAP_PT * size / _FONT_PT / 72
    columns = list(zip(content.left, left_edges, strict=True))
    columns += [(content.right[0], (effect_right, effect_right)), (content.right[1], (weight_left, right_in))]
    for column, (a, b) in columns:
        x = a if column.align == "left" else b
        _write(ax, where, x, -1.0, column.header, size, ha=column.align, fontweight="bold")
        for i, cell in enumerate(column.cells):
            _write(ax, where, x, i, cell, size, ha=column.align)
    for i, row in enumerate(content.summaries):
        y, weight = content.n_studies + 0.5 + i, "bold" if i == 0 else "normal"
        _write(ax, where, left_in, y, row.label, size, fontweight=weight)
        _write(ax, where, effect_right, y, row.text, size, ha="right", fontweight=weight)
    _write(ax, where, right_in, content.n_studies + 0.5, "100.0%", size, ha="right", fontweight="bold")
    for i, text in enumerate(content.statistics):
        _write(ax, where, left_in, content.n_studies + len(content.summaries) + 0.6 + i, text, size)
    for y in (-0.5, content.n_studies - 0.2):
        ax.plot([left_in, right_in], [y, y], transform=where, color=_FAINT, linewidth=0.7, clip_on=False, zorder=0)
    _draw_group_headers(ax, content, left_edges, left_in, size, where)


def _draw_group_headers(
    ax: Axes, content: _Content, edges: list[tuple[float, float]], left_in: float, size: float, where: Transform
) -> None:
    for group in dict.fromkeys(column.group for column in content.left if column.group):
        members = [edge for column, edge in zip(content.left, edges, strict=True) if column.group == group]
        a, b = members[0][0], members[-1][1]
        _write(ax, where, (a + b) / 2, -2.0, group, size, ha="center", fontweight="bold")
        ax.plot([a, b], [-1.5, -1.5], transform=where, color=_FAINT, linewidth=0.7, clip_on=False)
    if content.title:
        y = -content.n_header_rows + 0.2
        _write(ax, where, left_in, y, content.title, 1.15 * size, fontweight="bold")


def _draw_favours(ax: Axes, content: _Content, size: float, row_in: float, bounds: tuple[float, float]) -> None:
    """The favoured sides under the axis title, on either side of no effect, kept inside `bounds` (inches)."""
    figure = ax.get_figure(root=True)
    if figure is None or not any(content.favours):
        return
    place, page = ax.get_position(), figure.get_size_inches()
    lower, upper = ax.get_xlim()
    null = float(page[0]) * (place.x0 + place.width * (0 - lower) / (upper - lower))
    y = content.n_rows - 0.5 + 2.4 * _ROW_IN * size / _FONT_PT / row_in
    where = _inches_and_rows(ax)
    for text, side in zip((f"← {content.favours[0]}", f"{content.favours[1]} →"), (-1, 1), strict=True):
        if len(text) <= 2:
            continue
        room = (null - bounds[0] if side < 0 else bounds[1] - null) * 72 - 8
        lines = "\n".join(_wrapped(text, room, size))
        _write(ax, where, null + side * 6 / 72, y, lines, size, ha="right" if side < 0 else "left")


def _draw_notes(ax: Axes, content: _Content, left_in: float, row_in: float, size: float) -> None:
    where = _inches_and_rows(ax)
    step = 0.85 * _ROW_IN * size / _FONT_PT / row_in
    first = content.n_rows - 0.5 + (2.8 + (1.2 if any(content.favours) else 0.0)) * _ROW_IN * size / _FONT_PT / row_in
    for i, note in enumerate(content.notes):
        _write(ax, where, left_in, first + i * step, note, 0.85 * size, color=_LINE)
