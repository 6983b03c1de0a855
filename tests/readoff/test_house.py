"""What README.md promises a newcomer, and what the distribution holds."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import tomllib
from pathlib import Path

import pytest

import readoff
from digitize.flags import flags_as_markdown

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def block(language: str, holding: str) -> str:
    """The one fenced block of README.md in a language that holds a text."""
    blocks = [text for text in re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL) if holding in text]
    assert len(blocks) == 1
    return str(blocks[0])


def test_each_newcomers_command_is_one_line_that_the_checks_run_as_it_stands() -> None:
    checks = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for end in ("readoff demo", "pytest"):
        lines = re.findall(rf"^python3 -m venv \.venv && .* && \.venv/bin/{end}$", README, flags=re.MULTILINE)
        assert len(lines) == 1
        assert f"readme_line {end}" in checks or f"readme_line '{end}'" in checks


def test_the_windows_commands_are_the_same_ones() -> None:
    unix = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    windows = [line for line in README.splitlines() if line.startswith("py -m venv")]
    translated = [line.replace("python3 ", "py ").replace(" && ", "; ").replace(".venv/bin/", r".venv\Scripts\ ".rstrip()) for line in unix]
    assert windows == translated


def test_the_python_example_prints_what_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_figures", tmp_path / "sample_figures")
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block("python", "import readoff"), "README.md", "exec"), {})
    assert printed.getvalue().rstrip().splitlines() == block("text", "mean").rstrip().splitlines()


def test_the_distribution_holds_every_room_and_the_samples() -> None:
    included = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {"calibration*", "digitize*", "extract*", "pool*", "readoff*", "sample_figures*"} == set(included)
    suffixes = {Path(pattern).suffix for pattern in PROJECT["tool"]["setuptools"]["package-data"]["sample_figures"]}
    kept = {path.suffix for path in (ROOT / "sample_figures").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert kept - {".py"} <= suffixes


def test_the_documented_flags_are_those_of_the_table() -> None:
    """After a change of digitize/flags.py put what `flags_as_markdown` returns into docs/flags.md."""
    assert (ROOT / "docs" / "flags.md").read_text(encoding="utf-8").endswith(f"\n\n{flags_as_markdown()}")


def test_the_version_is_in_the_changelog() -> None:
    assert f"## {readoff.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
