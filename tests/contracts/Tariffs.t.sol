// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Device} from "../../contracts/libraries/Device.sol";
import {Market} from "../../contracts/libraries/Market.sol";
import {Prices} from "../../contracts/libraries/Prices.sol";
import {TermsFields} from "../../contracts/libraries/Terms.sol";
import {Drawing} from "./Drawing.sol";

/// @notice Tariffs in versions that are never changed.
///
/// publishTariff
/// ├── without the role: MissingRole; suspended: NotActive; as a supplier: InvalidRoles
/// ├── the first may start with the running slot, a later one after the notice: TooEarly
/// ├── one lies in the future: VersionPending
/// ├── not at the start of a slot: NotSlotAligned
/// ├── a price or fee beyond the limits, an export price of a station operator: PriceOutOfRange
/// └── a level 3: InvalidLevels
/// tariffAt: the last version whose first second has come, of the last 8
contract TariffsTest is Drawing {
    // ------------------------------------------------------------------------------------------ Publishing

    function test_published() public {
        IRegistry.Tariff memory t = next();
        vm.prank(gridAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.TariffPublished(grid, GRID_OPERATOR, 2, t);
        assertEq(registry.publishTariff(GRID_OPERATOR, t), 2, "version");
        assertEq(registry.tariffCount(grid, GRID_OPERATOR), 2, "count");
        same(registry.tariffs(grid, GRID_OPERATOR, 2), t);
        t = gridTariff();
        t.validFrom = uint32(START);
        same(registry.tariffs(grid, GRID_OPERATOR, 1), t);
    }

    function test_who_publishes() public {
        IRegistry.Tariff memory t = next();
        refuses(
            supplierAccount, SUPPLIER, t, abi.encodeWithSelector(IRegistry.InvalidRoles.selector, 1)
        );
        bytes memory missing = abi.encodeWithSelector(IRegistry.MissingRole.selector, supplier, 2);
        refuses(supplierAccount, GRID_OPERATOR, t, missing);
        missing = abi.encodeWithSelector(IRegistry.MissingRole.selector, grid, 4);
        refuses(gridAccount, STATION_OPERATOR, t, missing);
        missing = abi.encodeWithSelector(IRegistry.MissingRole.selector, grid, 0);
        refuses(gridAccount, 0, t, missing);
        // more than one role at once
        refuses(gridAccount, 6, t, abi.encodeWithSelector(IRegistry.InvalidRoles.selector, 6));
        refuses(
            stranger, 2, t, abi.encodeWithSelector(IRegistry.NotAParticipant.selector, stranger)
        );
        vm.prank(governance);
        registry.suspend(grid);
        refuses(gridAccount, 2, t, abi.encodeWithSelector(IRegistry.NotActive.selector, grid));
    }

    function test_two_roles_have_two_tariffs() public {
        vm.prank(governance);
        registry.setRoles(grid, GRID_OPERATOR | STATION_OPERATOR);
        publish(gridAccount, STATION_OPERATOR, operatorTariff());
        assertEq(registry.tariffCount(grid, GRID_OPERATOR), 1, "as a grid operator");
        assertEq(registry.tariffCount(grid, STATION_OPERATOR), 1, "as a station operator");
        assertEq(registry.tariffCount(grid, SUPPLIER), 0, "as a supplier");
        same(registry.tariffs(grid, STATION_OPERATOR, 1), operatorTariff());
    }

    // ---------------------------------------------------------------------------------------------- Times

    function test_first_may_start_with_the_running_slot() public {
        address account = address(0x602);
        admit(account, GRID_OPERATOR);
        IRegistry.Tariff memory t = gridTariff();
        vm.warp(START + 899);
        t.validFrom = uint32(START - 900);
        refuses(account, GRID_OPERATOR, t, tooEarly(START - 900, START));
        t.validFrom = uint32(START);
        publish(account, GRID_OPERATOR, t);
    }

    function test_first_may_lie_in_the_future() public {
        address account = address(0x602);
        uint24 fresh = admit(account, GRID_OPERATOR);
        IRegistry.Tariff memory t = gridTariff();
        t.validFrom = uint32(START + 900);
        publish(account, GRID_OPERATOR, t);
        assertEq(registry.tariffAt(fresh, GRID_OPERATOR, uint40(START + 899)), 0, "not yet");
        refuses(account, GRID_OPERATOR, next(), pending(START + 900));
    }

    function test_notice_to_the_second() public {
        IRegistry.Tariff memory t = next();
        vm.warp(START + 1);
        refuses(gridAccount, GRID_OPERATOR, t, tooEarly(START + 1 days, START + 1 days + 1));
        vm.warp(START);
        publish(gridAccount, GRID_OPERATOR, t);
    }

    function test_one_in_the_future_at_most() public {
        publish(gridAccount, GRID_OPERATOR, next());
        IRegistry.Tariff memory t = next();
        t.validFrom = uint32(START + 9 days);
        vm.warp(START + 1 days - 1);
        refuses(gridAccount, GRID_OPERATOR, t, pending(START + 1 days));
        vm.warp(START + 1 days);
        publish(gridAccount, GRID_OPERATOR, t);
    }

    function test_starts_with_a_slot() public {
        IRegistry.Tariff memory t = next();
        t.validFrom += 1;
        bytes memory misaligned =
            abi.encodeWithSelector(IRegistry.NotSlotAligned.selector, t.validFrom);
        refuses(gridAccount, GRID_OPERATOR, t, misaligned);
    }

    // --------------------------------------------------------------------------------------------- Prices

    function test_each_price_at_its_limit() public {
        int32 most = 2_000_000;
        for (uint256 field = 0; field < 7; ++field) {
            IRegistry.Tariff memory t = next();
            setField(t, field, field == 6 ? int32(5_000_001) : most + 1);
            outOfRange(gridAccount, GRID_OPERATOR, t);
            if (field < 3 || field == 6) continue;
            setField(t, field, -most - 1);
            outOfRange(gridAccount, GRID_OPERATOR, t);
            setField(t, field, type(int32).min);
            outOfRange(gridAccount, GRID_OPERATOR, t);
        }
        IRegistry.Tariff memory edge = next();
        for (uint256 field = 0; field < 7; ++field) {
            setField(edge, field, field == 6 ? int32(5_000_000) : field == 4 ? -most : most);
        }
        publish(gridAccount, GRID_OPERATOR, edge);
        same(registry.tariffs(grid, GRID_OPERATOR, 2), edge);
    }

    function test_station_operator_has_no_export_prices() public {
        for (uint256 field = 3; field < 6; ++field) {
            IRegistry.Tariff memory t = operatorTariff();
            t.validFrom = uint32(START + 1 days);
            setField(t, field, 1);
            outOfRange(operatorAccount, STATION_OPERATOR, t);
            setField(t, field, -1);
            outOfRange(operatorAccount, STATION_OPERATOR, t);
        }
    }

    function test_level_3_in_any_slot() public {
        IRegistry.Tariff memory t = next();
        for (uint256 slot = 0; slot < 96; ++slot) {
            t.levels = uint192(3) << uint192(2 * slot);
            refuses(
                gridAccount,
                GRID_OPERATOR,
                t,
                abi.encodeWithSelector(IRegistry.InvalidLevels.selector)
            );
        }
    }

    function testFuzz_levels(uint192 levels) public {
        bool hasLevel3 = false;
        for (uint256 slot = 0; slot < 96; ++slot) {
            if (levels / 4 ** slot % 4 == 3) hasLevel3 = true;
        }
        IRegistry.Tariff memory t = next();
        t.levels = levels;
        if (hasLevel3) {
            refuses(
                gridAccount,
                GRID_OPERATOR,
                t,
                abi.encodeWithSelector(IRegistry.InvalidLevels.selector)
            );
        }
        t.levels = cleanLevels(levels);
        publish(gridAccount, GRID_OPERATOR, t);
    }

    function testFuzz_round_trip(IRegistry.Tariff memory t) public {
        t = cleanTariff(t, true);
        t.validFrom = uint32(START + 1 days);
        publish(gridAccount, GRID_OPERATOR, t);
        same(registry.tariffs(grid, GRID_OPERATOR, 2), t);
    }

    // ------------------------------------------------------------------------------------------- Versions

    function test_version_in_force() public {
        publish(gridAccount, GRID_OPERATOR, next());
        assertEq(versionAt(START - 1), 0, "before the first");
        assertEq(versionAt(START), 1, "its first second");
        assertEq(versionAt(START + 1 days - 1), 1, "its last second");
        assertEq(versionAt(START + 1 days), 2, "the next");
        assertEq(versionAt(type(uint40).max), 2, "for ever");
        assertEq(registry.tariffAt(operator, GRID_OPERATOR, uint40(START)), 0, "another role");
        assertEq(registry.tariffAt(99, GRID_OPERATOR, uint40(START)), 0, "nobody");
    }

    function test_looks_back_over_8_versions() public {
        for (uint256 day = 1; day <= 9; ++day) {
            vm.warp(START + (day - 1) * 1 days);
            IRegistry.Tariff memory t = gridTariff();
            t.validFrom = uint32(START + day * 1 days);
            publish(gridAccount, GRID_OPERATOR, t);
        }
        assertEq(registry.tariffCount(grid, GRID_OPERATOR), 10, "versions");
        assertEq(versionAt(START + 9 days), 10, "the last");
        assertEq(versionAt(START + 2 days), 3, "eighth from the end");
        assertEq(versionAt(START + 2 days - 1), 0, "forgotten");
        assertEq(registry.tariffs(grid, GRID_OPERATOR, 1).importHigh, 120_000, "but kept");
    }

    function test_terms_of_a_pinned_version() public {
        IRegistry.Tariff memory t = next();
        t.importStandard = 777;
        publish(gridAccount, GRID_OPERATOR, t);
        (Device device, Prices g, uint256 gridLevels,, uint256 operatorLevels, Market market) =
            registry.tariffsOf(station, TermsFields.pack(supplier, grid, operator, 2, 1, 0, 0));
        assertEq(uint32(Prices.unwrap(g)), 777, "grid operator's price");
        assertEq(gridLevels, t.levels, "grid operator's levels");
        assertEq(operatorLevels, operatorTariff().levels, "station operator's levels");
        assertEq(device.key(), vm.addr(STATION_KEY), "station");
        assertEq(market.skew(), 60, "skew");
        (, g, gridLevels,,,) =
            registry.tariffsOf(station, TermsFields.pack(supplier, grid, operator, 0, 0, 0, 0));
        assertEq(Prices.unwrap(g), 0, "version 0 is empty");
        assertEq(gridLevels, 0, "version 0 is empty");
    }

    // -------------------------------------------------------------------------------------------- Helpers

    /// @dev As early as the notice allows.
    function next() private view returns (IRegistry.Tariff memory t) {
        t = gridTariff();
        t.validFrom = uint32(START + 1 days);
    }

    function versionAt(uint256 time) private view returns (uint16) {
        return registry.tariffAt(grid, GRID_OPERATOR, uint40(time));
    }

    function setField(IRegistry.Tariff memory t, uint256 field, int32 value) private pure {
        if (field == 0) t.importStandard = uint32(value);
        if (field == 1) t.importHigh = uint32(value);
        if (field == 2) t.importLow = uint32(value);
        if (field == 3) t.exportStandard = value;
        if (field == 4) t.exportHigh = value;
        if (field == 5) t.exportLow = value;
        if (field == 6) t.sessionFee = uint32(value);
    }

    function refuses(address account, uint8 role, IRegistry.Tariff memory t, bytes memory reason)
        private
    {
        vm.prank(account);
        vm.expectRevert(reason);
        registry.publishTariff(role, t);
    }

    function outOfRange(address account, uint8 role, IRegistry.Tariff memory t) private {
        refuses(account, role, t, abi.encodeWithSelector(IRegistry.PriceOutOfRange.selector));
    }

    function tooEarly(uint256 time, uint256 earliest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRegistry.TooEarly.selector, time, earliest);
    }

    function pending(uint256 time) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRegistry.VersionPending.selector, time);
    }

    function same(IRegistry.Tariff memory got, IRegistry.Tariff memory wanted) private pure {
        assertEq(keccak256(abi.encode(got)), keccak256(abi.encode(wanted)), "tariff");
    }
}
