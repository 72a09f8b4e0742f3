"""`gridroam console`: pages for suppliers, grid operators and station operators."""

import signal
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def console(
    *,
    rpc: Annotated[
        str, typer.Option(envvar="GRIDROAM_RPC", help="The node's address.")
    ] = "http://127.0.0.1:8545",
    ledger: Annotated[
        str | None, typer.Option(envvar="GRIDROAM_LEDGER", help="The ledger's address.")
    ] = None,
    index: Annotated[str, typer.Option(help="The index: a file, or a database URL.")] = "index.db",
    db: Annotated[Path | None, typer.Option(help="The file with the console's own data.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0: any that is free.")] = None,
    origin: Annotated[
        str | None, typer.Option(help="The address that browsers see, behind a proxy.")
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="A JSON file from market code to company name.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="The file with the key that protects customers' data.")
    ] = None,
    devnet_sign_in: Annotated[
        bool | None,
        typer.Option("--devnet-sign-in", help="On a devnet: sign in as anybody, unsigned."),
    ] = None,
    new_key: Annotated[
        Path | None, typer.Option(help="Only write a new key to this file, and end.")
    ] = None,
) -> None:
    """Serve the console. More can be set as GRIDROAM_CONSOLE_<OPTION>: docs/console.md."""
    from gridroam.customers.keys import KeyInFile

    if new_key is not None:
        KeyInFile(new_key, make=True).read()
        typer.echo(f"The key is in {new_key}. Keep a copy: without it nothing can be read.")
        return
    from gridroam.console.server import create_app, opened
    from gridroam.errors import InvalidInputError
    from gridroam.http import log, serving
    from gridroam.http.server import Server, listen
    from gridroam.processes import spare_imports
    from gridroam.settings import ConsoleSettings

    if ledger is None:
        raise InvalidInputError("ledger is missing.", "Give --ledger, or set GRIDROAM_LEDGER.")
    settings = ConsoleSettings.read(
        db=db,
        host=host,
        port=port,
        origin=origin,
        names=names,
        key_file=key_file,
        devnet_sign_in=devnet_sign_in,
    )
    with listen(settings.host, settings.port) as listening:
        where = listening.getsockname()
        address = f"http://{where[0]}:{where[1]}"
        with opened(settings, rpc, ledger, index, address) as running:
            typer.echo(f"Console of {running.ledger.address} at {address}/console", err=True)
            log.configure(settings.log_level, as_json=settings.log_json)
            application = create_app(running)
            server = Server(application, serving.of(settings), application.state.drain)
            for ending in (signal.SIGINT, signal.SIGTERM):
                signal.signal(ending, signal.SIG_IGN)  # the server's own while it runs
            spare_imports()
            server.run(sockets=[listening])
