"""Combining the effects of studies: the common-effect and the random-effects model."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from pool.effect import RATIO_MEASURES, Effect, Effects, Omission
from pool.heterogeneity import FloatArray, heterogeneity, tau2_dl

_METHODS = {"DL": "DL", "EE": "EE", "FE": "EE", "COMMON": "EE"}
TESTS = ("z", "t")
# An estimated mean whose standard error exceeds sd / sqrt(n) by more than this is worth a caution.
_SE_EXCESS = 0.05


@dataclass(frozen=True)
class Pooled:
    """A pooled estimate with its standard error and confidence interval, in the units of yi."""

    estimate: float
    se: float
    ci_lb: float
    ci_ub: float


@dataclass(frozen=True)
class PooledResult:
    """The pooled effect of k studies, in metafor's spelling.

    `i2` is in per cent and based on Q; `weights` are in per cent, in the order of `studies`; ratios are on the log scale. `pi_lb` and
    `pi_ub` are the prediction interval of a new study's true effect. `estimate_reading` is the result with the reading uncertainty
    of figures added to each study's variance, at the same tau2 (so it is never the more precise one); None where the reading
    uncertainty of a study is not known. `flags` are cautions in words; `omitted` the studies that gave no effect.
    """

    measure: str
    method: str
    test: str
    level: float
    k: int
    estimate: float
    se: float
    ci_lb: float
    ci_ub: float
    pi_lb: float
    pi_ub: float
    p: float
    tau2: float
    i2: float
    h2: float
    q: float
    q_df: int
    q_p: float
    weights: tuple[float, ...]
    studies: tuple[Effect, ...]
    estimate_reading: Pooled | None
    omitted: tuple[Omission, ...] = ()
    flags: tuple[str, ...] = ()
    treated: str = ""
    control: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The result as plain numbers and lists, NaN as None; ratios also exponentiated, under names that end in _exp."""
        names = ["measure", "method", "test", "level", "k", "estimate", "se", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "p"]
        names += ["tau2", "i2", "h2", "q", "q_df", "q_p"]
        result: dict[str, Any] = {name: _plain(getattr(self, name)) for name in names}
        if self.measure in RATIO_MEASURES:
            result |= {f"{name}_exp": _plain(math.exp(getattr(self, name))) for name in ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub")}
        reading = self.estimate_reading
        fields = ("estimate", "se", "ci_lb", "ci_ub")
        result["estimate_reading"] = {name: getattr(reading, name) for name in fields} if reading else None
        result["studies"] = [
            {"study": e.study, "yi": e.yi, "vi": e.vi, "vi_reading": _plain(e.vi_reading), "weight": w, "is_estimated": e.is_estimated}
            for e, w in zip(self.studies, self.weights, strict=True)
        ]
        result["omitted"] = [{"study": o.study, "reason": o.reason} for o in self.omitted]
        result["flags"] = list(self.flags)
        return result

    def to_json(self) -> str:
        """The result as indented JSON text."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def combine(effects: Effects, method: str = "DL", test: str = "z", level: float = 0.95) -> PooledResult:
    """The pooled effect.

    mu = sum w yi / sum w and se = sqrt(1 / sum w) with w = 1 / (vi + tau2). The prediction interval is
    mu +- c sqrt(tau2 + se^2) with the c of the confidence interval, as metafor has it.

    Parameters
    ----------
    effects
        The effects of the studies.
    method
        "DL": random effects, tau2 of DerSimonian and Laird 1986. "EE" (also "FE", "common"): the common-effect model, tau2 = 0.
    test
        "z": normal interval and p-value; "t": Student's t with k - 1 degrees of freedom.
    level
        Level of the intervals.

    Returns
    -------
    PooledResult
        For the common-effect model the prediction interval is NaN and H2 is Q / (k - 1); for random effects H2 is 1 or more. For one
        study the estimate is that study's.

    Raises
    ------
    ValueError
        If there is no effect, a variance is not above 0, a value is not finite, the method or test is unknown, the level is not between
        0 and 1, or test "t" has fewer than 2 studies.
    """
    name = _METHODS.get(method.upper())
    if name is None:
        message = f"expected method to be one of DL, EE (FE, common), found {method!r}"
        raise ValueError(message)
    _check(effects, test, level)
    yi = np.array([e.yi for e in effects])
    vi = np.array([e.vi for e in effects])
    critical = float(ndtri(0.5 + level / 2) if test == "z" else stdtrit(len(yi) - 1, 0.5 + level / 2))
    tau2 = tau2_dl(yi, vi) if name == "DL" else 0.0
    pooled = _weighted(yi, vi + tau2, critical)
    reach = critical * math.sqrt(tau2 + pooled.se**2)
    statistic = -abs(pooled.estimate / pooled.se)
    found = heterogeneity(yi, vi)
    weights = 1.0 / (vi + tau2)
    reading = np.array([e.vi_reading for e in effects])
    return PooledResult(
        measure=effects.measure,
        method=name,
        test=test,
        level=level,
        k=len(yi),
        estimate=pooled.estimate,
        se=pooled.se,
        ci_lb=pooled.ci_lb,
        ci_ub=pooled.ci_ub,
        pi_lb=pooled.estimate - reach if name == "DL" else math.nan,
        pi_ub=pooled.estimate + reach if name == "DL" else math.nan,
        p=2.0 * float(ndtr(statistic) if test == "z" else stdtr(len(yi) - 1, statistic)),
        tau2=tau2,
        i2=found.i2,
        h2=max(1.0, found.h2) if name == "DL" else found.h2,
        q=found.q,
        q_df=found.q_df,
        q_p=found.q_p,
        weights=tuple(float(w) for w in 100.0 * (weights / np.sum(weights))),
        studies=effects.effects,
        estimate_reading=None if np.isnan(reading).any() else _weighted(yi, vi + reading + tau2, critical),
        omitted=effects.omitted,
        flags=_cautions(effects),
        treated=effects.treated,
        control=effects.control,
    )


def _check(effects: Effects, test: str, level: float) -> None:
    if test not in TESTS:
        message = f"expected test to be z or t, found {test!r}"
        raise ValueError(message)
    if not 0 < level < 1:
        message = f"expected level between 0 and 1, found {level:g}"
        raise ValueError(message)
    if len(effects) < (2 if test == "t" else 1):
        message = f"expected {'2 studies or more for test t' if test == 't' else '1 study or more'}, found {len(effects)}"
        raise ValueError(message)
    for e in effects:
        if not (math.isfinite(e.yi) and math.isfinite(e.vi) and e.vi > 0) or e.vi_reading < 0 or math.isinf(e.vi_reading):
            found = f"{e.yi:g}, {e.vi:g} and {e.vi_reading:g} ({e.study})"
            message = f"expected finite yi, vi above 0 and vi_reading of 0 or more, found {found}"
            raise ValueError(message)


def _weighted(yi: FloatArray, variances: FloatArray, critical: float) -> Pooled:
    """The inverse-variance weighted mean and its interval."""
    weights = 1.0 / variances
    estimate = float(np.sum(weights * yi) / np.sum(weights))
    se = math.sqrt(1.0 / float(np.sum(weights)))
    return Pooled(estimate, se, estimate - critical * se, estimate + critical * se)


def _cautions(effects: Effects) -> tuple[str, ...]:
    names = Counter(e.treated.study if e.treated else e.study for e in effects)
    repeated = [f"{study} gives {count} effects; they are not independent" for study, count in names.items() if count > 1]
    arms = [arm for e in effects for arm in (e.treated, e.control) if arm]
    excess = [(arm, arm.se_mean * math.sqrt(arm.n) / arm.sd - 1.0) for arm in arms if arm.se_mean > 0 and arm.sd > 0]
    understated = [
        f"{arm.study}, {arm.arm}: mean estimated from quantiles; its standard error is {100 * share:.0f} % above the one in vi"
        for arm, share in excess
        if share > _SE_EXCESS
    ]
    return (*repeated, *understated)
