"""Comparisons with one control: by simulation, by what plain pooling gives without covariance, and by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from extract import ArmSummary
from pool import Effect, Effects, arm_effect, combine
from pool.measures import Counts, TwoMeans, binary_effects, mean_effects
from pool.shared import combine_correlated, shared_covariance, shared_event_covariance, split_control

CONTROL = ArmSummary("Able", "placebo", 40, 5.0, 2.0)
LOW, HIGH = ArmSummary("Able", "low", 30, 4.0, 1.8), ArmSummary("Able", "high", 35, 3.2, 2.1)
OTHER = arm_effect("MD", ArmSummary("Baker", "high", 50, 3.5, 2.0), ArmSummary("Baker", "placebo", 50, 4.6, 2.2))


def effects(measure: str) -> Effects:
    return Effects(measure, (arm_effect(measure, LOW, CONTROL, study="Able, low"), arm_effect(measure, HIGH, CONTROL, study="Able, high")))


def sampled(measure: str) -> float:
    """The covariance of two effects over samples of normal data with one control."""
    rng, m = np.random.default_rng(2), 200_000
    means, sds, sizes = ([rng.normal(a.mean, a.sd / math.sqrt(a.n), m) for a in (LOW, HIGH, CONTROL)], [], [])
    for arm in (LOW, HIGH, CONTROL):
        sds.append(arm.sd * np.sqrt(rng.chisquare(arm.n - 1, m) / (arm.n - 1)))
        sizes.append(np.full(m, arm.n))
    first, second = (
        mean_effects(measure, TwoMeans(means[k], sds[k], sizes[k], means[2], sds[2], sizes[2]))[0] for k in (0, 1)
    )  # fmt: skip
    return float(np.cov(first, second)[0, 1])


@pytest.mark.parametrize("measure", ["MD", "ROM", "SMD"])
def test_covariance_is_that_of_samples(measure: str) -> None:
    # 200,000 samples know a covariance of correlation 0.4 to 0.6 %; those of ROM and SMD are of first order and, for SMD, of equal SDs.
    within = {"MD": 0.02, "ROM": 0.03, "SMD": 0.08}[measure]
    assert shared_covariance(effects(measure))[0, 1] == pytest.approx(sampled(measure), rel=within)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_covariance_of_events_is_that_of_samples(measure: str) -> None:
    rng, m, n = np.random.default_rng(3), 200_000, 200
    a, b, c = (rng.binomial(n, p, m) for p in (0.3, 0.4, 0.5))
    first, second = (binary_effects(measure, Counts(x, n - x, c, n - c))[0] for x in (a, b))
    found = shared_event_covariance(measure, 100, 100)
    assert found == pytest.approx(float(np.cov(first, second)[0, 1]), rel=0.04)  # of first order in 1 / n


def test_without_shared_arms_it_is_the_usual_model() -> None:
    yi, vi = [0.2, -0.5, 0.9, 0.1], [0.05, 0.08, 0.04, 0.1]
    plain = Effects("GEN", tuple(Effect(str(k), y, v) for k, (y, v) in enumerate(zip(yi, vi, strict=True))))
    for method in ("REML", "ML", "EE"):
        here, there = combine_correlated(yi, np.diag(vi), method), combine(plain, method)
        ours = (here.estimate, here.se, here.ci_lb, here.p, here.tau2, here.q)
        assert ours == pytest.approx((there.estimate, there.se, there.ci_lb, there.p, there.tau2, there.q), rel=1e-8)


def test_sharing_a_control_costs_precision() -> None:
    pair = effects("MD")
    three = Effects("MD", (*pair.effects, OTHER))
    covariance = shared_covariance(three)
    assert covariance[0, 1] == CONTROL.sd**2 / CONTROL.n
    assert (covariance[2, :2] == 0).all()
    yi = [e.yi for e in three]
    known, ignored = combine_correlated(yi, covariance, "EE"), combine_correlated(yi, np.diag(np.diag(covariance)), "EE")
    assert known.se > ignored.se


def test_splitting_is_close_to_the_covariance() -> None:
    halves = split_control(CONTROL, 2)
    assert [half.n for half in halves] == [20, 20]
    split = Effects("MD", (arm_effect("MD", LOW, halves[0]), arm_effect("MD", HIGH, halves[1])))
    pair = effects("MD")
    exact = combine_correlated([e.yi for e in pair], shared_covariance(pair), "EE")
    assert combine(split, "EE").se == pytest.approx(exact.se, rel=0.01)
    assert [part.n for part in split_control(ArmSummary("A", "c", 23, 1.0, 1.0), 2)] == [12, 11]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: split_control(ArmSummary("A", "c", 5, 1.0, 1.0), 3), "expected 2 participants or more for each part .* found 5 for 3"),
        (lambda: shared_covariance(effects("SMDH")), "expected measure MD, ROM, SMD for effects of one control, found SMDH"),
        (lambda: shared_covariance(Effects("MD", (Effect("A", 1, 1), Effect("B", 1, 1)))), "expected the arms of every effect, found none"),
        (lambda: shared_event_covariance("OR", 0, 5), "a control arm with events and others, found OR, 0 and 5"),
        (lambda: combine_correlated([1, 2], [[1, 2], [2, 1]]), "symmetric and positive definite"),
        (lambda: combine_correlated([1, 2], [1, 2]), r"found \(2,\) and \(2,\)"),
        (lambda: combine_correlated([1, 2], np.eye(2), "DL"), "expected method REML, ML or EE, found 'DL'"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
