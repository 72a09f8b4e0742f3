// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../../contracts/interfaces/ILedger.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";
import {Vm} from "./Vm.sol";

/// @notice Submits a batch on somebody's behalf.
contract Forwarder {
    constructor(ILedger ledger, bytes[] memory messages) {
        if (messages.length != 0) ledger.submit(messages);
    }

    function submit(ILedger ledger, bytes[] calldata messages) external {
        ledger.submit(messages);
    }
}

/// @notice What a batch is, who may bring it, and that no message stops another.
///
/// submit
/// ├── by a contract, from a constructor, by an account with delegated code: OnlyDirect
/// ├── with no message: EmptyBatch
/// ├── bytes that are no message: Malformed, by their hash
/// ├── a signature for another chain or ledger, a malleable or an unusual one: BadSignature
/// ├── each message ends in one event, in the order of the batch
/// └── duplicates and disorder leave the same state
contract BatchTest is Fixture {
    uint256 private constant ORDER =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    // ---------------------------------------------------------------------------------------------- Callers

    function test_by_a_contract() public {
        Forwarder forwarder = new Forwarder(ledger, new bytes[](0));
        vm.prank(relay, relay);
        vm.expectRevert(ISessions.OnlyDirect.selector);
        forwarder.submit(ledger, batch("a"));
    }

    function test_from_a_constructor() public {
        vm.prank(relay, relay);
        vm.expectRevert(ISessions.OnlyDirect.selector);
        new Forwarder(ledger, batch("a"));
    }

    function test_by_an_account_with_delegated_code() public {
        vm.etch(relay, abi.encodePacked(hex"ef0100", stranger));
        vm.prank(relay, relay);
        vm.expectRevert(ISessions.OnlyDirect.selector);
        ledger.submit(batch("a"));
    }

    function test_empty_batch() public {
        vm.prank(relay, relay);
        vm.expectRevert(ISessions.EmptyBatch.selector);
        ledger.submit(new bytes[](0));
    }

    function test_anybody_may_submit() public {
        bytes[] memory messages = batch(signed(opening(station, 1, CAR, START, 0, 0)));
        vm.prank(stranger, stranger);
        assertEq(ledger.submit(messages)[0], Reason.None, "cleared");
    }

    // ------------------------------------------------------------------------------------------- Malformed

    function test_lengths_around_the_right_ones() public {
        for (uint256 length = 0; length < 300; ++length) {
            for (uint8 kind = 0; kind < 4; ++kind) {
                bytes memory message = new bytes(length);
                if (length != 0) message[0] = bytes1(kind);
                bool opening_ = kind == 1 && length == 123;
                bool report_ = kind == 2 && length >= 128 && (length - 128) % 12 == 0;
                Reason wanted = opening_ || report_ ? Reason.UnknownStation : Reason.Malformed;
                assertEq(submit(message), wanted, "reason");
            }
        }
    }

    function test_last_is_0_or_1() public {
        plugIn(station, CAR);
        bytes memory message = signed(nextReport(station, START, 0, 0, true));
        for (uint256 last = 2; last < 256; ++last) {
            message[30] = bytes1(uint8(last));
            assertEq(submit(message), Reason.Malformed, "reason");
        }
        message[30] = 0;
        expectReason(message, Reason.BadSignature);
        message[30] = 0x01;
        expectReason(message, Reason.None);
    }

    function test_malformed_is_known_by_its_hash() public {
        vm.expectEmit(address(ledger));
        emit ISessions.MessageRejected(0, Reason.Malformed, keccak256("garbage"));
        submit("garbage");
    }

    /// @dev The station that a rejected message claims, and the digest that its station would have signed.
    function test_rejected_is_known_by_its_digest() public {
        ISessions.OpenSession memory o = opening(77, 1, CAR, START, 0, 0);
        vm.expectEmit(address(ledger));
        emit ISessions.MessageRejected(77, Reason.UnknownStation, ledger.digestOf(o));
        submit(signed(o));
        ISessions.EnergyReport memory r = report(station, 4, 1, START, 0, 0, true, hex"abcdef");
        r.boundaries = new bytes(24);
        vm.expectEmit(address(ledger));
        emit ISessions.MessageRejected(station, Reason.SessionNotOpen, ledger.digestOf(r));
        submit(signed(r));
    }

    function testFuzz_random_bytes(bytes memory garbage) public {
        Reason reason = submit(garbage);
        if (garbage.length != 123 && garbage.length < 128) {
            assertEq(reason, Reason.Malformed, "reason");
        }
        assertTrue(reason != Reason.None, "accepted");
    }

    /// @dev Of the right shape, for a station that there is, with a random content.
    function testFuzz_shaped_bytes(bytes memory garbage, uint8 boundaries, bool report_) public {
        plugIn(station, CAR);
        bytes memory message = new bytes(report_ ? 128 + 12 * uint256(boundaries) : 123);
        for (uint256 i = 0; i < message.length && garbage.length != 0; ++i) {
            message[i] = garbage[i % garbage.length];
        }
        message[0] = report_ ? bytes1(0x02) : bytes1(0x01);
        (message[1], message[2], message[3], message[4]) = (0, 0, 0, bytes1(uint8(station)));
        if (report_) message[30] = bytes1(uint8(message[30]) % 2);
        expectReason(message, Reason.BadSignature);
    }

    function testFuzz_any_change_is_noticed(uint256 index, uint8 change, bool report_) public {
        plugIn(station, CAR);
        vm.warp(START + 2000);
        bytes memory good = report_
            ? signed(nextReport(station, START + 2000, 50, 0, false))
            : signed(opening(feeding, 1, OTHER_CAR, START, 0, 0));
        bytes memory bad = bytes.concat(good);
        bad[index % bad.length] ^= bytes1(change == 0 ? 1 : change);
        bytes32 before = stateHash();
        assertTrue(submit(bad) != Reason.None, "accepted");
        assertEq(stateHash(), before, "left a trace");
        expectReason(good, Reason.None);
    }

    // ------------------------------------------------------------------------------------------ Signatures

    function test_another_chain() public {
        bytes memory message = signed(opening(station, 1, CAR, START, 0, 0));
        vm.chainId(1);
        expectReason(message, Reason.BadSignature);
        expectReason(signed(opening(station, 1, CAR, START, 0, 0)), Reason.None);
        bytes memory here = signed(nextReport(station, START, 0, 0, true));
        vm.chainId(31_337);
        expectReason(here, Reason.BadSignature);
    }

    function test_another_ledger() public {
        bytes memory message = signed(opening(station, 1, CAR, START, 0, 0));
        ILedger another = newLedger(registry, address(euro));
        vm.prank(relay, relay);
        assertEq(another.submit(batch(message))[0], Reason.BadSignature, "there");
        expectReason(message, Reason.None);
    }

    function test_malleable_signature() public {
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(STATION_KEY, ledger.digestOf(o));
        bytes32 high = bytes32(ORDER - uint256(s));
        bytes memory head = content(o);
        expectReason(abi.encodePacked(head, r, high, v ^ 7), Reason.BadSignature);
        expectReason(abi.encodePacked(head, r, high, v), Reason.BadSignature);
        expectReason(abi.encodePacked(head, r, s, v ^ 7), Reason.BadSignature);
        expectReason(abi.encodePacked(head, r, s, v), Reason.None);
    }

    function test_v_is_27_or_28() public {
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        (uint8 right, bytes32 r, bytes32 s) = vm.sign(STATION_KEY, ledger.digestOf(o));
        for (uint256 v = 0; v < 256; ++v) {
            if (v == right) continue;
            bytes memory message = abi.encodePacked(content(o), r, s, uint8(v));
            assertEq(submit(message), Reason.BadSignature, "reason");
        }
    }

    function test_empty_signature() public {
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        expectReason(abi.encodePacked(content(o), new bytes(65)), Reason.BadSignature);
        bytes memory no_s = abi.encodePacked(content(o), uint256(1), uint256(0), uint8(27));
        expectReason(no_s, Reason.BadSignature);
        // ERC-2098 has 64 bytes
        expectReason(abi.encodePacked(content(o), new bytes(64)), Reason.Malformed);
    }

    function content(ISessions.OpenSession memory o) private pure returns (bytes memory) {
        return abi.encodePacked(
            uint8(1), o.station, o.session, o.time, o.importRegister, o.exportRegister, o.vehicle
        );
    }

    // --------------------------------------------------------------------------------------------- Batches

    function test_one_bad_message_among_good_ones() public {
        bytes memory open = signed(opening(station, 1, CAR, START, 0, 0));
        bytes memory close = signed(report(station, 1, 1, START, 1, 0, true, ""));
        bytes memory other = signed(opening(feeding, 1, OTHER_CAR, START, 0, 0));
        uint256 before = vm.snapshotState();
        submitAll(batch(open, close, other));
        bytes32 wanted = stateHash();
        vm.revertToState(before);

        bytes[] memory messages = new bytes[](8);
        messages[0] = "garbage";
        messages[1] = open;
        messages[2] = signed(opening(station, 2, OTHER_CAR, START, 0, 0));
        messages[3] = signed(report(station, 1, 1, START, 9, 0, true, ""));
        messages[4] = close;
        messages[5] = close;
        messages[6] = other;
        messages[7] = signed(opening(99, 1, CAR, START, 0, 0));
        vm.recordLogs();
        Reason[] memory reasons = submitAll(messages);
        assertEq(stateHash(), wanted, "as without the bad ones");

        Reason[8] memory expected = [
            Reason.Malformed,
            Reason.None,
            Reason.StationBusy,
            Reason.PowerExceeded,
            Reason.None,
            Reason.SessionNotOpen,
            Reason.None,
            Reason.UnknownStation
        ];
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 9, "one event for each message and one for the batch");
        for (uint256 i = 0; i < 8; ++i) {
            assertEq(reasons[i], expected[i], "reason");
            bytes32 rejected = ISessions.MessageRejected.selector;
            assertTrue((logs[i].topics[0] == rejected) == (reasons[i] != Reason.None), "event");
        }
        assertEq(logs[1].topics[0], ISessions.SessionCleared.selector, "cleared");
        assertEq(logs[4].topics[0], ISessions.ReportSettled.selector, "settled");
        assertEq(logs[8].topics[0], ISessions.BatchRecorded.selector, "recorded");
    }

    function test_a_whole_session_in_one_batch() public {
        vm.warp(START + 900);
        bytes[] memory messages = batch(
            signed(opening(station, 1, CAR, START, 0, 0)),
            signed(report(station, 1, 1, START + 450, 1000, 0, false, "")),
            signed(report(station, 1, 2, START + 900, 2000, 0, true, ""))
        );
        Reason[] memory reasons = submitAll(messages);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(reasons[i], Reason.None, "reason");
        }
        assertEq(ledger.pairs(supplier, grid).importWh, 2000, "settled");
    }

    /// @dev However often and in whatever order the messages come: once all have arrived the state is the same.
    function testFuzz_disorder_and_duplicates(uint256 seed) public {
        bytes[] memory messages = journey();
        uint256 before = vm.snapshotState();
        submitAll(messages);
        bytes32 wanted = outcome();
        vm.revertToState(before);

        for (uint256 round = 0; round < messages.length; ++round) {
            bytes[] memory mixed = new bytes[](messages.length * 2);
            for (uint256 i = 0; i < mixed.length; ++i) {
                mixed[i] = messages[i % messages.length];
            }
            for (uint256 i = mixed.length - 1; i > 0; --i) {
                seed = uint256(keccak256(abi.encode(seed)));
                uint256 j = seed % (i + 1);
                (mixed[i], mixed[j]) = (mixed[j], mixed[i]);
            }
            submitAll(mixed);
        }
        assertEq(outcome(), wanted, "outcome");
    }

    /// @dev Two stations, a session each with four reports.
    function journey() private returns (bytes[] memory messages) {
        vm.warp(START + 2000);
        messages = new bytes[](10);
        for (uint32 n = station; n <= feeding; ++n) {
            uint256 k = n == station ? 0 : 5;
            messages[k] = signed(opening(n, 1, n == station ? CAR : OTHER_CAR, START, 0, 0));
            messages[k + 1] = signed(report(n, 1, 1, START + 100, 50, 0, false, ""));
            messages[k + 2] = signed(report(n, 1, 2, START + 300, 90, 0, false, ""));
            messages[k + 3] = signed(report(n, 1, 3, START + 300, 91, 0, false, ""));
            messages[k + 4] = signed(report(n, 1, 4, START + 900, 99, 0, true, ""));
        }
    }

    /// @dev Numbers may leave gaps, so what a later session overtook stays out.
    function test_overtaken_session_is_void() public {
        bytes memory first = signed(opening(station, 1, CAR, START, 0, 0));
        expectReason(signed(opening(station, 2, CAR, START, 0, 0)), Reason.None);
        expectReason(first, Reason.StationBusy);
        unplug(station);
        expectReason(first, Reason.SessionUsed);
    }

    /// @dev All but the journals of the operators, which tell the order of the two stations.
    function outcome() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                ledger.sessions(station),
                ledger.sessions(feeding),
                ledger.accounts(supplier),
                ledger.accounts(otherSupplier),
                ledger.accounts(operator),
                ledger.journals(supplier),
                ledger.journals(otherSupplier),
                ledger.journals(operator).count,
                ledger.pairs(supplier, grid),
                ledger.pairs(otherSupplier, grid),
                ledger.pairs(otherSupplier, operator)
            )
        );
    }

    // ------------------------------------------------------------------------------------------------- Gas

    /// @dev The largest transaction holds 50 of the largest reports.
    function test_largest_report_fits() public {
        vm.warp(START + 899);
        plugIn(feeding, CAR);
        vm.warp(START + 193 * 900);
        bytes memory message =
            signed(nextReport(feeding, block.timestamp, 1_000_000, 900_000, true));
        assertEq(message.length, 128 + 192 * 12, "length");
        assertEq(submit(message), Reason.None, "settled");
        uint256 gas = uint256(vm.lastCallGas().gasTotalUsed) + 16 * message.length;
        assertTrue(gas * 50 < 16_777_216, vm.toString(gas));
    }

    /// @dev Garbage costs its submitter, and stops nobody.
    function test_large_garbage() public {
        bytes memory garbage = new bytes(100_000);
        garbage[0] = 0x02;
        plugIn(station, CAR);
        submitAll(batch(garbage, signed(nextReport(station, START, 0, 0, true)), garbage));
        assertTrue(ledger.sessions(station).state == ISessions.State.Closed, "closed");
    }
}
