"""What is printed beside the rows of a forest plot: an effect with its interval, and numbers under headings."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"[-−–+]?\s?(?:\d+(?:[.,·]\d+)?|[.·]\d+)"
EFFECT = re.compile(rf"({_NUMBER})\s*[\[({{|]\s*({_NUMBER})\s*(?:[,;:]|to|[-−–]{{1,2}})\s*({_NUMBER})\s*[\])}}|1]?")
NUMBER = re.compile(_NUMBER + "%?")
PAIR = re.compile(rf"{_NUMBER}\s*/\s*{_NUMBER}|{_NUMBER}\s*(?:\(\s*{_NUMBER}\s*\)|±\s*{_NUMBER})")
HETEROGENEITY = re.compile(r"\s*[\[(]\s*[Il1|]\s*[-–−]?\s*(?:squared|sq|²|2|\^2).*", re.IGNORECASE)
SUBTOTAL = re.compile(r"sub\s*-?\s*total|sub\s*-?\s*group|subset", re.IGNORECASE)
TOTAL = re.compile(
    r"\b(total|overall|pooled|summary|combined|(random|fixed|common|mixed)[\s-]*effects?|(re|fe|ce)\s+model|meta-?\s?analysis)\b",
    re.IGNORECASE,
)
HEADS: dict[str, re.Pattern[str]] = {
    "weight": re.compile(r"w(eigh|ei|gt|t\b)|^%$|\bwt", re.IGNORECASE),
    "events": re.compile(r"event|cases|^n/N|deaths", re.IGNORECASE),
    "total": re.compile(r"total|sample|patients|participants|\bN\b|^n$|\bsize\b", re.IGNORECASE),
    "sd": re.compile(r"\bs\.?d\.?\b|standard dev|std\.? ?dev", re.IGNORECASE),
    "se": re.compile(r"\bs\.?e\.?(m)?\b|standard err", re.IGNORECASE),
    "mean": re.compile(r"mean", re.IGNORECASE),
}
"""Headings of the columns of numbers that are known by name."""

MEASURES: dict[str, re.Pattern[str]] = {
    "SMD": re.compile(r"\bSMD\b|std\.? ?mean|standardi[sz]ed", re.IGNORECASE),
    "MD": re.compile(r"\bW?MD\b|mean diff|difference in means", re.IGNORECASE),
    "RD": re.compile(r"\bRD\b|risk diff", re.IGNORECASE),
    "OR": re.compile(r"\bOR\b|odds", re.IGNORECASE),
    "RR": re.compile(r"\bRR\b|(risk|rate|relative)[ -]*(ratio|risk)", re.IGNORECASE),
    "HR": re.compile(r"\bHR\b|hazard", re.IGNORECASE),
}
"""What the effect is, as headings and axis titles say it."""


@dataclass(frozen=True)
class PrintedEffect:
    """An effect and its interval as printed: their values, and the text."""

    effect: float
    ci_lb: float
    ci_ub: float
    text: str

    @property
    def unit(self) -> float:
        """One of the last printed digit."""
        return 10.0 ** -max(decimals(part) for part in NUMBER.findall(self.text)[:3])

    @property
    def is_ordered(self) -> bool:
        """Whether the effect lies within its interval."""
        return self.ci_lb <= self.effect <= self.ci_ub


def find_effect(text: str) -> PrintedEffect | None:
    """The first effect with an interval in a text; None where there is none."""
    match = EFFECT.search(text)
    if match is None:
        return None
    effect, lo, hi = (number(part) for part in match.groups())
    return PrintedEffect(effect, lo, hi, match[0].strip())


def number(text: str) -> float:
    """The value of a printed number: a dash of any width is its sign, comma and middle dot are decimal points."""
    return float(re.sub(r"[−–]", "-", text.strip().rstrip("%").replace(" ", "")).replace(",", ".").replace("·", "."))


def decimals(text: str) -> int:
    """Digits after the decimal point."""
    return len(re.split(r"[.,·]", text.strip().rstrip("%"))[1]) if re.search(r"[.,·]", text) else 0


def head_of(text: str) -> str | None:
    """The name of a column by its heading; None where it is not known."""
    return next((name for name, pattern in HEADS.items() if pattern.search(text)), None)


def measure_of(text: str) -> str | None:
    """The effect measure that a heading or an axis title names; None where it names none."""
    return next((name for name, pattern in MEASURES.items() if pattern.search(text)), None)
