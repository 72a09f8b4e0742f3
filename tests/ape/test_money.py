"""Deposits, withdrawals, and one session settled to the nano-euro."""

from dataclasses import astuple, replace

import ape
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from conftest import METER, STATION_KEY
from gridroam.devnet.plan import tariff
from gridroam.domain.participants import Role
from gridroam.domain.reasons import Reason
from gridroam.domain.slots import SLOT, slot_of_day
from gridroam.domain.vehicles import vehicle_id
from gridroam.messages import Domain, EnergyReport, OpenSession, sign

SUPPLIER, GRID_OPERATOR, STATION_OPERATOR = 1, 3, 4
EURO = 10**9
COMMITMENT = b"car".rjust(32, b"\0")
CAR = vehicle_id(SUPPLIER, COMMITMENT)


@pytest.fixture
def deposit(token, vault, supplier):
    token.mint(supplier, 100_000_000, sender=supplier)
    token.approve(vault, 100_000_000, sender=supplier)
    vault.deposit(SUPPLIER, 100_000_000, sender=supplier)


def test_deposit__credits_nano_euro(ledger, token, vault, deposit):
    assert ledger.accounts(SUPPLIER).balance == 100 * EURO
    assert ledger.totalBalance() == 100 * EURO
    assert token.balanceOf(vault) == 100_000_000
    assert ledger.journals(SUPPLIER)["count"] == 1


def test_deposit__for_nobody__reverts(registry, token, vault, supplier):
    token.mint(supplier, 1, sender=supplier)
    token.approve(vault, 1, sender=supplier)

    with ape.reverts(registry.NoSuchParticipant, participant=99):
        vault.deposit(99, 1, sender=supplier)


def test_deposit__with_permit__needs_no_approval(ledger, token, vault, supplier, chain):
    token.mint(supplier, 5_000_000, sender=supplier)
    deadline = chain.pending_timestamp + 600
    signature = supplier.sign_message(_permit(token, supplier, vault, 5_000_000, deadline))

    vault.depositWithPermit(
        SUPPLIER, 5_000_000, deadline, signature.v, signature.r, signature.s, sender=supplier
    )

    assert ledger.accounts(SUPPLIER).balance == 5 * EURO


def _permit(token, owner, spender, units, deadline):
    fields = ("owner address", "spender address", "value uint256")
    types = [dict(zip(("name", "type"), field.split(), strict=True)) for field in fields]
    types += [{"name": name, "type": "uint256"} for name in ("nonce", "deadline")]
    return encode_typed_data(
        domain_data={
            "name": "Test Euro",
            "version": "1",
            "chainId": token.provider.chain_id,
            "verifyingContract": token.address,
        },
        message_types={"Permit": types},
        message_data={
            "owner": owner.address,
            "spender": spender.address,
            "value": units,
            "nonce": token.nonces(owner),
            "deadline": deadline,
        },
    )


def test_withdraw__rounds_down_to_whole_units(ledger, token, vault, supplier, deposit):
    vault.withdraw(30 * EURO + 999, supplier, sender=supplier)

    assert token.balanceOf(supplier) == 30_000_000
    assert ledger.accounts(SUPPLIER).balance == 70 * EURO


def test_withdraw__more_than_there_is__reverts(ledger, vault, supplier, deposit):
    with ape.reverts(ledger.NotCovered, participant=SUPPLIER):
        vault.withdraw(101 * EURO, supplier, sender=supplier)


def test_withdraw__stranger__reverts(registry, vault, stranger, deposit):
    with ape.reverts(registry.NotAParticipant, account=stranger):
        vault.withdraw(EURO, stranger, sender=stranger)


@pytest.fixture
def station(
    registry, ledger, token, vault, deposit, supplier, grid_operator, station_operator, slot
):
    """A station at which cars can feed in; the slot after the running one is of the high level."""
    grid = tariff(80_000, 120_000, export=(60_000, 90_000, 0), levels=_only_high(slot + SLOT))
    service = tariff(50_000, session_fee=350_000)
    for account, role, published in (
        (grid_operator, Role.GRID_OPERATOR, grid),
        (station_operator, Role.STATION_OPERATOR, service),
    ):
        values = astuple(replace(published, valid_from=slot))
        registry.publishTariff(int(role), values, sender=account)
    registry.registerMeters([METER], sender=grid_operator)
    key = Account.from_key(STATION_KEY).address
    registry.requestStation(METER, key, 11_000, 11_000, "DE*GRM*E0002", sender=station_operator)
    registry.approveStations([1], sender=grid_operator)
    ledger.registerVehicles([COMMITMENT], slot, sender=supplier)
    token.mint(grid_operator, 10_000_000, sender=grid_operator)
    token.approve(vault, 10_000_000, sender=grid_operator)
    vault.deposit(GRID_OPERATOR, 10_000_000, sender=grid_operator)
    return 1


def _only_high(time):
    return 1 << 2 * slot_of_day(time)


@pytest.fixture
def submit(ledger, stranger):
    """Anybody may send what the station signed."""
    domain = Domain(ledger.provider.chain_id, ledger.address)

    def submit(*messages, key=STATION_KEY):
        batch = [sign(domain, message, key).pack() for message in messages]
        return ledger.submit(batch, sender=stranger)

    return submit


def _session(station, slot):
    """2,000 Wh at the standard level, then 1,000 Wh out of and 500 Wh into the grid at the high."""
    end = slot + SLOT + 600
    opening = OpenSession(station, 1, CAR, slot, 1_000_000, 50_000)
    boundary = (1_002_000, 50_000)
    report = EnergyReport(station, 1, 1, end, 1_003_000, 50_500, True, boundaries=(boundary,))
    return opening, report, end


def test_session__settles_to_the_nano_euro(ledger, station, slot, submit, chain):
    opening, report, end = _session(station, slot)
    submit(opening)
    # 60 kWh at (0.12 + 0.05) EUR and the fee; for the grid operator at 0.09 EUR
    assert ledger.accounts(SUPPLIER).reserved == 10_200_000_000 + 350_000_000
    assert ledger.accounts(GRID_OPERATOR).reserved == 5_400_000_000
    chain.pending_timestamp = end

    receipt = submit(report)

    charge = 2_000 * 80_000 + 1_000 * 120_000
    fee = 3_000 * 50_000 + 350_000_000
    feed_in = 500 * 90_000
    assert receipt.decode_logs(ledger.ReportSettled) == [
        ledger.ReportSettled(networkCharge=charge, serviceFee=fee, feedIn=feed_in, last=True)
    ]
    assert ledger.accounts(SUPPLIER).balance == 100 * EURO - charge - fee + feed_in
    assert ledger.accounts(GRID_OPERATOR).balance == 10 * EURO + charge - feed_in
    assert ledger.accounts(STATION_OPERATOR).balance == fee
    assert ledger.totalBalance() == 110 * EURO
    assert ledger.accounts(SUPPLIER).reserved == ledger.accounts(GRID_OPERATOR).reserved == 0


def test_session__signed_by_another_key__is_rejected(ledger, station, slot, submit):
    opening, _, _ = _session(station, slot)

    receipt = submit(opening, key=b"another".rjust(32, b"\1"))

    rejected = receipt.decode_logs(ledger.MessageRejected)
    assert [event.reason for event in rejected] == [Reason.BAD_SIGNATURE]
    assert ledger.sessions(station).number == 0


def test_submit__nothing__reverts(ledger, stranger):
    with ape.reverts(ledger.EmptyBatch):
        ledger.submit([], sender=stranger)
