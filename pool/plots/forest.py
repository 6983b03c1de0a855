"""The forest plot: each study's effect and weight, and the pooled diamond. Drawn on an Axes, which is returned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pool.effect import RATIO_MEASURES
from pool.model import PooledResult
from pool.plots.forestcontent import (
    FONT_PT,
    GAP_PT,
    STATISTICS_PT,
    Column,
    Content,
    StyleName,
    Summary,
    Wanted,
    content_of,
    critical_of,
    with_lines,
)
from pool.plots.judgements import RiskOfBias
from pool.plots.saving import SETTINGS, undated
from pool.plots.text import text_width, wrapped
from pool.regression import Subgroups

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

_RATIO_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_LINE, _FAINT, _TEXT = "#333333", "#999999", "#111111"

# Sizes at the full font size; everything shrinks together where the Axes is smaller.
_ROW_IN = 0.26
_PLOT_IN = 3.2
_MARGIN_IN = 0.12
_SIGN_IN = 0.21  # of a column of judgements


def forest(
    result: PooledResult,
    ax: Axes | None = None,
    *,
    style: StyleName = "plain",
    title: str = "",
    favours: tuple[str, str] | None = None,
    axis_title: str | None = None,
    digits: int = 2,
    groups: Subgroups | None = None,
    risk: RiskOfBias | None = None,
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
    style
        "plain"; "revman", "jama" or "bmj": columns, words and colours as those print them.
    title
        A line above the plot.
    favours
        What is favoured left and right of no effect, as ("Favours magnesium", "Favours placebo").
    axis_title
        The label of the x axis, with units; by default the measure's name.
    digits
        Decimals of the numbers.
    groups
        Of `subgroups`: studies stand under their subgroup, each with its own diamond.
    risk
        Judgements of every study, drawn as signs at the right.

    Returns
    -------
    Axes
        In the units of yi (log scale for ratios, with the ticks as ratios).
    """
    from matplotlib.figure import Figure

    wanted = Wanted(style, title, favours or ("", ""), axis_title, digits, groups, risk)
    content = content_of(result, wanted)
    content = with_lines(content, max(_column_edges(content.left, FONT_PT)[-1][1], STATISTICS_PT), math.inf)
    content = with_lines(content, math.inf, 72 * (_size_in(content)[0] - 2 * _MARGIN_IN))
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
    dpi: int = 200,
    **drawn: Any,
) -> tuple[Path, ...]:
    """Draw the forest plot and write it to `path` with each format's suffix added; returns the files.

    The same result gives the same bytes: the SVG holds no date and no random identifiers. `drawn` are the parameters of `forest`.
    """
    from matplotlib import rc_context

    files = []
    with rc_context(SETTINGS):
        ax = forest(result, **drawn)
        figure = ax.get_figure(root=True)
        if figure is None:
            message = "expected an Axes in a figure, found one without"
            raise ValueError(message)
        for suffix in formats:
            file = Path(f"{path}.{suffix}")
            figure.savefig(file, dpi=dpi, bbox_inches="tight", pad_inches=0.08, metadata=undated(suffix))
            files.append(file)
    return tuple(files)


# --- where it goes -----------------------------------------------------------------------------------------------------------------------


def _column_edges(columns: Sequence[Column], size: float) -> list[tuple[float, float]]:
    """Left and right edge of each column, in points from the first; the arms stand further apart than their own columns."""
    edges: list[tuple[float, float]] = []
    at = 0.0
    for i, column in enumerate(columns):
        if i:
            at += GAP_PT * size / FONT_PT * (1.8 if column.group != columns[i - 1].group else 1.0)
        width = column.width_pt(size)
        edges.append((at, at + width))
        at += width
    return _widened_for_groups(columns, edges, size)


def _widened_for_groups(columns: Sequence[Column], edges: list[tuple[float, float]], size: float) -> list[tuple[float, float]]:
    """Push columns right where an arm's name is wider than its columns."""
    for group in dict.fromkeys(column.group for column in columns if column.group):
        members = [i for i, column in enumerate(columns) if column.group == group]
        first, last = members[0], members[-1]
        lacking = text_width(group, size, bold=True) - (edges[last][1] - edges[first][0])
        if lacking > 0:
            step = lacking / len(members)
            shifts = [0.0 if i < first else step * (min(i, last) - first + 1) for i in range(len(edges))]
            edges = [(lo + (0.0 if i == first else s), hi + s) for i, ((lo, hi), s) in enumerate(zip(edges, shifts, strict=True))]
    return edges


def _with_texts(columns: Sequence[Column], content: Content) -> list[Column]:
    """The columns as wide as what stands in them under the studies: intervals of summaries, and the whole weight."""
    wider = {"effect": content.effect_texts, "weight": ("100.0%",)}
    return [Column(c.header, (*c.cells, *wider.get(c.role, ())), c.align, c.group, c.role) for c in columns]


def _block_widths_in(content: Content, size: float) -> tuple[float, float]:
    """Width of the text left and right of the plot, in inches, each with the gap to the plot; signs at the right are part of it."""
    edges = _column_edges(_with_texts(content.left, content), size)
    # Statistics and labels run under the columns up to the first number of a summary.
    first = next((a for c, (a, _) in zip(content.left, edges, strict=True) if c.role in ("effect", "weight")), edges[-1][1])
    labels = max((text_width(text, size, bold=True) for text in content.bold_texts), default=0.0)
    lacking = max(0.0, labels - first if first < edges[-1][1] else 0.0)
    left = max(edges[-1][1] + lacking, labels, *(text_width(text, size) for text in content.statistics))
    gap = 1.2 * GAP_PT * size / FONT_PT
    right = _column_edges(_with_texts(content.right, content), size)[-1][1] + gap if content.right else gap / 2
    signs = len(content.domains) * _SIGN_IN * size / FONT_PT + (gap / 72 if content.domains else 0.0)
    return (left + gap) / 72, right / 72 + signs


def _size_in(content: Content) -> tuple[float, float]:
    """A fitting size of the whole plot at the full font size, in inches."""
    left, right = _block_widths_in(content, FONT_PT)
    rows = content.n_header_rows + content.n_rows + content.n_footer_rows
    title = text_width(content.title, 1.15 * FONT_PT, bold=True) / 72
    return max(left + _PLOT_IN + right, title) + 2 * _MARGIN_IN, rows * _ROW_IN + 2 * _MARGIN_IN


def _limits(result: PooledResult, summaries: Sequence[Summary]) -> tuple[float, float]:
    """The x range: all estimates, no effect, and the intervals as far as they are not much wider than the rest."""
    critical = critical_of(result)
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
    content: Content,
    box: tuple[float, float, float, float],
    page: tuple[float, float],
    scale: float,
) -> None:
    """Lay out and draw in `box` (x0, y0, width, height in inches) on a page (inches)."""
    size = FONT_PT * scale
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
    _draw_studies(ax, result, content, row)
    _draw_summaries(ax, content)
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


def _draw_axis(ax: Axes, result: PooledResult, content: Content, size: float) -> None:
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
    ax.plot([result.estimate] * 2, [-0.5, len(content.rows) + 0.5], color=_FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)


def _draw_studies(ax: Axes, result: PooledResult, content: Content, row_in: float) -> None:
    critical = critical_of(result)
    heaviest = max(result.weights)
    for y, row in enumerate(content.rows):
        if row.summary is not None:
            _draw_summary(ax, row.summary, y, content.style.diamond)
        if row.study is None:
            continue
        effect, weight = result.studies[row.study], result.weights[row.study]
        half = critical * math.sqrt(effect.vi)
        _draw_interval(ax, effect.yi - half, effect.yi + half, y, linewidth=1.1, color=_LINE)
        side = max(0.16, 0.6 * math.sqrt(weight / heaviest)) * row_in * 72
        ax.scatter([effect.yi], [y], s=side**2, marker="s", color=content.style.square, edgecolors="white", linewidths=0.5, zorder=3)


def _draw_interval(ax: Axes, lower: float, upper: float, y: float, *, linewidth: float, color: str) -> None:
    """A horizontal line, ending in an arrow where it leaves the plot."""
    left, right = ax.get_xlim()
    ax.plot([max(lower, left), min(upper, right)], [y, y], color=color, linewidth=linewidth, solid_capstyle="butt", zorder=2)
    if lower < left:
        ax.plot([left], [y], marker="<", markersize=4, color=color, clip_on=False, zorder=2)
    if upper > right:
        ax.plot([right], [y], marker=">", markersize=4, color=color, clip_on=False, zorder=2)


def _draw_summaries(ax: Axes, content: Content) -> None:
    for i, summary in enumerate(content.summaries):
        _draw_summary(ax, summary, len(content.rows) + 0.5 + i, content.style.diamond)


def _draw_summary(ax: Axes, summary: Summary, y: float, color: str) -> None:
    if summary.pooled is None:
        _draw_interval(ax, *summary.bounds, y, linewidth=1.1, color=color)
        return
    p = summary.pooled
    corners = [p.ci_lb, p.estimate, p.ci_ub, p.estimate]
    fill = color if summary.kind == "diamond" else "white"
    ax.fill(corners, [y, y - 0.3, y, y + 0.3], facecolor=fill, edgecolor=color, linewidth=0.9, zorder=3)


def _draw_table(ax: Axes, content: Content, left_in: float, right_in: float, size: float) -> None:
    """The text columns, with the first row of the header at -1 and the rule under it; signs at the far right."""
    where = _inches_and_rows(ax)
    sign_in = _SIGN_IN * size / FONT_PT
    columns_end = right_in - len(content.domains) * sign_in - (1.2 * GAP_PT * size / FONT_PT / 72 if content.domains else 0.0)
    left_edges = _placed(content, content.left, left_in, size)
    right_edges = _column_edges(_with_texts(content.right, content), size) if content.right else []
    start = columns_end - (right_edges[-1][1] / 72 if right_edges else 0.0)
    columns = list(zip(content.left, left_edges, strict=True))
    columns += [(column, (start + a / 72, start + b / 72)) for column, (a, b) in zip(content.right, right_edges, strict=True)]
    for column, (a, b) in columns:
        x = a if column.align == "left" else b
        _write(ax, where, x, -1.0, column.header, size, ha=column.align, fontweight="bold")
        for y, row in enumerate(content.rows):
            if row.study is not None:
                indent = 8 / 72 if column.role == "study" and any(r.title for r in content.rows) else 0.0
                _write(ax, where, x + indent, y, column.cells[row.study], size, ha=column.align)
    places = {column.role: b for column, (_, b) in columns if column.role}
    for y, row in enumerate(content.rows):
        if row.title:
            _write(ax, where, left_in, y, row.title, size, fontweight="bold")
        if row.summary is not None:
            _write_summary(ax, where, row.summary, y, (left_in, places), size, weight="bold")
    for i, summary in enumerate(content.summaries):
        _write_summary(ax, where, summary, len(content.rows) + 0.5 + i, (left_in, places), size, weight="bold" if i == 0 else "normal")
    for i, text in enumerate(content.statistics):
        _write(ax, where, left_in, len(content.rows) + len(content.summaries) + 0.6 + i, text, size)
    for line in (-0.5, len(content.rows) - 0.2):
        ax.plot([left_in, right_in], [line, line], transform=where, color=_FAINT, linewidth=0.7, clip_on=False, zorder=0)
    _draw_group_headers(ax, content, left_edges, left_in, size, where)
    _draw_signs(ax, content, right_in, size, where)


def _placed(content: Content, columns: Sequence[Column], left_in: float, size: float) -> list[tuple[float, float]]:
    """Edges of the left columns in inches; numbers of summaries are pushed right where a label needs the room."""
    edges = _column_edges(_with_texts(columns, content), size)
    first = next((a for c, (a, _) in zip(columns, edges, strict=True) if c.role in ("effect", "weight")), None)
    labels = max((text_width(text, size, bold=True) for text in content.bold_texts), default=0.0)
    lacking = max(0.0, labels - first) if first is not None else 0.0
    moved = [(a + lacking, b + lacking) if first is not None and a >= first else (a, b) for a, b in edges]
    return [(left_in + a / 72, left_in + b / 72) for a, b in moved]


def _write_summary(
    ax: Axes, where: Transform, summary: Summary, y: float, places: tuple[float, dict[str, float]], size: float, *, weight: str
) -> None:
    left_in, right = places
    _write(ax, where, left_in, y, summary.label, size, fontweight=weight)
    _write(ax, where, right["effect"], y, summary.text, size, ha="right", fontweight=weight)
    for role, total in summary.totals:
        if role in right:
            _write(ax, where, right[role], y, total, size, ha="right", fontweight=weight)
    if summary.weight:
        _write(ax, where, right["weight"], y, summary.weight, size, ha="right", fontweight=weight)


def _draw_signs(ax: Axes, content: Content, right_in: float, size: float, where: Transform) -> None:
    """The judgements of each study, under the letters of their domains."""
    step = _SIGN_IN * size / FONT_PT
    for d, letter in enumerate(content.domains):
        x = right_in - (len(content.domains) - d - 0.5) * step
        _write(ax, where, x, -1.0, letter, size, ha="center", fontweight="bold")
        for y, row in enumerate(content.rows):
            if row.study is not None:
                one = content.signs[row.study][d]
                ax.plot([x], [y], "o", transform=where, markersize=1.35 * size, color=one.color, markeredgecolor="none", clip_on=False)
                _write(ax, where, x, y, one.sign, size, ha="center")


def _draw_group_headers(
    ax: Axes, content: Content, edges: list[tuple[float, float]], left_in: float, size: float, where: Transform
) -> None:
    for group in dict.fromkeys(column.group for column in content.left if column.group):
        members = [edge for column, edge in zip(content.left, edges, strict=True) if column.group == group]
        a, b = members[0][0], members[-1][1]
        _write(ax, where, (a + b) / 2, -2.0, group, size, ha="center", fontweight="bold")
        ax.plot([a, b], [-1.5, -1.5], transform=where, color=_FAINT, linewidth=0.7, clip_on=False)
    if content.title:
        y = -content.n_header_rows + 0.2
        _write(ax, where, left_in, y, content.title, 1.15 * size, fontweight="bold")


def _draw_favours(ax: Axes, content: Content, size: float, row_in: float, bounds: tuple[float, float]) -> None:
    """The favoured sides under the axis title, on either side of no effect, kept inside `bounds` (inches)."""
    figure = ax.get_figure(root=True)
    if figure is None or not any(content.favours):
        return
    place, page = ax.get_position(), figure.get_size_inches()
    lower, upper = ax.get_xlim()
    null = float(page[0]) * (place.x0 + place.width * (0 - lower) / (upper - lower))
    y = content.n_rows - 0.5 + 2.4 * _ROW_IN * size / FONT_PT / row_in
    where = _inches_and_rows(ax)
    for text, side in zip((f"← {content.favours[0]}", f"{content.favours[1]} →"), (-1, 1), strict=True):
        if len(text) <= 2:
            continue
        room = (null - bounds[0] if side < 0 else bounds[1] - null) * 72 - 8
        lines = "\n".join(wrapped(text, room, size))
        _write(ax, where, null + side * 6 / 72, y, lines, size, ha="right" if side < 0 else "left")


def _draw_notes(ax: Axes, content: Content, left_in: float, row_in: float, size: float) -> None:
    where = _inches_and_rows(ax)
    step = 0.85 * _ROW_IN * size / FONT_PT / row_in
    first = content.n_rows - 0.5 + (2.8 + (1.2 if any(content.favours) else 0.0)) * _ROW_IN * size / FONT_PT / row_in
    for i, note in enumerate(content.notes):
        _write(ax, where, left_in, first + i * step, note, 0.85 * size, color=_LINE)
