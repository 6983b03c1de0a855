"""PDF files written by hand, object by object: plain ones, and such as strangers may send."""

from __future__ import annotations

import zlib
from pathlib import Path


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
