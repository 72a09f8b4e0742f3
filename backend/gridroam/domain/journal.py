"""A participant's journal: a hash chain over everything that happened to its account."""

from dataclasses import dataclass

from gridroam.domain.batch import word
from gridroam.domain.hashing import keccak
from gridroam.domain.units import Bytes32, NanoEuro, ParticipantId, StationId

HEAD_BYTES = 26
"""Of a hash the leading 26 bytes are kept; with the count that makes one word."""
_PADDING = bytes(32 - HEAD_BYTES)
DEPOSIT, WITHDRAWAL, COLLECTION, CORRECTION = 1, 2, 3, 4


@dataclass(slots=True)
class Journal:
    """Head and length of the chain."""

    head: bytes = bytes(HEAD_BYTES)
    count: int = 0

    def append(self, entry: Bytes32) -> None:
        self.head = keccak(self.head + _PADDING + entry)[:HEAD_BYTES]
        self.count += 1


def deposit_entry(participant: ParticipantId, amount: NanoEuro) -> Bytes32:
    return keccak(word(DEPOSIT) + word(participant) + word(amount))


def withdrawal_entry(participant: ParticipantId, amount: NanoEuro) -> Bytes32:
    return keccak(word(WITHDRAWAL) + word(participant) + word(amount))


def collection_entry(payer: ParticipantId, payee: ParticipantId, amount: NanoEuro) -> Bytes32:
    return keccak(word(COLLECTION) + word(payer) + word(payee) + word(amount))


def correction_entry(station: StationId, session: int, version: int, content: Bytes32) -> Bytes32:
    numbers = CORRECTION, station, session, version
    return keccak(b"".join(map(word, numbers)) + content)
