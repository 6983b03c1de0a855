"""What is known of one arm of one study, and the arms.csv table that holds many of them."""

from __future__ import annotations

import csv
import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, get_args

if TYPE_CHECKING:
    import pandas as pd  # imported where a table is made: it takes longer than all else


How = Literal["reported", "estimated"]

REQUIRED_COLUMNS = ("study", "arm", "n", "mean", "sd")
_NUMBERS = ("mean", "sd", "u_mean", "u_sd", "se_mean", "se_sd")
_TEXTS = ("study", "arm", "outcome", "timepoint", "how", "method", "error_bars", "source")
NAN = math.nan


@dataclass(frozen=True)
class ArmSummary:
    """Mean, SD and n of one arm, with how they were obtained.

    A value that is not known is NaN: `mean` and `sd` where they could not be read (a flag says why), `u_mean` and `u_sd` where no
    uncertainty of reading is stated (a printed number has none), `se_mean` and `se_sd` where they are those of any sample's mean and SD.

    Parameters
    ----------
    study, arm
        What the study and the arm are called.
    n
        Number of participants in the arm, 2 or more: one participant has no SD.
    mean, sd
        In the units of the outcome; `sd` is the SD of the participants, never a standard error.
    u_mean, u_sd
        Standard uncertainty of reading `mean` and `sd` off a figure, in the units of the outcome.
    se_mean, se_sd
        Sampling standard errors of `mean` and `sd` where they are not sd / sqrt(n) and sd / sqrt(2 (n - 1)), as for those estimated
        from quantiles.
    how
        "reported" for printed numbers, "estimated" for numbers read off a figure or computed from other statistics.
    method, error_bars, source
        The conversion that gave mean and SD, what the error bars were said to be, and the file, panel and page (or table) it came from.
    outcome, timepoint
        Empty where the study has one only.
    flags
        Doubts about the numbers, one word each.
    extra
        Further columns of the table that the arm came from, as (column, text) pairs, kept for writing it back.

    Raises
    ------
    ValueError
        If n is not an integer of 2 or more, if sd or an uncertainty is negative, if a number is infinite, or if `how` is unknown.
    """

    study: str
    arm: str
    n: int
    mean: float
    sd: float
    u_mean: float = NAN
    u_sd: float = NAN
    se_mean: float = NAN
    se_sd: float = NAN
    how: How = "reported"
    method: str = ""
    error_bars: str = ""
    source: str = ""
    outcome: str = ""
    timepoint: str = ""
    flags: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Check the values; n becomes an int and the numbers floats, whatever numeric type they came as."""
        label = f"{self.study or '(no study)'}, {self.arm or '(no arm)'}"
        for name in ("study", "arm"):
            if not getattr(self, name).strip():
                message = f"expected a name for the {name}, found none ({label})"
                raise ValueError(message)
        object.__setattr__(self, "n", checked_n(self.n, label))
        for name in _NUMBERS:
            value = float(getattr(self, name))
            if math.isinf(value) or (name != "mean" and value < 0):
                message = f"expected {name} {'finite' if name == 'mean' else 'finite and 0 or more'}, found {value:g} ({label})"
                raise ValueError(message)
            object.__setattr__(self, name, value)
        if self.how not in get_args(How):
            message = f"expected how to be reported or estimated, found {self.how!r} ({label})"
            raise ValueError(message)


def checked_n(n: SupportsIndex, label: str = "") -> int:
    """The sample size as an int, if it is an integer of 2 or more.

    Raises
    ------
    ValueError
        If it is not; the message holds the value and the label.
    """
    where = f" ({label})" if label else ""
    try:
        count = operator.index(n)
    except TypeError:
        message = f"expected an integer n of 2 or more, found {n!r}{where}"
        raise ValueError(message) from None
    if isinstance(n, bool) or count < 2:
        message = f"expected an integer n of 2 or more for an SD, found {n}{where}"
        raise ValueError(message)
    return count


def to_frame(arms: Iterable[ArmSummary]) -> pd.DataFrame:
    """The arms, one a row, columns as in arms.csv; flags joined by a space, extra columns last and empty where an arm has none."""
    import pandas as pd

    rows = [_row(arm) for arm in arms]
    columns = list(dict.fromkeys([f.name for f in fields(ArmSummary) if f.name != "extra"] + [name for row in rows for name in row]))
    frame = pd.DataFrame(rows, columns=columns)
    texts = [name for name in columns if name not in (*_NUMBERS, "n")]
    frame[texts] = frame[texts].fillna("")
    return frame


def _row(arm: ArmSummary) -> dict[str, object]:
    row: dict[str, object] = {f.name: getattr(arm, f.name) for f in fields(ArmSummary) if f.name != "extra"}
    row["flags"] = " ".join(arm.flags)
    return row | dict(arm.extra)


def write_arms(arms: Iterable[ArmSummary], path: str | Path) -> None:
    """Write arms.csv (UTF-8): numbers with all their digits, an empty cell for NaN, columns that hold nothing left out."""
    frame = to_frame(arms)
    blank = [name for name in frame if name not in REQUIRED_COLUMNS and bool((frame[name].isna() | (frame[name] == "")).all())]
    frame.drop(columns=blank).to_csv(path, index=False, lineterminator="\n")


def read_arms(path: str | Path) -> tuple[ArmSummary, ...]:
    """The arms of an arms.csv, in its order.

    Columns study, arm, n, mean, sd are needed; the other fields of `ArmSummary` are read where present; any further column is kept as
    text in `extra`. An empty cell (or NA) is NaN for a number.

    Raises
    ------
    ValueError
        If a column is missing or a cell is wrong; the message names the file, the row and the value.
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, restkey="(beyond the header)", restval="")
        header = tuple(reader.fieldnames or ())
        missing = [name for name in REQUIRED_COLUMNS if name not in header]
        if missing:
            message = f"{path}: expected columns {', '.join(REQUIRED_COLUMNS)}; missing {', '.join(missing)}, found {', '.join(header)}"
            raise ValueError(message)
        return tuple(_arm(cells, f"{path}, line {reader.line_num}") for cells in reader)


def _arm(cells: dict[str, str], where: str) -> ArmSummary:
    if "(beyond the header)" in cells:
        message = f"{where}: more cells than the header has columns"
        raise ValueError(message)
    known = {f.name for f in fields(ArmSummary)}
    size = _number(cells["n"], "n", where)
    values: dict[str, Any] = {"study": "", "arm": "", "flags": tuple(cells.get("flags", "").split())}
    values |= {name: cells[name] for name in _TEXTS if cells.get(name)}
    values |= {name: _number(cells[name], name, where) for name in _NUMBERS if name in cells}
    values["n"] = int(size) if size.is_integer() else size
    values["extra"] = tuple((name, text) for name, text in cells.items() if name not in known)
    try:
        return ArmSummary(**values)
    except ValueError as error:
        message = f"{where}: {error}"
        raise ValueError(message) from None


def _number(text: str, name: str, where: str) -> float:
    if text.strip().lower() in ("", "na", "nan"):
        return NAN
    try:
        return float(text)
    except ValueError:
        message = f"{where}: expected a number for {name}, found {text!r}"
        raise ValueError(message) from None
