"""`gridroam relay`: takes messages of stations over HTTP and brings them to the ledger."""

import signal
import socket
from pathlib import Path
from typing import Annotated

import typer

from gridroam.errors import InvalidInputError

app = typer.Typer(add_completion=False)


@app.command()
def relay(
    *,
    rpc: Annotated[str | None, typer.Option(help="The node's address.")] = None,
    ledger: Annotated[str | None, typer.Option(help="The ledger's address.")] = None,
    db: Annotated[str | None, typer.Option(help="A file, or a database URL.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0: any that is free.")] = None,
    chain_id: Annotated[int | None, typer.Option(help="Refuse a node on another chain.")] = None,
    keystore: Annotated[
        Path | None, typer.Option(help="The sending account's encrypted key.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="The file with the keystore's password.")
    ] = None,
    batch_messages: Annotated[int | None, typer.Option(help="Messages in a batch.")] = None,
    batch_seconds: Annotated[
        float | None, typer.Option(help="Seconds that a message waits for others.")
    ] = None,
    confirmations: Annotated[
        int | None, typer.Option(help="Blocks until a batch counts as final.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    log_json: Annotated[bool | None, typer.Option(help="Logs as JSON.")] = None,
) -> None:
    """Run a relay. Every option, and some more, can be set as GRIDROAM_<OPTION> instead; the
    sending account's key also as GRIDROAM_SENDER_KEY."""
    given = dict(locals())
    import uvicorn

    from gridroam.relay import log
    from gridroam.relay.app import create_app
    from gridroam.relay.service import Relay
    from gridroam.settings import RelaySettings

    settings = RelaySettings.read(**given)
    log.configure(settings.log_level, as_json=settings.log_json)
    with _listen(settings.host, settings.port) as listening:
        running = Relay.open(settings)
        config = uvicorn.Config(
            create_app(running),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        where = listening.getsockname()
        typer.echo(f"Relay of {running.ledger.address} at http://{where[0]}:{where[1]}", err=True)
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, signal.SIG_IGN)  # uvicorn's own while it runs
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        # asyncio sends small answers without delay only where the protocol is given
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(512)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise InvalidInputError(
            f"The relay cannot listen on {host}:{port} ({error.strerror}).",
            "Choose another --port, or stop what listens there.",
        ) from error
    return listening
