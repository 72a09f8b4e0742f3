"""Each cell of the table in docs/governance.md: who can do what, how late, and what nobody can."""

import re
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from eth_account import Account

from gridroam.chain import abi, governance
from gridroam.chain.anvil import Anvil
from gridroam.chain.deploy import DEVNET_LIMITS, deploy
from gridroam.chain.governance import ADMISSION, COUNCIL, LIMITS, ROLES, Role, Seats
from gridroam.chain.ledger import Ledger
from gridroam.chain.wallet import Wallet
from gridroam.errors import InvalidInputError, RevertedError

GOVERNED: dict[str, tuple[Any, ...]] = {
    "admit": ("0x" + "ab" * 20, 1, "11XSUPPLIER----Z"),
    "setRoles": (1, 3),
    "reinstate": (1,),
    "setLimits": (astuple(replace(DEVNET_LIMITS, skew=30)),),
    "suspend": (1,),
    "pause": (),
    "unpause": (),
}
MONEY: dict[tuple[str, str], tuple[str, tuple[Any, ...]]] = {
    ("Ledger", "credit"): ("OnlyVault", (1, 1)),
    ("Ledger", "debit"): ("OnlyVault", ("0x" + "cd" * 20, 1)),
    ("Ledger", "adjust"): ("OnlyCorrections", ([(1, 2, 1, 0, 0)], [1, 2], b"\1" * 32)),
    ("Vault", "withdraw"): ("NotAParticipant", (10**9, "0x" + "ab" * 20)),
    ("Registry", "publishTariff"): (
        "NotAParticipant",
        (2, (1, 1, 1, 0, 0, 0, 1, 1_900_000_800, 0)),
    ),
    ("Registry", "approveStations"): ("NotAParticipant", ([1],)),
    ("Registry", "revokeStationKey"): ("NotYourStation", (1,)),
    ("Registry", "moveAccount"): ("NotAParticipant", ("0x" + "ab" * 20,)),
    ("Ledger", "registerVehicles"): ("NotAParticipant", ([b"\1" * 32], 1_900_000_800)),
}
"""What nobody may do who is no participant, and why not."""
ACTORS = ("council", "admission", "limits", "guardian", "deployer", "stranger")


class Governed(NamedTuple):
    """A market whose governance is established, and a wallet for everybody who might try."""

    anvil: Anvil
    contracts: dict[str, str]
    wallets: dict[str, Wallet]

    def do(self, who: str, contract: str, function: str, *arguments: Any) -> None:
        called = abi.functions(contract)[function]
        self.wallets[who].call(self.contracts[contract], called, *arguments)

    def schedule(self, who: str, contract: str, function: str, *arguments: Any) -> None:
        data = abi.functions(contract)[function].calldata(*arguments)
        self.do(who, "AccessManager", "schedule", self.contracts[contract], data, 0)

    def wait(self, seconds: int) -> None:
        self.anvil.rpc("evm_increaseTime", seconds)
        self.anvil.rpc("evm_mine")


@pytest.fixture(scope="module")
def established() -> Iterator[tuple[Anvil, dict[str, str]]]:
    with Anvil() as anvil:
        made = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
        ledger = Ledger.connect(anvil.w3, made.ledger)
        deployer = Wallet(anvil.w3, anvil.admin)
        admit = abi.functions("Registry")["admit"]
        deployer.call(made.registry, admit, "0x" + "01" * 20, 7, "first")
        seats = Seats(*(Account.from_key(key).address for key in anvil.keys[1:5]))
        governance.establish(deployer, made.authority, made.registry, seats)
        contracts = {"AccessManager": made.authority, "Registry": made.registry}
        contracts |= {"Ledger": made.ledger, "Vault": ledger.vault_address}
        yield anvil, contracts


@pytest.fixture
def governed(established: tuple[Anvil, dict[str, str]]) -> Iterator[Governed]:
    anvil, contracts = established
    snapshot = anvil.rpc("evm_snapshot")
    accounts = [Account.from_key(key) for key in anvil.keys[1:6]]
    accounts.insert(4, anvil.admin)
    wallets = {n: Wallet(anvil.w3, a) for n, a in zip(ACTORS, accounts, strict=True)}
    yield Governed(anvil, contracts, wallets)
    anvil.rpc("evm_revert", snapshot)


@pytest.mark.parametrize("function", GOVERNED)
@pytest.mark.parametrize("who", ACTORS)
def test_role__each_function__at_once_later_or_never(
    governed: Governed, who: str, function: str
) -> None:
    (role,) = (role for role in ROLES if function in role.functions)
    arguments = GOVERNED[function]
    if role.name != who:
        _refuses(governed, who, function)
    elif role.delay == 0:
        governed.do(who, "Registry", function, *arguments)
    else:
        with pytest.raises(RevertedError) as early:
            governed.do(who, "Registry", function, *arguments)
        assert early.value.name == "AccessManagerNotScheduled"
        governed.schedule(who, "Registry", function, *arguments)
        governed.wait(role.delay - 10)
        with pytest.raises(RevertedError) as still_early:
            governed.do(who, "Registry", function, *arguments)
        assert still_early.value.name == "AccessManagerNotReady"
        governed.wait(10)
        governed.do(who, "Registry", function, *arguments)


def _refuses(governed: Governed, who: str, function: str) -> None:
    with pytest.raises(RevertedError) as at_once:
        governed.do(who, "Registry", function, *GOVERNED[function])
    assert at_once.value.name == "AccessManagedUnauthorized"
    with pytest.raises(RevertedError) as announced:
        governed.schedule(who, "Registry", function, *GOVERNED[function])
    assert announced.value.name == "AccessManagerUnauthorizedCall"


@pytest.mark.parametrize("who", ACTORS)
def test_role__money_sessions_and_others_property__never(governed: Governed, who: str) -> None:
    for (contract, function), (reason, arguments) in MONEY.items():
        with pytest.raises(RevertedError) as caught:
            governed.do(who, contract, function, *arguments)
        assert caught.value.name == reason, function


def test_council__seats_somebody__after_its_delay_only(governed: Governed) -> None:
    grant = (
        "AccessManager",
        "grantRole",
        ADMISSION.number,
        governed.wallets["stranger"].address,
        0,
    )
    with pytest.raises(RevertedError):
        governed.do("council", *grant)
    governed.schedule("council", *grant)
    governed.wait(COUNCIL.delay)
    governed.do("council", *grant)
    governed.do("stranger", "Registry", "admit", *GOVERNED["admit"])


@pytest.mark.parametrize("who", [actor for actor in ACTORS if actor != "council"])
def test_seats__are_the_councils_to_give(governed: Governed, who: str) -> None:
    own = governed.wallets[who].address
    for role in (governance.ADMIN, *(r.number for r in ROLES)):
        with pytest.raises(RevertedError) as caught:
            governed.do(who, "AccessManager", "grantRole", role, own, 0)
        assert caught.value.name == "AccessManagerUnauthorizedAccount"


@pytest.mark.parametrize("role", [ADMISSION, LIMITS], ids=lambda role: role.name)
def test_guardian__cancels_what_is_announced(governed: Governed, role: Role) -> None:
    function, arguments = role.functions[0], GOVERNED[role.functions[0]]
    governed.schedule(role.name, "Registry", function, *arguments)
    caller = governed.wallets[role.name].address
    data = abi.functions("Registry")[function].calldata(*arguments)
    cancel = ("AccessManager", "cancel", caller, governed.contracts["Registry"], data)
    with pytest.raises(RevertedError):
        governed.do("stranger", *cancel)
    governed.do("guardian", *cancel)
    governed.wait(role.delay)
    with pytest.raises(RevertedError) as caught:
        governed.do(role.name, "Registry", function, *arguments)
    assert caught.value.name == "AccessManagerNotScheduled"


def test_establish__an_account_that_deploys_takes_no_seat(anvil: Anvil) -> None:
    made = deploy(anvil.w3, anvil.admin, DEVNET_LIMITS, None)
    other = "0x" + "01" * 20
    with pytest.raises(InvalidInputError):
        governance.establish(
            Wallet(anvil.w3, anvil.admin),
            made.authority,
            made.registry,
            Seats(other, other, anvil.admin.address, other),
        )


def test_roles__every_restricted_function_has_one() -> None:
    sources = Path("contracts").glob("*.sol")
    restricted = {
        name
        for source in sources
        for name in re.findall(
            r"function (\w+)\([^)]*\)\s+external\s+restricted", source.read_text()
        )
    }
    assert restricted == set(GOVERNED) == {f for role in ROLES for f in role.functions}


def test_page__has_the_roles_as_they_are() -> None:
    page = Path("docs/governance.md").read_text()
    for role in (COUNCIL, *ROLES):
        (row,) = re.findall(rf"^\| \**{role.name}\b.*$", page, re.MULTILINE | re.IGNORECASE)
        assert all(f"`{function}`" in row for function in role.functions)
        days = role.delay // governance.DAY
        assert (f"{days} day" if days else "none") in row
