"""One figure in four media gives one table: its PDF, that rendered at 300 dpi, another renderer's pixels, and a bad scan of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import PIL.Image
import pypdfium2 as pdfium
import pytest
from matplotlib.figure import Figure

from digitize.file import digitize_file
from digitize.record import PointRecord

FAR = 4.0
"""Combined uncertainties from which on two readings contradict each other: of the 600 values compared here none should by chance."""
USUAL = 0.9
"""Share of values within 1.96 of their combined uncertainty; 95 % are expected, but the values of one figure share its axis's error."""
VALUES = ("x", "y", "y_lo", "y_hi")


def error_bars(r: np.random.Generator, figure: Figure) -> None:
    n = int(r.integers(4, 8))
    axes = figure.add_axes((0.16, 0.17, 0.8, 0.78))
    y, e = r.uniform(25, 75, n), r.uniform(6, 20, n)
    axes.errorbar(2.0 * np.arange(n), y, yerr=e, fmt=str(r.choice(["o-", "s", "D-"])), color="black", capsize=3, ms=6)
    axes.set(xlim=(-1, 2 * n - 1))


def bars(r: np.random.Generator, figure: Figure) -> None:
    n = int(r.integers(3, 6))
    axes = figure.add_axes((0.16, 0.17, 0.8, 0.78))
    names = ["Placebo", "Low", "Middle", "High", "Other"][:n]
    axes.bar(names, r.uniform(25, 70, n), yerr=r.uniform(6, 20, n), color="0.6", edgecolor="black", capsize=4, width=0.6)


def scatter(r: np.random.Generator, figure: Figure) -> None:
    axes = figure.add_axes((0.16, 0.17, 0.8, 0.78))
    cells = r.permutation(36)[:20]  # on a grid, so that none hides another
    axes.plot(1 + 1.5 * (cells % 6) + r.uniform(0, 1, 20), 10 + 15 * (cells // 6) + r.uniform(0, 9, 20), "o", color="tab:blue", ms=5)
    axes.set(xlim=(0, 11))


KINDS = {"errorbar": error_bars, "bar": bars, "scatter": scatter}


def drawn(kind: str, seed: int, folder: Path, degrees: float | None = None) -> dict[str, Path]:
    """The figure in its four media; the scan is turned by so many degrees."""
    paths = {name: folder / f"{kind}-{name}.{'pdf' if name == 'paths' else 'png'}" for name in ("paths", "rendered", "agg", "scan")}
    with mpl.rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans"}):
        r = np.random.default_rng(seed)
        figure = Figure(figsize=(r.uniform(3.6, 5), r.uniform(2.8, 3.6)))
        KINDS[kind](r, figure)
        (axes,) = figure.axes
        axes.set(ylim=(0, 100), yticks=range(0, 101, 20), xlabel="Weeks", ylabel="Pain score")
        figure.savefig(paths["paths"])
        figure.savefig(paths["agg"], dpi=300)
    document = pdfium.PdfDocument(paths["paths"])
    gray = np.asarray(document[0].render(scale=300 / 72).to_pil().convert("L"))
    document.close()
    PIL.Image.fromarray(gray).save(paths["rendered"])
    scanned(gray, r, degrees).save(paths["scan"])
    return paths


def scanned(
    gray: np.ndarray[tuple[int, int], np.dtype[np.uint8]], r: np.random.Generator, degrees: float | None = None
) -> PIL.Image.Image:
    """A turned, noisy, speckled photocopy in black and white."""
    height, width = gray.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(r.uniform(-0.8, 0.8)) if degrees is None else degrees, 1.0)
    turned = cv2.warpAffine(gray, turn, (width, height), borderValue=(255,), flags=cv2.INTER_CUBIC)
    black = turned + r.normal(0, 18, gray.shape) < 128
    for y, x in zip(r.integers(0, height, 40), r.integers(0, width, 40), strict=True):
        black[y : y + 2, x : x + 2] = True
    return PIL.Image.fromarray(np.where(black, 0, 255).astype(np.uint8)).convert("1")


def table(path: Path) -> tuple[list[PointRecord], set[str]]:
    """The points of a figure, and the flags of its panel."""
    (panel,) = digitize_file(path).record.panels
    return [p for series in panel.series for p in series.points], set(panel.flags)


def partners(own: list[PointRecord], other: list[PointRecord]) -> Iterator[tuple[PointRecord, PointRecord]]:
    """Each point of one table with that of the other which stands nearest to it: all media have 300 dots to the inch."""
    for point in own:
        yield point, min(other, key=lambda p: math.dist(p.px, point.px))


def off(a: PointRecord, b: PointRecord) -> list[float]:
    """How far the values of two points lie apart, in their combined uncertainties."""
    found = []
    for name in VALUES:
        values, errors = [getattr(p, name) for p in (a, b)], [getattr(p, f"u_{name}") for p in (a, b)]
        if all(isinstance(v, float) for v in (*values, *errors)):
            found.append(abs(values[0] - values[1]) / math.hypot(*errors))
    return found


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_four_media_give_one_table_within_their_uncertainties(tmp_path: Path, kind: str) -> None:
    compared: list[float] = []
    for seed in (1, 2):
        paths = drawn(kind, seed, tmp_path)
        exact, _ = table(paths["paths"])
        for medium in ("rendered", "agg", "scan"):
            read, flags = table(paths[medium])
            # Grey bars turn to specks in black and white: one that is lost for it must be missed.
            assert len(read) == len(exact) or (medium == "scan" and "bar_missing" in flags), (medium, seed)
            for a, b in partners(read, exact):
                apart = off(a, b)
                assert a.flags or not apart or max(apart) < FAR, (medium, seed, a, b)
                compared += [] if a.flags else apart
    assert len(compared) > 50
    assert np.mean(np.array(compared) < 1.96) >= USUAL


SLIGHT = (-0.08, 0.03, 0.05, 0.08)
"""Degrees by which the long lines of a scan in black and white rise by one pixel or none: read as level they put what stands far from the
y axis 1 px off."""


@pytest.mark.parametrize("kind", ["bar", "errorbar"])
def test_scans_that_lie_hardly_askew_are_as_good_as_they_claim(tmp_path: Path, kind: str) -> None:
    compared: list[float] = []
    for seed, degrees in enumerate(SLIGHT, start=3):
        paths = drawn(kind, seed, tmp_path, degrees)
        exact, _ = table(paths["paths"])
        read, _ = table(paths["scan"])
        assert len(read) == len(exact) or kind == "bar"
        compared += [apart for a, b in partners(read, exact) if "hidden_in_bar" not in a.flags for apart in off(a, b)]
    assert len(compared) > 30
    assert max(compared) < FAR
    assert np.mean(np.array(compared) < 1.96) >= USUAL
