"""SVG drawings: read from their paths as PDFs are, whether their text is text or drawn, and refused where they are not what they seem."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import matplotlib as mpl
import PIL.Image
import pytest
from matplotlib.figure import Figure

from digitize import pdf_worker
from digitize.file import digitize_file
from digitize.page import UnreadableFile, read_pages

pytest.importorskip("svg2pdf_py", reason="svg2pdf-py is not installed")

X = (0.0, 2.0, 4.0, 6.0, 8.0)
ARMS = {"Placebo": (70.0, 62.0, 51.0, 44.0, 49.0), "Magnesium": (30.0, 22.0, 26.0, 18.0, 15.0)}
EXACT = 0.05
"""Programs write coordinates to 1e-6 pt; the axes of 0 to 100 are 200 pt long."""


def draw(path: Path, fonttype: str) -> Path:
    with mpl.rc_context({"svg.fonttype": fonttype, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(4.5, 3.0))
        axes = figure.subplots()
        for (name, y), look in zip(ARMS.items(), ({"color": "black", "fmt": "o-"}, {"color": "#d62728", "fmt": "s-"}), strict=True):
            axes.errorbar(X, y, yerr=8, capsize=3, ms=6, label=name, **look)
        axes.set(xlim=(-1, 9), ylim=(-20, 100), xticks=X, yticks=range(-20, 101, 20), xlabel="Weeks", ylabel="Score")
        axes.legend()
        figure.savefig(path)
    return path


@pytest.mark.parametrize("fonttype", ["path", "none"])
def test_a_figure_is_read_exactly(tmp_path: Path, fonttype: str) -> None:
    (panel,) = digitize_file(draw(tmp_path / "figure.svg", fonttype)).record.panels
    assert (panel.kind, panel.medium) == ("errorbar", "vector")
    assert {s.name: [p.y for p in s.points] for s in panel.series} == {n: pytest.approx(y, abs=EXACT) for n, y in ARMS.items()}
    for series in panel.series:
        assert [p.x for p in series.points] == pytest.approx(X, abs=EXACT)
        assert [p.y_hi for p in series.points] == pytest.approx([y + 8 for y in ARMS[series.name]], abs=EXACT)


def test_an_svg_is_told_by_its_content_and_rendered_at_300_dpi(tmp_path: Path) -> None:
    path = tmp_path / "figure.pdf"
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="48"><rect width="9" height="9"/></svg>'
    path.write_text(f"<!-- drawn by hand -->{drawing}")
    (page,) = read_pages(path)
    assert page.image.shape[:2] == (150, 300)  # 96 units are an inch
    assert page.medium == "vector"


def svg(path: Path, content: str, *, before: str = "") -> Path:
    path.write_text(
        f'{before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="90" height="90">{content}'
        "</svg>",
        encoding="utf-8",
    )
    return path


def refused(path: Path) -> str:
    with pytest.raises(UnreadableFile) as caught:
        list(read_pages(path))
    return str(caught.value)


LAUGHS = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
NESTED = base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/hostname"/></svg>').decode()


@pytest.mark.parametrize(
    ("content", "before", "expected"),
    [
        ("<text>&l9;</text>", f'<!DOCTYPE svg [<!ENTITY l0 "ha">{LAUGHS}]>', "declares an entity of its own ('l0') and was refused"),
        ("<text>&f;</text>", '<!DOCTYPE svg [<!ENTITY f SYSTEM "file:///etc/hostname">]>', "declares an entity of its own ('f')"),
        ('<image href="/etc/hostname.png" width="9" height="9"/>', "", "refers to something outside itself ('/etc/hostname.png')"),
        ('<image xlink:href="http://example.org/a.png"/>', "", "refers to something outside itself ('http://example.org/a.png')"),
        (f'<image href="data:image/svg+xml;base64,{NESTED}"/>', "", "refers to something outside itself"),
        ('<use href="other.svg#mark"/>', "", "refers to something outside itself ('other.svg#mark') and was refused"),
        ("<g>" * 70 + "</g>" * 70, "", "some nested more than 60 deep, and was refused"),
        ("<g>", "", "is no SVG that can be read"),
    ],
    ids=["laughs", "file", "local image", "web image", "drawing in a drawing", "other drawing", "deep", "not well-formed"],
)  # fmt: skip
def test_hostile_drawings_are_refused_in_words(tmp_path: Path, content: str, before: str, expected: str) -> None:
    said = refused(svg(tmp_path / "bad.svg", content, before=before))
    assert said.startswith("bad.svg ")
    assert expected in said


@pytest.mark.usefixtures("small_limit")
def test_marks_that_use_one_another_without_end_are_refused(tmp_path: Path) -> None:
    uses = "".join(f'<g id="m{k}">{f"""<use href="#m{k - 1}"/>""" * 10}</g>' for k in range(1, 10))
    said = refused(svg(tmp_path / "uses.svg", f'<defs><path id="m0" d="M0 0h9"/>{uses}</defs><use href="#m9"/>'))
    assert said.startswith("uses.svg ")
    assert "refused" in said or "can be read" in said


def test_links_for_readers_and_pictures_inside_are_no_harm(tmp_path: Path) -> None:
    stream = io.BytesIO()
    PIL.Image.new("RGB", (2, 2), "red").save(stream, format="png")
    pixel = base64.b64encode(stream.getvalue()).decode()
    content = f'<a href="https://example.org"><path d="M0 0h9"/></a><image href="data:image/png;base64,{pixel}" width="9" height="9"/>'
    (page,) = read_pages(svg(tmp_path / "fine.svg", content))
    assert page.image.shape[:2] == (282, 282)  # 90 units at 300 dpi, rounded up


def test_too_many_bytes_and_elements_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "worker.py"
    text = Path(pdf_worker.__file__).read_text(encoding="utf-8")
    small = text.replace("MAX_SVG_BYTES = 20_000_000", "MAX_SVG_BYTES = 1000").replace("MAX_SVG_ELEMENTS = 300_000", "MAX_SVG_ELEMENTS = 9")
    copy.write_text(small, encoding="utf-8")
    monkeypatch.setattr(pdf_worker, "__file__", str(copy))
    assert "million bytes and was refused" in refused(svg(tmp_path / "long.svg", "<g></g>" + " " * 1000))
    assert "has more than 9 elements" in refused(svg(tmp_path / "many.svg", "<g/>" * 9))


@pytest.mark.parametrize(
    "text",
    [
        '<text y="40" font-size="30" font-family="No Such Font">10</text>',
        "<text y='40' font-size='30' font-family='No Such Font'>10</text>",
        '<text y="40" style="font-family: \'No Such Font\', sans-serif; font-size: 30px">10</text>',
        '<text y="40" style="font: 30px No Such Font">10</text>',
        '<g font-family="No Such Font"><text y="40" font-size="30">10</text></g>',
        '<text y="40" font-size="30">10</text>',
        '<style>text {font-family: No Such Font; font-size: 30px}</style><text y="40">10</text>',
    ],
)
def test_text_in_a_font_that_is_not_here_is_shown_all_the_same(tmp_path: Path, text: str) -> None:
    (page,) = read_pages(svg(tmp_path / "font.svg", text))
    assert [t.text for t in page.drawing.texts] == ["10"]
    assert page.image.min() < 60
