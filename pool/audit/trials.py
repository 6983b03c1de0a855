"""Checks of a review's trials and their arms: criteria, treatments, directions, spreads, printed p-values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from scipy.special import stdtrit

from extract.audit import Finding
from extract.audit.granular import printed_limits
from extract.audit.limits import sd_limits
from extract.audit.pvalues import Printed, possible_paired_p
from pool.audit.claims import Arm, Claims, Measured, Trial

SMALL = 12  # participants below which a trial is a pilot in size
HIGH_CORRELATION = 0.9  # of before and after: hardly any outcome that people report has more
ROUNDED = 1.5  # ratio of the variances that rounding of SDs leaves open, beyond which it is said
NEAR = 0.05  # of the scale or the baseline: how near two numbers are the same one


def trial_findings(claims: Claims) -> Iterator[Finding]:
    """All checks of trials and arms."""
    for trial in claims.trial:
        yield from _criteria(trial, claims)
    yield from _treatments(claims)
    yield from _instruments(claims)
    for arm in claims.arm:
        yield from _arm(arm, claims)
    yield from _ranges(claims)
    yield from _on_scale(claims)


def _criteria(trial: Trial, claims: Claims) -> Iterator[Finding]:
    against = [word for word in trial.has if word in claims.excludes]
    if against:
        said = f"the criteria exclude what this trial is: {', '.join(against)}"
        yield Finding(
            "criteria", "improbable", trial.study, said, f"excluded: {', '.join(claims.excludes)}", "exclude it or amend the criteria"
        )
    elif "pilot" in claims.excludes and (trial.people or trial.n) < SMALL:
        said = "pilot studies are excluded, and this trial is as small as one"
        yield Finding("criteria", "note", trial.study, said, f"n = {trial.people or trial.n}", "say why it is none")


def _treatments(claims: Claims) -> Iterator[Finding]:
    other = [t for t in claims.trial if claims.treatment and t.treatment and t.treatment.casefold() != claims.treatment.casefold()]
    if other:
        listed = "; ".join(f"{t.study}: {t.treatment}" for t in other)
        said = f"the review is of {claims.treatment}, trials gave something else"
        yield Finding("treatment", "unusual", "trials", said, listed, "say what is pooled, or set these trials apart")


def _instruments(claims: Claims) -> Iterator[Finding]:
    other = [t for t in claims.trial if claims.instrument and t.instrument and t.instrument.casefold() != claims.instrument.casefold()]
    if other:
        listed = "; ".join(f"{t.study}: {t.instrument}" for t in other)
        yield Finding("instrument", "note", "trials", f"outcomes are called {claims.instrument}, trials used others", listed, "name them")


def _label(arm: Arm) -> str:
    return f"{arm.study}, {arm.arm}"


def _arm(arm: Arm, claims: Claims) -> Iterator[Finding]:
    where = _label(arm)
    if arm.after is not None:
        yield from _skewed(arm, arm.after, claims)
        yield from _rounded(arm, arm.after)
    yield from _reduction(arm)
    yield from _against_source(arm, claims)
    before, after = arm.source_before or arm.before, arm.source_after or arm.after
    if arm.p_within and before is not None and after is not None:
        yield from _within(arm, before, after)
    if arm.read_off and arm.estimator:
        said = "SDs were estimated from ranges or quartiles read off a figure"
        remedy = "see whether they are of participants: the range of a curve of means over time is none, and gives no SD"
        yield Finding("estimated sd", "note", where, said, f"{arm.estimator}, n = {arm.n}", remedy)


def _skewed(arm: Arm, after: Measured, claims: Claims) -> Iterator[Finding]:
    low = claims.scale[0] if claims.scale else 0.0
    if low == 0 and 0 < after.mean < 2 * after.sd:
        arithmetic = f"{after.mean} < 2 x {after.sd}"
        said = "the mean is less than two SDs above 0: the values are skewed"
        yield Finding("skewed", "unusual", _label(arm), said, arithmetic, "see whether medians are printed")


def _rounded(arm: Arm, after: Measured) -> Iterator[Finding]:
    low, high = (float(v) for v in printed_limits(str(after.sd)))
    if low > 0 and (high / low) ** 2 > ROUNDED:
        arithmetic = f"SD {after.sd} is {low:g} to {high:g}: SD^2 / n {low**2 / arm.n:.3g} to {high**2 / arm.n:.3g}"
        said = "the SD is rounded so far that the study's weight is hardly known"
        yield Finding("rounded sd", "unusual", _label(arm), said, arithmetic, "look for more digits")


def _reduction(arm: Arm) -> Iterator[Finding]:
    """Whether what is given as a value after treatment is the reduction instead."""
    if arm.reduction_percent is None or arm.before is None or arm.after is None:
        return
    fall = float(arm.before.mean) * float(arm.reduction_percent) / 100
    left, given, near = float(arm.before.mean) - fall, float(arm.after.mean), NEAR * float(arm.before.mean)
    arithmetic = f"{arm.before.mean} x {arm.reduction_percent} % = {fall:.3g}; {arm.before.mean} - {fall:.3g} = {left:.3g}; given {given:g}"
    if abs(given - fall) < near < abs(given - left):
        said = "the value given as that after treatment is the reduction: its sign is the other way round"
        yield Finding(
            "direction", "improbable", _label(arm), said, arithmetic, "look at the source: final scores and changes must not be mixed"
        )
    elif abs(given - left) < near:
        yield Finding("direction", "pass", _label(arm), "value after treatment and reduction agree", arithmetic)


def _against_source(arm: Arm, claims: Claims) -> Iterator[Finding]:
    for given, own, when in ((arm.before, arm.source_before, "before"), (arm.after, arm.source_after, "after")):
        if given is None or own is None or (given.mean, given.sd) == (own.mean, own.sd):
            continue
        said = f"mean and SD {when} treatment are not those of the trial's own report"
        arithmetic = f"{given.mean} ({given.sd}) against {own.mean} ({own.sd})"
        others = [a for a in claims.arm if a.study == arm.study and a.arm != arm.arm]
        same = [a.arm for a in others if (own_of := _own(a, when)) is not None and own_of.mean == given.mean]
        if same:
            said += f"; the mean is that of its arm {same[0]}"
        yield Finding("against source", "impossible", _label(arm), said, arithmetic, "take the trial's own numbers")


def _own(arm: Arm, when: str) -> Measured | None:
    """What the trial's own report says of an arm, or else the review."""
    return (arm.source_before or arm.before) if when == "before" else (arm.source_after or arm.after)


def _within(arm: Arm, before: Measured, after: Measured) -> Iterator[Finding]:
    """A printed p of after against before, over every correlation and rounding."""
    below = arm.p_within.startswith("<")
    printed = arm.p_within.lstrip("<= ")
    p_low, p_high = (0.0, float(printed)) if below else tuple(float(v) for v in printed_limits(printed))
    first, second = (Printed(arm.n, str(m.mean), str(m.sd)) for m in (before, after))
    low, high = possible_paired_p(first, second)
    where = f"{_label(arm)}: p {arm.p_within} of after against before"
    values = f"{before.mean} ({before.sd}) to {after.mean} ({after.sd}), n = {arm.n}"
    if low > p_high or high < p_low:
        said = "no correlation and no rounding gives this p"
        yield Finding("p", "impossible", where, said, f"{values}: p between {low:.2g} and {high:.2g}", "an SD, n or p is wrong")
        return
    r = _least_correlation(before, after, arm.n, p_high)
    if r is not None and r > HIGH_CORRELATION:
        said = "so small a p needs values before and after that hardly differ in anything else"
        arithmetic = f"{values}: at face value p < {p_high:g} needs a correlation of {r:.3f} or more"
        yield Finding("p", "unusual", where, said, arithmetic, "see whether SDs or p are right; rounding may explain it")
    else:
        yield Finding("p", "pass", where, "mean, SD and p agree", values)


def _least_correlation(before: Measured, after: Measured, n: int, p: float) -> float | None:
    """The correlation from which on a paired t test of the face values gives p or less; None where an SD is 0."""
    s1, s2, d = float(before.sd), float(after.sd), float(after.mean - before.mean)
    if s1 <= 0 or s2 <= 0:
        return None
    t = float(stdtrit(n - 1, 1 - p / 2))
    return (s1**2 + s2**2 - d**2 * n / t**2) / (2 * s1 * s2)


def _ranges(claims: Claims) -> Iterator[Finding]:
    for said in claims.range:
        means = {a.study: a.after.mean for a in claims.arm if a.arm == said.arm and a.after is not None}
        outside = {study: mean for study, mean in means.items() if not said.low <= mean <= said.high}
        where = f"{said.where}: means of {said.arm} from {said.low} to {said.high}"
        listed = ", ".join(f"{study} {mean}" for study, mean in (outside or means).items())
        if outside:
            yield Finding("range", "impossible", where, "means lie outside what is said", listed, "say the range of all trials")
        elif means:
            yield Finding("range", "pass", where, "all means lie within", listed)


def _on_scale(claims: Claims) -> Iterator[Finding]:
    """Means and SDs that the outcome's scale does not allow; one pass where it allows all."""
    if claims.scale is None:
        return
    low, high = claims.scale
    largest, n_checked = ("", 0.0), 0
    for arm in claims.arm:
        for measured in (arm.before, arm.after):
            if measured is None:
                continue
            n_checked += 1
            mean, sd = float(measured.mean), float(measured.sd)
            if not low <= mean <= high:
                yield Finding(
                    "scale",
                    "impossible",
                    _label(arm),
                    "the mean lies off the scale",
                    f"{mean:g} of {low:g} to {high:g}",
                    "check unit, sign",
                )
                continue
            top = sd_limits(mean, arm.n, low, high).highest
            share = sd / top if top > 0 else math.inf if sd > 0 else 0.0
            if share > 1 and sd - float(_half_unit(measured.sd)) > top:
                arithmetic = f"SD {sd:g}, at most {top:.3g}"
                yield Finding(
                    "sd limit", "impossible", _label(arm), "no values on this scale have so large an SD", arithmetic, "check unit, n"
                )
            elif share > largest[1]:
                largest = (f"{_label(arm)}: {mean:g} ({sd:g}), SD at most {top:.3g}", share)
    if n_checked and largest[0]:
        said = f"every mean and SD ({n_checked}) is possible on the scale"
        yield Finding("sd limit", "pass", "arms", said, f"nearest to its limit: {largest[0]}")


def _half_unit(printed: Decimal) -> Decimal:
    exponent = printed.as_tuple().exponent
    return Decimal(5).scaleb((exponent if isinstance(exponent, int) else 0) - 1)
