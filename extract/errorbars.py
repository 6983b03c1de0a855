"""SD from an error bar whose kind is known: sd, se, ci, iqr or range. The kind is always told, never guessed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from scipy.special import ndtri, stdtrit

from extract.closedforms import Expected
from extract.estimators import EXPECTED_LABEL, iqr_per_sd, range_per_sd
from extract.summary import NAN, checked_n

KINDS = ("sd", "se", "ci95", "iqr", "range")
# Half-widths of one error bar count as different beyond this many standard uncertainties of their difference.
_ASYMMETRY_LIMIT = 3.0


@dataclass(frozen=True)
class ErrorBarKind:
    """What an error bar shows: `name` is sd, se, ci, iqr or range; `level` is the confidence level (0 to 1) of a ci, else NaN."""

    name: Literal["sd", "se", "ci", "iqr", "range"]
    level: float = NAN

    def __str__(self) -> str:
        """The kind as it is written in tables: "se", "ci95"."""
        return f"ci{100 * self.level:.6g}" if self.name == "ci" else self.name


@dataclass(frozen=True)
class SdReading:
    """An SD from an error bar, its standard uncertainty of reading (NaN if not given), how it was computed, and flags.

    Flags: `one_sided` (one end only; the bar was taken as symmetric), `asymmetric` (the halves differ by more than reading allows),
    `bar_within_reading` (the bar is not longer than twice the uncertainty of reading it).
    """

    sd: float
    u_sd: float
    method: str
    flags: tuple[str, ...] = ()


def error_bar_kind(text: str | None) -> ErrorBarKind:
    """The kind that a word names: sd, se (or sem), ciNN such as ci90 or ci97.5 (plain ci is 95 %), iqr, range.

    Raises
    ------
    ValueError
        If no kind is given, or an unknown one; the message lists the kinds.
    """
    word = re.sub(r"[\s_%-]", "", text or "").lower()
    if not word:
        message = "error bars: say what they are: sd, se, ci95, iqr or range; the figure does not tell"
        raise ValueError(message)
    if word in ("sd", "iqr", "range"):
        return ErrorBarKind(word)  # type: ignore[arg-type]  # mypy does not narrow str to the literals
    if word in ("se", "sem"):
        return ErrorBarKind("se")
    match = re.fullmatch(r"ci(\d+(?:\.\d+)?)?|(\d+(?:\.\d+)?)ci", word)
    level = float(match[1] or match[2] or 95) if match else 0.0
    if not 50 <= level < 100:
        message = f"expected error bars to be one of sd, se, ciNN (as ci95), iqr, range; found {text!r}"
        raise ValueError(message)
    return ErrorBarKind("ci", level / 100)


def sd_from_error_bar(
    kind: str | ErrorBarKind | None,
    n: int,
    *,
    y: float,
    y_lo: float | None,
    y_hi: float | None,
    u_y: float | None = None,
    u_y_lo: float | None = None,
    u_y_hi: float | None = None,
    ci: Literal["t", "z"] = "t",
    xi: Expected = "blom",
) -> SdReading:
    """SD of the participants from one error bar around a mean.

    sd: half-width; se: half-width x sqrt(n); ci: half-width x sqrt(n) / c with c the t quantile at n - 1 degrees of freedom (Cochrane
    Handbook 6.5.2.2); range: width / xi(n); iqr: width / eta(n) (Wan et al. 2014, eq. 9 and 16; normal data). The half-width is half
    the distance between the ends, or the one end's distance from y.

    Parameters
    ----------
    kind
        What the error bars are; see `error_bar_kind`.
    n
        Number of participants, 2 or more.
    y, y_lo, y_hi
        The mean and the ends of its error bar, in data units; None for an end that is not drawn or was not read.
    u_y, u_y_lo, u_y_hi
        Standard uncertainties of reading them, taken as independent.
    ci
        "t", or "z" where the paper used the normal quantile.
    xi
        Blom's approximation or the exact expected range; see `estimate`.

    Raises
    ------
    ValueError
        If the kind is missing or unknown, n is below 2, both ends are missing, an end lies on the wrong side of y, or one end of a range
        or iqr is missing (neither is symmetric by nature).
    """
    bar = kind if isinstance(kind, ErrorBarKind) else error_bar_kind(kind)
    size = checked_n(n, f"error bars {bar}")
    _check_ends(bar, y, y_lo, y_hi)
    half, u_half, flags = _half_width(y, y_lo, y_hi, u_y, u_y_lo, u_y_hi)
    factor, method = _sd_per_half_width(bar, size, ci, xi)
    if bar.name in ("iqr", "range"):
        flags = tuple(flag for flag in flags if flag != "asymmetric")
    return SdReading(factor * half, factor * u_half, method, flags)


def _check_ends(bar: ErrorBarKind, y: float, y_lo: float | None, y_hi: float | None) -> None:
    ends = f"y_lo {_shown(y_lo)}, y {y:g}, y_hi {_shown(y_hi)}"
    if not all(math.isfinite(value) for value in (y, y_lo, y_hi) if value is not None):
        message = f"expected finite values, found {ends}"
        raise ValueError(message)
    if y_lo is None and y_hi is None:
        message = f"expected an end of the error bar or both, found none ({ends})"
        raise ValueError(message)
    if (y_lo is not None and y_lo > y) or (y_hi is not None and y_hi < y):
        message = f"expected y_lo <= y <= y_hi, found {ends}"
        raise ValueError(message)
    if bar.name in ("iqr", "range") and (y_lo is None or y_hi is None):
        message = f"expected both ends of a bar that shows {bar}, found {ends}"
        raise ValueError(message)


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _half_width(
    y: float, y_lo: float | None, y_hi: float | None, u_y: float | None, u_y_lo: float | None, u_y_hi: float | None
) -> tuple[float, float, tuple[str, ...]]:
    """Half-width, its reading uncertainty (NaN if not known) and flags."""
    flags = []
    if y_lo is not None and y_hi is not None:
        half, u_half = (y_hi - y_lo) / 2, _root_sum(u_y_lo, u_y_hi) / 2
        # The difference of the halves is y_lo + y_hi - 2 y.
        if abs(y_lo + y_hi - 2 * y) > _allowed_asymmetry(half, _root_sum(u_y_lo, u_y_hi, u_y, u_y, u_y, u_y)):
            flags.append("asymmetric")
    else:
        flags.append("one_sided")
        half = y - y_lo if y_lo is not None else (y_hi if y_hi is not None else NAN) - y
        u_half = _root_sum(u_y, u_y_lo if y_lo is not None else u_y_hi)
    if half == 0 or half <= 2 * u_half:
        flags.append("bar_within_reading")
    return half, u_half, tuple(flags)


def _allowed_asymmetry(half: float, u_difference: float) -> float:
    """How far the halves may differ: by reading uncertainty where it is known, else by a tenth of the half-width."""
    return 0.1 * half if math.isnan(u_difference) else _ASYMMETRY_LIMIT * u_difference + 1e-9 * half


def _root_sum(*parts: float | None) -> float:
    known = [part for part in parts if part is not None]
    return math.hypot(*known) if len(known) == len(parts) else NAN


def _sd_per_half_width(bar: ErrorBarKind, n: int, ci: str, xi: Expected) -> tuple[float, str]:
    if bar.name == "sd":
        return 1.0, "sd"
    if bar.name == "se":
        return math.sqrt(n), "se x sqrt(n)"
    if bar.name == "ci":
        return math.sqrt(n) / confidence_quantile(bar.level, n, ci), f"{bar} x sqrt(n) / {f't({n - 1})' if ci == 't' else 'z'}"
    label = EXPECTED_LABEL[xi]
    expected = range_per_sd(n, xi) if bar.name == "range" else iqr_per_sd(n, xi)
    return 2.0 / expected, f"{bar} / {'xi' if bar.name == 'range' else 'eta'}(n) (wan2014, {label})"


def confidence_quantile(level: float, n: int, ci: str = "t") -> float:
    """Half-width of a confidence interval in standard errors: the t quantile at n - 1 degrees of freedom, or the normal one.

    Raises
    ------
    ValueError
        If `ci` is neither t nor z.
    """
    if ci not in ("t", "z"):
        message = f"expected ci to be t or z, found {ci!r}"
        raise ValueError(message)
    p = 0.5 + level / 2
    return float(stdtrit(n - 1, p)) if ci == "t" else float(ndtri(p))
