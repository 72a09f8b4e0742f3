"""A running devnet: a chain, the contracts, a small market; kept in a file if it shall survive.

Beside the chain's state file stands another with the addresses and keys. It is written first, so
that a chain without it is somebody else's.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount

from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import DEVNET_LIMITS, Deployment, deploy
from gridroam.chain.ledger import Ledger
from gridroam.devnet.market import build, small_market
from gridroam.devnet.members import Market
from gridroam.errors import (
    BrokenFileError,
    ChainError,
    InvalidInputError,
    NoContractError,
    NodeUnreachableError,
)
from gridroam.http.log import logger

_SAVE_EVERY = 1.0

log = logger("gridroam.devnet")


class Devnet:
    """Runs while the `with` block does. A market that is in the `state` file is found again."""

    def __init__(self, port: int, state: Path | None, block_time: int | None) -> None:
        if state is not None and (state.is_dir() or not state.absolute().parent.is_dir()):
            raise InvalidInputError(
                f"{state} cannot be a file.", "Name a file in a folder that exists."
            )
        self._anvil = Anvil(port, state=state)
        self._beside = state and state.with_name(state.name + ".market.json")
        self._is_new = state is None or not state.exists()
        self._block_time = block_time
        self._is_silent = False

    def __enter__(self) -> Self:
        known = None if self._is_new else self._read()
        self._anvil.start()
        try:
            self.deployment, self.market = known or self._make()
            self.ledger = self._connect()
            if self._block_time:
                self._anvil.rpc("evm_setIntervalMining", self._block_time)
        except BaseException:
            self._anvil.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._anvil.is_running:
            self._save()
        self._anvil.stop()

    @property
    def url(self) -> str:
        return self._anvil.url

    @property
    def governance(self) -> LocalAccount:
        return self._anvil.admin

    @property
    def sender(self) -> LocalAccount:
        """With the chain's own money and no part in the market: for a relay."""
        account: LocalAccount = Account.from_key(self._anvil.keys[1])
        return account

    def keep(self, stopped: Event) -> None:
        """Returns when it is stopped; saves the chain now and then. A node that is silent is waited
        for, as long as it runs."""
        while not stopped.wait(_SAVE_EVERY):
            if not self._anvil.is_running:
                raise ChainError("The node ended by itself.", "Start the devnet again.")
            self._save()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rpc_url": self.url,
            "deployment": self.deployment.as_dict(),
            "governance": _printed(self.governance),
            "sender": _printed(self.sender),
            "market": self.market.as_dict(),
        }

    def _save(self) -> None:
        """What a busy machine keeps from being saved now is saved the next time."""
        try:
            self._anvil.save()
        except NodeUnreachableError as error:
            if not self._is_silent:
                log.warning("the node is silent, nothing is saved", problem=error.message)
            self._is_silent = True
            return
        if self._is_silent:
            log.warning("the node answers again")
        self._is_silent = False

    def _make(self) -> tuple[Deployment, Market]:
        w3 = self._anvil.w3
        deployment = deploy(w3, self.governance, DEVNET_LIMITS, None)
        market = build(Ledger.connect(w3, deployment.ledger), small_market(), self.governance)
        if self._beside:
            made = {"deployment": deployment.as_dict(), "market": market.as_dict()}
            self._beside.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
            self._anvil.save()
        return deployment, market

    def _read(self) -> tuple[Deployment, Market]:
        if self._beside is None or not self._beside.exists():
            raise self._foreign(f"{self._beside}, which belongs to it, is not there")
        try:
            made = json.loads(self._beside.read_text(encoding="utf-8"))
            return Deployment(**made["deployment"]), Market.from_dict(made["market"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._foreign(f"{self._beside} cannot be read") from error

    def _connect(self) -> Ledger:
        try:
            return Ledger.connect(self._anvil.w3, self.deployment.ledger)
        except NoContractError as error:
            raise self._foreign(f"no ledger stands at {self.deployment.ledger}") from error

    def _foreign(self, what: str) -> BrokenFileError:
        return BrokenFileError(
            f"The state file holds no devnet of ours: {what}.",
            "Name another file, or remove both to start a new chain.",
        )


def _printed(account: LocalAccount) -> dict[str, str]:
    return {"address": account.address, "key": "0x" + account.key.hex()}


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """An event that SIGINT (Ctrl-C) and SIGTERM set, in place of ending the program at once."""
    stopped = Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in signals}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
