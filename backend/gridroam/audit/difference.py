"""One thing that is not as it should be: what, where, derived and on chain."""

from dataclasses import dataclass, field, fields
from typing import Any

from gridroam.chain.events import Event, LogPosition
from gridroam.domain.reasons import Reason

NOTHING = "nothing"
KEPT = 1_000
"""Differences that are kept; beyond, they are only counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`subject` and `field` say what differs; a transaction and message where it came up."""

    subject: str
    field: str
    derived: str
    on_chain: str
    block: int | None = None
    transaction: str | None = None
    message: int | None = None
    """Index within the batch, from 0."""

    def __str__(self) -> str:
        place = ""
        if self.transaction is not None:
            index = "" if self.message is None else f", message [{self.message}]"
            place = f"block {self.block}, transaction {self.transaction}{index}: "
        what = f"{self.subject}.{self.field}" if self.field else self.subject
        return f"{place}{what}: derived {self.derived}, on chain {self.on_chain}"


@dataclass(slots=True)
class Findings:
    """The differences so far, in the order in which they came up."""

    kept: list[Difference] = field(default_factory=list)
    count: int = 0

    def add(  # noqa: PLR0917
        self,
        subject: str,
        name: str,
        derived: object,
        on_chain: object,
        at: LogPosition | None = None,
        message: int | None = None,
    ) -> None:
        """Whatever they are, they differ."""
        self.count += 1
        if len(self.kept) < KEPT:
            place = (at.block, "0x" + at.tx_hash.hex(), message) if at else ()
            self.kept.append(Difference(subject, name, shown(derived), shown(on_chain), *place))

    def compare(
        self,
        subject: str,
        derived: dict[str, Any],
        on_chain: object,
        at: LogPosition | None = None,
        message: int | None = None,
    ) -> None:
        """Adds each field in which something on chain is not as derived."""
        for name, value in derived.items():
            found = getattr(on_chain, name)
            if found != value:
                self.add(subject, name, value, found, at, message)


def values_of(record: Any) -> dict[str, Any]:
    """The fields of a dataclass; of an event, all but its place."""
    return {f.name: getattr(record, f.name) for f in fields(record) if f.name != "at"}


def shown(value: object) -> str:
    """For people, in one line."""
    match value:
        case bytes():
            return "0x" + value.hex()
        case Reason():
            return value.slug
        case Event():
            pairs = (f"{name}={shown(v)}" for name, v in values_of(value).items())
            return f"{type(value).__name__}({', '.join(pairs)})"
        case _:
            return str(value)
