"""Combining the effects of studies: the common-effect and the random-effects model."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from pool.effect import RATIO_MEASURES, Effect, Effects, Omission
from pool.heterogeneity import heterogeneity, i2_h2_of_tau2
from pool.tau2 import METHODS as TAU2_METHODS
from pool.tau2 import FloatArray, Model, Tau2, estimate_tau2, generalised, simple

COMMON = {"EE": "EE", "FE": "EE", "COMMON": "EE"}
METHODS = (*TAU2_METHODS, "EE")
GENERALISED = "GENQ"  # the one method that needs weights
TESTS = ("z", "t", "knha", "adhoc")
# An estimated mean whose standard error exceeds sd / sqrt(n) by more than this is worth a caution.
_SE_EXCESS = 0.05
_WIDEST_SPAN = 1e12  # of variances: beyond it the sums of weights lose what the small ones say
_LARGEST_LOG = 50.0  # of a ratio or of its standard error: exp(50) is no ratio that anyone measured
_NO_SCATTER = 1e-24  # of sum w y^2: what rounding alone leaves of a residual sum of squares


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

    `i2` (per cent) and `h2` follow from tau2, as metafor has them, `i2_q` and `h2_q` from Q, as RevMan has them; with DL and for the
    common effect they agree. `weights` are in per cent, in the order of `studies`; ratios are on the log scale. `pi_lb` and `pi_ub` are
    the prediction interval of a new study's true effect with the quantile of the confidence interval, `pi_riley_*` with that of t with
    k - 2 degrees of freedom (Riley et al. 2011), `pi_t_*` with k - 1. `estimate_reading` is the result that also carries what
    reading figures and estimating means add to each study's variance, at the same tau2; None where that is not known. `flags` are
    cautions in words; `omitted` the studies that gave no effect.
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
    se_tau2: float
    i2_q: float
    h2_q: float
    pi_riley_lb: float
    pi_riley_ub: float
    pi_t_lb: float
    pi_t_ub: float
    weights: tuple[float, ...]
    studies: tuple[Effect, ...]
    estimate_reading: Pooled | None
    omitted: tuple[Omission, ...] = ()
    flags: tuple[str, ...] = ()
    treated: str = ""
    control: str = ""

    @property
    def is_ratio(self) -> bool:
        """Whether the estimate is the logarithm of a ratio."""
        return self.measure in RATIO_MEASURES

    def to_dict(self) -> dict[str, Any]:
        """The result as plain numbers and lists, NaN as None; ratios also exponentiated, under names that end in _exp."""
        names = ["measure", "method", "test", "level", "k", "estimate", "se", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "p"]
        names += ["tau2", "se_tau2", "i2", "h2", "i2_q", "h2_q", "q", "q_df", "q_p", "pi_riley_lb", "pi_riley_ub", "pi_t_lb", "pi_t_ub"]
        result: dict[str, Any] = {name: _plain(getattr(self, name)) for name in names}
        if self.is_ratio:
            result |= {f"{name}_exp": _plain(_exp(getattr(self, name))) for name in ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub")}
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


def _exp(value: float) -> float:
    """The ratio of a logarithm; infinite where no float holds it."""
    return math.exp(value) if value < 700 else math.inf


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class _Interval:
    """How wide intervals are: the quantile, its degrees of freedom (infinite for z), and the factor on the variance of the estimate."""

    quantile: float
    df: float
    factor: float


def combine(
    effects: Effects, method: str = "DL", test: str = "z", level: float = 0.95, *, weights: Sequence[float] | None = None
) -> PooledResult:
    """The pooled effect.

    mu = sum w yi / sum w and se = sqrt(1 / sum w) with w = 1 / (vi + tau2). The prediction interval is
    mu +- c sqrt(tau2 + se^2) with the c of the confidence interval, as metafor has it.

    Parameters
    ----------
    effects
        The effects of the studies.
    method
        How tau2 is estimated: one of `pool.tau2.METHODS` (DL, HE, HS, HSk, SJ, ML, REML, EB, PM, PMM), or "EE" (also "FE", "common") for
        the common-effect model, tau2 = 0; or "GENQ", the generalised Q of DerSimonian and Kacker 2007 with weights of your own.
    test
        "z": normal interval and p-value; "t": Student's t with k - 1 degrees of freedom; "knha": t, and the standard error of Hartung
        and Knapp 2001 and Sidik and Jonkman 2002, se^2 = [sum w (yi - mu)^2 / (k - 1)] / sum w; "adhoc": the same, never below that of z.
    level
        Level of the intervals.
    weights
        For "GENQ", one a study, above 0: tau2 comes from their Q and they are the weights of the estimate, whose variance is
        sum a^2 (vi + tau2) / (sum a)^2.

    Returns
    -------
    PooledResult
        For the common-effect model prediction intervals are NaN. For one study the estimate is that study's.

    Raises
    ------
    ValueError
        If there is no effect, a variance is not above 0 or 1e12 times another, a value is not finite, a ratio is not on the log scale, the
        method or test is unknown, the level is not between 0 and 1, a test other than "z" has fewer than 2 studies, "knha" has effects that
        are all the same, or weights are missing, wrong, or given for another method.
    """
    name = COMMON.get(method.upper(), method)
    if name not in (*METHODS, GENERALISED):
        message = f"expected method to be one of {', '.join(METHODS)}, {GENERALISED} (FE, common), found {method!r}"
        raise ValueError(message)
    _check(effects, test, level)
    own_weights = _own_weights(weights, name, len(effects))
    yi = np.array([e.yi for e in effects])
    vi = np.array([e.vi for e in effects])
    model = simple(yi, vi)
    found = heterogeneity(yi, vi)
    tau2 = _tau2(model, name, own_weights)
    i2, h2 = (found.i2, found.h2) if name == "EE" else i2_h2_of_tau2(model, tau2.value)
    interval = _interval(model, tau2.value, test, level)
    used = 1.0 / (vi + tau2.value) if own_weights is None else own_weights
    pooled = _weighted(yi, vi + tau2.value, interval, own_weights)
    statistic = -abs(pooled.estimate / pooled.se)
    spread = math.sqrt(tau2.value + pooled.se**2) if name != "EE" else math.nan
    pi, riley, pi_t = (
        (pooled.estimate - c * spread, pooled.estimate + c * spread)
        for c in (interval.quantile, _t_quantile(len(yi) - 2, level), _t_quantile(len(yi) - 1, level))
    )
    added = np.array([e.vi_reading + e.vi_estimation for e in effects])
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
        pi_lb=pi[0],
        pi_ub=pi[1],
        p=2.0 * float(ndtr(statistic) if math.isinf(interval.df) else stdtr(interval.df, statistic)),
        tau2=tau2.value,
        i2=i2,
        h2=h2,
        q=found.q,
        q_df=found.q_df,
        q_p=found.q_p,
        se_tau2=tau2.se,
        i2_q=found.i2,
        h2_q=found.h2,
        pi_riley_lb=riley[0],
        pi_riley_ub=riley[1],
        pi_t_lb=pi_t[0],
        pi_t_ub=pi_t[1],
        weights=tuple(float(w) for w in 100.0 * (used / np.sum(used))),
        studies=effects.effects,
        estimate_reading=None if np.isnan(added).any() else _weighted(yi, vi + added + tau2.value, interval, own_weights),
        omitted=effects.omitted,
        flags=(*_cautions(effects, test), *_interval_cautions(name, test, interval, level)),
        treated=effects.treated,
        control=effects.control,
    )


def _own_weights(weights: Sequence[float] | None, method: str, k: int) -> FloatArray | None:
    if (weights is None) == (method == GENERALISED):
        message = f"expected weights with method {GENERALISED} and no other, found {'none' if weights is None else 'some'} with {method}"
        raise ValueError(message)
    if weights is None:
        return None
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (k,) or not (np.isfinite(found).all() and (found > 0).all()):
        message = f"expected {k} weights above 0, found {', '.join(f'{w:g}' for w in found.ravel())}"
        raise ValueError(message)
    return found


def _tau2(model: Model, method: str, weights: FloatArray | None) -> Tau2:
    if method == "EE":
        return Tau2(0.0, math.nan)
    if weights is None:
        return estimate_tau2(model, method)
    if model.df < 1:
        return Tau2(0.0, math.nan)
    found = generalised(model, weights)
    return Tau2(max(found.value, 0.0), found.se)


def _t_quantile(df: int, level: float) -> float:
    return float(stdtrit(df, 0.5 + level / 2)) if df > 0 else math.nan


def _interval(model: Model, tau2: float, test: str, level: float) -> _Interval:
    if test == "z":
        return _Interval(float(ndtri(0.5 + level / 2)), math.inf, 1.0)
    factor = 1.0
    if test in ("knha", "adhoc"):
        factor = model.rss(tau2) / model.df
        factor = max(1.0, factor) if test == "adhoc" else factor
    if test == "knha" and has_no_scatter(model, tau2):
        message = f"expected effects that differ for test knha, found {float(model.yi[0]):g} from each: its interval would have no width"
        raise ValueError(message)
    return _Interval(_t_quantile(model.df, level), float(model.df), factor)


def has_no_scatter(model: Model, tau2: float) -> bool:
    """Whether a model leaves nothing of the effects but rounding: then a standard error that is scaled by what is left is no error."""
    return model.rss(tau2) <= _NO_SCATTER * float(np.sum(model.yi**2 / (model.vi + tau2)))


def _check(effects: Effects, test: str, level: float) -> None:
    if test not in TESTS:
        message = f"expected test to be one of {', '.join(TESTS)}, found {test!r}"
        raise ValueError(message)
    if not 0 < level < 1:
        message = f"expected level between 0 and 1, found {level:g}"
        raise ValueError(message)
    if len(effects) < (1 if test == "z" else 2):
        message = f"expected {'1 study or more' if test == 'z' else f'2 studies or more for test {test}'}, found {len(effects)}"
        raise ValueError(message)
    variances = [e.vi for e in effects if e.vi > 0]
    if variances and not max(variances) <= _WIDEST_SPAN * min(variances):
        message = f"expected variances of one order, found {min(variances):g} beside {max(variances):g}"
        raise ValueError(message)
    for e in effects:
        if effects.measure in RATIO_MEASURES and max(abs(e.yi), math.sqrt(max(e.vi, 0.0))) > _LARGEST_LOG:
            message = f"expected yi and vi of {effects.measure} on the log scale, found {e.yi:g} and {e.vi:g} ({e.study})"
            raise ValueError(message)
        added = (e.vi_reading, e.vi_estimation)
        if not (math.isfinite(e.yi) and math.isfinite(e.vi) and e.vi > 0) or min(added) < 0 or math.inf in added:
            found = f"{e.yi:g}, {e.vi:g} and {e.vi_reading:g} ({e.study})"
            message = f"expected finite yi, vi above 0 and vi_reading of 0 or more, found {found}"
            raise ValueError(message)


def _weighted(yi: FloatArray, variances: FloatArray, interval: _Interval, own: FloatArray | None) -> Pooled:
    """The mean weighted by inverse variances, or by weights of one's own, and its interval."""
    weights = 1.0 / variances if own is None else own
    total = float(np.sum(weights))
    estimate = float(np.sum(weights * yi)) / total
    variance = 1.0 / total if own is None else float(np.sum(weights**2 * variances)) / total**2
    se = math.sqrt(interval.factor * variance)
    return Pooled(estimate, se, estimate - interval.quantile * se, estimate + interval.quantile * se)


def _cautions(effects: Effects, test: str) -> tuple[str, ...]:
    names = Counter(e.treated.study if e.treated else e.study for e in effects)
    repeated = [f"{study} gives {count} effects; they are not independent" for study, count in names.items() if count > 1]
    arms = [arm for e in effects for arm in (e.treated, e.control) if arm]
    excess = [(arm, arm.se_mean * math.sqrt(arm.n) / arm.sd - 1.0) for arm in arms if arm.se_mean > 0 and arm.sd > 0]
    understated = [
        f"{arm.study}, {arm.arm}: mean estimated from quantiles; its standard error is {100 * share:.0f} % above the one in vi"
        for arm, share in excess
        if share > _SE_EXCESS
    ]
    two = ["2 studies: t with 1 degree of freedom makes intervals of little use"] if test in ("knha", "adhoc") and len(effects) == 2 else []
    noted: dict[str, list[str]] = {}
    for e in effects:
        if e.note:
            noted.setdefault(e.note, []).append(e.study)
    return (*repeated, *understated, *(f"{', '.join(names)}: {note}" for note, names in noted.items()), *two)


def _interval_cautions(method: str, test: str, interval: _Interval, level: float) -> Iterator[str]:
    """Where the interval of Knapp and Hartung is not what it is for (Jackson et al. 2017, Stat Med 36:3923)."""
    if test in ("knha", "adhoc") and method == "EE":
        yield "Knapp-Hartung intervals are meant for random effects, not for a common effect"
    if test == "knha" and interval.quantile * math.sqrt(interval.factor) < float(ndtri(0.5 + level / 2)):
        yield "the studies scatter so little that the Knapp-Hartung interval is narrower than that of z; test adhoc does not let it be"
