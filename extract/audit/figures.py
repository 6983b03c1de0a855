"""A figure against the text: what was read off it beside what is printed, and what its error bars must be for both to agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from digitize.record import FigureRecord
from extract.audit.finding import Finding, Severity
from extract.points import arms_from_record
from extract.summary import ArmSummary

KINDS = ("sd", "se", "ci95")
LIMIT = 3.0  # standard uncertainties of reading beyond which two means differ
SD_NEAR = 0.08  # relative difference of SDs below which rounding and drawing explain it, beside the reading uncertainty
_NAMES = {"sd": "SDs", "se": "standard errors", "ci95": "95 % confidence intervals"}


def audit_against_figure(
    arms: Sequence[ArmSummary], record: FigureRecord, *, names: Mapping[str, str] | None = None, panel: str | None = None
) -> list[Finding]:
    """Each printed mean beside the one read off the figure, and which kind of error bar gives the printed SDs.

    Parameters
    ----------
    arms
        What is printed; arms are found in the figure by their name (case does not matter) and timepoint.
    record
        What was read off the figure.
    names
        From the figure's names to arm names, where they differ.
    panel
        The panel, where the figure has several.

    Returns
    -------
    list of Finding
        One for each mean, and one for the error bars of all arms together.

    Raises
    ------
    ValueError
        If no arm of the table is in the figure.
    """
    printed = {(a.arm.casefold(), a.timepoint): a for a in arms}
    sizes = {name: a.n for a in arms for name in (a.arm, f"{a.arm}@{a.timepoint}")}
    read = {kind: _read(record, kind, sizes, printed, names, panel) for kind in KINDS}
    pairs = [key for key in printed if key in read["sd"]]
    if not pairs:
        listed = ", ".join(dict.fromkeys(f"{arm} {time}".strip() for arm, time in read["sd"])) or "none"
        message = f"expected arms of the table in the figure, found {listed}"
        raise ValueError(message)
    unit = _unit([a.mean for a in arms])
    findings = [_mean(printed[key], read["sd"][key], record, unit) for key in pairs]
    return [*findings, *_error_bars(printed, read, pairs, record, _unit([a.sd for a in arms]))]


Key = tuple[str, str]


def _read(
    record: FigureRecord,
    kind: str,
    sizes: Mapping[str, int],
    printed: Mapping[Key, ArmSummary],
    names: Mapping[str, str] | None,
    panel: str | None,
) -> dict[Key, ArmSummary]:
    """The arms of the figure by name and timepoint, were its error bars of this kind; where one has a single timepoint in both, by name."""
    folded = {name.casefold(): n for name, n in sizes.items()}
    panels = [p for p in record.panels if p.series and panel in (None, p.id)]
    labels = {s.name for p in panels for s in p.series} | {str(pt.x) for p in panels for s in p.series for pt in s.points}
    n = {label: folded.get((names or {}).get(label, label).casefold(), 2) for label in labels} | dict(sizes)
    arms = arms_from_record(record, study="figure", n=n, error_bars=kind, names=names, panel=panel)
    found = {(a.arm.casefold(), a.timepoint): a for a in arms}
    for arm, time in printed:
        same = [a for (name, _), a in found.items() if name == arm]
        if (arm, time) not in found and len(same) == 1 and sum(name == arm for name, _ in printed) == 1:
            found[arm, time] = same[0]
    return found


def _label(arm: ArmSummary) -> str:
    return ", ".join(part for part in (arm.study, arm.arm, arm.timepoint) if part)


def _mean(printed: ArmSummary, read: ArmSummary, record: FigureRecord, unit: float) -> Finding:
    where = f"{_label(printed)}, {record.source.file}"
    if math.isnan(read.mean):
        return Finding("figure", "note", where, "the mean could not be read off the figure", ", ".join(read.flags), "look at the figure")
    u = math.hypot(0.0 if math.isnan(read.u_mean) else read.u_mean, unit / math.sqrt(12))
    apart = abs(read.mean - printed.mean)
    arithmetic = f"printed {printed.mean:g}, read {read.mean:.4g} +- {u:.2g}: {apart / u:.1f} standard uncertainties apart"
    if apart <= LIMIT * u:
        return Finding("figure", "pass", where, "figure and text give the same mean", arithmetic)
    severity: Severity = "unusual" if read.flags else "improbable"
    said = "figure and text give different means" + (f" (the reading is flagged {', '.join(read.flags)})" if read.flags else "")
    return Finding("figure", severity, where, said, arithmetic, "look at both: one of them is another time, arm or unit")


def _unit(values: Sequence[float]) -> float:
    """The unit of the last printed digit of a column, by the value with most decimals: a table keeps no final zeros."""
    return 10.0 ** -max(len(f"{v:.12g}".partition(".")[2]) for v in values if not math.isnan(v))


def _error_bars(
    printed: Mapping[Key, ArmSummary], read: Mapping[str, Mapping[Key, ArmSummary]], pairs: Sequence[Key], record: FigureRecord, unit: float
) -> list[Finding]:
    """The kind of error bar with which the SDs of the figure are those of the text."""
    usable = [key for key in pairs if printed[key].sd > 0 and read["sd"][key].sd > 0]
    if not usable:
        return []
    fits = {kind: all(_same_sd(printed[key], read[kind][key], unit) for key in usable) for kind in KINDS}
    ratios = {kind: math.exp(sum(math.log(read[kind][key].sd / printed[key].sd) for key in usable) / len(usable)) for kind in KINDS}
    sizes = ", ".join(dict.fromkeys(str(printed[key].n) for key in usable))
    arithmetic = "SDs of the figure over those of the text: " + ", ".join(f"as {kind} {ratio:.3g}" for kind, ratio in ratios.items())
    where = record.source.file
    if fits["sd"]:
        return [Finding("error bars", "pass", where, "the error bars are the printed SDs", arithmetic)]
    kind = next((kind for kind in KINDS if fits[kind]), None)
    if kind is not None:
        said = f"the error bars fit {_NAMES[kind]} with n = {sizes}, not SDs"
        return [Finding("error bars", "note", where, said, arithmetic, f"extract them with --error-bars {kind}")]
    as_printed = {kind: [key for key in usable if _same_sd(printed[key], read[kind][key], unit)] for kind in KINDS}
    best = max(KINDS, key=lambda kind: len(as_printed[kind]))
    odd = [_label(printed[key]) for key in usable if key not in as_printed[best]]
    said = f"no kind of error bar gives all printed SDs; as {best} those of {', '.join(odd)} differ"
    return [Finding("error bars", "improbable", where, said, arithmetic, "see whether those SDs are printed rightly")]


def _same_sd(printed: ArmSummary, read: ArmSummary, unit: float) -> bool:
    u = math.hypot(0.0 if math.isnan(read.u_sd) else read.u_sd, unit / math.sqrt(12))
    return abs(read.sd - printed.sd) <= max(LIMIT * u, SD_NEAR * printed.sd)
