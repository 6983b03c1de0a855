"""Dates and times printed at ticks, as numbers: every way in which a row of labels can be read as going on in time.

With a year a date counts in days since 1970-01-01, without one in days since 1 January as in a year without a leap day (where the labels go
on past February, also as in one with), and a time of day in hours since midnight. Which way is right, the places of the ticks must tell
(`worded`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise

EPOCH = date(1970, 1, 1)
SINCE_EPOCH = "days since 1970-01-01"
SINCE_NEW_YEAR = "days since 1 January"
SINCE_MIDNIGHT = "hours since midnight"
UNTOLD_YEARS = (2001, 2004, 2003)
"""Years that stand for one that is not printed: followed by no leap day, with one of its own, and before one that has."""

Valuer = Callable[[dict[str, str], int], float | None]
"""The value of the parts of a label, given how often the year or the day has turned; None where there is no such date or time."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_B = (
    r"(?P<b>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)"
)
_Y, _M, _D, _DASH, _GAP = r"(?P<Y>\d{4})", r"(?P<m>\d{1,2})", r"(?P<d>\d{1,2})", r"[-/.]", r"[\s\-/.,]*"
_YEAR = r"(?:(?P<Y>\d{4})|'?(?P<y>\d{2}))"
_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}))?"
_FORMS: dict[str, re.Pattern[str]] = {
    name: re.compile(form)
    for name, form in {
        "year, month, day": rf"{_Y}{_DASH}{_M}{_DASH}{_D}(?:[\st]{_CLOCK})?",
        "year, month": rf"{_Y}{_DASH}{_M}",
        "month, year": rf"{_M}{_DASH}{_Y}",
        "month, short year": rf"{_M}/'?(?P<y>\d{{2}})",
        "day, month, year": rf"{_D}{_DASH}{_M}{_DASH}{_YEAR}",
        "month, day, year": rf"{_M}{_DASH}{_D}{_DASH}{_YEAR}",
        "day, month": rf"{_D}/{_M}",
        "month, day": rf"{_M}/{_D}",
        "month, day, hour": rf"{_M}-{_D}\s(?P<H>\d{{2}})(?::(?P<M>\d{{2}}))?",
        "name, year": rf"{_B}{_GAP}{_YEAR}",
        "year, name": rf"{_Y}{_GAP}{_B}",
        "name, day": rf"{_B}{_GAP}{_D}",
        "day, name": rf"{_D}{_GAP}{_B}",
        "day, name, year": rf"{_D}{_GAP}{_B}{_GAP}{_YEAR}",
        "name, day, year": rf"{_B}{_GAP}{_D}{_GAP}{_Y}",
        "name": rf"{_B}\.?",
        "year, quarter": rf"{_Y}{_GAP}q(?P<q>[1-4])",
        "quarter, year": rf"q(?P<q>[1-4]){_GAP}{_YEAR}",
        "time": _CLOCK,
        "half-day time": r"(?P<H>\d{1,2})(?::(?P<M>\d{2}))?\s?(?P<half>[ap])\.?m\.?",
    }.items()
}
"""Ways of writing a date or a time, by what stands in them."""


@dataclass(frozen=True)
class Meaning:
    """Values of the labels of a row, in order; None where a label is written another way. `unit` tells what they count."""

    values: tuple[float | None, ...]
    unit: str
    form: str


def is_date(text: str) -> bool:
    """Whether a text is a date or a time by itself."""
    return any(_parts(form, text) is not None for form in _FORMS.values())


def date_meanings(texts: Sequence[str]) -> list[Meaning]:
    """Every way to read a row of labels, from left to right, as dates or times that rise.

    A way counts where three labels or more, and three in four of them, are written so. A year of two digits is one of 1970 to 2069;
    after December comes the January of the next year, after 23:00 the midnight of the next day. `Jan 19` is a day, or a year where all of
    the months have the same number or where it changes as the months begin anew.
    """
    found: list[Meaning] = []
    for name, form in _FORMS.items():
        parts = [_parts(form, text) for text in texts]
        known = [p for p in parts if p is not None]
        if len(known) < max(3, 0.75 * len(texts)) or not _is_usual(name, known):
            continue
        for unit, valued in _valuers(known[0]):
            values = _rising(parts, valued)
            if values is not None and not any(m.form == name and _differ_by_one_shift(m.values, values) for m in found):
                found.append(Meaning(values, unit, name))
    return found


def _differ_by_one_shift(values: Sequence[float | None], others: Sequence[float | None]) -> bool:
    return len({a - b for a, b in zip(values, others, strict=True) if a is not None and b is not None}) == 1


def iso_date(days: float) -> str:
    """The date of a number of days since 1970-01-01, to the second: `2019-03-05`, or `2019-03-05T06:00:00` within a day."""
    moment = datetime(1970, 1, 1) + timedelta(seconds=round(days * 86400.0))
    return moment.date().isoformat() if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else moment.isoformat()


def _parts(form: re.Pattern[str], text: str) -> dict[str, str] | None:
    match = form.fullmatch(" ".join(text.lower().replace("\u2019", "'").split()))
    return None if match is None else {key: part for key, part in match.groupdict().items() if part is not None}


def _is_usual(name: str, known: Sequence[dict[str, str]]) -> bool:
    """Whether the number after the name of a month is what a form takes it for: a year or a day."""
    if name not in ("name, year", "name, day") or any("Y" in p for p in known):
        return True
    numbers = [int(p.get("y", p.get("d", "0"))) for p in known]
    months = [_month(p) for p in known]
    turns = [(later != first, month <= before) for (first, later), (before, month) in zip(pairwise(numbers), pairwise(months), strict=True)]
    are_years = len(set(months)) > 1 and all(changes == restarts for changes, restarts in turns) and set(numbers) != {1}
    return are_years == (name == "name, year")


def _valuers(parts: dict[str, str]) -> list[tuple[str, Valuer]]:
    """The ways to value the parts of a label, each with its unit."""
    if not {"b", "m", "q"} & parts.keys():
        return [(SINCE_MIDNIGHT, _hours)]
    if {"Y", "y"} & parts.keys():
        return [(SINCE_EPOCH, _since_epoch)]
    return [(SINCE_NEW_YEAR, partial(_since_new_year, year)) for year in UNTOLD_YEARS]


def _rising(parts: Sequence[dict[str, str] | None], valued: Valuer) -> tuple[float | None, ...] | None:
    """The values of all labels; None where one is no date, or where they do not rise though the next year may follow."""
    values: list[float | None] = []
    turns, last = 0, -float("inf")
    for part in parts:
        value = None if part is None else valued(part, turns)
        if part is not None and value is not None and value <= last and turns < 3:
            turns += 1
            value = valued(part, turns)
        if part is not None and (value is None or value <= last):
            return None
        last = last if value is None else value
        values.append(value)
    return tuple(values)


def _hours(parts: dict[str, str], turns: int) -> float | None:
    hour, minute, second = (int(parts.get(key, 0)) for key in ("H", "M", "S"))
    if "half" in parts:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (parts["half"] == "p")
    return None if max(minute, second) > 59 else 24.0 * turns + hour + minute / 60.0 + second / 3600.0


def _since_epoch(parts: dict[str, str], turns: int) -> float | None:
    return _days(parts, _year(parts), EPOCH)


def _since_new_year(year: int, parts: dict[str, str], turns: int) -> float | None:
    return _days(parts, year + turns, date(year, 1, 1))


def _days(parts: dict[str, str], year: int, since: date) -> float | None:
    try:
        day = date(year, _month(parts), int(parts.get("d", 1)))
    except ValueError:
        return None
    hours = _hours(parts, 0) if "H" in parts else 0.0
    return None if hours is None else (day - since).days + hours / 24.0


def _month(parts: dict[str, str]) -> int:
    if "b" in parts:
        return 1 + _MONTHS.index(parts["b"][:3])
    return int(parts["m"]) if "m" in parts else 3 * int(parts["q"]) - 2


def _year(parts: dict[str, str]) -> int:
    if "Y" in parts:
        return int(parts["Y"])
    short = int(parts["y"])
    return short + (1900 if short >= 70 else 2000)
