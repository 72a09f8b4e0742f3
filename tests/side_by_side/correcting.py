"""Steps on a session that has ended, as they should be or not: disputes, consents, proofs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from acts import Act
from chance import mostly
from correction_rules import Proof
from eth_account import Account
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from records import METER_KEY, Printed
from rules import Rules
from setting import COAST, HEIR_KEYS, PLAN, POOR, RICH
from tales import Tale

from gridroam.domain.slots import SLOT, slot_start
from gridroam.domain.units import ParticipantId
from gridroam.domain.version import Assignment, Correction, Version, packed, pairs
from gridroam.messages import Consent

ACCOUNT_KEYS = {
    Account.from_key(key).address.lower(): key
    for key in (*(p.key for p in PLAN.participants), *HEIR_KEYS)
}


class Kind(Enum):
    DISPUTE = auto()
    PROPOSE = auto()
    CONSENT = auto()
    SIGN = auto()
    """a consent, brought by somebody else"""
    PROVE = auto()
    METER_KEY = auto()
    """of the station's meter is put on file"""


class Wish(Enum):
    """What a change would have."""

    SAME = auto()
    LESS = auto()
    """nothing in the last interval"""
    MORE = auto()
    OTHER_SUPPLIER = auto()
    SPLIT = auto()
    """between two suppliers"""
    OLD_TIME = auto()
    FUTURE = auto()
    SHORT = auto()
    BACKWARDS = auto()
    TOO_MUCH = auto()
    """2^22 Wh in an interval, and one"""
    BEYOND_END = auto()
    NO_SUPPLIER = auto()
    NOBODY = auto()


@dataclass(frozen=True)
class Step:
    """`by` is an index of the parties, beyond them somebody else; `odd` is what is wrong: the door,
    the version, the story or the date."""

    kind: Kind
    by: int = 0
    odd: bool = False


_ALL = [Step(Kind.PROPOSE, 0), *(Step(Kind.CONSENT, by) for by in (1, 2, 3))]
_SIGNED = [Step(Kind.PROPOSE, 2), *(Step(Kind.SIGN, by) for by in (0, 1, 3))]
_PROOF = [Step(Kind.METER_KEY), Step(Kind.PROVE)]
_steps = st.builds(
    Step,
    st.sampled_from(Kind),
    mostly([0, 1, 2], [3, 4]),
    mostly([False], [True]),
)
steps: SearchStrategy[list[Step]] = st.one_of(
    st.just(_ALL),
    st.just(_SIGNED),
    st.just([Step(Kind.DISPUTE, 1), *_PROOF]),
    *(st.just(_PROOF) for _ in range(3)),
    st.just([*_ALL, *_PROOF, *_SIGNED]),
    st.lists(_steps, min_size=1, max_size=5),
)
wishes = mostly([Wish.LESS, Wish.MORE, Wish.OTHER_SUPPLIER, Wish.SPLIT, Wish.SAME], [*Wish][5:])


def change_of(present: Version, wish: Wish, rules: Rules) -> Correction:
    registers, end = pairs(present.readings), present.end
    last, exported = registers[-1]
    assignments = tuple(Assignment(share.supplier, share.until) for share in present.shares)
    same = Correction(present.time + 1, assignments, present.readings)
    other = next(s for s in (RICH, POOR) if s != present.shares[-1].supplier)
    middle = max(present.start, min(end, slot_start(present.start) + SLOT))
    first, rest = Assignment(present.shares[0].supplier, middle), Assignment(other, end)

    def ending(imported: int) -> bytes:
        return packed([*registers[:-1], (min(imported, 2**48 - 1), exported)])

    made: dict[Wish, Callable[[], Correction]] = {
        Wish.SAME: lambda: same,
        Wish.LESS: lambda: replace(same, readings=ending(registers[-2][0])),
        Wish.MORE: lambda: replace(same, readings=ending(last + 1_234)),
        Wish.OTHER_SUPPLIER: lambda: replace(same, assignments=(rest,)),
        Wish.SPLIT: lambda: replace(same, assignments=(first, rest)),
        Wish.OLD_TIME: lambda: replace(same, time=present.time),
        Wish.FUTURE: lambda: replace(same, time=rules.now + 1),
        Wish.SHORT: lambda: replace(same, readings=present.readings[:-12]),
        Wish.BACKWARDS: lambda: replace(same, readings=ending(max(0, registers[-2][0] - 1))),
        Wish.TOO_MUCH: lambda: replace(same, readings=ending(registers[-2][0] + 2**22 + 1)),
        Wish.BEYOND_END: lambda: replace(same, assignments=(replace(rest, until=end + 1),)),
        Wish.NO_SUPPLIER: lambda: replace(same, assignments=(replace(rest, supplier=COAST),)),
        Wish.NOBODY: lambda: replace(same, assignments=()),
    }
    return made[wish]()


def act_of(step: Step, tale: Tale, wish: Wish, record: Printed | None, rules: Rules) -> Act | None:
    """The call that a step is now; none without a record to prove."""
    present, *older = reversed(tale.versions)
    by = _party(present, step.by, rules)
    on_file = rules.corrections.standing(*tale.key).on_file
    if step.kind is Kind.PROVE:
        if record is None:
            return None
        given = () if step.odd or not on_file else (present,)
        return Act("prove", (Proof(tale, given, record),), by)
    if step.kind is Kind.METER_KEY:
        return Act("setMeterKey", (rules.stations.meter_of[tale.key[0]], METER_KEY))
    if step.odd and older:
        present = older[0]
    change = change_of(present, wish, rules)
    if step.kind is Kind.CONSENT:
        return Act("consent", (present, change), by)
    if step.kind is Kind.SIGN:
        return Act("consentBySignature", _signed(present, change, by, step, rules), 0)
    name = step.kind.name.lower()
    told: tuple[Any, ...] = (change,) if step.kind is Kind.PROPOSE else (2, b"\2" * 32)
    if on_file:
        return Act(f"{name}Version", (present, *told), by)
    return Act(name, (tale.shortened() if step.odd else tale, *told), by)


def _party(present: Version, index: int, rules: Rules) -> ParticipantId:
    suppliers = {share.supplier for share in present.shares} | {RICH, POOR}
    parties = [present.grid_operator, present.station_operator, *sorted(suppliers)]
    return parties[index] if index < len(parties) else 0


def _signed(
    present: Version, change: Correction, by: ParticipantId, step: Step, rules: Rules
) -> tuple[Any, ...]:
    until = rules.now + (-1 if step.odd else 100)
    try:
        content = rules.corrections.draft(present, change, rules.now)[0].content
    except Exception:  # noqa: BLE001  a change that is none: whatever was signed
        content = bytes(32)
    said = Consent(present.station, present.session, present.number + 1, content, by, until)
    participant = rules.participants.by_number.get(by)
    key = ACCOUNT_KEYS.get(participant.account if participant else "", b"\1" * 32)
    digest = said.digest(rules.chain_id, rules.corrections_address)
    signature = bytes(Account.unsafe_sign_hash(digest, key).signature)
    return present, change, by, until, signature
