"""What a caption says about error bars and group sizes: found and quoted for a person to judge, never applied."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Said", "said_in"]

PLUS_MINUS = r"(?:[Mm]eans?\s*)?(?:±|\+/[-−–])\s*(?:\d(?:\.\d+)?\s?[×x*]?\s?)?"
PATTERNS: tuple[tuple[str, str], ...] = (
    (rf"{PLUS_MINUS}(?:S\.E\.M\.|s\.e\.m\.|S\.E\.|s\.e\.|SEMs?|sem|SEs?)(?![A-Za-z])", "se"),
    (r"[Ss]tandard [Ee]rrors?(?: of (?:the )?means?)?|\bSEMs?\b|\bs\.e\.m\.|\bS\.E\.M\.|\bs\.e\.|\bS\.E\.|\bSEs?\b", "se"),
    (rf"{PLUS_MINUS}(?:SDs?|S\.D\.|s\.d\.|sd)(?![A-Za-z])", "sd"),
    (r"[Ss]tandard [Dd]eviations?|\bSDs?\b|\bs\.d\.|\bS\.D\.", "sd"),
    (r"\d\d(?:\.\d+)?\s?(?:%|per ?cent)[\s-]*(?:CIs?\b|C\.I\.|[Cc]onfidence (?:[Ii]nterval|[Ll]imit|[Bb]and)s?)", "ci"),
    (r"[Ii]nter-?quartile [Rr]anges?|\bIQRs?\b|"
     r"(?:25th|lower quartile)(?:,| and| to|[-–])+ ?(?:the )?(?:75th|upper quartile)\w*(?: percentiles?)?", "iqr"),
    (r"[Mm]in(?:imum|ima|\.)?\s*(?:and|to|[-–])\s*max(?:imum|ima|\.)?(?: values?)?|\(ranges?\)|"
     r"(?:[Ee]rror bars?|[Ww]hiskers?|[Vv]ertical (?:bars?|lines?))[^.;]{0,40}?\branges?\b", "range"),
    (r"\b[nN]\s?=\s?\d+(?:\s?(?:[-–]|to|,|and|or)\s?\d+)*(?:\s(?:per|in each|for each|each)\s\w+|\s\w+ per \w+)?", "n"),
    (r"\b\d+ (?:patients|participants|subjects|animals|mice|rats|volunteers|women|men|children) (?:per|in each|in every) \w+", "n"),
)  # fmt: skip
"""What to look for, and what it tells: the kinds of `readoff extract --error-bars` (a confidence interval without its level), or n."""

SENTENCE_END = re.compile(r"(?<=[.;])\s+(?=[A-Z(])")


@dataclass(frozen=True)
class Said:
    """A place in a caption: what it tells (`sd`, `se`, `ci95`, `iqr`, `range`, `n`), its own words, and the sentence around them."""

    means: str
    quote: str
    sentence: str


def said_in(caption: str) -> tuple[Said, ...]:
    """What a caption says about error bars and group sizes, in its own order; the same words are told once."""
    found: list[tuple[int, int, Said]] = []
    for pattern, means in PATTERNS:
        for match in re.finditer(pattern, caption):
            if any(start < match.end() and match.start() < end for start, end, _ in found):
                continue
            quote = match[0]
            level = re.match(r"\d\d(?:\.\d+)?", quote) if means == "ci" else None
            said = Said(means + (level[0] if level else ""), quote, _sentence_at(caption, match.start()))
            found.append((match.start(), match.end(), said))
    unique = {(s.means, s.quote): s for _, _, s in sorted(found, key=lambda f: f[:2], reverse=True)}
    return tuple(reversed(unique.values()))


def _sentence_at(text: str, at: int) -> str:
    start = max((m.end() for m in SENTENCE_END.finditer(text) if m.end() <= at), default=0)
    end = min((m.start() for m in SENTENCE_END.finditer(text) if m.start() >= at), default=len(text))
    return text[start:end].strip()
