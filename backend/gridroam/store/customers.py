"""The supplier's own data: sealed rows by participant and vehicle. What is sealed, and how, is not
known here; nothing is ever read or written without the participant's number."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from gridroam.store.console import ConsoleStore, metadata

data_keys = Table(
    "data_keys",
    metadata,
    Column("participant", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("participant", Integer, nullable=False),
    Column("vehicle", LargeBinary(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("contract", LargeBinary(32), nullable=False),
    Column("imported", Integer, nullable=False),
    Index("ux_customers_vehicle", "participant", "vehicle", unique=True),
    Index("ix_customers_contract", "participant", "contract"),
    sqlite_autoincrement=True,
)
"""`contract` is a keyed hash, equal for equal contract ids of one supplier."""

_ROW = (customers.c.vehicle, customers.c.sealed, customers.c.contract)
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class CustomerRow:
    vehicle: bytes
    sealed: bytes
    contract: bytes


class CustomerStore:
    def __init__(self, store: ConsoleStore) -> None:
        self._store = store

    # ----------------------------------------------------------------------------------- Keys

    def data_keys(self) -> dict[int, bytes]:
        with self._store.read() as connection:
            rows = connection.execute(select(data_keys.c.participant, data_keys.c.sealed))
            return {row.participant: row.sealed for row in rows}

    def data_key(self, participant: int) -> bytes | None:
        query = select(data_keys.c.sealed).where(data_keys.c.participant == participant)
        with self._store.read() as connection:
            return connection.execute(query).scalar()

    def add_data_key(self, participant: int, sealed: bytes) -> bytes:
        """Gives the key that holds: an earlier one stays."""
        query = select(data_keys.c.sealed).where(data_keys.c.participant == participant)
        with self._store.write() as connection:
            known = connection.execute(query).scalar()
            if known is not None:
                return bytes(known)
            connection.execute(insert(data_keys).values(participant=participant, sealed=sealed))
        return sealed

    def replace_data_keys(self, sealed: Mapping[int, bytes]) -> None:
        with self._store.write() as connection:
            for participant, key in sealed.items():
                where = data_keys.c.participant == participant
                connection.execute(update(data_keys).where(where).values(sealed=key))

    # ------------------------------------------------------------------------------ Customers

    def put(self, participant: int, rows: Iterable[CustomerRow], now: int) -> int:
        """Gives how many were not there before."""
        new = 0
        with self._store.write() as connection:
            for row in rows:
                where = (customers.c.participant == participant) & (
                    customers.c.vehicle == row.vehicle
                )
                values = {"sealed": row.sealed, "contract": row.contract, "imported": now}
                changed = connection.execute(update(customers).where(where).values(**values))
                if not changed.rowcount:
                    new += 1
                    connection.execute(
                        insert(customers).values(
                            participant=participant, vehicle=row.vehicle, **values
                        )
                    )
        return new

    def get(self, participant: int, vehicles: Sequence[bytes]) -> list[CustomerRow]:
        found: list[CustomerRow] = []
        with self._store.read() as connection:
            for start in range(0, len(vehicles), _CHUNK):
                query = select(*_ROW).where(
                    customers.c.participant == participant,
                    customers.c.vehicle.in_(vehicles[start : start + _CHUNK]),
                )
                found += [CustomerRow(*row) for row in connection.execute(query)]
        return found

    def scan(self, participant: int, after: int) -> Iterator[tuple[int, CustomerRow]]:
        """All of a supplier's, with the number that each has, in the order of import."""
        with self._store.read() as connection:
            query = (
                select(
                    customers.c.id, customers.c.vehicle, customers.c.sealed, customers.c.contract
                )
                .where(customers.c.participant == participant, customers.c.id > after)
                .order_by(customers.c.id)
            )
            for number, *row in connection.execute(query):
                yield number, CustomerRow(*row)

    def count(self, participant: int) -> int:
        query = select(func.count()).where(customers.c.participant == participant)
        with self._store.read() as connection:
            return int(connection.execute(query).scalar_one())

    def delete(self, participant: int, vehicle: bytes) -> bool:
        where = (customers.c.participant == participant) & (customers.c.vehicle == vehicle)
        with self._store.write() as connection:
            return connection.execute(delete(customers).where(where)).rowcount > 0
