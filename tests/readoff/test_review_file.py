"""The review file: read with the digits that it was written with, and refused in one line where it is wrong."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from readoff.reviewfile import ReviewFileError, read_review

HEAD = '[review]\ntitle = "T"\n'
ARM = '[[arm]]\nstudy = "A"\narm = "x"\nn = 10\nmean = 1.50\nsd = 0.5\n'
FIGURE = '[[figure]]\nfile = "f.png"\nstudy = "A"\ncentre = "median"\nerror_bars = "range"\nn = 10\narms = { X = "x" }\n'
COMPARISON = '[[comparison]]\nname = "x vs y"\ntreated = "x"\ncontrol = "y"\nmeasure = "MD"\nmethod = "DL"\n'
GOOD = HEAD + FIGURE + ARM + COMPARISON


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "review.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    review = read_review(write(tmp_path, GOOD + "published = { estimate = -0.40, ci = [-1.0, 0.20], i2 = 62 }\n"))
    published = review.comparison[0].published
    assert published is not None
    assert (str(published.estimate), [str(end) for end in published.ci or ()], str(published.i2)) == ("-0.40", ["-1.0", "0.20"], "62")
    assert review.arm[0].mean == Decimal("1.50")


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        ("n = 10\nmean", "n = 1\nmean", "arm[1].n: input should be greater than or equal to 2, found 1"),
        ("sd = 0.5", "sd = -0.5", "arm[1].sd: input should be greater than or equal to 0, found -0.5"),
        ("sd = 0.5\n", "", "arm[1].sd: is missing"),
        ("sd = 0.5", "sd = 0.5\nsdd = 1", "arm[1].sdd: is no key of a review file"),
        ('error_bars = "range"\n', "", "figure[1].error_bars: is missing"),
        ('centre = "median"', 'centre = "mode"', "figure[1].centre: input should be 'mean' or 'median', found 'mode'"),
        ('arms = { X = "x" }', "arms = {}", "figure[1].arms:"),
        ('measure = "MD"', 'measure = "OR"', "comparison[1].measure: input should be 'MD', 'SMD', 'SMDH' or 'ROM', found 'OR'"),
        ('method = "DL"', 'method = "XX"', "comparison[1].method: input should be 'DL', "),
        ('control = "y"', 'control = "x"', "comparison[1]: expected two different arms, found 'x' as treated and as control"),
        ('measure = "MD"', 'sequential = { relevant = 1, sd = 2 }\nmeasure = "ROM"', "comparison[1]: expected measure MD for a sequential"),
        ('title = "T"', "", "review.title: is missing"),
        (COMPARISON, "", "comparison: is missing"),
        ("sd = 0.5", "sd = 0.5\nsolved = { sd = [0.6, 0.7] }", "arm[1]: expected sd within its solved interval [0.6, 0.7], found 0.5"),
        ("sd = 0.5", "sd = 0.5\nsolved = { sd = [0.7, 0.4] }", "arm[1].solved.sd: expected [lower, upper], found [0.7, 0.4]"),
        ("sd = 0.5", "sd = ", "not TOML"),
    ],
)
def test_what_is_wrong_is_told_with_file_key_and_value(good: str, bad: str, expected: str, tmp_path: Path) -> None:
    assert good in GOOD
    path = write(tmp_path, GOOD.replace(good, bad))
    with pytest.raises(ReviewFileError) as raised:
        read_review(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert expected in message
    assert "\n" not in message


def test_a_missing_file_and_a_binary_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReviewFileError, match=r"gone\.toml: cannot be read"):
        read_review(tmp_path / "gone.toml")
    (tmp_path / "image.toml").write_bytes(b"\x89PNG\xff")
    with pytest.raises(ReviewFileError, match=r"image\.toml: cannot be read \(not a text file"):
        read_review(tmp_path / "image.toml")
