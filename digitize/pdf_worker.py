"""Renders pages of one PDF, in a process of its own and under limits: PDF files come from strangers, and the renderer has no sandbox.

Started as a script by `digitize.page`; imports nothing but the standard library and pypdfium2, so that it starts within a tenth of a
second. Each message on standard output is one line of JSON, followed by the pixels of the page where it announces one. The pipe holds the
next page back until the last one was taken.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

MEMORY_LIMIT = 2 * 1024**3
CPU_SECONDS_PER_PAGE = 45
RESOLUTION = 300.0
MAX_PIXELS = 12e6
MAX_SIDE_PT = 14400.0
"""The largest page that the PDF specification's implementation limits allow, 200 inches."""
MAX_PAGES = 500


class Refused(Exception):
    """The document cannot be rendered; the message goes on the line after the file's name."""


def limit_resources() -> None:
    """Caps memory, forbids core dumps and the writing of files; Windows has no such limits, there only the parent's clock counts."""
    try:
        import resource
    except ImportError:
        return
    for kind, value in ((resource.RLIMIT_AS, MEMORY_LIMIT), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        _, most = resource.getrlimit(kind)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        # macOS knows RLIMIT_AS but refuses to set it.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def allow_cpu_for_one_page() -> None:
    """Moves the limit of processor time, so that each page has the same however many there are."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + CPU_SECONDS_PER_PAGE
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    if most == resource.RLIM_INFINITY or soft < most:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, most))


def send(message: dict[str, Any], pixels: Any = b"") -> None:
    """One message to the parent, with the bytes that follow it."""
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.write(pixels)
    sys.stdout.buffer.flush()


def numbers_wanted(asked: list[int], count: int) -> list[int]:
    """The page numbers to render, counted from 1: those asked for, or all of them."""
    missing = [number for number in asked if not 1 <= number <= count]
    if missing:
        pages = "1 page" if count == 1 else f"{count} pages"
        msg = f"has {pages}, page {missing[0]} was asked for"
        raise Refused(msg)
    if not asked and count > MAX_PAGES:
        msg = f"has {count} pages, more than {MAX_PAGES}: ask for pages by their number"
        raise Refused(msg)
    return asked or list(range(1, count + 1))


def render_scale(width_pt: float, height_pt: float, number: int) -> float:
    """Pixels per point: 300 dpi, less where the page would have more than 12 million pixels."""
    if not (0 < width_pt <= MAX_SIDE_PT and 0 < height_pt <= MAX_SIDE_PT):
        msg = f"page {number} measures {width_pt:.0f} x {height_pt:.0f} pt, expected more than 0 and at most {MAX_SIDE_PT:.0f}"
        raise Refused(msg)
    return float(min(RESOLUTION / 72, (MAX_PIXELS / (width_pt * height_pt)) ** 0.5))


def render(path: str, asked: list[int]) -> None:
    """Sends the pages asked for (all of them if none is named), one by one."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        what = "is encrypted and asks for a password" if "password" in str(error).lower() else f"is no PDF that can be read ({error})"
        raise Refused(what) from error
    for number in numbers_wanted(asked, len(document)):
        allow_cpu_for_one_page()
        try:
            page = document[number - 1]
            width_pt, height_pt = page.get_size()
            bitmap = page.render(scale=render_scale(width_pt, height_pt, number), rev_byteorder=True)
        except pypdfium2.PdfiumError as error:
            msg = f"page {number} cannot be rendered ({error})"
            raise Refused(msg) from error
        size = {"width": bitmap.width, "height": bitmap.height, "stride": bitmap.stride, "channels": bitmap.n_channels}
        send({"page": number, **size, "scale": (bitmap.width / width_pt, bitmap.height / height_pt)}, bitmap.buffer)
        bitmap.close()
        page.close()


def main(arguments: list[str]) -> int:
    """Entry point: the file, then the page numbers."""
    limit_resources()
    allow_cpu_for_one_page()
    try:
        render(arguments[0], [int(number) for number in arguments[1:]])
    except Refused as refusal:
        send({"refused": str(refusal)})
    except MemoryError:
        send({"refused": f"asked for more than {MEMORY_LIMIT // 1024**3} GB of memory and was refused"})
    else:
        send({"done": True})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
