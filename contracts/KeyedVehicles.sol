// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vehicles} from "./Vehicles.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Reason} from "./interfaces/Reason.sol";
import {Messages} from "./libraries/Messages.sol";
import {Storage} from "./libraries/Storage.sol";

/// @notice Keys with which vehicles sign their openings. A mapping of its own, so that a vehicle without a key pays
/// nothing for it.
abstract contract KeyedVehicles is Vehicles {
    using Storage for Vehicle;

    mapping(bytes32 id => VehicleKeys) private _vehicleKeys;

    // ----------------------------------------------------------------------------------------- Suppliers

    function setVehicleKeys(bytes32[] calldata ids, address[] calldata keys, uint40 from) external {
        uint24 supplier = REGISTRY.requireParticipant(msg.sender);
        require(ids.length == keys.length, LengthMismatch(ids.length, keys.length));
        for (uint256 i = 0; i < ids.length; ++i) {
            require(keys[i] != address(0), IRegistry.InvalidKey());
            Vehicle storage v = _suppliedNow(supplier, ids[i]);
            VehicleKeys storage k = _vehicleKeys[ids[i]];
            if (!v.keyed) (v.keyed, k.since) = (true, from);
            (k.former, k.key, k.from) = (k.key, keys[i], from);
            emit VehicleKeySet(ids[i], keys[i], from);
        }
    }

    function revokeVehicleKeys(bytes32[] calldata ids) external {
        uint24 supplier = REGISTRY.requireParticipant(msg.sender);
        for (uint256 i = 0; i < ids.length; ++i) {
            // also one that never had a key: nothing opens until it has one
            _suppliedNow(supplier, ids[i]).keyed = true;
            delete _vehicleKeys[ids[i]];
            emit VehicleKeyRevoked(ids[i]);
        }
    }

    function clearVehicleKeys(bytes32[] calldata ids) external {
        uint24 supplier = REGISTRY.requireParticipant(msg.sender);
        for (uint256 i = 0; i < ids.length; ++i) {
            _suppliedNow(supplier, ids[i]).keyed = false;
            delete _vehicleKeys[ids[i]];
            emit VehicleKeyCleared(ids[i]);
        }
    }

    // --------------------------------------------------------------------------------------------- Views

    function vehicleKeys(bytes32 id) external view returns (VehicleKeys memory) {
        return _vehicleKeys[id];
    }

    // ------------------------------------------------------------------------------------------ Internal

    /// @dev Only for a vehicle with a key. A signature that nobody needs is ignored where it is not the vehicle's.
    /// @return signed whether the vehicle signed
    /// @return reason `BadVehicleSignature` if it did not and had to
    function _checkVehicle(bytes calldata message, bytes32 id, bytes32 digest, uint256 time)
        internal
        view
        returns (bool signed, Reason reason)
    {
        VehicleKeys memory k = _vehicleKeys[id];
        address signer = Messages.vehicleSignerOf(message, digest);
        signed = signer != address(0) && (signer == k.key || (signer == k.former && time < k.from));
        if (!signed && time >= k.since) reason = Reason.BadVehicleSignature;
    }

    /// @dev Keys are the business of whoever supplies the vehicle at this moment.
    function _suppliedNow(uint24 supplier, bytes32 id) private view returns (Vehicle storage v) {
        v = _vehicles[id];
        // slither-disable-next-line incorrect-equality numbers of participants, no balances
        require(v.load().supplierAt(block.timestamp) == supplier, NotTheSupplier(id));
    }
}
