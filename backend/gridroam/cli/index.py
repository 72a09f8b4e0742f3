"""`gridroam index`: the chain as rows that answer questions; follow, rebuild, ask, serve."""

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
    follower = _follower(rpc, ledger, db, trust_node)
    follower.rebuild()
    follower.catch_up()
    _say(follower)


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
    rpc: str | None, ledger: str | None, db: str | None, trust_node: bool | None
) -> "Follower":
    from gridroam.index.follower import open_follower
    from gridroam.index.queries import Index
    from gridroam.settings import IndexSettings

    settings = IndexSettings.read(rpc=rpc, ledger=ledger, index_db=db, trust_node=trust_node)
    return open_follower(
        Index.open(settings.index_db),
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
