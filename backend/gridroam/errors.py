"""The error tree. Every failure that a caller can act on is one of these; anything else is a bug.

GridroamError
├── InvalidInputError          what was given cannot be right: a message, an option, a file
│   ├── MalformedMessageError  bytes or JSON that are no message
│   └── BrokenFileError        a file, with the row
├── ChainError            the chain does not do what it should
│   ├── NodeUnreachableError   nobody answers at the RPC address
│   ├── WrongChainError        another chain id than expected
│   └── NoContractError        no ledger at the address
└── StoreError            the database is gone, locked, full, or of another version
"""


class GridroamError(Exception):
    """A failure with a stable `code` for machines, what is wrong, and a `hint` what to do."""

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


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


class StoreError(GridroamError):
    code = "store-error"
