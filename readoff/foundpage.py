"""What was found on the pages of papers, what was left out and why, as one HTML page beside the records."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from digitize.flags import FLAGS

if TYPE_CHECKING:
    from digitize.record import FigureRecord, FoundRecord, PanelRecord

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>
body {{ font: 16px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
h1 {{ font-size: 1.6rem; }} h2 {{ margin-top: 2.5rem; overflow-wrap: anywhere; }} h2 small {{ font-size: .9rem; font-weight: normal; }}
section {{ display: flex; flex-wrap: wrap; gap: 1.5rem; border-top: 1px solid #ccc; padding: 1.2rem 0; align-items: flex-start; }}
section > div {{ flex: 1 1 24rem; min-width: 0; }} h3 {{ margin: 0 0 .6rem; }} .table {{ overflow-x: auto; margin-top: .8rem; }}
.crop {{ display: block; position: relative; overflow: hidden; border: 1px solid #ccc; }}
.crop img {{ position: absolute; max-width: none; }}
table {{ border-collapse: collapse; font-size: .9rem; }} q {{ background: #fff3c4; }} .says {{ margin: .8rem 0; padding-left: 1.2rem; }}
td, th {{ text-align: left; padding: .25rem .9rem .25rem 0; vertical-align: top; border-bottom: 1px solid #eee; }}
.number {{ text-align: right; }} .flag {{ color: #a34a00; cursor: help; white-space: nowrap; }} .refused {{ color: #b00020; }}
.failed {{ color: #b00020; }} .skipped {{ color: #666; }} summary {{ cursor: pointer; }}
</style></head><body>
<h1>{title}</h1>
<p>{count}. Click a picture for its whole page as read, point at a flag for what it means. Words of captions are quoted for you to judge:
nothing of them was applied.</p>
{body}
</body></html>
"""
FIGURE = """<section>{picture}<div><h3>Page {page}{label}</h3>
{caption}{says}{panels}</div></section>"""
PANELS = """<div class="table"><table><tr><th>panel</th><th>kind</th><th>series</th><th class="number">points</th><th>flags</th></tr>
{rows}</table></div>"""
CROP = """<a class="crop" href="{link}" style="width: {width:.1f}rem; max-width: 100%; aspect-ratio: {wide} / {high}">\
<img src="{link}" loading="lazy" alt="page {page} as read" style="width: {zoom:.2f}%; left: {left:.2f}%; top: {top:.2f}%"></a>"""
MOST_NAMED = 3  # files that the title names
WIDEST, TALLEST = 30.0, 30.0  # rem that the picture of a figure takes at most


@dataclass(frozen=True)
class Overlay:
    """The overlay of a page: the name of its file, and its width and height in px."""

    name: str
    size: tuple[int, int]


def as_page(records: Sequence[FigureRecord], overlays: Mapping[tuple[str, int], Overlay], failed: Sequence[str]) -> str:
    """The page.

    Parameters
    ----------
    records
        What was read, a record a file.
    overlays
        By file and page, its overlay beside the page.
    failed
        What could not be read, in words.
    """
    count = sum(len(r.panels) for r in records)
    words = f"{count} plot{'' if count == 1 else 's'} in {len(records)} file{'' if len(records) == 1 else 's'}"
    names = ", ".join(r.source.file for r in records) if len(records) <= MOST_NAMED else f"{len(records)} files"
    body = [_file(record, overlays) for record in records]
    body += [f'<p class="failed">{html.escape(cause)}</p>' for cause in failed]
    return PAGE.format(title=html.escape(f"What was found in {names}"), count=words, body="\n".join(body))


def _file(record: FigureRecord, overlays: Mapping[tuple[str, int], Overlay]) -> str:
    panels = {p.id: p for p in record.panels}
    found = [f for f in record.figures if f.panels]
    skipped = [f for f in record.figures if not f.panels]
    parts = [f"<h2>{html.escape(record.source.file)} <small>{_written(record)}</small></h2>"]
    parts += [_figure(f, [panels[i] for i in f.panels], overlays.get((record.source.file, f.page))) for f in found]
    if skipped:
        counted = Counter(map(_skipped, skipped))
        rows = "\n".join(f"<li>{said}{f' ({count} parts)' if count > 1 else ''}</li>" for said, count in counted.items())
        parts.append(f'<details class="skipped" open><summary>Left out</summary><ul>{rows}</ul></details>')
    empty = [number for number in record.source.pages if all(f.page != number for f in record.figures)]
    if empty:
        parts.append(f'<p class="skipped">Nothing but text: page{"" if len(empty) == 1 else "s"} {_runs(empty)}.</p>')
    return "\n".join(parts)


def _written(record: FigureRecord) -> str:
    """Links to the table and the record of a file."""
    stem = Path(record.source.file).stem
    return " ".join(f'<a href="{html.escape(quote(f"{stem}.{kind}"))}">{kind.upper()}</a>' for kind in ("csv", "json"))


def _figure(figure: FoundRecord, panels: Sequence[PanelRecord], overlay: Overlay | None) -> str:
    says = "\n".join(f"<li>{said}</li>" for said in _said(figure))
    return FIGURE.format(
        picture=_crop(figure, overlay) if overlay is not None else "",
        page=figure.page,
        label=f", {html.escape(figure.label)}" if figure.label else "",
        caption=f"<details><summary>Caption</summary>{html.escape(figure.caption)}</details>" if figure.caption else _unread(figure),
        says=f'<ul class="says">{says}</ul>' if says else "",
        panels=PANELS.format(rows="\n".join(map(_panel, panels))),
    )


def _crop(figure: FoundRecord, overlay: Overlay) -> str:
    """The part of a page's overlay that shows a figure."""
    x0, y0, x1, y1 = figure.bbox_px
    wide, high = max(1.0, x1 - x0), max(1.0, y1 - y0)
    return CROP.format(
        link=html.escape(quote(overlay.name)),
        page=figure.page,
        width=min(WIDEST, TALLEST * wide / high),
        wide=round(wide),
        high=round(high),
        zoom=100 * overlay.size[0] / wide,
        left=-100 * x0 / wide,
        top=-100 * y0 / high,
    )


def _said(figure: FoundRecord) -> list[str]:
    """What a caption says of error bars and n, sentence by sentence, with what it may mean before it."""
    sentences = dict.fromkeys(s.sentence for s in figure.says)
    quotes = {t: [f"<q>{html.escape(s.quote)}</q> ({html.escape(s.means)})" for s in figure.says if s.sentence == t] for t in sentences}
    return [f"{', '.join(quotes[text])}: {html.escape(text)}" for text in sentences]


def _unread(figure: FoundRecord) -> str:
    return f'<p class="skipped">{html.escape(figure.caption_unread)}</p>' if figure.caption_unread else ""


def _panel(panel: PanelRecord) -> str:
    flags = sorted({*panel.flags, *panel.x_axis.flags, *panel.y_axis.flags, *(f for s in panel.series for p in s.points for f in p.flags)})
    doubts = [f'<span class="flag" title="{html.escape(FLAGS.get(f, ""))}">{html.escape(f)}</span>' for f in flags]
    doubts += [f'<span class="refused">{html.escape(panel.refused)}</span>'] if panel.refused else []
    names, count = ", ".join(s.name for s in panel.series), sum(len(s.points) for s in panel.series)
    cells = "".join(f"<td>{html.escape(c)}</td>" for c in (panel.id, panel.kind, names))
    return f'<tr>{cells}<td class="number">{count}</td><td>{" ".join(doubts)}</td></tr>'


def _skipped(figure: FoundRecord) -> str:
    label = f" ({html.escape(figure.label)})" if figure.label else ""
    return f"page {figure.page}{label}: {html.escape(figure.skipped)}"


def _runs(numbers: Sequence[int]) -> str:
    """Page numbers as people write them: 2, 9-11."""
    starts = [0, *(k + 1 for k, (a, b) in enumerate(pairwise(numbers)) if b != a + 1), len(numbers)]
    runs = [(numbers[a], numbers[b - 1]) for a, b in pairwise(starts)]
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
