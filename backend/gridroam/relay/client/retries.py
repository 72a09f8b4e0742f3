"""When to try again, and after how long: twice as long each time, with a share of chance so that
stations do not come back all at once, and never sooner than the relay said.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from gridroam.errors import RelayError, RelayProblemError, RelayUnreachableError

_PASSING = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """`tries` in all; pauses in seconds from `first` to `longest`. A relay that asks for more than
    `longest` is not waited for. Every request may be repeated: a message settles once."""

    tries: int = 3
    first: float = 0.2
    longest: float = 10.0

    def pause(
        self, tried: int, error: RelayError, chance: Callable[[], float] = random.random
    ) -> float | None:
        """Seconds until the next try after so many, `None` where there is none."""
        if tried >= self.tries or not is_passing(error):
            return None
        grown = min(self.first * 2 ** (tried - 1), self.longest)
        jittered = grown * (0.5 + chance() / 2)
        asked = error.retry_after if isinstance(error, RelayProblemError) else None
        if asked is None:
            return float(jittered)
        return None if asked > self.longest else float(asked) + jittered

    def reconnect(self, failed: int, chance: Callable[[], float] = random.random) -> float:
        """Seconds until a stream that broke so many times in a row is asked for again."""
        grown = min(self.first * 2 ** min(failed, 16), self.longest)
        return float(grown * (0.5 + chance() / 2))


SOME_RETRIES = Retries()
NO_RETRIES = Retries(tries=1)


def is_passing(error: RelayError) -> bool:
    """Whether the same request may go through later."""
    if isinstance(error, RelayUnreachableError):
        return True
    return isinstance(error, RelayProblemError) and error.status in _PASSING
