"""Text of drawn figures: every label found once, in its place, with its sign and its decimal point."""

from __future__ import annotations

import importlib.util
import io
import itertools
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from digitize import ocr, recognition, textboxes
from digitize.ocr import ModelNotFound, TextBox, find_text, read_box
from digitize.recognition import normalise_number
from digitize.textboxes import find_ink, find_lines

FONT = font_manager.findfont("DejaVu Sans")
WHITE = (255, 255, 255)


def canvas(width: int = 400, height: int = 200, ground: tuple[int, int, int] = WHITE) -> PIL.Image.Image:
    return PIL.Image.new("RGB", (width, height), ground)


def write(
    picture: PIL.Image.Image, place: tuple[int, int], text: str, size: float = 16, fill: tuple[int, int, int] = (0, 0, 0), turn: int = 0
) -> tuple[int, int, int, int]:
    """Writes the text with its upper left corner about there, turned by so many degrees, and returns the extent of its ink."""
    font = PIL.ImageFont.truetype(FONT, size)
    width, height = (int(v) + 8 for v in font.getbbox(text)[2:])
    layer = PIL.Image.new("L", (width, height), 0)
    PIL.ImageDraw.Draw(layer).text((4, 2), text, font=font, fill=255)
    layer = layer.rotate(turn, expand=True)
    picture.paste(fill, place, layer)
    rows, columns = np.nonzero(np.asarray(layer) > 100)
    return int(columns.min()) + place[0], int(rows.min()) + place[1], int(columns.max()) + place[0], int(rows.max()) + place[1]


def boxes_of(picture: PIL.Image.Image) -> list[TextBox]:
    boxes: list[TextBox] = find_text(np.asarray(picture))
    return boxes


def texts_of(picture: PIL.Image.Image) -> list[str]:
    return sorted(box.text for box in boxes_of(picture))


# Finding


@pytest.mark.parametrize("size", [11, 16, 40])
def test_numbers_of_an_axis_are_found_with_sign_and_point(size: int) -> None:
    labels = ["-1.5", "−0.5", "0", "0.25", "1", "10", "125"]
    picture = canvas(200 + size, 4 * size * len(labels))
    drawn = [write(picture, (40, 10 + 4 * size * k), label, size) for k, label in enumerate(labels)]
    found = boxes_of(picture)
    assert [box.number for box in found] == ["-1.5", "-0.5", "0", "0.25", "1", "10", "125"]
    for box, ink in zip(found, drawn, strict=True):
        # Anti-aliased edge pixels belong to the ink or not, as the threshold falls.
        assert box.box == pytest.approx(ink, abs=1.5)
        assert box.rotation == 0
        assert box.number_confidence > 0.8
        assert box.height == pytest.approx(0.73 * size, abs=1.5)  # the height of DejaVu's digits is 0.73 em


def test_place_follows_the_text() -> None:
    first, second = canvas(), canvas()
    write(first, (50, 60), "7.5")
    write(second, (87, 81), "7.5")
    (a,), (b,) = boxes_of(first), boxes_of(second)
    assert np.subtract(b.box, a.box) == pytest.approx((37, 21, 37, 21))
    assert a.text == b.text == "7.5"


@pytest.mark.parametrize("gap", [10, 14, 30])
def test_neighbouring_tick_labels_are_separate(gap: int) -> None:
    picture, left = canvas(600), 20
    for value in range(0, 100, 20):
        left = write(picture, (left, 90), str(value))[2] + gap
    assert [box.number for box in sorted(boxes_of(picture), key=lambda b: b.box[0])] == ["0", "20", "40", "60", "80"]


def test_words_of_a_label_stay_together_and_labels_apart() -> None:
    picture = canvas(600)
    for left, label in ((20, "Control"), (150, "Drug A"), (280, "10 mg"), (410, "Kim, 2004")):
        write(picture, (left, 90), label)
    assert texts_of(picture) == ["10 mg", "Control", "Drug A", "Kim, 2004"]


def test_turned_title_and_turned_numbers() -> None:
    picture = canvas(300, 400)
    write(picture, (20, 150), "Pain (VAS)", turn=90)
    for k, label in enumerate(["30", "2.5", "-10"]):
        write(picture, (80, 40 + 110 * k), label, turn=90)
    found = boxes_of(picture)
    assert {box.rotation for box in found} == {90}
    assert sorted(box.text for box in found) == ["-10", "2.5", "30", "Pain (VAS)"]


@pytest.mark.parametrize("labels", [["4", "2", "0", "-2", "-4"], ["-2", "-4", "-6"], ["1.5", "1", "0.5", "0"]])
def test_single_turned_digits_keep_their_sign(labels: list[str]) -> None:
    picture = canvas(200, 400)
    for k, label in enumerate(labels):
        write(picture, (60, 20 + 70 * k), label, turn=90)
    assert [box.number for box in boxes_of(picture)] == labels


@pytest.mark.parametrize(("font", "size"), [("DejaVu Serif", 11), ("DejaVu Serif", 14), ("STIXGeneral", 13), ("STIXGeneral", 18)])
def test_turned_ones_stand_in_their_numbers(font: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The bare paper beside a narrow 1 is wider than that between other digits.
    monkeypatch.setitem(globals(), "FONT", font_manager.findfont(font))
    labels = ["171", "117", "110", "150"]
    picture = canvas(200, 400)
    for k, label in enumerate(labels):
        write(picture, (60, 20 + 90 * k), label, size, turn=90)
    found = boxes_of(picture)
    assert [box.number for box in found] == labels
    assert {box.rotation for box in found} == {90}


def test_turned_digits_with_a_wide_point_between_are_one_number() -> None:
    """In some fonts two thirds of a digit's height lie between the digits of 2.5."""
    picture = canvas(200, 500)
    for k, (whole, tenth) in enumerate(["25", "15", "05"]):
        _, top, _, bottom = write(picture, (60, 120 + 150 * k), whole, 40, turn=90)
        write(picture, (60, top - 16), ".", 40, turn=90)
        _, _, _, low = write(canvas(), (60, 0), tenth, 40, turn=90)
        write(picture, (60, top - 20 - low), tenth, 40, turn=90)
        assert bottom - top < 29  # the height of a digit is 29 px; 20 of them lie between
    assert [box.number for box in boxes_of(picture)] == ["2.5", "1.5", "0.5"]


@pytest.mark.parametrize("font", ["DejaVu Sans", "STIXGeneral"])
def test_a_column_of_upright_labels_is_neither_turned_text_nor_marks(font: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "FONT", font_manager.findfont(font))
    picture = canvas(200, 330)
    for k in range(10):
        write(picture, (60, 10 + 30 * k), str(9 - k))
    found = boxes_of(picture)
    assert [box.number for box in found] == list("9876543210")
    assert {box.rotation for box in found} == {0}


def test_frame_ticks_and_bars_are_no_text_and_hide_none() -> None:
    picture = canvas(420, 320)
    draw = PIL.ImageDraw.Draw(picture)
    draw.line([(80, 20), (80, 260), (400, 260)], fill=(0, 0, 0), width=2)
    for k in range(5):
        y = 260 - 50 * k
        draw.line([(73, y), (80, y)], fill=(0, 0, 0), width=2)
        write(picture, (30, y - 12), f"0.{k}")
        draw.rectangle([110 + 60 * k, y - 20, 140 + 60 * k, 259], fill=(60, 60, 200))
        draw.line([(125 + 60 * k, y - 20), (125 + 60 * k, max(5, y - 50))], fill=(0, 0, 0))
    labels = [box for box in boxes_of(picture) if box.box[2] < 73]
    assert [box.number for box in labels] == ["0.4", "0.3", "0.2", "0.1", "0.0"]
    assert all(box.number_confidence < 0.1 for box in boxes_of(picture) if box.box[0] > 82 and box.number not in ("", "1"))


def test_a_tick_mark_that_touches_nothing_is_no_minus() -> None:
    picture = canvas(200, 120)
    write(picture, (60, 40), "25")
    PIL.ImageDraw.Draw(picture).line([(104, 51), (110, 51)], fill=(0, 0, 0), width=2)
    (box,) = [box for box in boxes_of(picture) if "25" in box.text]
    assert (box.text, box.number) == ("25", "25")
    assert box.box[2] < 100


def test_a_dash_too_far_off_to_be_a_sign_puts_the_number_in_doubt() -> None:
    near, far = canvas(200, 120), canvas(200, 120)
    for picture, end in ((near, 61), (far, 55)):
        left = write(picture, (60, 40), "25")[0]
        PIL.ImageDraw.Draw(picture).rectangle([end - 5, 51, end, 52], fill=(0, 0, 0))
        assert left - end > 1
    (signed,) = [box for box in boxes_of(near) if "25" in box.text]
    assert signed.number == "-25"
    (unsigned,) = [box for box in boxes_of(far) if "25" in box.text]
    assert unsigned.number == "25"
    assert unsigned.number_confidence <= 0.5


def test_text_on_grey_and_white_on_dark() -> None:
    picture = canvas(300, 200, (235, 235, 235))
    write(picture, (30, 30), "0.75", fill=(77, 77, 77))
    PIL.ImageDraw.Draw(picture).rectangle([100, 90, 299, 199], fill=(20, 20, 60))
    write(picture, (150, 130), "4.2", fill=WHITE)
    assert texts_of(picture) == ["0.75", "4.2"]


def test_a_legend_key_is_cut_from_its_entry() -> None:
    picture = canvas(300, 120)
    for y, fill in ((30, (31, 119, 180)), (70, (214, 39, 40))):
        PIL.ImageDraw.Draw(picture).ellipse([40, y + 5, 50, y + 15], fill=fill)
    write(picture, (58, 30), "Placebo")
    write(picture, (58, 70), "Ketamine")
    entries = [box for box in boxes_of(picture) if len(box.text) > 2]
    assert [box.text for box in entries] == ["Placebo", "Ketamine"]
    assert all(box.box[0] > 55 for box in entries)


def test_markers_that_recur_are_not_returned() -> None:
    picture = canvas(400, 300)
    draw = PIL.ImageDraw.Draw(picture)
    rng = np.random.default_rng(5)
    for k in range(12):
        x, y = 30 + 30 * k, int(rng.integers(30, 200))
        draw.ellipse([x, y, x + 11, y + 11], outline=(0, 0, 0), width=2)
        draw.rectangle([x, y + 60, x + 8, y + 68], fill=(200, 30, 30))
    write(picture, (150, 270), "Weeks")
    assert texts_of(picture) == ["Weeks"]


def test_noise_and_jpeg_leave_the_labels(tmp_path: Path) -> None:
    picture = canvas(300, 200)
    for k, label in enumerate(["12.5", "-4", "0.08"]):
        write(picture, (40, 20 + 60 * k), label, size=18)
    noisy = np.asarray(picture).astype(float) + np.random.default_rng(3).normal(0, 9, (200, 300, 1))
    PIL.Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(tmp_path / "scan.jpg", quality=60)
    with PIL.Image.open(tmp_path / "scan.jpg") as scan:
        assert [box.number for box in find_text(np.asarray(scan))] == ["12.5", "-4", "0.08"]


def test_a_power_of_ten_is_seen_as_raised() -> None:
    picture = canvas(200, 160)
    write(picture, (40, 30), "10", 24)
    write(picture, (68, 24), "3", 16)
    write(picture, (40, 100), "103", 24)
    power, plain = boxes_of(picture)
    assert power.raised
    assert not plain.raised
    assert power.text.replace("^", "") in ("103", "10³")
    assert plain.number == "103"


def test_a_minus_sign_in_the_exponent_keeps_it_with_its_base() -> None:
    picture = canvas(200, 100)
    write(picture, (40, 30), "10", 24)
    write(picture, (69, 24), "-2", 16)
    (power,) = boxes_of(picture)
    assert power.raised
    assert power.text.replace("^", "") in ("10-2", "10⁻²")


@pytest.mark.parametrize("labels", [["0", "1", "2"], ["0.25", "0.5", "1"], ["-1.5", "-1.25", "-1"]])
def test_labels_that_run_together_are_cut_or_doubted(labels: list[str]) -> None:
    for gap in range(7, 14):  # digits of 12 px: from a gap of half a height on, the eye takes the labels apart as well
        picture, left = canvas(500, 80), 20
        for label in labels:
            left = write(picture, (left, 30), label)[2] - 4 + gap
        for box in boxes_of(picture):
            assert box.number in labels or box.number_confidence <= 0.5


def test_nothing_to_read() -> None:
    assert find_text(np.asarray(canvas())) == []
    assert find_text(np.zeros((50, 60, 3), dtype=np.uint8)) == []
    assert find_text(np.asarray(canvas(1, 1))) == []


# Reading a place


def test_read_box_reads_one_place_either_way() -> None:
    picture = canvas(200, 200)
    upright = write(picture, (30, 30), "0.75")
    turned = write(picture, (120, 60), "125", turn=90)
    image = np.asarray(picture)
    assert read_box(image, upright).number == "0.75"
    assert read_box(image, turned, rotation=90).number == "125"
    assert read_box(image, turned, rotation=90).rotation == 90
    assert read_box(image, turned).number_confidence < read_box(image, turned, rotation=90).number_confidence


def test_read_box_at_the_edge_of_the_image() -> None:
    picture = canvas(200, 200)
    x0, y0, x1, y1 = write(picture, (30, 30), "48")
    cut = np.asarray(picture)[y0 : y1 + 1, x0 : x1 + 1]
    assert read_box(cut, (0, 0, x1 - x0, y1 - y0)).number == "48"


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, 0, 400, 5), (10, 10, 5, 20)])
def test_a_box_outside_the_image_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected a box within the image of 400 x 200 px"):
        read_box(np.asarray(canvas()), box)


def test_an_image_that_is_not_rgb_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected an image of shape \(h, w, 3\) and type uint8, got \(20, 30\) and uint8"):
        find_text(np.zeros((20, 30), dtype=np.uint8))
    with pytest.raises(ValueError, match="float64"):
        find_text(np.zeros((20, 30, 3)))  # type: ignore[arg-type]


# Numbers


@pytest.mark.parametrize(
    ("read", "plain"),
    [
        ("−0.5", "-0.5"),
        ("–2", "-2"),
        ("0,5", "0.5"),
        ("12,25", "12.25"),
        ("0,125", "0.125"),
        ("1,250", "1,250"),
        ("1,000,000", "1,000,000"),
        ("1 000", "1000"),
        ("10²", "10^2"),
        ("10⁻³", "10^-3"),
        ("1.5×10³", "1.5x10^3"),
        ("2e+05", "2e+05"),
        ("50 %", "50%"),
    ],
)
def test_numbers_become_plain_ascii(read: str, plain: str) -> None:
    assert normalise_number(read) == plain


@given(st.text(alphabet="0123456789.,-−–—+%eEx×^⁰¹²³⁴⁵⁶⁷⁸⁹⁻ ", max_size=12))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_number(text)
    assert once.isascii()
    assert normalise_number(once) == once


# The model


def test_a_missing_model_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "MODEL_FILE", "absent.onnx")
    with pytest.raises(ModelNotFound, match=r"expected the text recognition model absent.onnx in .*pip install 'rapidocr"):
        recognition.model_path()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelNotFound, match="no rapidocr package is installed"):
        recognition.model_path()


def test_the_recogniser_is_loaded_once() -> None:
    assert recognition.recogniser() is recognition.recogniser()


def test_readings_come_in_the_order_of_the_lines_whatever_the_batches() -> None:
    words = ["1", "Concentration (ng/ml)", "25", "Week 12", "0.5", "Placebo", "7", "1000"]
    crops = []
    for word in words:
        picture = canvas(400, 60)
        x0, y0, x1, y1 = write(picture, (30, 20), word)
        crops.append(np.asarray(picture)[y0 - 4 : y1 + 5, x0 - 4 : x1 + 5])
    assert [reading.text for reading in recognition.recogniser().read(crops)] == words
    assert recognition.recogniser().read([]) == []


def test_ocr_exports_its_public_names() -> None:
    assert set(ocr.__all__) == {"ModelNotFound", "TextBox", "find_text", "read_box"}


def test_hatching_is_no_text_and_does_not_hide_it() -> None:
    picture = canvas(600, 420)
    for k, text in enumerate(("100", "80", "60", "40", "20")):
        write(picture, (20, 20 + 80 * k), text, size=24)
    image = np.asarray(picture).copy()
    rows, columns = np.mgrid[40:400, 140:580]
    image[40:400, 140:580][(rows % 7 < 5) & (columns % 7 < 5)] = 0  # thousands of spots, as a scanned grey makes
    assert [box.number for box in find_text(image)] == ["100", "80", "60", "40", "20"]
    gray = np.asarray(PIL.Image.fromarray(image).convert("L"))
    assert len(find_lines(gray, find_ink(gray))) == 5


def test_close_lines_of_small_text_are_no_hatching() -> None:
    picture = canvas(500, 260)
    for k in range(12):
        write(picture, (20, 10 + 14 * k), "one two three four five six seven eight nine", size=11)
    assert sum("three" in box.text for box in find_text(np.asarray(picture))) >= 10


def test_crowds_of_round_marks_are_no_text() -> None:
    picture = canvas(700, 420)
    for k, text in enumerate(("100", "80", "60", "40", "20")):
        write(picture, (20, 20 + 80 * k), text, size=20)
    pen, r = PIL.ImageDraw.Draw(picture), np.random.default_rng(0)
    for _ in range(120):
        x, y = r.integers(130, 670), r.integers(20, 400)
        for left in (x, x + 17):  # pairs, as letters of a word stand
            pen.ellipse((left, y, left + 13, y + 13), outline=(0, 0, 0), width=2)
    image = np.asarray(picture)
    gray = np.asarray(picture.convert("L"))
    assert {"100", "80", "60", "40", "20"} <= {box.number for box in find_text(image)}
    # What overlaps is of other sizes; of the free pairs none is left.
    assert sum(len(line.parts) == 2 for line in find_lines(gray, find_ink(gray))) < 25


@pytest.mark.parametrize("dpi", [100, 150, 200, 300])
def test_labels_of_a_plot_without_titles_are_found(dpi: int) -> None:
    """Digits that stand alone, and pieces of error bars in a row that look like taller letters."""
    figure = Figure(figsize=(4, 3))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.15, 0.15, 0.8, 0.8))
    axes.errorbar([0, 2, 4, 6, 8], [7.0, 6.2, 5.1, 4.4, 4.9], yerr=0.8, fmt="o-", color="black", capsize=3, ms=5)
    axes.set(xlim=(-1, 9), ylim=(0, 10), xticks=[0, 2, 4, 6, 8], yticks=range(0, 11, 2))
    axes.tick_params(labelsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    texts = find_text(np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8))
    labels = [t.number for t in texts if t.box[2] < 0.15 * dpi * 4 or t.box[1] > 0.85 * dpi * 3]
    assert sorted(labels) == sorted(["10", *"86420", *"02468"])


def test_overlapping_marks_of_a_crowd_are_no_digits() -> None:
    """Two circles that overlap read as 8, three as 80: as numbers they would stand in rows and columns of axes."""
    picture = canvas(700, 520)
    for k, text in enumerate(("100", "80", "60", "40", "20")):
        write(picture, (20, 20 + 80 * k), text, size=20)
    pen, r = PIL.ImageDraw.Draw(picture), np.random.default_rng(3)
    for x, y in r.uniform((130, 20), (670, 490), (350, 2)).round().astype(int).tolist():
        pen.ellipse((x, y, x + 12, y + 12), outline=(0, 0, 0), width=1)
    gray = np.asarray(picture.convert("L"))
    assert {"100", "80", "60", "40", "20"} <= {box.number for box in find_text(np.asarray(picture))}
    assert len(find_lines(gray, find_ink(gray))) <= 5 + 4  # of more than forty pieces; gaps where the rings cross hide some


def test_words_of_one_size_as_a_crowd_of_specks_stay() -> None:
    picture = canvas(700, 420)
    pen, r = PIL.ImageDraw.Draw(picture), np.random.default_rng(0)
    for x, y in r.integers(0, (700, 420), (200, 2)).tolist():
        pen.rectangle((x, y, x + 2, y + 2), fill=(0, 0, 0))
    for k in range(5):
        pen.rectangle((150, 20 + 80 * k, 400, 60 + 80 * k), fill=WHITE)
        write(picture, (200, 20 + 80 * k), "bamboo food", size=28)  # bold strokes hold many a speck
    assert sum(box.text == "bamboo food" for box in find_text(np.asarray(picture))) == 5


@pytest.mark.parametrize("seed", range(5))
def test_chains_are_all_boxes_that_neighbours_connect(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textboxes, "MOST_PAIRS", 50)
    r = np.random.default_rng(seed)
    corner, size = r.integers(0, 120, (80, 2)), r.integers(3, 15, (80, 2))
    boxes = np.hstack([corner, corner + size])
    linked = np.eye(len(boxes), dtype=bool)
    for i, k in itertools.permutations(range(len(boxes)), 2):
        if (boxes[i, 0], i) > (boxes[k, 0], k):
            continue
        (_, ay0, ax1, ay1), (bx0, by0, _, by1) = boxes[i].tolist(), boxes[k].tolist()
        low, tall = sorted((ay1 - ay0 + 1, by1 - by0 + 1))
        away, shared = (bx0 - ax1 - 1) / tall, (min(ay1, by1) - max(ay0, by0) + 1) / low
        linked[i, k] = -0.6 < away < 0.42 and low >= 0.38 * tall and (shared >= 0.55 or (shared >= 0.25 and away < 0.21))
    linked |= linked.T
    for k in range(len(boxes)):  # Warshall 1962
        linked |= linked[:, [k]] & linked[k]
    expected = {frozenset(np.flatnonzero(row).tolist()) for row in linked}
    assert {frozenset(chain.tolist()) for chain in textboxes._chains(boxes, 0.42, 0.38, 0.55)} == expected
