"""Renders pages of one PDF or SVG, in a process of its own and under limits: files come from strangers, and the renderer has no sandbox.

An SVG drawing is checked, turned into a PDF by svg2pdf, and goes on as such. Started as a script by `digitize.page`; imports nothing but
the standard library, pypdfium2 and, for SVG, svg2pdf_py, so that it starts within a tenth of a second. Each message on standard output is
one line of JSON, followed by raw bytes where it announces them: for each page its pixels, then what is drawn on it as paths and characters
in pixels of that rendering (integer = centre of a pixel), then the surroundings of each large upright picture on it, pixel by pixel of the
picture. The pipe holds the next page back until the last one was taken.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import math
import re
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

MEMORY_LIMIT = 2 * 1024**3
CPU_SECONDS_PER_PAGE = 45
RESOLUTION = 300.0
MAX_PIXELS = 12e6
MAX_SIDE_PT = 14400.0
"""The largest page that the PDF specification's implementation limits allow, 200 inches."""
MAX_PAGES = 500
FIRST_OBJECTS = 20
"""Objects of a page among which a scan is looked for: text that was recognised in it may lie over it, seldom under it."""
HAIR = 2e-5
SCANS = (90.0, 450.0)
"""Dots per inch between which a scan is taken as it is."""
MAX_PICTURES = 8
"""Pictures of a page that are sent in their own pixels at most, the largest ones."""
MAX_PICTURE_PIXELS = 24e6
"""Pixels of all pictures of a page together; each has at most MAX_PIXELS."""
MAX_SOURCE_PIXELS = 100e6
"""Pixels of a picture as it is stored, each of which is unpacked once more for it to be sent."""
LEAST_PICTURE_PT = 60.0
"""The side of the smallest picture that may show a plot."""
BESIDE_PT = 36.0
"""What is rendered around a picture: names and letters of panels may stand beside it as text."""
STRETCH = 0.1
"""Share by which the pixels of a picture may be longer than wide."""
SVG_RESOLUTION = 225.0
"""Dots per point of the PDF that stands for an SVG drawing: its unit, a ninety-sixth of an inch, becomes a point there."""
MAX_SVG_BYTES = 20_000_000
MAX_SVG_ELEMENTS = 300_000
MAX_SVG_DEPTH = 60
FALLBACK_FONT = "DejaVu Sans"
FONT_LISTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(\bfont-family\s*=\s*\"[^\"<>]+)",
        r"(\bfont-family\s*=\s*'[^'<>]+)",
        r"((?<![\w-])font(?:-family)?\s*:\s*(?:[^;\"'{}<>]|'[^'<>]*'(?=\s*[,;\"}]))+)",
    )
)
"""Fonts in attributes of either quote, and in styles, where names may be quoted."""
ROOT = re.compile(r"(<(?:\w+:)?svg\b)[^>]*>")
INLINE_PICTURES = ("data:image/png", "data:image/jpeg", "data:image/jpg", "data:image/gif", "data:image/webp")
MAX_OBJECTS = 60_000
MAX_POINTS = 600_000
MAX_CHARS = 60_000
MAX_DEPTH = 12
DRAWING_SECONDS = 12.0
PATH_FIELDS = 18
"""Numbers of each path: points, dashes, filled, stroked, fill RGBA, stroke RGBA, width, clip x0 y0 x1 y1, and 1 where it is an image."""
CHAR_FIELDS = 7
"""Numbers of each character: code point, box x0 y0 x1 y1, angle, font size."""


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


def send(message: dict[str, Any], *parts: Any) -> None:
    """One message to the parent, with the bytes that follow it."""
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    for part in parts:
        sys.stdout.buffer.write(part)
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


def render_scale(width_pt: float, height_pt: float, number: int, resolution: float = RESOLUTION) -> float:
    """Pixels per point: 300 dpi, less where the page would have more than 12 million pixels."""
    if not (0 < width_pt <= MAX_SIDE_PT and 0 < height_pt <= MAX_SIDE_PT):
        msg = f"page {number} measures {width_pt:.0f} x {height_pt:.0f} pt, expected more than 0 and at most {MAX_SIDE_PT:.0f}"
        raise Refused(msg)
    return float(min(resolution / 72, (MAX_PIXELS / (width_pt * height_pt)) ** 0.5))


Matrix = tuple[float, float, float, float, float, float]


def then(first: Matrix, second: Matrix) -> Matrix:
    """The affine map that applies `first`, then `second`."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


Picture = tuple[Matrix, int, int]
"""How a picture lies on the page, from its unit square to pixels of the rendering, and its own width and height in pixels."""


class TooMuch(Exception):
    """The page draws more than is taken; the message says what."""


class Drawing:
    """Everything that one page draws, as flat arrays; forms are unfolded and their matrices composed."""

    def __init__(self, page: Any, width: int, height: int) -> None:
        import pypdfium2.raw as raw

        self.raw, self.page = raw, page
        self.to_px = self._page_to_px(width, height)
        self.paths, self.points, self.dashes, self.chars = array("d"), array("d"), array("d"), array("d")
        self.kinds = array("B")
        self.pictures: list[Picture] = []
        self.n_objects = 0
        self.ends_at = time.monotonic() + DRAWING_SECONDS
        self.x, self.y = ctypes.c_float(), ctypes.c_float()
        self.text = page.get_textpage()
        self._walk(raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject, page.raw, self.to_px, None, 0)
        self._read_chars()

    def _page_to_px(self, width: int, height: int) -> Matrix:
        """Page space, which knows no crop and no rotation, to the rendering, which has both."""
        box = self.raw.FS_RECTF()
        self.raw.FPDF_GetPageBoundingBox(self.page.raw, box)
        left, right, bottom, top = box.left, box.right, box.bottom, box.top
        w, h = right - left, top - bottom
        turned: tuple[Matrix, ...] = (
            (1 / w, 0, 0, -1 / h, -left / w, top / h),
            (0, 1 / w, 1 / h, 0, -bottom / h, -left / w),
            (-1 / w, 0, 0, 1 / h, right / w, -bottom / h),
            (0, -1 / w, -1 / h, 0, top / h, right / w),
        )
        return then(turned[self.raw.FPDFPage_GetRotation(self.page.raw) % 4], (width, 0, 0, height, -0.5, -0.5))

    def _walk(self, count: Callable[..., int], get: Callable[..., Any], parent: Any, at: Matrix, clip: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            msg = f"forms nested more than {MAX_DEPTH} deep"
            raise TooMuch(msg)
        raw = self.raw
        for k in range(count(parent)):
            self._count()
            each = get(parent, k)
            kind = raw.FPDFPageObj_GetType(each)
            own_clip = self._clip(each, at, clip)
            if kind == raw.FPDF_PAGEOBJ_PATH:
                self._add_path(each, at, own_clip)
            elif kind == raw.FPDF_PAGEOBJ_FORM:
                own = then(self._matrix(each), at)
                self._walk(raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, each, own, own_clip, depth + 1)
            elif kind == raw.FPDF_PAGEOBJ_IMAGE:
                self._add_image(each, at, own_clip)
            elif kind == raw.FPDF_PAGEOBJ_TEXT:
                self._add_dingbat(each, at, own_clip)

    def _count(self) -> None:
        self.n_objects += 1
        if self.n_objects > MAX_OBJECTS:
            msg = f"more than {MAX_OBJECTS} objects"
            raise TooMuch(msg)
        if self.n_objects % 500 == 0 and time.monotonic() > self.ends_at:
            msg = f"more than {DRAWING_SECONDS:.0f} s to list its objects"
            raise TooMuch(msg)

    def _matrix(self, each: Any) -> Matrix:
        m = self.raw.FS_MATRIX()
        self.raw.FPDFPageObj_GetMatrix(each, m)
        return m.a, m.b, m.c, m.d, m.e, m.f

    def _points(self, n: int, segment: Callable[[int], Any], m: Matrix) -> list[tuple[float, float, int]]:
        """Points (x, y, kind) of a path: kind 0 moves, 1 draws a line, 2 belongs to a curve; 4 is added where it closes."""
        if n + len(self.kinds) > MAX_POINTS:
            msg = f"more than {MAX_POINTS} points"
            raise TooMuch(msg)
        raw, x, y = self.raw, self.x, self.y
        kinds = {raw.FPDF_SEGMENT_MOVETO: 0, raw.FPDF_SEGMENT_LINETO: 1, raw.FPDF_SEGMENT_BEZIERTO: 2}
        found = []
        for k in range(n):
            s = segment(k)
            raw.FPDFPathSegment_GetPoint(s, x, y)
            kind = kinds.get(raw.FPDFPathSegment_GetType(s), 0) + 4 * bool(raw.FPDFPathSegment_GetClose(s))
            found.append((m[0] * x.value + m[2] * y.value + m[4], m[1] * x.value + m[3] * y.value + m[5], kind))
        return found

    def _clip(self, each: Any, at: Matrix, outer: Any) -> Any:
        """Box that an object's clip paths leave of the outer one; None where nothing clips."""
        raw = self.raw
        path = raw.FPDFPageObj_GetClipPath(each)
        for i in range(raw.FPDFClipPath_CountPaths(path) if path else 0):
            n = raw.FPDFClipPath_CountPathSegments(path, i)
            points = self._points(max(0, n), lambda k, i=i: raw.FPDFClipPath_GetPathSegment(path, i, k), at)  # type: ignore[misc]
            if points:
                xs, ys = [p[0] for p in points], [p[1] for p in points]
                box = (min(xs), min(ys), max(xs), max(ys))
                if outer is not None:
                    box = (max(box[0], outer[0]), max(box[1], outer[1]), min(box[2], outer[2]), min(box[3], outer[3]))
                outer = box
        return outer

    def _color(self, get: Callable[..., Any], each: Any) -> tuple[int, int, int, int]:
        r, g, b, a = (ctypes.c_uint() for _ in range(4))
        return (r.value, g.value, b.value, a.value) if get(each, r, g, b, a) else (0, 0, 0, 255)

    def _add(
        self, points: list[tuple[float, float, int]], dashes: list[float], look: tuple[float, ...], clip: Any, *, image: bool = False
    ) -> None:
        nowhere = (math.nan,) * 4
        self.paths.extend((len(points), len(dashes), *look, *(nowhere if clip is None else clip), float(image)))
        self.dashes.extend(dashes)
        for x, y, kind in points:
            self.points.extend((x, y))
            self.kinds.append(kind)

    def _add_path(self, each: Any, at: Matrix, clip: Any) -> None:
        raw, m = self.raw, then(self._matrix(each), at)
        points = self._points(max(0, raw.FPDFPath_CountSegments(each)), lambda k: raw.FPDFPath_GetPathSegment(each, k), m)
        mode, stroked, width = ctypes.c_int(), raw.FPDF_BOOL(), ctypes.c_float()
        raw.FPDFPath_GetDrawMode(each, mode, stroked)
        raw.FPDFPageObj_GetStrokeWidth(each, width)
        per_unit = math.sqrt(abs(m[0] * m[3] - m[1] * m[2]))
        n_dashes = min(16, max(0, raw.FPDFPageObj_GetDashCount(each)))
        lengths = (ctypes.c_float * max(1, n_dashes))()
        if n_dashes:
            raw.FPDFPageObj_GetDashArray(each, lengths, n_dashes)
        fill, stroke = self._color(raw.FPDFPageObj_GetFillColor, each), self._color(raw.FPDFPageObj_GetStrokeColor, each)
        look = (float(mode.value != 0), float(bool(stroked.value)), *fill, *stroke, width.value * per_unit)
        self._add(points, [v * per_unit for v in lengths[:n_dashes]], look, clip)

    def _add_image(self, each: Any, at: Matrix, clip: Any) -> None:
        m = then(self._matrix(each), at)
        corners = [(m[0] * u + m[2] * v + m[4], m[1] * u + m[3] * v + m[5], min(1, u + v)) for u, v in ((0, 0), (1, 0), (1, 1), (0, 1))]
        self._add(corners, [], (0.0,) * 11, clip, image=True)
        wide, high = ctypes.c_uint(), ctypes.c_uint()
        if self.raw.FPDFImageObj_GetImagePixelSize(each, wide, high):
            self.pictures.append((m, wide.value, high.value))

    def _add_dingbat(self, each: Any, at: Matrix, clip: Any) -> None:
        """A black circle of ZapfDingbats as the path that it stands for: some programs stamp their markers as this letter."""
        raw = self.raw
        name, text, size = ctypes.create_string_buffer(64), (ctypes.c_ushort * 4)(), ctypes.c_float()
        raw.FPDFFont_GetBaseFontName(raw.FPDFTextObj_GetFont(each), name, 64)
        if b"Dingbats" not in name.value:
            return
        raw.FPDFTextObj_GetText(each, self.text.raw, text, 8)
        if list(text[:2]) != [0x25CF, 0]:
            return
        raw.FPDFTextObj_GetFontSize(each, size)
        # Box of this glyph in the font's published metrics: 35 -14 757 708, in thousandths of the font size.
        m = then((0.361 * size.value, 0, 0, 0.361 * size.value, 0.396 * size.value, 0.347 * size.value), then(self._matrix(each), at))
        k = 0.5522847498
        arcs = [(1, 0), (1, k), (k, 1), (0, 1), (-k, 1), (-1, k), (-1, 0), (-1, -k), (-k, -1), (0, -1), (k, -1), (1, -k), (1, 0)]
        kinds = [0, *[2] * 11, 6]
        points = [(m[0] * u + m[2] * v + m[4], m[1] * u + m[3] * v + m[5], kind) for (u, v), kind in zip(arcs, kinds, strict=True)]
        mode, width = raw.FPDFTextObj_GetTextRenderMode(each), ctypes.c_float()
        raw.FPDFPageObj_GetStrokeWidth(each, width)
        fill, stroke = self._color(raw.FPDFPageObj_GetFillColor, each), self._color(raw.FPDFPageObj_GetStrokeColor, each)
        per_unit = math.sqrt(abs(at[0] * at[3] - at[1] * at[2]))
        self._add(points, [], (float(mode in (0, 2)), float(mode in (1, 2)), *fill, *stroke, width.value * per_unit), clip)

    def _read_chars(self) -> None:
        raw, text, m = self.raw, self.text.raw, self.to_px
        n = self.text.count_chars()
        if n > MAX_CHARS:
            msg = f"more than {MAX_CHARS} characters"
            raise TooMuch(msg)
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        own = raw.FS_MATRIX()
        for k in range(n):
            raw.FPDFText_GetCharBox(text, k, left, right, bottom, top)
            u, v = (left.value, right.value), (bottom.value, top.value)
            xs = sorted(m[0] * a + m[2] * b + m[4] for a, b in zip(u, v, strict=True))
            ys = sorted(m[1] * a + m[3] * b + m[5] for a, b in zip(u, v, strict=True))
            raw.FPDFText_GetMatrix(text, k, own)
            glyph = then((own.a, own.b, own.c, own.d, own.e, own.f), m)
            size = raw.FPDFText_GetFontSize(text, k) * math.sqrt(abs(glyph[0] * glyph[3] - glyph[1] * glyph[2]))
            self.chars.extend((raw.FPDFText_GetUnicode(text, k), xs[0], ys[0], xs[1], ys[1], math.atan2(-glyph[1], glyph[0]), size))

    def send(self, n_pictures: int) -> None:
        """Sends it: the counts, then all arrays one after the other; `n_pictures` messages with pictures follow."""
        counts = {"paths": len(self.paths) // PATH_FIELDS, "points": len(self.kinds), "dashes": len(self.dashes)}
        counts["chars"] = len(self.chars) // CHAR_FIELDS
        parts = (self.paths, self.points, self.dashes, self.chars, self.kinds)
        send({"drawing": counts, "pictures": n_pictures}, *(part.tobytes() for part in parts))


def send_drawing(page: Any, width: int, height: int, *, with_pictures: bool) -> None:
    """Sends what the page draws, or why that is not known, and its pictures."""
    try:
        drawing = Drawing(page, width, height)
    except TooMuch as excess:
        send({"no_drawing": f"the page holds {excess}"})
        return
    except (MemoryError, ArithmeticError, RuntimeError) as error:
        send({"no_drawing": f"its paths cannot be listed ({type(error).__name__})"})
        return
    per_pt = (width / page.get_size()[0], height / page.get_size()[1])
    pieces = pieces_of(drawing.pictures, (width, height), per_pt) if with_pictures else []
    drawing.send(len(pieces))
    for piece in pieces:
        send_piece(page, piece, per_pt)


class Piece:
    """A part of a page around one picture, in the picture's own pixels: its size, and how many of them one pixel of the page has.

    Pixel (x, y) of the page lies at ((x - left) * x_scale, (y - top) * y_scale), where integers are centres of pixels in both.
    """

    def __init__(self, picture: Picture, page_size: tuple[int, int], per_pt: tuple[float, float], beside_pt: float) -> None:
        m, wide, high = picture
        # The finest pictures are more than marks are sought in: so many of their pixels are averaged, along both axes.
        each = math.ceil(72 * per_pt[0] * wide / m[0] / SCANS[1])
        wide, high = math.ceil(wide / each), math.ceil(high / each)
        beside = (beside_pt * per_pt[0], beside_pt * per_pt[1])
        self.x_scale, self.y_scale = wide / m[0], high / -m[3]
        # Edges of the picture and of the page, from the page's own left and upper edge.
        left, top = m[4] + 0.5, m[5] + m[3] + 0.5
        right, bottom = left + m[0], top - m[3]
        before_x, after_x = (_whole(min(v, beside[0]) * self.x_scale) for v in (left, page_size[0] - right))
        before_y, after_y = (_whole(min(v, beside[1]) * self.y_scale) for v in (top, page_size[1] - bottom))
        self.width, self.height = wide + before_x + after_x, high + before_y + after_y
        self.middle = (before_x + wide / 2, before_y + high / 2)
        self.hair = (0.04 / wide, 0.04 / high)
        self.edges = (left - before_x / self.x_scale, top - before_y / self.y_scale)
        self.own = (before_x, before_y, before_x + wide - 1, before_y + high - 1)

    @property
    def place(self) -> tuple[float, float, float, float]:
        """`left`, `top`, `x_scale` and `y_scale`."""
        return self.edges[0] - 0.5 + 0.5 / self.x_scale, self.edges[1] - 0.5 + 0.5 / self.y_scale, self.x_scale, self.y_scale


def _whole(room: float) -> int:
    """How many pixels fit."""
    return max(0, math.floor(room + 1e-3))


def is_upright(picture: Picture) -> bool:
    """Whether a picture stands on the page as it is stored, neither turned nor mirrored, in pixels about square and not too many."""
    m, wide, high = picture
    if not (m[0] > 0 > m[3] and 0 < wide * high <= MAX_SOURCE_PIXELS and abs(m[1]) < 1e-3 * m[0] and abs(m[2]) < -1e-3 * m[3]):
        return False
    return abs(wide / m[0] + high / m[3]) < STRETCH * wide / m[0]


def pieces_of(pictures: list[Picture], page_size: tuple[int, int], per_pt: tuple[float, float]) -> list[Piece]:
    """The surroundings of a page's pictures that are large and upright and within the page."""
    found: list[Piece] = []
    for picture in sorted(pictures, key=lambda p: p[0][0] * p[0][3])[:MAX_PICTURES]:
        m = picture[0]
        is_large = min(m[0] / per_pt[0], -m[3] / per_pt[1]) >= LEAST_PICTURE_PT
        if not (is_large and is_upright(picture)):
            continue
        if m[4] < -1 or m[5] + m[3] < -1 or m[4] + m[0] > page_size[0] or m[5] > page_size[1]:
            continue
        for beside in (BESIDE_PT, 0.0):
            piece = Piece(picture, page_size, per_pt, beside)
            if piece.width * piece.height <= MAX_PIXELS:
                break
        size = piece.width * piece.height
        if size <= MAX_PIXELS and size + sum(p.width * p.height for p in found) <= MAX_PICTURE_PIXELS:
            found.append(piece)
    return found


def send_piece(page: Any, piece: Piece, per_pt: tuple[float, float]) -> None:
    """Sends the surroundings of a picture, rendered pixel by pixel of it: its own pixels, and all that lies over and beside them."""
    (x_scale, y_scale), (left, top) = (piece.x_scale, piece.y_scale), piece.edges
    matrix = [x_scale * per_pt[0], y_scale * per_pt[1], -left * x_scale, -top * y_scale]
    # The renderer rounds a picture's place outwards: a hair less keeps it from growing by a pixel.
    for k in (0, 1):
        matrix[k] *= 1 - piece.hair[k]
        matrix[2 + k] += (piece.middle[k] - matrix[2 + k]) * piece.hair[k]
    bitmap = rendered(page, piece.width, piece.height, (matrix[0], 0, 0, matrix[1], matrix[2], matrix[3]))
    size = {"width": bitmap.width, "height": bitmap.height, "stride": bitmap.stride, "channels": bitmap.n_channels}
    send({"picture": piece.place, "own": piece.own, **size}, bitmap.buffer)


class SvgCheck:
    """Looks through an SVG drawing before anything is made of it: nothing of it may unfold, nest without end or lie elsewhere."""

    def __init__(self, data: bytes) -> None:
        self.depth = self.count = 0
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._open, self._close
        parser.EntityDeclHandler = self._entity
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            msg = f"is no SVG that can be read ({error})"
            raise Refused(msg) from error

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_SVG_DEPTH or self.count > MAX_SVG_ELEMENTS:
            msg = f"has more than {MAX_SVG_ELEMENTS} elements, or some nested more than {MAX_SVG_DEPTH} deep, and was refused"
            raise Refused(msg)
        if name.rpartition(":")[2] == "a":
            return  # a link for a reader to follow
        for key, value in attributes.items():
            target = value.strip()
            if key.rpartition(":")[2] == "href" and not target.startswith("#") and not _is_inline_picture(target):
                msg = f"refers to something outside itself ({target[:60]!r}) and was refused"
                raise Refused(msg)

    def _close(self, _: str) -> None:
        self.depth -= 1

    def _entity(self, name: str, *_: Any) -> None:
        msg = f"declares an entity of its own ({name[:60]!r}) and was refused"
        raise Refused(msg)


def _is_inline_picture(target: str) -> bool:
    """Whether a reference holds its own pixels; a drawing within a drawing could refer to anything."""
    kind, _, _ = target.partition(";")
    return kind.lower() in INLINE_PICTURES


def svg_as_pdf(path: str) -> bytes:
    """The PDF that shows the same as an SVG drawing: its paths as paths, its text as text."""
    with Path(path).open("rb") as file:
        data = file.read(MAX_SVG_BYTES + 1)
    if len(data) > MAX_SVG_BYTES:
        msg = f"has more than {MAX_SVG_BYTES // 1_000_000} million bytes and was refused"
        raise Refused(msg)
    SvgCheck(data)
    try:
        import svg2pdf_py
    except ImportError as error:
        msg = "is an SVG drawing, for which svg2pdf-py must be installed (pip install 'readoff[svg]')"
        raise Refused(msg) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = "is an SVG drawing that is not written in UTF-8"
        raise Refused(msg) from error
    try:
        return bytes(svg2pdf_py.svg_to_pdf(with_fallback(text), _fonts(svg2pdf_py)))
    except Exception as error:
        msg = f"is no SVG that can be read ({error})"
        raise Refused(msg) from error


def with_fallback(svg: str) -> str:
    """The drawing, each of whose lists of fonts ends with one that is always there: text in a font that is not would not show at all."""
    for pattern in FONT_LISTS:
        svg = pattern.sub(lambda found: f"{found[1]}, {FALLBACK_FONT}", svg)
    root = ROOT.search(svg)
    if root is None or "font-family" in root[0]:
        return svg
    return f'{svg[: root.end(1)]} font-family="{FALLBACK_FONT}"{svg[root.end(1) :]}'


def _fonts(library: Any) -> Any:
    """The system's fonts, and those that come with matplotlib where there are none."""
    fonts = library.FontDatabase.system()
    found = importlib.util.find_spec("matplotlib")
    for place in (found.submodule_search_locations or []) if found is not None else []:
        folder = Path(place) / "mpl-data" / "fonts" / "ttf"
        if folder.is_dir():
            fonts.load_fonts_dir(str(folder))
    return fonts


def scan_size(page: Any) -> tuple[int, int] | None:
    """Width and height in pixels of a picture that is the whole page, as a scan is; None where there is none."""
    import pypdfium2.raw as raw

    left, bottom, right, top = page.get_bbox()
    matrix, wide, high = raw.FS_MATRIX(), ctypes.c_uint(), ctypes.c_uint()
    if raw.FPDFPage_GetRotation(page.raw):
        return None
    for k in range(min(raw.FPDFPage_CountObjects(page.raw), FIRST_OBJECTS)):
        each = raw.FPDFPage_GetObject(page.raw, k)
        if raw.FPDFPageObj_GetType(each) != raw.FPDF_PAGEOBJ_IMAGE or not raw.FPDFPageObj_GetMatrix(each, matrix):
            continue
        fills = max(abs(matrix.e - left), abs(matrix.f - bottom), abs(matrix.a - right + left), abs(matrix.d - top + bottom)) < 1.0
        is_upright = abs(matrix.b) < 1e-3 > abs(matrix.c)
        if fills and is_upright and raw.FPDFImageObj_GetImagePixelSize(each, wide, high):
            along, across = 72 * wide.value / matrix.a, 72 * high.value / matrix.d
            is_plain = SCANS[0] < along < SCANS[1] and abs(along - across) < 0.01 * along
            return (wide.value, high.value) if is_plain and wide.value * high.value <= MAX_PIXELS else None
    return None


def as_scanned(page: Any, wide: int, high: int) -> Any:
    """A page that is one picture, rendered pixel by pixel of the picture: at any other resolution its edges would blur."""
    width_pt, height_pt = page.get_size()
    # The renderer rounds a picture's place outwards: a hair less keeps it from growing by a pixel.
    return rendered(page, wide, high, (wide / width_pt * (1 - HAIR), 0, 0, high / height_pt * (1 - HAIR), 0, 0))


def rendered(page: Any, wide: int, high: int, at: Matrix) -> Any:
    """A bitmap of so many pixels on which points of the page, from its upper left corner, lie as an affine map says."""
    import pypdfium2
    import pypdfium2.raw as raw

    bitmap = pypdfium2.PdfBitmap.new_native(wide, high, raw.FPDFBitmap_BGR)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, wide, high)
    flags = raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER
    raw.FPDF_RenderPageBitmapWithMatrix(bitmap.raw, page.raw, raw.FS_MATRIX(*at), raw.FS_RECTF(0, 0, wide, high), flags)
    return bitmap


def render(path: str, asked: list[int], *, with_drawing: bool, is_svg: bool) -> None:
    """Sends the pages asked for (all of them if none is named), one by one, each with its drawing or none at all."""
    import pypdfium2

    resolution = SVG_RESOLUTION if is_svg else RESOLUTION
    try:
        document = pypdfium2.PdfDocument(svg_as_pdf(path) if is_svg else path)
    except pypdfium2.PdfiumError as error:
        what = "is encrypted and asks for a password" if "password" in str(error).lower() else f"is no PDF that can be read ({error})"
        raise Refused(what) from error
    numbers = numbers_wanted(asked, len(document))
    for k, number in enumerate(numbers):
        allow_cpu_for_one_page()
        try:
            page = document[number - 1]
            width_pt, height_pt = page.get_size()
            scale = render_scale(width_pt, height_pt, number, resolution)
            scanned = scan_size(page)
            bitmap = page.render(scale=scale, rev_byteorder=True) if scanned is None else as_scanned(page, *scanned)
        except pypdfium2.PdfiumError as error:
            msg = f"page {number} cannot be rendered ({error})"
            raise Refused(msg) from error
        size = {"width": bitmap.width, "height": bitmap.height, "stride": bitmap.stride, "channels": bitmap.n_channels}
        per_pt = (bitmap.width / width_pt, bitmap.height / height_pt)
        send({"page": number, **size, "scale": per_pt, "left": numbers[k + 1 :]}, bitmap.buffer)
        if with_drawing:
            send_drawing(page, bitmap.width, bitmap.height, with_pictures=scanned is None)
        else:
            send({"no_drawing": "another page's paths could not be listed"})


def main(arguments: list[str]) -> int:
    """Entry point: the file, `pdf` or `svg`, `drawing` or `pixels` for what is wanted of each page, then the page numbers."""
    limit_resources()
    allow_cpu_for_one_page()
    try:
        numbers = [int(number) for number in arguments[3:]]
        render(arguments[0], numbers, with_drawing=arguments[2] == "drawing", is_svg=arguments[1] == "svg")
    except Refused as refusal:
        send({"refused": str(refusal)})
    except MemoryError:
        send({"refused": f"asked for more than {MEMORY_LIMIT // 1024**3} GB of memory and was refused"})
    else:
        send({"done": True})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
