"""How long to leave a relay alone that did not answer: twice as long each time, up to a minute,
with a share of chance, so that stations do not come back all at once.
"""

import random
import time

_FIRST, _LONGEST = 0.5, 60.0


class Backoff:
    def __init__(self) -> None:
        self._pause = _FIRST
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def failed(self, asked: float = 0.0) -> float:
        """Seconds until the next try is due; not less than the relay asked for."""
        pause = max(self._pause * (0.5 + random.random() / 2), asked)  # noqa: S311  no secret
        self._until = time.monotonic() + pause
        self._pause = min(2 * self._pause, _LONGEST)
        return pause

    def reset(self) -> None:
        self._pause, self._until = _FIRST, 0.0
