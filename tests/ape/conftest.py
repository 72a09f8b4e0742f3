"""The contracts on ape's local network, with one company for each role and a stranger."""

from dataclasses import astuple

import pytest
from scripts.deploy import access_manager, compile_anew

from gridroam.chain.deploy import DEVNET_LIMITS, DEVNET_WINDOW, created_address
from gridroam.domain.participants import Role
from gridroam.domain.slots import SLOT, slot_start

METER = b"meter".rjust(32, b"\0")
STATION_KEY = b"station".rjust(32, b"\1")


@pytest.fixture(scope="session", autouse=True)
def compiled(project):
    compile_anew(project)


@pytest.fixture(scope="session")
def governance(accounts):
    return accounts[0]


@pytest.fixture(scope="session")
def supplier(accounts):
    return accounts[1]


@pytest.fixture(scope="session")
def other_supplier(accounts):
    return accounts[2]


@pytest.fixture(scope="session")
def grid_operator(accounts):
    return accounts[3]


@pytest.fixture(scope="session")
def station_operator(accounts):
    return accounts[4]


@pytest.fixture(scope="session")
def stranger(accounts):
    return accounts[5]


@pytest.fixture(scope="session")
def token(project, governance):
    return governance.deploy(project.TestEuro)


@pytest.fixture(scope="session")
def registry(project, governance, supplier, other_supplier, grid_operator, station_operator):
    """With its participants 1 to 4."""
    authority = governance.deploy(access_manager(), governance)
    deployed = governance.deploy(project.Registry, authority, astuple(DEVNET_LIMITS))
    for account, role in (
        (supplier, Role.SUPPLIER),
        (other_supplier, Role.SUPPLIER),
        (grid_operator, Role.GRID_OPERATOR),
        (station_operator, Role.STATION_OPERATOR),
    ):
        deployed.admit(account, int(role), "9900000000011", sender=governance)
    return deployed


@pytest.fixture(scope="session")
def ledger(project, governance, registry, token):
    # the ledger names the corrections, which come after it
    coming = created_address(governance.address, governance.nonce + 1)
    deployed = governance.deploy(project.Ledger, registry, token, coming)
    governance.deploy(project.Corrections, deployed, DEVNET_WINDOW)
    return deployed


@pytest.fixture(scope="session")
def vault(project, ledger):
    return project.Vault.at(ledger.vault())


@pytest.fixture
def slot(chain):
    """The start of a slot that the chain has just reached."""
    start = slot_start(chain.pending_timestamp) + SLOT
    chain.pending_timestamp = start
    return start
