"""Line plots without markers, read at given x: drawn here with every curve known, by matplotlib, gnuplot and R where they are installed.

Usage::

    python benchmarks/lineplots.py [--count 120] [--seed 3] [--free] [--list] [--keep DIR]

Each plot has one to four curves: smooth ones, measurements joined by straight lines, sigmoids, waves; in colours, in greys, or black
and told apart by their dashes; 72 to 300 dots per inch, as PNG, as JPEG or as PDF. They are read at seven to nine places that the drawing
names, as `readoff digitize --kind line --at ...` does (`--free` leaves the kind to be found out). In per cent: curves found (a series
follows it to 2 % of the axis), places read, those of them with a flag, and `silent` ones, more than 1 % off without a flag; `error` is the
median distance from the truth in per cent of the axis, `p95` what 95 % stay below; `cover` the share within 1.96 of the stated uncertainty.
"""

from __future__ import annotations

import argparse
import io
import random
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import PIL.Image
import pypdfium2 as pdfium
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from digitize import digitize_file
from digitize.record import PanelRecord, SeriesRecord

Doubles = np.ndarray[Any, np.dtype[np.float64]]

COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#000000")
GREYS = ("#000000", "#666666", "#b3b3b3")
DASHES = ("-", "--", ":", "-.")
NAMES = ("Placebo", "Drug", "Sham", "Usual care")
ON_CURVE, WRONG = 2.0, 1.0  # per cent of the axis that a series may lie off a curve that it follows; that a wrong value does
LOST = 0.25  # share of its places that may lie off


@dataclass(frozen=True)
class Drawing:
    """A plot: its curves (x, y of each), how they are drawn, where they are read, and by what they were drawn."""

    curves: tuple[tuple[Doubles, Doubles], ...]
    colors: tuple[str, ...]
    dashes: tuple[str, ...]
    at: tuple[float, ...]
    x_lim: tuple[float, float]
    y_lim: tuple[float, float]
    renderer: str
    dpi: int
    quality: int | None
    width: float
    size: tuple[float, float]
    has_legend: bool
    has_grid: bool
    has_band: bool
    is_boxed: bool

    @property
    def look(self) -> str:
        """What tells its curves apart."""
        if len(self.curves) == 1:
            return "one"
        return "dashes" if len(set(self.colors)) == 1 else "greys" if set(self.colors) <= set(GREYS) else "colours"


def _shape(rng: random.Random, x_max: float, at: Sequence[float]) -> tuple[Doubles, Doubles]:
    """One curve between 5 and 95 over 0 to x_max: smooth, or straight between measurements."""
    x = np.linspace(0, x_max, 400)
    low, high = sorted(rng.uniform(10, 90) for _ in range(2))
    high = max(high, low + 15)
    high, u = min(high, 95.0), x / x_max
    kind = rng.choice(["dose", "wave", "sigmoid", "decay", "measured", "measured"])
    if kind == "measured":
        levels, level = [], rng.uniform(25, 75)
        for _ in at:
            levels.append(level)
            level = min(max(level + rng.gauss(0, 9), 5), 95)
        return np.array(at, dtype=float), np.array(levels)
    if kind == "dose":
        rise, fall = rng.uniform(10, 25), rng.uniform(1.5, 4)
        y = np.exp(-fall * u) - np.exp(-rise * u)
        y = y / y.max()
    elif kind == "wave":
        y = 0.5 + 0.5 * np.sin(rng.uniform(4, 14) * u + rng.uniform(0, 6))
    elif kind == "sigmoid":
        y = 1 / (1 + np.exp(-rng.uniform(6, 20) * (u - rng.uniform(0.3, 0.7))))
    else:
        y = np.exp(-rng.uniform(1, 6) * u)
    y = y if rng.random() < 0.6 else 1 - y
    return x, low + (high - low) * y


def _dashes(rng: random.Random, count: int, *, in_color: bool, in_greys: bool) -> tuple[str, ...]:
    if in_greys or (in_color and rng.random() < 0.7):
        return ("-",) * count
    return tuple(rng.sample(DASHES, count)) if in_color else DASHES[:count]


def drawing(rng: random.Random, renderers: Sequence[str]) -> Drawing:
    """A plot drawn by lot."""
    at = rng.choice([(0, 15, 30, 45, 60, 90, 120), (0, 2, 4, 6, 8, 12, 16, 24), (0, 1, 2, 3, 4, 5, 6, 7, 8)])
    x_max, count = float(at[-1]), rng.choice([1, 2, 2, 3, 4])
    in_color = rng.random() < 0.6
    in_greys = not in_color and count <= len(GREYS) and rng.random() < 0.4
    pad = rng.choice([0.0, 0.04])
    return Drawing(
        curves=tuple(_shape(rng, x_max, at) for _ in range(count)),
        colors=tuple(rng.sample(COLORS, count)) if in_color else GREYS[:count] if in_greys else ("#000000",) * count,
        dashes=_dashes(rng, count, in_color=in_color, in_greys=in_greys),
        at=tuple(float(v) for v in at),
        x_lim=(-pad * x_max, (1 + pad) * x_max),
        y_lim=(0.0, 100.0),
        renderer=rng.choice(list(renderers)),
        dpi=rng.choice([72, 100, 150, 200, 300]),
        quality=rng.choice([None, None, 90, 75, 50]),
        width=rng.choice([0.8, 1.0, 1.5, 2.0]),
        size=(rng.uniform(3.6, 6.0), rng.uniform(2.8, 4.4)),
        has_legend=count > 1 and rng.random() < 0.7,
        has_grid=rng.random() < 0.25,
        has_band=in_color and rng.random() < 0.2,
        is_boxed=rng.random() < 0.5,
    )


def _matplotlib(one: Drawing) -> Figure:
    spines = {"axes.spines.top": one.is_boxed, "axes.spines.right": one.is_boxed, "font.size": 9, "pdf.fonttype": 42}
    with mpl.rc_context(spines):
        figure = Figure(figsize=one.size, layout="constrained")
        axes = figure.add_subplot()
        if one.has_grid:
            axes.grid(True, color="0.88", linewidth=0.6)
            axes.set_axisbelow(True)
        for (x, y), color, dash, name in zip(one.curves, one.colors, one.dashes, NAMES, strict=False):
            axes.plot(x, y, dash, color=color, linewidth=one.width, label=name)
            if one.has_band:
                axes.fill_between(x, y - 4, y + 4, color=color, alpha=0.2, linewidth=0)
        axes.set(xlim=one.x_lim, ylim=one.y_lim, xticks=one.at, xlabel="Time (min)", ylabel="Score")
        if one.has_legend:
            axes.legend(frameon=False, fontsize=8)
    return figure


def _gnuplot(one: Drawing, path: Path) -> None:
    """By gnuplot, through cairo (nothing lies on whole pixels)."""
    kinds = {"-": 1, "--": 2, ":": 3, "-.": 4}
    blocks, parts = [], []
    for k, ((x, y), color, dash) in enumerate(zip(one.curves, one.colors, one.dashes, strict=True)):
        rows = "\n".join(f"{a:.6f} {b:.6f}" for a, b in zip(x, y, strict=True))
        blocks.append(f"$d{k} << EOD\n{rows}\nEOD")
        title = f"title '{NAMES[k]}'" if one.has_legend else "notitle"
        parts.append(f"$d{k} using 1:2 with lines lw {one.width} lc rgb '{color}' dt {kinds[dash]} {title}")
    w, h = (round(v * one.dpi) for v in one.size)
    ticks = ", ".join(f"{v:g}" for v in one.at)
    border = "set border 31" if one.is_boxed else "set border 3\nset xtics nomirror\nset ytics nomirror"
    script = "\n".join([
        f"set terminal pngcairo size {w},{h} fontscale {one.dpi / 96:.3f} linewidth {one.dpi / 72:.3f} dashlength 1",
        f"set output '{path}'", *blocks, border, "set tics out", "set grid lc rgb '#dddddd'" if one.has_grid else "",
        f"set xrange [{one.x_lim[0]}:{one.x_lim[1]}]", f"set yrange [{one.y_lim[0]}:{one.y_lim[1]}]", f"set xtics ({ticks})",
        "set xlabel 'Time (min)'", "set ylabel 'Score'", "plot " + ", ".join(parts), "",
    ])  # fmt: skip
    subprocess.run(["gnuplot"], input=script, text=True, check=True, capture_output=True)


def _r(one: Drawing, path: Path) -> None:
    """By R's png device, through cairo."""
    kinds = {"-": 1, "--": 2, ":": 3, "-.": 4}
    lines = []
    for (x, y), color, dash in zip(one.curves, one.colors, one.dashes, strict=True):
        xs, ys = (",".join(f"{v:.6f}" for v in values) for values in (x, y))
        lines.append(f"lines(c({xs}), c({ys}), col='{color}', lty={kinds[dash]}, lwd={one.width})")
    ticks = ",".join(f"{v:g}" for v in one.at)
    names = ",".join(f"'{n}'" for n in NAMES[: len(one.curves)])
    colors, types = ",".join(f"'{c}'" for c in one.colors), ",".join(str(kinds[d]) for d in one.dashes)
    script = "\n".join([
        f"png('{path}', width={one.size[0]}, height={one.size[1]}, units='in', res={one.dpi}, pointsize=9, type='cairo')",
        "par(mar=c(4,4,1,1))",
        f"plot(NA, xlim=c({one.x_lim[0]},{one.x_lim[1]}), ylim=c({one.y_lim[0]},{one.y_lim[1]}), xaxs='i', yaxs='i', xaxt='n',"
        f" xlab='Time (min)', ylab='Score', bty='{'o' if one.is_boxed else 'l'}')",
        f"axis(1, at=c({ticks}))", "grid(col='gray87', lty=1)" if one.has_grid else "", *lines,
        f"legend('topright', c({names}), col=c({colors}), lty=c({types}), lwd={one.width}, bty='n', cex=0.8)" if one.has_legend else "",
        "invisible(dev.off())",
    ])  # fmt: skip
    subprocess.run(["Rscript", "-"], input=script, text=True, check=True, capture_output=True)


def draw(one: Drawing, folder: Path, name: str) -> Path:
    """Draw a plot into a folder."""
    path = folder / f"{name}.png"
    if one.renderer == "gnuplot":
        _gnuplot(one, path)
    elif one.renderer == "R":
        _r(one, path)
    elif one.renderer == "agg":
        figure = _matplotlib(one)
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=one.dpi)
    else:
        figure = _matplotlib(one)
        FigureCanvasPdf(figure)
        pdf = path.with_suffix(".pdf")
        figure.savefig(pdf)
        if one.renderer == "pdf":
            return pdf
        stream = pdfium.PdfDocument(pdf)
        stream[0].render(scale=one.dpi / 72).to_pil().convert("RGB").save(path)
        stream.close()
        pdf.unlink()
    if one.quality is None:
        return path
    buffer = io.BytesIO()
    PIL.Image.open(path).convert("RGB").save(buffer, "JPEG", quality=one.quality)
    path.unlink()
    path = path.with_suffix(".jpg")
    path.write_bytes(buffer.getvalue())
    return path


@dataclass
class Tally:
    """What was counted of one group of plots."""

    plots: int = 0
    curves: int = 0
    found: int = 0
    invented: int = 0
    places: int = 0
    read: int = 0
    flagged: int = 0
    errors: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    silent: int = 0

    def row(self, name: str) -> str:
        """A row of the table."""
        error = float(np.median(self.errors)) if self.errors else float("nan")
        worst = float(np.quantile(self.errors, 0.95)) if self.errors else float("nan")
        cover = 100 * float(np.mean(self.covered)) if self.covered else float("nan")
        part = [100 * v / max(w, 1) for v, w in ((self.found, self.curves), (self.read, self.places), (self.flagged, self.read))]
        return (
            f"{name:12}{self.plots:6}{self.curves:8}{part[0]:8.1f}{self.invented:10}{part[1]:8.1f}{part[2]:9.1f}"
            f"{error:8.3f}{worst:8.3f}{cover:8.1f}{100 * self.silent / max(self.read, 1):8.2f}"
        )


HEAD = " " * 13 + "plots  curves   found  invented    read  flagged   error     p95   cover  silent"


def _off(series: SeriesRecord, curve: tuple[Doubles, Doubles], one: Drawing) -> Doubles:
    """How far the series is from a curve at each place, per cent of the axis; NaN where it has no value."""
    truth = np.interp(one.at, *curve)
    read = np.array([p.y if isinstance(p.y, float) else np.nan for p in series.points], dtype=float)
    return np.asarray(read - truth) / (one.y_lim[1] - one.y_lim[0]) * 100


def compare(one: Drawing, panel: PanelRecord | None, tallies: Sequence[Tally]) -> str:
    """Count what was read of a plot, and say what went wrong."""
    series = [s for s in panel.series if len(s.points) == len(one.at)] if panel is not None else []
    free, words = list(series), [] if series else [f"refused: {panel.refused if panel else 'no plot'}"]
    for tally in tallies:
        tally.plots += 1
        tally.curves += len(one.curves)
        tally.places += len(one.curves) * len(one.at)
    for k, curve in enumerate(one.curves):
        offs = [_off(s, curve, one) for s in free]
        scores = [float(np.mean(np.abs(off[~np.isnan(off)]) > ON_CURVE)) if np.mean(np.isnan(off)) <= 0.5 else 1.0 for off in offs]
        if not scores or min(scores) > LOST:
            words.append(f"curve {k} lost")
            continue
        best = int(np.argmin(scores))
        chosen, off = free.pop(best), offs[best]
        name_ok = not one.has_legend or chosen.name == NAMES[k]
        words += [] if name_ok else [f"curve {k} called {chosen.name!r}"]
        for point, d in zip(chosen.points, off, strict=True):
            if np.isnan(d):
                continue
            u = 100 * (point.u_y or 0) / (one.y_lim[1] - one.y_lim[0])
            is_silent = abs(d) > WRONG and not point.flags
            words += [f"curve {k} at {point.x:g}: {d:+.2f} % (u {u:.2f}) {' '.join(point.flags)}"] if abs(d) > WRONG else []
            for tally in tallies:
                tally.read += 1
                tally.flagged += bool(point.flags)
                tally.errors.append(abs(float(d)))
                tally.covered.append(bool(abs(d) <= 1.96 * u))
                tally.silent += is_silent
        for tally in tallies:
            tally.found += 1
    for left in free:
        points = [p for p in left.points if isinstance(p.y, float)]
        words.append(f"invented {left.name} {left.color}, {len(points)} points, {sum(not p.flags for p in points)} unflagged")
        for tally in tallies:
            tally.invented += 1
    return "; ".join(words)


def main() -> None:
    """Draw, read, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--list", action="store_true", help="a line for each plot with what went wrong")
    parser.add_argument("--keep", type=Path, help="a folder for the figures and overlays")
    parser.add_argument("--free", action="store_true", help="do not say that these are line plots")
    given = parser.parse_args()
    others = [name for name, program in (("gnuplot", "gnuplot"), ("R", "Rscript")) if shutil.which(program)]
    tallies: dict[str, Tally] = defaultdict(Tally)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(exist_ok=True, parents=True)
        for k in range(given.count):
            one = drawing(random.Random(given.seed * 100_003 + k), ["agg", "rendered", "pdf", *others])
            path = draw(one, folder, f"line_{one.renderer}_{one.dpi}_{k}")
            try:
                reading = digitize_file(path, kind=None if given.free else "line", at=one.at)
                panel = next((p for p in reading.record.panels if p.kind == "line"), None)
                if given.keep:
                    for overlay in reading.overlays.values():
                        PIL.Image.fromarray(overlay).save(folder / f"{path.stem}.overlay.png")
            except ValueError:
                panel = None
            groups = [one.renderer, one.look, "all"]
            groups += [] if one.renderer == "pdf" else [f"{one.dpi} dpi", "png" if one.quality is None else f"jpeg {one.quality}"]
            words = compare(one, panel, [tallies[g] for g in groups])
            if given.list:
                print(f"{path.name:32} {words}", flush=True)
    print(HEAD)
    for name in sorted(tallies, key=lambda n: (n == "all", n)):
        print(tallies[name].row(name))


if __name__ == "__main__":
    main()
