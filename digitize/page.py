"""Files to pages: PNG, JPEG, TIFF, GIF, BMP, WebP, PDF and SVG as pixels (8-bit RGB on white), PDF and SVG with their paths as well."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from digitize import pdf_worker
from digitize.vector.paths import Drawing, decode, expected_bytes

if TYPE_CHECKING:
    import PIL.Image

__all__ = ["Page", "Picture", "UnreadableFile", "read_pages", "sha256"]

MAX_PIXELS = 60_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")
PAGE_SECONDS = 90.0
PDF_MARK_WITHIN = 1024
"""A PDF may have this many bytes of something else before its header."""


class UnreadableFile(ValueError):
    """A file that cannot be read; the message is one line that names the file and the cause."""


@dataclass(frozen=True)
class Picture:
    """A part of a page around a picture that lies on it, in the picture's own pixels.

    Attributes
    ----------
    image
        (h, w, 3) uint8, RGB: the picture, and what lies over and beside it.
    place
        `left`, `top`, `x_scale`, `y_scale`: pixel (x, y) of the page lies at ((x - left) * x_scale, (y - top) * y_scale) here.
    box
        (x0, y0, x1, y1) of the picture itself, its last column and row included.
    """

    image: NDArray[np.uint8]
    place: tuple[float, float, float, float]
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Page:
    """One page of a file.

    Attributes
    ----------
    file, number
        Where it comes from; pages count from 1.
    image
        (h, w, 3) uint8, RGB, what was transparent shows white.
    medium
        ``"vector"`` for a page that is drawn with paths, else ``"raster"``.
    scale
        Pixels per PDF point along x and y (they differ by less than a pixel over the page); None for an image file.
    drawing
        What a PDF page draws, in pixels of `image`; empty for an image file and where it could not be listed (then it says why).
    left
        How many of the pages asked for come after this one.
    pictures
        The large upright pictures on a PDF page, each in its own pixels; none where the page is rendered in those of its one picture.
    """

    file: Path
    number: int
    image: NDArray[np.uint8]
    medium: Literal["raster", "vector"]
    scale: tuple[float, float] | None
    drawing: Drawing = field(default_factory=Drawing)
    left: int = 0
    pictures: tuple[Picture, ...] = ()


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_pages(path: str | Path, pages: Sequence[int] | None = None) -> Iterator[Page]:
    """The pages of a file, one by one: each is decoded or rendered when it is asked for.

    Parameters
    ----------
    path
        A PNG, JPEG, TIFF (its frames are its pages), GIF, BMP, WebP, PDF or SVG file, told by its content and not by its name.
    pages
        Numbers of the pages wanted, from 1, in the order wanted; all of them if None.

    Returns
    -------
    iterator of Page
        PDF and SVG pages are rendered at 300 dpi, or less where that would be more than 12 million pixels; a page that is one picture, as
        a scan is, keeps the picture's own pixels. Large upright pictures on other pages come beside them in their own pixels.

    Raises
    ------
    UnreadableFile
        If the file or one of its pages cannot be read; at once where the file's beginning tells, else when its page is reached.
    """
    file = Path(path)
    wanted = None if pages is None else [int(number) for number in pages]
    if wanted is not None and (not wanted or min(wanted) < 1):
        msg = f"{file.name}: expected page numbers from 1, got {wanted}"
        raise UnreadableFile(msg)
    beginning = _beginning(file)
    if b"%PDF-" in beginning:
        return _pdf_pages(file, wanted, "pdf")
    if _is_svg(beginning):
        return _pdf_pages(file, wanted, "svg")
    return _image_pages(file, wanted, beginning)


def _beginning(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            beginning = opened.read(PDF_MARK_WITHIN)
    except IsADirectoryError:
        msg = f"{file.name} is a folder, expected a file"
        raise UnreadableFile(msg) from None
    except FileNotFoundError:
        msg = f"{file} does not exist"
        raise UnreadableFile(msg) from None
    except OSError as error:
        msg = f"{file.name} cannot be opened: {error.strerror}"
        raise UnreadableFile(msg) from error
    if not beginning:
        msg = f"{file.name} is empty"
        raise UnreadableFile(msg)
    return beginning


def _is_svg(beginning: bytes) -> bool:
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"<") and (b"<svg" in text or b":svg" in text or b"DOCTYPE svg" in text)


# Images


def _image_pages(file: Path, wanted: list[int] | None, beginning: bytes) -> Iterator[Page]:
    import PIL.Image

    with contextlib.ExitStack() as stack:
        with _damage_named(file, beginning):
            opened = stack.enter_context(PIL.Image.open(file, formats=FORMATS))
            count = int(getattr(opened, "n_frames", 1)) if opened.format == "TIFF" else 1
        numbers = _existing(file, wanted, count)
        for k, number in enumerate(numbers, start=1):
            with _damage_named(file, beginning):
                opened.seek(number - 1)
                pixels = _rgb(opened, file)
            yield Page(file, number, pixels, "raster", None, left=len(numbers) - k)


def _existing(file: Path, wanted: list[int] | None, count: int) -> list[int]:
    numbers = list(range(1, count + 1)) if wanted is None else wanted
    if max(numbers) > count:
        msg = f"{file.name} has {'1 page' if count == 1 else f'{count} pages'}, page {max(numbers)} was asked for"
        raise UnreadableFile(msg)
    return numbers


@contextlib.contextmanager
def _damage_named(file: Path, beginning: bytes) -> Iterator[None]:
    """Turns what the decoder raises into one line that names the file; its own size warning is replaced by our smaller limit."""
    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableFile:
        raise
    except PIL.Image.DecompressionBombError as error:
        msg = f"{file.name} has more than {MAX_PIXELS // 1_000_000} million pixels and was refused"
        raise UnreadableFile(msg) from error
    except PIL.UnidentifiedImageError as error:
        msg = f"{file.name} {_what_it_is(beginning)}, expected PNG, JPEG, TIFF, GIF, BMP, WebP, PDF or SVG"
        raise UnreadableFile(msg) from error
    except (OSError, EOFError, SyntaxError, ValueError, IndexError, TypeError, OverflowError, struct.error, zlib.error) as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        msg = f"{file.name} is damaged: {cause}"
        raise UnreadableFile(msg) from error


def _what_it_is(beginning: bytes) -> str:
    with contextlib.suppress(UnicodeDecodeError):
        text = beginning[:-3].decode("utf-8") if len(beginning) == PDF_MARK_WITHIN else beginning.decode("utf-8")
        if all(character.isprintable() or character.isspace() for character in text):
            return "is a text file"
    return "is in no format that can be read here"


def _rgb(opened: PIL.Image.Image, file: Path) -> NDArray[np.uint8]:
    """The current frame as RGB on white, turned as its EXIF orientation says; its size is checked before it is decoded."""
    import PIL.Image
    import PIL.ImageOps

    width, height = opened.size
    if width * height > MAX_PIXELS:
        msg = f"{file.name} has {width} x {height} pixels, expected at most {MAX_PIXELS // 1_000_000} million"
        raise UnreadableFile(msg)
    turned = PIL.ImageOps.exif_transpose(opened)
    if turned.mode.startswith(("I", "F")):
        gray = _eight_bit(np.asarray(turned), is_16_bit=turned.mode.startswith("I;16"))
        return np.ascontiguousarray(np.repeat(gray[:, :, None], 3, axis=2))
    if turned.has_transparency_data:
        layer = turned.convert("RGBA")
        turned = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    return np.array(turned.convert("RGB"), dtype=np.uint8)


def _eight_bit(values: NDArray[Any], *, is_16_bit: bool) -> NDArray[np.uint8]:
    """Grey values of 16 bits on the scale of 8; of 32 bits or floating point, the largest value counts as white."""
    finite = np.nan_to_num(values.astype(np.float64))
    white = 65535.0 if is_16_bit else max(float(finite.max()), np.finfo(np.float64).tiny)
    return np.clip(np.rint(finite * (255.0 / white)), 0, 255).astype(np.uint8)


# PDF


def _pdf_pages(file: Path, wanted: list[int] | None, kind: Literal["pdf", "svg"]) -> Iterator[Page]:
    """Pages as a worker sends them; where a page's paths bring it down, another one renders the pages that are left."""
    left, with_drawing = wanted, True
    while left is None or left:
        with _worker(file, left or [], kind, with_drawing=with_drawing) as worker:
            left = []
            while (message := _next_message(file, worker, "page")) is not None:
                header, pixels = message
                drawing, pictures, is_alive = _drawing(file, worker)
                scale = (header["scale"][0], header["scale"][1])
                medium: Literal["raster", "vector"] = "vector" if drawing.paths else "raster"
                yield Page(file, header["page"], _pixels(header, pixels), medium, scale, drawing, len(header["left"]), pictures)
                if not is_alive:
                    left, with_drawing = header["left"], False
                    break


@contextlib.contextmanager
def _worker(file: Path, pages: Sequence[int], kind: str, *, with_drawing: bool) -> Iterator[subprocess.Popen[bytes]]:
    wanted = "drawing" if with_drawing else "pixels"
    worker = subprocess.Popen(
        [sys.executable, pdf_worker.__file__, str(file.resolve()), kind, wanted, *map(str, pages)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # The worker's folder must not come first on its path, where modules of this package would hide others of the same name.
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    try:
        yield worker
    finally:
        worker.kill()
        assert worker.stdout is not None
        worker.stdout.close()
        worker.wait()


def _drawing(file: Path, worker: subprocess.Popen[bytes]) -> tuple[Drawing, tuple[Picture, ...], bool]:
    """What the page just received draws, its pictures, and whether the worker lived through listing it."""
    try:
        message = _next_message(file, worker, "drawing")
    except UnreadableFile as error:
        return Drawing(missing=str(error).removeprefix(f"{file.name} ")), (), False
    if message is None:
        return Drawing(missing="its paths were not sent"), (), False
    header, data = message
    if "no_drawing" in header:
        return Drawing(missing=str(header["no_drawing"])), (), True
    try:
        drawing = decode(header["drawing"], data)
    except ValueError as error:
        drawing = Drawing(missing=f"its paths are damaged: {error}")
    pictures: list[Picture] = []
    for _ in range(header["pictures"]):
        try:
            sent = _next_message(file, worker, "picture")
        except UnreadableFile:
            sent = None
        if sent is None:
            return drawing, tuple(pictures), False
        (x, y, x_scale, y_scale), (x0, y0, x1, y1) = sent[0]["picture"], sent[0]["own"]
        pictures.append(Picture(_pixels(*sent), (x, y, x_scale, y_scale), (x0, y0, x1, y1)))
    return drawing, tuple(pictures), True


def _next_message(
    file: Path, worker: subprocess.Popen[bytes], kind: Literal["page", "drawing", "picture"]
) -> tuple[dict[str, Any], bytes] | None:
    """The worker's next message and the bytes that follow it, or None after the last; the clock runs only while it is awaited."""
    overdue = threading.Event()
    assert worker.stdout is not None

    def stop() -> None:
        overdue.set()
        worker.kill()

    clock = threading.Timer(PAGE_SECONDS, stop)
    clock.daemon = True
    clock.start()
    try:
        line = worker.stdout.readline()
        message: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
        expected = _announced_bytes(message)
        data = worker.stdout.read(expected)
    finally:
        clock.cancel()
    if "done" in message:
        return None
    if "refused" in message:
        msg = f"{file.name} {message['refused']}"
        raise UnreadableFile(msg)
    if len(data) < expected or not {kind, f"no_{kind}"} & message.keys():
        msg = f"{file.name} {_end_of_worker(worker, is_overdue=overdue.is_set())}"
        raise UnreadableFile(msg)
    return message, data


def _announced_bytes(message: dict[str, Any]) -> int:
    if "page" in message or "picture" in message:
        return int(message["stride"] * message["height"])
    return expected_bytes(message["drawing"]) if "drawing" in message else 0


def _pixels(message: dict[str, Any], data: bytes) -> NDArray[np.uint8]:
    height, width, channels = message["height"], message["width"], message["channels"]
    rows = np.frombuffer(data, dtype=np.uint8).reshape(height, message["stride"])[:, : width * channels]
    image = rows.reshape(height, width, channels)
    return np.ascontiguousarray(image[:, :, :3] if channels >= 3 else np.repeat(image, 3, axis=2))


def _end_of_worker(worker: subprocess.Popen[bytes], *, is_overdue: bool) -> str:
    """Why a worker that sent no page ended."""
    try:
        code = worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        code = None
    if is_overdue:
        return f"took more than {PAGE_SECONDS:.0f} s for one page and was refused"
    if sys.platform != "win32" and code is not None:
        import signal

        if code == -signal.SIGXCPU:
            return f"took more than {pdf_worker.CPU_SECONDS_PER_PAGE} s of processor time for one page and was refused"
        if code in (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGTRAP, -signal.SIGILL):
            return f"asked for more than {pdf_worker.MEMORY_LIMIT // 1024**3} GB of memory and was refused"
    return "brought the PDF renderer down and was refused"
