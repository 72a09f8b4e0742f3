"""`gridroam corrections`: what a session is, disputes, proposals and consents."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gridroam.cli.evidence import KeyFile, LedgerAddress, Rpc

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Disputes and corrections.")

Station = Annotated[int, typer.Option(help="The station's number.")]
Session = Annotated[int, typer.Option(help="The session's number.")]
ChangeFile = Annotated[
    Path | None,
    typer.Option(
        "--change", help="JSON: time, assignments [[supplier, until]], registers [[Wh, Wh]]."
    ),
]


LastImport = Annotated[
    int | None, typer.Option(min=0, help="The import register at the end, Wh, instead of a file.")
]
LastExport = Annotated[
    int | None, typer.Option(min=0, help="The export register at the end, Wh, instead of a file.")
]

_GOOD_SECONDS = 7 * 86_400


@app.command()
def show(*, rpc: Rpc, ledger: LedgerAddress, station: Station, session: Session) -> None:
    """Print a session as it stands, proven from the chain, and what is proposed instead."""
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
    desk.act(account, "dispute", "disputeVersion", reason, _hash(evidence))
    typer.echo(json.dumps(desk.standing()))


@app.command()
def propose(
    *,
    rpc: Rpc,
    ledger: LedgerAddress,
    station: Station,
    session: Session,
    account: KeyFile,
    change: ChangeFile = None,
    last_import: LastImport = None,
    last_export: LastExport = None,
) -> None:
    """Propose a correction, as one of the parties, and consent to it: a whole change from a file,
    or other last registers."""
    desk = _Desk(rpc, ledger, station, session)
    asked = desk.change(change) if change else desk.other_end(last_import, last_export)
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
    change: ChangeFile = None,
    content: Annotated[
        str | None, typer.Option(help="Hash of the proposed version, 0x, instead of a file.")
    ] = None,
) -> None:
    """Consent to a proposed correction; the last consent puts it in force."""
    desk = _Desk(rpc, ledger, station, session)
    present = desk.present()
    agreed = desk.change(change) if change else desk.proposed(present, content)
    desk.corrections.send(desk.account(account), "consent", present, agreed)
    typer.echo(json.dumps(desk.standing()))


@app.command()
def ask(
    *,
    rpc: Rpc,
    ledger: LedgerAddress,
    station: Station,
    session: Session,
    content: Annotated[str, typer.Option(help="Hash of the proposed version, 0x.")],
) -> None:
    """Print what those whose consent is missing are asked to sign, for `corrections sign`."""
    from gridroam.evidence.consents import request

    desk = _Desk(rpc, ledger, station, session)
    present = desk.present()
    asked = request(desk.corrections, present, desk.proposed(present, content))
    typer.echo(json.dumps(asked.as_dict()))


@app.command()
def sign(
    asked: Annotated[Path, typer.Argument(help="What `corrections ask` printed.")],
    *,
    keystore: Annotated[Path, typer.Option(help="The account's encrypted key (keystore JSON).")],
    password_file: Annotated[
        Path | None, typer.Option(help="The file with its password; without it you are asked.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Good until then: UTC seconds or ISO 8601. By default for 7 days."),
    ] = None,
) -> None:
    """Show what a consent would be to and print it signed, for `corrections submit`. Needs no
    node."""
    from gridroam.cli.account import unlocked
    from gridroam.evidence.consents import Request, shown
    from gridroam.index.moments import moment

    given = Request.read(asked)
    for line in given.lines():
        typer.echo(line, err=True)
    end = moment(until) if until else int(time.time()) + _GOOD_SECONDS
    signed = given.signed(unlocked(keystore, password_file), end)
    who = signed.consent.participant
    typer.echo(f"Signed as participant {who}, {given.needs[who]}, until {shown(end)}", err=True)
    typer.echo(json.dumps(signed.as_dict()))


@app.command()
def submit(
    consents: Annotated[list[Path], typer.Argument(help="What `corrections sign` printed.")],
    *,
    rpc: Rpc,
    ledger: LedgerAddress,
    account: KeyFile,
) -> None:
    """Bring consents that others signed; the last one that is needed puts the correction in force.
    If one of them is not good, none is sent."""
    from gridroam.evidence.consents import SignedConsent

    signed = [SignedConsent.read(path) for path in consents]
    desks = [_Desk(rpc, ledger, s.consent.station, s.consent.session) for s in signed]
    for desk, one in zip(desks, signed, strict=True):
        desk.check(one)
    sender = desks[0].account(account)
    for desk, one in zip(desks, signed, strict=True):
        brought = {"participant": one.consent.participant, "sent": desk.bring(sender, one)}
        typer.echo(json.dumps(brought | desk.standing()))


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
        present = self.present()
        standing, proposals = self.standing(), list(self._proposals(present))
        return _plain(present) | {"standing": standing, "proposals": proposals}

    def _proposals(self, present: Any) -> Iterator[dict[str, Any]]:
        """Those of the next version."""
        for content, change in self.corrections.proposed(self._station, self._session).items():
            drafted = self._drafted(present, change, content)
            if drafted:
                told = {"content": "0x" + content.hex(), "needs": list(drafted[1])}
                yield told | {"version": _plain(drafted[0])}

    def _drafted(self, present: Any, change: Any, content: bytes) -> Any:
        """What `draft` makes of a proposal; `None` if it was made for another version."""
        from gridroam.errors import RevertedError

        try:
            drafted = self.corrections.draft(present, change)
        except RevertedError:
            return None
        return drafted if self.corrections.content_of(drafted[0]) == content else None

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

    def other_end(self, imported: int | None, exported: int | None) -> Any:
        """The present version with other registers at its end, now; what lies before is cut to
        them."""
        from gridroam.errors import InvalidInputError
        from gridroam.evidence.corrections import packed, same

        if imported is None and exported is None:
            raise InvalidInputError(
                "Nothing says what should be otherwise.",
                "Give --last-import, --last-export, or a file with --change.",
            )
        present = self.present()
        *before, (last_import, last_export) = present.registers
        most = (
            last_import if imported is None else imported,
            last_export if exported is None else exported,
        )
        registers = [(min(i, most[0]), min(e, most[1])) for i, e in before]
        now = int(self._ledger.w3.eth.get_block("latest")["timestamp"])
        return same(present, now)._replace(readings=packed([*registers, most]))

    def proposed(self, present: Any, content: str | None) -> Any:
        """The change behind a proposal of the next version, and of no other."""
        from gridroam.errors import InvalidInputError

        found = self.corrections.proposed(self._station, self._session)
        wanted = _hash(content) if content else b""
        change = found.get(wanted)
        if change is None:
            known = ", ".join("0x" + one.hex() for one in found) or "none"
            raise InvalidInputError(
                f"Nobody proposed version {content or '(none given)'}; proposed were: {known}.",
                "Give --content with one of them, or a file with --change.",
            )
        if self._drafted(present, change, wanted) is None:
            raise InvalidInputError(
                "The proposal was made for another version of the session.",
                "Another correction came first: ask for a new proposal.",
            )
        return change

    def check(self, signed: Any) -> None:
        """Raises `InvalidInputError` for a signed consent that is not good."""
        signed.check(self.corrections)
        if not self._is_known(signed.consent):
            self.proposed(self.present(), "0x" + signed.consent.content.hex())

    def bring(self, sender: Any, signed: Any) -> bool:
        """Whether that was needed: what the chain knows already is not sent."""
        said = signed.consent
        if self._is_known(said):
            return False
        present = self.present()
        change = self.proposed(present, "0x" + said.content.hex())
        arguments = present, change, said.participant, said.until, signed.signature
        self.corrections.send(sender, "consentBySignature", *arguments)
        return True

    def _is_known(self, said: Any) -> bool:
        standing = self.corrections.standing(self._station, self._session)
        return standing.content == said.content or self.corrections.has_consented(
            said.content, said.participant
        )

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


def _hash(text: str) -> bytes:
    from gridroam.errors import InvalidInputError

    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 32:
        raise InvalidInputError(f"{text!r} is no hash.", "It is 0x and 64 hexadecimal digits.")
    return found


def _plain(version: Any) -> dict[str, Any]:
    """For JSON."""
    told: dict[str, Any] = version._asdict()
    return told | {
        "previous": "0x" + version.previous.hex(),
        "shares": [share._asdict() for share in version.shares],
        "readings": [
            {"time": time, "import_wh": imported, "export_wh": exported}
            for time, (imported, exported) in zip(version.moments, version.registers, strict=True)
        ],
    }
