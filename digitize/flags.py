"""Every flag that a panel, an axis or a point can carry: one table, which also writes their documentation.

A flag says in one word what is doubtful about a value, or why it is missing. A value without a flag claims to be right within its
uncertainty. What a flag says of the error bar of a marker that has an upright and a level one may be of either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from calibration.reading import FLAGS as AXIS_FLAGS

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        **AXIS_FLAGS,
        "axis_broken": "The axis is broken: each part has a scale of its own. Check the bars that run through the break.",
        "axis_multiplied": "A power of ten at the end of the axis multiplies its labels; the values hold it. Check that it was read right.",
        "no_labels": "No labels could be read along the x axis: the points have no x.",
        "dates_as_names": "Dates or times stand along the x axis; a point carries the nearest one.",
        "shared_axis": "The plot has no labels along y; its axis is that of the plot beside it, whose frame stands in the same rows.",
        "second_y_axis": "The plot has a y axis at each side; which series belongs to which is not known: values follow the left.",
        "shared_stem": "Several error bars run into one another; their ends were shared out by cap, darkness and evenness.",
        "end_hidden": "One end of the error bar is covered by other ink and was not read.",
        "end_doubtful": "Two ways of finding an end of the error bar do not agree about it.",
        "end_inferred": "The error bar was in doubt by itself; its ends are what best explains all that shows.",
        "centre_inferred": "No marker and no line shows where in its error bar the point lies: it is given in the middle of the ends.",
        "bars_left_out": "Upright strokes that may be error bars without markers were left out: points may be missing.",
        "error_bar_hidden": "No error bar shows, though others of the panel have one: it is hidden or shorter than its marker.",
        "mirrored": "One end of the error bar is covered; it was mirrored from the other, as the panel's other bars are even.",
        "uneven_bar": "The halves of this error bar differ although the panel's other bars are even.",
        "not_refined": "The marker could not be fitted to its pixels; its place is that of the coarse search.",
        "hidden_in_bar": "The lower end of the error bar cannot be seen inside a filled bar; whether there is one is not known.",
        "category_unread": "The label under this mark could not be read, or there is none.",
        "cap_missing": "The error bar has no cap at an end where the panel's other bars have one.",
        "clipped": "The mark or its error bar runs into the edge of the plot: its true end may lie beyond.",
        "text_layer_differs": "The PDF's own text says another tick label than its rendering shows; the rendering was believed.",
        "upside_down": "The figure stands upside down: it was read turned by 180 degrees.",
        "inset": "A smaller plot stands inside this one: what is drawn in it may have been read with the axes around it.",
        "in_fill": "Nearly all around the mark is ink: in a filled area what looks like a marker may be none.",
        "error_bars_unread": "Strokes at the markers may be error bars, but none could be read for sure: the ends are left out.",
        "partly_hidden": "Other marks cover half of this one or more: its place is less sure, and there may be more beneath.",
        "overplotted": "More markers lie together than show apart: about as many as the panel's hidden_points are hidden beneath others.",
        "legend_key": "The mark stands in line with the legend's keys: it may be the key of a name that was not read, and no data point.",
        "legend_covers": "The legend lies over the mark.",
        "median_unseen": "No line of a median shows inside the box: it may lie on an edge of it.",
        "box_missing": "No box stands over one of the names along the axis: it was not found, or there is none.",
        "outliers_overlap": "Outliers of a box overlap one another: the outer two are given, there may be more between them.",
        "points_over_box": "Observations are drawn over the box: those beyond its whiskers are given as outliers, if they stand apart.",
        "whisker_unseen": "No whisker leaves the box on one side or both: it is taken to end at the box.",
        "curve_missing": "Ink that is none of the curves read runs across the plot as one more would: a curve was not found.",
        "curves_alike": "Another curve is like it in colour or dashes: where they meet one may have been taken for the other.",
        "step_hidden": "The curve steps where other ink or a gap hides it: the place of the step is not known well.",
        "between_dashes": "No ink of the curve shows here, as between two dashes: the value is led through from either side.",
        "curve_hidden": "Other ink lies over the curve here: the value is led through from either side.",
        "crossed": "More ink lies here than one stroke has, as where curves meet or one turns sharply: the value is led through.",
        "steep": "The curve is steep here: a little to the left or right its value is another one.",
        "off_curve": "The curve does not reach this x: it has no value here.",
        "two_values": "The curve passes this x more than once: it has no single value here.",
        "curve_in_part": "The curve was followed through a part of the plot only: it may be a part of another one, or go on.",
        "band_unread": "A shaded band lies around the curve, as of confidence limits, but its edges do not show here for sure.",
        "level_line": "The curve is level from one side of the plot to the other: it may be a reference line and no data.",
        "at_risk_doubtful": "A number at risk was not read for sure, or is larger than the one before it.",
        "at_risk_unnamed": "No curve has the name of this row of numbers at risk: say to which it belongs.",
        "stacked": "The bar is one part of a stack: its value is where its end stands on the axis, not its own height.",
        "not_drawn": "No mark was recognised in this row of a forest plot: it holds only what is printed.",
        "print_differs": "The numbers printed beside the row and its drawing disagree: one of them is wrong or was misread.",
        "bins_perhaps": "The bars stand between ticks of an axis of numbers: they may be bins of histograms that were not told apart.",
        "bin_hidden": "Nothing shows in this bin: it is empty, or so low that the axis line covers it.",
        "bins_joined": "No stroke parts this bin from a neighbour of its height, though others are parted: the two may be one wider bin.",
        "low_bar": "The bar is hardly higher than the line it stands on is thick: its end is less sure.",
        "bar_missing": "No bar stands over one of the names along the axis: it has no height, or it was not found.",
        "uneven_groups": "The groups of bars do not all have the same number of bars: a bar may be missing, or given to another series.",
    }
)
"""What each flag means."""


def known(flags: Iterable[str]) -> tuple[str, ...]:
    """The flags, each once, in order; one that is not in the table raises ValueError."""
    unique = tuple(dict.fromkeys(flags))
    unknown = [flag for flag in unique if flag not in FLAGS]
    if unknown:
        message = f"expected flags of the table in digitize/flags.py, found {', '.join(unknown)}"
        raise ValueError(message)
    return unique


def flags_as_markdown() -> str:
    """The table as Markdown, a row a flag."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in FLAGS.items()]
    return "\n".join(["| flag | what it means |", "|---|---|", *rows]) + "\n"
