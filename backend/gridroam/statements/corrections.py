"""A correction's lines: the entry, then what is reversed of the version before, and what stands in
its place. All of it follows from the two versions, which the entry's line brings as the contracts
encode them; their hashes are in the journal on chain."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gridroam.domain.energy import Reading
from gridroam.domain.version import Share, Version
from gridroam.statements.lines import Line, LineKind

_AMOUNTS = ("network_charge", "service_fee", "feed_in")


def versions_of(line: Line) -> tuple[Version, Version]:
    """Before and after, of the entry's line. Raises `ValueError` if they are none."""
    before, _, after = line.message.partition("|")
    return (
        Version.decoded(bytes.fromhex(before.removeprefix("0x"))),
        Version.decoded(bytes.fromhex(after.removeprefix("0x"))),
    )


def message_of(before: Version, after: Version) -> str:
    return f"0x{before.encoded.hex()}|0x{after.encoded.hex()}"


def details(line: Line, before: Version, after: Version) -> list[Line]:
    """Of the parts that are this participant's; where there is none, as in a receipt, of all."""
    return [
        *_of(line, before, LineKind.REVERSED, -1),
        *_of(line, after, LineKind.REPLACED, 1),
    ]


def _of(line: Line, version: Version, kind: LineKind, sign: int) -> Iterator[Line]:
    operators = version.grid_operator, version.station_operator
    for share, (begin, end) in zip(version.shares, _stretches(version), strict=True):
        if line.participant not in (0, share.supplier, *operators):
            continue
        amounts = {name: sign * getattr(share, name) for name in _AMOUNTS}
        yield replace(
            line,
            kind=kind,
            entry=0,
            amount=0,
            unpaid=0,
            digest="",
            leaf="",
            message="",
            version=version.number,
            supplier=share.supplier,
            grid_operator=operators[0],
            station_operator=operators[1],
            grid_tariff=version.grid_tariff,
            operator_tariff=version.operator_tariff,
            since=begin.time,
            until=share.until,
            import_start=begin.import_register,
            export_start=begin.export_register,
            import_register=end.import_register,
            export_register=end.export_register,
            import_wh=sign * share.import_wh,
            export_wh=sign * (share.export_wh + share.return_wh),
            **amounts,
        )


def _stretches(version: Version) -> Iterator[tuple[Reading, Reading]]:
    """The readings between which each share lies: an interval is whose it is at its beginning."""
    moments = version.moments()
    begin = 0
    for share in version.shares:
        end = len(moments) - 1 if share is version.shares[-1] else _end(moments, share, begin)
        yield moments[begin], moments[end]
        begin = end


def _end(moments: Sequence[Reading], share: Share, begin: int) -> int:
    within = (place for place in range(begin, len(moments)) if moments[place].time >= share.until)
    return next(within, len(moments) - 1)
