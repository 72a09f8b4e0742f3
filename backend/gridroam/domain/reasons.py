"""Why the ledger rejects a message; the same numbers as `ISessions.Reason`."""

from enum import IntEnum


class Reason(IntEnum):
    """`NONE` is: accepted. Up to `POWER_EXCEEDED` a rejection leaves no trace; from
    `GRID_OPERATOR_INACTIVE` on it decides an opening for good and uses its session number up."""

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
    GRID_OPERATOR_INACTIVE = 15
    STATION_OPERATOR_INACTIVE = 16
    NO_GRID_TARIFF = 17
    NO_OPERATOR_TARIFF = 18
    NO_SUPPLIER = 19
    SUPPLIER_INACTIVE = 20
    VEHICLE_BUSY = 21
    SUPPLIER_NOT_COVERED = 22
    GRID_OPERATOR_NOT_COVERED = 23

    @property
    def slug(self) -> str:
        """For people and JSON: `supplier-not-covered`."""
        return self.name.lower().replace("_", "-")

    @property
    def decides(self) -> bool:
        """Whether this rejection uses the session number up."""
        return self >= Reason.GRID_OPERATOR_INACTIVE

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
