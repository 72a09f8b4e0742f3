"""`gridroam evidence`: meters' records, verified off chain and brought to the ledger."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The meter's word.")

Rpc = Annotated[str, typer.Option(help="Address of a node that keeps its history.")]
LedgerAddress = Annotated[str, typer.Option(help="Address of the ledger contract.")]
KeyFile = Annotated[
    Path, typer.Option(help="File with the sending account's private key, hexadecimal.")
]


@app.command()
def check(
    record: Annotated[Path, typer.Argument(help="A record as printed, or an XML file.")],
    key: Annotated[str | None, typer.Option(help="The meter's public key, if not in it.")] = None,
) -> None:
    """Verify records off chain, on any curve, and say what the contracts cannot.

    Exit code 0: every signature is the meter's.
    """
    from gridroam.evidence.record import public_key, read

    good = True
    for one in read(record.read_text(encoding="utf-8-sig")):
        given = key or one.key
        signed = bool(given) and one.is_signed_by(public_key(given, one.curve))
        good = good and signed
        fields = one.fields
        clocks = sorted({str(r["TM"])[-1] for r in fields["RD"] if r.get("TM")})
        found = {
            "meter": one.serial,
            "page": fields.get("PG"),
            "curve": one.curve,
            "signature": "good" if signed else "bad" if given else "no key",
            "clock": clocks,
            "clock_synchronised": clocks == ["S"],
        }
        typer.echo(json.dumps(found))
    raise typer.Exit(0 if good else 1)


@app.command()
def prove(
    *,
    rpc: Rpc,
    ledger: LedgerAddress,
    station: Annotated[int, typer.Option(help="The station's number.")],
    session: Annotated[int, typer.Option(help="The session's number.")],
    record: Annotated[Path, typer.Argument(help="The record, or records, of the session.")],
    account: KeyFile,
    dry_run: Annotated[bool, typer.Option(help="Ask the contract, send nothing.")] = False,
) -> None:
    """Bring the record behind a session's last report: it is verified, or corrected to the meter's
    registers."""
    from gridroam.chain.ledger import Ledger
    from gridroam.chain.node import connect
    from gridroam.cli.account import account_of
    from gridroam.evidence.corrections import Corrections, proof
    from gridroam.evidence.record import Evidence, read
    from gridroam.evidence.story import story_of

    connected = Ledger.connect(connect(rpc), ledger)
    corrections = Corrections(connected)
    sender = account_of(account)
    story = story_of(connected, station, session)
    evidence = Evidence(tuple(read(record.read_text(encoding="utf-8-sig"))))
    bringing = proof(story, evidence, corrections.present(story))
    corrections.check(bringing, sender.address)
    if not dry_run:
        corrections.send_encoded(sender, bringing)
    standing = corrections.standing(station, session)
    typer.echo(
        json.dumps(
            {
                "station": station,
                "session": session,
                "record": "0x" + evidence.digest.hex(),
                "accepted": True,
                "sent": not dry_run,
                "version": standing.version,
                "verified": standing.verified,
            }
        )
    )
