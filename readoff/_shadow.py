"""Which of a user's own files hides one of our packages.

`calibration`, `digitize`, `extract` and `pool` are plain names: a script `extract.py` beside a notebook is found before ours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("calibration", "digitize", "extract", "pool")


def raise_if_hidden(home: Path, names: Iterable[str] = ROOMS) -> None:
    """Make sure that `import name` finds our package, for each of the names.

    Parameters
    ----------
    home
        The folder that holds our packages.
    names
        The packages to look for.

    Raises
    ------
    ImportError
        If Python finds something else under one of the names; the message names the file or folder to rename.
    """
    for name in names:
        spec = _find(name)
        if spec is None:
            message = f"readoff's package {name!r} is missing from {home}; install readoff again"
            raise ImportError(message, name=name)
        found = _place(spec)
        if found is not None and found.parent != home:
            message = f"{found} hides readoff's package {name!r}: rename it (and restart Python)"
            raise ImportError(message, name=name, path=str(found))


def _find(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except ValueError:  # a module without a spec is already imported under this name
        file = getattr(sys.modules[name], "__file__", None)
        return ModuleSpec(name, None, origin=file)


def _place(spec: ModuleSpec) -> Path | None:
    """Return the file (of a module) or the folder (of a package) that a spec points to."""
    folders = list(spec.submodule_search_locations or ())
    place = folders[0] if folders else spec.origin
    return None if place is None else Path(place).resolve()
