"""Text measured before it is drawn."""

from __future__ import annotations

import textwrap

NO_BREAK = "\u00a0"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a line in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    if not text:
        return 0.0
    font = FontProperties(weight="bold" if bold else "normal", size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def wrapped(text: str, room_pt: float, size: float) -> list[str]:
    """The text in lines that fit the room; an equals sign stays with its number."""
    width = text_width(text, size)
    bound = text.replace(" = ", f"{NO_BREAK}={NO_BREAK}")
    lines = [bound] if width <= room_pt else textwrap.wrap(bound, max(16, int(0.95 * len(text) * room_pt / width)))
    return [line.replace(NO_BREAK, " ") for line in lines]
