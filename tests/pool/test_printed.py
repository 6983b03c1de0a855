"""A printed total against its rows: found again by the rule that made it, or the row named that stands against it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from extract.forest import ForestEffect, ForestEffects
from pool.effect import Effect, Effects
from pool.measures import Counts
from pool.model import combine
from pool.printed import check_totals
from pool.tables import mantel_haenszel

YI = (0.42, -0.15, 0.88, 0.31, 1.1)
VI = (0.09, 0.04, 0.2, 0.06, 0.12)


def study(k: int, yi: float, vi: float, weight: float = math.nan) -> ForestEffect:
    half = 1.96 * math.sqrt(vi)
    return ForestEffect(f"S{k}", "study", yi, vi, 0.0, "print", weight, (yi, yi - half, yi + half), 2)


def total(estimate: float, lo: float, hi: float, row: str = "total") -> ForestEffect:
    shown = (round(estimate, 2), round(lo, 2), round(hi, 2))
    return ForestEffect("Total", row, math.nan, math.nan, math.nan, "print", 100.0, shown, 2)


def pooled(method: str) -> ForestEffect:
    result = combine(Effects("MD", tuple(Effect(f"{k}", y, v) for k, (y, v) in enumerate(zip(YI, VI, strict=True)))), method=method)
    return total(result.estimate, result.ci_lb, result.ci_ub)


STUDIES = tuple(study(k, y, v) for k, (y, v) in enumerate(zip(YI, VI, strict=True)))


@pytest.mark.parametrize("method", ["EE", "DL"])
def test_a_total_is_found_again_by_the_rule_that_made_it(method: str) -> None:
    (check,) = check_totals(ForestEffects("MD", False, (*STUDIES, pooled(method))))
    assert check.agreeing == (method,)
    assert "which the rows give" in str(check)


def test_the_row_that_stands_against_a_total_is_named() -> None:
    wrong = replace(study(9, 40.0, 0.05), study="Slipped 2009")
    (check,) = check_totals(ForestEffects("MD", False, (*STUDIES, wrong, pooled("DL"))))
    assert check.agreeing == ()
    assert check.against == ("Slipped 2009",)
    assert "without Slipped 2009 it would come out" in str(check)


def test_a_ratio_of_mantel_and_haenszel_is_the_mean_by_printed_weights() -> None:
    ratios, weights = (0.5, 0.8, 1.3), (20.0, 50.0, 30.0)
    rows = tuple(study(k, math.log(r), 0.1, w) for k, (r, w) in enumerate(zip(ratios, weights, strict=True)))
    rows = tuple(replace(row, printed=(r, r / 2, r * 2)) for row, r in zip(rows, ratios, strict=True))
    printed_total = total(sum(w * r for w, r in zip(weights, ratios, strict=True)) / 100, 0.5, 1.4)
    (check,) = check_totals(ForestEffects("RR", True, (*rows, printed_total)))
    assert check.agreeing == ("weights",)


def test_events_beside_the_plot_give_a_total_of_mantel_and_haenszel() -> None:
    counts = ((12, 40, 20, 42), (5, 31, 9, 30), (30, 110, 33, 108))
    a, n1, c, n2 = np.array(counts, dtype=float).T
    tables = mantel_haenszel("OR", Counts(a, n1 - a, c, n2 - c))
    printed_total = total(math.exp(tables.estimate), math.exp(tables.ci_lb), math.exp(tables.ci_ub))
    rows = tuple(replace(study(k, -0.4, 0.1), counts=each) for k, each in enumerate(counts))
    (check,) = check_totals(ForestEffects("OR", True, (*rows, printed_total)))
    assert "MH" in check.agreeing


def test_a_subtotal_pools_the_studies_since_the_last_one() -> None:
    results = [combine(Effects("MD", tuple(Effect(f"{k}", YI[k], VI[k]) for k in part)), method="EE") for part in ((0, 1), (2, 3, 4))]
    subtotals = [total(r.estimate, r.ci_lb, r.ci_ub, "subtotal") for r in results]
    rows = (*STUDIES[:2], subtotals[0], *STUDIES[2:], subtotals[1], pooled("EE"))
    assert all("EE" in check.agreeing for check in check_totals(ForestEffects("MD", False, rows)))
    assert len(check_totals(ForestEffects("MD", False, rows))) == 3
