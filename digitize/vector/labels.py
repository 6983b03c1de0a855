"""The page's own text beside what is read off its rendering: labels that were overlooked, and labels that say something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.ocr import TextBox, read_box
from digitize.vector.paths import Box, TextSpan

NUMBER = re.compile(r"[-−–+]?\s?[\d.,]*\d[\d.,]*\s?%?")
PAIR = re.compile(r"\d+\s?[-–]\s?\d+")
"""Two numbers that are a name; a minus sign stands right before its number and after none."""

MOST = 200
"""Numbers of a page that are looked for anew: where more are missing the page is a table."""

WITHIN = 0.95
"""Share of what was read that lies within a number of the page, where that is all of it: a power of ten reaches beyond its base."""

APART = 0.5
"""Digit heights between two texts of a page from which on they are no words of one."""

LIKENESS = 0.7
"""From which share of common letters two spellings are of one text."""

DIFFERS = "text_layer_differs"


def with_page_text(image: NDArray[np.uint8], texts: Sequence[TextBox], spans: Sequence[TextSpan]) -> list[TextBox]:
    """The texts read, words spelled as the page's own text does where it agrees, and the numbers that it has where nothing was read.

    Numbers are always read off the rendering: the page's own text can lack a sign that is drawn as a path.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
    texts : sequence of TextBox
        As read.
    spans : sequence of TextSpan
        The page's own text.
    """
    texts = _with_names([_spelled(t, spans) for whole in texts for t in _parted(whole, spans)], spans)
    numbers = [s for s in spans if min(abs(s.degrees), abs(s.degrees - 90)) < 1 and NUMBER.fullmatch(s.text)]
    doubtful = {id(s): own for s in numbers if (own := _differing(s, texts)) is not None}
    if len(doubtful) > MOST:
        return texts
    for span in (s for s in numbers if id(s) in doubtful):
        again, own = read_box(image, _grown(span.box, image), 0 if abs(span.degrees) < 1 else 90), doubtful[id(span)]
        if again.number_confidence > 0.5 and (not own or _digits(again.number) == _digits(span.text)):
            texts = [*(t for t in texts if not any(t is o for o in own)), again]
    return texts


def _differing(span: TextSpan, texts: Sequence[TextBox]) -> list[TextBox] | None:
    """What was read in the place of a number of the page, where that is nothing or another number; None where both agree."""
    own = [t for t in texts if share_inside(span.box, t.box) > 0.3 or share_inside(t.box, span.box) > 0.6]
    if any(_digits(t.number) == _digits(span.text) for t in own) or any(share_inside(t.box, span.box) < WITHIN for t in own):
        return None
    return own


def _with_names(texts: Sequence[TextBox], spans: Sequence[TextSpan]) -> list[TextBox]:
    """The texts, with one in place of two numbers where the page writes them as one name (`10 - 5`)."""
    result = list(texts)
    for span in (s for s in spans if abs(s.degrees) < 1 and PAIR.fullmatch(s.text)):
        own = [t for t in result if t.rotation == 0 and share_inside(t.box, span.box) > 0.8]
        if not own:
            continue
        x0, y0, x1, y1 = (f(t.box[k] for t in own) for k, f in enumerate((min, min, max, max)))
        whole = replace(own[0], box=(x0, y0, x1, y1), text=span.text, confidence=1.0, number="", number_confidence=0.0)
        result = [t for t in result if t not in own] + [whole]
    return result


def _parted(text: TextBox, spans: Sequence[TextSpan]) -> list[TextBox]:
    """The text as the several that the page writes with wide gaps between them; itself where it is one."""
    own = sorted((s for s in spans if abs(s.degrees) < 1 and share_inside(s.box, text.box) > 0.6), key=lambda s: s.box[0])
    gaps = [b.box[0] - a.box[2] for a, b in pairwise(own)]
    if text.rotation or not gaps or max(gaps) < APART * text.height or likeness(" ".join(s.text for s in own), text.text) < LIKENESS:
        return [text]
    cuts = [0, *(k + 1 for k, gap in enumerate(gaps) if gap >= APART * text.height), len(own)]
    parts = [own[a:b] for a, b in pairwise(cuts)]
    return [replace(text, box=(p[0].box[0], text.box[1], p[-1].box[2], text.box[3]), text=" ".join(s.text for s in p)) for p in parts]


def _spelled(text: TextBox, spans: Sequence[TextSpan]) -> TextBox:
    own = [s for s in spans if share_inside(s.box, text.box) > 0.6 and (abs(s.degrees - 90) < 1 if text.rotation else abs(s.degrees) < 1)]
    said = " ".join(s.text for s in sorted(own, key=lambda s: -s.box[3] if text.rotation else s.box[0]))
    has_letters = any(c.isalpha() for c in said)
    return replace(text, text=said) if has_letters and likeness(said, text.text) >= LIKENESS else text


def likeness(a: str, b: str) -> float:
    """Share of common letters, 0 to 1, of two spellings; letters and digits that look the same count as the same."""
    return SequenceMatcher(None, _folded(a), _folded(b)).ratio()


def _folded(text: str) -> str:
    return "".join(text.lower().split()).translate(str.maketrans("oil|−–", "0111--"))


def _grown(box: Box, image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    h, w = image.shape[:2]
    return max(0, int(box[0]) - 1), max(0, int(box[1]) - 1), min(w - 1, int(box[2]) + 2), min(h - 1, int(box[3]) + 2)


def checked(axis: Axis, spans: Sequence[TextSpan]) -> Axis:
    """The axis, flagged where the page's own text differs from a label read off the rendering and used: the rendering is believed."""
    used = {t.label for t in axis.calibration.ticks if t.used}
    differing = [f"{b.number} (the page's text: {said})" for b in axis.boxes if b.number in used and (said := _said_otherwise(b, spans))]
    if not differing:
        return axis
    reason = "; ".join(filter(None, (axis.reading.reason, f"read off the rendering: {', '.join(differing)}")))
    return replace(axis, reading=replace(axis.reading, flags=(*axis.reading.flags, DIFFERS), reason=reason))


def _said_otherwise(label: TextBox, spans: Sequence[TextSpan]) -> str:
    """What the page's own text says in the place of a label, where that is another number; empty where it agrees or says nothing."""
    own = [s for s in spans if share_inside(s.box, label.box) > 0.6]
    said = " ".join(s.text for s in sorted(own, key=lambda s: -s.box[1] if label.rotation else s.box[0]))
    return said if said and _digits(said) != _digits(label.number) else ""


def _digits(text: str) -> str:
    """A number's sign, digits and point, the way that both texts have them."""
    return re.sub(r"[^-\d.eE]", "", re.sub(r"[−–\u2010\u2011]", "-", text))


def share_inside(inner: Box, outer: Sequence[float]) -> float:
    """Share of one box that lies within 3 px of another."""
    w = min(inner[2], outer[2] + 3) - max(inner[0], outer[0] - 3)
    h = min(inner[3], outer[3] + 3) - max(inner[1], outer[1] - 3)
    return w * h / max(1e-6, (inner[2] - inner[0]) * (inner[3] - inner[1])) if w > 0 and h > 0 else 0.0
