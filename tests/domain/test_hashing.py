"""The hash is Keccak-256, whichever module computes it."""

import sys

import pytest
from eth_hash.auto import keccak as reference

from gridroam.domain import hashing

LENGTHS = (0, 1, 135, 136, 137, 272, 5_000)


@pytest.mark.parametrize("length", LENGTHS)
def test_keccak__any_length__is_what_eth_hash_says(length: int) -> None:
    data = bytes(i % 251 for i in range(length))
    assert hashing.keccak(data) == reference(data)


def test_keccak__no_c_module__is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sha3", None)
    assert hashing._fastest()(b"session") == reference(b"session")
