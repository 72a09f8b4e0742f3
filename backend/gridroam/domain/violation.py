"""What the rules forbid outside of messages. (A message is never forbidden: it is rejected.)"""


class NotAllowedError(Exception):
    """An act that the rules do not allow. `error` is its name in the contracts' interfaces."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(f"{error}: {detail}")
        self.error = error
        self.detail = detail


def require(condition: object, error: str, detail: str) -> None:
    """Raises unless the condition holds."""
    if not condition:
        raise NotAllowedError(error, detail)
