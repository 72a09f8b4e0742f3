"""`gridroam sign-in`: signs the text with which the console asks who one is."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gridroam.errors import InvalidInputError

app = typer.Typer(add_completion=False)
_KIND = " wants you to sign in with your Ethereum account:"


@app.command()
def sign_in(
    keystore: Annotated[Path, typer.Option(help="The account's encrypted key (keystore JSON).")],
    password_file: Annotated[
        Path | None, typer.Option(help="The file with its password; without it you are asked.")
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Sign only for this site, as host or host:port.")
    ] = None,
) -> None:
    """Reads the text from standard input, shows what it is for, and prints the signature.

    Nothing but a sign-in text is signed: no transaction, no other message.
    """
    from eth_account.messages import encode_defunct

    from gridroam.cli.account import unlocked

    text = sys.stdin.read().strip("\r\n")
    head, _, rest = text.partition("\n")
    domain, found, more = head.partition(_KIND)
    if not found or more:
        raise InvalidInputError("That is no sign-in text.", "Copy all of it, from the console.")
    if site is not None and domain != site:
        raise InvalidInputError(f"The text is for {domain}, not for {site}.", "Do not sign it.")
    account = unlocked(keystore, password_file)
    if rest.partition("\n")[0] != account.address:
        raise InvalidInputError(
            f"The text is for another account than {account.address}.", "Enter this one there."
        )
    typer.echo(f"Signing in at {domain} as {account.address}", err=True)
    signature = account.sign_message(encode_defunct(text=text)).signature
    typer.echo("0x" + bytes(signature).hex())
