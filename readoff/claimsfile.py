"""The claims file: one TOML that holds what a published review says of itself, for its audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from readoff.reviewfile import ReviewFileError, first_problem, read_toml

if TYPE_CHECKING:
    from pool.audit import Claims


def read_claims(path: Path) -> Claims:
    """Read a claims file (see `pool.audit.claims.Claims`); its numbers keep the digits that they were written with.

    Raises
    ------
    ReviewFileError
        If it is missing, is not TOML, or a key is missing, unknown or wrong; one line names file, key, expected and found.
    """
    from pool.audit import Claims

    try:
        return TypeAdapter(Claims).validate_python(read_toml(path))
    except ValidationError as error:
        message = f"{path}: {first_problem(error)}"
        raise ReviewFileError(message) from error
