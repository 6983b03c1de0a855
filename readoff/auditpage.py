"""The findings of an audit as one HTML page, each with its arithmetic to unfold."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extract.audit import Finding

COLORS = {"impossible": "#b00020", "improbable": "#c25e00", "unusual": "#8a6d00", "note": "#355c7d", "pass": "#2e7d32"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 16px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
details {{ border-left: 4px solid; margin: .6rem 0; padding: .2rem .8rem; background: #fafafa; }}
summary {{ cursor: pointer; }} b {{ text-transform: uppercase; font-size: .75rem; letter-spacing: .05em; }}
code {{ white-space: pre-wrap; }}
</style></head><body>
<h1>{title}</h1>
<p>{count}. A finding is a reason to look at the source again, never an accusation.</p>
{rows}
</body></html>
"""
ROW = """<details style="border-color: {color}"{is_open}><summary><b style="color: {color}">{severity}</b> {where}: {finding}</summary>
<p><code>{arithmetic}</code></p><p>{remedy}</p></details>"""


def as_page(findings: Sequence[Finding], title: str) -> str:
    """The findings as one HTML page, those that are no passes open."""
    grave = sum(f.severity not in ("pass", "note") for f in findings)
    rows = [
        ROW.format(
            color=COLORS[f.severity], is_open="" if f.severity == "pass" else " open",
            **{name: html.escape(text) for name, text in f.to_dict().items() if name != "check"},
        )
        for f in findings
    ]  # fmt: skip
    return PAGE.format(title=html.escape(title), count=f"{grave} of {len(findings)} checks ask for a look", rows="\n".join(rows))
