"""What happened in all runs together: whether they came as deep as they should."""

from collections import Counter
from dataclasses import dataclass, field

from gridroam.domain.decision import Cleared, Decision, Rejected, Settled
from gridroam.domain.market import Market


@dataclass
class Tally:
    """Counts of things by their names."""

    steps: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Of messages: reasons, and `none`."""
    states: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    """Functions whose call was allowed."""
    refused: Counter[str] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)

    def act(self, function: str, error: str) -> None:
        counts = self.refused if error else self.done
        counts[function] += 1

    def decision(self, decision: Decision) -> None:
        reason = decision.reason.slug if isinstance(decision, Rejected) else "none"
        self.outcomes[reason] += 1
        self.situations.update(_situations(decision))

    def step(self, market: Market) -> None:
        self.steps += 1
        self.states.update(session.state.name.lower() for session in market.sessions.values())


def _situations(decision: Decision) -> list[str]:
    match decision:
        case Cleared():
            return ["grid reserve"] if decision.grid_reserve else []
        case Settled():
            holds = {
                "feed-in paid": decision.feed_in > 0,
                "feed-in charged": decision.feed_in < 0,
                "own grid operator": decision.supplier == decision.grid_operator,
                "all roles": decision.supplier == decision.grid_operator == decision.operator,
                "claim": len(decision.claims) > 0,
                "several claims": len(decision.claims) > 1,
            }
            return [name for name, held in holds.items() if held]
    return []
