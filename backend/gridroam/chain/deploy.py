"""Brings the contracts onto a chain: access manager, registry, the ledger with its vault, and the
corrections, whose address the ledger is told before they are there."""

from dataclasses import asdict, astuple, dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_canonical_address
from web3 import Web3

from gridroam.chain.ledger import Ledger
from gridroam.chain.records import Limits
from gridroam.chain.wallet import Wallet
from gridroam.domain.hashing import keccak

DEVNET_LIMITS = Limits(
    skew=60,
    backlog=7 * 86_400,
    silence=12 * 3_600,
    notice=86_400,
    reserve_wh=60_000,
    max_price=2_000_000,
    max_session_fee=5_000_000,
)

DEVNET_WINDOW = 14 * 86_400
"""Seconds from a session's end until it is final."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Checksummed addresses. `block` is the first that an auditor has to look at."""

    authority: str
    registry: str
    ledger: str
    vault: str
    token: str
    corrections: str
    chain_id: int
    block: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def deploy(
    w3: Web3,
    account: LocalAccount,
    limits: Limits,
    token: str | None,
    window: int = DEVNET_WINDOW,
) -> Deployment:
    """Deploys from `account`, which becomes governance: it holds the access manager's admin role.

    `token` is the address of an ERC-20 euro; without one a test euro that anybody may mint.
    `window` is how long a session can be corrected, in seconds from its end. Nothing else may be
    sent from the account meanwhile: the corrections' address follows from its nonce.
    """
    wallet = Wallet(w3, account)
    authority, _ = wallet.deploy("AccessManager", account.address)
    registry, receipt = wallet.deploy("Registry", authority, astuple(limits))
    euro = token or wallet.deploy("TestEuro")[0]
    nonce = w3.eth.get_transaction_count(account.address, "pending")
    coming = created_address(account.address, nonce + 1)
    address, _ = wallet.deploy("Ledger", registry, euro, coming)
    corrections, _ = wallet.deploy("Corrections", address, window)
    ledger = Ledger.connect(w3, address)
    return Deployment(
        authority=authority,
        registry=ledger.registry_address,
        ledger=ledger.address,
        vault=ledger.vault_address,
        token=ledger.token,
        corrections=corrections,
        chain_id=ledger.domain.chain_id,
        block=receipt["blockNumber"],
    )


def created_address(creator: str, nonce: int) -> str:
    """Where the account's transaction of this nonce creates a contract."""
    hashed = keccak(rlp.encode([to_canonical_address(creator), nonce]))
    return Web3.to_checksum_address(hashed[-20:])
