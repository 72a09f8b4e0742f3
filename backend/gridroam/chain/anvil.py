"""A chain on this machine for devnet, demo and tests: Foundry's anvil as a child process, with the
rules of the Osaka fork. Time can be set, and the state kept in a file."""

import contextlib
import ctypes
import gzip
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.types import RPCEndpoint

from gridroam.chain.node import connect
from gridroam.errors import BrokenFileError, ChainError, NodeUnreachableError
from gridroam.settings import LocalChainSettings

_START_TIMEOUT = 30.0
_LOCKED = "node_modules/@foundry-rs/anvil-*/bin/anvil"
_CHECKOUT = Path(__file__).resolve().parents[3]


class Anvil:
    """Runs while the `with` block does.

    `timestamp` is the time of the first block, `block_time` the seconds between blocks (none: every
    transaction gets a block at once), `state` a file that is loaded if it exists and that `save`
    writes, `accounts` the number of funded accounts, whose private keys are in `keys`, `states` how
    many of the last blocks it remembers the state of. Without, it moves old states to disk (after
    500 blocks all but the last 10, step by step); they can be read, but `anvil_rollback` to one
    brings the accounts back without their code.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        timestamp: int | None = None,
        block_time: int | None = None,
        state: Path | None = None,
        accounts: int = 10,
        states: int | None = None,
        chain_id: int = 31337,
        binary: str | None = None,
    ) -> None:
        self._port = port or _free_port()
        self._state = state
        self._saved = -1
        self._binary = _find(binary or LocalChainSettings.read().anvil)
        self._options: dict[str, object] = {
            "port": self._port,
            "timestamp": timestamp,
            "block-time": block_time,
            "accounts": accounts,
            "prune-history": states,
            "chain-id": chain_id,
            "load-state": state if state is not None and state.exists() else None,
            "hardfork": "osaka",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @cached_property
    def w3(self) -> Web3:
        return connect(self.url, timeout=60.0)

    @cached_property
    def keys(self) -> list[bytes]:
        """Private keys of the funded accounts; anvil's own, known to everybody."""
        config = json.loads((self._folder / "config.json").read_text())
        return [bytes.fromhex(key[2:]) for key in config["private_keys"]]

    @cached_property
    def admin(self) -> LocalAccount:
        """The first of the funded accounts."""
        account: LocalAccount = Account.from_key(self.keys[0])
        return account

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Returns when it answers; raises `ChainError` with what anvil says if it does not."""
        self._folder = Path(tempfile.mkdtemp(prefix="gridroam-"))
        with (self._folder / "log").open("wb") as log:
            # a group of its own: Ctrl-C is for us, who stop it when the others have stopped
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=die_with_parent(),  # noqa: PLW1509
            )
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._answers():
            if not self.is_running or time.monotonic() > deadline:
                said = self._said()
                self.stop()
                raise self._failure(said)
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Ends it. What was not saved is gone."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def save(self) -> None:
        """Writes what is new to the state file: whole or not at all."""
        block = self.w3.eth.block_number
        if self._state is None or block == self._saved:
            return
        dump = gzip.decompress(bytes.fromhex(self.rpc("anvil_dumpState")[2:]))
        try:
            beside = self._state.with_name(self._state.name + ".new")
            beside.write_bytes(dump)
            beside.replace(self._state)
        except OSError as error:
            raise BrokenFileError(f"{self._state} cannot be written: {error.strerror}.") from error
        self._saved = block

    # -------------------------------------------------------------------------------------- Time

    def set_next_time(self, timestamp: int) -> None:
        """The next block's time, UTC seconds; from there on time runs as usual."""
        self.rpc("evm_setNextBlockTimestamp", timestamp)

    def mine(self, blocks: int = 1) -> None:
        self.rpc("anvil_mine", hex(blocks))

    def rpc(self, method: str, *params: Any) -> Any:
        """Any of anvil's own methods; raises `ChainError` with what it says."""
        response = self.w3.provider.make_request(RPCEndpoint(method), list(params))
        if "error" in response:
            raise ChainError(f"anvil refused {method}: {response['error']}.")
        return response["result"]

    # ---------------------------------------------------------------------------------- Internal

    def _command(self) -> list[str]:
        options = self._options | {"config-out": self._folder / "config.json"}
        chosen = [f"--{name}={value}" for name, value in options.items() if value is not None]
        return [self._binary, "--quiet", "--enable-tx-gas-limit", *chosen]

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self._port), 1).close()
            # whoever listens there may be another program
            return self.is_running and (self._folder / "config.json").exists()
        return False

    def _said(self) -> str:
        said = (self._folder / "log").read_text(errors="replace")
        return said.strip().partition("\n")[0]

    def _failure(self, said: str) -> ChainError | BrokenFileError:
        if "parse json" in said or "load-state" in said:
            return BrokenFileError(
                f"{self._state} is no state of a local chain.",
                "Choose another file, or remove it to start a new chain.",
            )
        if "in use" in said:
            return ChainError(
                f"Port {self._port} is taken.", "Choose another one, or 0 for any that is free."
            )
        return NodeUnreachableError(f"anvil does not start: {said or 'it says nothing'}.")


def move_clock(w3: Web3, timestamp: int) -> None:
    """Takes a local chain's time forward, UTC seconds. Raises `ChainError` where that is not so."""
    for method, value in ("evm_setNextBlockTimestamp", timestamp), ("anvil_mine", "0x1"):
        response = w3.provider.make_request(RPCEndpoint(method), [value])
        if "error" in response:
            raise ChainError(
                f"The node's clock cannot be moved to {timestamp}: {response['error']}.",
                "Only a local chain's can, and only forward.",
            )


def _find(binary: str | None) -> str:
    candidates = [binary] if binary else [shutil.which("anvil"), *_CHECKOUT.glob(_LOCKED)]
    for candidate in candidates:
        if candidate is not None and (found := shutil.which(candidate)):
            return found
    raise ChainError(
        "There is no anvil, which runs the local chain.",
        "Run scripts/setup, or install Foundry, or set GRIDROAM_ANVIL to the program.",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def die_with_parent() -> Callable[[], None] | None:
    """For a child process to run first (`preexec_fn`): it ends when we do, however we end."""
    # the kernel counts the end of the thread that started it as the parent's
    is_main_thread = threading.current_thread() is threading.main_thread()
    return _ask_for_death if sys.platform == "linux" and is_main_thread else None


def _ask_for_death() -> None:
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
