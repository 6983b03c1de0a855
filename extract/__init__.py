"""From points read off a figure, or numbers in print, to the mean, SD and n of each arm."""

from extract.errorbars import KINDS, ErrorBarKind, SdReading, confidence_quantile, error_bar_kind, sd_from_error_bar
from extract.estimators import METHODS, Estimate, Recommendation, estimate, iqr_per_sd, range_per_sd, recommend
from extract.flags import FLAGS
from extract.forest import ForestEffect, ForestEffects, counts_from_forest, effects_from_forest, forest_panel
from extract.points import arms_from_record
from extract.quantiles import Moments, Quantiles
from extract.summary import ArmSummary, read_arms, to_frame, write_arms

__all__ = [
    "FLAGS",
    "KINDS",
    "METHODS",
    "ArmSummary",
    "ErrorBarKind",
    "Estimate",
    "ForestEffect",
    "ForestEffects",
    "Moments",
    "Quantiles",
    "Recommendation",
    "SdReading",
    "arms_from_record",
    "confidence_quantile",
    "counts_from_forest",
    "effects_from_forest",
    "error_bar_kind",
    "estimate",
    "forest_panel",
    "iqr_per_sd",
    "range_per_sd",
    "read_arms",
    "recommend",
    "sd_from_error_bar",
    "to_frame",
    "write_arms",
]
