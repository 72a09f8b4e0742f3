"""Who acts on a session once it has ended: disputes, consents, proofs."""

from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from meters import record_of
from traffic import Traffic

from gridroam.chain import abi
from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.devnet.members import MarketParticipant
from gridroam.evidence.corrections import Change, Corrections, Version, packed, same
from gridroam.evidence.record import Evidence, read
from gridroam.evidence.story import Story, story_of

FORWARDER = "0x" + "f0" * 20
"""Passes on what stands behind the 32 bytes of an address, and reverts where that does."""
FORWARDER_CODE = "0x36602090038060205f375f5f825f5f5f355af115601857005b5f5ffd"
UNTIL = 2**40 - 1


@dataclass
class Desk:
    """Who acts on the first session of the station, which has a meter."""

    traffic: Traffic
    corrections: Corrections
    anybody: LocalAccount
    number: int = 2
    session: int = 1

    def evidence(self, wrong: int = 0, page: int = 7) -> Evidence:
        """Of a session of 6,000 Wh from now on, as the meter saw it."""
        begin = self.traffic.ledger.session(self.number).import_register
        return Evidence(tuple(read(record_of(begin, begin + 6_000 + wrong, page))))

    @property
    def story(self) -> Story:
        return story_of(self.traffic.ledger, self.number, self.session)

    @property
    def present(self) -> Version:
        later = self.corrections.corrected(self.number, self.session)
        return later[-1] if later else self.corrections.version_of(self.story)

    def party(self, number: int) -> MarketParticipant:
        parties = self.traffic.market.participants.values()
        return next(p for p in parties if p.number == number)

    def less(self, wh: int) -> Change:
        """Or more, if it is negative."""
        present = self.present
        *registers, (imported, exported) = present.registers
        registers.append((imported - wh, exported))
        most = registers[-1][0]
        cut = [(min(imported, most), exported) for imported, exported in registers]
        return same(present, self.traffic.now)._replace(readings=packed(cut))

    def dispute(self) -> None:
        party = self.party(self.present.grid_operator)
        arguments = self.story.as_argument(), 5, b"\5" * 32
        self.corrections.send(party.account, "dispute", *arguments)

    def agree(self, change: Change) -> None:
        """The supplier proposes, the grid operator consents, and of the station operator somebody
        brings a signature."""
        present = self.present
        supplier = self.party(present.shares[0].supplier).account
        self.corrections.send(supplier, "proposeVersion", present, change)
        grid = self.party(present.grid_operator).account
        self.corrections.send(grid, "consent", present, change)
        operator = self.party(present.station_operator)
        digest = self.corrections.consent_digest(present, change, operator.number, UNTIL)
        signature = operator.account.unsafe_sign_hash(digest).signature
        brought = present, change, operator.number, UNTIL, bytes(signature)
        self.corrections.send(self.anybody, "consentBySignature", *brought)
        self.traffic.wait(1)

    def prove_all(self, *proofs: bytes) -> None:
        call = abi.functions("Corrections")["proveAll"].calldata(list(proofs))
        self.traffic.send(self.corrections.address, call)

    def forward(self, sender: LocalAccount, function: str, *arguments: Any) -> None:
        """Through another contract."""
        self.traffic.anvil.rpc("anvil_setCode", FORWARDER, FORWARDER_CODE)
        call = abi.functions("Corrections")[function].calldata(*arguments)
        to = bytes(12) + bytes.fromhex(self.corrections.address[2:])
        wallet = self.traffic.wallet(sender.key)
        wallet.wait([wallet.post(FORWARDER, to + call, gas=TX_GAS_LIMIT)])
