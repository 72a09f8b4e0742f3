"""Every problem the relay can name beyond those that every service has (`gridroam.http.problems`):
its code, HTTP status, title and what to do. A reason of the ledger is a problem of the same name.
"""

from dataclasses import dataclass

from gridroam.domain.reasons import Reason
from gridroam.http import problems
from gridroam.http.problems import Kind, ProblemError, problem_response

__all__ = [
    "KINDS",
    "NODE_FAILS",
    "STORE_FAILS",
    "Kind",
    "Problem",
    "ProblemError",
    "of_reason",
    "problem_response",
]


@dataclass(frozen=True, slots=True)
class Problem(problems.Problem):
    """`reason` is the ledger's, where it would not accept a message."""

    reason: Reason | None = None


def of_reason(reason: Reason, detail: str) -> Problem:
    """Why the ledger would not accept a message."""
    return Problem(reason.slug, detail, reason=reason)


NODE_FAILS = "The relay's node does not answer."
STORE_FAILS = "The relay's database failed."
"""What is told to strangers. The log says why, which may name addresses."""

_SHAPE = "See the request's schema and examples at /docs."
_NEVER = "The message can never be accepted as it is: correct it and sign it again."
_DECIDED = "Tell the driver. The next opening needs a greater session number."
_RETRY = "Nothing is wrong with the message: send it again in a moment."

_OWN: dict[str, Kind] = {
    # the request
    "unknown-kind": Kind(422, "The kind of message is unknown", 'Use "open" or "report".'),
    "wrong-chain": Kind(
        422, "The messages are for another chain", "Use a relay of that chain; see /v1/status."
    ),
    "wrong-contract": Kind(
        422, "The messages are for another ledger", "Use a relay of that ledger; see /v1/status."
    ),
    "no-messages": Kind(422, "The request has no messages", "Send at least one message."),
    "too-many-messages": Kind(
        413, "The request has too many messages", "Send them in several requests, in order."
    ),
    "unknown-message": Kind(
        404, "The relay has no such message", "Send the message; sending it twice does no harm."
    ),
    # the relay
    "node-unreachable": Kind(503, "The relay cannot reach its node", _RETRY, passing=True),
    "no-funds": Kind(
        503,
        "The relay cannot pay for sending",
        "Use another relay of the ledger, or tell whoever runs this one.",
        passing=True,
    ),
    "busy": Kind(429, "The relay looks at too many messages", _RETRY, passing=True),
    "queue-full": Kind(
        429,
        "The relay has too many messages waiting",
        "Send again more slowly, in order.",
        passing=True,
    ),
    "station-too-fast": Kind(
        429,
        "The station sends too many messages",
        "Send again more slowly, in order; several quarter hours fit into one report.",
        passing=True,
    ),
    "not-ready": Kind(503, "The relay is not ready", "Look at the checks, and at its log."),
    "too-many-refusals": Kind(
        429,
        "The station has had too many openings refused",
        "The refusal was not recorded on the ledger. Wait a minute; find out what is wrong.",
    ),
    # the ledger's reasons, for one message
    "malformed": Kind(422, "The message is malformed", _SHAPE),
    "unknown-station": Kind(
        422,
        "The station is unknown",
        "Check the number; the grid operator has to approve the station, which needs a key.",
    ),
    "bad-signature": Kind(
        403,
        "The message is not signed by the station's key",
        "Sign with the key that the registry has for the station, in the ledger's domain.",
    ),
    "bad-vehicle-signature": Kind(
        403,
        "The vehicle's signature is missing or wrong",
        "The vehicle has a key in the registry: let it sign the opening, too.",
    ),
    "market-paused": Kind(409, "The market is paused", _DECIDED),
    "station-busy": Kind(
        409,
        "The station's session is still open",
        "Deliver the open session's final report first, or let it be expired.",
    ),
    "session-used": Kind(
        409, "The session number is used up", "Use a number greater than the station's last."
    ),
    "session-not-open": Kind(
        409, "The session is not open", "Deliver the opening first; it has to be cleared."
    ),
    "report-used": Kind(
        409,
        "Another report of this number was settled",
        "Count reports 1, 2, 3 within the session; never sign two different ones of a number.",
    ),
    "report-missing": Kind(409, "An earlier report is missing", "Deliver the earlier one first."),
    "time-in-future": Kind(
        422, "The message's time lies in the future", "Check the clock, or send it again later."
    ),
    "too-old": Kind(422, "The opening is too old", _NEVER),
    "time-backwards": Kind(422, "The time is before the station's last reading", _NEVER),
    "register-backwards": Kind(422, "A register is below the station's last reading", _NEVER),
    "wrong-boundaries": Kind(
        422,
        "The registers at slot boundaries are missing or too many",
        "Give both registers at each quarter hour strictly between the last reading and this one.",
    ),
    "power-exceeded": Kind(422, "More energy than the station's power allows", _NEVER),
    "grid-operator-inactive": Kind(409, "The grid operator is not active", _DECIDED),
    "station-operator-inactive": Kind(409, "The station operator is not active", _DECIDED),
    "no-grid-tariff": Kind(409, "The grid operator has no tariff in force", _DECIDED),
    "no-operator-tariff": Kind(409, "The station operator has no tariff in force", _DECIDED),
    "no-supplier": Kind(409, "Nobody supplies the vehicle", _DECIDED),
    "supplier-inactive": Kind(409, "The supplier is not active", _DECIDED),
    "supplier-not-covered": Kind(409, "The supplier cannot cover the reserve", _DECIDED),
    "grid-operator-not-covered": Kind(409, "The grid operator cannot cover the feed-in", _DECIDED),
    "vehicle-busy": Kind(409, "The vehicle is in a session at another station", _DECIDED),
}

KINDS = problems.KINDS
"""Of the whole service."""

problems.add(_OWN)
