// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Which supplier supplies which vehicle, and since when
/// @notice A vehicle is a salted hash; the salt stays with the supplier. A change of supplier takes effect at the
/// start of a slot (an aligned quarter hour of 900 s) and never changes history.
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
    }

    // -------------------------------------------------------------------------------------------- Errors
    /// @notice Somebody supplies the vehicle, or will.
    error VehicleTaken(bytes32 vehicle);
    /// @notice The caller is not the last known supplier of the vehicle.
    error NotTheSupplier(bytes32 vehicle);
    /// @notice Nobody offered the vehicle to the caller.
    error NotOffered(bytes32 vehicle);
    /// @notice The change at `from` is too recent to be forgotten: late openings may need it.
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

    // ----------------------------------------------------------------------------------------- Suppliers

    /// @notice A supplier registers vehicles that nobody supplies, from the start of a slot, the running one at
    /// the earliest.
    /// @param ids salted hashes; the salt stays with the supplier
    function registerVehicles(bytes32[] calldata ids, uint40 from) external;

    /// @notice The present supplier offers vehicles to another one, effective at the start of a future slot.
    function offerVehicles(bytes32[] calldata ids, uint24 to, uint40 effective) external;

    /// @notice The new supplier accepts: the change takes effect at the slot that was offered.
    function acceptVehicles(bytes32[] calldata ids) external;

    /// @notice The supplier ends its supply at the start of a future slot.
    function releaseVehicles(bytes32[] calldata ids, uint40 effective) external;

    // --------------------------------------------------------------------------------------------- Views
    /// @notice A vehicle by its salted hash.
    function vehicles(bytes32 id) external view returns (Vehicle memory);
    /// @return the supplier's number at `time`, 0 if nobody supplies the vehicle then
    function supplierAt(bytes32 vehicle, uint40 time) external view returns (uint24);
}
