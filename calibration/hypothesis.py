"""One reading of an axis among its rivals: a line through labels, refitted to the sub-pixel ticks, with the votes that speak for it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calibration.axis import SNAPPED_PX
from calibration.consensus import ROUNDED_LOG, ROUNDED_VOTE, WORTH_TRYING, Candidates, IntArray, Line, least_squares, lines
from calibration.numbers import Reading, decimals_behind_gap, parse_number, with_lost_point
from calibration.rounding import has_unequal_steps, unrounded
from calibration.scale import FloatArray, Linear, Log10, Scale
from calibration.witness import AT_PX, decade_ticks, minor_tick_witness

TICK_REACH = 0.35
"""How far a tick may stand from the centre of its label, in heights of the label."""

EXACT_PX = 1.5
"""A label further than this from the line through sharp ticks is not on it as printed."""

STRANGER_SIGMAS = 5.0
"""A label that misses the line of all others by more standard uncertainties than this was misread."""

RECOVERED_VOTE = 0.7
"""What a rounded label counts behind whose number a multiple of a round step was found; a label that prints that exactly counts 1."""

REPEATED = "the same label twice in one place"

LEAST_LEADING = 2
"""Labels with a leading zero or a gap that tell of lost decimal points; one alone may have a digit too many."""

_LINEAR_IS_COMMON = 0.15
_USUAL_DIRECTION = 0.2
_ROUND_STEP = 0.1
_MINOR_TICKS = 0.8
_POWERS_ARE_LOG = 0.5
_OTHER_TEXT = 0.15
_NONE_LOST = 0.3
_SECOND_OF_RAISED_AXIS = 0.1
_ROUND_MANTISSAS = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0])


@dataclass(frozen=True)
class Label:
    """The text of one tick label and where it stands.

    Attributes
    ----------
    px : float
        Centre of the label along the axis, pixels.
    size_px : float
        Extent of the label along the axis, pixels: its height on a y axis, its width on an x axis.
    text : str
        The text read with nothing but the signs of numbers allowed.
    confidence : float
        Of the reading, 0 to 1.
    raised : bool
        Whether the end of the text stands higher than its beginning, as an exponent does.
    free_text : str
        The text read with all letters allowed, where it was read so.
    height_px : float or None
        Height of the text across the reading direction, where it is not `size_px` (x axes).
    is_unsigned : bool
        Whether bare paper stands before it, so that it surely has no minus sign.
    """

    px: float
    size_px: float
    text: str
    confidence: float = 1.0
    raised: bool = False
    free_text: str = ""
    height_px: float | None = None
    is_unsigned: bool = False


@dataclass(frozen=True)
class LabelRow:
    """The labels of an axis along the pixels, with their meanings (none: `refusals` says why), and the ticks that they may belong to.

    `ticks_px` may hold minor ticks, `minor_px` holds nothing else. `reach` is how far a tick may stand from the centre of its label, `u_px`
    the standard uncertainty of a tick, and `rises` whether values usually rise with the pixels. `decimals` is how many digits of every
    label stand behind a decimal point that was lost, 0 where none was.
    """

    labels: tuple[Label, ...]
    meanings: tuple[tuple[Reading, ...], ...]
    refusals: tuple[str, ...]
    ticks_px: FloatArray
    minor_px: FloatArray
    reach: float
    u_px: float
    rises: bool | None
    decimals: int = 0

    @classmethod
    def of(
        cls, labels: Sequence[Label], ticks_px: FloatArray, minor_px: FloatArray, u_px: float, rises: bool | None, decimals: int = 0
    ) -> LabelRow:
        """Return the row of these labels, each with what its text can mean."""
        ordered = tuple(sorted(labels, key=lambda label: label.px))
        reach = _reach(ordered)
        is_raised = any(label.raised for label in ordered)
        found = _with_common_mark(ordered, [_meanings(label, is_raised, decimals) for label in ordered])
        is_repeat = [any(_is_repeat(ordered[i], found[i], ordered[k], found[k], reach) for k in range(i)) for i in range(len(ordered))]
        meanings = [() if again else some for again, some in zip(is_repeat, found, strict=True)]
        refusals = [REPEATED if again else "" if some else "not a number" for again, some in zip(is_repeat, meanings, strict=True)]
        return cls(ordered, _with_common_half(meanings), tuple(refusals), ticks_px, minor_px, reach, u_px, rises, decimals)

    def with_lost_points(self) -> LabelRow | None:
        """Return the row with what its labels mean if all of them lost their decimal points; None where nothing says so.

        The labels of an axis have as many decimals each: as many as digits stand behind the leading zero or the gap of two labels or more.
        """
        found = (decimals_behind_gap(label.free_text) or decimals_behind_gap(label.text) for label in self.labels)
        behind = [count for count in found if count]
        if len(behind) < LEAST_LEADING or len(set(behind)) > 1:
            return None
        return LabelRow.of(self.labels, self.ticks_px, self.minor_px, self.u_px, self.rises, behind[0])

    @property
    def n_numbers(self) -> int:
        """How many labels are numbers."""
        return sum(bool(meanings) for meanings in self.meanings)

    @property
    def all_px(self) -> FloatArray:
        """All ticks, major and minor."""
        return np.union1d(self.ticks_px, self.minor_px)

    def n_unlabelled(self, left: float, right: float) -> int:
        """Return how many ticks between two positions no number stands beside."""
        inside = self.all_px[(self.all_px > left) & (self.all_px < right)]
        return int(np.count_nonzero(~np.isin(inside, [self.anchor(label) for label in self.labels])))

    @property
    def tol(self) -> float:
        """How far a label may be from the line of its axis before the ticks are looked at."""
        return max(self.reach, 2.0 * EXACT_PX)

    @property
    def u_label(self) -> float:
        """Standard uncertainty of a tick that only its label tells of: a fifth of the reach, 7 % of the text's height."""
        return max(0.5, self.u_px, 0.2 * self.reach)

    def anchor(self, label: Label, wanted: float | None = None) -> float:
        """Return the tick of a label (in its reach, the nearest to it or to `wanted`), or the label's centre where there is none."""
        for ticks in (self.ticks_px, self.minor_px):
            near = ticks[np.abs(ticks - label.px) <= self.reach]
            if len(near):
                return float(near[np.argmin(np.abs(near - (label.px if wanted is None else wanted)))])
        return label.px


@dataclass(frozen=True)
class Hypothesis:
    """A line `px = a + b u`, the labels used (places in the row) with position, value and uncertainty, and its votes.

    `witness` is what the minor ticks say (`minor_tick_witness`), `chi2` the scatter of the ticks in units of `u_px`; `is_uneven` tells
    of equal ticks with unequal steps of value (`has_unequal_steps`).
    """

    scale: Scale
    places: tuple[int, ...]
    px: FloatArray
    values: FloatArray
    u_px: FloatArray
    a: float
    b: float
    is_rounded: bool
    has_ticks: bool
    votes: float
    chi2: float
    is_uneven: bool
    witness: int = 0

    def value_at(self, px: npt.ArrayLike) -> FloatArray:
        """Return the values at pixels; far off a logarithmic axis they stop at 1e-300 and 1e300."""
        u = (np.asarray(px, dtype=float) - self.a) / self.b
        return np.asarray(self.scale.inverse(np.clip(u, -300.0, 300.0) if self.scale.name == "log10" else u))

    def reads_otherwise(self, other: Hypothesis) -> bool:
        """Whether the two differ by more than 1 % of this axis somewhere between its labels."""
        probes = np.linspace(np.min(self.px), np.max(self.px), 7)
        ours = self.value_at(probes)
        return bool(np.max(np.abs(ours - other.value_at(probes))) > 0.01 * np.ptp(ours))


def hypotheses(row: LabelRow) -> list[Hypothesis]:
    """Return the readings of a row on all scales, the one with most votes first."""
    label_px = np.array([row.anchor(label) for label, meanings in zip(row.labels, row.meanings, strict=True) if meanings])
    found: list[Hypothesis] = []
    most = 0.0
    for scale, as_powers in ((Linear(), False), (Log10(), False), (Log10(), True)):
        candidates = _candidates(row, scale, as_powers)
        if candidates is None:
            continue
        proposed = lines(candidates, least=WORTH_TRYING * most)
        refined = [_refined(row, candidates, line) for line in proposed]
        found.extend(_with_evidence(row, hypothesis, label_px) for hypothesis in refined if hypothesis is not None)
        most = max([most, *(line.votes for line in proposed)])
    return sorted(found, key=lambda hypothesis: -hypothesis.votes)


def _reach(labels: Sequence[Label]) -> float:
    """Return how far a tick may stand from its label's centre, from the height of the text; digits are about half as wide as high."""
    if not labels:
        return 0.0
    known = [label.height_px for label in labels if label.height_px is not None]
    if known:
        return TICK_REACH * float(np.median(known))
    sizes = np.array([label.size_px for label in labels])
    per_letter = sizes / np.array([max(1, len(label.text)) for label in labels])
    is_along_text = np.std(per_letter) * np.mean(sizes) < np.std(sizes) * np.mean(per_letter)
    return TICK_REACH * float(np.median(2.0 * per_letter if is_along_text else sizes))


def _meanings(label: Label, is_raised_axis: bool, decimals: int = 0) -> tuple[Reading, ...]:
    found = list(parse_number(label.text, raised=label.raised))
    whole = with_lost_point(label.text, decimals) if decimals else None
    if whole is not None:
        found = [whole, *(replace(reading, cost=reading.cost + _NONE_LOST) for reading in found)]
    if is_raised_axis and not label.raised and _is_ambiguous(found):
        found = [replace(reading, cost=_SECOND_OF_RAISED_AXIS) for reading in found]
    known = {reading.value for reading in found}
    other = [r for r in parse_number(label.free_text, raised=label.raised) if r.value not in known] if label.free_text else []
    return tuple(found + [replace(reading, cost=reading.cost + _OTHER_TEXT) for reading in other])


def _with_common_mark(labels: Sequence[Label], meanings: Sequence[tuple[Reading, ...]]) -> list[tuple[Reading, ...]]:
    """Swap the costs of `1,000` as a thousand and as 1 where a label such as `0,500` shows that the mark is the decimal one."""
    sure = [label.text for label, found in zip(labels, meanings, strict=True) if _forms(found) == {"decimal"}]
    decimal = {mark for mark in ",." if any(re.search(rf"[{mark}]\d{{3}}\D*$", text) for text in sure)}

    def swapped(label: Label, found: tuple[Reading, ...]) -> tuple[Reading, ...]:
        if _forms(found) != {"decimal", "thousands"} or not any(mark in label.text for mark in decimal):
            return found
        costs = {"decimal": min(r.cost for r in found), "thousands": max(r.cost for r in found)}
        return tuple(sorted((replace(r, cost=costs[r.form]) for r in found), key=lambda reading: reading.cost))

    return [swapped(label, found) for label, found in zip(labels, meanings, strict=True)]


def _forms(meanings: Sequence[Reading]) -> set[str]:
    return {reading.form for reading in meanings}


def _is_repeat(label: Label, meanings: Sequence[Reading], earlier: Label, earlier_meanings: Sequence[Reading], reach: float) -> bool:
    return bool(meanings and earlier_meanings) and abs(label.px - earlier.px) <= reach and meanings[0].value == earlier_meanings[0].value


def _with_common_half(meanings: Sequence[tuple[Reading, ...]]) -> tuple[tuple[Reading, ...], ...]:
    """Give all plain numbers the last place of the finest one: authors drop trailing zeros, and `0` beside `0.25` is not 0 +- 0.5."""
    plain = [readings[0].half for readings in meanings if readings and readings[0].form not in ("exponent", "power")]
    scientific = [r.half for readings in meanings for r in readings if r.form == "exponent" and r.value != 0.0]
    finest, finest_scientific = min(plain, default=math.inf), min(scientific, default=math.inf)

    def shared(reading: Reading) -> Reading:
        if reading.form == "power" or (reading.form == "exponent" and reading.value != 0.0):
            return reading
        return replace(reading, half=min(reading.half, finest_scientific if reading.form == "exponent" else finest))

    return tuple(tuple(shared(reading) for reading in readings) for readings in meanings)


def _candidates(row: LabelRow, scale: Scale, as_powers: bool) -> Candidates | None:
    """Return what the labels can mean on a scale; None where fewer than 2 mean anything, or where `as_powers` makes no difference.

    Either all labels such as `102` are powers of ten or none is: on one axis the two are never mixed.
    """
    is_log = scale.name == "log10"
    if as_powers and not any(_is_ambiguous(readings) for readings in row.meanings):
        return None
    entries = [
        (i, r)
        for i, readings in enumerate(row.meanings)
        for r in readings
        if (not is_log or r.value > 0) and (not _is_ambiguous(readings) or (r.form == "power") == as_powers)
    ]
    if len({i for i, _ in entries}) < 2:
        return None
    value = np.array([r.value for _, r in entries])
    half = np.array([r.half for _, r in entries])
    if is_log:
        half = np.minimum(half, value * (1.0 - 10.0**-ROUNDED_LOG))
    return Candidates(
        scale=scale,
        label=np.array([i for i, _ in entries]),
        value=value,
        u=np.asarray(scale.forward(value)),
        u_lo=np.asarray(scale.forward(value - half)),
        u_hi=np.asarray(scale.forward(value + half)),
        cost=np.array([r.cost for _, r in entries]),
        px=np.array([row.anchor(label) for label in row.labels]),
        weight=np.array([0.7 + 0.3 * min(1.0, max(0.0, label.confidence)) for label in row.labels]),
        gap=_gaps(np.array([label.px for label in row.labels]), row.reach),
        tol=row.tol,
    )


def _is_ambiguous(meanings: Sequence[Reading]) -> bool:
    return {"integer", "power"} <= _forms(meanings)


def _gaps(px: FloatArray, reach: float) -> FloatArray:
    """Return the distance of each position to the nearest other one that is not the same place."""
    apart = np.abs(px[:, None] - px[None, :])
    return np.asarray(np.min(np.where(apart > reach, apart, np.inf), axis=1))


def _refined(row: LabelRow, candidates: Candidates, line: Line) -> Hypothesis | None:
    """Refit a line to the sub-pixel ticks of its voters, and let go, one by one, of labels that stand off it."""
    voters, is_rounded = line.voters, line.is_rounded
    a, b = _tuned_to_decades(row, candidates, line)
    while True:
        px = _positions(row, candidates, voters, np.where(is_rounded, np.nan, a + b * candidates.u[voters]))
        fit = _fit(row, candidates, voters, px)
        if fit is not None and not fit.is_rounded:
            again = _positions(row, candidates, voters, fit.a + fit.b * candidates.u[voters])
            refit = fit if np.array_equal(again, px) else _fit(row, candidates, voters, again)
            if refit is not None and refit.chi2 < fit.chi2:
                px, fit = again, refit
        if fit is None or fit.is_rounded or len(voters) <= 3:
            return fit
        stranger = _stranger(row, candidates, voters, px, fit)
        if stranger is None:
            return fit
        voters, is_rounded, a, b = np.delete(voters, stranger), np.delete(is_rounded, stranger), fit.a, fit.b


def _positions(row: LabelRow, candidates: Candidates, voters: IntArray, wanted: FloatArray) -> FloatArray:
    """Return the tick of each voter, nearest to where its line wants it; the labels' centres where less than half of them have a tick."""
    labels = [row.labels[i] for i in candidates.label[voters]]
    px = np.array([row.anchor(label, None if math.isnan(at) else at) for label, at in zip(labels, wanted.tolist(), strict=True)])
    is_tick = np.isin(px, row.all_px)
    return px if 2 * np.count_nonzero(is_tick) >= len(px) else np.array([label.px for label in labels])


def _tuned_to_decades(row: LabelRow, candidates: Candidates, line: Line) -> tuple[float, float]:
    """Return a, b of a logarithmic line that was fitted to the minor ticks: labels alone cannot tell the tick at 9 from that at 10."""
    a, b = line.a, line.b
    wanted = a + b * candidates.u[line.voters]
    ticks = row.all_px[(row.all_px >= wanted.min() - row.reach) & (row.all_px <= wanted.max() + row.reach)]
    away = (ticks[:, None] - wanted).ravel()
    shifts = away[np.abs(away) <= 0.5 * row.reach]
    expected = decade_ticks(a, b, float(wanted.min()) - row.reach, float(wanted.max()) + row.reach)
    if candidates.scale.name != "log10" or len(ticks) < 3 * len(wanted) or not len(shifts) or not len(expected):
        return a, b
    misses = np.min(np.abs(ticks[:, None, None] - (expected + shifts[:, None])), axis=2)
    a += float(shifts[np.argmin(np.minimum(misses, 2.0 * AT_PX).sum(axis=0) + 1e-3 * np.abs(shifts))])
    for _ in range(3):
        expected = decade_ticks(a, b, float(ticks[0]) - row.reach, float(ticks[-1]) + row.reach)
        if not len(expected):
            break
        nearest = expected[np.argmin(np.abs(ticks[:, None] - expected), axis=1)]
        is_met = np.abs(ticks - nearest) <= 2.0 * AT_PX
        fitted = least_squares((nearest[is_met] - a) / b, ticks[is_met]) if np.count_nonzero(is_met) > 2 else None
        if fitted is None or abs(fitted[1] / b - 1.0) > 0.1:
            break
        a, b = fitted
    return a, b


def _stranger(row: LabelRow, candidates: Candidates, voters: IntArray, px: FloatArray, fit: Hypothesis) -> int | None:
    """Return which voter is not on the line of the others; None where none is, or none stands out.

    A label is a stranger if it stands off the line by more than sharp ticks allow, or if the others lie on a line that it misses by 5
    standard uncertainties. Of several, the one goes without which the others agree best: a false label also bends the line.
    """
    u = candidates.u[voters]
    is_tick = np.isin(px, row.all_px)
    sigma = np.where(is_tick, np.maximum(row.u_px, SNAPPED_PX), row.u_label)
    off = np.abs(px - (fit.a + fit.b * u))
    limit = np.where(is_tick, EXACT_PX, max(EXACT_PX, 0.5 * row.reach))
    if len(voters) > 4:
        limit = np.minimum(np.maximum(limit, 4.0 * 1.48 * np.median(off)), candidates.tol)
    chi2 = float(np.sum((off / sigma) ** 2))
    is_loose = bool(np.any(off > limit))
    if not is_loose and chi2 < STRANGER_SIGMAS**2:
        return None
    without = np.array([_chi2_without(u, px, sigma, place) for place in range(len(voters))])
    place = int(np.argmin(without))
    stands_out = chi2 - without[place] > STRANGER_SIGMAS**2 and without[place] <= 4.0 * max(1, len(voters) - 3)
    return place if is_loose or stands_out else None


def _chi2_without(u: FloatArray, px: FloatArray, sigma: FloatArray, place: int) -> float:
    u, px, sigma = np.delete(u, place), np.delete(px, place), np.delete(sigma, place)
    line = least_squares(u, px, sigma)
    return math.inf if line is None else float(np.sum(((px - line[0] - line[1] * u) / sigma) ** 2))


def _fit(row: LabelRow, candidates: Candidates, voters: IntArray, px: FloatArray) -> Hypothesis | None:
    scale, labels = candidates.scale, candidates.label[voters]
    is_tick = np.isin(px, row.all_px)
    sigma = np.where(is_tick, row.u_px, row.u_label)
    behind = unrounded(scale, px, candidates.value[voters], candidates.u_lo[voters], candidates.u_hi[voters], sigma)
    values, u_px = (candidates.value[voters], sigma) if behind is None else (behind.values, behind.u_px)
    u = np.asarray(scale.forward(values))
    line = least_squares(u, px, u_px)
    if line is None:
        return None
    off = px - (line[0] + line[1] * u)
    if behind is None:
        blur = np.maximum(0.6, sigma)
        vote = 1.0 - 0.5 * np.minimum(1.0, np.log1p((off / blur) ** 2) / np.log1p((row.tol / blur) ** 2))
    else:
        vote = np.where(values == candidates.value[voters], 1.0, RECOVERED_VOTE) if behind.is_recovered else np.full(len(px), ROUNDED_VOTE)
    return Hypothesis(
        scale=scale,
        places=tuple(int(i) for i in labels),
        px=px,
        values=values,
        u_px=u_px,
        a=line[0],
        b=line[1],
        is_rounded=behind is not None,
        has_ticks=bool(np.all(is_tick)),
        votes=float((vote - candidates.cost[voters]) @ candidates.weight[labels]),
        chi2=float(np.sum((off / np.maximum(u_px, SNAPPED_PX)) ** 2)),
        is_uneven=behind is None and has_unequal_steps(scale, px, u, candidates.u_lo[voters], candidates.u_hi[voters]),
    )


def _with_evidence(row: LabelRow, hypothesis: Hypothesis, label_px: FloatArray) -> Hypothesis:
    """Add to the votes what speaks for a line beside its labels."""
    h = hypothesis
    witness = minor_tick_witness(h.scale, h.a, h.b, h.px, label_px, row.all_px)
    is_linear = isinstance(h.scale, Linear)
    bonus = _MINOR_TICKS * witness + _LINEAR_IS_COMMON * is_linear + _ROUND_STEP * _has_round_steps(h)
    if row.rises is not None:
        bonus += _USUAL_DIRECTION * ((h.b > 0) == row.rises)
    if is_linear and all(row.meanings[i][0].form == "power" for i in h.places):
        bonus -= _POWERS_ARE_LOG
    if not is_linear and witness > 0:  # ticks at 2..9 show what raised ends would have shown
        powers = [r for i in h.places for r in row.meanings[i] if r.form == "power" and r.value in h.values]
        bonus += sum(reading.cost for reading in powers)
    return replace(h, votes=h.votes + bonus, witness=witness)


def _has_round_steps(hypothesis: Hypothesis) -> bool:
    steps = np.diff(np.sort(np.asarray(hypothesis.scale.forward(hypothesis.values))))
    step = float(np.min(steps[steps > 1e-9 * np.max(steps)]))
    mantissa = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
    is_doubling = hypothesis.scale.name == "log10" and abs(step - math.log10(2.0)) < 1e-9
    return is_doubling or bool(np.min(np.abs(_ROUND_MANTISSAS - mantissa)) < 1e-6)


def what_was_lost(text: str, expected: float, within: float) -> str:
    """Return which slip of recognition turns the number `expected` (+- `within`) into the text; empty where none does."""
    digits = re.sub(r"\D", "", text)
    if not digits:
        return ""
    point = "decimal point misplaced?" if set(text) & {".", ","} else "decimal point lost?"
    shifted = [int(digits) / 10.0**places for places in range(1, 5)]
    meanings = parse_number(text)
    slips = {
        "minus sign lost?": [-r.value for r in meanings],
        "minus sign of the exponent lost?": [1.0 / r.value for r in parse_number(text, raised=True) if r.form == "power"],
        point: [-s for s in shifted] if text.startswith(("-", "−")) else shifted,
        f"minus sign and {point}": [-s for s in shifted],
    }
    for slip, values in slips.items():
        if any(value != 0.0 and abs(value - expected) <= min(within, 0.1 * abs(value)) for value in values):
            return slip
    return ""
