// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICorrections} from "../../contracts/interfaces/ICorrections.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IStory} from "../../contracts/interfaces/IStory.sol";
import {Tales} from "./Tales.sol";

/// @notice What a session's story proves, from batch roots alone.
///
/// versionOf
/// ├── one report, several reports, none and an expiry: parties, times, readings, amounts, energies
/// ├── a report that ends within a slot adds no reading, one at a boundary adds one
/// ├── a change of supplier on the road: two shares, cut at the boundary
/// └── refused: another's leaf, a changed byte, a report left out, twice or of another session, no end
contract StoriesTest is Tales {
    function test_one_report() public {
        begin(feeding, CAR, 1000, 500);
        vm.warp(START + 3600);
        tell(feeding, 8000, 400, true, 0);
        ICorrections.Version memory v = corrections.versionOf(storyOf(feeding));
        assertEq(v.station, feeding, "station");
        assertEq(v.session, 1, "session");
        assertEq(v.gridOperator, grid, "grid operator");
        assertEq(v.stationOperator, operator, "station operator");
        assertEq(v.start, START, "start");
        assertEq(v.end, START + 3600, "end");
        assertTrue(v.closed, "closed");
        assertEq(v.settledAt, START + 3600, "settled at");
        assertEq(v.number, 1, "number");
        assertEq(v.readings.length, 5 * 12, "readings");
        assertEq(v.shares.length, 1, "shares");
        requireAsPosted(v.shares[0]);
        assertEq(v.shares[0].importWh, 8000, "import");
        assertEq(uint256(v.shares[0].exportWh) + v.shares[0].returnWh, 400, "export");
    }

    function test_several_reports_add_up_however_they_are_cut() public {
        begin(feeding, CAR, 1000, 500);
        uint256[5] memory times = [uint256(450), 900, 900, 2000, 3600];
        for (uint256 i = 0; i < times.length; ++i) {
            vm.warp(START + times[i]);
            tell(feeding, i == 2 ? 1 : uint48(1000 + i), uint48(i == 2 ? 0 : 100 * i), i == 4, 0);
        }
        ICorrections.Version memory v = corrections.versionOf(storyOf(feeding));
        assertEq(v.readings.length, 5 * 12, "the reports' own readings within a slot fall out");
        requireAsPosted(v.shares[0]);
        ICorrections.Change memory change = sameAs(v);
        change.time = uint40(block.timestamp + 1);
        vm.warp(block.timestamp + 1);
        (ICorrections.Version memory next, uint24[] memory costs) = corrections.draft(v, change);
        assertEq(next.shares[0].networkCharge, v.shares[0].networkCharge, "priced the same");
        assertEq(next.shares[0].serviceFee, v.shares[0].serviceFee, "service fee");
        assertEq(next.shares[0].feedIn, v.shares[0].feedIn, "feed-in");
        assertEq(costs.length == 0 || v.shares[0].returnWh != 0 ? 1 : 0, 1, "costs nobody");
    }

    function test_an_expired_session_without_reports() public {
        begin(station, CAR, 7, 8);
        endBySilence(station);
        ICorrections.Version memory v = corrections.versionOf(storyOf(station));
        assertFalse(v.closed, "no final report");
        assertEq(v.start, v.end, "no time");
        assertEq(v.settledAt, block.timestamp, "the window runs from the expiry");
        assertEq(
            keccak256(v.readings),
            keccak256(abi.encodePacked(uint48(7), uint48(8), uint48(7), uint48(8))),
            "readings"
        );
        assertEq(v.shares[0].supplier, supplier, "supplier");
    }

    function test_a_change_of_supplier_on_the_road() public {
        begin(feeding, CAR, 0, 0);
        vm.prank(supplierAccount);
        ledger.offerVehicles(one(CAR), otherSupplier, uint40(START + 1800));
        vm.prank(otherSupplierAccount);
        ledger.acceptVehicles(one(CAR));
        vm.warp(START + 3600);
        tell(feeding, 8000, 400, true, 0);
        ICorrections.Version memory v = corrections.versionOf(storyOf(feeding));
        assertEq(v.shares.length, 2, "shares");
        assertEq(v.shares[0].supplier, supplier, "before");
        assertEq(v.shares[0].until, START + 1800, "boundary");
        assertEq(v.shares[0].importWh, 4000, "half");
        assertEq(v.shares[1].supplier, otherSupplier, "after");
        assertEq(v.shares[1].until, START + 3600, "end");
        assertEq(v.shares[1].importWh, 4000, "the other half");
        assertEq(ledger.pairs(supplier, grid).amount, v.shares[0].networkCharge, "posted");
        IStory.Story memory story = storyOf(feeding);
        (story.reports[0].parts[0], story.reports[0].parts[1]) =
        (story.reports[0].parts[1], story.reports[0].parts[0]);
        vm.expectRevert(IStory.NotAMessage.selector);
        corrections.versionOf(story);
    }

    // --------------------------------------------------------------------------------------------- Refused

    function test_a_changed_byte_proves_nothing() public {
        IStory.Story memory story = twoReports();
        story.opening.message[40] ^= 0x01;
        expectNotInBatch(story);
        story = storyOf(station);
        story.reports[1].message[20] ^= 0x01;
        expectNotInBatch(story);
        story = storyOf(station);
        story.reports[1].parts[0].networkCharge += 1;
        expectNotInBatch(story);
        story = storyOf(station);
        story.opening.meta ^= uint256(1) << 48;
        expectNotInBatch(story);
        story = storyOf(station);
        story.opening.place.batch += 1;
        expectNotInBatch(story);
        story = storyOf(station);
        story.opening.place.batch = 0;
        expectNotInBatch(story);
    }

    function test_a_report_left_out_twice_or_in_another_order() public {
        IStory.Story memory story = twoReports();
        IStory.ReportEntry memory first = story.reports[0];
        story.reports[0] = story.reports[1];
        vm.expectRevert(abi.encodeWithSelector(IStory.IncompleteStory.selector, 0));
        corrections.versionOf(story);
        story.reports[1] = first;
        vm.expectRevert(abi.encodeWithSelector(IStory.IncompleteStory.selector, 0));
        corrections.versionOf(story);
        story = storyOf(station);
        story.reports[1] = story.reports[0];
        vm.expectRevert(abi.encodeWithSelector(IStory.IncompleteStory.selector, 1));
        corrections.versionOf(story);
    }

    function test_a_story_without_an_end() public {
        begin(station, CAR, 0, 0);
        vm.warp(START + 900);
        tell(station, 100, 0, false, 0);
        vm.expectRevert(IStory.NotEnded.selector);
        corrections.versionOf(storyOf(station));
        IStory.Story memory story = storyOf(station);
        story.expiryBatch = story.opening.place.batch;
        vm.expectRevert(abi.encodeWithSelector(IStory.NotInBatch.selector, story.expiryBatch));
        corrections.versionOf(story);
    }

    function test_a_rejected_message_is_no_report() public {
        IStory.Story memory story = twoReports();
        story.reports[1].parts[0].meta |= 1;
        expectNotInBatch(story);
    }

    function test_reports_of_another_session() public {
        twoReports();
        bytes memory old = abi.encode(storyOf(station));
        vm.warp(block.timestamp + 900);
        begin(station, CAR, 300, 0);
        vm.warp(block.timestamp + 900);
        tell(station, 100, 0, true, 0);
        IStory.Story memory story = storyOf(station);
        story.opening = abi.decode(old, (IStory.Story)).opening;
        vm.expectRevert(abi.encodeWithSelector(IStory.IncompleteStory.selector, 0));
        corrections.versionOf(story);
    }

    // --------------------------------------------------------------------------------------------- Helpers

    function twoReports() private returns (IStory.Story memory) {
        begin(station, CAR, 0, 0);
        vm.warp(START + 900);
        tell(station, 100, 0, false, 0);
        vm.warp(START + 1000);
        tell(station, 200, 0, true, 0);
        return storyOf(station);
    }

    function expectNotInBatch(IStory.Story memory story) private {
        vm.expectPartialRevert(IStory.NotInBatch.selector);
        corrections.versionOf(story);
    }

    function requireAsPosted(ICorrections.Share memory s) private view {
        assertEq(s.supplier, supplier, "supplier");
        assertEq(ledger.pairs(supplier, operator).amount, s.serviceFee, "service fee");
        assertEq(ledger.pairs(grid, supplier).exportWh, s.exportWh, "export");
        assertEq(ledger.pairs(supplier, grid).exportWh, s.returnWh, "export at negative prices");
        assertEq(ledger.pairs(supplier, grid).importWh, s.importWh, "import");
        int256 net = int256(uint256(ledger.pairs(grid, supplier).amount))
            - int256(uint256(ledger.pairs(supplier, grid).amount));
        assertEq(net, s.feedIn - int256(uint256(s.networkCharge)), "network charge, feed-in");
    }
}
