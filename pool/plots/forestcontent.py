"""What a forest plot says: its rows, columns, summaries and notes, in the order and colours of a style."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from scipy.special import ndtri

from pool.effect import RATIO_MEASURES, Effect
from pool.model import Pooled, PooledResult
from pool.plots.judgements import Judgement, RiskOfBias
from pool.plots.text import NO_BREAK, text_width, wrapped
from pool.regression import Subgroups

StyleName = Literal["plain", "revman", "jama", "bmj"]
STYLES = get_args(StyleName)

FONT_PT = 9.0
GAP_PT = 11.0
# Lines of statistics may make the left block this wide, beyond what its columns need.
STATISTICS_PT = 175.0

MEASURE_TITLES = {
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
_DAGGER_NOTE = "† Mean and SD of an arm were read off a figure or estimated from other statistics."


@dataclass(frozen=True)
class Style:
    """Where columns stand, what they are called, and the colours of squares and diamonds."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    study: str = "Study"
    n: str = "n"
    square: str = "#4477aa"
    diamond: str = "#222222"


# As they print them. RevMan 5: weight and effect before the plot; JAMA: effect before the plot; BMJ: weight, then effect after it.
_STYLES: dict[str, Style] = {
    "plain": Style(("study", "arms"), ("effect", "weight")),
    "revman": Style(("study", "arms", "weight", "effect"), (), "Study or subgroup", "Total", "#2e8b57", "#000000"),
    "jama": Style(("study", "arms", "effect"), ("weight",), "Source", "No.", "#1c6ba0", "#1c6ba0"),
    "bmj": Style(("study", "arms"), ("weight", "effect"), "Study", "No", "#2a6ebb", "#2a6ebb"),
}


@dataclass(frozen=True)
class Column:
    """A column: its header, one cell a study, how it is aligned, its role, and the arm that it belongs to."""

    header: str
    cells: tuple[str, ...]
    align: Literal["left", "right"] = "right"
    group: str = ""
    role: str = ""

    def width_pt(self, size: float) -> float:
        """Width of its widest text."""
        return max(text_width(text, size, bold=text is self.header) for text in (self.header, *self.cells))


@dataclass(frozen=True)
class Summary:
    """A pooled row: a label, the text of its interval and weight, and how it is drawn."""

    label: str
    text: str
    pooled: Pooled | None
    kind: Literal["diamond", "outline", "interval"]
    bounds: tuple[float, float] = (math.nan, math.nan)
    weight: str = ""
    totals: tuple[tuple[str, str], ...] = ()  # (role of a column, its total)


@dataclass(frozen=True)
class Row:
    """A row above the summaries: a study (its index), the name of a subgroup, a subgroup's result, or its heterogeneity."""

    study: int | None = None
    title: str = ""
    summary: Summary | None = None


@dataclass(frozen=True)
class Content:
    """All that a plot says."""

    style: Style
    left: tuple[Column, ...]
    right: tuple[Column, ...]
    rows: tuple[Row, ...]
    summaries: tuple[Summary, ...]
    statistics: tuple[str, ...]
    notes: tuple[str, ...]
    title: str
    axis_title: str
    favours: tuple[str, str]
    domains: tuple[str, ...] = ()
    signs: tuple[tuple[Judgement, ...], ...] = ()

    @property
    def has_groups(self) -> bool:
        """Whether columns stand under the names of arms."""
        return any(column.group for column in self.left)

    @property
    def n_header_rows(self) -> float:
        """Rows above the first study."""
        return 1.0 + (1.0 if self.has_groups else 0.0) + (1.4 if self.title else 0.0)

    @property
    def n_rows(self) -> float:
        """Rows from the first study to the axis line."""
        return len(self.rows) + len(self.summaries) + len(self.statistics) + 1.0

    @property
    def n_footer_rows(self) -> float:
        """Rows under the axis line."""
        return 2.3 + (1.6 if any(self.favours) else 0.0) + (0.5 if self.notes else 0.0) + 0.85 * len(self.notes)

    @property
    def bold_texts(self) -> tuple[str, ...]:
        """Labels that may be wider than the column of studies."""
        pooled = [row.summary.label for row in self.rows if row.summary] + [row.title for row in self.rows if row.title]
        return (*pooled, *(s.label for s in self.summaries))

    @property
    def effect_texts(self) -> tuple[str, ...]:
        """Intervals of summaries, which stand in the column of effects."""
        return (*(row.summary.text for row in self.rows if row.summary), *(s.text for s in self.summaries))


@dataclass(frozen=True)
class Wanted:
    """What a caller asked for."""

    style: str = "plain"
    title: str = ""
    favours: tuple[str, str] = ("", "")
    axis_title: str | None = None
    digits: int = 2
    groups: Subgroups | None = None
    risk: RiskOfBias | None = None


def content_of(result: PooledResult, wanted: Wanted) -> Content:
    """Everything that is written, with notes not yet broken into lines.

    Raises
    ------
    ValueError
        If the style is unknown, a subgroup's study is not in the result, or a study has no judgement.
    """
    if wanted.style not in _STYLES:
        message = f"expected a style of {', '.join(STYLES)}, found {wanted.style!r}"
        raise ValueError(message)
    style, number = _STYLES[wanted.style], formatter(result.measure, wanted.digits)
    labels = tuple(textwrap.shorten(e.study, 60, placeholder="…") + (" †" if e.is_estimated else "") for e in result.studies)
    halves = [critical_of(result) * math.sqrt(e.vi) for e in result.studies]
    effects = tuple(interval_text(number, e.yi, e.yi - h, e.yi + h) for e, h in zip(result.studies, halves, strict=True))
    notes = [_DAGGER_NOTE] if any(e.is_estimated for e in result.studies) else []
    notes += [f"{flag}." for flag in result.flags if any(e.note and flag.endswith(e.note) for e in result.studies)]
    notes += [f"Not pooled: {o.study} ({o.reason})." for o in result.omitted if o.has_both_arms]
    columns = {
        "study": (Column(style.study, labels, "left", role="study"),),
        "arms": _arm_columns(result, wanted.digits, style.n),
        "effect": (Column(_effect_header(result, wanted.style), effects, role="effect"),),
        "weight": (Column("Weight", tuple(f"{w:.1f}%" for w in result.weights), role="weight"),),
    }
    left, right = (tuple(c for name in names for c in columns[name]) for names in (style.left, style.right))
    domains, signs = _signs(result, wanted.risk)
    if wanted.risk is not None:
        listed = "; ".join(f"{letter} {name}" for letter, name in zip(domains, wanted.risk.domains, strict=True))
        notes.append(f"Risk of bias: {listed}.")
    title = wanted.axis_title or MEASURE_TITLES[result.measure]
    statistics = (_statistics_as_revman if wanted.style == "revman" else _statistics)(result, wanted.groups)
    rows, summaries = _rows(result, wanted.groups, number, wanted.style), _summaries(result, number, wanted.style)
    return Content(
        style, left, right, rows, summaries, statistics, tuple(notes), wanted.title, title, wanted.favours, domains, signs
    )


def with_lines(content: Content, statistics_room_pt: float, notes_room_pt: float) -> Content:
    """The content with statistics and notes broken into lines that fit."""
    statistics = tuple(line for text in content.statistics for line in wrapped(text, statistics_room_pt, FONT_PT))
    notes = tuple(line for note in content.notes for line in wrapped(note, notes_room_pt, 0.85 * FONT_PT))
    return replace(content, statistics=statistics, notes=notes)


def critical_of(result: PooledResult) -> float:
    """Half-width of a study's interval in standard errors: normal, whatever the test of the pooled result."""
    return float(ndtri(0.5 + result.level / 2))


def formatter(measure: str, digits: int) -> Callable[[float], str]:
    """How values are written: ratios exponentiated, a true minus sign, no negative zero."""

    def number(value: float) -> str:
        shown = math.exp(value) if measure in RATIO_MEASURES else value
        text = f"{shown:.{digits}f}"
        return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")

    return number


def interval_text(number: Callable[[float], str], estimate: float, lower: float, upper: float) -> str:
    """An estimate with its limits."""
    return f"{number(estimate)} [{number(lower)}, {number(upper)}]"


def _effect_header(result: PooledResult, style: str) -> str:
    percent = f"{100 * result.level:g}%"
    name = result.measure if result.measure != "GEN" else "Effect"
    if style != "revman":
        return f"{name} [{percent} CI]"
    return f"{name}, IV, {'Fixed' if result.method == 'EE' else 'Random'}, {percent} CI"


def _arm_columns(result: PooledResult, digits: int, n: str) -> tuple[Column, ...]:
    """Mean, SD and n of both arms where any study has arms, events and participants where it has those."""
    if any(e.counts for e in result.studies):
        return _event_columns(result, n)
    if not any(e.treated and e.control for e in result.studies):
        return ()
    columns = []
    for name, side in ((result.treated or "Treated", "treated"), (result.control or "Control", "control")):
        arms = [getattr(e, side) for e in result.studies]
        group = textwrap.shorten(name[:1].upper() + name[1:], 30, placeholder="…")
        means = tuple("" if a is None else f"{a.mean:.{digits}f}".replace("-", "−") for a in arms)
        sds = tuple("" if a is None else f"{a.sd:.{digits}f}" for a in arms)
        sizes = tuple("" if a is None else str(a.n) for a in arms)
        columns += [Column("Mean", means, group=group), Column("SD", sds, group=group), Column(n, sizes, group=group, role=side)]
    return tuple(columns)


def _event_columns(result: PooledResult, n: str) -> tuple[Column, ...]:
    columns = []
    for name, side, place in ((result.treated or "Treated", "treated", 0), (result.control or "Control", "control", 2)):
        group = textwrap.shorten(name[:1].upper() + name[1:], 30, placeholder="…")
        events, sizes = (tuple("" if e.counts is None else f"{e.counts[k]:.12g}" for e in result.studies) for k in (place, place + 1))
        columns += [Column("Events", events, group=group), Column(n, sizes, group=group, role=side)]
    return tuple(columns)


def _totals(studies: Sequence[Effect]) -> tuple[tuple[str, str], ...]:
    """Participants of both arms, by the role of their column, where they are known of every study."""
    counts = [e.counts for e in studies if e.counts is not None]
    if len(counts) == len(studies):
        return tuple((side, f"{sum(c[k] for c in counts):.12g}") for side, k in (("treated", 1), ("control", 3)))
    if not all(e.treated and e.control for e in studies):
        return ()
    return tuple((side, str(sum(getattr(e, side).n for e in studies))) for side in ("treated", "control"))


def _rows(result: PooledResult, groups: Subgroups | None, number: Callable[[float], str], style: str) -> tuple[Row, ...]:
    """The studies, under their subgroups where there are any, each with its own result."""
    if groups is None:
        return tuple(Row(study=i) for i in range(result.k))
    rows: list[Row] = []
    for label, part in groups.groups:
        places = [i for i, e in enumerate(result.studies) if e in part.studies]
        if len(places) != part.k:
            message = f"expected the studies of subgroup {label!r} in the result, found {len(places)} of {part.k}"
            raise ValueError(message)
        share = sum(result.weights[i] for i in places)
        pooled = Pooled(part.estimate, part.se, part.ci_lb, part.ci_ub)
        text = interval_text(number, part.estimate, part.ci_lb, part.ci_ub)
        spread = f", I² = {part.i2:.0f}%" if part.k > 1 else ""
        name = f"Subtotal ({100 * result.level:g}% CI)" if style == "revman" else "Subtotal"
        totals = _totals(part.studies) if style == "revman" else ()
        subtotal = Summary(f"{name}{spread}", text, pooled, "diamond", weight=f"{share:.1f}%", totals=totals)
        rows += [Row(title=label), *(Row(study=i) for i in places), Row(summary=subtotal)]
    return tuple(rows)


def _summaries(result: PooledResult, number: Callable[[float], str], style: str) -> tuple[Summary, ...]:
    whole = Pooled(result.estimate, result.se, result.ci_lb, result.ci_ub)
    text = interval_text(number, result.estimate, result.ci_lb, result.ci_ub)
    name = "Common effect" if result.method == "EE" else f"Random effects ({result.method})"
    name = f"Total ({100 * result.level:g}% CI)" if style == "revman" else name
    totals = _totals(result.studies) if style == "revman" else ()
    rows = [Summary(name, text, whole, "diamond", weight="100.0%", totals=totals)]
    reading = result.estimate_reading
    sources = [name for name in ("reading", "estimation") if any(getattr(e, f"vi_{name}") > 0 for e in result.studies)]
    if reading is not None and sources:
        text = interval_text(number, reading.estimate, reading.ci_lb, reading.ci_ub)
        rows.append(Summary(f"With {' and '.join(sources)} uncertainty", text, reading, "outline"))
    if not math.isnan(result.pi_lb) and result.k > 1:
        text = f"[{number(result.pi_lb)}, {number(result.pi_ub)}]"
        rows.append(Summary("Prediction interval", text, None, "interval", (result.pi_lb, result.pi_ub)))
    return tuple(rows)


def _statistics(result: PooledResult, groups: Subgroups | None) -> tuple[str, ...]:
    statistic = f"{result.estimate / result.se:.2f}".replace("-", "−")
    overall = f"Overall effect: {'z' if result.test == 'z' else 't'} = {statistic}, {_p_text(result.p)}"
    if result.k == 1:
        return (overall,)
    tau2 = f"τ² = {result.tau2:.3g}, " if result.method != "EE" else ""
    # Unbreakable, so that a narrow column breaks the line before the bracket.
    bracket = f"(df = {result.q_df}, {_p_text(result.q_p)})".replace(" ", NO_BREAK)
    lines = [f"Heterogeneity: I² = {result.i2:.0f}%, {tau2}Q = {result.q:.2f} {bracket}", overall]
    if groups is not None and groups.q_df:
        bracket = f"(df = {groups.q_df}, {_p_text(groups.q_p)})".replace(" ", NO_BREAK)
        lines.append(f"Subgroup differences: Q = {groups.q:.2f} {bracket}")
    return tuple(lines)


def _statistics_as_revman(result: PooledResult, groups: Subgroups | None) -> tuple[str, ...]:
    """The lines under a forest plot in RevMan's words; I² follows from Q there, and the estimator is DerSimonian-Laird unless said."""
    z = "Z" if result.test == "z" else "T"
    overall = f"Test for overall effect: {z} = {abs(result.estimate / result.se):.2f} ({_p_text(result.p, 'P')})"
    if result.k == 1:
        return ("Heterogeneity: Not applicable", overall)
    by = "" if result.method == "DL" else f" ({result.method})"
    tau2 = f"Tau² = {result.tau2:.2f}{by}; " if result.method != "EE" else ""
    chi2 = f"Chi² = {result.q:.2f}, df = {result.q_df} ({_p_text(result.q_p, 'P')})".replace(" ", NO_BREAK)
    lines = [f"Heterogeneity: {tau2}{chi2}; I² = {result.i2_q:.0f}%", overall]
    if groups is not None and groups.q_df:
        i2 = 100 * max(0.0, groups.q - groups.q_df) / groups.q if groups.q > 0 else 0.0
        chi2 = f"Chi² = {groups.q:.2f}, df = {groups.q_df} ({_p_text(groups.q_p, 'P')})".replace(" ", NO_BREAK)
        lines.append(f"Test for subgroup differences: {chi2}; I² = {i2:.0f}%")
    return tuple(lines)


def _p_text(p: float, letter: str = "p") -> str:
    return f"{letter} < 0.001" if p < 0.001 else f"{letter} = {p:.3f}" if p < 0.1 else f"{letter} = {p:.2f}"


def _signs(result: PooledResult, risk: RiskOfBias | None) -> tuple[tuple[str, ...], tuple[tuple[Judgement, ...], ...]]:
    """Letters of the domains, and the judgements of each study."""
    if risk is None:
        return (), ()
    missing = [e.study for e in result.studies if e.study not in risk.studies]
    if missing:
        message = f"expected judgements of every study, found none of {', '.join(missing)}"
        raise ValueError(message)
    return _letters(risk.domains), tuple(risk.studies[e.study] for e in result.studies)


def _letters(domains: Sequence[str]) -> tuple[str, ...]:
    return tuple(chr(ord("A") + i) for i in range(len(domains)))
