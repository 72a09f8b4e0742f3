"""What the index answers with: frozen dataclasses. Energy in Wh, money in nano-euro, prices in
micro-euro per kWh, power in W, times in UTC seconds, a slot by its start; hashes as bytes, accounts
as lower-case 0x addresses, participants, stations and sessions by their numbers (0: nobody)."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Generic, TypeVar

from gridroam.domain.energy import Reading as Registers
from gridroam.domain.participants import Role
from gridroam.domain.reasons import Reason
from gridroam.domain.session import State
from gridroam.domain.tariff import Tariff
from gridroam.domain.version import Share

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of the answers. `next`: give it as `after` for those that follow; `None`: no more."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """How far the index is: everything up to `block`, of the node's `head`."""

    chain_id: int
    ledger: str
    block: int
    block_hash: bytes
    block_time: int
    head: int
    head_time: int
    window: int
    """Seconds after its end for which a session can be corrected."""

    @property
    def lag(self) -> int:
        """Blocks that the node has and the index has not."""
        return max(0, self.head - self.block)


# ------------------------------------------------------------------------------------- who is who


@dataclass(frozen=True, slots=True)
class Participant:
    """A company, with its account."""

    number: int
    account: str
    roles: int
    active: bool
    market_code: str
    default_supplier: int
    balance: int
    """The reserve included."""
    reserved: int
    """Held for open sessions."""
    owed: int
    """The open claims against it."""
    journal_head: bytes
    journal_count: int
    since: int

    def has(self, role: Role) -> bool:
        return bool(self.roles & role)

    @property
    def free(self) -> int:
        """What can be withdrawn or reserved."""
        return 0 if self.owed else max(0, self.balance - self.reserved)


@dataclass(frozen=True, slots=True)
class AccountState:
    """Of a participant at some moment."""

    balance: int
    owed: int
    journal_head: bytes
    journal_count: int


class StationState(StrEnum):
    REQUESTED = "requested"
    """the grid operator has not approved it"""
    WITHOUT_KEY = "without-key"
    """revoked: nothing that it signs counts"""
    READY = "ready"
    CHARGING = "charging"
    """a session is open; or was superseded, and nobody has expired it"""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Station:
    number: int
    evse_id: str
    meter: bytes
    operator: int
    grid_operator: int
    """Of the meter; of a station that is only requested, too."""
    key: str
    max_power: int
    max_feed_in: int
    state: StationState
    session: int
    """The last one's number."""
    session_state: State
    time: int
    """Of the last reading."""
    touched: int
    """When the chain last heard of it."""
    import_register: int
    export_register: int
    sessions: int
    since: int


@dataclass(frozen=True, slots=True)
class Meter:
    id: bytes
    grid_operator: int
    has_key: bool
    """Whether its public key stands on chain."""
    stations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vehicle:
    id: bytes
    supplier: int
    """0: nobody registered it."""
    from_: int
    next_supplier: int
    next_from: int
    """0: no change is agreed."""
    keyed: bool
    """Whether its openings need its own signature."""
    station: int
    session: int
    """Where it was cleared last."""
    sessions: int
    import_wh: int
    export_wh: int
    last_time: int
    since: int


@dataclass(frozen=True, slots=True)
class Supply:
    """From when on a vehicle is supplied by whom; supplier 0: released."""

    vehicle: bytes
    supplier: int
    from_: int
    block: int


# --------------------------------------------------------------------------- batches and messages


class Kind(IntEnum):
    """Of a message."""

    MALFORMED = 0
    OPENING = 1
    REPORT = 2
    EXPIRY = 3


@dataclass(frozen=True, slots=True)
class Batch:
    number: int
    root: bytes
    count: int
    block: int
    time: int
    """The block's."""
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A signed message, and what the ledger said. `position`: within the batch, from 0."""

    id: int
    batch: int
    position: int
    block: int
    block_time: int
    tx_hash: bytes
    kind: Kind
    station: int
    session: int
    report: int
    time: int
    reason: Reason
    """`NONE`: accepted."""
    digest: bytes
    leaf: bytes
    body: bytes
    """The wire format, with its signature."""
    vehicle: bytes | None
    supplier: int
    grid_operator: int
    station_operator: int

    @property
    def accepted(self) -> bool:
        return self.reason == Reason.NONE


# ------------------------------------------------------------------------- sessions, settlements


@dataclass(frozen=True, slots=True)
class Session:
    """One session, or an opening that was decided against (`state` REFUSED, with its `reason`).
    Registers and amounts are those of its present version."""

    station: int
    session: int
    evse_id: str
    vehicle: bytes
    supplier: int
    """At its end, where it changed on the way."""
    first_supplier: int
    """Who cleared it."""
    grid_operator: int
    station_operator: int
    state: State
    reason: Reason
    opened: int
    time: int
    """Of the last reading."""
    import_start: int
    export_start: int
    import_register: int
    export_register: int
    network_charge: int
    service_fee: int
    feed_in: int
    """The grid operator pays it to the supplier; negative: the other way round."""
    grid_tariff: int
    operator_tariff: int
    supplier_reserve: int
    grid_reserve: int
    reports: int
    signed: bool
    """Whether the vehicle signed its opening."""
    version: int
    """From 1; beyond: corrected."""
    disputed: bool
    verified: bool
    """The meter's own record says the same."""
    evidence: bytes | None
    """SHA-256 of the meter's record that the final report names."""
    ended: int
    """The time of the block that ended it; 0: it is open."""
    final_at: int
    """After that nothing changes it any more; 0: it has not ended."""
    block: int
    """Of its opening."""
    block_time: int
    tx_hash: bytes
    """Of the batch with its opening."""

    @property
    def import_wh(self) -> int:
        return self.import_register - self.import_start

    @property
    def export_wh(self) -> int:
        return self.export_register - self.export_start

    @property
    def cost(self) -> int:
        """What it costs the supplier: charges and fees less feed-in."""
        return self.network_charge + self.service_fee - self.feed_in


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one report settled, or one of the two parts that a change of supplier makes of it."""

    message: int
    part: int
    station: int
    session: int
    report: int
    since: int
    time: int
    supplier: int
    grid_operator: int
    station_operator: int
    import_wh: int
    export_wh: int
    network_charge: int
    service_fee: int
    feed_in: int
    last: bool
    leaf: bytes
    supplier_entry: int
    grid_entry: int
    operator_entry: int
    block: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The registers at a time, and which message says so: 0 the opening, else the report."""

    time: int
    import_register: int
    export_register: int
    report: int
    boundary: bool
    """At the end of a quarter hour within a report, not at its own time."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A quarter hour of a session, or the part of it between two readings, with its prices."""

    time: int
    """Of its start."""
    seconds: int
    report: int
    """0: of a later version."""
    import_wh: int
    export_wh: int
    grid_level: int
    """0 standard, 1 high, 2 low: `gridroam.domain.tariff.Level`."""
    operator_level: int
    import_price: int
    """The grid operator's."""
    export_price: int
    operator_price: int
    even: bool
    """Of a report whose boundaries are spread evenly (docs/quarter-hours.md)."""

    @property
    def network_charge(self) -> int:
        return self.import_wh * self.import_price

    @property
    def service_fee(self) -> int:
        return self.import_wh * self.operator_price

    @property
    def feed_in(self) -> int:
        return self.export_wh * self.export_price


@dataclass(frozen=True, slots=True)
class Claim:
    """What of a posting was not covered then. `message` 0: a later version's."""

    payer: int
    payee: int
    amount: int
    block: int
    time: int
    message: int
    version: int


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happened to a session beside messages; `details` as the event has them."""

    name: str
    block: int
    log: int
    time: int
    tx_hash: bytes
    station: int
    session: int
    details: dict[str, object]


# ------------------------------------------------------------------------------------ corrections


@dataclass(frozen=True, slots=True)
class Draft:
    """What a version says, whether it is in force or proposed. `content` is the hash that the chain
    knows it by."""

    station: int
    session: int
    number: int
    content: bytes
    previous: bytes
    """The content of the version before; zeros for version 1."""
    drawn_up: int
    """Of version 1 the time of the block that ended the session."""
    shares: tuple[Share, ...]
    registers: tuple[Registers, ...]
    """At the start, at each slot boundary within, at the end."""

    @property
    def import_wh(self) -> int:
        return self.registers[-1].import_register - self.registers[0].import_register

    @property
    def export_wh(self) -> int:
        return self.registers[-1].export_register - self.registers[0].export_register

    @property
    def cost(self) -> int:
        """What it costs the suppliers: charges and fees less feed-in."""
        return sum(s.network_charge + s.service_fee - s.feed_in for s in self.shares)


@dataclass(frozen=True, slots=True)
class SessionVersion:
    """A version that is or was in force: since `time`, and who agreed to it."""

    draft: Draft
    by_meter: bool
    """The meter's word needs nobody's consent."""
    agreed: tuple[int, ...]
    block: int
    """0: version 1."""
    time: int
    tx_hash: bytes | None


class ProposalState(StrEnum):
    OPEN = "open"
    IN_FORCE = "in-force"
    """Everyone whom it costs agreed."""
    VOID = "void"
    """Another version came first, or the meter has spoken."""
    LAPSED = "lapsed"
    """The session became final before."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version that somebody proposed, and who has to agree to it."""

    draft: Draft
    by: int
    block: int
    time: int
    needed: tuple[int, ...]
    agreed: tuple[int, ...]
    state: ProposalState
    evse_id: str
    final_at: int
    """Until then it can come into force."""

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(one for one in self.needed if one not in self.agreed)


@dataclass(frozen=True, slots=True)
class Story:
    """One session from its opening to what became of it."""

    session: Session
    station: Station
    messages: tuple[Message, ...]
    """The opening, the accepted reports, and what was rejected of it, in the chain's order."""
    readings: tuple[Reading, ...]
    """As the station signed them."""
    slots: tuple[Slot, ...]
    """Of the present version."""
    settlements: tuple[Settlement, ...]
    claims: tuple[Claim, ...]
    acts: tuple[Act, ...]
    grid_tariff: Tariff | None
    operator_tariff: Tariff | None
    """As pinned; `None` for an opening that was refused."""
    versions: tuple[SessionVersion, ...]
    """From the first on, if somebody acted on the session."""
    proposals: tuple[Proposal, ...]
    """The newest first."""


# ------------------------------------------------------------------------------------------ money


@dataclass(frozen=True, slots=True)
class Pair:
    """Everything ever posted from one participant to another."""

    payer: int
    payee: int
    amount: int
    claim: int
    """Of it, what is still open."""
    import_wh: int
    export_wh: int


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted from one to another in a period: by the time of the block that did it."""

    payer: int
    payee: int
    start: int
    """Of the period, or the UTC day."""
    amount: int
    import_wh: int
    export_wh: int
    postings: int


class PaymentKind(IntEnum):
    """As in the journal."""

    DEPOSIT = 1
    WITHDRAWAL = 2
    COLLECTION = 3
    CORRECTION = 4


@dataclass(frozen=True, slots=True)
class Payment:
    """A journal entry that no report left. `amount`: what was posted to the account, for
    a collection or correction with its sign; `other`: the participant on the other side, or 0."""

    participant: int
    entry: int
    kind: PaymentKind
    amount: int
    other: int
    hash: bytes
    block: int
    time: int
    tx_index: int
    log: int
    tx_hash: bytes
    station: int
    session: int
    version: int
    unpaid: int
    """Of the amount, what was not covered at that moment: positive where the account owes it,
    negative where it is owed to it. The balance grew by `amount + unpaid`."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry of a participant's journal: a settled report, or a payment."""

    entry: int
    hash: bytes
    block: int
    settlement: Settlement | None
    payment: Payment | None


@dataclass(frozen=True, slots=True)
class TariffVersion:
    participant: int
    role: Role
    version: int
    tariff: Tariff
    block: int


# --------------------------------------------------------------------------------- quarter hours


class Step(StrEnum):
    """How a series is cut: quarter hours, or UTC days."""

    SLOT = "slot"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class SlotSum:
    """Energy and money of all sessions in a quarter hour or day; what had none is left out."""

    time: int
    """Of its start."""
    import_wh: int
    export_wh: int
    network_charge: int
    service_fee: int
    feed_in: int
    """Charges include the session fees of final reports."""
    fees: int
    """Of them, those fees."""
    service_fees: int
    """Of these, the station operator's; the rest is the grid operator's."""
    even_import_wh: int
    even_export_wh: int
    """Of the energy, what boundaries say that are spread evenly (docs/quarter-hours.md)."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """A grid operator's slot, by supplier."""

    grid_operator: int
    supplier: int
    sum: SlotSum


@dataclass(frozen=True, slots=True)
class Totals:
    """Of a participant in a role, over a period of slots."""

    import_wh: int
    export_wh: int
    network_charge: int
    service_fee: int
    feed_in: int
    fees: int
    """Of the charges, what is due per session, to both."""
    service_fees: int
    """Of these, the station operator's."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Of sessions that opened in a period, for a participant or all."""

    sessions: int
    open: int
    refused: int
    expired: int
    fed_back: int
    disputed: int
