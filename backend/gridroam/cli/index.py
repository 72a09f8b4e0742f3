"""`gridroam index`: the chain as rows that answer questions; follow, rebuild, ask, serve."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gridroam.index.follower import Follower

app = typer.Typer(add_completion=False, no_args_is_help=True)

Rpc = Annotated[str | None, typer.Option(help="The node's address.")]
LedgerAt = Annotated[str | None, typer.Option(help="The ledger's address.")]
Db = Annotated[str | None, typer.Option(help="A file, or a database URL.")]
Trust = Annotated[
    bool | None, typer.Option(help="Take the node's word for it that it serves all logs.")
]


@app.callback()
def index() -> None:
    """The index: what the chain says, as rows that answer quickly. Every option can be set as
    GRIDROAM_<OPTION>, the database as GRIDROAM_INDEX_DB."""


@app.command()
def follow(
    *,
    rpc: Rpc = None,
    ledger: LedgerAt = None,
    db: Db = None,
    trust_node: Trust = None,
    once: Annotated[bool, typer.Option(help="End at the chain's head.")] = False,
) -> None:
    """Bring the index to the head of the chain, and keep it there."""
    from gridroam.devnet.devnet import stopped_by_signals

    follower = _follower(rpc, ledger, db, trust_node)
    with stopped_by_signals() as stopped:
        follower.catch_up()
        _say(follower)
        if not once:
            follower.run(stopped)


@app.command()
def rebuild(
    *, rpc: Rpc = None, ledger: LedgerAt = None, db: Db = None, trust_node: Trust = None
) -> None:
    """Drop the index and make it anew from the chain. Meters' own series stay."""
    follower = _follower(rpc, ledger, db, trust_node, any_version=True)
    follower.rebuild()
    follower.catch_up()
    _say(follower)


@app.command()
def check(*, rpc: Rpc = None, ledger: LedgerAt = None, db: Db = None) -> None:
    """Compare every account and journal with those on chain, at the index's own block.

    Exit code 0: all agree. 1: something differs, each thing is named."""
    from gridroam.index.check import contradictions

    follower = _follower(rpc, ledger, db, None)
    found = contradictions(follower.index, follower.source)
    typer.echo("\n".join(found) or "Every account and journal is as on chain.")
    raise typer.Exit(1 if found else 0)


@app.command()
def serve(
    *,
    rpc: Rpc = None,
    ledger: LedgerAt = None,
    db: Db = None,
    trust_node: Trust = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0: any that is free.")] = None,
) -> None:
    """Serve the query API, and keep the index at the chain's head meanwhile."""
    from gridroam.api.app import create_app
    from gridroam.api.service import Queries
    from gridroam.http import log, serving
    from gridroam.http.operator import Operator
    from gridroam.http.server import Server, listen
    from gridroam.index.follower import open_follower
    from gridroam.index.queries import Index
    from gridroam.processes import spare_imports
    from gridroam.settings import IndexSettings
    from gridroam.statements.anchors import open_anchors

    settings = IndexSettings.read(
        rpc=rpc, ledger=ledger, index_db=db, trust_node=trust_node, host=host, port=port
    )
    log.configure(settings.log_level, as_json=settings.log_json)
    found = Index.open(settings.index_db)
    follower = open_follower(
        found,
        settings.rpc,
        settings.ledger,
        trust_node=settings.trust_node,
        depth=settings.index_depth,
    )
    queries = Queries(
        found,
        lambda: open_anchors(settings.rpc, settings.ledger),
        Operator(serving.api_keys(settings)),
    )
    with listen(settings.host, settings.port) as listening:
        application = create_app(queries, follower, settings)
        server = Server(application, serving.of(settings), application.state.drain)
        where = listening.getsockname()
        typer.echo(f"Index of {settings.ledger} at http://{where[0]}:{where[1]}", err=True)
        spare_imports()
        server.run(sockets=[listening])
    found.close()


@app.command(name="meter-series")
def meter_series(
    meter: Annotated[str, typer.Argument(help="The meter's hash, 0x and 64 hex digits.")],
    file: Annotated[Path, typer.Argument(help="CSV: start;import_wh;export_wh")],
    db: Db = None,
) -> None:
    """Bring in a meter's own quarter hours, as its grid operator reads them."""
    from gridroam.allocation.meter_series import put_series, read_series
    from gridroam.errors import BrokenFileError
    from gridroam.index.hashes import hash_of
    from gridroam.index.queries import Index
    from gridroam.settings import IndexSettings

    key = hash_of(meter, "meter")
    try:
        rows = read_series(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenFileError(f"{file} cannot be read ({error}).", "Give CSV in UTF-8.") from error
    found = Index.open(IndexSettings.read(index_db=db).index_db)
    count = put_series(found, key, rows)
    typer.echo(f"{count:,} quarter hours")


@app.command()
def status(db: Db = None) -> None:
    """How far the index is."""
    from gridroam.index.queries import Index
    from gridroam.settings import IndexSettings

    with Index.open(IndexSettings.read(index_db=db).index_db).snapshot() as now:
        head = now.head()
    if head is None:
        typer.echo("Nothing is indexed yet.")
        return
    typer.echo(f"Ledger {head.ledger} on chain {head.chain_id}")
    typer.echo(f"Block {head.block} of {head.head}, {head.lag} behind when it was last written")


def _follower(
    rpc: str | None,
    ledger: str | None,
    db: str | None,
    trust_node: bool | None,
    *,
    any_version: bool = False,
) -> "Follower":
    from gridroam.index.follower import open_follower
    from gridroam.index.queries import Index
    from gridroam.settings import IndexSettings

    settings = IndexSettings.read(rpc=rpc, ledger=ledger, index_db=db, trust_node=trust_node)
    return open_follower(
        Index.open(settings.index_db, any_version=any_version),
        settings.rpc,
        settings.ledger,
        trust_node=settings.trust_node,
        depth=settings.index_depth,
    )


def _say(follower: "Follower") -> None:
    with follower.index.snapshot() as now:
        head = now.head()
    if head is not None:
        typer.echo(f"Indexed up to block {head.block} of {head.head}.", err=True)
