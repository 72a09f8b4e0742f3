"""Lays the derived market beside what the contracts keep, at one block, field by field.

It asks for everything that the market knows of; what nobody ever registered or posted to is not
looked for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, is_dataclass
from itertools import islice
from typing import Any, NamedTuple

from eth_typing import BlockNumber
from web3 import Web3
from web3.exceptions import Web3Exception

from gridroam.audit.corrections import Word
from gridroam.audit.difference import Findings, values_of
from gridroam.chain import records
from gridroam.chain.bulk import Read, read
from gridroam.chain.events import LogPosition
from gridroam.chain.ledger import Ledger
from gridroam.domain.corrections import Standing
from gridroam.domain.market import Market
from gridroam.domain.meters import MeterKey
from gridroam.domain.session import Change, Session
from gridroam.domain.stations import FormerKey
from gridroam.domain.vehicle_keys import VehicleKeys

AT_ONCE = 1_000


class Check(NamedTuple):
    """Something to be read from the chain, and what must stand there: a dataclass or a value."""

    subject: str
    derived: Any
    read: Read


def compare_roots(roots: dict[int, bytes], ledger: Ledger, block: int, findings: Findings) -> None:
    """The roots of batches, by number."""
    checks = (
        Check(f"batch {number}: root", root, Read("batchRoot", (number,)))
        for number, root in roots.items()
    )
    _compare(checks, ledger, block, findings)


def compare_state(market: Market, ledger: Ledger, block: int, findings: Findings) -> int:
    """Adds every difference; returns how many things were compared."""
    return _compare(_State(market).checks(), ledger, block, findings)


def compare_words(words: list[Word], ledger: Ledger, block: int, findings: Findings) -> None:
    """Who acted through another contract, or signed as one does, must be a contract: at that time,
    if the node still knows, or now. Takes the words out that it has looked at."""
    while words:
        word = words.pop()
        if not any(_has_code(ledger, word.account, at) for at in (block, word.block)):
            at = LogPosition(word.block, 0, 0, word.tx_hash, b"")
            findings.add(word.subject, "", "nothing signed for it", "done", at)


def _has_code(ledger: Ledger, account: str, block: int) -> bool:
    try:
        code = ledger.w3.eth.get_code(Web3.to_checksum_address(account), BlockNumber(block))
    except Web3Exception:  # the node has pruned the state of then
        return False
    return bool(code)


def _compare(checks: Iterable[Check], ledger: Ledger, block: int, findings: Findings) -> int:
    """So many at once that memory stays bounded."""
    waiting, count = iter(checks), 0
    while some := list(islice(waiting, AT_ONCE)):
        found = read(ledger, [check.read for check in some], block)
        for check, on_chain in zip(some, found, strict=True):
            _compare_one(check, on_chain, findings)
        count += len(some)
    return count


def _compare_one(check: Check, on_chain: Any, findings: Findings) -> None:
    if is_dataclass(check.derived):
        findings.compare(check.subject, values_of(check.derived), on_chain)
    elif check.derived != on_chain:
        findings.add(check.subject, "", check.derived, on_chain)


def _session_record(session: Session) -> records.Session:
    """As the contract keeps it."""
    values = {name: value for name, value in values_of(session).items() if name not in _FLAGS}
    flags = session.vehicle_signed | (session.change is not None) << 1
    return records.Session(**values, flags=flags)


_FLAGS = ("vehicle_signed", "change")


@dataclass(frozen=True, slots=True)
class _State:
    market: Market

    def checks(self) -> Iterator[Check]:
        yield from self._participants()
        yield from self._stations()
        yield from self._tariffs()
        yield from self._vehicles()
        yield from self._sessions()
        yield from self._accounts()
        yield from self._corrections()

    def _participants(self) -> Iterator[Check]:
        participants = self.market.registry.participants
        count = len(participants.by_number)
        yield Check("participant count", count, Read("participantCount"))
        yield Check("limits", participants.limits, Read("limits", (), records.Limits))
        yield Check("paused", self.market.registry.paused, Read("paused"))
        for number, participant in participants.by_number.items():
            view = Read("participants", (number,), records.Participant)
            yield Check(f"participant {number}", participant, view)
        for pair in participants.default_offers:
            subject = "default supply of {} at stations of {}".format(*pair)
            yield Check(subject, True, Read("offersDefaultSupply", pair))

    def _stations(self) -> Iterator[Check]:
        stations = self.market.registry.stations
        yield Check("station count", len(stations.by_number), Read("stationCount"))
        for number, station in stations.by_number.items():
            subject, key = f"station {number}", (number,)
            former = stations.former_key(number)
            yield Check(subject, station, Read("stations", key, records.Station))
            yield Check(f"{subject}: former key", former, Read("formerKeys", key, FormerKey))
            yield Check(f"{subject}: meter", stations.meter_of[number], Read("meterOf", key))
        for meter, grid_operator in stations.meters.owners.items():
            subject = f"meter 0x{meter.hex()}: grid operator"
            yield Check(subject, grid_operator, Read("gridOperatorOf", (meter,)))
        for meter, meter_key in stations.meters.keys.items():
            view = Read("meterKeys", (meter,), MeterKey)
            yield Check(f"meter 0x{meter.hex()}: key", meter_key, view)

    def _tariffs(self) -> Iterator[Check]:
        for (number, role), versions in self.market.registry.tariffs.published.items():
            whose = f"tariff of participant {number} as {role.name.lower()}"
            yield Check(f"{whose}: versions", len(versions), Read("tariffCount", (number, role)))
            for version, tariff in enumerate(versions, 1):
                view = Read("tariffs", (number, role, version), records.Tariff)
                yield Check(f"{whose}, version {version}", tariff, view)

    def _vehicles(self) -> Iterator[Check]:
        for key, vehicle in self.market.vehicles.by_id.items():
            view = Read("vehicles", (key,), records.Vehicle)
            yield Check(f"vehicle 0x{key.hex()}", vehicle, view)
        for key, keys in self.market.vehicles.keys.items():
            view = Read("vehicleKeys", (key,), VehicleKeys)
            yield Check(f"vehicle 0x{key.hex()}: keys", keys, view)

    def _sessions(self) -> Iterator[Check]:
        for number in self.market.registry.stations.by_number:
            session, subject = self.market.sessions[number], f"session of station {number}"
            view = Read("sessions", (number,), records.Session)
            yield Check(subject, _session_record(session), view)
            if session.change:
                view = Read("changes", (number,), Change)
                yield Check(f"{subject}: change of supplier", session.change, view)
        yield Check("batch count", self.market.batch_count, Read("batchCount"))

    def _accounts(self) -> Iterator[Check]:
        accounts = self.market.accounts
        for number in self.market.registry.participants.by_number:
            account, journal = accounts.accounts[number], accounts.journals[number]
            yield Check(f"account {number}", account, Read("accounts", (number,), records.Account))
            yield Check(f"journal {number}", journal, Read("journals", (number,), records.Journal))
        for key, pair in accounts.pairs.items():
            subject = "pair {} -> {}".format(*key)
            yield Check(subject, pair, Read("pairs", key, records.Pair))
        yield Check("total balance", accounts.total, Read("totalBalance"))

    def _corrections(self) -> Iterator[Check]:
        corrections = self.market.corrections
        for key, standing in corrections.standings.items():
            subject = "standing of station {}, session {}".format(*key)
            yield Check(subject, standing, Read("standings", key, Standing))
        for content, agreed in corrections.consents.items():
            for number in agreed:
                subject = f"consent of {number} to 0x{content.hex()}"
                yield Check(subject, True, Read("hasConsented", (content, number)))
        for meter, page in corrections.pages:
            subject = f"meter 0x{meter.hex()}: page {page} is used"
            yield Check(subject, True, Read("isPageUsed", (meter, page)))
