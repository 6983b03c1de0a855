from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from calibration import FLAGS, AxisReading, Label, Linear, Log10, read_axis
from calibration.hypothesis import LabelRow, hypotheses

HEIGHT = 14.0


def row(texts: Sequence[str | None], px: npt.ArrayLike | None = None, *, raised: bool = False) -> tuple[list[Label], np.ndarray]:
    """Labels of a y axis beside ticks every 50 px (or at `px`), centred within 0.7 px; None is a tick whose label was not found."""
    at = 100.0 + 50.0 * np.arange(len(texts)) if px is None else np.asarray(px, dtype=float)
    wobble = np.random.default_rng(3).normal(0, 0.7, len(at))
    labels = [Label(p + w, HEIGHT, t, 0.95, raised) for t, p, w in zip(texts, at, wobble, strict=True) if t is not None]
    return labels, at


def ends(reading: AxisReading, px: npt.ArrayLike) -> np.ndarray:
    assert reading.calibration is not None, reading.reason
    return reading.calibration.to_value(np.asarray(px, dtype=float)[[0, -1]])


def refused(reading: AxisReading) -> dict[str, str]:
    return {tick.label: tick.reason for tick in reading.ticks if not tick.used}


# what the labels say, the ticks in pixels (None: every 50), scale, values at the first and last tick
SURE = {
    "integers": ("0 10 20 30 40", None, "linear", 0, 40),
    "falling": ("40 30 20 10 0", None, "linear", 40, 0),
    "decimals": ("0.0 0.5 1.0 1.5", None, "linear", 0, 1.5),
    "stripped zeros": ("0 0.5 1 1.5 2", None, "linear", 0, 2),
    "decimal comma": ("0,0 0,5 1,0 1,5", None, "linear", 0, 1.5),
    "decimal comma with 3 digits": ("0,500 1,000 1,500", None, "linear", 0.5, 1.5),
    "thousands": ("0 1,000 2,000 3,000", None, "linear", 0, 3000),
    "thousands from 500": ("500 1,000 1,500 2,000", None, "linear", 500, 2000),
    "percent": ("0% 25% 50% 75% 100%", None, "linear", 0, 100),
    "negative": ("-40 -30 -20 -10", None, "linear", -40, -10),
    "both signs": ("−1.0 −0.5 0.0 0.5 1.0", None, "linear", -1, 1),
    "years": ("1990 1995 2000 2005", None, "linear", 1990, 2005),
    "e-notation": ("0e+00 1e-03 2e-03 3e-03", None, "linear", 0, 0.003),
    "visits in minutes": ("0 15 30 60 90 120", [100, 130, 160, 220, 280, 340], "linear", 0, 120),
    "visits in weeks": ("0 1 2 4 8 12 24", [100, 120, 140, 180, 260, 340, 580], "linear", 0, 24),
    "a label missing": ("0 ? 20 30 ? 50", None, "linear", 0, 50),
    "decades": ("1 10 100 1000", None, "log10", 1, 1000),
    "fractions of decades": ("0.01 0.1 1 10", None, "log10", 0.01, 10),
    "doublings": ("0.25 0.5 1 2 4", None, "log10", 0.25, 4),
    "one, two, five": ("0.1 0.2 0.5 1 2 5 10", 200 + 100 * np.log10([0.1, 0.2, 0.5, 1, 2, 5, 10]), "log10", 0.1, 10),
    "one, three, ten": ("1 3 10 30 100", 100 + 100 * np.log10([1, 3, 10, 30, 100]), "log10", 1, 100),
    "powers written out": ("10^-2 10^-1 10^0 10^1", None, "log10", 0.01, 10),
    "powers with the caret lost": ("10-3 10-2 10-1", None, "log10", 0.001, 0.1),
}


@pytest.mark.parametrize("name", SURE)
def test_axes_that_are_sure(name: str) -> None:
    texts, px, scale, first, last = SURE[name]
    labels, at = row([None if text == "?" else text for text in texts.split()], px)
    reading = read_axis(labels, at)
    assert reading.calibration is not None
    assert reading.calibration.scale.name == scale
    assert ends(reading, at) == pytest.approx([first, last], rel=1e-9, abs=1e-9 * max(abs(first), abs(last)))
    assert reading.flags == ()
    assert reading.reason == ""
    assert reading.is_sure


def test_powers_whose_superscripts_were_lost_are_read_by_their_raised_ends() -> None:
    labels, at = row(["100", "101", "102", "103"], raised=True)
    reading = read_axis(labels, at)
    assert ends(reading, at) == pytest.approx([1, 1000])
    assert reading.is_sure


def test_without_raised_ends_one_hundred_to_103_is_linear_and_doubted() -> None:
    labels, at = row(["100", "101", "102", "103"])
    reading = read_axis(labels, at)
    assert ends(reading, at) == pytest.approx([100, 103])
    assert "axis_uncertain" in reading.flags
    assert "superscripts" in reading.reason


def test_equal_minor_ticks_settle_that_100_to_103_are_plain_numbers() -> None:
    labels, at = row(["100", "101", "102", "103"])
    reading = read_axis(labels, at, minor_px=np.arange(100, 251, 10))
    assert ends(reading, at) == pytest.approx([100, 103])
    assert reading.is_sure


def test_logarithmic_minor_ticks_overrule_the_plain_numbers() -> None:
    labels, at = row(["100", "101", "102", "103"])
    minor = (at[:-1, None] + 50 * np.log10(np.arange(2, 10))).ravel()
    reading = read_axis(labels, at, minor_px=minor)
    assert ends(reading, at) == pytest.approx([1, 1000])


def test_minor_ticks_of_another_scale_raise_a_doubt() -> None:
    labels, at = row(["10", "20", "30"])
    reading = read_axis(labels, at, minor_px=(at[:-1, None] + 50 * np.log10(np.arange(2, 10))).ravel())
    assert "minor ticks are not those of a linear axis" in reading.reason
    assert not reading.is_sure


# texts, the one to be refused, what is said of it, values at the ends
SPOILED = {
    "decimal point lost": ("0.0 0.5 10 1.5 2.0", "10", "decimal point lost?", 0, 2),
    "decimal point lost before 5": ("0.0 05 1.0 1.5 2.0", "05", "decimal point lost?", 0, 2),
    "decimal point misplaced": ("0.00 0.25 5.0 0.75 1.00", "5.0", "decimal point misplaced?", 0, 1),
    "minus lost": ("-20 10 0 10 20", "10", "minus sign lost?", -20, 20),
    "minus and point lost": ("-1.0 05 0.0 0.5 1.0", "05", "minus sign and decimal point lost?", -1, 1),
    "one digit wrong": ("0 10 26 30 40", "26", "the other labels say 20 here", 0, 40),
    "first digit wrong": ("3 50 100 150 200", "3", "the other labels say 0 here", 0, 200),
    "the neighbour's text": ("0 10 10 30 40", "10", "the other labels say 20 here", 0, 40),
    "a letter": ("0 10 2O 30 40", "2O", "not a number", 0, 40),
    "minus of an exponent lost": ("10^-3 10^2 10^-1 10^0", "10^2", "minus sign of the exponent lost?", 1e-3, 1),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_label_is_refused_by_name(name: str) -> None:
    texts, label, said, first, last = SPOILED[name]
    labels, at = row(texts.split())
    reading = read_axis(labels, at)
    assert ends(reading, at) == pytest.approx([first, last], abs=1e-9)
    assert said in refused(reading)[label]
    assert len(refused(reading)) == 1
    assert all(math.isnan(tick.value) for tick in reading.ticks if not tick.used)


# what is left of labels whose decimal points are lost, and what they were at the ends
LOST_POINTS = {
    "below one": ("08 06 04 02 0", 0.8, 0),
    "past one": ("00 05 10 15 20", 0, 2),
    "with signs": ("-05 00 05 10", -0.5, 1),
    "hundredths": ("000 025 050 075 100 125", 0, 1.25),
    "gaps": ("2|5 5|0 7|5 10|0", 2.5, 10),
    "one of them misread": ("18 07 06 05 04 03", 0.8, 0.3),
}


@pytest.mark.parametrize("name", LOST_POINTS)
def test_leading_zeros_and_gaps_tell_where_lost_points_stood(name: str) -> None:
    texts, first, last = LOST_POINTS[name]
    labels, at = row([text.replace("|", " ") for text in texts.split()])
    reading = read_axis(labels, at)
    assert ends(reading, at) == pytest.approx([first, last], abs=1e-9)
    assert "axis_uncertain" in reading.flags
    assert "decimal points lost" in reading.reason


@pytest.mark.parametrize("texts", ["05 10 15 20", "5 10 15 020 25", "0 05 10 015 20"])
def test_one_leading_zero_alone_moves_no_point(texts: str) -> None:
    labels, at = row(texts.split())
    reading = read_axis(labels, at)
    assert all(tick.value == int(tick.label) for tick in reading.ticks if tick.used)


def test_a_refused_number_is_flagged_and_a_stray_word_is_not() -> None:
    labels, at = row(["0", "10", "26", "30", "40"])
    assert read_axis(labels, at).flags == ("labels_refused",)
    labels, at = row(["0", "10", "20", "30"])
    assert read_axis([*labels, Label(175.0, 80.0, "Time")], at).flags == ()


def test_a_number_of_the_axis_title_is_left_out() -> None:
    labels, at = row(["0", "10", "20", "30", "40"])
    reading = read_axis([*labels, Label(212.0, 90.0, "2", 0.9)], at)
    assert ends(reading, at) == pytest.approx([0, 40])
    assert list(refused(reading)) == ["2"]


def test_a_label_found_twice_counts_once() -> None:
    labels, at = row(["0", "10", None])
    again = replace(labels[1], px=labels[1].px + 0.5)
    reading = read_axis([*labels, again], at)
    assert "only 2 labels" in reading.reason
    assert refused(reading) == {"10": "the same label twice in one place"}


def test_the_free_text_stands_in_where_the_masked_one_is_wrong() -> None:
    labels, at = row(["20", "10", "0", "10", "20"])
    labels = [replace(label, free_text=free) for label, free in zip(labels, ["−20", "−10", "0", "10", "20"], strict=True)]
    assert ends(read_axis(labels, at), at) == pytest.approx([-20, 20])


# What the author rounded: texts, values behind the first and last label, scale
ROUNDED = {
    "steps of 0.00025": ("0.0000 0.0003 0.0005 0.0008 0.0010", 0, 0.001),
    "steps of 2.5 as integers": ("0 2 5 8 10 12 15", 0, 15),
    "steps of 2.5e-06": ("0e+00 2.5e-06 5.0e-06 7.5e-06 1.0e-05 1.2e-05 1.5e-05", 0, 1.5e-5),
    "steps of an eighth": ("0.1 0.2 0.4 0.5 0.6", 0.125, 0.625),
    "doublings from an eighth": ("0.12 0.25 0.5 1 2", 0.125, 2),
    "thirds": ("0 0.3 0.7 1 1.3", 0, 4 / 3),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_rounded_labels_give_the_numbers_behind_them(name: str) -> None:
    texts, first, last = ROUNDED[name]
    labels, at = row(texts.split())
    reading = read_axis(labels, at)
    assert ends(reading, at) == pytest.approx([first, last], rel=1e-9, abs=1e-12)
    assert reading.flags == ("labels_rounded",)
    assert [tick.label for tick in reading.ticks] == texts.split()


def test_rounded_labels_of_no_round_step_keep_their_intervals_in_the_uncertainty() -> None:
    true = np.array([0.0, 1.37, 3.62, 5.41, 7.44, 9.66])
    labels, at = row([f"{value:.0f}" for value in true], 100 + 40 * true)
    reading = read_axis(labels, at)
    assert "labels_rounded" in reading.flags
    assert reading.calibration is not None
    error = np.abs(reading.calibration.to_value(at) - true)
    assert np.all(error <= 1.96 * reading.calibration.u_value(at))
    # Half a unit is 20 px here: a uniform interval of +- 20 px beside the tick's own 0.3 px. The slope is known to 5 % from such labels.
    assert [tick.u_px for tick in reading.ticks] == pytest.approx([math.hypot(0.3, 20 / math.sqrt(3))] * 6, rel=0.05)


def test_three_rounded_labels_are_doubted() -> None:
    labels, at = row(["0.0003", "0.0005", "0.0008"])
    reading = read_axis(labels, at)
    assert not reading.is_sure


@pytest.mark.parametrize("rises", [True, False, None])
def test_signs_lost_on_half_the_axis_do_not_pass(rises: bool | None) -> None:
    labels, at = row(["20", "10", "0", "10", "20"])
    assert not read_axis(labels, at, rises=rises).is_sure


def test_signs_lost_on_all_the_axis_show_in_its_direction() -> None:
    labels, at = row(["30", "20", "10", "0"])
    reading = read_axis(labels, at, rises=True)
    assert reading.flags == ("axis_uncertain",)
    assert "minus signs lost" in reading.reason
    assert read_axis(labels, at, rises=False).is_sure


def test_exponents_that_all_lost_their_minus_show_in_the_direction() -> None:
    labels, at = row(["103", "102", "101", "100"], raised=True)
    assert "minus signs lost" in read_axis(labels, at, rises=True).reason


def test_an_inverted_axis_whose_signs_were_read_is_sure() -> None:
    labels, at = row(["20", "10", "0", "-10"])
    assert read_axis(labels, at, rises=True).is_sure


@pytest.mark.parametrize("texts", ["0.0 05 10 15 20", "05 10 15 20 25", "00% 25 50 75 100"])
def test_decimal_points_lost_on_all_the_axis_show_in_a_zero(texts: str) -> None:
    labels, at = row(texts.split())
    reading = read_axis(labels, at)
    assert reading.calibration is None or "decimal points lost" in reading.reason


def test_two_labels_make_an_uncertain_axis() -> None:
    labels, at = row(["0", "50"])
    reading = read_axis(labels, at)
    assert ends(reading, at) == pytest.approx([0, 50])
    assert reading.flags == ("axis_uncertain",)
    assert "only 2 labels" in reading.reason


def test_two_labels_of_a_decade_are_logarithmic_where_the_minor_ticks_say_so() -> None:
    labels, at = row(["1", "10"])
    reading = read_axis(labels, at, minor_px=100 + 50 * np.log10(np.arange(2, 10)))
    assert reading.calibration is not None
    assert reading.calibration.scale == Log10()
    assert reading.runner_up is not None
    assert reading.runner_up.scale == Linear()
    # The ticks from 2 to 9 check both labels; exponents might have lost their signs all the same.
    assert reading.is_sure
    assert not read_axis(row(["10^1", "10^2"])[0], at, minor_px=100 + 50 * np.log10(np.arange(2, 10))).is_sure


def test_minor_ticks_that_stand_off_the_others_alike_tell_the_scale() -> None:
    # Strokes of odd and of even width are put on other halves of a pixel, besides the pixel that ticks may be off anyway.
    labels, at = row(["1", "10"], [100.0, 180.0])
    reading = read_axis(labels, at, minor_px=100 + 80 * np.log10(np.arange(2, 10)) + 1.2)
    assert reading.calibration is not None
    assert (reading.calibration.scale, reading.is_sure) == (Log10(), True)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([], "expected 2 numbers or more beside the axis, found 0"),
        (["5"], "expected 2 numbers or more beside the axis, found 1"),
        (["Placebo", "Magnesium", "Ketamine"], "expected 2 numbers or more beside the axis, found 0"),
        (["0", "7", "3", "30", "1"], "no more than 2 of 5 labels lie on one line"),
        (["0", "10", "2"], "2 of 3 labels say"),
        (["4", "4", "4"], "expected 2 labels or more that agree on an axis, found none among 3 numbers"),
    ],
)
def test_labels_that_make_no_axis_are_refused_with_a_reason(texts: list[str], reason: str) -> None:
    labels, at = row(texts)
    reading = read_axis(labels, at)
    assert reading.calibration is None
    assert reading.flags == ("axis_unread",)
    assert reason in reading.reason
    assert [tick.label for tick in reading.ticks] == texts
    assert all(not tick.used and tick.reason and math.isnan(tick.value) for tick in reading.ticks)


def test_two_powers_of_ten_are_a_decade() -> None:
    labels, at = row(["10^0", "10^1"])
    calibration = read_axis(labels, at).calibration
    assert calibration is not None
    assert calibration.scale == Log10()


def test_of_two_lines_the_one_with_round_steps_comes_first() -> None:
    labels, at = row(["0", "10", "17"])
    ranked = hypotheses(LabelRow.of(labels, at, np.array([]), 0.3, None))
    assert ranked[0].values.tolist() == [0.0, 10.0]


def test_powers_beside_plain_numbers_are_doubted() -> None:
    labels, at = row(["1", "10", "10^2", "10^3"])
    assert "powers of ten beside plain numbers" in read_axis(labels, at).reason


def test_one_raised_end_among_plain_numbers_leaves_both_open() -> None:
    labels, at = row(["100", "101", "102", "103"])
    reading = read_axis([labels[0], replace(labels[1], raised=True), *labels[2:]], at)
    assert "4 labels also allow 100 to 103 (linear)" in reading.reason
    assert reading.runner_up is not None
    assert reading.runner_up.scale == Linear()


def test_crowded_ticks_that_are_no_decades_are_doubted() -> None:
    labels, at = row(["1", "10", "100"])
    stray = (at[:-1, None] + 50 * (np.arange(1, 9) / 9) ** 2).ravel()
    assert "minor ticks are not those of a log10 axis" in read_axis(labels, at, minor_px=stray).reason


def test_three_labels_that_stand_off_their_ticks_are_doubted() -> None:
    labels, at = row(["0", "10", "20"], [100.0, 152.0, 200.0])
    assert "stand off their ticks by 0.9 px" in read_axis(labels, at).reason


def test_an_axis_that_few_labels_carry_is_doubted() -> None:
    labels, at = row(["0", "10", "20", "77", "33"])
    reading = read_axis(labels, at)
    assert ends(reading, at) == pytest.approx([0, 40])
    assert "2 of 5 labels do not fit" in reading.reason


def test_a_stain_beside_one_label_makes_no_tick() -> None:
    labels, at = row(["0", "10", "20", "30", "40"])
    reading = read_axis(labels, [at[2] + 4.0])
    assert [tick.px for tick in reading.ticks] == [label.px for label in labels]


def test_equal_ticks_with_unequal_steps_are_doubted() -> None:
    labels, at = row(["50", "101", "150", "200"], 100 + 20 * np.arange(4))
    assert "unequal steps" in read_axis(labels, at).reason


def test_positions_come_from_the_ticks_and_not_from_the_labels() -> None:
    labels, at = row(["0", "10", "20", "30"], [100.4, 150.2, 200.0, 249.8])
    reading = read_axis(labels, at)
    assert [tick.px for tick in reading.ticks] == [100.4, 150.2, 200.0, 249.8]
    crowded = np.concatenate([at, at[:-1] + 10, at[:-1] + 40, [173.0]])
    assert [tick.px for tick in read_axis(labels, crowded).ticks] == [100.4, 150.2, 200.0, 249.8]


def test_labels_stand_for_ticks_where_there_are_none() -> None:
    labels, at = row(["0", "10", "20", "30", "40"])
    reading = read_axis(labels)
    assert reading.flags == ("ticks_missing",)
    assert reading.calibration is not None
    sharp = read_axis(labels, at).calibration
    assert sharp is not None
    assert np.all(np.abs(ends(reading, at) - [0, 40]) <= 1.96 * reading.calibration.u_value(at[[0, -1]]))
    assert reading.calibration.u_shared(200.0) > sharp.u_shared(200.0)


def test_nine_is_not_taken_for_ten_among_crowded_minor_ticks() -> None:
    px = 100.0 + 34.0 * np.arange(5)  # 9 and 10 are 1.6 px apart, which labels cannot tell
    everything = np.unique((px[:-1, None] + 34.0 * np.log10(np.arange(1, 11))).ravel().round(6))
    for seed in range(20):
        wobble = np.random.default_rng(seed).normal(0, 0.8, 5)
        labels = [Label(p + w, HEIGHT, t) for p, w, t in zip(px, wobble, ["1", "10", "100", "1000", "10000"], strict=True)]
        assert ends(read_axis(labels, everything), px) == pytest.approx([1, 10000], rel=1e-3), seed


def test_an_x_axis_gives_the_width_of_its_labels() -> None:
    texts, px = ["0", "50", "100", "1,500"], np.array([100.0, 110.0, 120.0, 400.0])
    labels = [Label(p, 7.0 * len(t), t, height_px=12.0) for p, t in zip(px, texts, strict=True)]
    assert ends(read_axis(labels, px), px) == pytest.approx([0, 1500])
    unknown = [replace(label, height_px=None) for label in labels]
    assert ends(read_axis(unknown, px), px) == pytest.approx([0, 1500])


@pytest.mark.parametrize("factor", [10, 1000])
def test_labels_times_c_read_as_values_times_c(factor: int) -> None:
    plain, at = row(["1", "2", "4", "6"], [100, 150, 250, 350])
    times, _ = row([str(factor * value) for value in (1, 2, 4, 6)], [100, 150, 250, 350])
    assert ends(read_axis(times, at), at) == pytest.approx(factor * ends(read_axis(plain, at), at))


def test_a_mirrored_or_shifted_axis_reads_the_same() -> None:
    labels, at = row(["-1.0", "05", "0.0", "0.5", "1.0"])
    there = read_axis(labels, at)
    mirrored = read_axis([replace(label, px=700 - label.px) for label in labels], 700 - at)
    shifted = read_axis([replace(label, px=label.px + 333) for label in labels], at + 333)
    assert ends(mirrored, 700 - at) == pytest.approx(ends(there, at))
    assert ends(shifted, at + 333) == pytest.approx(ends(there, at))
    assert refused(mirrored) == refused(there) == refused(shifted)


def test_the_order_of_labels_and_ticks_does_not_matter() -> None:
    labels, at = row(["0", "10", "26", "30", "40"])
    there, back = read_axis(labels, at), read_axis(labels[::-1], at[::-1])
    assert there.ticks == back.ticks
    assert there.calibration == back.calibration


def test_every_flag_is_explained() -> None:
    assert {"axis_uncertain", "axis_unread", "labels_refused", "labels_rounded", "ticks_missing"} == set(FLAGS)
    assert all(text.endswith(".") for text in FLAGS.values())


def test_an_inverted_axis_before_whose_labels_the_paper_is_bare_is_sure() -> None:
    labels, at = row(["30", "20", "10", "0"])
    bare = [replace(label, is_unsigned=k < 2) for k, label in enumerate(labels)]
    assert read_axis(bare, at, rises=True).is_sure
    one = [replace(label, is_unsigned=k < 1) for k, label in enumerate(labels)]
    assert "minus signs lost" in read_axis(one, at, rises=True).reason
