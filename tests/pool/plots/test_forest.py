"""The forest plot: what is written, that nothing overlaps or is cut off, and that files are reproducible."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from extract import ArmSummary
from pool import Effect, Effects, Omission, PooledResult, combine, effects_from_arms, forest, read_events, save_forest
from pool.plots.text import NO_BREAK
from pool.regression import subgroups


def many(k: int, name: str = "Study") -> PooledResult:
    """A comparison of k studies, the first of them read off a figure."""
    arms = []
    for i in range(k):
        how = {"how": "estimated", "u_mean": 0.2} if i == 0 else {}
        label = f"{name} {1990 + i}"
        arms += [
            ArmSummary(label, "magnesium", 10 + 17 * i, 40.0 - 3 * (i % 4), 8.0 + i, **how),  # type: ignore[arg-type]
            ArmSummary(label, "placebo", 12 + 16 * i, 42.0, 9.0),
        ]
    return combine(effects_from_arms(arms, "magnesium", "placebo"))


def ratios(k: int) -> PooledResult:
    effects = tuple(Effect(f"Study {i}", -0.4 + 0.1 * (i % 5), 0.02 + 0.05 * (i % 3) + (8.0 if i == 1 else 0.0)) for i in range(k))
    return combine(Effects("OR", effects, (Omission("Lost 1999", "not known: sd of placebo"),)), "EE")


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def text_boxes(ax: Axes) -> dict[str, Bbox]:
    figure = ax.get_figure(root=True)
    assert figure is not None
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    items = [*ax.texts, *ax.get_xticklabels(), ax.xaxis.label]
    return {f"{i} {t.get_text()}": t.get_window_extent(canvas.get_renderer()) for i, t in enumerate(items) if t.get_text()}


CASES = {
    "two": many(2),
    "three": many(3),
    "twelve with long names": many(12, "Fernandez-Rodriguez-Villanueva and colleagues, for the trial group"),
    "twenty": many(20),
    "ratios": ratios(20),
    "one": ratios(1),
}


@pytest.mark.parametrize("result", CASES.values(), ids=CASES.keys())
def test_no_text_overlaps_another_or_leaves_the_page(result: PooledResult) -> None:
    favours = ("Favours magnesium sulfate by infusion", "Favours placebo")
    ax = forest(result, title="Pain at the end of treatment", favours=favours)
    figure = ax.get_figure(root=True)
    assert figure is not None
    boxes = text_boxes(ax)
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        overlap = Bbox.intersection(a, b)
        # Boxes include ascent and descent; a shared sliver of a pixel is not ink.
        assert overlap is None or min(overlap.width, overlap.height) < 1.0, (one, other)
    for text, box in boxes.items():
        assert figure.bbox.x0 - 1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1, text
        assert figure.bbox.y0 - 1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1, text


def test_the_numbers_of_the_result_are_written() -> None:
    result = many(3)
    written = texts(forest(result, title="Pain", favours=("Favours magnesium", "Favours placebo"), digits=2))
    assert "Study 1990 †" in written
    assert "Study 1991" in written
    assert any(text.startswith("† Mean and SD") for text in written)
    assert f"{result.estimate:.2f} [{result.ci_lb:.2f}, {result.ci_ub:.2f}]".replace("-", "−") in written
    assert f"{result.weights[0]:.1f}%" in written
    assert {"Magnesium", "Placebo", "Mean", "SD", "n", "Weight", "MD [95% CI]", "Random effects (DL)", "Prediction interval"} <= set(
        written
    )
    assert "With reading uncertainty" in written
    everything = " ".join(written)
    assert f"I² = {result.i2:.0f}%" in everything
    assert f"Q = {result.q:.2f}" in everything
    assert "← Favours magnesium" in written


def test_studies_that_were_not_pooled_are_named_unless_they_are_of_another_comparison() -> None:
    assert "Not pooled: Lost 1999 (not known: sd of placebo)." in texts(forest(ratios(3)))
    other = combine(Effects("MD", many(2).studies, (Omission("Kim 2015", "no arm 'placebo'", has_both_arms=False),)))
    assert not any("Kim 2015" in text for text in texts(forest(other)))


def test_ratio_axis_shows_ratios_and_cuts_wide_intervals_with_arrows() -> None:
    ax = forest(ratios(20))
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert "1" in labels
    assert ax.get_xlabel() == "Odds ratio"
    assert {"<", ">"} <= {str(line.get_marker()) for line in ax.lines}
    assert "<" not in {str(line.get_marker()) for line in forest(many(3)).lines}


def test_squares_grow_with_weight_in_area() -> None:
    result = many(3)
    squares = [c.get_sizes()[0] for c in forest(result).collections]  # type: ignore[attr-defined]
    assert squares[1] / squares[2] == pytest.approx(result.weights[1] / result.weights[2], rel=1e-6)


def test_lines_span_the_confidence_intervals_of_the_studies() -> None:
    result = many(3)
    drawn = [(min(line.get_xdata()), max(line.get_xdata())) for line in forest(result).lines]  # type: ignore[type-var]
    for effect in result.studies:
        half = 1.959963984540054 * effect.vi**0.5
        assert any(ends == pytest.approx((effect.yi - half, effect.yi + half)) for ends in drawn)


def test_diamond_spans_the_confidence_interval() -> None:
    result = many(3)
    diamond = forest(result).patches[0].get_path().vertices  # type: ignore[union-attr]
    assert (min(diamond[:, 0]), max(diamond[:, 0])) == pytest.approx((result.ci_lb, result.ci_ub))


def test_a_given_axes_is_drawn_on_and_returned() -> None:
    figure = Figure(figsize=(9, 10))
    upper, lower = figure.subplots(2, 1)
    before = lower.get_position().bounds
    assert forest(many(3), upper) is upper
    assert lower.get_position().bounds == before
    bounds = upper.get_position()
    assert bounds.y0 >= before[1] + before[3]  # it stays in its own half


def test_files_are_written_and_reproducible(tmp_path: Path) -> None:
    first = save_forest(many(3), tmp_path / "a.b", title="Pain")
    second = save_forest(many(3), tmp_path / "again", title="Pain")
    assert [file.name for file in first] == ["a.b.png", "a.b.svg"]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert b"<dc:date>" not in first[1].read_bytes()


def test_pooling_does_not_load_the_plotting_library() -> None:
    code = "import pool, sys; sys.exit(any(name in sys.modules for name in ('matplotlib', 'scipy.stats', 'cv2', 'PIL')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_columns_stay_out_of_the_plot() -> None:
    ax = forest(many(12, "Fernandez-Rodriguez-Villanueva and colleagues, for the trial group"))
    boxes = text_boxes(ax)
    plot = ax.get_window_extent()
    ticks = {label.get_text() for label in ax.get_xticklabels()} | {ax.get_xlabel()}
    for text, box in boxes.items():
        if text.split(" ", 1)[1] not in ticks:
            assert Bbox.intersection(box, plot) is None, text


def test_revman_style_has_its_words_and_totals() -> None:
    arms = [
        ArmSummary(study, arm, n, mean, sd)
        for study, magnesium, placebo in (
            ("Felsby 1995", (10, 3.73, 1.27), (10, 4.40, 1.20)),
            ("Yousef 2013", (40, 4.7, 1.8), (40, 7.2, 2.45)),
            ("Pickering 2011", (22, 4.0, 3.0), (23, 4.0, 2.0)),
        )
        for arm, (n, mean, sd) in (("magnesium", magnesium), ("placebo", placebo))
    ]
    effects = effects_from_arms(arms, "magnesium", "placebo")
    groups = subgroups(effects, ["New", "New", "Old"])
    said = texts(forest(combine(effects), style="revman", groups=groups))
    assert {"Total (95% CI)", "72", "73", "100.0%"} <= set(said)
    assert said.count("50") == 2  # participants of the first subgroup's arms
    joined = " ".join(said).replace(NO_BREAK, " ")
    assert "Heterogeneity: Tau² = 1.43; Chi² = 10.34, df = 2 (P = 0.006); I² = 81%" in joined
    assert "Test for overall effect: Z = 1.46 (P = 0.14)" in joined
    assert f"Test for subgroup differences: Chi² = {groups.q:.2f}, df = 1" in joined
    other = " ".join(texts(forest(combine(effects, "REML", "knha"), style="revman"))).replace(NO_BREAK, " ")
    assert "(REML); Chi² = 10.34" in other
    assert "Test for overall effect: T = " in other


def test_events_and_participants_stand_beside_ratios_with_their_totals(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("study,arm,events,n\nA,drug,4,40\nA,placebo,9,41\nB,drug,0,30\nB,placebo,3,32\n")
    said = texts(forest(combine(read_events(file, "drug", "placebo", "RR")), style="revman"))
    assert said.count("Events") == said.count("Total") == 2
    for word in ("Drug", "Placebo", "4", "40", "9", "41", "0", "30", "3", "32", "70", "73"):
        assert word in said, word
    assert "B: a half was added to each cell, as one is empty." in said
