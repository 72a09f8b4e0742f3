"""One supplier's customers: opened for one participant, and unable to reach another's."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gridroam.customers.commitment import displayed
from gridroam.customers.sealing import (
    Sealer,
    new_data_key,
    open_data_key,
    reseal_data_key,
)
from gridroam.errors import InvalidInputError
from gridroam.store.console import ConsoleStore
from gridroam.store.customers import CustomerRow, CustomerStore


@dataclass(frozen=True, slots=True)
class Customer:
    """`vehicle` is the id on the chain, `salt` what it was made with (empty: not known here)."""

    vehicle: bytes
    contract_id: str
    name: str = ""
    salt: bytes = field(default=b"", repr=False)

    @property
    def shown_id(self) -> str:
        return displayed(self.contract_id)


@dataclass(frozen=True, slots=True)
class Found:
    """Some of a supplier's customers; `next`: give it as `after` for those that follow."""

    customers: tuple[Customer, ...]
    next: int | None


class Customers:
    """All suppliers' books. `master` is the console's key."""

    def __init__(self, store: ConsoleStore, master: bytes, now: Callable[[], int]) -> None:
        self.rows = CustomerStore(store)
        self.store, self.now = store, now
        self._master = master
        self._check_key()

    def of(self, participant: int) -> "Book":
        return Book(self, participant)

    def change_master(self, new: bytes) -> None:
        """Seals all suppliers' keys with a new master key; the data itself stays as it is."""
        keys = self.rows.data_keys()
        sealed = {p: reseal_data_key(self._master, new, p, key) for p, key in keys.items()}
        self.rows.replace_data_keys(sealed)
        self.store.compact()
        self._master = new

    def _check_key(self) -> None:
        for participant, sealed in self.rows.data_keys().items():
            open_data_key(self._master, participant, sealed)
            break

    def sealer(self, participant: int) -> Sealer:
        sealed = self.rows.data_key(participant)
        if sealed is None:
            fresh = new_data_key(self._master, participant)
            sealed = self.rows.add_data_key(participant, fresh)
        return open_data_key(self._master, participant, sealed)


class Book:
    def __init__(self, customers: Customers, participant: int) -> None:
        self._all = customers
        self.participant = participant
        self._sealed: Sealer | None = None

    @property
    def _sealer(self) -> Sealer:
        if self._sealed is None:
            self._sealed = self._all.sealer(self.participant)
        return self._sealed

    def add(self, customers: Iterable[Customer]) -> int:
        """Those of a vehicle that is here already take its place. Gives how many are new."""
        rows = [
            CustomerRow(c.vehicle, self._seal(c), self._sealer.index(c.contract_id))
            for c in customers
        ]
        return self._all.rows.put(self.participant, rows, self._all.now())

    def find(self, vehicles: Sequence[bytes]) -> dict[bytes, Customer]:
        """Those of them that are known."""
        rows = self._all.rows.get(self.participant, vehicles) if vehicles else []
        return {row.vehicle: self._open(row) for row in rows}

    def search(self, text: str, limit: int, after: int = 0) -> Found:
        """Whose contract id or name has the text in it; in the order of import."""
        wanted = text.casefold().strip()
        plain = wanted.replace("-", "").replace("*", "").replace(" ", "")
        found: list[Customer] = []
        for number, row in self._all.rows.scan(self.participant, after):
            customer = self._open(row)
            fits = (
                not wanted
                or (plain and plain in customer.contract_id.casefold())
                or wanted in customer.name.casefold()
                or "0x" + customer.vehicle.hex() == wanted
            )
            if fits:
                if len(found) == limit:
                    return Found(tuple(found), after)
                found.append(customer)
            after = number
        return Found(tuple(found), None)

    def count(self) -> int:
        return self._all.rows.count(self.participant)

    def forget(self, vehicle: bytes) -> bool:
        """Deletes salt and contract and writes the file anew; whether there was one."""
        known = self._all.rows.delete(self.participant, vehicle)
        if known:
            self._all.store.compact()
        return known

    # ---------------------------------------------------------------------------------- Internal

    def _seal(self, customer: Customer) -> bytes:
        if len(customer.vehicle) != 32:
            raise InvalidInputError("A vehicle's id has 32 bytes.")
        plain = json.dumps(
            {"contract": customer.contract_id, "name": customer.name, "salt": customer.salt.hex()}
        )
        return self._sealer.seal(plain.encode(), self._place(customer.vehicle))

    def _open(self, row: CustomerRow) -> Customer:
        plain = json.loads(self._sealer.open(row.sealed, self._place(row.vehicle)))
        salt = bytes.fromhex(plain["salt"])
        return Customer(row.vehicle, plain["contract"], plain["name"], salt)

    def _place(self, vehicle: bytes) -> bytes:
        return b"gridroam customer %d " % self.participant + vehicle
