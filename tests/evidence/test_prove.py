"""The meter's word, from a printed record to a verified or corrected session."""

import pytest
from meters import record_of

from gridroam.chain import events
from gridroam.chain.events import CorrectionConsented, CorrectionProposed, decode
from gridroam.errors import InvalidInputError, RevertedError
from gridroam.evidence.corrections import packed, proof, same
from gridroam.evidence.record import Evidence, read
from gridroam.evidence.story import story_of


def evidence_of(text: str) -> Evidence:
    return Evidence(tuple(read(text)))


def last_import(ledger, number: int) -> int:
    return ledger.session(number).import_register


def test_prove__equal_registers__verifies(player, ledger, corrections, anybody):
    player.put_meter_on_file()
    number = player.station.number
    start = last_import(ledger, number)
    evidence = evidence_of(record_of(start, start + 6_000))
    player.session(6_000, evidence.digest)
    story = story_of(ledger, number, ledger.session(number).number)
    corrections.prove(anybody, [proof(story, evidence)])
    standing = corrections.standing(number, 1)
    assert (standing.verified, standing.version) == (True, 1)
    with pytest.raises(RevertedError) as refused:
        corrections.check(proof(story, evidence), anybody.address)
    assert refused.value.name == "AlreadyVerified"


def test_prove__other_registers__corrects_and_keeps_the_old(player, ledger, corrections, anybody):
    player.put_meter_on_file()
    number = player.station.number
    start = last_import(ledger, number)
    evidence = evidence_of(record_of(start, start + 6_400))
    player.session(6_000, evidence.digest)
    story = story_of(ledger, number, ledger.session(number).number)
    before = corrections.version_of(story)
    supplier, grid = before.shares[0].supplier, before.grid_operator
    posted = ledger.pair(supplier, grid).import_wh
    corrections.prove(anybody, [proof(story, evidence)])
    assert ledger.pair(supplier, grid).import_wh == posted + 400
    (after,) = corrections.corrected(number, 1)
    assert after.previous == corrections.content_of(before)
    assert after.registers[-1][0] == start + 6_400
    assert corrections.standing(number, 1).content == corrections.content_of(after)


@pytest.mark.parametrize("code", ["1-b:1.8.0*55", "1-b:1.8.0*1FF", "1-b:@8.8.0", "1-b:1.8.0*0255"])
def test_prove__a_code_that_is_none__is_no_register_for_anybody(
    player, ledger, corrections, anybody, code
):
    player.put_meter_on_file()
    number = player.station.number
    start = last_import(ledger, number)
    evidence = evidence_of(record_of(start, start + 6_000, code=code))
    player.session(6_000, evidence.digest)
    story = story_of(ledger, number, ledger.session(number).number)
    with pytest.raises(RevertedError) as refused:
        corrections.check(proof(story, evidence), anybody.address)
    assert refused.value.name == "Incomplete"


def test_prove__a_bad_and_a_good_one_together__the_good_one_counts(
    player, ledger, corrections, anybody
):
    player.put_meter_on_file()
    number = player.station.number
    start = last_import(ledger, number)
    evidence = evidence_of(record_of(start, start + 6_000))
    player.session(6_000, evidence.digest)
    good = proof(story_of(ledger, number, ledger.session(number).number), evidence)
    forged = good[:-1] + bytes([good[-1] ^ 1])
    receipt = corrections.prove(anybody, [forged, good])
    assert [type(event) for event in events.of(receipt)] == [
        events.ProofRefused,
        events.SessionMeterVerified,
    ]


def test_prove__record_of_another_report__is_refused_before_it_is_sent(player, ledger):
    number = player.station.number
    start = last_import(ledger, number)
    player.session(6_000)
    story = story_of(ledger, number, ledger.session(number).number)
    with pytest.raises(InvalidInputError, match="exactly as the meter printed it"):
        proof(story, evidence_of(record_of(start, start + 6_000)))


def test_correct__all_agree__version_2(player, traffic, ledger, corrections):
    player.session(6_000)
    number = player.station.number
    story = story_of(ledger, number, ledger.session(number).number)
    present = corrections.version_of(story)
    most = present.registers[-1][0] - 500
    registers = [(min(imported, most), exported) for imported, exported in present.registers]
    change = same(present, traffic.now)._replace(readings=packed(registers))
    by_number = {p.number: p for p in traffic.market.participants.values()}
    supplier = by_number[present.shares[0].supplier]
    receipt = corrections.send(supplier.account, "propose", story.as_argument(), change)
    told = [type(decode(log)) for log in receipt["logs"]]
    assert told == [CorrectionProposed, CorrectionConsented]
    _, costs = corrections.draft(present, change)
    assert set(costs) == {present.grid_operator, present.station_operator}
    for participant in costs:
        assert corrections.standing(number, 1).version == 1
        corrections.send(by_number[participant].account, "consent", present, change)
    assert corrections.standing(number, 1).version == 2
    (after,) = corrections.corrected(number, 1)
    assert after.registers == registers
