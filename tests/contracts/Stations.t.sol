// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Meters and the stations behind them.
///
/// registerMeters: only an active grid operator; MeterTaken
/// requestStation: only an active station operator; UnknownMeter, InvalidKey, InvalidPower
/// approveStations
/// ├── another's meter, or no station: NotYourStation
/// └── approved or closed: NotPending
/// rotateStationKey, retireStationKey, revokeStationKey: another's or a closed station: NotYourStation; InvalidKey
/// the former key: good before its end, whenever that is; kept through a rotation after a retirement; none after a
/// revocation
/// closeStation: only the meter's grid operator, for good
contract StationsTest is Fixture {
    address private constant KEY = address(0xbeef);
    address private otherGridAccount = address(0x602);
    address private otherOperatorAccount = address(0x702);
    uint24 private otherGrid;
    uint24 private otherOperator;

    function setUp() public override {
        super.setUp();
        otherGrid = admit(otherGridAccount, GRID_OPERATOR);
        otherOperator = admit(otherOperatorAccount, STATION_OPERATOR);
    }

    // -------------------------------------------------------------------------------------------- Meters

    function test_register_meters() public {
        bytes32[] memory ids = new bytes32[](2);
        (ids[0], ids[1]) = ("a", "b");
        vm.prank(gridAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.MeterRegistered("a", grid);
        vm.expectEmit(address(registry));
        emit IRegistry.MeterRegistered("b", grid);
        registry.registerMeters(ids);
        assertEq(registry.gridOperatorOf("b"), grid, "grid operator");
    }

    function test_meter_taken() public {
        vm.prank(otherGridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.MeterTaken.selector, METER));
        registry.registerMeters(one(METER));
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = ("a", "a");
        vm.prank(otherGridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.MeterTaken.selector, bytes32("a")));
        registry.registerMeters(twice);
        assertEq(registry.gridOperatorOf("a"), 0, "all or none");
    }

    function test_only_an_active_grid_operator_registers_meters() public {
        vm.prank(operatorAccount);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.MissingRole.selector, operator, GRID_OPERATOR)
        );
        registry.registerMeters(one("a"));
        suspend(grid);
        vm.prank(gridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotActive.selector, grid));
        registry.registerMeters(one("a"));
    }

    // ------------------------------------------------------------------------------------------- Request

    function test_request() public {
        vm.prank(operatorAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.StationRequested(3, operator, METER, KEY, 11_000, 5000, "DE*GRM*E7");
        assertEq(request(METER, KEY, 11_000, 5000), 3, "next number");
        assertEq(registry.stationCount(), 3, "count");
        assertEq(registry.meterOf(3), METER, "meter");
        IRegistry.Station memory s = registry.stations(3);
        assertEq(s.key, KEY, "key");
        assertEq(s.gridOperator, 0, "not approved");
        assertEq(s.operator, operator, "operator");
        assertEq(s.maxPower, 11_000, "power");
        assertEq(s.maxFeedIn, 5000, "feed-in");
    }

    function test_request_refuses() public {
        vm.startPrank(operatorAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownMeter.selector, bytes32("none")));
        request("none", KEY, 11_000, 0);
        vm.expectRevert(IRegistry.InvalidKey.selector);
        request(METER, address(0), 11_000, 0);
        vm.expectRevert(IRegistry.InvalidPower.selector);
        request(METER, KEY, 0, 11_000);
        vm.stopPrank();
        vm.prank(gridAccount);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.MissingRole.selector, grid, STATION_OPERATOR)
        );
        request(METER, KEY, 11_000, 0);
        suspend(operator);
        vm.prank(operatorAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotActive.selector, operator));
        request(METER, KEY, 11_000, 0);
        assertEq(registry.stationCount(), 2, "no number is used up");
    }

    // ------------------------------------------------------------------------------------------- Approve

    function test_approve() public {
        vm.prank(operatorAccount);
        uint32 n = request(METER, KEY, 11_000, 0);
        vm.prank(otherGridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, n));
        registry.approveStations(one(n));
        vm.startPrank(gridAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.StationApproved(n, grid);
        registry.approveStations(one(n));
        assertEq(registry.stations(n).gridOperator, grid, "approved");
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotPending.selector, n));
        registry.approveStations(one(n));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, 99));
        registry.approveStations(one(uint32(99)));
        vm.stopPrank();
    }

    function test_only_an_active_grid_operator_approves() public {
        vm.prank(operatorAccount);
        uint32 n = request(METER, KEY, 11_000, 0);
        vm.prank(operatorAccount);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.MissingRole.selector, operator, GRID_OPERATOR)
        );
        registry.approveStations(one(n));
        suspend(grid);
        vm.prank(gridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotActive.selector, grid));
        registry.approveStations(one(n));
    }

    // ---------------------------------------------------------------------------------------------- Keys

    function test_rotate_key() public {
        vm.warp(START + 50);
        vm.prank(operatorAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.StationKeyRotated(station, KEY, uint40(START + 50));
        registry.rotateStationKey(station, KEY, uint40(block.timestamp));
        assertEq(registry.stations(station).key, KEY, "key");
        IRegistry.FormerKey memory former = registry.formerKeys(station);
        assertEq(former.key, vm.addr(STATION_KEY), "former key");
        assertEq(former.until, START + 50, "until");

        assertTrue(registry.maySign(station, KEY, 0), "the key, at any time");
        address formerKey = vm.addr(STATION_KEY);
        assertTrue(registry.maySign(station, formerKey, uint40(START + 49)), "before");
        assertFalse(registry.maySign(station, formerKey, uint40(START + 50)), "after");
        assertFalse(registry.maySign(station, stranger, 0), "another");
        assertFalse(registry.maySign(station, address(0), 0), "nobody");
    }

    function test_revoke_key() public {
        vm.startPrank(operatorAccount);
        registry.rotateStationKey(station, KEY, uint40(block.timestamp));
        vm.expectEmit(address(registry));
        emit IRegistry.StationKeyRevoked(station);
        registry.revokeStationKey(station);
        assertEq(registry.stations(station).key, address(0), "key");
        assertEq(registry.formerKeys(station).key, address(0), "former key");
        assertFalse(registry.maySign(station, KEY, 0), "revoked");
        assertFalse(registry.maySign(station, vm.addr(STATION_KEY), 0), "the former one, too");
        assertFalse(registry.maySign(station, address(0), 0), "nobody");
        registry.rotateStationKey(station, address(0xcafe), uint40(block.timestamp));
        assertFalse(registry.maySign(station, address(0), 0), "nobody is the former key");
        vm.stopPrank();
    }

    function test_rotate_with_any_end() public {
        address formerKey = vm.addr(STATION_KEY);
        vm.startPrank(operatorAccount);
        registry.rotateStationKey(station, KEY, uint40(START + 10 days));
        assertEq(registry.formerKeyAt(station, uint40(START + 10 days - 1)), formerKey, "before");
        assertEq(registry.formerKeyAt(station, uint40(START + 10 days)), address(0), "from then on");
        registry.rotateStationKey(station, address(0xcafe), 0);
        assertEq(registry.formerKeyAt(station, 0), address(0), "no former key is good any more");
        assertFalse(registry.maySign(station, formerKey, 0), "the first is forgotten");
        vm.stopPrank();
    }

    function test_retire_key() public {
        address retired = vm.addr(STATION_KEY);
        vm.startPrank(operatorAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.StationKeyRetired(station, uint40(START + 10));
        registry.retireStationKey(station, uint40(START + 10));
        assertEq(registry.stations(station).key, address(0), "no key");
        assertTrue(registry.maySign(station, retired, uint40(START + 9)), "before");
        assertFalse(registry.maySign(station, retired, uint40(START + 10)), "from then on");
        assertFalse(registry.maySign(station, address(0), uint40(START + 9)), "nobody");
        vm.expectRevert(IRegistry.InvalidKey.selector);
        registry.retireStationKey(station, uint40(START + 99));
        // the next key leaves the retired one as it is
        registry.rotateStationKey(station, KEY, uint40(START + 99));
        assertTrue(registry.maySign(station, retired, uint40(START + 9)), "before");
        assertFalse(registry.maySign(station, retired, uint40(START + 10)), "from then on");
        vm.stopPrank();
    }

    function test_retired_key_signs_messages_of_its_time() public {
        plugIn(station, CAR);
        vm.prank(operatorAccount);
        registry.retireStationKey(station, uint40(START + 500));
        vm.warp(START + 600);
        expectReason(signed(nextReport(station, START + 499, 10, 0, false)), Reason.None);
        expectReason(signed(nextReport(station, START + 500, 0, 0, true)), Reason.UnknownStation);
    }

    function test_only_its_operator_changes_keys() public {
        address[3] memory others = [otherOperatorAccount, gridAccount, governance];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.startPrank(others[i]);
            if (others[i] == governance) {
                vm.expectRevert(
                    abi.encodeWithSelector(IRegistry.NotAParticipant.selector, governance)
                );
            } else {
                vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, station));
            }
            registry.rotateStationKey(station, KEY, uint40(block.timestamp));
            vm.stopPrank();
        }
        vm.startPrank(operatorAccount);
        vm.expectRevert(IRegistry.InvalidKey.selector);
        registry.rotateStationKey(station, address(0), uint40(block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, 99));
        registry.revokeStationKey(99);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, 99));
        registry.retireStationKey(99, 0);
        vm.stopPrank();
    }

    /// @dev A compromised key must not wait for a reinstatement.
    function test_suspended_operator_may_revoke() public {
        suspend(operator);
        vm.prank(operatorAccount);
        registry.revokeStationKey(station);
        assertEq(registry.stations(station).key, address(0), "revoked");
    }

    // --------------------------------------------------------------------------------------------- Close

    function test_close() public {
        vm.prank(otherGridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, station));
        registry.closeStation(station);
        vm.prank(operatorAccount);
        registry.rotateStationKey(station, KEY, uint40(block.timestamp));
        vm.prank(gridAccount);
        vm.expectEmit(address(registry));
        emit IRegistry.StationClosed(station);
        registry.closeStation(station);

        IRegistry.Station memory s = registry.stations(station);
        assertEq(s.key, address(0), "key");
        assertEq(s.operator, 0, "operator");
        assertEq(s.gridOperator, grid, "keeps who releases its reserve");
        assertFalse(registry.maySign(station, KEY, 0), "key");
        assertFalse(registry.maySign(station, vm.addr(STATION_KEY), 0), "former key");
        vm.prank(operatorAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, station));
        registry.rotateStationKey(station, KEY, uint40(block.timestamp));
        vm.prank(gridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotPending.selector, station));
        registry.approveStations(one(station));
    }

    function test_close_once() public {
        vm.startPrank(gridAccount);
        registry.closeStation(station);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, station));
        registry.closeStation(station);
        vm.stopPrank();
    }

    /// @dev A station that was never requested is behind the meter 0, which a grid operator may have registered.
    function test_close_what_was_never_requested() public {
        registerMeter(gridAccount, 0);
        vm.startPrank(gridAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, 99));
        registry.closeStation(99);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotPending.selector, 99));
        registry.approveStations(one(uint32(99)));
        vm.stopPrank();
    }

    function test_close_what_was_only_requested() public {
        vm.prank(operatorAccount);
        uint32 n = request(METER, KEY, 11_000, 0);
        vm.startPrank(gridAccount);
        registry.closeStation(n);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotPending.selector, n));
        registry.approveStations(one(n));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourStation.selector, 99));
        registry.closeStation(99);
        vm.stopPrank();
    }

    function request(bytes32 meter, address key, uint24 maxPower, uint24 maxFeedIn)
        private
        returns (uint32)
    {
        return registry.requestStation(meter, key, maxPower, maxFeedIn, "DE*GRM*E7");
    }

    function suspend(uint24 participant) private {
        vm.prank(governance);
        registry.suspend(participant);
    }
}
