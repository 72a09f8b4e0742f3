// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../../contracts/interfaces/IAccounts.sol";
import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {IVault} from "../../../contracts/interfaces/IVault.sol";
import {IVehicles} from "../../../contracts/interfaces/IVehicles.sol";
import {Checks} from "./Checks.sol";

/// @notice A market with little money, and what governance, companies and their treasurers may do to it.
abstract contract Administration is Checks {
    uint24 internal utility; // supplier, grid operator and station operator in one
    mapping(uint24 participant => address) internal accountsOf;
    mapping(uint32 station => Key) internal keys;
    mapping(uint32 station => Key) internal keysBefore;
    mapping(bytes32 vehicle => Key) internal carKeys;
    mapping(bytes32 vehicle => Key) internal carKeysBefore;
    bytes32[] internal cars;
    uint24[] internal firstSupplierOf;
    uint256 private nextKey = 0x57471000;
    uint160 private nextAccount = 0x9000;

    function setUp() public override {
        super.setUp();
        utility = admit(address(0x801), SUPPLIER | GRID_OPERATOR | STATION_OPERATOR);
        accountsOf[supplier] = supplierAccount;
        accountsOf[otherSupplier] = otherSupplierAccount;
        accountsOf[grid] = gridAccount;
        accountsOf[operator] = operatorAccount;
        accountsOf[utility] = address(0x801);
        limit(200, 60, 12 hours);
        publish(accountsOf[utility], GRID_OPERATOR, gridTariff());
        publish(accountsOf[utility], STATION_OPERATOR, operatorTariff());
        registerMeter(accountsOf[utility], "utility meter");
        (keys[station], keys[feeding]) = (k1(STATION_KEY), k1(FEEDING_KEY));
        build(operator, utility, "utility meter", MAX_POWER);
        build(utility, utility, "utility meter", MAX_POWER);
        build(utility, grid, METER, 0);
        // the sixth may find a supplier, the seventh never does
        for (uint24 i = 0; i < 7; ++i) {
            uint24 of_ = i < 2 ? supplier : i < 4 ? otherSupplier : utility;
            cars.push(ledger.vehicleIdOf(of_, bytes32(uint256(i))));
            firstSupplierOf.push(of_);
            if (i < 5) registerVehicle(accountsOf[of_], bytes32(uint256(i)));
        }
        vm.prank(supplierAccount);
        registry.offerDefaultSupply(operator, true);
        vm.prank(operatorAccount);
        registry.setDefaultSupplier(supplier);
        for (uint24 p = 1; p <= grid; ++p) {
            paidIn(p, 1000e9);
            pay(p, 980e9);
        }
        deposit(utility, 20 * EURO);
    }

    // ----------------------------------------------------------------------------------------------- Money

    function money(uint256 seed) external {
        uint24 p = uint24(draw(seed, 0, 1, 5));
        uint256 what = draw(seed, 1, 0, 9);
        if (what < 5) return refill(p, draw(seed, 2, 1, 25 * EURO), seed % 4 != 0);
        if (what < 6) return collect(p, uint24(draw(seed, 3, 1, 5)));
        if (what == 6) return donate(draw(seed, 2, 0, EURO));
        IAccounts.Account memory a = ledger.accounts(p);
        bool all = what != 9 && a.balance > a.reserved;
        withdraw(p, all ? a.balance - a.reserved : uint96(draw(seed, 2, 0, 40e9)));
    }

    /// @dev Who gets money is mostly asked for it.
    function refill(uint24 p, uint256 units, bool collects) internal {
        deposit(p, units);
        for (uint24 payee = 1; payee <= 5 && collects; ++payee) {
            collect(p, payee);
        }
    }

    function collect(uint24 payer, uint24 payee) private {
        uint256 claim = ledger.pairs(payer, payee).claim;
        uint256 balance = ledger.accounts(payer).balance;
        uint256 payable_ = claim < balance ? claim : balance;
        bytes memory data = abi.encodeCall(IAccounts.collect, (payer, payee));
        bool done = tried(stranger, address(ledger), data);
        assertTrue(done == (payable_ != 0), "collected where there is something, and only there");
        if (done) collected(payer, payee, payable_);
    }

    function withdraw(uint24 p, uint96 amount) private {
        IAccounts.Account memory a = ledger.accounts(p);
        uint96 whole = amount - amount % 1000;
        bool mayPay = a.owed == 0 && whole != 0 && a.balance >= uint256(a.reserved) + whole;
        bytes memory data = abi.encodeCall(IVault.withdraw, (amount, stranger));
        bool done = tried(accountsOf[p], address(vault), data);
        assertTrue(done == mayPay, "withdrawn what is free, and only that");
        if (done) paidOut(p, whole);
    }

    function pay(uint24 p, uint96 nano) private {
        vm.prank(accountsOf[p]);
        vault.withdraw(nano, stranger);
        paidOut(p, nano);
    }

    function deposit(uint24 p, uint256 units) private {
        fund(p, units);
        paidIn(p, units * 1000);
    }

    function donate(uint256 units) private {
        euro.mint(address(vault), units);
        donated += units * 1000;
    }

    // ------------------------------------------------------------------------------------------ Governance

    function govern(uint256 seed) external {
        uint24 p = uint24(draw(seed, 0, 1, 5));
        uint256 what = draw(seed, 1, 0, 6);
        if (what == 6 && seed % 3 == 0) {
            vm.prank(governance);
            registry.pause();
        } else if (what == 0) {
            vm.prank(governance);
            registry.suspend(p);
        } else if (what == 1) {
            vm.prank(governance);
            registry.setRoles(p, uint8(draw(seed, 2, 1, 7)));
        } else if (what == 2) {
            limit(
                uint32(draw(seed, 2, 0, 2000)),
                uint32(draw(seed, 3, 0, 1 hours)),
                uint32(draw(seed, 4, 1 hours, 1 days))
            );
        } else {
            restore();
        }
    }

    /// @dev Otherwise nobody would be left in the end.
    function restore() internal {
        vm.startPrank(governance);
        uint8[6] memory roles = [0, SUPPLIER, SUPPLIER, GRID_OPERATOR, STATION_OPERATOR, 7];
        for (uint24 p = 1; p <= 5; ++p) {
            registry.reinstate(p);
            registry.setRoles(p, roles[p]);
        }
        registry.unpause();
        vm.stopPrank();
    }

    function limit(uint32 reserveWh, uint32 skew, uint32 silence) private {
        IRegistry.Limits memory limits = defaultLimits();
        (limits.reserveWh, limits.skew, limits.silence) = (reserveWh, skew, silence);
        (limits.notice, limits.backlog) = (1 hours, 1 hours);
        vm.prank(governance);
        registry.setLimits(limits);
    }

    // ------------------------------------------------------------------------------------------- Companies

    function manage(uint256 seed) external {
        uint24 p = uint24(draw(seed, 0, 1, 5));
        uint256 what = draw(seed, 1, 0, 6);
        if (what > 4) return manageCarKeys(seed);
        if (what == 0) return moveAccount(p);
        if (what == 1) return publishNext(p, seed);
        if (what == 2) return defaultSupply(p, uint24(draw(seed, 2, 1, 5)), seed % 3 != 0);
        changeSupplier(p, seed);
    }

    function moveAccount(uint24 p) private {
        address to = address(++nextAccount);
        vm.prank(accountsOf[p]);
        registry.moveAccount(to);
        accountsOf[p] = to;
    }

    function publishNext(uint24 p, uint256 seed) private {
        uint8 role = seed % 2 == 0 ? GRID_OPERATOR : STATION_OPERATOR;
        IRegistry.Tariff memory t = role == GRID_OPERATOR ? gridTariff() : operatorTariff();
        t.importStandard = uint32(draw(seed, 3, 0, 200_000));
        t.importHigh = uint32(draw(seed, 4, 0, 200_000));
        if (role == GRID_OPERATOR) {
            t.exportStandard = int32(int256(draw(seed, 5, 0, 200_000)) - 100_000);
            t.exportLow = int32(int256(draw(seed, 6, 0, 200_000)) - 100_000);
        }
        t.levels = cleanLevels(uint192(draw(seed, 7, 0, type(uint192).max)));
        uint256 from = block.timestamp + 1 hours + 900;
        t.validFrom = uint32(from - from % 900);
        if (tried(
                accountsOf[p], address(registry), abi.encodeCall(IRegistry.publishTariff, (role, t))
            )) ++happened["published"];
    }

    function defaultSupply(uint24 p, uint24 other, bool offered) private {
        tried(
            accountsOf[p],
            address(registry),
            abi.encodeCall(IRegistry.offerDefaultSupply, (other, offered))
        );
        tried(
            accountsOf[other], address(registry), abi.encodeCall(IRegistry.setDefaultSupplier, (p))
        );
    }

    function changeSupplier(uint24 p, uint256 seed) private {
        uint256 car = draw(seed, 3, 0, 5);
        bytes32[] memory ids = one(cars[car]);
        uint40 from = uint40(block.timestamp - block.timestamp % 900 + 900 * draw(seed, 4, 0, 4));
        uint24 to = uint24(draw(seed, 5, 1, 5));
        bytes[4] memory calls = [
            abi.encodeCall(IVehicles.offerVehicles, (ids, to, from)),
            abi.encodeCall(IVehicles.offerVehicles, (ids, to, from)),
            abi.encodeCall(IVehicles.releaseVehicles, (ids, from)),
            abi.encodeCall(IVehicles.registerVehicles, (one(bytes32(car)), from))
        ];
        uint256 what = draw(seed, 6, 0, 3);
        uint24 by = ledger.supplierAt(ids[0], type(uint40).max);
        if (what == 3) p = firstSupplierOf[car];
        if (!tried(accountsOf[what == 3 || by == 0 ? p : by], address(ledger), calls[what])) {
            return;
        }
        ++happened["supply changed"];
        if (what > 1) return;
        bytes memory accept = abi.encodeCall(IVehicles.acceptVehicles, (ids));
        if (tried(accountsOf[to], address(ledger), accept)) changed(ids[0], by, to, from);
    }

    function manageCarKeys(uint256 seed) private {
        bytes32 car = cars[draw(seed, 3, 0, 4)];
        uint24 by = ledger.supplierAt(car, uint40(block.timestamp));
        if (by == 0) return;
        uint256 what = draw(seed, 4, 0, 7);
        vm.startPrank(accountsOf[by]);
        if (what == 0) ledger.revokeVehicleKeys(one(car));
        else if (what < 3) ledger.clearVehicleKeys(one(car));
        vm.stopPrank();
        if (what < 3) return;
        giveKey(by, car, seed, block.timestamp + draw(seed, 5, 0, 2 hours) - 1 hours);
    }

    function giveKey(uint24 by, bytes32 car, uint256 seed, uint256 from) internal {
        carKeysBefore[car] = carKeys[car];
        carKeys[car] = Key(++nextKey, seed % 2 == 0);
        give(accountsOf[by], car, carKeys[car], from);
        ++happened["car key set"];
    }

    // -------------------------------------------------------------------------------------------- Stations

    function maintain(uint256 seed) external {
        uint32 n = uint32(draw(seed, 0, 1, registry.stationCount()));
        IRegistry.Station memory s = registry.stations(n);
        if (s.operator == 0) return;
        uint256 what = draw(seed, 1, 0, 9);
        if (what == 0) {
            vm.prank(accountsOf[s.operator]);
            registry.revokeStationKey(n);
        } else if (what == 2) {
            bytes memory retire = abi.encodeCall(
                IRegistry.retireStationKey, (n, uint40(block.timestamp + seed % 1 hours))
            );
            if (tried(accountsOf[s.operator], address(registry), retire)) {
                keysBefore[n] = keys[n];
                ++happened["retired"];
            }
        } else if (what == 1 && registry.stationCount() < 8) {
            vm.prank(accountsOf[s.gridOperator]);
            registry.closeStation(n);
            build(s.operator, s.gridOperator, registry.meterOf(n), s.maxFeedIn);
        } else {
            for (uint32 i = 1; i <= registry.stationCount(); ++i) {
                if (what > 3 && registry.stations(i).key == address(0)) renew(i, seed);
            }
            renew(n, seed);
        }
    }

    function renew(uint32 n, uint256 seed) private {
        uint24 by = registry.stations(n).operator;
        if (by == 0) return;
        if (registry.stations(n).key != address(0)) keysBefore[n] = keys[n];
        keys[n] = Key(++nextKey, seed % 2 == 0);
        vm.prank(accountsOf[by]);
        uint40 until = uint40(block.timestamp + seed % 1 hours - 30 minutes);
        registry.rotateStationKey(n, addressOf(keys[n]), until);
    }

    /// @dev A station needs operators in their roles, which they may have lost.
    function build(uint24 by, uint24 on, bytes32 meter, uint24 maxFeedIn) private {
        restore();
        Key memory key = Key(++nextKey, nextKey % 2 == 0);
        uint32 n =
            addStation(accountsOf[by], accountsOf[on], meter, addressOf(key), MAX_POWER, maxFeedIn);
        keys[n] = key;
    }

    // --------------------------------------------------------------------------------------------- Helpers

    /// @return done whether it did not revert
    function tried(address account, address target, bytes memory data)
        internal
        returns (bool done)
    {
        vm.prank(account);
        (done,) = target.call(data);
    }
}
