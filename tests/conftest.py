"""What several rooms' tests need."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitize import pdf_worker


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference numbers beside the repository, where there is one."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("no folder of reference numbers beside the repository")
    return folder


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """The worker with a quarter of its memory limit, so that hostile files meet it sooner."""
    text = Path(pdf_worker.__file__).read_text(encoding="utf-8")
    assert "MEMORY_LIMIT = 2 * 1024**3" in text
    copy = tmp_path / "worker.py"
    copy.write_text(text.replace("MEMORY_LIMIT = 2 * 1024**3", "MEMORY_LIMIT = 1024**3 // 2"), encoding="utf-8")
    monkeypatch.setattr(pdf_worker, "__file__", str(copy))
    return 1024**3 // 2
