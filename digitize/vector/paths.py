"""What a PDF page draws: its paths, images and texts, in pixels of the page's rendering (integer = centre of a pixel)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitize.pdf_worker import CHAR_FIELDS, PATH_FIELDS

Doubles = NDArray[np.float64]
Box = tuple[float, float, float, float]
Color = tuple[int, int, int, int]

LEAST_SPACE = 0.12  # font sizes between the ink of two words
LETTER_SPACE, WORD_SPACE = 0.25, 0.8  # font sizes between letters, and between words, that were placed one by one
BREAKS = (10, 13)
SPACE = (32.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

MOVE, LINE, CURVE, CLOSE = 0, 1, 2, 4

LARGE = 200.0  # px: the sides of a rectangle that may be the ground of a plot
GROUND = 0.5  # share of it that something before it must have filled, as only the ground of another plot does
UPRIGHT = 0.15  # px by which the sides of such a rectangle may lean


@dataclass(frozen=True, eq=False)
class VectorPath:
    """One path as it is drawn.

    Attributes
    ----------
    points
        (n, 2) x and y in px, control points of Bezier curves among them.
    kinds
        (n,) uint8: MOVE, LINE or CURVE (three points a curve), with CLOSE added where the subpath closes.
    fill, stroke
        RGBA of 0 to 255; None where the path is not filled or stroked.
    width
        Stroke width, px.
    dashes
        Lengths of dashes and gaps, px; empty for a solid stroke.
    order
        Its place in the order of drawing; what comes later covers what came before.
    clip
        Box beyond which nothing of it shows; None for no limit.
    """

    points: Doubles
    kinds: NDArray[np.uint8]
    fill: Color | None
    stroke: Color | None
    width: float
    dashes: tuple[float, ...]
    order: int
    clip: Box | None

    @property
    def box(self) -> Box:
        """Extent of its points."""
        (x0, y0), (x1, y1) = self.points.min(axis=0), self.points.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


@dataclass(frozen=True)
class TextSpan:
    """A run of text of one size and direction: its box in px, its font size in px, and its angle in degrees (90 reads upwards)."""

    text: str
    box: Box
    size: float
    degrees: float


@dataclass(frozen=True)
class Drawing:
    """What a page draws; `missing` says in words why nothing is known of it."""

    paths: tuple[VectorPath, ...] = ()
    images: tuple[Box, ...] = ()
    texts: tuple[TextSpan, ...] = ()
    missing: str = ""


def expected_bytes(counts: Mapping[str, int]) -> int:
    """Length of the arrays that a worker announces with these counts.

    Raises
    ------
    ValueError
        If a count is no number of things.
    """
    n = [counts[name] for name in ("paths", "points", "dashes", "chars")]
    if any(type(value) is not int or value < 0 for value in n):
        msg = f"expected counts of 0 or more, found {n}"
        raise ValueError(msg)
    return 8 * (n[0] * PATH_FIELDS + 2 * n[1] + n[2] + n[3] * CHAR_FIELDS) + n[1]


def decode(counts: Mapping[str, int], data: bytes) -> Drawing:
    """The drawing in the arrays that a worker sent.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    sizes = [counts["paths"] * PATH_FIELDS, 2 * counts["points"], counts["dashes"], counts["chars"] * CHAR_FIELDS]
    stops = np.cumsum([0, *sizes]) * 8
    numbers = [np.frombuffer(data[a:b], dtype=np.float64) for a, b in pairwise(stops.tolist())]
    kinds = np.frombuffer(data[int(stops[-1]) :], dtype=np.uint8)
    rows, points, dashes = numbers[0].reshape(-1, PATH_FIELDS), numbers[1].reshape(-1, 2), numbers[2]
    if rows[:, 0].sum() != len(points) or rows[:, 1].sum() != len(dashes) or (rows[:, :2] < 0).any():
        msg = f"expected {rows[:, 0].sum():.0f} points and {rows[:, 1].sum():.0f} dashes, found {len(points)} and {len(dashes)}"
        raise ValueError(msg)
    paths, images = _paths(rows, points, kinds, dashes)
    return Drawing(without_painted_over(paths), images, _spans(numbers[3].reshape(-1, CHAR_FIELDS)))


def _paths(rows: Doubles, points: Doubles, kinds: NDArray[np.uint8], dashes: Doubles) -> tuple[tuple[VectorPath, ...], tuple[Box, ...]]:
    paths, images = [], []
    at = dash = 0
    for order, row in enumerate(rows.tolist()):
        n, n_dashes = int(row[0]), int(row[1])
        own, own_kinds = points[at : at + n], kinds[at : at + n]
        lengths = tuple(dashes[dash : dash + n_dashes].tolist())
        at, dash = at + n, dash + n_dashes
        if n == 0 or not np.isfinite(own).all():
            continue
        clip = None if row[13] != row[13] else (row[13], row[14], row[15], row[16])
        fill, stroke = (_color(row[k : k + 4]) if row[flag] else None for flag, k in ((2, 4), (3, 8)))
        path = VectorPath(own, own_kinds, fill, stroke, row[12], lengths, order, clip)
        if row[17]:
            a, b = path.box, clip or path.box
            images.append((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
        elif fill is not None or stroke is not None:
            paths.append(path)
    return tuple(paths), tuple(images)


def without_painted_over(paths: Sequence[VectorPath]) -> tuple[VectorPath, ...]:
    """The paths without those of a plot over which the ground of another one was painted, as when a chart is pasted upon an older one.

    What a legend's or another small ground covers belongs to the same plot and stays.
    """
    if not paths:
        return ()
    boxes = np.array([p.box for p in paths])
    clips = np.array([p.clip or (-np.inf, -np.inf, np.inf, np.inf) for p in paths])
    shown = np.concatenate([np.maximum(boxes[:, :2], clips[:, :2]), np.minimum(boxes[:, 2:], clips[:, 2:])], axis=1)
    areas = np.prod(np.maximum(shown[:, 2:] - shown[:, :2], 0), axis=1)
    pens = np.array([p.width / 2 if p.stroke is not None else 0.0 for p in paths])[:, None]
    kept = np.ones(len(paths), dtype=bool)
    for k, path in enumerate(paths):
        if (shown[k, 2:] - shown[k, :2]).min() < LARGE or path.fill is None or path.fill[3] < 255 or not _is_upright(path.points):
            continue
        inside = (shown[:k, :2] - pens[:k] >= shown[k, :2] - UPRIGHT) & (shown[:k, 2:] + pens[:k] <= shown[k, 2:] + UPRIGHT)
        before = inside.all(axis=1)
        if (areas[:k][before] >= GROUND * areas[k]).any():
            kept[:k] &= ~before
    return tuple(p for p, is_kept in zip(paths, kept.tolist(), strict=True) if is_kept)


def _is_upright(points: Doubles) -> bool:
    """Whether a path is one rectangle along the axes."""
    if len(points) not in (4, 5) or (len(points) == 5 and np.abs(points[4] - points[0]).max() > UPRIGHT):
        return False
    steps = np.abs(np.diff(points[[0, 1, 2, 3, 0]], axis=0))
    return bool((steps.min(axis=1) < UPRIGHT).all())


def _color(values: Sequence[float]) -> Color | None:
    """RGBA, or None for what is wholly transparent."""
    r, g, b, a = (int(v) for v in values)
    return (r, g, b, a) if a > 0 else None


# Text


def _spans(chars: Doubles) -> tuple[TextSpan, ...]:
    """Characters that follow one another on a line, in one size and direction, as spans."""
    spans: list[list[tuple[float, ...]]] = []
    is_parted = False
    for row in chars.tolist():
        char = tuple(row)
        if int(char[0]) in BREAKS:
            is_parted = True
        elif int(char[0]) in (0, 0xFFFE, 0xFFFF):
            spans.append([])
        elif spans and spans[-1] and _goes_on(spans[-1], char):
            room = _room_after_break(spans[-1], char) if is_parted else 0.0
            if room > LETTER_SPACE:
                spans += [[*spans.pop(), SPACE, char]] if room < WORD_SPACE else [[char]]
            else:
                spans[-1].append(char)
            is_parted = False
        else:
            spans.append([char])
            is_parted = False
    found = (_span(chars) for chars in spans)
    return tuple(span for span in found if span is not None)


def _goes_on(span: Sequence[tuple[float, ...]], char: tuple[float, ...]) -> bool:
    if int(char[0]) == 32:
        return True
    last = next((c for c in reversed(span) if int(c[0]) != 32), None)
    if last is None:
        return True
    size = max(char[6], 1.0)
    if abs(char[6] - last[6]) > 0.1 * size or abs(char[5] - last[5]) > 0.02:
        return False
    along, across = _apart(last, char)
    return -0.2 * size < along and _gap(last, char) < 0.8 * size and abs(across) < 0.6 * size


def _room_after_break(span: Sequence[tuple[float, ...]], char: tuple[float, ...]) -> float:
    """Font sizes between the ends of two runs that a reader of PDF parts by a line break; words with digits are not joined."""
    last = next((c for c in reversed(span) if int(c[0]) != 32), None)
    if last is None or int(char[0]) == 32:
        return math.inf
    room = _gap(last, char) / max(char[6], 1.0)
    both_letters = all(chr(int(c[0])).isalpha() for c in (last, char))
    return room if room <= LETTER_SPACE or both_letters else math.inf


def _apart(last: tuple[float, ...], char: tuple[float, ...]) -> tuple[float, float]:
    """From the middle of one character to that of the next, along the text and across it."""
    cos, sin = math.cos(char[5]), math.sin(char[5])
    dx, dy = (char[1] + char[3] - last[1] - last[3]) / 2, (char[2] + char[4] - last[2] - last[4]) / 2
    return dx * cos - dy * sin, dx * sin + dy * cos


def _gap(last: tuple[float, ...], char: tuple[float, ...]) -> float:
    """The room between two characters along the text."""
    cos, sin = abs(math.cos(char[5])), abs(math.sin(char[5]))
    return _apart(last, char)[0] - (cos * (char[3] - char[1] + last[3] - last[1]) + sin * (char[4] - char[2] + last[4] - last[2])) / 2


def _without_false_spaces(chars: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """The characters without spaces that take no room: readers of PDF put one between letters that were placed one by one."""
    kept: list[tuple[float, ...]] = []
    for k, char in enumerate(chars):
        if int(char[0]) == 32 and kept:
            following = next((c for c in chars[k + 1 :] if int(c[0]) != 32), None)
            last = next((c for c in reversed(kept) if int(c[0]) != 32), None)
            if following is not None and last is not None and _gap(last, following) < LEAST_SPACE * max(following[6], 1.0):
                continue
        kept.append(char)
    return kept


def _span(chars: Sequence[tuple[float, ...]]) -> TextSpan | None:
    chars = _without_false_spaces(chars)
    text = "".join(chr(int(c[0])) for c in chars if 0 < c[0] < 0x110000 and not 0xD800 <= c[0] < 0xE000)
    inked = [c for c in chars if int(c[0]) != 32]
    if not text.strip() or not inked:
        return None
    boxes = np.array([c[1:5] for c in inked])
    x0, y0 = boxes[:, :2].min(axis=0).tolist()
    x1, y1 = boxes[:, 2:].max(axis=0).tolist()
    return TextSpan(text.strip(), (x0, y0, x1, y1), inked[0][6], math.degrees(inked[0][5]) % 360)
