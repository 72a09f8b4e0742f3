"""Transactions and receipts as a block holds them: the bytes under its two roots.

Types 0 to 4 are Ethereum's (EIP-2718, 2930, 1559, 4844, 7702); 0x7e is the deposit of rollups on
the OP stack (its specification, "Deposited Transaction Type"). Raises `KeyError` for a field that
the node leaves out and `ValueError` for a type that is not among these.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from eth_account import Account

from gridroam.chain import rlp
from gridroam.chain.header import data

_Fields = Mapping[str, Any]
DEPOSIT = 0x7E


def transaction(tx: _Fields) -> bytes:
    """As a node answers it, with all its fields."""
    kind = int(tx.get("type") or "0x0", 16)
    return _typed(kind, rlp.listed(_transaction_items(kind, tx)))


def receipt(found: _Fields) -> bytes:
    """As a node answers it, with all its logs."""
    kind = int(found.get("type") or "0x0", 16)
    # before Byzantium a state root stood where the status is now
    status = _number(found, "status") if found.get("status") else rlp.text(data(found["root"]))
    items = [
        status,
        _number(found, "cumulativeGasUsed"),
        _text(found, "logsBloom"),
        rlp.listed([_log(log) for log in found["logs"]]),
    ]
    if kind == DEPOSIT:
        names = ("depositNonce", "depositReceiptVersion")
        items += [_number(found, name) for name in names if found.get(name) is not None]
    return _typed(kind, rlp.listed(items))


def sender(encoded: bytes) -> str:
    """Who signed a transaction, in lower case; of a deposit, whom it names."""
    if encoded[0] == DEPOSIT:
        at = rlp.head_length(encoded[1:]) + 1 + 33 + 1
        return "0x" + encoded[at : at + 20].hex()
    return cast("str", Account.recover_transaction(encoded)).lower()


def _log(log: _Fields) -> bytes:
    # a topic has 32 bytes, of which the encoding is 0xa0 and they themselves
    topics = bytes.fromhex("".join(["a0" + topic[2:] for topic in log["topics"]]))
    return rlp.listed([_text(log, "address"), rlp.wrapped(topics), _text(log, "data")])


def _typed(kind: int, encoded: bytes) -> bytes:
    return bytes([kind]) + encoded if kind else encoded


def _transaction_items(kind: int, tx: _Fields) -> list[bytes]:
    if kind == DEPOSIT:
        return _deposit(tx)
    if kind not in _BEFORE:
        raise ValueError(f"transactions of type {kind:#x} are not known")
    head = [_number(tx, name) for name in _BEFORE[kind]]
    target = [_to(tx), _number(tx, "value"), _text(tx, "input")]
    extra = [write(tx) for write in _AFTER[kind]]
    parity = "v" if kind == 0 or tx.get("yParity") is None else "yParity"
    return [*head, *target, *extra, *(_number(tx, name) for name in (parity, "r", "s"))]


def _deposit(tx: _Fields) -> list[bytes]:
    return [
        _text(tx, "sourceHash"),
        _text(tx, "from"),
        _to(tx),
        rlp.number(int(tx.get("mint") or "0x0", 16)),
        _number(tx, "value"),
        _number(tx, "gas"),
        rlp.number(int(bool(tx.get("isSystemTx")))),
        _text(tx, "input"),
    ]


def _access_list(tx: _Fields) -> bytes:
    return rlp.listed(
        rlp.listed(
            [
                _text(entry, "address"),
                rlp.listed(rlp.text(data(key)) for key in entry["storageKeys"]),
            ]
        )
        for entry in tx["accessList"]
    )


def _blobs(tx: _Fields) -> bytes:
    hashes = rlp.listed(rlp.text(data(one)) for one in tx["blobVersionedHashes"])
    return _number(tx, "maxFeePerBlobGas") + hashes


def _authorizations(tx: _Fields) -> bytes:
    return rlp.listed(
        rlp.listed(
            [
                _number(one, "chainId"),
                _text(one, "address"),
                *(_number(one, name) for name in ("nonce", "yParity", "r", "s")),
            ]
        )
        for one in tx["authorizationList"]
    )


def _to(tx: _Fields) -> bytes:
    return _text(tx, "to") if tx.get("to") else rlp.EMPTY


def _text(fields: _Fields, name: str) -> bytes:
    return rlp.text(data(fields[name]))


def _number(fields: _Fields, name: str) -> bytes:
    return rlp.number(int(fields[name], 16))


_FEES = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")
_BEFORE: dict[int, tuple[str, ...]] = {
    0: ("nonce", "gasPrice", "gas"),
    1: ("chainId", "nonce", "gasPrice", "gas"),
    2: _FEES,
    3: _FEES,
    4: _FEES,
}
"""What stands before the target; what stands behind the input, before the signature, is next."""
_AFTER: dict[int, tuple[Callable[[_Fields], bytes], ...]] = {
    0: (),
    1: (_access_list,),
    2: (_access_list,),
    3: (_access_list, _blobs),
    4: (_access_list, _authorizations),
}
