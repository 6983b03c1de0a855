"""Tick labels and tick marks -> a calibrated axis: which label belongs to which tick, which scale, what was refused and why.

Recognition loses signs, decimal points and superscripts, and its confidence does not tell. The labels of one axis, however, must lie on one
line against their ticks. Lines are proposed by pairs of labels (`consensus`), on a linear and on a logarithmic scale; each is refitted to
the sub-pixel ticks, loses the labels that stand off it, and is weighed together with minor ticks, round steps and the usual direction
(`hypothesis`). The best line is the reading, the best one that says something else the runner-up; where it comes close the axis is
flagged. No label is repaired: one that does not fit is refused, with what it probably was as a reason. Only where all labels of an axis
lost their decimal points do leading zeros (`05`, `10`, `15`) and gaps say where these stood; such an axis is flagged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from calibration.axis import SNAPPED_PX, AxisCalibration, Tick
from calibration.hypothesis import EXACT_PX, REPEATED, Hypothesis, Label, LabelRow, hypotheses, what_was_lost
from calibration.scale import FloatArray

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "axis_uncertain": "The tick labels allow another reading of the axis, or are too few to check one another.",
        "axis_unread": "No two tick labels agree on an axis; it needs two ticks given by hand.",
        "labels_refused": "One or more tick labels contradict the others and were not used.",
        "labels_rounded": "Tick labels are rounded by the author: the printed number is not exactly the tick's value.",
        "ticks_missing": "No tick marks were found at one or more labels; the centres of the labels serve in their place.",
    }
)
"""The flags that a reading can carry, and what they mean."""

CLOSE_RIVAL = 0.6
"""Votes by which the runner-up must lag, else the axis is uncertain."""

TIED_RIVAL = 0.1
"""Votes by which the runner-up must lag where labels had to be refused, else nothing is read."""

LOOSE = 4.0
"""Scatter of the ticks about their line, in tick uncertainties, from which the labels cannot all be right."""


@dataclass(frozen=True)
class AxisReading:
    """An axis as its labels and ticks say it.

    Attributes
    ----------
    calibration : AxisCalibration or None
        The axis; None where the labels do not agree on one.
    runner_up : AxisCalibration or None
        The best axis that reads otherwise, where at least half as many labels speak for it.
    flags : tuple of str
        From `FLAGS`.
    reason : str
        Why the axis is uncertain or was not read; empty where it is sure.
    ticks : tuple of Tick
        Every label, along the pixels: those used with their value, the refused ones with NaN and a reason.
    """

    calibration: AxisCalibration | None
    runner_up: AxisCalibration | None
    flags: tuple[str, ...]
    reason: str
    ticks: tuple[Tick, ...]

    @property
    def is_sure(self) -> bool:
        """Whether the axis was read and nothing speaks against the reading."""
        return self.calibration is not None and "axis_uncertain" not in self.flags


def read_axis(
    labels: Sequence[Label],
    ticks_px: npt.ArrayLike = (),
    *,
    minor_px: npt.ArrayLike = (),
    u_px: float = SNAPPED_PX,
    u_common_px: float = 0.0,
    rises: bool | None = None,
) -> AxisReading:
    """Read one axis.

    Parameters
    ----------
    labels : sequence of Label
        What stands beside the axis, also texts that are no tick label.
    ticks_px : array-like, optional
        Sub-pixel positions of tick marks along the axis; minor and spurious ones may be among them. Without any, labels stand for ticks.
    minor_px : array-like, optional
        Positions known to be minor ticks.
    u_px : float, optional
        Standard uncertainty of a tick position; the default is that of a renderer which snaps ticks to whole pixels.
    u_common_px : float, optional
        Standard uncertainty of a shift that all ticks share (`AxisCalibration.fit`).
    rises : bool, optional
        Whether values usually rise with the pixels: True for an x axis, False for a y axis (y counts down). It breaks ties, and an axis
        that runs the other way is flagged where its labels may have lost their minus signs (`Label.is_unsigned`).

    Returns
    -------
    AxisReading
        With `calibration` None and a reason where fewer than 2 labels agree or the labels contradict one another.
    """
    row = LabelRow.of(labels, _finite(ticks_px), _finite(minor_px), u_px, rises)
    plain = _read_row(row, u_common_px)
    again = None if plain.is_sure else row.with_lost_points()
    if again is None:
        return plain
    pointed = _read_row(again, u_common_px)
    return pointed if _n_used(pointed) >= _n_used(plain) else plain


def _n_used(reading: AxisReading) -> int:
    return 0 if reading.calibration is None else sum(tick.used for tick in reading.ticks)


def _read_row(row: LabelRow, u_common_px: float) -> AxisReading:
    if row.n_numbers < 2:
        return _unread(row, f"expected 2 numbers or more beside the axis, found {row.n_numbers}")
    ranked = hypotheses(row)
    if not ranked:
        return _unread(row, f"expected 2 labels or more that agree on an axis, found none among {row.n_numbers} numbers")
    best = ranked[0]
    rival = next((other for other in ranked[1:] if best.reads_otherwise(other)), None)
    refusal = _contradiction(row, best, rival)
    return _unread(row, refusal) if refusal else _report(row, best, rival, u_common_px)


def _finite(px: npt.ArrayLike) -> FloatArray:
    positions = np.asarray(px, dtype=float)
    return np.unique(positions[np.isfinite(positions)])


def _contradiction(row: LabelRow, best: Hypothesis, rival: Hypothesis | None) -> str:
    """Return why nothing can be read; empty where the best line may be."""
    n_used, n_numbers = len(best.places), row.n_numbers
    if n_used == 2 and n_numbers >= 4:
        return f"no more than 2 of {n_numbers} labels lie on one line"
    if rival is not None and n_used < n_numbers and best.votes - rival.votes < TIED_RIVAL:
        return f"{n_used} of {n_numbers} labels say {_told(best)}, {len(rival.places)} say {_told(rival)}"
    return ""


def _told(hypothesis: Hypothesis) -> str:
    ends = hypothesis.value_at([np.min(hypothesis.px), np.max(hypothesis.px)])
    return f"{ends[0]:.4g} to {ends[1]:.4g} ({hypothesis.scale.name})"


def _doubts(row: LabelRow, best: Hypothesis, rival: Hypothesis | None) -> list[str]:
    """Return what speaks against the best line."""
    n_used, n_refused = len(best.places), row.n_numbers - len(best.places)
    lead = math.inf if rival is None else best.votes - rival.votes
    doubts = {
        "only 2 labels were read: nothing checks them": n_used == 2 and not _counts_decades(row, best),
        "" if rival is None else f"{len(rival.places)} labels also allow {_told(rival)}": lead < CLOSE_RIVAL,
        f"{n_refused} of {row.n_numbers} labels do not fit": 3 * n_refused > row.n_numbers and (n_used < 4 or lead < 2.0),
        f"the minor ticks are not those of a {best.scale.name} axis": best.witness < 0 or _misses_decades(row, best),
        f"the labels stand off their ticks by {_scatter_px(best):.1f} px": best.chi2 > LOOSE**2 * max(1, n_used - 2),
        "the values run against the usual direction: minus signs lost, or an inverted axis": _runs_against(row, best),
        "decimal points lost: some labels have one, others do not": not row.decimals and _mixes_decimals(row, best),
        "equal ticks carry unequal steps: a digit was misread": best.is_uneven,
        "rounded labels, too few to tell the numbers behind them": best.is_rounded and n_used < 4,
        "powers of ten beside plain numbers": _mixes_powers(row, best),
        "powers of ten whose superscripts were lost, or the plain numbers": _may_be_powers(row, best),
        "decimal points lost: leading zeros or gaps say where they stood": row.decimals > 0,
    }
    return [doubt for doubt, is_held in doubts.items() if is_held]


def _misses_decades(row: LabelRow, best: Hypothesis) -> bool:
    """Whether a logarithmic axis has minor ticks enough to show its decades, and they do not."""
    n_minor = row.n_unlabelled(float(np.min(best.px)), float(np.max(best.px)))
    return best.scale.name == "log10" and best.witness == 0 and n_minor >= 4 * (len(best.places) - 1)


def _counts_decades(row: LabelRow, best: Hypothesis) -> bool:
    """Whether minor ticks show that two plain numbers stand as many decades apart as they say: they are a third label."""
    are_plain = all(row.meanings[place][0].form != "power" for place in best.places)
    return best.scale.name == "log10" and best.witness > 0 and are_plain


def _scatter_px(hypothesis: Hypothesis) -> float:
    u = np.asarray(hypothesis.scale.forward(hypothesis.values))
    return float(np.sqrt(np.mean((hypothesis.px - hypothesis.a - hypothesis.b * u) ** 2)))


def _runs_against(row: LabelRow, best: Hypothesis) -> bool:
    """Whether values fall where they usually rise, with neither minus signs nor bare paper to show that signs were not lost."""
    if row.rises is None or (best.b > 0) == row.rises or np.any(best.values < 0):
        return False
    # One line holds them all: where some surely have no sign none has lost it.
    unsigned = [row.labels[i].is_unsigned for i, value in zip(best.places, best.values, strict=True) if value != 0.0]
    if sum(unsigned) >= max(2, 0.5 * len(unsigned)):
        return False
    return best.scale.name == "linear" or any(reading.form == "power" for i in best.places for reading in row.meanings[i])


def _mixes_decimals(row: LabelRow, best: Hypothesis) -> bool:
    """Whether a label keeps its decimals at any price (`0.0`, `05`), yet others that are used have none."""
    used = [row.meanings[place][0] for place in best.places]
    trailing = (r.form == "decimal" and row.labels[i].text.endswith("0") for i, r in zip(best.places, used, strict=True))
    keeps = any(trailing) or any(re.fullmatch(r"[-−]?0\d+%?", label.text) for label in row.labels)
    return keeps and best.scale.name == "linear" and any(reading.form == "integer" and reading.value != 0.0 for reading in used)


def _mixes_powers(row: LabelRow, best: Hypothesis) -> bool:
    """Whether some labels can only be powers of ten and others only plain numbers."""
    used = [{reading.form == "power" for reading in row.meanings[place]} for place in best.places]
    return {True} in used and {False} in used


def _may_be_powers(row: LabelRow, best: Hypothesis) -> bool:
    """Whether plain numbers such as 100, 101, 102 could all be powers of ten, unless equal minor ticks and level texts say otherwise."""
    used = [{reading.form for reading in row.meanings[place]} for place in best.places]
    is_excluded = best.witness > 0 and not any(row.labels[place].raised for place in best.places)
    return best.scale.name == "linear" and not is_excluded and all({"integer", "power"} <= forms for forms in used)


def _report(row: LabelRow, best: Hypothesis, rival: Hypothesis | None, u_common_px: float) -> AxisReading:
    ticks = _ticks(row, best)
    doubts = _doubts(row, best, rival)
    flags = {
        "axis_uncertain": bool(doubts),
        "labels_refused": any(not tick.used and _is_label(tick, reason) for tick, reason in zip(ticks, row.refusals, strict=True)),
        "labels_rounded": best.is_rounded,
        "ticks_missing": not best.has_ticks,
    }
    is_close = rival is not None and 2 * len(rival.places) >= len(best.places)
    return AxisReading(
        calibration=AxisCalibration.from_ticks(ticks, scale=best.scale, u_common_px=u_common_px),
        runner_up=AxisCalibration.from_ticks(_ticks(row, rival), scale=rival.scale) if rival is not None and is_close else None,
        flags=tuple(flag for flag, is_set in flags.items() if is_set),
        reason="; ".join(doubts),
        ticks=ticks,
    )


def _is_label(tick: Tick, refusal: str) -> bool:
    """Whether a refused text is a tick label at all: a number, or one that recognition spoiled."""
    return not refusal or (refusal != REPEATED and bool(re.fullmatch(r"[-−+.,%\s]*\d[-−+.,%\s\d]*", tick.label)))


def _ticks(row: LabelRow, hypothesis: Hypothesis) -> tuple[Tick, ...]:
    numbers = zip(hypothesis.px.tolist(), hypothesis.values.tolist(), hypothesis.u_px.tolist(), strict=True)
    used = dict(zip(hypothesis.places, numbers, strict=True))
    ticks = []
    for place, label in enumerate(row.labels):
        if place in used:
            px, value, u_px = used[place]
            ticks.append(Tick(px, value, label.text, u_px=u_px))
        else:
            ticks.append(Tick(row.anchor(label), math.nan, label.text, False, _refusal(row, hypothesis, place), row.u_px))
    return tuple(ticks)


def _refusal(row: LabelRow, hypothesis: Hypothesis, place: int) -> str:
    label, said = row.labels[place], row.refusals[place]
    if said == REPEATED:
        return said
    at = row.anchor(label)
    below, expected, above = hypothesis.value_at([at - EXACT_PX, at, at + EXACT_PX]).tolist()
    lost = what_was_lost(label.text, expected, abs(above - below))
    said = said or f"the other labels say {expected if abs(expected) > 1e-6 * abs(above - below) else 0.0:.4g} here"
    return f"{said}: {lost}" if lost else said


def _unread(row: LabelRow, reason: str) -> AxisReading:
    refused = (
        Tick(row.anchor(label), math.nan, label.text, False, refusal or "the axis was not read", row.u_px)
        for label, refusal in zip(row.labels, row.refusals, strict=True)
    )
    return AxisReading(None, None, ("axis_unread",), reason, tuple(refused))
