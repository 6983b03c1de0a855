"""The running text of a page: its own texts as rows, rows as blocks, and which of them are captions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from digitize.vector.paths import Box, TextSpan

LABEL = re.compile(
    r"(?P<label>(?:(?:Supplementary|Supplemental|Appendix|Additional)\s+)?(?:Figure|FIGURE|Fig\.?|FIG\.?|Table|TABLE)\s*[A-Z]?\d+[a-zA-Z]?)"
    r"(?=\s*(?:$|[.:|,(–—]|[A-Z0-9]))"
)
"""How a caption starts; `Figure 2 shows that` does not."""

PITCH = 1.8  # font sizes from one row of a block to the next
LEVEL, RAISED = 0.35, 0.6  # font sizes by which the middles of what stands in one row may differ, where sizes are alike and where not
WORD_SPACE = 0.12  # font sizes between the words of a row
GUTTER = 1.5  # font sizes that no word space reaches
SAME_SIZE = 0.08
ROW_CHARS, SHORT_ROW_CHARS = 42, 30  # mean length of the rows of a paragraph of two rows, of three or more
SOFT_HYPHEN = "\x02\xad"


@dataclass(frozen=True)
class Row:
    """A row of text of one block: what it says, its box in px and its font size in px."""

    text: str
    box: Box
    size: float


@dataclass(frozen=True)
class Block:
    """Rows under one another that belong together."""

    rows: tuple[Row, ...]

    @property
    def box(self) -> Box:
        """Extent in px."""
        return hull([row.box for row in self.rows])

    @property
    def size(self) -> float:
        """Font size in px."""
        return self.rows[0].size

    @property
    def label(self) -> str:
        """What a caption starts with (`Figure 2`); empty where this is no caption."""
        match = LABEL.match(self.rows[0].text)
        return " ".join(match["label"].split()) if match else ""

    @property
    def text(self) -> str:
        """All that it says, words that are parted at the end of a row made whole."""
        said = ""
        for row in self.rows:
            said = said.rstrip(SOFT_HYPHEN) + row.text if said.endswith(tuple(SOFT_HYPHEN)) else f"{said} {row.text}"
        return " ".join(said.translate(dict.fromkeys(map(ord, SOFT_HYPHEN))).split())

    @property
    def is_paragraph(self) -> bool:
        """Whether the rows are as long as those of running text; the last one may be short."""
        full = [len(row.text) for row in self.rows[:-1]]
        return bool(full) and sum(full) / len(full) >= (ROW_CHARS if len(full) == 1 else SHORT_ROW_CHARS)


def hull(boxes: Sequence[Box]) -> Box:
    """The box around boxes."""
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def find_blocks(spans: Sequence[TextSpan]) -> tuple[Block, ...]:
    """The upright texts of a page as blocks of rows, top to bottom; a caption starts a block of its own."""
    blocks: list[list[Row]] = []
    for row in sorted(_rows([s for s in spans if abs(s.degrees) < 1]), key=lambda r: r.box[1]):
        own = next((b for b in reversed(blocks) if _goes_on(b, row)), None)
        if own is None:
            blocks.append([row])
        else:
            own.append(row)
    return tuple(Block(tuple(rows)) for rows in blocks)


def _rows(spans: Sequence[TextSpan]) -> list[Row]:
    """Spans beside one another, no farther apart than words are, as rows; sub- and superscripts belong to them."""
    rows: list[list[TextSpan]] = []
    for span in sorted(spans, key=lambda s: s.box[0]):
        own = next((row for row in reversed(rows) if _is_next(row, span)), None)
        if own is None:
            rows.append([span])
        else:
            own.append(span)
    return [_row(row) for row in rows]


def _is_next(row: Sequence[TextSpan], span: TextSpan) -> bool:
    base = max(row, key=lambda s: s.size)
    size = max(base.size, span.size)
    gap = span.box[0] - max(s.box[2] for s in row)
    # A raised or lowered sign may stand half a size off the middle of what it belongs to.
    level = LEVEL if abs(base.size - span.size) < SAME_SIZE * size else RAISED
    return -0.5 * size < gap < GUTTER * size and abs(_middle(span.box) - _middle(base.box)) < level * size


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2


def _row(spans: Sequence[TextSpan]) -> Row:
    said = spans[0].text
    for last, span in pairwise(spans):
        said += (" " if span.box[0] - last.box[2] > WORD_SPACE * max(last.size, span.size) else "") + span.text
    return Row(said, hull([s.box for s in spans]), max(spans, key=lambda s: len(s.text)).size)


def _goes_on(block: Sequence[Row], row: Row) -> bool:
    """Whether a row belongs under the last one of a block."""
    last = block[-1]
    shared = min(last.box[2], row.box[2]) - max(last.box[0], row.box[0])
    pitch = _middle(row.box) - _middle(last.box)
    if abs(row.size - last.size) > SAME_SIZE * last.size or not 0 < pitch < PITCH * row.size:
        return False
    if shared < 0.5 * min(last.box[2] - last.box[0], row.box[2] - row.box[0]):
        return False
    usual = min((_middle(b.box) - _middle(a.box) for a, b in pairwise(block)), default=1.2 * row.size)
    return LABEL.match(row.text) is None or (pitch < 1.2 * usual and len(last.text) >= SHORT_ROW_CHARS)
