"""One session: what the station signed, what the ledger made of it, and whether that is so."""

from fastapi import APIRouter, Request, Response

from gridroam.console import commands, words
from gridroam.console.charts import story as charts
from gridroam.console.proof import prove, stands, worst
from gridroam.console.record import brought
from gridroam.console.render import page_inside
from gridroam.console.route import NotFoundError, PageRoute
from gridroam.console.visit import Inside, entered
from gridroam.errors import StoreError
from gridroam.index.records import Session, Story

router = APIRouter(route_class=PageRoute)


@router.get("/sessions/{station}/{session}")
def story(request: Request, station: int, session: int) -> Response:
    with entered(request) as inside:
        told = _story(inside, station, session)
        if told is None or not (concerns(inside, told.session) or _had_part(inside, told)):
            raise NotFoundError("There is no such session.", "Or it is not one of yours.")
        f, _ = inside.visit.viewer.formats, inside.visit.text
        console = inside.visit.console
        proofs = prove(console.ledger, told)
        standing = stands(console.ledger, told, inside.head.block)
        findings = [proof.finding for proof in proofs]
        levels = [_(name) for name, _tone in words.LEVELS]
        return page_inside(
            inside,
            "story.html",
            told=told,
            s=told.session,
            proofs=proofs,
            finding=worst([*findings, standing.finding] if standing else findings),
            standing=standing,
            commands=_commands(inside, told.session),
            consents={p.draft.content: commands.consent(console, p) for p in told.proposals},
            signed_away={
                p.draft.content: commands.signed_away(console, p, inside.me.number)
                for p in told.proposals
            },
            registers=charts.registers(told.readings, f, _),
            slots=charts.slots(told.slots, f, _, levels),
            levels=levels,
            meter=inside.now.meter(told.station.meter),
            records=_records(inside, told),
            ours=_ours(inside, told),
            everybody=inside.everybody(),
            customer=inside.customers_of([told.session.vehicle]).get(told.session.vehicle),
        )


def _story(inside: Inside, station: int, session: int) -> Story | None:
    try:
        return inside.now.story(station, session)
    except ValueError as error:  # rows that no chain can have led to
        raise StoreError(
            "The index contradicts itself.", "Somebody changed it; make it anew from the chain."
        ) from error


def _records(inside: Inside, told: Story) -> dict[str, str | None]:
    """What was brought as the meter's record, by its SHA-256."""
    ledger = inside.visit.console.ledger
    acts = {str(a.details["record"]): a for a in told.acts if "record" in a.details}
    return {
        record: brought(ledger, act.tx_hash, bytes.fromhex(record[2:]))
        for record, act in acts.items()
    }


def _commands(inside: Inside, session: Session) -> list[commands.Command]:
    console = inside.visit.console
    return [
        commands.show(console, session.station, session.session),
        *commands.of_session(console, session),
    ]


def _ours(inside: Inside, told: Story) -> int:
    """What the session costs this supplier, nano-euro: of one that had several, its part."""
    present = told.versions[-1].draft.shares if told.versions else told.settlements
    return sum(
        part.network_charge + part.service_fee - part.feed_in
        for part in present
        if part.supplier == inside.me.number
    )


def _had_part(inside: Inside, told: Story) -> bool:
    """Whether it was the participant's for a while, or in an earlier version."""
    settled = {part.supplier for part in told.settlements}
    agreed = {share.supplier for version in told.versions for share in version.draft.shares}
    return inside.me.number in settled | agreed


def concerns(inside: Inside, s: Session) -> bool:
    """Whether the participant takes part in a session, in whatever role."""
    return inside.me.number in {s.supplier, s.first_supplier, s.grid_operator, s.station_operator}
