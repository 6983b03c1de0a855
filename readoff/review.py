"""A review run from its file: figures are read, arms made, comparisons pooled and set beside what was published."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readoff.auditpage import as_page
from readoff.outputs import staged
from readoff.reviewfile import Comparison, FigureArms, Head, Published, ReviewFile, ReviewFileError, read_review
from readoff.reviewpictures import risk_of, write_comparison, write_review
from readoff.solved import printed_arm
from readoff.verbs import centre_of, digitize, extract_arms

if TYPE_CHECKING:
    from digitize import Reading
    from extract import ArmSummary
    from extract.audit import Finding
    from pool import Effects, PooledResult
    from pool.audit import Solution, Unknown
    from pool.plots import RiskOfBias

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Check:
    """One number beside the published one; they agree when ours, rounded to the printed digits, is the printed number."""

    quantity: str
    computed: float
    published: Decimal

    @property
    def agrees(self) -> bool:
        """Whether the computed number rounds to the printed one."""
        unit = float(Decimal(1).scaleb(_exponent(self.published)))
        # A number on the edge between two roundings agrees with both.
        return abs(self.computed - float(self.published)) <= unit * (0.5 + 1e-9)


@dataclass(frozen=True)
class ComparisonResult:
    """A comparison of the review file, its pooled result, and the checks against what was published."""

    comparison: Comparison
    result: PooledResult
    checks: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the pooled result as plain numbers and lists, with the comparison's name and the checks."""
        checks = [
            {"quantity": c.quantity, "computed": c.computed, "published": float(c.published), "agrees": c.agrees} for c in self.checks
        ]
        return {"name": self.comparison.name, **self.result.to_dict(), "published": checks}


@dataclass(frozen=True)
class ReviewResult:
    """Everything a review gave: its arms, what was read off each figure (by the file's name), its comparisons, and what an audit found."""

    review: ReviewFile
    arms: tuple[ArmSummary, ...]
    readings: Mapping[str, Reading]
    comparisons: tuple[ComparisonResult, ...]
    findings: tuple[Finding, ...]
    files: tuple[Path, ...]


def run_review(
    path: Path, out: Path, *, figure_override: Mapping[str, Path] | None = None, progress: Progress | None = None
) -> ReviewResult:
    """Run a review file and write arms.csv, the figures' records and overlays, JSON, PNG and SVG of every comparison, and an audit.

    Parameters
    ----------
    path
        The review file; the figures' paths are relative to it.
    out
        The folder to write into; nothing is written unless all of it worked.
    figure_override
        Other files to read in place of figure files, by their names in the review.
    progress
        Called with a line of text before each step.

    Raises
    ------
    ReviewFileError
        If the review file cannot be used.
    ValueError
        If a figure cannot be read or does not hold what the review says of it.
    OSError
        If ``out`` cannot be written.
    """
    review = read_review(path)
    _refuse_clashing_names(review, path)
    _refuse_unclear_error_bars(review, path)
    say = progress or _silent
    readings = dict(_read_figures(review, path.parent, figure_override or {}, say))
    arms = _all_arms(review, readings)
    comparisons = []
    for comparison in review.comparison:
        say(f"pooling {comparison.name}")
        comparisons.append(_compare(comparison, arms, path))
    findings = _audit(review, arms, comparisons)
    files = _write(out, review, arms, readings, comparisons, findings, risk_of(review, path.parent), say)
    return ReviewResult(review, arms, readings, tuple(comparisons), tuple(findings), files)


def solve_review(path: Path, *, progress: Progress | None = None) -> dict[str, tuple[Solution, ...]]:
    """What gives the published result of each comparison of a review file; sought are the numbers that the file marks as solved.

    Raises
    ------
    ReviewFileError
        If the review file cannot be used.
    ValueError
        If a figure cannot be read, or there is too much to seek.
    """
    from pool.audit import Printed, solve

    review = read_review(path)
    say = progress or _silent
    arms = _all_arms(review, dict(_read_figures(review, path.parent, {}, say)))
    found = {}
    for comparison in review.comparison:
        if comparison.published is None:
            continue
        say(f"solving {comparison.name}")
        printed = Printed(comparison.published.estimate, comparison.published.ci, comparison.published.i2)
        unknowns = _unknowns(review, comparison)
        found[comparison.name] = solve(arms, comparison.treated, comparison.control, printed, unknowns, measure=comparison.measure)
    return found


def _unknowns(review: ReviewFile, comparison: Comparison) -> list[Unknown]:
    """The numbers of a comparison's arms that were not printed."""
    from pool.audit import Unknown

    arms = [arm for arm in review.arm if arm.solved is not None and arm.arm in (comparison.treated, comparison.control)]
    both = {arm.study for arm in review.arm if arm.arm == comparison.treated} & {
        arm.study for arm in review.arm if arm.arm == comparison.control
    }
    unknowns = []
    for arm in arms:
        if arm.study in both and arm.solved is not None:
            unknowns += [Unknown(arm.study, arm.arm, "mean")] if arm.solved.mean is not None else []
            unknowns += [Unknown(arm.study, arm.arm, "sd")] if arm.solved.sd is not None else []
    return unknowns


def _all_arms(review: ReviewFile, readings: Mapping[str, Reading]) -> tuple[ArmSummary, ...]:
    return (
        *(arm for figure in review.figure for arm in _arms_of_figure(figure, readings[figure.file])),
        *(printed_arm(arm) for arm in review.arm),
    )


def _silent(_: str) -> None:
    pass


def _refuse_clashing_names(review: ReviewFile, path: Path) -> None:
    """Refuse comparisons or figure files whose results would overwrite each other."""
    names = [file_name(comparison.name) for comparison in review.comparison]
    stems = [Path(file).stem.casefold() for file in dict.fromkeys(figure.file for figure in review.figure)]
    for what, group in (("comparisons", names), ("figures", stems)):
        for name in group:
            if not name or group.count(name) > 1:
                message = f"{path}: {what} would both be written as {name!r}; give each a name of its own"
                raise ReviewFileError(message)


def _refuse_unclear_error_bars(review: ReviewFile, path: Path) -> None:
    """Refuse error bars that nothing can be made of before any figure is read."""
    from extract import error_bar_kind

    for i, figure in enumerate(review.figure, start=1):
        try:
            centre_of(error_bar_kind(figure.error_bars).name, figure.centre)
        except ValueError as error:
            message = f"{path}: figure[{i}].error_bars: {error}"
            raise ReviewFileError(message) from error


def file_name(name: str) -> str:
    """Write a comparison's name as a file name: "Magnesium vs placebo" is "magnesium-vs-placebo"."""
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")


def _read_figures(review: ReviewFile, folder: Path, override: Mapping[str, Path], say: Progress) -> Iterator[tuple[str, Reading]]:
    """Read each figure file once, whatever number of studies stands in it."""
    by_file: dict[str, list[FigureArms]] = {}
    for figure in review.figure:
        by_file.setdefault(figure.file, []).append(figure)
    for file, figures in by_file.items():
        source = override.get(file, folder / file)
        pages = {figure.page for figure in figures}
        wanted = None if None in pages else sorted(page for page in pages if page is not None)
        kinds = {figure.kind for figure in figures}
        say(f"reading {source.name}")
        if not source.is_file():
            message = f"{source}: no such file"
            raise ValueError(message)
        yield file, digitize(source, pages=wanted, kind=kinds.pop() if len(kinds) == 1 else None)


def _arms_of_figure(figure: FigureArms, reading: Reading) -> tuple[ArmSummary, ...]:
    try:
        arms = extract_arms(
            reading.record,
            error_bars=figure.error_bars,
            n=figure.n,
            centre=figure.centre,
            study=figure.study,
            panel=figure.panel,
            names=figure.arms,
            timepoint=figure.x,
        )
        _refuse_several_points(arms)
    except ValueError as error:
        message = f"{figure.study}, {figure.file}: {error}"
        raise ValueError(message) from error
    return tuple(replace(arm, timepoint=figure.timepoint) for arm in arms) if figure.timepoint else arms


def _refuse_several_points(arms: tuple[ArmSummary, ...]) -> None:
    """Refuse an arm with several points: pooled side by side they would count its patients more than once."""
    places: dict[str, list[str]] = {}
    for arm in arms:
        places.setdefault(arm.arm, []).append(arm.timepoint or "no timepoint")
    for name, found in places.items():
        if len(found) > 1:
            message = f"expected one point for the arm {name!r}, found {len(found)} (at {', '.join(found)}); say which with x"
            raise ValueError(message)


def _compare(comparison: Comparison, arms: tuple[ArmSummary, ...], path: Path) -> ComparisonResult:
    from pool import combine, effects_from_arms

    try:
        _refuse_unknown_studies(comparison, arms)
        effects = effects_from_arms(arms, comparison.treated, comparison.control, comparison.measure)
        result = combine(effects, method=comparison.method, test=comparison.test)
        result = replace(result, flags=(*result.flags, *_crossover_cautions(comparison, effects)))
    except ValueError as error:
        message = f"{path}: comparison {comparison.name!r}: {error}"
        raise ReviewFileError(message) from error
    return ComparisonResult(comparison, result, tuple(_checks(result, comparison.published)))


def _refuse_unknown_studies(comparison: Comparison, arms: tuple[ArmSummary, ...]) -> None:
    """Refuse names that no study has: a misspelt crossover would be counted twice, a misspelt subgroup's study put among the others."""
    known = dict.fromkeys(arm.study for arm in arms)
    for key, names in (("crossovers", comparison.crossovers), ("subgroups", tuple(comparison.subgroups or ()))):
        if unknown := [name for name in names if name not in known]:
            message = f"expected studies of the review in {key}, found {unknown[0]!r} beside {', '.join(map(repr, known))}"
            raise ValueError(message)


def _crossover_cautions(comparison: Comparison, effects: Effects) -> Iterator[str]:
    """What crossovers pooled as if their arms were different people would come to at a correlation of 0.5 between periods."""
    from pool import combine
    from pool.measures import PairedMeans, paired_effects

    crossed = [e for e in effects if e.treated is not None and e.treated.study in comparison.crossovers]
    if not crossed:
        return
    said = f"{', '.join(e.study for e in crossed)}: a crossover, pooled as if its arms were different people"
    pairs = [(e.treated, e.control) for e in crossed if e.treated is not None and e.control is not None]
    if effects.measure != "MD" or any(one.n != other.n for one, other in pairs):
        yield said
        return
    columns = {
        f"{name}{side}i": [getattr(p[k], what) for p in pairs]
        for k, side in enumerate("12")
        for name, what in (("m", "mean"), ("sd", "sd"))
    }
    _, variances = paired_effects("MC", PairedMeans(**columns, ri=[0.5] * len(pairs), ni=[one.n for one, _ in pairs]))
    paired = dict(zip((e.study for e in crossed), variances.tolist(), strict=True))
    changed = replace(effects, effects=tuple(replace(e, vi=paired.get(e.study, e.vi)) for e in effects))
    other = combine(changed, method=comparison.method, test=comparison.test)
    yield f"{said}; with a correlation of 0.5 between periods MD {other.estimate:.2f} [{other.ci_lb:.2f}, {other.ci_ub:.2f}]"


def _checks(result: PooledResult, published: Published | None) -> Iterator[Check]:
    if published is None:
        return
    shown: Callable[[float], float] = math.exp if result.is_ratio else float  # ratios are published as such
    if published.estimate is not None:
        yield Check("estimate", shown(result.estimate), published.estimate)
    if published.ci is not None:
        yield Check("ci_lb", shown(result.ci_lb), published.ci[0])
        yield Check("ci_ub", shown(result.ci_ub), published.ci[1])
    if published.i2 is not None:
        yield Check("i2", result.i2, published.i2)


def _audit(review: ReviewFile, arms: tuple[ArmSummary, ...], comparisons: list[ComparisonResult]) -> list[Finding]:
    """Checks of the arms, and of every published number against the one computed."""
    from extract.audit import Finding, audit_arms, worst_first

    scale = review.review.scale
    findings = audit_arms(arms, None if scale is None else (float(scale[0]), float(scale[1])))
    for each in comparisons:
        for check in each.checks:
            where, arithmetic = f"{each.comparison.name}: {check.quantity}", f"computed {check.computed:.4f}, published {check.published}"
            if check.agrees:
                findings.append(Finding("published", "pass", where, "the published number comes out", arithmetic))
            else:
                remedy = "see what gives it: readoff solve"
                findings.append(Finding("published", "improbable", where, "the published number does not come out", arithmetic, remedy))
    return worst_first(findings)


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _favours(comparison: Comparison, head: Head) -> tuple[str, str] | None:
    """Which arm an effect left and right of zero favours; None where the review does not say which way is better."""
    if head.better is None:
        return None
    left, right = (comparison.treated, comparison.control) if head.better == "lower" else (comparison.control, comparison.treated)
    return f"Favours {left}", f"Favours {right}"


def _axis_title(measure: str, head: Head) -> str | None:
    from pool.plots.forestcontent import MEASURE_TITLES

    return f"{MEASURE_TITLES[measure]} ({head.outcome})" if head.outcome else None


def _write(
    out: Path,
    review: ReviewFile,
    arms: tuple[ArmSummary, ...],
    readings: Mapping[str, Reading],
    comparisons: list[ComparisonResult],
    findings: list[Finding],
    risk: RiskOfBias | None,
    say: Progress,
) -> tuple[Path, ...]:
    from extract import write_arms

    say("writing")
    with staged(out) as scratch:
        write_arms(arms, scratch / "arms.csv")
        found = json.dumps([f.to_dict() for f in findings], indent=1, ensure_ascii=False)
        (scratch / "audit.json").write_text(found, encoding="utf-8")
        (scratch / "audit.html").write_text(as_page(findings, f"Audit of {review.review.title}"), encoding="utf-8")
        (scratch / "figures").mkdir()
        for reading in readings.values():
            reading.save(scratch / "figures")
        for each in comparisons:
            stem = scratch / file_name(each.comparison.name)
            stem.with_suffix(".json").write_text(json.dumps(each.to_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
            favours, axis_title = _favours(each.comparison, review.review), _axis_title(each.result.measure, review.review)
            write_comparison(each.comparison, each.result, stem, risk, favours=favours, axis_title=axis_title)
        write_review(review, [(each.comparison, each.result) for each in comparisons], scratch, risk)
        written = [path.relative_to(scratch) for path in sorted(scratch.rglob("*")) if path.is_file()]
    return tuple(out / path for path in written)
