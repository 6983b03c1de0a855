"""What a published review says of itself, as data: its trials, counts, sentences and pooled results.

Text is kept as it is printed where its digits matter ("0.034", "20.5"); `where` names the place (Abstract, Table 2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Design = Literal["parallel", "crossover"]
Value = Literal["final", "change"]


class _Strict:
    """Readers of files refuse keys that are not here: a misspelt one would be lost in silence."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  # a constant that pydantic looks for


@dataclass(frozen=True)
class Trial(_Strict):
    """A trial as the review's table of trials shows it.

    `n` is the number that the review gives; `people` the number of the trial's own report, where that is known. `interval_days` is the
    time from treatment to the outcome that was used. `has` are properties that criteria speak of ("adjuvant", "pilot").
    """

    study: str
    n: int
    design: Design = "parallel"
    periods: int = 1
    people: int | None = None
    interval_days: float | None = None
    treatment: str = ""
    instrument: str = ""
    reference: int | None = None
    has: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured(_Strict):
    """A mean and an SD as printed."""

    mean: Decimal
    sd: Decimal


@dataclass(frozen=True)
class Arm(_Strict):
    """An arm of a trial as the review gives it: after treatment, and before where that is printed.

    `source_baseline` is what the trial's own report says of the time before; `reduction_percent` by how much it says that values fell;
    `p_within` the printed p of after against before.
    """

    study: str
    arm: str
    n: int
    after: Measured | None = None
    before: Measured | None = None
    source_before: Measured | None = None
    source_after: Measured | None = None
    reduction_percent: Decimal | None = None
    p_within: str = ""
    read_off: bool = False
    estimator: str = ""


@dataclass(frozen=True)
class Total(_Strict):
    """A number that is said to be a sum: of the trials named in `of` ("all" for every one), or of `parts` (which may be negative)."""

    what: str
    where: str
    value: int
    of: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Said(_Strict):
    """One thing said of a subject in one place; what is said of the same subject elsewhere should be the same."""

    subject: str
    where: str
    value: str


@dataclass(frozen=True)
class Range(_Strict):
    """Means that are said to lie between two values, over all trials that have the arm."""

    arm: str
    where: str
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Percentage(_Strict):
    """A percentage of n participants, with its printed decimals."""

    where: str
    value: str
    n: int


@dataclass(frozen=True)
class Sequential(_Strict):
    """A trial sequential analysis and the parameters that are given for it: alpha, power, delta, variance, model, heterogeneity."""

    where: str
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison(_Strict):
    """A published comparison.

    `n` and `k` are said, `studies` are those pooled. `values` says whether arms are final scores or changes; `certainty` what is said of
    the certainty of evidence and where (pairs); `relative` the limits in a column of relative effects; `funnel` what a funnel plot is
    said to show; `conclusion` the direction that is said to have been found.
    """

    name: str
    treated: str
    control: str
    studies: tuple[str, ...]
    measure: str = "MD"
    pooling: str = ""
    model: str = ""
    test: str = ""
    k: int | None = None
    n: int | None = None
    estimate: Decimal | None = None
    ci: tuple[Decimal, Decimal] | None = None
    i2: Decimal | None = None
    p: str = ""
    values: Value | None = None
    certainty: tuple[tuple[str, str], ...] = ()
    relative: tuple[Decimal, Decimal] | None = None
    funnel: str = ""
    egger: bool = False
    conclusion: Literal["", "decrease", "increase", "no difference"] = ""
    where: str = ""


@dataclass(frozen=True)
class Reference(_Strict):
    """An entry of the references: its number, what identifies it (a DOI, or title and year), its year, whether the text cites it."""

    number: int
    identity: str
    year: int | None = None
    cited: bool = True


@dataclass(frozen=True)
class Claims(_Strict):
    """A review's claims.

    `scale` is the outcome's lowest and highest possible value, `instrument` what it is called, `outcome` whether final scores or changes
    were planned, `treatment` what the review is about, `excludes` what its criteria exclude, `heterogeneity_p` whether a p-value is
    given to I2.
    """

    title: str
    scale: tuple[float, float] | None = None
    instrument: str = ""
    outcome: Value | None = None
    better: Literal["lower", "higher"] | None = None
    treatment: str = ""
    excludes: tuple[str, ...] = ()
    i2_has_p: bool = False
    synthesised: int | None = None
    trial: tuple[Trial, ...] = ()
    arm: tuple[Arm, ...] = ()
    total: tuple[Total, ...] = ()
    said: tuple[Said, ...] = ()
    range: tuple[Range, ...] = ()
    percentage: tuple[Percentage, ...] = ()
    sequential: tuple[Sequential, ...] = ()
    comparison: tuple[Comparison, ...] = ()
    reference: tuple[Reference, ...] = field(default=())
