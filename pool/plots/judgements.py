"""Judgements of risk of bias (RoB 2, ROBINS-I, QUADAS-2 and others), and the pictures of them."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Judgement:
    """What a domain may be judged as: its word, sign and colour, from best to worst."""

    word: str
    sign: str
    color: str


JUDGEMENTS: Mapping[str, Judgement] = {
    j.word: j
    for j in (
        Judgement("low", "+", "#4caf50"),
        Judgement("moderate", "−", "#ffd54f"),
        Judgement("some concerns", "−", "#ffd54f"),
        Judgement("unclear", "?", "#ffd54f"),
        Judgement("serious", "×", "#ef5350"),
        Judgement("high", "×", "#ef5350"),
        Judgement("critical", "!", "#8e1b1b"),
        Judgement("no information", "?", "#9fb4c7"),
        Judgement("not applicable", "", "#e0e0e0"),
    )
}
"""By word: RoB 2 has low, some concerns, high; ROBINS-I low, moderate, serious, critical, no information; QUADAS-2 low, unclear, high."""

_ALIASES = {"some": "some concerns", "ni": "no information", "na": "not applicable", "n/a": "not applicable", "": "not applicable"}


@dataclass(frozen=True)
class RiskOfBias:
    """Judgements of studies: the names of the domains, and for each study (in order) one judgement a domain.

    A domain called Overall is drawn last and set apart.

    Raises
    ------
    ValueError
        If a study has more or fewer judgements than there are domains.
    """

    domains: tuple[str, ...]
    studies: Mapping[str, tuple[Judgement, ...]]

    def __post_init__(self) -> None:
        """Check the numbers of judgements."""
        for study, judged in self.studies.items():
            if len(judged) != len(self.domains):
                message = f"{study}: expected {len(self.domains)} judgements, found {len(judged)}"
                raise ValueError(message)


def judgement(word: str) -> Judgement:
    """The judgement that a word names, in any case.

    Raises
    ------
    ValueError
        If it names none; the message lists them.
    """
    plain = " ".join(word.split()).casefold().removesuffix(" risk").removesuffix(" risk of bias")
    plain = _ALIASES.get(plain, plain)
    if plain not in JUDGEMENTS:
        message = f"expected a judgement of {', '.join(JUDGEMENTS)}, found {word!r}"
        raise ValueError(message)
    return JUDGEMENTS[plain]


def read_risk_of_bias(path: str | Path) -> RiskOfBias:
    """Judgements from a table (CSV): a column study, then one column a domain; any number of domains.

    Raises
    ------
    ValueError
        If there is no column study or no domain, a study stands there twice, or a cell is no judgement; the message names the file and
        the line.
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, restval="")
        header = [name for name in reader.fieldnames or () if name]
        domains = tuple(name for name in header if name.casefold() != "study")
        study_column = next((name for name in header if name.casefold() == "study"), None)
        if study_column is None or not domains:
            message = f"{path}: expected a column study and a column for each domain, found {', '.join(header) or 'none'}"
            raise ValueError(message)
        studies: dict[str, tuple[Judgement, ...]] = {}
        for cells in reader:
            if cells[study_column] in studies:
                message = f"{path}, line {reader.line_num}: expected one row a study, found {cells[study_column]!r} again"
                raise ValueError(message)
            try:
                studies[cells[study_column]] = tuple(judgement(cells[name]) for name in domains)
            except ValueError as error:
                message = f"{path}, line {reader.line_num}: {error}"
                raise ValueError(message) from None
    return RiskOfBias(domains, studies)


def traffic_light(risk: RiskOfBias, ax: Axes) -> Axes:
    """Draw a sign for each study and domain, as RevMan and robvis do; long names of domains are set at an angle.

    Parameters
    ----------
    risk
        The judgements.
    ax
        Where to draw; cells are square where its shape allows.

    Returns
    -------
    Axes
        x are the domains, y the studies, both from 0.
    """
    used: dict[str, Judgement] = {}
    for y, judged in enumerate(risk.studies.values()):
        for x, one in enumerate(judged):
            used.setdefault(one.word, one)
            draw_sign(ax, _place(risk, x), y, one)
    last = _place(risk, len(risk.domains) - 1)
    ax.set(xlim=(-0.6, last + 0.6), ylim=(len(risk.studies) - 0.4, -0.6))
    ax.set_xticks([_place(risk, x) for x in range(len(risk.domains))], list(risk.domains))
    is_long = any(len(name) > 4 for name in risk.domains)
    ax.tick_params(axis="x", top=False, bottom=False, labeltop=True, labelbottom=False, labelsize=9, rotation=45 if is_long else 0)
    for label in ax.get_xticklabels():
        label.set_horizontalalignment("left" if is_long else "center")
        label.set_rotation_mode("anchor" if is_long else "default")
    ax.set_yticks(range(len(risk.studies)), list(risk.studies))
    ax.tick_params(axis="y", length=0, labelsize=9)
    ax.set_aspect("equal", adjustable="box")
    for side in ax.spines.values():
        side.set_visible(False)
    _legend(ax, list(used.values()))
    return ax


def _place(risk: RiskOfBias, x: int) -> float:
    """Where a domain is drawn: the overall judgement a little apart."""
    return x + (0.4 if risk.domains[x].casefold() == "overall" else 0.0)


def draw_sign(ax: Axes, x: float, y: float, one: Judgement, *, size_pt: float = 15.0) -> None:
    """Draw one judgement: a coloured disc with its sign."""
    ax.plot([x], [y], "o", markersize=size_pt, color=one.color, markeredgecolor="none", clip_on=False)
    ax.annotate(one.sign, (x, y), ha="center", va="center", fontsize=0.72 * size_pt, color="#111111", annotation_clip=False)


def _legend(ax: Axes, used: Sequence[Judgement]) -> None:
    from matplotlib.lines import Line2D

    order = [j for j in JUDGEMENTS.values() if j in used]
    handles = [Line2D([], [], marker="o", linestyle="", color=j.color, markersize=9, label=f"{j.sign} {j.word}".strip()) for j in order]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.02), ncols=min(4, len(handles)), frameon=False, fontsize=8)


def risk_summary(risk: RiskOfBias, ax: Axes, weights: Mapping[str, float] | None = None) -> Axes:
    """Draw for each domain the share of studies with each judgement.

    Parameters
    ----------
    risk
        The judgements.
    ax
        Where to draw.
    weights
        Of studies in the pooled result: then shares are of weight, which is what robvis shows by default.

    Raises
    ------
    ValueError
        If a study has no weight.
    """
    missing = [study for study in risk.studies if weights is not None and study not in weights]
    if missing:
        message = f"expected a weight of every study, found none of {', '.join(missing)}"
        raise ValueError(message)
    share = {study: 1.0 if weights is None else weights[study] for study in risk.studies}
    total = sum(share.values())
    used: dict[str, Judgement] = {}
    for y in range(len(risk.domains)):
        left = 0.0
        for one in JUDGEMENTS.values():
            width = 100 * sum(share[study] for study, judged in risk.studies.items() if judged[y] == one) / total
            if width > 0:
                used.setdefault(one.word, one)
                ax.barh(_place(risk, y), width, left=left, color=one.color, edgecolor="white", height=0.72)
                left += width
    ax.set(xlim=(0, 100), ylim=(_place(risk, len(risk.domains) - 1) + 0.6, -0.6))
    ax.set_xlabel("% of studies" if weights is None else "% of weight")
    ax.set_yticks([_place(risk, y) for y in range(len(risk.domains))], [textwrap.fill(name, 40) for name in risk.domains])
    ax.tick_params(axis="y", length=0, labelsize=9)
    ax.spines[["top", "right", "left"]].set_visible(False)
    from matplotlib.patches import Patch

    order = [j for j in JUDGEMENTS.values() if j.word in used]
    handles = [Patch(color=j.color, label=j.word) for j in order]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=4, frameon=False, fontsize=8)
    return ax
