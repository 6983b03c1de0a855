"""Whether all media of one figure give one table: `python benchmarks/agreement.py` draws, reads and prints a table.

A figure is drawn by matplotlib, and by R and gnuplot where they are installed, and read in four media: its `paths` (PDF), these `rendered`
at 300 dpi, the drawing program's own `pixels` at 300 dpi, which lie on the grid, and a `scan`: the rendering turned by up to 0.8 degrees,
noisy, in black and white, with specks. Values and ends are set against the numbers that were drawn. `cover` is the share within 1.96 of
their stated standard uncertainties, which should be 95 %; `z` the root-mean-square error in uncertainties; `px` the median error in pixels
of 300 to the inch; `far` counts the points that hold a value 4 uncertainties off or more, and `unflagged` those of them without a flag.
"""

from __future__ import annotations

import argparse
import math
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pypdfium2 as pdfium
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from digitize.file import NoPlotFound, digitize_file
from digitize.record import PointRecord

KINDS = ("errorbar", "bar", "scatter", "box")
MEDIA = ("paths", "rendered", "pixels", "scan")
DPI = 300
FAR, WITHIN = 4.0, 1.96
NAMES = ("Placebo", "Low", "Middle", "High", "Other")
VALUES = {"errorbar": ("y",), "bar": ("y",), "scatter": ("y", "x"), "box": ("median",)}
ENDS = {"errorbar": ("y_lo", "y_hi"), "bar": ("y_lo", "y_hi"), "scatter": (), "box": ("q1", "q3", "whisker_lo", "whisker_hi")}
FILLS = ("0.6", "white", "0.85", "black")
COLUMNS = (
    "kind", "medium", "program", "drawn", "matched", "unread", "cover values, %", "z", "cover ends, %", "z", "px", "far", "unflagged",
)  # fmt: skip
HEIGHT_PX = 0.78 * 3.2 * DPI  # of a plot's y axis, about: what errors in pixels are told by


@dataclass(frozen=True)
class Spec:
    """What a figure shows: its kind, the top of its y axis, its size in inches, its points by the record's names, and its fill (grey)."""

    kind: str
    top: float
    size: tuple[float, float]
    points: tuple[dict[str, float | str], ...]
    fill: str

    def column(self, name: str) -> list[float]:
        """One value of all points."""
        return [float(p[name]) for p in self.points]


def spec_of(kind: str, seed: int) -> Spec:
    """The figure of a seed."""
    r = np.random.default_rng(seed)
    top, size = float(r.choice([10, 50, 100])), (float(r.uniform(3.6, 5.0)), float(r.uniform(2.8, 3.6)))
    count = 20 if kind == "scatter" else int(r.integers(3, 6)) if kind != "errorbar" else int(r.integers(4, 8))
    points: list[dict[str, float | str]] = []
    cells = r.permutation(36)[:count]  # on a grid, so that none hides another
    for k in range(count):
        y, e = top * r.uniform(0.3, 0.7), top * r.uniform(0.06, 0.2)
        x: float | str = NAMES[k] if kind in {"bar", "box"} else 2.0 * k
        if kind == "scatter":
            x, y = float(1 + 1.5 * (cells[k] % 6) + r.uniform(0, 1)), top * (0.1 + 0.15 * (cells[k] // 6) + r.uniform(0, 0.09))
        point: dict[str, float | str] = {"x": x, "y": y, "y_lo": y - e, "y_hi": y + e}
        if kind == "box":
            inner = sorted(r.uniform(0.25, 0.75, 2) * e)
            point = {"x": x, "median": y, "q1": y - inner[0], "q3": y + inner[1], "whisker_lo": y - e, "whisker_hi": y + 1.2 * e}
        points.append({name: round(v, 4) if isinstance(v, float) else v for name, v in point.items()})
    return Spec(kind, top, size, tuple(points), str(r.choice(FILLS[:3] if kind == "box" else FILLS)))


# ---------------------------------------------------------------- the drawing programs


def with_matplotlib(spec: Spec, paths: Path, pixels: Path) -> None:
    """Draw by matplotlib: PDF, and Agg's pixels."""
    with mpl.rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=spec.size)
        axes = figure.add_axes((0.16, 0.17, 0.8, 0.78))
        if spec.kind == "errorbar":
            x, y, e = spec.column("x"), spec.column("y"), np.subtract(spec.column("y_hi"), spec.column("y"))
            axes.errorbar(x, y, yerr=e, fmt="o-", color="black", capsize=3, ms=6)
            axes.set(xlim=(-1, x[-1] + 1))
        elif spec.kind == "bar":
            names, y, e = [p["x"] for p in spec.points], spec.column("y"), np.subtract(spec.column("y_hi"), spec.column("y"))
            axes.bar(names, y, yerr=e, color=spec.fill, edgecolor="black", capsize=4, width=0.6)
        elif spec.kind == "scatter":
            axes.plot(spec.column("x"), spec.column("y"), "o", color="tab:blue", ms=5)
            axes.set(xlim=(0, 11))
        else:
            keys = {"med": "median", "q1": "q1", "q3": "q3", "whislo": "whisker_lo", "whishi": "whisker_hi"}
            stats = [{"label": p["x"], "fliers": [], **{k: p[v] for k, v in keys.items()}} for p in spec.points]
            axes.bxp(stats, widths=0.5, patch_artist=True, boxprops={"facecolor": spec.fill}, medianprops={"color": "black"})
        axes.set(ylim=(0, spec.top), yticks=np.linspace(0, spec.top, 6), xlabel="Weeks", ylabel="Pain score")
        figure.savefig(paths)
        figure.savefig(pixels, dpi=DPI)


R_BODY = {
    "errorbar": """plot(d$x, d$y, type="o", pch=19, xlim=c(-1, max(d$x)+1), ylim=c(0, top), xlab="Weeks", ylab="Pain score",
    yaxs="i", las=1)
arrows(d$x, d$y_lo, d$x, d$y_hi, angle=90, code=3, length=0.05)""",
    "bar": """at <- barplot(d$y, names.arg=d$x, col=fill, ylim=c(0, top), ylab="Pain score", las=1); box(bty="l")
arrows(at, d$y_lo, at, d$y_hi, angle=90, code=3, length=0.06)""",
    "scatter": """plot(d$x, d$y, pch=21, bg=fill, xlim=c(0, 11), ylim=c(0, top), xlab="Weeks", ylab="Pain score", yaxs="i", las=1)""",
    "box": """s <- rbind(d$whisker_lo, d$q1, d$median, d$q3, d$whisker_hi)
bxp(list(stats=s, n=rep(20, ncol(s)), names=d$x, out=numeric(0), group=numeric(0), conf=matrix(0, 2, ncol(s))), boxfill=fill,
    ylim=c(0, top), ylab="Pain score", yaxs="i", las=1)""",
}


def with_r(spec: Spec, paths: Path, pixels: Path) -> None:
    """Draw by R's base graphics: its pdf and png devices."""
    rows = paths.with_suffix(".csv")
    names = list(spec.points[0])
    rows.write_text("\n".join([",".join(names), *(",".join(str(p[n]) for n in names) for p in spec.points)]), encoding="utf-8")
    fill = spec.fill if spec.fill.isalpha() else f"gray{round(100 * float(spec.fill))}"
    body = f'd <- read.csv("{rows}"); top <- {spec.top}; fill <- "{fill}"; par(mar=c(4, 4, 1, 1))\n{R_BODY[spec.kind]}\n'
    width, height = spec.size
    draw = "\n".join(
        f"{device}\n{body}dev.off()"
        for device in (
            f'pdf("{paths}", width={width}, height={height}, useDingbats=FALSE)',
            f'png("{pixels}", width={width}, height={height}, units="in", res={DPI})',
        )
    )
    subprocess.run(["Rscript", "-e", draw], check=True, capture_output=True, timeout=120)


GNUPLOT_BODY = {
    "errorbar": 'set xrange [-1:{end}]; set xlabel "Weeks"\nplot $d u 2:3:4:5 w yerrorlines pt 7 ps 0.8 lc rgb "black" notitle',
    "bar": 'set boxwidth 0.6; set style fill {fill} border rgb "black"; set xrange [-0.6:{n}-0.4]\n'
    'plot $d u 0:3:($5-$3):xtic(2) w boxerrorbars lc rgb "black" notitle',
    "scatter": 'set xrange [0:11]; set xlabel "Weeks"\nplot $d u 2:3 w p pt 7 ps 0.7 lc rgb "#1f77b4" notitle',
    "box": 'set boxwidth 0.5; set style fill {fill} border rgb "black"; set xrange [-0.6:{n}-0.4]\n'
    'plot $d u 0:4:6:7:5:xtic(2) w candlesticks whiskerbars 0.5 lc rgb "black" notitle,'
    ' $d u 0:3:3:3:3 w candlesticks lc rgb "black" notitle',
}


def with_gnuplot(spec: Spec, paths: Path, pixels: Path) -> None:
    """Draw by gnuplot: its pdfcairo and pngcairo terminals."""
    names = list(spec.points[0])
    rows = "\n".join(f"{k} " + " ".join(str(p[n]) for n in names) for k, p in enumerate(spec.points))
    fill = "empty" if spec.fill == "white" else f"solid {1 - float(spec.fill) if spec.fill != 'black' else 1.0}"
    count = len(spec.points)
    body = GNUPLOT_BODY[spec.kind].format(end=2 * count - 1, n=count, fill=fill)
    width, height = spec.size
    lines = []
    for terminal in (
        f'set terminal pdfcairo size {width},{height} font "Liberation Sans,9"; set output "{paths}"',
        f"set terminal pngcairo size {round(width * DPI)},{round(height * DPI)} fontscale {DPI / 72} linewidth {DPI / 144}"
        f' pointscale {DPI / 72} font "Liberation Sans,9"; set output "{pixels}"',
    ):
        lines.append(f'{terminal}\nset yrange [0:{spec.top}]; set ytics 0,{spec.top / 5}; set ylabel "Pain score"\n{body}\nunset output')
    script = f"$d << EOD\n{rows}\nEOD\n" + "\n".join(lines)
    subprocess.run(["gnuplot"], input=script, text=True, check=True, capture_output=True, timeout=120)


PROGRAMS: dict[str, tuple[str, Callable[[Spec, Path, Path], None]]] = {
    "matplotlib": ("", with_matplotlib),
    "R": ("Rscript", with_r),
    "gnuplot": ("gnuplot", with_gnuplot),
}


# ---------------------------------------------------------------- the media


def media_of(spec: Spec, program: str, seed: int, folder: Path) -> dict[str, Path]:
    """The figure in its four media, as drawn by a program."""
    files = {m: folder / f"{program}-{spec.kind}-{seed}-{m}.{'pdf' if m == 'paths' else 'png'}" for m in MEDIA}
    PROGRAMS[program][1](spec, files["paths"], files["pixels"])
    document = pdfium.PdfDocument(files["paths"])
    colors = np.asarray(document[0].render(scale=DPI / 72).to_pil().convert("RGB"))
    document.close()
    Image.fromarray(colors).save(files["rendered"])
    gray = np.asarray(Image.fromarray(colors).convert("L"))
    scanned(gray, np.random.default_rng(seed + 999)).save(files["scan"])
    return files


def scanned(gray: NDArray[np.uint8], r: np.random.Generator) -> Image.Image:
    """A turned, noisy, speckled photocopy in black and white of a rendering (h, w)."""
    height, width = gray.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(r.uniform(-0.8, 0.8)), 1.0)
    turned = cv2.warpAffine(gray, turn, (width, height), borderValue=(255,), flags=cv2.INTER_CUBIC)
    black = turned + r.normal(0, 18, gray.shape) < 128
    for y, x in zip(r.integers(0, height, 40), r.integers(0, width, 40), strict=True):
        black[y : y + 2, x : x + 2] = True
    return Image.fromarray(np.where(black, 0, 255).astype(np.uint8)).convert("1")


# ---------------------------------------------------------------- a reading against what was drawn


@dataclass
class Tally:
    """What the readings of one kind in one medium came to: errors in uncertainties of values and ends, and counts."""

    drawn: int = 0
    matched: int = 0
    far: int = 0
    unflagged: int = 0
    values: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    off_px: list[float] = field(default_factory=list)
    unread: int = 0


def matched(spec: Spec, read: list[PointRecord]) -> Iterator[tuple[dict[str, float | str], PointRecord]]:
    """Each drawn point with the one that was read for it: of its name, or the nearest one within 5 % of the axes."""
    if spec.kind in {"bar", "box"}:
        by_name = {p.x: p for p in read}
        yield from ((p, by_name[p["x"]]) for p in spec.points if p["x"] in by_name)
        return
    numbers = [(p.x, p.y, p) for p in read if isinstance(p.x, float) and isinstance(p.y, float)]
    span = max(spec.column("x"))
    cost = np.array([[math.hypot((x - float(t["x"])) / span, (y - float(t["y"])) / spec.top) for x, y, _ in numbers] for t in spec.points])
    if cost.size:
        for a, b in zip(*linear_sum_assignment(cost), strict=True):
            if cost[a, b] < 0.05:
                yield spec.points[a], numbers[b][2]


def compare(spec: Spec, file: Path, tally: Tally, name: str) -> list[str]:
    """Read a file and add to the tally what came of it; lines that tell of far points."""
    tally.drawn += len(spec.points)
    try:
        panels = digitize_file(file).record.panels
    except (NoPlotFound, ValueError) as error:
        tally.unread += 1
        return [f"{name}: {error}"]
    told = []
    for true, point in matched(spec, [p for panel in panels for s in panel.series for p in s.points]):
        tally.matched += 1
        worst = 0.0
        for keys, found in ((VALUES[spec.kind], tally.values), (ENDS[spec.kind], tally.ends)):
            for key in keys:
                value, u = getattr(point, key, None), getattr(point, f"u_{key}", None)
                if value is not None and u:
                    z = (value - float(true[key])) / u
                    found.append(z)
                    tally.off_px += [abs(value - float(true[key])) / spec.top * HEIGHT_PX] if key != "x" else []
                    worst = max(worst, abs(z))
                    if abs(z) >= FAR:
                        said = f"read as {value:.4g}, drawn {true[key]}, u {u:.2g}, flags {list(point.flags)}"
                        told.append(f"{name}: {key} of {true['x']} {said}")
        tally.far += worst >= FAR
        tally.unflagged += worst >= FAR and not point.flags
    return told


def main() -> None:
    """Read the command line, draw, read and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="figures of each kind and program (default 20)")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--media", nargs="+", choices=MEDIA, default=MEDIA)
    parser.add_argument("--out", type=Path, help="where the drawings stay")
    parser.add_argument("--list", action="store_true", help="tell of each far value and each file that was not read")
    given = parser.parse_args()
    programs = [p for p, (command, _) in PROGRAMS.items() if not command or shutil.which(command)]
    for missing in sorted(set(PROGRAMS) - set(programs)):
        print(f"{missing} is not installed: its drawings are left out", file=sys.stderr)
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    told: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in given.kinds:
            for seed in range(given.seed, given.seed + given.count):
                for program in programs:
                    spec = spec_of(kind, seed)
                    files = media_of(spec, program, seed, folder)
                    for medium in given.media:
                        told += compare(spec, files[medium], tallies[kind, medium, program], files[medium].name)
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for (kind, medium, program), tally in sorted(tallies.items(), key=lambda e: (KINDS.index(e[0][0]), MEDIA.index(e[0][1]), e[0][2])):
        print(row(f"{kind} | {medium} | {program}", tally))
    for line in told if given.list else ():
        print(line)


def row(name: str, tally: Tally) -> str:
    """One line of the table."""
    cells = [_cover(tally.values), _rms(tally.values), _cover(tally.ends), _rms(tally.ends)]
    px = f"{np.median(tally.off_px):.2f}" if tally.off_px else "-"
    return f"| {name} | {tally.drawn} | {tally.matched} | {tally.unread} | {' | '.join(cells)} | {px} | {tally.far} | {tally.unflagged} |"


def _cover(z: list[float]) -> str:
    return f"{100 * np.mean(np.abs(z) <= WITHIN):.1f}" if z else "-"


def _rms(z: list[float]) -> str:
    return f"{np.sqrt(np.mean(np.square(z))):.2f}" if z else "-"


if __name__ == "__main__":
    main()
