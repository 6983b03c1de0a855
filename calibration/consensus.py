"""Straight lines that as many tick labels as possible agree on.

Every pair of labels, each in each of its meanings, proposes a line `px = a + b u`; every other label votes for it with the meaning that
fits best. The number of labels on an axis is small, so all pairs are tried and nothing is left to chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from calibration.scale import FloatArray, Scale

IntArray = npt.NDArray[np.int64]

ROUNDED_VOTE = 0.6
"""What a label counts whose line passes through the interval of its rounded digits but not through the printed number."""

ROUNDED_GAP = 0.42
"""An author's rounding moves a label by less than this share of the distance to its neighbour; half of it would be another label."""

ROUNDED_LOG = 0.05
"""The largest rounding of a label on a logarithmic axis, decades (`0.4` for 1/e is 0.036)."""

WORTH_TRYING = 0.5
"""Lines with fewer votes than this share of the best one's are no rivals."""


@dataclass(frozen=True)
class Candidates:
    """All meanings of all labels on one scale, sorted by label.

    Arrays of shape (C,): `label` (place of the label), `value`, `u`, the interval `u_lo`..`u_hi` of its rounding, `cost`. Arrays of shape
    (L,), one entry a label: `px`, `weight`, `gap` (distance to the nearest other label). `tol` is how far a label may be from its tick.
    """

    scale: Scale
    label: IntArray
    value: FloatArray
    u: FloatArray
    u_lo: FloatArray
    u_hi: FloatArray
    cost: FloatArray
    px: FloatArray
    weight: FloatArray
    gap: FloatArray
    tol: float

    @cached_property
    def starts(self) -> IntArray:
        """Where each label that has a meaning begins in the arrays of candidates."""
        return np.flatnonzero(np.concatenate(([True], self.label[1:] > self.label[:-1])))

    @cached_property
    def run(self) -> IntArray:
        """Which of `starts` each candidate belongs to."""
        return np.cumsum(np.concatenate(([0], self.label[1:] > self.label[:-1])))


@dataclass(frozen=True)
class Line:
    """`px = a + b u` and the candidates (places in `Candidates`) that vote for it; `is_rounded` where only as a rounded label."""

    a: float
    b: float
    voters: IntArray
    is_rounded: npt.NDArray[np.bool_]
    votes: float


def lines(candidates: Candidates, keep: int = 5, least: float = 0.0) -> list[Line]:
    """Return the lines with most votes, `least` or more, best first, at most `keep`, no two with the same voters."""
    a, b = _proposals(candidates)
    if not len(a):
        return []
    vote = _votes(candidates, a, b)[0]
    total = np.maximum.reduceat(vote, candidates.starts, axis=1).sum(axis=1)
    floor = max(least, WORTH_TRYING * float(total.max()))
    found: dict[bytes, Line] = {}
    tried: set[bytes] = set()
    for place in np.argsort(-total, kind="stable"):
        pattern = (vote[place] > 0).tobytes()
        if total[place] < floor or len(tried) >= 2 * keep or len(found) >= keep:
            break
        if pattern in tried:
            continue
        tried.add(pattern)
        line = _settled(candidates, float(a[place]), float(b[place]))
        if line is not None and (line.voters.tobytes() not in found or found[line.voters.tobytes()].votes < line.votes):
            found[line.voters.tobytes()] = line
    return sorted(found.values(), key=lambda line: -line.votes)


def least_squares(u: FloatArray, px: FloatArray, sigma: FloatArray | None = None) -> tuple[float, float] | None:
    """Return a, b of the (weighted) least-squares line `px = a + b u`; None where all `u` or all `px` are the same."""
    weight = np.ones_like(u) if sigma is None else sigma**-2.0
    total = weight.sum()
    centre, middle = float(weight @ u / total), float(weight @ px / total)
    spread = float(weight @ (u - centre) ** 2)
    b = float(weight @ ((u - centre) * (px - middle))) / spread if spread > 0.0 else 0.0
    return (middle - b * centre, b) if b != 0.0 else None


def _settled(candidates: Candidates, a: float, b: float) -> Line | None:
    """Return the line after refitting it to its voters, twice at most; None where fewer than 2 labels vote for it."""
    line = _counted(candidates, a, b)
    for _ in range(2):
        if line is None:
            return None
        fitted = least_squares(candidates.u[line.voters], candidates.px[candidates.label[line.voters]])
        again = None if fitted is None else _counted(candidates, *fitted)
        if again is None or again.votes <= line.votes:
            return line
        line = again
    return line


def _counted(candidates: Candidates, a: float, b: float) -> Line | None:
    vote, is_rounded = (array[0] for array in _votes(candidates, np.array([a]), np.array([b])))
    voters = np.flatnonzero((vote > 0) & (vote == np.maximum.reduceat(vote, candidates.starts)[candidates.run]))
    voters = voters[np.concatenate(([True], candidates.run[voters[1:]] > candidates.run[voters[:-1]]))] if len(voters) else voters
    if len(voters) < 2:
        return None
    return Line(a, b, voters, is_rounded[voters], float(vote[voters].sum()))


def _proposals(candidates: Candidates) -> tuple[FloatArray, FloatArray]:
    """Return a, b of the lines through every two candidates of labels that stand apart."""
    first, second = np.triu_indices(len(candidates.u), k=1)
    px, u = candidates.px[candidates.label], candidates.u
    is_apart = (np.abs(px[second] - px[first]) > candidates.tol) & (u[second] != u[first])
    first, second = first[is_apart], second[is_apart]
    b = (px[second] - px[first]) / (u[second] - u[first])
    return px[first] - b * u[first], b


def _votes(candidates: Candidates, a: FloatArray, b: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return votes and whether each is a rounded one, both of shape (lines, candidates)."""
    px, gap, tol = candidates.px[candidates.label], candidates.gap[candidates.label], candidates.tol
    a, b = a[:, None], b[:, None]
    off = np.abs(px - (a + b * candidates.u))
    one_end, other_end = a + b * candidates.u_lo - px, a + b * candidates.u_hi - px
    outside = np.maximum(np.minimum(one_end, other_end), -np.maximum(one_end, other_end))
    is_rounded = (off > tol) & (outside <= tol) & (off <= ROUNDED_GAP * gap)
    vote = np.where(off <= tol, 1.0 - 0.3 * (off / tol) ** 2, np.where(is_rounded, ROUNDED_VOTE, 0.0))
    return np.where(vote > 0, np.maximum(vote - candidates.cost, 0.0), 0.0) * candidates.weight[candidates.label], is_rounded
