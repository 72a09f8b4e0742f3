"""What the forge tests do not reach of contracts/, from forge's coverage report.

Records are counted for the contract or library whose functions they have, since the names of files
in the report are not to be relied on. A library's code stands in more than one contract: a line
counts as reached where any of them reaches it.
"""

import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DECLARATION = re.compile(r"^(?:abstract )?(?:contract|library) (\w+)", re.MULTILINE)


@dataclass
class Coverage:
    """Of one source file: what is there, and how often it was run."""

    lines: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    branches: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    functions: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, other: "Coverage") -> None:
        for mine, its in (
            (self.lines, other.lines),
            (self.branches, other.branches),
            (self.functions, other.functions),
        ):
            for key, hits in its.items():
                mine[key] += hits  # type: ignore[index]

    def missing(self) -> list[str]:
        return (
            [f"line {line}" for line, hits in sorted(self.lines.items()) if not hits]
            + [f"branch {branch}" for branch, hits in sorted(self.branches.items()) if not hits]
            + [f"function {name}" for name, hits in sorted(self.functions.items()) if not hits]
        )


def records(report: str) -> list[Coverage]:
    found = []
    for record in report.split("end_of_record"):
        one = Coverage()
        for entry in record.splitlines():
            kind, _, rest = entry.partition(":")
            parts = rest.split(",")
            if kind == "DA":
                one.lines[int(parts[0])] += int(parts[1])
            elif kind == "BRDA":
                one.branches[":".join(parts[:3])] += int(parts[3]) if parts[3] != "-" else 0
            elif kind == "FNDA":
                one.functions[parts[1]] += int(parts[0])
        found.append(one)
    return found


def main(path: Path) -> None:
    sources = {
        name: source.relative_to(ROOT)
        for source in sorted((ROOT / "contracts").rglob("*.sol"))
        for name in DECLARATION.findall(source.read_text())
    }
    totals: dict[Path, Coverage] = defaultdict(Coverage)
    for record in records(path.read_text()):
        owners = {sources.get(name.partition(".")[0]) for name in record.functions}
        if len(owners) == 1 and (owner := owners.pop()):
            totals[owner].add(record)
    for source, coverage in sorted(totals.items()):
        missing = coverage.missing()
        print(f"{source}: {', '.join(missing) if missing else 'all'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
