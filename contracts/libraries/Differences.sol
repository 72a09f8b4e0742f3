// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccounts} from "../interfaces/IAccounts.sol";
import {ICorrections} from "../interfaces/ICorrections.sol";
import {Versions} from "./Versions.sol";

/// @notice What one version of a session changes against another: postings, parties, and whom it costs.
library Differences {
    /// @notice The difference between two versions.
    struct Difference {
        IAccounts.Adjustment[] adjustments; // what is paid first, what is paid back after it
        uint24[] parties; // grid operator, station operator, suppliers of either version
        uint24[] costs; // who is worse off towards somebody
    }

    /// @dev Sums of one supplier over its shares.
    struct Sums {
        int256 importWh;
        int256 exportWh;
        int256 returnWh;
        int256 networkCharge;
        int256 serviceFee;
        int256 feedIn;
    }

    function between(ICorrections.Version memory present, ICorrections.Version memory next)
        internal
        pure
        returns (Difference memory d)
    {
        uint256 most = present.shares.length + next.shares.length;
        d.parties = _truncated(new uint24[](most + 2), 0);
        d.costs = _truncated(new uint24[](most + 2), 0);
        _include(d.parties, present.gridOperator);
        _include(d.parties, present.stationOperator);
        uint24[] memory suppliers = _truncated(new uint24[](most), 0);
        for (uint256 i = 0; i < present.shares.length; ++i) {
            _include(suppliers, present.shares[i].supplier);
        }
        for (uint256 i = 0; i < next.shares.length; ++i) {
            _include(suppliers, next.shares[i].supplier);
        }
        IAccounts.Adjustment[] memory all = new IAccounts.Adjustment[](3 * suppliers.length);
        for (uint256 i = 0; i < suppliers.length; ++i) {
            _include(d.parties, suppliers[i]);
            // slither-disable-next-line uninitialized-local it begins empty
            Sums memory change;
            _add(change, next, suppliers[i], 1);
            _add(change, present, suppliers[i], -1);
            _adjust(all, 3 * i, suppliers[i], present, change);
            _includeCosts(d.costs, suppliers[i], present, change);
        }
        d.adjustments = _sorted(all);
    }

    /// @notice Whose consent a change needs: theirs whom it costs; everyone's where it costs nobody, or where it moves
    /// somebody's energy from one quarter hour to another, for which he has to balance it.
    function consents(
        ICorrections.Version memory present,
        ICorrections.Version memory next,
        Difference memory d
    ) internal pure returns (uint24[] memory) {
        if (d.costs.length == 0) return d.parties;
        for (uint256 i = 0; i < d.parties.length; ++i) {
            if (_shifts(d.parties[i], present, next)) return d.parties;
        }
        return d.costs;
    }

    /// @dev Whether a supplier has more of one interval and less of another, in the same direction.
    function _shifts(
        uint24 supplier,
        ICorrections.Version memory present,
        ICorrections.Version memory next
    ) private pure returns (bool) {
        uint256 count = Versions.readingsBetween(present.start, present.end) - 1;
        uint256 ways = 0; // bit 0: more import, 1: less; 2 and 3: export
        (uint256 i, uint256 j) = (0, 0);
        for (uint256 interval = 0; interval < count; ++interval) {
            uint256 begin = Versions.beginOf(present, interval);
            i = _shareAt(present, i, begin);
            j = _shareAt(next, j, begin);
            bool had = present.shares[i].supplier == supplier;
            bool has = next.shares[j].supplier == supplier;
            uint256 before = had ? Versions.energyOf(present, interval) : 0;
            uint256 afterwards = has ? Versions.energyOf(next, interval) : 0;
            ways |= _way(before >> 48, afterwards >> 48);
            ways |= _way(uint48(before), uint48(afterwards)) << 2;
        }
        return ways & 3 == 3 || ways >> 2 == 3;
    }

    /// @return index of the share that has what begins at a time, from one that has what came before
    function _shareAt(ICorrections.Version memory v, uint256 index, uint256 begin)
        private
        pure
        returns (uint256)
    {
        while (begin >= v.shares[index].until && index + 1 < v.shares.length) ++index;
        return index;
    }

    function _way(uint256 before, uint256 afterwards) private pure returns (uint256) {
        if (before == afterwards) return 0;
        return before < afterwards ? 1 : 2;
    }

    function _add(Sums memory sums, ICorrections.Version memory v, uint24 supplier, int256 sign)
        private
        pure
    {
        for (uint256 i = 0; i < v.shares.length; ++i) {
            ICorrections.Share memory s = v.shares[i];
            if (s.supplier != supplier) continue;
            sums.importWh += sign * int256(uint256(s.importWh));
            sums.exportWh += sign * int256(uint256(s.exportWh));
            sums.returnWh += sign * int256(uint256(s.returnWh));
            sums.networkCharge += sign * int256(uint256(s.networkCharge));
            sums.serviceFee += sign * int256(uint256(s.serviceFee));
            sums.feedIn += sign * s.feedIn;
        }
    }

    /// @dev The three postings of a settlement. Amounts have 89 bits at most, energies 49.
    function _adjust(
        IAccounts.Adjustment[] memory all,
        uint256 index,
        uint24 supplier,
        ICorrections.Version memory v,
        Sums memory c
    ) private pure {
        all[index] = IAccounts.Adjustment({
            payer: supplier,
            payee: v.gridOperator,
            amount: int96(c.networkCharge),
            importWh: int56(c.importWh),
            exportWh: int56(c.returnWh)
        });
        all[index + 1] = IAccounts.Adjustment({
            payer: supplier,
            payee: v.stationOperator,
            amount: int96(c.serviceFee),
            importWh: int56(c.importWh),
            exportWh: 0
        });
        all[index + 2] = IAccounts.Adjustment({
            payer: v.gridOperator,
            payee: supplier,
            amount: int96(c.feedIn),
            importWh: 0,
            exportWh: int56(c.exportWh)
        });
    }

    /// @dev Between each two participants on balance: a loss towards one is not made up for by another.
    function _includeCosts(
        uint24[] memory costs,
        uint24 supplier,
        ICorrections.Version memory v,
        Sums memory c
    ) private pure {
        int256 toGrid = c.networkCharge - c.feedIn;
        bool flows = c.importWh != 0 || c.exportWh != 0 || c.returnWh != 0;
        if (v.gridOperator == v.stationOperator) {
            _includeCost(costs, supplier, v.gridOperator, toGrid + c.serviceFee, flows);
            return;
        }
        _includeCost(costs, supplier, v.gridOperator, toGrid, flows);
        _includeCost(costs, supplier, v.stationOperator, c.serviceFee, c.importWh != 0);
    }

    /// @dev Who pays more, or gets less; where only energy moves, both.
    function _includeCost(
        uint24[] memory costs,
        uint24 payer,
        uint24 payee,
        int256 amount,
        bool flows
    ) private pure {
        if (payer == payee) return;
        bool energyOnly = amount == 0 && flows;
        if (amount > 0 || energyOnly) _include(costs, payer);
        if (amount < 0 || energyOnly) _include(costs, payee);
    }

    /// @dev Without those that change nothing; what is paid back comes last, so that it is covered by what comes in.
    function _sorted(IAccounts.Adjustment[] memory all)
        private
        pure
        returns (IAccounts.Adjustment[] memory sorted)
    {
        sorted = new IAccounts.Adjustment[](all.length);
        uint256 count = 0;
        for (uint256 i = 0; i < all.length; ++i) {
            IAccounts.Adjustment memory a = all[i];
            bool moves = a.amount > 0 || a.amount == 0 && (a.importWh != 0 || a.exportWh != 0);
            if (moves) sorted[count++] = a;
        }
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i].amount < 0) sorted[count++] = all[i];
        }
        assembly ("memory-safe") {
            mstore(sorted, count)
        }
    }

    /// @dev Appends to a list that has room, unless it is there.
    function _include(uint24[] memory list, uint24 participant) private pure {
        uint256 count = list.length;
        for (uint256 i = 0; i < count; ++i) {
            if (list[i] == participant) return;
        }
        assembly ("memory-safe") {
            mstore(list, add(count, 1))
        }
        list[count] = participant;
    }

    function _truncated(uint24[] memory list, uint256 count)
        private
        pure
        returns (uint24[] memory)
    {
        assembly ("memory-safe") {
            mstore(list, count)
        }
        return list;
    }
}
