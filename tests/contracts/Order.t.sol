// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Drawing} from "./Drawing.sol";
import {Keys} from "./Keys.sol";

/// @notice Any split of messages into batches, and any order that keeps each station's own, ends in the same state,
/// given cover: four stations, on both curves, one of whose cars changes its supplier on the road.
contract OrderTest is Drawing, Keys {
    uint256 private constant STATIONS = 4;
    uint256 private constant MESSAGES = 6; // of each: two sessions, with a report in the middle
    uint32[STATIONS] private numbers;
    bytes32[STATIONS] private cars;
    bytes[MESSAGES][STATIONS] private messages;

    function setUp() public override {
        super.setUp();
        fund(supplier, 100_000 * EURO);
        fund(otherSupplier, 100_000 * EURO);
        fund(grid, 100_000 * EURO);
        for (uint256 n = 0; n < STATIONS; ++n) {
            numbers[n] = addStation(
                operatorAccount, gridAccount, METER, addressOf(keyOf(n)), MAX_POWER, MAX_POWER
            );
            address by = n % 2 == 0 ? supplierAccount : otherSupplierAccount;
            cars[n] = registerVehicle(by, bytes32(n));
        }
        vm.prank(supplierAccount);
        ledger.offerVehicles(one(cars[0]), otherSupplier, uint40(START + 1800));
        vm.prank(otherSupplierAccount);
        ledger.acceptVehicles(one(cars[0]));
    }

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_any_order_and_any_split(uint256 seed) public {
        vm.warp(START + 1 days);
        for (uint256 n = 0; n < STATIONS; ++n) {
            tell(n, seed);
        }
        uint256 before = vm.snapshotState();
        for (uint256 n = 0; n < STATIONS; ++n) {
            for (uint256 k = 0; k < MESSAGES; ++k) {
                assertEq(submit(messages[n][k]), Reason.None, "one by one");
            }
        }
        bytes32 wanted = outcome();
        vm.revertToState(before);
        mix(seed);
        assertEq(outcome(), wanted, "outcome");
    }

    struct Reading {
        uint256 time;
        uint48 imported;
        uint48 exported;
    }

    /// @dev What a station has to say, drawn: openings, reports and final reports of two sessions.
    function tell(uint256 n, uint256 seed) private {
        Reading memory now_ =
            Reading(START + draw(seed, n, 0, 1700), uint48(n * 1000), uint48(n * 500));
        for (uint32 session = 1; session <= 2; ++session) {
            ISessions.OpenSession memory o =
                opening(numbers[n], session, cars[n], now_.time, now_.imported, now_.exported);
            uint256 k = 3 * (session - 1);
            messages[n][k] = signedBy(o, keyOf(n));
            for (uint32 number = 1; number <= 2; ++number) {
                uint256 duration = draw(seed, 100 * n + 10 * session + number, 1, 4000);
                messages[n][k + number] = goOn(n, session, number, now_, duration);
            }
        }
    }

    function goOn(uint256 n, uint32 session, uint32 number, Reading memory now_, uint256 duration)
        private
        view
        returns (bytes memory)
    {
        ISessions.EnergyReport memory r;
        (r.station, r.session, r.report, r.last) = (numbers[n], session, number, number == 2);
        r.time = uint40(now_.time + duration);
        r.boundaries = evenly(now_.time, r.time, now_.imported, now_.exported, 7, 5);
        now_.imported += uint48(7 * (r.boundaries.length / 12));
        now_.exported += uint48(5 * (r.boundaries.length / 12));
        now_.time = r.time;
        (r.importRegister, r.exportRegister) = (now_.imported, now_.exported);
        return signedBy(r, keyOf(n));
    }

    function mix(uint256 seed) private {
        uint256[STATIONS] memory next;
        bytes[] memory all = new bytes[](STATIONS * MESSAGES);
        uint256 count;
        for (uint256 left = all.length; left != 0; --left) {
            uint256 n = draw(seed, 1000 + left, 0, STATIONS - 1);
            while (next[n] == MESSAGES) {
                n = (n + 1) % STATIONS;
            }
            all[count++] = messages[n][next[n]++];
            if (left != 1 && draw(seed, 2000 + left, 0, 4) != 0) continue;
            send(all, count);
            count = 0;
        }
    }

    function send(bytes[] memory all, uint256 count) private {
        bytes[] memory part = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            part[i] = all[i];
        }
        Reason[] memory reasons = submitAll(part);
        for (uint256 i = 0; i < count; ++i) {
            assertEq(reasons[i], Reason.None, "mixed");
        }
    }

    /// @dev All but the heads of the journals, which tell the order.
    function outcome() private view returns (bytes32 hash) {
        for (uint256 n = 0; n < STATIONS; ++n) {
            hash =
                keccak256(abi.encode(hash, ledger.sessions(numbers[n]), ledger.vehicles(cars[n])));
        }
        for (uint24 p = 1; p <= registry.participantCount(); ++p) {
            hash = keccak256(abi.encode(hash, ledger.accounts(p), ledger.journals(p).count));
            for (uint24 q = 1; q <= registry.participantCount(); ++q) {
                hash = keccak256(abi.encode(hash, ledger.pairs(p, q)));
            }
        }
    }

    function keyOf(uint256 n) private pure returns (Key memory) {
        return Key(0xab00 + n, n % 2 == 1);
    }
}
