"""`gridroam relay`: takes messages of stations over HTTP and brings them to the ledger."""

import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def relay(
    *,
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
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
    """Run a relay. Every option, and many more, can be set as GRIDROAM_<OPTION> or in a file;
    `gridroam settings` says what there is."""
    given = dict(locals())
    from gridroam.http import serving
    from gridroam.http.server import Server, listen
    from gridroam.processes import spare_imports
    from gridroam.relay import log
    from gridroam.relay.app import create_app
    from gridroam.relay.service import Relay
    from gridroam.settings import RelaySettings

    settings = RelaySettings.read(**given)
    log.configure(settings.log_level, as_json=settings.log_json)
    with ExitStack() as stack:
        listening = [stack.enter_context(listen(settings.host, settings.port))]
        operators = None
        if settings.operator_port is not None:
            second = listen(settings.operator_host, settings.operator_port)
            listening.append(stack.enter_context(second))
            operators = second.getsockname()[1]
        running = Relay.open(settings)
        application = create_app(running, operators)
        server = Server(application, serving.of(settings), application.state.drain)
        host, port = listening[0].getsockname()[:2]
        typer.echo(f"Relay of {running.ledger.address} at http://{host}:{port}", err=True)
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, signal.SIG_IGN)  # the server's own while it runs
        spare_imports()
        server.run(sockets=listening)
