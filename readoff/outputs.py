"""Writing results so that a folder holds whole files or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give a scratch folder inside ``out``; when the block ends well, its files move to ``out``, each in one step.

    When the block raises, nothing of it stays, and an ``out`` that was made for it goes too.

    Raises
    ------
    OSError
        If ``out`` is a file or cannot be written.
    """
    made = _make_folders(out)
    try:
        with tempfile.TemporaryDirectory(prefix=".readoff-", dir=out) as scratch:
            yield Path(scratch)
            for path in sorted(Path(scratch).rglob("*")):
                if path.is_file():
                    target = out / path.relative_to(scratch)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(path, target)
    except BaseException:
        for folder in made:
            if not any(folder.iterdir()):
                folder.rmdir()
        raise


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder with its parents; return those that were not there, innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step: whoever reads it sees the old text or the new, never a part."""
    with staged(path.parent) as scratch:
        (scratch / path.name).write_text(text, encoding="utf-8", newline="\n")
