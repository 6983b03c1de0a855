"""The page's own text beside what is read off its rendering: labels that were overlooked, and labels that say something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.ocr import TextBox, read_box
from digitize.vector.paths import Box, TextSpan

NUMBER = re.compile(r"[-−–+]?\s?[\d.,]*\d[\d.,]*\s?%?")
MOST = 200
"""Numbers of a page that are looked for anew: where more are missing the page is a table."""

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
    texts = [_spelled(t, spans) for t in texts]
    numbers = [s for s in spans if abs(s.degrees) < 1 and NUMBER.fullmatch(s.text)]
    missing = [s.box for s in numbers if not any(share_inside(s.box, t.box) > 0.3 for t in texts)]
    if len(missing) > MOST:
        return texts
    found = (read_box(image, _grown(box, image)) for box in missing)
    return [*texts, *(t for t in found if t.number_confidence > 0.5)]


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
