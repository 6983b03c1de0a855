"""Files to pages: every kind of pixel becomes RGB, every bad file one line that names it."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from digitize import page as page_module
from digitize import pdf_worker
from digitize.page import UnreadableFile, read_pages, sha256
from tests.digitize.rawpdf import HOSTILE, hostile, one_page_pdf, pages_pdf

LETTER_PT = (612, 792)


def gradient() -> PIL.Image.Image:
    ramp = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (20, 1))
    return PIL.Image.fromarray(np.stack([ramp, ramp[::-1], 255 - ramp], axis=2))


def only_page(path: Path) -> np.ndarray:
    (page,) = read_pages(path)
    assert page.image.dtype == np.uint8
    assert page.image.ndim == 3
    assert page.image.shape[2] == 3
    return page.image


# Images


@pytest.mark.parametrize("suffix", ["png", "tiff", "bmp", "webp"])
def test_lossless_files_keep_every_pixel(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"figure.{suffix}"
    gradient().save(path, lossless=True)
    (page,) = read_pages(path)
    np.testing.assert_array_equal(page.image, np.asarray(gradient()))
    assert (page.file, page.number, page.medium, page.scale) == (path, 1, "raster", None)


def test_jpeg_and_gif_stay_close(tmp_path: Path) -> None:
    for suffix in ("jpg", "gif"):
        path = tmp_path / f"figure.{suffix}"
        gradient().save(path)
        difference = only_page(path).astype(int) - np.asarray(gradient()).astype(int)
        # JPEG at Pillow's default quality and a palette of 256 colours both move a grey value by a few steps.
        assert np.abs(difference).mean() < 6


def test_the_content_tells_the_format_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    gradient().save(path, format="BMP")
    np.testing.assert_array_equal(only_page(path), np.asarray(gradient()))
    np.testing.assert_array_equal(only_page(pages_pdf(tmp_path / "page.png", 1))[5, 5], [0, 0, 0])


def test_transparency_shows_white(tmp_path: Path) -> None:
    rgba = np.zeros((4, 6, 4), dtype=np.uint8)
    rgba[:, :3] = (10, 20, 30, 255)
    rgba[:, 3:] = (10, 20, 30, 0)
    PIL.Image.fromarray(rgba).save(tmp_path / "rgba.png")
    image = only_page(tmp_path / "rgba.png")
    np.testing.assert_array_equal(image[0, 0], [10, 20, 30])
    np.testing.assert_array_equal(image[0, 5], [255, 255, 255])
    palette = PIL.Image.fromarray(np.array([[0, 1]], dtype=np.uint8))
    palette.putpalette([0, 0, 0, 200, 0, 0])
    palette.save(tmp_path / "palette.png", transparency=0)
    np.testing.assert_array_equal(only_page(tmp_path / "palette.png")[0], [[255, 255, 255], [200, 0, 0]])


def test_one_bit_and_grey_become_rgb(tmp_path: Path) -> None:
    bits = np.array([[True, False, True]])
    PIL.Image.fromarray(bits).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(only_page(tmp_path / "bits.png")[0, :, 1], [255, 0, 255])
    PIL.Image.fromarray(np.array([[0, 128, 255]], dtype=np.uint8)).save(tmp_path / "grey.tif")
    np.testing.assert_array_equal(only_page(tmp_path / "grey.tif")[0, :, 2], [0, 128, 255])


def test_sixteen_bits_are_scaled_not_cut(tmp_path: Path) -> None:
    deep = np.array([[0, 257 * 100, 65535]], dtype=np.uint16)
    for suffix in ("png", "tif"):
        PIL.Image.fromarray(deep).save(tmp_path / f"deep.{suffix}")
        np.testing.assert_array_equal(only_page(tmp_path / f"deep.{suffix}")[0, :, 0], [0, 100, 255])
    PIL.Image.fromarray(np.array([[0.0, 0.5, 1.0]], dtype=np.float32)).save(tmp_path / "float.tif")
    np.testing.assert_array_equal(only_page(tmp_path / "float.tif")[0, :, 0], [0, 128, 255])


def test_cmyk_white_is_white(tmp_path: Path) -> None:
    PIL.Image.new("CMYK", (16, 16), (0, 0, 0, 0)).save(tmp_path / "print.jpg")
    assert only_page(tmp_path / "print.jpg").min() > 250
    PIL.Image.new("CMYK", (16, 16), (0, 0, 0, 255)).save(tmp_path / "print.tif")
    assert only_page(tmp_path / "print.tif").max() < 5


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    picture = PIL.Image.new("RGB", (30, 10), "white")
    picture.paste("black", (0, 0, 10, 10))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to show: the left end comes on top
    picture.save(tmp_path / "photo.png", exif=exif)
    image = only_page(tmp_path / "photo.png")
    assert image.shape == (30, 10, 3)
    assert image[2, 5].max() == 0
    assert image[27, 5].min() == 255


def test_frames_of_a_tiff_are_pages(tmp_path: Path) -> None:
    frames = [PIL.Image.new("L", (8, 8), shade) for shade in (10, 20, 30)]
    path = tmp_path / "scan.tiff"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert [(page.number, int(page.image[0, 0, 0])) for page in read_pages(path)] == [(1, 10), (2, 20), (3, 30)]
    assert [int(page.image[0, 0, 0]) for page in read_pages(path, [3, 1])] == [30, 10]
    with pytest.raises(UnreadableFile, match=r"^scan.tiff has 3 pages, page 4 was asked for$"):
        list(read_pages(path, [1, 4]))


def test_bad_images_name_the_file_and_the_cause(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "notes.png").write_text("Pain, VAS: 4.2\n")
    (tmp_path / "noise.jpg").write_bytes(bytes(range(256)) * 8)
    gradient().save(tmp_path / "whole.png")
    PIL.Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 40), dtype=np.uint8)).save(tmp_path / "noisy.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "noisy.png").read_bytes()[:900])
    for name, cause in {
        "empty.png": "is empty",
        "notes.png": "is a text file",
        "noise.jpg": "is in no format that can be read here",
        "cut.png": "is damaged: ",
        "absent.png": "does not exist",
    }.items():
        with pytest.raises(UnreadableFile) as raised:
            list(read_pages(tmp_path / name))
        assert name in str(raised.value)
        assert cause in str(raised.value)
        assert "\n" not in str(raised.value)
    with pytest.raises(UnreadableFile, match="is a folder"):
        read_pages(tmp_path)
    with pytest.raises(UnreadableFile, match=r"has 1 page, page 2 was asked for"):
        list(read_pages(tmp_path / "whole.png", [2]))
    with pytest.raises(UnreadableFile, match=r"expected page numbers from 1, got \[0\]"):
        read_pages(tmp_path / "whole.png", [0])


def png_of_size(path: Path, width: int, height: int) -> Path:
    """A PNG that says this size and holds one compressed byte: decoding it would fail, so the size must be seen first."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    path = png_of_size(tmp_path / "huge.png", side, side)
    with pytest.raises(UnreadableFile, match=r"huge.png has .*pixels"):
        list(read_pages(path))


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "figure.bin"
    path.write_bytes(b"readoff" * 1000)
    assert sha256(path) == hashlib.sha256(b"readoff" * 1000).hexdigest()


# PDF


def test_a_pdf_page_is_rendered_at_300_dpi_with_its_true_scale(tmp_path: Path) -> None:
    path = one_page_pdf(tmp_path / "page.pdf", b"1 0 0 rg 72 144 72 36 re f")
    (page,) = read_pages(path)
    height, width = page.image.shape[:2]
    assert page.scale is not None
    assert page.scale == pytest.approx((width / LETTER_PT[0], height / LETTER_PT[1]))
    assert page.scale[0] == pytest.approx(300 / 72, rel=1e-3)
    rows, columns = np.nonzero(page.image[:, :, 1] < 128)
    # The rectangle spans 72 to 144 pt from the left and 144 to 180 pt from the bottom; its edges fall within a pixel of those places.
    assert (columns.min(), columns.max() + 1) == pytest.approx((72 * page.scale[0], 144 * page.scale[0]), abs=1)
    assert (rows.min(), rows.max() + 1) == pytest.approx((612 * page.scale[1], 648 * page.scale[1]), abs=1)
    np.testing.assert_array_equal(page.image[620 * height // 792, 100 * width // 612], [255, 0, 0])


def test_a_large_page_is_rendered_coarser(tmp_path: Path) -> None:
    path = one_page_pdf(tmp_path / "poster.pdf", b"", box=b"0 0 2384 3370")
    (page,) = read_pages(path)
    assert page.image.shape[0] * page.image.shape[1] == pytest.approx(pdf_worker.MAX_PIXELS, rel=0.01)
    assert page.scale is not None
    assert page.scale[0] == pytest.approx(page.scale[1], rel=1e-3)


def test_pages_of_a_pdf_in_the_order_asked(tmp_path: Path) -> None:
    path = pages_pdf(tmp_path / "paper.pdf", 4)
    bars = {page.number: int((page.image[20, :, 0] < 128).sum()) for page in read_pages(path)}
    assert list(bars) == [1, 2, 3, 4]
    assert bars == pytest.approx({k: 25 * k for k in range(1, 5)}, abs=1)
    assert [page.number for page in read_pages(path, [3, 1])] == [3, 1]
    with pytest.raises(UnreadableFile, match=r"^paper.pdf has 4 pages, page 7 was asked for$"):
        list(read_pages(path, [7]))


def test_pages_come_one_by_one_and_stopping_early_ends_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def remembered(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(real(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remembered)
    pages = read_pages(pages_pdf(tmp_path / "long.pdf", 40, box=b"0 0 612 792"))
    assert next(pages).number == 1
    assert started[0].poll() is None  # 39 pages of 25 MB do not fit into the pipe: the worker waits
    pages.close()  # type: ignore[attr-defined]
    assert started[0].returncode is not None


def test_too_many_pages_must_be_asked_for(tmp_path: Path) -> None:
    path = pages_pdf(tmp_path / "book.pdf", pdf_worker.MAX_PAGES + 1)
    with pytest.raises(UnreadableFile, match="has 501 pages, more than 500"):
        list(read_pages(path))
    assert [page.number for page in read_pages(path, [501])] == [501]


def test_the_worker_imports_neither_opencv_nor_this_package(tmp_path: Path) -> None:
    code = "import sys, runpy; runpy.run_path(sys.argv[1]); print([m for m in ('cv2', 'numpy', 'digitize', 'PIL') if m in sys.modules])"
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    result = subprocess.run([sys.executable, "-c", code, pdf_worker.__file__], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout.strip() == "[]"


posix_only = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the system sets no memory limit for a process")


@posix_only
@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_pdf_that_unfolds_without_end_is_refused(tmp_path: Path, kind: str) -> None:
    path = hostile(tmp_path, kind)
    with pytest.raises(UnreadableFile, match=rf"^{kind}.pdf (asked for more than 2 GB of memory and was refused|.*refused)$"):
        list(read_pages(path))


@posix_only
def test_memory_of_the_worker_is_limited(small_limit: int) -> None:
    code = "import runpy, sys, resource; runpy.run_path(sys.argv[1])['limit_resources'](); print(resource.getrlimit(resource.RLIMIT_AS)[0])"
    result = subprocess.run([sys.executable, "-c", code, pdf_worker.__file__], capture_output=True, text=True, check=True)
    assert int(result.stdout) == small_limit


def test_a_huge_page_box_is_refused_before_rendering(tmp_path: Path) -> None:
    path = one_page_pdf(tmp_path / "wide.pdf", b"0 0 m 9 9 l S", box=b"0 0 2000000 2000000")
    with pytest.raises(UnreadableFile, match=r"^wide.pdf page 1 measures 2000000 x 2000000 pt, expected more than 0 and at most 14400$"):
        list(read_pages(path))


def test_an_overdue_worker_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = tmp_path / "worker.py"
    sleeper.write_text("import time; time.sleep(60)", encoding="utf-8")
    monkeypatch.setattr(pdf_worker, "__file__", str(sleeper))
    monkeypatch.setattr(page_module, "PAGE_SECONDS", 0.3)
    with pytest.raises(UnreadableFile, match=r"^slow.pdf took more than 0 s for one page and was refused$"):
        list(read_pages(pages_pdf(tmp_path / "slow.pdf", 1)))


def test_a_worker_that_dies_is_no_crash_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "worker.py"
    broken.write_text("import os; os._exit(3)", encoding="utf-8")
    monkeypatch.setattr(pdf_worker, "__file__", str(broken))
    with pytest.raises(UnreadableFile, match=r"^odd.pdf brought the PDF renderer down and was refused$"):
        list(read_pages(pages_pdf(tmp_path / "odd.pdf", 1)))


def test_damaged_and_encrypted_pdfs(tmp_path: Path) -> None:
    whole = pages_pdf(tmp_path / "whole.pdf", 1).read_bytes()
    (tmp_path / "cut.pdf").write_bytes(whole[:60])
    with pytest.raises(UnreadableFile, match=r"^cut.pdf is no PDF that can be read"):
        list(read_pages(tmp_path / "cut.pdf"))
    lock = b"<</Filter /Standard /V 1 /R 2 /O <%b> /U <%b> /P -4>>" % (b"11" * 32, b"22" * 32)
    locked = whole.replace(b"/Root 1 0 R", b"/Root 1 0 R /ID [<00><00>] /Encrypt " + lock)
    (tmp_path / "locked.pdf").write_bytes(locked)
    with pytest.raises(UnreadableFile, match=r"^locked.pdf is encrypted and asks for a password$"):
        list(read_pages(tmp_path / "locked.pdf"))


@pytest.mark.parametrize("dpi", [150, 200, 300])
def test_a_scan_keeps_its_own_pixels(tmp_path: Path, dpi: int) -> None:
    """A page that is one picture is not drawn anew at another resolution: that would blur every edge."""
    dots = np.random.default_rng(dpi).random((11 * dpi // 4, 8 * dpi // 4)) < 0.3
    picture = PIL.Image.fromarray(np.where(dots, 0, 255).astype(np.uint8)).convert("1")
    picture.save(tmp_path / "scan.pdf", resolution=dpi)
    (page,) = read_pages(tmp_path / "scan.pdf")
    assert page.medium == "raster"
    assert (page.image[:, :, 0] == np.asarray(picture) * 255).all()
    assert page.scale == pytest.approx((dpi / 72, dpi / 72), rel=1e-5)
