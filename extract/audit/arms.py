"""Checks of a table of arms: each arm on its own, then all of them together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from extract.audit.finding import Finding, worst_first
from extract.audit.granular import MOST, WIDEST, grim, grimmer
from extract.audit.limits import sd_limits
from extract.summary import ArmSummary

FEWEST = 4  # arms of one outcome from which an odd one can be told
ODD = 3.5  # robust standard deviations from the others
NEAR = 1.8  # factor within which a corrected SD agrees with the others
FITS = 3.0  # robust standard deviations within which the turned difference agrees with the others
LARGE_EFFECT = 3.0  # standardised mean difference that hardly any treatment has
SLIPS = (10.0, 0.1, 100.0, 0.01)


def audit_arms(arms: Sequence[ArmSummary], scale: tuple[float, float] | None = None, *, whole: bool = False) -> list[Finding]:
    """Every check of a table of arms, the gravest findings first; checks that hold are among them as passes.

    Parameters
    ----------
    arms
        Arms of studies; those with another outcome are compared among themselves.
    scale
        Lowest and highest possible value of the outcome.
    whole
        Whether each participant's value is a whole number: then means and SDs are held against what whole numbers can give.
    """
    known = [a for a in arms if not (math.isnan(a.mean) or math.isnan(a.sd))]
    findings = [f for arm in known for f in _one(arm, scale, whole=whole)]
    for outcome in dict.fromkeys(a.outcome for a in known):
        group = [a for a in known if a.outcome == outcome]
        findings += [*_sds(group), *_effects(group), *_twice(group)]
    return worst_first(findings)


def _label(arm: ArmSummary) -> str:
    return ", ".join(part for part in (arm.study, arm.arm, arm.outcome, arm.timepoint) if part)


def _one(arm: ArmSummary, scale: tuple[float, float] | None, *, whole: bool) -> Iterator[Finding]:
    where = _label(arm)
    if arm.sd == 0:
        yield Finding("sd", "improbable", where, "the SD is 0: all participants had the same value", "SD = 0", "look at the source again")
    if scale is not None:
        yield _on_scale(arm, scale, where)
    if arm.mean > 0 and arm.mean < 2 * arm.sd and (scale is None or scale[0] >= 0):
        share = f"{arm.mean:g} < 2 x {arm.sd:g}"
        remedy = "a mean and SD describe it badly; see whether medians are printed, or pool logarithms"
        yield Finding("skewed", "unusual", where, "the mean is less than two SDs above 0: the values are skewed", share, remedy)
    if whole and arm.how == "reported":
        yield from _granular(arm, scale, where)


def _on_scale(arm: ArmSummary, scale: tuple[float, float], where: str) -> Finding:
    low, high = scale
    if not low <= arm.mean <= high:
        said = f"{arm.mean:g} is not between {low:g} and {high:g}"
        return Finding("scale", "impossible", where, "the mean lies off the scale", said, "check unit and sign")
    top = sd_limits(arm.mean, arm.n, low, high).highest
    arithmetic = f"SD <= sqrt(({arm.mean:g} - {low:g}) ({high:g} - {arm.mean:g}) {arm.n} / {arm.n - 1}) = {top:.3g}; found {arm.sd:g}"
    if arm.sd > top * (1 + 1e-9) + 0.005:
        remedy = "check unit, n, and whether it is an SD at all"
        return Finding("sd limit", "impossible", where, "no values on this scale have so large an SD", arithmetic, remedy)
    return Finding("sd limit", "pass", where, "the SD is possible on this scale", arithmetic)


def _granular(arm: ArmSummary, scale: tuple[float, float] | None, where: str) -> Iterator[Finding]:
    mean, sd = f"{arm.mean:g}", f"{arm.sd:g}"
    if not grim(mean, arm.n):
        nearest = round(arm.mean * arm.n)
        arithmetic = f"{arm.n} x {mean} = {arm.mean * arm.n:.4g}; {nearest} / {arm.n} = {nearest / arm.n:.4g}"
        remedy = "check n at this time, and whether values were whole numbers"
        yield Finding("grim", "impossible", where, f"no {arm.n} whole numbers have the mean {mean}", arithmetic, remedy)
        return
    ends = (int(scale[0]), int(scale[1])) if scale is not None else None
    if arm.n > MOST or (ends is not None and ends[1] - ends[0] > WIDEST):
        return
    try:
        found = grimmer(mean, sd, arm.n, ends)
    except ValueError:
        return  # the SD is too large for an exact search
    if found.is_possible:
        yield Finding("grimmer", "pass", where, "whole numbers can have this mean and SD", f"for one: {_shown(found.witness)}")
    else:
        said = f"no {arm.n} whole numbers have the mean {mean} and the SD {sd}"
        yield Finding("grimmer", "impossible", where, said, "every sum of squares was tried", "check n, decimals, and whether it is an SD")


def _shown(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:12])) + (", ..." if len(values) > 12 else "")


def _sds(group: Sequence[ArmSummary]) -> Iterator[Finding]:
    """SDs that stand out from the others: a standard error in place of an SD, a slipped digit, or another unit."""
    if len(group) < FEWEST:
        return
    logs = np.log([max(a.sd, 1e-12) for a in group])
    for k, arm in enumerate(group):
        others = np.delete(logs, k)
        middle = float(np.median(others))
        spread = max(1.4826 * float(np.median(np.abs(others - middle))), 1 / math.sqrt(2 * (arm.n - 1)), 0.15)
        z = (logs[k] - middle) / spread
        usual = math.exp(middle)
        if abs(z) < ODD:
            continue
        arithmetic = f"SD {arm.sd:g}, of the others {usual:.3g} in the middle: {abs(z):.1f} robust SDs {'below' if z < 0 else 'above'}"
        as_sd = arm.sd * math.sqrt(arm.n)
        if z < 0 and abs(math.log(as_sd) - middle) < math.log(NEAR):
            said = "the SD is as small as a standard error would be"
            remedy = f"see what the source calls it; as a standard error it gives an SD of {as_sd:.3g}"
            yield Finding("se for sd", "improbable", _label(arm), said, f"{arithmetic}; times sqrt({arm.n}) = {as_sd:.3g}", remedy)
            continue
        slip = next((s for s in SLIPS if abs(math.log(arm.sd * s) - middle) < math.log(NEAR)), None)
        if slip is not None:
            remedy = "check the decimal point and the unit"
            said = f"the SD agrees with the others when multiplied by {slip:g}"
            yield Finding("slipped digit", "improbable", _label(arm), said, arithmetic, remedy)
        else:
            yield Finding("sd stands out", "unusual", _label(arm), "the SD is unlike the others", arithmetic, "look at the source again")


def _pairs(group: Sequence[ArmSummary]) -> list[tuple[ArmSummary, ArmSummary]]:
    """The two arms of each study that has just two at one time."""
    keys = dict.fromkeys((a.study, a.timepoint) for a in group)
    both = [[a for a in group if (a.study, a.timepoint) == key] for key in keys]
    return [(pair[0], pair[1]) for pair in both if len(pair) == 2]


def _effects(group: Sequence[ArmSummary]) -> Iterator[Finding]:
    """Differences between arms that are too large, or that fit the other studies only with the other sign."""
    pairs = [(a, b) for a, b in _pairs(group) if a.sd > 0 and b.sd > 0]
    first = [a.arm for a, _ in pairs]
    same_arms = [(a, b) if a.arm == first[0] else (b, a) for a, b in pairs]
    smd = np.array([_smd(a, b) for a, b in same_arms])
    for k, (a, b) in enumerate(same_arms):
        where = f"{a.study}, {a.arm} against {b.arm}"
        arithmetic = f"({a.mean:g} - {b.mean:g}) / {_pooled(a, b):.3g} = {smd[k]:.2f}"
        if abs(smd[k]) >= LARGE_EFFECT:
            remedy = "see whether standard errors were taken for SDs, and the units of both arms"
            yield Finding("large effect", "improbable", where, "the arms differ by more than three SDs", arithmetic, remedy)
        if len(same_arms) >= FEWEST:
            yield from _turned(smd, k, (a, b), where, arithmetic)


def _turned(smd: NDArray[np.float64], k: int, pair: tuple[ArmSummary, ArmSummary], where: str, arithmetic: str) -> Iterator[Finding]:
    a, b = pair
    others = np.delete(smd, k)
    middle = float(np.median(others))
    error = math.sqrt(1 / a.n + 1 / b.n)
    spread = math.hypot(1.4826 * float(np.median(np.abs(others - middle))), error)
    if abs(smd[k] - middle) > ODD * spread and abs(-smd[k] - middle) < FITS * spread and smd[k] * middle < 0:
        said = "the difference fits the other studies only with the other sign"
        remedy = "check which arm is which, and whether a higher score is better or worse here"
        yield Finding("sign", "improbable", where, said, f"{arithmetic}; the others {middle:.2f} in the middle", remedy)


def _pooled(a: ArmSummary, b: ArmSummary) -> float:
    return math.sqrt(((a.n - 1) * a.sd**2 + (b.n - 1) * b.sd**2) / (a.n + b.n - 2))


def _smd(a: ArmSummary, b: ArmSummary) -> float:
    return (a.mean - b.mean) / _pooled(a, b)


def _twice(group: Iterable[ArmSummary]) -> Iterator[Finding]:
    """Arms of different studies, or different arms, with the very same numbers."""
    for a, b in combinations(group, 2):
        if (a.n, a.mean, a.sd) == (b.n, b.mean, b.sd) and (a.study, a.arm) != (b.study, b.arm):
            where = f"{_label(a)} and {_label(b)}"
            said = f"both have n {a.n}, mean {a.mean:g} and SD {a.sd:g}"
            yield Finding("twice", "unusual", where, "two arms have the same numbers", said, "see whether one was entered twice")
