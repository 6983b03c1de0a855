"""How much a pooled result hangs on one study, on the order of studies, on the method, and on what was assumed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr

from pool.effect import Effects
from pool.model import METHODS, TESTS, PooledResult, combine, has_no_scatter
from pool.tau2 import estimate_tau2, simple

if TYPE_CHECKING:
    import pandas as pd  # imported where a table is made: it takes longer than all else

CORRELATIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
COLUMNS = ("estimate", "se", "ci_lb", "ci_ub", "p", "q", "q_p", "tau2", "i2", "h2")


def _row(result: PooledResult) -> dict[str, float]:
    return {name: float(getattr(result, name)) for name in COLUMNS}


def _row_of(effects: Effects, method: str, test: str, level: float) -> dict[str, float]:
    """A row of some of the studies: by z of one alone, without an interval where Knapp-Hartung has none."""
    if test == "knha" and len(effects) > 1 and _are_alike(effects):
        return _row(combine(effects, method, "z", level)) | dict.fromkeys(("se", "ci_lb", "ci_ub", "p"), math.nan)
    return _row(combine(effects, method, test if len(effects) > 1 else "z", level))


def _are_alike(effects: Effects) -> bool:
    return has_no_scatter(simple(np.array([e.yi for e in effects]), np.array([e.vi for e in effects])), 0.0)


def leave_one_out(effects: Effects, method: str = "DL", test: str = "z", level: float = 0.95) -> pd.DataFrame:
    """The pooled result without each study in turn, a row a study that was left out; 2 studies or more are needed."""
    if len(effects) < 2:
        message = f"expected 2 studies or more to leave one out, found {len(effects)}"
        raise ValueError(message)
    rows = []
    for k, left_out in enumerate(effects.effects):
        rest = replace(effects, effects=(*effects.effects[:k], *effects.effects[k + 1 :]))
        rows.append({"left_out": left_out.study} | _row_of(rest, method, test, level))
    return _table(rows)


def cumulative(effects: Effects, method: str = "DL", test: str = "z", level: float = 0.95) -> pd.DataFrame:
    """The pooled result of the first study, of the first two, and so on, in the order given; a row an added study."""
    rows = []
    for count, added in enumerate(effects.effects, start=1):
        first = replace(effects, effects=effects.effects[:count])
        rows.append({"added": added.study, "k": count} | _row_of(first, method, test, level))
    return _table(rows)


def every_model(effects: Effects, level: float = 0.95) -> pd.DataFrame:
    """The pooled result by every estimator of tau2 and every test that has an interval, a row each."""
    tests = [test for test in TESTS if test == "z" or (len(effects) > 1 and not (test == "knha" and _are_alike(effects)))]
    pairs = [(method, test) for method in METHODS for test in tests if not (method == "EE" and test in ("knha", "adhoc"))]
    return _table([{"method": m, "test": t} | _row(combine(effects, m, t, level)) for m, t in pairs])


def multiverse(choices: Sequence[tuple[str, Effects]], method: str = "DL", test: str = "z", level: float = 0.95) -> pd.DataFrame:
    """The pooled result under each of several choices (of how SDs were estimated, say): a name and the effects that follow from it."""
    return _table([{"choice": name} | _row(combine(effects, method, test, level)) for name, effects in choices])


def over_correlation(
    effects_at: Callable[[float], Effects],
    correlations: Sequence[float] = CORRELATIONS,
    method: str = "DL",
    test: str = "z",
    level: float = 0.95,
) -> pd.DataFrame:
    """The pooled result over an assumed correlation (of the periods of a crossover, of change with baseline), 0 to 0.9 by default.

    Parameters
    ----------
    effects_at
        Gives the effects for a correlation.
    correlations, method, test, level
        What is tried, and as for `combine`.
    """
    return _table([{"correlation": r} | _row(combine(effects_at(r), method, test, level)) for r in correlations])


@dataclass(frozen=True)
class Influence:
    """What one study does to the result (Viechtbauer and Cheung 2010, Res Synth Methods 1:112), in metafor's spelling.

    `rstudent` is its residual from the model without it, `dffits` and `dfbs` how many standard errors the estimate moves, `cook_d` the
    distance that it moves, `cov_r` by what factor its variance grows, `tau2_del` and `qe_del` tau2 and Q without it, `hat` its leverage,
    `weight` its weight in per cent; `is_influential` where one of the usual limits is passed.
    """

    study: str
    rstudent: float
    dffits: float
    cook_d: float
    cov_r: float
    tau2_del: float
    qe_del: float
    hat: float
    weight: float
    dfbs: float
    is_influential: bool


def influence(effects: Effects, method: str = "REML") -> tuple[Influence, ...]:
    """The influence of every study on a random-effects (or, with "EE", common-effect) result.

    Raises
    ------
    ValueError
        If there are fewer than 3 studies.
    """
    k = len(effects)
    if k < 3:
        message = f"expected 3 studies or more for influence, found {k}"
        raise ValueError(message)
    yi, vi = np.array([e.yi for e in effects]), np.array([e.vi for e in effects])

    def tau2_of(keep: NDArray[np.bool_]) -> float:
        return 0.0 if method == "EE" else estimate_tau2(simple(yi[keep], vi[keep]), method).value

    everything = np.ones(k, dtype=bool)
    weights = 1.0 / (vi + tau2_of(everything))
    centre, variance = float(np.sum(weights * yi) / np.sum(weights)), float(1.0 / np.sum(weights))
    found = []
    for i, effect in enumerate(effects):
        keep = everything.copy()
        keep[i] = False
        tau2 = tau2_of(keep)
        rest = 1.0 / (vi[keep] + tau2)
        own, own_variance = float(np.sum(rest * yi[keep]) / np.sum(rest)), float(1.0 / np.sum(rest))
        hat = float(weights[i] / np.sum(weights))
        moved = centre - own
        dffits = moved / math.sqrt(hat * float(vi[i] + tau2))
        dfbs = moved * math.sqrt(float(np.sum(1.0 / (vi + tau2))))
        cook = moved**2 / variance
        limits = (abs(dffits) > 3 * math.sqrt(1 / (k - 1)), float(chdtr(1, cook)) > 0.5, hat > 3 / k, abs(dfbs) > 1)
        found.append(
            Influence(
                study=effect.study,
                rstudent=float((yi[i] - own) / math.sqrt(vi[i] + tau2 + own_variance)),
                dffits=dffits,
                cook_d=cook,
                cov_r=own_variance / variance,
                tau2_del=tau2,
                qe_del=simple(yi[keep], vi[keep]).rss(0.0),
                hat=hat,
                weight=100 * hat,
                dfbs=dfbs,
                is_influential=any(limits),
            )
        )
    return tuple(found)


def _table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)
