"""What the ledger would say to messages if they were sent now, behind what is under way already.

One call of the node for many stations. A station's messages are simulated behind all of its own
that are not final yet, so that an opening and its reports can follow each other quickly. What the
call has no gas for is taken on its signature alone: the ledger decides when its turn comes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gridroam.chain import abi
from gridroam.chain.ledger import Ledger
from gridroam.chain.outgoing import Outgoing
from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.domain.reasons import Reason
from gridroam.errors import ChainError, NodeUnreachableError
from gridroam.messages import Signed
from gridroam.relay import gas
from gridroam.relay.log import log

CALL_GAS = 12_000_000
"""Of a call, estimated from above. The contract's memory grows with a call: several are quicker."""

_SUBMIT = abi.functions("Ledger")["submit"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that the relay has not taken yet. `body` is the wire format."""

    signed: Signed
    digest: bytes
    body: bytes
    opening: bool

    @property
    def station(self) -> int:
        return self.signed.message.station

    @property
    def gas(self) -> int:
        return gas.of(self.body, opening=self.opening)


@dataclass(slots=True)
class _Run:
    """One station's share of a call: what is under way, then what has arrived."""

    behind: list[bytes]
    arrivals: list[Arrival] = field(default_factory=list)
    gas: int = 0


class Simulation:
    def __init__(self, ledger: Ledger, outgoing: Outgoing) -> None:
        self._ledger = ledger
        self._outgoing = outgoing

    def reasons(
        self, arrivals: Sequence[Arrival], under_way: Mapping[int, list[bytes]]
    ) -> dict[bytes, Reason]:
        """By digest. Raises `NodeUnreachableError`."""
        runs, rest = _runs(arrivals, under_way)
        found: dict[bytes, Reason] = {}
        for call in _calls(runs):
            found |= self._call(call)
        for arrival in rest:
            found[arrival.digest] = self._by_signature(arrival)
        return found

    def _call(self, runs: Sequence[_Run]) -> dict[bytes, Reason]:
        bodies = [b for run in runs for b in (*run.behind, *(a.body for a in run.arrivals))]
        try:
            reasons = iter(self._simulate(bodies))
        except NodeUnreachableError:
            raise
        except ChainError as error:
            return self._divided(runs, error)
        found: dict[bytes, Reason] = {}
        for run in runs:
            for _ in run.behind:
                next(reasons)
            found |= {arrival.digest: next(reasons) for arrival in run.arrivals}
        return found

    def _divided(self, runs: Sequence[_Run], error: ChainError) -> dict[bytes, Reason]:
        """What did not fit into one call."""
        if len(runs) > 1:
            half = len(runs) // 2
            return self._call(runs[:half]) | self._call(runs[half:])
        log.warning("the node does not simulate", problem=error.message)
        return {a.digest: self._by_signature(a) for run in runs for a in run.arrivals}

    def _simulate(self, bodies: Sequence[bytes]) -> list[Reason]:
        data = self._ledger.submit_calldata(bodies)
        reasons: Sequence[int] = _SUBMIT.results(self._outgoing.call(data, TX_GAS_LIMIT))[0]
        if Reason.TIME_IN_FUTURE in reasons:
            # the latest block may be old; the pending one has the time that the next would have
            reasons = _SUBMIT.results(self._outgoing.call(data, TX_GAS_LIMIT, "pending"))[0]
        return [Reason(reason) for reason in reasons]

    def _by_signature(self, arrival: Arrival) -> Reason:
        station = self._ledger.station(arrival.station)
        if station.grid_operator == 0 or int(station.key, 16) == 0:
            return Reason.UNKNOWN_STATION
        signer = arrival.signed.signer(self._ledger.domain)
        former = self._ledger.former_key(arrival.station)
        by_former = signer == former.key and arrival.signed.message.time < former.until
        return Reason.NONE if signer == station.key or by_former else Reason.BAD_SIGNATURE


def _runs(
    arrivals: Sequence[Arrival], under_way: Mapping[int, list[bytes]]
) -> tuple[list[_Run], list[Arrival]]:
    """What fits into calls, by station, and what does not."""
    runs: dict[int, _Run] = {}
    rest: list[Arrival] = []
    for arrival in arrivals:
        run = runs.get(arrival.station)
        if run is None:
            behind = under_way.get(arrival.station, [])
            used = sum(gas.of(body, opening=body[0] & 0x0F == 1) for body in behind)
            run = runs[arrival.station] = _Run(behind, gas=used)
        run.gas += arrival.gas
        if run.gas <= CALL_GAS:
            run.arrivals.append(arrival)
        else:
            rest.append(arrival)
    return [run for run in runs.values() if run.arrivals], rest


def _calls(runs: Sequence[_Run]) -> Iterator[list[_Run]]:
    call: list[_Run] = []
    used = 0
    for run in runs:
        if call and used + run.gas > CALL_GAS:
            yield call
            call, used = [], 0
        call.append(run)
        used += run.gas
    if call:
        yield call
