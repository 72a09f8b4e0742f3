"""Several nodes as one: who fails is asked last for some seconds, and so is who lies behind the
others. The order given is the order of preference.
"""

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from web3 import HTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from gridroam.errors import NodeUnreachableError

T = TypeVar("T")

_PENALTY_SECONDS = 5.0
_WATCH_SECONDS = 2.0
_BEHIND = 3
"""Blocks that a node may lack of what another has: news takes its time."""


class Member(Protocol):
    name: str

    def head(self) -> int: ...

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse: ...

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse: ...


class Failover(HTTPProvider):
    """Safe to use in several threads. Raises `NodeUnreachableError` when nobody answers."""

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__("several nodes")
        self._members = list(members)
        self._well_from = dict.fromkeys(range(len(members)), 0.0)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        return self._ask(lambda member: member.make_request(method, params))

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        return self._ask(lambda member: member.make_batch_request(batch_requests))

    @property
    def preferred(self) -> str:
        """The name of the node that would be asked now."""
        return self._members[self._order()[0]].name

    def _ask(self, question: Callable[[Member], T]) -> T:
        last: NodeUnreachableError | None = None
        for number in self._order():
            try:
                return question(self._members[number])
            except NodeUnreachableError as error:
                self._penalise(number)
                last = error
        raise last or NodeUnreachableError("There is no node.")

    def _order(self) -> list[int]:
        now = time.monotonic()
        return sorted(self._well_from, key=lambda n: (self._well_from[n] > now, n))

    def _penalise(self, number: int) -> None:
        self._well_from[number] = time.monotonic() + _PENALTY_SECONDS

    # --------------------------------------------------------------------------- Who lies behind

    def watch(self) -> None:
        """Compares the nodes from now on, for as long as somebody uses this."""
        me = weakref.ref(self)
        threading.Thread(target=_watch, args=(me,), name="failover", daemon=True).start()

    def compare(self) -> None:
        """Whoever does not answer or lies behind is asked last until the next comparison."""
        heads = [_head(member) for member in self._members]
        best = max(heads)
        for number, head in enumerate(heads):
            if head < best - _BEHIND:
                self._penalise(number)


def _watch(me: "weakref.ref[Failover]") -> None:
    while (failover := me()) is not None:
        failover.compare()
        del failover
        time.sleep(_WATCH_SECONDS)


def _head(member: Member) -> int:
    try:
        return member.head()
    except NodeUnreachableError:
        return -1
