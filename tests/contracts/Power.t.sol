// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";

/// @notice How much energy a station may report, to the watt-hour.
///
/// energy of a slot
/// ├── up to power x seconds / 3600 and one watt-hour for the whole numbers: settled
/// ├── more, in any slot, full or in part, in either direction: PowerExceeded
/// └── any at all without power: PowerExceeded
contract PowerTest is Fixture {
    function test_power_to_the_watt_hour_in_a_full_slot() public {
        plugIn(feeding, CAR);
        vm.warp(START + 2700);
        // 22 kW for a quarter hour and the one watt-hour
        readings3(5501, 0, 5501, 0, 5501, 0, Reason.None);
        fresh();
        readings3(5502, 0, 5502, 0, 5502, 0, Reason.PowerExceeded);
        readings3(0, 0, 5502, 0, 5502, 0, Reason.PowerExceeded);
        readings3(0, 0, 0, 0, 5502, 0, Reason.PowerExceeded);
        readings3(0, 5502, 0, 5502, 0, 5502, Reason.PowerExceeded);
        readings3(0, 0, 0, 5502, 0, 5502, Reason.PowerExceeded);
        readings3(0, 0, 0, 0, 0, 5502, Reason.PowerExceeded);
        readings3(5501, 5501, 11_002, 11_002, 16_503, 16_503, Reason.None);
    }

    function test_power_to_the_watt_hour_in_a_part_of_a_slot() public {
        vm.warp(START + 300);
        plugIn(feeding, CAR);
        vm.warp(START + 333);
        // 22 kW for 33 s are 201.67 Wh
        partly(203, 0, Reason.PowerExceeded);
        partly(0, 203, Reason.PowerExceeded);
        partly(202, 202, Reason.None);
        // at its first and last slot: 567 s are 3465 Wh, 87 s are 531.67 Wh
        vm.warp(START + 1800 + 87);
        readings3(3467, 0, 3467, 0, 3467, 0, Reason.PowerExceeded);
        readings3(0, 3467, 0, 3467, 0, 3467, Reason.PowerExceeded);
        readings3(3466, 3466, 3466, 3466, 3466 + 533, 3466, Reason.PowerExceeded);
        readings3(3466, 3466, 3466, 3466, 3466, 3466 + 533, Reason.PowerExceeded);
        readings3(3466, 3466, 3466 + 5501, 3466, 3466 + 5501 + 532, 3466 + 532, Reason.None);
    }

    function test_same_second() public {
        plugIn(feeding, CAR);
        partly(2, 0, Reason.PowerExceeded);
        partly(0, 2, Reason.PowerExceeded);
        partly(1, 1, Reason.None);
    }

    /// @dev The watt-hour is for whole numbers, and without power there is nothing to round.
    function test_no_feed_in_where_there_is_none() public {
        plugIn(station, CAR);
        vm.warp(START + 900);
        expectReason(signed(nextReport(station, START + 900, 0, 1, true)), Reason.PowerExceeded);
        expectReason(signed(nextReport(station, START + 900, 100, 0, true)), Reason.None);
    }

    function testFuzz_power(uint24 power, uint16 offset, uint16 seconds_, uint48 energy) public {
        power = uint24(bound(power, 1, type(uint24).max));
        uint256 start = START + offset % 900;
        uint256 duration = bound(seconds_, 0, 900 - offset % 900);
        uint32 n =
            addStation(operatorAccount, gridAccount, METER, vm.addr(STATION_KEY), power, power);
        vm.warp(start);
        expectReason(signed(opening(n, 1, CAR, start, 0, 0)), Reason.None);
        vm.warp(start + duration);
        energy = uint48(power * duration / 3600 + bound(energy, 0, 3));
        // in Ws, and one watt-hour for the rounding
        bool possible = uint256(energy) * 3600 <= power * duration + 3600;
        Reason expected = possible ? Reason.None : Reason.PowerExceeded;
        expectReason(signed(report(n, 1, 1, start + duration, energy, 0, false, "")), expected);
        if (expected == Reason.None) return;
        expectReason(
            signed(report(n, 1, 1, start + duration, 0, energy, false, "")), Reason.PowerExceeded
        );
    }

    // -------------------------------------------------------------------------------------------- Helpers

    /// @dev Energy within the slot of the last reading.
    function partly(uint48 taken, uint48 fed, Reason expected) private {
        expectReason(signed(nextReport(feeding, block.timestamp, taken, fed, false)), expected);
    }

    /// @dev A report over three slots, registers from the last reading on.
    function readings3(
        uint48 i1,
        uint48 e1,
        uint48 i2,
        uint48 e2,
        uint48 i3,
        uint48 e3,
        Reason expected
    ) private {
        ISessions.EnergyReport memory r = nextReport(feeding, block.timestamp, i3, e3, true);
        uint48 imported = r.importRegister - i3;
        uint48 exported = r.exportRegister - e3;
        r.boundaries = abi.encodePacked(imported + i1, exported + e1, imported + i2, exported + e2);
        expectReason(signed(r), expected);
    }

    /// @dev Another session over three slots.
    function fresh() private {
        plugIn(feeding, CAR);
        vm.warp(block.timestamp + 2700);
    }
}
