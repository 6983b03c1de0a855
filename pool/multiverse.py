"""Every choice of a meta-analysis at once: how SDs are estimated from quantiles, how tau2 is estimated, how intervals are made.

Each row of the table is a whole analysis that somebody might have chosen (Voracek, Kossmeier and Tran 2019, Z Psychol 227:64; Steegen et
al. 2016, Perspect Psychol Sci 11:702).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from extract.quantiles import NAMES, Quantiles
from extract.summary import ArmSummary
from pool.effect import ARM_MEASURES, Effect, Effects, arm_effect
from pool.sensitivity import every_model

if TYPE_CHECKING:
    import pandas as pd  # imported where a table is made: it takes longer than all else

AS_GIVEN = "as given"


@dataclass(frozen=True)
class EstimatorChoice:
    """The effects when every arm whose quantiles are known is estimated by one method; `n_arms` how many arms it applies to."""

    estimator: str
    n_arms: int
    effects: Effects


def estimator_choices(effects: Effects) -> tuple[EstimatorChoice, ...]:
    """The effects as they are, and by each estimator of `extract.METHODS` that applies to an arm.

    Arms carry their quantiles as columns minimum, q1, median, q3, maximum (in `extra`), as `readoff extract` writes them; arms that do not,
    and those that an estimator is not for, stay as they are. Estimated means have sd^2 / n as their variance, whatever the method.
    """
    choices = [EstimatorChoice(AS_GIVEN, 0, effects)]
    if effects.measure not in ARM_MEASURES:
        return tuple(choices)
    from extract.estimators import METHODS

    for name in METHODS:
        changed = [_re_estimated(effect, name, effects.measure) for effect in effects]
        n_arms = sum(count for _, count in changed)
        if n_arms:
            choices.append(EstimatorChoice(name, n_arms, replace(effects, effects=tuple(effect for effect, _ in changed))))
    return tuple(choices)


def _re_estimated(effect: Effect, method: str, measure: str) -> tuple[Effect, int]:
    """The effect with its arms estimated by a method, and how many of them were."""
    if effect.treated is None or effect.control is None:
        return effect, 0
    arms = [_arm_by(arm, method) for arm in (effect.treated, effect.control)]
    n_arms = sum(arm is not None for arm in arms)
    if not n_arms:
        return effect, 0
    treated, control = (new or old for new, old in zip(arms, (effect.treated, effect.control), strict=True))
    found = arm_effect(measure, treated, control, study=effect.study)
    return (found, n_arms) if math.isfinite(found.yi) and found.vi > 0 else (effect, 0)


def _arm_by(arm: ArmSummary, method: str) -> ArmSummary | None:
    """The arm by another estimator; None where its quantiles are not known or the estimator is not for them."""
    from extract.estimators import METHODS

    values = quantiles_of(arm)
    if values is None:
        return None
    try:
        moments = METHODS[method](Quantiles(arm.n, **values))
    except ValueError:
        return None  # of another scenario, or not for such values
    mean, sd = float(moments.mean[0]), float(moments.sd[0])
    if not (math.isfinite(mean) and math.isfinite(sd)):
        return None
    return replace(arm, mean=mean, sd=sd, method=moments.method, se_mean=math.nan, se_sd=math.nan)


def quantiles_of(arm: ArmSummary) -> dict[str, float] | None:
    """The quantiles that an arm's further columns hold, None where they make no scenario."""
    cells = {name: text for name, text in arm.extra if name in NAMES and text.strip()}
    try:
        values = {name: float(text) for name, text in cells.items()}
        Quantiles(arm.n, **values)
    except (ValueError, TypeError):
        return None  # no median, one end alone, words, or out of order
    return values


def multiverse_table(effects: Effects, level: float = 0.95) -> pd.DataFrame:
    """Every estimator of SDs by every estimator of tau2 by every test, an analysis a row.

    Columns: estimator ("as given" for the arms as they are), n_arms (how many arms it re-estimated), method, test, and those of
    `pool.sensitivity.every_model`.
    """
    import pandas as pd

    return pd.concat(list(_tables(effects, level)), ignore_index=True)


def _tables(effects: Effects, level: float) -> Iterator[pd.DataFrame]:
    for choice in estimator_choices(effects):
        table = every_model(choice.effects, level)
        table.insert(0, "estimator", choice.estimator)
        table.insert(1, "n_arms", choice.n_arms)
        yield table


def multiverse_in_words(table: pd.DataFrame) -> str:
    """One line: how many analyses, between what their estimates lie, and how many intervals hold 0."""
    holding = int(((table["ci_lb"] <= 0) & (table["ci_ub"] >= 0)).sum())
    low, high = table["estimate"].min(), table["estimate"].max()
    return f"{len(table)} analyses: estimates {low:.2f} to {high:.2f} (on the scale of yi), 0 within {holding} of their intervals"
