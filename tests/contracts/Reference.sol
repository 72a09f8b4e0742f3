// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";

/// @notice What a report costs, written down as the protocol says it: one slot after the other.
library Reference {
    struct Reading {
        uint256 time;
        uint256 imported;
        uint256 exported;
    }

    struct Due {
        uint256 networkCharge;
        uint256 serviceFee;
        int256 feedIn;
    }

    /// @param readings the last one, one at each slot boundary since, and the report's own
    function settle(
        Reading[] memory readings,
        IRegistry.Tariff memory grid,
        IRegistry.Tariff memory operator,
        bool last
    ) internal pure returns (Due memory due) {
        for (uint256 i = 1; i < readings.length; ++i) {
            uint256 slot =
                readings[i - 1].time % 1 days / 15 minutes;
            uint256 taken = readings[i].imported - readings[i - 1].imported;
            uint256 fed = readings[i].exported - readings[i - 1].exported;
            due.networkCharge += taken * importPrice(grid, slot);
            due.serviceFee += taken * importPrice(operator, slot);
            due.feedIn += int256(fed) * exportPrice(grid, slot);
        }
        if (last) {
            due.networkCharge += uint256(grid.sessionFee) * 1000;
            due.serviceFee += uint256(operator.sessionFee) * 1000;
        }
    }

    /// @return supplies nano-euro that the supplier may come to owe for `energy` Wh and the fees
    /// @return feeds nano-euro that the grid operator may come to owe
    function reserves(
        IRegistry.Tariff memory grid,
        IRegistry.Tariff memory operator,
        uint256 energy,
        bool feedsIn
    ) internal pure returns (uint256 supplies, uint256 feeds) {
        uint256 highest = max(max(grid.importStandard, grid.importHigh), grid.importLow)
            + max(max(operator.importStandard, operator.importHigh), operator.importLow);
        supplies = energy * highest + (uint256(grid.sessionFee) + operator.sessionFee) * 1000;
        if (!feedsIn) return (supplies, 0);
        int256[3] memory prices = [int256(grid.exportStandard), grid.exportHigh, grid.exportLow];
        uint256 paid;
        uint256 received;
        for (uint256 i = 0; i < 3; ++i) {
            if (prices[i] < 0) paid = max(paid, uint256(-prices[i]));
            else received = max(received, uint256(prices[i]));
        }
        return (supplies + energy * paid, energy * received);
    }

    /// @return readings from the session's last one to the report's own
    function readingsOf(ISessions.Session memory s, ISessions.EnergyReport memory r)
        internal
        pure
        returns (Reading[] memory readings)
    {
        uint256 count = r.boundaries.length / 12;
        readings = new Reading[](count + 2);
        readings[0] = Reading(s.time, s.importRegister, s.exportRegister);
        for (uint256 i = 0; i < count; ++i) {
            uint256 time = (s.time / 900 + i + 1) * 900;
            readings[i + 1] =
                Reading(time, number(r.boundaries, i * 12), number(r.boundaries, i * 12 + 6));
        }
        readings[count + 1] = Reading(r.time, r.importRegister, r.exportRegister);
    }

    function importPrice(IRegistry.Tariff memory t, uint256 slot) internal pure returns (uint256) {
        uint256 level = levelOf(t, slot);
        return level == 1 ? t.importHigh : level == 2 ? t.importLow : t.importStandard;
    }

    function exportPrice(IRegistry.Tariff memory t, uint256 slot) internal pure returns (int256) {
        uint256 level = levelOf(t, slot);
        return level == 1 ? t.exportHigh : level == 2 ? t.exportLow : t.exportStandard;
    }

    function levelOf(IRegistry.Tariff memory t, uint256 slot) internal pure returns (uint256) {
        return t.levels / 4 ** slot % 4;
    }

    function max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    /// @return n the six bytes from `offset`, big-endian
    function number(bytes memory data, uint256 offset) internal pure returns (uint256 n) {
        for (uint256 i = 0; i < 6; ++i) {
            n = n * 256 + uint8(data[offset + i]);
        }
    }
}
