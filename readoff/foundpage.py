"""What was found on the pages of papers, what was left out and why, as one HTML page beside the records."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from digitize.record import FigureRecord, FoundRecord, PanelRecord

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 16px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
section {{ display: flex; gap: 1.2rem; border-top: 1px solid #ccc; padding: .8rem 0; align-items: flex-start; }}
section div {{ flex: 1; }} img {{ width: 15rem; border: 1px solid #ccc; }} table {{ border-collapse: collapse; font-size: .9rem; }}
td, th {{ text-align: left; padding: .1rem .9rem .1rem 0; vertical-align: top; }} q {{ background: #fff3c4; }}
.flag {{ color: #c25e00; }} .failed {{ color: #b00020; }} .skipped {{ color: #666; }} summary {{ cursor: pointer; }}
</style></head><body>
<h1>{title}</h1>
<p>{count}. Words of captions are quoted for you to judge: nothing of them was applied.</p>
{body}
</body></html>
"""
FIGURE = """<section>{picture}<div><h3>Page {page}{label}</h3>
{caption}{says}{panels}</div></section>"""
PANELS = """<table><tr><th>panel</th><th>kind</th><th>series</th><th>points</th><th>flags</th></tr>
{rows}</table>"""


def as_page(records: Sequence[FigureRecord], overlays: Mapping[tuple[str, int], str], failed: Sequence[str]) -> str:
    """The page.

    Parameters
    ----------
    records
        What was read, a record a file.
    overlays
        By file and page, the name of its overlay beside the page.
    failed
        What could not be read, in words.
    """
    count = sum(len(r.panels) for r in records)
    words = f"{count} plot{'' if count == 1 else 's'} in {len(records)} file{'' if len(records) == 1 else 's'}"
    names = ", ".join(r.source.file for r in records)
    body = [_file(record, overlays) for record in records]
    body += [f'<p class="failed">{html.escape(cause)}</p>' for cause in failed]
    return PAGE.format(title=html.escape(f"What was found in {names}"), count=words, body="\n".join(body))


def _file(record: FigureRecord, overlays: Mapping[tuple[str, int], str]) -> str:
    panels = {p.id: p for p in record.panels}
    found = [f for f in record.figures if f.panels]
    skipped = [f for f in record.figures if not f.panels]
    parts = [f"<h2>{html.escape(record.source.file)}</h2>"]
    parts += [_figure(f, [panels[i] for i in f.panels], overlays.get((record.source.file, f.page), "")) for f in found]
    if skipped:
        rows = "\n".join(f"<li>{_skipped(f)}</li>" for f in skipped)
        parts.append(f'<details class="skipped" open><summary>Left out</summary><ul>{rows}</ul></details>')
    empty = [number for number in record.source.pages if all(f.page != number for f in record.figures)]
    if empty:
        parts.append(f'<p class="skipped">Nothing but text: page{"" if len(empty) == 1 else "s"} {_runs(empty)}.</p>')
    return "\n".join(parts)


def _figure(figure: FoundRecord, panels: Sequence[PanelRecord], overlay: str) -> str:
    link = html.escape(quote(overlay))
    picture = f'<a href="{link}"><img src="{link}" loading="lazy" alt="overlay of page {figure.page}"></a>' if overlay else ""
    quotes = "; ".join(f"<q>{html.escape(s.quote)}</q> ({html.escape(s.means)}): {html.escape(s.sentence)}" for s in figure.says)
    return FIGURE.format(
        picture=picture,
        page=figure.page,
        label=f", {html.escape(figure.label)}" if figure.label else "",
        caption=f"<details><summary>Caption</summary>{html.escape(figure.caption)}</details>" if figure.caption else _unread(figure),
        says=f"<p>{quotes}</p>" if quotes else "",
        panels=PANELS.format(rows="\n".join(map(_panel, panels))),
    )


def _unread(figure: FoundRecord) -> str:
    return f'<p class="skipped">{html.escape(figure.caption_unread)}</p>' if figure.caption_unread else ""


def _panel(panel: PanelRecord) -> str:
    flags = sorted({*panel.flags, *panel.x_axis.flags, *panel.y_axis.flags, *(f for s in panel.series for p in s.points for f in p.flags)})
    doubts = " ".join(filter(None, [*flags, panel.refused]))
    cells = (panel.id, panel.kind, ", ".join(s.name for s in panel.series), str(sum(len(s.points) for s in panel.series)))
    return "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + f'<td class="flag">{html.escape(doubts)}</td></tr>'


def _skipped(figure: FoundRecord) -> str:
    label = f" ({html.escape(figure.label)})" if figure.label else ""
    return f"page {figure.page}{label}: {html.escape(figure.skipped)}"


def _runs(numbers: Sequence[int]) -> str:
    """Page numbers as people write them: 2, 9-11."""
    starts = [0, *(k + 1 for k, (a, b) in enumerate(pairwise(numbers)) if b != a + 1), len(numbers)]
    runs = [(numbers[a], numbers[b - 1]) for a, b in pairwise(starts)]
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
