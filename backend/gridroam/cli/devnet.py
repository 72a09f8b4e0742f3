"""`gridroam devnet`: a local chain with the contracts and a small market, until Ctrl-C."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gridroam.devnet.devnet import Devnet
    from gridroam.devnet.members import MarketVehicle
    from gridroam.signatures import KeyCurve

app = typer.Typer(add_completion=False)


@app.command()
def devnet(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the node; 0: any that is free.")
    ] = 8545,
    state: Annotated[
        Path | None, typer.Option(help="Keep the chain in this file, and go on from it.")
    ] = None,
    block_time: Annotated[
        int | None,
        typer.Option(min=1, help="Seconds between blocks; without, one for each transaction."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print addresses and keys as JSON.")
    ] = False,
) -> None:
    """Start a local chain with the contracts and a small market on it, for developers."""
    from gridroam.devnet.devnet import Devnet, stopped_by_signals
    from gridroam.http import log

    log.configure("warning", as_json=False)
    with stopped_by_signals() as stopped, Devnet(port, state, block_time) as running:
        typer.echo(json.dumps(running.as_dict(), indent=2) if as_json else describe(running))
        running.keep(stopped)


def describe(devnet: "Devnet") -> str:
    """Everything that one needs to work with it."""
    return "\n\n".join(
        (
            _addresses(devnet),
            _participants(devnet),
            _stations(devnet),
            _vehicles(devnet),
            "These keys are known to everybody: for a devnet only, never for real money.",
            _next(devnet),
        )
    )


def _addresses(devnet: "Devnet") -> str:
    made = devnet.deployment
    rows = {
        "Node": f"{devnet.url} (chain {made.chain_id})",
        "Ledger": made.ledger,
        "Registry": made.registry,
        "Vault": made.vault,
        "Test euro": made.token,
        "Governance": f"{devnet.governance.address}  key 0x{devnet.governance.key.hex()}",
        "Sender": f"{devnet.sender.address}  key 0x{devnet.sender.key.hex()}",
    }
    return "\n".join(f"{name:<12}{value}" for name, value in rows.items())


def _participants(devnet: "Devnet") -> str:
    rows = (
        (str(p.number), p.name, ", ".join(p.role_names), f"{p.address}  key 0x{p.key.hex()}")
        for p in devnet.market.participants.values()
    )
    return _table("Participants", rows)


def _stations(devnet: "Devnet") -> str:
    rows = (
        (
            str(s.number),
            s.name,
            _power(s.max_power, s.max_feed_in),
            f"key 0x{s.key.hex()}{_on(s.curve)}",
        )
        for s in devnet.market.stations.values()
    )
    return _table("Stations", rows)


def _vehicles(devnet: "Devnet") -> str:
    names = {p.number: p.name for p in devnet.market.participants.values()}
    rows = (
        ("", v.name, names.get(v.supplier, "nobody"), f"0x{v.id.hex()}{_key(v)}")
        for v in devnet.market.vehicles.values()
    )
    return _table("Vehicles", rows)


def _key(vehicle: "MarketVehicle") -> str:
    return f"  key 0x{vehicle.key.hex()}{_on(vehicle.curve)}" if vehicle.key else ""


def _on(curve: "KeyCurve") -> str:
    return "" if curve == "secp256k1" else f" on {curve}"


def _power(power: int, feed_in: int) -> str:
    text = f"{power // 1000} kW"
    return f"{text}, {feed_in // 1000} kW back" if feed_in else text


def _table(title: str, rows: Iterable[tuple[str, str, str, str]]) -> str:
    lines = (f"{number:>3}  {name:<17}{what:<19}{rest}" for number, name, what, rest in rows)
    return "\n".join((title, *lines))


def _next(devnet: "Devnet") -> str:
    where = f"--rpc {devnet.url} --ledger {devnet.deployment.ledger}"
    return "\n".join(
        (
            "In other terminals:",
            f"  GRIDROAM_SENDER_KEY=0x{devnet.sender.key.hex()} \\",
            f"    gridroam relay {where}",
            "  curl http://127.0.0.1:8700/v1/status     # and /docs in a browser",
            f"  gridroam audit {where}",
            "For programs, and for gridroam simulate: gridroam devnet --json",
            "Ctrl-C ends it.",
        )
    )
