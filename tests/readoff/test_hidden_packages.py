"""``import readoff`` names the user's file that hides one of our packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = "import sys; sys.path[:0] = {path!r}; import readoff; print('imported')"


def import_beside(folder: Path) -> subprocess.CompletedProcess[str]:
    """Import readoff in a fresh interpreter that looks into a user's folder first, as a notebook does."""
    code = CODE.format(path=[str(folder), str(ROOT)])
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("room", ["calibration", "digitize", "extract", "pool"])
def test_a_module_that_hides_a_room_is_named(room: str, tmp_path: Path) -> None:
    own = tmp_path / f"{room}.py"
    own.write_text("answer = 42\n", encoding="utf-8")
    result = import_beside(tmp_path)
    assert result.returncode == 1
    assert (
        result.stderr.splitlines()[-1] == f"ImportError: {own.resolve()} hides readoff's package '{room}': rename it (and restart Python)"
    )


def test_a_package_that_hides_a_room_is_named(tmp_path: Path) -> None:
    (tmp_path / "extract").mkdir()
    (tmp_path / "extract" / "__init__.py").touch()
    assert f"{(tmp_path / 'extract').resolve()} hides readoff's package 'extract'" in import_beside(tmp_path).stderr


def test_a_script_of_that_name_is_named(tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(f"import sys\nsys.path.append({str(ROOT)!r})\nimport readoff\n", encoding="utf-8")
    result = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert f"{script.resolve()} hides readoff's package 'pool'" in result.stderr


def test_other_files_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "extraction.py").touch()
    (tmp_path / "pool").mkdir()  # a folder without __init__.py gives way to a package
    result = import_beside(tmp_path)
    assert (result.returncode, result.stdout) == (0, "imported\n")


def test_importing_readoff_imports_nothing_heavy() -> None:
    heavy = ["numpy", "pandas", "cv2", "matplotlib", "scipy", "onnxruntime", "pydantic", "rich"]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import readoff; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
