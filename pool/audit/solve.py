"""Which estimators, and which numbers that were not printed, give a published pooled result to its last printed digit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize

from extract.summary import ArmSummary
from pool.effect import effects_from_arms
from pool.model import PooledResult, combine

METHODS = ("DL", "HE", "HS", "SJ", "ML", "REML", "PM")
TESTS = ("z", "t", "knha")
# How I2 may have been computed: from Q, as RevMan has it, or from tau2, as metafor has it.
I2_KINDS = ("q", "tau2")

_STARTS = {1: 61, 2: 21}  # places along each of one or two unknowns from which a search may start
_BEST = 2  # of them that are followed
_MOST_PRINTABLE = 10_000  # combinations of rounded values that are tried
_HALVINGS = 12  # of the last step to the edge of what fits, which is a thousandth of the value or a little more
_FARTHEST, _HOPELESS = 1e4, 1e12  # how many times the largest known number an unknown may be; the misfit beyond
_WIDEST = 8.0  # factor around the known SDs within which an unknown one is sought


@dataclass(frozen=True)
class Printed:
    """A pooled result as printed; what is None was not."""

    estimate: Decimal | None = None
    ci: tuple[Decimal, Decimal] | None = None
    i2: Decimal | None = None


@dataclass(frozen=True)
class Unknown:
    """A number of an arm that was not printed."""

    study: str
    arm: str
    quantity: Literal["mean", "sd"]

    def __str__(self) -> str:
        """As it is said in results."""
        return f"{self.quantity} of {self.study}, {self.arm}"


@dataclass(frozen=True)
class Solution:
    """An estimator, test and definition of I2 that give every printed digit, for some values of the unknowns.

    `intervals` are the values of each unknown with which they do, whatever the other is; `printable` all rounded values of the
    unknowns together that do.
    """

    method: str
    test: str
    i2_kind: str
    intervals: Mapping[Unknown, tuple[float, float]]
    printable: tuple[tuple[float, ...], ...] = ()


def solve(
    arms: Sequence[ArmSummary],
    treated: str,
    control: str,
    published: Printed,
    unknowns: Sequence[Unknown] = (),
    *,
    measure: str = "MD",
    methods: Sequence[str] = METHODS,
    tests: Sequence[str] = TESTS,
    decimals: int = 2,
) -> tuple[Solution, ...]:
    """Every way of pooling that gives the printed digits, for some value of what was not printed.

    Parameters
    ----------
    arms
        The arms; what an unknown names is not looked at.
    treated, control, measure
        The comparison; see `effects_from_arms`.
    published
        The printed estimate, limits and I2.
    unknowns
        What is sought: none, one or two numbers.
    methods, tests
        The estimators of tau2 and the tests to try.
    decimals
        Of the rounded values that are tried.

    Returns
    -------
    tuple of Solution
        Empty where nothing gives the printed digits. Where several do, they cannot be told apart by what is printed.

    Raises
    ------
    ValueError
        If nothing is printed, an unknown names no arm, or there are more than two.
    """
    if published.estimate is None and published.ci is None:
        message = "expected a printed estimate or interval to solve for, found neither"
        raise ValueError(message)
    if len(unknowns) > 2 or any(not any((a.study, a.arm) == (u.study, u.arm) for a in arms) for u in unknowns):
        message = f"expected at most two unknowns, each of an arm of the table, found {', '.join(map(str, unknowns))}"
        raise ValueError(message)

    def pooled(values: Sequence[float], method: str, test: str) -> PooledResult:
        return combine(effects_from_arms(_with(arms, unknowns, values), treated, control, measure), method=method, test=test)

    kinds = I2_KINDS if published.i2 is not None else I2_KINDS[:1]
    if len(effects_from_arms(arms, treated, control, measure)) < 2:
        tests = [test for test in tests if test == "z"]  # the others have no degrees of freedom
    far = _FARTHEST * max(max(abs(a.mean), a.sd) for a in arms)
    found = []
    for method, test, kind in product(methods, tests, kinds):

        def misfit(values: Sequence[float], method: str = method, test: str = test, kind: str = kind) -> float:
            if any(abs(value) > far for value in values):  # a search may walk to where no studies can be pooled
                return _HOPELESS
            return _misfit(pooled(values, method, test), published, kind)

        intervals = _feasible(misfit, _starts(arms, unknowns))
        if intervals is not None:
            printable = _printable(misfit, intervals, decimals)
            found.append(Solution(method, test, kind, dict(zip(unknowns, intervals, strict=True)), printable))
    return tuple(found)


def _with(arms: Sequence[ArmSummary], unknowns: Sequence[Unknown], values: Sequence[float]) -> list[ArmSummary]:
    changed = list(arms)
    for unknown, value in zip(unknowns, values, strict=True):
        for i, arm in enumerate(changed):
            if (arm.study, arm.arm) == (unknown.study, unknown.arm):
                changed[i] = replace(arm, mean=value) if unknown.quantity == "mean" else replace(arm, sd=abs(value) + 1e-9)
    return changed


def _misfit(result: PooledResult, published: Printed, i2_kind: str) -> float:
    """The largest distance from a printed number, in half units of its last digit: 1 or less where all digits come out."""
    pairs: list[tuple[float, Decimal]] = []
    if published.estimate is not None:
        pairs.append((result.estimate, published.estimate))
    if published.ci is not None:
        pairs += [(result.ci_lb, published.ci[0]), (result.ci_ub, published.ci[1])]
    if published.i2 is not None:
        pairs.append((result.i2_q if i2_kind == "q" else result.i2, published.i2))
    return max(abs(value - float(printed)) / _half_unit(printed) for value, printed in pairs)


def _half_unit(printed: Decimal) -> float:
    exponent = printed.as_tuple().exponent
    return 0.5 * 10.0 ** (exponent if isinstance(exponent, int) else 0)


def _starts(arms: Sequence[ArmSummary], unknowns: Sequence[Unknown]) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Values of each unknown to start from: means about the known ones, SDs within a factor of them."""
    if not unknowns:
        return []
    told = [a for a in arms if not any((a.study, a.arm) == (u.study, u.arm) for u in unknowns)]
    means, sds = [a.mean for a in told], [a.sd for a in told if a.sd > 0]
    low, high = min(means) - 3 * max(sds), max(means) + 3 * max(sds)
    places = {
        "mean": np.linspace(low, high, _STARTS[len(unknowns)]),
        "sd": np.geomspace(min(sds) / _WIDEST, max(sds) * _WIDEST, _STARTS[len(unknowns)]),
    }
    return [places[unknown.quantity] for unknown in unknowns]


Misfit = Callable[[Sequence[float]], float]


def _feasible(misfit: Misfit, starts: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> list[tuple[float, float]] | None:
    """The interval of each unknown within which all digits come out, whatever the other is; None where they never do."""
    if not starts:
        return [] if misfit(()) <= 1 + 1e-9 else None
    candidates = sorted((misfit(values), values) for values in product(*(s.tolist() for s in starts)))
    for _, values in candidates[:_BEST]:
        best = _lowest(misfit, values)
        if misfit(best) <= 1 + 1e-9:
            return [_extent(misfit, best, i) for i in range(len(starts))]
    return None


def _lowest(misfit: Misfit, start: Sequence[float]) -> tuple[float, ...]:
    steps = [max(0.05 * abs(v), 0.01) for v in start]
    simplex = np.vstack([start, np.array(start) + np.diag(steps)])
    options: Any = {"initial_simplex": simplex, "xatol": 1e-6, "fatol": 1e-4, "maxiter": 200}
    found = minimize(lambda v: misfit(v.tolist()), np.array(start), method="Nelder-Mead", options=options)  # type: ignore[call-overload]
    return tuple(found.x.tolist())


def _extent(misfit: Misfit, best: Sequence[float], i: int) -> tuple[float, float]:
    """How far one unknown can move from the best place with the other following, before a digit changes."""

    def fits(value: float, others: Sequence[float]) -> tuple[bool, Sequence[float]]:
        if not others:
            return misfit((value,)) <= 1 + 1e-9, ()

        def whole(other: Sequence[float]) -> tuple[float, ...]:
            return (value, *other) if i == 0 else (*other, value)

        near = _lowest(lambda other: misfit(whole(other)), others)
        return misfit(whole(near)) <= 1 + 1e-9, near

    others = [v for j, v in enumerate(best) if j != i]
    return tuple(sorted(_edge(fits, best[i], others, sign) for sign in (-1.0, 1.0)))  # type: ignore[return-value]  # two edges


def _edge(
    fits: Callable[[float, Sequence[float]], tuple[bool, Sequence[float]]], inside: float, others: Sequence[float], sign: float
) -> float:
    step = 1e-3 * max(abs(inside), 0.1)
    outside = inside + sign * step
    while (found := fits(outside, others))[0]:
        inside, others, step = outside, found[1], 2 * step
        outside = inside + sign * step
        if step > 1e3 * max(abs(inside), 1.0):
            return sign * math.inf  # what is printed does not limit it
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        is_inside, near = fits(middle, others)
        if is_inside:
            inside, others = middle, near
        else:
            outside = middle
    return inside


def _printable(misfit: Misfit, intervals: Sequence[tuple[float, float]], decimals: int) -> tuple[tuple[float, ...], ...]:
    """The rounded values of the unknowns together with which all digits come out."""
    step = 10.0**-decimals
    if not all(math.isfinite(high - low) for low, high in intervals):
        return ()
    places = [range(math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) + 1) for low, high in intervals]
    if not places or math.prod(len(p) for p in places) > _MOST_PRINTABLE:
        return ()
    values = (tuple(round(k * step, decimals) for k in place) for place in product(*places))
    return tuple(v for v in values if misfit(v) <= 1 + 1e-9)


def in_words(solutions: Sequence[Solution], decimals: int = 2) -> Iterator[str]:
    """A line for each set of estimators that cannot be told apart, with what the unknowns must be."""
    groups: dict[tuple[tuple[str, float, float], ...], list[Solution]] = {}
    for solution in solutions:
        key = tuple((str(u), round(low, 4), round(high, 4)) for u, (low, high) in solution.intervals.items())
        groups.setdefault(key, []).append(solution)
    for key, group in groups.items():
        names = ", ".join(dict.fromkeys(f"{s.method} with {s.test}" for s in group))
        values = "; ".join(f"{name} in [{low:.4g}, {high:.4g}]" for name, low, high in key) or "as they are"
        rounded = _rounded(group[0], decimals)
        yield f"{names}: {values}" + (f" (to {decimals} decimals: {rounded})" if rounded else "")


def _rounded(solution: Solution, decimals: int) -> str:
    """The rounded values that fit: a range, or of two unknowns for each value of the first the range of the second."""
    names = [unknown.quantity for unknown in solution.intervals]
    if len(names) == 1:
        return _span(names[0], [v for (v,) in solution.printable], decimals) if solution.printable else ""
    firsts = sorted({values[0] for values in solution.printable})
    seconds = [[other for value, other in solution.printable if value == first] for first in firsts]
    parts = [f"{_span(names[0], [f], decimals)} with {_span(names[1], s, decimals)}" for f, s in zip(firsts, seconds, strict=True)]
    return "; ".join(parts)


def _span(name: str, values: Sequence[float], decimals: int) -> str:
    low, high = min(values), max(values)
    return f"{name} {low:.{decimals}f}" + ("" if low == high else f" to {high:.{decimals}f}")
