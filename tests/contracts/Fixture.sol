// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {TestEuro} from "../../contracts/devnet/TestEuro.sol";
import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {ICorrections} from "../../contracts/interfaces/ICorrections.sol";
import {ILedger} from "../../contracts/interfaces/ILedger.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IVault} from "../../contracts/interfaces/IVault.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Assertions} from "./Assertions.sol";
import {Vm} from "./Vm.sol";

/// @notice A small market: two suppliers, a grid operator, a station operator, a charging station and one that
/// also feeds in. Every role has its own account, and everybody else is a `stranger`.
abstract contract Fixture is Assertions {
    uint8 internal constant SUPPLIER = 1;
    uint8 internal constant GRID_OPERATOR = 2;
    uint8 internal constant STATION_OPERATOR = 4;

    uint256 internal constant START = 1_800_000_000; // the start of a slot: 2027-01-15 08:00 UTC
    uint256 internal constant EURO = 1e6; // token units
    uint256 internal constant NANO = 1e9; // nano-euro
    uint24 internal constant MAX_POWER = 22_000;

    address internal governance = address(0x60f);
    address internal relay = address(0x4e1a);
    address internal stranger = address(0x57a);
    uint40 internal constant WINDOW = 14 days;
    address internal supplierAccount = address(0x501);
    address internal otherSupplierAccount = address(0x502);
    address internal gridAccount = address(0x601);
    address internal operatorAccount = address(0x701);

    TestEuro internal euro;
    IRegistry internal registry;
    ILedger internal ledger;
    IVault internal vault;
    ICorrections internal corrections;

    uint24 internal supplier;
    uint24 internal otherSupplier;
    uint24 internal grid;
    uint24 internal operator;

    bytes32 internal constant METER = keccak256("meter");
    bytes32 internal constant COMMITMENT = keccak256("car");
    bytes32 internal constant OTHER_COMMITMENT = keccak256("other car");
    // the ids that the suppliers' registrations give
    bytes32 internal constant CAR = keccak256(abi.encode(uint24(1), COMMITMENT));
    bytes32 internal constant OTHER_CAR = keccak256(abi.encode(uint24(2), OTHER_COMMITMENT));
    uint256 internal constant STATION_KEY = 0x5747101;
    uint256 internal constant FEEDING_KEY = 0x5747102;
    uint32 internal station; // charges only
    uint32 internal feeding; // charges and feeds in

    function setUp() public virtual {
        vm.warp(START);
        AccessManager authority = new AccessManager(governance);
        euro = new TestEuro();
        registry = newRegistry(address(authority), defaultLimits());
        ledger = newLedger(registry, address(euro));
        vault = ledger.vault();

        supplier = admit(supplierAccount, SUPPLIER);
        otherSupplier = admit(otherSupplierAccount, SUPPLIER);
        grid = admit(gridAccount, GRID_OPERATOR);
        operator = admit(operatorAccount, STATION_OPERATOR);
        publish(gridAccount, GRID_OPERATOR, gridTariff());
        publish(operatorAccount, STATION_OPERATOR, operatorTariff());
        registerMeter(gridAccount, METER);
        station =
            addStation(operatorAccount, gridAccount, METER, vm.addr(STATION_KEY), MAX_POWER, 0);
        feeding = addStation(
            operatorAccount, gridAccount, METER, vm.addr(FEEDING_KEY), MAX_POWER, MAX_POWER
        );
        registerVehicle(supplierAccount, COMMITMENT);
        registerVehicle(otherSupplierAccount, OTHER_COMMITMENT);
        fund(supplier, 1000 * EURO);
        fund(otherSupplier, 1000 * EURO);
        fund(grid, 1000 * EURO);
    }

    // ------------------------------------------------------------------------------------------- The market

    /// @dev By their artifacts, so that the tests carry no copy of the contracts and compile in seconds.
    function newRegistry(address authority, IRegistry.Limits memory limits)
        internal
        returns (IRegistry)
    {
        return IRegistry(vm.deployCode("Registry.sol:Registry", abi.encode(authority, limits)));
    }

    function newLedger(IRegistry registry_, address token) internal returns (ILedger) {
        // the ledger names the corrections, which come after it
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        address deployed = vm.deployCode("Ledger.sol:Ledger", abi.encode(registry_, token, next));
        corrections = ICorrections(
            vm.deployCode("Corrections.sol:Corrections", abi.encode(deployed, WINDOW))
        );
        return ILedger(deployed);
    }

    function defaultLimits() internal pure returns (IRegistry.Limits memory) {
        return IRegistry.Limits({
            skew: 60,
            backlog: 7 days,
            silence: 12 hours,
            notice: 1 days,
            reserveWh: 60_000,
            maxPrice: 2_000_000,
            maxSessionFee: 5_000_000
        });
    }

    /// @dev Every fourth slot high, the next low, the rest standard.
    function gridTariff() internal view returns (IRegistry.Tariff memory t) {
        t.importStandard = 80_000;
        t.importHigh = 120_000;
        t.importLow = 30_000;
        t.exportStandard = 60_000;
        t.exportHigh = 150_000;
        t.exportLow = -20_000;
        t.sessionFee = 0;
        t.validFrom = uint32(block.timestamp);
        t.levels = 0x090909090909090909090909090909090909090909090909;
    }

    function operatorTariff() internal view returns (IRegistry.Tariff memory t) {
        t.importStandard = 50_000;
        t.importHigh = 60_000;
        t.importLow = 40_000;
        t.sessionFee = 350_000;
        t.validFrom = uint32(block.timestamp);
        t.levels = 0x242424242424242424242424242424242424242424242424;
    }

    function admit(address account, uint8 roles) internal returns (uint24) {
        vm.prank(governance);
        return registry.admit(account, roles, "11XDEMO-------0");
    }

    function publish(address account, uint8 role, IRegistry.Tariff memory tariff) internal {
        vm.prank(account);
        registry.publishTariff(role, tariff);
    }

    function registerMeter(address account, bytes32 meter) internal {
        vm.prank(account);
        registry.registerMeters(one(meter));
    }

    function addStation(
        address operatedBy,
        address approvedBy,
        bytes32 meter,
        address key,
        uint24 maxPower,
        uint24 maxFeedIn
    ) internal returns (uint32 number) {
        vm.prank(operatedBy);
        number = registry.requestStation(meter, key, maxPower, maxFeedIn, "DE*GRM*E1");
        vm.prank(approvedBy);
        registry.approveStations(one(number));
    }

    function registerVehicle(address account, bytes32 commitment) internal returns (bytes32 id) {
        vm.prank(account);
        ledger.registerVehicles(one(commitment), uint40(block.timestamp - block.timestamp % 900));
        return ledger.vehicleIdOf(registry.participantOf(account), commitment);
    }

    function fund(uint24 participant, uint256 units) internal {
        euro.mint(address(this), units);
        euro.approve(address(vault), units);
        vault.deposit(participant, units);
    }

    // ----------------------------------------------------------------------------------------- The messages

    function opening(
        uint32 where,
        uint32 session,
        bytes32 vehicle,
        uint256 time,
        uint48 imported,
        uint48 exported
    ) internal pure returns (ISessions.OpenSession memory) {
        return ISessions.OpenSession(where, session, vehicle, uint40(time), imported, exported);
    }

    function report(
        uint32 where,
        uint32 session,
        uint32 number,
        uint256 time,
        uint48 imported,
        uint48 exported,
        bool last,
        bytes memory boundaries
    ) internal pure returns (ISessions.EnergyReport memory) {
        return ISessions.EnergyReport(
            where, session, number, uint40(time), imported, exported, last, bytes32(0), boundaries
        );
    }

    function signed(ISessions.OpenSession memory o, uint256 key)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodePacked(
            uint8(1),
            o.station,
            o.session,
            o.time,
            o.importRegister,
            o.exportRegister,
            o.vehicle,
            signature(ledger.digestOf(o), key)
        );
    }

    function signed(ISessions.EnergyReport memory r, uint256 key)
        internal
        view
        returns (bytes memory)
    {
        bytes memory head = abi.encodePacked(
            uint8(2), r.station, r.session, r.report, r.time, r.importRegister, r.exportRegister
        );
        return abi.encodePacked(
            head, r.last, r.evidence, r.boundaries, signature(ledger.digestOf(r), key)
        );
    }

    function signature(bytes32 digest, uint256 key) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Registers that grow evenly, at each slot boundary strictly between two times.
    function evenly(
        uint256 from,
        uint256 to,
        uint48 imported,
        uint48 exported,
        uint48 step,
        uint48 back
    ) internal pure returns (bytes memory boundaries) {
        for (uint256 t = from - from % 900 + 900; t < to; t += 900) {
            imported += step;
            exported += back;
            boundaries = abi.encodePacked(boundaries, imported, exported);
        }
    }

    /// @dev The next report of a station's session: energy grows evenly from its last reading to `time`.
    function nextReport(uint32 where, uint256 time, uint48 taken, uint48 fed, bool last)
        internal
        view
        returns (ISessions.EnergyReport memory r)
    {
        ISessions.Session memory s = ledger.sessions(where);
        r = report(
            where, s.number, s.report + 1, time, s.importRegister, s.exportRegister, last, ""
        );
        for (uint256 t = s.time - s.time % 900 + 900; t < time; t += 900) {
            uint48 imported = s.importRegister + uint48(taken * (t - s.time) / (time - s.time));
            uint48 exported = s.exportRegister + uint48(fed * (t - s.time) / (time - s.time));
            r.boundaries = abi.encodePacked(r.boundaries, imported, exported);
        }
        (r.importRegister, r.exportRegister) = (r.importRegister + taken, r.exportRegister + fed);
    }

    function signed(ISessions.OpenSession memory o) internal view returns (bytes memory) {
        return signed(o, keyOf(o.station));
    }

    function signed(ISessions.EnergyReport memory r) internal view returns (bytes memory) {
        return signed(r, keyOf(r.station));
    }

    function keyOf(uint32 where) internal view returns (uint256) {
        return where == feeding ? FEEDING_KEY : STATION_KEY;
    }

    // -------------------------------------------------------------------------------------- What happens

    function submit(bytes memory message) internal returns (Reason) {
        return submitAll(batch(message))[0];
    }

    function submitAll(bytes[] memory messages) internal returns (Reason[] memory) {
        vm.prank(relay, relay);
        return ledger.submit(messages);
    }

    /// @dev Opens the station's next session, now and at its last registers.
    function plugIn(uint32 where, bytes32 vehicle)
        internal
        returns (ISessions.OpenSession memory o)
    {
        ISessions.Session memory s = ledger.sessions(where);
        o = opening(
            where, s.number + 1, vehicle, block.timestamp, s.importRegister, s.exportRegister
        );
        expectReason(signed(o), Reason.None);
    }

    /// @dev Reports energy up to now.
    function charge(uint32 where, uint48 taken, uint48 fed, bool last)
        internal
        returns (ISessions.EnergyReport memory r)
    {
        r = nextReport(where, block.timestamp, taken, fed, last);
        expectReason(signed(r), Reason.None);
    }

    function unplug(uint32 where) internal {
        charge(where, 0, 0, true);
    }

    /// @dev A message that is rejected leaves no trace but its event.
    function expectReason(bytes memory message, Reason reason) internal {
        bytes32 before = stateHash();
        vm.recordLogs();
        assertEq(submit(message), reason, "reason");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (reason == Reason.None) return;
        assertEq(logs.length, 2, "events");
        assertEq(logs[0].topics[0], ISessions.MessageRejected.selector, "event");
        assertEq(uint256(logs[0].topics[2]), uint256(reason), "reason in the event");
        assertEq(stateHash(), before, "left a trace");
    }

    /// @dev An opening that is decided against uses its number up, and moves nothing else.
    function expectRefusal(ISessions.OpenSession memory o, Reason reason) internal {
        bytes32 before = moneyHash();
        ISessions.Session memory s = ledger.sessions(o.station);
        assertEq(submit(signed(o)), reason, "reason");
        assertEq(moneyHash(), before, "moved something");
        (s.number, s.report, s.flags) = (o.session, 0, 0);
        s.state = ISessions.State.Refused;
        (s.time, s.touched) = (o.time, uint40(block.timestamp));
        (s.importRegister, s.exportRegister) = (o.importRegister, o.exportRegister);
        assertEq(
            keccak256(abi.encode(ledger.sessions(o.station))), keccak256(abi.encode(s)), "session"
        );
        expectReason(signed(o), Reason.SessionUsed);
    }

    /// @dev Everything that a rejected message must leave alone.
    function stateHash() internal view returns (bytes32 hash) {
        hash = moneyHash();
        for (uint32 n = 1; n <= registry.stationCount(); ++n) {
            hash = keccak256(abi.encode(hash, ledger.sessions(n)));
        }
    }

    function moneyHash() internal view returns (bytes32 hash) {
        uint24 count = registry.participantCount();
        for (uint24 p = 1; p <= count; ++p) {
            hash = keccak256(abi.encode(hash, ledger.accounts(p), ledger.journals(p)));
            for (uint24 q = 1; q <= count; ++q) {
                hash = keccak256(abi.encode(hash, ledger.pairs(p, q)));
            }
        }
        return keccak256(
            abi.encode(
                hash, ledger.vehicles(CAR), ledger.vehicles(OTHER_CAR), ledger.totalBalance()
            )
        );
    }

    function accountOf(uint24 participant) internal view returns (IAccounts.Account memory) {
        return ledger.accounts(participant);
    }

    // ------------------------------------------------------------------------------------------------ Lists

    function one(bytes32 id) internal pure returns (bytes32[] memory ids) {
        ids = new bytes32[](1);
        ids[0] = id;
    }

    function one(uint32 number) internal pure returns (uint32[] memory numbers) {
        numbers = new uint32[](1);
        numbers[0] = number;
    }

    function batch(bytes memory a) internal pure returns (bytes[] memory messages) {
        messages = new bytes[](1);
        messages[0] = a;
    }

    function batch(bytes memory a, bytes memory b) internal pure returns (bytes[] memory messages) {
        messages = new bytes[](2);
        (messages[0], messages[1]) = (a, b);
    }

    function batch(bytes memory a, bytes memory b, bytes memory c)
        internal
        pure
        returns (bytes[] memory messages)
    {
        messages = new bytes[](3);
        (messages[0], messages[1], messages[2]) = (a, b, c);
    }
}
