"""Runs halmos in this process. Its end of a status line asks for one more than rich has."""

import sys

from halmos.__main__ import main  # type: ignore[import-untyped]
from rich.console import Console


def _clear_live(console: Console) -> None:
    if console._live_stack:  # noqa: SLF001
        console._live_stack.pop()  # noqa: SLF001


if __name__ == "__main__":
    Console.clear_live = _clear_live  # type: ignore[assignment, method-assign]
    sys.exit(main())
