// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Drawing} from "./Drawing.sol";
import {Reference} from "./Reference.sol";

/// @notice What a report costs whom, exact to the nano-euro.
///
/// Settlement
/// ├── each slot's energy at the level of its slot of the UTC day, by each operator's own map
/// ├── the session fees come with the final report, and only with it
/// ├── feed-in: the grid operator pays; at a negative price the supplier; the directions never net
/// ├── at the versions that were pinned at clearing: Pinning.t.sol
/// ├── a posting with neither amount nor energy leaves no trace
/// └── however a session is cut into reports, it costs the same
contract SettlementTest is Drawing {
    uint32 private n; // a station whose operators publish the tariffs of a test
    uint24 private newGrid;
    uint24 private newOperator;
    address private constant NEW_GRID = address(0x602);
    address private constant NEW_OPERATOR = address(0x702);

    function setUp() public override {
        super.setUp();
        newGrid = admit(NEW_GRID, GRID_OPERATOR);
        newOperator = admit(NEW_OPERATOR, STATION_OPERATOR);
        registerMeter(NEW_GRID, "new meter");
        n = addStation(NEW_OPERATOR, NEW_GRID, "new meter", vm.addr(STATION_KEY), 22_000, 22_000);
        fund(supplier, 100_000 * EURO);
        fund(newGrid, 100_000 * EURO);
    }

    // ------------------------------------------------------------------------------------------ By hand

    /// @dev 08:05 to 08:50 UTC. Grid: high, low, standard, standard. Operator: standard, high, low, standard.
    function test_four_slots_by_hand() public {
        vm.warp(START + 300);
        plugIn(feeding, CAR);
        vm.warp(START + 3000);
        ISessions.EnergyReport memory r = nextReport(feeding, block.timestamp, 0, 0, true);
        r.boundaries = abi.encodePacked(
            uint48(1000), uint48(10), uint48(3000), uint48(30), uint48(7000), uint48(70)
        );
        (r.importRegister, r.exportRegister) = (8000, 80);
        uint80 network = 1000 * 120_000 + 2000 * 30_000 + 4000 * 80_000 + 1000 * 80_000;
        uint80 service =
            1000 * 50_000 + 2000 * 60_000 + 4000 * 40_000 + 1000 * 50_000 + 350_000 * 1000;
        int80 feedIn = 10 * 150_000 - 20 * 20_000 + 40 * 60_000 + 10 * 60_000;
        vm.expectEmit(address(ledger));
        emit ISessions.ReportSettled(
            feeding, supplier, 1, 1, r.time, 8000, 80, network, service, feedIn, true
        );
        submit(signed(r));
        assertEq(posted(supplier, grid), network, "network charge");
        assertEq(posted(supplier, operator), service, "service fee");
        assertEq(posted(grid, supplier), uint80(feedIn), "feed-in");
        assertEq(accountOf(operator).balance, service, "operator's balance");
        assertEq(accountOf(grid).balance, 1000 * NANO + network - uint80(feedIn), "grid's balance");
    }

    function test_energy_behind_the_postings() public {
        plugIn(feeding, CAR);
        vm.warp(START + 900);
        charge(feeding, 500, 60, false);
        assertEq(ledger.pairs(supplier, grid).importWh, 500, "network: import");
        assertEq(ledger.pairs(supplier, grid).exportWh, 0, "network: export");
        assertEq(ledger.pairs(supplier, operator).importWh, 500, "service: import");
        assertEq(ledger.pairs(supplier, operator).exportWh, 0, "service: export");
        assertEq(ledger.pairs(grid, supplier).importWh, 0, "feed-in: import");
        assertEq(ledger.pairs(grid, supplier).exportWh, 60, "feed-in: export");
        assertEq(ledger.pairs(operator, supplier).amount, 0, "nothing the other way");
    }

    function test_session_fee_with_the_final_report_only() public {
        IRegistry.Tariff memory t = gridTariff();
        t.sessionFee = 1_000_001;
        market(t, operatorTariff());
        plugIn(n, CAR);
        charge(n, 0, 0, false);
        assertEq(posted(supplier, newGrid), 0, "not yet");
        assertEq(posted(supplier, newOperator), 0, "not yet");
        charge(n, 0, 0, true);
        assertEq(posted(supplier, newGrid), 1_000_001_000, "network fee");
        assertEq(posted(supplier, newOperator), 350_000_000, "service fee");
    }

    function test_nothing_leaves_no_trace_in_a_pair() public {
        plugIn(feeding, CAR);
        charge(feeding, 0, 0, false);
        assertEq(keccak256(abi.encode(ledger.pairs(supplier, grid))), empty(), "network");
        assertEq(keccak256(abi.encode(ledger.pairs(supplier, operator))), empty(), "service");
        assertEq(keccak256(abi.encode(ledger.pairs(grid, supplier))), empty(), "feed-in");
        assertEq(ledger.journals(operator).count, 1, "but the report is in the journal");
    }

    function test_energy_without_a_price_is_counted() public {
        IRegistry.Tariff memory free;
        free.validFrom = uint32(START);
        market(free, free);
        plugIn(n, CAR);
        vm.warp(START + 900);
        charge(n, 123, 45, true);
        assertEq(posted(supplier, newGrid), 0, "amount");
        assertEq(ledger.pairs(supplier, newGrid).importWh, 123, "import");
        assertEq(ledger.pairs(supplier, newOperator).importWh, 123, "import");
        assertEq(ledger.pairs(newGrid, supplier).exportWh, 45, "export");
    }

    // -------------------------------------------------------------------------------------------- Feed-in

    function test_feed_in_at_a_negative_price() public {
        vm.warp(START + 900);
        plugIn(feeding, CAR);
        vm.warp(START + 1800);
        uint96 before = accountOf(grid).balance;
        charge(feeding, 0, 70, false);
        assertEq(posted(supplier, grid), 70 * 20_000, "the supplier pays");
        assertEq(ledger.pairs(supplier, grid).exportWh, 70, "for export");
        assertEq(ledger.pairs(supplier, grid).importWh, 0, "not for import");
        assertEq(ledger.pairs(grid, supplier).exportWh, 0, "nothing the other way");
        assertEq(accountOf(grid).balance, before + 70 * 20_000, "balance");
    }

    /// @dev Over the slots of one report the sign is that of the sum.
    function test_feed_in_at_mixed_prices() public {
        plugIn(feeding, CAR);
        vm.warp(START + 1800);
        ISessions.EnergyReport memory r = nextReport(feeding, block.timestamp, 0, 0, false);
        r.boundaries = abi.encodePacked(uint48(0), uint48(10));
        r.exportRegister = 10 + 75;
        submit(signed(r));
        assertEq(posted(grid, supplier), 0, "10 at 0.15, 75 at -0.02: nothing is left");
        assertEq(ledger.pairs(grid, supplier).exportWh, 85, "but energy");
        vm.warp(START + 4500);
        r = nextReport(feeding, block.timestamp, 0, 0, false);
        // two standard slots, a high one
        r.boundaries = abi.encodePacked(uint48(0), uint48(85), uint48(0), uint48(86));
        r.exportRegister = 88;
        submit(signed(r));
        assertEq(posted(grid, supplier), 60_000 + 2 * 150_000, "positive");
    }

    function test_directions_never_net() public {
        plugIn(feeding, CAR);
        vm.warp(START + 900);
        charge(feeding, 1000, 1000, false);
        assertEq(posted(supplier, grid), 1000 * 120_000, "import");
        assertEq(posted(grid, supplier), 1000 * 150_000, "export");
    }

    // --------------------------------------------------------------------------------------------- Levels

    /// @dev From slot 94 over midnight to slot 1, with a level of its own for each.
    function test_slot_map_wraps_at_midnight_utc() public {
        IRegistry.Tariff memory t = operatorTariff();
        t.levels = uint192(2) | uint192(1) << 2 * 94 | uint192(2) << 2 * 95;
        market(t, t);
        vm.warp(START + 16 hours - 1800);
        assertEq(block.timestamp % 1 days / 900, 94, "slot of the day");
        plugIn(n, CAR);
        vm.warp(START + 16 hours + 1800);
        ISessions.EnergyReport memory r = nextReport(n, block.timestamp, 0, 0, false);
        r.boundaries =
            abi.encodePacked(uint48(1), uint48(0), uint48(11), uint48(0), uint48(111), uint48(0));
        r.importRegister = 1111;
        submit(signed(r));
        uint256 wanted = 1 * 60_000 + 10 * 40_000 + 100 * 40_000 + 1000 * 50_000;
        assertEq(posted(supplier, newGrid), wanted, "amount");
    }

    /// @dev A level for each slot of the day, energy in one slot at a time.
    function test_each_slot_of_the_day() public {
        IRegistry.Tariff memory t = operatorTariff();
        t.levels = 0;
        for (uint256 slot = 0; slot < 96; ++slot) {
            t.levels |= uint192(slot * slot % 3) << uint192(2 * slot);
        }
        market(t, t);
        uint32[3] memory prices = [t.importStandard, t.importHigh, t.importLow];
        plugIn(n, CAR);
        for (uint256 i = 0; i < 97; ++i) {
            vm.warp(block.timestamp + 900);
            uint256 before = posted(supplier, newGrid);
            charge(n, 1, 0, false);
            uint256 slot = (32 + i) % 96;
            assertEq(
                posted(supplier, newGrid) - before, prices[slot * slot % 3], "price of the slot"
            );
        }
    }

    // ------------------------------------------------------------------------------------ Reference, fuzz

    struct Drawn {
        IRegistry.Tariff grid;
        IRegistry.Tariff operator;
        uint256 seed;
        uint256 offset; // of the opening from START
        uint256 duration;
        bool last;
    }

    function testFuzz_like_the_reference(Drawn memory d) public {
        (d.grid, d.operator) = (cleanTariff(d.grid, true), cleanTariff(d.operator, false));
        market(d.grid, d.operator);
        Reference.Reading[] memory readings = drawReadings(d);
        vm.warp(readings[0].time);
        open(readings[0]);
        vm.warp(readings[readings.length - 1].time);
        uint256 before = accountOf(supplier).balance;
        ISessions.EnergyReport memory r = reportOver(readings, 0, readings.length - 1, d.last);
        expectReason(signed(r), Reason.None);

        Reference.Due memory due = Reference.settle(readings, d.grid, d.operator, d.last);
        uint256 charged = due.feedIn < 0 ? uint256(-due.feedIn) : 0;
        uint256 paid = due.feedIn < 0 ? 0 : uint256(due.feedIn);
        assertEq(posted(supplier, newGrid), due.networkCharge + charged, "network charge");
        assertEq(posted(supplier, newOperator), due.serviceFee, "service fee");
        assertEq(posted(newGrid, supplier), paid, "feed-in");
        assertEq(
            accountOf(supplier).balance,
            before + paid - charged - due.networkCharge - due.serviceFee,
            "supplier's balance"
        );
        uint256 taken = readings[readings.length - 1].imported - readings[0].imported;
        assertEq(ledger.pairs(supplier, newGrid).importWh, taken, "energy telescopes");
    }

    /// @dev One final report, or as many as the fuzzer likes, cut at boundaries and within slots.
    function testFuzz_however_it_is_cut(Drawn memory d) public {
        (d.grid, d.operator) = (cleanTariff(d.grid, true), cleanTariff(d.operator, false));
        market(d.grid, d.operator);
        d.duration = bound(d.duration, 0, 30 * 900);
        Reference.Reading[] memory readings = drawReadings(d);
        uint256 end = readings.length - 1;
        vm.warp(readings[0].time);
        open(readings[0]);
        vm.warp(readings[end].time);

        uint256 uncut = vm.snapshotState();
        expectReason(signed(reportOver(readings, 0, end, true)), Reason.None);
        bytes32 outcome = outcomeHash();
        vm.revertToState(uncut);

        uint256 from = 0;
        for (uint256 i = 1; i < end; ++i) {
            uint256 choice = draw(d.seed, i + 1000, 0, 3);
            if (choice == 0) {
                expectReason(signed(reportOver(readings, from, i, false)), Reason.None);
                from = i;
            } else if (choice == 1) {
                expectReason(signed(reportOver(readings, from, i - 1, false)), Reason.None);
                from = i;
                expectReason(signed(between(readings[i - 1], readings[i], d.seed)), Reason.None);
                expectReason(signed(reportOver(readings, i, i, false)), Reason.None);
            }
        }
        expectReason(signed(reportOver(readings, from, end, true)), Reason.None);
        assertEq(outcomeHash(), outcome, "outcome");
    }

    /// @dev Balances, energy, and amounts with the two directions between supplier and grid operator set off:
    /// where prices have both signs a cut may tell apart what the sum of one report hides.
    function outcomeHash() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                accountOf(supplier),
                accountOf(newGrid),
                accountOf(newOperator),
                ledger.pairs(supplier, newOperator),
                int256(posted(supplier, newGrid)) - int256(posted(newGrid, supplier)),
                ledger.pairs(supplier, newGrid).importWh,
                ledger.pairs(supplier, newGrid).exportWh + ledger.pairs(newGrid, supplier).exportWh,
                ledger.sessions(n).importRegister,
                ledger.sessions(n).state
            )
        );
    }

    /// @dev A report of two days has 193 slots: the last one has the level of the first one's place in the day.
    function test_last_slot_of_the_longest_report() public {
        vm.warp(START + 899);
        plugIn(feeding, CAR);
        uint256 end = START + 193 * 900;
        vm.warp(end);
        bytes memory all = evenly(START + 899, end, 0, 0, 0, 0);
        assertEq(all.length, 192 * 12, "boundaries");
        expectReason(signed(report(feeding, 1, 1, end, 1000, 500, false, all)), Reason.None);
        assertEq(ledger.pairs(supplier, grid).amount, 1000 * 120_000, "high, import");
        assertEq(ledger.pairs(grid, supplier).amount, 500 * 150_000, "high, export");
        assertEq(ledger.pairs(supplier, operator).amount, 1000 * 50_000, "standard");
    }

    // -------------------------------------------------------------------------------------------- Helpers

    function market(IRegistry.Tariff memory g, IRegistry.Tariff memory o) private {
        publish(NEW_GRID, GRID_OPERATOR, g);
        publish(NEW_OPERATOR, STATION_OPERATOR, o);
    }

    function drawReadings(Drawn memory d) private pure returns (Reference.Reading[] memory list) {
        uint256 start = START + bound(d.offset, 0, 2 days);
        uint256 end = start + bound(d.duration, 0, 192 * 900);
        uint256 count = 2;
        for (uint256 t = start - start % 900 + 900; t < end; t += 900) {
            ++count;
        }
        list = new Reference.Reading[](count);
        list[0] = Reference.Reading(start, draw(d.seed, 0, 0, 1e9), draw(d.seed, 1, 0, 1e9));
        for (uint256 i = 1; i < count; ++i) {
            uint256 time = i == count - 1 ? end : start - start % 900 + i * 900;
            uint256 most = 22_000 * (time - list[i - 1].time) / 3600;
            list[i] = Reference.Reading(
                time,
                list[i - 1].imported + draw(d.seed, 2 * i, 0, most),
                list[i - 1].exported + draw(d.seed, 2 * i + 1, 0, most)
            );
        }
    }

    function open(Reference.Reading memory first) private {
        ISessions.OpenSession memory o =
            opening(n, 1, CAR, first.time, uint48(first.imported), uint48(first.exported));
        expectReason(signed(o), Reason.None);
    }

    /// @dev The next report, from one reading to another; from a moment within the slot before, if it is the same.
    function reportOver(Reference.Reading[] memory readings, uint256 from, uint256 to, bool last)
        private
        view
        returns (ISessions.EnergyReport memory r)
    {
        r = report(
            n,
            1,
            ledger.sessions(n).report + 1,
            readings[to].time,
            uint48(readings[to].imported),
            uint48(readings[to].exported),
            last,
            ""
        );
        for (uint256 i = from + 1; i < to; ++i) {
            r.boundaries = abi.encodePacked(
                r.boundaries, uint48(readings[i].imported), uint48(readings[i].exported)
            );
        }
    }

    /// @dev The next report, to a moment within a slot.
    function between(Reference.Reading memory a, Reference.Reading memory b, uint256 seed)
        private
        view
        returns (ISessions.EnergyReport memory)
    {
        Reference.Reading[] memory readings = new Reference.Reading[](1);
        uint256 part = draw(seed, a.time, 0, b.time - a.time);
        uint256 whole = b.time - a.time;
        readings[0] = Reference.Reading(
            a.time + part,
            a.imported + (whole == 0 ? 0 : (b.imported - a.imported) * part / whole),
            a.exported + (whole == 0 ? 0 : (b.exported - a.exported) * part / whole)
        );
        return reportOver(readings, 0, 0, false);
    }

    function posted(uint24 payer, uint24 payee) private view returns (uint256) {
        return ledger.pairs(payer, payee).amount;
    }

    function empty() private pure returns (bytes32) {
        return keccak256(new bytes(128));
    }
}
