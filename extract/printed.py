"""Typed tables: whatever a paper prints of each arm, a row an arm, to mean, SD and n."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from extract import conversions as convert
from extract.closedforms import Expected
from extract.fromquantiles import arm_from_quantiles
from extract.quantiles import NAMES
from extract.summary import NAN, ArmSummary

# What the columns of a typed table are, for the documentation and for the error that lists them.
COLUMNS: Mapping[str, str] = {
    "study": "the study (needed)",
    "arm": "the arm (needed)",
    "n": "participants (needed)",
    "outcome": "where the study has several",
    "timepoint": "where the study has several",
    "source": "where it is printed, as Table 2",
    "mean": "mean",
    "sd": "standard deviation",
    "se": "standard error of the mean",
    "ci_lb": "lower limit of the confidence interval of the mean",
    "ci_ub": "upper limit",
    "level": "level of all intervals in the row, in per cent; 95 without it",
    "median": "median",
    "minimum": "smallest value",
    "q1": "lower quartile",
    "q3": "upper quartile",
    "maximum": "largest value",
    "iqr": "interquartile range printed as one number",
    "median_lb": "lower limit of the confidence interval of the median",
    "median_ub": "upper limit",
    "geometric_mean": "geometric mean",
    "geometric_lb": "lower limit of its confidence interval",
    "geometric_ub": "upper limit",
    "baseline_mean": "mean before, where the row is to be the change from it",
    "baseline_sd": "SD before",
    "r": "correlation of before and after",
    "md": "difference of the two arms of the study, printed on either row",
    "md_se": "its standard error",
    "md_lb": "lower limit of its confidence interval",
    "md_ub": "upper limit",
    "md_t": "its t",
    "md_f": "its F",
    "md_p": "its two-sided p, of a t test",
}
_TEXTS = ("study", "arm", "outcome", "timepoint", "source")


@dataclass(frozen=True)
class Printed:
    """One row of a typed table: the arm, and the numbers printed of it by column name, also as text with their digits."""

    arm: ArmSummary
    numbers: Mapping[str, float]
    texts: Mapping[str, str]

    def number(self, name: str) -> float | None:
        """One number, or None where it is not there."""
        value = self.numbers.get(name, NAN)
        return None if math.isnan(value) else value

    def pair(self, first: str, second: str) -> tuple[float, float] | None:
        """Two numbers, or None unless both are there."""
        one, other = self.number(first), self.number(second)
        return None if one is None or other is None else (one, other)


def read_printed(path: str | Path) -> tuple[Printed, ...]:
    """The rows of a typed table (CSV); its columns are those of `COLUMNS`, further ones are kept as text.

    Raises
    ------
    ValueError
        If study, arm or n is missing, or a cell is no number; the message names the file, the line and the value.
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, restval="")
        header = tuple(reader.fieldnames or ())
        missing = [name for name in ("study", "arm", "n") if name not in header]
        if missing:
            message = f"{path}: expected columns study, arm, n and some of {', '.join(COLUMNS)}; missing {', '.join(missing)}"
            raise ValueError(message)
        return tuple(_row({name or "": text or "" for name, text in cells.items()}, f"{path}, line {reader.line_num}") for cells in reader)


def _row(cells: Mapping[str, str], where: str) -> Printed:
    numbers = {name: _number(cells[name], name, where) for name in COLUMNS if name in cells and name not in _TEXTS}
    size = numbers.pop("n")
    extra = tuple((name, text) for name, text in cells.items() if name not in COLUMNS)
    texts = {name: cells.get(name, "").strip() for name in _TEXTS}
    try:
        arm = ArmSummary(**texts, n=int(size) if size.is_integer() else size, mean=NAN, sd=NAN, extra=extra)  # type: ignore[arg-type]
    except ValueError as error:
        message = f"{where}: {error}"
        raise ValueError(message) from None
    return Printed(arm, numbers, {name: cells[name].strip() for name in numbers})


def _number(text: str, name: str, where: str) -> float:
    if text.strip().lower() in ("", "na", "nan"):
        return NAN
    try:
        return float(text)
    except ValueError:
        message = f"{where}: expected a number for {name}, found {text!r}"
        raise ValueError(message) from None


def arms_from_printed(
    rows: Sequence[Printed], *, method: str = "wan2014", xi: Expected = "blom", by: convert.Critical = "t"
) -> tuple[ArmSummary, ...]:
    """Mean, SD and n of each row, by the first of these that it has.

    The SD; the standard error; the interval of the mean; the logarithms of a geometric mean's interval; quartiles or range with the
    median (`method`); the interquartile range as one number; the interval of the median; the difference of the study's two arms. With
    `baseline_sd` and `r` the row becomes the change from baseline.

    Parameters
    ----------
    rows
        Of `read_printed`.
    method, xi
        How mean and SD are estimated from quantiles; see `estimate`.
    by
        Whether intervals of means are taken to be of Student's t or normal.

    Returns
    -------
    tuple of ArmSummary
        In the order of the rows. A row that holds no way to an SD has NaN and the flag `sd_not_printed`.

    Raises
    ------
    ValueError
        If a number cannot be what its column says; the message names study and arm.
    """
    return tuple(_arm(row, rows, method, xi, by) for row in rows)


def _arm(row: Printed, rows: Sequence[Printed], method: str, xi: Expected, by: convert.Critical) -> ArmSummary:
    try:
        for way in _WAYS:
            found = way(row, by)
            if found is not None:
                return _as_change(row, found)
        values = {name: row.numbers[name] for name in NAMES if row.number(name) is not None}
        if "median" in values and ({"q1", "q3"} <= values.keys() or {"minimum", "maximum"} <= values.keys()):
            return _as_change(row, arm_from_quantiles(row.arm, _pairs(values), method=method, xi=xi))
        found = _by_iqr(row) or _by_median_interval(row) or _by_difference(row, rows, by)
    except ValueError as error:
        message = f"{row.arm.study}, {row.arm.arm}: {error}"
        raise ValueError(message) from error
    if found is not None:
        return _as_change(row, found)
    return replace(row.arm, mean=row.numbers.get("mean", NAN), flags=("sd_not_printed",))


def _pairs(values: Mapping[str, float]) -> dict[str, float]:
    """The quantiles without an end that stands alone."""
    pairs = [pair for pair in (("minimum", "maximum"), ("q1", "q3")) if values.keys() >= set(pair)]
    return {name: value for name, value in values.items() if name == "median" or any(name in pair for pair in pairs)}


def _level(row: Printed) -> float:
    level = row.number("level")
    return 0.95 if level is None else level / 100


def _by_sd(row: Printed, by: convert.Critical) -> ArmSummary | None:
    known = row.pair("mean", "sd")
    return None if known is None else replace(row.arm, mean=known[0], sd=known[1])


def _by_se(row: Printed, by: convert.Critical) -> ArmSummary | None:
    known = row.pair("mean", "se")
    return None if known is None else _estimated(row, known[0], convert.sd_from_se(known[1], row.arm.n), "se x sqrt(n)")


def _by_interval(row: Printed, by: convert.Critical) -> ArmSummary | None:
    limits = row.pair("ci_lb", "ci_ub")
    if limits is None:
        return None
    mean = row.number("mean")
    sd = convert.sd_from_ci(*limits, row.arm.n, level=_level(row), by=by)
    return _estimated(row, sum(limits) / 2 if mean is None else mean, sd, f"ci{100 * _level(row):g} ({by})")


def _by_geometric(row: Printed, by: convert.Critical) -> ArmSummary | None:
    mean, limits = row.number("geometric_mean"), row.pair("geometric_lb", "geometric_ub")
    if mean is None or limits is None:
        return None
    logs = convert.log_ratio_from_ci(mean, *limits, level=_level(row))
    sd_log = convert.sd_from_ci(math.log(limits[0]), math.log(limits[1]), row.arm.n, level=_level(row), by=by)
    moments = convert.moments_from_logs(logs.log, sd_log)
    return _estimated(row, moments.mean, moments.sd, f"log-normal, geometric ci{100 * _level(row):g} ({by})")


_WAYS: tuple[Callable[[Printed, convert.Critical], ArmSummary | None], ...] = (_by_sd, _by_se, _by_interval, _by_geometric)


def _by_iqr(row: Printed) -> ArmSummary | None:
    width = row.number("iqr")
    return None if width is None else _around_median(row, convert.sd_from_iqr_width(width, row.arm.n), "iqr / eta(n) (wan2014, Blom)")


def _by_median_interval(row: Printed) -> ArmSummary | None:
    limits = row.pair("median_lb", "median_ub")
    if limits is None:
        return None
    sd = convert.sd_from_median_ci(*limits, row.arm.n, level=_level(row))
    return _around_median(row, sd, f"ci{100 * _level(row):g} of the median")


def _around_median(row: Printed, sd: float, method: str) -> ArmSummary:
    mean = row.number("mean")
    if mean is not None:
        return _estimated(row, mean, sd, method)
    return replace(_estimated(row, row.numbers.get("median", NAN), sd, method), flags=("median_for_mean",))


def _by_difference(row: Printed, rows: Iterable[Printed], by: convert.Critical) -> ArmSummary | None:
    """The SD that the study's two arms share, from what is printed of their difference."""
    same = [other for other in rows if _place(other) == _place(row)]
    if len(same) != 2:
        return None
    n1, n2 = same[0].arm.n, same[1].arm.n
    for printed in same:
        difference = _difference(printed, same)
        se = _se_of_difference(printed, difference, n1, n2, by)
        if se is not None:
            return _estimated(row, row.numbers.get("mean", NAN), convert.sd_from_se_of_difference(se[0], n1, n2), f"difference's {se[1]}")
    return None


def _place(row: Printed) -> tuple[str, str, str]:
    return row.arm.study, row.arm.outcome, row.arm.timepoint


def _difference(printed: Printed, same: Sequence[Printed]) -> float:
    """The difference as printed, or that of the means."""
    means = [row.numbers.get("mean", NAN) for row in same]
    return printed.numbers.get("md", NAN) if printed.number("md") is not None else means[0] - means[1]


def _se_of_difference(printed: Printed, difference: float, n1: int, n2: int, by: convert.Critical) -> tuple[float, str] | None:
    if (se := printed.number("md_se")) is not None:
        return se, "se"
    if (limits := printed.pair("md_lb", "md_ub")) is not None:
        return convert.se_of_difference_from_ci(*limits, n1, n2, level=_level(printed), by=by), f"ci{100 * _level(printed):g} ({by})"
    if math.isnan(difference):
        return None
    if (t := printed.number("md_t")) is not None:
        return convert.se_of_difference_from_t(difference, t), "t"
    if (f := printed.number("md_f")) is not None:
        return convert.se_of_difference_from_f(difference, f), "F"
    if (p := printed.number("md_p")) is not None:
        return convert.se_of_difference_from_p(difference, p, n1, n2), "p"
    return None


def _estimated(row: Printed, mean: float, sd: float, method: str) -> ArmSummary:
    return replace(row.arm, mean=mean, sd=sd, how="estimated", method=method)


def _as_change(row: Printed, arm: ArmSummary) -> ArmSummary:
    """The arm's change from baseline, where the row has a baseline SD and a correlation."""
    mean, spread = row.number("baseline_mean"), row.pair("baseline_sd", "r")
    if mean is None or spread is None:
        return arm
    sd, r = spread
    by = f"change from baseline, r = {r:g}"
    return replace(
        arm,
        mean=arm.mean - mean,
        sd=convert.sd_of_change(sd, arm.sd, r),
        se_mean=NAN,
        se_sd=NAN,
        how="estimated",
        method=f"{arm.method}; {by}" if arm.method else by,
    )
