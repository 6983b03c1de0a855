"""GRADE: the certainty of evidence and the summary of findings table (Guyatt et al. 2011, J Clin Epidemiol 64:383)."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pool.effect import RATIO_MEASURES
from pool.model import PooledResult

Rating = Literal["High", "Moderate", "Low", "Very low"]
RATINGS: tuple[Rating, ...] = ("High", "Moderate", "Low", "Very low")
DOMAINS = ("risk of bias", "inconsistency", "indirectness", "imprecision", "publication bias")
_SIGNS = {"High": "⊕⊕⊕⊕", "Moderate": "⊕⊕⊕◯", "Low": "⊕⊕◯◯", "Very low": "⊕◯◯◯"}
LARGE_I2 = 50.0
HEADER = ("Outcome", "Participants (studies)", "Certainty", "Relative effect (95% CI)", "Anticipated absolute effect (95% CI)", "Why")


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid #999; padding: .4rem .6rem; text-align: left; vertical-align: top; }}
th {{ background: #e8eef5; }}
</style></head><body>
<h1>{title}</h1>
<table>
{header}
{body}
</table>
<p>⊕⊕⊕⊕ High, ⊕⊕⊕◯ Moderate, ⊕⊕◯◯ Low, ⊕◯◯◯ Very low certainty (GRADE).</p>
</body></html>
"""


@dataclass(frozen=True)
class Downgrade:
    """By how many levels a domain lowers the certainty (1 or 2), and why."""

    domain: str
    levels: int
    reason: str

    def __post_init__(self) -> None:
        """Check domain and levels."""
        if self.domain not in DOMAINS or self.levels not in (1, 2):
            message = f"expected a domain of {', '.join(DOMAINS)} and 1 or 2 levels, found {self.domain!r} and {self.levels}"
            raise ValueError(message)


@dataclass(frozen=True)
class Outcome:
    """One row of a summary of findings: what was pooled, over how many participants, and what lowers its certainty.

    `baseline_risk` is that of the control arm, per person, which a ratio needs for an absolute effect.
    """

    name: str
    result: PooledResult
    participants: int
    downgrades: tuple[Downgrade, ...] = ()
    starts: Rating = "High"
    baseline_risk: float | None = None

    def __post_init__(self) -> None:
        """Check that the baseline risk is one."""
        if self.baseline_risk is not None and not 0 < self.baseline_risk < 1:
            message = f"expected a baseline risk per person between 0 and 1, found {self.baseline_risk:g}"
            raise ValueError(message)

    @property
    def certainty(self) -> Rating:
        """The rating that is left after all downgrades."""
        place = RATINGS.index(self.starts) + sum(d.levels for d in self.downgrades)
        return RATINGS[min(place, len(RATINGS) - 1)]


def suggested_downgrades(result: PooledResult, *, relevant: float | None = None) -> tuple[Downgrade, ...]:
    """What the numbers alone suggest: inconsistency and imprecision. A person has to judge these and the other domains.

    Inconsistency: I2 from Q of 50 % or more. Imprecision: the interval holds no effect; two levels where it also holds `relevant` ones
    either way.

    Parameters
    ----------
    result
        The pooled result.
    relevant
        The smallest difference that matters, in the units of the estimate (logarithm for ratios).
    """
    found = []
    if result.k > 1 and result.i2_q >= LARGE_I2:
        found.append(Downgrade("inconsistency", 1, f"I² {result.i2_q:.0f} %"))
    if result.ci_lb < 0 < result.ci_ub:
        wide = relevant is not None and result.ci_lb < -relevant and result.ci_ub > relevant
        reason = "the interval holds no effect" + (" and relevant ones either way" if wide else "")
        found.append(Downgrade("imprecision", 2 if wide else 1, reason))
    return tuple(found)


def summary_rows(outcomes: Sequence[Outcome], digits: int = 2) -> list[tuple[str, ...]]:
    """The table as text, a row an outcome, columns as in `HEADER`. A difference has no relative effect: that cell is a dash."""
    rows: list[tuple[str, ...]] = []
    for outcome in outcomes:
        result = outcome.result
        why = "; ".join(f"{d.domain} (−{d.levels}): {d.reason}" for d in outcome.downgrades) or "no reason to lower it"
        certainty = f"{_SIGNS[outcome.certainty]} {outcome.certainty}"
        people = f"{outcome.participants} ({result.k} {'study' if result.k == 1 else 'studies'})"
        rows.append((outcome.name, people, certainty, _relative(result, digits), _absolute(outcome, digits), why))
    return rows


def _relative(result: PooledResult, digits: int) -> str:
    if result.measure not in RATIO_MEASURES:
        return "–"
    values = (f"{math.exp(v):.{digits}f}" for v in (result.estimate, result.ci_lb, result.ci_ub))
    return f"{result.measure} " + "{} [{}, {}]".format(*values)


def _absolute(outcome: Outcome, digits: int) -> str:
    result, values = outcome.result, (outcome.result.estimate, outcome.result.ci_lb, outcome.result.ci_ub)
    if result.measure not in RATIO_MEASURES:
        texts = tuple(f"{abs(v):.{digits}f} {'lower' if v < 0 else 'higher'}" for v in values)
        return f"{result.measure} {texts[0]} [{texts[1]} to {texts[2]}]"
    if outcome.baseline_risk is None or result.measure not in ("OR", "RR", "PETO"):
        return "–"
    risk = outcome.baseline_risk
    changes = [1000 * (_risk(risk, math.exp(v), result.measure) - risk) for v in values]
    texts = tuple(f"{abs(c):.0f} {'fewer' if c < 0 else 'more'}" for c in changes)
    return f"{texts[0]} per 1000 [{texts[1]} to {texts[2]}]"


def _risk(risk: float, ratio: float, measure: str) -> float:
    """The treated arm's risk, of a risk ratio or an odds ratio (Cochrane Handbook 15.4.4)."""
    return min(1.0, risk * ratio) if measure == "RR" else ratio * risk / (1 - risk + ratio * risk)


def summary_as_csv(outcomes: Sequence[Outcome], digits: int = 2) -> str:
    """The table as CSV text."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([HEADER, *summary_rows(outcomes, digits)])
    return stream.getvalue()


def summary_as_html(outcomes: Sequence[Outcome], title: str, digits: int = 2) -> str:
    """The table as one HTML page that copies into a word processor."""

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(row(cells, "td") for cells in summary_rows(outcomes, digits))
    return PAGE.format(title=html.escape(title), header=row(HEADER, "th"), body=body)
