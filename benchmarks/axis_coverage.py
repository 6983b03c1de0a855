"""Whether the uncertainty that a read axis claims is honest: `python benchmarks/axis_coverage.py` prints a table.

Random drawings of every kind of axis (`tests/digitize/drawings.py`) by two renderers, at three resolutions, as PNG and as JPEG, are read;
at 40 probe values along the y axis the value read is set against the true one. `cover` is the share of probes whose truth lies within
1.96 standard uncertainties of the axis, which should be 95 %; `z` is the root-mean-square error in standard uncertainties (1 where the
claim is honest); `px` the same in pixels. Axes that say themselves that they are not sure, or that are wrong and bear a flag, are counted
under `flagged`, those more than 2 px off without a flag under `wrong`. The probes of one axis share one error: the standard error of
`cover` is that of the axes.
"""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.digitize.drawings import RANGES, Drawing, Renderer, as_jpeg, draw, misread_px, read_panels

RENDERERS: tuple[Renderer, ...] = ("agg", "pdf")
DPIS = (100, 150, 300)
FORMATS = ("png", "jpeg")
WRONG_PX = 2.0


@dataclass(frozen=True)
class Outcome:
    """What came of one drawing: `read`, `flagged`, `unread` or `wrong`; its name, and the errors of the probes in u and in px."""

    name: str
    became: str
    in_u: NDArray[np.float64]
    in_px: NDArray[np.float64]

    @property
    def covered(self) -> float:
        """Share of the probes within 1.96 u."""
        return float(np.mean(np.abs(self.in_u) <= 1.96))


def outcome(seed: int, renderer: Renderer, dpi: int, form: str) -> Outcome:
    """Draw one figure, read its y axis and set it against the truth."""
    kind = list(RANGES)[seed % len(RANGES)]
    drawing = draw(seed, kind, renderer, dpi=dpi)
    image = as_jpeg(drawing.image, (75, 90)[seed % 2]) if form == "jpeg" else _as_png(drawing)
    name = f"{kind} {seed} {renderer} {dpi} {form}"
    panels, to_original = read_panels(image)
    if len(panels) != 1:
        return Outcome(name, "unread", np.empty(0), np.empty(0))
    axis = panels[0].y
    off = misread_px(axis.calibration, drawing, to_original)
    at = drawing.places_px[:, 1]
    u = np.asarray(axis.calibration.u_shared(at))
    z = (np.asarray(axis.calibration.to_value(at)) - drawing.values) / u
    is_wrong = bool(np.abs(off).max() > WRONG_PX)
    is_flagged = not axis.reading.is_sure or (is_wrong and bool(axis.reading.flags))
    return Outcome(name, "flagged" if is_flagged else "wrong" if is_wrong else "read", z, off)


def _as_png(drawing: Drawing) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    Image.fromarray(drawing.image).save(stream, "png")
    return np.asarray(Image.open(stream).convert("RGB")).copy()


def row(name: str, outcomes: list[Outcome]) -> str:
    """One line of the table."""
    read = [o for o in outcomes if o.became == "read"]
    shares = np.array([o.covered for o in read])
    z, px = np.concatenate([o.in_u for o in read]), np.concatenate([o.in_px for o in read])
    counts = " | ".join(str(sum(o.became == became for o in outcomes)) for became in ("read", "flagged", "unread", "wrong"))
    error = shares.std(ddof=1) / np.sqrt(len(shares))
    rms_z, rms_px = float(np.sqrt(np.mean(z**2))), float(np.sqrt(np.mean(px**2)))
    return f"| {name} | {counts} | {100 * shares.mean():.1f} ± {100 * error:.1f} | {rms_z:.2f} | {rms_px:.3f} |"


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=50, help="drawings of each renderer, resolution and format (default 50, 600 in all)")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--list", action="store_true", help="name the axes that were wrong, unread or flagged")
    given = parser.parse_args()
    print("| renderer | dpi | format | read | flagged | unread | wrong | cover, % | z | px |\n|---|---|---|---|---|---|---|---|---|---|")
    everything: list[Outcome] = []
    for cell, (renderer, dpi, form) in enumerate(product(RENDERERS, DPIS, FORMATS)):
        seeds = range(given.seed + cell * given.each, given.seed + (cell + 1) * given.each)
        outcomes = [outcome(seed, renderer, dpi, form) for seed in seeds]
        print(row(f"{renderer} | {dpi} | {form}", outcomes), flush=True)
        everything += outcomes
    print(row("all | | ", everything))
    if given.list:
        print("\n".join(f"{o.became}: {o.name}" for o in everything if o.became != "read"))


if __name__ == "__main__":
    main()
