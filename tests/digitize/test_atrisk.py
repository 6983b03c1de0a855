"""Numbers at risk drawn below survival curves, from pixels and from paths."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from digitize import digitize_file
from digitize.read import read_image
from digitize.record import AtRiskRecord, PanelRecord

TICKS = (0, 6, 12, 18, 24)
RISKS = {"Drug 10 mg": (1204, 957, 610, 88, 9), "Standard care": (1187, 801, 402, 61, 0)}
LEVELS = {"Drug 10 mg": 0.035, "Standard care": 0.06}


def drawn(risks: dict[str, tuple[int, ...]], *, thousands: str = "", header: str = "No. at risk", above: bool = False) -> Figure:
    figure = Figure(figsize=(6, 4.8))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(bottom=0.36, left=0.22)
    axes = figure.add_subplot()
    for name, rate, color in zip(LEVELS, LEVELS.values(), ("tab:blue", "tab:red"), strict=True):
        times = np.arange(0, 24.5, 0.5)
        axes.step(times, np.exp(-rate * times), where="post", color=color, label=name)
    axes.set(xlim=(0, 24.6), ylim=(0, 1.03), xlabel="Months", ylabel="Survival", xticks=TICKS)
    axes.legend(loc="lower left", frameon=False)
    y = -0.26
    if header:
        axes.text(-0.24, y, header, transform=axes.transAxes, fontsize=8, weight="bold")
    for name, numbers in risks.items():
        y -= 0.07
        axes.text(-0.24, y, name, transform=axes.transAxes, fontsize=8)
        y -= 0.07 if above else 0
        for time, number in zip(TICKS, numbers, strict=True):
            text = f"{number:,}".replace(",", thousands)
            axes.text(time / 24.6, y, text, transform=axes.transAxes, fontsize=8, ha="center")
    return figure


def read(figure: Figure, dpi: int = 150) -> PanelRecord:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    (panel,) = read_image(np.array(PIL.Image.open(stream).convert("RGB"), dtype=np.uint8))
    return panel.record


def numbers(rows: tuple[AtRiskRecord, ...]) -> dict[str, tuple[int | None, ...]]:
    return {row.curve: row.number for row in rows}


@pytest.mark.parametrize("thousands", ["", ","])
@pytest.mark.parametrize("header", ["", "Number at risk"])
@pytest.mark.parametrize("above", [False, True])
def test_each_arm_has_its_numbers(thousands: str, header: str, above: bool) -> None:
    panel = read(drawn(RISKS, thousands=thousands, header=header, above=above))
    assert panel.kind == "km"
    assert numbers(panel.at_risk) == RISKS
    assert [(row.time, row.flags) for row in panel.at_risk] == [(TICKS, ())] * 2


def test_paths_of_a_pdf_have_theirs_as_well(tmp_path: Path) -> None:
    path = tmp_path / "km.pdf"
    drawn(RISKS).savefig(path)
    (panel,) = digitize_file(path).record.panels
    assert (panel.medium, numbers(panel.at_risk)) == ("vector", RISKS)


def test_without_a_table_there_are_none() -> None:
    assert read(drawn({}, header="")).at_risk == ()


@pytest.mark.parametrize(
    "wrong",
    [
        (1204, 957, 975, 88, 9),  # more than before
        (1204, 1190, 610, 88, 9),  # the curve falls to 0.81 where 0.99 of the participants are left
    ],
)
def test_numbers_that_cannot_be_are_flagged(wrong: tuple[int, ...]) -> None:
    panel = read(drawn({**RISKS, "Drug 10 mg": wrong}))
    assert {row.curve: row.flags for row in panel.at_risk} == {"Drug 10 mg": ("at_risk_doubtful",), "Standard care": ()}


def test_a_row_of_another_name_is_given_to_no_curve() -> None:
    panel = read(drawn({"Drug 10 mg": RISKS["Drug 10 mg"], "Whoever": RISKS["Standard care"]}))
    assert [(row.arm, row.curve, row.flags) for row in panel.at_risk] == [
        ("Drug 10 mg", "Drug 10 mg", ()),
        ("Whoever", "", ("at_risk_unnamed",)),
    ]


def test_curves_of_many_participants_are_known_by_their_numbers_at_risk() -> None:
    figure = drawn(RISKS)
    for line in figure.axes[0].lines:
        line.set_drawstyle("default")  # steps too small to be seen
    assert read(figure).kind == "km"


def test_the_frame_below_the_curves_is_no_curve(tmp_path: Path) -> None:
    figure = drawn(RISKS)
    axes = figure.axes[0]
    axes.get_legend().remove()  # nothing says in which colours the curves are drawn
    axes.set_ylim(0, 1.03)
    for line in axes.lines:
        line.set_drawstyle("default")
    for dpi in (90, 150, 300):
        assert len(read(figure, dpi).series) == len(RISKS)
    path = tmp_path / "km.pdf"
    figure.savefig(path)
    (panel,) = digitize_file(path).record.panels
    assert len(panel.series) == len(RISKS)


def test_a_number_that_would_reach_beyond_the_figure_is_missing_and_flagged() -> None:
    many = {name: tuple(10_000_000 + n for n in numbers) for name, numbers in RISKS.items()}
    figure = drawn(many, header="")
    axes = figure.axes[0]
    figure.subplots_adjust(left=0.045)
    axes.set(yticks=[0, 1], ylabel="")
    for text in axes.texts:
        if text.get_position()[0] <= 0:  # the names, and the first numbers, in whose place something stands that is none
            text.set_text("?" if text.get_position()[0] == 0 else "")
    panel = read(figure)
    assert len(panel.at_risk) == 2
    assert all(row.number[0] is None and "at_risk_doubtful" in row.flags for row in panel.at_risk)
