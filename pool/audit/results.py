"""Checks of published pooled results: intervals, models, plots and words against the numbers that they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from scipy.special import ndtr, ndtri

from extract.audit import Finding
from extract.summary import ArmSummary
from pool.audit.claims import Claims, Comparison, Sequential
from pool.effect import RATIO_MEASURES, effects_from_arms
from pool.model import PooledResult, combine

FEWEST_FOR_FUNNEL = 10  # studies (Sterne et al. 2011, BMJ 343:d4002)
FEW = 5  # studies below which a normal interval is much too narrow (IntHout et al. 2014)
APART = 10.0  # ratio of the longest to the shortest follow-up that are pooled
LARGE_I2 = 50.0
TSA_NEEDS = ("alpha", "power", "delta", "variance", "model")


def result_findings(claims: Claims) -> Iterator[Finding]:
    """All checks of comparisons."""
    for comparison in claims.comparison:
        yield from _interval(comparison)
        yield from _methods(comparison)
        yield from _words(comparison)
        yield from _trials(comparison, claims)
        yield from _again(comparison, claims)
    yield from _reused(claims)
    if claims.i2_has_p:
        said = "a p-value is given to I2; it belongs to Q"
        yield Finding("i2", "note", "methods", said, "I2 describes, Q tests", "give Q, its degrees of freedom and p")
    for analysis in claims.sequential:
        yield from _sequential(analysis)


def _reused(claims: Claims) -> Iterator[Finding]:
    """Arms that stand in several comparisons: their participants must not be added up."""
    users: dict[tuple[str, str], list[str]] = {}
    for comparison in claims.comparison:
        for study in comparison.studies:
            for arm in (comparison.treated, comparison.control):
                users.setdefault((study, arm), []).append(comparison.name)
    reused = {arm: names for arm, names in users.items() if len(names) > 1}
    if reused:
        listed = "; ".join(f"{study}, {arm}: {', '.join(names)}" for (study, arm), names in reused.items())
        said = "arms stand in more than one comparison"
        yield Finding("reused arms", "note", "comparisons", said, listed, "do not add these comparisons or their participants up")


def _interval(comparison: Comparison) -> Iterator[Finding]:
    estimate, ci = comparison.estimate, comparison.ci
    is_ratio = comparison.measure in RATIO_MEASURES
    if estimate is None or ci is None or (is_ratio and min(ci[0], estimate) <= 0):
        return
    where = f"{comparison.name}: {estimate} [{ci[0]}, {ci[1]}]"
    yield _symmetry(estimate, ci, where, is_ratio=is_ratio)
    if comparison.p:
        yield _p_of_interval(estimate, ci, comparison.p, where, is_ratio=is_ratio)


def _symmetry(estimate: Decimal, ci: tuple[Decimal, Decimal], where: str, *, is_ratio: bool) -> Finding:
    scale = math.log if is_ratio else float
    lows, ups, middles = (_rounding(v) for v in (*ci, estimate))
    # The middle of the interval, over all that rounds to what is printed.
    least, most = (scale(lows[0]) + scale(ups[0])) / 2, (scale(lows[1]) + scale(ups[1])) / 2
    on = " of the logarithms" if is_ratio else ""
    arithmetic = f"middle of the limits{on} {(least + most) / 2:.4g}, estimate {scale(float(estimate)):.4g}"
    if least <= scale(middles[1]) + 1e-12 and scale(middles[0]) - 1e-12 <= most:
        return Finding("symmetry", "pass", where, "the interval is symmetric about its estimate", arithmetic)
    said = "the interval is not symmetric about its estimate"
    return Finding("symmetry", "improbable", where, said, arithmetic, "look for a slipped digit or sign")


def _rounding(value: Decimal) -> tuple[float, float]:
    exponent = value.as_tuple().exponent
    half = 0.5 * 10.0 ** (exponent if isinstance(exponent, int) else 0)
    return float(value) - half, float(value) + half


def _p_of_interval(estimate: Decimal, ci: tuple[Decimal, Decimal], printed: str, where: str, *, is_ratio: bool) -> Finding:
    """The printed p against the one that a normal interval of 95 % has, over all that rounds to its limits."""
    scale = math.log if is_ratio else float
    lows, ups = (_rounding(v) for v in ci)
    widths = (scale(ups[0]) - scale(lows[1]), scale(ups[1]) - scale(lows[0]))
    middle = abs(scale(float(estimate)))
    ses = [max(w, 1e-12) / (2 * float(ndtri(0.975))) for w in widths]
    half = abs(scale(_rounding(estimate)[1]) - scale(float(estimate)))
    low, high = 2 * float(ndtr(-(middle + half) / ses[0])), 2 * float(ndtr(-max(0.0, middle - half) / ses[1]))
    is_below = printed.startswith("<")
    p_low, p_high = (0.0, float(printed.lstrip("<= "))) if is_below else _rounding(Decimal(printed.lstrip("= ")))
    arithmetic = f"SE {sum(ses) / 2:.3g}, z {middle / (sum(ses) / 2):.3g}, p {low:.2g} to {high:.2g}; printed {printed}"
    if low <= p_high and p_low <= high:
        return Finding("p of interval", "pass", where, "interval and p agree", arithmetic)
    return Finding("p of interval", "improbable", where, "interval and p do not agree", arithmetic, "see which of them is right")


def _methods(comparison: Comparison) -> Iterator[Finding]:
    name, k = comparison.name, len(comparison.studies)
    if comparison.measure in ("MD", "SMD", "ROM") and any(word in comparison.pooling.casefold() for word in ("mantel", "peto")):
        said = f"{comparison.pooling} is named for means; it is for counts"
        yield Finding("method", "impossible", name, said, f"measure {comparison.measure}", "means are pooled by inverse variance")
    if comparison.relative is not None and min(comparison.relative) < 0:
        listed = ", ".join(map(str, comparison.relative))
        said = "a column of relative effects holds numbers below 0, which no ratio has"
        yield Finding("column", "impossible", name, said, listed, "they are limits of a difference: move them to its column")
    if (comparison.funnel or comparison.egger) and k < FEWEST_FOR_FUNNEL:
        said = f"a funnel plot{' or its test' if comparison.egger else ''} is read with {k} studies: {comparison.funnel or 'tested'}"
        remedy = "with fewer than 10 studies say that it cannot be judged (Sterne et al. 2011)"
        yield Finding("funnel", "unusual", name, said, f"k = {k} < {FEWEST_FOR_FUNNEL}", remedy)
    ratings = dict.fromkeys(rating.casefold() for _, rating in comparison.certainty)
    if len(ratings) > 1:
        listed = "; ".join(f"{rating} ({where})" for where, rating in comparison.certainty)
        yield Finding("certainty", "impossible", name, "the certainty of evidence is rated differently", listed, "give one rating")


def _words(comparison: Comparison) -> Iterator[Finding]:
    if comparison.conclusion not in ("decrease", "increase") or comparison.ci is None:
        return
    none = Decimal(1) if comparison.measure in RATIO_MEASURES else Decimal(0)
    if comparison.ci[0] < none < comparison.ci[1]:
        said = f"a {comparison.conclusion} is said to have been found; the interval holds no effect as well"
        arithmetic = f"[{comparison.ci[0]}, {comparison.ci[1]}] holds {none}"
        yield Finding("words", "unusual", comparison.name, said, arithmetic, "say that it may be either")


def _trials(comparison: Comparison, claims: Claims) -> Iterator[Finding]:
    trials = [t for t in claims.trial if t.study in comparison.studies]
    crossovers = [t.study for t in trials if t.design == "crossover"]
    if crossovers:
        said = f"{', '.join(crossovers)}, a crossover, is pooled like groups of different people"
        remedy = "use the paired difference, or vary the correlation from 0 to 0.9 and show what it does"
        yield Finding("crossover", "improbable", comparison.name, said, _paired(crossovers[0], comparison, claims), remedy)
    times = {t.study: t.interval_days for t in trials if t.interval_days}
    if len(times) > 1 and max(times.values()) / min(times.values()) > APART:
        listed = ", ".join(f"{study} {days:g} d" for study, days in times.items())
        yield Finding("times", "unusual", comparison.name, "very different follow-ups are pooled", listed, "group them, or say why not")
    if claims.outcome == "change" and comparison.values == "final":
        said = "the outcome is a change; final scores are pooled"
        yield Finding("outcome", "improbable", comparison.name, said, "change from baseline against scores after treatment", "say which")


def _paired(study: str, comparison: Comparison, claims: Claims) -> str:
    pair = [a for a in claims.arm if a.study == study and a.arm in (comparison.treated, comparison.control) and a.after]
    if len(pair) != 2 or pair[0].after is None or pair[1].after is None:
        return "its periods are of the same participants"
    s1, s2, n = float(pair[0].after.sd), float(pair[1].after.sd), min(pair[0].n, pair[1].n)
    errors = ", ".join(f"{math.sqrt((s1**2 + s2**2 - 2 * r * s1 * s2) / n):.3g} (r = {r:g})" for r in (0, 0.5, 0.7))
    return f"SE of its difference {errors}"


def _again(comparison: Comparison, claims: Claims) -> Iterator[Finding]:
    """What the pooled interval is when few studies with much heterogeneity are treated as such."""
    if comparison.measure != "MD" or comparison.test not in ("", "z"):
        return
    result = _pooled(comparison, claims, "knha")
    plain = _pooled(comparison, claims, "z")
    if result is None or plain is None or not 2 <= result.k < FEW or plain.i2_q < LARGE_I2:
        return
    said = f"a normal interval of {result.k} studies with I2 {plain.i2_q:.0f} % is much too narrow"
    arithmetic = (
        f"z [{plain.ci_lb:.2f}, {plain.ci_ub:.2f}]; Knapp-Hartung {result.estimate:.2f} [{result.ci_lb:.2f}, {result.ci_ub:.2f}] "
        "from the arms as given"
    )
    yield Finding("few studies", "unusual", comparison.name, said, arithmetic, "give the interval of Knapp and Hartung beside it")


def _pooled(comparison: Comparison, claims: Claims, test: str) -> PooledResult | None:
    arms = [
        ArmSummary(a.study, a.arm, a.n, float(a.after.mean), float(a.after.sd))
        for a in claims.arm
        if a.after is not None and a.study in comparison.studies and a.arm in (comparison.treated, comparison.control)
    ]
    if len(arms) != 2 * len(comparison.studies):
        return None
    effects = effects_from_arms(arms, comparison.treated, comparison.control, "MD")
    return combine(effects, method=comparison.model if comparison.model in ("DL", "REML", "PM", "ML", "HE", "SJ") else "DL", test=test)


def _sequential(analysis: Sequential) -> Iterator[Finding]:
    missing = [need for need in TSA_NEEDS if need not in analysis.given]
    if missing:
        said = f"the trial sequential analysis cannot be repeated: {', '.join(missing)} not given"
        yield Finding("tsa", "unusual", analysis.where, said, f"given: {', '.join(analysis.given) or 'nothing'}", "give all of them")
