"""The ledger and its registry as one typed client: reads, and batches of messages to submit.

Reads take the block to read at. What a decision means is in the domain, what happened in events.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self, TypeVar, cast

from eth_abi.exceptions import DecodingError
from eth_typing import BlockIdentifier, ChecksumAddress
from web3 import Web3
from web3.contract import Contract

from gridroam import messages
from gridroam.chain import abi, artifacts, records
from gridroam.chain.calldata import messages_in, submission
from gridroam.chain.reverts import translated
from gridroam.chain.wallet import TX_GAS_LIMIT
from gridroam.domain.reasons import Reason
from gridroam.errors import NoContractError, RevertedError

T = TypeVar("T")

_SUBMIT = abi.functions("Ledger")["submit"]


class Ledger:
    """Addresses are checksummed, as web3 wants them. Safe to use in several threads."""

    def __init__(self, w3: Web3, address: str, registry: str, vault: str, chain_id: int) -> None:
        self.w3 = w3
        self.address: ChecksumAddress = Web3.to_checksum_address(address)
        self.registry_address: ChecksumAddress = Web3.to_checksum_address(registry)
        self.vault_address: ChecksumAddress = Web3.to_checksum_address(vault)
        self.domain = messages.Domain(chain_id, self.address)

    @classmethod
    def connect(cls, w3: Web3, address: str) -> Self:
        """The ledger at an address; raises `NoContractError` if none is there."""
        if not Web3.is_address(address):
            raise NoContractError(
                f"{address!r} is no address.", "It is 0x and 40 hexadecimal digits."
            )
        found = Web3.to_checksum_address(address)
        if not w3.eth.get_code(found):
            raise NoContractError(
                f"There is no contract at {found} on chain {w3.eth.chain_id}.",
                "Check the address, and that the node is on the right chain.",
            )
        registry, vault = (_address(w3, found, name) for name in ("registry", "vault"))
        ledger = cls(w3, found, registry, vault, w3.eth.chain_id)
        if ledger._read("Vault", "ledger").lower() != found.lower():
            raise _no_ledger(found)
        return ledger

    # --------------------------------------------------------------------------------- Contracts

    @cached_property
    def contract(self) -> Contract:
        return self.w3.eth.contract(self.address, abi=artifacts.abi("Ledger"))

    @cached_property
    def registry(self) -> Contract:
        return self.w3.eth.contract(self.registry_address, abi=artifacts.abi("Registry"))

    @cached_property
    def vault(self) -> Contract:
        return self.w3.eth.contract(self.vault_address, abi=artifacts.abi("Vault"))

    @cached_property
    def corrections_address(self) -> ChecksumAddress:
        """The only contract that may post corrections."""
        return Web3.to_checksum_address(self._read("Ledger", "corrections"))

    @property
    def addresses(self) -> list[str]:
        """The contracts whose events are the ledger's whole history."""
        return [self.address, self.registry_address, self.corrections_address]

    # ---------------------------------------------------------------------------------- Registry

    def participant_count(self, block: BlockIdentifier = "latest") -> int:
        return self._read_int("Registry", "participantCount", block=block)

    def participant(self, number: int, block: BlockIdentifier = "latest") -> records.Participant:
        """Its account is zero if there is none of this number."""
        return self._record(records.Participant, "participants", number, block=block)

    def participant_of(self, account: str, block: BlockIdentifier = "latest") -> int:
        """The number of the account's participant, or 0."""
        return self._read_int("Registry", "participantOf", account, block=block)

    def limits(self, block: BlockIdentifier = "latest") -> records.Limits:
        return self._record(records.Limits, "limits", block=block)

    def station_count(self, block: BlockIdentifier = "latest") -> int:
        return self._read_int("Registry", "stationCount", block=block)

    def station(self, number: int, block: BlockIdentifier = "latest") -> records.Station:
        return self._record(records.Station, "stations", number, block=block)

    def former_key(self, station: int, block: BlockIdentifier = "latest") -> records.FormerKey:
        return self._record(records.FormerKey, "formerKeys", station, block=block)

    def meter_of(self, station: int, block: BlockIdentifier = "latest") -> bytes:
        return cast("bytes", self._read("Registry", "meterOf", station, block=block))

    def tariff_count(self, participant: int, role: int, block: BlockIdentifier = "latest") -> int:
        return self._read_int("Registry", "tariffCount", participant, role, block=block)

    def tariff(
        self, participant: int, role: int, version: int, block: BlockIdentifier = "latest"
    ) -> records.Tariff:
        """Versions are 1 to `tariff_count`; another one is refused, 0 is empty."""
        return self._record(records.Tariff, "tariffs", participant, role, version, block=block)

    def tariff_at(
        self, participant: int, role: int, time: int, block: BlockIdentifier = "latest"
    ) -> int:
        """The version in force at a time, or 0."""
        return self._read_int("Registry", "tariffAt", participant, role, time, block=block)

    # ------------------------------------------------------------------------------------ Ledger

    def vehicle(self, vehicle: bytes, block: BlockIdentifier = "latest") -> records.Vehicle:
        return self._record(records.Vehicle, "vehicles", vehicle, block=block)

    def supplier_at(self, vehicle: bytes, time: int, block: BlockIdentifier = "latest") -> int:
        """The vehicle's own supplier at a time, or 0."""
        return self._read_int("Ledger", "supplierAt", vehicle, time, block=block)

    def session(self, station: int, block: BlockIdentifier = "latest") -> records.Session:
        return self._record(records.Session, "sessions", station, block=block)

    def account(self, participant: int, block: BlockIdentifier = "latest") -> records.Account:
        return self._record(records.Account, "accounts", participant, block=block)

    def pair(self, payer: int, payee: int, block: BlockIdentifier = "latest") -> records.Pair:
        return self._record(records.Pair, "pairs", payer, payee, block=block)

    def journal(self, participant: int, block: BlockIdentifier = "latest") -> records.Journal:
        return self._record(records.Journal, "journals", participant, block=block)

    def batch_count(self, block: BlockIdentifier = "latest") -> int:
        return self._read_int("Ledger", "batchCount", block=block)

    def batch_root(self, batch: int, block: BlockIdentifier = "latest") -> bytes:
        return cast("bytes", self._read("Ledger", "batchRoot", batch, block=block))

    def total_balance(self, block: BlockIdentifier = "latest") -> int:
        """Sum of all accounts, nano-euro."""
        return self._read_int("Ledger", "totalBalance", block=block)

    def holdings(self, block: BlockIdentifier = "latest") -> int:
        """What the vault holds in tokens, nano-euro."""
        token = self.token
        units = self._call(token, "TestEuro", "balanceOf", self.vault_address, block=block)
        decimals = self._call(token, "TestEuro", "decimals", block=block)
        return cast("int", units * 10**9 // 10**decimals)

    @cached_property
    def token(self) -> ChecksumAddress:
        """The ERC-20 euro in the vault."""
        return Web3.to_checksum_address(self._read("Vault", "token"))

    def correction_window(self) -> int:
        """Seconds from a session's end until it is final; 0 where nothing can be corrected."""
        corrections = self.corrections_address
        if not self.w3.eth.get_code(corrections):
            return 0
        return cast("int", self._call(corrections, "Corrections", "window"))

    # ----------------------------------------------------------------------------------- Batches

    def submit_calldata(self, batch: Sequence[bytes]) -> bytes:
        """The input of a transaction that submits packed messages."""
        return submission(batch)

    def decode_submit(self, calldata: bytes) -> list[bytes]:
        """The packed messages in such an input; raises `ValueError` if it is none."""
        return messages_in(calldata)

    def simulate(
        self, batch: Sequence[bytes], sender: str, block: BlockIdentifier = "pending"
    ) -> list[Reason]:
        """What would become of each message if `sender`, an account without code, submitted them.

        Raises `RevertedError` if the batch would fail as a whole, above all for its gas.
        """
        data = self.submit_calldata(batch)
        reasons = self._eth_call(self.address, data, block, sender)
        return [Reason(value) for value in _SUBMIT.results(reasons)[0]]

    # ---------------------------------------------------------------------------------- Internal

    def _record(self, cls: type[T], function: str, *arguments: Any, block: BlockIdentifier) -> T:
        contract = "Registry" if function in abi.functions("Registry") else "Ledger"
        return abi.build(cls, self._read(contract, function, *arguments, block=block))

    def _read_int(
        self, contract: str, function: str, *arguments: Any, block: BlockIdentifier
    ) -> int:
        return cast("int", self._read(contract, function, *arguments, block=block))

    def _read(
        self,
        contract: str,
        function: str,
        *arguments: Any,
        block: BlockIdentifier = "latest",
    ) -> Any:
        to = {
            "Ledger": self.address,
            "Registry": self.registry_address,
            "Vault": self.vault_address,
        }[contract]
        return self._call(to, contract, function, *arguments, block=block)

    def _call(
        self,
        to: ChecksumAddress,
        contract: str,
        function: str,
        *arguments: Any,
        block: BlockIdentifier = "latest",
    ) -> Any:
        found = abi.functions(contract)[function]
        data = self._eth_call(to, found.calldata(*arguments), block)
        try:
            return found.results(data)[0]
        except DecodingError as error:
            raise _no_ledger(self.address) from error

    def _eth_call(
        self, to: ChecksumAddress, data: bytes, block: BlockIdentifier, sender: str | None = None
    ) -> bytes:
        call: Any = {"to": to, "data": data, "gas": TX_GAS_LIMIT}
        if sender is not None:
            call["from"] = Web3.to_checksum_address(sender)
        with translated():
            return self.w3.eth.call(call, block)


def _address(w3: Web3, ledger: ChecksumAddress, name: str) -> str:
    function = abi.functions("Ledger")[name]
    try:
        with translated():
            data = w3.eth.call({"to": ledger, "data": function.calldata()})
        return cast("str", function.results(data)[0])
    except (DecodingError, RevertedError) as error:
        raise _no_ledger(ledger) from error


def _no_ledger(address: str) -> NoContractError:
    return NoContractError(
        f"The contract at {address} is no Gridroam ledger.",
        "Check the address: of the contracts deployed, it is the one called ledger.",
    )
