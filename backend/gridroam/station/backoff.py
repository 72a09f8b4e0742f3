"""How long to leave a relay alone that did not answer: twice as long each time, up to a minute."""

import time

_FIRST, _LONGEST = 0.5, 60.0


class Backoff:
    def __init__(self) -> None:
        self._pause = _FIRST
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def failed(self) -> float:
        """Seconds until the next try is due."""
        pause = self._pause
        self._until = time.monotonic() + pause
        self._pause = min(2 * pause, _LONGEST)
        return pause

    def reset(self) -> None:
        self._pause, self._until = _FIRST, 0.0
