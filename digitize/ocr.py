"""The text of an image: boxes, and what stands in them, read freely and as a number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration import is_date
from digitize.labelruns import RUN_OF_DIGITS, run_of_numbers
from digitize.recognition import ModelNotFound, Reading, recogniser
from digitize.textboxes import (
    NUMBER_GAP,
    TIGHT_NUMBER_GAP,
    Ink,
    Line,
    end_pieces,
    find_ink,
    find_lines,
    has_inner_point,
    split_after,
    split_at_signs,
    split_at_steps,
    split_line,
    without_part_at_end,
)

__all__ = ["ModelNotFound", "TextBox", "find_text", "read_box"]

Image = NDArray[np.uint8]

PADDING = 0.28
"""Margin around the ink, in digit heights (0.2 em)."""
LEAST_CONFIDENCE, DOUBTED, BETTER = 0.5, 0.5, 0.1
RUN_TOGETHER = re.compile(r"[-+]?0\d+(\.\d*)?|.*\..*\..*|.*\d-.*")
NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)?(\.\d+)?%?")
KEY_COLOUR_STEP = 25.0
NUMERIC_TOKEN = re.compile(r"[-−–+]?[\d.,]*\d[-−\d.,]*%?")


@dataclass(frozen=True)
class TextBox:
    """One piece of text on an image.

    Attributes
    ----------
    box
        Extent of its ink in px: x0, y0 the first, x1, y1 the last pixel.
    rotation
        0 for upright text, 90 for text that reads bottom to top.
    text, confidence
        What it says, and the mean probability of its symbols.
    number, number_confidence
        What it says if it must be a number: digits and ``. , - + % e E x ^``, in ASCII. A word gives nonsense with a low confidence.
    height
        Height of a digit or capital in px.
    raised
        Whether its last parts are smaller and stand higher than its first, as the exponent of a power of ten does.
    """

    box: tuple[float, float, float, float]
    rotation: Literal[0, 90]
    text: str
    confidence: float
    number: str
    number_confidence: float
    height: float
    raised: bool = False


def find_text(image: Image) -> list[TextBox]:
    """Every piece of text that stands free of other ink: tick labels, titles, legend entries, annotations.

    Neighbouring tick labels are separate boxes, the words of a title or a legend entry are one. Text that touches a line or a mark is
    not found; ask `read_box` where a place is known.

    Parameters
    ----------
    image
        (h, w, 3) RGB.

    Returns
    -------
    list of TextBox
        Top to bottom, left to right. Marks of a plot that look like a letter may be among them.

    Raises
    ------
    ValueError
        If the image is not (h, w, 3) uint8.
    ModelNotFound
        If the recognition model is not installed.
    """
    _check(image)
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    ink = find_ink(gray)
    lines = [_without_keys(image, ink, line) for line in find_lines(gray, ink)]
    pairs = _read_again(image, ink, _read_lines(image, ink, lines))
    return [_text_box(line, _doubted(ink, line, reading)) for line, reading in pairs if _says_something(reading)]


def read_box(image: Image, box: Sequence[float], rotation: Literal[0, 90] = 0) -> TextBox:
    """The text in a box of the image, whatever else `find_text` made of the place.

    Parameters
    ----------
    image
        (h, w, 3) RGB.
    box
        x0, y0, x1, y1 in px, the first and last pixel of the ink.
    rotation
        90 where the text reads bottom to top.

    Raises
    ------
    ValueError
        If the box does not lie on the image.
    """
    _check(image)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = (round(v) for v in box)
    if x1 < x0 or y1 < y0 or x0 < 0 or y0 < 0 or x1 >= width or y1 >= height:
        msg = f"expected a box within the image of {width} x {height} px, got {tuple(box)}"
        raise ValueError(msg)
    across = (y1 - y0 + 1) if rotation == 0 else (x1 - x0 + 1)
    crop = _upright(_padded(image, (x0, y0, x1, y1), across), rotation)
    reading = recogniser().read([crop])[0]
    line = Line((), (x0, y0, x1, y1), rotation, float(across), raised=False)
    return _text_box(line, reading)


def _check(image: Image) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        msg = f"expected an image of shape (h, w, 3) and type uint8, got {image.shape} and {image.dtype}"
        raise ValueError(msg)


def _text_box(line: Line, reading: Reading) -> TextBox:
    x0, y0, x1, y1 = line.box
    return TextBox(
        (float(x0), float(y0), float(x1), float(y1)),
        line.rotation,
        reading.text,
        reading.confidence,
        reading.number,
        reading.number_confidence,
        line.height,
        line.raised,
    )


def _read_lines(image: Image, ink: Ink, lines: Sequence[Line]) -> list[tuple[Line, Reading]]:
    """Each line with its reading; where it may read another way, that way if it reads better."""
    turned = [line.alternative for line in lines if line.alternative is not None]
    readings = recogniser().read([_crop(image, ink, line) for line in [*lines, *turned]])
    other = iter(zip(turned, readings[len(lines) :], strict=True))
    pairs = []
    for line, reading in zip(lines, readings, strict=False):
        pair = (line, reading)
        if line.alternative is not None:
            option = next(other)
            pair = option if _certainty(option[1]) > _certainty(reading) + BETTER else pair
        pairs.append(pair)
    return pairs


def _certainty(reading: Reading) -> float:
    return max(reading.confidence, reading.number_confidence)


def _crop(image: Image, ink: Ink, line: Line) -> Image:
    """The line with a margin, upright; ink of anything else that reaches into the margin is painted over."""
    pad = max(1, round(PADDING * line.height))
    x0, y0, x1, y1 = line.box
    height, width = image.shape[:2]
    top, left, bottom, right = max(0, y0 - pad), max(0, x0 - pad), min(height, y1 + pad + 1), min(width, x1 + pad + 1)
    crop = image[top:bottom, left:right].copy()
    middle, step = ink.scale // 2, ink.scale
    labels = ink.labels[middle::step, middle::step][top:bottom, left:right]
    own = np.isin(labels, line.parts)
    foreign = (labels > 0) & ~own
    if foreign.any():
        spread = cv2.dilate(foreign.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~cv2.dilate(
            own.astype(np.uint8), np.ones((3, 3), np.uint8)
        ).astype(bool)
        ground = crop[labels == 0]
        if len(ground):
            crop[spread | foreign] = np.median(ground, axis=0).astype(np.uint8)
    border = ((top - (y0 - pad), y1 + pad + 1 - bottom), (left - (x0 - pad), x1 + pad + 1 - right), (0, 0))
    crop = np.pad(crop, border, mode="edge")
    return _upright(crop, line.rotation)


def _padded(image: Image, box: tuple[int, int, int, int], height: float) -> Image:
    pad = max(1, round(PADDING * height))
    x0, y0, x1, y1 = box
    rows = np.clip(np.arange(y0 - pad, y1 + pad + 1), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(x0 - pad, x1 + pad + 1), 0, image.shape[1] - 1)
    return image[rows[:, None], columns]


def _upright(crop: Image, rotation: int) -> Image:
    return np.ascontiguousarray(np.rot90(crop, -1)) if rotation == 90 else crop


def _says_something(reading: Reading) -> bool:
    """Whether there is a letter, or what may be a number; the rest are marks of the plot."""
    if reading.number and reading.number_confidence >= LEAST_CONFIDENCE:
        return True
    return any(not _is_key_symbol(character) for character in reading.text)


def _doubted(ink: Ink, line: Line, reading: Reading) -> Reading:
    """The reading, its number in doubt where the pixels or its form speak against it.

    It is ill-formed ("012", "0.250.5": labels that run together), lacks a decimal point that the pixels show, or had a dash before it that
    was left out.
    """
    has_point = "." in reading.number or "," in reading.number
    if line.sign_in_doubt or (not has_point and has_inner_point(ink, line)) or RUN_TOGETHER.fullmatch(reading.number):
        return replace(reading, number_confidence=min(reading.number_confidence, DOUBTED))
    return reading


def _read_again(image: Image, ink: Ink, pairs: Sequence[tuple[Line, Reading]]) -> list[tuple[Line, Reading]]:
    """Cuts lines that read as several things and reads the pieces: labels of neighbouring ticks, a legend key and its entry."""
    cuts = [_pieces(ink, line, reading.text) for line, reading in pairs]
    again = iter(_read_lines(image, ink, [piece for cut in cuts for piece in cut]))
    result: list[tuple[Line, Reading]] = []
    for pair, cut in zip(pairs, cuts, strict=True):
        pieces = [next(again) for _ in cut]
        is_better = len(pieces) == 1 or (pieces and all(_is_label_beside(pair[0], *piece) for piece in pieces))
        result += pieces if is_better else [pair]
    return sorted(result, key=lambda pair: (pair[0].box[1], pair[0].box[0]))


def _is_label_beside(whole: Line, piece: Line, reading: Reading) -> bool:
    """Whether a piece cut from a line is a number of its own: well formed, and no exponent."""
    low = 3 if whole.rotation == 0 else 2
    extent = piece.box[low] - piece.box[low - 2] + 1
    is_level = abs(piece.box[low] - whole.box[low]) <= max(1.0, 0.2 * whole.height) and extent >= 0.7 * whole.height
    return is_level and NUMBER.fullmatch(reading.number) is not None


def _pieces(ink: Ink, line: Line, text: str) -> list[Line]:
    """The pieces of a line that reads as several numbers or as an entry with its key; none if it is one thing."""
    if is_date(text):
        return []
    tokens = text.split()
    if all(map(NUMERIC_TOKEN.fullmatch, tokens)):
        signs = len(re.findall("[-−]", text))
        if signs > 1 and text.startswith(("-", "−")) and (cut := split_at_signs(ink, line, signs)):
            return cut
        if sum(map(str.isdigit, text)) >= RUN_OF_DIGITS:
            lengths = [len(number) for number in run_of_numbers("".join(tokens))]
            if cut := split_after(ink, line, lengths) or split_at_steps(ink, line):
                return cut
        is_one = NUMBER.fullmatch("".join(tokens).replace("−", "-")) is not None
        return split_line(ink, line, max(len(tokens), text.count(".")), NUMBER_GAP if is_one else TIGHT_NUMBER_GAP)
    for end, count in end_pieces(ink, line):
        if len(text) > 2 and _is_key_symbol(text[0 if end == "first" else -1]):
            return [without_part_at_end(ink, line, end, count)]
    return []


def _is_key_symbol(character: str) -> bool:
    """Whether a character is how a legend key reads: a geometric sign, a dash, an ideograph; no letter of Latin or Greek, no bracket."""
    if character in "+<>=±%()[]°.,:;*/'\"" or character.isdigit() or unicodedata.category(character) in ("Sc", "No"):
        return False
    return not unicodedata.name(character, "").startswith(("LATIN", "GREEK"))


def _without_keys(image: Image, ink: Ink, line: Line) -> Line:
    """The line without a legend key at its end: a piece of another colour than the text."""
    for end, count in end_pieces(ink, line):
        parts = line.parts[:count] if end == "first" else line.parts[-count:]
        rest = line.parts[count:] if end == "first" else line.parts[:-count]
        if len(rest) > 1 and np.abs(_colour(image, ink, parts) - _colour(image, ink, rest)).max() > KEY_COLOUR_STEP:
            return without_part_at_end(ink, line, end, count)
    return line


def _colour(image: Image, ink: Ink, parts: Sequence[int]) -> NDArray[np.float64]:
    """Mean chroma of the ink of these parts: each channel minus the mean of the three, which anti-aliasing of black leaves at 0."""
    colours = []
    for part in parts:
        x0, y0, x1, y1 = ink.boxes[part]
        step = ink.scale
        labels = ink.labels[y0 : y1 + 1, x0 : x1 + 1]
        rows, columns = np.nonzero(labels == part)
        colours.append(image[np.minimum((rows + y0) // step, image.shape[0] - 1), np.minimum((columns + x0) // step, image.shape[1] - 1)])
    mean: NDArray[np.float64] = np.concatenate(colours).astype(np.float64).mean(axis=0)
    chroma: NDArray[np.float64] = mean - mean.mean()
    return chroma
