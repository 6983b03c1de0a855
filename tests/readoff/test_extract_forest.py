"""``readoff extract`` on a forest plot: a table that ``readoff pool`` takes, and its printed total held against it."""

from __future__ import annotations

import json
import random
from pathlib import Path

from forestplots import draw_forest, forest_size, forest_spec
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from typer.testing import CliRunner

from readoff.cli import app


def test_a_drawn_forest_plot_pools_to_its_printed_total(tmp_path: Path) -> None:
    specs = (forest_spec(random.Random(k)) for k in range(200))
    spec = next(s for s in specs if s["layout"] == "revman" and not any(p["clipped"] for p in s["series"][0]["points"]))
    figure = Figure(figsize=forest_size(spec), dpi=150)
    FigureCanvasAgg(figure)
    draw_forest(figure.add_subplot(), spec, {"font": 10, "width": 1.0})
    figure.savefig(tmp_path / "plot.png")
    run = CliRunner().invoke
    assert run(app, ["digitize", str(tmp_path / "plot.png"), "--out", str(tmp_path / "read")]).exit_code == 0
    record, table = tmp_path / "read" / "plot.json", tmp_path / "effects.csv"
    result = run(app, ["extract", str(record), "--out", str(table)])
    assert result.exit_code == 0, result.output
    assert "which the rows give (common effect, inverse variance" in result.output
    pooled = run(app, ["pool", str(table), "--measure", "MD", "--method", "EE", "--json", "--out", str(tmp_path / "pooled")])
    assert pooled.exit_code == 0, pooled.output
    found = json.loads(pooled.output)
    assert found["k"] == len(spec["rows"]) - 1


def test_other_figures_still_need_to_be_told_their_error_bars(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["extract", str(tmp_path / "none.json")])
    assert result.exit_code == 2
    assert "expected --error-bars and --n" in result.output
