"""A whole file: its pages read, its record, its overlays, and what is written of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration
from digitize.given import GivenAxis
from digitize.overlay import draw_overlay
from digitize.page import read_pages, sha256
from digitize.read import read_image
from digitize.record import FigureRecord, PanelRecord, SourceRecord
from digitize.tickplot import draw_residuals


class NoPlotFound(ValueError):
    """No page of a file shows a plot whose axes can be read."""


@dataclass(frozen=True)
class Reading:
    """What was read off a file: its record, for each page with a plot the overlay (h, w, 3) uint8 RGB, and the numeric axes by name."""

    record: FigureRecord
    overlays: Mapping[int, NDArray[np.uint8]]
    axes: Mapping[str, AxisCalibration] = field(default_factory=dict)

    def save(self, out_dir: Path) -> tuple[Path, ...]:
        """Write record (JSON), points (CSV) and overlays (PNG) into an existing folder and return their paths."""
        import PIL.Image

        stem = Path(self.record.source.file).stem
        if (out_dir / self.record.source.file).exists() and Path(self.record.source.file).suffix.lower() == ".png":
            message = f"{out_dir / self.record.source.file}: the overlay would overwrite a figure of this name; choose another folder"
            raise ValueError(message)
        record, table = out_dir / f"{stem}.json", out_dir / f"{stem}.csv"
        record.write_text(self.record.to_json() + "\n", encoding="utf-8")
        self.record.to_frame().to_csv(table, index=False)
        written = [record, table]
        for k, (page, overlay) in enumerate(sorted(self.overlays.items())):
            path = out_dir / (f"{stem}.png" if k == 0 else f"{stem}-p{page}.png")
            PIL.Image.fromarray(overlay).save(path)
            written.append(path)
        return tuple(written)

    def save_residuals(self, out_dir: Path) -> Path:
        """Write how far each tick lies from its fitted axis, a plot an axis, as `NAME.ticks.png` into an existing folder."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.0, 3.0 * max(1, len(self.axes))), layout="constrained")
        FigureCanvasAgg(figure)
        for k, (name, axis) in enumerate(self.axes.items(), start=1):
            ax = draw_residuals(axis, figure.add_subplot(len(self.axes), 1, k))
            ax.set_title(f"{name}: {ax.get_title()}", fontsize=10)
        path = out_dir / f"{Path(self.record.source.file).stem}.ticks.png"
        figure.savefig(path, dpi=100)
        return path


def digitize_file(
    path: str | Path, *, pages: Sequence[int] | None = None, calibrate: Sequence[GivenAxis] = (), kind: str | None = None
) -> Reading:
    """Read every plot in a file.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, TIFF or PDF.
    pages : sequence of int, optional
        Pages to read, counted from 1; all by default.
    calibrate : sequence of GivenAxis, optional
        Axes given by hand; they replace what is read.
    kind : str, optional
        The kind of plot, where it is known; else the picture decides.

    Raises
    ------
    UnreadableFile
        If the file cannot be opened as what it says it is.
    NoPlotFound
        If no page shows a plot with a numeric y axis; the message says what is missing.
    """
    file = Path(path)
    panels: list[PanelRecord] = []
    overlays: dict[int, NDArray[np.uint8]] = {}
    axes: dict[str, AxisCalibration] = {}
    seen = []
    for page in read_pages(file, pages):
        seen.append(page.number)
        read = read_image(page.image, page.number, calibrate=calibrate, kind=kind, drawing=page.drawing)
        if read:
            panels += [p.record for p in read]
            axes |= {f"{p.record.id} {name}": axis for p in read for name, axis in p.panel.calibrations.items()}
            overlays[page.number] = draw_overlay(page.image, [p.record for p in read])
    if not panels:
        where = f"page {seen[0]}" if len(seen) == 1 else f"{len(seen)} pages"
        message = f"{file}: no plot found on {where}: no y axis with 2 tick labels could be read (--calibrate takes ticks by hand)"
        raise NoPlotFound(message)
    source = SourceRecord(file=file.name, sha256=sha256(file), pages=tuple(seen))
    return Reading(FigureRecord(source=source, panels=tuple(panels)), overlays, axes)
