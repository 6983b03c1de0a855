"""Scans that are warped slightly, as a page that did not lie flat is: told by their own long lines, and flattened.

Axis lines, frames and gridlines are straight where they were drawn. Where they are smoothly curved in the image, the level ones tell how
far the rows of the image were shifted along each column, the upright ones how far its columns were shifted along each row; both are
polynomials of low order, the same for all lines of a direction up to a share that changes from one to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.axes import Axis
from digitize.lines import Line, find_lines

FloatArray = NDArray[np.float64]

LONG_SHARE = 0.4  # of the extent of the longest line of its direction that a line must have to tell
BIN_PX, BAND_PX, STEP_PX = 8, 6, 2  # columns that are looked at together, rows to either side of a line, and how far it may step
LEAST_BINS = 12
MEETING_SHARE = 0.15  # of its length that a line may end off one that it was drawn to meet
LEAST_SAGITTA_PX, LEAST_SIGNIFICANCE = 0.7, 6.0  # how far a line bends from its chord, px and in standard errors, where it is curved
MOST_BEND = 0.03  # sagitta as a share of the length: what bends more is data
STRAIGHT_PX = 0.1  # what neither bends nor wavers more is straight
SMOOTH_PX = 0.4  # root-mean-square distance of a line from its parabola
KNOWN_ACROSS, UNKNOWN_ACROSS = 0.03, 0.12  # share of the bend that stays unsure, by whether it is known how it changes across the lines
AGREED_PX = 0.6  # the same of all lines of a direction from the polynomial that they share


@dataclass(frozen=True)
class Warp:
    """How far an image is warped: shifts of rows and columns as polynomials of places that run from -1 to 1 across the image.

    `level` are the coefficients of u, u^2, u v, u^2 v of the shift down (u along x, v along y), `upright` those of the shift to the right
    (u along y, v along x); px.
    """

    shape: tuple[int, int]
    level: FloatArray
    upright: FloatArray

    @property
    def is_flat(self) -> bool:
        """Whether nothing is warped."""
        return not self.level.any() and not self.upright.any()

    def u_px(self, *, upright: bool) -> float:
        """Standard uncertainty, px, of places along an upright (or level) axis that is left after flattening.

        It is a share of the bend that was taken out: a larger one where a single line showed it, and how it changes across is not known.
        """
        bend = self.level if upright else self.upright
        return abs(float(bend[1])) * (KNOWN_ACROSS if bend[2:].any() else UNKNOWN_ACROSS)


FLAT = Warp((0, 0), np.zeros(4), np.zeros(4))


def estimate_warp(gray: NDArray[np.uint8]) -> Warp:
    """How far an image is warped, as its long lines show; flat where they are straight or do not tell.

    Parameters
    ----------
    gray : (h, w) uint8
        Turned so that its lines lie level and stand upright.
    """
    lines = find_lines(gray, int(0.25 * min(gray.shape)))
    framing = [line for line in lines if any(_meet(line, other) for other in lines)]
    level = _polynomial(gray, [line for line in framing if not line.upright])
    upright = _polynomial(np.ascontiguousarray(gray.T), [line for line in framing if line.upright])
    return Warp((gray.shape[0], gray.shape[1]), level, upright)


def _meet(line: Line, other: Line) -> bool:
    """Whether a line ends at another that crosses it, as axis lines and gridlines do; a smooth curve of data ends where it likes."""
    if line.upright == other.upright:
        return False
    own, others = MEETING_SHARE * line.length, MEETING_SHARE * other.length  # of a line that bends the ends are lost
    ends_there = min(abs(other.at - line.start), abs(other.at - line.end)) <= own
    return ends_there and other.start - others <= line.at <= other.end + others


def flattened(image: NDArray[np.uint8], warp: Warp) -> NDArray[np.uint8]:
    """The image as it would lie flat.

    Parameters
    ----------
    image : (h, w, 3) uint8
    warp : Warp
    """
    height, width = warp.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    across, down = _unit(x, width), _unit(y, height)
    map_x = x + _terms(down, across) @ warp.upright
    map_y = y + _terms(across, down) @ warp.level
    border = tuple(int(v) for v in np.median(image.reshape(-1, 3), axis=0))
    flat = cv2.remap(image, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_CUBIC, borderValue=border)
    return np.asarray(flat, dtype=np.uint8)


def unsure(axis: Axis, warp: Warp) -> Axis:
    """The axis of a flattened image, its calibration as unsure as the flattening leaves it."""
    if warp.is_flat:
        return axis
    calibration = axis.calibration.shifted_by_up_to(warp.u_px(upright=axis.side.is_upright))
    return replace(axis, reading=replace(axis.reading, calibration=calibration))


def _unit(at: FloatArray, size: int) -> FloatArray:
    return np.asarray(2.0 * at / (size - 1) - 1.0)


def _terms(u: FloatArray, v: FloatArray) -> FloatArray:
    return np.stack([u, u**2, u * v, u**2 * v], axis=-1)


def _polynomial(gray: NDArray[np.uint8], lines: Sequence[Line]) -> FloatArray:
    """Coefficients of the shift that level lines show; zeros where they are straight, bend each its own way, or do not tell."""
    flat = np.zeros(4)
    longest = max((line.length for line in lines), default=0.0)
    followed = [_followed(gray, line) for line in lines if line.length >= LONG_SHARE * longest]
    smooth = [points for points in followed if points is not None and _is_smooth(points)]
    curved = [points for points in smooth if _is_curved(points)]
    if not curved or 2 * len(curved) < len(smooth) or any(_is_straight(points) for points in smooth):
        return flat
    x, y = (np.concatenate(column) for column in zip(*smooth, strict=True))
    own = np.repeat(np.eye(len(smooth)), [len(points[0]) for points in smooth], axis=0)
    terms = _terms(_unit(x, gray.shape[1]), _unit(y, gray.shape[0]))
    apart = np.ptp([float(np.mean(points[1])) for points in smooth])
    if apart < 0.3 * gray.shape[0]:
        terms[:, 2:] = 0.0  # one line, or lines close together: how the shift changes across them is not known
    coefficients = np.linalg.lstsq(np.hstack([terms, own]), y, rcond=None)[0]
    off = y - np.hstack([terms, own]) @ coefficients
    is_shared = np.sqrt(np.mean(off**2)) <= AGREED_PX and abs(coefficients[3]) <= abs(coefficients[1])  # none bends the other way
    return np.asarray(coefficients[:4]) if is_shared else flat


def _followed(gray: NDArray[np.uint8], line: Line) -> tuple[FloatArray, FloatArray] | None:
    """Where the middle of a level line lies along its length: columns and rows; None where it is lost on most of its way."""
    starts = np.arange(round(line.start), round(line.end) - BIN_PX + 2, BIN_PX)
    if len(starts) < LEAST_BINS:
        return None
    middle = len(starts) // 2
    found: dict[int, float] = {}
    for way in (range(middle, len(starts)), range(middle - 1, -1, -1)):
        at = _first(gray, line, int(starts[middle])) if middle not in found else found[middle]
        for k in way:
            row = _middle(gray[:, starts[k] : starts[k] + BIN_PX], at)
            if row is not None:
                found[k] = at = row
    if len(found) < max(LEAST_BINS, 0.7 * len(starts)):
        return None
    bins = sorted(found)
    return np.asarray(starts[bins] + (BIN_PX - 1) / 2, dtype=np.float64), np.array([found[k] for k in bins])


def _first(gray: NDArray[np.uint8], line: Line, start: int) -> float:
    """The row nearest to that of a line where its ink is darkest in the middle of its length."""
    top = max(0, round(line.at) - BAND_PX)
    return top + float(np.argmin(np.median(gray[top : round(line.at) + BAND_PX + 1, start : start + BIN_PX], axis=1)))


def _middle(columns: NDArray[np.uint8], near: float) -> float | None:
    """The middle of the ink of a line in a few columns, within a step of a row; None where no thin line is."""
    top = max(0, round(near) - BAND_PX)
    profile = np.median(columns[top : round(near) + BAND_PX + 1], axis=1).astype(np.float64)
    if profile.size < BAND_PX:
        return None
    ink = np.clip(np.quantile(profile, 0.75) - profile, 0.0, None)
    rows = top + np.arange(ink.size)
    ink[np.abs(rows - near) > STEP_PX + 1.5] = 0.0
    if ink.max() < 30.0 or (ink > 0.5 * ink.max()).sum() > STEP_PX + 3:
        return None
    ink = np.clip(ink - 0.15 * ink.max(), 0.0, None)
    row = float((ink * rows).sum() / ink.sum())
    return row if abs(row - near) <= STEP_PX else None


def _parabola(points: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, float, float]:
    """Coefficients of the parabola through most of the points of a line (places from -1 to 1), root-mean-square distance and its error.

    The error is that of the curvature, in px of the sagitta.
    """
    x, y = points
    u = 2.0 * (x - x.min()) / np.ptp(x) - 1.0
    near = np.ones(len(u), dtype=bool)
    for _ in range(3):
        coefficients = np.polyfit(u[near], y[near], 2)
        off = y - np.polyval(coefficients, u)
        near = np.abs(off) <= max(0.3, 3.0 * 1.4826 * float(np.median(np.abs(off))))
    rms = float(np.sqrt(np.mean(off[near] ** 2)))
    # The steps of a line on pixels are long: neighbours share their errors.
    spread = float(np.sqrt(np.sum((u[near] ** 2 - np.mean(u[near] ** 2)) ** 2)))
    return coefficients, rms, 2.0 * max(rms, 0.05) / spread


def _is_smooth(points: tuple[FloatArray, FloatArray]) -> bool:
    coefficients, rms, _ = _parabola(points)
    return rms <= SMOOTH_PX and abs(float(coefficients[0])) <= MOST_BEND * float(np.ptp(points[0]))


def _is_straight(points: tuple[FloatArray, FloatArray]) -> bool:
    """Whether a line is straight to a fraction of a pixel: it was drawn so, and what bends beside it is data."""
    coefficients, rms, _ = _parabola(points)
    return max(abs(float(coefficients[0])), rms) < STRAIGHT_PX


def _is_curved(points: tuple[FloatArray, FloatArray]) -> bool:
    coefficients, _, error = _parabola(points)
    return abs(float(coefficients[0])) >= max(LEAST_SAGITTA_PX, LEAST_SIGNIFICANCE * error)
