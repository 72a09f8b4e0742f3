"""Commands for what the console does not do itself: it holds no keys. Whoever has the account's key
runs them, where that key is."""

import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from gridroam.console.context import Console
from gridroam.console.language import gettext_noop as _
from gridroam.index.records import Proposal, Session

KEY_FILE, KEYSTORE = "account.key", "keystore.json"


@dataclass(frozen=True, slots=True)
class Command:
    """`title` is to be translated."""

    title: str
    line: str


def of_session(console: Console, session: Session) -> list[Command]:
    """What a party can do about a session that is not final. Once the meter has spoken, nobody
    agrees on other registers."""
    dispute = _line(console, "corrections", "dispute", session, "--reason", "1")
    found = [Command(_("Dispute"), dispute)]
    if not session.verified:
        registers = {"import": session.import_register, "export": session.export_register}
        ends = [w for name, wh in registers.items() for w in (f"--last-{name}", str(wh))]
        line = _line(console, "corrections", "propose", session, *ends)
        found.append(Command(_("Propose other registers at its end"), line))
    if session.evidence and not session.verified:
        prove = _line(console, "evidence", "prove", session, "record.ocmf")
        found.append(Command(_("Bring the meter's record"), prove))
    return found


def consent(console: Console, proposal: Proposal) -> Command:
    draft = proposal.draft
    place = draft.station, draft.session
    content = "--content", "0x" + draft.content.hex()
    return Command(_("Agree"), _words(console, "corrections", "consent", place, *content))


def signed_away(console: Console, proposal: Proposal, participant: int) -> list[Command]:
    """The same by a key that has no gas and sees no node: whoever collects the consents asks and
    submits, whose consent is missing signs."""
    place = proposal.draft.station, proposal.draft.session
    name = "-".join(map(str, place))
    asked, content = f"request-{name}.json", "0x" + proposal.draft.content.hex()
    files = {who: f"consent-{who}-{name}.json" for who in proposal.missing}
    ask = _words(console, "corrections", "ask", place, "--content", content, signed=False)
    sign = shlex.join(["gridroam", "corrections", "sign", asked, "--keystore", KEYSTORE])
    submit = ["gridroam", "corrections", "submit", *files.values(), *_market(console)]
    found = [Command(_("Ask for it"), f"{ask} > {asked}")]
    if participant in files:
        found.append(Command(_("Sign it, where the key is"), f"{sign} > {files[participant]}"))
    submitted = shlex.join([*submit, "--account", KEY_FILE])
    return [*found, Command(_("Submit what was signed"), submitted)]


def verify(console: Console, file: str) -> Command:
    """Of a statement, as it is called when it is downloaded."""
    words = ["gridroam", "verify", file, *_market(console)]
    return Command(_("With the file as it was downloaded"), shlex.join(words))


def show(console: Console, station: int, session: int) -> Command:
    """What the chain itself says, before one agrees to anything."""
    line = _words(console, "corrections", "show", (station, session), signed=False)
    return Command(_("See it from the chain first"), line)


def _line(console: Console, room: str, name: str, session: Session, *more: str) -> str:
    return _words(console, room, name, (session.station, session.session), *more)


def _words(
    console: Console,
    room: str,
    name: str,
    place: tuple[int, int],
    *more: str,
    signed: bool = True,
) -> str:
    words = ["gridroam", room, name, *more, *_market(console)]
    words += ["--station", str(place[0]), "--session", str(place[1])]
    return shlex.join([*words, *(("--account", KEY_FILE) if signed else ())])


def _market(console: Console) -> list[str]:
    return ["--rpc", shown_address(console.rpc), "--ledger", console.ledger.address]


def shown_address(rpc: str) -> str:
    """The node's address where it can hold no access key; else a word in its place."""
    parts = urlsplit(rpc)
    bare = not (parts.username or parts.password or parts.query or parts.path.strip("/"))
    return rpc if bare else "YOUR-NODE"
