"""Whoever signs a message gets the same digest and signature: the ledger, this package,
eth-account, and `cast wallet sign`, which was written by neither."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from generated_messages import EXTREMES, keys, messages
from hypothesis import HealthCheck, example, given, settings

from gridroam.chain.ledger import Ledger
from gridroam.messages import (
    Domain,
    EnergyReport,
    Message,
    OpenSession,
    digest,
    sign,
    typed_data,
)

KEY = keccak(text="station")
OPENING_TUPLE = "(uint32,uint32,bytes32,uint40,uint48,uint48)"
REPORT_TUPLE = "(uint32,uint32,uint32,uint40,uint48,uint48,bool,bytes32,bytes)"


def extremes(test: Callable[..., Any]) -> Callable[..., Any]:
    for message in EXTREMES:
        test = example(message=message, key=KEY)(test)
    return test


@pytest.fixture(scope="module")
def ledger(running_market: Any) -> Ledger:
    """Only read, so that it serves all examples."""
    found: Ledger = running_market.ledger
    return found


@pytest.mark.chain
@extremes
@settings(max_examples=150)
@given(message=messages, key=keys)
def test_ledger_and_eth_account_agree_with_us(ledger: Ledger, message: Message, key: bytes) -> None:
    ours = sign(ledger.domain, message, key)

    account = Account.from_key(key)
    document = encode_typed_data(full_message=typed_data(ledger.domain, message))
    theirs = account.sign_message(document)

    assert digest_on_chain(ledger, message) == digest(ledger.domain, message)
    assert theirs.message_hash == digest(ledger.domain, message)
    assert theirs.signature == ours.signature
    assert ours.signer(ledger.domain) == account.address.lower()
    assert Account.recover_message(document, signature=ours.signature) == account.address


@extremes
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=messages, key=keys)
def test_cast_agrees_with_us(tmp_path: Path, message: Message, key: bytes) -> None:
    domain = Domain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")

    assert sign_with_cast(tmp_path, domain, message, key) == sign(domain, message, key).signature


@pytest.mark.parametrize("message", EXTREMES)
def test_signature_for_another_chain_or_ledger_is_somebody_elses(message: Message) -> None:
    here = Domain(1, "0x" + "11" * 20)
    elsewhere = (Domain(2, here.ledger), Domain(1, "0x" + "12" * 20))

    signed = sign(here, message, KEY)

    station = signed.signer(here)
    assert station == Account.from_key(KEY).address.lower()
    assert all(signed.signer(domain) not in (None, station) for domain in elsewhere)


def digest_on_chain(ledger: Ledger, message: Message) -> bytes:
    if isinstance(message, OpenSession):
        kind, values = OPENING_TUPLE, opening_values(message)
    else:
        kind, values = REPORT_TUPLE, report_values(message)
    data = keccak(text=f"digestOf({kind})")[:4] + encode([kind], [values])
    return bytes(ledger.w3.eth.call({"to": ledger.address, "data": data}))


def opening_values(message: OpenSession) -> tuple[Any, ...]:
    registers = message.import_register, message.export_register
    return message.station, message.session, message.vehicle, message.time, *registers


def report_values(message: EnergyReport) -> tuple[Any, ...]:
    return (
        message.station,
        message.session,
        message.report,
        message.time,
        message.import_register,
        message.export_register,
        message.last,
        message.evidence,
        b"".join(
            imported.to_bytes(6, "big") + exported.to_bytes(6, "big")
            for imported, exported in message.boundaries
        ),
    )


def sign_with_cast(folder: Path, domain: Domain, message: Message, key: bytes) -> bytes:
    document = folder / "message.json"
    document.write_text(json.dumps(typed_data(domain, message)))
    command = ["cast", "wallet", "sign", "--data", "--from-file", str(document)]
    done = subprocess.run(
        [*command, "--private-key", "0x" + key.hex()], check=True, capture_output=True, text=True
    )
    return bytes.fromhex(done.stdout.strip()[2:])
