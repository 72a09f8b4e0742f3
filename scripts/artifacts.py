"""ABI and bytecode of what the relay deploys, compiled with the settings in foundry.toml."""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import solcx
import yaml

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "backend/gridroam/chain/artifacts"
SOURCES = {
    "AccessManager": "node_modules/@openzeppelin/contracts/access/manager/AccessManager.sol",
    "Ledger": "contracts/Ledger.sol",
    "Registry": "contracts/Registry.sol",
    "TestEuro": "contracts/devnet/TestEuro.sol",
    "Vault": "contracts/Vault.sol",
}


def foundry_profile() -> dict[str, Any]:
    return tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]


def compiler_version() -> str:
    """The version that package.json pins; the shim and ape use the same."""
    return json.loads((ROOT / "package.json").read_text())["dependencies"]["solc"]


def check_ape_agrees(profile: dict[str, Any]) -> None:
    ape = yaml.safe_load((ROOT / "ape-config.yaml").read_text())["solidity"]
    expected = {
        "version": compiler_version(),
        "evm_version": profile["evm_version"],
        "optimize": profile["optimizer"],
        "optimization_runs": profile["optimizer_runs"],
        "via_ir": profile["via_ir"],
    }
    differing = [name for name, value in expected.items() if ape.get(name) != value]
    if differing:
        sys.exit(f"ape-config.yaml and foundry.toml differ in: {', '.join(differing)}")


def compile_contracts(profile: dict[str, Any]) -> dict[str, dict[str, Any]]:
    present = {name: path for name, path in SOURCES.items() if (ROOT / path).exists()}
    output = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {path: {"content": (ROOT / path).read_text()} for path in present.values()},
            "settings": {
                "evmVersion": profile["evm_version"],
                "metadata": {
                    "appendCBOR": profile["cbor_metadata"],
                    "bytecodeHash": profile["bytecode_hash"],
                },
                "optimizer": {
                    "enabled": profile["optimizer"],
                    "runs": profile["optimizer_runs"],
                },
                "outputSelection": {
                    path: {name: ["abi", "evm.bytecode.object"]} for name, path in present.items()
                },
                "remappings": profile["remappings"],
                "viaIR": profile["via_ir"],
            },
        },
        solc_version=compiler_version(),
        base_path=str(ROOT),
    )
    return {name: artifact(name, output["contracts"][path][name]) for name, path in present.items()}


def artifact(name: str, compiled: dict[str, Any]) -> dict[str, Any]:
    return {
        "contractName": name,
        "abi": sorted(compiled["abi"], key=lambda entry: (entry["type"], signature(entry))),
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
    }


def signature(entry: dict[str, Any]) -> str:
    inputs = ",".join(parameter["type"] for parameter in entry.get("inputs", []))
    return f"{entry.get('name', '')}({inputs})"


def render(document: dict[str, Any]) -> str:
    """One line per ABI entry, so that a diff shows what changed."""
    abi = ",\n".join("    " + json.dumps(entry) for entry in document["abi"])
    rest = {key: json.dumps(value) for key, value in document.items() if key != "abi"}
    return (
        f'{{\n  "contractName": {rest["contractName"]},\n  "abi": [\n{abi}\n  ],\n'
        f'  "bytecode": {rest["bytecode"]}\n}}\n'
    )


def main() -> None:
    profile = foundry_profile()
    check_ape_agrees(profile)
    try:
        contracts = compile_contracts(profile)
    except solcx.exceptions.SolcError as error:
        messages = re.findall(r"\w+Error: .*(?:\n.*){0,6}", error.message or str(error))
        sys.exit("\n".join(messages) or str(error))
    fresh = {ARTIFACTS / f"{name}.json": render(found) for name, found in contracts.items()}
    there = set(ARTIFACTS.glob("*.json"))
    stale = sorted(
        path.name
        for path in there | fresh.keys()
        if path not in there or path.read_text() != fresh.get(path)
    )
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"not fresh: {', '.join(stale)}; run scripts/artifacts and commit the result")
        print(f"artifacts: {len(fresh)} fresh")
        return
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    for path in there - fresh.keys():
        path.unlink()
    for path, text in fresh.items():
        path.write_text(text)
    print(f"artifacts: {', '.join(stale) or 'nothing'} changed")


if __name__ == "__main__":
    main()
