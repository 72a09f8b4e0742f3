"""Reads the demo's figures: contracts and events for money and energy, the file for what it should
be, the audit for its verdict."""

from collections import Counter, defaultdict

from gridroam.audit import NodeSource
from gridroam.audit import run as audit
from gridroam.chain import events
from gridroam.chain.reverts import explain
from gridroam.demo.history import History
from gridroam.demo.incidents import Log
from gridroam.demo.picture import Band
from gridroam.demo.stage import Stage
from gridroam.demo.summary import Evidence, Money, Summary, Switch
from gridroam.domain.participants import Role
from gridroam.domain.reasons import Reason


def gather(stage: Stage, history: History, log: Log) -> Summary:
    """Everything that the demo tells about the week."""
    names = {p.number: p.name for p in stage.market.participants.values()}
    money = _money(stage, history, list(names))
    rejected = _by_slug(history.rejected_openings) + log.openings
    rejected_reports = _by_slug(history.rejected_reports) + log.reports
    return Summary(
        names=names,
        offered=history.openings + log.openings.total(),
        cleared=len(history.cleared),
        expired=len(history.expired),
        settled=len(history.settled),
        rejected=dict(rejected),
        rejected_reports=dict(rejected_reports),
        energy=_energy(stage, money),
        slots_wh=_slots(history),
        file_wh=_file_energy(stage, history),
        switches=_switches(stage, history),
        evidence=_evidence(history),
        money=money,
        incidents=tuple(log.incidents),
        messages=history.messages,
        batches=len(history.gas),
        gas=sum(history.gas),
        audit=audit(NodeSource(stage.ledger)),
    )


def bands(stage: Stage, history: History) -> list[Band]:
    """Each supplier's energy by quarter hour."""
    taken_by: defaultdict[int, Counter[int]] = defaultdict(Counter)
    fed_by: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for (place, slot), (taken, fed) in history.energy.items():
        taken_by[place.supplier][slot] += taken
        fed_by[place.supplier][slot] += fed
    suppliers = [p for p in stage.market.participants.values() if p.roles & Role.SUPPLIER]
    return [Band(p.name, taken_by[p.number], fed_by[p.number]) for p in suppliers]


def _money(stage: Stage, history: History, numbers: list[int]) -> Money:
    pairs = {
        (payer, payee): stage.ledger.pair(payer, payee) for payer in numbers for payee in numbers
    }
    return Money(
        accounts={number: stage.ledger.account(number) for number in numbers},
        pairs={who: p for who, p in pairs.items() if p.amount or p.import_wh or p.export_wh},
        deposited=sum(e.amount for e in history.all if isinstance(e, events.Deposited)),
        withdrawn=sum(e.amount for e in history.all if isinstance(e, events.Withdrawn)),
        holdings=stage.ledger.holdings(),
    )


def _energy(stage: Stage, money: Money) -> dict[tuple[int, int], tuple[int, int]]:
    """By supplier and grid operator. Feed-in stands with who pays for it."""
    found = {}
    for supplier in _of_role(stage, Role.SUPPLIER):
        for grid in _of_role(stage, Role.GRID_OPERATOR):
            there, back = money.pairs.get((supplier, grid)), money.pairs.get((grid, supplier))
            taken = there.import_wh if there else 0
            fed = sum(pair.export_wh for pair in (there, back) if pair)
            found[supplier, grid] = taken, fed
    return found


def _of_role(stage: Stage, role: Role) -> list[int]:
    return [p.number for p in stage.market.participants.values() if p.roles & role]


def _slots(history: History) -> tuple[int, int]:
    values = history.energy.values()
    return sum(taken for taken, _ in values), sum(fed for _, fed in values)


def _file_energy(stage: Stage, history: History) -> int:
    """Of the sessions in the file that the ledger cleared, told by station and start."""
    stations = stage.market.stations
    energy = {
        (stations[v.station].number, v.session.start): v.energy for v in stage.scenario.visits
    }
    return sum(energy.get((event.station, event.time), 0) for event in history.cleared)


def _switches(stage: Stage, history: History) -> tuple[Switch, ...]:
    participants = {p.number: p.name for p in stage.market.participants.values()}
    stations = {s.number: s.name for s in stage.market.stations.values()}

    def switch(event: events.SupplierSwitched) -> Switch:
        taken: Counter[bool] = Counter()
        for part in history.settled:
            if (part.station, part.session) == (event.station, event.session):
                taken[part.time > event.time] += part.import_wh
        names = participants[event.from_], participants[event.to]
        return Switch(stations[event.station], *names, taken[False], taken[True])

    return tuple(map(switch, history.switched))


def _evidence(history: History) -> Evidence:
    """A record corrects in the transaction in which it confirms."""
    verified = [e for e in history.all if isinstance(e, events.SessionMeterVerified)]
    places = {(e.at.tx_hash, e.station, e.session) for e in verified}
    corrected = (e for e in history.all if isinstance(e, events.SessionCorrected))
    refused = (e for e in history.all if isinstance(e, events.ProofRefused))
    return Evidence(
        history.with_record,
        len(verified),
        sum((e.at.tx_hash, e.station, e.session) in places for e in corrected),
        dict(Counter(explain(e.reason)[0] for e in refused)),
    )


def _by_slug(counts: Counter[Reason]) -> Counter[str]:
    return Counter({reason.slug: count for reason, count in counts.items()})
