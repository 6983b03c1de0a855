"""From the two arms of each study to its effect yi and sampling variance vi, with reading uncertainty as its own column."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from extract.summary import ArmSummary
from pool.measures import Counts, TwoMeans, binary_effects, mean_effects

if TYPE_CHECKING:
    import pandas as pd  # imported where a table is made: it takes longer than all else

ARM_MEASURES = ("MD", "SMD", "SMDH", "ROM")
EVENT_MEASURES = ("OR", "RR", "RD", "PETO")
MEASURES = (*ARM_MEASURES, *EVENT_MEASURES, "HR", "GEN")
RATIO_MEASURES = ("ROM", "OR", "RR", "PETO", "HR")
STEP = 1e-6  # relative step of numeric derivatives


@dataclass(frozen=True)
class Effect:
    """The effect of one study.

    `yi` is in the units of the outcome (log scale for ratios), `vi` its sampling variance, `vi_reading` the variance that comes from
    reading the numbers off a figure (0 for printed numbers, NaN where an uncertainty was not stated), `vi_estimation` what it adds that
    means were estimated from other statistics, not known. `treated` and `control` are the arms that it was computed from, None for an
    effect read from a table. `counts` are the events and participants of
    the treated and of the control arm, where it was computed from those. `note` says what was done to the study's numbers that a reader
    has to know.
    """

    study: str
    yi: float
    vi: float
    vi_reading: float = 0.0
    vi_estimation: float = 0.0
    treated: ArmSummary | None = None
    control: ArmSummary | None = None
    note: str = ""
    counts: tuple[float, float, float, float] | None = None

    @property
    def is_estimated(self) -> bool:
        """Whether an arm was read off a figure or estimated from other statistics, rather than reported as mean and SD."""
        return any(arm is not None and arm.how == "estimated" for arm in (self.treated, self.control))


@dataclass(frozen=True)
class Omission:
    """A study that gave no effect, and why; `has_both_arms` is False where it simply is not of this comparison."""

    study: str
    reason: str
    has_both_arms: bool = True


@dataclass(frozen=True)
class Effects:
    """The effects of one comparison, in the order of the studies, and the studies that gave none."""

    measure: str
    effects: tuple[Effect, ...]
    omitted: tuple[Omission, ...] = ()
    treated: str = ""
    control: str = ""

    def __post_init__(self) -> None:
        """Check that the measure is known."""
        if self.measure not in MEASURES:
            message = f"expected measure to be one of {', '.join(MEASURES)}, found {self.measure!r}"
            raise ValueError(message)

    def __iter__(self) -> Iterator[Effect]:
        """The effects."""
        return iter(self.effects)

    def __len__(self) -> int:
        """Number of effects."""
        return len(self.effects)

    def to_frame(self) -> pd.DataFrame:
        """The effects, one a row: study, yi, vi, vi_reading, then n, mean and SD of both arms (1 treated, 2 control) where known."""
        import pandas as pd

        columns = ["study", "yi", "vi", "vi_reading", "n1i", "m1i", "sd1i", "n2i", "m2i", "sd2i"]
        rows = [[e.study, e.yi, e.vi, e.vi_reading, *_arm_cells(e.treated), *_arm_cells(e.control)] for e in self.effects]
        return pd.DataFrame(rows, columns=columns).dropna(axis="columns", how="all")


def _arm_cells(arm: ArmSummary | None) -> list[float | None]:
    return [None, None, None] if arm is None else [arm.n, arm.mean, arm.sd]


def mean_difference(treated: ArmSummary, control: ArmSummary, *, study: str | None = None) -> Effect:
    """Raw mean difference of two arms, treated minus control.

    yi = m1 - m2; vi = sd1^2 / n1 + sd2^2 / n2, with each arm's own variance (not pooled; Cochrane Handbook 6.5.1.1, metafor's MD);
    vi_reading = u_mean1^2 + u_mean2^2, the two arms taken as read independently. The SDs do not enter yi, so their reading uncertainty
    does not enter vi_reading.

    Parameters
    ----------
    treated, control
        The arms; a NaN mean or SD gives a NaN effect.
    study
        The label; the treated arm's study by default.
    """
    return Effect(
        study=study or treated.study,
        yi=treated.mean - control.mean,
        vi=treated.sd**2 / treated.n + control.sd**2 / control.n,
        vi_reading=_reading_variance(treated) + _reading_variance(control),
        vi_estimation=_estimation_variance(treated) + _estimation_variance(control),
        treated=treated,
        control=control,
    )


def _reading_variance(arm: ArmSummary) -> float:
    """Variance of the mean from reading: a printed mean was not read off anything."""
    return _uncertainty(arm.u_mean, arm) ** 2


def _uncertainty(u: float, arm: ArmSummary) -> float:
    return 0.0 if math.isnan(u) and arm.how == "reported" else u


def _estimation_variance(arm: ArmSummary) -> float:
    """What the variance of an estimated mean has beyond sd^2 / n; 0 where its standard error is not known to be larger."""
    return max(0.0, arm.se_mean**2 - arm.sd**2 / arm.n) if arm.se_mean > 0 else 0.0


def arm_effect(measure: str, treated: ArmSummary, control: ArmSummary, *, study: str | None = None) -> Effect:
    """The effect of two arms by a measure of `ARM_MEASURES`, computed as `pool.measures.mean_effects` says.

    vi_reading and vi_estimation are carried through the measure to first order: the sum over means and SDs of
    (derivative x uncertainty)^2.

    Parameters
    ----------
    measure
        "MD", "SMD", "SMDH" or "ROM".
    treated, control, study
        As for `mean_difference`.

    Raises
    ------
    ValueError
        If the measure is unknown.
    """
    if measure == "MD":
        return mean_difference(treated, control, study=study)
    values = [treated.mean, treated.sd, control.mean, control.sd]

    def effect(m1: float, s1: float, m2: float, s2: float) -> tuple[float, float]:
        yi, vi = mean_effects(measure, TwoMeans([m1], [s1], [treated.n], [m2], [s2], [control.n]))
        return float(yi[0]), float(vi[0])

    yi, vi = effect(*values)
    reading = estimation = 0.0
    arms = (treated, treated, control, control)
    for k, (arm, name) in enumerate(zip(arms, ("u_mean", "u_sd") * 2, strict=True)):
        step = STEP * max(abs(values[k]), abs(values[1]), 1e-12)
        nudged = [v + step * (j == k) for j, v in enumerate(values)]
        slope = (effect(*nudged)[0] - yi) / step
        reading += (slope * _uncertainty(getattr(arm, name), arm)) ** 2
        estimation += slope**2 * _estimation_variance(arm) if name == "u_mean" else 0.0
    return Effect(study or treated.study, yi, vi, reading, estimation, treated, control)


def effects_from_arms(
    arms: Iterable[ArmSummary],
    treated: str,
    control: str,
    measure: str = "MD",
    *,
    outcome: str | None = None,
    timepoint: str | None = None,
) -> Effects:
    """The effect of each study that has both arms.

    Parameters
    ----------
    arms
        All arms of all studies, others too.
    treated, control
        The names of the two arms.
    measure
        One of `ARM_MEASURES`.
    outcome, timepoint
        Only arms with this outcome or timepoint. Arms are paired within study, outcome and timepoint; a study with several pairs gives
        several effects, labelled by what differs.

    Returns
    -------
    Effects
        A study that lacks one of the arms (or has them at different timepoints), or whose mean or SD is not known, is among `omitted`
        with the reason.

    Raises
    ------
    ValueError
        If the measure is not one of arms, an arm's name occurs nowhere, the two names are the same, a study has the same arm twice, or no
        study has both arms.
    """
    if measure not in ARM_MEASURES:
        message = f"expected a measure of arms ({', '.join(ARM_MEASURES)}), found {measure!r}"
        raise ValueError(message)
    everything = tuple(arms)
    chosen = tuple(a for a in everything if outcome in (None, a.outcome) and timepoint in (None, a.timepoint))
    _check_names(everything, chosen, treated, control)
    pairs = _pairs(chosen, treated, control)
    several = {study for study, _, _ in pairs if sum(key[0] == study for key in pairs) > 1}
    effects: list[Effect] = []
    omitted: list[Omission] = []
    for (study, result, time), sides in pairs.items():
        label = ", ".join(part for part in (study, result, time) if part) if study in several else study
        if len(sides) < 2:
            missing = control if treated in sides else treated
            there = sides[treated if treated in sides else control]
            elsewhere = tuple(a for a in chosen if a.study == study and a.arm == missing)
            omitted.append(Omission(label, _missing_reason(missing, there, elsewhere), bool(elsewhere)))
            continue
        effect = arm_effect(measure, sides[treated], sides[control], study=label)
        if math.isnan(effect.yi) or math.isnan(effect.vi):
            omitted.append(Omission(label, _unknown_reason(measure, sides[treated], sides[control])))
        else:
            effects.append(effect)
    if not effects:
        reasons = "; ".join(f"{o.study}: {o.reason}" for o in omitted)
        message = f"expected a study with arms {treated!r} and {control!r}, found none ({reasons})"
        raise ValueError(message)
    return Effects(measure, tuple(effects), tuple(omitted), treated, control)


def _check_names(everything: tuple[ArmSummary, ...], chosen: tuple[ArmSummary, ...], treated: str, control: str) -> None:
    if treated == control:
        message = f"expected two different arms, found {treated!r} twice"
        raise ValueError(message)
    if everything and not chosen:
        pairs = dict.fromkeys(f"{a.outcome or '-'} at {a.timepoint or '-'}" for a in everything)
        message = f"expected arms with that outcome and timepoint, found {', '.join(pairs)}"
        raise ValueError(message)
    found = list(dict.fromkeys(a.arm for a in chosen))
    for name in (treated, control):
        if name not in found:
            message = f"expected an arm {name!r}, found {', '.join(map(repr, found)) or 'no arms'}"
            raise ValueError(message)


def _pairs(chosen: tuple[ArmSummary, ...], treated: str, control: str) -> dict[tuple[str, str, str], dict[str, ArmSummary]]:
    """The two arms by study, outcome and timepoint, in the order of the table."""
    pairs: dict[tuple[str, str, str], dict[str, ArmSummary]] = {}
    for arm in chosen:
        if arm.arm not in (treated, control):
            continue
        sides = pairs.setdefault((arm.study, arm.outcome, arm.timepoint), {})
        if arm.arm in sides:
            at = f" at {arm.timepoint}" if arm.timepoint else ""
            message = f"expected one arm {arm.arm!r} in {arm.study}{at}, found 2"
            raise ValueError(message)
        sides[arm.arm] = arm
    return pairs


def _missing_reason(missing: str, there: ArmSummary, elsewhere: tuple[ArmSummary, ...]) -> str:
    if not elsewhere:
        return f"no arm {missing!r}"
    places = ", ".join(" ".join(part for part in (a.outcome, a.timepoint) if part) or "no timepoint" for a in elsewhere)
    own = " ".join(part for part in (there.outcome, there.timepoint) if part) or "no timepoint"
    return f"no arm {missing!r} at {own} (it is at {places})"


def _unknown_reason(measure: str, treated: ArmSummary, control: ArmSummary) -> str:
    unknown = [f"{name} of {a.arm}" for a in (treated, control) for name in ("mean", "sd") if math.isnan(getattr(a, name))]
    if unknown:
        return f"not known: {', '.join(unknown)}"
    found = " and ".join(f"{a.mean:g} ({a.sd:g})" for a in (treated, control))
    return f"{measure} is not defined for means (SDs) of {found}"


def read_events(path: str | Path, treated: str, control: str, measure: str = "OR") -> Effects:
    """The effects of an events.csv: columns study, arm, events, n; a half is added to the cells of tables with an empty one (not for PETO).

    Parameters
    ----------
    path
        The table.
    treated, control
        The names of the two arms.
    measure
        One of `EVENT_MEASURES`.

    Raises
    ------
    ValueError
        If a column is missing, a cell is not a number, a study has an arm twice, no study has both arms, or the measure is unknown.
    """
    if measure not in EVENT_MEASURES:
        message = f"expected a measure of events ({', '.join(EVENT_MEASURES)}), found {measure!r}"
        raise ValueError(message)
    sides = _event_arms(path, treated, control)
    effects, omitted = [], []
    for study, arms in sides.items():
        if len(arms) < 2:
            omitted.append(Omission(study, f"no arm {control if treated in arms else treated!r}", has_both_arms=False))
            continue
        (a, n1), (c, n2) = arms[treated], arms[control]
        counts = Counts([a], [n1 - a], [c], [n2 - c])
        yi, vi = binary_effects(measure, counts, to="none" if measure == "PETO" else "only0")
        if math.isnan(yi[0]):
            omitted.append(Omission(study, f"{measure} is not defined for {a:g}/{n1:g} against {c:g}/{n2:g}"))
        else:
            effects.append(Effect(study, float(yi[0]), float(vi[0]), note=_empty_cells(counts, measure), counts=(a, n1, c, n2)))
    if not effects:
        reasons = "; ".join(f"{o.study}: {o.reason}" for o in omitted) or "neither is in the table"
        message = f"{path}: expected a study with arms {treated!r} and {control!r}, found none ({reasons})"
        raise ValueError(message)
    return Effects(measure, tuple(effects), tuple(omitted), treated, control)


def _empty_cells(counts: Counts, measure: str) -> str:
    """What was done about empty cells of one table; nothing for PETO, which needs none filled."""
    a, b, c, d = (float(cell[0]) for cell in counts.cells)
    if measure == "PETO" or min(a, b, c, d) > 0:
        return ""
    if measure != "RD" and (a + c == 0 or b + d == 0):
        return "the same in all participants of both arms, made a ratio by a half in each cell; RevMan leaves such a study out"
    return "a half was added to each cell, as one is empty"


def read_counts(path: str | Path, treated: str, control: str) -> Counts:
    """The two-by-two tables of an events.csv, of the studies that have both arms.

    Raises
    ------
    ValueError
        As `read_events` does.
    """
    both = [arms for arms in _event_arms(path, treated, control).values() if len(arms) == 2]
    if not both:
        message = f"{path}: expected a study with arms {treated!r} and {control!r}, found none"
        raise ValueError(message)
    a, n1, c, n2 = ([arms[name][part] for arms in both] for name in (treated, control) for part in (0, 1))
    rest = [[n - events for n, events in zip(size, some, strict=True)] for size, some in ((n1, a), (n2, c))]
    return Counts(a, rest[0], c, rest[1])


def _event_arms(path: str | Path, treated: str, control: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Events and participants by study and arm."""
    sides: dict[str, dict[str, tuple[float, float]]] = {}
    with Path(path).open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, restval="")
        if missing := [name for name in ("study", "arm", "events", "n") if name not in (reader.fieldnames or ())]:
            message = f"{path}: expected columns study, arm, events, n; missing {', '.join(missing)}"
            raise ValueError(message)
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            events, n = (_number(cells[name], name, where) for name in ("events", "n"))
            if not 0 <= events <= n or n == 0:
                message = f"{where}: expected events between 0 and n, and participants, found {events:g} of {n:g}"
                raise ValueError(message)
            if cells["arm"] not in (treated, control):
                continue
            own = sides.setdefault(cells["study"], {})
            if cells["arm"] in own:
                message = f"{where}: expected one arm {cells['arm']!r} in {cells['study']}, found 2"
                raise ValueError(message)
            own[cells["arm"]] = (events, n)
    return sides


def read_effects(path: str | Path, measure: str = "GEN") -> Effects:
    """The effects of an effects.csv: columns study, yi, vi, and vi_reading where there; rows with an empty yi or vi are omitted by name.

    Parameters
    ----------
    path
        The table; ratios are on the log scale.
    measure
        What yi is; "GEN" where it does not matter.

    Raises
    ------
    ValueError
        If a column is missing, a cell is not a number, or there is no effect; the message names the file, the line and the value.
    """
    effects: list[Effect] = []
    omitted: list[Omission] = []
    with Path(path).open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, restval="")
        header = tuple(reader.fieldnames or ())
        if missing := [name for name in ("study", "yi", "vi") if name not in header]:
            message = f"{path}: expected columns study, yi, vi; missing {', '.join(missing)}, found {', '.join(header) or 'none'}"
            raise ValueError(message)
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            yi, vi = (_number(cells[name], name, where) for name in ("yi", "vi"))
            reading = _number(cells["vi_reading"], "vi_reading", where) if cells.get("vi_reading") else 0.0
            if math.isnan(yi) or math.isnan(vi):
                omitted.append(Omission(cells["study"], f"{'yi' if math.isnan(yi) else 'vi'} is empty"))
            else:
                effects.append(Effect(cells["study"], yi, vi, reading))
    if not effects:
        message = f"{path}: expected effects, found none"
        raise ValueError(message)
    return Effects(measure, tuple(effects), tuple(omitted))


def _number(text: str, name: str, where: str) -> float:
    if text.strip().lower() in ("", "na", "nan"):
        return math.nan
    try:
        return float(text)
    except ValueError:
        message = f"{where}: expected a number for {name}, found {text!r}"
        raise ValueError(message) from None
