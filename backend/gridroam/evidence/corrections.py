"""The corrections contract as a typed client: where sessions stand, and what changes would make.

Stories, versions and changes are the ABI's tuples; `Version` and `Change` name their fields.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from eth_abi.abi import decode
from eth_account.signers.local import LocalAccount
from eth_typing import BlockIdentifier
from web3.types import TxReceipt

from gridroam.chain import abi
from gridroam.chain.ledger import Ledger
from gridroam.chain.reverts import translated
from gridroam.chain.wallet import TX_GAS_LIMIT, Wallet
from gridroam.domain.slots import SLOT
from gridroam.errors import InvalidInputError, NoContractError
from gridroam.evidence.record import Evidence
from gridroam.evidence.story import Story

_CONTRACT = "Corrections"
BOUNDARY_BYTES = 12


class Share(NamedTuple):
    """`ICorrections.Share`. Wh, nano-euro, UTC s."""

    supplier: int
    until: int
    import_wh: int
    export_wh: int
    return_wh: int
    network_charge: int
    service_fee: int
    feed_in: int


class Version(NamedTuple):
    """`ICorrections.Version`."""

    station: int
    session: int
    grid_operator: int
    station_operator: int
    grid_tariff: int
    operator_tariff: int
    start: int
    end: int
    closed: bool
    settled_at: int
    number: int
    time: int
    previous: bytes
    shares: tuple[Share, ...]
    readings: bytes

    @property
    def registers(self) -> list[tuple[int, int]]:
        """Import and export register at each of its moments, Wh."""
        return [
            (int.from_bytes(r[:6], "big"), int.from_bytes(r[6:], "big"))
            for r in (
                self.readings[i : i + BOUNDARY_BYTES]
                for i in range(0, len(self.readings), BOUNDARY_BYTES)
            )
        ]

    @property
    def moments(self) -> list[int]:
        """UTC s of each reading: start, slot boundaries within, end."""
        first = self.start // SLOT * SLOT + SLOT
        return [self.start, *range(first, self.end, SLOT), self.end]


class Change(NamedTuple):
    """`ICorrections.Change`. `assignments` are (supplier, until)."""

    time: int
    assignments: tuple[tuple[int, int], ...]
    readings: bytes


class Standing(NamedTuple):
    """`ICorrections.Standing`. `content` is zero while nobody acted on the session."""

    content: bytes
    version: int
    disputed: bool
    verified: bool


class Corrections:
    """Reads at the newest block. Raises `RevertedError` with the contract's reason."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.address = ledger.corrections_address
        if not ledger.w3.eth.get_code(self.address):
            raise NoContractError(
                f"The ledger's corrections, {self.address}, are not on this chain."
            )

    # ----------------------------------------------------------------------------------- reading

    def standing(self, station: int, session: int, block: BlockIdentifier = "latest") -> Standing:
        return Standing(*self._read("standings", station, session, block=block)[0])

    def window(self) -> int:
        return int(self._read("window")[0])

    def version_of(self, story: Story) -> Version:
        """Version 1, proven by its story."""
        return version(self._read("versionOf", story.as_argument())[0])

    def present(self, story: Story) -> Version | None:
        """The version in force, as proofs name it; `None` if nobody acted on the session."""
        first = self.version_of(story)
        if not any(self.standing(first.station, first.session).content):
            return None
        later = self.corrected(first.station, first.session)
        return later[-1] if later else first

    def content_of(self, of: Version) -> bytes:
        return bytes(self._read("contentOf", of)[0])

    def draft(self, present: Version, change: Change) -> tuple[Version, tuple[int, ...]]:
        """The version that a change would make, and whose consent it needs."""
        drafted, costs = self._read("draft", present, change)
        return version(drafted), tuple(costs)

    def has_consented(self, content: bytes, participant: int) -> bool:
        return bool(self._read("hasConsented", content, participant)[0])

    def consent_digest(
        self, present: Version, change: Change, participant: int, until: int
    ) -> bytes:
        """What a participant's account signs to agree."""
        return bytes(self._read("consentDigest", present, change, participant, until)[0])

    def corrected(self, station: int, session: int) -> list[Version]:
        """Every later version, from the events, oldest first."""
        event = next(e for e in abi.events(_CONTRACT) if e.name == "SessionCorrected")
        query: Any = {
            "address": self.address,
            "fromBlock": 0,
            "topics": ["0x" + event.topic.hex(), f"0x{station:064x}", f"0x{session:064x}"],
        }
        logs = self.ledger.w3.eth.get_logs(query)
        types = [type_ for _, type_ in event.data]
        return [version(decode(types, bytes(log["data"]))[2]) for log in logs]

    def proposed(self, station: int, session: int) -> dict[bytes, Change]:
        """What anybody proposed, by the content of the version that it would make."""
        event = next(e for e in abi.events(_CONTRACT) if e.name == "CorrectionProposed")
        query: Any = {
            "address": self.address,
            "fromBlock": 0,
            "topics": ["0x" + event.topic.hex(), f"0x{station:064x}", f"0x{session:064x}"],
        }
        types = [type_ for _, type_ in event.data]
        found: dict[bytes, Change] = {}
        for log in self.ledger.w3.eth.get_logs(query):
            _, content, (time, assignments, readings) = decode(types, bytes(log["data"]))
            found[content] = Change(time, tuple(assignments), readings)
        return found

    # ----------------------------------------------------------------------------------- writing

    def send(self, account: LocalAccount, function: str, *arguments: Any) -> TxReceipt:
        wallet = Wallet(self.ledger.w3, account)
        return wallet.call(self.address, abi.functions(_CONTRACT)[function], *arguments)

    def prove(self, account: LocalAccount, proofs: Sequence[bytes]) -> TxReceipt:
        """Brings proofs in one transaction; each ends in an event of its own. With all the gas
        that there may be: what a node estimates can be too little where one of them is refused."""
        wallet = Wallet(self.ledger.w3, account)
        function = abi.functions(_CONTRACT)["proveAll"]
        return wallet.call(self.address, function, list(proofs), gas=TX_GAS_LIMIT)

    def send_encoded(self, account: LocalAccount, proof: bytes) -> TxReceipt:
        """Brings one proof. Raises `RevertedError` with the reason if it is refused."""
        wallet = Wallet(self.ledger.w3, account)
        data = abi.functions(_CONTRACT)["prove"].selector + proof
        return wallet.wait([wallet.post(self.address, data)])[0]

    def check(self, proof: bytes, sender: str) -> None:
        """Raises `RevertedError` with the reason for which `prove` would refuse it."""
        data = abi.functions(_CONTRACT)["prove"].selector + proof
        call: Any = {"to": self.address, "data": data, "from": sender}
        with translated():
            self.ledger.w3.eth.call(call)

    def _read(
        self, function: str, *arguments: Any, block: BlockIdentifier = "latest"
    ) -> tuple[Any, ...]:
        found = abi.functions(_CONTRACT)[function]
        call: Any = {"to": self.address, "data": found.calldata(*arguments)}
        with translated():
            return found.results(self.ledger.w3.eth.call(call, block))


def version(values: Sequence[Any]) -> Version:
    """From the ABI's tuple."""
    shares = tuple(Share(*share) for share in values[13])
    return Version._make((*values[:13], shares, bytes(values[14])))


def proof(story: Story, evidence: Evidence, present: Version | None = None) -> bytes:
    """`abi.encode(proof)`, as `prove` and `proveAll` take it.

    Raises `InvalidInputError` where the report does not refer to this record.
    """
    if story.evidence != evidence.digest:
        raise InvalidInputError(
            f"The last report refers to 0x{story.evidence.hex()}, the record has "
            f"0x{evidence.digest.hex()}.",
            "Give the record exactly as the meter printed it.",
        )
    versions = [present] if present else []
    arguments = (
        story.as_argument(),
        versions,
        evidence.text,
        evidence.second,
        evidence.signatures,
    )
    return abi.functions(_CONTRACT)["prove"].calldata(arguments)[4:]


def same(present: Version, time: int) -> Change:
    """A change that changes nothing, to be altered with `_replace`."""
    assignments = tuple((share.supplier, share.until) for share in present.shares)
    return Change(time, assignments, present.readings)


def packed(registers: Sequence[tuple[int, int]]) -> bytes:
    """Registers as readings."""
    return b"".join(i.to_bytes(6, "big") + e.to_bytes(6, "big") for i, e in registers)
