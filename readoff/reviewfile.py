"""The review file: one TOML that says where each arm comes from and what is pooled with what."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

Measure = Literal["MD", "SMD", "SMDH", "ROM"]
Method = Literal["DL", "HE", "HS", "HSk", "SJ", "DLIT", "SJIT", "ML", "REML", "EB", "PM", "PMM", "EE", "FE"]
Test = Literal["z", "t", "knha", "adhoc"]
MEASURES, METHODS, TESTS = get_args(Measure), get_args(Method), get_args(Test)


class ReviewFileError(ValueError):
    """A review file that cannot be used; the message names the file, the key, and what was expected."""


def _ascending(values: tuple[Decimal, Decimal]) -> tuple[Decimal, Decimal]:
    if values[0] > values[1]:
        message = f"expected [lower, upper], found [{values[0]}, {values[1]}]"
        raise ValueError(message)
    return values


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=2)]
Interval = Annotated[tuple[Decimal, Decimal], AfterValidator(_ascending)]


class Part(BaseModel):
    """A part of the review file: immutable, and without keys that we do not know, for a misspelt key would be lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Head(Part):
    """What the review is about; `scale` is the outcome's lowest and highest possible value."""

    title: Text
    outcome: str = ""
    scale: Interval | None = None
    better: Literal["lower", "higher"] | None = None


class FigureArms(Part):
    """Arms of one study that are read off one figure. What the error bars show is told here and never guessed.

    `arms` maps what the figure calls a series, or a category of its x axis, to an arm; `x` picks one place of a series over time.
    """

    file: Text
    study: Text
    error_bars: Text
    n: Count | dict[str, Count]
    arms: Annotated[dict[str, Text], Field(min_length=1)]
    centre: Literal["mean", "median"]
    method: Literal["wan2014"] | None = None
    page: Annotated[int, Field(ge=1)] | None = None
    panel: str | None = None
    x: float | str | None = None
    kind: str | None = None
    timepoint: str = ""


class Solved(Part):
    """Numbers of a printed arm that were not printed: the interval of values that give every published digit."""

    mean: Interval | None = None
    sd: Interval | None = None

    def items(self) -> tuple[tuple[str, tuple[Decimal, Decimal]], ...]:
        """(name, interval) of each number that was solved."""
        return tuple((name, interval) for name, interval in (("mean", self.mean), ("sd", self.sd)) if interval is not None)


class PrintedArm(Part):
    """One arm whose mean and SD stand in print."""

    study: Text
    arm: Text
    n: Count
    mean: Decimal
    sd: Annotated[Decimal, Field(ge=0)]
    timepoint: str = ""
    source: str = ""
    solved: Solved | None = None

    @model_validator(mode="after")
    def _solved_holds_the_value(self) -> Self:
        for name, (low, high) in self.solved.items() if self.solved else ():
            value = getattr(self, name)
            if not low <= value <= high:
                message = f"expected {name} within its solved interval [{low}, {high}], found {value}"
                raise ValueError(message)
        return self


class Published(Part):
    """What was published for a comparison, with the digits that were printed."""

    estimate: Decimal | None = None
    ci: Interval | None = None
    i2: Decimal | None = None


class Sequential(Part):
    """A trial sequential analysis of a comparison: the smallest difference that matters, and the SD of one participant.

    Studies come in the order of the years in their names, or else of the file.

    `correction`, `spending` and `futility` are as in `pool.sequential.sequential`.
    """

    relevant: Annotated[Decimal, Field(gt=0)]
    sd: Annotated[Decimal, Field(gt=0)]
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    power: Annotated[float, Field(gt=0, lt=1)] = 0.8
    correction: Literal["D2", "I2", "none"] = "D2"
    spending: Literal["OBF", "POC"] = "OBF"
    futility: Literal["none", "non-binding", "binding"] = "none"


class Lowered(Part):
    """By how many levels a domain lowers the certainty of a comparison's evidence, and why."""

    domain: Literal["risk of bias", "inconsistency", "indirectness", "imprecision", "publication bias"]
    levels: Literal[1, 2]
    reason: Text


class RiskFile(Part):
    """A table of judgements: study, then a column a domain."""

    file: Text


class Flow(Part):
    """Numbers of the PRISMA flow; what is not said is left out."""

    sources: Annotated[dict[str, int], Field(min_length=1)]
    removed: dict[str, int] = {}
    screened: int | None = None
    screened_out: int | None = None
    sought: int | None = None
    not_retrieved: int | None = None
    assessed: int | None = None
    excluded: dict[str, int] = {}
    included: int | None = None
    synthesised: int | None = None


class Comparison(Part):
    """Two arms that are compared over all studies that have both, how they are pooled, and what is drawn and judged of the result.

    `crossovers` are studies whose arms are the same people: they are counted once. `subgroups` names the subgroup of each study.
    `multiverse` asks for every estimator of SDs, of tau2 and every test.
    """

    name: Text
    treated: Text
    control: Text
    measure: Measure
    method: Method
    test: Test = "z"
    published: Published | None = None
    style: Literal["plain", "revman", "jama", "bmj"] = "plain"
    subgroups: dict[str, Text] | None = None
    crossovers: tuple[Text, ...] = ()
    sequential: Sequential | None = None
    multiverse: bool = False
    certainty: tuple[Lowered, ...] = ()

    @model_validator(mode="after")
    def _two_arms(self) -> Self:
        if self.treated == self.control:
            message = f"expected two different arms, found {self.treated!r} as treated and as control"
            raise ValueError(message)
        if self.sequential is not None and self.measure != "MD":
            message = f"expected measure MD for a sequential analysis, whose size follows from an SD, found {self.measure}"
            raise ValueError(message)
        return self


class ReviewFile(Part):
    """A whole review file; `figure`, `arm` and `comparison` are its tables of that name, in their order; the rest may be missing."""

    review: Head
    figure: tuple[FigureArms, ...] = ()
    arm: tuple[PrintedArm, ...] = ()
    comparison: Annotated[tuple[Comparison, ...], Field(min_length=1)]
    risk_of_bias: RiskFile | None = None
    flow: Flow | None = None


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; its numbers keep the digits that they were written with.

    Raises
    ------
    ReviewFileError
        If it is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file in UTF-8"
        message = f"{path}: cannot be read ({reason})"
        raise ReviewFileError(message) from error
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: not TOML: {error}"
        raise ReviewFileError(message) from error


def read_review(path: Path) -> ReviewFile:
    """Read a review file; its numbers keep the digits that they were written with.

    Raises
    ------
    ReviewFileError
        If it is missing, is not TOML, or a key is missing, unknown or wrong; one line names file, key, expected and found.
    """
    content = read_toml(path)
    try:
        return ReviewFile.model_validate(content)
    except ValidationError as error:
        message = f"{path}: {first_problem(error)}"
        raise ReviewFileError(message) from error


def first_problem(error: ValidationError) -> str:
    """The first of a file's problems in one line: the key, what was expected and found, and how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{_key(first['loc'])}: {_expectation(first['type'], first['msg'], first['input'])}{more}"


def _key(location: tuple[int | str, ...]) -> str:
    """Write the place of a problem as TOML users count: ``arm[2].sd`` is the second [[arm]]."""
    parts = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).lstrip(".") or "the file"


def _expectation(kind: str, text: str, found: Any) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is no key of a review file"
    said = text.removeprefix("Value error, ")
    said = said[:1].lower() + said[1:]
    shown = str(found) if isinstance(found, Decimal) else repr(found)
    return said if isinstance(found, dict) or "found" in said else f"{said}, found {shown}"
