// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The keys with which meters sign their records.
///
/// setMeterKey
/// ├── not the meter's active grid operator: NotYourMeter, MissingRole, NotActive
/// ├── on no known curve, or no point: InvalidKey
/// └── a second time, also after a revocation: MeterKeyTaken
/// revokeMeterKey: not its grid operator: NotYourMeter; without a key: InvalidKey
contract MetersTest is Fixture {
    function test_set_on_either_curve() public {
        registerMeter(gridAccount, "second meter");
        for (uint8 curve = 1; curve <= 2; ++curve) {
            bytes32 meter = curve == 1 ? METER : bytes32("second meter");
            vm.prank(gridAccount);
            vm.expectEmit(address(registry));
            emit IRegistry.MeterKeySet(meter, curve, "x", "y", "serial");
            registry.setMeterKey(meter, key(curve, "x", "y"));
            IRegistry.MeterKey memory k = registry.meterKeys(meter);
            assertEq(keccak256(abi.encode(k)), keccak256(abi.encode(key(curve, "x", "y"))), "key");
        }
    }

    function test_half_a_point_may_be_0() public {
        registerMeter(gridAccount, "second meter");
        set(METER, key(2, 0, "y"));
        set("second meter", key(2, "x", 0));
    }

    function test_invalid_keys() public {
        fails(key(0, "x", "y"), abi.encodeWithSelector(IRegistry.InvalidKey.selector));
        fails(key(3, "x", "y"), abi.encodeWithSelector(IRegistry.InvalidKey.selector));
        fails(key(2, 0, 0), abi.encodeWithSelector(IRegistry.InvalidKey.selector));
    }

    function test_only_its_active_grid_operator() public {
        IRegistry.MeterKey memory k = key(2, "x", "y");
        vm.prank(operatorAccount);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.MissingRole.selector, operator, GRID_OPERATOR)
        );
        registry.setMeterKey(METER, k);
        vm.prank(gridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourMeter.selector, bytes32("none")));
        registry.setMeterKey("none", k);
        vm.prank(governance);
        registry.suspend(grid);
        fails(k, abi.encodeWithSelector(IRegistry.NotActive.selector, grid));
    }

    function test_once() public {
        set(METER, key(2, "x", "y"));
        bytes memory taken = abi.encodeWithSelector(IRegistry.MeterKeyTaken.selector, METER);
        fails(key(1, "a", "b"), taken);
        vm.prank(gridAccount);
        registry.revokeMeterKey(METER);
        fails(key(1, "a", "b"), taken);
    }

    function test_revoke() public {
        set(METER, key(2, "x", "y"));
        vm.prank(operatorAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourMeter.selector, METER));
        registry.revokeMeterKey(METER);
        // a compromised key does not wait for a reinstatement
        vm.prank(governance);
        registry.suspend(grid);
        vm.prank(gridAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.MeterKeyRevoked(METER);
        registry.revokeMeterKey(METER);
        assertEq(registry.meterKeys(METER).curve, 0, "no curve");
        assertEq(registry.meterKeys(METER).x, "x", "the rest is kept");
        vm.prank(gridAccount);
        vm.expectRevert(IRegistry.InvalidKey.selector);
        registry.revokeMeterKey(METER);
    }

    function key(uint8 curve, bytes32 x, bytes32 y)
        private
        pure
        returns (IRegistry.MeterKey memory)
    {
        return IRegistry.MeterKey(curve, x, y, "serial");
    }

    function set(bytes32 meter, IRegistry.MeterKey memory k) private {
        vm.prank(gridAccount);
        registry.setMeterKey(meter, k);
    }

    function fails(IRegistry.MeterKey memory k, bytes memory reason) private {
        vm.prank(gridAccount);
        vm.expectRevert(reason);
        registry.setMeterKey(METER, k);
    }
}
