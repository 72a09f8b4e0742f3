"""The command `gridroam`. Commands parse and print; what they do lives in other modules.

Each command is a module of its own here with a typer app called `app`, imported only when it is
asked for. What takes long to import, its functions import themselves.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import gridroam
from gridroam.errors import GridroamError

COMMANDS = (
    "deploy",
    "demo",
    "devnet",
    "relay",
    "simulate",
    "audit",
    "evidence",
    "corrections",
    "index",
    "statement",
    "verify",
    "console",
    "sign-in",
    "key",
    "settings",
)


def _module(name: str) -> str:
    return f"{__name__}.{name.replace('-', '_')}"


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return [name for name in COMMANDS if find_spec(_module(name))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = typer.main.get_command(import_module(_module(cmd_name)).app)
        command.name = cmd_name
        return command


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(gridroam.__version__)
        raise typer.Exit


app = typer.Typer(
    name="gridroam",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def gridroam_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """EV charging sessions, cleared and settled by smart contracts."""


def main() -> None:
    """A known failure is one line and exit code 1; anything else is a bug, with its trace."""
    try:
        app()
    except GridroamError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
