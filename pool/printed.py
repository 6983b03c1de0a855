"""A printed total held against the rows that it claims to pool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from extract.forest import ForestEffect, ForestEffects
from pool.effect import Effect, Effects
from pool.measures import Counts
from pool.model import combine
from pool.tables import mantel_haenszel

RULES = {
    "EE": "common effect, inverse variance",
    "DL": "random effects, DerSimonian-Laird",
    "MH": "Mantel-Haenszel from the printed events",
    "weights": "Mantel-Haenszel by the printed weights",
}


@dataclass(frozen=True)
class TotalCheck:
    """What a summary row says, what its studies pool to by each rule, the rules that give it to the last digit, and who stands against it.

    `pooled` holds estimate, lower and upper limit by rule (limits NaN where a rule gives none), in the plot's own units. `agreeing` is
    empty where no rule gives the printed total; then `against` names the studies without any one of which it would come out.
    """

    total: ForestEffect
    pooled: dict[str, tuple[float, float, float]]
    agreeing: tuple[str, ...]
    against: tuple[str, ...] = ()

    def __str__(self) -> str:
        assert self.total.printed is not None
        digits = self.total.decimals
        shown = "; ".join(f"{RULES[rule]}: {_text(values, digits)}" for rule, values in self.pooled.items())
        said = f"{self.total.study}: printed {_text(self.total.printed, digits)}"
        if self.agreeing:
            return f"{said}, which the rows give ({' and '.join(RULES[rule] for rule in self.agreeing)})"
        against = f"; without {' or without '.join(self.against)} it would come out" if self.against else ""
        return f"{said}, which the rows do not give ({shown}){against}"


def check_totals(forest: ForestEffects) -> tuple[TotalCheck, ...]:
    """Each summary row with a printed effect against the studies above it: a subtotal those since the last one, a total all of them."""
    checks, group = [], []
    for row in forest.rows:
        if row.row == "study":
            group.append(row)
            continue
        studies = forest.studies if row.row == "total" else tuple(group)
        group = []
        if row.printed is not None and len(studies) > 1:
            checks.append(_check(row, studies, forest.measure, is_log=forest.is_log))
    return tuple(checks)


def _check(total: ForestEffect, studies: Sequence[ForestEffect], measure: str, *, is_log: bool) -> TotalCheck:
    pooled = _pooled(studies, measure, is_log=is_log)
    agreeing = tuple(rule for rule, values in pooled.items() if _agrees(values, total))
    against = () if agreeing else tuple(s.study for s in studies if _comes_out_without(s, studies, total, measure, is_log=is_log))
    return TotalCheck(total, pooled, agreeing, against)


def _comes_out_without(
    study: ForestEffect, studies: Sequence[ForestEffect], total: ForestEffect, measure: str, *, is_log: bool
) -> bool:
    rest = [s for s in studies if s is not study]
    return len(rest) > 1 and any(_agrees(values, total) for values in _pooled(rest, measure, is_log=is_log).values())


def _pooled(studies: Sequence[ForestEffect], measure: str, *, is_log: bool) -> dict[str, tuple[float, float, float]]:
    """Estimate and limits by rule; a study without an effect leaves out the rules that need it."""
    values: dict[str, tuple[float, float, float]] = {}
    back = math.exp if is_log else float
    if all(not math.isnan(s.yi) for s in studies):
        effects = Effects("GEN", tuple(Effect(f"{k}", s.yi, s.vi) for k, s in enumerate(studies)))
        for method in ("EE", "DL"):
            result = combine(effects, method=method)
            values[method] = (back(result.estimate), back(result.ci_lb), back(result.ci_ub))
    counts = [s.counts for s in studies if s.counts is not None]
    if measure in ("OR", "RR", "RD") and len(counts) == len(studies):
        a, n1, c, n2 = np.array(counts, dtype=float).T
        # RevMan and metan add a half to each cell of a table with an empty one, here as well.
        tables = mantel_haenszel(measure, Counts(a, n1 - a, c, n2 - c).with_correction(0.5, "only0"))
        values["MH"] = (back(tables.estimate), back(tables.ci_lb), back(tables.ci_ub))
    if is_log and all(s.printed is not None and s.weight > 0 for s in studies):
        ratios = [s.printed[0] for s in studies if s.printed is not None]
        values["weights"] = (ratio_by_weights(ratios, [s.weight for s in studies]), math.nan, math.nan)
    return values


def ratio_by_weights(ratios: Sequence[float], weights: Sequence[float]) -> float:
    """The RR or OR of Mantel and Haenszel 1959 from the studies' ratios and their Mantel-Haenszel weights: the ratios' mean."""
    return sum(w * r for w, r in zip(weights, ratios, strict=True)) / sum(weights)


def _agrees(values: tuple[float, float, float], total: ForestEffect) -> bool:
    """Whether a pooled result rounds to the printed one, half a digit of the rows' own rounding allowed."""
    assert total.printed is not None
    unit = 10.0**-total.decimals
    return all(math.isnan(v) or abs(v - p) <= unit for v, p in zip(values, total.printed, strict=True))


def _text(values: Sequence[float], digits: int) -> str:
    estimate, lo, hi = (f"{v:.{digits}f}" for v in values)
    return estimate if math.isnan(values[1]) else f"{estimate} [{lo}, {hi}]"
