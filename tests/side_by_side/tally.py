"""What happened in all runs together: whether they came as deep as they should."""

from collections import Counter
from dataclasses import dataclass, field

from gridroam.chain.events import ClaimOpened, Event, SessionCorrected, SessionMeterVerified
from gridroam.domain.decision import Cleared, Decision, Part, Rejected, Settled
from gridroam.domain.market import Market

_STATES = {"none", "open", "closed", "expired", "refused", "superseded"}
_SITUATIONS = {
    *("split", "switched between reports", "superseded"),
    *("corrected by agreement", "corrected by the meter"),
}
_REFUSALS = {"propose", "consent", "consentBySignature", "prove"}


@dataclass
class Tally:
    """Counts of things by their names."""

    runs: int = 0
    steps: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Of messages: reasons, and `none`."""
    states: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    """Functions whose call was allowed."""
    refused: Counter[str] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)

    def missing(self) -> list[str]:
        """What the runs should have come to, and have not yet: it is drawn at random."""
        wanted = {
            "states": (self.states, _STATES),
            "situations": (self.situations, _SITUATIONS),
            "refusals": (self.refused, _REFUSALS),
        }
        found = [f"{what}: {sorted(due - seen.keys())}" for what, (seen, due) in wanted.items()]
        few = {
            "outcomes": (self.outcomes, 20),
            "acts": (self.done, 20),
            "situations": (self.situations, 10),
        }
        found += [f"{what}: {len(seen)} of {n}" for what, (seen, n) in few.items() if len(seen) < n]
        return [text for text in found if not text.endswith("[]")]

    def act(self, function: str, error: str) -> None:
        counts = self.refused if error else self.done
        counts[function] += 1

    def decision(self, decision: Decision) -> None:
        reason = decision.reason.slug if isinstance(decision, Rejected) else "none"
        self.outcomes[reason] += 1
        self.situations.update(_situations(decision))

    def corrections(self, happened: list[Event]) -> None:
        kinds = {type(event) for event in happened}
        by_meter = SessionMeterVerified in kinds
        holds = {
            "corrected by the meter": SessionCorrected in kinds and by_meter,
            "corrected by agreement": SessionCorrected in kinds and not by_meter,
            "verified as it was": by_meter and SessionCorrected not in kinds,
            "claim by a correction": kinds >= {SessionCorrected, ClaimOpened},
        }
        self.situations.update(name for name, held in holds.items() if held)

    def step(self, market: Market) -> None:
        self.steps += 1
        self.states.update(session.state.name.lower() for session in market.sessions.values())


def _situations(decision: Decision) -> list[str]:
    match decision:
        case Cleared():
            holds = {
                "grid reserve": decision.grid_reserve > 0,
                "superseded": decision.superseded is not None,
            }
        case Settled():
            switched = decision.switched
            holds = {
                "switched between reports": switched is not None and len(decision.parts) == 1,
                "split": len(decision.parts) > 1,
                "switched without cover": switched is not None and not switched.reserve,
            }
            for part in decision.parts:
                holds |= dict.fromkeys(_of_part(part), True)
        case Rejected():
            return []
    return [name for name, held in holds.items() if held]


def _of_part(part: Part) -> list[str]:
    holds = {
        "feed-in paid": part.feed_in > 0,
        "feed-in charged": part.feed_in < 0,
        "own grid operator": part.supplier == part.grid_operator,
        "all roles": part.supplier == part.grid_operator == part.operator,
        "claim": len(part.claims) > 0,
        "several claims": len(part.claims) > 1,
    }
    return [name for name, held in holds.items() if held]
