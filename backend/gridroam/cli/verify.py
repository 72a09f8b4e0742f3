"""`gridroam verify`: whether a statement or a receipt is complete and unaltered, by the chain."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridroam.errors import BrokenFileError, GridroamError

if TYPE_CHECKING:
    from gridroam.statements.verify import Verdict
    from gridroam.statements.verify_receipt import ReceiptVerdict

app = typer.Typer(add_completion=False)

WRONG, NOT_DONE = 1, 2


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A statement (.csv, .json, .parquet) or a receipt.")],
    rpc: Annotated[str, typer.Option(help="Address of a node of the chain, http or https.")],
    ledger: Annotated[
        str | None, typer.Option(help="The ledger that it must be of; without it, its own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Prove with the chain alone that a statement is complete, in order and unaltered, or that a
    receipt is real; what is wrong is named by its line.

    Without --ledger it is only proven that the file fits the ledger that it names: compare that
    address with the one that you know. Exit code 0: right. 1: wrong. 2: it could not be done.
    """
    try:
        verdict = _verdict(file, rpc, ledger)
    except GridroamError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(NOT_DONE) from error
    lines = [json.dumps(verdict.as_dict())] if as_json else _lines(verdict)
    typer.echo("\n".join(lines))
    raise typer.Exit(0 if verdict.ok else WRONG)


def _verdict(file: Path, rpc: str, ledger: str | None) -> "Verdict | ReceiptVerdict":
    from itertools import chain

    from gridroam.statements import formats
    from gridroam.statements.anchors import open_anchors
    from gridroam.statements.receipt import read_receipt
    from gridroam.statements.verify import verify as verify_statement
    from gridroam.statements.verify_receipt import verify_receipt

    if _is_receipt(file):
        receipt = read_receipt(file.read_text(encoding="utf-8", errors="replace"))
        return verify_receipt(receipt, open_anchors(rpc, ledger or receipt.ledger))
    rows = formats.read(file)
    first = next(rows, None)
    if first is None:
        raise BrokenFileError(f"{file} has no lines.")
    return verify_statement(chain([first], rows), open_anchors(rpc, ledger or first.ledger))


def _is_receipt(file: Path) -> bool:
    from gridroam.statements.receipt import FORMAT

    if file.suffix != ".json" or not file.is_file():
        return False
    with file.open(encoding="utf-8", errors="replace") as text:
        return FORMAT in text.read(200)


def _lines(verdict: Any) -> list[str]:
    from gridroam.statements.verify_receipt import ReceiptVerdict

    if isinstance(verdict, ReceiptVerdict):
        shown = [f"{'yes' if c.ok else 'NO':4}{c.name}: {c.detail}" for c in verdict.checks]
        end = "OK: the receipt is real." if verdict.ok else "WRONG: the receipt is not real."
        return [f"Session {verdict.session} of station {verdict.station}", *shown, end]
    shown = [str(fault) for fault in verdict.faults]
    if verdict.fault_count > len(shown):
        shown.append(f"and {verdict.fault_count - len(shown):,} more")
    until = "" if verdict.is_over else " (the period is not over)"
    return [
        f"Ledger       {verdict.ledger} on chain {verdict.chain_id}",
        f"Participant  {verdict.participant}",
        f"Lines        {verdict.lines:,}, {verdict.entries:,} of them journal entries",
        f"Proofs       {verdict.proofs:,} messages lead to roots of batches",
        f"Up to        block {verdict.block}{until}",
        *shown,
        "OK: complete, in order and unaltered."
        if verdict.ok
        else f"WRONG: {verdict.fault_count:,} things are not as on chain.",
    ]
