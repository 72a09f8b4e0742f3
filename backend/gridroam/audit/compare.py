"""Lays the derived market beside what the contracts keep, at one block, field by field.

It asks for everything that the market knows of; what nobody ever registered or posted to is not
looked for.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, is_dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from gridroam.audit.difference import Findings, values_of
from gridroam.chain.ledger import Ledger
from gridroam.domain.market import Market
from gridroam.domain.stations import FormerKey

CONNECTIONS = 4
AT_ONCE = 1_000


class Check(NamedTuple):
    """Something to be read from the chain, and what must stand there: a dataclass or a value."""

    subject: str
    derived: Any
    read: Callable[[], Any]


def compare_roots(roots: dict[int, bytes], ledger: Ledger, block: int, findings: Findings) -> None:
    """The roots of batches, by number."""
    _compare(
        (
            Check(f"batch {number}: root", root, partial(ledger.batch_root, number, block))
            for number, root in roots.items()
        ),
        findings,
    )


def compare_state(market: Market, ledger: Ledger, block: int, findings: Findings) -> int:
    """Adds every difference; returns how many things were compared."""
    return _compare(_State(market, ledger, block).checks(), findings)


def _compare(checks: Iterable[Check], findings: Findings) -> int:
    """Reads over several connections, so many at once that memory stays bounded."""
    waiting, count = iter(checks), 0
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        while some := list(islice(waiting, AT_ONCE)):
            found = pool.map(lambda check: check.read(), some)
            for check, on_chain in zip(some, found, strict=True):
                _compare_one(check, on_chain, findings)
            count += len(some)
    return count


def _compare_one(check: Check, on_chain: Any, findings: Findings) -> None:
    if is_dataclass(check.derived):
        findings.compare(check.subject, values_of(check.derived), on_chain)
    elif check.derived != on_chain:
        findings.add(check.subject, "", check.derived, on_chain)


@dataclass(frozen=True, slots=True)
class _State:
    market: Market
    ledger: Ledger
    block: int

    def checks(self) -> Iterator[Check]:
        yield from self._participants()
        yield from self._stations()
        yield from self._tariffs()
        yield from self._vehicles()
        yield from self._sessions()
        yield from self._accounts()

    def _check(self, subject: str, derived: Any, read: Callable[..., Any], *key: Any) -> Check:
        return Check(subject, derived, partial(read, *key, self.block))

    def _participants(self) -> Iterator[Check]:
        participants, ledger = self.market.registry.participants, self.ledger
        count = len(participants.by_number)
        yield self._check("participant count", count, ledger.participant_count)
        yield self._check("limits", participants.limits, ledger.limits)
        for number, participant in participants.by_number.items():
            yield self._check(f"participant {number}", participant, ledger.participant, number)
        for pair in participants.default_offers:
            subject = "default supply of {} at stations of {}".format(*pair)
            yield self._check(subject, True, ledger.offers_default_supply, *pair)

    def _stations(self) -> Iterator[Check]:
        stations, ledger = self.market.registry.stations, self.ledger
        yield self._check("station count", len(stations.by_number), ledger.station_count)
        for number, station in stations.by_number.items():
            former = stations.former_keys.get(number, FormerKey())
            meter = stations.meter_of[number]
            yield self._check(f"station {number}", station, ledger.station, number)
            yield self._check(f"station {number}: former key", former, ledger.former_key, number)
            yield self._check(f"station {number}: meter", meter, ledger.meter_of, number)
        for meter, grid_operator in stations.meters.items():
            subject = f"meter 0x{meter.hex()}: grid operator"
            yield self._check(subject, grid_operator, ledger.grid_operator_of, meter)

    def _tariffs(self) -> Iterator[Check]:
        ledger = self.ledger
        for (number, role), versions in self.market.registry.tariffs.published.items():
            whose = f"tariff of participant {number} as {role.name.lower()}"
            count = len(versions)
            yield self._check(f"{whose}: versions", count, ledger.tariff_count, number, role)
            for version, tariff in enumerate(versions, 1):
                subject = f"{whose}, version {version}"
                yield self._check(subject, tariff, ledger.tariff, number, role, version)

    def _vehicles(self) -> Iterator[Check]:
        for key, vehicle in self.market.vehicles.by_id.items():
            yield self._check(f"vehicle 0x{key.hex()}", vehicle, self.ledger.vehicle, key)

    def _sessions(self) -> Iterator[Check]:
        ledger = self.ledger
        for number in self.market.registry.stations.by_number:
            session = self.market.sessions[number]
            yield self._check(f"session of station {number}", session, ledger.session, number)
        yield self._check("batch count", self.market.batch_count, ledger.batch_count)

    def _accounts(self) -> Iterator[Check]:
        accounts, ledger = self.market.accounts, self.ledger
        for number in self.market.registry.participants.by_number:
            account, journal = accounts.accounts[number], accounts.journals[number]
            yield self._check(f"account {number}", account, ledger.account, number)
            yield self._check(f"journal {number}", journal, ledger.journal, number)
        for (payer, payee), pair in accounts.pairs.items():
            yield self._check(f"pair {payer} -> {payee}", pair, ledger.pair, payer, payee)
        yield self._check("total balance", accounts.total, ledger.total_balance)
