"""Pooled results: a published review, two classic data sets, metafor on all reference data, and the laws of a weighted mean."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract import ArmSummary
from pool import Effect, Effects, Omission, combine, effects_from_arms, heterogeneity, tau2_dl
from pool.tau2 import estimate_tau2, simple


def effects(yi: list[float], vi: list[float], measure: str = "GEN", reading: list[float] | None = None) -> Effects:
    columns = zip(yi, vi, reading or [0.0] * len(yi), strict=True)
    return Effects(measure, tuple(Effect(f"Study {i + 1}", y, v, r) for i, (y, v, r) in enumerate(columns)))


# Magnesium sulfate in neuropathic pain (2025): mean, SD, n by study and arm. The SD 2.45 and Kim's ketamine arm are not printed there; they
# are the values that give its published results.
MAGNESIUM = (
    ArmSummary("Felsby 1995", "magnesium", 10, 3.73, 1.27),
    ArmSummary("Felsby 1995", "placebo", 10, 4.40, 1.20),
    ArmSummary("Felsby 1995", "ketamine", 10, 3.77, 1.24),
    ArmSummary("Yousef 2013", "magnesium", 40, 4.7, 1.8),
    ArmSummary("Yousef 2013", "placebo", 40, 7.2, 2.45),
    ArmSummary("Pickering 2011", "magnesium", 22, 4.0, 3.0),
    ArmSummary("Pickering 2011", "placebo", 23, 4.0, 2.0),
    ArmSummary("Kim 2015", "magnesium", 15, 3.1, 1.45),
    ArmSummary("Kim 2015", "ketamine", 15, 4.33, 1.12),
)


@pytest.mark.parametrize(
    ("control", "k", "published"),
    [("placebo", 3, (-1.129, -2.643, 0.385, 80.67)), ("ketamine", 2, (-0.673, -1.837, 0.490, 61.95))],
)
def test_magnesium_review_figures_2a_and_2b(control: str, k: int, published: tuple[float, ...]) -> None:
    result = combine(effects_from_arms(MAGNESIUM, "magnesium", control))
    assert result.k == k
    found = (result.estimate, result.ci_lb, result.ci_ub)
    assert found == pytest.approx(published[:3], abs=0.0005)
    assert result.i2 == pytest.approx(published[3], abs=0.005)


# BCG vaccine against tuberculosis (Colditz et al. 1994), log risk ratios of 13 trials.
BCG_YI = [
    -0.889311333920205, -1.58538865720143, -1.34807314829969, -1.44155119002131, -0.217547322211296, -0.786115585818864, -1.62089822359839,
    0.0119523335238405, -0.469417648738149, -1.37134480347278, -0.339358828338391, 0.445913400571379, -0.0173139482168798,
]  # fmt: skip
BCG_VI = [
    0.325584765003961, 0.194581121398144, 0.415367965367965, 0.0200100319022476, 0.0512101721696309, 0.00690561845590876, 0.223017247572315,
    0.00396157929781773, 0.056434210463249, 0.0730247936130289, 0.0124122139715597, 0.532505845200153, 0.0714046596839863,
]  # fmt: skip
# Length of hospital stay under specialist stroke care (Normand 1999, Table 2): n, mean, SD of the specialist arm, then of routine care.
NORMAND = (
    (155, 55, 47, 156, 75, 64), (31, 27, 7, 32, 29, 4), (75, 64, 17, 71, 119, 29), (18, 66, 20, 18, 137, 48), (8, 14, 8, 13, 18, 11),
    (57, 19, 7, 52, 18, 4), (34, 52, 45, 33, 41, 34), (110, 21, 16, 183, 31, 27), (60, 30, 27, 52, 23, 20),
)  # fmt: skip


def test_bcg_by_both_models() -> None:
    random = combine(effects(BCG_YI, BCG_VI, "RR"), "DL")
    # metafor 5.1; the inputs above have 15 digits.
    assert (random.estimate, random.se, random.tau2) == pytest.approx((-0.714117222073, 0.178742089535, 0.308760262862), rel=1e-11)
    assert (random.ci_lb, random.ci_ub) == pytest.approx((-1.06444528008, -0.363789164062), rel=1e-11)
    assert (random.pi_lb, random.pi_ub) == pytest.approx((-1.85815375273, 0.429919308586), rel=1e-11)
    assert (random.q, random.q_df, random.i2, random.h2) == pytest.approx((152.233008082, 12, 92.1173468546, 12.6860840069), rel=1e-11)
    assert (random.p, random.q_p) == pytest.approx((6.46292430470e-05, 1.99676459085e-26), rel=1e-9, abs=0)
    common = combine(effects(BCG_YI, BCG_VI, "RR"), "EE", "t")
    assert (common.estimate, common.se, common.ci_lb) == pytest.approx((-0.430285163654, 0.0404987517109, -0.518524363467), rel=1e-11)
    assert common.p == pytest.approx(1.8538131770437e-07, rel=1e-9, abs=0)
    assert math.isnan(common.pi_lb)


def test_normand_1999_length_of_stay() -> None:
    arms = []
    for i, (n1, m1, sd1, n2, m2, sd2) in enumerate(NORMAND):
        arms += [ArmSummary(f"Trial {i + 1}", "specialist", n1, m1, sd1), ArmSummary(f"Trial {i + 1}", "routine", n2, m2, sd2)]
    difference = effects_from_arms(arms, "specialist", "routine")
    random = combine(difference)
    assert (random.estimate, random.se, random.tau2) == pytest.approx((-13.981722, 5.126698, 205.409375), abs=5e-7)
    assert (random.q, random.q_df) == (pytest.approx(238.9158, abs=5e-5), 8)
    assert combine(difference, "EE").estimate == pytest.approx(-3.464, abs=0.0005)


FIELDS = {
    "estimate": "estimate", "se": "se", "ci_lb": "ci_lb", "ci_ub": "ci_ub", "tau2": "tau2", "i2": "I2", "h2": "H2", "q": "Q",
    "q_df": "Q_df", "q_p": "Q_p", "p": "pval",
}  # fmt: skip


def test_common_and_random_effects_match_metafor_on_every_data_set(shared: Path) -> None:
    pooled = json.loads((shared / "reference" / "metafor_reference.json").read_text())["pooled"]
    fits = {name: data for name, data in pooled.items() if isinstance(data, dict) and "fits" in data}
    assert len(fits) == 21
    for name, data in fits.items():
        for method in ("EE", "DL"):
            for test in ("z", "t"):
                expected = data["fits"][f"{method}|{test}"]
                result = combine(effects(data["yi"], data["vi"]), method, test)
                names = FIELDS | ({"pi_lb": "pi_lb", "pi_ub": "pi_ub"} if "pi_lb" in expected else {})
                for ours, theirs in names.items():
                    # Inputs are printed with 15 digits; p-values of 1e-80 keep fewer, and I2 is a difference of near equals.
                    assert getattr(result, ours) == pytest.approx(expected[theirs], rel=1e-8, abs=1e-10), (name, method, test, ours)
                if "weights_pct" in expected:
                    assert result.weights == pytest.approx(expected["weights_pct"], rel=1e-8), (name, method, test)


yis = st.lists(st.floats(-50, 50), min_size=1, max_size=12)
vis = st.floats(0.01, 100)


@st.composite
def any_effects(draw: st.DrawFn, min_size: int = 1) -> Effects:
    yi = draw(st.lists(st.floats(-50, 50), min_size=min_size, max_size=12))
    vi = draw(st.lists(vis, min_size=len(yi), max_size=len(yi)))
    reading = draw(st.lists(st.floats(0, 5), min_size=len(yi), max_size=len(yi)))
    return effects(yi, vi, reading=reading)


@given(any_effects())
def test_estimate_lies_among_the_effects_and_weights_sum_to_100(data: Effects) -> None:
    yi = [e.yi for e in data]
    for method in ("EE", "DL"):
        result = combine(data, method)
        assert min(yi) - 1e-9 <= result.estimate <= max(yi) + 1e-9
        assert sum(result.weights) == pytest.approx(100)
        assert result.ci_lb <= result.estimate <= result.ci_ub
        assert 0 <= result.i2 < 100
        assert 0 <= result.p <= 1


@given(any_effects())
def test_no_heterogeneity_gives_the_common_effect_answer(data: Effects) -> None:
    random, common = combine(data, "DL"), combine(data, "EE")
    if random.tau2 == 0:
        assert (random.estimate, random.se, random.weights) == (common.estimate, common.se, common.weights)
    else:
        assert random.se > common.se


@given(any_effects())
def test_reading_uncertainty_never_narrows_the_interval(data: Effects) -> None:
    result = combine(data)
    assert result.estimate_reading is not None
    assert result.estimate_reading.se >= result.se * (1 - 1e-12)
    unread = combine(replace(data, effects=tuple(replace(e, vi_reading=0.0) for e in data)))
    assert unread.estimate_reading is not None
    assert (unread.estimate_reading.estimate, unread.estimate_reading.se) == (result.estimate, result.se)


@given(any_effects(2), st.floats(0.1, 10), st.floats(-10, 10))
def test_scaled_and_shifted_effects_scale_and_shift_the_result(data: Effects, scale: float, shift: float) -> None:
    moved = effects([scale * e.yi + shift for e in data], [scale**2 * e.vi for e in data])
    here, there = combine(data), combine(moved)
    assert there.estimate == pytest.approx(scale * here.estimate + shift, abs=1e-6)
    assert there.tau2 == pytest.approx(scale**2 * here.tau2, rel=1e-6, abs=1e-6)
    assert there.i2 == pytest.approx(here.i2, abs=1e-5)


@given(any_effects(2))
def test_order_of_studies_and_sign_do_not_matter(data: Effects) -> None:
    here = combine(data)
    reverse = combine(effects([-e.yi for e in reversed(data.effects)], [e.vi for e in reversed(data.effects)]))
    assert (reverse.estimate, reverse.se) == pytest.approx((-here.estimate, here.se), abs=1e-9)


def test_one_study_is_returned_as_it_is() -> None:
    for method in ("EE", "DL"):
        result = combine(effects([-0.67], [0.30529]), method)
        assert (result.estimate, result.se) == pytest.approx((-0.67, math.sqrt(0.30529)), rel=1e-12)
        assert (result.tau2, result.i2, result.h2, result.q, result.q_df, result.q_p, result.weights) == (0, 0, 1, 0, 0, 1, (100.0,))


def test_random_effects_with_identical_studies() -> None:
    result = combine(effects([1.0, 1.0, 1.0], [0.5, 0.5, 0.5]))
    assert (result.tau2, result.i2, result.q) == (0.0, 0.0, 0.0)
    assert tau2_dl(np.array([1.0]), np.array([0.5])) == 0.0
    assert heterogeneity(np.array([0.0, 2.0]), np.array([1.0, 1.0])).q == pytest.approx(2.0)  # (1 + 1) / 1


def test_h2_below_one_is_kept_by_the_common_effect_model_only() -> None:
    data = effects([0.0, 1.0], [2.0, 2.0])  # Q = 0.25
    assert combine(data, "EE").h2 == pytest.approx(0.25)
    assert (combine(data, "DL").h2, combine(data, "DL").i2) == (1.0, 0.0)


def test_reading_uncertainty_by_hand() -> None:
    result = combine(effects([0.0, 1.0], [2.0, 2.0], reading=[0.0, 2.0]), "EE")
    assert result.estimate_reading is not None
    assert result.estimate_reading.estimate == pytest.approx((1 / 4) / (1 / 2 + 1 / 4))
    assert result.estimate_reading.se == pytest.approx(math.sqrt(4 / 3))
    assert result.estimate_reading.ci_ub == pytest.approx(1 / 3 + 1.959963984540054 * math.sqrt(4 / 3))
    assert (result.estimate, result.se) == pytest.approx((0.5, 1.0))


def test_unknown_reading_uncertainty_gives_no_result_with_it() -> None:
    result = combine(effects([0.0, 1.0], [1.0, 1.0], reading=[math.nan, 0.0]))
    assert result.estimate_reading is None
    assert json.loads(result.to_json())["estimate_reading"] is None


def test_json_has_the_agreed_names() -> None:
    data = replace(effects_from_arms(MAGNESIUM, "magnesium", "placebo"))
    result: dict[str, Any] = json.loads(combine(data).to_json())
    agreed = {
        "measure",
        "method",
        "test",
        "k",
        "estimate",
        "se",
        "ci_lb",
        "ci_ub",
        "pi_lb",
        "pi_ub",
        "tau2",
        "i2",
        "h2",
        "q",
        "q_df",
        "q_p",
    }
    assert agreed | {"estimate_reading", "studies"} <= result.keys()
    assert result["studies"][0].keys() >= {"study", "yi", "vi", "vi_reading", "weight"}
    assert result["omitted"] == [{"study": "Kim 2015", "reason": "no arm 'placebo'"}]
    assert "estimate_exp" not in result
    common = json.loads(combine(data, "EE").to_json())
    assert common["pi_lb"] is None


def test_ratios_are_also_given_as_ratios() -> None:
    result = combine(effects(BCG_YI, BCG_VI, "RR")).to_dict()
    assert result["estimate_exp"] == pytest.approx(0.4896, abs=5e-5)
    assert (result["ci_lb_exp"], result["ci_ub_exp"]) == pytest.approx((0.3449, 0.6950), abs=1e-4)


def test_cautions_and_omissions_go_with_the_result() -> None:
    arms = [ArmSummary("A", name, 10, 1.0, 1.0, timepoint=t) for name in ("x", "y") for t in ("1", "2")]
    assert combine(effects_from_arms(arms, "x", "y")).flags == ("A gives 2 effects; they are not independent",)
    imprecise = ArmSummary("B", "x", 16, 1.0, 2.0, how="estimated", se_mean=0.6)
    flags = combine(effects_from_arms([imprecise, ArmSummary("B", "y", 16, 1.0, 2.0)], "x", "y")).flags
    assert flags == ("B, x: mean estimated from quantiles; its standard error is 20 % above the one in vi",)
    kept = Effects("MD", (Effect("A", 1.0, 1.0),), (Omission("C", "not known: sd of x"),))
    assert combine(kept).omitted == kept.omitted


def test_method_names() -> None:
    data = effects([0.0, 1.0], [1.0, 2.0])
    assert str(combine(data, "FE")) == str(combine(data, "common")) == str(combine(data, "EE"))  # NaN is not equal to itself
    assert combine(data, "EE").method == "EE"


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        (effects([0.0], [1.0]), {"method": "XX"}, r"expected method to be one of DL, .*EE, GENQ \(FE, common\), found 'XX'"),
        (effects([0.0], [1.0]), {"test": "w"}, r"expected test to be one of z, t, knha, adhoc, found 'w'"),
        (effects([0.0], [1.0]), {"test": "t"}, r"expected 2 studies or more for test t, found 1"),
        (effects([0.5, 0.5], [1.0, 2.0]), {"test": "knha"}, r"expected effects that differ for test knha, found 0.5 from each"),
        (effects([0.1 + 0.2, 0.3, 0.3], [1.0, 2.0, 0.1]), {"test": "knha", "method": "REML"}, r"found 0.3 from each: its interval"),
        (effects([80.0, 81.0], [1.0, 1.0], measure="OR"), {}, r"expected yi and vi of OR on the log scale, found 80 and 1 \(Study 1\)"),
        (effects([0.0, 1.0], [4e6, 4e6], measure="RR"), {}, r"expected yi and vi of RR on the log scale, found 0 and 4e\+06 \(Study 1\)"),
        (effects([0.0, 1.0], [1e-9, 1e9]), {}, r"expected variances of one order, found 1e-09 beside 1e\+09"),
        (effects([0.0], [1.0]), {"level": 95}, r"expected level between 0 and 1, found 95"),
        (effects([], []), {}, r"expected 1 study or more, found 0"),
        (effects([0.0], [0.0]), {}, r"expected finite yi, vi above 0 .* found 0, 0 and 0 \(Study 1\)"),
        (effects([math.nan], [1.0]), {}, r"found nan, 1 and 0 \(Study 1\)"),
        (effects([0.0], [1.0], reading=[-1.0]), {}, r"found 0, 1 and -1 \(Study 1\)"),
    ],
)
def test_wrong_input_raises(data: Effects, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        combine(data, **options)


def test_level_widens_the_interval() -> None:
    data = effects(BCG_YI, BCG_VI)
    half = {level: combine(data, level=level).ci_ub - combine(data).estimate for level in (0.8, 0.95, 0.99)}
    assert half[0.99] / half[0.95] == pytest.approx(2.5758293 / 1.9599640, rel=1e-7)
    assert half[0.8] < half[0.95]


def test_generalised_q_with_inverse_variances_is_dersimonian_and_laird() -> None:
    bcg = effects(BCG_YI, BCG_VI)
    dl, own = combine(bcg, "DL"), combine(bcg, "GENQ", weights=[1 / v for v in BCG_VI])
    assert own.tau2 == pytest.approx(dl.tau2, rel=1e-12)
    assert own.se_tau2 == pytest.approx(dl.se_tau2, rel=1e-12)
    # The weights of the estimate are those of the common effect, which are not the best ones where studies differ.
    assert own.estimate == pytest.approx(combine(bcg, "EE").estimate, rel=1e-12)
    assert own.weights == pytest.approx(combine(bcg, "EE").weights)
    assert own.se > dl.se


def test_the_scale_of_ones_own_weights_does_not_matter() -> None:
    bcg = effects(BCG_YI, BCG_VI)
    here, there = (combine(bcg, "GENQ", "knha", weights=[unit * (k + 1) for k in range(13)]) for unit in (1.0, 250.0))
    assert (there.estimate, there.ci_lb, there.tau2) == pytest.approx((here.estimate, here.ci_lb, here.tau2), rel=1e-12)


@pytest.mark.parametrize(
    ("method", "weights", "message"),
    [
        ("GENQ", None, "expected weights with method GENQ and no other, found none with GENQ"),
        ("DL", [1.0, 1.0], "expected weights with method GENQ and no other, found some with DL"),
        ("GENQ", [1.0], "expected 2 weights above 0, found 1"),
        ("GENQ", [1.0, 0.0], "expected 2 weights above 0, found 1, 0"),
    ],
)
def test_weights_that_do_not_fit_are_refused(method: str, weights: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        combine(effects([1.0, 2.0], [0.1, 0.2]), method, weights=weights)


def test_knapp_hartung_says_where_it_is_not_what_it_is_for() -> None:
    alike = effects([0.30, 0.31, 0.295, 0.305], [0.04, 0.05, 0.02, 0.03])
    narrow = combine(alike, "DL", "knha")
    assert narrow.ci_ub - narrow.ci_lb < combine(alike).ci_ub - combine(alike).ci_lb
    assert [flag for flag in narrow.flags if "narrower than that of z" in flag]
    assert [flag for flag in combine(alike, "EE", "adhoc").flags if "not for a common effect" in flag]
    assert combine(alike, "DL", "adhoc").flags == combine(alike).flags == combine(effects(BCG_YI, BCG_VI), "DL", "knha").flags == ()


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_the_higher_hill_of_a_likelihood_with_two_is_found(method: str) -> None:
    """Scoring falls to a hill at 0 whose log-likelihood of ML is 80 lower."""
    model = simple(np.array([2.29, 0.18, 0.96, -0.93]), np.array([0.01464, 0.00977, 0.00003, 9.09233]))
    found = estimate_tau2(model, method).value
    heights = [model.log_likelihood(float(tau2), restricted=method == "REML") for tau2 in (0.0, *np.geomspace(1e-8, 1e3, 400))]
    assert model.log_likelihood(found, restricted=method == "REML") >= max(heights)
    assert found > 0.5


def test_scoring_that_swings_ends_where_the_likelihood_is_level() -> None:
    """Effects on which Fisher scoring goes back and forth for ever: the 500th step was up to 0.009 off."""
    yi = np.array([0.043, 0.298, 0.104, 1.087, 0.299, 0.85, 0.287, 0.529, 0.07, 0.637])
    vi = np.array([0.198, 0.255, 0.363, 0.109, 0.335, 0.198, 0.397, 0.461, 0.452, 0.446])
    rng = np.random.default_rng(1)
    v = rng.uniform(0.05, 0.5, size=(10000, 10))
    y = rng.normal(size=v.shape) * np.sqrt(v)
    worst = 0.0
    for model in (simple(yi, vi), *(simple(*pair) for pair in zip(y[:1500], v[:1500], strict=True))):
        found = model.scores(estimate_tau2(model, "REML").value)
        if estimate_tau2(model, "REML").value > 0:
            worst = max(worst, abs(found.yppy - found.trace) / found.trace)
    assert worst < 1e-9
