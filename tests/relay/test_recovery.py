"""Signatures that are recovered in processes beside the relay."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridroam.relay.recovery import MANY, Recovery
from gridroam.signatures import KeyCurve, key_on, recover

SCRIPT = """
import sys, time
from gridroam.relay.recovery import Recovery
if __name__ == "__main__":
    Recovery(1)([(bytes(32), bytes(65))] * 100)
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def recovery() -> Iterator[Recovery]:
    two = Recovery(2)
    yield two
    two.close()


def some(number: int) -> list[tuple[bytes, bytes]]:
    """Of both curves, every fifth of them none."""
    found = []
    for n in range(1, number + 1):
        digest = n.to_bytes(32, "big")
        curve = KeyCurve.SECP256R1 if n % 3 == 0 else KeyCurve.SECP256K1
        made = key_on(curve, digest).sign(digest)
        found.append((digest, made if n % 5 else made[:-1] + b"\x07"))
    return found


def children() -> list[int]:
    listed = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [int(pid) for one in listed for pid in one.read_text().split()]
    return [p for p in pids if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


@pytest.mark.parametrize("number", [0, 1, MANY - 1, MANY, MANY + 1, 101])
def test_the_same_as_here_in_the_same_order(recovery: Recovery, number: int) -> None:
    signatures = some(number)
    assert recovery(signatures) == [recover(*one) for one in signatures]
    assert bool(children()) == (number >= MANY)


def test_goes_on_without_a_process_that_was_killed(recovery: Recovery) -> None:
    signatures = some(MANY)
    expected = recovery(signatures)
    for pid in children():
        os.kill(pid, signal.SIGKILL)
    assert recovery(signatures) == expected
    assert not children()


def test_stays_when_all_of_the_service_are_asked_to_end() -> None:
    """As systemd does, while the relay still answers what has arrived."""
    signatures, recovery = some(MANY), Recovery(1)
    expected = recovery(signatures)
    before = children()
    for pid in before:
        os.kill(pid, signal.SIGTERM)
    assert recovery(signatures) == expected
    assert children() == before
    recovery.close()


def test_ends_with_a_relay_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "relay.py"
    script.write_text(SCRIPT)
    relay = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert relay.stdout is not None
    assert relay.stdout.readline() == b"ready\n"
    pids = [
        int(pid)
        for listed in Path(f"/proc/{relay.pid}/task").glob("*/children")
        for pid in listed.read_text().split()
    ]
    relay.kill()
    relay.wait()
    relay.stdout.close()
    assert pids
    deadline = time.monotonic() + 10
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process outlives the relay"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return b"python" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
