"""The PRISMA 2020 flow of records (Page et al. 2021, BMJ 372:n71)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _GAP = 0.44, 0.035
_LINE = 0.033  # of the height a line of text takes
_HEIGHT_IN = 7.0  # of a flow from top to bottom of the drawing


@dataclass(frozen=True)
class Flow:
    """Numbers of a flow diagram; what is None was not said and is left out of its box.

    `sources` are records identified by source, `removed` those removed before screening and `excluded` the reports excluded after
    reading, each by reason.
    """

    sources: Mapping[str, int]
    removed: Mapping[str, int] = field(default_factory=dict)
    screened: int | None = None
    screened_out: int | None = None
    sought: int | None = None
    not_retrieved: int | None = None
    assessed: int | None = None
    excluded: Mapping[str, int] = field(default_factory=dict)
    included: int | None = None
    synthesised: int | None = None

    def contradictions(self) -> tuple[str, ...]:
        """What does not add up from box to box, in words."""
        found = []
        identified = sum(self.sources.values())
        steps = (
            ("records screened", self.screened, identified - sum(self.removed.values()) if self.removed else None),
            ("reports sought", self.sought, _less(self.screened, self.screened_out)),
            ("reports assessed", self.assessed, _less(self.sought, self.not_retrieved)),
            ("studies included", self.included, _less(self.assessed, sum(self.excluded.values()) if self.excluded else None)),
        )
        for what, said, left in steps:
            if said is not None and left is not None and said != left:
                found.append(f"{what}: {said} are said, {left} remain from the step before")
        return tuple(found)


def _less(start: int | None, out: int | None) -> int | None:
    return None if start is None or out is None else start - out


def _listed(title: str, parts: Mapping[str, int]) -> list[str]:
    return [title, *(f"{name} (n = {n})" for name, n in parts.items())]


def _counted(title: str, n: int | None) -> list[str]:
    return [title, f"(n = {n})"] if n is not None else []


def _steps(flow: Flow) -> list[tuple[str, list[str], list[str]]]:
    """Stage, what remains and what was left out at each step that has numbers."""
    identified = _listed(f"Records identified (n = {sum(flow.sources.values())}):", flow.sources)
    included = _counted("Studies included in the review", flow.included)
    included += _counted("Studies in the meta-analysis", flow.synthesised)
    rows: list[tuple[str, list[str], list[str]]] = [
        ("Identification", identified, _listed("Removed before screening:", flow.removed) if flow.removed else []),
        ("Screening", _counted("Records screened", flow.screened), _counted("Records excluded", flow.screened_out)),
        ("Screening", _counted("Reports sought for retrieval", flow.sought), _counted("Reports not retrieved", flow.not_retrieved)),
        (
            "Screening",
            _counted("Reports assessed for eligibility", flow.assessed),
            _listed("Reports excluded:", flow.excluded) if flow.excluded else [],
        ),
        ("Included", included, []),
    ]
    return [(stage, left, right) for stage, left, right in rows if left]


def _heights(steps: Sequence[tuple[str, list[str], list[str]]]) -> list[float]:
    return [_LINE * (max(len(_lines(left)), len(_lines(right))) + 1) for _, left, right in steps]


def flow_size(flow: Flow) -> tuple[float, float]:
    """Width and height in inches that suit the flow's steps."""
    heights = _heights(_steps(flow))
    return 6.4, _HEIGHT_IN * (sum(heights) + _GAP * len(heights) + 0.02)


def prisma_flow(flow: Flow, ax: Axes) -> Axes:
    """Draw the flow: what remains at the left, what was left out at the right; steps without numbers are left out.

    Parameters
    ----------
    flow
        The numbers.
    ax
        Where to draw, in the size of `flow_size`.
    """
    drawn = _steps(flow)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    heights = _heights(drawn)
    top = 0.98
    stages: dict[str, tuple[float, float]] = {}
    for i, ((stage, left, right), height) in enumerate(zip(drawn, heights, strict=True)):
        bottom = top - height
        _box(ax, 0.07, bottom, height, left)
        if right:
            _box(ax, 0.07 + _WIDTH + 0.04, bottom, height, right)
            _arrow(ax, (0.07 + _WIDTH, (top + bottom) / 2), (0.07 + _WIDTH + 0.04, (top + bottom) / 2))
        if i + 1 < len(drawn):
            _arrow(ax, (0.07 + _WIDTH / 2, bottom), (0.07 + _WIDTH / 2, bottom - _GAP))
        first, _ = stages.get(stage, (top, bottom))
        stages[stage] = (first, bottom)
        top = bottom - _GAP
    for stage, (first, last) in stages.items():
        _stage(ax, stage, first, last)
    ax.set_ylim(top, 1)
    return ax


def _lines(text: Sequence[str]) -> list[str]:
    return [line for part in text for line in textwrap.wrap(part, 40, subsequent_indent="  ")]


def _box(ax: Axes, x: float, bottom: float, height: float, text: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x, bottom), _WIDTH, height, facecolor="white", edgecolor="#333333", linewidth=1))
    ax.text(x + 0.015, bottom + height / 2, "\n".join(_lines(text)), va="center", fontsize=8.5, color="#111111")


def _stage(ax: Axes, stage: str, top: float, bottom: float) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((0.0, bottom), 0.045, top - bottom, facecolor="#c9dcf0", edgecolor="none"))
    ax.text(0.0225, (top + bottom) / 2, stage, rotation=90, ha="center", va="center", fontsize=8, fontweight="bold", color="#1f3b57")


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "#333333", "linewidth": 1})
