"""The error tree. Every failure that a caller can act on is one of these; anything else is a bug.

GridroamError
├── InvalidInputError          what was given cannot be right: a message, an option, a file
│   ├── MalformedMessageError  bytes or JSON that are no message
│   └── BrokenFileError        a file, with the row
├── ChainError            the chain does not do what it should
│   ├── NodeUnreachableError   nobody answers at the RPC address
│   ├── WrongChainError        another chain id than expected
│   ├── NoContractError        no ledger at the address
│   ├── FalseAnswerError       the node contradicts the chain's own hashes
│   └── RevertedError          a contract refused, with the name of its error
├── StoreError            the database is gone, locked, full, or of another version
│   └── LeaseLostError         another process sends from the account now
└── RelayError            a relay does not do what it should
    ├── RelayUnreachableError  nobody answers at the relay's address, or not in time
    └── RelayProblemError      the relay refused the whole request, and said why
"""

from typing import Any


class GridroamError(Exception):
    """A failure with a stable `code` for machines, what is wrong, and a `hint` what to do."""

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        """So that it gets from one process to another, whatever its constructor takes."""
        return _again, (type(self), self.args, self.__dict__)


def _again(cls: type[GridroamError], args: tuple[Any, ...], state: dict[str, Any]) -> GridroamError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class InvalidInputError(GridroamError):
    code = "invalid-input"


class MalformedMessageError(InvalidInputError):
    code = "malformed-message"


class BrokenFileError(InvalidInputError):
    code = "broken-file"


class ChainError(GridroamError):
    code = "chain-error"


class NodeUnreachableError(ChainError):
    code = "node-unreachable"


class WrongChainError(ChainError):
    code = "wrong-chain"


class NoContractError(ChainError):
    code = "no-contract"


class FalseAnswerError(ChainError):
    """`subject` is what the node answered about, `what` how it contradicts itself."""

    code = "false-answer"

    def __init__(self, subject: str, what: str) -> None:
        super().__init__(
            f"The node does not tell the truth about {subject}: {what}.",
            "It is broken or lies: ask another node.",
        )
        self.subject = subject
        self.what = what


class RevertedError(ChainError):
    """`name` and `values` are those of the contract's error; no name if it gave none."""

    code = "reverted"

    def __init__(self, name: str, values: tuple[object, ...] = (), message: str = "") -> None:
        shown = ", ".join("0x" + v.hex() if isinstance(v, bytes) else str(v) for v in values)
        super().__init__(message or f"The contract refused: {name}({shown}).")
        self.name = name
        self.values = values


class StoreError(GridroamError):
    code = "store-error"


class LeaseLostError(StoreError):
    code = "lease-lost"


class RelayError(GridroamError):
    code = "relay-error"


class RelayUnreachableError(RelayError):
    code = "relay-unreachable"


class RelayProblemError(RelayError):
    """What a relay's problem document (RFC 9457) says; `code` is the document's, `retry_after` (s)
    what the relay asks for."""

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        *,
        status: int = 0,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.code = code
        self.status = status
        self.retry_after = retry_after
