// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {Accounts} from "./Accounts.sol";
import {KeyedVehicles} from "./KeyedVehicles.sol";
import {ISessions} from "./interfaces/ISessions.sol";
import {Reason} from "./interfaces/Reason.sol";
import {Device} from "./libraries/Device.sol";
import {Funds} from "./libraries/Funds.sol";
import {Leaves} from "./libraries/Leaves.sol";
import {Market} from "./libraries/Market.sol";
import {Messages, Opening} from "./libraries/Messages.sol";
import {Progress, ProgressFields} from "./libraries/Progress.sol";
import {Storage} from "./libraries/Storage.sol";
import {Supply} from "./libraries/Supply.sol";
import {Terms} from "./libraries/Terms.sol";

/// @notice Decides openings. Checks return a reason instead of reverting, so that one bad message never stops a batch.
abstract contract Clearing is Accounts, KeyedVehicles, EIP712("Gridroam", "1"), ISessions {
    using Storage for Session;
    using Storage for Vehicle;
    using Storage for Account;

    /// @dev An opening on its way to a decision.
    struct Case {
        Supply supply; // of the vehicle
        bool supplied; // by a supplier of its own
        bool signed; // by the vehicle
        uint32 elsewhere; // station of the vehicle's open session, 0: none
        Terms terms;
        Reason refusal; // the registry's
        Market market;
    }

    /// @param separator of the EIP-712 domain
    function _open(bytes calldata message, bytes32 separator)
        internal
        returns (Reason reason, bytes32 leaf)
    {
        Opening o = Messages.opening(message);
        bytes32 vehicle = Messages.vehicleOf(message);
        bytes32 digest = MessageHashUtils.toTypedDataHash(separator, Messages.hash(o, vehicle));
        Session storage session = _sessions[o.station()];
        Supply supply = _vehicles[vehicle].load();
        uint24 own = supply.supplierAt(o.time());
        (Device device, Terms terms, Reason refusal, Market market) =
            REGISTRY.openingTerms(o.station(), own, o.time());
        Case memory c = Case(supply, own != 0, false, 0, terms, refusal, market);

        reason = _checkSigner(message, digest, o.station(), device, o.time());
        if (reason == Reason.None) {
            reason = _checkOpening(message, o, session.loadProgress(), c, digest);
        }
        if (reason == Reason.None) reason = _decide(session, o, c);
        if (reason != Reason.None) return (reason, _reject(o.station(), digest, reason));
        _clear(session, o, c, vehicle);
        leaf = Leaves.cleared(digest, Leaves.metaOf(c.terms), c.terms);
    }

    /// @dev The checks that leave no trace.
    function _checkOpening(
        bytes calldata message,
        Opening o,
        Progress s,
        Case memory c,
        bytes32 digest
    ) private view returns (Reason reason) {
        if (s.isOpen() || s.isSuperseded()) {
            return o.session() == s.number() ? Reason.SessionUsed : Reason.StationBusy;
        }
        if (o.session() <= s.number()) return Reason.SessionUsed;
        // times of 40 bits and limits of 32
        unchecked {
            if (o.time() > block.timestamp + c.market.skew()) return Reason.TimeInFuture;
            if (o.time() + c.market.backlog() < block.timestamp) return Reason.TooOld;
        }
        if (o.time() < s.time()) return Reason.TimeBackwards;
        (uint256 now_, uint256 before) = (o.reading(), s.reading());
        if (now_ >> 48 < before >> 48 || uint48(now_) < uint48(before)) {
            return Reason.RegisterBackwards;
        }
        if (!c.supply.keyed()) return Reason.None;
        (c.signed, reason) = _checkVehicle(message, Messages.vehicleOf(message), digest, o.time());
    }

    /// @dev Uses the session number up, whatever comes of it.
    function _decide(Session storage session, Opening o, Case memory c)
        private
        returns (Reason reason)
    {
        reason = _decision(o, c);
        uint256 flags = c.signed ? ProgressFields.VEHICLE_SIGNED : 0;
        State state = State.Refused;
        if (reason == Reason.None) {
            state = State.Open;
            if (c.supplied && c.supply.nextFrom() > o.time()) flags |= _meetChange(o, c);
        }
        session.save(ProgressFields.pack(o.session(), 0, o.time(), o.reading(), state, flags));
    }

    /// @dev Holds the reserves if it is for the opening.
    function _decision(Opening o, Case memory c) private returns (Reason) {
        if (c.refusal != Reason.None) return c.refusal;
        if (c.supplied && _isElsewhere(c, o.station())) return Reason.VehicleBusy;
        return _reserve(c.terms);
    }

    /// @dev Released vehicles stay with their supplier until the session ends.
    function _meetChange(Opening o, Case memory c) private returns (uint256) {
        if (c.supply.nextSupplier() == 0) return 0;
        _changes[o.station()] = Change(c.supply.nextSupplier(), c.supply.nextFrom());
        return ProgressFields.CHANGE_KNOWN;
    }

    /// @dev A session that the vehicle signed wins over one that it did not.
    function _isElsewhere(Case memory c, uint32 here) private view returns (bool) {
        uint32 station = c.supply.station();
        if (station == 0 || station == here) return false;
        Progress s = _sessions[station].loadProgress();
        if (!s.isOpen() || s.number() != c.supply.session()) return false;
        c.elsewhere = station;
        return !c.signed || s.vehicleSigned();
    }

    /// @dev Holds the reserves of both payers, or neither.
    function _reserve(Terms t) private returns (Reason) {
        (uint24 supplier, uint24 grid) = (t.supplier(), t.gridOperator());
        Account storage account = _accounts[supplier];
        Funds funds = account.load();
        if (!funds.covers(t.supplierReserve())) return Reason.SupplierNotCovered;
        if (t.gridReserve() != 0) {
            Account storage gridAccount = _accounts[grid];
            Funds gridFunds = gridAccount.load();
            if (!gridFunds.covers(t.gridReserve())) return Reason.GridOperatorNotCovered;
            gridAccount.save(gridFunds.hold(t.gridReserve()));
        }
        account.save(funds.hold(t.supplierReserve()));
        return Reason.None;
    }

    function _clear(Session storage session, Opening o, Case memory c, bytes32 vehicle) private {
        Terms t = c.terms;
        if (c.elsewhere != 0) _supersede(c.elsewhere);
        session.save(t);
        if (c.supplied) _vehicles[vehicle].save(c.supply.movedTo(o.station(), o.session()));
        emit SessionCleared(
            o.station(),
            vehicle,
            t.supplier(),
            o.session(),
            o.time(),
            o.importRegister(),
            o.exportRegister(),
            t.gridTariff(),
            t.operatorTariff()
        );
    }

    function _supersede(uint32 station) private {
        Session storage s = _sessions[station];
        Progress p = s.loadProgress();
        s.save(p.withState(State.Superseded));
        emit SessionSuperseded(station, uint32(p.number()));
    }

    // ---------------------------------------------------------------------------------------- Both kinds

    /// @dev An approved station keeps its grid operator for ever, also closed: then it has no key.
    function _checkSigner(
        bytes calldata message,
        bytes32 digest,
        uint32 station,
        Device device,
        uint40 time
    ) internal view returns (Reason) {
        if (device.gridOperator() == 0) return Reason.UnknownStation;
        address signer = Messages.signerOf(message, digest);
        address key = device.key();
        if (signer == key && key != address(0)) return Reason.None;
        // a former key is looked up only when the present one did not sign
        address former = REGISTRY.formerKeyAt(station, time);
        if (key == address(0) && former == address(0)) return Reason.UnknownStation;
        return signer == former && former != address(0) ? Reason.None : Reason.BadSignature;
    }

    function _reject(uint32 station, bytes32 digest, Reason reason) internal returns (bytes32) {
        emit MessageRejected(station, reason, digest);
        return Leaves.rejected(digest, reason);
    }
}
