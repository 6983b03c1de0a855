"""``readoff extract`` on the record of survival curves: individual times, and the hazard ratio of two arms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from readoff.console import new_table, print_table, say_failed, shown
from readoff.outputs import write_text

if TYPE_CHECKING:
    from extract.survival import HazardRatio, Reconstruction


@dataclass(frozen=True)
class Asked:
    """What a person said: the table of numbers at risk, None for those in the figure; the arms to compare, the study, the panel."""

    at_risk: Path | None
    treated: str | None
    control: str | None
    study: str | None
    panel: str | None


def extract_survival(path: Path, asked: Asked, out: Path | None, *, as_json: bool) -> None:
    """Write the individual times of each arm, and effects.csv with the hazard ratio where two arms are named."""
    from digitize.record import read_record
    from extract.survival import at_risk_from_record, curves_from_record, hazard_ratio_from_curves, read_at_risk, reconstruct

    try:
        record = read_record(path)
        curves = curves_from_record(record, asked.panel)
        risks = read_at_risk(asked.at_risk) if asked.at_risk is not None else at_risk_from_record(record, asked.panel)
        _refuse_unknown(risks, curves, "numbers at risk of")
        arms = {name: reconstruct(curves[name], risk) for name, risk in risks.items()}
        ratio = None
        if asked.treated and asked.control:
            _refuse_unknown((asked.treated, asked.control), risks, "the comparison of")
            treated, control = ((curves[name], risks[name]) for name in (asked.treated, asked.control))
            ratio = hazard_ratio_from_curves(treated, control)
    except (ValueError, OSError) as error:
        say_failed("extract", path, error)
        raise typer.Exit(1) from error
    out = out or Path("effects.csv")
    times = out.with_name(f"{out.stem}_individuals.csv")
    write_text(times, _individuals_csv(arms))
    if ratio is not None:
        study = asked.study or path.stem
        write_text(out, f"study,measure,yi,vi,vi_reading\n{study},HR,{ratio.log!r},{ratio.se**2!r},{ratio.u_log**2!r}\n")
    _say(arms, ratio, [times] if ratio is None else [times, out], as_json=as_json)


def _refuse_unknown(names: Mapping[str, object] | tuple[str, ...], known: Mapping[str, object], what: str) -> None:
    missing = [name for name in names if name not in known]
    if missing:
        message = f"expected arms among {', '.join(map(repr, known))}, found {what} {', '.join(map(repr, missing))}"
        raise ValueError(message)


def _individuals_csv(arms: Mapping[str, Reconstruction]) -> str:
    rows = [
        f"{name},{time!r},{int(event)}"
        for name, arm in arms.items()
        for time, event in zip(arm.individuals.time.tolist(), arm.individuals.event.tolist(), strict=True)
    ]
    return "\n".join(["arm,time,event", *rows]) + "\n"


def _say(arms: Mapping[str, Reconstruction], ratio: HazardRatio | None, written: list[Path], *, as_json: bool) -> None:
    from extract.survival import median_survival

    rows = [
        {
            "arm": name,
            "n": arm.individuals.n,
            "events": arm.individuals.n_events,
            "median": median_survival(arm.individuals)[0],
            "unmatched": arm.unmatched,
            "drift": arm.drift,
        }
        for name, arm in arms.items()
    ]
    if as_json:
        said = [{key: None if value != value else value for key, value in row.items()} for row in rows]
        effect = None if ratio is None else {"measure": "HR", "log": ratio.log, "se": ratio.se, "u_log": ratio.u_log}
        typer.echo(json.dumps({"arms": said, "effect": effect, "written": [str(path) for path in written]}, indent=1))
        return
    table = new_table("arm", "n", "events", "median", "at risk missed by", "curve missed by")
    for row in rows:
        table.add_row(str(row.pop("arm")), *(shown(float(str(cell))) for cell in row.values()))
    print_table(table)
    if ratio is not None:
        hr, low, high = ratio.interval()
        typer.echo(f"hazard ratio {hr:.3g} [{low:.3g}, {high:.3g}] (Cox, Efron), reading {ratio.u_log:.2g} of log HR")
    typer.echo("wrote " + ", ".join(str(path) for path in written))
