"""What the handlers of requests share: the relay, and how much of everything there may be."""

import asyncio
from collections.abc import Callable, Sequence

from fastapi import Request

from gridroam.http import metrics as http_metrics
from gridroam.http import serving
from gridroam.http.limits import Budget
from gridroam.http.operator import Operator
from gridroam.http.problems import Problem, ProblemError
from gridroam.http.shared import Shared
from gridroam.messages import Signed
from gridroam.relay import metrics
from gridroam.relay.door import Judged
from gridroam.relay.feed import Feed
from gridroam.relay.health import examine, observe_node, observe_queue
from gridroam.relay.service import Relay

_CONDITION_SECONDS, _CHECKS_SECONDS = 0.2, 1.0
"""For which an answer about the relay is good: each asks the node, and readiness writes."""
_READY_SECONDS = 0.8
"""After which readiness is what was last known: load balancers wait for a second or two."""
_NODE_SECONDS = 2.0
"""After which it is down, for metrics: Prometheus waits for 10 s, and so does who asks a node that
hangs."""


class Front:
    """`operator_port`: the only one that answers to operators, if there is one."""

    def __init__(self, relay: Relay, operator_port: int | None) -> None:
        settings = relay.settings
        self.relay = relay
        self.operator = Operator(serving.api_keys(settings), operator_port)
        self.body_limits = serving.body_limits(settings)
        self.bodies = Budget(settings.body_memory_bytes, http_metrics.body_bytes)
        self.streams = Budget(settings.max_streams, http_metrics.streams)
        self.stopping = asyncio.Event()
        self.condition = Shared(relay.condition, _CONDITION_SECONDS)
        self.checks = Shared(lambda: examine(relay), _CHECKS_SECONDS)
        self._queue = Shared(lambda: observe_queue(relay), 0.0)
        self._node = Shared(lambda: observe_node(relay), 0.0)
        self._judging = Budget(settings.max_judging, metrics.judging)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """After the relay."""
        self.feed = Feed(self.relay.search, loop)
        self.relay.on_decided = self.feed.ring

    def stop(self) -> None:
        """Nobody waits any longer for what may take long. On the event loop."""
        self.stopping.set()
        self.feed.stop()
        self.relay.watch.release()

    async def judge(
        self, signed: Sequence[Signed], on_judged: Callable[[list[Judged]], None]
    ) -> list[Judged]:
        """Raises `ProblemError` if too many messages are looked at already."""
        if not self._judging.take(len(signed)):
            http_metrics.limited("judging")
            detail = "More messages have arrived than the relay can look at."
            raise ProblemError(Problem("busy", detail, retry_after=1))
        try:
            return await self.relay.intake.take(signed, on_judged)
        finally:
            self._judging.give_back(len(signed))

    async def readiness(self) -> tuple[dict[str, str], float]:
        """What it takes to be ready, each `ok` or what is wrong, and how long ago (s) that was so:
        more than a moment while node or database keep everybody waiting."""
        unknown = {"answers": "Neither node nor database has answered yet."}, 0.0
        checks, age = await self.checks.soon(_READY_SECONDS) or unknown
        process = "It is stopping." if self.stopping.is_set() else "ok"
        return checks | {"process": process}, age

    async def observe(self) -> None:
        """Brings the metrics up to date."""
        await self._queue.get()
        try:
            async with asyncio.timeout(_NODE_SECONDS):
                await self._node.get()
        except TimeoutError:
            metrics.node(up=False)

    def check_reader(self, request: Request) -> None:
        """Raises `ProblemError` for strangers where lists and streams are not for everybody."""
        if not self.relay.settings.public_reads:
            self.operator.check(request)


def of(request: Request) -> Front:
    found: Front = request.app.state.front
    return found
