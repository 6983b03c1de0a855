"""An arm whose median and other quantiles are known: estimated, with what the other estimators would have given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from extract.closedforms import Expected
from extract.estimators import estimate, spread_of
from extract.quantiles import Quantiles
from extract.summary import ArmSummary


def arm_from_quantiles(
    blank: ArmSummary,
    values: Mapping[str, float],
    readings: Mapping[str, float | None] | None = None,
    *,
    method: str = "wan2014",
    xi: Expected = "blom",
) -> ArmSummary:
    """An arm with mean and SD estimated from its quantiles.

    Parameters
    ----------
    blank
        The arm with its names and n.
    values, readings
        The quantiles by name (minimum, q1, median, q3, maximum), and the standard uncertainties of reading them.
    method, xi
        See `estimate`.

    Returns
    -------
    ArmSummary
        With the quantiles in `extra`, and `sd_lowest` and `sd_highest`: the smallest and the largest SD of all estimators that apply.

    Raises
    ------
    ValueError
        As `estimate` does.
    """
    told = {f"u_{name}": reading for name, reading in (readings or {}).items() if name in values}
    found = estimate(blank.n, **values, **told, method=method, xi=xi)  # type: ignore[arg-type]  # names are checked there
    sds = [sd for _, _, sd in spread_of(Quantiles(blank.n, **values))]
    kept = tuple((name, f"{value:.10g}") for name, value in values.items() if name not in dict(blank.extra))
    return replace(
        blank,
        mean=found.mean,
        sd=found.sd,
        u_mean=found.u_mean,
        u_sd=found.u_sd,
        se_mean=found.se_mean,
        se_sd=found.se_sd,
        how="estimated",
        method=found.method,
        flags=(*blank.flags, *found.flags),
        extra=(*blank.extra, *kept, ("sd_lowest", f"{min(sds):.6g}"), ("sd_highest", f"{max(sds):.6g}")),
    )
