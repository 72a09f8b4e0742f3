"""The senders of this process: one for each account that is leased to it. A thread renews the
leases, and takes accounts over that nobody holds any more.
"""

import os
import socket
import threading
import uuid
from collections.abc import Callable, Sequence

from eth_utils.address import to_checksum_address

from gridroam.chain.signer import Nobody, Signer
from gridroam.errors import LeaseLostError, StoreError
from gridroam.relay import metrics
from gridroam.relay.log import log
from gridroam.relay.sender import Sender
from gridroam.store.senders import Lease, Senders

ORPHAN_SECONDS = 60.0
"""Silence after which an account counts as given up by whoever had its key."""


class Crew:
    """`hire` makes a sender for an account and the lease of it."""

    def __init__(
        self,
        signers: Sequence[Signer],
        senders: Senders,
        hire: Callable[[Signer, Lease], Sender],
        lease_seconds: float,
    ) -> None:
        self._signers = {signer.address.lower(): signer for signer in signers}
        self._senders = senders
        self._hire = hire
        self._seconds = lease_seconds
        self._holder = f"{socket.gethostname()[:20]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._working: dict[str, tuple[Lease, Sender]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crew", daemon=True)

    def start(self) -> None:
        """Returns when each account that is free sends."""
        self._round()
        self._thread.start()

    def stop(self) -> None:
        """Gives the accounts up, so that others need not wait for them."""
        self._stopping.set()
        self._thread.join(30)
        for lease, sender in self._working.values():
            sender.stop()
            try:
                self._senders.release(lease)
            except StoreError as error:
                log.warning("a lease is not given up", problem=error.message)

    def wake(self) -> None:
        for _, sender in list(self._working.values()):
            sender.wake()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds / 3):
            try:
                self._round()
            except Exception:  # noqa: BLE001  a bug must not end the thread
                log.exception("accounts cannot be looked after")

    def _round(self) -> None:
        self._keep_own()
        try:
            self._keep_orphans()
        except StoreError as error:
            log.error("orphans cannot be looked after", problem=error.message)

    def _keep_orphans(self) -> None:
        """Sees to its end what an account has under way whose key nobody has any more."""
        if not self._signers:
            return
        others = self._working.keys() - self._signers.keys()
        for address in others:
            lease, sender = self._working[address]
            if sender.is_done:
                del self._working[address]
                sender.stop()
                self._senders.release(lease)
        for address in {*others, *self._senders.orphans(ORPHAN_SECONDS)} - self._signers.keys():
            if address in self._working or address not in others:
                self._look_after(address, Nobody(to_checksum_address(address)))

    def _keep_own(self) -> None:
        for address, signer in self._signers.items():
            try:
                self._look_after(address, signer)
            except StoreError as error:
                log.error("leases cannot be renewed", sender=address, problem=error.message)

    def _look_after(self, address: str, signer: Signer) -> None:
        if address in self._working:
            lease, sender = self._working[address]
            if sender.is_running and self._renewed(lease):
                return
            del self._working[address]
            metrics.sender_lease(signer.address, held=False)
            sender.stop()
        lease_or_none = self._senders.acquire(address, self._holder, self._seconds)
        if lease_or_none is not None:
            sender = self._hire(signer, lease_or_none)
            self._working[address] = lease_or_none, sender
            sender.start()
            metrics.sender_lease(signer.address, held=True)
            log.info("an account is ours", sender=signer.address, epoch=lease_or_none.epoch)

    def _renewed(self, lease: Lease) -> bool:
        try:
            self._senders.renew(lease, self._seconds)
        except LeaseLostError:
            return False
        return True
