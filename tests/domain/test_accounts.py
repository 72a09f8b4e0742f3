"""Money: zero sum, never negative, older claims first; journals and roots that can be checked."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from gridroam.domain.accounts import Accounts, Claim
from gridroam.domain.batch import (
    Pinned,
    cleared_leaf,
    expired_leaf,
    merkle_root,
    node,
    rejected_leaf,
    settled_leaf,
)
from gridroam.domain.reasons import Reason
from gridroam.domain.violation import NotAllowedError

ALICE_PAYS, BOB_GETS = 1, 2
people = st.integers(1, 4)
amounts = st.integers(0, 100)
acts = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "withdraw", "post", "collect", "reserve"]),
        people,
        people,
        amounts,
    ),
    max_size=60,
)


def perform(accounts: Accounts, act: tuple[str, int, int, int]) -> None:
    name, one, other, amount = act
    try:
        if name == "deposit":
            accounts.deposit(one, amount)
        elif name == "withdraw":
            accounts.withdraw(one, amount)
        elif name == "post":
            accounts.post(one, other, amount, import_wh=amount)
        elif name == "collect":
            accounts.collect(one, other)
        elif accounts.accounts[one].covers(amount):
            accounts.accounts[one].reserved += amount
    except NotAllowedError:
        pass


@given(acts)
def test_accounts__any_acts__sum_to_what_came_in(chosen: list[tuple[str, int, int, int]]) -> None:
    accounts = Accounts()
    for act in chosen:
        perform(accounts, act)
        balances = [account.balance for account in accounts.accounts.values()]
        assert min(balances, default=0) >= 0
        assert sum(balances) == accounts.total
        for number, account in list(accounts.accounts.items()):
            claims = sum(p.claim for (payer, _), p in accounts.pairs.items() if payer == number)
            assert account.owed == claims


def test_post__more_than_there_is__leaves_the_rest_as_a_claim() -> None:
    accounts = Accounts()
    accounts.deposit(ALICE_PAYS, 70)
    assert accounts.post(ALICE_PAYS, BOB_GETS, 100) == Claim(ALICE_PAYS, BOB_GETS, 30)
    assert accounts.pairs[ALICE_PAYS, BOB_GETS].amount == 100
    assert accounts.accounts[BOB_GETS].balance == 70


def test_post__with_an_older_claim__pays_only_from_what_is_above_it() -> None:
    accounts = Accounts()
    accounts.post(ALICE_PAYS, BOB_GETS, 30)
    accounts.deposit(ALICE_PAYS, 50)
    carol = 3
    assert accounts.post(ALICE_PAYS, carol, 25) == Claim(ALICE_PAYS, carol, 5)
    assert accounts.accounts[carol].balance == 20
    assert accounts.collect(ALICE_PAYS, BOB_GETS) == 30
    assert accounts.accounts[ALICE_PAYS].owed == 5
    with pytest.raises(NotAllowedError, match="NothingToCollect"):
        accounts.collect(ALICE_PAYS, carol)


def test_post__to_oneself__counts_and_moves_nothing() -> None:
    accounts = Accounts()
    accounts.deposit(ALICE_PAYS, 10)
    assert accounts.post(ALICE_PAYS, ALICE_PAYS, 100, import_wh=7) is None
    assert accounts.accounts[ALICE_PAYS].balance == 10
    assert accounts.pairs[ALICE_PAYS, ALICE_PAYS].amount == 100


def test_withdraw__reserved_or_owed__stays() -> None:
    accounts = Accounts()
    accounts.deposit(ALICE_PAYS, 100)
    accounts.accounts[ALICE_PAYS].reserved = 60
    with pytest.raises(NotAllowedError, match="NotCovered"):
        accounts.withdraw(ALICE_PAYS, 41)
    accounts.withdraw(ALICE_PAYS, 40)
    accounts.post(ALICE_PAYS, BOB_GETS, 61)
    with pytest.raises(NotAllowedError, match="ClaimsOpen"):
        accounts.withdraw(ALICE_PAYS, 0)


def test_journal__deposit_withdrawal_collection__is_the_chain_of_their_hashes() -> None:
    accounts = Accounts()
    accounts.deposit(ALICE_PAYS, 100)
    accounts.withdraw(ALICE_PAYS, 40)
    accounts.post(ALICE_PAYS, BOB_GETS, 75)
    accounts.deposit(ALICE_PAYS, 20)
    accounts.collect(ALICE_PAYS, BOB_GETS)
    three, four = ["uint8", "uint24", "uint96"], ["uint8", "uint24", "uint24", "uint80"]
    entries = [
        keccak(encode(three, (1, ALICE_PAYS, 100))),
        keccak(encode(three, (2, ALICE_PAYS, 40))),
        keccak(encode(three, (1, ALICE_PAYS, 20))),
        keccak(encode(four, (3, ALICE_PAYS, BOB_GETS, 15))),
    ]
    assert accounts.journals[ALICE_PAYS].head == chain(entries)
    assert accounts.journals[ALICE_PAYS].count == 4
    assert accounts.journals[BOB_GETS].head == chain(entries[-1:])


def test_record__the_same_participant_twice__is_one_entry() -> None:
    accounts = Accounts()
    accounts.record(b"\x01" * 32, 1, 1, 2)
    assert (accounts.journals[1].count, accounts.journals[2].count) == (1, 1)


def chain(entries: list[bytes]) -> bytes:
    head = bytes(26)
    for entry in entries:
        head = keccak(encode(["bytes26", "bytes32"], (head, entry)))[:26]
    return head


TIME = 1_800_000_123
PINNED = Pinned(1, 2, 3, 4, 5)
META = TIME << 8 | 1 << 48 | 2 << 72 | 3 << 96 | 4 << 120 | 5 << 136


def test_leaves__are_the_hash_of_five_abi_words() -> None:
    digest = b"\x07" * 32
    types = ["bytes32", "uint256", "uint256", "uint256", "int256"]
    settled = settled_leaf(digest, TIME, PINNED, TIME - 9, (5, 6, -7))
    until = META | (TIME - 9) << 152
    assert settled == keccak(encode(types, (digest, until, 5, 6, -7)))
    cleared = cleared_leaf(digest, TIME, PINNED, 5, 6)
    assert cleared == keccak(encode(types, (digest, META, 5, 6, 0)))
    rejected = rejected_leaf(digest, TIME, Reason.REGISTER_BACKWARDS)
    assert rejected == keccak(encode(types, (digest, TIME << 8 | 12, 0, 0, 0)))


def test_expired_leaf__is_that_of_a_digest_which_nobody_signs() -> None:
    digest = keccak(encode(["uint256", "uint32", "uint32", "uint32"], (3, 8, 9, 2)))
    leaf = expired_leaf(8, 9, 2, TIME, PINNED)
    assert leaf == keccak(encode(["bytes32", *["uint256"] * 4], (digest, META, 0, 0, 0)))


def test_meta__every_field_at_its_greatest__touches_no_other() -> None:
    widest = Pinned(2**24 - 1, 0, 2**24 - 1, 0, 2**16 - 1)
    others = Pinned(0, 2**24 - 1, 0, 2**16 - 1, 0)
    assert widest.meta(0, 2**40 - 1) & others.meta(2**40 - 1) == 0
    assert widest.meta(0, 2**40 - 1) | others.meta(2**40 - 1) == 2**192 - 2**8


def test_node__of_a_split_report__has_no_order() -> None:
    one, other = b"\x01" * 32, b"\x02" * 32
    assert node(one, other) == node(other, one) == keccak(one + other)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40))
def test_merkle_root__any_leaves__each_is_proven_by_its_path(leaves: list[bytes]) -> None:
    root = merkle_root(leaves)
    for index, leaf in enumerate(leaves):
        assert climb(leaf, path(leaves, index)) == root


def path(level: list[bytes], index: int) -> list[bytes]:
    """The siblings from a leaf to the root."""
    if len(level) == 1:
        return []
    above = [merkle_root(level[i : i + 2]) for i in range(0, len(level), 2)]
    siblings = [level[index ^ 1]] if index ^ 1 < len(level) else []
    return siblings + path(above, index // 2)


def climb(node: bytes, siblings: list[bytes]) -> bytes:
    for sibling in siblings:
        node = keccak(b"".join(sorted([node, sibling])))
    return node
