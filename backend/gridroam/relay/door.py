"""The door: decides which messages the relay takes, and has them durably stored.

A message that the ledger would reject is refused here, with the ledger's reason, and costs no gas;
the ledger is asked about whatever does not follow plainly from what it agreed to before (`trails`).
One exception: an opening that the ledger would *decide* against (no supplier, no cover, ...) is
taken and sent. The station has told its driver no, while the signed opening could be replayed
until the backlog limit and then be cleared: a session that the station knows nothing of, and that
keeps it busy. Recording the refusal uses the session number up. Since it costs gas that nobody pays
for, it is limited for each station; beyond the limit such an opening is refused here, too.

A message that was accepted before, by whatever way it came to the ledger, is answered as accepted.
"""

import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from logging import DEBUG

from gridroam import messages
from gridroam.chain.ledger import Ledger
from gridroam.chain.outgoing import Outgoing
from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.errors import ChainError, GridroamError, NodeUnreachableError, StoreError
from gridroam.http.limits import Rates
from gridroam.messages import EnergyReport, OpenSession, Signed
from gridroam.relay import metrics
from gridroam.relay.log import log
from gridroam.relay.outcomes import PERHAPS_BEFORE, History
from gridroam.relay.problems import NODE_FAILS, STORE_FAILS, Problem, of_reason
from gridroam.relay.recovery import Recovery
from gridroam.relay.simulation import Arrival, Simulation
from gridroam.relay.trails import Trails
from gridroam.store.outbox import Addition, Outbox
from gridroam.store.outcome import STORED, Outcome
from gridroam.store.senders import Funds, Senders

Verdict = Outcome | Problem
Judged = tuple[bytes, Verdict]
"""A message's digest, and what is known of it or why it was not taken."""


class Door:
    """For one thread.

    `refusals_per_minute`: openings of a station that are sent although they will be decided
    against; `max_waiting`: messages in the outbox beyond which none is taken;
    `messages_per_minute`: new ones of a station, 0 for no limit; `recovering_processes`: see
    `Recovery`."""

    def __init__(
        self,
        ledger: Ledger,
        outbox: Outbox,
        outgoing: Outgoing,
        senders: Senders,
        *,
        refusals_per_minute: int,
        max_waiting: int,
        messages_per_minute: float = 0.0,
        recovering_processes: int = 0,
    ) -> None:
        self._domain = ledger.domain
        self._outbox = outbox
        self._recovery = Recovery(recovering_processes)
        self.trails = Trails(self._recovery)
        self._asked: set[bytes] = set()
        self._simulation = Simulation(ledger, outgoing)
        self._history = History(ledger)
        self._refusals = _Refusals(refusals_per_minute)
        self._rates = Rates(messages_per_minute / 60, messages_per_minute)
        self._queue = _Queue(outbox, max_waiting)
        self._purses = _Purses(senders)

    def close(self) -> None:
        self._recovery.close()

    def judge(self, signed: Sequence[Signed]) -> list[Judged]:
        """One verdict for each message, in order. What is taken is durable on return."""
        arrivals = [self._arrival(one) for one in signed]
        verdicts = self._verdicts({arrival.digest: arrival for arrival in arrivals})
        return [(arrival.digest, verdicts[arrival.digest]) for arrival in arrivals]

    def _arrival(self, signed: Signed) -> Arrival:
        opening = isinstance(signed.message, OpenSession)
        digest = messages.digest(self._domain, signed.message)
        return Arrival(signed, digest, signed.pack(), opening)

    def _verdicts(self, arrivals: Mapping[bytes, Arrival]) -> Mapping[bytes, Verdict]:
        try:
            known = self._outbox.known(list(arrivals))
        except StoreError as error:
            return dict.fromkeys(arrivals, _trouble(error))
        new = [a for digest, a in arrivals.items() if _is_open(known.get(digest))]
        return {**known, **self._take(new, known)} if new else known

    def _take(
        self, new: Sequence[Arrival], known: Mapping[bytes, Outcome]
    ) -> Mapping[bytes, Verdict]:
        try:
            if self._queue.is_full():
                return {a.digest: _FULL for a in new}
            if not self._purses.can_pay():
                return {a.digest: _NO_FUNDS for a in new}
            reasons = self._reasons(new)
            verdicts = self._with_rates(
                {a.digest: self._verdict(a, reasons[a.digest]) for a in new}, new
            )
            self._keep([a for a in new if isinstance(verdicts[a.digest], Outcome)], verdicts, known)
            self._remember(new, verdicts, reasons)
        except (ChainError, StoreError) as error:
            self.trails.forget(a.station for a in new)
            trouble = _trouble(error)
            return {a.digest: trouble for a in new}
        return {d: v if isinstance(v, Outcome) else known.get(d, v) for d, v in verdicts.items()}

    def _reasons(self, new: Sequence[Arrival]) -> dict[bytes, Reason]:
        """What the ledger would say; of what follows plainly from before, that it agrees."""
        plain, asked = self.trails.split(new)
        agreed = dict.fromkeys((a.digest for a in plain), Reason.NONE)
        self._asked = {a.digest for a in asked}
        if not asked:
            return agreed
        under_way = self._outbox.under_way({a.station for a in asked})
        return agreed | self._simulation.reasons(asked, under_way)

    def _remember(
        self,
        new: Sequence[Arrival],
        verdicts: Mapping[bytes, Verdict],
        reasons: Mapping[bytes, Reason],
    ) -> None:
        for arrival in new:
            if verdicts[arrival.digest] is not STORED or reasons[arrival.digest]:
                self.trails.forget([arrival.station])
            elif arrival.digest in self._asked:
                self.trails.vouch(arrival)

    def _verdict(self, arrival: Arrival, reason: Reason) -> Verdict:
        if reason is Reason.NONE:
            return STORED
        if reason.decides:
            allowed = self._refusals.allow(arrival.station)
            return STORED if allowed else _too_many_refusals(arrival, reason)
        found = self._find(arrival) if reason in PERHAPS_BEFORE else None
        return found or of_reason(reason, self._detail(arrival, reason))

    def _with_rates(
        self, verdicts: dict[bytes, Verdict], new: Sequence[Arrival]
    ) -> dict[bytes, Verdict]:
        """Counts only what its station signed: strangers could use its share up. After the first
        that is too much none of the station passes, since it may build on that."""
        late: dict[int, Problem] = {}
        for arrival in new:
            if verdicts[arrival.digest] is not STORED:
                continue
            if arrival.station not in late and (wait := self._rates.take(arrival.station)):
                late[arrival.station] = _too_fast(arrival.station, wait)
            if arrival.station in late:
                verdicts[arrival.digest] = late[arrival.station]
        return verdicts

    def _find(self, arrival: Arrival) -> Verdict | None:
        try:
            return self._history.find(arrival.body)
        except NodeUnreachableError:
            raise
        except ChainError as error:
            return _trouble(error)

    def _keep(
        self,
        taken: Sequence[Arrival],
        verdicts: Mapping[bytes, Verdict],
        known: Mapping[bytes, Outcome],
    ) -> None:
        if not taken:
            return
        now = time.time_ns() // 1_000_000
        additions = [
            Addition(a.digest, a.station, a.opening, a.body, now, outcome)
            for a in taken
            if isinstance(outcome := verdicts[a.digest], Outcome)
        ]
        self._outbox.add(additions, again=[a.digest for a in taken if a.digest in known])
        for addition in additions:
            metrics.message_accepted(opening=addition.opening)
        if log.isEnabledFor(DEBUG):
            for a in taken:
                log.debug("a message is taken", digest=a.digest.hex(), station=a.station)

    def _detail(self, arrival: Arrival, reason: Reason) -> str:
        detail = f"{_name(arrival.signed)}: the ledger would reject it ({reason.slug})."
        if reason is Reason.BAD_SIGNATURE:
            signer = arrival.signed.signer(self._domain)
            whose = f"It bears the signature of {signer}." if signer else "Its signature is none."
            return f"{detail} {whose}"
        ahead = arrival.signed.message.time - int(time.time())
        if reason is Reason.TIME_IN_FUTURE and ahead > 0:
            return f"{detail} Its time is {ahead} s ahead of the relay's clock."
        return detail


_FULL = Problem("queue-full", "Too many messages wait to be sent to the ledger.", retry_after=5)

_NO_FUNDS = Problem("no-funds", "No account of the relay can pay for a batch.", retry_after=60)


def _is_open(known: Outcome | None) -> bool:
    """Whether a message has to be judged: it is new, or was rejected but may pass now."""
    if known is None:
        return True
    passing = known.reason is not None and known.reason.may_pass_later
    return known.status is Status.REFUSED or (known.status is Status.REJECTED and passing)


def _trouble(error: GridroamError) -> Problem:
    log.error("messages cannot be taken", problem=error.message)
    if isinstance(error, StoreError):
        return Problem("store-failing", STORE_FAILS, retry_after=2)
    return Problem("node-unreachable", NODE_FAILS, retry_after=2)


def _too_many_refusals(arrival: Arrival, reason: Reason) -> Problem:
    return Problem(
        "too-many-refusals",
        f"{_name(arrival.signed)}: the ledger would refuse it ({reason.slug}), and it has refused "
        "many of this station.",
        reason=reason,
        retry_after=60,
    )


def _too_fast(station: int, wait: float) -> Problem:
    detail = f"Station {station} has sent more messages than it may."
    return Problem("station-too-fast", detail, retry_after=max(1, round(wait + 0.5)))


def _name(signed: Signed) -> str:
    m = signed.message
    name = f"Station {m.station}, session {m.session}"
    return f"{name}, report {m.report}" if isinstance(m, EnergyReport) else f"{name}, opening"


class _Refusals:
    """How many decided refusals a station has had in the last minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._times: defaultdict[int, deque[float]] = defaultdict(deque)

    def allow(self, station: int) -> bool:
        times, now = self._times[station], time.monotonic()
        while times and times[0] < now - 60:
            times.popleft()
        if len(times) >= self._per_minute:
            return False
        times.append(now)
        return True


class _Purses:
    """Whether any account that is sent from can pay for a batch; looked at once a second. While
    nobody sends, somebody may take over soon."""

    def __init__(self, senders: Senders) -> None:
        self._senders = senders
        self._looked = 0.0
        self._can_pay = True

    def can_pay(self) -> bool:
        now = time.monotonic()
        if now - self._looked > 1:
            self._looked = now
            held = [sender for sender in self._senders.all() if sender.held]
            self._can_pay = not held or any(s.funds is not Funds.EMPTY for s in held)
        return self._can_pay


class _Queue:
    """Whether too many messages wait; counted once a second."""

    def __init__(self, outbox: Outbox, most: int) -> None:
        self._outbox = outbox
        self._most = most
        self._counted = 0.0
        self._full = False

    def is_full(self) -> bool:
        now = time.monotonic()
        if now - self._counted > 1:
            self._counted = now
            self._full = self._outbox.counts().stored >= self._most
        return self._full
