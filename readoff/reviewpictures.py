"""The pictures and tables of a review: forest plots, funnels, sequential analyses, risk of bias, flow, summary of findings, exports."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readoff.reviewfile import Comparison, ReviewFile

if TYPE_CHECKING:
    from pool import Effect, Effects, PooledResult
    from pool.plots import RiskOfBias
    from pool.sequential import SequentialResult


def write_comparison(comparison: Comparison, result: PooledResult, stem: Path, risk: RiskOfBias | None, **drawn: Any) -> None:
    """Write the forest and funnel plot of a comparison, its sequential analysis, and what other programs read."""
    from pool import Effects
    from pool.exports import metafor_script, revman_csv, write_workbook
    from pool.plots import funnel, save, save_forest, sequential_plot
    from pool.regression import subgroups

    effects = Effects(result.measure, result.studies, result.omitted, result.treated, result.control)
    groups = None
    if comparison.subgroups is not None:
        labels = [comparison.subgroups.get(_study(e), "Other") for e in effects]
        groups = subgroups(effects, labels, comparison.method, comparison.test)
    judged = risk if risk is not None and all(e.study in risk.studies for e in effects) else None
    save_forest(result, stem, style=comparison.style, title=comparison.name, groups=groups, risk=judged, **drawn)
    save(lambda ax: funnel(result, ax), f"{stem}-funnel", size_in=(5.2, 4.2))
    if comparison.sequential is not None:
        analysis = _sequential(comparison, effects)
        save(lambda ax: sequential_plot(analysis, ax), f"{stem}-sequential", size_in=(6.4, 4.2))
        Path(f"{stem}-sequential.json").write_text(_sequential_as_json(analysis, _by_year(effects.effects)), encoding="utf-8")
    if comparison.multiverse:
        _write_multiverse(effects, result, stem)
    stem.with_suffix(".R").write_text(metafor_script(result), encoding="utf-8")
    Path(f"{stem}-revman.csv").write_text(revman_csv(result, comparison.name), encoding="utf-8")
    write_workbook(result, stem.with_suffix(".xlsx"))


def _write_multiverse(effects: Effects, result: PooledResult, stem: Path) -> None:
    """Write every analysis that might have been chosen: a table and a picture."""
    from pool.multiverse import multiverse_table
    from pool.plots import save, specification_plot, specification_size

    table = multiverse_table(effects, result.level)
    table.to_csv(f"{stem}-multiverse.csv", index=False)
    chosen, size = (result.method, result.test), specification_size(table)
    save(lambda ax: specification_plot(table, ax, measure=result.measure, chosen=chosen), f"{stem}-specification", size_in=size)


def _sequential(comparison: Comparison, effects: Effects) -> SequentialResult:
    from pool.sequential import sequential

    asked = comparison.sequential
    assert asked is not None  # the caller looked
    effects = replace(effects, effects=_by_year(effects.effects))
    sizes = [_participants(comparison, e) for e in effects]
    return sequential(
        effects, sizes, relevant=float(asked.relevant), variance=float(asked.sd) ** 2, alpha=asked.alpha, power=asked.power,
        method=comparison.method, correction=asked.correction, spending=asked.spending, futility=asked.futility,
    )  # fmt: skip


def _sequential_as_json(analysis: SequentialResult, studies: tuple[Effect, ...]) -> str:
    """The numbers that the picture shows, a look a study; null where there is no boundary or limit yet."""
    columns = ("n", "fraction", "z", "boundary", "futility", "estimate", "ci_lb", "ci_ub")
    looks = [
        {"study": effect.study} | {name: _finite(float(getattr(analysis, name)[k])) for name in columns} for k, effect in enumerate(studies)
    ]
    said = {
        name: getattr(analysis, name) for name in ("verdict", "required", "required_adjusted", "diversity", "i2", "correction", "inflation")
    }
    return json.dumps({**said, "looks": looks}, indent=1, allow_nan=False, ensure_ascii=False)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _by_year(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The effects in the order in which they appeared, where the name of every study holds one year; else as they are."""
    years = [re.findall(r"\b(?:19|20)\d\d(?=[a-z]?\b)", _study(e)) for e in effects]
    if any(len(found) != 1 for found in years):
        return effects
    return tuple(e for _, e in sorted(zip(years, effects, strict=True), key=lambda pair: pair[0]))


def _study(effect: Effect) -> str:
    """The study of an effect, whose own name may hold an outcome and a time too."""
    return effect.study if effect.treated is None else effect.treated.study


def _participants(comparison: Comparison, effect: Effect) -> int:
    """Participants of a study, those of a crossover counted once."""
    if effect.treated is None or effect.control is None:
        return 0
    return max(effect.treated.n, effect.control.n) if _study(effect) in comparison.crossovers else effect.treated.n + effect.control.n


def risk_of(review: ReviewFile, folder: Path) -> RiskOfBias | None:
    """The judgements of the review's table.

    Raises
    ------
    ValueError
        If the table is missing or a cell is no judgement.
    """
    from pool.plots import read_risk_of_bias

    if review.risk_of_bias is None:
        return None
    path = folder / review.risk_of_bias.file
    if not path.is_file():
        message = f"{path}: no such file"
        raise ValueError(message)
    return read_risk_of_bias(path)


def write_review(review: ReviewFile, results: list[tuple[Comparison, PooledResult]], folder: Path, risk: RiskOfBias | None) -> None:
    """Write the pictures of the whole review: risk of bias, the flow of records, and the summary of findings."""
    from pool.certainty import Downgrade, Outcome, summary_as_csv, summary_as_html
    from pool.plots import Flow, flow_size, prisma_flow, risk_summary, save, traffic_light

    if risk is not None:
        n_domains, n_studies = len(risk.domains), len(risk.studies)
        slanted = 0.045 * max(map(len, risk.domains))  # inches that the names of domains take above and at the right
        size = (2.2 + 0.5 * n_domains + slanted, 0.75 + 0.38 * n_studies + slanted)
        save(lambda ax: traffic_light(risk, ax), folder / "risk-of-bias", size_in=size)
        save(lambda ax: risk_summary(risk, ax), folder / "risk-of-bias-summary", size_in=(7, 1.4 + 0.36 * n_domains))
    if review.flow is not None:
        flow = Flow(**review.flow.model_dump())
        save(lambda ax: prisma_flow(flow, ax), folder / "flow", size_in=flow_size(flow))
    outcomes = [
        Outcome(
            comparison.name,
            result,
            sum(_participants(comparison, e) for e in result.studies),
            tuple(Downgrade(d.domain, d.levels, d.reason) for d in comparison.certainty),
        )
        for comparison, result in results
    ]
    title = f"Summary of findings: {review.review.title}"
    (folder / "findings.html").write_text(summary_as_html(outcomes, title), encoding="utf-8")
    (folder / "findings.csv").write_text(summary_as_csv(outcomes), encoding="utf-8")
