"""Images at another scale."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def scaled_to(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """The image (h, w, 3) with `scale` pixels for each of its own; a pixel position v becomes (v + 0.5) * scale - 0.5."""
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    # Given as factors, not as a size: a size rounds to whole pixels and shifts what stands at the far edge by half of one.
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=mode), dtype=np.uint8)
