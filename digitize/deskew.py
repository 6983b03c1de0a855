"""The rotation of a scanned figure, from its own long straight lines."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_DEGREES = 2.5
NEGLIGIBLE_DEGREES = 0.04  # 0.35 px over 500 px: below this, resampling costs more than it mends


def estimate_rotation(gray: NDArray[np.uint8]) -> float:
    """Angle in degrees by which the image must be turned counter-clockwise so that its axes stand upright.

    Axis lines, frames and gridlines are long; seen along their own direction their ink falls on few rows and columns. The angle with the
    sharpest row and column profiles is found on a grid, then set by straight lines fitted to the ink of the sharpest rows and columns.

    Parameters
    ----------
    gray : (h, w) uint8

    Returns
    -------
    float
        Degrees in [-2.5, 2.5]; 0.0 where no straight line tells.
    """
    # Only thin ink: the inside of a filled bar is no line and would tilt the fit along its edges.
    thin = cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, np.ones((9, 9), np.uint8))
    ys, xs = np.nonzero(thin > 40)
    if xs.size < 50:
        return 0.0
    if xs.size > 80_000:
        keep = np.random.default_rng(0).choice(xs.size, 80_000, replace=False)
        xs, ys = xs[keep], ys[keep]
    x, y = xs - gray.shape[1] / 2, ys - gray.shape[0] / 2
    angle = _sharpest(x, y, 0.0, 0.1, MAX_DEGREES)
    angle = _sharpest(x, y, angle, 0.02, 0.1)
    return _polish(x, y, angle)


def _profiles(x: NDArray[np.float64], y: NDArray[np.float64], degrees: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    t = np.tan(np.radians(degrees))
    return np.floor(y - x * t).astype(np.int64), np.floor(x + y * t).astype(np.int64)


def _sharpest(x: NDArray[np.float64], y: NDArray[np.float64], centre: float, step: float, reach: float) -> float:
    def sharpness(degrees: float) -> float:
        return float(sum((np.diff(np.bincount(v - v.min()).astype(float)) ** 2).sum() for v in _profiles(x, y, degrees)))

    count = round(reach / step)
    angles = [centre + step * k for k in range(-count, count + 1)]
    return float(angles[int(np.argmax([sharpness(a) for a in angles]))])


def _polish(x: NDArray[np.float64], y: NDArray[np.float64], angle: float) -> float:
    """Mean slope of lines fitted to the ink near the four fullest rows and columns, weighted by what fixes them."""
    rows, cols = _profiles(x, y, angle)
    t = np.tan(np.radians(angle))
    slopes, weights, upright = [], [], []
    for v, along, across in ((rows, x, y - x * t), (cols, y, x + y * t)):
        counts = np.bincount(v - v.min()).astype(float)
        extent = float(np.ptp(along)) + 1
        for _ in range(4):
            peak = int(np.argmax(counts))
            if counts[peak] < 0.25 * extent:
                break
            near = np.abs(across - (peak + v.min() + 0.5)) < 3.0
            a, c = along[near], across[near]
            for _ in range(3):
                fit = np.polyfit(a, c, 1)
                inside = np.abs(c - np.polyval(fit, a)) < 1.5
                if inside.sum() < 20:
                    break
                a, c = a[inside], c[inside]
            sign = 1.0 if v is rows else -1.0
            slopes.append(sign * float(fit[0]))
            weights.append(float(a.size) * float(np.var(a)))
            upright.append(v is cols)
            counts[max(0, peak - 4) : peak + 5] = 0
    return _agreed(np.degrees(slopes), np.array(weights), np.array(upright), angle)


def _agreed(residuals: NDArray[np.float64], weights: NDArray[np.float64], upright: NDArray[np.bool_], angle: float) -> float:
    """The angle that half of the lines (by weight) share within 0.04 degrees, some lying and some upright; else what the profiles said."""
    agreed = angle if abs(angle) > 0.25 else 0.0
    if residuals.size:
        together = np.abs(residuals[:, None] - residuals) < 0.04
        support = together @ weights
        best = int(np.argmax(support))
        both = len(set(upright[together[best]].tolist())) == 2
        if support[best] > 0.5 * weights.sum() and (both or abs(angle) > 0.15):
            agreed = angle + float(np.average(residuals[together[best]], weights=weights[together[best]]))
    return agreed if abs(agreed) >= NEGLIGIBLE_DEGREES else 0.0


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
