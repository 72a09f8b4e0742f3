// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISessions} from "./interfaces/ISessions.sol";
import {IVehicles} from "./interfaces/IVehicles.sol";
import {Progress} from "./libraries/Progress.sol";
import {Storage} from "./libraries/Storage.sol";
import {Supply} from "./libraries/Supply.sol";

/// @notice Vehicles and their suppliers. A change takes effect at the start of a future slot and needs both the
/// old supplier and the new one; the one before stays known for as long as an opening may be late.
abstract contract Vehicles is Base, IVehicles {
    using Storage for Vehicle;
    using Storage for ISessions.Session;

    /// @notice An offered change of supplier that the new one has not accepted.
    struct Offer {
        uint24 from;
        uint24 to;
        uint40 effective;
    }

    mapping(bytes32 id => Vehicle) internal _vehicles;
    mapping(bytes32 id => Offer) private _offers;

    // ----------------------------------------------------------------------------------------- Suppliers

    function registerVehicles(bytes32[] calldata commitments, uint40 from) external {
        uint24 supplier = REGISTRY.requireActive(msg.sender, SUPPLIER);
        _requireSlotStart(from);
        require(from + 900 > block.timestamp, IRegistry.TooEarly(from, block.timestamp - 899));
        for (uint256 i = 0; i < commitments.length; ++i) {
            bytes32 id = vehicleIdOf(supplier, commitments[i]);
            Vehicle storage v = _vehicles[id];
            if (v.from == 0) (v.supplier, v.from) = (supplier, from);
            else _registerAgain(id, supplier, from);
            emit VehicleRegistered(id, supplier, from);
        }
    }

    function offerVehicles(bytes32[] calldata ids, uint24 to, uint40 effective) external {
        uint24 supplier = REGISTRY.requireParticipant(msg.sender);
        _requireSlotStart(effective);
        require(REGISTRY.isActive(to, SUPPLIER), IRegistry.NotActive(to));
        for (uint256 i = 0; i < ids.length; ++i) {
            _requireSupplies(supplier, ids[i]);
            _offers[ids[i]] = Offer(supplier, to, effective);
            emit VehicleOffered(ids[i], supplier, to, effective);
        }
    }

    function acceptVehicles(bytes32[] calldata ids) external {
        uint24 supplier = REGISTRY.requireActive(msg.sender, SUPPLIER);
        for (uint256 i = 0; i < ids.length; ++i) {
            Offer memory offer = _offers[ids[i]];
            require(offer.to == supplier, NotOffered(ids[i]));
            _requireSupplies(offer.from, ids[i]);
            require(
                offer.effective >= block.timestamp,
                IRegistry.TooEarly(offer.effective, block.timestamp)
            );
            delete _offers[ids[i]];
            _changeOnTheRoad(ids[i], offer);
            _change(ids[i], supplier, offer.effective);
            emit SupplierChanged(ids[i], offer.from, supplier, offer.effective);
        }
    }

    function releaseVehicles(bytes32[] calldata ids, uint40 effective) external {
        uint24 supplier = REGISTRY.requireParticipant(msg.sender);
        _requireSlotStart(effective);
        require(effective >= block.timestamp, IRegistry.TooEarly(effective, block.timestamp));
        for (uint256 i = 0; i < ids.length; ++i) {
            _requireSupplies(supplier, ids[i]);
            _change(ids[i], 0, effective);
            emit SupplierChanged(ids[i], supplier, 0, effective);
        }
    }

    // --------------------------------------------------------------------------------------------- Views

    function vehicleIdOf(uint24 supplier, bytes32 commitment) public pure returns (bytes32) {
        return keccak256(abi.encode(supplier, commitment));
    }

    function vehicles(bytes32 id) external view returns (Vehicle memory) {
        return _vehicles[id];
    }

    function supplierAt(bytes32 id, uint40 time) external view returns (uint24) {
        return _vehicles[id].load().supplierAt(time);
    }

    // ------------------------------------------------------------------------------------------ Internal

    function _requireSlotStart(uint256 time) private pure {
        require(time % 900 == 0, IRegistry.NotSlotAligned(time));
    }

    /// @dev The supplier who decides about a vehicle is the last one known, present or future.
    function _requireSupplies(uint24 supplier, bytes32 id) private view {
        Vehicle storage v = _vehicles[id];
        uint24 last = v.nextFrom == 0 ? v.supplier : v.nextSupplier;
        require(supplier != 0 && last == supplier, NotTheSupplier(id));
    }

    /// @dev Released: nobody supplies it from now on. Only its first supplier gets here, others have other ids.
    function _registerAgain(bytes32 id, uint24 supplier, uint40 from) private {
        Vehicle storage v = _vehicles[id];
        bool released = v.nextFrom != 0 && v.nextSupplier == 0 && v.nextFrom <= block.timestamp;
        require(released, VehicleTaken(id));
        require(from >= block.timestamp, IRegistry.TooEarly(from, block.timestamp));
        _change(id, supplier, from);
    }

    /// @dev The session that the vehicle is in will be settled with the new supplier from then on.
    function _changeOnTheRoad(bytes32 id, Offer memory offer) private {
        Vehicle storage v = _vehicles[id];
        ISessions.Session storage s = _sessions[v.station];
        Progress p = s.loadProgress();
        if (!p.isOpen() || p.number() != v.session) return;
        require(!p.changeKnown(), ChangePending(id, _changes[v.station].effective));
        if (s.supplier != offer.from) return;
        s.save(p.withChange());
        _changes[v.station] = ISessions.Change(offer.to, offer.effective);
    }

    /// @dev An earlier change is forgotten only when no opening can be so late that it matters.
    function _change(bytes32 id, uint24 supplier, uint40 effective) private {
        Vehicle storage v = _vehicles[id];
        if (v.nextFrom != 0) {
            require(
                v.nextFrom + REGISTRY.limits().backlog <= block.timestamp,
                ChangePending(id, v.nextFrom)
            );
            (v.supplier, v.from) = (v.nextSupplier, v.nextFrom);
        }
        require(effective > v.from, IRegistry.TooEarly(effective, v.from));
        (v.nextSupplier, v.nextFrom) = (supplier, effective);
    }
}
