"""Ticks without a label as a second witness: they divide a linear axis equally, and the decades of a logarithmic one at 2, 3, ... 9."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from calibration.scale import FloatArray, Scale

AT_PX = 1.0
"""How far a minor tick may stand from where it is expected, pixels."""

SHIFTS_PX = np.array([-0.5, 0.0, 0.5])
"""How far minor ticks as a whole may stand off their places: renderers put strokes of odd and of even width on other halves of a pixel."""

CHANCE = 0.02
"""Ticks that stand at 2..9 of a decade by chance with a higher probability than this are no witness."""

MOST = 0.8
"""Share of the ticks between two labels that must stand at 2..9 of a decade: a stain may pass for a tick."""

MOST_DECADES = 30

_DIGITS = np.log10(np.arange(2.0, 10.0))


def minor_tick_witness(scale: Scale, a: float, b: float, used_px: FloatArray, label_px: FloatArray, ticks_px: FloatArray) -> int:
    """Return 1 where the ticks between labelled ones speak for this scale, -1 where they speak for another, 0 where they say nothing.

    The axis is `px = a + b u`; `used_px` are the ticks whose labels it uses, `label_px` those of all labels. Two ticks or more, none of
    them labelled, are needed between two used ones to tell equal from logarithmic spacing; ticks as far apart as labels are majors that
    bear none, and say nothing.
    """
    n_equal = n_log = 0
    by_chance = 1.0
    nearest = float(np.min(np.diff(np.unique(label_px)), initial=np.inf))
    for left, right in pairwise(np.unique(used_px).tolist()):
        between = _inside(ticks_px, left, right)
        if len(between) < 2 or len(_inside(label_px, left, right)) or np.max(np.diff(between)) > 0.9 * nearest:
            continue
        is_equal = _share_at(between, np.linspace(left, right, len(between) + 2)[1:-1]) == 1.0
        share, chance = _in_decades(left, right, between, scale, a, b)
        is_log = share >= MOST
        n_equal, n_log = n_equal + (is_equal and not is_log), n_log + (is_log and not is_equal)
        by_chance *= chance if is_log else 1.0
    n_log = n_log if by_chance < CHANCE else 0
    for_log = (n_log > n_equal) - (n_log < n_equal)
    return for_log if scale.name == "log10" else -for_log


def _inside(px: FloatArray, left: float, right: float) -> FloatArray:
    return px[(px > left + AT_PX) & (px < right - AT_PX)]


def _in_decades(left: float, right: float, between: FloatArray, scale: Scale, a: float, b: float) -> tuple[float, float]:
    """Return the share of ticks at 2..9 of the decades that a logarithmic axis claims (else, of one between two labels), and its chance."""
    if scale.name == "log10":
        expected = [decade_ticks(a, b, left, right)]
    else:
        expected = [left + (right - left) * where for where in (_DIGITS, 1.0 - _DIGITS)]
    share = max(_share_at(between, positions) for positions in expected)
    reach = 2.0 * AT_PX + float(np.ptp(SHIFTS_PX))
    return share, min(1.0, reach * len(expected[0]) / (right - left)) ** (share * len(between))


def decade_ticks(a: float, b: float, left: float, right: float) -> FloatArray:
    """Return where the logarithmic axis `px = a + b u` has its ticks 1, 2, ... 9 of every decade between two positions."""
    low, high = sorted(((left - a) / b, (right - a) / b))
    decades = np.arange(math.floor(low), min(math.ceil(high), math.floor(low) + MOST_DECADES) + 1)
    positions = (a + b * (decades[:, None] + np.append(_DIGITS, 0.0))).ravel()
    inside: FloatArray = positions[(positions >= left - AT_PX) & (positions <= right + AT_PX)]
    return inside


def _share_at(between: FloatArray, expected: FloatArray) -> float:
    """Return the share of ticks that stand where one is expected, all of them shifted alike."""
    if not len(expected):
        return 0.0
    off = np.min(np.abs(between[:, None, None] - SHIFTS_PX[:, None] - expected), axis=2)
    return float(np.max(np.mean(off <= AT_PX, axis=0)))
