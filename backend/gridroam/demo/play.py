"""Plays the week: from hour to hour the chain's clock moves on, all stations send what happened,
what goes wrong goes wrong, and a driver whose supplier lacked cover tries again once it paid in."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gridroam.demo import market, troubles
from gridroam.demo.scenario import HOUR, Scenario
from gridroam.demo.stage import Stage
from gridroam.domain.delivery import Status
from gridroam.domain.reasons import Reason
from gridroam.messages import OpenSession
from gridroam.station.kit import Receipt

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(slots=True)
class Refusals:
    """What the relay did not take, and so never reached the ledger, by the reason it gave."""

    openings: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)

    def count(self, receipts: Iterable[Receipt]) -> None:
        for receipt in receipts:
            answer = receipt.answer
            if receipt.rejected and answer is not None and answer.status == Status.REFUSED:
                is_opening = isinstance(receipt.message, OpenSession)
                why = answer.trouble.code if answer.trouble else "unknown"
                (self.openings if is_opening else self.reports)[why] += 1


def play(stage: Stage, progress: Progress) -> Refusals:
    """The whole scenario."""
    refusals = Refusals()
    bad = troubles.of_the_first_day()
    moments = _moments(stage.scenario, (stage.scenario.start + trouble.at for trouble in bad))
    for done, moment in enumerate(moments):
        progress("playing the week", done, len(moments))
        stage.move_to(moment)
        refusals.count(_play_hour(stage, moment))
        for trouble in bad:
            if stage.scenario.start + trouble.at == moment:
                refusals.count(trouble.play(stage))
    return refusals


def _play_hour(stage: Stage, moment: int) -> list[Receipt]:
    receipts = stage.play(moment)
    if any(receipt.reason == Reason.SUPPLIER_NOT_COVERED for receipt in receipts):
        stage.top_up(market.SMALL, market.TOP_UP_EUR)
        for replay in stage.replays.values():
            replay.retry()
        receipts += stage.play(moment)
    return receipts


def _moments(scenario: Scenario, others: Iterable[int]) -> list[int]:
    """Every full hour in or after which something happened."""
    hours = set(others)
    for visit in scenario.visits:
        first, last = (-(-time // HOUR) * HOUR for time in (visit.session.start, visit.session.end))
        hours.update(range(first, last + 1, HOUR))
    return sorted(hours)
