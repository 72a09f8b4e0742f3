// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICorrections} from "../../contracts/interfaces/ICorrections.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IStory} from "../../contracts/interfaces/IStory.sol";
import {Fixture} from "./Fixture.sol";
import {Tree} from "./Tree.sol";
import {Vm} from "./Vm.sol";

/// @notice Plays sessions and keeps their stories, as an auditor would from messages and events.
abstract contract Tales is Fixture {
    mapping(uint32 station => bytes encoded) private _tales;

    // --------------------------------------------------------------------------------------------- Sessions

    /// @dev Opens the station's next session, in a batch with a message that is none.
    function begin(uint32 where, bytes32 vehicle, uint48 imported, uint48 exported) internal {
        ISessions.Session memory s = ledger.sessions(where);
        begin(opening(where, s.number + 1, vehicle, block.timestamp, imported, exported));
    }

    function begin(ISessions.OpenSession memory o) internal {
        bytes memory m = signed(o);
        bytes32 noise = submitWithNoise(m);
        ISessions.Session memory s = ledger.sessions(o.station);
        assertEq(uint256(s.state), uint256(ISessions.State.Open), "cleared");
        IStory.Story memory story;
        story.opening.message = head(m, 58);
        story.opening.meta = metaOf(s);
        (story.opening.supplierReserve, story.opening.gridReserve) =
        (s.supplierReserve, s.gridReserve);
        story.opening.place = place(noise);
        _tales[o.station] = abi.encode(story);
    }

    /// @dev A report up to now, with registers as given.
    function tell(uint32 where, uint48 taken, uint48 fed, bool last, bytes32 evidence) internal {
        ISessions.EnergyReport memory r = nextReport(where, block.timestamp, taken, fed, last);
        r.evidence = evidence;
        tell(r);
    }

    function tell(ISessions.EnergyReport memory r) internal {
        bytes memory m = signed(r);
        ISessions.Session memory s = ledger.sessions(r.station);
        vm.recordLogs();
        bytes32 noise = submitWithNoise(m);
        IStory.ReportEntry memory entry;
        entry.message = head(m, 63 + r.boundaries.length);
        entry.parts = parts(vm.getRecordedLogs(), s);
        require(entry.parts.length != 0, "not settled");
        entry.place = place(noise);
        IStory.Story memory story = storyOf(r.station);
        IStory.ReportEntry[] memory reports = new IStory.ReportEntry[](story.reports.length + 1);
        for (uint256 i = 0; i < story.reports.length; ++i) {
            reports[i] = story.reports[i];
        }
        reports[story.reports.length] = entry;
        story.reports = reports;
        _tales[r.station] = abi.encode(story);
    }

    function endBySilence(uint32 where) internal {
        vm.warp(block.timestamp + 12 hours + 1);
        ledger.expire(where);
        IStory.Story memory story = storyOf(where);
        story.expiryBatch = ledger.batchCount();
        story.expiryMeta = metaOf(ledger.sessions(where));
        _tales[where] = abi.encode(story);
    }

    function storyOf(uint32 where) internal view returns (IStory.Story memory) {
        return abi.decode(_tales[where], (IStory.Story));
    }

    // --------------------------------------------------------------------------------------------- Batches

    /// @return the leaf of the other message
    function submitWithNoise(bytes memory m) private returns (bytes32) {
        submitAll(batch(m, "noise"));
        return keccak256(
            abi.encode(
                keccak256("noise"), 1 | block.timestamp << 8, uint256(0), uint256(0), uint256(0)
            )
        );
    }

    function place(bytes32 noise) private view returns (IStory.Place memory) {
        return IStory.Place(ledger.batchCount(), one(noise));
    }

    function metaOf(ISessions.Session memory s) internal view returns (uint256) {
        return block.timestamp << 8 | uint256(s.supplier) << 48 | uint256(s.gridOperator) << 72
            | uint256(s.stationOperator) << 96 | uint256(s.gridTariff) << 120
            | uint256(s.operatorTariff) << 136;
    }

    function parts(Vm.Log[] memory logs, ISessions.Session memory s)
        private
        view
        returns (IStory.PartEntry[] memory found)
    {
        found = new IStory.PartEntry[](2);
        uint256 count = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != ISessions.ReportSettled.selector) continue;
            (,, uint40 time,,, uint80 network, uint80 service, int80 feedIn,) = abi.decode(
                logs[i].data, (uint32, uint32, uint40, uint48, uint48, uint80, uint80, int80, bool)
            );
            s.supplier = uint24(uint256(logs[i].topics[2]));
            uint256 meta = metaOf(s) | uint256(time) << 152;
            found[count++] = IStory.PartEntry(meta, network, service, feedIn);
        }
        assembly ("memory-safe") {
            mstore(found, count)
        }
    }

    function head(bytes memory m, uint256 length) internal pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(m, length)
        }
        return m;
    }

    // ---------------------------------------------------------------------------------------- Corrections

    /// @dev The same assignment, and registers shifted by nothing but what is given.
    function sameAs(ICorrections.Version memory v)
        internal
        view
        returns (ICorrections.Change memory change)
    {
        change.time = uint40(block.timestamp);
        change.assignments = new ICorrections.Assignment[](v.shares.length);
        for (uint256 i = 0; i < v.shares.length; ++i) {
            change.assignments[i] = ICorrections.Assignment(v.shares[i].supplier, v.shares[i].until);
        }
        change.readings = v.readings;
    }

    function assignedTo(ICorrections.Version memory v, uint24 to)
        internal
        view
        returns (ICorrections.Change memory change)
    {
        change = sameAs(v);
        change.assignments = new ICorrections.Assignment[](1);
        change.assignments[0] = ICorrections.Assignment(to, v.end);
    }

    /// @dev With other registers at the end.
    function endingAt(ICorrections.Version memory v, uint48 imported, uint48 exported)
        internal
        view
        returns (ICorrections.Change memory change)
    {
        change = sameAs(v);
        bytes memory kept = new bytes(v.readings.length - 12);
        for (uint256 i = 0; i < kept.length; ++i) {
            kept[i] = v.readings[i];
        }
        change.readings = abi.encodePacked(kept, imported, exported);
    }
}
