"""From the arms of studies to effects, a pooled result and its picture."""

from pool.effect import MEASURES, RATIO_MEASURES, Effect, Effects, Omission, effects_from_arms, mean_difference, read_effects
from pool.heterogeneity import Heterogeneity, heterogeneity, tau2_dl
from pool.model import Pooled, PooledResult, combine
from pool.plots import forest, save_forest

__all__ = [
    "MEASURES",
    "RATIO_MEASURES",
    "Effect",
    "Effects",
    "Heterogeneity",
    "Omission",
    "Pooled",
    "PooledResult",
    "combine",
    "effects_from_arms",
    "forest",
    "heterogeneity",
    "mean_difference",
    "read_effects",
    "save_forest",
    "tau2_dl",
]
