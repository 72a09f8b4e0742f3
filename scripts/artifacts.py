"""ABI and bytecode of what the relay deploys, compiled with the settings in foundry.toml; and the
storage layouts and code sizes, so that a diff shows when they change."""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import solcx
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "backend/gridroam/chain/artifacts"
SNAPSHOTS = ROOT / "tests/contracts/snapshots"
OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"]
MOST_CODE, MOST_CREATION_CODE = 24_576, 49_152  # bytes; EIP-170, EIP-3860
LAID_OUT = ("Corrections", "Ledger", "Registry")
SOURCES = {
    "AccessManager": "node_modules/@openzeppelin/contracts/access/manager/AccessManager.sol",
    "Corrections": "contracts/Corrections.sol",
    "Ledger": "contracts/Ledger.sol",
    "MeterReader": "contracts/MeterReader.sol",
    "Registry": "contracts/Registry.sol",
    "TestEuro": "contracts/devnet/TestEuro.sol",
    "Vault": "contracts/Vault.sol",
}


def foundry_profile() -> dict[str, Any]:
    settings = tomllib.loads((ROOT / "foundry.toml").read_text())
    return cast("dict[str, Any]", settings["profile"]["default"])


def compiler_version() -> str:
    """The version that package.json pins; the shim and ape use the same."""
    return str(json.loads((ROOT / "package.json").read_text())["dependencies"]["solc"])


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
                "outputSelection": {path: {name: OUTPUTS} for name, path in present.items()},
                "remappings": profile["remappings"],
                "viaIR": profile["via_ir"],
            },
        },
        solc_version=compiler_version(),
        base_path=str(ROOT),
    )
    return {name: output["contracts"][path][name] for name, path in present.items()}


def artifact(name: str, compiled: dict[str, Any]) -> dict[str, Any]:
    return {
        "contractName": name,
        "abi": sorted(compiled["abi"], key=lambda entry: (entry["type"], signature(entry))),
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
    }


def signature(entry: dict[str, Any]) -> str:
    inputs = ",".join(parameter["type"] for parameter in entry.get("inputs", []))
    return f"{entry.get('name', '')}({inputs})"


def render_artifact(document: dict[str, Any]) -> str:
    """One line per ABI entry, so that a diff shows what changed."""
    abi = ",\n".join("    " + json.dumps(entry) for entry in document["abi"])
    rest = {key: json.dumps(value) for key, value in document.items() if key != "abi"}
    return (
        f'{{\n  "contractName": {rest["contractName"]},\n  "abi": [\n{abi}\n  ],\n'
        f'  "bytecode": {rest["bytecode"]}\n}}\n'
    )


def layout(compiled: dict[str, Any]) -> dict[str, list[str]]:
    """Each variable, and each field of each struct, by slot and byte."""
    types = compiled["storageLayout"]["types"] or {}

    def lines(variables: list[dict[str, Any]]) -> list[str]:
        return [
            f"{v['slot']}:{v['offset']} {types[v['type']]['label']} {v['label']}" for v in variables
        ]

    structs = {t["label"]: lines(t["members"]) for t in types.values() if "members" in t}
    return {"storage": lines(compiled["storageLayout"]["storage"])} | dict(sorted(structs.items()))


def sizes(contracts: dict[str, dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Bytes of code on chain, and of the code that creates it, without arguments."""
    found = {
        name: {
            "code": len(compiled["evm"]["deployedBytecode"]["object"]) // 2,
            "creation": len(compiled["evm"]["bytecode"]["object"]) // 2,
        }
        for name, compiled in contracts.items()
    }
    for name, size in found.items():
        if size["code"] > MOST_CODE or size["creation"] > MOST_CREATION_CODE:
            sys.exit(f"{name} is too big for the chain: {size}")
    return found


def files(contracts: dict[str, dict[str, Any]]) -> dict[Path, str]:
    """Everything that is committed, as it should be."""
    artifacts = {
        ARTIFACTS / f"{name}.json": render_artifact(artifact(name, compiled))
        for name, compiled in contracts.items()
    }
    layouts = {
        SNAPSHOTS / f"Layout.{name}.json": json.dumps(layout(contracts[name]), indent=2) + "\n"
        for name in LAID_OUT
    }
    code = {SNAPSHOTS / "Size.json": json.dumps(sizes(contracts), indent=2) + "\n"}
    return artifacts | layouts | code


def main() -> None:
    profile = foundry_profile()
    check_ape_agrees(profile)
    try:
        contracts = compile_contracts(profile)
    except solcx.exceptions.SolcError as error:
        messages = re.findall(r"\w+Error: .*(?:\n.*){0,6}", error.message or str(error))
        sys.exit("\n".join(messages) or str(error))
    fresh = files(contracts)
    there = set(ARTIFACTS.glob("*.json")) | {path for path in fresh if path.exists()}
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
    for path in there - fresh.keys():
        path.unlink()
    for path, text in fresh.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"artifacts: {', '.join(stale) or 'nothing'} changed")


if __name__ == "__main__":
    main()
