"""`gridroam audit`: derives everything on a ledger again, from the chain alone, and compares."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from gridroam.errors import GridroamError

app = typer.Typer(add_completion=False)

DIFFERS, NOT_DONE = 1, 2


@app.command()
def audit(
    rpc: Annotated[str, typer.Option(help="Address of a node of the chain, http or https.")],
    ledger: Annotated[str, typer.Option(help="Address of the ledger contract.")],
    block: Annotated[
        int | None, typer.Option(min=0, help="Up to this one, not the newest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Derive every decision, posting and balance again from the chain alone, and compare.

    Exit code 0: all agrees. 1: something differs, each thing is named. 2: it could not be done.
    """
    from gridroam.audit import open_source, run

    try:
        with _progress() as progress:
            report = run(open_source(rpc, ledger), block=block, progress=progress)
    except GridroamError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(NOT_DONE) from error
    typer.echo(json.dumps(report.as_dict()) if as_json else "\n".join(report.lines()))
    raise typer.Exit(0 if report.ok else DIFFERS)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, int], None] | None]:
    """A bar on stderr, if somebody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("blocks", total=None)

        def show(first: int, read: int, last: int) -> None:
            bar.update(task, completed=read - first + 1, total=last - first + 1)

        yield show
