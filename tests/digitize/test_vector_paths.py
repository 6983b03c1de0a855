"""PDF pages as paths: coordinates, widths, colours and texts in pixels of the rendering, whatever crops, turns and nests them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from digitize import pdf_worker
from digitize.page import Page, read_pages
from digitize.vector.paths import Drawing, VectorPath, decode, expected_bytes
from digitize.vector.pieces import is_rectangle, pieces_of, strokes_of
from tests.digitize.rawpdf import stream, write_pdf

# PDFium keeps coordinates as 32-bit floats: 1e-4 px at most on a page of 3000 px.
EXACT = 1e-3
HALF_INWARD = np.array([0.5, 0.5, -0.5, -0.5])


def form(content: bytes, entries: bytes = b"") -> bytes:
    return stream(content, b"/Type /XObject /Subtype /Form /BBox [-1000 -1000 1000 1000] " + entries)


def one_page(path: Path, content: bytes, *more: bytes, page: bytes = b"/MediaBox [0 0 216 144]", resources: bytes = b"") -> Page:
    leaf = b"<</Type /Page /Parent 2 0 R %b /Resources <<%b>> /Contents 4 0 R>>" % (page, resources)
    tree = b"<</Type /Pages /Kids [3 0 R] /Count 1>>"
    write_pdf(path, [b"<</Type /Catalog /Pages 2 0 R>>", tree, leaf, stream(content), *more])
    (read,) = read_pages(path)
    return read


def px(page: Page, x: float, y: float, height_pt: float) -> tuple[float, float]:
    """A point of an upright, uncropped page in px."""
    assert page.scale is not None
    return x * page.scale[0] - 0.5, (height_pt - y) * page.scale[1] - 0.5


def ink_box(image: np.ndarray) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(image[:, :, 1] < 100)
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


def assert_path_covers_its_ink(page: Page, path: VectorPath) -> None:
    # Edges of a fill lie half a pixel outside the first and last pixel that it covers, give or take the pixel that it cuts.
    np.testing.assert_allclose(path.box + HALF_INWARD, ink_box(page.image), atol=0.75)


def test_a_path_with_its_look(tmp_path: Path) -> None:
    # The second path reaches beyond its clip: one that cuts nothing off is dropped by the renderer.
    content = b"1 0 0 RG 0 0.5 1 rg 2 w [4 2] 0 d 10 20 m 100 20 l 100 80 l h B 0 0 200 100 re W n 5 5 m 50 60 90 60 210 5 c S"
    page = one_page(tmp_path / "look.pdf", content)
    assert page.medium == "vector"
    first, curve = page.drawing.paths
    np.testing.assert_allclose(first.points[:3], [px(page, 10, 20, 144), px(page, 100, 20, 144), px(page, 100, 80, 144)], atol=EXACT)
    assert first.fill in ((0, 127, 255, 255), (0, 128, 255, 255))
    assert first.stroke == (255, 0, 0, 255)
    assert first.width == pytest.approx(2 * 300 / 72, rel=1e-3)
    assert first.dashes == pytest.approx((4 * 300 / 72, 2 * 300 / 72), rel=1e-3)
    assert first.clip is None
    assert (first.kinds & 4).any()
    assert curve.fill is None
    assert curve.clip == pytest.approx((*px(page, 0, 100, 144), *px(page, 200, 0, 144)), abs=EXACT)
    assert first.order < curve.order
    assert pieces_of([curve])[0].curved


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_paths_lie_on_their_ink_on_turned_and_cropped_pages(tmp_path: Path, turn: int) -> None:
    box = b"/MediaBox [-20 -10 220 180] /CropBox [5 15 215 150] /Rotate %d" % turn
    page = one_page(tmp_path / "turned.pdf", b"30 40 50 20 re f", page=box)
    (path,) = page.drawing.paths
    assert_path_covers_its_ink(page, path)
    wide, high = path.box[2] - path.box[0], path.box[3] - path.box[1]
    assert (wide > high) == (turn in (0, 180))


def test_nested_forms_compose_their_matrices_and_scale_widths(tmp_path: Path) -> None:
    inner = form(b"4 w 0 0 20 10 re f 0 30 m 20 30 l S", b"/Matrix [0.5 0 0 0.5 10 20]")
    outer = form(b"q 1 0 0 1 5 7 cm /I Do Q", b"/Resources <</XObject <</I 5 0 R>>>>")
    page = one_page(tmp_path / "nested.pdf", b"q 0 2 -2 0 150 10 cm /O Do Q", inner, outer, resources=b"/XObject <</O 6 0 R>>")
    filled, stroked = page.drawing.paths
    # A corner (u, v) of the inner form lands at (150 - 2 (v / 2 + 27), 10 + 2 (u / 2 + 15)).
    corners = [px(page, 150 - 2 * (v / 2 + 27), 10 + 2 * (u / 2 + 15), 144) for u, v in ((0, 0), (20, 10))]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    assert filled.box == pytest.approx((*low, *high), abs=EXACT)
    assert stroked.width == pytest.approx(4 * 0.5 * 2 * 300 / 72, rel=1e-3)


def test_a_marker_that_is_a_letter_becomes_its_circle(tmp_path: Path) -> None:
    font = b"<</Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats>>"
    content = b"BT 1 0 0 rg /F1 1 Tf 0 Tr 20 0 0 20 92.08 65.06 Tm (l) Tj ET"
    page = one_page(tmp_path / "dingbat.pdf", content, font, resources=b"/Font <</F1 5 0 R>>")
    (path,) = page.drawing.paths
    x, y = px(page, 92.08 + 0.396 * 20, 65.06 + 0.347 * 20, 144)
    assert ((path.box[0] + path.box[2]) / 2, (path.box[1] + path.box[3]) / 2) == pytest.approx((x, y), abs=EXACT)
    assert path.fill == (255, 0, 0, 255)
    # The bundled font's glyph is drawn to a hundredth of its size like the published one: 0.2 pt, 0.8 px.
    np.testing.assert_allclose(path.box + HALF_INWARD, ink_box(page.image), atol=1.5)


def test_texts_with_box_size_and_angle(tmp_path: Path) -> None:
    font = b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>"
    level = b"BT /F1 12 Tf 20 100 Td (Placebo 10) Tj 0 -40 Td (20) Tj 100 0 Td (30) Tj ET "
    content = level + b"q 0 1 -1 0 200 20 cm BT /F1 10 Tf (Score) Tj ET Q"
    page = one_page(tmp_path / "text.pdf", content, font, resources=b"/Font <</F1 5 0 R>>")
    found = {s.text: s for s in page.drawing.texts}
    assert set(found) == {"Placebo 10", "20", "30", "Score"}
    assert found["20"].size == pytest.approx(12 * 300 / 72, rel=1e-3)
    assert found["20"].degrees == pytest.approx(0)
    assert found["Score"].degrees == pytest.approx(90)
    x0, y0, x1, y1 = found["20"].box
    # Helvetica's digits are 0.72 em high and two of them 1.1 em wide.
    assert (x0, y1) == pytest.approx(px(page, 20.3, 60, 144), abs=2)
    assert (x1 - x0, y1 - y0) == pytest.approx((1.07 * 50, 0.72 * 50), abs=3)


def test_images_are_placed(tmp_path: Path) -> None:
    picture = stream(b"\x40", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray")
    page = one_page(tmp_path / "image.pdf", b"q 100 0 0 50 20 30 cm /P Do Q", picture, resources=b"/XObject <</P 5 0 R>>")
    assert page.drawing.paths == ()
    assert page.medium == "raster"
    assert page.drawing.images[0] == pytest.approx((*px(page, 20, 80, 144), *px(page, 120, 30, 144)), abs=EXACT)


def test_strokes_of_lines_thin_rectangles_and_open_frames(tmp_path: Path) -> None:
    content = b"10 20 m 10 60 l S 30 20 0.5 40 re f 50 20 m 50 60 l 90 60 l 90 20 l S 100 20 40 20 re S 5 5 m 9 60 l S"
    page = one_page(tmp_path / "strokes.pdf", content)
    pieces = pieces_of(page.drawing.paths)
    upright = [s for s in strokes_of(pieces) if s.upright]
    assert [s.at for s in upright] == pytest.approx([px(page, x, 0, 144)[0] for x in (10, 30.25, 50, 90)], abs=EXACT)
    assert upright[1].length == pytest.approx(40 * 300 / 72, rel=1e-3)
    assert [is_rectangle(p) for p in pieces] == [False, True, True, True, False]


# What cannot be listed


def test_too_many_objects_leave_the_rendering(tmp_path: Path) -> None:
    page = one_page(tmp_path / "many.pdf", b"10 20 50 20 re f\n" + b"0 0 m 9 9 l S\n" * pdf_worker.MAX_OBJECTS)
    assert page.drawing == Drawing(missing=f"the page holds more than {pdf_worker.MAX_OBJECTS} objects")
    assert page.medium == "raster"
    assert (page.image < 100).any()


def test_forms_too_deep_leave_the_rendering(tmp_path: Path) -> None:
    depth = pdf_worker.MAX_DEPTH + 2
    chain = [form(b"/X Do", b"/Resources <</XObject <</X %d 0 R>>>>" % (6 + k)) for k in range(depth)]
    page = one_page(tmp_path / "deep.pdf", b"/X Do", *chain, form(b"9 9 20 20 re f"), resources=b"/XObject <</X 5 0 R>>")
    assert "nested more than" in page.drawing.missing
    assert (page.image < 100).any()


DYING = "def send_drawing(page: Any, width: int, height: int) -> None:\n    import os\n    os._exit(3)\n\n\ndef _unused("


def test_a_worker_that_dies_of_the_paths_still_gives_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path(pdf_worker.__file__).read_text(encoding="utf-8")
    assert "def send_drawing(" in text
    copy = tmp_path / "worker.py"
    copy.write_text(text.replace("def send_drawing(", DYING), encoding="utf-8")
    leaf = b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Contents 5 0 R>>"
    tree = b"<</Type /Pages /Kids [3 0 R 4 0 R] /Count 2>>"
    write_pdf(tmp_path / "two.pdf", [b"<</Type /Catalog /Pages 2 0 R>>", tree, leaf, leaf, stream(b"0 0 36 36 re f")])
    monkeypatch.setattr(pdf_worker, "__file__", str(copy))
    pages = list(read_pages(tmp_path / "two.pdf"))
    assert [p.number for p in pages] == [1, 2]
    assert all((p.image < 100).any() and not p.drawing.paths and p.drawing.missing for p in pages)


def test_arrays_that_do_not_fit_are_refused() -> None:
    counts = {"paths": 1, "points": 2, "dashes": 0, "chars": 0}
    assert expected_bytes(counts) == 8 * (pdf_worker.PATH_FIELDS + 4) + 2
    row = np.zeros(pdf_worker.PATH_FIELDS)
    row[0] = 3
    with pytest.raises(ValueError, match="expected 3 points and 0 dashes, found 2 and 0"):
        decode(counts, row.tobytes() + bytes(8 * 4 + 2))
    with pytest.raises(ValueError, match="expected counts of 0 or more"):
        expected_bytes({**counts, "points": -1})
