// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {ICorrections} from "../../contracts/interfaces/ICorrections.sol";
import {IOcmf} from "../../contracts/interfaces/IOcmf.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IStory} from "../../contracts/interfaces/IStory.sol";
import {Meters} from "./Meters.sol";
import {Vm} from "./Vm.sol";

/// @notice The meter's word against the station's.
///
/// prove
/// ├── equal registers: verified, nothing moves; by anybody; opening and last report suffice
/// ├── unequal: corrected at once, boundaries cut, priced at the pinned tariffs, the rest as claims
/// ├── both directions, a record of the transaction only, two records that follow each other
/// ├── after an agreed correction: the meter wins; after the meter: only the assignment can change
/// └── refused, without a trace: another record, meter, key, session, page; a forged s; bad status; too late
/// proveAll
/// └── one that is refused stops no other
contract EvidenceTest is Meters {
    // ----------------------------------------------------------------------------------------------- Equal

    function test_equal_registers_verify() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9000)));
        bytes32 before = stateHash();
        vm.expectEmit(address(corrections));
        emit ICorrections.SessionMeterVerified(station, 1, sha256(p.record));
        vm.prank(stranger);
        corrections.prove(p);
        assertTrue(isVerified(station), "verified");
        assertEq(stateHash(), before, "moved something");
        assertEq(corrections.standings(station, 1).version, 1, "still the first version");
        expectRefused(p, ICorrections.AlreadyVerified.selector);
    }

    function test_opening_and_last_report_suffice_where_registers_are_equal() public {
        string memory said = payload(7, importOf(1000, 9000));
        bytes memory record = recordOf(said);
        begin(station, CAR, 1000, 0);
        vm.warp(START + 900);
        tell(station, 3000, 0, false, 0);
        vm.warp(START + 3600);
        tell(station, 5000, 0, true, sha256(record));
        ICorrections.Proof memory p = proofOf(station, record, sealed_(said));
        IStory.ReportEntry memory last = p.story.reports[1];
        p.story.reports = new IStory.ReportEntry[](1);
        p.story.reports[0] = last;
        corrections.prove(p);
        assertTrue(isVerified(station), "verified");
    }

    function test_both_directions() public {
        string memory said = payload(7, both(1000, 9000, 500, 700));
        bytes memory record = recordOf(said);
        hour(feeding, 1000, 8000, 200, record);
        corrections.prove(proofOf(feeding, record, sealed_(said)));
        assertTrue(isVerified(feeding), "verified");
    }

    function test_a_direction_that_the_record_does_not_have() public {
        string memory said = payload(7, importOf(1000, 9000));
        bytes memory record = recordOf(said);
        hour(feeding, 1000, 8000, 200, record);
        expectRefused(
            proofOf(feeding, record, sealed_(said)), ICorrections.DirectionMissing.selector
        );
    }

    function test_s_in_the_upper_half() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9000)));
        (bytes32 r, bytes32 s) = abi.decode(p.signatures, (bytes32, bytes32));
        p.signatures = abi.encodePacked(r, bytes32(ORDER_R1 - uint256(s)));
        corrections.prove(p);
        assertTrue(isVerified(station), "verified");
    }

    function test_a_meter_on_secp256k1_with_s_in_either_half() public {
        Vm.Wallet memory meter = vm.createWallet(METER_KEY);
        bytes32 other = keccak256("another meter");
        registerMeter(gridAccount, other);
        uint32 where =
            addStation(operatorAccount, gridAccount, other, vm.addr(STATION_KEY), MAX_POWER, 0);
        vm.prank(gridAccount);
        registry.setMeterKey(
            other,
            IRegistry.MeterKey(
                1, bytes32(meter.publicKeyX), bytes32(meter.publicKeyY), keccak256(bytes(SERIAL))
            )
        );
        string memory said = payload(7, importOf(1000, 9000));
        bytes memory record = recordOf(said);
        hour(where, 1000, 8000, 0, record);
        (, bytes32 r, bytes32 s) = vm.sign(METER_KEY, sha256(bytes(said)));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        ICorrections.Proof memory p =
            proofOf(where, record, abi.encodePacked(r, bytes32(order - uint256(s))));
        uint256 snapshot = vm.snapshotState();
        corrections.prove(p);
        assertTrue(isVerified(where), "upper half");
        vm.revertToState(snapshot);
        p.signatures = abi.encodePacked(r, s);
        corrections.prove(p);
        assertTrue(isVerified(where), "lower half");
        vm.revertToState(snapshot);
        p.signatures = abi.encodePacked(r, bytes32(order));
        expectRefused(p, IOcmf.BadMeterSignature.selector);
    }

    // --------------------------------------------------------------------------------------------- Unequal

    function test_other_registers_correct_at_once() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1100, 8500)));
        uint80 before = ledger.pairs(supplier, grid).amount;
        vm.prank(stranger);
        corrections.prove(p);
        // 2000 Wh a slot, of the first 100 less and of the last 500
        assertEq(
            uint256(before) - ledger.pairs(grid, supplier).amount, priced(1100, 8500), "paid back"
        );
        assertEq(ledger.pairs(supplier, grid).importWh, 7400, "energy");
        assertEq(ledger.pairs(supplier, operator).importWh, 7400, "energy of the fee");
        ICorrections.Standing memory s = corrections.standings(station, 1);
        assertEq(s.version, 2, "version");
        assertTrue(s.verified, "verified");
        expectRefused(p, ICorrections.AlreadyVerified.selector);
    }

    /// @dev A car may be plugged in for longer than a holiday.
    function test_ten_days_are_corrected_within_a_transaction_s_gas() public {
        string memory said = payload(7, importOf(1000, 90_000));
        bytes memory record = recordOf(said);
        begin(station, CAR, 1000, 0);
        for (uint256 i = 1; i <= 20; ++i) {
            vm.warp(START + i * 12 hours);
            tell(station, 5000, 0, i == 20, i == 20 ? sha256(record) : bytes32(0));
        }
        vm.warp(block.timestamp + 100);
        ICorrections.Proof memory p = proofOf(station, record, sealed_(said));
        uint256 gas = gasleft();
        corrections.prove(p);
        assertTrue(gas - gasleft() < 14_000_000, "gas");
        assertEq(ledger.pairs(supplier, grid).importWh, 89_000, "energy");
    }

    function test_more_than_reported_is_posted_and_what_is_not_covered_is_claimed() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 60_000)));
        uint256 all = accountOf(supplier).balance / NANO * EURO;
        vm.prank(supplierAccount);
        vault.withdraw(uint96(all / EURO * NANO - NANO), supplierAccount);
        corrections.prove(p);
        assertTrue(ledger.pairs(supplier, grid).claim != 0, "claim");
        assertEq(
            accountOf(supplier).owed,
            uint256(ledger.pairs(supplier, grid).claim) + ledger.pairs(supplier, operator).claim,
            "owed"
        );
    }

    function test_the_supplier_of_each_part_pays_its_own() public {
        begin(station, CAR, 1000, 0);
        vm.prank(supplierAccount);
        ledger.offerVehicles(one(CAR), otherSupplier, uint40(START + 1800));
        vm.prank(otherSupplierAccount);
        ledger.acceptVehicles(one(CAR));
        vm.warp(START + 3600);
        string memory said = payload(7, importOf(1000, 9400));
        tell(station, 8000, 0, true, sha256(recordOf(said)));
        vm.warp(START + 3601);
        corrections.prove(proofOf(station, recordOf(said), sealed_(said)));
        assertEq(ledger.pairs(supplier, grid).importWh, 4000, "before the change as it was");
        assertEq(ledger.pairs(otherSupplier, grid).importWh, 4400, "after it 400 Wh more");
    }

    function test_a_supplier_that_lost_its_role_is_corrected_all_the_same() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9500)));
        vm.prank(governance);
        registry.setRoles(supplier, STATION_OPERATOR);
        corrections.prove(p);
        assertEq(ledger.pairs(supplier, grid).importWh, 8500, "corrected");
    }

    function test_a_correction_in_the_block_of_the_report_is_not_later() public {
        string memory said = payload(7, importOf(1000, 9001));
        hour(station, 1000, 8000, 0, recordOf(said));
        expectRefused(
            proofOf(station, recordOf(said), sealed_(said)), ICorrections.WrongTime.selector
        );
    }

    // --------------------------------------------------------------------------------- Kinds of records

    function test_a_register_of_the_transaction_tells_the_energy() public {
        string memory said = payload(
            7,
            string.concat(
                reading(begun, "B", "01-00:B2.08.00*FF", 0),
                ",",
                reading(ended, "E", "01-00:B2.08.00*FF", 8000)
            )
        );
        corrections.prove(played(8000, said));
        assertTrue(isVerified(station), "verified");
    }

    function test_without_a_clock_it_cannot_correct() public {
        string memory said = transactionOf(8001);
        expectRefused(played(8000, said), ICorrections.NotTied.selector);
    }

    function test_with_a_synchronised_clock_it_can() public {
        status = "S";
        corrections.prove(played(8000, transactionOf(8001)));
        assertEq(ledger.pairs(supplier, grid).importWh, 8001, "corrected");
    }

    function test_two_records_that_follow_each_other() public {
        (string memory a, string memory b) = (
            payload(7, reading(begun, "B", "1-b:1.8.0", 1000)),
            payload(8, reading(ended, "E", "1-b:1.8.0", 9000))
        );
        bytes memory first = recordOf(a);
        bytes memory record = bytes.concat(first, recordOf(b));
        hour(station, 1000, 8000, 0, record);
        ICorrections.Proof memory p = proofOf(station, record, bytes.concat(sealed_(a), sealed_(b)));
        expectRefused(p, IOcmf.BadMeterSignature.selector);
        p.second = first.length;
        corrections.prove(p);
        assertTrue(isVerified(station), "verified");
        assertTrue(corrections.isPageUsed(METER, 8), "page");
    }

    function test_two_records_with_a_page_between() public {
        (string memory a, string memory b) = (
            payload(7, reading(begun, "B", "1-b:1.8.0", 1000)),
            payload(9, reading(ended, "E", "1-b:1.8.0", 9000))
        );
        bytes memory record = bytes.concat(recordOf(a), recordOf(b));
        hour(station, 1000, 8000, 0, record);
        ICorrections.Proof memory p = proofOf(station, record, bytes.concat(sealed_(a), sealed_(b)));
        p.second = recordOf(a).length;
        expectRefused(p, IOcmf.NotConsecutive.selector);
    }

    // ------------------------------------------------------------------------------------------ After others

    function test_the_meter_outranks_an_agreement() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9000)));
        ICorrections.Version memory v = corrections.versionOf(p.story);
        ICorrections.Change memory change = endingAt(v, 8000, 500);
        vm.prank(supplierAccount);
        corrections.propose(p.story, change);
        vm.prank(gridAccount);
        corrections.consent(v, change);
        vm.prank(operatorAccount);
        corrections.consent(v, change);
        assertEq(ledger.pairs(supplier, grid).importWh, 7000, "agreed");
        (ICorrections.Version memory next,) = corrections.draft(v, change);

        expectRefused(p, ICorrections.OnFile.selector);
        p.present = new ICorrections.Version[](1);
        p.present[0] = v;
        expectRefused(p, ICorrections.NotPresent.selector);
        p.present[0] = next;
        vm.warp(block.timestamp + 1);
        corrections.prove(p);
        assertEq(ledger.pairs(supplier, grid).importWh, 8000, "the meter's");
        assertEq(corrections.standings(station, 1).version, 3, "version");
    }

    function test_after_the_meter_only_the_assignment_is_left_to_agree_on() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9000)));
        corrections.prove(p);
        ICorrections.Version memory v = corrections.versionOf(p.story);
        ICorrections.Change memory change = endingAt(v, 8000, 500);
        vm.prank(supplierAccount);
        vm.expectRevert(ICorrections.MeterHasSpoken.selector);
        corrections.propose(p.story, change);
        change = assignedTo(v, otherSupplier);
        vm.prank(otherSupplierAccount);
        corrections.propose(p.story, change);
        vm.prank(gridAccount);
        corrections.consent(v, change);
        vm.prank(operatorAccount);
        corrections.consent(v, change);
        assertEq(ledger.pairs(otherSupplier, grid).importWh, 8000, "assigned");
        assertEq(ledger.pairs(supplier, grid).importWh, 0, "given back");
    }

    // --------------------------------------------------------------------------------------------- Refused

    function test_a_record_that_the_report_does_not_name() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9000)));
        string memory other = payload(8, importOf(1000, 9000));
        (p.record, p.signatures) = (recordOf(other), sealed_(other));
        expectRefused(p, ICorrections.WrongRecord.selector);
    }

    function test_a_signature_of_another_key_or_of_nobody() public {
        string memory said = payload(7, importOf(1000, 9000));
        ICorrections.Proof memory p = played(8000, said);
        p.signatures = sealedBy(METER_KEY + 1, said);
        expectRefused(p, IOcmf.BadMeterSignature.selector);
        p.signatures = new bytes(64);
        expectRefused(p, IOcmf.BadMeterSignature.selector);
        p.signatures = new bytes(65);
        expectRefused(p, IOcmf.BadMeterSignature.selector);
    }

    function test_bytes_that_nobody_signed() public {
        string memory said = payload(7, importOf(1000, 9000));
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9001)));
        p.signatures = sealed_(said);
        expectRefused(p, IOcmf.BadMeterSignature.selector);
    }

    function test_another_meters_record() public {
        string memory said =
            string.concat('{"FV":"1.0","PG":"T7","MS":"2GRM","RD":[', importOf(1000, 9000), "]}");
        expectRefused(played(8000, said), IOcmf.OtherMeter.selector);
    }

    function test_a_revoked_meter_key() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9000)));
        vm.prank(gridAccount);
        registry.revokeMeterKey(METER);
        expectRefused(p, ICorrections.NoMeterKey.selector);
    }

    function test_a_record_used_for_another_session_of_another_station() public {
        string memory said = payload(7, importOf(1000, 9000));
        bytes memory record = recordOf(said);
        hour(station, 1000, 8000, 0, record);
        hour(feeding, 1000, 8000, 0, record);
        corrections.prove(proofOf(station, record, sealed_(said)));
        expectRefused(proofOf(feeding, record, sealed_(said)), ICorrections.PageUsed.selector);
    }

    function test_the_record_of_the_session_before() public {
        string memory said = payload(7, importOf(1000, 9000));
        bytes memory record = recordOf(said);
        hour(station, 1000, 8000, 0, record);
        hour(station, 9000, 3000, 0, record);
        expectRefused(proofOf(station, record, sealed_(said)), ICorrections.WrongSession.selector);
    }

    function test_a_synchronised_clock_that_shows_another_day() public {
        status = "S";
        begun = "2027-01-14T09:00:00,000+0100";
        expectRefused(
            played(8000, payload(7, importOf(1000, 9000))), ICorrections.WrongSession.selector
        );
    }

    function test_a_synchronised_clock_in_any_zone() public {
        status = "S";
        begun = "2027-01-15T03:00:00,000-0500";
        ended = "2027-01-15T14:30:00,000+0530";
        corrections.prove(played(8000, payload(7, importOf(1000, 9000))));
        assertTrue(isVerified(station), "verified");
    }

    function test_the_window_has_closed() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9001)));
        vm.warp(block.timestamp - 1 + WINDOW);
        uint256 snapshot = vm.snapshotState();
        corrections.prove(p);
        vm.revertToState(snapshot);
        vm.warp(block.timestamp + 1);
        expectRefused(p, ICorrections.SessionFinal.selector);
    }

    function test_an_unequal_record_needs_the_whole_story() public {
        string memory said = payload(7, importOf(1000, 9001));
        begin(station, CAR, 1000, 0);
        vm.warp(START + 900);
        tell(station, 3000, 0, false, 0);
        vm.warp(START + 3600);
        tell(station, 5000, 0, true, sha256(recordOf(said)));
        vm.warp(START + 3601);
        ICorrections.Proof memory p = proofOf(station, recordOf(said), sealed_(said));
        IStory.ReportEntry memory last = p.story.reports[1];
        p.story.reports = new IStory.ReportEntry[](1);
        p.story.reports[0] = last;
        expectRefused(p, IStory.IncompleteStory.selector);
        p.story.reports = new IStory.ReportEntry[](0);
        expectRefused(p, IStory.IncompleteStory.selector);
    }

    // ------------------------------------------------------------------------------------------------ Many

    function test_one_refused_proof_stops_no_other() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9000)));
        bytes[] memory many = new bytes[](4);
        many[0] = hex"00";
        many[1] = abi.encode(p);
        many[2] = abi.encode(p);
        many[3] = "";
        vm.expectEmit(address(corrections));
        emit ICorrections.ProofRefused(0, "");
        vm.expectEmit(address(corrections));
        emit ICorrections.SessionMeterVerified(station, 1, sha256(p.record));
        vm.expectEmit(address(corrections));
        emit ICorrections.ProofRefused(2, abi.encodePacked(ICorrections.AlreadyVerified.selector));
        corrections.proveAll(many);
        assertTrue(isVerified(station), "verified");
    }

    function test_too_little_gas_refuses_no_proof() public {
        ICorrections.Proof memory p = played(8000, payload(7, importOf(1000, 9001)));
        bytes[] memory many = new bytes[](1);
        many[0] = abi.encode(p);
        bytes memory data = abi.encodeCall(ICorrections.proveAll, (many));
        for (uint256 gas = 20_000; gas < 400_000; gas += 20_000) {
            uint256 snapshot = vm.snapshotState();
            (bool done,) = address(corrections).call{gas: gas}(data);
            assertTrue(!done || isVerified(station), "looks refused");
            vm.revertToState(snapshot);
        }
    }

    // --------------------------------------------------------------------------------------------- Helpers

    function transactionOf(uint256 energy) private view returns (string memory) {
        return payload(
            7,
            string.concat(
                reading(begun, "B", "01-00:B2.08.00*FF", 0),
                ",",
                reading(ended, "E", "01-00:B2.08.00*FF", energy)
            )
        );
    }

    /// @dev Network charge of the session, its readings cut to the two.
    function priced(uint256 first, uint256 last) private view returns (uint256 amount) {
        uint256 previous = first;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 level = gridTariff().levels >> (2 * ((START / 900 + i) % 96)) & 3;
            uint256 price = level == 0 ? 80_000 : level == 1 ? 120_000 : 30_000;
            uint256 next = i == 3 ? last : 1000 + 2000 * (i + 1);
            amount += (next - previous) * price;
            previous = next;
        }
    }
}
