"""readoff: read the numbers off a trial figure and carry them, with their uncertainty, to a pooled effect.

The verbs that a notebook needs::

    import readoff

    reading = readoff.digitize("felsby.pdf")
    arms = readoff.extract(reading, error_bars="range", centre="median", n=10, study="Felsby 1995")
    result = readoff.pool(arms, measure="MD", method="DL", test="z", treated="Magnesium", control="Placebo")
"""

from __future__ import annotations

from pathlib import Path

from readoff._shadow import raise_if_hidden

raise_if_hidden(Path(__file__).resolve().parent.parent)

from readoff.verbs import digitize, extract, pool  # noqa: E402 - a hidden package must be named before anything imports it

__version__ = "0.1.0"

__all__ = ["__version__", "digitize", "extract", "pool"]
