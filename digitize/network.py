"""Markers and the ends of their error bars, as a small neural network sees them.

A U-Net (Ronneberger et al. 2015) that answers like CenterNet (Zhou et al. 2019): at half the resolution a peak stands at every marker. A
head then looks at the features around each peak and says what the marker is, how large, and how far from it its error bar ends. Two more
maps hold peaks at the ends themselves, to which those distances are snapped. Both were trained on drawings of this project only
(benchmarks/train_marks).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.ink import paper_color

if TYPE_CHECKING:
    import onnxruntime

FloatArray = NDArray[np.float32]

MODELS = Path(__file__).parent / "models"
NETWORK_STYLES = (
    *("circle", "square", "diamond", "triangle", "triangle-down"),
    *("circle-open", "square-open", "diamond-open", "triangle-open", "triangle-down-open"),
    *("cross", "plus", "star"),
)
MARGIN = 16  # px of paper put around the plot, so that marks at its edge have surroundings
BLOCK = 32
NEAR = 6.0  # px: distances to ends are learnt as log(distance + NEAR)
OFFSET, SIZE, TALL, BARS, STYLE = slice(0, 2), 2, 3, slice(4, 10), slice(10, 23)  # columns of the head's answers
MIN_MARK = 0.3  # probability of a peak
MIN_END = 0.1
SAME_PLACE = 1.6  # px: two peaks nearer than this are one marker
SAME_COLUMN = 3.0  # px: an end lies no farther to the side of its marker
MIN_BAR = 0.3  # probability of an end that makes it worth looking for
CLEAR_END = 0.4  # probability of a peak that ought to be the end of some bar
EXPECTED, EVEN, PEAK_WEIGHT = 1.0, 1.0, 0.35  # weights of log ratios of distances (as said, up against down) and of log probabilities
MISSING, TWICE, UNUSED = 1.2, 0.8, 0.6  # costs of an end without a peak, of a peak used twice, of a clear peak that is not used
MOST_COMBINATIONS = 3000
WAYS = (-1, 1)  # along y, of upper and of lower ends


class NetworkNotFound(RuntimeError):
    """The file of the network's weights is not installed."""


@dataclass(frozen=True)
class DetectedEnd:
    """An end of a marker's error bar.

    `probability` that there is one, `seen` the probability that some of it shows if there is, `distance` from the anchor in px, and `y`
    where it lies: at a peak of the map of ends where `is_snapped`, else at that distance from the anchor.
    """

    probability: float
    seen: float
    distance: float
    y: float
    is_snapped: bool


@dataclass(frozen=True)
class DetectedMark:
    """A marker whose anchor (its data point) lies at (x, y), px of the image that was searched.

    `likeness` (len(NETWORK_STYLES),) are the probabilities of the styles, `size` is its half-size, `tall` the probability that a triangle
    is as wide as it is high with its anchor at half height, and `score` the probability that there is a marker.
    """

    x: float
    y: float
    size: float
    likeness: FloatArray
    tall: float
    score: float
    up: DetectedEnd
    down: DetectedEnd

    @property
    def style(self) -> str:
        """The likeliest style: "circle", "square-open", ..."""
        return NETWORK_STYLES[int(self.likeness.argmax())]


@dataclass(frozen=True)
class Peak:
    """A place (x, y) in px and its probability."""

    x: float
    y: float
    score: float


@dataclass(frozen=True)
class Detection:
    """All that was seen: markers, and the upper and lower ends of error bars whether or not a marker has them."""

    marks: tuple[DetectedMark, ...]
    tops: tuple[Peak, ...]
    bottoms: tuple[Peak, ...]


def detect_marks(image: NDArray[np.uint8]) -> tuple[DetectedMark, ...]:
    """The markers of a plot with the ends of their error bars, the surest first.

    Parameters
    ----------
    image : (h, w, 3) uint8 RGB
        Inside of a plot at the scale of markers.UNIT (digits of the tick labels 12 px high).

    Raises
    ------
    ValueError
        Where the image has another shape.
    NetworkNotFound
        Where the package was installed without the network.
    """
    return detect(image).marks


def detect(image: NDArray[np.uint8]) -> Detection:
    """Markers and ends of error bars; parameters and errors as in `detect_marks`."""
    if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 1:
        msg = f"expected an RGB image (h, w, 3), found an array of shape {image.shape}"
        raise ValueError(msg)
    maps, near, far = _run(image)
    heat = _sigmoid(maps[:3])
    ends = [[_end_peak(heat[1 + k], maps[3 + k], at) for at in _peaks(heat[1 + k], MIN_END)] for k in (0, 1)]
    cells = _peaks(heat[0], MIN_MARK)
    marks = _distinct([_mark(answer, float(heat[0][at]), at) for answer, at in zip(_answers(near, far, cells), cells, strict=True)])
    marks = _snapped(marks, ends)
    h, w = image.shape[:2]
    return Detection(
        tuple(m for m in marks if -1 <= m.x <= w and -1 <= m.y <= h),
        tuple(p for p in ends[0] if -1 <= p.x <= w and -1 <= p.y <= h),
        tuple(p for p in ends[1] if -1 <= p.x <= w and -1 <= p.y <= h),
    )


def _run(image: NDArray[np.uint8]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Maps and features of the image with paper around it."""
    h, w = image.shape[:2]
    paper = [float(v) for v in paper_color(image)]
    bottom, right = (MARGIN + (-(n + 2 * MARGIN)) % BLOCK for n in (h, w))
    framed = cv2.copyMakeBorder(image, MARGIN, bottom, MARGIN, right, cv2.BORDER_CONSTANT, value=paper)
    batch = np.ascontiguousarray(framed.transpose(2, 0, 1)[None], dtype=np.float32)
    maps, near, far = _session("marks.onnx").run(["maps", "near", "far"], {"image": batch})
    return np.asarray(maps[0]), np.asarray(near[0]), np.asarray(far[0])


def _answers(near: FloatArray, far: FloatArray, cells: Sequence[tuple[int, int]]) -> FloatArray:
    """What the head says of cells (row, column at half the size), a row for each."""
    if not cells:
        return np.zeros((0, STYLE.stop), dtype=np.float32)
    rows, cols = np.array(cells).T
    at = np.stack([rows % 4, cols % 4], axis=1).astype(np.float32) / 4 - 0.375
    around = np.concatenate([_patches(near, rows, cols, 2), _patches(far, rows // 4, cols // 4, 1), at], axis=1)
    return np.asarray(_session("marks_head.onnx").run(["answers"], {"surroundings": around})[0])


def _patches(features: FloatArray, rows: NDArray[np.int64], cols: NDArray[np.int64], reach: int) -> FloatArray:
    """Features (channels, h, w) of the cells within reach of each place, channel by channel."""
    padded = np.pad(features, ((0, 0), (reach, reach), (reach, reach)))
    steps = np.arange(2 * reach + 1)
    taken = padded[:, rows[:, None, None] + steps[:, None], cols[:, None, None] + steps]
    return np.ascontiguousarray(taken.transpose(1, 0, 2, 3)).reshape(len(rows), -1)


_LOCK = threading.Lock()


def _session(name: str) -> onnxruntime.InferenceSession:
    with _LOCK:
        return _loaded(MODELS / name)


@lru_cache(maxsize=2)
def _loaded(path: Path) -> onnxruntime.InferenceSession:
    import onnxruntime

    if not path.is_file():
        msg = f"expected the marks network at {path}, found no file: install readoff again, or train it with benchmarks/train_marks"
        raise NetworkNotFound(msg)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _sigmoid(logits: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float32)


def _peaks(heat: FloatArray, least: float) -> list[tuple[int, int]]:
    """Cells (row, column) where a map is highest among their neighbours, highest first."""
    highest = cv2.dilate(heat, np.ones((3, 3), np.uint8))
    rows, cols = np.nonzero((heat >= highest) & (heat >= least))
    order = np.argsort(-heat[rows, cols], kind="stable")
    return [(int(rows[k]), int(cols[k])) for k in order]


def _px(cell: float) -> float:
    """Middle of a cell in px of the image without its margin."""
    return 2 * cell + 0.5 - MARGIN


def _end_peak(heat: FloatArray, nudge: FloatArray, at: tuple[int, int]) -> Peak:
    row, col = at
    line = heat[row]
    left, right = float(line[max(0, col - 1)]), float(line[min(len(line) - 1, col + 1)])
    shift = (right - left) / max(2 * float(line[col]), left + right, 1e-6)
    return Peak(_px(col + float(np.clip(shift, -0.5, 0.5))), _px(row + float(np.clip(nudge[at], -1, 1))), float(line[col]))


def _mark(answer: FloatArray, score: float, at: tuple[int, int]) -> DetectedMark:
    dx, dy = np.clip(answer[OFFSET], -1.5, 1.5).tolist()
    x, y = _px(at[1] + dx), _px(at[0] + dy)
    raised = np.exp(answer[STYLE] - answer[STYLE].max())
    up, down = (_end(bar, y, way) for bar, way in zip(answer[BARS].reshape(2, 3), WAYS, strict=True))
    return DetectedMark(x, y, float(np.exp(answer[SIZE])), raised / raised.sum(), float(_sigmoid(answer[TALL])), score, up, down)


def _end(bar: FloatArray, y: float, way: int) -> DetectedEnd:
    exists, seen = _sigmoid(bar[:2]).tolist()
    distance = max(0.0, float(np.exp(np.clip(bar[2], 0, 7))) - NEAR)
    return DetectedEnd(exists, seen, distance, y + way * distance, False)


@dataclass(frozen=True)
class _Choice:
    """What the two ends of one marker may be: peaks' numbers (-1 for none), distances (None for none), and how little that is expected."""

    peaks: tuple[int, int]
    distances: tuple[float | None, float | None]
    cost: float


def _snapped(marks: Sequence[DetectedMark], ends: Sequence[Sequence[Peak]]) -> list[DetectedMark]:
    """The markers with their ends at peaks of the maps of ends.

    A marker says roughly how far away its ends are. The peaks of a column are shared out among its markers so that, in all, they lie near
    where they are expected, bars reach about as far up as down, every clear peak is used, and none twice.
    """
    snapped = list(marks)
    for column in _columns(marks):
        most = max(1, int(MOST_COMBINATIONS ** (1 / len(column))))
        choices = [_choices(marks[i], ends)[:most] for i in column]
        clear = _clear(marks, column, ends)
        best = min(itertools.product(*choices), key=partial(_cost, clear))
        for i, choice in zip(column, best, strict=True):
            m = marks[i]
            up, down = (_at(end, m.y, way, d) for end, way, d in zip((m.up, m.down), WAYS, choice.distances, strict=True))
            snapped[i] = replace(m, up=up, down=down)
    return snapped


def _columns(marks: Sequence[DetectedMark]) -> list[list[int]]:
    """Numbers of the markers that may have error bars, those above each other together."""
    barred = [i for i, m in enumerate(marks) if max(m.up.probability, m.down.probability) > MIN_BAR]
    columns: list[list[int]] = []
    for i in sorted(barred, key=lambda i: marks[i].x):
        if columns and marks[i].x - marks[columns[-1][0]].x <= SAME_COLUMN:
            columns[-1].append(i)
        else:
            columns.append([i])
    return columns


def _clear(marks: Sequence[DetectedMark], column: Sequence[int], ends: Sequence[Sequence[Peak]]) -> dict[tuple[int, int], float]:
    """The clear peaks (kind, number) of a column, which ought to belong to one of its markers, and their probabilities."""
    x = float(np.mean([marks[i].x for i in column]))
    return {(k, j): p.score for k in (0, 1) for j, p in enumerate(ends[k]) if abs(p.x - x) <= SAME_COLUMN and p.score > CLEAR_END}


def _choices(mark: DetectedMark, ends: Sequence[Sequence[Peak]]) -> list[_Choice]:
    """Every pair of ends that a marker may have, the likeliest first."""
    sides = []
    for end, peaks, way in zip((mark.up, mark.down), ends, WAYS, strict=True):
        side: list[tuple[int, float | None, float]] = [(-1, None, MISSING * end.probability)]
        for j, peak in enumerate(peaks):
            distance = way * (peak.y - mark.y)
            if end.probability > MIN_BAR and abs(peak.x - mark.x) <= SAME_COLUMN and distance > 0:
                cost = EXPECTED * _ratio(distance, end.distance) - PEAK_WEIGHT * float(np.log(peak.score / MIN_END))
                side.append((j, distance, cost))
        sides.append(side)
    made = [
        _Choice((i, j), (up, down), a + b + (EVEN * _ratio(up, down) if up is not None and down is not None else 0.0))
        for (i, up, a), (j, down, b) in itertools.product(*sides)
    ]
    return sorted(made, key=lambda choice: choice.cost)


def _ratio(a: float, b: float) -> float:
    return abs(float(np.log((a + NEAR) / (b + NEAR))))


def _cost(clear: Mapping[tuple[int, int], float], combo: Sequence[_Choice]) -> float:
    used = [(k, c.peaks[k]) for c in combo for k in (0, 1) if c.peaks[k] >= 0]
    twice = len(used) - len(set(used))
    unused = sum(score for peak, score in clear.items() if peak not in used)
    return sum(c.cost for c in combo) + TWICE * twice + UNUSED * unused


def _at(end: DetectedEnd, y: float, way: int, distance: float | None) -> DetectedEnd:
    return end if distance is None else replace(end, distance=distance, y=y + way * distance, is_snapped=True)


def _distinct(marks: Sequence[DetectedMark]) -> list[DetectedMark]:
    kept: list[DetectedMark] = []
    for mark in marks:
        if all(abs(mark.x - k.x) > SAME_PLACE or abs(mark.y - k.y) > SAME_PLACE for k in kept):
            kept.append(mark)
    return kept
