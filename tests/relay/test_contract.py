"""The OpenAPI document against the running relay: whatever schemathesis makes of it, the relay
answers as the document says, and never with a bug. `GRIDROAM_SCHEMA_SECONDS` looks for longer.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from plug import Plug
from serving import served, settings

from gridroam.chain.anvil import Anvil
from gridroam.chain.ledger import Ledger
from gridroam.relay.client import RelayClient

pytestmark = [pytest.mark.chain, pytest.mark.slow]

CONFIG = """
# no schema can say which signatures are good, and one wrong message does not stop the others of
# its delivery, which is answered message by message
[[operations]]
include-name = "POST /v1/messages"
checks.positive_data_acceptance.expected-statuses = ["2xx", "403", "409", "422"]
checks.negative_data_rejection.expected-statuses = ["2xx", "400", "403", "409", "415", "422"]

# nor which cursors
[[operations]]
include-name = ["GET /v1/messages", "GET /v1/outcomes"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "422"]
"""

SECONDS = os.environ.get("GRIDROAM_SCHEMA_SECONDS", "20")


@pytest.fixture
def url(anvil: Anvil, ledger: Ledger, tmp_path: Path) -> Iterator[str]:
    with served(settings(anvil, ledger.address, tmp_path / "relay.db", max_wait=0.2)) as address:
        yield address


def test_schemathesis__finds_nothing_that_the_document_does_not_say(
    url: str, plug: Plug, tmp_path: Path
) -> None:
    with RelayClient(url) as client:
        client.send([plug.opening(), plug.report()], wait=10)
    program = Path(sys.executable).with_name("schemathesis")
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    run = subprocess.run(
        [
            program,
            f"--config-file={config}",
            "run",
            f"{url}/openapi.json",
            f"--max-time={SECONDS}",
            "--phases=examples,coverage,fuzzing",
            "--checks=all",
            # a stream does not end; test_lists reads it
            "--exclude-path=/v1/outcomes/stream",
            "--max-examples=40",
            "--no-color",
            "--generation-database=none",
            "--request-timeout=20",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-9000:] + run.stderr[-2000:]
