"""A file -> figures -> series of points: the only room that opens images and PDFs.

Importing this package is cheap; what reads figures is loaded when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitize.file import NoPlotFound, Reading, digitize_file
    from digitize.given import GivenAxis
    from digitize.page import UnreadableFile

__all__ = ["GivenAxis", "NoPlotFound", "Reading", "UnreadableFile", "digitize_file"]

_HOMES = {
    "GivenAxis": "digitize.given",
    "NoPlotFound": "digitize.file",
    "Reading": "digitize.file",
    "UnreadableFile": "digitize.page",
    "digitize_file": "digitize.file",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'digitize' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)
