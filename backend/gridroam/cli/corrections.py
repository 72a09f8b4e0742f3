"""`gridroam corrections`: what a session is, disputes, proposals and consents."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gridroam.cli.evidence import KeyFile, LedgerAddress, Rpc

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Disputes and corrections.")

Station = Annotated[int, typer.Option(help="The station's number.")]
Session = Annotated[int, typer.Option(help="The session's number.")]
ChangeFile = Annotated[
    Path,
    typer.Option(
        "--change", help="JSON: time, assignments [[supplier, until]], registers [[Wh, Wh]]."
    ),
]


@app.command()
def show(*, rpc: Rpc, ledger: LedgerAddress, station: Station, session: Session) -> None:
    """Print a session as it stands, proven from the chain, and where its corrections stand."""
    desk = _Desk(rpc, ledger, station, session)
    typer.echo(json.dumps(desk.shown(), indent=2))


@app.command()
def dispute(
    *,
    rpc: Rpc,
    ledger: LedgerAddress,
    station: Station,
    session: Session,
    account: KeyFile,
    reason: Annotated[int, typer.Option(min=0, max=255, help="docs/corrections.md")] = 255,
    evidence: Annotated[str, typer.Option(help="Digest of what it rests on, 0x.")] = "0x"
    + "0" * 64,
) -> None:
    """Dispute a session, as one of its parties."""
    desk = _Desk(rpc, ledger, station, session)
    digest = bytes.fromhex(evidence.removeprefix("0x"))
    desk.act(account, "dispute", "disputeVersion", reason, digest)
    typer.echo(json.dumps(desk.standing()))


@app.command()
def propose(
    *,
    rpc: Rpc,
    ledger: LedgerAddress,
    station: Station,
    session: Session,
    account: KeyFile,
    change: ChangeFile,
) -> None:
    """Propose a correction, as one of the parties, and consent to it."""
    desk = _Desk(rpc, ledger, station, session)
    asked = desk.change(change)
    next_, costs = desk.corrections.draft(desk.present(), asked)
    desk.act(account, "propose", "proposeVersion", asked)
    content = "0x" + desk.corrections.content_of(next_).hex()
    typer.echo(json.dumps({"proposed": content, "needs": list(costs)} | desk.standing()))


@app.command()
def consent(
    *,
    rpc: Rpc,
    ledger: LedgerAddress,
    station: Station,
    session: Session,
    account: KeyFile,
    change: ChangeFile,
) -> None:
    """Consent to a proposed correction; the last consent puts it in force."""
    desk = _Desk(rpc, ledger, station, session)
    present = desk.present()
    desk.corrections.send(desk.account(account), "consent", present, desk.change(change))
    typer.echo(json.dumps(desk.standing()))


class _Desk:
    """One session, read when it is needed."""

    def __init__(self, rpc: str, ledger: str, station: int, session: int) -> None:
        from gridroam.chain.ledger import Ledger
        from gridroam.chain.node import connect
        from gridroam.evidence.corrections import Corrections

        self._ledger = Ledger.connect(connect(rpc), ledger)
        self.corrections = Corrections(self._ledger)
        self._station, self._session = station, session

    def story(self) -> Any:
        from gridroam.evidence.story import story_of

        return story_of(self._ledger, self._station, self._session)

    def present(self) -> Any:
        later = self.corrections.corrected(self._station, self._session)
        return later[-1] if later else self.corrections.version_of(self.story())

    def standing(self) -> dict[str, Any]:
        found = self.corrections.standing(self._station, self._session)
        return found._asdict() | {"content": "0x" + found.content.hex()}

    def shown(self) -> dict[str, Any]:
        version = self.present()
        told: dict[str, Any] = version._asdict()
        return told | {
            "previous": "0x" + version.previous.hex(),
            "shares": [share._asdict() for share in version.shares],
            "readings": [
                {"time": time, "import_wh": imported, "export_wh": exported}
                for time, (imported, exported) in zip(
                    version.moments, version.registers, strict=True
                )
            ],
            "standing": self.standing(),
        }

    def change(self, path: Path) -> Any:
        from gridroam.errors import BrokenFileError
        from gridroam.evidence.corrections import Change, packed

        try:
            given = json.loads(path.read_text(encoding="utf-8"))
            assignments = tuple((int(s), int(until)) for s, until in given["assignments"])
            registers = packed([(int(i), int(e)) for i, e in given["registers"]])
            return Change(int(given["time"]), assignments, registers)
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise BrokenFileError(f"{path} is no change: {error}.") from error

    def account(self, path: Path) -> Any:
        from gridroam.cli.account import account_of

        return account_of(path)

    def act(self, account: Path, first: str, later: str, *arguments: Any) -> None:
        """By the story, or by the present version if the session is on file."""
        sender = self.account(account)
        if any(self.corrections.standing(self._station, self._session).content):
            self.corrections.send(sender, later, self.present(), *arguments)
        else:
            self.corrections.send(sender, first, self.story().as_argument(), *arguments)
