"""What became of a message that a station signed."""

from dataclasses import dataclass

from gridroam.domain.reasons import Reason
from gridroam.messages import EnergyReport, Message
from gridroam.relay.client import Answer


@dataclass(frozen=True, slots=True)
class Receipt:
    """Accepted, queued (it will be sent again), or rejected for good: exactly one of them.

    `answer` is the relay's last one. Without any, the message is queued, or `void`: it was never
    sent, since the ledger rejected one that it builds on."""

    message: Message
    answer: Answer | None = None
    void: bool = False

    @property
    def accepted(self) -> bool:
        """The session is cleared, or the report settled."""
        return self.answer is not None and self.answer.accepted

    @property
    def queued(self) -> bool:
        return not self.void and (self.answer is None or not _is_decided(self.answer, self.message))

    @property
    def rejected(self) -> bool:
        return not self.accepted and not self.queued

    @property
    def reason(self) -> Reason | None:
        """The ledger's; `None` where the relay had another, which is in `answer.trouble`."""
        return self.answer.reason if self.answer else None

    @property
    def why(self) -> str:
        """Why it was rejected, as one word: the reason's slug, the relay's code, or `void`."""
        if self.reason is not None:
            return self.reason.slug
        return self.answer.trouble.code if self.answer and self.answer.trouble else "void"


def _is_decided(answer: Answer, message: Message) -> bool:
    """A report's opening was answered before it: if its session is not open, it never will be."""
    if answer.reason == Reason.SESSION_NOT_OPEN and isinstance(message, EnergyReport):
        return answer.decided
    return answer.decided and not answer.may_pass_later
