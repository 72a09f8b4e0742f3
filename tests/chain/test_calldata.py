"""The input of `submit`, which is laid out without the library that lays everything else out."""

from hypothesis import given
from hypothesis import strategies as st

from gridroam.chain import abi
from gridroam.chain.calldata import messages_in, submission


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_submission__is_what_the_abi_says_and_read_as_the_contract_does(batch: list[bytes]) -> None:
    assert submission(batch) == abi.functions("Ledger")["submit"].calldata(batch)
    assert messages_in(submission(batch)) == batch
