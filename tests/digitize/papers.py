"""Pages as papers have them, drawn with every number known: running text in columns, figures with captions, tables, a logo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

WORDS = ("the mean", "change of", "pain was", "smaller in", "patients who", "had been", "given the", "active drug", "than in", "both")
X = (0.0, 2.0, 4.0, 6.0, 8.0)
UPPER, LOWER = (7.0, 6.2, 5.1, 4.4, 4.9), (3.0, 2.2, 2.6, 1.8, 1.5)
CAPTION = (
    "Figure 2 Pain after the operation. Means of the two groups at five visits; error bars are",
    "mean ± SEM, n = 12 per group. Both groups were alike at baseline.",
)


def paragraph(figure: Figure, x: float, y: float, rows: int, *, chars: int = 60, start: str = "") -> None:
    """Rows of running text downwards from (x, y), in shares of the page."""
    said = start
    for k in range(rows):
        while len(said) < chars:
            said += WORDS[(len(said) + 7 * k) % len(WORDS)] + " "
        figure.text(x, y - 0.013 * k, said[:chars].strip(), fontsize=7.5)
        said = said[chars:]


def plot(figure: Figure, box: Sequence[float], y: Sequence[float] = UPPER) -> None:
    """Five markers with error bars of 0.8 on axes of 0 to 10."""
    axes = figure.add_axes((box[0], box[1], box[2], box[3]))
    axes.errorbar(X, y, yerr=0.8, fmt="o-", color="black", capsize=3, ms=5)
    axes.set(xlim=(-1, 9), ylim=(0, 10), xticks=X, yticks=range(0, 11, 2))
    axes.tick_params(labelsize=8)


def table(figure: Figure, y: float) -> None:
    """A table of numbers with rules above and below."""
    figure.text(0.1, y, "Table 1 Numbers of patients at every visit in both groups of the study", fontsize=7.5)
    for rule in (y - 0.01, y - 0.03, y - 0.13):
        figure.add_artist(mpl.lines.Line2D([0.1, 0.9], [rule, rule], color="black", lw=0.8))
    for row in range(6):
        for column in range(7):
            figure.text(0.12 + 0.11 * column, y - 0.024 - 0.017 * row, str(10 * row + 20 * column), fontsize=7)


def page(*, framed: bool = False, panels: int = 2) -> Figure:
    """A page with text, one figure of panels above one another under which its caption stands, a table and a logo."""
    figure = Figure(figsize=(8.27, 11.69))
    figure.add_artist(Rectangle((0.8, 0.95), 0.1, 0.02, facecolor="teal"))
    paragraph(figure, 0.1, 0.93, 8)
    paragraph(figure, 0.52, 0.93, 8)
    for k, y in enumerate((UPPER, LOWER)[:panels]):
        plot(figure, (0.2, 0.62 - 0.2 * k, 0.5, 0.16), y)
    for k, row in enumerate(CAPTION):
        figure.text(0.1, 0.375 - 0.013 * k, row, fontsize=7)
    if framed:
        figure.add_artist(Rectangle((0.08, 0.35), 0.84, 0.45, fill=False, lw=0.7))
    paragraph(figure, 0.1, 0.32, 5, chars=120)
    table(figure, 0.22)
    return figure


def paper(path: Path, figures: Sequence[Figure]) -> Path:
    """The pages as one PDF."""
    with mpl.rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans"}), PdfPages(path) as pages:
        for figure in figures:
            pages.savefig(figure)
    return path
