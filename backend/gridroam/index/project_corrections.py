"""Rows of disputes, proposals, consents, versions and meters' proofs. A version that comes into
force changes what the ones before left: the session, pairs, quarter hours, journals."""

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from gridroam.chain import events
from gridroam.chain.reverts import explain
from gridroam.domain import difference
from gridroam.domain.journal import correction_entry
from gridroam.domain.participants import Role
from gridroam.domain.version import Correction, Version, next_version
from gridroam.domain.violation import NotAllowedError
from gridroam.errors import ChainError
from gridroam.index import project_quarters, refused
from gridroam.index.desk import Desk, Handlers
from gridroam.index.project_money import Posting, move_energy, pay, post
from gridroam.index.records import PaymentKind
from gridroam.index.versions import Reported
from gridroam.store import index_schema as schema
from gridroam.store.index_writer import Row


def _disputed(desk: Desk, event: events.SessionDisputed) -> None:
    _present(desk, event)
    _session(desk, event)["disputed"] = True
    told = {"by": event.by, "reason": event.reason, "evidence": "0x" + event.evidence.hex()}
    desk.act(event, event.station, event.session, **told)


# ------------------------------------------------------------------------------------- agreements


def _proposed(desk: Desk, event: events.CorrectionProposed) -> None:
    present = _present(desk, event)
    after = _draft(desk, event, present, event.change)
    desk.rows.change(
        schema.proposals,
        event.content,
        station=event.station,
        session=event.session,
        version=event.version,
        by=event.by,
        block=event.at.block,
        time=desk.time,
        body=after.encoded,
        same_registers=after.readings == present.readings,
    )
    for participant in sorted(difference.between(present, after).costs):
        desk.rows.change(schema.consents, event.content, participant)["needed"] = True
    told = {"by": event.by, "version": event.version, "content": "0x" + event.content.hex()}
    desk.act(event, event.station, event.session, **told)


def _draft(desk: Desk, event: events.Event, present: Version, change: Correction) -> Version:
    """The version that a proposal would make, as the contract has it."""
    grid, operator = present.grid_operator, present.station_operator
    network = desk.tariff(grid, Role.GRID_OPERATOR, present.grid_tariff)
    service = desk.tariff(operator, Role.STATION_OPERATOR, present.operator_tariff)
    try:
        after = next_version(present, change, network, service)
    except NotAllowedError as error:
        raise _unfit(event, f"the contract refuses this proposal ({error})") from error
    if after.content != getattr(event, "content", None):
        raise _unfit(event, "the proposal has another content")
    return after


def _consented(desk: Desk, event: events.CorrectionConsented) -> None:
    consent = desk.rows.change(schema.consents, event.content, event.by)
    consent["time"], consent["block"] = desk.time, event.at.block
    told = {"by": event.by, "content": "0x" + event.content.hex()}
    desk.act(event, event.station, event.session, **told)


# --------------------------------------------------------------------------------------- versions


def _corrected(desk: Desk, event: events.SessionCorrected) -> None:
    before, after = _present(desk, event), event.corrected
    follows = (before.number + 1, before.content) == (after.number, after.previous)
    if not follows or after.content != event.content:
        raise _unfit(event, "it does not follow from the version before it")
    changes = difference.between(before, after)
    _post(desk, event, changes)
    _replace_quarters(desk, event, before, after)
    _change_session(desk, event, before, after)
    by_meter = _is_by_meter(desk, event)
    place = {"block": event.at.block, "time": desk.time, "tx_hash": event.at.tx_hash}
    _keep(desk, after, by_meter=by_meter, **place)
    told = {"version": event.version, "content": "0x" + event.content.hex(), "by_meter": by_meter}
    desk.act(event, event.station, event.session, **told)


def _is_by_meter(desk: Desk, event: events.SessionCorrected) -> bool:
    """The claims that it opened follow first, then the meter's word."""
    rest = (one for one in desk.following() if not isinstance(one, events.ClaimOpened))
    spoken = next(rest, None)
    return isinstance(spoken, events.SessionMeterVerified) and (
        (spoken.station, spoken.session) == (event.station, event.session)
    )


def _post(desk: Desk, event: events.SessionCorrected, changes: difference.Difference) -> None:
    """As the ledger does. Each posting takes the claim that it opened."""
    claims = list(takewhile(lambda e: isinstance(e, events.ClaimOpened), desk.following()))
    amounts: Counter[int] = Counter(dict.fromkeys(changes.parties, 0))
    unpaid: Counter[int] = Counter()
    rest: list[Any] = list(claims)
    for row in changes.adjustments:
        payer, payee = (row.payer, row.payee) if row.amount >= 0 else (row.payee, row.payer)
        amount, claim = abs(row.amount), 0
        same = rest and (rest[0].payer, rest[0].payee) == (payer, payee)
        if same and rest[0].amount <= amount:
            claim = rest.pop(0).amount
        post(desk, Posting(payer, payee, amount, claim))
        move_energy(desk, row.payer, row.payee, row.import_wh, row.export_wh)
        amounts.update({payee: amount})
        amounts.subtract({payer: amount})
        unpaid.update({payer: claim})
        unpaid.subtract({payee: claim})
    if rest:
        raise _unfit(event, "a claim has no posting")
    _add_claims(desk, event, claims)
    place = {"station": event.station, "session": event.session, "version": event.version}
    entry = correction_entry(event.station, event.session, event.version, event.content)
    pay(desk, event, PaymentKind.CORRECTION, entry, amounts, {}, unpaid, **place)


def _add_claims(desk: Desk, event: events.SessionCorrected, claims: Sequence[events.Event]) -> None:
    for claim in claims:
        if isinstance(claim, events.ClaimOpened):
            desk.rows.add(
                schema.claims,
                block=claim.at.block,
                log=claim.at.log_index,
                payer=claim.payer,
                payee=claim.payee,
                amount=claim.amount,
                time=desk.time,
                message=0,
                station=event.station,
                session=event.session,
                version=event.version,
            )


def _replace_quarters(
    desk: Desk, event: events.SessionCorrected, before: Version, after: Version
) -> None:
    reported = Reported.of(desk.rows.stored(), event.station, event.session)
    told = reported.quarters_of(before), reported.quarters_of(after)
    project_quarters.replace(desk, _session(desk, event), *told)


def _change_session(
    desk: Desk, event: events.SessionCorrected, before: Version, after: Version
) -> None:
    session = _session(desk, event)
    vehicle = desk.rows.change(schema.vehicles, session["vehicle"])
    first, last = after.moments()[0], after.moments()[-1]
    for direction, begin, end in (
        ("import", first.import_register, last.import_register),
        ("export", first.export_register, last.export_register),
    ):
        had = session[f"{direction}_register"] - session[f"{direction}_start"]
        vehicle[f"{direction}_wh"] += end - begin - had
        session[f"{direction}_start"], session[f"{direction}_register"] = begin, end
    for name in ("network_charge", "service_fee", "feed_in"):
        session[name] = sum(getattr(share, name) for share in after.shares)
    supplier = after.shares[-1].supplier
    if supplier != session["supplier"]:
        session["former_supplier"] = session["former_supplier"] or session["supplier"]
        session["supplier"] = supplier
    session["version"], session["disputed"] = after.number, False
    for share in (*before.shares, *after.shares):
        desk.rows.change(schema.session_suppliers, share.supplier, event.station, event.session)


def _verified(desk: Desk, event: events.SessionMeterVerified) -> None:
    _session(desk, event)["verified"] = True
    told = {"record": "0x" + event.record.hex()}
    desk.act(event, event.station, event.session, **told)


def _refused(desk: Desk, event: events.ProofRefused) -> None:
    """A proof that names no session that there is concerns nobody, and leaves no row."""
    about = refused.named(desk.calldata, event.proof)
    if about is None or desk.rows.look(schema.sessions, about.station, about.session) is None:
        return
    reason, values = explain(event.reason)
    told = {"proof": event.proof, "record": "0x" + about.record.hex(), "reason": reason}
    shown = ["0x" + v.hex() if isinstance(v, bytes) else v for v in values]
    desk.act(event, about.station, about.session, **told, values=shown)


def _present(desk: Desk, event: Any) -> Version:
    """The version in force. Version 1 is put on file when somebody first acts on the session."""
    session = _session(desk, event)
    kept = desk.rows.look(schema.versions, event.station, event.session, session["version"])
    if kept is not None:
        return Version.decoded(kept["body"])
    if not session["ended"]:
        raise _unfit(event, "the session has not ended")
    first = Reported.of(desk.rows.stored(), event.station, event.session).version(session)
    _keep(desk, first, time=session["ended"])
    return first


def _keep(desk: Desk, version: Version, **more: object) -> None:
    desk.rows.change(
        schema.versions,
        version.station,
        version.session,
        version.number,
        content=version.content,
        body=version.encoded,
        **more,
    )


def _session(desk: Desk, event: Any) -> Row:
    return desk.known(schema.sessions, event.station, event.session)


def _unfit(event: events.Event, what: str) -> ChainError:
    return ChainError(
        f"The node's logs of transaction 0x{event.at.tx_hash.hex()} do not fit a correction: "
        f"{what}.",
        "It changes logs or leaves some out: ask another node.",
    )


HANDLERS: Handlers = {
    events.SessionDisputed: _disputed,
    events.CorrectionProposed: _proposed,
    events.CorrectionConsented: _consented,
    events.SessionCorrected: _corrected,
    events.SessionMeterVerified: _verified,
    events.ProofRefused: _refused,
}
