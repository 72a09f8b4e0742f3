"""One account that sends transactions: nonce, fee, gas, receipt, and why it was refused.

For setting things up and for governance. The relay has a sender of its own that survives restarts.
"""

from collections.abc import Iterable
from typing import Any

from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TimeExhausted, Web3RPCError
from web3.types import TxParams, TxReceipt, Wei

from gridroam.chain import abi
from gridroam.chain.reverts import translated
from gridroam.errors import ChainError, RevertedError

TX_GAS_LIMIT = 16_777_216
"""No transaction may use more (EIP-7825)."""


class Wallet:
    """Not for two threads at once."""

    def __init__(self, w3: Web3, account: LocalAccount, *, timeout: float = 60.0) -> None:
        self.w3 = w3
        self.account = account
        self._timeout = timeout
        self._chain_id = w3.eth.chain_id
        self._nonce: int | None = None

    @property
    def address(self) -> str:
        return self.account.address

    def call(
        self, to: str, function: abi.Function, *arguments: Any, gas: int | None = None
    ) -> TxReceipt:
        """Calls a contract's function in a transaction and waits until it stands in a block.

        Raises `RevertedError` with the contract's reason. Without `gas` it is estimated.
        """
        return self.wait([self.post(to, function.calldata(*arguments), gas=gas)])[0]

    def deploy(self, contract: str, *arguments: Any) -> tuple[str, TxReceipt]:
        """Creates one of our contracts; gives its address and the receipt."""
        receipt = self.wait([self.post(None, abi.constructor(contract, *arguments))])[0]
        address = receipt["contractAddress"]
        if address is None:
            raise ChainError(f"{contract} was not created.", "Look at the node's log.")
        return address, receipt

    def post(
        self, to: str | None, data: bytes = b"", *, gas: int | None = None, value: int = 0
    ) -> HexBytes:
        """Signs and sends, and does not wait. With `gas` several can be under way."""
        transaction: TxParams = {"from": self.account.address, "data": HexBytes(data)}
        transaction |= {"value": Wei(value), "chainId": self._chain_id}
        if to is not None:
            transaction["to"] = Web3.to_checksum_address(to)
        with translated():
            transaction["gas"] = gas or self._estimate(transaction)
            return self._send(transaction | fees(self.w3))

    def wait(self, hashes: Iterable[HexBytes]) -> list[TxReceipt]:
        """The receipts, once all stand in blocks. `RevertedError` for the first that failed."""
        return [self._receipt(tx_hash) for tx_hash in hashes]

    def _estimate(self, transaction: TxParams) -> int:
        needed = self.w3.eth.estimate_gas(transaction | {"gas": TX_GAS_LIMIT}, "pending")
        return min(needed * 11 // 10, TX_GAS_LIMIT)

    def _send(self, transaction: TxParams) -> HexBytes:
        if self._nonce is None:
            self._nonce = self.w3.eth.get_transaction_count(self.account.address, "pending")
        complete: dict[str, Any] = {**transaction, "nonce": self._nonce}
        signed = self.account.sign_transaction(complete)
        try:
            sent = self.w3.eth.send_raw_transaction(signed.raw_transaction)
        except Exception:
            self._nonce = None
            raise
        self._nonce += 1
        return sent

    def _receipt(self, tx_hash: HexBytes) -> TxReceipt:
        try:
            receipt = self.w3.eth.wait_for_transaction_receipt(tx_hash, self._timeout, 0.05)
        except TimeExhausted as error:
            raise ChainError(
                f"Transaction {tx_hash.to_0x_hex()} is in no block after {self._timeout:g} s.",
                "Look at the node's log; the fee may be too low.",
            ) from error
        if receipt["status"] != 1:
            raise self._why(tx_hash, receipt)
        return receipt

    def _why(self, tx_hash: HexBytes, receipt: TxReceipt) -> RevertedError:
        """A receipt does not say why; the same call on the state after the block mostly does."""
        sent = self.w3.eth.get_transaction(tx_hash)
        again: TxParams = {"from": sent["from"], "data": sent["input"], "gas": sent["gas"]}
        if "to" in sent:
            again["to"] = sent["to"]
        try:
            with translated():
                self.w3.eth.call(again, receipt["blockNumber"])
        except RevertedError as error:
            return error
        except ChainError:
            pass
        return RevertedError("", (), f"Transaction {tx_hash.to_0x_hex()} failed.")


def fees(w3: Web3) -> TxParams:
    """What a transaction offers for gas: twice the base fee, so that it stays valid for a while."""
    base = w3.eth.get_block("latest").get("baseFeePerGas")
    if base is None:
        return {"gasPrice": w3.eth.gas_price}
    try:
        tip = w3.eth.max_priority_fee
    except Web3RPCError:  # not every node has the method
        tip = Wei(0)
    return {"maxFeePerGas": Wei(2 * base + tip), "maxPriorityFeePerGas": tip}
