"""What the text of a tick label can mean as a number, and how far its printed digits pin that number down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Form = Literal["integer", "decimal", "thousands", "exponent", "power"]

_DASHES = "−–—\u2010\u2011"
_SAME = str.maketrans(dict.fromkeys(_DASHES, "-") | dict.fromkeys("×X·*", "x") | dict.fromkeys("\u2009\u202f\xa0", " ") | {"E": "e"})
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_INTEGER = re.compile(r"0|[1-9]\d*")
_DECIMAL = re.compile(r"(?P<whole>0|[1-9]\d*|)[.,](?P<fraction>\d+)")
_BARE_POINT = re.compile(r"(?P<whole>0|[1-9]\d*)[.,]")
_GROUPED = re.compile(r"(?P<whole>[1-9]\d{0,2}(?P<mark>[., ])\d{3}(?:(?P=mark)\d{3})*)(?:(?!(?P=mark))[.,](?P<fraction>\d+))?")
_EXPONENT = re.compile(r"(?P<mantissa>\d(?:[.,]\d+)?)e(?P<exponent>[+-]\d{1,3}|0|[1-9]\d{0,2})")
_POWER = re.compile(r"(?:(?P<mantissa>\d+(?:[.,]\d+)?)x)?10(?P<caret>\^?)(?P<exponent>[+-]?\d{1,2})")

_BARE_DIGITS = re.compile(r"\d+")

_SECOND_MEANING = 0.45
_UNRAISED_POWER = 0.4
_RAISED_AS_PLAIN = 0.4
_LOST_POINT = 0.05


@dataclass(frozen=True)
class Reading:
    """One meaning of a tick label.

    Attributes
    ----------
    value : float
        The number as printed; a percentage stays in per cent.
    half : float
        Half a unit of the last printed digit: the number behind the label lies in `value` +- `half`. 0 for a power of ten.
    form : str
        How it is written: integer, decimal, thousands, exponent or power.
    cost : float
        How unusual this meaning is, from 0 (the plain one) to 1.
    is_percent : bool
        Whether a per-cent sign follows.
    """

    value: float
    half: float
    form: Form
    cost: float = 0.0
    is_percent: bool = False


def parse_number(text: str, *, raised: bool = False) -> tuple[Reading, ...]:
    """Return the meanings of a label, the plain one first; empty where the text is no number.

    Understood are signs (hyphen, U+2212, dashes), decimal point or comma, thousands groups, a per-cent sign, e-notation (`1e-3`) and powers
    of ten (`10^3`, `10-3`, `2x10^5`, `10³`). `1,000` means 1000 or, less likely, 1. `102` is 102 or, where its end is raised
    (`raised=True`), 10 to the power of 2. What only a slip of recognition writes is refused: an integer with a leading zero (`05`) or
    a mantissa of two digits (`35e-03`) lost its decimal point, an exponent with a leading zero and no sign (`1e02`) lost its minus. So is
    any text with more than a number in it.
    """
    body, sign, is_percent = _stripped(text)
    if not body:
        return ()
    power = _power(body, raised)
    shadowed = _RAISED_AS_PLAIN if raised and power else 0.0
    found = [(r, r.cost + shadowed) for r in _plain(body) + _grouped(body) + _exponent(body)] + [(r, r.cost) for r in power]
    readings = [Reading(sign * r.value if r.value else 0.0, r.half, r.form, cost, is_percent) for r, cost in found]
    return tuple(sorted(readings, key=lambda reading: reading.cost))


def decimals_behind_gap(text: str) -> int:
    """Return how many digits stand where a decimal point was lost: behind a leading zero (`08`) or a gap (`-0 25`, `1 5`); else 0."""
    body = _stripped(text)[0]
    match = re.fullmatch(r"0 ?(\d+)|\d+ (\d{1,2})", body)
    return len(match[1] or match[2]) if match else 0


def with_lost_point(text: str, decimals: int) -> Reading | None:
    """Return a label of bare digits as the number it was before it lost the point that stood before its last `decimals` digits.

    None where it has too few digits, or anything but digits, a sign and a per-cent sign.
    """
    body, sign, is_percent = _stripped(text)
    digits = body.replace(" ", "")
    if not _BARE_DIGITS.fullmatch(digits) or len(digits) <= decimals:
        return None
    value = int(digits) / 10.0**decimals
    return Reading(sign * value if value else 0.0, 0.5 * 10.0**-decimals, "decimal", _LOST_POINT, is_percent)


def _stripped(text: str) -> tuple[str, float, bool]:
    raised_tail = re.sub(r"(?<=10)([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)$", lambda match: "^" + match[1].translate(_RAISED), text.strip())
    body = raised_tail.translate(_SAME)
    is_percent = body.endswith("%")
    body = body.removesuffix("%").strip()
    sign = -1.0 if body.startswith("-") else 1.0
    body = re.sub(r"\s*([xe^])\s*", r"\1", body[1:].lstrip() if body[:1] in ("-", "+") else body)
    return body, sign, is_percent


def _plain(body: str) -> list[Reading]:
    if _INTEGER.fullmatch(body):
        return [Reading(float(body), 0.5, "integer")]
    if match := _DECIMAL.fullmatch(body):
        cost = _SECOND_MEANING if "," in body and _GROUPED.fullmatch(body) else 0.0
        return [Reading(float(f"{match['whole']}.{match['fraction']}"), 0.5 * 10.0 ** -len(match["fraction"]), "decimal", cost)]
    if match := _BARE_POINT.fullmatch(body):
        return [Reading(float(match["whole"]), 0.5, "integer", _SECOND_MEANING)]
    return []


def _grouped(body: str) -> list[Reading]:
    match = _GROUPED.fullmatch(body)
    if not match:
        return []
    fraction = match["fraction"] or ""
    digits = match["whole"].replace(match["mark"], "")
    is_plain_decimal = body.count(".") == 1 and "," not in body and " " not in body
    cost = _SECOND_MEANING if is_plain_decimal else 0.0
    return [Reading(float(f"{digits}.{fraction}"), 0.5 * 10.0 ** -len(fraction), "thousands", cost)]


def _exponent(body: str) -> list[Reading]:
    match = _EXPONENT.fullmatch(body)
    return [_scaled(match["mantissa"], int(match["exponent"]), "exponent")] if match else []


def _power(body: str, raised: bool) -> list[Reading]:
    match = _POWER.fullmatch(body)
    if not match:
        return []
    is_written = bool(match["caret"]) or match["exponent"][0] in "+-" or match["mantissa"] is not None
    cost = 0.0 if is_written or raised else _UNRAISED_POWER
    if match["mantissa"] is None:
        return [Reading(float(f"1e{int(match['exponent'])}"), 0.0, "power", cost)]
    scaled = _scaled(match["mantissa"], int(match["exponent"]), "power")
    return [Reading(scaled.value, scaled.half, "power", cost)]


def _scaled(mantissa: str, exponent: int, form: Form) -> Reading:
    number = mantissa.replace(",", ".")
    decimals = len(number.partition(".")[2])
    return Reading(float(f"{number}e{exponent}"), 0.5 * 10.0 ** (exponent - decimals), form)
