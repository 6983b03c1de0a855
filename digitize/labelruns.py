"""Labels of ticks so close to one another that they read as one number: 100150200250."""

from __future__ import annotations

import re
from decimal import Decimal

RUN_OF_DIGITS = 8  # that no label of a tick has
FIRST = re.compile(r"(0|[1-9]\d{0,4})(\.\d{1,3})?")
FEWEST = 3  # numbers whose even steps are no chance


def run_of_numbers(text: str) -> list[str]:
    """The numbers in even steps that a row of digits is made of, as ticks have them; empty where it is none or could be two such rows.

    Parameters
    ----------
    text : str
        Digits and decimal points, nothing else: `8090100110`.

    Returns
    -------
    list of str
        `["80", "90", "100", "110"]`.
    """
    found: list[list[str]] = []
    for first in _heads(text):
        for second in _heads(text[len(first) :]):
            numbers = _continued(text, first, second)
            if len(numbers) >= FEWEST and numbers not in found:
                found.append(numbers)
    return found[0] if len(found) == 1 else []


def _heads(text: str) -> list[str]:
    """The numbers that a text can begin with."""
    heads = (text[:end] for end in range(1, min(len(text), 9) + 1))
    return [head for head in heads if FIRST.fullmatch(head)]


def _continued(text: str, first: str, second: str) -> list[str]:
    """The text as numbers that go on in the step of the first two, all written as those are; empty where it does not go on so."""
    following, step = Decimal(first), Decimal(second) - Decimal(first)
    numbers: list[str] = []
    rest = text if step else ""
    while rest:
        number = f"{following:f}"
        if following < 0 or not rest.startswith(number):
            return []
        numbers.append(number)
        rest = rest[len(number) :]
        following += step
    return numbers
