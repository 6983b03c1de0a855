"""Results for other programs: a table for RevMan, a script that reruns the analysis in R with metafor, a workbook."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pool.effect import Effect
from pool.model import GENERALISED, PooledResult

# metafor's names of our tests; the others are the same.
_R_TESTS = {"z": "z", "t": "t", "knha": "knha", "adhoc": "adhoc"}


def revman_csv(result: PooledResult, outcome: str = "Outcome") -> str:
    """A table that RevMan's import takes: one row a study; means where both arms have them, else the effect with its standard error."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if all(e.treated is not None and e.control is not None for e in result.studies):
        writer.writerow(["Comparison", "Outcome", "Study", "Mean 1", "SD 1", "Total 1", "Mean 2", "SD 2", "Total 2"])
        comparison = f"{result.treated or 'Treated'} versus {result.control or 'control'}"
        writer.writerows([comparison, outcome, e.study, *_arm(e, "treated"), *_arm(e, "control")] for e in result.studies)
    else:
        writer.writerow(["Outcome", "Study", "Effect", "SE"])
        writer.writerows([outcome, e.study, repr(e.yi), repr(e.vi**0.5)] for e in result.studies)
    return stream.getvalue()


def _arm(effect: Effect, side: str) -> list[object]:
    arm = getattr(effect, side)
    return [repr(arm.mean), repr(arm.sd), arm.n]


def metafor_script(result: PooledResult) -> str:
    """An R script that reruns the analysis with metafor and says what this program found, to be compared."""
    studies = ", ".join(_quoted(e.study) for e in result.studies)
    yi, vi = (", ".join(repr(getattr(e, name)) for e in result.studies) for name in ("yi", "vi"))
    test = _R_TESTS[result.test]
    weights = f", weights = c({', '.join(f'{w:.17g}' for w in result.weights)})" if result.method == GENERALISED else ""
    note = f"estimate {result.estimate:.10g} [{result.ci_lb:.10g}, {result.ci_ub:.10g}], tau2 {result.tau2:.10g}, Q {result.q:.10g}"
    return (
        "library(metafor)\n"
        f"dat <- data.frame(study = c({studies}),\n                  yi = c({yi}),\n                  vi = c({vi}))\n"
        f'res <- rma(yi, vi, data = dat, slab = study, method = "{result.method}", test = "{test}", '
        f"level = {100 * result.level:g}{weights},\n"
        "           control = list(threshold = 1e-10, maxiter = 1000))\n"
        "print(res, digits = 6)\npredict(res)\nconfint(res)\nforest(res)\n"
        f"# {result.measure}, as read here: {note}\n"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_workbook(result: PooledResult, path: str | Path) -> None:
    """Write an xlsx workbook: the studies with their arms, effects and weights, and the pooled result."""
    import pandas as pd

    from pool.effect import Effects

    studies = Effects(result.measure, result.studies, (), result.treated, result.control).to_frame().assign(weight=result.weights)
    pooled = pd.DataFrame([(k, v) for k, v in result.to_dict().items() if isinstance(v, int | float | str)], columns=["quantity", "value"])
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        studies.to_excel(book, sheet_name="studies", index=False)
        pooled.to_excel(book, sheet_name="pooled", index=False)
        for cell in (cell for sheet in book.book.worksheets for row in sheet.iter_rows() for cell in row if cell.data_type == "f"):
            cell.data_type = "s"  # a study called "=1+1" is a name, not a formula
