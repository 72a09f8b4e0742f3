"""Stories from a chain: the contract believes them, and only them."""

import pytest

from gridroam.domain.batch import merkle_root, node
from gridroam.errors import InvalidInputError
from gridroam.evidence.batches import proof_of, root_of
from gridroam.evidence.corrections import Corrections
from gridroam.evidence.story import story_of


def test_story__session_in_three_batches__contract_reads_version_1(player, ledger, corrections):
    player.session(6_000)
    number = player.station.number
    story = story_of(ledger, number, ledger.session(number).number)
    version = corrections.version_of(story)
    assert (version.station, version.number, version.closed) == (number, 1, True)
    registers = version.registers
    assert registers[-1][0] - registers[0][0] == 6_000
    assert len(registers) == len(version.moments)
    assert sum(share.import_wh for share in version.shares) == 6_000
    assert corrections.standing(number, version.session).version == 1


def test_story__expired_session__tells_its_expiry(player, traffic, ledger, corrections):
    player.session(6_000, last=False)
    number = player.station.number
    with pytest.raises(InvalidInputError, match="has not ended"):
        story_of(ledger, number, 1)
    traffic.wait(13 * 3_600)
    assert traffic.act(traffic.anvil.keys[0], "Ledger", "expire", number)
    story = story_of(ledger, number, ledger.session(number).number)
    assert story.expiry_batch == ledger.batch_count()
    version = corrections.version_of(story)
    assert not version.closed
    assert version.settled_at == traffic.now


def test_story__session_that_never_was__is_refused(player, ledger):
    with pytest.raises(InvalidInputError, match="never cleared"):
        story_of(ledger, player.station.number, 99)


@pytest.mark.parametrize("size", range(1, 20))
def test_proof__every_leaf__leads_to_the_root(size):
    leaves = [bytes([n]) * 32 for n in range(size)]
    assert root_of(leaves) == merkle_root(leaves)
    for index, leaf in enumerate(leaves):
        found = leaf
        for sibling in proof_of(leaves, index):
            found = node(found, sibling)
        assert found == root_of(leaves)


def test_corrections__address__is_the_ledgers(ledger):
    assert Corrections(ledger).address == ledger.corrections_address
