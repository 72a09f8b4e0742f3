"""A statement's lines: one per thing that happened to an account, in the chain's order.

The same columns in CSV, Parquet and JSON: integers, and text with bytes as 0x and hex digits.
Energy in Wh, money in nano-euro, times in UTC seconds.
"""

from dataclasses import dataclass, field, fields
from enum import StrEnum

FORMAT = "gridroam-statement-1"


class LineKind(StrEnum):
    OPENING_BALANCE = "opening-balance"
    CARRIED = "carried"
    """a message of an open session from before the period, or from before the participant's part in
    it: where its registers start, so without energy. In no journal entry of this statement."""
    CLEARED = "cleared"
    """an opening, cleared"""
    SETTLED = "settled"
    """a report, or the part of it that is this participant's"""
    EXPIRED = "expired"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    COLLECTION = "collection"
    """an open claim, paid"""
    CORRECTION = "correction"
    """a later version of a session: what it changes of the account. The lines behind it tell it in
    whole, so that their sums do, too:"""
    REVERSED = "reversed"
    """a part of the version before, its energy and charges with the other sign"""
    REPLACED = "replaced"
    """a part of the new one"""
    CLOSING_BALANCE = "closing-balance"


@dataclass(frozen=True, slots=True)
class SlotLine:
    """A quarter hour, or the part of it between two readings. Prices in micro-euro per kWh."""

    time: int
    seconds: int
    import_wh: int
    export_wh: int
    grid_level: int
    operator_level: int
    import_price: int
    export_price: int
    operator_price: int
    network_charge: int
    service_fee: int
    feed_in: int
    even: bool
    """The boundaries of this report are spread evenly: docs/quarter-hours.md"""


@dataclass(frozen=True, slots=True)
class Line:
    """What does not apply is 0 or empty."""

    line: int
    kind: LineKind
    chain_id: int = 0
    ledger: str = ""
    participant: int = 0
    """Whose statement, on which ledger: the same in every line."""
    entry: int = 0
    """In the participant's journal."""
    head: str = ""
    """Of the journal, after this line: 26 bytes."""
    balance: int = 0
    """Of the account, after this line."""
    amount: int = 0
    """Posted to the account; negative: from it."""
    unpaid: int = 0
    """Of it, what was not covered at that moment: positive where the account owes it, negative
    where it is owed to it. `balance` grows by `amount + unpaid`."""
    time: int = 0
    """Of the message's reading; of the block for what nobody signed."""
    booked: int = 0
    """When it was posted: the block's time."""
    block: int = 0
    tx: str = ""
    batch: int = 0
    path: str = ""
    """From the leaf to the batch's root: the hashes beside it, 32 bytes each, in one."""
    digest: str = ""
    """Of a correction: the content hash of the new version."""
    leaf: str = ""
    """Or the entry's own hash, for what no report left."""
    message: str = ""
    """As the station signed it: wire format, signature at the end. Of a correction: the version
    before and the new one, as the contracts encode them, with `|` between."""
    station: int = 0
    evse_id: str = ""
    session: int = 0
    report: int = 0
    last: bool = False
    version: int = 0
    vehicle: str = ""
    supplier: int = 0
    grid_operator: int = 0
    station_operator: int = 0
    grid_tariff: int = 0
    operator_tariff: int = 0
    supplier_reserve: int = 0
    grid_reserve: int = 0
    since: int = 0
    """Of what was settled: from this reading,"""
    until: int = 0
    """to this one."""
    import_start: int = 0
    export_start: int = 0
    import_register: int = 0
    export_register: int = 0
    import_wh: int = 0
    export_wh: int = 0
    network_charge: int = 0
    service_fee: int = 0
    feed_in: int = 0
    evidence: str = ""
    """SHA-256 of the meter's signed record."""
    other: int = 0
    """The participant on the other side of a payment."""
    slots: tuple[SlotLine, ...] = field(default=())


COLUMNS = tuple(f.name for f in fields(Line))
BITS = {
    **dict.fromkeys(("participant", "other", "supplier", "grid_operator", "station_operator"), 24),
    **dict.fromkeys(("station", "session", "report"), 32),
    **dict.fromkeys(("version", "grid_tariff", "operator_tariff"), 16),
    **dict.fromkeys(("time", "booked", "since", "until"), 40),
    **dict.fromkeys(("import_start", "export_start", "import_register", "export_register"), 48),
    **dict.fromkeys(("line", "entry", "block", "batch", "chain_id"), 63),
}
"""Widths of the ledger's unsigned integers, which leaves have side by side in one word: a wider one
would run into the next. Amounts have signs, and `AMOUNT_BITS`."""
AMOUNT_BITS = 127
SLOT_COLUMNS = tuple(f.name for f in fields(SlotLine))


@dataclass(frozen=True, slots=True)
class Balance:
    """An account at one end of the period, and its journal's word."""

    balance: int
    entries: int
    head: str


@dataclass(frozen=True, slots=True)
class Header:
    """Whose statement, of which ledger and period: what the chain booked from `since` on, and
    before `until`."""

    chain_id: int
    ledger: str
    participant: int
    since: int
    until: int
    opening: Balance
    closing: Balance


ENTRIES = frozenset(
    {
        LineKind.SETTLED,
        LineKind.DEPOSIT,
        LineKind.WITHDRAWAL,
        LineKind.COLLECTION,
        LineKind.CORRECTION,
    }
)
"""Lines that stand in the participant's journal."""
DETAILS = frozenset({LineKind.REVERSED, LineKind.REPLACED})
"""Lines that tell a correction in whole."""
MESSAGES = frozenset({LineKind.CARRIED, LineKind.CLEARED, LineKind.SETTLED})
"""Lines that a station signed."""
