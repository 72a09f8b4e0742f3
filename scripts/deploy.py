"""Deploy the contracts: ape run deploy [--account ALIAS] [--token ADDRESS] [--network ...].

On the local network ape's first test account deploys, with a test euro. Whoever deploys becomes
governance. Limits are those of a devnet; governance changes them with `setLimits`.
"""

from dataclasses import astuple

import click
from ape import accounts, project
from ape.api import AccountAPI
from ape.cli import ConnectedProviderCommand
from ape.contracts import ContractContainer
from ape.managers.project import LocalProject
from ethpm_types import ContractType

from gridroam.chain import artifacts
from gridroam.chain.deploy import DEVNET_LIMITS, DEVNET_WINDOW, created_address


def compile_anew(contracts: LocalProject) -> None:
    """Unless they are as scripts/artifacts compiled them: ape overlooks a change in an import."""
    names = ("Corrections", "Ledger", "Registry", "TestEuro")
    code = {name: contracts.contracts[name].deployment_bytecode for name in names}
    if any(str(code[name].bytecode) != artifacts.bytecode(name) for name in names):
        contracts.load_contracts(use_cache=False)


def access_manager() -> ContractContainer:
    """OpenZeppelin's, which is no source of ours."""
    code = {"bytecode": artifacts.bytecode("AccessManager")}
    contract = {
        "contractName": "AccessManager",
        "abi": artifacts.abi("AccessManager"),
        "deploymentBytecode": code,
    }
    return ContractContainer(ContractType.model_validate(contract))


def deploy(account: AccountAPI, token: str | None) -> dict[str, str]:
    authority = account.deploy(access_manager(), account)
    registry = account.deploy(project.Registry, authority, astuple(DEVNET_LIMITS))
    euro = token or account.deploy(project.TestEuro).address
    # the ledger names the corrections, which come after it
    ledger = account.deploy(
        project.Ledger, registry, euro, created_address(account.address, account.nonce + 1)
    )
    corrections = account.deploy(project.Corrections, ledger, DEVNET_WINDOW)
    return {
        "authority": authority.address,
        "registry": registry.address,
        "token": euro,
        "ledger": ledger.address,
        "vault": ledger.vault(),
        "corrections": corrections.address,
    }


@click.command(cls=ConnectedProviderCommand)
@click.option("--account", "alias", help="One of `ape accounts list`; else a test account.")
@click.option("--token", help="Address of the ERC-20 euro; else a test euro is deployed.")
def cli(alias: str | None, token: str | None) -> None:
    """Deploy AccessManager, Registry and Ledger, which brings its Vault."""
    compile_anew(project)
    account = accounts.load(alias) if alias else accounts.test_accounts[0]
    for name, address in deploy(account, token).items():
        click.echo(f"{name:<10} {address}")
