"""From points read off a figure, or numbers in print, to the mean, SD and n of each arm.

Importing this package is cheap; what estimates is loaded when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "ArmSummary": "extract.summary",
    "ErrorBarKind": "extract.errorbars",
    "Estimate": "extract.estimators",
    "FLAGS": "extract.flags",
    "ForestEffect": "extract.forest",
    "ForestEffects": "extract.forest",
    "KINDS": "extract.errorbars",
    "METHODS": "extract.estimators",
    "Moments": "extract.quantiles",
    "Quantiles": "extract.quantiles",
    "Recommendation": "extract.estimators",
    "SdReading": "extract.errorbars",
    "arms_from_record": "extract.points",
    "confidence_quantile": "extract.errorbars",
    "counts_from_forest": "extract.forest",
    "effects_from_forest": "extract.forest",
    "error_bar_kind": "extract.errorbars",
    "estimate": "extract.estimators",
    "forest_panel": "extract.forest",
    "iqr_per_sd": "extract.estimators",
    "range_per_sd": "extract.estimators",
    "read_arms": "extract.summary",
    "recommend": "extract.estimators",
    "sd_from_error_bar": "extract.errorbars",
    "to_frame": "extract.summary",
    "write_arms": "extract.summary",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'extract' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)
