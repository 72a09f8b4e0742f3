"""`gridroam audit`: derives everything on a ledger again, from the chain alone, and compares."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridroam.errors import FalseAnswerError, GridroamError, InvalidInputError

if TYPE_CHECKING:
    from gridroam.audit import Report, Scope, Source, StateFile, Step

app = typer.Typer(add_completion=False)

DIFFERS, NOT_DONE, FALSE_ANSWER = 1, 2, 3


@app.command()
def audit(
    *,
    rpc: Annotated[str, typer.Option(help="Address of a node of the chain, http or https.")],
    ledger: Annotated[str, typer.Option(help="Address of the ledger contract.")],
    block: Annotated[
        int | None,
        typer.Option("--block", "--to-block", min=0, help="Up to this one, not the newest."),
    ] = None,
    block_hash: Annotated[
        str, typer.Option(help="The last block's hash, as you know it from elsewhere.")
    ] = "",
    from_block: Annotated[
        int | None, typer.Option(min=0, help="Tell figures from this block on.")
    ] = None,
    to_time: Annotated[
        str | None,
        typer.Option("--to", help="Up to the last block before: UTC seconds or ISO 8601."),
    ] = None,
    from_time: Annotated[
        str | None,
        typer.Option("--from", help="Tell figures from this time on: UTC seconds or ISO 8601."),
    ] = None,
    participant: Annotated[
        int | None, typer.Option(min=1, help="Show one participant's figures only.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Go on from this file, and save there how far it got.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Without it, one for each core.")
    ] = None,
    trust_node: Annotated[
        bool, typer.Option("--trust-node", help="Take the node's word for which events there are.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Derive every decision, posting and balance again from the chain alone, and compare.

    Exit code 0: all agrees. 1: something differs, each thing is named. 2: it could not be done.
    3: what the node answers contradicts the chain's own hashes.
    """
    from gridroam.audit import StateFile, open_source, run

    try:
        source = open_source(rpc, ledger, trust_node=trust_node, processes=processes)
        file = StateFile(state) if state else None
        wanted = _scope(source, (from_block, block), (from_time, to_time), block_hash)
        with _progress() as progress:
            report = run(source, scope=wanted, state=file, progress=progress)
        shown = report.of(participant) if participant else report
    except GridroamError as error:
        typer.echo(f"error: {error}", err=True)
        lied = isinstance(error, FalseAnswerError)
        raise typer.Exit(FALSE_ANSWER if lied else NOT_DONE) from error
    _show(shown, file, as_json=as_json)
    raise typer.Exit(0 if report.ok else DIFFERS)


def _show(report: "Report", file: "StateFile | None", *, as_json: bool) -> None:
    for note in file.notes if file else ():
        typer.echo(f"note: {note}", err=True)
    typer.echo(json.dumps(report.as_dict()) if as_json else "\n".join(report.lines()))


def _scope(
    source: "Source",
    blocks: tuple[int | None, int | None],
    times: tuple[str | None, str | None],
    block_hash: str,
) -> "Scope":
    from gridroam.audit import Scope
    from gridroam.audit.source import first_since
    from gridroam.index.moments import moment

    since, last = blocks
    begin, end = (moment(text) if text else None for text in times)
    if (since, begin).count(None) == 0 or (last, end).count(None) == 0:
        raise InvalidInputError("A range is given by blocks or by times.", "Leave one of them out.")
    if begin is not None:
        since = first_since(source, begin)
    if end is not None:
        last = first_since(source, end) - 1
        if last < 0:
            raise InvalidInputError(
                f"There is no block before {times[1]}.", "Ask for a later time."
            )
    return Scope(last, _hash(block_hash), since)


def _hash(text: str) -> bytes | None:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b"?"
    if len(found) not in (0, 32):
        raise InvalidInputError(f"{text!r} is no block hash.", "It is 0x and 64 digits.")
    return found or None


@contextmanager
def _progress() -> Iterator[Callable[["Step"], None] | None]:
    """A bar on stderr, if somebody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[messages]:,} messages"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking the node", total=None, messages=0)

        def show(step: "Step") -> None:
            done, total = step.read - step.first + 1, step.last - step.first + 1
            where = f"block {done:,} of {total:,}"
            bar.update(task, description=where, completed=done, total=total, messages=step.messages)

        yield show
