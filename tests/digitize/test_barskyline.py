"""What a bar looks like from above: its lid, where one shows."""

from __future__ import annotations

import numpy as np

from digitize.barskyline import _lid_below


def test_where_nothing_stands_there_is_no_lid() -> None:
    assert _lid_below(np.zeros((6, 12), dtype=bool), 1, 10, top=6) is None
