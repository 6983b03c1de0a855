"""Saving a picture: the same picture gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("png", "svg", "pdf")
# No random identifiers; a dollar sign in a name is a dollar sign, not the start of a formula.
SETTINGS: dict[Any, Any] = {"svg.hashsalt": "readoff", "text.parse_math": False}


def save(
    draw: Callable[[Axes], object],
    path: str | Path,
    formats: Sequence[str] = ("png", "svg"),
    *,
    size_in: tuple[float, float] = (6.4, 4.8),
    dpi: int = 200,
) -> tuple[Path, ...]:
    """Draw on a new Axes and write it to `path` with each format's suffix added; returns the files.

    Parameters
    ----------
    draw
        Draws on the Axes that it is given, as `lambda ax: funnel(result, ax)`.
    path
        Without suffix.
    formats
        Of png, svg and pdf; none holds a date.
    size_in, dpi
        Size of the picture in inches, and its resolution as PNG.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    files = []
    with rc_context(SETTINGS):
        figure = Figure(figsize=size_in, facecolor="white", layout="constrained")
        draw(figure.add_subplot())
        for suffix in formats:
            file = Path(f"{path}.{suffix}")
            figure.savefig(file, dpi=dpi, bbox_inches="tight", pad_inches=0.08, metadata=undated(suffix))
            files.append(file)
    return tuple(files)


def undated(suffix: str) -> dict[str, None] | None:
    """Metadata that leave the date out of a file of this format."""
    return {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix)
