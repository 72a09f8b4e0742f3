"""What became of stations' messages, counted from their receipts."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from gridroam.messages import OpenSession
from gridroam.station.meter import Registers
from gridroam.station.receipt import Receipt


@dataclass(slots=True)
class Tally:
    """Energy in Wh that was settled, both directions; rejections by their reason."""

    cleared: int = 0
    settled: int = 0
    imported: int = 0
    exported: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    _last: dict[int, Registers] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, receipt: Receipt) -> None:
        """One that is decided; a station's in their order. From any thread."""
        with self._lock:
            if receipt.accepted:
                self._accept(receipt)
            else:
                self.rejected[receipt.why] += 1

    def _accept(self, receipt: Receipt) -> None:
        m = receipt.message
        now = Registers(m.import_register, m.export_register)
        before = self._last.get(m.station, now)
        self._last[m.station] = now
        if isinstance(m, OpenSession):
            self.cleared += 1
            return
        self.settled += 1
        self.imported += now.imported - before.imported
        self.exported += now.exported - before.exported
