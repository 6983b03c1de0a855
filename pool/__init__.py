"""From the arms of studies to effects, a pooled result and its picture."""

from pool.effect import (
    MEASURES,
    RATIO_MEASURES,
    Effect,
    Effects,
    Omission,
    arm_effect,
    effects_from_arms,
    mean_difference,
    read_effects,
    read_events,
)
from pool.heterogeneity import Heterogeneity, heterogeneity, tau2_dl
from pool.model import METHODS, TESTS, Pooled, PooledResult, combine
from pool.plots import forest, save_forest

__all__ = [
    "MEASURES",
    "METHODS",
    "RATIO_MEASURES",
    "TESTS",
    "Effect",
    "Effects",
    "Heterogeneity",
    "Omission",
    "Pooled",
    "PooledResult",
    "arm_effect",
    "combine",
    "effects_from_arms",
    "forest",
    "heterogeneity",
    "mean_difference",
    "read_effects",
    "read_events",
    "save_forest",
    "tau2_dl",
]
