"""The receipt of one session: its signed messages, what was settled, and the proof of each against
its batch's root. It can be handed to a driver, and whoever has it can verify it alone."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from gridroam.domain.session import State
from gridroam.errors import BrokenFileError, InvalidInputError
from gridroam.index.queries import Snapshot
from gridroam.index.records import Kind
from gridroam.statements.corrections import details, versions_of
from gridroam.statements.formats import dict_of, integer, line_of
from gridroam.statements.lines import DETAILS, Line, LineKind
from gridroam.statements.writing import Writer
from gridroam.store import index_statements

FORMAT = "gridroam-receipt-1"
MOST_LINES = 2_000
"""That are read of a receipt, which may come from anybody."""


@dataclass(frozen=True, slots=True)
class Party:
    """A company of the session, by its number and market code."""

    role: str
    number: int
    market_code: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """`lines` are those of a statement, of no account: the opening, then what was settled."""

    chain_id: int
    ledger: str
    station: int
    evse_id: str
    session: int
    state: str
    """open, closed, expired or superseded, as it was when the receipt was made."""
    parties: tuple[Party, ...]
    lines: tuple[Line, ...]

    verified: bool
    """By the meter's own record."""

    told: dict[str, int] | None = None
    """Version and totals as a file has them; `None` where it was made here, from the lines."""

    @property
    def version(self) -> int:
        """Whose sums the totals are: 1 as it was settled, beyond: corrected."""
        corrections = (x.version for x in self.lines if x.kind is LineKind.CORRECTION)
        return max(corrections, default=1)

    @property
    def settled(self) -> list[Line]:
        return [line for line in self.lines if line.kind is LineKind.SETTLED]

    def totals(self) -> dict[str, int]:
        """Wh and nano-euro."""
        names = ("import_wh", "export_wh", "network_charge", "service_fee", "feed_in")
        counted = [x for x in self.lines if x.kind in DETAILS | {LineKind.SETTLED}]
        return {name: sum(getattr(line, name) for line in counted) for name in names}

    def summary(self) -> dict[str, int]:
        """Version and totals, as they follow from the lines."""
        return {"version": self.version, **self.totals()}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("chain_id", "ledger", "station", "evse_id")},
            "session": self.session,
            "state": self.state,
            "version": self.version,
            "verified": self.verified,
            "parties": [asdict(party) for party in self.parties],
            "totals": self.totals(),
        }
        return plain | {"lines": [_short(line) for line in self.lines]}


def receipt(now: Snapshot, station: int, session: int) -> Receipt:
    """Raises `InvalidInputError` if there is no such session, or it was never cleared."""
    head, found = now.head(), now.session(station, session)
    if head is None or found is None or found.state is State.REFUSED:
        raise InvalidInputError(
            f"Session {session} of station {station} was never cleared.", "Check both numbers."
        )
    lines = tuple(
        replace(line, line=number, chain_id=head.chain_id, ledger=head.ledger.lower())
        for number, line in enumerate(_lines(now, station, session), 1)
    )
    return Receipt(
        chain_id=head.chain_id,
        ledger=head.ledger.lower(),
        station=station,
        evse_id=found.evse_id,
        session=session,
        state=found.state.name.lower(),
        parties=tuple(_parties(now, lines)),
        lines=lines,
        verified=found.verified,
    )


def _lines(now: Snapshot, station: int, session: int) -> Iterator[Line]:
    writer = Writer(now.connection)
    for told in index_statements.accepted(now.connection, station, session):
        match told.message.kind:
            case Kind.OPENING:
                yield writer.term(told, LineKind.CLEARED)
            case Kind.EXPIRY:
                yield writer.term(told, LineKind.EXPIRED)
            case _:
                for part in index_statements.parts(now.connection, told.message):
                    yield writer.settled(told, part)
    found = now.session(station, session)
    for number in range(2, found.version + 1 if found else 0):
        line = writer.version(station, session, number)
        yield line
        yield from details(line, *versions_of(line))


def _parties(now: Snapshot, lines: tuple[Line, ...]) -> Iterator[Party]:
    known: dict[tuple[str, int], None] = {}
    for role in ("supplier", "grid_operator", "station_operator"):
        known |= dict.fromkeys((role, getattr(line, role)) for line in lines)
    for role, number in known:
        if not number:
            continue
        who = now.participant(number)
        yield Party(role, number, who.market_code if who else "")


def _short(line: Line) -> dict[str, Any]:
    """Without the columns that are an account's."""
    return {name: value for name, value in dict_of(line).items() if name not in _OF_ACCOUNTS}


_OF_ACCOUNTS = ("participant", "entry", "head", "balance", "amount", "unpaid", "other")


def read_receipt(text: str) -> Receipt:
    """Raises `BrokenFileError` if it is none."""
    try:
        row = json.loads(text)
        if row["format"] != FORMAT:
            raise BrokenFileError(
                "It is of another format, or of another version of it.",
                "Install the newest version.",
            )
        if len(row["lines"]) > MOST_LINES:
            raise BrokenFileError("The receipt is too large.", "A receipt is of one session.")
        nothing: dict[str, Any] = dict.fromkeys(_OF_ACCOUNTS, 0) | {"head": ""}
        return Receipt(
            chain_id=integer(row["chain_id"]),
            ledger=str(row["ledger"]).lower(),
            station=integer(row["station"]),
            evse_id=str(row["evse_id"]),
            session=integer(row["session"]),
            state=str(row["state"]),
            parties=tuple(
                Party(str(p["role"]), integer(p["number"]), str(p["market_code"]))
                for p in row["parties"]
            ),
            lines=tuple(line_of(nothing | line) for line in row["lines"]),
            verified=bool(row.get("verified", False)),
            told={"version": row.get("version", 1), **row["totals"]},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenFileError(
            "It is no receipt, or only a part of one.", "Give it unchanged."
        ) from error
