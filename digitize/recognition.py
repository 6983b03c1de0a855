"""Reads one line of text: the PP-OCRv6 recognition network (carried by the rapidocr wheel) and its CTC decoding.

The network sees the untouched crop, 48 px high: thresholding, sharpening and upscaling all make it read worse. The same output is decoded
twice, once freely and once with every symbol masked that cannot stand in a number (Graves et al. 2006, best-path decoding).
"""

from __future__ import annotations

import importlib.util
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnxruntime

Image = NDArray[np.uint8]

MODEL_FILE = "PP-OCRv6_rec_small.onnx"
LINE_HEIGHT = 48
STRIDE = 8
MAX_BATCH = 16
MAX_LINE_WIDTH = 1600

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
SUPERSCRIPT_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
PLAIN = str.maketrans({"−": "-", "–": "-", "—": "-", "×": "x"})
NUMBER_ALPHABET = frozenset("0123456789.,-−–—+%eEx×^⁰¹²³⁴⁵⁶⁷⁸⁹⁻ ")


class ModelNotFound(RuntimeError):
    """The recognition model is not installed."""


@dataclass(frozen=True)
class Reading:
    """One line as it was read: freely, and with only the symbols of numbers allowed; confidences are mean symbol probabilities."""

    text: str
    confidence: float
    number: str
    number_confidence: float


def normalise_number(text: str) -> str:
    """The masked reading in plain ASCII.

    Every dash becomes "-", "×" becomes "x", superscript digits become "^" and digits, blanks go. A comma that can only be a decimal comma
    ("0,5", "12,25") becomes a point; one before three digits ("1,250") is left: the other labels of the axis must tell what it means.
    """
    plain = SUPERSCRIPT_RUN.sub(lambda run: "^" + run.group().translate(SUPERSCRIPTS), text)
    plain = plain.translate(PLAIN).replace(" ", "")
    if plain.count(",") == 1 and "." not in plain and not re.search(r"(?<!\d)[1-9]\d{0,2},\d{3}(?!\d)", plain):
        plain = plain.replace(",", ".")
    return plain


def model_path() -> Path:
    """Where the recognition model lies: inside the installed rapidocr package, which is found but never imported (it is slow)."""
    spec = importlib.util.find_spec("rapidocr")
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    for folder in folders:
        path = Path(folder) / "models" / MODEL_FILE
        if path.is_file():
            return path
    where = f"in {folders[0]}" if folders else "and no rapidocr package is installed"
    msg = f"expected the text recognition model {MODEL_FILE} {where}: install it with `pip install 'rapidocr>=3.9,<3.10'`"
    raise ModelNotFound(msg)


class Recogniser:
    """The recognition network with one thread; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session: onnxruntime.InferenceSession = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.symbols = ["", *self.session.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]
        self.input = self.session.get_inputs()[0].name
        self.in_number = np.array([not symbol or symbol in NUMBER_ALPHABET for symbol in self.symbols])

    def read(self, lines: Sequence[Image]) -> list[Reading]:
        """Readings of crops (h, w, 3), each one line of upright text, in the order given; lines of similar width share a batch."""
        inputs = [_network_input(line) for line in lines]
        order = sorted(range(len(inputs)), key=lambda i: inputs[i].shape[2])
        readings: dict[int, Reading] = {}
        for batch in _batches(order, [inputs[i].shape[2] for i in order]):
            for i, probabilities in zip(batch, self._run([inputs[i] for i in batch]), strict=True):
                readings[i] = self._decode(probabilities)
        return [readings[i] for i in range(len(inputs))]

    def _run(self, inputs: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        width = max(item.shape[2] for item in inputs)
        stack = np.zeros((len(inputs), 3, LINE_HEIGHT, width), dtype=np.float32)
        for row, item in zip(stack, inputs, strict=True):
            row[:, :, : item.shape[2]] = item
        output: NDArray[np.float32] = np.asarray(self.session.run(None, {self.input: stack})[0])
        return list(output)

    def _decode(self, probabilities: NDArray[np.float32]) -> Reading:
        text, confidence = self._best_path(probabilities)
        number, number_confidence = self._best_path(np.where(self.in_number[None, : probabilities.shape[1]], probabilities, 0.0))
        return Reading(text.strip(), confidence, normalise_number(number), number_confidence)

    def _best_path(self, probabilities: NDArray[np.float32]) -> tuple[str, float]:
        best = probabilities.argmax(axis=1)
        kept = (best != 0) & (best != np.concatenate([[-1], best[:-1]]))
        if not kept.any():
            return "", 0.0
        text = "".join(self.symbols[i] for i in best[kept])
        return text, float(probabilities.max(axis=1)[kept].mean())


def _network_input(line: Image) -> NDArray[np.float32]:
    height, width = line.shape[:2]
    target = int(np.clip(np.ceil(LINE_HEIGHT * width / height), STRIDE, MAX_LINE_WIDTH))
    resized = cv2.resize(line, (target, LINE_HEIGHT), interpolation=cv2.INTER_CUBIC if height < LINE_HEIGHT else cv2.INTER_AREA)
    scaled = (resized.astype(np.float32) / 255 - 0.5) / 0.5
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def _batches(order: Sequence[int], widths: Sequence[int]) -> list[list[int]]:
    """Groups neighbours of an order by width, so that no line is padded to much more than its own width."""
    batches: list[list[int]] = []
    narrowest = 0
    for i, width in zip(order, widths, strict=True):
        if not batches or len(batches[-1]) >= MAX_BATCH or width > 1.15 * narrowest + STRIDE:
            batches.append([])
            narrowest = width
        batches[-1].append(i)
    return batches


_lock = threading.Lock()
_recogniser: Recogniser | None = None


def recogniser() -> Recogniser:
    """The one recogniser of this process, loaded at first use.

    Raises
    ------
    ModelNotFound
        If the model file is not installed.
    """
    global _recogniser
    with _lock:
        if _recogniser is None:
            _recogniser = Recogniser(model_path())
        return _recogniser
