"""What a statement or receipt has wrong, in which line, in words that can be translated."""

from dataclasses import dataclass, field

KEPT = 100
"""Faults that are kept; beyond, they are only counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it must be, and in which line; 0: of the whole. `text` is one of
    those given to `Faults.add`, with places for the `values`: so it can be translated."""

    line: int
    text: str
    values: dict[str, object] = field(default_factory=dict)

    @property
    def what(self) -> str:
        return self.text.format(**self.values)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"line": self.line, "what": self.what}

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}" if self.line else self.what


@dataclass(slots=True)
class Faults:
    kept: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, text: str, **values: object) -> None:
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append(Fault(line, text, values))
