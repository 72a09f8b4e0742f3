"""The command `gridroam`. Commands parse and print; what they do lives in other modules."""

import typer

import gridroam

app = typer.Typer(name="gridroam", no_args_is_help=True, add_completion=False)


@app.callback()
def gridroam_command() -> None:
    """EV charging sessions, cleared and settled by smart contracts."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(gridroam.__version__)


def main() -> None:
    app()
