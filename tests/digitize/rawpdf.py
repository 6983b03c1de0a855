"""PDF files written by hand, object by object: plain ones, and such as strangers may send."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_pdf(path: Path, objects: list[bytes]) -> Path:
    """A PDF of these objects, numbered from 1; the first is its catalog."""
    content, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, rows)
    trailer = b"trailer <</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(content))
    path.write_bytes(content + table + trailer)
    return path


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%b /Length %d>>\nstream\n%b\nendstream" % (entries, len(content), content)


def form(content: bytes, resources: bytes) -> bytes:
    return stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Resources <<%b>>" % resources)


def one_page_pdf(
    path: Path, content: bytes, *more: bytes, resources: bytes = b"", box: bytes = b"0 0 612 792", entries: bytes = b""
) -> Path:
    leaf = b"<</Type /Page /Parent 2 0 R /MediaBox [%b] /Resources <<%b>> /Contents 4 0 R>>" % (box, resources)
    tree = b"<</Type /Pages /Kids [3 0 R] /Count 1>>"
    return write_pdf(path, [b"<</Type /Catalog /Pages 2 0 R>>", tree, leaf, stream(content, entries), *more])


def pages_pdf(path: Path, count: int, box: bytes = b"0 0 72 36") -> Path:
    """A PDF of several pages; page k has a black bar of k * 6 pt from the left edge."""
    kids = b" ".join(b"%d 0 R" % (3 + 2 * k) for k in range(count))
    objects = [b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Kids [%b] /Count %d>>" % (kids, count)]
    for k in range(count):
        objects.append(b"<</Type /Page /Parent 2 0 R /MediaBox [%b] /Contents %d 0 R>>" % (box, 4 + 2 * k))
        objects.append(stream(b"0 g 0 0 %d 36 re f" % (6 * (k + 1))))
    return write_pdf(path, objects)


HOSTILE = ("self", "doubling", "stream", "twice")
"""A form that draws itself, forms that each draw the next one twice, a stream and a stream of a stream that unfold without end."""


def hostile(tmp_path: Path, kind: str) -> Path:
    """A small file that would take all memory."""
    path = tmp_path / f"{kind}.pdf"
    if kind == "self":
        own = b"/XObject <</F 5 0 R>>"
        return one_page_pdf(path, b"/F Do", form(b"0 0 m 5 5 l S /F Do /F Do", own), resources=own)
    if kind == "doubling":
        chain = [form(b"/X Do /X Do", b"/XObject <</X %d 0 R>>" % (6 + k)) for k in range(25)]
        return one_page_pdf(path, b"/X Do", *chain, form(b"0 0 m 5 5 l S", b""), resources=b"/XObject <</X 5 0 R>>")
    if kind == "stream":
        return one_page_pdf(path, zlib.compress(b"0 0 m 9 9 l S\n" * 8_000_000, 9), entries=b"/Filter /FlateDecode")
    twice = zlib.compress(zlib.compress(b" " * (700 * 2**20), 1), 9)
    return one_page_pdf(path, twice, entries=b"/Filter [/FlateDecode /FlateDecode]")


def immense_picture(path: Path, side: int = 40_000) -> Path:
    """A page with one black picture of so many pixels a side, which takes a thousandth of them as bytes."""
    packer = zlib.compressobj(1)
    rows = bytes(side * 100)
    packed = b"".join([*(packer.compress(rows) for _ in range(side // 100)), packer.flush()])
    kind = b"/Type /XObject /Subtype /Image /BitsPerComponent 8 /ColorSpace /DeviceGray /Filter /FlateDecode"
    picture = stream(packed, b"%b /Width %d /Height %d" % (kind, side, side))
    return one_page_pdf(path, b"q 612 0 0 792 0 0 cm /I Do Q", picture, resources=b"/XObject <</I 5 0 R>>")


def picture(pixels: NDArray[np.uint8]) -> bytes:
    """An image XObject, lossless: (h, w, 3) in colour, (h, w) in grey, (h, w) of 0 and 1 in black and white."""
    space, bits, data = b"/DeviceRGB" if pixels.ndim == 3 else b"/DeviceGray", 8, pixels
    if pixels.ndim == 2 and pixels.max() <= 1:
        bits, data = 1, np.packbits(pixels, axis=1)
    size = b"/Width %d /Height %d /BitsPerComponent %d" % (pixels.shape[1], pixels.shape[0], bits)
    entries = b"/Type /XObject /Subtype /Image /ColorSpace %b %b /Filter /FlateDecode" % (space, size)
    return stream(zlib.compress(data.tobytes(), 6), entries)


SENTENCE = "The mean change of pain was smaller in patients who had been given the drug than in both others."


def text_page(path: Path, pictures: Sequence[tuple[NDArray[np.uint8], Sequence[float]]], more: bytes = b"", turned: int = 0) -> Path:
    """A page of running text with pictures, each with the matrix (six numbers, pt) that places it, and a caption at 300 pt."""
    rows = [SENTENCE] * 6
    places = [(72, 740 - 13 * k, text) for k, text in enumerate(rows)] + [(72, 120 - 13 * k, text) for k, text in enumerate(rows)]
    places += [(72, 300, "Figure 1. Pain at each visit. Means of two groups; error bars are mean \261 SEM, n = 12 per group.")]
    said = b"".join(b"BT /T 10 Tf %d %d Td (%b) Tj ET\n" % (x, y, text.encode("latin-1")) for x, y, text in places)
    drawn = b"".join(b"q %b cm /I%d Do Q\n" % (" ".join(f"{v:.4f}" for v in at).encode(), k) for k, (_, at) in enumerate(pictures))
    names = b" ".join(b"/I%d %d 0 R" % (k, 6 + k) for k in range(len(pictures)))
    resources = b"/XObject <<%b>> /Font <</T 5 0 R>>" % names
    font = b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>"
    leaf = b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Rotate %d /Resources <<%b>> /Contents 4 0 R>>" % (turned, resources)
    tree = b"<</Type /Pages /Kids [3 0 R] /Count 1>>"
    bodies = [picture(pixels) for pixels, _ in pictures]
    return write_pdf(path, [b"<</Type /Catalog /Pages 2 0 R>>", tree, leaf, stream(said + drawn + more), font, *bodies])
