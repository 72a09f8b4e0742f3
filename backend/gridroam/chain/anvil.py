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
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.types import RPCEndpoint

from gridroam.chain.node import connect
from gridroam.errors import BrokenFileError, ChainError, NodeUnreachableError

_START_TIMEOUT = 30.0
_CHECKOUT = Path(__file__).resolve().parents[3]


class Anvil:
    """Runs while the `with` block does.

    `timestamp` is the time of the first block, `block_time` the seconds between blocks (none: every
    transaction gets a block at once), `state` a file that is loaded if it exists and that `save`
    writes, `accounts` the number of funded accounts, whose private keys are in `keys`.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        timestamp: int | None = None,
        block_time: int | None = None,
        state: Path | None = None,
        accounts: int = 10,
        chain_id: int = 31337,
        binary: str | None = None,
    ) -> None:
        self._port = port or _free_port()
        self._state = state
        self._saved = -1
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as anvil
        self._config = Path(tempfile.mkdtemp(prefix="gridroam-")) / "anvil.json"
        options: dict[str, object] = {
            "port": self._port,
            "timestamp": timestamp,
            "block-time": block_time,
            "accounts": accounts,
            "chain-id": chain_id,
            "load-state": state if state is not None and state.exists() else None,
            "config-out": self._config,
            "hardfork": "osaka",
        }
        chosen = [f"--{name}={value}" for name, value in options.items() if value is not None]
        self._command = [_find(binary), "--quiet", "--enable-tx-gas-limit", *chosen]
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
        config = json.loads(self._config.read_text())
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
        # a group of its own: Ctrl-C is for us, who stop it when the others have stopped
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            process_group=0,
            preexec_fn=_die_with_parent if _is_main_thread() else None,  # noqa: PLW1509
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
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        shutil.rmtree(self._config.parent, ignore_errors=True)

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

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self._port), 1).close()
            # whoever listens there may be another program
            return self.is_running and self._config.exists()
        return False

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip().partition("\n")[0]

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


def _find(binary: str | None) -> str:
    candidates = [
        binary,
        shutil.which("anvil"),
        _CHECKOUT / ".local/bin/anvil",
        *_CHECKOUT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"),
    ]
    for candidate in candidates:
        if candidate is not None and Path(candidate).is_file():
            return str(candidate)
    raise ChainError(
        "There is no anvil, which runs the local chain.",
        "Run scripts/setup, or install Foundry, or set GRIDROAM_ANVIL to the program.",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_main_thread() -> bool:
    # the kernel counts the end of the thread that started it as the parent's
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()


def _die_with_parent() -> None:
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
