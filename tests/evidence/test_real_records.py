"""The records of the field (tests/data/ocmf): each verifies or fails as its file says, off chain
and by the contract; and what the contract reads out of it. Our own reader says the same of each."""

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from meters import words_of
from pyocmf.exceptions import SignatureVerificationError
from pyocmf.utils.xml import OcmfContainer

from gridroam.chain import abi
from gridroam.chain.anvil import Anvil
from gridroam.chain.reverts import translated
from gridroam.chain.wallet import TX_GAS_LIMIT, Wallet
from gridroam.domain.hashing import keccak
from gridroam.domain.meters import MeterKey
from gridroam.domain.violation import NotAllowedError
from gridroam.errors import InvalidInputError, RevertedError
from gridroam.evidence import ocmf
from gridroam.evidence.record import Evidence, MeterRecord, meter_key, public_key, read

DATA = Path(__file__).parent.parent / "data/ocmf"
ORDERS = {
    1: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    2: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}
Reader = Callable[..., tuple[int, ...]]


@pytest.fixture(scope="module")
def reader() -> Reader:
    with Anvil() as anvil:
        address, _ = Wallet(anvil.w3, anvil.admin).deploy("MeterReader")
        function = abi.functions("MeterReader")["read"]

        def run(
            evidence: Evidence,
            key: ec.EllipticCurvePublicKey | None = None,
            signatures: bytes | None = None,
        ) -> tuple[int, ...]:
            """Page, first and last reading, directions."""
            first = evidence.records[0]
            key = key or public_key(first.key, first.curve)
            given = MeterKey(*meter_key(key, first.serial))
            brought = evidence.text, evidence.second, signatures or evidence.signatures
            data = function.calldata(*brought, astuple(given))
            try:
                with translated():
                    call = {"to": address, "data": data, "gas": TX_GAS_LIMIT}
                    result = function.results(anvil.w3.eth.call(call))[0]
            except RevertedError as refused:
                with pytest.raises(NotAllowedError, match=refused.name):
                    ocmf.read(*brought, given)
                raise
            assert result == words_of(ocmf.read(*brought, given))
            assert result[0] == evidence.digest
            return tuple(result[1:5])

        yield run


def records(name: str) -> list[MeterRecord]:
    return read((DATA / name).read_text(encoding="utf-8-sig"))


def pair(name: str) -> Evidence:
    return Evidence(tuple(records(name)))


def refusal(run: Callable[[], object]) -> str:
    with pytest.raises(RevertedError) as error:
        run()
    return error.value.name


def wh(imported: int, exported: int = 0) -> int:
    return imported << 48 | exported


def test_kcp30__four_decimals__are_cut_off_to_watt_hours(reader):
    (record,) = records("test_ocmf_keba_kcp30.xml")
    assert reader(Evidence((record,))) == (32, wh(259), wh(259), 1)


def test_kcp30_fail__a_changed_day__bad_signature(reader):
    (record,) = records("test_ocmf_keba_kcp30_fail.xml")
    assert refusal(lambda: reader(Evidence((record,)))) == "BadMeterSignature"
    assert not record.is_signed_by(public_key(record.key, record.curve))


def test_tariff_1__verifies(reader):
    (record,) = records("ocmf_tariff_1.xml")
    assert reader(Evidence((record,))) == (86, wh(62_500_203), wh(62_500_203), 1)


def test_keba_test_txn__a_hundred_records__all_verify(reader):
    found = records("keba_test_txn.xml")
    assert len(found) == 100
    for record in found:
        page = int(record.fields["PG"][1:])
        assert reader(Evidence((record,))) == (page, wh(1_234_560), wh(1_234_560), 1)


def test_obis__loss_compensated_import_and_export__both_are_read(reader):
    (record,) = records("Ocmf_Example_OBIS_98.8.0_2.8.0.xml")
    assert reader(Evidence((record,))) == (76, wh(0, 1_000), wh(1_000, 2_000), 3)


def test_ebee__begin_and_end_record__are_one_transaction(reader):
    assert reader(pair("test_ocmf_ebee_01.xml")) == (29, wh(7_753), wh(7_753), 1)


@pytest.mark.parametrize(
    ("name", "page", "value"),
    [("OCMF_Test_Data_00.xml", 199, 9_038), ("ocmf_sec.xml", 7, 3_988)],
)
def test_secp256k1__begin_and_end_record__verify(reader, name, page, value):
    assert reader(pair(name)) == (page, wh(value), wh(value), 1)


def test_second_key_fail__the_other_meters_key__bad_signature(reader):
    first, second = records("second_key_fail_ocmf.xml")
    evidence = Evidence((first, second))
    right, wrong = public_key(first.key, first.curve), public_key(second.key, "secp256r1")
    assert first.is_signed_by(right)
    assert not second.is_signed_by(wrong)
    assert refusal(lambda: reader(evidence, wrong)) == "BadMeterSignature"
    # the end record is broken by the key in the file only: the meter's own verifies it
    assert second.is_signed_by(right)
    assert reader(evidence, right) == (1_041, wh(48_542), wh(49_440), 1)


def test_isa__status_not_good__is_refused(reader):
    (record,) = records("OCMF-receipt-with_publickey_and_data.xml")
    assert refusal(lambda: reader(Evidence((record,)))) in {"StatusNotGood", "Incomplete"}


def test_secp384r1__off_chain_only():
    for record in records("nistP384_0Wh.xml"):
        key = public_key(record.key, record.curve)
        assert record.is_signed_by(key)
        with pytest.raises(InvalidInputError, match="do not verify signatures on secp384r1"):
            meter_key(key, record.serial)


def every_record() -> list[tuple[str, MeterRecord]]:
    return [
        (path.name, record) for path in sorted(DATA.glob("*.xml")) for record in records(path.name)
    ]


@pytest.mark.filterwarnings("ignore::pyocmf.exceptions.SpecWarning")
def test_every_record__verifies_off_chain_as_another_reader_says():
    """pyocmf reads and verifies the same files on its own, where it can read their keys."""
    compared = 0
    for path in sorted(DATA.glob("*.xml")):
        ours = {r.payload: r.is_signed_by(public_key(r.key, r.curve)) for r in records(path.name)}
        for record in OcmfContainer.from_xml(path):
            if record.public_key is not None:
                try:
                    verified = record.verify_signature()
                except SignatureVerificationError:  # the key of another curve
                    verified = False
                assert ours[record.ocmf._original_payload_json] == verified, path.name
                compared += 1
    assert compared > 100


def test_s_in_either_half__verifies(reader):
    """Half of the real signatures have s in the upper half: each verifies with both."""
    upper = 0
    for _, record in every_record():
        key = public_key(record.key, record.curve)
        if record.curve == "secp384r1" or not record.is_signed_by(key):
            continue
        order = ORDERS[meter_key(key, "").curve]
        upper += record.s > order // 2
        mirrored = record.r.to_bytes(32, "big") + (order - record.s).to_bytes(32, "big")
        for signatures in (None, mirrored):
            try:
                reader(Evidence((record,)), signatures=signatures)
            except RevertedError as error:
                # one half of a pair, or a bad status
                assert error.name in {"Incomplete", "ReadingOutOfOrder", "StatusNotGood"}  # noqa: PT017
    assert upper > 30


def test_another_meters_number__is_refused(reader):
    (record,) = records("test_ocmf_keba_kcp30.xml")
    key = public_key(record.key, record.curve)
    broken = MeterRecord(
        record.text.replace('"GS":"17619300"', '"GS":"17619301"'),
        record.payload,
        record.curve,
        record.r,
        record.s,
        record.key,
    )
    assert refusal(lambda: reader(Evidence((broken,)), key)) == "BadMeterSignature"
    assert keccak(b"17619300") == meter_key(key, record.serial).serial
