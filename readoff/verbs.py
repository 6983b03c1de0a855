"""The verbs of a notebook: `digitize`, `extract`, `pool`. Each imports its room when it is called, so that `import readoff` is quick."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from digitize import GivenAxis, Reading
    from digitize.record import FigureRecord
    from extract import ArmSummary
    from pool import Effects, PooledResult

Centre = Literal["mean", "median", "geometric"]


def digitize(
    path: str | Path,
    *,
    pages: Sequence[int] | None = None,
    calibrate: Sequence[GivenAxis] = (),
    kind: str | None = None,
    at: Sequence[float] | None = None,
) -> Reading:
    """Read the figures of a file (PNG, JPEG, TIFF, PDF or SVG).

    Parameters
    ----------
    path
        The file.
    pages
        Page numbers from 1; all pages without it.
    calibrate
        Axes whose ticks a person gives, in pixels of the page's image.
    kind
        The kind of plot ("errorbar", "bar", "box", "scatter", "forest", "line", ...), where it is known.
    at
        The x at which the curves of line plots are read; without it their points are the ticks, the ends and the bends of each curve.

    Returns
    -------
    Reading
        `record` holds what was read, `overlays` shows it on the page, `save(folder)` writes both and a table.

    Raises
    ------
    ValueError
        If the file cannot be read or holds no plot; the message names file and cause.
    """
    from digitize import digitize_file

    return digitize_file(Path(path), pages=pages, calibrate=calibrate, kind=kind, at=at)


def extract(
    figure: Reading | FigureRecord | str | Path,
    *,
    error_bars: str,
    n: int | Mapping[str, int],
    centre: Centre | None = None,
    study: str | None = None,
    panel: str | None = None,
    names: Mapping[str, str] | None = None,
    timepoint: float | str | None = None,
    method: str = "wan2014",
) -> pd.DataFrame:
    """Turn the points of a figure into mean, SD and n of each arm.

    Parameters
    ----------
    figure
        What `digitize` returned, its record, or the path of a record's JSON file.
    error_bars
        What the error bars are: "sd", "se", "ci95", "iqr" or "range". Pixels do not tell, so it has to be said.
    n
        Participants: one number for every arm, or one for each arm, or for each "arm@timepoint".
    centre
        What the marks are, "mean", "median" or "geometric" (mean); needed when the error bars are "iqr" or "range".
    study
        The study's name; the figure's file name without it.
    panel
        The panel, where the figure has several.
    names
        From the figure's names to arm names; only those listed are returned. Without it all are.
    timepoint
        Only this timepoint; all without it.
    method
        How a median becomes a mean and SD: a name of `extract.METHODS`, or "recommended".

    Returns
    -------
    pandas.DataFrame
        The columns of arms.csv, one row an arm and timepoint.

    Raises
    ------
    ValueError
        If something that pixels cannot tell is missing, or something named is not in the figure.
    """
    from extract import to_frame

    record = _record(figure)
    name = study or Path(record.source.file).stem
    said: dict[str, Any] = {"names": names, "timepoint": timepoint, "method": method}
    return to_frame(extract_arms(record, error_bars=error_bars, n=n, centre=centre, study=name, panel=panel, **said))


def extract_arms(
    record: FigureRecord,
    *,
    error_bars: str,
    n: int | Mapping[str, int],
    centre: Centre | None,
    study: str,
    panel: str | None = None,
    names: Mapping[str, str] | None = None,
    timepoint: float | str | None = None,
    method: str = "wan2014",
    ci: Literal["t", "z"] = "t",
) -> tuple[ArmSummary, ...]:
    """Return the arms of a figure as `extract.arms_from_record` does; for iqr and range, `centre` has to be said."""
    from extract import arms_from_record, error_bar_kind

    chosen = centre_of(error_bar_kind(error_bars).name, centre)
    where: dict[str, Any] = {"names": names, "panel": panel, "timepoint": timepoint}
    return arms_from_record(record, study=study, n=n, error_bars=error_bars, centre=chosen, method=method, ci=ci, **where)


def centre_of(kind: str, centre: Centre | str | None) -> Centre:
    """Return what the marks are: "mean" around sd, se and ci unless said otherwise; around iqr and range it has to be said.

    Raises
    ------
    ValueError
        If it is missing, unknown, or does not go with the error bars.
    """
    if centre is None and kind in ("iqr", "range"):
        message = f"expected centre mean or median for error bars that are {kind}, found none"
        raise ValueError(message)
    of_quantiles = kind in ("iqr", "range")
    if centre in (None, "mean"):
        return "mean"
    if centre == "median" and of_quantiles:
        return "median"
    if centre == "geometric" and not of_quantiles:
        return "geometric"
    message = (
        "expected centre mean, median with error bars iqr or range, or geometric with sd, se or ci, "
        f"found centre {centre} with error bars {kind}"
    )
    raise ValueError(message)


def pool(
    arms: pd.DataFrame | str | Path,
    *,
    treated: str | None = None,
    control: str | None = None,
    measure: str = "MD",
    method: str = "DL",
    test: str = "z",
) -> PooledResult:
    """Pool the effects of studies.

    Parameters
    ----------
    arms
        A table of arms (columns study, arm, n, mean, sd, ...) or of effects (study, yi, vi), or the path of such a CSV file.
    treated, control
        The arms to compare, treated minus control; needed for a table of arms.
    measure
        "MD", "SMD", "SMDH" or "ROM" of a table of arms; "OR", "RR", "RD" or "PETO" of one of events; effects are pooled as they are.
    method
        How the variance between studies is estimated ("DL", "REML", "PM", ...; see `pool.combine`), or "EE", the common-effect model.
    test
        "z", "t", "knha" or "adhoc" intervals.

    Returns
    -------
    PooledResult
        In metafor's spelling: estimate, se, ci_lb, ci_ub, tau2, i2, q, ...

    Raises
    ------
    ValueError
        If the table lacks a column, an arm is not in it, or no study has both arms.
    """
    import pandas as pd

    from pool import combine

    if not isinstance(arms, pd.DataFrame):
        return combine(_effects(Path(arms), treated, control, measure), method=method, test=test)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "table.csv"
        arms.to_csv(path, index=False)
        try:
            return combine(_effects(path, treated, control, measure), method=method, test=test)
        except ValueError as error:
            message = str(error).replace(str(path), "table")
            raise ValueError(message) from error


def _effects(path: Path, treated: str | None, control: str | None, measure: str) -> Effects:
    from extract import read_arms
    from pool import effects_from_arms, read_effects, read_events

    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    if {"yi", "vi"} <= set(header):
        return read_effects(path, measure)
    if "events" in header:
        if treated is None or control is None:
            message = f"{path}: expected the treated and the control arm to be named, found neither"
            raise ValueError(message)
        return read_events(path, treated, control, measure)
    arms = read_arms(path)
    if treated is None or control is None:
        found = ", ".join(dict.fromkeys(repr(arm.arm) for arm in arms))
        message = f"{path}: expected the treated and the control arm to be named, found neither; arms in the table: {found or 'none'}"
        raise ValueError(message)
    return effects_from_arms(arms, treated, control, measure)


def _record(figure: Reading | FigureRecord | str | Path) -> FigureRecord:
    from digitize.record import FigureRecord, read_record

    if isinstance(figure, str | Path):
        return read_record(figure)
    return figure if isinstance(figure, FigureRecord) else figure.record
