// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICorrections} from "../../../contracts/interfaces/ICorrections.sol";
import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {Reference} from "../Reference.sol";
import {Ghost} from "./Ghost.sol";

/// @notice What the ghost makes of disputes and corrections: whether they may be, what a version costs, whom it costs, and what
/// is posted then.
abstract contract Amendments is Ghost {
    /// @notice A session that somebody acted on.
    struct File {
        bytes version; // the present one, encoded; empty: nobody acted on it
        bytes before; // the one before it
        bool disputed;
    }

    /// @dev One supplier's change in the three postings of a settlement.
    struct Change {
        int256 toGrid;
        int256 toOperator;
        int256 feedIn;
        int256 imported;
        int256 fed; // both paid and charged
    }

    mapping(uint256 run => File) internal files;
    uint256[] internal amended; // runs on file
    mapping(bytes32 content => mapping(uint24 participant => bool)) private agreed;
    mapping(bytes32 version => bool) private inForceOnce;

    // --------------------------------------------------------------------------------------------- Sessions

    /// @return v the version in force
    function presentOf(uint256 run) internal view returns (ICorrections.Version memory v) {
        if (files[run].version.length != 0) {
            return abi.decode(files[run].version, (ICorrections.Version));
        }
        v = corrections.versionOf(storyOf(run));
        assertEq(v.settledAt, runs[run].endedAt, "27: when it ended");
        assertTrue(v.closed == runs[run].closed, "27: how it ended");
        assertEq(v.number, 1, "29: the first version");
        for (uint24 p = 1; p <= registry.participantCount(); ++p) {
            (int256 imported, int256 fed) = energyIn(v, p);
            assertEq(imported, int256(energies[run][p].imported), "30: import of version 1");
            assertEq(fed, int256(energies[run][p].exported), "30: export of version 1");
        }
    }

    function isFinal(uint256 run) internal view returns (bool) {
        return runs[run].open || block.timestamp > runs[run].endedAt + WINDOW;
    }

    function isOnFile(uint256 run) internal view returns (bool) {
        return files[run].version.length != 0;
    }

    function energyIn(ICorrections.Version memory v, uint24 p)
        private
        pure
        returns (int256 imported, int256 fed)
    {
        for (uint256 i = 0; i < v.shares.length; ++i) {
            if (v.shares[i].supplier != p) continue;
            imported += int256(uint256(v.shares[i].importWh));
            fed += int256(uint256(v.shares[i].exportWh)) + int256(uint256(v.shares[i].returnWh));
        }
    }

    // --------------------------------------------------------------------------------------------- What may be

    function mayDispute(uint256 run, ICorrections.Version memory v, uint24 by)
        internal
        view
        returns (bool)
    {
        return !isFinal(run) && isParty(v, v, by);
    }

    function isParty(
        ICorrections.Version memory v,
        ICorrections.Version memory next,
        uint24 participant
    ) internal pure returns (bool party) {
        party = participant == v.gridOperator || participant == v.stationOperator;
        for (uint256 i = 0; i < v.shares.length; ++i) {
            party = party || v.shares[i].supplier == participant;
        }
        for (uint256 i = 0; i < next.shares.length; ++i) {
            party = party || next.shares[i].supplier == participant;
        }
        party = party && participant != 0;
    }

    function isChange(ICorrections.Version memory v, ICorrections.Change memory change)
        internal
        view
        returns (bool)
    {
        if (change.time <= v.time || change.time > block.timestamp) return false;
        uint256 count = change.assignments.length;
        if (count == 0 || (count > 16 && count > v.shares.length)) return false;
        uint256 from = v.start;
        for (uint256 i = 0; i < change.assignments.length; ++i) {
            ICorrections.Assignment memory a = change.assignments[i];
            if (a.until < from || a.until > v.end || !maySupply(v, a.supplier)) return false;
            from = a.until;
        }
        if (from != v.end || change.readings.length != v.readings.length) return false;
        Reference.Reading[] memory readings = readingsOf(v, change.readings);
        for (uint256 i = 1; i < readings.length; ++i) {
            if (readings[i].imported < readings[i - 1].imported) return false;
            if (readings[i].exported < readings[i - 1].exported) return false;
            if (readings[i].imported - readings[i - 1].imported > 2 ** 22) return false;
            if (readings[i].exported - readings[i - 1].exported > 2 ** 22) return false;
        }
        return true;
    }

    function maySupply(ICorrections.Version memory v, uint24 p) private view returns (bool may) {
        may = registry.participants(p).roles & SUPPLIER != 0;
        for (uint256 i = 0; i < v.shares.length; ++i) {
            may = may || v.shares[i].supplier == p;
        }
    }

    // --------------------------------------------------------------------------------------------- Prices

    function readingsOf(ICorrections.Version memory v, bytes memory packed)
        private
        pure
        returns (Reference.Reading[] memory all)
    {
        all = new Reference.Reading[](packed.length / 12);
        for (uint256 i = 0; i < all.length; ++i) {
            uint256 time = i == 0 ? v.start : (v.start / 900 + i) * 900;
            if (i == all.length - 1) time = v.end;
            all[i] = Reference.Reading(
                time, Reference.number(packed, 12 * i), Reference.number(packed, 12 * i + 6)
            );
        }
    }

    function priced(uint256 run, ICorrections.Version memory v, ICorrections.Change memory change)
        internal
        view
        returns (ICorrections.Version memory next)
    {
        next = abi.decode(abi.encode(v), (ICorrections.Version));
        (next.number, next.time) = (v.number + 1, change.time);
        (next.previous, next.readings) = (keccak256(abi.encode(v)), change.readings);
        next.shares = new ICorrections.Share[](change.assignments.length);
        Reference.Reading[] memory all = readingsOf(v, change.readings);
        uint256 from = 0;
        for (uint256 i = 0; i < next.shares.length; ++i) {
            bool rest = i == next.shares.length - 1;
            uint256 to = from;
            uint256 until = change.assignments[i].until;
            while (to < all.length - 1 && (rest || all[to].time < until)) ++to;
            Reference.Reading[] memory own = new Reference.Reading[](to - from + 1);
            for (uint256 j = from; j <= to; ++j) {
                own[j - from] = all[j];
            }
            next.shares[i] = share(runs[run], own, rest && v.closed);
            (next.shares[i].supplier, next.shares[i].until) =
            (change.assignments[i].supplier, change.assignments[i].until);
            from = to;
        }
    }

    function share(Run storage run, Reference.Reading[] memory own, bool fees)
        private
        view
        returns (ICorrections.Share memory s)
    {
        Reference.Due memory due = Reference.settle(
            own,
            registry.tariffs(run.station.gridOperator, GRID_OPERATOR, run.gridTariff),
            registry.tariffs(run.station.operator, STATION_OPERATOR, run.operatorTariff),
            fees
        );
        uint256 fed = own[own.length - 1].exported - own[0].exported;
        s.importWh = uint48(own[own.length - 1].imported - own[0].imported);
        if (due.feedIn < 0) s.returnWh = uint48(fed);
        else s.exportWh = uint48(fed);
        (s.networkCharge, s.serviceFee) = (uint80(due.networkCharge), uint80(due.serviceFee));
        s.feedIn = int88(due.feedIn);
    }

    // ------------------------------------------------------------------------------------------ What follows

    function disputed(uint256 run, ICorrections.Version memory v) internal {
        file(run, v);
        files[run].disputed = true;
        ++happened["disputed"];
    }

    /// @dev A participant has agreed; with the last consent the version is in force.
    function consented(
        uint256 run,
        ICorrections.Version memory v,
        ICorrections.Version memory next,
        uint24 by
    ) internal {
        file(run, v);
        bytes32 content = keccak256(abi.encode(next));
        agreed[content][by] = true;
        for (uint24 p = 1; p <= registry.participantCount(); ++p) {
            if (isNeeded(v, next, p) && !agreed[content][p]) return;
        }
        bytes32 name = keccak256(abi.encode(v.station, v.session, next.number));
        assertFalse(inForceOnce[name], "28: settled twice as one version");
        inForceOnce[name] = true;
        assertFalse(isFinal(run), "27: a final session was changed");
        assertEq(next.number, v.number + 1, "29: numbers go up");
        assertTrue(next.time > v.time, "29: times go on");
        postDifferences(run, v, next);
        files[run].before = files[run].version;
        files[run].version = abi.encode(next);
        files[run].disputed = false;
        ++happened["corrected"];
    }

    function file(uint256 run, ICorrections.Version memory v) private {
        if (isOnFile(run)) return;
        files[run].version = abi.encode(v);
        amended.push(run);
    }

    function postDifferences(
        uint256 run,
        ICorrections.Version memory v,
        ICorrections.Version memory next
    ) private {
        uint24[] memory suppliers = suppliersOf(v, next);
        for (uint256 i = 0; i < suppliers.length; ++i) {
            postRows(v, suppliers[i], changeOf(v, next, suppliers[i]), 1);
        }
        bytes32 content = keccak256(abi.encode(next));
        bytes32 entry = keccak256(abi.encode(4, v.station, v.session, next.number, content));
        record(v.gridOperator, entry);
        if (v.stationOperator != v.gridOperator) record(v.stationOperator, entry);
        for (uint256 i = 0; i < suppliers.length; ++i) {
            uint24 p = suppliers[i];
            Change memory c = changeOf(v, next, p);
            postRows(v, p, c, -1);
            if (p != v.gridOperator && p != v.stationOperator) record(p, entry);
            owes(p, v.gridOperator, c.toGrid - c.feedIn);
            owes(p, v.stationOperator, c.toOperator);
            energies[run][p].imported = uint256(int256(energies[run][p].imported) + c.imported);
            energies[run][p].exported = uint256(int256(energies[run][p].exported) + c.fed);
        }
    }

    /// @param sign 1: what is paid; -1: what is paid back
    function postRows(ICorrections.Version memory v, uint24 p, Change memory c, int256 sign)
        private
    {
        postRow(p, v.gridOperator, c.toGrid, sign);
        postRow(p, v.stationOperator, c.toOperator, sign);
        postRow(v.gridOperator, p, c.feedIn, sign);
    }

    function postRow(uint24 payer, uint24 payee, int256 amount, int256 sign) private {
        if (amount * sign <= 0) return;
        if (sign > 0) post(payer, payee, uint256(amount), 0, 0);
        else post(payee, payer, uint256(-amount), 0, 0);
    }

    function suppliersOf(ICorrections.Version memory v, ICorrections.Version memory next)
        private
        pure
        returns (uint24[] memory list)
    {
        list = new uint24[](v.shares.length + next.shares.length);
        uint256 count = 0;
        for (uint256 i = 0; i < list.length; ++i) {
            uint24 p = i < v.shares.length
                ? v.shares[i].supplier
                : next.shares[i - v.shares.length].supplier;
            bool known = false;
            for (uint256 j = 0; j < count; ++j) {
                known = known || list[j] == p;
            }
            if (!known) list[count++] = p;
        }
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }

    function changeOf(ICorrections.Version memory v, ICorrections.Version memory next, uint24 p)
        private
        pure
        returns (Change memory c)
    {
        add(c, next, p, 1);
        add(c, v, p, -1);
    }

    function add(Change memory c, ICorrections.Version memory v, uint24 p, int256 sign)
        private
        pure
    {
        (int256 imported, int256 fed) = energyIn(v, p);
        (c.imported, c.fed) = (c.imported + sign * imported, c.fed + sign * fed);
        for (uint256 i = 0; i < v.shares.length; ++i) {
            ICorrections.Share memory s = v.shares[i];
            if (s.supplier != p) continue;
            c.toGrid += sign * int256(uint256(s.networkCharge));
            c.toOperator += sign * int256(uint256(s.serviceFee));
            c.feedIn += sign * int256(s.feedIn);
        }
    }

    /// @dev Everyone where it costs nobody, or where somebody's energy moves from one interval to another.
    function isNeeded(ICorrections.Version memory v, ICorrections.Version memory next, uint24 who)
        private
        view
        returns (bool)
    {
        bool costs = false;
        for (uint24 p = 1; p <= registry.participantCount() && !costs; ++p) {
            costs = isCost(v, next, p);
        }
        uint24[] memory suppliers = suppliersOf(v, next);
        bool moves = false;
        for (uint256 i = 0; i < suppliers.length && !moves; ++i) {
            moves = movesInTime(v, next, suppliers[i], true)
                || movesInTime(v, next, suppliers[i], false);
        }
        return costs && !moves ? isCost(v, next, who) : isParty(v, next, who);
    }

    function movesInTime(
        ICorrections.Version memory v,
        ICorrections.Version memory next,
        uint24 p,
        bool imported
    ) private pure returns (bool) {
        Reference.Reading[] memory a = readingsOf(v, v.readings);
        Reference.Reading[] memory b = readingsOf(v, next.readings);
        (bool more, bool less) = (false, false);
        for (uint256 i = 1; i < a.length; ++i) {
            uint256 had = ownerAt(v, a[i - 1].time) == p ? energy(a, i, imported) : 0;
            uint256 has = ownerAt(next, a[i - 1].time) == p ? energy(b, i, imported) : 0;
            if (has > had) more = true;
            if (has < had) less = true;
        }
        return more && less;
    }

    function energy(Reference.Reading[] memory all, uint256 i, bool imported)
        private
        pure
        returns (uint256)
    {
        if (imported) return all[i].imported - all[i - 1].imported;
        return all[i].exported - all[i - 1].exported;
    }

    function ownerAt(ICorrections.Version memory v, uint256 time) private pure returns (uint24) {
        for (uint256 i = 0; i < v.shares.length; ++i) {
            if (time < v.shares[i].until) return v.shares[i].supplier;
        }
        return v.shares[v.shares.length - 1].supplier;
    }

    /// @dev Whether a participant is worse off towards another, on balance; or energy moves for nothing.
    function isCost(ICorrections.Version memory v, ICorrections.Version memory next, uint24 who)
        private
        pure
        returns (bool cost)
    {
        uint24[] memory suppliers = suppliersOf(v, next);
        for (uint256 i = 0; i < suppliers.length && !cost; ++i) {
            uint24 p = suppliers[i];
            Change memory c = changeOf(v, next, p);
            bool flows = c.imported != 0 || c.fed != 0 || returned(v, next, p);
            if (v.gridOperator == v.stationOperator) {
                int256 both = c.toGrid - c.feedIn + c.toOperator;
                cost = isWorse(p, v.gridOperator, both, flows, who);
                continue;
            }
            cost = isWorse(p, v.gridOperator, c.toGrid - c.feedIn, flows, who)
                || isWorse(p, v.stationOperator, c.toOperator, c.imported != 0, who);
        }
    }

    function isWorse(uint24 payer, uint24 payee, int256 more, bool flows, uint24 who)
        private
        pure
        returns (bool)
    {
        if (payer == payee) return false;
        bool both = more == 0 && flows;
        return (who == payer && (more > 0 || both)) || (who == payee && (more < 0 || both));
    }

    /// @dev Whether energy moves between what is paid for and what is charged.
    function returned(ICorrections.Version memory v, ICorrections.Version memory next, uint24 p)
        private
        pure
        returns (bool)
    {
        int256 change = 0;
        for (uint256 i = 0; i < v.shares.length; ++i) {
            if (v.shares[i].supplier == p) change -= int256(uint256(v.shares[i].returnWh));
        }
        for (uint256 i = 0; i < next.shares.length; ++i) {
            if (next.shares[i].supplier == p) change += int256(uint256(next.shares[i].returnWh));
        }
        return change != 0;
    }
}
