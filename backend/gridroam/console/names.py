"""What participants are called. The chain knows numbers, accounts and market codes; names come from
a file that whoever runs the console keeps, a JSON object from market code to name."""

import json
from pathlib import Path

from gridroam.errors import BrokenFileError


def read_names(path: Path | None) -> dict[str, str]:
    """Raises `BrokenFileError`."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(code): str(name) for code, name in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise BrokenFileError(
            f"{path} has no names ({error}).", "It is a JSON object from market code to name."
        ) from error
