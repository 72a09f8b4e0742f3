// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {ICorrections} from "../../contracts/interfaces/ICorrections.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Tales} from "./Tales.sol";
import {AgreeingWallet, BombingWallet, BurningWallet, ReenteringWallet} from "./Wallets.sol";

/// @notice Disputes, and corrections by the consent of those whom they cost.
///
/// dispute
/// ├── by each party, of the first version and of a later one; noted until the next version
/// └── refused: a stranger, another participant, too late
/// propose, consent
/// ├── fewer Wh cost grid and station operator, more cost the supplier, another supplier all but the former
/// ├── in force at once where it costs nobody else; silence is no consent
/// ├── energy moved in time, and what changes nothing, needs everyone
/// ├── no more than 16 assignments
/// ├── journals, pairs and energies afterwards; cover and claims
/// └── refused: stranger, wrong readings, backwards, wrong time, another version, final
/// consentBySignature
/// ├── by key, by contract (ERC-1271)
/// └── refused: another key, another participant, late, a hostile wallet
contract AgreementsTest is Tales {
    ICorrections.Version internal v;

    function setUp() public override {
        super.setUp();
        begin(feeding, CAR, 1000, 500);
        vm.warp(START + 3600);
        tell(feeding, 8000, 400, true, 0);
        vm.warp(START + 3700);
        keep(corrections.versionOf(storyOf(feeding)));
    }

    function test_it_says_whose_it_is_and_until_when() public view {
        assertEq(address(corrections.ledger()), address(ledger), "ledger");
        assertEq(corrections.window(), WINDOW, "window");
        assertTrue(address(corrections.reader()).code.length != 0, "reader");
    }

    // ------------------------------------------------------------------------------------------- Disputes

    function test_each_party_may_dispute() public {
        vm.expectEmit(address(corrections));
        emit ICorrections.SessionDisputed(feeding, 1, supplier, 3, "receipt");
        vm.prank(supplierAccount);
        corrections.dispute(storyOf(feeding), 3, "receipt");
        assertTrue(corrections.standings(feeding, 1).disputed, "disputed");
        vm.prank(gridAccount);
        corrections.disputeVersion(v, 1, 0);
        vm.prank(operatorAccount);
        corrections.disputeVersion(v, 1, 0);
        vm.prank(operatorAccount);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.OnFile.selector, feeding, 1));
        corrections.dispute(storyOf(feeding), 3, "receipt");
    }

    function test_nobody_else_may() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotAParticipant.selector, stranger));
        corrections.dispute(storyOf(feeding), 3, 0);
        vm.prank(otherSupplierAccount);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.NotAParty.selector, otherSupplier));
        corrections.dispute(storyOf(feeding), 3, 0);
    }

    function test_a_dispute_stops_no_clock() public {
        vm.prank(supplierAccount);
        corrections.dispute(storyOf(feeding), 3, 0);
        vm.warp(START + 3600 + WINDOW + 1);
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.SessionFinal.selector, feeding, 1));
        corrections.disputeVersion(v, 3, 0);
        ICorrections.Change memory change = endingAt(v, 8000, 900);
        vm.prank(gridAccount);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.SessionFinal.selector, feeding, 1));
        corrections.proposeVersion(v, change);
    }

    // ---------------------------------------------------------------------------------------- Agreements

    function test_less_energy_needs_grid_and_station_operator() public {
        ICorrections.Change memory change = endingAt(v, 8000, 900);
        (ICorrections.Version memory next, uint24[] memory costs) = corrections.draft(v, change);
        assertEq(costs.length, 2, "two");
        assertEq(costs[0], grid, "grid operator");
        assertEq(costs[1], operator, "station operator");
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        vm.prank(gridAccount);
        corrections.consent(v, change);
        assertEq(
            ledger.pairs(grid, supplier).amount,
            v.shares[0].feedIn < 0 ? 0 : uint256(int256(v.shares[0].feedIn)),
            "silence is no consent"
        );
        bytes32 content = corrections.contentOf(next);
        vm.expectEmit(address(corrections));
        emit ICorrections.SessionCorrected(feeding, 1, 2, content, next);
        vm.prank(operatorAccount);
        corrections.consent(v, change);
        assertEq(ledger.pairs(supplier, grid).importWh, 7000, "energy");
        assertEq(ledger.pairs(supplier, operator).importWh, 7000, "energy of the fee");
        uint256 back = v.shares[0].serviceFee - next.shares[0].serviceFee;
        assertEq(ledger.pairs(operator, supplier).amount, back, "paid back");
        ICorrections.Standing memory s = corrections.standings(feeding, 1);
        assertEq(s.version, 2, "version");
        assertEq(s.content, content, "content");
    }

    function test_more_energy_needs_the_supplier() public {
        ICorrections.Change memory change = endingAt(v, 9500, 900);
        (, uint24[] memory costs) = corrections.draft(v, change);
        assertEq(costs.length, 1, "one");
        assertEq(costs[0], supplier, "supplier");
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        assertEq(ledger.pairs(supplier, grid).importWh, 8500, "in force at once");
    }

    /// @dev The amounts would be the same; a quarter hour's energy has to be bought for it.
    function test_energy_that_moves_in_time_needs_everyone() public {
        ICorrections.Change memory change = sameAs(v);
        change.readings = movedBy(100, v.readings);
        expectEveryone(change);
        change = endingAt(v, 9500, 900);
        change.readings = movedBy(100, change.readings);
        expectEveryone(change);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        agree(change, gridAccount);
        assertEq(corrections.standings(feeding, 1).version, 1, "one is missing");
        agree(change, operatorAccount);
        assertEq(corrections.standings(feeding, 1).version, 2, "in force");
    }

    function test_a_swap_of_quarter_hours_between_suppliers_needs_everyone() public {
        ICorrections.Change memory change = sameAs(v);
        change.assignments = new ICorrections.Assignment[](2);
        change.assignments[0] = ICorrections.Assignment(supplier, v.start + 1800);
        change.assignments[1] = ICorrections.Assignment(otherSupplier, v.end);
        (ICorrections.Version memory next,) = corrections.draft(v, change);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        agree(change, otherSupplierAccount);
        agree(change, gridAccount);
        agree(change, operatorAccount);
        vm.warp(block.timestamp + 1);
        keep(next);
        change.time += 1;
        change.assignments[0].supplier = otherSupplier;
        change.assignments[1].supplier = supplier;
        (, uint24[] memory needed) = corrections.draft(v, change);
        assertEq(needed.length, 4, "everyone");
    }

    /// @dev Else anybody of a session could make void what others sign, at no cost.
    function test_a_change_of_nothing_needs_everyone() public {
        ICorrections.Change memory change = sameAs(v);
        expectEveryone(change);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        assertEq(corrections.standings(feeding, 1).version, 1, "not in force");
    }

    /// @dev What comes after has to carry them all.
    function test_nobody_makes_a_session_of_many_shares() public {
        ICorrections.Change memory change = endingAt(v, 9500, 900);
        change.assignments = new ICorrections.Assignment[](17);
        for (uint256 i = 0; i < 17; ++i) {
            change.assignments[i] = ICorrections.Assignment(supplier, v.end);
        }
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.WrongAssignment.selector, 16)
        );
    }

    /// @dev A pair's counter that is full would stop every batch with the pair's next report.
    function test_nobody_agrees_on_more_than_a_station_can_have() public {
        ICorrections.Change memory change = endingAt(v, 8000, uint48(900 + 2 ** 22 + 1));
        vm.prank(gridAccount);
        vm.expectPartialRevert(ICorrections.RegisterBackwards.selector);
        corrections.propose(storyOf(feeding), change);
        change = endingAt(v, uint48(9500 + 2 ** 22 + 1), 900);
        vm.prank(supplierAccount);
        vm.expectPartialRevert(ICorrections.RegisterBackwards.selector);
        corrections.propose(storyOf(feeding), change);
    }

    function test_another_supplier_needs_all_but_the_former() public {
        ICorrections.Change memory change = assignedTo(v, otherSupplier);
        (ICorrections.Version memory next, uint24[] memory costs) = corrections.draft(v, change);
        assertEq(costs.length, 3, "three");
        uint256 before = accountOf(supplier).balance;
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        agree(change, otherSupplierAccount);
        agree(change, gridAccount);
        agree(change, operatorAccount);
        assertEq(ledger.pairs(supplier, grid).importWh, 0, "given back");
        assertEq(ledger.pairs(grid, supplier).exportWh, 0, "given back");
        assertEq(ledger.pairs(otherSupplier, grid).importWh, 8000, "taken over");
        assertEq(accountOf(supplier).balance, before + net(v), "as if nothing had been");
        assertEq(1000 * NANO - accountOf(otherSupplier).balance, net(next), "pays it all");
        assertEq(ledger.journals(otherSupplier).count, 2, "deposit, correction");
    }

    function test_the_journals_get_the_correction() public {
        IAccounts.Journal memory before = ledger.journals(operator);
        ICorrections.Change memory change = endingAt(v, 9500, 900);
        (ICorrections.Version memory next,) = corrections.draft(v, change);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        bytes32 entry =
            keccak256(abi.encode(uint256(4), feeding, 1, 2, corrections.contentOf(next)));
        IAccounts.Journal memory afterwards = ledger.journals(operator);
        assertEq(afterwards.count, before.count + 1, "count");
        bytes32 chained = keccak256(abi.encode(before.head, entry));
        assertEq(bytes32(afterwards.head), bytes32(bytes26(chained)), "head");
    }

    function test_a_correction_of_a_correction_reverses_only_the_last() public {
        ICorrections.Change memory change = endingAt(v, 9500, 900);
        (ICorrections.Version memory next,) = corrections.draft(v, change);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        ICorrections.Change memory again = endingAt(next, 9600, 900);
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.WrongTime.selector, again.time));
        corrections.proposeVersion(next, again);
        vm.warp(block.timestamp + 1);
        again.time += 1;
        vm.prank(supplierAccount);
        corrections.proposeVersion(next, again);
        assertEq(ledger.pairs(supplier, grid).importWh, 8600, "energy");
        assertEq(corrections.standings(feeding, 1).version, 3, "version");
        vm.prank(supplierAccount);
        vm.expectRevert(
            abi.encodeWithSelector(ICorrections.NotPresent.selector, corrections.contentOf(next))
        );
        corrections.proposeVersion(next, again);
    }

    function test_a_payer_without_cover_leaves_a_claim() public {
        uint256 keep_ = accountOf(operator).balance;
        vm.prank(operatorAccount);
        vault.withdraw(uint96(keep_), operatorAccount);
        uint256 left = accountOf(operator).balance;
        ICorrections.Change memory change = endingAt(v, 1000, 900);
        change.readings = flat(1000, 500, 900);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        agree(change, gridAccount);
        agree(change, operatorAccount);
        assertEq(accountOf(operator).balance, 0, "paid what it had");
        assertEq(
            ledger.pairs(operator, supplier).claim,
            ledger.pairs(operator, supplier).amount - left,
            "owes the rest"
        );
    }

    // --------------------------------------------------------------------------------------------- Refused

    function test_who_is_no_party_proposes_and_consents_nothing() public {
        ICorrections.Change memory change = endingAt(v, 8000, 900);
        vm.prank(otherSupplierAccount);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.NotAParty.selector, otherSupplier));
        corrections.propose(storyOf(feeding), change);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotAParticipant.selector, stranger));
        corrections.consent(v, change);
    }

    function test_readings_that_cannot_be() public {
        ICorrections.Change memory change = endingAt(v, 100, 900);
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.RegisterBackwards.selector, 4)
        );
        change = endingAt(v, 9000, 100);
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.RegisterBackwards.selector, 4)
        );
        change.readings = abi.encodePacked(v.readings, v.readings);
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.WrongReadings.selector, 120, 60)
        );
    }

    function test_times_and_assignments_that_cannot_be() public {
        ICorrections.Change memory change = endingAt(v, 9500, 900);
        change.time = uint40(block.timestamp + 1);
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.WrongTime.selector, change.time)
        );
        change.time = v.time;
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.WrongTime.selector, change.time)
        );
        change = assignedTo(v, grid);
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.WrongAssignment.selector, 0)
        );
        change = assignedTo(v, supplier);
        change.assignments[0].until -= 1;
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.WrongAssignment.selector, 0)
        );
        change.assignments = new ICorrections.Assignment[](0);
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.WrongAssignment.selector, 0)
        );
        change.assignments = new ICorrections.Assignment[](2);
        change.assignments[0] = ICorrections.Assignment(supplier, v.end + 1);
        change.assignments[1] = ICorrections.Assignment(supplier, v.end);
        expectProposalRefused(
            change, abi.encodeWithSelector(ICorrections.WrongAssignment.selector, 0)
        );
    }

    function test_nobody_else_adjusts_accounts() public {
        vm.expectRevert(abi.encodeWithSelector(IAccounts.OnlyCorrections.selector, address(this)));
        ledger.adjust(new IAccounts.Adjustment[](0), new uint24[](0), 0);
    }

    // ------------------------------------------------------------------------------------------ Signatures

    function test_a_signed_consent() public {
        uint256 key = 0x9a1d;
        vm.prank(gridAccount);
        registry.moveAccount(vm.addr(key));
        ICorrections.Change memory change = endingAt(v, 8000, 900);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        agree(change, operatorAccount);
        uint40 until = uint40(block.timestamp + 60);
        bytes memory signed_ = signature(corrections.consentDigest(v, change, grid, until), key);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.BadConsent.selector, operator));
        corrections.consentBySignature(v, change, operator, until, signed_);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.BadConsent.selector, grid));
        corrections.consentBySignature(v, change, grid, until + 1, signed_);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.ConsentExpired.selector, until));
        corrections.consentBySignature(v, change, grid, until, signed_);
        vm.warp(until);
        vm.prank(stranger);
        corrections.consentBySignature(v, change, grid, until, signed_);
        assertEq(ledger.pairs(supplier, grid).importWh, 7000, "in force");
    }

    function test_a_contract_consents() public {
        AgreeingWallet wallet = new AgreeingWallet();
        vm.prank(gridAccount);
        registry.moveAccount(address(wallet));
        ICorrections.Change memory change = endingAt(v, 8000, 900);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        agree(change, operatorAccount);
        uint40 until = uint40(block.timestamp + 60);
        vm.expectRevert(abi.encodeWithSelector(ICorrections.BadConsent.selector, grid));
        corrections.consentBySignature(v, change, grid, until, "");
        wallet.agree(corrections.consentDigest(v, change, grid, until));
        corrections.consentBySignature(v, change, grid, until, "");
        assertEq(ledger.pairs(supplier, grid).importWh, 7000, "in force");
    }

    function test_hostile_wallets_hurt_nobody_but_themselves() public {
        ICorrections.Change memory change = endingAt(v, 8000, 900);
        vm.prank(supplierAccount);
        corrections.propose(storyOf(feeding), change);
        ReenteringWallet reentering = new ReenteringWallet(address(corrections));
        uint40 until = uint40(block.timestamp + 60);
        reentering.arm(abi.encodeCall(ICorrections.consent, (v, change)));
        address[3] memory wallets =
            [address(reentering), address(new BombingWallet()), address(new BurningWallet())];
        address from = gridAccount;
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(from);
            registry.moveAccount(wallets[i]);
            from = wallets[i];
            uint256 gas = gasleft();
            (bool done,) = address(corrections).call{gas: 5_000_000}(
                abi.encodeCall(ICorrections.consentBySignature, (v, change, grid, until, ""))
            );
            assertFalse(done, "consented");
            assertTrue(gas - gasleft() < 5_500_000, "gas");
            assertFalse(corrections.hasConsented(contentOf(change), grid), "no consent on file");
        }
    }

    // --------------------------------------------------------------------------------------------- Helpers

    function contentOf(ICorrections.Change memory change) private view returns (bytes32) {
        (ICorrections.Version memory next,) = corrections.draft(v, change);
        return corrections.contentOf(next);
    }

    function agree(ICorrections.Change memory change, address account) private {
        vm.prank(account);
        corrections.consent(v, change);
    }

    function expectProposalRefused(ICorrections.Change memory change, bytes memory reason) private {
        ICorrections.Change memory copy = change;
        vm.prank(supplierAccount);
        vm.expectRevert(reason);
        corrections.propose(storyOf(feeding), copy);
    }

    function expectEveryone(ICorrections.Change memory change) private view {
        (, uint24[] memory needed) = corrections.draft(v, change);
        assertEq(needed.length, 3, "all parties");
        assertEq(needed[0], grid, "grid operator");
        assertEq(needed[1], operator, "station operator");
        assertEq(needed[2], supplier, "supplier");
    }

    /// @dev So many Wh of the second interval are of the first.
    function movedBy(uint48 wh, bytes memory readings) private pure returns (bytes memory moved) {
        moved = bytes.concat(readings);
        uint48 import_;
        assembly ("memory-safe") {
            import_ := shr(208, mload(add(moved, 44)))
        }
        bytes6 more = bytes6(import_ + wh);
        for (uint256 i = 0; i < 6; ++i) {
            moved[12 + i] = more[i];
        }
    }

    function flat(uint48 imported, uint48 exported, uint48 last)
        private
        pure
        returns (bytes memory)
    {
        bytes memory same = abi.encodePacked(imported, exported);
        return bytes.concat(same, same, same, same, abi.encodePacked(imported, last));
    }

    function net(ICorrections.Version memory version) private pure returns (uint256) {
        ICorrections.Share memory s = version.shares[0];
        return uint256(int256(uint256(s.networkCharge) + s.serviceFee) - s.feedIn);
    }

    function keep(ICorrections.Version memory w) private {
        (v.station, v.session, v.gridOperator) = (w.station, w.session, w.gridOperator);
        (v.stationOperator, v.gridTariff) = (w.stationOperator, w.gridTariff);
        (v.operatorTariff, v.start, v.end) = (w.operatorTariff, w.start, w.end);
        (v.closed, v.settledAt, v.number) = (w.closed, w.settledAt, w.number);
        (v.time, v.previous, v.readings) = (w.time, w.previous, w.readings);
        delete v.shares;
        for (uint256 i = 0; i < w.shares.length; ++i) {
            v.shares.push(w.shares[i]);
        }
    }
}
