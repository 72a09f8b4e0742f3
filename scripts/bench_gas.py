"""Gas per message, from the receipts of real transactions, on a ledger in use: what a session
writes has been written before."""

from collections.abc import Sequence

from bench_fleet import Fleet, Session, fleet
from eth_utils.crypto import keccak

from gridroam.chain import abi
from gridroam.chain.events import MessageRejected, decode
from gridroam.chain.wallet import TX_GAS_LIMIT, Wallet
from gridroam.domain.slots import slot_start
from gridroam.errors import ChainError

NOW = 1_800_000_000
STATIONS = 500
IN_USE = range(100)
SIZES = (1, 10, 100)
VEHICLES = 100
FEW, MANY = 10, 100_000
REGISTERED_AT_ONCE = 600  # what fits into one transaction


def measure() -> dict[str, int]:
    """`gas.batch_<size>.open`, `.report_final_12_slots` and `.session`, `gas.vehicle_registration`;
    for the size 500 also how many messages fit into one transaction."""
    with fleet(STATIONS, NOW) as stations:
        wallet = Wallet(stations.ledger.w3, stations.anvil.admin)
        bench = _GasBench(stations, wallet)
        for _ in range(2):
            bench.round(range(STATIONS), 50)
        found: dict[str, int] = {}
        for size in SIZES:
            found |= _named(size, *bench.round(IN_USE, size))
        found |= bench.fullest(500)
        found |= {"gas.vehicle_registration": bench.vehicle_registration()}
    return found | by_vehicles()


def by_vehicles() -> dict[str, int]:
    """`gas.session_with_10_vehicles` and `gas.session_with_100000_vehicles`: the same ten stations,
    in batches of ten, before and after 100,000 further vehicles are registered."""
    with fleet(FEW, NOW) as stations:
        bench = _GasBench(stations, Wallet(stations.ledger.w3, stations.anvil.admin))
        for _ in range(3):
            few = sum(bench.round(range(FEW), FEW))
        bench.register(MANY)
        many = sum(bench.round(range(FEW), FEW))
    return {f"gas.session_with_{FEW}_vehicles": few, f"gas.session_with_{MANY}_vehicles": many}


class _GasBench:
    def __init__(self, stations: Fleet, wallet: Wallet) -> None:
        self._fleet = stations
        self._ledger = stations.ledger
        self._wallet = wallet

    def round(self, chargers: Sequence[int], size: int) -> tuple[int, int]:
        """One session at each of the stations: gas per opening and per report."""
        sessions = self._fleet.sessions(chargers, moving=True)
        opening = sum(self._submit(batch) for batch in _batches(_openings(sessions), size))
        report = sum(self._submit(batch) for batch in _batches(_reports(sessions), size))
        return round(opening / len(sessions)), round(report / len(sessions))

    def fullest(self, size: int) -> dict[str, int]:
        """The same in batches as large as one transaction can be, up to `size`."""
        sessions = self._fleet.sessions(range(size), moving=True)
        opening, openings = self._fill(_openings(sessions))
        report, reports = self._fill(_reports(sessions))
        return _named(size, opening, report) | {
            f"gas.batch_{size}.openings_that_fit": openings,
            f"gas.batch_{size}.reports_that_fit": reports,
        }

    def vehicle_registration(self) -> int:
        """Per vehicle; each is new."""
        return round(self._register("new car", range(VEHICLES)) / VEHICLES)

    def register(self, count: int) -> None:
        """So many further vehicles, of one supplier."""
        for first in range(0, count, REGISTERED_AT_ONCE):
            self._register("further car", range(first, min(count, first + REGISTERED_AT_ONCE)))

    def _register(self, name: str, numbers: range) -> int:
        """Gas of it."""
        supplier = next(iter(self._fleet.market.participants.values()))
        wallet = Wallet(self._ledger.w3, supplier.account)
        commitments = [keccak(text=f"{name} {n}") for n in numbers]
        function = abi.functions("Ledger")["registerVehicles"]
        start = slot_start(self._ledger.w3.eth.get_block("latest")["timestamp"])
        receipt = wallet.call(self._ledger.address, function, commitments, start)
        return receipt["gasUsed"]

    def _fill(self, messages: list[bytes]) -> tuple[int, int]:
        count = self._most(messages)
        gas = self._submit(messages[:count])
        for rest in _batches(messages[count:], 100):
            self._submit(rest)
        return round(gas / count), count

    def _most(self, messages: list[bytes]) -> int:
        """How many of them fit into one transaction."""
        fits, fails = 1, len(messages) + 1
        while fails - fits > 1:
            middle = (fits + fails) // 2
            try:
                self._ledger.simulate(messages[:middle], self._wallet.address)
                fits = middle
            except ChainError:  # out of gas
                fails = middle
        return fits

    def _submit(self, batch: list[bytes]) -> int:
        data = self._ledger.submit_calldata(batch)
        sent = self._wallet.post(self._ledger.address, data, gas=TX_GAS_LIMIT)
        receipt = self._wallet.wait([sent])[0]
        rejected = [e for e in map(decode, receipt["logs"]) if isinstance(e, MessageRejected)]
        if rejected:
            raise ChainError(f"The ledger rejects what is measured: {rejected[0].reason.slug}.")
        return receipt["gasUsed"]


def _named(size: int, opening: int, report: int) -> dict[str, int]:
    return {
        f"gas.batch_{size}.open": opening,
        f"gas.batch_{size}.report_final_12_slots": report,
        f"gas.batch_{size}.session": opening + report,
    }


def _openings(sessions: Sequence[Session]) -> list[bytes]:
    return [session.opening.pack() for session in sessions]


def _reports(sessions: Sequence[Session]) -> list[bytes]:
    return [session.report.pack() for session in sessions]


def _batches(messages: list[bytes], size: int) -> list[list[bytes]]:
    return [messages[start : start + size] for start in range(0, len(messages), size)]
