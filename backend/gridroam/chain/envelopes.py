"""Transactions and receipts as a block holds them: the bytes under its two roots.

Types 0 to 4 are Ethereum's (EIP-2718, 2930, 1559, 4844, 7702); 0x7e is the deposit of rollups on
the OP stack (its specification, "Deposited Transaction Type"). Raises `KeyError` for a field that
the node leaves out and `ValueError` for a type that is not among these.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

from eth_account import Account

from gridroam.chain import rlp
from gridroam.chain.header import data

_Fields = Mapping[str, Any]
DEPOSIT = 0x7E
_TOPIC_DIGITS, _ONE_BYTE = 66, 4
"""With their 0x."""


def transaction(tx: _Fields) -> bytes:
    """As a node answers it, with all its fields."""
    kind = int(tx.get("type") or "0x0", 16)
    return _typed(kind, rlp.listed(_transaction_items(kind, tx)))


def receipt(found: _Fields) -> bytes:
    """As a node answers it, with all its logs."""
    return receipt_with(found, logs(found["logs"]))


def receipt_with(found: _Fields, written: bytes) -> bytes:
    """The same, of `logs` that are written already."""
    kind = int(found.get("type") or "0x0", 16)
    # before Byzantium a state root stood where the status is now
    status = _number(found, "status") if found.get("status") else rlp.text(data(found["root"]))
    items = [
        status,
        _number(found, "cumulativeGasUsed"),
        _text(found, "logsBloom"),
        rlp.wrapped(written),
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


def logs(found: Iterable[_Fields]) -> bytes:
    """Of a receipt, or some of them, one behind another. They are put together as the hexadecimal
    digits that they come in: there are more logs than anything else."""
    return bytes.fromhex("".join([_log(log) for log in found]))


def _log(log: _Fields) -> str:
    topics, text = log["topics"], log["data"]
    if not {_TOPIC_DIGITS}.issuperset(map(len, topics)):
        raise ValueError(f"topics have other lengths than 32 bytes: {topics}")
    if len(text) == _ONE_BYTE:  # which may be its own encoding
        words = rlp.listed(rlp.text(data(topic)) for topic in topics)
        return rlp.listed([_text(log, "address"), words, _text(log, "data")]).hex()
    before, between = log_heads(log["address"], len(topics), len(text))
    # of 32 bytes the encoding is 0xa0 and they themselves
    return f"{before}{''.join(topics).replace('0x', 'a0')}{between}{text[2:]}"


@lru_cache(maxsize=1 << 12)
def log_heads(address: str, topics: int, digits: int) -> tuple[str, str]:
    """What stands before a log's first topic, and before data of so many digits with their 0x."""
    if digits % 2:
        raise ValueError(f"data of {digits} digits")
    size = digits // 2 - 1
    listed, text = rlp.wrapped(bytes(33 * topics)), rlp.text(b"\xff" * size)
    whole = rlp.listed([rlp.text(data(address)), listed, text])
    return whole[: -33 * topics - len(text)].hex(), text[: len(text) - size].hex()


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
