"""What became of stations' messages, counted from their receipts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from gridroam.messages import OpenSession
from gridroam.station.kit import Receipt
from gridroam.station.meter import Registers


@dataclass(slots=True)
class Tally:
    """Energy in Wh that was settled, both directions; rejections by their reason."""

    cleared: int = 0
    settled: int = 0
    imported: int = 0
    exported: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    _last: dict[int, Registers] = field(default_factory=dict)

    @classmethod
    def of(cls, receipts: Iterable[Receipt]) -> "Tally":
        """From all that are final; those of a station in their order, from an opening on."""
        tally = cls()
        for receipt in receipts:
            if receipt.accepted:
                tally._add(receipt)
            else:
                tally.rejected[receipt.why] += 1
        return tally

    def _add(self, receipt: Receipt) -> None:
        m = receipt.message
        now = Registers(m.import_register, m.export_register)
        if isinstance(m, OpenSession):
            self.cleared += 1
        else:
            self.settled += 1
            self.imported += now.imported - self._last[m.station].imported
            self.exported += now.exported - self._last[m.station].exported
        self._last[m.station] = now
