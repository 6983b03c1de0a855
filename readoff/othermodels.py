"""Models beside the inverse-variance one, for the command line: tables pooled directly, mixed models, clusters, subgroups, moderators."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pool import Effect, PooledResult
    from pool.regression import RegressionResult, Subgroups

MODELS = {
    "iv": "inverse variance",
    "mh": "Mantel-Haenszel",
    "peto": "Peto",
    "cm.el": "exact conditional mixed model",
    "cm.al": "approximate conditional mixed model",
    "um.fs": "mixed model with an intercept for each study",
    "um.rs": "mixed model with random intercepts",
    "three-level": "three-level model",
    "cr2": "cluster-robust (CR2)",
}
OF_EVENTS = ("mh", "peto", "cm.el", "cm.al", "um.fs", "um.rs")
OF_CLUSTERS = ("three-level", "cr2")


@dataclass(frozen=True)
class Table:
    """The table that was pooled, its two arms, and the result of the inverse-variance model."""

    path: Path
    treated: str | None
    control: str | None
    result: PooledResult


@dataclass(frozen=True)
class Fitted:
    """What a model gave: lines for a person, plain numbers for a machine, and the subgroups that a forest plot shows."""

    lines: tuple[str, ...]
    document: Mapping[str, Any] = field(default_factory=dict)
    groups: Subgroups | None = None


def fit_model(model: str, table: Table, cluster: str | None = None) -> Fitted:
    """The pooled measure of a table by a model of `MODELS` other than "iv"; `cluster` names the column that "three-level" and "cr2" need.

    Raises
    ------
    ValueError
        If the table or the measure is not of the kind that the model needs, or the model cannot be fitted.
    """
    found = _of_events(model, table) if model in OF_EVENTS else _of_clusters(model, table, cluster)
    numbers = asdict(found)
    ratio = table.result.is_ratio
    pooled = [numbers[n] for n in ("estimate", "ci_lb", "ci_ub")]
    shown = [name for name in ("df", "tau2", "sigma2", "i2", "q") if _is_known(numbers.get(name, math.nan))]
    more = [f"{name} {_said(numbers[name])}" for name in shown]
    name = f"{MODELS[model]}{_how(model, table.result)}"
    line = f"{in_words(name, table.result, *pooled)}, p {numbers['p']:.3g}"
    document = {"model": model, **{name: _plain(value) for name, value in numbers.items()}}
    if ratio:
        document |= dict(zip(("estimate_exp", "ci_lb_exp", "ci_ub_exp"), map(math.exp, pooled), strict=True))
    return Fitted((", ".join([line, *more]),), document)


def in_words(name: str, result: PooledResult, estimate: float, lower: float, upper: float) -> str:
    """A model's estimate of the measure of a result with its interval, ratios not as logarithms."""
    of, low, high = (math.exp(v) if result.is_ratio else v for v in (estimate, lower, upper))
    return f"{name}: {result.measure} {of:.4g} [{low:.4g}, {high:.4g}]"


def _how(model: str, result: PooledResult) -> str:
    """What of --method and --test a model of clusters takes."""
    return {"three-level": f" ({_method(result)}, {result.test})", "cr2": f" (tau2 by {result.method}, t)"}.get(model, "")


def _method(result: PooledResult) -> str:
    return "ML" if result.method == "ML" else "REML"


def _of_events(model: str, table: Table) -> Any:
    from pool.effect import read_counts
    from pool.mixed import mixed_odds_ratio
    from pool.tables import mantel_haenszel, peto

    result = table.result
    if "events" not in _header(table.path) or table.treated is None or table.control is None:
        message = f"{table.path}: expected a table of events for model {model}, found columns {', '.join(_header(table.path))}"
        raise ValueError(message)
    known = {"mh": ("OR", "RR", "RD"), "peto": ("PETO", "OR")}.get(model, ("OR",))
    if result.measure not in known:
        message = f"{table.path}: expected measure {' or '.join(known)} for model {model}, found {result.measure}"
        raise ValueError(message)
    counts = read_counts(table.path, table.treated, table.control)
    if model == "mh":
        return mantel_haenszel(result.measure, counts, result.level)
    if model == "peto":
        return peto(counts, result.level)
    return mixed_odds_ratio(counts, model.upper(), method="EE" if result.method == "EE" else "ML", level=result.level)  # type: ignore[arg-type]


def _of_clusters(model: str, table: Table, cluster: str | None) -> Any:
    from pool.multilevel import cluster_robust, three_level

    result = table.result
    yi, vi = [e.yi for e in result.studies], [e.vi for e in result.studies]
    labels = [_study(e) for e in result.studies] if cluster is None else columns_of(table, [cluster])[cluster]
    if model == "cr2":
        return cluster_robust(yi, [v + result.tau2 for v in vi], labels, result.level)
    if result.test not in ("z", "t"):
        message = f"{table.path}: expected --test z or t for a three-level model, found {result.test}"
        raise ValueError(message)
    if len(set(labels)) == len(labels):
        message = f"{table.path}: expected a cluster with several effects for a three-level model, found {len(labels)} effects each alone"
        raise ValueError(message)
    return three_level(yi, vi, labels, method=_method(result), test=result.test, level=result.level)


def fit_subgroups(column: str, table: Table) -> Fitted:
    """The pooled result of each subgroup that a column of the table names, and the test of their difference.

    Raises
    ------
    ValueError
        If the table lacks the column, or a study has no value there, or several.
    """
    from pool import Effects
    from pool.regression import subgroups

    result = table.result
    effects = Effects(result.measure, result.studies, result.omitted, result.treated, result.control)
    groups = subgroups(effects, columns_of(table, [column])[column], result.method, result.test, result.level)
    lines = []
    for name, each in groups.groups:
        by = "" if each.test == result.test else f", by {each.test}"
        pooled = in_words(f"{column} {name} (k = {each.k}{by})", result, each.estimate, each.ci_lb, each.ci_ub)
        lines.append(f"{pooled}, I2 {each.i2:.0f} %")
    lines.append(f"difference of subgroups: Q {groups.q:.4g}, df {groups.q_df}, p {groups.q_p:.3g}")
    document = {"column": column, "groups": {name: each.to_dict() for name, each in groups.groups}}
    return Fitted(tuple(lines), {**document, "q": groups.q, "q_df": groups.q_df, "q_p": groups.q_p}, groups)


def fit_moderators(columns: Sequence[str], table: Table) -> Fitted:
    """A meta-regression on columns of the table: numbers as they are, words as a column of 0 and 1 for each but the first.

    Raises
    ------
    ValueError
        As `fit_subgroups` does, or if there are too few studies.
    """
    from pool.regression import meta_regression

    result = table.result
    named: dict[str, list[float]] = {}
    for column, cells in columns_of(table, columns).items():
        named |= _as_numbers(column, cells)
    yi, vi = [e.yi for e in result.studies], [e.vi for e in result.studies]
    rows = list(zip(*named.values(), strict=True))
    found = meta_regression(yi, vi, rows, list(named), method=result.method, test=result.test, level=result.level)
    return Fitted(tuple(_regression_lines(found, result)), {name: _plain(value) for name, value in asdict(found).items()})


def _regression_lines(found: RegressionResult, result: PooledResult) -> list[str]:
    log = "log " if result.is_ratio else ""
    lines = [
        f"{c.name}: {log}{result.measure} {c.estimate:.4g} [{c.ci_lb:.4g}, {c.ci_ub:.4g}], SE {c.se:.4g}, p {c.p:.3g}"
        for c in found.coefficients
    ]
    explained = "" if math.isnan(found.r2) else f", R2 {found.r2:.0f} %"
    name = "Q" if found.test == "z" else "F"
    moderators = f"all moderators: {name} {found.qm:.4g} on {found.qm_df}, p {found.qm_p:.3g}"
    left = f"left: Q {found.qe:.4g} on {found.qe_df}, p {found.qe_p:.3g}, tau2 {found.tau2:.4g}{explained}"
    return [*lines, moderators, left]


def _as_numbers(column: str, cells: Sequence[str]) -> dict[str, list[float]]:
    numbers = [value for value in map(_number_in, cells) if value is not None]
    if len(numbers) == len(cells):
        return {column: numbers}
    if numbers:
        word = next(cell for cell in cells if _number_in(cell) is None)
        message = f"expected numbers alone or words alone in {column!r}, found {word!r} among {len(numbers)} numbers"
        raise ValueError(message)
    first, *others = dict.fromkeys(cells)
    if not others:
        message = f"expected several values of {column!r}, found {first!r} alone"
        raise ValueError(message)
    return {f"{column} {other}": [float(cell == other) for cell in cells] for other in others}


def _number_in(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def columns_of(table: Table, names: Sequence[str]) -> dict[str, list[str]]:
    """What columns of the table say of each pooled effect, in the order of the effects.

    Raises
    ------
    ValueError
        If a column is not there, or a study has no value in it, or several.
    """
    with table.path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle, restval=""))
    header = _header(table.path)
    if missing := [name for name in names if name not in header]:
        message = f"{table.path}: expected a column {missing[0]!r}, found {', '.join(header)}"
        raise ValueError(message)
    if {"yi", "vi"} <= set(header):
        kept = [row for row in rows if _is_said(row["yi"]) and _is_said(row["vi"])]
        return {name: [_cell(table, row["study"], name, {row[name]}) for row in kept] for name in names}
    compared = [row for row in rows if row["arm"] in (table.treated, table.control)]
    studies = [_study(e) for e in table.result.studies]
    return {
        name: [_cell(table, study, name, {row[name] for row in compared if row["study"] == study}) for study in studies] for name in names
    }


def _cell(table: Table, study: str, name: str, values: set[str]) -> str:
    if len(values) != 1 or not _is_said(next(iter(values))):  # NA is no value
        message = f"{table.path}: expected one value of {name!r} for {study}, found {', '.join(sorted(map(repr, values)))}"
        raise ValueError(message)
    return next(iter(values))


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return next(csv.reader(handle), [])


def _study(effect: Effect) -> str:
    return effect.study if effect.treated is None else effect.treated.study


def _is_said(text: str) -> bool:
    return text.strip().lower() not in ("", "na", "nan")


def _is_known(value: Any) -> bool:
    return not (isinstance(value, float) and math.isnan(value))


def _said(value: Any) -> str:
    return " and ".join(f"{v:.4g}" for v in value) if isinstance(value, tuple) else f"{value:.4g}"


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else list(value) if isinstance(value, tuple) else value
