"""``readoff digitize``: what it writes, what it refuses, and how it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
import typer

from digitize.record import FigureRecord, Kind
from readoff.commands.digitize import parse_calibration
from tests.readoff.conftest import FakeReading

if TYPE_CHECKING:
    from tests.readoff.conftest import FakeReader, Outcome

Run = Callable[..., "Outcome"]
Images = Callable[..., list[Path]]


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) if folder.exists() else []


def test_writes_record_table_and_overlay_for_each_file(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    files = images("a.png", "b.pdf")
    result = readoff("digitize", *files, "--out", tmp_path / "out")
    assert (result.code, result.err) == (0, "")
    assert names_in(tmp_path / "out") == ["a.csv", "a.json", "a.png", "b.csv", "b.json", "b.png"]
    assert "a.png" in result.out
    assert "p1-A" in result.out


def test_residuals_are_written_where_asked_for(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    result = readoff("digitize", *images("a.png"), "--out", tmp_path / "out", "--residuals")
    assert result.code == 0
    assert names_in(tmp_path / "out") == ["a.csv", "a.json", "a.png", "a.ticks.png"]


def test_options_reach_the_reader(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    (file,) = images("a.pdf")
    said = ("--page", 3, "--kind", "bar", "--at", "0,-1.5,3e1", "--calibrate", "y:300=0,40=10")
    result = readoff("digitize", file, "--out", tmp_path, *said)
    assert result.code == 0
    (call,) = reader.calls
    assert call["path"] == file
    assert call["pages"] == [3]
    assert call["kind"] == "bar"
    assert call["at"] == (0.0, -1.5, 30.0)
    assert [(axis.axis, axis.ticks, axis.scale) for axis in call["calibrate"]] == [("y", ((300.0, 0.0), (40.0, 10.0)), "linear")]


def test_places_that_no_curve_was_read_at_are_said(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    (file,) = images("means.png")
    result = readoff("digitize", file, "--out", tmp_path, "--at", "0,15")
    assert result.code == 0
    assert result.error_lines == [f"readoff digitize: {file}: --at was not used: it holds for line plots, found p1-A errorbar"]


def test_a_failed_file_is_named_and_the_others_are_done(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    good, bad, other = images("good.png", "bad.png", "other.png")
    reader.failures["bad.png"] = ValueError(f"{bad}: no plot\nwas found")
    result = readoff("digitize", good, bad, other, "--out", tmp_path / "out")
    assert result.code == 1
    assert result.error_lines == [f"readoff digitize: {bad}: no plot was found"]
    assert names_in(tmp_path / "out") == ["good.csv", "good.json", "good.png", "other.csv", "other.json", "other.png"]


def test_a_cause_that_does_not_name_its_file_is_given_the_name(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    (bad,) = images("bad.png")
    reader.failures["bad.png"] = OSError("disk on fire")
    result = readoff("digitize", bad, "--out", tmp_path / "out")
    assert result.error_lines == [f"readoff digitize: {bad}: disk on fire"]


def test_a_fault_of_ours_does_not_stop_the_others(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    bad, good = images("bad.png", "good.png")
    reader.failures["bad.png"] = ZeroDivisionError("division by zero")
    result = readoff("digitize", bad, good, "--out", tmp_path / "out")
    assert result.code == 1
    assert result.error_lines == [f"readoff digitize: {bad}: internal error, please report it: ZeroDivisionError('division by zero')"]
    assert names_in(tmp_path / "out") == ["good.csv", "good.json", "good.png"]


def test_a_file_without_any_readable_plot_fails_and_leaves_no_folder(
    readoff: Run, reader: FakeReader, images: Images, tmp_path: Path
) -> None:
    (file,) = images("km.png")
    reader.refused["km.png"] = "the y axis has no ticks"
    result = readoff("digitize", file, "--out", tmp_path / "out" / "deep")
    assert result.code == 1
    assert result.error_lines == [f"readoff digitize: {file}: p1-A: the y axis has no ticks"]
    assert not (tmp_path / "out").exists()


def test_a_failure_while_writing_leaves_nothing_half_written(
    readoff: Run, reader: FakeReader, images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = images("a.png")

    def fail_halfway(record: FigureRecord) -> None:
        message = "no space left on device"
        raise OSError(message)

    monkeypatch.setattr(FigureRecord, "to_frame", fail_halfway)  # the record is written before the table
    result = readoff("digitize", file, "--out", tmp_path / "out")
    assert result.code == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_file_and_a_folder_are_named(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    (good,) = images("good.png")
    missing, folder = tmp_path / "missing.png", tmp_path / "folder"
    folder.mkdir()
    result = readoff("digitize", missing, folder, good, "--out", tmp_path / "out")
    assert result.code == 1
    assert result.error_lines == [f"readoff digitize: {missing}: no such file", f"readoff digitize: {folder}: a folder, not a file"]
    assert "good.json" in names_in(tmp_path / "out")


def test_json_is_one_document_with_failures_in_it(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    good, bad = images("good.png", "bad.png")
    reader.failures["bad.png"] = ValueError("bad.png: no plot was found")
    result = readoff("digitize", good, bad, "--out", tmp_path / "out", "--json")
    document = json.loads(result.out)
    assert result.code == 1
    assert [figure["source"]["file"] for figure in document["figures"]] == ["good.png"]
    assert FigureRecord.model_validate(document["figures"][0]).panels[0].series[0].points[0].y_lo == 2.4536
    assert document["failed"] == [{"file": str(bad), "cause": "bad.png: no plot was found"}]
    assert [Path(path).name for path in document["written"]] == ["good.json", "good.csv", "good.png"]


def test_the_overlay_of_a_later_page_does_not_overwrite_another_input(
    readoff: Run, reader: FakeReader, images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = images("a-p2.png", "a.pdf")
    save = FakeReading.save

    def save_two_pages(reading: FakeReading, out_dir: Path) -> tuple[Path, ...]:
        paths = save(reading, out_dir)
        if reading.record.source.file != "a.pdf":
            return paths
        (out_dir / "a-p2.png").write_bytes(b"page 2")
        return (*paths, out_dir / "a-p2.png")

    monkeypatch.setattr(FakeReading, "save", save_two_pages)
    result = readoff("digitize", first, second, "--out", tmp_path / "out")
    assert (result.code, result.error_lines) == (
        1,
        [f"readoff digitize: {second.name}: another input of this run wrote a-p2.png; use two folders"],
    )
    assert (tmp_path / "out" / "a-p2.png").read_bytes() == b"overlay"
    assert names_in(tmp_path / "out") == ["a-p2.csv", "a-p2.json", "a-p2.png"]


@pytest.mark.parametrize(("first", "second"), [("one/a.png", "two/a.png"), ("a.png", "a.pdf"), ("A.png", "a.tif")])
def test_two_inputs_that_would_overwrite_each_other_are_both_named(
    first: str, second: str, readoff: Run, reader: FakeReader, images: Images, tmp_path: Path
) -> None:
    files = images(first, second)
    result = readoff("digitize", *files, "--out", tmp_path / "out")
    assert result.code == 2
    assert len(result.error_lines) == 1
    assert all(str(file) in result.err for file in files)
    assert reader.calls == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--kind", "pie"], "expected one of errorbar, bar"),
        (["--kind", "unknown"], "expected one of errorbar, bar"),
        (["--page", "0"], "--page"),
        (["--nonsense"], "--nonsense"),
        (["--at", "0;15"], "expected numbers with commas between them such as 0,15,30, found '0;15'"),
        (["--at", "0,soon"], "expected numbers with commas"),
        (["--at", "0,nan"], "expected numbers with commas"),
        (["--at", ""], "expected numbers with commas"),
        (["--calibrate", "y:300=0"], "expected 2 ticks or more"),
        (["--calibrate", "y:300=0,300=10"], "expected 2 ticks or more"),
        (["--calibrate", "y:300=5,40=5"], "expected 2 ticks or more"),
        (["--calibrate", "z:300=0,40=10"], "expected axis:px=value"),
        (["--calibrate", "y:300=zero,40=10"], "expected axis:px=value"),
        (["--calibrate", "y:300=0,40=10:cube"], "expected axis:px=value"),
        (["--calibrate", "y300=0,40=10"], "expected axis:px=value"),
        (["--calibrate", ""], "expected axis:px=value"),
        (["--calibrate", "y:300=nan,40=10"], "expected finite numbers"),
        (["--calibrate", "y:300=0,40=10:log"], "expected values above 0"),
        (["--calibrate", "y:300=0,40=10", "--calibrate", "y:300=0,40=9"], "expected one calibration of the y axis, found 2"),
    ],
)
def test_wrong_use_is_told_in_one_line(
    arguments: list[str], expected: str, readoff: Run, reader: FakeReader, images: Images, tmp_path: Path
) -> None:
    (file,) = images("a.png")
    result = readoff("digitize", file, "--out", tmp_path / "out", *arguments)
    assert result.code == 2
    assert len(result.error_lines) == 1
    assert expected in result.err
    assert reader.calls == []
    assert not (tmp_path / "out").exists()


def test_no_files_is_wrong_use(readoff: Run, tmp_path: Path) -> None:
    result = readoff("digitize", "--out", tmp_path / "out")
    assert result.code == 2
    assert "FILE" in result.err


def test_a_calibration_holds_for_one_page_of_one_file(readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    files = images("a.png", "b.png")
    given = ("--calibrate", "y:300=0,40=10")
    assert readoff("digitize", *files, "--out", tmp_path / "out", *given).code == 2
    assert readoff("digitize", files[0], "--out", tmp_path / "out", *given, "--page", 1, "--page", 2).code == 2
    assert reader.calls == []


def test_calibration_is_read_with_scale_signs_and_spaces() -> None:
    y, x = parse_calibration(["y: 300.5=-1.5, 40=10 , 10=11", "x:80=1,400=100:log"])
    assert (y.axis, y.ticks, y.scale) == ("y", ((300.5, -1.5), (40.0, 10.0), (10.0, 11.0)), "linear")
    assert (x.axis, x.ticks, x.scale) == ("x", ((80.0, 1.0), (400.0, 100.0)), "log10")


@pytest.mark.parametrize("kind", [kind for kind in get_args(Kind) if kind != "unknown"])
def test_every_kind_of_the_record_can_be_named(kind: str, readoff: Run, reader: FakeReader, images: Images, tmp_path: Path) -> None:
    (file,) = images("a.png")
    assert readoff("digitize", file, "--out", tmp_path / "out", "--kind", kind).code == 0
    assert reader.calls[0]["kind"] == kind


def test_parse_calibration_refuses_as_wrong_use() -> None:
    with pytest.raises(typer.BadParameter, match="expected axis:px=value"):
        parse_calibration(["nothing"])
