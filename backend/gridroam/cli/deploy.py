"""`gridroam deploy`: brings the contracts onto a chain, and its governance into its seats."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridroam.errors import InvalidInputError

if TYPE_CHECKING:
    from gridroam.chain.governance import Seats
    from gridroam.chain.records import Limits

app = typer.Typer(add_completion=False)


@app.command()
def deploy(  # noqa: PLR0917  options are given by name
    rpc: Annotated[str, typer.Option(help="Address of a node of the chain, http or https.")],
    keystore: Annotated[Path, typer.Option(help="Of the account that deploys, encrypted.")],
    password_file: Annotated[Path, typer.Option(help="With its password in the first line.")],
    token: Annotated[str, typer.Option(help="Address of the euro, an ERC-20.")],
    council: Annotated[str | None, typer.Option(help="Account that seats the others.")] = None,
    admission: Annotated[str | None, typer.Option(help="Admits companies.")] = None,
    limits: Annotated[str | None, typer.Option(help="Sets the market's limits.")] = None,
    guardian: Annotated[str | None, typer.Option(help="Suspends and pauses at once.")] = None,
    limits_file: Annotated[
        Path | None, typer.Option(help="JSON file of the market's first limits.")
    ] = None,
    window: Annotated[
        int,
        typer.Option(min=0, max=2**39, help="Seconds for which an ended session can be corrected."),
    ] = 14 * 86_400,
) -> None:
    """Deploy the contracts and seat governance (docs/governance.md). Prints the addresses as JSON.

    Without any of the four seats the deploying account keeps all power, with no delay.
    """
    from gridroam.chain import governance
    from gridroam.chain.deploy import deploy as bring
    from gridroam.chain.keystore import unlock
    from gridroam.chain.node import connect
    from gridroam.chain.wallet import Wallet

    seats = _seats(council, admission, limits, guardian)
    first = _limits(limits_file)
    account = unlock(keystore, password_file)
    if seats:
        governance.check(seats, account.address)
    w3 = connect(rpc)
    made = bring(w3, account, first, token, window)
    if seats:
        governance.establish(Wallet(w3, account), made.authority, made.registry, seats)
    typer.echo(json.dumps(made.as_dict() | {"governance": asdict(seats) if seats else None}))


def _seats(*given: str | None) -> "Seats | None":
    from web3 import Web3

    from gridroam.chain.governance import Seats

    names = [field.name for field in fields(Seats)]
    if not any(given):
        return None
    for name, account in zip(names, given, strict=True):
        if account is None or not Web3.is_address(account):
            raise InvalidInputError(
                f"The {name}'s seat has no account: {account}.",
                "Give all four seats an address each, or none.",
            )
    return Seats(*(Web3.to_checksum_address(str(account)) for account in given))


def _limits(path: Path | None) -> "Limits":
    from gridroam.chain.deploy import DEVNET_LIMITS
    from gridroam.chain.records import Limits

    if path is None:
        return DEVNET_LIMITS
    wanted = {field.name for field in fields(Limits)}
    try:
        given = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}.") from error
    if not isinstance(given, dict) or set(given) != wanted:
        raise InvalidInputError(f"{path} has other limits.", f"It names {sorted(wanted)}, all.")
    if not all(isinstance(value, int) for value in given.values()):
        raise InvalidInputError(f"{path}: every limit is a whole number.")
    return Limits(**given)
