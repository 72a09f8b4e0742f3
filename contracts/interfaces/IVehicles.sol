// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Which supplier supplies which vehicle, and since when
/// @notice A vehicle is the hash of its first supplier and a salted hash; the salt stays with the supplier. A change
/// of supplier takes effect at the start of a slot (an aligned quarter hour of 900 s) and never changes history.
interface IVehicles {
    // --------------------------------------------------------------------------------------------- Types

    /// @notice Who supplies a vehicle, and since when; and the session it was last seen in.
    struct Vehicle {
        uint24 supplier; // from `from` until `nextFrom`
        uint40 from; // start of a slot; 0: never registered
        uint24 nextSupplier; // 0: nobody
        uint40 nextFrom; // start of a slot; 0: no change known
        uint32 station; // of the last session cleared for this vehicle
        uint32 session;
        bool keyed; // it has a key, or had one that was revoked, see `vehicleKeys`
    }

    /// @notice Who signs for a vehicle. Keys are kept as the address of their public key, of either curve.
    struct VehicleKeys {
        address key; // 0: revoked, nothing opens
        uint40 from; // openings with a time before this may bear the former key
        uint40 since; // openings before this need no signature
        address former;
    }

    // -------------------------------------------------------------------------------------------- Errors
    /// @notice Somebody supplies the vehicle, or will.
    error VehicleTaken(bytes32 vehicle);
    /// @notice The caller is not the last known supplier of the vehicle.
    error NotTheSupplier(bytes32 vehicle);
    /// @notice Nobody offered the vehicle to the caller.
    error NotOffered(bytes32 vehicle);
    /// @notice As many keys as vehicles.
    error LengthMismatch(uint256 ids, uint256 keys);
    /// @notice The change at `from` is too recent to be forgotten: late openings may need it, or the vehicle's open
    /// session waits for it.
    error ChangePending(bytes32 vehicle, uint256 from);

    // -------------------------------------------------------------------------------------------- Events
    /// @notice A supplier supplies the vehicle from `from` on.
    event VehicleRegistered(bytes32 indexed vehicle, uint24 indexed supplier, uint40 from);
    /// @notice A supplier offers to hand the vehicle over; nothing changes until the other accepts.
    event VehicleOffered(
        bytes32 indexed vehicle, uint24 indexed from, uint24 indexed to, uint40 effective
    );
    /// @notice Another supplier, or nobody (0), supplies the vehicle from `effective` on.
    event SupplierChanged(
        bytes32 indexed vehicle, uint24 indexed from, uint24 indexed to, uint40 effective
    );

    /// @notice `key` signs for the vehicle, from openings at `from` on nobody else.
    event VehicleKeySet(bytes32 indexed vehicle, address key, uint40 from);
    /// @notice No key signs for the vehicle, and nothing opens without one.
    event VehicleKeyRevoked(bytes32 indexed vehicle);
    /// @notice The vehicle's openings need no signature of its own any more.
    event VehicleKeyCleared(bytes32 indexed vehicle);

    // ----------------------------------------------------------------------------------------- Suppliers

    /// @notice A supplier registers vehicles, from the start of a slot, the running one at the earliest. Their ids
    /// are `vehicleIdOf` the caller and the commitments, so that nobody else can register them.
    /// @param commitments salted hashes of the contract ids; the salt stays with the supplier
    function registerVehicles(bytes32[] calldata commitments, uint40 from) external;

    /// @notice The present supplier offers vehicles to another one, effective at the start of a future slot.
    function offerVehicles(bytes32[] calldata ids, uint24 to, uint40 effective) external;

    /// @notice The new supplier accepts: the change takes effect at the slot that was offered.
    function acceptVehicles(bytes32[] calldata ids) external;

    /// @notice The supplier ends its supply at the start of a future slot.
    function releaseVehicles(bytes32[] calldata ids, uint40 effective) external;

    /// @notice The present supplier gives vehicles keys. The key before signs for openings before `from`; so does
    /// nobody before a vehicle's first key.
    /// @param keys addresses of public keys of either curve
    /// @param from any time, UTC seconds
    function setVehicleKeys(bytes32[] calldata ids, address[] calldata keys, uint40 from) external;

    /// @notice The present supplier cuts present and former key off at once. Nothing opens until a new key is set.
    function revokeVehicleKeys(bytes32[] calldata ids) external;

    /// @notice The present supplier asks for no signatures of these vehicles any more.
    function clearVehicleKeys(bytes32[] calldata ids) external;

    // --------------------------------------------------------------------------------------------- Views
    /// @return keccak256(abi.encode(supplier, commitment)): the id that a registration gives a vehicle for ever
    function vehicleIdOf(uint24 supplier, bytes32 commitment) external pure returns (bytes32);
    /// @notice A vehicle by its id.
    function vehicles(bytes32 id) external view returns (Vehicle memory);
    /// @notice Who signs for a vehicle.
    function vehicleKeys(bytes32 id) external view returns (VehicleKeys memory);
    /// @return the supplier's number at `time`, 0 if nobody supplies the vehicle then
    function supplierAt(bytes32 vehicle, uint40 time) external view returns (uint24);
}
