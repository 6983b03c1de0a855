"""One axis: a straight line between pixels and the axis's scale, fitted through its ticks, and how far that line can be trusted.

The model is `px_i = a + b u_i + e_i` with `u_i = scale.forward(value_i)` exact and `e_i` the error of the tick's position. It is fitted by
weighted least squares and turned round to `u = intercept + slope px`, so that the noise sits where it arises: in the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from calibration.scale import FloatArray, Scale, Values, same_shape

SNAPPED_PX = 0.3
"""Standard uncertainty of a tick that its renderer put on whole pixels: 1/sqrt(12) = 0.29 px, and a little for finding it."""

GRID_PX = 0.35
"""Standard uncertainty of the place of the whole axis of such a renderer: which side of a tick's pixel the value stands on is not known
(the Agg renderer puts ticks of an odd width half a pixel off, those of an even width not)."""

EDGE_PX = 0.1
"""The same where ticks of an even width stand on the edges between pixels: the nearest edge is taken, on neither side of the value."""

SHARP_PX = 0.01
"""Standard uncertainty of a tick of clean ink, two pixels wide or less, that was spread over its pixels in proportion; wider ones are surer
in proportion (measured on pages drawn by PDFium: 0.010 at 100 dpi, 0.005 at 300 dpi)."""

PHASE_PX = 0.04
"""Standard deviation of how far ticks of such ink lie from their places because grey levels follow the ink not quite in proportion. That
error is the same for all ticks that fall alike on their pixels: as the sine of the place within the pixel, and `SECOND_HARMONIC` of that
twice as fast. Ticks that fall differently tell how large it is, and are mended in the fit; where all fall alike the axis is as unsure."""

SECOND_HARMONIC = 0.35

SHARP_WIDTH_PX = 2.0
"""Width of a stroke from which on both grow smaller in proportion."""

SHARP_STRENGTH = 4.0
"""Degrees of freedom that what is claimed of ticks between pixels counts for against their scatter."""

SHARP_SHIFT_PX = 0.002
"""Standard uncertainty of a shift that all such ticks share whatever else."""

STEPPED_PX = 0.2
"""Standard uncertainty of a tick in black and white alone, as on a fax: both edges of its stroke lie on whole pixels wherever it was drawn
(the mean of two errors of 1/sqrt(12) px). A page that lay askew leaves none of this to all ticks alike."""

SCATTERED_PX = 0.15
"""Ticks that scatter more than this about their axis (root mean square) were put on whole pixels, whatever blurred them since."""

CLAIM_STRENGTH = 30.0
"""Degrees of freedom that the claimed tick uncertainty counts for against the observed scatter (`scatter_factor`)."""

CLAIM_REFUTED = 0.05
"""Below this p-value of the chi-square test the claim's strength fades in proportion."""

SHARP_ROUNDS = 4
FLAT = 1e-12  # share of the ticks' extent below which the values of a line do not change along it

_T_INVERSE_DF = 1.0 / np.array([1e9, 60.0, 30.0, 20.0, 15.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.5, 2.0, 1.5, 1.0])
_T_975 = np.array([1.9600, 2.0003, 2.0423, 2.0860, 2.1314, 2.2281, 2.3060, 2.4469, 2.5706, 2.7764, 3.1824, 3.5630, 4.3027, 6.0327, 12.7062])


@dataclass(frozen=True)
class Tick:
    """One tick of an axis.

    Attributes
    ----------
    px : float
        Position along the axis, pixels.
    value : float
        Data value; NaN where the label could not be read or was refused.
    label : str
        The label's text as read.
    used : bool
        Whether the fit uses it.
    reason : str
        Why it is not used; empty for a used tick.
    u_px : float
        Standard uncertainty of the position (and of a rounded label's value, expressed in pixels).
    """

    px: float
    value: float
    label: str = ""
    used: bool = True
    reason: str = ""
    u_px: float = SNAPPED_PX


@dataclass(frozen=True)
class AxisCalibration:
    r"""A fitted axis: :math:`u = intercept + slope \, px` with `u` the scale's coordinate (the value itself on a linear axis).

    Attributes
    ----------
    scale : Scale
        How values are laid out along the axis.
    ticks : tuple of Tick
        All ticks, used or not, in the order given.
    slope, intercept : float
        The line; `slope` is in units of `u` a pixel.
    covariance : ndarray of shape (2, 2)
        Covariance of (intercept, slope). It is one error shared by all points of the panel, not noise of each point.
    rmse_px : float
        Root-mean-square residual of the used ticks, pixels.
    """

    scale: Scale
    ticks: tuple[Tick, ...]
    slope: float
    intercept: float
    covariance: FloatArray = field(compare=False)
    rmse_px: float

    @classmethod
    def fit(
        cls,
        px: npt.ArrayLike,
        values: npt.ArrayLike,
        *,
        scale: Scale,
        u_px: npt.ArrayLike = SNAPPED_PX,
        labels: Sequence[str] | None = None,
        u_common_px: float = 0.0,
    ) -> AxisCalibration:
        """Fit an axis through ticks.

        Parameters
        ----------
        px, values : array-like of shape (N,)
            Position and data value of each tick, N >= 2.
        scale : Scale
            `Linear()` or `Log10()`.
        u_px : float or array-like of shape (N,), optional
            Standard uncertainty of each tick's position; the default is that of a renderer which snaps ticks to whole pixels.
        labels : sequence of str, optional
            Texts of the tick labels, for the record.
        u_common_px : float, optional
            Standard uncertainty of a shift that all ticks share, as `GRID_PX`; no scatter shows it.

        Raises
        ------
        ValueError
            Fewer than 2 ticks, ticks that share one position or one value, a value outside the scale's domain, or `u_px` not above 0.
        """
        positions, numbers = np.atleast_1d(np.asarray(px, dtype=float)), np.atleast_1d(np.asarray(values, dtype=float))
        names = [""] * len(positions) if labels is None else list(labels)
        if not len(positions) == len(numbers) == len(names):
            msg = f"expected as many values and labels as ticks, found {len(positions)} ticks, {len(numbers)} values, {len(names)} labels"
            raise ValueError(msg)
        sigmas = np.broadcast_to(np.asarray(u_px, dtype=float), positions.shape)
        ticks = [Tick(float(p), float(v), n, u_px=float(s)) for p, v, n, s in zip(positions, numbers, names, sigmas, strict=True)]
        return cls.from_ticks(ticks, scale=scale, u_common_px=u_common_px)

    @classmethod
    def from_ticks(cls, ticks: Sequence[Tick], *, scale: Scale, u_common_px: float = 0.0, u_phase_px: float = 0.0) -> AxisCalibration:
        """Fit an axis through the used ones of `ticks`; the others are kept for the record.

        `u_phase_px` is the standard deviation of the error that goes with where in its pixel a tick lies (`PHASE_PX`). The other arguments
        and the errors are those of `fit`.
        """
        used = [tick for tick in ticks if tick.used]
        px, u, sigma = _checked(used, scale)
        a, b, claimed, chi2 = _line(px, u, np.diag(sigma**2) + _phase_covariance(px, u_phase_px))
        residuals = px - (a + b * u)
        covariance = claimed * scatter_factor(chi2, len(px) - 2)
        slope, intercept, turned = _turned_round(a, b, covariance)
        turned[0, 0] += (slope * u_common_px) ** 2
        turned.setflags(write=False)
        return cls(scale, tuple(ticks), slope, intercept, turned, float(np.sqrt(np.mean(residuals**2))))

    @classmethod
    def from_sharp_ticks(cls, ticks: Sequence[Tick], *, scale: Scale, u_px: float, u_phase_px: float) -> AxisCalibration:
        """Fit an axis through ticks that lie between pixels; those that bear `SNAPPED_PX` get an uncertainty from their own scatter.

        `u_px` is what is claimed of it beforehand, with the weight of `SHARP_STRENGTH` ticks. Arguments and errors else as `from_ticks`.
        """
        is_sharp = np.array([tick.u_px == SNAPPED_PX for tick in ticks])
        px, u, sigma = _checked([tick for tick in ticks if tick.used], scale)
        own = sigma == SNAPPED_PX
        phase = _phase_covariance(px, u_phase_px)
        noise = u_px
        for _ in range(SHARP_ROUNDS):
            chi2 = _line(px, u, np.diag(np.where(own, noise, sigma) ** 2) + phase)[3]
            noise = math.sqrt((SHARP_STRENGTH * u_px**2 + chi2 * noise**2) / (SHARP_STRENGTH + len(px) - 2))
        sharp = [replace(tick, u_px=noise) if is_own else tick for tick, is_own in zip(ticks, is_sharp, strict=True)]
        return cls.from_ticks(sharp, scale=scale, u_common_px=SHARP_SHIFT_PX, u_phase_px=u_phase_px)

    @property
    def residuals_px(self) -> FloatArray:
        """Position minus fitted position of each tick, pixels, shape (N,); NaN for a tick without a value on this scale."""
        return np.array([tick.px - self._pixel_or_nan(tick.value) for tick in self.ticks])

    @property
    def span(self) -> float:
        """Value of the last used tick along the pixels minus that of the first."""
        used = sorted((tick.px, tick.value) for tick in self.ticks if tick.used)
        return used[-1][1] - used[0][1]

    def to_value(self, px: Values) -> Values:
        """Return the data value(s) at the pixel position(s)."""
        return cast(Values, same_shape(px, self.scale.inverse(self._u(px))))

    def to_pixel(self, value: Values) -> Values:
        """Return the pixel position(s) of the data value(s); a value outside the scale's domain raises ValueError."""
        return cast(Values, same_shape(value, (np.asarray(self.scale.forward(value)) - self.intercept) / self.slope))

    def u_shared(self, px: Values) -> Values:
        """Return the standard uncertainty of the value at `px`, data units, of the axis fit alone: one error shared by the panel."""
        position = np.asarray(px, dtype=float)
        (v00, v01), (_, v11) = self.covariance
        variance = np.maximum(v00 + 2.0 * v01 * position + v11 * position**2, 0.0)
        return cast(Values, same_shape(px, np.sqrt(variance) / self._du_dvalue(position)))

    def u_value(self, px: Values, u_px: npt.ArrayLike = 0.0) -> Values:
        """Return the standard uncertainty of the value at `px`, data units.

        Axis fit and position (`u_px`, the standard uncertainty of `px`) are taken as independent; to first order.
        """
        position = np.asarray(px, dtype=float)
        own = np.abs(self.slope) * np.asarray(u_px, dtype=float) / self._du_dvalue(position)
        return cast(Values, same_shape(px, np.hypot(np.asarray(self.u_shared(position)), own)))

    def shifted_by_up_to(self, u_px: float) -> AxisCalibration:
        """Return the axis with a further uncertainty that all its values share: that of a shift along it, px."""
        covariance = self.covariance.copy()
        covariance[0, 0] += (self.slope * u_px) ** 2
        covariance.setflags(write=False)
        return replace(self, covariance=covariance)

    def times(self, factor: float) -> AxisCalibration:
        """Return the axis with all its values multiplied by a positive factor."""
        ticks = tuple(replace(tick, value=tick.value * factor) for tick in self.ticks)
        if self.scale.name == "log10":
            return replace(self, ticks=ticks, intercept=self.intercept + math.log10(factor))
        covariance = self.covariance * factor**2
        covariance.setflags(write=False)
        return replace(self, ticks=ticks, slope=self.slope * factor, intercept=self.intercept * factor, covariance=covariance)

    def _u(self, px: float | FloatArray) -> FloatArray:
        return np.asarray(self.intercept + self.slope * np.asarray(px, dtype=float))

    def _du_dvalue(self, position: FloatArray) -> FloatArray:
        return np.asarray(self.scale.derivative(np.asarray(self.scale.inverse(self._u(position)))))

    def _pixel_or_nan(self, value: float) -> float:
        try:
            return self.to_pixel(value)
        except ValueError:
            return math.nan


def scatter_factor(chi2: float, dof: int) -> float:
    """Return the factor, 1 or more, by which the claimed covariance of an axis is widened for the scatter of its ticks.

    The claimed variance counts as an estimate with `CLAIM_STRENGTH` degrees of freedom and is pooled with the observed one (`dof` = ticks
    - 2). Where the chi-square test refutes the claim (p below `CLAIM_REFUTED`) its strength fades in proportion to p until the observed
    scatter stands alone, and Student's quantile takes over from the normal one in step, so that 1.96 standard uncertainties still cover
    95 %. A scatter below the claim never narrows it: few ticks on whole pixels line up by luck.
    """
    if dof < 1:
        return 1.0
    trust = min(1.0, chi2_sf(chi2, dof) / CLAIM_REFUTED)
    pooled = (trust * CLAIM_STRENGTH + chi2) / (trust * CLAIM_STRENGTH + dof)
    student = float(np.interp((1.0 - trust) / dof, _T_INVERSE_DF, _T_975) / _T_975[0])
    return max(1.0, pooled * student**2)


def chi2_sf(chi2: float, dof: int) -> float:
    """Return the chance of a chi-square above `chi2`: the closed forms of Abramowitz & Stegun 26.4.4 and 26.4.5 (`dof` is an integer)."""
    half = 0.5 * chi2
    if dof % 2 == 0:
        terms = [1.0]
        for k in range(1, dof // 2):
            terms.append(terms[-1] * half / k)
        return math.exp(-half) * math.fsum(terms)
    term = math.sqrt(half) * math.exp(-half) / math.gamma(1.5)
    total = math.erfc(math.sqrt(half))
    for k in range(1, (dof + 1) // 2):
        total += term
        term *= half / (k + 0.5)
    return total


def _checked(used: Sequence[Tick], scale: Scale) -> tuple[FloatArray, FloatArray, FloatArray]:
    if len(used) < 2:
        msg = f"expected 2 ticks or more on the axis, found {len(used)}"
        raise ValueError(msg)
    px = np.array([tick.px for tick in used])
    u = scale.forward(np.array([tick.value for tick in used]))
    sigma = np.array([tick.u_px for tick in used])
    if not np.all(np.isfinite(px)):
        msg = f"expected finite tick positions, found {px[~np.isfinite(px)][0]:g}"
        raise ValueError(msg)
    if not np.all(sigma > 0):
        msg = f"expected tick uncertainties above 0 px, found {np.min(sigma):g}"
        raise ValueError(msg)
    for name, column in (("positions", px), ("values", np.array([tick.value for tick in used]))):
        if np.ptp(column) == 0:
            msg = f"expected 2 or more different tick {name} on the axis, found {column[0]:g} only"
            raise ValueError(msg)
    return px, np.asarray(u), sigma


def _phase_covariance(px: FloatArray, u_phase_px: float) -> FloatArray:
    """Return the covariance of the errors that ticks share by where in their pixels they lie, shape (N, N); pixels have whole middles."""
    first, second = np.sin(2.0 * np.pi * px), SECOND_HARMONIC * np.sin(4.0 * np.pi * px)
    return np.asarray(u_phase_px**2 * (np.outer(first, first) + np.outer(second, second)))


def _line(px: FloatArray, u: FloatArray, covariance: FloatArray) -> tuple[float, float, FloatArray, float]:
    """Return a, b of `px = a + b u`, their covariance under that of the ticks, and chi-square (generalised least squares, Aitken 1936).

    The fit is centred on the middle of u for numerical safety.
    """
    centre = float(np.mean(u))
    factor = np.linalg.cholesky(covariance)
    design, places = (np.linalg.solve(factor, v) for v in (np.column_stack([np.ones_like(u), u - centre]), px))
    q, r = np.linalg.qr(design)
    middle, b = np.linalg.solve(r, q.T @ places).tolist()
    chi2 = float(np.sum((places - design @ np.array([middle, b])) ** 2))
    if abs(b) * np.ptp(u) < FLAT * np.ptp(px):
        msg = f"expected values that rise or fall along the axis, found no trend over {len(px)} ticks"
        raise ValueError(msg)
    inverse = np.linalg.inv(r)
    shift = np.array([[1.0, -centre], [0.0, 1.0]])
    return middle - b * centre, b, np.asarray(shift @ inverse @ inverse.T @ shift.T), chi2


def _turned_round(a: float, b: float, covariance: FloatArray) -> tuple[float, float, FloatArray]:
    """Turn `px = a + b u` into `u = intercept + slope px`, with the covariance of (intercept, slope) to first order."""
    jacobian = np.array([[-1.0 / b, a / b**2], [0.0, -1.0 / b**2]])
    return 1.0 / b, -a / b, jacobian @ covariance @ jacobian.T
