// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Clearing} from "./Clearing.sol";
import {Reason} from "./interfaces/Reason.sol";
import {Device} from "./libraries/Device.sol";
import {Funds} from "./libraries/Funds.sol";
import {Leaves} from "./libraries/Leaves.sol";
import {Market} from "./libraries/Market.sol";
import {Messages, Report} from "./libraries/Messages.sol";
import {Prices} from "./libraries/Prices.sol";
import {Progress, ProgressFields} from "./libraries/Progress.sol";
import {Slots} from "./libraries/Slots.sol";
import {Storage} from "./libraries/Storage.sol";
import {Terms} from "./libraries/Terms.sol";

/// @notice Settles reports, in two parts where the supplier changes on the road.
abstract contract Settlement is Clearing {
    using Storage for Session;
    using Storage for Account;

    /// @dev What a session is priced with.
    struct Tariffs {
        Slots.Frame frame;
        Prices grid;
        Prices operator;
    }

    /// @dev A stretch of a session and what it costs whom.
    struct Part {
        uint256 first; // reading
        bytes registers; // readings at each slot boundary after it, and at the end
        uint256 start; // UTC seconds
        uint256 end; // UTC seconds
        bool last; // ends the session
        uint256 networkCharge; // nano-euro
        uint256 serviceFee; // nano-euro
        int256 feedIn; // nano-euro
    }

    /// @param separator of the EIP-712 domain
    function _report(bytes calldata message, bytes32 separator)
        internal
        returns (Reason reason, bytes32 leaf)
    {
        Report r = Messages.report(message);
        bytes memory registers = Messages.registersOf(message);
        bytes32 digest = MessageHashUtils.toTypedDataHash(
            separator, Messages.hash(r, Messages.evidenceOf(message), registers)
        );
        Session storage session = _sessions[r.station()];
        (Progress s, Terms t) = (session.loadProgress(), session.loadTerms());
        (Device device, Market market, Tariffs memory tariffs) = _tariffsOf(r.station(), t);
        reason = _checkSigner(message, digest, r.station(), device, r.time());
        if (reason == Reason.None) reason = _checkReport(r, s, registers.length, market.skew());
        if (reason == Reason.None) {
            (reason, leaf) = _settle(session, r, digest, s, t, registers, tariffs);
        }
        if (reason != Reason.None) leaf = _reject(r.station(), digest, reason);
    }

    function _tariffsOf(uint32 station, Terms t)
        private
        view
        returns (Device device, Market market, Tariffs memory tariffs)
    {
        Slots.Frame memory frame = tariffs.frame;
        (device, tariffs.grid, frame.gridLevels, tariffs.operator, frame.operatorLevels, market) =
            REGISTRY.tariffsOf(station, t);
        (frame.maxPower, frame.maxFeedIn) = (device.maxPower(), device.maxFeedIn());
    }

    /// @dev The checks that leave no trace.
    /// @param length of the registers, the report's own included
    function _checkReport(Report r, Progress s, uint256 length, uint256 skew)
        private
        view
        returns (Reason)
    {
        if (!s.isOpen() || r.session() != s.number()) return Reason.SessionNotOpen;
        if (r.number() <= s.report()) return Reason.ReportUsed;
        // numbers, times and their quotients have less than 64 bits
        unchecked {
            if (r.number() != s.report() + 1) return Reason.ReportMissing;
            if (r.time() > block.timestamp + skew) return Reason.TimeInFuture;
            if (r.time() < s.time()) return Reason.TimeBackwards;
            uint256 count = Slots.boundariesBetween(s.time(), r.time());
            bool wrong = count > Slots.MAX_BOUNDARIES || length != (count + 1) * Slots.BOUNDARY;
            return wrong ? Reason.WrongBoundaries : Reason.None;
        }
    }

    /// @return reason why a register or the power cannot be, before anything has changed
    function _settle(
        Session storage session,
        Report r,
        bytes32 digest,
        Progress s,
        Terms t,
        bytes memory registers,
        Tariffs memory tariffs
    ) private returns (Reason reason, bytes32 leaf) {
        Part memory p = Part(s.reading(), registers, s.time(), r.time(), r.last(), 0, 0, 0);
        if (s.changeKnown()) return _settleOverChange(session, r, digest, s, t, p, tariffs);
        if (!_price(p, tariffs)) return (Slots.explain(p.first, registers), 0);
        _advance(session, r, s.vehicleSigned() ? ProgressFields.VEHICLE_SIGNED : 0);
        leaf = _book(r, digest, t, p);
    }

    /// @dev The same where a change of supplier is known: before, over, or after its time.
    function _settleOverChange(
        Session storage session,
        Report r,
        bytes32 digest,
        Progress s,
        Terms t,
        Part memory p,
        Tariffs memory tariffs
    ) private returns (Reason reason, bytes32 leaf) {
        uint256 effective = _changes[r.station()].effective;
        bool switches = effective <= s.time() || effective < r.time();
        bool cuts = switches && effective > s.time();
        bytes memory registers = p.registers;
        // slither-disable-next-line uninitialized-local empty where nothing is cut
        Part memory former;
        if (cuts) (former, p) = _cut(p, effective);
        if (!_price(p, tariffs) || (cuts && !_price(former, tariffs))) {
            return (Slots.explain(s.reading(), registers), 0);
        }
        uint256 flags = s.vehicleSigned() ? ProgressFields.VEHICLE_SIGNED : 0;
        _advance(session, r, switches ? flags : flags | ProgressFields.CHANGE_KNOWN);
        bytes32 first = cuts ? _book(r, digest, t, former) : bytes32(0);
        leaf = _book(r, digest, switches ? _switch(session, r, t) : t, p);
        if (cuts) leaf = Hashes.commutativeKeccak256(first, leaf);
    }

    /// @dev A change takes effect at the start of a slot, so there is a reading at that moment.
    function _cut(Part memory p, uint256 time)
        private
        pure
        returns (Part memory former, Part memory rest)
    {
        uint256 length = (Slots.boundariesBetween(p.start, time) + 1) * Slots.BOUNDARY;
        bytes memory registers = Bytes.slice(p.registers, 0, length);
        former = Part(p.first, registers, p.start, time, false, 0, 0, 0);
        uint256 first = Slots.readingAt(registers, length - Slots.BOUNDARY);
        rest = Part(first, Bytes.slice(p.registers, length), time, p.end, p.last, 0, 0, 0);
    }

    /// @return possible whether the registers run forwards within the power; else nothing is priced
    function _price(Part memory p, Tariffs memory tariffs) private pure returns (bool possible) {
        uint256 gridSum;
        uint256 operatorSum;
        (possible, gridSum, operatorSum) =
            Slots.split(p.first, p.registers, p.start, p.end, tariffs.frame);
        p.networkCharge = tariffs.grid.importAmount(gridSum);
        p.serviceFee = tariffs.operator.importAmount(operatorSum);
        p.feedIn = tariffs.grid.exportAmount(gridSum);
        // 2^64 and 2^42
        unchecked {
            if (p.last) {
                p.networkCharge += tariffs.grid.fee();
                p.serviceFee += tariffs.operator.fee();
            }
        }
    }

    function _advance(Session storage session, Report r, uint256 flags) private {
        State state = r.last() ? State.Closed : State.Open;
        session.save(
            ProgressFields.pack(r.session(), r.number(), r.time(), r.reading(), state, flags)
        );
    }

    /// @dev From here on the session is the new supplier's. It takes the reserve over as far as it is covered.
    function _switch(Session storage session, Report r, Terms t) private returns (Terms next) {
        Change memory change = _changes[r.station()];
        uint24 former = t.supplier();
        uint64 reserve = t.supplierReserve();
        _release(former, reserve);
        Account storage account = _accounts[change.supplier];
        if (!account.load().covers(reserve)) reserve = 0;
        account.save(account.load().hold(reserve));
        next = t.withSupplier(change.supplier, reserve);
        session.save(next);
        emit SupplierSwitched(
            r.station(), former, change.supplier, r.session(), change.effective, reserve
        );
    }

    /// @dev Posts a part, in the journals and events too.
    function _book(Report r, bytes32 digest, Terms t, Part memory p)
        private
        returns (bytes32 leaf)
    {
        leaf = Leaves.settled(
            digest,
            Leaves.metaOf(t) | p.end << Leaves.UNTIL,
            p.networkCharge,
            p.serviceFee,
            p.feedIn
        );
        uint256 energy;
        // registers run forwards, so nothing is borrowed between the two
        unchecked {
            energy = Slots.readingAt(p.registers, p.registers.length - Slots.BOUNDARY) - p.first;
        }
        _postAll(t, p, energy >> 48, uint48(energy));
        _recordAll(t, leaf);
        emit ReportSettled(
            r.station(),
            t.supplier(),
            r.session(),
            r.number(),
            uint40(p.end),
            uint48(energy >> 48),
            uint48(energy),
            uint80(p.networkCharge),
            uint80(p.serviceFee),
            int80(p.feedIn),
            p.last
        );
    }

    /// @dev The supplier is in every posting: its funds are loaded once and saved once. What the grid operator held is
    /// released before that, because one participant may be both.
    function _postAll(Terms t, Part memory p, uint256 taken, uint256 fed) private {
        (uint24 supplier, uint24 grid) = (t.supplier(), t.gridOperator());
        if (p.last) _release(grid, t.gridReserve());
        Account storage account = _accounts[supplier];
        Funds funds = account.load();
        if (p.last) funds = funds.release(t.supplierReserve());
        funds = _post(funds, supplier, grid, true, p.networkCharge, taken, 0);
        funds = _post(funds, supplier, t.stationOperator(), true, p.serviceFee, taken, 0);
        funds = _post(funds, supplier, grid, p.feedIn < 0, SignedMath.abs(p.feedIn), 0, fed);
        account.save(funds);
    }

    function _recordAll(Terms t, bytes32 leaf) private {
        (uint24 supplier, uint24 grid, uint24 operator) =
            (t.supplier(), t.gridOperator(), t.stationOperator());
        _record(supplier, leaf);
        if (grid != supplier) _record(grid, leaf);
        if (operator != supplier && operator != grid) _record(operator, leaf);
    }
}
