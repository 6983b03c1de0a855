"""A reader that knows what stands in the sample figure, so that the command line is tested apart from reading pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.record import AxisRecord, FigureRecord, PanelRecord, PointRecord, SeriesRecord, SourceRecord, TickRecord
from readoff.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "sample_figures" / "felsby"
# Treatment, median, lowest, highest, as drawn in the sample figure.
MARKS = (
    ("Baseline", 4.5, 2.4536, 7.1864),
    ("Magnesium", 3.6, 1.8958, 5.8242),
    ("Ketamine", 3.65, 1.9722, 5.8078),
    ("Placebo", 4.3, 2.644, 6.356),
)


def sample_record(
    file: str = "felsby.pdf", marks: Sequence[tuple[str, float, float | None, float | None]] = MARKS, refused: str = ""
) -> FigureRecord:
    """The record of the sample figure, read without error; `refused` makes its panel one that was not read."""
    points = tuple(
        PointRecord(x=name, y=y, px=(100.0 * i, 50.0), y_lo=lo, y_hi=hi, u_y=0.01, u_y_lo=0.01, u_y_hi=0.01)
        for i, (name, y, lo, hi) in enumerate(marks)
    )
    panel = PanelRecord(
        id="p1-A",
        page=1,
        kind="errorbar",
        bbox_px=(0, 0, 400, 300),
        medium="vector",
        x_axis=AxisRecord(scale="category", ticks=tuple(TickRecord(px=100.0 * i, value=m[0], label=m[0]) for i, m in enumerate(marks))),
        y_axis=AxisRecord(scale="linear", rmse_px=0.01),
        series=() if refused else (SeriesRecord(name="Series 1", color="#000000", marker="circle", points=points),),
        refused=refused,
    )
    return FigureRecord(source=SourceRecord(file=file, sha256="0" * 64, pages=(1,)), panels=(panel,))


@dataclass(frozen=True)
class FakeReading:
    """What `digitize_file` returns, without pictures."""

    record: FigureRecord
    failed: tuple[str, ...] = ()

    @property
    def overlays(self) -> dict[int, NDArray[np.uint8]]:
        return {1: np.zeros((40, 60, 3), dtype=np.uint8)}

    @property
    def overlay_names(self) -> dict[int, str]:
        return {1: f"{Path(self.record.source.file).stem}.png"}

    def save(self, out_dir: Path) -> tuple[Path, ...]:
        stem = Path(self.record.source.file).stem
        paths = (out_dir / f"{stem}.json", out_dir / f"{stem}.csv", out_dir / f"{stem}.png")
        paths[0].write_text(self.record.to_json(), encoding="utf-8")
        self.record.to_frame().to_csv(paths[1], index=False)
        paths[2].write_bytes(b"overlay")
        return paths

    def save_residuals(self, out_dir: Path) -> Path:
        path = out_dir / f"{Path(self.record.source.file).stem}.ticks.png"
        path.write_bytes(b"residuals")
        return path


@dataclass
class FakeReader:
    """Stands in for the digitize room: remembers how it was called; `failures` maps a file name to what is raised for it."""

    failures: dict[str, Exception] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    marks: Sequence[tuple[str, float, float | None, float | None]] = MARKS
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, path: Path, **options: Any) -> FakeReading:
        self.calls.append({"path": path, **options})
        if path.name in self.failures:
            raise self.failures[path.name]
        return FakeReading(sample_record(path.name, self.marks, refused=self.refused.get(path.name, "")))


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    """The fake reader, in the place of `digitize.digitize_file`."""
    import digitize

    fake = FakeReader()
    monkeypatch.setattr(digitize, "digitize_file", fake)
    return fake


@dataclass(frozen=True)
class Outcome:
    """What a run of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def error_lines(self) -> list[str]:
        return self.err.splitlines()


@pytest.fixture
def readoff(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command line in this process: ``readoff("pool", table, "--out", folder)``."""

    def run(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        code = left.value.code
        return Outcome(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run


@pytest.fixture
def images(tmp_path: Path) -> Callable[..., list[Path]]:
    """Make files with these names, for a reader that does not look into them."""

    def make(*names: str) -> list[Path]:
        paths = [tmp_path / name for name in names]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"pixels")
        return paths

    return make


@pytest.fixture
def write_record() -> Callable[[Path], Path]:
    """Write the sample figure's record to a path."""

    def write(path: Path) -> Path:
        path.write_text(sample_record().to_json(), encoding="utf-8")
        return path

    return write


def write_nothing_much(result: object, path: Path, **_: object) -> tuple[Path, ...]:
    """Stand in for `save_forest` and `save` of pool.plots, which take a second each: the same files, empty."""
    files = (Path(f"{path}.png"), Path(f"{path}.svg"))
    for file in files:
        file.touch()
    return files


@pytest.fixture
def quick_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that do not look at pictures of pooled results."""
    from pool import plots

    monkeypatch.setattr(plots, "save_forest", write_nothing_much)
    monkeypatch.setattr(plots, "save", write_nothing_much)
