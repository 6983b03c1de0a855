"""The doubts that extraction adds to an arm, beside those that reading the figure added to its points."""

from __future__ import annotations

from typing import Final

FLAGS: Final[dict[str, str]] = {
    "one_sided": "Only one end of the error bar was there; the bar was taken as symmetric.",
    "asymmetric": "The two halves of an error bar that should be symmetric differ by more than reading uncertainty allows.",
    "bar_within_reading": "The error bar is not longer than twice the uncertainty of reading it.",
    "log_axis": "The value axis is logarithmic; mean and SD are in data units, where such bars are seldom symmetric.",
    "end_clamped": "An end of the error bar lay on the wrong side of the centre, within reading uncertainty, and was set to the centre.",
    "ends_out_of_order": "An end of the error bar lies on the wrong side of the centre; nothing was computed from it.",
    "mean_not_readable": "The mean could not be read or computed.",
    "sd_not_readable": "The SD could not be computed: an end of the error bar that it needs was not read.",
    "timepoint_not_readable": "The place of the point along the x axis could not be read.",
    "sd_not_printed": "The table holds no number that leads to an SD.",
    "median_for_mean": "The mean was not printed; the median stands for it, which is right for symmetric data only.",
    "skewed": "The quantiles are too skewed for normal data (Shi et al. 2023).",
    "count_uncertain": "Points lie over one another or were not read, or bins are not whole numbers: n may be wrong.",
    "n_below_5": "Fewer than 5 participants: quartiles and range say next to nothing about the SD.",
}
