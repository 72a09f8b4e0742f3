"""`gridroam simulate`: stations that play the sessions of a file, against a relay that runs."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridroam.errors import BrokenFileError

if TYPE_CHECKING:
    from gridroam.station.planning import Plan
    from gridroam.station.sessions_file import SkippedRow
    from gridroam.station.tally import Tally

app = typer.Typer(add_completion=False)

_FAST_STEP, _REAL_STEP = 3600, 60
_SHOWN = 5


@app.command()
def simulate(
    file: Annotated[Path, typer.Argument(help="Sessions as CSV.")],
    *,
    relay: Annotated[str, typer.Option(help="The relay's address.")],
    market: Annotated[
        Path, typer.Option(help="Stations and vehicles: what gridroam devnet --json printed.")
    ],
    fast: Annotated[
        bool, typer.Option("--fast", help="Move the local chain's clock instead of waiting.")
    ] = False,
    tolerant: Annotated[
        bool, typer.Option("--tolerant", help="Leave out rows that cannot be right.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option(help="Folder for what stations keep; beside the market.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play the sessions of a file at the stations of a market, from now on.

    Exit code 0: every message was accepted. 1: some were not, or it could not be done.
    """
    from gridroam.chain.anvil import move_clock
    from gridroam.chain.node import connect
    from gridroam.relay.client import RelayClient
    from gridroam.station import planning, simulation
    from gridroam.station.sessions_file import read_sessions, read_tolerantly

    sessions, skipped = read_tolerantly(file) if tolerant else (read_sessions(file), [])
    rpc_url, members = _market(market)
    stations = {s.name: simulation.Identity(s.number, s.signer) for s in members.stations.values()}
    places = [planning.Place(s.name, s.max_power) for s in members.stations.values()]
    vehicles = {v.id: v.signer for v in members.vehicles.values() if v.supplier}
    step = _FAST_STEP if fast else _REAL_STEP
    with RelayClient(relay) as client:
        status = client.relay()
        now = max(status.head[1], int(time.time())) if status.head else int(time.time())
        plan = planning.plan(sessions, places, vehicles, -(-now // step) * step)
        w3 = connect(rpc_url) if fast else None
        tally = simulation.play(
            plan,
            stations,
            status.domain,
            client,
            state or market.with_suffix(".stations"),
            step=step,
            go_to=lambda moment: move_clock(w3, moment) if w3 else _sleep_until(moment),
        )
    _print(plan, [*skipped, *plan.skipped], tally, as_json=as_json)
    raise typer.Exit(1 if tally.rejected else 0)


def _market(path: Path) -> tuple[str, Any]:
    from gridroam.devnet.members import Market

    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return known["rpc_url"], Market.from_dict(known["market"])
    except OSError as error:
        raise BrokenFileError(f"{path} cannot be read: {error.strerror}.", "Check it.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenFileError(
            f"{path} is no market.", "It is what gridroam devnet --json prints."
        ) from error


def _sleep_until(moment: int) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _print(plan: "Plan", skipped: list["SkippedRow"], tally: "Tally", *, as_json: bool) -> None:
    figures = {
        "planned": plan.count,
        "skipped": len(skipped),
        "cleared": tally.cleared,
        "settled": tally.settled,
        "rejected": dict(tally.rejected),
        "import_wh": tally.imported,
        "export_wh": tally.exported,
    }
    if as_json:
        rows = [{"row": skip.row, "reason": skip.reason} for skip in skipped]
        typer.echo(json.dumps(figures | {"skipped_rows": rows}))
        return
    for skip in skipped[:_SHOWN]:
        typer.echo(f"line {skip.row} left out: {skip.reason}")
    if len(skipped) > _SHOWN:
        typer.echo(f"and {len(skipped) - _SHOWN} more lines")
    reasons = ", ".join(f"{n} {reason}" for reason, n in tally.rejected.items()) or "nothing"
    typer.echo(
        f"{plan.count:,} sessions planned, {tally.cleared:,} cleared, {tally.settled:,} reports "
        f"settled, {tally.imported:,} Wh; rejected: {reasons}"
    )
