// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ICorrections} from "../interfaces/ICorrections.sol";
import {Prices} from "./Prices.sol";
import {Slots} from "./Slots.sol";

/// @notice What a session's readings cost, at the tariffs that it was cleared with. An interval between two readings
/// belongs to the supplier who has the session at its beginning.
library Versions {
    using SafeCast for uint256;
    using SafeCast for int256;

    uint256 private constant IMPORT = 48; // bit from which a sum has its imported energy, see `Slots.split`
    uint256 private constant MOST = 2 ** 22; // Wh in an interval: what 2^24 W give in a slot
    uint256 private constant MOST_SHARES = 16; // unless there were more before

    /// @notice Two tariffs: prices, and the level of each slot of a day.
    struct Tariffs {
        Prices grid;
        uint256 gridLevels;
        Prices operator;
        uint256 operatorLevels;
    }

    /// @dev What a share adds up to while it is priced.
    struct Sum {
        uint256 networkCharge;
        uint256 serviceFee;
        int256 feedIn;
        uint256 importWh;
        uint256 exportWh;
    }

    /// @return how many readings a session has: at its start, at each slot boundary within, at its end
    function readingsBetween(uint256 start, uint256 end) internal pure returns (uint256) {
        return Slots.boundariesBetween(start, end) + 2;
    }

    /// @return UTC s at which an interval between two readings begins
    function beginOf(ICorrections.Version memory v, uint256 interval)
        internal
        pure
        returns (uint256)
    {
        return interval == 0 ? v.start : (v.start / Slots.SECONDS + interval) * Slots.SECONDS;
    }

    /// @return Wh of an interval, import from bit 48, export below
    function energyOf(ICorrections.Version memory v, uint256 interval)
        internal
        pure
        returns (uint256)
    {
        uint256 offset = interval * Slots.BOUNDARY;
        return
            Slots.readingAt(v.readings, offset + Slots.BOUNDARY)
                - Slots.readingAt(v.readings, offset);
    }

    /// @notice The version that a change makes of another.
    function next(
        ICorrections.Version memory present,
        ICorrections.Change memory change,
        bytes32 previous,
        Tariffs memory tariffs
    ) internal pure returns (ICorrections.Version memory v) {
        v = ICorrections.Version({
            station: present.station,
            session: present.session,
            gridOperator: present.gridOperator,
            stationOperator: present.stationOperator,
            gridTariff: present.gridTariff,
            operatorTariff: present.operatorTariff,
            start: present.start,
            end: present.end,
            closed: present.closed,
            settledAt: present.settledAt,
            number: present.number + 1,
            time: change.time,
            previous: previous,
            shares: new ICorrections.Share[](change.assignments.length),
            readings: change.readings
        });
        _requireAssigned(v, change.assignments, present.shares.length);
        _requireReadings(v);
        uint256 interval = 0;
        for (uint256 i = 0; i < v.shares.length; ++i) {
            interval = _price(v, i, change.assignments[i], interval, tariffs);
        }
    }

    /// @dev Prices all intervals that begin before the assignment ends.
    function _price(
        ICorrections.Version memory v,
        uint256 index,
        ICorrections.Assignment memory assignment,
        uint256 interval,
        Tariffs memory tariffs
    ) private pure returns (uint256) {
        // slither-disable-next-line uninitialized-local it begins empty
        Sum memory sum;
        bool last = index == v.shares.length - 1;
        uint256 count = v.readings.length / Slots.BOUNDARY - 1;
        while (interval < count) {
            uint256 begin = beginOf(v, interval);
            if (begin >= assignment.until && !last) break;
            _add(sum, energyOf(v, interval), begin / Slots.SECONDS % Slots.PER_DAY, tariffs);
            ++interval;
        }
        if (last && v.closed) {
            sum.networkCharge += tariffs.grid.fee();
            sum.serviceFee += tariffs.operator.fee();
        }
        bool returned = sum.feedIn < 0;
        v.shares[index] = ICorrections.Share({
            supplier: assignment.supplier,
            until: assignment.until,
            importWh: sum.importWh.toUint48(),
            exportWh: returned ? 0 : sum.exportWh.toUint48(),
            returnWh: returned ? sum.exportWh.toUint48() : 0,
            networkCharge: sum.networkCharge.toUint80(),
            serviceFee: sum.serviceFee.toUint80(),
            feedIn: sum.feedIn.toInt88()
        });
        return interval;
    }

    function _add(Sum memory sum, uint256 energy, uint256 slot, Tariffs memory tariffs)
        private
        pure
    {
        (uint256 taken, uint256 fed) = (energy >> 48, uint48(energy));
        uint256 level = tariffs.gridLevels >> (2 * slot) & 3;
        sum.networkCharge += tariffs.grid.importAmount(taken << (IMPORT + 80 * level));
        sum.feedIn += tariffs.grid.exportAmount(fed << (80 * level));
        level = tariffs.operatorLevels >> (2 * slot) & 3;
        sum.serviceFee += tariffs.operator.importAmount(taken << (IMPORT + 80 * level));
        sum.importWh += taken;
        sum.exportWh += fed;
    }

    function _requireReadings(ICorrections.Version memory v) private pure {
        uint256 wanted = readingsBetween(v.start, v.end) * Slots.BOUNDARY;
        require(v.readings.length == wanted, ICorrections.WrongReadings(v.readings.length, wanted));
        uint256 before = Slots.readingAt(v.readings, 0);
        for (uint256 offset = Slots.BOUNDARY; offset < wanted; offset += Slots.BOUNDARY) {
            uint256 reading = Slots.readingAt(v.readings, offset);
            // nobody fills a pair's counter by agreement: a full one would stop a batch
            bool possible = uint48(reading) >= uint48(before) && reading >> 48 >= before >> 48
                && (reading >> 48) - (before >> 48) <= MOST
                && uint48(reading) - uint48(before) <= MOST;
            require(possible, ICorrections.RegisterBackwards(offset / Slots.BOUNDARY));
            before = reading;
        }
    }

    function _requireAssigned(
        ICorrections.Version memory v,
        ICorrections.Assignment[] memory assignments,
        uint256 former
    ) private pure {
        uint256 count = assignments.length;
        require(count != 0, ICorrections.WrongAssignment(0));
        // nobody makes a session so long that the meter's word costs more gas than there is
        bool few = count <= MOST_SHARES || count <= former;
        require(few, ICorrections.WrongAssignment(MOST_SHARES));
        uint256 before = v.start;
        for (uint256 i = 0; i < count; ++i) {
            uint256 until = assignments[i].until;
            bool right = i == count - 1 ? until == v.end : until >= before && until <= v.end;
            require(right, ICorrections.WrongAssignment(i));
            before = until;
        }
    }
}
