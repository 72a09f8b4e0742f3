// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IStory} from "../../../contracts/interfaces/IStory.sol";
import {Drawing} from "../Drawing.sol";
import {Keys} from "../Keys.sol";
import {Tree} from "../Tree.sol";

/// @notice The stories of all sessions, kept from messages and leaves as anybody can.
abstract contract Archive is Drawing, Keys {
    /// @dev What is to be placed when its batch is whole.
    struct Waiting {
        uint256 run;
        uint256 index; // of its leaf
        bytes encoded; // without its place
        bool opens;
    }

    mapping(uint256 run => bytes) private openings;
    mapping(uint256 run => bytes[]) private reports;
    mapping(uint256 run => uint256[2]) private expiries; // batch and meta
    Waiting[] private waiting;
    IStory.PartEntry[] internal told; // parts of the report under way

    function archiveOpening(
        uint256 run,
        uint256 index,
        bytes memory message,
        uint256 meta,
        uint256 supplierReserve,
        uint256 gridReserve
    ) internal {
        IStory.OpeningEntry memory entry;
        (entry.message, entry.meta) = (firstBytes(message, 58), meta);
        (entry.supplierReserve, entry.gridReserve) = (supplierReserve, gridReserve);
        waiting.push(Waiting(run, index, abi.encode(entry), true));
    }

    function archiveReport(uint256 run, uint256 index, bytes memory message, uint256 length)
        internal
    {
        IStory.ReportEntry memory entry;
        (entry.message, entry.parts) = (firstBytes(message, length), told);
        waiting.push(Waiting(run, index, abi.encode(entry), false));
        delete told;
    }

    function archiveExpiry(uint256 run, uint256 number, uint256 meta) internal {
        expiries[run] = [number, meta];
    }

    function placeAll(bytes32[] memory leaves, uint64 number) internal {
        for (uint256 i = 0; i < waiting.length; ++i) {
            Waiting memory w = waiting[i];
            IStory.Place memory place = IStory.Place(number, Tree.proof(leaves, w.index));
            if (w.opens) {
                IStory.OpeningEntry memory o = abi.decode(w.encoded, (IStory.OpeningEntry));
                o.place = place;
                openings[w.run] = abi.encode(o);
            } else {
                IStory.ReportEntry memory r = abi.decode(w.encoded, (IStory.ReportEntry));
                r.place = place;
                reports[w.run].push(abi.encode(r));
            }
        }
        delete waiting;
    }

    function storyOf(uint256 run) internal view returns (IStory.Story memory story) {
        story.opening = abi.decode(openings[run], (IStory.OpeningEntry));
        story.reports = new IStory.ReportEntry[](reports[run].length);
        for (uint256 i = 0; i < story.reports.length; ++i) {
            story.reports[i] = abi.decode(reports[run][i], (IStory.ReportEntry));
        }
        (story.expiryBatch, story.expiryMeta) = (uint64(expiries[run][0]), expiries[run][1]);
    }

    function firstBytes(bytes memory message, uint256 length)
        private
        pure
        returns (bytes memory first)
    {
        first = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(first, 32), add(message, 32), length)
        }
    }
}
