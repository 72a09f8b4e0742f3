"""Plays the week: from hour to hour the chain's clock moves on, all stations send what happened,
what goes wrong goes wrong, and a driver whose supplier lacked cover tries again once it paid in."""

from collections.abc import Callable

from gridroam.demo import market, troubles
from gridroam.demo.incidents import Log
from gridroam.demo.scenario import HOUR
from gridroam.demo.stage import Stage
from gridroam.domain.reasons import Reason
from gridroam.station.replay import moments

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def play(stage: Stage, progress: Progress) -> Log:
    """The whole scenario. In the end every station has sent everything."""
    log = Log()
    bad = troubles.of_the_first_day()
    planned = moments((visit.session for visit in stage.scenario.visits), HOUR)
    all_moments = sorted(planned | {stage.scenario.start + trouble.at for trouble in bad})
    for done, moment in enumerate(all_moments):
        progress("playing the week", done, len(all_moments))
        stage.move_to(moment)
        _play_hour(stage, moment, log)
        for trouble in bad:
            if stage.scenario.start + trouble.at == moment:
                log.note(trouble.what, trouble.play(stage))
    stage.flush()
    log.count(stage.receipts)
    return log


def _play_hour(stage: Stage, moment: int, log: Log) -> None:
    receipts = stage.play(moment)
    refused = [receipt for receipt in receipts if receipt.reason == Reason.SUPPLIER_NOT_COVERED]
    if refused:
        stage.top_up(market.SMALL, market.TOP_UP_EUR)
        for replay in stage.replays.values():
            replay.retry()
        again = stage.play(moment)
        log.note("no cover; the supplier pays in", [*refused, *again])
