"""A dispute in the demo: one company says that a session belonged to another supplier."""

from gridroam.chain import events
from gridroam.demo.stage import Stage
from gridroam.evidence.corrections import Change, Corrections, same
from gridroam.evidence.story import story_of

_WRONG_SUPPLIER = 2
"""The reason code; docs/corrections.md."""


class Dispute:
    """About a session that has ended and that nobody has acted on yet."""

    def __init__(self, stage: Stage, ended: events.ReportSettled) -> None:
        self._stage = stage
        self._corrections = Corrections(stage.ledger)
        story = story_of(stage.ledger, ended.station, ended.session)
        self._story = story.as_argument()
        self._present = self._corrections.version_of(story)
        self._change: Change | None = None
        self.needed: list[str] = []
        """Who has yet to consent to what was proposed."""

    def raise_by(self, company: str) -> list[events.Event]:
        return self._act(company, "dispute", self._story, _WRONG_SUPPLIER, bytes(32))

    def propose_by(self, company: str, supplier: str) -> list[events.Event]:
        """That the whole session was `supplier`'s; who proposes consents."""
        companies = self._stage.market.participants
        now, end = self._stage.now, self._present.end
        self._change = same(self._present, now)._replace(
            assignments=((companies[supplier].number, end),)
        )
        _, costs = self._corrections.draft(self._present, self._change)
        proposed = self._act(company, "proposeVersion", self._present, self._change)
        self.needed = [
            c.name for c in companies.values() if c.number in costs and c.name != company
        ]
        return proposed

    def consent_by(self, company: str) -> list[events.Event]:
        return self._act(company, "consent", self._present, self._change)

    def _act(self, company: str, function: str, *arguments: object) -> list[events.Event]:
        account = self._stage.market.participants[company].account
        return events.of(self._corrections.send(account, function, *arguments))
