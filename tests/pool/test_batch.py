"""Many meta-analyses at once have the digits of each alone."""

from __future__ import annotations

import numpy as np
import pytest

from pool import Effect, Effects, combine
from pool.batch import METHODS, TESTS, combine_many


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_each_row_is_what_a_single_call_gives(method: str, test: str) -> None:
    rng = np.random.default_rng(7)
    vi = rng.uniform(0.02, 0.5, (40, 6))
    yi = rng.normal(0.3, np.sqrt(vi + rng.choice([0.0, 0.2], (40, 1))))
    batch = combine_many(yi, vi, method, test)
    for k in range(len(yi)):
        effects = tuple(Effect(str(j), y, v) for j, (y, v) in enumerate(zip(yi[k], vi[k], strict=True)))
        alone = combine(Effects("GEN", effects), method, test)
        for name in ("estimate", "se", "ci_lb", "ci_ub", "tau2", "q"):
            # Scoring stops at a relative change of 1e-11 of tau2.
            assert getattr(batch, name)[k] == pytest.approx(getattr(alone, name), rel=1e-8, abs=1e-9)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"expected yi and vi of one shape \(m, k\)"):
        combine_many([1, 2], [1, 1])
    with pytest.raises(ValueError, match="found 'PM' and 'z'"):
        combine_many([[1, 2]], [[1, 1]], "PM", "z")
    with pytest.raises(ValueError, match="finite variances above 0"):
        combine_many([[1, 2]], [[1, 0]])


def test_effects_that_are_alike_have_no_knapp_hartung_interval() -> None:
    found = combine_many([[0.3, 0.1 + 0.2, 0.3], [0.3, 0.4, 0.3]], [[1.0, 2.0, 0.5]] * 2)
    assert np.isnan(found.ci_lb).tolist() == np.isnan(found.se).tolist() == [True, False]
    assert not np.isnan(combine_many([[0.3, 0.3]], [[1.0, 2.0]], test="adhoc").se).any()


def test_scoring_that_never_settles_ends_at_the_digits_of_combine() -> None:
    """Effects on which Fisher scoring swings about the likeliest tau2: 200 steps leave it 0.002 off."""
    yi = [0.043, 0.298, 0.104, 1.087, 0.299, 0.85, 0.287, 0.529, 0.07, 0.637]
    vi = [0.198, 0.255, 0.363, 0.109, 0.335, 0.198, 0.397, 0.461, 0.452, 0.446]
    wanted = combine(Effects("GEN", tuple(Effect(str(k), y, v) for k, (y, v) in enumerate(zip(yi, vi, strict=True)))), "REML", "knha")
    found = combine_many([yi], [vi])
    assert (found.tau2[0], found.ci_lb[0]) == pytest.approx((wanted.tau2, wanted.ci_lb), abs=1e-10)


def test_the_higher_of_two_hills_is_found_in_many_as_in_one() -> None:
    rng = np.random.default_rng(3)
    v = 10 ** rng.uniform(-5, 1, size=(500, 4))
    y = rng.normal(size=(500, 4)) * rng.choice([0.1, 1.0, 5.0], size=(500, 1))
    found = combine_many(y, v).tau2[217]
    one = combine(Effects("GEN", tuple(Effect(str(k), *pair) for k, pair in enumerate(zip(y[217], v[217], strict=True)))), "REML")
    assert one.tau2 > 0.28  # scoring alone falls to 0, where the likelihood has a lower hill
    assert found == pytest.approx(one.tau2, rel=1e-9)
