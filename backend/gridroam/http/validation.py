"""From what pydantic says about a value to the problem that names the field."""

from collections.abc import Sequence

from pydantic_core import ErrorDetails

from gridroam.http.problems import Problem

_CODES = {
    "missing": "missing-field",
    "union_tag_not_found": "missing-field",
    "extra_forbidden": "unknown-field",
    "union_tag_invalid": "unknown-kind",
    "string_pattern_mismatch": "wrong-format",
    "greater_than": "out-of-range",
    "greater_than_equal": "out-of-range",
    "less_than": "out-of-range",
    "less_than_equal": "out-of-range",
    "int_parsing_size": "out-of-range",
    "too_long": "out-of-range",
    "too_short": "out-of-range",
    "string_too_long": "out-of-range",
    "string_too_short": "out-of-range",
    "finite_number": "out-of-range",
    "enum": "out-of-range",
    "literal_error": "out-of-range",
}


_LONGEST = 100


def shown(text: str) -> str:
    """What a stranger calls something, fit for an answer and for a line of the log."""
    plain = text if text.isprintable() else ascii(text)[1:-1]
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}..."


def problem_of(error: ErrorDetails, where: str, steps: Sequence[int | str]) -> Problem:
    """About the value that is some steps below `where`."""
    path = [f"[{step}]" if isinstance(step, int) else f".{shown(step)}" for step in steps]
    field = (where + "".join(path)).lstrip(".")
    detail = f"{field}: {shown(error['msg'])}."
    return Problem(_CODES.get(error["type"], "wrong-type"), detail, field)
