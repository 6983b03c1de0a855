"""A whole file: its pages read, its record, its overlays, and what is written of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration import AxisCalibration
from digitize.captions import said_in
from digitize.given import GivenAxis
from digitize.kinds import READ_KINDS
from digitize.overlay import draw_overlay
from digitize.page import Page, UnreadableFile, read_pages, sha256
from digitize.pictured import parts_of
from digitize.read import ReadPanel, read_image
from digitize.record import FigureRecord, FoundRecord, PanelRecord, SaidRecord, SourceRecord
from digitize.regions import Layout, Region, find_regions
from digitize.tickplot import draw_residuals

NO_AXES = "no y axis with 2 tick labels could be read"
NO_TEXT = "the page is a picture without a text layer: no caption could be read"


class NoPlotFound(ValueError):
    """No page of a file shows a plot whose axes can be read."""


@dataclass(frozen=True)
class Reading:
    """What was read off a file: its record, for each page with a plot the overlay (h, w, 3) uint8 RGB, and the numeric axes by name.

    `failed` says in words what of it could not be opened.
    """

    record: FigureRecord
    overlays: Mapping[int, NDArray[np.uint8]]
    axes: Mapping[str, AxisCalibration] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def overlay_names(self) -> dict[int, str]:
        """Names of the files that the overlays are written to, by page: that of the first one is the file's own."""
        stem = Path(self.record.source.file).stem
        return {page: f"{stem}.png" if k == 0 else f"{stem}-p{page}.png" for k, page in enumerate(sorted(self.overlays))}

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
        for page, overlay in sorted(self.overlays.items()):
            path = out_dir / self.overlay_names[page]
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
    path: str | Path,
    *,
    pages: Sequence[int] | None = None,
    calibrate: Sequence[GivenAxis] = (),
    kind: str | None = None,
    at: Sequence[float] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Reading:
    """Read every plot in a file.

    On the pages of a paper what is drawn is told from running text and tables, and read figure by figure, each with its caption.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, TIFF, PDF or SVG.
    pages : sequence of int, optional
        Pages to read, counted from 1; all by default.
    calibrate : sequence of GivenAxis, optional
        Axes given by hand; they replace what is read.
    kind : str, optional
        The kind of plot, where it is known; else the picture decides.
    at : sequence of float, optional
        The x, in units of the axis, at which the curves of line plots are read; without it their ticks, ends and bends are given.
    tell : callable, optional
        Is told in words which page is being read, where there are several.

    Raises
    ------
    UnreadableFile
        If the file cannot be opened as what it says it is.
    NoPlotFound
        If no page shows a plot with a numeric y axis; the message says what is missing.
    ValueError
        If `kind` is no kind that is read, or `at` holds no number or one that is not finite.
    """
    _require_readable(kind, at)
    file = Path(path)
    found = _Found()
    try:
        for page in read_pages(file, pages):
            tell(f"page {page.number}, {page.left} to follow" if page.left or found.seen else "")
            found.add(page, _layout(page, whole=bool(calibrate)), calibrate, kind, at)
    except UnreadableFile as error:
        if not found.panels:
            raise
        found.failed.append(str(error))
    if not found.panels:
        raise NoPlotFound(_nothing_found(file, found))
    source = SourceRecord(file=file.name, sha256=sha256(file), pages=tuple(found.seen))
    record = FigureRecord(source=source, panels=tuple(found.panels), figures=tuple(found.figures))
    return Reading(record, found.overlays, found.axes, tuple(found.failed))


def _require_readable(kind: str | None, at: Sequence[float] | None) -> None:
    if kind is not None and kind not in READ_KINDS:
        message = f"expected one of {', '.join(READ_KINDS)}, found {kind!r}"
        raise ValueError(message)
    if at is not None and (len(at) == 0 or not np.isfinite(np.asarray(at, dtype=float)).all()):
        message = f"expected one finite x or more to read curves at, found {list(at)}"
        raise ValueError(message)


def _layout(page: Page, *, whole: bool) -> Layout:
    height, width = page.image.shape[:2]
    return Layout((Region((0, 0, width - 1, height - 1)),)) if whole else find_regions(page)


@dataclass
class _Found:
    """What was read so far."""

    panels: list[PanelRecord] = field(default_factory=list)
    figures: list[FoundRecord] = field(default_factory=list)
    overlays: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    axes: dict[str, AxisCalibration] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, page: Page, layout: Layout, calibrate: Sequence[GivenAxis], kind: str | None, at: Sequence[float] | None) -> None:
        """Read the figures of a page."""
        self.seen.append(page.number)
        own: list[PanelRecord] = []
        for region in layout.regions:
            read: list[ReadPanel] = []
            for part in () if region.skipped else parts_of(page, region, layout.prose):
                whole, first = part.to_page, len(own) + len(read)
                said: dict[str, Any] = {"calibrate": calibrate, "kind": kind, "at": at}
                read += read_image(part.image, page.number, drawing=part.drawing, to_page=whole, first=first, **said)
            caption = region.caption.text if region.caption is not None else ""
            records = [p.record.model_copy(update={"caption": caption}) for p in read]
            self.figures.append(_figure(page, region, records))
            self.axes |= {f"{p.record.id} {name}": axis for p in read for name, axis in p.panel.calibrations.items()}
            own += records
        if own:
            self.panels += own
            self.overlays[page.number] = draw_overlay(page.image, own)


def _figure(page: Page, region: Region, panels: Sequence[PanelRecord]) -> FoundRecord:
    caption = region.caption.text if region.caption is not None else ""
    x0, y0, x1, y1 = region.box
    return FoundRecord(
        page=page.number,
        bbox_px=(x0, y0, x1, y1),
        label=region.caption.label if region.caption is not None else "",
        caption=caption,
        says=tuple(SaidRecord(means=s.means, quote=s.quote, sentence=s.sentence) for s in said_in(caption)),
        panels=tuple(p.id for p in panels),
        skipped=region.skipped or ("" if panels else NO_AXES),
        caption_unread=NO_TEXT if page.scale is not None and page.drawing.images and not page.drawing.texts else "",
    )


def _nothing_found(file: Path, found: _Found) -> str:
    where = f"page {found.seen[0]}" if len(found.seen) == 1 else f"{len(found.seen)} pages"
    reasons = Counter(figure.skipped for figure in found.figures if figure.skipped != NO_AXES)
    others = "".join(f"; {count} left out: {reason}" for reason, count in sorted(reasons.items()))
    return f"{file}: no plot found on {where}: {NO_AXES} (--calibrate takes ticks by hand){others}"
