"""RLP, tries and Bloom filters, against the libraries that others use."""

from random import Random

import pytest
import rlp as reference
from eth_bloom import BloomFilter
from trie import HexaryTrie

from gridroam.chain import bloom, envelopes, rlp, trie

ADDRESS = bytes(range(20))


@pytest.mark.parametrize("length", [0, 1, 2, 55, 56, 255, 256, 70_000])
@pytest.mark.parametrize("first", [0x00, 0x7F, 0x80, 0xFF])
def test_text__any_length__is_what_the_library_writes(length: int, first: int) -> None:
    value = bytes([first, *bytes(length)])[:length]
    assert rlp.text(value) == reference.encode(value)
    assert rlp.listed([rlp.text(value)] * 3) == reference.encode([value] * 3)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 2**64, 2**256 - 1])
def test_number__is_what_the_library_writes(value: int) -> None:
    assert rlp.number(value) == reference.encode(value)


@pytest.mark.parametrize("length", [0, 1, 55, 56, 70_000])
def test_items__of_what_the_library_wrote__are_what_it_was_given(length: int) -> None:
    given = [b"\x7f", b"\x80", bytes(length), [], [b"", [bytes(length)] * 3], b"\1" * length]
    assert list(rlp.items(b"".join(map(reference.encode, given)))) == given


@pytest.mark.parametrize("topics", range(5))
@pytest.mark.parametrize(
    "text", [b"", b"\x7f", b"\x80", bytes(31), bytes(55), bytes(64), bytes(999)]
)
def test_logs__any_shape__are_what_the_library_writes(topics: int, text: bytes) -> None:
    words = [Random(n).randbytes(32) for n in range(topics)]
    log = {
        "address": "0x" + ADDRESS.hex(),
        "topics": ["0x" + word.hex() for word in words],
        "data": "0x" + text.hex(),
    }
    assert envelopes.logs([log, log]) == reference.encode([ADDRESS, words, text]) * 2


def test_logs__topic_cut_elsewhere__is_refused() -> None:
    """Whose bytes would be those of the true ones."""
    first, second = "0x11" + "a0" * 31, "0x" + "22" * 32
    moved = [first[:-2], second[:2] + second[2:] + "a0"]
    for topics in (moved, [first + second[2:]], [first[:-1], second]):
        with pytest.raises(ValueError, match="32 bytes"):
            envelopes.logs([{"address": "0x" + ADDRESS.hex(), "topics": topics, "data": "0x"}])
    with pytest.raises(ValueError, match="digits"):
        envelopes.logs([{"address": "0x" + ADDRESS.hex(), "topics": [], "data": "0x123"}])


@pytest.mark.parametrize("count", [*range(20), 127, 128, 129, 130, 255, 256, 257, 300, 1_000])
def test_root__any_count__is_the_librarys(count: int) -> None:
    """Short values too, whose nodes stand inside their parents."""
    random = Random(count)
    values = [random.randbytes(random.choice([1, 2, 20, 31, 32, 200])) for _ in range(count)]
    tree = HexaryTrie({})
    for index, value in enumerate(values):
        tree[reference.encode(index)] = value
    assert trie.root_of(values) == tree.root_hash


def test_root__two_swapped__is_another_one() -> None:
    values = [bytes([i]) * 40 for i in range(10)]
    swapped = [values[1], values[0], *values[2:]]
    assert trie.root_of(values) != trie.root_of(swapped)


@pytest.mark.parametrize("seed", range(20))
def test_bits__any_address__are_the_librarys(seed: int) -> None:
    address = Random(seed).randbytes(20)
    other = BloomFilter()
    other.add(address)
    found = bloom.bits_of(address)
    assert found == int(other)
    assert bloom.may_have(found | 1, [found])
    assert not bloom.may_have(found - 1, [found])
