"""Whatever layout the contract accepts, the audit reads the same messages out of it."""

import pytest
from traffic import Traffic

from gridroam import audit
from gridroam.audit.source import NodeSource
from gridroam.chain import abi
from gridroam.chain.calldata import messages_in
from gridroam.chain.ledger import Ledger
from gridroam.errors import RevertedError

SELECTOR = abi.functions("Ledger")["submit"].selector


def words(*values: int) -> bytes:
    return b"".join((value % 2**256).to_bytes(32, "big") for value in values)


def test_messages_in__ordinary_input__are_those_submitted(ledger: Ledger) -> None:
    batch = [b"a" * 123, b"", b"b" * 33]
    assert messages_in(ledger.submit_calldata(batch)) == batch


STRANGE = {
    "two messages on the same bytes": words(32, 2, 64, 64, 3) + b"abc",
    "padding that is not zero": words(32, 1, 32, 3) + b"abc" + b"\xff" * 29,
    "no padding and something behind": words(32, 1, 32, 3) + b"abcdef",
    "the array behind a gap": words(96, 7, 7, 1, 32, 3) + b"abc",
    "a message before its array": words(64, 3, 1, -64) + bytes(32),
    "a message just before the input": words(32, 1, -100),
    "a length out of the offset itself": words(32, 2, 64, 32, 3) + b"abc" + bytes(80),
}


@pytest.mark.parametrize("layout", STRANGE.values(), ids=STRANGE)
def test_audit__strange_layout_that_the_contract_takes__agrees(
    traffic: Traffic, layout: bytes
) -> None:
    traffic.send(traffic.ledger.address, SELECTOR + layout)
    report = audit.run(NodeSource(traffic.ledger))
    assert [str(difference) for difference in report.differences] == []
    assert report.rejected["malformed"] == report.counts["messages"] > 0


@pytest.mark.parametrize(
    "calldata",
    [
        b"",
        bytes(99),
        SELECTOR + words(32, 9),
        SELECTOR + words(32, 1, 32, 9),
        SELECTOR + words(32, 1, -101),
    ],
)
def test_messages_in__what_the_contract_refuses__raises(traffic: Traffic, calldata: bytes) -> None:
    with pytest.raises(RevertedError):
        traffic.send(traffic.ledger.address, calldata)
    with pytest.raises(ValueError, match=r"it is no call of submit|beyond its end"):
        messages_in(calldata)
