// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Fixture} from "./Fixture.sol";
import {Leaf} from "./Leaf.sol";

/// @notice The hash chain of each participant, recomputed from what happened.
///
/// head' = first 26 bytes of keccak256(abi.encode(head, entry))
/// ├── a settled report, in the journals of all three, in each once
/// ├── a deposit, a withdrawal, a collection
/// └── nothing else: no clearing, no refusal, no expiry
contract JournalsTest is Fixture {
    function test_heads_recomputed() public {
        bytes32 mine = bytes32(0);
        mine = chain(mine, entry(1, supplier, 1000e9));
        heads(supplier, mine, 1);

        limitReserve();
        plugIn(feeding, CAR);
        heads(supplier, mine, 1);

        vm.warp(START + 900);
        ISessions.EnergyReport memory r = nextReport(feeding, START + 900, 1000, 200, true);
        bytes32 leaf = Leaf.settled(
            ledger.digestOf(r),
            block.timestamp,
            ledger.sessions(feeding),
            r.time,
            120e6,
            50e6 + 350e6,
            200 * 150_000
        );
        submit(signed(r));
        mine = chain(mine, leaf);
        heads(supplier, mine, 2);
        bytes32 grids = chain(chain(0, entry(1, grid, 1000e9)), leaf);
        heads(grid, grids, 2);
        heads(operator, chain(0, leaf), 1);

        vm.prank(supplierAccount);
        vault.withdraw(7e6 + 999, supplierAccount);
        mine = chain(mine, entry(2, supplier, 7e6));
        heads(supplier, mine, 3);
        heads(otherSupplier, chain(0, entry(1, otherSupplier, 1000e9)), 1);
    }

    function test_collection_in_both_journals() public {
        limitReserve();
        plugIn(station, CAR);
        uint96 free = accountOf(supplier).balance - accountOf(supplier).reserved;
        vm.prank(supplierAccount);
        vault.withdraw(free, supplierAccount);
        vm.warp(START + 900);
        charge(station, 5000, 0, false);
        fund(supplier, 1000);
        bytes32 payers = head(supplier);
        bytes32 payees = head(operator);
        bytes32 collected =
            keccak256(abi.encode(uint256(3), uint256(supplier), uint256(operator), uint256(1e6)));
        ledger.collect(supplier, operator);
        heads(supplier, chain(payers, collected), 5);
        heads(operator, chain(payees, collected), 2);
    }

    function test_negative_feed_in_is_signed_in_the_leaf() public {
        plugIn(feeding, CAR);
        vm.warp(START + 900);
        charge(feeding, 0, 0, false);
        vm.warp(START + 1800);
        bytes32 before = head(grid);
        ISessions.EnergyReport memory r = nextReport(feeding, START + 1800, 0, 10, false);
        submit(signed(r));
        bytes32 leaf = Leaf.settled(
            ledger.digestOf(r),
            block.timestamp,
            ledger.sessions(feeding),
            r.time,
            0,
            0,
            -int256(200_000)
        );
        heads(grid, chain(before, leaf), 3);
    }

    /// @dev The chain distinguishes order, not only content.
    function test_order_matters() public {
        uint256 before = vm.snapshotState();
        fund(operator, 1);
        fund(operator, 2);
        bytes32 forward = head(operator);
        vm.revertToState(before);
        fund(operator, 2);
        fund(operator, 1);
        assertTrue(head(operator) != forward, "another head");
        assertEq(ledger.journals(operator).count, 2, "the same count");
    }

    function test_no_entry_without_a_movement() public {
        plugIn(station, CAR);
        submit(signed(opening(feeding, 1, CAR, START, 0, 0)));
        submit("garbage");
        vm.warp(START + 12 hours + 1);
        ledger.expire(station);
        assertEq(ledger.journals(supplier).count, 1, "the deposit");
        assertEq(ledger.journals(grid).count, 1, "the deposit");
        assertEq(ledger.journals(operator).count, 0, "nothing");
    }

    function limitReserve() private {
        IRegistry.Limits memory limits = defaultLimits();
        limits.reserveWh = 1;
        vm.prank(governance);
        registry.setLimits(limits);
    }

    function entry(uint256 kind, uint256 participant, uint256 amount)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(kind, participant, amount));
    }

    function chain(bytes32 before, bytes32 what) private pure returns (bytes32) {
        return bytes32(bytes26(keccak256(abi.encode(before, what))));
    }

    function head(uint24 participant) private view returns (bytes32) {
        return bytes32(ledger.journals(participant).head);
    }

    function heads(uint24 participant, bytes32 wanted, uint256 count) private view {
        IAccounts.Journal memory j = ledger.journals(participant);
        assertEq(bytes32(j.head), wanted, "head");
        assertEq(j.count, count, "count");
    }
}
