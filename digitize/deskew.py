"""The rotation and skew of a scanned figure, from its own long straight lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_DEGREES = 2.5
NEGLIGIBLE_DEGREES = 0.04  # 0.35 px over 500 px: below this, resampling costs more than it mends
AGREED_DEGREES = 0.06  # lines of one direction that differ by more are not all straight
SKEW_DEGREES = 0.12  # tilts of the two directions that differ by less are one rotation, read with a little noise
ENOUGH_LINES = 5
MOST_LINES = 6  # of each direction
SMALL_DEGREES = 0.3
DRAWN_DEGREES = 0.02
MAX_SKEW_DEGREES = 1.2  # no scanner skews more: one of the two directions is that of data
DARK, FAINT = 40.0, 12.0  # grey levels by which a line differs from its ground
UNEVEN_PX = 0.45  # standard deviation of the middles of a line about the straight line through them
BAND = 4  # px to either side of a line in which its middle is sought
SHORTEST_SHARE = 0.25  # of the extent of all ink: shorter lines do not tell
STEP_PX = 0.25  # standard uncertainty of how far a line in black and white rises over its length: it goes by whole pixels
STEPPED_REACH = 0.8  # px: to both sides of a straight line its pixels lie up to half a pixel off it
HARD, SOFT = 200, 48  # grey levels from one pixel to the next: an edge in black and white, and more than noise
FEW_SOFT = 0.1  # of the hard edges: anti-aliased drawings have half as many soft edges as hard ones at least, grey scans more soft ones


@dataclass(frozen=True)
class Tilt:
    """Degrees by which level and upright lines must be turned counter-clockwise so that they lie level and stand upright."""

    level: float = 0.0
    upright: float = 0.0

    @property
    def is_straight(self) -> bool:
        """Whether nothing needs to be turned."""
        return self.level == 0.0 and self.upright == 0.0


def is_bilevel(gray: NDArray[np.uint8]) -> bool:
    """Whether an image (h, w) is in black and white alone, as a fax: no edge in it tells where between pixels it lies."""
    steps = [cv2.absdiff(gray[1:], gray[:-1]), cv2.absdiff(gray[:, 1:], gray[:, :-1])]
    hard = sum(int(np.count_nonzero(s >= HARD)) for s in steps)
    soft = sum(int(np.count_nonzero(s >= SOFT)) for s in steps) - hard
    return hard > 0 and soft < FEW_SOFT * hard


@dataclass(frozen=True)
class Agreed:
    """The tilt in degrees that lines share, how many share it, and its weight, one over its variance."""

    degrees: float
    n_lines: int
    weight: float


def estimate_tilt(gray: NDArray[np.uint8]) -> Tilt:
    """How far the long lines of an image are off the level and the upright.

    Axis lines, frames and gridlines are long; seen along their own direction their ink falls on few rows and columns. The angle with the
    sharpest row and column profiles is found on a grid; then each of the fullest rows and columns is followed along its length, and a
    straight line is fitted to the middles of its ink.

    Parameters
    ----------
    gray : (h, w) uint8

    Returns
    -------
    Tilt
        Degrees in [-2.5, 2.5]; 0.0 where no straight line tells. Where lines of one direction alone tell, both tilts are theirs.
    """
    # Only thin ink: the inside of a filled bar is no line and would tilt the fit along its edges.
    best: tuple[int, Tilt] = (0, Tilt())
    step = STEP_PX if is_bilevel(gray) else 0.0
    for ink, least in ((cv2.MORPH_BLACKHAT, DARK), (cv2.MORPH_BLACKHAT, FAINT), (cv2.MORPH_TOPHAT, FAINT)):
        thin = np.asarray(cv2.morphologyEx(gray, ink, np.ones((9, 9), np.uint8)), dtype=np.uint8)
        n_lines, tilt = _tilt_of(thin, least, step)
        if n_lines > best[0]:
            best = n_lines, tilt
        # Few lines that are askew may be data: gridlines, if there are any, know better.
        if best[0] >= ENOUGH_LINES or (best[0] and best[1].is_straight):
            break
    return best[1]


def _tilt_of(thin: NDArray[np.uint8], least: float, step: float) -> tuple[int, Tilt]:
    """How many lines of thin ink stronger than `least` tell the tilt of an image, and the tilt; 0 lines where they do not tell.

    `step` (px) is how unsure the rise of a line over its length is at least.
    """
    ys, xs = np.nonzero(thin > least)
    if xs.size < 50:
        return 0, Tilt()
    if xs.size > 80_000:
        keep = np.random.default_rng(0).choice(xs.size, 80_000, replace=False)
        xs, ys = xs[keep], ys[keep]
    x, y = xs - thin.shape[1] / 2, ys - thin.shape[0] / 2
    angle = _sharpest(x, y, 0.0, 0.1, MAX_DEGREES)
    level, upright = (_tilt_along(thin, x, y, angle, least, step, is_level=each) for each in (True, False))
    return _tilt(level, None if upright is None else replace(upright, degrees=-upright.degrees), goes_by_steps=step > 0)


def _tilt_along(
    thin: NDArray[np.uint8], x: NDArray[np.float64], y: NDArray[np.float64], angle: float, least: float, step: float, *, is_level: bool
) -> Agreed | None:
    """The slope in degrees of the level lines (of the upright ones, in the turned image) near an angle that serves both."""
    along, across, turn = (x, y, 1.0) if is_level else (y, x, -1.0)
    own = turn * _sharpest(along, across, turn * angle, 0.05, 0.8, both=False)
    t = float(np.tan(np.radians(turn * own)))
    image = thin if is_level else np.ascontiguousarray(thin.T)
    return _agreed(_slopes(image, across - along * t, float(np.ptp(along)) + 1, t, least, step), goes_by_steps=step > 0)


def _tilt(level: Agreed | None, upright: Agreed | None, *, goes_by_steps: bool) -> tuple[int, Tilt]:
    """How many lines tell the tilts, and the tilts of both directions; one that no line tells is that of the other.

    A line that lies exactly level or upright was drawn so and never scanned: small tilts of others are those of data. Where lines go by
    whole pixels a short one lies level however it was scanned; then both directions tell one tilt.
    """
    known = [v for v in (level, upright) if v is not None]
    n_lines = sum(v.n_lines for v in known)
    if n_lines < 2:
        return 0, Tilt()
    degrees = [abs(v.degrees) for v in known]
    if goes_by_steps and max(degrees) < SMALL_DEGREES:
        mean = float(np.average([v.degrees for v in known], weights=[v.weight for v in known]))
        return n_lines, Tilt(mean, mean) if abs(mean) > DRAWN_DEGREES else Tilt()
    if max(degrees) < NEGLIGIBLE_DEGREES or (min(degrees) < DRAWN_DEGREES and max(degrees) < SMALL_DEGREES):
        return n_lines, Tilt()
    if len(known) == 2 and abs(known[0].degrees - known[1].degrees) > MAX_SKEW_DEGREES:
        return 0, Tilt()
    return n_lines, Tilt((level or known[0]).degrees, (upright or known[0]).degrees)


def _sharpest(x: NDArray[np.float64], y: NDArray[np.float64], centre: float, step: float, reach: float, *, both: bool = True) -> float:
    """The angle near `centre` along which ink falls on the fewest rows (and columns, if `both`)."""

    def sharpness(degrees: float) -> float:
        t = np.tan(np.radians(degrees))
        profiles = (y - x * t, x + y * t) if both else (y - x * t,)
        rows = [np.floor(v).astype(np.int64) for v in profiles]
        return float(sum((np.diff(np.bincount(v - v.min()).astype(float)) ** 2).sum() for v in rows))

    count = round(reach / step)
    angles = [centre + step * k for k in range(-count, count + 1)]
    return float(angles[int(np.argmax([sharpness(a) for a in angles]))])


def _slopes(
    dark: NDArray[np.uint8], across: NDArray[np.float64], extent: float, t: float, least: float, step: float
) -> list[tuple[float, float]]:
    """Slope and its standard error of each of the fullest rows of an image, whose ink stands at `across` when seen along the slope `t`."""
    rows = np.floor(across).astype(np.int64)
    counts = np.bincount(rows - rows.min()).astype(float)
    found = []
    for _ in range(MOST_LINES):
        peak = int(np.argmax(counts))
        if counts[peak] < SHORTEST_SHARE * extent * min(1.0, across.size / 40_000):
            break
        line = _followed(dark, peak + int(rows.min()) + 0.5, t, least, step)
        if line is not None:
            found.append(line)
        counts[max(0, peak - 4) : peak + 5] = 0
    return found


def _followed(dark: NDArray[np.uint8], start: float, t: float, least: float, step: float) -> tuple[float, float] | None:
    """Slope and standard error of the line that crosses the middle column `start` rows from the middle of the image; None where none is."""
    height, width = dark.shape
    columns = np.arange(width)
    middle = start + (columns - width / 2) * t + height / 2
    rows = np.round(middle).astype(np.int64)[:, None] + np.arange(-BAND, BAND + 1)
    columns = columns[(rows[:, 0] >= 0) & (rows[:, -1] < height)]
    if columns.size < 30:
        return None
    band = dark[rows[columns], columns[:, None]].astype(float)
    top = band.max(axis=1)
    # Where a tick, a bar or a letter touches the line, its ink reaches the edge of the band.
    is_line = (top > max(least, 0.5 * float(np.median(top)))) & (np.maximum(band[:, 0], band[:, -1]) < 0.3 * top)
    if is_line.sum() < 30:
        return None
    weight = np.clip(band[is_line] - 0.15 * top[is_line, None], 0, None)
    at = (weight * rows[columns[is_line]]).sum(axis=1) / weight.sum(axis=1)
    return _robust_slope(columns[is_line].astype(float), at, SHORTEST_SHARE * width, step)


def _robust_slope(x: NDArray[np.float64], y: NDArray[np.float64], least: float, step: float) -> tuple[float, float] | None:
    """Slope and standard error of a straight line through most of the points; None where they span less than `least`."""
    reach = 1.5
    slope, start = np.polyfit(x, y, 1)
    for _ in range(5):
        off = np.abs(y - slope * x - start)
        near = off <= max(reach, float(np.quantile(off, 0.4)))
        if near.sum() < 30 or np.ptp(x[near]) < least:
            return None
        slope, start = np.polyfit(x[near], y[near], 1)
        reach = max(STEPPED_REACH if step > 0 else 0.35, 0.6 * reach)
    off = y[near] - slope * x[near] - start
    if off.std() > UNEVEN_PX or near.sum() < 0.5 * near.size:
        return None
    # Steps of a pixelated line are long: its residuals do not average out like noise.
    error = max(0.02, float(off.std())) * 4.0 / np.sqrt(((x[near] - x[near].mean()) ** 2).sum())
    return float(slope), float(np.hypot(error, step / np.ptp(x[near])))


def _agreed(slopes: list[tuple[float, float]], *, goes_by_steps: bool) -> Agreed | None:
    """The tilt in degrees that the best lines share: the weighted mean of those around the one with most weight beside it."""
    if not slopes:
        return None
    degrees = np.degrees(np.arctan([s for s, _ in slopes]))
    weights = 1.0 / np.array([e for _, e in slopes]) ** 2
    weights = np.minimum(weights, 4.0 * np.median(weights))
    own = np.degrees([e for _, e in slopes])
    # Only steps make the slopes of true lines differ by more; elsewhere unsure slopes are those of data.
    apart = np.maximum(AGREED_DEGREES, 2.0 * np.hypot(own[:, None], own)) if goes_by_steps else AGREED_DEGREES
    near = np.abs(degrees[:, None] - degrees) < apart
    together = near[int(np.argmax(near @ weights))]
    mean = float(np.average(degrees[together], weights=weights[together]))
    return Agreed(mean, int(together.sum()), float(weights[together].sum()))


def rotate(image: NDArray[np.uint8], degrees: float) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The image turned counter-clockwise about its centre on a canvas that holds all of it, and the 2 x 3 matrix from it to the original.

    Parameters
    ----------
    image : (h, w, 3) uint8
    degrees : float
    """
    h, w = image.shape[:2]
    radians = np.radians(abs(degrees))
    new_w, new_h = int(np.ceil(w + h * np.sin(radians))), int(np.ceil(h + w * np.sin(radians)))
    matrix = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), degrees, 1.0)
    matrix[:, 2] += ((new_w - w) / 2, (new_h - h) / 2)
    border = tuple(int(v) for v in np.median(image.reshape(-1, 3), axis=0))
    turned = cv2.warpAffine(image, matrix, (new_w, new_h), flags=cv2.INTER_CUBIC, borderValue=border)
    return np.asarray(turned, dtype=np.uint8), np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)


def straighten(image: NDArray[np.uint8], tilt: Tilt) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The image turned and sheared so that its axes lie level and stand upright, and the 2 x 3 matrix from it to the original.

    Parameters
    ----------
    image : (h, w, 3) uint8
    tilt : Tilt
    """
    if abs(tilt.level - tilt.upright) < SKEW_DEGREES:
        return rotate(image, (tilt.level + tilt.upright) / 2)
    turned, back = rotate(image, tilt.level)
    h, w = turned.shape[:2]
    shear = float(np.tan(np.radians(tilt.upright - tilt.level)))
    # Level lines lie level by now; rows are shifted against one another until the upright ones stand.
    wider = int(np.ceil(abs(shear) * h))
    matrix = np.array([[1.0, shear, -shear * (h - 1) / 2 + wider / 2], [0.0, 1.0, 0.0]])
    border = tuple(int(v) for v in np.median(image.reshape(-1, 3), axis=0))
    sheared = cv2.warpAffine(turned, matrix, (w + wider, h), flags=cv2.INTER_CUBIC, borderValue=border)
    whole = np.vstack([back, [0, 0, 1]]) @ np.vstack([cv2.invertAffineTransform(matrix), [0, 0, 1]])
    return np.asarray(sheared, dtype=np.uint8), np.asarray(whole[:2], dtype=np.float64)
