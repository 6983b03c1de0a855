"""What several tests of digitize need."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import pytest


@pytest.fixture
def plain_fonts() -> Iterator[None]:
    """Figures in the font that matplotlib brings along; PDFs keep it as TrueType."""
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 10, "pdf.fonttype": 42}):
        yield
