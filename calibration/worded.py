"""Names along an axis that mean numbers: dates and times, and numbers with one word beside them (`Week 4`, `10 mg`).

They are numbers only where the places of their ticks say the same: labels of categories, also of months, stand at equal distances
whatever they say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.axis import SNAPPED_PX, AxisCalibration, Tick
from calibration.dates import SINCE_NEW_YEAR, Meaning, date_meanings
from calibration.hypothesis import TICK_REACH, Label
from calibration.reading import AxisReading
from calibration.scale import Date, FloatArray, Linear

TICK_OFF_PX = 1.2
"""How far a tick may stand from where its label says."""

LABEL_OFF = 0.25
"""The same of a label without a tick, in heights of the text."""

CLOSE_RIVAL = 1.5
"""Another way to read the labels leaves the axis unread where ticks scatter about its line by less than this many times more, or than"""

CLOSE_SIGMAS = 3.0
"""this many tick uncertainties."""

LEAP_DAY = 0.29
"""Standard uncertainty, days, of dates whose year may have a leap day or not."""

_TIME_WORDS = (
    ("second", "seconds", "sec", "secs", "s"),
    ("minute", "minutes", "min", "mins"),
    ("hour", "hours", "hr", "hrs", "h"),
    ("day", "days", "d"),
    ("week", "weeks", "wk", "wks", "w"),
    ("month", "months", "mo", "mos", "mth", "mths"),
    ("year", "years", "yr", "yrs", "y"),
)
_DOSE_WORDS = ("ng", "µg", "ug", "mcg", "mg", "g", "kg", "mg/kg", "ml", "l", "mm", "cm", "m", "km", "nmol", "µmol", "mmol", "mol", "iu")
_UNIT = {word: group[0] for group in _TIME_WORDS for word in group} | {word: word for word in _DOSE_WORDS}
_WORD, _NUMBER = r"(?P<word>[a-zµ/]+)\.?", r"(?P<number>[-−]?(?:\d+(?:[.,]\d+)?|[.,]\d+))"
_COUNTED = (re.compile(rf"{_WORD}\s?{_NUMBER}"), re.compile(rf"{_NUMBER}\s?{_WORD}"))
_START = frozenset(("baseline", "base", "bl", "b/l", "pre", "start", "before"))


@dataclass(frozen=True)
class WordedAxis:
    """An axis as dates or counted words say it, and what its values count: `week`, `days since 1970-01-01`."""

    reading: AxisReading
    unit: str


def read_worded_axis(
    labels: Sequence[Label], ticks_px: npt.ArrayLike = (), *, u_px: float = SNAPPED_PX, u_common_px: float = 0.0
) -> WordedAxis | None:
    """Read an axis whose labels are dates, times, or numbers with a word, where they agree with the places of their ticks.

    Parameters
    ----------
    labels : sequence of Label
        All names along the axis, `text` as it was read with all letters allowed.
    ticks_px : array-like, optional
        Positions of tick marks along the axis, pixels; without any, labels stand for ticks.
    u_px, u_common_px : float, optional
        As for `read_axis`.

    Returns
    -------
    WordedAxis or None
        None where the labels are names, say the same number twice, or leave more than one way to read them (`01/02/2019`).
    """
    ordered = sorted(labels, key=lambda label: label.px)
    texts = [label.text for label in ordered]
    meanings = [*date_meanings(texts), *_counted(texts)]
    if not meanings:
        return None
    px, is_tick, sigma = _placed(ordered, np.atleast_1d(np.asarray(ticks_px, dtype=float)), u_px)
    off = np.where(is_tick, TICK_OFF_PX, LABEL_OFF * _height(ordered))
    read = [(fit, meaning) for meaning in meanings if (fit := _fitted(ordered, px, sigma, meaning, u_common_px)) is not None]
    read.sort(key=lambda each: each[0].rmse_px)
    close = CLOSE_SIGMAS * float(np.max(sigma))
    if not read or any(_contradicts(read[0], other, close) for other in read[1:]):
        return None
    fit, meaning = read[0]
    if np.any(np.abs(fit.residuals_px) > off):  # NaN of labels that are written otherwise
        return None
    if len(read) > 1 and meaning.unit == SINCE_NEW_YEAR:
        fit = AxisCalibration.from_ticks(fit.ticks, scale=fit.scale, u_common_px=math.hypot(u_common_px, LEAP_DAY / abs(fit.slope)))
    flags = ("ticks_missing",) if not is_tick.all() else ()
    return WordedAxis(AxisReading(fit, None, flags, "", fit.ticks), meaning.unit)


def _counted(texts: Sequence[str]) -> list[Meaning]:
    """The numbers beside one unit, three or more, where no other text than a baseline's stands among them."""
    for form in _COUNTED:
        found = [form.fullmatch(text.strip().lower().replace("μ", "µ")) for text in texts]
        known = [match for match in found if match is not None]
        units = {_UNIT.get(match["word"]) for match in known}
        others = [text.strip().lower() for text, match in zip(texts, found, strict=True) if match is None]
        is_one = len(units) == 1 and None not in units and (form is _COUNTED[1] or all(len(match["word"]) > 1 for match in known))
        if len(known) < 3 or not is_one or len(others) > 1 or not _START.issuperset(others):
            continue
        values = [None if match is None else float(match["number"].replace("−", "-").replace(",", ".")) for match in found]
        return [Meaning(tuple(0.0 if value is None else value for value in values), str(units.pop()), "counted")]
    return []


def _height(labels: Sequence[Label]) -> float:
    return float(np.median([label.height_px or label.size_px for label in labels]))


def _placed(labels: Sequence[Label], ticks: FloatArray, u_px: float) -> tuple[FloatArray, npt.NDArray[np.bool_], FloatArray]:
    """The place of each label: its tick, or its own middle where less than half of them have one; whether it is a tick, and its u."""
    middle = np.array([label.px for label in labels])
    reach = TICK_REACH * _height(labels)
    u_label = max(0.5, u_px, 0.2 * reach)
    if not ticks.size:
        return middle, np.zeros(len(middle), dtype=bool), np.full(len(middle), u_label)
    nearest = ticks[np.abs(ticks - middle[:, None]).argmin(axis=1)]
    is_tick = np.abs(nearest - middle) <= reach
    if 2 * np.count_nonzero(is_tick) < len(middle):
        is_tick = np.zeros(len(middle), dtype=bool)
    return np.where(is_tick, nearest, middle), is_tick, np.where(is_tick, u_px, u_label)


def _fitted(labels: Sequence[Label], px: FloatArray, sigma: FloatArray, meaning: Meaning, u_common_px: float) -> AxisCalibration | None:
    """The axis that a meaning makes; None where it does not rise, or where the labels stand at equal distances instead."""
    ticks = [
        Tick(float(at), value, label.text, u_px=float(u))
        if value is not None
        else Tick(float(at), math.nan, label.text, False, "written otherwise than the other labels", float(u))
        for at, u, label, value in zip(px, sigma, labels, meaning.values, strict=True)
    ]
    used = np.array([tick.used for tick in ticks])
    values = np.array([tick.value for tick in ticks])[used]
    if len(set(values.tolist())) < len(values) or np.any(np.diff(px[used]) <= 0):
        return None
    fit = AxisCalibration.from_ticks(ticks, scale=Linear() if meaning.form == "counted" else Date(), u_common_px=u_common_px)
    if fit.slope <= 0:
        return None
    equal = np.polyfit(np.arange(len(values)), px[used], 1)
    scatter = float(np.sqrt(np.mean((px[used] - np.polyval(equal, np.arange(len(values)))) ** 2)))
    return fit if fit.rmse_px <= max(2.0 * scatter, 0.5 * float(np.max(sigma[used])) + 0.3) else None


def _contradicts(best: tuple[AxisCalibration, Meaning], other: tuple[AxisCalibration, Meaning], close_px: float) -> bool:
    """Whether another way to read the labels lies on its ticks nearly as well and says other things; a leap day is no other thing."""
    (fit, meaning), (rival, told) = best, other
    pairs = [(a, b) for a, b in zip(meaning.values, told.values, strict=True) if a is not None and b is not None]
    is_same = meaning.unit == told.unit and all(abs(a - b) <= 1.0 for a, b in pairs)
    return not is_same and rival.rmse_px < max(CLOSE_RIVAL * fit.rmse_px, close_px)
