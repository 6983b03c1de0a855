"""What reading figures and estimating means add to a pooled result: shares of its variance, and rereading whole figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from extract.summary import ArmSummary
from pool.batch import METHODS as BATCH_METHODS
from pool.batch import combine_many
from pool.effect import Effect, Effects
from pool.measures import TwoMeans, mean_effects
from pool.model import PooledResult, combine
from pool.tau2 import FloatArray

_SEED = 19950101


@dataclass(frozen=True)
class Shares:
    """Parts of a variance, in per cent of it: sampling participants, differences between studies, estimating from quantiles, reading."""

    sampling: float
    between: float
    estimation: float
    reading: float


@dataclass(frozen=True)
class ReadingShares:
    """Shares of the variance of `estimate_reading` and of each study's own, and the weights (per cent) that studies have in it."""

    pooled: Shares
    studies: tuple[Shares, ...]
    weights: tuple[float, ...]


def reading_shares(result: PooledResult) -> ReadingShares:
    """How much of the pooled variance, and of each study's, comes from where.

    The variance of the weighted mean is sum w^2 (vi + tau2 + vi_estimation + vi_reading) / (sum w)^2 with w the inverse of the bracket.

    Raises
    ------
    ValueError
        If the uncertainty of a study's reading is not known.
    """
    parts = np.array([[e.vi, result.tau2, e.vi_estimation, e.vi_reading] for e in result.studies])
    if np.isnan(parts).any():
        unknown = ", ".join(e.study for e in result.studies if math.isnan(e.vi_reading + e.vi_estimation))
        message = f"expected the uncertainty of reading of every study, found none of {unknown}"
        raise ValueError(message)
    totals = parts.sum(axis=1)
    w = 1 / totals
    pooled = (w[:, None] ** 2 * parts).sum(axis=0)
    return ReadingShares(
        Shares(*(100 * pooled / pooled.sum()).tolist()),
        tuple(Shares(*(100 * row / row.sum()).tolist()) for row in parts),
        tuple((100 * w / w.sum()).tolist()),
    )


def shares_as_dict(result: PooledResult) -> dict[str, Any] | None:
    """The shares as plain numbers; None where the uncertainty of reading is not known."""
    if result.estimate_reading is None:
        return None
    found = reading_shares(result)
    studies = [{"study": e.study, "weight": w, **asdict(s)} for e, w, s in zip(result.studies, found.weights, found.studies, strict=True)]
    return {"pooled": asdict(found.pooled), "studies": studies}


@dataclass(frozen=True, eq=False)
class Reread:
    """Pooled results of figures read again with their errors: the estimate of each, and how far reading alone spreads it."""

    estimates: FloatArray
    u_estimate: float
    ci_lb: float
    ci_ub: float


def reread(effects: Effects, *, method: str = "DL", shared: float = 0.5, draws: int = 2000, level: float = 0.95) -> Reread:
    """Read all figures again with their errors and pool each time.

    Parameters
    ----------
    effects
        Effects of arms ("MD", "SMD", "SMDH", "ROM") whose `u_mean` and `u_sd` are known.
    method
        How tau2 is estimated each time.
    shared
        What part of the variance of reading a mean is common to the arms of one figure (the same source up to its panel): errors of an
        axis are. In a difference of two arms of one figure that part cancels.
    draws
        How often; with a fixed seed.
    level
        Of the interval in which rereading leaves the estimate.

    Raises
    ------
    ValueError
        If an effect has no arms, the uncertainty of an estimated arm is not known, the measure is none of arms, or `shared` is not
        between 0 and 1.
    """
    if not 0 <= shared <= 1 or any(e.treated is None or e.control is None for e in effects):
        message = f"expected effects of two arms and a shared part between 0 and 1, found {shared:g}"
        raise ValueError(message)
    pairs = [(e.treated, e.control) for e in effects if e.treated is not None and e.control is not None]
    estimated = [arm for pair in pairs for arm in pair if arm.how == "estimated"]
    if unknown := [f"{arm.study}, {arm.arm}" for arm in estimated if math.isnan(arm.u_mean + arm.u_sd)]:
        message = f"expected u_mean and u_sd of every estimated arm, found none of {'; '.join(unknown)}"
        raise ValueError(message)
    rng = np.random.default_rng(_SEED)
    figures = {name: rng.normal(size=draws) for name in dict.fromkeys(_figure(arm) for pair in pairs for arm in pair)}
    columns: dict[str, list[FloatArray]] = {name: [] for name in ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")}
    for pair in pairs:
        for side, arm in zip("12", pair, strict=True):
            common, own = math.sqrt(shared) * figures[_figure(arm)], math.sqrt(1 - shared) * rng.normal(size=draws)
            columns[f"m{side}i"].append(arm.mean + _known(arm.u_mean) * (common + own))
            columns[f"sd{side}i"].append(np.abs(arm.sd + _known(arm.u_sd) * rng.normal(size=draws)))
            columns[f"n{side}i"].append(np.full(draws, float(arm.n)))
    means = TwoMeans(**{name: np.concatenate(values) for name, values in columns.items()})
    yi, vi = mean_effects(effects.measure, means)
    y, v = (np.asarray(values).reshape(len(pairs), draws).T for values in (yi, vi))
    estimates = _pooled(effects, y, v, method)
    tail = 50 * (1 - level)
    low, high = np.percentile(estimates, [tail, 100 - tail])
    return Reread(estimates, float(np.std(estimates)), float(low), float(high))


def _figure(arm: ArmSummary) -> str:
    """What was read together: a source without its series and place, or the arm alone where it was not read off anything."""
    return ", ".join(arm.source.split(", ")[:3]) if arm.u_mean > 0 else f"{arm.study}, {arm.arm}"


def _known(u: float) -> float:
    return 0.0 if math.isnan(u) else u


def _pooled(effects: Effects, y: FloatArray, v: FloatArray, method: str) -> FloatArray:
    if method in BATCH_METHODS and y.shape[1] > 1:
        return combine_many(y, v, method=method, test="z").estimate
    rows: Sequence[Sequence[Effect]] = [
        [replace(e, yi=float(a), vi=float(b)) for e, a, b in zip(effects, ys, vs, strict=True)] for ys, vs in zip(y, v, strict=True)
    ]
    return np.array([combine(replace(effects, effects=tuple(row)), method).estimate for row in rows])
