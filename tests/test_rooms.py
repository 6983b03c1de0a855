"""The rooms of the house stand in order: a room imports only the rooms before it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("calibration", "digitize", "extract", "pool", "readoff")
# What a room must do without, so that statistics run where no image can be opened.
FORBIDDEN = {"extract": {"cv2", "PIL", "pypdfium2"}, "pool": {"cv2", "PIL", "pypdfium2"}}
IMAGES_LIVE_IN = "digitize"
EXTRACT_MAY_USE = {"digitize.record"}  # the figure record is a table; reading it opens no image


def imported_modules(source: str, package: str) -> Iterator[str]:
    """Every module that a source text imports, at its top or inside a function, in full ("digitize.record")."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = ".".join([*parents[: len(parents) - node.level + 1], node.module or ""]) if node.level else node.module or ""
            yield from (f"{base.rstrip('.')}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            is_text = bool(node.args) and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
            if name in {"import_module", "__import__"} and is_text:
                yield node.args[0].value


def imports_of(room: str) -> list[tuple[str, str]]:
    """(file, imported module) for every import in a room."""
    files = sorted((ROOT / room).rglob("*.py"))
    return [
        (str(file.relative_to(ROOT)), module)
        for file in files
        for module in imported_modules(file.read_text(encoding="utf-8"), ".".join(file.relative_to(ROOT).parent.parts))
    ]


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_a_typed_package(room: str) -> None:
    assert (ROOT / room / "__init__.py").is_file()
    assert (ROOT / room / "py.typed").is_file()


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_rooms_before_it(room: str) -> None:
    later = set(ROOMS[ROOMS.index(room) + 1 :])
    assert [(file, module) for file, module in imports_of(room) if top(module) in later] == []


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_nothing_that_belongs_to_the_tests_or_the_samples(room: str) -> None:
    outside = {"tests", "benchmarks", "docs", "conftest"}
    assert [(file, module) for file, module in imports_of(room) if top(module) in outside] == []


def test_calibration_imports_numpy_and_the_standard_library_only() -> None:
    allowed = {"numpy", "calibration", *sys.stdlib_module_names}
    assert [(file, module) for file, module in imports_of("calibration") if top(module) not in allowed] == []


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_statistics_open_no_image(room: str) -> None:
    assert [(file, module) for file, module in imports_of(room) if top(module) in FORBIDDEN[room]] == []


def test_extract_uses_of_digitize_only_the_record() -> None:
    from_digitize = [(file, module) for file, module in imports_of("extract") if top(module) == IMAGES_LIVE_IN]
    assert [(file, module) for file, module in from_digitize if not module.startswith(tuple(EXTRACT_MAY_USE))] == []


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        ("import pool.model", "extract", ["pool.model"]),
        ("from pool import model", "extract", ["pool.model"]),
        ("from . import series", "digitize", ["digitize.series"]),
        ("from ..page import Page", "digitize.formats", ["digitize.page.Page"]),
        ("def f():\n    import cv2", "extract", ["cv2"]),
        ("import importlib\nimportlib.import_module('pool')", "extract", ["importlib", "pool"]),
    ],
)
def test_the_walk_sees_every_way_to_import(source: str, package: str, expected: list[str]) -> None:
    assert list(imported_modules(source, package)) == expected
