"""Brings the contracts onto a chain: access manager, registry, and the ledger with its vault."""

from dataclasses import asdict, astuple, dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3

from gridroam.chain.ledger import Ledger
from gridroam.chain.records import Limits
from gridroam.chain.wallet import Wallet
from gridroam.domain.units import NO_KEY

DEVNET_LIMITS = Limits(
    skew=60,
    backlog=7 * 86_400,
    silence=12 * 3_600,
    notice=86_400,
    reserve_wh=60_000,
    max_price=2_000_000,
    max_session_fee=5_000_000,
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Checksummed addresses. `block` is the first that an auditor has to look at."""

    authority: str
    registry: str
    ledger: str
    vault: str
    token: str
    chain_id: int
    block: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def deploy(w3: Web3, account: LocalAccount, limits: Limits, token: str | None) -> Deployment:
    """Deploys from `account`, which becomes governance: it holds the access manager's admin role.

    `token` is the address of an ERC-20 euro; without one a test euro that anybody may mint.
    """
    wallet = Wallet(w3, account)
    authority, _ = wallet.deploy("AccessManager", account.address)
    registry, receipt = wallet.deploy("Registry", authority, astuple(limits))
    euro = token or wallet.deploy("TestEuro")[0]
    address, _ = wallet.deploy("Ledger", registry, euro, NO_KEY)
    ledger = Ledger.connect(w3, address)
    return Deployment(
        authority=authority,
        registry=ledger.registry_address,
        ledger=ledger.address,
        vault=ledger.vault_address,
        token=ledger.token,
        chain_id=ledger.domain.chain_id,
        block=receipt["blockNumber"],
    )
