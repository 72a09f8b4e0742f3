"""`gridroam statement`: an account's statement for a period, or one session's receipt."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridroam.errors import InvalidInputError

if TYPE_CHECKING:
    from gridroam.index.queries import Index

app = typer.Typer(add_completion=False)


@app.command()
def statement(
    out: Annotated[Path, typer.Argument(help="The file to write: .csv, .json or .parquet.")],
    *,
    participant: Annotated[int | None, typer.Option(help="Whose account, by its number.")] = None,
    since: Annotated[
        str, typer.Option(help="From when: 2026-11-01, 2026-11-01T10:15:00Z, or UTC seconds.")
    ] = "0",
    until: Annotated[str | None, typer.Option(help="Until when, excluded; now.")] = None,
    station: Annotated[int | None, typer.Option(help="For a receipt: the station.")] = None,
    session: Annotated[int | None, typer.Option(help="For a receipt: the session.")] = None,
    rpc: Annotated[
        str | None, typer.Option(help="The node, to bring the index up to date.")
    ] = None,
    ledger: Annotated[str | None, typer.Option(help="The ledger's address.")] = None,
    db: Annotated[
        str | None, typer.Option(help="The index; without one, the whole chain is read.")
    ] = None,
) -> None:
    """Write a participant's statement (--participant, --since, --until), or the receipt of one
    session (--station, --session)."""
    from gridroam.index.moments import moment
    from gridroam.statements import formats
    from gridroam.statements.make import statement as make
    from gridroam.statements.receipt import receipt

    with _index(rpc, ledger, db) as index, index.snapshot() as now:
        if station is not None and session is not None:
            made = receipt(now, station, session)
            out.write_text(json.dumps(made.as_dict(), indent=1) + "\n", encoding="utf-8")
            typer.echo(f"{out}: session {session} of station {station}, {len(made.lines)} lines")
            return
        if participant is None:
            raise InvalidInputError(
                "Whose statement?", "Give --participant, or --station and --session."
            )
        period = moment(since), 1 << 39 if until is None else moment(until)
        count = formats.write(out, make(now, participant, *period).lines)
        typer.echo(f"{out}: {count:,} lines")


@contextmanager
def _index(rpc: str | None, ledger: str | None, db: str | None) -> "Iterator[Index]":
    from gridroam.index.follower import open_follower
    from gridroam.index.queries import Index

    with tempfile.TemporaryDirectory() as folder:
        index = Index.open(db or str(Path(folder) / "index.db"))
        try:
            if rpc and ledger:
                open_follower(index, rpc, ledger).catch_up()
            elif not db:
                raise InvalidInputError("Where from?", "Give --db, or --rpc and --ledger, or all.")
            yield index
        finally:
            index.close()
