"""RLP, tries and Bloom filters, against the libraries that others use."""

from random import Random

import pytest
import rlp as reference
from eth_bloom import BloomFilter
from trie import HexaryTrie

from gridroam.chain import bloom, rlp, trie


@pytest.mark.parametrize("length", [0, 1, 2, 55, 56, 255, 256, 70_000])
@pytest.mark.parametrize("first", [0x00, 0x7F, 0x80, 0xFF])
def test_text__any_length__is_what_the_library_writes(length: int, first: int) -> None:
    value = bytes([first, *bytes(length)])[:length]
    assert rlp.text(value) == reference.encode(value)
    assert rlp.listed([rlp.text(value)] * 3) == reference.encode([value] * 3)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 2**64, 2**256 - 1])
def test_number__is_what_the_library_writes(value: int) -> None:
    assert rlp.number(value) == reference.encode(value)


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
