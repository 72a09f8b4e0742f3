"""Suppliers' own data: salted hashes, encryption at rest, and what forgetting leaves."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from gridroam.customers.book import Customer, Customers
from gridroam.customers.commitment import commitment, displayed, new_salt, normalised
from gridroam.customers.csv_file import read_customers, write_customers
from gridroam.customers.keys import KeyInFile, KeyInSetting, new_key
from gridroam.customers.sealing import Sealer
from gridroam.domain.vehicles import vehicle_id
from gridroam.errors import BrokenFileError, InvalidInputError, StoreError
from gridroam.store.console import ConsoleStore

KEY = bytes(range(32))
CAR, OTHER_CAR = b"\x11" * 32, b"\x22" * 32
CONTRACT = "DEGRMC12345678X"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "console.db"


@pytest.fixture
def customers(path: Path) -> Customers:
    return Customers(ConsoleStore.open(path), KEY, lambda: 1)


@pytest.mark.parametrize("text", ["DE-GRM-C12345678-X", "de*grm*c12345678*x", " DEGRMC12345678X "])
def test_normalised__ways_to_write_one_contract__are_one(text: str) -> None:
    assert normalised(text) == CONTRACT
    assert displayed(normalised(text)) == "DE-GRM-C12345678-X"


@pytest.mark.parametrize("text", ["", "DE", "DE-GRM-C1234", "DE-GRM-C12345678-X; DROP", "-" * 40])
def test_normalised__no_contract__is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        normalised(text)


def test_commitment__another_salt_or_supplier__is_another_vehicle() -> None:
    salt = new_salt()
    ids = {
        vehicle_id(supplier, commitment(each, CONTRACT))
        for supplier in (1, 2)
        for each in (salt, new_salt())
    }
    assert len(ids) == 4
    assert vehicle_id(1, commitment(salt, "de-grm-c12345678-x")) in ids


def test_book__of_one_supplier__never_opens_anothers(customers: Customers) -> None:
    customers.of(1).add([Customer(CAR, CONTRACT, "fleet 7")])
    assert customers.of(1).find([CAR])[CAR].name == "fleet 7"
    assert customers.of(2).find([CAR]) == {}
    assert customers.of(2).search("", 10).customers == ()
    assert not customers.of(2).forget(CAR)


def test_book__row_moved_to_another_supplier__does_not_open(
    customers: Customers, path: Path
) -> None:
    customers.of(1).add([Customer(CAR, CONTRACT)])
    customers.of(2).add([Customer(OTHER_CAR, CONTRACT)])
    with customers.store.write() as connection:
        connection.exec_driver_sql("UPDATE customers SET participant = 2 WHERE participant = 1")
    with pytest.raises(StoreError):
        customers.of(2).find([CAR])


def test_file__at_rest__has_nothing_in_the_clear(customers: Customers, path: Path) -> None:
    salt = new_salt()
    customers.of(1).add([Customer(CAR, CONTRACT, "Fleet of the harbour", salt)])
    raw = path.read_bytes()
    assert CAR in raw, "the test looks at the wrong file"
    for secret in (CONTRACT.encode(), b"harbour", salt, salt.hex().encode(), KEY):
        assert secret not in raw
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_forget__afterwards__row_is_not_in_the_file(customers: Customers, path: Path) -> None:
    book = customers.of(1)
    book.add([Customer(CAR, CONTRACT, "gone", new_salt()), Customer(OTHER_CAR, CONTRACT, "stays")])
    with customers.store.read() as connection:
        sealed = connection.exec_driver_sql(
            "SELECT sealed FROM customers WHERE vehicle = ?", (CAR,)
        ).scalar_one()
    assert sealed in path.read_bytes()
    assert book.forget(CAR)
    for file in path.parent.iterdir():
        raw = file.read_bytes()
        assert CAR not in raw
        assert sealed not in raw
    assert book.find([CAR]) == {}
    assert [c.name for c in book.search("", 10).customers] == ["stays"]
    assert not book.forget(CAR)


def test_open__wrong_key__says_so(customers: Customers, path: Path) -> None:
    customers.of(1).add([Customer(CAR, CONTRACT)])
    with pytest.raises(StoreError, match="another one"):
        Customers(ConsoleStore.open(path), bytes(32), lambda: 1)


def test_change_master__data_is_still_there__under_the_new_key_only(
    customers: Customers, path: Path
) -> None:
    customers.of(1).add([Customer(CAR, CONTRACT, "kept")])
    customers.change_master(bytes(32))
    again = Customers(ConsoleStore.open(path), bytes(32), lambda: 1)
    assert again.of(1).find([CAR])[CAR].name == "kept"
    with pytest.raises(StoreError):
        Customers(ConsoleStore.open(path), KEY, lambda: 1)


def test_search__pages__give_each_once(customers: Customers) -> None:
    book = customers.of(1)
    book.add([Customer(bytes([n]) * 32, f"DEGRMC{n:08d}", f"car {n}") for n in range(1, 24)])
    names, after = [], 0
    while after is not None:
        found = book.search("car", 5, after)
        names += [c.name for c in found.customers]
        after = found.next
    assert names == [f"car {n}" for n in range(1, 24)]
    assert [c.name for c in book.search("DE-GRM-C00000007", 5).customers] == ["car 7"]
    assert [c.name for c in book.search("0x" + "07" * 32, 5).customers] == ["car 7"]


def test_sealer__changed_byte__does_not_open() -> None:
    sealer = Sealer(KEY)
    sealed = bytearray(sealer.seal(b"text", b"here"))
    assert sealer.open(bytes(sealed), b"here") == b"text"
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(StoreError):
            sealer.open(bytes(changed), b"here")


# ----------------------------------------------------------------------------------------- CSV


def test_csv__salt_and_contract__make_the_id() -> None:
    salt = new_salt()
    raw = f"contract_id;salt;name\nDE-GRM-C12345678-X;0x{salt.hex()};Depot\n".encode("utf-8-sig")
    (found,) = read_customers(raw, 7)
    assert found.vehicle == vehicle_id(7, commitment(salt, CONTRACT))
    assert (found.contract_id, found.name, found.salt) == (CONTRACT, "Depot", salt)


def test_csv__written__can_be_read_again() -> None:
    salt = new_salt()
    mine = Customer(vehicle_id(7, commitment(salt, CONTRACT)), CONTRACT, 'a, "b"', salt)
    other = Customer(CAR, "DEGRMC00000001")
    text = write_customers(iter([mine, other]))
    assert read_customers(text.encode(), 7) == [mine, other]


def test_csv__name_like_a_formula__is_written_as_text() -> None:
    assert "'=1+1" in write_customers(iter([Customer(CAR, CONTRACT, "=1+1")]))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("name\nx", "contract_id"),
        ("contract_id,salt\nDE-GRM-C12345678-X,", "Row 2: Neither"),
        ("contract_id,vehicle\nnonsense,0x" + "11" * 32, "Row 2: 'nonsense'"),
        ("contract_id,vehicle\nDE-GRM-C12345678-X,0x1234", "32 bytes"),
        ("contract_id,vehicle\r0x1,0x2\r", "no CSV"),
        (
            f"contract_id,salt,vehicle\nDE-GRM-C12345678-X,{'00' * 32},{'11' * 32}",
            "do not fit",
        ),
    ],
)
def test_csv__broken__says_row_and_reason(rows: str, says: str) -> None:
    with pytest.raises(BrokenFileError, match=says):
        read_customers(rows.encode(), 1)


# ---------------------------------------------------------------------------------------- keys


def test_key_in_file__readable_by_others__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert len(KeyInFile(path, make=True).read()) == 32
    assert KeyInFile(path).read() == KeyInFile(path, make=True).read()
    path.chmod(0o644)
    with pytest.raises(InvalidInputError, match="others"):
        KeyInFile(path).read()


NO_KEYS = {"empty": "", "short": "short", "x": "x" * 44, "longer": new_key() + "=="}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
def test_key_in_setting__no_key__is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        KeyInSetting(SecretStr(text)).read()
    assert not text or text not in str(caught.value)


def test_key_in_setting__hexadecimal_or_base64__is_the_key() -> None:
    assert KeyInSetting(SecretStr(KEY.hex())).read() == KEY
    assert KeyInSetting(SecretStr("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")).read() == KEY
