"""A meter's record as it was brought to the ledger: in the transaction's input, where anybody finds
it. Whether the contract took it, the ledger's event says."""

from hashlib import sha256

from hexbytes import HexBytes
from web3.exceptions import Web3Exception

from gridroam.chain.calldata import calls_in, proofs_in
from gridroam.chain.ledger import Ledger
from gridroam.errors import ChainError

_RECORD = 2
"""Of `ICorrections.Proof`."""


def brought(ledger: Ledger, tx_hash: bytes, digest: bytes) -> str | None:
    """The record with this SHA-256; `None` where the node does not answer, or the transaction has
    none such."""
    try:
        calldata = bytes(ledger.w3.eth.get_transaction(HexBytes(tx_hash))["input"])
    except (Web3Exception, ChainError, OSError):
        return None
    for asked in calls_in(calldata, direct=False):
        try:
            found = [proof.text(_RECORD) for proof in proofs_in(asked)]
        except (ValueError, IndexError):
            continue
        for text in found:
            if sha256(text).digest() == digest:
                return text.decode("utf-8", errors="replace")
    return None
