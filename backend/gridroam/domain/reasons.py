"""Why the ledger rejects a message; the same numbers as `ISessions.Reason`."""

from enum import IntEnum


class Reason(IntEnum):
    """`NONE` is: accepted. Up to `BAD_VEHICLE_SIGNATURE` a rejection leaves no trace; from
    `MARKET_PAUSED` on it decides an opening for good and uses its session number up."""

    NONE = 0
    MALFORMED = 1
    UNKNOWN_STATION = 2
    BAD_SIGNATURE = 3
    STATION_BUSY = 4
    SESSION_USED = 5
    SESSION_NOT_OPEN = 6
    REPORT_USED = 7
    REPORT_MISSING = 8
    TIME_IN_FUTURE = 9
    TOO_OLD = 10
    TIME_BACKWARDS = 11
    REGISTER_BACKWARDS = 12
    WRONG_BOUNDARIES = 13
    POWER_EXCEEDED = 14
    BAD_VEHICLE_SIGNATURE = 15
    MARKET_PAUSED = 16
    GRID_OPERATOR_INACTIVE = 17
    STATION_OPERATOR_INACTIVE = 18
    NO_GRID_TARIFF = 19
    NO_OPERATOR_TARIFF = 20
    NO_SUPPLIER = 21
    SUPPLIER_INACTIVE = 22
    VEHICLE_BUSY = 23
    SUPPLIER_NOT_COVERED = 24
    GRID_OPERATOR_NOT_COVERED = 25

    @property
    def slug(self) -> str:
        """For people and JSON: `supplier-not-covered`."""
        return self.name.lower().replace("_", "-")

    @property
    def decides(self) -> bool:
        """Whether this rejection uses the session number up."""
        return self >= Reason.MARKET_PAUSED

    @property
    def may_pass_later(self) -> bool:
        """Whether the same signed message can still be accepted after something else."""
        return self in _TRANSIENT


_TRANSIENT = frozenset(
    {
        Reason.UNKNOWN_STATION,
        Reason.STATION_BUSY,
        Reason.SESSION_NOT_OPEN,
        Reason.REPORT_MISSING,
        Reason.TIME_IN_FUTURE,
    }
)
