"""The hashes that a line must have: digest, leaf, journal entry. From the line alone."""

from gridroam.domain.batch import (
    Pinned,
    cleared_leaf,
    expired_digest,
    expired_leaf,
    settled_leaf,
)
from gridroam.domain.journal import (
    collection_entry,
    correction_entry,
    deposit_entry,
    withdrawal_entry,
)
from gridroam.messages import Domain, OpenSession, digest, unpack
from gridroam.statements.lines import Line, LineKind


def digest_of(line: Line) -> bytes:
    """Of the signed message; raises `MalformedMessageError` if it is none."""
    if line.kind is LineKind.EXPIRED:
        return expired_digest(line.station, line.session, line.report)
    domain = Domain(line.chain_id, line.ledger)
    return digest(domain, unpack(raw(line.message)).message)


def leaf_of(line: Line) -> bytes | None:
    """What the line's batch or journal must have; `None` where the line does not tell."""
    if line.kind in (LineKind.CLEARED, LineKind.CARRIED, LineKind.SETTLED):
        return _leaf(line)
    if line.kind is LineKind.EXPIRED:
        place = line.station, line.session, line.report
        return expired_leaf(*place, line.booked, _pinned(line))
    return _entry_of(line)


def _entry_of(line: Line) -> bytes | None:
    who = line.participant
    match line.kind:
        case LineKind.DEPOSIT:
            return deposit_entry(who, line.amount)
        case LineKind.WITHDRAWAL:
            return withdrawal_entry(who, -line.amount)
        case LineKind.COLLECTION:
            payer, payee = (who, line.other) if line.amount < 0 else (line.other, who)
            return collection_entry(payer, payee, abs(line.amount))
        case LineKind.CORRECTION:
            place = line.station, line.session, line.version
            return correction_entry(*place, raw(line.digest))
    return None


def _leaf(line: Line) -> bytes:
    hashed = digest_of(line)
    if isinstance(unpack(raw(line.message)).message, OpenSession):
        reserves = line.supplier_reserve, line.grid_reserve
        return cleared_leaf(hashed, line.booked, _pinned(line), *reserves)
    amounts = line.network_charge, line.service_fee, line.feed_in
    return settled_leaf(hashed, line.booked, _pinned(line), line.until, amounts)


def _pinned(line: Line) -> Pinned:
    return Pinned(
        line.supplier,
        line.grid_operator,
        line.station_operator,
        line.grid_tariff,
        line.operator_tariff,
    )


def raw(text: str) -> bytes:
    """Raises `ValueError` if it is no bytes."""
    return bytes.fromhex(text.removeprefix("0x"))
