"""The files for operators name only what exists."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import which
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

import gridroam.relay.metrics
from gridroam import ops
from gridroam.http import metrics
from gridroam.settings import ConsoleSettings, IndexSettings, RelaySettings

FOLDER = Path(ops.__file__).parent
ROOT = Path(__file__).parents[2]
PROXIES = ["Caddyfile", "nginx.conf"]


def named(text: str) -> set[str]:
    return set(re.findall(r"\b(?:gridroam|process)_[a-z_]+", text)) - {"gridroam_relay"}


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((FOLDER / "grafana.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def test_dashboard__names_only_metrics_that_exist() -> None:
    assert gridroam.relay.metrics
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    assert expressions
    assert named("\n".join(expressions)) <= metrics.names()


def test_dashboard__shows_every_metric_of_ours() -> None:
    shown = {
        strip(name) for panel in panels() for t in panel["targets"] for name in named(t["expr"])
    }
    ours = {strip(name) for name in metrics.names() if name.startswith("gridroam_")}
    assert ours - shown == set()


def strip(name: str) -> str:
    return re.sub(r"_(total|bucket|sum|count)$", "", name)


def test_dashboard__labels_in_legends_are_labels_of_the_metric() -> None:
    labels = {
        strip(name): set(collector._labelnames)
        for name, collector in metrics.registry._names_to_collectors.items()
        if hasattr(collector, "_labelnames")
    }
    for panel in panels():
        for target in panel["targets"]:
            known = {"instance", "job"}.union(
                *(labels[strip(n)] for n in named(target["expr"]) if strip(n) in labels)
            )
            used = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert used <= known, panel["title"]


def test_alerts__name_only_metrics_that_exist() -> None:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
    assert named("\n".join(rule["expr"] for rule in rules)) <= metrics.names()
    guide = (ROOT / "docs" / "operations.md").read_text()
    for rule in rules:
        assert rule["alert"] in guide, "docs/operations.md says what to do"


def test_settings_of_the_example__exist() -> None:
    given = tomllib.loads((FOLDER / "relay.toml").read_text())
    assert given.keys() <= RelaySettings.model_fields.keys()


def test_ports_of_the_examples__are_free_for_each_other() -> None:
    relay = RelaySettings.read(FOLDER / "relay.toml")
    index = IndexSettings().port
    ports = [relay.port, relay.operator_port, ConsoleSettings().port, index]
    assert len(set(ports)) == len(ports)
    for proxy in PROXIES:
        named = set(re.findall(r"127\.0\.0\.1:(\d+)", (FOLDER / proxy).read_text()))
        assert named == {str(port) for port in ports} - {str(relay.operator_port)}
    guide = (ROOT / "docs" / "operations.md").read_text()
    assert f'targets: ["127.0.0.1:{relay.operator_port}"]' in guide


def test_settings_of_unit_and_container__exist() -> None:
    text = (FOLDER / "gridroam-relay.service").read_text() + (FOLDER / "Containerfile").read_text()
    used = {name.lower() for name in re.findall(r"GRIDROAM_([A-Z_]+)", text)}
    assert used
    assert used <= RelaySettings.model_fields.keys()


def test_unit__is_hardened() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(FOLDER / "gridroam-relay.service")
    service = parser["Service"]
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["MemoryDenyWriteExecute"] == "yes"


def test_unit__reads_nothing_that_only_root_may() -> None:
    text = (FOLDER / "gridroam-relay.service").read_text()
    credentials = dict(re.findall(r"^LoadCredential\w*=([^:]+):(\S+)", text, re.MULTILINE))
    started = "\n".join(re.findall(r"^(?:ExecStart|Environment)=.*", text, re.MULTILINE))
    assert "/etc/gridroam" not in started
    assert set(re.findall(r"%d/(\S+)", started)) <= credentials.keys()
    assert all(path.startswith("/etc/gridroam/") for path in credentials.values())


@pytest.mark.skipif(which("systemd-analyze") is None, reason="no systemd on this machine")
def test_unit__is_one_for_systemd() -> None:
    run = subprocess.run(
        ["systemd-analyze", "verify", FOLDER / "gridroam-relay.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Unknown" not in run.stderr


def test_container__is_built_of_what_it_copies(tmp_path: Path) -> None:
    text = (FOLDER / "Containerfile").read_text()
    build, _, _ = text.partition("\nFROM docker.io/library/python:3.11-slim-bookworm\n")
    for line in re.findall(r"^COPY (.*)", build, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / target)
            else:
                shutil.copy(ROOT / source, tmp_path / target)
    path = re.findall(r"^ENV PATH=(\S+):\$PATH", build, re.MULTILINE)
    assert path == ["/opt/gridroam/bin"]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            ".",
        ],
        cwd=tmp_path,
        env={"PATH": f"{sys.prefix}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = ZipFile(wheel).namelist()
    for file in FOLDER.iterdir():
        if file.is_file():
            assert f"gridroam/ops/{file.name}" in names


@pytest.mark.parametrize("proxy", PROXIES)
def test_proxy__lets_the_relay_say_what_is_too_large(proxy: str) -> None:
    sizes = re.findall(
        r"(?:max_size|client_max_body_size) (\d+)(?:MiB|m)\b", (FOLDER / proxy).read_text()
    )
    assert sizes
    for size in sizes:
        assert int(size) * 2**20 > RelaySettings.model_fields["max_body_bytes"].default


@pytest.mark.parametrize("proxy", PROXIES)
def test_proxy__keeps_operators_addresses_to_itself(proxy: str) -> None:
    text = (FOLDER / proxy).read_text()
    assert "/metrics" in text
    assert "/v1/operator/" in text
