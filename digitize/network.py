"""Markers and the ends of their error bars, as a small neural network sees them.

A U-Net (Ronneberger et al. 2015) that answers like CenterNet (Zhou et al. 2019): at half the resolution a peak stands at every marker. A
head then looks at the features around each peak and says what the marker is, how large, and how far from it its error bar ends. Two more
maps hold peaks at the ends themselves, to which those distances are snapped. Both were trained on drawings of this project only
(benchmarks/train_marks).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
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
MIN_END = 0.15
SAME_PLACE = 1.6  # px: two peaks nearer than this are one marker
SAME_COLUMN = 3.0  # px: an end lies no farther to the side of its marker
FAR_OFF = 1.1  # log ratio of the distances at which a marker rather has no peak than this one
PEAK_WEIGHT = 0.2  # of the log of a peak's probability against the log ratio of distances
EVEN = 0.5  # weight of the bar's other half in where an end is expected
MIN_BAR = 0.3  # probability of an end that makes it worth looking for
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


def _snapped(marks: Sequence[DetectedMark], ends: Sequence[Sequence[Peak]]) -> list[DetectedMark]:
    """The markers with their ends at peaks of the maps of ends, no peak used twice.

    A marker says roughly how far away its ends are. The peaks of its column are shared out among the markers of that column so that, in all,
    they lie as near as can be to where they are expected (on the log scale); once more with what the other half of each bar tells, since
    most bars reach about as far up as down.
    """
    if not marks:
        return []
    expected = np.array([[m.up.distance, m.down.distance] for m in marks])
    found = np.full(expected.shape, np.nan)
    for _ in range(2):
        other = np.where(np.isnan(found), expected, found)[:, ::-1]
        wanted = np.exp((1 - EVEN) * np.log(expected + NEAR) + EVEN * np.log(other + NEAR)) - NEAR if np.isfinite(found).any() else expected
        found = np.stack([_shared_out(marks, ends[k], way, wanted[:, k], k) for k, way in enumerate(WAYS)], axis=1)
    both = zip(marks, found.tolist(), strict=True)
    return [replace(m, up=_at(m.up, m.y, -1, up), down=_at(m.down, m.y, 1, down)) for m, (up, down) in both]


def _at(end: DetectedEnd, y: float, way: int, distance: float) -> DetectedEnd:
    return end if np.isnan(distance) else replace(end, distance=distance, y=y + way * distance, is_snapped=True)


def _shared_out(
    marks: Sequence[DetectedMark], peaks: Sequence[Peak], way: int, wanted: NDArray[np.float64], k: int
) -> NDArray[np.float64]:
    """The distance of each marker's end on one side, NaN where no peak can be it."""
    from scipy.optimize import linear_sum_assignment

    found = np.full(len(marks), np.nan)
    if not peaks:
        return found
    places = np.array([(m.x, m.y) for m in marks])
    at = np.array([(p.x, p.y, p.score) for p in peaks])
    probability = np.array([(m.up, m.down)[k].probability for m in marks])
    distance = way * (at[None, :, 1] - places[:, None, 1])
    ratio = np.abs(np.log((np.maximum(distance, 0) + NEAR) / (wanted[:, None] + NEAR)))
    cost = ratio - PEAK_WEIGHT * np.log(at[None, :, 2] / MIN_END)
    beside = np.abs(at[None, :, 0] - places[:, None, 0])
    possible = (beside <= SAME_COLUMN) & (distance > 0) & (ratio < FAR_OFF) & (probability[:, None] > MIN_BAR)
    # Each marker may also stay without a peak, at the cost of one that lies far off.
    alone = np.full((len(marks), len(marks)), FAR_OFF)
    rows, cols = linear_sum_assignment(np.hstack([np.where(possible, cost, 2 * FAR_OFF + 1), alone]))
    for i, j in zip(rows.tolist(), cols.tolist(), strict=True):
        if j < len(peaks) and possible[i, j]:
            found[i] = distance[i, j]
    return found


def _distinct(marks: Sequence[DetectedMark]) -> list[DetectedMark]:
    kept: list[DetectedMark] = []
    for mark in marks:
        if all(abs(mark.x - k.x) > SAME_PLACE or abs(mark.y - k.y) > SAME_PLACE for k in kept):
            kept.append(mark)
    return kept
