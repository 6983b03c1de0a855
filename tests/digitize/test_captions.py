"""What captions say about error bars and n: found in their own words, and nothing found where nothing is said."""

from __future__ import annotations

import pytest

from digitize.captions import said_in
from digitize.prose import LABEL, find_blocks
from digitize.vector.paths import TextSpan


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("Data are mean ± SEM.", [("se", "mean ± SEM")]),
        ("Values are means ± s.e.m. of six animals", [("se", "means ± s.e.m.")]),
        ("Bars show the standard error of the mean (n = 8).", [("se", "standard error of the mean"), ("n", "n = 8")]),
        ("Mean +/- SD; N=20", [("sd", "Mean +/- SD"), ("n", "N=20")]),
        ("Values are means ± 2 SE, or ±1.96×SEM", [("se", "means ± 2 SE"), ("se", "±1.96×SEM")]),
        ("mean ± 1 SD", [("sd", "mean ± 1 SD")]),
        ("Error bars are standard deviations.", [("sd", "standard deviations")]),
        ("Vertical bars: 95 % CI", [("ci95", "95 % CI")]),
        ("with 90% confidence intervals", [("ci90", "90% confidence intervals")]),
        ("Boxes are interquartile ranges", [("iqr", "interquartile ranges")]),
        ("from the 25th to 75th percentiles", [("iqr", "25th to 75th percentiles")]),
        ("Median (range) of ten patients", [("range", "(range)")]),
        ("whiskers are minimum and maximum values", [("range", "minimum and maximum values")]),
        ("error bars give the full range", [("range", "error bars give the full range")]),
        ("Pain over time, n = 12 per group, 10 mice per cage", [("n", "n = 12 per group"), ("n", "10 mice per cage")]),
        ("Mean ± SEM; again mean ± SEM", [("se", "Mean ± SEM"), ("se", "mean ± SEM")]),
        ("Figure 1 Sensitivity of the SECOND test in SDS buffer over a wide range of pH", []),
        ("", []),
    ],
)  # fmt: skip
def test_words_about_error_bars(caption: str, expected: list[tuple[str, str]]) -> None:
    assert [(s.means, s.quote) for s in said_in(caption)] == expected


def test_the_sentence_around_a_quote() -> None:
    (said,) = said_in("Figure 2. Pain in both groups. Error bars are SD of all patients. P < 0.05.")
    assert said.sentence == "Error bars are SD of all patients."


def span(text: str, x: float, y: float, size: float = 30.0, width: float | None = None) -> TextSpan:
    return TextSpan(text, (x, y, x + (width or 0.5 * size * len(text)), y + size), size, 0.0)


def test_words_parted_at_the_end_of_a_row_are_whole_again() -> None:
    rows = ["Figure 3. Pain in all the pa\x02", "tients who were treated, and in the un-", "treated ones"]
    (block,) = find_blocks([span(row, 0, 40 * k) for k, row in enumerate(rows)])
    assert block.text == "Figure 3. Pain in all the patients who were treated, and in the un- treated ones"
    assert block.label == "Figure 3"


def test_a_raised_sign_belongs_to_its_row() -> None:
    parts = [span("at 10 mV s", 0, 0, width=150), span("-1", 151, -8, size=18, width=18), span("on gold", 180, 0, width=100)]
    (block,) = find_blocks(parts)
    assert block.text == "at 10 mV s-1 on gold"


def test_columns_are_blocks_of_their_own() -> None:
    left, right = ("left of the gutter there is some text", 0.0), ("right of it there is other text again", 900.0)
    blocks = find_blocks([span(text, x, 40 * k) for k in range(4) for text, x in (left, right)])
    assert [len(b.rows) for b in blocks] == [4, 4]
    assert {row.text for row in blocks[0].rows} == {left[0]}


@pytest.mark.parametrize("text", ["Figure 2 shows that", "Figures 2 and 3", "Fig. 1b and", "Tables", "configure 2 A"])
def test_sentences_about_figures_are_no_captions(text: str) -> None:
    assert LABEL.match(text) is None


@pytest.mark.parametrize(
    ("text", "label"),
    [("FIG. 4: Pain", "FIG. 4"), ("Fig 2. Pain", "Fig 2"), ("Figure S3 Pain", "Figure S3"), ("Table 1 Patients", "Table 1")],
)
def test_labels_of_captions(text: str, label: str) -> None:
    match = LABEL.match(text)
    assert match is not None
    assert match["label"] == label
