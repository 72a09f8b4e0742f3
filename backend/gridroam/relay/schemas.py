"""The shapes of the API, version 1: requests and answers. Names are those of the EIP-712 types.

Only shapes: what is right about a message beyond them is the ledger's to say (`intake`).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from gridroam.domain.delivery import Status
from gridroam.domain.slots import MAX_BOUNDARIES
from gridroam.http.documentation import ProblemOut
from gridroam.messages import EnergyReport, OpenSession, Signed
from gridroam.store.outcome import Step

MAX_MESSAGES = 500

Uint32 = Annotated[int, Field(ge=0, lt=1 << 32)]
Uint40 = Annotated[int, Field(ge=0, lt=1 << 40)]
Uint48 = Annotated[int, Field(ge=0, lt=1 << 48)]
Bytes32 = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{64}$")]
SignatureHex = Annotated[
    str,
    Field(
        pattern=r"^0x([0-9a-fA-F]{130}|[0-9a-fA-F]{256})$",
        description="r, s, v; or with P-256 r, s, x, y",
    ),
]
Address = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]


class _Shape(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", alias_generator=to_camel, validate_by_name=True
    )


class DomainIn(_Shape):
    """The EIP-712 domain that the messages were signed for."""

    chain_id: Annotated[int, Field(ge=1)]
    verifying_contract: Address


class OpeningIn(_Shape):
    """A signed OpenSession."""

    kind: Literal["open"]
    station: Uint32
    session: Uint32
    vehicle: Bytes32
    time: Annotated[Uint40, Field(description="UTC seconds")]
    import_register: Annotated[Uint48, Field(description="Wh, from the grid")]
    export_register: Annotated[Uint48, Field(description="Wh, into the grid")]
    signature: SignatureHex
    vehicle_signature: Annotated[
        SignatureHex | None, Field(description="the vehicle's, where it has a key")
    ] = None

    def to_signed(self) -> Signed:
        message = OpenSession(
            self.station,
            self.session,
            bytes.fromhex(self.vehicle[2:]),
            self.time,
            self.import_register,
            self.export_register,
        )
        co_signature = bytes.fromhex((self.vehicle_signature or "")[2:])
        return Signed(message, bytes.fromhex(self.signature[2:]), co_signature)


class ReportIn(_Shape):
    """A signed EnergyReport. `boundaries` are [import, export] in Wh, one pair for each quarter
    hour boundary strictly between the station's last reading and this one."""

    kind: Literal["report"]
    station: Uint32
    session: Uint32
    report: Uint32
    time: Annotated[Uint40, Field(description="UTC seconds")]
    import_register: Annotated[Uint48, Field(description="Wh, from the grid")]
    export_register: Annotated[Uint48, Field(description="Wh, into the grid")]
    last: Annotated[bool, Field(description="ends the session")]
    evidence: Annotated[Bytes32, Field(description="SHA-256 of the meter's signed record, or 0")]
    boundaries: Annotated[
        list[Annotated[list[Uint48], Field(min_length=2, max_length=2)]],
        Field(max_length=MAX_BOUNDARIES),
    ]
    signature: SignatureHex

    def to_signed(self) -> Signed:
        message = EnergyReport(
            self.station,
            self.session,
            self.report,
            self.time,
            self.import_register,
            self.export_register,
            self.last,
            bytes.fromhex(self.evidence[2:]),
            tuple((imported, exported) for imported, exported in self.boundaries),
        )
        return Signed(message, bytes.fromhex(self.signature[2:]))


MessageIn = Annotated[OpeningIn | ReportIn, Field(discriminator="kind")]


class MessagesIn(_Shape):
    """Signed messages of stations, a station's own in their order."""

    domain: DomainIn | None = None
    messages: Annotated[list[MessageIn], Field(min_length=1, max_length=MAX_MESSAGES)]


class RefusalOut(ProblemOut):
    """A problem document (RFC 9457) about the only message of a request, or one of several."""

    digest: Annotated[str | None, Field(description="of the only message sent")] = None
    reason: Annotated[str | None, Field(description="the ledger's, for that message")] = None


class LinksOut(BaseModel):
    self: str


class TimesOut(BaseModel):
    """When a message came to each step, UTC milliseconds; null where it has not, or where another
    relay brought it to the ledger."""

    stored: int | None
    sent: int | None
    mined: int | None
    final: int | None


class AnswerOut(BaseModel):
    """What became of one message. `digest` is null if the message could not be read."""

    digest: str | None
    status: Status
    reason: Annotated[str | None, Field(description="the ledger's, if rejected or refused")]
    transaction: str | None
    block: int | None
    step: Annotated[
        Step | None,
        Field(description="how far it has come; `mined` is decided in a block that may vanish"),
    ]
    times: TimesOut | None
    problem: RefusalOut | None = None
    links: LinksOut | None


class AnswersOut(BaseModel):
    """One answer for each message of the request, in order."""

    messages: list[AnswerOut]


class ListedOut(AnswerOut):
    """A message and what became of it."""

    kind: Literal["open", "report"]
    station: int
    session: int
    report: Annotated[int | None, Field(description="null for an opening")]
    time: Annotated[int, Field(description="the message's own, UTC seconds")]


class ListOut(BaseModel):
    """A page. `next` is the cursor of the one after it, null if there is none."""

    messages: list[ListedOut]
    next: str | None


class OutcomesOut(BaseModel):
    """A page. `next` is the cursor to go on from, now or later."""

    outcomes: list[ListedOut]
    next: str


class HeadOut(BaseModel):
    number: int
    time: int


class QueueOut(BaseModel):
    stored: Annotated[int, Field(description="messages in no transaction yet")]
    sent: Annotated[int, Field(description="messages in transactions that are not mined yet")]


class SenderOut(BaseModel):
    address: str
    balance: Annotated[str | None, Field(description="wei, a decimal number")]


class AccountOut(BaseModel):
    """A sending account. `holder` is the process that sends from it, null if none does."""

    address: str
    holder: str | None
    balance: Annotated[str | None, Field(description="wei, a decimal number")]
    funds: Annotated[str | None, Field(description="ok, low or empty")]


class SendersOut(BaseModel):
    senders: list[AccountOut]


class StatusOut(BaseModel):
    """Which ledger the relay serves, and how it is doing. Without a node, `head` and `balance` are
    null."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    chain_id: int
    ledger: str
    registry: str
    head: HeadOut | None
    queue: QueueOut
    sender: SenderOut
    version: str


class HealthOut(BaseModel):
    status: Literal["ok"]


class ReadyOut(BaseModel):
    """`checks`: what was looked at, each `ok` or what is wrong."""

    ready: bool
    checks: dict[str, str]
    age: Annotated[
        float,
        Field(description="seconds since that was known: more than 2 while node or database hang"),
    ]


def message_json(signed: Signed) -> dict[str, Any]:
    """A signed message in the shape of a request."""
    m = signed.message
    common = {
        "station": m.station,
        "session": m.session,
        "time": m.time,
        "importRegister": m.import_register,
        "exportRegister": m.export_register,
        "signature": "0x" + signed.signature.hex(),
    }
    if isinstance(m, OpenSession):
        if signed.vehicle_signature:
            common["vehicleSignature"] = "0x" + signed.vehicle_signature.hex()
        return {"kind": "open", "vehicle": "0x" + m.vehicle.hex()} | common
    return common | {
        "kind": "report",
        "report": m.report,
        "last": m.last,
        "evidence": "0x" + m.evidence.hex(),
        "boundaries": [list(pair) for pair in m.boundaries],
    }
