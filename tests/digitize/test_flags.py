"""Flags: one table that every module obeys."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import calibration
import digitize
from digitize.flags import FLAGS, flags_as_markdown, known

ROOMS = (Path(calibration.__file__).parent, Path(digitize.__file__).parent)
SOURCES = sorted(path for room in ROOMS for path in room.rglob("*.py"))


def strings_in(node: ast.AST) -> Iterator[str]:
    """String constants of an expression; those that are compared or passed on to other calls are no flags of it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from strings_in(node.body)
        yield from strings_in(node.orelse)
    elif not isinstance(node, ast.Compare | ast.Attribute | ast.Subscript | ast.Lambda | ast.GeneratorExp | ast.ListComp):
        for child in ast.iter_child_nodes(node):
            yield from strings_in(child)


def is_flags(node: ast.AST) -> bool:
    """Whether an expression is a name for flags: `flags`, `d.flags`, ..."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name == "flags" or name.endswith(("_flags", "_flag")) or name == "flag"


def flags_in(source: str) -> Iterator[str]:
    """Strings that a module uses as flags: given, assigned, appended to or looked for in something called flags."""
    for node in ast.walk(ast.parse(source)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []
        is_given = any(is_flags(t) for t in targets) or (isinstance(node, ast.keyword) and node.arg == "flags")
        if is_given and isinstance(node, ast.keyword | ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None:
            yield from strings_in(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_flags(node.func.value):
            for argument in node.args:
                yield from strings_in(argument)
        elif isinstance(node, ast.Compare) and any(is_flags(c) for c in node.comparators):
            yield from strings_in(node.left)
        elif isinstance(node, ast.Tuple) and any(isinstance(e, ast.Starred) and is_flags(e.value) for e in node.elts):
            for element in node.elts:
                yield from strings_in(element)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_flag_that_a_module_uses_is_in_the_table(path: Path) -> None:
    assert set(flags_in(path.read_text(encoding="utf-8"))) - {""} <= set(FLAGS)


def test_every_flag_of_the_table_is_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES if path.name != "flags.py")
    assert [flag for flag in FLAGS if text.count(f'"{flag}"') < (2 if flag in calibration.FLAGS else 1)] == []


@pytest.mark.parametrize(
    "source",
    [
        'Mark(flags=("ghost",))',
        'flags = ("ghost",) if is_so else ()',
        'flags += ["ghost"]',
        'flags.append("ghost")',
        'replace(d, outer=1, flags=(*d.flags, "mirrored" if even else "ghost"))',
        'done = "ghost" in d.flags',
        'result = (*bar.flags, "ghost")',
        'self.flags: tuple[str, ...] = ("ghost",)',
    ],
)
def test_the_search_for_flags_finds_them_however_they_are_given(source: str) -> None:
    assert "ghost" in set(flags_in(source))


def test_known_returns_each_flag_once_in_order() -> None:
    assert known(["mirrored", "clipped", "mirrored"]) == ("mirrored", "clipped")
    assert known(()) == ()


def test_an_unknown_flag_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match=r"expected flags of the table in digitize/flags\.py, found ghost, spook"):
        known(["mirrored", "ghost", "spook"])


def test_the_table_holds_the_flags_of_the_axes() -> None:
    assert set(calibration.FLAGS) <= set(FLAGS)


def test_every_meaning_is_a_sentence() -> None:
    for flag, meaning in FLAGS.items():
        assert flag == flag.lower().replace(" ", "_")
        assert meaning[0].isupper()
        assert meaning.endswith(".")


def test_the_table_is_written_a_row_a_flag() -> None:
    lines = flags_as_markdown().splitlines()
    assert lines[:2] == ["| flag | what it means |", "|---|---|"]
    assert [line.split("`")[1] for line in lines[2:]] == list(FLAGS)
